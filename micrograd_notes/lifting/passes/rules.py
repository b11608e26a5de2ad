"""The rules of `simplify`, written as the algebra that they state. Adding a rule is adding a row.

Both sides of a rule are calls of the table's operations on variables and other calls, and the left
one on numbers, too. A rule keeps every bit of the value, unless its last column says where it does
not. `simplify.py` calls `rewritten`; the test of each row is in tests/lifting/test_rules.py.

>>> RULES[0].left
Pattern(op=Op(multiply), operands=(1.0, x))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import copysign, frexp, isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_notes.engine.helper_ops import chain, ieee_divide, power_less, where
from micrograd_notes.engine.op import Op
from micrograd_notes.engine.ops import add, divide, floor, multiply, neg, pos, power, subtract
from micrograd_notes.lifting.trace.tape import CONSTANT, Array

if TYPE_CHECKING:
    from micrograd_notes.lifting.passes.simplify import Simplifier


@dataclass(frozen=True)
class Pattern:
    """An operation on variables, numbers and other patterns."""

    op: Op
    operands: tuple[Any, ...]

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> Pattern:
        return Pattern(op, operands)


class Variable:
    """Stands for any number of a program; with `is_number`, for a constant that passes it."""

    _apply_ = staticmethod(Pattern._apply_)

    def __init__(
        self, name: str, is_number: Callable[[float], bool] | None = None, is_whole: bool = False
    ) -> None:
        self.name, self.is_number, self.is_whole = name, is_number, is_whole

    def __repr__(self) -> str:
        return self.name


class Rule(NamedTuple):
    """Two sides that are equal, if `where` is true for the constants that the variables are."""

    left: Pattern
    right: Pattern | Variable
    where: Callable[..., bool] = lambda *constants: True
    but: str = ""  # where they are not equal


def _is_power_of_two(number: float) -> bool:
    return abs(frexp(number)[0]) == 0.5


def _is_exact_difference(n: float, m: float) -> bool:
    return (n - m) + m == n and n - (n - m) == m


x, y, u = Variable("x"), Variable("y"), Variable("u")
n, m = Variable("n", lambda number: True), Variable("m", lambda number: True)
power_of_two = Variable("power of two", _is_power_of_two)
finite = Variable("finite number", isfinite)
true, false = Variable("number but 0", bool), Variable("0", lambda number: number == 0)
not_zero = Variable("finite number but 0", lambda number: isfinite(number) and number != 0)
whole = Variable("whole number of an input", is_whole=True)

RANGE = "a product is above 1.8e308 or below 2.2e-308"
RULES = (
    Rule(multiply(1.0, x), x),
    Rule(multiply(-1.0, x), neg(x)),
    # a power of two rounds nothing, so it can join another number
    Rule(multiply(power_of_two, multiply(n, x)), multiply(multiply(power_of_two, n), x), but=RANGE),
    Rule(multiply(power_of_two, multiply(u, multiply(n, x))),
         multiply(u, multiply(power_of_two, multiply(n, x))), but=RANGE),
    Rule(divide(x, 1.0), x),
    Rule(ieee_divide(x, 1.0), x),
    Rule(power(x, 1.0), x),
    Rule(power(x, 2.0), multiply(x, x)),  # both are rounded once
    Rule(power_less(x, n, m), power(x, subtract(n, m)), _is_exact_difference,
         but="x is 0 and n below m"),
    Rule(neg(neg(x)), x),
    Rule(pos(x), x),
    Rule(subtract(x, 0.0), x),
    Rule(subtract(x, neg(y)), add(x, y)),
    Rule(floor(whole), whole),
    Rule(where(true, x, y), x),
    Rule(where(false, x, y), y),
    # both are 0 if the adjoint is 0, unless the partial is infinite or nan
    Rule(chain(not_zero, x), multiply(not_zero, x)),
    Rule(chain(x, finite), multiply(x, finite)),
)

# ---- matching ------------------------------------------------------------------------------------


def rewritten(numbers: Simplifier, op: Op, operands: Sequence[int]) -> int | None:
    """Returns what the first rule that fits makes of an operation; None if none does."""
    kinds, made_by = numbers.kinds, numbers.made_by
    both = kinds[made_by[operands[0]]], kinds[made_by[operands[-1]]]
    for rule in RULES_AT.get((op, *both), ()):
        found: dict[Any, int] = {}
        if _all_match(numbers, rule.left, operands, found):
            constants = [numbers.numbers[i] for i in found.values() if i in numbers.numbers]
            if rule.where(*constants):
                return _built(numbers, rule.right, found)
    return None


def _all_match(
    numbers: Simplifier, left: Pattern, operands: Sequence[int], found: dict[Any, int]
) -> bool:
    """Returns whether the operands fit; those of a product may be turned round."""
    for order in (operands, operands[::-1]) if left.op is multiply else (operands,):
        new = dict(found)
        for pattern, i in zip(left.operands, order, strict=True):
            if not _matches(numbers, pattern, i, new):
                break
        else:
            found.update(new)
            return True
    return False


def _matches(numbers: Simplifier, pattern: Any, i: int, found: dict[Any, int]) -> bool:
    """Returns whether number i fits, and notes which number each variable stands for."""
    op, number = numbers.op_of(i), numbers.numbers.get(i)
    if isinstance(pattern, Pattern):
        return op is pattern.op and _all_match(numbers, pattern, numbers.operands_of(i), found)
    if isinstance(pattern, float):
        return number == pattern and copysign(1.0, number) == copysign(1.0, pattern)
    if pattern.is_number is not None and (number is None or not pattern.is_number(number)):
        return False
    if pattern.is_whole and not (isinstance(op, Array) and op.is_whole):
        return False
    return found.setdefault(pattern, i) == i


def _built(numbers: Simplifier, right: Any, found: dict[Any, int]) -> int:
    """Returns the right side."""
    if not isinstance(right, Pattern):
        return found[right]
    operands = [_built(numbers, operand, found) for operand in right.operands]
    return numbers.apply(right.op, tuple(operands))


# ---- which operands may fit ----------------------------------------------------------------------

_inner = dict.fromkeys(p.op for r in RULES for p in r.left.operands if isinstance(p, Pattern))
KINDS = {CONSTANT: 0, Array: 1} | {op: 2 + i for i, op in enumerate(_inner)}
OTHER = len(KINDS)


def kind(op: Any) -> int:
    """Returns the kind of number that an operation makes, as far as rules distinguish them."""
    if isinstance(op, Array):
        return KINDS[Array] if op.is_whole else OTHER
    return KINDS.get(op, OTHER)


def _kinds_of(pattern: Any) -> Sequence[int]:
    """Returns the kinds of numbers that may fit."""
    if isinstance(pattern, Variable) and not pattern.is_number:
        return [KINDS[Array]] if pattern.is_whole else range(OTHER + 1)
    return [KINDS[pattern.op if isinstance(pattern, Pattern) else CONSTANT]]


RULES_AT: dict[tuple[Op, int, int], list[Rule]] = {}  # by the kinds of first and last operand
for _rule in RULES:
    for _kinds in product(*map(_kinds_of, _rule.left.operands)):
        for _way in (_kinds, _kinds[::-1]) if _rule.left.op is multiply else (_kinds,):
            _there = RULES_AT.setdefault((_rule.left.op, _way[0], _way[-1]), [])
            if _rule not in _there[-1:]:
                _there.append(_rule)
