"""The terms of sums: along which axes they lie, and what stands where some are missing.

If sums differ in length, as in causal attention, missing terms are masked, or zeros around an array
stand for them (`windows.py`). Terms without fitting axes are summed by segment. `sums.py` makes
`Terms`; read `contract.py` next, for matrix products.
"""

from __future__ import annotations

from functools import cached_property, reduce
from itertools import combinations, product
from math import prod
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.arrays import axes
from micrograd_notes.lifting.arrays.contract import contracted, reduced
from micrograd_notes.lifting.arrays.layout import BATCH, MOST_HOLES, SMALL, Layout, Reading
from micrograd_notes.lifting.arrays.windows import windows
from micrograd_notes.lifting.recurrences.alike import FULL
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import WHOLE, Expression, N

MOST_NEIGHBOURS = 8  # of one kind, as those of a place on a grid


class Terms:
    """The terms of one kind of a group of sums: products of two operands, or plain numbers.

    Some of the sums may have no term of this kind.
    """

    def __init__(self, layout: Layout, nodes: Any, owner: Any, owners: int) -> None:
        self.layout, self.nodes, self.owner, self.owners = layout, nodes, owner, owners
        self.operands = [nodes]
        # the sums that have such terms, and for each term its sum among these; owners are in order
        is_next = np.diff(owner, prepend=-1) > 0
        self.present, self._owner_of_present = owner[is_next], np.cumsum(is_next) - 1
        self.is_in_all = len(self.present) == owners
        if layout.group(nodes) in layout.inlined:
            self.operands = sorted(layout.operands(nodes), key=layout.priority)
            one, other = map(layout.priority, self.operands)
            if one == other and [*map(self._sums_rows, self.operands)] == [False, True]:
                self.operands.reverse()  # so that it is left @ right, and not its transpose

    def _sums_rows(self, operand: Any) -> bool:
        """Returns whether the sums run along the last axis of an operand."""
        columns, owner = self.layout.columns(operand)[-1:], self._owner_of_present
        return any(axes.parted(c, owner, len(self.present)).kept is None for c in columns)

    @cached_property
    def columns(self) -> list[axes.Parted]:
        """The places of the operands: the part of each that the sums determine, and the rest."""
        columns = [column for operand in self.operands for column in self.layout.columns(operand)]
        owner, count = self._owner_of_present, len(self.present)
        return [axes.parted(column, owner, count) for column in columns]

    def order_factors(self, found: list[Any]) -> None:
        """Lets the factor come first that all terms at one place along an axis have.

        So x[i] * x[j] has x[i] first, and not the one that comes first in x.
        """
        groups = [*map(self.layout.group, self.operands)]
        for column, size in found if len({*groups}) == 1 < len(groups) else ():
            lanes = [self.layout.lane[operand] for operand in self.operands]
            at, first = column[self.owner], np.full(size, -1)
            for place in range(size):
                here = [each[at == place] for each in lanes]
                for lane in {int(here[0][0]), int(here[1][0])}:
                    if ((here[0] == lane) | (here[1] == lane)).all():
                        first[place] = lane
            if first.min() >= 0:
                swap = lanes[0] != first[at]
                a, b = self.operands
                self.operands = [np.where(swap, b, a), np.where(swap, a, b)]
                return

    def kept_columns(self) -> list[Any]:
        """Returns the part of the terms' places that their sums determine.

        At a border, the terms of a window are fewer, both of x[t + i] and of k[i]. How many are
        left is determined by t, and says nothing new.
        """
        if not self.is_in_all:  # then a sum has the axes of its other terms, or of its primal
            return []
        kept = [each for each in self.columns if each.kept is not None]
        loose = [each.kept for each in kept if each.overlaps]
        return [
            each.kept for each in kept
            if not each.overlaps or not any(
                axes.determines(other, each.kept) and not axes.determines(each.kept, other)
                for other in loose if other is not each.kept
            )
        ]

    def in_order(self, found: list[Any]) -> list[Any]:
        """Returns the axes of the sums; if both factors are data, common axes come first."""
        layout = self.layout
        of = [*map(layout.group, self.operands)]
        if not self.is_in_all or len(of) < 2 or not all(layout.is_data[of]):
            return found
        first = np.flatnonzero(np.diff(self.owner, prepend=-1))  # a term of each sum
        grids = [layout.grid(found, layout.lane[operand[first]]) for operand in self.operands]
        is_common = [all(layout.varies(grid, i) for grid in grids) for i in range(len(found))]
        return [found[i] for i in sorted(range(len(found)), key=lambda i: not is_common[i])]

    def letters(self, found: list[Any]) -> list[Any] | None:
        """Returns the axes of the sums, then those of the terms; None if none fit.

        Each is a column with one entry per term, and its size.
        """
        count = len(self.nodes)
        outer = [(column[self.owner], n) for column, n in found]
        rests = [c.rest for c in self.columns if c.rest is not None]
        near = [self._offsets(c.rest, outer) if c.overlaps else c.rest for c in self.columns]
        best, least = None, MOST_HOLES * count
        for rest in (rests, [c for c in near if c is not None]):
            letters = outer + axes.independent(rest, count)
            letters = axes.without_dependent(letters, count, len(outer), self._goes_early)
            size = self.owners * prod(n for _, n in letters[len(outer) :])
            if axes.distinct(letters, count) < count or size > max(least, SMALL):
                continue
            if best is None or (size < least and self._are_even(letters)):
                best, least = letters, size
        return best

    def _are_even(self, letters: list[Any]) -> bool:
        """Returns whether no operand moves along two of its axes at once, as x[t][t + i] does."""
        layout = self.layout
        layout.sizes = {i: n for i, (_, n) in enumerate(letters)}
        for operand in self.operands:
            grids = [layout.grid(letters, column) for column in layout.columns(operand)]
            moves = [k for grid in grids for k in range(grid.ndim) if layout.varies(grid, k)]
            if len({*moves}) < len(moves):
                return False
        return True

    def _offsets(self, column: Any, outer: list[Any]) -> Any:
        """Returns how far places are from that along an axis of the sums, if a few distances do.

        So d[t - 1] + d[t + 1] has two places per t, and not all of d.
        """
        size = axes.ranks(column)[1]
        for axis, n in outer:
            on_a_ring = [(column - axis + n // 2) % n] if n == size else []
            found = [*map(axes.ranks, [column - axis, *on_a_ring])]
            offsets, count = min(found, key=lambda each: each[1])
            if 2 * count <= size:
                return offsets
        return column

    def _goes_early(self, column: Any) -> int:
        """Returns a rank for the places along an axis: the highest for those of early data.

        So x[t + i] is read along t and i, where dz[t] and k[i] lie, and not dz[s - i] along s.
        """
        layout = self.layout
        order = sorted(
            self.operands, key=lambda o: (layout.is_data[layout.group(o)], -layout.group(o))
        )
        found = [k for k, operand in enumerate(order)
                 if axes.determines(layout.lane[operand], column)]
        return found[0] if found else len(order)

    def readings(
        self, letters: list[Any], found: list[Any], filling: float = 0.0
    ) -> list[Reading]:
        """Returns the operands along the letters, with a number instead of missing terms.

        The first letters are the axes of the sums, which are `found`.
        """
        layout, count, outer = self.layout, len(self.nodes), len(found)
        layout.sizes = {i: n for i, (_, n) in enumerate(letters)}
        readings = [
            layout.read(operand, letters, self._inside(i, letters))
            for i, operand in enumerate(self.operands)
        ]
        if self.owners * prod(n for _, n in letters[outer:]) > count:
            return self._masked(readings, letters, found, filling)
        return readings

    def _inside(self, i: int, letters: list[Any]) -> set[int]:
        """Returns the letters that a window of an operand has: those of k in x[t + i] * k[i].

        In the derivative by k, x[t + i] * dz[t], they are those that dz does not have.
        """
        layout, others = self.layout, self.operands[1 - i : 2 - i] if len(self.operands) > 1 else []
        for other in others:
            grid = layout.grid(letters, layout.lane[other])
            moves = {k for k in range(grid.ndim) if layout.varies(grid, k)}
            is_data = layout.is_data[layout.group(other)]
            return {*range(grid.ndim)} - moves if is_data else moves
        return set()

    def summed(self, found: list[Any], over_batch: bool) -> Reading:
        """Returns the sum of the terms, with the axes of the sums as its letters 0, 1, ..."""
        layout = self.layout
        if not self.is_in_all and (inner := self._in_a_part(found, over_batch)) is not None:
            return inner
        if (neighbours := self._by_offset(found, over_batch)) is not None:
            return neighbours
        letters = self.letters(found)
        if letters is None:
            return self._by_segment(found, over_batch)
        readings = self.readings(letters, found)
        summed = {*range(len(found), len(letters)), *layout.batch(over_batch)}
        if len(readings) == 2:
            reading = contracted(layout, readings[0], readings[1], summed)
        else:
            reading = reduced(layout, readings[0], summed)
        for letter in sorted(summed - {k for r in readings for k in r.letters}, reverse=True):
            # terms that do not vary along this axis are counted once per place
            if letter != BATCH or not self._are_totals():
                count = ex.Count() if letter == BATCH else ex.Number(layout.sizes[letter])
                reading.array = ex.times(count, reading.array)
        return reading

    def _are_totals(self) -> bool:
        """Returns whether an operand is summed over the examples already."""
        layout = self.layout
        return any(layout.is_total[layout.group(operand)] for operand in self.operands)

    def _by_offset(self, found: list[Any], over_batch: bool) -> Reading | None:
        """Returns the sum of neighbours on a grid, as those above and beside a place; or None.

        Of each kind of neighbour there is at most one, and most places have it.
        """
        least, most = 2 * FULL * self.owners, MOST_NEIGHBOURS * self.owners
        may_be = len(self.operands) == 1 < len(found) and least <= len(self.nodes) <= most
        columns = self.layout.columns(self.nodes) if may_be else []
        if not columns or len(columns) != len(found):
            return None
        offsets = [c - axis[self.owner] for c, (axis, _) in zip(columns, found, strict=True)]
        kinds, which = np.unique(np.stack(offsets), axis=1, return_inverse=True)
        count = kinds.shape[1]
        if not (1 < count <= MOST_NEIGHBOURS and len(self.nodes) >= FULL * self.owners * count):
            return None
        parts = []
        for kind in range(count):
            terms = self._of(which.reshape(-1) == kind)
            if not terms.is_in_a_part(found):
                return None
            parts.append(terms.summed(found, over_batch))
        letters = [*self.layout.batch(BATCH in parts[0].letters), *range(len(found))]
        return Reading(ex.total([self.layout.aligned(each, letters) for each in parts]), letters)

    def is_in_a_part(self, found: list[Any]) -> bool:
        """Returns whether the sums with such terms fill a box of the axes."""
        within = [column[self.present] for column, _ in found]
        return prod([int(c.max() - c.min()) + 1 for c in within]) == len(self.present)

    def _in_a_part(self, found: list[Any], over_batch: bool) -> Reading | None:
        """Returns the sums with zeros around those that have such terms; None if these fill no box.

        So the derivative by x of x[t + 1] - x[t] adds two arrays, each with a zero at one end.
        """
        if not self.is_in_a_part(found):
            return None
        there = self.present
        ends = [(int(c[there].min()), int(c[there].max()) + 1, n) for c, n in found]
        shape = [stop - start for start, stop, _ in ends]
        terms = Terms(self.layout, self.nodes, self._owner_of_present, len(there))
        terms.operands = self.operands
        inner = [(c[there] - c[there].min(), n) for (c, _), n in zip(found, shape, strict=True)]
        reading = terms.summed([axis for axis in inner if axis[1] > 1], over_batch)
        batch = [BATCH] if BATCH in reading.letters else []
        long = [n for n in shape if n > 1]
        made = self.layout.aligned(reading, [*batch, *range(len(long))])
        if made.shape:
            made = ex.spread(made, [*[N] * len(batch), *long])
            made = ex.reshaped(made, [*[N] * len(batch), *shape])
        elif prod(shape) == 1:
            made = ex.reshaped(made, shape)
        made = ex.spread(made, [*[N] * len(batch), *shape])  # a number, too
        widths = [*[(0, 0)] * len(batch), *[(start, n - stop) for start, stop, n in ends]]
        return Reading(ex.Padded(made, tuple(widths)), [*batch, *range(len(found))])

    def at_both_ends(self, found: list[Any]) -> list[Terms]:
        """Returns the terms of the first sums and of the last ones; or all, if others have some."""
        if len(found) != 1 or self.is_in_all:
            return [self]
        [(places, size)] = found
        there = np.sort(places[self.present])
        gaps = np.flatnonzero(np.diff(there) > 1)
        if len(gaps) != 1 or there[0] > 0 or there[-1] < size - 1:
            return [self]
        is_first = places[self.owner] <= there[gaps[0]]
        return [self._of(is_first), self._of(~is_first)]

    def on_each_side(self, found: list[Any]) -> list[Terms]:
        """Returns the terms a[i][j] * q[j] apart from a[j][i] * q[j], of sums at i that have both.

        So the derivatives of sums over pairs, i < j, are two products, a @ q and a.T @ q.
        """
        for (axis, _), operand in product(found, self.operands):
            offsets = [c - axis[self.owner] for c in self.layout.columns(operand)]
            if any((each == each[0]).all() for each in offsets):
                continue
            for one, other in combinations([e == _most_common(e) for e in offsets], 2):
                if (one | other).all():
                    return [self._of(one), self._of(~one)]
        return [self]

    def _of(self, these: Any) -> Terms:
        """Returns some of the terms."""
        return Terms(self.layout, self.nodes[these], self.owner[these], self.owners)

    def _masked(
        self, readings: list[Reading], letters: list[Any], found: list[Any], filling: float
    ) -> list[Reading]:
        """Returns the readings with a number instead of missing terms."""
        layout = self.layout
        there = layout.there(letters, len(self.nodes))
        known = layout.there(found, self.owners)
        known = np.expand_dims(known, [*range(len(found), len(letters))])
        grid = np.where(known, there, -1)  # a missing sum may have any terms
        holes = grid == 0
        if any(layout.has_filling(operand, letters, holes, filling) for operand in self.operands):
            return readings
        for i, operand in enumerate(self.operands if filling == 0.0 else []):
            if (made := windows(layout, operand, letters, holes)) is not None:
                readings[i] = Reading(*made)
                return readings
        mask, varying = layout.without_constant_axes(grid)
        able = [i for i, r in enumerate(readings) if set(varying) <= set(r.letters)]
        if not able:
            wanted = set(varying).union(*[r.letters for r in readings])
            present = [k for k in (BATCH, *range(len(letters))) if k in wanted]
            aligned = [layout.aligned(r, present) for r in readings]
            readings, able = [Reading(reduce(ex.times, aligned), present)], [0]
        readings[able[0]] = layout.masked(readings[able[0]], mask == 1, varying, filling)
        return readings

    def _by_segment(self, found: list[Any], over_batch: bool) -> Reading:
        """Returns the sums of terms that do not fill a box, one after the other."""
        layout = self.layout
        shape = tuple(n for _, n in found)
        lanes = np.zeros(len(self.owner), dtype=np.int64)  # a single sum has no axis
        if shape:
            lanes = np.ravel_multi_index([c[self.owner] for c, _ in found], shape)
        order = np.argsort(lanes, kind="stable")
        row = [(np.arange(len(order)), len(order))]
        layout.sizes = {0: len(order)}
        readings = [layout.read(operand[order], row) for operand in self.operands]
        letters = [BATCH] if any(BATCH in r.letters for r in readings) else []
        terms = reduce(ex.times, [layout.aligned(r, [*letters, 0]) for r in readings])
        terms = ex.spread(terms, [*terms.shape[:-1], len(order)])  # all may have the same operands
        if over_batch and not self._are_totals():
            terms, letters = (ex.Sum(terms, (0,)) if letters else ex.times(ex.Count(), terms)), []
        starts = np.flatnonzero(np.diff(lanes[order], prepend=-1))
        sums: Expression = ex.SegmentSums(terms, layout.constant(starts))
        present = lanes[order][starts]
        size = prod(shape)
        if len(present) < size:  # places without a sum: read any
            where = np.searchsorted(present, np.arange(size)).clip(0, len(present) - 1)
            sums = ex.part(sums, [*([WHOLE] if letters else []), layout.constant(where)])
        if not self.is_in_all:
            there = layout.constant(np.isin(np.arange(size), present))
            sums = ex.Where(there, sums, ex.Number(0.0))
        sums = ex.reshaped(sums, (*([N] if letters else []), *shape))
        return Reading(sums, letters + list(range(len(shape))))


def _most_common(column: Any) -> int:
    return int(np.bincount(column - column.min()).argmax() + column.min())
