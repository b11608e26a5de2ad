"""The fourth pass: the lanes of each group get axes, and sums of products become matrix products.

`compiled.py` calls `arrange`. The places of a number's operands along the axes of their arrays
determine its own axes (`axes.py`, `layout.py`). A sum also has the axes of its terms (`sums.py`). A
sum of products is then like Einstein's notation (`contract.py`): for a weight `w[j, i]` and an
input `x[i]`, both have the axis i, which is summed: a matrix product. Every other operation is
applied lane by lane (`operations.py`). Read `axes.py` next.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.arrays import axes
from micrograd_notes.lifting.arrays.at_once import summed_at_once
from micrograd_notes.lifting.arrays.layout import MOST_HOLES, Layout, Reading
from micrograd_notes.lifting.arrays.operations import choice, elementwise, filling_for, reduction
from micrograd_notes.lifting.arrays.sums import sums
from micrograd_notes.lifting.arrays.uneven import ways
from micrograd_notes.lifting.ints import Ints, unique
from micrograd_notes.lifting.passes.group import Grouping
from micrograd_notes.lifting.trace.columns import Bools
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Start
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import WHOLE, Expression, Line, N, Program


class _Arranger:
    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.recording = grouping.recording
        self.lines: list[Line] = []
        self.flat = ex.Read(Array("dtheta", (len(self.recording.gradient),), True))
        self.columns = columns = grouping.columns
        needs_array = ~columns.is_sum
        needs_array[[*self.recording.tape.joined]] = True
        by_others = columns.read_by(needs_array)
        self.is_read = columns.read_by(columns.is_sum) | by_others
        results = [*self.recording.outputs, *self.recording.alive]
        self.is_read[results] = by_others[results] = True
        self.asked = {*grouping.group_of[self.is_read].tolist()}
        asked_by_others = {*grouping.group_of[by_others].tolist()}
        products_of_sums = {  # they are only ever summed, and so need no array
            i for i, group in enumerate(grouping.groups)
            if group.op is ops.multiply and i not in asked_by_others
        }
        self.layout = Layout(grouping, products_of_sums, self._wanted_filling())
        self.below = {
            i: unique(grouping.group_of[self.layout.terms(group.members)[1]])
            for i, group in enumerate(grouping.groups) if isinstance(group.op, Op)
        }
        self.at_once = self._at_once()

    def _at_once(self) -> set[int]:
        groups, tape, alive = self.grouping.groups, self.recording.tape, self.recording.alive
        varies = np.array([isinstance(g.op, Array) and g.op.is_batched for g in groups])
        for i, below in self.below.items():
            varies[i] = varies[below].any()
        passed_on = {
            i: [alive[k] for k in (*group.op.sources, *group.op.where)
                if tape.numbers.get(alive[k]) != 0.0]
            for i, group in enumerate(groups) if isinstance(group.op, Start)
        }
        needed, inlined = [*self.recording.outputs, *tape.joined], self.layout.inlined
        return summed_at_once(self.grouping, self.below, varies, needed, inlined, passed_on)

    def _wanted_filling(self) -> dict[int, float]:
        """Returns the number for the holes of groups whose readers do not take a 0."""
        numbers_of, group_of = self.recording.tape.numbers, self.grouping.group_of
        wanted: dict[int, float] = {}
        for group in self.grouping.groups:
            if not isinstance(group.op, Op) or group.op is ops.add or group.op.chooses:
                continue
            operands = self.columns.operands(group.members[0])
            numbers = [*map(numbers_of.get, operands)]
            for index, operand in enumerate(operands[:1] if group.op.arity is None else operands):
                filling = filling_for(group.op, numbers, index)
                if filling is not None:
                    wanted.setdefault(int(group_of[operand]), filling)
        return wanted

    def run(self) -> Program:
        layout = self.layout
        for i, group in enumerate(self.grouping.groups):
            if isinstance(group.op, Array):
                if isinstance(group.op, Start) and not group.op.is_laid:  # grids stay grids
                    self._lay(group.op, [self.recording.alive[k] for k in group.op.sources])
                layout.is_total[i] = i in self.at_once
                layout.batched[i] = group.op.is_batched and not layout.is_total[i]
                layout.shapes[i] = group.op.shape
                layout.is_data[i] = not group.op.is_parameter
                places = layout.terms(group.members)[1]
                layout.arrays[i] = ex.Read(group.op)
                if isinstance(group.op, Start):
                    layout.is_data[i] = group.op.is_data
                    layout.rank[i] += len(layout.rank)
                    layout.arrays[i] = self._start(i, group.op)
                    places = np.array(group.op.lanes)[places]
                layout.lane[group.members] = places
            elif group.op != CONSTANT:
                below = self.below[i]
                layout.batched[i] = layout.batched[below].any()
                layout.is_data[i] = layout.is_data[below].any()
                # one of them depends on what a recurrence starts with
                is_state = layout.rank[below].max() >= len(layout.rank)
                layout.rank[i] += len(layout.rank) if is_state else 0
                # a derivative's own sum is computed in its place
                is_read = group.op is not ops.add or i in self.asked
                if i not in layout.inlined and is_read:
                    self._arrange(i, group.op, group.members, len(below) == 1)
        self._arrange_gradient()
        return Program(self.grouping, self.lines, self._outputs())

    def _start(self, i: int, array: Start) -> ex.Read:
        """Returns the array of what a recurrence starts with, which is a line of its own."""
        nodes = np.array([self.recording.alive[k] for k in array.sources])
        is_batched = bool(self.layout.batched[i])
        made = self._gathered(nodes, array.lanes, array.shape, is_batched)
        self.lines.append(Line(made, i))
        return ex.Read(self.lines[-1])

    def _gathered(
        self, nodes: Ints, places: Sequence[int], shape: Sequence[int], is_batched: bool
    ) -> Expression:
        """Returns an array of this shape with numbers of any groups at these places."""
        layout = self.layout
        columns = np.unravel_index(places, shape) if shape else []
        letters = [(c, n) for c, n in zip(columns, shape, strict=True) if n > 1]
        layout.sizes = {k: n for k, (_, n) in enumerate(letters)}
        wanted = [*layout.batch(is_batched), *layout.sizes]
        if len({*layout.group_of[nodes].tolist()}) == 1:
            made = layout.aligned(layout.read(nodes, letters), wanted)
        else:
            nodes = nodes[np.argsort(places)]
            stacked = self._stacked(nodes, shape, is_batched) if len(shape) > 1 else None
            if stacked is not None:
                return stacked
            runs = np.split(nodes, 1 + np.flatnonzero(np.diff(layout.group_of[nodes])))
            if len(letters) == 1 and len(runs) < len(nodes):
                each = [self._gathered(e, range(len(e)), (len(e),), is_batched) for e in runs]
                return ex.Join(tuple(each))
            each = [layout.read(nodes[[k]], []).array for k in range(len(nodes))]
            inner = ex.broadcast(*[number.shape for number in each])
            made = ex.Stack(tuple([ex.spread(number, inner) for number in each]), -1)
            made = ex.reshaped(made, (*inner, *layout.sizes.values()))
        made = ex.spread(made, [*map(layout.size, wanted)])
        return ex.reshaped(made, [*([N] if is_batched else []), *shape])

    def _stacked(self, nodes: Ints, shape: Sequence[int], is_batched: bool) -> Expression | None:
        """Returns arrays side by side, along the last axis or the first one, if each is of a group.

        So the places of bodies are np.stack([x, y], axis=-1).
        """
        grid = nodes.reshape(shape)
        for slices, axis in ((np.moveaxis(grid, -1, 0), -1), (grid, int(is_batched))):
            of = self.layout.group_of[slices.reshape(len(slices), -1)]
            if (of == of[:, :1]).all():
                each = [self._gathered(k.reshape(-1), range(k.size), k.shape, is_batched)
                        for k in slices]
                return ex.Stack(tuple(each), axis)
        return None

    def lays_starts_like_states(self) -> bool:
        """Returns whether what a recurrence starts with gets other axes: those of its states."""
        starts = [group.op for group in self.grouping.groups if isinstance(group.op, Start)]
        alive = self.recording.alive
        are_new = [self._lay(array, [alive[k] for k in array.where]) for array in starts]
        return any(are_new)

    def _lay(self, array: Start, like: Sequence[int]) -> bool:
        """Gives a start the axes of numbers that fill an array; returns whether they are new."""
        layout, before = self.layout, (array.shape, array.lanes)
        rows = np.array(like).reshape(array.rows or 1, -1)
        groups, lanes = layout.group_of[rows], layout.lane[rows]
        [shape, *others] = {layout.shapes.get(int(each), ()) for each in groups[:, 0]}
        are_alike = not others and (groups == groups[:, :1]).all() and (lanes == lanes[0]).all()
        if are_alike and sorted(lanes[0].tolist()) == [*range(prod(shape))]:
            lanes = lanes + prod(shape) * np.arange(len(rows))[:, None]
            axes = (array.rows, *shape) if array.rows else shape
            array.shape, array.lanes, array.is_laid = axes, lanes.reshape(-1).tolist(), True
        return before != (array.shape, array.lanes)

    def _arrange(self, i: int, op: Any, members: Ints, of_one_kind: bool) -> None:
        layout = self.layout
        layout.ways |= ways(layout, op, members)
        if i in self.at_once:
            made, shape = self._summed(i, op, members)
        elif op is ops.add:
            sizes, terms = layout.terms(members)
            if members[0] in self.recording.tape.joined and len(terms) == len(members):
                shape = layout.place(members, [(np.arange(len(members)), len(members))])
                made = self._gathered(terms, range(len(terms)), shape, layout.batched[i])
            else:
                made, shape = sums(layout, members, sizes, terms)
        elif op.chooses:
            made, shape = choice(layout, members)
        elif op.arity is None and of_one_kind:
            made, shape = reduction(layout, op, members)
        else:
            made, shape = elementwise(layout, op, members)
        layout.shapes[i] = shape
        full = (N, *shape) if layout.batched[i] else shape
        self.lines.append(Line(ex.spread(made, full), i))
        layout.arrays[i] = ex.Read(self.lines[-1])

    def _summed(self, i: int, op: Any, members: Ints) -> tuple[Expression, tuple[int, ...]]:
        """Returns an array that is summed over the examples, and its shape."""
        layout, is_batched = self.layout, bool(self.layout.batched[i])
        layout.is_total[i], layout.batched[i] = True, False
        if op is ops.add:
            return sums(layout, members, *layout.terms(members), over_batch=True)
        if op is ops.multiply and is_batched:  # a sum of one product
            layout.inlined.add(i)
            found = sums(layout, members, members * 0 + 1, members, over_batch=True)
            layout.inlined.remove(i)
            return found
        layout.batched[i] = is_batched
        made, shape = elementwise(layout, op, members)
        layout.batched[i] = False
        return ex.Sum(ex.spread(made, (N, *shape)), (0,)) if is_batched else made, shape

    def _arrange_gradient(self) -> None:
        """Adds a statement for each parameter's derivative: its sum over the batch."""
        layout = self.layout
        is_own = self.columns.is_sum & ~self.is_read  # sums that are computed in this place
        for array in self.recording.arrays:
            if not array.is_parameter:
                continue
            roots = np.array(self.recording.gradient)[array.where]
            places = np.flatnonzero(roots >= 0)
            roots = roots[places]
            groups = layout.group_of[roots]
            kinds = np.where(is_own[roots], len(self.grouping.groups) + groups, groups)
            first = roots[np.unique(kinds, return_index=True)[1]]
            for root in first[is_own[first]].tolist():
                below = {*layout.group_of[self.columns.operands(root)].tolist()}
                if len(below) == 1:
                    [kinds[kinds == len(self.grouping.groups) + layout.group_of[root]]] = below
            for kind in dict.fromkeys(kinds.tolist()):
                self._derivative(array, places[kinds == kind], roots[kinds == kind], is_own)

    def _derivative(self, array: Array, places: Ints, roots: Ints, is_own: Bools) -> None:
        columns = self.columns
        sizes = np.where(is_own[roots], columns.sizes[roots], 1)
        nodes = np.repeat(roots, sizes)
        split = np.repeat(is_own[roots], sizes)
        nodes[split] = columns.flat[columns.places(roots[is_own[roots]])]
        by_axis = np.unravel_index(places, array.shape) if array.shape else []
        ranked = [axes.ranks(c) for c in by_axis]
        found = [(c, n) for c, n in ranked if n > 1]
        box = self._box(array, by_axis, len(places))
        is_whole = prod(n for _, n in found) == len(places)
        if not is_whole:
            found = box or [(np.arange(len(places)), len(places))]
        over_batch = self.recording.is_batched
        made, shape = sums(self.layout, None, sizes, nodes, found, over_batch)
        made, target = ex.spread(made, shape), None
        index: list[Any] = [*map(_stretch, by_axis, array.shape)]
        if box and not is_whole:
            letters = [*range(len(box))]
            there = self.layout.there(box, len(places))
            made = self.layout.masked(Reading(made, letters), there, letters, 0.0).array
            target = self._at(array, index) if {*index} != {WHOLE} else None
        elif len(places) != array.size:
            index = [*map(_even_places, by_axis, array.shape)]
            if None not in index and prod(n for _, n in ranked) == len(places):
                target = self._at(array, index)
            else:
                flat = np.array(array.where)[places].reshape([n for _, n in found])
                target = ex.Part(self.flat, (self.layout.constant(flat),))
            made = ex.reshaped(made, target.shape)
        elif shape == tuple([size for size in array.shape if size > 1]) != array.shape:
            index = [0 if size == 1 else WHOLE for size in array.shape]
            target = self._at(array, index)
        else:
            made = ex.reshaped(made, array.shape)
        self.lines.append(Line(made, None, array, target))

    def _box(self, array: Array, columns: Sequence[Ints], count: int) -> list[Any] | None:
        """Returns the axes of a part of an array with no other derivatives than so many places."""
        found = [(c - c.min(), int(c.max() - c.min()) + 1) for c in columns if c.max() > c.min()]
        roots = np.array(self.recording.gradient)[array.where].reshape(array.shape)
        part = roots[tuple([slice(c.min(), c.max() + 1) for c in columns])]
        is_alone = (part >= 0).sum() == count and part.size <= MOST_HOLES * count
        return found if is_alone else None

    def _at(self, array: Array, index: list[Any]) -> ex.Part:
        while index[-1] == WHOLE:
            index.pop()
        return ex.Part(ex.Read(Array(f"d{array.name}", array.shape, True)), tuple(index))

    def _outputs(self) -> Expression:
        """Returns the outputs of the function as one array."""
        nodes, shape = np.array(self.recording.outputs), self.recording.output_shape
        is_batched = self.recording.is_batched
        if self.recording.is_loss:
            made = self.layout.read(nodes, []).array
            mean = ex.Apply("divide", (ex.Sum(made, (0,)), ex.Count()))
            return mean if made.shape == (N,) else made
        shape = shape or ((1,) if is_batched else ())  # an example has a row of outputs
        return self._gathered(nodes, range(len(nodes)), shape, is_batched)


def _stretch(column: Ints, size: int) -> Any:
    """Returns the index of the places in a column, which follow each other on an axis."""
    start, stop = int(column.min()), int(column.max()) + 1
    return start if stop - start == 1 else ex.cut(start, stop, size)


def _even_places(column: Ints, size: int) -> Any:
    """Returns the index of the places in a column, as every second one; None if they are uneven."""
    places = unique(column)
    steps = {*np.diff(places).tolist()}
    if len(steps) > 1:
        return None
    step = steps.pop() if steps else 1
    if step == 1:
        return _stretch(column, size)
    return ex.every(step, int(places[0]), len(places), size)


def arrange(grouping: Grouping) -> Program:
    """Returns the program on arrays for the groups."""
    return _arranged(grouping)[1]


def arranged(grouping: Grouping) -> tuple[Grouping, Program]:
    """Returns the program, and its groups: numbers that read in two ways are told apart."""
    ways, program = _arranged(grouping)
    while ways:
        before, grouping = len(grouping.groups), grouping.told_apart(ways)
        ways, program = _arranged(grouping)
        if len(grouping.groups) == before:  # nothing that is left tells them apart
            break
    return grouping, program


def _arranged(grouping: Grouping) -> tuple[dict[int, int], Program]:
    arranger = _Arranger(grouping)
    program = arranger.run()
    if arranger.lays_starts_like_states():
        program = _Arranger(grouping).run()
    return arranger.layout.ways, program
