"""States that are read two or more steps later are passed on from step to step.

    for t in range(2, n):                      for t in range(2, n):
        u.append(a * u[-1] + b * u[-2])   ->       u, v = a * u + b * v, u

On the tape there is no v. So here each step gets one more operation, a sum of one term, for the v
that it passes on: then every step reads the one before it, as in `steps.py`. `starts.py` calls
`with_delays`, and takes the new tape if more operations of it belong to recurrences.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.recurrences.steps import Finder
from micrograd_notes.lifting.trace.rewritten import Rewritten

LATE = (3, 13, 25)  # from one of these steps on, nothing is read from before the first one
Copy = tuple[int, int, int]  # the operation that makes the state, by how many steps, in which step


def with_delays(finder: Finder) -> Iterator[Rewritten]:
    """Yields tapes with states passed on, if some are read two or more steps later."""
    tried = list[dict[tuple[int, int], Copy]]()
    for late in LATE:
        writer, free = _Writer(finder), 0  # where the stretch before it ended
        for period, at in sorted(finder.periods(late), key=lambda each: each[::-1]):
            if at >= free:
                free = writer.pass_on(at, at + late * period, period) or free
        if writer.copies and writer.instead not in tried:
            tried.append(writer.instead)
            yield writer.run()


class _Writer:
    def __init__(self, finder: Finder) -> None:
        self.finder = finder
        self.copies: dict[int, list[tuple[Copy, Copy | int]]] = defaultdict(list)
        self.instead: dict[tuple[int, int], Copy] = {}  # by operation and place of an operand
        self.names: dict[Copy, tuple[int, int]] = {}  # the state at this time, and what is copied

    def pass_on(self, at: int, late: int, period: int) -> int:
        """Notes what the steps around a late one pass on, and returns where they end; 0 if none.

        A number is used evenly from `at` on.
        """
        finder, last = self.finder, len(self.finder.made) - period
        if late >= last or not self._late_edges(late, last, period, at - period).size:
            return 0
        end = finder.first_unlike(range(late, last), period, late - period) + period
        begin = 1 + finder.first_unlike(range(late - 1, -1, -1), period, late, may_start=True)
        readers: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for edge in self._late_edges(late, end - period, period, begin).tolist():
            k, made = int(finder.reader[edge]), int(finder.of[edge])
            readers[begin + (made - begin) % period].append((k, edge - int(finder.offset[k])))
        for first, slots in readers.items():
            self._note(begin, end, period, first, slots)
        return end if readers else 0

    def _late_edges(self, late: int, last: int, period: int, begin: int) -> Ints:
        """Returns where a step reads what a step from `begin` on made, more than a period ago."""
        finder, high = self.finder, min(late + period, last)
        now, then = (slice(*finder.offset[[late + by, high + by]].tolist()) for by in (0, period))
        of, reader = finder.of[now], finder.reader[now]
        if then.stop - then.start != len(of):  # the steps differ
            return np.flatnonzero([])
        is_late = (finder.read[now] != finder.read[then]) & (begin <= of) & (of < reader - period)
        return now.start + np.flatnonzero(is_late)

    def _note(
        self, begin: int, end: int, period: int, first: int, slots: list[tuple[int, int]]
    ) -> None:
        """Notes the copies of a state that the first step makes at a position.

        Those before it are numbered -1, -2, and so on. Each step makes its copies, the oldest ones
        first, before it makes the state anew.
        """
        finder, found, oldest = self.finder, dict[tuple[int, int], Copy](), 0
        numbers = {n: finder.made[at] for n, at in enumerate(range(first, end, period))}
        for late, place in slots:
            made = finder.position[finder.operands(late)[place]]
            ago = -(-(late - made) // period)
            oldest = max(oldest, ago)
            for at in range(begin + (late - begin) % period, end, period):
                n = (made - first + at - late) // period
                number = finder.operands(at)[place]
                if numbers.setdefault(n, number) != number:
                    return  # it starts with something else for this reader
                if n + ago > 0:
                    found[at, place] = first, ago, n + ago - 1
        self.instead |= found
        for step, at in enumerate(range(first, end, period)):
            for ago in range(oldest, 1, -1):
                of = (first, ago - 1, step - 1) if ago > 2 and step else numbers[step - ago + 1]
                self.copies[at].append(((first, ago, step), of))
                self.names[first, ago, step] = numbers[step], numbers[step - ago + 1]

    def run(self) -> Rewritten:
        """Returns the new tape."""
        old = self.finder.tape
        new, made = Rewritten(old, place=[-1] * len(old)), dict[Copy, int]()

        def read(at: int, n: int, i: int) -> int:
            copy = self.instead.get((at, n))
            return write(i) if copy is None else made[copy]

        def write(i: int) -> int:
            if new.place[i] < 0:
                new.place[i] = new.copy(i, partial(read, self.finder.position[i]))
            return new.place[i]

        for i in range(len(old)):
            for copy, of in self.copies.get(self.finder.position[i], ()):
                term = write(of) if isinstance(of, int) else made[of]
                made[copy] = new.tape.append(ops.add, (term,), new.tape.flows[term])
                state, before = map(old.names.get, self.names[copy])
                if before is not None and state is not None:
                    # as the v of u, v = v, a * u + b * v; one that is passed on has a former name
                    is_own = before[1] != state[1] and before[0] == state[0]
                    number = copy[1] - 1 if copy[1] > 2 else ""
                    name = before[1] if is_own else f"{state[1]}_before{number}"
                    new.tape.names[made[copy]] = state[0], name
            write(i)
        new.tape.note_as(old, new.place)
        new.tape.kept |= {*made.values()}
        new.tape.passed |= {*made.values()}
        return new
