"""A program's calls and their arrays, kept from call to call, for each thread that is in a call.

`per_shape.py` runs a `Pool` instead of the source's function. A set of arrays serves one number of
examples and one call at a time: a call takes a set that is free, or makes one. Calls from several
threads, or from a signal handler, therefore never share arrays, and a set is dropped if its call
is interrupted.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.codegen.buffered.calls import Calls, count_of, is_flat
from micrograd_notes.lifting.codegen.buffered.tape import CannotKeep
from micrograd_notes.lifting.guards.answers import ALIKE
from micrograd_notes.lifting.typed.expressions import Program
from micrograd_notes.lifting.typed.ready import shown_by_gradient

MOST = 2**28  # bytes that are kept, from which on further numbers of examples run as printed


class Pool:
    """Runs a program in arrays that are kept, or as its source says where they can't be."""

    def __init__(self, program: Program, run: Callable[..., Any]) -> None:
        self.program, self._run = program, run
        self._runs: dict[int, Callable[..., tuple[float, Any]]] = {}  # by the number of examples
        self._free: list[list[Calls]] = []  # a list for each of them
        self._in_columns, self._agrees, self._is_kept = is_flat(program), False, True
        self.shown_by_gradient = shown_by_gradient(program)

    def __call__(self, theta: Any, *data: Any) -> tuple[float, Any]:
        """Returns the loss and its gradient, a new array."""
        return self.at(data)(theta, *data)

    def at(self, data: Sequence[Any]) -> Callable[..., tuple[float, Any]]:
        """Returns the same function for repeated calls with data of these shapes."""
        count = count_of(data)
        if count not in self._runs:  # decided once, so that its bits stay the same
            kept = sum(calls.size for free in self._free for calls in free)
            self._runs[count] = self._in_arrays() if kept < MOST else self._as_printed
        return self._runs[count]

    def _in_arrays(self) -> Callable[..., tuple[float, Any]]:
        """Returns the function for one number of examples, in arrays that are kept.

        Where the bits are the same, making them waits for the second call: it may not come.
        """
        free, comes_again = list[Calls](), self._in_columns
        self._free.append(free)

        def run(theta: Any, *data: Any) -> tuple[float, Any]:
            nonlocal comes_again
            try:
                calls = free.pop()
            except IndexError:
                made = self._made(theta, data) if comes_again else None
                comes_again = True
                if made is None:
                    return self._as_printed(theta, *data)
                calls = made
            result = calls(theta, data)
            free.append(calls)
            return result

        return run

    def _as_printed(self, theta: Any, *data: Any) -> tuple[float, Any]:
        with np.errstate(all="ignore"):  # IEEE rules: what overflows is inf
            loss, gradient = self._run(theta, *data)
        return loss, gradient

    def _made(self, theta: Any, data: Sequence[Any]) -> Calls | None:
        """Returns new calls that do what the source does; None if there are none.

        The first ones are compared with the source. They may be in columns, or have its bits.
        """
        while self._is_kept:
            with np.errstate(all="ignore"):  # making them computes their numbers
                try:
                    calls = Calls(self.program, theta, data, self._in_columns)
                except (CannotKeep, RecursionError):  # also where the caller is deep in calls
                    self._is_kept = False
                    continue
                self._agrees = self._agrees or self._are_alike(calls, theta, data)
            if self._agrees:
                return calls
            self._is_kept, self._in_columns = self._in_columns, False
        return None

    def _are_alike(self, calls: Calls, theta: Any, data: Sequence[Any]) -> bool:
        """Returns whether calls give the numbers of the source; in columns, but for rounding.

        Also on other numbers than those that they were made with, which an array may still hold.
        """
        allowed = 0.0 if calls.is_exact else ALIKE
        for at, given in (theta, data), (_moved(theta), [*map(_moved, data)]):
            for mine, number in zip(calls(at, given), self._as_printed(at, *given), strict=True):
                size = abs(number).max() if getattr(number, "size", 1) else 0.0
                if size < inf and not (abs(mine - number) <= allowed * size).all():
                    return False
        return True


def _moved(array: Any) -> Any:
    """Returns numbers near these ones, or whole numbers from the last example to the first."""
    if array.dtype.kind != "f":
        return array[::-1].copy() if array.ndim else array
    moves = 0.01 * np.cos(np.arange(array.size)).reshape(array.shape)
    return np.asarray(array + moves)  # NumPy's sum of arrays without axes is a number
