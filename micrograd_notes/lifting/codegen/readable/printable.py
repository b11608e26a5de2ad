"""The typed program as a person reads it, in NumPy, and in JAX, which has NumPy's functions.

Conditions stand for 0 and 1 where they may (`conditions.py`), a line that is read once stands in
its reader (`moved.py`), and all that is left has a name. The printers of NumPy and JAX call
`printable`. Read `moved.py` next.
"""

from typing import NamedTuple

from micrograd_notes.lifting.codegen.readable.conditions import plain, with_plain_conditions
from micrograd_notes.lifting.codegen.readable.moved import moved
from micrograd_notes.lifting.typed.expressions import Constant, Program, lines_of
from micrograd_notes.lifting.typed.flat import with_flat_decay, with_flat_squares
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.ready import ready


class Printable(NamedTuple):
    """A program whose lines are those to print, their names, and the constants that they read."""

    program: Program
    names: Names
    constants: list[Constant]

    @property
    def given(self) -> list[str]:
        """The names of what the printed function gets: theta, x, y."""
        theta = ["theta"] if self.program.parameters else []
        return [*theta, *[array.name for array in self.program.inputs]]

    @property
    def returned(self) -> str:
        """The words for what the printed function returns: "the loss"."""
        is_mean = self.program.grouping.recording.is_batched
        loss = "the mean loss over the n examples" if is_mean else "the loss"
        return loss if self.program.is_loss else "the outputs"


def printable(program: Program, in_place: bool = False) -> Printable:
    """Returns a program as it is printed; its lines change.

    In a language that changes arrays `in_place`, all derivatives may be added to at once.
    """
    names = Names(program)
    program = moved(with_plain_conditions(ready(with_flat_squares(program))), names)
    program = with_flat_decay(program) if in_place else program
    program.result = plain(program.result)
    lines = list(lines_of(program.steps))
    for line in lines:
        line.value = plain(line.value)
    parts = [line.target for line in lines if line.target is not None]
    read = [each for root in (program.result, *parts, *[line.value for line in lines])
            for each in root.sources()]
    constants = list(dict.fromkeys([each for each in read if isinstance(each, Constant)]))
    names.count_anew([*constants, *lines], program.stands_for)
    return Printable(program, names, constants)
