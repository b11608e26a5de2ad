"""The borders of an array, where numbers have fewer uses, and their derivatives fewer terms.

    x[1] - x[0], x[2] - x[1], x[3] - x[2]       dx[0] = -d[0]    dx[1] = d[0] - d[1]   ...
                                                                 dx[3] = d[2]

By the way they are made, these are three kinds of sums. But they are the derivatives by the numbers
of one array, and share kinds of terms: so they are one array, and `arrays/terms.py` writes zeros
where a kind of term is missing, np.pad(d, (1, 0)) - np.pad(d, (0, 1)). Derivatives that share no
kind, as those by queries and keys that one matrix makes, stay apart. Sums at a wall are one array
in the same way (`padding.py`); sums that a step joins, and their derivatives, are in any case
(`recurrences/fixed.py`). `keys.py` calls it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.lifting.ints import Ints, unique
from micrograd_notes.lifting.passes.order import levels
from micrograd_notes.lifting.recurrences.alike import in_families
from micrograd_notes.lifting.trace.columns import BITS, ONE_BY_ONE, Columns, packed
from micrograd_notes.lifting.trace.tape import CONSTANT, Array


class Borders:
    """The adjoints on a tape, and sums at a wall, and which of them are of one array."""

    def __init__(self, columns: Columns, arrays_of: Sequence[Mapping[int, int]]) -> None:
        self.columns, self.rows = columns, [*columns.codes]
        joined = arrays_of[3] if arrays_of else ()
        self.primal = np.full(len(columns.code), -1, dtype=np.int64)
        self.sort = np.zeros(len(columns.code), dtype=np.int64)  # which of these mappings has it
        for sort, each in enumerate(arrays_of):
            numbers, of = np.array([*each.items()], dtype=np.int64).reshape(-1, 2).T
            if sort < 2:  # of two adjoints, one is a term of the other
                is_only = np.bincount(of, minlength=1)[of] == 1
                numbers, of = numbers[is_only], of[is_only]
            self.primal[numbers], self.sort[numbers] = of, sort
        self.primal[~columns.is_sum] = -1
        self.is_wall = self.sort >= 2
        self.is_whole = np.isin(self.primal, [*joined]) | (self.sort == 3)
        self.numbers = np.flatnonzero(self.primal >= 0)
        self.is_joined = np.zeros(len(columns.code), dtype=bool)  # by an adjoint of another key

    def part(self, keys: Ints) -> bool:
        """Returns whether the adjoints of an array have several keys that share kinds of terms."""
        return any(True for _ in self.of(self.numbers, keys, keys))

    def of(self, numbers: Ints, keys: Ints, primal_keys: Ints) -> Iterator[Ints]:
        """Yields those of these numbers that have several keys, and are one array."""
        numbers = numbers[self.primal[numbers] >= 0]
        of = self._labels(numbers, primal_keys)
        both = unique(packed(0, of, keys[numbers])) >> BITS
        for primal in unique(both[1:][both[1:] == both[:-1]]).tolist():
            mine = numbers[of == primal]
            if self.is_whole[mine[0]]:
                yield mine
                continue
            _, first, counts = np.unique(keys[mine], return_index=True, return_counts=True)
            kinds_of = {int(keys[i]): self._kinds(i, keys) for i in mine[first].tolist()}
            count_of = dict(zip(keys[mine[first]].tolist(), counts.tolist(), strict=True))
            for found in in_families(kinds_of, count_of):
                yield mine[np.isin(keys[mine], [*found])]

    def _labels(self, numbers: Ints, primal_keys: Ints) -> Ints:
        """Returns an int for the array that each of these numbers may belong to."""
        return 4 * primal_keys[self.primal[numbers]] + self.sort[numbers]

    def _kinds(self, i: int, keys: Ints) -> frozenset[int]:
        """Returns the kinds of a sum's terms; of p * d, where p is one parameter, that of d.

        So in a tree with p * x[t + 1] + (1 - p) * x[t], both terms are of one kind.
        """
        columns, kinds = self.columns, set[int]()
        for k in columns.operands(i):
            below = columns.operands(k) if columns.is_made[k] else []
            factors = [each for each in below if self._scale(each) < 2]
            is_scaled = self.rows[columns.code[k]] in (ops.multiply, ops.neg) and len(factors) == 1
            kinds.add(int(keys[factors[0] if is_scaled else k]))
        return frozenset(kinds)

    def _scale(self, i: int, depth: int = 8) -> int:
        """Returns 2 for a number made of single parameters, 1 of constants alone, 0 for others."""
        op, least = self.rows[self.columns.code[i]], 1
        if not self.columns.is_made[i]:
            is_single = isinstance(op, Array) and op.is_parameter and op.size == 1
            return 1 if op == CONSTANT else 2 * is_single
        for k in self.columns.operands(i):
            scale = self._scale(k, depth - 1) if depth else 0
            if not scale:
                return 0
            least = max(least, scale)
        return least

    def levels(self, primal_keys: Ints) -> list[tuple[Ints, bool]] | None:
        """Returns operations level by level, all adjoints of an array on the level of the last.

        With each level is whether it has few numbers. None if two arrays would read each other.
        """
        columns, together = self.columns, np.arange(len(primal_keys))
        _, first, which = np.unique(
            self._labels(self.numbers, primal_keys), return_index=True, return_inverse=True
        )
        together[self.numbers] = self.numbers[first][which]
        is_read = columns.is_read
        readers, read = together[columns.owner[is_read]], together[columns.flat[is_read]]
        level = levels(readers, read, len(together))
        if level is None:
            return None
        level, made = level[together], np.flatnonzero(columns.is_made)
        made = made[np.argsort(level[made], kind="stable")]
        split = np.split(made, np.flatnonzero(np.diff(level[made])) + 1)
        return [(each, len(each) <= ONE_BY_ONE) for each in split]
