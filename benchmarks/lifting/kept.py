"""Results that are kept: a line per run in `results.jsonl`, to see when a commit made steps slower.

A line has, for each work, the time of our rows divided by that of the best peer, and that peer's
time. `lift.py --keep` writes it, and each run of `lift.py` is compared with the last line.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

from lifting.goals import BEST, Medians, best_of, ratio_of
from lifting.turns import FAST, IN_C, PRINTED
from lifting.work import Task

FILE = Path(__file__).parents[1] / "results.jsonl"
OURS = [IN_C, FAST, PRINTED]
NOISE = 1.1  # medians of the same commit differ by some percent

Line = dict[str, Any]


def line_of(table: dict[Task, Medians], epoch: float | None, seed: int) -> Line:
    """Returns what is kept of a run."""
    return {
        "commit": commit(),
        "date": date.today().isoformat(),
        "machine": machine(),
        "seed": seed,
        "epoch of fit": epoch,
        "of the best peer": {
            work.title: {row: ratio for row in OURS if (ratio := ratio_of(medians, row, BEST))}
            for work, medians in table.items()
        },
        "best peer": {
            work.title: {"name": best, "us": medians[best] * 1e6}
            for work, medians in table.items()
            if (best := best_of(medians)) is not None
        },
    }


def keep(line: Line) -> None:
    with FILE.open("a") as file:
        file.write(json.dumps(line) + "\n")


def last() -> Line | None:
    """Returns the line that was kept last on a machine like this one, or None."""
    lines = map(json.loads, FILE.read_text().splitlines() if FILE.exists() else [])
    return next((line for line in reversed([*lines]) if line["machine"] == machine()), None)


def slower(before: Line, now: Line) -> list[str]:
    """Returns a sentence for each row that takes a larger part of the best peer's time than before.

    Rows and works that one of the two does not have are skipped.
    """
    ratios = {f"{work}: {row}": ratio for work, row, ratio in flat(now)}
    found = []
    for work, row, then in flat(before):
        ratio = ratios.get(f"{work}: {row}", 0.0)
        if ratio > NOISE * then:
            found.append(f"{work}: {row}: {ratio:.2f} of the best peer, {then:.2f} before")
    epoch, then = now["epoch of fit"], before["epoch of fit"]
    if epoch and then and epoch > NOISE * then:
        found.append(f"an epoch of fit: {epoch:.3f} of a loop in PyTorch, {then:.3f} before")
    return found


def flat(line: Line) -> list[tuple[str, str, float]]:
    return [
        (work, row, ratio)
        for work, ratios in line["of the best peer"].items()
        for row, ratio in ratios.items()
    ]


def commit() -> str:
    """Returns the commit that is checked out, with a + if files differ from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    folder = Path(__file__).parent
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def machine() -> str:
    """Returns the processor's name and the system's."""
    cpus = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpus.read_text()) if cpus.exists() else None
    return f"{found[1] if found else platform.processor()}, {platform.system()}"
