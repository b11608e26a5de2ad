"""Every notebook runs from top to bottom, as committed and solved, and keeps the course's rules.

A notebook is executed once, in its own clean kernel (see `running`). Nothing may raise, and the
printed text must equal the committed text. At each exercise we stop, as a learner does: the stub is
"not written yet"; then come the wrong answers, each of which must be refused with the hint that
fits; then the solution that is folded away below, which must pass and stays for the cells after it.

One run serves for the notebook as committed and for the solved one, because only exercises follow
the first exercise; that is tested too.
"""

import copy
import re
from itertools import pairwise
from typing import Any

import pytest

from tests.notebooks.running import FOLDER, committed, execute, exercises
from tests.notebooks.wrong_answers import WRONG_ANSWERS

for needed in ("nbclient", "ipykernel", "matplotlib", "pygraphviz"):
    pytest.importorskip(needed, reason=f"the notebooks need {needed}")
nbformat: Any = pytest.importorskip("nbformat", reason="the notebooks need nbformat")

NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))

pytestmark = pytest.mark.parametrize("name", NOTEBOOKS)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell: Any) -> list[tuple[str, str]]:
    """Returns the text of each output of a cell, with the kinds of its pictures.

    The pictures themselves are left out: their bytes are those of a version of Matplotlib, of
    Graphviz and of the fonts. Their words are in: an alternative text says what a picture shows.
    """
    said = []
    for output in cell.outputs:
        if output.output_type == "stream":
            said.append((output.name, output.text))
        else:
            kinds = " ".join(sorted(output.data))
            said.append((kinds, output.data["text/plain"]))
    return said


def printed(notebook: Any, id: str) -> str:
    cell = next(cell for cell in notebook.cells if cell.id == id)
    return "".join(output.text for output in cell.outputs)


# ---- as committed --------------------------------------------------------------------------------


def test_the_committed_outputs_are_those_of_the_committed_code(name: str, ran: Any) -> None:
    new = {cell.id: cell for cell in ran.cells}
    for old in code_cells(committed(name)):
        assert texts(old) == texts(new[old.id]), f"cell {old.id}: run python notebooks/execute.py"


def test_nothing_is_written_to_the_error_stream(name: str, ran: Any) -> None:
    said = [kind for cell in code_cells(ran) for kind, _ in texts(cell)]
    assert "stderr" not in said


def test_every_exercise_is_a_stub(name: str, ran: Any) -> None:
    for exercise in exercises(name):
        assert printed(ran, f"check-{exercise}").endswith(": not written yet.\n")


def test_only_exercises_stand_between_and_after_exercises(name: str) -> None:
    """So every cell runs in the same way before an exercise is solved and after."""
    ids = [cell.id for cell in code_cells(committed(name))]
    tail = ids[ids.index(f"stub-{exercises(name)[0]}") :]
    each = [(f"stub-{exercise}", f"check-{exercise}") for exercise in exercises(name)]
    assert tail == [id for pair in each for id in pair]


def test_what_changes_from_run_to_run_is_not_committed(name: str) -> None:
    notebook = committed(name)
    nbformat.validate(notebook)
    assert execute().tidied(copy.deepcopy(notebook)) == notebook
    # in HTML too, where a table or an object might show where in memory it is
    assert not re.search(r"\b0x[0-9a-f]{6,}", str(code_cells(notebook)))


def test_pictures_are_there_and_have_words(name: str) -> None:
    images = [
        output.data["text/html"]
        for cell in code_cells(committed(name))
        for output in cell.outputs
        if output.output_type != "stream"
    ]
    assert len(images) >= 2
    for image in images:
        # an image, or a stepper with the image that is left of it in an untrusted notebook
        found = re.search(r'<img [^>]*src="data:image/[^"]{1000,}"[^>]* alt="([^"]+)"', " " + image)
        assert found, image[:200]
        assert len(found[1]) > 40
        assert image.startswith("<img ") or "<details" in image


# ---- answered ------------------------------------------------------------------------------------


def test_every_solution_passes(name: str, ran: Any) -> None:
    for exercise in exercises(name):
        assert " passes: right for " in printed(ran, f"accepted-{exercise}")


def test_wrong_answers_are_refused_with_the_hint_that_fits(name: str, ran: Any) -> None:
    for exercise in exercises(name):
        for number, (_, hint) in enumerate(WRONG_ANSWERS[exercise]):
            verdict = printed(ran, f"refused-{exercise}-{number}")
            assert "passes" not in verdict
            assert re.search(rf"\nHint: .*{re.escape(hint)}", verdict), verdict


def test_every_hint_for_a_slip_is_met_by_a_wrong_answer(name: str) -> None:
    for exercise in exercises(name):
        check = next(c.source for c in committed(name).cells if c.id == f"check-{exercise}")
        slips = check.partition("slips={")[2]
        for hint in re.findall(r': "([^"]+)"', slips):
            met = [expected for _, expected in WRONG_ANSWERS[exercise] if expected in hint]
            assert met, f"{exercise}: no wrong answer meets {hint!r}"


# ---- how a notebook is made ----------------------------------------------------------------------


def test_it_asks_a_question_and_ends_with_the_answer(name: str) -> None:
    first, last = committed(name).cells[0], committed(name).cells[-1]
    assert (first.id, last.id) == ("question", "answer")
    assert re.match(r"# .*\?\n", first.source)
    assert last.source.startswith("## The answer\n")


def test_about_half_of_it_is_prose(name: str) -> None:
    cells = committed(name).cells
    assert 0.4 < 1 - len(code_cells(committed(name))) / len(cells) < 0.65


def test_every_picture_is_one_to_predict(name: str) -> None:
    for before, cell in pairwise(committed(name).cells):
        outputs = cell.outputs if cell.cell_type == "code" else []
        if any("text/html" in output.get("data", {}) for output in outputs):
            assert "**Predict" in before.source, f"nothing to predict before {cell.id}"


def test_it_has_exercises_a_harder_one_and_two_wrong_answers_for_each(name: str) -> None:
    assert len(exercises(name)) >= 2
    prose = [cell.source for cell in committed(name).cells if cell.cell_type == "markdown"]
    assert any(re.search(r"^### \d+\. Harder: ", source, re.MULTILINE) for source in prose)
    for exercise in exercises(name):
        assert len(WRONG_ANSWERS[exercise]) >= 2
