"""Families of models, as `lift_of_sizes` takes them: functions of sizes, and data for any sizes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from micrograd_notes import MLP, cross_entropy, mse_loss, pick
from micrograd_notes.engine.functions import softmax
from micrograd_notes.engine.ops import relu, sigmoid, tanh
from micrograd_notes.gpt import GPT
from micrograd_notes.nn.vectors import dot, linear
from tests.lifting.examples import values

LETTERS = "".join(map(chr, range(97, 600)))
ACTIVATIONS = ["tanh", "sigmoid", "relu", "softplus", "silu", "gelu", "leaky_relu", "elu", "linear"]


class Family(NamedTuple):
    """A function of sizes, data of the shapes that these need, and sizes to try."""

    make: Callable[..., Any]
    data: Callable[..., tuple[Any, ...]]
    sizes: list[dict[str, int]]
    has_same_names: bool = True  # a name is that of most numbers, and at small sizes of others


FAMILIES: dict[str, Family] = {}


def numbers(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape)


def labels(below: int, *shape: int) -> Any:
    return np.random.default_rng(1).integers(below, size=shape)


def _mlp(activation: str, depth: int) -> Family:
    def make(inputs: int, hidden: int, classes: int) -> Any:
        model = MLP(inputs, [hidden] * depth + [classes], activation=activation, seed=0)
        return lambda x, y: cross_entropy(model(x), y), model

    def data(inputs: int, hidden: int, classes: int) -> tuple[Any, ...]:
        return numbers(4, inputs), labels(classes, 4)

    return Family(make, data, [{"inputs": 21, "hidden": 15, "classes": 9}])


for _activation in ACTIVATIONS:
    FAMILIES[f"mlp of {_activation}"] = _mlp(_activation, 1)
for _depth in (0, 2, 3):
    FAMILIES[f"mlp of {_depth} hidden layers"] = _mlp("tanh", _depth)


def _regression() -> Family:
    def make(inputs: int, hidden: int, outputs: int) -> Any:
        model = MLP(inputs, [hidden, outputs], activation="tanh", seed=0)
        return lambda x, y: mse_loss(model(x), y), model

    def data(inputs: int, hidden: int, outputs: int) -> tuple[Any, ...]:
        return numbers(3, inputs), numbers(3, outputs)

    sizes = [
        {"inputs": 15, "hidden": 21, "outputs": 7}, {"inputs": 7, "hidden": 1, "outputs": 2},
        {"inputs": 9, "hidden": 5, "outputs": 9},  # axes of one length that follow two sizes
    ]
    return Family(make, data, sizes)


FAMILIES["regression"] = _regression()


def _gpt() -> Family:
    def make(tokens: int, positions: int, heads: int, size: int) -> Any:
        model = GPT(LETTERS[: tokens - 1], positions, heads * size, heads, seed=0)
        return model.loss, model

    def data(tokens: int, positions: int, heads: int, size: int) -> tuple[Any, ...]:
        return labels(tokens, 2, positions), labels(tokens, 2, positions)

    return Family(make, data, [{"tokens": 7, "positions": 5, "heads": 2, "size": 5}],
                  has_same_names=False)


FAMILIES["gpt"] = _gpt()


def _gpt_by_width() -> Family:
    """Sizes that must fit each other, and texts that are shorter than the positions."""

    def make(positions: int, width: int, heads: int) -> Any:
        model = GPT("abcde", positions, width, heads, seed=0)
        return model.loss, model

    def data(positions: int, width: int, heads: int) -> tuple[Any, ...]:
        return labels(6, 2, positions - 2), labels(6, 2, positions - 2)

    return Family(make, data, [{"positions": 9, "width": 15, "heads": 5}], has_same_names=False)


FAMILIES["gpt by width"] = _gpt_by_width()


def _factorization_machine() -> Family:
    """A loop over pairs of features, i < j."""

    def make(features: int, rank: int) -> Any:
        weights, factors = values(0, features), values(1, features, rank)

        def loss(x: Any, y: Any) -> Any:
            pairs = sum(dot(factors[i], factors[j]) * x[i] * x[j]
                        for i in range(features) for j in range(i + 1, features))
            return (dot(weights, x) + pairs - y) ** 2

        return loss, {"weights": weights, "factors": factors}

    def data(features: int, rank: int) -> tuple[Any, ...]:
        return numbers(3, features), numbers(3)

    return Family(make, data, [{"features": 9, "rank": 5}])


FAMILIES["factorization machine"] = _factorization_machine()


def _cnn() -> Family:
    def make(side: int, channels: int, classes: int) -> Any:
        kernels, out = values(0, channels, 3, 3), values(1, classes, channels)

        def loss(image: Any, label: Any) -> Any:
            places = [(i, j) for i in range(side - 2) for j in range(side - 2)]
            pooled = [
                sum(
                    relu(sum(k[a][b] * image[i + a][j + b] for a in range(3) for b in range(3)))
                    for i, j in places
                ) / len(places)
                for k in kernels
            ]
            logits = [sum(w * p for w, p in zip(row, pooled, strict=True)) for row in out]
            return cross_entropy(logits, label)

        return loss, {"kernels": kernels, "out": out}

    def data(side: int, channels: int, classes: int) -> tuple[Any, ...]:
        return numbers(3, side, side), labels(classes, 3)

    return Family(make, data, [{"side": 9, "channels": 5, "classes": 7}], has_same_names=False)


FAMILIES["cnn"] = _cnn()


def _rnn() -> Family:
    def make(steps: int, inputs: int, hidden: int) -> Any:
        inner, outer, out = values(0, hidden, hidden), values(1, hidden, inputs), values(2, hidden)

        def loss(xs: Any, y: Any) -> Any:
            h: list[Any] = [0.0] * hidden
            for x in xs:
                h = [
                    tanh(sum(w * a for w, a in zip(ws, h, strict=True))
                         + sum(u * a for u, a in zip(us, x, strict=True)))
                    for ws, us in zip(inner, outer, strict=True)
                ]
            return (sum(w * a for w, a in zip(out, h, strict=True)) - y) ** 2

        return loss, {"inner": inner, "outer": outer, "out": out}

    def data(steps: int, inputs: int, hidden: int) -> tuple[Any, ...]:
        return numbers(3, steps, inputs), numbers(3)

    return Family(make, data, [{"steps": 13, "inputs": 7, "hidden": 9}])


FAMILIES["rnn"] = _rnn()


def _side_by_side() -> Family:
    """A matrix for an input and a context, one after the other: its rows are as long as both."""
    def make(inputs: int, context: int, hidden: int) -> Any:
        inner, out = values(0, hidden, inputs + context), values(1, hidden)

        def loss(x: Any, c: Any, y: Any) -> Any:
            both = [*x, *c]
            h = [tanh(sum(w * a for w, a in zip(ws, both, strict=True))) for ws in inner]
            return (sum(w * a for w, a in zip(out, h, strict=True)) - y) ** 2

        return loss, {"inner": inner, "out": out}

    def data(inputs: int, context: int, hidden: int) -> tuple[Any, ...]:
        return numbers(3, inputs), 2 * numbers(3, context), numbers(3)

    return Family(make, data, [{"inputs": 13, "context": 7, "hidden": 9}])


FAMILIES["side by side"] = _side_by_side()


def _packed_attention() -> Family:
    """Queries, keys and values are rows of one matrix."""
    def make(positions: int, width: int) -> Any:
        packed = values(0, 3 * width, width)

        def loss(xs: Any) -> Any:
            rows, total = [linear(x, packed) for x in xs], 0.0
            for t, row in enumerate(rows):
                seen = rows[: t + 1]
                shares = softmax([dot(row[:width], each[width : 2 * width]) for each in seen])
                columns = [[each[2 * width + j] for each in seen] for j in range(width)]
                total = total + sum(tanh(dot(shares, column)) ** 2 for column in columns)
            return total

        return loss, {"packed": packed}

    def data(positions: int, width: int) -> tuple[Any, ...]:
        return (numbers(2, positions, width),)

    return Family(make, data, [{"positions": 7, "width": 5}])


FAMILIES["packed attention"] = _packed_attention()


def _lstm() -> Family:
    def make(steps: int, inputs: int, hidden: int) -> Any:
        gates, out = values(0, 4 * hidden, inputs + hidden), values(1, hidden)

        def loss(xs: Any, y: Any) -> Any:
            h, c = [0.0] * hidden, [0.0] * hidden
            for x in xs:
                z = linear([*x, *h], gates)
                i, f, o, g = (z[k * hidden : (k + 1) * hidden] for k in range(4))
                c = [sigmoid(a) * b + sigmoid(d) * tanh(e)
                     for a, b, d, e in zip(f, c, i, g, strict=True)]
                h = [sigmoid(a) * tanh(b) for a, b in zip(o, c, strict=True)]
            return (dot(out, h) - y) ** 2

        return loss, {"gates": gates, "out": out}

    def data(steps: int, inputs: int, hidden: int) -> tuple[Any, ...]:
        return numbers(3, steps, inputs), numbers(3)

    return Family(make, data, [{"steps": 7, "inputs": 8, "hidden": 5}])


FAMILIES["lstm"] = _lstm()


def _discounts() -> Family:
    def make(steps: int, inputs: int) -> Any:
        w = values(0, inputs)
        return lambda xs: sum(0.9**t * tanh(dot(w, x)) for t, x in enumerate(xs)), {"w": w}

    def data(steps: int, inputs: int) -> tuple[Any, ...]:
        return (numbers(3, steps, inputs),)

    return Family(make, data, [{"steps": 9, "inputs": 7}])


FAMILIES["discounts"] = _discounts()


def _text() -> Family:
    """A text has one more token than there are steps."""
    def make(steps: int) -> Any:
        table, out = values(0, 7, 4), values(1, 7, 4)

        def loss(text: Any) -> Any:
            steps_of = [cross_entropy([dot(row, pick(table, text[k])) for row in out], text[k + 1])
                        for k in range(steps)]
            return sum(steps_of) / steps

        return loss, {"table": table, "out": out}

    def data(steps: int) -> tuple[Any, ...]:
        return (labels(7, 3, steps + 1),)

    return Family(make, data, [{"steps": 12}])


FAMILIES["text"] = _text()


def _filter() -> Family:
    """A kernel over a window of the input, which moves with a loop."""

    def make(steps: int) -> Any:
        kernel, w = values(0, 3), values(1, 1)

        def loss(xs: Any) -> Any:
            h: Any = 0.0
            for t in range(steps):
                h = tanh(dot(kernel, [xs[t + 2], xs[t + 1], xs[t]]) + w[0] * h)
            return h * h

        return loss, {"kernel": kernel, "w": w}

    def data(steps: int) -> tuple[Any, ...]:
        return (numbers(3, steps + 2),)

    return Family(make, data, [{"steps": 21}])


FAMILIES["filter"] = _filter()
