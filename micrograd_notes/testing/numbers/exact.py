"""Numbers that an oracle computes with: fractions, many digits, and balls.

The three kinds have one face, so that an oracle is written once. Fractions round nothing. Digits
are mpmath's. Balls are python-flint's, where it is installed: as many digits, several times faster,
and each carries a bound of its own error. A row is evaluated by the counterpart that it names for
mpmath; the other kinds offer it the functions that it asks for under mpmath's names.

This file knows functions and their slopes. It knows no rule of the table: a slope is a difference
quotient, with a step so small and digits so many that the quotient is the derivative to 80 bits.
"""

import importlib.util
import math
import numbers
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath

from micrograd_notes.engine.op import Op

mp = mpmath.mp


class Digits:
    """Numbers of mpmath, of as many bits as are asked for."""

    face: Any = mp
    shortest_step = -(2**64)
    """Where a row is 0 at 0, nothing cancels, and the step may be as short as one likes."""

    @contextmanager
    def bits(self, count: int) -> Iterator[None]:
        """Computes with so many bits inside."""
        before = mp.prec
        mp.prec = count
        try:
            yield
        finally:
            mp.prec = before

    def number(self, x: Any) -> Any:
        """Returns a float as a number of this kind."""
        return mpmath.mpf(x)

    def power_of_two(self, exponent: int) -> Any:
        """Returns 2**exponent; the exponent may be of any size."""
        return mp.ldexp(1, exponent)

    def known(self, x: Any) -> Any:
        """Returns the number, or None where it is no real number."""
        if isinstance(x, mpmath.mpc):
            return None
        x = mpmath.mpf(x)
        return x if mp.isfinite(x) else None

    def settled(self, x: Any) -> Any:
        """Returns the number without its own bound; None where that is wide."""
        return x


class Balls(Digits):
    """Numbers of python-flint: a middle and a radius that the true number is within."""

    def __init__(self) -> None:
        import flint

        numbers.Real.register(flint.arb)  # then rows take it for the number that it is
        self.context = flint.ctx
        self.ball = flint.arb
        self.face = _FaceOfBalls(flint.arb)
        self._powers: dict[int, Any] = {}
        self._most = 2.0**-64
        self._least = flint.arb(2) ** -1140  # far below the smallest float

    @contextmanager
    def bits(self, count: int) -> Iterator[None]:
        """Computes with so many bits inside."""
        before = self.context.prec
        self.context.prec = count
        try:
            yield
        finally:
            self.context.prec = before

    def number(self, x: Any) -> Any:
        """Returns a float as a ball of no radius."""
        return self.ball(x)

    def power_of_two(self, exponent: int) -> Any:
        """Returns 2**exponent, without a radius."""
        power = self._powers.get(exponent)
        if power is None:
            power = self._powers[exponent] = self.ball((1, exponent))
        return power

    def known(self, x: Any) -> Any:
        """Returns the ball, or None where it holds numbers without a bound."""
        x = x if isinstance(x, self.ball) else self.ball(x)  # a row may answer with a setting
        return x if x.is_finite() else None

    def settled(self, x: Any) -> Any:
        """Returns the middle, or None where the radius is wide."""
        middle, radius = x.mid(), x.rad()
        if radius <= abs(middle) * self._most or radius <= self._least:
            return middle
        return None


class _FaceOfBalls:
    """python-flint's functions under the names and conventions of mpmath's."""

    def __init__(self, ball: Any) -> None:
        self.mpf = ball

    def __getattr__(self, name: str) -> Any:  # exp, tanh, erfc: both libraries say the same
        ball = self.mpf

        def function(x: Any) -> Any:
            return getattr(x if isinstance(x, ball) else ball(x), name)()

        self.__dict__[name] = function
        return function

    def cbrt(self, x: Any) -> Any:
        return x.root(3)

    def sign(self, x: Any) -> Any:
        return x.sgn()

    def hypot(self, x: Any, y: Any) -> Any:
        return (x * x + y * y).sqrt()

    def atan2(self, y: Any, x: Any) -> Any:
        return self.mpf.atan2(y, x)

    def power(self, x: Any, y: Any) -> Any:
        return x**y

    def fsum(self, xs: Any) -> Any:
        return sum(xs, self.mpf(0))

    def nint(self, x: Any) -> Any:
        """Returns the nearest whole number; of two, the even one."""
        nearest = (x + 0.5).floor()
        is_tie = x + 0.5 == nearest
        return 2 * (nearest / 2).floor() if is_tie else nearest

    def npdf(self, x: Any) -> Any:
        return (-x * x / 2).exp() / (2 * self.mpf.pi()).sqrt()


class Fractions(Digits):
    """Python's fractions, for rows that do arithmetic alone."""

    shortest_step = -200

    def __init__(self) -> None:
        self.face = _FaceOfFractions()

    @contextmanager
    def bits(self, count: int) -> Iterator[None]:
        """Changes nothing: a fraction has all bits."""
        yield

    def number(self, x: Any) -> Any:
        """Returns a float as a fraction."""
        return Fraction(x)

    def power_of_two(self, exponent: int) -> Any:
        """Returns 2**exponent."""
        return Fraction(2) ** exponent

    def known(self, x: Any) -> Any:
        """Returns the fraction."""
        return Fraction(x)


class _FaceOfFractions:
    """The functions of mpmath that make a fraction of a fraction."""

    mpf = Fraction

    def sign(self, x: Fraction) -> Fraction:
        return Fraction((x > 0) - (x < 0))

    def floor(self, x: Fraction) -> Fraction:
        return Fraction(math.floor(x))


def best_numbers() -> Digits:
    """Returns balls where python-flint is installed, else digits."""
    return Balls() if importlib.util.find_spec("flint") else Digits()


def evaluated(kind: Digits, op: Op, operands: Sequence[Any]) -> Any:
    """Returns the row's value by its counterpart; None where it has none, or none is known.

    >>> from micrograd_notes.engine.ops import log
    >>> evaluated(Digits(), log, [mpmath.mpf(1)]), evaluated(Digits(), log, [mpmath.mpf(-1)])
    (mpf('0.0'), None)
    """
    assert op.mpmath is not None, f"{op.name} names no counterpart"
    function = getattr(kind.face, op.mpmath) if isinstance(op.mpmath, str) else None
    try:
        value = function(*operands) if function else op.mpmath(kind.face, *operands)  # type: ignore[operator]
    except (ArithmeticError, ValueError):
        return None
    return kind.known(value)


# ---- slopes --------------------------------------------------------------------------------------

STEP = -100
"""The step is 2 to this, of the smallest length over which the row may change."""
SPARE = 80
"""So many bits of a slope are right."""
SMALLEST = -1074
"""The smallest float is 2 to this."""


class Slope(NamedTuple):
    """The slopes of a row to the left and right of a point, in order: one where it is smooth."""

    low: Any
    high: Any


class Tangent(NamedTuple):
    """A row at a point: its value, and its slopes by the operands' positions."""

    value: Any
    slopes: dict[int, Slope]


class Claim(NamedTuple):
    """What a row says of a point: the operands, the value and the partials as floats."""

    operands: Sequence[float]
    value: float
    partials: dict[int, float]
    bounds: dict[int, float]  # what the partials may be off


def tangent(kind: Digits, op: Op, operands: Sequence[Any], claim: Claim) -> Tangent | None:
    """Returns the row's value and its slopes; None where they can't be settled.

    What is claimed says how short a step has to be, and how many digits it takes to see that the
    claim is right. If it is wrong, the slopes show that too. The slope on the left is asked for
    only where the one on the right is not what is claimed, as at a kink.
    """
    steps = {i: _step(claim, partial) for i, partial in claim.partials.items()}
    bits = _bits(claim, steps)
    for count in (bits, 2 * bits, 8 * bits):
        with kind.bits(count):
            found = _tangent(kind, op, operands, claim, steps)
        if found is not None:
            return found
    return None


def _tangent(
    kind: Digits, op: Op, operands: Sequence[Any], claim: Claim, steps: dict[int, int]
) -> Tangent | None:
    here = evaluated(kind, op, operands)
    middle = kind.number(claim.value) if here is None else here
    slopes: dict[int, Slope] = {}
    for i, step in steps.items():
        sides = _both_sides(kind, op, operands, i, step, middle, claim)
        is_flat = claim.operands[i] == 0 and here == 0
        if is_flat and not _agrees(claim.partials[i], sides, claim.bounds[i]):
            # x**(1 + 1e-16) takes long to become as flat as it is at 0.
            sides = _both_sides(kind, op, operands, i, kind.shortest_step, middle, claim)
        if not sides or None in sides:
            return None
        slopes[i] = Slope(min(sides), max(sides))
    settled = kind.settled(middle)
    return None if settled is None else Tangent(settled, slopes)


def _agrees(partial: float, slopes: list[Any], bound: float) -> bool:
    if not slopes or None in slopes:
        return False
    return bool(min(slopes) - bound <= partial <= max(slopes) + bound)


def _both_sides(
    kind: Digits, op: Op, operands: Sequence[Any], i: int, step: int, middle: Any, claim: Claim
) -> list[Any]:
    """Returns the slopes on both sides, None for one that is not settled.

    It is the slope on the right alone, if that is what is claimed.
    """
    length = kind.power_of_two(step)
    right = _quotients(kind, op, operands, i, length, middle)
    is_settled = len(right) == 1 and right[0] is not None
    if is_settled and abs(right[0] - claim.partials[i]) <= claim.bounds[i]:
        return right
    return right + _quotients(kind, op, operands, i, -length, middle)


def _quotients(
    kind: Digits, op: Op, operands: Sequence[Any], index: int, step: Any, middle: Any
) -> list[Any]:
    """Returns the slope on one side, nothing where the row ends there; at a jump 0 is as good."""
    beside = list(operands)
    beside[index] = operands[index] + step
    value = evaluated(kind, op, beside)
    if value is None:
        return []
    change = value - middle
    slope = kind.settled(change / step)
    if abs(change) > kind.power_of_two(STEP // 2) * max(abs(middle), kind.number(1)):
        return [slope, kind.number(0)]
    return [slope]


def _step(claim: Claim, partial: float) -> int:
    """Returns the exponent of a step that is far below every length at this point."""
    lengths = [0, *(_log2(x) for x in claim.operands if x)]
    if claim.value and partial:
        lengths.append(_log2(claim.value) - _log2(partial))
    return min(lengths) + STEP


def _bits(claim: Claim, steps: dict[int, int]) -> int:
    """Returns how many bits hold the operands beside their steps, and what the steps change.

    What changes is looked for in a value of its own size or, on the way to it, of 1.
    """
    bits = [200, max(_log2(x) for x in claim.operands) - min(steps.values(), default=0)]
    for i, step in steps.items():
        bits.append(max(_log2(claim.value), 0) - step - max(_log2(claim.partials[i]), SMALLEST))
    return max(bits) + SPARE


def _log2(x: float) -> int:
    return math.frexp(x)[1] if x else SMALLEST
