"""Pieces of NumPy source as Python's syntax trees, so that brackets appear only where needed.

All of `arrays` and `codegen` build source with it: spellings of the table, indexing, reshaping,
transposing. Read `codegen/emit.py` next.
"""

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any


def parse(text: str) -> Any:
    """Returns the tree of an expression."""
    return ast.parse(text, mode="eval").body


@cache
def _template(text: str) -> ast.expr:
    # {0}, {all} and {rest} become names, which operands replace
    for number in range(9):
        text = text.replace(f"{{{number}}}", f"_operand{number}")
    text = text.replace("{all}", "_all").replace("{rest}", "_rest")
    return parse(text)  # type: ignore[no-any-return]


class _Fill(ast.NodeTransformer):
    def __init__(self, operands: Mapping[str, Any]) -> None:
        self.operands = operands

    def visit_Call(self, node: ast.Call) -> Any:
        if isinstance(self.operands.get("_all"), list):
            operands = self.operands["_all"]
            is_all = [isinstance(a, ast.Name) and a.id == "_all" for a in node.args]
            pairs = zip(node.args, is_all, strict=True)
            node.args = [each for a, is_it in pairs for each in (operands if is_it else [a])]
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> Any:
        return self.operands.get(node.id, node)


def fill(template: str, operands: Sequence[Any], everything: Any = None, rest: Any = None) -> Any:
    """Returns a spelling of the table with its operands."""
    names = {f"_operand{i}": operand for i, operand in enumerate(operands)}
    names |= {"_all": everything} if everything is not None else {}
    names |= {"_rest": rest} if rest is not None else {}
    return _Fill(names).visit(copied(_template(template)))


def copied(tree: Any) -> Any:
    """Returns a copy of the tree that shares no part with it."""
    fields: dict[str, Any] = {}
    for name, field in ast.iter_fields(tree):
        if isinstance(field, ast.AST):
            fields[name] = copied(field)
        else:
            is_tree = isinstance(field, list)
            fields[name] = [copied(item) for item in field] if is_tree else field
    return type(tree)(**fields)


def substitute(tree: Any, names: Mapping[str, Any]) -> Any:
    """Returns the tree with names replaced by other trees."""
    return _Fill(names).visit(tree)


def text(tree: Any) -> str:
    """Returns the source of a tree, with a few spellings simplified."""
    return ast.unparse(ast.fix_missing_locations(_Plainer().visit(copied(tree))))


class _Plainer(ast.NodeTransformer):
    """a + -b becomes a - b, and np.where(c, 1, 0) as a factor or after a minus becomes c."""

    def visit_Constant(self, node: ast.Constant) -> Any:
        return number(node.value) if isinstance(node.value, float) else node

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        if node.args and ast.unparse(node.func) == "np.where":
            condition = chosen_by(node.args[0])
            node.args[0] = node.args[0] if condition is None else condition
        if _is_reshape(node) and _is_reshape(node.func.value):  # type: ignore[attr-defined]
            node.func.value = node.func.value.func.value  # type: ignore[attr-defined]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult | ast.Div) and _is_matrix_product(node.left):
            node.left = ast.Name(f"({ast.unparse(node.left)})")  # more readable
        if isinstance(node.op, ast.Add):
            left, right = node.left, node.right
            if _is_negative(left) and not _is_negative(right):
                left, right = right, left
            if _is_negative(right):
                node = ast.BinOp(left, ast.Sub(), right.operand)  # type: ignore[attr-defined]
        if isinstance(node.op, ast.Sub) and (condition := chosen_by(node.right)) is not None:
            node.right = condition
        if isinstance(node.op, ast.Mult):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                condition = chosen_by(one.operand if _is_negative(one) else one)  # type: ignore[attr-defined]
                if condition is not None and not isinstance(other, ast.Compare):
                    other = ast.UnaryOp(ast.USub(), other) if _is_negative(one) else other
                    return ast.BinOp(other, ast.Mult(), condition)
        return node


def _is_reshape(node: Any) -> bool:
    """Returns whether it is x.reshape(shape); of two in a row only the last one matters."""
    function = node.func if isinstance(node, ast.Call) else None
    return isinstance(function, ast.Attribute) and function.attr == "reshape"


def _is_negative(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _is_matrix_product(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)


def chosen_by(node: ast.expr) -> ast.expr | None:
    """Returns the c of np.where(c, 1.0, 0.0); None for anything else."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.where" and len(node.args) == 3:
        condition, yes, no = node.args
        if isinstance(condition, ast.Compare) and [number_of(yes), number_of(no)] == [1, 0]:
            return condition
    return None


def number_of(tree: Any) -> float | None:
    """Returns the number of a tree; None if it is not a number."""
    value = tree.value if isinstance(tree, ast.Constant) else None
    return float(value) if isinstance(value, int | float) and value is not True else None


def name(identifier: str) -> Any:
    """Returns a name."""
    return ast.Name(identifier)


def number(x: float) -> Any:
    """Returns a number, whole ones without a point."""
    if x != x or x in (float("inf"), float("-inf")):
        return parse("np.nan" if x != x else "np.inf" if x > 0 else "-np.inf")
    if x == int(x) and abs(x) < 1e6 and not (x == 0 and str(x)[0] == "-"):
        return parse(str(int(x)))
    return parse(repr(x))


def real(x: float) -> Any:
    """Returns a number with its point, so that an array of it holds floats."""
    return number(x) if x != x or x in (float("inf"), float("-inf")) else ast.Constant(float(x))


def total(terms: Sequence[Any]) -> Any:
    """Returns the sum of trees; a number, or a term with a minus, does not come first."""
    first, *rest = sorted(terms, key=lambda t: isinstance(t, ast.UnaryOp | ast.Constant))
    for term in rest:
        first = ast.BinOp(first, ast.Add(), term)
    return first


def product(left: Any, right: Any) -> Any:
    """Returns left * right."""
    return ast.BinOp(left, ast.Mult(), right)


def matrix_product(left: Any, right: Any) -> Any:
    """Returns left @ right."""
    return ast.BinOp(left, ast.MatMult(), right)


def method(tree: Any, called: str, *arguments: Any) -> Any:
    """Returns tree.called(arguments)."""
    given: list[Any] = [a if isinstance(a, ast.AST) else parse(repr(a)) for a in arguments]
    return ast.Call(ast.Attribute(tree, called), given, [])


def reshaped(tree: Any, shape: Sequence[int]) -> Any:
    """Returns tree.reshape(shape)."""
    return method(tree, "reshape", *shape)


def transposed(tree: Any, order: Sequence[int]) -> Any:
    """Returns the array with its axes in another order."""
    if list(order) == list(range(len(order))):
        return tree
    if list(order) == [1, 0]:
        return ast.Attribute(tree, "T")
    moved = [i for i, axis in enumerate(order) if i != axis]
    if len(moved) == 2:
        return method(tree, "swapaxes", *moved)
    return method(tree, "transpose", *order)


def indexed(tree: Any, index: Sequence[Any]) -> Any:
    """Returns tree[index]; an index is an int, a (start, stop, step), None, or a tree."""
    parts: list[Any] = []
    for part in index:
        if isinstance(part, tuple):
            bounds = [None if b is None else ast.Constant(b) for b in part]
            parts.append(ast.Slice(*bounds))
        elif part is None or isinstance(part, int):
            parts.append(ast.Constant(part))
        else:
            parts.append(part)
    while len(parts) > 1 and ast.unparse(parts[-1]) == ":":
        parts.pop()
    if [ast.unparse(p) for p in parts] in ([":"], []):
        return tree
    return ast.Subscript(tree, parts[0] if len(parts) == 1 else ast.Tuple(parts))


EVERYTHING = (None, None, None)
