"""Sums: their axes, and the parts that they add up.

The terms of a sum are of several kinds, each a product of two groups or a group (`terms.py`). The
part of a term's place that its sum determines is an axis of the sums; the sum runs over the rest.
`arrange.py` calls `sums`; read `terms.py` next.
"""

from __future__ import annotations

from math import prod
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.arrays import axes
from micrograd_notes.lifting.arrays.layout import Layout, Reading
from micrograd_notes.lifting.arrays.terms import Terms
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.typed.expressions import Expression, total


def sums(
    layout: Layout, members: Ints | None, sizes: Ints, nodes: Ints,
    forced: list[Any] | None = None, over_batch: bool = False
) -> tuple[Expression, tuple[int, ...]]:
    """Returns sums of so many of the nodes each, and their shape; `forced` are given axes.

    The sums may have fewer axes, or axes of length 1, if they are the same along them.
    """
    count = len(sizes)
    owner = np.repeat(np.arange(count), sizes)
    of = layout.group_of[nodes]
    kinds = sorted({*of.tolist()}, key=lambda g: (-int((of == g).sum()), layout.rank[g]))
    classes = [Terms(layout, nodes[of == g], owner[of == g], count) for g in kinds]
    found = forced
    if found is None:
        columns = [c for kind in classes for c in kind.kept_columns()] or _side_by_side(classes)
        own = layout.axes_of_primal(members)
        constants = [each for kind in classes for each in map(layout.numbers, kind.operands)]
        found = layout.settle(members, own + columns, [e for e in constants if e is not None])
        like = axes.independent(own, count)
        if not own:
            found = classes[0].in_order(found)
        elif [n for _, n in like] == [n for _, n in found] and axes.distinct(like, count) == count:
            found = like  # but perhaps in another order; products of one weight share its place
        shape = layout.place(members, found)
    else:
        for kind in classes:
            kind.order_factors(found)
        found = _split(layout, found, [c for kind in classes for c in kind.kept_columns()])
        shape = tuple(n for _, n in found)
    classes = [part for kind in classes for part in kind.at_both_ends(found)]
    classes = [part for kind in classes for part in kind.on_each_side(found)]
    if members is not None and not all(k.is_in_all or k.is_in_a_part(found) for k in classes):
        layout.ways |= _kinds_of_terms(members, classes)
    is_batched = members is not None and layout.batched[layout.group(members)]
    letters = [*layout.batch(is_batched), *range(len(found))]
    summed = [layout.aligned(kind.summed(found, over_batch), letters) for kind in classes]
    layout.sizes = dict(enumerate(shape))
    made = total(summed)
    if members is None:
        return made, shape
    wanted = layout.wanted_filling.get(layout.group(members), 0.0)
    if wanted == 1.0 and prod(shape) > count:  # a reader would divide by what is in a hole
        there = layout.there(found, count)
        made = layout.masked(Reading(made, letters), there, letters[-len(found):], wanted).array
    return layout.like_primal(members, made, shape)


def _side_by_side(classes: list[Terms]) -> list[Any]:
    """Returns the places of sums of which each lacks one kind of terms or another.

    u[1] - u[0], u[2] - u[1], ... and at the walls u[0] and -u[5]: the places of the first terms,
    and one place beside the second one where there is no first.
    """
    first, *others = classes
    places = [np.full(first.owners, np.nan) for _ in _kept(first)]
    for kind in classes:
        left = _kept(kind)
        if len(left) != len(places):
            return []
        for place in places:
            there = ~np.isnan(place[kind.present])
            for k, at in enumerate(left):
                beside = (at - place[kind.present])[there]
                if kind is first or (beside.size and (beside == beside[0]).all()):
                    place[kind.present] = left.pop(k) - (0 if kind is first else beside[0])
                    break
            else:
                return []
    if not others or any(np.isnan(place).any() for place in places):
        return []
    return [(place - place.min()).astype(np.int64) for place in places]


def _kept(kind: Terms) -> list[Any]:
    """Returns the different parts of the terms' places that their sums determine."""
    kept = [each.kept for each in kind.columns if each.kept is not None and not each.overlaps]
    return [c for k, c in enumerate(kept) if not any((c == each).all() for each in kept[:k])]


def _kinds_of_terms(members: Ints, classes: list[Terms]) -> dict[int, int]:
    """Returns a number for the kinds of terms that each sum has."""
    found = np.zeros(len(members), dtype=np.int64)
    for kind in classes:
        found = 2 * found
        found[kind.present] += 1
    kinds = np.unique(found, return_inverse=True)[1]
    return dict(zip(members.tolist(), kinds.tolist(), strict=True))


def _split(layout: Layout, given: list[Any], columns: list[Any]) -> list[Any]:
    """Returns given axes, split as the columns need it, in an order that keeps places."""
    count = len(given[0][0]) if given else 0
    if prod(n for _, n in given) != count:  # there are none, or holes
        return given
    found = axes.independent([c for c, _ in given] + columns, count)
    if not axes.fills(found, count):
        return given
    places = np.ravel_multi_index([c for c, _ in given], [n for _, n in given])
    fit = axes.affine(layout.grid(found, np.broadcast_to(places, count)))
    if fit is None:
        return given
    found = [f for _, f in sorted(zip(fit[1], found, strict=True), key=lambda p: -p[0])]
    lanes = np.ravel_multi_index([c for c, _ in found], [n for _, n in found])
    return found if (lanes == places).all() else given
