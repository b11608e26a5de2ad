"""The verdicts of a check, from the worst to the best, and the errors that it raises."""

from enum import Enum
from functools import total_ordering


@total_ordering
class Verdict(Enum):
    """The result of a check. Members are listed worst first, and `max` of some is the worst.

    >>> str(max(Verdict.PASS, Verdict.KINK)), Verdict.KINK.fails
    ('KINK', False)
    """

    WRONG_VALUE = "the value is not that of mathematics"
    WRONG_RULE = "a local partial derivative is not the derivative of the value"
    WRONG_SPELLING = "the spelling in NumPy does not compute the operation"
    NOT_ACCUMULATED = "contributions overwrite each other where they should add up"
    TRAVERSAL = "rules are right, but the backward pass does not follow every path once"
    NONDETERMINISTIC = "the same numbers give different results"
    INACCURATE = "the formula is right, but its result loses digits"
    DOMAIN = "it is not defined where it should be, or raises where it is"
    INCONCLUSIVE = "no derivative was found to compare with"
    JUMP = "the value jumps here; the gradient is a slope of its sides, or lies between them"
    KINK = (
        "the derivative jumps here, and the gradient lies between its two sides: nothing to mend, "
        "but check at another point, too"
    )
    INTERIOR_KINK = "an operation inside is at its kink; the gradient follows its convention there"
    VALUE_UNCHECKED = "the gradient is right; the value was not compared with anything"
    PASS = "everything that was checked is right"

    @property
    def fails(self) -> bool:
        """Whether a check that ends so raises."""
        return self >= Verdict.INCONCLUSIVE

    @property
    def _badness(self) -> int:
        return -list(Verdict).index(self)

    def __lt__(self, other: "Verdict") -> bool:
        return self._badness < other._badness

    def __str__(self) -> str:
        return self.name.replace("_", " ")


class GradcheckError(AssertionError):
    """A gradient, a value or a rule is wrong; `report` holds what was found.

    It is an `AssertionError`, so that a test that raises it counts as failed.
    """

    def __init__(self, report: object) -> None:
        super().__init__(str(report))
        self.report = report


class InconclusiveError(GradcheckError):
    """Nothing wrong was found, and nothing was shown to be right either."""


class Judged:
    """A report with a verdict: it is true if nothing failed, and can be raised."""

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        return not self.verdict.fails

    def raise_if_it_fails(self) -> None:
        """Raises `GradcheckError`, or `InconclusiveError` where nothing could be decided."""
        if self.verdict.fails:
            is_undecided = self.verdict is Verdict.INCONCLUSIVE
            raise (InconclusiveError if is_undecided else GradcheckError)(self)
