"""Numbers of fifty digits and more, to which every row of the table can be applied.

A row is evaluated by its counterpart in mpmath, or by its own `forward` if that is arithmetic and
functions of `math`. So a function, or the rule of a row, can be evaluated again with digits to
spare. Where mathematics has no real number, the result is nan.
"""

import math
from collections.abc import Callable
from functools import partial
from types import CellType, CodeType, FunctionType
from typing import Any

import mpmath

from micrograd_notes.common.checks import is_number
from micrograd_notes.engine.messages import completed
from micrograd_notes.engine.op import Op, built_in_rows
from micrograd_notes.testing.numbers.operand import Operand

mp = mpmath.mp

MOST_BITS = 2**17
"""A number above two to this power does not have a value; its inverse is 0, as it is in floats.

To find the sine of exp(1e10), mpmath would write down all of its digits, and gmpy2 ends the process
where there is no memory for them.
"""


class OpaqueError(TypeError):
    """A function needs a float, and got a number of many digits."""


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
        operands = completed(op, operands)
        if op.mpmath is None:
            return _by_its_own_forward(op, operands)
        return Precise(counterpart(op, *map(_to_number, operands)))

    @property
    def _real(self) -> Any:
        return self.number

    def __eq__(self, other: object) -> bool:
        """Compares numbers, as a rule with `if a == b` does with floats."""
        return bool(self.number == (other.number if isinstance(other, Precise) else other))

    def __float__(self) -> float:
        raise OpaqueError("a number of many digits cannot become a float silently")

    __int__ = __index__ = __trunc__ = __float__

    def __repr__(self) -> str:
        return str(mpmath.nstr(self.number, mp.dps))


def counterpart(op: Op, *numbers: Any) -> Any:
    """Returns the row's value by mpmath; nan where it is not a real number.

    Raises:
        LookupError: mpmath has no function of the name that the row gives.

    >>> from micrograd_notes.engine.ops import log
    >>> counterpart(log, 1.0), counterpart(log, -1.0)
    (mpf('0.0'), mpf('nan'))
    """
    numbers = tuple(map(_to_number, numbers))
    function = _function_of(op)
    if any(mp.isfinite(x) and x and mp.mag(x) > MOST_BITS for x in numbers):
        return mp.nan
    numbers = tuple(mpmath.mpf(0) if x and mp.mag(x) < -MOST_BITS else x for x in numbers)
    try:
        result = function(*numbers)
    except (ArithmeticError, ValueError):
        return mp.nan
    return mp.nan if isinstance(result, mpmath.mpc) else mpmath.mpf(result)


def _function_of(op: Op) -> Callable[..., Any]:
    if isinstance(op.mpmath, str):
        function = getattr(mp, op.mpmath, None)
        if not callable(function):
            raise LookupError(f"{op.name} names {op.mpmath!r}, which mpmath does not have")
        return function  # type: ignore[no-any-return]
    assert op.mpmath is not None
    return partial(op.mpmath, mp)


def _by_its_own_forward(op: Op, operands: tuple[Any, ...]) -> Precise:
    try:
        result = with_many_digits(op.forward)(*map(_to_precise, operands))
    except (ArithmeticError, ValueError):
        return Precise(mp.nan)
    except Exception:
        raise OpaqueError(
            f"{op.name} does not name a counterpart in mpmath, and its forward needs floats"
        ) from None
    if not isinstance(result, Precise) and not is_number(result):
        raise OpaqueError(f"{op.name} does not name a counterpart in mpmath")
    return _to_precise(result)


def with_many_digits(function: Any) -> Any:
    """Returns the function with a row of the table instead of each function of `math`.

    The functions that it calls, of its own module or enclosed in it, are changed as well. Functions
    that no row is named after stay, and need floats.

    >>> with mp.workdps(20):
    ...     print(with_many_digits(lambda x: math.log(x))(Precise(2)))
    0.69314718055994530942
    """
    return _taken_along(function, {})


class _ManyDigits:
    """The module `math`, with a row of the table for each function that has its name."""

    def __getattr__(self, name: str) -> Any:
        return _row_of(getattr(math, name))


_ROWS = {getattr(math, op.name, None): op for op in built_in_rows()}


def _row_of(function: Any) -> Any:
    return _ROWS.get(function, function) if callable(function) else function


def _taken_along(thing: Any, seen: dict[Any, Any]) -> Any:
    if thing is math:
        return _ManyDigits()
    if not isinstance(thing, FunctionType):
        return _row_of(thing) if type(thing) is type(math.exp) else thing
    if thing not in seen:
        known: dict[str, Any] = {"__builtins__": __builtins__}
        cells = tuple(CellType() for _ in thing.__closure__ or ())
        seen[thing] = FunctionType(thing.__code__, known, thing.__name__, thing.__defaults__, cells)
        seen[thing].__kwdefaults__ = thing.__kwdefaults__
        for name in _names_in(thing.__code__) & thing.__globals__.keys():
            known[name] = _taken_along(thing.__globals__[name], seen)
        for new, old in zip(cells, thing.__closure__ or (), strict=True):
            new.cell_contents = _taken_along(old.cell_contents, seen)
        held = [*known.values(), *(cell.cell_contents for cell in cells)]
        seen[thing].calls_math = any(map(_calls_math, held))
    return seen[thing]


def is_read(op: Op) -> bool:
    """Returns whether the row is evaluated by a formula, whose constants are rounded to floats."""
    return op.mpmath is None and _calls_math(with_many_digits(op.forward))


def _calls_math(thing: Any) -> bool:
    return isinstance(thing, _ManyDigits | Op) or bool(getattr(thing, "calls_math", False))


def _names_in(code: CodeType) -> set[str]:
    """Returns the names that a function looks up outside of itself, or a function within it."""
    within = (_names_in(each) for each in code.co_consts if isinstance(each, CodeType))
    return set(code.co_names).union(*within)


def _to_number(x: Any) -> Any:
    return x.number if isinstance(x, Precise) else mpmath.mpf(x)


def _to_precise(x: Any) -> Precise:
    return x if isinstance(x, Precise) else Precise(x)
