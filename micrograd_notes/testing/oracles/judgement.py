"""A program as the engine ran it, and a judgement on it: the numbers that are wrong."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from micrograd_notes.engine import Value
from micrograd_notes.engine.accurate import SMALLEST_NORMAL
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.numbers.exact import SMALLEST, Claim
from micrograd_notes.testing.programs.random_programs import Instruction, Program

TINY = 2.0**SMALLEST
VALUE_ULPS = 4.0
"""The error that a value may have: the C library grants it for the worst of its functions."""


class Mismatch(NamedTuple):
    """A number of the engine's that is farther from the truth than it may be."""

    oracle: str
    what: str
    got: float
    truth: float
    bound: float

    def __str__(self) -> str:
        return (
            f"{self.oracle}: {self.what} is {self.got!r}, the truth is {self.truth!r}, "
            f"and the bound {self.bound:.3g}"
        )


@dataclass
class Judgement:
    """The findings of the oracles: the count of numbers compared, and the mismatches."""

    compared: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    mismatches: list[Mismatch] = field(default_factory=list)
    without_gradient: bool = False  # all gradients of the inputs are 0

    def hold(
        self, oracle: str, what: Callable[[], str], got: float, truth: Any, bound: float
    ) -> None:
        """Compares a number with the truth. A nan agrees with nothing."""
        self.compared[oracle] += 1
        if not math.isfinite(got) or not abs(truth - got) <= bound:
            self.mismatches.append(Mismatch(oracle, what(), got, as_float(truth), bound))


class Recorded(NamedTuple):
    """A program as the engine ran it: its values, with the adjoints of one sweep."""

    program: Program
    values: list[Value]

    @classmethod
    def of(cls, program: Program) -> "Recorded":
        """Returns the program, run forward and backward."""
        values = program.values(*map(Value, program.inputs))
        values[-1].backward()
        return cls(program, values)

    def numbers(self, instruction: Instruction) -> list[float]:
        """Returns the operands' recorded floats."""
        return [getattr(x, "data", x) for x in instruction.applied_to(self.values)]

    def applied(self, index: int) -> str:
        """Returns a value as what it was computed from, `v3 = tanh(0.5)`."""
        instruction = self.program.instructions[index - len(self.program.inputs)]
        numbers = ", ".join(map(repr, self.numbers(instruction)))
        return f"{self.program.name(index)} = {instruction.op.name}({numbers})"

    def partial(self, index: int, position: int) -> str:
        """Returns a partial in words."""
        return f"partial {position} of {self.applied(index)}"

    def claim(self, index: int, instruction: Instruction, exactly: bool = False) -> Claim:
        """Returns what the row says of the point that the graph recorded, and its own bounds."""
        op, wanted = instruction.op, instruction.wanted()
        numbers, value = self.numbers(instruction), self.values[index].data
        partials = dict(zip(wanted, op.local_partials(wanted, value, numbers), strict=True))
        scale = op.scale(*numbers) if op.scale else 0.0
        bounds = {
            i: 0.0
            if exactly or _is_constant(op, i)
            else op.ulps * math.ulp(max(abs(p), scale)) + _lost_below_normal(numbers, value, p)
            for i, p in partials.items()
        }
        return Claim(numbers, value, partials, bounds)


def _is_constant(op: Op, index: int) -> bool:
    """Returns whether a partial is the same number at every point, and not rounded."""
    return isinstance(op.partials, tuple) and isinstance(op.partials[index], float)


def _lost_below_normal(operands: Sequence[float], value: float, partial: float) -> float:
    """Returns what a partial may be off where a number on the way to it is subnormal.

    A subnormal value is off by a share of itself, and so is a partial that is computed from it.
    Where the partial is hardly normal, a factor of it may have been subnormal.
    """
    lost = 0.0
    if 0.0 < abs(value) < SMALLEST_NORMAL:
        lost = abs(partial) * min(1.0, VALUE_ULPS * TINY / abs(value))
    largest = max(map(abs, operands))
    size = max(1.0, largest, 1.0 / max(largest, SMALLEST_NORMAL))
    if abs(partial) < SMALLEST_NORMAL * size:
        lost += VALUE_ULPS * TINY * size
    return lost


def as_float(x: Any) -> float:
    """Returns an exact number as a float; inf where it is too large for one."""
    try:
        return float(x)
    except OverflowError:
        return math.inf
