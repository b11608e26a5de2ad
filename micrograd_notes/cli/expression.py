"""`parse_expression`: turns a formula like "a*b + tanh(c)" into a graph of `Value`s.

`micrograd-notes draw` calls it, with the numbers that `all_assigned` reads from texts like "a=2".
Python's parser reads the formula, and `_Reader` walks the syntax tree. It accepts only numbers, the
given names, arithmetic and built-in operations; `eval` is never called.
"""

import ast
import difflib
import keyword
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from micrograd_notes.engine import Value, functions
from micrograd_notes.engine.op import TABLE

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.USub: "neg",
    ast.UAdd: "pos",
}
_BUILT_FROM_ROWS: dict[str, Callable[..., Any]] = {
    "maximum": functions.maximum,
    "minimum": functions.minimum,
    "clamp": functions.clamp,
}


class ExpressionError(ValueError):
    """A formula that can't be read. The message points to the place."""


def parse_expression(text: str, values: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """Returns the formula's result, and the `Value` of each name.

    Raises:
        ExpressionError: the text is not a formula, or a name in it does not have a value.
        ValueError, ArithmeticError: an operation is not defined for its numbers.

    >>> result, names = parse_expression("a*b + tanh(c)", {"a": 2, "b": -3, "c": 10})
    >>> result.backward()
    >>> round(result.data, 4), names["a"].grad
    (-5.0, -3.0)
    """
    reader = _Reader(text.strip(), {name: Value(x, name=name) for name, x in values.items()})
    try:
        result = reader.read(_parsed(reader.text))
    except (RecursionError, MemoryError):
        raise ExpressionError("the formula has too many nested parts") from None
    unused = [name for name in reader.values if name not in reader.used]
    if unused:
        raise ExpressionError(f"the formula does not use {', '.join(unused)}; remove it")
    return (result if isinstance(result, Value) else Value(result)), reader.values


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        at = (error.offset or 1) - 1
        raise ExpressionError(
            _pointed(text, at, f"not a formula: {error.msg}", error.lineno or 1)
        ) from None
    except ValueError as error:  # a null byte
        raise ExpressionError(f"not a formula: {error}") from None


class _Reader:
    """Walks the syntax tree and computes; anything that it does not accept is an error."""

    def __init__(self, text: str, values: dict[str, Value]) -> None:
        self.text = text
        self.values = values
        self.used: set[str] = set()

    def read(self, piece: ast.expr) -> Any:
        match piece:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self.number(piece, number)
            case ast.Name(id=name):
                return self.name(piece, name)
            case ast.UnaryOp(op=kind, operand=operand) if type(kind) in _OPERATORS:
                return TABLE[_OPERATORS[type(kind)]](self.read(operand))
            case ast.BinOp(left=left, op=kind, right=right) if type(kind) in _OPERATORS:
                return TABLE[_OPERATORS[type(kind)]](self.read(left), self.read(right))
            case ast.Call(func=ast.Name(id=name), args=operands, keywords=[]):
                return self.call(piece, name, operands)
        known = "numbers, names, + - * / **, parentheses and operations like tanh(x)"
        hint = ""
        if isinstance(piece, ast.BinOp) and isinstance(piece.op, ast.BitXor):
            hint = "; for a power write a**b"
        elif isinstance(piece, ast.Compare):
            hint = "; for a comparison write greater(a, b)"
        raise self.error(piece, f"a formula is made of {known}{hint}")

    def number(self, piece: ast.expr, number: float) -> float:
        try:
            return float(number)
        except OverflowError:
            raise self.error(piece, "this number is too large for a float") from None

    def name(self, piece: ast.expr, name: str) -> Value:
        if name not in self.values:
            raise self.error(piece, f"{name!r} needs a value; add {name}=1.5")
        self.used.add(name)
        return self.values[name]

    def call(self, piece: ast.expr, name: str, operands: list[ast.expr]) -> Any:
        function = _BUILT_FROM_ROWS.get(name) or TABLE.get(name)
        if function is None:
            rows = [name for name, op in TABLE.items() if not op.is_helper]
            known = sorted([*rows, *_BUILT_FROM_ROWS])
            near = difflib.get_close_matches(name, known, n=1)
            near = {"min": ["minimum"], "max": ["maximum"], "ln": ["log"]}.get(name, near)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
            raise self.error(piece, f"unknown operation {name!r}; {hint}")
        numbers = [self.read(operand) for operand in operands]
        try:
            return function(*numbers)
        except TypeError as error:  # too few or too many operands
            raise self.error(piece, str(error)) from None

    def error(self, piece: ast.expr, message: str) -> ExpressionError:
        before = self.text.splitlines()[piece.lineno - 1].encode()[: piece.col_offset]
        return ExpressionError(_pointed(self.text, len(before.decode()), message, piece.lineno))


def _pointed(text: str, column: int, message: str, line: int = 1) -> str:
    """Returns the message, the formula, and an arrow that points to the piece."""
    lines = text.splitlines() or [""]
    lines.insert(line, " " * column + "^")
    return "\n  ".join([message, *lines])


def all_assigned(texts: list[str]) -> dict[str, float]:
    """Returns the number of each name; ValueError if a name is given twice."""
    values: dict[str, float] = {}
    for name, number in map(assigned, texts):
        if name in values:
            raise ValueError(f"{name} is given twice, {values[name]:g} and {number:g}; remove one")
        values[name] = number
    return values


def assigned(text: str) -> tuple[str, float]:
    """Returns the name and the number in "a=2".

    >>> assigned("a=2")
    ('a', 2.0)
    """
    name, equals, number = text.partition("=")
    # Python's parser normalises the names in a formula this way: µ (U+00B5) becomes μ (U+03BC).
    name = unicodedata.normalize("NFKC", name)
    if not equals or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"a name and its number must be written like a=2, got {text!r}")
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {number!r}") from None
