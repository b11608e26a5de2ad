"""Expressions of the typed program become loops and calls of C.

`of` returns an expression's array; what works element by element is computed where it is read, so
that it becomes one loop with all that it reads. `store` writes an array: a sum or a product always
is. `emit.py` calls it, and collects the rows. Read `loops.py` next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.lifting.codegen import CannotPrint
from micrograd_notes.lifting.codegen.c.loops import Nest, filled, reduced
from micrograd_notes.lifting.codegen.c.places import (
    Array,
    Index,
    added,
    bracketed,
    counting,
    length,
    literal,
    spelled,
    times,
)  # fmt: skip
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import (
    WHOLE,
    Expression,
    Kind,
    Shape,
    Size,
    broadcast,
)  # fmt: skip

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
STORED = ex.Sum | ex.Reduce | ex.SegmentSums | ex.Product | ex.Stack | ex.Padded
NEAR = 2048  # numbers of a matrix that stay in the first level of the cache
OFTEN = 96  # rows that read a matrix so often that it is packed if it is not NEAR
LARGE = 2**15  # numbers of a result whose rows are read often enough, and lie far enough apart
EXAMPLES = 128  # that a block of a large program has
DEPTH = 256  # terms of sums that `product_packing` of `kernels.c` reads at a time, at most


class Evaluator:
    """Writes rows of C for expressions.

    `read` returns the array of what an expression reads, or the expression of a line that is
    computed in its reader. `new` makes an array in the work area. `has_room` returns whether seven
    numbers may be read behind the end of an array, too. `fixed` has the pointers of arrays that are
    the same in each block, and `before` the rows that run before the blocks: those that make panels
    of parameters are there if it `packs_once`.
    """

    def __init__(
        self, read: Callable[[Any], Array | Expression], new: Callable[..., Array],
        has_room: Callable[[str], bool], counter: str, packs_once: bool,
    ) -> None:
        self.read, self.new, self.has_room, self.counter = read, new, has_room, counter
        self.packs_once = packs_once
        self.rows: list[str] = []
        self.used = set[str]()  # what they read and write
        self.before: list[str] = []
        self.seen = set[str]()  # what those read that run before the blocks
        self.fixed: set[str] = set()
        self.first = ""  # what nothing was added to yet; a product in the first block fills it
        self.filled: set[str] = set()
        self._packed: dict[tuple[Any, ...], Array] = {}
        self._spare: Array | None = None  # where a product may lie, as its reader overwrites it
        self._is_taken = False  # one does

    def of(self, expression: Expression) -> Array:
        """Returns an array that can be read at an index."""
        spare, self._spare = self._spare, None
        if isinstance(expression, STORED):
            is_free = spare is not None and spare.shape == expression.shape and not self._is_taken
            word = type(expression).__name__.lower()
            place = spare if spare and is_free else self.new(expression.shape, word)
            self._is_taken = self._is_taken or is_free
            self.store(expression, place)
            return place
        match expression:
            case ex.Read(source):
                read = self.read(source)
                if isinstance(read, Array):
                    return read
                self._spare = spare
                return self.of(read)
            case ex.Number(value):
                return Array((), Kind.NUMBER, lambda index: literal(value), is_cheap=True)
            case ex.Count():
                return Array((), Kind.NUMBER, lambda index: "(double)nb", is_cheap=True)
            case ex.Counting():
                return counting(expression.shape)
            case ex.Apply("divide", (ex.Number(1.0), ex.Apply("power", (
                ex.Apply("cosh", of), ex.Number(2.0)
            )))):
                return self.of(ex.Apply("sech_squared", of))
            case ex.Apply() | ex.Total() | ex.Where():
                return self._elementwise(expression, spare)
            case ex.Transpose(of, order):
                return self.of(of).turned(order)
            case ex.Reshape(of, to):
                self._spare = spare.reshaped(of.shape) if spare else None
                place = self._in_memory(self.of(of))
                reshaped = place.reshaped(to) or self.copied(place, "copy").reshaped(to)
                assert reshaped is not None
                return reshaped
            case ex.Spread(of, to):
                return self._once(self.of(of), to).spread(to)
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
            found = self.read(expression.source)
            if isinstance(found, Array):
                break
            expression = found
        return expression

    def _placed(self, place: Any) -> Any:
        """Returns one part of an index, which may move with the counter of a loop."""
        if isinstance(place, ex.Step):
            moved = times(self.counter, abs(place.times))
            if place.times < 0:
                return f"{place.plus} - {moved}"
            return added([moved, str(place.plus)]).replace("+ -", "- ")
        if isinstance(place, Expression):
            return self.of(place)
        return str(place) if isinstance(place, int) else place

    def _in_memory(self, found: Array) -> Array:
        return found if found.pointer else self.copied(found, "each")

    def copied(self, found: Array, word: str) -> Array:
        """Returns a new array with the same elements, in memory."""
        made = self.new(found.shape, word, found.kind)
        self.fill(made, found)
        return made

    def _once(self, found: Array, shape: Shape) -> Array:
        """Returns an array that a larger one reads, so that no element is computed again."""
        sizes, larger = ([size for size in each if size != 1] for each in (found.shape, shape))
        return found if found.is_cheap or sizes == larger else self.copied(found, "each")

    def _elementwise(self, expression: Any, spare: Array | None) -> Array:
        shape, operands = expression.shape, list[Array]()
        for each in expression.operands:
            self._spare = spare if spare and each.shape == spare.shape else None
            operands.append(self._once(self.of(each), shape).spread(shape))
        self._spare = None
        strides = [own for operand in operands for own in operand.strides]
        is_choice = all(operand.kind is Kind.CHOICE for operand in operands)
        function = expression.function if isinstance(expression, ex.Apply) else ""
        is_long = FUNCTIONS.get(function, "").endswith("_")
        is_free = spare is not None and spare.shape == shape and not self._is_taken
        is_short = is_long and len(Nest(shape, range(len(shape)), strides).sizes) > 1
        if spare and is_free and is_short and len(operands) == 1:  # in one long loop instead
            self.fill(spare, operands[0])
            self._is_taken, operands, strides = True, [spare], [*spare.strides]

        def text(index: Index) -> str:
            if function == "equal" and is_choice:
                return _operation(expression, [each.text(index) for each in operands])
            numbers = [_as_number(each).text(index) for each in operands]
            if isinstance(expression, ex.Where):
                numbers[0] = operands[0].text(index)
            return _operation(expression, numbers)

        _operation(expression, ["0"] * len(operands))  # raises if it can't be printed
        reads = frozenset().union(*[operand.reads for operand in operands])
        return Array(shape, expression.kind, text, tuple(strides), not strides, reads)

    # ---- rows ------------------------------------------------------------------------------------

    def put(self, rows: list[str], *arrays: Array) -> None:
        """Adds rows that read and write these arrays."""
        self.rows += rows
        self.used.update(*[array.reads for array in arrays])

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
        if adds and not isinstance(expression, ex.MatMul | ex.Total | ex.Reshape | ex.Read):
            self.first = ""  # this adds to it
        match expression:
            case ex.Read(source) if isinstance(found := self.read(source), Expression):
                self.store(found, into, adds)
            case ex.Total(terms) if adds:
                for term in terms:
                    self.store(term, into, True)
            case ex.Total(terms) if whole and into.pointer and len(
                products := [term for term in terms if self._is_product(term)]
            ) > 1:
                others = [term for term in terms if term not in products]
                first, *rest = [*([ex.total(others)] if others else []), *products]
                self.store(first, into)
                for term in rest:
                    self.store(term, into, True)
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
            case _:
                self.first = "" if adds else self.first
                is_taken, self._is_taken = self._is_taken, False
                self._spare = into if whole and not adds and into.pointer else None
                found = self._once(self.of(expression), into.shape).spread(into.shape)
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
        words, after = rule.split("->")[0].split(","), rule.split("->")[1]
        letters = [*dict.fromkeys(after + "".join(words))]
        sizes, aligned = dict[str, Any](), list[Array]()
        for word, each in zip(words, (left, right), strict=True):
            sizes |= zip(word, each.shape, strict=True)
            order = sorted(range(len(word)), key=lambda k: letters.index(word[k]))
            aligned.append(each.turned(order).part([WHOLE if c in word else None for c in letters]))
        of = _product(aligned[0], aligned[1], tuple([sizes[c] for c in letters]))
        self._reduce(into, of, range(len(after), len(letters)), "sum", adds)

    # ---- matrix products -------------------------------------------------------------------------

    def _matmul(self, a: Array, b: Array, into: Array, adds: bool) -> None:
        """Writes a product as tiles, or as sums if a side is a vector, or has one row or column."""
        first, self.first = self.first, ""
        ranks = len(a.shape), len(b.shape)
        a = a.part([None]) if ranks[0] == 1 else a
        b = b.part([WHOLE, None]) if ranks[1] == 1 else b
        lead = broadcast(a.shape[:-2], b.shape[:-2])
        shape = (*lead, a.shape[-2], b.shape[-1])
        if 1 in ranks:
            index = [WHOLE] * len(lead) + [None] * (ranks[0] == 1) + [WHOLE] * (ranks[0] > 1)
            into = into.part([*index, *([None] if ranks[1] == 1 else [])])
        if 1 in (a.shape[-2], a.shape[-1], b.shape[-1]):
            cube = (*shape[:-1], a.shape[-1], shape[-1])
            a = a.part([*[WHOLE] * len(a.shape), None])
            b = b.part([*[WHOLE] * (len(b.shape) - 2), None])
            self._reduce(into, _product(a, b, cube), [len(cube) - 2], "sum", adds)
        elif into.strides[0][-1] == 1:
            self.first = first
            self._tiles(a, b, into, lead, adds)
        else:
            made = self.new(shape, "product")
            self._tiles(a, b, made, lead, False)
            self.fill(into, made, "+=" if adds else "=")

    def _tiles(self, a: Array, b: Array, into: Array, lead: Shape, adds: bool) -> None:
        a, b, into = (each.spread((*lead, *each.shape[-2:])) for each in (a, b, into))
        (M, K), N = a.shape[-2:], b.shape[-1]
        nest = Nest(lead, range(len(lead)), [each.strides[0][:-2] for each in (a, b, into)])
        index, used = [*nest.index.values()], [a, into]
        row, panel, sign = b.strides[0][-2], spelled(8), str(int(adds))
        m, k, n = (size if isinstance(size, int) else EXAMPLES for size in (M, K, N))
        copies = int(a.strides[0][-1] != 1 and m * n >= LARGE)
        start = "product("
        is_even = isinstance(N, int) and (N % 8 == 0 or self.has_room(b.pointer))
        if b.strides[0][-1] != 1 or not is_even or (m >= OFTEN and k * n > NEAR):
            moves = index or self.counter in re.findall(r"\w+", " ".join(b.offset))
            if self.packs_once and b.pointer in self.fixed and not moves:
                b, row, panel = self._packed_once(b), 8, spelled(length([K, 8]))
            else:
                depth = min(K, DEPTH) if isinstance(K, int) else DEPTH
                used.append(room := self.new((depth, _whole(N)), "packed"))
                start = f"product_packing({room.pointer}, "
                panel = spelled(b.strides[0][-1])
        numbers = [*map(spelled, (M, K, N)), a.address(index), *map(spelled, a.strides[0][-2:])]
        numbers += [b.address(index), spelled(row), panel, into.address(index)]
        if adds and into.pointer == self.first:
            sign, self.first = "start > 0", ""
            self.filled.add(into.pointer)
            self.used.add("start")
        call = f"{start}{', '.join(numbers)}, {spelled(into.strides[0][-2])}, {sign}, {copies});"
        self.put(nest.around([call]), b, *used)

    def _packed_once(self, b: Array) -> Array:
        """Returns a matrix in panels, which are made once for all blocks."""
        key, (K, N) = (b.pointer, b.shape, b.strides, b.offset), b.shape[-2:]
        if key not in self._packed:
            self._packed[key] = made = self.new((K, _whole(N)), "packed", of=b.pointer)
            given = *map(spelled, (K, N)), b.address([]), *map(spelled, b.strides[0][-2:])
            self.before.append(f"pack({', '.join([*given, made.pointer])});")
            self.seen |= b.reads
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


def _product(a: Array, b: Array, shape: Shape) -> Array:
    a, b = _as_number(a.spread(shape)), _as_number(b.spread(shape))
    text = lambda index: f"{bracketed(a.text(index))} * {bracketed(b.text(index))}"  # noqa: E731
    return Array(shape, Kind.NUMBER, text, (*a.strides, *b.strides), reads=a.reads | b.reads)


def _as_number(of: Array) -> Array:
    """Returns an array with elements of type double."""
    if of.kind is Kind.NUMBER:
        return of
    form = "{} ? 1.0 : 0.0" if of.kind is Kind.CONDITION else "(double){}"
    text = lambda index: form.format(bracketed(of.text(index)))  # noqa: E731
    return Array(of.shape, Kind.NUMBER, text, of.strides, of.is_cheap, of.reads)
