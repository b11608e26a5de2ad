"""Laws of training: it is the loop one writes by hand, a seed decides it, it counts honestly."""

import logging
import math
import re
import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from micrograd_notes import Value
from micrograd_notes.nn import MLP, Module
from micrograd_notes.nn.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    mse_loss,
)
from micrograd_notes.train.data import Dataset, iris, moons, xor
from micrograd_notes.train.loop import History, accuracy, default_loss, evaluate, fit, predict
from micrograd_notes.train.optim import SGD, Adam


def small_net(seed: int = 0) -> MLP:
    return MLP(2, [4, 1], activation="tanh", seed=seed)


def numbers(model: Module) -> list[float]:
    return [parameter.data for parameter in model.parameters()]


class Line(Module):
    """A model that is no MLP: y = slope x + offset."""

    def __init__(self) -> None:
        self.slope, self.offset = Value(0.0), Value(0.0)

    def __call__(self, x: Sequence[float]) -> Value:
        return self.slope * x[0] + self.offset


# ---- the loop ------------------------------------------------------------------------------------


def test_a_full_batch_is_the_loop_that_one_writes_by_hand() -> None:
    data = moons(samples=20)
    by_fit, by_hand = small_net(), small_net()
    history = fit(
        by_fit,
        (data.inputs, data.signs()),
        loss=hinge_loss,
        optimizer=SGD(by_fit.parameters(), lr=0.5),
        epochs=5,
        batch_size=20,
        progress=False,
    )
    steps = SGD(by_hand.parameters(), lr=0.5)
    losses = []
    for _ in range(5):
        loss = hinge_loss([by_hand(row) for row in data.inputs], data.signs())
        losses.append(loss.data)
        steps.zero_grad()
        loss.backward()
        steps.step()
    # The batch is the same but for the order of its examples: sums of 20 terms round differently.
    rounding = 1000 * sys.float_info.epsilon
    assert history["loss"] == pytest.approx(losses, abs=rounding)
    assert numbers(by_fit) == pytest.approx(numbers(by_hand), abs=rounding)


@pytest.mark.parametrize(("batch_size", "sizes"), [(3, [3, 3, 3, 1]), (10, [10]), (99, [10])])
def test_an_epoch_shows_each_example_once(batch_size: int, sizes: list[int]) -> None:
    batches: list[list[float]] = []

    def loss(outputs: list[Any], targets: list[Any]) -> Any:
        batches.append(targets)
        return mse_loss(outputs, targets)

    targets = [float(i) for i in range(10, 20)]
    fit(Line(), ([[0.0]] * 10, targets), loss=loss, epochs=2, batch_size=batch_size, progress=False)
    first, second = batches[: len(sizes)], batches[len(sizes) :]
    assert [len(batch) for batch in first] == sizes
    for epoch in (first, second):
        assert sorted(target for batch in epoch for target in batch) == targets
    assert first != second, "each epoch has an order of its own"


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    def trained(seed: int) -> list[float]:
        model = small_net()
        fit(model, moons(samples=30), epochs=3, batch_size=7, seed=seed, progress=False)
        return numbers(model)

    assert trained(1) == trained(1)
    assert trained(1) != trained(2)


def test_training_leaves_the_data_and_the_global_generator_alone() -> None:
    import random

    data, before, state = xor(samples=12), xor(samples=12), random.getstate()
    fit(small_net(), data, validation=data, epochs=2, progress=False)
    assert data == before
    assert random.getstate() == state


def test_gradients_of_one_step_do_not_leak_into_the_next() -> None:
    model = Line()
    model.slope.grad = 1e6
    half = SGD(model.parameters(), lr=0.5)
    fit(model, ([[1.0]], [5.0]), loss=mse_loss, optimizer=half, epochs=1, progress=False)
    # error -5: the gradient of its square is -10 for the slope and for the offset
    assert numbers(model) == [5.0, 5.0]


def test_a_line_is_found() -> None:
    model = Line()
    inputs = [[x / 10] for x in range(-10, 11)]
    history = fit(
        model,
        (inputs, [3 * x - 1 for [x] in inputs]),
        optimizer=SGD(model.parameters(), lr=0.3),
        epochs=100,
        batch_size=5,
        progress=False,
    )
    # The error shrinks by a third or more in each of 400 steps: nothing is left but rounding.
    assert numbers(model) == pytest.approx([3, -1], abs=1e-12)
    assert history["loss"][0] > 1
    assert history["loss"][-1] < 1e-20


def test_it_learns_moons_and_says_so_of_points_it_has_not_seen() -> None:
    model = MLP(2, [8, 1], activation="tanh", seed=1)
    fit(model, moons(samples=100), epochs=30, batch_size=16, progress=False)
    # a straight line gets less than 0.9 of them
    assert accuracy(model, moons(samples=200, seed=9)) > 0.97


# ---- the history and the callback ----------------------------------------------------------------


def test_several_callbacks_are_called_in_order_and_any_one_may_end_training() -> None:
    called: list[tuple[str, int]] = []

    def first(epoch: int, logs: dict[str, Any]) -> bool:
        called.append(("first", epoch))
        logs["seen"] = epoch
        return epoch == 1

    def second(epoch: int, logs: dict[str, Any]) -> None:
        called.append(("second", logs["seen"]))

    history = fit(small_net(), xor(), epochs=5, callback=[first, second], progress=False)
    assert called == [("first", 0), ("second", 0), ("first", 1), ("second", 1)]
    assert history["seen"] == [0, 1]
    assert len(fit(small_net(), xor(), epochs=2, callback=(), progress=False)) == 2
    with pytest.raises(TypeError, match="or a list of them, got 'print'"):
        fit(small_net(), xor(), callback=[first, "print"], progress=False)  # type: ignore[list-item]


def test_the_history_counts_the_guesses_before_each_step() -> None:
    data = moons(samples=40)
    model = small_net()
    before = evaluate(model, data)
    history = fit(model, data, epochs=1, batch_size=40, validation=data, progress=False)
    [logs] = history.epochs
    # the same numbers summed in another order
    assert logs["loss"] == pytest.approx(before["loss"], rel=1e-14)
    assert logs["accuracy"] == before["accuracy"]
    after = evaluate(model, data)
    assert (logs["validation_loss"], logs["validation_accuracy"]) == tuple(after.values())
    assert logs["validation_loss"] < logs["loss"]
    assert logs["seconds"] > 0


def test_the_loss_of_an_epoch_weighs_each_example_the_same() -> None:
    model = Line()
    model.slope.requires_grad = model.offset.requires_grad = False
    # Something must need a gradient for the sweep; the example's loss is its target.
    anchor = Value(0.0)
    frozen = SGD([anchor], lr=0.0)
    history = fit(
        model,
        ([[0.0]] * 3, [6.0, 6.0, 0.0]),
        loss=lambda outputs, targets: anchor + sum(targets) / len(targets),
        optimizer=frozen,
        epochs=4,
        batch_size=2,
        progress=False,
    )
    assert history["loss"] == [4.0] * 4


def test_validation_data_is_never_learned_from() -> None:
    with_validation, without = small_net(), small_net()
    train, held_out = moons(samples=40).split()
    history = fit(with_validation, train, validation=held_out, epochs=3, progress=False)
    fit(without, train, epochs=3, progress=False)
    assert numbers(with_validation) == numbers(without)
    assert history["validation_loss"][-1] == evaluate(with_validation, held_out)["loss"]


def test_a_callback_sees_each_epoch_and_what_it_adds_is_kept() -> None:
    seen = []

    def keep_a_weight(epoch: int, logs: dict[str, Any]) -> None:
        seen.append(epoch)
        logs["weight"] = model.layers[0].neurons[0].w[0].data
        logs["gradient"] = model.layers[0].neurons[0].w[0].grad

    model = small_net()
    history = fit(model, xor(samples=12), epochs=4, callback=keep_a_weight, progress=False)
    assert seen == [0, 1, 2, 3]
    assert len(set(history["weight"])) == 4
    assert all(gradient != 0 for gradient in history["gradient"])
    assert list(history.epochs[0]) == ["loss", "accuracy", "seconds", "weight", "gradient"]


def test_a_callback_that_returns_true_ends_training() -> None:
    history = fit(
        small_net(),
        xor(samples=12),
        epochs=50,
        callback=lambda epoch, logs: epoch == 2,
        progress=False,
    )
    assert len(history) == 3
    on = fit(small_net(), xor(samples=12), epochs=3, callback=lambda *_: False, progress=False)
    assert len(on) == 3


def test_a_column_of_the_history() -> None:
    history = History([{"loss": 2.0}, {"loss": 1.0, "note": "better"}])
    assert history["loss"] == [2.0, 1.0]
    assert history["note"] == [None, "better"]
    with pytest.raises(KeyError, match="no epoch has the name 'lost'; choose from: loss, note"):
        history["lost"]


def test_each_epoch_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="micrograd_notes"):
        fit(small_net(), xor(samples=12), epochs=2, progress=False)
    assert [record.getMessage().split(", seconds")[0][:20] for record in caplog.records] == [
        "epoch 1 of 2: loss 0",
        "epoch 2 of 2: loss 0",
    ]


def test_it_is_silent_without_progress(capfd: pytest.CaptureFixture[str]) -> None:
    fit(small_net(), xor(samples=12), epochs=2, progress=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("watched", ["terminal", "notebook"])
def test_the_bar_shows_epochs_and_numbers(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, watched: str
) -> None:
    pytest.importorskip("tqdm")
    if watched == "terminal":
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    else:  # whose stream does not say that somebody watches
        shell = SimpleNamespace(get_ipython=object)
        monkeypatch.setitem(sys.modules, "IPython", shell)
    fit(small_net(), xor(samples=12), epochs=2)
    shown = capfd.readouterr().err
    assert "2/2" in shown
    assert "loss 0." in shown


@pytest.mark.parametrize(("epochs", "lines"), [(1, 1), (7, 7), (20, 20), (50, 17), (100, 20)])
def test_a_log_gets_lines_and_no_bar(
    capfd: pytest.CaptureFixture[str], epochs: int, lines: int
) -> None:
    pytest.importorskip("tqdm")
    fit(small_net(), xor(samples=4), epochs=epochs)
    shown = capfd.readouterr().err
    assert "\r" not in shown
    assert len(shown.splitlines()) == lines
    for line in shown.splitlines():
        assert re.match(rf"epoch \d+ of {epochs}: loss 0\.", line)


@pytest.mark.parametrize("place", [2, -3, 10**400, 2**63, True, 0.0, math.nan, None, ["loss"]])
def test_an_epoch_of_a_history_has_a_whole_number(place: Any) -> None:
    history = History([{"loss": 2.0}, {"loss": 1.5}])
    with pytest.raises((IndexError, ValueError), match=r"^name must be "):
        history[place]
    assert (history[-2], history[0:1]) == ({"loss": 2.0}, [{"loss": 2.0}])


def test_a_history_is_a_list_of_epochs_with_columns() -> None:
    logs = [{"loss": 2.0}, {"loss": 1.5, "extra": 7.0}, {"loss": 1.0}]
    history = History(logs)
    assert list(history) == logs
    assert [history[0], history[-1], history[1:]] == [logs[0], logs[-1], logs[1:]]
    assert [*reversed(history)] == logs[::-1]
    assert history["extra"] == [None, 7.0, None]
    assert ["loss" in history, "extra" in history, "los" in history] == [True, True, False]
    assert [logs[1] in history, {"loss": 9.0} in history, 1.5 in history] == [True, False, False]
    for first, last in zip(history, history["loss"], strict=True):
        assert first["loss"] == last
    with pytest.raises(IndexError):
        history[3]
    with pytest.raises(KeyError, match="no epoch has the name 'los'; choose from: loss, extra"):
        history["los"]
    assert list(History()) == []
    assert not History()


def test_without_tqdm_it_trains_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert len(fit(small_net(), xor(samples=12), epochs=2)) == 2
    assert capfd.readouterr() == ("", "")


# ---- reading a model -----------------------------------------------------------------------------


def test_predictions_by_hand() -> None:
    assert predict(lambda x: Value(x[0]), [[-0.1], [0.0], [0.1]]) == [0, 0, 1]
    assert predict(lambda x: [Value(number) for number in x], [[1.0, 3.0, 2.0]]) == [1]
    assert predict(lambda x: [Value(number) for number in x], [[2.0, 1.0, 2.0]]) == [0]


@pytest.mark.parametrize("targets", [[0, 0, 1, 1], [-1, -1, 1, 1]], ids=["0 and 1", "signs"])
def test_accuracy_of_one_output_knows_both_spellings_of_two_classes(targets: list[int]) -> None:
    def model(x: Sequence[float]) -> Value:
        return Value(x[0])

    assert accuracy(model, ([[-1.0], [2.0], [3.0], [4.0]], targets)) == 0.75


def test_accuracy_of_many_outputs_counts_the_largest() -> None:
    def model(x: Sequence[float]) -> list[Value]:
        return [Value(number) for number in x]

    assert accuracy(model, ([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]], [0, 1])) == 0.5


def test_accuracy_needs_labels() -> None:
    with pytest.raises(ValueError, match="to measure accuracy, targets in data must be labels"):
        accuracy(lambda x: Value(1.0), ([[1.0]], [2.5]))
    with pytest.raises(ValueError, match="to measure accuracy, targets in data must be labels"):
        accuracy(lambda x: Value(1.0), ([[1.0]] * 3, [-1, 0, 1]))
    assert evaluate(lambda x: Value(1.0), ([[1.0]], [2.5])) == {"loss": 2.25}


def test_reading_a_model_records_nothing_and_leaves_its_gradients() -> None:
    recorded = []

    def model(x: Sequence[float]) -> Value:
        recorded.append(bool((weight * x[0]).operands))
        return weight * x[0]

    weight = Value(2.0)
    weight.grad = 7.0
    data = ([[1.0], [2.0]], [0, 1])
    predict(model, data[0])
    accuracy(model, data)
    evaluate(model, data)
    evaluate(model, data, lambda outputs, targets: model([3.0]))
    default_loss(model, data)
    assert not any(recorded)
    assert weight.grad == 7.0


# ---- which loss ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "targets", "loss"),
    [
        (1, [0, 1], binary_cross_entropy_with_logits),
        (1, [0.0, 1.0], binary_cross_entropy_with_logits),
        (1, [-1, 1], hinge_loss),
        (1, [0.5, 2], mse_loss),
        (1, [-1.5, 0, 1], mse_loss),
        (1, [2, 2], mse_loss),
        (3, [0, 2], cross_entropy),
        (2, [[0.5, 1.0], [2.0, 1.0]], mse_loss),
    ],
)
def test_the_default_loss_suits_outputs_and_targets(
    outputs: int, targets: list[Any], loss: Callable[..., Any]
) -> None:
    model = MLP(2, [outputs], seed=0)
    data = ([[1.0, 2.0]] * len(targets), targets)
    assert default_loss(model, data) is loss
    assert math.isfinite(fit(model, data, epochs=1, progress=False)["loss"][0])


def test_labels_that_the_outputs_cannot_tell_apart_are_refused() -> None:
    three = Dataset("three", [[1.0, 2.0]] * 3, [0, 1, 2], ("x", "y"), ("a", "b", "c"))
    with pytest.raises(ValueError, match=r"3 classes, but a model with one output.*last layer 3"):
        fit(MLP(2, [1]), three, progress=False)
    with pytest.raises(ValueError, match=r"2 outputs.* must be labels from 0 to 1.*got 2"):
        fit(MLP(2, [2]), three, progress=False)


def test_three_classes_are_learned_with_three_outputs() -> None:
    pytest.importorskip("sklearn")
    train, held_out = iris().split()
    held_out, train = held_out.standardized(by=train), train.standardized()
    model = MLP(4, [3], seed=0)
    history = fit(model, train, epochs=15, batch_size=16, validation=held_out, progress=False)
    # A linear model gets all but a few of the 38 held out.
    assert history["validation_accuracy"][-1] > 0.9


# ---- refusals ------------------------------------------------------------------------------------


def test_data_that_does_not_fit_is_refused_before_anything_changes() -> None:
    model = small_net()
    before = numbers(model)
    data: Any
    for data, message in [
        (([[1.0, 2.0]], [0, 1]), "must have one target per example, got 1 inputs and 2 targets"),
        (([], []), "data must hold one or more examples"),
        (([[1.0, 2.0, 3.0]], [0]), "but the model takes 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(model, data, progress=False)
    with pytest.raises(TypeError, match=r"data must be a Dataset or \(inputs, targets\), got 7"):
        fit(model, 7, progress=False)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="validation must hold one or more examples"):
        fit(model, xor(samples=4), validation=([], []), progress=False)
    assert numbers(model) == before


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("count", [0, -1, 2.5, "all", None])
def test_counts_below_1_are_refused(name: str, count: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a whole number, .* got {count!r}"):
        fit(small_net(), xor(samples=4), progress=False, **{name: count})


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_before_the_step(bad: float) -> None:
    model = Line()
    model.slope.data = 1.0
    before = numbers(model)
    with pytest.raises(FloatingPointError, match=f"became {bad}.*smaller learning rate"):
        fit(model, ([[1.0]], [0.5]), loss=lambda y, _: y[0] * bad, progress=False)
    assert numbers(model) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": "mse"}, "loss must be a function of .outputs, targets.*got 'mse'"),
        ({"callback": 3}, "callback must be a function"),
        ({"optimizer": "adam"}, "optimizer must be one like Adam"),
        ({"optimizer": Adam}, "optimizer must be one like Adam"),
    ],
)
def test_names_in_place_of_functions_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        fit(MLP(2, [1]), xor(), progress=False, **options)


# ---- no step with a number that is not finite ----------------------------------------------------


class Steep(Module):
    """Its loss, its gradient or its next parameter is not finite, as it is asked."""

    def __init__(self, at_fault: str) -> None:
        self.a, self.b = Value(1.0 if at_fault == "parameter" else 0.0), Value(0.5)
        self.at_fault, self.is_good = at_fault, False

    def __call__(self, x: Sequence[float]) -> Value:
        good = self.a * 0.1 + self.b * x[0]
        if self.is_good:
            return good
        if self.at_fault == "loss":
            return good * 1e308 * 1e308
        if self.at_fault == "gradient":
            return good + (self.a * self.a).sqrt()
        return good + self.a * 1e150  # a finite gradient, and a step that is not


@pytest.mark.parametrize("lifted", [False, True])
@pytest.mark.parametrize("at_fault", ["loss", "gradient", "parameter"])
def test_before_a_step_that_is_not_finite_all_stays_as_it_was(at_fault: str, lifted: bool) -> None:
    model, good = Steep(at_fault), ([[1.0], [2.0]], [0.5, 1.5])
    steps = SGD(model.parameters(), lr=1e-3, momentum=0.9)
    model.is_good = True
    fit(model, good, loss=mse_loss, optimizer=steps, epochs=2, progress=False, lifted=lifted)
    model.is_good = False
    if at_fault == "gradient":
        model.a.data = 0.0
    if at_fault == "parameter":
        steps.lr = 1e200
    before = (numbers(model), [p.grad for p in model.parameters()], steps.state_dict())
    bad = ([[10.0]], [0.5])
    words = "the loss became" if at_fault == "loss" else "a became"
    with pytest.raises(FloatingPointError, match=words):
        fit(model, bad, loss=lambda o, t: o[0], optimizer=steps, epochs=1, progress=False,
            lifted=lifted)
    assert (numbers(model), steps.state_dict()) == (before[0], before[2])
    if not lifted:
        assert [p.grad for p in model.parameters()] == before[1]


def test_the_refusal_of_a_step_says_where_the_number_came_from() -> None:
    bad = ([[10.0]], [0.5])
    refusals = {
        "loss": r"(?s)the loss became inf.*multiply\(.*, 1e\+308\) is inf",
        "gradient": r"(?s)gradient of a became nan.*sqrt\(0\.0\) sends.*made at .*test_training",
    }
    for at_fault, words in refusals.items():
        with pytest.raises(FloatingPointError, match=words):
            fit(Steep(at_fault), bad, loss=lambda o, t: o[0], epochs=1, progress=False)


def test_a_step_that_is_interrupted_is_taken_back() -> None:
    class Interrupted(SGD):
        def _change(self, gradient: Any, memory: dict[str, Any]) -> Any:
            if len(self.seen) == 3:
                raise KeyboardInterrupt
            self.seen.append(gradient)
            return super()._change(gradient, memory)

        seen: ClassVar[list[Any]] = []

    model = small_net()
    steps = Interrupted(model.parameters(), lr=0.1, momentum=0.5)
    before = (numbers(model), steps.state_dict())
    with pytest.raises(KeyboardInterrupt):
        fit(model, xor(samples=12), optimizer=steps, progress=False)
    assert (numbers(model), steps.state_dict()) == before


# ---- whose parameters an optimiser has -----------------------------------------------------------


@pytest.mark.parametrize("lifted", [False, True])
def test_an_optimiser_may_have_some_of_the_parameters_and_those_of_the_loss(lifted: bool) -> None:
    model, scale = small_net(), Value(1.5, name="scale")
    before = numbers(model)
    steps = SGD([*model.layers[1].parameters(), scale], lr=0.1)
    loss: Any = lambda outputs, targets: scale * mse_loss(outputs, targets)  # noqa: E731
    fit(model, xor(samples=12), loss=loss, optimizer=steps, epochs=1, progress=False, lifted=lifted)
    after = numbers(model)
    assert after[:12] == before[:12]
    assert all(a != b for a, b in zip(after[12:], before[12:], strict=True))
    assert scale.data != 1.5


@pytest.mark.parametrize("lifted", [False, True])
def test_an_optimiser_that_is_older_than_a_weight_is_refused(lifted: bool) -> None:
    model = small_net()
    steps = SGD(model.parameters(), lr=0.1)
    model.layers[0].neurons[0].w[0] = Value(0.3)
    with pytest.raises(ValueError, match="1 of the 17 parameters of the optimizer are not"):
        fit(model, xor(samples=12), optimizer=steps, progress=False, lifted=lifted)


def test_a_weight_that_a_callback_replaces_is_noticed_in_the_next_epoch() -> None:
    model = small_net()

    def replace(epoch: int, logs: Any) -> None:
        model.layers[0].neurons[0].w[0] = Value(0.3)

    with pytest.raises(ValueError, match="are not the model's"):
        fit(model, xor(samples=12), callback=replace, progress=False)


# ---- what a callback returns ---------------------------------------------------------------------


@pytest.mark.parametrize("lifted", [False, True])
@pytest.mark.parametrize("answer", [True, np.True_, False, np.False_, None])
def test_a_callback_answers_whether_to_stop(answer: Any, lifted: bool) -> None:
    several: Any = [lambda *_: None, lambda *_: answer]
    history = fit(
        small_net(), xor(samples=12), epochs=3, callback=several, progress=False, lifted=lifted,
    )
    assert len(history) == (1 if answer else 3)


@pytest.mark.parametrize("answer", [1, 0, "stop", "", [], 0.0, np.float64(1.0), np.array(True)])
def test_any_other_answer_of_a_callback_is_refused_by_its_name(answer: Any) -> None:
    def early_stopping(epoch: int, logs: Any) -> Any:
        return answer

    with pytest.raises(TypeError, match=r"callback .*early_stopping returned .*Return True to"):
        fit(small_net(), xor(samples=12), callback=early_stopping, progress=False)
