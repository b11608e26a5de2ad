"""Masks that nothing needs go: the difference of i and i is 0 without one.

An array of pairs has holes, with a number there that its readers can take (`arrays`). A mask goes

1. if its number is there without it, as x - x for 0, and 1 / 1 for 1,
2. if a finite number is there that each reader multiplies with 0,
3. or if each reader has a mask itself, with these holes, around sums and products.

All this is so for finite inputs. `ready.py` calls `without_needless_masks`.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Constant, Examples, Expression, Kind, Line
from micrograd_notes.lifting.typed.share import reached

HARMLESS = ("add", "subtract", "multiply", "negative")  # of any finite numbers


def without_needless_masks(program: ex.Program) -> None:
    """Changes lines whose masks nothing needs."""
    grouping = program.grouping
    states = {grouping.group_of[k] for k in grouping.recording.alive}
    masked = [line for line in program.lines
              if line.group not in states and _holes(line.value) is not None]
    known = _Known()
    for line in program.lines if masked else ():
        known.add(line)
    for reader in [Line(program.result), *program.lines] if masked else []:
        for read in reader.value.lines():
            known.readers.setdefault(read, []).append(reader)
    for line in masked:
        assert isinstance(line.value, ex.Where)
        assert isinstance(line.value.no, ex.Number)
        value, number, holes = line.value.yes, line.value.no.value, _holes(line.value)
        there = np.broadcast_to(known.of(value), holes.shape)[holes]
        is_finite = bool(np.isfinite(there).all())
        is_free = is_finite or getattr(value, "function", "") in HARMLESS
        if (there == number).all() or (is_free and known.is_hidden(line, holes, is_finite)):
            line.value = value
            known.add(line)


def _holes(expression: Expression) -> Any:
    """Returns where a mask puts a number; None for anything else, also where a shape would change.
    """
    match expression:
        case ex.Where(mask, yes, ex.Number()) if yes.shape == expression.shape:
            seen = mask.of if isinstance(mask, ex.Part) else mask
            if isinstance(seen, ex.Read) and isinstance(seen.source, Constant):
                return ~np.broadcast_to(_Known().of(mask) == 1.0, ex.sizes_at(expression.shape))
    return None


class _Known:
    """What is known of arrays before any input is: a number at some places, and nan elsewhere."""

    def __init__(self) -> None:
        self.found: dict[Line, Any] = {}
        self.readers: dict[Line, list[Line]] = {}

    def add(self, line: Line) -> None:
        """Notes what is known of a line, and of the line that has a minus before it."""
        self.found[line] = self.of(line.value)
        for reader in self.readers.get(line, []):
            if reader.value == _minus(line):
                self.add(reader)

    def of(self, expression: Expression) -> Any:
        """Returns what is known of an array, for one example: nan alone, if it is nothing."""
        with np.errstate(all="ignore"):
            found = np.asarray(self._of(expression), dtype=float)
        return np.nan if np.isnan(found).all() else found

    def _of(self, expression: Expression) -> Any:
        inside = [*map(self.of, expression.operands)]
        is_pair = isinstance(expression, ex.Apply) and expression.function == "subtract"
        if inside and not any(isinstance(each, np.ndarray) for each in inside) and not is_pair:
            return np.nan
        shapes = [ex.sizes_at(each.shape) for each in expression.operands]
        sides = [*map(np.broadcast_to, inside, shapes)]
        match expression:
            case ex.Number(value):
                return value
            case ex.Read(Constant() as constant) if constant.kind is not Kind.CHOICE:
                return constant.array
            case ex.Read(Line() as line):
                return self.found.get(line, np.nan)
            case ex.Apply("subtract", (left, right)):
                if (one := ex.source_of(left)) is not None and one is ex.source_of(right):
                    return np.where(_places(left) == _places(right), 0.0, np.nan)
                return sides[0] - sides[1]
            case ex.Apply("multiply"):
                is_zero = (sides[0] == 0.0) | (sides[1] == 0.0)
                return np.where(is_zero, 0.0, sides[0] * sides[1])
            case ex.Apply(function) if expression.kind is Kind.NUMBER:
                return getattr(np, function)(*sides) if hasattr(np, function) else np.nan
            case ex.Total():
                return reduce(np.add, sides)
            case ex.Where() if not np.isnan(sides[0]).any():
                return np.where(sides[0] == 1.0, *sides[1:])
            case ex.Sum(of, axes) if not any(isinstance(of.shape[k], Examples) for k in axes):
                return sides[0].sum(axis=axes)
            case ex.Einstein(_, _, letters) if "n" in letters.split("->")[1] or "n" not in letters:
                return np.einsum(letters, *sides)
            case ex.View():
                return _seen(expression, sides[0])
        return np.nan

    def is_hidden(self, line: Line, holes: Any, is_finite: bool) -> bool:
        """Returns whether nothing changes, whatever stands in the holes of a line."""
        readers = self.readers.get(line, [])
        return bool(readers) and all(
            self._is_same(line, holes, reader, is_finite) for reader in readers
        )

    def _is_same(self, line: Line, holes: Any, reader: Line, is_finite: bool) -> bool:
        value, around = reader.value, _holes(reader.value)
        if around is not None and around.shape == holes.shape and around[holes].all():
            return _only_adds(line, value.operands[1])
        if value == _minus(line):
            return self.is_hidden(reader, holes, is_finite)
        return is_finite and self._is_times_zero(line, holes, value)

    def _is_times_zero(self, line: Line, holes: Any, value: Expression) -> bool:
        """Returns whether a line is multiplied with 0 in its holes, and then added to others."""
        if line not in value.lines():
            return True
        if value.shape == line.shape and isinstance(value, ex.Total):
            return all(self._is_times_zero(line, holes, each) for each in value.of)
        if value.shape == line.shape and getattr(value, "function", "") == "multiply":
            for one, other in (value.operands, value.operands[::-1]):
                if one == ex.Read(line) and line not in reached([other]):
                    there = np.broadcast_to(self.of(other), ex.sizes_at(value.shape))
                    return bool((there[holes] == 0.0).all())
        return False


def _minus(line: Line) -> Expression:
    return ex.Apply("negative", (ex.Read(line),))


def _only_adds(line: Line, expression: Expression) -> bool:
    """Returns whether a line is only added and multiplied on the way to an expression."""
    if line not in expression.lines():
        return True
    function, operands = getattr(expression, "function", ""), expression.operands
    if function == "divide":
        return line not in operands[1].lines() and _only_adds(line, operands[0])
    is_sum = isinstance(expression, ex.Total) or function in HARMLESS or expression == ex.Read(line)
    return is_sum and all(_only_adds(line, each) for each in operands)


def _places(view: Expression) -> Any:
    """Returns which element of what is read stands at each place."""
    if isinstance(view, ex.View):
        return _seen(view, _places(view.of))
    shape = ex.sizes_at(view.shape)
    return np.arange(prod(shape), dtype=float).reshape(shape)


def _seen(view: ex.View, array: Any) -> Any:
    """Returns a view of an array; nan if it depends on an input, or on the step of a loop."""
    match view:
        case ex.Reshape(_, to):
            return array.reshape(ex.sizes_at(to))
        case ex.Transpose(_, order):
            return array.transpose(order)
        case ex.Spread(_, to):
            return np.broadcast_to(array, ex.sizes_at(to))
        case ex.Windows(_, axes, sizes):
            return np.lib.stride_tricks.sliding_window_view(array, sizes, axes)
        case ex.Part(_, index):
            places = tuple(map(_as_index, index))
            if not any(isinstance(each, ex.Step | ex.Stretch | Expression) for each in places):
                return array[places]
    return np.full(ex.sizes_at(view.shape), np.nan)


def _as_index(place: Any) -> Any:
    """Returns a part of an index as NumPy takes it, if it is known."""
    if isinstance(place, ex.Read) and isinstance(place.source, Constant):
        return place.source.array
    return slice(*place) if isinstance(place, tuple) else place
