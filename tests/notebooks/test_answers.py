"""The answers of all chapters are collected, each for an exercise that exists."""

import json
from pathlib import Path

import pytest

from tests.notebooks.answers import RIGHT_ANSWERS, WRONG_ANSWERS, collected

FOLDER = Path(__file__).parents[2] / "notebooks"


def exercises() -> list[str]:
    """Returns the exercises of all notebooks, each as often as it occurs."""
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.ipynb")]
    ids = [cell["id"] for notebook in notebooks for cell in notebook["cells"]]
    return [each.removeprefix("stub-") for each in ids if each.startswith("stub-")]


def test_no_two_exercises_of_the_course_have_the_same_name() -> None:
    assert len(set(exercises())) == len(exercises()) > 0


def test_every_answer_is_one_to_an_exercise() -> None:
    assert set(WRONG_ANSWERS) | set(RIGHT_ANSWERS) <= set(exercises())


def test_an_exercise_that_two_chapters_claim_is_refused() -> None:
    chapters = {"chapter_01": {"both": [("a", "b")]}, "chapter_02": {"both": [("c", "d")]}}
    with pytest.raises(ValueError, match="'both' is in chapter_01 and in chapter_02"):
        collected(chapters)
