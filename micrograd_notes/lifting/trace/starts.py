"""The constants that a recurrence starts with become leaves, so that its first step is like others.

A state often starts at numbers: h = [0.0] * 3, or mean = 0.5. In the first step these meet the
weights where later steps have the state of the step before, and 1.0 * w would be simplified away;
Python itself computes 0.9 * mean. So `record.py` calls `with_starts`, which finds the steps on the
tape of the function, and writes the first one like the second, from leaves that hold the numbers,
as if h were another input. Later passes find the loop (`typed/loops.py`).

Steps are operations that repeat with a period, found where a parameter or a constant is used. The
second step is compared with the first from its results down: where it reads a result of the first
step, the first one has what the state starts with. Where it has an operation and the first step a
constant, this operation on the starts must make this constant.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Start, Tape

LEAST = 4  # steps that make a loop
LAGS = 16  # how often one number may be used per step


@dataclass
class Started:
    """A tape with leaves for what states start with, and the new place of each number."""

    tape: Tape
    place: Any
    leaves: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)  # the states after the last step
    like: Mapping[int, int] = field(default_factory=dict)  # of the first step, as named before
    passed_on: Mapping[int, list[int]] = field(default_factory=dict)  # states, by the next step


@dataclass
class _Recurrence:
    """Operations, by their positions, that are like those one period later.

    `states` are what the second step, from `begin`, reads of the first one, each with what the
    third one reads of the second. `inside` has for an operand of the first step, a constant, what
    the second step has in its place.
    """

    period: int
    begin: int
    end: int
    states: dict[int, int]
    starts: dict[int, int] = field(default_factory=dict)
    numbers: dict[int, float] = field(default_factory=dict)  # that states start with
    inside: dict[tuple[int, int], int] = field(default_factory=dict)
    like: set[tuple[int, int]] = field(default_factory=set)  # operations of both steps


def with_starts(tape: Tape) -> Started:
    """Returns the tape with leaves for the numbers that a recurrence starts with, if there is one.

    The states after the last step are results, too, so that this step is complete.
    """
    finder = _Finder(tape)
    for period, anchor in finder.periods():
        found = finder.recurrence(period, anchor)
        if found is not None:
            return finder.rewritten(found)
    return Started(tape, range(len(tape)))


class _Finder:
    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.seen: dict[int, list[tuple[int, int]]] = {}  # by the period, what was compared
        is_made = np.array([op.__class__ is Op for op in tape.ops])
        made = np.flatnonzero(is_made)
        self.made: list[int] = made.tolist()
        self.position = array("i", [-1]) * len(tape)  # of each number among the operations, or -1
        np.frombuffer(self.position, dtype=np.intc)[made] = np.arange(len(made))
        sizes = np.diff(tape.operands.first)
        self.offset = np.concatenate([[0], np.cumsum(sizes[made])])
        self.read = np.array(tape.operands.flat)[np.repeat(is_made, sizes)]
        self.reader = np.repeat(np.arange(len(made)), sizes[made])  # of each, its position

    @cached_property
    def operands(self) -> list[tuple[int, ...]]:
        """The operands of each operation, by its position."""
        return [self.tape.operands[i] for i in self.made]

    # ---- finding -------------------------------------------------------------------------------

    def periods(self) -> Iterator[tuple[int, int]]:
        """Yields (period, position) where a number is used evenly, and steps read the one before.
        """
        tape, flat, owner, offset = self.tape, self.read, self.reader, self.offset
        first: dict[Any, int] = {}  # of each array of parameters, and all constants
        for i, op in enumerate(tape.ops):
            if op == CONSTANT or (isinstance(op, Array) and op.is_parameter):
                first.setdefault(i if op == CONSTANT else op, i)
        of = np.array(self.position)[flat]
        count = np.bincount(flat, minlength=len(tape))
        known: set[tuple[int, int]] = set()
        often = [i for i in first.values() if count[i] >= LEAST - 1]
        for leaf in sorted(often, key=lambda i: tape.ops[i] == CONSTANT):
            uses = np.unique(owner[flat == leaf])
            for lag in range(1, min(LAGS, len(uses) // (LEAST - 1)) + 1):
                gaps = uses[lag:] - uses[:-lag]
                edges = np.flatnonzero(np.diff(gaps, prepend=-1, append=-1))
                for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
                    period, at = int(gaps[begin]), int(uses[begin])
                    if end - begin < (LEAST - 2) * lag or (period, at) in known:
                        continue
                    known.add((period, at))
                    high = min(at + 2 * period, len(self.made) - period)
                    now = of[offset[at] : offset[high]]
                    then = of[offset[at + period] : offset[high + period]]
                    if len(now) != len(then):
                        continue
                    moves = (now >= 0) & (then != now)
                    reader = owner[offset[at] : offset[high]][moves] - at
                    read = np.zeros(2 * period + 1)  # how often what is made before is read there
                    np.add.at(read, np.maximum(now[moves] + 1 - at, 0), 1)
                    np.add.at(read, reader + 1, -1)
                    if (np.cumsum(read)[: period + 1] > 0).all():
                        yield period, at

    def recurrence(self, period: int, anchor: int) -> _Recurrence | None:
        """Returns the recurrence around a position, with what it starts with; None if none is."""
        begin = end = anchor + period  # in the second step, or in a later one
        if any(low <= begin < high for low, high in self.seen.get(period, [])):
            return None
        while begin > 0 and self._is_like(begin - 1, period):
            begin -= 1
        while end + period < len(self.made) and self._is_like(end, period):
            end += 1
        self.seen.setdefault(period, []).append((begin, end + period))
        if end - begin < (LEAST - 2) * period:
            return None
        low = begin  # before it, the second step may read what a shorter first step made
        while low > max(begin - period, 0) and self._is_like(low - 1, period, strictly=False):
            low -= 1
        ways = [self._cut(period, cut, end) for cut in self._cuts(period, low, begin + period)]
        found = [way for way in ways if way is not None]
        return min(found, key=self._indirect, default=None)

    def _cuts(self, period: int, low: int, high: int) -> list[int]:
        """Returns the positions where the least is passed on from step to step."""
        last: dict[int, int] = {}  # for what is read and moves, its last reader
        for k in range(low, min(high + period, len(self.made) - period)):
            for i, moved in zip(self.operands[k], self.operands[k + period], strict=False):
                if i != moved and self.position[i] >= 0:
                    last[self.position[i]] = k
        passed = [0] * (high - low + 1)
        for made, reader in last.items():
            for k in range(max(made + 1, low), min(reader, high) + 1):
                passed[k - low] += 1
        least = min(passed)  # 0 if the steps are apart from each other
        return [low + k for k, count in enumerate(passed) if count == least > 0]

    def _indirect(self, found: _Recurrence) -> tuple[int, int]:
        """Returns how many states start with something computed, and how many with a guess."""
        direct = [self.tape.ops[i].__class__ is Op for i in found.starts.values()]
        return direct.count(True), len({*found.numbers} - {*found.starts})

    def _cut(self, period: int, begin: int, end: int) -> _Recurrence | None:
        """Returns the recurrence with a second step from `begin`; None if the first is not alike.
        """
        then: dict[int, int] = {}  # what the next step reads instead
        for k in range(begin, begin + period):
            for x, y in zip(self.operands[k], self.operands[k + period], strict=True):
                if x != y and -1 < self.position[x] < begin:
                    if then.setdefault(x, y) != y or self.position[y] < begin:
                        return None
                elif x != y and -1 < self.position[y] != self.position[x] + period:
                    return None
        read = {*then}
        sums = {i for i in read if self._adds_up(i)}
        states = {i: y for i, y in sorted(then.items()) if i not in sums}
        found = _Recurrence(period, begin, end, states)
        pairs: set[tuple[int, int]] = set()
        for state in sorted(read):
            if not self._compare(state, then[state], found, pairs):
                return None
        found.starts = {state: i for state, i in found.starts.items() if state not in sums}
        found.inside = {at: i for at, i in found.inside.items() if i not in sums}
        found.numbers = {
            state: self.tape.numbers[i] for state, i in found.starts.items()
            if self._is_number(i)
        }
        found.like = {(x, y) for x, y in pairs if not self._is_number(x)}
        folded = [(self.tape.numbers[x], y) for x, y in pairs if self._is_number(x)]
        if not all(self._solves(number, y, found) for number, y in folded):
            return None
        return found if found.starts or found.numbers else None

    def _solves(self, number: float, y: int, found: _Recurrence) -> bool:
        """Returns whether an operation of the second step makes a number from the starts.

        If it reads a state whose start nothing else tells, this is a number that does.
        """
        unknown = self._unknown(y, found)
        guesses = [number, 0.0, 1.0, *found.numbers.values()]
        for guess in guesses if unknown else [0.0]:
            given = found.numbers | dict.fromkeys(unknown, guess)
            if repr(self._computed(y, found.begin, given)) == repr(number):
                found.numbers = given
                return True
        return False

    def _unknown(self, y: int, found: _Recurrence) -> list[int]:
        if self.position[y] < 0 or y in found.numbers:
            return []
        if self.position[y] < found.begin:
            return [y] if y in found.states and y not in found.starts else []
        return [i for k in self.tape.operands[y] for i in self._unknown(k, found)]

    def _computed(self, y: int, begin: int, given: Mapping[int, float]) -> float | None:
        """Returns an operation of the second step, computed from the starts."""
        op, operands = self.tape.ops[y], self.tape.operands[y]
        if y in given or self._is_number(y):
            return given[y] if y in given else self.tape.numbers[y]
        if self.position[y] < begin:
            return None
        numbers = [self._computed(k, begin, given) for k in operands]
        return None if None in numbers else op(*numbers)  # type: ignore[operator]

    def _is_like(self, k: int, period: int, strictly: bool = True) -> bool:
        """Returns whether an operation and the one a period later have operands that agree."""
        ops, now, then = self.tape.ops, self.operands[k], self.operands[k + period]
        if ops[self.made[k]] is not ops[self.made[k + period]] or len(now) != len(then):
            return False
        for x, y in zip(now, then, strict=True):
            if x == y:
                continue
            if ops[y].__class__ is Op:
                is_even = self.position[y] == self.position[x] + period
                if self.position[x] < 0 or (strictly and not is_even):
                    return False
            elif ops[x] != ops[y]:
                return False
        return True

    def _is_number(self, i: int) -> bool:
        return bool(self.tape.ops[i] == CONSTANT)

    def _compare(self, x: int, y: int, found: _Recurrence, pairs: set[tuple[int, int]]) -> bool:
        """Returns whether x of the first step is like y of the second one, and notes its starts."""
        waiting = [(x, y)]
        while waiting:
            x, y = pair = waiting.pop()
            if pair in pairs or x == y:
                continue
            op = self.tape.ops[y]
            if op.__class__ is not Op:
                if self.tape.ops[x] != op:
                    return False
                continue
            if self.position[y] < found.begin:
                if found.starts.setdefault(y, x) != x:
                    return False
                continue
            if self._is_number(x):
                pairs.add(pair)
                continue
            if self.tape.ops[x] is not op or len(self.tape.operands[x]) != len(
                self.tape.operands[y]
            ):
                return False
            pairs.add(pair)
            both = zip(self.tape.operands[x], self.tape.operands[y], strict=True)
            for slot, (a, b) in enumerate(both):
                waiting.append((a, b))
                if self._is_number(a) and not self._is_number(b):
                    found.inside[x, slot] = b
        return True

    def _adds_up(self, state: int) -> bool:
        """Returns whether a state is only a sum that grows, as a total is."""
        at = self.position[state]
        readers = {at, *self.reader[self.read == state].tolist()}
        return all(self.tape.ops[self.made[k]] is ops.add for k in readers)

    # ---- rewriting -----------------------------------------------------------------------------

    def rewritten(self, found: _Recurrence) -> Started:
        """Returns the tape with a first step from leaves for the numbers that states start with."""
        old, leaf_of, written = self.tape, dict[int, int](), dict[int, int]()
        last_of = {state: self._last(state, found) for state in found.states}
        begun = self._begun(found)
        started = Started(tape := Tape(), place := list[int]())

        def put(i: int, operands: tuple[int, ...]) -> int:
            """Returns the place of the like of an old number."""
            if self._is_number(i):
                return tape.constant(old.numbers[i])
            return tape.append(old.ops[i], operands)

        def like_the_second(y: int) -> int:
            """Returns the place of an operation of the second step, on the starts."""
            if y in leaf_of:
                return leaf_of[y]
            if self.position[y] < found.begin and (at := found.starts.get(y, y)) < len(place):
                return place[at]
            if y not in written:  # it may be a constant that the first step does not have
                operands = old.operands[y]
                if old.ops[y].__class__ is Op:
                    operands = tuple([like_the_second(k) for k in operands])
                written[y] = put(y, operands)
            return written[y]

        for i, op in enumerate(old.ops):
            for states in begun.get(i, []):  # after all that is made before a state is read
                numbers = [found.numbers[state] for state in states]
                start = self._start(numbers, [last_of[state] for state in states])
                start.where = [[*last_of].index(state) for state in states]
                leaf_of |= {state: tape.append(start, (k,)) for k, state in enumerate(states)}
            operands = old.operands[i]
            if op.__class__ is Op:
                operands = tuple([
                    like_the_second(found.inside[i, slot]) if (i, slot) in found.inside
                    else place[k] for slot, k in enumerate(operands)
                ])
            place.append(put(i, operands))
        tape.names = {place[i]: name for i, name in old.names.items()}
        last_names = {leaf: old.names.get(last_of[state]) for state, leaf in leaf_of.items()}
        tape.names |= {leaf: name for leaf, name in last_names.items() if name is not None}
        starts = [(state, found.starts.get(state, state)) for state in found.states]
        started.leaves = list(dict.fromkeys([
            leaf_of.get(state, place[i]) for state, i in starts
            if state in leaf_of or isinstance(old.ops[i], Array)
        ]))
        started.last = [place[i] for i in last_of.values()]
        started.passed_on = {
            place[self.made[at]]: [place[i] for i in states]
            for at, states in self._passed_on(found)
        }
        started.like = {place[x]: y for x, y in found.like} | {i: y for y, i in written.items()}
        return started

    def _passed_on(self, found: _Recurrence) -> Iterator[tuple[int, list[int]]]:
        """Yields the position where each later step begins, and the states before it."""
        yield found.begin, [*found.states]
        for at in range(found.begin + found.period, len(self.made), found.period):
            if at < found.end + found.period:
                gone = at - found.begin - found.period
                yield at, [self.made[self.position[i] + gone] for i in found.states.values()]

    def _start(self, numbers: list[float], last: list[int]) -> Start:
        """Returns the array of numbers, with a row per example if the last states have one."""
        leaves = self._leaves_below(last)
        inputs = [op for op in leaves if isinstance(op, Array) and not op.is_parameter]
        shape = (len(numbers),) if len(numbers) > 1 else ()
        is_batched = any(array.is_batched for array in inputs)
        return Start("start", shape, False, is_batched, is_data=bool(inputs), numbers=numbers,
                     lanes=[*range(len(numbers))])

    def _leaves_below(self, numbers: list[int]) -> set[Op | Array | str]:
        leaves, seen, waiting = set[Op | Array | str](), {*numbers}, [*numbers]
        while waiting:
            i = waiting.pop()
            if self.position[i] < 0:
                leaves.add(self.tape.ops[i])
                continue
            new = {*self.tape.operands[i]} - seen
            seen |= new
            waiting += new
        return leaves

    def _last(self, state: int, found: _Recurrence) -> int:
        at, period = self.position[found.states[state]], found.period
        return self.made[at + (found.end + period - 1 - at) // period * period]

    def _begun(self, found: _Recurrence) -> dict[int, list[list[int]]]:
        """Returns the states that start with numbers, array by array, by their first reader."""
        kinds, readers = self._kinds(found), dict[int, int]()
        for (i, _), y in sorted(found.inside.items()):
            for state in self._states_below(y, found):
                readers.setdefault(state, i)
        begun: dict[int, list[list[int]]] = {}
        for kind in dict.fromkeys(kinds[state] for state in sorted(found.numbers)):
            alike = [each for each in sorted(found.numbers) if kinds[each] == kind]
            known = [readers[each] for each in alike if each in readers]
            if known:
                begun.setdefault(min(known), []).append(alike)
        return begun

    def _states_below(self, y: int, found: _Recurrence) -> set[int]:
        if self.position[y] < found.begin:
            return {y} & {*found.numbers}
        return set().union(*[self._states_below(k, found) for k in self.tape.operands[y]])

    def _kinds(self, found: _Recurrence) -> dict[int, int]:
        """Returns the kind of each state: two are alike if they are made alike from like states."""
        kinds = dict.fromkeys(found.states, 0)
        while True:
            keys = self._keys(found, kinds)
            finer = [(kinds[i], i in found.numbers, keys[y]) for i, y in found.states.items()]
            if len({*finer}) == len({*kinds.values()}):
                return kinds
            numbers = {each: k for k, each in enumerate(dict.fromkeys(finer))}
            kinds = dict(zip(kinds, map(numbers.__getitem__, finer), strict=True))

    def _keys(self, found: _Recurrence, kinds: Mapping[int, int]) -> dict[int, int]:
        """Returns for each number of the second step a number for how it is made."""
        tape, known, keys = self.tape, dict[Any, int](), dict[int, int]()
        terms: dict[int, frozenset[int]] = {}
        for i in self.made[found.begin : found.begin + found.period]:
            below = []
            for k in tape.operands[i]:
                op: Any = tape.ops[k]
                key: Any = ("state", kinds[k]) if k in kinds else "before"
                if op.__class__ is not Op:
                    key = id(op) if isinstance(op, Array) else op
                below.append(keys[k] if k in keys else known.setdefault(key, len(known)))
            made: Any = tape.ops[i], *below
            if tape.ops[i] is ops.add:
                both = zip(tape.operands[i], below, strict=True)
                terms[i] = frozenset().union(*[terms.get(k, {key}) for k, key in both])
                made = ops.add, terms[i]
            keys[i] = known.setdefault(made, len(known))
        return keys
