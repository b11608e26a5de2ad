"""The typed program: expressions on arrays, which `arrays` builds and each printer reads.

An expression has a shape, whose first size is N if it has one row per example, and a kind: its
elements are numbers, conditions (true or false) or choices (whole numbers that select). A program
is a list of lines, each an expression that later lines can read. Nothing in here is text: a printer
chooses names and spellings, as `codegen/numpy` does.

The functions that work element by element are few and have NumPy's names; the table's other
operations are formulas of them (`formulas.py`). `arrays/arrange.py` builds programs: read it next,
or `codegen/__init__.py` to write a printer.

>>> x = Read(Array("x", (3,), is_parameter=False, is_batched=True))
>>> W = Read(Array("W", (3, 2), is_parameter=True))
>>> plus(x, Number(1.0)).shape, Sum(x, (0,)).shape, MatMul(x, W).shape
((n, 3), (3,), (n, 2))
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from itertools import zip_longest
from math import prod
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.passes.group import Grouping
from micrograd_notes.lifting.trace.tape import Array


@dataclass(frozen=True)
class Examples:
    """A size: the number of examples, times a number if their axis holds several others, too."""

    times: int = 1

    def __mul__(self, number: int) -> Examples:
        return Examples(self.times * number)

    def __repr__(self) -> str:
        return "n" if self.times == 1 else f"{self.times}n"


N = Examples()
Size = int | Examples
Shape = tuple[Size, ...]
Cut = tuple[int | None, int | None, int | None]  # start, stop and step along an axis
WHOLE: Cut = (None, None, None)
COMPARISONS = ("greater", "less", "equal")
FUNCTIONS = frozenset([  # of numbers, of which the table's operations are made
    *COMPARISONS, "add", "subtract", "multiply", "divide", "power", "negative", "abs", "sign",
    "floor", "rint", "sqrt", "cbrt", "hypot", "exp", "expm1", "log", "log1p", "logaddexp",
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh",
    "arcsinh", "arccosh", "arctanh", "maximum", "minimum", "math.erf", "math.erfc",
])


def cut(start: int, stop: int, size: Size | None = None) -> Cut:
    """Returns the cut of places that follow each other; of all places of an axis, `WHOLE`."""
    return WHOLE if (start, stop) == (0, size) else (start or None, stop, None)


def every(step: int, first: int, count: int, size: int) -> Cut:
    """Returns the cut of so many places of an axis: every second one, or backwards, or the like.

    >>> every(2, 1, 3, 8), every(-1, 4, 5, 5), every(1, 0, 4, 5)
    ((1, 6, 2), (None, None, -1), (None, 4, None))
    """
    stop = first + step * count
    if step < 0:
        return None if first == size - 1 else first, None if stop < 0 else stop, step
    last = stop - step
    return first or None, None if stop >= size else last + 1, None if step == 1 else step


class Kind(Enum):
    """The kind of an expression's elements."""

    NUMBER = "number"
    CONDITION = "condition"
    CHOICE = "choice"


WHERE = {  # from the row and the column of a place
    "lower": operator.ge, "upper": operator.le, "diagonal": operator.eq, "elsewhere": operator.ne,
}


# ---- what expressions read -----------------------------------------------------------------------


@dataclass(eq=False)
class Constant:
    """An array of numbers, places or conditions that the program holds."""

    array: Any

    @property
    def shape(self) -> Shape:
        """Its sizes."""
        return tuple(self.array.shape)

    @property
    def kind(self) -> Kind:
        """Conditions for an array of bools, choices for one of whole numbers."""
        return {"b": Kind.CONDITION, "i": Kind.CHOICE}.get(self.array.dtype.kind, Kind.NUMBER)

    @cached_property
    def counts(self) -> bool:
        """Whether it is 0, 1, 2, ..."""
        return len(self.shape) == 1 and np.array_equal(self.array, np.arange(len(self.array)))

    @cached_property
    def where(self) -> str | None:
        """Where a square of conditions is true: see `WHERE`; None for other arrays."""
        if self.kind is not Kind.CONDITION or len(self.shape) != 2 or len({*self.shape}) != 1:
            return None
        place = np.indices(self.shape, sparse=True)
        fitting = (name for name, at in WHERE.items() if np.array_equal(self.array, at(*place)))
        return next(fitting, None)


@dataclass(eq=False, repr=False)
class Line:
    """A line of the program: an expression, and where it comes from.

    A line computes a group of the recording's numbers, or derivatives of a parameter: all of them,
    or those at some places. `target` is the part of an array that it writes to, if not to its own.
    In a loop, `again` is the line before it whose array it replaces, and may read. A line that
    `holds` another one is the array for its results, step by step, or what the first step needs.
    """

    value: Expression
    group: int | None = None
    derivative_of: Array | None = None
    target: Part | None = None
    again: Line | None = None
    adds: bool = False
    holds: Line | None = None

    def __repr__(self) -> str:
        return f"<line of {type(self.value).__name__} {self.shape}>"  # without the lines it reads

    @property
    def shape(self) -> Shape:
        """The sizes of its array."""
        return self.value.shape

    @property
    def kind(self) -> Kind:
        """The kind of its elements."""
        return self.value.kind

    @property
    def is_own(self) -> bool:
        """Whether it is an array of its own, which no loop begins with."""
        return (self.target, self.again, self.derivative_of, self.holds) == (None,) * 4

    @property
    def writes_to(self) -> list[Line]:
        """The lines whose arrays it writes to, instead of making one."""
        into = self.target.lines() if self.target is not None else []
        return into if self.again is None else [*into, self.again]

    @property
    def first(self) -> Line:
        """The line whose array it replaces, or adds to, or else the line itself."""
        return self if self.again is None else self.again.first


@dataclass(eq=False)
class Loop:
    """Lines that are computed for each t of a range, forwards or backwards."""

    counts: range
    lines: list[Line]


@dataclass
class Program:
    """The lines of a program in their order, and its result: the loss, or the outputs.

    Once it is `ready`, `forward` has the lines and loops that the result needs, and `backward` the
    others, which make the derivatives. `stands_for` has the line that is computed in each step of a
    loop instead of one per step. A program of sizes is made ready, and has `names` from there.
    """

    grouping: Grouping
    lines: list[Line]
    result: Expression
    forward: list[Line | Loop] = field(default_factory=list)
    backward: list[Line | Loop] = field(default_factory=list)
    stands_for: dict[Line, Line] = field(default_factory=dict)
    names: Any = None

    @property
    def steps(self) -> list[Line | Loop]:
        """The lines and loops of both halves."""
        return [*self.forward, *self.backward]

    @property
    def parameters(self) -> list[Array]:
        """The arrays of parameters, in their order in the flat vector."""
        return self.grouping.recording.parameters

    @property
    def inputs(self) -> list[Array]:
        """The arrays that the program gets, in their order."""
        return self.grouping.recording.inputs

    @property
    def is_loss(self) -> bool:
        """Whether it computes a loss and its gradient, instead of outputs."""
        return self.grouping.recording.is_loss

    @property
    def is_mean(self) -> bool:
        """Whether derivatives, which its lines add up over the examples, are then divided by n."""
        has_gradient = self.is_loss and bool(self.parameters)
        return has_gradient and self.grouping.recording.is_batched

    @property
    def fills_gradient(self) -> bool:
        """Whether its lines write each derivative, and add to none that is not written yet."""
        recording = self.grouping.recording
        theta, lines = self.grouping.theta, lines_of(self.steps)
        adds = any(line.adds and line.derivative_of not in (None, theta) for line in lines)
        return all(at >= 0 for at in recording.gradient) and not adds


def lines_of(steps: Iterable[Line | Loop]) -> Iterator[Line]:
    """Yields all lines, those of the loops among them."""
    for step in steps:
        yield from [step] if isinstance(step, Line) else step.lines


# ---- expressions ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Expression:
    """An array that a program reads or computes. Equal expressions compute the same."""

    @cached_property
    def shape(self) -> Shape:
        """Its sizes."""
        return self._shape()

    @cached_property
    def kind(self) -> Kind:
        """The kind of its elements: that of the array whose elements they are, or numbers."""
        return Kind.NUMBER

    @cached_property
    def operands(self) -> tuple[Expression, ...]:
        """The expressions that it is computed from."""
        return tuple(_inside(self.fields))

    def with_operands(self, operands: Sequence[Expression]) -> Expression:
        """Returns the same operation on other operands."""
        if all(a is b for a, b in zip(operands, self.operands, strict=True)):
            return self
        left = iter(operands)
        return type(self)(*[_replaced(value, left) for value in self.fields])

    def walk(self) -> Iterator[Expression]:
        """Yields the expression and those below it."""
        waiting: list[Expression] = [self]
        while waiting:
            waiting += reversed((each := waiting.pop()).operands)
            yield each

    def sources(self) -> list[Array | Constant | Line]:
        """Returns what it reads, once for each time."""
        return [each.source for each in self.walk() if isinstance(each, Read)]

    def lines(self) -> list[Line]:
        """Returns the lines that it reads."""
        return [source for source in self.sources() if isinstance(source, Line)]

    def _shape(self) -> Shape:
        return ()  # of a number

    @property
    def fields(self) -> tuple[Any, ...]:
        """Its parts, in the order of their declaration."""
        names: tuple[str, ...] = self.__match_args__
        return tuple([getattr(self, name) for name in names])

    @cached_property
    def _key(self) -> Any:
        return type(self), *self.fields

    @cached_property
    def _hash(self) -> int:
        return hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Expression):
            return self is other
        return self._hash == other._hash and bool(self._key == other._key)  # mostly they differ


def _inside(value: Any) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _inside(each)


def _replaced(value: Any, left: Iterator[Expression]) -> Any:
    if isinstance(value, tuple):
        return tuple([_replaced(each, left) for each in value])
    return next(left) if isinstance(value, Expression) else value


@dataclass(frozen=True, eq=False)
class Read(Expression):
    """The array of a parameter, an input, a constant or an earlier line."""

    source: Array | Constant | Line

    @cached_property
    def kind(self) -> Kind:
        """The kind of the array's elements: an input that selects holds choices."""
        if isinstance(self.source, Array):
            return Kind.NUMBER if self.source.below is None else Kind.CHOICE
        return self.source.kind

    def _shape(self) -> Shape:
        is_batched = isinstance(self.source, Array) and self.source.is_batched
        return (N, *self.source.shape) if is_batched else self.source.shape


@dataclass(frozen=True, eq=False)
class Number(Expression):
    """A number. 0.0 and -0.0 are two."""

    value: float

    @cached_property
    def _key(self) -> Any:
        return Number, repr(self.value)


@dataclass(frozen=True, eq=False)
class Count(Expression):
    """The number of examples."""


@dataclass(frozen=True, eq=False)
class Empty(Expression):
    """An array to be filled, step by step."""

    to: Shape

    def _shape(self) -> Shape:
        return self.to


@dataclass(frozen=True)
class Step:
    """A place that moves with the t of a loop: times * t + plus."""

    times: int
    plus: int


@dataclass(frozen=True)
class Stretch:
    """So many places from one that moves with the t of a loop, `by` 1 or more from each other."""

    first: Step
    count: int
    by: int

    @property
    def stop(self) -> Step:
        """The place behind the last one."""
        return Step(self.first.times, self.first.plus + (self.count - 1) * self.by + 1)


@dataclass(frozen=True, eq=False)
class Counting(Expression):
    """0, 1, 2, ... along an axis."""

    size: Size

    @cached_property
    def kind(self) -> Kind:
        """Choices: it selects along an axis."""
        return Kind.CHOICE

    def _shape(self) -> Shape:
        return (self.size,)


@dataclass(frozen=True, eq=False)
class Apply(Expression):
    """A function of numbers, element by element, by its name in NumPy: `add`, `exp`, `greater`."""

    function: str
    of: tuple[Expression, ...]

    @cached_property
    def kind(self) -> Kind:
        """Conditions for a comparison."""
        return Kind.CONDITION if self.function in COMPARISONS else Kind.NUMBER

    def _shape(self) -> Shape:
        return broadcast(*[operand.shape for operand in self.of])


@dataclass(frozen=True, eq=False)
class Total(Expression):
    """The sum of two or more arrays."""

    of: tuple[Expression, ...]

    def _shape(self) -> Shape:
        return broadcast(*[term.shape for term in self.of])


@dataclass(frozen=True, eq=False)
class Where(Expression):
    """One of two expressions, element by element; a number that is not 0 is a true condition."""

    condition: Expression
    yes: Expression
    no: Expression

    def _shape(self) -> Shape:
        return broadcast(self.condition.shape, self.yes.shape, self.no.shape)


@dataclass(frozen=True, eq=False)
class View(Expression):
    """Elements of another array, which may stand elsewhere."""

    of: Expression

    @cached_property
    def kind(self) -> Kind:
        """The kind of the other array's elements."""
        return self.of.kind


def source_of(expression: Expression, through: Any = View) -> Array | Constant | Line | None:
    """Returns what an expression reads, below operations of these kinds; None if it has others."""
    while isinstance(expression, through):
        expression = expression.of
    return expression.source if isinstance(expression, Read) else None


@dataclass(frozen=True, eq=False)
class Reshape(View):
    """The same elements in the same order, in another shape."""

    to: Shape

    def _shape(self) -> Shape:
        return self.to


@dataclass(frozen=True, eq=False)
class Transpose(View):
    """The axes in another order."""

    order: tuple[int, ...]

    def _shape(self) -> Shape:
        return tuple([self.of.shape[axis] for axis in self.order])


@dataclass(frozen=True, eq=False)
class Part(View):
    """The elements at an index: places, cuts, None for a new axis, or choices.

    In a loop, a place may be a `Step`, and a cut a `Stretch`.

    Several arrays of choices, side by side, are broadcast and select together.
    """

    index: tuple[Any, ...]

    def _shape(self) -> Shape:
        sizes = list(self.of.shape)
        found: list[Size] = []
        chosen = None
        for part in self.index:
            if part is None:
                found.append(1)
                continue
            size = sizes.pop(0)
            if isinstance(part, tuple):
                found.append(_length(size, part))
            elif isinstance(part, Stretch):
                found.append(part.count)
            elif isinstance(part, Expression) and chosen is None:
                chosen = len(found)
        if chosen is not None:
            selecting = [part.shape for part in self.index if isinstance(part, Expression)]
            found[chosen:chosen] = broadcast(*selecting)
        return (*found, *sizes)

    @property
    def roll(self) -> tuple[int, int] | None:
        """By how many places a ring is turned, and along which axis, if that is all."""
        axis = len(self.index) - 1
        match self:
            case Part(Padded(of, widths, True), (*_, (first, _, None))) if (
                self.shape == of.shape and any(widths[axis])
            ):
                return widths[axis][0] - (first or 0), axis
        return None


def _length(size: Size, cut: Cut) -> Size:
    return size if isinstance(size, Examples) else len(range(*slice(*cut).indices(size)))


@dataclass(frozen=True, eq=False)
class Spread(View):
    """An array repeated along the axes that it does not have."""

    to: Shape

    def _shape(self) -> Shape:
        return self.to


@dataclass(frozen=True, eq=False)
class Windows(View):
    """All windows of these sizes along some axes, whose places get an axis each, at the end."""

    axes: tuple[int, ...]
    sizes: tuple[int, ...]

    def _shape(self) -> Shape:
        sizes: list[Any] = [*self.of.shape]
        for axis, size in zip(self.axes, self.sizes, strict=True):
            sizes[axis] -= size - 1
        return (*sizes, *self.sizes)


@dataclass(frozen=True, eq=False)
class Padded(Expression):
    """An array with so many zeros before and behind it, along each axis.

    If it `wraps`, as a ring does, there are the places of its other end instead, along one axis.
    """

    of: Expression
    widths: tuple[tuple[int, int], ...]
    wraps: bool = False

    def _shape(self) -> Shape:
        sizes: list[Any] = [*self.of.shape]  # that of the examples stays
        for axis, (before, after) in enumerate(self.widths):
            sizes[axis] = sizes[axis] + before + after if before + after else sizes[axis]
        return tuple(sizes)


@dataclass(frozen=True, eq=False)
class Stack(Expression):
    """Arrays of one shape, after broadcasting, side by side along a new axis."""

    of: tuple[Expression, ...]
    axis: int

    def _shape(self) -> Shape:
        shape = list(broadcast(*[each.shape for each in self.of]))
        shape.insert(self.axis if self.axis >= 0 else len(shape), len(self.of))
        return tuple(shape)


@dataclass(frozen=True, eq=False)
class Join(Expression):
    """Arrays one after the other, along their last axis."""

    of: tuple[Expression, ...]

    def _shape(self) -> Shape:
        last: Any = sum(each.shape[-1] for each in self.of)
        return (*self.of[0].shape[:-1], last)


@dataclass(frozen=True, eq=False)
class Sum(Expression):
    """The sum over some axes."""

    of: Expression
    axes: tuple[int, ...]

    def _shape(self) -> Shape:
        return tuple([s for axis, s in enumerate(self.of.shape) if axis not in self.axes])


@dataclass(frozen=True, eq=False)
class Reduce(Expression):
    """A function of any number of numbers, `max` or `min`, along the last axis."""

    function: str
    of: Expression

    def _shape(self) -> Shape:
        return self.of.shape[:-1]


@dataclass(frozen=True, eq=False)
class SegmentSums(Expression):
    """The sums of stretches of the last axis, from each start to the next."""

    of: Expression
    starts: Expression

    def _shape(self) -> Shape:
        return (*self.of.shape[:-1], *self.starts.shape)


@dataclass(frozen=True, eq=False)
class Product(Expression):
    """A sum of products of two arrays."""

    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class MatMul(Product):
    """The matrix product of the last two axes, stack by stack."""

    def _shape(self) -> Shape:
        left, right = self.left.shape, self.right.shape
        if left[-1] != right[-2:][0]:
            raise AssertionError(f"the shapes {left} and {right} do not fit")
        rows, columns = left[-2:-1], (right[-1:] if len(right) > 1 else ())
        return (*broadcast(left[:-2], right[:-2]), *rows, *columns)


@dataclass(frozen=True, eq=False)
class Inner(Product):
    """The sum of products along the last axis."""

    def _shape(self) -> Shape:
        return broadcast(self.left.shape, self.right.shape)[:-1]


@dataclass(frozen=True, eq=False)
class Einstein(Product):
    """The sum of products, with letters for axes: "ij,jk->ik" is a matrix product."""

    letters: str

    def _shape(self) -> Shape:
        before, after = self.letters.split("->")
        sizes: dict[str, Size] = {}
        for word, each in zip(before.split(","), (self.left, self.right), strict=True):
            sizes |= zip(word, each.shape, strict=True)
        return tuple([sizes[letter] for letter in after])


# ---- building ------------------------------------------------------------------------------------


def plus(left: Expression, right: Expression) -> Expression:
    """Returns left + right."""
    return Apply("add", (left, right))


def times(left: Expression, right: Expression) -> Expression:
    """Returns left * right."""
    return Apply("multiply", (left, right))


def broadcast(*shapes: Shape) -> Shape:
    """Returns the shape of arrays that are computed with each other.

    >>> broadcast((N, 3), (3,), (N, 1), ())
    (n, 3)
    """
    sizes = zip_longest(*[reversed(shape) for shape in shapes], fillvalue=1)
    found = []
    for each in sizes:
        larger = {size for size in each if size != 1}
        if len(larger) > 1:
            raise AssertionError(f"the shapes {shapes} do not fit")
        found.append(larger.pop() if larger else 1)
    return tuple(reversed(found))


def sizes_at(shape: Iterable[Size], n: int = 1) -> tuple[int, ...]:
    """Returns a shape for so many examples."""
    return tuple([size.times * n if isinstance(size, Examples) else size for size in shape])


def length(sizes: Sequence[Size]) -> Size:
    """Returns the product of sizes."""
    number = prod(sizes_at(sizes))
    return Examples(number) if number and any(isinstance(s, Examples) for s in sizes) else number


def reshaped(of: Expression, to: Sequence[Any]) -> Expression:
    """Returns the elements in another shape; of two reshapings in a row the last one counts."""
    while isinstance(of, Reshape):
        of = of.of
    return of if of.shape == tuple(to) else Reshape(of, tuple(to))


def spread(of: Expression, to: Sequence[Any]) -> Expression:
    """Returns the array repeated along the axes that it does not have."""
    return of if of.shape == tuple(to) else Spread(of, tuple(to))


def transposed(of: Expression, order: Sequence[int]) -> Expression:
    """Returns the array with its axes in another order."""
    return of if [*order] == [*range(len(order))] else Transpose(of, tuple(order))


def part(of: Expression, index: Sequence[Any]) -> Expression:
    """Returns the elements at an index, whose last axes may be left out."""
    index = list(index)
    while index and index[-1] == WHOLE:
        index.pop()
    return Part(of, tuple(index)) if index else of


def total(terms: Sequence[Expression]) -> Expression:
    """Returns the sum; a number, or a term with a minus, does not come first."""

    def comes_late(term: Expression) -> bool:
        return isinstance(term, Number) or (isinstance(term, Apply) and term.function == "negative")

    return Total(tuple(sorted(terms, key=comes_late))) if len(terms) > 1 else terms[0]


def substituted(expression: Expression, part: Expression, new: Expression) -> Expression:
    """Returns the expression with another one wherever a part of it stands."""
    if expression == part:
        return new
    inside = [substituted(operand, part, new) for operand in expression.operands]
    made = expression.with_operands(inside)
    if isinstance(made, Reshape) and isinstance(made.of, Reshape):
        return Reshape(made.of.of, made.to)
    return made
