"""Where the lines of a program are computed, and what is written to while others read it.

A line that one other line reads is computed there, unless something that it reads is written to in
between. A line that shows a part of an array is not copied, unless the array is written to before
the last reader has run. `emit.py` asks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence

from micrograd_notes.lifting.codegen.c.sorts import Sort
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import WHOLE, Line, Loop, lines_of


def derived_early(steps: Sequence[Line | Loop]) -> list[Line | Loop]:
    """Returns the steps, with each derivative right behind what it reads.

    That is still in the cache then, and may leave its room to later arrays.
    """
    found = list[Line | Loop]()
    for step in steps:
        place = len(found)
        if isinstance(step, Loop):
            step = Loop(step.counts, [*lines_of(derived_early(step.lines))])
        elif step.derivative_of is not None:
            while place and not any(_comes_before(step, e) for e in lines_of([found[place - 1]])):
                place -= 1
        found.insert(place, step)
    return found


def _comes_before(derivative: Line, line: Line) -> bool:
    """Returns whether a line writes to what a derivative reads, or to that derivative."""
    read = {each.first for each in derivative.value.lines()}
    is_same = line.derivative_of is derivative.derivative_of
    return is_same or not read.isdisjoint([each.first for each in [line, *line.writes_to]])


class Uses:
    """Finds which lines are `inside` of their reader, and the `fixed` ones, the same in each block.

    `sorts` has those of a program that runs in blocks. `written` are the lines whose arrays others
    write to, with the places of these others in the program. `reads` are the lines whose arrays a
    line reads, also through views and lines that are inside of it.
    """

    def __init__(self, program: ex.Program, sorts: Mapping[Line, Sort]) -> None:
        self.program, self.sorts = program, sorts
        self.lines = list(lines_of(program.steps))
        self.place = {line: k for k, line in enumerate(self.lines)}
        self.written = dict[Line, list[int]]()
        for k, line in enumerate(self.lines):
            for each in line.writes_to:
                self.written.setdefault(each.first, []).append(k)
        targets = [line.target for line in self.lines if line.target is not None]
        roots = [program.result, *targets, *[line.value for line in self.lines]]
        self.counts = Counter(each for root in roots for each in root.lines())
        self.derivatives = Counter(line.derivative_of for line in self.lines)
        self.fixed, self.inside = set[Line](), set[Line]()
        self.reads = dict[Line, set[Line]]()
        self._find_fixed()
        self._find_inside()
        self.last = self._last_readers()

    def is_own(self, line: Line) -> bool:
        """Returns whether a line makes an array that nothing else writes to."""
        return line.is_own and line not in self.written

    def is_written(self, array: Line, after: Line, until: int) -> bool:
        """Returns whether a line behind another one writes to an array, up to a place."""
        places = self.written.get(array, [])
        return bisect_right(places, self.place[after]) < bisect_right(places, until)

    def fills(self, line: Line, loop: Loop | None) -> bool:
        """Returns whether no other line makes a derivative: this one all of it, or step by step."""
        array, target = line.derivative_of, line.target
        if array is None or self.derivatives[array] > 1 or line.adds:
            return False
        if target is None:
            return True
        step, *others = target.index
        if not isinstance(step, ex.Step) or loop is None or any(each != WHOLE for each in others):
            return False
        return sorted(step.times * t + step.plus for t in loop.counts) == [*range(array.shape[0])]

    def _find_fixed(self) -> None:
        for step in self.program.steps if self.sorts else ():
            if isinstance(step, Line) and self.is_own(step) and self.sorts[step] <= Sort.SAME:
                self.fixed |= {step} if self.fixed.issuperset(step.value.lines()) else set()

    def _find_inside(self) -> None:
        reader = {each: line for line in self.lines for each in line.value.lines()}
        stretch, number = dict[Line, int](), 0  # the same between two loops
        for step in self.program.steps:
            number += isinstance(step, Loop)
            stretch |= dict.fromkeys(lines_of([step]), number)
            number += isinstance(step, Loop)
        for line in self.lines:
            read = {each.first for each in line.value.lines()}
            through = [e for e in read if e in self.reads and (e in self.inside or is_view(e))]
            self.reads[line] = read.union(*[self.reads[each] for each in through])
            if self.counts[line] == 1 and self.is_own(line) and (at := reader.get(line)):
                here, there = ((stretch[each], each in self.fixed) for each in (line, at))
                until, reads = self.place[at], self.reads[line]
                if here == there and not any(self.is_written(each, line, until) for each in reads):
                    self.inside.add(line)

    def _last_readers(self) -> dict[Line, int]:
        """Returns the place of each line's last reader, or of the end of the loop that it is in."""
        loops = [step for step in self.program.steps if isinstance(step, Loop)]
        ends = {line: self.place[loop.lines[-1]] for loop in loops for line in loop.lines}
        last = {**self.place}
        for each in self.program.result.lines():
            last[each] = len(list(lines_of(self.program.forward))) - 1
        for line in reversed(self.lines):
            until = last[line] if line in self.inside or is_view(line) else self.place[line]
            for each in line.value.lines():
                is_again = ends.get(line) != ends.get(each)  # in each step
                last[each] = max(last[each], until, ends.get(line, 0) if is_again else 0)
        return last


def is_view(line: Line) -> bool:
    """Returns whether a line shows an array, or a part of it, in some order."""
    return isinstance(line.value, ex.View | ex.Read)
