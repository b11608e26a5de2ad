"""Prints the first table of micrograd_notes/README.md: how large each part is, and what it needs.

    python benchmarks/package.py             # print it
    python benchmarks/package.py --write     # and put it into micrograd_notes/README.md

A line of code is a line that is not blank and has more on it than a comment or a docstring. The
import time is measured in new processes, with Python's own start taken off; it depends on your
machine, so it is printed and never written.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import subprocess
import sys
import time
import tokenize
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "micrograd_notes"
MAP = PACKAGE / "README.md"
BEGIN, END = "<!-- table: benchmarks/package.py -->", "<!-- end of the table -->"

SITTING = ["engine/value.py", "engine/backward.py", "engine/ops.py", "engine/op.py"]
DOORS = ["engine/facts.py", "engine/accurate.py", "engine/fast.py"]
SKIPPED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
TRIES = 11


def lines_of_code(source: str) -> int:
    """Returns how many lines have code on them.

    >>> lines_of_code("x = 1  # one" + chr(10) * 2 + "# a comment" + chr(10) + "y = 2")
    2
    """
    prose: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            prose |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in SKIPPED and token.type != tokenize.ENDMARKER:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - prose)


def needs(files: Iterable[Path]) -> list[str]:
    """Returns the packages that the files import, now or later, beside the standard library."""
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return sorted(found - sys.stdlib_module_names - {PACKAGE.name})


def row(name: str, files: list[Path]) -> str:
    """Returns a row of the table: lines, lines of code, size, dependencies."""
    texts = [file.read_text(encoding="utf-8") for file in files]
    lines = sum(len(text.splitlines()) for text in texts)
    code = sum(map(lines_of_code, texts))
    size = sum(len(text.encode()) for text in texts) / 1000
    packages = ", ".join(needs(files)) or "–"
    return f"| {name} | {lines:,} | {code:,} | {size:.0f} kB | {packages} |"


def table() -> str:
    """Returns the table of the core and of the rooms, as Markdown."""
    engine = sorted(PACKAGE.joinpath("engine").rglob("*.py"))
    sitting, doors = ([PACKAGE / name for name in names] for names in (SITTING, DOORS))
    rows = ["| part | lines | of them code | size | needs |", "|---|---|---|---|---|"]
    rows += [row(f"[`{file.name}`](engine/{file.name})", [file]) for file in sitting]
    rows += [row("**the sitting together**", sitting)]
    rows += [row(f"[`{file.name}`](engine/{file.name})", [file]) for file in doors]
    rows += [row("the rest of `engine`", [f for f in engine if f not in sitting + doors])]
    return "\n".join(rows)


def written(text: str, table: str) -> str:
    """Returns the text of the map with the table in its place."""
    place = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if len(place.findall(text)) != 1:
        raise ValueError(f"{MAP} must have the lines {BEGIN} and {END} once")
    return place.sub(lambda found: f"{BEGIN}\n{table}\n{END}", text)


def import_time(statement: str) -> float:
    """Returns the milliseconds that a new process takes for a statement: the least of some."""
    best = {}
    for each in ("pass", statement):
        times = []
        for _ in range(TRIES):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", each], check=True, cwd=PACKAGE.parent)
            times.append(time.perf_counter() - began)
        best[each] = min(times)
    return 1000 * (best[statement] - best["pass"])


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--write", action="store_true", help="put it into the map")
    if options.parse_args().write:
        MAP.write_text(written(MAP.read_text(encoding="utf-8"), table()), encoding="utf-8")
    print(table())
    for name in ("micrograd_notes", "numpy"):
        try:
            print(f"\nimport {name}: {import_time(f'import {name}'):.0f} ms", end="")
        except subprocess.CalledProcessError:
            print(f"\nimport {name}: it is not installed", end="")
    print(f" beyond Python {sys.version.split()[0]} itself, the least of {TRIES}")


if __name__ == "__main__":
    main()
