"""Two things that are one array by the way they are made: the queries and the keys of attention.

One matrix may make all queries, keys and values. Each query is multiplied by several keys, and `*`
does not say which factor is the query, which comes first in the recording in one product and second
in another. But the parameters say it: row 0 of the matrix always meets row 6, row 1 meets row 7,
and so on. `keys.py` calls `sides`, so that each side gets an array, as in a book.
"""

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.lifting.ints import Ints, unique
from micrograd_notes.lifting.trace.columns import Columns
from micrograd_notes.lifting.trace.tape import Array


def sides(columns: Columns, keys: Ints) -> dict[int, bool]:
    """Returns the side of numbers of one key that are always multiplied with the other side.

    The parameters of a query are as far from those of a key, wherever they are multiplied, and none
    belongs to both. Some number meets several others.
    """
    products = np.flatnonzero(columns.where(lambda op: op is ops.multiply))
    a, b = columns.ends(products)
    is_mixed = (keys[a] == keys[b]) & columns.is_made[a]
    found: dict[int, bool] = {}
    for key in unique(keys[products[is_mixed]]).tolist():
        these = is_mixed & (keys[products] == key)
        pairs = np.stack([a[these], b[these]])
        numbers, which = np.unique(pairs, return_inverse=True)
        if 2 * pairs.shape[1] <= len(numbers) or (pairs[0] == pairs[1]).any():
            continue  # each meets one other number, as a gate; or there are squares
        first = np.array([_first_parameter(columns, i) for i in numbers.tolist()])
        low, high = np.sort(first[which.reshape(pairs.shape)], axis=0)
        is_even = (high - low == high[0] - low[0]).all()
        if first.min() >= 0 and is_even and not np.isin(low, high).any():
            found |= zip(numbers.tolist(), np.isin(first, high).tolist(), strict=True)
    return found


def _first_parameter(columns: Columns, number: int) -> int:
    """Returns the first of the parameters that are nearest below a number, -1 if there are none."""
    made, level = [*columns.codes], {number}
    while level:
        below = {k for i in level if columns.is_made[i] for k in columns.operands(i)}
        leaves = [(made[columns.code[k]], k) for k in below]
        places = [array.where[columns.operands(k)[0]] for array, k in leaves
                  if isinstance(array, Array) and array.is_parameter]
        if places:
            return min(places)
        level = below
    return -1
