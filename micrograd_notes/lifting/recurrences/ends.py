"""Derivatives between the steps of a recurrence, on their way back through the tape.

In each step, a state gets a derivative from the step after it, and perhaps others, from what reads
this state outside of the steps:

    loss = h[9] ** 2:                      loss = h[1] + ... + h[9]:
    dh = 2 * h[9]                          dh = 0                    # no step comes after the last
    for t in reversed(range(9)):           for t in reversed(range(9)):
        dh = dh * slope[t]                     dh = (1 + dh) * slope[t]

The last step has none after it. So that it is like the others, a leaf stands for what comes from
there: 0, or all that comes from outside if only the last state is read there. `differentiate` in
`passes/record.py` calls `cross` wherever it comes to the end of a step.
"""

from __future__ import annotations

from collections.abc import Sequence

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.lifting.recurrences.kinds import kinds_of
from micrograd_notes.lifting.recurrences.starts import join, leaf
from micrograd_notes.lifting.trace.columns import Bools, Columns
from micrograd_notes.lifting.trace.tape import Recording, Start, Steps


class UnlikeError(Exception):
    """The steps are alike, but not their derivatives: some states are read near the end alone."""


class Ends:
    """The ends of all steps, and the derivatives that wait for them.

    `contributions` has for each number of the tape the terms of its derivative so far, and
    `passed_on` the numbers whose derivative is that of another one.
    """

    def __init__(
        self, recording: Recording, contributions: list[list[int] | None], passed_on: set[int]
    ) -> None:
        self.recording, self.tape, steps = recording, recording.tape, recording.steps
        self.contributions, self.passed_on = contributions, passed_on
        self.outside: dict[int, list[int]] = {}  # what comes from outside, by the state
        self.leaves: dict[int, tuple[int, int]] = {}  # and their sources, by the last state
        self.crossed: dict[int, tuple[list[int], int]] = {}  # derivatives, and the tape's length
        self.copies = {*self.tape.passed}  # states that are passed on to a later step
        self.needed = self._needed() if steps else np.ones(len(self.tape), dtype=bool)
        self.at = {at: (each, k) for each in steps for k, at in enumerate(each.begins)}

    def _needed(self) -> Bools:
        """Returns which numbers the outputs are computed from, also through leaves."""
        columns, everyone = Columns.of(self.tape), np.ones(len(self.tape), dtype=bool)
        leaves = [(i, op) for i, op in enumerate(self.tape.ops) if isinstance(op, Start)]
        roots = {*self.recording.outputs}
        while True:
            needed = columns.reached([*roots], everyone)
            before = len(roots)
            roots |= {self._source(i, op) for i, op in leaves if needed[i]}
            if len(roots) == before:
                return needed

    def _source(self, leaf: int, array: Start) -> int:
        """Returns the number that a leaf stands for."""
        return self.recording.alive[array.sources[self.tape.operands[leaf][0]]]

    def cross(self, at: int) -> None:
        """Makes one number of what each state gets from the step that begins at a place."""
        steps, k = self.at[at]
        if k == len(steps.begins) - 1:
            self._start(steps)
        passed = [-1] * len(steps.totals)
        copies = [n for n, state in enumerate(steps.states[1]) if state in self.copies]
        others = [n for n in range(len(passed)) if n not in copies]
        for n in [*others, *reversed(copies)]:  # a copy's derivative is passed on before it changes
            state = steps.states[k][n]
            if steps.totals[n]:
                continue
            later = self.contributions[state] or []
            if later and state not in self.leaves:
                later = [self._sum(later)]
            passed[n] = later[0] if later else -1
            self.tape.passed |= {*later}
            self.tape.adjoint_of |= dict.fromkeys(later, state)
            if terms := [*later, *self.outside.pop(state, [])]:
                self.contributions[state] = terms
                self.passed_on.discard(state)
        self.crossed[at] = passed, len(self.tape)

    def pass_on(self, at: int, derivative: int) -> None:
        """Passes the derivative by a leaf on to the number that it stands for."""
        op = self.tape.ops[at]
        if isinstance(op, Start):
            source = self._source(at, op)
            if not op.steps and self.tape.adjoint_of.get(derivative) != at:
                derivative = self._sum([derivative])  # as those of other steps, with more terms
                self.tape.adjoint_of[derivative] = at
            self.contributions[source] = [*(self.contributions[source] or []), derivative]
            self.passed_on.discard(source)

    def finish(self) -> None:
        """Makes arrays of the leaves, when all derivatives are known."""
        for steps in self.recording.steps:
            (first, begin), (second, _) = (self.crossed[at] for at in steps.begins[1::-1])
            both = zip(steps.states[-1], first, second, strict=True)
            found = [(*self.leaves[last], x, y) for last, x, y in both if last in self.leaves]
            if not found:
                continue
            leaves, sources, before, after = zip(*found, strict=True)
            if -1 in (*before, *after):
                raise UnlikeError
            states = dict(zip(before, after, strict=True))
            numbers = [*range(steps.begins[1]), *range(begin, len(self.tape))]
            kinds = kinds_of(self.tape, states, numbers, self.recording.has_walls)
            are_data, count = [True] * len(leaves), len(steps.begins) - 1
            join(self.recording, leaves, sources, after, are_data, kinds, count)

    def _start(self, steps: Steps) -> None:
        """Gives each state after the last step a leaf for what comes from the step after it."""
        columns = [*zip(*steps.states, strict=True)]
        moving = [c for c, is_total in zip(columns, steps.totals, strict=True) if not is_total]
        for state in {state for column in moving for state in column}:
            if (terms := self.contributions[state]) is not None:
                self.outside[state] = terms
                self.contributions[state] = None
        sources: dict[int, int] = {}
        for column in moving:
            last = column[-1]
            flows = self.needed[column[1]] and self.tape.flows[column[1]]
            if flows and last not in {*self.leaves, *sources}:  # two states may be one in the end
                is_read = any(state in self.outside for state in column[:-1])
                terms = [] if is_read else self.outside.pop(last, [])
                sources[last] = self._sum(terms) if terms else self.tape.constant(0.0)
        for last, source in sources.items():  # an array of leaves comes after all its sources
            self.leaves[last] = leaf(self.tape), source
            self.contributions[last] = [self.leaves[last][0]]

    def _sum(self, terms: Sequence[int]) -> int:
        made = self.tape.append(ops.add, terms)
        self.tape.kept.add(made)
        return made
