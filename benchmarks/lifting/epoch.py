"""An epoch of training on digits: `fit(..., lifted=True)`, and a loop in PyTorch.

Both train 64-32-10 with batches of 32 and Adam, in float64. The loop keeps its data in tensors,
needs no DataLoader, and reads the loss once per epoch. Unless `counts`, it does less than `fit`,
which also counts the right answers. `lift.py` prints the ratio, and `lift_epoch.py` further ones.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from multiprocessing.connection import Connection
from statistics import median
from time import process_time
from typing import Any, NamedTuple

from lifting.turns import Failed, Running, has, started, stay_on_one_core
from lifting.work import DIGITS_ALL

FIT, TORCH = "fit(lifted=True)", "a loop in PyTorch"
EPOCHS = {FIT: 200, TORCH: 20}  # per turn: about a second
RATE = 0.01


class Epoch(NamedTuple):
    """The processor's time at the end of an epoch, and the mean loss during it."""

    end: float
    loss: float


def with_fit(epochs: int) -> list[Epoch]:
    """Reads the clock when `fit` logs an epoch: with a callback it would write to the model."""
    from micrograd_notes import Adam, fit

    work, ends = DIGITS_ALL.make(), []
    handler, logger = logging.Handler(), logging.getLogger("micrograd_notes.train.loop")
    handler.emit = lambda record: ends.append(process_time())  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    optimizer = Adam(work.model.parameters(), lr=RATE)
    history = fit(
        work.model, (work.X, work.Y), optimizer=optimizer, epochs=epochs, batch_size=32,
        progress=False, lifted=True,
    )
    logger.removeHandler(handler)
    losses = [logs["loss"] for logs in history]
    return [Epoch(end, loss) for end, loss in zip(ends, losses, strict=False)]


def with_torch(epochs: int) -> list[Epoch]:
    work = DIGITS_ALL.make()
    epoch = epoch_in_torch(work.X, work.Y, lr=RATE, foreach=True)
    losses = (epoch().loss for _ in range(epochs))
    return [Epoch(process_time(), loss) for loss in losses]


class Measured(NamedTuple):
    """The mean loss of an epoch, and the share of right answers, which is 0 if none are counted."""

    loss: float
    accuracy: float


def epoch_in_torch(X: Any, Y: Any, *, counts: bool = False, **adam: Any) -> Callable[[], Measured]:
    """Returns an epoch of 64-32-10 in batches of 32, as a function; options are those of Adam."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    nn = torch.nn
    X, Y = torch.tensor(X, dtype=torch.float64), torch.tensor(Y)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).double()
    optimizer = torch.optim.Adam(model.parameters(), **adam)

    def epoch() -> Measured:
        total, right = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.int64)
        order = torch.randperm(len(X))
        for x, y in zip(X[order].split(32), Y[order].split(32), strict=True):
            outputs = model(x)
            loss = nn.functional.cross_entropy(outputs, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(x)
            if counts:
                right += (outputs.argmax(1) == y).sum()
        return Measured(float(total) / len(X), float(right) / len(X))

    return epoch


TRAIN: dict[str, Callable[[int], list[Epoch]]] = {FIT: with_fit, TORCH: with_torch}


def serve(connection: Connection, name: str) -> None:
    """Answers to a number of epochs with the time of one, without the first."""
    stay_on_one_core()
    while epochs := connection.recv():
        first, *_, last = TRAIN[name](1 + epochs)
        if not last.loss < first.loss / 4:
            raise RuntimeError(f"{name} does not learn: its loss went from {first} to {last}")
        connection.send((last.end - first.end) / epochs)


def seconds_per_epoch(rounds: int) -> dict[str, float] | Failed:
    """Returns the median time of an epoch, in turns, or why one of them failed."""
    running: dict[str, Running] = {FIT: started(serve, FIT)}
    if has("torch"):
        running[TORCH] = started(serve, TORCH)
    times: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, process in running.items():
            said = process.said(EPOCHS[name])
            if isinstance(said, Failed):
                return Failed(f"{name}: {said.why}")
            times[name].append(said)
    for process in running.values():
        process.end()
    return {name: median(taken) for name, taken in times.items()}
