"""Every smooth row, differentiated six times, against the Taylor series of its counterpart.

`grad` is taken of `grad`, so a partial that is right as a number and wrong as a graph shows here: a
rule that freezes, a product that is skipped. Beside each row f stands (f - f(x0))**2, whose adjoint
at x0 is 0 while its second derivative is not: an engine that skips what is multiplied by 0 finds no
second derivative there, and with it loses the Hessian of every least-squares fit that is perfect.
"""

import math
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings, strategies as st

from micrograd_notes.engine import Value, grad
from micrograd_notes.engine.functions import softmax
from micrograd_notes.engine.op import Op, built_in_rows
from micrograd_notes.engine.ops import logaddexp, logsumexp
from micrograd_notes.nn.losses import cross_entropy

mp = mpmath.mp
ORDER = 6
POINTS = (-1.25, -0.4, 0.0, 0.3, 0.75, 2.5)
OTHERS = {"power_less": (1.5, 3.5, 1.0)}  # the operands that stay, 1.5, 0.75, 1 by default
CHOOSING = ("largest", "smallest")  # smooth where nothing ties, and nothing but a sum of 1 and 0
# Each of six derivatives is a sum whose terms have a few roundings each: 16 ulp is what was found.
ULPS = 64

SMOOTH = [
    (op, index)
    for op in built_in_rows()
    if op.kinks is None and op.mpmath is not None and op.name not in CHOOSING
    for index in filter(op.is_differentiated, range(op.arity or 3))
]


def operands(op: Op, index: int, x: Any) -> list[Any]:
    numbers: list[Any] = list(OTHERS.get(op.name, (1.5, 0.75, 1.0))[: op.arity or 3])
    numbers[index] = x
    return numbers


def counterpart(op: Op, index: int, x: Any) -> Any:
    numbers = [mpmath.mpf(number) for number in operands(op, index, x)]
    if isinstance(op.mpmath, str):
        return getattr(mp, op.mpmath)(*numbers)
    assert op.mpmath is not None
    return op.mpmath(mp, *numbers)


def is_smooth_at(op: Op, index: int, x: float) -> bool:
    """Returns whether it has all its derivatives: inside the domain, and at no infinite slope."""
    low, high = op.domain[index] if op.domain else (-math.inf, math.inf)
    try:
        value = op.forward(*operands(op, index, x))
        partials = op.local_partials([index], value, operands(op, index, x))
    except (ArithmeticError, ValueError):
        return False
    is_power = op.name in ("power", "power_less")
    return low < x < high and all(map(math.isfinite, partials)) and not (is_power and x <= 0)


def derivatives(root: Value, x: Value) -> list[float]:
    """Returns the first six derivatives, each the gradient of the one before."""
    found = []
    for _ in range(ORDER):
        if root.requires_grad:
            (root,) = grad(root, [x])
        else:
            root = Value(0.0, requires_grad=False)
        found.append(root.data)
    return found


def hold(got: list[float], coefficients: list[Any], sizes: list[Any]) -> None:
    """Compares derivatives with a series; each size is what its coefficient is the sum of."""
    for k, derivative in enumerate(got, start=1):
        truth, size = (math.factorial(k) * c[k] for c in (coefficients, sizes))
        assert abs(derivative - truth) <= ULPS * 2**-52 * size, (k, derivative, float(truth))


@pytest.mark.parametrize(("op", "index"), SMOOTH, ids=lambda x: getattr(x, "name", str(x)))
def test_a_smooth_row_has_the_series_of_its_counterpart(op: Op, index: int) -> None:
    points = [x for x in POINTS if is_smooth_at(op, index, x)]
    assert points
    for at in points:
        with mp.workdps(60):
            series = mp.taylor(lambda t: counterpart(op, index, t), mpmath.mpf(at), ORDER)
            x = Value(at)
            y = op(*operands(op, index, x))
            hold(derivatives(y, x), series, [max(map(abs, series[: k + 1])) for k in range(7)])
            square = (y - y.data) ** 2
            hold(derivatives(square, x), squared([0, *series[1:]]), squared(list(map(abs, series))))


def squared(series: list[Any]) -> list[Any]:
    """Returns the square of a power series, to the same order."""
    return [sum(series[i] * series[k - i] for i in range(k + 1)) for k in range(len(series))]


def test_a_rule_that_freezes_is_right_once_and_wrong_twice() -> None:
    rule = lambda y, x: 2.0 * (x.data if isinstance(x, Value) else x) + 0.0 * x  # noqa: E731
    frozen = Op("frozen", lambda x: x * x, (rule,), "frozen", "{0}**2")
    x = Value(0.75)
    assert derivatives(frozen(x), x)[:2] == [1.5, 0.0]
    with pytest.raises(AssertionError):
        hold(derivatives(frozen(x), x), [0.5625, 1.5, 1.0, 0, 0, 0, 0], [1.0] * 7)


# ---- where one operand leads ---------------------------------------------------------------------

LEADS = st.floats(0.0, 690.0)  # beyond, the others are subnormal, which have fewer digits
# A derivative is a sum of products of shares. Each has a few roundings for each order and operand.
SHARES_ULPS = 64


def exact_derivatives(numbers: list[float], index: int, of: str) -> list[Any]:
    """Returns the first three derivatives in one operand, by shares p = 1 - q in 700 digits."""
    with mpmath.workdps(700):
        parts = [mp.exp(mpmath.mpf(x)) for x in numbers]
        total = mp.fsum(parts)
        p = parts[index] / total
        q = mp.fsum(part for i, part in enumerate(parts) if i != index) / total
        of_share = [p * q, p * q * (q - p), p * q * (q * q - 4 * p * q + p * p)]
        if of == "share":
            return of_share
        first = p if of == "log" else -q
        return [first, *of_share[:2]]


@settings(max_examples=100)
@given(st.lists(LEADS, min_size=2, max_size=5), st.data())
def test_derivatives_of_softmax_keep_their_digits_whatever_leads(
    numbers: list[float], data: st.DataObject
) -> None:
    """logsumexp, logaddexp and softmax to order 3; 1 - p has no digits left at a lead of 37."""
    index = data.draw(st.integers(0, len(numbers) - 1))
    ways: dict[str, Any] = {"log": logsumexp, "share": lambda *xs: softmax(*xs)[index]}
    if len(numbers) == 2:
        ways["log of two"] = logaddexp
        ways["loss"] = lambda *xs: cross_entropy(xs, index)
    for name, function in ways.items():
        xs = [Value(x) for x in numbers]
        root = function(*xs)
        for exact in exact_derivatives(numbers, index, name.split()[0]):
            (root,) = grad(root, [xs[index]])
            # p q is as large as the terms of each derivative from the second on. The loss has the
            # label's logit in each difference, whose own rounding counts, and a term for each.
            terms = range(len(numbers)) if name == "loss" else [index]
            sizes = [exact_derivatives(numbers, i, "share")[0] for i in terms]
            scale = max(abs(exact), 2.0**-1000) + sum(sizes)
            difference = max(1.0, max(numbers) - min(numbers)) if name == "loss" else 1.0
            assert abs(root.data - exact) <= SHARES_ULPS * difference * 2.0**-53 * scale, name


def test_the_lead_of_forty_that_other_engines_lose() -> None:
    a, b = Value(0.0), Value(40.0)
    expected = float(mp.exp(-40) / (1 + mp.exp(-40)) ** 2)
    for root in (logaddexp(a, b), logsumexp(a, b)):
        assert grad(grad(root, [b])[0], [b])[0].data == pytest.approx(expected, rel=4e-16, abs=0.0)
    share = softmax(a, b)[1]
    share.backward()
    assert b.grad == pytest.approx(expected, rel=4e-16, abs=0.0)


@settings(max_examples=50)
@given(st.lists(st.sampled_from([-math.inf, 0.0, 30.0]), min_size=1, max_size=4))
def test_operands_of_minus_infinity_get_the_gradient_0(numbers: list[float]) -> None:
    ways: list[Any] = [logsumexp, lambda *xs: softmax(*xs)[0], lambda *xs: softmax(*xs)[-1]]
    if len(numbers) == 2:
        ways.append(logaddexp)
    for function in ways:
        xs = [Value(x) for x in numbers]
        function(*xs).backward()
        for x in xs:
            first = grad(function(*xs), [x])[0]
            second = grad(first, [x])[0].data if first.requires_grad else 0.0
            assert math.isfinite(x.grad)
            assert x.grad == first.data
            assert math.isfinite(second)
            if x.data == -math.inf:
                assert (x.grad, second) == (0.0, 0.0)
