"""The step before a loop's first one, if it is the same lines with some terms missing.

The gradient of the last of many steps misses the term from the step after it:

    dc = o * dh * slope                      dc = np.zeros((n, 3))
    for t in reversed(range(5)):      ->     for t in reversed(range(6)):
        dc = f[t + 1] * dc + ...                 dc = f[t + 1] * dc + ...

A missing term must be 0 if what no earlier step passes on is 0: a product with it, or a sum of such
products. So the loop computes the same numbers, one step longer. `loops.py` calls `step_before`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import combinations, permutations
from typing import Any

from micrograd_notes.lifting.typed.expressions import (
    Apply,
    Expression,
    Line,
    Number,
    Part,
    Product,
    Read,
    Spread,
    Stack,
    Sum,
    Total,
    View,
    Where,
)
from micrograd_notes.lifting.typed.windows import (
    Before,
    Filling,
    Fixed,
    Moving,
    Numbers,
    Own,
    Place,
    Series,
    Window,
)

MANY = 5  # terms of a sum, which are not tried in every order


def step_before(window: Window, patterns: Sequence[Expression]) -> Before | None:
    """Returns the step before the first; None if it is not like the others.

    `patterns` has the expression at each position, with `Moving` for what it reads.
    """
    match = _Match(window, patterns)
    if not all(match.binds(position, line) for position, line in window.initial.items()):
        return None
    if not all(match.is_zero(term) for term in match.missing) or not match.is_in_range():
        return None
    zeros = {p for p, each in enumerate(patterns) if p not in match.lines and match.is_zero(each)}
    if not {*range(len(patterns))} - {*match.lines} <= zeros | match.read(0):
        return None  # it would compute what nothing reads
    for position in match.read(1) - {*match.initial}:
        shape = patterns[position].shape
        zero = Number(0.0)
        match.initial[position] = Line(Spread(zero, shape) if shape else zero)
    own = {p: line for p, line in match.lines.items() if p not in match.passing}
    return Before(match.lines, own, match.initial, zeros, match.numbers)


class _Match:
    """What is known of the step before: its lines, what they start with, and missing terms."""

    def __init__(self, window: Window, patterns: Sequence[Expression]) -> None:
        self.window, self.patterns = window, patterns
        self.lines: dict[int, Line] = {}
        self.initial: dict[int, Line] = {}
        self.missing: list[Expression] = []
        self.numbers: dict[int, Number] = {}  # in it, by the filling
        self.passing: set[int] = set()  # positions whose sum has one term left, a line

    def binds(self, position: int, line: Line) -> bool:
        """Returns whether a line can be the one at a position, and notes it."""
        if position in self.lines:
            return self.lines[position] is line
        pattern = self.patterns[position]
        if line.shape != pattern.shape or line in self.window.where:
            return False
        known = self._known()
        self.lines[position] = line
        if self.matches(pattern, line.value):
            return True
        self.lines, self.initial, self.missing = known
        self.lines[position] = line
        self.passing.add(position)
        return self.matches(pattern, Read(line))

    def _known(self) -> tuple[dict[int, Line], dict[int, Line], list[Expression]]:
        return dict(self.lines), dict(self.initial), list(self.missing)

    def matches(self, pattern: Expression, made: Expression) -> bool:
        """Returns whether an expression is the pattern, but for missing terms, and notes these."""
        if isinstance(pattern, Moving):
            return self._reads(pattern.filling, made)
        if _is(pattern, "multiply") and _is(made, "multiply"):
            return any(self._all_match(pattern.operands, of) for of in permutations(made.operands))
        if not isinstance(pattern, Total):
            return type(pattern) is type(made) and all(
                self._agree(getattr(pattern, each.name), getattr(made, each.name))
                for each in fields(pattern)
            )
        terms = made.of if isinstance(made, Total) else (made,)
        orders = permutations if len(pattern.of) <= MANY else combinations
        passed_on = [*map(_is_passed_on, pattern.of)]
        every = orders(range(len(pattern.of)), len(terms))
        for chosen in sorted(every, key=lambda chosen: [passed_on[k] for k in chosen].count(True)):
            count = len(self.missing)
            self.missing += [each for k, each in enumerate(pattern.of) if k not in chosen]
            if self._all_match([pattern.of[k] for k in chosen], terms):
                return True
            del self.missing[count:]
        return False

    def _all_match(self, patterns: Sequence[Expression], made: Sequence[Expression]) -> bool:
        known = self._known()
        if all(map(self.matches, patterns, made)):
            return True
        self.lines, self.initial, self.missing = known
        return False

    def _agree(self, pattern: Any, made: Any) -> bool:
        if isinstance(pattern, Expression):
            return isinstance(made, Expression) and self.matches(pattern, made)
        if isinstance(pattern, tuple) and isinstance(made, tuple):
            return len(pattern) == len(made) and all(map(self._agree, pattern, made))
        is_place = hasattr(pattern, "moves")
        return bool(made == (pattern.start - pattern.moves if is_place else pattern))

    def _reads(self, filling: Filling, made: Expression) -> bool:
        match filling:
            case Numbers(numbers):
                self.numbers[id(filling)] = made  # type: ignore[assignment]
                return isinstance(made, Number) and (len({*numbers}) > 1 or made == numbers[0])
            case Own(position, 0):
                return isinstance(made, Read) and isinstance(made.source, Line) and self.binds(
                    position, made.source)
            case Own(position):
                if made.shape != self.patterns[position].shape:
                    return False
                source = made.source if isinstance(made, Read) else None
                start = source if isinstance(source, Line) else Line(made)
                known = self.initial.setdefault(position, start)
                return known is start or known.value == made
            case Fixed(line):
                return made == Read(line)
            case Series():
                other = filling.line(-1)
                return other is not None and made == Read(other)
        raise AssertionError(filling)

    # ---- what is 0 -----------------------------------------------------------------------------

    def is_zero(self, pattern: Expression) -> bool:
        """Returns whether an expression is 0 because what the step before passes on is 0."""
        return vanishes(pattern, self._reads_zero)

    def _reads_zero(self, read: Expression) -> bool:
        filling = read.filling if isinstance(read, Moving) else None
        if not isinstance(filling, Own):
            return False
        if filling.ago:
            return filling.position not in self.initial
        own = filling.position
        return own not in self.lines and self.is_zero(self.patterns[own])

    def read(self, ago: int) -> set[int]:
        """Returns the positions whose lines are read in the same step, or in the next one."""
        found = [each.filling for pattern in self.patterns for each in pattern.walk()
                 if isinstance(each, Moving)]
        return {each.position for each in found if isinstance(each, Own) and each.ago == ago}

    def is_in_range(self) -> bool:
        """Returns whether this step reads places that there are."""
        for each in [each for pattern in self.patterns for each in pattern.walk()]:
            series = each.filling if isinstance(each, Moving) else None
            if isinstance(series, Series) and series.line(-1) is None:
                return False
            if isinstance(each, Part):
                sizes = iter(each.of.shape)
                for part in [part for part in each.index if part is not None]:
                    size = next(sizes)
                    if isinstance(part, Place):
                        at = part.start - part.moves
                        if not isinstance(size, int) or not 0 <= at < size:
                            return False
        return True


def _is_passed_on(term: Expression) -> bool:
    """Returns whether a term reads a line of the step before."""
    read = [each.filling for each in term.walk() if isinstance(each, Moving)]
    return any(isinstance(filling, Own) and filling.ago for filling in read)


def vanishes(expression: Expression, is_zero: Callable[[Expression], bool]) -> bool:
    """Returns whether an expression is 0 because some of what it reads is 0."""
    of = [vanishes(operand, is_zero) for operand in expression.operands]
    if isinstance(expression, Number):
        return expression.value == 0
    if isinstance(expression, Product) or _is(expression, "multiply"):
        return any(of)
    if isinstance(expression, Where):
        return all(of[1:])
    if isinstance(expression, View | Sum) or _is(expression, "divide"):
        return of[0]
    if isinstance(expression, Total | Stack) or _is(expression, "negative", "add", "subtract"):
        return all(of)
    return is_zero(expression)


def _is(expression: Expression, *functions: str) -> bool:
    return isinstance(expression, Apply) and expression.function in functions
