"""Every row of the table against mathematics, and against the laws of a partial derivative.

The laws are tested over the whole table; the conventions at kinks and edges stand beside them as a
list that a reader can check by hand.
"""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import mpmath
import pytest

from micrograd_notes.engine import Value, functions, grad, helper_ops, ops
from micrograd_notes.engine.accurate import SMALLEST_NORMAL
from micrograd_notes.engine.facts import EVERYWHERE
from micrograd_notes.engine.messages import completed
from micrograd_notes.engine.op import TABLE, Op, built_in_rows, lookup, operation

inf, nan = math.inf, math.nan
mp = mpmath.mp
BUILT_IN = built_in_rows()
LARGEST = mpmath.mpf(1.7976931348623157e308)

every_row = pytest.mark.parametrize("op", BUILT_IN, ids=lambda op: op.name)


# ---- an oracle in any precision ------------------------------------------------------------------


def counterpart(op: Op, *operands: Any) -> Any:
    """Returns the row's value by mpmath, at its present precision."""
    if isinstance(op.mpmath, str):
        return getattr(mp, op.mpmath)(*operands)
    assert op.mpmath is not None
    return op.mpmath(mp, *operands)


def digits_for(operands: Sequence[float]) -> int:
    """Returns how many digits the oracle needs, for numbers of very different sizes side by side.

    400 digits see what is left of a derivative where a function is flat: erf's at 25 is 1e-272.
    """
    return 400 + int(3 * max(abs(math.log10(abs(x))) if x else 0.0 for x in operands))


def exact_partial(op: Op, index: int, operands: Sequence[float]) -> Any:
    """Returns the derivative by a central difference whose step is far below any float."""
    x = mpmath.mpf(operands[index])
    with mp.workdps(digits_for(operands)):
        step = mpmath.mpf(10) ** -60 * (min(abs(x), 1) if x else 1)
        above, below = ([mpmath.mpf(v) for v in operands] for _ in range(2))
        above[index] += step
        below[index] -= step
        return (counterpart(op, *above) - counterpart(op, *below)) / (2 * step)


def points(op: Op, count: int) -> Iterator[list[float]]:
    """Yields points in the row's domain: of every size, and close to its edges."""
    generator = random.Random(op.name)
    for _ in range(count):
        if op.name == "power_less":  # its last operand is a small whole number
            base, exponent = (_coordinate(EVERYWHERE, generator) for _ in range(2))
            yield [base, exponent, generator.choice([1.0, 2.0])]
            continue
        yield [
            _coordinate(op.domain[i] if i < len(op.domain) else EVERYWHERE, generator)
            for i in range(op.arity or 3)
        ]


def _coordinate(interval: tuple[float, float], generator: random.Random) -> float:
    low, high = interval
    sign = generator.choice([-1.0, 1.0])
    edges = [end for end in interval if math.isfinite(end)] or [0.0]
    while True:
        x = generator.choice(
            [
                sign * 10 ** generator.uniform(-8, 2.9),
                sign * 10 ** generator.uniform(-307, 307),
                generator.uniform(-3, 3),
                generator.choice(edges) + sign * 10 ** generator.uniform(-16, -1),
            ]
        )
        if low <= x <= high:
            return x


def defined(op: Op, operands: Sequence[float]) -> float | None:
    """Returns the row's value; None where it raises."""
    try:
        return float(op.forward(*operands))
    except (ArithmeticError, ValueError):
        return None


def terms_that_cancel(op: Op, operands: Sequence[float]) -> list[float]:
    """Returns what the rounding of a value is measured against, where not against the value."""
    if op.name in ("logaddexp", "logsumexp"):
        return list(operands)
    if op.name == "gelu":  # the product with a subnormal number
        return [operands[0] * SMALLEST_NORMAL]
    return []


def is_smooth(op: Op, operands: Sequence[float]) -> bool:
    """Returns whether the point is far enough from a kink for the oracle's tiny step."""
    return op.kinks is None or abs(op.kinks(*operands)) > 1e-40


# ---- the laws ------------------------------------------------------------------------------------


@every_row
def test_the_value_is_that_of_mathematics(op: Op) -> None:
    if op.mpmath is None:
        pytest.skip("the row names no counterpart: Python's own rounding has none in mpmath")
    checked = 0
    for operands in points(op, 60):
        value = defined(op, operands)
        if value is None or not math.isfinite(value):
            continue
        with mp.workdps(digits_for(operands)):
            truth = counterpart(op, *[mpmath.mpf(x) for x in operands])
            if isinstance(truth, mpmath.mpc):
                continue  # a negative base and an exponent too large for mpmath to call it whole
            # 4 ulp: what libm grants for the worst of its functions, and two roundings of our own.
            scale = max(map(abs, [float(truth), *terms_that_cancel(op, operands)]))
            assert abs(value - truth) <= 4 * math.ulp(scale), (operands, value, truth)
        checked += 1
    assert checked >= 15


@every_row
def test_each_partial_is_that_of_mathematics_to_its_stated_bound(op: Op) -> None:
    if op.mpmath is None:
        pytest.skip("the row names no counterpart")
    checked = 0
    for operands in points(op, 60):
        value = defined(op, operands)
        if value is None or not is_smooth(op, operands):
            continue
        for index in filter(op.is_differentiated, range(len(operands))):
            (partial,) = op.local_partials([index], value, operands)
            truth = exact_partial(op, index, operands)
            if isinstance(truth, mpmath.mpc):
                continue  # a negative base with an exponent that is not whole any more
            checked += 1
            if abs(truth) > LARGEST:
                assert math.isinf(partial), (index, operands)
                continue
            scale = max(abs(float(truth)), op.scale(*operands) if op.scale else 0.0)
            error = abs(partial - truth) / math.ulp(scale)
            assert error <= op.ulps, (index, operands, partial, float(truth), float(error))
    assert checked >= 15


@pytest.mark.parametrize(
    ("op", "x"),
    [(helper_ops.sech_squared, 2.4101715530594383), (helper_ops.sech_squared, -2.0563893234681094)],
    ids=lambda x: x.name if isinstance(x, Op) else str(x),
)
def test_a_bound_holds_at_the_worst_points_that_random_programs_found(op: Op, x: float) -> None:
    (partial,) = op.local_partials([0], op.forward(x), [x])
    truth = exact_partial(op, 0, [x])
    error = abs(partial - truth) / math.ulp(float(truth))
    assert 4.0 < error <= op.ulps  # three roundings in the value, and tanh and two products


SPECIAL = [
    *(0.0, 5e-324, 1e-310, 1e-200, 1e-16, 0.5, 1.0, 1.0 + 2**-52, 1.0 - 2**-53, 2.0, 3.0, 20.0),
    *(40.0, 355.0, 709.0, 709.78, 710.4758600739439, 1e8, 1e154, 1e200, 1.7e308, inf),
]
SPECIAL += [-x for x in SPECIAL] + [nan]


@every_row
def test_a_partial_never_raises_where_the_row_has_a_value(op: Op) -> None:
    few = [*SPECIAL[:3], 0.5, 1.0, 1e200, inf, -0.0, -5e-324, -1e-200, -1.0, -1e200, -inf, nan]
    arity = op.arity or 2
    reached = 0
    for operands in itertools.product(SPECIAL if arity < 3 else few, repeat=arity):
        value = defined(op, operands)
        if value is None:
            continue
        wanted = [i for i in range(arity) if op.is_differentiated(i)]
        for partial in op.local_partials(wanted, value, operands):
            assert isinstance(partial, float | int)
        reached += 1
    assert reached > 0


class Symbol:
    """A number of which nothing is known: it records, and refuses every question about itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> "Symbol":
        completed(op, operands)
        return Symbol(op.name)

    def _refuse(self, *_: Any) -> Any:
        raise AssertionError("a partial asked a symbol for its value: branch with `where`")

    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = __float__ = __int__ = __len__ = _refuse
    __eq__ = _refuse
    __hash__ = None  # type: ignore[assignment]


for _row in BUILT_IN:
    if _row.method:
        setattr(Symbol, f"__{_row.method}__", lambda *xs, _op=_row: Symbol._apply_(_op, xs))
        setattr(Symbol, f"__r{_row.method}__", lambda a, b, _op=_row: Symbol._apply_(_op, (b, a)))


def partials_on_symbols(op: Op) -> list[Any]:
    operands = [Symbol(name) for name in "abcd"[: op.arity or 4]]
    wanted = [i for i in range(len(operands)) if op.is_differentiated(i)]
    return op.local_partials(wanted, Symbol("y"), operands)


@every_row
def test_a_partial_asks_no_question_of_its_operands(op: Op) -> None:
    for partial in partials_on_symbols(op):
        assert isinstance(partial, Symbol | float | int)


def test_a_partial_that_branches_in_python_is_found() -> None:
    branching = Op("bad", abs, (lambda y, x: 1.0 if x > 0 else -1.0,), "bad", "np.abs({0})")
    with pytest.raises(AssertionError, match="branch with `where`"):
        partials_on_symbols(branching)


@every_row
def test_recorded_partials_have_the_same_numbers(op: Op) -> None:
    """The rule gives the same bits on floats and on `Value`s, so `grad` equals `backward`."""
    for operands in points(op, 20):
        if defined(op, operands) is None:
            continue
        values = [Value(x) for x in operands]
        result = op(*values)
        result.backward() if result.requires_grad else None
        for value, derivative in zip(values, grad(result, values), strict=True):
            assert same(derivative.data, value.grad), operands


def same(a: float, b: float) -> bool:
    """Returns whether two numbers are equal, a nan to a nan."""
    return a == b or (a != a and b != b)


def has_second_derivative(op: Op) -> bool:
    """Leaves out rows that jump, and those of arithmetic whose second derivatives are all 0."""
    return op.mpmath is not None and op.kinks is None and op.arity == 1


@pytest.mark.parametrize(
    "op", [op for op in BUILT_IN if has_second_derivative(op)], ids=lambda op: op.name
)
def test_second_derivatives_are_those_of_mathematics(op: Op) -> None:
    for x in (-2.5, -0.75, -1e-3, 1e-8, 1e-3, 0.3, 0.75, 1.0 + 1e-3, 2.5):
        low, high = op.domain[0] if op.domain else EVERYWHERE
        if not low < x < high:
            continue
        value = Value(x)
        (first,) = grad(op(value), value)
        (second,) = grad(first, value)
        with mp.workdps(60):
            truth = mp.diff(lambda t: counterpart(op, t), x, 2, h=mpmath.mpf(10) ** -18)
        # The second derivative may cancel: 64 ulp of it, or of the first if that is larger
        scale = max(abs(float(truth)), abs(first.data))
        assert abs(second.data - truth) <= 64 * math.ulp(scale), x


# ---- conventions at kinks and edges --------------------------------------------------------------


def gradients(function: Any, *numbers: float) -> list[float]:
    values = [Value(x) for x in numbers]
    function(*values).backward()
    return [value.grad for value in values]


CONVENTIONS: list[tuple[str, Any, list[float], list[float]]] = [
    ("relu at 0", ops.relu, [0.0], [0.0]),
    ("relu at nan", ops.relu, [nan], [nan]),
    ("abs at 0", ops.abs, [0.0], [0.0]),
    ("sign at 0", ops.sign, [0.0], [0.0]),
    ("floor at 1", ops.floor, [1.0], [0.0]),
    ("round at 1.5", ops.round, [1.5], [0.0]),
    ("step at 0", helper_ops.step, [0.0], [0.0]),
    ("maximum at a tie", functions.maximum, [2.0, 2.0], [0.5, 0.5]),
    ("minimum at a tie of three", functions.minimum, [2.0, 2.0, 2.0], [1 / 3] * 3),
    ("maximum with a number at a tie", lambda x: functions.maximum(x, 2.0), [2.0], [0.0]),
    ("number first", lambda x: functions.maximum(2.0, x), [2.0], [0.0]),
    ("one Value and two numbers", lambda x: functions.maximum(x, 0.0, 1.0), [1.0], [0.0]),
    ("a tie of Values above a number",
     lambda x, y: functions.maximum(x, 0.0, y), [2.0, 2.0], [0.5, 0.5]),
    ("a tie of Values and a number",
     lambda x, y: functions.minimum(x, 2.0, y), [2.0, 2.0], [0.0, 0.0]),
    ("clamp at its lower bound", lambda x: functions.clamp(x, 0.0, 1.0), [0.0], [0.0]),
    ("clamp at its upper bound", lambda x: functions.clamp(x, 0.0, 1.0), [1.0], [0.0]),
    ("clamp inside", lambda x: functions.clamp(x, 0.0, 1.0), [0.5], [1.0]),
    ("leaky_relu at 0", lambda x: ops.leaky_relu(x, 0.1), [0.0], [0.1]),
    ("leaky_relu at 0, steep", lambda x: ops.leaky_relu(x, 3.0), [0.0], [1.0]),
    ("leaky_relu at 0, falling", lambda x: ops.leaky_relu(x, -1.0), [0.0], [0.0]),
    ("elu at 0", lambda x: ops.elu(x, 0.5), [0.0], [0.5]),
    ("elu at 0, falling", lambda x: ops.elu(x, -0.5), [0.0], [0.0]),
    ("elu and its alpha", ops.elu, [-0.5, 2.0], [2.0 * math.exp(-0.5), math.expm1(-0.5)]),
    ("elu and its alpha above 0", ops.elu, [800.0, 2.0], [1.0, 0.0]),
    ("a branch taken", lambda c, a, b: helper_ops.where(c, a, b), [1.0, 5.0, 7.0], [0.0, 1.0, 0.0]),
    ("the other branch",
     lambda c, a, b: helper_ops.where(c, a, b), [0.0, 5.0, 7.0], [0.0, 0.0, 1.0]),
    ("x**(y-1) by y at x = 0", lambda y: helper_ops.power_less(0.0, y, 1.0), [3.0], [0.0]),
    ("elu at 0, steep", lambda x: ops.elu(x, 2.0), [0.0], [1.0]),
    ("sqrt at 0", ops.sqrt, [0.0], [inf]),
    ("cbrt at 0", ops.cbrt, [0.0], [inf]),
    ("cbrt at -8", ops.cbrt, [-8.0], [1 / 12]),
    ("x**0 at 0", lambda x: x**0, [0.0], [0.0]),
    ("x**1 at 0", lambda x: x**1, [0.0], [1.0]),
    ("x**0.5 at 0", lambda x: x**0.5, [0.0], [inf]),
    ("x**y at (0, 0)", ops.power, [0.0, 0.0], [0.0, 0.0]),
    ("x**y at (-2, 3)", ops.power, [-2.0, 3.0], [12.0, nan]),
    ("x/y of tiny numbers", ops.divide, [1e-200, 1e-200], [1e200, -1e200]),
    ("hypot at the origin", ops.hypot, [0.0, 0.0], [0.0, 0.0]),
    ("hypot of the smallest", ops.hypot, [5e-324, 5e-324], [math.sqrt(0.5)] * 2),
    ("atan2 at the origin", ops.atan2, [0.0, 0.0], [0.0, 0.0]),
    ("atan2 of tiny numbers", ops.atan2, [1e-200, 1e-200], [5e199, -5e199]),
    ("logsumexp far out", ops.logsumexp, [1000.0, 1000.0], [0.5, 0.5]),
    ("logaddexp far out", ops.logaddexp, [1000.0, 1000.0], [0.5, 0.5]),
    ("sigmoid at 40", ops.sigmoid, [40.0], [4.248354255291589e-18]),
    ("softplus at 21", ops.softplus, [21.0], [0.9999999992417439]),
    ("expm1 at -50", ops.expm1, [-50.0], [1.9287498479639178e-22]),
    ("relu(x) - relu(-x) at 0", lambda x: ops.relu(x) - ops.relu(-x), [0.0], [0.0]),
    ("sqrt(x) * 0 at 0", lambda x: ops.sqrt(x) * 0.0, [0.0], [0.0]),
    ("sqrt(x)**2 at 0", lambda x: ops.sqrt(x) ** 2, [0.0], [0.0]),
    ("a branch not taken", lambda x: helper_ops.where(x > 0, ops.sqrt(x), 0.0), [0.0], [0.0]),
]


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [row[1:] for row in CONVENTIONS],
    ids=[row[0] for row in CONVENTIONS],
)
def test_convention(function: Any, at: list[float], expected: list[float]) -> None:
    for got, wanted in zip(gradients(function, *at), expected, strict=True):
        # 4 ulp is the bound of the rows; the conventions themselves are exact numbers
        assert same(got, wanted) or abs(got - wanted) <= 4 * math.ulp(wanted)


def test_softmax_far_out_is_exact() -> None:
    assert functions.softmax([1000.0, 1000.0]) == [0.5, 0.5]


def test_a_partial_is_computed_only_if_it_is_wanted() -> None:
    """The exponent is a number, so log(-2) is never asked for; as a `Value` its gradient is nan."""
    assert gradients(lambda x: x**3, -2.0) == [12.0]


@pytest.mark.parametrize("op", [ops.asin, ops.atanh, ops.tanh, ops.atan, ops.sigmoid])
def test_second_derivatives_that_vanish_at_zero_keep_their_digits(op: Op) -> None:
    """(1-x)*(1+x) differentiated as a product leaves (1-x) - (1+x), which is 0 at 1e-17."""
    x = Value(1e-17)
    (first,) = grad(op(x), x)
    (second,) = grad(first, x)
    with mp.workdps(80):
        at, step = mpmath.mpf(1e-17), mpmath.mpf(10) ** -30
        truth = mp.diff(lambda t: counterpart(op, t), at, 2, h=step)
    assert abs(second.data - truth) <= 8 * math.ulp(float(truth))


def test_a_derivative_far_out_is_zero_and_not_nan() -> None:
    x = Value(9e307)
    assert grad(helper_ops.gaussian(x), x)[0].data == 0.0


@pytest.mark.parametrize("base", [1.8037436177288338e255, 3.3e-200, 7.0])
@pytest.mark.parametrize("exponent", [0.8591736410287191, -0.3, 0.1, 1.0 + 2**-40])
def test_powers_keep_their_digits_for_all_sizes(base: float, exponent: float) -> None:
    x = Value(base)
    (first,) = grad(x**exponent, x)
    (second,) = grad(first, x)
    if abs(second.data) < SMALLEST_NORMAL:
        return
    with mp.workdps(400):
        y = mpmath.mpf(exponent)
        truth = y * (y - 1) * mp.power(mpmath.mpf(base), y - 2)
    assert abs(second.data - truth) <= 6 * math.ulp(float(truth))


def test_powers_keep_their_digits_to_the_second_derivative() -> None:
    x = Value(2.3245523410158097e99)
    (first,) = grad(x**-2.2376913555981085e-05, x)
    (second,) = grad(first, x)
    with mp.workdps(400):
        y = mpmath.mpf(-2.2376913555981085e-05)
        truth = y * (y - 1) * mp.power(mpmath.mpf(x.data), y - 2)
    assert abs(second.data - truth) <= 6 * math.ulp(float(truth))


# ---- the facts that stand in a row ---------------------------------------------------------------


def test_the_gains_are_those_of_the_literature_and_three_that_were_measured() -> None:
    """sqrt 2 for half-waves (He and others, 2015), 5/3 for tanh as in PyTorch.

    PyTorch's gain for the sigmoid is 1, with which nothing makes up for its slope of 1/4.
    tests/nn/test_gains.py has the measurement.
    """
    gains = {op.name: op.gain for op in BUILT_IN if op.gain is not None}
    half_waves = ["softplus", "relu", "leaky_relu", "elu"]
    measured = {"sigmoid": 4.0, "silu": 1.55, "gelu": 1.5}
    assert gains == {"tanh": 5 / 3, **measured, **dict.fromkeys(half_waves, 2**0.5)}


KINKS: list[tuple[Op, list[list[float]], list[list[float]]]] = [
    # a row, where it has a kink or a jump, and where it has none
    *(
        (op, [[0.0]], [[1e-9], [-1e-9], [0.5], [-2.0]])
        for op in (ops.relu, ops.abs, helper_ops.step, ops.sign)
    ),
    (ops.leaky_relu, [[0.0, 0.1], [0.0, 3.0]], [[0.5, 0.1], [-0.5, 0.1]]),
    (ops.elu, [[0.0, 0.5], [0.0, 2.0]], [[0.5, 0.5], [-0.5, 0.5]]),
    *(
        (op, [[2.0, 2.0], [-3.0, -3.0], [0.0, 0.0]], [[1.0, 2.0], [2.0, 1.0], [0.0, 2.0]])
        for op in (helper_ops.at_least, helper_ops.at_most, helper_ops.greater, helper_ops.equal)
    ),
    (helper_ops.where, [[0.0, 1.0, 2.0]], [[1.0, 1.0, 2.0], [-1.0, 0.0, 0.0]]),
    (ops.floor, [[0.0], [1.0], [-3.0], [2.0]], [[0.5], [1.5], [-0.25]]),
    (
        ops.round,
        [[0.5, 0.0], [-1.5, 0.0], [0.25, 1.0], [15.0, -1.0]],
        [[1.0, 0.0], [0.25, 0.0], [0.5, 1.0], [0.2, 1.0], [20.0, -1.0]],
    ),
    (ops.pick_by, [[0.0, 5.0], [1.0, 5.0, 6.0]], [[0.5, 5.0], [1.25, 5.0, 6.0]]),
    (ops.hypot, [[0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0], [1e-300, 0.0]]),
    (helper_ops.direction, [[0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]),
    (
        ops.atan2,
        [[0.0, -1.0], [0.0, 0.0], [0.0, -0.5]],
        [[0.0, 1.0], [0.0, 0.5], [1.0, 1.0], [1.0, -1.0], [1.0, 0.0]],
    ),
]


@pytest.mark.parametrize(("op", "kinks", "smooth"), KINKS, ids=[op.name for op, *_ in KINKS])
def test_a_row_says_where_its_kinks_are(
    op: Op, kinks: list[list[float]], smooth: list[list[float]]
) -> None:
    assert op.kinks is not None
    for at in kinks:
        # of round it is a cosine, which is 6e-17 at half of a rounded pi
        assert abs(op.kinks(*at)) <= (2**-51 if op is ops.round else 0.0), at
    for at in smooth:
        assert abs(op.kinks(*at)) > 1e-10 * max(map(abs, at)), at
    if op.mpmath is not None:
        for at in kinks:
            assert op.forward(*at) == pytest.approx(float(counterpart(op, *map(mp.mpf, at)))), at


def test_every_row_with_kinks_is_in_the_list() -> None:
    assert {op.name for op in BUILT_IN if op.kinks} == {op.name for op, *_ in KINKS}


@pytest.mark.parametrize(
    "op", [op for op in BUILT_IN if op.domain and op.arity == 1], ids=lambda op: op.name
)
def test_a_row_has_a_value_inside_its_domain_and_none_outside(op: Op) -> None:
    for low, high in op.domain:
        for end, inward in ((low, 1.0), (high, -1.0)):
            if math.isinf(end):
                continue
            inside = defined(op, [end + inward * 0.125])
            outside = defined(op, [end - inward * 1e-9])
            assert inside is not None
            assert math.isfinite(inside)
            assert outside is None or math.isnan(outside)


@pytest.mark.parametrize("x", [-30.0, -2.0, -0.5, 0.25, 1.0, 6.0])
def test_the_scale_of_a_row_is_the_sum_of_the_magnitudes_of_its_terms(x: float) -> None:
    """d/dx x s(x) = s(x) + x s'(x), and of gelu likewise with the normal distribution."""
    s, cdf, density = 1 / (1 + mp.exp(-x)), mp.ncdf(x), mp.npdf(x)
    assert ops.silu.scale is not None
    assert ops.gelu.scale is not None
    # a few roundings
    assert ops.silu.scale(x) == pytest.approx(float(s + abs(x) * s * (1 - s)), rel=1e-14)
    assert ops.gelu.scale(x) == pytest.approx(float(cdf + abs(x) * density), rel=1e-14)
    far = abs(ops.gelu.scale(-50.0))
    assert far == 50.0 * SMALLEST_NORMAL  # a density of 0 is wrong by up to the smallest normal


@pytest.mark.parametrize(
    ("op", "at"),
    [
        (helper_ops.direction, (-520.9517925586252, 0.0026732799998728063)),
        (helper_ops.sech_squared, (-1.2883031818263975,)),
    ],
)
def test_a_bound_above_the_usual_is_needed_and_is_not_far_off(op: Op, at: Sequence[float]) -> None:
    (partial,) = op.local_partials([0], op(*at), at)
    truth = exact_partial(op, 0, at)
    error = float(abs(partial - truth) / math.ulp(float(truth)))
    assert max(4.0, op.ulps - 1.5) < error <= op.ulps
    unusual = {op.name: op.ulps for op in BUILT_IN if op.ulps != 4.0}
    assert unusual == {"direction": 6.0, "sech_squared": 6.0}


def test_the_operands_that_may_be_left_out() -> None:
    assert (ops.leaky_relu(-1.0), ops.leaky_relu(2.0)) == (-0.01, 2.0)
    assert ops.elu(-1.0) == math.expm1(-1.0)
    assert (ops.round(0.126), ops.round(1.5)) == (0.0, 2.0)


def test_zero_belongs_to_the_left_side_of_a_bent_line() -> None:
    """Only a falling left side shows it: -0.5 * 0.0 is the negative zero."""
    for op in (ops.leaky_relu, ops.elu):
        assert math.copysign(1.0, op(0.0, -0.5)) == -1.0
        assert math.copysign(1.0, op(0.0, 0.5)) == 1.0


def test_the_larger_of_what_is_given() -> None:
    for operands in [([1.0, 2.0], 3.0), (3.0, [1.0, 2.0])]:
        with pytest.raises(TypeError):
            functions.maximum(*operands)
    x, y = Value(1.0), Value(2.0)
    assert functions.maximum(x, 2.0).operands[0] is x  # one node, and no other on the way
    assert functions.maximum([x, y]).operands == (x, y)
    assert [functions.maximum(3.0), functions.minimum([3.0])] == [3.0, 3.0]
    assert (helper_ops.equal(2.0, 2.0), helper_ops.equal(2.0, 1.0)) == (1.0, 0.0)
    assert (helper_ops.greater(2.0, 1.0), helper_ops.greater(2.0, 2.0)) == (1.0, 0.0)


# ---- where Python raises, we raise ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "at", "kind", "words"),
    [
        (ops.log, -1.0, ValueError, r"log\(x=-1.0\).*takes numbers above 0$"),
        (ops.log, 0.0, ValueError, r"log\(x=0.0\).*above 0"),
        (ops.asin, 2.0, ValueError, "from -1 and up to 1"),
        (ops.atanh, 1.0, ValueError, "above -1 and below 1"),
        (ops.sqrt, -1.0, ValueError, r"sqrt\(x=-1.0\)"),
        (lambda x: x**-1, 0.0, ZeroDivisionError, r"power\(x=0.0, -1.0\)"),
        (lambda x: 1 / x, 0.0, ZeroDivisionError, r"divide\(1.0, x=0.0\).*that is not 0"),
        (lambda x: x**2.5, -2.0, ValueError, "negative base with a fractional exponent"),
        (ops.exp, 1000.0, OverflowError, r"exp\(x=1000.0\).*larger than the largest float"),
        (lambda x: x**2, 1e200, OverflowError, r"power\(x=1e\+200, 2.0\)"),
        (ops.acosh, 0.5, ValueError, r"acosh\(x=0.5\).*takes numbers from 1$"),
    ],
)
def test_an_error_names_operation_number_and_node(
    function: Any, at: float, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        function(Value(at, name="x"))


def test_plain_numbers_get_the_same_message() -> None:
    with pytest.raises(ValueError, match=r"log\(-1.0\): .*above 0"):
        ops.log(-1.0)
    for nonsense in ("x", [1.0], None, 1j):
        with pytest.raises(TypeError, match=r"add\(\) takes numbers and Values, got"):
            ops.add(nonsense, 1.0)


def test_a_product_overflows_to_infinity_as_in_python() -> None:
    assert (Value(1e200) * 1e200).data == inf


# ---- the table as a thing ------------------------------------------------------------------------


def test_a_new_row_is_a_function_and_a_method_and_differentiates() -> None:
    softsign = operation(
        "softsign_of_a_test",
        lambda x: x / (1 + abs(x)),
        [lambda y, x: 1 / (1 + abs(x)) ** 2],
    )
    x = Value(0.75)
    y = x.softsign_of_a_test()  # type: ignore[attr-defined]
    assert y.op is softsign
    assert softsign(0.75) == y.data
    (first,) = grad(y, x)
    (second,) = grad(first, x)
    assert first.data == pytest.approx(1 / 1.75**2, rel=1e-15)  # a few roundings
    assert second.data == pytest.approx(-2 / 1.75**3, rel=1e-15)


def test_pick_takes_a_value_or_a_row_by_a_number_or_by_a_value() -> None:
    rows = [[1.0, 2.0], [3.0, 4.0]]
    assert [functions.pick([5.0, 6.0], i) for i in (0, 1)] == [5.0, 6.0]
    assert functions.pick(rows, 0) == [1.0, 2.0]
    assert [x.data for x in functions.pick(rows, Value(1.0, requires_grad=False))] == [3.0, 4.0]
    assert functions.pick([5.0, 6.0], Value(0.0, requires_grad=False)).data == 5.0
    for outside in (-1, 2):
        with pytest.raises(IndexError, match=f"got index {outside} for 2 values"):
            functions.pick([5.0, 6.0], outside)


@every_row
def test_every_row_is_the_method_of_its_name(op: Op) -> None:
    """`log` and `ieee_log` share a spelling in NumPy, and only one of them may be `x.log()`."""
    if op.is_helper:
        assert not hasattr(Value, op.name)
        return
    numbers = [1.0 if op.name == "acosh" else 0.5] * (op.arity or 2)
    assert getattr(Value, op.name)(*map(Value, numbers)).op is op


def test_a_row_of_ones_own_is_replaced_when_its_cell_runs_again() -> None:
    operation("mine", lambda x: x, [lambda y, x: 1.0], numpy="np.its_ufunc({0})")
    again = operation("mine", lambda x: 2 * x, [lambda y, x: 2.0], numpy="np.its_ufunc({0})")
    assert lookup("mine") is again
    assert Value(1.0).mine().data == 2.0  # type: ignore[attr-defined]
    assert Value(1.0).its_ufunc().data == 2.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (("tanh", math.tanh, [lambda y, x: 1.0]), ValueError, "built-in"),
        (("backward", math.tanh, [lambda y, x: 1.0]), ValueError, "already"),
        (("__round__", math.tanh, [1.0]), ValueError, "already"),
        (("not a name", math.tanh, [lambda y, x: 1.0]), ValueError, "identifier"),
        (("my_op", math.tanh, []), TypeError, "one partial for each operand"),
        (("my_op", 3.0, [lambda y, x: 1.0]), TypeError, r"forward must be a function of \(x\)"),
        (("my_op", math.tanh, [lambda x: 1.0]), TypeError, r"\(result, x\), got one of \(x\)"),
        (("my_op", lambda a, b: a, [lambda y, a: 1.0]), TypeError, r"function of \(x\)"),
    ],
)
def test_a_row_that_cannot_work_is_refused(
    arguments: Any, kind: type[Exception], words: str
) -> None:
    before = dict(TABLE)
    with pytest.raises(kind, match=words):
        operation(*arguments)
    assert before == TABLE


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"domain": (0.0, inf)}, r"a tuple of intervals, .* got \(0.0, inf\)"),
        ({"domain": ((2.0, 1.0),)}, "a tuple of intervals"),
        ({"mpmath": lambda x: x}, r"mpmath must be a function of \(mp, x\), got one of \(x\)"),
        ({"mpmath": 3}, r"mpmath must be a function of \(mp, x\), got 3"),
        ({"kinks": lambda: 0.0}, r"kinks must be a function of \(x\)"),
        ({"scale": lambda x, y: 1.0}, r"scale must be a function of \(x\)"),
    ],
)
def test_facts_that_cannot_be_true_are_refused(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        operation("my_op", math.tanh, [1.0], **facts)


def test_a_rule_for_any_number_of_operands_gives_one_partial_each() -> None:
    for count in (1, 3):
        given = operation("my_sum", lambda *xs: sum(xs), lambda y, *xs, n=count: [1.0] * n)
        with pytest.raises(TypeError, match=f"got {count} numbers for 2 operands"):
            given(Value(1.0), Value(2.0)).backward()


def test_an_operator_of_python_is_not_taken_over() -> None:
    with pytest.raises(ValueError, match="'__add__' already"):
        operation("my_add", lambda a, b: a + b + 100, [1.0, 1.0], method="add")
    operation("my_data", lambda x: x, [1.0], numpy="np.data({0})")
    assert (Value(1.0) + Value(1.0)).data == 2.0


def test_the_wrong_number_of_operands_is_refused() -> None:
    with pytest.raises(TypeError, match="where\\(\\) takes 3 operands, got 2"):
        helper_ops.where(1.0, 2.0)
    with pytest.raises(TypeError, match="leaky_relu\\(\\) takes 1 to 2 operands, got 3"):
        ops.leaky_relu(1.0, 2.0, 3.0)
    with pytest.raises(TypeError, match="logsumexp\\(\\) got no operand"):
        ops.logsumexp()
    with pytest.raises(TypeError, match="maximum\\(\\) got no operand"):
        functions.maximum([])


@every_row
def test_the_numpy_spelling_has_the_same_values(op: Op) -> None:
    np = pytest.importorskip("numpy")
    rows = [xs for xs in points(op, 40) if defined(op, xs) not in (None, inf, -inf)]
    rows = [xs for xs in rows if all(1e-3 < abs(x) < 1e3 for x in xs)]
    if op.name == "round":  # the digits are a whole number
        rows = [[x, float(int(digits))] for x, digits in rows]
    names = [f"x{i}" for i in range(len(rows[0]))]
    source = op.numpy.format(*names, all="everything" if op.arity is None else ", ".join(names),
                             rest="rest")

    def evaluated(columns: Sequence[Any], **operands: Any) -> Any:
        given = dict(zip(names, columns, strict=False))
        return eval(source, {"np": np, "math": math, **operands, **given})

    with np.errstate(all="ignore"):
        if op.arity is None:  # an index is a whole number there
            got = [evaluated([int(xs[0])], everything=np.array(xs), rest=xs[1:]) for xs in rows]
        else:
            got = evaluated([np.array(column) for column in zip(*rows, strict=True)])
    for value, xs in zip(got, rows, strict=True):
        # the plain spelling may lose digits that the row keeps; a wrong formula loses all of them
        assert value == pytest.approx(op.forward(*xs), rel=1e-9, abs=1e-12, nan_ok=True), xs
