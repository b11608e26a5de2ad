"""The net: before a program is trusted, it is held against the scalars that it was lifted from.

A few examples of the data go through the learner's function as it is, on scalars, and through the
program. Loss and gradient must agree but for rounding; else the program is refused, and the message
names the line where recording and scalars part, or the line of the source that is wrong.

How far rounding may move a number is measured where it matters: the graph of the scalars is
computed again with a random relative change of 2**-30 in each of its numbers, and rounding moves
the result 2**-23 times as far. Where that lands on the other side of a kink, either side is right.
"""

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from micrograd_notes import modes
from micrograd_notes.anomaly import line_outside_the_package
from micrograd_notes.engine import Value
from micrograd_notes.graph import topological_order
from micrograd_notes.lifting.recorded import CannotLift
from micrograd_notes.lifting.tape import Array

EXAMPLES, AT_MOST = 3, 8  # how many are held against the scalars, with one of each label
NUDGE, SAMPLES = 2.0**-30, 4
ROUNDINGS = 64 * 2.0**-53 / NUDGE  # a row may be off by 4 ulp, NumPy by a few, sums by their order
ALIKE = 1e-12  # of the largest derivative: 4,500 roundings, which need no closer look

Run = Callable[[Any, Sequence[Any]], Any]


class NotChecked(UserWarning):
    """The scalars raise where the lifted program computes, so they could not be compared."""


class Answer(NamedTuple):
    """A loss and its gradient; or the outputs of a model, and no gradient."""

    outputs: list[float]
    gradient: list[float]

    def is_like(self, other: "Answer") -> bool:
        """Returns whether both are the same but for the order of a few thousand roundings."""
        return _are_alike(self.outputs, other.outputs) and _are_alike(self.gradient, other.gradient)


def _are_alike(these: Sequence[float], those: Sequence[float]) -> bool:
    size = max([abs(x) for x in (*these, *those) if abs(x) < float("inf")], default=0.0)
    return all(
        a == b or abs(a - b) <= ALIKE * size or (a != a and b != b)
        for a, b in zip(these, those, strict=True)
    )


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
        return not self.is_batched or all(
            len(self._seen.get(i, ())) >= (array.below or AT_MOST)
            for i, array in enumerate(inputs)
            if array.is_whole
        )

    def chosen(self, inputs: Sequence[Array], given: Sequence[Any], least: int) -> list[int]:
        """Returns which examples to check: some with the labels that are new, and `least` at least.

        Args:
            inputs: the inputs of the program.
            given: the arrays for them.
            least: how many examples to check if no label is new.
        """
        chosen: list[int] = []
        if not self.is_batched:
            return [0] if least else []
        for i, array in enumerate(inputs):
            if array.is_whole:
                seen = self._seen.setdefault(i, set())
                for number in self._new(given[i], array, seen):
                    if len(chosen) == AT_MOST:
                        break
                    if number not in seen:
                        chosen.append(_first(given[i], number))
                        seen.update(map(int, given[i][chosen[-1]].reshape(-1)))
        known = {_written(given, k) for k in chosen}
        for k in range(len(given[0])):
            if len(known) >= least or k > 100 * least:
                break
            if (written := _written(given, k)) not in known:
                known.add(written)
                chosen.append(k)
        return chosen

    def _new(self, numbers: Any, array: Array, seen: set[int]) -> list[int]:
        import numpy as np

        if array.below is None and len(seen) >= AT_MOST:
            return []
        is_range = len(seen) > 0 and max(seen) - min(seen) == len(seen) - 1
        if is_range and min(seen) <= numbers.min() and numbers.max() <= max(seen):  # mostly
            return []
        return [int(number) for number in np.unique(numbers) if int(number) not in seen]

    # ---- what they say -------------------------------------------------------------------------

    def check(
        self,
        run: Run,
        parameters: Sequence[Value],
        theta: Any,
        given: Sequence[Any],
        chosen: Sequence[int],
        blame: Callable[[Answer, Answer, str, list[Any]], CannotLift],
    ) -> None:
        """Raises what `blame` makes of it if program and scalars differ on the chosen examples.

        Args:
            run: the program, on a vector of parameters and arrays.
            parameters: the leaves that the scalars use.
            theta: the numbers of the parameters.
            given: the arrays with all examples.
            chosen: which of them to compare.
            blame: returns the refusal for what is lifted, what the scalars say, the words for where
                that is, and the example.
        """
        import numpy as np

        noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(theta))
        # At parameters that are all 0, or all alike, many a fault would not show.
        for numbers, places in ((theta, chosen), (theta + noise, chosen[:2])):
            is_theirs = numbers is theta
            examples = [self._example(given, k) for k in places]
            answers = [self._answer(parameters, numbers, x, is_theirs) for x in examples]
            pairs = [(k, a) for k, a in zip(places, answers, strict=True) if a is not None]
            if not pairs:
                continue
            if len(pairs) > 1 and self.is_batched and self.is_loss:
                batch = self._lifted(run, numbers, given, [k for k, _ in pairs])
                mean = Answer(*[_mean(part) for part in zip(*[a for _, a in pairs], strict=True)])
                if batch.is_like(mean):
                    continue
            for k, expected in pairs:
                got = self._lifted(run, numbers, given, [k])
                example = self._example(given, k)
                if not got.is_like(expected) and not self._is_rounding(
                    parameters, numbers, example, got, expected
                ):
                    where = f"on example {k}" if self.is_batched else "on these data"
                    raise blame(got, expected, where + ("" if is_theirs else SHAKEN), example)
            if len(pairs) > 1 and self.is_batched and self.is_loss:
                singles = [self._lifted(run, numbers, given, [k]) for k, _ in pairs]
                mean = Answer(*[_mean(part) for part in zip(*singles, strict=True)])
                if not batch.is_like(mean):
                    places_ = ", ".join(str(k) for k, _ in pairs)
                    raise blame(batch, mean, f"on examples {places_} at once", [])

    def _example(self, given: Sequence[Any], k: int) -> list[Any]:
        return [(array[k] if self.is_batched else array).tolist() for array in given]

    def _lifted(self, run: Run, theta: Any, given: Sequence[Any], places: list[int]) -> Answer:
        data = [array[places] for array in given] if self.is_batched else given
        if not self.is_loss:
            return Answer(run(theta, data).reshape(-1).tolist(), [])
        loss, gradient = run(theta, data)
        return Answer([float(loss)], gradient.tolist())

    def _answer(
        self, parameters: Sequence[Value], theta: Any, example: list[Any], is_theirs: bool
    ) -> Answer | None:
        """Returns what the scalars say of an example; None, and a warning, if they raise."""
        try:
            outputs, stand_ins = self._scalars(parameters, theta, example)
        except Exception as error:
            if is_theirs:
                file, line = line_outside_the_package() or (__file__, 1)
                message = (
                    f"the scalars raise {type(error).__name__} on an example, so the lifted "
                    f"program was not compared with them there: {error}"
                )
                warnings.warn_explicit(message, NotChecked, file, line)
            return None
        return Answer(*self._numbers(outputs, stand_ins))

    def _numbers(
        self, outputs: list[Any], stand_ins: list[Value]
    ) -> tuple[list[float], list[float]]:
        numbers = [y._data if isinstance(y, Value) else float(y) for y in outputs]
        if not self.is_loss:
            return numbers, []
        [loss] = outputs
        if isinstance(loss, Value) and loss.requires_grad:
            loss.backward()
        return numbers, [stand_in.grad for stand_in in stand_ins]

    def _scalars(
        self, parameters: Sequence[Value], theta: Any, example: list[Any]
    ) -> tuple[list[Any], list[Value]]:
        """Returns what the function returns, and the leaves that stood for the parameters."""
        try:
            return call_on_scalars(self.function, parameters, theta, example)
        except (AttributeError, TypeError):  # it wants Values, as x.tanh() does
            return call_on_scalars(self.function, parameters, theta, as_values(example))

    def _is_rounding(
        self,
        parameters: Sequence[Value],
        theta: Any,
        example: list[Any],
        got: Answer,
        expected: Answer,
    ) -> bool:
        """Returns whether rounding may move the answer of the scalars so far."""
        outputs, stand_ins = self._scalars(parameters, theta, example)
        try:  # with the inputs as Values, whose rounding counts; if they make no other difference
            as_nodes = call_on_scalars(self.function, parameters, theta, as_values(example))
            if Answer(*self._numbers(*as_nodes)).is_like(expected):
                outputs, stand_ins = as_nodes
        except Exception:
            pass
        samples = [expected]
        for seed in range(SAMPLES):
            sample = _nudged(outputs, stand_ins if self.is_loss else [], random.Random(seed))
            samples.append(Answer(*sample))
        return _within(got.outputs, [s.outputs for s in samples]) and _within(
            got.gradient, [s.gradient for s in samples]
        )


SHAKEN = ", with parameters that are shaken at random"


def _mean(parts: Sequence[Sequence[float]]) -> list[float]:
    return [sum(numbers) / len(numbers) for numbers in zip(*parts, strict=True)]


def _within(got: Sequence[float], samples: Sequence[Sequence[float]]) -> bool:
    """Returns whether each number is where rounding may take the first sample, or between them."""
    size = max([abs(x) for x in samples[0] if abs(x) < float("inf")], default=0.0)
    for number, *theirs in zip(got, *samples, strict=True):
        if number == theirs[0] or (number != number and theirs[0] != theirs[0]):
            continue
        allowed = ROUNDINGS * max(abs(x - theirs[0]) for x in theirs) + ALIKE * size
        if not min(theirs) - allowed <= number <= max(theirs) + allowed:
            return False
    return True


def _nudged(
    outputs: list[Any], leaves: list[Value], generator: random.Random
) -> tuple[list[float], list[float]]:
    """Returns outputs and gradient of a graph in which each number is a little off."""
    roots = [y for y in outputs if isinstance(y, Value)]
    nodes = list({node: None for root in roots for node in topological_order(root)})
    numbers: dict[Any, float] = {}
    for node in nodes:
        exact = node.op is None and node._data.is_integer() and not node._requires_grad
        nudge = 1.0 if exact else 1.0 + NUDGE * generator.uniform(-1.0, 1.0)
        operands = [numbers[operand] for operand in node.operands]
        numbers[node] = (node.op.forward(*operands) if node.op else node._data) * nudge
    adjoints = dict.fromkeys(nodes, 0.0)
    for output in outputs[:1] if leaves else []:
        adjoints[output] = 1.0
    for node in reversed(nodes if leaves else []):
        if node.op is None or not adjoints[node]:
            continue
        wanted = [
            i for i, x in enumerate(node.operands)
            if x._requires_grad and node.op.is_differentiated(i)
        ]
        given = [numbers[operand] for operand in node.operands]
        partials = node.op.local_partials(wanted, numbers[node], given)
        for i, partial in zip(wanted, partials, strict=True):
            adjoints[node.operands[i]] += adjoints[node] * partial
    return (
        [numbers[y] if isinstance(y, Value) else float(y) for y in outputs],
        [adjoints.get(leaf, 0.0) for leaf in leaves],
    )


def call_on_scalars(
    function: Callable[..., Any],
    parameters: Sequence[Value],
    theta: Any,
    example: list[Any],
    lookout: Any = None,
) -> tuple[list[Any], list[Value]]:
    """Returns the numbers that the function returns, and the leaves that stood for the parameters.

    The parameters stay as they are: others stand for them, with the numbers of theta.
    """
    stand_ins = [
        Value(float(number), parameter.name, parameter._requires_grad)
        for parameter, number in zip(parameters, theta, strict=True)
    ]
    by_id = {id(p): stand_in for p, stand_in in zip(parameters, stand_ins, strict=True)}
    with modes.standing_in(by_id, lookout):
        returned = function(*example)
    return list(_flat(returned)), stand_ins


def as_values(example: Any) -> Any:
    """Returns the numbers of an example as `Value`s, whole ones as they are."""
    if isinstance(example, list):
        return [as_values(item) for item in example]
    return Value(example, requires_grad=False) if isinstance(example, float) else example


def _flat(returned: Any) -> Iterator[Any]:
    if isinstance(returned, list | tuple):
        for part in returned:
            yield from _flat(part)
    else:
        yield returned


def _first(array: Any, number: int) -> int:
    """Returns the first example that holds the number."""
    return int((array == number).reshape(len(array), -1).any(1).argmax())


def _written(given: Sequence[Any], k: int) -> bytes:
    return b"".join(array[k].tobytes() for array in given)
