"""What lifting must reach and what it aims at, as ratios of times in one run, and in seconds."""

from __future__ import annotations

from typing import NamedTuple

from lifting.turns import (
    EARLIER,
    FAST,
    IN_C,
    MICROGRAD,
    NUMPY,
    PEERS,
    PRODUCTS,
    STORED,
    TORCH,
    is_small,
)
from lifting.work import (
    DEEP,
    DIGITS_32,
    DIGITS_ALL,
    GPT_1,
    GPT_32,
    MOONS,
    WIDE,
    WIDER,
    Network,
    Task,
)

BEST = "the best peer"
KINDS = ("must", "aim ")
Medians = dict[str, float]


class Goal(NamedTuple):
    """A row of ours takes at most this part of another row's time."""

    kind: str
    row: str
    at_most: float
    than: str

    def said(self, medians: Medians) -> str:
        """Returns the goal, the ratio that was found, and whether that meets it."""
        ratio = ratio_of(medians, self.row, self.than)
        if ratio is None:
            return f"{self.kind}  {self.words()}: not measured"
        verdict = "met" if ratio <= self.at_most else "NOT met"
        found = f"{1 / ratio:,.0f}" if self.at_most < 0.01 else f"{ratio:.2f}"
        return f"{self.kind}  {self.words()}: {found} {verdict}"

    def words(self) -> str:
        if self.at_most < 0.01:
            return f"{self.row}: {1 / self.at_most:,.0f} times faster than {self.than}"
        return f"{self.row}: at most {self.at_most:.2f} of {self.than}"


def best_of(medians: Medians) -> str | None:
    """Returns the name of the fastest peer, or None if there is none."""
    return min((peer for peer in PEERS if peer in medians), key=medians.__getitem__, default=None)


def ratio_of(medians: Medians, row: str, than: str) -> float | None:
    """Returns the time of a row, divided by that of another; None if one was not measured."""
    other = best_of(medians) if than == BEST else than
    return medians[row] / medians[other] if other in medians and row in medians else None


# C, as parts of the best peer's time: a must and an aim. Works that are drawn have those of DRAWN.
DRAWN = (1.0, 0.8)
C_OF_BEST: dict[Task, tuple[float | None, float | None]] = {
    MOONS: (0.45, 1 / 3),
    DIGITS_32: (0.55, 0.4),
    DIGITS_ALL: (0.85, 0.75),
    GPT_1: (0.85, 0.6),
    GPT_32: (0.7, 0.55),
    WIDE: (0.95, None),
    WIDER: (None, 1.0),
    DEEP: (0.8, None),
}
# NumPy, as parts of the time of NumPy by hand
NUMPY_OF_HAND: dict[Task, tuple[float, float]] = {
    MOONS: (1.0, 0.8),
    DIGITS_32: (1.0, 0.8),
    DIGITS_ALL: (1.0, 0.8),
    GPT_1: (1.3, 1.1),
    GPT_32: (1.3, 1.1),
}
OTHERS: dict[Task, list[Goal]] = {
    MOONS: [Goal("must", FAST, 1 / 5000, MICROGRAD), Goal("must", FAST, 1 / 3, TORCH)],
    DIGITS_32: [Goal("must", FAST, 1 / 3, TORCH)],
    DIGITS_ALL: [Goal("must", FAST, 1.0, TORCH)],
    GPT_1: [Goal("must", FAST, 1 / 1000, STORED), Goal("must", FAST, 1 / 4, TORCH)],
    GPT_32: [Goal("must", FAST, 1 / 2, TORCH)],
    DEEP: [Goal("must", IN_C, 1.25, PRODUCTS)],
}

AS_FAST = 1.05  # as before, but for the noise of two medians
LIFTED_WITHIN = {DIGITS_32: 0.1, GPT_1: 1.5}  # seconds of the processor, to record and lift
EPOCH = (1 / 10, 1 / 20)  # the must and the aim of `fit`, as parts of PyTorch's time


def goals_of(task: Task) -> list[Goal]:
    """Returns the goals for a work; the last of a small one: as fast as in an earlier checkout."""
    pairs = zip(KINDS, C_OF_BEST.get(task, DRAWN), strict=True)
    goals = [Goal(kind, IN_C, part, BEST) for kind, part in pairs if part is not None]
    pairs = zip(KINDS, NUMPY_OF_HAND.get(task, ()), strict=False)
    goals += [Goal(kind, FAST, part, NUMPY) for kind, part in pairs if part is not None]
    goals += OTHERS.get(task, [])
    return [*goals, Goal("must", FAST, AS_FAST, EARLIER)] if is_small(task) else goals


def compiled_within(task: Task) -> float:
    """Returns the seconds in which the C of a work must be compiled."""
    if isinstance(task, Network):
        return 0.4
    return 1.0 if task.layers == 1 else 1.5
