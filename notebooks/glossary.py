"""Writes GLOSSARY.md: every term of the course, with the chapter that explains it.

    python notebooks/glossary.py

The chapters are the source. A term is explained where it first appears, in a line of its own:

    > **Epoch**: one pass through all training examples.

Run this after an edit; a test compares the file with the chapters.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER / "GLOSSARY.md"
TERM = re.compile(r"^> \*\*([^*]+)\*\*( \([^)]*\))?: ((?:.+\n?)(?:> (?!\*\*).+\n?)*)", re.MULTILINE)
HEAD = """\
# The words of the course

Each word is explained in the chapter where it first appears. The project uses it in the same sense
in its docstrings, messages and pictures.

"""


def terms() -> Iterator[tuple[str, str, str, str]]:
    """Yields each term, its explanation, the chapter's file, and the id of the cell."""
    for path in sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "markdown":
                continue
            for term, beside, explanation in TERM.findall("".join(cell["source"])):
                words = " ".join(re.sub(r"(?m)^> ?", "", explanation).split())
                yield term + beside, words, path.name, cell["id"]


def page() -> str:
    """Returns the page, in the order of the alphabet."""
    lines = [
        f"- **{term}**: {words} ([{name[:2]}]({name}#cell-id={cell}))"
        for term, words, name, cell in sorted(terms(), key=lambda each: each[0].casefold())
    ]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: {len(list(terms()))} terms")
