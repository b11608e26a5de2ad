"""The gains keep what `Facts` promises of them, measured over ten layers of 50 neurons.

A signal is followed forward, from layer 1 to layer 10, and a gradient back; both by their second
moment, the mean of the squares.
"""

import math
import random
from collections.abc import Callable
from statistics import fmean

import pytest

from micrograd_notes.engine.op import TABLE
from micrograd_notes.nn.layers import activation_names

WIDTH, LAYERS, EXAMPLES = 50, 10, 8
Rows = list[list[float]]

ACTIVATIONS = [name for name in activation_names() if name != "linear"]


def second_moment(rows: Rows) -> float:
    return fmean(number * number for row in rows for number in row)


def through(weights: Rows, rows: Rows) -> Rows:
    """Returns the weighted sums of each row."""
    return [[dot(weight, row) for weight in weights] for row in rows]


def dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def changes(name: str, gain: float, seed: int) -> tuple[float, float]:
    """Returns the factors on the two second moments: of the answers, and of the gradient."""
    activation: Callable[[float], float] = TABLE[name]
    generator = random.Random(seed)
    bound = gain * math.sqrt(3 / WIDTH)
    rows = [[generator.gauss(0, 1) for _ in range(WIDTH)] for _ in range(EXAMPLES)]
    layers, slopes, forward = [], [], []
    for _ in range(LAYERS):
        layers.append(
            [[generator.uniform(-bound, bound) for _ in range(WIDTH)] for _ in range(WIDTH)]
        )
        sums = through(layers[-1], rows)
        rows = [[activation(x) for x in row] for row in sums]
        nudge = 1e-5
        slopes.append([
            [(activation(x + nudge) - activation(x - nudge)) / (2 * nudge) for x in row]
            for row in sums
        ])  # fmt: skip
        forward.append(second_moment(rows))
    gradient = [[generator.gauss(0, 1) for _ in range(WIDTH)] for _ in range(EXAMPLES)]
    back = []
    for weights, slope in zip(reversed(layers), reversed(slopes), strict=True):
        gradient = [
            [g * s for g, s in zip(*pair, strict=True)]
            for pair in zip(gradient, slope, strict=True)
        ]
        back.append(second_moment(gradient))
        gradient = through([list(column) for column in zip(*weights, strict=True)], gradient)
    return forward[-1] / forward[0], back[-1] / back[0]


def typical_changes(name: str, gain: float) -> tuple[float, ...]:
    """Returns the geometric means over three networks."""
    runs = [changes(name, gain, seed) for seed in range(3)]
    return tuple(math.exp(fmean(map(math.log, column))) for column in zip(*runs, strict=True))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_signal_and_gradient_keep_their_size_over_ten_layers(name: str) -> None:
    gain = TABLE[name].gain
    assert gain
    forward, back = typical_changes(name, gain)
    assert 1 / 4 < forward < 4
    if name == "sigmoid":
        assert 1e-5 < back < 1e-3
    else:
        assert 1 / 20 < back < 20


def test_other_gains_would_not_keep_it() -> None:
    assert typical_changes("sigmoid", 1.0)[1] < 1e-11
    assert typical_changes("sigmoid", 10.0)[1] > 1 / 20
    assert typical_changes("silu", math.sqrt(2))[0] < 1 / 4
    assert typical_changes("gelu", math.sqrt(2))[0] < 1 / 4
    assert typical_changes("tanh", 1.0)[1] < 1 / 10
    assert typical_changes("relu", 1.0)[0] < 1 / 20


def test_a_gain_that_keeps_the_gradient_of_sigmoids_saturates_them() -> None:
    """At a gain of 10 most answers lie within 0.05 of an end; at 4 about a quarter do."""
    assert at_an_end(4.0) < 0.35
    assert at_an_end(10.0) > 0.6


def at_an_end(gain: float) -> float:
    """Returns the share of the tenth layer's answers that are below 0.05 or above 0.95."""
    generator = random.Random(0)
    bound = gain * math.sqrt(3 / WIDTH)
    rows = [[generator.gauss(0, 1) for _ in range(WIDTH)] for _ in range(EXAMPLES)]
    for _ in range(LAYERS):
        weights = [[generator.uniform(-bound, bound) for _ in range(WIDTH)] for _ in range(WIDTH)]
        rows = [[TABLE["sigmoid"](x) for x in row] for row in through(weights, rows)]
    return fmean(not 0.05 <= y <= 0.95 for row in rows for y in row)
