"""A scalar autograd engine and a micro neural net, made to be read, stepped through and trusted.

The names that a notebook needs are here; each room has more: `ops` and `engine`, `nn`, `losses`,
`optim`, `data`, `training`, `draw`, `plots`.
"""

import micrograd_notes._ctrl_c  # (first: it takes care of Ctrl-C from here on)
import micrograd_notes.copying  # (registers how graphs are copied and pickled)
import micrograd_notes.methods  # noqa: F401  (makes the rows of the table methods of `Value`)
from micrograd_notes.draw import draw_backward, draw_dot, draw_model
from micrograd_notes.engine import Value, detect_anomaly, grad, no_grad, topological_order
from micrograd_notes.lifting import lift
from micrograd_notes.nn import MLP, Layer, Module, Neuron
from micrograd_notes.op import TABLE, Op
from micrograd_notes.ops import *  # noqa: F403  (every row of the table)
from micrograd_notes.ops import __all__ as _operations

__all__ = [
    "MLP",
    "TABLE",
    "Layer",
    "Module",
    "Neuron",
    "Op",
    "Value",
    "detect_anomaly",
    "draw_backward",
    "draw_dot",
    "draw_model",
    "grad",
    "lift",
    "no_grad",
    "topological_order",
]
__all__ += _operations
__version__ = "0.1.0"
