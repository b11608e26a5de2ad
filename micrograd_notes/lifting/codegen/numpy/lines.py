"""How each line of a source is written, with its shape: `z1 = x @ W1 + b1  # (n, 32)`.

`emit.py` calls `written`. A long line becomes several rows (`codegen/rows.py`). Read `spelled.py`
next.
"""

from collections.abc import Sequence

from micrograd_notes.lifting.codegen.numpy.spelled import spelled, spelled_shape, text
from micrograd_notes.lifting.codegen.rows import INDENT, LIMIT, wrapped
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Line, Loop
from micrograd_notes.lifting.typed.names import Names


def written(steps: Sequence[Line | Loop], names: Names) -> list[str]:
    """Returns the source of lines and loops."""
    rows: list[str] = []
    for step in steps:
        if isinstance(step, Line):
            rows += assignment(step, names)
        else:
            rows.append(f"for {names.counter} in {_range(step.counts)}:")
            rows += [INDENT + row for line in step.lines for row in assignment(line, names)]
    return rows


def assignment(line: Line, names: Names, is_whole: bool = True) -> list[str]:
    """Returns the source of a line, with the shape of its array; see `wrapped`."""
    value, shape = line.value, f"  # {spelled_shape(line.shape)}" if line.shape else ""
    match value:
        case ex.Empty() | ex.Spread(ex.Number(0.0)) if line.target is None:  # it names its shape
            shape = ""
    if isinstance(value, ex.Spread) and line.target is not None:
        value = value.of  # NumPy repeats it
    begin = f"{target(line, names)} {'+=' if line.adds else '='}"
    return wrapped(begin, spelled(value, names), shape, LIMIT - 2 * len(INDENT), is_whole)


def target(line: Line, names: Names) -> str:
    """Returns what a line writes to: its own array, a part of another, or a derivative."""
    if line.target is not None:
        return text(line.target, names)
    if line.derivative_of is None:
        return names(line)
    if line.derivative_of.name == "theta":
        return "dtheta"
    return f"d{line.derivative_of.name}[...]"


def _range(counts: range) -> str:
    if counts.step == 1:
        return f"range({counts.start}, {counts.stop})" if counts.start else f"range({counts.stop})"
    return f"reversed({_range(counts[::-1])})"
