"""Small members of a family of models, and the large model that follows from them.

`family.py` finds members that differ in numbers alone: a base, and others in which one size each is
different. Each number of the large model, as the length of an axis, a place of a parameter or a
number of a line, is found from theirs by a formula of the sizes. Read `fill.py` next.
"""

from __future__ import annotations

from array import array as ints
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from typing import Any, NamedTuple

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.arrays.arrange import arrange
from micrograd_notes.lifting.arrays.axes import along_axes, evenly
from micrograd_notes.lifting.compiled import Typed, typed
from micrograd_notes.lifting.passes.group import Grouping
from micrograd_notes.lifting.per_shape import Shapes
from micrograd_notes.lifting.program import Lifted
from micrograd_notes.lifting.sizes.fill import filled, is_even
from micrograd_notes.lifting.sizes.formulas import Differ, Formulas, Sizes
from micrograd_notes.lifting.trace.tape import Array, Recording
from micrograd_notes.lifting.typed.building import NoLoop
from micrograd_notes.lifting.typed.expressions import Program
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.ready import ready


class Passed(NamedTuple):
    """A recording after each pass; the last program is ready."""

    grouped: Grouping
    arranged: Program
    program: Program


def _passed(recorded: Recording, guarded: bool) -> Passed:
    grouped, anew = typed(recorded, guarded)
    arranged = anew()
    try:
        return Passed(grouped, arranged, ready(arranged))
    except NoLoop:
        return _passed(recorded.plainer(), guarded)


@dataclass
class Member:
    """A small member of a family; its arrays have the order of its model's parameters."""

    sizes: Sizes
    lifted: Lifted
    arrays: list[Array]
    recorded: Recording | None = None
    _passed: dict[bool, Passed] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many numbers were recorded, or else how many parameters there are."""
        return len(self.recorded.tape if self.recorded else self.lifted._parameters)

    def passed(self, guarded: bool = False) -> Passed:
        """Returns what the passes make of its recording."""
        assert self.recorded is not None
        if guarded not in self._passed:
            self._passed[guarded] = _passed(self.recorded, guarded)
        return self._passed[guarded]

    def ends(self) -> dict[tuple[int, int], int]:
        """Returns how far the loss reads each input along each axis."""
        assert self.recorded is not None
        tape, read, found = self.recorded.tape, {*self.recorded.roots}, dict[Array, list[int]]()
        for i in range(len(tape) - 1, -1, -1):
            source = tape.ops[i]
            if i in read and isinstance(source, Array):
                found.setdefault(source, []).append(tape.operands[i][0])
            elif i in read:
                read.update(tape.operands[i])
        inputs = self.recorded.inputs
        along = [np.unravel_index(found.get(each, [0]), each.shape or (1,)) for each in inputs]
        places = [((k, axis), at) for k, each in enumerate(along) for axis, at in enumerate(each)]
        return {place: int(at.max()) + 1 for place, at in places}


@dataclass
class Small:
    """Small members, the base first, and how they lead to a large one."""

    members: list[Member]
    _programs: dict[bool, list[Program]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.formulas = Formulas([member.sizes for member in self.members])

    def programs(self, guarded: bool) -> list[Program]:
        """Returns the program of each member, the first one with names."""
        if guarded not in self._programs:
            base, *others = [member.passed(guarded) for member in self.members]
            arranged = arrange(base.grouped)  # anew, since names come before it is ready
            names = Names(arranged, [other.arranged for other in others])
            named = ready(arranged)
            named.names = names
            self._programs[guarded] = [named, *[other.program for other in others]]
        return self._programs[guarded]

    def parameters(self, sizes: Sizes) -> list[Array]:
        """Returns the arrays of a large model's parameters, with their places in `parameters()`.

        The elements of an array lie evenly there. An array begins at the first parameter that those
        before it leave free.
        """
        found, counts = [], [len(member.arrays) for member in self.members]
        if len({*counts}) > 1:
            raise Differ("they have {} arrays of parameters", " and ".join(map(str, counts)))
        every = [*zip(*[member.arrays for member in self.members], strict=True)]
        shapes = [self._at([array.shape for array in each], sizes) for each in every]
        is_free = np.ones(sum(map(prod, shapes)), bool)
        for each, shape in zip(every, shapes, strict=True):
            [name, *others] = {array.name for array in each}
            if others:
                raise Differ(f"they have parameters {name} and {', '.join(others)}")
            lie = [np.array(array.where).reshape(array.shape) for array in each]
            if not all(is_even(one) and one.item(0) == one.min() for one in lie):
                raise Differ(f"the parameters {name} do not lie evenly")
            steps = self._at([*map(along_axes, lie)], sizes)
            where = evenly(shape, int(is_free.argmax()), steps).reshape(-1)
            if where[-1] >= len(is_free) or not is_free[where].all():
                raise Differ(f"the parameters {name} have other places in a large model")
            is_free[where] = False
            found.append(replace(each[0], shape=shape, where=where.tolist()))
        return found

    def recording(self, sizes: Sizes, shapes_at: Callable[[Sizes], Shapes]) -> Large:
        """Returns the base's recording, with the arrays of a large model.

        Its `gradient` has 0 for a parameter that the loss depends on, else -1: no places on the
        tape of the base, which has fewer numbers.
        """
        recorded = [member.recorded for member in self.members if member.recorded is not None]
        arrays, gradient, shapes = list[Array](), ints("i"), iter(shapes_at(sizes))
        for each in zip(*[one.arrays for one in recorded], strict=True):
            first = each[0]
            if first.is_parameter:
                shape, count = self._at([array.shape for array in each], sizes), len(gradient)
                arrays.append(replace(first, shape=shape, where=range(count, count + prod(shape))))
                own = [*zip([one.gradient for one in recorded], each, strict=True)]
                gradient.frombytes(self._reached(own, shape, sizes))
            else:
                belows = [array.below for array in each]
                below = None if None in belows else self.formulas.at(belows, sizes)
                arrays.append(replace(first, shape=next(shapes)[1], below=below, where=[]))
        known = vars(recorded[0]) | {"arrays": arrays, "gradient": gradient}
        return Large(**known, small=self, sizes=sizes, shapes_at=shapes_at)

    def _reached(self, own: Sequence[Any], shape: tuple[int, ...], sizes: Sizes) -> bytes:
        """Returns the ints of an array of parameters: 0 in a box that the loss depends on."""
        ends = []
        for gradient, one in own:
            there = np.array([gradient[flat] >= 0 for flat in one.where]).reshape(one.shape or (1,))
            found = [(int(c.min(initial=0)), int(c.max(initial=-1)) + 1) for c in there.nonzero()]
            if prod(stop - start for start, stop in found) != there.sum():
                raise Differ(f"the loss depends on some parameters of {one.name}")
            ends.append([end for pair in found for end in pair])
        bounds = self._at(ends, sizes)
        marks = np.full(shape or (1,), -1, np.intc)
        marks[tuple(map(slice, bounds[::2], bounds[1::2]))] = 0
        return bytes(marks)

    def _at(self, each: Sequence[Sequence[Any]], sizes: Sizes) -> tuple[Any, ...]:
        return tuple([self.formulas.at(numbers, sizes) for numbers in zip(*each, strict=True)])


@dataclass(kw_only=True)
class Large(Recording):
    """The recording of the base, with the arrays of a large model, and where it came from."""

    small: Small
    sizes: Sizes
    shapes_at: Callable[[Sizes], Shapes]

    def program(self, guarded: bool = False) -> Program:
        """Returns a new typed program of the large model."""
        return filled(self.small.programs(guarded), self.small.formulas, self.sizes, self)

    def at(self, sizes: Sizes) -> Large:
        """Returns the recording of another member of the family."""
        return self.small.recording(sizes, self.shapes_at)

    def cut(self, data: Sequence[Any]) -> list[Any]:
        """Returns data for this member: the first part of each axis, or all of it repeated."""
        parts = []
        for array, numbers in zip(self.inputs, data, strict=True):
            for axis, size in enumerate(array.shape, int(array.is_batched)):
                numbers = np.take(numbers, range(size), axis, mode="wrap")
            parts.append(numbers if array.below is None else numbers % array.below)
        return parts


def typed_of_sizes(recorded: Recording, guarded: bool) -> Typed:
    """Returns what the passes make of the base, with typed programs of the large model."""
    assert isinstance(recorded, Large)
    base = recorded.small.members[0].passed(guarded)
    return Typed(base.grouped, partial(recorded.program, guarded))
