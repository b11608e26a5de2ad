"""How each line of a source is written, with its shape: `z1 = x @ W1 + b1  # (n, 32)`.

`emit.py` calls `written`. A long line becomes several rows. Read `spelled.py` next.
"""

import ast
from ast import unparse
from collections.abc import Sequence
from typing import Any

from micrograd_notes.lifting.codegen.numpy.spelled import (
    SIGNS,
    in_brackets,
    spelled,
    spelled_shape,
    text,
)
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Line, Loop
from micrograd_notes.lifting.typed.names import Names

LIMIT = 100  # letters in a line
INDENT = "    "
Part = tuple[str, Any, str]  # a tree, and what stands in its row before it and behind it


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


def assignment(line: Line, names: Names, is_whole: bool = True) -> list[str]:
    """Returns the source of a line, with the shape of its array; see `wrapped`."""
    is_plain = line.shape == () or isinstance(line.value, ex.Empty)
    shape = "" if is_plain else f"  # {spelled_shape(line.shape)}"
    value = line.value
    if isinstance(value, ex.Spread) and line.target is not None:
        value = value.of  # NumPy repeats it
    begin = f"{target(line, names)} {'+=' if line.adds else '='}"
    return wrapped(begin, spelled(value, names), shape, LIMIT - 2 * len(INDENT), is_whole)


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


def wrapped(
    target: str, tree: ast.expr, comment: str, width: int, is_whole: bool = True
) -> list[str]:
    """Returns the rows of an assignment or a return, the terms of a long sum below each other.

    So is what would be too long in its own row; but for lists alone if not `is_whole`.
    """
    whole = f"{target} {unparse(tree)}{comment}"
    if len(whole) <= width:
        return [whole]
    first, *others = _rows((f"{target} ", tree, ""), width, is_whole)
    return [first + comment, *others]


def _rows(of: Part, width: int, is_whole: bool) -> list[str]:
    """Returns the rows of a tree that is too long for one."""
    before, tree, after = of
    start, inside, end = _parted(tree)
    rows, width = list[str](), width - len(INDENT)
    for each in inside:
        row = f"{each[0]}{unparse(each[1])}{each[2]}"
        if len(row) > width and (is_whole or isinstance(each[1], ast.List)):
            rows += _rows(each, width, is_whole)
        else:
            rows.append(row)
    if isinstance(tree, ast.List):
        rows = _side_by_side(rows, width)
    if not rows:
        return [before + unparse(tree) + after]
    return [before + start, *[INDENT + row for row in rows], end + after]


def _side_by_side(parts: Sequence[str], width: int) -> list[str]:
    rows = [*parts[:1]]
    for part in parts[1:]:
        if len(rows[-1]) + 1 + len(part) <= width and not part.startswith(INDENT):
            rows[-1] += f" {part}"
        else:
            rows.append(part)
    return rows


def listed(
    before: str, names: Sequence[str], after: str, width: int = LIMIT - len(INDENT)
) -> list[str]:
    """Returns the rows that return these names, or give them to what a list holds."""
    joined = f"({names[0]},)" if len(names) == 1 else ", ".join(names)
    if len(before + joined + after) <= width:
        return [before + joined + after]
    parts = [*[f"{name}," for name in names[:-1]], names[-1] + "," * (len(names) == 1)]
    inside = _side_by_side(parts, width - 2 * len(INDENT))
    return [f"{before}(", *[INDENT + row for row in inside], f"){after}"]


def _parted(tree: Any) -> tuple[str, list[Part], str]:
    """Returns what the first row of a tree begins with, those between, and the last row."""
    match tree:
        case ast.BinOp(_, ast.Add() | ast.Sub(), _):
            return "(", _terms(tree), ")"
        case ast.BinOp(left, sign, right):
            sides = ("", left), (f"{SIGNS[type(sign)]} ", right)
            return "(", [_bracketed(*side, tree) for side in sides], ")"
        case ast.Call(ast.Name(""), [of], _):  # brackets
            return "(", [("", of, "")], ")"
        case ast.Call(function, given, named):
            of, name = getattr(function, "value", ast.Name("")), getattr(function, "attr", "")
            arguments = ", ".join(map(unparse, [*given, *named]))
            if not isinstance(of, ast.Name) and len(arguments) < len(unparse(of)):
                return "(", [("", of, "")], f").{name}({arguments})"
            return f"{unparse(function)}(", _arguments([*given, *named]), ")"
        case ast.List(several):
            return "[", _arguments(several), "]"
        case ast.UnaryOp(_, of) | ast.Attribute(of) | ast.Subscript(of) if (
            isinstance(of, ast.BinOp | ast.Call)
        ):
            before, _, after = unparse(tree).partition(unparse(of))
            start, rows, end = _parted(of)
            return before.rstrip("(") + start, rows, end + after.lstrip(")")
    return "", [], ""


def _arguments(trees: Sequence[Any]) -> list[Part]:
    return [("", tree, ",") for tree in trees]


def _terms(tree: Any) -> list[Part]:
    match tree:
        case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right):
            return [*_terms(left), _bracketed(f"{SIGNS[type(sign)]} ", right, tree)]
    return [("", in_brackets(tree) if isinstance(tree, ast.Compare) else tree, "")]


def _bracketed(before: str, tree: Any, parent: ast.BinOp) -> Part:
    """Returns an operand, in brackets if its own operator binds less than that of its parent."""
    is_sum = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub)
    needs = isinstance(tree, ast.Compare) or is_sum
    if not isinstance(parent.op, ast.Add | ast.Sub):
        needs = needs or isinstance(tree, ast.BinOp | ast.UnaryOp)
    return before, in_brackets(tree) if needs else tree, ""
