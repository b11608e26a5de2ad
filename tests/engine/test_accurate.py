"""The careful float functions: what IEEE 754 says of them, and how many digits they keep."""

import itertools
import math
import random
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from micrograd_notes.engine import accurate

inf, nan = math.inf, math.nan
mp = mpmath.mp

FEW = [0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 1e-200, 1e200, 5e-324, 1.7e308, inf]
NUMBERS = [*FEW, *(-x for x in FEW), nan]


def same(a: float, b: float) -> bool:
    """Returns whether two numbers are the same, a nan as a nan, and 0.0 not as -0.0."""
    return (a != a and b != b) or (a == b and math.copysign(1.0, a) == math.copysign(1.0, b))


def ulps_between(got: float, truth: Any) -> float:
    return float(abs(mpmath.mpf(got) - truth) / math.ulp(float(truth)))


def worst(
    function: Callable[..., float], oracle: Callable[..., Any], points: Sequence[tuple[float, ...]]
) -> float:
    """Returns the largest error in units in the last place."""
    with mp.workdps(60):
        return max(
            ulps_between(function(*xs), oracle(*map(mpmath.mpf, xs))) for xs in points
        )


# ---- exact parts ---------------------------------------------------------------------------------


def test_the_smallest_normal_number() -> None:
    assert sys.float_info.min == accurate.SMALLEST_NORMAL


def test_a_product_and_a_difference_in_two_parts_are_exact() -> None:
    generator = random.Random(0)
    full = [1.0 + k * 2.0**-52 for k in (1, 2**27 - 1, 2**27, 2**51 + 1, 2**52 - 1)]
    few = [*full, *(-x * 2.0**30 for x in full), 2.0 - 2**-26, 1.0 + 2**-26]
    pairs = list(itertools.product(few, few))
    pairs += [
        tuple(generator.choice([-1, 1]) * 10 ** generator.uniform(-50, 50) for _ in "ab")  # type: ignore[misc]
        for _ in range(3000)
    ]
    for a, b in pairs:
        product, rest = accurate.two_product(a, b)
        assert product == a * b
        assert Fraction(product) + Fraction(rest) == Fraction(a) * Fraction(b), (a, b)
        difference, rest = accurate.two_difference(a, b)
        assert difference == a - b
        assert Fraction(difference) + Fraction(rest) == Fraction(a) - Fraction(b), (a, b)


# ---- arithmetic by IEEE rules --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "numpys"),
    [
        (accurate.ieee_divide, "divide"),
        (accurate.ieee_power, "power"),
        (accurate.maximum, "maximum"),
        (accurate.minimum, "minimum"),
    ],
    ids=["ieee_divide", "ieee_power", "maximum", "minimum"],
)
def test_two_numbers_give_what_ieee_754_says(ours: Any, numpys: str) -> None:
    np = pytest.importorskip("numpy")
    for a, b in itertools.product(NUMBERS, NUMBERS):
        if numpys == "power" and b == 0.5:
            continue  # there NumPy takes the square root, which knows other infinities and zeros
        with np.errstate(all="ignore"):
            wanted = float(getattr(np, numpys)(np.float64(a), np.float64(b)))
        got = ours(a, b)
        assert isinstance(got, float)
        if a == b == 0 and numpys in ("maximum", "minimum"):
            assert got == 0  # of two zeros either may be the larger one
        elif math.isfinite(wanted) and numpys == "power":  # which may differ in its last bit
            assert abs(got - wanted) <= math.ulp(wanted), (a, b)
        else:
            assert same(got, wanted), (a, b, got, wanted)


def test_one_number_gives_what_ieee_754_says() -> None:
    np = pytest.importorskip("numpy")
    for x in NUMBERS:
        with np.errstate(all="ignore"):
            assert same(accurate.ieee_log(x), float(np.log(np.float64(x)))) or x > 0, x
            got, wanted = accurate.floor(x), float(np.floor(np.float64(x)))
            assert got == wanted or same(got, wanted), x
            assert type(got) is float


def test_a_zero_adjoint_silences_what_is_not_finite_and_nothing_else_does() -> None:
    for adjoint, partial in itertools.product(NUMBERS, NUMBERS):
        wanted = 0.0 if adjoint == 0 and not math.isfinite(partial) else adjoint * partial
        assert same(accurate.chain_product(adjoint, partial), wanted), (adjoint, partial)


def test_jumps_keep_nan_and_the_sign_of_zero() -> None:
    expected = [
        (accurate.sign, [1.0, -1.0, 0.0, -0.0, 1.0, -1.0]),
        (accurate.step, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        (accurate.relu, [0.5, 0.0, 0.0, 0.0, inf, 0.0]),
    ]
    for function, wanted in expected:
        for x, y in zip((0.5, -0.5, 0.0, -0.0, inf, -inf), wanted, strict=True):
            assert same(function(x), y), (function.__name__, x)
        assert math.isnan(function(nan))


def test_where_a_power_has_no_real_value() -> None:
    assert type(accurate.power(2, 3)) is float  # as whole numbers, too
    for x, y in [(-2.0, 0.5), (-2.0, -2.5), (-1e-300, 1 / 3)]:
        with pytest.raises(ValueError, match="negative base"):
            accurate.power(x, y)


# ---- digits --------------------------------------------------------------------------------------


def test_a_cube_root_is_rounded_correctly_at_every_size() -> None:
    generator = random.Random(0)
    points = [(generator.choice([-1, 1]) * 10 ** generator.uniform(-323, 308),) for _ in range(900)]
    points += [(generator.uniform(0.1, 10),) for _ in range(900)]
    # half an ulp is what rounding costs; the residual is exact, so there is next to nothing more
    assert worst(accurate.cbrt, lambda x: mp.sign(x) * mp.cbrt(abs(x)), points) <= 0.5001
    assert [accurate.cbrt(x) for x in (0.0, inf, -inf)] == [0.0, inf, -inf]
    assert math.isnan(accurate.cbrt(nan))


def test_each_side_of_sigmoid_has_the_form_with_the_fewest_roundings() -> None:
    """Measured over 20,000 points a side: 1.4 and 1.2 ulp; the other side's form 1.9 and 1.3."""
    generator = random.Random(0)

    def truth(x: Any) -> Any:
        return 1 / (1 + mp.exp(-x))

    left = [(-generator.random(),) for _ in range(3000)]
    right = [(generator.random(),) for _ in range(3000)]
    assert worst(accurate.sigmoid, truth, left) <= 1.4
    assert worst(accurate.sigmoid, truth, right) <= 1.15


def test_a_power_with_a_lesser_exponent_keeps_its_digits() -> None:
    """The plain x**(y-n) rounds y-n, which costs |log x| ulp: 92 of them at 1e-40."""
    generator = random.Random(0)
    points: list[tuple[float, ...]] = [
        (10 ** generator.uniform(-60, 60), generator.uniform(-1, 1), generator.choice([1, 2, 3, 4]))
        for _ in range(600)
    ]
    # the plain power is good to 1 ulp, and its correction adds half of one
    assert worst(accurate.power_less, lambda x, y, n: mp.power(x, y - n), points) <= 1.5


def test_a_power_with_a_lesser_exponent_where_nothing_is_to_be_corrected() -> None:
    for x, y, n in itertools.product([-2.0, -1.0, 0.0, 1.0, 3.0, 1e200, inf, nan], FEW, [1.0, 2.0]):
        if y - n == Fraction(y) - Fraction(n) if math.isfinite(y) else True:
            wanted = accurate.ieee_power(x, y - n)
            assert same(accurate.power_less(x, y, n), wanted), (x, y, n)
    # where the exponent is rounded, and there is no logarithm to correct by
    assert accurate.power_less(0.0, 0.1, 1.0) == inf
    assert math.isnan(accurate.power_less(-2.0, 0.1, 1.0))
    assert accurate.power_less(1e-300, 0.1, 2.0) == inf
    assert accurate.power_less(0.0, inf, 1.0) == 0.0


def test_an_exponential_of_a_difference_at_its_ends() -> None:
    assert accurate.exp_difference(inf, 0.0) == inf
    assert accurate.exp_difference(-inf, 0.0) == 0.0
    assert accurate.exp_difference(0.0, inf) == 0.0
    assert accurate.exp_difference(1e308, -1e308) == inf
    assert accurate.exp_difference(710.0, 0.0) == inf
    assert math.isnan(accurate.exp_difference(nan, 0.0))
    generator = random.Random(0)
    points = [(generator.uniform(-1e3, 1e3), generator.uniform(-300, 300)) for _ in range(500)]
    points = [(a, b) for a, b in points if -700 < a - b < 700]
    assert worst(accurate.exp_difference, lambda a, b: mp.exp(a - b), points) <= 2.0


def test_logsumexp_at_its_ends() -> None:
    for numbers, wanted in [
        ((inf, 1.0), inf),
        ((1.0, inf), inf),
        ((inf, inf), inf),
        ((-inf, -inf), -inf),
        ((-inf, 2.0), 2.0),
        ((2.0,), 2.0),
        ((1000.0, 1000.0, 1000.0), 1000.0 + math.log(3.0)),
        ((nan, inf), nan),
        ((inf, nan), nan),
        ((1.0, nan), nan),
        ((-1000.0, 0.0, -1000.0), 0.0),
    ]:
        assert same(accurate.logsumexp(*numbers), wanted), numbers


def test_the_bell_curve_far_out() -> None:
    for x in (41.0, 1e8, 1e200, inf):
        assert accurate.gaussian(x) == accurate.gaussian(-x) == 0.0
        assert accurate.normal_density(x) == accurate.normal_density(-x) == 0.0
        assert accurate.normal_cdf(x) == 1.0
        assert same(accurate.normal_cdf(-x), 0.0)
    for function in (accurate.gaussian, accurate.normal_density, accurate.normal_cdf):
        assert math.isnan(function(nan))
    # the last ones that are more than nothing
    assert accurate.gaussian(27.2) > 0
    assert accurate.normal_density(38.5) > 0
    assert accurate.normal_cdf(-38.4) > 0


def test_directions_at_the_ends_of_the_plane() -> None:
    half = math.sqrt(0.5)
    for (x, y), wanted in [
        ((inf, 1.0), 1.0),
        ((-inf, 1.0), -1.0),
        ((1.0, inf), 0.0),
        ((-1.0, -inf), -0.0),
        ((inf, inf), half),
        ((-inf, inf), -half),
        ((inf, -inf), half),
        ((0.0, 0.0), 0.0),
        ((1e308, 1e308), half),
        ((5e-324, 0.0), 1.0),
        ((1.0, 0.0), 1.0),
        ((nan, inf), nan),
        ((inf, nan), nan),
        ((nan, 1.0), nan),
        ((1.0, nan), nan),
    ]:
        got = accurate.direction(x, y)
        # sqrt(1/2) is rounded twice
        assert same(got, wanted) or abs(got - wanted) <= math.ulp(wanted), (x, y, got)
