"""The points where `opcheck` tries an operation: simple, special, near edges and kinks, far out."""

import itertools
import math
import random
from collections.abc import Iterator

from micrograd_notes.engine.accurate import SMALLEST_NORMAL
from micrograd_notes.engine.facts import Interval
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.programs.hard_numbers import interval_of

__all__ = ["points_of"]

# The first points are those that a reader can follow; a report shows the first that fails.
_SIMPLE = (0.75, 2.0, -0.75, 0.5, -2.0, 1.5, 3.0, -0.25, 0.1, 1.0, -1.0, 0.0)
# What libm, and formulas, treat specially: overflow of exp, 1 +- an ulp, ...
_SPECIAL = (
    *(-0.0, 12.0, 20.0, 40.0, 355.0, 709.5, 709.9, 720.0, 745.0, 750.0, 800.0),
    *(1.0 + 2**-52, 1.0 - 2**-53, 1e-3, 1e-8),
)
# ... squares that overflow or vanish, subnormals. A row without a bound is not tried there:
# the square in 1 / (1 + abs(x))**2 overflows at 1e200, and no learner needs it.
_EXTREME = (1e8, 1e16, 1e154, 1e200, 1.7e308, 1e-16, 1e-154, 1e-200, 1e-310, 5e-324)
_OPERANDS_OF_NARY = 3


def points_of(op: Op, count: int = 24) -> Iterator[tuple[float, ...]]:
    """Yields operands, simple ones first: then special ones, near edges and kinks, and random ones.

    They lie in the domain that the row states, and reach from 1e-8 to 800, or over all floats for a
    row that promises a bound.
    """
    arity = op.arity or _OPERANDS_OF_NARY
    intervals = [interval_of(op, i) for i in range(arity)]
    generator = random.Random(op.name)
    seen = set()
    for operands in _all_points(op, intervals, count, generator):
        inside = all(low <= x <= high for x, (low, high) in zip(operands, intervals, strict=True))
        if not math.isfinite(op.ulps) and any(0 < abs(x) < SMALLEST_NORMAL for x in operands):
            continue
        if inside and repr(operands) not in seen:  # 0.0 and -0.0 are two
            seen.add(repr(operands))
            yield operands


def _all_points(
    op: Op, intervals: list[Interval], count: int, generator: random.Random
) -> Iterator[tuple[float, ...]]:
    arity = len(intervals)
    simple = _rotated(_SIMPLE, intervals)
    for i in range(len(_SIMPLE)):
        yield tuple(column[(i + 2 * k) % len(column)] for k, column in enumerate(simple))
    for first, sign in itertools.product(range(arity), (1, -1)):  # each the smallest, and largest
        yield tuple(sign * (0.75 + 1.25 * ((i + first) % arity)) for i in range(arity))
    edges = [_near_the_ends(interval) for interval in intervals]
    yield from _one_at_a_time(edges, simple)
    special = [*_SPECIAL, *(_EXTREME if math.isfinite(op.ulps) else ())]
    special += [-x for x in special]
    if arity == 1:
        yield from ((x,) for x in special)
    else:
        for _ in range(2 * count):
            yield tuple(generator.choice([*special, *_SIMPLE]) for _ in range(arity))
        for x in (0.0, -0.0, 1.0, -1.5, simple[0][0], simple[0][-1], 12.0, 709.9, 800.0):
            yield (x,) * arity
    for _ in range(count):
        point = tuple(_random(interval, generator) for interval in intervals)
        yield point
        yield from _near_a_kink(op, point, generator)
    # In each column the numbers lie in another order, so that they meet others.
    columns = [_spread(interval, generator) for interval in intervals]
    for column in columns[1:]:
        generator.shuffle(column)
    yield from zip(*columns, strict=True)


_CELLS = 40


def _spread(interval: Interval, generator: random.Random) -> list[float]:
    """Returns a number from each of some cells of the interval, or of ten to both sides.

    They find a rule that is only wrong on a stretch, as from 5 to 6.
    """
    low, high = interval
    low, high = max(low, min(-10.0, high - 20.0)), min(high, max(10.0, low + 20.0))
    return [low + (high - low) * (k + generator.random()) / _CELLS for k in range(_CELLS)]


def _rotated(simple: tuple[float, ...], intervals: list[Interval]) -> list[list[float]]:
    """Returns for each operand the simple numbers that lie in its interval, or some that do."""
    columns = []
    for low, high in intervals:
        inside = [x for x in simple if low < x < high]
        near_the_end = [low + x for x in simple if low < low + x < high]
        columns.append(inside or near_the_end or [0.5 * (low + high)])
    return columns


def _near_the_ends(interval: Interval) -> list[float]:
    near = []
    for end in filter(math.isfinite, interval):
        for step in (0.0, 1e-16, 1e-12, 1e-6, 1e-3):
            near += [end + step, end - step]
        near += [math.nextafter(end, math.inf), math.nextafter(end, -math.inf)]
    return near


def _one_at_a_time(
    near: list[list[float]], simple: list[list[float]]
) -> Iterator[tuple[float, ...]]:
    for i, ends in enumerate(near):
        for end in ends:
            yield tuple(end if k == i else column[0] for k, column in enumerate(simple))


def _random(interval: Interval, generator: random.Random) -> float:
    low, high = interval
    for _ in range(100):
        x: float = generator.choice((-1, 1)) * 10.0 ** generator.uniform(-8, 2.9)
        if low <= x <= high:
            return x
        for end in filter(math.isfinite, interval):
            if low <= end + x <= high:
                return end + x
    return generator.uniform(low, high)


def _near_a_kink(
    op: Op, point: tuple[float, ...], generator: random.Random
) -> Iterator[tuple[float, ...]]:
    """Yields points on a kink, and close to it, on the line from the point to another one."""
    if op.kinks is None:
        return
    other = tuple(-x * generator.uniform(0.1, 1.0) for x in point)
    a, b = 0.0, 1.0

    def between(part: float) -> tuple[float, ...]:
        return tuple(x + part * (y - x) for x, y in zip(point, other, strict=True))

    try:
        if op.kinks(*point) * op.kinks(*other) > 0:
            return
        for _ in range(60):
            middle = 0.5 * (a + b)
            a, b = (middle, b) if op.kinks(*point) * op.kinks(*between(middle)) > 0 else (a, middle)
        yield from (between(a), between(b), between(a - 1e-7), between(b + 1e-7))
    except (ArithmeticError, ValueError):
        return
