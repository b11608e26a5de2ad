"""The work on our own scalars, and lifted: as printed, in NumPy through `lift`, and in C."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any
from warnings import catch_warnings

import numpy as np

import micrograd_notes
from lifting.peer import Learner
from lifting.work import RATE, Work
from micrograd_notes import lift

HAS_C = "backend" in signature(lift).parameters
of_sizes: Any = getattr(micrograd_notes, "lift_of_sizes", None)


def lifted(work: Work, backend: str = "numpy") -> Any:
    """Returns the program; that of a large work is made from small ones, if that is there.

    A large one is not compared with the scalars, which takes minutes: `printed` compares two
    examples, and all must agree with it.
    """
    options: dict[str, Any] = {"backend": backend} if HAS_C else {}
    family = work.family
    if family is None:
        return lift(work.loss, work.model, **options)
    if of_sizes is None:
        return lift(work.loss, work.model, check=False, **options)

    def make(**sizes: int) -> Any:
        """Returns the work's own model at its sizes, so that its parameters are those that move."""
        return (work.loss, work.model) if sizes == work.sizes else family(**sizes)

    return of_sizes(make, check=False, **options, **work.sizes)


def scalars(work: Work) -> Learner:
    from micrograd_notes import SGD

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


def printed(work: Work) -> Learner:
    """The source alone, as pasted into a file: nothing looks at the data."""
    program = lifted(work)
    namespace: dict[str, Any] = {}
    exec(program.source_for(work.X, work.Y), namespace)
    some = slice(2 if work.family else None)
    program.check(work.X[some], work.Y[some])
    return learner(work, program, namespace["loss_and_gradient"])


def fast(work: Work) -> Learner:
    """The program as a training loop calls it, with all its checks."""
    program = seasoned(work, lifted(work))
    # an earlier checkout has one call instead of two
    return learner(work, program, getattr(program, "next_value_and_grad", program.value_and_grad))


def in_c(work: Work) -> Learner:
    """The same in C, with the same checks; RuntimeError if NumPy runs in its place."""
    program = seasoned(work, lifted(work, "c"))
    with catch_warnings(action="ignore"):  # the error says the same
        program.next_value_and_grad(program.parameters(), work.X, work.Y)
    if program.backend != "c":
        raise RuntimeError(program.backend)
    return learner(work, program, program.next_value_and_grad)


def seasoned(work: Work, program: Any) -> Any:
    """Returns a program behind the first steps of training, in which labels are new."""
    if HAS_C and work.family is None and work.Y.dtype.kind == "i":
        for _ in range(len(np.unique(work.Y))):  # a call compares at least one new label
            program.check(work.X, work.Y, least=0)
    return program


def learner(work: Work, program: Any, value_and_grad: Callable[..., Any]) -> Learner:
    """Returns what is timed: loss, gradient and update."""
    theta = program.parameters()

    def step() -> float:
        value, gradient = value_and_grad(theta, work.X, work.Y)
        np.multiply(gradient, RATE, out=gradient)
        np.subtract(theta, gradient, out=theta)
        return float(value)

    def arrays() -> list[Any]:
        program.load(theta)
        return work.arrays()

    return Learner(step, arrays)
