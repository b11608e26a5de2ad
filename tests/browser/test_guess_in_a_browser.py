"""`guess_first` in a real browser: guessed by mouse and by keyboard, with scripts and without."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import Value, draw_backward, guess_first
from tests.browser.conftest import Lab, Visit

Open = Callable[..., Visit]
LISTEN = """window.heard = [];
document.addEventListener("micrograd-guess", (event) => heard.push(event.detail.right));"""


@pytest.fixture
def choosing(visit: Open, tmp_path: Path) -> Any:
    guess = guess_first(
        "How much is `7 * 8`?", lambda: print("It is 56"), choices={"54": False, "56": True}
    )
    page = visit(guess.save(tmp_path / "guess.html")).page
    page.evaluate(LISTEN)
    return page


def answered(page: Any) -> Any:
    """Returns the page once it knows that the answer is open, which the browser tells it soon."""
    page.wait_for_function("heard.length > 0")
    return page


def is_open(page: Any) -> bool:
    return bool(page.locator("details.guess").evaluate("fold => fold.open"))


def test_before_a_guess_the_answer_is_not_seen(choosing: Any) -> None:
    assert not choosing.get_by_text("It is 56").is_visible()
    assert not is_open(choosing)
    assert choosing.get_by_role("button").all_inner_texts() == ["54", "56"]


@pytest.mark.parametrize(
    ("choice", "verdict", "marks", "right"),
    [("56", "Right.", ["54", "✓ 56"], True), ("54", "It is: 56.", ["✗ 54", "✓ 56"], False)],
)
def test_a_choice_opens_the_answer_and_is_marked(
    choosing: Any, choice: str, verdict: str, marks: list[str], right: bool
) -> None:
    choosing.get_by_role("button", name=choice).click()
    assert choosing.get_by_text("It is 56").is_visible()
    assert answered(choosing).get_by_role("status").inner_text() == verdict
    assert choosing.get_by_role("button").all_inner_texts() == marks
    assert choosing.evaluate("heard") == [right]
    choosing.get_by_role("button").first.click(force=True)  # a second thought does not count
    assert choosing.get_by_role("button").all_inner_texts() == marks
    assert choosing.evaluate("heard") == [right]


def test_without_a_choice_the_answer_opens_too(choosing: Any) -> None:
    choosing.locator("summary").focus()
    choosing.keyboard.press("Enter")
    assert choosing.get_by_text("It is 56").is_visible()
    assert answered(choosing).get_by_role("status").inner_text() == ""
    assert choosing.evaluate("heard") == [None]


def test_a_guess_is_written_down_and_stays(visit: Open, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    path = guess_first("How much?", lambda: print("It is 56")).save(tmp_path / "guess.html")
    page = visit(path).page
    field = page.get_by_label("Your guess")
    field.fill("54, I think")
    field.press("Enter")
    assert page.get_by_text("It is 56").is_visible()
    assert field.input_value() == "54, I think"
    expect(field).not_to_be_editable()  # soon: the browser tells the page that the fold is open


def test_without_scripts_question_and_choices_stand_above_the_fold(
    visit: Open, tmp_path: Path
) -> None:
    guess = guess_first("How much?", lambda: print("It is 56"), choices={"54": False, "56": True})
    page = visit(guess.save(tmp_path / "guess.html"), java_script_enabled=False).page
    assert page.locator("li").all_inner_texts() == ["54", "56"]
    assert not page.get_by_text("It is 56").is_visible()
    page.locator("summary").click()
    assert page.get_by_text("It is 56").is_visible()


def test_a_folded_stepper_steps_once_it_is_seen(visit: Open, tmp_path: Path) -> None:
    x = Value(2.0, "x")
    guess = guess_first("Which number?", draw_backward((x * 3.0).tanh()))
    page = visit(guess.save(tmp_path / "guess.html")).page
    page.get_by_label("Your guess").press("Enter")
    assert not is_open(page)  # a guess has words
    page.get_by_label("Your guess").fill("6")
    page.get_by_label("Your guess").press("Enter")
    stepper = page.locator(".stepper")
    assert stepper.bounding_box()["height"] > 100
    stepper.get_by_role("button", name="Last step").click()
    assert "Step 1 " not in stepper.inner_text()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_can_use_it(
    visit: Open, tmp_path: Path, axe_violations: Any, width: int, dark: bool
) -> None:
    guess = guess_first("How much?", lambda: print("It is 56"), choices={"54": False, "56": True})
    page = visit(guess.save(tmp_path / "guess.html"), width=width, dark=dark).page
    assert axe_violations(page) == []
    page.get_by_role("button", name="54").click()
    assert axe_violations(page) == []


def test_in_an_untrusted_notebook_the_answer_is_folded(lab: Lab, visit: Open) -> None:
    nbformat = pytest.importorskip("nbformat")
    guess = guess_first("How much?", lambda: print("It is 56"), choices={"54": False, "56": True})
    output = nbformat.v4.new_output("display_data", guess._repr_mimebundle_())
    cell = nbformat.v4.new_code_cell("guess_first(...)", outputs=[output])
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    made = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(made, lab.folder / "guess.ipynb")
    page = visit(lab.url("guess.ipynb"), offline=False).page
    summary = page.locator(".jp-OutputArea-output summary")
    summary.wait_for()
    assert not page.get_by_text("It is 56").is_visible()
    assert page.locator(".jp-OutputArea-output li").all_inner_texts() == ["54", "56"]
    summary.click()
    assert page.get_by_text("It is 56").is_visible()
