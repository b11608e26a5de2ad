"""The last pass: the source, which is both run and printed.

`program.py` calls `emit`. The typed program comes in two halves (`typed/ready.py`) and gets names
(`typed/names.py`). Here, the loss stands between the halves, and around them what an empty file
needs. Read `lines.py` next.
"""

import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from micrograd_notes.lifting.codegen.numpy import erfc
from micrograd_notes.lifting.codegen.numpy.conditions import plain, with_plain_conditions
from micrograd_notes.lifting.codegen.numpy.lines import (
    INDENT,
    LIMIT,
    moved,
    spelled_shape,
    written,
)
from micrograd_notes.lifting.codegen.numpy.spelled import spelled, text, wrapped
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed.expressions import (
    Constant,
    Expression,
    Line,
    Program,
    Read,
    lines_of,
)
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.ready import ready

SECH = "# 1 / cosh(z)**2 is 1 - tanh(z)**2, and keeps the digits that this loses near 1"

SQUARES = {
    "lower": "np.tri({}, dtype=bool)", "upper": "np.tri({}, dtype=bool).T",
    "diagonal": "np.eye({}, dtype=bool)", "elsewhere": "~np.eye({}, dtype=bool)",
}


class Printed(NamedTuple):
    """A source, and the typed program that it says: each line as it is printed."""

    source: str
    program: Program


def emit(program: Program, title: str) -> Printed:
    """Returns the source of the program, and what was printed."""
    emitter = _Emitter(program, title)
    return Printed(emitter.run(), emitter.program)


class _Emitter:
    def __init__(self, program: Program, title: str) -> None:
        self.names = Names(program)
        self.program, self.title = with_plain_conditions(ready(program)), title
        self.recording = program.grouping.recording
        self.parameters, self.inputs = program.parameters, program.inputs

    def run(self) -> str:
        program = self.program = moved(self.program, self.names)
        is_loss = program.is_loss
        printed = list(lines_of(program.steps))
        result = program.result = plain(program.result)
        for line in printed:
            line.value = plain(line.value)
        parts = [line.target for line in printed if line.target is not None]
        constants = constants_of([result, *parts, *[line.value for line in printed]])
        self.names.count_anew([*constants, *printed], program.stands_for)
        rows = [*written(program.forward, self.names), *self._result(result)]
        if is_loss and program.backward:
            backward = written(program.backward, self.names)
            for k in [k for k, row in enumerate(backward) if "np.cosh(" in row][:1]:
                backward.insert(k, " " * (len(backward[k]) - len(backward[k].lstrip())) + SECH)
            rows = ["", "# forward", *rows, "", "# backward", *backward]
        if program.is_mean:
            rows.append("dtheta /= n  # the loss is a mean")
        rows += ["return loss, dtheta"] if is_loss else []
        body = self._first_lines("\n".join(rows)) + rows
        return self._file(body, constants)

    def _result(self, result: Expression) -> list[str]:
        target = "loss =" if self.recording.is_loss else "return"
        return wrapped(target, spelled(result, self.names), "", LIMIT - len(INDENT))

    # ---- around them -----------------------------------------------------------------------------

    def _first_lines(self, body: str) -> list[str]:
        """Returns what comes before the first array: checks, parameters, and places to write to."""
        lines = []
        batched = [array for array in self.inputs if array.is_batched]
        if batched:
            lines.append(f"n = len({batched[0].name})")
        count = len(self.recording.gradient)
        if self.parameters:
            lines.append(f"assert theta.shape == ({count},), theta.shape")
        for array in self.inputs:
            shape = spelled_shape(Read(array).shape)
            lines.append(f"assert {array.name}.shape == {shape}, {array.name}.shape")
            if array.below is not None:  # what is too large raises an error where it selects
                lines.append(f"assert ({array.name} >= 0).all(), {array.name}")
        names = [array.name for array in self.parameters]
        if self.parameters:
            lines += wrapped_names(names, "unpack(theta)")
        if re.search(r"\bones\b", body):
            lines.append("ones = np.ones(n)  # ones @ a is a.sum(axis=0), and faster")
        if self.recording.is_loss and self.parameters:
            like = "empty_like" if self.program.fills_gradient else "zeros_like"
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
            blocks.append("\n".join([spelled_constant(k, self.names(k)) for k in constants]) + "\n")
        if f"{erfc.NAME}(" in text:
            blocks.append(erfc.SOURCE)
        if self.parameters:
            blocks.append("\n" + unpack_source(self.program))
        name = "loss_and_gradient" if self.recording.is_loss else "forward"
        what = "the mean loss over the n examples" if self.recording.is_batched else "the loss"
        what = f"{what}, and its gradient" if self.recording.is_loss else "the outputs"
        written = textwrap.indent("\n".join([f'"""Returns {what}."""', *body]), INDENT)
        blocks.append(f"\ndef {name}({given}):\n{written}")
        return "\n".join(blocks)


def spelled_constant(constant: Constant, name: str) -> str:
    """Returns the line of a constant."""
    array = constant.array
    if constant.where is not None:
        return f"{name} = {SQUARES[constant.where].format(len(array))}"
    if constant.counts:
        return f"{name} = np.arange({len(array)})"
    is_whole = array.dtype == float and (array == array.round()).all()
    is_whole = is_whole and abs(array).max() < 1e6
    numbers = (array.astype(int) if is_whole else array).tolist()
    text = f"{name} = np.array({numbers})" + (" * 1.0" if is_whole else "")
    return "\n".join(textwrap.wrap(text, LIMIT, subsequent_indent=INDENT)).replace(
        "nan", "np.nan"
    ).replace("inf", "np.inf")


def unpack_source(program: Program) -> str:
    """Returns the source of the function that returns the arrays in the flat vector."""
    lines, start = [], 0
    for array in program.parameters:
        view = f"theta[{start}:{start + array.size}]"
        if len(array.shape) != 1:
            view += f".reshape{spelled_shape(array.shape) if array.shape else '(())'}"
        lines.append(f"{array.name} = {view}  # {spelled_shape(array.shape)}")
        start += array.size
    names = ", ".join([array.name for array in program.parameters])
    returned = f"return ({names},)" if len(program.parameters) == 1 else f"return {names}"
    if len(returned) > LIMIT - len(INDENT):
        returned = "\n".join(
            ["return (", *textwrap.wrap(names, LIMIT - 8, initial_indent=INDENT,
                                       subsequent_indent=INDENT), ")"])
    doc = '"""Returns the arrays of the parameters, as views into their flat vector."""'
    body = textwrap.indent("\n".join([doc, *lines, returned]), INDENT)
    return f"def unpack(theta):\n{body}\n"


def constants_of(expressions: Sequence[Expression]) -> list[Constant]:
    """Returns the constants that expressions read, each once."""
    read = [source for expression in expressions for source in expression.sources()]
    return list(dict.fromkeys([each for each in read if isinstance(each, Constant)]))


def wrapped_names(names: list[str], value: str) -> list[str]:
    """Returns the lines of an assignment of several names."""
    joined = f"({names[0]},)" if len(names) == 1 else ", ".join(names)
    if len(joined) + len(value) + 3 <= LIMIT - len(INDENT):
        return [f"{joined} = {value}"]
    inner = textwrap.wrap(joined, LIMIT - 8, initial_indent=INDENT, subsequent_indent=INDENT)
    return ["(", *inner, f") = {value}"]


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
