"""The third pass: numbers that are made alike become the lanes of one array.

`program.py` calls `group`. Every number gets a key: a leaf that of its array, all constants the
same, an operation its name and the keys of its operands. For a sum, or a maximum, it is the *set*
of these keys, so that the number of terms does not matter. Numbers with the same key are lanes of
one array operation. A key contains the keys below it, so no number has the key of one of its
operands.

A sum of one term looks like its neighbours with many terms. If one is missing, as at the first of
many positions that each sum the earlier ones, it is added. If no neighbour has a second term, the
sum is replaced by its term. Read `arrays/arrange.py` next.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.passes.columns import Bools, Columns, Ints, ints, packed
from micrograd_notes.lifting.passes.simplify import simplify
from micrograd_notes.lifting.trace.tape import Array, Recording, Tape

FEW = 3  # if one number meets at most so many constants, each gets its own array


@dataclass(eq=False)
class Group:
    """Numbers that are made alike."""

    op: Op | Array | str
    members: Ints


@dataclass
class Grouping:
    """A recording in groups of numbers; groups of operands come before those of results."""

    recording: Recording
    columns: Columns  # of its tape
    groups: list[Group]
    group_of: Ints  # for each number of the tape

    @cached_property
    def theta(self) -> Array:
        """The flat vector of all parameters."""
        return Array("theta", (len(self.recording.gradient),), True)

    def text(self) -> str:
        """Returns a line per group: the count of its numbers, their operation, and one of them."""
        lines = []
        for i, group in enumerate(self.groups):
            op, tape, first = group.op, self.recording.tape, group.members[0]
            if isinstance(op, Op):
                keys = list(dict.fromkeys(f"g{self.group_of[k]}" for k in tape.operands[first]))
                more = ", ..." if len(keys) > 6 else ""
                made = f"{op.name}({', '.join(keys[:6])}{more})"
                made += f", as %{first} = {tape.spelled(first)}"
            else:
                made = op.name if isinstance(op, Array) else "constants"
            lines.append(f"    g{i}: {len(group.members):,} x {made}")
        return "\n".join(lines)


def group(recording: Recording) -> Grouping:
    """Returns the groups of a simplified recording."""
    found = _Keys(recording)
    missing, singles = found.sums_of_one_term()
    if missing.size or singles.size:
        recording = restated(recording, found.columns, missing, singles)
        del found  # its columns take memory
        recording = simplify(recording, guarded=True)
        found = _Keys(recording)
    keys = found.told_apart()
    members = np.split(np.argsort(keys, kind="stable"), np.cumsum(np.bincount(keys))[:-1])
    groups = [Group(recording.tape.ops[these[0]], these) for these in members]
    return Grouping(recording, found.columns, groups, keys)


def restated(recording: Recording, columns: Columns, missing: Ints, singles: Ints) -> Recording:
    """Returns the program with the missing sums of one term, and single ones as `pos`.

    A missing sum comes just before the number that reads it.
    """
    readers = columns.owner[missing]
    before = np.cumsum(np.bincount(readers, minlength=len(columns.code)))
    place = np.arange(len(columns.code)) + before
    sums = readers + np.arange(len(readers))
    flat = np.where(columns.is_read, columns.below(place), columns.flat)
    terms, flat[missing] = flat[missing], sums
    made = np.array(recording.tape.ops, dtype=object)
    made[singles] = ops.pos
    tape = Tape()
    tape.ops = np.insert(made, readers, ops.add).tolist()
    sizes = np.insert(columns.sizes, readers, 1)
    tape.operands.flat = ints(np.insert(flat, columns.first[readers], terms))
    tape.operands.first = ints(np.concatenate([[0], np.cumsum(sizes)]))
    tape.numbers = {int(place[i]): x for i, x in recording.tape.numbers.items()}
    tape.kept = {*sums.tolist()}
    return recording.moved(tape, ints(place))


class _Keys:
    """Finds the keys of a recording's numbers."""

    def __init__(self, recording: Recording) -> None:
        self.tape = recording.tape
        self.columns = columns = Columns.of(self.tape)
        self.is_product = columns.where(lambda op: op is ops.multiply)
        _, self.levels = columns.levels(np.flatnonzero(columns.is_made), {})

    def found(
        self, apart: Mapping[int, float] = MappingProxyType({}),
        missing: Set[int] = frozenset(), sums_join_terms: bool = False
    ) -> tuple[Ints, dict[int, int]]:
        """Returns the keys, as small ints, and those of the missing sums of one term.

        `apart` has a number that distinguishes an operation, and `missing` where in `flat` a sum is
        missing. If sums of one kind of terms join these terms, they have the same key.
        """
        columns = self.columns
        known: dict[Any, int] = {}
        keys = columns.code.copy()  # of leaves and constants
        put_in: dict[int, int] = {}
        readers = {*columns.owner[[*missing]].tolist()}
        is_alone = columns.is_wide & ~columns.is_sum
        is_alone[[*apart, *readers]] = True

        def key_of(key: Any) -> int:
            return known.setdefault(key, len(columns.codes) + len(known))

        key_at = memoryview(keys)
        for level, are_few in self.levels:
            alone, together = level, level[:0]
            if not are_few:
                low, high, has_more = self._ends(level, keys)
                is_one = is_alone[level] | has_more
                joins = columns.is_sum[level] & (low == high) & sums_join_terms & ~is_one
                keys[level[joins]] = low[joins]
                alone, is_rest = level[is_one], ~is_one & ~joins
                together, low, high = level[is_rest], low[is_rest], high[is_rest]
            if together.size:
                packed_keys = packed(columns.code[together], low, high)
                different, which = np.unique(packed_keys, return_inverse=True)
                new = np.array([*map(key_of, different.tolist())], dtype=np.int64)
                keys[together] = new[which]
            for i in alone.tolist():
                below = [key_at[k] for k in columns.operands(i)]
                for at, key in enumerate(below) if i in readers else ():
                    if (edge := int(columns.first[i]) + at) in missing:
                        below[at] = put_in[edge] = key_of(self._key(ops.add, [key]))
                if sums_join_terms and columns.is_sum[i] and len({*below}) == 1:
                    key_at[i] = below[0]
                else:
                    key = self._key(self.tape.ops[i], below)
                    key_at[i] = key_of((key, apart[i]) if i in apart else key)
        return keys, put_in

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
        return packed(self.columns.codes[op], below[0], below[-1])

    def told_apart(self) -> Ints:
        """Returns the keys, so that a group comes after those of its operands.

        x**-0.5 and x**-1.5 are two arrays. But equal(y, 0), equal(y, 1), ... are the lanes of one
        array, however many there are, and so are other operations if one number meets many
        constants.
        """
        columns, numbers = self.columns, self.tape.numbers
        keys, _ = self.found()
        may = columns.where(
            lambda op: op not in (ops.add, helper_ops.equal) and op.arity is not None
        )
        is_number = np.zeros(len(keys), dtype=bool)
        is_number[[*numbers]] = True
        of_number = columns.is_read & columns.below(is_number) & may[columns.owner]
        met: dict[int, dict[Any, set[float]]] = {}
        constant_of: dict[int, float] = {}
        for i in np.flatnonzero(np.bincount(columns.owner[of_number], minlength=1) == 1).tolist():
            operands = columns.operands(i)
            [constant_of[i]] = [numbers[k] for k in operands if k in numbers]
            others = tuple([k for k in operands if k not in numbers])
            met.setdefault(keys[i], {}).setdefault(others, set()).add(constant_of[i])
        apart = {key for key, found in met.items() if 2 <= max(map(len, found.values())) <= FEW}
        if apart:
            keys, _ = self.found({i: x for i, x in constant_of.items() if keys[i] in apart})
        different, first = np.unique(keys, return_index=True)
        order = np.empty(keys.max() + 1, dtype=np.int64)
        order[different[np.argsort(first)]] = np.arange(len(different))
        return order[keys]

    def sums_of_one_term(self) -> tuple[Ints, Ints]:
        """Returns where in `flat` sums of one term are missing, and sums to replace by theirs."""
        columns = self.columns
        keys, put_in = self.found(missing={*self._missing().tolist()})
        sums = np.flatnonzero(columns.is_sum)
        is_single = columns.sizes[sums] == 1
        many = keys[sums[~is_single]]
        stays = np.isin(sums, [*self.tape.passed])
        singles = sums[is_single & ~stays & ~np.isin(keys[sums], many)]
        missing = [edge for edge, key in put_in.items() if key in many]
        return np.array(sorted(missing), dtype=np.int64), singles

    def _missing(self) -> Ints:
        """Returns the operands that are a term, although their neighbours are sums of such terms.

        Neighbours have the same key if a sum of one kind has the key of its terms.
        """
        columns = self.columns
        keys, _ = self.found(sums_join_terms=True)
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
        any_order = columns.where(
            lambda op: op in (ops.add, ops.multiply) or op.neutral is not None
        )
        position = np.where(any_order[owner[edges]], 0, at)
        _, which = np.unique(
            packed(keys[owner[edges]], below[edges], position), return_inverse=True
        )
        are_sums = columns.is_sum[flat[edges]]
        has_sum = np.bincount(which, are_sums) > 0
        wanted = ~are_sums & has_sum[which]
        return edges[wanted]
