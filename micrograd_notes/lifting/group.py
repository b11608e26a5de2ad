"""The third pass: numbers that are made alike become the lanes of one array.

Every number gets a key: a leaf that of its array, a constant one for all constants, an operation
its name and the keys of its operands. Of a sum it is the *set* of the keys of its terms, so that
the number of terms does not matter. Numbers with one key are lanes of one array operation. A key
strictly contains the keys below it, so no number shares one with what it was made from.

A sum of one term looks like its neighbours of many. Where no neighbour has a second term, it is the
term itself, and is dropped here. This file knows tapes; it knows no shape.
"""

from dataclasses import dataclass, field
from typing import Any

from micrograd_notes import ops
from micrograd_notes.lifting.simplify import restated
from micrograd_notes.lifting.tape import CONSTANT, Array, Recording
from micrograd_notes.op import Op

FEW = 3  # constants that one number meets, each of which makes an array of its own


@dataclass(eq=False)
class Group:
    """Numbers that are made alike."""

    op: Op | Array | str
    members: list[int] = field(default_factory=list)


@dataclass
class Grouping:
    """A recording whose numbers are grouped: operands' groups stand before those of results."""

    recording: Recording
    groups: list[Group]
    group_of: list[int]  # for each number of the tape

    def text(self) -> str:
        """Returns a line for each group."""
        lines = []
        for i, group in enumerate(self.groups):
            op, tape = group.op, self.recording.tape
            if isinstance(op, Op):
                operands = tape.operands[group.members[0]]
                keys = list(dict.fromkeys(f"g{self.group_of[k]}" for k in operands))
                made = f"{op.name}({', '.join(keys[:6])}{', ...' if len(keys) > 6 else ''})"
            else:
                made = op.name if isinstance(op, Array) else "constants"
            lines.append(f"    g{i}: {len(group.members)} x {made}")
        return "\n".join(lines)


def group(recording: Recording) -> Grouping:
    """Returns the groups of a simplified recording."""
    keys = _keys(recording)
    singles = _sums_of_one_term(recording, keys)
    if singles:
        recording = restated(recording, singles)
        keys = _keys(recording)
    groups = [Group("")] * (max(keys) + 1)
    for i, key in enumerate(keys):
        if groups[key].op == "":
            groups[key] = Group(recording.tape.ops[i])
        groups[key].members.append(i)
    return Grouping(recording, groups, keys)


def _keys(recording: Recording) -> list[int]:
    """Returns the key of each number, as a small int; that of an operand is the smaller one."""
    keys = _keys_with(recording, {})
    apart = _told_apart(recording, keys)
    return _keys_with(recording, apart) if apart else keys


def _told_apart(recording: Recording, keys: list[int]) -> dict[int, float]:
    """Returns the operations whose constant is part of their key, with the constant.

    x**-0.5 and x**-1.5 are two arrays. But equal(y, 0), equal(y, 1), ... are the lanes of one: one
    number meets many constants.
    """
    tape = recording.tape
    met: dict[int, dict[Any, set[float]]] = {}
    constant_of: dict[int, float] = {}
    for i, (op, operands) in enumerate(zip(tape.ops, tape.operands, strict=True)):
        if isinstance(op, Op) and op is not ops.add and op.arity is not None:
            numbers = [tape.operands[k][0] for k in operands if tape.ops[k] == CONSTANT]
            if len(numbers) == 1:
                others = tuple([k for k in operands if tape.ops[k] != CONSTANT])
                met.setdefault(keys[i], {}).setdefault(others, set()).add(numbers[0])
                constant_of[i] = numbers[0]
    apart = {key for key, found in met.items() if 2 <= max(map(len, found.values())) <= FEW}
    return {i: number for i, number in constant_of.items() if keys[i] in apart}


def _keys_with(recording: Recording, apart: dict[int, float]) -> list[int]:
    """Returns the keys, where some operations are told apart by a number."""
    known: dict[Any, int] = {}
    keys: list[int] = []
    for i, (op, operands) in enumerate(
        zip(recording.tape.ops, recording.tape.operands, strict=True)
    ):
        key: Any
        if op is ops.add:
            key = (op, frozenset([keys[k] for k in operands]))
        elif isinstance(op, Op):
            below = [keys[k] for k in operands]
            if op is ops.multiply:
                below.sort()
            key = (op, *below, apart[i]) if i in apart else (op, *below)
        else:
            key = op if op == CONSTANT else id(op)
        at = known.get(key)
        if at is None:
            at = known[key] = len(known)
        keys.append(at)
    return keys


def _sums_of_one_term(recording: Recording, keys: list[int]) -> set[int]:
    """Returns the sums of one term whose whole group has one term each."""
    tape = recording.tape
    many = {keys[i] for i, op in enumerate(tape.ops) if op is ops.add and len(tape.operands[i]) > 1}
    return {i for i, op in enumerate(tape.ops) if op is ops.add and keys[i] not in many}
