"""A family of models, and the choice of its small members, which are lifted instead of a large one.

`make(**sizes)` returns a loss and a model. The base is a small member that `make` accepts, with
sizes that differ from each other; each other one has one size changed, of the smallest so far.
Sizes up to `AS_IS` stay as they are, since an axis of length 1 is written otherwise. `program.py`
calls it; read `small.py` next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import combinations, combinations_with_replacement, product
from operator import ne
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.lifting.program import Lifted, Shapes
from micrograd_notes.lifting.sizes.fill import filled
from micrograd_notes.lifting.sizes.formulas import Differ
from micrograd_notes.lifting.sizes.small import Large, Member, Sizes, Small
from micrograd_notes.lifting.trace.tape import Array

AS_IS = 3  # sizes up to it are not changed
STARTS = (2, 5)  # the smallest size of a base; a loop over time, say, begins at four steps
SPARE, BASES, TRIED = 6, 300, 3  # sizes to choose from; bases, and changed sizes, to try
LOSSES = 10  # losses of bases to try: if they fail, it is the data that has other sizes


class NoMember(ValueError):
    """`make`, or the loss that it returned, raises an error at small sizes."""

    is_made = False  # whether it was the loss


class Family:
    """The models of a function `make`, and its members so far."""

    def __init__(self, made: Callable[[Sizes], tuple[Lifted, list[Array]]]) -> None:
        self.made = made
        self._members: dict[Any, Member | NoMember] = {}

    def large(
        self, sizes: Sizes, start: int, shapes_at: Callable[[Sizes], Shapes],
        frozen: frozenset[str] = frozenset(),
    ) -> Large:
        """Returns what stands for the recording of a large model; see `small`."""
        found = self.small(sizes, start, shapes_at, frozen).recording(sizes, shapes_at)
        found.program()
        return found

    def small(
        self, sizes: Sizes, start: int,
        shapes_at: Callable[[Sizes], Shapes | None] = lambda sizes: None,
        frozen: frozenset[str] = frozenset(),
    ) -> Small:
        """Returns a base with sizes from `start`, and a member for each size that changes.

        Small members are lifted faster. So sizes that become smaller come first, and the others
        change that smaller member.

        Args:
            sizes: those of the large model.
            start: the smallest size of the base.
            shapes_at: returns the shapes of the data at other sizes, to record each member.
            frozen: the names of arrays that are frozen.

        Raises:
            Differ: small members differ in more than numbers.
            NoMember: there is no small member.
        """
        names = sorted([n for n in sizes if sizes[n] > AS_IS], key=lambda name: sizes[name])
        # a power of two is written otherwise, since it multiplies without rounding
        choices = [n for n in range(start, 99) if n & (n - 1) or n == 2][: len(names) + SPARE]
        every = [*sorted(combinations(choices, len(names)), key=sum)]
        every += sorted(combinations_with_replacement(choices, len(names)), key=sum)
        problem: NoMember | None = None
        failed = 0

        def member(sizes: Sizes) -> Member:
            return self._member(sizes, shapes_at(sizes), frozen)

        def changed(own: Sizes, name: str) -> list[Sizes]:
            others = [own | {name: n} for n in choices if n != own[name]]
            return sorted(others, key=partial(_unlike, own))

        for chosen in every[:BASES]:
            try:
                members = [member(sizes | dict(zip(names, chosen, strict=True)))]
                smallest, own = members[0], members[0].sizes
                for name in sorted(names, key=lambda name: changed(own, name)[0][name] - own[name]):
                    members.append(_like(smallest, changed(smallest.sizes, name), member))
                    if members[-1].sizes[name] < own[name]:
                        smallest = members[-1]
                return Small(members)
            except NoMember as error:
                problem = problem or error
                failed += error.is_made
                if failed == LOSSES:
                    break
        assert problem is not None
        raise problem

    def _member(self, sizes: Sizes, shapes: Shapes | None, frozen: frozenset[str]) -> Member:
        """Returns a small member, recorded if it gets shapes; NoMember if it raises an error."""
        key = tuple(sizes.items()), shapes, frozen
        if key not in self._members:
            member = None
            try:
                member = Member(sizes, *self.made(sizes))
                freeze(member.lifted._parameters, member.lifted._arrays, frozen)
                if shapes is not None:
                    member.recorded = member.lifted._recorded(shapes)
                self._members[key] = member
            except Exception as error:  # of the learner's code, which need not take small sizes
                self._members[key] = missing = NoMember(f"{type(error).__name__}: {error}")
                missing.is_made = member is not None
        found = self._members[key]
        if isinstance(found, NoMember):
            raise found
        return found


def _unlike(base: Sizes, other: Sizes) -> tuple[int, ...]:
    """Sorts sizes: first those in the same order as in the base, and the smallest of them.

    Those whose product is a power of two come last, since its multiples are written otherwise.
    """
    pairs = [*product(base, base)]
    order = [[(s[a] > s[b]) - (s[a] < s[b]) for a, b in pairs] for s in (base, other)]
    products = [other[a] * other[b] for a, b in combinations(other, 2)]
    powers = [n for n in products if n & (n - 1) == 0]
    return len(powers), sum(map(ne, *order)), sum(other.values())


def _like(base: Member, changed: Iterable[Sizes], member: Callable[[Sizes], Member]) -> Member:
    """Returns the first member whose program differs from the base's in numbers alone."""
    missing, problems = list[NoMember](), list[Differ]()
    for sizes in changed:
        try:
            other = member(sizes)
            pair = Small([base, other])
            if other.recorded is None:
                pair.parameters(sizes)
            else:
                programs = [base.passed().program, other.passed().program]
                filled(programs, pair.formulas, sizes, other.recorded.arrays, other.recorded)
            return other
        except NoMember as error:
            missing.append(error)
        except Differ as error:
            problems.append(Differ(str(error), [base, other]))
            if len(problems) == TRIED:
                break
    raise [*problems, *missing][0]


def freeze(leaves: Sequence[Value], arrays: Sequence[Array], frozen: frozenset[str]) -> None:
    """Freezes the arrays of these names, and no others."""
    for array in arrays:
        for flat in array.where:
            if leaves[flat]._requires_grad == (array.name in frozen):
                leaves[flat].requires_grad = array.name not in frozen
