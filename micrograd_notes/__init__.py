"""A scalar autograd engine and a micro neural net, made to be read, stepped through and trusted.

Every name that a notebook needs is here. A room of the package is imported when one of its names is
first used, so that `import micrograd_notes` costs no more than the engine. Read README.md beside
this file next: it is the map of the rooms.
"""

from micrograd_notes.common import ctrl_c  # noqa: F401, I001  (first: the command's Ctrl-C)
from importlib import import_module
from typing import TYPE_CHECKING, Any

from micrograd_notes.common import moved
from micrograd_notes.engine import *  # noqa: F403
from micrograd_notes.engine import __all__ as _engine

if TYPE_CHECKING:  # the same names, for editors and type checkers: a test compares the two
    from micrograd_notes.course.exercises import check as check
    from micrograd_notes.draw import draw_backward as draw_backward
    from micrograd_notes.draw import draw_dot as draw_dot
    from micrograd_notes.draw import draw_model as draw_model
    from micrograd_notes.draw import plots as plots
    from micrograd_notes.draw.training.page import training_page as training_page
    from micrograd_notes.lifting import CannotLift as CannotLift
    from micrograd_notes.lifting import lift as lift
    from micrograd_notes.nn import MLP as MLP
    from micrograd_notes.nn import Layer as Layer
    from micrograd_notes.nn import Module as Module
    from micrograd_notes.nn import Neuron as Neuron
    from micrograd_notes.nn import load_model as load_model
    from micrograd_notes.nn import save_model as save_model
    from micrograd_notes.nn.losses import (
        binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    )
    from micrograd_notes.nn.losses import cross_entropy as cross_entropy
    from micrograd_notes.nn.losses import hinge_loss as hinge_loss
    from micrograd_notes.nn.losses import mse_loss as mse_loss
    from micrograd_notes.testing import check_operation as check_operation
    from micrograd_notes.testing import gradcheck as gradcheck
    from micrograd_notes.testing import opcheck as opcheck
    from micrograd_notes.train import SGD as SGD
    from micrograd_notes.train import Adam as Adam
    from micrograd_notes.train import Dataset as Dataset
    from micrograd_notes.train import History as History
    from micrograd_notes.train import Recorder as Recorder
    from micrograd_notes.train import Watcher as Watcher
    from micrograd_notes.train import accuracy as accuracy
    from micrograd_notes.train import data as data
    from micrograd_notes.train import evaluate as evaluate
    from micrograd_notes.train import fit as fit
    from micrograd_notes.train import predict as predict

_HOMES = {
    "nn": "MLP Layer Module Neuron load_model save_model",
    "nn.losses": "binary_cross_entropy_with_logits cross_entropy hinge_loss mse_loss",
    "lifting": "CannotLift lift",
    "train": "SGD Adam Dataset History Recorder Watcher accuracy data evaluate fit predict",
    "draw": "draw_backward draw_dot draw_model plots",
    "draw.training.page": "training_page",
    "testing": "check_operation gradcheck opcheck",
    "course.exercises": "check",
}
"""The public names outside of the engine, by their room."""

_home_of = {name: room for room, names in _HOMES.items() for name in names.split()}

__all__ = [*_engine, *_home_of]
__version__ = "0.1.0"

moved.install()


def __getattr__(name: str) -> Any:
    """Imports the room of a public name when it is first used."""
    if name not in _home_of:
        raise AttributeError(f"micrograd_notes does not have {name!r}")
    room = import_module(f"micrograd_notes.{_home_of[name]}")
    # A module, such as `plots`, is an attribute of its room only after it was imported.
    is_module = not hasattr(room, name)
    thing = import_module(f"{room.__name__}.{name}") if is_module else getattr(room, name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
