"""Ends that never change become states, which each step passes on as they are.

    u = [u[0]] + [u[i] + k * (u[i - 1] - 2 * u[i] + u[i + 1]) for i in range(1, n - 1)] + [u[-1]]

On the tape, a step makes only the inner numbers, and those beside an end read what was there before
the first step, where all others read a state. So here each step gets one more operation per end, a
sum of one term, as in `delays.py`. Then the ends and the inner numbers are one array. `starts.py`
calls `with_fixed_ends`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.recurrences.alike import SIGNS, Alike
from micrograd_notes.lifting.recurrences.steps import Finder, Recurrence
from micrograd_notes.lifting.trace.rewritten import Rewritten


class Ends(NamedTuple):
    """The ends of a recurrence's array, by the operation's place in a step and the operand's in it.

    `states` are those that are made like the ones that other operations read there, and `after` has
    what reads the last ones.
    """

    of: Recurrence
    reads: dict[tuple[int, int], int]
    states: list[int]
    after: set[Any]

    @property
    def numbers(self) -> list[int]:
        """The ends, each once."""
        return [*dict.fromkeys(self.reads.values())]

    def are_read(self, finder: Finder, at: int, n: int, end: int) -> bool:
        """Returns whether an operand is an end as the step before left it, or the last step."""
        if at >= self.of.stop:
            return end in self.reads.values() and _reading(finder, at, n) in self.after
        place = (at - self.of.begin) % self.of.period
        return at >= self.of.begin and self.reads.get((place, n)) == end


def with_fixed_ends(finder: Finder, found: Sequence[Recurrence]) -> Rewritten | None:
    """Returns the tape with a copy of each end per step; None if no recurrence has such ends."""
    ends = [each for each in [_ends(finder, of) for of in found] if each.reads]
    if not ends:
        return None
    new = Rewritten(finder.tape)
    now: dict[int, int] = {}  # the copy of an end after the latest step
    copies = [list[list[int]]() for _ in ends]  # per step

    def read(at: int, n: int, end: int) -> int:
        is_now = end in now and any(each.are_read(finder, at, n, end) for each in ends)
        return now[end] if is_now else new.place[end]

    for i, at in enumerate(finder.position):
        new.place.append(new.copy(i, partial(read, at)))
        for each, made in zip(ends, copies, strict=True):
            begin, period = each.of.begin, each.of.period
            if begin - 1 <= at < each.of.stop and (at - begin + 1) % period == 0:
                for end in each.numbers:
                    now[end] = new.put(ops.add, (now.get(end, new.place[end]),), end)
                made.append([now[end] for end in each.numbers])
    new.tape.note_as(new.old, new.place)
    for each, made in zip(ends, copies, strict=True):
        for step, of_step in enumerate(made):
            new.tape.kept |= {*of_step}
            new.tape.passed |= {*of_step}
            states = [new.place[_after(finder, each.of, state, step)] for state in each.states]
            new.tape.neighbour_of |= dict.fromkeys([*states, *of_step], states[0])
    return new


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


def _ends(finder: Finder, of: Recurrence) -> Ends:
    """Returns what the second step reads where others, which are made alike, read a state."""
    tape, second = finder.tape, finder.made[of.begin : of.begin + of.period]
    pairs = [(at, tape.ops[i], tape.operands[i]) for at, i in enumerate(second)
             if tape.ops[i] in SIGNS and len(tape.operands[i]) == 2]
    if not any(k in of.states for _, _, pair in pairs for k in pair):
        return Ends(of, {}, [], set())
    keys = Alike(tape, [*range(second[0]), *second], dict.fromkeys(of.states, 0), has_walls=False)
    read = [(at, n, pair[n], (op, n, keys.of.get(pair[1 - n], -1)))
            for at, op, pair in pairs for n in (0, 1)]
    beside: dict[Any, set[int]] = {}  # the states that are read in some way
    for _, _, k, way in read:
        if k in of.states:
            beside.setdefault(way, set()).add(k)
    before, reads, states = finder.made[of.first], dict[tuple[int, int], int](), set[int]()
    for at, n, k, way in read:
        is_older = k not in of.states and (k < before or tape.ops[k].__class__ is not Op)
        if is_older and way in beside and tape.numbers.get(k) != 0:  # a 0 is a wall
            reads[at, n] = k
            states |= beside[way]
    made = {keys.of.get(of.states[state]) for state in states}
    alike = [k for k, y in of.states.items() if k in states or keys.of.get(y) in made]
    last = {_after(finder, of, state, of.count) for state in alike if reads}
    after = {
        _reading(finder, at, n) for at in range(of.stop, len(finder.made) if reads else 0)
        for n, k in enumerate(finder.operands(at)) if k in last
    }
    return Ends(of, reads, alike, after)
