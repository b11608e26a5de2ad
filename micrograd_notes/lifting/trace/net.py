"""The net: before a program is trusted, it is held against the scalars that it was lifted from.

A few examples of the data go through the learner's function as it is, on scalars, and through the
program. Loss and gradient must agree but for rounding; else the program is refused (see `blame`).

How far rounding may move a number is measured: the scalars are computed again, with a random
relative change of 2**-30 in each result, and rounding moves the answer 2**-23 times as far. Where
that lands on the other side of a kink, either side is right.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite
from random import Random
from typing import Any, NamedTuple
from weakref import ref

from micrograd_notes.common.users_line import users_line
from micrograd_notes.engine import Value
from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.stand_ins import standing_in
from micrograd_notes.lifting.trace.recorded import CannotLift
from micrograd_notes.lifting.trace.tape import Array

EXAMPLES, AT_MOST = 3, 8  # how many are held against the scalars, with one of each label
NUDGE, SAMPLES = 2.0**-30, 4
ROUNDINGS = 64 * 2.0**-53 / NUDGE  # a row may be off by 4 ulp, NumPy by a few, sums by their order
ALIKE = 1e-12  # of the largest derivative: 4,500 roundings, which need no closer look


class NotChecked(UserWarning):
    """The scalars raise where the lifted program computes, so they could not be compared."""


class Answer(NamedTuple):
    """A loss and its gradient; or the outputs of a model, and no gradient."""

    outputs: list[float]
    gradient: list[float]

    def is_like(self, other: "Answer") -> bool:
        """Returns whether both are the same but for a few thousand roundings."""
        return all(_within(these, [those]) for these, those in zip(self, other, strict=True))

    def is_among(self, samples: Iterable["Answer"]) -> bool:
        """Returns whether rounding may move the first sample here, by where it moves the others."""
        return all(_within(mine, theirs) for mine, *theirs in zip(self, *samples, strict=True))


def _within(numbers: Sequence[float], samples: Sequence[Sequence[float]]) -> bool:
    size = max([abs(x) for x in (*numbers, *samples[0]) if isfinite(x)], default=0.0)
    for number, *theirs in zip(numbers, *samples, strict=True):
        allowed = ALIKE * size + ROUNDINGS * max(abs(x - theirs[0]) for x in theirs)
        is_close = min(theirs) - allowed <= number <= max(theirs) + allowed
        at_an_edge = not isfinite(allowed) or not (isfinite(number) or isfinite(theirs[0]))
        if not (is_close or number == theirs[0] or at_an_edge):
            return False
    return True


def mean_of(answers: Sequence[Answer]) -> Answer:
    """Returns the mean loss and the mean gradient."""
    columns = [zip(*part, strict=True) for part in zip(*answers, strict=True)]
    return Answer(*[[total(numbers) / len(answers) for numbers in part] for part in columns])


class Net:
    """Chooses examples, and holds a program against the scalars on them.

    Args:
        function: the learner's function of one example.
        is_loss: whether it has a gradient.
        is_batched: whether the program takes many examples, and returns the mean of their losses.
    """

    def __init__(self, function: Callable[..., Any], is_loss: bool, is_batched: bool) -> None:
        self.function, self.is_loss, self.is_batched = function, is_loss, is_batched
        self._seen: dict[int, set[int]] = {}  # whole numbers that were checked, by input

    # ---- which examples ------------------------------------------------------------------------

    def is_content(self, inputs: Sequence[Array]) -> bool:
        """Returns whether no label can come that was not checked."""
        return all(
            len(self._seen.get(i, ())) >= (array.below or AT_MOST)
            for i, array in enumerate(inputs)
            if array.is_whole
        )

    def chosen(self, inputs: Sequence[Array], given: Sequence[Any], least: int) -> list[int]:
        """Returns which examples to check: those with labels that are new, and `least` at least."""
        if not self.is_batched:  # all of the data are one example
            given, least = [array[None] for array in given], min(least, 1)
        chosen: list[int] = []
        for i, array in enumerate(inputs):
            seen = self._seen.setdefault(i, set())
            for number in self._new(given[i], seen, array) if array.is_whole else ():
                if number not in seen and len(chosen) < AT_MOST:
                    holds = (given[i] == number).reshape(len(given[i]), -1).any(1)
                    chosen.append(int(holds.argmax()))
                    seen.update(map(int, given[i][chosen[-1]].reshape(-1)))
        for i, array in enumerate(inputs):
            if least and not array.is_whole and self.is_batched:  # a branch may hang on a sign
                rows = given[i].reshape(len(given[i]), -1)
                ends = {int(rows.min(1).argmin()), int(rows.max(1).argmax())}
                chosen += sorted(ends - {*chosen})[: AT_MOST - len(chosen)]
        choices = [i for i, array in enumerate(inputs) if array.below is not None]
        known = {self._written(given, k) for k in chosen}
        pairs = {pair for k in chosen for pair in self._placed(given, choices, k)}
        for k in range(min(len(given[0]), 100 * least)):
            written, placed = self._written(given, k), self._placed(given, choices, k)
            if len(known) < least or (len(known) < AT_MOST and not placed <= pairs):
                chosen += [] if written in known else [k]
                known, pairs = known | {written}, pairs | placed
        return chosen

    def _new(self, numbers: Any, seen: set[int], array: Array) -> list[int]:
        import numpy as np

        if array.below is None and len(seen) >= AT_MOST:
            return []
        is_range = len(seen) > 0 and max(seen) - min(seen) == len(seen) - 1
        if is_range and min(seen) <= numbers.min() and numbers.max() <= max(seen):  # mostly
            return []
        return [int(number) for number in np.unique(numbers)]

    def _placed(self, given: Sequence[Any], choices: list[int], k: int) -> set[tuple[int, ...]]:
        """Returns which labels or tokens an example has, and at which places."""
        return {(i, *pair) for i in choices for pair in enumerate(given[i][k].reshape(-1).tolist())}

    def _written(self, given: Sequence[Any], k: int) -> bytes:
        return b"".join(array[k].tobytes() for array in given)

    # ---- what they say -------------------------------------------------------------------------

    def check(
        self,
        run: Callable[[Any, Sequence[Any]], Any],
        parameters: Sequence[Value],
        theta: Any,
        given: Sequence[Any],
        chosen: Sequence[int],
        is_trusted: bool,
        refusal: Callable[[Any, list[Any], Answer, Answer, str], CannotLift],
    ) -> None:
        """Raises a refusal if program and scalars differ on the chosen examples.

        Args:
            run: the program, on a vector of parameters and arrays.
            parameters: the leaves that the scalars use, and theta their numbers.
            theta: see there.
            given: the arrays with all examples.
            chosen: which of them to compare.
            is_trusted: whether other parameters were tried before.
            refusal: returns the error for these parameters, this example, what is lifted, what the
                scalars say, and the words for where that is.
        """
        import numpy as np

        def lifted(places: list[int]) -> Answer:
            result = run(numbers, [a[places] for a in given] if self.is_batched else given)
            if self.is_loss:
                return Answer([float(result[0])], result[1].tolist())
            return Answer(result.reshape(-1).tolist(), [])

        # At parameters that are all 0 many a fault would not show, nor in a unit that is off for
        # these examples: with the opposite weights it is on.
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(theta))
        points = [(theta, chosen), (noise - theta, chosen[:2]), (theta + noise, chosen[:1])]
        del points[1 if is_trusted else 3 :]
        for numbers, places in points:
            rows = [[a[k] for a in given] if self.is_batched else given for k in places]
            examples = {k: [a.tolist() for a in row] for k, row in zip(places, rows, strict=True)}
            scalars = {
                k: answer for k, example in examples.items()
                if (answer := self._scalars(parameters, numbers, example, numbers is theta))
            }
            is_mean = self.is_loss and self.is_batched and len(scalars) > 1
            if is_mean and lifted([*scalars]).is_like(mean_of([*scalars.values()])):
                continue
            words = "" if numbers is theta else ", with parameters other than these"
            nudged = []
            for k, expected in scalars.items():
                got = lifted([k])
                nudged.append([*self._samples(parameters, numbers, examples[k], expected)])
                if not got.is_like(expected) and not got.is_among(nudged[-1]):
                    where = (f"on example {k}" if self.is_batched else "on these data") + words
                    raise refusal(numbers, examples[k], got, expected, where)
            means = [mean_of(answers) for answers in zip(*nudged, strict=True)]
            if is_mean and not (got := lifted([*scalars])).is_among(means):
                where = f"on examples {', '.join(map(str, scalars))} at once{words}"
                raise refusal(numbers, [], got, means[0], where)

    def _scalars(
        self, parameters: Sequence[Value], theta: Any, example: list[Any], is_said: bool
    ) -> Answer | None:
        """Returns what the scalars say of an example; None if they raise, and that is said."""
        try:
            return self._answer(parameters, theta, example)
        except Exception as error:
            if is_said:
                message = (
                    f"the scalars raise {type(error).__name__} on an example, so the lifted "
                    f"program was not compared with them there: {error}"
                )
                warnings.warn_explicit(
                    message, NotChecked, *(users_line() or (__file__, 1))
                )
            return None

    def _samples(
        self, parameters: Sequence[Value], theta: Any, example: list[Any], expected: Answer
    ) -> Iterator[Answer]:
        """Yields the answer of the scalars, and what it is with each result a little off."""
        yield expected
        try:  # with the inputs as Values, whose rounding counts; if they make no other difference
            nodes = as_values(example, parameters)
            if self._answer(parameters, theta, nodes).is_like(expected):
                example = nodes
        except Exception:
            pass
        for seed in range(SAMPLES):
            try:
                yield self._answer(parameters, theta, example, Nudge(seed))
            except (ArithmeticError, ValueError):  # at the edge of a domain anything may be right
                yield Answer(*[[float("inf")] * len(part) for part in expected])

    def _answer(
        self, parameters: Sequence[Value], theta: Any, example: list[Any], lookout: Any = None
    ) -> Answer:
        answer = answer_of(self.function, parameters, theta, example, lookout)
        return answer if self.is_loss else Answer(answer.outputs, [])


class Nudge:
    """A lookout of `modes` that changes each result a little."""

    def __init__(self, seed: int) -> None:
        self._uniform = Random(seed).uniform

    def made(self, node: Value) -> None:
        """Changes the number of a new node."""
        node._data *= 1.0 + NUDGE * self._uniform(-1.0, 1.0)


def answer_of(
    function: Callable[..., Any],
    parameters: Sequence[Value],
    theta: Any,
    example: list[Any],
    lookout: Any = None,
) -> Answer:
    """Returns what the function says of an example: its outputs, and the gradient of the first.

    The parameters stay as they are: others stand for them, with the numbers of theta.
    """
    leaves = [
        Value(float(number), parameter.name, parameter._requires_grad)
        for parameter, number in zip(parameters, theta, strict=True)
    ]
    by_id = {id(p): leaf for p, leaf in zip(parameters, leaves, strict=True)}
    for parameter, leaf in zip(parameters, leaves, strict=True):
        leaf.origin = ref(parameter)  # a model that keeps its output is known by it
    try:
        with standing_in(by_id, lookout):
            outputs = [*flat(function(*_copied(example)))]  # the function may change it
    except (AttributeError, TypeError):
        with standing_in(by_id, lookout):  # it takes Values, as x.tanh() does
            outputs = [*flat(function(*as_values(example, parameters)))]
    if isinstance(outputs[0], Value) and outputs[0].requires_grad:
        outputs[0].backward()
    numbers = [y._data if isinstance(y, Value) else float(y) for y in outputs]
    return Answer(numbers, [leaf.grad for leaf in leaves])


def as_values(example: Any, parameters: Sequence[Value]) -> Any:
    """Returns the numbers of an example as `Value`s, whole ones as they are."""
    if isinstance(example, list):
        return [as_values(item, parameters) for item in example]
    if not isinstance(example, float):
        return example
    value = Value(example, requires_grad=False)
    value.origin = ref(parameters[0]) if parameters else None  # a model that keeps it gains none
    return value


def _copied(example: Any) -> Any:
    return [_copied(item) for item in example] if isinstance(example, list) else example


def flat(returned: Any) -> Iterator[Any]:
    """Yields what stands in nested lists, in order."""
    if isinstance(returned, list | tuple):
        for part in returned:
            yield from flat(part)
    else:
        yield returned
