"""Executes notebooks with all their answers, in a second process beside the tests.

Notebooks take longer than most tests, and a second core is idle meanwhile. So a separate process
begins to execute them when the tests begin:

    python -m tests.notebooks.running FOLDER 01_a_neuron_by_hand ...

It writes each executed notebook to the folder, and the error of the cell that raised, if one did,
to a text file beside it. `test_notebooks` checks the results.
"""

import copy
import html
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.notebooks.answers import RIGHT_ANSWERS, WRONG_ANSWERS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
NICENESS = 5  # the tests go first


# ---- notebooks and their exercises ---------------------------------------------------------------


@cache
def committed(name: str) -> Any:
    import nbformat

    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]


def exercises(name: str) -> list[str]:
    ids = [cell.id for cell in committed(name).cells]
    return [each.removeprefix("stub-") for each in ids if each.startswith("stub-")]


def printed_by(cell: Any) -> str:
    """Returns what a cell of code printed, in the open or into the folded answer of a guess."""
    said = []
    for output in cell.outputs:
        if output.output_type == "stream":
            said.append(output.text)
        else:
            folded = re.findall(r'<pre class="printed">(.*?)</pre>', html_of(output), re.DOTALL)
            said += [f"{html.unescape(text)}\n" for text in folded]
    return "".join(said)


def html_of(output: Any) -> str:
    return str(output.get("data", {}).get("text/html", ""))


def solution_in(markdown: str) -> str:
    """Returns the Python block that is folded away in a cell of prose."""
    found = re.search(r"<details>.*?```python\n(.*?)```\n.*?</details>", markdown, re.DOTALL)
    assert found, f"no solution in {markdown!r}"
    return found[1]


PROMISES = Path(__file__).parent / "promises"


@cache
def promises(name: str) -> dict[str, str]:
    """Returns what a notebook promises to its reader: asserts, by the cell that they follow.

    They are in `promises/NAME.py`, each below a line `# %% after CELL`, and run in the notebook's
    kernel; so a reader meets none of them, and none of them gives an answer away.
    """
    _, *parts = re.split(rf"^# %% after (\S+)(?:{LAST_BITS})?\n", _kept(name), flags=re.MULTILINE)
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    assert len(found) == len(parts) / 2, f"{name}.py: a cell has two promises"
    return found


LAST_BITS = r", whose numbers depend on last bits"


def depend_on_last_bits(name: str) -> list[str]:
    """Returns the cells that print other numbers on another processor, or after another rounding.

    A long training makes a large difference of a small one. What the prose says about such numbers
    is promised, and must hold wherever the notebook runs.
    """
    return re.findall(rf"^# %% after (\S+){LAST_BITS}$", _kept(name), flags=re.MULTILINE)


def _kept(name: str) -> str:
    path = PROMISES / f"{name}.py"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def with_answers(name: str) -> Any:
    """Returns a copy with the promises, where each exercise is answered: wrongly, then rightly.

    A promise is in a cell `promised-…` right after its cell (see `promises`).

    The answers are in cells `wrong-…-0` and so on, and `right-…-0`. After each comes the
    check again, as `refused-…-0`, `refused-…-1` and so on, and `accepted-…-0` and so on.
    """
    import nbformat

    new_code_cell: Any = nbformat.v4.new_code_cell
    notebook = committed(name)
    cells = {cell.id: cell for cell in notebook.cells}
    answered = copy.deepcopy(notebook)
    answered.cells = []
    kept = promises(name)
    for cell in cells.values():
        answered.cells.append(cell)
        if cell.id in kept:
            answered.cells.append(new_code_cell(kept[cell.id], id=f"promised-{cell.id}"))
        exercise = cell.id.removeprefix("check-")
        if exercise == cell.id:
            continue
        answers = {
            f"wrong-{exercise}-{number}": (answer, f"refused-{exercise}-{number}")
            for number, (answer, _) in enumerate(WRONG_ANSWERS[exercise])
        }
        # the notebook's own solution comes last: the cells after it use it
        solution = solution_in(cells[f"solution-{exercise}"].source)
        rights = [*RIGHT_ANSWERS.get(exercise, []), solution]
        answers |= {
            f"right-{exercise}-{number}": (answer, f"accepted-{exercise}-{number}")
            for number, answer in enumerate(rights)
        }
        for id, (answer, verdict) in answers.items():
            answered.cells += [
                new_code_cell(answer, id=id),
                new_code_cell(cell.source, id=verdict),
            ]
    return answered


NUDGE = """
import random
import micrograd_notes

def nudged_fit(model, *arguments, fit=micrograd_notes.fit, bits=random.Random(0), **options):
    for p in model.parameters():
        p.data *= 1 + bits.choice([-2, -1, 1, 2]) * 2.0**-52
    return fit(model, *arguments, **options)

micrograd_notes.fit = nudged_fit
del random
"""


def nudged(name: str) -> Any:
    """Returns a copy with the promises, in which each training begins a last bit away."""
    import nbformat

    notebook = with_answers(name)
    first: Any = nbformat.v4.new_code_cell(NUDGE, id="nudge")  # type: ignore[no-untyped-call]
    notebook.cells.insert(0, first)
    return notebook


# ---- the process ---------------------------------------------------------------------------------


def execute() -> ModuleType:
    return script("execute")


@cache
def script(name: str) -> ModuleType:
    """Returns a script of the notebooks, which is not a part of the package, as a module."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Runs:
    """The process that executes notebooks; `result` waits until it has ended."""

    def __init__(self, names: Sequence[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="notebooks-")
        self._said = Path(self._folder.name, "said.txt")
        before = [path for path in [os.environ.get("PYTHONPATH")] if path]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.notebooks.running", self._folder.name, *names],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *before])},
                stdout=said,
                stderr=said,
            )

    def result(self, name: str) -> Any:
        """Returns the executed notebook; fails with the error of the cell that raised."""
        import nbformat

        assert self._process.wait() == 0, self._said.read_text(errors="replace")
        error = Path(self._folder.name, f"{name}.txt")
        assert not error.exists(), error.read_text(encoding="utf-8")
        path = Path(self._folder.name, f"{name}.ipynb")
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Ends the process, if it still runs, and removes the files that it wrote."""
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()


def main() -> None:
    import nbformat

    if hasattr(os, "nice"):
        os.nice(NICENESS)
    folder, *names = sys.argv[1:]
    runs = execute().executed([with_answers(name) for name in names])
    for name, run in zip(names, runs, strict=True):
        nbformat.write(run.notebook, Path(folder, f"{name}.ipynb"))  # type: ignore[no-untyped-call]
        if run.error:
            Path(folder, f"{name}.txt").write_text(str(run.error), encoding="utf-8")


if __name__ == "__main__":
    main()
