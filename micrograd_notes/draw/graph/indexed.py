"""A graph of values, read once into plain lists: who uses whom, and how far apart values are.

`view.py`, `grouping.py` and the stepper start from it. A position in the topological order stands
for a value, so that everything that follows is the same in every run. Read `grouping.py` next.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from micrograd_notes.engine import Value, topological_order


@dataclass(frozen=True)
class IndexedGraph:
    """The values below a root, operands before results, and the positions of their operands."""

    values: list[Value]
    operands: list[tuple[int, ...]]

    @cached_property
    def users(self) -> list[list[int]]:
        """For each value the results that it is an operand of; twice for `x*x`."""
        users: list[list[int]] = [[] for _ in self.values]
        for result, operands in enumerate(self.operands):
            for operand in operands:
                users[operand].append(result)
        return users

    @cached_property
    def place(self) -> dict[Value, int]:
        """For each value its position."""
        return {value: position for position, value in enumerate(self.values)}

    def outputs(self, members: Collection[int]) -> list[int]:
        """Returns those of the positions that something outside of them uses, and the root."""
        inside, root = frozenset(members), len(self.values) - 1
        return [p for p in members if p == root or not inside.issuperset(self.users[p])]

    def nearest(self, centre: int, radius: int | None, at_most: int) -> list[int]:
        """Returns the positions within `radius` edges of the centre, nearest first.

        There are at most `at_most` of them. A radius of None has no bound.

        >>> x = Value(2.0)
        >>> indexed(((x * x) + 1.0).tanh()).nearest(centre=4, radius=2, at_most=10)
        [4, 3, 1, 2]
        """
        found = {centre: None}  # a dict keeps the order
        ring = [centre]
        distance = 0
        while ring and len(found) < at_most and distance != radius:
            distance += 1
            touching = dict.fromkeys(
                near
                for position in ring
                for near in (*self.operands[position], *self.users[position])
            )
            ring = [near for near in touching if near not in found]
            found.update(dict.fromkeys(ring))
        return list(found)[:at_most]


def indexed(root: Value) -> IndexedGraph:
    """Returns the graph below the root.

    >>> x = Value(3.0)
    >>> indexed(x * x).operands
    [(), (0, 0)]
    """
    values = topological_order(root)
    position = {value: index for index, value in enumerate(values)}
    operands = [tuple(map(position.__getitem__, value.operands)) for value in values]
    return IndexedGraph(values, operands)
