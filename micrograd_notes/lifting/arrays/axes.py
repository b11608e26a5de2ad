"""Axes: a few counters that determine the places of an array's numbers.

A *column* has the place of one operand along one axis for each of n numbers: row 3, row 3, row 4,
... Columns that always agree are one axis of the result. A column that determines another (16
places in 4 blocks) is split in two axes. If the numbers fill the product of the remaining,
independent axes, they are an array. `layout.py` and `sums.py` call these functions on integers;
read `layout.py` next.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.ints import unique

Column = Any  # a NumPy array of whole numbers


def ranks(column: Column) -> tuple[Column, int]:
    """Returns the column counted from 0 without gaps, and the number of different places."""
    low = int(column.min())
    places = column - low
    present = np.zeros(int(column.max()) - low + 1, dtype=bool)
    present[places] = True
    count = int(np.count_nonzero(present))
    if count == len(present):
        return places, count
    return (np.cumsum(present) - 1)[places], count


def codes(columns: Sequence[tuple[Column, int]], length: int) -> Column:
    """Returns a column with a small number per row of the columns side by side, one per kind."""
    code, size = np.zeros(length, dtype=np.int64), 1
    for column, count in columns:
        code, size = code * count + column, size * count
        if size > 8 * length:
            code, size = ranks(np.unique(code, return_inverse=True)[1].reshape(-1))
    return code


def distinct(columns: Sequence[tuple[Column, int]], length: int) -> int:
    """Returns the number of different rows of the columns side by side."""
    return int(np.count_nonzero(np.bincount(codes(columns, length))))


def fills(columns: Sequence[tuple[Column, int]], length: int) -> bool:
    """Returns whether each row of the axes is there, once."""
    return prod(size for _, size in columns) == length == distinct(columns, length)


def counted(columns: Sequence[tuple[Column, int]], length: int) -> Column:
    """Returns a column that counts the equal rows of the columns side by side, from 0.

    >>> counted([(np.array([3, 5, 3, 3]), 6)], 4).tolist()
    [0, 0, 1, 2]
    """
    rows = codes(columns, length)
    order, count = np.argsort(rows, kind="stable"), np.bincount(rows)
    starts = np.cumsum(count) - count
    found = np.empty(length, dtype=np.int64)
    found[order] = np.arange(length) - np.repeat(starts, count)
    return found


def independent(columns: Sequence[Column], length: int) -> list[tuple[Column, int]]:
    """Returns independent axes, each as (places, size), that distinguish the columns' rows."""
    kept = [(column, count) for column, count in map(ranks, columns) if count > 1]
    changed = True
    while changed:
        changed = False
        for i, j in ((i, j) for i in range(len(kept)) for j in range(len(kept)) if i != j):
            (a, size_a), (b, size_b) = kept[i], kept[j]
            if size_a < size_b or distinct([kept[i], kept[j]], length) != size_a:
                continue  # a does not determine b
            if size_a == size_b:  # each determines the other
                kept[min(i, j)] = kept[j if _is_in_order(b) > _is_in_order(a) else i]
                kept.pop(max(i, j))
            else:
                rest = rank_within(a, b, size_a, size_b)
                if rest is None:
                    kept.pop(j)
                else:
                    kept[i] = rest
                    if i < j:  # the two parts side by side, as the whole counted them
                        comes_first = (a == b * rest[1] + rest[0]).all()
                        kept.insert(i if comes_first else i + 1, kept.pop(j))
            changed = True
            break
    return without_dependent(kept, length)


def _is_in_order(column: Column) -> bool:
    """Returns whether places come one after the other, upwards or downwards."""
    first = np.empty(int(column.max()) + 1, dtype=np.int64)
    first[column[::-1]] = np.arange(len(column))[::-1]  # of several the last one stays
    is_later = first[1:] > first[:-1]
    return bool(is_later.all() or not is_later.any())


def determines(one: Column, other: Column) -> bool:
    """Returns whether numbers at the same place of one column are so in the other one, too."""
    (one, size), (other, count) = ranks(one), ranks(other)
    return distinct([(one, size), (other, count)], len(one)) == size


def by_distance(columns: Sequence[Column], length: int) -> list[tuple[Column, int]] | None:
    """Returns axes without holes, of which one has the distances between two columns.

    So v[t + 1] * d[t] and v[t] * d[t] lie along t and two distances.
    """
    for k, column in enumerate(columns):
        for base in columns[:k]:
            offsets, count = ranks(base - column)
            if 1 < count < ranks(base)[1]:
                found = independent([c for c in columns if c is not base] + [offsets], length)
                if fills(found, length):
                    return found
    return None


def rank_within(a: Column, b: Column, size_a: int, size_b: int) -> tuple[Column, int] | None:
    """Returns the rank of a within its block b; None if the blocks differ in size."""
    block = np.empty(size_a, dtype=np.int64)
    block[a] = b
    counts = np.bincount(block, minlength=size_b)
    if (counts != counts[0]).any():
        return None
    return counted([(block, size_b)], size_a)[a], int(counts[0])


def without_dependent(
    kept: list[tuple[Column, int]], length: int, fixed: int = 0,
    later: Callable[[Column], int] = lambda column: 0
) -> list[tuple[Column, int]]:
    """Returns the axes without those that the others determine; the first `fixed` ones stay.

    A long one goes first, of equally long ones the one that is `later`, and else the last: that of
    t - u, where t and u are axes.
    """
    wanted = distinct(kept, length)
    if prod(count for _, count in kept) == wanted:
        return kept
    for axis in sorted(kept[fixed:], key=lambda axis: (axis[1], later(axis[0])))[::-1]:
        others = [each for each in kept if each is not axis]
        if prod(count for _, count in kept) > wanted == distinct(others, length):
            kept = others
    return kept


def ends(column: Column, owner: Column, owners: int) -> tuple[Column, Column]:
    """Returns the lowest and the highest place among the terms of each sum."""
    low = np.full(owners, np.iinfo(np.int64).max)
    high = np.full(owners, -1)
    np.minimum.at(low, owner, column)
    np.maximum.at(high, owner, column)
    return low, high


class Parted(NamedTuple):
    """A column with the terms of sums: the part that their sum determines, and the rest.

    The first part has an entry per sum, the second one per term; None stands for a part that is
    always the same. The terms of two sums may overlap, as in windows.
    """

    kept: Column | None
    rest: Column | None
    overlaps: bool = False


def parted(column: Column, owner: Column, owners: int) -> Parted:
    """Returns the parts of a column whose rows are terms, and `owner` has the sum of each."""
    low, high = ends(column, owner, owners)
    if (low == high).all():
        return Parted(low, None)
    column, size = ranks(column)
    row, at = np.divmod(unique(owner * size + column), size)
    sets = np.split(at, 1 + np.flatnonzero(np.diff(row)))  # the places of each sum
    kinds: dict[bytes, int] = {}  # in the order in which they were recorded
    which = np.array([kinds.setdefault(each.tobytes(), len(kinds)) for each in sets])
    if len(kinds) == 1:
        return Parted(None, column)
    first, last = (each[0] + each[-1] for each in (sets[0], sets[which.argmax()]))
    counts = np.array([*map(len, kinds)]) // at.itemsize
    has_all_others = len(kinds) == size and (counts == size - 1).all()  # j != i
    if first > last and not has_all_others:  # as they were recorded, or backwards
        which = len(kinds) - 1 - which
    if counts.sum() == size:  # blocks that do not overlap: which block, and where in it
        block = np.empty(size, dtype=np.int64)
        block[column] = which[owner]
        return Parted(which, counted([(block, len(kinds))], size)[column])
    return Parted(which, column, overlaps=True)


def affine(lanes: Any) -> tuple[int, list[int]] | None:
    """Returns (offset, strides) if a grid of lanes is offset + sum of stride * index; else None.

    Entries of -1 are holes, which fit anything.
    """
    known = lanes >= 0
    full = bool(known.all())
    strides = []
    for axis in range(lanes.ndim):
        difference = np.diff(lanes, axis=axis)
        if not full:
            there = known.swapaxes(0, axis)
            difference = difference.swapaxes(0, axis)[there[1:] & there[:-1]]
        if difference.size == 0:
            strides.append(0)
            continue
        stride = int(difference.flat[0])
        if (difference != stride).any():
            return None
        strides.append(stride)
    first = np.unravel_index(int(known.argmax()), lanes.shape)
    offset = int(lanes[first]) - sum(s * int(i) for s, i in zip(strides, first, strict=True))
    if not full and (evenly(lanes.shape, offset, strides)[known] != lanes[known]).any():
        return None
    return offset, strides


def on_a_ring(lanes: Any, size: int) -> tuple[int, list[int]] | None:
    """Returns (offset, strides) of lanes on a ring of so many places, of which -1 is the last.

    >>> on_a_ring(np.array([4, 0, 1, 2, 3]), 5)
    (-1, [1])
    """
    if lanes.min() < 0:  # there are holes
        return None
    corner, half = int(lanes.flat[0]), size // 2
    strides = [(step + half) % size - half for step in along_axes(lanes)]
    lies = evenly(lanes.shape, corner, strides)
    if ((lies - lanes) % size).any():
        return None
    low, high = int(lies.min()), int(lies.max())
    turns = min(low // size, low // size + 1, key=lambda turns: max(
        turns * size - low, high - turns * size - size + 1
    ))  # so that few places are outside
    return corner - turns * size, strides


def along_axes(array: Any) -> list[Any]:
    """Returns by how much an array grows along each axis, at its corner."""
    seconds = [array.take(min(1, size - 1), axis) for axis, size in enumerate(array.shape)]
    return [second.item(0) - array.item(0) for second in seconds]


def evenly(shape: Sequence[int], corner: Any, steps: Sequence[Any]) -> Any:
    """Returns an array that grows evenly along each axis.

    >>> evenly((2, 3), 5, (10, 1)).tolist()
    [[5, 6, 7], [15, 16, 17]]
    """
    places = np.indices(shape, sparse=True)
    grown = [step * place for step, place in zip(steps, places, strict=True)]
    return np.broadcast_to(sum(grown, np.array(corner)), shape)
