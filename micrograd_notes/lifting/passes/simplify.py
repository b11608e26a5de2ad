"""The second pass: it shares equal numbers, folds constants, and simplifies and flattens sums.

`program.py` calls `simplify`. A chain of `+` becomes one sum without an order, so its last bits and
the sign of a zero may change. The rules of algebra are in `rules.py`. One more applies to most
programs: `chain`, the product of the chain rule that is 0 if the adjoint is 0, becomes a plain
product, except at a pole (`poles.py`). They differ only if a partial is infinite or nan, because
something overflows, and then the plain product is nan. `program.py` then runs the guarded program
instead, which is made with `guarded=True`.

The operations of one level (`columns.py`) are treated together: each gets a key, an int that holds
the operation and its operands, and those with equal keys are one. The few that a rule may fit are
treated one by one, as are operations on any number of operands. Read `group.py` next.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.passes import rules
from micrograd_notes.lifting.passes.columns import (
    BITS,
    MASK,
    Bools,
    Columns,
    Ints,
    has_any_order,
    ints,
    packed,
)
from micrograd_notes.lifting.passes.table import Table
from micrograd_notes.lifting.trace.tape import CONSTANT, Operands, Recording, Tape


def simplify(recording: Recording, guarded: bool = False) -> Recording:
    """Returns an equivalent program with fewer operations."""
    simplifier = _Simplifier(recording, guarded)
    simplifier.run()
    return simplifier.written()


class _Simplifier:
    """The old numbers and then new ones; `place` has the number that each old one is now."""

    def __init__(self, recording: Recording, guarded: bool) -> None:
        self.recording = recording
        old = recording.tape
        self.count = len(old)
        self.ops = [*old.ops]
        if not guarded:
            self.ops = [
                ops.multiply if op is helper_ops.chain and i not in old.guarded else op
                for i, op in enumerate(self.ops)
            ]
        self.numbers = dict(old.numbers)
        self.columns = columns = Columns(self.ops, old.operands.flat, old.operands.first)
        self.codes = {op: code for op, code in columns.codes.items() if isinstance(op, Op)}
        self.instead = np.arange(self.count, dtype=np.int32)
        self.constants: dict[Any, int] = {}
        for i, x in self.numbers.items():  # after it was rewritten, a tape may have one twice
            self.instead[i] = self.constants.setdefault(x if x else str(x), i)
        read = columns.is_read
        columns.flat[read] = self.instead[columns.flat[read]]
        self.roots = self.instead[recording.roots]
        needed = columns.reached(self.roots, self.instead == np.arange(self.count))
        self.changed, inside = self._changed(needed)
        self.needed = np.flatnonzero(needed & ~inside)
        self.place = np.where(needed & ~inside, np.arange(self.count), -1).astype(np.int32)
        # and of new numbers, too:
        kinds = np.array([*map(rules.kind, columns.codes)], dtype=np.uint8)
        self.kinds = bytearray(kinds[columns.code])
        # the first old number that each new one was made for, and old ones with an earlier one
        self.born, self.born_before = array("i"), dict[int, int]()
        todo = self.needed[columns.is_made[self.needed]]
        self.level, self.levels = columns.levels(todo, self.changed)
        self.made = Operands()  # of the new numbers
        self.known: dict[Any, int] = {}
        self.table = Table(self.count)
        self.now = 0  # the old number that is treated

    def _changed(self, needed: Any) -> tuple[dict[int, list[int]], Any]:
        """Returns the terms of sums that others join, and which sums join the one above."""
        columns = self.columns
        is_sum = columns.is_sum
        read = columns.is_read & needed[columns.owner]
        uses = np.concatenate([columns.flat[read], self.roots])
        inside = np.zeros(self.count, dtype=bool)
        inside[columns.flat[read & is_sum[columns.owner]]] = True
        inside &= is_sum & (np.bincount(uses, minlength=self.count) == 1)
        inside[[*self.recording.tape.kept]] = False
        is_joined = np.zeros(self.count, dtype=bool)
        is_joined[columns.owner[columns.is_read & columns.below(inside)]] = True
        changed: dict[int, list[int]] = {}
        for i in np.flatnonzero(is_joined & needed).tolist():
            terms: list[int] = []
            for k in columns.operands(i):
                more = (changed.pop(k, []) or columns.operands(k)) if inside[k] else [k]
                if terms:
                    terms += more
                else:  # a long chain is not copied
                    terms = more
            changed[i] = terms
        return changed, inside

    # ---- one number ----------------------------------------------------------------------------

    def operands_of(self, i: int) -> Sequence[int]:
        """Returns the operands of a number, as they are now."""
        if i >= self.count:
            return self.made[i - self.count]
        return [int(self.place[k]) for k in self.columns.operands(i)]

    def constant(self, number: float) -> int:
        """Returns a constant; 0.0 and -0.0 are two."""
        at = self._found(self.constants, number if number else str(number), CONSTANT, ())
        self.numbers[at] = number
        return at

    def apply(self, op: Op, operands: tuple[int, ...]) -> int:
        """Returns the number that an operation makes: a new one, an equal one, or a simpler one."""
        numbers = self.numbers
        if op is ops.add:
            return self._sum(operands)
        if operands[0] in numbers and numbers.keys() >= {*operands}:
            try:
                return self.constant(op(*[numbers[k] for k in operands]))
            except (ArithmeticError, ValueError):
                pass
        if op.chooses and operands[0] in numbers:
            return operands[1 + int(numbers[operands[0]])]
        found = rules.rewritten(self, op, operands)
        return self._shared(op, operands) if found is None else found

    def _sum(self, terms: Sequence[int]) -> int:
        """Returns a sum: constants are added up, and n equal terms become n * term."""
        if len({*terms}) == len(terms) and self.numbers.keys().isdisjoint(terms):  # mostly
            return self._shared(ops.add, (*terms,))
        constant = 0.0
        counted: dict[int, int] = {}
        for term in terms:
            if term in self.numbers:
                constant += self.numbers[term]
            else:
                counted[term] = counted.get(term, 0) + 1
        kept = [
            term if n == 1 else self.apply(ops.multiply, (self.constant(float(n)), term))
            for term, n in counted.items()
        ]
        if constant != 0 or not kept:
            kept.append(self.constant(constant))
        if len(kept) == 1 and kept[0] in self.numbers:
            return kept[0]
        return self._shared(ops.add, tuple(kept))

    def _shared(self, op: Op, operands: tuple[int, ...]) -> int:
        """Returns the number that the operation makes: a new one, or an equal one."""
        ordered = sorted(operands) if op is ops.add or has_any_order(op) else operands
        code = self.codes.setdefault(op, len(self.codes))
        if (op is ops.add and len(operands) > 1) or op.arity not in (1, 2):
            key = array("i", [code, *ordered]).tobytes()
            return self._found(self.known, key, op, operands)
        key = packed(code, ordered[0], ordered[-1])
        return self._added(self.table.found(key, len(self.ops)), op, operands)

    def _found(self, known: dict[Any, int], key: Any, op: Any, operands: Sequence[int]) -> int:
        """Returns the number with a key; if there is none, a new one."""
        return self._added(known.setdefault(key, len(self.ops)), op, operands)

    def _added(self, at: int, op: Any, operands: Sequence[int]) -> int:
        if at == len(self.ops):
            self.ops.append(op)
            self.kinds.append(rules.kind(op))
            self.made.append(operands)
            self.level.append(self.level[self.now])
            self.born.append(self.now)
        if at < self.now:
            return at
        if at < self.count:
            self.born_before[at] = min(self.born_before.get(at, at), self.now)
        else:
            self.born[at - self.count] = min(self.born[at - self.count], self.now)
        return at

    # ---- all numbers ---------------------------------------------------------------------------

    def run(self) -> None:
        """Finds the place of each number, level by level."""
        columns, place = self.columns, self.place
        kinds = rules.OTHER + 1
        fits = np.zeros((len(columns.codes), kinds, kinds), dtype=bool)
        for op, code in columns.codes.items():
            for fit in rules.kinds_that_fit(op) if isinstance(op, Op) else ():
                fits[(code, *fit)] = True
        any_order = columns.where(has_any_order)
        is_alone = columns.is_wide & ~(columns.is_sum & (columns.sizes == 1))
        is_alone[[*self.changed]] = True
        is_long_sum = columns.is_sum & (columns.sizes > 1)
        is_long_sum[[*self.changed]] = False
        at = memoryview(place)
        for level, are_few in self.levels:
            if are_few:
                self._one_by_one(level, at)
                continue
            alone = is_alone[level]
            a, b = (place[ends] for ends in columns.ends(level))
            kind = np.frombuffer(self.kinds, dtype=np.uint8).take
            alone |= fits[columns.code[level], kind(a), kind(b)]
            del kind  # so that there may be more kinds
            turned = any_order[level] & (a > b)
            a, b = np.where(turned, b, a), np.where(turned, a, b)
            keys = packed(columns.code[level], a, b)[~alone]
            place[level[~alone]] = self.table.all_found(keys, level[~alone])
            is_sum = is_long_sum[level]
            self._one_by_one(level[alone & ~is_sum], at)
            if is_sum.any():
                self._one_by_one(self._shared_sums(level[is_sum]), at)

    def _shared_sums(self, sums: Ints) -> Ints:
        """Shares equal sums; returns those of constants or equal terms, which become simpler."""
        columns, kinds = self.columns, np.frombuffer(self.kinds, dtype=np.uint8)
        sizes = columns.sizes[sums]
        owner = np.repeat(np.arange(len(sums)), sizes)
        terms = self.place[columns.flat[columns.places(sums)]]
        terms = (np.sort(owner << BITS | terms) & MASK).astype(np.int32)  # in order in each sum
        is_odd = kinds[terms] == rules.KINDS[CONSTANT]
        del kinds  # so that there may be more
        is_odd[1:] |= (terms[1:] == terms[:-1]) & (owner[1:] == owner[:-1])
        is_simple = np.bincount(owner, is_odd, len(sums)) == 0
        code, written = array("i", [columns.codes[ops.add]]).tobytes(), terms.tobytes()
        ends = 4 * np.cumsum(sizes)  # in bytes
        rows = np.stack([sums, ends - 4 * sizes, ends], axis=1)[is_simple]
        for i, begin, end in rows.tolist():
            self.place[i] = self.known.setdefault(code + written[begin:end], i)
        return sums[~is_simple]

    def _one_by_one(self, numbers: Ints, at: memoryview[int]) -> None:
        for i in numbers.tolist():
            self.now = i
            below = self.changed.get(i) or self.columns.operands(i)
            at[i] = self.apply(self.ops[i], (*[at[k] for k in below],))

    def written(self) -> Recording:
        """Returns the recording of the numbers that are left, in the order of their first use."""
        del self.table, self.known, self.levels, self.changed  # the rest takes memory, too
        columns, alive = self._everything()
        del self.columns, self.made
        left = self._in_order(np.flatnonzero(alive))
        number = np.full(len(self.ops) + 1, -1, dtype=np.int32)  # the last one is of place -1
        number[left] = np.arange(len(left))
        tape = Tape()
        tape.ops = [self.ops[i] for i in left.tolist()]
        tape.operands.first.frombytes(np.cumsum(columns.sizes[left], dtype=np.int32).tobytes())
        tape.operands.flat = ints(_moved(columns, left, number))
        tape.numbers = {int(number[i]): x for i, x in self.numbers.items() if alive[i]}
        return self.recording.moved(tape, ints(number[self.place[self.instead]]))

    def _everything(self) -> tuple[Columns, Bools]:
        """Returns the columns of old and new numbers, and which of them the results need."""
        old, made = self.columns, self.made
        flat = np.where(old.is_read, old.below(self.place), old.flat)
        first = np.concatenate([old.first[:-1], np.array(made.first) + old.first[-1]])
        columns = Columns(self.ops, np.concatenate([flat, made.flat]), first)
        among = np.zeros(len(self.ops), dtype=bool)
        among[self.place[self.needed]] = among[self.count :] = True
        among[[*self.numbers]] = True  # a rule may need one that no result needed
        return columns, columns.reached(self.place[self.roots], among)

    def _in_order(self, numbers: Ints) -> Ints:
        """Returns these numbers as they were first used; operands come before results."""
        born = np.concatenate([np.arange(self.count), self.born])
        born[[*self.born_before]] = [*self.born_before.values()]
        np.minimum.at(born, self.place[self.needed], self.needed)
        level = np.array(self.level)[numbers]
        return numbers[np.lexsort((numbers, numbers >= self.count, level, born[numbers]))]


def _moved(columns: Columns, left: Ints, number: Ints) -> Ints:
    """Returns the operands of numbers, which have new ones; those of any order are sorted."""
    at, sizes = columns.places(left), columns.sizes[left]
    flat = np.where(columns.is_read[at], columns.below(number)[at], columns.flat[at])
    begin, is_sorted = np.cumsum(sizes) - sizes, columns.where(has_any_order)[left]
    pairs = begin[is_sorted & (sizes == 2)]
    first, last = flat[pairs], flat[pairs + 1]
    flat[pairs], flat[pairs + 1] = np.minimum(first, last), np.maximum(first, last)
    for i in np.flatnonzero(is_sorted & (sizes > 2)).tolist():
        flat[begin[i] : begin[i] + sizes[i]].sort()
    return flat
