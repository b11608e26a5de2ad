"""A tape in NumPy's arrays, for passes that treat many numbers at once.

`simplify.py` and `group.py` go through a program level by level: the operands of an operation are
on lower levels. A program has as many levels as its longest chain of operations, however wide it
is. Read `simplify.py` next.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.tape import Tape

Ints = Any  # an array of NumPy's whole numbers
Bools = Any
BITS = 27  # of the index of a number, or of a group, in a key; 9 are left for a code
MASK = (1 << BITS) - 1
FEW = 32  # so few numbers of a level are faster one by one


class Columns:
    """The operands of number i are `flat[first[i] : first[i + 1]]`.

    They are numbers where `is_read`, and elsewhere places in arrays. `code` is an int per operation
    or array, the smallest ones for operations, because keys have little room for it. Sums, and
    operations on three or more operands, are `is_wide`.
    """

    def __init__(self, made: Sequence[Any], flat: Sequence[int], first: Sequence[int]) -> None:
        self.flat, self.first = np.array(flat, dtype=np.int32), np.array(first, dtype=np.int32)
        self.sizes = self.first[1:] - self.first[:-1]  # how many operands each number has
        self._flat, self._first = memoryview(self.flat), memoryview(self.first)  # for one, faster
        different = sorted(dict.fromkeys(made), key=lambda op: not isinstance(op, Op))
        self.codes = {op: code for code, op in enumerate(different)}
        self.code = np.fromiter(map(self.codes.__getitem__, made), np.int64, len(made))
        self.is_made = self.where(lambda op: True)
        self.is_read = self.is_made[self.owner]
        self.is_sum = self.where(lambda op: op is ops.add)
        self.is_wide = self.is_sum | self.where(lambda op: op.arity not in (1, 2))

    @classmethod
    def of(cls, tape: Tape) -> Columns:
        """Returns the columns of a tape."""
        return cls(tape.ops, tape.operands.flat, tape.operands.first)

    @property
    def owner(self) -> Ints:
        """The number whose operand each one is."""
        return np.repeat(np.arange(len(self.code), dtype=np.int32), self.sizes)

    def where(self, holds: Callable[[Op], bool]) -> Bools:
        """Returns for each number whether an operation made it for which this holds."""
        return np.array([isinstance(op, Op) and holds(op) for op in self.codes])[self.code]

    def below(self, values: Any) -> Any:
        """Returns for each operand the value of its number; any value for a place in an array."""
        return values.take(self.flat, mode="clip")  # an array may have more places than numbers

    def operands(self, i: int) -> list[int]:
        """Returns the operands of a number."""
        return self._flat[self._first[i] : self._first[i + 1]].tolist()

    def ends(self, numbers: Ints) -> tuple[Ints, Ints]:
        """Returns the first and the last operand of each number; one operand is both."""
        return self.flat[self.first[numbers]], self.flat[self.first[numbers + 1] - 1]

    def places(self, numbers: Ints) -> Ints:
        """Returns where all operands of these numbers lie in `flat`, one after another."""
        if len(numbers) == 1:
            [i] = numbers
            return np.arange(self._first[i], self._first[i + 1])
        sizes = self.sizes[numbers]
        before = np.cumsum(sizes) - sizes
        return np.repeat(self.first[numbers] - before, sizes) + np.arange(sizes.sum())

    def levels(
        self, numbers: Ints, operands: Mapping[int, Sequence[int]]
    ) -> tuple[array[int], list[tuple[Ints, bool]]]:
        """Returns the level of each number, and these operations level by level.

        They have these operands, or else their own. Levels of few numbers that follow each other
        are one list in this order, with True, to treat one number after another.
        """
        level = [0] * len(self.code)
        is_other = self.is_wide.copy()
        is_other[[*operands]] = True
        others, at, first, flat = is_other.tobytes(), level.__getitem__, self._first, self._flat
        ends = [memoryview(each) for each in (numbers, *self.ends(numbers))]
        for i, a, b in zip(*ends, strict=True):
            if others[i]:
                level[i] = 1 + max(map(at, operands.get(i) or flat[first[i] : first[i + 1]]))
            else:
                a, b = level[a], level[b]
                level[i] = 1 + (a if a > b else b)
        levels = np.array(level)[numbers]
        order = np.argsort(levels, kind="stable")
        numbers, sizes = numbers[order], np.bincount(levels)[1:]
        are_few = sizes <= FEW
        joins = are_few & np.concatenate([[False], are_few])[:-1]  # the level before it
        starts = np.flatnonzero(~joins)
        stops = np.concatenate([[0], sizes.cumsum()])[starts[1:]]
        split = np.split(numbers, stops)[: len(starts)]  # none, if there is no operation
        return array("i", level), [*zip(split, are_few[starts].tolist(), strict=True)]

    def reached(self, roots: Ints, among: Bools) -> Bools:
        """Returns which of these numbers the roots are computed from."""
        reached, read = among.copy(), self.flat[self.is_read & among[self.owner]]
        uses = np.bincount(np.concatenate([read, roots]), minlength=len(reached))
        waiting = np.flatnonzero(reached & (uses == 0)).tolist()
        while waiting:  # mostly few: whatever nobody reads
            i = waiting.pop()
            reached[i] = False
            for k in self.operands(i) if self.is_made[i] else ():
                uses[k] -= 1
                waiting += [k] if not uses[k] else []
        return reached


def ints(numbers: Ints) -> array[int]:
    """Returns the numbers as a tape has them."""
    return array("i", numbers.astype(np.int32).tobytes())


def packed(code: Any, first: Any, last: Any) -> Any:
    """Returns a key in one int, for an operation on one or two operands."""
    return (code << BITS | first) << BITS | last


def has_any_order(op: Op) -> bool:
    """Returns whether the order of the operands does not change a bit of the result."""
    return op is ops.multiply or op.neutral is not None
