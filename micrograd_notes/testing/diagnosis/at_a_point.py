"""One operation at one point: is its value right, and is each partial its derivative?

`gradcheck` and `opcheck` call `examine`. The value is compared with the row's counterpart in
mpmath, and a partial with the numeric derivative of the counterpart. A row without a counterpart
is compared with its own `forward`, in many digits if it is made of functions of `math`.

To tell a wrong rule from lost digits, the rule itself is evaluated in many digits: if that is the
derivative, then only the rule's arithmetic fails.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import mpmath

from micrograd_notes.common import checks
from micrograd_notes.common.checks import is_number
from micrograd_notes.engine.accurate import SMALLEST_NORMAL
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.diagnosis.verdicts import Verdict
from micrograd_notes.testing.numbers.ladder import FORMULA, STAIR, ladder, noise_near
from micrograd_notes.testing.numbers.numeric import Derivative
from micrograd_notes.testing.numbers.operand import operands_of
from micrograd_notes.testing.numbers.precise import (
    OpaqueError,
    Precise,
    counterpart,
    is_read,
    mp,
    with_many_digits,
)
from micrograd_notes.testing.numbers.quotients import (
    DIGITS,
    is_constant_near,
    limit_of_quotients,
    smallest_length,
    sum_of_mixed,
)

__all__ = ["Finding", "examine", "examine_partial", "examine_value", "numeric_partial"]

_ULP = 2.0**-52
SMALLEST = 2.0**-1074
# A value of a built-in row: what libm grants for its worst functions, and two roundings of our own.
_VALUE_ULPS = 4.0
# How far a value or a partial may be off where the row states no bound: as if each of its operands,
# and its own terms, had been rounded some tens of times on the way.
_ROUNDINGS = 64.0
_HALF_THE_DIGITS = 2.0**-26
# Beyond this a formula in many digits is another formula: constants are rounded at 1e-16.
_ANOTHER_FORMULA = 1e-9
_ANOTHER_VALUE = 1e-10
_ANOTHER_FACTOR = 3e-10  # and a learner's constants may have ten digits
TAKEN_OUT = (
    "the rule takes .data out of its operand, or branches with if, so its own derivative is lost: "
    "compute with the operand itself and with operations of the table, such as where"
)
_TAKING_OUT = ("data", "detach", "item")
_SURELY = 10.0  # so many doubts apart are no chance


@dataclass(frozen=True)
class Finding:
    """The verdict on one value or one partial."""

    verdict: Verdict
    op: Op
    operands: tuple[float, ...]
    index: int | None  # which partial; None for the value
    got: float
    expected: str  # in words
    derivative: Derivative | None = None  # the numeric one
    note: str = ""


def examine(op: Op, operands: Sequence[float], value: float | None = None) -> list[Finding]:
    """Returns what was found of the value and of each partial.

    Args:
        op: the row.
        operands: numbers at which its forward succeeds.
        value: what its forward gave; by default that is computed.

    Raises:
        TypeError: op is not an operation, or operands is not a list.
        ValueError: a number is not finite; ArithmeticError too, where the operation is undefined.

    >>> from micrograd_notes import operation
    >>> bad = operation("bad_square", lambda x: x * x, [lambda y, x: 3 * x])
    >>> [str(finding.verdict) for finding in examine(bad, [2.0])]
    ['VALUE UNCHECKED', 'WRONG RULE']
    """
    operands = operands_of(op, operands)
    value = float(op(*operands)) if value is None else checks.finite_number("value", value)
    partials = [i for i in range(len(operands)) if op.is_differentiated(i)]
    return [
        examine_value(op, operands, value),
        *(examine_partial(op, i, operands, value) for i in partials),
    ]


# ---- the value -----------------------------------------------------------------------------------


def examine_value(op: Op, operands: tuple[float, ...], value: float) -> Finding:
    """Returns what was found of the value: PASS, WRONG VALUE, INACCURATE or VALUE UNCHECKED."""

    def finding(verdict: Verdict, expected: str, note: str = "") -> Finding:
        return Finding(verdict, op, operands, None, value, expected, note=note)

    if op.mpmath is None:
        return finding(Verdict.VALUE_UNCHECKED, "", "the row names no counterpart in mpmath")
    if any(x == 0 and math.copysign(1.0, x) < 0 for x in operands):
        return finding(Verdict.VALUE_UNCHECKED, "", "mpmath does not distinguish -0.0 from 0.0")
    truth = _settled(lambda: counterpart(op, *operands), operands)
    if truth is None:
        return finding(Verdict.VALUE_UNCHECKED, "nan", "the counterpart is not a real number here")
    expected = f"{float(truth):.17g}"
    if math.isinf(float(truth)) or math.isinf(value):
        is_same = float(truth) == value or abs(truth) > 1.79e308
        return finding(Verdict.PASS if is_same else Verdict.WRONG_VALUE, expected)
    error = float(abs(mpmath.mpf(value) - truth))
    if _is_near(op, operands, error, float(truth)):
        return finding(Verdict.PASS, expected)
    if error > _ANOTHER_VALUE * abs(truth):
        if _loses_digits(op, operands, error, truth):
            return finding(Verdict.INACCURATE, expected, "forward loses digits here")
        return finding(Verdict.WRONG_VALUE, expected)
    return finding(Verdict.INACCURATE, expected, f"off by {error / math.ulp(float(truth)):.1f} ulp")


def _is_near(op: Op, operands: tuple[float, ...], error: float, truth: float) -> bool:
    """Returns whether a value is as near as it must be; one of several operands may cancel."""
    subnormal = _VALUE_ULPS * SMALLEST * max(1.0, *map(abs, operands))
    roundings = _VALUE_ULPS if _states_a_bound(op) else _ROUNDINGS
    if error <= roundings * math.ulp(truth) + subnormal:
        return True  # as almost always, and the rest would take as long as all partials
    if _states_a_bound(op) and len(operands) == 1:
        return False
    moved = _moved_by_rounding(op, operands)
    return error <= roundings * (math.ulp(truth) + _ULP * moved) + subnormal


def _moved_by_rounding(op: Op, operands: tuple[float, ...]) -> float:
    """Returns sum |x * dy/dx|: how far the value moves, for each part by which operands do."""
    total = 0.0
    for index, x in enumerate(operands):
        if op.is_differentiated(index) and x:
            slopes = [abs(side.slope) for side in numeric_partial(op, index, operands).sides]
            total += abs(x) * max(slopes, default=0.0) if math.isfinite(x) else 0.0
    return total if math.isfinite(total) else 0.0


def _loses_digits(op: Op, operands: tuple[float, ...], error: float, truth: Any) -> bool:
    """Returns whether forward is right in many digits, or is off by no more than its own noise."""
    exact = _settled(lambda: with_many_digits(op.forward)(*map(Precise, operands)), operands)
    if exact is not None and abs(exact - truth) <= _ANOTHER_VALUE * abs(truth):
        return True
    return error <= _ROUNDINGS * _noise(op.forward, operands, STAIR if exact is not None else 1.0)


def _noise(function: Callable[..., Any], operands: tuple[float, ...], stair: float) -> float:
    """Returns how far a function of the operands is off by its own rounding."""

    def along(i: int) -> Callable[[float], float]:
        return lambda t: function(*operands[:i], t, *operands[i + 1 :])

    return max(noise_near(along(i), x, stair) for i, x in enumerate(operands))


def _settled(
    evaluate: Callable[[], Any], operands: Sequence[float], among: Sequence[int] = DIGITS
) -> Any:
    """Returns the number that does not change when it is computed with more digits; None if nan."""
    before = None
    for digits in among:
        with mp.workdps(digits + _largest_exponent(operands)):
            try:
                number = evaluate()
            except (OpaqueError, TypeError, ArithmeticError, ValueError):
                return None
            number = number.number if isinstance(number, Precise) else mpmath.mpf(number)
            if mp.isnan(number):
                return None
            if before is not None and number and abs(number - before) <= 1e-20 * abs(number):
                return number  # a zero may turn out to be 1e-308
            before = number
    return before


def _largest_exponent(operands: Sequence[float]) -> int:
    sizes = [abs(x) for x in operands if x and math.isfinite(x)]
    return int(max((abs(math.log10(size)) for size in sizes), default=0.0))


# ---- a partial -----------------------------------------------------------------------------------


def numeric_partial(
    op: Op, index: int, operands: tuple[float, ...], stair: float = STAIR
) -> Derivative:
    """Returns the numeric derivative of the operation in one of its operands."""

    def along(function: Callable[..., Any]) -> Callable[[Any], Any]:
        return lambda t: function(*operands[:index], t, *operands[index + 1 :])

    try:
        extra = 2 * _largest_exponent(operands)
        length = smallest_length(operands)
        found = limit_of_quotients(along(_in_many_digits(op)), operands[index], extra, length)
        if op.mpmath or not is_constant_near(along(_in_many_digits(op)), operands[index]):
            return found.known_to(FORMULA) if is_read(op) else found
    except OpaqueError:
        pass
    return ladder(along(op.forward), operands[index], stair)


def examine_partial(op: Op, index: int, operands: tuple[float, ...], value: float) -> Finding:
    """Returns what was found of the partial in one operand."""
    derivative = numeric_partial(op, index, operands)
    verdict = Verdict.DOMAIN
    try:
        (partial,) = op.local_partials([index], value, operands)
        note = "" if is_number(partial) else f"the rule gives {partial!r}, which is not a number"
    except Exception as error:  # a rule never raises, whatever it is
        note = f"the rule raises {type(error).__name__}: {error}"
        if isinstance(error, AttributeError) and error.name in _TAKING_OUT:
            verdict, note = Verdict.WRONG_RULE, f"{note}; {TAKEN_OUT}"
    if note:
        return Finding(verdict, op, operands, index, math.nan, str(derivative), note=note)
    partial = float(partial)

    def finding(verdict: Verdict, note: str = "") -> Finding:
        return Finding(verdict, op, operands, index, partial, str(derivative), derivative, note)

    if not derivative.sides:
        return finding(Verdict.INCONCLUSIVE, "it is defined on neither side of the point")
    size = max(abs(side.slope) for side in derivative.sides)
    underflow = _lost_to_underflow(operands, value, size)
    if not _is_met(op, index, operands, derivative, partial, underflow):
        if not derivative.surely_differs(partial):
            return finding(Verdict.INCONCLUSIVE, "the numeric derivative has no digits here")
        return finding(*_wrong_or_inaccurate(op, index, operands, value, partial, derivative))
    # A slope of 0 has no digits to be compared: it is held against the steepness of a straight way.
    scale = 0.0 if size or partial else max(abs(value), 1.0) / max(abs(operands[index]), 1.0)
    if derivative.doubt > max(1e-3 * max(size, abs(partial)), 1e-6 * scale):
        return finding(Verdict.INCONCLUSIVE, "the numeric derivative has no digits here")
    if derivative.jumps:
        return finding(Verdict.JUMP)
    if not _states_a_bound(op) and _is_off_by_a_factor(op, index, operands, derivative):
        return finding(Verdict.WRONG_RULE, "in many digits the rule is another number than this")
    two_sides = derivative.left.is_defined and derivative.right.is_defined
    return finding(Verdict.PASS if derivative.is_smooth or not two_sides else Verdict.KINK)


def _is_met(
    op: Op,
    index: int,
    operands: tuple[float, ...],
    derivative: Derivative,
    partial: float,
    underflow: float,
) -> bool:
    """Returns whether the partial is the derivative, up to what rounding does to it.

    That is the bound that the row states, or half of the digits, or some tens of roundings.
    """
    if derivative.jumps and math.isinf(partial):
        return True  # or rises so steeply that no step sees it: x**1e-154 at 0
    size = max(abs(side.slope) for side in derivative.sides)
    if not math.isfinite(size):
        return derivative.allows(partial)
    doubt = derivative.doubt + underflow
    if _states_a_bound(op):
        scale = max(size, op.scale(*operands) if op.scale else 0.0)
        return derivative.allows(partial, op.ulps * math.ulp(scale) + doubt)
    simple = _HALF_THE_DIGITS * size + _ROUNDINGS * math.ulp(size) + doubt
    return derivative.allows(partial, simple) or derivative.allows(
        partial, simple + _ROUNDINGS * _ULP * _bent_by_rounding(op, index, operands)
    )


def _lost_to_underflow(operands: tuple[float, ...], value: float, size: float) -> float:
    """Returns what a partial may be off where it, or the value under it, is subnormal."""
    largest = max(1.0, *map(abs, operands))
    if abs(value) >= SMALLEST_NORMAL and size >= SMALLEST_NORMAL * largest:
        return 0.0
    return _VALUE_ULPS * SMALLEST * largest


def _states_a_bound(op: Op) -> bool:
    return math.isfinite(op.ulps)


def _bent_by_rounding(op: Op, index: int, operands: tuple[float, ...]) -> float:
    """Returns how far a partial moves, for each part by which the operands do."""

    def moved(function: Callable[..., Any]) -> Callable[[dict[int, Any]], Any]:
        return lambda changed: function(*[changed.get(i, x) for i, x in enumerate(operands)])

    try:
        with mp.workdps(120 + 2 * _largest_exponent(operands)):
            part = mpmath.mpf(10) ** -20
            return sum_of_mixed(moved(_in_many_digits(op)), index, operands, part)
    except OpaqueError:
        pass
    try:
        return sum_of_mixed(moved(op.forward), index, operands, 1e-4)
    except (ArithmeticError, ValueError):
        return 0.0


def _in_many_digits(op: Op) -> Callable[..., Any]:
    return lambda *numbers: Precise._apply_(op, tuple(map(Precise, numbers))).number


def _wrong_or_inaccurate(
    op: Op,
    index: int,
    operands: tuple[float, ...],
    value: float,
    partial: float,
    derivative: Derivative,
) -> tuple[Verdict, str]:
    """Returns WRONG RULE, or INACCURATE where the formula is right and its arithmetic is not."""
    if not numeric_partial(op, index, operands, stair=1.0).surely_differs(partial):
        return Verdict.INCONCLUSIVE, "the numeric derivative has no digits here"
    nearest = min((side.slope for side in derivative.sides), key=lambda s: abs(s - partial))
    exact = _rule_in_many_digits(op, index, operands)
    tolerance = _ANOTHER_FORMULA * abs(nearest)
    if exact is not None:
        is_right = derivative.allows(exact, tolerance + _SURELY * derivative.doubt)
    else:
        is_right = abs(partial - nearest) <= 10 * tolerance
    stair = STAIR if exact is not None else 1.0
    noise = math.inf if is_right else _noise_of_rule(op, index, operands, stair)
    if abs(partial - nearest) <= _ROUNDINGS * noise:
        return Verdict.INACCURATE, _digits_lost(partial, nearest)
    return Verdict.WRONG_RULE, ""


def _is_off_by_a_factor(
    op: Op, index: int, operands: tuple[float, ...], derivative: Derivative
) -> bool:
    """Returns whether the rule is wrong by less than the digits that floats are sure to keep."""
    size = max(abs(side.slope) for side in derivative.sides)
    if not derivative.is_smooth or derivative.doubt > 1e-10 * size or not 1e-290 < size < math.inf:
        return False
    exact = _rule_in_many_digits(op, index, operands)
    tolerance = _ANOTHER_FACTOR * size + _ROUNDINGS * _ULP * _bent_by_rounding(op, index, operands)
    return exact is not None and not derivative.allows(exact, tolerance)


def _noise_of_rule(op: Op, index: int, operands: tuple[float, ...], stair: float) -> float:
    """Returns how far off a partial is by its own rounding, and that of the value it is given."""

    def rule(value: float, *numbers: float) -> float:
        return float(op.local_partials([index], value, numbers)[0])

    value = op.forward(*operands)
    off = max(math.ulp(value), _noise(op.forward, operands, stair))
    passed_on = abs(rule(value + off, *operands) - rule(value - off, *operands))
    own = _noise(lambda *numbers: rule(op.forward(*numbers), *numbers), operands, stair)
    return passed_on + own


def _rule_in_many_digits(op: Op, index: int, operands: tuple[float, ...]) -> Any:
    """Returns the partial by its own rule in many digits; None where the rule needs floats."""
    rules = op.partials
    if isinstance(rules, tuple):
        precise = replace(op, partials=tuple(map(with_many_digits, rules)))
    else:
        precise = replace(op, partials=with_many_digits(rules))

    def evaluate() -> Any:
        numbers = tuple(map(Precise, operands))
        (partial,) = precise.local_partials([index], Precise._apply_(op, numbers), numbers)
        return partial

    return _settled(evaluate, operands, DIGITS[2:4])  # 1 + erf(-28) is 0 up to 180 digits


def _digits_lost(got: float, right: float) -> str:
    error = abs(got - right)
    if not right or error >= abs(right):
        return "the formula is right, and every digit of the result is lost"
    return (
        f"the formula is right, and the result is off by {error / math.ulp(right):.3g} ulp: "
        f"{max(0.0, -math.log10(error / abs(right))):.0f} of 16 digits are left"
    )
