"""The last pass: the source, which is both run and printed.

`program.py` calls `emit`. In the typed program, an expression that is needed twice gets its own
line (`typed/share.py`), lines that repeat become a loop (`typed/loops.py`), and all get names
(`typed/names.py`). Here, a line that is read once moves to its reader, if that stays short, and
`spelled.py` has NumPy's spellings. Read that next.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from micrograd_notes.lifting.codegen.spelled import is_call, spelled, text, wrapped
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed.expressions import (
    Constant,
    Empty,
    Expression,
    Line,
    Loop,
    Part,
    Program,
    Read,
    Reduce,
    Reshape,
    Shape,
    Transpose,
)
from micrograd_notes.lifting.typed.loops import rolled
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.share import plain, reached, shared

WIDTH = 84  # of a line that something is moved into
LIMIT = 100  # of any line
INDENT = "    "
SECH = "# 1 / cosh(z)**2 is 1 - tanh(z)**2, and keeps the digits that this loses near 1"


def emit(program: Program, title: str) -> str:
    """Returns the source of the program."""
    return _Emitter(program, title).run()


class _Emitter:
    def __init__(self, program: Program, title: str) -> None:
        self.names = Names(program)
        self.program, self.title = rolled(shared(program)), title
        self.recording = program.grouping.recording
        self.parameters = [a for a in self.recording.arrays if a.is_parameter]
        self.inputs = [a for a in self.recording.arrays if not a.is_parameter]

    def run(self) -> str:
        steps, result = self._moved()
        is_loss, forward = self.recording.is_loss, self._forward(steps, result)
        early = [step for step in steps if _is_forward(step, forward)]
        late = [step for step in steps if step not in early]
        printed = list(_lines_of([*early, *late]))
        result = plain(result)
        for line in printed:
            line.value = plain(line.value)
        constants = _constants([result, *[line.value for line in printed]])
        self.names.count_anew([*constants, *printed], self.program.stands_for)
        written = [*self._assignments(early), *self._result(result)]
        if is_loss and late:
            backward = self._assignments(late)
            for k in [k for k, row in enumerate(backward) if "np.cosh(" in row][:1]:
                backward.insert(k, " " * (len(backward[k]) - len(backward[k].lstrip())) + SECH)
            written = ["", "# forward", *written, "", "# backward", *backward]
        if is_loss and self.recording.is_batched and self.parameters:
            written.append("dtheta /= n  # the loss is a mean")
        written += ["return loss, dtheta"] if is_loss else []
        body = self._first_lines("\n".join(written), printed) + written
        parts = [line.target for line in printed if line.target is not None]
        return self._file(body, _constants([result, *parts, *[line.value for line in printed]]))

    def _forward(self, steps: list[Line | Loop], result: Expression) -> set[Line]:
        """Returns the lines that the result needs, with all that write to an array of theirs."""
        forward = reached([result])
        grows = True
        while grows:
            found = set(forward)
            for line in _lines_of(steps):
                into = _read(line.target) if line.target is not None else [line.again]
                if line.derivative_of is None and any(each in found for each in into):
                    found |= {line} | reached([line.value])
            grows, forward = len(found) > len(forward), found
        return forward

    # ---- lines -----------------------------------------------------------------------------------

    def _moved(self) -> tuple[list[Line | Loop], Expression]:
        """Returns the steps and the result, with what is read once where it is read."""
        steps, result = self.program.steps, self.program.result
        every = list(_lines_of(steps))
        for line in every:
            self.names(line)
        self.names.count_anew(every, self.program.stands_for)  # not by how many steps there were
        roots = [result, *[line.value for line in every]]
        self.uses = Counter(each for root in roots for each in _read(root))
        self.uses.update([line.again for line in every for _ in range(2) if line.again is not None])
        moved: list[Line | Loop] = []
        block: list[Line] = []
        for step in [*steps, None]:
            if isinstance(step, Line):
                block.append(step)
                continue
            before, result = self._settled(block, result)
            moved, block = [*moved, *before], []
            if step is not None:
                step.lines, result = self._settled(step.lines, result)
                moved.append(step)
        return moved, result

    def _settled(self, lines: list[Line], result: Expression) -> tuple[list[Line], Expression]:
        """Returns lines and the result, with a line that is read once inside of its reader."""
        read_here = {each for root in [result, *[e.value for e in lines]] for each in _read(root)}
        kept: list[Line] = []
        waiting: dict[Line, None] = {}  # in their order

        def settled(expression: Expression) -> Expression:
            """Returns an expression with the waiting lines inside, or written before it."""
            for line in _read(expression):
                if line not in waiting:
                    continue
                del waiting[line]
                moved = _with_line_inside(expression, line)
                if moved is None or len(self._text(moved)) > WIDTH:
                    kept.append(line)
                else:
                    expression = moved
            return expression

        for line in lines:
            line.value = settled(line.value)
            for other in [each for each in waiting if line.again in _read(each.value)]:
                del waiting[other]  # it reads what this line replaces
                kept.append(other)
            is_own = (line.derivative_of, line.target, line.again) == (None, None, None)
            may_move = is_own and self.uses[line] == 1 and line not in self.names.spoken
            if may_move and line in read_here:
                waiting[line] = None
            else:
                kept.append(line)
        result = settled(result)
        return [each for line in kept for each in self._in_short_lines(line)], result

    def _in_short_lines(self, line: Line) -> list[Line]:
        """Returns the line, after lines for what makes it too long."""
        before: list[Line] = []
        while max(map(len, self._assignment(line))) > LIMIT - 2 * len(INDENT):
            parts = [each for each in line.value.walk() if each is not line.value and each.operands]
            parts = [each for each in parts if 2 * len(self._text(each)) < LIMIT] or parts[-1:]
            if not parts:
                break
            before.append(Line(max(parts, key=lambda each: len(self._text(each)))))
            line.value = _substituted(line.value, before[-1].value, Read(before[-1]))
        return [*before, line]

    def _assignments(self, steps: list[Line | Loop]) -> list[str]:
        written: list[str] = []
        for step in steps:
            if isinstance(step, Line):
                written += self._assignment(step)
                continue
            written.append(f"for {self.names.counter} in {_range(step.counts)}:")
            written += [INDENT + row for line in step.lines for row in self._assignment(line)]
        return written

    def _assignment(self, line: Line) -> list[str]:
        is_plain = line.shape == () or isinstance(line.value, Empty)
        shape = "" if is_plain else f"  # {_shape(line.shape)}"
        tree = spelled(line.value, self.names)
        sign = "+=" if line.adds else "="
        return wrapped(f"{self._target(line)} {sign}", tree, shape, LIMIT - 2 * len(INDENT))

    def _target(self, line: Line) -> str:
        if line.target is not None:
            return self._text(line.target)
        if line.derivative_of is None:
            return self.names(line)
        return f"d{line.derivative_of.name}[...]"

    def _result(self, result: Expression) -> list[str]:
        target = "loss =" if self.recording.is_loss else "return"
        return wrapped(target, spelled(result, self.names), "", LIMIT - len(INDENT))

    def _text(self, expression: Expression) -> str:
        return text(expression, self.names)

    # ---- around them -----------------------------------------------------------------------------

    def _first_lines(self, body: str, printed: list[Line]) -> list[str]:
        """Returns what comes before the first array: checks, parameters, and places to write to."""
        lines = []
        batched = [array for array in self.inputs if array.is_batched]
        if batched:
            lines.append(f"n = len({batched[0].name})")
        count = self.recording.parameter_count
        if self.parameters:
            lines.append(f"assert theta.shape == ({count},), theta.shape")
        for array in self.inputs:
            shape = _shape(Read(array).shape)
            lines.append(f"assert {array.name}.shape == {shape}, {array.name}.shape")
        names = [array.name for array in self.parameters]
        if self.parameters:
            lines += wrapped_names(names, "unpack(theta)")
        if re.search(r"\bones\b", body):
            lines.append("ones = np.ones(n)  # ones @ a is a.sum(axis=0), and faster")
        if self.recording.is_loss and self.parameters:
            is_filled = len(self.recording.gradient) == count
            is_filled = is_filled and not any(e.adds and e.derivative_of for e in printed)
            like = "empty_like" if is_filled else "zeros_like"
            lines.append(f"dtheta = np.{like}(theta)")
            if any(f"d{name}[" in body for name in names):
                lines += wrapped_names([f"d{name}" for name in names], "unpack(dtheta)")
        return lines

    def _file(self, body: list[str], constants: list[Constant]) -> str:
        """Returns the whole source, with the constants that it uses."""
        text = "\n".join(body)
        given = ", ".join([*(["theta"] if self.parameters else []), *(a.name for a in self.inputs)])
        blocks = [f'"""{self.title}"""\n']
        blocks.append(("import math\n\n" if "math." in text else "") + "import numpy as np\n")
        if constants:
            blocks.append("\n".join(map(self._constant, constants)) + "\n")
        if self.parameters:
            blocks.append("\n" + self._unpack())
        name = "loss_and_gradient" if self.recording.is_loss else "forward"
        what = "the mean loss over the n examples" if self.recording.is_batched else "the loss"
        what = f"{what}, and its gradient" if self.recording.is_loss else "the outputs"
        written = textwrap.indent("\n".join([f'"""Returns {what}."""', *body]), INDENT)
        blocks.append(f"\ndef {name}({given}):\n{written}")
        return "\n".join(blocks)

    def _constant(self, constant: Constant) -> str:
        """Returns the line of a constant."""
        array, name = constant.array, self.names(constant)
        if constant.triangle is not None:
            turned = ".T" if constant.triangle == "upper" else ""
            return f"{name} = np.tri({len(array)}, dtype=bool){turned}"
        if constant.counts:
            return f"{name} = np.arange({len(array)})"
        is_whole = array.dtype == float and (array == array.round()).all()
        is_whole = is_whole and abs(array).max() < 1e6
        numbers = (array.astype(int) if is_whole else array).tolist()
        text = f"{name} = np.array({numbers})" + (" * 1.0" if is_whole else "")
        return "\n".join(textwrap.wrap(text, LIMIT, subsequent_indent=INDENT)).replace(
            "nan", "np.nan"
        ).replace("inf", "np.inf")

    def _unpack(self) -> str:
        """Returns the source of the function that returns the arrays in the flat vector."""
        lines, start = [], 0
        for array in self.parameters:
            view = f"theta[{start}:{start + array.size}]"
            if len(array.shape) != 1:
                view += f".reshape{_shape(array.shape) if array.shape else '(())'}"
            lines.append(f"{array.name} = {view}  # {_shape(array.shape)}")
            start += array.size
        names = ", ".join([array.name for array in self.parameters])
        returned = f"return {names}" + ("," if len(self.parameters) == 1 else "")
        if len(returned) > LIMIT - len(INDENT):
            returned = "\n".join(
                ["return (", *textwrap.wrap(names, LIMIT - 8, initial_indent=INDENT,
                                           subsequent_indent=INDENT), ")"])
        doc = '"""Returns the arrays of the parameters, as views into their flat vector."""'
        body = textwrap.indent("\n".join([doc, *lines, returned]), INDENT)
        return f"def unpack(theta):\n{body}\n"


def _lines_of(steps: Sequence[Line | Loop]) -> Iterator[Line]:
    for step in steps:
        yield from [step] if isinstance(step, Line) else step.lines


def _read(expression: Expression) -> list[Line]:
    read = [each.source for each in expression.walk() if isinstance(each, Read)]
    return [source for source in read if isinstance(source, Line)]


def _constants(expressions: Sequence[Expression]) -> list[Constant]:
    read = [e.source for root in expressions for e in root.walk() if isinstance(e, Read)]
    return list(dict.fromkeys([each for each in read if isinstance(each, Constant)]))


def _is_forward(step: Line | Loop, forward: set[Line]) -> bool:
    """Returns whether the result needs a step."""
    lines = [step] if isinstance(step, Line) else step.lines
    return any(line in forward or line.again in forward for line in lines)


def _range(counts: range) -> str:
    if counts.step == 1:
        return f"range({counts.start}, {counts.stop})" if counts.start else f"range({counts.stop})"
    return f"reversed({_range(counts[::-1])})"


def wrapped_names(names: list[str], value: str) -> list[str]:
    """Returns the lines of an assignment of several names."""
    joined = ", ".join(names) + ("," if len(names) == 1 else "")
    if len(joined) + len(value) + 3 <= LIMIT - len(INDENT):
        return [f"{joined} = {value}"]
    inner = textwrap.wrap(joined, LIMIT - 8, initial_indent=INDENT, subsequent_indent=INDENT)
    return ["(", *inner, f") = {value}"]


def _with_line_inside(expression: Expression, line: Line) -> Expression | None:
    """Returns an expression with a line's own instead of its name; None if that reads badly.

    x[:, 0] and x.T need a name before them, or at least a call.
    """
    read = Read(line)
    for parent in expression.walk():
        if isinstance(parent, Part) and parent.of == read:
            return None
        if isinstance(parent, Transpose | Reduce | Reshape) and parent.of == read:
            return None if not is_call(line.value) else _substituted(expression, read, line.value)
    return _substituted(expression, read, line.value)


def _substituted(expression: Expression, part: Expression, new: Expression) -> Expression:
    """Returns the expression with another one wherever a part of it stands."""
    if expression == part:
        return new
    inside = [_substituted(operand, part, new) for operand in expression.operands]
    made = expression.with_operands(inside)
    if isinstance(made, Reshape) and isinstance(made.of, Reshape):
        return Reshape(made.of.of, made.to)
    return made


def _shape(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def arranged_text(program: Program) -> str:
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
