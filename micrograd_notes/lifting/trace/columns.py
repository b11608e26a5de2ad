"""A tape in NumPy's arrays, for passes that treat many numbers at once.

`recurrences/steps.py` compares its stretches. `passes/simplify.py` and `passes/keys.py` go through
it level by level: the operands of an operation are on lower levels. A program has as many levels as
its longest chain of operations, however wide it is. Read `passes/simplify.py` next.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import cached_property
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.trace.tape import Tape

Bools = Any
BITS = 27  # of the index of a number, or of a group, in a key; 9 are left for an operation
MASK = (1 << BITS) - 1
ONE_BY_ONE = 32  # so few numbers of a level are faster one by one


class Columns:
    """The operands of number i are `flat[first[i] : first[i + 1]]`.

    They are numbers where `is_read`, and elsewhere places in arrays. `code` is an int per operation
    or array, by `codes`; `short` has ints for operations alone, as keys have little room for them.
    Sums, and operations on three or more operands, are `is_wide`.
    """

    def __init__(
        self, codes: dict[Any, int], code: Ints, flat: Ints, first: Ints, level: Ints | None = None
    ) -> None:
        self.codes, self.code, self.flat, self.first = codes, code, flat, first
        self._flat, self._first = memoryview(flat), memoryview(first)  # for one, faster
        self.short = {op: k for k, op in enumerate([op for op in codes if isinstance(op, Op)])}
        self._short: Ints = ()
        self.is_made = self.where(lambda op: True)
        self.is_read = self.is_made[self.owner]
        self.is_sum = self.where(lambda op: op is ops.add)
        self.is_wide = self.is_sum | self.where(lambda op: op.arity not in (1, 2))
        if level is not None:
            self.level = level

    @cached_property
    def sizes(self) -> Ints:
        """How many operands each number has."""
        return self.first[1:] - self.first[:-1]

    @classmethod
    def of(cls, tape: Tape) -> Columns:
        """Returns the columns of a tape, those that it was made of if there are any."""
        if tape.columns is not None:
            return tape.columns  # type: ignore[no-any-return]
        codes = {op: code for code, op in enumerate(dict.fromkeys(tape.ops))}
        code = np.fromiter(map(codes.__getitem__, tape.ops), np.int32, len(tape))
        flat, first = np.array(tape.operands.flat), np.array(tape.operands.first)
        return cls(codes, code, flat, first)

    def tape(self, numbers: dict[int, float]) -> Tape:
        """Returns a tape of these columns, with the numbers of its constants."""
        tape = Tape()
        tape.ops = [*map([*self.codes].__getitem__, self.code.tolist())]
        tape.operands.flat, tape.operands.first = ints(self.flat), ints(self.first)
        tape.numbers, tape.columns = numbers, self
        return tape

    @cached_property
    def owner(self) -> Ints:
        """The number whose operand each one is."""
        return np.repeat(np.arange(len(self.code), dtype=np.int32), self.sizes)

    def where(self, holds: Callable[[Op], bool]) -> Bools:
        """Returns for each number whether an operation made it for which this holds."""
        return np.array([isinstance(op, Op) and holds(op) for op in self.codes])[self.code]

    def key_codes(self, numbers: Ints) -> Ints:
        """Returns for each of these operations its int in keys."""
        if len(self._short) < len(self.codes):  # there are new ones
            self._short = np.array([self.short.get(op, 0) for op in self.codes])
        return self._short[self.code[numbers]]

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
        sizes = self.sizes[numbers]
        before = np.cumsum(sizes) - sizes
        return np.repeat(self.first[numbers] - before, sizes) + np.arange(sizes.sum())

    @cached_property
    def level(self) -> Ints:
        """The level of each number."""
        level = [0] * len(self.code)
        at, first, flat = level.__getitem__, self._first, self._flat
        is_long = (self.sizes > 2).tobytes()  # others are read at both ends
        made = np.flatnonzero(self.is_made)
        ends = [memoryview(each) for each in (made, *self.ends(made))]
        for i, a, b in zip(*ends, strict=True):
            if is_long[i]:
                level[i] = 1 + max(map(at, flat[first[i] : first[i + 1]]))
            else:
                a, b = level[a], level[b]
                level[i] = 1 + (a if a > b else b)
        return np.array(level, dtype=np.int32)

    def by_level(self, numbers: Ints) -> list[tuple[Ints, bool]]:
        """Returns these operations level by level.

        Levels of few numbers that follow each other are one list in this order, with True, to treat
        one number after another.
        """
        level = self.level[numbers]
        order = np.argsort(level, kind="stable")
        stops = np.flatnonzero(np.diff(level[order], append=-1)) + 1
        are_few = np.diff(stops, prepend=0) <= ONE_BY_ONE
        joins = are_few & np.concatenate([[False], are_few])[:-1]  # the level before it
        begins = np.flatnonzero(~joins)
        split = np.split(numbers[order], stops[begins[1:] - 1])[: len(begins)]  # there may be none
        return [*zip(split, are_few[begins].tolist(), strict=True)]

    def read_by(self, readers: Bools) -> Bools:
        """Returns which numbers these operations read."""
        is_read = np.zeros(len(self.code), dtype=bool)
        is_read[self.flat[self.is_read & readers[self.owner]]] = True
        return is_read

    def uses(self, roots: Ints = (), by: Bools = True) -> Ints:
        """Returns how often each number is read by these operations, and is a root."""
        read = self.flat[self.is_read & by]
        both = np.concatenate([read, roots], dtype=np.intp, casting="unsafe")
        return np.bincount(both, minlength=len(self.code))

    def reached(self, roots: Ints, among: Bools) -> Bools:
        """Returns which of these numbers the roots are computed from."""
        reached, uses = among.copy(), self.uses(roots, among[self.owner])
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


def starts(sizes: Ints) -> Ints:
    """Returns where stretches of these sizes start that lie one after another, and the end."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def packed(code: Any, first: Any, last: Any) -> Any:
    """Returns a key in one int, for an operation on one or two operands.

    The code is one of `short`: a larger number, such as a key, would be cut off.
    """
    return (code << BITS | first) << BITS | last


def has_any_order(op: Op) -> bool:
    """Returns whether the order of the operands does not change a bit of the result."""
    return op is ops.multiply or op.neutral is not None
