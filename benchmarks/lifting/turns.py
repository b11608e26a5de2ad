"""How long a step takes: each peer has a process of its own, and the processes take turns.

So none pays for another's garbage or imports, and a busy minute of the machine falls on all of
them. They share one core, and whoever waits its turn sleeps. Before any time is taken, all must
agree on the loss and, as they have taken a step, on where it leads.

A turn's time is the mean of its steps, as graphs of scalars wait for the garbage collector, which
comes by every other step or so. It is time of the processor. A step computes in one thread and
waits for nothing, so on an idle machine that is the time of the clock; on a busy one the clock
would tell how often a step was interrupted, and long steps are so more often than short ones.
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

from lifting import in_c
from lifting.peer import Learner
from lifting.work import DIGITS_32, GPT_1, MOONS, RATE, WORKS

LEAST = 3  # steps in a turn


@dataclass(frozen=True)
class Contestant:
    """A peer: the module here and the function in it, the library it needs, what it can do."""

    name: str
    module: str
    function: str
    library: str | None = None
    works: tuple[str, ...] = tuple(WORKS)

    @property
    def is_here(self) -> bool:
        if self.module == "in_c":
            return in_c.compiler() is not None
        return self.library is None or importlib.util.find_spec(self.library) is not None


LIFTED, EAGER = "ours, lifted", "ours, eager"
MICROGRAD, STORED = "micrograd 0.1.0", "stored partials"
TORCH, JAX, NUMPY, C = "PyTorch eager", "JAX jit", "NumPy by hand", "C by hand"

# graphs of scalars of the two largest works do not fit into a benchmark of minutes
CONTESTANTS = [
    Contestant(LIFTED, "in_ours", "lifted"),
    Contestant(NUMPY, "in_numpy", "by_hand"),
    Contestant(JAX, "in_jax", "jitted", "jax"),
    Contestant(C, "in_c", "by_hand"),
    Contestant(TORCH, "in_torch", "eager", "torch"),
    Contestant(EAGER, "in_ours", "eager", works=(MOONS, DIGITS_32, GPT_1)),
    Contestant(STORED, "in_scalars", "stored", works=(MOONS,)),
    Contestant(STORED, "in_scalars", "stored", works=(GPT_1,)),  # without the imports of the other
    Contestant(MICROGRAD, "in_scalars", "micrograd", "micrograd", works=(MOONS,)),
]


class Answer(NamedTuple):
    """What a peer computed in its first step: the loss, and the parameters behind the update."""

    loss: float
    parameters: Any


class Lifting(NamedTuple):
    """Seconds that it took to record and lift a program: of the clock and of the processor.

    `check` are the seconds of the processor that holding it against the scalars took.
    """

    wall: float
    processor: float
    check: float


# ---- in the process of a peer --------------------------------------------------------------------


def serve(connection: Connection, contestant: Contestant) -> None:
    """Answers to the name of a work with a first step, and to a number of seconds with a turn."""
    stay_on_one_core()
    module = importlib.import_module(f"lifting.{contestant.module}")
    learner: Learner | None = None
    while asked := connection.recv():
        if isinstance(asked, str):
            learner = None  # so that the last work is gone before the next begins
            learner = getattr(module, contestant.function)(WORKS[asked]())
            loss = learner.step()
            connection.send(Answer(loss, np.concatenate([a.ravel() for a in learner.arrays()])))
        else:
            assert learner is not None
            connection.send(turn(learner.step, asked))


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


def lift_once(connection: Connection, title: str) -> None:
    """Sends how long it takes to record and lift, in a process that has done nothing else."""
    stay_on_one_core()
    from micrograd_notes import lift

    work = WORKS[title]()
    wall, processor = perf_counter(), process_time()
    program = lift(work.loss, work.model)
    program.source_for(work.X, work.Y)
    lifted = perf_counter() - wall, process_time() - processor
    processor = process_time()
    program.check(work.X, work.Y)  # what the first call does before it answers
    connection.send(Lifting(*lifted, process_time() - processor))


# ---- in ours -------------------------------------------------------------------------------------


class Race:
    """The processes of all peers, from the first work to the last."""

    def __init__(self, contestants: Iterable[Contestant]) -> None:
        self.peers = {each: started(serve, each) for each in contestants}
        self.failures: list[str] = []
        """What was said of each peer that failed, or that did not agree with ours."""

    def run(self, title: str, rounds: int, seconds: float) -> dict[str, list[float]]:
        """Returns the time of a step in each peer's turns, of those that agree with ours.

        A peer that fails is named and takes part in nothing more; the others go on.
        """
        peers = [peer for peer in self.peers if title in peer.works]
        answers = self._answers(peers, title)
        ours = answers.get(LIFTED)
        if ours is None:
            raise RuntimeError(f"{title}: ours did not answer, and there is nothing to compare")
        for name, theirs in answers.items():
            if wrong := disagreement(ours, theirs):
                self._fail(f"{title}: {name} does not agree with ours: {wrong}")
                peers = [peer for peer in peers if peer.name != name]
        times: dict[str, list[float]] = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for name, time in self._answers(peers, seconds).items():
                times[name].append(time)
        return {name: taken for name, taken in times.items() if len(taken) == rounds}

    def _answers(self, peers: Iterable[Contestant], asked: str | float) -> dict[str, Any]:
        """Asks one peer after the other, and returns what those say that do not fail."""
        answers = {}
        for peer in peers:
            if peer not in self.peers:  # it failed before
                continue
            end, process = self.peers[peer]
            try:
                end.send(asked)
                answers[peer.name] = end.recv()
            except (EOFError, OSError):
                process.join()
                del self.peers[peer]
                self._fail(f"{peer.name} ended with status {process.exitcode} when asked {asked!r}")
        return answers

    def _fail(self, what: str) -> None:
        print(f"FAILED: {what}", flush=True)
        self.failures.append(what)

    def close(self) -> None:
        for end, process in self.peers.values():
            end.send(None)
            process.join()


def time_to_lift(title: str, rounds: int) -> Lifting:
    """Returns the medians over fresh processes: the second program in a process is faster."""
    found = []
    for _ in range(rounds):
        end, process = started(lift_once, title)
        found.append(end.recv())
        process.join()
    return Lifting(*map(median, zip(*found, strict=True)))


def started(target: Callable[..., None], argument: Any) -> tuple[Connection, BaseProcess]:
    # spawn, not fork: each process imports what its peer needs and nothing else
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, argument), daemon=True)
    process.start()
    there.close()  # so that a process that fails ends our wait for it
    return here, process


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
