"""An order in which readers come after what they read, and levels of things that read each other.

`keys.py` orders groups of numbers, which are few, and `borders.py` finds the levels of arrays.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.ints import Ints, unique
from micrograd_notes.lifting.trace.columns import BITS, MASK, packed, starts


def _edges(readers: Ints, read: Ints, count: int) -> tuple[list[list[int]], list[int]]:
    """Returns the readers of each thing, and how many things each reader reads."""
    edges = unique(packed(0, read, readers))
    read, readers = edges >> BITS, edges & MASK
    ends = starts(np.bincount(read, minlength=count))[1:-1]
    waits = np.bincount(readers, minlength=count).tolist()
    return [each.tolist() for each in np.split(readers, ends)], waits


def in_order(readers: Ints, read: Ints, first: Ints) -> list[int]:
    """Returns things in the order of `first`, but each one after all that it reads.

    Those that read each other are left out.

    >>> in_order(np.array([0, 2]), np.array([1, 0]), np.array([5, 7, 6]))
    [1, 0, 2]
    """
    of, waits = _edges(readers, read, len(first))
    ready = [(k, i) for i, k in enumerate(first.tolist()) if not waits[i]]
    heapify(ready)
    order = []
    while ready:
        order.append(heappop(ready)[1])
        for reader in of[order[-1]]:
            waits[reader] -= 1
            if not waits[reader]:
                heappush(ready, (int(first[reader]), reader))
    return order


def levels(readers: Ints, read: Ints, count: int) -> Ints | None:
    """Returns a level for each thing, above those of all that it reads; None if there is none.

    >>> levels(np.array([2, 2, 3]), np.array([0, 1, 2]), 4).tolist()
    [0, 0, 1, 2]
    """
    of, waits = _edges(readers, read, count)
    level, ready = [0] * count, [i for i in range(count) if not waits[i]]
    for i in ready:
        for reader in of[i]:
            level[reader] = max(level[reader], level[i] + 1)
            waits[reader] -= 1
            if not waits[reader]:
                ready.append(reader)
    return np.array(level) if len(ready) == count else None
