"""The numbers and slopes of the oracles: fractions, which round nothing, and many digits.

`oracles.independent` computes with them. Both kinds have the same methods, so each oracle is
written once. A slope is a difference quotient of a row's counterpart in mpmath: the step is so
short, and the digits so many, that it is the derivative to 80 bits. Read `tangent` first.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath

from micrograd_notes.engine.op import Op

mp = mpmath.mp


class Digits:
    """Numbers of mpmath, of any number of bits."""

    face: Any = mp
    shortest_step = -(2**64)
    """Where a row is 0 at 0, nothing cancels, and the step may be as short as one likes."""

    @contextmanager
    def bits(self, count: int) -> Iterator[None]:
        """Computes with so many bits inside."""
        with mp.workprec(count):
            yield

    def number(self, x: Any) -> Any:
        """Returns a float as a number of this kind."""
        return mpmath.mpf(x)

    def power_of_two(self, exponent: int) -> Any:
        """Returns 2**exponent; the exponent may be of any size."""
        return mp.ldexp(1, exponent)

    def known(self, x: Any) -> Any:
        """Returns the number, or None where it is not a finite real number."""
        if isinstance(x, mpmath.mpc):
            return None
        x = mpmath.mpf(x)
        return x if mp.isfinite(x) else None


class Fractions(Digits):
    """Python's fractions, which have all bits, for rows that only do arithmetic."""

    shortest_step = -200

    def __init__(self) -> None:
        self.face = _FaceOfFractions()

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


def evaluated(kind: Digits, op: Op, operands: Sequence[Any]) -> Any:
    """Returns the row's value by its counterpart in mpmath; None where there is none.

    >>> from micrograd_notes.engine.ops import log
    >>> evaluated(Digits(), log, [mpmath.mpf(1)]), evaluated(Digits(), log, [mpmath.mpf(-1)])
    (mpf('0.0'), None)
    """
    assert op.mpmath is not None, f"{op.name} does not name a counterpart"
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
    """A row at a point: the operands, the value and the partials as floats."""

    operands: Sequence[float]
    value: float
    partials: dict[int, float]
    bounds: dict[int, float]  # what the partials may be off


def tangent(kind: Digits, op: Op, operands: Sequence[Any], claim: Claim) -> Tangent | None:
    """Returns the row's value and its slopes; None where they can't be settled.

    The claim decides how short the step is, and how many digits show whether the claim is right.
    The slope on the left is only computed where the one on the right is not what is claimed.
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
        if not sides:
            return None
        slopes[i] = Slope(min(sides), max(sides))
    return Tangent(middle, slopes)


def _agrees(partial: float, slopes: list[Any], bound: float) -> bool:
    return bool(slopes) and bool(min(slopes) - bound <= partial <= max(slopes) + bound)


def _both_sides(
    kind: Digits, op: Op, operands: Sequence[Any], i: int, step: int, middle: Any, claim: Claim
) -> list[Any]:
    """Returns the slopes on both sides; the slope on the right alone if that is the claim."""
    length = kind.power_of_two(step)
    right = _quotients(kind, op, operands, i, length, middle)
    if len(right) == 1 and abs(right[0] - claim.partials[i]) <= claim.bounds[i]:
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
    slope = change / step
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
