"""A printer for Python without NumPy, made from the page in `codegen/__init__.py` alone.

It holds that page true: this is what a new printer has to do, and no more. An array is a dictionary
from places to numbers, and a line is a loop over the places of its array:

    z1 = {(i0, i1,): (total([(x[i0, i2,] * W1[i2, i1,]) for i2, in places(2)]) + b1[i1,])
          for i0, i1, in places(n, 3)}

So it is also a second opinion on what each kind of expression means.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate, count, product
from typing import Any

from micrograd_notes.engine.accurate import total
from micrograd_notes.lifting.codegen import CannotPrint
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Line, Program, Shape
from micrograd_notes.lifting.typed.names import Names
from micrograd_notes.lifting.typed.ready import ready

Index = Sequence[str]  # the source of a place on each axis
OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/",
    "greater": ">", "less": "<", "equal": "==",
}
FUNCTIONS = {
    **{f"arc{name}": f"math.a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh")},
    **{name: f"math.{name}" for name in ("exp", "expm1", "log", "log1p", "sqrt", "cbrt", "hypot")},
    **{name: f"math.{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "floor")},
    "arctanh": "math.atanh", "power": "math.pow", "abs": "abs", "rint": "round", "negative": "-",
    "maximum": "max", "minimum": "min", "math.erf": "math.erf", "math.erfc": "math.erfc",
    "logaddexp": "_logaddexp", "sign": "_sign",
}


def places(*sizes: int) -> Iterable[tuple[int, ...]]:
    """Returns the places of an array, row by row."""
    return product(*map(range, sizes))


def table(nested: Any) -> dict[tuple[int, ...], Any]:
    """Returns the numbers of lists in lists, by their places."""
    if not isinstance(nested, list):
        return {(): nested}
    rows = enumerate(map(table, nested))
    return {(i, *place): number for i, row in rows for place, number in row.items()}


def logaddexp(a: float, b: float) -> float:
    """Returns log(exp(a) + exp(b))."""
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


def sign(a: float) -> float:
    """Returns 1 above 0, -1 below 0, and else the number itself."""
    return math.copysign(1.0, a) if a > 0 or a < 0 else a


SCOPE = {
    "math": math, "_places": places, "_table": table, "_total": total, "_logaddexp": logaddexp,
    "_sign": sign,
}
"""What a printed source reads."""


def emit(program: Program) -> str:
    """Returns the source of `run(theta, *inputs)`, for lists: the loss and its gradient."""
    if not program.is_loss:
        raise CannotPrint("it computes outputs")
    return _Emitter(program).run()


class _Emitter:
    def __init__(self, program: Program) -> None:
        self.names = Names(program)
        self.program = ready(program)
        self.constants: dict[str, str] = {}
        self.starts: dict[Array, int] = {}
        self.counters = (f"i{number}" for number in count())

    def run(self) -> str:
        program, rows, end = self.program, list[str](), 0
        batched = [array.name for array in program.inputs if array.is_batched]
        rows += [f"n = len({name})" for name in batched[:1]]
        for array in program.parameters:
            self.starts[array], end = end, end + array.size
            sizes = _sizes(array.shape)
            rows.append(f"{array.name} = dict(zip(_places({sizes}), theta[{self.starts[array]}:]))")
        rows += [f"{array.name} = _table({array.name})" for array in program.inputs]
        forward = self._steps(program.forward)
        loss = f"loss = {self._element(program.result, ())}"
        backward = self._steps(program.backward)
        zeros = "dtheta = [0.0] * len(theta)"
        rows += [*self.constants.values(), zeros, *forward, loss, *backward]
        rows += ["dtheta = [number / n for number in dtheta]"] if program.is_mean else []
        given = ", ".join(["theta", *[array.name for array in program.inputs]])
        return "\n    ".join([f"def run({given}):", *rows, "return loss, dtheta"])

    # ---- lines -----------------------------------------------------------------------------------

    def _steps(self, steps: Sequence[Line | ex.Loop]) -> list[str]:
        rows: list[str] = []
        for step in steps:
            if isinstance(step, Line):
                rows += self._line(step)
                continue
            counts = step.counts
            ends = f"{counts.start}, {counts.stop}, {counts.step}"
            rows.append(f"for {self.names.counter} in range({ends}):")
            rows += [f"    {row}" for line in step.lines for row in self._line(line)]
        return rows

    def _line(self, line: Line) -> list[str]:
        value, array = line.value, line.derivative_of
        into = "dtheta" if array is not None else self.names(line)
        shape = line.shape if line.target is None else line.target.shape
        if array is not None and line.target is None:
            shape = array.shape
        if isinstance(value, ex.Empty):
            return [f"{into} = {{}}"]
        index, loop = self._loop(shape)
        element = self._element(value, _last(value.shape, index))
        if array is None and line.target is None and not line.adds:
            return [f"{into} = {{{_place(index)}: {element} {loop}}}"]
        place = _place(index)
        if line.target is not None and not isinstance(line.target.of, ex.Read):
            raise CannotPrint(f"a line writes into {line.target.of!r}")
        if line.target is not None:
            at = self._index_of(line.target, index)
            place = _place(at)
            if array is None:
                into = self.names(line.target.of.source)  # type: ignore[attr-defined]
        if array is not None:
            is_chosen = line.target is not None and isinstance(line.target.index[0], Expression)
            at = index if line.target is None else at
            place = at[0] if is_chosen else f"{self.starts[array]} + {_flat(at, array.shape)}"
        sign = "+=" if line.adds else "="
        return [
            f"for place, number in [({place}, {element}) {loop}]:",
            f"    {into}[place] {sign} number",
        ]

    def _loop(self, shape: Sequence[ex.Size]) -> tuple[list[str], str]:
        """Returns new counters, one per axis, and the loop in which they count."""
        index = [next(self.counters) for _ in shape]
        return index, f"for {_place(index)} in _places({_sizes(shape)})"

    # ---- expressions -----------------------------------------------------------------------------

    def _element(self, expression: Expression, index: Index) -> str:
        """Returns the source of an expression's element at an index."""

        def at(each: Expression, index: Index = index) -> str:
            return self._element(each, _last(each.shape, index))

        match expression:
            case ex.Read(source):
                if isinstance(source, ex.Constant):
                    name, numbers = self.names(source), source.array.tolist()
                    self.constants[name] = f"{name} = _table({_listed(numbers)})"
                return f"{self.names(source)}[{_place(index)}]"
            case ex.Number(value):
                return _listed(value)
            case ex.Count():
                return "n"
            case ex.Counting():
                return index[0]
            case ex.Apply(function, of):
                return _applied(function, [*map(at, of)])
            case ex.Total(of):
                return f"({' + '.join(map(at, of))})"
            case ex.Where(condition, yes, no):
                return f"({at(yes)} if {at(condition)} else {at(no)})"
            case ex.Reshape(of, to):
                flat = _flat(index, to)
                strides = [_sizes(of.shape[k + 1 :], " * ") or "1" for k in range(len(of.shape))]
                parts = zip(strides, of.shape, strict=True)
                return at(of, [f"({flat}) // ({s}) % ({_sizes((size,))})" for s, size in parts])
            case ex.Transpose(of, order):
                return at(of, [index[order.index(axis)] for axis in range(len(order))])
            case ex.Part(of):
                return at(of, self._index_of(expression, index))
            case ex.Spread(of):
                return at(of)
            case ex.Windows(of, axes):
                whole = [*index[: len(of.shape)]]
                for axis, place in zip(axes, index[len(of.shape) :], strict=True):
                    whole[axis] = f"({whole[axis]} + {place})"
                return at(of, whole)
            case ex.Padded(of, widths, wraps):
                moved = [f"({place} - {before})" if before + after else place
                         for (before, after), place in zip(widths, index, strict=True)]
                is_more = [before + after > 0 for before, after in widths]
                if wraps:
                    return at(of, [f"({place} % {size})" if more else place for place, size, more
                                   in zip(moved, of.shape, is_more, strict=True)])
                there = [f"0 <= {place} < {size}" for place, size, more
                         in zip(moved, of.shape, is_more, strict=True) if more]
                return f"({at(of, moved)} if {' and '.join(there)} else 0.0)"
            case ex.Stack(of, axis):
                which = axis % len(index)
                others = [*index[:which], *index[which + 1 :]]
                return f"[{', '.join([at(each, others) for each in of])}][{index[which]}]"
            case ex.Join(of):
                *front, last = index
                stops = [*accumulate([each.shape[-1] for each in of])]
                pieces = [at(each, [*front, f"({last} - {begin})"])
                          for each, begin in zip(of, [0, *stops], strict=False)]
                heads = [f"{piece} if {last} < {stop} else "
                        for piece, stop in zip(pieces[:-1], stops, strict=False)]
                return f"({''.join(heads)}{pieces[-1]})"
            case ex.Sum(of, axes):
                inner, loop = self._loop([of.shape[axis] for axis in axes])
                every = iter(index)
                mixed = [inner[axes.index(k)] if k in axes else next(every)
                         for k in range(len(of.shape))]
                return f"_total([{at(of, mixed)} {loop}])"
            case ex.Reduce(function, of):
                inner, loop = self._loop(of.shape[-1:])
                return f"{function}([{at(of, [*index, *inner])} {loop}])"
            case ex.SegmentSums(of, starts):
                k, last = next(self.counters), index[-1]
                after = f"{at(starts, [f'{last} + 1'])} if {last} + 1 < {starts.shape[0]}"
                ends = f"{at(starts, [last])}, {after} else {of.shape[-1]}"
                return f"_total([{at(of, [*index[:-1], k])} for {k} in range({ends})])"
            case ex.MatMul(left, right):
                (k,), loop = self._loop(left.shape[-1:])
                front = [*index]
                column = [front.pop() for _ in right.shape[1:2]]
                row = [front.pop() for _ in left.shape[1:2]]
                factors = at(left, [*front, *row, k]), at(right, [*front, k, *column])
                return _sum_of_products(factors, loop)
            case ex.Inner(left, right):
                inner, loop = self._loop(left.shape[-1:])
                factors = at(left, [*index, *inner]), at(right, [*index, *inner])
                return _sum_of_products(factors, loop)
            case ex.Einstein(left, right, letters):
                before, after = letters.split("->")
                words, known = before.split(","), dict(zip(after, index, strict=True))
                sizes = dict(zip("".join(words), (*left.shape, *right.shape), strict=True))
                summed = [letter for letter in sizes if letter not in known]
                inner, loop = self._loop([sizes[letter] for letter in summed])
                known |= zip(summed, inner, strict=True)
                one, other = [[known[letter] for letter in word] for word in words]
                return _sum_of_products((at(left, one), at(right, other)), loop)
        raise CannotPrint(f"no source for {expression!r}")

    def _index_of(self, part: ex.Part, index: Index) -> list[str]:
        """Returns where in the whole array the element of a part is."""
        sizes, left, found = iter(part.of.shape), iter(index), list[str]()
        choices = [each for each in part.index if isinstance(each, Expression)]
        selecting = ex.broadcast(*[each.shape for each in choices])
        chosen: list[str] | None = None
        for each in part.index:
            if each is None:
                next(left)
                continue
            size = next(sizes)
            if isinstance(each, Expression):
                chosen = [next(left) for _ in selecting] if chosen is None else chosen
                found.append(self._element(each, _last(each.shape, chosen)))
            elif isinstance(each, ex.Step):
                found.append(self._step(each))
            elif isinstance(each, ex.Stretch):
                found.append(f"({self._step(each.first)} + {each.by} * ({next(left)}))")
            elif isinstance(each, tuple) and isinstance(size, int):
                along = range(size)[slice(*each)]
                found.append(f"({along.start} + {along.step} * ({next(left)}))")
            else:
                found.append(next(left) if isinstance(each, tuple) else str(each))
        return [*found, *left]

    def _step(self, place: ex.Step) -> str:
        return f"({place.times} * {self.names(place)} + {place.plus})"


def _applied(function: str, operands: list[str]) -> str:
    if function in OPERATORS:
        return f"({operands[0]} {OPERATORS[function]} {operands[1]})"
    if function not in FUNCTIONS:
        raise CannotPrint(f"Python has no {function}")
    return f"{FUNCTIONS[function]}({', '.join(operands)})"


def _sum_of_products(factors: tuple[str, str], loop: str) -> str:
    return f"_total([{' * '.join(factors)} {loop}])"


def _listed(numbers: Any) -> str:
    """Returns numbers, or lists of them, as Python writes them."""
    return repr(numbers).replace("inf", "math.inf").replace("nan", "math.nan")


def _sizes(shape: Iterable[Any], between: str = ", ") -> str:
    """Returns the source of the sizes."""
    return between.join([f"{s.times} * n" if isinstance(s, ex.Examples) else str(s) for s in shape])


def _place(index: Index) -> str:
    return f"({''.join(f'{each}, ' for each in index)})"


def _last(shape: Shape, index: Index) -> list[str]:
    """Returns the index in an array whose elements are repeated along axes of size 1."""
    last = index[len(index) - len(shape) :]
    return ["0" if size == 1 else place for place, size in zip(last, shape, strict=True)]


def _flat(index: Index, shape: Shape) -> str:
    """Returns the source of a place's number, counted row by row."""
    strides = [_sizes(shape[k + 1 :], " * ") or "1" for k in range(len(shape))]
    return " + ".join([f"({i}) * ({s})" for i, s in zip(index, strides, strict=True)]) or "0"
