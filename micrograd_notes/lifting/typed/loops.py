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
from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

from micrograd_notes.lifting.trace.starts import LEAST
from micrograd_notes.lifting.typed.before import step_before, vanishes
from micrograd_notes.lifting.typed.building import Built
from micrograd_notes.lifting.typed.expressions import (
    Expression,
    Line,
    Loop,
    Number,
    Program,
    Read,
    Spread,
    Sum,
    total,
)
from micrograd_notes.lifting.typed.share import reached
from micrograd_notes.lifting.typed.windows import (
    Filling,
    Fixed,
    Hole,
    Own,
    Series,
    Window,
    filled,
    holes_of,
    is_number,
    one_step_earlier,
    skeleton,
    stretches,
    terms_of,
)


def rolled(program: Program) -> Program:
    """Returns the program with lines, and loops for those that repeat, all in `forward`."""
    _Roller(program).run()
    return program


class _Roller:
    def __init__(self, program: Program) -> None:
        self.program, self.windows = program, list[Window]()
        self.copies: dict[Expression, Line] = {}  # of arrays that a loop starts with

    def run(self) -> None:
        self.lines = _with_whole_terms(self.program)
        self.holes_of: dict[Line, list[Hole]] = {line: [] for line in self.lines}
        known: dict[Any, int] = {}
        kinds: dict[Line, int] = {}
        for line in self.lines:
            kind = skeleton(line.value, self.holes_of[line])
            key = line if line.derivative_of is not None or is_number(line) else kind
            kinds[line] = known.setdefault(key, len(known))
        in_order, counts = self.lines, Counter(kinds.values())
        self.lines = _with_single_lines_apart(in_order, {e for e in kinds if counts[kinds[e]] == 1})
        self.kinds = [kinds[line] for line in self.lines]
        self._find(0, len(self.lines))
        self.lines = self.lines if self.windows else in_order
        self.order = {line: k for k, line in enumerate(self.lines)}
        outside = [line for line in self.lines if not self._is_inside(line)]
        rest = {line: self._without_sums(line) for line in outside}
        if self.windows:
            outside = self._read_outside(outside, rest)
        self._decide_what_is_kept(outside, rest)
        self.program.forward = list(self._steps(outside, rest))
        self.program.result = self._reading(self.program.result)
        for window, built in self.built.items():
            for line, (position, _) in window.where.items():
                self.program.stands_for[line] = built.arrays.get(position, built.body[position])
            for position, line in window.initial.items():  # so that dh is the derivative by h
                if position in built.arrays:
                    self.program.stands_for.setdefault(line, built.arrays[position])

    def _find(self, first: int, last: int) -> None:
        """Finds the windows among some lines, from left to right."""
        if last - first < LEAST:
            return
        for begin, end, period in stretches(self.kinds[first:last]):
            ways = self._ways(first + begin, first + end, period)
            fitting = [window for window in ways if window.fits(self.windows)]
            if fitting:
                for window in fitting:
                    self._extend(window)
                window = min(fitting, key=Window.unnatural)
                self._take(window)
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

    def _extend(self, window: Window) -> None:
        """Adds the steps before the first that are like the others, but for missing terms."""
        while (before := step_before(window, window.patterns())) is not None:
            taken = {*before.own.values(), *window.where}
            others = [line for line in self.lines[: window.start] if line not in taken]
            others += [line for line in before.initial.values() if line not in self.holes_of]
            if any(taken & {*line.value.lines()} for line in others):
                return
            window.prepend(before)

    def _take(self, window: Window) -> None:
        """Notes that no other loop has the lines of a window that stand before its start."""
        for k, line in enumerate(self.lines[: window.start]):
            if line in window.where:
                self.kinds[k] = -1 - k
        self.copies |= {line.value: line for line in window.initial.values()
                        if isinstance(line.value, Read) and line not in self.holes_of}

    def _is_inside(self, line: Line) -> bool:
        return any(line in window.where for window in self.windows)

    # ---- sums ----------------------------------------------------------------------------------

    def _without_sums(self, line: Line) -> list[Expression]:
        """Moves terms of a line that are one per step to their loop, and returns the others."""
        terms = [self._with_copies(term) for term in terms_of(line.value)]
        named = {id(each.source.value): each for each in terms if _is_sum(each)}
        terms = [each.source.value if _is_sum(each) else each for each in terms]
        alike: dict[Any, list[Expression]] = {}
        for term in terms:
            alike.setdefault(skeleton(term, []), []).append(term)
        for group in alike.values():
            for window in reversed(self.windows):
                count = 0
                while self.order[line] > window.start and window.lines[0] and count != len(terms):
                    count, left = len(terms), [t for t in group if any(t is e for e in terms)]
                    terms = self._moved_into(window, line, left, terms)
        for group in alike.values():
            left = [term for term in group if any(term is each for each in terms)]
            terms = self._in_a_loop_of_its_own(line, left, terms)
        return [named.get(id(term), term) for term in terms]

    def _with_copies(self, expression: Expression) -> Expression:
        """Returns an expression that reads an array which a loop starts with as that state."""
        if expression in self.copies:
            return Read(self.copies[expression])
        return expression.with_operands([*map(self._with_copies, expression.operands)])

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
        """Moves terms that read a line of each step to the loop of these steps."""
        least = window.steps - bool(window.zeros)
        holes = [holes_of(term) for term in group]
        for hole in range(len(holes[0]) if group and len(group) >= least else 0):
            of = {found[hole]: (term, found) for term, found in zip(group, holes, strict=True)}
            for position in range(len(window.lines[0])):
                chosen = [of.get(step[position]) for step in window.lines]
                first = of.get(window.first.get(position, window.lines[0][position]))
                if first is not None:
                    own = window.lines[0][position]
                    first = first[0], [*first[1][:hole], own, *first[1][hole + 1 :]]
                chosen[0] = first
                if None in chosen[1:] or (first is None and position not in window.zeros):
                    continue
                if first is None:
                    moving = self._after_zero(window, position, chosen[1:])  # type: ignore[arg-type]
                else:
                    moving = self._in_a_sum(window, [found for _, found in chosen])  # type: ignore[misc]
                if None not in moving:
                    moved = [each[0] for each in chosen if each is not None]
                    window.sums.append((line, chosen[-1][0], moving))  # type: ignore[arg-type,index]
                    return [term for term in terms if not any(term is each for each in moved)]
        return terms

    def _after_zero(
        self, window: Window, position: int, chosen: Sequence[tuple[Expression, list[Hole]]]
    ) -> list[Filling | None]:
        """Returns how a term moves that the first step does not have, because it is 0 there."""
        term, own = chosen[-1][0], window.lines[-1][position]
        if not vanishes(term, lambda read: isinstance(read, Read) and read.source is own):
            return [None]
        later = Window(window.start, window.lines[1:], {}, initial=dict(enumerate(window.lines[0])))
        moving = self._in_a_sum(later, [found for _, found in chosen], window)
        moving = [each and one_step_earlier(each) for each in moving]
        is_there = all(each.line(0) for each in moving if isinstance(each, Series))
        return moving if is_there else [None]

    def _in_a_sum(
        self, window: Window, holes: Sequence[Sequence[Hole]], whole: Window | None = None
    ) -> list[Filling | None]:
        """Returns how what a term reads moves from step to step."""
        earlier = self.windows[: self.windows.index(whole or window)]
        moving = []
        for values in zip(*holes, strict=True):
            found = window.moving(values, earlier, len(window.lines[0]))
            if isinstance(found, Fixed) and self.order[found.line] >= window.start:
                found = None
            moving.append(None if isinstance(found, Own) and found.ago else found)
        return moving

    def _read_outside(
        self, outside: Sequence[Line], rest: dict[Line, list[Expression]]
    ) -> list[Line]:
        """Returns the lines outside of the loops that something reads."""
        roots = [self.program.result]
        for window in self.windows:
            roots += [line.value for line in [*window.where, *window.initial.values()]]
            roots += [Read(line) for line in window.initial.values()]
        roots += [term for line in outside if line.derivative_of for term in rest[line]]
        read = reached(roots)
        kept = [line for line in outside if line.derivative_of or line in read]
        for window in self.windows:
            window.sums = [each for each in window.sums if each[0] in kept]
        return kept

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
        for line in outside:
            for read in [read for term in rest[line] for read in term.lines()]:
                for window in self.windows:
                    if (position := self._start_of(window, read, line)) is not None:
                        window.kept.add(position)

    def _start_of(self, window: Window, read: Line, reader: Line | None) -> int | None:
        """Returns the position that starts with numbers which a later line reads; None otherwise.
        """
        is_later = reader is not None and self.order[reader] > window.start and is_number(read)
        found = [p for p, start in window.initial.items() if start is read and is_later]
        return found[0] if found else None

    def _keep_if_not_last(self, line: Line) -> None:
        for window in self.windows:
            if line in window.where and window.where[line][1] < window.steps - 1:
                window.kept.add(window.where[line][0])

    # ---- the steps -----------------------------------------------------------------------------

    def _steps(
        self, outside: Sequence[Line], rest: dict[Line, list[Expression]]
    ) -> Iterator[Line | Loop]:
        self.built: dict[Window, Built] = {}
        for window in self.windows:
            self.built[window] = Built(window, self.built)
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
        terms = [self._reading(term, line) for term in terms]
        if not is_added_to:
            line.value = self._reading(line.value, line)
            yield line
        elif line.derivative_of is None:
            line.value = total([*terms, Read(summed[line])])
            yield line
        elif terms:
            line.value, line.adds = total(terms), True
            yield line

    def _reading(self, expression: Expression, reader: Line | None = None) -> Expression:
        holes = holes_of(expression)
        made = [self._read_line(e, reader) if isinstance(e, Line) else e for e in holes]
        return filled(expression, iter(made))

    def _read_line(self, line: Line, reader: Line | None = None) -> Expression:
        """Returns the expression that reads a line from outside of its loop."""
        for window in self.windows:
            if line in window.where:
                return self.built[window].read(*window.where[line])
            if (position := self._start_of(window, line, reader)) is not None:
                return self.built[window].read_start(position)
        return Read(line) if line in self.order else line.value


def _is_sum(term: Expression) -> TypeGuard[Any]:
    """Returns whether a term is a line of its own that only adds up another one."""
    is_line = isinstance(term, Read) and isinstance(term.source, Line)
    return is_line and isinstance(term.source.value, Sum)  # type: ignore[attr-defined]


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


def _with_single_lines_apart(lines: Sequence[Line], single: set[Line]) -> list[Line]:
    """Returns the lines, with those that do not repeat first, or else right before their reader.

    So a * a, or the sum of what all steps make, does not stand between the lines of a step.
    """
    free = [line for line in lines if line in single and not line.value.lines()]
    free = [line for line in free if line.derivative_of is None]
    waiting = {line for line in single if line not in free and line.derivative_of is None}
    found = dict.fromkeys(free)

    def add(line: Line) -> None:
        for read in line.value.lines():
            if read in waiting:
                waiting.remove(read)
                add(read)
        found[line] = None

    for line in lines:
        if line not in waiting and line not in found:
            add(line)
    return [*found, *[line for line in lines if line in waiting]]
