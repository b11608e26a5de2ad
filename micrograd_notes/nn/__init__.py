"""Networks: `Module`, `Neuron`, `Layer`, `MLP`, their losses, and model files.

Read `layers.py` first, then `losses.py`. `train` trains these models and `draw` draws them.
"""

from micrograd_notes.nn.layers import MLP, Layer, Neuron, activation_names
from micrograd_notes.nn.module import Module
from micrograd_notes.nn.saving import load_model, save_model

__all__ = ["MLP", "Layer", "Module", "Neuron", "activation_names", "load_model", "save_model"]
