"""Arrays as C reads them: in memory, or computed where they are read.

Both have a text of C for each index, and the views that NumPy has: an array in memory is then
another one over the same numbers, with other strides. `evaluate.py` makes them.

>>> z = stored("z", (N, 4, 6), Kind.NUMBER)
>>> z.turned((0, 2, 1)).text(["i", "j", "k"]), z.part(["2", (1, None, 2)]).text(["j", "k"])
('z[i*24 + j + k*6]', 'z[j*12 + k + 54]')
>>> z.reshaped((N * 4, 6)).text(["i", "j"]), z.turned((0, 2, 1)).reshaped((N * 6, 4))
('z[i*6 + j]', None)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, prod
from typing import Any

from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Kind, N, Shape, Size, length, sizes_at

Index = Sequence[str]
Strides = tuple[Any, ...]  # None along an axis whose index is not just multiplied
Pick = Any  # the index along an axis: (an axis of the view, step, start), or an array of choices
SIGNS = {"lower": ">=", "upper": "<=", "diagonal": "==", "elsewhere": "!="}
MANY = 1_000_003  # stands for n where sizes are compared: a prime that no other size holds


def spelled(size: Size) -> str:
    """Returns a size in C: nb examples are computed at a time."""
    return str(size) if isinstance(size, int) else "nb" if size == N else f"nb*{size.times}"


def times(index: str, stride: Size) -> str:
    """Returns an index times a stride: `i*6`, `(t - 1)*6`, `42`."""
    if stride == 0 or index == "0":
        return "0"
    if index.isdigit() and isinstance(stride, int):
        return str(int(index) * stride)
    index = index if stride == 1 or re.fullmatch(r"\w+(\[\w+\])?", index) else f"({index})"
    return index if stride == 1 else f"{index}*{spelled(stride)}"


def added(terms: Sequence[str]) -> str:
    """Returns a sum, its numbers in one: `i*6 + 42`."""
    number, others = 0, list[str]()
    for term in terms:
        if term.isdigit():
            number += int(term)
        else:
            others.append(term)
    return " + ".join([*others, *[str(number)] * bool(number)]) or "0"


@dataclass(frozen=True)
class Array:
    """An array that C can read at an index.

    `strides` has those of each array in memory that it reads, along its own axes. `is_cheap` says
    that an element costs no more than to load it, and `reads` has the pointers of what it reads.
    One in memory has a pointer, and an offset.
    """

    shape: Shape
    kind: Kind
    text: Callable[[Index], str]
    strides: tuple[Strides, ...] = ()
    is_cheap: bool = False
    reads: frozenset[str] = frozenset()
    pointer: str = ""
    offset: tuple[str, ...] = ()

    def address(self, index: Index) -> str:
        """Returns the pointer to what lies at the first places of an index."""
        return added([self.pointer, *self.offset, *map(times, index, self.strides[0])])

    def turned(self, order: Sequence[int]) -> Array:
        """Returns the array with its axes in another order."""
        shape = tuple([self.shape[axis] for axis in order])
        return self._viewed(shape, [(order.index(k), 1, "0") for k in range(len(order))])

    def spread(self, to: Shape) -> Array:
        """Returns the array, again and again along the axes that it lacks."""
        more = len(to) - len(self.shape)
        picks = [(k + more, int(size != 1), "0") for k, size in enumerate(self.shape)]
        return self._viewed(to, picks)

    def windows(self, axes: Sequence[int], shape: Shape) -> Array:
        """Returns the windows along some axes of an array in memory; their places come last."""
        [strides] = self.strides
        strides = (*strides, *[strides[axis] for axis in axes])
        return stored(self.pointer, shape, self.kind, strides, self.offset)

    def part(self, index: Sequence[Any]) -> Array:
        """Returns a part, from places, cuts, None for a new axis, and arrays of choices.

        A cut may also be its first place, how many there are, and how far they lie apart.
        """
        index = [*index, *[ex.WHOLE] * (len(self.shape) - len(index) + [*index].count(None))]
        chosen = ex.broadcast(*[each.shape for each in index if isinstance(each, Array)])
        shape, picks, first = list[Size](), list[Pick](), -1
        for each in index:
            if each is None:
                shape.append(1)
            elif isinstance(each, str):
                picks.append((0, 0, each))
            elif isinstance(each, Array):
                if first < 0:
                    first = len(shape)
                    shape += chosen
                picks.append(each.spread(chosen))
            elif isinstance(each[0], str):
                picks.append((len(shape), each[2], each[0]))
                shape.append(each[1])
            else:
                size = self.shape[len(picks)]
                there = range(*slice(*each).indices(size)) if isinstance(size, int) else range(1)
                picks.append((len(shape), there.step, str(there.start)))
                shape.append(len(there) if isinstance(size, int) else size)
        return self._viewed(tuple(shape), picks, first)

    def _viewed(self, shape: Shape, picks: Sequence[Pick], first: int = 0) -> Array:
        """Returns a view, whose choices have axes from `first` on."""

        def index_of(index: Index) -> list[str]:
            return [
                pick.text(index[first : first + len(pick.shape)]) if isinstance(pick, Array)
                else added([times(index[pick[0]], pick[1]) if pick[1] else "0", pick[2]])
                for pick in picks
            ]

        strides = []
        for own in self.strides:
            found: list[Any] = [0] * len(shape)
            for stride, pick in zip(own, picks, strict=True):
                if isinstance(pick, Array):
                    found[first : first + len(pick.shape)] = [None] * len(pick.shape)
                elif pick[1]:
                    found[pick[0]] = None if stride is None else stride * pick[1]
            strides.append(tuple(found))
        choices = [pick for pick in picks if isinstance(pick, Array)]
        if self.pointer and not choices:
            moved = [times(p[2], s) for p, s in zip(picks, self.strides[0], strict=True)]
            offset = [term for term in (*self.offset, *moved) if term != "0"]
            return stored(self.pointer, shape, self.kind, strides[0], offset)
        for own in [own for choice in choices for own in choice.strides]:
            strides.append((*[0] * first, *own, *[0] * (len(shape) - first - len(own))))
        text = lambda index: self.text(index_of(index))  # noqa: E731
        reads = self.reads.union(*[choice.reads for choice in choices])
        return Array(shape, self.kind, text, tuple(strides), self.is_cheap, reads)

    def reshaped(self, to: Shape) -> Array | None:
        """Returns an array in memory in another shape; None if no strides say that."""
        old = [(s, st) for s, st in zip(self.shape, self.strides[0], strict=True) if s != 1]
        strides, left = list[Size](), list(to)
        while left:
            new, group = [left.pop(0)], list[tuple[Size, Size]]()
            while (a := _count(new)) != (b := _count([size for size, _ in group])):
                if a < b:
                    new.append(left.pop(0))
                else:
                    group.append(old.pop(0))
            if any(outer != length([size, inner]) for (_, outer), (size, inner) in pairwise(group)):
                return None
            stride = group[-1][1] if group else 0
            ends = [length([stride, *new[k + 1 :]]) for k in range(len(new))]
            strides += ends
        return stored(self.pointer, to, self.kind, strides, self.offset)


def _count(sizes: Sequence[Size]) -> int:
    return prod(sizes_at(sizes, MANY))


def stored(
    pointer: str, shape: Shape, kind: Kind, strides: Sequence[Size] | None = None,
    offset: Sequence[str] = (),
) -> Array:
    """Returns an array in memory; without strides, its numbers lie row after row."""
    if strides is None:
        strides = [length(shape[axis + 1 :]) for axis in range(len(shape))]
    own = tuple([0 if size == 1 else stride for size, stride in zip(shape, strides, strict=True)])
    text = lambda index: f"{pointer}[{added([*offset, *map(times, index, own)])}]"  # noqa: E731
    return Array(shape, kind, text, (own,), True, frozenset({pointer}), pointer, tuple(offset))


def counting(shape: Shape) -> Array:
    """Returns 0, 1, 2, ... along an axis."""
    return Array(shape, Kind.CHOICE, lambda index: index[0], ((1,),), True)


def square(where: str, size: int) -> Array:
    """Returns a square of conditions: see `expressions.WHERE`."""
    text = lambda index: f"{index[0]} {SIGNS[where]} {index[1]}"  # noqa: E731
    return Array((size, size), Kind.CONDITION, text, ((None, None),), True)


def literal(value: float) -> str:
    """Returns a number in C."""
    if isfinite(value):
        return repr(float(value))
    return "NAN" if value != value else "INFINITY" if value > 0 else "-INFINITY"


def bracketed(text: str) -> str:
    """Returns an operand, in brackets if it is itself an operation.

    >>> bracketed("a + b[i + 1]"), bracketed("exp_(a + b)"), bracketed("-1.0")
    ('(a + b[i + 1])', 'exp_(a + b)', '-1.0')
    """
    depth = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == " " and not depth:
            return f"({text})"
    return text
