"""Recurrences over time become loops, of any kind and length, and are the scalars."""

import random
import re
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import Value, no_grad  # noqa: E402
from micrograd_notes.engine.ops import exp, log, logsumexp, sigmoid, sin, tanh  # noqa: E402
from micrograd_notes.lifting import Lifted, lift  # noqa: E402
from micrograd_notes.lifting.typed.windows import stretches  # noqa: E402
from tests.lifting.examples import numbers, values  # noqa: E402


def dot(these: Any, those: Any) -> Any:
    return sum(a * b for a, b in zip(these, those, strict=True))


def times(matrix: Any, x: Any) -> list[Any]:
    return [dot(row, x) for row in matrix]


def recurrent(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    inner, outer, bias, out = values(0, 3, 3), values(1, 3, 2), values(2, 3), values(3, 3)

    def loss(xs: Any, ys: Any) -> Any:
        h: list[Any] = [0.0] * 3
        total: Any = 0.0
        for x, y in zip(xs, ys, strict=True):
            pairs = zip(times(inner, h), times(outer, x), bias, strict=True)
            h = [tanh(a + b + c) for a, b, c in pairs]
            total = total + (dot(out, h) - y) ** 2
        return total

    given = {"inner": inner, "outer": outer, "bias": bias, "out": out}
    return lift(loss, parameters=given), (numbers(0, 3, length, 2), numbers(1, 3, length))


def gated(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    update, reset, change, out = (values(k, 3, 5) for k in range(4))

    def loss(xs: Any) -> Any:
        h: list[Any] = [0.0] * 3
        for x in xs:
            z = [sigmoid(a) for a in times(update, [*x, *h])]
            r = [sigmoid(a) for a in times(reset, [*x, *h])]
            mixed = [*x, *(a * b for a, b in zip(r, h, strict=True))]
            new = [tanh(a) for a in times(change, mixed)]
            h = [(1 - u) * a + u * b for u, a, b in zip(z, h, new, strict=True)]
        return logsumexp(times(out, [*h, 1.0, 0.5]))

    given = {"update": update, "reset": reset, "change": change, "out": out}
    return lift(loss, parameters=given), (numbers(0, 3, length, 2),)


def kalman(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    a, q, r = Value(0.9), Value(0.3), Value(0.5)

    def loss(ys: Any) -> Any:
        mean, variance, total = 0.0, 1.0, 0.0  # type: Any, Any, Any
        for y in ys:
            mean, variance = a * mean, a * a * variance + q
            spread = variance + r
            total = total + log(spread) + (y - mean) ** 2 / spread
            gain = variance / spread
            mean, variance = mean + gain * (y - mean), (1 - gain) * variance
        return total / 2

    return lift(loss, parameters={"a": a, "q": q, "r": r}), (numbers(0, 3, length),)


def spring(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    stiff, damping = Value(1.2), Value(0.3)

    def loss(place: Any, speed: Any, target: Any) -> Any:
        for _ in range(length):
            change = stiff * place + damping * speed
            place, speed = place + 0.05 * speed, speed - 0.05 * change
        return (place - target) ** 2

    data = numbers(0, 3), numbers(1, 3), numbers(2, 3)
    return lift(loss, parameters=[stiff, damping]), data


def backwards(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    rate, scale = Value(0.4), Value(1.1)

    def loss(ys: Any) -> Any:
        mean, total = ys[-1], 0.0  # type: Any, Any
        for y in reversed(ys):
            total = total + (y - scale * mean) ** 2
            mean = mean + rate * (y - mean)
        return total / len(ys)

    return lift(loss, parameters={"rate": rate, "scale": scale}), (numbers(0, 3, length),)


RECURRENCES = [recurrent, gated, kalman, spring, backwards]


@pytest.mark.parametrize("make", RECURRENCES)
def test_the_source_is_as_long_for_twice_as_many_steps(
    make: Callable[[int], tuple[Lifted, tuple[Any, ...]]],
) -> None:
    lines = set()
    for length in (15, 30):
        program, data = make(length)
        source = program.source_for(*data)
        assert source.count("    for t in ") >= 2  # forwards and backwards
        lines.add(len(source.splitlines()))
        with no_grad():
            program(*data)  # which compares it with the scalars
    assert len(lines) == 1


@pytest.mark.parametrize("make", RECURRENCES)
def test_every_length_from_one_step_on_is_the_scalars(
    make: Callable[[int], tuple[Lifted, tuple[Any, ...]]],
) -> None:
    for length in (1, 2, 4, 5, 6, 7, 9):
        program, data = make(length)
        program.check(*data)


def test_an_argument_called_t_keeps_its_name() -> None:
    w = Value(0.5)

    def loss(t: Any) -> Any:
        state: Any = 0.0
        for number in t:
            state = tanh(w * state + number)
        return state

    program = lift(loss, parameters={"w": w})
    data = numbers(0, 3, 12)
    program.check(data)
    assert "def loss_and_gradient(theta, t):" in program.source_for(data)
    assert "for t2 in range" in program.source_for(data)


def test_stretches_are_found_wherever_they_are() -> None:
    assert stretches([0, 1, 2, 3]) == []
    assert stretches([5, 5, 5, 5, 5]) == [(0, 5, 1)]
    assert stretches([9, *[1, 2, 3] * 5, 7, *[4, 6] * 4]) == [(1, 16, 3), (17, 25, 2)]


def test_a_loop_that_begins_in_the_middle_of_another_one() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = Value(0.7)

        def parameters(self) -> list[Value]:
            return [self.w]

        def __call__(self, x: Any) -> Any:
            h = tanh(x[0])
            states = [h]
            for t in range(1, 9):
                h = tanh(self.w * h + x[t])
                states.append(h)
            g = states[3]  # without a gradient, nothing else reads it
            for t in range(9, 16):
                g = sin(self.w * g + x[t])
            return [h + g]

    lift(Model()).check(numbers(0, 3, 16))


def test_a_sum_over_time_keeps_its_shape() -> None:
    w = values(0, 3)

    def loss(x: Any) -> Any:
        h = [tanh(a) for a in x[0]]
        states = []
        for row in x[1:]:
            h = [tanh(a * b + c) for a, b, c in zip(w, h, row, strict=True)]
            states.append(h)
        sums = [sum(each) for each in zip(*states, strict=True)]
        return sin(sums[0]) * sums[1] + sums[2]

    lift(loss, parameters={"w": w}).check(numbers(0, 2, 7, 3))


def test_a_sum_that_reads_the_step_before_and_what_comes_after_the_loop() -> None:
    w = Value(0.4)

    def loss(x: Any) -> Any:
        h, squares = tanh(x[0]), []
        for a in x[1:]:
            h = tanh(w * h + a)
            squares.append(exp(h))
        last = sin(squares[-1])
        before = [last, *squares[:-1]]
        return sum(a * tanh(b) for a, b in zip(squares, before, strict=True))

    lift(loss, parameters={"w": w}).check(numbers(0, 2, 9))


def test_states_without_a_parameter() -> None:
    class Sums:
        def parameters(self) -> list[Value]:
            return []

        def __call__(self, x: Any) -> Any:
            state, states = tanh(x[0]), []
            for a in x[1:]:
                state = tanh(state + a)
                states.append(state)
            return states

    program = lift(Sums())
    assert program(numbers(0, 2, 9)).shape == (2, 8)


CHANGES: list[Callable[[Any, Any, Any, Any], Any]] = [
    lambda w, s, other, x: tanh(w * s + other * x),
    lambda w, s, other, x: s + 0.1 * (x - w * s),
    lambda w, s, other, x: w * s / (1 + other * other) + x,
]


def any_states(seed: int, length: int) -> tuple[Lifted, tuple[Any, ...]]:
    """Returns a recurrence of some states, scalars or vectors, which start at constants."""
    generator = random.Random(seed)
    count, is_scored = generator.randint(1, 4), generator.random() < 0.5
    size = generator.choice([1, 3])
    w = [values(seed + k, size) for k in range(count)]
    first = [generator.choice([0.0, 1.0, 0.3, -1.5]) for _ in range(count)]
    changes = [(generator.choice(CHANGES), generator.randrange(count)) for _ in range(count)]

    def loss(xs: Any, y: Any) -> Any:
        states: list[Any] = [[start] * size for start in first]
        total: Any = 0.0
        for x in xs:
            states = [
                [change(*three, x) for three in zip(w[k], states[k], states[other], strict=True)]
                for k, (change, other) in enumerate(changes)
            ]
            total = total + sum((a - 2 * y) ** 2 for state in states for a in state)
        return total if is_scored else sum((a - 2 * y) ** 2 for state in states for a in state)

    named = {f"w{k}": row for k, row in enumerate(w)}
    return lift(loss, parameters=named), (numbers(0, 3, length), numbers(1, 3))


@pytest.mark.parametrize("seed", range(8))
def test_states_that_start_at_constants_have_one_loop_forwards_and_one_backwards(
    seed: int,
) -> None:
    lines = []
    for length in (6, 12):
        program, data = any_states(seed, length)
        source = program.source_for(*data)
        loops = re.findall(r"    for t in (\w+)\((.*)\):", source)
        assert [word for word, _ in loops] == ["range", "reversed"]
        assert [inside for _, inside in loops] == [f"{length}", f"range({length})"]
        lines.append(len(source.splitlines()))
        program.check(*data)
    assert lines[0] == lines[1]
