"""Plain MLPs: their sizes, their activations, and their parameters as one vector.

A plain MLP has a program on arrays (`wide.py`) and a counterpart in PyTorch (`pytorch.py`).
"""

from collections.abc import Sequence
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.engine.op import Op, is_built_in
from micrograd_notes.nn import MLP, Layer, Neuron

Activations = tuple[Op | None, ...]


def is_plain(model: Any) -> bool:
    """Returns whether the model is a plain MLP, and not a subclass with other methods."""
    return type(model) is MLP and all(
        type(layer) is Layer and all(type(neuron) is Neuron for neuron in layer.neurons)
        for layer in model.layers
    )


def activations_of(model: Any) -> Activations | None:
    """Returns one built-in activation per layer; None if it isn't a plain MLP that has them.

    >>> activations_of(MLP(2, [3, 1], activation="tanh"))
    (Op(tanh), None)
    """
    if not is_plain(model):
        return None
    found = []
    for before, layer in zip([None, *model.layers], model.layers, strict=False):
        activation = layer.neurons[0].activation
        is_known = activation is None or (isinstance(activation, Op) and is_built_in(activation))
        widths = {len(neuron.w) for neuron in layer.neurons}
        fits = before is None or widths == {len(before.neurons)}
        is_same = all(neuron.activation is activation for neuron in layer.neurons)
        if not (is_known and fits and is_same and len(widths) == 1):
            return None
        found.append(activation)
    return tuple(found)


def sizes_of(model: Any) -> tuple[int, ...]:
    """Returns the number of inputs of a plain MLP, and the widths of its layers."""
    layers = [layer.neurons for layer in model.layers]
    return len(layers[0][0].w), *map(len, layers)


def leaves_of(model: Any) -> list[Value]:
    """Returns the parameters of a plain MLP in the order of its program's vector."""
    rows: list[Sequence[Value]] = []
    for layer in model.layers:
        rows += zip(*[neuron.w for neuron in layer.neurons], strict=True)
        rows.append([neuron.b for neuron in layer.neurons])
    return [parameter for row in rows for parameter in row]


def vector_of(model: Any) -> Any:
    """Returns the numbers of a plain MLP as the vector that its program takes."""
    import numpy as np

    return np.array([parameter.data for parameter in leaves_of(model)])
