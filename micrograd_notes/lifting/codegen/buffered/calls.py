"""The program that NumPy's source says, as calls that write into arrays made once.

A source makes a new array per operation. For small arrays, that takes as long as the arithmetic;
for large ones, the system clears new pages each time. `Calls` runs the typed program once and keeps
the array of each operation, and each view. Then a call is only a list such as

    np.matmul(x, W1, z1)      np.add(z1, b1, z1)      np.maximum(z1, 0, hidden1)

The typed program is the one that was printed, so these are the operations of the source, in its
order and on arrays of the same layout: loss and gradient have the same bits (`is_exact`). Networks
whose arrays have at most one axis besides the examples are stored column by column, and their
layers are one product each (`tape.py`). Their sums have another order, so the last bits differ.
`pool.py` keeps the calls, and `guards/again.py` checks the data.
"""

import math
from collections.abc import Sequence
from contextvars import copy_context
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.codegen import erfc
from micrograd_notes.lifting.codegen.buffered.tape import BUFFER, CannotKeep, Tape
from micrograd_notes.lifting.codegen.numpy.spelled import summed
from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Line, Loop, Program, lines_of
from micrograd_notes.lifting.typed.ready import total_of

LARGE = 2**16  # bytes of an array that is never copied
POWERS = {-1.0: "reciprocal", 0.5: "sqrt", 1.0: "positive", 2.0: "square"}  # as x ** 2 has it


class Calls:
    """The calls of one program for one number of examples, and the arrays that they work in."""

    def __init__(
        self, program: Program, theta: Any, given: Sequence[Any], in_columns: bool = True
    ) -> None:
        """Runs the program on these numbers, and keeps its arrays."""
        lines = [*lines_of(program.steps)]
        self.is_exact = not (in_columns and is_flat(program))
        self._tape = tape = Tape(in_columns=not self.is_exact)
        self._count = count_of(given)
        self._given: list[Any] = []  # theta and the inputs: the caller's arrays, or our own
        for array in (theta, *given):
            self._given.append(self._input(array))
        self._strides = [array.strides for array in self._given]
        self._arrays: dict[Array | ex.Constant | Line, Any] = {}
        self._arrays.update(zip(program.inputs, self._given[1:], strict=True))
        self._derivatives: dict[Array, Any] = {}
        self._dtheta = tape.kept(np.zeros_like(theta))
        for flat, into in ((self._given[0], self._arrays), (self._dtheta, self._derivatives)):
            into[program.grouping.theta], start = flat, 0
            for array in program.parameters:
                into[array] = flat[start : start + array.size].reshape(array.shape)
                start += array.size
        self._biases = {  # lines that add up an array over the examples, into a derivative
            line.value.of: line for line in lines
            if isinstance(line.value, ex.Sum) and line.derivative_of is not None and not line.adds
            and line.value.axes == (0,) and line.value.of.shape[0] == ex.N
        }
        self._done: set[Line] = set()
        self._last = last_readers(program)
        self._shared: dict[Expression, Any] = {}  # the arrays of those that are read several times
        if not program.fills_gradient:
            tape.run(self._dtheta.fill, 0.0)
        self._steps(program.forward)
        total = total_of(program)
        self._loss, self._terms = self._array(total), 1 if total is program.result else self._count
        tape.name(self._loss)
        self._steps(program.backward)
        n = self._count if program.is_mean else 1
        is_power = n & (n - 1) == 0  # of two, by which a product has the bits of the quotient
        multiplies = is_power or not self.is_exact
        self._mean = np.multiply if multiplies else np.divide
        self._factor = np.asarray(1.0 / n if multiplies else float(n))
        self._readers = [  # the places of the calls that read an array of the caller
            tape.readers(mine) if mine is array else None
            for mine, array in zip(self._given, (theta, *given), strict=True)
        ]
        self._context = copy_context()  # it has NumPy's settings for errors, too
        self._context.run(np.seterr, all="ignore")
        self._context.run(np.setbufsize, BUFFER)

    @property
    def size(self) -> int:
        """The bytes that it takes, of which a call and its views have about a thousand."""
        return self._tape.size + 1000 * len(self._tape.calls)

    def __call__(self, theta: Any, data: Sequence[Any]) -> tuple[float, Any]:
        """Returns the loss and a new array with its gradient."""
        for i, array in enumerate((theta, *data)):
            if array is not self._given[i] or array.strides != self._strides[i]:
                self._take(i, array)
        self._context.run(self._run)
        mean = self._context.run(self._mean, self._dtheta, self._factor)
        return float(self._loss) / self._terms, mean

    def _run(self) -> None:
        for call in self._tape.calls:
            call()

    def _input(self, array: Any) -> Any:
        """Returns the array itself, or one to copy it into."""
        is_large, overlaps = array.nbytes >= LARGE, np.may_share_memory
        if self._tape.in_columns and not is_large and array.ndim == 2 and array.dtype == float:
            return self._tape.column_by_column(array)
        if not array.flags.c_contiguous or any(overlaps(array, each) for each in self._given):
            array = array.copy()
        return self._tape.kept(array)

    def _take(self, i: int, array: Any) -> None:
        """Takes the numbers of another array than that of the last call.

        A large one is read where it is. Others are copied, from the first change on, as a training
        that has new batches in each step, or a new theta, will go on so.
        """
        places = self._readers[i]
        if places is None:
            self._given[i][...] = array
            return
        others = [each for k, each in enumerate(self._given) if k != i]
        is_large = array.nbytes >= LARGE and array.flags.c_contiguous
        is_large = is_large and not any(np.may_share_memory(array, each) for each in others)
        array = array if is_large else array.copy()
        self._tape.reads_another(places, self._given[i], array)
        self._given[i] = array
        self._readers[i] = places if is_large else None

    # ---- lines -----------------------------------------------------------------------------------

    def _steps(self, steps: Sequence[Line | Loop]) -> None:
        for step in steps:
            for self._t in step.counts if isinstance(step, Loop) else (0,):
                for line in lines_of([step]):
                    self._line(line)
                    self._tape.end_line()
            for line in self._last.get(step, ()):
                self._tape.unname(self._arrays[line])

    def _line(self, line: Line) -> None:
        tape, into, first = self._tape, self._target(line), line.first
        if line in self._done or self._writes_both(line, into):
            return
        if isinstance(into, tuple):  # at these places of the flat vector
            flat, places = into
            old = tape.taken(flat, places) if line.adds else 0.0
            made = tape.made(np.add, old, self._value(line.value))
            tape.run(np.put, flat, places, np.broadcast_to(made, places.shape))
        elif line.adds:
            into = self._arrays[first] if into is None else into
            tape.run(np.add, into, self._array(line.value), into)
        elif into is not None:
            made = self._array(line.value)
            is_alike = (made.shape, made.strides) == (into.shape, into.strides)
            if not (is_alike and tape.goes_into(made, into)):
                tape.run(np.copyto, into, made)
        else:
            made = self._array(line.value)
            tape.name(made)
            if first in self._arrays:  # of the step before, in a loop
                tape.unname(self._arrays[first])
            self._arrays[first] = made

    def _target(self, line: Line) -> Any:
        """Returns the array that a line writes to, or adds to; None for one of its own."""
        if line.target is None:
            return None if line.derivative_of is None else self._derivatives[line.derivative_of]
        if line.derivative_of is None:
            return self._part(line.target)
        if any(isinstance(each, Expression) for each in line.target.index):
            return self._dtheta, self._array(line.target.index[0])
        return self._derivatives[line.derivative_of][(*map(self._place, line.target.index), ...)]

    # ---- layers as one product -------------------------------------------------------------------

    def _with_bias(self, product: ex.MatMul, bias: Any) -> Any:
        """Returns x @ W + b; it is one product if x has ones, and b comes after W in the vector."""
        x, weights = self._value(product.left), self._value(product.right)
        with_ones, both = self._tape.with_ones(x), self._both(self._given[0], weights, bias)
        if with_ones is not None and both is not None:
            return self._tape.made(np.matmul, with_ones, both, is_batched=True)
        made = self._tape.made(np.matmul, x, weights, is_batched=True)
        return self._tape.made(np.add, made, bias, is_batched=True)

    def _product(self, left: Any, right: Any, is_batched: bool) -> Any:
        """Returns left @ right; as right.T @ left.T, where both lie column by column.

        BLAS takes a fifth longer to rearrange both sides, as x.T @ dz has them for a large x.
        """
        turned = left.T, right.T
        by_columns = [each.ndim == 2 and each.flags.c_contiguous for each in turned]
        if self.is_exact or is_batched or not all(by_columns):
            return self._tape.made(np.matmul, left, right, is_batched=is_batched)
        return self._tape.made(np.matmul, *reversed(turned)).T

    def _writes_both(self, line: Line, into: Any) -> bool:
        """Writes x.T @ dz and the sum of dz at once, if x has ones and both lie side by side."""
        match line.value:
            case ex.MatMul(ex.Transpose(ex.Read() as x, _), dz) if dz in self._biases:
                with_ones = self._tape.with_ones(self._value(x))
                sums = self._biases[dz]
                both = self._both(self._dtheta, into, self._target(sums))
                if with_ones is None or both is None or line.adds or not line.derivative_of:
                    return False
                self._tape.run(np.matmul, with_ones.T, self._value(dz), both)
                self._done.add(sums)
                return True
        return False

    def _both(self, flat: Any, weights: Any, bias: Any) -> Any:
        """Returns the weights over their biases, a view into a flat vector; None if it is none."""
        views = [each for each in (weights, bias) if isinstance(each, np.ndarray)]
        is_inside = all(v.flags.c_contiguous and np.may_share_memory(v, flat) for v in views)
        if len(views) < 2 or not is_inside:
            return None
        start, end = weights.ctypes.data, weights.ctypes.data + weights.nbytes
        if bias.ctypes.data != end or bias.shape != weights.shape[1:]:
            return None
        first = (start - flat.ctypes.data) // flat.itemsize
        rows = (weights.shape[0] + 1, *weights.shape[1:])
        return flat[first : first + math.prod(rows)].reshape(rows)

    # ---- expressions -----------------------------------------------------------------------------

    def _array(self, expression: Expression) -> Any:
        """Returns the array of an expression, of no axes for a single number."""
        return np.asarray(self._value(expression))

    def _value(self, expression: Expression) -> Any:
        """Returns the array of an expression, or its number if that stays the same."""
        tape, value = self._tape, self._value
        if expression in self._shared:
            return self._shared[expression]
        is_batched = expression.shape[:1] == (ex.N,)
        match expression:
            case ex.Read(source):
                return self._read(source)
            case ex.Number(number):
                return number
            case ex.Count():
                return self._count
            case ex.Empty(to):
                return tape.kept(np.empty(ex.sizes_at(to, self._count), float))
            case ex.Spread(ex.Number(0.0), to):
                made = tape.kept(np.zeros(ex.sizes_at(to, self._count), float))
                tape.run(made.fill, 0.0)
                return made
            case ex.Counting(size):
                return np.arange(*ex.sizes_at([size], self._count))
            case ex.Total(of):
                return self._total(of)
            case ex.Apply("add", (ex.MatMul() as product, bias)) if is_batched:
                return self._with_bias(product, value(bias))
            case ex.Apply("add", (left, right)):
                made = summed(left, right)
                operands = map(value, made.of)
                return tape.made(getattr(np, made.function), *operands, is_batched=is_batched)
            case ex.Apply("power", (of, ex.Number(exponent))):
                return self._power(value(of), exponent, is_batched)
            case ex.Apply("math.erfc", (of,)):
                return self._erfc(value(of))
            case ex.Apply(function, of) if function.startswith("math."):
                apply = np.vectorize(getattr(math, function.removeprefix("math.")))
                return tape.afresh(apply, *map(value, of))
            case ex.Apply(function, of):
                apply, arrays = getattr(np, function), [*map(value, of)]
                if not isinstance(apply, np.ufunc):  # such as np.clip, for a new operation
                    return tape.afresh(apply, *arrays)
                return tape.made(apply, *arrays, is_batched=is_batched)
            case ex.Where(condition, yes, no):
                return tape.chosen(*map(value, (condition, yes, no)))
            case ex.Reshape(ex.Transpose(of, order), to):
                return tape.reshaped(value(of), order, ex.sizes_at(to, self._count))
            case ex.Reshape(of, to):
                return tape.reshaped(value(of), range(len(of.shape)), ex.sizes_at(to, self._count))
            case ex.Transpose(of, order):
                return value(of).transpose(order)
            case ex.Part():
                return self._part(expression)
            case ex.Spread(of, to):
                return np.broadcast_to(value(of), ex.sizes_at(to, self._count))
            case ex.Windows(of, axes, sizes):
                return np.lib.stride_tricks.sliding_window_view(value(of), sizes, axes)
            case ex.Padded(of, widths, wraps):
                mode = "wrap" if wraps else "constant"
                return tape.afresh(lambda array: np.pad(array, widths, mode), value(of))
            case ex.Stack(of, axis):
                arrays = np.broadcast_arrays(*map(value, of))
                return tape.afresh(lambda *arrays: np.stack(arrays, axis), *arrays)
            case ex.Join(of):
                return tape.afresh(lambda *arrays: np.concatenate(arrays, -1), *map(value, of))
            case ex.Sum(of, axes) if axes == (0,) and len(of.shape) == 2 and of.shape[0] == ex.N:
                return tape.made(np.matmul, np.ones(self._count), value(of))
            case ex.Sum(of, axes):
                which = None if len(axes) == len(of.shape) else axes
                return tape.reduced(np.add.reduce, value(of), which)
            case ex.Reduce(function, of):
                largest = {"max": np.maximum, "min": np.minimum}[function]
                return tape.largest(largest.reduce, value(of))
            case ex.SegmentSums(of, starts):
                return tape.reduced(np.add.reduceat, value(of), value(starts), -1)
            case ex.MatMul(left, right):
                return self._product(value(left), value(right), is_batched)
            case ex.Inner(left, right):
                return tape.made(np.vecdot, value(left), value(right))
            case ex.Einstein(left, right, letters):
                return tape.afresh(lambda a, b: np.einsum(letters, a, b), value(left), value(right))
        raise CannotKeep(f"no call for {expression!r}")

    def _total(self, of: Sequence[Expression]) -> Any:
        """Returns a sum, term by term: nested, some hundred are more than Python's calls may be."""
        total = of[0]
        for each in of[1:]:
            step = Line(summed(total, each))
            self._arrays[step] = self._value(step.value)
            total = ex.Read(step)
        return self._value(total)

    def _read(self, source: Array | ex.Constant | Line) -> Any:
        if isinstance(source, ex.Constant):
            if source.counts:
                return np.arange(len(source.array))
            # an upper triangle is printed as the lower one's .T
            return source.array.T.copy().T if source.where == "upper" else source.array
        return self._arrays[source.first if isinstance(source, Line) else source]

    def _power(self, of: Any, exponent: float, is_batched: bool) -> Any:
        if np.ndim(of) == 0:  # NumPy has another power for a single number
            return self._tape.afresh(lambda x: np.float64(x) ** exponent, of)
        if exponent in POWERS:
            return self._tape.made(getattr(np, POWERS[exponent]), of, is_batched=is_batched)
        return self._tape.made(np.power, of, exponent, is_batched=is_batched)

    def _erfc(self, of: Any) -> Any:
        """Returns what the source's function of this name computes, line by line."""
        x = ex.Read(Line(ex.Number(0.0)))
        self._shared[x] = of
        self._tape.name(of)
        for step in erfc.steps(x):
            self._shared[step] = made = self._array(step)
            self._tape.name(made)
        for each in self._shared.values():
            self._tape.unname(each)
        self._shared.clear()
        return made

    def _part(self, part: ex.Part) -> Any:
        """Returns a view, or the elements that choices select."""
        of, places = self._value(part.of), [self._place(each) for each in part.index]
        if isinstance(part.index[0], Expression) and len(places) == 1:
            return self._tape.taken(of, *places)
        if any(isinstance(each, Expression) for each in part.index):
            return self._tape.afresh(lambda of, *places: of[places], of, *places)
        return of[(*places, ...)]

    def _place(self, place: Any) -> Any:
        if isinstance(place, Expression):
            return self._array(place)
        if isinstance(place, ex.Step):
            return place.times * self._t + place.plus
        if isinstance(place, ex.Stretch):
            return slice(self._place(place.first), self._place(place.stop), place.by)
        return slice(*place) if isinstance(place, tuple) else place


def last_readers(program: Program) -> dict[Line | Loop, list[Line]]:
    """Returns the lines whose arrays a step is the last to read, or to write to."""
    last = dict[Line, Line | Loop]()
    for step in program.steps:
        for line in lines_of([step]):
            own = [line] if line.target is None and line.derivative_of is None else []
            last |= {each.first: step for each in [*own, *line.value.lines(), *line.writes_to]}
    for each in program.result.lines():
        last.pop(each.first, None)
    found = dict[Line | Loop, list[Line]]()
    for line, step in last.items():
        found.setdefault(step, []).append(line)
    return found


def count_of(given: Sequence[Any]) -> int:
    """Returns the number of examples; 1 where an input is one number, or there are no inputs."""
    return len(given[0]) if given and given[0].ndim else 1


def is_flat(program: Program) -> bool:
    """Returns whether it has matrices of one row per example, and no larger arrays of examples."""
    values = [program.result, *[line.value for line in lines_of(program.steps)]]
    shapes = [each.shape for value in values for each in value.walk()]
    of_examples = [s for s in shapes if any(isinstance(size, ex.Examples) for size in s)]
    return max(map(len, of_examples), default=0) == 2
