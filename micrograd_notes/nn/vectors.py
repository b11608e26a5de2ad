"""Arithmetic on rows of numbers: lists of plain numbers, of `Value`s, or of both.

These are loops over scalars, as a learner would write them; `lift` finds the matrix products in
them. This file knows lists, and no network.
"""

from collections.abc import Sequence
from typing import Any

from micrograd_notes.engine.accurate import total

Row = list[Any]


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    """Returns the sum of the products of two rows, a1 b1 + ... + an bn.

    Raises:
        ValueError: they have different lengths.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    return total(x * y for x, y in zip(a, b, strict=True))


def linear(x: Sequence[Any], weights: Sequence[Sequence[Any]]) -> Row:
    """Returns the product of a row with each row of weights: one number for each of those.

    >>> linear([1.0, 2.0], [[3.0, 4.0], [5.0, 6.0]])
    [11.0, 17.0]
    """
    return [dot(row, x) for row in weights]


def plus(a: Sequence[Any], b: Sequence[Any]) -> Row:
    """Returns the sum of two rows, number by number.

    >>> plus([1.0, 2.0], [3.0, 4.0])
    [4.0, 6.0]
    """
    return [x + y for x, y in zip(a, b, strict=True)]


def rms_norm(x: Sequence[Any]) -> Row:
    """Returns the row divided by its root mean square, x / sqrt(mean of x**2 + 1e-5).

    The 1e-5 keeps a row of zeros from a division by 0. After B. Zhang and R. Sennrich, "Root mean
    square layer normalization" (2019).

    >>> [round(x, 4) for x in rms_norm([3.0, -3.0])]
    [1.0, -1.0]
    """
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]
