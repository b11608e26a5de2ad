"""Training: data sets, optimisers, the loop `fit`, and callbacks that record or watch a run.

Read `loop.py` first. Networks come from `nn`, and `draw` makes pictures of the results.
"""

from micrograd_notes.train.dataset import Dataset
from micrograd_notes.train.evaluation import accuracy, evaluate, predict, predict_proba
from micrograd_notes.train.history import History
from micrograd_notes.train.loop import fit
from micrograd_notes.train.optim import SGD, Adam
from micrograd_notes.train.recording import Recorder
from micrograd_notes.train.saved_run import load_run
from micrograd_notes.train.scaling import Scaler
from micrograd_notes.train.watching import Watcher

__all__ = [
    "SGD", "Adam", "Dataset", "History", "Recorder", "Scaler", "Watcher", "accuracy", "evaluate",
    "fit", "load_run", "predict", "predict_proba",
]
