"""Right functions, and what `gradcheck` says of them: is there a false alarm?

    python benchmarks/false_alarms.py                      # 10,000 programs
    python benchmarks/false_alarms.py --programs 300       # half a minute

The programs are those of `random_programs.py`. In every third one an input is replaced by an
operation that stands at a hard point, or within 1e-6 of one: a kink, an edge of where it is
defined, or a zero of its derivative. All rows of the table and the engine are right, so a verdict
that fails is wrong, with one exception: a program may itself lose digits, where large terms cancel.
INACCURATE is right where the engine's gradient has lost half of its digits or more, by the
derivative in fifty digits. INCONCLUSIVE is no wrong verdict; it is counted, near hard points apart.

A verdict that is wrong is printed with its program. The exit status is 1 if there is one, or if
more than one in twenty is inconclusive away from hard points.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from micrograd_notes.engine.op import Op
from micrograd_notes.testing import Verdict, gradcheck
from micrograd_notes.testing.diagnosis.report import InputReport
from micrograd_notes.testing.programs.random_programs import (
    BUILT_IN,
    Instruction,
    Program,
    random_program,
)
from micrograd_notes.testing.programs.strategies import hard_numbers

A_BATCH = 100
NEAR = 1e-6
HALF_THE_DIGITS = 2.0**-27
MOST_INCONCLUSIVE = 0.05
PLACES = ("near a hard point", "elsewhere")


@dataclass
class Summary:
    """How often each verdict was given to a derivative, by place."""

    programs: Counter[str] = field(default_factory=Counter)
    verdicts: dict[str, Counter[Verdict]] = field(
        default_factory=lambda: {place: Counter() for place in PLACES}
    )
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Summary) -> None:
        """Adds what was found in other programs."""
        self.programs += other.programs
        for place, verdicts in other.verdicts.items():
            self.verdicts[place] += verdicts
        self.wrong += other.wrong

    def inconclusive(self, place: str) -> float:
        """Returns which part of the derivatives nothing was found out about."""
        verdicts = self.verdicts[place]
        return verdicts[Verdict.INCONCLUSIVE] / max(verdicts.total(), 1)

    def __str__(self) -> str:
        lines = [f"{self.programs.total():,} programs, {len(self.wrong)} wrong verdicts"]
        for place in PLACES:
            verdicts = self.verdicts[place]
            lines.append(
                f"{place}: {self.programs[place]:,} programs, {verdicts.total():,} derivatives, "
                f"{self.inconclusive(place):.2%} inconclusive"
            )
            lines += [
                f"  {verdict!s:16}{count:9,}{_aside(verdict)}"
                for verdict, count in sorted(verdicts.items(), reverse=True)
            ]
        return "\n".join(lines)


def _aside(verdict: Verdict) -> str:
    return "  half of the digits are lost, or more" if verdict is Verdict.INACCURATE else ""


def near_a_hard_point(generator: random.Random) -> Program:
    """Returns a random program one of whose inputs is made by an operation near a hard point.

    >>> program = near_a_hard_point(random.Random(1))
    >>> program.instructions[0].op
    Op(acosh)
    """
    while True:
        program = random_program(generator)
        op = generator.choice(BUILT_IN)
        operands = _hard_operands(op, generator)
        joined = _joined(op, operands, program, generator.randrange(len(program.inputs)))
        if operands and _is_tame(joined):
            return joined


def _hard_operands(op: Op, generator: random.Random) -> list[float]:
    """Returns operands of which one stands at a hard number, or near it; none if there is none."""
    count = op.arity or generator.randint(2, 3)
    operands = [_number(op, i, generator) for i in range(count)]
    index = generator.choice([i for i in range(count) if op.is_differentiated(i)])
    numbers = hard_numbers(op, operands, index)
    if not numbers:
        return []
    distance = generator.choice([0.0, 10.0 ** generator.uniform(-16.0, math.log10(NEAR))])
    operands[index] = generator.choice(numbers) + generator.choice([-1.0, 1.0]) * distance
    return operands


def _number(op: Op, index: int, generator: random.Random) -> float:
    low, high = op.domain[index] if index < len(op.domain) else (-math.inf, math.inf)
    if not op.is_differentiated(index):
        return float(generator.randint(0, 2)) if low < high else low
    x = generator.choice([-1.0, 1.0]) * 10.0 ** generator.uniform(-2.0, 2.0)
    return float(min(max(x, low), high))


def _joined(op: Op, operands: list[float], program: Program, replaced: int) -> Program:
    """Returns the program with an input made by the operation: its operands are inputs then."""
    moving = [i for i in range(len(operands)) if op.is_differentiated(i)]
    kept = [i for i in range(len(program.inputs)) if i != replaced]
    inputs = [*(operands[i] for i in moving), *(program.inputs[i] for i in kept)]
    place = {old: len(moving) + new for new, old in enumerate(kept)}
    place[replaced] = len(inputs)
    first = Instruction(
        op, tuple(moving.index(i) if i in moving else x for i, x in enumerate(operands))
    )
    rest = (
        Instruction(
            each.op,
            tuple(
                (place[x] if x in place else x - len(program.inputs) + len(inputs) + 1)
                if isinstance(x, int)
                else x
                for x in each.operands
            ),
        )
        for each in program.instructions
    )
    return Program(tuple(inputs), (first, *rest))


def _is_tame(program: Program) -> bool:
    """Returns whether the program is defined here and beside, with partials that are finite."""
    values = _values(program, program.inputs)
    if not values or not all(_is_defined_beside(program, i) for i in range(len(program.inputs))):
        return False
    for result, (op, operands) in zip(
        values[len(program.inputs) :], program.instructions, strict=True
    ):
        numbers = [values[x] if isinstance(x, int) else x for x in operands]
        wanted = [i for i in range(len(operands)) if op.is_differentiated(i)]
        if not all(map(math.isfinite, op.local_partials(wanted, result, numbers))):
            return False
    return True


def _values(program: Program, inputs: Sequence[float]) -> list[float]:
    """Returns the values; none if one of them is not defined, or infinite."""
    try:
        values = program.values(*inputs)
    except (ArithmeticError, ValueError):
        return []
    return values if all(map(math.isfinite, values)) else []


def _is_defined_beside(program: Program, index: int) -> bool:
    """Returns whether it is on one side at least: else there is no derivative to be right about."""
    x = program.inputs[index]
    step = 4 * math.ulp(x) if x else 1e-300
    return any(
        _values(program, [*program.inputs[:index], y, *program.inputs[index + 1 :]])
        for y in (x - step, x + step)
    )


def elsewhere(generator: random.Random) -> Program:
    """Returns a random program, wherever it stands."""
    while True:
        program = random_program(generator)
        if _is_tame(program):
            return program


def run_batch(job: tuple[int, int, int]) -> Summary:
    """Returns what was said of one batch of programs, which its number alone determines."""
    seed, batch, count = job
    generator = random.Random(f"{seed}/{batch}")
    summary = Summary()
    for number in range(count):
        is_hard = (batch * A_BATCH + number) % 3 == 0
        program = near_a_hard_point(generator) if is_hard else elsewhere(generator)
        place = PLACES[0] if is_hard else PLACES[1]
        summary.programs[place] += 1
        report = gradcheck(program, *program.inputs, raise_exception=False)
        summary.verdicts[place].update(entry.verdict for entry in report.inputs)
        if any(map(_is_wrong, report.inputs)) or (
            report.verdict.fails and not any(entry.verdict.fails for entry in report.inputs)
        ):
            summary.wrong.append(f"{report}\n{program.source()}")
    return summary


def _is_wrong(entry: InputReport) -> bool:
    """Returns whether the verdict on a derivative is a false alarm."""
    if entry.verdict is Verdict.INACCURATE:
        return abs(entry.engine - entry.numeric) <= HALF_THE_DIGITS * abs(entry.numeric)
    return entry.verdict.fails and entry.verdict is not Verdict.INCONCLUSIVE


def batches(seed: int, programs: int) -> Iterator[tuple[int, int, int]]:
    for start in range(0, programs, A_BATCH):
        yield seed, start // A_BATCH, min(A_BATCH, programs - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    started = perf_counter()
    summary = Summary()
    with multiprocessing.Pool(arguments.processes) as pool:
        for found in pool.imap_unordered(run_batch, batches(arguments.seed, arguments.programs)):
            for words in found.wrong:
                print(f"\nWRONG VERDICT\n{words}\n", flush=True)
            summary.add(found)
    print(f"seed {arguments.seed}, in {perf_counter() - started:.0f} s on {arguments.processes} "
          f"processes\n{summary}")
    return 1 if summary.wrong or summary.inconclusive(PLACES[1]) > MOST_INCONCLUSIVE else 0


if __name__ == "__main__":
    sys.exit(main())
