"""A program for one shape: the passes run in their order, and this is what they made.

`per_shape.py` calls `passed`. Read `passes/record.py` next, the first pass.
"""

import linecache
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from micrograd_notes.lifting.arrays.arrange import arrange, arranged
from micrograd_notes.lifting.codegen import CannotPrint
from micrograd_notes.lifting.codegen.buffered.pool import Pool
from micrograd_notes.lifting.codegen.c.emit import emit as emit_c
from micrograd_notes.lifting.codegen.numpy.emit import emit
from micrograd_notes.lifting.codegen.numpy.spelled import text
from micrograd_notes.lifting.native.backend import InC
from micrograd_notes.lifting.passes.group import Grouping, group
from micrograd_notes.lifting.passes.simplify import simplify
from micrograd_notes.lifting.trace.recorded import CannotLift
from micrograd_notes.lifting.trace.tape import Array, Recording
from micrograd_notes.lifting.typed.building import NoLoop
from micrograd_notes.lifting.typed.expressions import Constant, Line, Program


class Typed(NamedTuple):
    """A recording after the passes; `anew` returns a typed program for each printer."""

    grouped: Grouping
    anew: Callable[[], Program]


def typed(recorded: Recording, guarded: bool) -> Typed:
    """Returns what the passes make of a recording."""
    grouped, first = arranged(group(simplify(recorded, guarded)))
    made = [first]
    return Typed(grouped, lambda: made.pop() if made else arrange(grouped))


Passes = Callable[[Recording, bool], Typed]


@dataclass
class Compiled:
    """The program for one shape of the inputs: the result of each pass, source and function."""

    name: str
    recorded: Recording
    grouped: Grouping
    source: str
    run: Callable[..., Any]
    inputs: list[Array]
    fast: Pool  # runs the same in arrays that are kept
    passes: Passes
    anew: Callable[[], Program]  # a printer changes lines, so each gets a new typed program
    is_trusted: bool = False  # compared with the scalars
    decided: int = 0  # on how many examples the scalars are not finite, either
    in_c: InC | None = field(default=None, repr=False)
    in_jax: tuple[str, dict[str, Any]] | None = field(default=None, repr=False)  # and its functions

    @cached_property
    def guarded(self) -> "Compiled":
        """The program whose products of the chain rule are 0 if the adjoint is 0."""
        return passed(self.recorded, self.name, self.passes, guarded=True)

    @property
    def title(self) -> str:
        """The first line of its source."""
        return _title(self.name)

    def c_source(self) -> str:
        """Returns the program in C; ValueError if it can't be printed in C."""
        try:
            return emit_c(self.anew(), self.title)
        except RecursionError:
            raise CannotPrint(too_deep(self.recorded)) from None

    def explained(self) -> str:
        """Returns the result of each pass, on a screen each; long ones without their middle."""
        recorded, simplified = self.recorded.tape, simplify(self.recorded).tape
        groups, arranged = self.grouped.groups, arrange(self.grouped)
        entry = self.source.rpartition("\n\n\n")[2]  # the last function
        passes = [
            f"1. record: {len(recorded):,} numbers for one example: those of the function and\n"
            f"   those of its gradient by the chain rule\n{recorded.text()}",
            f"2. simplify: {len(simplified):,} are left: equal numbers are one, 1 * x is x, a\n"
            f"   chain of sums is one sum\n{simplified.text()}",
            f"3. group: numbers that are made alike form one array, {len(groups):,} arrays\n"
            f"{self.grouped.text()}",
            f"4. arrange: {len(arranged.lines):,} lines: each array has axes, n for the examples,\n"
            f"   and a sum of products along an axis is a matrix product, @\n"
            f"{_arranged_text(arranged)}",
            "5. emit: names, and each expression that is used once moves to its use; `source`\n"
            f"   has all of it\n{entry}",
        ]
        return "\n".join(map(_on_a_screen, passes))


def _on_a_screen(text: str) -> str:
    """Returns at most 40 lines of 100 letters."""
    lines = [line if len(line) <= 100 else f"{line[:96]} ..." for line in text.splitlines()]
    if len(lines) > 40:
        lines[20:-19] = ["    ..."]
    return "\n".join(lines)


def passed(
    recorded: Recording, name: str, passes: Passes = typed, guarded: bool = False
) -> Compiled:
    """Returns the program of a recording; `CannotLift` if a pass fails."""
    try:
        return _made(recorded, name, passes, guarded)
    except CannotLift:
        raise
    except RecursionError:
        raise CannotLift(f"the function can't be lifted: {too_deep(recorded)}") from None
    except Exception as error:
        raise failed("the compiler failed", error) from error


def too_deep(recorded: Recording) -> str:
    """Returns why a pass or a printer raised RecursionError, and what to do."""
    return (
        f"its {len(recorded.tape):,} numbers make a chain or a sum of more unlike steps than "
        "Python's calls may nest. Make the steps or terms alike, so that they become a loop or an "
        "array, take fewer of them, or call sys.setrecursionlimit(10_000) first."
    )


def _made(recorded: Recording, name: str, passes: Passes, guarded: bool) -> Compiled:
    grouped, anew = passes(recorded, guarded)
    try:
        written, printed = emit(anew(), _title(name))
    except NoLoop:
        return _made(recorded.plainer(), name, passes, guarded)
    namespace: dict[str, Any] = {}
    file = f"<lifted {name} {id(namespace):x}>"
    linecache.cache[file] = (len(written), None, written.splitlines(True), file)
    exec(compile(written, file, "exec"), namespace)
    entry = namespace["loss_and_gradient" if recorded.is_loss else "forward"]
    run = entry if recorded.parameters else lambda theta, *given: entry(*given)
    fast = Pool(printed, run)
    made = name, recorded, grouped, written, run, recorded.inputs, fast
    return Compiled(*made, passes, anew)


def _title(name: str) -> str:
    name = "A function" if name == "<lambda>" else name
    return f"{name}, lifted from scalars to arrays by micrograd_notes."


def failed(what: str, error: Exception) -> CannotLift:
    """Returns the error for a fault of the compiler itself."""
    return CannotLift(
        f"the function can't be lifted: {what}, with {type(error).__name__}: {error}. Please "
        "report it, with the function. Until it is fixed, train with fit(..., lifted=False)."
    )


def _arranged_text(program: Program) -> str:
    """Returns the lines before names are given: a line of group 3 is g3."""
    numbered: dict[Constant, str] = {}

    def name(read: Array | Constant | Line) -> str:
        if isinstance(read, Array):
            return read.name
        if isinstance(read, Constant):
            return numbered.setdefault(read, f"k{len(numbered)}")
        return f"g{read.group}" if read.derivative_of is None else f"d{read.derivative_of.name}"

    sizes = [(line, ", ".join(map(str, line.shape))) for line in program.lines]
    return "\n".join([f"    {name(line)}[{s}] = {text(line.value, name)}" for line, s in sizes])
