"""A recorder sees everything and changes nothing; what it saw is a model again."""

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest

from micrograd_notes import MLP, Layer, Module, Value
from micrograd_notes.engine.ops import tanh
from micrograd_notes.nn import activation_names
from micrograd_notes.train.data import moons, xor
from micrograd_notes.train.loop import History, fit
from micrograd_notes.train.plain import is_plain
from micrograd_notes.train.recording import (
    KINDS,
    Recorder,
    Snapshot,
    in_plain_numbers,
    neuron_outputs,
    snapshots_of,
)

DATA = moons(samples=20)


def trained(epochs: int, every: int | None = 1) -> tuple[MLP, History]:
    model = MLP(2, [4, 3, 1], activation="tanh", seed=0)
    recorder = None if every is None else Recorder(model, DATA, every)
    return model, fit(model, DATA, epochs=epochs, callback=recorder, progress=False)


class Own(Module):
    """A learner's own module, with layers under names of their own and a parameter beside."""

    def __init__(self) -> None:
        self.first = Layer(2, 3, activation="tanh", seed=0)
        self.last = Layer(3, 2, nonlin=False, seed=1)
        self.scale = Value(2.0)

    def __call__(self, x: Any) -> Any:
        return [self.scale * y for y in self.last(self.first(x))]


# ---- it changes nothing --------------------------------------------------------------------------


def test_training_gives_the_same_numbers_with_and_without_a_recorder() -> None:
    random.seed(0)
    with_one, history = trained(3)
    state = random.getstate()
    random.seed(0)
    without, plain = trained(3, every=None)
    assert [p.data for p in with_one.parameters()] == [p.data for p in without.parameters()]
    assert [p.grad for p in with_one.parameters()] == [p.grad for p in without.parameters()]
    assert history["loss"] == plain["loss"]
    assert random.getstate() == state == random.getstate()


def test_looking_at_a_snapshot_leaves_the_model_alone() -> None:
    model, history = trained(2)
    before = [(p.data, p.grad) for p in model.parameters()]
    graph = model([1.0, 2.0])
    snapshot = history["snapshot"][0]
    for of in KINDS:
        snapshot.numbers(of)
    snapshot.function()([1.0, 2.0])
    assert [(p.data, p.grad) for p in model.parameters()] == before
    graph.backward()  # no leaf was changed since


def test_recording_asks_the_model_for_nothing() -> None:
    class Silent(MLP):
        def __call__(self, x: Any) -> Any:
            raise AssertionError("the model was asked")

    logs: dict[str, Any] = {}
    Recorder(Silent(2, [1]), DATA)(0, logs)
    assert isinstance(logs["snapshot"], Snapshot)


# ---- it notes what was ---------------------------------------------------------------------------


def test_a_snapshot_is_the_model_that_shorter_training_gives() -> None:
    _, history = trained(4)
    for epoch, snapshot in snapshots_of(history):
        shorter, _ = trained(epoch + 1, every=None)
        assert snapshot.model().state_dict() == shorter.state_dict()
        assert list(snapshot.gradients) == [p.grad for p in shorter.parameters()]
        assert snapshot.function()([0.5, 0.25]) == [shorter([0.5, 0.25]).data]


@pytest.mark.parametrize(
    ("every", "noted"),
    [(1, range(30)), (3, [0, 1, 2, 4, *range(3, 30, 3)]), (10, [0, 1, 2, 4, 7, 12, 10, 20])],
)
def test_every_so_many_epochs_are_noted_and_the_early_ones_more_densely(
    every: int, noted: Sequence[int]
) -> None:
    recorder, found = Recorder(MLP(2, [1], seed=0), DATA, every), []
    for epoch in range(30):
        logs: dict[str, Any] = {}
        recorder(epoch, logs)
        found += [epoch] * ("snapshot" in logs)
    assert found == sorted(noted)


def test_data_held_out_is_checked_as_the_data_is_and_kept_in_each_snapshot() -> None:
    model, logs = MLP(2, [1], seed=0), dict[str, Any]()
    Recorder(model, DATA, held_out=([[1.0, 2.0]], [1]))(0, logs)
    assert logs["snapshot"].held_out == (([1.0, 2.0],), (1,))
    with pytest.raises(ValueError, match="example 0 of the inputs has nan"):
        Recorder(model, DATA, held_out=([[math.nan, 2.0]], [1]))


def test_the_numbers_of_each_layer_are_those_of_its_parameters() -> None:
    model, history = trained(2)
    last = history["snapshot"][-1]
    for i, layer in enumerate(model.layers):
        parameters = layer.parameters()
        assert last.numbers("weights")[f"layers[{i}]"] == [p.data for p in parameters]
        assert last.numbers("gradients")[f"layers[{i}]"] == [p.grad for p in parameters]
    first = [neuron(x).data for x in DATA.inputs for neuron in model.layers[0].neurons]
    assert last.numbers("activations")["layers[0]"] == first


def test_a_parameter_without_a_gradient_has_none() -> None:
    model = MLP(2, [2, 1], seed=0)
    model.layers[1].neurons[0].b.grad = 0.5
    logs: dict[str, Any] = {}
    Recorder(model, DATA)(0, logs)
    assert logs["snapshot"].numbers("gradients") == {"layers[1]": [0.5]}


def test_a_module_of_the_learners_own_is_recorded_too() -> None:
    model = Own()
    data = (DATA.inputs, DATA.targets)
    history = fit(model, data, epochs=2, callback=Recorder(model, data), progress=False)
    last = history["snapshot"][-1]
    assert last.numbers("weights")["Own"] == [model.scale.data]
    hidden = last.numbers("activations")["first"]
    assert sorted(hidden) == sorted(y.data for x in DATA.inputs for y in model.first(x))
    assert last.function()([0.5, 0.25]) == [y.data for y in model([0.5, 0.25])]


# ---- in plain numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [*activation_names(), lambda x: tanh(x) * 2 + x])
def test_plain_numbers_are_those_of_the_model_to_the_last_bit(activation: Any) -> None:
    model = MLP(3, [5, 4, 2], activation=activation, seed=2)
    assert is_plain(model)
    signals_of = in_plain_numbers(model)
    generator = random.Random(0)
    for _ in range(20):
        x = [generator.uniform(-3, 3) for _ in range(3)]
        assert signals_of(x)[-1] == [y.data for y in model(x)]
        signals = [(f"layers[{i}]", y) for i, ys in enumerate(signals_of(x)) for y in ys]
        assert sorted(signals) == sorted(neuron_outputs(model, x))


def test_a_model_with_a_method_of_its_own_is_asked_itself() -> None:
    class Doubled(MLP):
        def __call__(self, x: Any) -> Any:
            return super().__call__(x) * 2

    model = Doubled(2, [3, 1], seed=0)
    logs: dict[str, Any] = {}
    Recorder(model, DATA)(0, logs)
    assert not is_plain(model)
    assert logs["snapshot"].function()([1.0, 2.0]) == [model([1.0, 2.0]).data]


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((lambda x: x, DATA), TypeError, "model must be a Module.*got <function"),
        ((MLP(2, [1]), [1.0, 2.0, 3.0]), TypeError, "a Dataset or"),
        ((MLP(2, [1]), DATA, 0), ValueError, "1 or more, got 0"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Recorder(*arguments)


def test_an_unknown_kind_is_refused() -> None:
    logs: dict[str, Any] = {}
    Recorder(MLP(2, [1]), xor())(0, logs)
    with pytest.raises(ValueError, match="of must be one of weights, gradients, activations"):
        logs["snapshot"].numbers("losses")
