"""Slopes that may be infinite where the function is finite, as that of sqrt at 0.

There the chain rule needs `chain`, the product that is 0 if the adjoint is 0; elsewhere a plain
product is the same, and `simplify.py` takes that. A few numbers tell whether an operation has such
a point, so your own operations are covered, too. The point is out of reach if it is an operand of 0
that can't be 0: a positive one, or one by which the function divides. `record.py` calls `Poles`.
"""

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from itertools import product
from math import inf, isfinite
from typing import Any

from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.tape import Tape

MANY = 64  # given numbers: more of them are tried as an input is
TRIED = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0)
# of the operands: None for one that is not a constant, and more than one number for a given one
Constants = tuple[tuple[float, ...] | None, ...]


class Poles:
    """The poles of the operations on a tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape, self.count = tape, len(tape)
        self.numbers: dict[int, tuple[float, ...]] = {i: (x,) for i, x in tape.numbers.items()}
        given = {*tape.given.values()}
        self.numbers |= dict.fromkeys(tape.given if len(given) <= MANY else (), (*given,))

    def has(self, i: int, steps: Sequence[Any]) -> bool:
        """Returns whether a slope of operations like number i may be infinite.

        `steps` compute the slopes from the operands and the result, as in `record.py`.
        """
        op, ends = self.tape.ops[i], list[tuple[float, float]]()
        assert isinstance(op, Op)
        for point in _points(op, self._constants(i)) if steps else ():
            numbers = [*point, _computed(op, point)]
            ends.append((point[0], numbers[-1]))
            for step, below in steps if isfinite(numbers[-1]) else ():
                step = ops.multiply if step is helper_ops.chain else step
                numbers.append(_computed(step, [numbers[k] for k in below]))
            if all(map(isfinite, numbers[len(point) + 1 :])):
                ends.pop()
        if not ends or {*ends} != {(0.0, 0.0)}:
            return bool(ends)
        # all operations of a kind are one array, so they are guarded together
        of_kind = [k for k in range(self.count) if self.tape.ops[k] is op]
        alike = [k for k in of_kind if self._constants(k) == self._constants(i)]
        return not all({k, self.tape.operands[k][0]} & self._not_zero for k in alike)

    @cached_property
    def _not_zero(self) -> set[int]:
        """The numbers that are not 0 wherever the function does not raise."""
        tape, low = self.tape, list[float]()
        for i in range(self.count):
            is_made = tape.ops[i].__class__ is Op
            low.append(self._least(i, low) if is_made else min(self.numbers.get(i, (-inf,))))
        found = {i for i, least in enumerate(low) if least > 0.0}
        for i in range(self.count - 1, -1, -1):
            op: Any = tape.ops[i]
            for n, k in enumerate(tape.operands[i] if op.__class__ is Op else ()):
                made = _made_of_zero(op, n, self._constants(i))
                if made == {inf} or (made == {0.0} and i in found):
                    found.add(k)
        return found

    def _least(self, i: int, low: Sequence[float]) -> float:
        """Returns a bound below a number."""
        op, operands = self.tape.ops[i], self.tape.operands[i]
        least = [low[k] for k in operands]
        if op is ops.add:
            return float(total(least))
        is_square = op is ops.multiply and operands[0] == operands[1]
        if is_square or (op in (ops.multiply, ops.divide) and min(least) >= 0.0):
            return 0.0
        return 0.0 if _is_never_negative(op, self._constants(i)) else -inf

    def _constants(self, i: int) -> Constants:
        return tuple(map(self.numbers.get, self.tape.operands[i]))


def _points(op: Op, constants: Constants) -> Iterator[tuple[float, ...]]:
    """Yields points to try; none for operations on any number of operands."""
    choices = []
    for k, constant in enumerate(constants if op.arity else ()):
        ends = op.domain[k] if k < len(op.domain) else ()
        choices.append(constant or {*TRIED, *filter(isfinite, ends)})
    return product(*choices) if choices else iter(())


@cache
def _made_of_zero(op: Op, n: int, constants: Constants) -> set[float]:
    """Returns what an operation makes if operand n is 0; inf where it raises."""
    return {_computed(op, point) for point in _points(op, constants) if point[n] == 0.0}


@cache
def _is_never_negative(op: Op, constants: Constants) -> bool:
    points = [*_points(op, constants)]
    return bool(points) and all(_computed(op, point) >= 0.0 for point in points)


def _computed(op: Any, operands: Sequence[float]) -> float:
    """Returns what an operation makes, or a number itself; inf where it raises."""
    if isinstance(op, float):
        return op
    try:
        return float(op.forward(*operands))
    except Exception:  # out of its domain, or whatever your own operation raises
        return inf
