"""What learners typically write into the exercises, and a part of the hint that each should get.

A module a chapter, `chapter_01.py` and on, each with a dictionary `WRONG_ANSWERS`. Its keys are
those of the notebook's cells: `stub-both` is the exercise "both". A key stands in one chapter only,
so that an exercise is found by its name alone.
"""

from importlib import import_module
from pathlib import Path

WrongAnswers = dict[str, list[tuple[str, str]]]


def collected(chapters: dict[str, WrongAnswers]) -> WrongAnswers:
    """Returns the wrong answers of all chapters; ValueError if two of them share an exercise."""
    owners: dict[str, str] = {}
    together: WrongAnswers = {}
    for chapter, answers in chapters.items():
        for exercise in answers:
            if exercise in owners:
                raise ValueError(
                    f"exercise {exercise!r} stands in {owners[exercise]} and in {chapter}; "
                    "give one of them another name"
                )
            owners[exercise] = chapter
        together |= answers
    return together


def _chapters() -> dict[str, WrongAnswers]:
    """Returns the dictionary of each chapter's module, by the module's name."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("chapter_*.py"))
    return {name: import_module(f"{__name__}.{name}").WRONG_ANSWERS for name in names}


WRONG_ANSWERS = collected(_chapters())
