"""Draws a program that failed: beside each wrong gradient stands the right one.

The right gradient of a value is the limit of difference quotients, from that value on, so it
depends on no rule and on no backward pass.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from micrograd_notes.engine import Value
from micrograd_notes.testing.diagnosis.surroundings import Reevaluated
from micrograd_notes.testing.numbers.quotients import limit_of_quotients
from micrograd_notes.testing.programs.random_programs import Program

if TYPE_CHECKING:
    from micrograd_notes.draw import Picture

# Of the largest gradient. Less is rounding, of sums that cancel too; `gradcheck` judges that.
_TOLERANCE = 1e-9


def draw_counterexample(program: Program, expected: Sequence[float] | None = None) -> "Picture":
    """Returns the program's graph after a sweep, with the right gradient where it is another one.

    Args:
        program: what failed.
        expected: the right gradient of each value, inputs first; by default it is found from
            difference quotients, and none is said to be wrong where there is no such limit.

    >>> from micrograd_notes.engine import ops
    >>> from micrograd_notes.testing.programs.random_programs import Instruction
    >>> square = Program((3.0,), (Instruction(ops.multiply, (0, 0)),))
    >>> draw_counterexample(square, expected=[7.0, 1.0]).view.notes
    ('x0: expected 7, got 6.', '1 of 2 gradients is wrong.')
    """
    from micrograd_notes.draw.graph.picture import Picture
    from micrograd_notes.draw.graph.view import view_of
    from micrograd_notes.draw.text import short
    from micrograd_notes.engine.backward import topological_order

    leaves = [Value(x, name=f"x{i}") for i, x in enumerate(program.inputs)]
    values = program.values(*leaves)
    for i, value in enumerate(values[len(leaves) :], start=len(leaves)):
        value.name = f"v{i}"
    root = values[-1]
    root.backward()
    right = right_gradients(program) if expected is None else list(expected)
    tolerance = _TOLERANCE * max((abs(x) for x in right if math.isfinite(x)), default=0.0)
    wrong = {
        value: gradient
        for value, gradient in zip(values, right, strict=True)
        if value.requires_grad and _is_wrong(value.grad, gradient, tolerance)
    }
    view = view_of(root, limit=max(150, len(values) * 4))
    order = topological_order(root)
    boxes = tuple(
        replace(box, name=f"{box.name}: grad should be {short(wrong[value])}")
        if value in wrong
        else box
        for box in view.boxes
        for value in [order[box.members[0]]]
    )
    lines = [
        f"{value.name}: expected {short(gradient)}, got {short(value.grad)}."
        for value, gradient in wrong.items()
    ]
    count = sum(value.requires_grad for value in values)
    lines.append(f"{len(wrong)} of {count} gradients {'is' if len(wrong) == 1 else 'are'} wrong.")
    return Picture(replace(view, boxes=boxes, notes=(*view.notes, *lines)))


def right_gradients(program: Program) -> list[float]:
    """Returns d result / d value for each value, inputs first; nan where it has no one limit.

    >>> from micrograd_notes.engine import ops
    >>> from micrograd_notes.testing.programs.random_programs import Instruction
    >>> right_gradients(Program((3.0,), (Instruction(ops.multiply, (0, 0)),)))
    [6.0, 1.0]
    """
    precise = Reevaluated(program)
    gradients = []
    for index, x in enumerate(program.values()):
        along = partial(precise.along, index)
        found = limit_of_quotients(along, float(x), precise.extra, precise.length)
        gradients.append(math.nan if found.central is None else found.central.slope)
    return gradients


def _is_wrong(got: float, right: float, tolerance: float) -> bool:
    if math.isnan(right):
        return False  # there is nothing to hold it against
    return got != right and not abs(got - right) <= tolerance
