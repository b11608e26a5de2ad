"""The map of the course lists every notebook, and its numbers are those that the cells print."""

import json
import re
from pathlib import Path

import pytest

from tests.notebooks.running import committed, printed_by

FOLDER = Path(__file__).parents[2] / "notebooks"
MAP = (FOLDER / "README.md").read_text(encoding="utf-8")
CLAIMS = [line for line in MAP.splitlines() if re.match(r"\|.*\| \d\d `", line)]


def printed(chapter: str, id: str) -> str:
    """Returns what a cell printed, as committed."""
    (path,) = FOLDER.glob(f"{chapter}_*.ipynb")
    return printed_by(next(cell for cell in committed(path.stem).cells if cell.id == id))


def test_every_notebook_is_in_the_map() -> None:
    linked = re.findall(r"\]\(([^)]+\.ipynb)\)", MAP)
    assert sorted(linked) == sorted(path.name for path in FOLDER.glob("[0-9]*.ipynb"))


def chapters(words: str) -> list[str]:
    return re.findall(r"\b\d\d\b", words)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_the_map_asks_the_question_of_each_notebook_and_says_what_it_needs(path: Path) -> None:
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    question = first.splitlines()[0].removeprefix("# ")
    _, _, row = MAP.partition(f"\n| [{path.name[:2]}]({path.name}) | {question} |")
    needs = re.search(r"You need ([^.]*)\.", first)
    assert row
    assert needs
    assert chapters(row.partition("|")[0]) == chapters(needs[1])


def test_the_lesson_plans_name_sections_that_are_there() -> None:
    plans = (FOLDER / "TEACHING.md").read_text(encoding="utf-8")
    named = re.findall(r"(?m)\| (\d\d), (.*\*.*) \|$", plans)
    assert named
    for chapter, words in named:
        (path,) = FOLDER.glob(f"{chapter}_*.ipynb")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        prose = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        for section in re.findall(r"\*([^*]+)\*", words):
            assert f"## {section}\n" in prose


def test_there_are_claims_of_several_chapters() -> None:
    assert len(CLAIMS) >= 10
    assert len({chapter for row in CLAIMS for chapter in re.findall(r"\b(\d\d) `", row)}) >= 4


@pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row.split("|")[1].strip())
def test_the_numbers_of_a_claim_are_printed_by_its_cells(row: str) -> None:
    _, _, cells, found, baseline, refutation, _ = row.split("|")
    said = ""
    for chapter, names in re.findall(r"(\d\d) ((?:`[^`]+`(?:, )?)+)", cells):
        for name in re.findall(r"`([^`]+)`", names):
            said += printed(chapter, name) + "\n"
    numbers = re.findall(r"`([^`]+)`", found)
    beside = re.findall(r"`([^`]+)`", baseline)
    assert numbers
    assert beside
    for number in numbers + beside:
        assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d])", said), f"{number} in {said}"
    assert refutation.strip()
