"""An epoch of `fit(lifted=True)`, and a call of a program in C, against what they are made of.

    OMP_NUM_THREADS=1 python benchmarks/lift_epoch.py

The work is an epoch of digits, 64-32-10, batches of 32, Adam, with shuffling and the accuracy. The
peers are loops in PyTorch, with and without its fused Adam, in float64 and one thread. A second
table has a call of `value_and_grad` of the same network, on 32 digits and on 100 points of a MLP
2-16-16-1, and of its bare function in C, through ctypes with fixed pointers and no new gradient.
All are the least times of the processor, in turns: what else runs only adds to them.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
from lifting.epoch import epoch_in_torch

from micrograd_notes import MLP, lift
from micrograd_notes.nn.losses import cross_entropy, hinge_loss
from micrograd_notes.train.data import digits, moons
from micrograd_notes.train.examples import checked_data
from micrograd_notes.train.lifted_loop import LiftedTraining
from micrograd_notes.train.loop import _lifted, _Steps
from micrograd_notes.train.optim import Adam

RATE, BATCH = 0.01, 32
DATA = digits()
Work = Callable[[], Any]


def turns(works: dict[str, Work], rounds: int, number: int) -> dict[str, float]:
    """Returns the least seconds of processor time of each work, after three rounds to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for count in range(rounds + 3):
        for name, work in works.items():
            began = process_time()
            for _ in range(number):
                work()
            if count >= 3:
                taken[name].append((process_time() - began) / number)
    return {name: min(times) for name, times in taken.items()}


def ours(backend: str) -> Work:
    model = MLP(64, [32, 10], seed=0)
    optimizer = Adam(model.parameters(), lr=RATE)
    steps = _Steps(model, checked_data(DATA, model), cross_entropy, optimizer, BATCH, None)
    training: LiftedTraining = _lifted(steps, backend)
    order, generator = array("q", range(len(DATA.inputs))), random.Random(0)

    def epoch() -> dict[str, float]:
        training.shuffle(order, generator)
        return training.one_epoch(order)

    epoch()
    assert training.backend.split(":")[0] == backend, training.backend
    return epoch


def calls(name: str, model: MLP, loss: Any, x: Any, y: Any) -> dict[str, Work]:
    """Returns a call of the program in C, and of its function alone."""
    program = lift(lambda x, y: loss([model(x)], [y]), model, backend="c")
    theta = program.parameters()
    for _ in range(5):
        program.value_and_grad(theta, x, y)
    call: Any = program.in_c()
    function, given = call._called, call._local.free[-1].given_at  # those of the call before

    def bare() -> int:
        return int(function(given))

    return {
        f"{name}: C bare": bare,
        f"{name}: C with all checks": lambda: program.next_value_and_grad(theta, x, y),
        f"{name}: and with new parameters": lambda: program.next_value_and_grad(theta + 0.0, x, y),
        f"{name}: new parameters alone": lambda: theta + 0.0,
    }


def main() -> None:
    print("an epoch of digits, 64-32-10, batch 32, Adam; milliseconds of the processor")
    works = {"ours, in C": ours("c"), "ours, in NumPy": ours("numpy")}
    for name, fused in (("PyTorch", False), ("PyTorch, fused Adam", True)):
        works[name] = epoch_in_torch(DATA.inputs, DATA.targets, counts=True, lr=RATE, fused=fused)
    epochs = turns(works, 15, 1)
    for name, seconds in epochs.items():
        share = epochs["ours, in C"] / seconds
        print(f"{name:<38}{1e3 * seconds:8.2f}   ours in C is {share:.3f} of it")

    print("\na call; microseconds of the processor")
    points = moons(samples=100)
    X, Y = np.array(DATA.inputs[:32]), np.array(DATA.targets[:32])
    signs = np.array(points.signs(), float)
    each = calls("digits", MLP(64, [32, 10], seed=0), cross_entropy, X, Y)
    each |= calls("moons", MLP(2, [16, 16, 1], seed=0), hinge_loss, np.array(points.inputs), signs)
    for name, seconds in turns(each, 41, 200).items():
        print(f"{name:<38}{1e6 * seconds:8.2f}")


if __name__ == "__main__":
    main()
