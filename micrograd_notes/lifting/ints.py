"""Arrays of NumPy's whole numbers."""

from typing import Any

from micrograd_notes.common.extras import numpy as np

Ints = Any  # an array of NumPy's whole numbers


def unique(numbers: Ints) -> Ints:
    """Returns the different ones of some ints, in order.

    >>> unique(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    # np.unique would import numpy.ma first, which takes longer than most passes of a compiler
    ordered = np.sort(numbers, axis=None)
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first]
