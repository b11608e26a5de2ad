"""How numbers are made: those that are made alike have the same key.

At a wall, a 0 stands where the neighbours of a sum have a number:

    k * (left - 2 * u[i] + right)          0    - 2 * u[0] + u[1]
                                           u[0] - 2 * u[1] + u[2]
                                           u[1] - 2 * u[2] + 0

All three are made alike, and have fewer terms at the walls. But a 0 says nothing if no neighbour
has a number there, as the one that `sum` begins with. `kinds.py` and `fixed.py` make `Alike`, and
also `passes/padding.py`, which takes the zeros out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from micrograd_notes.engine import ops
from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.tape import Array, Tape

FULL = 0.7  # of the terms of an array are there: at few places, zeros would be most of it
SIGNS = (ops.add, ops.subtract)
Row = tuple[int | None, ...]  # the keys of the operands of + or -; None stands for 0


class Alike:
    """The keys of numbers of a tape. `kinds` are those of the states, and `terms` those of sums.

    `walls` has the operands, as neighbours have them, of additions and subtractions at a wall, and
    of these neighbours; `ends` the kinds of terms of sums of one array, where some have fewer.
    """

    def __init__(
        self, tape: Tape, numbers: Iterable[int], kinds: Mapping[int, int], has_walls: bool = True
    ) -> None:
        self.tape, self.kinds = tape, kinds
        self.numbers = [i for i in numbers if i not in kinds]
        self.zeros = {i for i, x in tape.numbers.items() if x == 0}
        for i in self.numbers if self.zeros else ():  # k * 0 is one, too
            if tape.ops[i] is ops.multiply and not self.zeros.isdisjoint(tape.operands[i]):
                factors = [tape.ops[k] for k in tape.operands[i]]
                if any(isinstance(op, Array) and op.is_parameter for op in factors):
                    self.zeros.add(i)
        self.known = dict[Any, int]()
        self.terms = dict[int, frozenset[int]]()  # by the key of the sum
        self.walls = dict[int, Row]()
        self.ends = dict[int, frozenset[int]]()
        self.of = self._found()
        while has_walls:
            before = len(self.walls), len(self.ends)
            self.walls, self.ends = self._walls(), self._ends()
            if (len(self.walls), len(self.ends)) <= before:
                break
            self.of = self._found()

    def _key(self, made: Any) -> int:
        return self.known.setdefault(made, len(self.known))

    def _found(self) -> dict[int, int]:
        """Returns the key of each number; states have those of their kinds."""
        tape, keys = self.tape, {i: self._key(("state", kind)) for i, kind in self.kinds.items()}
        for i in self.numbers:
            op: Any = tape.ops[i]
            made: Any = id(op) if isinstance(op, Array) else op
            if op.__class__ is Op:
                below: Any = [keys.get(k, -1) for k in tape.operands[i]]
                if op is ops.add or i in self.walls:
                    read = zip(tape.operands[i], below, strict=True)
                    row = self.walls.get(i) or [k for at, k in read if at not in self.zeros]
                    keys[i] = self._sum(op, row) if i not in self.ends else self._of(self.ends[i])
                    continue
                if op.neutral is not None and len({*below}) == 1:
                    below = frozenset(below)
                elif op is ops.multiply:
                    below = sorted(below)
                made = op, below if isinstance(below, frozenset) else (*below,)
            keys[i] = self._key(made)
        return keys

    def _sum(self, op: Op, row: Iterable[Any]) -> int:
        """Returns the key of a sum: its kinds of terms, of any number."""
        parts = [self.terms.get(key, frozenset([key])) for key in row]
        if op is ops.subtract:
            parts[1] = frozenset([self._key((ops.neg, (term,))) for term in parts[1]])
        return self._of(frozenset[int]().union(*parts))

    def _of(self, terms: frozenset[int]) -> int:
        key = self._key((ops.add, terms))
        self.terms[key] = terms
        return key

    def _ends(self) -> dict[int, frozenset[int]]:
        """Returns the kinds of terms of all sums of an array, which may have fewer at its ends.

        They are derivatives by the numbers of an array, or were at walls (`passes/padding.py`).
        """
        tape, arrays = self.tape, dict[Any, list[int]]()
        for i in self.numbers if tape.adjoint_of or tape.neighbour_of else ():
            array: Any = self.of.get(tape.adjoint_of.get(i, -1))
            if i in tape.neighbour_of:
                array = "neighbours of", tape.neighbour_of[i]
            if array is not None and self.of[i] in self.terms:
                arrays.setdefault(array, []).append(i)
        found: dict[int, frozenset[int]] = {}
        for here in arrays.values():
            count = Counter([self.of[i] for i in here])
            is_joined = tape.adjoint_of.get(here[0], here[0]) in tape.joined
            terms = {key: self.terms[key] for key in count}
            for family in [{*count}] if is_joined else in_families(terms, count):
                whole = frozenset[int]().union(*[self.terms[key] for key in family])
                found |= {i: whole for i in here if self.of[i] in family}
        return self.ends | found

    @cached_property
    def readers(self) -> dict[int, set[Any]]:
        """Which operations read each number, and in which place."""
        found: dict[int, set[Any]] = {}
        for i in self.numbers:
            if (op := self.tape.ops[i]).__class__ is Op:
                for n, k in enumerate(self.tape.operands[i]):
                    found.setdefault(k, set()).add((op, n))
        return found

    def _walls(self) -> dict[int, Row]:
        """Returns + and - of which some have a 0, with the row of their neighbours.

        A neighbour has the same operand on the other side, and is read as the one with a 0 is.
        """
        tape, by_row = self.tape, dict[Any, list[int]]()
        for i in self.numbers if self.zeros else ():
            op, operands = tape.ops[i], tape.operands[i]
            if op in SIGNS and len(operands) == 2:
                row = tuple([None if k in self.zeros else self.of.get(k, -1) for k in operands])
                by_row.setdefault((op, row), []).append(i)
        read_by = {
            row: set[Any]().union(*[self.readers.get(i, ()) for i in here])
            for row, here in by_row.items()
        }
        whole: dict[Any, list[Row]] = {}  # rows by one of their operands
        for (op, row), here in by_row.items():
            operands = tape.operands[here[0]]
            begun = tape.ops[operands[0]] is op  # as a sum goes on that began with 0
            for k in range(1 if begun else 0, 2) if None not in row else ():
                if operands[k] not in tape.numbers:  # a 0 among numbers is one of a series
                    whole.setdefault((op, 1 - k, row[1 - k]), []).append(row)
        found: dict[int, Row] = {}
        for (op, row), here in by_row.items():
            there = [(op, k, key) for k, key in enumerate(row) if key is not None]
            alike = [
                each for each in whole.get(there[0], ())
                if read_by[op, row] <= read_by[op, each]
            ] if len(there) == 1 else []
            if len(alike) == 1:
                found |= dict.fromkeys([*here, *by_row[op, alike[0]]], alike[0])
        return found


def in_families(
    terms: Mapping[int, frozenset[int]], count: Mapping[int, int]
) -> Iterator[set[int]]:
    """Yields keys of sums that share kinds of terms, if few are missing in all these sums.

    >>> terms = {7: frozenset([1]), 8: frozenset([1, 2]), 9: frozenset([3])}
    >>> [*in_families(terms, {7: 1, 8: 5, 9: 6})]
    [{8, 7}]
    """
    left = {*terms}
    while left:
        found = {key := left.pop()}
        kinds = terms[key]
        while near := {k for k in left if not kinds.isdisjoint(terms[k])}:
            found, left = found | near, left - near
            kinds = kinds.union(*[terms[k] for k in near])
        most = len(kinds) * total([count[k] for k in found])
        there = total([count[k] * len(terms[k]) for k in found])
        if len(found) > 1 and there > FULL * most:
            yield found
