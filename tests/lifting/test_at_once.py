"""Weights that are made of parameters have one derivative, and not one for each example."""

import re
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes.engine.functions import softmax  # noqa: E402
from micrograd_notes.engine.ops import exp, log, logsumexp, tanh  # noqa: E402
from micrograd_notes.lifting import Lifted, lift  # noqa: E402
from micrograd_notes.nn.vectors import dot, linear  # noqa: E402
from tests.lifting.examples import certified, numbers, values  # noqa: E402
from tests.lifting.recurrences import RECURRENCES  # noqa: E402

V, S, OUT, IN = values(0, 4, 3), values(1, 4), values(2, 4, 2), values(3, 2, 3)
X, Y = numbers(0, 5, 3), numbers(1, 5, 4)


def squares(these: Any, those: Any) -> Any:
    return sum((a - b) ** 2 for a, b in zip(these, those, strict=True))


WEIGHTS = {
    "bounded": lambda: [[tanh(v) for v in row] for row in V],
    "positive": lambda: [[exp(v) for v in row] for row in V],
    "of two": lambda: [[tanh(v) * exp(s) for v in row] for row, s in zip(V, S, strict=True)],
    "shares": lambda: [softmax(row) for row in V],
    "of length 1": lambda: [[v / dot(row, row) ** 0.5 for v in row] for row in V],
    "of low rank": lambda: [[dot(a, b) for b in zip(*IN, strict=True)] for a in OUT],
    "squared": lambda: [[v * v for v in row] for row in V],
    "from an average": lambda: [[v - sum(row) / 3 for v in row] for row in V],
    "by a number": lambda: [[v / (1 + S[0] ** 2) for v in row] for row in V],
}
USES = {
    "a layer": lambda w, x, y: squares([tanh(a) for a in linear(x, w)], y),
    "there and back": lambda w, x, y: squares(linear(linear(x, w), [*zip(*w, strict=True)]), x),
    "with a decay": lambda w, x, y: squares(linear(x, w), y) + sum(dot(row, row) for row in w),
}


def program_of(weights: str, use: str, backend: str = "numpy") -> Lifted:
    given = {"V": V, "S": S, "out": OUT, "into": IN}
    return lift(
        lambda x, y: USES[use](WEIGHTS[weights](), x, y), parameters=given, backend=backend
    )


@pytest.mark.parametrize(
    ("weights", "use"),
    [
        pytest.param(weights, use, marks=[pytest.mark.long] if k % 3 and n % 3 else [])
        for k, weights in enumerate(WEIGHTS) for n, use in enumerate(USES)
    ],
)
def test_the_derivative_of_a_weight_has_the_shape_of_the_weight(weights: str, use: str) -> None:
    program = program_of(weights, use)
    certified(program, X, Y)
    source = program.source_for(X, Y)
    backward = source[source.index("# backward") :]
    assert not re.search(r"# \(n, \d, \d\)", backward), source
    assert "None, :" not in backward


@pytest.mark.parametrize("weights", WEIGHTS)
def test_it_is_the_same_in_c_and_in_batches_of_any_size(weights: str) -> None:
    for use in USES:
        slow, fast = program_of(weights, use), program_of(weights, use, "auto")
        for n in (1, 2, 65):
            data = numbers(n, n, 3), numbers(n + 1, n, 4)
            theta = slow.parameters()
            found, wanted = (each.value_and_grad(theta, *data) for each in (fast, slow))
            assert found[0] == pytest.approx(wanted[0], rel=1e-12)
            assert found[1] == pytest.approx(wanted[1], rel=1e-12, abs=1e-14 * n)


def test_a_share_of_a_mixture_has_one_derivative() -> None:
    def loss(x: Any, y: Any) -> Any:
        each = [log(share) - (mean - y[0]) ** 2 / 2
                for share, mean in zip(softmax(S), linear(x, V), strict=True)]
        return -logsumexp(*each)

    certified(lift(loss, parameters={"S": S, "V": V}), X, Y)


def test_what_all_examples_have_is_counted_once_for_each() -> None:
    """One term of dW has no number of an example, beside another one that has."""

    def loss(x: Any) -> Any:
        w = [tanh(v) for v in S]
        return dot(w[:3], x) ** 2 + w[0] * w[3] + 3 * w[1]

    certified(lift(loss, parameters={"S": S}), X)


def test_so_has_a_weight_of_a_recurrence() -> None:
    """The states of the backward loop are sums, too: those of W, and of a Kalman filter."""
    out = values(5, 3)

    def loss(xs: Any, y: Any) -> Any:
        w, h = [[tanh(v) for v in row] for row in V[:3]], [0.0] * 3  # type: Any, Any
        for x in xs:
            h = [tanh(dot(row, h) + x) for row in w]
        return (dot(out, h) - y) ** 2

    program, data = lift(loss, parameters={"V": V[:3], "out": out}), (X.repeat(3, axis=1), Y[:, 0])
    certified(program, *data)
    assert re.search(r"dw = dw \+ \w+\.T @ h\[t\]  # \(3, 3\)", program.source_for(*data))
    filtered, ys = RECURRENCES["kalman"](8)
    certified(filtered, *ys)
    assert "dgain = difference[t] @ dmean - " in filtered.source_for(*ys)


def test_weights_may_be_shared_and_be_as_many_as_holes() -> None:
    """Two places of w have one weight: their products had one place, and each had both."""
    c = [[0.0, 1.0, 2.0], [3.0, 0.0, -1.0], [1.0, 1.0, 0.0]]

    def loss(x: Any, y: Any) -> Any:
        w = [[a * tanh(v) for a, v in zip(row, V[0], strict=True)] for row in c]
        return squares(linear(x, w), y[:3])

    certified(lift(loss, parameters={"V": V[0]}), X, Y)
