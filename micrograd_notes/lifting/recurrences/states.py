"""All states of a loop, as one array for the code after it that reads them together.

    for x in xs:
        h = step(h, x)                         No h[t] is made like another one: h[2] is made of
        hs.append(h)                           h[1]. So the scores would be as many arrays as there
    scores = softmax([dot(q, h) for h in hs])  are steps, and each share would depend on all of them

So leaves of one array, with an axis for the steps, stand for these numbers, as those of a start do
(`starts.py`). Then hs @ q has all the scores, and the derivatives by the leaves are one array, too,
of which each step reads its place on the way back. Where only one step is read, as a query that is
the last state, leaves of its own stand for those of this step.

If the code after the loop reads each state alone, and adds up the results, it becomes part of the
loop (`typed/loops.py`), which is faster in C. `record.py` calls `with_states` after `with_starts`.
"""

from __future__ import annotations

from functools import cached_property, partial
from itertools import pairwise
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.recurrences.alike import SIGNS, Alike
from micrograd_notes.lifting.recurrences.starts import are_data, join, leaf
from micrograd_notes.lifting.recurrences.steps import LEAST
from micrograd_notes.lifting.trace.columns import Columns
from micrograd_notes.lifting.trace.rewritten import Rewritten
from micrograd_notes.lifting.trace.tape import Recording, Start, Steps

MANY = frozenset(range(-LEAST, 0))  # stands for many steps


def with_states(recording: Recording) -> Recording:
    """Returns the recording with leaves for the states of loops that are read together."""
    for k in range(len(recording.steps)):
        loop = _Loop(recording, recording.steps[k])
        if loop.is_read_together():
            recording = loop.written()
    return recording


class _Loop:
    """The numbers that the steps of a loop make, and what reads them after it."""

    def __init__(self, recording: Recording, steps: Steps) -> None:
        self.recording, self.old = recording, recording.tape
        self.columns, self.begins, self.end = Columns.of(self.old), steps.begins, steps.begins[-1]
        self.made = np.stack(self._made(steps))
        self.step_of = np.full(len(self.old), -1)
        self.step_of[self.made] = np.arange(len(self.made))[:, None]

    def _made(self, steps: Steps) -> list[Ints]:
        """Returns the numbers that each step of a loop makes."""
        is_made = self.columns.is_made
        return [np.flatnonzero(is_made[a:b]) + a for a, b in pairwise(steps.begins)]

    def is_read_together(self) -> bool:
        """Returns whether a number that is no sum depends on many steps in several ways.

        So a score meets the largest one, and a state their mean. In each step of another loop, a
        sum of many steps counts, too.
        """
        old, columns, step_of = self.old, self.columns, self.step_of.tolist()
        inside = np.zeros(len(old), dtype=int)  # the step of another loop that makes it
        for n, each in enumerate(self.recording.steps):
            for k, made in enumerate(self._made(each)):
                inside[made] = n * len(old) + k + 1
        made_in, of = inside.tolist(), dict[int, frozenset[int]]()  # on which steps it depends
        for i in (np.flatnonzero(columns.is_made[self.end :]) + self.end).tolist():
            below = {frozenset([step_of[k]]) if step_of[k] >= 0 else of[k] for k in old.operands[i]
                     if step_of[k] >= 0 or (k in of and made_in[k] in (0, made_in[i]))}
            if below:
                all_steps = frozenset[int]().union(*below)
                of[i] = all_steps if len(all_steps) < LEAST else MANY
                if len(below) > 1 and of[i] is MANY and (old.ops[i] is not ops.add or made_in[i]):
                    return True
        return False

    @cached_property
    def reads(self) -> dict[tuple[int, int], tuple[Any, int]]:
        """The numbers that are read after the loop, and how, by the reader and its operand's place.

        What another loop reads step by step is left out: that loop may join this one.
        """
        columns, codes = self.columns, self.columns.code.tolist()
        are_read = columns.is_read & (columns.below(self.step_of) >= 0)
        are_read[: columns.first[self.end]] = False
        for each in self.recording.steps:
            at = np.stack([*map(columns.places, self._made(each))])
            are_read[at[:, (columns.flat[at] != columns.flat[at[0]]).any(axis=0)]] = False
        found = dict[tuple[int, int], tuple[Any, int]]()
        for at in np.flatnonzero(are_read).tolist():
            i = int(columns.owner[at])
            n, operands, op = at - int(columns.first[i]), columns.operands(i), self.old.ops[i]
            beside = [n, *[codes[k] for m, k in enumerate(operands) if m != n]]
            is_any = op in SIGNS or len(operands) > 2
            found[i, n] = (op, *([] if is_any else beside)), operands[n]
        return found

    @cached_property
    def alone(self) -> set[Any]:
        """The ways in which only one step is read."""
        steps = dict[Any, set[int]]()
        for way, k in self.reads.values():
            steps.setdefault(way, set()).add(int(self.step_of[k]))
        return {way for way, of in steps.items() if len(of) == 1}

    def _kind_of(self) -> dict[int, int]:
        """Returns the kinds of the numbers that are read together, and of those of all steps."""
        is_read = np.zeros(len(self.old), dtype=bool)
        is_read[[k for way, k in self.reads.values() if way not in self.alone]] = True
        keys = Alike(self.old, range(self.begins[1]), {}, self.recording.has_walls).of
        columns = dict[int, list[int]]()
        for at in np.flatnonzero(is_read[self.made].any(axis=0)).tolist():
            columns.setdefault(keys[int(self.made[0, at])], []).append(at)
        kinds = columns.items()
        return {int(k): kind for kind, of in kinds for k in self.made[:, of].reshape(-1)}

    def written(self) -> Recording:
        """Returns the recording with the leaves, right after the last step."""
        old, new, alive, begins = self.old, Rewritten(self.old), self.recording.alive, list[int]()
        starts = [op.sources[old.operands[i][0]] for i, op in enumerate(old.ops)
                  if i >= self.end and isinstance(op, Start)]  # of later loops, in `alive`
        single = {k for way, k in self.reads.values() if way in self.alone}
        single |= {alive[at] for at in starts}
        kind_of = self._kind_of()
        own_kind_of = {k: (n, int(self.step_of[k])) for k, n in kind_of.items() if k in single}
        leaves, own, place = dict[int, int](), dict[int, int](), new.place

        def read(i: int, n: int, k: int) -> int:
            way = self.reads[i, n][0] if (i, n) in self.reads else None
            of = {} if way is None else own if way in self.alone else leaves
            return of.get(k, place[k])

        for i in range(len(old) + 1):
            begins.append(len(new.tape))
            if i == self.end:
                leaves |= {k: self._leaf(new, k) for k in kind_of}
                own |= {k: self._leaf(new, k) for k in own_kind_of}
            if i < len(old):
                place.append(new.copy(i, partial(read, i)))
        made, is_data = self.recording.moved(new.tape, place, begins), are_data(old)
        for at in starts:
            made.alive[at] = own.get(alive[at], made.alive[at])
        for of, by, kinds, rows in (
            (leaves, place, kind_of, len(self.made)), (own, leaves, own_kind_of, 0)
        ):
            sources = [by[k] for k in of]
            each = [bool(is_data[k]) for k in of]
            join(made, [*of.values()], sources, sources, each, [*kinds.values()], 0, rows)
        return made

    def _leaf(self, new: Rewritten, k: int) -> int:
        """Returns a new leaf that stands for a number of the loop."""
        at = leaf(new.tape)
        new.tape.flows[at] = self.old.flows[k]
        new.tape.neighbour_of[at] = at
        new.tape.joined.add(at)  # so that the derivatives by all leaves are one array
        if k in self.old.names:
            new.tape.names[at] = self.old.names[k]
        return at
