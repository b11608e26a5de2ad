"""The last pass: the source, which is both run and printed.

`compiled.py` calls `emit`. The typed program comes in two halves (`typed/ready.py`), with the lines
and names to print (`printable.py`). Here, the loss stands between the halves, and around them what
an empty file needs. Read `printable.py` next, then `lines.py`.
"""

import re
import textwrap
from typing import NamedTuple

from micrograd_notes.lifting.codegen.numpy import erfc
from micrograd_notes.lifting.codegen.numpy.lines import (
    INDENT,
    LIMIT,
    spelled_shape,
    written,
)
from micrograd_notes.lifting.codegen.numpy.printable import printable
from micrograd_notes.lifting.codegen.numpy.spelled import spelled, text, wrapped
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed.expressions import (
    Constant,
    Expression,
    Line,
    Program,
    Read,
)

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
        self.program, self.names, self.constants = printable(program)
        self.title, self.recording = title, program.grouping.recording
        self.parameters, self.inputs = program.parameters, program.inputs

    def run(self) -> str:
        program, is_loss = self.program, self.program.is_loss
        rows = [*written(program.forward, self.names), *self._result(program.result)]
        if is_loss and program.backward:
            backward = written(program.backward, self.names)
            for k in [k for k, row in enumerate(backward) if "np.cosh(" in row][:1]:
                backward.insert(k, " " * (len(backward[k]) - len(backward[k].lstrip())) + SECH)
            rows = ["", "# forward", *rows, "", "# backward", *backward]
        if program.is_mean:
            rows.append("dtheta /= n  # the loss is a mean")
        rows += ["return loss, dtheta"] if is_loss else []
        body = self._first_lines("\n".join(rows)) + rows
        return self._file(body)

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

    def _file(self, body: list[str]) -> str:
        """Returns the whole source, with the constants that it uses."""
        text = "\n".join(body)
        given = ", ".join([*(["theta"] if self.parameters else []), *(a.name for a in self.inputs)])
        blocks = [f'"""{self.title}"""\n']
        blocks.append(("import math\n\n" if "math." in text else "") + "import numpy as np\n")
        if self.constants:
            rows = [spelled_constant(each, self.names(each)) for each in self.constants]
            blocks.append("\n".join(rows) + "\n")
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
