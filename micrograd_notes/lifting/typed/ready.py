"""The typed program as each printer gets it.

A printer calls `ready`, writes `forward`, the result and `backward` in this
order, and divides the derivatives by n if `is_mean`. A line is an array with a shape and a value;
`expressions.py` has all kinds of values, some twenty, and all fields of a line. A line that has a
`derivative_of` writes, or adds, into this parameter's part of the gradient, which is 0 before.
Names are chosen by `Names(program)`, before `ready`. Printers may change lines, so each arranges
the program anew.
"""

from __future__ import annotations

from micrograd_notes.lifting.typed.expressions import Line, Loop, Program, lines_of
from micrograd_notes.lifting.typed.loops import rolled
from micrograd_notes.lifting.typed.share import reached, shared


def ready(program: Program) -> Program:
    """Returns the program with nothing computed twice, with loops, and in two halves."""
    program = rolled(shared(program))
    steps, needed = program.forward, _forward(program)
    program.forward = [step for step in steps if _is_in(step, needed)]
    program.backward = [step for step in steps if step not in program.forward]
    return program


def _forward(program: Program) -> set[Line]:
    """Returns the lines that the result needs, with all that write to an array of theirs."""
    forward = reached([program.result])
    grows = True
    while grows:
        found = set(forward)
        for line in lines_of(program.steps):
            into = line.target.lines() if line.target is not None else [line.again]
            if line.derivative_of is None and any(each in found for each in into):
                found |= {line} | reached([line.value])
        grows, forward = len(found) > len(forward), found
    return forward


def _is_in(step: Line | Loop, lines: set[Line]) -> bool:
    return any(line in lines or line.again in lines for line in lines_of([step]))
