"""The places of each group's numbers in its array, and the expressions that read operands there.

If its places follow the axes evenly, an operand is read by slicing, reshaping and transposing,
which copy nothing; otherwise through an index array. An axis of a statement is a *letter*, as in
Einstein's notation: a small number, or BATCH for the axis of the examples, before all others.
`arrange.py`, `sums.py`, `terms.py`, `contract.py` and `operations.py` call it. Read `sums.py` next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.lifting.arrays import axes
from micrograd_notes.lifting.arrays.windows import windows
from micrograd_notes.lifting.passes.group import Grouping
from micrograd_notes.lifting.trace.tape import CONSTANT, Start
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import WHOLE, Constant, Expression, N

BATCH = -1  # the axis of the examples, before all others
MOST_HOLES = 4  # an array may have this many times as many places as numbers
SMALL = 256  # an array up to this size may have any number of holes


@dataclass
class Reading:
    """An operand, read with axes that are letters of the statement."""

    array: Expression
    letters: list[int]


class Layout:
    """The arrays of a program that are arranged so far.

    `inlined` are the groups of products that are only ever summed, and so need no array, and
    `wanted_filling` has the number for the holes of a group's array if it is not 0.
    """

    def __init__(
        self, grouping: Grouping, inlined: set[int], wanted_filling: Mapping[int, float]
    ) -> None:
        self.grouping, self.inlined, self.wanted_filling = grouping, inlined, wanted_filling
        self.tape = grouping.recording.tape
        self.group_of = grouping.group_of
        self.lane = np.zeros(len(self.tape), dtype=np.int64)
        constants = [i for i, group in enumerate(grouping.groups) if group.op == CONSTANT]
        self.shapes: dict[int, tuple[int, ...]] = dict.fromkeys(constants, ())
        self.batched = np.zeros(len(grouping.groups), dtype=bool)
        self.is_data = self.batched.copy()
        self.is_total = self.batched.copy()  # summed over the examples already
        # sorts groups; those that depend on what a recurrence starts with get a rank after all
        # others, so that those of its first step lie as in the other steps
        self.rank = np.arange(len(grouping.groups))
        self.arrays: dict[int, ex.Read] = {}  # of each group, once it is arranged
        self.constants: dict[Any, ex.Read] = {}  # by their bits
        self.holes: dict[int, Any] = {}  # the lanes of an array without a number
        self.filling: dict[int, float] = {}  # the number in its holes
        self.sizes: dict[int, int] = {}  # of the letters of the current statement
        self.ways: dict[int, int] = {}  # of numbers that had better be told apart

    @cached_property
    def _times_read(self) -> Any:
        columns = self.grouping.columns
        return np.bincount(columns.flat[columns.is_read], minlength=len(self.tape))

    def is_read_once(self, group: int) -> bool:
        """Returns whether each number of a group is the operand of one other number."""
        return bool((self._times_read[self.grouping.groups[group].members] == 1).all())

    def columns(self, nodes: Any) -> list[Any]:
        """Returns the places of nodes of one group, as one column per axis of its array."""
        shape = self.shapes[self.group(nodes)]
        return list(np.unravel_index(self.lane[nodes], shape)) if shape else []

    def group(self, nodes: Any) -> int:
        """Returns the group of nodes that are of one group."""
        return int(self.group_of[nodes[0]])

    def numbers(self, nodes: Any) -> Any | None:
        """Returns the numbers of constants; None for other nodes."""
        if self.tape.ops[int(nodes[0])] != CONSTANT:
            return None
        return np.array([self.tape.numbers[int(k)] for k in nodes])

    def settle(self, nodes: Any, columns: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        """Returns the axes of nodes, from the columns, and from numbers if they need one more.

        Numbers that differ where all columns agree, as the weights that each x meets, are counted.
        Nodes that do not fill a box of axes lie in one row.
        """
        count = len(nodes)
        found = axes.independent(columns, count)
        if numbers and axes.distinct(found, count) < count:
            found = axes.independent([*columns, axes.counted(found, count)], count)
            changes = [int((c != c[0]).argmax()) for c, _ in found]  # as they were recorded
            found = [found[k] for k in sorted(range(len(found)), key=lambda k: -changes[k])]
        if prod(n for _, n in found) > count:
            found = axes.by_distance(columns, count) or found
        size = prod(n for _, n in found)
        if axes.distinct(found, count) < count or (size > MOST_HOLES * count and size > SMALL):
            found = [(np.arange(count), count)] if count > 1 else []
        return found

    def primal(self, members: Any) -> Any | None:
        """Returns the numbers whose adjoints these are; None if they have no array."""
        of = [self.tape.adjoint_of.get(m, -1) for m in members.tolist()]
        if min(of) < 0 or len(groups := {int(self.group_of[k]) for k in of}) > 1:
            return None
        return None if groups.isdisjoint(self.shapes) else np.array(of)

    def axes_of_primal(self, members: Any) -> list[Any]:
        """Returns the columns of the numbers whose adjoints these are, so that both lie alike."""
        of = self.primal(members)
        return [] if of is None else self.columns(of)

    def like_primal(
        self, members: Any, made: Expression, shape: tuple[int, ...]
    ) -> tuple[Expression, tuple[int, ...]]:
        """Returns an array and its shape; dkeys gets the shape of keys, if it has their order."""
        of = self.primal(members)
        if of is None or (self.lane[of] != self.lane[members]).any():
            return made, shape
        like = self.shapes[self.group(of)]
        is_start = isinstance(self.grouping.groups[self.group(of)].op, Start)
        # a start may yet get another shape
        if is_start or like == shape or prod(like) != prod(shape):
            return made, shape
        batch = [*map(self.size, self.batch(self.batched[self.group(members)]))]
        return ex.reshaped(ex.spread(made, [*batch, *shape]), [*batch, *like]), like

    def place(self, nodes: Any, found: list[Any]) -> tuple[int, ...]:
        """Sets the lanes of nodes, and returns the shape of their array."""
        shape = tuple(n for _, n in found)
        if shape:
            self.lane[nodes] = np.ravel_multi_index([c for c, _ in found], shape)
        return shape

    def grid(self, letters: list[Any], lanes: Any) -> Any:
        """Returns lanes on the box of all letters, with -1 for holes."""
        grid = np.full([n for _, n in letters], -1, dtype=np.int64)
        grid[tuple(column for column, _ in letters)] = lanes if letters else lanes[0]
        return grid

    def there(self, letters: list[Any], count: int) -> Any:
        """Returns where the box of all letters has a number, of so many."""
        return self.grid(letters, np.ones(count, dtype=np.int64)) == 1

    def read(self, nodes: Any, letters: list[Any], inside: Collection[int] = ()) -> Reading:
        """Returns the operand: row k of the letters has the place of node k.

        The letters `inside` are likely to be those of windows.
        """
        numbers = self.numbers(nodes)
        if numbers is not None:
            # equal numbers of a schedule differ in another step, whose line must look alike
            is_scheduled = int(nodes[0]) in self.tape.schedules
            what = nodes if is_scheduled else numbers + 1j * np.signbit(numbers)  # -0.0 is not 0.0
            return self.read_constants(numbers, what, letters)
        group = self.group(nodes)
        grid = self.grid(letters, self.lane[nodes])
        batch = self.batch(self.batched[group])
        fit = axes.affine(grid)
        if fit is not None and fit[0] >= 0 and min(fit[1], default=0) >= 0:
            strides = {i: s for i, s in enumerate(fit[1]) if s > 0}
            for shape in (self.shapes[group], (prod(self.shapes[group]),)):
                found = self.view(group, shape, fit[0], strides)
                if found is not None:
                    return Reading(found[0], batch + found[1])
        if (made := windows(self, nodes, letters, None, inside)) is not None:
            return Reading(*made)
        if fit is not None:  # a hole is read where it would lie, which `has_filling` relies on
            grid = axes.evenly(grid.shape, *fit)
        index, varying = self.without_constant_axes(grid)
        index = index.clip(index[index >= 0].min(), prod(self.shapes[group]) - 1)
        array, order = self._gathered(group, index)
        return Reading(array, batch + [varying[k] for k in order])

    def _gathered(self, group: int, index: Any) -> tuple[Expression, list[int]]:
        """Returns what lies at these places of an array, and the order of their axes.

        An axis with one place is cut away, as that of a step of time. What is left are some places
        of one axis, z[:, [0, 1, 3]], or else some of all axes, laid in a row.
        """
        shape, lead = self.shapes[group], list[Any]([WHOLE] if self.batched[group] else [])
        along, cuts, tables, left = list[int](), [*lead], [*lead], list[Any]()
        for size, at in zip(shape, np.unravel_index(index, shape), strict=True):
            own = [k for k in range(index.ndim) if self.varies(at, k)]
            cuts.append(WHOLE if own else int(at.flat[0]))
            if own:
                along += own
                table = at[tuple([slice(None) if k in own else 0 for k in range(index.ndim)])]
                tables.append(WHOLE if np.array_equal(table, range(size)) else self.constant(table))
                left.append((size, at))
        array = ex.part(self.arrays[group], cuts)
        if len(along) == index.ndim and len(tables) - tables.count(WHOLE) <= 1:
            return ex.part(array, tables), along
        sizes, places = zip(*left, strict=True)
        array = ex.reshaped(array, [N] * len(lead) + [prod(sizes)])
        where = self.constant(np.ravel_multi_index(places, sizes))
        return ex.part(array, [*lead, where]), [*range(index.ndim)]

    def varies(self, grid: Any, axis: int) -> bool:
        """Returns whether a grid with holes differs along an axis."""
        high = grid.max(axis=axis, keepdims=True)
        return bool((np.where(grid < 0, high, grid) != high).any())

    def without_constant_axes(self, grid: Any) -> tuple[Any, list[int]]:
        """Returns the grid without the axes along which it is constant, and the remaining axes.

        Axes are removed one at a time: because of holes, either of two may go, but not both.
        """
        kept = [*range(grid.ndim)]
        for axis in range(grid.ndim):
            if not self.varies(grid, axis):
                grid = grid.max(axis=axis, keepdims=True)
                kept.remove(axis)
        return grid.squeeze(tuple({*range(grid.ndim)} - {*kept})), kept

    def read_constants(self, numbers: Any, what: Any, letters: list[Any]) -> Reading:
        """Returns constants: one number if all are the same `what`, or an array of them."""
        if (what == what[0]).all() or (what != what).all():
            return Reading(ex.Number(float(numbers[0])), [])
        _, first, which = np.unique(what, return_index=True, return_inverse=True)
        grid = self.grid(letters, which.reshape(-1))
        index, varying = self.without_constant_axes(grid)
        return Reading(self.constant(numbers[first][np.maximum(index, 0)]), varying)

    def constant(self, array: Any) -> ex.Read:
        """Returns an array of constants, the same for equal ones; 0.0 and -0.0 are two."""
        key = array.shape, array.dtype, array.tobytes()
        return self.constants.setdefault(key, ex.Read(Constant(array)))

    def view(
        self, group: int, shape: tuple[int, ...], offset: int, strides: dict[int, int]
    ) -> tuple[Expression, list[int]] | None:
        """Returns the operand as a slice, reshaped if needed, with its letters; None if it is not.

        The stride of a letter is a multiple of that of its axis. Several letters split an axis.
        """
        new_shape, index, order = list[int](), list[Any](), list[int]()
        below, left = prod(shape), dict(strides)
        for size in shape:
            above, below = below, below // size
            at, offset = divmod(offset, below)
            mine = [k for k, s in left.items() if size > 1 and below <= s < above and not s % below]
            parts = _axis(size, at, [(left.pop(k) // below, k, self.sizes[k]) for k in mine])
            if parts is None:
                return None
            for length, where, letter in parts:
                new_shape.append(length)
                index.append(where)
                order += [] if letter is None else [letter]
        if left:
            return None
        is_batched = self.batched[group]
        array = ex.reshaped(self.arrays[group], (N, *new_shape) if is_batched else new_shape)
        return ex.part(array, [WHOLE, *index] if is_batched else index), order

    def aligned(self, reading: Reading, letters: Sequence[int]) -> Expression:
        """Returns the operand with the axes in this order, and length 1 for missing ones."""
        kept = [k for k in letters if k in reading.letters]
        array = self.turned(reading.array, [reading.letters.index(k) for k in kept])
        index = [WHOLE if k in reading.letters else None for k in letters]
        index = index[index.index(WHOLE) :] if kept else []
        return ex.part(array, index) if None in index else array

    def turned(self, array: Expression, order: list[int]) -> Expression:
        """Returns an array with its axes in another order; elements are gathered in this order."""
        match array:
            case ex.Part(of, (*lead, ex.Read(Constant(places)))) if len(lead) == len(of.shape) - 1:
                first = len(lead)
                if order[:first] == [*range(first)]:
                    moved = places.transpose([axis - first for axis in order[first:]])
                    return ex.part(of, [*lead, self.constant(moved)])
        return ex.transposed(array, order)

    def batch(self, group_is_batched: bool) -> list[int]:
        """Returns a list with the letter of the examples, if the group has that axis."""
        return [BATCH] if group_is_batched else []

    def size(self, letter: int) -> Any:
        """Returns the size of an axis, N for that of the examples."""
        return N if letter == BATCH else self.sizes[letter]

    def terms(self, nodes: Any) -> tuple[Any, Any]:
        """Returns how many operands each node has, and all of them, one after another."""
        columns = self.grouping.columns
        return columns.sizes[nodes], columns.flat[columns.places(nodes)]

    def operands(self, nodes: Any) -> list[Any]:
        """Returns for each operand a column of nodes: all first ones, all second ones, ...

        Those of a product are ordered by their groups, so that lanes agree.
        """
        columns = list(self.terms(nodes)[1].reshape(len(nodes), -1).T)
        if self.tape.ops[int(nodes[0])] is ops.multiply:
            a, b = columns
            of_a, of_b = (self.rank[self.group_of[k]] for k in columns)
            swap = of_a > of_b
            columns = [np.where(swap, b, a), np.where(swap, a, b)]
        return columns

    def priority(self, nodes: Any) -> tuple[Any, ...]:
        """Sorts operands so that data comes before parameters, and many axes before few."""
        return not self.is_data[self.group(nodes)], -len(self.shapes[self.group(nodes)])

    def masked(self, reading: Reading, there: Any, letters: list[int], filling: float) -> Reading:
        """Returns the reading with a number in its holes, which lie along these letters."""
        order = [k for k in reading.letters if k in letters]
        mask = there.transpose([letters.index(k) for k in order]).copy()
        aligned = self.aligned(Reading(self.constant(mask), order), reading.letters)
        return Reading(ex.Where(aligned, reading.array, ex.Number(filling)), reading.letters)

    def has_filling(self, nodes: Any, letters: list[Any], where: Any, filling: float) -> bool:
        """Returns whether the operand, read along the letters, holds this number there."""
        group = self.group(nodes)
        if self.filling.get(group) != filling:
            return False
        fit = axes.affine(self.grid(letters, self.lane[nodes]))
        if fit is None:
            return False
        lanes = axes.evenly(where.shape, *fit)[where]
        holes = self.holes[group]
        inside = lanes.size == 0 or (lanes.min() >= 0 and lanes.max() < holes.size)
        return bool(inside and holes.reshape(-1)[lanes].all())


def _axis(size: int, at: int, mine: list[tuple[int, int, int]]) -> list[Any] | None:
    """Returns (length, index, letter) for an axis, or for each part that it is split into.

    `mine` has the (stride, letter, size) of each letter along the axis, from place `at`.
    """
    if len(mine) == 1 and mine[0][0] > 1:  # every second place, or the like
        [(stride, letter, count)] = mine
        is_inside = at + stride * (count - 1) < size
        return [(size, ex.every(stride, at, count, size), letter)] if is_inside else None
    parts: list[Any] = []
    above = size
    for stride, letter, count in sorted(mine, reverse=True):
        if above % stride:
            return None
        length = above // stride
        start, at = divmod(at, stride)
        if start + count > length:
            return None
        parts.append((length, ex.cut(start, start + count, length), letter))
        above = stride
    if above > 1 or not mine:
        parts.append((above, at, None))
    return parts
