"""A dictionary from ints to numbers of a program, in two arrays: a fifth of the memory.

`simplify.py` finds equal operations with it. It is a hash table with open addressing: a key lies in
the first free slot after the one that its hash gives.
"""

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.ints import Ints

SPREAD = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio, an odd number: see Knuth 6.4


class Table:
    """Numbers by their keys. Each number has at most one key.

    >>> table = Table(5)
    >>> table.found(70, 2), table.found(70, 3), table.found(71, 3)
    (2, 2, 3)
    >>> table.all_found(np.array([71, 72, 72]), np.array([0, 1, 4])).tolist()
    [3, 4, 4]
    """

    def __init__(self, count: int) -> None:
        self.bits = (2 * count + 2).bit_length()
        self.slots = np.full(1 << self.bits, -1, dtype=np.int32)
        self.keys = np.zeros(count, dtype=np.int64)

    def found(self, key: int, number: int) -> int:
        """Returns the number that has the key: this one, if there is none."""
        if number >= len(self.keys):
            larger, used = Table(2 * number), self.slots[self.slots >= 0]
            larger.all_found(self.keys[used], used)
            self.bits, self.slots, self.keys = larger.bits, larger.slots, larger.keys
        at = (key * SPREAD & (1 << 64) - 1) >> (64 - self.bits)
        while (there := self.slots.item(at)) >= 0:
            if self.keys.item(there) == key:
                return there  # type: ignore[no-any-return]
            at = at + 1 & (1 << self.bits) - 1
        self.slots[at], self.keys[number] = number, key
        return number

    def all_found(self, keys: Ints, numbers: Ints) -> Ints:
        """Returns the number that has each key: one of these, if there is none."""
        at = (keys.astype(np.uint64) * np.uint64(SPREAD)) >> np.uint64(64 - self.bits)
        at = at.astype(np.int64)
        self.keys[numbers] = keys
        found, left = np.empty_like(keys), np.arange(len(keys))
        while left.size:
            slots, mine = at[left], numbers[left]
            is_free = self.slots[slots] < 0
            self.slots[slots[is_free]] = mine[is_free]  # of several, the last one stays
            there = self.slots[slots]
            is_equal = self.keys[there] == keys[left]
            found[left[is_equal]] = there[is_equal]
            left = left[~is_equal]
            at[left] = (at[left] + 1) & ((1 << self.bits) - 1)
        return found
