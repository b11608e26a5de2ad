"""Expressions of the typed program in NumPy, as Python's syntax trees.

With trees, brackets appear only where they are needed. `lines.py` calls it.
"""

import ast
import re
from collections.abc import Callable
from functools import cache, reduce
from math import copysign, inf, pi
from typing import Any

from micrograd_notes.lifting.codegen import erfc
from micrograd_notes.lifting.codegen.rows import in_brackets
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Shape

NameOf = Callable[[Any], str]  # the name of what is read, and for a `Step` that of its counter
OPERATORS: dict[str, Any] = {
    "add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div, "power": ast.Pow,
    "greater": ast.Gt, "less": ast.Lt, "equal": ast.Eq,
}
WINDOWS, KNOWN = "sliding_window_view", {inf: "np.inf", pi: "np.pi"}
PARTS = {2.0**-k for k in range(3, 30)}  # x / 16 has the bits of 0.0625 * x, and can be read


def text(expression: Expression, name_of: NameOf) -> str:
    """Returns an expression's source."""
    return ast.unparse(spelled(expression, name_of))


def is_call(expression: Expression) -> bool:
    """Returns whether an expression is spelled as a call, which needs no brackets anywhere."""
    if isinstance(expression, ex.Apply):
        return expression.function not in (*OPERATORS, "negative")
    if isinstance(expression, ex.Sum):
        return not _adds_up_rows(expression)
    if isinstance(expression, ex.Transpose):
        return expression.order != (1, 0)
    calls = ex.Where | ex.Reshape | ex.Spread | ex.Stack | ex.Join | ex.Reduce | ex.Inner
    return isinstance(expression, calls | ex.Einstein | ex.Windows | ex.Padded)


def spelled(expression: Expression, name_of: NameOf) -> Any:
    """Returns an expression as a syntax tree."""

    def tree(each: Expression) -> Any:
        return spelled(each, name_of)

    match expression:
        case ex.Read(source):
            return ast.Name(name_of(source))
        case ex.Number(value):
            return number(value)
        case ex.Count():
            return ast.Name("n")
        case ex.Empty(to):
            return _call("np.empty", _shape(to, alone=True))
        case ex.Spread(ex.Number(0.0), to):
            return _call("np.zeros", _shape(to, alone=True))
        case ex.Counting(size):
            return _call("np.arange", _size(size))
        case ex.Apply("add", (left, right)):
            made = summed(left, right)
            return _operator(made.function, *map(tree, made.of))
        case ex.Apply("multiply", (ex.Number(part), of)) if part in PARTS:
            return tree(ex.Apply("divide", (of, ex.Number(1 / part))))
        case ex.Apply("multiply", (left, right)) if left == right and left.shape:
            return _operator("power", tree(left), number(2))  # NumPy multiplies arrays
        case ex.Apply("multiply", (ex.Number(part), of)) if _is_inverse_root(part):
            return _operator("multiply", tree(of), number(part))  # x * (1 / 2 ** 0.5)
        case ex.Apply("divide", (ex.Sum(of, axes), count)) if _is_size(count, of.shape, axes):
            return _reduction(tree(of), "mean", axes, len(of.shape))
        case ex.Apply(function, of):
            return _applied(function, list(map(tree, of)))
        case ex.Total(of):
            return tree(reduce(summed, of))
        case ex.Where(condition, ex.Number(yes), ex.Number(no)):  # whole numbers divide otherwise
            return _call("np.where", tree(condition), *map(real, (yes, no)))
        case ex.Where(condition, yes, no):
            return _call("np.where", tree(condition), tree(yes), tree(no))
        case ex.Reshape(of, (_, *_) as to) if not of.shape:  # which may be a plain number
            return _call("np.reshape", tree(of), _shape(to, alone=True))
        case ex.Reshape(of, to):
            sizes = [-1 if isinstance(size, ex.Examples) and size != ex.N else size for size in to]
            return _method(tree(of), "reshape", *(map(_size, sizes) if to else [_shape(())]))
        case ex.Transpose(of, order):
            return _transposed(tree(of), order)
        case ex.Part(ex.Padded(of)) if (roll := expression.roll):
            return _call("np.roll", tree(of), ast.Constant(roll[0]), axis=ast.Constant(roll[1]))
        case ex.Part(ex.Part(of, first), index) if _is_one_index(first, index):
            return tree(ex.Part(of, (*first, *index)))
        case ex.Part(of, index):
            return ast.Subscript(tree(of), _index(index, len(of.shape), tree, name_of))
        case ex.Spread(of, to):
            return _call("np.broadcast_to", tree(of), _shape(to))
        case ex.Windows(of, axes, sizes):
            span, along = (_shape(s) if len(s) > 1 else ast.Constant(s[0]) for s in (sizes, axes))
            return _call(WINDOWS, tree(of), span, axis=along)
        case ex.Padded(of, by, wraps):
            mode = {"mode": ast.Constant("wrap")} if wraps else {}
            return _call("np.pad", tree(of), parse(repr(by if len(by) > 1 else by[0])), **mode)
        case ex.Stack(of, axis):
            shapes = {each.shape for each in of}
            arrays: Any = ast.List(list(map(tree, of)))
            if len(shapes) > 1:
                arrays = _call("np.broadcast_arrays", *arrays.elts)
            return _call("np.stack", arrays, axis=ast.Constant(axis))
        case ex.Join(of):
            pieces = [ast.List([tree(each.of)]) if isinstance(each, ex.Reshape | ex.Spread)
                      and each.shape == (1,) and not each.of.shape else tree(each) for each in of]
            along = {"axis": ast.Constant(-1)} if len(expression.shape) > 1 else {}
            return _call("np.concatenate", ast.List(pieces), **along)
        case ex.Sum(of, axes):
            return _sum(expression, tree(of), axes)
        case ex.Reduce(function, of):
            return _method(tree(of), function, axis=ast.Constant(-1))
        case ex.SegmentSums(of, starts):
            return _call("np.add.reduceat", tree(of), tree(starts), axis=ast.Constant(-1))
        case ex.MatMul(left, right):
            return ast.BinOp(tree(left), ast.MatMult(), tree(right))
        case ex.Inner(left, right):
            return _call("np.vecdot", tree(left), tree(right))
        case ex.Einstein(left, right, letters):
            return _call("np.einsum", ast.Constant(letters), tree(left), tree(right))
    raise AssertionError(f"no spelling for {expression!r}")


def _applied(function: str, operands: list[Any]) -> Any:
    if function == "negative":
        return ast.UnaryOp(ast.USub(), operands[0])
    if function in ex.COMPARISONS:
        return ast.Compare(operands[0], [OPERATORS[function]()], operands[1:])
    if function in OPERATORS:
        return _operator(function, *operands)
    if function == "math.erfc":
        return _call(erfc.NAME, *operands)
    if function.startswith("math."):
        return ast.Call(_call("np.vectorize", parse(function)), operands, [])
    return _call(f"np.{function}", *operands)


def _operator(function: str, left: Any, right: Any) -> Any:
    is_product = isinstance(left, ast.BinOp) and isinstance(left.op, ast.MatMult)
    if function in ("multiply", "divide") and is_product:
        left = in_brackets(left)  # needed by nobody but the reader
    return ast.BinOp(left, OPERATORS[function](), right)


def summed(left: Expression, right: Expression) -> ex.Apply:
    """Returns left + right as it is written: a - b for a + -b, and for -b + a."""
    if _negated(left) is not None and _negated(right) is None:
        left, right = right, left
    other = _negated(right)
    return ex.Apply("add", (left, right)) if other is None else ex.Apply("subtract", (left, other))


def _negated(expression: Expression) -> Expression | None:
    """Returns b for -b; None for anything else."""
    match expression:
        case ex.Apply("negative", (of,)):
            return of
        case ex.Number(value) if copysign(1.0, value) < 0.0:
            return ex.Number(-value)
    return None


def _adds_up_rows(expression: ex.Sum) -> bool:
    """Returns whether it is the sum of the rows of a matrix with a row per example."""
    shape = expression.of.shape
    return expression.axes == (0,) and len(shape) == 2 and shape[0] == ex.N


def _sum(expression: ex.Sum, of: Any, axes: tuple[int, ...]) -> Any:
    if _adds_up_rows(expression):
        return ast.BinOp(ast.Name("ones"), ast.MatMult(), of)
    return _reduction(of, "sum", axes, len(expression.of.shape))


def _reduction(of: Any, name: str, axes: tuple[int, ...], rank: int) -> Any:
    if len(axes) == rank:
        return _method(of, name)
    where = parse(repr(axes if len(axes) > 1 else -1 if axes == (rank - 1,) else axes[0]))
    return _method(of, name, axis=where)


def _transposed(of: Any, order: tuple[int, ...]) -> Any:
    if order == (1, 0):
        return ast.Attribute(of, "T")
    moved = [i for i, axis in enumerate(order) if i != axis]
    called = ("swapaxes", moved) if len(moved) == 2 else ("transpose", order)
    return _method(of, called[0], *map(ast.Constant, called[1]))


def _index(
    index: tuple[Any, ...], rank: int, tree: Callable[[Expression], Any], name_of: NameOf
) -> Any:
    def spelled_part(each: Any) -> Any:
        if isinstance(each, Expression):
            return tree(each)
        if isinstance(each, ex.Step):
            return _place(each, name_of(each))
        if isinstance(each, ex.Stretch):
            first, stop = (_place(end, name_of(end)) for end in (each.first, each.stop))
            cut = ast.Slice(first, stop, None if each.by == 1 else ast.Constant(each.by))
            cut.of = each  # type: ignore[attr-defined]  # for JAX
            return cut
        if isinstance(each, tuple):
            return ast.Slice(*[None if b is None else ast.Constant(b) for b in each])
        return ast.Constant(each)

    is_new_last = len(index) > 2 and index == (*[ex.WHOLE] * rank, None)
    parts = [*map(spelled_part, (..., None) if is_new_last else index)]
    return parts[0] if len(parts) == 1 else ast.Tuple(parts)


@cache
def _is_inverse_root(part: float) -> bool:
    return bool(re.fullmatch(r"-?1 / \d+ \*\* 0\.5", ast.unparse(number(part))))


def _is_size(count: Expression, shape: Shape, axes: tuple[int, ...]) -> bool:
    """Returns whether it is the number of elements along some axes."""
    number = ex.N if count == ex.Count() else getattr(count, "value", None)
    return ex.length([shape[axis] for axis in axes]) == number


def _is_one_index(first: tuple[Any, ...], second: tuple[Any, ...]) -> bool:
    """Returns whether x[t][:, 2] is x[t, :, 2]; what is chosen would change the order of axes."""
    are_places = all(isinstance(each, int | ex.Step) for each in first)
    return are_places and not any(isinstance(each, Expression) for each in second)


def _place(step: ex.Step, counter: str) -> Any:
    """Returns t - 1, or 7 - t."""
    t: Any = ast.Name(counter)
    size = abs(step.times)
    moving = t if size == 1 else ast.BinOp(ast.Constant(size), ast.Mult(), t)
    if step.times < 0:
        return ast.BinOp(ast.Constant(step.plus), ast.Sub(), moving)
    sign = ast.Add() if step.plus > 0 else ast.Sub()
    return ast.BinOp(moving, sign, ast.Constant(abs(step.plus))) if step.plus else moving


def spelled_shape(shape: Shape) -> str:
    """Returns a shape as Python writes a tuple."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _size(size: Any) -> Any:
    if not isinstance(size, ex.Examples):
        return ast.Constant(size)
    return parse("n" if size == ex.N else f"n * {size.times}")


def _shape(shape: Shape, alone: bool = False) -> Any:
    """Returns a shape; a single size may stand alone, as in np.empty(3)."""
    sizes = [*map(_size, shape)]
    return sizes[0] if alone and len(sizes) == 1 else ast.Tuple(sizes)


@cache
def parse(source: str) -> Any:
    """Returns the syntax tree of an expression."""
    return ast.parse(source, mode="eval").body


def number(x: float) -> Any:
    """Returns a number, whole ones without a point, and 1 / 3 as a learner wrote it."""
    size, sign = abs(x), "-" if copysign(1.0, x) < 0 else ""
    if size < 1e6 and size == int(size) and str(x) != "-0.0":
        return parse(f"{sign}{int(size)}")
    known = KNOWN
    if 1e-4 < size < 1e3 and len(repr(size)) > 12:
        n, square, below = [max(round(y), 1) for y in (1 / size, size * size, 1 / size / size)]
        known = {1 / n: f"1 / {n}", square**0.5: f"{square} ** 0.5"} | KNOWN
        known.setdefault(1 / below**0.5, f"1 / {below} ** 0.5")
    return parse(sign + known.get(size, repr(float(size)))) if x == x else parse("np.nan")


def real(x: float) -> Any:
    """Returns a number with its point, so that an array of it holds floats."""
    return ast.Constant(float(x)) if x - x == 0 else number(x)


def _call(function: Any, *arguments: Any, **named: Any) -> Any:
    called = parse(function) if isinstance(function, str) else function
    return ast.Call(called, list(arguments), [ast.keyword(*each) for each in named.items()])


def _method(of: Any, name: str, *arguments: Any, **named: Any) -> Any:
    return _call(ast.Attribute(of, name), *arguments, **named)
