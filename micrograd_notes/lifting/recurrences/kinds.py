"""Which states of a recurrence are alike: made alike, from states that are alike.

    c = [f * c[0] + i * g[0], f * c[1] + i * g[1]]
    h = [tanh(c[0]), tanh(c[1])]                      two kinds: c[0] and c[1], h[0] and h[1]

The states of one kind become one array (`passes/group.py`), so what they start with is one, too. At
first all states are of one kind. Then each gets a key, made of the keys of what it is computed
from; states with different keys become different kinds, until no kind falls apart any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.tape import Array, Tape


def kinds_of(
    tape: Tape, states: Mapping[int, int], before: Iterable[int], step: Iterable[int]
) -> list[int]:
    """Returns a small number for the kind of each state.

    `states` has the number that each one is after a step, by the one that it is before; `step` has
    the operations of this step, and `before` other numbers that these may read.
    """
    before, step = [*before], [*step]
    kinds = dict.fromkeys(states, 0)
    while True:
        keys = _keys(tape, [*before, *step], kinds)
        finer = [(kinds[i], keys.get(y, i)) for i, y in states.items()]
        numbers = {each: k for k, each in enumerate(dict.fromkeys(finer))}
        if len(numbers) == len({*kinds.values()}):
            return [*kinds.values()]
        kinds = dict(zip(kinds, map(numbers.__getitem__, finer), strict=True))


def _keys(tape: Tape, numbers: Iterable[int], kinds: Mapping[int, int]) -> dict[int, int]:
    """Returns a key for how each number is made; the states have those of their kinds."""
    known = dict[Any, int]()
    keys = {state: known.setdefault(("state", kind), len(known)) for state, kind in kinds.items()}
    terms: dict[int, frozenset[int]] = {}
    for i in numbers:
        if i in kinds:
            continue
        op: Any = tape.ops[i]
        made: Any = id(op) if isinstance(op, Array) else op
        if op.__class__ is Op:
            below: Any = [keys.get(k, -1) for k in tape.operands[i]]
            if op is ops.add:  # of any number of terms, as the sums that they become
                both = zip(tape.operands[i], below, strict=True)
                below = terms[i] = frozenset().union(*[terms.get(k, {b}) for k, b in both])
            elif op.neutral is not None and len({*below}) == 1:
                below = frozenset(below)
            elif op is ops.multiply:
                below = sorted(below)
            made = op, below if isinstance(below, frozenset) else (*below,)
        keys[i] = known.setdefault(made, len(known))
    return keys
