"""Faults are planted and `diagnose` finds them, two at once too; healthy runs raise no alarm."""

import json
import logging
import math
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import (
    MLP,
    SGD,
    Adam,
    CannotLift,
    Dataset,
    History,
    Watcher,
    accuracy,
    diagnose,
    evaluate,
    fit,
    mse_loss,
)
from micrograd_notes.engine.ops import softplus
from micrograd_notes.train.data import circles, iris, moons, spirals, xor
from micrograd_notes.train.diagnosis import CHAPTERS, FAULTS

pytest.importorskip("numpy")  # the runs are lifted


def faults(*args: Any, **options: Any) -> list[str]:
    return [finding.fault for finding in diagnose(*args, **options)]


def trained(model: Any, data: Any, optimizer: Any, **options: Any) -> History:
    options = {"epochs": 12, "progress": False} | options  # on scalars: these are small
    return fit(model, data, optimizer=optimizer(model.parameters()), **options)


def adam(lr: float = 0.05) -> Callable[[Any], Any]:
    return lambda parameters: Adam(parameters, lr=lr)


def sgd(lr: float) -> Callable[[Any], Any]:
    return lambda parameters: SGD(parameters, lr=lr)


# ---- planted -------------------------------------------------------------------------------------

DEAD, SATURATED = "dead units", "saturated units"
HIGH, LOW = "a learning rate that is too high", "a learning rate that is too low"
VANISH, EXPLODE = "gradients that vanish", "gradients that explode"
LABELS, SCALE = "labels that do not match the loss", "data that are not scaled"
CHANCE, RISES = "a loss at the level of chance", "a held-out loss that rises"
SUMS = "gradients that are never zeroed"


def with_biases(bias: float, activation: str, seed: int) -> MLP:
    model = MLP(2, [8, 1], activation=activation, seed=seed)
    for neuron in model.layers[0].neurons:
        neuron.b.data = bias
    return model


def scaled_up(factor: float, depth: int, seed: int) -> MLP:
    model = MLP(2, [5] * depth + [1], activation="relu", seed=seed)
    for parameter in model.parameters():
        parameter.data *= factor
    return model


def shuffled(seed: int) -> Dataset:
    data = moons(100)
    targets = random.Random(seed).sample(data.targets, len(data))
    return Dataset("shuffled", data.inputs, targets, ("x", "y"), ("a", "b"))


def times(factor: float, data: Dataset) -> Dataset:
    rows = [[factor * x for x in row] for row in data.inputs]
    return Dataset("large", rows, data.targets, data.feature_names, data.class_names)


def mlp(seed: int, *widths: int, activation: str = "tanh", nin: int = 2) -> MLP:
    return MLP(nin, widths, activation=activation, seed=seed)


def ones_and_zeros_as_signs(outputs: Any, targets: Any) -> Any:
    return sum((1 - t * o).relu() for o, t in zip(outputs, targets, strict=True)) / len(outputs)


def signs_as_ones_and_zeros(outputs: Any, targets: Any) -> Any:
    pairs = zip(outputs, targets, strict=True)
    return sum(t * softplus(-o) + (1 - t) * softplus(o) for o, t in pairs) / len(outputs)


IRIS = iris().shuffled().select(range(30))
SIGNS = (moons(40).inputs, moons(40).signs())
FROM_1 = (moons(40).inputs, [target + 1 for target in moons(40).targets])
PRICES = Dataset("prices", [[x / 40] for x in range(80)],
    [150.0 + 60 * math.sin(x / 9) for x in range(80)], ("x",), task="regression")

# for each planted fault the model of a seed, the data, the optimiser, and options of fit
def flat(seed: int) -> MLP:
    """Eight layers of sigmoids whose weights do not make up for their slope of 1/4 or less."""
    model = mlp(seed, *[3] * 8, 1, activation="sigmoid")
    for parameter in model.parameters():
        parameter.data /= 4
    return model


PLANTED: list[tuple[str, Callable[[int], MLP], Any, Any, dict[str, Any]]] = [
    (DEAD, lambda seed: with_biases(-50.0, "relu", seed), moons(40), adam(), {}),
    (SATURATED, lambda seed: with_biases(9.0, "tanh", seed), moons(40), adam(0.01), {}),
    (VANISH, lambda seed: flat(seed), moons(40), adam(0.01), {}),
    (EXPLODE, lambda seed: scaled_up(20.0, 4, seed), moons(20), adam(1e-4), {}),
    (EXPLODE, lambda seed: scaled_up(30.0, 3, seed), circles(40), sgd(1e-12), {}),
    (HIGH, lambda seed: mlp(seed, 6, 6, 1), moons(40), sgd(5.0), {}),
    (HIGH, lambda seed: mlp(seed, 6, 6, 1), moons(40), adam(3.0), {}),
    (HIGH, lambda seed: mlp(seed, 8, 8, 3, nin=4), IRIS, adam(3.0), {}),
    (LOW, lambda seed: mlp(seed, 6, 6, 1), moons(40), sgd(1e-3), {}),
    (LOW, lambda seed: mlp(seed, 8, 3, nin=4), IRIS, adam(1e-4), {}),
    (LOW, lambda seed: mlp(seed, 8, 1, activation="relu"), circles(40), adam(1e-5), {}),
    (SCALE, lambda seed: mlp(seed, 8, 1), times(100.0, moons(40)), adam(), {}),
    (SCALE, lambda seed: mlp(seed, 8, 1), times(1e-3, moons(40)), adam(), {}),
    (SCALE, lambda seed: mlp(seed, 8, 1, nin=1), PRICES, adam(), {}),
    (LABELS, lambda seed: mlp(seed, 8, 1), moons(40), adam(), {"loss": ones_and_zeros_as_signs}),
    (LABELS, lambda seed: mlp(seed, 8, 1), SIGNS, adam(), {"loss": signs_as_ones_and_zeros}),
    (LABELS, lambda seed: mlp(seed, 8, 1), moons(40), adam(), {"loss": mse_loss}),
    (LABELS, lambda seed: mlp(seed, 8, 1, nin=4), IRIS, adam(), {"loss": mse_loss}),
    (LABELS, lambda seed: mlp(seed, 8, 1), FROM_1, adam(), {"loss": mse_loss}),
    (CHANCE, lambda seed: mlp(seed, 8, 1), shuffled(0), adam(0.01), {}),
    (RISES, lambda seed: mlp(seed, 20, 1, activation="relu"), moons(16, noise=0.7), adam(0.1),
     {"validation": moons(24, noise=0.7, seed=9), "epochs": 25, "batch_size": 8}),
]


def found_in(planted: Any, seed: int) -> list[str]:
    _, model_of, data, optimizer, options = planted
    model = model_of(seed)
    history = trained(model, data, optimizer, **options)
    return faults(model, data, history, loss=options.get("loss"))


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted[0])
def test_a_planted_fault_is_found(planted: Any) -> None:
    assert planted[0] in found_in(planted, seed=0)


@pytest.mark.long
@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted[0])
def test_a_planted_fault_is_found_with_other_seeds(planted: Any) -> None:
    missed = [seed for seed in range(1, 6) if planted[0] not in found_in(planted, seed)]
    assert not missed


def test_gradients_that_add_up_are_found_with_a_watcher() -> None:
    model, data = mlp(0, 4, 1), moons(20)
    steps, watcher = SGD(model.parameters(), lr=0.01), Watcher(model, data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            mse_loss([model(x) for x, _ in data], data.signs()).backward()
            steps.step()
    assert SUMS in faults(model, data, watcher=watcher)


TWO: list[tuple[set[str], Any]] = [
    ({SCALE, LABELS}, (0, lambda seed: mlp(seed, 8, 1), times(50.0, moons(40)), adam(),
     {"loss": ones_and_zeros_as_signs})),
    ({SCALE, LOW}, (0, lambda seed: mlp(seed, 8, 3, nin=4), times(30.0, IRIS), adam(1e-5), {})),
    ({DEAD, CHANCE}, (0, lambda seed: with_biases(-50.0, "relu", seed), moons(40), adam(), {})),
    ({HIGH, LABELS}, (0, lambda seed: mlp(seed, 6, 6, 1), moons(40), adam(3.0),
     {"loss": mse_loss})),
    ({SATURATED, SCALE}, (0, lambda seed: mlp(seed, 8, 1), times(99.0, moons(40)), adam(), {})),
    ({VANISH, LOW}, (0, lambda seed: flat(seed), moons(40),
     adam(1e-6), {})),
    ({SATURATED, LOW}, (0, lambda seed: with_biases(5.0, "tanh", seed), moons(40), sgd(1e-3), {})),
]


@pytest.mark.parametrize(("both", "planted"), TWO, ids=lambda x: " + ".join(sorted(x))[:60]
    if isinstance(x, set) else "")
def test_two_faults_at_once_are_found_the_gravest_first(both: set[str], planted: Any) -> None:
    found = found_in(planted, seed=0)
    assert both <= {*found}
    assert found == sorted(found, key=[*FAULTS].index)


# ---- healthy -------------------------------------------------------------------------------------


def wave() -> Dataset:
    draw, xs = random.Random(0).gauss, [[i / 20 - 2] for i in range(80)]
    targets = [math.sin(2 * x) + draw(0, 0.1) for [x] in xs]
    return Dataset("wave", xs, targets, ("x",), task="regression")


SETS: list[Callable[[], Dataset]] = [moons, circles, xor, spirals, iris, wave]


def alarms(count: int, first: int) -> dict[int, list[str]]:
    """Returns the findings of so many healthy runs, by the number of the run.

    A run is healthy if the model has learned: it classifies 90% of the training data, or leaves
    less than half of the variance.
    """
    found: dict[int, list[str]] = {}
    run = first - 1
    while count:
        run += 1
        draw = random.Random(run)
        data = SETS[run % len(SETS)]()
        held_out = None
        if data.task == "classification":
            data, held_out = data.split(seed=run)
        activation = draw.choice(["tanh", "relu", "leaky_relu", "silu", "sigmoid"])
        hidden = draw.choice([[8], [16], [8, 8], [16, 16], [6, 6, 6]])
        hidden = hidden[:1] if activation == "sigmoid" else hidden
        outputs = max(1, len(data.class_names) if run % 2 else (len(data.class_names) > 2) * 3)
        model = MLP(len(data.inputs[0]), [*hidden, outputs], activation=activation, seed=run)
        optimizer = draw.choice([
            adam(0.05), adam(0.01), sgd(0.1), lambda p: SGD(p, lr=0.02, momentum=0.9)
        ])
        try:
            history = trained(model, data, optimizer, validation=held_out, seed=run, epochs=40,
                lifted=True, batch_size=draw.choice([8, 16, 32]))
        except CannotLift:  # cross_entropy of a confident example loses digits when it is lifted
            continue
        is_regression = data.task == "regression"
        if evaluate(model, data)["loss"] > 0.25 if is_regression else accuracy(model, data) < 0.9:
            continue
        count -= 1
        if findings := faults(model, data, history):
            found[run] = findings
    return found


def test_healthy_runs_raise_no_alarm() -> None:
    assert not alarms(3, first=0)


@pytest.mark.long
def test_fifty_healthy_runs_raise_at_most_one_alarm() -> None:
    assert len(found := alarms(50, first=100)) <= 1, found


# ---- what a finding says -------------------------------------------------------------------------


def test_curves_alone_show_what_they_show() -> None:
    def curve(*losses: float, held_out: Any = ()) -> list[str]:
        logs: list[dict[str, float]] = [{"loss": x} for x in losses]
        for each, x in zip(logs, held_out, strict=False):
            each["validation_loss"] = x
        return faults(History(logs))

    assert curve() == curve(1.0) == curve(3.0, 2.0, 1.0) == []
    assert curve(1.0, 2.0, 3.0) == curve(1.0, math.nan) == curve(1, 3, 1, 3, 1) == [HIGH]
    assert curve(1.0, 0.99, 0.98, 0.97, 0.96, 0.95) == [LOW]
    assert curve(1.0, 0.9, 0.89, 0.885, 0.884, 0.884) == []  # it slows down
    settles = [10.1, 15.2, 2.7, 1.1, 1.4, 0.4, 0.5, 0.9, 0.4, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2]
    assert curve(*settles) == []  # run 503 of `alarms`: it overshoots once, at its start
    falls = [1.0, 0.7, 0.5, 0.3, 0.2, 0.1]
    assert curve(*falls, held_out=[1.0, 0.5, 0.6, 0.7, 0.8, 0.9]) == [RISES]
    assert curve(*falls, held_out=[1.0, 0.5, 0.4, 0.3, 0.31, 0.3]) == []


def test_a_finding_has_numbers_a_remedy_and_a_chapter() -> None:
    data = times(100.0, moons(40))
    assert "in the column 'x'" in diagnose(mlp(0, 8, 1), data)[0].evidence
    assert "in column 0 of" in diagnose(mlp(0, 8, 1), (data.inputs, data.targets))[0].evidence
    for finding in diagnose(mlp(0, 8, 1), data):
        assert any(letter.isdigit() for letter in finding.evidence)
        assert finding.remedy == FAULTS[finding.fault][0]
        assert all(part in str(finding) for part in finding)


def test_the_chapters_are_in_the_course() -> None:
    notebooks = Path(__file__).parents[2].joinpath("notebooks").glob("*.ipynb")
    titles = {
        line.removeprefix("# ").strip()
        for path in notebooks
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        for line in cell["source"] if cell["cell_type"] == "markdown" and line.startswith("# ")
    }
    assert titles >= set(CHAPTERS.values())
    assert {chapter for _, chapter in FAULTS.values()} == set(CHAPTERS)


def test_nothing_changes() -> None:
    model, data = mlp(0, 4, 1), moons(40)
    mse_loss([model(x) for x, _ in data], data.signs()).backward()
    before = [(p.data, p.grad) for p in model.parameters()]
    diagnose(model, data)
    assert [(p.data, p.grad) for p in model.parameters()] == before


def test_fit_mentions_the_gravest_in_one_line_of_its_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "micrograd_notes.train.loop"):
        trained(mlp(0, 8, 1), times(100.0, moons(40)), adam(), epochs=5)
    assert [r.getMessage().split(":")[:2] for r in caplog.records if "diag" in r.getMessage()] == [
        ["diagnosis", " data that are not scaled"]
    ]
    caplog.clear()
    with caplog.at_level(logging.INFO, "micrograd_notes.train.loop"):  # too early for others
        trained(mlp(0, 8, 1), shuffled(0), sgd(1e-9), epochs=1)
        assert "diagnosis" not in caplog.text
        trained(mlp(0, 8, 1), times(100.0, moons(40)), adam(), epochs=1)
        assert caplog.text.count("diagnosis: data that are not scaled") == 1
        with pytest.raises(FloatingPointError):
            trained(mlp(0, 8, 1, activation="relu"), times(1e200, moons(40)), sgd(1e200))
        assert caplog.text.count("diagnosis: data that are not scaled") == 2
    caplog.clear()
    with caplog.at_level(logging.WARNING, "micrograd_notes.train.loop"):
        trained(mlp(0, 8, 1), times(100.0, moons(40)), adam(), epochs=5)
    assert not caplog.records
