"""The data of a lifted program: checked arrays of floats or of whole numbers.

`per_shape.py` calls it for each new call. Read `per_shape.py` next.
"""

import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from micrograd_notes.common.checks import is_number, is_value, shown
from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.guards.answers import flat
from micrograd_notes.lifting.trace.tape import Array

LARGEST = 2**63 - 1  # whole number of NumPy
EXACT = 2**53  # up to here, each whole number is a float


class Inputs:
    """The arguments of a lifted function."""

    def __init__(self, signature: inspect.Signature, batch: bool) -> None:
        self.signature, self.batch = signature, batch
        self._names: dict[int, list[str]] = {}

    def checked(self, data: Sequence[Any]) -> list[Any]:
        """Returns the data as arrays of floats or of whole numbers; or TypeError or ValueError."""
        names = self.names(len(data))
        given = [as_array(name, array) for name, array in zip(names, data, strict=True)]
        for name, array in zip(names, given, strict=True):
            if self.batch and not array.ndim:
                raise ValueError(
                    f"{name} must be an array with one entry per example, got one number"
                )
            if not array.size:
                raise ValueError(f"{name} is empty, of shape {array.shape}. Pass some examples")
            check_number(name, array)
        if self.batch and not given:
            raise ValueError(
                "the lifted function takes no data, so there are no examples to average over. "
                "Pass batch=False to lift"
            )
        if self.batch and len({*map(len, given)}) != 1:
            got = ", ".join(f"{len(a)} in {name}" for name, a in zip(names, given, strict=True))
            raise ValueError(f"every input must have one entry per example, got {got}")
        return given

    def names(self, count: int) -> list[str]:
        """Returns the function's names for so many arguments; TypeError if it takes others."""
        if count not in self._names:
            try:
                self.signature.bind(*range(count))
            except TypeError as error:  # "missing a required argument: 'y'"
                got = f"{count} array{'s' * (count != 1)}"
                raise TypeError(
                    f"the lifted function takes ({', '.join(self.signature.parameters)}), "
                    f"got {got}: {error}"
                ) from None
            names = list(self.signature.parameters)
            self._names[count] = names[:count] + [f"x{i}" for i in range(len(names), count)]
        return self._names[count]


def check_number(name: str, array: Any) -> None:
    """Raises ValueError if an array of floats holds a nan or inf."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        got = "a nan" if holds_nan(array) else "inf"
        raise ValueError(f"{name} must hold finite numbers, got {got}")


def holds_nan(array: Any) -> bool:
    """Returns whether an array holds a nan, which makes its product with itself nan."""
    square = np.vdot(array, array)  # it overflows to inf without a warning
    return bool(square != square)


def check_exact(name: str, array: Any) -> None:
    """Raises ValueError if an array holds a whole number of which a float may lose digits."""
    if array.dtype.kind in "iuO" and array.size:
        largest = max(int(array.max()), int(array.min()), key=abs)
        if abs(largest) > EXACT:
            raise ValueError(
                f"{name} must hold whole numbers up to 2**53, because floats lose digits of larger "
                f"ones, got {largest}. Subtract a whole number from all of them first, as in "
                f"{name} - {name}.min(), or pass floats"
            )


def check_whole_numbers(inputs: Sequence[Array], given: Sequence[Any]) -> None:
    """Raises ValueError if a label or a token is out of range, or another one is too large."""
    for array, numbers in zip(inputs, given, strict=True):
        below = array.below
        if below is None:
            check_exact(array.name, numbers)
        # without its sign a negative number is large, so one comparison finds both
        elif np.maximum.reduce(numbers.view(np.uint64), axis=None) >= below:
            wrong = numbers[(numbers < 0) | (numbers >= below)][0]
            raise ValueError(
                f"{array.name} must hold whole numbers from 0 to {below - 1}, got {wrong}"
            )


def as_array(name: str, given: Any) -> Any:
    """Returns an array of floats or of whole numbers; TypeError or ValueError for anything else."""
    if type(given) is np.ndarray and given.dtype == np.float64 and given.flags.c_contiguous:
        return given
    try:
        array = np.asanyarray(given)
    except ValueError:
        raise ValueError(
            f"{name} must not hold lists of different lengths. Pass a batch of one length, and the "
            "others in other calls"
        ) from None
    if "numpy.ma" in sys.modules and isinstance(array, sys.modules["numpy.ma"].MaskedArray):
        raise ValueError(f"{name} must not be a masked array. Leave out its gaps, or fill them in")
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{name} holds {array.max()}, too large for a whole number. Pass floats")
    if array.dtype.kind in "iub":
        return np.asarray(array, np.int64, order="C")
    if array.dtype.kind != "f":
        raise TypeError(_no_number(name, array))
    if not hasattr(given, "dtype") and array.size and np.abs(array).max() >= EXACT:
        for each in flat(given):  # among floats, NumPy makes floats of whole numbers
            check_exact(name, np.asarray(each))
    return np.asarray(array, np.float64, order="C")


def _no_number(name: str, array: Any) -> str:
    """Returns the message for the first entry that is not a number of NumPy."""
    def is_fine(entry: Any) -> bool:
        return is_number(entry) and not (isinstance(entry, int) and abs(entry) > LARGEST)

    every = [*np.ndenumerate(array)] or [((), array)]
    place, entry = next((pair for pair in every if not is_fine(pair[1])), every[0])
    where = name + "".join(f"[{k}]" for k in place)
    advice = "Pass floats or whole numbers"
    if is_value(entry):
        advice = f"Pass its number, {where}.data"
    elif entry is None:
        advice = "Leave the example out, or fill in a number"
    elif isinstance(entry, str):
        advice = "Pass float(text) for a number, or whole numbers from 0 on for names"
    elif is_fine(entry):  # as all of them are
        advice = f"The dtype is {array.dtype}. Pass np.asarray({name}, float)"
    elif isinstance(entry, int):
        advice = "It is too large for a whole number, so pass floats"
    elif isinstance(entry, Mapping):
        advice = "Pass each of its arrays as one input, in the order of the function"
        if name == "theta":
            advice = "Pass a flat vector, as program.parameters() returns it"
    elif isinstance(entry, Iterable) and not place:  # NumPy takes lists apart, and no zip
        advice = f"Pass list({name})"
    return f"{name} must hold numbers, got {shown(entry)} at {where}. {advice}"
