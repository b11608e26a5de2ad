"""How long a step of micrograd's demo takes, beside micrograd and beside stored partials.

    python benchmarks/engine.py

Each peer runs in a process of its own, so that none pays for another's garbage. The processes take
turns, A B C A B C, so that a busy minute of the machine falls on all of them. A turn is three steps
one behind the other, because the collector comes by every other step or so; the medians of the
turns are printed. Before any time is taken, the peers must agree on the loss and on its 337
gradients.

A step frees the graph of the step before it, as a training loop does. Where a graph is freed by
counting references, that time is part of its forward pass. The peers' graphs hold reference
cycles and wait for the collector: with the collector off, nobody counts the time to free them.

This file times. What the step is stands in demo_step.py, what it weighs in memory.py.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import math
import multiprocessing
import platform
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from multiprocessing.connection import Connection
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from demo_step import Peer, count_nodes, demo_loss, peers


class Setting(NamedTuple):
    """The circumstances of a run."""

    title: str
    collector: bool
    arrays: bool


SETTINGS = [
    Setting(
        "As a user runs it: the collector on, NumPy, scikit-learn and Matplotlib imported,\n"
        "the moons in NumPy arrays, as the demo has them.",
        collector=True,
        arrays=True,
    ),
    Setting(
        "The collector off for all, everything else the same.",
        collector=False,
        arrays=True,
    ),
    Setting(
        "The collector off for all, the moons in lists of Python floats:\n"
        "the peers' own arithmetic, not slowed by NumPy's numbers.",
        collector=False,
        arrays=False,
    ),
]


STEPS_A_TURN = 3


class Times(NamedTuple):
    """Seconds that a step took, forward and backward."""

    forward: float
    backward: float

    @property
    def together(self) -> float:
        return self.forward + self.backward


class Answer(NamedTuple):
    """What a peer computed, for the others to agree with."""

    nodes: int
    loss: float
    gradients: list[float]


def moons(arrays: bool) -> tuple[Sequence[Sequence[float]], Sequence[float]]:
    """Returns the demo's points and targets (+1 or -1), drawn as the demo draws them."""
    import numpy
    from sklearn.datasets import make_moons

    numpy.random.seed(1337)
    points, labels = make_moons(n_samples=100, noise=0.1)
    targets = labels * 2 - 1
    return (points, targets) if arrays else (points.tolist(), targets.tolist())


def prepare(peer: Peer, setting: Setting) -> tuple[Any, Callable[[], Any]]:
    """Returns the peer's model and a function that builds the graph of its loss."""
    importlib.import_module("matplotlib.pyplot")
    points, targets = moons(setting.arrays)
    value, model = peer.value(), peer.model()
    if not setting.collector:
        gc.disable()
    return model, lambda: demo_loss(value, model, points, targets)


def first_step(peer: Peer, model: Any, build: Callable[[], Any]) -> Answer:
    """Returns what the peer computes in a step that is not timed: it also warms the caches."""
    loss = build()
    loss.backward()
    gradients = [float(p.grad) for p in model.parameters()]
    return Answer(count_nodes(loss, peer.operands), float(loss.data), gradients)


def turn(model: Any, build: Callable[[], Any]) -> Times:
    """Returns how long a step takes, as the mean over a turn."""
    forward = backward = 0.0
    loss = None
    for _ in range(STEPS_A_TURN):
        model.zero_grad()
        start = perf_counter()
        loss = build()
        built = perf_counter()
        loss.backward()
        differentiated = perf_counter()
        forward += built - start
        backward += differentiated - built
    return Times(forward / STEPS_A_TURN, backward / STEPS_A_TURN)


def serve(connection: Connection, peer: Peer, setting: Setting) -> None:
    """Runs in a process of its own: answers first, then takes a turn for each message."""
    model, build = prepare(peer, setting)
    connection.send(first_step(peer, model, build))
    while connection.recv():
        times = turn(model, build)
        if not setting.collector:
            # Outside the time: nothing else frees the peers' graphs, and they would pile up.
            # And before the answer: the next peer has the machine to itself.
            gc.collect()
        connection.send(times)


def run(
    everyone: list[Peer], setting: Setting, rounds: int
) -> tuple[dict[str, Answer], dict[str, list[Times]]]:
    """Returns each peer's answer, and its times over rounds in which each takes a turn."""
    # spawn, not fork: each process imports what its peer needs and nothing else
    context = multiprocessing.get_context("spawn")
    ends: dict[str, Connection] = {}
    processes = []
    for peer in everyone:
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(there, peer, setting), daemon=True)
        process.start()
        there.close()  # so that a process that fails ends our wait for it
        ends[peer.name] = here
        processes.append(process)
    say(f"{', '.join(ends)}: the first step, which is not timed")
    answers: dict[str, Answer] = {name: end.recv() for name, end in ends.items()}
    times: dict[str, list[Times]] = {name: [] for name in ends}
    for round_ in range(1, rounds + 1):
        say(f"round {round_} of {rounds}")
        for name, end in ends.items():
            end.send(True)
            times[name].append(end.recv())
    for end, process in zip(ends.values(), processes, strict=True):
        end.send(False)
        process.join()
    return answers, times


def say(what: str) -> None:
    """Says on the error stream what is being done, so that the tables alone go into a file."""
    print(f"  ... {what}", file=sys.stderr, flush=True)


def check_agreement(answers: dict[str, Answer]) -> None:
    """Raises unless all peers computed the same loss and the same gradients.

    The losses are equal to the last bit, as all do the same arithmetic in the same order.
    Gradients are not: micrograd keeps operands in sets, so it adds contributions in an order that
    differs from run to run. A gradient here is a sum over 100 samples, of sums over at most 16
    neurons. In another order it moves by no more than 2 * 116 * 2**-53 times the sum of the sizes
    of its terms, which is 2.6 at most on this step: by 7e-14. A term that is wrong or missing would
    be ten digits larger than the 1e-12 allowed.
    """
    (first, ours), *others = answers.items()
    for name, theirs in others:
        if theirs.loss != ours.loss:
            raise AssertionError(f"loss: {first} {ours.loss!r}, {name} {theirs.loss!r}")
        for index, (a, b) in enumerate(zip(ours.gradients, theirs.gradients, strict=True)):
            if not math.isclose(a, b, rel_tol=0.0, abs_tol=1e-12):
                raise AssertionError(f"gradient {index}: {first} {a!r}, {name} {b!r}")


def report(answers: dict[str, Answer], times: dict[str, list[Times]]) -> str:
    """Returns a table of medians: ns a node, a step in ms, and how many of our steps that is."""
    ours = median(taken.together for taken in next(iter(times.values())))
    lines = [
        f"{'':16}{'nodes':>8}{'forward':>10}{'backward':>10}{'together':>10}{'step':>10}{'ratio':>8}",
        f"{'':24}{'ns a node':>30}{'ms':>10}",
    ]
    for name, turns in times.items():
        nodes = answers[name].nodes
        forward, backward, together = (
            median(column)
            for column in zip(*((*taken, taken.together) for taken in turns), strict=True)
        )
        lines.append(
            f"{name:16}{nodes:8,}{forward / nodes * 1e9:10.0f}{backward / nodes * 1e9:10.0f}"
            f"{together / nodes * 1e9:10.0f}{together * 1e3:10.1f}{together / ours:8.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a step of micrograd's demo, beside peers.")
    parser.add_argument("--rounds", type=int, default=7, help="turns for each peer (default: 7)")
    rounds = parser.parse_args().rounds
    if rounds < 1:
        parser.error(f"--rounds must be at least 1, got {rounds}")
    everyone = peers()
    print("One step of micrograd's demo: moons, 100 samples, MLP 2-16-16-1, hinge loss + L2.")
    print(
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"micrograd {version('micrograd')}, medians of {rounds} turns."
    )
    for number, setting in enumerate(SETTINGS, 1):
        print(f"\n{number} of {len(SETTINGS)}. {setting.title}", flush=True)
        answers, times = run(everyone, setting, rounds)
        check_agreement(answers)
        print(report(answers, times), flush=True)


if __name__ == "__main__":
    main()
