"""The typed program as a person reads it, in NumPy, and in JAX, which has NumPy's functions.

Conditions stand for 0 and 1 where they may (`conditions.py`), a line that is read once stands in
its reader (`moved.py`), and all that is left has a name. The printers of NumPy and JAX call
`printable`. Read `moved.py` next.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from micrograd_notes.lifting.codegen.readable.conditions import plain, with_plain_conditions
from micrograd_notes.lifting.codegen.readable.moved import moved
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import (
    Constant,
    Expression,
    Line,
    Loop,
    Program,
    lines_of,
)
from micrograd_notes.lifting.typed.flat import with_flat_decay, with_flat_squares
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.picks import compared_in
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
    _name_one_hot(program, names)
    program.backward = _in_order_of_layers(program.backward)
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


def _name_one_hot(program: Program, names: Names) -> None:
    """Gives label == classes a line of its own in the backward half."""
    inside = [step.lines for step in program.backward if isinstance(step, Loop)]
    every: list[list[Any]] = [program.backward, *inside]
    for steps in every:
        made: dict[Expression, Line] = {}
        for line in [step for step in steps if isinstance(step, Line)]:
            for each in [*line.value.walk()]:
                if (compared := compared_in(each)) is not None:
                    names.wanted[compared[1][0]] = "classes", None
                    if each != line.value and each not in made:
                        made[each] = Line(each)
                        steps.insert(steps.index(line), made[each])
                if each in made:
                    line.value = ex.substituted(line.value, each, ex.Read(made[each]))


def _in_order_of_layers(steps: Sequence[Line | Loop]) -> list[Line | Loop]:
    """Returns steps with each parameter's derivative after what it is made of.

    So dW2 stands beside dz2, and the last layer comes first, as errors travel.
    """
    made_at: dict[Line, int] = {}  # the last step so far that makes or changes an array
    placed_at: dict[Array, int] = {}  # the last derivative of a parameter so far
    after: dict[int, list[Line | Loop]] = {-1: []}
    for k, step in enumerate(steps):
        if isinstance(step, Line) and step.derivative_of is not None:
            needed = [*step.value.lines(), *step.writes_to]
            places = [made_at.get(each, -1) for each in needed]
            place = max(placed_at.get(step.derivative_of, -1), *places, -1)
            placed_at[step.derivative_of] = place
            after[place].append(step)
        else:
            made_at |= {each: k for line in lines_of([step]) for each in (line, *line.writes_to)}
            after[k] = [step]
    return [step for k in after for step in after[k]]
