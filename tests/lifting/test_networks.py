"""Networks, lifted: the value and the gradient of the scalars, and whole array operations."""

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, Value  # noqa: E402
from micrograd_notes.engine.ops import cos, exp, logsumexp, relu, sigmoid, tanh  # noqa: E402
from micrograd_notes.lifting import lift  # noqa: E402
from micrograd_notes.nn import activation_names  # noqa: E402
from tests.lifting.eager import eager  # noqa: E402

GENERATOR = np.random.default_rng(0)


def close(program: Any, function: Callable[..., Any], parameters: list[Value], *data: Any) -> None:
    """Asserts that lifted and eager agree: see `running_error` for how closely."""
    value, gradient, error = eager(function, program.leaves(), *data)
    got, derivatives = program.value_and_grad(program.parameters(), *data)
    assert abs(got - value) <= error
    # a derivative is a sum of products with the partials, whose own errors its size bounds
    size = max(map(abs, gradient)) + error / 2.0**-53
    assert np.abs(derivatives - gradient).max() <= 1e-13 * max(size, 1e-3)


def is_whole(source: str) -> bool:
    """Returns whether nothing is gathered, scattered or summed by segment."""
    return not re.search(r"reduceat|\[:, K|\bK\d*\b|places", source)


@pytest.mark.parametrize("activation", activation_names())
def test_a_network_with_every_activation(activation: str) -> None:
    model = MLP(3, [4, 5, 2], activation=activation, seed=1)

    def loss(x: Any, y: Any) -> Any:
        return sum((a - b) * (a - b) for a, b in zip(model(x), y, strict=True))

    data = GENERATOR.normal(size=(6, 3)), GENERATOR.normal(size=(6, 2))
    program = lift(loss, model)
    close(program, loss, model.parameters(), *data)
    assert is_whole(program.source)
    assert program.source.count("@") >= 5


def test_the_moons() -> None:
    model = MLP(2, [16, 16, 1], seed=0)

    def loss(x: Any, y: Any) -> Any:
        return relu(1 - y * model(x))

    data = GENERATOR.normal(size=(20, 2)), GENERATOR.choice([-1.0, 1.0], 20)
    program = lift(loss, model)
    close(program, loss, model.parameters(), *data)
    assert "z1 = x @ W1 + b1  # (n, 16)\n" in program.source
    assert "hidden1 = np.maximum(z1, 0)  # (n, 16)\n" in program.source
    assert "dW1[...] = x.T @ dz1  # (2, 16)\n" in program.source
    assert "dz1 = (dz2 @ W2.T) * (z1 > 0)  # (n, 16)\n" in program.source


def test_cross_entropy_over_one_hot_targets() -> None:
    model = MLP(4, [5, 3], seed=0)

    def loss(x: Any, y: Any) -> Any:
        logits = model(x)
        return logsumexp(logits) - sum(a * b for a, b in zip(logits, y, strict=True))

    data = GENERATOR.normal(size=(7, 4)), np.eye(3)[GENERATOR.integers(0, 3, 7)]
    program = lift(loss, model)
    close(program, loss, model.parameters(), *data)
    assert is_whole(program.source)


def test_a_call_adds_to_the_gradients_of_the_model() -> None:
    model = MLP(2, [3, 1], seed=0)

    def loss(x: Any, y: Any) -> Any:
        return (model(x) - y) ** 2

    program = lift(loss, model)
    data = GENERATOR.normal(size=(5, 2)), GENERATOR.normal(size=5)
    value = program(*data)
    first = [p.grad for p in program.leaves()]
    assert program(*data) == value
    assert [p.grad for p in program.leaves()] == [2 * g for g in first]
    _, gradient = program.value_and_grad(program.parameters(), *data)
    assert gradient.tolist() == first


def test_layers_of_one_shape_have_arrays_of_their_own() -> None:
    model = MLP(3, [4, 4, 4], activation="tanh", seed=0)

    def loss(x: Any, y: Any) -> Any:
        return sum((a - b) ** 2 for a, b in zip(model(x), y, strict=True))

    data = GENERATOR.normal(size=(6, 3)), GENERATOR.normal(size=(6, 4))
    program = lift(loss, model)
    close(program, loss, model.parameters(), *data)
    assert "W1, b1, W2, b2, W3, b3 = unpack(theta)" in program.source


def test_the_vector_has_the_order_of_the_arrays() -> None:
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    table = [[a, c], [b, Value(4.0)]]
    parameters = [a, b, c, table[1][1]]

    def loss(x: Any, y: Any) -> Any:
        return sum((sum(w * v for w, v in zip(r, x, strict=True)) - y) ** 2 for r in table)

    data = GENERATOR.normal(size=(6, 2)), GENERATOR.normal(size=6)
    program = lift(loss, parameters=parameters)
    close(program, loss, parameters, *data)
    assert program.parameters().tolist() == [1.0, 3.0, 2.0, 4.0]
    assert [v.data for v in program.leaves()] == [1.0, 3.0, 2.0, 4.0]
    assert "table = theta[0:4].reshape(2, 2)" in program.source


def test_a_network_of_more_arrays_than_there_are_codes_of_operations() -> None:
    model = MLP(3, [2 + 7 * k % 5 for k in range(70)] + [1], activation="tanh", seed=0)
    program = lift(lambda x, y: (model(x) - y) ** 2, model)
    X = np.random.default_rng(0).uniform(-1, 1, (3, 3))
    assert len(program._arrays) > 128
    program.check(X, X[:, 0])


def test_the_compiler_does_not_recurse_deeper_for_a_longer_product() -> None:
    w, functions = [Value(0.3), Value(-0.2)], [tanh, sigmoid, exp, cos]

    def loss(x: Any) -> Any:
        product: Any = 1.0
        for k in range(60):
            inside = functions[k % 4](w[k % 2] * x[k % 3] + k / 60)
            product = product * (1 + 0.01 * functions[k * k // 7 % 4](inside * inside))
        return product

    program, X = lift(loss, parameters=w), np.full((2, 3), 0.5)
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(len(inspect.stack(0)) + 250)
        program.source_for(X)
    finally:
        sys.setrecursionlimit(before)
    program.check(X)
