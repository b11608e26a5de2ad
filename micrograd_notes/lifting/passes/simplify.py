"""The second pass: it shares equal numbers, folds constants, and simplifies and flattens sums.

`program.py` calls `simplify`. Every rule keeps the last bit of the value, with two exceptions:

- a chain of `+` becomes one sum without an order, so its last bits and the sign of a zero may
  change;
- `chain`, the product of the chain rule that is 0 if the adjoint is 0, becomes a plain product.
  They differ only if a partial is infinite or nan, and then the plain product is nan. `program.py`
  then runs the guarded program instead, which is made with `guarded=True`.

Read `group.py` next.
"""

from collections.abc import Callable, Set
from math import frexp, inf, isfinite
from typing import Any

from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Recording, Tape

Operand = tuple[int, int]  # the number that reads it, and which of its operands it is


class _Builder:
    """A tape that keeps equal entries once. The keys of 0.0 and -0.0 differ."""

    def __init__(self, guarded: bool) -> None:
        self.tape = Tape()
        self.guarded = guarded
        self.numbers: dict[int, float] = {}  # of the constants
        self._known: dict[Any, int] = {}

    def constant(self, number: float) -> int:
        at = self._shared((CONSTANT, number if number else str(number)), CONSTANT, (number,))
        self.numbers[at] = number
        return at

    def leaf(self, array: Any, place: tuple[Any, ...]) -> int:
        return self._shared((id(array), place), array, place)

    def sum_of_one(self, term: int) -> int:
        """Returns the place of a sum of one term, which stays apart from other sums."""
        at = self._shared((ops.add, (term,)), ops.add, (term,))
        self.tape.kept.add(at)
        return at

    def _shared(self, key: Any, op: Any, operands: tuple[Any, ...]) -> int:
        at = self._known.setdefault(key, len(self.tape.ops))
        if at == len(self.tape.ops):
            self.tape.append(op, operands)
        return at

    def apply(self, op: Op, operands: tuple[int, ...]) -> int:
        """Returns the place of the operation: a new one, an equal one, or a simpler one."""
        rule = RULES.get(op)
        if rule is not None:
            found = rule(self, *operands)
            if found is not None:
                return found
        if op is helper_ops.chain and not self.guarded:
            return self.apply(ops.multiply, operands)
        if op is ops.multiply and operands[0] > operands[1]:
            operands = (operands[1], operands[0])
        elif op.neutral is not None:
            operands = tuple(sorted(operands))  # any order gives the same result
        at = self._known.get((op, operands))
        if at is not None:
            return at
        numbers = self.numbers
        if operands[0] in numbers and numbers.keys() >= set(operands):
            try:
                return self.constant(op(*[numbers[k] for k in operands]))
            except (ArithmeticError, ValueError):
                pass
        self._known[op, operands] = at = len(self.tape.ops)
        self.tape.ops.append(op)
        self.tape.operands.append(operands)
        return at


def _multiply(b: _Builder, x: int, y: int) -> int | None:
    numbers = b.numbers
    if (x in numbers) == (y in numbers):
        return None
    number, other = (numbers[x], y) if x in numbers else (numbers[y], x)
    if number == 1.0:
        return other  # 1 * x is x
    if number == -1.0:
        return b.apply(ops.neg, (other,))  # -1 * x is -x
    if abs(frexp(number)[0]) == 0.5 and b.tape.ops[other] is ops.multiply:
        return _moved_in(b, number, *b.tape.operands[other])
    return None


def _moved_in(b: _Builder, number: float, x: int, y: int) -> int | None:
    """Returns the place of number * (x * y) if the number can join another one inside.

    2 * (u * (d * v)) is u * ((2 * d) * v), because a power of two rounds nothing.
    """
    for one, other in ((x, y), (y, x)):
        if one in b.numbers:
            return b.apply(ops.multiply, (b.constant(number * b.numbers[one]), other))
    for one, other in ((x, y), (y, x)):
        inside = b.tape.operands[one] if b.tape.ops[one] is ops.multiply else ()
        if any(k in b.numbers for k in inside):
            return b.apply(ops.multiply, (b.apply(ops.multiply, (b.constant(number), one)), other))
    return None


def _chain(b: _Builder, adjoint: int, partial: int) -> int | None:
    of_adjoint, of_partial = b.numbers.get(adjoint, 0.0), b.numbers.get(partial, inf)
    is_plain = (of_adjoint != 0 and isfinite(of_adjoint)) or isfinite(of_partial)
    return b.apply(ops.multiply, (adjoint, partial)) if is_plain else None


def _divide(b: _Builder, x: int, y: int) -> int | None:
    return x if b.numbers.get(y) == 1.0 else None  # x / 1 is x


def _power(b: _Builder, x: int, y: int) -> int | None:
    number = b.numbers.get(y)
    if b.numbers.get(x) is not None:
        return None
    if number == 1.0:
        return x
    return b.apply(ops.multiply, (x, x)) if number == 2.0 else None  # both are rounded once


def _power_less(b: _Builder, x: int, y: int, n: int) -> int | None:
    exponent, less = b.numbers.get(y), b.numbers.get(n)
    if exponent is None or less is None or (exponent - less) + less != exponent:
        return None
    return b.apply(ops.power, (x, b.constant(exponent - less)))  # nothing is rounded in y - n


def _neg(b: _Builder, x: int) -> int | None:
    return b.tape.operands[x][0] if b.tape.ops[x] is ops.neg else None  # -(-x) is x


def _subtract(b: _Builder, x: int, y: int) -> int | None:
    if (zero := b.numbers.get(y)) is not None and zero == 0 and b.numbers.get(x) is None:
        return x  # x - 0 is x
    if b.tape.ops[y] is ops.neg:
        return b.apply(ops.add, (x, b.tape.operands[y][0]))  # x - (-y) is x + y
    return None


def _pos(b: _Builder, x: int) -> int | None:
    return x


def _floor(b: _Builder, x: int) -> int | None:
    leaf = b.tape.ops[x]
    return x if isinstance(leaf, Array) and leaf.is_whole else None


def _pick(b: _Builder, index: int, *values: int) -> int | None:
    number = b.numbers.get(index)
    return None if number is None else values[int(number)]


RULES: dict[Op, Callable[..., int | None]] = {
    ops.multiply: _multiply,
    helper_ops.chain: _chain,
    ops.divide: _divide,
    helper_ops.ieee_divide: _divide,
    ops.power: _power,
    helper_ops.power_less: _power_less,
    ops.neg: _neg,
    ops.subtract: _subtract,
    ops.pos: _pos,
    ops.floor: _floor,
    ops.lookup("pick"): _pick,
}


def simplify(recording: Recording, guarded: bool = False) -> Recording:
    """Returns an equivalent program with fewer operations."""
    return _flattened(_shared(recording, guarded))


def _shared(recording: Recording, guarded: bool) -> Recording:
    """Returns the program with equal numbers once, by the rules above."""
    old, builder = recording.tape, _Builder(guarded)
    place = [-1] * len(old)
    for i in old.reachable(recording.roots):
        op, operands = old.ops[i], old.operands[i]
        if op.__class__ is Op:
            moved = tuple([place[k] for k in operands])
            if op is ops.add:
                place[i] = builder.tape.append(op, moved)  # sums are shared once they are flat
            else:
                place[i] = builder.apply(op, moved)
        elif op == CONSTANT:
            place[i] = builder.constant(operands[0])
        else:
            place[i] = builder.leaf(op, operands)
    return recording.moved(builder.tape, place)


def restated(recording: Recording, missing: set[Operand], singles: set[int]) -> Recording:
    """Returns the program with missing sums of one term, and others replaced by their terms."""
    return _flattened(recording, missing, singles)


def _flattened(
    recording: Recording, missing: Set[Operand] = frozenset(), dropped: Set[int] = frozenset()
) -> Recording:
    """Returns the program with every chain of sums as one sum, and equal sums shared."""
    old, builder = recording.tape, _Builder(guarded=True)
    needed = old.reachable(recording.roots)
    uses = [0] * len(old)
    for root in recording.roots:
        uses[root] += 1
    for i in needed:
        if old.ops[i].__class__ is Op:
            for k in old.operands[i]:
                uses[k] += 1
    for i in reversed(needed):  # what is used through a dropped sum
        if i in dropped:
            uses[old.operands[i][0]] += uses[i] - 1
    place = [-1] * len(old)
    terms_of: dict[int, list[int]] = {}
    used_in_sum_once = {
        k for i in needed if old.ops[i] is ops.add and i not in dropped for k in old.operands[i]
        if old.ops[k] is ops.add and uses[k] == 1 and k not in old.kept
    }
    for i in reversed(needed):  # a dropped sum passes its term's own terms on
        term = old.operands[i][0] if i in dropped else i
        is_free = old.ops[term] is ops.add and uses[term] == 1 and term not in old.kept
        if i in used_in_sum_once and is_free:
            used_in_sum_once.add(term)
    readers = {i for i, _ in missing}
    for i in needed:
        op, operands = old.ops[i], old.operands[i]
        if i in readers:
            operands = tuple([
                -1 - builder.sum_of_one(place[k]) if (i, at) in missing else k
                for at, k in enumerate(operands)
            ])
        if i in dropped:
            if operands[0] in terms_of:
                terms_of[i] = terms_of.pop(operands[0])
            else:
                place[i] = place[operands[0]]
        elif op is ops.add:
            terms: list[int] = []
            for k in operands:
                if k in terms_of:
                    terms += terms_of.pop(k)
                else:
                    terms.append(place[k] if k >= 0 else -1 - k)
            if i in used_in_sum_once:
                terms_of[i] = terms
            else:
                place[i] = _sum(builder, terms)
        elif op.__class__ is Op:
            moved = [place[k] if k >= 0 else -1 - k for k in operands]
            place[i] = builder.apply(op, tuple(moved))
        elif op == CONSTANT:
            place[i] = builder.constant(operands[0])
        else:
            place[i] = builder.leaf(op, operands)
    return recording.moved(builder.tape, place)


def _sum(builder: _Builder, terms: list[int]) -> int:
    """Returns the place of a sum: constants are added up, and n equal terms become n * term."""
    constant = 0.0
    counted: dict[int, int] = {}
    for term in terms:
        number = builder.numbers.get(term)
        if number is None:
            counted[term] = counted.get(term, 0) + 1
        else:
            constant += number
    kept = [
        term if n == 1 else builder.apply(ops.multiply, (builder.constant(float(n)), term))
        for term, n in counted.items()
    ]
    if constant != 0 or not kept:
        kept.append(builder.constant(constant))
    if len(kept) == 1 and builder.numbers.get(kept[0]) is not None:
        return kept[0]
    key = (ops.add, tuple(sorted(kept)))
    return builder._shared(key, ops.add, tuple(kept))
