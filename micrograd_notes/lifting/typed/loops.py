"""Loops over time: lines that repeat become one loop.

A recurrence is recorded step by step, and each step makes the same lines, which read those of the
step before. It works for any recurrence, forwards and backwards:

    tanh2 = np.tanh(tanh @ inner.T + xs[:, 1] @ outer.T)         for t in range(1, 4):
    tanh3 = np.tanh(tanh2 @ inner.T + xs[:, 2] @ outer.T)   ->       h[t] = np.tanh(
    tanh4 = np.tanh(tanh3 @ inner.T + xs[:, 3] @ outer.T)                h[t - 1] @ inner.T + ...

`rolled` goes through these steps:

1. Lines that no step makes go before all others, and lines that are made once wait (`_apart`).
2. In the rest, lines that look like those some lines before are a stretch, and a loop is cut out of
   it where all that they read moves evenly (`windows.py`).
3. A sum with a term per step, as dW = dz[3].T @ h[2] + dz[2].T @ h[1] + ..., is added up in a loop
   of its own, after the others.
4. A loop whose steps only need those of another one joins it.

A line that is read only within its own step keeps its name. One that only the next step reads is
replaced in each step. Any other is kept for all steps, in an array with a first axis for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeGuard

from micrograd_notes.engine import ops
from micrograd_notes.lifting.recurrences.steps import LEAST
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.building import Built, NoLoop, side_by_side
from micrograd_notes.lifting.typed.expressions import Expression, Line, Loop, Program
from micrograd_notes.lifting.typed.share import reached, starts_of
from micrograd_notes.lifting.typed.windows import (
    Fixed,
    Hole,
    Own,
    Series,
    Window,
    filled,
    holes_of,
    is_number,
    skeleton,
    stretches,
    terms_of,
)

MOST = 4  # lines that look alike in one step, as a = 2 * a and then a = 3 * a


def rolled(program: Program) -> Program:
    """Returns the program with lines, and loops for those that repeat, all in `forward`.

    Raises:
        NoLoop: a recurrence does not become a loop from its first step. Arrange the program of
            `recording.plainer()`.
    """
    _Roller(program).run()
    return program


class _Roller:
    def __init__(self, program: Program) -> None:
        self.program, self.windows = program, list[Window]()

    def run(self) -> None:
        """Goes through the steps that the file lists, and writes the program anew."""
        self._cut_out()
        apart = {*self.starts}.union(*[window.where for window in self.windows])
        outside = [line for line in self.lines if line not in apart]
        moved = self._one_per_step(outside)
        outside = [line for line in outside if moved.get(line, line) is line]
        rest = {e: [] if e in moved else self._without_sums(e) for e in outside}
        if self.windows:
            self._join_loops()
            outside = self._read_outside(outside, rest)
        self._check(outside)
        self._decide_what_is_kept(outside, rest)
        self.program.forward = list(self._steps(outside, rest))
        self.program.result = self._reading(self.program.result)
        for window, built in self.built.items():
            for line, (position, _) in reversed(window.where.items()):  # names of the last step
                self.program.stands_for[line] = built.arrays.get(position, built.body[position])
            for position, line in window.initial.items():  # so that dh is the derivative by h
                if position in built.arrays:
                    self.program.stands_for.setdefault(line, built.arrays[position])

    def _cut_out(self) -> None:
        """Finds the windows, the order of all lines, and where those of the loops are made."""
        self.starts = starts = starts_of(self.program)
        in_order = self.program.lines
        self.holes_of: dict[Line, list[Hole]] = {line: [] for line in in_order}
        known: dict[Any, int] = {}
        kinds: dict[Line, int] = {}
        for line in in_order:
            kind = skeleton(line.value, self.holes_of[line])
            is_apart = line.derivative_of is not None or line in starts or is_number(line)
            kinds[line] = known.setdefault(line if is_apart else kind, len(known))
        counts = Counter(kinds.values())
        single = {line for line in kinds if counts[kinds[line]] == 1}
        self.lines, waiting = _apart(in_order, single, starts)
        self.kinds = [kinds[line] for line in self.lines]
        self._find(0, len(self.lines))
        self.lines = self._in_order(waiting) if self.windows else [*in_order]
        self.order = {line: k for k, line in enumerate(self.lines)}
        self.origin: dict[Any, tuple[Window, int]] = {}  # of lines in loops: where they are made
        for window in self.windows:
            window.start = self.order[window.lines[0][0]]
            self.origin |= {line: (window, at) for at, line in window.initial.items()}
        for window in self.windows:
            self.origin |= {line: (window, at) for line, (at, _) in window.where.items()}

    def _find(self, first: int, last: int) -> None:
        """Finds the windows among some lines, from left to right."""
        if last - first < LEAST:
            return
        for begin, end, period in stretches(self.kinds[first:last]):
            for lines in range(period, MOST * period + 1, period):
                fitting = [*self._ways(first + begin, first + end, lines)]
                if fitting:
                    window = min(fitting, key=self._unnatural)
                    self._find(first, window.start)
                    self.windows.append(window)
                    self._find(window.start + window.steps * lines, last)
                    return

    def _ways(self, begin: int, end: int, period: int) -> Iterator[Window]:
        """Yields the first loop of a stretch, cut into steps in all ways.

        Two loops that look alike, one after the other, are one stretch. So each way has as many
        steps as move evenly.
        """
        last = end - LEAST * period + 1
        start = begin
        while start < last:
            window = self._longest(start, end, period)
            if window is not None:
                yield window
                is_exact = window.left_over == 0 and self._unnatural(window)[1] == 0
                last = start + 1 if is_exact else min(last, start + period)
            start += 1

    def _unnatural(self, window: Window) -> tuple[int, int, int, int]:
        """Sorts ways to cut into steps: most steps, known starts, few of them, nothing left over.
        """
        initial = window.initial.values()
        other = [line not in self.starts for line in initial].count(True) if self.starts else 0
        return -window.steps, other, len(initial), window.left_over

    def _longest(self, start: int, end: int, period: int) -> Window | None:
        """Returns the loop with the most steps that move evenly; None if too few do."""
        found, few, many = None, LEAST - 1, (end - start) // period + 1
        steps = LEAST
        while few < steps < many:
            cuts = range(start, start + steps * period, period)
            parts = [list(self.lines[cut : cut + period]) for cut in cuts]
            window = Window(start, parts, self.holes_of, end - start - steps * period)
            if window.fits(self.windows):
                found, few = window, steps
                steps = many - 1 if steps == LEAST else (few + many) // 2
            else:
                many, steps = steps, (few + steps) // 2
        return found

    def _in_order(self, waiting: set[Line]) -> list[Line]:
        """Returns all lines: what is made once before the loop, or the line, that reads it."""
        found: dict[Line, None] = {}

        def add(line: Line) -> None:
            for read in line.value.lines():
                if read in waiting and read not in found:
                    add(read)
            found[line] = None

        begun = {window.lines[0][0]: window for window in self.windows}
        for line in self.lines:
            for each in begun[line].where if line in begun else ():
                for read in each.value.lines():
                    if read in waiting and read not in found:
                        add(read)
            add(line)
        return [*found, *[line for line in self.holes_of if line in waiting and line not in found]]

    def _join_loops(self) -> None:
        """Makes one loop of two where the steps of the second only need those of the first."""
        joined: list[Window] = []
        for window in self.windows:
            for other in reversed(joined):
                earlier = joined[: joined.index(other)]

                def is_before(thing: Any, other: Window = other, of: Any = earlier) -> bool:
                    return thing in of or self.order.get(thing, other.start) < other.start

                if window.follows(other, is_before):
                    outside = window.join(other)
                    for each in self.windows:
                        each.replace(outside)
                    break
            else:
                joined.append(window)
        self.windows = joined

    # ---- sums ----------------------------------------------------------------------------------

    def _without_sums(self, line: Line) -> list[Expression]:
        """Moves terms of a line that are one per step to a loop, and returns the others."""
        terms = terms_of(line.value)
        named = {id(each.source.value): each for each in terms if _is_sum(each)}
        terms = [each.source.value if _is_sum(each) else each for each in terms]
        alike: dict[Any, list[Expression]] = {}
        for term in terms:
            holes: list[Hole] = []
            kind = skeleton(term, holes)
            alike.setdefault((kind, self._origins(holes)), []).append(term)
        for group in alike.values():
            while moved := self._in_a_loop(line, group):
                group[:] = [term for term in group if not any(term is each for each in moved)]
                terms = [term for term in terms if not any(term is each for each in moved)]
        return [named.get(id(term), term) for term in terms]

    def _origins(self, holes: Sequence[Hole]) -> tuple[Any, ...]:
        """Returns where the lines that something reads are made: in which loop, and which line."""
        return tuple([self.origin.get(each, each) for each in holes if isinstance(each, Line)])

    def _one_per_step(self, outside: Sequence[Line]) -> dict[Line, Line]:
        """Moves derivatives by parameters that each step has for itself to loops of their own.

        They are dW[0] = dz[0].T @ h[0], then dW[1] = dz[1].T @ h[1], and so on. Returns the last of
        such lines for each of them.
        """
        alike: dict[Any, list[tuple[Line, list[Hole]]]] = {}
        for line in outside:
            if line.derivative_of is not None and line.target is not None:
                holes = list[Hole]()
                part = ex.Part(ex.Read(line.derivative_of), line.target.index)
                kind = skeleton(line.value, holes), skeleton(part, holes)
                key = line.derivative_of, kind, self._origins(holes)
                alike.setdefault(key, []).append((line, holes))
        found: dict[Line, Line] = {}
        for group in [each for each in alike.values() if len(each) >= LEAST]:
            lines, holes_of_all = zip(*group, strict=True)
            made = [(*self.origin[e], k) for k, e in enumerate(holes_of_all[0]) if e in self.origin]
            for window, position, hole in made[:1]:
                chosen = _in_steps(window, position, [holes[hole] for holes in holes_of_all])
                if len(chosen) < len(group):
                    break
                last = max(lines, key=self.order.__getitem__)
                if self._adds_up(last, last.value, [holes_of_all[k] for k in chosen]):
                    found |= dict.fromkeys(lines, last)
        return found

    def _in_a_loop(self, line: Line, group: Sequence[Expression]) -> list[Expression]:
        """Adds up terms that read what each step of a loop makes, in a loop of their own.

        Returns them. Of the terms that are alike, the first or the last may be another one.
        """
        if len(group) < LEAST:
            return []
        holes = [holes_of(term) for term in group]
        made = [(*self.origin[e], k) for k, e in enumerate(holes[0]) if e in self.origin]
        for window, position, hole in sorted(made, key=lambda each: -self.windows.index(each[0])):
            chosen = _in_steps(window, position, [found[hole] for found in holes])
            for first, last in ((0, 0), (0, 1), (1, 0), (1, 1)):
                some = chosen[first : len(chosen) - last]
                if len(some) < LEAST:
                    break
                if self._adds_up(line, group[some[1]], [holes[k] for k in some]):
                    return [group[k] for k in some]
        return []

    def _adds_up(self, line: Line, term: Expression, holes: Sequence[Sequence[Hole]]) -> bool:
        """Adds a loop over terms that are alike, by their holes, if these move evenly."""
        own = Window(self.order[line], [[] for _ in holes], {})
        moving = [own.moving(column, self.windows, 0) for column in zip(*holes, strict=True)]
        if None in moving:
            return False
        own.sums.append((line, term, moving))  # type: ignore[arg-type]
        self.windows.append(own)
        return True

    def _read_outside(
        self, outside: Sequence[Line], rest: dict[Line, list[Expression]]
    ) -> list[Line]:
        """Returns the lines outside of the loops that something reads."""
        roots = [self.program.result]
        for window in self.windows:
            roots += [line.value for line in [*window.where, *window.initial.values()]]
            roots += [ex.Read(line) for line in window.initial.values()]
        roots += [term for line in outside if line.derivative_of for term in rest[line]]
        read = reached(roots)
        kept = [line for line in outside if line.derivative_of or line in read]
        for window in self.windows:
            window.sums = [each for each in window.sums if each[0] in kept]
        self.windows = [window for window in self.windows if window.lines[0] or window.sums]
        return kept

    # ---- what is kept --------------------------------------------------------------------------

    def _check(self, outside: Sequence[Line]) -> None:
        """Raises `NoLoop` if a recurrence whose start some line reads is not a loop as a whole.

        Nor is there one if its steps need a line that needs the first of them: k = tanh(b), c * k.
        """
        for window in self.windows:
            moving = [each for every in window.all_fillings() for each in every]
            fixed = [each.line for each in moving if isinstance(each, Fixed)]
            needed = reached([ex.Read(line) for line in fixed if line not in window.where])
            if any(line in window.where for line in needed):
                raise NoLoop
        whole = {
            window.steps for window in self.windows for line in window.initial.values()
            if self.starts.get(line) == window.steps
        }
        roots = [self.program.result, *[line.value for line in outside]]
        read = {line for root in roots for line in root.lines()}
        if not {steps for line, steps in self.starts.items() if line in read} <= whole:
            raise NoLoop
        tape, groups = self.program.grouping.recording.tape, self.program.grouping.groups
        walls = [i for i in tape.neighbour_of if tape.ops[i] is ops.add]
        for line, steps in self.starts.items() if walls else ():
            is_derivative = groups[line.group or 0].members[0] in tape.adjoint_of
            after = self.order[line] if is_derivative else 0
            if all(w.steps < steps - 1 for w in self.windows if w.start >= after):
                raise NoLoop  # walls are not worth steps that stay as they are

    def _decide_what_is_kept(
        self, outside: Sequence[Line], rest: dict[Line, list[Expression]]
    ) -> None:
        for window in self.windows:
            for line in window.initial.values():
                self._keep_if_not_last(line)
            for reader, moving in enumerate(window.all_fillings()):
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
        """Returns the position that starts with what a later line reads; None otherwise."""
        if reader is None or read not in self.starts or self.order[reader] < window.start:
            return None
        return next((p for p, start in window.initial.items() if start is read), None)

    def _keep_if_not_last(self, line: Line) -> None:
        for read in line.value.lines() if line in self.starts else []:  # it is read instead
            self._keep_if_not_last(read)
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
                    zero = ex.Number(0.0)
                    start = ex.Spread(zero, line.shape) if line.shape else zero
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
            line.value = ex.total([*terms, ex.Read(summed[line])])
            yield line
        elif terms:
            line.value, line.adds = ex.total(terms), True
            yield line

    def _reading(self, expression: Expression, reader: Line | None = None) -> Expression:
        holes = holes_of(expression)
        made = [self._read_line(e, reader) if isinstance(e, Line) else e for e in holes]
        return side_by_side(filled(expression, iter(made)))

    def _read_line(self, line: Line, reader: Line | None = None) -> Expression:
        """Returns the expression that reads a line from outside of its loop."""
        for window in self.windows:
            if line in window.where:
                return self.built[window].read(*window.where[line])
            if (position := self._start_of(window, line, reader)) is not None:
                return self.built[window].read_start(position)
        is_inside = line in self.starts or is_number(line)
        return self._reading(line.value) if is_inside else ex.Read(line)


def _in_steps(window: Window, position: int, lines: Sequence[Any]) -> list[int]:
    """Returns the places of lines in the order of the steps that make them, one for each step."""
    steps = {window.step_of(line, position): k for k, line in reversed([*enumerate(lines)])}
    return [steps[step] for step in sorted(step for step in steps if step is not None)]


def _is_sum(term: Expression) -> TypeGuard[Any]:
    """Returns whether a term is a line of its own that only adds up another one."""
    is_line = isinstance(term, ex.Read) and isinstance(term.source, Line)
    return is_line and isinstance(term.source.value, ex.Sum)  # type: ignore[attr-defined]


def _apart(
    lines: Sequence[Line], single: set[Line], starts: Collection[Line]
) -> tuple[list[Line], set[Line]]:
    """Returns the lines that may be those of loops, after all that no step makes; and the others.

    So x - mean for all steps, or the sum of what they make, does not stand between the lines of a
    step. What a step makes depends on what a recurrence starts with; if none is known, it is made
    more than once.
    """
    first: dict[Line, None] = {}
    for line in lines:
        may_be = line.derivative_of is None and (starts or line in single)
        if may_be and all(read in first and read not in starts for read in line.value.lines()):
            first[line] = None
    others = {e for e in single if e not in first and e.derivative_of is None}
    return [*first, *[e for e in lines if e not in first and e not in others]], others
