"""A scalar autograd engine and a micro neural net, made to be read, stepped through and trusted."""

from micrograd_notes import copying as _copying  # registers how graphs are copied and pickled
from micrograd_notes.engine import Value, grad, no_grad, topological_order

__all__ = ["Value", "grad", "no_grad", "topological_order"]
__version__ = "0.1.0"
