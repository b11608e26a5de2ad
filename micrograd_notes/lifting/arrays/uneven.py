"""Numbers that are made alike, but read one array in two ways: its rows, and its columns.

    [logsumexp(row) for row in scores], [logsumexp(column) for column in zip(*scores)]
    u[i + 1][j] - u[i][j], u[i][j + 1] - u[i][j]

No axes fit both ways, so together they would lie in an array with holes. If each way fills a box of
axes, `compiled.py` has `group.py` tell them apart, and each becomes an array. `arrange.py` calls
`ways`.
"""

from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.lifting.arrays import axes
from micrograd_notes.lifting.arrays.layout import Layout
from micrograd_notes.lifting.arrays.terms import Terms
from micrograd_notes.lifting.ints import Ints, unique


def ways(layout: Layout, op: Any, members: Ints) -> dict[int, int]:
    """Returns the way in which each number of a group reads; nothing if one way does for all."""
    if op is ops.add or op.arity is None:
        found = _ways_of_sums(layout, members)
    elif op.arity == 2 and not op.chooses:
        found = _ways_of_lanes(layout, members)
    else:
        return {}
    way, columns = found
    kinds, counts = np.unique(way, return_counts=True)
    if len(kinds) < 2 or counts.min() < 2 or _fill_a_box(columns, len(members)):
        return {}
    for kind in kinds:
        these = way == kind
        if not _fill_a_box([column[these] for column in columns], int(these.sum())):
            return {}
    return dict(zip(members.tolist(), way.tolist(), strict=True))


def _fill_a_box(columns: list[Any], count: int) -> bool:
    return axes.fills(axes.independent(columns, count), count)


def _ways_of_sums(layout: Layout, members: Ints) -> tuple[Ints, list[Any]]:
    """Returns which places of its terms a sum, or a maximum, has in common, and these places.

    Sums of one term have all in common, and so do not tell: then there is one way. Nor do sums that
    have different kinds of terms.
    """
    sizes, nodes = layout.terms(members)
    count, way = len(members), np.zeros(len(members), dtype=np.int64)
    owner, of, columns = np.repeat(np.arange(count), sizes), layout.group_of[nodes], list[Any]()
    if sizes.min() < 2:
        return way, columns
    for kind in unique(of):
        terms = Terms(layout, nodes[of == kind], owner[of == kind], count)
        if not terms.is_in_all:
            return np.zeros_like(way), []
        for column in [c for operand in terms.operands for c in layout.columns(operand)]:
            low, high = axes.ends(column, terms.owner, count)
            way = 2 * way + (low == high)
            columns.append(np.where(low == high, low, -1))
    return way, columns


def _ways_of_lanes(layout: Layout, members: Ints) -> tuple[Ints, list[Any]]:
    """Returns along which axes of one array both operands have the same place, and these places."""
    first, second = (layout.operands(members)[k] for k in (0, 1))
    way, columns = np.zeros(len(members), dtype=np.int64), list[Any]()
    if layout.group(first) != layout.group(second) or layout.numbers(first) is not None:
        return way, columns
    for a, b in zip(layout.columns(first), layout.columns(second), strict=True):
        way = 2 * way + (a == b)
        columns += [a, b]
    return way, columns
