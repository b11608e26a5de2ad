"""The third pass: numbers that are made alike become the lanes of one array.

`program.py` calls `group`. Every number gets a key: a leaf that of its array, all constants the
same, an operation its name and the keys of its operands. For a sum, or a maximum, it is the *set*
of these keys, so that the number of terms does not matter. Numbers with the same key are lanes of
one array operation. A key contains the keys below it, so no number has the key of one of its
operands.

A sum of one term looks like its neighbours with many terms. If one is missing, as at the first of
many positions that each sum the earlier ones, it is added. If no neighbour has a second term, the
sum is replaced by its term. Read `arrays/arrange.py` next.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.passes.simplify import Operand, restated
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Recording

FEW = 3  # if one number meets at most so many constants, each gets its own array


@dataclass(eq=False)
class Group:
    """Numbers that are made alike."""

    op: Op | Array | str
    members: list[int] = field(default_factory=list)


@dataclass
class Grouping:
    """A recording in groups of numbers; groups of operands come before those of results."""

    recording: Recording
    groups: list[Group]
    group_of: list[int]  # for each number of the tape

    def text(self) -> str:
        """Returns a line per group: the count of its numbers, their operation, and one of them."""
        lines = []
        for i, group in enumerate(self.groups):
            op, tape, first = group.op, self.recording.tape, group.members[0]
            if isinstance(op, Op):
                keys = list(dict.fromkeys(f"g{self.group_of[k]}" for k in tape.operands[first]))
                more = ", ..." if len(keys) > 6 else ""
                made = f"{op.name}({', '.join(keys[:6])}{more})"
                made += f", as %{first} = {tape.spelled(first)}"
            else:
                made = op.name if isinstance(op, Array) else "constants"
            lines.append(f"    g{i}: {len(group.members):,} x {made}")
        return "\n".join(lines)


def group(recording: Recording) -> Grouping:
    """Returns the groups of a simplified recording."""
    missing, singles = _sums_of_one_term(recording)
    if missing or singles:
        recording = restated(recording, missing, singles)
    keys = _keys(recording)
    groups = [Group("")] * (max(keys) + 1)
    for i, key in enumerate(keys):
        if groups[key].op == "":
            groups[key] = Group(recording.tape.ops[i])
        groups[key].members.append(i)
    return Grouping(recording, groups, keys)


def _keys(recording: Recording) -> list[int]:
    """Returns the key of each number, as a small int; an operand has a smaller key."""
    keys, _ = _keys_with(recording)
    apart = _told_apart(recording, keys)
    return _keys_with(recording, apart)[0] if apart else keys


def _told_apart(recording: Recording, keys: list[int]) -> dict[int, float]:
    """Returns the operations whose constant is part of their key, with the constant.

    x**-0.5 and x**-1.5 are two arrays. But equal(y, 0), equal(y, 1), ... are the lanes of one
    array, however many there are, and so are other operations if one number meets many constants.
    """
    tape = recording.tape
    constants = {i: tape.operands[i][0] for i, op in enumerate(tape.ops) if op == CONSTANT}
    met: dict[int, dict[Any, set[float]]] = {}
    constant_of: dict[int, float] = {}
    for i, (op, operands) in enumerate(zip(tape.ops, tape.operands, strict=True)):
        if op.__class__ is not Op or op in (ops.add, helper_ops.equal) or op.arity is None:
            continue
        numbers = [constants[k] for k in operands if k in constants]
        if len(numbers) == 1:
            others = tuple([k for k in operands if k not in constants])
            met.setdefault(keys[i], {}).setdefault(others, set()).add(numbers[0])
            constant_of[i] = numbers[0]
    apart = {key for key, found in met.items() if 2 <= max(map(len, found.values())) <= FEW}
    return {i: number for i, number in constant_of.items() if keys[i] in apart}


def _keys_with(
    recording: Recording,
    apart: Mapping[int, float] = MappingProxyType({}),
    missing: Set[Operand] = frozenset(),
) -> tuple[list[int], dict[Operand, int]]:
    """Returns the keys, and those of the missing sums of one term.

    `apart` has a number that distinguishes an operation.
    """
    known: dict[Any, int] = {}
    keys: list[int] = []
    put_in: dict[Operand, int] = {}
    readers = {i for i, _ in missing}
    for i, (op, operands) in enumerate(
        zip(recording.tape.ops, recording.tape.operands, strict=True)
    ):
        below = [keys[k] for k in operands] if op.__class__ is Op else []
        for at in range(len(below)) if i in readers else ():
            if (i, at) in missing:
                below[at] = known.setdefault(_key(ops.add, below[at : at + 1]), len(known))
                put_in[i, at] = below[at]
        key = _key(op, below)
        keys.append(known.setdefault((key, apart[i]) if i in apart else key, len(known)))
    return keys, put_in


def _key(op: Op | Array | str, below: list[int]) -> Any:
    """Returns the key of a number, made from the keys of its operands."""
    if not isinstance(op, Op):
        return op if op == CONSTANT else id(op)
    if op is ops.add or (op.neutral is not None and len(set(below)) == 1):
        return op, frozenset(below)  # any number of them, in any order
    if op is ops.multiply and below[0] > below[1]:
        below.reverse()
    return op, *below


def _sums_of_one_term(recording: Recording) -> tuple[set[Operand], set[int]]:
    """Returns the operands that need a sum of one term, and the sums to replace by their term."""
    tape = recording.tape
    missing = _missing_sums(recording)
    keys, put_in = _keys_with(recording, missing=missing)
    many = {keys[i] for i, op in enumerate(tape.ops) if op is ops.add and len(tape.operands[i]) > 1}
    singles = {i for i, op in enumerate(tape.ops) if op is ops.add and keys[i] not in many}
    return {operand for operand, key in put_in.items() if key in many}, singles


def _missing_sums(recording: Recording) -> set[Operand]:
    """Returns the operands that are a term, although their neighbours are sums of such terms.

    Neighbours have the same key if a sum of one kind has the key of its terms.
    """
    tape = recording.tape
    known: dict[Any, int] = {}
    keys: list[int] = []
    of_sums: set[int] = set()
    for op, operands in zip(tape.ops, tape.operands, strict=True):
        below = [keys[k] for k in operands] if op.__class__ is Op else []
        if op is ops.add and len(set(below)) == 1:
            keys.append(below[0])
            of_sums.add(below[0])
        else:
            keys.append(known.setdefault(_key(op, below), len(known)))
    readers: dict[tuple[int, ...], tuple[list[Operand], list[Operand]]] = {}
    for i, (op, operands) in enumerate(zip(tape.ops, tape.operands, strict=True)):
        if not isinstance(op, Op) or (op is ops.add and len(operands) == 1):
            continue
        below = [keys[k] for k in operands]
        if of_sums.isdisjoint(below) or (op is ops.add and len(set(below)) == 1):
            continue
        ordered = op not in (ops.add, ops.multiply) and op.neutral is None
        for at, k in enumerate(operands):
            if below[at] in of_sums and (op is not ops.add or below.count(below[at]) == 1):
                sides = readers.setdefault((keys[i], below[at], at if ordered else 0), ([], []))
                sides[tape.ops[k] is ops.add].append((i, at))
    return {pair for terms, sums in readers.values() if sums for pair in terms}
