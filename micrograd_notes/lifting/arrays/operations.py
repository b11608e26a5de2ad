"""Operations of the table on arrays: lane by lane, along an axis, and by an index.

`arrange.py` calls it. The table has the spelling of each operation in NumPy, so none is named here.
"""

from __future__ import annotations

import ast
from math import prod
from typing import Any

from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.arrays import axes, source
from micrograd_notes.lifting.arrays.layout import BATCH, Layout, Reading
from micrograd_notes.lifting.arrays.sums import Terms


def elementwise(layout: Layout, op: Op, members: list[int]) -> tuple[Any, tuple[int, ...]]:
    """Returns an operation on each lane of its operands, and the shape."""
    np = layout.np
    rows = np.array([layout.ordered(op, layout.tape.operands[m]) for m in members])
    operands = list(rows.T)
    by_rank = sorted(operands, key=layout.priority)
    columns = [c for nodes in by_rank for c in layout.columns(nodes)]
    extra = [
        np.unique(numbers, return_inverse=True)[1].reshape(-1)
        for nodes in operands
        if (numbers := layout.numbers(nodes)) is not None
    ]
    found = layout.settle(members, layout.axes_of_primal(members) + columns, extra)
    shape = layout.place(members, found)
    layout.sizes = {i: n for i, (_, n) in enumerate(found)}
    batch = layout.batch(layout.batched[int(layout.group_of[members[0]])])
    letters = batch + list(range(len(found)))
    trees = [layout.aligned(layout.read(nodes, found), letters) for nodes in operands]
    if op.arity is None:
        call = source.parse("np.stack(np.broadcast_arrays(), -1)")
        call.args[0].args = trees
        return source.fill(op.numpy, (), call), shape
    tree = source.fill(op.numpy, trees, trees)
    if prod(shape) > len(members):
        tree = _filled(layout, op, members, operands, found, tree)
    return tree, shape


def _filled(
    layout: Layout, op: Op, members: list[int], operands: list[Any], found: list[Any], tree: Any
) -> Any:
    """Returns an array with filled holes, so that its readers may include them.

    A hole holds 0, which does not change a sum, or the neutral number of a maximum. If the
    operation already makes this number from an operand's filling, as a product does from 0, the
    array stays as it is.
    """
    np = layout.np
    group = layout.grouping.group_of[members[0]]
    there = layout.grid(found, np.ones(len(members), dtype=np.int64)) == 1
    wanted = layout.wanted_filling.get(group, 0.0)
    layout.holes[group], layout.filling[group] = ~there, wanted
    for k, nodes in enumerate(operands):
        filling = layout.filling.get(int(layout.group_of[nodes[0]]))
        if filling is None or _made_of(op, k, filling) != wanted:
            continue
        if layout.has_filling(nodes, found, ~there, filling):
            return tree
    mask, varying = layout.without_constant_axes(there.astype(np.int64))
    reading = Reading(tree, layout.batch(layout.batched[group]) + list(range(there.ndim)))
    return layout.masked(reading, mask == 1, varying, wanted).tree


def reduction(layout: Layout, op: Op, members: list[int]) -> tuple[Any, tuple[int, ...]]:
    """Returns an operation on any number of operands that lie along an axis of one array."""
    np = layout.np
    terms = [layout.tape.operands[m] for m in members]
    owner = np.repeat(np.arange(len(members)), [len(t) for t in terms])
    kind = Terms(layout, np.array([k for t in terms for k in t]), owner, len(members))
    found = layout.settle(members, kind.kept_columns(), [])
    shape = layout.place(members, found)
    letters = None
    if op.neutral is not None and (letters := kind.letters(found)) is not None:
        [reading] = kind.readings(letters, len(found), found, op.neutral)
    if letters is None or not {*range(len(found), len(letters))} <= {*reading.letters}:
        # only their positions distinguish the operands
        position = np.concatenate([np.arange(len(t)) for t in terms])
        letters = [(c[owner], n) for c, n in found] + [(position, int(position.max()) + 1)]
        [reading] = kind.readings(letters, len(found), found, op.neutral or 0.0)
    outer = [*layout.batch(BATCH in reading.letters), *range(len(found))]
    inner = [k for k in range(len(found), len(letters)) if k in reading.letters]
    if not inner:  # one operand, again and again
        call = source.parse("np.stack([], -1)")
        count = prod(n for _, n in letters[len(found) :])
        call.args[0].elts = [layout.aligned(reading, outer)] * count
        return source.fill(op.numpy, (), call), shape
    everything = layout.aligned(reading, outer + inner)
    if len(inner) > 1:
        sizes = [-1 if k == BATCH else layout.sizes[k] for k in outer]
        everything = source.reshaped(everything, [*sizes, prod(letters[k][1] for k in inner)])
    return source.fill(op.numpy, (), everything), shape


def choice(layout: Layout, op: Op, members: list[int]) -> tuple[Any, tuple[int, ...]]:
    """Returns an operation that chooses among operands by its first operand, an index."""
    np = layout.np
    rows = np.array([layout.tape.operands[m] for m in members])
    count, length = rows.shape[0], rows.shape[1] - 1
    kinds = {int(layout.group_of[k]) for k in rows[:, 1:].reshape(-1)}
    owner = np.repeat(np.arange(count), length)
    columns = layout.columns(rows[:, 0])
    for choices in [rows[:, 1:].reshape(-1)] if len(kinds) == 1 else rows[:, 1:].T:
        of = owner if len(kinds) == 1 else np.arange(count)
        parts = [axes.parted(c, of, count)[0] for c in layout.columns(choices)]
        columns += [kept for kept in parts if kept is not None]
    found = layout.settle(members, columns, [])
    shape = layout.place(members, found)
    last = len(found)
    if len(kinds) == 1:
        position = np.tile(np.arange(length), count)
        letters = [*((c[owner], n) for c, n in found), (position, length)]
        layout.sizes = {i: n for i, (_, n) in enumerate(letters)}
        among = layout.read(rows[:, 1:].reshape(-1), letters)
    else:
        layout.sizes = {i: n for i, (_, n) in enumerate(found)}
        among = _stacked(layout, [layout.read(nodes, found) for nodes in rows[:, 1:].T], last)
    if last not in among.letters:  # one value, again and again
        among = Reading(source.indexed(among.tree, [None]), [last, *among.letters])
    chosen = layout.read(rows[:, 0], found)
    both = [k for k in chosen.letters if k in among.letters]
    own = [k for k in among.letters if k not in both and k != last]
    index = [
        layout.aligned(Reading(_counting(layout, k), [k]), chosen.letters) for k in both
    ]
    rest = layout.aligned(among, [*both, last, *own])
    tree = source.fill(op.numpy, [chosen.tree], rest=rest)
    if index:  # a common axis is counted: logits[np.arange(n), labels]
        tree.slice = ast.Tuple([*index, tree.slice])
    batch = layout.batch(layout.batched[int(layout.group_of[members[0]])])
    return layout.aligned(Reading(tree, chosen.letters + own), [*batch, *range(last)]), shape


def _stacked(layout: Layout, readings: list[Reading], letter: int) -> Reading:
    """Returns arrays stacked along a first axis with this letter."""
    wanted = sorted({k for reading in readings for k in reading.letters})
    call = source.parse("np.stack(np.broadcast_arrays())")
    call.args[0].args = [layout.aligned(reading, wanted) for reading in readings]
    return Reading(call, [letter, *wanted])


def _counting(layout: Layout, letter: int) -> Any:
    size = source.name("n") if letter == BATCH else ast.Constant(layout.sizes[letter])
    return source.fill("np.arange({0})", [size])


def _made_of(op: Op, index: int, operand: float) -> float | None:
    """Returns the operation's result for that operand if it does not depend on the others.

    For example, a product is 0 if a factor is 0. The result is None if it depends on the others.
    """
    made = set()
    for number in (-2.5, 0.75, 40.0):
        operands = [number] * (op.arity or 2)
        operands[index] = operand
        try:
            made.add(op(*operands))
        except (ArithmeticError, ValueError):
            return None
    return made.pop() if len(made) == 1 else None
