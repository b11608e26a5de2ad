"""The net: before a program is trusted, it is compared with the scalars that it was lifted from.

`per_shape.py` calls `Net.check`. A few examples of the data go through the learner's function on
scalars, and through the program. If loss and gradient differ by more than rounding, the program is
refused; read `point.py` next, which judges, and `blame.py`.

A function gets a program for each shape of its data. The first two are compared on up to eight
examples, and on some of them with two other vectors of parameters. If they agree, each later one
starts with two, because the same passes make all of them. Each one is compared on all labels that
come to it, and where its gradient is not the slope of its own loss (`slopes.py`).
A function that draws random numbers is refused, however rarely they change its answer.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import Value
from micrograd_notes.lifting.guards.answers import Answer
from micrograd_notes.lifting.guards.point import FEW, MANY, Point, Run
from micrograd_notes.lifting.ints import unique
from micrograd_notes.lifting.trace.recorded import CannotLift
from micrograd_notes.lifting.trace.tape import Array

EXAMPLES, AT_MOST = 3, 8  # the number of examples to compare, with one of each label
THOROUGH, FEWER = 2, 2  # so many programs get the whole check; the examples for later ones


def others(theta: Any) -> tuple[Any, Any]:
    """Returns two other vectors of parameters, at which other faults show.

    Parameters that are all 0 hide many faults, and so does a unit that is off for some examples:
    with the opposite weights it is on.
    """
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(theta))
    return noise - theta, theta + noise


def _are_enough(seen: Collection[int], array: Array) -> bool:
    """Returns whether as many whole numbers of an input were checked as may come."""
    return len(seen) >= (array.below or AT_MOST)


class Net:
    """Chooses examples, and compares a program with the scalars on them.

    `is_loss` says whether the function has a gradient, and `is_batched` whether the program takes
    many examples and returns their mean loss.
    """

    def __init__(self, function: Callable[..., Any], is_loss: bool, is_batched: bool) -> None:
        self.function, self.is_loss, self.is_batched = function, is_loss, is_batched
        self._seen: dict[Array, set[int]] = {}  # whole numbers that were checked, per input
        self._agreed = 0  # programs of other shapes that agreed with the scalars
        self.generators: list[Any] = []  # of random numbers, which the function may draw from

    @property
    def least(self) -> int:
        """How many examples a new program is compared on, at least."""
        return EXAMPLES if self._agreed < THOROUGH else FEWER

    def is_content(self, inputs: Sequence[Array]) -> bool:
        """Returns whether all labels that may come were checked."""
        whole = (array for array in inputs if array.is_whole)
        return all(_are_enough(self._seen.get(array, ()), array) for array in whole)

    def checked_choices(self, array: Array) -> Any:
        """Returns for each choice of an input whether it was checked; None if all were."""
        assert array.below is not None
        checked = np.zeros(array.below, bool)
        checked[[*self._seen.get(array, ())]] = True
        return None if checked.all() else checked

    def knows(self, array: Array, numbers: Any) -> bool:
        """Returns whether none of these whole numbers of an input must be checked."""
        seen = self._seen.get(array, set())
        return seen.issuperset(self._new(numbers, seen, array))

    def forget(self) -> None:
        """Forgets which labels were checked: `chosen` notes them before they are."""
        self._seen = {}

    def chosen(self, inputs: Sequence[Array], given: Sequence[Any], least: int) -> list[int]:
        """Returns the examples to check: those with new labels, and at least `least`.

        For the first programs there are more, up to eight, if labels come in new places.
        """
        if not self.is_batched:  # all of the data are one example
            given, least = [array[None] for array in given], min(least, 1)
        chosen: list[int] = []
        for i, array in enumerate(inputs):
            seen = self._seen.setdefault(array, set())
            for number in self._new(given[i], seen, array) if array.is_whole else ():
                if number not in seen and len(chosen) < AT_MOST:
                    holds = (given[i] == number).reshape(len(given[i]), -1).any(1)
                    chosen.append(int(holds.argmax()))
                    seen.update(map(int, given[i][chosen[-1]].reshape(-1)))
        for i, array in enumerate(inputs):
            if least and not array.is_whole and self.is_batched:  # a branch may depend on a sign
                rows = given[i].reshape(len(given[i]), -1)
                ends = {int(rows.min(1).argmin()), int(rows.max(1).argmax())}
                chosen += sorted(ends - {*chosen})[: AT_MOST - len(chosen)]
        at_most = AT_MOST if self._agreed < THOROUGH else least
        choices = [i for i, array in enumerate(inputs) if array.below is not None]
        known = {self._written(given, k) for k in chosen}
        pairs = {pair for k in chosen for pair in self._placed(given, choices, k)}
        count = min(map(len, given), default=1)  # a function without inputs is one example, too
        for k in range(min(count, 100 * least)):
            written, placed = self._written(given, k), self._placed(given, choices, k)
            if len(known) < least or (len(known) < at_most and not placed <= pairs):
                chosen += [] if written in known else [k]
                known, pairs = known | {written}, pairs | placed
        return chosen

    def _new(self, numbers: Any, seen: set[int], array: Array) -> list[int]:
        if array.below is None and _are_enough(seen, array):
            return []
        is_range = len(seen) > 0 and max(seen) - min(seen) == len(seen) - 1
        if is_range and min(seen) <= numbers.min() and numbers.max() <= max(seen):  # mostly
            return []
        found: list[int] = unique(numbers).tolist()
        return found

    def _placed(self, given: Sequence[Any], choices: list[int], k: int) -> set[tuple[int, ...]]:
        """Returns the labels or tokens of an example, with their places."""
        return {(i, *pair) for i in choices for pair in enumerate(given[i][k].reshape(-1).tolist())}

    def _written(self, given: Sequence[Any], k: int) -> bytes:
        return b"".join(array[k].tobytes() for array in given)

    def check(
        self, run: Run, parameters: Sequence[Value], theta: Any, given: Sequence[Any],
        chosen: Sequence[int], is_trusted: bool,
        refusal: Callable[[Any, list[Any], Answer, Answer, str], CannotLift],
    ) -> None:
        """Raises a refusal if program and scalars differ on the chosen examples.

        `run` is the program, on a vector of parameters and arrays, and `theta` has the numbers of
        the parameters. `is_trusted` says whether other parameters were tried before. `refusal`
        returns the error for parameters, an example, both answers, and words for the place.
        """
        points = [(theta, chosen)]
        if not is_trusted:
            points += zip(others(theta), (chosen[:2], chosen[:1]), strict=True)
        agreed = not is_trusted
        both = self.function, self.is_loss, self.is_batched, self.generators, run
        for numbers, places in points:
            point = Point(*both, parameters, given, numbers, numbers is theta)
            scalars = point.scalars(places)
            agreed = agreed and bool(scalars or not point.is_own)
            # of many ties that rounding decides, few samples show but some ways
            if point.differs(scalars, FEW) and (differs := point.differs(scalars, MANY)):
                raise refusal(numbers, *differs)
        self._agreed += agreed

    def decide(
        self, run: Run, parameters: Sequence[Value], theta: Any, given: Sequence[Any],
        places: Sequence[int],
        refusal: Callable[[Any, list[Any], Answer, Answer, str], CannotLift],
    ) -> None:
        """Raises a refusal if the scalars differ on examples on which the program is not finite.

        Where they raise, nothing is said: inf or nan in the result says it.
        """
        both = self.function, self.is_loss, self.is_batched, self.generators, run
        point = Point(*both, parameters, given, theta, is_own=True, is_said=False)
        for k in places:  # each for itself, as their mean is not finite if one of them is
            if differs := point.differs(point.scalars([k]), MANY):
                raise refusal(theta, *differs)
