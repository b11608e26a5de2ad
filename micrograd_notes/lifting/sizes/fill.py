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

from micrograd_notes.common.checks import shown
from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.arrays.axes import along_axes, evenly
from micrograd_notes.lifting.sizes.formulas import Differ, Formulas, Sizes
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Constant, Examples, Expression, Line, Program

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
        self.constants: dict[tuple[int, ...], Constant] = {}
        self.known: dict[Any, Any] = {}  # what is read in a member, and in the large program
        large = {array.name: array for array in recording.arrays}
        for member in members:
            arrays = member.grouping.recording.arrays
            self.known |= {array: large.get(array.name) for array in arrays}
        each = [[*ex.lines_of(member.steps)] for member in members]
        if len({*map(len, each)}) > 1:
            raise Differ("they have {} lines", ", ".join(map(str, map(len, each))))
        self.lines = [*zip(*each, strict=True)]
        for lines in self.lines:
            self.known |= dict.fromkeys(lines, replace(lines[0]))

    def run(self) -> Program:
        base, known = self.members[0], self.known
        forward, backward, result = (
            self._filled([getattr(member, name) for member in self.members])
            for name in ("forward", "backward", "result")
        )
        for each in self.lines:
            for name in ("value", "target", "adds", "derivative_of", "again", "holds"):
                setattr(known[each[0]], name, self._filled([getattr(line, name) for line in each]))
        for value in [result, *[known[each[0]].value for each in self.lines]]:
            for each in value.walk():
                each.shape  # noqa: B018  (a wrong formula shows where shapes do not fit)
        lines = [known.get(line, line) for line in base.lines]
        stands_for = {
            known.get(line, line): known.get(of_loop, of_loop)
            for line, of_loop in base.stands_for.items()
        }
        grouping = replace(base.grouping, recording=self.recording)
        names = base.names and base.names.of_others(known)
        return Program(grouping, lines, result, forward, backward, stands_for, names)

    def _filled(self, each: Sequence[Any]) -> Any:
        """Returns what stands at one place of the large program, for that of each member."""
        first = each[0]
        if len({type(one) for one in each}) > 1:
            raise Differ(OTHERS)
        if isinstance(first, Array | Constant | Line):
            return self._source(each)
        if isinstance(first, list | tuple):
            if len({*map(len, each)}) > 1:
                raise Differ(OTHERS)
            return type(first)(map(self._filled, zip(*each, strict=True)))
        if isinstance(first, range):
            ends = [(counts.start, counts[-1], counts.step) for counts in each]
            start, last, step = self._filled(ends)
            return range(start, last + (1 if step > 0 else -1), step)
        if isinstance(first, ex.Total):
            each = [first, *[self._in_order_of(first, one) for one in each[1:]]]
        if isinstance(first, Expression | ex.Step | ex.Stretch | Examples | ex.Loop):
            names = [one.name for one in fields(first)]
            inside = [[getattr(one, name) for one in each] for name in names]
            return type(first)(*map(self._filled, inside))
        if isinstance(first, int | float) and not isinstance(first, bool):
            return self._number(each)
        if any(one != first for one in each):
            raise Differ(OTHERS)
        return first

    def _in_order_of(self, first: ex.Total, other: ex.Total) -> ex.Total:
        """Returns a sum with its terms in the order of another one; long sums come first."""
        left: dict[Any, list[Expression]] = {}
        for term in reversed(other.of):
            left.setdefault(self._form(term), []).append(term)
        terms = [left[form].pop() for form in map(self._form, first.of) if left.get(form)]
        return ex.Total(tuple(terms)) if len(terms) == len(other.of) else other

    def _form(self, expression: Expression) -> Any:
        """Returns what an expression does to what, without numbers and shapes."""
        own = getattr(expression, "function", None) or getattr(expression, "letters", None)
        if isinstance(expression, ex.Read):
            own = self.known.get(expression.source)
        return type(expression), own, tuple(map(self._form, expression.operands))

    def _number(self, numbers: Sequence[Any]) -> Any:
        is_nan = all(number != number for number in numbers)  # which follows no formula
        return numbers[0] if is_nan else self.formulas.at(numbers, self.sizes)

    def _source(self, each: Sequence[Any]) -> Any:
        """Returns what the large program reads, for what each member does."""
        first = each[0]
        if isinstance(first, Constant):
            key = tuple(map(id, each))
            if key not in self.constants:
                self.constants[key] = Constant(self._array([one.array for one in each]))
                self.known.setdefault(first, self.constants[key])
            return self.constants[key]
        if isinstance(first, Array) and first not in self.known:  # part of dtheta, or d of an array
            return replace(first, shape=self._filled([one.shape for one in each]), where=[])
        large = {self.known.get(one) for one in each}
        if len(large) > 1 or None in large:
            raise Differ(OTHERS)
        return large.pop()

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
            return ex.WHERE[where](rows[:, None], rows)
        if first.dtype.kind in "iuf" and all(map(is_even, each)):
            corner, *steps = self._filled([(one.item(0), *along_axes(one)) for one in each])
            return evenly(shape, corner, steps).astype(first.dtype)
        raise Differ("an array of constants is irregular: {}", shown(first.tolist()))


def is_even(array: Any) -> bool:
    """Returns whether an array grows evenly along each axis."""
    return bool((evenly(array.shape, array.item(0), along_axes(array)) == array).all())
