"""Runs the tests against every mutant of the core, and prints which ones survive.

    python -m tests.mutation                                    all of them: about an hour
    python -m tests.mutation accurate value                     of two files
    python -m tests.mutation --sample 200 --seed 1              of a random sample
    python -m tests.mutation --minutes 20                       as many as can be, at random
    python -m tests.mutation --again                            those that survived the last time

Each of the workers has a copy of the tree, and mutates files there. It imports what the tests need,
all but the package, once, and forks a process for each mutant: most die within a second or two,
as the tests that name the function come first and quick tests come before slow ones.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.mutation import worker
from tests.mutation.equivalent import known_equivalents
from tests.mutation.mutants import Mutant, mutants_of, room_of

LAST = worker.ROOT / "build" / "mutation" / "last.json"
FILES = {Path(file).stem: file for file in worker.TESTS}


def main() -> None:
    arguments = parsed()
    if importlib.util.find_spec("cosmic_ray") is None:
        sys.exit("the mutants are made by Cosmic Ray: pip install cosmic-ray")
    os.nice(arguments.nice)
    started = time.perf_counter()
    mutants = chosen(arguments)
    which = f", drawn with the seed {arguments.seed}" if arguments.sample else ""
    print(f"{len(mutants)} mutants of {', '.join(arguments.files)}{which}", flush=True)
    survivors: list[Mutant] = []
    with ProcessPoolExecutor(
        arguments.workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=worker.start,
        initargs=(str(worker.ROOT), {mutant.file for mutant in mutants}),
    ) as pool:
        answers = {pool.submit(worker.survives, mutant): mutant for mutant in mutants}
        mutants = []
        for count, answer in enumerate(as_completed(answers), start=1):
            if answer.cancelled():
                continue
            mutants.append(answers[answer])
            if answer.result():
                survivors.append(answers[answer])
                print(answers[answer], flush=True)
            if count % 100 == 0:
                minutes = (time.perf_counter() - started) / 60
                print(f"  {count} run, {len(survivors)} survive, {minutes:.0f} min", flush=True)
            if arguments.minutes and time.perf_counter() - started > 60 * arguments.minutes:
                for waiting in answers:
                    waiting.cancel()
        known = known_equivalents()
        listed = [mutant for mutant in survivors if mutant.key in known]
        same = dict(zip(listed, pool.map(worker.computes_the_same, listed), strict=True))
    remember(survivors)
    print(report(mutants, survivors, same))
    unexplained = [mutant for mutant in survivors if not same.get(mutant)]
    sys.exit(1 if unexplained else 0)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description="Mutation testing of the core."
    )
    parser.add_argument("files", nargs="*", metavar="file", help=f"among {', '.join(FILES)}")
    parser.add_argument("--sample", type=int, help="run so many, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    parser.add_argument("--minutes", type=float, help="then stop, and report of those that ran")
    parser.add_argument("--again", action="store_true", help="run what survived the last time")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--nice", type=int, default=10)
    arguments = parser.parse_args()
    unknown = set(arguments.files) - set(FILES)
    if unknown:
        parser.error(f"unknown file {', '.join(unknown)}; there are {', '.join(FILES)}")
    arguments.files = arguments.files or list(FILES)
    return arguments


def chosen(arguments: argparse.Namespace) -> list[Mutant]:
    """Returns the mutants to run, in an order that gives every worker some of each file."""
    survived: set[tuple[str, ...]] = set()
    if arguments.again:
        survived = set(map(tuple, json.loads(LAST.read_text(encoding="utf-8"))))
    mutants: list[Mutant] = []
    for name in arguments.files:
        file = FILES[name]
        lines = {before for room, _, before, _ in survived if room == room_of(file)}
        source = (worker.ROOT / file).read_text(encoding="utf-8")
        mutants += mutants_of(file, source, lines if arguments.again else None)
    if arguments.again:
        mutants = [mutant for mutant in mutants if mutant.key in survived]
    random.Random(arguments.seed).shuffle(mutants)
    return mutants[: arguments.sample]


def remember(survivors: list[Mutant]) -> None:
    LAST.parent.mkdir(parents=True, exist_ok=True)
    LAST.write_text(json.dumps([mutant.key for mutant in survivors]), encoding="utf-8")


def report(mutants: list[Mutant], survivors: list[Mutant], same: dict[Mutant, bool]) -> str:
    """Returns the counts a file, and what there is to say about each survivor."""
    known = known_equivalents()
    lines = [f"\n{'':26}{'mutants':>8}{'killed':>8}{'survived':>10}{'':>8}{'equivalent':>12}"]
    count, alive = (Counter(m.file for m in group) for group in (mutants, survivors))
    equivalent = Counter(m.file for m, computes_the_same in same.items() if computes_the_same)
    for counts in (count, alive, equivalent):
        counts["together"] = counts.total()
    for file, total in count.items():
        lines.append(
            f"{file:26}{total:8}{total - alive[file]:8}{alive[file]:10}"
            f"{alive[file] / total:8.1%}{equivalent[file]:12}"
        )
    for mutant in sorted(survivors, key=lambda m: (m.file, m.line)):
        if mutant not in same:
            verdict = "SURVIVES"
        elif same[mutant]:
            verdict = f"equivalent: {known[mutant.key]}"
        else:
            verdict = f"SURVIVES, though it does not compute the same: {known[mutant.key]}"
        lines.append(f"\n{mutant}\n    {verdict}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
