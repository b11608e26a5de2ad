"""NumPy with many digits: the printed source of a lifted program runs on it as it is.

The law: an array of floats is an array of mpmath's numbers here, whether it comes in, or a constant
or a comparison makes it. A function of `np` or `math` is the counterpart of the row that the table
spells with it. Every other function is NumPy's own, which adds, multiplies, compares and moves.
`lifting.certificate` calls `with_many_digits`. Read `scalars` next, which has the other side.
"""

import math
import re
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import mpmath
import numpy as np

from micrograd_notes.engine.op import TABLE, lookup
from micrograd_notes.testing.numbers.precise import MOST_BITS, OpaqueError, counterpart

mp = mpmath.mp


class Many(np.ndarray):
    """An array of mpmath's numbers; of whole numbers, as labels are; or of truths.

    >>> with mp.workdps(20):
    ...     print(many([1.0, 2.0]) / 3)
    [mpf('0.33333333333333333333331') mpf('0.66666666666666666666661')]
    """

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        """Applies a function of NumPy that works number by number, or reduces an axis."""
        result = _applied(ufunc, method, [np.asarray(x) for x in inputs], options)
        if out is None:
            return many(result)
        np.asarray(out[0])[...] = result
        return out[0]

    def __getitem__(self, index: Any) -> Any:
        """Returns a part, which is an array even where it is one number."""
        return many(super().__getitem__(index))


def many(given: Any) -> Any:
    """Returns the array with many digits for its floats; whole numbers and truths stay."""
    array = np.asarray(given)
    return (_numbers(array) if array.dtype.kind == "f" else array).view(Many)


def _numbers(array: Any) -> Any:
    if array.dtype.kind == "O":
        return array
    return np.asarray(np.frompyfunc(mpmath.mpf, 1, 1)(array), object)


def _applied(ufunc: Any, method: str, arrays: list[Any], options: dict[str, Any]) -> Any:
    apply = getattr(ufunc, method)
    if all(array.dtype.kind in "biu" for array in arrays):
        result = apply(*arrays, **options)
        if np.asarray(result).dtype.kind in "biu":  # nothing is rounded
            return result
    if method == "__call__" and (function := _counterpart("np.{}", ufunc.__name__)) is not None:
        apply = np.frompyfunc(function, ufunc.nin, 1)
    indices = {1} if method in ("at", "reduceat") else ()
    numbers = [a if i in indices else _numbers(a) for i, a in enumerate(arrays)]
    try:
        return apply(*numbers, **options)
    except TypeError as error:
        name = ufunc.__name__
        raise OpaqueError(f"np.{name} does not have a counterpart with many digits") from error


def _counterpart(spelling: str, name: str) -> Callable[..., Any] | None:
    """Returns the function with many digits; None where the numbers' own operators have them."""
    spelled = re.compile(re.escape(spelling.format(name)) + r"\([{\w}, ]*\)")
    rows = (op for op in TABLE.values() if op.mpmath is not None and spelled.fullmatch(op.numpy))
    op = lookup("power") if name == "power" else next(rows, None)
    function = partial(counterpart, op) if op else getattr(mp, name, None)
    function = {"divide": _divide, "rint": mp.nint}.get(name, function)
    return function and partial(_in_range, function)


def _divide(a: Any, b: Any) -> Any:
    """Returns a / b, by the rules of IEEE where b is 0, as NumPy does."""
    if b != 0:
        return a / b
    return mp.sign(a) * mp.inf if a else mp.nan


def _in_range(function: Callable[..., Any], *numbers: Any) -> Any:
    """Returns the result; inf, or 0, where its size is beyond what the counterparts take."""
    result = function(*numbers)
    size = mp.mag(result) if mp.isfinite(result) and result else 0
    return result if abs(size) <= MOST_BITS else result * (mp.inf if size > 0 else 0)


class _Module:
    """`np` or `math`, as a source names them."""

    def __init__(self, module: ModuleType, spelling: str) -> None:
        self.module, self.spelling = module, spelling

    def __getattr__(self, name: str) -> Any:
        thing = getattr(self.module, name)
        if isinstance(thing, float):  # pi, e, inf
            return many(+getattr(mp, name, mpmath.mpf(thing)))
        if self.module is np:
            return thing if isinstance(thing, type) else _Function(thing)
        return _counterpart(self.spelling, name) or thing


class _Function:
    """A function of NumPy that gets and returns arrays of many digits."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        kinds = (float, np.ndarray, *([int] if isinstance(self.function, np.ufunc) else []))
        result = self.function(*[many(x) if isinstance(x, kinds) else x for x in arguments], **options)
        if isinstance(result, list | tuple):
            return [many(array) for array in result]
        return many(result) if isinstance(result, float | np.ndarray) else result

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)  # as np.add.reduceat


def with_many_digits(source: str) -> dict[str, Any]:
    """Returns the names that a source of NumPy defines, with functions that take `many` arrays."""
    namespace: dict[str, Any] = {}
    exec(compile(source, "<the printed source>", "exec"), namespace)
    namespace |= {"np": _Module(np, "np.{}"), "math": _Module(math, "np.vectorize(math.{})")}
    return namespace
