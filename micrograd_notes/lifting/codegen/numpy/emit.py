"""The last pass: the source, which is both run and printed.

`compiled.py` calls `emit`. The typed program comes in two halves, with the lines and names to print
(`readable/program.py`). Here, the loss stands between the halves, and around them what an empty
file needs. Read `lines.py` next.
"""

import re
import textwrap
from math import prod
from typing import NamedTuple

from micrograd_notes.lifting.codegen import erfc
from micrograd_notes.lifting.codegen.numpy.lines import INDENT, LIMIT, wrapped, written
from micrograd_notes.lifting.codegen.numpy.spelled import spelled, spelled_shape, text
from micrograd_notes.lifting.codegen.readable.program import printable
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed.expressions import Constant, Line, Program, Read

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
        self.printable = printable(program)
        self.program, self.names, self.constants = self.printable
        self.title = title

    def run(self) -> str:
        program, is_loss = self.program, self.program.is_loss
        target = "loss =" if is_loss else "return"
        rows = written(program.forward, self.names)
        rows += wrapped(target, spelled(program.result, self.names), "", LIMIT - len(INDENT))
        if is_loss and program.backward:
            backward = written(program.backward, self.names)
            for k in [k for k, row in enumerate(backward) if "np.cosh(" in row][:1]:
                backward.insert(k, " " * (len(backward[k]) - len(backward[k].lstrip())) + SECH)
            rows = ["", "# forward", *rows, "", "# backward", *backward]
        if program.is_mean:
            rows.append("dtheta /= n  # the loss is a mean")
        rows += ["return loss, dtheta"] if is_loss else []
        return self._file([*self._first_rows("\n".join(rows)), *rows])

    def _first_rows(self, body: str) -> list[str]:
        """Returns what comes before the first array: checks, parameters, and places to write to."""
        program, rows = self.program, list[str]()
        names = [array.name for array in program.parameters]
        batched = [array for array in program.inputs if array.is_batched]
        if batched:
            rows.append(f"n = len({batched[0].name})")
        if names:
            count = len(program.grouping.recording.gradient)
            rows.append(f"assert theta.shape == ({count},), theta.shape")
        for array in program.inputs:
            shape = spelled_shape(Read(array).shape)
            rows.append(f"assert {array.name}.shape == {shape}, {array.name}.shape")
            if array.below is not None:  # what is too large raises an error where it selects
                rows.append(f"assert ({array.name} >= 0).all(), {array.name}")
        if names:
            rows += unpacked(names, "theta")
        if re.search(r"\bones\b", body):
            rows.append("ones = np.ones(n)  # ones @ a is a.sum(axis=0), and faster")
        if program.is_loss and names:
            like = "empty_like" if program.fills_gradient else "zeros_like"
            rows.append(f"dtheta = np.{like}(theta)")
            if any(f"d{name}[" in body for name in names):
                rows += unpacked([f"d{name}" for name in names], "dtheta")
        return rows

    def _file(self, body: list[str]) -> str:
        """Returns the whole source, with the constants that it uses."""
        text, is_loss = "\n".join(body), self.program.is_loss
        blocks = [f'"""{self.title}"""\n']
        blocks.append(("import math\n\n" if "math." in text else "") + "import numpy as np\n")
        if self.constants:
            rows = [spelled_constant(each, self.names(each)) for each in self.constants]
            blocks.append("\n".join(rows) + "\n")
        if f"{erfc.NAME}(" in text:
            blocks.append(erfc.SOURCE)
        if self.program.parameters:
            blocks.append("\n" + unpack_source(self.program))
        name = "loss_and_gradient" if is_loss else "forward"
        what = self.printable.returned + (", and its gradient" if is_loss else "")
        written = textwrap.indent(f'"""Returns {what}."""\n{text}', INDENT)
        blocks.append(f"\ndef {name}({self.printable.given}):\n{written}")
        return "\n".join(blocks)


def spelled_constant(constant: Constant, name: str) -> str:
    """Returns the line of a constant."""
    array = constant.array
    if constant.where is not None:
        return f"{name} = {SQUARES[constant.where].format(len(array))}"
    if constant.counts:
        return f"{name} = np.arange({len(array)})"
    if constant.windows is not None:
        whole, windows = constant.windows
        spelled = f"np.arange({prod(whole)}).reshape{spelled_shape(whole)}"
        function = "np.lib.stride_tricks.sliding_window_view"
        return f"{name} = {function}({spelled}, {spelled_shape(windows)})"
    is_whole = array.dtype == float and (array == array.round()).all()
    is_whole = is_whole and abs(array).max() < 1e6
    numbers = (array.astype(int) if is_whole else array).tolist()
    listed = re.sub("nan|inf", r"np.\g<0>", str(numbers))
    text = f"{name} = np.array({listed})" + (" * 1.0" if is_whole else "")
    return "\n".join(textwrap.wrap(text, LIMIT, subsequent_indent=INDENT))


def unpack_source(program: Program) -> str:
    """Returns the source of the function that returns the arrays in the flat vector."""
    doc, start = "Returns the arrays of the parameters, as views into their flat vector.", 0
    rows = [f'"""{doc}"""']
    for array in program.parameters:
        view = f"theta[{start}:{start + array.size}]"
        if len(array.shape) != 1:
            view += f".reshape{spelled_shape(array.shape) if array.shape else '(())'}"
        rows.append(f"{array.name} = {view}  # {spelled_shape(array.shape)}")
        start += array.size
    rows += _listed("return ", [array.name for array in program.parameters], "")
    return "\n".join(["def unpack(theta):", *[INDENT + row for row in rows]]) + "\n"


def unpacked(names: list[str], vector: str) -> list[str]:
    """Returns the rows that give names to the arrays in a flat vector."""
    return _listed("", names, f" = unpack({vector})")


def _listed(before: str, names: list[str], after: str) -> list[str]:
    joined = f"({names[0]},)" if len(names) == 1 else ", ".join(names)
    if len(before + joined + after) <= LIMIT - len(INDENT):
        return [before + joined + after]
    inner = textwrap.wrap(joined, LIMIT - 3 * len(INDENT))
    return [f"{before}(", *[INDENT + row for row in inner], f"){after}"]


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
