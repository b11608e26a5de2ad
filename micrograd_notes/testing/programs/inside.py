"""Kinks inside a program: which gradients are right where an operation is at one.

A value at the switching point of `relu`, or as near to it as rounding, counts as on either side. So
its local partial is an interval, and the gradient may be anything that the intervals allow.
`gradcheck` calls `interior_hull` and `jump_in_doubt`.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.programs.random_programs import Instruction, Program

__all__ = ["interior_hull", "jump_in_doubt", "rounding_of_values"]

_ULP = 2.0**-52
_OWN_ROUNDING = 4.0  # ulp of a result, as the rows of the table promise
_SLACK = 4.0  # first-order bounds leave out the rounding of the bounds themselves

Interval = tuple[float, float]


def rounding_of_values(program: Program, values: Sequence[float]) -> list[float]:
    """Returns how far each value may be off by rounding: its own, and what its operands pass on."""
    errors = [0.0] * len(program.inputs)
    for index, instruction in program.steps():
        value = values[index]
        error = _OWN_ROUNDING * _ULP * abs(value) + 5e-324
        for position, partial in instruction.partials(value, values).items():
            of_operand = errors[int(instruction.operands[position])]
            passed = abs(partial) * of_operand if of_operand else 0.0
            error += passed if math.isfinite(passed) else abs(value)
        errors.append(error)
    return errors


def interior_hull(program: Program, index: int) -> Interval:
    """Returns the smallest and the largest derivative in an input that kinks inside allow.

    >>> from micrograd_notes.engine.ops import relu
    >>> from micrograd_notes.testing.programs.random_programs import Instruction
    >>> interior_hull(Program((0.0,), (Instruction(relu, (0,)),)), 0)
    (0.0, 1.0)
    """
    values = program.values()
    errors = rounding_of_values(program, values)
    adjoints: list[Interval] = [(0.0, 0.0) for _ in values]
    adjoints[-1] = (1.0, 1.0)
    for result, instruction in reversed(list(program.steps())):
        numbers = instruction.applied_to(values)
        doubts = _doubts(instruction, errors)
        for i in instruction.wanted():
            partials = list(_possible_partials(instruction.op, i, numbers, doubts))
            interval = (min(partials), max(partials))
            operand = int(instruction.operands[i])
            adjoints[operand] = _sum(adjoints[operand], _product(adjoints[result], interval))
    return adjoints[index]


def _doubts(instruction: Instruction, errors: Sequence[float]) -> list[float]:
    """Returns how far each operand may be off."""
    return [errors[x] if isinstance(x, int) else 0.0 for x in instruction.operands]


def jump_in_doubt(program: Program) -> Op | None:
    """Returns an operation that is nearer to a jump than its operands may be off by rounding."""
    values = program.values()
    errors = rounding_of_values(program, values)
    for index, instruction in program.steps():
        op, numbers = instruction.op, instruction.applied_to(values)
        allowed = 1e3 * errors[index] + 1e-290
        for moved in _beyond_a_kink(op, numbers, _doubts(instruction, errors)):
            try:
                if abs(op.forward(*moved) - values[index]) > allowed:
                    return op
            except (ArithmeticError, ValueError):
                continue
    return None


def _possible_partials(
    op: Op, index: int, numbers: Sequence[float], doubts: list[float]
) -> Iterator[float]:
    """Yields the partial at the point and, if a kink is in doubt, on its other sides."""
    yield _partial(op, index, numbers)
    for moved in _beyond_a_kink(op, numbers, doubts):
        partial = _partial(op, index, moved)
        if not math.isnan(partial):
            yield partial


def _beyond_a_kink(op: Op, numbers: Sequence[float], doubts: list[float]) -> Iterator[list[float]]:
    """Yields operands on all sides of a kink that rounding may have crossed.

    Of more operands than four, it moves one at a time.
    """
    try:
        if op.kinks is None or abs(op.kinks(*numbers)) > _SLACK * total(doubts):
            return
    except (ArithmeticError, ValueError):
        return
    steps = [
        max(_SLACK * doubt, 4 * math.ulp(x) if x else 1e-300)
        for x, doubt in zip(numbers, doubts, strict=True)
    ]
    directions: Iterable[tuple[int, ...]] = itertools.product((-1, 0, 1), repeat=len(numbers))
    if len(numbers) > 4:
        directions = (
            tuple(sign * (i == k) for i in range(len(numbers)))
            for k in range(len(numbers))
            for sign in (-1, 1)
        )
    for signs in directions:
        yield [x + sign * step for x, sign, step in zip(numbers, signs, steps, strict=True)]


def _partial(op: Op, index: int, numbers: Sequence[float]) -> float:
    try:
        return float(op.local_partials([index], op.forward(*numbers), numbers)[0])
    except (ArithmeticError, ValueError):
        return math.nan


def _product(a: Interval, b: Interval) -> Interval:
    products = [0.0 if x == 0 else x * y for x in a for y in b]
    return min(products), max(products)


def _sum(a: Interval, b: Interval) -> Interval:
    return a[0] + b[0], a[1] + b[1]
