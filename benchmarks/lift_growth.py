"""How the cost of lifting, and of a lifted step, grows with a model and its data.

    python benchmarks/lift_growth.py --picture lift_growth.svg      # a few minutes

One thing grows at a time: the width of an MLP, its depth, the batch, the positions of a small GPT.
For each size: the numbers that are recorded, the gradient's among them; the time to record and lift
them; that of a lifted step, and of an eager one where it takes less than seconds. A step is the
loss, every gradient and the update. Then lines say how the time to lift grows with what is
recorded.

Two tables come before these. One has the time and the memory until a network on images has its
first gradient, by `lift` and by `lift_of_sizes`. The other has a step in JAX on several devices,
threads of this machine, each of which has its part of the batch.
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
import subprocess
import sys
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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# forward operations of an eager step, over the batch: about a tenth of a second
AFFORDABLE = 40_000
HIDDEN = [8, 32, 128, 512, 2048]  # neurons of a network on images
RECORDED = 128  # up to so many, `lift` takes seconds and not minutes
DEVICES = [1, 2, 4, 8]


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


# ---- in processes of their own -------------------------------------------------------------------


class Made(NamedTuple):
    """What it takes until a model has its first gradient, compared with the scalars."""

    seconds: float
    megabytes: float


def apart(*arguments: object, **environment: str) -> list[float]:
    """Returns the numbers that `lift_apart.py` prints."""
    command = [sys.executable, str(Path(__file__).with_name("lift_apart.py")), *map(str, arguments)]
    environment = {**os.environ, **environment}
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [*map(float, run.stdout.split())]


def costs_of_sizes() -> dict[str, dict[int, Made]]:
    """Returns, and prints, the cost by `lift` and by `lift_of_sizes`."""
    found: dict[str, dict[int, Made]] = {"lift": {}, "lift_of_sizes": {}}
    print(f"\nsizes: MLP 784-w-10, until its first gradient\n{'':8}", end="")
    print("".join(f"{way:>24}" for way in found))
    for hidden in HIDDEN:
        print(f"{hidden:8}", end="")
        for way, costs in found.items():
            if way == "lift" and hidden > RECORDED:
                print(f"{'-':>24}", end="")
                continue
            cost = costs[hidden] = Made(*apart(way, hidden))
            print(f"{cost.seconds:14.2f} s{cost.megabytes:5.0f} MB", end="")
        print(flush=True)
    return found


def steps_on_devices() -> dict[int, float]:
    """Returns, and prints, the time of a step on each number of devices."""
    print(f"\ndevices: MLP 784-256-256-10, batch 2048, a step in JAX, {os.cpu_count()} cores")
    found = {}
    for count in DEVICES:
        flags = f"--xla_force_host_platform_device_count={count} --xla_cpu_multi_thread_eigen=false"
        [found[count]] = apart("devices", count, XLA_FLAGS=flags, JAX_PLATFORMS="cpu")
        print(f"{count:8}{found[count] * 1e3:9,.0f} ms", flush=True)
    return found


# ---- table and picture ---------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="Show how the cost of lifting grows.")
    parser.add_argument("--rounds", type=int, default=5, help="turns for each time (default: 5)")
    parser.add_argument("--picture", type=Path, help="where to write the picture, as SVG")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, one thread, float64.")
    print(f"Medians of {options.rounds} turns, time of the processor.")
    of_sizes, on_devices = costs_of_sizes(), steps_on_devices()  # before one core is all there is
    stay_on_one_core()
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
        save(drawn(table, of_sizes, on_devices), options.picture)


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


Curves = dict[str, list[tuple[int, float]]]
STYLES = {
    "to record and lift": "C0o-", "eager step": "C1s-", "lifted step": "C2^-",
    "lift": "C0o-", "lift_of_sizes": "C3D-", "a step in JAX": "C2^-",
    "if each had a core": "k:",
}


def drawn(
    table: dict[str, dict[int, Cost]], of_sizes: dict[str, dict[int, Made]],
    on_devices: dict[int, float]
) -> Figure:
    """Returns a panel for each growth, on axes of equal factors."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 11.5), layout="constrained")
    names = [title.split(":")[0] for title in table]
    rows: Any = [names[:2], names[2:], ["seconds", "MB"], ["devices", "devices"]]
    panels = figure.subplot_mosaic(rows)
    for name in names[1:]:
        panels[name].sharey(panels[names[0]])
    for (title, found), name in zip(table.items(), names, strict=True):
        curves = {
            "to record and lift": [(s, 1e3 * c.lifting) for s, c in found.items()],
            "eager step": [(s, 1e3 * c.eager) for s, c in found.items() if c.eager is not None],
            "lifted step": [(s, 1e3 * c.lifted) for s, c in found.items()],
        }
        panel(panels[name], title.split(": ")[1], name, "milliseconds", curves)
    for k, unit in enumerate(("seconds", "MB")):
        curves = {way: [(s, c[k]) for s, c in found.items()] for way, found in of_sizes.items()}
        panel(panels[unit], "MLP 784-w-10, until its first gradient", "width", unit, curves)
    steps: Curves = {
        "a step in JAX": [(count, 1e3 * time) for count, time in on_devices.items()],
        "if each had a core": [(k, 1e3 * on_devices[1] / k) for k in on_devices],
    }
    title = f"MLP 784-256-256-10, batch 2048, on threads of {os.cpu_count()} cores"
    panel(panels["devices"], title, "devices", "milliseconds", steps)
    panels["devices"].set_yscale("linear")
    panels["devices"].set_ylim(0)
    for name, place in ((names[0], "left"), ("seconds", "left"), ("devices", "center")):
        panels[name].legend(loc=f"upper {place}", frameon=False, fontsize=9)
    return figure


def panel(ax: Axes, title: str, grows: str, unit: str, curves: Curves) -> None:
    for label, points in curves.items():
        ax.plot(*zip(*points, strict=True), STYLES[label], label=label)
    sizes = sorted({size for points in curves.values() for size, _ in points})
    ax.set_title(title, loc="left", fontsize=10)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.set_xlabel(grows)
    ax.set_ylabel(unit)
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.yaxis.set_major_formatter("{x:,g}")


if __name__ == "__main__":
    main()
