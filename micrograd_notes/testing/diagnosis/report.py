"""The report of a check: the data, and the text that a learner reads.

`gradcheck` and `opcheck` fill these classes, and printing them gives the report.
"""

import math
import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from micrograd_notes.common.users_line import PACKAGE
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.diagnosis.verdicts import Judged, Verdict
from micrograd_notes.testing.numbers.numeric import Derivative
from micrograd_notes.testing.programs.random_programs import Program

__all__ = ["Fault", "InputReport", "Report", "told"]

_SHOWN = 8  # how many inputs a report spells out


@dataclass(frozen=True)
class Fault:
    """An error, where it is, and how to see it."""

    verdict: Verdict
    where: str  # in words: "softsign", "the second operand of multiply"
    note: str = ""
    expected: str = ""
    got: str = ""
    seen: "InputReport | None" = None  # a derivative and the numeric one, if they show it
    program: Program | None = None  # the smallest one that shows it
    op: Op | None = None
    definition: str = ""  # file and line


@dataclass
class InputReport:
    """The derivative in one input: `engine` beside `numeric`, which may be off by `error`."""

    name: str
    at: float
    engine: float
    derivative: Derivative | None
    verdict: Verdict
    note: str = ""
    of: str = "f"  # what is differentiated: f, or its first derivative df/dx

    @property
    def numeric(self) -> float:
        """The numeric derivative: of both sides, of the only one, or the middle at a kink."""
        sides = self.derivative.sides if self.derivative else []
        return math.fsum(side.slope for side in sides) / len(sides) if sides else math.nan

    @property
    def error(self) -> float:
        """How far off the numeric derivative may be; at a kink, how far its sides are from it."""
        sides = self.derivative.sides if self.derivative else []
        if not sides or not math.isfinite(self.numeric):
            return math.nan if not sides else 0.0
        return max(abs(side.slope - self.numeric) + side.error for side in sides)

    @property
    def place(self) -> str:
        """The point in words: a smooth point, a kink, an edge."""
        derivative = self.derivative
        if derivative is None or not derivative.sides:
            return "where it has no derivative"
        if derivative.jumps:
            return "where it jumps"
        if self.verdict is Verdict.INTERIOR_KINK:
            return "where an operation inside has a kink"
        if derivative.is_smooth:
            return "a smooth point"
        if len(derivative.sides) == 1:
            return "an edge of where it is defined"
        return "a kink"

    @property
    def slope(self) -> str:
        """The derivative as one writes it: df/dx, and d(df/dx)/dw for a second one."""
        return f"d{self.of}/d{self.name}" if self.of == "f" else f"d({self.of})/d{self.name}"

    def spelled(self, width: int, with_verdict: bool) -> list[str]:
        """Returns the lines that show the engine's derivative and the numeric one."""
        verdict = f": {self.verdict}" if with_verdict else ""
        lines = [
            f"  at {self.name} = {self.at!r}, {self.place}{verdict}",
            f"    engine  {self.slope:{width}} = {self.engine:.9g}",
            f"    numeric {self.slope:{width}} = {self.derivative if self.derivative else 'none'}",
        ]
        return [*lines, f"    {self.note}"] if self.note else lines


@dataclass
class Report(Judged):
    """The result of `gradcheck`.

    Attributes:
        name: what was checked.
        inputs: an entry each, with `.verdict .engine .numeric .error`.
        second: the same for second derivatives, where order is 2.
        faults: what is wrong, the worst first.
        left_out: how many inputs a sample left out.
        calls: how many calls at the point were compared.
    """

    name: str
    inputs: list[InputReport] = field(default_factory=list)
    second: list[InputReport] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    left_out: int = 0
    calls: int = 0

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all."""
        parts: list[Any] = [*self.inputs, *self.second, *self.faults]
        return max((part.verdict for part in parts), default=Verdict.PASS)

    def __str__(self) -> str:
        lines = [f"{self._subject()}: {self.verdict}{self._aside()}"]
        shown = sorted([*self.inputs, *self.second], key=lambda each: each.verdict, reverse=True)
        if self.verdict.fails:
            shown = [each for each in shown if each.verdict.fails] or shown[:1]
        is_told = any(each.derivative for each in shown)  # else the fault says it all
        width = max((len(each.slope) for each in shown[:_SHOWN]), default=0)
        for each in shown[: _SHOWN if is_told else 0]:
            lines += each.spelled(width, with_verdict=len(shown) > 1)
        if len(shown) > _SHOWN and is_told:
            lines.append(f"  and {len(shown) - _SHOWN} more")
        for fault in self.faults[:1]:
            same_point = fault.where == self.name
            if fault.seen is not None and not same_point:  # the derivative of an operation inside
                fault = replace(fault, seen=replace(fault.seen, of=fault.where))
            lines += told(fault, same_point)
        more = len(self.faults) - 1
        if more > 0:
            lines.append(f"  and {more} more fault{'s' if more > 1 else ''}, in .faults")
        if not self.faults and not self.verdict.fails and self.verdict is not Verdict.PASS:
            lines.append(f"  {self.verdict}: {self.verdict.value}")
        if not self.verdict.fails:
            lines.append(f"  {self.calls} calls at this point were compared, and gave the same")
        if self.left_out:
            lines.append(f"  a sample: {self.left_out} parameters were left out")
        return "\n".join(lines)

    def _subject(self) -> str:
        where = self.faults[0].where if self.faults else ""
        return f"{self.name}, in {where}" if where and where != self.name else self.name

    def _aside(self) -> str:
        if not self.faults:
            return ""
        others = {
            Verdict.WRONG_RULE: " (value right, traversal right)",
            Verdict.WRONG_VALUE: " (its derivative was not judged)",
            Verdict.NOT_ACCUMULATED: " (value right, rules right)",
            Verdict.TRAVERSAL: " (value right, rules right)",
        }
        return others.get(self.faults[0].verdict, "")


def told(fault: Fault, same_point: bool = False) -> list[str]:
    """Returns the lines that show a fault, without its derivative if that has been shown."""
    lines = []
    if fault.seen is not None and not same_point:
        lines += fault.seen.spelled(0, with_verdict=False)
    elif fault.got and fault.seen is None:
        lines.append(f"  {fault.where}: got {fault.got}, expected {fault.expected}")
    if fault.note:
        lines.append(f"  {fault.note}")
    if fault.program is not None:
        lines.append(f"  smallest program:  {in_one_line(fault.program)}")
    if fault.definition:
        lines.append(f"  the operation is defined at {fault.definition}")
    return lines


def in_one_line(program: Program) -> str:
    """Returns the program as a line of Python, without its imports.

    >>> from micrograd_notes.testing.programs.random_programs import Instruction
    >>> from micrograd_notes.engine.ops import sin
    >>> in_one_line(Program((0.75,), (Instruction(sin, (0,)),)))
    'x = Value(0.75); y = sin(x); y.backward()'
    """
    lines = [
        line
        for line in program.source().splitlines()
        if line and not line.startswith(("from ", "import ", "print(")) and "lookup(" not in line
    ]
    text = "; ".join(lines)
    if len(program.inputs) == 1:
        text = re.sub(r"\bx0\b", "x", text)
    last = len(program.inputs) + len(program.instructions) - 1
    return re.sub(rf"\bv{last}\b", "y", text)


def in_words(error: Exception) -> str:
    """Returns the error, and the line outside of this package that it went through last."""
    message = f": {error}" if str(error) else ""
    lines = [
        f", at {_shortened(frame.filename)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(PACKAGE)
    ]
    return f"{type(error).__name__}{message}{lines[-1] if lines else ''}"


def definition_of(*functions: Any) -> str:
    """Returns file and line of the first of the functions that is written in Python.

    >>> definition_of(len)
    ''
    """
    for function in functions:
        code = getattr(function, "__code__", None)
        if code is None:
            continue
        if "ipykernel" in code.co_filename or code.co_filename.startswith("<"):
            return f"line {code.co_firstlineno} of the cell that defines it"
        return f"{_shortened(code.co_filename)}:{code.co_firstlineno}"
    return ""


def _shortened(file: str) -> Path:
    path = Path(file)
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return Path(path.name)


def definition_of_row(op: Op, index: int | None = None) -> str:
    """Returns where the row's rule is written, or for index None its forward."""
    rules: Sequence[Any] = op.partials if isinstance(op.partials, tuple) else (op.partials,)
    rule = rules[index] if index is not None and index < len(rules) else rules[0]
    functions = [op.forward, *rules] if index is None else [rule, *rules, op.forward]
    return definition_of(*functions)
