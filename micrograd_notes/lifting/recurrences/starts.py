"""The first step of a recurrence becomes like all others, and so does the last one.

A state often starts with numbers: h = [0.0] * 3, or with an input, or a parameter. In the first
step these meet the weights where later steps have the state of the step before: 1.0 * w would be
simplified away, and xs[0] * w would join other products with xs. So `passes/record.py` calls
`with_starts`, which finds the steps on the tape of the function (`steps.py`), and writes the first
one like the second, from leaves that stand for the starts of the states:

    %1 = add(0.45, x[0])           %1 = multiply(0.9, start)  %2 = add(%1, x[0])
    %2 = multiply(0.9, %1)   ->    %3 = multiply(0.9, %2)     %4 = add(%3, x[1])
    %3 = add(%2, x[1])             ...

A leaf stands for a number of the tape, here 0.5, which becomes a result of the recording. No pass
looks through the leaf, so later passes find one loop over all steps (`typed/loops.py`). The states
after the last step are results, too, so that this step is complete. Read `ends.py` next, which does
the same for the derivatives, backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from itertools import product
from typing import Any

from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.recurrences.delays import with_delays
from micrograd_notes.lifting.recurrences.fixed import fixed_ends, with_fixed_ends
from micrograd_notes.lifting.recurrences.kinds import kinds_of
from micrograd_notes.lifting.recurrences.steps import Finder, Recurrence, recurrences
from micrograd_notes.lifting.trace.rewritten import Rewritten
from micrograd_notes.lifting.trace.tape import Array, Recording, Start, Steps, Tape


def leaf(tape: Tape) -> int:
    """Returns a new leaf, which becomes one of an array later on."""
    return tape.append(Start("start", (), is_parameter=False), (0,))


def join(
    recording: Recording, leaves: Sequence[int], sources: Sequence[int], last: Sequence[int],
    is_data: Sequence[bool], kinds: Sequence[Any], steps: int, rows: int = 0
) -> None:
    """Makes one array of the leaves of each kind; it may have a first axis for so many steps.

    Each has the number that it stands for, and the state that has its place at the end.
    """
    operands, is_batched = recording.tape.operands, any(a.is_batched for a in recording.inputs)

    def kept(i: int) -> int:
        """Returns the index in `alive` of a number."""
        recording.alive.append(i)
        return len(recording.alive) - 1

    for kind in dict.fromkeys(kinds):
        alike = [k for k, each in enumerate(kinds) if each == kind]
        depends = any(is_data[k] for k in alike)
        axes = [n for n in (rows, len(alike) // (rows or 1)) if n > 1]
        array = Start(
            "start", tuple(axes), is_parameter=False,
            is_batched=depends and is_batched, is_data=depends, steps=steps, rows=rows,
            sources=[kept(sources[k]) for k in alike], where=[kept(last[k]) for k in alike],
            lanes=[*range(len(alike))],
        )
        for place, k in enumerate(alike):
            recording.tape.ops[leaves[k]] = array
            operands.flat[operands.first[leaves[k]]] = place


def are_data(tape: Tape) -> bytearray:
    """Returns for each number whether it depends on an input."""
    found = bytearray(len(tape))
    for i, op in enumerate(tape.ops):
        if op.__class__ is Op:
            found[i] = any(found[k] for k in tape.operands[i])
        elif isinstance(op, Array):
            found[i] = op.is_data if isinstance(op, Start) else not op.is_parameter
    return found


def with_starts(recording: Recording, has_walls: bool = True) -> Recording:
    """Returns the recording with leaves for what its recurrences start with.

    A gradient will flow in each step where it flows in the last one, so recurrences are left alone
    if some of their steps are computed without a gradient.
    """
    if not has_walls:
        recording = replace(recording, tape=recording.tape.without_walls())
    best, changes = _Writer(Finder(recording.tape), has_walls), list[Rewritten]()
    for each in with_delays(best.finder):
        other = best.on(each)
        if other.covered > best.covered:
            best, changes = other, [each]
    own, before = best, changes
    ends_of = cache(partial(fixed_ends, own.finder, own.found))
    for with_zeros, joins in product((False, True), repeat=2) if has_walls else ():
        if best.count_of_kinds() == len(best.found):
            break
        if ends := ends_of(with_zeros):
            fixed = with_fixed_ends(own.finder, ends, joins)
            other = own.on(fixed)
            is_better = other.count_of_kinds() < best.count_of_kinds()
            if is_better and other.covered >= best.covered:
                best, changes = other, [*before, fixed]
    for change in changes if best.found else ():
        recording = recording.moved(change.tape, change.place)
    return best.run(recording) if best.found else recording


class _Writer:
    """Writes the new tape, with the recurrences that are not left alone."""

    def __init__(self, finder: Finder, has_walls: bool) -> None:
        self.finder, self.has_walls = finder, has_walls
        self.old, self.made, self.position = finder.tape, finder.made, finder.position
        self.found = [each for each in recurrences(finder) if self._flows(each)]
        self.place = [-1] * len(self.old)
        self.written = Rewritten(self.old, place=self.place)
        self.new = self.written.tape
        self.steps: list[Steps] = []
        self.sources: dict[int, int] = {}  # the place of what a state starts with

    def on(self, other: Rewritten) -> _Writer:
        """Returns a writer of another tape."""
        return _Writer(Finder(other.tape), self.has_walls)

    @cached_property
    def kinds(self) -> list[list[int]]:
        """The kinds of the states of each recurrence."""
        found = []
        for each in self.found:
            second = self.made[each.begin : each.begin + each.period]
            numbers = [*range(second[0]), *second]
            found.append(kinds_of(self.old, each.states, numbers, self.has_walls))
        return found

    def count_of_kinds(self) -> int:
        """Returns how many arrays the states of all recurrences are."""
        return len([kind for kinds in self.kinds for kind in {*kinds}])

    @cached_property
    def covered(self) -> tuple[int, int, int]:
        """Returns how many operations all steps have, without copies, and how many steps there are.

        The first steps count, too. Between them is, with a minus, how many operations wait for each
        other: four averages of one time are one step, and not four that come one after another.
        """
        operations = steps = waiting = 0
        for each in self.found:
            step = self.made[each.begin : each.begin + each.period]
            steps += each.count + 1
            operations += (each.count + 1) * len({*step} - self.old.passed)
            waiting += (each.count + 1) * self._depth(step)
        return operations, -waiting, steps

    def _depth(self, step: Sequence[int]) -> int:
        """Returns how many operations of a step wait for each other, without copies."""
        depth: dict[int, int] = {}
        for i in step:
            below = max([depth.get(k, 0) for k in self.old.operands[i]], default=0)
            depth[i] = below + (i not in self.old.passed)
        return max(depth.values())

    def _flows(self, found: Recurrence) -> bool:
        """Returns whether a gradient flows in all steps as in the last one, once all states do."""
        last = self.made[found.stop - found.period : found.stop]
        steps = [(self.made[at], last[(at - found.begin) % found.period])
                 for at in range(found.begin, found.stop)]
        second, flows = dict(steps[: found.period]), self.old.flows
        for i, like in [*steps, *[(x, second[y]) for y, x in found.like.items()]]:
            op: Any = self.old.ops[i]
            below = [k for n, k in enumerate(self.old.operands[i]) if op.is_differentiated(n)]
            if flows[i] != flows[like] and (flows[i] or any(flows[k] for k in below)):
                return False
        return True

    def run(self, recording: Recording) -> Recording:
        """Returns the recording on the new tape."""
        self.is_data = are_data(self.old)
        begun = {self.made[found.first]: found for found in self.found}
        gone = {self.made[k] for found in self.found for k in range(found.first, found.begin)}
        for i in range(len(self.old)):
            if i in begun:
                self._write_first_step(begun[i], i)
            if self.place[i] < 0 and i not in gone:
                self.place[i] = self.written.copy(i)
        made = recording.moved(self.new, self.place)
        made.steps, made.has_walls = self.steps, self.has_walls
        for found, steps, kinds in zip(self.found, self.steps, self.kinds, strict=True):
            self._note_steps(made, found, steps, kinds)
        return made

    def _write_first_step(self, found: Recurrence, first: int) -> None:
        second = self.made[found.begin : found.begin + found.period]
        for i in range(first, second[-1]):  # constants that both steps read
            if self.old.ops[i].__class__ is not Op and self.place[i] < 0:
                self.place[i] = self.written.copy(i)
        for state, guess in found.guesses.items():
            self.sources[state] = self.new.constant(guess)
        self.sources |= {state: self.place[i] for state, i in found.starts.items()}
        leaves = [leaf(self.new) for _ in found.states]
        totals = [state in found.totals for state in found.states]
        self.steps.append(Steps([leaves], [], totals))
        here = dict(zip(found.states, leaves, strict=True))
        here |= {state: self.sources[state] for state in found.sums}
        for y in second:
            x = found.like.get(y, y)
            both = zip(self.old.operands[x], self.old.operands[y], strict=True)
            operands = [here[b] if b in here else self.place[a] for a, b in both]
            here[y] = self.written.put(self.old.ops[y], operands, y)
            if x != y:
                self.place[x] = here[y]

    def _note_steps(
        self, recording: Recording, found: Recurrence, steps: Steps, kinds: Sequence[int]
    ) -> None:
        tape, old, count = self.new, self.old, found.count
        moves = [k * found.period for k in range(count + 1)]  # from the second step to a later one
        made = [self.position[i] for i in found.states.values()]
        states = [[*found.states], *[[self.made[at + by] for at in made] for by in moves[:-1]]]
        steps.states += [[self.place[i] for i in after] for after in states]
        ends = [found.begin + by - 1 for by in moves]
        steps.begins = [max(steps.states[0]) + 1, *[self.place[self.made[at]] + 1 for at in ends]]
        sources = [self.sources[state] for state in found.states]
        is_data = [bool(self.is_data[i]) for i in states[-1]]
        if not all(is_data):  # what a state starts with may depend on an input all the same
            begins, pairs = are_data(tape), zip(sources, is_data, strict=True)
            is_data = [bool(begins[first]) or last for first, last in pairs]
        for at in range(found.period * (count + 1)):  # gradients flow as in the last step
            like = self.made[found.begin + found.period * (count - 1) + at % found.period]
            later = found.begin - found.period + at
            new = self.place[self.made[later]] if at >= found.period else steps.begins[0] + at
            tape.flows[new] = old.flows[like]
        for start, state in zip(steps.states[0], states[-1], strict=True):
            tape.flows[start] = old.flows[state]
        join(recording, steps.states[0], sources, steps.states[-1], is_data, kinds, count + 1)
        tape.kept |= {state for after in steps.states[1:] for state in after}
        for start, state in zip(steps.states[0], steps.states[-1], strict=True):
            if state in tape.names:
                tape.names[start] = tape.names[state]
            if state in tape.joined:
                tape.joined.add(start)
                tape.neighbour_of[start] = steps.states[0][0]
