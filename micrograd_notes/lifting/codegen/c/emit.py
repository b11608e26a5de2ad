"""The source in C of a typed program: a function per group of lines, and one that calls them all.

A line that one other line reads is computed there. Every other line has a function, headed by the
lines of NumPy that it computes. Read `evaluate.py` next, which writes its rows, and `sorts.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from textwrap import wrap
from typing import Any

from micrograd_notes.lifting.codegen import CannotPrint
from micrograd_notes.lifting.codegen.c.evaluate import FUNCTIONS, Evaluator
from micrograd_notes.lifting.codegen.c.frame import Step, entry, fit_the_cache
from micrograd_notes.lifting.codegen.c.kernels import kernel_names, with_kernels
from micrograd_notes.lifting.codegen.c.loops import INDENT, within
from micrograd_notes.lifting.codegen.c.places import Array, counting, literal, square, stored
from micrograd_notes.lifting.codegen.c.sorts import runs_in_blocks, sorts_of
from micrograd_notes.lifting.codegen.c.uses import Uses, derived_early, is_view
from micrograd_notes.lifting.codegen.numpy.lines import target
from micrograd_notes.lifting.codegen.numpy.spelled import text
from micrograd_notes.lifting.trace.name import unused
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Kind, Line, Loop, Shape
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.ready import ready, total_of

TYPES = {Kind.NUMBER: "double", Kind.CONDITION: "double", Kind.CHOICE: "int64_t"}
OTHERS = """auto break case char const continue default do double else enum extern float for goto
    if inline int long register restrict return short signed sizeof static struct switch typedef
    union unsigned void volatile while asm typeof linux unix int64_t memset main NAN INFINITY
    n nb rows w start block blocks work inputs loss s term unfit i j k l m p q r"""


def emit(program: ex.Program, title: str) -> str:
    """Returns the source of the program, with what it needs of `kernels.c`.

    Raises:
        CannotPrint: the program has something that can't be printed in C.
    """
    return with_kernels(title, functions_of(program))


def functions_of(program: ex.Program) -> str:
    """Returns the functions of a program."""
    if not program.is_loss or not program.parameters:
        raise CannotPrint("it computes outputs, not a loss and its gradient")
    return Emitter(program).run()


class Emitter(Evaluator):
    """Writes a function per group of lines, and keeps what the function that calls them needs."""

    def __init__(self, program: ex.Program) -> None:
        self.names = Names(program)
        program = ready(program)
        self.program = program = replace(program, backward=derived_early(program.backward))
        sorts = sorts_of(program)
        self.in_blocks = runs_in_blocks(program, sorts)
        self.taken = {*OTHERS.split(), *kernel_names(), *FUNCTIONS.values()}
        self.identifiers = {"dtheta": "dtheta"}  # in C, of names in NumPy
        self.types: dict[str, str] = {"loss": "double"}  # behind each pointer
        self.shapes: dict[str, Shape] = {}  # of what lies in the work area
        self.arrays: dict[Any, Array] = {}
        self.constants: list[str] = []
        self.functions: list[str] = []
        self.heading: list[Line] = []  # lines that are computed inside of the current one
        self.base = "loss"  # the pointer of the current one
        self.written = {"loss"}  # pointers that the current one writes to
        is_small = fit_the_cache(len(program.grouping.recording.gradient))
        super().__init__(self._identifier(self.names.counter), packs_once=is_small)
        self.loop: Loop | None = None  # that of the current line
        self.of_calls: list[Collection[str]] = []  # the arrays that calls of the current step use
        self.is_batched = any(array.is_batched for array in program.inputs)
        self.uses = uses = Uses(program, sorts if self.in_blocks else {})
        self.names.count_anew([e for e in uses.lines if e not in uses.inside], program.stands_for)

    def run(self) -> str:
        """Returns all functions, and the arrays of constants before them."""
        program = self.program
        for array in [*program.parameters, *program.inputs]:
            self._read(array)
        behind = sum(array.size for array in program.parameters)
        for array in program.parameters:
            self._pointer(f"d{array.name}")
            self.fixed.add(self._pointer(array.name))
            behind -= array.size
            self.roomy |= {self._pointer(array.name)} if behind >= 7 else set()
        steps = list[Step]()
        for step in [*program.forward, None, *program.backward]:
            steps.append(Step([], []))
            self.of_calls = steps[-1].uses
            steps[-1].calls += self._step(step) if step else self._loss()
        written = [each for each in self.uses.written if each in self.arrays]
        lasting = {self.arrays[each].pointer for each in written}
        return "\n\n".join([*self.constants, *self.functions, entry(self, steps, lasting)])

    # ---- what is read ----------------------------------------------------------------------------

    def _identifier(self, name: str) -> str:
        """Returns the name in C for one in NumPy."""
        if name not in self.identifiers:
            plain = "".join([c if c.isascii() else f"u{ord(c):x}" for c in name])
            self.identifiers[name] = unused(plain + "_" * (plain in self.taken), self.taken)
            self.taken.add(self.identifiers[name])
        return self.identifiers[name]

    def _pointer(self, name: str, kind: Kind = Kind.NUMBER) -> str:
        return self.types.setdefault(self._identifier(name), TYPES[kind]) and self.identifiers[name]

    def _read(self, source: Any) -> Array | Expression:
        if isinstance(source, Line) and source in self.uses.inside:
            if source not in self.heading:
                self.heading.insert(0, source)
            return source.value
        if source not in self.arrays:
            is_constant = isinstance(source, ex.Constant)
            self.arrays[source] = self._constant(source) if is_constant else self._given(source)
        return self.arrays[source]

    def _given(self, array: Any) -> Array:
        read = ex.Read(array)
        return stored(self._pointer(array.name, read.kind), read.shape, read.kind)

    def _constant(self, constant: ex.Constant) -> Array:
        array, kind = constant.array, constant.kind
        if constant.where is not None:
            return square(constant.where, len(array))
        if constant.counts:
            return counting(constant.shape)
        pointer = self._identifier(self.names(constant))
        is_number = kind is Kind.NUMBER
        numbers = [literal(x) if is_number else str(int(x)) for x in array.reshape(-1).tolist()]
        row = f"static const {TYPES[kind]} {pointer}[] = {{{', '.join(numbers)}}};"
        self.constants.append("\n".join(wrap(row, 100, subsequent_indent=INDENT)))
        return stored(pointer, constant.shape, kind)

    # ---- what is stored --------------------------------------------------------------------------

    def _new(self, shape: Shape, word: str, kind: Kind = Kind.NUMBER, of: str = "") -> Array:
        pointer = self.base
        if of or pointer in self.types:
            pointer = unused(f"{of or self.base}_{word}", self.taken)
        self.taken.add(pointer)
        self.types[pointer], self.shapes[pointer] = TYPES[kind], shape
        self.roomy.add(pointer)
        (self.fixed if of else self.written).add(pointer)
        return stored(pointer, shape, kind)

    # ---- lines -----------------------------------------------------------------------------------

    def _step(self, step: Line | Loop) -> list[str]:
        """Returns the calls that compute a line or a loop."""
        if isinstance(step, Line):
            return self._line(step)
        t, counts, self.loop = self.counter, step.counts, step
        sign = "<" if counts.step > 0 else ">"
        head = f"for (int64_t {t} = {counts.start}; {t} {sign} {counts.stop}; {t} += {counts.step})"
        rows = within(head, [row for line in step.lines for row in self._line(line)])
        self.loop = None
        return rows

    def _line(self, line: Line) -> list[str]:
        if line in self.uses.inside:
            return []
        array, value, uses = line.derivative_of, line.value, self.uses
        self.base = self._pointer(f"d{array.name}") if array else self._identifier(self.names(line))
        self.heading, self.written = [], set()
        self.first = self.base if self.in_blocks and uses.fills(line, self.loop) else ""
        into = self.arrays[line.again] if line.again else None
        if line.target is not None:
            into = self.of(line.target)
        elif array is not None:
            into = stored(self.base, array.shape, Kind.NUMBER)
        elif is_view(line) and uses.is_own(line) and not self.is_computed(value):
            found = self.of(value)
            is_there = found.kind is Kind.CHOICE or found.pointer
            keeps = is_there and not self._is_written(line, found)
            self.arrays[line] = found if keeps else self.copied(found, "")
            return self._call(line)
        self.arrays[line] = into or self._new(line.shape, "", line.kind)
        self.written.add(self.arrays[line].pointer or "dtheta")
        if line.again and line.first in uses.reads[line]:  # it reads what it replaces
            made = self._new(line.shape, "next", line.kind)
            self.store(value, made)
            self.fill(self.arrays[line], made)
        elif not isinstance(value, ex.Empty):
            self.store(value, self.arrays[line], array is not None)
        return self._call(line)

    def _is_written(self, line: Line, view: Array) -> bool:
        """Returns whether what a line shows is written to before its last reader has run."""
        arrays, until = self.arrays, self.uses.last[line]
        written = [each for each in self.uses.written if each in arrays]
        shown = [each for each in written if arrays[each].pointer == view.pointer != ""]
        return any(self.uses.is_written(each, line, until) for each in shown)

    def _loss(self) -> list[str]:
        self.base, self.heading, self.written = "loss", [], {"loss"}
        self.store(total_of(self.program), stored("loss", (), Kind.NUMBER), True)
        return self._call(None)

    def _call(self, line: Line | None) -> list[str]:
        """Returns the call of a new function with the rows so far, if there are any."""
        rows, self.rows = self.rows, []
        used, self.used = self.used, set()
        if not rows:
            return []
        counts = ["nb"] if self.is_batched and line not in self.uses.fixed else []
        counts += [*["start"] * ("start" in used), *[self.counter] * bool(self.loop)]
        arrays = [pointer for pointer in self.types if pointer in used]
        const = {pointer: "" if pointer in self.written else "const " for pointer in arrays}
        given = [f"{const[p]}{self.types[p]} *restrict {p}" for p in arrays]
        verb = "add" if line is None or line.derivative_of else "set"
        name = unused(f"{verb}_{self.base}", self.taken)
        self.taken.add(name)
        given = [each.replace(" ", "~") for each in [*[f"int64_t {c}" for c in counts], *given]]
        head = wrap(f"static void {name}({', '.join(given)})", 98, subsequent_indent=INDENT * 2)
        about = [f"/* {row} */" for row in self._spelled(line)]
        self.functions.append("\n".join([*about, *within("\n".join(head).replace("~", " "), rows)]))
        call = f"{name}({', '.join([*counts, *arrays])});"
        if line not in self.uses.fixed:
            self.of_calls.append(arrays)
            return [call]
        self.before.calls.append(call)
        self.before.uses.append(arrays)
        self.fixed.update(arrays)
        return []

    def _spelled(self, line: Line | None) -> list[str]:
        """Returns what a function computes, as NumPy says it."""
        rows = [f"{self.names(each)} = {text(each.value, self.names)}" for each in self.heading]
        if line is None:
            return [*rows, f"loss = {text(self.program.result, self.names)}"]
        sign, value = "+=" if line.adds else "=", text(line.value, self.names)
        return [*rows, f"{target(line, self.names)} {sign} {value}"]

