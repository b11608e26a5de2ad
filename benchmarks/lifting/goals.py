"""What lifting must reach and what it aims at, as ratios of times in one run."""

from __future__ import annotations

from typing import NamedTuple

from lifting.turns import JAX, LIFTED, MICROGRAD, NUMPY, STORED, TORCH
from lifting.work import DIGITS_32, DIGITS_ALL, GPT_1, GPT_32, MOONS


class Goal(NamedTuple):
    """Our time is at most this part of a peer's."""

    work: str
    kind: str
    at_most: float
    peer: str

    def said(self, medians: dict[str, float]) -> str:
        """Returns the goal, the ratio that was found, and whether that meets it."""
        if self.peer not in medians:
            return f"{self.kind:6}{self.words()}: not measured"
        ratio = medians[LIFTED] / medians[self.peer]
        verdict = "met" if ratio <= self.at_most else "NOT met"
        found = f"{1 / ratio:,.0f}" if self.at_most < 0.01 else f"{ratio:.2f}"
        return f"{self.kind:6}{self.words()}: {found} {verdict}"

    def words(self) -> str:
        if self.at_most < 0.01:
            return f"{1 / self.at_most:,.0f} times faster than {self.peer}"
        part = "" if self.at_most == 1 else f"1/{1 / self.at_most:.0f} of "
        return f"at most {part}{self.peer}"


GOALS = [
    Goal(MOONS, "must", 1 / 5000, MICROGRAD),
    Goal(MOONS, "must", 1 / 3, TORCH),
    Goal(MOONS, "aim", 1, JAX),
    Goal(MOONS, "aim", 1, NUMPY),
    Goal(DIGITS_32, "must", 1 / 3, TORCH),
    Goal(DIGITS_32, "aim", 1, NUMPY),
    Goal(DIGITS_ALL, "must", 1, TORCH),
    Goal(DIGITS_ALL, "aim", 1, NUMPY),
    Goal(GPT_1, "must", 1 / 1000, STORED),
    Goal(GPT_1, "must", 1 / 4, TORCH),
    Goal(GPT_1, "aim", 1, JAX),
    Goal(GPT_32, "must", 1 / 2, TORCH),
    Goal(GPT_32, "aim", 1, JAX),
]

LIFTED_WITHIN = {DIGITS_32: 0.1, GPT_1: 1.5}  # seconds to record and lift
