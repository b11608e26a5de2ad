"""Typical wrong answers to the exercises, each with a part of the hint that it should get.

There is one module per chapter, `chapter_01.py` and so on, with a dictionary `WRONG_ANSWERS`. Its
keys are those of the notebook's cells: `stub-both` is the exercise "both". A key occurs in only one
chapter, so an exercise is found by its name alone.
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
                    f"exercise {exercise!r} is in {owners[exercise]} and in {chapter}; "
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
