"""A loop stays a loop whatever plain number belongs to each of its steps.

The law: the lines do not grow with the steps, though many of the numbers are equal, or are 0 or 1,
which rules would simplify in one step and not in the next.
"""

import math
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("mpmath")

from micrograd_notes import Value, exp, lift, tanh  # noqa: E402
from micrograd_notes.engine.helper_ops import where  # noqa: E402
from tests.lifting.examples import certified, numbers, values  # noqa: E402

Step = Callable[[Any, float, Any], Any]  # of the state, the step's number and its input

w, a = Value(0.5), Value(0.2)
NUMBERS: dict[str, Callable[[int], float]] = {  # by the step
    "mask": lambda t: float(random.Random(t).random() < 0.6),
    "warm-up": lambda t: min(1.0, (t + 1) / 5),
    "then": lambda t: 0.3 if t < 7 else 0.7,
    "period": lambda t: (0.1, 0.2, 0.1, 0.4, 0.2)[t % 5],
    "signs": lambda t: (-1.0) ** t,
    "time": float,
    "season": lambda t: math.sin(2 * math.pi * t / 4),
}
STEPS: dict[str, Step] = {
    "made before": lambda h, c, x: tanh(h * exp(w * c) + a * x),
    "factor": lambda h, c, x: w * h * c + a * x,
    "mix": lambda h, c, x: c * tanh(w * h + a * x) + (1 - c) * h,
    "rate": lambda h, c, x: h - c * a * (w * h - x),
    "offset": lambda h, c, x: tanh(w * h - c) + a * x,
    "sign": lambda h, c, x: tanh(w * h + (2 * c - 1) * x) * a,
    "power": lambda h, c, x: tanh(w * h + a) ** (1 + abs(round(c))) + x,
    "divisor": lambda h, c, x: tanh(w * h) / (2 + c) + a * x,
    "choice": lambda h, c, x: where(c, tanh(w * h + x), h * a),
}
USUAL = [
    *[(step, "mask") for step in STEPS], ("made before", "period"), ("rate", "warm-up"),
    ("factor", "then"), ("factor", "signs"), ("power", "time"), ("mix", "time"),
    ("made before", "season"),
]


def body(loss: Any, parameters: Any, *data: Any) -> str:
    program = lift(loss, parameters=parameters)
    certified(program, *data)
    return str(program.source_for(*data).partition("def loss_and_gradient")[2])


def run(step: Step, number: Callable[[int], float], length: int) -> str:
    def loss(xs: Any) -> Any:
        h: Any = 0.5  # exact, whatever Python multiplies it by
        for t, x in enumerate(xs):
            h = step(h, number(t), x)
        return h * h

    return body(loss, {"w": w, "a": a}, numbers(0, 3, length))


def is_same_for(lengths: Sequence[int], of: Callable[[int], str]) -> str:
    """Asserts that there are as many lines for all lengths, and returns them."""
    sources = [*map(of, lengths)]
    assert len({source.count("\n") for source in sources}) == 1, sources[0]
    assert sources[0].count("for t in") == 2, sources[0]
    return sources[0]


@pytest.mark.parametrize(("step", "number"), USUAL)
def test_more_steps_have_no_more_lines(step: str, number: str) -> None:
    is_same_for((11, 19), lambda length: run(STEPS[step], NUMBERS[number], length))


@pytest.mark.long
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("step", STEPS)
def test_every_number_in_every_place(step: str, number: str) -> None:
    is_same_for((11, 19), lambda length: run(STEPS[step], NUMBERS[number], length))


@pytest.mark.parametrize("always", [0.3, 1.0])
def test_a_number_that_all_steps_have_is_one_number(always: float) -> None:
    source = is_same_for((8,), lambda length: run(STEPS["rate"], lambda t: always, length))
    assert not re.search(r"\b(K|indices|1 \*)", source), source


def test_what_a_step_needs_twice_is_computed_once_for_it() -> None:
    def loss(xs: Any) -> Any:
        h, g = 0.0, 0.5  # type: Any, Any
        for t, x in enumerate(xs):
            c = NUMBERS["mask"](t)
            h, g = tanh(h * exp(w * c) + a * x), g * exp(w * c) + h
        return h * g

    source = is_same_for(
        (8, 12), lambda length: body(loss, {"w": w, "a": a}, numbers(0, 3, length))
    )
    assert source.count("np.exp(") == 1, source


def test_numbers_may_be_met_before_the_loop() -> None:
    def loss(xs: Any) -> Any:
        rates = [a * (1 + w * NUMBERS["season"](t)) for t in range(len(xs))]
        h: Any = 0.5
        for rate, x in zip(rates, xs, strict=True):
            h = h - rate * (w * h - x)
        return h * h

    is_same_for((8, 12), lambda length: body(loss, {"w": w, "a": a}, numbers(0, 3, length)))


def test_two_schedules_on_a_vector() -> None:
    U, b = values(0, 3, 3), values(1, 3)

    def loss(xs: Any) -> Any:
        h: list[Any] = [0.0] * 3
        for t, x in enumerate(xs):
            c, rate = NUMBERS["mask"](t), NUMBERS["warm-up"](t)
            new = [tanh(sum(u * k for u, k in zip(row, h, strict=True)) + v * x)
                   for row, v in zip(U, b, strict=True)]
            h = [c * n + rate * k for n, k in zip(new, h, strict=True)]
        return sum(h)

    is_same_for((8, 12), lambda length: body(loss, {"U": U, "b": b}, numbers(0, 3, length)))


@pytest.mark.parametrize("mixes", [False, True])
def test_a_number_per_step_and_unit_as_of_a_mask(mixes: bool) -> None:
    U, b = values(0, 3, 3), values(1, 3)

    def loss(xs: Any) -> Any:
        chosen, h = random.Random(1), [0.0] * 3  # type: Any, list[Any]
        for x in xs:
            new = [tanh(sum(u * k for u, k in zip(row, h, strict=True)) + v * x)
                   for row, v in zip(U, b, strict=True)]
            mask = [float(chosen.random() < 0.6) for _ in h]  # in some steps all are equal
            h = [c * n + (1 - c) * k * mixes for c, n, k in zip(mask, new, h, strict=True)]
        return sum(h)

    is_same_for((8, 14), lambda length: body(loss, {"U": U, "b": b}, numbers(0, 3, length)))


def test_both_answers_of_a_choice_have_a_slope_without_an_array() -> None:
    """0 and 1 in two slopes are not the lanes of an array, such as np.arange(2)."""
    of = values(0, 2)

    def loss(x: Any, y: Any) -> Any:
        return where(x > 0, of[0] * x, of[1] * y) ** 2

    source = body(loss, {"of": of}, numbers(0, 4), numbers(1, 4))
    assert "where(is_greater, 1.0, 0.0)" in source, source
    assert not re.search(r"\b(K|indices)", source), source
