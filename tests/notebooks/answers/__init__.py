"""Typical answers to the exercises: wrong ones, each with a part of its hint, and right ones.

There is one module per chapter, `chapter_01.py` and so on, with a dictionary `WRONG_ANSWERS`, and
one of `RIGHT_ANSWERS` for what must be accepted besides the solution of the notebook. Their keys
are those of the notebook's cells: `stub-both` is the exercise "both". A key occurs in only one
chapter, so an exercise is found by its name alone.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")


def collected(chapters: Mapping[str, Mapping[str, list[Answer]]]) -> dict[str, list[Answer]]:
    """Returns the answers of all chapters; ValueError if two of them share an exercise."""
    owners: dict[str, str] = {}
    together: dict[str, list[Answer]] = {}
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


_NAMES = sorted(path.stem for path in Path(__file__).parent.glob("chapter_*.py"))
_MODULES = {name: import_module(f"{__name__}.{name}") for name in _NAMES}

WRONG_ANSWERS: dict[str, list[tuple[str, str]]] = collected(
    {name: module.WRONG_ANSWERS for name, module in _MODULES.items()}
)
RIGHT_ANSWERS: dict[str, list[str]] = collected(
    {name: getattr(module, "RIGHT_ANSWERS", {}) for name, module in _MODULES.items()}
)
