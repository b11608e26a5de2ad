"""The table of operations: a page of calculus, one row an operation.

Each row is a name, the value on numbers, and one local partial derivative an operand: a number
where it is the same everywhere, else a function of the result and the operands. It is written with
arithmetic and other rows of this table, for any kind of number. Given floats it is a number; given
`Value`s it is a graph again, which can be differentiated, drawn or compiled. That is why no other
file has a derivative in it.

The laws of a partial (the tests hold every row to them):

- it never raises where the operation itself succeeded: it divides with `ieee_divide`, and is `inf`
  where the derivative is infinite;
- it never branches with Python's `if`, which a recorded graph could not follow: it branches with
  `where`, `greater` and `step`, which are rows too;
- it computes only what is wanted: each operand has a partial of its own. Rows with any number of
  operands give theirs as one list.

Most rows follow the textbook. Where its formula would lose digits, the row calls `accurate`, which
says why. This file knows nothing of graphs. To add an operation is to add a row, here or in a
notebook of your own:

>>> square = operation("square", lambda x: x * x, [lambda y, x: 2 * x])
>>> square(3.0), square.partials[0](9.0, 3.0)
(9.0, 6.0)
"""

import math
import operator
from itertools import accumulate
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import accurate
from micrograd_notes.engine.accurate import TWO_OVER_ROOT_PI
from micrograd_notes.engine.op import (
    EVERYWHERE,
    TABLE,
    Op,
    close_the_built_in_table,
    is_number,
    lookup,
    operation,
)

ROOT_TWO = math.sqrt(2.0)
_round = round  # Python's own: `round` and `abs` name rows of the table below


def _mp_erfc(mp: Any, x: Any) -> Any:
    """Returns mpmath's erfc, which overflows far out, where 0 or 2 is right to all digits here."""
    return mp.erfc(min(max(x, -10000), 10000))


# ---- arithmetic ----------------------------------------------------------------------------------

add: Op = operation("add", operator.add, [1.0, 1.0],
    symbol="+", method="add", numpy="{0} + {1}", mpmath=lambda mp, a, b: a + b)
subtract: Op = operation("subtract", operator.sub, [1.0, -1.0],
    symbol="-", method="sub", numpy="{0} - {1}", mpmath=lambda mp, a, b: a - b)
multiply: Op = operation("multiply", operator.mul, [lambda y, a, b: b, lambda y, a, b: a],
    symbol="*", method="mul", numpy="{0} * {1}", mpmath=lambda mp, a, b: a * b)
divide: Op = operation("divide", operator.truediv,
    [lambda y, a, b: ieee_divide(1.0, b), lambda y, a, b: -ieee_divide(y, b)],
    symbol="/", method="truediv", numpy="{0} / {1}", mpmath=lambda mp, a, b: a / b)
ieee_divide: Op = operation("ieee_divide", accurate.ieee_divide,
    [lambda y, a, b: ieee_divide(1.0, b), lambda y, a, b: -ieee_divide(y, b)],
    symbol="/", numpy="{0} / {1}", mpmath=lambda mp, a, b: a / b)
# In base and exponent together it has no second derivative at a = 0: in either order it is 0 there.
power: Op = operation("power", accurate.power,
    [lambda y, a, b: _power_slope(a, b),
     lambda y, a, b: where(a, chain(y, ieee_log(a)), 0.0)],
    symbol="**", method="pow", numpy="{0} ** {1}", mpmath=lambda mp, a, b: mp.power(a, b))
# a ** (b - n), for the derivatives of power: n is 1 in the first, a whole number above in the next.
# From 0 ** 0 on they are 0, and the infinite 0 ** -1 beneath is left out, or the fifth is nan.
power_less: Op = operation("power_less", accurate.power_less,
    [lambda y, a, b, n: chain(b - n, power_less(where(a, a, where(b - n, a, 1.0)), b, n + 1.0)),
     lambda y, a, b, n: where(a, chain(y, ieee_log(a)), 0.0), None],
    symbol="**", numpy="{0} ** ({1} - {2})", domain=(EVERYWHERE, EVERYWHERE, (1.0, 1.0)),
    mpmath=lambda mp, a, b, n: mp.power(a, b - n))
# adjoint times partial: the product of the chain rule
chain: Op = operation("chain", accurate.chain_product,
    [lambda y, adjoint, partial: partial, lambda y, adjoint, partial: adjoint],
    symbol="·", numpy="np.where({0} == 0, 0.0, {0} * {1})", mpmath=lambda mp, a, b: a * b)
neg: Op = operation("neg", operator.neg, [-1.0],
    symbol="-", method="neg", numpy="-{0}", mpmath=lambda mp, x: -x)
pos: Op = operation("pos", operator.pos, [1.0],
    symbol="+", method="pos", numpy="+{0}", mpmath=lambda mp, x: +x)

# ---- powers, exponentials, logarithms ------------------------------------------------------------

sqrt: Op = operation("sqrt", math.sqrt, [lambda y, x: ieee_divide(0.5, y)],
    domain=((0.0, math.inf),), mpmath="sqrt")
cbrt: Op = operation("cbrt", accurate.cbrt, [lambda y, x: ieee_divide(1.0, 3.0 * y * y)],
    mpmath=lambda mp, x: mp.sign(x) * mp.cbrt(abs(x)))
exp: Op = operation("exp", math.exp, [lambda y, x: y], mpmath="exp")
expm1: Op = operation("expm1", math.expm1, [lambda y, x: exp(x)], mpmath="expm1")
log: Op = operation("log", math.log, [lambda y, x: ieee_divide(1.0, x)],
    domain=((0.0, math.inf),), mpmath="log")
ieee_log: Op = operation("ieee_log", accurate.ieee_log, [lambda y, x: ieee_divide(1.0, x)],
    symbol="log", numpy="np.log({0})", domain=((0.0, math.inf),), mpmath="log")
log1p: Op = operation("log1p", math.log1p, [lambda y, x: ieee_divide(1.0, 1.0 + x)],
    domain=((-1.0, math.inf),), mpmath="log1p")
# a / (a + b), the part that a has in their sum
share: Op = operation("share", accurate.share,
    [lambda y, a, b: chain(share(b, a), ieee_divide(1.0, a + b)),
     lambda y, a, b: -chain(y, ieee_divide(1.0, a + b))],
    numpy="{0} / np.where({0} + {1} == 0, 1.0, {0} + {1})",
    domain=((0.0, math.inf), (0.0, math.inf)), mpmath=lambda mp, a, b: a / (a + b) if a else a)
exp_difference: Op = operation("exp_difference", accurate.exp_difference,
    [lambda y, a, b: y, lambda y, a, b: -y],
    symbol="exp(a-b)", numpy="np.exp({0} - {1})", mpmath=lambda mp, a, b: mp.exp(a - b))

# ---- circles -------------------------------------------------------------------------------------

sin: Op = operation("sin", math.sin, [lambda y, x: cos(x)], mpmath="sin")
cos: Op = operation("cos", math.cos, [lambda y, x: -sin(x)], mpmath="cos")
tan: Op = operation("tan", math.tan, [lambda y, x: 1.0 + y * y], mpmath="tan")
asin: Op = operation("asin", math.asin,
    [lambda y, x: ieee_divide(1.0, sqrt(one_minus_square(x)))],
    numpy="np.arcsin({0})", domain=((-1.0, 1.0),), mpmath="asin")
# 1 - x*x, for the derivatives of asin, acos and atanh; as a product it keeps its digits near 1
one_minus_square: Op = operation("one_minus_square", lambda x: (1.0 - x) * (1.0 + x),
    [lambda y, x: -2.0 * x],
    symbol="1-x²", numpy="(1.0 - {0}) * (1.0 + {0})", mpmath=lambda mp, x: 1 - x * x)
acos: Op = operation("acos", math.acos,
    [lambda y, x: ieee_divide(-1.0, sqrt(one_minus_square(x)))],
    numpy="np.arccos({0})", domain=((-1.0, 1.0),), mpmath="acos")
atan: Op = operation("atan", math.atan,
    [lambda y, x: ieee_divide(1.0, hypot(1.0, x)) * ieee_divide(1.0, hypot(1.0, x))],
    numpy="np.arctan({0})", mpmath="atan")
hypot: Op = operation("hypot", math.hypot,
    [lambda y, a, b: direction(a, b), lambda y, a, b: direction(b, a)],
    kinks=math.hypot, mpmath="hypot")
# a / hypot(a, b), the cosine of the angle of (a, b)
direction: Op = operation("direction", accurate.direction,
    [lambda y, a, b: direction(b, a) * chain(direction(b, a), ieee_divide(1.0, hypot(a, b))),
     lambda y, a, b: -y * chain(direction(b, a), ieee_divide(1.0, hypot(a, b)))],
    numpy="{0} / np.where(np.hypot({0}, {1}) == 0, 1.0, np.hypot({0}, {1}))", kinks=math.hypot,
    mpmath=lambda mp, a, b: a / mp.hypot(a, b) if a or b else a, ulps=6.0)
atan2: Op = operation("atan2", math.atan2,
    [lambda angle, y, x: chain(direction(x, y), ieee_divide(1.0, hypot(x, y))),
     lambda angle, y, x: -chain(direction(y, x), ieee_divide(1.0, hypot(x, y)))],
    numpy="np.arctan2({0}, {1})", kinks=lambda y, x: y if x <= 0 else 1.0, mpmath="atan2")

# ---- hyperbolas ----------------------------------------------------------------------------------

sinh: Op = operation("sinh", math.sinh, [lambda y, x: cosh(x)], mpmath="sinh")
cosh: Op = operation("cosh", math.cosh, [lambda y, x: sinh(x)], mpmath="cosh")
tanh: Op = operation("tanh", math.tanh, [lambda y, x: sech_squared(x)],
    mpmath="tanh", gain=5 / 3)
sech_squared: Op = operation("sech_squared", accurate.sech_squared,
    [lambda y, x: -2.0 * tanh(x) * y],
    symbol="sech²", numpy="1.0 / np.cosh({0})**2", mpmath=lambda mp, x: mp.sech(x) ** 2,
    ulps=6.0)
asinh: Op = operation("asinh", math.asinh, [lambda y, x: ieee_divide(1.0, hypot(1.0, x))],
    numpy="np.arcsinh({0})", mpmath="asinh")
acosh: Op = operation("acosh", math.acosh,
    [lambda y, x: ieee_divide(1.0, sqrt(x - 1.0) * sqrt(x + 1.0))],
    numpy="np.arccosh({0})", domain=((1.0, math.inf),), mpmath="acosh")
atanh: Op = operation("atanh", math.atanh, [lambda y, x: ieee_divide(1.0, one_minus_square(x))],
    numpy="np.arctanh({0})", domain=((-1.0, 1.0),), mpmath="atanh")

# ---- what neurons do: smooth ---------------------------------------------------------------------

sigmoid: Op = operation("sigmoid", accurate.sigmoid, [lambda y, x: 0.25 * sech_squared(0.5 * x)],
    gain=1.0, numpy="1.0 / (1.0 + np.exp(-{0}))", mpmath=lambda mp, x: 1 / (1 + mp.exp(-x)))
logsigmoid: Op = operation("logsigmoid", accurate.log_sigmoid, [lambda y, x: sigmoid(-x)],
    numpy="-np.logaddexp(0.0, -{0})", mpmath=lambda mp, x: -mp.log1p(mp.exp(-x)))
softplus: Op = operation("softplus", accurate.softplus, [lambda y, x: sigmoid(x)],
    gain=ROOT_TWO, numpy="np.logaddexp(0.0, {0})", mpmath=lambda mp, x: mp.log1p(mp.exp(x)))
silu: Op = operation("silu", lambda x: x * accurate.sigmoid(x),
    [lambda y, x: sigmoid(x) + x * (0.25 * sech_squared(0.5 * x))],
    gain=ROOT_TWO, numpy="{0} / (1.0 + np.exp(-{0}))", mpmath=lambda mp, x: x / (1 + mp.exp(-x)),
    scale=lambda x: accurate.sigmoid(x) + abs(x) * 0.25 * accurate.sech_squared(0.5 * x))
erf: Op = operation("erf", math.erf, [lambda y, x: TWO_OVER_ROOT_PI * gaussian(x)],
    numpy="np.vectorize(math.erf)({0})", mpmath="erf")
erfc: Op = operation("erfc", math.erfc, [lambda y, x: -TWO_OVER_ROOT_PI * gaussian(x)],
    numpy="np.vectorize(math.erfc)({0})", mpmath=_mp_erfc)
gaussian: Op = operation("gaussian", accurate.gaussian, [lambda y, x: -2.0 * (x * y)],
    symbol="exp(-x²)", numpy="np.exp(-{0}**2)", mpmath=lambda mp, x: mp.exp(-x * x))
normal_density: Op = operation("normal_density", accurate.normal_density, [lambda y, x: -x * y],
    symbol="φ", numpy="np.exp(-{0}**2 / 2) / np.sqrt(2 * np.pi)", mpmath="npdf")
normal_cdf: Op = operation("normal_cdf", accurate.normal_cdf, [lambda y, x: normal_density(x)],
    symbol="Φ", numpy="0.5 * np.vectorize(math.erfc)(-{0} / np.sqrt(2))",
    mpmath=lambda mp, x: _mp_erfc(mp, -x / mp.sqrt(2)) / 2)
gelu: Op = operation("gelu", lambda x: x * accurate.normal_cdf(x),
    [lambda y, x: normal_cdf(x) + x * normal_density(x)],
    gain=ROOT_TWO, numpy="0.5 * {0} * np.vectorize(math.erfc)(-{0} / np.sqrt(2))",
    mpmath=lambda mp, x: x * _mp_erfc(mp, -x / mp.sqrt(2)) / 2,
    scale=lambda x: accurate.normal_cdf(x)
    + abs(x) * max(accurate.normal_density(x), accurate.SMALLEST_NORMAL))

# ---- what neurons do: with a kink at 0 -----------------------------------------------------------
# At a kink the derivative is the subgradient of least size: 0 for relu and abs.

relu: Op = operation("relu", accurate.relu, [lambda y, x: step(x)],
    gain=ROOT_TWO, symbol="ReLU", numpy="np.maximum({0}, 0.0)", kinks=lambda x: x,
    mpmath=lambda mp, x: x if x > 0 else 0 * x)
leaky_relu: Op = operation("leaky_relu", lambda x, slope: x if x > 0 else slope * x,
    [lambda y, x, slope: where(greater(x, 0.0), 1.0, where(x, slope, clamp(slope, 0.0, 1.0))),
     lambda y, x, slope: where(greater(x, 0.0), 0.0, x)],
    gain=ROOT_TWO, numpy="np.where({0} > 0, {0}, {1} * {0})", defaults=(0.01,),
    kinks=lambda x, slope: x, mpmath=lambda mp, x, slope: x if x > 0 else slope * x)
elu: Op = operation("elu", lambda x, alpha: x if x > 0 else alpha * math.expm1(x),
    [lambda y, x, alpha: where(greater(x, 0.0), 1.0,
         where(x, alpha * exp(at_most(x, 0.0)), clamp(alpha, 0.0, 1.0))),
     lambda y, x, alpha: where(greater(x, 0.0), 0.0, expm1(at_most(x, 0.0)))],
    gain=ROOT_TWO, numpy="np.where({0} > 0, {0}, {1} * np.expm1(np.minimum({0}, 0.0)))",
    defaults=(1.0,), kinks=lambda x, alpha: x,
    mpmath=lambda mp, x, alpha: x if x > 0 else alpha * mp.expm1(x))
# named as Python's, which it meets in `abs(value)`
abs: Op = operation("abs", operator.abs, [lambda y, x: sign(x)],
    method="abs", kinks=lambda x: x, mpmath=lambda mp, x: x if x > 0 else -x)

# ---- choosing ------------------------------------------------------------------------------------

# the larger of x and a plain number
at_least: Op = operation("at_least", accurate.maximum,
    [lambda y, x, bound: greater(x, bound), None],
    symbol="max", numpy="np.maximum({0}, {1})", kinks=lambda x, bound: x - bound,
    mpmath=lambda mp, x, bound: max(x, bound))
# the smaller of x and a plain number
at_most: Op = operation("at_most", accurate.minimum, [lambda y, x, bound: greater(bound, x), None],
    symbol="min", numpy="np.minimum({0}, {1})", kinks=lambda x, bound: x - bound,
    mpmath=lambda mp, x, bound: min(x, bound))
where: Op = operation("where", lambda condition, a, b: a if condition else b,
    [None,
     lambda y, condition, a, b: where(condition, 1.0, 0.0),
     lambda y, condition, a, b: where(condition, 0.0, 1.0)],
    kinks=lambda condition, a, b: condition,
    mpmath=lambda mp, condition, a, b: a if condition else b)
greater: Op = operation("greater", lambda a, b: 1.0 if a > b else 0.0,
    [0.0, 0.0],
    symbol=">", numpy="np.where({0} > {1}, 1.0, 0.0)", kinks=lambda a, b: a - b,
    mpmath=lambda mp, a, b: mp.mpf(a > b))
equal: Op = operation("equal", lambda a, b: 1.0 if a == b else 0.0,
    [0.0, 0.0],
    symbol="=", numpy="np.where({0} == {1}, 1.0, 0.0)", kinks=lambda a, b: a - b,
    mpmath=lambda mp, a, b: mp.mpf(a == b))
step: Op = operation("step", accurate.step, [0.0],
    numpy="np.where({0} > 0, 1.0, 0.0)", kinks=lambda x: x, mpmath=lambda mp, x: mp.mpf(x > 0))
sign: Op = operation("sign", accurate.sign, [0.0], kinks=lambda x: x, mpmath="sign")
floor: Op = operation("floor", accurate.floor, [0.0],
    method="floor", kinks=lambda x: math.sin(math.pi * math.fmod(x, 1.0)), mpmath="floor")
# half to even, as Python's
round: Op = operation("round", lambda x, digits: _round(x, int(digits)),
    [0.0, None],
    method="round", numpy="np.rint({0} * 10.0**{1}) / 10.0**{1}", defaults=(0.0,),
    domain=(EVERYWHERE, (-15.0, 15.0)),  # finer than a float, no step is to be seen
    kinks=lambda x, digits: math.cos(math.pi * math.fmod(x * 10.0**digits, 1.0)),
    mpmath=lambda mp, x, digits: mp.nint(x * mp.mpf(10) ** int(digits)) / mp.mpf(10) ** int(digits))

# ---- any number of operands ----------------------------------------------------------------------


def _tied_shares(y: Any, *xs: Any) -> list[Any]:
    """Returns 1 for the operand that is chosen, and 1/n each for n that tie."""
    ties = [equal(x, y) for x in xs]
    number_of_ties = accurate.total(ties[1:], ties[0])
    return [ieee_divide(tie, number_of_ties) for tie in ties]


def _exponential_shares(y: Any, *xs: Any) -> list[Any]:
    """Returns exp(x) / sum of exp(x) for each x: the softmax of xs.

    The largest x is taken from each first, so that nothing overflows. It cancels, so no gradient
    flows through it. Where one x leads, the derivative of its share is the share times that of all
    others, which 1 - share or total - exponential would lose. So the others are added up for each,
    from the left and from the right; arrays, that are not differentiated again, need only a total.
    """
    top = _detached(largest(*xs))
    part: Any = share
    if top.__class__ is float:  # the same numbers, without the calls of rows
        part, exponentials = accurate.share, [accurate.exp_difference(x, top) for x in xs]
    else:
        exponentials = [exp_difference(x, top) for x in xs]
    if hasattr(top, "is_recorded"):
        total = accurate.total(exponentials[1:], exponentials[0])
        return [ieee_divide(exponential, total) for exponential in exponentials]
    before, after = list(accumulate(exponentials)), list(accumulate(exponentials[::-1]))[::-1]
    inner = map(operator.add, before[:-2], after[2:])
    others = [after[1], *inner, before[-2]] if len(xs) > 1 else [0.0]
    return list(map(part, exponentials, others))


def _power_slope(a: Any, b: Any) -> Any:
    """Returns b a**(b-1), which at a = 0 does not depend on b: see `power`."""
    slope = chain(b, power_less(a, b, 1.0))
    if getattr(b, "requires_grad", False) and not hasattr(b, "is_recorded"):
        return where(a, slope, chain(b.detach(), power_less(a, b, 1.0)))
    return slope


def _detached(x: Any) -> Any:
    """Returns the same number, which no gradient flows through; a plain number has none."""
    return x.detach() if hasattr(x, "detach") else x


# of Values: a tie is shared
largest: Op = operation("largest", accurate.maximum, _tied_shares,
    symbol="max", numpy="{all}.max(-1)", neutral=-math.inf, mpmath=lambda mp, *xs: max(xs))
smallest: Op = operation("smallest", accurate.minimum, _tied_shares,
    symbol="min", numpy="{all}.min(-1)", neutral=math.inf, mpmath=lambda mp, *xs: min(xs))
logsumexp: Op = operation("logsumexp", accurate.logsumexp, _exponential_shares,
    numpy="{all}.max(-1) + np.log(np.exp({all} - {all}.max(-1, keepdims=True)).sum(-1))",
    neutral=-math.inf,
    mpmath=lambda mp, *xs: mp.log(mp.fsum(mp.exp(x) for x in xs)))
logaddexp: Op = operation("logaddexp", accurate.logsumexp,
    [lambda y, a, b: _exponential_shares(y, a, b)[0],
     lambda y, a, b: _exponential_shares(y, a, b)[1]],
    mpmath=lambda mp, a, b: mp.log(mp.exp(a) + mp.exp(b)))
# the value at a place, counted from 0; between two places the one below counts
_pick: Op = operation("pick", accurate.pick,
    lambda y, index, *values: [0.0, *(equal(floor(index), float(i)) for i in range(len(values)))],
    numpy="{rest}[{0}]", kinks=lambda index, *values: math.sin(math.pi * math.fmod(index, 1.0)),
    mpmath=lambda mp, index, *values: sum(v for i, v in enumerate(values) if i <= index < i + 1))

# ---- functions that are built from rows ----------------------------------------------------------


def maximum(*xs: Any) -> Any:
    """Returns the largest of two or more operands: max(x1, ..., xn).

    At a tie of n `Value`s each gets 1/n of the gradient, so that no order of the operands matters.
    A plain number is a bound rather than a competitor: at a tie with it, the `Value`s get 0.

    >>> maximum(2.0, 3.0)
    3.0
    """
    return _choose("maximum", largest, at_least, xs)


def minimum(*xs: Any) -> Any:
    """Returns the smallest of two or more operands, with ties as in `maximum`.

    >>> minimum([2.0, 3.0, 1.0])
    1.0
    """
    return _choose("minimum", smallest, at_most, xs)


def _choose(name: str, among_values: Op, with_a_number: Op, xs: tuple[Any, ...]) -> Any:
    xs = _operands(name, xs)
    bounds = [x for x in xs if is_number(x)]
    values = [x for x in xs if not is_number(x)]
    if not bounds or not values:
        return among_values(*xs)
    value = values[0] if len(values) == 1 else among_values(*values)
    return with_a_number(value, among_values(*bounds))


def _operands(name: str, xs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the operands, given one by one or as a list; TypeError if one is not a number."""
    if len(xs) == 1 and isinstance(xs[0], list | tuple):
        xs = tuple(xs[0])
    if not xs:
        raise TypeError(f"{name}() got no operand; give it one or more")
    for x in xs:
        checks.operand(f"each operand of {name}()", x)
    return xs


def clamp(x: Any, low: Any = None, high: Any = None) -> Any:
    """Returns x kept between low and high; either may be left out. The gradient at a bound is 0.

    >>> clamp(5.0, 0.0, 1.0), clamp(-5.0, high=1.0)
    (1.0, -5.0)
    """
    _operands("clamp", (x, *(0.0 if bound is None else bound for bound in (low, high))))
    if is_number(low) and is_number(high) and low > high:
        raise ValueError(f"clamp() got low={low!r} above high={high!r}; exchange them")
    if low is not None:
        x = maximum(x, low)
    return x if high is None else minimum(x, high)


def pick(values: Any, index: Any) -> Any:
    """Returns values[index], where the index may be data that a lifted program does not know yet.

    By a plain number it is the value itself, and no other is looked at. By a `Value` it is an
    operation of the table, whose derivative is 1 for the value that is picked and 0 for the others.
    Values are numbers, or rows of them, of which a row is picked.

    Raises:
        TypeError: the index is no whole number.
        IndexError: there is no such value. A negative index counts nothing.

    >>> pick([2.0, 3.0, 5.0], 1)
    3.0
    >>> pick([[1.0, 2.0], [3.0, 4.0]], 1)
    [3.0, 4.0]
    """
    values = checks.listed("values", values)
    if is_number(index):
        if not index % 1 == 0:
            raise TypeError(f"pick(values, index) takes a whole number as index, got {index!r}")
        if not 0 <= index < len(values):
            raise IndexError(f"pick() got index {index} for {len(values)} values, counted from 0")
        return values[int(index)]
    if isinstance(values[0], list | tuple):
        return [pick(column, index) for column in zip(*values, strict=True)]
    return _pick(index, *values)


def softmax(*xs: Any) -> list[Any]:
    """Returns exp(x) / sum of exp(x) for each x: positive numbers that add up to 1.

    It is the gradient of `logsumexp`.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    return _exponential_shares(None, *_operands("softmax", xs))


close_the_built_in_table()
__all__ = ["TABLE", "Op", "clamp", "lookup", "maximum", "minimum", "operation", "pick", "softmax"]
__all__ += sorted(TABLE.keys() - {"abs", "round"})  # `import *` leaves Python's own names alone
