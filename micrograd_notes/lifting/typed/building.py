"""A loop made of a window: its lines, and the arrays of what is kept for all steps.

`loops.py` calls it, once it is decided what is kept. Read `ready.py` next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Constant, Expression, Line, Loop, Step
from micrograd_notes.lifting.typed.windows import (
    Filling,
    Fixed,
    Numbers,
    Own,
    Place,
    Series,
    Window,
    filled,
)


class NoLoop(Exception):
    """A line outside of the loops reads what a recurrence starts with, or does not keep."""


def side_by_side(expression: Expression) -> Expression:
    """Returns a stack of what follows each other in the array of a loop as a part of this array."""
    match expression:
        case ex.Stack((ex.Part(ex.Read() as read, (int() as first,)), *_) as parts, axis):
            size, places = read.shape[0], range(len(parts))
            for step in (1, -1):
                slots = tuple([ex.Part(read, (first + k * step,)) for k in places])
                if isinstance(size, int) and parts == slots:
                    cut = ex.every(step, first, len(parts), size)
                    order = [*range(1, len(read.shape))]
                    order.insert(axis if axis >= 0 else len(order), 0)
                    return ex.transposed(ex.part(read, [cut]), order)
    return expression


class Built:
    """A window's loop, its lines, and the arrays of what is kept."""

    def __init__(self, window: Window, built: Mapping[Window, Built]) -> None:
        self.window, self.built = window, built
        self.body = window.lines[-1]
        self.counts = self._counts(built)
        self.arrays: dict[int, Line] = {}
        self.shifts: dict[int, int] = {}
        for position in sorted(window.kept):
            line = self.body[position]
            slots = [self.counts[0], self.counts[-1]]
            if position in window.initial:
                slots.append(self.counts.start - self.counts.step)
            # Slot t is for step t, unless that leaves several empty ones before it.
            self.shifts[position] = shift = min(slots) if min(slots) not in (0, 1) else 0
            shape = (max(slots) - shift + 1, *line.shape)
            self.arrays[position] = Line(ex.Empty(shape), holds=line)

    def _counts(self, built: Mapping[Window, Built]) -> range:
        """Returns the values of t: the places of the data that are read, if there are any."""
        moves = [each for moving in self.window.all_fillings() for each in moving]
        places = [each for each in moves if isinstance(each, Place) and abs(each.moves) == 1]
        series = [each for each in moves if isinstance(each, Series) and abs(each.moves) == 1]
        begin, step = 0, 1
        if places:
            now = min(places, key=lambda each: each.of_cut is not None)
            begin, step = now.latest, now.moves
        elif series:
            latest = max(series, key=lambda each: each.start)  # its step has the same t
            of = built[latest.window].counts
            begin, step = of.start + of.step * latest.start, of.step * latest.moves
        begin -= min(begin, begin + step * (self.window.steps - 1), 0)
        return range(begin, begin + step * self.window.steps, step)

    def slots_of(self, series: Series) -> tuple[int, int]:
        """Returns the slot of a line in the first step of another loop, and how it moves."""
        step = self.counts.step
        start = self.counts.start + step * series.start
        return start - self.shifts.get(series.position, 0), step * series.moves

    def before(self, read: Any) -> Iterator[Line]:
        """Yields lines for what the first step needs."""
        initial = self.window.initial
        for position, array in self.arrays.items():
            yield array
            if position in initial:
                target = self.read_start(position)
                yield Line(read(initial[position]), target=target)
        for position, line in initial.items():
            if position not in self.arrays:
                value = read(line)
                self.body[position].again = again = Line(value, holds=self.body[position])
                yield again

    def loop(self, read: Any, summed: dict[Line, Line]) -> Loop:
        """Returns the loop."""
        window, values = self.window, []
        for position, moving in enumerate(window.fillings):
            template = window.lines[-1][position].value
            values.append(filled(template, (self._filling(each, read) for each in moving)))
        lines = []
        for position, (line, value) in enumerate(zip(self.body, values, strict=True)):
            line.value = value
            if position in self.arrays:
                line.target = self._kept(position, Step(1, -self.shifts[position]))
            lines.append(line)
        for line, term, moving in window.sums:
            fillings = (self._filling(each, read) for each in moving)
            value, target = filled(term, fillings), line.target
            if line.derivative_of is not None:
                places = [*fillings]  # of the step's own part of the parameters
                if target is not None and places:
                    target = filled(target, iter(places))  # type: ignore[assignment]
                lines.append(Line(value, None, line.derivative_of, target, None, not places))
            else:
                so_far = summed[line]
                lines.append(Line(ex.plus(ex.Read(so_far), value), again=so_far))
        return Loop(self.counts, lines)

    def _step(self, start: int, moves: int) -> Any:
        """Returns the place that is `start` in the first step and moves by so much, by t."""
        times = moves * self.counts.step
        return Step(times, start - times * self.counts.start) if times else start

    def _filling(self, moving: Filling, read: Any) -> Any:
        match moving:
            case Place(start, moves, None):
                return self._step(start, moves)
            case Place(_, moves, range() as cut):
                first = self._step(min(cut), moves)
                return ex.Stretch(first, len(cut), abs(cut.step)) if moves else cut
            case Numbers(numbers):
                if len(set(numbers)) == 1:
                    return numbers[0]
                in_order = numbers[:: self.counts.step]
                sources = [e.value if isinstance(e, ex.Number) else e.source for e in in_order]
                array = np.array([getattr(each, "array", each) for each in sources])
                return ex.Part(ex.Read(Constant(array)), (Step(1, -min(self.counts)),))
            case Fixed(line):
                return read(line)
            case Own(position, ago):
                if position in self.arrays:
                    slot = Step(1, -ago * self.counts.step - self.shifts[position])
                    return self._kept(position, slot)
                line = self.body[position]
                return ex.Read(line.again if ago and line.again is not None else line)
            case Series(window, position):
                other = self.built[window]
                return other._kept(position, self._step(*other.slots_of(moving)))
        raise AssertionError(moving)

    def read(self, position: int, step: int) -> Expression:
        """Returns the expression that reads a line after the loop."""
        if position in self.arrays:
            return self._kept(position, self.counts[step] - self.shifts[position])
        if step != self.window.steps - 1:
            raise NoLoop
        return ex.Read(self.body[position])

    def read_start(self, position: int) -> ex.Part:
        """Returns the place of what a position starts with, which is kept."""
        return self._kept(position, self.counts.start - self.counts.step - self.shifts[position])

    def _kept(self, position: int, slot: int | Step) -> ex.Part:
        """Returns what a slot has of the steps of a position."""
        return ex.Part(ex.Read(self.arrays[position]), (slot,))
