"""An epoch of training on digits: `fit(..., lifted=True)`, and a loop in PyTorch.

Both train 64-32-10 with batches of 32 and Adam, in float64, and return the loss of each epoch. The
loop keeps its data in tensors, needs no DataLoader, and reads the loss once per epoch. It does less
than `fit`, which also counts the right answers. `lift.py` prints the ratio.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from multiprocessing.connection import Connection
from statistics import median
from time import process_time
from typing import Any

from lifting.turns import Failed, Running, has, started, stay_on_one_core
from lifting.work import DIGITS_ALL

FIT, TORCH = "fit(lifted=True)", "a loop in PyTorch"
EPOCHS = {FIT: 200, TORCH: 30}  # per turn: about a second
RATE = 0.01


def with_fit(epochs: int) -> list[float]:
    from micrograd_notes import Adam, fit

    work = DIGITS_ALL.make()
    optimizer = Adam(work.model.parameters(), lr=RATE)
    history = fit(
        work.model, (work.X, work.Y), optimizer=optimizer, epochs=epochs, batch_size=32,
        progress=False, lifted=True,
    )
    return [logs["loss"] for logs in history]


def with_torch(epochs: int) -> list[float]:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    work = DIGITS_ALL.make()
    X, Y, nn = torch.tensor(work.X), torch.tensor(work.Y), torch.nn
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, foreach=True)
    losses = []
    for _ in range(epochs):
        total = torch.zeros(())
        for batch in torch.randperm(len(X)).split(32):
            loss = nn.functional.cross_entropy(model(X[batch]), Y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        losses.append(float(total) / len(X))
    return losses


TRAIN: dict[str, Callable[[int], list[float]]] = {FIT: with_fit, TORCH: with_torch}


def serve(connection: Connection, name: str) -> None:
    """Answers to a number of epochs with the time of one, without what comes before the first."""
    stay_on_one_core()
    while epochs := connection.recv():
        times = []
        for count in (1, 1 + epochs):
            start = process_time()
            losses = TRAIN[name](count)
            times.append(process_time() - start)
        if not losses[-1] < losses[0] / 4:
            raise RuntimeError(f"{name} does not learn: {losses[0]} became {losses[-1]}")
        connection.send((times[1] - times[0]) / epochs)


def seconds_per_epoch(rounds: int) -> dict[str, float]:
    """Returns the median time of an epoch, in turns."""
    running: dict[str, Running] = {FIT: started(serve, FIT)}
    if has("torch"):
        running[TORCH] = started(serve, TORCH)
    times: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, process in running.items():
            said = process.said(EPOCHS[name])
            if isinstance(said, Failed):
                raise RuntimeError(f"{name}: {said.why}")
            times[name].append(said)
    for process in running.values():
        process.end()
    return {name: median(taken) for name, taken in times.items()}
