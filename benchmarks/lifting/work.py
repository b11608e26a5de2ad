"""The work that is timed: losses, written with scalars, their data and the first parameters.

A `Task` describes a work by a few numbers, so that it can be sent to another process, which makes
the work. Every step is the mean loss of all examples, every derivative and the update of gradient
descent. Peers get the arrays of the parameters, in the order in which the model has them. This
file does not measure anything. Read `in_numpy.py` next, which does the work by hand.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

# names that earlier checkouts have, too, so that `lift.py --before` can time them
from micrograd_notes import MLP, data, logsumexp, pick, relu
from micrograd_notes.gpt import GPT

ACTIVATIONS = ["relu", "leaky_relu", "elu", "tanh", "sigmoid", "softplus", "silu", "gelu"]
RATE = 0.01
HEADS = 4
LETTERS = "abcdefghijklmnopqrstuvwxyz"
TOKENS = len(LETTERS) + 1
POSITIONS = 16

Array = Any  # arrays of NumPy, PyTorch or JAX
Loss = Callable[[Any, Any], Any]


@dataclass
class Work:
    """A model and its loss of one example, on scalars, and the data of all examples in arrays.

    A large work has a `family`, which returns the loss and the model at any sizes, for those who
    lift small ones in its place; `sizes` are its own.
    """

    model: Any
    loss: Loss
    X: Array
    Y: Array
    activation: str = "relu"
    family: Callable[..., tuple[Loss, Any]] | None = None
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def is_gpt(self) -> bool:
        return not isinstance(self.model, MLP)

    def arrays(self) -> list[Array]:
        """Returns what the model's parameters are now: arrays that are the caller's to change."""
        return [np.array(numbers) for numbers in self.model.state_dict().values()]


@dataclass(frozen=True)
class Network:
    """A network with a hinge loss if it has one output, else with cross-entropy."""

    sizes: tuple[int, ...]
    batch: int
    source: str = ""  # "moons", "digits", or numbers that are drawn
    activation: str = "relu"

    @property
    def title(self) -> str:
        activation = "" if self.activation == "relu" else f" {self.activation}"
        sizes = "-".join(map(str, self.sizes))
        return f"{self.source} {sizes}{activation}, batch {self.batch}".lstrip()

    @property
    def recorded(self) -> int:
        """About how many numbers are recorded: two products per weight and what they add up to."""
        return 4 * sum(map(prod, pairwise(self.sizes)))

    @property
    def flops(self) -> int:
        """The operations in a step's products: forth, and back to the weights and to the inputs."""
        first, *others = map(prod, pairwise(self.sizes))
        return 2 * self.batch * (2 * first + 3 * sum(others))

    def make(self) -> Work:
        sizes = {f"layer{i}": size for i, size in enumerate(self.sizes)}
        loss, model = self.family(**sizes)
        family = self.family if is_large(self) else None
        return Work(model, loss, *self._examples(), self.activation, family, sizes)

    def family(self, **sizes: int) -> tuple[Loss, Any]:
        inputs, *others = sizes.values()
        model = MLP(inputs, others, activation=self.activation, seed=0)

        def hinge(x: Any, y: Any) -> Any:
            return relu(1 - y * model(x))

        def cross_entropy(x: Any, y: Any) -> Any:
            logits = model(x)
            return logsumexp(logits) - pick(logits, y)

        return (hinge if self.sizes[-1] == 1 else cross_entropy), model

    def _examples(self) -> tuple[Array, Array]:
        if self.source == "moons":
            from sklearn.datasets import make_moons

            X, labels = make_moons(self.batch, noise=0.1, random_state=0)
            return X, 2.0 * labels - 1.0
        if self.source == "digits":
            from sklearn.datasets import load_digits

            digits = load_digits()
            return digits.data[: self.batch] / 16, digits.target[: self.batch]
        generator = np.random.default_rng(0)
        X = generator.normal(size=(self.batch, self.sizes[0]))
        if self.sizes[-1] == 1:
            return X, generator.choice([-1.0, 1.0], size=self.batch)
        return X, generator.integers(self.sizes[-1], size=self.batch)


@dataclass(frozen=True)
class Names:
    """A GPT that guesses each letter of names, all of the same length, and where they end."""

    count: int
    length: int = 6  # five letters, and the token 0 in front of them or after them
    width: int = 16
    layers: int = 1

    @property
    def title(self) -> str:
        layers = f" of {self.layers} layers, width {self.width}" if self.layers > 1 else ""
        return f"GPT{layers}, {self.count} name{'s' * (self.count > 1)} of {self.length}"

    @property
    def recorded(self) -> int:
        return 4 * self.length * self._weights

    @property
    def flops(self) -> int:
        """The operations in a step's products; a position attends to itself and to earlier ones."""
        attention = self.layers * 2 * self.width * (self.length + 1) / 2
        return round(6 * self.count * self.length * (self._weights + attention))

    @property
    def _weights(self) -> int:
        """How many weights a token is multiplied by."""
        return self.layers * 12 * self.width**2 + TOKENS * self.width

    def make(self) -> Work:
        sizes = {"heads": HEADS, "size": self.width // HEADS, "positions": POSITIONS}
        loss, model = self.family(**sizes)
        tokens = self._tokens()
        end = np.zeros((self.count, 1), dtype=np.int64)
        X, Y = np.hstack([end, tokens]), np.hstack([tokens, end])
        family = self.family if is_large(self) else None
        return Work(model, loss, X, Y, family=family, sizes=sizes)

    def family(self, heads: int, size: int, positions: int) -> tuple[Loss, Any]:
        if self.layers == 1:
            model: Any = GPT(LETTERS, positions, heads * size, heads, seed=0)
        else:
            from lifting.deep_gpt import DeepGPT

            model = DeepGPT(TOKENS, positions, heads * size, heads, self.layers)
        return model.loss, model

    def _tokens(self) -> Array:
        names = data.city_names()
        words = [name for name in names if len(name) == self.length - 1 and name.isalpha()]
        if len(words) < self.count:  # long names are rare
            size = (self.count, self.length - 1)
            return np.random.default_rng(0).integers(1, TOKENS, size=size)
        return np.array([[1 + LETTERS.index(letter) for letter in w] for w in words[: self.count]])


Task = Network | Names

MOONS = Network((2, 16, 16, 1), 100, "moons")
DIGITS_32 = Network((64, 32, 10), 32, "digits")
DIGITS_ALL = Network((64, 32, 10), 1797, "digits")
GPT_1, GPT_32 = Names(1), Names(32)
WIDE, WIDER = Network((784, 128, 10), 128), Network((784, 512, 256, 10), 128)
DEEP = Names(8, length=16, width=64, layers=4)
TASKS: list[Task] = [MOONS, DIGITS_32, DIGITS_ALL, GPT_1, GPT_32, WIDE, WIDER, DEEP]

def drawn(seed: int, count: int = 3) -> list[Task]:
    """Returns networks of random sizes; the same ones for the same seed."""
    generator = random.Random(seed)

    def network() -> Network:
        depth = generator.randint(1, 3)
        sizes = tuple(generator.randint(3, 300) for _ in range(depth + 2))
        return Network(sizes, generator.randint(1, 500), activation=generator.choice(ACTIVATIONS))

    return [network() for _ in range(count)]


def is_for_scalars(task: Task) -> bool:
    """Returns whether a step on scalars takes less than about a second."""
    examples = task.batch if isinstance(task, Network) else task.count
    return task.recorded * examples <= 400_000


def is_large(task: Task) -> bool:
    """Returns whether recording, or the comparison with scalars, takes more than some seconds."""
    return task.recorded > 400_000


def is_too_large(task: Task) -> bool:
    """Returns whether recording takes more than a minute, and gigabytes."""
    return task.recorded > 5_000_000
