"""Rows that exist for the derivatives of other rows: second sitting.

`ops` writes its derivatives with them. Each has derivatives of its own, so that a gradient can be
differentiated again. They are not methods of `Value`, except for the four that choose: a rule must
not branch with Python's `if`, which a recorded graph could not follow, so it branches with these.
"""

import operator
from functools import partial
from itertools import accumulate
from typing import Any

from micrograd_notes.engine import accurate
from micrograd_notes.engine.op import TABLE, Row, operation

helper = partial(operation, is_helper=True)

# ---- choosing ------------------------------------------------------------------------------------

where: Row = operation("where", lambda condition, a, b: a if condition else b, [
    None,
    lambda y, condition, a, b: where(condition, 1.0, 0.0),
    lambda y, condition, a, b: where(condition, 0.0, 1.0)])
greater: Row = operation("greater", lambda a, b: 1.0 if a > b else 0.0, [0.0, 0.0], symbol=">")
equal: Row = operation("equal", lambda a, b: 1.0 if a == b else 0.0, [0.0, 0.0], symbol="=")
step: Row = operation("step", accurate.step, [0.0])
# the larger, and the smaller, of x and a plain number
at_least: Row = helper("at_least", accurate.maximum,
    [lambda y, x, bound: greater(x, bound), None], symbol="max")
at_most: Row = helper("at_most", accurate.minimum,
    [lambda y, x, bound: greater(bound, x), None], symbol="min")

# ---- products and quotients ----------------------------------------------------------------------

# adjoint times partial: the product of the chain rule
chain: Row = helper("chain", accurate.chain_product,
    [lambda y, adjoint, partial: partial, lambda y, adjoint, partial: adjoint], symbol="·")
ieee_divide: Row = helper("ieee_divide", accurate.ieee_divide,
    [lambda y, a, b: ieee_divide(1.0, b), lambda y, a, b: -ieee_divide(y, b)], symbol="/")
# a / (a + b), the part that a has in their sum
share: Row = helper("share", accurate.share,
    [lambda y, a, b: chain(share(b, a), ieee_divide(1.0, a + b)),
     lambda y, a, b: -chain(y, ieee_divide(1.0, a + b))])
# 1 - x*x, for the derivatives of asin, acos and atanh; as a product it keeps its digits near 1
one_minus_square: Row = helper("one_minus_square", lambda x: (1.0 - x) * (1.0 + x),
    [lambda y, x: -2.0 * x], symbol="1-x²")
# a / hypot(a, b), the cosine of the angle of (a, b); `ops`, which has hypot, imports this file
direction: Row = helper("direction", accurate.direction,
    [lambda y, a, b: direction(b, a) * _across(a, b), lambda y, a, b: -y * _across(a, b)])

# ---- powers, exponentials, logarithms ------------------------------------------------------------

# a ** (b - n), for the derivatives of power: n is 1 in the first, a whole number above in the next.
# From 0 ** 0 on they are 0, and the infinite 0 ** -1 beneath is left out, or the fifth is nan.
power_less: Row = helper("power_less", accurate.power_less, [
    lambda y, a, b, n: chain(b - n, power_less(where(a, a, where(b - n, a, 1.0)), b, n + 1.0)),
    lambda y, a, b, n: where(a, chain(y, ieee_log(a)), 0.0),
    None], symbol="**")
ieee_log: Row = helper("ieee_log", accurate.ieee_log,
    [lambda y, x: ieee_divide(1.0, x)], symbol="log")
exp_difference: Row = helper("exp_difference", accurate.exp_difference,
    [lambda y, a, b: y, lambda y, a, b: -y], symbol="exp(a-b)")
sech_squared: Row = helper("sech_squared", accurate.sech_squared,
    [lambda y, x: -2.0 * TABLE["tanh"](x) * y], symbol="sech²")

# ---- the bell curve ------------------------------------------------------------------------------

gaussian: Row = helper("gaussian", accurate.gaussian,
    [lambda y, x: -2.0 * (x * y)], symbol="exp(-x²)")
normal_density: Row = helper("normal_density", accurate.normal_density,
    [lambda y, x: -x * y], symbol="φ")
normal_cdf: Row = helper("normal_cdf", accurate.normal_cdf,
    [lambda y, x: normal_density(x)], symbol="Φ")

# ---- derivatives that take more than a line ------------------------------------------------------


def _across(a: Any, b: Any) -> Any:
    """Returns b / (a*a + b*b), the slope of the angle of (a, b) along a, up to its sign."""
    return chain(direction(b, a), ieee_divide(1.0, TABLE["hypot"](a, b)))


def power_slope(a: Any, b: Any) -> Any:
    """Returns b a**(b-1), which at a = 0 does not depend on b: see `ops.power`."""
    slope = chain(b, power_less(a, b, 1.0))
    if getattr(b, "requires_grad", False) and not hasattr(b, "is_recorded"):
        return where(a, slope, chain(b.detach(), power_less(a, b, 1.0)))
    return slope


def tied_shares(y: Any, *xs: Any) -> list[Any]:
    """Returns 1 for the operand that is chosen, and 1/n each for n that tie."""
    ties = [equal(x, y) for x in xs]
    number_of_ties = accurate.total(ties[1:], ties[0])
    return [ieee_divide(tie, number_of_ties) for tie in ties]


def exponential_shares(y: Any, *xs: Any) -> list[Any]:
    """Returns exp(x) / sum of exp(x) for each x: the softmax of xs.

    The largest x is taken from each first, so that nothing overflows. It cancels, so no gradient
    flows through it. Where one x leads, the derivative of its share is the share times that of all
    others, which 1 - share or total - exponential would lose. So the others are added up for each,
    from the left and from the right; arrays, which are not differentiated again, need only a total.
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


def _detached(x: Any) -> Any:
    """Returns the same number, which no gradient flows through; a plain number has none."""
    return x.detach() if hasattr(x, "detach") else x


# of Values; a tie is shared
largest: Row = helper("largest", accurate.maximum, tied_shares, symbol="max")
smallest: Row = helper("smallest", accurate.minimum, tied_shares, symbol="min")
