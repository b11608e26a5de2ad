"""Which faults are put in: every mutant of a file, as the text of the whole file.

Cosmic Ray knows how to find and change the places. This file chooses among its operators, and adds
one, the removal of a statement. Left out is what tells nothing of the tests:

- operators that no float has (`|`, `<<`, `~`), and `is` for `==`: such a mutant fails wherever it
  is reached, or is the same thing in another spelling;
- text: names, labels, NumPy spellings and messages, which tests of their own read word for word.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ARITHMETIC = "Add|Sub|Mul|Div|FloorDiv|Mod|Pow"
ORDER = "Eq|NotEq|Lt|LtE|Gt|GtE"
CHOSEN = re.compile(
    "core/("
    f"ReplaceBinaryOperator_({ARITHMETIC})_({ARITHMETIC})"
    f"|ReplaceComparisonOperator_(({ORDER})_({ORDER})|Is_IsNot|IsNot_Is)"
    "|ReplaceUnaryOperator_Delete_(USub|Not)"
    "|AddNot|ExceptionReplacer|NumberReplacer|RemoveDecorator|Replace(And|Or)With(And|Or)"
    "|ReplaceBreakWithContinue|ReplaceContinueWithBreak"
    "|Replace(True|False)With(True|False)|ZeroIterationForLoop"
    ")"
)


@dataclass(frozen=True)
class Mutant:
    """One fault: the file it is in, the line as it was and as it is, and the file's new text."""

    file: str
    line: int
    name: str  # of the function, the method or the row that it is in
    before: str
    after: str
    text: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is called in a table that outlives changes elsewhere in the room."""
        return room_of(self.file), self.name, self.before, self.after

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name}\n    - {self.before}\n    + {self.after}"


def room_of(file: str) -> str:
    """Returns the folder of the package that a file is in."""
    return file.split("/")[1]


def mutants_of(file: str, source: str, lines: set[str] | None = None) -> Iterator[Mutant]:
    """Yields every mutant of the source that compiles and means something else; each one once.

    Where only those of some lines are wanted, as they stand in `Mutant.before`, the rest is left.
    """
    get_ast, ast_nodes = (getattr(_of("cosmic_ray.ast"), name) for name in ("get_ast", "ast_nodes"))
    mutate_code = _of("cosmic_ray.mutating").mutate_code
    seen = {ast.dump(ast.parse(source))}
    names = _names_by_line(source)
    nodes = list(ast_nodes(get_ast(source)))
    for operator in _operators():
        positions = [span for node in nodes for span in operator.mutation_positions(node)]
        for occurrence, (start, _) in enumerate(positions):
            line = source.splitlines()[start[0] - 1].strip()
            if lines is not None and not any(line in wanted for wanted in lines):
                continue
            text = mutate_code(source, operator, occurrence)
            meaning = _meaning(text)
            if meaning is None or meaning in seen:
                continue
            seen.add(meaning)
            before, after = _changed(source, text)
            yield Mutant(file, start[0], names.get(start[0], ""), before, after, text)


def _of(module: str) -> Any:
    """Returns a module of Cosmic Ray, which whoever runs the tests alone does without."""
    return importlib.import_module(module)


def _operators() -> list[Any]:
    plugins = _of("cosmic_ray.plugins")
    chosen = [name for name in sorted(plugins.operator_names()) if CHOSEN.fullmatch(name)]
    return [*(plugins.get_operator(name)() for name in chosen), _statement_remover()]


def _statement_remover() -> Any:
    """Returns an operator that puts `pass` in place of a statement of a function."""
    base: Any = _of("cosmic_ray.operators.operator").Operator
    keyword = _of("parso.python.tree").Keyword

    class StatementRemover(base):  # type: ignore[misc]
        def mutation_positions(self, node: Any) -> Iterator[Any]:
            if node.type == "simple_stmt" and node.search_ancestor("funcdef"):
                first = node.children[0]
                is_idle = first.get_code().strip() in {"...", "pass"}
                kinds = {"string", "global_stmt", "import_from", "import_name"}
                if first.type not in kinds and not is_idle:
                    yield first.start_pos, first.end_pos

        def mutate(self, node: Any, index: int) -> Any:
            first = node.children[0]
            prefix = first.get_first_leaf().prefix
            node.children[0] = keyword("pass", first.start_pos, prefix)
            return node

        @classmethod
        def examples(cls) -> tuple[Any, ...]:
            return ()

    return StatementRemover()


def _meaning(text: str) -> str | None:
    """Returns the program without its spelling; None if it is none."""
    try:
        tree = ast.parse(text)
        compile(text, "a mutant", "exec")
    except SyntaxError:
        return None
    return ast.dump(tree)


def _changed(source: str, text: str) -> tuple[str, str]:
    """Returns the lines that differ, before and after, without their indentation."""
    old, new = source.splitlines(), text.splitlines()
    start = next(i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    rest = min(len(old), len(new)) - start
    end = 0
    while end < rest and old[-1 - end] == new[-1 - end]:
        end += 1
    was, is_now = old[start : len(old) - end], new[start : len(new) - end]
    return " ".join(map(str.strip, was)), " ".join(map(str.strip, is_now))


def _names_by_line(source: str) -> dict[int, str]:
    """Returns for each line what it belongs to: a function, a method, a row, the facts of a row."""
    names: dict[int, str] = {}

    def visit(body: list[ast.stmt], above: str) -> None:
        for node in body:
            name = above
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                name = f"{above}.{node.name}" if above else node.name
                visit(node.body, name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name = above or node.target.id
                if isinstance(node.value, ast.Dict):
                    for key, fact in zip(node.value.keys, node.value.values, strict=True):
                        if isinstance(key, ast.Constant):
                            lines = range(key.lineno, (fact.end_lineno or fact.lineno) + 1)
                            names.update(dict.fromkeys(lines, str(key.value)))
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                names.setdefault(line, name)

    visit(ast.parse(source).body, "")
    return names
