"""Numeric derivatives: right to the last digit, or honest about how far off they may be."""

import math
import random
from collections.abc import Callable
from typing import Any

import mpmath
import pytest

from micrograd_notes.testing.numbers.ladder import ladder
from micrograd_notes.testing.numbers.numeric import Derivative, Side
from micrograd_notes.testing.numbers.quotients import limit_of_quotients

mp = mpmath.mp


def step(t: Any) -> Any:
    return mpmath.mpf(t > 0)


AT_A_POINT: list[tuple[str, Callable[[Any], Any], float, float]] = [
    ("tanh at 20", mp.tanh, 20.0, 1.6993417021166357e-17),
    ("erf at 25", mp.erf, 25.0, 2 / math.sqrt(math.pi) * math.exp(-625)),
    ("cos at 0", mp.cos, 0.0, 0.0),
    ("a cube at 0", lambda t: t**3, 0.0, 0.0),
    ("a constant", lambda t: mpmath.mpf(3), 1.0, 0.0),
    ("x|x| at 0", lambda t: t * abs(t), 0.0, 0.0),
    ("sin at 1e300", mp.sin, 1e300, -0.5753861119575491),
    ("a square far below 1", lambda t: t * t, 1e-200, 2e-200),
    ("sinc near 0", lambda t: mp.sin(t) / t, 1e-8, -3.3333333333333334e-09),
]


@pytest.mark.parametrize(
    ("function", "x", "slope"), [row[1:] for row in AT_A_POINT], ids=[row[0] for row in AT_A_POINT]
)
def test_many_digits_give_the_derivative_rounded(
    function: Callable[[Any], Any], x: float, slope: float
) -> None:
    derivative = limit_of_quotients(function, x)
    assert derivative.central is not None
    assert abs(derivative.central.slope - slope) <= 2 * math.ulp(slope)


EDGES: list[tuple[str, Callable[[Any], Any], float, float, float, bool]] = [
    ("abs at 0", abs, 0.0, -1.0, 1.0, False),
    ("sqrt at 0", lambda t: mp.sqrt(t) if t >= 0 else mp.nan, 0.0, math.nan, math.inf, False),
    ("a step", step, 0.0, 0.0, 0.0, True),
    ("a step with slopes", lambda t: 2 * t if t > 0 else t - 1, 0.0, 1.0, 2.0, True),
    ("the root of |x|", lambda t: mp.sqrt(abs(t)), 0.0, -math.inf, math.inf, False),
    ("x**1.5 at 0", lambda t: t**1.5 if t >= 0 else mp.nan, 0.0, math.nan, 0.0, False),
]


def same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


@pytest.mark.parametrize(
    ("function", "x", "left", "right", "jumps"),
    [row[1:] for row in EDGES],
    ids=[row[0] for row in EDGES],
)
def test_kinks_edges_and_jumps_have_two_sides(
    function: Callable[[Any], Any], x: float, left: float, right: float, jumps: bool
) -> None:
    for derivative in (limit_of_quotients(function, x), ladder(_floats(function), x)):
        assert not derivative.is_smooth
        assert derivative.jumps == jumps
        for side, slope in ((derivative.left, left), (derivative.right, right)):
            close = abs(side.slope - slope) <= 1e-9  # the ladder has 16 digits to begin with
            assert same(side.slope, slope) or close


def _floats(function: Callable[[Any], Any]) -> Callable[[float], float]:
    return lambda t: float(function(mpmath.mpf(t)))


def test_the_cube_root_is_infinitely_steep_from_both_sides() -> None:
    derivative = limit_of_quotients(lambda t: mp.sign(t) * mp.cbrt(abs(t)), 0.0)
    assert derivative.central == Side(math.inf)
    assert ladder(math.cbrt, 0.0).central == Side(math.inf)


# ---- the ladder's estimate of its own error ------------------------------------------------------

FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[Any], Any]]] = {
    "sin": (math.sin, mp.sin),
    "exp": (math.exp, mp.exp),
    "tanh": (math.tanh, mp.tanh),
    "log": (math.log, mp.log),
    "sqrt": (math.sqrt, mp.sqrt),
    "erf": (math.erf, mp.erf),
    "lgamma": (math.lgamma, mp.loggamma),
    "a cubic": (lambda t: t**3 - t, lambda t: t**3 - t),
    "sinc": (lambda t: math.sin(t) / t, lambda t: mp.sin(t) / t),
    "sigmoid": (lambda t: 1 / (1 + math.exp(-t)), lambda t: 1 / (1 + mp.exp(-t))),
    "a fast wave": (lambda t: math.sin(50 * t), lambda t: mp.sin(50 * t)),
}


@pytest.mark.parametrize("count", [400, pytest.param(4000, marks=pytest.mark.long)])
def test_the_ladders_estimate_covers_its_true_error(count: int) -> None:
    """It is an estimate: one in a hundred may be short, and none by more than a factor of ten."""
    generator = random.Random(0)
    short, worst, counted = 0, 0.0, 0
    while counted < count:
        in_floats, precisely = FUNCTIONS[generator.choice(sorted(FUNCTIONS))]
        x = generator.choice(
            [generator.uniform(-3, 3), generator.choice((-1, 1)) * 10 ** generator.uniform(-8, 2)]
        )
        try:
            in_floats(x)
        except ValueError:
            continue
        if in_floats is math.lgamma and x < 0:
            continue
        counted += 1
        derivative = ladder(in_floats, x)
        assert derivative.central is not None, (in_floats, x)
        with mp.workdps(60):
            truth = limit_of_quotients(precisely, x).central
        assert truth is not None
        error = abs(derivative.central.slope - truth.slope)
        short += error > derivative.central.error
        worst = max(worst, error / derivative.central.error)
    assert short <= counted / 100
    assert worst <= 10


def test_no_period_aliases_with_the_steps() -> None:
    for power in range(1, 12):
        frequency = 2 * math.pi * 2**power
        derivative = ladder(lambda t, w=frequency: math.sin(w * t), 0.25)  # type: ignore[misc]
        truth = frequency * math.cos(frequency * 0.25)
        assert derivative.central is not None
        assert abs(derivative.central.slope - truth) <= 10 * derivative.central.error


@pytest.mark.parametrize(("stair", "x"), [(1.0, 434.4669693076845), (1e-3, 0.43446), (0.25, 1e4)])
def test_a_staircase_is_flat_however_steep_it_looks_from_afar(stair: float, x: float) -> None:
    derivative = ladder(lambda t: stair * math.floor(t / stair), x)
    assert all(side.slope == 0.0 for side in derivative.sides)


@pytest.mark.parametrize("exponent", [1 + 2.0**-52, 1.001, 1.01])
def test_a_slope_that_has_not_arrived_is_doubted(exponent: float) -> None:
    """That of x**1.001 at 0 is 0 in the end; with a step of 1e-266 it is 0.5 still."""
    derivative = limit_of_quotients(
        lambda t: mp.power(t, mpmath.mpf(exponent)) if t >= 0 else mp.nan, 0.0
    )
    assert derivative.doubt >= derivative.right.slope


def test_what_the_last_step_alone_sees_is_no_infinite_slope() -> None:
    """The function is x up to 1e-222, and constant from there on."""
    derivative = limit_of_quotients(lambda t: min(t, mpmath.mpf(10) ** -222), 0.0)
    assert derivative.right.slope == pytest.approx(1.0)
    assert derivative.right.error >= 1.0


def test_next_to_the_smallest_float_there_is_no_room_for_steps() -> None:
    for x in (5e-324, 1e-310):
        assert not ladder(lambda t: t * math.log(t), x).left.is_defined


def test_subnormal_values_have_hardly_any_digits() -> None:
    x = -735.97
    derivative = ladder(math.exp, x)
    assert all(abs(side.slope - math.exp(x)) <= side.error for side in derivative.sides)


def test_a_function_without_a_derivative_admits_a_large_error() -> None:
    """Weierstrass's function is continuous, and has a derivative nowhere."""

    def weierstrass(t: float) -> float:
        return sum(0.7**k * math.cos(7**k * math.pi * t) for k in range(25))

    derivative = ladder(weierstrass, 0.3)
    assert all(side.error > 0.01 * abs(side.slope) for side in derivative.sides)


@pytest.mark.parametrize("find", [ladder, limit_of_quotients])
@pytest.mark.parametrize("wrong", [lambda x: None, lambda x: [x], lambda x: x + "1"])
def test_a_function_that_gives_no_number_is_refused(find: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match="function must take a number and return one"):
        find(wrong, 0.5)


# ---- what a derivative allows --------------------------------------------------------------------


def test_a_smooth_point_allows_its_derivative_and_a_kink_all_between() -> None:
    smooth = Derivative(Side(2.0), Side(2.0), Side(2.0))
    assert smooth.allows(2.0)
    assert not smooth.allows(2.1)
    assert smooth.allows(2.1, tolerance=0.2)
    kink = Derivative(Side(-1.0), Side(1.0))
    assert kink.allows(0.3)
    assert not kink.allows(1.1)
    infinite = Derivative(Side(math.nan), Side(math.inf))
    assert infinite.allows(math.inf)
    assert not infinite.allows(1e300, tolerance=1e308)
    assert not Derivative(Side(math.nan), Side(math.nan)).allows(0.0)
