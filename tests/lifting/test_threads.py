"""Lifting changes nothing that another thread may be using: they lift, train and predict at once.

The law: what a thread computes is what it computes alone, whatever others do with the same model.
"""

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, Value, lift, no_grad  # noqa: E402
from micrograd_notes.nn.losses import mse_loss  # noqa: E402
from micrograd_notes.train.lifted_loop import LiftedTraining  # noqa: E402
from micrograd_notes.train.loop import fit, predict  # noqa: E402
from micrograd_notes.train.optim import SGD  # noqa: E402

X, Y = [[1.0, 2.0], [0.5, -1.0], [0.0, 1.0]], [1.5, 0.0, 2.0]


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Returns what each work returns, when all have started together."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]


def test_a_model_is_lifted_while_others_use_it() -> None:
    model = MLP(2, [8, 1], seed=0)
    expected = [model(x).data for x in X]

    def loss(x: Any, y: Any) -> Any:
        return (model(x) - y) ** 2

    alone = lift(loss, model)
    answer = alone.value_and_grad(alone.parameters(), X, Y)

    def lifts() -> None:
        for _ in range(6):
            program = lift(loss, model)
            value, gradient = program.value_and_grad(program.parameters(), X, Y)
            assert value == answer[0]
            assert (gradient == answer[1]).all()

    def uses() -> None:
        for _ in range(150):
            assert {type(p) for p in model.parameters()} == {Value}
            outputs = [model(x) for x in X]
            assert [y.data for y in outputs] == expected
            assert all(y.requires_grad for y in outputs)
            assert all(p.data < 10.0 for p in model.parameters())
            with no_grad():
                assert not model(X[0]).requires_grad

    at_once(lifts, lifts, uses, uses)


def test_one_program_from_many_threads() -> None:
    model = MLP(2, [8, 1], seed=0)
    program = lift(lambda x, y: (model(x) - y) ** 2, model)
    theta = np.ones(len(model.parameters()))

    def work() -> list[float]:
        return [program.value_and_grad(theta, X[: 1 + k % 3], Y[: 1 + k % 3])[0] for k in range(60)]

    first, *others = at_once(work, work, work, work)
    assert all(other == first for other in others)


def test_models_of_their_own_train_at_once_as_they_do_alone() -> None:
    def train(lifted: bool, seed: int) -> dict[str, Any]:
        model = MLP(2, [5, 1], activation="tanh", seed=seed)
        fit(model, (X, Y), epochs=15, progress=False, lifted=lifted, loss=mse_loss)
        return model.state_dict()

    cases = [(lifted, seed) for lifted in (True, False) for seed in (0, 1)]
    alone = [train(*case) for case in cases]
    together = at_once(*[lambda c=case: train(*c) for case in cases])
    assert together == alone


def test_a_model_is_trained_lifted_while_another_thread_predicts() -> None:
    model = MLP(2, [5, 1], activation="tanh", seed=0)
    apart = copy.deepcopy(model)
    fit(apart, (X, Y), epochs=100, progress=False, lifted=True)
    done = threading.Event()

    def trains() -> None:
        try:
            fit(model, (X, Y), epochs=100, progress=False, lifted=True)
        finally:
            done.set()

    def predicts() -> None:
        forward = lift(model)
        while not done.is_set():
            assert len(predict(model, X)) == 3
            assert np.isfinite(forward(X)).all()

    at_once(trains, predicts)
    assert model.state_dict() == apart.state_dict()


def test_two_trainings_of_one_model_are_refused_rather_than_mixed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = MLP(2, [5, 1], activation="tanh", seed=0)
    one_epoch, others = LiftedTraining.one_epoch, iter([True])

    def meanwhile(self: LiftedTraining, order: Any) -> Any:
        logs = one_epoch(self, order)
        if next(others, False):  # another thread trains the model to the end
            at_once(lambda: fit(model, (X, Y[::-1]), epochs=3, progress=False, lifted=True))
        return logs

    monkeypatch.setattr(LiftedTraining, "one_epoch", meanwhile)
    with pytest.raises(RuntimeError, match="was changed from outside while fit trained it"):
        fit(model, (X, Y), epochs=3, progress=False, lifted=True)


def test_gradients_that_threads_add_up_are_complete() -> None:
    w = Value(1.0)
    program = lift(lambda x: w * x, parameters=[w])
    program([1.0])
    w.grad = None

    def work() -> None:
        for _ in range(300):
            program([1.0])

    at_once(work, work, work, work)
    assert w.grad == 1200.0


def test_the_net_does_not_touch_what_another_thread_trains() -> None:
    """A training in scalars refuses leaves that change meanwhile, and lifting changes none."""
    model = MLP(2, [5, 1], activation="tanh", seed=0)
    apart = copy.deepcopy(model)

    def train(model: MLP) -> None:
        optimizer = SGD(model.parameters(), lr=0.01)
        fit(model, (X, Y), epochs=20, progress=False, optimizer=optimizer)

    train(apart)

    def lifts() -> None:
        for _ in range(4):
            program = lift(lambda x, y: (model(x) - y) ** 2, model)
            program.value_and_grad(np.ones(len(model.parameters())), X, Y)

    at_once(lambda: train(model), lifts)
    assert model.state_dict() == apart.state_dict()
