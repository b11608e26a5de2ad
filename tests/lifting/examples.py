"""Losses as learners write them, each lifted into a source that is kept in `golden/`.

    python -m tests.lifting.examples          # writes golden/, to be read in the diff
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from micrograd_notes import MLP, Value, cross_entropy
from micrograd_notes.engine.functions import pick, softmax
from micrograd_notes.engine.ops import exp, log, logsumexp, relu, sigmoid, sqrt, tanh
from micrograd_notes.gpt import GPT
from micrograd_notes.lifting import Lifted, lift
from micrograd_notes.nn.vectors import dot

GOLDEN = Path(__file__).with_name("golden")


class Example(NamedTuple):
    """A program, and data of the shape that its source is for."""

    program: Lifted
    data: tuple[Any, ...]


Make = TypeVar("Make", bound=Callable[[], Example])
EXAMPLES: dict[str, Callable[[], Example]] = {}


def example(make: Make) -> Make:
    """Registers an example by the name of its function."""
    EXAMPLES[make.__name__] = make
    return make


def values(seed: int, *shape: int) -> Any:
    """Returns `Value`s in lists nested like the shape, of random numbers near 0."""
    generator = random.Random(seed)

    def nested(shape: tuple[int, ...]) -> Any:
        if not shape:
            return Value(generator.uniform(-0.8, 0.8))
        return [nested(shape[1:]) for _ in range(shape[0])]

    return nested(shape)


def numbers(seed: int, *shape: int) -> Any:
    """Returns random numbers between 0.2 and 2."""
    return np.random.default_rng(seed).uniform(0.2, 2.0, shape)


def labels(seed: int, count: int, classes: int) -> Any:
    """Returns random classes."""
    return np.random.default_rng(seed).integers(0, classes, count)


def certified(program: Lifted, *data: Any) -> None:
    """Asserts that a program agrees with its function to forty digits.

    One random point is enough: what is wrong with a program shows at any of them.
    """
    certificate = program.certify(*data, points=1)
    assert certificate, certificate


# ---- networks ------------------------------------------------------------------------------------


@example
def squared_error() -> Example:
    model = MLP(2, [3, 1], seed=0)
    return Example(lift(lambda x, y: (model(x) - y) ** 2, model), (numbers(0, 4, 2), numbers(1, 4)))


@example
def classifier() -> Example:
    model = MLP(4, [5, 3], activation="relu", seed=0)
    return Example(
        lift(lambda x, label: cross_entropy(model(x), label), model),
        (numbers(0, 6, 4), labels(1, 6, 3)),
    )


@example
def two_classes() -> Example:
    model = MLP(3, [4, 2], seed=0)
    return Example(
        lift(lambda x, label: cross_entropy(model(x), label), model),
        (numbers(0, 6, 3), labels(1, 6, 2)),
    )


@example
def hinge_with_decay() -> Example:
    """The loss of micrograd's demo."""
    model = MLP(2, [16, 16, 1], activation="relu", seed=0)

    def loss(xs: Any, ys: Any) -> Any:
        losses = [relu(1 - y * model(x)) for x, y in zip(xs, ys, strict=True)]
        return sum(losses) / len(losses) + 1e-4 * sum(p * p for p in model.parameters())

    signs = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    return Example(lift(loss, model, batch=False), (numbers(0, 5, 2), signs))


@example
def outputs() -> Example:
    model = MLP(2, [3, 2], seed=0)
    return Example(lift(model), (numbers(0, 4, 2),))


@example
def small_gpt() -> Example:
    model = GPT("abcd", positions=4, width=6, heads=3, seed=0)  # no two sizes are the same
    return Example(
        lift(model.loss, model), (labels(1, 12, 5).reshape(3, 4), labels(2, 12, 5).reshape(3, 4))
    )


for _activation in ("linear", "sigmoid", "silu", "gelu", "elu", "leaky_relu", "softplus"):

    def _of(activation: str = _activation) -> Example:
        model = MLP(2, [3, 1], activation=activation, seed=0)
        return Example(
            lift(lambda x, y: (model(x) - y) ** 2, model), (numbers(0, 4, 2), numbers(1, 4))
        )

    EXAMPLES[f"of_{_activation}"] = _of


# ---- time ----------------------------------------------------------------------------------------


@example
def recurrent() -> Example:
    inner, outer, out = values(0, 3, 3), values(1, 3, 2), values(2, 3)

    def loss(xs: Any, y: Any) -> Any:
        h: list[Any] = [0.0] * 3
        for x in xs:
            h = [
                tanh(sum(w * a for w, a in zip(ws, h, strict=True))
                     + sum(u * a for u, a in zip(us, x, strict=True)))
                for ws, us in zip(inner, outer, strict=True)
            ]
        return (sum(w * a for w, a in zip(out, h, strict=True)) - y) ** 2

    parameters = {"inner": inner, "outer": outer, "out": out}
    return Example(lift(loss, parameters=parameters), (numbers(0, 4, 5, 2), numbers(1, 4)))


@example
def packed_attention(causal: bool = True, heads: int = 2) -> Example:
    """Queries, keys and values are made by one matrix, as in many GPTs."""
    length, width = 5, 6
    matrix, bias, out = values(0, 3 * width, width), values(1, 3 * width), values(2, width)
    size = width // heads

    def loss(xs: Any, y: Any) -> Any:
        queries, keys, given = list[Any](), list[Any](), list[Any]()
        for x in xs:
            packed = [sum(w * a for w, a in zip(row, x, strict=True)) + b
                      for row, b in zip(matrix, bias, strict=True)]
            queries.append(packed[:width])
            keys.append(packed[width : 2 * width])
            given.append(packed[2 * width :])
        total: Any = 0.0
        for t, query in enumerate(queries):
            before = slice(t + 1 if causal else length)
            mixed = list[Any]()
            for head in [range(h, h + size) for h in range(0, width, size)]:
                scores = [sum(query[k] * key[k] for k in head) / 3**0.5 for key in keys[before]]
                shares = softmax(scores)
                for j in head:
                    column = [value[j] for value in given[before]]
                    mixed.append(dot(shares, column))
            total = total + tanh(dot(out, mixed))
        return (total - y) ** 2

    parameters = {"matrix": matrix, "bias": bias, "out": out}
    data = numbers(0, 3, length, width), numbers(1, 3)
    return Example(lift(loss, parameters=parameters), data)


@example
def lstm() -> Example:
    gates, out = values(0, 4, 3, 6), values(2, 3)

    def loss(xs: Any, y: Any) -> Any:
        h: list[Any] = [0.0] * 3
        c: list[Any] = [0.0] * 3
        for x in xs:
            given = [*x, *h, 1.0]
            z = [[sum(w * a for w, a in zip(row, given, strict=True)) for row in g] for g in gates]
            c = [sigmoid(f) * a + sigmoid(i) * tanh(g)
                 for f, i, g, a in zip(z[0], z[1], z[2], c, strict=True)]
            h = [sigmoid(o) * tanh(a) for o, a in zip(z[3], c, strict=True)]
        return (sum(w * a for w, a in zip(out, h, strict=True)) - y) ** 2

    parameters = {"gates": gates, "out": out}
    return Example(lift(loss, parameters=parameters), (numbers(0, 4, 6, 2), numbers(1, 4)))


@example
def kalman(length: int = 6) -> Example:
    a, q, r = Value(0.9), Value(0.3), Value(0.5)

    def loss(ys: Any) -> Any:
        mean: Any = 0.0
        variance: Any = 1.0
        total: Any = 0.0
        for y in ys:
            mean, variance = a * mean, a * a * variance + q
            spread = variance + r
            total = total + log(spread) + (y - mean) ** 2 / spread
            gain = variance / spread
            mean, variance = mean + gain * (y - mean), (1 - gain) * variance
        return total / 2

    parameters = {"a": a, "q": q, "r": r}
    return Example(lift(loss, parameters=parameters), (numbers(0, 3, length),))


@example
def neural_ode() -> Example:
    first, second = values(0, 4, 2), values(1, 2, 4)

    def slope(h: Any) -> Any:
        inside = [tanh(sum(w * a for w, a in zip(row, h, strict=True))) for row in first]
        return [sum(w * a for w, a in zip(row, inside, strict=True)) for row in second]

    def loss(x: Any, y: Any) -> Any:
        h = list(x)
        for _ in range(8):
            h = [a + 0.1 * b for a, b in zip(h, slope(h), strict=True)]
        return (h[0] - y) ** 2

    parameters = {"first": first, "second": second}
    return Example(lift(loss, parameters=parameters), (numbers(0, 4, 2), numbers(1, 4)))


# ---- filters, forms, pairs -----------------------------------------------------------------------


@example
def small_cnn() -> Example:
    filters, weights = values(0, 2, 3, 3), values(1, 3, 2)

    def loss(image: Any, label: Any) -> Any:
        maps = [
            [[relu(sum(f[i][j] * image[r + i][c + j] for i in range(3) for j in range(3)))
              for c in range(4)] for r in range(4)]
            for f in filters
        ]
        means = [sum(a for row in of for a in row) / 16 for of in maps]
        logits = [sum(w * m for w, m in zip(row, means, strict=True)) for row in weights]
        return logsumexp(logits) - pick(logits, label)

    parameters = {"filters": filters, "weights": weights}
    return Example(lift(loss, parameters=parameters), (numbers(0, 3, 6, 6), labels(1, 3, 3)))


@example
def quadratic_form() -> Example:
    A = values(0, 4, 4)

    def loss(x: Any) -> Any:
        return sum(A[i][j] * x[i] * x[j] for i in range(4) for j in range(4))

    return Example(lift(loss, parameters={"A": A}), (numbers(0, 3, 4),))


@example
def factorization_machine() -> Example:
    w, V = values(0, 5), values(1, 5, 3)

    def loss(x: Any, y: Any) -> Any:
        pairs = sum(
            sum(a * b for a, b in zip(V[i], V[j], strict=True)) * x[i] * x[j]
            for i in range(5) for j in range(i + 1, 5)
        )
        return (sum(a * b for a, b in zip(w, x, strict=True)) + pairs - y) ** 2

    parameters = {"w": w, "V": V}
    return Example(lift(loss, parameters=parameters), (numbers(0, 4, 5), numbers(1, 4)))


@example
def coulomb() -> Example:
    at = values(0, 4, 2)

    def loss(charge: Any) -> Any:
        def distance(i: int, j: int) -> Any:
            return sqrt(sum((a - b) ** 2 for a, b in zip(at[i], at[j], strict=True)))

        pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
        return sum(charge[i] * charge[j] / distance(i, j) for i, j in pairs)

    return Example(lift(loss, parameters={"at": at}, batch=False), (numbers(0, 4),))


@example
def tsne() -> Example:
    at = values(0, 4, 2)

    def loss(wanted: Any) -> Any:
        near = {
            (i, j): 1 / (1 + sum((a - b) ** 2 for a, b in zip(at[i], at[j], strict=True)))
            for i in range(4) for j in range(4) if i != j
        }
        whole = sum(near.values())
        return sum(wanted[i][j] * log(wanted[i][j] * whole / q) for (i, j), q in near.items())

    return Example(lift(loss, parameters={"at": at}, batch=False), (numbers(0, 4, 4),))


@example
def cosine_attention() -> Example:
    Q, K = values(0, 3, 3), values(1, 3, 3)

    def times(matrix: Any, x: Any) -> Any:
        return [sum(w * a for w, a in zip(row, x, strict=True)) for row in matrix]

    def loss(xs: Any) -> Any:
        queries, keys = [times(Q, x) for x in xs], [times(K, x) for x in xs]
        total: Any = 0.0
        for t, query in enumerate(queries):
            scores = []
            for key in keys[: t + 1]:
                dot = sum(a * b for a, b in zip(query, key, strict=True))
                sizes = sum(a * a for a in query) * sum(a * a for a in key)
                scores.append(exp(dot / sqrt(sizes)))
            total = total + scores[-1] / sum(scores)
        return total

    return Example(lift(loss, parameters={"Q": Q, "K": K}), (numbers(0, 2, 4, 3),))


@example
def masked_autoencoder() -> Example:
    weights = values(0, 4, 4)

    def loss(x: Any) -> Any:
        return sum(
            (sum((weights[i][j] * x[j] for j in range(i)), Value(0.0)) - x[i]) ** 2
            for i in range(4)
        )

    return Example(lift(loss, parameters={"weights": weights}), (numbers(0, 3, 4),))


def source_of(name: str) -> str:
    """Returns the source of an example, which is compared with the scalars."""
    program, data = EXAMPLES[name]()
    program.check(*data)
    return program.source_for(*data)


if __name__ == "__main__":
    for each in EXAMPLES:
        try:
            written = source_of(each)
        except Exception as error:
            written = f"{type(error).__name__}: {error}"
        (GOLDEN / f"{each}.py").write_text(written + "\n", encoding="utf-8")
        print(each, len(written.splitlines()))
