"""Numbers of fifty digits and more, which the rows of the table know what to do with.

A program that was written with `Value`s runs on these as well: a row that meets a `Precise` number
is evaluated by the counterpart that it names in mpmath, and one that names none by its own
`forward`, if that is arithmetic that any number can do. So a function can be evaluated again with
digits to spare, and a rule of a row too.

Nothing raises here: where mathematics has no real number, the result is nan.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath

from micrograd_notes.op import Op, is_number
from micrograd_notes.testing.operand import Operand

mp = mpmath.mp

_MOST_BITS = 2**17
"""What is larger than two to this power has no value; its inverse is 0, as it is in floats.

To find the sine of exp(1e10), mpmath would write down all of its digits, and gmpy2 ends the process
where there is no memory for them.
"""


class OpaqueError(TypeError):
    """A function asks for a float where it gets a number of many digits."""


class Precise(Operand):
    """A real number of as many digits as mpmath works with at the moment.

    >>> from micrograd_notes import tanh
    >>> with mp.workdps(30):
    ...     print(tanh(Precise(0.5)))
    0.462117157260009758502318483644
    """

    __slots__ = ("number",)

    def __init__(self, number: Any) -> None:
        self.number = number if isinstance(number, mpmath.mpf) else mpmath.mpf(number)

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> "Precise":
        """Evaluates any row of the table: `op(...)` calls it when it meets a `Precise`."""
        operands = op.with_defaults(operands)
        if op.mpmath is None:
            return _by_its_own_forward(op, operands)
        return Precise(counterpart(op, *map(_to_number, operands)))

    @property
    def _real(self) -> Any:
        return self.number

    def __float__(self) -> float:
        raise OpaqueError("a number of many digits does not turn into a float silently")

    __int__ = __index__ = __trunc__ = __float__

    def __repr__(self) -> str:
        return str(mpmath.nstr(self.number, mp.dps))


def counterpart(op: Op, *numbers: Any) -> Any:
    """Returns the row's value by mpmath; nan where it is no real number.

    Raises:
        LookupError: mpmath has no function of the name that the row gives.

    >>> from micrograd_notes.ops import log
    >>> counterpart(log, 1.0), counterpart(log, -1.0)
    (mpf('0.0'), mpf('nan'))
    """
    numbers = tuple(map(_to_number, numbers))
    function = _function_of(op)
    if any(mp.isfinite(x) and x and mp.mag(x) > _MOST_BITS for x in numbers):
        return mp.nan
    numbers = tuple(mpmath.mpf(0) if x and mp.mag(x) < -_MOST_BITS else x for x in numbers)
    try:
        result = function(*numbers)
    except (ArithmeticError, ValueError):
        return mp.nan
    return mp.nan if isinstance(result, mpmath.mpc) else mpmath.mpf(result)


def _function_of(op: Op) -> Callable[..., Any]:
    if isinstance(op.mpmath, str):
        function = getattr(mp, op.mpmath, None)
        if not callable(function):
            raise LookupError(f"{op.name} names {op.mpmath!r}, and mpmath has no such function")
        return function  # type: ignore[no-any-return]
    assert op.mpmath is not None
    return partial(op.mpmath, mp)


def _by_its_own_forward(op: Op, operands: tuple[Any, ...]) -> Precise:
    try:
        result = op.forward(*map(_to_precise, operands))
    except OpaqueError:
        raise OpaqueError(
            f"{op.name} names no counterpart in mpmath, and its forward asks for floats"
        ) from None
    except (ArithmeticError, ValueError):
        return Precise(mp.nan)
    if not isinstance(result, Precise) and not is_number(result):
        raise OpaqueError(f"{op.name} names no counterpart in mpmath")
    return _to_precise(result)


def _to_number(x: Any) -> Any:
    return x.number if isinstance(x, Precise) else mpmath.mpf(x)


def _to_precise(x: Any) -> Precise:
    return x if isinstance(x, Precise) else Precise(x)
