"""Formulas: how a number of a program depends on the sizes of a model.

A family of models is lifted at a few small sizes. A number that differs between these members, such
as the length of an axis, a bound of a slice, or the 0.25 of a mean over four, is a sum of sizes
(steps - 1, side - kernel + 1), or a constant times powers of sizes and such sums: 4 * heads * size,
(side - 2)**2 * channels, 1 / steps, (inputs + outputs)**-0.5. `Formulas.at` finds the simplest
formula that fits all members, and returns its number at other sizes. `fill.py` calls it for each
number of a program.

A constant times a product fits if the numbers have the ratios of the product's values. So all
products of a few factors are listed once, with the logarithms of these values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, permutations, product
from math import inf, isclose, isfinite, log, prod
from typing import Any

from micrograd_notes.common.extras import numpy as np

Sizes = dict[str, int]
NEAR = (-1, 1, -2, 2, -3, 3, -4, 4)
POWERS = (1, -1, 2, -2, 3, -3, 4, -4)
MOST = 4  # cost of a product, or of a sum without its number
ADDED = (0, 1, -1, 2, -2)
ROUNDINGS = 8 * 2.0**-53  # of a number that was computed from sizes in a few operations
ALIKE = 1e-12  # logarithms of ratios that are equal
MARGIN = 1  # by which a formula may cost more than another that fits, and be the right one
NO_FORMULA = "{} follow no formula of the sizes"
DENOMINATOR = 4096  # of a constant that counts as a fraction, such as the 1/2 of a mean square


def in_words(sizes: Sizes) -> str:
    """Returns sizes for a message, and what an axis of the data has that follows none of them.

    >>> in_words({"inputs": 5, "the axis of 9": 3})
    'inputs=5, 3 for the axis of 9'
    """
    return ", ".join([f"{name}={size}" if name.isidentifier() else f"{size} for {name}"
                      for name, size in sizes.items()])


class Differ(ValueError):
    """The programs of two members differ in more than numbers, or a number has no formula.

    `kind` has the words of the message, with {} for each thing in it that is `given`.
    """

    def __init__(self, kind: str, *given: Any, members: Sequence[Any] = ()) -> None:
        super().__init__(kind.format(*given))
        self.kind, self.given, self.members = kind, given, members

    @property
    def without_formula(self) -> list[str]:
        """The members' numbers that no formula gives, as the message has them."""
        return str(self.given[0]).split(", ") if self.kind == NO_FORMULA else []


def differing(error: Exception, members: Sequence[Any]) -> Differ:
    """Returns the difference of members whose comparison raised an error, whichever it is.

    A step that takes them to be alike may fail anywhere: a name is missing, an axis is negative.
    """
    if isinstance(error, Differ):
        return Differ(error.kind, *error.given, members=members)
    return Differ(f"to compare them raises {type(error).__name__}: {{}}", error, members=members)


@dataclass(frozen=True)
class Sum:
    """A sum of multiples of sizes, and of a number."""

    multiples: tuple[tuple[str, int], ...]
    number: int = 0

    def at(self, sizes: Sizes) -> int:
        """Returns the sum at these sizes."""
        return self.number + sum([k * sizes[name] for name, k in self.multiples])


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
        values = [(Fraction(each.at(sizes)), power) for each, power in self.factors]
        exact = prod([value ** int(power) for value, power in values if power.denominator == 1])
        under = prod([value ** int(2 * power) for value, power in values if power.denominator > 1])
        if self.is_whole:
            number = self.constant * exact + self.added
            if number.denominator != 1:
                raise Differ("a length or a place would be {}, which is not a whole number", number)
            return int(number)
        way, is_rounded = divmod(self.way, 2)
        once, twice = float(self.constant * exact), float(self.constant) * float(exact)
        number = twice if is_rounded else once
        if under == 1:
            return number
        size, power = (float(under), 0.5) if under > 1 else (float(1 / under), -0.5)
        return [number * size**power, number / size**-power, number * (1 / size) ** -power][way]

    def is_like(self, other: Formula, sizes: Sizes) -> bool:
        """Returns whether another formula gives the same at these sizes, but for its rounding."""
        try:
            return isclose(self.at(sizes), other.at(sizes))
        except (Differ, ArithmeticError):  # there is no such number
            return False


def _of_sum(of: Sum) -> Formula:
    return Formula(True, Fraction(1), ((of, Fraction(1)),))


class Formulas:
    """Finds formulas for numbers of members of these sizes, the first of them the base."""

    def __init__(self, members: Sequence[Sizes], most: int = MOST) -> None:
        self.members = members
        self.names = [n for n in members[0] if len({sizes[n] for sizes in members}) > 1]
        every = product(range(-2, 3), repeat=len(self.names))
        sums = [each for each in every if 1 <= sum(map(abs, each)) <= most]
        self._multiples = np.array(sums, int).reshape(len(sums), len(self.names))
        sizes = [[own[name] for own in members] for name in self.names]
        self._sizes = np.array(sizes, int).reshape(len(sizes), len(members))
        # sizes are likely to be factors, and so are sums that were found, as lengths of axes
        self._likely = [Sum(((name, 1),)) for name in self.names]
        self._products = _Products(members, self.names, self._likely, most)
        self._known: dict[Any, Formula] = {}
        self._same = self._of_all_members()
        self.unclear = set[tuple[Formula, Formula]]()  # both fit all members, and one is right
        # sizes at which they part: halves and thirds are whole, and no sum is a product
        self._generic = dict(members[0]) | {n: 60 * 101**k for k, n in enumerate(self.names, 1)}

    def at(self, numbers: Sequence[Any], sizes: Sizes) -> Any:
        """Returns the number at these sizes, from the number of each member.

        Raises:
            Differ: no formula fits all members.

        >>> formulas = Formulas([{"a": 3, "b": 5}, {"a": 5, "b": 6}, {"a": 2, "b": 7}])
        >>> large = {"a": 10, "b": 100}
        >>> formulas.at([60, 120, 56], large), formulas.at([2, 4, 1], large)
        (4000, 9)
        >>> formulas.at([9, 12, 10], large), formulas.at([1 / 3, 1 / 5, 1 / 2], large)
        (111, 0.1)
        """
        if all(number == numbers[0] for number in numbers):
            self.unclear.update(self._same.get(numbers[0], ()))
            return numbers[0]
        key = type(numbers[0]), *numbers
        if key not in self._known:
            self._known[key] = self._found(numbers)
        return self._known[key].at(sizes)

    def _of_all_members(self) -> dict[int, list[tuple[Formula, Formula]]]:
        """Returns the sums and products of two sizes that are one number in all members."""
        found = dict[int, list[tuple[Formula, Formula]]]()
        for one, other in combinations(self._likely, 2):
            both = _of_sum(Sum(one.multiples + other.multiples))
            for each in (both, replace(both, factors=((one, Fraction(1)), (other, Fraction(1))))):
                first, *others = {each.at(sizes) for sizes in self.members}
                if not others:
                    found.setdefault(first, []).append((_of_sum(Sum((), first)), each))
        return found

    def alike(self) -> int:
        """Returns how many sums, or products, grow from member to member as an earlier one does."""
        grown = self._multiples @ (self._sizes - self._sizes[:, :1])
        ratios = [values - values[:, :1] for _, _, values in self._products.lists]
        return _repeated(grown) + _repeated(np.concatenate(ratios))

    def _found(self, numbers: Sequence[Any]) -> Formula:
        """Returns the simplest formula that fits exactly, or else up to roundings."""
        is_whole = isinstance(numbers[0], int)
        candidates = list[tuple[int, Formula]]()
        if is_whole:
            candidates += self._of_sums(numbers)
        if all(map(isfinite, numbers)):
            candidates += self._of_products(numbers, is_whole)
        candidates.sort(key=lambda each: each[0])
        pairs = [*zip(self.members, numbers, strict=True)]
        for roundings in (0.0,) if is_whole else (0.0, ROUNDINGS):
            most, found = inf, None
            for cost, formula in candidates:
                if cost > most:
                    break
                if any(abs(formula.at(sizes) - n) > roundings * abs(n) for sizes, n in pairs):
                    continue
                if found is None:
                    found, most = formula, cost + MARGIN
                elif not found.is_like(formula, self._generic):
                    self.unclear.add((found, formula))
            if found is not None:
                length = found.factors[0][0]
                if found == _of_sum(length) and length not in self._likely:
                    self._likely.append(length)
                    self._products = _Products(self.members, self.names, self._likely, MOST)
                return found
        raise Differ(NO_FORMULA, ", ".join(map(str, numbers)))

    def _of_products(
        self, numbers: Sequence[Any], is_whole: bool
    ) -> Iterator[tuple[int, Formula]]:
        """Yields a constant times a product or its root, rounded in each way, with its cost."""
        for added, root in product(ADDED, (1,)) if is_whole else product((0,), (1, 2)):
            rest = [number - added for number in numbers]
            for cost, factors in self._products.like(rest, root):
                at_base = Formula(False, 1, factors).at(self.members[0])
                constant: Any = Fraction(rest[0] / at_base).limit_denominator(DENOMINATOR)
                if abs(float(constant) * at_base - rest[0]) <= ROUNDINGS * abs(rest[0]):
                    cost += sum(part != 1 for part in constant.as_integer_ratio())
                elif is_whole:
                    continue
                else:
                    constant, cost = rest[0] / at_base, cost + 2
                for way in range(1 if is_whole else 6):
                    made = Formula(is_whole, constant, factors, added, way)
                    yield cost + bool(added), made

    def _of_sums(self, numbers: Sequence[int]) -> Iterator[tuple[int, Formula]]:
        """Yields sums of sizes, with their cost."""
        rest = np.array(numbers) - self._multiples @ self._sizes
        fits = (rest == rest[:, :1]).all(1) & (abs(rest[:, 0]) <= max(NEAR))
        for k in np.flatnonzero(fits):
            pairs = zip(self.names, self._multiples[k].tolist(), strict=True)
            found = Sum(tuple([pair for pair in pairs if pair[1]]), int(rest[k, 0]))
            cost = abs(self._multiples[k]).sum() + min(abs(found.number), 2)
            yield int(cost), _of_sum(found)


class _Products:
    """Products of powers of sizes, and of sums of them, with the logarithms of their values.

    Each factor costs something, so that a simple product comes before others that fit, too.
    """

    def __init__(
        self, members: Sequence[Sizes], names: Sequence[str], likely: Sequence[Sum], most: int
    ) -> None:
        near = {Sum(((name, 1),), k): 2 if abs(k) <= 2 else 3 for name in names for k in NEAR}
        pairs = {Sum(((one, 1), (other, 1))): 2 for one, other in combinations(names, 2)}
        less = {Sum(((one, 1), (other, -1))): 2 for one, other in permutations(names, 2)}
        costs = near | pairs | less | dict.fromkeys(likely, 1)
        sums = [each for each in costs if min(map(each.at, members)) > 0]
        self.factors = [(each, power) for each in sums for power in POWERS
                        if costs[each] + abs(power) <= most + 1]
        cost = np.array([costs[each] + abs(power) - 1 for each, power in self.factors], int)
        place = np.array([sums.index(each) for each, _ in self.factors], int)
        logs = np.array([[power * log(each.at(own)) for own in members]
                         for each, power in self.factors]).reshape(-1, len(members))
        self.lists = [(np.zeros((1, 0), int), np.zeros(1, int), np.zeros((1, len(members))))]
        last = np.full(1, -1)
        while len(last):  # products of one factor more than those before
            chosen, total, values = self.lists[-1]
            fits = (total[:, None] + cost <= most) & (last[:, None] < place)
            row, new = fits.nonzero()
            made = np.column_stack([chosen[row], new]), total[row] + cost[new]
            self.lists.append((*made, values[row] + logs[new]))
            last = place[new]

    def like(self, numbers: Sequence[Any], root: int) -> Iterator[tuple[int, tuple[Factor, ...]]]:
        """Yields the products whose root has the ratios of these numbers, and what they cost."""
        if not min(numbers) * max(numbers) > 0:
            return
        target = root * np.log(np.abs(np.array(numbers, float)))
        for chosen, total, values in self.lists:
            off = values - target
            for k in np.flatnonzero(abs(off - off[:, :1]).max(1) < ALIKE):
                factors = [self.factors[factor] for factor in chosen[k]]
                yield int(total[k]), tuple([(each, Fraction(p, root)) for each, p in factors])


def _repeated(rows: Any) -> int:
    return len(rows) - len({*map(bytes, rows.round(9) + 0.0)})
