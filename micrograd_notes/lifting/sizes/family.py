"""A family of models, and the choice of its small members, which are lifted instead of a large one.

`make(**sizes)` returns a loss and a model. The base is a small member that `make` accepts, with
sizes that differ from each other. In the next one each size differs from the base's. Others are
chosen, of several that are as small: their sizes show which of two formulas is right. Sizes up to
`AS_IS` stay as they are, since an axis of length 1 is written otherwise. `program.py` calls it;
read `small.py` next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, combinations_with_replacement, product
from traceback import walk_tb
from typing import Any, NamedTuple

from micrograd_notes.common.users_line import as_text
from micrograd_notes.engine import Value
from micrograd_notes.lifting.per_shape import Shapes
from micrograd_notes.lifting.program import Lifted
from micrograd_notes.lifting.sizes.fill import filled
from micrograd_notes.lifting.sizes.formulas import Differ, Formulas, Sizes, differing
from micrograd_notes.lifting.sizes.small import Large, Member, Small
from micrograd_notes.lifting.trace.tape import Array, Recording

AS_IS = 3  # sizes up to it are not changed
STARTS = (2, 5, 6)  # the smallest size of a base; a loop over time, say, begins at four steps
UNITS = 1, 4, 6, 10  # of sizes to choose from; powers of two are among multiples of 4
SPARE, BASES, TRIED = 6, 300, 4  # sizes to choose from; bases, and members that differ, to try
APART, NEIGHBOURS = 3, (-1, 0, 1)  # times as many to choose from if sizes must also lie apart
FEW_SIZES = 4  # that must lie apart: of more, there would be a million ways to choose
NEAR, AT_ONCE = 2, 50  # choices from those of the base; members that are compared at a time
GROWN = 10  # times the numbers of the base, as a tree of more levels has: then no other is tried
SIMPLE, FEW = 2, 10  # cost of formulas that members should tell apart; and but for so many of them
LOSSES = 10  # losses of bases to try: if they fail, it is the data that has other sizes
MISTAKES = 2  # and if they fail with an error that sizes seldom raise


class NoMember(ValueError):
    """`make`, or the loss that it returned, raises an error at small sizes."""

    is_made = False  # whether it was the loss
    is_mistake = False  # whether it is an error that any size would raise, as for a wrong name


class Family:
    """The models of a function `make`, and its members so far."""

    def __init__(self, made: Callable[[Sizes], Lifted]) -> None:
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
        """Returns a base with sizes from `start`, and members with other sizes.

        They are recorded if `shapes_at` returns the shapes of the data at their sizes.

        Raises:
            Differ: small members differ in more than numbers.
            NoMember: there is no small member.
        """
        names = sorted([n for n in sizes if sizes[n] > AS_IS], key=lambda name: sizes[name])
        problems = list[NoMember]()

        def member(sizes: Sizes) -> Member:
            return self.member(sizes, shapes_at(sizes), frozen)

        for choices, chosen in _bases(len(names), start):
            try:
                base = member(sizes | dict(zip(names, chosen, strict=True)))
                return _with_others(Small([base]), names, choices, member)
            except NoMember as error:
                problems.append(error)
                of_losses = [each for each in problems if each.is_made]
                if len(of_losses) == (MISTAKES if error.is_mistake else LOSSES):
                    break
        raise problems[0]

    def member(self, sizes: Sizes, shapes: Shapes | None, frozen: frozenset[str]) -> Member:
        """Returns a small member, recorded if it gets shapes; NoMember if it raises an error."""
        key = tuple(sizes.items()), shapes, frozen
        if key not in self._members:
            member = None
            try:
                lifted = self.made(sizes)
                member = Member(sizes, lifted, lifted._find()[1])
                freeze(member.lifted._parameters, member.lifted._arrays, frozen)
                if shapes is not None:
                    member.recorded = member.lifted._recorded(shapes)
                    if _depends_on_nothing(member.recorded):
                        raise ValueError("the loss depends on no parameter")
                self._members[key] = member
            except Exception as error:  # of the learner's code, which need not take small sizes
                *_, (frame, number) = walk_tb(error.__traceback__)
                said = str(error) or as_text((frame.f_code.co_filename, number))
                self._members[key] = missing = NoMember(f"{type(error).__name__}: {said}")
                missing.is_made = member is not None
                raised = error.__cause__ or error
                missing.is_mistake = isinstance(raised, TypeError | NameError | AttributeError)
        found = self._members[key]
        if isinstance(found, NoMember):
            raise found
        return found


class Choices(NamedTuple):
    """Sizes to choose from, and whether those that are chosen must lie apart."""

    sizes: list[int]
    lie_apart: bool

    def allow(self, chosen: Sequence[int]) -> bool:
        """Returns whether no difference is near a power of two: a loss divides by n - kernel + 1.

        A size that is larger in the large model is not smaller here.
        """
        pairs = combinations(chosen, 2) if self.lie_apart else ()
        return all(a == b or (a < b and _is_plain(b - a, NEIGHBOURS)) for a, b in pairs)


def _bases(count: int, start: int) -> Iterator[tuple[Choices, tuple[int, ...]]]:
    """Yields sizes to choose from, and sizes of a base; at last multiples, which alone may fit."""
    for unit in UNITS:
        is_last = start == STARTS[-1]  # for losses that divide by n - 1 or n + 1, too
        lie_apart = is_last and unit == 1 and count <= FEW_SIZES
        near, spare = NEIGHBOURS if is_last else (0,), SPARE * (APART if lie_apart else 1)
        sizes = [n for n in range(unit, 99, unit) if n >= start and (
            n == 2 or unit > 1 or _is_plain(n, near))][: count + spare]
        choices = Choices(sizes, lie_apart)
        every = [*sorted(combinations(sizes, count), key=sum)]
        every += sorted(combinations_with_replacement(sizes, count), key=sum)
        every = [*filter(choices.allow, every)]
        yield from ((choices, chosen) for chosen in every[: BASES // unit])


def _is_plain(number: int, near: Iterable[int]) -> bool:
    """Returns whether none of those near is a power of two, which is joined to other factors."""
    return all((number + k) & (number + k - 1) for k in near)


def _with_others(
    small: Small, names: Sequence[str], choices: Choices, member: Callable[[Sizes], Member]
) -> Small:
    """Returns a base with members that tell formulas apart: simple ones, and those it needs."""
    while True:
        known = [tuple(each.sizes.items()) for each in small.members]
        is_enough = len(known) > len(names) or (len(known) > 1 and _alike(*known) <= FEW)
        if (is_enough and not small.formulas.unclear) or len(known) > len(names) + 1:
            return small
        try:
            small = _like(small, _further(small, names, choices), member)
        except (Differ, NoMember):
            if is_enough:
                return small
            raise


def _further(small: Small, names: Sequence[str], choices: Choices) -> Iterator[Sizes]:
    """Yields sizes for one member more, in the order to try them.

    Sizes that differ from each other come first, and of them those that are close to the base's.
    """
    own, *others = [tuple(member.sizes.items()) for member in small.members]
    base, place = dict(own), {n: k for k, n in enumerate(choices.sizes)}

    def steps(each: Sizes) -> list[int]:
        return [abs(place[each[name]] - place[base[name]]) for name in names]

    def alike(each: Sizes) -> tuple[int, int]:
        unclear = [one for one, other in small.formulas.unclear if one.is_like(other, each)]
        return len(unclear), _alike(own, *others, tuple(each.items()))

    reach = NEAR * (APART if choices.lie_apart else 1)
    near = [[n for n in place if abs(place[n] - place[base[name]]) <= reach] for name in names]
    every = [base | dict(zip(names, chosen, strict=True)) for chosen in product(*near)
             if chosen.count(2) < 2]  # since 2 * 2 is a power of two
    every = [each for each in every if tuple(each.items()) not in (own, *others)
             and choices.allow([each[name] for name in names])]
    every.sort(key=lambda e: (-len({e[n] for n in names}), max(steps(e)), sum(e.values())))
    if not others:
        yield from [each for each in every if all(steps(each))]
        return
    for start in range(0, len(every), AT_ONCE):
        yield from sorted(every[start : start + AT_ONCE], key=alike)


@lru_cache(1000)
def _alike(*members: tuple[tuple[str, int], ...]) -> int:
    """Returns how many simple formulas members of these sizes can't tell from another one."""
    return Formulas([*map(dict, members)], SIMPLE).alike()


def _like(
    small: Small, further: Iterable[Sizes], member: Callable[[Sizes], Member]
) -> Small:
    """Returns these members and the first one whose program differs in numbers alone."""
    missing, problems = list[NoMember](), list[Differ]()
    for sizes in further:
        try:
            other = member(sizes)
            several = Small([*small.members, other])
            if other.recorded is None:
                several.parameters(sizes)
            else:
                programs = [each.passed().program for each in several.members]
                filled(programs, several.formulas, sizes, other.recorded)
            return several
        except NoMember as error:
            missing.append(error)
        except Exception as error:
            problems.append(differing(error, [small.members[0], other]))
            if len(problems) == TRIED or other.count > GROWN * small.members[0].count:
                break
    raise [*problems, *missing][0]


def _depends_on_nothing(recorded: Recording) -> bool:
    """Returns whether no parameter has a derivative: at small sizes, a loop may have no step."""
    return recorded.is_loss and max(recorded.gradient, default=-1) < 0


def freeze(leaves: Sequence[Value], arrays: Sequence[Array], frozen: frozenset[str]) -> None:
    """Freezes the arrays of these names, and no others."""
    for array in arrays:
        for flat in array.where:
            if leaves[flat]._requires_grad == (array.name in frozen):
                leaves[flat].requires_grad = array.name not in frozen
