"""Formulas: how a number of a program depends on the sizes of a model.

A family of models is lifted at a few small sizes: at a base, and with one size at a time changed,
of the base or of an earlier member. A number that differs between them, such as the length of an
axis, a bound of a slice, or the 0.25 of a mean over four, is a sum of sizes (steps - 1, side -
kernel + 1), or a constant times powers of such sums: 4 * heads * size, (side - 2)**2 * channels,
1 / steps, size**-0.5. `Formulas.at` finds the simplest formula that fits all members, and returns
its number at other sizes. `fill.py` calls it for each number of a program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite, prod
from typing import Any, NamedTuple

Sizes = Mapping[str, int]
NEAR = (0, -1, 1, -2, 2, -3, 3, -4, 4)
POWERS = [Fraction(k, 2) for k in (2, -2, 1, -1, 4, -4, 3, -3, 6, -6, 8, -8)]
ADDED = (1, -1, 2, -2)
MOST_TIMES, MOST_MORE = 2, 4  # in a sum: at larger multiples, a product would look like a sum
ROUNDINGS = 8 * 2.0**-53  # of a number that was computed from sizes in a few operations
DENOMINATOR = 4096  # of a constant that counts as a fraction, such as the 1/2 of a mean square


class Differ(ValueError):
    """The programs of two members differ in more than numbers, or a number has no formula."""

    def __init__(self, message: str, members: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.members = members


@dataclass(frozen=True)
class Sum:
    """A sum of multiples of sizes, and of a number."""

    multiples: tuple[tuple[str, Fraction], ...]
    number: Fraction = Fraction(0)

    def at(self, sizes: Sizes) -> Fraction:
        """Returns the sum at these sizes."""
        return self.number + sum([k * sizes[name] for name, k in self.multiples], Fraction(0))


Factor = tuple[Sum, Fraction]  # with its power


@dataclass(frozen=True)
class Formula:
    """constant * product of powers + added; `way` chooses how it is rounded."""

    is_whole: bool
    constant: Any
    factors: tuple[Factor, ...]
    added: int = 0
    way: int = 0

    def at(self, sizes: Sizes) -> Any:
        """Returns the number at these sizes; Differ where it would not be a whole number."""
        values = [(each.at(sizes), power) for each, power in self.factors]
        exact = prod([value ** int(power) for value, power in values if power.denominator == 1])
        under = prod([value ** int(2 * power) for value, power in values if power.denominator > 1])
        if self.is_whole:
            number = self.constant * exact + self.added
            if number.denominator != 1:
                raise Differ(f"{number} is not a whole number")
            return int(number)
        way, is_rounded = divmod(self.way, 2)
        once, twice = float(self.constant * exact), float(self.constant) * float(exact)
        number = twice if is_rounded else once
        if under == 1:
            return number
        size, power = (float(under), 0.5) if under > 1 else (float(1 / under), -0.5)
        return [number * size**power, number / size**-power, number * (1 / size) ** -power][way]

    def is_at(self, sizes: Sizes, number: Any, roundings: float = 0.0) -> bool:
        """Returns whether it gives the number at these sizes."""
        try:
            found = self.at(sizes)
        except (Differ, ArithmeticError):
            return False
        return bool(found == number or abs(found - number) <= roundings * abs(number))


class Change(NamedTuple):
    """The size in which a member differs from an earlier one."""

    name: str
    before: int  # place of the earlier member
    after: int
    old: int
    new: int


@dataclass
class Formulas:
    """Finds formulas for numbers of members of these sizes, the first of them the base."""

    members: Sequence[Sizes]
    _known: dict[Any, Formula] = field(default_factory=dict)
    _sums: dict[Sum, None] = field(default_factory=dict)  # found so far

    def __post_init__(self) -> None:
        self.changes = [self._change(k) for k in range(1, len(self.members))]

    def _change(self, k: int) -> Change:
        """Returns the earlier member that differs from member k in one size, and this size."""
        sizes = self.members[k]
        for before, earlier in enumerate(self.members[:k]):
            changed = [name for name in sizes if sizes[name] != earlier[name]]
            if len(changed) == 1:
                return Change(changed[0], before, k, earlier[changed[0]], sizes[changed[0]])
        raise ValueError(f"no earlier member differs in one size from {dict(sizes)}")

    def at(self, numbers: Sequence[Any], sizes: Sizes) -> Any:
        """Returns the number at these sizes, from the number of each member.

        Raises:
            Differ: no formula fits all members.

        >>> formulas = Formulas([{"a": 3, "b": 5}, {"a": 5, "b": 5}, {"a": 3, "b": 7}])
        >>> large = {"a": 10, "b": 100}
        >>> formulas.at([60, 100, 84], large), formulas.at([2, 4, 2], large)
        (4000, 9)
        >>> formulas.at([9, 11, 11], large), formulas.at([1 / 3, 1 / 5, 1 / 3], large)
        (111, 0.1)
        """
        if all(number == numbers[0] for number in numbers):
            return numbers[0]
        key = type(numbers[0]), *numbers
        if key not in self._known:
            self._known[key] = self._found(numbers)
        return self._known[key].at(sizes)

    def _found(self, numbers: Sequence[Any]) -> Formula:
        """Returns the first formula that fits exactly, or else up to roundings."""
        is_whole = isinstance(numbers[0], int)
        candidates = [*self._candidates(numbers, is_whole)]
        for roundings in (0.0,) if is_whole else (0.0, ROUNDINGS):
            for formula in candidates:
                pairs = zip(self.members, numbers, strict=True)
                if all(formula.is_at(sizes, number, roundings) for sizes, number in pairs):
                    return formula
        raise Differ(f"{', '.join(map(str, numbers))} follow no formula of the sizes")

    def _candidates(self, numbers: Sequence[Any], is_whole: bool) -> Iterator[Formula]:
        """Yields formulas, simple ones first, because several may fit so few members."""
        if not all(map(isfinite, numbers)):
            return
        yield from self._products(numbers, (), 0, is_whole, NEAR[:1])
        if is_whole:
            yield from self._sum(numbers)
            for added in ADDED:
                rest = [number - added for number in numbers]
                yield from self._products(rest, (), added, is_whole, NEAR[:1])
        kind: Any = Fraction if is_whole else float
        for several in [*self._sums]:
            sums = [several.at(sizes) for sizes in self.members]
            for power in map(Fraction, (1, -1, 2, -2) if all(sums) else ()):
                values = [kind(one ** int(power)) for one in sums]
                rest = [number / value for number, value in zip(numbers, values, strict=True)]
                yield from self._products(rest, ((several, power),), 0, is_whole, NEAR[:1])
        yield from self._products(numbers, (), 0, is_whole, NEAR)

    def _sum(self, numbers: Sequence[int]) -> Iterator[Formula]:
        grown = {c.name: numbers[c.after] - numbers[c.before] for c in self.changes}
        multiples = {c.name: Fraction(grown[c.name], c.new - c.old)
                     for c in self.changes if grown[c.name]}
        base = self.members[0]
        rest = numbers[0] - sum([k * base[name] for name, k in multiples.items()], Fraction(0))
        # of two members that are compared first, the rest may be of sizes that are alike
        alike = [size for name, size in base.items() if name not in grown]
        most = MOST_MORE + MOST_TIMES * sum(alike)
        if max(map(abs, multiples.values())) <= MOST_TIMES and abs(rest) <= most:
            found = Sum(tuple(multiples.items()), rest)
            self._sums.setdefault(found)
            yield Formula(True, Fraction(1), ((found, Fraction(1)),))

    def _products(
        self, numbers: Sequence[Any], known: tuple[Factor, ...], added: int, is_whole: bool,
        near: Sequence[int],
    ) -> Iterator[Formula]:
        """Yields products that fit, with each way to round them; `numbers` are without `known`."""
        base, factors = self.members[0], list(known)
        if 0 in numbers:
            return
        for change in self.changes:
            before, after = numbers[change.before], numbers[change.after]
            if before != after:
                factor = _power(change, float(after / before), near)
                if factor is None:
                    return
                factors.append(factor)
        at_base = Formula(False, 1, tuple(factors[len(known) :])).at(base)
        constant: Any = Fraction(float(numbers[0]) / at_base).limit_denominator(DENOMINATOR)
        if not abs(float(constant) * at_base - numbers[0]) <= ROUNDINGS * abs(numbers[0]):
            if is_whole:
                return
            constant = float(numbers[0]) / at_base
        for way in range(1 if is_whole else 6):
            yield Formula(is_whole, constant, tuple(factors), added, way)


def _power(change: Change, ratio: float, nears: Sequence[int]) -> Factor | None:
    """Returns the size, or a number near it, and the power that has this ratio."""
    for near in nears:
        if min(change.old, change.new) + near > 0:
            for power in POWERS:
                found = ((change.new + near) / (change.old + near)) ** float(power)
                if abs(found - ratio) <= ROUNDINGS * ratio:
                    return Sum(((change.name, Fraction(1)),), Fraction(near)), power
    return None
