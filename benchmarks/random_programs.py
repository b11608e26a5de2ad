"""Random programs against the three oracles: how many, of what kind, and how many mismatches.

    python benchmarks/random_programs.py --programs 10000

Every program is held against the local oracle. Each tenth is held against the end-to-end oracle as
well, which takes twice as long, and beside each tenth a program of dyadic numbers is drawn for the
exact oracle (`--every 1` does it for all). What the oracles are and why their bounds hold stands in
micrograd_notes/testing/oracles/independent.py, what the programs are in programs.py beside it.

Prints the distribution that was drawn and, for each oracle, what was compared and what was not. A
program with a mismatch is printed as source. The exit status is 1 if there is one.

The programs are the same for the same seed, however many processes there are; `--first` goes on
where another run ended.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from micrograd_notes.testing.oracles.dyadic import dyadic, exact_rows
from micrograd_notes.testing.oracles.independent import judge, judge_exactly
from micrograd_notes.testing.oracles.judgement import Judgement
from micrograd_notes.testing.programs.random_programs import (
    BUILT_IN,
    LEAST_SHARED,
    Program,
    random_program,
)

A_BATCH = 500
MOST_SECONDS = 30
"""A program that takes the oracles longer is left out, and counted."""
MOST_SHOWN = 20


@dataclass
class Summary:
    """What was drawn and found in some of the programs."""

    programs: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    sizes: Counter[int] = field(default_factory=Counter)
    least_shared: float = 1.0
    shared: int = 0
    inputs: Counter[str] = field(default_factory=Counter)
    smallest: float = math.inf
    largest: float = 0.0
    without_gradient: int = 0
    compared: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    mismatches: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    def saw(self, program: Program) -> None:
        """Counts what kind of program it is."""
        size = len(program.inputs) + len(program.instructions)
        self.sizes[size] += 1
        self.rows.update({op.name for op, _ in program.instructions})
        uses = Counter(
            x for _, operands in program.instructions for x in operands if isinstance(x, int)
        )
        shared = sum(count > 1 for count in uses.values())
        self.shared += shared
        self.least_shared = min(self.least_shared, shared / size)
        for x in program.inputs:
            self.inputs["negative" if x < 0 else "positive"] += 1
            self.smallest = min(self.smallest, abs(x))
            self.largest = max(self.largest, abs(x))

    def found(self, program: Program, judgement: Judgement) -> None:
        """Counts what the oracles compared, and keeps the source where something is wrong."""
        self.compared += judgement.compared
        self.left_out += judgement.left_out
        self.mismatches.update(mismatch.oracle for mismatch in judgement.mismatches)
        if judgement.mismatches:
            words = [*map(str, judgement.mismatches[:5]), program.source()]
            self.shown.append("\n".join(words))

    def add(self, other: Summary) -> None:
        """Adds what was found in other programs."""
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
        self.least_shared = min(self.least_shared, other.least_shared)
        self.shared += other.shared
        self.smallest = min(self.smallest, other.smallest)
        self.largest = max(self.largest, other.largest)
        self.without_gradient += other.without_gradient
        self.shown += other.shown[: MOST_SHOWN - len(self.shown)]

    def __str__(self) -> str:
        count = self.sizes.total()
        values = sum(size * number for size, number in self.sizes.items())
        rarest, times = min(
            ((op.name, self.rows[op.name]) for op in BUILT_IN), key=lambda item: item[1]
        )
        inputs = self.inputs.total()
        lines = [
            f"{count:,} random programs of {len(BUILT_IN)} rows",
            f"  values a program: {min(self.sizes)} to {max(self.sizes)}, "
            f"mean {values / count:.1f}",
            f"  values used more than once: {self.shared / values:.1%}, in each program at least "
            f"{self.least_shared:.1%} (demanded: {LEAST_SHARED:.0%})",
            f"  the least frequent row: {rarest}, in {times / count:.1%} of the programs",
            f"  inputs: {inputs / count:.1f} a program, {self.smallest:.2g} to {self.largest:.2g} "
            f"in size, {self.inputs['negative'] / inputs:.1%} negative",
            f"  programs all of whose gradients are 0: {self.without_gradient / count:.1%}",
        ]
        for oracle in ("exact", "local", "end to end"):
            lines.append(
                f"{oracle}: {self.programs[oracle]:,} programs, {self.compared[oracle]:,} numbers "
                f"compared, {self.mismatches[oracle]:,} mismatches"
            )
            lines += [
                f"  left out: {number:,} times {reason.partition(': ')[2]}"
                for reason, number in self.left_out.most_common()
                if reason.startswith(f"{oracle}:")
            ]
        return "\n".join(lines)


class TooLongError(Exception):
    """A program took the oracles too long."""


def _too_long(*_: Any) -> None:
    raise TooLongError


def run_batch(job: tuple[int, int, int, int]) -> Summary:
    """Returns what was found in one batch of programs, which its number alone determines."""
    seed, batch, count, every = job
    generator = random.Random(f"{seed}/{batch}")
    summary = Summary()
    signal.signal(signal.SIGALRM, _too_long)
    for number in range(count):
        program = random_program(generator)
        summary.saw(program)
        is_sampled = (batch * A_BATCH + number) % every == 0
        signal.alarm(MOST_SECONDS)
        try:
            judgement = judge(program, end_to_end=is_sampled)
        except TooLongError:
            judgement = Judgement(left_out=Counter({"local: too long": 1}))
        signal.alarm(0)
        summary.programs.update(["local", "end to end"] if is_sampled else ["local"])
        summary.found(program, judgement)
        summary.without_gradient += judgement.without_gradient
        if is_sampled:
            program = random_program(generator, 5, 20, exact_rows(), dyadic)
            summary.programs["exact"] += 1
            summary.found(program, judge_exactly(program))
    return summary


def batches(
    seed: int, first: int, programs: int, every: int
) -> Iterator[tuple[int, int, int, int]]:
    for start in range(first, first + programs, A_BATCH):
        yield seed, start // A_BATCH, min(A_BATCH, first + programs - start), every


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help=f"a multiple of {A_BATCH}")
    parser.add_argument("--every", type=int, default=10, help="1 applies all oracles to all")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}; the end-to-end oracle on one program in {arguments.every}, the")
    print("exact oracle on as many programs of their own", flush=True)
    started = perf_counter()
    summary = Summary()
    jobs = batches(arguments.seed, arguments.first, arguments.programs, arguments.every)
    next_report = 50_000
    with multiprocessing.Pool(arguments.processes) as pool:
        for found in pool.imap_unordered(run_batch, jobs):
            for failure in found.shown:
                print(f"\nMISMATCH\n{failure}\n", flush=True)
            summary.add(found)
            if summary.sizes.total() >= next_report:
                print(f"... after {perf_counter() - started:.0f} s\n{summary}", flush=True)
                next_report += 50_000
    print(f"\nin {perf_counter() - started:.0f} s on {arguments.processes} processes\n{summary}")
    return 1 if summary.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
