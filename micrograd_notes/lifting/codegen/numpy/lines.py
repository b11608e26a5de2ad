"""How each line of a source is written, with its shape: `z1 = x @ W1 + b1  # (n, 32)`.

`emit.py` calls `written`. A long line becomes several rows. Read `spelled.py` next.
"""

import ast
from ast import unparse
from collections.abc import Sequence
from typing import Any

from micrograd_notes.lifting.codegen.numpy.spelled import SIGNS, spelled, spelled_shape, text
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Line, Loop
from micrograd_notes.lifting.typed.names import Names

LIMIT = 100  # letters in a line
INDENT = "    "


def written(steps: Sequence[Line | Loop], names: Names) -> list[str]:
    """Returns the source of lines and loops."""
    rows: list[str] = []
    for step in steps:
        if isinstance(step, Line):
            rows += assignment(step, names)
        else:
            rows.append(f"for {names.counter} in {_range(step.counts)}:")
            rows += [INDENT + row for line in step.lines for row in assignment(line, names)]
    return rows


def assignment(line: Line, names: Names) -> list[str]:
    """Returns the source of a line, with the shape of its array."""
    is_plain = line.shape == () or isinstance(line.value, ex.Empty)
    shape = "" if is_plain else f"  # {spelled_shape(line.shape)}"
    value = line.value
    if isinstance(value, ex.Spread) and line.target is not None:
        value = value.of  # NumPy repeats it
    begin = f"{target(line, names)} {'+=' if line.adds else '='}"
    return wrapped(begin, spelled(value, names), shape, LIMIT - 2 * len(INDENT))


def target(line: Line, names: Names) -> str:
    """Returns what a line writes to: its own array, a part of another, or a derivative."""
    if line.target is not None:
        return text(line.target, names)
    if line.derivative_of is None:
        return names(line)
    if line.derivative_of.name == "theta":
        return "dtheta"
    return f"d{line.derivative_of.name}[...]"


def _range(counts: range) -> str:
    if counts.step == 1:
        return f"range({counts.start}, {counts.stop})" if counts.start else f"range({counts.stop})"
    return f"reversed({_range(counts[::-1])})"


def wrapped(target: str, tree: ast.expr, comment: str, width: int) -> list[str]:
    """Returns the rows of an assignment or a return, the terms of a long sum below each other."""
    whole = f"{target} {unparse(tree)}"
    start, end = "(", ")"
    match tree:
        case _ if len(whole) + len(comment) <= width:
            return [whole + comment]
        case ast.BinOp(_, ast.Add() | ast.Sub(), _):
            inside = _terms(tree)
        case ast.BinOp(left, sign, right):
            inside = [_bracketed(left, tree), f"{SIGNS[type(sign)]} {_bracketed(right, tree)}"]
        case ast.Call(ast.Attribute(of, name), given, named) if not isinstance(of, ast.Name):
            arguments = ", ".join(map(unparse, [*given, *named]))
            inside, end = [unparse(of)], f").{name}({arguments})"
        case ast.Call(function, given, named):
            start = f"{unparse(function)}("
            inside = [f"{unparse(each)}," for each in [*given, *named]]
        case _:
            return [whole + comment]
    return [f"{target} {start}{comment}", *[INDENT + row for row in inside], end]


def _terms(tree: Any) -> list[str]:
    match tree:
        case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right):
            return [*_terms(left), f"{SIGNS[type(sign)]} {_bracketed(right, tree)}"]
    return [f"({unparse(tree)})" if isinstance(tree, ast.Compare) else unparse(tree)]


def _bracketed(tree: Any, parent: ast.BinOp) -> str:
    """Returns an operand, in brackets if its own operator binds less than that of its parent."""
    is_sum = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub)
    needs = isinstance(tree, ast.Compare) or is_sum
    if not isinstance(parent.op, ast.Add | ast.Sub):
        needs = needs or isinstance(tree, ast.BinOp | ast.UnaryOp)
    return f"({unparse(tree)})" if needs else unparse(tree)
