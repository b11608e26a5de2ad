"""The typed program of a large model, from those of small members of its family.

The members' programs are `ready`, and have the same lines. `filled` walks them side by side, and
builds the same lines with each number at the large sizes, by a formula of `formulas.py`:

    dz = 0.3333333333333333 * (y - z.reshape(-1, 3))    steps=3, width=3
    dz = 0.2 * (y - z.reshape(-1, 3))                   steps=5, width=3
    dz = 0.3333333333333333 * (y - z.reshape(-1, 5))    steps=3, width=5
    dz = 0.015625 * (y - z.reshape(-1, 128))            steps=64, width=128

Masks and index arrays are filled where they are regular. `program.py` calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.sizes.formulas import Differ, Formulas, Sizes
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed.expressions import (
    WHERE,
    Constant,
    Examples,
    Expression,
    Line,
    Loop,
    Number,
    Program,
    Read,
    Step,
    Total,
    lines_of,
)

OTHERS = "other operations stand at the same place"


def filled(
    members: Sequence[Program], formulas: Formulas, sizes: Sizes, recording: Any
) -> Program:
    """Returns the program at these sizes, for a recording that has its arrays."""
    return _Filler(members, formulas, sizes, recording).run()


class _Filler:
    def __init__(
        self, members: Sequence[Program], formulas: Formulas, sizes: Sizes, recording: Any
    ) -> None:
        self.members, self.formulas, self.sizes = members, formulas, sizes
        self.recording = recording
        self.known: dict[Any, Any] = {}  # what is read in the base, and in the large program
        self.constants: dict[tuple[int, ...], Constant] = {}
        self.place: dict[Any, Any] = {}  # of what is read in any member: alike in all of them
        for member in members:
            self.place |= {array: array.name for array in member.grouping.recording.arrays}
            self.place |= {line: k for k, line in enumerate(lines_of(member.steps))}
        by_name = {array.name: array for array in recording.arrays}
        for array in members[0].grouping.recording.arrays:
            self.known[array] = by_name[array.name]
        for line in lines_of(members[0].steps):
            self.known[line] = replace(line)

    def run(self) -> Program:
        base = self.members[0]
        forward = self._steps([member.forward for member in self.members])
        backward = self._steps([member.backward for member in self.members])
        result = self._filled([m.result for m in self.members])
        lines = [self.known.get(line, line) for line in base.lines]
        stands_for = {
            self.known.get(line, line): self.known.get(of_loop, of_loop)
            for line, of_loop in base.stands_for.items()
        }
        grouping = replace(base.grouping, recording=self.recording)
        names = base.names and base.names.of_others(self.known)
        return Program(grouping, lines, result, forward, backward, stands_for, names)

    def _steps(self, each: Sequence[list[Line | Loop]]) -> list[Line | Loop]:
        if len({*map(len, each)}) > 1:
            raise Differ(f"they have {', '.join(map(str, map(len, each)))} lines")
        return [self._step(steps) for steps in zip(*each, strict=True)]

    def _step(self, each: Sequence[Any]) -> Line | Loop:
        if isinstance(each[0], Line) and all(isinstance(line, Line) for line in each):
            return self._line(each)
        if not all(isinstance(loop, Loop) for loop in each):
            raise Differ(OTHERS)
        ends = [(loop.counts.start, loop.counts[-1], loop.counts.step) for loop in each]
        start, last, step = self._filled(ends)
        lines: Any = self._steps([loop.lines for loop in each])
        return Loop(range(start, last + (1 if step > 0 else -1), step), lines)

    def _line(self, each: Sequence[Line]) -> Line:
        line: Line = self.known[each[0]]
        for name in ("value", "target", "adds"):
            setattr(line, name, self._filled([getattr(one, name) for one in each]))
        for name in ("derivative_of", "again", "holds"):
            setattr(line, name, self._source([getattr(one, name) for one in each]))
        return line

    def _filled(self, each: Sequence[Any]) -> Any:
        """Returns what stands at one place of the large program, for that of each member."""
        first = each[0]
        if len({type(one) for one in each}) > 1:
            raise Differ(OTHERS)
        if isinstance(first, Read):
            return Read(self._source([one.source for one in each]))
        if isinstance(first, Number):
            return Number(self._number([one.value for one in each]))
        if isinstance(first, tuple):
            if len({*map(len, each)}) > 1:
                raise Differ(OTHERS)
            return tuple([self._filled(inside) for inside in zip(*each, strict=True)])
        if isinstance(first, Total):
            each = [first, *[self._in_order_of(first, one) for one in each[1:]]]
        if isinstance(first, Expression | Step | Examples):
            names = [one.name for one in fields(first)]
            inside = [[getattr(one, name) for one in each] for name in names]
            return type(first)(*map(self._filled, inside))
        if isinstance(first, int | float) and not isinstance(first, bool):
            return self._number(each)
        if any(one != first for one in each):
            raise Differ(OTHERS)
        return first

    def _in_order_of(self, first: Total, other: Total) -> Total:
        """Returns a sum with its terms in the order of another one; long sums come first."""
        left = [(self._form(term), term) for term in other.of]
        terms = []
        for form in map(self._form, first.of):
            terms += [found := next((pair for pair in left if pair[0] == form), (None, None))]
            if found in left:
                left.remove(found)
        return other if left else Total(tuple([term for _, term in terms]))  # type: ignore[misc]

    def _form(self, expression: Expression) -> Any:
        """Returns what an expression does to what, without numbers and shapes."""
        own = getattr(expression, "function", None) or getattr(expression, "letters", None)
        if isinstance(expression, Read):
            own = self.place.get(expression.source)
        return type(expression), own, tuple(map(self._form, expression.operands))

    def _number(self, numbers: Sequence[Any]) -> Any:
        if all(number != number for number in numbers):
            return numbers[0]
        if any(repr(number) != repr(numbers[0]) for number in numbers):
            return self.formulas.at(numbers, self.sizes)
        return numbers[0]

    def _source(self, each: Sequence[Any]) -> Any:
        first = each[0]
        if isinstance(first, Constant):
            key = tuple(map(id, each))
            if key not in self.constants:
                self.constants[key] = Constant(self._array([one.array for one in each]))
                self.known.setdefault(first, self.constants[key])
            return self.constants[key]
        if first is None or first not in self.place:
            is_array = isinstance(first, Array)  # a part of dtheta, or d of an array
            if is_array and all(isinstance(one, Array) for one in each):
                shape = self._filled([one.shape for one in each])
                return replace(first, shape=shape, where=[])
            if any(one is not None for one in each):
                raise Differ(OTHERS)
            return None
        if any(self.place.get(one) != self.place[first] for one in each):
            raise Differ(OTHERS)
        return self.known[first]

    def _array(self, each: Sequence[Any]) -> Any:
        """Returns an array of constants: the same one, a mask, or places that grow evenly."""
        first = each[0]
        if len({(one.ndim, one.dtype.kind) for one in each}) > 1:
            raise Differ("an array of constants has other axes")
        shape = self._filled([one.shape for one in each])
        if all(one.shape == first.shape and (one == first).all() for one in each):
            return first
        where = Constant(first).where
        if where is not None and all(Constant(one).where == where for one in each):
            rows = np.arange(shape[0])
            return WHERE[where](rows[:, None], rows)
        if first.dtype.kind in "iuf":
            corners = [one.reshape(-1)[0].item() for one in each]
            steps = [*map(along_axes, each)]
            shapes = [one.shape for one in each]
            made = [evenly(*given) for given in zip(shapes, corners, steps, strict=True)]
            if all((one == even).all() for one, even in zip(each, made, strict=True)):
                moves = [self._number(along) for along in zip(*steps, strict=True)]
                return evenly(shape, self._number(corners), moves).astype(first.dtype)
        raise Differ(f"an array of constants is irregular: {first.tolist()}")


def along_axes(array: Any) -> list[Any]:
    """Returns by how much an array grows along each axis, at its corner."""
    grown = []
    for axis, size in enumerate(array.shape):
        first, second = (array.take(min(k, size - 1), axis).reshape(-1)[0].item() for k in (0, 1))
        grown.append(second - first)
    return grown


def evenly(shape: Sequence[int], corner: Any, steps: Sequence[Any]) -> Any:
    """Returns an array that grows evenly along each axis.

    >>> evenly((2, 3), 5, (10, 1)).tolist()
    [[5, 6, 7], [15, 16, 17]]
    """
    places = np.indices(shape, sparse=True)
    grown = [step * place for step, place in zip(steps, places, strict=True)]
    return np.broadcast_to(sum(grown, np.array(corner)), shape)
