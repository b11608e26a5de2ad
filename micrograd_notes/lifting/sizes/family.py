"""A family of models, and its small members that are lifted instead of a large one.

`make(**sizes)` returns a loss and a model. The base is a small member that `make` accepts, with
sizes that differ from each other; each other member has one size changed. Sizes up to `AS_IS` stay
as they are, since an axis of length 1 is written otherwise. An axis of the data that is as long as
a size, or as a product of two, follows it. Any other length is one more size. `program.py` calls
it; read `fill.py` next.
"""

from __future__ import annotations

from array import array as ints
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import combinations, combinations_with_replacement
from math import prod
from operator import ne
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.lifting.arrays.arrange import arrange
from micrograd_notes.lifting.compiled import Typed, typed
from micrograd_notes.lifting.passes.group import Grouping
from micrograd_notes.lifting.program import Lifted, Shapes
from micrograd_notes.lifting.sizes.fill import along_axes, evenly, filled
from micrograd_notes.lifting.sizes.formulas import Differ, Formulas
from micrograd_notes.lifting.trace.tape import Array, Recording
from micrograd_notes.lifting.typed.expressions import Program
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.ready import NoLoop, ready

Sizes = dict[str, int]
AS_IS = 3  # sizes up to it are not changed
STARTS = (2, 5)  # the smallest size of a base; a loop over time, say, begins at four steps
SPARE, BASES, TRIED = 6, 300, 3  # sizes to choose from; bases, and changed sizes, to try


@dataclass
class Passed:
    """A recording after each pass; the last program is ready."""

    grouped: Grouping
    arranged: Program
    program: Program


def _passed(recorded: Recording, guarded: bool) -> Passed:
    grouped, anew = typed(recorded, guarded)
    arranged = anew()
    return Passed(grouped, arranged, ready(arranged))


@dataclass
class Member:
    """A small member of a family; its arrays have the order of its model's parameters."""

    sizes: Sizes
    lifted: Lifted
    arrays: list[Array]
    recorded: Recording | None = None
    _passed: dict[bool, Passed] = field(default_factory=dict)

    def passed(self, guarded: bool = False) -> Passed:
        """Returns what the passes make of its recording."""
        assert self.recorded is not None
        if guarded not in self._passed:
            try:
                self._passed[guarded] = _passed(self.recorded, guarded)
            except NoLoop:
                self._passed[guarded] = _passed(self.recorded.without_starts(), guarded)
        return self._passed[guarded]


@dataclass
class Small:
    """Small members, the base first, and how they lead to a large one."""

    members: list[Member]
    _named: set[bool] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.formulas = Formulas([member.sizes for member in self.members])

    def programs(self, guarded: bool) -> list[Program]:
        """Returns the program of each member, the first one with names."""
        each = [member.passed(guarded) for member in self.members]
        if guarded not in self._named:
            arranged = arrange(each[0].grouped)  # anew, since names come before it is ready
            names = Names(arranged, [other.arranged for other in each[1:]])
            each[0].program = ready(arranged)
            each[0].program.names = names
            self._named.add(guarded)
        return [passed.program for passed in each]

    def parameters(self, sizes: Sizes) -> list[Array]:
        """Returns the arrays of a large model's parameters, with their places in `parameters()`.

        The elements of an array lie evenly there. An array begins at the first parameter that those
        before it leave free.
        """
        import numpy as np

        found, counts = [], [len(member.arrays) for member in self.members]
        if len({*counts}) > 1:
            raise Differ(f"they have {' and '.join(map(str, counts))} arrays of parameters")
        every = [*zip(*[member.arrays for member in self.members], strict=True)]
        shapes = [self._at([array.shape for array in each], sizes) for each in every]
        is_free = np.ones(sum(map(prod, shapes)), bool)
        for each, shape in zip(every, shapes, strict=True):
            [name, *others] = {array.name for array in each}
            if others:
                raise Differ(f"they have parameters {name} and {', '.join(others)}")
            lie = [np.array(array.where).reshape(array.shape) for array in each]
            if not all((evenly(one.shape, one.min(), along_axes(one)) == one).all() for one in lie):
                raise Differ(f"the parameters {name} do not lie evenly")
            steps = self._at([*map(along_axes, lie)], sizes)
            where = evenly(shape, int(is_free.argmax()), steps).reshape(-1)
            if where[-1] >= len(is_free) or not is_free[where].all():
                raise Differ(f"the parameters {name} have other places in a large model")
            is_free[where] = False
            found.append(replace(each[0], shape=shape, where=where))
        return found

    def recording(self, sizes: Sizes, shapes_at: Callable[[Sizes], Shapes]) -> Large:
        """Returns the base's recording, with the arrays of a large model."""
        recorded = [member.recorded for member in self.members if member.recorded is not None]
        arrays, reached, count = list[Array](), list[Any](), 0
        shapes = iter(shapes_at(sizes))
        for each in zip(*[one.arrays for one in recorded], strict=True):
            first = each[0]
            if first.is_parameter:
                shape = self._at([array.shape for array in each], sizes)
                arrays.append(replace(first, shape=shape, where=range(count, count + prod(shape))))
                count = arrays[-1].where[-1] + 1
                own = [*zip([one.gradient for one in recorded], each, strict=True)]
                reached.append(self._reached(own, shape, sizes))
            else:
                belows = [array.below for array in each]
                below = None if None in belows else self.formulas.at(belows, sizes)
                arrays.append(replace(first, shape=next(shapes)[1], below=below, where=[]))
        known = {each.name: getattr(recorded[0], each.name) for each in fields(Recording)}
        known |= {"arrays": arrays, "gradient": _marked(reached)}
        return Large(**known, small=self, sizes=sizes, shapes_at=shapes_at)

    def _reached(self, own: Sequence[Any], shape: tuple[int, ...], sizes: Sizes) -> Any:
        """Returns for each parameter of an array whether the loss depends on it: those in a box."""
        import numpy as np

        ends = []
        for gradient, one in own:
            there = np.array([gradient[flat] >= 0 for flat in one.where]).reshape(one.shape or (1,))
            found = [(int(c.min(initial=0)), int(c.max(initial=-1)) + 1) for c in there.nonzero()]
            if prod(stop - start for start, stop in found) != there.sum():
                raise Differ(f"the loss depends on some parameters of {one.name}")
            ends.append([end for pair in found for end in pair])
        bounds = self._at(ends, sizes)
        reached = np.zeros(shape or (1,), bool)
        box = [slice(*pair) for pair in zip(bounds[::2], bounds[1::2], strict=True)]
        reached[tuple(box)] = True
        return reached.reshape(-1)

    def _at(self, each: Sequence[Sequence[Any]], sizes: Sizes) -> tuple[Any, ...]:
        return tuple([self.formulas.at(numbers, sizes) for numbers in zip(*each, strict=True)])


def _marked(reached: Sequence[Any]) -> ints[int]:
    """Returns 0 for each parameter that the loss depends on, and -1 for the others.

    These are no places on a tape: that of the base has fewer numbers.
    """
    import numpy as np

    is_reached = np.concatenate(reached) if reached else np.zeros(0, bool)
    return ints("i", (is_reached.astype(np.intc) - 1).tobytes())


@dataclass(kw_only=True)
class Large(Recording):
    """The recording of the base, with the arrays of a large model, and where it came from."""

    small: Small
    sizes: Sizes
    shapes_at: Callable[[Sizes], Shapes]

    def program(self, guarded: bool = False) -> Program:
        """Returns a new typed program of the large model."""
        programs = self.small.programs(guarded)
        return filled(programs, self.small.formulas, self.sizes, self.arrays, self)

    def at(self, sizes: Sizes) -> Large:
        """Returns the recording of another member of the family."""
        return self.small.recording(sizes, self.shapes_at)

    def cut(self, data: Sequence[Any]) -> list[Any]:
        """Returns data for this member: the first part of data for a larger one."""
        inputs = [array for array in self.arrays if not array.is_parameter]
        parts = []
        for array, numbers in zip(inputs, data, strict=True):
            index = tuple(map(slice, array.shape))
            part = numbers[(slice(None), *index) if array.is_batched else index]
            parts.append(part if array.below is None else part % array.below)
        return parts


def typed_of_sizes(recorded: Recording, guarded: bool) -> Typed:
    """Returns what the passes make of the base, with typed programs of the large model."""
    assert isinstance(recorded, Large)
    base = recorded.small.members[0].passed(guarded)
    return Typed(base.grouped, partial(recorded.program, guarded))


class Family:
    """The models of a function `make`, and its members so far."""

    def __init__(self, made: Callable[[Sizes], tuple[Lifted, list[Array]]]) -> None:
        self.made = made
        self._members: dict[Any, Member | NoMember] = {}

    def large(
        self, sizes: Sizes, shapes_at: Callable[[Sizes], Shapes],
        frozen: frozenset[str] = frozenset(),
    ) -> Large:
        """Returns what stands for the recording of a large model.

        Raises:
            Differ: small members differ in more than numbers.
            NoMember: there is no small member.
        """
        problems: list[Differ | NoMember] = []
        for start in STARTS:
            try:
                found = self.small(sizes, start, frozen, shapes_at).recording(sizes, shapes_at)
                found.program()
                return found
            except (Differ, NoMember) as error:
                problems.append(error)
        raise problems[0]

    def small(
        self, sizes: Sizes, start: int, frozen: frozenset[str] = frozenset(),
        shapes_at: Callable[[Sizes], Shapes | None] = lambda sizes: None,
    ) -> Small:
        """Returns a base with sizes from `start`, and a member for each size that changes.

        Args:
            sizes: those of the large model.
            start: the smallest of the base.
            frozen: the names of arrays that are frozen.
            shapes_at: returns the shapes of the data at other sizes, to record each member.
        """
        names = sorted([n for n in sizes if sizes[n] > AS_IS], key=lambda name: sizes[name])
        # a power of two is written otherwise, since it multiplies without rounding
        choices = [n for n in range(start, 99) if n & (n - 1) or n == 2][: len(names) + SPARE]
        every = [*sorted(combinations(choices, len(names)), key=sum)]
        every += sorted(combinations_with_replacement(choices, len(names)), key=sum)
        problem: NoMember | None = None

        def member(sizes: Sizes) -> Member:
            return self._member(sizes, shapes_at(sizes), frozen)

        for chosen in every[:BASES]:
            try:
                base = member(sizes | dict(zip(names, chosen, strict=True)))
                members = [base]
                for name in names:
                    changed = [base.sizes | {name: n} for n in choices if n != base.sizes[name]]
                    changed.sort(key=lambda other: _unlike(base.sizes, other))
                    members.append(_like(base, [partial(member, other) for other in changed]))
                return Small(members)
            except NoMember as error:
                problem = problem or error
        assert problem is not None
        raise problem

    def _member(self, sizes: Sizes, shapes: Shapes | None, frozen: frozenset[str]) -> Member:
        """Returns a small member, recorded if it gets shapes; NoMember if it raises an error."""
        key = tuple(sizes.items()), shapes, frozen
        if key not in self._members:
            try:
                member = Member(sizes, *self.made(sizes))
                freeze(member.lifted._parameters, member.lifted._arrays, frozen)
                if shapes is not None:
                    member.recorded = member.lifted._recorded(shapes)
                self._members[key] = member
            except Exception as error:  # of the learner's code, which need not take small sizes
                self._members[key] = NoMember(f"{type(error).__name__}: {error}")
        found = self._members[key]
        if isinstance(found, NoMember):
            raise found
        return found


def _order(sizes: Sizes) -> list[int]:
    """Returns which sizes are larger than which: a larger one may be cut to a smaller one."""
    return [(a > b) - (a < b) for a in sizes.values() for b in sizes.values()]


class NoMember(ValueError):
    """`make`, or the loss that it returned, raises an error at small sizes."""


def _unlike(base: Sizes, other: Sizes) -> tuple[Any, ...]:
    """Sorts sizes: rather those that are in the same order as in the base, and small ones."""
    pairs = [(a, b) for a in base for b in base]
    order = [[(s[a] > s[b]) - (s[a] < s[b]) for a, b in pairs] for s in (base, other)]
    changes = sum(map(ne, *order))
    return changes, sum(other.values()) < sum(base.values()), sum(other.values())


def _like(base: Member, changed: Sequence[Callable[[], Member]]) -> Member:
    """Returns the first member whose program differs from the base's in numbers alone."""
    problem: Exception | None = None
    tried: list[Member] = []
    for make in changed:
        try:
            other = make()
        except NoMember as error:
            problem = problem or error
            continue
        try:
            pair = Small([base, other])
            if other.recorded is None:
                pair.parameters(other.sizes)
            else:
                programs = [base.passed().program, other.passed().program]
                filled(programs, pair.formulas, other.sizes, other.recorded.arrays, other.recorded)
            return other
        except Differ as error:
            tried.append(other)
            problem = Differ(str(error), [base, tried[0]])
            if len(tried) == TRIED:
                break
    assert problem is not None
    raise problem


def freeze(leaves: Sequence[Value], arrays: Sequence[Array], frozen: frozenset[str]) -> None:
    """Freezes the arrays of these names, and no others."""
    for array in arrays:
        for flat in array.where:
            if leaves[flat]._requires_grad == (array.name in frozen):
                leaves[flat].requires_grad = array.name not in frozen
