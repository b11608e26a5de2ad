"""Faults are planted, and the watcher names them; healthy training gives no warning."""

import copy
import pickle
import random
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes.engine import Value, ops
from micrograd_notes.engine.backward import tell_of_sweeps
from micrograd_notes.nn.losses import mse_loss
from micrograd_notes.nn.networks import MLP, Layer, Module, Neuron
from micrograd_notes.train.data import moons, xor
from micrograd_notes.train.loop import fit
from micrograd_notes.train.optim import SGD, Adam
from micrograd_notes.train.recording import Recorder, in_plain_numbers
from micrograd_notes.train.watching import TrainingWarning, Watcher

INPUTS = [[x / 4 - 1.0] for x in range(9)]
TARGETS = [3 * x - 1 for [x] in INPUTS]


def line() -> Neuron:
    return Neuron(1, nonlin=False, seed=0)


def loss_of(model: Any) -> Value:
    return mse_loss([model(x) for x in INPUTS], TARGETS)  # type: ignore[no-any-return]


# ---- gradients that are never zeroed -------------------------------------------------------------


def test_a_loop_that_forgets_to_zero_is_told_at_its_second_sweep() -> None:
    model = line()
    steps = SGD(model.parameters(), lr=0.01)
    watcher = Watcher(model, (INPUTS, TARGETS))
    loss_of(model).backward()
    steps.step()
    with pytest.warns(TrainingWarning, match=r"of w\[0\], b was added .*zero_grad") as seen:
        loss_of(model).backward()  # the line that is named
    assert Path(seen[0].filename).name == Path(__file__).name
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert source[seen[0].lineno - 1].endswith("# the line that is named")
    steps.step()
    loss_of(model).backward()  # it is said once: a second warning would be an error here
    assert watcher.dead_units() == []


def test_a_loop_that_zeroes_is_told_nothing() -> None:
    def by_hand(model: Any, steps: Any) -> None:
        for parameter in model.parameters():
            parameter.grad = 0.0

    ways: list[Any] = [
        lambda model, steps: model.zero_grad(),
        lambda model, steps: steps.zero_grad(),
        by_hand,
    ]
    for zero in ways:
        model = line()
        steps = Adam(model.parameters(), lr=0.1)
        watcher = Watcher(model, (INPUTS, TARGETS))
        for epoch in range(3):
            zero(model, steps)
            loss_of(model).backward()
            steps.step()
            watcher(epoch, {})


def test_gradients_of_several_batches_may_be_added_up_before_a_step() -> None:
    model = line()
    steps = SGD(model.parameters(), lr=0.01)
    watcher = Watcher(model, (INPUTS, TARGETS))
    for epoch in range(2):
        steps.zero_grad()
        for _ in range(3):
            loss_of(model).backward()
            watcher(epoch)
        steps.step()


def test_one_parameter_that_is_never_zeroed_is_found_among_many() -> None:
    """As when an optimiser is given some of the parameters, and the rest are stepped by hand."""
    model = MLP(1, [2, 1], activation="tanh", seed=0)
    forgotten = model.layers[0].neurons[1].b
    some = [p for p in model.parameters() if p is not forgotten]
    steps = SGD(some, lr=0.01)
    watcher = Watcher(model, (INPUTS, TARGETS))
    for sweep in range(2):
        steps.zero_grad()
        if sweep == 0:
            loss_of(model).backward()
        else:
            with pytest.warns(TrainingWarning, match=r"of layers\[0\].neurons\[1\].b was added"):
                loss_of(model).backward()
        steps.step()
        forgotten.data -= 0.01 * forgotten.grad
    assert watcher is not None


def test_fit_with_an_optimiser_that_zeroes_nothing() -> None:
    class Forgetful(SGD):
        def zero_grad(self) -> None:
            pass

    model = MLP(2, [4, 1], activation="tanh", seed=0)
    steps = Forgetful(model.parameters(), lr=0.001)
    with pytest.warns(TrainingWarning, match=r"neurons\[0\]\.b.*, and 12 more was added") as seen:
        fit(model, xor(), optimizer=steps, callback=Watcher(model, xor()), progress=False)
    assert len(seen) == 1


def test_a_gradient_from_before_the_watcher_is_not_judged() -> None:
    model = line()
    loss_of(model).backward()
    model.w[0].data = 1.0
    watcher = Watcher(model, (INPUTS, TARGETS))
    loss_of(model).backward()
    model.w[0].data = 2.0
    with pytest.warns(TrainingWarning, match=r"^the gradient of w\[0\] was added"):
        loss_of(model).backward()
    assert watcher is not None


def test_a_watcher_that_is_gone_sees_nothing_and_costs_nothing() -> None:
    from micrograd_notes.engine import backward as engine

    before = len(engine.witnesses)
    model = line()
    watcher = Watcher(model, (INPUTS, TARGETS))
    assert len(engine.witnesses) == before + 1
    del watcher
    assert len(engine.witnesses) == before
    for _ in range(2):
        loss_of(model).backward()
        model.w[0].data += 1.0


def test_a_witness_gets_each_leaf_with_the_gradient_it_had() -> None:
    class Witness:
        def swept(self, leaves: list[tuple[Value, float | None]]) -> None:
            seen.append([(leaf.name, before, leaf.grad) for leaf, before in leaves])

    seen: list[Any] = []
    witness = Witness()
    tell_of_sweeps(witness)
    x = Value(3.0, "x")
    (x * x).backward()
    (x * x).backward(2.0)
    assert seen == [[("x", None, 6.0)], [("x", 6.0, 18.0)]]
    with pytest.raises(RuntimeError):
        Value(1.0, requires_grad=False).backward()
    assert len(seen) == 2


# ---- units that cannot learn ---------------------------------------------------------------------


def planted(activation: Any, bias: float) -> MLP:
    model = MLP(2, [4, 3, 1], activation=activation, seed=4)
    model.layers[0].neurons[2].b.data = bias
    return model


@pytest.mark.parametrize("activation", ["relu", ops.relu])
def test_a_relu_that_is_never_above_zero_is_dead(activation: Any) -> None:
    data = moons(samples=40)
    model = planted(activation, bias=-50.0)
    watcher = Watcher(model, data)
    assert watcher.dead_units() == ["layers[0].neurons[2]"]
    assert watcher.saturated_units() == []
    words = r"layers\[0\].neurons\[2\]: dead, with slope 0 for every one of the 40 examples"
    with pytest.warns(TrainingWarning, match=words) as seen:
        fit(model, data, epochs=2, callback=watcher, progress=False)
    assert len(seen) == 1  # once for two epochs
    assert model.layers[0].neurons[2].b.data == -50.0


@pytest.mark.parametrize(
    ("activation", "bias"), [("tanh", 50.0), ("tanh", -30.0), ("sigmoid", 60.0), ("gelu", -8.0)]
)
def test_a_flat_unit_is_saturated(activation: str, bias: float) -> None:
    data = moons(samples=40)
    watcher = Watcher(planted(activation, bias), data)
    assert watcher.saturated_units() == ["layers[0].neurons[2]"]
    assert watcher.dead_units() == []
    with pytest.warns(TrainingWarning, match=r"layers\[0\].neurons\[2\]: saturated, with a slope"):
        watcher(0, {})
    watcher(1, {})


def test_one_example_is_enough_to_live_and_more_than_one_in_a_hundred_to_learn() -> None:
    """The unit fires for inputs above 0.985 only: for 1, or 2, or 3 of two hundred."""

    def inputs(firing: int) -> list[list[float]]:
        return [[1.0]] * firing + [[0.0]] * (200 - firing)

    neuron = Neuron(1, activation="relu")
    neuron.w[0].data, neuron.b.data = 1.0, -0.985
    layer = Layer(1, 1)
    layer.neurons = [neuron]
    verdicts = []
    for firing in range(4):
        watcher = Watcher(layer, (inputs(firing), [0.0] * 200))
        verdicts.append((watcher.dead_units(), watcher.saturated_units()))
    unit = ["neurons[0]"]
    assert verdicts == [(unit, []), ([], unit), ([], unit), ([], [])]


def test_the_slope_that_counts_as_flat() -> None:
    """tanh at 3.0 has 0.0099 of its steepest slope, and at 2.9 has 0.012."""
    neuron = Neuron(1, activation="tanh")
    neuron.w[0].data, neuron.b.data = 1.0, 0.0
    layer = Layer(1, 1)
    layer.neurons = [neuron]
    found = [Watcher(layer, ([[x], [-x]], [0, 0])).saturated_units() for x in (2.9, 3.0)]
    assert found == [[], ["neurons[0]"]]


def test_every_dead_unit_is_named_up_to_five() -> None:
    model = MLP(1, [8, 1], activation="relu", seed=0)
    for neuron in model.layers[0].neurons[:7]:
        neuron.w[0].data, neuron.b.data = 0.0, -1.0
    words = r"neurons\[3\], layers\[0\].neurons\[4\], and 2 more: dead"
    with pytest.warns(TrainingWarning, match=words):
        Watcher(model, (INPUTS, TARGETS))(0)


def test_a_unit_that_dies_later_is_named_then() -> None:
    model = planted("relu", bias=0.5)
    watcher = Watcher(model, moons(samples=20))
    watcher(0)
    model.layers[1].neurons[0].b.data = -1e6
    with pytest.warns(TrainingWarning, match=r"layers\[1\].neurons\[0\]: dead"):
        watcher(1)


class OfOnesOwn(Module):
    """Neurons in a dict, one used twice, and an activation that is no row."""

    def __init__(self) -> None:
        self.parts = {"left": Neuron(1, activation="relu", seed=0), "free": Neuron(1, nonlin=False)}
        self.bent = Neuron(1, activation=lambda x: x * 0.0, seed=2)

    def __call__(self, x: Sequence[float]) -> list[Value]:
        once = self.parts["left"](x)
        return [self.parts["left"]([once]), self.parts["free"](x), self.bent(x)]


def test_a_module_of_ones_own_is_watched_by_its_names() -> None:
    model = OfOnesOwn()
    assert Watcher(model, (INPUTS, TARGETS)).dead_units() == []
    model.parts["left"].b.data = -100.0
    assert Watcher(model, (INPUTS, TARGETS)).dead_units() == ["parts['left']"]


def test_a_step_has_no_slope_anywhere() -> None:
    model = MLP(1, [2, 1], activation="step", seed=0)
    found = Watcher(model, (INPUTS, TARGETS)).dead_units()
    assert found == ["layers[0].neurons[0]", "layers[0].neurons[1]"]


@pytest.mark.parametrize("activation", ["log", "sqrt"])
def test_an_activation_that_is_not_defined_everywhere(activation: str) -> None:
    layer = Layer(1, 1, activation=activation)
    layer.neurons[0].w[0].data, layer.neurons[0].b.data = 1.0, 2.0
    assert Watcher(layer, (INPUTS, TARGETS)).dead_units() == []


# ---- healthy training ----------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "leaky_relu", "gelu", "elu"])
def test_healthy_training_gives_no_warning(activation: str) -> None:
    data = moons(samples=60)
    for seed in range(3):
        model = MLP(2, [8, 1], activation=activation, seed=seed)
        fit(model, data, epochs=15, callback=Watcher(model, data), progress=False)


def test_of_many_relus_those_are_named_that_never_fire() -> None:
    """Some relus die in most trainings. Which ones, plain arithmetic says."""
    data = moons(samples=60)
    found = 0
    for seed in range(6):
        model = MLP(2, [8, 6, 1], activation="relu", seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingWarning)
            fit(model, data, epochs=5, callback=Watcher(model, data), progress=False)
        answers = [in_plain_numbers(model)(x) for x in data.inputs]
        silent = [
            f"layers[{i}].neurons[{j}]"
            for i, width in enumerate((8, 6))
            for j in range(width)
            if all(layers[i][j] == 0 for layers in answers)
        ]
        assert Watcher(model, data).dead_units() == silent
        found += len(silent)
    assert 0 < found < 6 * 14


def test_it_changes_nothing_of_the_training() -> None:
    data = moons(samples=30)
    watched, alone = (MLP(2, [4, 1], activation="tanh", seed=0) for _ in range(2))
    state = random.getstate()
    history = fit(
        watched,
        data,
        epochs=3,
        callback=[Recorder(watched, data), Watcher(watched, data)],
        progress=False,
    )
    fit(alone, data, epochs=3, progress=False)
    assert watched.state_dict() == alone.state_dict()
    assert [p.grad for p in watched.parameters()] == [p.grad for p in alone.parameters()]
    assert random.getstate() == state
    assert len(history["snapshot"]) == 3


def test_a_model_that_is_watched_is_copied_and_pickled_as_ever() -> None:
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    watcher = Watcher(model, xor())
    fit(model, xor(), epochs=1, callback=watcher, progress=False)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copied.state_dict() == model.state_dict()


def test_what_cannot_be_watched_is_refused() -> None:
    with pytest.raises(TypeError, match=r"model must be a Module.* got <function"):
        Watcher(lambda x: x, xor())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data must be a Dataset or"):
        Watcher(line(), 3)  # type: ignore[arg-type]


def test_a_warning_can_be_made_an_error_or_silenced() -> None:
    watcher = Watcher(planted("relu", bias=-50.0), xor())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        watcher(0)
    again = Watcher(planted("relu", bias=-50.0), xor())
    with pytest.raises(TrainingWarning):
        again(0)


# ---- parameters that never move ------------------------------------------------------------------


@pytest.mark.parametrize("lifted", [False, True])
def test_parameters_that_no_optimiser_has_are_named(lifted: bool) -> None:
    model = MLP(1, [2, 1], activation="tanh", seed=0)
    steps = SGD(model.layers[1].parameters(), lr=0.01)
    watcher = Watcher(model, (INPUTS, TARGETS))
    words = r"^layers\[0\].*neurons\[1\].b: not moved in this epoch"
    with pytest.warns(TrainingWarning, match=words) as seen:
        fit(model, (INPUTS, TARGETS), loss=mse_loss, optimizer=steps, epochs=3, callback=watcher,
            progress=False, lifted=lifted)
    assert len(seen) == 1


def test_a_parameter_that_is_not_used_is_named_and_a_frozen_one_is_not() -> None:
    model = OfOnesOwn()
    model.unused, model.frozen = Value(1.0), Value(2.0, requires_grad=False)  # type: ignore[attr-defined]
    watcher = Watcher(model, (INPUTS, TARGETS))
    loss: Any = lambda outputs, targets: mse_loss([y[1] for y in outputs], targets)  # noqa: E731
    with pytest.warns(TrainingWarning, match="unused: not moved in this epoch") as seen:
        fit(model, (INPUTS, TARGETS), loss=loss, callback=watcher, progress=False, epochs=1)
    names = str(seen[0].message).partition(":")[0].split(", ")
    assert "unused" in names
    assert "frozen" not in names
    assert not any("free" in name for name in names)


def test_a_loop_of_ones_own_with_the_optimiser_of_another_model_is_told() -> None:
    model, other = line(), line()
    steps = SGD(other.parameters(), lr=0.01)
    watcher = Watcher(model, (INPUTS, TARGETS))

    def one_epoch(epoch: int) -> None:
        model.zero_grad()
        loss_of(model).backward()
        steps.step()
        watcher(epoch)

    one_epoch(0)  # it may be that the first step is still to come
    with pytest.warns(TrainingWarning, match=r"w\[0\], b: not moved in this epoch"):
        one_epoch(1)


def test_a_weight_beside_an_input_that_is_always_0_is_no_news() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    data = ([[0.0, x] for [x] in INPUTS], TARGETS)
    fit(model, data, loss=mse_loss, callback=Watcher(model, data), progress=False, epochs=3)
