"""The table of operations: a page of calculus, one row per operation.

Each row is a name, the value on numbers, and one local slope per operand: a number where it is the
same everywhere, else a function of the result and the operands. It is written with arithmetic and
other rows, for any kind of number. Given floats it is a number; given `Value`s it is a graph again,
which can be differentiated, drawn or compiled. Derivatives are here and in `helper_ops`, which has
rows that only derivatives need, and in no other file.

The laws of a slope (the tests hold every row to them):

- it never raises where the operation itself succeeded: it divides with `ieee_divide`, and is `inf`
  where the derivative is infinite;
- it never branches with Python's `if`, which a recorded graph could not follow: it branches with
  `where`, `greater` and `step`, which are rows too;
- it computes only what is wanted: each operand has a slope of its own. Rows with any number of
  operands give theirs as one list.

Most rows follow the textbook. Where its formula would lose digits, the row calls `accurate`, which
says why, or a row of `helper_ops`. To add an operation is to add a row, here or in a notebook:

>>> square = operation("square", lambda x: x * x, [lambda y, x: 2 * x])
>>> square(3.0), square.partials[0](9.0, 3.0)
(9.0, 6.0)
"""

import math
import operator

from micrograd_notes.engine import accurate
from micrograd_notes.engine.accurate import TWO_OVER_ROOT_PI
from micrograd_notes.engine.helper_ops import (
    at_least,
    at_most,
    chain,
    direction,
    equal,
    exponential_shares,
    gaussian,
    greater,
    ieee_divide,
    ieee_log,
    normal_cdf,
    normal_density,
    one_minus_square,
    power_slope,
    sech_squared,
    step,
    where,
)
from micrograd_notes.engine.op import TABLE, Op, Row, lookup, operation

_round = round  # Python's own: `round` and `abs` name rows below

# ---- arithmetic ----------------------------------------------------------------------------------

add: Row = operation("add", operator.add, [1.0, 1.0], symbol="+", method="add")
subtract: Row = operation("subtract", operator.sub, [1.0, -1.0], symbol="-", method="sub")
multiply: Row = operation("multiply", operator.mul,
    [lambda y, a, b: b, lambda y, a, b: a], symbol="*", method="mul")
divide: Row = operation("divide", operator.truediv,
    [lambda y, a, b: ieee_divide(1.0, b), lambda y, a, b: -ieee_divide(y, b)],
    symbol="/", method="truediv")
# In base and exponent together it has no second derivative at a = 0: in either order it is 0 there.
power: Row = operation("power", accurate.power,
    [lambda y, a, b: power_slope(a, b), lambda y, a, b: where(a, chain(y, ieee_log(a)), 0.0)],
    symbol="**", method="pow")
neg: Row = operation("neg", operator.neg, [-1.0], symbol="-", method="neg")
pos: Row = operation("pos", operator.pos, [1.0], symbol="+", method="pos")

# ---- powers, exponentials, logarithms ------------------------------------------------------------

sqrt: Row = operation("sqrt", math.sqrt, [lambda y, x: ieee_divide(0.5, y)])
cbrt: Row = operation("cbrt", accurate.cbrt, [lambda y, x: ieee_divide(1.0, 3.0 * y * y)])
exp: Row = operation("exp", math.exp, [lambda y, x: y])
expm1: Row = operation("expm1", math.expm1, [lambda y, x: exp(x)])
log: Row = operation("log", math.log, [lambda y, x: ieee_divide(1.0, x)])
log1p: Row = operation("log1p", math.log1p, [lambda y, x: ieee_divide(1.0, 1.0 + x)])

# ---- circles -------------------------------------------------------------------------------------

sin: Row = operation("sin", math.sin, [lambda y, x: cos(x)])
cos: Row = operation("cos", math.cos, [lambda y, x: -sin(x)])
tan: Row = operation("tan", math.tan, [lambda y, x: 1.0 + y * y])
asin: Row = operation("asin", math.asin, [lambda y, x: ieee_divide(1.0, sqrt(one_minus_square(x)))])
acos: Row = operation("acos", math.acos,
    [lambda y, x: ieee_divide(-1.0, sqrt(one_minus_square(x)))])
atan: Row = operation("atan", math.atan,
    [lambda y, x: ieee_divide(1.0, hypot(1.0, x)) * ieee_divide(1.0, hypot(1.0, x))])
hypot: Row = operation("hypot", math.hypot,
    [lambda y, a, b: direction(a, b), lambda y, a, b: direction(b, a)])
atan2: Row = operation("atan2", math.atan2,
    [lambda angle, y, x: chain(direction(x, y), ieee_divide(1.0, hypot(x, y))),
     lambda angle, y, x: -chain(direction(y, x), ieee_divide(1.0, hypot(x, y)))])

# ---- hyperbolas ----------------------------------------------------------------------------------

sinh: Row = operation("sinh", math.sinh, [lambda y, x: cosh(x)])
cosh: Row = operation("cosh", math.cosh, [lambda y, x: sinh(x)])
tanh: Row = operation("tanh", math.tanh, [lambda y, x: sech_squared(x)])
asinh: Row = operation("asinh", math.asinh, [lambda y, x: ieee_divide(1.0, hypot(1.0, x))])
acosh: Row = operation("acosh", math.acosh,
    [lambda y, x: ieee_divide(1.0, sqrt(x - 1.0) * sqrt(x + 1.0))])
atanh: Row = operation("atanh", math.atanh, [lambda y, x: ieee_divide(1.0, one_minus_square(x))])

# ---- what neurons do: smooth ---------------------------------------------------------------------

sigmoid: Row = operation("sigmoid", accurate.sigmoid, [lambda y, x: 0.25 * sech_squared(0.5 * x)])
logsigmoid: Row = operation("logsigmoid", accurate.log_sigmoid, [lambda y, x: sigmoid(-x)])
softplus: Row = operation("softplus", accurate.softplus, [lambda y, x: sigmoid(x)])
silu: Row = operation("silu", lambda x: x * accurate.sigmoid(x),
    [lambda y, x: sigmoid(x) + x * (0.25 * sech_squared(0.5 * x))])
erf: Row = operation("erf", math.erf, [lambda y, x: TWO_OVER_ROOT_PI * gaussian(x)])
erfc: Row = operation("erfc", math.erfc, [lambda y, x: -TWO_OVER_ROOT_PI * gaussian(x)])
gelu: Row = operation("gelu", lambda x: x * accurate.normal_cdf(x),
    [lambda y, x: normal_cdf(x) + x * normal_density(x)])

# ---- what neurons do: with a kink at 0 -----------------------------------------------------------
# At a kink the derivative is the subgradient of least size: 0 for relu and abs.

relu: Row = operation("relu", accurate.relu, [lambda y, x: step(x)], symbol="ReLU")
leaky_relu: Row = operation("leaky_relu", lambda x, slope: x if x > 0 else slope * x,
    [lambda y, x, slope: where(greater(x, 0.0), 1.0,
         where(x, slope, at_most(at_least(slope, 0.0), 1.0))),
     lambda y, x, slope: where(greater(x, 0.0), 0.0, x)],
    defaults=(0.01,))
elu: Row = operation("elu", lambda x, alpha: x if x > 0 else alpha * math.expm1(x),
    [lambda y, x, alpha: where(greater(x, 0.0), 1.0,
         where(x, alpha * exp(at_most(x, 0.0)), at_most(at_least(alpha, 0.0), 1.0))),
     lambda y, x, alpha: where(greater(x, 0.0), 0.0, expm1(at_most(x, 0.0)))],
    defaults=(1.0,))
# named as Python's, which calls it in `abs(value)`
abs: Row = operation("abs", operator.abs, [lambda y, x: sign(x)], method="abs")

# ---- steps ---------------------------------------------------------------------------------------

sign: Row = operation("sign", accurate.sign, [0.0])
floor: Row = operation("floor", accurate.floor, [0.0], method="floor")
# half to even, as Python's
round: Row = operation("round", lambda x, digits: _round(x, int(digits)), [0.0, None],
    method="round", defaults=(0.0,))

# ---- any number of operands ----------------------------------------------------------------------

logsumexp: Row = operation("logsumexp", accurate.logsumexp, exponential_shares)
logaddexp: Row = operation("logaddexp", accurate.logsumexp,
    [lambda y, a, b: exponential_shares(y, a, b)[0],
     lambda y, a, b: exponential_shares(y, a, b)[1]])
# the value at a place, counted from 0; between two places the one below counts
pick_by: Row = operation("pick", accurate.pick,
    lambda y, i, *values: [0.0, *(equal(floor(i), float(k)) for k in range(len(values)))])

__all__ = ["TABLE", "Op", "lookup", "operation"]
_hidden = {"abs", "round", "pick"}  # Python's own; and `functions.pick` is what one calls
__all__ += sorted(name for name, op in TABLE.items() if not op.is_helper and name not in _hidden)
