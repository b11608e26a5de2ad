"""The emitted source in a file of its own, with NumPy alone, is right as the scalars are."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from micrograd_notes import MLP, Value  # noqa: E402
from micrograd_notes.engine.functions import pick  # noqa: E402
from micrograd_notes.engine.helper_ops import ieee_divide, where  # noqa: E402
from micrograd_notes.engine.op import operation  # noqa: E402
from micrograd_notes.engine.ops import (  # noqa: E402
    acos,
    acosh,
    asin,
    atan2,
    cbrt,
    exp,
    log,
    logsumexp,
    sqrt,
)
from micrograd_notes.lifting import lift  # noqa: E402
from micrograd_notes.lifting.guards.answers import answer_of  # noqa: E402
from micrograd_notes.train.data import digits  # noqa: E402

TRAINING = """

import sys

data = np.load("data.npz")
theta, order = data["theta"], np.random.default_rng(0)
for epoch in range(8):
    rows = order.permutation(len(data["X"]))
    for start in range(0, len(rows), 32):
        batch = rows[start : start + 32]
        loss, gradient = loss_and_gradient(theta, data["X"][batch], data["Y"][batch])
        theta -= 0.2 * gradient
W1, b1, W2, b2 = unpack(theta)
guesses = (np.maximum(data["held_out"] @ W1 + b1, 0) @ W2 + b2).argmax(1)
assert "micrograd_notes" not in sys.modules
print((guesses == data["labels"]).sum(), repr(loss))
"""


@pytest.mark.parametrize("kind", ["uint8", "int8", "int64", "float16", "float32"])
def test_it_calculates_in_floats_whatever_it_is_given(kind: str) -> None:
    """Images are bytes: 200 * 200 is 64 there. A loop keeps its states in an array like theta."""
    w = [Value(2.0), Value(1.0)]

    def loss(x: Any, label: Any) -> Any:
        state = w[0] * x[0] - x[1] * x[1]
        for pixel in x[2:]:
            state = (state * w[1] + pixel * pixel * 0.5) * 0.25
        return (state - pick(w, label)) ** 2

    x = np.array([[3, 100, 7, 120, 90, 11], [5, 2, 127, 1, 0, 101], [9, 8, 7, 6, 5, 4]])
    labels, theta = np.array([1, 0, 1]), np.array([2, 1])
    program = lift(loss, parameters=w)
    expected = program.value_and_grad(theta, x, labels)
    names: dict[str, Any] = {}
    exec(program.source, names)
    for given in (theta, theta.astype(kind)):
        value, gradient = names["loss_and_gradient"](given, x.astype(kind), labels)
        assert value == pytest.approx(expected[0], rel=1e-12)
        assert gradient == pytest.approx(expected[1], rel=1e-12)
    assert "range(" in program.source


def test_pasted_into_a_file_it_trains_digits_alike(tmp_path: Path) -> None:
    train, held_out = digits().split(0.25, seed=0)
    model = MLP(64, [32, 10], seed=0)

    def loss(x: list[object], label: object) -> object:
        logits = model(x)
        return logsumexp(logits) - pick(logits, label)

    program = lift(loss, model)
    X, Y = np.array(train.inputs), np.array(train.targets)
    source = program.source_for(X[:1], Y[:1])
    (tmp_path / "alone.py").write_text(source + TRAINING, encoding="utf-8")
    np.savez(tmp_path / "data.npz", X=X, Y=Y, theta=program.parameters(),
             held_out=np.array(held_out.inputs), labels=np.array(held_out.targets))
    printed = subprocess.run(
        [sys.executable, "-I", "alone.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()

    theta, order = program.parameters(), np.random.default_rng(0)
    for _ in range(8):
        rows = order.permutation(len(X))
        for start in range(0, len(rows), 32):
            batch = rows[start : start + 32]
            value, gradient = program.value_and_grad(theta, X[batch], Y[batch])
            theta -= 0.2 * gradient
    program.load(theta)
    guesses = lift(model)(np.array(held_out.inputs)).argmax(1)
    right = int((guesses == held_out.targets).sum())
    assert printed == [str(right), f"np.float64({value!r})"]  # the same bits
    assert right > 0.93 * len(held_out)


HALF = operation("half_power", lambda x: abs(x) ** 0.5, [lambda y, x: ieee_divide(0.5, y)])
w, v, p = Value(0.5), [Value(0.7), Value(-0.4)], Value(0.3)


def norm(x: Any) -> Any:
    return sqrt(sum(a * a for a in x))


# Losses that are finite at zeros, with slopes there that are infinite.
AT_POLES: dict[str, Callable[[Any], Any]] = {
    "a cosine of dead units": lambda x: v[0] * x[0] * x[1] / (norm(x) * norm(x[::-1]) + 1e-8),
    "a norm with a weight of 0": lambda x: x[0] * norm([v[0] * x[0], v[1] * x[1]]),
    "a power": lambda x: x[0] * ((v[0] * x[0]) ** 2) ** 0.25 + (v[1] * x[1]) ** 2,
    "a power to learn": lambda x: x[0] * (v[0] * v[0] * x[0] * x[0]) ** p,
    "a cube root": lambda x: x[0] * cbrt(v[0] * x[0] + v[1] * x[1]),
    "an angle": lambda x: (x[0] + x[1]) * atan2(v[0] * x[0], v[1] * x[1]),
    "an arc": lambda x: x[0] * asin(1 - v[0] * v[0] * x[0] * x[0]),
    "an arc of a cosine": lambda x: x[0] * acos(1 - v[0] * v[0] * x[0] * x[0]),
    "an area": lambda x: x[0] * acosh(1 + v[0] * v[0] * x[0] * x[0]),
    "a choice": lambda x: where(x[0] == 0, v[0], sqrt(v[0] * v[0] * x[0] * x[0])),
    "Adam": lambda x: v[0] - 0.1 * (w * x[0]) / (sqrt(0.1 * (w * x[0]) ** 2) + 1e-8),
    "your own operation": lambda x: x[0] * HALF(v[0] * x[0]),
    "pairs, each with itself": lambda x: sum(
        (i != j) * sqrt((w * x[i] - w * x[j]) ** 2) for i in range(2) for j in range(2)
    ),
}


@pytest.mark.parametrize("what", AT_POLES)
def test_the_source_alone_is_right_where_a_slope_is_infinite(what: str) -> None:
    loss, tried = AT_POLES[what], 0
    program = lift(loss, parameters=[w, *v, p], batch=False)
    theta, scope = program.parameters(), dict[str, Any]()
    exec(program.source_for([0.5, -0.25]), scope)
    for x in ([0.0, 0.0], [0.0, 0.5], [0.5, 0.0], [0.5, -0.5]):
        expected = answer_of(loss, program.leaves(), theta, [x])
        if math.isfinite(sum(map(abs, expected.gradient))):  # as it is where nothing flows to 0
            with np.errstate(all="ignore"):
                value, gradient = scope["loss_and_gradient"](theta, np.array(x))
            assert value == pytest.approx(expected.outputs[0], rel=1e-14)
            assert gradient == pytest.approx(expected.gradient, rel=1e-14), x
            tried += 1
    assert tried


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: w * x[0] / norm([v[0] * x[0], v[1] * x[1]]),  # the scalars raise at 0
        lambda x: w / (norm([v[0] * x[0], v[0]]) * norm([v[1] * x[1], v[1]])),
        lambda x: sqrt((w * x[0]) ** 2 + v[0] * v[0] + 0.01),
        lambda x: (w * x[0] + (exp(v[1] * x[1]) + 1e-5)) ** -0.5 + (w * x[0] - v[0]) ** 2,
        lambda x: log(norm([v[0] * x[0], v[1] * x[1]])),
    ],
)
def test_a_slope_that_is_finite_wherever_the_scalars_are_needs_no_guard(loss: Any) -> None:
    program = lift(loss, parameters=[w, *v], batch=False)
    assert "== 0" not in program.source_for([0.5, 0.25])
