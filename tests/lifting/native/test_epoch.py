"""Laws of an epoch in C: its steps are those that Python takes, to the last bit.

The gradient comes from C in both, and the step is the same arithmetic in the same order. Against
NumPy's gradient the numbers agree to rounding.
"""

import json
import logging
import os
import random
import signal
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd_notes import MLP, Value
from micrograd_notes.engine.functions import pick
from micrograd_notes.lifting import CannotLift
from micrograd_notes.nn import Module
from micrograd_notes.nn.losses import mse_loss
from micrograd_notes.train import epoch_in_c
from micrograd_notes.train.data import moons
from micrograd_notes.train.epoch_in_c import EpochInC
from micrograd_notes.train.loop import fit
from micrograd_notes.train.optim import SGD, Adam, Optimizer
from tests.lifting.native.by_hand import SQUARES, compiler, edited, needs_cc, printed

pytestmark = needs_cc

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(50, 4)).tolist()
Y = GENERATOR.normal(size=50).tolist()


class Plane(Module):
    """The model of the C by hand."""

    def __init__(self) -> None:
        self.w = [Value(0.5), Value(-1.0), Value(2.0), Value(0.25)]

    def __call__(self, x: Any) -> Any:
        return sum(wi * xi for wi, xi in zip(self.w, x, strict=True))

    def parameters(self) -> list[Value]:
        return list(self.w)


class MyOwn(Optimizer):
    def __init__(self, params: Any) -> None:
        super().__init__(params, 0.1, 0.0)

    def _change(self, gradient: Any, memory: dict[str, Any]) -> Any:
        return self.lr * gradient


Make = Callable[[Plane], Optimizer]
OPTIMIZERS: dict[str, Make] = {
    "SGD": lambda m: SGD(m.w, lr=0.05),
    "momentum": lambda m: SGD(m.w, lr=0.05, momentum=0.9),
    "dampening": lambda m: SGD(m.w, lr=0.05, momentum=0.9, dampening=0.5, weight_decay=0.01),
    "nesterov": lambda m: SGD(m.w, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda m: Adam(m.w, lr=0.05),
    "Adam with all": lambda m: Adam(m.w, lr=0.05, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1),
    "another order": lambda m: Adam(m.w[::-1], lr=0.05),
}


class Trained:
    """A model after a training, and everything else that it left."""

    def __init__(self, make: Make, backend: str, before: Any = None, **options: Any) -> None:
        self.model = Plane()
        self.optimizer = make(self.model)
        if before is not None:
            before(self.model)
        options = {"epochs": 4, "batch_size": 8, "data": (X, Y), **options}
        self.history = fit(
            self.model, optimizer=self.optimizer, lifted=True, backend=backend, progress=False,
            **options,
        )

    def numbers(self) -> list[Any]:
        found = list(self.history["loss"])
        found += [number for p in self.model.w for number in (p.data, p.grad)]
        return found + [number for memory in self.optimizer.memories for number in memory.values()]


@pytest.fixture
def batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trained]:
    """Returns a training whose gradients come from C, and whose steps Python takes."""

    def trained(*arguments: Any, **options: Any) -> Trained:
        with monkeypatch.context() as patch:
            patch.setattr(EpochInC, "take", lambda *_: None)
            return Trained(*arguments, **options)

    return trained


@pytest.fixture
def steps_in_c(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns a list that gets the number of steps of each call of C."""
    counts: list[int] = []
    really = EpochInC.take

    def counted(*arguments: Any) -> Any:
        taken = really(*arguments)
        counts.extend([] if taken is None else [len(taken.losses)])
        return taken

    monkeypatch.setattr(EpochInC, "take", counted)
    return counts


TARGETS = {  # whole numbers, and how many outputs there are
    "labels of one logit": ([0, 1] * 25, 1),
    "labels of which one never occurs": ([0, 1, 3, 4, 5] * 10, 6),
    "grades": ([1, 2, 3, 4, 5] * 10, 1),
    "signs": ([-1, 1] * 25, 1),
}


@pytest.mark.parametrize("name", TARGETS)
def test_whole_numbers_that_were_all_compared_with_the_scalars_run_in_c(
    name: str, as_printed: None, steps_in_c: list[int]
) -> None:
    targets, outputs = TARGETS[name]
    loss = mse_loss if name in ("grades", "signs") else None
    found = []
    for backend in ("c", "numpy"):
        model = MLP(4, [3, outputs], activation="tanh", seed=0)
        found.append(
            fit(
                model, (X, targets), lifted=True, backend=backend, epochs=2, batch_size=10,
                loss=loss, progress=False,
            )["loss"]
        )
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    assert sum(steps_in_c) >= 9  # of 10; Python takes the first one


LAST = 11  # the scalars get this very object, and a recording does not


def test_a_label_that_was_not_compared_is_noticed_before_an_epoch_runs_in_c(
    as_printed: None, steps_in_c: list[int]
) -> None:
    def loss(outputs: Any, labels: Any) -> Any:
        each = [(50 if y is LAST else 1) * pick(o, y) for o, y in zip(outputs, labels, strict=True)]
        return sum(each) / len(each)

    labels = [k % LAST for k in range(49)]
    model = MLP(4, [12], seed=0)
    options: Any = {"lifted": True, "backend": "c", "epochs": 2, "batch_size": 2, "loss": loss}
    fit(model, (X[:49], labels), progress=False, **options)
    assert sum(steps_in_c) > 25  # in the second epoch at least
    steps_in_c.clear()
    with pytest.raises(CannotLift, match="lifted and scalars differ"):
        fit(model, (X, [*labels, LAST]), progress=False, **options)
    assert not steps_in_c


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_steps_are_pythons_to_the_last_bit(
    name: str, batch_by_batch: Callable[..., Trained], steps_in_c: list[int]
) -> None:
    make = OPTIMIZERS[name]
    found = Trained(make, "c").numbers()
    assert sum(steps_in_c) >= 4 * 7 - 3  # a first step, one of another size, one to compare
    assert max(steps_in_c) == 7  # all of an epoch, in one call
    assert found == batch_by_batch(make, "c").numbers()
    # 28 steps, each of which hands on the rounding of its sums; the numbers are below 10
    assert found == pytest.approx(Trained(make, "numpy").numbers(), abs=10 * 100 * 28 * 2.0**-52)


def test_frozen_parameters_stay_and_take_no_part(
    as_printed: None, batch_by_batch: Callable[..., Trained], steps_in_c: list[int]
) -> None:
    def before(model: Plane) -> None:
        model.w[1].requires_grad = False

    make = OPTIMIZERS["Adam"]
    found = Trained(make, "c", before)
    assert found.model.w[1].data == -1.0
    assert found.optimizer.memories[1] == {}
    assert found.numbers() == batch_by_batch(make, "c", before).numbers()
    assert max(steps_in_c) == 7


def test_a_schedule_and_a_callback_that_changes_the_model(
    as_printed: None, batch_by_batch: Callable[..., Trained], steps_in_c: list[int]
) -> None:
    def trained(run: Callable[..., Trained], make: Make) -> list[Any]:
        made: list[Any] = []

        def kept(model: Plane) -> Optimizer:
            made[:] = [model, make(model)]
            return made[1]  # type: ignore[no-any-return]

        def callback(epoch: int, logs: Any) -> None:
            model, optimizer = made
            optimizer.lr = [0.04, 0.03, 0.0, 0.02, 0.01, 0.01][epoch]
            if epoch == 1:
                model.w[0].data = 1.0
                optimizer.weight_decay = 0.1
            if epoch == 3:
                model.w[2].requires_grad = False

        return run(kept, "c", callback=callback, epochs=6).numbers()

    for name in ("momentum", "Adam"):
        found = trained(Trained, OPTIMIZERS[name])
        assert found == trained(batch_by_batch, OPTIMIZERS[name])
    assert sum(steps_in_c) > 2 * 6 * 7 / 2


def test_options_that_are_0_for_a_while(batch_by_batch: Callable[..., Trained]) -> None:
    """They are a part of the formula, which is printed anew when they are not 0 any more."""

    def trained(run: Callable[..., Trained]) -> list[Any]:
        made: list[Adam] = []

        def make(model: Plane) -> Optimizer:
            made.append(Adam(model.w, lr=0.05, betas=(0.0, 0.9)))
            return made[0]

        def callback(epoch: int, logs: Any) -> None:
            made[0].betas = [(0.0, 0.9), (0.5, 0.9), (0.0, 0.5), (0.5, 0.5)][epoch]

        return run(make, "c", callback=callback).numbers()

    assert trained(Trained) == trained(batch_by_batch)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_step_that_is_not_finite_is_not_taken(
    name: str, batch_by_batch: Callable[..., Trained]
) -> None:
    """The step overflows in the second epoch: the error and what is left are Python's."""

    def fails(run: Callable[..., Trained]) -> tuple[str, list[Any]]:
        models: list[Any] = []

        def make(model: Plane) -> Optimizer:
            optimizer = OPTIMIZERS[name](model)
            models[:] = [model, optimizer]
            return optimizer

        def callback(epoch: int, logs: Any) -> None:
            models[1].lr = 1e308

        with pytest.raises(FloatingPointError) as error:
            run(make, "c", callback=callback)
        model, optimizer = models
        return str(error.value), [*[p.data for p in model.w], *map(dict, optimizer.memories)]

    assert fails(Trained) == fails(batch_by_batch)


@pytest.mark.parametrize(
    ("make", "same", "why"),
    [
        (lambda m: MyOwn(m.w), lambda m: SGD(m.w, lr=0.1), "MyOwn takes its steps in Python"),
        (
            lambda m: Adam(m.w[1:3]), lambda m: Adam(m.w[1:3]),
            "some parameters are not the optimizer's",
        ),
    ],
    ids=["your own", "of a part"],
)
def test_an_optimizer_that_takes_its_steps_in_python(
    make: Make, same: Make, why: str, caplog: pytest.LogCaptureFixture, steps_in_c: list[int],
    batch_by_batch: Callable[..., Trained],
) -> None:
    with caplog.at_level(logging.INFO, "micrograd_notes.train.loop"):
        own = Trained(make, "auto")
    assert steps_in_c == []
    assert f"the steps run in c, one call per batch: {why}" in caplog.text
    assert own.numbers() == batch_by_batch(same, "auto").numbers()


def test_a_step_that_is_compiled_wrongly_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    batch_by_batch: Callable[..., Trained],
) -> None:
    expected = batch_by_batch(OPTIMIZERS["Adam"], "c").numbers()
    edit = "s/after\\[i\\] = data\\[i\\] -/after[i] = data[i] - 1e-9 -/"
    compiler(tmp_path, edited(edit), monkeypatch)
    with caplog.at_level(logging.INFO, "micrograd_notes.train.loop"):
        assert Trained(OPTIMIZERS["Adam"], "auto").numbers() == expected
    assert "the compiled step differs from that of Python" in caplog.text


def test_without_a_compiler_numpy_trains_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with caplog.at_level(logging.INFO, "micrograd_notes.train.loop"):
        found = Trained(OPTIMIZERS["Adam"], "auto")
    assert "the steps run in numpy: there is no C compiler" in caplog.text
    assert found.numbers() == Trained(OPTIMIZERS["Adam"], "numpy").numbers()


def test_scalars_do_not_run_in_c() -> None:
    with pytest.raises(ValueError, match=r'backend="c" needs lifted=True'):
        fit(Plane(), (X, Y), backend="c", progress=False)
    with pytest.raises(ValueError, match="backend must be one of"):
        fit(Plane(), (X, Y), backend="cuda", lifted=True, progress=False)


def test_the_order_is_that_of_pythons_shuffle() -> None:
    model = Plane()
    training = epoch_of(model)
    for n in (2, 3, 31, 32, 33, 1000):
        order, generator, theirs = array("q", range(n)), random.Random(n), random.Random(n)
        expected = list(order)
        for _ in range(5):
            assert training.shuffle(order, generator)
            theirs.shuffle(expected)
            assert order.tolist() == expected
            assert generator.getstate() == theirs.getstate()
    assert not training.shuffle(array("q", [0]), generator)


def epoch_of(model: Plane) -> EpochInC:
    """Returns the steps in C of a model, after some of them."""
    kept: list[EpochInC] = []
    really = EpochInC.take

    def taken(self: EpochInC, *arguments: Any) -> Any:
        kept.append(self)
        return really(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EpochInC, "take", taken)
        fit(model, (X, Y), lifted=True, backend="c", epochs=2, batch_size=8, progress=False)
    return kept[0]


# ---- Ctrl-C --------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_in_an_epoch_leaves_a_whole_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left are the numbers after a whole number of steps, to the last bit."""
    monkeypatch.setattr(epoch_in_c, "SLICE", 0.02)
    slowly = "for (volatile int k = 0; k < 20000; k++);"  # a few hundred steps per slice
    printed(monkeypatch, SQUARES.replace("double *difference", f"{slowly}\n    double *difference"))
    many = 40_000  # examples, and as many steps per epoch
    data = (X * (many // 50), Y * (many // 50))
    model = Plane()
    optimizer = Adam(model.w, lr=1e-3)
    stops = threading.Event()

    def interrupts() -> None:
        while not stops.wait(0.01):  # before the steps it would interrupt the lifting
            vectors = optimizer.vectors
            if vectors is not None and vectors.groups[0].memory["step"] > 100:
                os.kill(os.getpid(), signal.SIGINT)
                return

    thread = threading.Thread(target=interrupts)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
    thread.start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            fit(
                model, data, optimizer=optimizer, lifted=True, backend="c", batch_size=1,
                epochs=3, progress=False,
            )
    finally:
        stops.set()
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 60
    steps = {memory["step"] for memory in optimizer.memories}
    assert len(steps) == 1
    [count] = steps
    assert 100 < count < many
    again = Plane()
    theirs = Adam(again.w, lr=1e-3)
    order = list(range(many))
    random.Random(0).shuffle(order)
    w = np.array([p.data for p in again.w])
    for k in order[: int(count)]:
        difference = -data[1][k]
        for weight, number in zip(w.tolist(), data[0][k], strict=True):
            difference += weight * number
        w = theirs.stepped(w, np.array([2.0 * difference * number for number in data[0][k]]))
    assert [p.data for p in model.w] == w.tolist()
    assert optimizer.memories == theirs.memories


# ---- C from the compiler itself ------------------------------------------------------------------


@pytest.mark.parametrize("outputs", [1, 2])
def test_accuracies_and_a_run_that_is_resumed(
    outputs: int, as_printed: None, tmp_path: Path
) -> None:
    data = moons(samples=50)

    def trained(file: str, *epochs: int, backend: str = "c") -> Any:
        for total in epochs:
            model = MLP(2, [4, outputs], activation="tanh", seed=0)
            history = fit(
                model, data, epochs=total, batch_size=8, lifted=True, backend=backend, seed=1,
                validation=data, checkpoint=tmp_path / file, resume=total != epochs[0],
                progress=False,
            )
        names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
        return [p.data for p in model.parameters()], [history[name] for name in names]

    whole, parts = trained("whole", 6), trained("parts", 3, 6)
    assert whole == parts
    numpy = trained("numpy", 6, backend="numpy")
    assert whole[0] == pytest.approx(numpy[0], abs=10 * 100 * 42 * 2.0**-52)
    assert whole[1][1::2] == numpy[1][1::2]
    state = json.loads((tmp_path / "whole").read_text())["run"]["state"]
    assert state["backend"] == "c"


def test_of_classes_with_the_same_output_the_first_is_chosen(as_printed: None) -> None:
    model = MLP(2, [3, 2], seed=0)
    for parameter in model.layers[-1].parameters():
        parameter.data = 0.0
    accuracies = []
    for backend in ("c", "numpy"):
        history = fit(
            model, moons(samples=40), lifted=True, backend=backend, batch_size=8, progress=False,
            optimizer=SGD(model.parameters(), lr=0.0), epochs=3,
        )
        accuracies.append(history["accuracy"])
    assert accuracies[0] == accuracies[1] == [0.5] * 3
