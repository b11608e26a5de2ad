"""How long pictures and steppers take, and how large they are.

    python benchmarks/draw.py

Each line is the best of a few runs: what else a machine does only ever makes a run longer. Graphs
are built outside the time. This file times; that the pictures are right is for the tests.
"""

from __future__ import annotations

import argparse
import platform
import random
from collections.abc import Callable
from time import perf_counter
from typing import Any

from micrograd_notes import MLP, Value, topological_order
from micrograd_notes.draw import draw_backward, draw_dot
from micrograd_notes.engine import ops
from micrograd_notes.nn.losses import hinge_loss
from micrograd_notes.train.data import moons


def main() -> None:
    parser = argparse.ArgumentParser(description="Time pictures of graphs, and steppers.")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default: 3)")
    runs = parser.parse_args().runs
    if runs < 1:
        parser.error(f"--runs must be at least 1, got {runs}")
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}\n")
    print(f"{'':44}{'values':>8}{'steps':>7}{'seconds':>9}{'MB':>7}")

    large = mixed_graph(values=1_000)
    report("a picture, whole", large, runs, lambda: draw_dot(large, limit=2_000).svg())
    model, loss = demo_loss()
    report("a picture, by neuron", loss, runs, lambda: draw_dot(loss, model=model).svg())
    report("its page, with groups that open", loss, runs, lambda: page_by_neuron(model, loss))
    wide, wide_loss = loss_of_wide_layers()
    report(
        "a picture of wide layers",
        wide_loss,
        runs,
        lambda: draw_dot(wide_loss, model=wide, partials=True).svg(),
    )
    short = mixed_graph(values=192)
    report("a stepper, node by node", short, runs, lambda: draw_backward(short).html(), short)
    report("the same beside a wrong sweep", short, runs, lambda: beside(short))
    report(
        "a stepper, by neuron",
        loss,
        runs,
        lambda: draw_backward(loss, model=model).html(),
        loss,
        model,
    )


def mixed_graph(values: int) -> Value:
    """Returns the root of about so many values; every eighth operand is used once more."""
    generator = random.Random(0)
    pool = [Value(generator.uniform(-1.0, 1.0)) for _ in range(values * 7 // 15)]
    made = 0
    while len(pool) > 1:
        left, right = pool.pop(0), pool.pop(0)
        pool.append((left * right, left + right, ops.hypot(left, right))[made % 3])
        made += 1
        if made % 8 == 0:
            pool.insert(generator.randrange(len(pool)), right)
    return pool[0]


def demo_loss() -> tuple[MLP, Value]:
    """Returns micrograd's demo: an MLP [16, 16, 1] on 100 points, with a penalty on the weights."""
    data = moons(samples=100, noise=0.1)
    model = MLP(2, [16, 16, 1], seed=0)
    outputs: list[Any] = [model(point) for point in data.inputs]
    loss = hinge_loss(outputs, list(data.signs()))
    penalty = sum((p * p for p in model.parameters()), Value(0.0))
    return model, loss + 1e-4 * penalty


def page_by_neuron(model: MLP, loss: Value) -> str:
    return draw_dot(loss, model=model).html()


def loss_of_wide_layers() -> tuple[MLP, Value]:
    """Returns an MLP [64, 64, 1] on 4 samples: drawn by neuron it would have 4,230 arrows."""
    generator = random.Random(0)
    model = MLP(64, [64, 64, 1], seed=0)
    samples = [[generator.uniform(-1.0, 1.0) for _ in range(64)] for _ in range(4)]
    return model, sum(((model(sample) - 1.0) ** 2 for sample in samples), Value(0.0))


def beside(root: Value) -> str:
    return draw_backward(root, wrong="assign").html()


def report(
    what: str,
    root: Value,
    runs: int,
    make: Callable[[], str],
    stepped: Value | None = None,
    model: MLP | None = None,
) -> None:
    best = min(timed(make) for _ in range(runs))
    size = len(make().encode()) / 1e6
    steps = "" if stepped is None else f"{len(draw_backward(stepped, model=model).steps)}"
    values = len(topological_order(root))
    print(f"{what:44}{values:8,}{steps:>7}{best:9.2f}{size:7.2f}", flush=True)


def timed(make: Callable[[], str]) -> float:
    start = perf_counter()
    make()
    return perf_counter() - start


if __name__ == "__main__":
    main()
