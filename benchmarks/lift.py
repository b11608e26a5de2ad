"""How long a training step takes lifted, beside others, and what lifting costs.

    python -m pip install torch jax scipy micrograd==0.1.0      # what is missing is left out
    python benchmarks/lift.py --picture lift.svg                # some minutes
    python benchmarks/lift.py --quick --only digits             # less than a minute

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

os.environ.pop("MICROGRAD_NOTES_BACKEND", None)  # each row has its own

import platform
import random
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from lifting import epoch, in_ours, kept
from lifting.cost import cost_of_lifting, seconds_to_compile
from lifting.goals import EPOCH, KINDS, LIFTED_WITHIN, Medians, best_of, compiled_within, goals_of
from lifting.picture import drawn as picture_of, save
from lifting.turns import CONTESTANTS, Failed, Race, earlier
from lifting.work import TASKS, Task, drawn, is_large, is_too_large

VERDICTS = ("NOT met", "not measured", "met")  # the first one that a line ends with counts
verdicts: Counter[str] = Counter()
"""How many goals of a kind were met, were not met, and were not measured."""
failures: list[str] = []
"""What failed; the rest is measured."""


def main() -> None:
    options = parsed()
    print(surroundings(options.rounds, options.seed))
    contestants = [each for each in CONTESTANTS if each.is_here]
    if left_out := [each.name for each in CONTESTANTS if not each.is_here]:
        print(f"Not there, and left out: {', '.join(left_out)}.")
    if options.before:
        contestants.append(earlier(options.before.resolve()))
    table: dict[Task, Medians] = {}
    for task in options.tasks:
        race = Race(task, contestants)
        print(f"\n{task.title}", flush=True)
        times = race.run(options.rounds, options.seconds)
        failures.extend(race.failures)
        table[task] = medians = {row: median(taken) for row, taken in times.items()}
        print(rows(medians))
        for goal in goals_of(task):
            judged(goal.said(medians))
    for task in options.tasks:
        report_lifting(task, min(options.rounds, 5))
    ratio = None if options.only else report_epoch(min(options.rounds, 3))
    print_verdicts()
    compared(kept.line_of(table, ratio, options.seed), options.keep)
    if options.picture:
        save(picture_of(table), options.picture)
    if failures:
        raise SystemExit("\n".join(["", "These failed, and the rest was measured:", *failures]))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time a training step, lifted and beside peers.")
    parser.add_argument("--rounds", type=int, default=7, help="turns for each peer (default: 7)")
    parser.add_argument("--seconds", type=float, default=0.2, help="of a turn (default: 0.2)")
    parser.add_argument("--only", default="", help="only the works with this in their name")
    parser.add_argument("--quick", action="store_true", help="without works that are long to lift")
    parser.add_argument("--seed", type=int, help="of the three sizes (default: another each time)")
    parser.add_argument("--before", type=Path, help="another checkout, to time as well")
    parser.add_argument("--keep", action="store_true", help=f"add a line to {kept.FILE.name}")
    parser.add_argument("--picture", type=Path, help="where to write the picture, as SVG")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    if options.seed is None:
        options.seed = random.randrange(1000)
    leaves = is_large if options.quick else is_too_large
    tasks = [task for task in [*TASKS, *drawn(options.seed)] if options.only in task.title]
    if not tasks:
        titles = "; ".join(task.title for task in [*TASKS, *drawn(options.seed)])
        parser.error(f"no work has {options.only!r} in its name: {titles}")
    left_out = [task for task in tasks if leaves(task) and (options.quick or not in_ours.of_sizes)]
    options.tasks = [task for task in tasks if task not in left_out]
    for task in left_out:
        print(f"Left out, as it records about {task.recorded:,} numbers: {task.title}.")
    return options


def surroundings(rounds: int, seed: int) -> str:
    """Returns what the times were measured with."""
    found = []
    for name in ("numpy", "torch", "jax", "micrograd"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"Commit {kept.commit()} on {kept.machine()}, Python {platform.python_version()}, "
        f"{', '.join(found)}.\n"
        f"One thread, float64, medians of {rounds} turns, time of the processor.\n"
        f"Three sizes are drawn with --seed {seed}.\n"
        "All agree on the loss and on the updated parameters. The last column is the time, divided "
        "by that of the best peer."
    )


def rows(medians: Medians) -> str:
    """Returns a line for each row: microseconds per step, and that divided by the best peer's."""
    best = best_of(medians)
    unit = medians[best] if best else float("nan")
    return "\n".join(
        f"  {row:20}{time * 1e6:14,.1f} us{time / unit:14,.2f}" for row, time in medians.items()
    )


def judged(said: str) -> None:
    """Prints what was said of a goal, and counts it."""
    verdict = next(verdict for verdict in VERDICTS if said.endswith(verdict))
    verdicts[f"{said[:4]} {verdict}"] += 1
    print(f"  {said}", flush=True)


def within(what: str, seconds: float | None, at_most: float) -> str:
    if seconds is None:
        return f"must  {what} in {at_most * 1e3:,.0f} ms: not measured"
    verdict = "met" if seconds <= at_most else "NOT met"
    return f"must  {what} in {at_most * 1e3:,.0f} ms: {seconds * 1e3:,.0f} {verdict}"


def report_lifting(task: Task, rounds: int) -> None:
    found = cost_of_lifting(task, 1 if is_large(task) else rounds)
    if isinstance(found, Failed):
        failures.append(f"{task.title}: lifting: {found.why}")
        return
    print(
        f"\n{task.title}: recorded and lifted in {found.processor * 1e3:,.0f} ms of the processor, "
        f"{found.wall * 1e3:,.0f} ms of the clock\n  with {found.memory / 1e6:,.0f} MB more at most"
        + (f"; compared with the scalars in {found.check * 1e3:,.0f} ms" if found.check else "")
    )
    if task in LIFTED_WITHIN:
        judged(within("lifted", found.processor, LIFTED_WITHIN[task]))
    judged(within("compiled as C", seconds_to_compile(task), compiled_within(task)))


def report_epoch(rounds: int) -> float | None:
    """Prints the time of an epoch of `fit`, and returns its ratio to that of PyTorch."""
    found = epoch.seconds_per_epoch(rounds)
    if isinstance(found, Failed):
        failures.append(f"an epoch: {found.why}")
        return None
    print("\nAn epoch on digits, 64-32-10, batch 32, Adam")
    for name, seconds in found.items():
        print(f"  {name:20}{seconds * 1e6:14,.1f} us")
    ratio = found[epoch.FIT] / found[epoch.TORCH] if epoch.TORCH in found else None
    for kind, part in zip(KINDS, EPOCH, strict=True):
        words = f"{kind}  fit: at most {part:.2f} of {epoch.TORCH}"
        verdict = "met" if ratio is not None and ratio <= part else "NOT met"
        judged(f"{words}: not measured" if ratio is None else f"{words}: {ratio:.3f} {verdict}")
    return ratio


def print_verdicts() -> None:
    print()
    for kind in KINDS:
        counts = [f"{verdicts[f'{kind} {verdict}']} {verdict}" for verdict in VERDICTS]
        print(f"{kind}  {', '.join(counts)}")


def compared(line: kept.Line, is_kept: bool) -> None:
    """Prints which rows are slower than in the line that was kept last, and keeps this one."""
    before = kept.last()
    if before is None:
        print(f"\n{kept.FILE.name} does not have a line for this machine to compare with.")
    else:
        found = kept.slower(before, line)
        words = "These are slower than" if found else "Nothing is slower than"
        print("\n".join([f"\n{words} in {before['commit']} of {before['date']}", *found]))
    if is_kept:
        kept.keep(line)


if __name__ == "__main__":
    main()
