"""The work on our own scalars, and the same lifted to arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifting.peer import Learner
from lifting.work import RATE, Work
from micrograd_notes import lift
from micrograd_notes.train.optim import SGD


def eager(work: Work) -> Learner:
    inputs, targets = work.X.tolist(), work.Y.tolist()
    optimizer = SGD(work.model.parameters(), lr=RATE)

    def step() -> float:
        losses = [work.loss(x, y) for x, y in zip(inputs, targets, strict=True)]
        value = sum(losses) / len(losses)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return float(value.data)

    return Learner(step, work.arrays)


def lifted(work: Work) -> Learner:
    program = lift(work.loss, work.model)
    theta = program.parameters()

    def step() -> float:
        value, gradient = program.value_and_grad(theta, work.X, work.Y)
        np.multiply(gradient, RATE, out=gradient)
        np.subtract(theta, gradient, out=theta)
        return value

    def arrays() -> list[Any]:
        program.load(theta)
        return work.arrays()

    return Learner(step, arrays)
