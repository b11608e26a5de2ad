"""Loops over the elements of arrays, as C.

Axes become one loop where all arrays lie in one row there, so that most loops are long and the
compiler computes four numbers at a time. `evaluate.py` calls it.
"""

from __future__ import annotations

from collections.abc import Sequence

from micrograd_notes.lifting.codegen.c.places import Array, Strides, spelled
from micrograd_notes.lifting.typed.expressions import Shape, length

INDENT = "    "
SHORT = 8  # numbers that are added up one by one
LONG = 16  # numbers whose max or min is found faster one row after the other
STEPS = {
    "sum": ("0.0", "{0} += {1};"), "max": ("-INFINITY", "{0} = maximum({0}, {1});"),
    "min": ("INFINITY", "{0} = minimum({0}, {1});"),
}


class Nest:
    """Loops over some axes of a shape, and the index along each axis in them."""

    def __init__(
        self, shape: Shape, axes: Sequence[int], strides: Sequence[Strides],
        letters: str = "ijklmpqr",
    ) -> None:
        groups: list[list[int]] = []
        for axis in [axis for axis in axes if shape[axis] != 1]:
            if groups and _is_row(groups[-1][-1], axis, shape, strides):
                groups[-1].append(axis)
            else:
                groups.append([axis])
        self.index = dict.fromkeys(axes, "0") | {
            group[-1]: letter for letter, group in zip(letters, groups, strict=False)
        }
        self.sizes = [length([shape[axis] for axis in group]) for group in groups]
        self.letters, self.others = letters[: len(groups)], letters[len(groups) :]

    def around(self, rows: list[str], pragma: str = "") -> list[str]:
        """Returns rows of C inside of the loops, the innermost after a pragma."""
        for letter, size in zip(reversed(self.letters), reversed(self.sizes), strict=True):
            head = f"for (int64_t {letter} = 0; {letter} < {spelled(size)}; {letter}++)"
            rows, pragma = [*[pragma] * bool(pragma), *within(head, rows)], ""
        return rows


def within(head: str, rows: Sequence[str]) -> list[str]:
    """Returns a block, without braces around one statement."""
    inner = [row if row[:1] == "#" else INDENT + row for row in rows]
    is_one = head.startswith("for") and (len(rows) == 1 or _is_loop(rows))
    return [head, *inner] if is_one else [f"{head} {{".strip(), *inner, "}"]


def _is_loop(rows: Sequence[str]) -> bool:
    return rows[0].startswith("for") and all(row.startswith((" ", "}", "#")) for row in rows[1:])


def _is_row(axis: int, after: int, shape: Shape, strides: Sequence[Strides]) -> bool:
    return all(
        None not in (own[axis], own[after]) and own[axis] == length([own[after], shape[after]])
        for own in strides
    )


def filled(into: Array, of: Array, sign: str = "=") -> list[str]:
    """Returns the loops that compute each element of an array."""
    nest = Nest(into.shape, range(len(into.shape)), [*into.strides, *of.strides])
    index = [*nest.index.values()]
    return nest.around([f"{into.text(index)} {sign} {of.text(index)};"])


def reduced(into: Array, of: Array, axes: Sequence[int], function: str, adds: bool) -> list[str]:
    """Returns the loops that find the sum, max or min along some axes.

    Each step takes whole rows of what is kept, if terms do not lie side by side; or if they are a
    few whose max or min is asked for, which is then found for several rows at once.
    """
    rank = range(len(of.shape))
    kept = [axis for axis in rank if axis not in axes]
    back: list[Strides] = []  # what is written, along the axes of what is read
    for own in into.strides:
        along = dict(zip(kept, own, strict=True))
        back.append(tuple([along.get(axis, 0) for axis in rank]))
    strides, last = _strides(of, kept), _strides(of, axes)
    by_rows = not (1 in last and last <= {0, 1})
    if function == "sum":
        by_rows = by_rows and 1 in strides
    elif length([of.shape[axis] for axis in axes]) in range(LONG):
        by_rows = True
    first, second = (axes, kept) if by_rows else (kept, axes)
    outer = Nest(of.shape, first, of.strides if by_rows else [*back, *of.strides])
    inner = Nest(of.shape, second, [*back, *of.strides], outer.others)
    found = {**outer.index, **inner.index}
    term = of.text([found[axis] for axis in rank])
    place = into.text([found[axis] for axis in kept])
    start, step = STEPS[function]
    if by_rows:
        rows = [] if adds else inner.around([f"{place} = {start};"])
        return rows + outer.around(inner.around([step.format(place, term)]))
    rows = [f"double s = {start};"]
    if function == "sum":
        is_long = bool(inner.sizes) and inner.sizes[-1] not in range(SHORT)
        pragma = "#pragma omp simd reduction(+:s)" * is_long
        rows += inner.around([step.format("s", term)], pragma)
        rows.append(f"{place} {'+=' if adds else '='} s;")
    else:  # a nan is not larger than others, so that it is looked for apart
        pragma = f"#pragma omp simd reduction({function}:s) reduction(|:unfit)"
        sign = ">" if function == "max" else "<"
        each = [f"const double term = {term};", f"s = term {sign} s ? term : s;"]
        rows += ["uint64_t unfit = 0;", *inner.around([*each, "unfit |= term != term;"], pragma)]
        rows.append(f"{place} = unfit ? NAN : s;")
    return outer.around(rows) if outer.letters else within("", rows)


def _strides(of: Array, axes: Sequence[int]) -> set[int | None]:
    """Returns how far the elements along the last of some axes lie apart, in all that is read."""
    long = [axis for axis in axes if of.shape[axis] != 1]
    return {own[long[-1]] for own in of.strides} if long else set()
