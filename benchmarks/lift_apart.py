"""Two measurements of `lift_growth.py` that need a process of their own.

    python benchmarks/lift_apart.py lift_of_sizes 512      # seconds, and megabytes
    python benchmarks/lift_apart.py devices 8              # seconds; XLA_FLAGS has the number

The memory of a process is the most that it has had, so each model gets a new one. JAX makes its
devices once, when it starts.
"""

from __future__ import annotations

import sys
from importlib import import_module
from time import perf_counter, process_time
from typing import Any

import numpy as np
from lift_sizes import mlp, peak

from micrograd_notes import lift, lift_of_sizes

BATCH, STEPS = 2048, 15


def made(way: str, hidden: int) -> tuple[float, float]:
    """Returns the seconds and megabytes until a network on images has its first gradient.

    The program is compared with the scalars; the time to make the model does not count.
    """
    case = mlp([hidden])
    loss, model = case.make(**case.sizes)
    start = process_time()
    program = lift(loss, model) if way == "lift" else lift_of_sizes(case.make, **case.sizes)
    program.value_and_grad(program.parameters(), *case.data)
    return process_time() - start, peak()


def step_on_devices(count: int) -> float:
    """Returns the clock's seconds of the fastest step in JAX, its batch split over the devices."""
    jax: Any = import_module("jax")
    P = jax.sharding.PartitionSpec
    case = mlp([256, 256])
    program = lift_of_sizes(case.make, check=False, **case.sizes)
    numbers, theta = np.random.default_rng(0), program.parameters()
    x, y = numbers.normal(size=(BATCH, 784)), numbers.integers(10, size=BATCH)
    _, gradient = program.value_and_grad(theta, x, y)
    mesh = jax.make_mesh((count,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    value_and_grad = program.jax().value_and_grad

    def part(theta: Any, x: Any, y: Any) -> Any:
        return jax.lax.pmean(value_and_grad(theta, x, y), "batch")

    specs = {"in_specs": (P(), P("batch"), P("batch")), "out_specs": P(), "check_vma": False}
    with jax.enable_x64(True):
        step = jax.jit(jax.shard_map(part, mesh=mesh, **specs))
        found = np.asarray(step(theta, x, y)[1])
        assert abs(found - gradient).max() <= 1e-14 * abs(gradient).max()  # 64 roundings of a sum
        times = []
        for _ in range(STEPS):
            start = perf_counter()
            jax.block_until_ready(step(theta, x, y))
            times.append(perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    what, size = sys.argv[1], int(sys.argv[2])
    print(step_on_devices(size) if what == "devices" else " ".join(map(str, made(what, size))))
