"""A numeric derivative, which says how far off it may be.

There are two ways to find one, both from both sides, so that a kink is seen as one:

- `quotients.py`: for functions that can be evaluated to any number of digits. Only the last
  rounding remains in doubt.
- `ladder.py`: for functions of floats. The error is an estimate, not a proof.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Derivative", "Side"]

RealFunction = Callable[[Any], Any]
SURELY = 10.0  # a gap of so many estimated errors, which may be too small, is no chance


@dataclass(frozen=True)
class Side:
    """A derivative from one side: a number, inf where it is infinite, nan where there is none."""

    slope: float
    error: float = 0.0  # how far off the slope may be
    jumps: bool = False  # the function does not tend to its value on this side
    steepest: float = math.inf  # at a jump: the rise over the smallest step that was taken

    @property
    def is_defined(self) -> bool:
        """Whether the function is defined on this side, and its slope was found."""
        return not math.isnan(self.slope)


@dataclass(frozen=True)
class Derivative:
    """The derivative of a function of one real number at a point, from both sides."""

    left: Side
    right: Side
    central: Side | None = None  # the derivative where both sides have the same

    @property
    def is_smooth(self) -> bool:
        """Whether both sides have the same derivative."""
        return self.central is not None

    @property
    def jumps(self) -> bool:
        """Whether the function jumps here."""
        return self.left.jumps or self.right.jumps

    @property
    def sides(self) -> list[Side]:
        """The sides on which there is a derivative; the common one where they agree."""
        if self.central is not None:
            return [self.central]
        return [side for side in (self.left, self.right) if side.is_defined]

    @property
    def doubt(self) -> float:
        """How far off it may be, on the side of which less is known."""
        return max((side.error for side in self.sides), default=math.inf)

    def known_to(self, part: float) -> "Derivative":
        """Returns it with errors that are at least so large a part of the slopes."""
        sides = [
            side and replace(side, error=max(side.error, part * abs(side.slope)))
            for side in (self.left, self.right, self.central)
        ]
        return Derivative(*sides)  # type: ignore[arg-type]

    def surely_differs(self, slope: float) -> bool:
        """Returns whether the slope is off by so much that no error of the estimate explains it.

        A jump may also be a rise that is too steep for the smallest step, as x / hypot(x, 1e-300)
        is at 0. So at a jump no slope is refuted that would complete the rise within that step.

        >>> flat = Derivative(Side(0.0, 2e-14), Side(0.0, 2e-14))
        >>> flat.surely_differs(1.0), flat.surely_differs(1e-13)
        (True, False)
        """
        steepest = min(self.left.steepest, self.right.steepest)
        is_hidden = self.jumps and abs(slope) * SURELY >= steepest
        return not is_hidden and not self.allows(slope, SURELY * self.doubt)

    def allows(self, slope: float, tolerance: float = 0.0) -> bool:
        """Returns whether the slope lies between the two sides, or is off by the tolerance at most.

        At a smooth point that is the derivative itself. An infinite slope must be met exactly.

        >>> kink = Derivative(Side(-1.0), Side(1.0))
        >>> kink.allows(0.0), kink.allows(1.5), kink.allows(math.nan)
        (True, False, False)
        """
        slopes = [side.slope for side in self.sides]
        if not slopes or math.isnan(slope):
            return False
        low, high = min(slopes), max(slopes)
        return low <= slope <= high or any(abs(slope - end) <= tolerance for end in slopes)

    def __str__(self) -> str:
        if not self.sides:
            return "none"
        if self.central is not None:
            return _spelled(self.central)
        if len(self.sides) == 1:
            which = "left" if self.left.is_defined else "right"
            return f"{_spelled(self.sides[0])}, from the {which}"
        return f"{_spelled(self.left)} from the left, {_spelled(self.right)} from the right"


def _spelled(side: Side) -> str:
    if math.isinf(side.slope):
        return f"{side.slope}"
    return f"{side.slope:.9g} +- {max(side.error, 0.0):.0e}"


def called(function: RealFunction, x: Any) -> Any:
    """Returns the value; TypeError if the function does not take a number and return one."""
    try:
        +(y := function(x))
    except TypeError as error:
        raise type(error)(f"function must take a number and return one: {error}") from error
    return y
