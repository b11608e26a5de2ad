"""Code after a loop that reads all its states reads one array, however many steps there are."""

import re
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes.engine.functions import maximum, softmax  # noqa: E402
from micrograd_notes.engine.ops import exp, tanh  # noqa: E402
from micrograd_notes.lifting import Lifted, lift  # noqa: E402
from micrograd_notes.nn.vectors import dot  # noqa: E402
from tests.lifting.examples import certified, numbers, values  # noqa: E402
from tests.lifting.in_c import COMPILER, QUICKLY, compiled  # noqa: E402
from tests.lifting.recurrences import rnn_step, times  # noqa: E402

Head = Callable[[Any, Any, Any], Any]  # of the states, numbers for each step, and parameters
HEADS: dict[str, Head] = {}


def head(make: Head) -> Head:
    """Registers what reads states by the name of its function."""
    HEADS[make.__name__] = make
    return make


def mean(shares: Any, states: Any) -> list[Any]:
    """Returns the mean of states, by their shares."""
    return [dot(shares, column) for column in zip(*states, strict=True)]


@head
def attention_by_hand(states: Any, ys: Any, w: Any) -> Any:
    scores = [exp(dot(w[0], state)) for state in states]
    total = sum(scores)
    return mean([score / total for score in scores], states)


@head
def additive_attention(states: Any, ys: Any, w: Any) -> Any:
    last = times(w, states[-1])
    hidden = [[tanh(a + b) for a, b in zip(times(w, h), last, strict=True)] for h in states]
    return mean(softmax([dot(w[1], each) for each in hidden]), states)


@head
def attention_of_the_last_state(states: Any, ys: Any, w: Any) -> Any:
    return mean(softmax([dot(states[-1], state) for state in states]), states)


@head
def largest_of_all_times(states: Any, ys: Any, w: Any) -> Any:
    return [maximum(*column) for column in zip(*states, strict=True)]


@head
def norm_over_time(states: Any, ys: Any, w: Any) -> Any:
    total: Any = 0.0
    for column in zip(*states, strict=True):
        middle = sum(column) / len(ys)
        spread = sum((a - middle) ** 2 for a in column) / len(ys) + 0.1
        total = total + sum((a - middle) / spread * y for a, y in zip(column, ys, strict=True))
    return [total, total]


@head
def causal_self_attention(states: Any, ys: Any, w: Any) -> Any:
    total: Any = 0.0
    for t, y in enumerate(ys):
        seen, query = states[: t + 1], times(w, states[t])
        total = total + y * dot(w[0], mean(softmax([dot(query, key) for key in seen]), seen))
    return [total, total]


@head
def attention_and_a_total(states: Any, ys: Any, w: Any) -> Any:
    """The total of each time joins the loop, and does not wait for all states."""
    so_far, error = 0.0, 0.0  # type: Any, Any
    for state, y in zip(states, ys, strict=True):
        so_far = so_far + dot(w[1], state)
        error = error + (so_far - y) ** 2
    return [error, *mean(softmax([dot(w[0], state) for state in states]), states)[1:]]


@head
def decoder_with_attention(states: Any, ys: Any, w: Any) -> Any:
    state, total = states[-1], 0.0  # type: Any, Any
    for y in ys:
        context = mean(softmax([dot(state, key) for key in states]), states)
        state = [tanh(a + b) for a, b in zip(times(w, state), context, strict=True)]
        total = total + (state[0] - y) ** 2
    return [total, total]


@head
def decoder(states: Any, ys: Any, w: Any) -> Any:
    state, total = states[-1], 0.0  # type: Any, Any
    for y in ys:
        state = [tanh(a + y) for a in times(w, state)]
        total = total + (state[0] - y) ** 2
    return [total, total]


def program(name: str, length: int, with_start: bool = False) -> tuple[Lifted, tuple[Any, ...]]:
    """Returns a recurrent network with this head; its start may be one of its states."""
    inner, outer, w, start = values(0, 2, 2), values(1, 2, 2), values(2, 2, 2), values(3, 2)

    def loss(xs: Any, ys: Any) -> Any:
        h: Any = start
        states = [h] if with_start else []
        for x in xs:
            h = rnn_step(inner, outer, w[1], h, x)
            states.append(h)
        return sum((a - 0.5) ** 2 for a in HEADS[name](states, ys, w))

    given = {"inner": inner, "outer": outer, "w": w, "start": start}
    return lift(loss, parameters=given), (numbers(0, 3, length, 2), numbers(1, 3, length))


def loops_and_lines(program: Lifted, data: Any) -> tuple[list[int], int]:
    """Returns the steps of all loops, and how many lines the function has."""
    source = program.source_for(*data)
    code = source[source.index("def loss_and_gradient") :]  # a mask of all pairs stands before
    loops = [len([*eval(steps)]) for steps in re.findall(r"    for t in (.*):", code)]
    return loops, len(code.splitlines())


@pytest.mark.parametrize("name", HEADS)
def test_all_states_are_one_array_for_what_reads_them_together(name: str) -> None:
    lines = set()
    for length in (5, 8):
        lifted, data = program(name, length)
        loops, count = loops_and_lines(lifted, data)
        assert loops == [length] * (4 if "decoder" in name else 3 if "total" in name else 2)
        lines.add(count)
        lifted.check(*data)
    assert len(lines) == 1


def test_as_many_lines_for_three_times_as_many_steps() -> None:
    lifted, data = program("attention_of_the_last_state", 24)
    loops, count = loops_and_lines(lifted, data)
    assert loops == [24, 24]
    assert count == loops_and_lines(*program("attention_of_the_last_state", 8))[1]
    certified(lifted, *data)


def test_a_start_that_is_a_state_and_the_others_are_two_arrays() -> None:
    lines = set()
    for length in (5, 8):
        lifted, data = program("attention_by_hand", length, with_start=True)
        loops, count = loops_and_lines(lifted, data)
        assert loops == [length, length]
        lines.add(count)
        lifted.check(*data)
    assert len(lines) == 1


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.long] * (k > 0)) for k, n in enumerate(HEADS)]
)
def test_c_and_jax_compute_the_same(name: str) -> None:
    lifted, data = program(name, 6)
    theta = lifted.parameters()
    expected, gradient = lifted.value_and_grad(theta, *data)
    found = list[Any]()
    if COMPILER is not None:
        found.append(compiled(lifted, QUICKLY)(theta, *data))
    if find_spec("jax") is not None:
        import jax

        with jax.enable_x64(True):
            found.append(jax.jit(lifted.jax().value_and_grad)(theta, *data))
    for other, derivatives in found:  # sums of some ten terms, in another order
        assert abs(float(other) - expected) <= 1e-13 * abs(expected)
        assert abs(np.asarray(derivatives) - gradient).max() <= 1e-13 * abs(gradient).max()
