"""The fourth pass: the lanes of each group get axes, and sums of products become matrix products.

Where a number's operands lie along the axes of their arrays tells its own axes (see `axes`). A sum
has more: what its terms run over. A sum of products is then read off like Einstein's notation. For
a weight `w[j, i]` and an input `x[i]`, the axis i is in both and summed: a matrix product. An axis
that is in both and kept, as an attention head, makes it a product of stacks of matrices. Where sums
differ in length, as in causal attention, the terms that are not there are masked. What fits no axes
is read through an index array, and summed by segment.

An operand is read where it lies: by slicing, reshaping and transposing, which copy nothing, if its
places follow the axes evenly.

This file knows groups and axes. Of the operations it knows addition and multiplication, by which a
sum of products is known, and that some rows take any number of operands. It names nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from micrograd_notes import ops
from micrograd_notes.lifting import axes, source
from micrograd_notes.lifting.group import Grouping
from micrograd_notes.lifting.tape import CONSTANT, Array
from micrograd_notes.op import Op

BATCH = -1  # the axis of the examples, before all others
MOST_HOLES = 4  # an array may be this many times as large as what is asked of it
SMALL = 256  # and any number of times, if it is no larger than this


@dataclass(eq=False)
class Statement:
    """One line of the program: an array and what it is computed from."""

    group: int | None  # None for a derivative of a parameter
    tree: Any
    shape: tuple[int, ...]
    is_batched: bool
    array: Array | None = None  # the parameter whose derivative it is
    target: Any = None  # where in that derivative it goes; None for all of it

    @property
    def key(self) -> str:
        """What other lines read it by."""
        return f"_d{id(self)}" if self.group is None else f"_g{self.group}"


@dataclass
class Arrangement:
    """The lines of the program, and the shapes of its arrays."""

    grouping: Grouping
    statements: list[Statement]
    shapes: dict[int, tuple[int, ...]]
    is_batched: dict[int, bool]
    constants: list[Any] = field(default_factory=list)
    outputs: Any = None

    def text(self) -> str:
        """Returns the lines, with groups by number."""
        lines = []
        for line in self.statements:
            of = f"g{line.group}" if line.array is None else f"d{line.array.name}"
            shape = ("n", *line.shape) if line.is_batched else line.shape
            made = re.sub(r"\b_([gk]\d+)", r"\1", source.text(line.tree))
            lines.append(f"    {of}[{', '.join(map(str, shape))}] = {made}")
        return "\n".join(lines)


@dataclass
class Reading:
    """An operand, read with axes that are letters of the statement."""

    tree: Any
    letters: list[int]


class _Arranger:
    def __init__(self, grouping: Grouping) -> None:
        import numpy as np

        self.np = np
        self.grouping = grouping
        self.recording = grouping.recording
        self.tape = grouping.recording.tape
        self.group_of = np.array(grouping.group_of, dtype=np.int64)
        self.lane = np.zeros(len(self.tape), dtype=np.int64)
        self.shapes: dict[int, tuple[int, ...]] = {}
        self.batched: dict[int, bool] = {}
        self.is_data: dict[int, bool] = {}
        self.constants: list[Any] = []
        self.statements: list[Statement] = []
        self.holes: dict[int, Any] = {}  # of an array, which lanes no number has
        self.filling: dict[int, float | None] = {}  # what stands in its holes, where that is known
        self.merged: dict[int, tuple[int, ...]] = {}  # the shapes of products before reshaping
        self.kept: list[Any] = []  # the trees that `merged` knows by identity
        self.sizes: dict[int, int] = {}  # of the letters of the statement at hand
        self.asked = self._asked()
        self.inlined = self._products_of_sums()
        self.wanted_filling = self._wanted_filling()

    # ---- what is asked of the groups -----------------------------------------------------------

    def _asked(self) -> set[int]:
        """Returns the groups that something reads."""
        tape, group_of = self.tape, self.grouping.group_of
        asked = {group_of[i] for i in self.recording.outputs}
        for op, operands in zip(tape.ops, tape.operands, strict=True):
            if isinstance(op, Op):
                asked.update([group_of[k] for k in operands])
        return asked

    def _products_of_sums(self) -> set[int]:
        """Returns the groups of products that are only ever summed, and so need no array."""
        tape, group_of = self.tape, self.grouping.group_of
        asked = {group_of[i] for i in self.recording.outputs}
        for op, operands in zip(tape.ops, tape.operands, strict=True):
            if isinstance(op, Op) and op is not ops.add:
                asked.update(group_of[k] for k in operands)
        return {
            i for i, group in enumerate(self.grouping.groups)
            if group.op is ops.multiply and i not in asked
        }

    def _wanted_filling(self) -> dict[int, float]:
        """Returns what should stand in the holes of groups that no sum reads first."""
        tape, group_of = self.tape, self.grouping.group_of
        return {
            group_of[tape.operands[group.members[0]][0]]: group.op.neutral
            for group in self.grouping.groups
            if isinstance(group.op, Op) and group.op.neutral is not None
        }

    def run(self) -> Arrangement:
        for i, group in enumerate(self.grouping.groups):
            if isinstance(group.op, Array):
                self.shapes[i] = group.op.shape
                self.batched[i] = group.op.is_batched
                self.is_data[i] = not group.op.is_parameter
                self.lane[group.members] = [self.tape.operands[k][0] for k in group.members]
            elif group.op == CONSTANT:
                self.shapes[i], self.batched[i], self.is_data[i] = (), False, False
            elif i not in self.inlined and self._is_needed(i):
                self._arrange(i, group.op, group.members)
            elif i in self.inlined:
                below = {int(self.group_of[k]) for k in self.tape.operands[group.members[0]]}
                self.batched[i] = any(self.batched[b] for b in below)
                self.is_data[i] = any(self.is_data[b] for b in below)
        self._arrange_gradient()
        return Arrangement(
            self.grouping, self.statements, self.shapes, self.batched, self.constants,
            self._outputs(),
        )

    def _is_needed(self, i: int) -> bool:
        """Returns whether the array is read: a derivative's own sum is computed where it goes."""
        if self.grouping.groups[i].op is not ops.add:
            return True
        return i in self.asked

    def _arrange(self, i: int, op: Any, members: list[int]) -> None:
        tape = self.tape
        below = {self.grouping.group_of[k] for k in tape.operands[members[0]]}
        self.batched[i] = any(self.batched[b] for b in below)
        self.is_data[i] = any(self.is_data[b] for b in below)
        if op is ops.add:
            tree, shape = self._sum(members, [tape.operands[m] for m in members], self.batched[i])
        elif op.chooses:
            tree, shape = self._choice(op, members)
        elif op.arity is None and len(below) == 1:
            tree, shape = self._reduction(op, members)
        else:
            tree, shape = self._elementwise(op, members)
        self.shapes[i] = shape
        self.statements.append(Statement(i, tree, shape, self.batched[i]))

    # ---- places --------------------------------------------------------------------------------

    def _columns(self, nodes: Any) -> list[Any]:
        """Returns where nodes of one group lie, as a column for each axis of its array."""
        group = int(self.group_of[nodes[0]])
        shape = self.shapes[group]
        if self.grouping.groups[group].op == CONSTANT or not shape:
            return []
        return list(self.np.unravel_index(self.lane[nodes], shape))

    def _numbers(self, nodes: Any) -> Any | None:
        """Returns the numbers of constants; None if the nodes are none."""
        if self.tape.ops[int(nodes[0])] != CONSTANT:
            return None
        return self.np.array([self.tape.operands[int(k)][0] for k in nodes])

    def _settle(self, nodes: Sequence[int], columns: list[Any], extra: list[Any]) -> list[Any]:
        """Returns the axes of nodes, by what tells them apart: their columns, else also the extra.

        Nodes that fill no box of axes lie in one row.
        """
        np, count = self.np, len(nodes)
        found = axes.independent(columns, count)
        if extra and axes.distinct(found, count) < count:
            found = axes.independent(columns + extra, count)
        size = prod(n for _, n in found)
        if axes.distinct(found, count) < count or (size > MOST_HOLES * count and size > SMALL):
            found = [(np.arange(count), count)] if count > 1 else []
        return found

    def _axes_of_primal(self, members: Sequence[int]) -> list[Any]:
        """Returns the columns of what these are the adjoints of, so that both lie alike."""
        of = [self.tape.adjoint_of.get(m, -1) for m in members]
        if min(of) < 0 or len(groups := {int(self.group_of[k]) for k in of}) > 1:
            return []
        if groups.isdisjoint(self.shapes):
            return []  # it has no array of its own
        return self._columns(self.np.array(of))

    def _place(self, nodes: Sequence[int], found: list[Any]) -> tuple[int, ...]:
        """Sets the lanes of nodes, and returns the shape of their array."""
        shape = tuple(n for _, n in found)
        if shape:
            self.lane[list(nodes)] = self.np.ravel_multi_index([c for c, _ in found], shape)
        return shape

    def _grid(self, letters: list[Any], lanes: Any) -> Any:
        """Returns lanes on the box of all letters, with -1 where there is none."""
        grid = self.np.full([n for _, n in letters], -1, dtype=self.np.int64)
        grid[tuple(column for column, _ in letters)] = lanes if letters else lanes[0]
        return grid

    # ---- reading -------------------------------------------------------------------------------

    def _read(self, nodes: Any, letters: list[Any]) -> Reading:
        """Returns the operand: node k stands where the letters say in row k."""
        numbers = self._numbers(nodes)
        if numbers is not None:
            return self._read_constants(numbers, letters)
        group = int(self.group_of[nodes[0]])
        grid = self._grid(letters, self.lane[nodes])
        batch = [BATCH] if self.batched[group] else []
        fit = axes.affine(grid)
        if fit is not None and fit[0] >= 0 and min(fit[1], default=0) >= 0:
            strides = {i: s for i, s in enumerate(fit[1]) if s > 0}
            for shape in (self.shapes[group], (prod(self.shapes[group]),)):
                found = self._view(group, shape, fit[0], strides)
                if found is not None:
                    return Reading(found[0], batch + found[1])
        if fit is not None:  # a hole is read where it would lie, as who asks what is there expects
            grid = axes.at_every_place(fit, grid.shape)
        index, varying = self._without_constant_axes(grid)
        size = prod(self.shapes[group])
        tree = source.name(f"_g{group}")
        if len(self.shapes[group]) != 1:
            tree = source.reshaped(tree, (-1, size) if batch else (-1,))
        where = self._constant(index.clip(0, size - 1))
        tree = source.indexed(tree, [source.EVERYTHING, where] if batch else [where])
        return Reading(tree, batch + varying)

    def _varies(self, grid: Any, axis: int) -> bool:
        """Returns whether a grid with holes differs along an axis."""
        np = self.np
        high = grid.max(axis=axis, keepdims=True)
        return bool((np.where(grid < 0, high, grid) != high).any())

    def _without_constant_axes(self, grid: Any) -> tuple[Any, list[int]]:
        """Returns the grid without the axes along which it is the same, and the others.

        One axis after the other: two may each be dispensable, as the holes lie, and not both.
        """
        kept = []
        for axis in range(grid.ndim):
            if self._varies(grid, axis):
                kept.append(axis)
            else:
                grid = grid.max(axis=axis, keepdims=True)
        return grid.reshape([grid.shape[i] for i in kept]), kept

    def _read_constants(self, numbers: Any, letters: list[Any]) -> Reading:
        np = self.np
        if (numbers == numbers[0]).all() or (numbers != numbers).all():
            return Reading(source.number(float(numbers[0])), [])
        which = np.unique(numbers, return_inverse=True)
        grid = self._grid(letters, which[1].reshape(-1))
        index, varying = self._without_constant_axes(grid)
        return Reading(self._constant(which[0][np.maximum(index, 0)]), varying)

    def _constant(self, array: Any) -> Any:
        """Returns the name of an array of constants."""
        for i, known in enumerate(self.constants):
            if known.shape == array.shape and known.dtype == array.dtype and (known == array).all():
                return source.name(f"_k{i}")
        self.constants.append(array)
        return source.name(f"_k{len(self.constants) - 1}")

    def _view(
        self, group: int, shape: tuple[int, ...], offset: int, strides: dict[int, int]
    ) -> tuple[Any, list[int]] | None:
        """Returns the operand's slice, reshaped if need be, with its letters; None if it is none.

        Each letter belongs to the axis whose stride its own is a multiple of. Several letters of
        one axis split it.
        """
        new_shape: list[int] = []
        index: list[Any] = []
        order: list[int] = []
        below = prod(shape)
        left = dict(strides)
        for size in shape:
            above, below = below, below // size
            at, offset = divmod(offset, below)
            mine = {k: s // below for k, s in left.items() if s >= below and s % below == 0}
            mine = {k: s for k, s in mine.items() if s * below < above} if size > 1 else {}
            for k in mine:
                del left[k]
            parts = _axis(size, at, [(s, k, self.sizes[k]) for k, s in mine.items()])
            if parts is None:
                return None
            for length, where, letter in parts:
                new_shape.append(length)
                index.append(where)
                order += [] if letter is None else [letter]
        if left:
            return None
        tree = source.name(f"_g{group}")
        if tuple(new_shape) != self.shapes[group]:
            tree = source.reshaped(tree, (-1, *new_shape) if self.batched[group] else new_shape)
        if self.batched[group]:
            index.insert(0, source.EVERYTHING)
        return source.indexed(tree, index), order

    def _reshaped(self, tree: Any, shape: Sequence[int]) -> Any:
        """Returns the array with another shape; of two in a row the last one counts."""
        call = tree if isinstance(tree, ast.Call) else None
        if call and isinstance(call.func, ast.Attribute) and call.func.attr == "reshape":
            tree = call.func.value
            if isinstance(tree, ast.Name) and tree.id.startswith("_g"):
                group = int(tree.id[2:])
                own = (*self._batch(self.batched[group]), *self.shapes[group])
                if own == tuple(shape):
                    return tree
        return source.reshaped(tree, shape)

    def _aligned(self, reading: Reading, letters: Sequence[int]) -> Any:
        """Returns the operand with the axes in this order, and one of length 1 for each missing."""
        kept = [k for k in letters if k in reading.letters]
        tree = source.transposed(reading.tree, [reading.letters.index(k) for k in kept])
        index = [source.EVERYTHING if k in reading.letters else None for k in letters]
        while index and index[0] is None:
            index.pop(0)
        return source.indexed(tree, index) if None in index else tree

    # ---- operations ----------------------------------------------------------------------------

    def _batch(self, group_is_batched: bool) -> list[int]:
        return [BATCH] if group_is_batched else []

    def _elementwise(self, op: Op, members: list[int]) -> tuple[Any, tuple[int, ...]]:
        """Returns an operation on each lane of its operands, and the shape."""
        np = self.np
        rows = np.array([self._ordered(op, self.tape.operands[m]) for m in members])
        operands = list(rows.T)
        by_rank = sorted(operands, key=self._priority)
        columns = [c for nodes in by_rank for c in self._columns(nodes)]
        extra = [
            np.unique(numbers, return_inverse=True)[1].reshape(-1)
            for nodes in operands
            if (numbers := self._numbers(nodes)) is not None
        ]
        found = self._settle(members, self._axes_of_primal(members) + columns, extra)
        shape = self._place(members, found)
        self.sizes = {i: n for i, (_, n) in enumerate(found)}
        batch = self._batch(self.batched[int(self.group_of[members[0]])])
        letters = batch + list(range(len(found)))
        trees = [self._aligned(self._read(nodes, found), letters) for nodes in operands]
        if op.arity is None:
            call = source.parse("np.stack(np.broadcast_arrays(), -1)")
            call.args[0].args = trees
            return source.fill(op.numpy, (), call), shape
        tree = source.fill(op.numpy, trees, trees)
        if prod(shape) > len(members):
            tree = self._filled(op, members, operands, found, tree)
        return tree, shape

    def _filled(
        self, op: Op, members: list[int], operands: list[Any], found: list[Any], tree: Any
    ) -> Any:
        """Returns an array with holes, filled so that who reads it may run over them.

        There is a 0 in each, which a sum runs over, or what a maximum runs over. Where an operand
        has such numbers there that the operation makes the wanted one of them, as a product does of
        a 0, nothing is to be done.
        """
        np = self.np
        group = self.grouping.group_of[members[0]]
        there = self._grid(found, np.ones(len(members), dtype=np.int64)) == 1
        wanted = self.wanted_filling.get(group, 0.0)
        self.holes[group], self.filling[group] = ~there, wanted
        for k, nodes in enumerate(operands):
            filling = self.filling.get(int(self.group_of[nodes[0]]))
            if filling is not None and self._fill(nodes, found, ~there, filling):
                made = _made_of(op, k, filling)
                if made == wanted:
                    return tree
        return self._masked(tree, there, list(range(there.ndim)), wanted, batch=self.batched[group])

    def _masked(
        self, tree: Any, there: Any, letters: list[int], filling: float, batch: bool
    ) -> Any:
        """Returns the array with a number in the places where nothing is."""
        mask, varying = self._without_constant_axes(there.astype(self.np.int64))
        aligned = Reading(self._constant(mask == 1), varying)
        aligned = self._aligned(aligned, self._batch(batch) + letters)
        return source.fill("np.where({0}, {1}, {2})", [aligned, tree, source.real(filling)])

    def _fill(self, nodes: Any, letters: list[Any], where: Any, filling: float) -> bool:
        """Returns whether the operand, read along the letters, has this number at these places."""
        group = int(self.group_of[nodes[0]])
        if self.filling.get(group) != filling:
            return False
        fit = axes.affine(self._grid(letters, self.lane[nodes]))
        if fit is None:
            return False
        lanes = axes.at_every_place(fit, where.shape)[where]
        holes = self.holes[group]
        inside = lanes.size == 0 or (lanes.min() >= 0 and lanes.max() < holes.size)
        return bool(inside and holes.reshape(-1)[lanes].all())

    def _ordered(self, op: Op, operands: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the operands, those of a product by their groups, so that lanes agree."""
        if op is not ops.multiply:
            return operands
        a, b = operands
        of_a, of_b = self.group_of[a], self.group_of[b]
        swapped = of_a > of_b or (of_a == of_b and self.lane[a] > self.lane[b])
        return (b, a) if swapped else operands

    def _priority(self, nodes: Any) -> tuple[Any, ...]:
        """Sorts operands so that data comes before parameters, and many axes before few."""
        group = int(self.group_of[nodes[0]])
        return (not self.is_data[group], -len(self.shapes[group]))

    def _reduction(self, op: Op, members: list[int]) -> tuple[Any, tuple[int, ...]]:
        """Returns an operation on any number of operands that lie along an axis of one array."""
        np = self.np
        terms = [self.tape.operands[m] for m in members]
        owner = np.repeat(np.arange(len(members)), [len(t) for t in terms])
        kind = _Terms(self, np.array([k for t in terms for k in t]), owner, len(members))
        found = self._settle(members, kind.kept_columns(), [])
        shape = self._place(members, found)
        letters = None
        if op.neutral is not None and (letters := kind.letters(found)) is not None:
            [reading] = kind.readings(letters, len(found), found, op.neutral)
        if letters is None or not {*range(len(found), len(letters))} <= {*reading.letters}:
            # the operands are told by their positions alone
            position = np.concatenate([np.arange(len(t)) for t in terms])
            letters = [(c[owner], n) for c, n in found] + [(position, int(position.max()) + 1)]
            [reading] = kind.readings(letters, len(found), found, op.neutral or 0.0)
        outer = [*self._batch(BATCH in reading.letters), *range(len(found))]
        inner = [k for k in range(len(found), len(letters)) if k in reading.letters]
        if not inner:  # one operand, again and again
            call = source.parse("np.stack([], -1)")
            count = prod(n for _, n in letters[len(found) :])
            call.args[0].elts = [self._aligned(reading, outer)] * count
            return source.fill(op.numpy, (), call), shape
        everything = self._aligned(reading, outer + inner)
        if len(inner) > 1:
            sizes = [-1 if k == BATCH else self.sizes[k] for k in outer]
            everything = source.reshaped(everything, [*sizes, prod(letters[k][1] for k in inner)])
        return source.fill(op.numpy, (), everything), shape

    def _choice(self, op: Op, members: list[int]) -> tuple[Any, tuple[int, ...]]:
        """Returns an operation that chooses among operands by an index, which is the first one."""
        np = self.np
        rows = np.array([self.tape.operands[m] for m in members])
        count, length = rows.shape[0], rows.shape[1] - 1
        kinds = {int(self.group_of[k]) for k in rows[:, 1:].reshape(-1)}
        owner = np.repeat(np.arange(count), length)
        columns = self._columns(rows[:, 0])
        for choices in [rows[:, 1:].reshape(-1)] if len(kinds) == 1 else rows[:, 1:].T:
            of = owner if len(kinds) == 1 else np.arange(count)
            parts = [axes.parted(c, of, count)[0] for c in self._columns(choices)]
            columns += [kept for kept in parts if kept is not None]
        found = self._settle(members, columns, [])
        shape = self._place(members, found)
        last = len(found)
        if len(kinds) == 1:
            position = np.tile(np.arange(length), count)
            letters = [*((c[owner], n) for c, n in found), (position, length)]
            self.sizes = {i: n for i, (_, n) in enumerate(letters)}
            among = self._read(rows[:, 1:].reshape(-1), letters)
        else:
            self.sizes = {i: n for i, (_, n) in enumerate(found)}
            among = self._stack([self._read(nodes, found) for nodes in rows[:, 1:].T], last)
        if last not in among.letters:  # one value, again and again
            among = Reading(source.indexed(among.tree, [None]), [last, *among.letters])
        chosen = self._read(rows[:, 0], found)
        both = [k for k in chosen.letters if k in among.letters]
        own = [k for k in among.letters if k not in both and k != last]
        index = [
            self._aligned(Reading(self._counting(k), [k]), chosen.letters) for k in both
        ]
        rest = self._aligned(among, [*both, last, *own])
        tree = source.fill(op.numpy, [chosen.tree], rest=rest)
        if index:  # an axis that both have is counted: logits[np.arange(n), labels]
            tree.slice = ast.Tuple([*index, tree.slice])
        batch = self._batch(self.batched[int(self.group_of[members[0]])])
        return self._aligned(Reading(tree, chosen.letters + own), [*batch, *range(last)]), shape

    def _stack(self, readings: list[Reading], letter: int) -> Reading:
        """Returns arrays one behind the other, along a first axis with this letter."""
        wanted = sorted({k for reading in readings for k in reading.letters})
        call = source.parse("np.stack(np.broadcast_arrays())")
        call.args[0].args = [self._aligned(reading, wanted) for reading in readings]
        return Reading(call, [letter, *wanted])

    def _counting(self, letter: int) -> Any:
        size = source.name("n") if letter == BATCH else ast.Constant(self.sizes[letter])
        return source.fill("np.arange({0})", [size])

    # ---- sums ----------------------------------------------------------------------------------

    def _sum(
        self,
        members: Sequence[int],
        terms: Sequence[Sequence[int]],
        is_batched: bool,
        forced: list[Any] | None = None,
        over_batch: bool = False,
    ) -> tuple[Any, tuple[int, ...]]:
        """Returns sums of terms, and their shape. With `forced`, the axes are given."""
        np, count = self.np, len(members)
        owner = np.repeat(np.arange(count), [len(t) for t in terms])
        nodes = np.array([k for t in terms for k in t])
        of = self.group_of[nodes]
        kinds = sorted(set(of.tolist()), key=lambda g: (-int((of == g).sum()), g))
        classes = [_Terms(self, nodes[of == g], owner[of == g], count) for g in kinds]
        found = forced
        if found is None:
            columns = [c for kind in classes for c in kind.kept_columns()]
            own = self._axes_of_primal(members)
            found = self._settle(members, own + columns, [])
            if not own:
                found = classes[0].in_order(found)
            shape = self._place(members, found)
        else:
            found = self._split(found, [c for kind in classes for c in kind.kept_columns()])
            shape = tuple(n for _, n in found)
        letters = self._batch(is_batched and not over_batch) + list(range(len(found)))
        trees, told = [], set()
        for kind in classes:
            reading = kind.summed(found, over_batch)
            if over_batch and BATCH in reading.letters:
                raise AssertionError("the batch axis was not summed")
            trees.append(self._aligned(reading, letters))
            told |= {*reading.letters}
        self.sizes = dict(enumerate(shape))
        total = source.total(trees)
        return total if told >= {*letters} else self._spread(total, letters), shape

    def _spread(self, tree: Any, letters: Sequence[int]) -> Any:
        """Returns the same number along every axis that the array does not tell."""
        full = source.parse("np.broadcast_to(a, b)")
        sizes = [source.name("n") if k == BATCH else ast.Constant(self.sizes[k]) for k in letters]
        full.args = [tree, ast.Tuple(sizes)]
        return full

    def _split(self, given: list[Any], columns: list[Any]) -> list[Any]:
        """Returns given axes, split where the columns ask for it, in an order that keeps places."""
        np = self.np
        if not given:
            return given
        count = len(given[0][0])
        found = axes.independent([c for c, _ in given] + columns, count)
        if prod(n for _, n in found) != count or axes.distinct(found, count) != count:
            return given
        places = np.ravel_multi_index([c for c, _ in given], [n for _, n in given])
        fit = axes.affine(self._grid(found, np.broadcast_to(places, count)))
        if fit is None:
            return given
        found = [f for _, f in sorted(zip(fit[1], found, strict=True), key=lambda p: -p[0])]
        lanes = np.ravel_multi_index([c for c, _ in found], [n for _, n in found])
        return found if (lanes == places).all() else given

    # ---- derivatives of parameters, and what is returned ---------------------------------------

    def _arrange_gradient(self) -> None:
        """Adds a statement for each parameter's derivative: its sum over the batch."""
        _np, tape = self.np, self.tape
        uses: dict[int, int] = {}
        for op, operands in zip(tape.ops, tape.operands, strict=True):
            if isinstance(op, Op):
                for k in operands:
                    uses[k] = uses.get(k, 0) + 1
        for k in self.recording.outputs:
            uses[k] = uses.get(k, 0) + 1
        for array in self.recording.arrays:
            parts: dict[Any, list[tuple[int, int]]] = {}
            for place, flat in enumerate(array.where if array.is_parameter else []):
                root = self.recording.gradient.get(flat)
                if root is None:
                    continue
                split = tape.ops[root] is ops.add and root not in uses
                terms = tape.operands[root] if split else (root,)
                kind = frozenset(int(self.group_of[k]) for k in terms)
                parts.setdefault(kind, []).append((place, root if split else -root - 1))
            for part in parts.values():
                self._derivative(array, part)

    def _derivative(self, array: Array, part: list[tuple[int, int]]) -> None:
        np, tape = self.np, self.tape
        places = np.array([place for place, _ in part])
        terms = [tape.operands[root] if root >= 0 else (-root - 1,) for _, root in part]
        columns = list(np.unravel_index(places, array.shape)) if array.shape else []
        ranked = [axes.ranks(c) for c in columns]
        found = [(c, n) for c, n in ranked if n > 1]
        if prod(n for _, n in found) != len(places):
            found = [(np.arange(len(places)), len(places))]
        tree, shape = self._sum(
            [-1] * len(places), terms, False, found, self.recording.is_batched
        )
        target = None
        if len(places) != array.size:
            target = self._target(array, places, [n for _, n in found])
        wanted = tuple(n for _, n in found) if target is not None else array.shape
        without_first_ones = list(wanted)
        while without_first_ones and without_first_ones[0] == 1:
            without_first_ones.pop(0)  # which an assignment puts in
        if shape != tuple(without_first_ones):
            inner = tree.func.value if id(tree) in self.merged else None
            if inner is not None and self.merged[id(tree)] == wanted:
                tree = inner
            else:
                tree = self._reshaped(tree, wanted)
        self.statements.append(Statement(None, tree, wanted, False, array, target))

    def _target(self, array: Array, places: Any, shape: Sequence[int]) -> Any:
        """Returns the index of some places of an array: a slice, or their places in the vector."""
        np = self.np
        columns = np.unravel_index(places, array.shape)
        bounds = [(int(c.min()), int(c.max()) + 1) for c in columns]
        if prod(stop - start for start, stop in bounds) == len(places):
            index = [
                source.EVERYTHING if (start, stop) == (0, size) else (start or None, stop, None)
                for (start, stop), size in zip(bounds, array.shape, strict=True)
            ]
            return source.indexed(source.name(f"d{array.name}"), index)
        flat = self._constant(np.array(array.where)[places].reshape(shape))
        return source.indexed(source.name("dtheta"), [flat])

    def _outputs(self) -> Any:
        """Returns what the function returned, as one array."""
        np = self.np
        nodes = np.array(self.recording.outputs)
        shape = self.recording.output_shape
        groups = sorted(set(self.group_of[nodes].tolist()))
        columns = np.unravel_index(np.arange(len(nodes)), shape) if shape else []
        letters = [(c, n) for c, n in zip(columns, shape, strict=True) if n > 1]
        self.sizes = {i: n for i, (_, n) in enumerate(letters)}
        everything = list(range(len(letters)))
        if len(groups) == 1:
            reading = self._read(nodes, letters)
            batch = self._batch(self.recording.is_batched)
            if set(reading.letters) != {*batch, *everything} and not self.recording.is_loss:
                tree = self._aligned(reading, batch + everything)
                return self._with_axes_of_one(self._spread(tree, batch + everything), shape)
            return self._with_axes_of_one(self._aligned(reading, batch + everything), shape)
        call = source.parse("np.stack([], axis=-1)")
        for node in nodes:
            reading = self._read(np.array([node]), [])
            tree = reading.tree
            if self.recording.is_batched and BATCH not in reading.letters:
                tree = source.fill("np.full(n, {0})", [tree])
            call.args[0].elts.append(tree)
        return call if len(shape) <= 1 else source.reshaped(call, (-1, *shape))

    def _with_axes_of_one(self, tree: Any, shape: tuple[int, ...]) -> Any:
        """Returns outputs with an axis for each list, of one number too, and one for a number."""
        if self.recording.is_loss or not self.recording.is_batched or (shape and 1 not in shape):
            return tree
        return source.reshaped(tree, (-1, *(shape or (1,))))


class _Terms:
    """The terms of one kind of a group of sums: products of two operands, or plain numbers."""

    def __init__(self, arranger: _Arranger, nodes: Any, owner: Any, owners: int) -> None:
        np = arranger.np
        self.a, self.nodes, self.owner, self.owners = arranger, nodes, owner, owners
        group = int(arranger.group_of[nodes[0]])
        self.operands = [nodes]
        if group in arranger.inlined:
            tape = arranger.tape
            rows = [arranger._ordered(ops.multiply, tape.operands[int(k)]) for k in nodes]
            self.operands = sorted(np.array(rows).T, key=arranger._priority)
        self.columns = [
            axes.parted(column, owner, owners)
            for operand in self.operands
            for column in arranger._columns(operand)
        ]

    def kept_columns(self) -> list[Any]:
        return [kept for kept, _ in self.columns if kept is not None]

    def in_order(self, found: list[Any]) -> list[Any]:
        """Returns the axes of the sums, those that both factors have first, if both are data."""
        a = self.a
        if len(self.operands) < 2 or len(found) < 2:
            return found
        if not all(a.is_data[int(a.group_of[operand[0]])] for operand in self.operands):
            return found
        a.sizes = {i: n for i, (_, n) in enumerate(found)}
        varies = [self._varying(operand, found) for operand in self.operands]
        both = [i in varies[0] and i in varies[1] for i in range(len(found))]
        return sorted(found, key=lambda f: not both[[id(c) for c, _ in found].index(id(f[0]))])

    def _varying(self, operand: Any, found: list[Any]) -> set[int]:
        """Returns the axes of the sums along which the places of an operand differ."""
        np = self.a.np
        first = np.zeros(self.owners, dtype=np.int64)
        first[self.owner[::-1]] = self.a.lane[operand][::-1]
        grid = self.a._grid(found, first)
        return {i for i in range(grid.ndim) if self.a._varies(grid, i)}

    def letters(self, found: list[Any]) -> list[Any] | None:
        """Returns the axes of the sums and behind them those of the terms; None if they fit none.

        Each is a column with an entry a term, and its size.
        """
        count = len(self.nodes)
        outer = [(column[self.owner], n) for column, n in found]
        rest = axes.independent([c for _, c in self.columns if c is not None], count)
        letters = axes.without_dependent(outer + rest, count, fixed=len(outer))
        size = self.owners * prod(n for _, n in letters[len(outer) :])
        if axes.distinct(letters, count) < count or (size > MOST_HOLES * count and size > SMALL):
            return None
        return letters

    def readings(
        self, letters: list[Any], outer: int, found: list[Any], filling: float = 0.0
    ) -> list[Reading]:
        """Returns the operands along the letters, and a number in place of terms not there."""
        a, count = self.a, len(self.nodes)
        a.sizes = {i: n for i, (_, n) in enumerate(letters)}
        readings = [a._read(operand, letters) for operand in self.operands]
        if self.owners * prod(n for _, n in letters[outer:]) > count:
            return self._masked(readings, letters, outer, found, filling)
        return readings

    def summed(self, found: list[Any], over_batch: bool) -> Reading:
        """Returns the sum of the terms, with the axes of the sums as its letters 0, 1, ..."""
        a = self.a
        letters = self.letters(found)
        if letters is None:
            return self._by_segment(found, over_batch)
        readings = self.readings(letters, len(found), found)
        inner = set(range(len(found), len(letters)))
        times_n = over_batch and not any(BATCH in r.letters for r in readings)
        summed = inner | ({BATCH} if over_batch else set())
        reading = readings[0]
        if len(readings) == 2:
            reading = self._contracted(readings[0], readings[1], summed)
        else:
            reading = self._reduced(reading, summed)
        for letter in inner - {k for r in readings for k in r.letters}:
            # terms that do not tell this axis: each is counted as often
            reading.tree = source.product(source.number(a.sizes[letter]), reading.tree)
        if times_n:
            reading.tree = source.product(source.name("n"), reading.tree)
        return reading

    def _masked(
        self,
        readings: list[Reading],
        letters: list[Any],
        outer: int,
        found: list[Any],
        filling: float,
    ) -> list[Reading]:
        """Returns the readings with a number in place of terms that are not there."""
        a = self.a
        np = a.np
        there = np.zeros([n for _, n in letters], dtype=np.int64)
        there[tuple(column for column, _ in letters)] = 1
        known = there.any(axis=tuple(range(outer, len(letters))), keepdims=True)
        grid = np.where(known, there, -1)  # a sum that is not there may have any terms
        if any(a._fill(operand, letters, grid == 0, filling) for operand in self.operands):
            return readings
        mask, varying = a._without_constant_axes(grid)
        mask = mask == 1
        able = [i for i, r in enumerate(readings) if set(varying) <= set(r.letters)]
        if not able:
            wanted = set(varying).union(*[r.letters for r in readings])
            present = [k for k in (BATCH, *range(len(letters))) if k in wanted]
            trees = [a._aligned(r, present) for r in readings]
            tree = trees[0] if len(trees) == 1 else source.product(*trees)
            readings, able = [Reading(tree, present)], [0]
        reading = readings[able[0]]
        order = [k for k in reading.letters if k in varying]
        constant = a._constant(mask.transpose([varying.index(k) for k in order]).copy())
        aligned = a._aligned(Reading(constant, order), reading.letters)
        tree = source.fill(
            "np.where({0}, {1}, {2})", [aligned, reading.tree, source.real(filling)]
        )
        readings[able[0]] = Reading(tree, reading.letters)
        return readings

    def _reduced(self, reading: Reading, summed: set[int]) -> Reading:
        """Returns the sum over the letters that are summed."""
        gone = [i for i, k in enumerate(reading.letters) if k in summed]
        if not gone:
            return reading
        kept = [k for k in reading.letters if k not in summed]
        if not kept:
            return Reading(source.method(reading.tree, "sum"), kept)
        if gone == [0] and reading.letters[0] == BATCH and len(kept) == 1:
            # a product with ones adds up rows several times as fast as .sum(0) does
            return Reading(source.matrix_product(source.name("ones"), reading.tree), kept)
        where = gone[0] if len(gone) == 1 else tuple(gone)
        where = -1 if where == len(kept) and len(gone) == 1 else where
        return Reading(source.method(reading.tree, "sum", where), kept)

    def _contracted(self, left: Reading, right: Reading, summed: set[int]) -> Reading:
        """Returns the sum of products as a matrix product, where it is one."""
        a = self.a
        left = self._reduced(left, summed - set(right.letters))
        right = self._reduced(right, summed - set(left.letters))
        over = [k for k in left.letters if k in summed]
        both = [k for k in left.letters if k in right.letters and k not in summed]
        rows = [k for k in left.letters if k not in summed and k not in right.letters]
        columns = [k for k in right.letters if k not in summed and k not in left.letters]
        if not over:
            everything = sorted({*left.letters, *right.letters})
            tree = source.product(a._aligned(left, everything), a._aligned(right, everything))
            return Reading(tree, everything)
        if BATCH in right.letters and BATCH not in left.letters:
            left, right, rows, columns = right, left, columns, rows  # examples are rows
            over = [k for k in left.letters if k in summed]
        elif BATCH not in rows and rows and columns and min(columns) < min(rows):
            left, right, rows, columns = right, left, columns, rows  # as the result lies
            over = [k for k in left.letters if k in summed]
        if both and not (rows and columns):
            return self._products_of_rows(left, right, both + rows + columns)
        first = self._stacked(left, both, rows, over)
        second = self._stacked(right, both, over, columns)
        letters = both + rows + columns
        tree = source.matrix_product(first, second)
        if len(rows) > 1 or len(columns) > 1:
            merged = tuple(prod(a.sizes.get(k, 0) for k in block) for block in (rows, columns))
            tree = source.reshaped(tree, [-1 if k == BATCH else a.sizes[k] for k in letters])
            if not both:
                a.merged[id(tree)] = merged
                a.kept.append(tree)
        return Reading(tree, letters)

    def _stacked(self, reading: Reading, *blocks: list[int]) -> Any:
        """Returns the operand with one axis for each block of letters."""
        a = self.a
        order = [k for block in blocks for k in block]
        natural = list(reading.letters)
        _, first, second = blocks
        shape = [-1 if k == BATCH else a.sizes[k] for k in blocks[0]]
        shape += [
            -1 if BATCH in block else prod(a.sizes[k] for k in block)
            for block in (first, second)
            if block
        ]
        # as it lies, or turned round: then .T says more than a transposition of all its axes
        turned = [*blocks[0], *second, *first]
        if natural == turned and natural != order and not blocks[0] and first and second:
            tree = reading.tree
            if len(natural) > 2:
                tree = a._reshaped(tree, [shape[1], shape[0]])
            return source.transposed(tree, [1, 0])
        if BATCH in second and not blocks[0] and first:
            tree = source.transposed(reading.tree, [natural.index(k) for k in turned])
            tree = a._reshaped(tree, shape[::-1]) if len(shape) != len(order) else tree
            return source.transposed(tree, [1, 0])
        tree = source.transposed(reading.tree, [natural.index(k) for k in order])
        return a._reshaped(tree, shape) if len(shape) != len(order) else tree

    def _products_of_rows(self, left: Reading, right: Reading, letters: list[int]) -> Reading:
        """Returns the sum of products as one of rows, or else in Einstein's notation."""
        over = sorted({*left.letters, *right.letters} - {*letters})
        if over == left.letters[-1:] == right.letters[-1:]:
            trees = [self.a._aligned(r, letters + over) for r in (left, right)]
            return Reading(source.fill("np.vecdot({0}, {1})", trees), letters)
        names = {BATCH: "n"} | {k: "ijklmopqrst"[k] for k in self.a.sizes}
        rule = ",".join("".join(names[k] for k in r.letters) for r in (left, right))
        rule += "->" + "".join(names[k] for k in letters)
        tree = source.fill("np.einsum({0}, {1}, {2})", [ast.Constant(rule), left.tree, right.tree])
        return Reading(tree, letters)

    def _by_segment(self, found: list[Any], over_batch: bool) -> Reading:
        """Returns the sums of terms that fill no box, one behind the other."""
        a = self.a
        np = a.np
        shape = tuple(n for _, n in found)
        lanes = np.ravel_multi_index([c[self.owner] for c, _ in found], shape)
        order = np.argsort(lanes, kind="stable")
        row = [(np.arange(len(order)), len(order))]
        a.sizes = {0: len(order)}
        readings = [a._read(operand[order], row) for operand in self.operands]
        letters = [BATCH] if any(BATCH in r.letters for r in readings) else []
        trees = [a._aligned(r, [*letters, 0]) for r in readings]
        tree = trees[0] if len(trees) == 1 else source.product(*trees)
        if over_batch:
            call = source.method(tree, "sum", 0)
            tree, letters = (call if letters else source.product(source.name("n"), tree)), []
        starts = np.flatnonzero(np.diff(lanes[order], prepend=-1))
        sums = source.fill("np.add.reduceat({0}, {1}, axis=-1)", [tree, a._constant(starts)])
        present = lanes[order][starts]
        size = prod(shape)
        if len(present) < size:  # places without a sum: read any
            where = np.searchsorted(present, np.arange(size)).clip(0, len(present) - 1)
            index = [source.EVERYTHING] if letters else []
            sums = source.indexed(sums, [*index, a._constant(where)])
        if len(shape) != 1:
            sums = source.reshaped(sums, ([-1] if letters else []) + list(shape))
        return Reading(sums, letters + list(range(len(shape))))


def _axis(size: int, at: int, mine: list[tuple[int, int, int]]) -> list[Any] | None:
    """Returns how an axis is read: (length, index, letter) for it, or for each part it splits in.

    `mine` are the (stride, letter, size of the letter) that run along the axis, from place `at`.
    """
    mine = sorted(mine, reverse=True)
    if not mine:
        return [(size, at, None)]
    if len(mine) == 1:
        stride, letter, count = mine[0]
        last = at + stride * (count - 1)
        if last >= size:
            return None
        if stride == 1:
            whole = at == 0 and count == size
            where = (None, None, None) if whole else (at or None, last + 1, None)
            return [(size, where, letter)]
        return [(size, (at or None, last + 1, stride), letter)]
    parts: list[Any] = []
    above = size
    for stride, letter, count in mine:
        if above % stride:
            return None
        length = above // stride
        start, at = divmod(at, stride)
        if start + count > length:
            return None
        where = (None, None, None) if count == length else (start or None, start + count, None)
        parts.append((length, where, letter))
        above = stride
    if above > 1:
        parts.append((above, at, None))
    return parts


def _made_of(op: Op, index: int, operand: float) -> float | None:
    """Returns what the operation makes of that operand, whatever the others are; None if it tells.

    A product makes 0 of a 0, and exp(a - b) makes 0 of a = -inf.
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


def arrange(grouping: Grouping) -> Arrangement:
    """Returns the program on arrays that the groups spell out."""
    return _Arranger(grouping).run()
