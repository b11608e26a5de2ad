"""Programs on arrays for MLPs of any width, which follow from those of narrow MLPs.

Lifting an MLP takes time for every weight, so a few narrow ones are lifted instead, once for all
widths: see `lifting/sizes`. `outputs.py` and `estimators.py` call `program_of`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.engine.op import Op, is_built_in
from micrograd_notes.lifting import Lifted, lift
from micrograd_notes.lifting.codegen.numpy.emit import emit
from micrograd_notes.lifting.program import Shapes
from micrograd_notes.lifting.sizes.family import Family
from micrograd_notes.lifting.trace.name import arrays_of_model
from micrograd_notes.lifting.trace.tape import Array
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

    names = [f"size{k}" for k in range(len(sizes))]

    def shapes_at(at: dict[str, int]) -> Shapes:
        of_targets = (at[names[-1]],) if sizes[-1] > 1 else ()
        shapes = (False, (at[names[0]],)), (False, of_targets)
        return shapes if loss is not None else shapes[:1]

    large = _family(activations, loss).large(dict(zip(names, sizes, strict=True)), shapes_at)
    scope: dict[str, Any] = {}
    exec(emit(large.program(), "An MLP, lifted from scalars to arrays.")[0], scope)
    entry = scope["forward" if loss is None else "loss_and_gradient"]

    def program(theta: Any, *arrays: Any) -> Any:
        with np.errstate(all="ignore"):
            found = entry(theta, *map(np.asarray, arrays))
        return found.reshape(-1) if loss is None and sizes[-1] == 1 else found

    return program


@lru_cache(maxsize=128)
def _family(activations: Activations, loss: Loss | None) -> Family:
    """Returns the MLPs with these activations, of all sizes."""

    def made(sizes: dict[str, int]) -> tuple[Lifted, list[Array]]:
        first, *widths = sizes.values()
        model = MLP(first, widths, seed=0)
        for layer, activation in zip(model.layers, activations, strict=True):
            for neuron in layer.neurons:
                neuron.activation = activation
        arrays = arrays_of_model(model)[1]
        if loss is None:
            return lift(model, check=False), arrays
        return lift(lambda x, y: loss(model(x), y), model, check=False), arrays

    return Family(made)
