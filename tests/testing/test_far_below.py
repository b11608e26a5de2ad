"""A function may change far below the usual steps of a difference: no right rule is accused there.

direction(x, 1e-283) rises from -1 to 1 over a stretch of 1e-283. Larger steps see a plateau on both
sides, so a step says nothing about lengths below it. The checker takes smaller steps where numbers
are that small, and where no step is small enough, the verdict is INCONCLUSIVE.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import mpmath
import pytest

from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.op import TABLE, operation
from micrograd_notes.testing import Verdict, gradcheck
from micrograd_notes.testing.numbers.ladder import ladder
from micrograd_notes.testing.numbers.numeric import Derivative, Side
from micrograd_notes.testing.numbers.precise import mp
from micrograd_notes.testing.numbers.quotients import limit_of_quotients

SMALL = (1e-150, -3e-200, 1.9e-283, -1e-300)
NEAR_ZERO = (0.0, -0.0, 1e-250, -1e-290, 3e-305)
NEITHER = {Verdict.PASS, Verdict.VALUE_UNCHECKED, Verdict.KINK}
ROWS = {
    op.name: op
    for op in (
        ops.hypot, ops.atan2, ops.divide, helper_ops.direction, helper_ops.share,
        helper_ops.ieee_divide, helper_ops.largest, helper_ops.smallest, ops.logaddexp,
    )
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("small", SMALL)
def test_no_right_rule_is_accused_beside_a_tiny_operand(name: str, small: float) -> None:
    for x in NEAR_ZERO:
        for operands in ((x, small), (small, x)):
            try:
                value = ROWS[name].forward(*operands)
            except ArithmeticError:
                continue
            if not math.isfinite(value):
                continue
            report = gradcheck(ROWS[name], *operands, raise_exception=False)
            on_the_cut = name == "atan2" and operands[0] == 0 and operands[1] < 0
            expected = NEITHER | ({Verdict.JUMP} if on_the_cut else set())
            assert report.verdict in expected, report


@pytest.mark.parametrize("factor", [-1.0, 0.0, 1.001])
def test_a_wrong_rule_is_accused_there_as_anywhere(factor: float) -> None:
    name = "wrong_direction_of_a_test"
    row = operation(
        name, lambda x, y: x / math.hypot(x, y),
        [lambda r, x, y: factor * y * y / ops.hypot(x, y) ** 3, None],
        mpmath=lambda mp, x, y: x / mp.hypot(x, y),
    )
    try:
        for small in (1e-30, 1e-60, 1e-90):  # below that the cube underflows
            report = gradcheck(lambda x, y=small: row(x, y), 0.0, raise_exception=False)
            assert report.verdict is Verdict.WRONG_RULE, report
    finally:
        del TABLE[name]


PROGRAMS: dict[str, Callable[..., Any]] = {
    "a value made inside": lambda x: helper_ops.direction(x, ops.exp(x - 650.0)),
    "a plain number": lambda x: helper_ops.direction(x, 1e-290),
    "a small rise on a slope": lambda x: x + 1e-200 * ops.tanh(x / 1e-283),
    "a difference of operands": lambda x: helper_ops.direction((x + 1.0) - 1.0, 1e-283),
    "a spike": lambda x: helper_ops.direction(x, 1e-283) ** 2,
    "a ramp": lambda x: helper_ops.at_most(helper_ops.at_least(x, -1e-290), 1e-290),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("x", [0.0, -0.0])
def test_no_right_program_is_accused_for_what_is_tiny_inside(name: str, x: float) -> None:
    report = gradcheck(PROGRAMS[name], x, raise_exception=False)
    assert report.verdict in NEITHER, report


OPAQUE: dict[str, tuple[Callable[[float], float], float]] = {
    "direction": (lambda x: x / math.hypot(x, 1e-100), 1e100),
    "atan2": (lambda x: math.atan2(1e-150, x), -1e150),
    "hypot": (lambda x: math.hypot(x, 1e-120), 0.0),
    "a ramp": (lambda x: max(-1e-100, min(x, 1e-100)), 1.0),
    "a small rise on a slope": (lambda x: x + 1e-100 * math.tanh(x / 1e-130), 1.0 + 1e30),
    "a spike": (lambda x: (x / math.hypot(x, 1e-130)) ** 2, 0.0),
}


@pytest.mark.parametrize("name", OPAQUE)
def test_floats_next_to_zero_resolve_a_function_of_floats(name: str) -> None:
    function, slope = OPAQUE[name]
    derivative = ladder(function, 0.0)
    assert derivative.central is not None, derivative
    assert abs(derivative.central.slope - slope) <= derivative.doubt + 1e-12 * abs(slope)


def test_a_length_below_every_float_leaves_a_slope_undecided() -> None:
    """The step that is taken is 1e-16, as no float lies closer to 0.75."""
    derivative = ladder(lambda x: math.copysign(min(abs(x - 0.75) / 1e-200, 1.0), x - 0.75), 0.75)
    assert derivative.jumps
    assert not derivative.surely_differs(1e200)
    assert derivative.surely_differs(1e12)
    name = "steep_in_a_test"
    row = operation(
        name, lambda x: math.copysign(min(float(abs(x - 0.75)) / 1e-200, 1.0), float(x) - 0.75),
        [lambda y, x: 1e200],
    )
    try:
        assert gradcheck(row, 0.75, raise_exception=False).verdict is Verdict.INCONCLUSIVE
    finally:
        del TABLE[name]


def test_a_jump_is_one_at_every_step_and_a_wrong_slope_there_is_refuted() -> None:
    for find, function in ((ladder, math.floor), (limit_of_quotients, mp.floor)):
        derivative = find(function, 0.0)
        assert derivative.left.jumps
        assert derivative.surely_differs(1e200)
        assert derivative.allows(0.0)


def test_a_plateau_that_ends_below_the_steps_is_no_jump() -> None:
    """In many digits a length that nothing names: the step of 1e-1000 shows that it is no jump."""
    derivative = limit_of_quotients(lambda t: mp.tanh(t * mpmath.mpf(10) ** 900), 0.0)
    assert not derivative.jumps
    assert not derivative.surely_differs(1e300)


def test_a_side_says_how_steep_a_rise_it_would_not_have_seen() -> None:
    seen = Derivative(Side(0.0, jumps=True, steepest=1e20), Side(0.0))
    assert seen.surely_differs(1.0)
    assert not seen.surely_differs(1e20)


@pytest.mark.parametrize("seed", range(20))
def test_the_sweep_is_not_accused_of_what_rounding_does_below_the_normal_floats(seed: int) -> None:
    """A product of 3e-322 has two digits; a factor of 1e300 makes their rounding large again.

    A second backward, from another adjoint, rounds otherwise there.
    """
    generator = random.Random(seed)
    small, smaller, large = (
        generator.uniform(1.0, 9.0) * scale for scale in (1e-160, 1e-162, 1e300)
    )
    report = gradcheck(
        lambda x: x * large * small * smaller, generator.random(), raise_exception=False
    )
    assert report.verdict not in {Verdict.TRAVERSAL, Verdict.NOT_ACCUMULATED}, report
