"""A call of a program in C, at the cost of a few microseconds.

Training calls a program again and again with arrays of the same shapes, often the very same arrays.
Each thread keeps their addresses from call to call, and a work area for C. The functions have this
form (`codegen/c` prints them), and 1 means that C does not trust its numbers: an input is not
finite, a label is out of range, or a result is nan.

    int32_t loss_and_gradient(int64_t n, const double *theta, double *dtheta, double *loss,
                              const void *const *inputs, void *work);
    int64_t work_bytes(int64_t n);
"""

import ctypes
import threading
from collections.abc import Container, Sequence
from typing import Any

from micrograd_notes.lifting.trace.tape import Array

Result = tuple[float, Any]

POINTER, SIZE = ctypes.c_void_p, ctypes.c_int64


class Ready:
    """The arrays that a thread called with last, their addresses, and a work area."""

    def __init__(self, n: int, inputs: int, work: Any) -> None:
        self.n, self.data, self._work = n, (), work
        self._pointers, self.loss = (POINTER * inputs)(), ctypes.c_double()
        arrays = ctypes.addressof(self._pointers)
        self.arguments = ctypes.addressof(self.loss), arrays, address(work)
        self.theta, self.theta_at = None, 0

    def set_data(self, data: Sequence[Any], addresses: list[Any]) -> None:
        """Sets the arrays that C reads."""
        self.data = tuple(data)
        self.facts = [(array.shape, array.dtype) for array in data]
        self._pointers[:] = addresses


class Call:
    """A program in C: a function of the flat vector and the data, as arrays.

    It returns the mean loss and its gradient, a new array. It returns None if C does not trust its
    numbers, or the arrays are not as it expects; then NumPy must run, which checks everything.
    `sizes` are the numbers of examples that it takes; None means any.
    """

    def __init__(
        self, library: ctypes.CDLL, inputs: Sequence[Array], parameters: int,
        sizes: Container[int] | None = None,
    ) -> None:
        import numpy as np

        self._function, self._work_bytes = library.loss_and_gradient, library.work_bytes
        self._function.argtypes = [SIZE, POINTER, POINTER, POINTER, POINTER, POINTER]
        self._function.restype, self._work_bytes.restype = ctypes.c_int32, SIZE
        self._work_bytes.argtypes = [SIZE]
        self.address = ctypes.cast(self._function, POINTER).value
        self._inputs, self._sizes = inputs, sizes
        self.kinds = [np.dtype(float if a.below is None else np.int64) for a in inputs]
        self._whole = [i for i, a in enumerate(inputs) if a.is_whole and a.below is None]
        self._ndarray, self._empty = np.ndarray, np.empty
        self._theta = (parameters,), np.dtype(float)
        self._local = threading.local()

    def __call__(self, theta: Any, data: Sequence[Any]) -> Result | None:
        """Returns the loss and the gradient; None if NumPy must run."""
        if self._whole:  # numbers to calculate with
            data = [self._as_float(a) if i in self._whole else a for i, a in enumerate(data)]
        ready = getattr(self._local, "ready", None)
        if ready is None or len(data) != len(ready.data):
            ready = self._ready(data)
        else:
            for a, its, (shape, kind) in zip(data, ready.data, ready.facts, strict=True):
                if a is not its or a.shape != shape or a.dtype is not kind:
                    ready = self._ready(data)
                    break
        if ready is None or theta.__class__ is not self._ndarray:
            return None
        if (theta.shape, theta.dtype) != self._theta:
            return None
        if theta is not ready.theta:
            ready.theta, ready.theta_at = theta, address(theta)
        gradient, theta_at = self._empty(self._theta[0]), ready.theta_at
        if not theta_at or self._function(ready.n, theta_at, address(gradient), *ready.arguments):
            return None
        return ready.loss.value, gradient

    def takes(self, n: int) -> bool:
        """Returns whether it may run on so many examples."""
        return self._sizes is None or n in self._sizes

    def work_area(self, n: int) -> Any:
        """Returns an array of bytes for so many examples, where C expects it."""
        import numpy as np

        raw = np.empty(self._work_bytes(n) + 64, np.uint8)
        return raw[-raw.ctypes.data % 64 :]

    def _as_float(self, array: Any) -> Any:
        is_whole = array.__class__ is self._ndarray and array.dtype.kind == "i"
        return array.astype(float) if is_whole else array

    def _ready(self, data: Sequence[Any]) -> Ready | None:
        """Returns what the thread keeps, with these arrays; None if C can't take them."""
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
        ready: Ready | None = getattr(self._local, "ready", None)
        if ready is None or ready.n != n:
            ready = self._local.ready = Ready(n, len(data), self.work_area(n))
        ready.set_data(data, addresses)
        return ready


_address_of, _at = ctypes.addressof, ctypes.c_char.from_buffer


def address(array: Any) -> int:
    """Returns where the numbers of an array lie; 0 if they do not lie in a row, aligned."""
    try:  # a few times faster than `array.ctypes`, but for writable arrays in a row
        found = _address_of(_at(array))
    except (TypeError, ValueError):
        found = array.ctypes.data if array.flags.c_contiguous else 0
    return 0 if found % 8 else found
