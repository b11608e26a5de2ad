"""Which states of a recurrence are alike: made alike, from states that are alike.

    c = [f * c[0] + i * g[0], f * c[1] + i * g[1]]
    h = [tanh(c[0]), tanh(c[1])]                      two kinds: c[0] and c[1], h[0] and h[1]

The states of one kind become one array (`passes/group.py`), so what they start with is one, too. At
first all states are of one kind. Then each gets a key, made of the keys of what it is computed
from; states with different keys become different kinds, until no kind falls apart any more. The
derivatives of states stay of one kind if few terms are missing at the ends of an array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from micrograd_notes.lifting.recurrences.alike import Alike
from micrograd_notes.lifting.trace.tape import Tape


def kinds_of(
    tape: Tape, states: Mapping[int, int], numbers: Sequence[int], has_walls: bool
) -> list[int]:
    """Returns a small number for the kind of each state.

    `states` has the number that each one is after a step, by the one that it is before; `numbers`
    are the operations of this step, and before them others that these may read.
    """
    kinds = dict.fromkeys(states, 0)
    while True:
        keys = Alike(tape, numbers, kinds, has_walls)
        finer = [(kinds[i], keys.of.get(y, i)) for i, y in states.items()]
        numbered = {each: k for k, each in enumerate(dict.fromkeys(finer))}
        if len(numbered) == len({*kinds.values()}):
            return [*kinds.values()]
        kinds = dict(zip(kinds, map(numbered.__getitem__, finer), strict=True))
