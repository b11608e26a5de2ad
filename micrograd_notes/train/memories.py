"""What an optimiser remembers of its parameters: a dictionary for each of them, or vectors.

Dictionaries suit a loop over parameters. Vectors suit a step of all of them at once: parameters
that remember the same things form a group, and what they remember is a vector with a number for
each. A count, which is an int, stays one number: parameters with other counts, as some have that
were left alone for a while, form a group of their own. So a formula meets a count as it does in a
loop, and gives the same bits.

The two hold the same numbers, and each is made of the other. This file knows no update rule.
NumPy is imported where a vector is made.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

Memory = dict[str, float]


class Group(NamedTuple):
    """Parameters that remember the same things and counts, and take part in a step or don't."""

    places: Any  # where they stand in the vector of all parameters: a slice, or an array of places
    takes_part: bool
    memory: dict[str, Any]


class Vectors(NamedTuple):
    """The memories of all parameters, as vectors. Nothing in them changes: a step makes new ones.

    >>> vectors = Vectors.of([{"step": 2, "mean": 0.5}, {"step": 2, "mean": 1.5}])
    >>> vectors.groups[0].memory
    {'mean': array([0.5, 1.5]), 'step': 2}
    >>> vectors.memories()
    [{'mean': 0.5, 'step': 2}, {'mean': 1.5, 'step': 2}]
    """

    groups: Sequence[Group]
    size: int  # the number of parameters
    takes_part: bytes | None = None  # a byte a parameter, 1 or 0; None if all do

    @classmethod
    def of(cls, memories: Sequence[Memory], takes_part: bytes | None = None) -> "Vectors":
        """Returns the memories as vectors."""
        import numpy as np

        members: dict[Any, list[int]] = {}
        for place, memory in enumerate(memories):
            active = takes_part is None or takes_part[place] == 1
            kind = sorted([(n, x if type(x) is int else None) for n, x in memory.items()])
            members.setdefault((active, tuple(kind)), []).append(place)
        groups = []
        for (active, kind), places in members.items():
            at = slice(None) if len(places) == len(memories) else np.array(places)
            entries = {
                name: np.array([memories[place][name] for place in places]) if count is None
                else count
                for name, count in kind
            }
            groups.append(Group(at, active, entries))
        return cls(groups, len(memories), takes_part)

    def memories(self) -> list[Memory]:
        """Returns a dictionary for each parameter, of plain numbers."""
        memories: list[Memory] = [{} for _ in range(self.size)]
        for at, _, entries in self.groups:
            mine = memories[at] if isinstance(at, slice) else [memories[i] for i in at.tolist()]
            for name, entry in entries.items():
                numbers = entry.tolist() if hasattr(entry, "tolist") else [entry] * len(mine)
                for memory, number in zip(mine, numbers, strict=True):
                    memory[name] = number
        return memories

