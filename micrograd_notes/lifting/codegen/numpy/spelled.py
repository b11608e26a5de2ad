"""Expressions of the typed program in NumPy, as Python's syntax trees.

With trees, brackets appear only where they are needed. `lines.py` calls it.
"""

import ast
from collections.abc import Callable
from functools import cache, reduce
from math import copysign, inf, pi
from typing import Any

from micrograd_notes.lifting.codegen import erfc
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Shape

NameOf = Callable[[Any], str]  # the name of what is read, and for a `Step` that of its counter
OPERATORS: dict[str, Any] = {
    "add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div, "power": ast.Pow,
    "greater": ast.Gt, "less": ast.Lt, "equal": ast.Eq,
}
SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**"}


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
    calls = ex.Where | ex.Reshape | ex.Spread | ex.Stack | ex.Reduce | ex.Inner | ex.Einstein
    return isinstance(expression, calls)


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
            return _filled("np.empty", to, name_of)
        case ex.Spread(ex.Number(0.0), to):
            return _filled("np.zeros", to, name_of)
        case ex.Counting(size):
            return _call("np.arange", _size(size))
        case ex.Apply("add", (left, right)):
            made = summed(left, right)
            return _operator(made.function, *map(tree, made.of))
        case ex.Apply(function, of):
            return _applied(function, list(map(tree, of)))
        case ex.Total(of):
            return tree(reduce(summed, of))
        case ex.Where(condition, ex.Number(yes), ex.Number(no)):  # whole numbers divide otherwise
            return _call("np.where", tree(condition), *map(real, (yes, no)))
        case ex.Where(condition, yes, no):
            return _call("np.where", tree(condition), tree(yes), tree(no))
        case ex.Reshape(of, to):
            sizes = [-1 if isinstance(size, ex.Examples) else size for size in to]
            return _method(tree(of), "reshape", *(map(ast.Constant, sizes) if to else [_shape(())]))
        case ex.Transpose(of, order):
            return _transposed(tree(of), order)
        case ex.Part(of, index):
            return ast.Subscript(tree(of), _index(index, len(of.shape), tree, name_of))
        case ex.Spread(of, to):
            return _call("np.broadcast_to", tree(of), _shape(to))
        case ex.Stack(of, axis):
            shapes = {each.shape for each in of}
            arrays: Any = ast.List(list(map(tree, of)))
            if len(shapes) > 1:
                arrays = _call("np.broadcast_arrays", *arrays.elts)
            return _call("np.stack", arrays, axis=ast.Constant(axis))
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


def _filled(function: str, to: Shape, name_of: NameOf) -> Any:
    """Returns a new array, with as many digits as the parameters, if there are any."""
    has_theta = getattr(name_of, "parameters", None)
    return _call(function, _shape(to), **({"dtype": parse("theta.dtype")} if has_theta else {}))


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
        left = ast.Name(f"({ast.unparse(left)})")  # needed by nobody but the reader
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
    rank = len(expression.of.shape)
    if _adds_up_rows(expression):
        return ast.BinOp(ast.Name("ones"), ast.MatMult(), of)
    if len(axes) == rank:
        return _method(of, "sum")
    where = parse(repr(axes if len(axes) > 1 else -1 if axes == (rank - 1,) else axes[0]))
    return _method(of, "sum", axis=where)


def _transposed(of: Any, order: tuple[int, ...]) -> Any:
    if order == (1, 0):
        return ast.Attribute(of, "T")
    moved = [i for i, axis in enumerate(order) if i != axis]
    called = ("swapaxes", moved) if len(moved) == 2 else ("transpose", order)
    return _method(of, called[0], *map(ast.Constant, called[1]))


def _index(
    index: tuple[Any, ...], rank: int, tree: Callable[[Expression], Any], name_of: NameOf
) -> Any:
    parts: list[Any] = []
    for each in index:
        if isinstance(each, Expression):
            parts.append(tree(each))
        elif isinstance(each, ex.Step):
            parts.append(_place(each, name_of(each)))
        elif isinstance(each, tuple):
            parts.append(ast.Slice(*[None if b is None else ast.Constant(b) for b in each]))
        else:
            parts.append(ast.Constant(each))
    if len(index) > 2 and index == (*[ex.WHOLE] * rank, None):
        parts = [ast.Constant(...), ast.Constant(None)]
    return parts[0] if len(parts) == 1 else ast.Tuple(parts)


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
    whole = ast.Name("n")
    return whole if size == ex.N else ast.BinOp(whole, ast.Mult(), ast.Constant(size.times))


def _shape(shape: Shape) -> Any:
    return ast.Tuple(list(map(_size, shape)))


@cache
def parse(source: str) -> Any:
    """Returns the syntax tree of an expression."""
    return ast.parse(source, mode="eval").body


def number(x: float) -> Any:
    """Returns a number, whole ones without a point."""
    if x != x or x in (inf, -inf):
        return parse("np.nan" if x != x else "np.inf" if x > 0 else "-np.inf")
    if x == pi:
        return parse("np.pi")
    if x == int(x) and abs(x) < 1e6 and not (x == 0 and str(x)[0] == "-"):
        return parse(str(int(x)))
    whole = round(1 / abs(x)) if abs(x) > 1e-4 and len(repr(abs(x))) > 12 else 0
    if whole > 0 and 1 / whole == abs(x):
        return parse(f"{'-' if x < 0 else ''}1 / {whole}")  # as the learner wrote it
    return parse(repr(float(x)))


def real(x: float) -> Any:
    """Returns a number with its point, so that an array of it holds floats."""
    return ast.Constant(float(x)) if x - x == 0 else number(x)


def _call(function: str, *arguments: Any, **named: Any) -> Any:
    return ast.Call(parse(function), list(arguments), _keywords(named))


def _method(of: Any, name: str, *arguments: Any, **named: Any) -> Any:
    return ast.Call(ast.Attribute(of, name), list(arguments), _keywords(named))


def _keywords(named: dict[str, Any]) -> list[ast.keyword]:
    return [ast.keyword(name, value) for name, value in named.items()]
