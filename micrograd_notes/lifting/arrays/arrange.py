"""The fourth pass: the lanes of each group get axes, and sums of products become matrix products.

`program.py` calls `arrange`. The places of a number's operands along the axes of their arrays
determine its own axes (`axes.py`, `layout.py`). A sum also has the axes of its terms (`sums.py`). A
sum of products is then like Einstein's notation (`contract.py`): for a weight `w[j, i]` and an
input `x[i]`, both have the axis i, which is summed: a matrix product. Every other operation is
applied lane by lane (`operations.py`). Read `axes.py` next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from math import prod
from typing import Any

from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.arrays import axes, source
from micrograd_notes.lifting.arrays.layout import BATCH, Layout
from micrograd_notes.lifting.arrays.operations import choice, elementwise, reduction
from micrograd_notes.lifting.arrays.sums import sums
from micrograd_notes.lifting.passes.group import Grouping
from micrograd_notes.lifting.trace.tape import CONSTANT, Array


@dataclass(eq=False)
class Statement:
    """One line of the program: an array and its expression."""

    group: int | None  # None for a derivative of a parameter
    tree: Any
    shape: tuple[int, ...]
    is_batched: bool
    array: Array | None = None  # the parameter whose derivative it is
    target: Any = None  # the part of that derivative; None for all of it

    @property
    def key(self) -> str:
        """Its name in other lines."""
        return f"_d{id(self)}" if self.group is None else f"_g{self.group}"


@dataclass
class Arrangement:
    """The lines of the program, and the shapes of its arrays."""

    grouping: Grouping
    statements: list[Statement]
    shapes: dict[int, tuple[int, ...]]
    is_batched: dict[int, bool]
    constants: list[Any] = field(default_factory=list)
    outputs: Any = None

    def text(self) -> str:
        """Returns the lines, with groups by number."""
        lines = []
        for line in self.statements:
            of = f"g{line.group}" if line.array is None else f"d{line.array.name}"
            shape = ("n", *line.shape) if line.is_batched else line.shape
            made = re.sub(r"\b_([gk]\d+)", r"\1", source.text(line.tree))
            lines.append(f"    {of}[{', '.join(map(str, shape))}] = {made}")
        return "\n".join(lines)


class _Arranger:
    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.recording = grouping.recording
        self.tape = grouping.recording.tape
        self.statements: list[Statement] = []
        self.read = self._read()
        self.asked = {grouping.group_of[k] for k in self.read}
        self.layout = Layout(grouping, self._products_of_sums(), self._wanted_filling())

    def _read(self, by_sums: bool = True) -> set[int]:
        """Returns the numbers that an operation or the caller reads."""
        read = set(self.recording.outputs)
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
        """Returns the number for the holes of groups that a maximum reads first, for example."""
        tape, group_of = self.tape, self.grouping.group_of
        return {
            group_of[tape.operands[group.members[0]][0]]: group.op.neutral
            for group in self.grouping.groups
            if isinstance(group.op, Op) and group.op.neutral is not None
        }

    def run(self) -> Arrangement:
        layout = self.layout
        for i, group in enumerate(self.grouping.groups):
            if isinstance(group.op, Array):
                layout.shapes[i] = group.op.shape
                layout.batched[i] = group.op.is_batched
                layout.is_data[i] = not group.op.is_parameter
                layout.lane[group.members] = [self.tape.operands[k][0] for k in group.members]
            elif group.op == CONSTANT:
                layout.shapes[i], layout.batched[i], layout.is_data[i] = (), False, False
            else:
                below = {int(layout.group_of[k]) for k in self.tape.operands[group.members[0]]}
                layout.batched[i] = any(layout.batched[b] for b in below)
                layout.is_data[i] = any(layout.is_data[b] for b in below)
                if i not in layout.inlined and self._is_needed(i):
                    self._arrange(i, group.op, group.members, len(below) == 1)
        self._arrange_gradient()
        return Arrangement(
            self.grouping, self.statements, layout.shapes, layout.batched, layout.constants,
            self._outputs(),
        )

    def _is_needed(self, i: int) -> bool:
        """Returns whether the array is read: a derivative's own sum is computed in its place."""
        return self.grouping.groups[i].op is not ops.add or i in self.asked

    def _arrange(self, i: int, op: Any, members: list[int], of_one_kind: bool) -> None:
        layout = self.layout
        if op is ops.add:
            terms = [self.tape.operands[m] for m in members]
            tree, shape = sums(layout, members, terms, layout.batched[i])
        elif op.chooses:
            tree, shape = choice(layout, op, members)
        elif op.arity is None and of_one_kind:
            tree, shape = reduction(layout, op, members)
        else:
            tree, shape = elementwise(layout, op, members)
        layout.shapes[i] = shape
        self.statements.append(Statement(i, tree, shape, layout.batched[i]))

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
        tree, shape = sums(self.layout, nobody, terms, False, found, over_batch)
        target = None
        if len(places) != array.size:
            target = self._target(array, places, [n for _, n in found])
        wanted = tuple(n for _, n in found) if target is not None else array.shape
        # an assignment adds the first axes of length 1
        if shape != tuple(dropwhile(lambda size: size == 1, wanted)):
            inner = tree.func.value if id(tree) in self.layout.merged else None
            if inner is not None and self.layout.merged[id(tree)] == wanted:
                tree = inner
            else:
                tree = self.layout.reshaped(tree, wanted)
        self.statements.append(Statement(None, tree, wanted, False, array, target))

    def _target(self, array: Array, places: Any, shape: Sequence[int]) -> Any:
        """Returns the index of some places of an array: a slice, or their places in the vector."""
        np = self.layout.np
        columns = np.unravel_index(places, array.shape)
        bounds = [(int(c.min()), int(c.max()) + 1) for c in columns]
        if prod(stop - start for start, stop in bounds) == len(places):
            index = [
                source.EVERYTHING if (start, stop) == (0, size) else (start or None, stop, None)
                for (start, stop), size in zip(bounds, array.shape, strict=True)
            ]
            return source.indexed(source.name(f"d{array.name}"), index)
        flat = self.layout.constant(np.array(array.where)[places].reshape(shape))
        return source.indexed(source.name("dtheta"), [flat])

    def _outputs(self) -> Any:
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
            tree = self.layout.aligned(reading, axes_of_all)
            if set(reading.letters) != {*axes_of_all} and not self.recording.is_loss:
                tree = self.layout.spread(tree, axes_of_all)
            return self._with_axes_of_one(tree, shape)
        call = source.parse("np.stack([], axis=-1)")
        for node in nodes:
            reading = self.layout.read(np.array([node]), [])
            tree = reading.tree
            if self.recording.is_batched and BATCH not in reading.letters:
                tree = source.fill("np.full(n, {0})", [tree])
            call.args[0].elts.append(tree)
        return call if len(shape) <= 1 else source.reshaped(call, (-1, *shape))

    def _with_axes_of_one(self, tree: Any, shape: tuple[int, ...]) -> Any:
        """Returns outputs with an axis per list, even of one number, and an axis for a number."""
        if self.recording.is_loss or not self.recording.is_batched or (shape and 1 not in shape):
            return tree
        return source.reshaped(tree, (-1, *(shape or (1,))))


def arrange(grouping: Grouping) -> Arrangement:
    """Returns the program on arrays for the groups."""
    return _Arranger(grouping).run()
