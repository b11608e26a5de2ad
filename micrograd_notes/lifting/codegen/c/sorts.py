"""Whether a program can run on a block of examples at a time.

A block gives the sum over its examples where the batch gives the sum over all. That is right if
such sums are only added, or multiplied by what is the same in each block, until they are
derivatives. A program that does more with a sum runs on the whole batch. `emit.py` calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Examples, Expression, Line
from micrograd_notes.lifting.typed.ready import total_of


class Sort(IntEnum):
    """How an array depends on the examples."""

    ZERO = 0  # nothing yet, or zeros
    SAME = 1  # the same for all examples
    EACH = 2  # a row per example
    SUMMED = 3  # a sum over the examples
    OTHER = 4  # something else of such a sum


def sorts_of(program: ex.Program) -> dict[Line, Sort]:
    """Returns the sort of each line's array; one that a loop fills has that of all its parts."""
    lines = list(ex.lines_of(program.steps))
    found, before = dict.fromkeys(lines, Sort.ZERO), dict[Line, Sort]()
    while found != before:
        before = dict(found)
        for line in lines:
            sort = sort_of(line.value, found)
            for each in [line, *line.writes_to]:
                found[each] = _either(found[each], sort)
    return found


def runs_in_blocks(program: ex.Program, sorts: Mapping[Line, Sort]) -> bool:
    """Returns whether blocks of examples add up to the loss and its derivatives."""
    kinds = [sorts[line] for line in ex.lines_of(program.steps) if line.derivative_of]
    is_sum = {Sort.ZERO, Sort.SUMMED}.issuperset(kinds) and Sort.OTHER not in sorts.values()
    return program.is_mean and is_sum and sort_of(total_of(program), sorts) is Sort.SUMMED


def sort_of(expression: Expression, sorts: Mapping[Line, Sort]) -> Sort:
    """Returns the sort of an expression, from those of the lines that it reads."""
    kinds = [sort_of(operand, sorts) for operand in expression.operands]
    match expression:
        case ex.Read(Line() as line):
            return sorts[line]
        case ex.Count():
            return Sort.SUMMED
        case ex.Empty() | ex.Number(0.0):
            return Sort.ZERO
    largest = max(kinds, default=Sort.SAME)
    if any(isinstance(size, Examples) for size in expression.shape):
        return Sort.EACH if largest <= Sort.EACH else Sort.OTHER
    if largest is Sort.EACH and isinstance(expression, ex.Sum | ex.Product):
        return Sort.SUMMED
    is_sum = largest is Sort.SUMMED and _is_linear(expression, kinds)
    return largest if largest <= Sort.SAME else Sort.SUMMED if is_sum else Sort.OTHER


def _is_linear(expression: Expression, kinds: Sequence[Sort]) -> bool:
    """Returns whether an operation on sums over blocks adds up to the one on the whole sum."""
    is_added = {Sort.ZERO, Sort.SUMMED}.issuperset
    is_scaled = kinds.count(Sort.SUMMED) == 1 and Sort.EACH not in kinds
    match expression:
        case ex.View() | ex.Sum() | ex.SegmentSums() | ex.Apply("divide"):
            return kinds[0] is Sort.SUMMED and is_scaled
        case ex.Total() | ex.Stack() | ex.Join() | ex.Apply("add" | "subtract" | "negative"):
            return is_added(kinds)
        case ex.Where():
            return kinds[0] <= Sort.SAME and is_added(kinds[1:])
        case ex.Product() | ex.Apply("multiply"):
            return is_scaled
    return False


def _either(one: Sort, other: Sort) -> Sort:
    if Sort.ZERO in (one, other) or one is other:
        return max(one, other)
    return Sort.EACH if {one, other} == {Sort.SAME, Sort.EACH} else Sort.OTHER
