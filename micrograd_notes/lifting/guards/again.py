"""Repeated calls: if types and shapes are those of the last call, only the numbers are checked.

Training calls the same program again and again with arrays of the same types and shapes, for which
all checks together cost as much as a matrix product. The number of examples may change from call to
call. `per_shape.py` calls it.
"""

from collections.abc import Callable, Collection, Sequence
from math import inf
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.guards.net import Net
from micrograd_notes.lifting.trace.tape import Array

Result = tuple[float, Any]
At = Callable[[Sequence[Any]], Callable[..., Result]]


def call_again(
    at: At, inputs: Sequence[Array], shown_by_gradient: Collection[Array],
    given: Sequence[Any], parameters: int, net: Net | None
) -> Callable[[Any, Sequence[Any]], Result | None]:
    """Returns the program for calls like the one that got these arrays.

    `at` returns the function that runs for the number of examples of such arrays. The program
    returns the loss and its gradient. It returns None if types or shapes have changed, a number is
    nan or inf, or `net` has not seen a label; then the caller must check everything. A nan in one
    of the inputs that are `shown_by_gradient` makes the gradient nan.
    """
    ndarray, vdot = np.ndarray, np.vdot
    types, latest = [array.dtype for array in given], ([array.shape for array in given], at(given))
    floats = [
        i for i, array in enumerate(inputs)
        if not array.is_whole and array not in shown_by_gradient
    ]
    are_known = known_choices(inputs, net)
    real, size = np.dtype(float), (parameters,)

    def of_other_size(data: Sequence[Any]) -> Any:
        """Returns shapes and function for another number of examples; else None."""
        for array, dtype, mine in zip(data, types, inputs, strict=True):
            if array.__class__ is not ndarray or array.dtype is not dtype:
                return None
            if not mine.is_batched or array.shape[1:] != mine.shape or not array.size:
                return None
        if len({array.shape[:1] for array in data}) != 1:
            return None
        return [array.shape for array in data], at(data)

    def again(theta: Any, data: Sequence[Any]) -> Result | None:
        nonlocal latest
        shapes, run = latest
        if len(data) != len(types):
            return None
        if theta.__class__ is not ndarray or theta.dtype is not real or theta.shape != size:
            return None
        for array, dtype, shape in zip(data, types, shapes, strict=True):
            if array.__class__ is not ndarray or array.dtype is not dtype or array.shape != shape:
                if (other := of_other_size(data)) is None:
                    return None
                _, run = latest = other
                break
        for i in floats:
            if not vdot(data[i], data[i]) < inf:  # a number may be inf or nan
                return None
        if not are_known(data):
            return None
        loss, gradient = run(theta, *data)
        square = vdot(gradient, gradient)  # which does not warn of what overflows, as dot does
        if loss - loss != 0.0 or not square < inf:  # it may be inf or nan
            return None
        return loss, gradient

    return again


def known_choices(inputs: Sequence[Array], net: Net | None) -> Callable[[Sequence[Any]], bool]:
    """Returns a function of the data: whether their choices are in range, and `net` checked them.

    So are whole numbers to calculate with, as many as it checks. For a `net` of None, choices in
    range are enough.
    """
    largest, all_of, unsigned = np.maximum.reduce, np.logical_and.reduce, np.uint64
    choices = [
        (i, array, None if net is None or array.below is None else net.checked_choices(array))
        for i, array in enumerate(inputs)
        if array.below is not None or (array.is_whole and net is not None)
    ]
    latest = [b""] * len(inputs)  # the choices that were checked last

    def are_known(data: Sequence[Any]) -> bool:
        for i, array, checked in choices:
            written = data[i].tobytes()
            if written == latest[i]:  # faster to compare than to check
                continue
            if array.below is None:
                if net is not None and not net.knows(array, data[i]):
                    return False
            # a negative number is a large one without its sign
            elif largest(data[i].view(unsigned), None) >= array.below:
                return False
            if checked is not None and not all_of(checked.take(data[i]), None):
                return False
            latest[i] = written
        return True

    return are_known
