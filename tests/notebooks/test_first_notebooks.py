"""The first notebooks need few rooms of the package: they run where the others are missing."""

import json
from pathlib import Path

import pytest

from tests.test_layers import OPTIONAL, PACKAGE, without

pytest.importorskip("matplotlib", reason="the notebooks draw")
pytest.importorskip("IPython", reason="the notebooks display")

NOTEBOOKS = PACKAGE.parent / "notebooks"
DRAW_AND_ASK = ["draw", "course"]  # what the first notebooks need beside the engine and networks

# Each notebook has names of its own; what they import, they import once.
IN_TURN = """
for code in {codes!r}:
    exec(compile(code, "a notebook", "exec"), {{"__name__": "__main__"}})
    print("to the end")
"""


def code_of(chapter: str) -> str:
    (path,) = NOTEBOOKS.glob(f"{chapter}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_the_first_notebooks_need_neither_training_nor_lifting_nor_the_checker(
    tmp_path: Path,
) -> None:
    """They run without all other rooms at once, and so without each of them."""
    closed = [room for room in OPTIONAL if room not in DRAW_AND_ASK]
    codes = [code_of(chapter) for chapter in ("01", "02", "03")]
    said = without(closed, tmp_path, IN_TURN.format(codes=codes))
    assert said.splitlines().count("to the end") == 3, said[-2000:]
    assert said.endswith("to the end\n"), said[-2000:]
