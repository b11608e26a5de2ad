"""Whether a program and the scalars differ at a point: with some parameters, on some examples.

The effect of rounding is measured: the scalars are computed again with a random relative change of
2**-30 in each result, and rounding moves the answer 2**-23 times as far. If this reaches the other
side of a kink, either side is right. It is measured only where the difference exceeds 1e-12. The
sum of a derivative over its paths is rounded, too: by a few units of the sum of their sizes. A loss
is rounded like a number of size 1, since that of a sure answer is the logarithm of such a number.
`net.py` chooses the points.
"""

import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from random import getstate
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.common.users_line import users_line
from micrograd_notes.engine import Value
from micrograd_notes.engine.backward import sweep
from micrograd_notes.lifting.guards.answers import Answer, answer_of, as_values, outputs_of, rounded
from micrograd_notes.lifting.trace.recorded import CannotLift

FEW, MANY = 4, 32  # samples of what rounding does; of many ties, few show but some ways
PATHS = 64 * 2.0**-53  # of the sum of all paths' sizes; the same 64 roundings
LOW = 2.0**-511  # the smallest number whose square has all its digits

Run = Callable[[Any, Sequence[Any]], Any]  # a program, on a vector of parameters and arrays
Difference = tuple[list[Any], Answer, Answer, str]  # an example, both answers, and the place


class NotChecked(UserWarning):
    """The scalars raised an error on an example, so the program was not compared there."""


@dataclass
class Point:
    """Numbers of the parameters, at which a program and a function of scalars are compared.

    `is_loss` says whether they have a gradient, and `is_batched` whether the program takes many
    examples and returns their mean loss. The function may draw from the `generators` of random
    numbers. `is_own` says whether the numbers are the learner's. If `is_said`, a warning names what
    was not compared.
    """

    function: Callable[..., Any]
    is_loss: bool
    is_batched: bool
    generators: Sequence[Any]
    run: Run
    parameters: Sequence[Value]
    given: Sequence[Any]
    numbers: Any
    is_own: bool
    is_said: bool = True

    def differs(self, scalars: dict[int, Answer], count: int) -> Difference | None:
        """Returns where program and scalars differ by more than so many samples of rounding do."""
        words = "" if self.is_own else ", with parameters other than these"
        is_mean = self.is_loss and self.is_batched and len(scalars) > 1
        if is_mean and self._lifted([*scalars]).is_like(Answer.mean([*scalars.values()])):
            return None
        nudged = []  # many more scalars, so only if something differs
        for k, expected in scalars.items():
            got, example = self._lifted([k]), self._example(k)
            if not is_mean and got.is_like(expected):
                continue
            nudged.append([*self._samples(example, expected, count)])
            if not got.is_like(expected) and not got.is_among(nudged[-1]):
                if self._leaves_range(example):
                    is_mean = False
                    continue
                where = (f"on example {k}" if self.is_batched else "on these data") + words
                return example, got, expected, where
        means = [Answer.mean(answers) for answers in zip(*nudged, strict=True)]
        if is_mean and not (got := self._lifted([*scalars])).is_among(means):
            where = f"on examples {', '.join(map(str, scalars))} at once{words}"
            return [], got, means[0], where
        return None

    def _lifted(self, places: list[int]) -> Answer:
        """Returns the program's answer on some examples."""
        rows = [a[places] for a in self.given] if self.is_batched else self.given
        result = self.run(self.numbers, rows)
        if self.is_loss:
            return Answer([float(result[0])], result[1].tolist())
        return Answer(result.reshape(-1).tolist(), [])

    def _example(self, k: int) -> list[Any]:
        """Returns an example in lists."""
        rows = [a[k] for a in self.given] if self.is_batched else self.given
        return [row.tolist() for row in rows]

    # ---- the scalars ---------------------------------------------------------------------------

    def scalars(self, places: Sequence[int]) -> dict[int, Answer]:
        """Returns the scalars' answers, but for examples on which they raise.

        CannotLift if they draw random numbers, but not if they seed them first.
        """
        answers = [(k, self._drawing_nothing(self._example(k))) for k in places]
        return {k: answer for k, answer in answers if answer is not None}

    def _drawing_nothing(self, example: list[Any]) -> Answer | None:
        """Returns the scalars' answer on an example; None, with a warning, if they raise."""
        before = self._random_state()
        try:
            answer = self._answer(example)
            if (after := self._random_state()) != before:
                self._answer(example)
        except Exception as error:
            self._say(f"the scalars raise {type(error).__name__}", f": {error}")
            return None
        if after not in (before, self._random_state()):
            raise CannotLift(
                "the function can't be lifted: it draws random numbers at each call, and a program "
                "has those of one call. Draw them before, and pass them as an input: "
                "loss(x, y, noise). Or use the scalars: fit(..., lifted=False)."
            )
        return answer

    def _random_state(self) -> list[Any]:
        """Returns the states of Python's and NumPy's random numbers, and of the function's own."""
        known = [np.random.get_state(legacy=False), *self.generators]
        return [getstate(), *map(pickle.dumps, known)]

    def _answer(self, example: list[Any], lookout: Any = None) -> Answer:
        answer = answer_of(self.function, self.parameters, self.numbers, example, lookout)
        return answer if self.is_loss else Answer(answer.outputs, [])

    def _leaves_range(self, example: list[Any]) -> bool:
        """Returns whether the square of a scalar leaves the range of floats, with a warning.

        Then a slope may be 0 or infinite that is neither: that of 1 / x is -1 / x**2. The program
        has it right where it writes log(1 / x) as -log(x), or wrong where the scalars are right.
        """
        nodes: list[Value] = []
        self._answer(example, nodes.append)
        numbers = [node._data for node in nodes if node._data and isfinite(node._data)]
        extreme = [number for number in numbers if not LOW < abs(number) < 1.0 / LOW]
        if extreme:
            last = extreme[-1]
            self._say(f"the scalars hold {last:.3g}, whose square underflows or overflows,")
        return bool(extreme)

    def _say(self, what: str, why: str = "") -> None:
        """Warns that the program was not compared with the learner's own numbers."""
        words = f"{what} on an example, so the lifted program was not compared with them there{why}"
        if self.is_own and self.is_said:
            warnings.warn_explicit(words, NotChecked, *(users_line() or (__file__, 1)))

    # ---- samples of rounding -------------------------------------------------------------------

    def _samples(self, example: list[Any], expected: Answer, count: int) -> Iterator[Answer]:
        """Yields the answer of the scalars, then some with each result changed a little."""
        yield expected
        changed = example
        with suppress(Exception):  # with inputs as Values, whose rounding counts
            nodes = as_values(example, self.parameters)
            if self._answer(nodes).is_like(expected):  # or this changes more than rounding does
                changed = nodes
        for seed in range(count):
            try:
                yield self._answer(changed, rounded(seed))
            except (ArithmeticError, ValueError):  # at the edge of a domain anything may be right
                yield Answer(*[[float("inf")] * len(part) for part in expected])
        # with a derivative below this, a parameter moved by its size is lost in the loss's rounding
        least = min([1.0, *map(abs, expected.outputs)]) / np.maximum(np.abs(self.numbers), 1.0)
        pairs = zip(self._sizes(example), least.tolist(), strict=False)
        moves = [PATHS * (size + x) for size, x in pairs]
        for sign in (-1.0, 1.0):
            pairs = zip(expected.gradient, moves, strict=True)
            ends = [x + sign * PATHS for x in expected.outputs] if self.is_loss else []
            yield Answer(ends or expected.outputs, [x + sign * move for x, move in pairs])

    def _sizes(self, example: list[Any]) -> list[float]:
        """Returns for each derivative the sum of the sizes of its paths; none where it raises.

        Labels are `Value`s if they may be: a loss may take another formula for them, and it is
        that one which is recorded. A cross-entropy adds the label's own share and takes it away.
        """
        for kinds in ((float, int), (float,), ()) if self.is_loss else ():
            try:
                values = as_values(example, self.parameters, kinds)
                outputs, leaves = outputs_of(self.function, self.parameters, self.numbers, values)
                flows: dict[Any, float] = {outputs[0]: 1.0}
                for step in sweep(outputs[0]):
                    flow = flows[step.node] * abs(step.partial)
                    flows[step.operand] = flows.get(step.operand, 0.0) + flow
                return [flows.get(leaf, 0.0) for leaf in leaves]
            except Exception:
                continue
        return [0.0] * len(self.parameters) if self.is_loss else []
