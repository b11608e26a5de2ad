"""The pages beside the chapters keep in step with them.

The map lists every notebook, the glossary every word; teachers find every question; the numbers of
each claim are those that its cells print.
"""

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.notebooks.running import committed, printed_by, script

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))
MAP = (FOLDER / "README.md").read_text(encoding="utf-8")
TEACHING = (FOLDER / "TEACHING.md").read_text(encoding="utf-8")
MINUTES = {"½ h": 30, "¾ h": 45, "1 h": 60, "1¼ h": 75, "1½ h": 90}
LINKED = (FOLDER / "CLAIMS.md").read_text(encoding="utf-8")
CLAIMS = [
    line
    for line in re.sub(r"\[(`[^`]+`)\]\([^)]+\)", r"\1", LINKED).splitlines()
    if re.match(r"\|.*\| \d\d `", line)
]


def printed(chapter: str, id: str) -> str:
    """Returns what a cell printed, as committed."""
    (path,) = FOLDER.glob(f"{chapter}_*.ipynb")
    return printed_by(next(cell for cell in committed(path.stem).cells if cell.id == id))


def test_every_notebook_is_in_the_map() -> None:
    linked = re.findall(r"\]\(([^)]+\.ipynb)\)", MAP)
    assert sorted(linked) == [path.name for path in NOTEBOOKS]


def chapters(words: str) -> list[str]:
    return re.findall(r"\b\d\d\b", words)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_map_asks_the_question_of_each_notebook_and_says_what_it_needs(path: Path) -> None:
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    question = first.splitlines()[0].removeprefix("# ")
    _, _, row = MAP.partition(f"\n| [{path.name[:2]}]({path.name}) | {question} |")
    needs = re.search(r"You need ([^.]*)\.", first)
    assert row
    assert needs
    assert chapters(row.partition("|")[0]) == chapters(needs[1])


def test_the_lesson_plans_name_sections_that_are_there() -> None:
    named = re.findall(r"(?m)\| (\d\d), (.*\*.*) \|$", TEACHING)
    assert named
    for chapter, words in named:
        (path,) = FOLDER.glob(f"{chapter}_*.ipynb")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        prose = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        for section in re.findall(r"\*([^*]+)\*", words):
            assert f"## {section}\n" in prose


def test_every_chapter_has_its_meeting_in_the_longest_plan() -> None:
    weeks = re.findall(r"(?m)^\| \d \| (.*?) \| (.*?) \|", TEACHING)
    met = [chapter for week in weeks for one in week for chapter in chapters(one.partition(":")[0])]
    assert sorted(met) == [path.name[:2] for path in NOTEBOOKS]


def guide_to(path: Path) -> tuple[str, str]:
    """Returns the title of a chapter in the page for teachers, and the text below it."""
    _, start, rest = TEACHING.partition(f"\n### {path.name[:2]}: ")
    assert start, f"TEACHING.md does not have a section ### {path.name[:2]}: with its minutes"
    title, _, text = re.split(r"(?m)^##", rest)[0].partition("\n")
    return title, text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_minutes_of_the_sections_add_up_to_the_time_in_the_map(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    question, *sections = re.findall(r"(?m)^##? (.*)", re.sub(r"(?ms)^```.*?^```", "", prose))
    sections.remove("Exercises")  # they come on top
    title, guide = guide_to(path)
    rows = re.findall(r"(?m)^\| \*(.+)\* \| (\d+) \|$", guide)
    assert title == question
    assert [section for section, _ in rows] == sections
    row = MAP.partition(f"\n| [{path.name[:2]}](")[2].splitlines()[0]
    time = row.split(" | ")[3]
    assert sum(int(minutes) for _, minutes in rows) == MINUTES[time]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_teachers_find_the_answers_to_expect_at_every_question(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    asked = [
        cell["id"]
        for before, cell in pairwise(cells)
        if cell["cell_type"] == "code"
        if "guess_first(" in "".join(cell["source"]) or "**Predict.**" in "".join(before["source"])
    ]
    _, guide = guide_to(path)
    rows = re.findall(r"(?m)^\| `([^`]+)` \| (.+) \| (.+) \| (.+) \|$", guide)
    assert [row[0] for row in rows] == asked
    assert not re.findall(r"\d\.\d", guide), "say it in words: the cells print the numbers"


def test_each_wrong_letter_of_the_twelve_questions_has_its_misconception() -> None:
    _, _, test = TEACHING.partition("\n## Twelve questions, before and after\n")
    questions = re.split(r"(?m)^\d+\. ", test)[1:]
    assert len(questions) == 12
    for question in questions:
        offered = re.findall(r"\*\*([a-d])\*\*", question)
        right, reasons = re.findall(r"(?s)\*Right: ([a-d])\.(.*)\*$", question.strip())[0]
        letters = re.findall(r"(?:^|[.?] |, )([a-d])(?=[:,])", " ".join(reasons.split()))
        assert offered == list("abcd")
        assert sorted([right, *letters]) == offered


def test_each_cell_of_a_claim_is_a_link_to_it() -> None:
    links = re.findall(r"\[`([^`]+)`\]\((\d\d)_\w+\.ipynb#cell-id=([\w-]+)\)", LINKED)
    named = [name for row in CLAIMS for name in re.findall(r"`([^`]+)`", row.split("|")[2])]
    assert [(words, cell) for words, _, cell in links] == [(name, name) for name in named]
    assert all(printed(chapter, cell) for _, chapter, cell in links)


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


def test_the_glossary_has_the_words_of_the_chapters_and_each_is_explained_once() -> None:
    glossary = script("glossary")
    page = (FOLDER / "GLOSSARY.md").read_text(encoding="utf-8")
    assert page == glossary.page(), "run python notebooks/glossary.py"
    names = [re.sub(r"\W*\(.*\)", "", term).casefold() for term, *_ in glossary.terms()]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, "a later chapter links to the first one, or says it in passing"
    by_chapter = Counter(chapter for _, _, chapter, _ in glossary.terms())
    assert max(by_chapter.values()) <= 12, by_chapter
