"""An expression that several lines of a program compute gets one line before them.

`emit.py` calls `shared`. Equal expressions have the same number, a name has the number of its
expression, and `x.max(-1, keepdims=True)` has that of `x.max(-1)[..., None]`. A line that only
repeats another one is removed. No expression has a side effect.
"""

import ast
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from micrograd_notes.lifting.arrays.source import chosen_by


class Line(NamedTuple):
    """A name and its expression."""

    name: str
    tree: Any
    may_go: bool = True  # False for a result, which no other line reads


def shared(
    lines: Sequence[Line], outputs: Any, new_name: Callable[[Any], str]
) -> tuple[list[Line], Any]:
    """Returns the lines and the outputs, with one line for each repeated call."""
    numbers = _Numbers()
    calls: Counter[int] = Counter()
    for name, tree, _ in lines:
        numbers.of_name[name] = numbers.of(tree)
        calls.update(numbers.of(n) for n in ast.walk(tree) if isinstance(n, ast.Call))
        calls.update(_bases(numbers, tree))
    calls.update(numbers.of(n) for n in ast.walk(outputs) if isinstance(n, ast.Call))
    calls.update(_bases(numbers, outputs))
    sharer = _Sharer(numbers, {k for k, n in calls.items() if n > 1}, new_name)
    for line in lines:
        sharer.add(line)
    return sharer.lines, sharer.visit(outputs)


def _bases(numbers: "_Numbers", tree: Any) -> list[int]:
    """Returns the numbers of the calls that keep an axis, without that axis."""
    kept = [_without_kept_axis(n) for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return [numbers.of(n) for n in kept if n is not None]


def with_plain_conditions(lines: Sequence[Line], outputs: Any) -> list[Line]:
    """Returns the lines, with c for np.where(c, 1, 0) where c need not be a float.

    It need not be one if it is multiplied, divided, or subtracted from a number.
    """
    conditions = {line.name: c for line in lines if (c := chosen_by(line.tree)) is not None}
    for tree in [*(line.tree for line in lines), outputs]:
        for name in _needed_as_floats(tree, set(conditions)):
            conditions.pop(name, None)
    return [
        line._replace(tree=conditions[line.name]) if line.name in conditions else line
        for line in lines
    ]


def _needed_as_floats(tree: Any, names: set[str]) -> set[str]:
    """Returns those of the names that an expression reads where it needs a float."""
    needed: set[str] = set()
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            found = _viewed(child)
            if found in names and not _takes_conditions(node, child, names):
                needed.add(found)
    return needed


def _viewed(node: Any) -> str:
    """Returns the name of an array that is only reshaped or transposed; '' otherwise."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute | ast.Subscript):
        return _viewed(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        is_view = node.func.attr in ("reshape", "swapaxes", "transpose")
        return _viewed(node.func.value) if is_view else ""
    return ""


def _takes_conditions(node: Any, child: Any, names: set[str]) -> bool:
    if isinstance(node, ast.BinOp):
        other = node.left if child is node.right else node.right
        plain = other.operand if isinstance(other, ast.UnaryOp) else other
        if _viewed(plain) in names or isinstance(plain, ast.Compare) or chosen_by(plain):
            return False  # one of two conditions must be a float
        is_taken_away = isinstance(node.op, ast.Sub) and child is node.right
        return is_taken_away or isinstance(node.op, ast.Mult | ast.MatMult | ast.Div)
    return _viewed(node) != "" or isinstance(node, ast.expr_context | ast.Slice)


class _Numbers:
    def __init__(self) -> None:
        self.of_name: dict[str, int] = {}
        self._known: dict[Any, int] = {}

    def of(self, node: Any) -> int:
        """Returns the number of an expression."""
        if isinstance(node, ast.Name):
            if node.id in self.of_name:
                return self.of_name[node.id]
            return self._number(("name", node.id))
        if isinstance(node, ast.Call) and (base := _without_kept_axis(node)) is not None:
            return self._number(("kept", self.of(base)))
        if isinstance(node, ast.Subscript) and _adds_last_axis(node.slice):
            return self._number(("kept", self.of(node.value)))
        parts: list[Any] = [type(node).__name__]
        for name, field in ast.iter_fields(node):
            if name in ("ctx", "kind"):
                continue  # only a parser sets these
            if isinstance(field, ast.AST):
                parts.append(self.of(field))
            elif isinstance(field, list):
                parts.append(tuple([self.of(item) for item in field]))
            else:
                parts.append((type(field).__name__, repr(field)))
        return self._number(tuple(parts))

    def _number(self, key: Any) -> int:
        return self._known.setdefault(key, len(self._known))


def _without_kept_axis(call: ast.Call) -> ast.Call | None:
    """Returns x.max(-1) for x.max(-1, keepdims=True); None for anything else."""
    if [k.arg for k in call.keywords] != ["keepdims"]:
        return None
    return ast.Call(call.func, call.args, [])


def _adds_last_axis(index: Any) -> bool:
    """Returns whether an index is [:, ..., :, None], or [..., None]."""
    parts = index.elts if isinstance(index, ast.Tuple) else []
    if not parts or not (isinstance(parts[-1], ast.Constant) and parts[-1].value is None):
        return False
    return all(ast.unparse(part) in (":", "...") for part in parts[:-1])


class _Sharer(ast.NodeTransformer):
    def __init__(
        self, numbers: _Numbers, repeated: set[int], new_name: Callable[[Any], str]
    ) -> None:
        self.numbers, self.repeated, self.new_name = numbers, repeated, new_name
        self.named: dict[int, str] = {}
        self.lines: list[Line] = []
        self._aliases: dict[str, str] = {}

    def add(self, line: Line) -> None:
        """Adds a line, or makes its name an alias of another line's."""
        if not line.may_go:
            self.lines.append(Line(line.name, self.visit(line.tree), False))
            return
        number = self.numbers.of_name[line.name]
        known = self.named.get(number)
        tree = self._inside(line.tree) if known is None else ast.Name(known)
        if isinstance(tree, ast.Name):
            self._aliases[line.name] = tree.id
            return
        self.named[number] = line.name
        self.lines.append(Line(line.name, tree))

    def visit_Name(self, node: ast.Name) -> Any:
        return ast.Name(self._aliases.get(node.id, node.id))

    def visit_Call(self, node: ast.Call) -> Any:
        base = _without_kept_axis(node)
        if base is not None and self.numbers.of(base) in self.repeated:
            index = ast.Tuple([ast.Constant(...), ast.Constant(None)])
            return ast.Subscript(self.visit_Call(base), index)
        number = self.numbers.of(node)
        if number not in self.repeated and number not in self.named:
            return self._inside(node)
        if number not in self.named:
            tree = self._inside(node)
            name = self.new_name(tree)
            self.named[number] = name
            self.numbers.of_name[name] = number
            self.lines.append(Line(name, tree))
        return ast.Name(self.named[number])

    def _inside(self, node: Any) -> Any:
        """Returns a copy with shared expressions inside, below its root."""
        if isinstance(node, ast.Name):
            return self.visit_Name(node)
        fields = {}
        for name, field in ast.iter_fields(node):
            if isinstance(field, ast.AST):
                fields[name] = self.visit(field)
            elif isinstance(field, list):
                fields[name] = [self.visit(item) for item in field]
            else:
                fields[name] = field
        return type(node)(**fields)

    def generic_visit(self, node: Any) -> Any:
        return self._inside(node)
