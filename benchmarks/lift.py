"""How long a training step takes lifted, beside seven others, and how long lifting takes.

    python -m pip install torch jax micrograd==0.1.0      # peers; what is missing is left out
    python benchmarks/lift.py --picture lift.svg          # some minutes

A step is the loss, every gradient and the update, on one thread. The rows are those of
`lifting/work.py`; how they are timed, and what all peers must agree on, stands in
`lifting/turns.py`; what is asked of the ratios in `lifting/goals.py`.
"""

from __future__ import annotations

# ruff: noqa: E402  (threads are counted before NumPy is imported)
import argparse
import os

# before NumPy is imported, here and in the processes of the peers
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from lifting.goals import GOALS, LIFTED_WITHIN
from lifting.picture import drawn, save
from lifting.turns import CONTESTANTS, LIFTED, Race, time_to_lift
from lifting.work import WORKS

Table = dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a training step, lifted and beside peers.")
    parser.add_argument("--rounds", type=int, default=7, help="turns for each peer (default: 7)")
    parser.add_argument("--seconds", type=float, default=0.2, help="of a turn (default: 0.2)")
    parser.add_argument("--only", default="", help="only the works with this in their name")
    parser.add_argument("--picture", type=Path, help="where to write the picture, as SVG")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    works = [title for title in WORKS if options.only in title]
    if not works:
        parser.error(f"no work has {options.only!r} in its name: {'; '.join(WORKS)}")
    table, failures = measured(works, options.rounds, options.seconds)
    for title, within in LIFTED_WITHIN.items():
        if title in works:
            report_lifting(title, within, min(options.rounds, 5))
    if options.picture:
        save(drawn(table), options.picture)
    if failures:
        raise SystemExit("\n".join(["", "These failed, and the rest was measured:", *failures]))


def measured(works: list[str], rounds: int, seconds: float) -> tuple[Table, list[str]]:
    """Returns the median time of a step, by work and peer, and what failed; prints it meanwhile."""
    here = [peer for peer in CONTESTANTS if peer.is_here]
    print(surroundings(rounds))
    if left_out := [peer.name for peer in CONTESTANTS if not peer.is_here]:
        print(f"Not on this machine, and left out: {', '.join(left_out)}.")
    race, table = Race(here), {}
    for title in works:
        print(f"\n{title}: {len(here)} peers, {rounds} turns ...", flush=True)
        times = race.run(title, rounds, seconds)
        table[title] = {peer: median(taken) for peer, taken in times.items()}
        print(rows(table[title]), flush=True)
        for goal in GOALS:
            if goal.work == title:
                print(f"  {goal.said(table[title])}", flush=True)
    race.close()
    return table, race.failures


def surroundings(rounds: int) -> str:
    """Returns what the times were measured with."""
    found = []
    for name in ("numpy", "torch", "jax", "micrograd"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"{', '.join(found)}.\n"
        f"One thread, float64, medians of {rounds} turns, time of the processor.\n"
        "All agree on the loss and on the updated parameters."
    )


def rows(medians: dict[str, float]) -> str:
    """Returns a line for each peer: microseconds a step, and that divided by the lifted one's."""
    return "\n".join(
        f"  {peer:16}{time * 1e6:14,.1f} us{time / medians[LIFTED]:14,.2f}"
        for peer, time in medians.items()
    )


def report_lifting(title: str, within: float, rounds: int) -> None:
    found = time_to_lift(title, rounds)
    print(
        f"\n{title}: recorded and lifted in {found.processor * 1e3:,.0f} ms of the processor, "
        f"{found.wall * 1e3:,.0f} ms of the clock\n  must  in {within * 1e3:,.0f} ms of the "
        f"processor: {'met' if found.processor <= within else 'NOT met'}\n"
        f"  held against the scalars, once, in {found.check * 1e3:,.0f} ms more of the processor",
        flush=True,
    )


if __name__ == "__main__":
    main()
