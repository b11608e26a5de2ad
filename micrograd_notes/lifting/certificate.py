"""The certificate of a lifted program: it agrees with the scalars to many digits.

The printed source runs on arrays whose numbers have many digits. The learner's function runs on
scalars of the same numbers, and the chain rule goes back through their graph. The two sides share
no recording and no pass. `program.py` calls `certified`; `testing/numbers` has the two sides,
`arrays.py` and `scalars.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from micrograd_notes.engine import Value
from micrograd_notes.lifting.trace.net import as_values, outputs_of
from micrograd_notes.lifting.trace.tape import Array

ROWS, MOST_ROWS = 2, 4  # of a batch, at each point: more where they have new labels
POOL = 16  # examples that are made up where none are given
TRIES = 12  # points that may be left out
SPREAD, NEARER = 0.5, 0.7  # how far from a number another one is drawn, of its size; after a failure
AGAIN = 3  # times that the scalars are computed again, to measure the effect of rounding


@dataclass(frozen=True)
class Certificate:
    """The result of `certify`. It is true if all digits that were asked for agree.

    Attributes:
        asked: how many digits were compared.
        loss: how many agree in the loss, or in each output of a model.
        gradient: how many agree in each derivative; None for a model without a loss.
        worst: the array of parameters whose derivative has the fewest; "" if all agree.
        points: the number of points.
        left_out: how many points were left out, because a number is not finite there, or rounding
            decides between two branches.
        fault: the reason if the digits are not.
    """

    asked: int
    loss: int
    gradient: int | None
    worst: str
    points: int
    left_out: int
    fault: str

    def __bool__(self) -> bool:
        gradient = self.loss if self.gradient is None else self.gradient
        return not self.fault and min(self.loss, gradient) >= self.asked

    def __str__(self) -> str:
        is_loss = self.gradient is not None
        place = f"at {self.points} random point{'s' if self.points > 1 else ''}"
        if self.fault:
            text = f"not certified: {self.fault}"
        elif self:
            what = "loss and gradient" if is_loss else "outputs"
            text = f"certified: {what} agree with the scalars to {self.asked} digits {place}"
        else:
            what = f"loss and {self.gradient} of the gradient" if is_loss else "outputs"
            least = f" (fewest in d{self.worst})" if self.worst else ""
            text = (
                f"not certified: {self.loss} digits of the {what}{least} agree with the scalars "
                f"instead of {self.asked}, {place}"
            )
        if self.left_out:
            text += f"\n{self.left_out} more were left out: a kink, or a number that is not finite"
        return text


class Subject(NamedTuple):
    """A program, what it was lifted from, and numbers near which points are drawn."""

    source: str
    function: Callable[..., Any]
    parameters: Sequence[Value]
    arrays: Sequence[Array]
    inputs: Sequence[Array]
    is_loss: bool
    is_batched: bool
    theta: Any
    given: Sequence[Any]


class Answer(NamedTuple):
    """A loss, or the outputs of a model, and the gradient."""

    outputs: list[Any]
    gradient: list[Any]


class _FailsError(Exception):
    """The program raises, or returns something else than numbers."""


def certified(subject: Subject, points: int, asked: int, seed: int) -> Certificate:
    """Returns to how many digits the program and the scalars agree.

    Raises:
        TypeError: an operation can't be computed with many digits.
    """
    import mpmath

    from micrograd_notes.testing.numbers.precise import OpaqueError

    least = Answer([asked], [asked] * len(subject.parameters) if subject.is_loss else [])
    random, found, fault = Random(seed), 0, ""
    reasons: list[str] = []
    seen: set[Any] = set()
    with mpmath.mp.workdps(2 * asked + 20):
        try:
            while found < points and len(reasons) < TRIES:
                theta, data = _point(subject, found, len(reasons), seen, random)
                agree = _agreeing_at(subject, theta, data, asked)
                if isinstance(agree, str):
                    reasons.append(agree)
                    continue
                found += 1
                gradient = [*map(min, least.gradient, agree.gradient)]
                least = Answer([min(least.outputs + agree.outputs)], gradient)
        except OpaqueError as error:
            raise TypeError(
                f"the program can't be certified: {error}. Give the operation a counterpart, "
                "operation(..., mpmath=...): a name in mpmath, or a function (mp, *operands)"
            ) from error
        except _FailsError as error:
            fault = str(error)
    [loss], gradient = least
    digits = min(gradient, default=asked)
    if found < points and min(loss, digits) == asked:
        fault = fault or f"at {len(reasons)} points, {max(reasons, key=reasons.count)}"
    worst = gradient.index(digits) if digits < asked else -1
    names = [array.name for array in subject.arrays if worst in array.where]
    of_gradient = digits if subject.is_loss else None
    return Certificate(asked, loss, of_gradient, "".join(names), found, len(reasons), fault)


def _agreeing_at(
    subject: Subject, theta: Any, data: Sequence[Any], asked: int
) -> Answer | str:
    """Returns how many digits of each number agree at a point; or why it must be left out."""
    scalars = _scalars(subject, theta, data)
    if not _is_finite(scalars):
        return "the scalars are not finite"
    program = _program(subject, theta, data)
    if not _is_finite(program):
        return "the printed source gives a nan or inf, and the scalars do not"
    agree = _agreeing(program, scalars, asked)
    for again in range(AGAIN if min(agree.outputs + agree.gradient) < asked else 0):
        moved = _agreeing(_scalars(subject, theta, data, _Nudge(again, asked)), scalars, asked)
        if min(moved.outputs + moved.gradient) < asked:
            return "rounding decides between two branches"
    return agree


def _is_finite(answer: Answer) -> bool:
    import mpmath

    return all(map(mpmath.mp.isfinite, answer.outputs + answer.gradient))


def _agreeing(these: Answer, those: Answer, asked: int) -> Answer:
    """Returns how many digits agree. A number below 10**-asked counts as one of that size."""
    import mpmath

    mp = mpmath.mp

    def digits(a: Any, b: Any) -> int:
        off = abs(a - b) / max(abs(a), abs(b), mp.mpf(10) ** -asked)
        return asked if off <= mp.mpf(10) ** -asked else max(int(-mp.log10(off)), 0)

    return Answer(*[[*map(digits, *parts)] for parts in zip(these, those, strict=True)])


# ---- the two sides -------------------------------------------------------------------------------


def _program(subject: Subject, theta: Any, data: Sequence[Any]) -> Answer:
    import numpy as np

    from micrograd_notes.testing.numbers.arrays import many, with_many_digits
    from micrograd_notes.testing.numbers.precise import OpaqueError
    from micrograd_notes.testing.numbers.scalars import number_of

    arrays = [
        many(numbers if array.below is not None else numbers.astype(float))
        for array, numbers in zip(subject.inputs, data, strict=True)
    ]
    try:
        names = with_many_digits(subject.source)
        given = [many(theta), *arrays] if subject.arrays else arrays
        result = names["loss_and_gradient" if subject.is_loss else "forward"](*given)
        parts = result if subject.is_loss else (result, [])
        return Answer(*[[*map(number_of, np.asarray(x, object).reshape(-1))] for x in parts])
    except OpaqueError:
        raise
    except Exception as error:
        raise _FailsError(f"the program fails, {type(error).__name__}: {error}") from error


def _scalars(subject: Subject, theta: Any, data: Sequence[Any], lookout: Any = None) -> Answer:
    import mpmath

    from micrograd_notes.testing.numbers.scalars import Exact, gradient, number_of

    outputs, gradients = [], []
    for example in zip(*data, strict=True) if subject.is_batched else [data]:
        values = as_values(
            [array.tolist() for array in example], subject.parameters, (float, int), Exact
        )
        returned, leaves = outputs_of(
            subject.function, subject.parameters, theta, values, lookout, Exact
        )
        outputs.append([number_of(y) for y in returned])
        gradients.append(gradient(returned[0], leaves) if subject.is_loss else [])
    if not subject.is_loss:
        return Answer([y for numbers in outputs for y in numbers], [])
    return Answer(*[
        [mpmath.fsum(column) / len(part) for column in zip(*part, strict=True)]
        for part in (outputs, gradients)
    ])


class _Nudge:
    """A lookout of `modes` that changes each result a little, as rounding does."""

    def __init__(self, seed: int, asked: int) -> None:
        self._uniform, self._asked = Random(seed).uniform, asked

    def made(self, node: Any) -> None:
        """Changes the number of a new node; a plain `Value` is a constant."""
        if hasattr(node, "number"):
            node.number *= 1 + node.number.context.mpf(10) ** (-2 * self._asked) * self._uniform(-1, 1)


# ---- points --------------------------------------------------------------------------------------


def _point(
    subject: Subject, found: int, left_out: int, seen: set[Any], random: Random
) -> tuple[Any, list[Any]]:
    """Returns numbers for the parameters, and arrays for the inputs.

    First the data are as given, then of any sign, then near those given. After a failure all points
    are near the given ones, nearer each time.
    """
    kind, spread = (found % 3 if left_out == 0 else 2), SPREAD * NEARER**left_out
    rows = _rows(subject, seen, random) if subject.is_batched else ...
    theta = _drawn(subject.theta, kind or 2, spread, random)
    return theta, [
        _drawn(array[rows], kind, spread, random) for array in subject.given
    ]


def _drawn(numbers: Any, kind: int, spread: float, random: Random) -> Any:
    import numpy as np

    if kind == 0 or numbers.dtype.kind == "i":
        return numbers
    size = float(abs(numbers).mean()) if numbers.size else 0.0
    drawn = [
        random.gauss(0.0, size or 1.0) if kind == 1
        else x + spread * random.uniform(-1.0, 1.0) * (abs(x) or size or 1.0)
        for x in numbers.reshape(-1).tolist()
    ]
    return np.array(drawn).reshape(numbers.shape)


def _rows(subject: Subject, seen: set[Any], random: Random) -> list[int]:
    """Returns a few examples, first of all those with whole numbers that were not seen before."""
    count = len(subject.given[0])
    order = random.sample(range(count), min(count, 1000))
    rows: list[int] = []
    for k in order:
        labels = {
            (i, label) for i, array in enumerate(subject.given) if array.dtype.kind == "i"
            for label in array[k].reshape(-1).tolist()
        }
        if not labels <= seen and len(rows) < MOST_ROWS:
            rows.append(k)
            seen.update(labels)
    return rows + [k for k in order if k not in rows][: max(ROWS - len(rows), 0)]


def made_up(inputs: Sequence[Array], seed: int) -> list[Any]:
    """Returns data for a program where none are given: whole numbers, and numbers within 1."""
    import numpy as np

    random = Random(seed)
    made = []
    for array in inputs:
        shape = (POOL, *array.shape) if array.is_batched else array.shape
        numbers = [
            random.randrange(array.below or 4) if array.is_whole else random.uniform(0.2, 0.9)
            for _ in range(int(np.prod(shape)))
        ]
        made.append(np.array(numbers, np.int64 if array.is_whole else float).reshape(shape))
    return made
