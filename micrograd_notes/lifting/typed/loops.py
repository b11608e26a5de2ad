"""Loops over time: lines that repeat become one loop.

A recurrence is recorded step by step, and each step makes the same lines, which read those of the
step before. `rolled` finds each stretch of lines in which every p lines look like the p lines
before (their `skeleton`, without the lines and the places that they read, is the same), and in
which what they read moves evenly. Numbers may differ from step to step. It works for any
recurrence:

    tanh2 = np.tanh(tanh @ inner.T + xs[:, 1] @ outer.T)         for t in range(1, 4):
    tanh3 = np.tanh(tanh2 @ inner.T + xs[:, 2] @ outer.T)   ->       h[t] = np.tanh(
    tanh4 = np.tanh(tanh3 @ inner.T + xs[:, 3] @ outer.T)                h[t - 1] @ inner.T + ...

A line that is read only within its own step keeps its name. One that only the next step reads is
replaced in each step. Any other is kept for all steps, in an array with a first axis for them. A
sum with a term per step is added up in the loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from micrograd_notes.lifting.typed.expressions import (
    Constant,
    Empty,
    Expression,
    Line,
    Loop,
    Number,
    Part,
    Program,
    Read,
    Spread,
    Step,
    Sum,
    Total,
    plus,
    total,
)

LEAST = 4  # steps that make a loop


def rolled(program: Program) -> Program:
    """Returns the program with lines, and loops for those that repeat, all in `forward`."""
    _Roller(program).run()
    return program


# ---- what lines have in common -------------------------------------------------------------------

Hole = Line | int | Number


def skeleton(expression: Expression, holes: list[Hole]) -> Any:
    """Returns what an expression is without its lines, places and numbers; these are added."""
    if isinstance(expression, Read) and isinstance(expression.source, Line):
        holes.append(expression.source)
        return expression.source.shape
    if isinstance(expression, Number):
        holes.append(expression)
        return Number
    if isinstance(expression, Part):
        index = []
        for each in expression.index:
            if isinstance(each, int):
                holes.append(each)
            index.append("place" if isinstance(each, int) else _plain(each, holes))
        return "part", skeleton(expression.of, holes), tuple(index)
    if isinstance(expression, Read):
        return expression
    found = [_plain(getattr(expression, each.name), holes) for each in fields(expression)]
    return type(expression), tuple(found)


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
    is_line = isinstance(expression, Read) and isinstance(expression.source, Line)
    if is_line or isinstance(expression, Number):
        made: Expression = next(fillings)
        return made
    if isinstance(expression, Part):
        index: list[Any] = []
        for each in expression.index:
            is_place = isinstance(each, int)
            index.append(next(fillings) if is_place else _filled(each, fillings))
        return Part(filled(expression.of, fillings), tuple(index))
    return expression.with_operands([filled(each, fillings) for each in expression.operands])


def _filled(value: Any, fillings: Iterator[Any]) -> Any:
    return filled(value, fillings) if isinstance(value, Expression) else value


def terms_of(expression: Expression) -> list[Expression]:
    """Returns the terms of a sum, from left to right; the sum over an axis is taken of each."""
    if isinstance(expression, Total):
        return [term for operand in expression.of for term in terms_of(operand)]
    if isinstance(expression, Sum):
        terms = terms_of(expression.of)
        if len(terms) >= LEAST and all(term.shape == expression.of.shape for term in terms):
            return [Sum(term, expression.axes) for term in terms]
    return [expression]


# ---- what moves evenly ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A place that starts somewhere and moves by so much per step."""

    start: int
    moves: int


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


@dataclass(frozen=True)
class Numbers:
    """A number for each step."""

    numbers: tuple[Number, ...]


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
        steps = enumerate(self.lines)
        self.where = {line: (j, k) for k, step in steps for j, line in enumerate(step)}

    @property
    def steps(self) -> int:
        """How often its lines are computed."""
        return len(self.lines)

    def unnatural(self) -> tuple[int, ...]:
        """Sorts ways to cut into steps: most steps, little to carry, and nothing left over."""
        return -self.steps, len(self.initial), self.left_over

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
        if isinstance(first, int) and isinstance(second, int):
            even = Place(first, second - first)
            expected = [first + k * even.moves for k in range(len(values))]
            return even if list(values) == expected else None
        if isinstance(first, Number):
            return Numbers(tuple(values))  # type: ignore[arg-type]
        if second in self.where:
            return self._own(values, position)
        if all(value is first for value in values):
            return None if first in self.where else Fixed(first)  # type: ignore[arg-type]
        for window in earlier:
            for at in range(len(window.lines[0])):
                steps = [window.step_of(value, at) for value in values]
                if None not in steps:
                    start, moves = steps[0], steps[1] - steps[0]  # type: ignore[operator]
                    if steps == [start + k * moves for k in range(len(steps))]:  # type: ignore[operator]
                        return Series(window, at, start, moves)  # type: ignore[arg-type]
        return None

    def _own(self, values: Sequence[Hole], position: int) -> Filling | None:
        at, step = self.where[values[1]]  # type: ignore[index]
        ago = 1 - step
        expected = [self.lines[k - ago][at] for k in range(ago, len(values))]
        if ago not in (0, 1) or (ago == 0 and at >= position) or list(values[ago:]) != expected:
            return None
        if ago == 1 and position == len(self.lines[0]):
            return None  # a sum after the last line would read what is already replaced
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


def stretches(kinds: Sequence[int]) -> list[tuple[int, int, int]]:
    """Returns (begin, end, period) for each stretch that repeats, the longest first.

    >>> stretches([7, 1, 2, 1, 2, 1, 2, 1, 2, 1, 3])
    [(1, 10, 2)]
    """
    import numpy as np

    numbers = np.array(kinds)
    found: list[tuple[int, int, int]] = []
    for period in range(1, len(kinds) // LEAST + 1):
        same = np.concatenate([[False], numbers[period:] == numbers[:-period], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        for begin, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            end = last + period
            is_known = any(b <= begin and end <= e and period % p == 0 for b, e, p in found)
            if (end - begin) // period >= LEAST and not is_known:
                found.append((begin, end, period))
    return sorted(found, key=lambda stretch: stretch[0] - stretch[1])


class _Roller:
    def __init__(self, program: Program) -> None:
        self.program, self.windows = program, list[Window]()

    def run(self) -> None:
        self.lines = _with_whole_terms(self.program)
        self.order = {line: k for k, line in enumerate(self.lines)}
        self.holes_of: dict[Line, list[Hole]] = {line: [] for line in self.lines}
        known: dict[Any, int] = {}
        self.kinds = []
        for line in self.lines:
            kind = skeleton(line.value, self.holes_of[line])
            key = line if line.derivative_of is not None else kind
            self.kinds.append(known.setdefault(key, len(known)))
        self._find(0, len(self.lines))
        outside = [line for line in self.lines if not self._is_inside(line)]
        rest = {line: self._without_sums(line) for line in outside}
        self._decide_what_is_kept(outside, rest)
        self.program.forward = list(self._steps(outside, rest))
        self.program.result = self._reading(self.program.result)
        for window in self.windows:
            for line, (position, _) in window.where.items():
                built = self.built[window]
                self.program.stands_for[line] = built.arrays.get(position, built.body[position])

    def _find(self, first: int, last: int) -> None:
        """Finds the windows among some lines, from left to right."""
        if last - first < LEAST:
            return
        for begin, end, period in stretches(self.kinds[first:last]):
            ways = self._ways(first + begin, first + end, period)
            fitting = [window for window in ways if window.fits(self.windows)]
            if fitting:
                window = min(fitting, key=Window.unnatural)
                self._find(first, window.start)
                self.windows.append(window)
                self._find(window.start + window.steps * len(window.lines[0]), last)
                return

    def _ways(self, begin: int, end: int, period: int) -> Iterator[Window]:
        """Yields a stretch cut into steps in all ways, from each of its first lines."""
        for start in range(begin, min(begin + period, end - LEAST * period) + 1):
            most = (end - start) // period
            for steps in range(most, max(most - 2, LEAST - 1), -1):
                cuts = range(start, start + steps * period, period)
                parts = [list(self.lines[cut : cut + period]) for cut in cuts]
                yield Window(start, parts, self.holes_of, end - start - steps * period)

    def _is_inside(self, line: Line) -> bool:
        return any(line in window.where for window in self.windows)

    # ---- sums ----------------------------------------------------------------------------------

    def _without_sums(self, line: Line) -> list[Expression]:
        """Moves terms of a line that are one per step to their loop, and returns the others."""
        terms = terms_of(line.value)
        alike: dict[Any, list[Expression]] = {}
        for term in terms:
            alike.setdefault(skeleton(term, []), []).append(term)
        for group in alike.values():
            for window in reversed(self.windows):
                if self.order[line] > window.start and window.lines[0]:
                    terms = self._moved_into(window, line, group, terms)
        for group in alike.values():
            left = [term for term in group if any(term is each for each in terms)]
            terms = self._in_a_loop_of_its_own(line, left, terms)
        return terms

    def _in_a_loop_of_its_own(
        self, line: Line, group: list[Expression], terms: list[Expression]
    ) -> list[Expression]:
        """Moves terms that read what is kept for all steps to a new loop, after the others."""
        holes = [holes_of(term) for term in group]
        for hole in range(len(holes[0]) if len(group) >= LEAST else 0):
            for window in [each for each in self.windows if each.lines[0]]:
                for position in range(len(window.lines[0])):
                    steps = [window.step_of(found[hole], position) for found in holes]
                    known = [(s, k) for k, s in enumerate(steps) if s is not None]
                    chosen = [k for _, k in sorted(known)]
                    for first, last in ((0, 0), (0, 1), (1, 0), (1, 1)):
                        some = chosen[first : len(chosen) - last]
                        if len(some) < LEAST:
                            continue
                        columns = zip(*[holes[k] for k in some], strict=True)
                        own = Window(self.order[line], [[] for _ in some], {})
                        moving = [own.moving(column, self.windows, 0) for column in columns]
                        if None in moving:
                            continue
                        moved = [group[k] for k in some]
                        own.sums.append((line, moved[1], moving))  # type: ignore[arg-type]
                        self.windows.append(own)
                        return [t for t in terms if not any(t is each for each in moved)]
        return terms

    def _moved_into(
        self, window: Window, line: Line, group: list[Expression], terms: list[Expression]
    ) -> list[Expression]:
        holes = [holes_of(term) for term in group]
        for hole in range(len(holes[0]) if len(group) >= window.steps else 0):
            in_step: dict[tuple[int, int], tuple[Expression, list[Hole]]] = {}
            for term, found in zip(group, holes, strict=True):
                at = window.where.get(found[hole])  # type: ignore[arg-type]
                if at is not None:
                    in_step.setdefault((at[0], at[1]), (term, found))
            for position in range(len(window.lines[0])):
                chosen = [in_step.get((position, k)) for k in range(window.steps)]
                if None in chosen:
                    continue
                columns = zip(*[found for _, found in chosen], strict=True)  # type: ignore[misc]
                end = len(window.lines[0])
                moving = [self._in_a_sum(window, column, end) for column in columns]
                if None not in moving:
                    moved = [term for term, _ in chosen]  # type: ignore[misc]
                    window.sums.append((line, moved[1], moving))  # type: ignore[arg-type]
                    return [term for term in terms if not any(term is each for each in moved)]
        return terms

    def _in_a_sum(self, window: Window, values: Sequence[Hole], end: int) -> Filling | None:
        earlier = self.windows[: self.windows.index(window)]
        found = window.moving(values, earlier, end)
        if isinstance(found, Fixed):
            return found if self.order[found.line] < window.start else None
        return found if not isinstance(found, Own) or found.ago == 0 else None

    # ---- what is kept --------------------------------------------------------------------------

    def _decide_what_is_kept(
        self, outside: Sequence[Line], rest: dict[Line, list[Expression]]
    ) -> None:
        for window in self.windows:
            for line in window.initial.values():
                self._keep_if_not_last(line)
            lists = [*enumerate(window.fillings)]
            lists += [(len(window.lines[0]), moving) for _, _, moving in window.sums]
            for reader, moving in lists:
                for each in moving:
                    if isinstance(each, Own) and each.ago and reader > each.position:
                        window.kept.add(each.position)
                    if isinstance(each, Series):
                        each.window.kept.add(each.position)
                    if isinstance(each, Fixed):
                        self._keep_if_not_last(each.line)
        for expression in [self.program.result, *[term for e in outside for term in rest[e]]]:
            for line in expression.lines():
                self._keep_if_not_last(line)

    def _keep_if_not_last(self, line: Line) -> None:
        for window in self.windows:
            if line in window.where and window.where[line][1] < window.steps - 1:
                window.kept.add(window.where[line][0])

    # ---- the steps -----------------------------------------------------------------------------

    def _steps(
        self, outside: Sequence[Line], rest: dict[Line, list[Expression]]
    ) -> Iterator[Line | Loop]:
        self.built: dict[Window, _Built] = {}
        for window in self.windows:
            self.built[window] = _Built(window, self.built)
        summed: dict[Line, Line] = {}
        for window in self.windows:
            for line, _, _ in window.sums:
                if line.derivative_of is None and line not in summed:
                    zero = Number(0.0)
                    start = Spread(zero, line.shape) if line.shape else zero
                    summed[line] = Line(start, holds=line)
        begun: set[Line] = set()
        for k, line in enumerate(self.lines):
            for window in [each for each in self.windows if each.start == k]:
                own = {each for each, _, _ in window.sums if each in summed} - begun
                yield from [summed[each] for each in outside if each in own]
                begun |= own
                yield from self.built[window].before(self._read_line)
                yield self.built[window].loop(self._read_line, summed)
            if line in rest:
                yield from self._after(line, rest[line], summed)

    def _after(
        self, line: Line, terms: list[Expression], summed: dict[Line, Line]
    ) -> Iterator[Line]:
        """Yields a line outside of the loops, with the terms that are left."""
        is_added_to = any(line is each for window in self.windows for each, _, _ in window.sums)
        terms = [self._reading(term) for term in terms]
        if not is_added_to:
            line.value = self._reading(line.value)
            yield line
        elif line.derivative_of is None:
            line.value = total([*terms, Read(summed[line])])
            yield line
        elif terms:
            line.value, line.adds = total(terms), True
            yield line

    def _reading(self, expression: Expression) -> Expression:
        holes = holes_of(expression)
        made = (self._read_line(each) if isinstance(each, Line) else each for each in holes)
        return filled(expression, made)

    def _read_line(self, line: Line) -> Expression:
        """Returns the expression that reads a line from outside of its loop."""
        for window in self.windows:
            if line in window.where:
                return self.built[window].read(*window.where[line])
        return Read(line)


class _Built:
    """A window's loop, its lines, and the arrays of what is kept."""

    def __init__(self, window: Window, built: Mapping[Window, _Built]) -> None:
        self.window, self.built = window, built
        self.body = window.lines[-1]
        self.counts = self._counts(built)
        first = self.counts.start - self.counts.step * bool(window.initial)
        slots = [first, self.counts[-1], self.counts[0]]
        # Slot t is for step t, unless that leaves several empty ones before it.
        self.shift = min(slots) if min(slots) not in (0, 1) else 0
        self.first = first - self.shift
        self.arrays: dict[int, Line] = {}
        for position in sorted(window.kept):
            line = self.body[position]
            shape = (max(slots) - self.shift + 1, *line.shape)
            self.arrays[position] = Line(Empty(shape), holds=line)

    def _counts(self, built: Mapping[Window, _Built]) -> range:
        """Returns the values of t: the places of the data that are read, if there are any."""
        lists = [*self.window.fillings, *[moving for _, _, moving in self.window.sums]]
        moves = [each for moving in lists for each in moving]
        places = [each for each in moves if isinstance(each, Place) and abs(each.moves) == 1]
        series = [each for each in moves if isinstance(each, Series) and abs(each.moves) == 1]
        begin, step = int(bool(self.window.initial)), 1
        if places:
            begin, step = places[0].start, places[0].moves
        elif series:
            begin, step = built[series[0].window].slots_of(series[0])
        return range(begin, begin + step * self.window.steps, step)

    def slots_of(self, series: Series) -> tuple[int, int]:
        """Returns the slot of a line in the first step of another loop, and how it moves."""
        step = self.counts.step
        return self.counts.start + step * series.start - self.shift, step * series.moves

    def before(self, read: Any) -> Iterator[Line]:
        """Yields lines for what the first step needs."""
        for position, array in self.arrays.items():
            yield array
            if position in self.window.initial:
                start = Part(Read(array), (self.first,))
                yield Line(read(self.window.initial[position]), target=start)
        for position, line in self.window.initial.items():
            if position not in self.arrays:
                self.body[position].again = first = Line(read(line), holds=self.body[position])
                yield first

    def loop(self, read: Any, summed: dict[Line, Line]) -> Loop:
        """Returns the loop."""
        window, values = self.window, []
        for position, moving in enumerate(window.fillings):
            template = window.lines[1][position].value
            values.append(filled(template, (self._filling(each, read) for each in moving)))
        lines = []
        for position, (line, value) in enumerate(zip(self.body, values, strict=True)):
            line.value = value
            if position in self.arrays:
                line.target = Part(Read(self.arrays[position]), (Step(1, -self.shift),))
            lines.append(line)
        for line, term, moving in window.sums:
            value = filled(term, (self._filling(each, read) for each in moving))
            if line.derivative_of is not None:
                lines.append(Line(value, None, line.derivative_of, line.target, None, True))
            else:
                so_far = summed[line]
                lines.append(Line(plus(Read(so_far), value), again=so_far))
        return Loop(self.counts, lines)

    def _step(self, start: int, moves: int) -> Any:
        """Returns the place that is `start` in the first step and moves by so much, by t."""
        times = moves * self.counts.step
        return Step(times, start - times * self.counts.start) if times else start

    def _filling(self, moving: Filling, read: Any) -> Any:
        match moving:
            case Place(start, moves):
                return self._step(start, moves)
            case Numbers(numbers):
                if len(set(numbers)) == 1:
                    return numbers[0]
                in_order = numbers[:: self.counts.step]
                array = constant([number.value for number in in_order])
                return Part(Read(array), (Step(1, -min(self.counts)),))
            case Fixed(line):
                return read(line)
            case Own(position, ago):
                if position in self.arrays:
                    slot = Step(1, -ago * self.counts.step - self.shift)
                    return Part(Read(self.arrays[position]), (slot,))
                line = self.body[position]
                return Read(line.again if ago and line.again is not None else line)
            case Series(window, position):
                other = self.built[window]
                slot = self._step(*other.slots_of(moving))
                return Part(Read(other.arrays[position]), (slot,))
        raise AssertionError(moving)

    def read(self, position: int, step: int) -> Expression:
        """Returns the expression that reads a line after the loop."""
        if position in self.arrays:
            return Part(Read(self.arrays[position]), (self.counts[step] - self.shift,))
        return Read(self.body[position])


def constant(numbers: Sequence[float]) -> Constant:
    """Returns an array of numbers."""
    import numpy as np

    return Constant(np.array(numbers))


def _with_whole_terms(program: Program) -> list[Line]:
    """Returns the lines, with what only one term of a long sum reads inside of that term."""
    roots = [program.result, *[line.value for line in program.lines]]
    uses = Counter(line for root in roots for line in root.lines())
    once = {line for line, count in uses.items() if count == 1}
    gone: set[Line] = set()

    def whole(expression: Expression) -> Expression:
        if isinstance(expression, Read) and expression.source in once:
            line = expression.source
            assert isinstance(line, Line)
            if len(terms_of(line.value)) < LEAST:
                gone.add(line)
                return whole(line.value)
        return expression.with_operands([whole(operand) for operand in expression.operands])

    for line in program.lines:
        if len(terms_of(line.value)) >= LEAST:
            line.value = whole(line.value)
    return [line for line in program.lines if line not in gone]
