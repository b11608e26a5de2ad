"""Derivatives that meet the parts of one matrix become one array, and their products one product.

The four gates of an LSTM are parts of z = x @ W, and each goes through a function of its own. So
the derivative by each is a line of its own, and has products of its own with its part of W:

    df = ...                                   dz[:, :3] = ...
    di = ...                                   dz[:, 3:6] = ...
    dx = df @ W[:3] + di @ W[3:6]       ->     dx = dz @ W
    dW[:3] += df.T @ x                         dW[...] += dz.T @ x
    dW[3:6] += di.T @ x

If the parts are W[0], W[1] and so on, dz has an axis for them. `ready.py` calls `join_gates`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise, product
from math import prod
from typing import Any, NamedTuple

from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import WHOLE, Expression, Line, Loop, N, Program


class Use(NamedTuple):
    """A product of a derivative with a part of something, or its sum for a part of a bias."""

    gate: Line
    """The derivative, which has a row for each example."""
    place: Any
    """Where the part lies, along the axis of the parts."""
    alike: Any
    """Equal for the uses of all parts: what they have in common."""


class Gates:
    """Derivatives in the order of the parts, and the array that they become parts of."""

    def __init__(self, gates: Sequence[Line], has_axis: bool) -> None:
        widths: list[Any] = [gate.shape[1] for gate in gates]
        self.has_axis, self.count, self.width = has_axis, len(gates), widths[0]
        ends = [0, *accumulate(widths)]
        shape = (N, self.count, self.width) if has_axis else (N, ends[-1])
        self.array = Line(ex.Empty(shape), holds=gates[0])
        places = range(len(gates)) if has_axis else map(ex.cut, ends, ends[1:])
        self.parts = {
            gate: ex.Part(ex.Read(self.array), (WHOLE, place))
            for gate, place in zip(gates, places, strict=True)
        }

    @property
    def rows(self) -> Expression:
        """The array with one axis beside that of the examples."""
        return ex.reshaped(ex.Read(self.array), (N, prod(self.array.shape[1:])))

    def in_rows(self, of: Expression) -> Expression:
        """Returns a part of a matrix, for all gates, with as many rows as they have columns."""
        return ex.reshaped(of, (self.count * self.width, of.shape[-1])) if self.has_axis else of


def join_gates(program: Program) -> None:
    """Joins such derivatives in each loop of the backward half.

    They read what the forward half has made of the matrix.
    """
    steps = list[Line | Loop]()
    made = [each for each in program.forward if isinstance(each, Line) and each.is_own]
    for step in program.backward:
        if isinstance(step, Loop):
            others = [line for line in ex.lines_of(program.steps) if line not in {*step.lines}]
            read_outside = {read for line in others for read in line.value.lines()}
            for gates in _found(step.lines, read_outside):
                steps.append(gates.array)
                step.lines = [*_joined(step.lines, gates)]
                for line, known in product(step.lines, made):
                    line.value = ex.substituted(line.value, known.value, ex.Read(known))
        steps.append(step)
    program.backward = steps


def _found(lines: Sequence[Line], read_outside: set[Line]) -> Iterator[Gates]:
    """Yields the derivatives that are used alike, side by side, for the derivatives of a matrix."""
    free = {line for line in lines if line.is_own} - read_outside
    for uses in _alike([use for line in lines for use in _uses(line)]):
        gates = {use.gate: use.place for use in uses}
        has_axis, shapes = isinstance(uses[0].place, int), {gate.shape for gate in gates}
        if not 1 < len(gates) == len(uses) or not free.issuperset(gates):
            continue
        fit = len(shapes) == 1 if has_axis else all(
            gate.shape[1] == stop - start for gate, (start, stop) in
            [(gate, _ends(place)) for gate, place in gates.items()]
        )
        if fit and all(len(shape) == 2 and shape[0] == N for shape in shapes):
            free -= {*gates}
            yield Gates([*gates], has_axis)


def _alike(uses: Sequence[Use]) -> Iterator[list[Use]]:
    """Yields uses of parts that follow each other without a gap, in their order."""
    alike: dict[Any, list[Use]] = {}
    for use in uses:
        alike.setdefault(use.alike, []).append(use)
    for these in alike.values():
        these.sort(key=lambda use: _ends(use.place))
        ends = [_ends(use.place) for use in these]
        if all(a[1] == b[0] for a, b in pairwise(ends)):
            yield these


def _uses(line: Line) -> Iterator[Use]:
    """Yields the use that is a line's derivative of a part of a matrix, by each axis of it."""
    if line.derivative_of is None or line.target is None:
        return
    other: Expression | None = None
    match line.value:
        case ex.MatMul(ex.Transpose(ex.Read(Line() as gate), (1, 0)), other):
            kind, along = "rows", 0
        case ex.Sum(ex.Read(Line() as gate), (0,)):
            kind, along = "sum", 0
        case ex.MatMul(other, ex.Read(Line() as gate)):
            kind, along = "columns", -1
        case _:
            return
    for axis, place, rest in _by_axis(line.target, along):
        if kind != "columns" or not isinstance(place, int):
            yield Use(gate, place, (line.derivative_of, axis, rest, kind, other, line.adds))


def _term(term: Expression) -> Iterator[Use]:
    """Yields the use that is a term's product with a part of a matrix, by each axis of it."""
    match term:
        case ex.MatMul(ex.Read(Line() as gate), ex.Part() as matrix):
            is_turned = False
        case ex.MatMul(ex.Read(Line() as gate), ex.Transpose(ex.Part() as matrix, (1, 0))):
            is_turned = True
        case _:
            return
    for axis, place, rest in _by_axis(matrix, -1 if is_turned else 0):
        if not is_turned or not isinstance(place, int):
            yield Use(gate, place, (matrix.of, axis, rest, is_turned))


def _by_axis(of: ex.Part, along: int) -> Iterator[tuple[int, Any, tuple[Any, ...]]]:
    """Yields the axis of a matrix that the gates may divide, the place there, and all others.

    A gate has a stretch of the axis that its columns lie along, the first or the last one of the
    part; or all of it, and a place on the axis before.
    """
    whole = [*of.index, *[WHOLE] * (len(of.of.shape) - len(of.index))]
    kept = [axis for axis, place in enumerate(whole) if not isinstance(place, int)]
    for own in kept[along:][:1]:
        for axis in (own,) if whole[own] != WHOLE else (own - 1,) if own > 0 else ():
            place = whole[axis]
            is_stretch = isinstance(place, tuple) and place[2] is None and None not in place[1:2]
            if is_stretch if axis == own else isinstance(place, int):
                yield axis, place, (*whole[:axis], *whole[axis + 1 :])


def _joined(lines: Sequence[Line], gates: Gates) -> Iterator[Line]:
    """Yields the lines of a loop, where each gate writes to its part, and all uses are one."""
    uses = _alike([use for line in lines for use in _uses(line)])
    of_all = {use.alike: these for these in uses for use in these
              if [each.gate for each in these] == [*gates.parts]}
    left = Counter(use.alike for line in lines for use in _uses(line) if use.alike in of_all)
    for line in lines:
        [*own] = [use for use in _uses(line) if use.alike in of_all]
        if own:
            left[own[0].alike] -= 1
            if left[own[0].alike] == 0:
                yield _derivative(line, of_all[own[0].alike], gates)
            continue
        line.value = _in_one_product(line.value, gates)
        for gate, place in gates.parts.items():
            line.value = ex.substituted(line.value, ex.Read(gate), place)
        line.target = gates.parts.get(line, line.target)
        yield line


def _derivative(line: Line, uses: Sequence[Use], gates: Gates) -> Line:
    """Returns the derivative of all parts in one line."""
    array, axis, rest, kind, other, _ = uses[0].alike
    place = _around(uses, array.shape[axis])
    made: Expression = ex.Sum(ex.Read(gates.array), (0,))
    if kind == "rows":
        made = ex.MatMul(ex.Transpose(gates.rows, (1, 0)), other)
    elif kind == "columns":
        made = ex.MatMul(other, gates.rows)
    index = [*rest[:axis], place, *rest[axis:]]
    target = ex.part(line.target.of, index)  # type: ignore[union-attr]
    made = ex.reshaped(made, target.shape)
    found = target if isinstance(target, ex.Part) else None
    return Line(made, None, array, found, None, line.adds)


def _in_one_product(value: Expression, gates: Gates) -> Expression:
    """Returns a sum of products of the gates with parts of a matrix as one product with all."""
    if not isinstance(value, ex.Total):
        return value
    terms: dict[Any, list[Use]] = {}
    for term in value.of:
        for use in _term(term):
            terms.setdefault(use.alike, []).append(use)
    for alike, uses in terms.items():
        uses.sort(key=lambda use: _ends(use.place))
        if [use.gate for use in uses] == [*gates.parts]:
            matrix, axis, rest, is_turned = alike
            place = _around(uses, matrix.shape[axis])
            whole = ex.part(matrix, [*rest[:axis], place, *rest[axis:]])
            both = ex.Transpose(whole, (1, 0)) if is_turned else gates.in_rows(whole)
            mine = [t for t in value.of if any(use in uses for use in _term(t))]
            others = [t for t in value.of if not any(t is each for each in mine)]
            return ex.total([ex.MatMul(gates.rows, both), *others])
    return value


def _around(uses: Sequence[Use], size: Any) -> Any:
    """Returns the place of all parts together."""
    return ex.cut(_ends(uses[0].place)[0], _ends(uses[-1].place)[1], size)


def _ends(place: Any) -> tuple[int, int]:
    return (place, place + 1) if isinstance(place, int) else (place[0] or 0, place[1])
