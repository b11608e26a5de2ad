"""Programs on arrays for MLPs of any width, which follow from those of narrow MLPs.

Lifting an MLP takes time for every weight, so a few narrow ones are lifted instead, once for all
widths: see `lifting/sizes`. `outputs.py` and `estimators.py` call `program_of`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from micrograd_notes.lifting import Lifted, lift
from micrograd_notes.lifting.codegen.numpy.emit import emit
from micrograd_notes.lifting.per_shape import Shapes
from micrograd_notes.lifting.sizes.family import STARTS, Family
from micrograd_notes.lifting.sizes.refused import first
from micrograd_notes.lifting.sizes.small import Large
from micrograd_notes.nn import MLP
from micrograd_notes.train.plain import Activations

Loss = Callable[[Any, Any], Any]


@lru_cache(maxsize=128)
def program_of(
    sizes: tuple[int, ...], activations: Activations, loss: Loss | None = None
) -> Callable[..., Any]:
    """Returns the program of an MLP of these sizes, a function of its vector and of arrays.

    Without a loss, program(theta, x) returns the outputs: (n, outputs), or (n,) if there is one.
    With a loss(outputs, target) of one example, program(theta, x, y) returns the mean loss and its
    gradient. NumPy follows IEEE rules there, so what overflows is inf.

    >>> from micrograd_notes.train.plain import activations_of, sizes_of, vector_of
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

    def large_from(start: int) -> Large:
        own = dict(zip(names, sizes, strict=True))
        return _family(activations, loss).large(own, start, shapes_at)

    large = first(large_from, [(start,) for start in STARTS])
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

    def made(sizes: dict[str, int]) -> Lifted:
        first, *widths = sizes.values()
        model = MLP(first, widths, seed=0)
        for layer, activation in zip(model.layers, activations, strict=True):
            for neuron in layer.neurons:
                neuron.activation = activation
        if loss is None:
            return lift(model, check=False)
        return lift(lambda x, y: loss(model(x), y), model, check=False)

    return Family(made)
