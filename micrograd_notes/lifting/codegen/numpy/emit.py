"""The last pass: the source, which is both run and printed.

`compiled.py` calls `emit`. The typed program comes in two halves, with the lines and names to print
(`readable/printable.py`). Here, the loss stands between the halves, and around them what an empty
file needs. Read `lines.py` next.
"""

import re
import textwrap
from typing import NamedTuple

from micrograd_notes.lifting.codegen import erfc
from micrograd_notes.lifting.codegen.numpy.lines import written
from micrograd_notes.lifting.codegen.numpy.spelled import WINDOWS, parse, spelled, spelled_shape
from micrograd_notes.lifting.codegen.readable.printable import printable
from micrograd_notes.lifting.codegen.rows import INDENT, LIMIT, asserted, headed, listed, wrapped
from micrograd_notes.lifting.typed.expressions import Constant, Program, Read

SQUARES = {
    "lower": "np.tri({}, dtype=bool)", "upper": "np.tri({}, dtype=bool).T",
    "diagonal": "np.eye({}, dtype=bool)", "elsewhere": "~np.eye({}, dtype=bool)",
}


UNPACK = '''\
"""Returns the arrays in theta, as views: what is written into them is written into theta.

The order is that of program.parameters(), and need not be that of model.parameters().
"""'''


class Printed(NamedTuple):
    """A source, and the typed program that it says: each line as it is printed."""

    source: str
    program: Program


def emit(typed: Program, title: str) -> Printed:
    """Returns the source of the program, and what was printed."""
    shown = printable(typed, in_place=True)
    program, names, constants = shown
    rows = written(program.forward, names)
    target = "loss =" if program.is_loss else "return"
    rows += wrapped(target, spelled(program.result, names), "", LIMIT - len(INDENT))
    if program.is_loss and program.backward:
        backward = written(program.backward, names)
        cosh = next((row for row in backward if "np.cosh(" in row), "")
        lost = "s * (1 - s) of a sigmoid s" if "cosh(0.5 *" in cosh else "1 - tanh(z)**2"
        said = f"with cosh, a slope keeps the digits that {lost} loses near 1"
        _say(backward, r"np\.cosh\(", said)
        _say(rows, r"_rows = .*# \(\d+n, ", "rows: those of all examples below each other")
        of = ": derivatives of the sum over all examples, divided by n at the end"
        rows = ["", "# forward", *rows, "", f"# backward{of * program.is_mean}", *backward]
    rows += ["dtheta /= n"] * program.is_mean + ["return loss, dtheta"] * program.is_loss
    body = "\n".join([*_first_rows(program, "\n".join(rows)), *rows])

    blocks = [f'"""{title}"""\n']
    blocks.append("import math\n\n" * ("math." in body) + "import numpy as np\n")
    blocks[-1] += f"from numpy.lib.stride_tricks import {WINDOWS}\n" * (WINDOWS in body)
    if constants:
        blocks.append("\n".join([spelled_constant(c, names(c)) for c in constants]) + "\n")
    if f"{erfc.NAME}(" in body:
        blocks.append(erfc.SOURCE)
    if program.parameters:
        blocks.append("\n" + unpack_source(program))
    name = "loss_and_gradient" if program.is_loss else "forward"
    what = shown.returned + (", and its gradient" if program.is_loss else "")
    function = textwrap.indent(f'"""Returns {what}."""\n{body}', INDENT)
    blocks.append("\n".join(["", *headed(name, shown.given), function]))
    return Printed("\n".join(blocks), program)


def _say(rows: list[str], pattern: str, words: str) -> None:
    """Puts a comment before the first line whose rows have the pattern."""
    for k in [k for k, row in enumerate(rows) if re.search(pattern, row)][:1]:
        begin = max(i for i, row in enumerate(rows[: k + 1]) if " = " in row or " += " in row)
        rows.insert(begin, re.sub(r"\S.*", f"# {words}", rows[begin]))


def _first_rows(program: Program, body: str) -> list[str]:
    """Returns what comes before the first array: checks, parameters, and places to write to."""
    names = [array.name for array in program.parameters]
    rows = _as_floats(program)
    batched = [array for array in program.inputs if array.is_batched]
    if batched:
        rows.append(f"n = len({batched[0].name})")
    if names:
        count = len(program.grouping.recording.gradient)
        rows.append(f"assert theta.shape == ({count},), theta.shape")
    for array in program.inputs:
        shape = spelled_shape(Read(array).shape)
        rows += asserted(f"{array.name}.shape == {shape}", f"{array.name}.shape")
        if array.below is not None:  # what is too large raises an error where it selects
            shown = f"{array.name}  # -1 would be the last"
            rows += asserted(f"({array.name} >= 0).all()", shown)
    if names:
        rows += listed("", names, " = unpack(theta)")
    if re.search(r"\bones\b", body):
        added = [*re.findall(r"\bones @ (\w+)", body), "a"]
        said = [f"ones = np.ones(n)  # ones @ {a} is {a}.sum(axis=0), and faster" for a in added]
        rows.append(next(row for row in said if len(INDENT + row) <= LIMIT))
    if program.is_loss and names:
        has_views = any(f"d{name}[" in body for name in names)
        how = "  # filled through views of its parts" if has_views else ""
        filled = "empty" if program.fills_gradient else "zeros"
        rows.append(f"dtheta = np.{filled}_like(theta){how}")
        if has_views:
            rows += listed("", [f"d{name}" for name in names], " = unpack(dtheta)")
    return rows


def _as_floats(program: Program) -> list[str]:
    """Returns the rows that make floats of theta and of data, which overflow as bytes of images."""
    kinds = {"theta": ", float"} if program.parameters else {}
    kinds |= {each.name: ", float" * (each.below is None) for each in program.inputs}
    trees = [(f"{name} =", parse(f"np.asarray({name}{kind})")) for name, kind in kinds.items()]
    return [row for pair in trees for row in wrapped(*pair, "", LIMIT - len(INDENT))]


def spelled_constant(
    constant: Constant, name: str, digits: str = "", width: int = LIMIT
) -> str:
    """Returns the line of a constant, as numbers of so many digits."""
    array = constant.array
    if constant.where is not None:
        return f"{name} = {SQUARES[constant.where].format(len(array))}"
    is_whole = array.dtype == float and (array == array.round()).all()
    # shorter, where the floats do not fit on a line
    is_whole = is_whole and abs(array).max() < 1e6 and len(str(array.tolist())) > LIMIT // 2
    numbers = (array.astype(int) if is_whole else array).tolist()
    inside = re.sub("nan|inf", r"np.\g<0>", str(numbers))
    text = f"np.array({inside})" + ("~*~1.0" if is_whole else "")  # on one line
    text = f"np.arange({len(array)})" if constant.counts else text
    if digits and array.dtype == float:
        text = f"np.asarray({text}, {digits})"
    rows = textwrap.wrap(
        f"{name} = {text}", width, subsequent_indent=INDENT, break_on_hyphens=False
    )
    return "\n".join(rows).replace("~*~", " * ")


def unpack_source(program: Program) -> str:
    """Returns the source of the function that returns the arrays in the flat vector."""
    rows, start = [UNPACK], 0
    for array in program.parameters:
        view = f"theta[{start}:{start + array.size}]"
        if len(array.shape) != 1:
            view += f".reshape{spelled_shape(array.shape) if array.shape else '(())'}"
        rows.append(f"{array.name} = {view}  # {spelled_shape(array.shape)}")
        start += array.size
    rows += listed("return ", [array.name for array in program.parameters], "")
    return "\n".join(["def unpack(theta):", *[textwrap.indent(row, INDENT) for row in rows], ""])
