"""Networks of neurons, their losses, and model files: what learns, and how far off it is."""

from micrograd_notes.nn.networks import MLP, Layer, Module, Neuron
from micrograd_notes.nn.saving import load_model, save_model

__all__ = ["MLP", "Layer", "Module", "Neuron", "load_model", "save_model"]
