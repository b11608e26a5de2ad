"""The net: before a program is trusted, it is compared with the scalars that it was lifted from.

`program.py` calls `Net.check`. A few examples of the data go through the learner's function on
scalars, and through the program. If loss and gradient differ by more than rounding, the program is
refused; read `blame.py` next.

A function gets a program for each shape of its data. The first two are compared on up to eight
examples, and on some of them with two other vectors of parameters. If they agree, each later one
starts with two, because the same passes make all of them. Each one is compared on all labels that
come to it, and where its gradient is not the slope of its own loss (`slopes.py`).
A function that draws random numbers is refused, however rarely they change its answer.

The effect of rounding is measured: the scalars are computed again with a random relative change of
2**-30 in each result, and rounding moves the answer 2**-23 times as far. If this reaches the other
side of a kink, either side is right. It is measured only where the difference exceeds 1e-12. The
sum of a derivative over its paths is rounded, too: by a few units of the sum of their sizes. A loss
is rounded like a number of size 1, since that of a sure answer is the logarithm of such a number.
"""

import pickle
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from math import isfinite
from random import Random, getstate
from types import SimpleNamespace
from typing import Any, NamedTuple
from weakref import ref

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.common.users_line import users_line
from micrograd_notes.engine import Value
from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.backward import sweep
from micrograd_notes.engine.stand_ins import standing_in
from micrograd_notes.lifting.trace.recorded import CannotLift
from micrograd_notes.lifting.trace.tape import Array

EXAMPLES, AT_MOST = 3, 8  # the number of examples to compare, with one of each label
THOROUGH, FEWER = 2, 2  # so many programs get the whole check; the examples for later ones
NUDGE, FEW, MANY = 2.0**-30, 4, 32  # and how many samples are nudged
ROUNDINGS = 64 * 2.0**-53 / NUDGE  # a row may be off by 4 ulp, NumPy by a few, sums by their order
PATHS = 64 * 2.0**-53  # of the sum of all paths' sizes; the same 64 roundings
LOW = 2.0**-511  # the smallest number whose square has all its digits
ALIKE = 1e-12  # of the largest derivative: 4,500 roundings, which need no further check


Run = Callable[[Any, Sequence[Any]], Any]  # a program, on a vector of parameters and arrays
Lookout = Callable[[Any], None]  # is shown each new node


class NotChecked(UserWarning):
    """The scalars raised an error on an example, so the program was not compared there."""


class Answer(NamedTuple):
    """A loss and its gradient; or the outputs of a model, and no gradient."""

    outputs: list[float]
    gradient: list[float]

    def is_like(self, other: "Answer") -> bool:
        """Returns whether they differ by at most a few thousand roundings."""
        return all(_within(these, [those]) for these, those in zip(self, other, strict=True))

    def is_among(self, samples: Iterable["Answer"]) -> bool:
        """Returns whether rounding may move the first sample here, judged by the others."""
        return all(_within(mine, theirs) for mine, *theirs in zip(self, *samples, strict=True))


def _within(numbers: Sequence[float], samples: Sequence[Sequence[float]]) -> bool:
    size = max([abs(x) for x in (*numbers, *samples[0]) if isfinite(x)], default=0.0)
    for number, *theirs in zip(numbers, *samples, strict=True):
        spread = max(abs(x - theirs[0]) for x in theirs)  # to one side as to the other
        allowed = ALIKE * size + (1 + ROUNDINGS) * spread
        is_close = abs(number - theirs[0]) <= allowed
        at_an_edge = not isfinite(allowed) or not (isfinite(number) or isfinite(theirs[0]))
        if not (is_close or number == theirs[0] or at_an_edge):
            return False
    return True


def mean_of(answers: Sequence[Answer]) -> Answer:
    """Returns the mean loss and the mean gradient."""
    columns = [zip(*part, strict=True) for part in zip(*answers, strict=True)]
    return Answer(*[[total(numbers) / len(answers) for numbers in part] for part in columns])


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
        return [int(number) for number in np.unique(numbers)]

    def _placed(self, given: Sequence[Any], choices: list[int], k: int) -> set[tuple[int, ...]]:
        """Returns the labels or tokens of an example, with their places."""
        return {(i, *pair) for i in choices for pair in enumerate(given[i][k].reshape(-1).tolist())}

    def _written(self, given: Sequence[Any], k: int) -> bytes:
        return b"".join(array[k].tobytes() for array in given)

    def check(
        self,
        run: Run,
        parameters: Sequence[Value],
        theta: Any,
        given: Sequence[Any],
        chosen: Sequence[int],
        is_trusted: bool,
        refusal: Callable[[Any, list[Any], Answer, Answer, str], CannotLift],
    ) -> None:
        """Raises a refusal if program and scalars differ on the chosen examples.

        `run` is the program, on a vector of parameters and arrays, and `theta` has the numbers of
        the parameters. `is_trusted` says whether other parameters were tried before. `refusal`
        returns the error for parameters, an example, both answers, and words for the place.
        """
        # Parameters that are all 0 hide many faults, and so does a unit that is off for these
        # examples: with the opposite weights it is on.
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(theta))
        points = [(theta, chosen)]
        if not is_trusted:
            points += [(noise - theta, chosen[:2]), (theta + noise, chosen[:1])]
        agreed = not is_trusted
        for numbers, places in points:
            point = _Point(self, run, parameters, numbers, given, numbers is theta)
            scalars = point.scalars(places)
            agreed = agreed and bool(scalars or not point.is_own)
            # of many ties that rounding decides, few samples show but some ways
            if point.differs(scalars, FEW) and (differs := point.differs(scalars, MANY)):
                raise refusal(numbers, *differs)
        self._agreed += agreed

    def _scalars(
        self, parameters: Sequence[Value], theta: Any, example: list[Any], is_said: bool
    ) -> Answer | None:
        """Returns the scalars' answer on an example; None, with a warning, if they raise.

        CannotLift if they draw random numbers, but not if they seed them first.
        """
        before = self._random_state()
        try:
            answer = self._answer(parameters, theta, example)
            if (after := self._random_state()) != before:
                self._answer(parameters, theta, example)
        except Exception as error:
            if is_said:
                _say(f"the scalars raise {type(error).__name__}", f": {error}")
            return None
        if after not in (before, self._random_state()):
            raise CannotLift(
                "the function can't be lifted: it draws random numbers at each call, and a program "
                "has those of one call. Draw them before, and pass them as an input: "
                "loss(x, y, noise). Or use the scalars: fit(..., lifted=False)."
            )
        return answer

    def _leaves_range(
        self, parameters: Sequence[Value], theta: Any, example: list[Any], is_said: bool
    ) -> bool:
        """Returns whether the square of a scalar leaves the range of floats, with a warning.

        Then a slope may be 0 or infinite that is neither: that of 1 / x is -1 / x**2. The program
        has it right where it writes log(1 / x) as -log(x), or wrong where the scalars are right.
        """
        nodes: list[Value] = []
        self._answer(parameters, theta, example, nodes.append)
        numbers = [node._data for node in nodes if node._data and isfinite(node._data)]
        extreme = [number for number in numbers if not LOW < abs(number) < 1.0 / LOW]
        if extreme and is_said:
            _say(f"the scalars hold {extreme[-1]:.3g}, whose square underflows or overflows,")
        return bool(extreme)

    def _random_state(self) -> list[Any]:
        """Returns the states of Python's and NumPy's random numbers, and of the function's own."""
        known = [np.random.get_state(legacy=False), *self.generators]
        return [getstate(), *map(pickle.dumps, known)]

    def _samples(
        self, parameters: Sequence[Value], theta: Any, example: list[Any], expected: Answer,
        count: int
    ) -> Iterator[Answer]:
        """Yields the answer of the scalars, then some with each result changed a little."""
        yield expected
        changed = example
        try:  # with inputs as Values, whose rounding counts, unless this changes more
            nodes = as_values(example, parameters)
            has_inputs = any(isinstance(x, float) for x in flat(example))
            if has_inputs and self._answer(parameters, theta, nodes).is_like(expected):
                changed = nodes
        except Exception:
            pass
        for seed in range(count):
            try:
                yield self._answer(parameters, theta, changed, _nudge(seed))
            except (ArithmeticError, ValueError):  # at the edge of a domain anything may be right
                yield Answer(*[[float("inf")] * len(part) for part in expected])
        sizes = self._sizes(parameters, theta, example)
        # with a derivative below this, a parameter moved by its size is lost in the loss's rounding
        least = min([1.0, *map(abs, expected.outputs)]) / np.maximum(np.abs(theta), 1.0)
        moves = [PATHS * (size + x) for size, x in zip(sizes, least.tolist(), strict=False)]
        for sign in (-1.0, 1.0):
            pairs = zip(expected.gradient, moves, strict=True)
            ends = [x + sign * PATHS for x in expected.outputs] if self.is_loss else []
            yield Answer(ends or expected.outputs, [x + sign * move for x, move in pairs])

    def _sizes(
        self, parameters: Sequence[Value], theta: Any, example: list[Any]
    ) -> list[float]:
        """Returns for each derivative the sum of the sizes of its paths; none where it raises.

        Labels are `Value`s if they may be: a loss may take another formula for them, and it is
        that one which is recorded. A cross-entropy adds the label's own share and takes it away.
        """
        for kinds in ((float, int), (float,), ()):
            try:
                outputs, leaves = outputs_of(
                    self.function, parameters, theta, as_values(example, parameters, kinds)
                )
                flows: dict[Any, float] = {outputs[0]: 1.0}
                for step in sweep(outputs[0]) if self.is_loss else ():
                    flow = flows[step.node] * abs(step.partial)
                    flows[step.operand] = flows.get(step.operand, 0.0) + flow
                return [flows.get(leaf, 0.0) for leaf in leaves] if self.is_loss else []
            except Exception:
                continue
        return [0.0] * len(parameters) if self.is_loss else []

    def _answer(
        self, parameters: Sequence[Value], theta: Any, example: list[Any],
        lookout: Lookout | None = None
    ) -> Answer:
        answer = answer_of(self.function, parameters, theta, example, lookout)
        return answer if self.is_loss else Answer(answer.outputs, [])


class _Point:
    """Numbers of the parameters; `is_own` says whether they are the learner's."""

    def __init__(
        self, net: Net, run: Run, parameters: Sequence[Value], numbers: Any, given: Sequence[Any],
        is_own: bool
    ) -> None:
        self.net, self.run, self.parameters, self.numbers = net, run, parameters, numbers
        self.given, self.is_own = given, is_own

    def lifted(self, places: list[int]) -> Answer:
        """Returns the program's answer on some examples."""
        rows = [a[places] for a in self.given] if self.net.is_batched else self.given
        result = self.run(self.numbers, rows)
        if self.net.is_loss:
            return Answer([float(result[0])], result[1].tolist())
        return Answer(result.reshape(-1).tolist(), [])

    def example(self, k: int) -> list[Any]:
        """Returns an example in lists."""
        rows = [a[k] for a in self.given] if self.net.is_batched else self.given
        return [row.tolist() for row in rows]

    def scalars(self, places: Sequence[int]) -> dict[int, Answer]:
        """Returns the scalars' answers, but for examples on which they raise."""
        answers = [
            (k, self.net._scalars(self.parameters, self.numbers, self.example(k), self.is_own))
            for k in places
        ]
        return {k: answer for k, answer in answers if answer is not None}

    def differs(
        self, scalars: dict[int, Answer], count: int
    ) -> tuple[list[Any], Answer, Answer, str] | None:
        """Returns where program and scalars differ by more than rounding may: the example, both
        answers, and words for the place. So many samples show what rounding does.
        """
        net, words = self.net, "" if self.is_own else ", with parameters other than these"
        is_mean = net.is_loss and net.is_batched and len(scalars) > 1
        if is_mean and self.lifted([*scalars]).is_like(mean_of([*scalars.values()])):
            return None
        nudged = []  # many more scalars, so only if something differs
        for k, expected in scalars.items():
            got, example = self.lifted([k]), self.example(k)
            if not is_mean and got.is_like(expected):
                continue
            samples = net._samples(self.parameters, self.numbers, example, expected, count)
            nudged.append([*samples])
            if not got.is_like(expected) and not got.is_among(nudged[-1]):
                if net._leaves_range(self.parameters, self.numbers, example, self.is_own):
                    is_mean = False
                    continue
                where = (f"on example {k}" if net.is_batched else "on these data") + words
                return example, got, expected, where
        means = [mean_of(answers) for answers in zip(*nudged, strict=True)]
        if is_mean and not (got := self.lifted([*scalars])).is_among(means):
            where = f"on examples {', '.join(map(str, scalars))} at once{words}"
            return [], got, means[0], where
        return None


def _nudge(seed: int) -> Lookout:
    """Returns a lookout that changes each result a little, as rounding does.

    What is one of the operands, as a maximum is, was not rounded.
    """
    uniform = Random(seed).uniform

    def nudge(node: Value) -> None:
        if all(node._data != below._data for below in node.operands):
            node._data *= 1.0 + NUDGE * uniform(-1.0, 1.0)

    return nudge


def _say(what: str, why: str = "") -> None:
    """Warns that a program was not compared."""
    message = f"{what} on an example, so the lifted program was not compared with them there{why}"
    warnings.warn_explicit(message, NotChecked, *(users_line() or (__file__, 1)))


def answer_of(
    function: Callable[..., Any], parameters: Sequence[Value], theta: Any, example: list[Any],
    lookout: Lookout | None = None
) -> Answer:
    """Returns the outputs of the function on an example, and the gradient of the first."""
    outputs, leaves = outputs_of(function, parameters, theta, example, lookout)
    if isinstance(outputs[0], Value) and outputs[0].requires_grad:
        outputs[0].backward()
    numbers = [y._data if isinstance(y, Value) else float(y) for y in outputs]
    return Answer(numbers, [leaf.grad for leaf in leaves])


def outputs_of(
    function: Callable[..., Any], parameters: Sequence[Value], theta: Any, example: list[Any],
    lookout: Lookout | None = None, kind: type[Value] = Value
) -> tuple[list[Any], list[Any]]:
    """Returns the outputs of the function on an example, and the leaves that they come from.

    The parameters do not change: other leaves, with the numbers of theta, stand for them. They are
    of that kind of `Value`. A lookout is shown each new node.
    """
    looks = None if lookout is None else SimpleNamespace(made=lookout)
    leaves = [
        kind(float(number), parameter.name, parameter._requires_grad)
        for parameter, number in zip(parameters, theta, strict=True)
    ]
    by_id = {id(p): leaf for p, leaf in zip(parameters, leaves, strict=True)}
    for parameter, leaf in zip(parameters, leaves, strict=True):
        leaf.origin = ref(parameter)  # by it, a model that keeps its output is recognised
    try:
        with standing_in(by_id, looks):
            outputs = [*flat(function(*_copied(example)))]  # the function may change it
    except (AttributeError, TypeError):
        with standing_in(by_id, looks):  # it takes Values, as x.tanh() does
            outputs = [*flat(function(*as_values(example, parameters)))]
    return [by_id.get(id(y), y) for y in outputs], leaves


def as_values(
    example: Any, parameters: Sequence[Value], kinds: tuple[type, ...] = (float,),
    made: type[Value] = Value
) -> Any:
    """Returns the numbers of these kinds in an example as `Value`s, and the others as they are."""
    if isinstance(example, list):
        return [as_values(item, parameters, kinds, made) for item in example]
    if type(example) not in kinds:
        return example
    value = made(example, requires_grad=False)
    value.origin = ref(parameters[0]) if parameters else None  # so it is not a new parameter
    return value


def _copied(example: Any) -> Any:
    return [_copied(item) for item in example] if isinstance(example, list) else example


def flat(returned: Any) -> Iterator[Any]:
    """Yields the items of nested lists, in order."""
    if isinstance(returned, list | tuple):
        for part in returned:
            yield from flat(part)
    else:
        yield returned
