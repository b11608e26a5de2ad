"""What lifting costs: time, memory, and compiling the C, each time in a new process.

The second program in a process takes less time than the first, so that medians are over processes.
`lift.py` prints them.
"""

from __future__ import annotations

import os
import re
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import NamedTuple

from lifting import in_ours
from lifting.turns import Failed, started, stay_on_one_core
from lifting.work import Task, is_large


class Lifting(NamedTuple):
    """What it took to record and lift a program: seconds, and bytes above those of the model.

    `check` are the seconds of the processor that the comparison with the scalars took, which large
    works are spared.
    """

    wall: float
    processor: float
    check: float
    memory: float


def lift_once(connection: Connection, task: Task) -> None:
    stay_on_one_core()
    work = task.make()
    memory, wall, processor = highest(), perf_counter(), process_time()
    program = in_ours.lifted(work)
    program.source_for(work.X, work.Y)
    lifted = perf_counter() - wall, process_time() - processor
    memory, check = highest() - memory, 0.0
    if not is_large(task):
        processor = process_time()
        program.check(work.X, work.Y)  # the first call does it before it answers
        check = process_time() - processor
    connection.send(Lifting(*lifted, check, memory))


def compile_once(connection: Connection, task: Task) -> None:
    """Sends how long the C compiler takes when nothing is in the cache."""
    with TemporaryDirectory() as folder:
        os.environ["MICROGRAD_NOTES_CACHE"] = folder
        try:
            in_ours.in_c(task.make())
        except RuntimeError as error:  # there is no C for it
            connection.send(Failed(str(error)))
            return
    times = os.times()
    connection.send(times.children_user + times.children_system)


def highest() -> float:
    """Returns how many bytes this process had at its height, or nan where Linux does not say."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return float(found[1]) * 1024 if found else float("nan")


def cost_of_lifting(task: Task, rounds: int) -> Lifting | Failed:
    """Returns the medians of some processes, or why one of them failed."""
    found = []
    for _ in range(rounds):
        running = started(lift_once, task)
        said = running.said()
        running.end()
        if isinstance(said, Failed):
            return said
        found.append(said)
    return Lifting(*map(median, zip(*found, strict=True)))


def seconds_to_compile(task: Task) -> float | None:
    """Returns the seconds of the processor, or None if there is no C for this work."""
    if not in_ours.HAS_C:
        return None
    running = started(compile_once, task)
    said = running.said()
    running.end()
    return None if isinstance(said, Failed) else said
