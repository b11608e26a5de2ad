"""Expressions of the typed program in NumPy, as Python's syntax trees.

With trees, brackets appear only where they are needed. `lines.py` calls it.
"""

import ast
from collections.abc import Callable
from functools import cache, partial, reduce
from math import inf, pi
from typing import Any

from micrograd_notes.lifting.codegen.numpy import erfc
from micrograd_notes.lifting.typed.expressions import (
    COMPARISONS,
    WHOLE,
    Apply,
    Count,
    Counting,
    Einstein,
    Empty,
    Examples,
    Expression,
    Inner,
    MatMul,
    N,
    Number,
    Part,
    Read,
    Reduce,
    Reshape,
    SegmentSums,
    Shape,
    Spread,
    Stack,
    Step,
    Sum,
    Total,
    Transpose,
    Where,
)

NameOf = Callable[[Any], str]  # the name of what is read, and for a `Step` that of its counter
OPERATORS: dict[str, Any] = {
    "add": ast.Add, "subtract": ast.Sub, "multiply": ast.Mult, "divide": ast.Div, "power": ast.Pow,
    "greater": ast.Gt, "less": ast.Lt, "equal": ast.Eq,
}


def text(expression: Expression, name_of: NameOf) -> str:
    """Returns an expression's source."""
    return unparsed(spelled(expression, name_of))


def unparsed(tree: ast.expr) -> str:
    """Returns the source of a syntax tree."""
    return ast.unparse(ast.fix_missing_locations(tree))


def is_call(expression: Expression) -> bool:
    """Returns whether an expression is spelled as a call, which needs no brackets anywhere."""
    if isinstance(expression, Apply):
        return expression.function not in (*OPERATORS, "negative")
    if isinstance(expression, Sum):
        return not _adds_up_rows(expression)
    if isinstance(expression, Transpose):
        return expression.order != (1, 0)
    return isinstance(expression, Where | Reshape | Spread | Stack | Reduce | Inner | Einstein)


def spelled(expression: Expression, name_of: NameOf) -> Any:
    """Returns an expression as a syntax tree."""

    def tree(each: Expression) -> Any:
        return spelled(each, name_of)

    match expression:
        case Read(source):
            return ast.Name(name_of(source))
        case Number(value):
            return number(value)
        case Count():
            return ast.Name("n")
        case Empty(to):
            return _filled("np.empty", to, name_of)
        case Spread(Number(0.0), to):
            return _filled("np.zeros", to, name_of)
        case Counting(size):
            return _call("np.arange", _size(size))
        case Apply(function, of):
            return _applied(function, list(map(tree, of)))
        case Total(of):
            return reduce(partial(_operator, "add"), map(tree, of))
        case Where(condition, Number(yes), Number(no)):  # floats, as whole numbers divide otherwise
            return _call("np.where", tree(condition), *map(real, (yes, no)))
        case Where(condition, yes, no):
            return _call("np.where", tree(condition), tree(yes), tree(no))
        case Reshape(of, to):
            sizes = [-1 if isinstance(size, Examples) else size for size in to]
            return _method(tree(of), "reshape", *(map(ast.Constant, sizes) if to else [_shape(())]))
        case Transpose(of, order):
            return _transposed(tree(of), order)
        case Part(of, index):
            return ast.Subscript(tree(of), _index(index, len(of.shape), tree, name_of))
        case Spread(of, to):
            return _call("np.broadcast_to", tree(of), _shape(to))
        case Stack(of, axis):
            shapes = {each.shape for each in of}
            arrays: Any = ast.List(list(map(tree, of)))
            if len(shapes) > 1:
                arrays = _call("np.broadcast_arrays", *arrays.elts)
            return _call("np.stack", arrays, axis=ast.Constant(axis))
        case Sum(of, axes):
            return _sum(expression, tree(of), axes)
        case Reduce(function, of):
            return _method(tree(of), function, axis=ast.Constant(-1))
        case SegmentSums(of, starts):
            return _call("np.add.reduceat", tree(of), tree(starts), axis=ast.Constant(-1))
        case MatMul(left, right):
            return ast.BinOp(tree(left), ast.MatMult(), tree(right))
        case Inner(left, right):
            return _call("np.vecdot", tree(left), tree(right))
        case Einstein(left, right, letters):
            return _call("np.einsum", ast.Constant(letters), tree(left), tree(right))
    raise AssertionError(f"no spelling for {expression!r}")


def _filled(function: str, to: Shape, name_of: NameOf) -> Any:
    """Returns a new array, with as many digits as the parameters, if there are any."""
    has_theta = getattr(name_of, "parameters", None)
    return _call(function, _shape(to), **({"dtype": parse("theta.dtype")} if has_theta else {}))


def _applied(function: str, operands: list[Any]) -> Any:
    if function == "negative":
        return ast.UnaryOp(ast.USub(), operands[0])
    if function in COMPARISONS:
        return ast.Compare(operands[0], [OPERATORS[function]()], operands[1:])
    if function in OPERATORS:
        return _operator(function, *operands)
    if function == "math.erfc":
        return _call(erfc.NAME, *operands)
    if function.startswith("math."):
        return ast.Call(_call("np.vectorize", parse(function)), operands, [])
    return _call(f"np.{function}", *operands)


def _operator(function: str, left: Any, right: Any) -> Any:
    """Returns left + right and its kind: a + -b is a - b, and a product a @ b gets brackets."""
    if function in ("multiply", "divide") and _is_product(left):
        left = ast.Name(f"({unparsed(left)})")  # needed by nobody but the reader
    if function == "add":
        if _is_negative(left) and not _is_negative(right):
            left, right = right, left
        if _is_negative(right):
            return ast.BinOp(left, ast.Sub(), right.operand)
    return ast.BinOp(left, OPERATORS[function](), right)


def _is_negative(tree: Any) -> bool:
    return isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub)


def _is_product(tree: Any) -> bool:
    return isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.MatMult)


def _adds_up_rows(expression: Sum) -> bool:
    """Returns whether it is the sum of the rows of a matrix with a row per example."""
    return expression.axes == (0,) and len(expression.of.shape) == 2 and expression.of.shape[0] == N


def _sum(expression: Sum, of: Any, axes: tuple[int, ...]) -> Any:
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
        elif isinstance(each, Step):
            parts.append(_place(each, name_of(each)))
        elif isinstance(each, tuple):
            parts.append(ast.Slice(*[None if b is None else ast.Constant(b) for b in each]))
        else:
            parts.append(ast.Constant(each))
    if len(index) > 2 and index == (*[WHOLE] * rank, None):
        parts = [ast.Constant(...), ast.Constant(None)]
    return parts[0] if len(parts) == 1 else ast.Tuple(parts)


def _place(step: Step, counter: str) -> Any:
    """Returns t - 1, or 7 - t."""
    t: Any = ast.Name(counter)
    size = abs(step.times)
    moving = t if size == 1 else ast.BinOp(ast.Constant(size), ast.Mult(), t)
    if step.times < 0:
        return ast.BinOp(ast.Constant(step.plus), ast.Sub(), moving)
    sign = ast.Add() if step.plus > 0 else ast.Sub()
    return ast.BinOp(moving, sign, ast.Constant(abs(step.plus))) if step.plus else moving


def _size(size: Any) -> Any:
    if not isinstance(size, Examples):
        return ast.Constant(size)
    whole = ast.Name("n")
    return whole if size == N else ast.BinOp(whole, ast.Mult(), ast.Constant(size.times))


def _shape(shape: Shape) -> Any:
    return ast.Tuple(list(map(_size, shape)))


@cache
def _parsed(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def parse(source: str) -> Any:
    """Returns the syntax tree of an expression."""
    return _parsed(source)


def number(x: float) -> Any:
    """Returns a number, whole ones without a point."""
    if x != x or x in (inf, -inf):
        return parse("np.nan" if x != x else "np.inf" if x > 0 else "-np.inf")
    if x == pi:
        return parse("np.pi")
    if x == int(x) and abs(x) < 1e6 and not (x == 0 and str(x)[0] == "-"):
        return parse(str(int(x)))
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


def wrapped(target: str, tree: ast.expr, comment: str, width: int) -> list[str]:
    """Returns the lines of an assignment or a return, the terms of a long sum below each other."""
    whole = f"{target} {unparsed(tree)}"
    if len(whole) + len(comment) <= width:
        return [whole + comment]
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub):
        return [f"{target} ({comment}", *_terms(tree), ")"]
    if isinstance(tree, ast.BinOp):
        sign = {ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**"}[type(tree.op)]
        left, right = _bracketed(tree.left, tree), _bracketed(tree.right, tree)
        return [f"{target} ({comment}", f"    {left}", f"    {sign} {right}", ")"]
    function = tree.func if isinstance(tree, ast.Call) else None
    if isinstance(function, ast.Attribute) and not isinstance(function.value, ast.Name):
        assert isinstance(tree, ast.Call)
        of = unparsed(function.value)
        written = ", ".join([ast.unparse(argument) for argument in [*tree.args, *tree.keywords]])
        return [f"{target} ({comment}", f"    {of}", f").{function.attr}({written})"]
    if isinstance(tree, ast.Call):
        every = [*tree.args, *tree.keywords]
        arguments = [f"    {ast.unparse(argument)}," for argument in every]
        return [f"{target} {unparsed(tree.func)}({comment}", *arguments, ")"]
    return [whole + comment]


def _terms(tree: Any) -> list[str]:
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub):
        sign = "+" if isinstance(tree.op, ast.Add) else "-"
        return [*_terms(tree.left), f"    {sign} {_bracketed(tree.right, tree)}"]
    return [f"    ({unparsed(tree)})" if isinstance(tree, ast.Compare) else f"    {unparsed(tree)}"]


def _bracketed(tree: Any, parent: ast.BinOp) -> str:
    """Returns an operand, in brackets if its own operator binds less than that of its parent."""
    is_sum = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub)
    needs = isinstance(tree, ast.Compare) or is_sum
    if not isinstance(parent.op, ast.Add | ast.Sub):
        needs = needs or isinstance(tree, ast.BinOp | ast.UnaryOp)
    return f"({unparsed(tree)})" if needs else unparsed(tree)
