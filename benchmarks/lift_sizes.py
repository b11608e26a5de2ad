"""The time and the memory that `lift_of_sizes` takes for large models, the check included.

    python benchmarks/lift_sizes.py           # a minute or two
    python benchmarks/lift_sizes.py --only gpt

Each model has a process of its own. "The model" is the time to make its scalars, which the user's
own `make` takes; it counts in "lifted and checked". The last column has the time of one example in
scalars, forward and backward, because a busy machine slows both.
"""

from __future__ import annotations

import argparse
import gc
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from micrograd_notes import MLP, cross_entropy, lift_of_sizes
from micrograd_notes.engine.functions import pick
from micrograd_notes.engine.ops import relu
from micrograd_notes.gpt import GPT
from micrograd_notes.nn import Module
from micrograd_notes.nn.vectors import linear, plus, rms_norm


class Case(NamedTuple):
    """A family, its large sizes, data for them, and sizes at which the gradient is also checked."""

    make: Callable[..., Any]
    sizes: dict[str, Any]
    data: tuple[Any, ...]
    check_at: dict[str, int]


class DeepGPT(Module):
    """A GPT of several layers, each with the weights of the package's small GPT."""

    def __init__(self, tokens: int, positions: int, width: int, heads: int, layers: int) -> None:
        letters = "".join(map(chr, range(97, 97 + tokens - 1)))
        blocks = [GPT(letters, positions, width, heads, seed=k) for k in range(layers)]
        self.embedding, self.position = blocks[0].embedding, blocks[0].position
        self.unembedding = blocks[0].unembedding
        self.blocks = blocks
        for block in blocks:
            del block.embedding, block.position, block.unembedding

    def loss(self, tokens: Any, targets: Any) -> Any:
        """Returns the mean of -log of the probability of each target."""
        past: Any = [([], [], []) for _ in self.blocks]
        losses = []
        for place, (token, target) in enumerate(zip(tokens, targets, strict=True)):
            x = rms_norm(plus(pick(self.embedding, token), self.position[place]))
            for block, seen in zip(self.blocks, past, strict=True):
                x = plus(x, linear(block.attention(rms_norm(x), *seen), block.Wo))
                hidden = [relu(z) for z in linear(rms_norm(x), block.W1)]
                x = plus(x, linear(hidden, block.W2))
            losses.append(cross_entropy(linear(x, self.unembedding), target))
        return sum(losses) / len(losses)


def mlp(hidden: list[int]) -> Case:
    def make(inputs: int, classes: int, **widths: int) -> Any:
        model = MLP(inputs, [*widths.values(), classes], activation="relu", seed=0)
        return lambda x, y: cross_entropy(model(x), y), model

    widths = {f"hidden{k + 1}": width for k, width in enumerate(hidden)}
    numbers = np.random.default_rng(0)
    data = numbers.normal(size=(4, 784)), numbers.integers(10, size=4)
    return Case(make, {"inputs": 784, "classes": 10, **widths}, data, {})


def gpt(layers: int = 4) -> Case:
    def make(tokens: int, positions: int, heads: int, size: int, layers: int) -> Any:
        model = DeepGPT(tokens, positions, heads * size, heads, layers)
        return model.loss, model

    data = np.random.default_rng(0).integers(65, size=(2, 1, 64))
    sizes = {"tokens": 65, "positions": 64, "heads": 4, "size": 16}
    return Case(partial(make, layers=layers), sizes, tuple(data), {"positions": 16})


CASES: dict[str, Callable[[], Case]] = {
    "784-128-10": partial(mlp, [128]),
    "784-512-256-10": partial(mlp, [512, 256]),
    "gpt": gpt,
}


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str) -> None:
    case = CASES[name]()
    start = process_time()
    case.make(**case.sizes)
    model = process_time() - start
    start = process_time()
    program = lift_of_sizes(case.make, **case.sizes)
    theta = program.parameters()
    program.value_and_grad(theta, *case.data)
    lifted, memory, checked = process_time() - start, peak(), program.checked
    if case.check_at:
        checked += f"; then {program.check_at(*case.data, **case.check_at)}"
    total, most = process_time() - start, peak()
    again = {**case.sizes, **case.check_at}
    loss, _ = case.make(**again)
    cut = [a[0][: again.get("positions")] if a[0].ndim and case.check_at else a[0]
           for a in case.data]
    gc.disable()
    start = process_time()
    loss(*[np.asarray(a).tolist() for a in cut]).backward()
    scalars = process_time() - start
    print(f"{name:16}{len(theta):10,}{model:9.2f} s{lifted:9.2f} s{memory:7.0f} MB{total:9.2f} s"
          f"{most:7.0f} MB{scalars:9.2f} s\n    compared: {checked}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time lift_of_sizes for large models.")
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--measure", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    print(f"{'':16}{'parameters':>10}{'the model':>11}{'lifted and checked':>21}"
          f"{'with check_at':>21}{'scalars':>11}")
    for name in [options.only] if options.only else CASES:
        subprocess.run([sys.executable, __file__, "--measure", name], check=True)


if __name__ == "__main__":
    main()
