"""The certificate of a lifted program: it agrees with the scalars to many digits.

The printed source runs on arrays whose numbers have many digits, and the learner's function on
scalars of the same numbers, through whose graph the chain rule goes back. The two sides share no
recording and no pass; read `testing/numbers/both_sides.py` next.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import grad
from micrograd_notes.engine.stand_ins import standing_in
from micrograd_notes.lifting.codegen import erfc
from micrograd_notes.lifting.guards.answers import as_values, outputs_of, rounded

ROWS = 4  # of a batch, at each point: n * 0.1 in the source is not rounded if n is a power of two
TRIES = 8  # points that may be left out
SPREAD, NEARER = 0.5, 0.6  # how far a number is drawn from the one given; the part after a failure
AGAIN = 8  # times that the scalars are computed with other roundings


@dataclass(frozen=True)
class Certificate:
    """The digits to which a program agrees with the scalars; true if all do, at enough points.

    Attributes:
        digits: how many were asked for.
        loss: how many agree in the loss, or in each output of a model.
        gradient: how many agree in each derivative; None for a model without a loss.
        worst: the array whose derivative has the fewest; "" if all agree.
        points: at how many points they were compared.
        left_out: how many points were drawn anew, `TRIES` at most, and `reason` why the last was.
    """

    digits: int
    loss: int
    gradient: int | None
    worst: str
    points: int
    left_out: int
    reason: str

    def __bool__(self) -> bool:
        return self._agree and self.left_out < TRIES

    @property
    def _agree(self) -> bool:
        return self.loss >= self.digits and self.gradient in (None, self.digits)

    def __str__(self) -> str:
        what = "outputs" if self.gradient is None else "loss and gradient"
        if not self.points:
            return (
                f"not certified: {what} were not compared at any point. All {self.left_out} that "
                f"were drawn had to be left out, the last one since {self.reason}"
            )
        agree = "" if self.gradient is None else f"loss and {self.gradient} of the gradient"
        agree = f"{self.loss} digits of the {agree or what} agree with the scalars"
        agree += f", fewest in d{self.worst}," if self.worst else ""
        text = f"not certified: {agree} instead of {self.digits}"
        if self._agree:
            text = "certified:" if self else "not certified, as more points were asked for:"
            text += f" {what} agree with the scalars to {self.digits} digits"
        elif 12 < min(self.loss, self.gradient or self.loss) < 22:  # of a float, or a part of it
            text += " (a number inside may be rounded to a float, as a sum of constants is)"
        text += f", at {self.points} random point{'s' * (self.points != 1)}"
        return text + (f"\nleft out: {self.left_out}, since {self.reason}" if self.left_out else "")


def certified(
    lifted: Any, compiled: Any, data: Sequence[Any] | None, points: int, digits: int, seed: int
) -> Certificate:
    """Returns to how many digits the source of a compiled program agrees with the scalars."""
    from micrograd_notes.testing.numbers.both_sides import mp
    from micrograd_notes.testing.numbers.precise import OpaqueError

    random, seen, agree, reasons, found = Random(seed), set[Any](), list[int](), list[str](), 0
    data = [*map(made_up, compiled.inputs)] if data is None else data
    with mp.workdps(2 * digits + 20):
        while found < points and len(reasons) < TRIES:
            # data as they are, then of any sign, then near them; after a failure always near
            kind, spread = (2, SPREAD * NEARER ** len(reasons)) if reasons else (found % 3, SPREAD)
            rows = _rows(data, seen, random) if lifted._batch else ...
            given = [_drawn(array[rows], kind, spread, random) for array in data]
            theta = _drawn(lifted.parameters(), kind or 2, spread, random)
            try:
                here = _agreeing(lifted, compiled, theta, given, digits)
            except OpaqueError as error:
                raise TypeError(
                    f"the program can't be certified: {error}. Pass mpmath=..., a name in mpmath "
                    "or a function (mp, *operands), to operation(...); numpy=... can be left out"
                ) from error
            if isinstance(here, str):
                reasons.append(here)
            else:
                found, agree = found + 1, [*map(min, here, agree or here)]
    agree = agree or [0, 0]  # nothing was compared
    count = 1 if lifted._is_loss else len(agree)
    loss, gradient = min(agree[:count]), min(agree[count:], default=digits)
    flat = agree.index(gradient, 1) - 1 if gradient < digits and found else -1
    worst = "".join(array.name for array in lifted._arrays if flat in array.where)
    of_gradient, reason = gradient if lifted._is_loss else None, (reasons or [""])[-1]
    return Certificate(digits, loss, of_gradient, worst, found, len(reasons), reason)


def _agreeing(lifted: Any, compiled: Any, theta: Any, data: Any, digits: int) -> list[int] | str:
    """Returns how many digits of each number agree at a point; or why it is left out."""
    from micrograd_notes.testing.numbers.both_sides import mp, number_of
    from micrograd_notes.testing.numbers.precise import OpaqueError

    def agreeing(these: Sequence[Any], those: Sequence[Any]) -> list[int]:
        least = mp.mpf(10) ** -digits  # smaller numbers count as of that size
        pairs = zip(these, those, strict=True)
        off = [abs(a - b) / max(abs(a), abs(b), least) for a, b in pairs]
        return [digits if part <= least else max(int(-mp.log10(part)), 0) for part in off]

    try:
        scalars = _scalars(lifted, theta, data)
    except (ArithmeticError, ValueError) as error:
        return f"the scalars raise {type(error).__name__} there"
    if not all(map(mp.isfinite, scalars)):
        return "the scalars are not finite there"
    try:
        program = _program(lifted, compiled, theta, data)
        if not all(map(mp.isfinite, program)):
            return "the source gives nan or inf there, and the scalars do not"
        agree = agreeing(program, scalars)
    except OpaqueError:
        raise
    except Exception as error:
        return f"the source raises {type(error).__name__}: {error}"
    for seed in range(AGAIN if min(agree) < digits else 0):
        with suppress(ArithmeticError, ValueError):
            again = rounded(seed, mp.mpf(10) ** (-2 * digits), "number", number_of)
            nudged = _scalars(lifted, theta, data, again)
            if min(agreeing(nudged, scalars)) == digits:
                continue
        return "rounding decides between two branches there"
    return agree


def _program(lifted: Any, compiled: Any, theta: Any, data: Sequence[Any]) -> list[Any]:
    """Returns what the source gives: the loss and the gradient, or the outputs."""
    from micrograd_notes.testing.numbers.both_sides import many, number_of, with_many_digits

    arrays = [
        many(numbers if array.below is not None else numbers.astype(float))
        for array, numbers in zip(compiled.inputs, data, strict=True)
    ]
    entry = "loss_and_gradient" if lifted._is_loss else "forward"
    given = [many(theta), *arrays] if lifted._arrays else arrays
    names = with_many_digits(compiled.source)
    if erfc.NAME in names:  # which has the digits of floats
        names[erfc.NAME] = names["np"].vectorize(names["math"].erfc)
    result = names[entry](*given)
    parts = result if lifted._is_loss else [result]
    return [number_of(x) for part in parts for x in np.asarray(part, object).reshape(-1)]


def _scalars(lifted: Any, theta: Any, data: Sequence[Any], lookout: Any = None) -> list[Any]:
    """Returns what the learner's function gives: the loss and the gradient, or the outputs."""
    from micrograd_notes.testing.numbers.both_sides import Exact, mp, number_of

    found, known = [], (lifted._function, lifted._parameters, theta)
    for example in zip(*data, strict=True) if lifted._batch else [data]:
        listed = [array.tolist() for array in example]
        values = as_values(listed, lifted._parameters, (float, int), Exact)
        outputs, leaves = outputs_of(*known, values, lookout, Exact)
        if lifted._is_loss:
            with standing_in({}):
                free = [leaf for leaf in leaves if leaf.requires_grad]
                slopes = dict(zip(free, grad(outputs[0], free), strict=True))
            outputs += [slopes.get(leaf, 0.0) for leaf in leaves]
        found.append([*map(number_of, outputs)])
    if not lifted._is_loss:
        return [x for numbers in found for x in numbers]
    return [mp.fsum(column) / len(found) for column in zip(*found, strict=True)]


# ---- points --------------------------------------------------------------------------------------


def _rows(data: Sequence[Any], seen: set[Any], random: Random) -> list[int]:
    """Returns a few examples, rather those with whole numbers that were not seen before."""

    def labels(k: int) -> set[Any]:
        whole = ((i, array[k]) for i, array in enumerate(data) if array.dtype.kind == "i")
        return {(i, label) for i, numbers in whole for label in numbers.reshape(-1).tolist()}

    rows: list[int] = []
    for _ in range(ROWS):
        some = random.sample(range(len(data[0])), min(len(data[0]), 100))
        rows.append(max(some, key=lambda k: len(labels(k) - seen)))
        seen.update(labels(rows[-1]))
    return rows


def _drawn(numbers: Any, kind: int, spread: float, random: Random) -> Any:
    """Returns the numbers as they are (0), of their size (1), or near them (2)."""
    if kind == 0 or numbers.dtype.kind == "i" or not numbers.size:
        return numbers
    size = float((abs(numbers) / numbers.size).sum()) or 1.0  # a sum of large ones may be inf

    def drawn(x: float) -> float:
        far = spread * (abs(x) or size)
        return random.gauss(0.0, size) if kind == 1 else x + random.uniform(-far, far)

    return np.array([*map(drawn, numbers.reshape(-1).tolist())]).reshape(numbers.shape)


def made_up(array: Any) -> Any:
    """Returns data for an input where none are given: whole numbers, or numbers within 1."""
    shape = (9, *array.shape) if array.is_batched else array.shape
    if array.is_whole:
        return np.arange(np.prod(shape)).reshape(shape) % (array.below or 4)
    return np.linspace(0.2, 0.9, np.prod(shape, dtype=int)).reshape(shape)
