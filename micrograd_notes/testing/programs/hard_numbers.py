"""The numbers where the gradient of an operation is likely to be wrong: `hard_numbers`."""

import math
from collections.abc import Callable, Sequence

from micrograd_notes.common import checks
from micrograd_notes.engine.facts import EVERYWHERE, Interval
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.numbers.operand import operands_of

__all__ = ["hard_numbers"]


def hard_numbers(op: Op, operands: Sequence[float], index: int) -> list[float]:
    """Returns numbers for the operand at the index where gradients go wrong; the others stay.

    They are 0, the ends of the operand's domain, the other operands, and the roots of the row's
    `kinks` and of the partial itself, as far as a search over a grid finds them.

    >>> from micrograd_notes.engine import helper_ops, ops
    >>> hard_numbers(ops.log, (2.0,), 0), hard_numbers(helper_ops.at_least, (2.0, 0.25), 0)
    ([0.0], [0.0, 0.25])
    >>> [round(x, 3) for x in hard_numbers(ops.silu, (2.0,), 0)[-2:]]
    [-1.278, 0.0]
    """
    operands = operands_of(op, operands)
    index = checks.whole_number("index", index, 0, len(operands) - 1)
    low, high = interval_of(op, index)
    before, x, after = operands[:index], operands[index], operands[index + 1 :]
    found = {0.0, low, high, *before, *after}
    kinks = op.kinks
    if kinks is not None:
        found |= _roots(lambda x: kinks(*before, x, *after), x)
    if op.is_differentiated(index):
        found |= _roots(lambda x: _partial(op, (*before, x, *after), index), x)
    return sorted(x + 0.0 for x in found if math.isfinite(x) and low <= x <= high)


def interval_of(op: Op, index: int) -> Interval:
    """Returns the domain of an operand."""
    return op.domain[index] if index < len(op.domain) else EVERYWHERE


def _partial(op: Op, point: Sequence[float], index: int) -> float:
    (partial,) = op.local_partials([index], op.forward(*point), point)
    return float(partial)


_SIZES = (1e-3, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, 30.0, 1e3, 1e8)
_GRID = (*(-size for size in reversed(_SIZES)), 0.0, *_SIZES)


def _roots(function: Callable[[float], float], x: float) -> set[float]:
    """Returns where the function is 0 on a grid, or changes its sign between two of its points.

    Beside x the grid has a point every half: there, floor and round jump.
    """
    halves = [math.floor(x) + k / 2 for k in range(-1, 4)] if abs(x) < 2.0**51 else []
    grid = sorted({*_GRID, *halves})
    heights = [_height(function, x) for x in grid]
    roots = set()
    for i in range(len(grid) - 1):
        if (heights[i] == 0.0) != (heights[i + 1] == 0.0):  # on a flat stretch only the ends
            roots.add(grid[i] if heights[i] == 0.0 else grid[i + 1])
        if heights[i] * heights[i + 1] < 0.0:
            roots.add(_bisected(function, grid[i], grid[i + 1]))
    return roots


def _bisected(function: Callable[[float], float], low: float, high: float) -> float:
    """Returns the last float before the function changes its sign, or the one where it is 0."""
    at_low = _height(function, low)
    while low < (middle := low + (high - low) / 2) < high:
        at_middle = _height(function, middle)
        if at_middle == 0.0:
            return middle
        if at_middle * at_low > 0.0:
            low = middle
        else:
            high = middle
    return low


def _height(function: Callable[[float], float], x: float) -> float:
    try:
        return function(x)
    except Exception:  # a rule that raises is for a check to find, not for a search of points
        return math.nan
