"""The time and the memory that `lift_of_sizes` takes for large models, the check included.

    python benchmarks/lift_sizes.py           # a minute or two
    python benchmarks/lift_sizes.py --only gpt

Each model has a process of its own. "The model" is the time to make its scalars, which the user's
own `make` takes; it counts in "lifted and checked". The last column has the time of a scalar
operation, forward and backward, because a busy machine slows both.
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
from lifting.deep_gpt import DeepGPT

from micrograd_notes import MLP, cross_entropy, lift_of_sizes


class Case(NamedTuple):
    """A family, its large sizes, data for them, and sizes at which the gradient is also checked."""

    make: Callable[..., Any]
    sizes: dict[str, Any]
    data: tuple[Any, ...]
    check_at: dict[str, int]


def mlp(hidden: list[int]) -> Case:
    def make(inputs: int, classes: int, **widths: int) -> Any:
        model = MLP(inputs, [*widths.values(), classes], activation="relu", seed=0)
        return lambda x, y: cross_entropy(model(x), y), model

    widths = {f"hidden{k + 1}": width for k, width in enumerate(hidden)}
    numbers = np.random.default_rng(0)
    data = numbers.normal(size=(4, 784)), numbers.integers(10, size=4)
    return Case(make, {"inputs": 784, "classes": 10, **widths}, data, {})


def gpt(layers: int = 4, **check_at: int) -> Case:
    def make(tokens: int, positions: int, heads: int, size: int, layers: int) -> Any:
        model = DeepGPT(tokens, positions, heads * size, heads, layers)
        return model.loss, model

    data = np.random.default_rng(0).integers(65, size=(2, 1, 64))
    sizes = {"tokens": 65, "positions": 64, "heads": 4, "size": 16}
    return Case(partial(make, layers=layers), sizes, tuple(data), check_at)


CASES: dict[str, Callable[[], Case]] = {
    "784-128-10": partial(mlp, [128]),
    "784-512-256-10": partial(mlp, [512, 256]),
    "gpt": gpt,
    "gpt, 16 positions": partial(gpt, positions=16),
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
    if case.check_at:
        program.check_at(*case.data, **case.check_at)
    program.value_and_grad(program.parameters(), *case.data)
    lifted, memory = process_time() - start, peak()
    print(f"{name:20}{len(program.leaves()):10,}{model:9.2f} s{lifted:12.2f} s{memory:7.0f} MB"
          f"{a_scalar() * 1e9:16.0f} ns\n    compared: {program.checked}")


def a_scalar() -> float:
    """Returns the seconds of an operation in a network of scalars, forward and backward."""
    model, x = MLP(100, [100, 10], seed=0), [0.1] * 100
    operations = 2 * (100 * 100 + 100 * 10)
    gc.disable()
    times = []
    for _ in range(5):
        start = process_time()
        cross_entropy(model(x), 3).backward()
        times.append(process_time() - start)
    gc.enable()
    return min(times) / operations


def main() -> None:
    parser = argparse.ArgumentParser(description="Time lift_of_sizes for large models.")
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--measure", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    print(f"{'':20}{'parameters':>10}{'the model':>11}{'lifted and checked':>24}{'a scalar':>19}")
    for name in [options.only] if options.only else CASES:
        subprocess.run([sys.executable, __file__, "--measure", name], check=True)


if __name__ == "__main__":
    main()
