"""Programs on arrays for MLPs of any width, each of them lifted from a narrow MLP.

Lifting an MLP takes time for every weight. But the source is the same for all widths: only
`unpack`, which cuts the vector of parameters into arrays, holds sizes. So a narrow MLP is lifted,
once, and gets the `unpack` of the real widths. `outputs.py` and `estimators.py` call `program_of`.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.engine.op import Op, is_built_in
from micrograd_notes.lifting import lift
from micrograd_notes.nn import MLP, Layer, Neuron

Activations = tuple[Op | None, ...]
Loss = Callable[[Any, Any], Any]


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


@lru_cache(maxsize=128)
def program_of(
    sizes: tuple[int, ...], activations: Activations, loss: Loss | None = None
) -> Callable[..., Any]:
    """Returns the program of an MLP of these sizes, a function of its vector and of arrays.

    Without a loss, program(theta, x) returns the outputs: (n, outputs), or (n,) if there is one.
    With a loss(outputs, target) of one example, program(theta, x, y) returns the mean loss and its
    gradient. NumPy follows IEEE rules there, so what overflows is inf.

    >>> model = MLP(20, [300, 2], activation="tanh", seed=0)
    >>> program = program_of(sizes_of(model), activations_of(model))
    >>> outputs = program(vector_of(model), [[0.5] * 20])
    >>> bool(abs(outputs[0, 1] - model([0.5] * 20)[1].data) < 1e-12)
    True
    """
    import numpy as np

    # A width of 1 is spelled otherwise, with sizes; after the last layer it is spelled without.
    is_narrowed = 1 not in sizes[:-1]
    narrow = tuple(min(size, 2 + i) for i, size in enumerate(sizes)) if is_narrowed else sizes
    entry = "forward" if loss is None else "loss_and_gradient"
    scope: dict[str, Any] = {}
    exec(re.sub(r"\n +assert .*", "", _source(narrow, activations, loss)), scope)  # of one size
    scope["unpack"] = lambda theta: _unpacked(theta, sizes)

    def program(theta: Any, *arrays: Any) -> Any:
        with np.errstate(all="ignore"):
            found = scope[entry](theta, *map(np.asarray, arrays))
        return found.reshape(-1) if loss is None and sizes[-1] == 1 else found

    return program


@lru_cache(maxsize=128)
def _source(sizes: tuple[int, ...], activations: Activations, loss: Loss | None) -> str:
    """Returns the source that `lift` writes for an MLP of exactly these sizes."""
    import numpy as np

    model = MLP(sizes[0], sizes[1:], seed=0)
    for layer, activation in zip(model.layers, activations, strict=True):
        for neuron in layer.neurons:
            neuron.activation = activation
    if loss is None:
        return lift(model, check=False).source_for(np.zeros((1, sizes[0])))
    chosen = loss
    targets = np.zeros((1, sizes[-1]) if sizes[-1] > 1 else 1)
    program = lift(lambda x, y: chosen(model(x), y), model, check=False)
    return program.source_for(np.zeros((1, sizes[0])), targets)


def _unpacked(theta: Any, sizes: Sequence[int]) -> list[Any]:
    """Returns the weights and the biases of each layer, as views into the vector."""
    arrays, start = [], 0
    for nin, nout in pairwise(sizes):
        block = theta[start : start + nout * (nin + 1)].reshape(nin + 1, nout)
        arrays += [block[:nin], block[nin]]
        start += block.size
    return arrays
