"""Outputs on arrays equal those of the scalars; a model that cannot be lifted falls back."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from micrograd_notes.engine import AnomalyError, Value, detect_anomaly, operation
from micrograd_notes.nn import MLP, Module
from micrograd_notes.nn.losses import cross_entropy, mse_loss
from micrograd_notes.train import outputs
from micrograd_notes.train.data import Dataset, moons, spirals
from micrograd_notes.train.loop import accuracy, evaluate, predict, predict_proba
from micrograd_notes.train.outputs import FEW, FEW_TO_LIFT, outputs_on_arrays
from micrograd_notes.train.plain import activations_of, is_plain, leaves_of, vector_of
from micrograd_notes.train.wide import program_of

np = pytest.importorskip("numpy")

ACTIVATIONS = ["tanh", "sigmoid", "relu", "softplus", "silu", "gelu", "leaky_relu", "elu", "linear"]
SIZES = [[2, 1], [3, 1], [5, 7, 3], [4, 2, 9, 2], [1, 6, 2], [6, 1, 4], [2, 40, 1], [30, 12, 10]]


def inputs_of(width: int, count: int = FEW_TO_LIFT, seed: int = 0) -> list[list[float]]:
    draw = random.Random(seed).gauss
    return [[draw(0, 1) for _ in range(width)] for _ in range(count)]


def on_scalars(model: Any, inputs: Any) -> list[Any]:
    answers = [model(x) for x in inputs]
    return [y.data if isinstance(y, Value) else [v.data for v in y] for y in answers]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_plain_mlp_has_the_outputs_of_its_scalars(activation: str) -> None:
    for sizes in SIZES:
        model = MLP(sizes[0], sizes[1:], activation=activation, seed=1)
        x = inputs_of(sizes[0], FEW)
        found, expected = outputs_on_arrays(model, x), on_scalars(model, x)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def squares(outputs: Any, target: Any) -> Any:
    return mse_loss(outputs, target, "sum")


@pytest.mark.parametrize("sizes", SIZES)
def test_a_wide_program_has_the_gradient_of_the_scalars(sizes: list[int]) -> None:
    model = MLP(sizes[0], sizes[1:], activation="tanh", seed=1)
    x = inputs_of(sizes[0], 5)
    y = [0.5] * 5 if sizes[-1] == 1 else inputs_of(sizes[-1], 5, seed=1)
    activations = activations_of(model)
    assert activations is not None
    loss, gradient = program_of(tuple(sizes), activations, squares)(vector_of(model), x, y)
    total = sum(squares(model(a), b) for a, b in zip(x, y, strict=True)) / 5
    total.backward()
    assert math.isclose(loss, total.data, rel_tol=1e-12)
    expected = [parameter.grad for parameter in leaves_of(model)]
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-13)


def test_using_a_model_on_arrays_returns_what_the_scalars_return(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, three = MLP(2, [5, 1], activation="tanh", seed=0), MLP(2, [5, 3], seed=0)
    numbers = Dataset("q", moons(50).inputs, [0.5] * 50, ("x", "y"), task="regression")

    def all_of_them() -> list[Any]:
        return [
            predict(one, moons(50)), predict(three, spirals(60)), predict(one, numbers),
            accuracy(one, moons(50)), accuracy(three, spirals(60)),
            evaluate(one, moons(50)), evaluate(three, spirals(60)), evaluate(one, numbers),
            evaluate(three, spirals(60), loss=lambda o, t: cross_entropy(o, t, "sum")),
            predict_proba(one, moons(50)), predict_proba(three, spirals(60)),
        ]

    lifted = all_of_them()
    monkeypatch.setattr(outputs, "outputs_on_arrays", lambda model, inputs: None)
    for mine, expected in zip(lifted, all_of_them(), strict=True):
        if isinstance(expected, dict):
            assert mine.keys() == expected.keys()
            mine, expected = list(mine.values()), list(expected.values())
        np.testing.assert_allclose(mine, expected, rtol=1e-12, atol=1e-13)


def test_probabilities_by_hand() -> None:
    assert predict_proba(lambda x: [Value(x[0]), Value(x[0])], [[7.0]]) == [[0.5, 0.5]]
    [[no, yes]] = predict_proba(lambda x: Value(x[0]), [[math.log(3)]])
    assert (round(no, 12), round(yes, 12)) == (0.25, 0.75)
    with pytest.raises(ValueError, match="regression"):
        predict_proba(MLP(1, [1]), Dataset("q", [[1.0]], [0.5], ("x",), task="regression"))


# ---- your own models -----------------------------------------------------------------------------


class Own(Module):
    """A model around a function of itself and the inputs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.w, self.state = function, Value(0.5), 0.0
        self.generator = random.Random(0)

    def __call__(self, x: Any) -> Any:
        return self.function(self, x)


def remembers(self: Own, x: Any) -> Any:
    self.state = self.state * 0.5 + x[0].__float__() if isinstance(x[0], float) else x[0]
    return self.w * self.state


def runs_on(self: Own, x: Any) -> Any:
    self.state = (self.state * self.w + x[0]).tanh()
    return self.state


def counts(self: Own, x: Any) -> Any:
    self.state += 1
    return self.w * x[0] + self.state


STRANGE: dict[str, Callable[..., Any]] = {
    "a branch on an input": lambda self, x: self.w * x[0] if x[0] > 0.3 else self.w - x[1],
    "a branch on a type": lambda self, x: self.w * (x[0] if isinstance(x[0], float) else 7.0),
    "a number of its own": lambda self, x: self.w * float(x[0]),
    "a draw": lambda self, x: self.w * x[0] + self.generator.random(),
    "a state": runs_on,
    "a memory": remembers,
    "a count": counts,
    "a sort": lambda self, x: self.w * sorted(x)[0],
    "an error": lambda self, x: self.w / (x[0] - x[0]),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_cannot_be_lifted_falls_back_and_is_not_changed(name: str) -> None:
    x = inputs_of(2)
    model, twin = Own(STRANGE[name]), Own(STRANGE[name])
    try:
        expected = on_scalars(twin, x)
    except ArithmeticError as error:
        with pytest.raises(type(error)):
            predict(model, x)
        return
    assert predict(model, x, task="regression") == expected
    state = [m.state.data if isinstance(m.state, Value) else m.state for m in (model, twin)]
    assert state[0] == state[1]


def test_a_model_of_ones_own_is_lifted_once_there_are_enough_examples() -> None:
    model = Own(lambda self, x: (self.w * x[0] + x[1]).tanh())
    x = inputs_of(2)
    found = outputs_on_arrays(model, x)
    np.testing.assert_allclose(found, on_scalars(model, x), rtol=1e-12, atol=1e-13)
    assert outputs_on_arrays(model, x[:-1]) is None


def test_scalars_compute_where_arrays_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = MLP(2, [3, 1], seed=0), inputs_of(2, FEW)
    assert outputs_on_arrays(model, x) is not None
    assert outputs_on_arrays(model, x[:-1]) is None  # too few
    assert outputs_on_arrays(lambda row: model(row), x) is None  # not a Module
    assert outputs_on_arrays(model, [*x[:-1], [1.0]]) is None  # of another length
    assert outputs_on_arrays(model, [[Value(1.0), 2.0]] * FEW) is None  # not numbers
    monkeypatch.setattr(outputs, "find_spec", lambda name: None)
    assert outputs_on_arrays(model, x) is None  # no NumPy


def test_a_lookout_sees_every_operation() -> None:
    model = MLP(1, [1, 1], activation="tanh", seed=0)
    model.layers[0].neurons[0].w[0].data = 1e308  # inf, whose tanh is 1
    x = [[100.0]] * FEW
    assert predict(model, x) == [int(model([100.0]).data > 0)] * FEW
    with pytest.raises(AnomalyError), detect_anomaly():
        predict(model, x)


def test_an_output_that_is_not_finite_is_judged_by_the_scalars() -> None:
    model = MLP(1, [2, 1], activation="relu", seed=0)
    for neuron, sign in zip(model.layers[0].neurons, (1.0, -1.0), strict=True):
        neuron.w[0].data, neuron.b.data = 1e308, 0.0
        model.layers[1].neurons[0].w[int(sign < 0)].data = sign
    with pytest.raises(FloatingPointError, match="example 3 is nan"):
        predict(model, [[0.5]] * 3 + [[100.0]] + [[0.5]] * FEW)


def test_which_models_are_plain() -> None:
    class Double(MLP):
        def __call__(self, x: Any) -> Any:
            return super().__call__([2 * xi for xi in x])

    assert not is_plain(Double(2, [1]))
    assert activations_of(Double(2, [1])) is None
    mixed = MLP(2, [2, 1], activation="tanh", seed=0)
    mixed.layers[0].neurons[1].activation = None
    assert is_plain(mixed)
    assert activations_of(mixed) is None
    mine = operation("mine_of_outputs", lambda x: 2 * x, [lambda y, x: 2.0])
    assert activations_of(MLP(2, [2, 1], activation=mine)) is None  # its rule may change
    grown = MLP(2, [3, 1], activation="tanh", seed=0)
    grown.layers[0].neurons.append(grown.layers[0].neurons[0])
    assert activations_of(grown) is None
    changed = MLP(2, [3, 3], activation="tanh", seed=0)
    x = inputs_of(2, FEW)
    before = outputs_on_arrays(changed, x)
    changed.layers[1].neurons[2].b.data += 1.0
    after: Any = outputs_on_arrays(changed, x)
    np.testing.assert_allclose(np.subtract(after, before), [[0.0, 0.0, 1.0]] * FEW, atol=1e-12)
