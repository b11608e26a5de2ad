"""Programs on a flat vector of parameters: outputs for any vector, and what a loss depends on."""

from collections.abc import Sequence
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, Value  # noqa: E402
from micrograd_notes.lifting import lift  # noqa: E402

X = np.array([[1.0, 2.0], [3.0, -1.0]])
Y = np.array([0.5, -0.5])


def test_outputs_are_those_of_the_vector_and_not_of_the_model() -> None:
    model, other = MLP(2, [3, 2], seed=0), MLP(2, [3, 2], seed=1)
    theta = lift(other).parameters()
    outputs = lift(model).outputs(theta, X)
    expected = [[output.data for output in other(row)] for row in X.tolist()]
    # a few products of numbers below 10
    assert np.abs(outputs - expected).max() <= 1e-14
    assert lift(model)(X).tolist() == lift(model).outputs(lift(model).parameters(), X).tolist()


def test_outputs_are_a_models_and_vectors_are_checked() -> None:
    model = MLP(2, [1], seed=0)
    with pytest.raises(TypeError, match="a loss instead of outputs"):
        lift(lambda x, y: model(x) - y, model).outputs(np.zeros(3), X)
    with pytest.raises(ValueError, match="a flat vector of 3 numbers"):
        lift(model).outputs(np.zeros(2), X)
    with pytest.raises(ValueError, match="theta must hold finite numbers, got a nan"):
        lift(model).outputs(np.full(3, np.nan), X)


def test_a_loss_reaches_the_parameters_that_it_depends_on_and_that_are_not_frozen() -> None:
    used, spare, frozen = Value(1.0), Value(2.0), Value(3.0, requires_grad=False)

    def loss(x: Sequence[Any], y: Any) -> Any:
        return (used * x[0] + frozen * x[1] - y) ** 2

    program = lift(loss, parameters=[used, spare, frozen])
    assert program.reaches(X, Y) == [True, False, False]
    _, gradient = program.value_and_grad(program.parameters(), X, Y)
    assert (gradient != 0).tolist() == [True, False, False]


def test_whole_numbers_that_choose_nothing_are_calculated_with_as_floats() -> None:
    w = Value(1.0)
    program = lift(lambda x, y: w * (x[0] * x[0] * x[0]) * y**-1, parameters=[w])
    # 27e27 overflows NumPy's whole numbers, which know no negative power either
    value, _ = program.value_and_grad(np.ones(1), [[3_000_000_000]], [2])
    assert value == pytest.approx(13.5e27, rel=1e-15)


@pytest.mark.parametrize("place", range(6))
def test_a_derivative_may_be_a_number_that_no_operation_made(place: int) -> None:
    """An input, another parameter or a constant, at any place of a longer array."""
    p, x = [Value(0.1 * k) for k in range(6)], np.arange(12.0).reshape(2, 6)
    forms: list[Any] = [
        lambda x: p[place] * x[place], lambda x: p[place] * p[0], lambda x: 3 * p[place] + 0 * x[0],
    ]
    for form in forms:
        program = lift(form, parameters=p)
        assert program.certify(x), program.certify(x)
        program.value_and_grad(program.parameters(), x)
