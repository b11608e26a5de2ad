"""A call like the one before it: of what came in, only the numbers are looked at.

A step of training calls the same program with arrays of the same types and shapes again and again,
and at these sizes a look at each of them costs as much as a matrix product.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from micrograd_notes.lifting.trace.tape import Array

Result = tuple[float, Any]


def call_again(
    run: Callable[..., Any], inputs: Sequence[Array], given: Sequence[Any], parameters: int
) -> Callable[[Any, Sequence[Any]], Result | None]:
    """Returns the program for calls like one that was given these arrays.

    It returns the loss and its gradient, or None where anything is not as it was, or is not a
    number: then who calls it has to look closer.
    """
    import numpy as np

    ndarray, errstate, vdot, largest, unsigned = (
        np.ndarray, np.errstate, np.vdot, np.maximum.reduce, np.uint64
    )
    types, shapes = [array.dtype for array in given], [array.shape for array in given]
    floats = [i for i, array in enumerate(inputs) if not array.is_whole]
    choices = [(i, array.below) for i, array in enumerate(inputs) if array.below is not None]
    real, size = np.dtype(float), (parameters,)

    def again(theta: Any, data: Sequence[Any]) -> Result | None:
        if len(data) != len(types):
            return None
        if theta.__class__ is not ndarray or theta.dtype is not real or theta.shape != size:
            return None
        for array, dtype, shape in zip(data, types, shapes, strict=True):
            if array.__class__ is not ndarray or array.dtype is not dtype or array.shape != shape:
                return None
        with errstate(all="ignore"):  # IEEE rules: what overflows is inf
            for i in floats:
                if not vdot(data[i], data[i]) < inf:  # one may be inf, or not a number
                    return None
            for i, count in choices:  # a negative number is a large one without its sign
                if largest(data[i].view(unsigned), None) >= count:
                    return None
            loss, gradient = run(theta, *data)
            square = vdot(gradient, gradient)
        if loss != loss or square != square:
            return None
        return float(loss), gradient

    return again


def takes_all_as_they_are(inputs: Sequence[Array]) -> bool:
    """Returns whether no array has to be turned into floats first."""
    return all(not array.is_whole or array.below is not None for array in inputs)
