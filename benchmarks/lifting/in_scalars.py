"""The work on other people's scalars: micrograd 0.1.0, and stored partials, microgpt's design.

Both as a user runs them, with the garbage collector on: micrograd's demo with NumPy, scikit-learn
and Matplotlib imported, and its points in NumPy arrays; microgpt with nothing but lists. What else
a process has imported matters, as the collector walks all of it again and again.

The GPT is the one of `micrograd_notes.gpt`, written on lists as microgpt writes its own: a function
of a token and of the keys and values so far.
"""

# `zip` is called without `strict`, as in stored_partials.py, which gives the reason.
# ruff: noqa: B905

from __future__ import annotations

import contextlib
import importlib
from itertools import chain
from typing import Any

import numpy as np
from stored_partials import Value

from lifting.peer import Learner
from lifting.work import HEADS, RATE, Array, Work

Row = list[Value]
Matrix = list[Row]


def micrograd(work: Work) -> Learner:
    return on_moons(work, "micrograd.engine", "micrograd.nn")


def stored(work: Work) -> Learner:
    if work.is_gpt:
        return on_names(work)
    return on_moons(work, "stored_partials", "stored_partials")


# ---- moons ---------------------------------------------------------------------------------------


def on_moons(work: Work, engine: str, network: str) -> Learner:
    with contextlib.suppress(ImportError):
        importlib.import_module("matplotlib.pyplot")
    value_of = importlib.import_module(engine).Value
    sizes = [len(layer.neurons) for layer in work.model.layers]
    model = importlib.import_module(network).MLP(work.X.shape[1], sizes)
    mine, ours = model.parameters(), work.model.parameters()
    for p, given in zip(mine, ours, strict=True):
        p.data = given.data

    def step() -> float:
        scores = [model(list(map(value_of, row))) for row in work.X]
        losses = [(1 + -y * score).relu() for y, score in zip(work.Y, scores)]
        value = sum(losses) * (1.0 / len(losses))
        model.zero_grad()
        value.backward()
        for p in mine:
            p.data -= RATE * p.grad
        return float(value.data)

    def arrays() -> list[Array]:
        for p, given in zip(mine, ours, strict=True):
            given.data = float(p.data)
        return work.arrays()

    return Learner(step, arrays)


# ---- names ---------------------------------------------------------------------------------------


def on_names(work: Work) -> Learner:
    weights = [[[Value(w) for w in row] for row in matrix.tolist()] for matrix in work.arrays()]
    parameters = list(chain.from_iterable(chain.from_iterable(weights)))
    names = list(zip(work.X.tolist(), work.Y.tolist()))

    def step() -> float:
        value = sum(loss_of(weights, tokens, targets) for tokens, targets in names) / len(names)
        for p in parameters:
            p.grad = 0
        value.backward()
        for p in parameters:
            p.data -= RATE * p.grad
        return float(value.data)

    def arrays() -> list[Array]:
        return [np.array([[w.data for w in row] for row in matrix]) for matrix in weights]

    return Learner(step, arrays)


def loss_of(weights: list[Matrix], tokens: list[int], targets: list[int]) -> Any:
    keys: Matrix = []
    values: Matrix = []
    losses = []
    for place, (token, target) in enumerate(zip(tokens, targets)):
        shares = softmax(logits_of(weights, token, place, keys, values))
        losses.append(-shares[target].log())
    return sum(losses) / len(losses)


def logits_of(
    weights: list[Matrix], token: int, place: int, keys: Matrix, values: Matrix
) -> Row:
    embedding, position, query, key, value, mix, widen, narrow, unembed = weights
    x = rms_norm([a + b for a, b in zip(embedding[token], position[place])])
    normed = rms_norm(x)
    q = linear(normed, query)
    keys.append(linear(normed, key))
    values.append(linear(normed, value))
    size = len(x) // HEADS
    attended: Row = []
    for start in range(0, len(x), size):
        head = slice(start, start + size)
        shares = softmax([dot(q[head], k[head]) / size**0.5 for k in keys])
        attended += [dot(shares, column) for column in zip(*[v[head] for v in values])]
    x = [a + b for a, b in zip(linear(attended, mix), x)]
    hidden = [z.relu() for z in linear(rms_norm(x), widen)]
    x = [a + b for a, b in zip(linear(hidden, narrow), x)]
    return linear(x, unembed)


def linear(x: Row, matrix: Matrix) -> Row:
    return [dot(row, x) for row in matrix]


def dot(a: Any, b: Any) -> Any:
    return sum(x * y for x, y in zip(a, b))


def softmax(logits: Row) -> Row:
    largest = max(z.data for z in logits)
    exponentials = [(z - largest).exp() for z in logits]
    total: Any = sum(exponentials)
    return [e / total for e in exponentials]


def rms_norm(x: Row) -> Row:
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]
