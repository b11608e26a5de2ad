"""The memories of an optimiser, as one dictionary per parameter or as vectors.

`Optimizer.step` loops over dictionaries, and `Optimizer.stepped` changes all parameters at once, so
it needs vectors. Parameters whose memories have the same names form a group, with one vector per
name. A count, which is an int, stays one number: parameters with another count, because they were
skipped for a while, form another group. This way a formula sees the same numbers as in the loop,
and gives the same bits. Read `optim.py` for the formulas.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

Memory = dict[str, float]


class Group(NamedTuple):
    """Parameters whose memories have the same names and counts; a step changes all or none."""

    places: Any  # their positions in the vector of all parameters: a slice or an array
    takes_part: bool
    memory: dict[str, Any]


class Vectors(NamedTuple):
    """The memories of all parameters, as vectors. They are never changed: a step makes new ones.

    >>> vectors = Vectors.of([{"step": 2, "mean": 0.5}, {"step": 2, "mean": 1.5}])
    >>> vectors.groups[0].memory
    {'mean': array([0.5, 1.5]), 'step': 2}
    >>> vectors.memories()
    [{'mean': 0.5, 'step': 2}, {'mean': 1.5, 'step': 2}]
    """

    groups: Sequence[Group]
    size: int  # the number of parameters
    takes_part: bytes | None = None  # one byte per parameter, 1 or 0; None if all do

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
        """Returns one dictionary of plain numbers per parameter."""
        memories: list[Memory] = [{} for _ in range(self.size)]
        for at, _, entries in self.groups:
            mine = memories[at] if isinstance(at, slice) else [memories[i] for i in at.tolist()]
            for name, entry in entries.items():
                numbers = entry.tolist() if hasattr(entry, "tolist") else [entry] * len(mine)
                for memory, number in zip(mine, numbers, strict=True):
                    memory[name] = number
        return memories

