"""A call of a program in C, at the cost of a microsecond or two.

Training calls a program again and again with arrays of the same shapes, often the very same arrays.
Each thread keeps their addresses from call to call, and a work area for C. A call takes them away
and puts them back when they are whole: one that is interrupted drops them, and one inside of
another, from a signal handler, makes its own. The functions have this form (`codegen/c` prints
them), and 1 means that C does not trust its numbers: an input is not finite, a label is out of
range, or a result is nan.

    int32_t loss_and_gradient(int64_t n, const double *theta, double *dtheta, double *loss,
                              const void *const *inputs, void *work);
    int64_t work_bytes(int64_t n);
"""

import ctypes
import sys
import threading
from collections.abc import Container, Sequence
from math import nan
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.guards.inputs import EXACT
from micrograd_notes.lifting.trace.tape import Array

Result = tuple[float, Any]

POINTER, SIZE = ctypes.c_void_p, ctypes.c_int64
THETA, GRADIENT = 1, 2  # places in what `ENTRY` gets
IN_A_ROW = (8,)  # bytes from a number of theta to the next one
ENTRY = """
/* The same for Python, where one argument costs less than six. */
int32_t called(void *const *a) {
    return loss_and_gradient((int64_t)a[0], a[1], a[2], a[3], a[4], a[5]);
}
"""

_holders = getattr(sys, "getrefcount", lambda _: nan)  # of an object; unknown is not equal
_LIST = [object()]
ALONE = _holders(_LIST[0])  # nobody but a list


class Ready:
    """The arrays of a thread's last call, what C gets, and the places of its results.

    It serves one call at a time, so C never gets the addresses of arrays that are not kept.
    """

    def __init__(self, n: int, inputs: int, parameters: int, work: Any) -> None:
        self.n, self.data, self.loss = n, list[Any](), ctypes.c_double()
        self.theta: Any = None
        self._pointers, self._work = (POINTER * inputs)(), work
        arrays = ctypes.addressof(self._pointers)
        self._given = (SIZE * 6)(n, 0, 0, ctypes.addressof(self.loss), arrays, address(work))
        self.given_at = ctypes.addressof(self._given)
        self._parameters, self._places = parameters, [0, 0]
        self._gradients: list[Any] = [None, None]

    def set_data(self, data: Sequence[Any], addresses: list[Any]) -> None:
        """Sets the arrays that C reads."""
        self.data = [(k, a, a.strides, a.size, a.dtype) for k, a in enumerate(data)]
        self._pointers[:] = addresses

    def set_theta(self, theta: Any) -> bool:
        """Sets the parameters; returns whether C can take them."""
        self._given[THETA] = address(theta)
        self.theta = theta if self._given[THETA] else None
        return self.theta is not None

    def gradient(self) -> Any:
        """Returns a new view of numbers that nobody else holds, which C writes to.

        They may be those of an earlier gradient that was dropped: they are in the cache, while the
        system must find new memory for a large array, and clear it.
        """
        gradients = self._gradients
        which = 0 if _holders(gradients[0]) == ALONE else 1
        if which and _holders(gradients[1]) != ALONE:
            gradients[1] = np.empty(self._parameters)
            self._places[1] = address(gradients[1])
            gradients.reverse()
            self._places.reverse()
            which = 0
        self._given[GRADIENT] = self._places[which]
        return gradients[which][:]


class Call:
    """A program in C: a function of the flat vector and the data, as arrays.

    It returns the mean loss and its gradient, an array that nobody else holds. It returns None if C
    does not trust its numbers, or the arrays are not as it expects; then NumPy must run, which
    checks everything. `sizes` are the numbers of examples that it takes; None means any.
    """

    def __init__(
        self, library: ctypes.CDLL, inputs: Sequence[Array], parameters: int,
        sizes: Container[int] | None = None,
    ) -> None:
        self._called, self._work_bytes = library.called, library.work_bytes
        self._called.argtypes, self._called.restype = [POINTER], ctypes.c_int32
        self._work_bytes.argtypes, self._work_bytes.restype = [SIZE], SIZE
        self.address = ctypes.cast(library.loss_and_gradient, POINTER).value
        self._inputs, self._sizes = inputs, sizes
        self.kinds = [np.dtype(float if a.below is None else np.int64) for a in inputs]
        self._whole = [i for i, a in enumerate(inputs) if a.is_whole and a.below is None]
        self._ndarray, self._shape, self._real = np.ndarray, (parameters,), np.dtype(float)
        self._local = _Local()

    def __call__(self, theta: Any, data: Sequence[Any]) -> Result | None:
        """Returns the loss and the gradient; None if NumPy must run."""
        kind = theta.dtype if theta.__class__ is self._ndarray else None
        if kind is None or theta.shape != self._shape:
            return None
        if kind is not self._real and kind != self._real:
            return None
        if self._whole:  # numbers to calculate with
            data = [self._as_float(a) if i in self._whole else a for i, a in enumerate(data)]
        free = self._local.free
        try:
            ready = free.pop()
        except IndexError:
            ready = None
        if ready is None or len(data) != len(ready.data):
            ready = self._ready(data, None)
        else:
            for k, its, strides, size, kind in ready.data:  # of numbers in a row: so the shape, too
                a = data[k]
                if a is not its or a.strides != strides or a.size != size or a.dtype is not kind:
                    ready = self._ready(data, ready)
                    break
        if ready is None:
            return None
        is_new = theta is not ready.theta or theta.strides != IN_A_ROW
        if is_new and not ready.set_theta(theta):
            return None
        gradient = ready.gradient()
        is_wrong, loss = self._called(ready.given_at), ready.loss.value
        free.append(ready)
        return None if is_wrong else (loss, gradient)

    def takes(self, n: int) -> bool:
        """Returns whether it may run on so many examples."""
        return self._sizes is None or n in self._sizes

    def work_area(self, n: int) -> Any:
        """Returns an array of bytes for so many examples, where C expects it."""
        raw = np.empty(self._work_bytes(n) + 64, np.uint8)
        return raw[-raw.ctypes.data % 64 :]

    def _as_float(self, array: Any) -> Any:
        """Returns whole numbers as floats; None for others, and for numbers that need a check."""
        if array.__class__ is not self._ndarray or array.dtype.kind != "i" or not array.size:
            return None
        return array.astype(float) if array.min() >= -EXACT and array.max() <= EXACT else None

    def _ready(self, data: Sequence[Any], ready: Ready | None) -> Ready | None:
        """Returns what C gets, with these arrays; None if it can't take them."""
        if len(data) != len(self._inputs):
            return None
        sizes, addresses = set(), []
        for array, kind, numbers in zip(self._inputs, self.kinds, data, strict=True):
            if numbers.__class__ is not self._ndarray or numbers.dtype != kind:
                return None
            shape = numbers.shape
            if array.is_batched:
                sizes.add(shape and shape[0])
                shape = shape[1:]
            addresses.append(address(numbers))
            if shape != array.shape or not addresses[-1]:
                return None
        n = sizes.pop() if sizes else 1
        if sizes or not n or not self.takes(n):
            return None
        if ready is None or ready.n != n:
            ready = Ready(n, len(data), self._shape[0], self.work_area(n))
        ready.set_data(data, addresses)
        return ready


class _Local(threading.local):
    def __init__(self) -> None:
        self.free: list[Ready] = []  # one, or as many as calls were inside of each other


_address_of, _at = ctypes.addressof, ctypes.c_char.from_buffer


def address(array: Any) -> int:
    """Returns where the numbers of an array lie; 0 if they do not lie in a row, aligned."""
    try:  # a few times faster than `array.ctypes`, but for writable arrays in a row
        found = _address_of(_at(array))
    except (TypeError, ValueError):
        found = array.ctypes.data if array.flags.c_contiguous else 0
    return 0 if found % 8 else found
