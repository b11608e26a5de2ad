"""Float functions that keep their digits where the formula of the textbook loses them.

The table of operations calls these functions, so that it stays a page of calculus. Each takes
floats, returns a float, and says which digits the obvious formula would lose and why this one keeps
them.

*ulp* is a unit in the last place: the distance between neighbouring floats, about 2.2e-16 of a
number.
"""

import functools
import math
import operator
from collections.abc import Iterable
from typing import Any

SMALLEST_NORMAL = 2.0**-1022
"""Below this, floats are subnormal and have fewer digits, so their quotients are not accurate."""

_SPLITTER = 2.0**27 + 1.0
_ROOT_HALF = 0.7071067811865476
_ROOT_HALF_REST = -4.833646656726457e-17  # sqrt(1/2) is the sum of the two, to 32 digits
_INVERSE_ROOT_TAU = 0.3989422804014327  # 1 / sqrt(2 pi)
TWO_OVER_ROOT_PI = 1.1283791670955126


# ---- exact parts ---------------------------------------------------------------------------------


def two_product(a: float, b: float) -> tuple[float, float]:
    """Returns a*b rounded, and what the rounding left out: their sum is a*b exactly.

    From T. J. Dekker, "A floating-point technique for extending the available precision" (1971).
    It holds while nothing overflows (|a|, |b| < 1e300) or underflows.

    >>> two_product(0.1, 0.1)
    (0.010000000000000002, -8.326672684688674e-19)
    """
    product = a * b
    a_big = _SPLITTER * a
    a_high = a_big - (a_big - a)
    a_low = a - a_high
    b_big = _SPLITTER * b
    b_high = b_big - (b_big - b)
    b_low = b - b_high
    rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, rest


def two_difference(a: float, b: float) -> tuple[float, float]:
    """Returns a-b rounded, and what the rounding left out: their sum is a-b exactly.

    From D. E. Knuth, "The Art of Computer Programming", volume 2 (1969), section 4.2.2.

    >>> two_difference(1.0, 1e-17)
    (1.0, -1e-17)
    """
    difference = a - b
    b_seen = a - difference
    rest = (a - (difference + b_seen)) + (b_seen - b)
    return difference, rest


def total(numbers: Iterable[Any], start: Any = 0) -> Any:
    """Returns start + x1 + x2 + ..., added from left to right, whatever kind of numbers they are.

    Since Python 3.12 the built-in `sum` makes up for the roundings of floats, and of nothing else:
    a rule would have other bits for floats than for `Value`s, and on Python 3.11 than on 3.12.

    >>> total([0.1] * 10)
    0.9999999999999999
    """
    return functools.reduce(operator.add, numbers, start)


# ---- arithmetic ----------------------------------------------------------------------------------


def ieee_divide(a: float, b: float) -> float:
    """Returns a/b by the rules of IEEE 754: 1/0 is inf, 0/0 is nan, and nothing raises.

    >>> ieee_divide(0.5, 0.0), ieee_divide(-1.0, 0.0)
    (inf, -inf)
    """
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0 or a != a:
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)


def ieee_log(x: float) -> float:
    """Returns log x by the rules of IEEE 754: log 0 is -inf, the log of a negative number is nan.

    >>> ieee_log(0.0), ieee_log(-1.0)
    (-inf, nan)
    """
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def power(x: float, y: float) -> float:
    """Returns x**y as Python does, but raises where Python would answer with a complex number.

    >>> power(-2.0, 3.0)
    -8.0
    >>> power(-2.0, 2.5)
    Traceback (most recent call last):
    ValueError: a negative base with a fractional exponent is not real; give a whole exponent
    """
    result: Any = x**y
    if isinstance(result, complex):
        raise ValueError(
            "a negative base with a fractional exponent is not real; give a whole exponent"
        )
    return float(result)


def ieee_power(x: float, y: float) -> float:
    """Returns x**y by the rules of IEEE 754: inf where it overflows, nan where it is not real.

    >>> ieee_power(0.0, -1.0), ieee_power(1e200, 2.0), ieee_power(-2.0, 2.5)
    (inf, inf, nan)
    """
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf
    except ValueError:
        if x != 0:
            return math.nan
        return math.copysign(math.inf, x) if y % 2 == 1 else math.inf


def power_less(x: float, y: float, n: float) -> float:
    """Returns x**(y-n), by IEEE rules.

    Rounding y-n costs up to 340 ulp (x = 1e-300, y = 0.1). The exact difference comes in two parts,
    and x**(d + r) = x**d * (1 + r log x), as r is far below an ulp.

    >>> power_less(3.0, 3.0, 1.0), power_less(0.0, 1.0, 1.0), power_less(0.0, 0.5, 1.0)
    (9.0, 1.0, inf)
    """
    difference, rest = two_difference(y, n)
    result = ieee_power(x, difference)
    if rest and math.isfinite(rest) and x > 0 and math.isfinite(result):
        result += result * (rest * math.log(x))
    return result


def chain_product(adjoint: float, partial: float) -> float:
    """Returns adjoint * partial, and 0 where the adjoint is 0 and the partial is not finite.

    An operand gets no gradient if nothing flows into it, however steep it is there: the branch of a
    `where` that was not chosen, or `sqrt(x) * 0` at x = 0. Every other product is a plain one.

    >>> chain_product(0.0, math.inf), chain_product(2.0, math.inf)
    (0.0, inf)
    """
    product = adjoint * partial
    return 0.0 if adjoint == 0 and product != product else product


# ---- powers, exponentials, logarithms ------------------------------------------------------------


def cbrt(x: float) -> float:
    """Returns the real cube root of x, to under 1 ulp.

    The C library's is off by up to 4 ulp; one step of Newton's method with an exact residual mends
    it.

    >>> cbrt(-8.0)
    -2.0
    """
    root = math.cbrt(x)
    if root == 0 or not math.isfinite(root):
        return root
    if not 1e-200 < abs(x) < 1e200:  # the exact residual must neither underflow nor overflow
        _, exponent = math.frexp(x)
        thirds = exponent // 3
        return math.ldexp(cbrt(math.ldexp(x, -3 * thirds)), thirds)
    square, square_rest = two_product(root, root)
    cube, cube_rest = two_product(square, root)
    residual = (x - cube) - cube_rest - square_rest * root
    return root + residual / (3.0 * square)


def exp_difference(a: float, b: float) -> float:
    """Returns exp(a-b).

    Rounding a-b costs |a-b| ulp: 700 of them at 700. The exact difference comes in two parts. At
    a = b = -inf it is 0: nothing is a part of nothing.

    >>> exp_difference(1.0, 1.0)
    1.0
    """
    difference, rest = two_difference(a, b)
    try:
        result = math.exp(difference)
    except OverflowError:
        return math.inf
    # exp(d + r) = exp(d) * (1 + r), as r*r is far below an ulp; r is nan where a or b is infinite
    if math.isfinite(rest):
        return result + result * rest
    return 0.0 if a == b == -math.inf else result


def pick(index: float, *values: float) -> float:
    """Returns the value at a place that is counted from 0; between two places the one below counts.

    >>> pick(1.0, 2.0, 3.0, 5.0)
    3.0
    """
    if not 0 <= index < len(values):
        raise ValueError(f"there are {len(values)} values, whose places are counted from 0")
    return values[int(index)]


def share(a: float, b: float) -> float:
    """Returns a / (a + b), the part that a has in their sum; 0 where both are 0.

    >>> share(1.0, 3.0), share(0.0, 0.0)
    (0.25, 0.0)
    """
    return ieee_divide(a, a + b) if a else a


def logsumexp(*xs: float) -> float:
    """Returns log(exp(x1) + ... + exp(xn)), with no overflow.

    >>> logsumexp(1000.0, 1000.0)
    1000.6931471805599
    """
    if any(x != x for x in xs):
        return math.nan
    top = max(xs)
    if math.isinf(top):
        return top
    rest = list(xs)
    rest.remove(top)
    return top + math.log1p(math.fsum(math.exp(x - top) for x in rest))


def sigmoid(x: float) -> float:
    """Returns 1 / (1 + exp(-x)), with no overflow and with all digits on the left.

    >>> sigmoid(0.0), sigmoid(-800.0)
    (0.5, 0.0)
    """
    if x < 0:
        small = math.exp(x)
        return small / (1.0 + small)
    return 1.0 / (1.0 + math.exp(-x))


def softplus(x: float) -> float:
    """Returns log(1 + exp(x)), with no overflow and no threshold above which it is taken for x.

    >>> softplus(0.0) == math.log(2.0), softplus(1000.0)
    (True, 1000.0)
    """
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def log_sigmoid(x: float) -> float:
    """Returns log(sigmoid(x)) = -softplus(-x).

    >>> log_sigmoid(-1000.0)
    -1000.0
    """
    return -softplus(-x)


def sech_squared(x: float) -> float:
    """Returns 1 / cosh(x)**2, the derivative of tanh.

    1 - tanh(x)**2 has no digit left at x = 20, and cosh overflows at 711.

    >>> sech_squared(0.0), sech_squared(20.0)
    (1.0, 1.6993417021166355e-17)
    """
    small = math.exp(-2.0 * abs(x))
    return 4.0 * small / (1.0 + small) ** 2


# ---- the bell curve ------------------------------------------------------------------------------


def gaussian(x: float) -> float:
    """Returns exp(-x*x).

    Rounding x*x costs up to 500 ulp of the exponential; the exact square comes in two parts.

    >>> gaussian(0.0), gaussian(30.0)
    (1.0, 0.0)
    """
    if abs(x) > 30.0:  # below the smallest float
        return 0.0
    square, rest = two_product(x, x)
    result = math.exp(-square)
    return result - result * rest


def normal_density(x: float) -> float:
    """Returns exp(-x*x/2) / sqrt(2 pi), with the exact square, as in `gaussian`.

    >>> normal_density(0.0)
    0.3989422804014327
    """
    if abs(x) > 40.0:  # below the smallest float
        return 0.0
    square, rest = two_product(x, x)
    result = math.exp(-0.5 * square)
    return (result - result * (0.5 * rest)) * _INVERSE_ROOT_TAU


def normal_cdf(x: float) -> float:
    """Returns erfc(-x / sqrt 2) / 2, the area under the normal density on the left of x.

    Rounding x / sqrt 2 costs up to 700 ulp on the far left, so erfc is corrected to first order by
    what the rounding left out: erfc(z + d) = erfc(z) - 2/sqrt(pi) exp(-z*z) d.

    >>> normal_cdf(0.0), normal_cdf(-40.0)
    (0.5, 0.0)
    """
    if abs(x) > 40.0:  # 0 or 1 to all digits
        return 0.0 if x < 0 else 1.0
    z, rest = two_product(-x, _ROOT_HALF)
    rest -= x * _ROOT_HALF_REST
    return 0.5 * (math.erfc(z) - TWO_OVER_ROOT_PI * gaussian(z) * rest)


# ---- the plane -----------------------------------------------------------------------------------


def direction(x: float, y: float) -> float:
    """Returns x / hypot(x, y), the cosine of the angle of the point (x, y); 0 at the origin.

    Both are scaled first: hypot of the smallest floats has no digits, and of the largest overflows.

    >>> direction(3.0, 4.0), direction(0.0, 0.0), direction(5e-324, 5e-324)
    (0.6, 0.0, 0.7071067811865475)
    """
    size = max(abs(x), abs(y))
    if size == 0:
        return 0.0
    if math.isinf(size):  # an infinite coordinate outweighs a finite one, and equals another
        x, y = (math.copysign(float(math.isinf(c)), c) if c == c else c for c in (x, y))
    else:
        _, exponent = math.frexp(size)
        x, y = math.ldexp(x, -exponent), math.ldexp(y, -exponent)
    return x / math.hypot(x, y)


# ---- numbers that jump ---------------------------------------------------------------------------


def floor(x: float) -> float:
    """Returns the largest whole number that is not above x, as a float; inf and nan as they are.

    >>> floor(-0.5), floor(math.inf)
    (-1.0, inf)
    """
    return float(math.floor(x)) if math.isfinite(x) else x


def sign(x: float) -> float:
    """Returns -1, 0 or 1, and nan for nan.

    >>> sign(-3.0), sign(0.0)
    (-1.0, 0.0)
    """
    return math.copysign(1.0, x) if x > 0 or x < 0 else x * 0.0


def step(x: float) -> float:
    """Returns 1 where x > 0, else 0, and nan for nan.

    >>> step(2.0), step(0.0)
    (1.0, 0.0)
    """
    if x > 0:
        return 1.0
    return x if x != x else 0.0


def relu(x: float) -> float:
    """Returns x where x > 0, else 0, and nan for nan.

    >>> relu(2.0), relu(-2.0)
    (2.0, 0.0)
    """
    return x if x > 0 or x != x else 0.0


def maximum(*xs: float) -> float:
    """Returns the largest number; nan if one of them is nan (Python's max depends on the order).

    >>> maximum(1.0, 3.0, 2.0), maximum(1.0, math.nan)
    (3.0, nan)
    """
    return math.nan if any(x != x for x in xs) else max(xs)


def minimum(*xs: float) -> float:
    """Returns the smallest number; nan if one of them is nan.

    >>> minimum(1.0, 3.0, 2.0)
    1.0
    """
    return math.nan if any(x != x for x in xs) else min(xs)
