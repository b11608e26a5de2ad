"""Derivatives of functions that can be evaluated to any number of digits: `limit_of_quotients`.

The difference quotient is taken with steps of 1e-20, 1e-40, ... of the smallest length in the
function, until two agree to more digits than a float has.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import mpmath

from micrograd_notes.common import checks
from micrograd_notes.testing.numbers.numeric import Derivative, RealFunction, Side, called

__all__ = ["is_constant_near", "limit_of_quotients"]

mp = mpmath.mp

# A step of 10**(-digits/3) leaves two thirds of the digits for the difference. The last two see
# what is left of erf' at 26, 1e-294 of a value of 1.
DIGITS = (60, 120, 240, 520, 800)
_FINEST = 3000  # digits: at a jump the step of 1e-1000 has to see it too
_AGREE = mpmath.mpf(10) ** -18  # two quotients agree: to a hundredth of a float's last place


def limit_of_quotients(
    function: RealFunction, x: float, extra: int = 0, length: float = 1.0
) -> Derivative:
    """Returns the derivative at a float of a function of mpmath's numbers.

    The function is called with more and more digits, and gives nan where it is not defined. Where
    numbers of very different sizes meet in it, the last calls need `extra` digits to see the small.
    Near 0 the function may change over the smallest of these numbers: pass it as `length`, and all
    steps are far smaller.

    >>> print(limit_of_quotients(mp.tanh, 20.0))
    1.6993417e-17 +- 2e-33
    >>> print(limit_of_quotients(abs, 0.0))
    -1 +- 1e-16 from the left, 1 +- 1e-16 from the right
    """
    checks.function("function", function, 1, "one number")
    x, extra = checks.finite_number("x", x), checks.whole_number("extra", extra, 0)
    steps = _Steps(x, checks.finite_number("length", length, 0.0), extra)
    quotients: list[tuple[Any, Any]] = []
    for digits in DIGITS:
        quotients.append(_quotients(function, steps, digits))
        found = _settled(quotients)
        if found is not None:
            return found
    left, right = (_tendency(function, steps, quotients, which) for which in (0, 1))
    same = left.slope == right.slope and not left.jumps and not right.jumps
    return Derivative(left, right, left if same else None)


def is_constant_near(function: RealFunction, x: float) -> bool:
    """Returns whether the value does not change at all, as a root that is found by bisection."""
    with mp.workdps(60):
        step = mpmath.mpf(10) ** -25 * (abs(x) or 1)
        return bool(function(x - step) == function(mpmath.mpf(x)) == function(x + step))


def smallest_length(numbers: Iterable[float]) -> float:
    """Returns the shortest stretch over which a function of these numbers is likely to change.

    >>> smallest_length([0.0, -1e-300, 5.0]), smallest_length([0.0, 5.0])
    (1e-300, 1.0)
    """
    return min([1.0, *(abs(x) for x in numbers if x)])


def sum_of_mixed(
    moved: Callable[[dict[int, Any]], Any], index: int, numbers: Sequence[float], part: Any
) -> float:
    """Returns sum |x * d2f/dx dt| over the numbers x: how far df/dt moves by their rounding.

    Args:
        moved: returns f where the numbers at some indices are others, given by index.
        index: the index of t.
        numbers: the point.
        part: the part of each number by which it is moved.
    """
    total, length = 0.0, smallest_length(numbers)
    width = numbers[index] or length
    for other, x in enumerate(numbers):
        if not x:
            continue
        corners = []
        for sign, other_sign in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            changed = {index: numbers[index] + sign * part * width}
            changed[other] = changed.get(other, x) + other_sign * part * x
            corners.append(sign * other_sign * moved(changed))
        mixed = abs(float(sum(corners) / (4 * part * part * width)))  # it is times x already
        total += mixed if math.isfinite(mixed) else 0.0
    return total


class _Steps:
    """Steps from a point, and the digits that the point, its step and the difference need."""

    def __init__(self, x: float, length: float, extra: int) -> None:
        self.x = x
        self.unit = min(abs(x) or 1.0, length or 1.0, 1.0)
        self._extra = extra
        self._apart = math.ceil(math.log10(max(abs(x), 1.0)) - math.log10(self.unit))

    def step(self, digits: int) -> Any:
        return mpmath.mpf(10) ** -(digits // 3) * mpmath.mpf(self.unit)

    def work(self, digits: int) -> Any:
        """Computes with so many digits, and those that numbers of different sizes need."""
        return mp.workdps(digits + self._apart + (self._extra if digits >= DIGITS[-2] else 0))


def _quotients(function: RealFunction, steps: _Steps, digits: int) -> tuple[Any, Any]:
    """Returns the difference quotients on the left and on the right."""
    with steps.work(digits):
        middle, step = mpmath.mpf(steps.x), steps.step(digits)
        points = middle - step, middle, middle + step
        below, here, above = (called(function, point) for point in points)
        return (here - below) / step, (above - here) / step


def _settled(quotients: list[tuple[Any, Any]]) -> Derivative | None:
    """Returns the derivative if the last two pairs of quotients agree on one; None if not yet.

    The two quotients of a pair differ by f'' times the step. So the gap between them goes away with
    the step at a smooth point, and stays at a kink.
    """
    if len(quotients) < 2:
        return None
    (left_before, right_before), (left, right) = quotients[-2:]
    with mp.workdps(60):
        middle_before, middle = (left_before + right_before) / 2, (left + right) / 2
        gap_before, gap = abs(right_before - left_before), abs(right - left)
        closes = gap <= 1e-9 * gap_before or gap <= _AGREE * max(abs(left), abs(right))
        if closes and _agree(middle_before, middle):
            side = _as_side(middle)
            return Derivative(side, side, side)
        sides = [
            _as_side(after) if _agree(before, after) else Side(math.nan)
            for before, after in ((left_before, left), (right_before, right))
        ]
        settled = [
            side.is_defined or not mp.isfinite(after)
            for side, after in zip(sides, (left, right), strict=True)
        ]
        return Derivative(*sides) if all(settled) and not closes else None


def _agree(before: Any, after: Any) -> bool:
    """Returns whether two quotients are the same to more digits than a float has.

    Two zeros do not count: with more digits they may turn out to be 1e-272.
    """
    return bool(after != 0 and abs(after - before) <= _AGREE * abs(after))


def _tendency(
    function: RealFunction, steps: _Steps, quotients: list[tuple[Any, Any]], which: int
) -> Side:
    """Returns where the quotients of one side tend to, that did not settle on a number."""
    before, last = (pair[which] for pair in quotients[-2:])
    if not mp.isfinite(last):
        return Side(math.nan)
    if _agree(before, last):
        return _as_side(last)
    if abs(last) <= max(1e-9 * abs(before), mpmath.mpf(10) ** -330):
        return Side(0.0)  # it vanishes with the step
    if abs(last) < 1e9 * abs(before):
        gap, gap_before = abs(last - before), abs(before - quotients[0][which])
        # A slope that moves no less than it did has not arrived, however little that is: that of
        # x**(1 + 1e-16) at 0 is 1 for all steps within reach, and 0 in the end.
        creeps = not gap < 1e-3 * gap_before
        return Side(float(last), float(max(gap, abs(last)) if creeps else gap))
    rise_before = abs(before * steps.step(DIGITS[-2]))
    if abs(last * steps.step(DIGITS[-1])) < 0.5 * rise_before:
        if not _grows_steadily([pair[which] for pair in quotients], steps):
            return Side(float(last), float(abs(last)))  # the last step sees what no other does
        return Side(math.copysign(math.inf, last))  # it grows, and the rise vanishes
    rise, finest = _smallest_rise(function, steps, (-1, 1)[which])
    if not rise >= 0.5 * rise_before:
        return Side(float(last), math.inf)  # far below the steps it comes back to its value
    with steps.work(DIGITS[0]):
        step = steps.step(DIGITS[0]) * (-1, 1)[which]
        near, far = function(steps.x + step), function(steps.x + 2 * step)
        return Side(float((far - near) / step), jumps=True, steepest=float(rise / finest))


def _smallest_rise(function: RealFunction, steps: _Steps, sign: int) -> tuple[Any, Any]:
    """Returns by how much the value changes over a step far below all others, and that step."""
    with steps.work(_FINEST):
        step = steps.step(_FINEST)
        x = mpmath.mpf(steps.x)
        return abs(function(x + sign * step) - function(x)), step


def _grows_steadily(quotients: list[Any], steps: _Steps) -> bool:
    """Returns whether the slope grows as a power of the step, that of sqrt at 0 as step**-0.5.

    Where the smallest of x and 1e-222 is taken, it is flat for every step but the last, and then 1.
    """
    if not all(mp.isfinite(q) and q for q in quotients[-3:]):
        return False
    sizes = [steps.step(digits) for digits in DIGITS]
    powers = [
        mp.log(abs(quotients[k + 1] / quotients[k])) / mp.log(sizes[k] / sizes[k + 1])
        for k in (-3, -2)
    ]
    return bool(abs(powers[1] - powers[0]) < 0.05)


def _as_side(number: Any) -> Side:
    """Returns it rounded to a float, with half a unit in the last place as the error."""
    slope = float(number)
    return Side(slope, 0.5 * math.ulp(slope) if math.isfinite(slope) else 0.0)
