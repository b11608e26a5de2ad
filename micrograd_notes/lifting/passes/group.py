"""The third pass: numbers that are made alike become the lanes of one array.

`compiled.py` calls `group`. Every number gets a key: a leaf that of its array, all constants the
same, an operation its name and the keys of its operands. For a sum, or a maximum, it is the *set*
of these keys, so that the number of terms does not matter. Numbers with the same key are lanes of
one array operation (`keys.py`). A key contains the keys below it, so no number has the key of one
of its operands. The derivatives by the numbers of one array are one array, too (`borders.py`).

A sum of one term looks like its neighbours with many terms, which are read alike. If one is
missing, as at the first of many positions that each sum the earlier ones, it is added. If no
neighbour has a second term, the sum is replaced by its term. Read `arrays/arrange.py` next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.passes.keys import Keys, Schedule
from micrograd_notes.lifting.passes.simplify import simplify
from micrograd_notes.lifting.trace.columns import Columns, ints, starts
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Recording, Start, Tape


@dataclass(eq=False)
class Group:
    """Numbers that are made alike."""

    op: Op | Array | str
    members: Ints


@dataclass
class Grouping:
    """A recording in groups of numbers; groups of operands come before those of results."""

    recording: Recording
    columns: Columns  # of its tape
    groups: list[Group]
    group_of: Ints  # for each number of the tape
    given: Columns  # before given numbers were made constants
    apart: Mapping[int, Any]  # what distinguishes numbers that are made alike

    @classmethod
    def of(cls, recording: Recording, found: Keys, apart: Mapping[int, Any]) -> Grouping:
        """Returns the groups of numbers that are made alike, and not told apart."""
        keys, columns = found.in_order(found.found(apart) if apart else found.alike), found.columns
        assert keys is not None
        members = np.split(np.argsort(keys, kind="stable"), np.cumsum(np.bincount(keys))[:-1])
        with_constants = _with_constants(recording.tape, columns)
        groups = [Group(recording.tape.ops[these[0]], these) for these in members]
        return cls(recording, with_constants, groups, keys, columns, apart)

    def told_apart(self, more: Mapping[int, Any]) -> Grouping:
        """Returns the groups, where further numbers are told apart."""
        both = {i: (self.apart.get(i), what) for i, what in more.items()}
        keys = _keys(self.recording, self.given)
        return Grouping.of(self.recording, keys, {**self.apart, **both})

    @cached_property
    def theta(self) -> Array:
        """The flat vector of all parameters."""
        return Array("theta", (len(self.recording.gradient),), True)

    def text(self) -> str:
        """Returns a line per group: the count of its numbers, their operation, and one of them."""
        lines = []
        for i, group in enumerate(self.groups):
            op, tape, first = group.op, self.recording.tape, group.members[0]
            if isinstance(op, Op):
                keys = list(dict.fromkeys(f"g{self.group_of[k]}" for k in tape.operands[first]))
                keys[6:] = ["..."] if len(keys) > 6 else []
                made = f"{op.name}({', '.join(keys)}), as %{first} = {tape.spelled(first)}"
            else:
                made = op.name if isinstance(op, Array) else "constants"
            lines.append(f"    g{i}: {len(group.members):,} x {made}")
        return "\n".join(lines)


def group(recording: Recording) -> Grouping:
    """Returns the groups of a simplified recording."""
    count, recording = len(recording.tape), _with_sums(recording)
    tape, columns = recording.tape, Columns.of(recording.tape)
    singles = Keys(columns, tape.arrays_of_sums).sums_of_one_term(_results(recording))
    singles = singles[~np.isin(singles, [*tape.passed])]
    tape.columns = None  # they take memory
    if len(tape) > count or singles.size:
        columns.code[singles] = columns.codes.setdefault(ops.pos, len(columns.codes))
        tape.columns = columns
        del columns
        recording = simplify(recording, guarded=True)
        columns = Columns.of(recording.tape)
    keys = _keys(recording, columns)
    tape = recording.tape
    schedules = {i: Schedule(k) for i, k in tape.schedules.items()}
    return Grouping.of(recording, keys, keys.told_apart(tape.numbers | schedules))


def _keys(recording: Recording, columns: Columns) -> Keys:
    """Returns the keys of a recording; what a state starts with comes before it."""
    tape, alive = recording.tape, recording.alive
    starts = {op for op in columns.codes if isinstance(op, Start)}
    leaves = [(i, op) for i, op in enumerate(tape.ops) if starts and op in starts]
    sources = {i: alive[op.sources[tape.operands[i][0]]] for i, op in leaves}
    return Keys(columns, tape.arrays_of_sums, sources)


def _with_constants(tape: Tape, columns: Columns) -> Columns:
    """Makes constants of given numbers (`series.py`), and of what is made of constants alone, on
    the tape, and returns its columns.

    Numbers of one key are made alike, so all numbers of an array become constants, or none.
    """
    if not tape.given:
        return columns
    numbers = tape.numbers
    numbers |= tape.given
    for i in np.flatnonzero(columns.is_made).tolist():
        op, below = tape.ops[i], columns.operands(i)
        if isinstance(op, Op) and all(k in numbers for k in below):
            numbers[i] = tape.given[i] = op(*[numbers[k] for k in below])
            tape.ops[i] = CONSTANT
            of = [tape.schedules[k] for k in below if k in tape.schedules]
            tape.schedules |= dict.fromkeys([i] if of else [], min(of, default=0))
    code = columns.code.copy()
    code[[*numbers]] = columns.codes[CONSTANT]
    return Columns(columns.codes, code, columns.flat, columns.first, columns.level)


def _results(recording: Recording) -> list[list[int]]:
    """Returns the results of each array: outputs, derivatives, and states of recurrences."""
    gradient = [[recording.gradient[k] for k in array.where] for array in recording.parameters]
    starts = [op for op in dict.fromkeys(recording.tape.ops) if isinstance(op, Start)]
    alive = [[recording.alive[k] for k in each] for s in starts for each in (s.sources, s.where)]
    return [recording.outputs, *[[i for i in each if i >= 0] for each in gradient], *alive]


def _with_sums(recording: Recording) -> Recording:
    """Returns the recording with a sum of one term for each operand where one is missing.

    Each sum is just before the number that reads it.
    """
    columns, numbers = Columns.of(recording.tape), recording.tape.numbers
    missing = Keys(columns, recording.tape.arrays_of_sums).missing_sums()
    if not missing.size:
        return recording
    readers = columns.owner[missing]
    place = np.arange(len(columns.code))
    place += np.cumsum(np.bincount(readers, minlength=len(place)))
    sums = readers + np.arange(len(readers))
    flat = np.where(columns.is_read, columns.below(place), columns.flat)
    terms, flat[missing] = flat[missing], sums
    level = 2 * columns.level  # to have room between
    tape = Columns(
        dict(columns.codes),
        np.insert(columns.code, readers, columns.codes.get(ops.add, 0)),
        np.insert(flat, columns.first[readers], terms).astype(np.int32),
        starts(np.insert(columns.sizes, readers, 1)),
        np.insert(level, readers, level[readers] - 1),
    ).tape({int(place[i]): x for i, x in numbers.items()})
    tape.kept, recording.tape.columns = {*sums.tolist()}, None  # they take memory
    return recording.moved(tape, ints(place))
