"""The fourth pass: the lanes of each group get axes, and sums of products become matrix products.

`program.py` calls `arrange`. The places of a number's operands along the axes of their arrays
determine its own axes (`axes.py`, `layout.py`). A sum also has the axes of its terms (`sums.py`). A
sum of products is then like Einstein's notation (`contract.py`): for a weight `w[j, i]` and an
input `x[i]`, both have the axis i, which is summed: a matrix product. Every other operation is
applied lane by lane (`operations.py`). Read `axes.py` next.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.arrays import axes
from micrograd_notes.lifting.arrays.layout import Layout
from micrograd_notes.lifting.arrays.operations import choice, elementwise, filling_for, reduction
from micrograd_notes.lifting.arrays.sums import sums
from micrograd_notes.lifting.passes.group import Grouping
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Start
from micrograd_notes.lifting.typed.expressions import (
    WHOLE,
    Apply,
    Count,
    Expression,
    Line,
    N,
    Number,
    Part,
    Program,
    Read,
    Shape,
    Spread,
    Stack,
    Sum,
    reshaped,
)


class _Arranger:
    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.recording = grouping.recording
        self.tape = grouping.recording.tape
        self.lines: list[Line] = []
        self.flat = Read(Array("dtheta", (self.recording.parameter_count,), True))
        self.read = self._read()
        self.asked = {grouping.group_of[k] for k in self.read}
        self.layout = Layout(grouping, self._products_of_sums(), self._wanted_filling())

    def _read(self, by_sums: bool = True) -> set[int]:
        """Returns the numbers that an operation or the caller reads."""
        read = {*self.recording.outputs, *self.recording.alive}
        for op, operands in zip(self.tape.ops, self.tape.operands, strict=True):
            if op.__class__ is Op and (by_sums or op is not ops.add):
                read.update(operands)
        return read

    def _products_of_sums(self) -> set[int]:
        """Returns the groups of products that are only ever summed, and so need no array."""
        asked = {self.grouping.group_of[k] for k in self._read(by_sums=False)}
        return {
            i for i, group in enumerate(self.grouping.groups)
            if group.op is ops.multiply and i not in asked
        }

    def _wanted_filling(self) -> dict[int, float]:
        """Returns the number for the holes of groups whose readers do not take a 0."""
        tape, group_of = self.tape, self.grouping.group_of
        wanted: dict[int, float] = {}
        for group in self.grouping.groups:
            if not isinstance(group.op, Op) or group.op is ops.add or group.op.chooses:
                continue
            operands = tape.operands[group.members[0]]
            numbers = [tape.operands[k][0] if tape.ops[k] == CONSTANT else None for k in operands]
            for index, operand in enumerate(operands[:1] if group.op.arity is None else operands):
                filling = filling_for(group.op, numbers, index)
                if filling is not None:
                    wanted.setdefault(group_of[operand], filling)
        return wanted

    def run(self) -> Program:
        layout = self.layout
        for i, group in enumerate(self.grouping.groups):
            if isinstance(group.op, Array):
                layout.shapes[i] = group.op.shape
                layout.batched[i] = group.op.is_batched
                layout.is_data[i] = not group.op.is_parameter
                layout.is_state[i] = isinstance(group.op, Start)
                places = [self.tape.operands[k][0] for k in group.members]
                if isinstance(group.op, Start) and group.op.lanes:
                    places = [group.op.lanes[place] for place in places]
                layout.lane[group.members] = places
                layout.arrays[i] = self._start(i, group.op) or Read(group.op)
            elif group.op == CONSTANT:
                layout.shapes[i], layout.batched[i], layout.is_data[i] = (), False, False
                layout.is_state[i] = False
            else:
                below = {int(layout.group_of[k]) for k in self.tape.operands[group.members[0]]}
                layout.batched[i] = any(layout.batched[b] for b in below)
                layout.is_data[i] = any(layout.is_data[b] for b in below)
                layout.is_state[i] = any(layout.is_state[b] for b in below)
                if i not in layout.inlined and self._is_needed(i):
                    self._arrange(i, group.op, group.members, len(below) == 1)
        self._arrange_gradient()
        return Program(self.grouping, self.lines, self._outputs())

    def _start(self, i: int, array: Array) -> Read | None:
        """Returns the array of what a recurrence starts with, which is a line of its own."""
        if not isinstance(array, Start):
            return None
        self.layout.is_data[i] = array.is_data
        value: Expression = Number(array.numbers[0])
        if len({*map(repr, array.numbers)}) > 1:
            numbers = self.layout.np.zeros(array.size)
            numbers[array.lanes or [*range(array.size)]] = array.numbers
            value = self.layout.constant(numbers.reshape(array.shape))
        full: Shape = (N, *array.shape) if array.is_batched else array.shape
        self.lines.append(Line(value if value.shape == full else Spread(value, full), i))
        return Read(self.lines[-1])

    def lays_starts_like_states(self) -> bool:
        """Returns whether what a recurrence starts with gets other axes: those of its states."""
        layout, is_new = self.layout, False
        for array in [group.op for group in self.grouping.groups if isinstance(group.op, Start)]:
            states = [self.recording.alive[k] for k in array.where]
            [*groups] = {int(layout.group_of[k]) for k in states}
            shape = layout.shapes.get(groups[0], ())
            lanes = [int(layout.lane[k]) for k in states]
            known = array.lanes or [*range(array.size)]
            if len(groups) == 1 and sorted(lanes) == [*range(prod(shape))]:
                is_new |= (shape, lanes) != (array.shape, known)
                array.shape, array.lanes = shape, lanes
        return is_new

    def _is_needed(self, i: int) -> bool:
        """Returns whether the array is read: a derivative's own sum is computed in its place."""
        return self.grouping.groups[i].op is not ops.add or i in self.asked

    def _arrange(self, i: int, op: Any, members: list[int], of_one_kind: bool) -> None:
        layout = self.layout
        if op is ops.add:
            terms = [self.tape.operands[m] for m in members]
            made, shape = sums(layout, members, terms, layout.batched[i])
        elif op.chooses:
            made, shape = choice(layout, members)
        elif op.arity is None and of_one_kind:
            made, shape = reduction(layout, op, members)
        else:
            made, shape = elementwise(layout, op, members)
        layout.shapes[i] = shape
        full: Shape = (N, *shape) if layout.batched[i] else shape
        self.lines.append(Line(made if made.shape == full else Spread(made, full), i))
        layout.arrays[i] = Read(self.lines[-1])

    def _arrange_gradient(self) -> None:
        """Adds a statement for each parameter's derivative: its sum over the batch."""
        tape = self.tape
        for array in self.recording.arrays:
            parts: dict[Any, list[tuple[int, int]]] = {}
            for place, flat in enumerate(array.where if array.is_parameter else []):
                root = self.recording.gradient.get(flat)
                if root is None:
                    continue
                split = tape.ops[root] is ops.add and root not in self.read
                terms = tape.operands[root] if split else (root,)
                kind = frozenset(int(self.layout.group_of[k]) for k in terms)
                parts.setdefault(kind, []).append((place, root if split else -root - 1))
            for part in parts.values():
                self._derivative(array, part)

    def _derivative(self, array: Array, part: list[tuple[int, int]]) -> None:
        np, tape = self.layout.np, self.tape
        places = np.array([place for place, _ in part])
        terms = [tape.operands[root] if root >= 0 else (-root - 1,) for _, root in part]
        columns = list(np.unravel_index(places, array.shape)) if array.shape else []
        ranked = [axes.ranks(c) for c in columns]
        found = [(c, n) for c, n in ranked if n > 1]
        if prod(n for _, n in found) != len(places):
            found = [(np.arange(len(places)), len(places))]
        nobody = [-1] * len(places)  # these sums are not numbers of the tape
        over_batch = self.recording.is_batched
        made, shape = sums(self.layout, nobody, terms, False, found, over_batch)
        if made.shape != shape:
            made = Spread(made, shape)
        target = None
        if len(places) != array.size:
            target = self._target(array, places, [n for _, n in found])
            made = reshaped(made, target.shape)
        elif shape == tuple([size for size in array.shape if size > 1]) != array.shape:
            index = [0 if size == 1 else WHOLE for size in array.shape]
            target = self._at(array, index)
        else:
            made = reshaped(made, array.shape)
        self.lines.append(Line(made, None, array, target))

    def _target(self, array: Array, places: Any, shape: Sequence[int]) -> Part:
        """Returns the part of an array at some places: a slice, or their places in the vector."""
        np = self.layout.np
        columns = np.unravel_index(places, array.shape)
        bounds = [(int(c.min()), int(c.max()) + 1) for c in columns]
        if prod(stop - start for start, stop in bounds) == len(places):
            index = [
                start if stop - start == 1
                else WHOLE if (start, stop) == (0, size) else (start or None, stop, None)
                for (start, stop), size in zip(bounds, array.shape, strict=True)
            ]
            return self._at(array, index)
        flat = self.layout.constant(np.array(array.where)[places].reshape(shape))
        return Part(self.flat, (flat,))

    def _at(self, array: Array, index: list[Any]) -> Part:
        while index[-1] == WHOLE:
            index.pop()
        return Part(Read(Array(f"d{array.name}", array.shape, True)), tuple(index))

    def _outputs(self) -> Expression:
        """Returns the outputs of the function as one array."""
        np = self.layout.np
        nodes = np.array(self.recording.outputs)
        shape = self.recording.output_shape
        groups = sorted(set(self.layout.group_of[nodes].tolist()))
        columns = np.unravel_index(np.arange(len(nodes)), shape) if shape else []
        letters = [(c, n) for c, n in zip(columns, shape, strict=True) if n > 1]
        self.layout.sizes = {i: n for i, (_, n) in enumerate(letters)}
        everything = list(range(len(letters)))
        if len(groups) == 1:
            reading = self.layout.read(nodes, letters)
            axes_of_all = self.layout.batch(self.recording.is_batched) + everything
            made = self.layout.aligned(reading, axes_of_all)
            if set(reading.letters) != {*axes_of_all} and not self.recording.is_loss:
                made = self.layout.spread(made, axes_of_all)
            if self.recording.is_loss and made.shape == (N,):
                made = Apply("divide", (Sum(made, (0,)), Count()))
            return self._with_axes_of_one(made, shape)
        batch = (N,) if self.recording.is_batched else ()
        read = [self.layout.read(np.array([node]), []).array for node in nodes]
        spread = [each if each.shape == batch else Spread(each, batch) for each in read]
        return reshaped(Stack(tuple(spread), -1), (*batch, *shape))

    def _with_axes_of_one(self, made: Expression, shape: tuple[int, ...]) -> Expression:
        """Returns outputs with an axis per list, even of one number, and an axis for a number."""
        if self.recording.is_loss or not self.recording.is_batched:
            return made
        return reshaped(made, (N, *(shape or (1,))))


def arrange(grouping: Grouping) -> Program:
    """Returns the program on arrays for the groups."""
    arranger = _Arranger(grouping)
    program = arranger.run()
    return _Arranger(grouping).run() if arranger.lays_starts_like_states() else program
