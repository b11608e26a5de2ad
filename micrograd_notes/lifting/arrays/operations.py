"""Operations of the table on arrays: lane by lane, along an axis, and by an index.

`arrange.py` calls it. No operation is named here: `formulas.py` has what each one is made of.
"""

from __future__ import annotations

from itertools import groupby, product
from math import isfinite, prod
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.arrays import axes
from micrograd_notes.lifting.arrays.layout import BATCH, Layout, Reading
from micrograd_notes.lifting.arrays.terms import Terms
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.typed.expressions import (
    Counting,
    Expression,
    Join,
    Part,
    Stack,
    reshaped,
    spread,
)
from micrograd_notes.lifting.typed.formulas import formula

Arranged = tuple[Expression, tuple[int, ...]]  # without the axis of the examples


def elementwise(layout: Layout, op: Op, members: Ints) -> Arranged:
    """Returns an operation on each lane of its operands, and the shape."""
    operands = layout.operands(members)
    by_rank = sorted(operands, key=layout.priority)
    columns = [c for nodes in by_rank for c in layout.columns(nodes)]
    numbers = [each for each in map(layout.numbers, operands) if each is not None]
    found = layout.settle(members, layout.axes_of_primal(members) + columns, numbers)
    shape = layout.place(members, found)
    layout.sizes = {i: n for i, (_, n) in enumerate(found)}
    batch = layout.batch(layout.batched[layout.group(members)])
    letters = batch + list(range(len(found)))
    if op.arity is None:
        return formula(op, [_in_a_row(layout, operands, found, letters)]), shape
    read = [layout.aligned(layout.read(nodes, found), letters) for nodes in operands]
    given = [k for k, nodes in enumerate(operands) if int(nodes[0]) in layout.tape.given]
    made = formula(op, read, given)
    if prod(shape) > len(members):
        made = _filled(layout, op, members, operands, found, made)
    return layout.like_primal(members, made, shape)


def _in_a_row(
    layout: Layout, operands: list[Any], found: list[Any], letters: list[int]
) -> Expression:
    """Returns operands side by side along a last axis; those of one array are read together."""
    runs = [np.stack([*each], axis=1) for _, each in groupby(operands, layout.group)]
    if len(runs) == len(operands):
        read = [layout.aligned(layout.read(nodes, found), letters) for nodes in operands]
        return Stack(tuple(read), -1)
    parts, last = list[Expression](), len(found)
    for nodes in runs:
        layout.sizes[last] = nodes.shape[1]
        owner, position = np.divmod(np.arange(nodes.size), nodes.shape[1])
        along = [*((c[owner], n) for c, n in found), (position, nodes.shape[1])]
        made = layout.aligned(layout.read(nodes.reshape(-1), along), [*letters, last])
        parts.append(spread(made, [*map(layout.size, letters), nodes.shape[1]]))
    return Join(tuple(parts))


def _filled(
    layout: Layout, op: Op, members: Ints, operands: list[Any], found: list[Any], made: Expression
) -> Expression:
    """Returns an array with filled holes, so that its readers may include them.

    A hole holds the number that `wanted_filling` has for its readers. If the operation already
    makes this number from what the operands have there, as a product does from 0, the array stays
    as it is.
    """
    group, filled = layout.group(members), _masked(layout, members, found, made)
    inside = [_in_holes(layout, nodes, found, layout.holes[group]) for nodes in operands]
    return made if _made_of(op, inside) == layout.filling[group] else filled


def _masked(layout: Layout, members: Ints, found: list[Any], made: Expression) -> Expression:
    """Returns an array with the number in its holes that `wanted_filling` has for its readers."""
    group = layout.group(members)
    there, wanted = layout.there(found, len(members)), layout.wanted_filling.get(group, 0.0)
    layout.holes[group], layout.filling[group] = ~there, wanted
    mask, varying = layout.without_constant_axes(there.astype(np.int64))
    reading = Reading(made, layout.batch(layout.batched[group]) + list(range(there.ndim)))
    return layout.masked(reading, mask == 1, varying, wanted).array


def reduction(layout: Layout, op: Op, members: Ints) -> Arranged:
    """Returns an operation on any number of operands that lie along an axis of one array.

    A hole has no operands, and what such an operation makes of none may be nan.
    """
    made, found = _reduced(layout, op, members)
    shape = tuple([n for _, n in found])
    return _masked(layout, members, found, made) if prod(shape) > len(members) else made, shape


def _reduced(layout: Layout, op: Op, members: Ints) -> tuple[Expression, list[Any]]:
    sizes, nodes = layout.terms(members)
    owner = np.repeat(np.arange(len(members)), sizes)
    kind = Terms(layout, nodes, owner, len(members))
    found = layout.settle(members, kind.kept_columns())
    layout.place(members, found)
    letters = None
    if op.neutral is not None and (letters := kind.letters(found)) is not None:
        [reading] = kind.readings(letters, found, op.neutral)
    if letters is None or not {*range(len(found), len(letters))} <= {*reading.letters}:
        # only their positions distinguish the operands
        position = np.concatenate([*map(np.arange, sizes)])
        letters = [(c[owner], n) for c, n in found] + [(position, int(position.max()) + 1)]
        [reading] = kind.readings(letters, found, op.neutral or 0.0)
    outer = [*layout.batch(BATCH in reading.letters), *range(len(found))]
    inner = [k for k in range(len(found), len(letters)) if k in reading.letters]
    if not inner:  # one operand, again and again
        count = prod(n for _, n in letters[len(found) :])
        return formula(op, [Stack((layout.aligned(reading, outer),) * count, -1)]), found
    everything = layout.aligned(reading, outer + inner)
    if len(inner) > 1:
        sizes = [*map(layout.size, outer), prod(letters[k][1] for k in inner)]
        everything = reshaped(everything, sizes)
    return formula(op, [everything]), found


def choice(layout: Layout, members: Ints) -> Arranged:
    """Returns an operation that chooses among operands by its first operand, an index."""
    chosen, *choices = layout.operands(members)
    count, length = len(members), len(choices)
    are_alike = len({*layout.group_of[choices].reshape(-1).tolist()}) == 1
    if are_alike:
        choices = [np.stack(choices, axis=1).reshape(-1)]
    owner = np.repeat(np.arange(count), length if are_alike else 1)
    columns = layout.columns(chosen)
    for nodes in choices:
        parts = [axes.parted(c, owner, count).kept for c in layout.columns(nodes)]
        columns += [kept for kept in parts if kept is not None]
    found = layout.settle(members, columns)
    shape = layout.place(members, found)
    last = len(found)
    layout.sizes = {i: n for i, (_, n) in enumerate(found)}
    if are_alike:
        layout.sizes[last] = length
        position = np.tile(np.arange(length), count)
        among = layout.read(choices[0], [*((c[owner], n) for c, n in found), (position, length)])
    else:
        among = _stacked(layout, [layout.read(nodes, found) for nodes in choices], last)
    if last not in among.letters:  # one value, again and again
        every = spread(among.array, [length, *among.array.shape])  # an index may be out of range
        among = Reading(every, [last, *among.letters])
    reading = layout.read(chosen, found)
    both = [k for k in reading.letters if k in among.letters]
    own = [k for k in among.letters if k not in both and k != last]
    # a common axis is counted: logits[np.arange(n), labels]
    counted = [Reading(Counting(layout.size(k)), [k]) for k in both]
    index = [layout.aligned(each, reading.letters) for each in counted]
    made = Part(layout.aligned(among, [*both, last, *own]), (*index, reading.array))
    batch = layout.batch(layout.batched[layout.group(members)])
    return layout.aligned(Reading(made, reading.letters + own), [*batch, *range(last)]), shape


def _stacked(layout: Layout, readings: list[Reading], letter: int) -> Reading:
    """Returns arrays stacked along a first axis with this letter."""
    wanted = sorted({k for reading in readings for k in reading.letters})
    aligned = tuple([layout.aligned(reading, wanted) for reading in readings])
    return Reading(Stack(aligned, 0), [letter, *wanted])


def _in_holes(layout: Layout, nodes: Any, found: list[Any], holes: Any) -> tuple[float, ...]:
    """Returns the number that an operand has in all of these holes, or examples if it varies.

    There is no 0 among them if the operation gets the same elements elsewhere: a denominator that
    is 0 makes a nan there, too.
    """
    numbers = layout.numbers(nodes)
    if numbers is not None:
        return (float(numbers[0]),) if (numbers == numbers[0]).all() else UNKNOWN
    filling = layout.filling.get(layout.group(nodes))
    if filling is not None and layout.has_filling(nodes, found, holes, filling):
        return (filling,)
    fit = axes.affine(layout.grid(found, layout.lane[nodes]))
    if fit is None:
        return UNKNOWN
    lanes = axes.evenly(holes.shape, *fit)[holes]
    return UNKNOWN[1:] if {*lanes.tolist()} <= {*layout.lane[nodes].tolist()} else UNKNOWN


UNKNOWN = (0.0, -2.5, 0.75, 40.0)


def _made_of(op: Op, operands: list[tuple[float, ...]]) -> float | None:
    """Returns what the operation makes of all of these operands; None if it is not one number.

    A product is 0 if a factor is 0, and a quotient if its numerator is 0 and the other is not.
    """
    try:
        made = {op(*numbers) for numbers in product(*operands)}
    except (ArithmeticError, ValueError):
        return None
    return made.pop() if len(made) == 1 else None


def filling_for(op: Op, operands: list[float | None], index: int) -> float | None:
    """Returns the number for holes in an operand; None if 0 will do.

    It is what changes nothing in a maximum, and 1 if the operation is not defined at 0, as a
    quotient is not for its denominator.
    """
    if op.neutral is not None:
        return op.neutral
    numbers = [1.0 if known is None else known for known in operands]
    numbers[index] = 0.0
    try:
        return None if isfinite(op(*numbers)) else 1.0
    except (ArithmeticError, ValueError):
        return 1.0
