"""The work that is timed: five losses, written with scalars, their data and where they start.

A step is the mean loss of all examples, every derivative and the update of gradient descent. Peers
get the arrays of the parameters, in the order in which the model has them. Nothing here knows a
peer or measures anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrograd_notes import MLP
from micrograd_notes.engine.functions import pick
from micrograd_notes.engine.ops import logsumexp, relu
from micrograd_notes.gpt import GPT
from micrograd_notes.train.data import city_names

RATE = 0.01
HEADS = 4
LETTERS = "abcdefghijklmnopqrstuvwxyz"
POSITIONS = 6  # five letters, and the token 0 in front of them or behind

Array = Any  # arrays of NumPy, PyTorch or JAX
Loss = Callable[[Any, Any], Any]


@dataclass
class Work:
    """A model and its loss of one example, on scalars, and the data of all examples in arrays."""

    model: Any
    loss: Loss
    X: Array
    Y: Array

    @property
    def is_gpt(self) -> bool:
        return isinstance(self.model, GPT)

    def arrays(self) -> list[Array]:
        """Returns what the model's parameters are now: arrays that are the caller's to change."""
        return [np.array(numbers) for numbers in self.model.state_dict().values()]


def moons() -> Work:
    from sklearn.datasets import make_moons

    X, labels = make_moons(100, noise=0.1, random_state=0)
    model = MLP(2, [16, 16, 1], seed=0)

    def loss(x: Any, y: Any) -> Any:
        return relu(1 - y * model(x))

    return Work(model, loss, X, 2.0 * labels - 1.0)


def digits(count: int) -> Work:
    from sklearn.datasets import load_digits

    data = load_digits()
    model = MLP(64, [32, 10], seed=0)

    def loss(x: Any, y: Any) -> Any:
        logits = model(x)
        return logsumexp(logits) - pick(logits, y)

    return Work(model, loss, np.ascontiguousarray(data.data[:count] / 16), data.target[:count])


def names(count: int) -> Work:
    """Returns the work of guessing each letter of so many names, and where they end."""
    words = [name for name in city_names() if len(name) == POSITIONS - 1 and name.isalpha()]
    tokens = np.array([[1 + LETTERS.index(letter) for letter in name] for name in words[:count]])
    end = np.zeros((count, 1), dtype=np.int64)
    model = GPT(LETTERS, positions=16, width=16, heads=HEADS, seed=0)
    return Work(model, model.loss, np.hstack([end, tokens]), np.hstack([tokens, end]))


WORKS: dict[str, Callable[[], Work]] = {
    "moons 2-16-16-1, batch 100": moons,
    "digits 64-32-10, batch 32": lambda: digits(32),
    "digits 64-32-10, batch 1797": lambda: digits(1797),
    "GPT, 1 name of 6": lambda: names(1),
    "GPT, 32 names of 6": lambda: names(32),
}
MOONS, DIGITS_32, DIGITS_ALL, GPT_1, GPT_32 = WORKS
