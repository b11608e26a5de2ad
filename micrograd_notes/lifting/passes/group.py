"""The third pass: numbers that are made alike become the lanes of one array.

`program.py` calls `group`. Every number gets a key: a leaf that of its array, all constants the
same, an operation its name and the keys of its operands. For a sum, or a maximum, it is the *set*
of these keys, so that the number of terms does not matter. Numbers with the same key are lanes of
one array operation. A key contains the keys below it, so no number has the key of one of its
operands.

A sum of one term looks like its neighbours with many terms, which are read alike. If one is
missing, as at the first of many positions that each sum the earlier ones, it is added. If no
neighbour has a second term, the sum is replaced by its term. Read `arrays/arrange.py` next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.passes.columns import (
    BITS,
    Bools,
    Columns,
    Ints,
    has_any_order,
    ints,
    packed,
    starts,
)
from micrograd_notes.lifting.passes.sides import sides
from micrograd_notes.lifting.passes.simplify import simplify
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Recording, Start, Tape

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
    given: Columns  # before given numbers were made constants
    apart: Mapping[int, Any]  # what distinguishes numbers that are made alike

    @classmethod
    def of(cls, recording: Recording, columns: Columns, apart: Mapping[int, Any]) -> Grouping:
        """Returns the groups of numbers that are made alike, and not told apart."""
        keys = Keys(columns).in_order(apart)
        members = np.split(np.argsort(keys, kind="stable"), np.cumsum(np.bincount(keys))[:-1])
        with_constants = _with_constants(recording.tape, columns)
        groups = [Group(recording.tape.ops[these[0]], these) for these in members]
        return cls(recording, with_constants, groups, keys, columns, apart)

    def told_apart(self, more: Mapping[int, Any]) -> Grouping:
        """Returns the groups, where further numbers are told apart."""
        both = {i: (self.apart.get(i), what) for i, what in more.items()}
        return Grouping.of(self.recording, self.given, {**self.apart, **both})

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
                keys[6:] = ["..."] if len(keys) > 6 else []
                made = f"{op.name}({', '.join(keys)}), as %{first} = {tape.spelled(first)}"
            else:
                made = op.name if isinstance(op, Array) else "constants"
            lines.append(f"    g{i}: {len(group.members):,} x {made}")
        return "\n".join(lines)


def group(recording: Recording) -> Grouping:
    """Returns the groups of a simplified recording."""
    columns, numbers = Columns.of(recording.tape), recording.tape.numbers
    missing = Keys(columns).missing_sums()
    recording.tape.columns = None  # they take memory
    columns, place, sums = _with_sums(columns, missing)
    singles = Keys(columns).sums_of_one_term([place[each] for each in _results(recording)])
    singles = singles[~np.isin(singles, place[[*recording.tape.passed]])]
    if missing.size or singles.size:
        columns.code[singles] = columns.codes.setdefault(ops.pos, len(columns.codes))
        tape = columns.tape({int(place[i]): x for i, x in numbers.items()})
        tape.kept = {*sums.tolist()}
        recording = recording.moved(tape, ints(place))
        del columns, tape
        recording = simplify(recording, guarded=True)
        columns = Columns.of(recording.tape)
    return Grouping.of(recording, columns, Keys(columns).told_apart(recording.tape.numbers))


def _with_constants(tape: Tape, columns: Columns) -> Columns:
    """Makes constants of given numbers (`series.py`), and of what is made of constants alone.

    Numbers of one key are made alike, so all numbers of an array become constants, or none.
    """
    if not tape.given:
        return columns
    numbers = tape.numbers
    numbers |= tape.given
    for i in np.flatnonzero(columns.is_made).tolist():
        op, below = tape.ops[i], columns.operands(i)
        if isinstance(op, Op) and all(k in numbers for k in below):
            numbers[i], tape.ops[i] = op(*[numbers[k] for k in below]), CONSTANT
    code = columns.code.copy()
    code[[*numbers]] = columns.codes[CONSTANT]
    return Columns(columns.codes, code, columns.flat, columns.first, columns.level)


def _results(recording: Recording) -> list[list[int]]:
    """Returns the results of each array: outputs, derivatives, and states of recurrences."""
    parameters = [array for array in recording.arrays if array.is_parameter]
    gradient = [[recording.gradient[k] for k in array.where] for array in parameters]
    starts = {op for op in recording.tape.ops if isinstance(op, Start)}
    alive = [[recording.alive[k] for k in each] for s in starts for each in (s.sources, s.where)]
    return [recording.outputs, *[[i for i in each if i >= 0] for each in gradient], *alive]


def _with_sums(columns: Columns, missing: Ints) -> tuple[Columns, Ints, Ints]:
    """Returns the columns with a sum of one term for each operand where one is missing.

    Also the new place of each number, and the sums, each just before the number that reads it.
    """
    readers = columns.owner[missing]
    place = np.arange(len(columns.code))
    place += np.cumsum(np.bincount(readers, minlength=len(place)))
    sums = readers + np.arange(len(readers))
    flat = np.where(columns.is_read, columns.below(place), columns.flat)
    terms, flat[missing] = flat[missing], sums
    level = 2 * columns.level  # to have room between
    added = Columns(
        dict(columns.codes),
        np.insert(columns.code, readers, columns.codes.get(ops.add, 0)),
        np.insert(flat, columns.first[readers], terms).astype(np.int32),
        starts(np.insert(columns.sizes, readers, 1)),
        np.insert(level, readers, level[readers] - 1),
    )
    return added, place, sums


class Keys:
    """Finds the keys of numbers."""

    def __init__(self, columns: Columns) -> None:
        self.columns, self.rows = columns, [*columns.codes]
        self.is_product = columns.where(lambda op: op is ops.multiply)
        self.levels = columns.by_level(np.flatnonzero(columns.is_made))

    def found(
        self, apart: Mapping[int, Any] = MappingProxyType({}), sums_join_terms: bool = False
    ) -> Ints:
        """Returns the keys, as small ints; `apart` has what distinguishes an operation.

        If sums of one kind of terms join these terms, they have the same key.
        """
        columns = self.columns
        known: dict[Any, int] = {}
        keys = columns.code.astype(np.int64)  # of leaves and constants
        is_alone = columns.is_wide & ~columns.is_sum
        is_alone[[*apart]] = True

        def key_of(key: Any) -> int:
            return known.setdefault(key, len(columns.codes) + len(known))

        key_at, code_at = memoryview(keys), memoryview(columns.code)
        for level, are_few in self.levels:
            alone = level
            if not are_few:
                low, high, has_more = self._ends(level, keys)
                is_one = is_alone[level] | has_more
                joins = columns.is_sum[level] & (low == high) & sums_join_terms & ~is_one
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
                if sums_join_terms and columns.is_sum[i] and len({*below}) == 1:
                    key_at[i] = below[0]
                else:
                    key = self._key(self.rows[code_at[i]], below)
                    key_at[i] = key_of((key, apart[i]) if i in apart else key)
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

    def told_apart(self, numbers: Mapping[int, float]) -> dict[int, Any]:
        """Returns what distinguishes operations that look alike.

        x**-0.5 and x**-1.5 are two arrays. But equal(y, 0), equal(y, 1), ... are the lanes of one
        array, however many there are, and so are other operations if one number meets many
        constants. Queries and keys that one matrix makes are two arrays (`sides.py`).
        """
        columns, keys = self.columns, self.found()
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
        few = {key for key, found in met.items() if 2 <= max(map(len, found.values())) <= FEW}
        apart: dict[int, Any] = {i: x for i, x in constant_of.items() if keys[i] in few}
        return apart | {i: (apart.get(i), side) for i, side in sides(columns, keys).items()}

    def in_order(self, apart: Mapping[int, Any]) -> Ints:
        """Returns the keys, so that a group comes after those of its operands."""
        keys = self.found(apart)
        different, first = np.unique(keys, return_index=True)
        order = np.empty(keys.max() + 1, dtype=np.int64)
        order[different[np.argsort(first)]] = np.arange(len(different))
        return order[keys]

    def sums_of_one_term(self, together: Sequence[Ints]) -> Ints:
        """Returns the sums of one term without a neighbour that has more.

        Neighbours are read alike, or are results that lie `together`, or are of several lengths
        from one on. The derivative by each x[t] of x[t] - c is a sum of one term, and that by c is
        the sum of all these: they are not neighbours.
        """
        columns, keys = self.columns, self.found()
        edges = np.flatnonzero(columns.is_read & columns.below(columns.is_sum))
        labels = np.repeat(np.arange(len(together)), [*map(len, together)])
        reader = np.concatenate([keys[columns.owner[edges]], keys.max() + 1 + labels])
        read = np.concatenate([columns.flat[edges], *together]).astype(np.int64)
        uses, is_single = packed(0, keys[read], reader), columns.sizes[read] == 1
        both = np.intersect1d(uses[is_single], uses[~is_single]) >> BITS
        sums, sizes = np.flatnonzero(columns.is_sum), columns.sizes
        several = np.bincount(np.unique(packed(0, keys[sums], sizes[sums])) >> BITS) > 2
        singles = sums[sizes[sums] == 1]
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
        _, which = np.unique(
            packed(keys[owner[edges]], below[edges], position), return_inverse=True
        )
        are_sums = columns.is_sum[flat[edges]]
        has_sum = np.bincount(which, are_sums) > 0
        return edges[~are_sums & has_sum[which]]
