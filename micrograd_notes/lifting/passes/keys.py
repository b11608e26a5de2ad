"""The keys of numbers: those that are made alike have the same key.

`group.py` has the rules, and makes arrays of the numbers of each key. Read `borders.py` next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.lifting.ints import Ints, unique
from micrograd_notes.lifting.passes.borders import Borders
from micrograd_notes.lifting.passes.order import in_order
from micrograd_notes.lifting.passes.sides import sides
from micrograd_notes.lifting.trace.columns import BITS, Bools, Columns, has_any_order, packed

FEW = 3  # if one number meets at most so many constants, each gets its own array


class Schedule(NamedTuple):
    """Stands for the numbers of a schedule (see `schedules.py`), by which it is."""

    which: int


class Keys:
    """Finds the keys of numbers; `sources` are read by leaves that stand for them."""

    def __init__(
        self, columns: Columns, arrays_of_sums: Sequence[Mapping[int, int]] = (),
        sources: Mapping[int, int] = MappingProxyType({})
    ) -> None:
        self.sources = np.array([*sources.items()], dtype=np.int64).reshape(-1, 2).T
        self.columns, self.rows = columns, [*columns.codes]
        self.borders = Borders(columns, arrays_of_sums)
        self.is_product = columns.where(lambda op: op is ops.multiply)
        self.levels = columns.by_level(np.flatnonzero(columns.is_made))

    @cached_property
    def alike(self) -> Ints:
        """The keys without anything else that distinguishes operations."""
        return self.found()

    def found(
        self, apart: Mapping[int, Any] = MappingProxyType({}), sums_join_terms: bool = False
    ) -> Ints:
        """Returns the keys, as small ints; `apart` has what distinguishes an operation.

        If sums of one kind of terms join these terms, they have the same key.
        """
        keys, borders = self._found(apart, sums_join_terms), self.borders
        while not sums_join_terms and borders.part(keys):  # then more adjoints are of one array
            before, borders.is_joined = borders.is_joined, np.zeros_like(borders.is_joined)
            by_level = borders.levels(keys)
            joined = by_level and self._found(apart, False, keys, by_level)
            if joined is None or self.in_order(joined) is None:  # two arrays would read each other
                borders.is_joined = before
                break
            if len(unique(joined)) == len(unique(keys)):
                break
            keys = joined
        return keys

    def _found(
        self, apart: Mapping[int, Any], sums_join_terms: bool, primal_keys: Ints | None = None,
        by_level: Sequence[tuple[Ints, bool]] = ()
    ) -> Ints:
        """Returns the keys; with those of primals, adjoints at the borders of an array join it."""
        columns = self.columns
        known: dict[Any, int] = {}
        keys = columns.code.astype(np.int64)  # of leaves and constants
        is_alone = columns.is_wide & ~columns.is_sum
        is_alone[[*apart]] = True
        may_join = columns.is_sum & sums_join_terms & ~self.borders.is_wall

        def key_of(key: Any) -> int:
            return known.setdefault(key, len(columns.codes) + len(known))

        key_at, code_at = memoryview(keys), memoryview(columns.code)
        for level, are_few in by_level or self.levels:
            alone = level
            if not are_few:
                low, high, has_more = self._ends(level, keys)
                is_one = is_alone[level] | has_more
                joins = may_join[level] & (low == high) & ~is_one
                keys[level[joins]] = low[joins]
                rest = ~is_one & ~joins
                alone, together = level[is_one], level[rest]
                different, which = np.unique(
                    packed(columns.key_codes(together), low[rest], high[rest]), return_inverse=True
                )
                new = np.array([*map(key_of, different.tolist())], dtype=np.int64)
                keys[together] = new[which]
            for i in alone.tolist():
                below = [key_at[k] for k in columns.operands(i)]
                if may_join[i] and len({*below}) == 1:
                    key_at[i] = below[0]
                else:
                    key = self._key(self.rows[code_at[i]], below)
                    key_at[i] = key_of((key, apart[i]) if i in apart else key)
            if primal_keys is not None:
                both = level[[i not in apart for i in level.tolist()]] if apart else level
                for joined in self.borders.of(both, keys, primal_keys):
                    keys[joined] = key_of(("adjoints", *unique(keys[joined]).tolist()))
                    self.borders.is_joined[joined] = True
        return keys

    def _ends(self, numbers: Ints, keys: Ints) -> tuple[Ints, Ints, Bools]:
        """Returns the keys of first and last operands, and whether there are more keys.

        For a product or a sum they are the lowest and the highest key.
        """
        columns = self.columns
        first, last = (keys[ends] for ends in columns.ends(numbers))
        is_product = self.is_product[numbers]
        low = np.where(is_product, np.minimum(first, last), first)
        high = np.where(is_product, np.maximum(first, last), last)
        has_more = np.zeros(len(numbers), dtype=bool)
        sums = np.flatnonzero(columns.is_sum[numbers])
        if sums.size:
            sizes = columns.sizes[numbers[sums]]
            below = keys[columns.flat[columns.places(numbers[sums])]]
            begin, owner = np.cumsum(sizes) - sizes, np.repeat(sums, sizes)
            low[sums] = np.minimum.reduceat(below, begin)
            high[sums] = np.maximum.reduceat(below, begin)
            has_more[owner[(below != low[owner]) & (below != high[owner])]] = True
        return low, high, has_more

    def _key(self, op: Any, below: list[int]) -> Any:
        """Returns the key of an operation, made from the keys of its operands."""
        kinds = {*below}
        if op is ops.add and len(kinds) <= 2:
            below = [min(kinds), max(kinds)]
        elif op is ops.add or (op.neutral is not None and len(kinds) == 1):
            return op, frozenset(kinds)  # any number of them, in any order
        elif op.arity not in (1, 2):
            return op, *below
        elif op is ops.multiply:
            below = sorted(below)
        return packed(self.columns.short[op], below[0], below[-1])

    def told_apart(self, numbers: Mapping[int, Any]) -> dict[int, Any]:
        """Returns what distinguishes operations that look alike.

        x**-0.5 and x**-1.5 are two arrays, and so are where(c, 1, 0) and where(c, 0, 1). But
        equal(y, 0), equal(y, 1), ... are the lanes of one array, however many there are, and so are
        other operations if one number meets many constants. A schedule of a recurrence (see
        `schedules.py`) is one of the `numbers`. Queries and keys that one matrix makes are two
        arrays (`sides.py`).
        """
        columns, keys = self.columns, self.alike
        may = columns.where(
            lambda op: op not in (ops.add, helper_ops.equal) and op.arity is not None
        )
        is_number = np.zeros(len(keys), dtype=bool)
        is_number[[*numbers]] = True
        of_number = columns.is_read & columns.below(is_number) & may[columns.owner]
        met: dict[int, dict[Any, set[Any]]] = {}
        with_same, constant_of = dict[int, set[Any]](), dict[int, Any]()
        for i in unique(columns.owner[of_number]).tolist():
            operands = columns.operands(i)
            constant_of[i] = (*[numbers[k] for k in operands if k in numbers],)
            others = tuple([k for k in operands if k not in numbers])
            with_same[i] = met.setdefault(keys[i], {}).setdefault(others, set())
            with_same[i].add(constant_of[i])
        few = {key for key, found in met.items() if 2 <= max(map(len, found.values())) <= FEW}
        apart = {i: x for i, x in constant_of.items() if keys[i] in few}
        for i, x in apart.items():
            if isinstance(x[0], Schedule):  # each lane may have its own: which of those it meets
                scheduled = sorted(e for e in with_same[i] if isinstance(e[0], Schedule))
                apart[i] = "schedule", scheduled.index(x)
        return apart | {i: (apart.get(i), side) for i, side in sides(columns, keys).items()}

    def in_order(self, keys: Ints) -> Ints | None:
        """Returns keys, so that a group comes after those of its operands, None if that can't be.
        """
        columns = self.columns
        different, first, keys = np.unique(keys, return_index=True, return_inverse=True)
        is_read = columns.is_read
        owner, flat = columns.owner[is_read], columns.flat[is_read]
        readers, read = (
            keys[np.concatenate(both)] for both in zip((owner, flat), self.sources, strict=True)
        )
        order, found = np.empty(len(different), dtype=np.int64), in_order(readers, read, first)
        if len(found) < len(different):
            return None
        order[found] = np.arange(len(different))
        return order[keys]

    def sums_of_one_term(self, together: Sequence[Ints]) -> Ints:
        """Returns the sums of one term without a neighbour that has more.

        Neighbours are read alike, or are results that lie `together`, or are of several lengths
        from one on. The derivative by each x[t] of x[t] - c is a sum of one term, and that by c is
        the sum of all these: they are not neighbours.
        """
        columns, keys = self.columns, self.alike
        edges = np.flatnonzero(columns.is_read & columns.below(columns.is_sum))
        labels = np.repeat(np.arange(len(together)), [*map(len, together)])
        reader = np.concatenate([keys[columns.owner[edges]], keys.max() + 1 + labels])
        read = np.concatenate([columns.flat[edges], *together]).astype(np.int64)
        uses, is_single = packed(0, keys[read], reader), columns.sizes[read] == 1
        each = np.concatenate([unique(uses[is_single]), unique(uses[~is_single])])
        each.sort()
        both = each[1:][each[1:] == each[:-1]] >> BITS
        sums, sizes = np.flatnonzero(columns.is_sum), columns.sizes
        several = np.bincount(unique(packed(0, keys[sums], sizes[sums])) >> BITS) > 2
        singles = sums[(sizes[sums] == 1) & ~self.borders.is_joined[sums]]
        return singles[~np.isin(keys[singles], both) & ~several[keys[singles]]]

    def missing_sums(self) -> Ints:
        """Returns where in `flat` a term is read, although its neighbours are sums of such terms.

        Neighbours have the same key if a sum of one kind has the key of its terms.
        """
        columns, keys = self.columns, self.found(sums_join_terms=True)
        flat, owner = columns.flat, columns.owner.astype(np.int64)
        below = np.where(columns.is_read, columns.below(keys), -1)
        sums = np.flatnonzero(columns.is_sum)
        joined = np.zeros(len(keys), dtype=bool)
        joined[sums] = below[columns.first[sums]] == keys[sums]
        is_of_sums = np.zeros(keys.max() + 1, dtype=bool)
        is_of_sums[keys[joined]] = True
        edges = np.flatnonzero(columns.is_read & ~joined[owner] & is_of_sums[below])
        _, which, count = np.unique(
            packed(0, owner[edges], below[edges]), return_inverse=True, return_counts=True
        )
        edges = edges[~columns.is_sum[owner[edges]] | (count[which] == 1)]
        at = edges - columns.first[owner[edges]]
        any_order = columns.is_sum | columns.where(has_any_order)
        position = np.where(any_order[owner[edges]], 0, at)
        alike = np.unique(packed(0, keys[owner[edges]], below[edges]), return_inverse=True)[1]
        which = np.unique(packed(0, alike, position), return_inverse=True)[1]
        are_sums = columns.is_sum[flat[edges]]
        has_sum = np.bincount(which, are_sums) > 0
        return edges[~are_sums & has_sum[which]]
