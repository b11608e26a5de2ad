"""How the cost of lifting, and of a lifted step, grows with a model and its data.

    python benchmarks/lift_growth.py --picture lift_growth.svg      # a few minutes

One thing grows at a time: the width of an MLP, its depth, the batch, the positions of a small GPT.
For each size: the numbers that are recorded, the gradient's among them; the time to record and lift
them; that of a lifted step, and of an eager one where it takes less than seconds. A step is the
loss, every gradient and the update. The last lines say how the time to lift grows with what is
recorded.
"""

from __future__ import annotations

# ruff: noqa: E402  (threads are counted before NumPy is imported)
import argparse
import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import gc
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from lifting import in_ours
from lifting.picture import save
from lifting.turns import stay_on_one_core, turn
from lifting.work import HEADS, LETTERS, Work

from micrograd_notes import MLP, lift
from micrograd_notes.engine.functions import pick
from micrograd_notes.engine.ops import logsumexp
from micrograd_notes.gpt import GPT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# forward operations of an eager step, over the batch: about a tenth of a second
AFFORDABLE = 40_000


class Size(NamedTuple):
    """A model and its data, and what of them grows."""

    grows: str
    size: int
    work: Work


class Cost(NamedTuple):
    """Numbers recorded, and seconds to lift them and for a step."""

    recorded: int
    lifting: float
    lifted: float
    eager: float | None


# ---- what grows ----------------------------------------------------------------------------------


def network(inputs: int, hidden: list[int], batch: int) -> Work:
    generator = np.random.default_rng(0)
    model = MLP(inputs, [*hidden, 4], seed=0)

    def loss(x: Any, y: Any) -> Any:
        logits = model(x)
        return logsumexp(logits) - pick(logits, y)

    X, Y = generator.normal(size=(batch, inputs)), generator.integers(4, size=batch)
    return Work(model, loss, X, Y)


def texts(positions: int, batch: int) -> Work:
    generator = np.random.default_rng(0)
    model = GPT(LETTERS, positions=16, width=16, heads=HEADS, seed=0)
    X, Y = generator.integers(len(LETTERS) + 1, size=(2, batch, positions))
    return Work(model, model.loss, X, Y)


GROWTHS: dict[str, tuple[list[int], Callable[[int], Work]]] = {
    "width: MLP 16-w-w-4, batch 8": ([4, 8, 16, 32, 64], lambda w: network(16, [w, w], 8)),
    "depth: MLP 16-16-…-4, batch 8": ([1, 2, 4, 8, 16], lambda depth: network(16, [16] * depth, 8)),
    "batch: MLP 16-16-16-4": ([1, 8, 64, 512, 4096], lambda batch: network(16, [16, 16], batch)),
    "positions: GPT, 1 text": ([1, 2, 4, 8, 16], lambda positions: texts(positions, 1)),
}


def sizes() -> Iterator[Size]:
    for title, (counts, work_of) in GROWTHS.items():
        for count in counts:
            yield Size(title, count, work_of(count))


# ---- what it costs -------------------------------------------------------------------------------


def cost(work: Work, rounds: int) -> Cost:
    recorded = recorded_operations(work)
    gc.collect()  # what the collector would still walk is not the eager step's
    eager = None
    if recorded / 3 * len(work.X) < AFFORDABLE:  # about a third of what is recorded goes forward
        step = in_ours.scalars(work).step
        eager = median(turn(step, 0.1) for _ in range(rounds))
    lifting = median(lifting_seconds(work) for _ in range(min(rounds, 3)))
    lifted = in_ours.fast(work).step
    lifted()
    return Cost(recorded, lifting, median(turn(lifted, 0.1) for _ in range(rounds)), eager)


def lifting_seconds(work: Work) -> float:
    """Returns the time of the processor that a new program takes for its first shape."""
    gc.collect()
    start = process_time()
    lift(work.loss, work.model).source_for(work.X, work.Y)
    return process_time() - start


def recorded_operations(work: Work) -> int:
    """Returns how many numbers `explain` says were recorded."""
    program = lift(work.loss, work.model)
    program.source_for(work.X, work.Y)
    found = re.search(r"record: ([\d,]+) ", program.explain())
    assert found is not None
    return int(found[1].replace(",", ""))


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Returns the power with which y grows with x: the slope of a line through the logarithms."""
    x, y = np.log(np.array(points)).T
    return float(np.polyfit(x, y, 1)[0])


# ---- table and picture ---------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="Show how the cost of lifting grows.")
    parser.add_argument("--rounds", type=int, default=5, help="turns for each time (default: 5)")
    parser.add_argument("--picture", type=Path, help="where to write the picture, as SVG")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    stay_on_one_core()
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, one thread, float64.")
    print(f"Medians of {options.rounds} turns, time of the processor.")
    in_ours.fast(network(2, [2], 1)).step()  # what is imported and cached once
    table: dict[str, dict[int, Cost]] = {}
    for grows, size, work in sizes():
        if grows not in table:
            print(f"\n{grows}\n{'':8}{'recorded':>10}{'to lift':>12}{'each':>10}", end="")
            print(f"{'lifted step':>15}{'eager step':>15}{'ratio':>9}")
        found = cost(work, options.rounds)
        table.setdefault(grows, {})[size] = found
        print(row(size, found), flush=True)
    print(f"\n{growth(table)}")
    if options.picture:
        save(drawn(table), options.picture)


def row(size: int, found: Cost) -> str:
    each = found.lifting / found.recorded * 1e6
    line = f"{size:8}{found.recorded:10,}{found.lifting * 1e3:9,.0f} ms{each:7.1f} us"
    line += f"{found.lifted * 1e6:12,.0f} us"
    if found.eager is None:
        return f"{line}{'-':>15}{'-':>9}"
    return f"{line}{found.eager * 1e6:12,.0f} us{found.eager / found.lifted:9,.0f}"


def growth(table: dict[str, dict[int, Cost]]) -> str:
    """Returns how the time to lift grows with the numbers recorded, where those grow."""
    lines = []
    for grows, found in table.items():
        points = [(cost.recorded, cost.lifting) for cost in found.values()][-3:]
        if len({recorded for recorded, _ in points}) == 1:
            continue
        name = grows.split(":")[0]
        lines.append(f"to lift, over {name}: like recorded ** {exponent(points):.2f} (last three)")
    return "\n".join(lines)


def drawn(table: dict[str, dict[int, Cost]]) -> Figure:
    """Returns a panel for each growth: the times over the size, on axes of equal factors."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6.5), layout="constrained")
    panels = figure.subplots(2, 2, sharey=True)
    for (grows, found), ax in zip(table.items(), panels.flat, strict=True):
        curves = {
            "to record and lift": ("o", [(s, c.lifting) for s, c in found.items()]),
            "eager step": ("s", [(s, c.eager) for s, c in found.items() if c.eager is not None]),
            "lifted step": ("^", [(s, c.lifted) for s, c in found.items()]),
        }
        for label, (marker, points) in curves.items():
            x, y = zip(*points, strict=True)
            ax.plot(x, [1e3 * seconds for seconds in y], marker=marker, label=label)
        name, model = grows.split(": ")
        ax.set_title(model, loc="left", fontsize=10)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xticks(list(found), [f"{size:,}" for size in found])
        ax.set_xlabel(name)
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.yaxis.set_major_formatter("{x:,g}")
    for ax in panels[:, 0]:
        ax.set_ylabel("milliseconds")
    panels[0, 0].legend(frameon=False, fontsize=9)
    return figure


if __name__ == "__main__":
    main()
