"""Facts of the rows beside their calculus: where they are defined, kinks, other spellings.

`op.Op` has these facts as fields, and you give them as keywords of `operation(...)`. The facts of
the built-in rows are stated here, apart from `ops`, so that `ops` stays a page of calculus. The
checker reads the domain, the kinks, mpmath's counterpart and the promised accuracy; lifting reads
NumPy's spelling; neurons read the gain.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from micrograd_notes.engine import accurate

Interval = tuple[float, float]

EVERYWHERE: Interval = (-math.inf, math.inf)
ROOT_TWO = math.sqrt(2.0)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Facts:
    """Facts of an operation beside its calculus.

    Args:
        numpy: the spelling in NumPy, `np.maximum({0}, 0)`. `{0}` and `{1}` are operands. For a row
            with any number of operands, `{all}` is the array with the operands along its last axis,
            and `{rest}` the array of all but the first, along its first axis. Without a spelling, a
            custom operation is lifted by what its `forward` computes.
        domain: for each operand the interval in which the operation is defined. `forward` decides
            whether an end belongs to it.
        kinks: a function of the operands that is zero where the operation has a kink or a jump.
        mpmath: the same operation in any precision, as a name in mpmath or a function (mp,
            *operands).
        ulps: the largest error of a slope, in units in the last place of `scale`, where no number
            on the way to it is subnormal or overflows. The default is 4 for a built-in row and inf,
            which promises nothing, for a custom operation.
        scale: the size that the error of a slope is compared with; by default the slope itself.
            For a sum that cancels, the sum of the magnitudes of its terms.
        gain: for an activation of neurons, the factor on the spread of the weights that keeps the
            size of the signals from layer to layer. Measured over ten layers of 50 neurons, the
            mean square of the answers changes by less than a factor of 4, and that of the gradient
            by less than 20. Sigmoid is the exception: with its gain of 4, which makes up for its
            slope of 1/4 at 0, the gradient's falls by about 1e4 (with a gain of 1 by more than
            1e11). A gain of 10 would keep it, but saturates most of the neurons.
        neutral: for a row of any number of operands whose order does not matter: the operand that
            changes nothing, as -inf does not change a maximum.
    """

    numpy: str = ""
    domain: tuple[Interval, ...] = ()
    kinks: Callable[..., float] | None = None
    mpmath: str | Callable[..., Any] | None = None
    ulps: float = 4.0
    scale: Callable[..., float] | None = None
    gain: float | None = None
    neutral: float | None = None

    @cached_property
    def chooses(self) -> bool:
        """Whether the first operand is an index, which chooses among the others."""
        return "{rest}" in self.numpy

    @cached_property
    def numpy_name(self) -> str | None:
        """The function of NumPy that it is, as `arctan` is atan; None if it is a longer formula."""
        spelled = re.fullmatch(r"np\.(\w+)\(\{0\}(, \{1\})?\)", self.numpy)
        return spelled[1] if spelled else None


def of(name: str, given: Mapping[str, Any]) -> Facts:
    """Returns the facts of a row: those that are given, and of a built-in row those stated here."""
    given = {fact: said for fact, said in given.items() if said is not None}
    if name not in BUILT_IN:
        return Facts(**{"ulps": math.inf, **given})
    stated = BUILT_IN[name]
    return replace(stated, numpy=stated.numpy or f"np.{name}({{all}})", **given)


def _mp_erfc(mp: Any, x: Any) -> Any:
    """Returns mpmath's erfc, which overflows far out, where 0 or 2 is right to all digits here."""
    return mp.erfc(min(max(x, -10000), 10000))


BUILT_IN: dict[str, Facts] = {
    # arithmetic
    "add": Facts(numpy="{0} + {1}", mpmath=lambda mp, a, b: a + b),
    "subtract": Facts(numpy="{0} - {1}", mpmath=lambda mp, a, b: a - b),
    "multiply": Facts(numpy="{0} * {1}", mpmath=lambda mp, a, b: a * b),
    "divide": Facts(numpy="{0} / {1}", mpmath=lambda mp, a, b: a / b),
    "ieee_divide": Facts(numpy="{0} / {1}", mpmath=lambda mp, a, b: a / b),
    "power": Facts(numpy="{0} ** {1}", mpmath=lambda mp, a, b: mp.power(a, b)),
    "power_less": Facts(
        numpy="{0} ** ({1} - {2})", domain=(EVERYWHERE, EVERYWHERE, (1.0, 1.0)),
        mpmath=lambda mp, a, b, n: mp.power(a, b - n)),
    "chain": Facts(
        numpy="np.where({0} == 0, 0.0, {0} * {1})", mpmath=lambda mp, a, b: a * b if a else a),
    "neg": Facts(numpy="-{0}", mpmath=lambda mp, x: -x),
    "pos": Facts(numpy="+{0}", mpmath=lambda mp, x: +x),
    # powers, exponentials, logarithms
    "sqrt": Facts(domain=((0.0, math.inf),), mpmath="sqrt"),
    "cbrt": Facts(mpmath=lambda mp, x: mp.sign(x) * mp.cbrt(abs(x))),
    "exp": Facts(mpmath="exp"),
    "expm1": Facts(mpmath="expm1"),
    "log": Facts(domain=((0.0, math.inf),), mpmath="log"),
    "ieee_log": Facts(numpy="np.log({0})", domain=((0.0, math.inf),), mpmath="log"),
    "log1p": Facts(domain=((-1.0, math.inf),), mpmath="log1p"),
    "share": Facts(
        numpy="{0} / np.where({0} + {1} == 0, 1.0, {0} + {1})",
        domain=((0.0, math.inf), (0.0, math.inf)),
        mpmath=lambda mp, a, b: a / (a + b) if a else a),
    "exp_difference": Facts(numpy="np.exp({0} - {1})", mpmath=lambda mp, a, b: mp.exp(a - b)),
    # circles
    "sin": Facts(mpmath="sin"),
    "cos": Facts(mpmath="cos"),
    "tan": Facts(mpmath="tan"),
    "asin": Facts(numpy="np.arcsin({0})", domain=((-1.0, 1.0),), mpmath="asin"),
    "one_minus_square": Facts(numpy="(1.0 - {0}) * (1.0 + {0})", mpmath=lambda mp, x: 1 - x * x),
    "acos": Facts(numpy="np.arccos({0})", domain=((-1.0, 1.0),), mpmath="acos"),
    "atan": Facts(numpy="np.arctan({0})", mpmath="atan"),
    "hypot": Facts(kinks=math.hypot, mpmath="hypot"),
    "direction": Facts(
        numpy="{0} / np.where(np.hypot({0}, {1}) == 0, 1.0, np.hypot({0}, {1}))", kinks=math.hypot,
        mpmath=lambda mp, a, b: a / mp.hypot(a, b) if a or b else a, ulps=6.0),
    "atan2": Facts(
        numpy="np.arctan2({0}, {1})", kinks=lambda y, x: y if x <= 0 else 1.0, mpmath="atan2"),
    # hyperbolas
    "sinh": Facts(mpmath="sinh"),
    "cosh": Facts(mpmath="cosh"),
    "tanh": Facts(mpmath="tanh", gain=5 / 3),
    "sech_squared": Facts(
        numpy="1.0 / np.cosh({0})**2", mpmath=lambda mp, x: mp.sech(x) ** 2, ulps=6.0),
    "asinh": Facts(numpy="np.arcsinh({0})", mpmath="asinh"),
    "acosh": Facts(numpy="np.arccosh({0})", domain=((1.0, math.inf),), mpmath="acosh"),
    "atanh": Facts(numpy="np.arctanh({0})", domain=((-1.0, 1.0),), mpmath="atanh"),
    # what neurons do: smooth
    "sigmoid": Facts(
        numpy="1.0 / (1.0 + np.exp(-{0}))", mpmath=lambda mp, x: 1 / (1 + mp.exp(-x)), gain=4.0),
    "logsigmoid": Facts(
        numpy="-np.logaddexp(0.0, -{0})", mpmath=lambda mp, x: -mp.log1p(mp.exp(-x))),
    "softplus": Facts(
        numpy="np.logaddexp(0.0, {0})", mpmath=lambda mp, x: mp.log1p(mp.exp(x)), gain=ROOT_TWO),
    "silu": Facts(
        numpy="{0} / (1.0 + np.exp(-{0}))", mpmath=lambda mp, x: x / (1 + mp.exp(-x)),
        scale=lambda x: accurate.sigmoid(x) + abs(x) * 0.25 * accurate.sech_squared(0.5 * x),
        gain=1.55),
    "erf": Facts(numpy="np.vectorize(math.erf)({0})", mpmath="erf"),
    "erfc": Facts(numpy="np.vectorize(math.erfc)({0})", mpmath=_mp_erfc),
    "gaussian": Facts(numpy="np.exp(-{0}**2)", mpmath=lambda mp, x: mp.exp(-x * x)),
    "normal_density": Facts(numpy="np.exp(-{0}**2 / 2) / np.sqrt(2 * np.pi)", mpmath="npdf"),
    "normal_cdf": Facts(
        numpy="0.5 * np.vectorize(math.erfc)(-{0} / np.sqrt(2))",
        mpmath=lambda mp, x: _mp_erfc(mp, -x / mp.sqrt(2)) / 2),
    "gelu": Facts(
        numpy="0.5 * {0} * np.vectorize(math.erfc)(-{0} / np.sqrt(2))",
        mpmath=lambda mp, x: x * _mp_erfc(mp, -x / mp.sqrt(2)) / 2,
        scale=lambda x: accurate.normal_cdf(x)
        + abs(x) * max(accurate.normal_density(x), accurate.SMALLEST_NORMAL),
        gain=1.5),
    # what neurons do: with a kink at 0
    "relu": Facts(
        numpy="np.maximum({0}, 0.0)", kinks=lambda x: x,
        mpmath=lambda mp, x: x if x > 0 else 0 * x, gain=ROOT_TWO),
    "leaky_relu": Facts(
        numpy="np.where({0} > 0, {0}, {1} * {0})", kinks=lambda x, slope: x,
        mpmath=lambda mp, x, slope: x if x > 0 else slope * x, gain=ROOT_TWO),
    "elu": Facts(
        numpy="np.where({0} > 0, {0}, {1} * np.expm1(np.minimum({0}, 0.0)))",
        kinks=lambda x, alpha: x, mpmath=lambda mp, x, alpha: x if x > 0 else alpha * mp.expm1(x),
        gain=ROOT_TWO),
    "abs": Facts(kinks=lambda x: x, mpmath=lambda mp, x: x if x > 0 else -x),
    # choosing
    "at_least": Facts(
        numpy="np.maximum({0}, {1})", kinks=lambda x, bound: x - bound,
        mpmath=lambda mp, x, bound: max(x, bound)),
    "at_most": Facts(
        numpy="np.minimum({0}, {1})", kinks=lambda x, bound: x - bound,
        mpmath=lambda mp, x, bound: min(x, bound)),
    "where": Facts(
        kinks=lambda condition, a, b: condition,
        mpmath=lambda mp, condition, a, b: a if condition else b),
    "greater": Facts(
        numpy="np.where({0} > {1}, 1.0, 0.0)", kinks=lambda a, b: a - b,
        mpmath=lambda mp, a, b: mp.mpf(a > b)),
    "equal": Facts(
        numpy="np.where({0} == {1}, 1.0, 0.0)", kinks=lambda a, b: a - b,
        mpmath=lambda mp, a, b: mp.mpf(a == b)),
    "step": Facts(
        numpy="np.where({0} > 0, 1.0, 0.0)", kinks=lambda x: x,
        mpmath=lambda mp, x: mp.mpf(x > 0)),
    "sign": Facts(kinks=lambda x: x, mpmath="sign"),
    "floor": Facts(kinks=lambda x: math.sin(math.pi * math.fmod(x, 1.0)), mpmath="floor"),
    "round": Facts(
        numpy="np.rint({0} * 10.0**{1}) / 10.0**{1}",
        domain=(EVERYWHERE, (-15.0, 15.0)),  # with more digits the steps are finer than a float
        kinks=lambda x, digits: math.cos(math.pi * math.fmod(x * 10.0**digits, 1.0)),
        mpmath=lambda mp, x, digits: mp.nint(x * mp.mpf(10) ** int(digits))
        / mp.mpf(10) ** int(digits)),
    # any number of operands
    "largest": Facts(numpy="{all}.max(-1)", mpmath=lambda mp, *xs: max(xs), neutral=-math.inf),
    "smallest": Facts(numpy="{all}.min(-1)", mpmath=lambda mp, *xs: min(xs), neutral=math.inf),
    "logsumexp": Facts(
        numpy="{all}.max(-1) + np.log(np.exp({all} - {all}.max(-1, keepdims=True)).sum(-1))",
        mpmath=lambda mp, *xs: mp.log(mp.fsum(mp.exp(x) for x in xs)), neutral=-math.inf),
    "logaddexp": Facts(mpmath=lambda mp, a, b: mp.log(mp.exp(a) + mp.exp(b))),
    "pick": Facts(
        numpy="{rest}[{0}]",
        kinks=lambda index, *values: math.sin(math.pi * math.fmod(index, 1.0)),
        mpmath=lambda mp, i, *xs: sum(x for place, x in enumerate(xs) if place <= i < place + 1)),
}
"""The facts of each built-in row."""
