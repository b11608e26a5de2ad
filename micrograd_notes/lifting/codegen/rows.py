"""Rows of a source in Python: a tree that is too long for one row is parted into several.

The printers of NumPy and of JAX call `wrapped` and `listed`.
"""

import ast
from ast import unparse
from collections.abc import Sequence
from typing import Any

LIMIT = 100  # letters in a line
INDENT = "    "
SUM = ast.Add | ast.Sub
TIGHT = ast.Mult | ast.Div | ast.MatMult | ast.Pow | ast.FloorDiv | ast.Mod  # bind more than a sum
Part = tuple[str, Any, str]  # a tree, and what stands in its row before it and behind it


def in_brackets(tree: Any) -> ast.Call:
    """Returns a tree in brackets that Python does not need: a call of what has no name."""
    return ast.Call(ast.Name(""), [tree], [])


def wrapped(
    target: str, tree: ast.expr, comment: str, width: int, is_whole: bool = True
) -> list[str]:
    """Returns the rows of an assignment or a return, the terms of a long sum below each other.

    So is what would be too long in its own row; but for lists alone if not `is_whole`.
    """
    whole = f"{target} {unparse(tree)}{comment}"
    if len(whole) <= width:
        return [whole]
    rows = _rows((f"{target} ", tree, ""), width, is_whole)
    rows[-1 if len(rows[-1] + comment) <= width else 0] += comment
    return rows


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
    return _in_rows(before, [*names[:-1], names[-1] + "," * (len(names) == 1)], after, width)


def headed(name: str, arguments: Sequence[str]) -> list[str]:
    """Returns the rows that begin a function."""
    row = f"def {name}({', '.join(arguments)}):"
    return [row] if len(row) <= LIMIT else _in_rows(f"def {name}", arguments, ":", LIMIT)


def asserted(condition: str, shown: str, width: int = LIMIT - len(INDENT)) -> list[str]:
    """Returns the rows that check a condition, and show the reason where it does not hold."""
    row = f"assert {condition}, {shown}"
    return [row] if len(row) <= width else _in_rows(f"assert {condition}, ", [shown], "", width)


def _in_rows(before: str, parts: Sequence[str], after: str, width: int) -> list[str]:
    inside = _side_by_side([*[f"{part}," for part in parts[:-1]], *parts[-1:]],
                           width - 2 * len(INDENT))
    return [f"{before}(", *[INDENT + row for row in inside], f"){after}"]


def _parted(tree: Any) -> tuple[str, list[Part], str]:
    """Returns what the first row of a tree begins with, those between, and the last row."""
    match tree:
        case ast.BinOp(_, ast.Add() | ast.Sub() | ast.BitAnd() | ast.BitOr(), _):
            return "(", _terms(tree), ")"
        case ast.BinOp(left, operator, right) | ast.Compare(left, [operator], [right]):
            sides = ("", left), (f"{_sign(operator)} ", right)
            return "(", [_bracketed(*side, is_term=False) for side in sides], ")"
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
    is_sum = isinstance(tree.op, SUM)
    match tree.left:
        case ast.BinOp(_, op, _) if isinstance(op, SUM if is_sum else type(tree.op)):
            before = _terms(tree.left)
        case first:
            before = [_bracketed("", first, is_sum)]
    return [*before, _bracketed(f"{_sign(tree.op)} ", tree.right, is_sum)]


def _sign(operator: ast.operator | ast.cmpop) -> str:
    """Returns how Python writes an operator between two operands."""
    none = ast.Name("")
    if isinstance(operator, ast.operator):
        return unparse(ast.BinOp(none, operator, none)).strip()
    return unparse(ast.Compare(none, [operator], [none])).strip()


def _bracketed(before: str, tree: Any, is_term: bool) -> Part:
    """Returns an operand, in brackets if it may bind less than the operator that it stands by."""
    is_operation = isinstance(tree, ast.BinOp | ast.UnaryOp | ast.Compare | ast.BoolOp | ast.IfExp)
    is_tight = isinstance(getattr(tree, "op", None), TIGHT | ast.USub | ast.UAdd | ast.Invert)
    needs = is_operation and not (is_term and is_tight)
    return before, in_brackets(tree) if needs else tree, ""
