"""Laws of `guess_first`: the answer is folded, and nothing outside of the fold gives it away."""

import json
import re
from typing import Any

import pytest

from micrograd_notes import Value, draw_backward, draw_dot, guess_first
from micrograd_notes.course.guess import Guess

YES_NO = {"yes": lambda: 7 * 8 > 50, "no": lambda: 7 * 8 <= 50}


def outside(html: str) -> str:
    """Returns what a reader sees who has not opened the answer."""
    html = re.sub(r"<details\b.*</details>", "", html, flags=re.DOTALL)  # there may be more inside
    return re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.DOTALL)


def test_the_answer_is_in_a_closed_fold() -> None:
    bundle = guess_first("How much is 7 * 8?", lambda: print("<56>"))._repr_mimebundle_()
    assert "How much is 7 * 8?" in outside(bundle["text/html"])
    assert "56" not in outside(bundle["text/html"]) + bundle["text/plain"]
    assert re.search(r'<details class="guess">.*&lt;56&gt;.*</details>', bundle["text/html"], re.S)


@pytest.mark.parametrize("answer", [draw_dot, draw_backward], ids=["graph", "stepper"])
def test_of_a_picture_too_nothing_is_outside(answer: Any) -> None:
    guess = guess_first("How many boxes?", answer(Value(2.0, "secret") * 3.0))
    seen = outside(guess.html()) + guess._repr_mimebundle_()["text/plain"]
    assert not re.search("secret|<img|<svg|data:", seen)
    assert "data:image/svg+xml" in guess.html()


def test_a_choice_says_by_its_number_alone_that_it_is_right() -> None:
    """The marks are not in the text, and whichever is right, the page outside looks the same."""
    yes = guess_first("Above 50?", 56, choices=YES_NO).html()
    no = guess_first("Above 50?", 56, choices={"yes": False, "no": True}).html()
    assert outside(yes) == outside(no) != ""
    found = [re.search(r'application/json">(.*?)</script>', html) for html in (yes, no)]
    assert [json.loads(each[1]) for each in found if each] == [{"right": 0}, {"right": 1}]


def test_code_and_emphasis_are_marked_up_and_nothing_else_is_read_as_html() -> None:
    html = guess_first("Is `a < b` *always* <b>true</b>, 2*3*4?", 1).html()
    assert "Is <code>a &lt; b</code> <em>always</em> &lt;b&gt;true&lt;/b&gt;, 2*3*4?" in html


@pytest.mark.parametrize("right", [{"a": True, "b": True}, {"a": False, "b": lambda: 0 > 1}])
def test_exactly_one_choice_is_right(right: Any) -> None:
    with pytest.raises(ValueError, match=r"choices must have exactly one right answer, got \["):
        guess_first("Which?", 1, choices=right)


def test_one_choice_is_no_choice() -> None:
    with pytest.raises(ValueError, match="choices must be two or more answers"):
        guess_first("Which?", 1, choices={"a": True})


def test_it_is_saved_as_a_page(tmp_path: Any) -> None:
    path = guess_first("How much?", 56).save(tmp_path / "guess.html")
    assert "<h1>How much?</h1>" in path.read_text()


# ---- in a notebook -------------------------------------------------------------------------------

CELLS = {
    "printed": 'guess_first("How much?", choices={"56": lambda: x == 56, "57": lambda: x == 57})\n'
    "x = 7 * 8\nprint(x)\nprint('and', x + 1)\n'the last'",
    "after": "print('open')",
    "graph": 'guess_first("How many?")\nfrom micrograd_notes import Value, draw_dot\n'
    "draw_dot(Value(2.0) * 3.0)",
    "shown": 'guess_first("How much?", lambda: print(56))',
    "raises": 'guess_first("What now?")\nprint("before")\n1 / 0',
    "twice": 'guess_first("One?")\nguess_first("Two?")',
    "none right": 'guess_first("Which?", choices={"a": False, "b": False})\nprint("lost?")',
    "last": "print('open again')",
}


@pytest.fixture(scope="module")
def outputs() -> dict[str, Any]:
    """What each cell of a notebook displays."""
    pytest.importorskip("ipykernel", reason="a notebook needs ipykernel")
    nbclient = pytest.importorskip("nbclient", reason="a notebook needs nbclient")
    nbformat = pytest.importorskip("nbformat", reason="a notebook needs nbformat")
    sources = ["from micrograd_notes import guess_first", *CELLS.values()]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute()
    return dict(zip(CELLS, [cell.outputs for cell in notebook.cells[1:]], strict=True))


def test_a_cell_shows_nothing_but_the_question(outputs: dict[str, Any]) -> None:
    (shown,) = outputs["printed"]
    assert shown.output_type == "display_data"
    assert set(shown.data) == {"text/html", "text/plain"}
    assert shown.data["text/plain"] == "Predict: How much? 56 / 57"
    html = shown.data["text/html"]
    assert '<pre class="printed">56\nand 57</pre>' in html
    assert "the last" in html
    assert "and 57" not in outside(html)
    assert '{"right":0}' in html
    (picture,) = outputs["graph"]
    assert "data:image/svg+xml" in picture.data["text/html"]
    assert "<img" not in outside(picture.data["text/html"])
    assert [each.output_type for each in outputs["shown"]] == ["execute_result"]


def test_the_next_cell_is_as_ever(outputs: dict[str, Any]) -> None:
    assert [each.text for each in outputs["after"]] == ["open\n"]
    assert [each.text for each in outputs["last"]] == ["open again\n"]


def test_after_an_error_nothing_stays_folded(outputs: dict[str, Any]) -> None:
    texts = "".join(each.get("text", "") for each in outputs["raises"])
    assert "before" in texts
    assert [each.ename for each in outputs["raises"] if "ename" in each] == ["ZeroDivisionError"]


def test_a_cell_asks_one_question(outputs: dict[str, Any]) -> None:
    (error,) = [each for each in outputs["twice"] if "ename" in each]
    assert error.evalue == "a cell asks one question, got a second one: 'Two?'"


def test_choices_that_are_wrong_are_told_and_hide_nothing(outputs: dict[str, Any]) -> None:
    texts = str(outputs["none right"])
    assert "choices must have exactly one right answer, got []" in texts
    assert "lost?" in texts


def test_a_guess_shows_its_question() -> None:
    assert repr(Guess("How much?")) == "Guess('How much?')"
