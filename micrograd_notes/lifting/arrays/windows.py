"""Windows of an array, and the zeros around it, as a convolution reads them.

    x[t + i]                   sliding_window_view(x, 3, axis=1)
    x[t + i - 1], or 0         sliding_window_view(np.pad(x, ((0, 0), (1, 1))), 3, axis=1)
    x[(t + 1) % size]          np.roll(x, -1, axis=1)

Along an axis of x, the places follow one letter evenly, or two. `layout.py` reads windows where no
slice fits, and `terms.py` lets terms that are missing be zeros outside.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.arrays import axes
from micrograd_notes.lifting.typed.expressions import (
    WHOLE,
    Cut,
    Expression,
    Padded,
    Windows,
    cut,
    every,
    part,
    reshaped,
)

if TYPE_CHECKING:
    from micrograd_notes.lifting.arrays.layout import Layout

MOST = 4  # an array with its zeros has at most so many times its size along an axis, and one more


class Along(NamedTuple):
    """How an array is read along an axis.

    There are `more` places before and behind it, zeros or those of a ring, and windows of `span`
    places, 0 if they lie side by side. `outer` is the letter along which they lie, `inner` the one
    inside of them, each with its index.
    """

    more: tuple[int, int]
    wraps: bool
    span: int
    outer: int | None
    place: int | Cut
    inner: int | None = None
    within: Cut = WHOLE


def windows(
    layout: Layout, nodes: Any, letters: list[Any], holes: Any | None = None,
    inside: Collection[int] = (),
) -> tuple[Expression, list[int]] | None:
    """Returns an operand as windows, with its letters; None if its places are not so even.

    Zeros around it are read in all `holes`, and without them there are none. They may also be
    around the part of it that is read. A letter that may be `inside` of windows is, if it reaches
    no farther than the other one.
    """
    group = layout.group(nodes)
    if group not in layout.arrays:  # they are constants
        return None
    array: Expression = layout.arrays[group]
    shape, columns = layout.shapes[group], layout.columns(nodes)
    batch = layout.batch(layout.batched[group])
    made = _windows(layout, array, shape, columns, batch, letters, holes, inside)
    if made is not None or holes is None:
        return made
    ends = [(int(column.min()), int(column.max()) + 1) for column in columns]
    cuts = [cut(*each, size) for each, size in zip(ends, shape, strict=True)]
    array = part(array, [*[WHOLE] * len(batch), *cuts])
    columns = [column - low for column, (low, _) in zip(columns, ends, strict=True)]
    shape = tuple([high - low for low, high in ends])
    return _windows(layout, array, shape, columns, batch, letters, holes, inside)


def _windows(
    layout: Layout, array: Expression, shape: Sequence[int], columns: Sequence[Any],
    batch: list[int], letters: list[Any], holes: Any | None, inside: Collection[int],
) -> tuple[Expression, list[int]] | None:
    """Returns windows of an array, by the places that are read along its axes."""
    box = [n for _, n in letters]
    found, outside = list[Along](), np.zeros(box, dtype=bool)
    for size, column in zip(shape, columns, strict=True):
        grid = layout.grid(letters, column)
        even = axes.affine(grid)
        fit = axes.on_a_ring(grid, size) if even is None else even
        lies = grid if fit is None else axes.evenly(box, *fit)
        along = fit and _along(size, fit, lies, even is None, holes is not None, inside)
        if along is None:
            return None
        found.append(along)
        outside |= (lies < 0) | (lies >= size)
    inner = [(axis, each) for axis, each in enumerate(found) if each.span]
    letters_of = [[e.outer, None if e.span else e.inner] for e in found] + [
        [each.inner] for _, each in inner
    ]
    read = [k for each in letters_of for k in each if k is not None]
    if len({*read}) < len(read) or (holes is not None and (holes & ~outside).any()):
        return None
    for axis, each in enumerate(found):
        if each.wraps:
            widths = [(0, 0)] * len(array.shape)
            widths[axis + len(batch)] = each.more
            array = Padded(array, tuple(widths), wraps=True)
    if holes is not None:
        zeros = [(0, 0) if each.wraps else each.more for each in found]
        array = Padded(array, (*[(0, 0)] * len(batch), *zeros))
    if inner:
        spans = tuple([each.span for _, each in inner])
        array = Windows(array, tuple([axis + len(batch) for axis, _ in inner]), spans)
    index = [*[WHOLE] * len(batch), *[e.place for e in found], *[e.within for _, e in inner]]
    array = part(array, index)
    return reshaped(array, [*array.shape[: len(batch)], *[box[k] for k in read]]), [*batch, *read]


def _along(
    size: int, fit: tuple[int, list[int]], lies: Any, wraps: bool, has_zeros: bool,
    inside: Collection[int],
) -> Along | None:
    """Returns how an axis of this size is read; None if no windows say that.

    Two letters of other signs are a distance, as bias[t - u] has it, which reads better by a table.
    """
    at, steps = fit[0], {k: step for k, step in enumerate(fit[1]) if step}
    before, after = max(0, -int(lies.min())), max(0, int(lies.max()) + 1 - size)
    is_distance = len({step > 0 for step in steps.values()}) > 1
    is_plain = before + after == 0 and not is_distance
    most = size if wraps else MOST * size if has_zeros else 0
    if len(steps) > 2 or not (is_plain or before + after < most):
        return None
    at, size = at + before, size + before + after
    if not steps:
        return Along((before, after), wraps, 0, None, at)
    box = lies.shape
    reach = {k: abs(step) * (box[k] - 1) for k, step in steps.items()}
    # the shorter one of two letters lies inside
    *inner, outer = sorted(
        steps, key=lambda k: (reach[k], k not in inside, abs(steps[k]), -k)
    )
    if not inner:
        return Along((before, after), wraps, 0, outer, every(steps[outer], at, box[outer], size))
    [k] = inner
    if steps[outer] == box[k] and steps[k] == 1:  # side by side
        place = cut(at, at + box[outer] * box[k], size)
        return Along((before, after), wraps, 0, outer, place, k)
    span, is_back = reach[k] + 1, steps[k] < 0
    place = every(steps[outer], at - reach[k] * is_back, box[outer], size - span + 1)
    within = every(steps[k], reach[k] * is_back, box[k], span)
    return Along((before, after), wraps, span, outer, place, k, within)
