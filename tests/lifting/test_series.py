"""Plain numbers of a series are one array, whichever numbers they are.

The law: a program with 0, 1 and -1 among the numbers of a series has the lines of one with odd
numbers in their places. A rule that drops `1 * x` or `x - 0` in one of many places would break it.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("mpmath")

from micrograd_notes import lift, relu, sin, softmax, tanh  # noqa: E402
from micrograd_notes.nn.vectors import dot, linear  # noqa: E402
from tests.lifting.examples import certified, labels, numbers, values  # noqa: E402

Case = tuple[Callable[..., Any], Any, tuple[Any, ...]]
PLAIN = [1.0, 0.0, -1.0, 2.0, 0.5]
ODD = [1.3, 0.7, -1.1, 2.9, 0.6]


def weighted_sum(k: Sequence[float]) -> Case:
    w = values(0, 3)
    return (lambda xs: sum(c * tanh(dot(w, x)) for c, x in zip(k, xs, strict=True)), w,
            (numbers(0, 4, 5, 3),))


def divided(k: Sequence[float]) -> Case:
    w = values(0, 5, 3)
    by = [c or 4.0 for c in k]
    return (lambda x: sum(tanh(a / c) for c, a in zip(by, linear(x, w), strict=True)), w,
            (numbers(0, 4, 3),))


def knots(k: Sequence[float]) -> Case:
    w = values(0, 5)
    return (lambda x: sum(a * relu(x - c) for c, a in zip(k, w, strict=True)), w, (numbers(0, 4),))


def offsets(k: Sequence[float]) -> Case:
    w = values(0, 5, 3)
    return (lambda x: sum(tanh(a + c) for c, a in zip(k, linear(x, w), strict=True)), w,
            (numbers(0, 4, 3),))


def class_weights(k: Sequence[float]) -> Case:
    w = values(0, 5, 3)

    def loss(x: Any, label: Any) -> Any:
        pairs = zip(k, softmax(linear(x, w)), strict=True)
        return sum(c * (label == i) * share**2 for i, (c, share) in enumerate(pairs))

    return loss, w, (numbers(0, 4, 3), labels(1, 4, 5))


def graph(k: Sequence[float]) -> Case:
    """A graph convolution: row i of the matrix has the numbers from place i on."""
    w, rows = values(0, 2, 3), [[*k[i:], *k[:i]] for i in range(5)]

    def loss(xs: Any) -> Any:
        found = [linear(x, w) for x in xs]
        columns = [*zip(*found, strict=True)]
        return sum(tanh(dot(column, row)) for row in rows for column in columns)

    return loss, w, (numbers(0, 4, 5, 3),)


def biased_attention(k: Sequence[float]) -> Case:
    """Scores get a number by their distance, as with ALiBi."""
    q, v = values(0, 2, 2), values(1, 2)

    def loss(xs: Any) -> Any:
        total = 0.0
        for t, x in enumerate(xs):
            scores = [dot(linear(x, q), xs[u]) - k[(t - u + 1) % 5] for u in range(t + 1)]
            mixed = [dot(softmax(scores), [each[j] for each in xs[: t + 1]]) for j in range(2)]
            total = total + tanh(dot(v, mixed))
        return total

    return loss, {"q": q, "v": v}, (numbers(0, 3, 5, 2),)


CASES = [weighted_sum, divided, knots, offsets, class_weights, graph, biased_attention]


def lines_of(case: Case) -> list[str]:
    loss, parameters, data = case
    program = lift(loss, parameters=parameters)
    certified(program, *data)
    lines = program.source_for(*data).partition("def loss_and_gradient")[2].splitlines()
    return [re.sub(r"\b(K\d*|indices)\b", "K", line) for line in lines]


@pytest.mark.parametrize("make", CASES)
def test_0_and_1_in_a_series_are_numbers_like_all_others(make: Callable[..., Case]) -> None:
    assert lines_of(make(PLAIN)) == lines_of(make(ODD))


def test_powers_from_0_on_are_one_power() -> None:
    c = values(0, 6)
    loss = lambda x, y: (sum(a * x**k for k, a in enumerate(c)) - y) ** 2  # noqa: E731
    lines = lines_of((loss, c, (numbers(0, 5), numbers(1, 5))))
    assert "    power = x[:, None] ** K  # (n, 6)" in lines


@pytest.mark.parametrize("is_causal", [True, False])
def test_rotary_positions_are_tables_of_cos_and_sin(is_causal: bool) -> None:
    """Each number meets a cos and a sin; those of position 0 are 1 and 0."""
    length, width = 4, 4
    Q, K = values(0, width, width), values(1, width, width)

    def turned(x: Any, t: int) -> list[Any]:
        found = []
        for i in range(0, width, 2):
            c, s = math.cos(t / 10**i), math.sin(t / 10**i)
            found += [x[i] * c - x[i + 1] * s, x[i] * s + x[i + 1] * c]
        return found

    def loss(xs: Any) -> Any:
        queries = [turned(linear(x, Q), t) for t, x in enumerate(xs)]
        keys = [turned(linear(x, K), t) for t, x in enumerate(xs)]
        total = 0.0
        for t, q in enumerate(queries):
            seen = keys[: t + 1] if is_causal else keys
            total = total + sum(share**2 for share in softmax([dot(q, k) for k in seen]))
        return total

    lines = lines_of((loss, {"Q": Q, "K": K}, (numbers(0, 2, length, width),)))
    assert not [line for line in lines if "for t in" in line or "[:, K" in line or "mask" in line]


def test_a_number_that_is_alone_is_simplified() -> None:
    w = values(0, 3)
    lines = lines_of((lambda x: 1.0 * tanh(dot(w, x) - 0.0) ** 1, w, (numbers(0, 4, 3),)))
    assert not [line for line in lines if re.search(r"1 \*[^*]|- 0|\*\* 1\b", line)]


def test_what_is_computed_twice_is_computed_once() -> None:
    w = values(0, 5, 3)

    def loss(x: Any) -> Any:
        return sum(tanh(c * a) for _ in range(2) for c, a in zip(PLAIN, linear(x, w), strict=True))

    lines = lines_of((loss, w, (numbers(0, 4, 3),)))
    assert sum("np.tanh" in line for line in lines) == 1
    assert "(n, 10)" not in "".join(lines)


ROWS: dict[str, Callable[[float, Any, Any], Any]] = {
    "weight": lambda k, w, x: k * sin(w),
    "divisor": lambda k, w, x: sin(w) / k,
    "square": lambda k, w, x: k * w**2,
    "with data": lambda k, w, x: k * sin(w * x),
    "offset": lambda k, w, x: sin(w - k),
}


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("form", ROWS)
def test_a_number_per_row_may_be_inside_of_the_sum(form: str, size: int) -> None:
    """The product of such numbers and derivatives is the same along a row, which it fills."""
    W, k = values(0, size, size + 1), ODD[:size]

    def loss(x: Any) -> Any:
        rows = [sum(ROWS[form](c, w, a) for w, a in zip(row, x, strict=True))
                for c, row in zip(k, W, strict=True)]
        return sum(total * total for total in rows)

    program, data = lift(loss, parameters={"W": W}), numbers(0, 3, size + 1)
    certified(program, data)
    program.value_and_grad(program.parameters(), data)
