"""Plain numbers that belong to a series, as the weights 1, 4, 2, 4, 1 of Simpson's rule.

A rule that drops `1 * x` would make two of these five terms differ from the others, and only terms
that are alike become an array. So the numbers of a series are `given`: no rule looks at them, as if
they were an input, until `group.py` has found the arrays; then they are one constant array.

    f[0] + 4 * f[1] + 2 * f[2] + 4 * f[3] + f[4]     ->     f @ K, K = np.array([1, 4, 2, 4, 1])

`record.py` calls `with_series`, before it adds the derivatives.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.lifting.passes.keys import FEW, Keys
from micrograd_notes.lifting.passes.simplify import simplify
from micrograd_notes.lifting.trace.columns import Columns, ints
from micrograd_notes.lifting.trace.tape import CONSTANT, Recording, Tape

Kind = tuple[Any, int]  # an operation, and which operand is a plain number

# operations of a series, and the numbers for which `rules.py` has a simpler form
SIMPLER = {
    ops.multiply: {1.0, -1.0}, ops.divide: {1.0}, ops.add: {0.0}, ops.subtract: {0.0},
    ops.power: {1.0, 2.0},
}


class Use(NamedTuple):
    """An operation with a plain number."""

    owner: int
    kind: Kind
    number: float


def with_series(recording: Recording) -> Recording:
    """Returns the recording of a function, in which the numbers of series are given.

    Operations that would be lanes of one array if no rule looked at their numbers are a series.
    Each of them has its own number, even if some are equal; but what is computed twice has one.
    """
    if len({*recording.tape.numbers.values()}) < 2:  # a series has several
        return recording
    uses = _of_series(_uses(recording.tape), {})
    if not uses:
        return recording
    given = {at: use.number for at, use in uses.items()}
    trial = with_given(recording, {at: use[1:] for at, use in uses.items()}, given)
    count = len(trial.tape) - len(recording.tape)
    asked = [use.owner + count for use in uses.values()]
    simple = simplify(replace(trial, alive=[*trial.alive, *asked]))
    numbers = dict(zip(uses, simple.alive[len(trial.alive) :], strict=True))
    keys = Keys(Columns.of(simple.tape)).found()
    uses = _of_series(uses, {at: int(keys[i]) for at, i in numbers.items()})
    return with_given(recording, {at: numbers[at] for at in uses}, given) if uses else recording


def _uses(tape: Tape) -> dict[int, Use]:
    """Returns the operations with one plain number, by its place in the tape's `flat`.

    The 0 that a sum starts with is none.
    """
    columns, numbers = Columns.of(tape), tape.numbers
    codes, is_number = [*columns.codes], np.zeros(len(tape), dtype=bool)
    is_number[[*numbers]] = True
    owners = columns.owner
    may = np.flatnonzero(columns.where(SIMPLER.__contains__)[owners] & columns.below(is_number))
    found: dict[int, Use] = {}
    for at, owner in zip(may.tolist(), owners[may].tolist(), strict=True):
        op, place = codes[columns.code[owner]], at - int(columns.first[owner])
        number = numbers[int(columns.flat[at])]
        if op is not ops.add or place > 0 or number != 0.0:
            found[at] = Use(owner, (op, 0 if op is ops.multiply else place), number)
    return found


def _of_series(uses: Mapping[int, Use], keys: Mapping[int, int]) -> dict[int, Use]:
    """Returns the uses whose numbers, together with those of the same kind and key, are a series.

    It has more than a few numbers, or also one with which an operation has a simpler form.
    """
    together: dict[Any, set[float]] = {}
    for at, use in uses.items():
        together.setdefault((use.kind, keys.get(at)), set()).add(use.number)

    series = {
        each for each, numbers in together.items() if len(numbers) > FEW
        or (each[0][0] is not ops.power and len(numbers) > 1 and numbers & SIMPLER[each[0][0]])
    }
    return {at: use for at, use in uses.items() if (use.kind, keys.get(at)) in series}


def with_given(
    recording: Recording, which: Mapping[int, Any], numbers: Mapping[int, float]
) -> Recording:
    """Returns the recording with a given number for all uses of which the same is said.

    Uses, and their numbers, are told by their places in the tape's `flat`.
    """
    given = {key: k for k, key in enumerate(dict.fromkeys(which.values()))}
    old, new, count = recording.tape, Tape(), len(given)
    columns = Columns.of(old)
    flat = np.where(columns.is_read, columns.flat + count, columns.flat)
    flat[[*which]] = [given[key] for key in which.values()]
    new.ops = [CONSTANT] * count + old.ops
    new.operands.flat, new.operands.first = ints(flat), array("i", [0] * count) + old.operands.first
    new.flows = bytearray(count) + old.flows
    new.numbers = {i + count: x for i, x in old.numbers.items()}
    new.constants = {key: i + count for key, i in old.constants.items()}
    new.given = {given[key]: numbers[at] for at, key in which.items()}
    place = range(count, count + len(old) + 1)
    return recording.moved(new, place, place)
