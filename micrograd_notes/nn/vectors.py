"""Arithmetic on lists of numbers: plain numbers, `Value`s, or both.

These are loops over scalars, as a learner would write them; `lift` finds the matrix products in
them. The GPT in `gpt.py` is built from these functions; read it next.
"""

from collections.abc import Sequence
from typing import Any

from micrograd_notes.engine.accurate import total

Row = list[Any]


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    """Returns the dot product of two lists, a1 b1 + ... + an bn.

    Raises:
        ValueError: they have different lengths.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    return total(x * y for x, y in zip(a, b, strict=True))


def linear(x: Sequence[Any], weights: Sequence[Sequence[Any]]) -> Row:
    """Returns the dot products of x with each list of weights: one number per list.

    >>> linear([1.0, 2.0], [[3.0, 4.0], [5.0, 6.0]])
    [11.0, 17.0]
    """
    return [dot(row, x) for row in weights]


def plus(a: Sequence[Any], b: Sequence[Any]) -> Row:
    """Returns the sum of two lists, number by number.

    >>> plus([1.0, 2.0], [3.0, 4.0])
    [4.0, 6.0]
    """
    return [x + y for x, y in zip(a, b, strict=True)]


def rms_norm(x: Sequence[Any]) -> Row:
    """Returns the list divided by its root mean square, x / sqrt(mean of x**2 + 1e-5).

    The 1e-5 avoids a division by 0 when all numbers are 0. After B. Zhang and R. Sennrich, "Root
    mean square layer normalization" (2019).

    >>> [round(x, 4) for x in rms_norm([3.0, -3.0])]
    [1.0, -1.0]
    """
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]
