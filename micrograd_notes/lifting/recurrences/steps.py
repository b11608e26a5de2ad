"""The steps of a recurrence on a tape: operations that repeat with a period.

    h = 0.5                                first step:   (0.45 is a constant)  %1 = add(0.45, x[0])
    for x in xs:                  ->       second step:  %2 = multiply(0.9, %1) %3 = add(%2, x[1])
        h = 0.9 * h + x                    third step:   %4 = multiply(0.9, %3) %5 = add(%4, x[2])

A period shows where a parameter or a constant is used evenly. The second step is then compared with
the third: what it reads of the step before, and the third reads one period later, is a state. Last
the first step is compared with the second, operation by operation, from its end: where the second
one reads a state, the first one has what this state starts with. Python computes 0.9 * 0.5 without
the tape, so the first step may have fewer operations. Then a constant of it, here 0.45, must be
what the second step makes of the starts, which are numbers. `starts.py` calls `recurrences`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, product
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.ints import Ints, unique
from micrograd_notes.lifting.trace.columns import Bools, Columns, starts
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Tape

LEAST = 4  # steps that make a loop
LAGS = 16  # a number that is used at most so often per step is found without further hints
FAR = 4  # so many of the commonest distances are hints, and so many lags from each one on
BLOCK = 256  # operations that are compared at once
MANY = 4  # numbers that one constant does not tell


@dataclass
class Recurrence:
    """Operations of the tape, by their positions, that are like those one period later.

    Those from `begin` to `end` are, and the first step goes from `first` to `begin`. `states` are
    what the second step reads of the first one, each with what the third one reads instead. A state
    starts with a number of the tape, or with one that only Python had.
    """

    period: int
    begin: int
    end: int
    states: dict[int, int]
    first: int = 0
    starts: dict[int, int] = field(default_factory=dict)
    guesses: Mapping[int, float] = field(default_factory=dict)
    totals: set[int] = field(default_factory=set)  # states that only grow, by + and -
    sums: set[int] = field(default_factory=set)  # totals that are sums; they are not in `states`
    like: dict[int, int] = field(default_factory=dict)  # for those of the second step, the first's
    layers: set[Array] = field(default_factory=set)  # parameters of which each step has its own

    @property
    def count(self) -> int:
        """The number of its steps without the first one."""
        return (self.end + self.period - self.begin) // self.period

    @property
    def stop(self) -> int:
        """The position after the last step."""
        return self.begin + self.count * self.period


def recurrences(finder: Finder) -> list[Recurrence]:
    """Returns the recurrences on a finder's tape, from the first to the last, that are apart.

    Layers that are used more than once, such as those of a GPT for each position, stay apart: all
    positions are one array, layer after layer.
    """
    found = finder.found()
    uses = Counter(layer for each in found for layer in each.layers)
    alone = [each for each in found if all(uses[layer] == 1 for layer in each.layers)]
    return sorted(alone, key=lambda each: each.first)


class Finder:
    """Finds recurrences, and numbers that are used evenly."""

    def __init__(self, tape: Tape) -> None:
        self.tape, self.columns = tape, (columns := Columns.of(tape))
        self.seen: dict[int, list[tuple[int, int]]] = {}  # by the period, what was compared
        made, self.code = np.flatnonzero(columns.is_made), columns.code
        self.row = self.code[made]
        self.made: list[int] = made.tolist()
        self.position = array("i", [-1]) * len(tape)  # of each number among the operations, or -1
        position = np.frombuffer(self.position, dtype=np.intc)
        position[made] = np.arange(len(made))
        self.offset = starts(columns.sizes[made])
        self.read = columns.flat[columns.is_read]
        self.of = position[self.read]  # the position of what is read, and that of its reader:
        self.reader = position[columns.owner[columns.is_read]]

    def operands(self, k: int) -> tuple[int, ...]:
        """Returns the operands of an operation, by its position."""
        return self.tape.operands[self.made[k]]

    def found(self) -> list[Recurrence]:
        """Returns recurrences that are apart from each other; the longest one counts."""
        stretches = [self._stretch(period, anchor) for period, anchor in self.periods(1)]
        found: list[Recurrence] = []
        for low, begin, end, period in sorted(
            {each for each in stretches if each is not None},
            key=lambda each: (each[1] - each[2], each),
        ):
            if any(each.first < end + period and begin < each.stop for each in found):
                continue
            second = begin + period  # if the first step begins before, it may not be alike
            for window in ((low, second), (second, second + period)):
                cuts = self._cuts(period, *window) if window[1] + period <= end else []
                # the first step may be unlike the others, as one that reads other ends
                cuts = sorted({*cuts, *[cut + period for cut in cuts]})
                ways = list[Recurrence]()
                for way in filter(None, (self._cut(period, cut, end) for cut in cuts)):
                    if not way.states:
                        break  # totals alone, and the same ones wherever it is cut
                    if all(way.stop <= f.first or f.stop <= way.first for f in found):
                        ways.append(way)
                if ways:
                    found.append(min(ways, key=self._unnatural))
                    break
        return found

    @cached_property
    def evenly_used(self) -> dict[tuple[int, int], int]:
        """Each (period, position) where a parameter or a constant is used evenly, and how often."""
        tape, flat, owner = self.tape, self.read, self.reader
        count = np.bincount(flat, minlength=len(tape))
        leaves = np.flatnonzero(~self.columns.is_made)[::-1].tolist()
        first = dict(zip(map(tape.ops.__getitem__, leaves), leaves, strict=True))
        weights = [i for op, i in first.items() if isinstance(op, Array) and op.is_parameter]
        found: dict[tuple[int, int], int] = {}
        used = [i for i in [*sorted(weights), *tape.numbers] if count[i] >= LEAST - 1]
        place = np.full(len(tape), -1)
        place[used] = np.arange(len(used))
        of_used = np.flatnonzero(place[flat] >= 0)
        of_used = of_used[np.argsort(place[flat[of_used]], kind="stable")]
        for each in np.split(owner[of_used], np.cumsum(count[used])[:-1]) if used else ():
            uses = unique(each)
            most = len(uses) // (LEAST - 1)
            for lag in [*range(1, min(LAGS, most) + 1), *self._long_lags(uses, most)]:
                gaps = uses[lag:] - uses[:-lag]
                edges = np.flatnonzero(np.diff(gaps, prepend=-1, append=-1))
                for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
                    if end - begin >= (LEAST - 2) * lag:
                        found.setdefault((int(gaps[begin]), int(uses[begin])), (end - begin) // lag)
        return found

    def _long_lags(self, uses: Ints, most: int) -> list[int]:
        """Returns how often a step with many places may use a number, by how far it reads back."""
        if most <= LAGS:
            return []
        gap = (uses[-1] - uses[0]) / (len(uses) - 1)
        lags = {int(far / gap) + more for far in self.far for more in range(FAR)}
        return sorted(lag for lag in lags if LAGS < lag <= most)

    @cached_property
    def far(self) -> list[int]:
        """The commonest distances over which operations read, but for short ones."""
        distances, counts = np.unique((self.reader - self.of)[self.of >= 0], return_counts=True)
        is_far = distances > LAGS
        order = np.argsort(-counts[is_far], kind="stable")
        return [*map(int, distances[is_far][order][:FAR])]

    def periods(self, late: int) -> Iterator[tuple[int, int]]:
        """Yields (period, position) where a number is used evenly, and steps read earlier ones.

        They are compared from the step `late` on.
        """
        of, owner, offset = self.of, self.reader, self.offset
        for (period, at), steps in self.evenly_used.items():
            low = at + late * period  # the second step reads what the first one made
            high = min(low + 2 * period, len(self.made) - period)
            if low >= high or steps < late - 1:
                continue
            now = of[offset[low] : offset[high]]
            then = of[offset[low + period] : offset[high + period]]
            if len(now) != len(then):
                continue
            moves = (now >= 0) & (then != now)
            reader = owner[offset[low] : offset[high]][moves] - low
            if _passed(now[moves] - low, reader, period + 1).all():
                yield period, at

    # ---- the second step and the third ---------------------------------------------------------

    def _stretch(self, period: int, anchor: int) -> tuple[int, int, int, int] | None:
        """Returns where operations around a position are like those one period later, if many are.

        It is (low, begin, end, period): from `low` on, they are but for what a shorter first step
        made.
        """
        begin = end = anchor + period  # in the second step, or in a later one
        if any(low <= begin < high for low, high in self.seen.get(period, [])):
            return None
        begin = 1 + self.first_unlike(range(begin - 1, -1, -1), period, anchor)
        end = self.first_unlike(range(end, len(self.made) - period), period, anchor)
        self.seen.setdefault(period, []).append((begin, end + period))
        if end - begin < (LEAST - 2) * period:
            return None
        # before it, the second step may read what a shorter first step made
        before = range(begin - 1, max(begin - period, 0) - 1, -1)
        return 1 + self.first_unlike(before, period, len(self.made)), begin, end, period

    def first_unlike(
        self, positions: range, period: int, early: int, may_start: bool = False
    ) -> int:
        """Returns the first position of an operation that is not like the one a period later.

        Like ones have operands that are the same, or of one array, or of like operations, or made
        before the position `early`. With `may_start`, a leaf may stand where the later one reads
        what a step made.
        """
        for at in range(0, len(positions), BLOCK):
            block = positions[at : at + BLOCK]
            there = np.arange(block.start, block.stop, block.step)
            unlike = np.flatnonzero(~self._are_like(there, period, early, may_start))
            if unlike.size:
                return block[int(unlike[0])]
        return positions.stop

    def _are_like(self, positions: Ints, period: int, early: int, may_start: bool) -> Bools:
        """Returns whether operations are like those a period later."""
        offset = self.offset
        begin, later = offset[positions], offset[positions + period]
        sizes = offset[positions + 1] - begin
        are_like = self.row[positions] == self.row[positions + period]
        are_like &= sizes == offset[positions + period + 1] - later
        positions, begin, later, sizes = (e[are_like] for e in (positions, begin, later, sizes))
        at = np.arange(sizes.sum()) - np.repeat(sizes.cumsum() - sizes, sizes)
        now, then = at + np.repeat(begin, sizes), at + np.repeat(later, sizes)
        x, y, of_x, of_y = self.read[now], self.read[then], self.of[now], self.of[then]
        is_even = np.where(of_x < 0, may_start, (of_y == of_x + period) | (of_y < early))
        agree = (x == y) | np.where(of_y >= 0, is_even, self.code[x] == self.code[y])
        owner = np.repeat(np.arange(len(sizes)), sizes)
        are_like[are_like] = np.bincount(owner, ~agree, len(sizes)) == 0
        return are_like

    def _cuts(self, period: int, low: int, high: int) -> list[int]:
        """Returns the positions where the least is passed on from step to step."""
        begin, end, by = (int(self.offset[k]) for k in (low, high + period, low + period))
        read, moved = self.read[begin:end], self.read[by : by + end - begin]
        of, position = self.of[begin:end], self.of[by : by + end - begin]
        moves = (read != moved) & (of >= 0) & (position >= low)
        # the last reader of what is read and moves
        made, last = np.unique(of[moves][::-1], return_index=True)
        readers = self.reader[begin:end][moves][::-1][last]
        passed = _passed(made - low, readers - low, high - low + 1)
        least = passed.min()  # 0 if the steps are apart from each other
        return [low + k for k in np.flatnonzero(passed == least).tolist() if least > 0]

    def _unnatural(self, found: Recurrence) -> tuple[int, ...]:
        """Returns what sorts cuts: most steps, few states that start with something computed.

        After few guesses, the one is best whose states are made by the same operations: those of a
        cut amid a line of the learner are not.
        """
        direct = [self.tape.ops[i].__class__ is Op for i in found.starts.values()]
        ops, operands = self.tape.ops, self.tape.operands
        made_by = {(ops[i], *[ops[k] for k in operands[i]]) for i in found.states.values()}
        return -found.count, direct.count(True), len(found.guesses), len(made_by), found.begin

    def _cut(self, period: int, begin: int, end: int) -> Recurrence | None:
        """Returns the recurrence with a second step from `begin`; None if the first is not alike.

        It has no states if all of them are totals.
        """
        if end + period - begin < (LEAST - 1) * period:
            return None
        states: dict[int, int] = {}
        early = begin - period  # what is made before both steps may move from step to step
        ends = self.offset[begin : begin + 4 * period : period].tolist()
        three = [self.read[a:b] for a, b in pairwise(ends)]
        now, then = (self.of[a:b] for a, b in pairwise(ends[:3]))
        are_early = (now >= 0) & (now < early) & (then >= 0) & (then < early)
        are_even = (now >= begin) & (then == now + period)
        stay = (three[0] == three[1]) & (three[1] == three[2])
        moves = ~(are_early | are_even | stay)  # mostly few
        is_leaf, differs = moves & (now < 0), three[0] != three[1]
        if not self._are_even(*[each[is_leaf] for each in three]):
            return None
        leaves = {self.tape.ops[i] for i in three[0][is_leaf & differs].tolist()}
        layers = {op for op in leaves if isinstance(op, Array) and op.is_parameter}
        moves &= ~is_leaf & differs
        for x, y in zip(*[each[moves].tolist() for each in three[:2]], strict=True):
            if self.position[x] < begin:
                if states.setdefault(x, y) != y or self.position[y] < begin:
                    return None
            elif -1 < self.position[y] != self.position[x] + period:
                return None
        if not states:
            return None
        growth = {state: self.growth(state, states, period) for state in sorted(states)}
        sums = {state for state in growth if growth[state] == {ops.add}}
        if len(sums) == len(states):
            return Recurrence(period, begin, end, {})
        found = Recurrence(period, begin, end, {k: states[k] for k in growth}, sums=sums,
                           totals={k for k in growth if growth[k]}, layers=layers)
        return _First(self, found).completed()

    def _are_even(self, *leaves: Ints) -> bool:
        """Returns whether leaves of arrays lie evenly in them; constants are not in any."""
        columns, are_of_arrays = self.columns, self.columns.sizes[leaves[0]] > 0
        places = [columns.first[each[are_of_arrays]] for each in leaves]
        first, second, third = [columns.flat[at] for at in places]
        return bool((second - first == third - second).all())

    @cached_property
    def added_to(self) -> memoryview:
        """The sum or difference that begins with each number, or -1 if it has other readers."""
        columns, found = self.columns, np.full(len(self.tape), -1)
        of_sums = columns.places(np.flatnonzero(columns.is_sum))
        differences = np.flatnonzero(columns.where(lambda op: op is ops.subtract))
        found[columns.flat[of_sums]] = columns.owner[of_sums]
        found[columns.ends(differences)[0]] = differences
        found[columns.uses() != 1] = -1
        return memoryview(found)

    def growth(self, state: int, states: Mapping[int, int], period: int) -> set[Op]:
        """Returns the operations by which a state only grows, as a total does; none if it differs.

        A total may also be passed on for some steps before it grows, where many grow in turn.
        """
        found, after = set[Any](), self.position[states[state]]
        while (state := self.added_to[state]) >= 0:
            found.add(self.tape.ops[state])
            steps, rest = divmod(self.position[state] - after, period)
            if rest == 0:
                return found
            if steps > len(states):
                break
        return set()


def _passed(made: Ints, last: Ints, count: int) -> Ints:
    """Returns how many numbers are made before each of the first positions, and read from there on.
    """
    begun = np.bincount(np.maximum(made + 1, 0), minlength=count)
    return np.cumsum(begun[:count] - np.bincount(last + 1, minlength=count)[:count])


# ---- the first step and the second ---------------------------------------------------------------


class _First:
    """Compares the first step with the second."""

    def __init__(self, finder: Finder, found: Recurrence) -> None:
        self.finder, self.tape, self.found = finder, finder.tape, found
        self.second = finder.made[found.begin : found.begin + found.period]
        self.folded: list[tuple[int, int]] = []  # constants, and operations that make them
        below = [i for y in self.second for i in self.tape.operands[y]]
        self.constants = {self.tape.numbers[i] for i in below if i in self.tape.numbers}

    def completed(self) -> Recurrence | None:
        """Returns the recurrence with its first step; None if it is not like the second."""
        found = self.found
        if not self._pairs():
            return None
        solved = self._solved(self.folded, {})
        if solved is None:
            return None
        found.guesses = solved
        is_known = {*found.states} == {*found.starts, *found.guesses}
        found.states = {state: y for state, y in found.states.items() if state not in found.sums}
        return found if is_known else None

    def _pairs(self) -> bool:
        """Pairs operations of both steps, and notes what states start with; False if it fails."""
        found, tape, position = self.found, self.tape, self.finder.position
        wanted = {y: state for state, y in found.states.items()}  # of the first step, by the second
        numbers = set[int]()  # operations of the second step that Python did in the first
        at = found.begin
        for y in reversed(self.second):
            if y in numbers or tape.ops[wanted.get(y, y)] == CONSTANT:
                if y in wanted and tape.ops[wanted[y]] != CONSTANT:
                    return False  # the first step has it, although it is a number there
                self.folded += [(wanted[y], y)] if y in wanted else []
                numbers |= {*tape.operands[y]}
                continue
            x = self.finder.made[at - 1]
            if not at or wanted.get(y, x) != x or not self._is_like(x, y, wanted):
                if y in wanted:
                    return False
                continue  # nothing reads what the second step makes here, and the first has it not
            at -= 1
            found.like[y] = x
            for a, b in zip(tape.operands[x], tape.operands[y], strict=True):
                if b in found.states:
                    found.starts[b] = a
                elif position[b] >= found.begin:
                    wanted[b] = a
        found.first = at
        read = {a for x in found.like.values() for a in tape.operands[x]} - {*found.like.values()}
        return all(position[a] < at for a in read)

    def _is_like(self, x: int, y: int, wanted: Mapping[int, int]) -> bool:
        """Returns whether an operation of the first step may be that of the second."""
        tape, now, then = self.tape, self.tape.operands[x], self.tape.operands[y]
        for a, b in zip(now, then, strict=False):
            if b in self.found.states:
                is_alike = self.found.starts.get(b, a) == a
            elif self.finder.position[b] >= self.found.begin:
                is_alike = wanted.get(b, a) == a
            else:
                is_alike = a == b or self.finder.position[b] >= 0 or tape.ops[a] == tape.ops[b]
            if not is_alike:
                return False
        return tape.ops[x] is tape.ops[y] and len(now) == len(then)

    # ---- starts that Python computed with ------------------------------------------------------

    def _solved(
        self, left: Sequence[tuple[int, int]], guesses: Mapping[int, float]
    ) -> Mapping[int, float] | None:
        """Returns numbers for states whose start nothing else tells; None if none will do.

        From them, operations of the second step must make the constants of the first.
        """
        if not left:
            return guesses
        (x, y), *rest = left
        numbers, starts = self.tape.numbers, self.found.starts
        known = {**guesses, **{s: numbers[i] for s, i in starts.items() if i in numbers}}
        unknown = [*dict.fromkeys(self._unknown(y, guesses))]
        likely = [numbers[x], 0.0, 1.0, *known.values()]
        if len(unknown) == 1:  # a number may be the start times a constant, or plus one
            for number in {numbers[i] for i, _ in self.folded}:
                for c in self.constants:
                    likely += [number - c, *([number / c] if c else [])]
        tried = product(dict.fromkeys(likely), repeat=len(unknown))
        for values in tried if len(unknown) <= MANY else ():
            given = dict(zip(unknown, values, strict=True))
            if repr(self._computed(y, known | given)) == repr(numbers[x]):
                found = self._solved(rest, {**guesses, **given})
                if found is not None:
                    return found
        return None

    def _unknown(self, y: int, guesses: Mapping[int, float]) -> list[int]:
        if y in self.found.states:
            return [] if y in self.found.starts or y in guesses else [y]
        if self.finder.position[y] < self.found.begin:
            return []
        return [i for k in self.tape.operands[y] for i in self._unknown(k, guesses)]

    def _computed(self, y: int, given: Mapping[int, float]) -> float | None:
        """Returns an operation of the second step, computed from the starts."""
        op, operands = self.tape.ops[y], self.tape.operands[y]
        if y in given or y in self.tape.numbers:
            return given[y] if y in given else self.tape.numbers[y]
        if self.finder.position[y] < self.found.begin:
            return None
        numbers = [self._computed(k, given) for k in operands]
        if op is ops.add and len(numbers) == 1:  # a state that is passed on
            return numbers[0]
        try:
            return None if None in numbers else op(*numbers)  # type: ignore[operator]
        except (ArithmeticError, ValueError):
            return None  # a guess is out of its domain
