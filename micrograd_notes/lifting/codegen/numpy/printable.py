"""The typed program as it is written in NumPy, and in JAX, which has NumPy's functions.

A line that is read once stands in its reader (`lines.py`), conditions stand for 0 and 1 where they
may (`conditions.py`), and all that is left has a name. `emit.py` calls `printable`, and so does
JAX's room.
"""

from collections.abc import Sequence
from typing import NamedTuple

from micrograd_notes.lifting.codegen.numpy.conditions import plain, with_plain_conditions
from micrograd_notes.lifting.codegen.numpy.lines import moved
from micrograd_notes.lifting.typed.expressions import Constant, Expression, Program, lines_of
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.ready import ready


class Printable(NamedTuple):
    """A program whose lines are those to print, their names, and the constants that they read."""

    program: Program
    names: Names
    constants: list[Constant]


def printable(program: Program) -> Printable:
    """Returns a program as it is printed; its lines change."""
    names = Names(program)
    program = moved(with_plain_conditions(ready(program)), names)
    program.result = plain(program.result)
    lines = list(lines_of(program.steps))
    for line in lines:
        line.value = plain(line.value)
    parts = [line.target for line in lines if line.target is not None]
    constants = _constants_of([program.result, *parts, *[line.value for line in lines]])
    names.count_anew([*constants, *lines], program.stands_for)
    return Printable(program, names, constants)


def _constants_of(expressions: Sequence[Expression]) -> list[Constant]:
    read = [source for expression in expressions for source in expression.sources()]
    return list(dict.fromkeys([each for each in read if isinstance(each, Constant)]))
