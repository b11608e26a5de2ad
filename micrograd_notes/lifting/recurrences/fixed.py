"""Ends that never change become states, which each step passes on as they are.

    u = [a] + [u[i] + k * (u[i - 1] - 2 * u[i] + u[i + 1]) for i in range(1, n - 1)] + [b]

On the tape, a step makes only the inner numbers, and those beside an end read a or b, a parameter
or a constant, where all others read a state. So here each step gets one more operation per end, a
sum of one term, as in `delays.py`. Then the ends and the inner numbers, which are sums, too, are
one array. Other inner numbers are not made like the ends:

    u = [a] + [tanh(k * (u[i - 1] + u[i + 1])) for i in range(1, n - 1)] + [b]

They get a sum of one term each, and all these sums are one array, which joins what they are made
of. `starts.py` calls `with_fixed_ends`, and takes the new tape if its states are fewer arrays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.recurrences.alike import SIGNS, Alike
from micrograd_notes.lifting.recurrences.steps import Finder, Recurrence
from micrograd_notes.lifting.trace.rewritten import Rewritten


class End(NamedTuple):
    """A number that never changes, and its place among the states: -1 is before the first one.

    `begin` is where its recurrence begins.
    """

    place: int
    number: int
    begin: int


class Ends(NamedTuple):
    """The ends of a recurrence's array, by the operation's place in a step and the operand's in it.

    `states` are those that are made like the ones that other operations read there, and `after` has
    the first position after the last step that reads one of them, by how it does.
    """

    of: Recurrence
    reads: dict[tuple[int, int], End]
    states: list[int]
    after: dict[Any, int]

    @property
    def each(self) -> list[End]:
        """The ends, in the order of the array."""
        return sorted({*self.reads.values()})

    def read(self, finder: Finder, at: int, n: int, number: int) -> End | None:
        """Returns the end that an operand is, as the step before left it, or the last step."""
        if at >= self.of.stop:
            first = self.after.get(_reading(finder, at, n))
            if first is None:
                return None
            found = [end for end in self.each if end.number == number]
            return found[0 if at < first else -1] if found else None
        end = self.reads.get(((at - self.of.begin) % self.of.period, n))
        return end if at >= self.of.begin and end is not None and end.number == number else None


def fixed_ends(finder: Finder, found: Sequence[Recurrence], with_zeros: bool) -> list[Ends]:
    """Returns the ends of the recurrences that have some.

    A 0 that is added is a wall; it is an end beside other ends, or if asked for `with_zeros`.
    """
    return [each for each in [_ends(finder, of, with_zeros) for of in found] if each.reads]


def with_fixed_ends(finder: Finder, ends: Sequence[Ends], joins: bool) -> Rewritten:
    """Returns the tape with a copy of each end per step, and perhaps of what it joins."""
    new = Rewritten(finder.tape, place=[-1] * len(finder.tape))
    now: dict[End, int] = {}  # the copy of an end after the latest step
    copies = [list[dict[End, int]]() for _ in ends]  # per step
    numbers = {end.number for each in ends for end in each.each}
    sums = {_after(finder, each.of, state, step) for each in ends for state in each.states
            for step in range(each.of.count + 1)}

    def read(at: int, n: int, i: int) -> int:
        for each in ends if i in numbers else ():
            if (end := each.read(finder, at, n, i)) in now:
                return now[end]
        return write(i)

    def write(i: int) -> int:
        if new.place[i] < 0:
            place = partial(read, finder.position[i])
            if finder.tape.ops[i] is ops.subtract and i in sums:
                a, b = finder.tape.operands[i]
                terms = place(0, a), new.put(ops.neg, (place(1, b),), b)
                new.place[i] = new.put(ops.add, terms, i)
            else:
                new.place[i] = new.copy(i, place)
            if joins and i in sums:
                new.tape.kept.add(new.place[i])
                new.place[i] = new.put(ops.add, (new.place[i],), i)
        return new.place[i]

    def copied(end: End) -> int:
        before = now[end] if end in now else write(end.number)
        return new.put(ops.add, (before,), end.number)

    for i, at in enumerate(finder.position):
        for each, made in zip(ends, copies, strict=True):
            if _begins(each.of, at):
                made.append({end: copied(end) for end in each.each if end.place < 0})
        write(i)
        for each, made in zip(ends, copies, strict=True):
            if _ended(each.of, at + 1):
                made[-1] |= {end: copied(end) for end in each.each if end.place >= 0}
                now |= made[-1]
    new.tape.note_as(new.old, new.place)
    for each, made in zip(ends, copies, strict=True):
        for step, of_step in enumerate(made):
            states = [new.place[_after(finder, each.of, state, step)] for state in each.states]
            new.tape.neighbour_of |= dict.fromkeys([*states, *of_step.values()], states[0])
            copies_of_step = {*of_step.values(), *(states if joins else ())}
            new.tape.kept |= copies_of_step
            new.tape.passed |= copies_of_step
            new.tape.joined |= copies_of_step if joins else set()
    return new


def _begins(of: Recurrence, at: int) -> bool:
    """Returns whether a step begins at a position."""
    return at == of.first or (at < of.stop and _ended(of, at))


def _ended(of: Recurrence, at: int) -> bool:
    """Returns whether a step ended before a position."""
    return of.begin <= at <= of.stop and (at - of.begin) % of.period == 0


def _reading(finder: Finder, at: int, n: int) -> Any:
    """Returns how an operation reads an operand: in which place, and beside what."""
    tape, i = finder.tape, finder.made[at]
    op: Any = tape.ops[i]
    others = [tape.ops[k] for m, k in enumerate(tape.operands[i]) if m != n]
    return op, n * (op.arity is not None), frozenset(others)


def _after(finder: Finder, of: Recurrence, state: int, step: int) -> int:
    """Returns a state after a step; the steps are counted from 0."""
    if step == 0:
        return state
    return finder.made[finder.position[of.states[state]] + (step - 1) * of.period]


class _Step:
    """The second step of a recurrence, in which an end is read as states are."""

    def __init__(self, finder: Finder, of: Recurrence) -> None:
        self.finder, self.tape, self.of = finder, finder.tape, of
        self.made = finder.made[of.begin : of.begin + of.period]
        self.reader: dict[int, int] = {}
        self.ways: dict[Any, list[tuple[int, int]]] = {}  # operations of two operands, and which
        for i in self.made:
            for k in self.tape.operands[i]:
                self.reader.setdefault(k, i)
        made = {*self.made}
        for at, i in enumerate(self.made):
            op, operands = self.tape.ops[i], self.tape.operands[i]
            for n, other in enumerate(operands[::-1] if len(operands) == 2 else ()):
                is_kind = op in SIGNS or other in made  # and not one parameter, or one constant
                beside = self.keys.get(other) if is_kind else other
                self.ways.setdefault((op, n, beside, self._role(i)), []).append((at, n))

    def _role(self, i: int) -> Any:
        """Returns how an operation is read first: k * left and k * right are terms of a sum."""
        if i not in self.reader:
            return None
        op, operands = self.tape.ops[self.reader[i]], self.tape.operands[self.reader[i]]
        return op, operands.index(i), (*[self.tape.ops[k] for k in operands if k != i],)

    @cached_property
    def keys(self) -> dict[int, int]:
        """How numbers are made, if all states are of one kind."""
        kinds = dict.fromkeys(self.of.states, 0)
        return Alike(self.tape, [*range(self.made[0]), *self.made], kinds, has_walls=False).of

    def number(self, at: int, n: int) -> int:
        """Returns an operand."""
        return self.tape.operands[self.made[at]][n]

    def may_be_end(self, at: int, n: int) -> bool:
        """Returns whether an operand is older than the first step, and the next step has it, too.
        """
        k, begin = self.number(at, n), self.of.begin
        is_older = k < self.finder.made[self.of.first] or self.tape.ops[k].__class__ is not Op
        then = self.finder.operands(begin + self.of.period + at)[n]
        return is_older and then == k and k not in self.of.states

    def ends(self, with_zeros: bool) -> tuple[dict[tuple[int, int], End], set[int]]:
        """Returns the ends by where they are read, and the states that others read there."""
        found: dict[Any, list[tuple[int, int]]] = {}
        states = set[int]()
        for way, reads in self.ways.items():
            read = {self.number(*each) for each in reads} & {*self.of.states}
            if read and (ends := [each for each in reads if self.may_be_end(*each)]):
                found[way], states = ends, states | read
        at_walls = [way[0] in SIGNS and self.tape.numbers.get(self.number(*each)) == 0
                    for way, ends in found.items() for each in ends]
        if not found or (all(at_walls) and not with_zeros):
            return {}, set()
        places = {k: place for place, k in enumerate(k for k in self.of.states if k in states)}
        last = dict(places)  # the last state below each number
        for i in self.made:
            last[i] = max([last.get(k, -1) for k in self.tape.operands[i]])

        def beside(at: int, n: int) -> int:
            """Returns the place of the last state beside which an operand is read, or -1."""
            i, k = self.made[at], self.number(at, n)
            while True:
                place = max([last.get(m, -1) for m in self.tape.operands[i] if m != k], default=-1)
                if place >= 0 or i not in self.reader:
                    return place
                i, k = self.reader[i], i

        result: dict[tuple[int, int], End] = {}
        for way, ends in found.items():
            moves = Counter([places[k] - beside(*each) for each in self.ways[way]
                             if (k := self.number(*each)) in places])
            [(move, _)] = moves.most_common(1)
            result |= {
                each: End(beside(*each) + move, self.number(*each), self.of.begin) for each in ends
            }
        return result, states


def _ends(finder: Finder, of: Recurrence, with_zeros: bool) -> Ends:
    """Returns what the second step reads where others, which are made alike, read a state."""
    step = _Step(finder, of)
    reads, states = step.ends(with_zeros) if of.first < of.begin else ({}, set[int]())
    if not reads:
        return Ends(of, {}, [], {})
    made = {step.keys.get(of.states[state]) for state in states}
    alike = [k for k, y in of.states.items() if k in states or step.keys.get(y) in made]
    last, after = {_after(finder, of, state, of.count) for state in alike}, dict[Any, int]()
    for at in range(of.stop, len(finder.made)):
        for n, k in enumerate(finder.operands(at)):
            if k in last:
                after.setdefault(_reading(finder, at, n), at)
    return Ends(of, reads, alike, after)
