"""Stretches of lines that repeat, and how what they read moves from step to step.

`loops.py` looks for a `Window`: lines in which every p lines look like the p lines before (their
`skeleton`, without the lines, places and numbers that they read, is the same). In each of its steps
they read the same things, or those of the step before, or places that move evenly (`Filling`):

    tanh2 = np.tanh(w * tanh1 + xs[:, 1])     skeleton: np.tanh(w * LINE + xs[:, PLACE])
    tanh3 = np.tanh(w * tanh2 + xs[:, 2])     LINE: the same line, one step ago    Own(0, 1)
    tanh4 = np.tanh(w * tanh3 + xs[:, 3])     PLACE: 1, and 1 more per step        Place(1, 1)

A cut, as xs[:, 0:2] @ k and then xs[:, 1:3] @ k, moves as a place does.

Read `building.py` next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.recurrences.steps import LEAST
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import WHOLE, Constant, Expression, Line, Step

# ---- what lines have in common -------------------------------------------------------------------

Hole = Line | int | range | ex.Number | ex.Read  # the places of a cut; an array of numbers


def skeleton(expression: Expression, holes: list[Hole]) -> Any:
    """Returns what an expression is without its lines, places and numbers; these are added."""
    if isinstance(expression, ex.Read) and isinstance(expression.source, Line):
        holes.append(expression.source)
        return expression.source.shape
    if isinstance(expression, ex.Number):
        holes.append(expression)
        return ex.Number
    if isinstance(expression, ex.Part):
        index = []
        for each, places in _cuts(expression):
            if isinstance(each, int) or places:
                holes.append(places or each)
            kind = (places.step, len(places)) if places else "place"
            index.append(kind if isinstance(each, int) or places else _plain(each, holes))
        return "part", skeleton(expression.of, holes), tuple(index)
    if _is_numbers(expression):
        holes.append(expression)  # type: ignore[arg-type]
        return Constant, expression.shape
    if isinstance(expression, ex.Read):
        return expression
    return type(expression), _plain(expression.fields, holes)


def _is_numbers(expression: Expression) -> bool:
    """Returns whether it is an array of numbers that the program holds, not of places."""
    source = expression.source if isinstance(expression, ex.Read) else None
    return isinstance(source, Constant) and source.kind is ex.Kind.NUMBER


def _cuts(of: ex.Part) -> Iterator[tuple[Any, range | None]]:
    """Yields each place of an index, with the places of a cut that may move along its axis."""
    sizes, is_chosen = iter(of.of.shape), any(isinstance(each, Expression) for each in of.index)
    for each in of.index:
        size, places = None if each is None else next(sizes), None
        if isinstance(each, tuple) and isinstance(size, int) and not is_chosen:
            there = range(size)[slice(*each)]
            places = there if 0 < len(there) < size else None
        yield each, places


def _plain(value: Any, holes: list[Hole]) -> Any:
    if isinstance(value, Expression):
        return skeleton(value, holes)
    return tuple([_plain(each, holes) for each in value]) if isinstance(value, tuple) else value


def holes_of(expression: Expression) -> list[Hole]:
    """Returns the lines, places and numbers of an expression."""
    holes: list[Hole] = []
    skeleton(expression, holes)
    return holes


def filled(expression: Expression, fillings: Iterator[Any]) -> Expression:
    """Returns an expression with other things in its holes, in the order of `skeleton`."""
    is_line = isinstance(expression, ex.Read) and isinstance(expression.source, Line)
    if is_line or isinstance(expression, ex.Number) or _is_numbers(expression):
        made: Expression = next(fillings)
        return made
    if isinstance(expression, ex.Part):
        index, turned = list[Any](), list[Any]()
        for each, places in _cuts(expression):
            new = next(fillings) if isinstance(each, int) or places else _filled(each, fillings)
            index.append(each if isinstance(new, range) else new)
            is_back = isinstance(new, ex.Stretch) and each[2] is not None and each[2] < 0
            if not isinstance(new, int | Step):
                turned.append((None, None, -1) if is_back else WHOLE)
        made = ex.Part(filled(expression.of, fillings), tuple(index))
        return ex.part(made, turned) if {*turned} - {WHOLE} else made
    return expression.with_operands([filled(each, fillings) for each in expression.operands])


def _filled(value: Any, fillings: Iterator[Any]) -> Any:
    return filled(value, fillings) if isinstance(value, Expression) else value


def is_number(line: Line) -> bool:
    """Returns whether a line reads nothing but numbers that the program holds."""
    return all(isinstance(source, Constant) for source in line.value.sources())


def terms_of(expression: Expression) -> list[Expression]:
    """Returns the terms of a sum, from left to right; what is done to a sum is done to each.

    That is the sum over an axis, a view, or a mask with 0 elsewhere.
    """
    match expression:
        case ex.Total(of):
            return [term for operand in of for term in terms_of(operand)]
        case ex.Sum(of) | ex.View(of) | ex.Where(_, of, ex.Number(0.0)):
            terms = terms_of(of)
            operands = [[term if e is of else e for e in expression.operands] for term in terms]
            made = [*map(expression.with_operands, operands)] if len(terms) >= LEAST else []
            may_be_less = isinstance(expression, ex.Where)  # as one row for all rows of a mask
            if made and all(
                each.shape == expression.shape and (may_be_less or term.shape == of.shape)
                for each, term in zip(made, terms, strict=True)
            ):
                return made
    return [expression]


# ---- what moves evenly ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A place, or those of a cut, that start somewhere and move by so much per step."""

    start: int
    moves: int
    of_cut: range | None = None

    @property
    def latest(self) -> int:
        """The last place of a cut: the present, if its others are the past."""
        return self.start if self.of_cut is None else max(self.of_cut)


@dataclass(frozen=True)
class Own:
    """The line at a position of the loop, in the same step or in an earlier one."""

    position: int
    ago: int


@dataclass(frozen=True)
class Fixed:
    """The same line in each step."""

    line: Line


@dataclass(frozen=True, eq=False)
class Series:
    """A line of an earlier loop, in another of its steps each time."""

    window: Window
    position: int
    start: int
    moves: int

    def line(self, step: int) -> Line | None:
        """Returns the line that is read in a step; None if that loop has no such step."""
        at = self.start + step * self.moves
        if at == -1:
            return self.window.initial.get(self.position)
        return self.window.lines[at][self.position] if 0 <= at < self.window.steps else None


@dataclass(frozen=True)
class Numbers:
    """A number, or an array of numbers, for each step."""

    numbers: tuple[ex.Number | ex.Read, ...]


Filling = Place | Own | Fixed | Series | Numbers


@dataclass(eq=False)
class Window:
    """A stretch of lines that repeats: `lines[k][j]` is the line at position j in step k."""

    start: int
    lines: list[list[Line]]
    holes_of: Mapping[Line, Sequence[Hole]]
    left_over: int = 0  # how many lines after it look like lines of it
    initial: dict[int, Line] = field(default_factory=dict)  # of positions, before step 0
    fillings: list[list[Filling]] = field(default_factory=list)
    sums: list[tuple[Line, Expression, list[Filling]]] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)  # positions whose lines are kept for all steps

    def __post_init__(self) -> None:
        self.where = {
            line: (j, k) for k, step in enumerate(self.lines) for j, line in enumerate(step)
        }

    @property
    def steps(self) -> int:
        """How often its lines are computed."""
        return len(self.lines)

    def fits(self, earlier: Sequence[Window]) -> bool:
        """Returns whether all that its lines read moves evenly, and notes how it moves."""
        for position in range(len(self.lines[0])):
            holes = [self.holes_of[step[position]] for step in self.lines]
            moving = [self.moving(values, earlier, position) for values in zip(*holes, strict=True)]
            if None in moving:
                return False
            self.fillings.append(moving)  # type: ignore[arg-type]
        return True

    def moving(
        self, values: Sequence[Hole], earlier: Sequence[Window], position: int
    ) -> Filling | None:
        """Returns how a hole's contents move from step to step; None if they do not evenly."""
        first, second = values[:2]
        if isinstance(first, int | range) and isinstance(second, int | range):
            cut = first if isinstance(first, range) else None
            starts = [each.start if isinstance(each, range) else each for each in values]
            assert isinstance(starts[0], int)
            assert isinstance(starts[1], int)
            moves = starts[1] - starts[0]
            expected = [starts[0] + k * moves for k in range(len(values))]
            return Place(starts[0], moves, cut) if starts == expected else None
        if isinstance(first, ex.Number | ex.Read):
            return Numbers(tuple(values))  # type: ignore[arg-type]
        if second in self.where:
            return self._own(values, position)
        if all(value is first for value in values):
            return None if first in self.where else Fixed(first)  # type: ignore[arg-type]
        for window in earlier:  # before which only the first one may be there, or the last one
            if isinstance(second, Line) and second in window.where:
                at, step = window.where[second]
                start = window.step_of(first, at)
                series = None if start is None else Series(window, at, start, step - start)
                if series and all(series.line(k) is value for k, value in enumerate(values)):
                    return series
        return None

    def _own(self, values: Sequence[Hole], position: int) -> Filling | None:
        at, step = self.where[values[1]]  # type: ignore[index]
        ago = 1 - step
        expected = [self.lines[k - ago][at] for k in range(ago, len(values))]
        if ago not in (0, 1) or (ago == 0 and at >= position) or list(values[ago:]) != expected:
            return None
        if ago == 1:
            before = values[0]
            is_new = isinstance(before, Line) and before not in self.where
            if not is_new or self.initial.setdefault(at, before) is not before:  # type: ignore[arg-type]
                return None
        return Own(at, ago)

    def step_of(self, line: Hole, position: int) -> int | None:
        """Returns the step in which a position is this line, -1 for what is there before."""
        if self.initial.get(position) is line:
            return -1
        at = self.where.get(line)  # type: ignore[arg-type]
        return at[1] if at is not None and at[0] == position else None

    # ---- two loops in one ----------------------------------------------------------------------

    def all_fillings(self) -> list[list[Filling]]:
        """Returns how what its lines read moves, and then what its sums read."""
        return [*self.fillings, *[moving for _, _, moving in self.sums]]

    def replace(self, new: Callable[[Filling], Filling]) -> None:
        """Changes how what it reads moves."""
        self.fillings = [[*map(new, moving)] for moving in self.fillings]
        self.sums = [(line, term, [*map(new, moving)]) for line, term, moving in self.sums]

    def follows(self, other: Window, is_before: Callable[[Any], bool]) -> bool:
        """Returns whether its steps can be computed right after those of the other, one by one.

        They must read the same step of the other, or the one before, and apart from these only
        what is there before the other loop.
        """
        found = [each for moving in self.all_fillings() for each in moving]
        series = [each for each in found if isinstance(each, Series)]
        inside = [each for each in series if each.window is other]
        return (
            self.steps == other.steps
            and len(inside) > 0
            and all(each.start in (0, -1) and each.moves == 1 for each in inside)
            and all(each.window is other or is_before(each.window) for each in series)
            and all(is_before(each.line) for each in found if isinstance(each, Fixed))
            and all(map(is_before, self.initial.values()))
        )

    def join(self, other: Window) -> Callable[[Filling], Filling]:
        """Adds its lines to the other loop; returns how a reader of its lines finds them there."""
        below = len(other.lines[0])

        def inside(each: Filling) -> Filling:
            if isinstance(each, Series) and each.window is other:
                return Own(each.position, -each.start)
            return Own(each.position + below, each.ago) if isinstance(each, Own) else each

        def outside(each: Filling) -> Filling:
            if isinstance(each, Series) and each.window is self:
                return Series(other, each.position + below, each.start, each.moves)
            return each

        self.replace(inside)
        for mine, theirs in zip(self.lines, other.lines, strict=True):
            theirs += mine
        other.fillings += self.fillings
        other.sums += self.sums
        other.initial |= {position + below: line for position, line in self.initial.items()}
        other.__post_init__()
        return outside


def stretches(kinds: Sequence[int]) -> list[tuple[int, int, int]]:
    """Returns (begin, end, period) for each stretch that repeats, the longest first.

    >>> stretches([7, 1, 2, 1, 2, 1, 2, 1, 2, 1, 3])
    [(1, 10, 2)]
    """
    numbers = np.array(kinds)
    found: list[tuple[int, int, int]] = []
    for period in range(1, len(kinds) // LEAST + 1):
        same = np.concatenate([[False], numbers[period:] == numbers[:-period], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        begins, ends = edges[::2], edges[1::2] + period
        is_long = (ends - begins) // period >= LEAST
        for begin, end in zip(begins[is_long].tolist(), ends[is_long].tolist(), strict=True):
            if not any(b <= begin and end <= e and period % p == 0 for b, e, p in found):
                found.append((begin, end, period))
    return sorted(found, key=lambda stretch: stretch[0] - stretch[1])
