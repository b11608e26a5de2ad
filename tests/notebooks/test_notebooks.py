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

from tests.notebooks.answers import RIGHT_ANSWERS, WRONG_ANSWERS
from tests.notebooks.running import (
    FOLDER,
    PROMISES,
    committed,
    depend_on_last_bits,
    execute,
    exercises,
    html_of,
    nudged,
    printed_by,
    promises,
)

for needed in ("nbclient", "ipykernel", "matplotlib", "pygraphviz"):
    pytest.importorskip(needed, reason=f"the notebooks need {needed}")
nbformat: Any = pytest.importorskip("nbformat", reason="the notebooks need nbformat")

NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))

pytestmark = pytest.mark.parametrize("name", NOTEBOOKS)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell: Any) -> list[tuple[str, str]]:
    """Returns what a cell says: what it printed, and the kinds and words of its pictures.

    The pictures themselves are left out: their bytes are those of a version of Matplotlib, of
    Graphviz and of the fonts. Their words are in: an alternative text says what a picture shows.
    """
    said = [("printed", printed_by(cell))]
    for output in cell.outputs:
        if output.output_type == "stream":
            said.append((output.name, ""))
        else:
            said.append((" ".join(sorted(output.data)), output.data["text/plain"]))
            said += [("words", words) for words in re.findall(r' alt="([^"]*)"', html_of(output))]
    return said


def printed(notebook: Any, id: str) -> str:
    return printed_by(next(cell for cell in notebook.cells if cell.id == id))


# ---- as committed --------------------------------------------------------------------------------


def test_the_committed_outputs_are_those_of_the_committed_code(name: str, ran: Any) -> None:
    new, said_alike = {cell.id: cell for cell in ran.cells}, depend_on_last_bits(name)
    for old in code_cells(committed(name)):
        before, after = texts(old), texts(new[old.id])
        if old.id in said_alike:
            before, after = ([(kind, re.sub(r"[\d.]+", "#", text)) for kind, text in said]
                             for said in (before, after))
        assert before == after, f"cell {old.id}: run python notebooks/execute.py"


@pytest.mark.long
def test_promises_are_kept_where_each_training_begins_a_last_bit_away(name: str) -> None:
    """Another processor, or another order of a sum, makes such a difference."""
    if not any(re.search(r"\bfit\(", cell.source) for cell in code_cells(committed(name))):
        pytest.skip("it trains nothing with `fit`")
    [run] = execute().executed([nudged(name)])
    assert run.error is None, run.error


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
    shown = " ".join(
        html_of(output) for cell in code_cells(committed(name)) for output in cell.outputs
    )
    images = re.findall(r"<img\b[^>]*>", shown)
    assert len(images) >= 2
    for image in images:
        found = re.search(r' alt="([^"]+)"', image)
        assert found, image[:200]
        assert len(found[1]) > 20
        assert re.search(r' src="data:image/[^"]{1000,}"', image)


# ---- nobody spoils a prediction ------------------------------------------------------------------

PREDICT = "**Predict"
IN_THE_PICTURE = "draw_backward"  # a stepper asks for each number itself


def predicted_cells(notebook: Any) -> list[Any]:
    """Returns the cells of code that answer a *Predict*: it stands in the cell above them."""
    return [
        cell
        for before, cell in pairwise(notebook.cells)
        if before.cell_type == "markdown" and PREDICT in before.source and cell.cell_type == "code"
    ]


def test_every_prediction_has_a_folded_answer(name: str) -> None:
    cells = predicted_cells(committed(name))
    assert len(cells) >= 5
    for cell in cells:
        is_guess = "guess_first(" in cell.source
        assert is_guess or IN_THE_PICTURE in cell.source, cell.id


def test_a_cell_with_a_question_does_not_hold_the_answer(name: str) -> None:
    """Neither in its code nor beside the fold: no promise, no words of a picture, no output."""
    for cell in code_cells(committed(name)):
        if "guess_first(" not in cell.source:
            continue
        assert not re.search(r"^assert |\balt=", cell.source, re.MULTILINE), cell.id
        (output,) = cell.outputs
        assert set(output.data) == {"text/html", "text/plain"}, cell.id
        assert output.data["text/plain"].startswith("Predict: "), cell.id
        outside = re.sub(r"<details.*</details>", "", html_of(output), flags=re.DOTALL)
        assert not re.search(r"<pre|<img|<svg|data:image", outside), cell.id
        assert "<details open" not in html_of(output), cell.id


def test_promises_are_kept_in_the_tests(name: str, ran: Any) -> None:
    """Each belongs to a cell and has run: a cell that raises would have ended the run."""
    ids = {cell.id for cell in code_cells(committed(name))}
    assert promises(name).keys() <= ids
    assert promises(name), f"write tests/notebooks/promises/{name}.py"
    for cell in code_cells(committed(name)):
        assert "\nassert " not in f"\n{cell.source}", cell.id
    assert {f"promised-{id}" for id in promises(name)} <= {cell.id for cell in ran.cells}


def test_every_file_of_promises_belongs_to_a_notebook(name: str) -> None:
    assert {path.stem for path in PROMISES.glob("*.py")} <= set(NOTEBOOKS)


# ---- answered ------------------------------------------------------------------------------------


def test_every_right_answer_passes(name: str, ran: Any) -> None:
    for exercise in exercises(name):
        for number in range(1 + len(RIGHT_ANSWERS.get(exercise, []))):
            verdict = printed(ran, f"accepted-{exercise}-{number}")
            assert " passes: right for " in verdict, verdict


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
    cells = [cell for cell in committed(name).cells if not cell.metadata.get("tags")]
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert 0.4 < 1 - len(code) / len(cells) < 0.65


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
