"""The second pass: it shares equal numbers, folds constants, and simplifies and flattens sums.

`compiled.py`, `series.py` and `group.py` call it. A chain of `+` becomes one sum without an order,
so its last bits and the sign of a zero may change. The rules of algebra are in `rules.py`. One more
applies to most programs: `chain`, the product of the chain rule that is 0 if the adjoint is 0,
becomes a plain product, except at a pole (`poles.py`). They differ only if a partial is infinite or
nan, because something overflows, and then the plain product is nan. `per_shape.py` then runs the
guarded program instead, which is made with `guarded=True`.

The operations of one level (`trace/columns.py`) are treated together: each gets a key, an int that
holds the operation and its operands, and those with equal keys are one. The few that a rule may fit
are treated one by one, as are operations on any number of operands. Read `group.py` next.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.passes import rules
from micrograd_notes.lifting.trace.columns import (
    BITS,
    MASK,
    Bools,
    Columns,
    has_any_order,
    ints,
    packed,
    starts,
)
from micrograd_notes.lifting.trace.tape import CONSTANT, Operands, Recording, key_of


def simplify(recording: Recording, guarded: bool = False) -> Recording:
    """Returns an equivalent program with fewer operations."""
    simplifier = Simplifier(recording, guarded)
    simplifier.run()
    return simplifier.written()


class Simplifier:
    """The old numbers and then new ones, which rules read, and where they write their right sides.

    `place` has the number that each old one is now.
    """

    def __init__(self, recording: Recording, guarded: bool) -> None:
        self.recording, tape = recording, recording.tape
        self.count, self.numbers = len(tape), dict(tape.numbers)
        everyone = np.arange(self.count, dtype=np.int32)
        self.constants = {key_of(x): i for i, x in self.numbers.items()}
        self.roots = np.array(recording.roots, dtype=np.int32)
        columns, tape.columns = Columns.of(tape), None  # they take memory
        codes, code = dict(columns.codes), columns.code
        if not guarded and helper_ops.chain in codes:
            is_chain = code == codes[helper_ops.chain]
            is_chain[[*tape.guarded]] = False
            code = np.where(is_chain, codes.setdefault(ops.multiply, len(codes)), code)
        columns = Columns(codes, code, columns.flat, columns.first, columns.level)
        needed = columns.reached(self.roots, np.ones(self.count, dtype=bool))
        inside = self._inside(columns, needed)
        self.columns = columns = _joined(columns, needed, inside)
        needed &= ~inside
        self.needed = np.flatnonzero(needed)
        self.place = np.where(needed, everyone, -1).astype(np.int32)
        self.rows, self.kinds = [*codes], [*map(rules.kind, codes)]  # by their codes
        # and of new numbers, too:
        self.level = array("i", columns.level.tobytes())
        self.made_by = array("i", code.astype(np.int32).tobytes())  # codes
        self.born = array("i", everyone.tobytes())  # the first old number that each was made for
        self.made = Operands()  # of the new numbers
        self.known: dict[Any, int] = {}
        self.now = 0  # the old number that is treated

    def _inside(self, columns: Columns, needed: Bools) -> Bools:
        """Returns which sums join the one that reads them: nothing else does."""
        is_read_once = columns.uses(self.roots, needed[columns.owner]) == 1
        inside = columns.read_by(columns.is_sum & needed) & columns.is_sum & is_read_once
        inside[[*self.recording.tape.kept]] = False
        return inside

    # ---- one number ----------------------------------------------------------------------------

    def op_of(self, i: int) -> Any:
        """Returns the operation that makes a number, or its array."""
        return self.rows[self.made_by[i]]

    def operands_of(self, i: int) -> Sequence[int]:
        """Returns the operands of a number, as they are now."""
        if i >= self.count:
            return self.made[i - self.count]
        return self.place[self.columns.operands(i)].tolist()  # type: ignore[no-any-return]

    def constant(self, number: float) -> int:
        """Returns a constant; 0.0 and -0.0 are two."""
        at = self.constants.setdefault(key_of(number), len(self.made_by))
        self.numbers[at] = number
        return self._added(at, CONSTANT, ())

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
        is_sorted = op is ops.add or has_any_order(op)
        if op is ops.multiply and self.made_by[operands[0]] == self.made_by[operands[1]]:
            # k[1] * k[2] and k[2] * k[1] have places of their own among the products of all pairs
            is_sorted = False
        ordered = sorted(operands) if is_sorted else operands
        code = self.columns.short.setdefault(op, len(self.columns.short))
        if (op is ops.add and len(operands) > 1) or op.arity not in (1, 2):
            key = array("i", [code, *ordered]).tobytes()
            return self._added(self.known.setdefault(key, len(self.made_by)), op, operands)
        key = packed(code, ordered[0], ordered[-1])
        return self._added(self.known.setdefault(key, len(self.made_by)), op, operands)

    def _added(self, at: int, op: Any, operands: Sequence[int]) -> int:
        """Returns the number at a place, which is a new one if it is the next place."""
        if at == len(self.made_by):
            self.made_by.append(self.columns.codes.setdefault(op, len(self.rows)))
            if self.made_by[at] == len(self.rows):
                self.rows.append(op)
                self.kinds.append(rules.kind(op))
            self.made.append(operands)
            self.level.append(1 + max(map(self.level.__getitem__, operands), default=-1))
            self.born.append(self.now)
        self.born[at] = min(self.born[at], self.now)
        return at

    # ---- all numbers ---------------------------------------------------------------------------

    def run(self) -> None:
        """Finds the place of each number, level by level."""
        columns, place = self.columns, self.place
        kinds = rules.OTHER + 1
        fits = np.zeros((len(columns.codes), kinds, kinds), dtype=bool)
        fits[:, rules.KINDS[CONSTANT], rules.KINDS[CONSTANT]] = True  # it may be folded
        for op, first_kind, last_kind in rules.RULES_AT:
            if op in columns.codes:
                fits[columns.codes[op], first_kind, last_kind] = True
        any_order = columns.where(has_any_order)
        is_long_sum = columns.is_sum & (columns.sizes > 1)
        is_alone = columns.is_wide & ~columns.is_sum
        for level, are_few in columns.by_level(self.needed[columns.is_made[self.needed]]):
            if are_few:
                self._one_by_one(level)
                continue
            wide, sums = level[is_alone[level]], level[is_long_sum[level]]
            level = level[~(is_alone | is_long_sum)[level]]
            a, b = (place[ends] for ends in columns.ends(level))
            code = columns.key_codes(level)
            turned = any_order[level] & (a > b)
            made_by = np.frombuffer(self.made_by, dtype=np.intc)[np.stack([a, b])]
            turned &= made_by[0] != made_by[1]
            keys = packed(code, np.where(turned, b, a), np.where(turned, a, b))
            may = fits[(columns.code[level], *np.array(self.kinds)[made_by])]
            found = map(self.known.setdefault, keys[~may].tolist(), level[~may].tolist())
            place[level[~may]] = [*found]
            levels = np.frombuffer(self.level, dtype=np.intc)
            levels[level] = 1 + np.maximum(levels[a], levels[b])
            del levels  # so that there may be more
            _, first, which = np.unique(keys[may], return_index=True, return_inverse=True)
            self._one_by_one(level[may][np.sort(first)])
            place[level[may]] = place[level[may][first]][which]
            self._one_by_one(wide)
            if sums.size:
                self._one_by_one(self._shared_sums(sums))

    def _shared_sums(self, sums: Ints) -> Ints:
        """Shares equal sums; returns those of constants or equal terms, which become simpler."""
        columns = self.columns
        sizes = columns.sizes[sums]
        owner, stops = np.repeat(np.arange(len(sums)), sizes), np.cumsum(sizes)
        terms = self.place[columns.flat[columns.places(sums)]]
        terms = (np.sort(owner << BITS | terms) & MASK).astype(np.int32)  # in order in each sum
        made_by = np.frombuffer(self.made_by, dtype=np.intc)[terms]
        is_odd = made_by == columns.codes.get(CONSTANT, -1)
        is_odd[1:] |= (terms[1:] == terms[:-1]) & (owner[1:] == owner[:-1])
        is_simple = np.bincount(owner, is_odd, len(sums)) == 0
        levels = np.frombuffer(self.level, dtype=np.intc)
        levels[sums] = 1 + np.maximum.reduceat(levels[terms], stops - sizes)
        code, written = array("i", [columns.short[ops.add]]).tobytes(), terms.tobytes()
        rows = np.stack([sums, 4 * (stops - sizes), 4 * stops], axis=1)[is_simple]  # in bytes
        for i, begin, end in rows.tolist():
            self.place[i] = self.known.setdefault(code + written[begin:end], i)
        return sums[~is_simple]

    def _one_by_one(self, numbers: Ints) -> None:
        at, columns = memoryview(self.place), self.columns
        for i in numbers.tolist():
            self.now = i
            at[i] = self.apply(self.op_of(i), (*[at[k] for k in columns.operands(i)],))

    def written(self) -> Recording:
        """Returns the recording of the numbers that are left, in the order of their first use."""
        del self.known  # it takes memory
        columns = self._everything()
        among = np.zeros(len(self.made_by), dtype=bool)
        among[self.place[self.needed]] = among[self.count :] = True
        among[[*self.numbers]] = True  # a rule may need one that no result needed
        alive = columns.reached(self.place[self.roots], among)
        left = self._in_order(columns, np.flatnonzero(alive))
        number = np.full(len(self.made_by) + 1, -1, dtype=np.int32)  # the last one is of place -1
        number[left] = np.arange(len(left))
        numbers = {int(number[i]): x for i, x in self.numbers.items() if alive[i]}
        del self.made_by, self.level, self.born, among, alive
        tape = _moved(columns, left, number).tape(numbers)
        return self.recording.moved(tape, ints(number[self.place]))

    def _everything(self) -> Columns:
        """Returns the columns of old and new numbers."""
        old, made = self.columns, self.made
        del self.columns, self.made
        flat = np.where(old.is_read, old.below(self.place), old.flat)
        first = np.array(made.first) + old.first[-1]
        return Columns(
            old.codes, np.array(self.made_by), np.concatenate([flat, made.flat]),
            np.concatenate([old.first[:-1], first]), np.array(self.level),
        )

    def _in_order(self, columns: Columns, numbers: Ints) -> Ints:
        """Returns these numbers as they were first used; operands come before results.

        Of those that one number made, only these depths tell: its level differs from step to step.
        """
        born = np.array(self.born)
        np.minimum.at(born, self.place[self.needed], self.needed)
        owner, below = columns.owner[columns.is_read], columns.flat[columns.is_read]
        is_near = (below >= 0) & (born[owner] == born[below])  # -1 is what nobody needs
        owner, below, depth = owner[is_near], below[is_near], np.zeros(len(born), dtype=np.int32)
        while (depth[below] >= depth[owner]).any():
            np.maximum.at(depth, owner, depth[below] + 1)
        return numbers[np.lexsort((numbers, numbers >= self.count, depth[numbers], born[numbers]))]


def _joined(columns: Columns, needed: Bools, inside: Bools) -> Columns:
    """Returns the columns in which a sum has the terms of the sums that join it."""
    is_joined = np.zeros(len(needed), dtype=bool)
    is_joined[columns.owner[columns.is_read & columns.below(inside)]] = True
    joins = inside.tobytes()
    terms: dict[int, list[int]] = {}
    for i in np.flatnonzero(is_joined & needed).tolist():
        found: list[int] = []
        for k in columns.operands(i):
            more = (terms.pop(k, []) or columns.operands(k)) if joins[k] else [k]
            if found:
                found += more
            else:  # a long chain is not copied
                found = more
        terms[i] = found
    sizes = columns.sizes.copy()
    sizes[[*terms]] = [*map(len, terms.values())]
    others = np.ones(len(needed), dtype=bool)
    others[[*terms]] = False
    flat = np.empty(sizes.sum(), dtype=np.int32)
    are_others = np.repeat(others, sizes)
    flat[are_others] = columns.flat[np.repeat(others, columns.sizes)]
    flat[~are_others] = [*chain.from_iterable(terms.values())]
    return Columns(columns.codes, columns.code, flat, starts(sizes), columns.level)


def _moved(columns: Columns, left: Ints, number: Ints) -> Columns:
    """Returns the columns of numbers, which have new ones; operands of any order are sorted."""
    at, sizes = columns.places(left), columns.sizes[left]
    flat = np.where(columns.is_read[at], columns.below(number)[at], columns.flat[at])
    first, is_sorted = starts(sizes), columns.where(has_any_order)[left]
    pairs = first[:-1][is_sorted & (sizes == 2)]
    code = columns.code[left]
    pairs = pairs[code[flat[pairs]] != code[flat[pairs + 1]]]
    a, b = flat[pairs], flat[pairs + 1]
    flat[pairs], flat[pairs + 1] = np.minimum(a, b), np.maximum(a, b)
    for i in np.flatnonzero(is_sorted & (sizes > 2)).tolist():
        flat[first[i] : first[i + 1]].sort()
    return Columns(columns.codes, columns.code[left], flat, first, columns.level[left])
