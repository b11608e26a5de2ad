"""Derivatives of functions of floats, with an estimate of the error: `ladder`.

Central differences at a ladder of steps, each half of the last, are improved twice by Richardson's
extrapolation. The rung with the smallest estimated error is kept.
"""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from micrograd_notes.common import checks
from micrograd_notes.testing.numbers.numeric import (
    SURELY,
    Derivative,
    RealFunction,
    Side,
    called,
)

__all__ = ["FORMULA", "STAIR", "ladder", "noise_near"]

_ULP = 2.0**-52
_TOP, _BOTTOM, _HIGHEST = 2, 50, 60  # exponents: steps from 2**-2 of the scale to 2**-50 of |x|
_LEAST = -1070  # exponent of the smallest step at 0, where floats lie closest
_CAUTION = 8.0
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
    function = _remembered(function)
    noise = _larger_noise(function, x, stair)
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
            if abs((there - here) / step - slope) > SURELY * off + 1e-3 * size:
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
    if abs(right.slope - left.slope) > SURELY * (left.error + right.error) + 1e-6 * size:
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
    return _larger_noise(_remembered(function), x, stair)


def _larger_noise(function: RealFunction, x: float, stair: float) -> float:
    """Returns the noise on the side where it is larger."""
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
    # an ulp over ever smaller steps is no slope
    is_rounding = abs(rises[-1]) <= 4.0 * math.ulp(max(abs(low[-1]), abs(high[-1])))
    if order == 1 and not (best.error < 0.1 * abs(best.slope) or is_rounding) and _grows(quotients):
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
        abs(other.slope - rung.slope) > SURELY * (rung.error + other.error) for other in finer
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
    least = max(1e3 * math.ulp(largest), SURELY * values.noise)
    middle = last[len(last) // 2]
    return abs(middle) > least and all(abs(rise - middle) <= 0.1 * abs(middle) for rise in last)


def _grows(quotients: list[float]) -> bool:
    """Returns whether the slope still grows on the last twenty rungs, as that of sqrt at 0."""
    last = quotients[-20:]
    return all(abs(b) > 1.2 * abs(a) for a, b in pairwise(last))


def _remembered(function: RealFunction) -> RealFunction:
    """Returns the same function, which computes each value once: halved steps meet the same places.
    """
    known: dict[float | str, Any] = {}

    def value(x: float) -> Any:
        place = x or str(x)  # 0.0 and -0.0 are two
        if place not in known:
            known[place] = function(x)
        return known[place]

    return value


def _value(function: RealFunction, x: float) -> float:
    try:
        return float(called(function, x))
    except (ArithmeticError, ValueError):
        return math.nan
