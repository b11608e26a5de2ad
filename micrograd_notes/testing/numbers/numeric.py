"""Numeric derivatives that say how far off they may be.

Two ways, both from both sides, so that a kink is seen as one:

- `limit_of_quotients`: for functions that can be evaluated to any number of digits. The difference
  quotient is taken with steps of 1e-20, 1e-40, ... of the smallest length in the function, until
  two agree to more digits than a float has. Only the last rounding remains in doubt.
- `ladder`: for functions of floats. Central differences at a ladder of steps, each a power of two
  below the last, improved twice by Richardson's extrapolation; the rung with the smallest estimated
  error is kept. That is an estimate, not a proof.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import mpmath

from micrograd_notes.common import checks

__all__ = [
    "FORMULA",
    "STAIR",
    "Derivative",
    "Side",
    "is_constant_near",
    "ladder",
    "limit_of_quotients",
    "noise_near",
]

mp = mpmath.mp
RealFunction = Callable[[Any], Any]

# A step of 10**(-digits/3) leaves two thirds of the digits for the difference. The last two see
# what is left of erf' at 26, 1e-294 of a value of 1.
DIGITS = (60, 120, 240, 520, 800)
_FINEST = 3000  # digits: at a jump the step of 1e-1000 has to see it too
_AGREE = mpmath.mpf(10) ** -18  # two quotients agree: to a hundredth of a float's last place
_ULP = 2.0**-52


@dataclass(frozen=True)
class Side:
    """A derivative from one side: a number, inf where it is infinite, nan where there is none."""

    slope: float
    error: float = 0.0  # how far off the slope may be
    jumps: bool = False  # the function does not tend to its value on this side
    steepest: float = math.inf  # at a jump: the rise over the smallest step that was taken

    @property
    def is_defined(self) -> bool:
        """Whether the function is defined on this side, and its slope was found."""
        return not math.isnan(self.slope)


@dataclass(frozen=True)
class Derivative:
    """The derivative of a function of one real number at a point, from both sides."""

    left: Side
    right: Side
    central: Side | None = None  # the derivative where both sides have the same

    @property
    def is_smooth(self) -> bool:
        """Whether both sides have the same derivative."""
        return self.central is not None

    @property
    def jumps(self) -> bool:
        """Whether the function jumps here."""
        return self.left.jumps or self.right.jumps

    @property
    def sides(self) -> list[Side]:
        """The sides on which there is a derivative; the common one where they agree."""
        if self.central is not None:
            return [self.central]
        return [side for side in (self.left, self.right) if side.is_defined]

    @property
    def doubt(self) -> float:
        """How far off it may be, on the side of which less is known."""
        return max((side.error for side in self.sides), default=math.inf)

    def known_to(self, part: float) -> "Derivative":
        """Returns it with errors that are at least so large a part of the slopes."""
        sides = [
            side and replace(side, error=max(side.error, part * abs(side.slope)))
            for side in (self.left, self.right, self.central)
        ]
        return Derivative(*sides)  # type: ignore[arg-type]

    def surely_differs(self, slope: float) -> bool:
        """Returns whether the slope is off by so much that no error of the estimate explains it.

        A jump may also be a rise that is too steep for the smallest step, as x / hypot(x, 1e-300)
        is at 0. So at a jump no slope is refuted that would complete the rise within that step.

        >>> flat = Derivative(Side(0.0, 2e-14), Side(0.0, 2e-14))
        >>> flat.surely_differs(1.0), flat.surely_differs(1e-13)
        (True, False)
        """
        steepest = min(self.left.steepest, self.right.steepest)
        is_hidden = self.jumps and abs(slope) * _SURELY >= steepest
        return not is_hidden and not self.allows(slope, _SURELY * self.doubt)

    def allows(self, slope: float, tolerance: float = 0.0) -> bool:
        """Returns whether the slope lies between the two sides, or is off by the tolerance at most.

        At a smooth point that is the derivative itself. An infinite slope must be met exactly.

        >>> kink = Derivative(Side(-1.0), Side(1.0))
        >>> kink.allows(0.0), kink.allows(1.5), kink.allows(math.nan)
        (True, False, False)
        """
        slopes = [side.slope for side in self.sides]
        if not slopes or math.isnan(slope):
            return False
        low, high = min(slopes), max(slopes)
        return low <= slope <= high or any(abs(slope - end) <= tolerance for end in slopes)

    def __str__(self) -> str:
        if not self.sides:
            return "none"
        if self.central is not None:
            return _spelled(self.central)
        if len(self.sides) == 1:
            which = "left" if self.left.is_defined else "right"
            return f"{_spelled(self.sides[0])}, from the {which}"
        return f"{_spelled(self.left)} from the left, {_spelled(self.right)} from the right"


def _spelled(side: Side) -> str:
    if math.isinf(side.slope):
        return f"{side.slope}"
    return f"{side.slope:.9g} +- {max(side.error, 0.0):.0e}"


# ---- any number of digits ------------------------------------------------------------------------


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
        below, here, above = (_called(function, point) for point in points)
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


# ---- floats --------------------------------------------------------------------------------------

_TOP, _BOTTOM, _HIGHEST = 2, 50, 60  # exponents: steps from 2**-2 of the scale to 2**-50 of |x|
_LEAST = -1070  # exponent of the smallest step at 0, where floats lie closest
_CAUTION = 8.0
_SURELY = 10.0  # a gap of so many estimated errors, which may be too small, is no chance
FORMULA = 2.0**-36  # of a slope: what the rounded constants of a formula may do to it
STAIR = 2.0**-15  # of the values' size: a larger stair is taken for one of the function itself
# No period of a function that a person writes is a power of two times this number.
_JITTER = 0.7390851332151607


def ladder(function: RealFunction, x: float, stair: float = STAIR) -> Derivative:
    """Returns the derivative of a function of floats, with an estimate of its error.

    The function raises ArithmeticError or ValueError, or gives nan, where it is not defined. A jump
    up to `stair` of its size counts as rounding, and a larger one as the function's own.

    >>> print(ladder(math.sin, 0.75))
    0.731688869 +- 5e-13
    >>> print(ladder(abs, 0.0))
    -1 +- 6e-16 from the left, 1 +- 6e-16 from the right
    """
    checks.function("function", function, 1, "one number")
    x, stair = checks.finite_number("x", x), checks.finite_number("stair", stair, 0.0)
    noise = noise_near(function, x, stair)
    found = _from_steps(function, x, _steps(x), noise)
    if x == 0.0 and not _holds_below(function, found):
        return _from_steps(function, x, _steps(x, _LEAST), noise)
    return found


def _holds_below(function: RealFunction, found: Derivative) -> bool:
    """Returns whether what was found at 0 may hold for the floats below the smallest step too.

    x / hypot(x, 1e-100) jumps at 0 for any step above 1e-100.
    """
    if found.central is None:
        return not found.jumps and any(math.isinf(side.slope) for side in found.sides)
    here, top = _value(function, 0.0), math.ldexp(_JITTER, -_TOP)
    far = max(abs(here), abs(_value(function, top)), abs(_value(function, -top)))
    slope = found.central.slope
    for exponent in range(-_HIGHEST - _BOTTOM, _LEAST, -_HIGHEST):
        for step in (math.ldexp(_JITTER, exponent), -math.ldexp(_JITTER, exponent)):
            there = _value(function, step)
            off = 4.0 * max(math.ulp(here), math.ulp(there)) / abs(step)
            size = max(abs(slope), far / top)
            if abs((there - here) / step - slope) > _SURELY * off + 1e-3 * size:
                return False
    return True


def _from_steps(function: RealFunction, x: float, steps: list[float], noise: float) -> Derivative:
    central, left, right = (
        _climb(function, x, [(-step, step) for step in steps], 2, noise),
        _climb(function, x, [(-step, 0.0) for step in steps], 1, noise),
        _climb(function, x, [(0.0, step) for step in steps], 1, noise),
    )
    if not (left.is_defined and right.is_defined) or left.jumps or right.jumps:
        return Derivative(left, right)
    if math.isinf(left.slope) or math.isinf(right.slope):
        return Derivative(left, right, left if left.slope == right.slope else None)
    # A kink is a gap that the errors, and ten times what their estimates may miss, do not explain.
    size = abs(left.slope) + abs(right.slope)
    if abs(right.slope - left.slope) > _SURELY * (left.error + right.error) + 1e-6 * size:
        return Derivative(left, right)
    sides = [side for side in (central, left, right) if side.is_defined]
    return Derivative(left, right, min(sides, key=lambda side: side.error))


def _steps(x: float, least: int = -_HIGHEST - _BOTTOM) -> list[float]:
    """Returns the rungs: from a quarter of |x|, or of 1 if that is more, down to |x| * 2**-50.

    At 0 they go down to 2**least.
    """
    _, exponent = math.frexp(x)
    low = exponent if x else -_HIGHEST
    high = min(max(low, 0), low + _HIGHEST)
    return [math.ldexp(_JITTER, k) for k in range(high - _TOP, low - _BOTTOM if x else least, -1)]


_WINDOW = 8  # distances side by side at which noise is to look the same
_SIZE_ONE = 2.0**-48  # what a constant may be off, if it is made of terms of size 1


def noise_near(function: RealFunction, x: float, stair: float = STAIR) -> float:
    """Returns how far off the function's values are by its own rounding, near x.

    It shows in sixth differences of values at even distances: half the distance divides those of a
    smooth function by 64 and those of a kink by 2, and noise stays. Noise that is seen from afar
    counts, unless the differences fall as those of a smooth function from there on. After
    J. J. Moré and S. M. Wild, "Estimating computational noise" (2011).
    """
    return max(_noise(function, x, -1, stair), _noise(function, x, +1, stair))


def _noise(function: RealFunction, x: float, side: int, stair: float) -> float:
    here = _value(function, x)
    largest = max(stair * max(abs(here), 1.0), 4 * _ULP * x * x)
    beside = _value(function, x + side * max(4 * math.ulp(x), 2.0**-60))
    levels = [_SIZE_ONE] if beside == here else []
    for start, exponents in ((max(abs(x), 1.0), range(12, 47)), (abs(x), range(3, 47))):
        sizes = [
            _sixth_difference(function, x, side * math.ldexp(_JITTER * start, -exponent))
            for exponent in exponents
        ]
        found: list[float] = []
        for first in range(len(sizes) - _WINDOW + 1):
            window = sorted(sizes[first : first + _WINDOW])
            size, *finer = sizes[first : first + 3]
            falls = [a / b if b else math.inf for a, b in pairwise((size, *finer))]
            if all(8 <= fall <= 512 for fall in falls):
                found = []  # smooth at this distance, so what was seen from afar is no noise
            elif falls[0] > 4096 and size > largest:
                found = []  # jumps and kinks, too far away
            # without the smallest and the largest, which chance may make
            elif all(map(math.isfinite, window)) and 0 < window[-2] <= 16 * window[1]:
                found.append(window[_WINDOW // 2])
            elif falls[0] > 4096 and size:
                found.append(size)
        levels += found
    # Six differences multiply independent errors by the root of 1 + 36 + 225 + 400 + 225 + 36 + 1.
    return max(levels, default=0.0) / math.sqrt(924)


def _sixth_difference(function: RealFunction, x: float, step: float) -> float:
    differences = [_value(function, x + (k + 1) * step) for k in range(7)]
    for _ in range(6):
        differences = [b - a for a, b in pairwise(differences)]
    return abs(differences[0])


def _climb(
    function: RealFunction, x: float, ends: list[tuple[float, float]], order: int, noise: float
) -> Side:
    """Returns the slope between the two ends, extrapolated to no distance, from the best rung."""
    low = [_value(function, x + below) for below, _ in ends]
    high = [_value(function, x + above) for _, above in ends]
    known = [abs(y) for y in (*low, *high) if math.isfinite(y)]
    # In units of the largest value, so that no sum overflows; a subnormal one is off by 5e-324
    _, unit = math.frexp(max(known, default=0.0))
    low, high = ([math.ldexp(y, -unit) for y in ys] for ys in (low, high))
    values = _Values(low, high, math.ldexp(max(noise, 5e-324), -unit))
    side = _slope_of_values(x, ends, values, order)
    return replace(
        side, slope=_scaled(side.slope, unit), error=_scaled(side.error, unit),
        steepest=_scaled(side.steepest, unit),
    )


def _scaled(number: float, exponent: int) -> float:
    try:
        return math.ldexp(number, exponent)
    except OverflowError:
        return math.copysign(math.inf, number)


class _Values(NamedTuple):
    """A function's values at the lower and the upper end of each rung, and how far off they are."""

    low: list[float]
    high: list[float]
    noise: float

    @property
    def rises(self) -> list[float]:
        return [b - a for a, b in zip(self.low, self.high, strict=True)]


def _slope_of_values(
    x: float, ends: list[tuple[float, float]], values: _Values, order: int
) -> Side:
    widths = [(x + above) - (x + below) for below, above in ends]
    if order == 2 or not _is_a_jump(values):
        return _best_rung(values.rises, widths, values, order)
    steepest = abs(values.rises[-1] / widths[-1]) if widths[-1] else math.inf
    is_left = ends[0][1] == 0.0
    outer = values.low if is_left else values.high
    rises = [b - a if is_left else a - b for a, b in pairwise(outer)]
    widths = [a - b for a, b in pairwise(widths)]
    return Side(_best_rung(rises, widths, values, order).slope, jumps=True, steepest=steepest)


def _best_rung(rises: list[float], widths: list[float], values: _Values, order: int) -> Side:
    low, high, noise = values
    quotients = [rise / width if width else math.nan
                 for rise, width in zip(rises, widths, strict=True)]
    once = _extrapolated(quotients, 2.0**order)
    twice = _extrapolated(once, 2.0 ** (2 * order) if order == 2 else 4.0)
    # What error is small is measured against the slope; where that is 0, against the function's own
    # size. In absolute terms a flat stretch far from x would win over the steep point itself.
    floor = max((abs(v) for v in [*low, *high] if v == v), default=0.0) / abs(widths[0])
    rungs: list[Side] = []
    scores: list[float] = []
    for k in range(1, len(twice) - 1):
        slope = twice[k]
        if not widths[k + 2]:
            break  # next to 0, a step may be less than the smallest float
        # Three differences: that all are small by accident is rare.
        truncation = max(abs(slope - other) for other in (once[k + 1], twice[k - 1], twice[k + 1]))
        # Each value is off by an ulp or by its noise, and the extrapolations double that.
        off = max(math.ulp(max(abs(low[k + 2]), abs(high[k + 2]))), noise)
        rounding = 4.0 * off / abs(widths[k + 2])
        # The rung is chosen for its small differences, so they tend to be too small.
        error = _CAUTION * truncation + rounding
        rungs.append(Side(slope, error))
        scores.append(error / (abs(slope) + floor or 1.0))
    best = _least_doubtful(rungs, scores)
    if order == 1 and not best.error < 0.1 * abs(best.slope) and _grows(quotients):
        return Side(math.copysign(math.inf, quotients[-1]))
    return best


def _least_doubtful(rungs: list[Side], scores: list[float]) -> Side:
    """Returns the rung of the best score that no finer ones contradict.

    From afar a staircase is a slope, so two finer rungs side by side outweigh a coarser one.
    """
    for k in sorted(range(len(rungs)), key=lambda k: (math.isnan(scores[k]), scores[k])):
        if not math.isnan(scores[k]) and not _is_contradicted(rungs[k], rungs[k + 1 :]):
            return rungs[k]
    return Side(math.nan, math.inf)


def _is_contradicted(rung: Side, finer: list[Side]) -> bool:
    is_other = [
        abs(other.slope - rung.slope) > _SURELY * (rung.error + other.error) for other in finer
    ]
    return any(first and second for first, second in pairwise(is_other))


def _extrapolated(quotients: list[float], ratio: float) -> list[float]:
    """Returns the sequence without its leading error, which falls by the ratio from rung to rung.

    This is Richardson's extrapolation (1911): the error is a series in the step.
    """
    return [(ratio * b - a) / (ratio - 1) for a, b in pairwise(quotients)]


def _is_a_jump(values: _Values) -> bool:
    """Returns whether the rise stays while the step shrinks a thousandfold."""
    last = values.rises[-10:]
    largest = max(map(abs, [*values.low[-10:], *values.high[-10:]]))
    least = max(1e3 * math.ulp(largest), _SURELY * values.noise)
    middle = last[len(last) // 2]
    return abs(middle) > least and all(abs(rise - middle) <= 0.1 * abs(middle) for rise in last)


def _grows(quotients: list[float]) -> bool:
    """Returns whether the slope still grows on the last twenty rungs, as that of sqrt at 0."""
    last = quotients[-20:]
    return all(abs(b) > 1.2 * abs(a) for a, b in pairwise(last))


def _value(function: RealFunction, x: float) -> float:
    try:
        return float(_called(function, x))
    except (ArithmeticError, ValueError):
        return math.nan


def _called(function: RealFunction, x: Any) -> Any:
    try:
        +(y := function(x))
    except TypeError as error:
        raise type(error)(f"function must take a number and return one: {error}") from error
    return y
