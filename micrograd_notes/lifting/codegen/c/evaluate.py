"""Expressions of the typed program become loops and calls of C.

`of` returns an expression's array; what works element by element is computed where it is read, so
that it becomes one loop with all that it reads. `store` writes an array: a sum or a product always
is. `emit.py` calls it, and collects the rows. Read `loops.py` next.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

from micrograd_notes.lifting.codegen import CannotPrint
from micrograd_notes.lifting.codegen.c import places
from micrograd_notes.lifting.codegen.c.frame import Step
from micrograd_notes.lifting.codegen.c.loops import Nest, filled, reduced
from micrograd_notes.lifting.codegen.c.places import Array, bracketed, spelled
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import WHOLE, Expression, Kind, Shape, Size, length

OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/",
    "greater": ">", "less": "<", "equal": "==",
}
FUNCTIONS = {
    "abs": "fabs", "floor": "floor", "rint": "rint", "sqrt": "sqrt", "cbrt": "cbrt", "sin": "sin",
    "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "arctan2": "atan2", "hypot": "hypot", "sinh": "sinh", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "math.erf": "erf", "math.erfc": "erfc_", "power": "pow", "sign": "sign",
    "maximum": "maximum", "minimum": "minimum", "exp": "exp_", "expm1": "expm1_", "log": "log_",
    "log1p": "log1p_", "tanh": "tanh_", "cosh": "cosh_", "sech_squared": "sech_squared",
    "logaddexp": "logaddexp_",
}
POWERS = {
    1.0: "{0}", 2.0: "squared({0})", 0.5: "sqrt({0})", -0.5: "over_sqrt({0})",
    -1.0: "1.0 / {0}", -1.5: "over_sqrt_cubed({0})",
}
STORED = ex.Sum | ex.Reduce | ex.SegmentSums | ex.Product | ex.Stack | ex.Join | ex.Padded
LEAD = "abcdefgh"  # letters of the axes before those of a matrix
NEAR = 2048  # numbers of a matrix that stay in the first level of the cache
OFTEN = 96  # rows that read a matrix so often that it is packed if it is not NEAR
LARGE = 2**15  # numbers of a result whose rows are read often enough, and lie far enough apart
EXAMPLES = 128  # that a block of a large program has
DEPTH = 256  # terms of sums that `product_packing` of `kernels.c` reads at a time, at most


class Evaluator(ABC):
    """Writes rows of C for expressions.

    `fixed` has the pointers of arrays that are the same in each block, and `roomy` of those behind
    whose end seven numbers may be read, too. `before` runs before the blocks: it makes panels of
    parameters if it `packs_once`.
    """

    def __init__(self, counter: str, packs_once: bool) -> None:
        self.counter, self.packs_once = counter, packs_once
        self.rows: list[str] = []
        self.used = set[str]()  # what they read and write
        self.before = Step([], [])
        self.fixed, self.roomy = set[str](), set[str]()
        self.first = ""  # what nothing was added to yet; a product in the first block fills it
        self.filled: set[str] = set()
        self._packed: dict[tuple[Any, ...], Array] = {}
        self._is_taken = False  # a product lies where its reader will

    @abstractmethod
    def _read(self, source: Any) -> Array | Expression:
        """Returns the array of what is read, or the expression to compute instead."""

    @abstractmethod
    def _new(self, shape: Shape, word: str, kind: Kind = Kind.NUMBER, of: str = "") -> Array:
        """Returns a new array in the work area: the current line's, or one that it needs.

        If it is made of an array that is the same in each block, it is made once.
        """

    def of(self, expression: Expression, spare: Array | None = None) -> Array:
        """Returns an array that can be read at an index.

        A product may lie in a `spare` place, which its reader overwrites.
        """
        if spare and (self._is_taken or spare.shape != expression.shape):
            spare = None
        if isinstance(expression, STORED):
            place = spare or self._new(expression.shape, type(expression).__name__.lower())
            self._is_taken = self._is_taken or place is spare
            self.store(expression, place)
            return place
        match expression:
            case ex.Read(source):
                read = self._read(source)
                return read if isinstance(read, Array) else self.of(read, spare)
            case ex.Number(value):
                return Array((), Kind.NUMBER, lambda index: places.literal(value), is_cheap=True)
            case ex.Count():
                return Array((), Kind.NUMBER, lambda index: "(double)nb", is_cheap=True)
            case ex.Counting():
                return places.counting(expression.shape)
            case ex.Apply("divide", (ex.Number(1.0), ex.Apply("power", (
                ex.Apply("cosh", of), ex.Number(2.0)
            )))):
                return self.of(ex.Apply("sech_squared", of))
            case ex.Apply() | ex.Total() | ex.Where():
                return self._elementwise(expression, spare)
            case ex.Transpose(of, order):
                return self.of(of).turned(order)
            case ex.Reshape(of, to):
                place = self._in_memory(self.of(of, spare and spare.reshaped(of.shape)))
                reshaped = place.reshaped(to) or self.copied(place, "copy").reshaped(to)
                assert reshaped is not None
                return reshaped
            case ex.Spread(of, to):
                return self._spread(self.of(of), to)
            case ex.Windows(of, axes, _):
                return self._in_memory(self.of(of)).windows(axes, expression.shape)
            case ex.Part(of, index):
                found = self.of(of)
                is_chosen = any(isinstance(each, Expression) for each in index)
                found = self._in_memory(found) if is_chosen else found
                return found.part([self._placed(each) for each in index])
        raise CannotPrint(f"{type(expression).__name__} can't be printed in C yet")

    def _is_product(self, term: Expression) -> bool:
        """Returns whether a term of a sum is a product, which adds to what stands there already."""
        found = self._behind(term)
        found = self._behind(found.of) if isinstance(found, ex.Reshape) else found
        return isinstance(found, ex.MatMul)

    def is_computed(self, expression: Expression) -> bool:
        """Returns whether it shows what is computed here, and may be written where it is shown."""
        match expression:
            case ex.Reshape(of, _):
                inner = self._behind(of)
                return self.is_computed(inner) or not isinstance(inner, ex.View | ex.Read)
            case ex.Transpose(of, _):
                return isinstance(self._behind(of), STORED)
        return False

    def _behind(self, expression: Expression) -> Expression:
        """Returns the expression of a line that is computed here, and others as they are."""
        while isinstance(expression, ex.Read):
            found = self._read(expression.source)
            if isinstance(found, Array):
                break
            expression = found
        return expression

    def _placed(self, place: Any) -> Any:
        """Returns one part of an index, which may move with the counter of a loop."""
        if isinstance(place, ex.Step):
            moved = places.times(self.counter, abs(place.times))
            if place.times < 0:
                return f"{place.plus} - {moved}"
            return places.added([moved, str(place.plus)]).replace("+ -", "- ")
        if isinstance(place, ex.Stretch):
            return self._placed(place.first), place.count, place.by
        if isinstance(place, Expression):
            return self.of(place)
        return str(place) if isinstance(place, int) else place

    def _in_memory(self, found: Array) -> Array:
        return found if found.pointer else self.copied(found, "each")

    def copied(self, found: Array, word: str) -> Array:
        """Returns a new array with the same elements, in memory."""
        made = self._new(found.shape, word, found.kind)
        self.fill(made, found)
        return made

    def _spread(self, found: Array, shape: Shape) -> Array:
        """Returns an array as a larger one reads it, so that no element is computed again."""
        sizes, larger = ([size for size in each if size != 1] for each in (found.shape, shape))
        once = found if found.is_cheap or sizes == larger else self.copied(found, "each")
        return once.spread(shape)

    def _elementwise(self, expression: Any, spare: Array | None) -> Array:
        shape = expression.shape
        operands = [self._spread(self.of(each, spare), shape) for each in expression.operands]
        function = expression.function if isinstance(expression, ex.Apply) else ""
        is_long = FUNCTIONS.get(function, "").endswith("_") and len(operands) == 1
        if spare and is_long and not self._is_taken:
            loops = Nest(shape, range(len(shape)), operands[0].strides)
            if len(loops.sizes) > 1:  # it is computed in one long loop instead
                self.fill(spare, operands[0])
                self._is_taken, operands = True, [spare]
        is_choice = all(operand.kind is Kind.CHOICE for operand in operands)
        if not (function == "equal" and is_choice):
            given = 1 if isinstance(expression, ex.Where) else 0  # conditions
            operands[given:] = map(_as_number, operands[given:])
        return _computed(shape, expression.kind, operands, partial(_operation, expression))

    # ---- rows ------------------------------------------------------------------------------------

    def put(self, rows: list[str], *arrays: Array) -> None:
        """Adds rows that read and write these arrays."""
        self.rows += rows
        touched = set[str]().union(*[array.reads for array in arrays])
        self.used |= touched
        self.first = "" if self.first in touched else self.first

    def fill(self, into: Array, of: Array, sign: str = "=") -> None:
        """Adds the loops that compute each element of an array."""
        self.put(filled(into, of, sign), into, of)

    def _reduce(
        self, into: Array, of: Array, axes: Sequence[int], function: str, adds: bool
    ) -> None:
        self.put(reduced(into, of, axes, function, adds), into, of)

    # ---- storing ---------------------------------------------------------------------------------

    def store(self, expression: Expression, into: Array, adds: bool = False) -> None:
        """Writes an array, or adds it, to a place, again and again along axes that it lacks."""
        sign, whole = "+=" if adds else "=", expression.shape == into.shape
        match expression:
            case ex.Read(source) if isinstance(found := self._read(source), Expression):
                self.store(found, into, adds)
            case ex.Total(terms) if adds or (
                whole and into.pointer and sum(map(self._is_product, terms)) > 1
            ):
                others = [term for term in terms if not adds and not self._is_product(term)]
                parts = [term for term in terms if term not in others]
                for k, part in enumerate([ex.total(others), *parts] if others else parts):
                    self.store(part, into, adds or k > 0)
            case ex.Reshape(of, _) if whole and into.pointer and (inner := into.reshaped(of.shape)):
                self.store(of, inner, adds)
            case ex.Transpose(of, order) if whole and isinstance(self._behind(of), STORED):
                self.store(of, into.turned([order.index(k) for k in range(len(order))]), adds)
            case ex.Sum(of, axes) if whole:
                self._reduce(into, _as_number(self.of(of)), axes, "sum", adds)
            case ex.Inner(left, right) if whole:
                of = ex.times(left, right)
                self._reduce(into, self.of(of), [len(of.shape) - 1], "sum", adds)
            case ex.Einstein(left, right, rule) if whole:
                self._einstein(self.of(left), self.of(right), rule, into, adds)
            case ex.MatMul(left, right) if whole and into.pointer:
                sides = [self._in_memory(self.of(each)) for each in (left, right)]
                self._matmul(sides[0], sides[1], into, adds)
            case ex.Reduce(function, of) if whole and not adds:
                self._reduce(into, self.of(of), [len(of.shape) - 1], function, False)
            case ex.SegmentSums(of, starts) if whole and not adds:
                self._segments(self.of(of), starts, into)
            case ex.Padded() if whole and not adds:
                self._padded(expression, into)
            case ex.Stack(of, axis) if whole and not adds:
                for k, each in enumerate(of):
                    slot = into.part([*[WHOLE] * (axis % len(into.shape)), str(k)])
                    self.fill(slot, self.of(each).spread(slot.shape))
            case ex.Join(of) if whole and not adds:
                ends = [*accumulate([each.shape[-1] for each in of], initial=0)]
                for each, stretch in zip(of, pairwise(ends), strict=True):
                    self.fill(into.part([*[WHOLE] * (len(into.shape) - 1), (*stretch, None)]),
                              self.of(each))
            case _:
                is_taken, self._is_taken = self._is_taken, False
                spare = into if whole and not adds and into.pointer else None
                found = self._spread(self.of(expression, spare), into.shape)
                numbers = found if into.kind is not Kind.NUMBER else _as_number(found)
                self.fill(into, numbers, sign)
                self._is_taken = is_taken

    def _padded(self, expression: ex.Padded, into: Array) -> None:
        of, widths = _as_number(self._in_memory(self.of(expression.of))), expression.widths
        if not expression.wraps:
            self.fill(into, self.of(ex.Number(0.0)).spread(into.shape))
        self.fill(into.part([(b or None, -a or None, None) for b, a in widths]), of)
        for axis, (before, after) in enumerate(widths if expression.wraps else ()):
            ends: list[Any] = [((0, before, None), (-before, None, None))] * bool(before)
            ends += [((-after, None, None), (0, after, None))] * bool(after)
            for there, here in ends:
                lead = [WHOLE] * axis
                self.fill(into.part([*lead, there]), of.part([*lead, here]))

    def _segments(self, of: Array, starts: Expression, into: Array) -> None:
        [source] = starts.sources()
        assert isinstance(source, ex.Constant)
        ends, lead = [*source.array.tolist(), of.shape[-1]], [WHOLE] * (len(of.shape) - 1)
        for k, first in enumerate(ends[:-1]):
            stretch = of.part([*lead, (first, max(ends[k + 1], first + 1), None)])
            slot = into.part([*lead, str(k)])
            self._reduce(slot, _as_number(stretch), [len(lead)], "sum", False)

    def _einstein(self, left: Array, right: Array, rule: str, into: Array, adds: bool) -> None:
        *words, after = re.split(",|->", rule)
        letters, aligned = [*dict.fromkeys(after + "".join(words))], list[Array]()
        for word, each in zip(words, (left, right), strict=True):
            order = sorted(range(len(word)), key=lambda k: letters.index(word[k]))
            aligned.append(each.turned(order).part([WHOLE if c in word else None for c in letters]))
        shape = ex.broadcast(*[each.shape for each in aligned])
        factors = [_as_number(each.spread(shape)) for each in aligned]
        of = _computed(shape, Kind.NUMBER, factors, lambda of: " * ".join(map(bracketed, of)))
        self._reduce(into, of, range(len(after), len(letters)), "sum", adds)

    # ---- matrix products -------------------------------------------------------------------------

    def _matmul(self, a: Array, b: Array, into: Array, adds: bool) -> None:
        """Writes a product as tiles, or as sums if a side is a vector, or has one row or column."""
        ranks = len(a.shape), len(b.shape)
        if 1 in (*ranks, *a.shape[-2:], b.shape[-1]):
            left, right = (LEAD[len(LEAD) - rank + 2 :] for rank in ranks)
            x, z = "x" * (ranks[0] > 1), "z" * (ranks[1] > 1)
            rule = f"{left}{x}y,{right}y{z}->{max(left, right, key=len)}{x}{z}"
            self._einstein(a, b, rule, into, adds)
            return
        if into.strides[0][-1] == 1:
            self._tiles(a, b, into, adds)
        else:
            made = self._new(into.shape, "product")
            self._tiles(a, b, made, False)
            self.fill(into, made, "+=" if adds else "=")

    def _tiles(self, a: Array, b: Array, into: Array, adds: bool) -> None:
        lead = into.shape[:-2]
        a, b, into = (each.spread((*lead, *each.shape[-2:])) for each in (a, b, into))
        (M, K), N = a.shape[-2:], b.shape[-1]
        nest = Nest(lead, range(len(lead)), [each.strides[0][:-2] for each in (a, b, into)])
        index, used = [*nest.index.values()], [a, into]
        row, panel, sign = b.strides[0][-2], spelled(8), str(int(adds))
        m, k, n = (size if isinstance(size, int) else EXAMPLES for size in (M, K, N))
        copies = int(a.strides[0][-1] != 1 and m * n >= LARGE)
        start = "product("
        is_even = isinstance(N, int) and (N % 8 == 0 or b.pointer in self.roomy)
        if b.strides[0][-1] != 1 or not is_even or (m >= OFTEN and k * n > NEAR):
            moves = index or self.counter in re.findall(r"\w+", " ".join(b.offset))
            if self.packs_once and b.pointer in self.fixed and not moves:
                b, row, panel = self._packed_once(b), 8, spelled(length([K, 8]))
            else:
                depth = min(K, DEPTH) if isinstance(K, int) else DEPTH
                used.append(room := self._new((depth, _whole(N)), "packed"))
                start = f"product_packing({room.pointer}, "
                panel = spelled(b.strides[0][-1])
        numbers = [*map(spelled, (M, K, N)), a.address(index), *map(spelled, a.strides[0][-2:])]
        numbers += [b.address(index), spelled(row), panel, into.address(index)]
        if adds and into.pointer == self.first:
            sign = "start > 0"
            self.filled.add(into.pointer)
            self.used.add("start")
        call = f"{start}{', '.join(numbers)}, {spelled(into.strides[0][-2])}, {sign}, {copies});"
        self.put(nest.around([call]), b, *used)

    def _packed_once(self, b: Array) -> Array:
        """Returns a matrix in panels, which are made once for all blocks."""
        key, (K, N) = (b.pointer, b.shape, b.strides, b.offset), b.shape[-2:]
        if key not in self._packed:
            self._packed[key] = made = self._new((K, _whole(N)), "packed", of=b.pointer)
            given = *map(spelled, (K, N)), b.address([]), *map(spelled, b.strides[0][-2:])
            self.before.calls.append(f"pack({', '.join([*given, made.pointer])});")
            self.before.uses.append(b.reads)
        return self._packed[key]


def _whole(N: Size) -> Size:
    """Returns the columns of panels of eight that N columns fill."""
    return -(-N // 8) * 8 if isinstance(N, int) else length([N, 8])


def _operation(expression: Any, of: Sequence[str]) -> str:
    """Returns an operation of the elements that these texts stand for."""
    inner = [bracketed(text) for text in of]
    match expression:
        case ex.Total():
            return " + ".join(inner)
        case ex.Where():
            return f"{inner[0]} ? {inner[1]} : {inner[2]}"
        case ex.Apply("negative"):
            return f"-({of[0]})" if of[0][0] == "-" else f"-{inner[0]}"
        case ex.Apply("power", (_, ex.Number(exponent))) if exponent in POWERS:
            return POWERS[exponent].format(inner[0])
        case ex.Apply(function) if function in OPERATORS:
            return f" {OPERATORS[function]} ".join(inner)
        case ex.Apply(function) if function in FUNCTIONS:
            return f"{FUNCTIONS[function]}({', '.join(of)})"
    raise CannotPrint(f"the function {expression.function} can't be printed in C yet")


def _computed(
    shape: Shape, kind: Kind, of: Sequence[Array], operation: Callable[[Sequence[str]], str]
) -> Array:
    """Returns an array whose elements are computed from those of others where they are read."""
    text = lambda index: operation([each.text(index) for each in of])  # noqa: E731
    strides = tuple([own for each in of for own in each.strides])
    reads = frozenset().union(*[each.reads for each in of])
    return Array(shape, kind, text, strides, not strides, reads)


def _as_number(of: Array) -> Array:
    """Returns an array with elements of type double."""
    if of.kind is Kind.NUMBER:
        return of
    form = "{} ? 1.0 : 0.0" if of.kind is Kind.CONDITION else "(double){}"
    text = lambda index: form.format(bracketed(of.text(index)))  # noqa: E731
    return Array(of.shape, Kind.NUMBER, text, of.strides, of.is_cheap, of.reads)
