"""Each rule of `simplify` is an equation between floats, to the last bit.

Both sides are computed at random numbers, small and large ones, and at the hard ones: both zeros,
the ends of the range, infinities and nan. A row says in its last column where it is not exact, and
there the sides may differ.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from micrograd_notes.lifting.passes.rules import RANGE, RULES, Pattern, Rule, Variable

HARD = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
        math.inf, -math.inf, math.nan, 3.0, -2.5, 1 / 3]
POINTS = 400


def variables(side: Any) -> Iterator[Variable]:
    if isinstance(side, Variable):
        yield side
    for operand in side.operands if isinstance(side, Pattern) else ():
        yield from variables(operand)


def value(side: Any, at: dict[Variable, float]) -> float:
    if not isinstance(side, Pattern):
        return at[side] if isinstance(side, Variable) else side
    return side.op(*[value(operand, at) for operand in side.operands])  # type: ignore[no-any-return]


def points(rule: Rule) -> Iterator[dict[Variable, float]]:
    generator = random.Random(str(rule.left))
    names = list(dict.fromkeys(variables(rule.left)))
    found = 0
    while found < POINTS:
        at = {}
        for name in names:
            number = math.ldexp(generator.uniform(-2.0, 2.0), generator.randint(-30, 30))
            if name.is_number is not None:
                whole = generator.randint(-4, 4)
                number = generator.choice([number, whole, 2.0**whole])
            at[name] = float(generator.choice([number, *generator.sample(HARD, 2)]))
            if name.is_whole:  # what an array of whole numbers may hold
                at[name] = float(generator.randint(-9, 9))
        constants = {name: x for name, x in at.items() if name.is_number is not None}
        fits = all(name.is_number(x) for name, x in constants.items() if name.is_number)
        if fits and rule.where(*constants.values()):
            found += 1
            yield at


def is_excepted(rule: Rule, at: dict[Variable, float]) -> bool:
    if rule.but == RANGE:
        numbers = list(at.values())
        whole = math.prod(abs(x) for x in numbers if math.isfinite(x) and x)
        parts = [abs(x * y) for x in numbers for y in numbers if x and y]
        return any(not 2.3e-308 < part < 1.7e308 for part in [whole, *parts])
    if rule.but:  # power_less
        x, n, m = at.values()
        return x == 0 and n < m
    return False


def bits(number: float) -> bytes:
    return b"nan" if number != number else struct.pack("d", number)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.left.op.name))
def test_both_sides_are_the_same_float(rule: Rule) -> None:
    compared = 0
    for at in points(rule):
        try:
            sides = [value(rule.left, at), value(rule.right, at)]
        except (ArithmeticError, ValueError):
            continue  # the scalars raise there, and the program returns inf or nan
        if not is_excepted(rule, at):
            assert bits(sides[0]) == bits(sides[1]), (rule.left, rule.right, at)
            compared += 1
    assert compared > POINTS / 8
