"""How long a step takes: each peer has a process of its own, and the processes take turns.

So none pays for another's garbage or imports, and a busy minute of the machine falls on all of
them. They share one core, and a process that waits for its turn sleeps. Before any time is taken,
all must agree on the loss and on the parameters after one step.

A turn's time is the mean of its steps, as graphs of scalars wait for the garbage collector, which
comes by every other step or so. It is time of the processor. A step computes in one thread and
waits for nothing, so on an idle machine that is the time of the clock; on a busy one the clock
would tell how often a step was interrupted, and long steps are so more often than short ones.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

from lifting import in_c, in_ours, in_torch
from lifting.peer import Learner
from lifting.work import GPT_1, MOONS, RATE, TASKS, Network, Task, is_for_scalars, is_large

LEAST = 3  # steps in a turn


def takes_all(task: Task) -> bool:
    return True


def is_network(task: Task) -> bool:
    return isinstance(task, Network)


def is_moons(task: Task) -> bool:
    return task == MOONS


def is_small(task: Task) -> bool:
    return task in TASKS and not is_large(task)  # those that are drawn had other first weights


def is_stored(task: Task) -> bool:
    return task in (MOONS, GPT_1)


def has(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


@dataclass(frozen=True)
class Contestant:
    """A peer: the module here and the function in it, whether it can run here, and what it does."""

    name: str
    module: str
    function: str
    is_here: bool = True
    takes: Callable[[Task], bool] = takes_all
    packages: Path | None = None  # another checkout, from which our package is imported


PRINTED, FAST, IN_C = "lifted, as printed", "lifted, NumPy", "lifted, C"
EARLIER, SCALARS = "lifted, earlier", "our scalars"
MICROGRAD, STORED = "micrograd 0.1.0", "stored partials"
NUMPY, C, JAX = "NumPy by hand, ours", "C by hand, ours", "JAX jit"
TORCH, COMPILED = "PyTorch eager", "torch.compile"
PEERS = [NUMPY, C, JAX, TORCH, COMPILED]
"""The peers of the goals: what people use, and what they write by hand."""
TILED = "C in tiles, ours"
"""The goals are older than this row, which is as far as we came by hand for these very sizes."""
PRODUCTS = "products alone"

CONTESTANTS = [
    Contestant(IN_C, "in_ours", "in_c", in_ours.HAS_C),
    Contestant(FAST, "in_ours", "fast"),
    Contestant(PRINTED, "in_ours", "printed"),
    Contestant(NUMPY, "in_numpy", "by_hand"),
    Contestant(C, "in_c", "by_hand", in_c.compiler() is not None),
    Contestant(TILED, "in_c", "in_tiles", in_c.compiler() is not None, takes=is_network),
    Contestant(JAX, "in_jax", "jitted", has("jax")),
    Contestant(TORCH, "in_torch", "eager", has("torch")),
    Contestant(COMPILED, "in_torch", "compiled", has("torch") and in_torch.compiler() is not None),
    Contestant(SCALARS, "in_ours", "scalars", takes=is_for_scalars),
    Contestant(STORED, "in_scalars", "stored", takes=is_stored),
    Contestant(MICROGRAD, "in_scalars", "micrograd", has("micrograd"), takes=is_moons),
]


def earlier(checkout: Path) -> Contestant:
    """Another checkout of the package: it may know neither lift_of_sizes nor the large models."""
    return Contestant(EARLIER, "in_ours", "fast", takes=is_small, packages=checkout)


class Answer(NamedTuple):
    """What a peer computed in its first step: the loss, and the parameters behind the update."""

    loss: float
    parameters: Any


class Failed(NamedTuple):
    """Why a peer has no answer."""

    why: str


# ---- in the process of a peer --------------------------------------------------------------------


def serve(connection: Connection, contestant: Contestant, task: Task) -> None:
    """Answers first with a first step, and then to each number of seconds with a turn."""
    stay_on_one_core()
    try:
        module = importlib.import_module(f"lifting.{contestant.module}")
        learner: Learner = getattr(module, contestant.function)(task.make())
        loss = learner.step()
        connection.send(Answer(loss, np.concatenate([a.ravel() for a in learner.arrays()])))
        turn(learner.step, 0)  # the second step may still compile or compare
        while seconds := connection.recv():
            connection.send(turn(learner.step, seconds))
    except Exception as error:
        connection.send(Failed(f"{type(error).__name__}: {error}"))


def serve_products(connection: Connection) -> None:
    """Answers to a number of seconds with the time of one operation in a large product."""
    stay_on_one_core()
    size = 512
    a, b = np.random.default_rng(0).normal(size=(2, size, size))
    out = np.empty_like(a)

    def step() -> float:
        return float(np.matmul(a, b, out=out)[0, 0])

    while seconds := connection.recv():
        connection.send(turn(step, seconds) / (2 * size**3))


def stay_on_one_core() -> None:
    """Keeps this process, and any threads that a library starts, on a core that all peers share."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def turn(step: Callable[[], float], seconds: float) -> float:
    """Returns the processor's time for a step, over steps that together take about so long."""
    count, end, start = 0, perf_counter() + seconds, process_time()
    while perf_counter() < end or count < LEAST:
        step()
        count += 1
    return (process_time() - start) / count


# ---- in ours -------------------------------------------------------------------------------------


class Race:
    """The processes of all peers for one work. They end with it, so none has a past."""

    def __init__(self, task: Task, contestants: Iterable[Contestant]) -> None:
        self.task = task
        self.contestants = [each for each in contestants if each.takes(task)]
        self.running: dict[str, Running] = {}
        self.failures: list[str] = []
        """What was said of each peer that failed, or that did not agree with the others."""

    def run(self, rounds: int, seconds: float) -> dict[str, list[float]]:
        """Returns the time of a step in each peer's turns, of those that agree.

        A peer that fails is named and takes part in nothing more; the others go on. The last row
        is the time of a step's products, if all went as fast as a large one of NumPy.
        """
        answers = {}
        for each in self.contestants:  # one is ready before the next one starts
            self.running[each.name] = started(serve, each, self.task, packages=each.packages)
            answers[each.name] = self._said(each.name)
        self._compare(answers)
        products = started(serve_products)
        times: dict[str, list[float]] = {name: [] for name in [*self.running, PRODUCTS]}
        for _ in range(rounds):
            for name in [*self.running]:
                time = self._said(name, seconds)
                if name in self.running:
                    times[name].append(time)
            times[PRODUCTS].append(products.said(seconds) * self.task.flops)
        for running in [*self.running.values(), products]:
            running.end()
        return {name: taken for name, taken in times.items() if len(taken) == rounds}

    def _said(self, name: str, asked: float | None = None) -> Any:
        said = self.running[name].said(asked)
        if isinstance(said, Failed):
            self._fail(name, said.why)
        return said

    def _compare(self, answers: dict[str, Any]) -> None:
        """Compares with the scalars, or with ours, which was compared with them on examples."""
        names = [name for name in (SCALARS, PRINTED, FAST, *PEERS) if name in self.running]
        for name in [*self.running]:
            if wrong := disagreement(answers[names[0]], answers[name]):
                self._fail(name, f"does not agree with {names[0]}: {wrong}")

    def _fail(self, name: str, why: str) -> None:
        self.running.pop(name).end()
        self.failures.append(f"{self.task.title}: {name}: {why}")
        print(f"FAILED: {self.failures[-1]}", flush=True)


class Running(NamedTuple):
    """A process, and our end of the connection to it."""

    connection: Connection
    process: BaseProcess

    def said(self, asked: float | None = None) -> Any:
        """Asks, unless the process speaks first, and returns what it says."""
        try:
            if asked is not None:
                self.connection.send(asked)
            return self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            return Failed(f"its process ended with status {self.process.exitcode}")

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.send(None)
        self.process.join()


def started(target: Callable[..., None], *arguments: Any, packages: Path | None = None) -> Running:
    """Starts a process; with `packages`, it imports the package from there."""
    # spawn, not fork: each process imports what its peer needs and nothing else
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, *arguments), daemon=True)
    before = sys.path[:]
    if packages is not None:
        sys.path.insert(0, str(packages))  # a process starts with the path of the one before
    process.start()
    sys.path[:] = before
    there.close()  # so that a process that fails ends our wait for it
    return Running(here, process)


def disagreement(ours: Answer, theirs: Answer) -> str | None:
    """Returns where two peers differ, in the loss or in the parameters after the update, or None.

    All compute the same sums in other orders. The longest runs over 1797 examples, and behind a
    number stand some hundred operations in a row, so that 2000 roundings of 2**-53 bound what
    differs, in units of the sums of sizes: of the loss, which is a few nats, and of a derivative,
    below 4 here. The update multiplies that by the rate, and rounds once more. A wrong term would
    differ in the first digits.
    """
    bound = 2000 * 2.0**-53
    if not abs(theirs.loss - ours.loss) <= bound * max(1.0, ours.loss):
        return f"its loss is {theirs.loss!r}, ours {ours.loss!r}"
    apart = np.abs(theirs.parameters - ours.parameters)
    allowed = RATE * 4 * bound + 2.0**-52 * np.abs(ours.parameters)
    if (apart <= allowed).all():
        return None
    place = int(np.argmax(apart - allowed))
    return f"after a step its parameter {place} differs by {apart[place]:.1e}"
