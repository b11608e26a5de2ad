"""The typed program as each printer gets it.

A printer calls `ready`, writes `forward`, the result and `backward` in this
order, and divides the derivatives by n if `is_mean`. A line is an array with a shape and a value;
`expressions.py` has all kinds of values, some twenty, and all fields of a line. A line that has a
`derivative_of` writes, or adds, into this parameter's part of the gradient, which is 0 before.
Names are chosen by `Names(program)`, before `ready`. Printers may change lines, so each arranges
the program anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.algebra import in_usual_form
from micrograd_notes.lifting.typed.expressions import Expression, Line, Loop, Program, lines_of
from micrograd_notes.lifting.typed.gates import join_gates
from micrograd_notes.lifting.typed.loops import rolled
from micrograd_notes.lifting.typed.masks import without_needless_masks
from micrograd_notes.lifting.typed.share import reached, shared


def ready(program: Program) -> Program:
    """Returns the program with nothing computed twice, with loops, and in two halves.

    Raises:
        NoLoop: a recurrence does not become a loop from its first step (`loops.py`).
    """
    if program.names is not None:  # it is made of programs that were ready
        return program
    without_needless_masks(program)
    program = rolled(shared(program))
    derivatives = [line for line in lines_of(program.steps) if line.derivative_of]
    result = [program.result]
    needed = _needed(program.steps, [*result, *map(ex.Read, derivatives)])
    program.forward = _needed(program.steps, result)
    program.backward = [step for step in needed if step not in {*program.forward}]
    join_gates(program)
    in_usual_form(program)
    return program


def _needed(steps: Sequence[Line | Loop], roots: Sequence[Expression]) -> list[Line | Loop]:
    """Returns the steps that some expressions need, with all that write to arrays of theirs."""
    lines, needed = reached(roots), set[Line | Loop]()
    grows = True
    while grows:
        grows = False
        for step in steps:
            made = {each for line in lines_of([step]) for each in (line, *line.writes_to)}
            if step not in needed and made & lines:
                needed.add(step)
                new = {line for line in lines_of([step]) if line not in lines}
                into = [line.target for line in lines_of([step]) if line.target is not None]
                lines = reached([*[line.value for line in new], *into], lines | new)
                grows = True
    return [step for step in steps if step in needed]


def total_of(program: Program) -> Expression:
    """Returns the loss before it is divided by n, if it is a mean."""
    match program.result:
        case ex.Apply("divide", (of, ex.Count())):
            return of
    return program.result


def shown_by_gradient(program: Program) -> set[Array]:
    """Returns the inputs that can't hold a nan or inf if the gradient is finite.

    They are the x of dW = x.T @ dz: each element is a factor of a term in each column's sum, and
    such a factor makes the term, and so the sum, nan or inf.
    """
    shown = set()
    for line in [each for each in program.backward if isinstance(each, Line)]:
        match line.value:
            case ex.MatMul(ex.Transpose(ex.Read(Array() as x), (1, 0))) if line.derivative_of:
                shown.add(x)
    return shown
