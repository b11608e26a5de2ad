"""What a graph weighs, what is left of it when it is dropped, and how deep it may be.

    python benchmarks/memory.py

Weights are taken with `tracemalloc`, which counts what Python's allocators were asked for: the
nodes, and whatever a library hangs on them (floats, tuples, sets, closures and their cells),
without having to know it. `sys.getsizeof` would need to be told where to look. What tracemalloc
does not see is the rounding up of each block to 16 bytes.

This file weighs. What the step is stands in demo_step.py, how long it takes in engine.py. It needs
no NumPy: the moons are the package's own.
"""

from __future__ import annotations

import argparse
import copy
import gc
import pickle
import platform
import tracemalloc
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from demo_step import Peer, count_nodes, demo_loss, peers

from micrograd_notes.engine import Value
from micrograd_notes.train.data import moons

MEBIBYTE = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description="Weigh graphs, beside peers; go a million deep.")
    parser.add_argument("--depth", type=int, default=1_000_000, help="length of the chain")
    depth = parser.parse_args().depth
    if depth < 1:
        parser.error(f"--depth must be at least 1, got {depth}")
    everyone = peers()
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")

    print("\nBytes a node: the demo step's graph after backward, averaged, by tracemalloc.")
    for peer in everyone:
        nodes, size = weigh(peer)
        print(f"{peer.name:16}{nodes:8,} nodes{size / nodes:8.0f} bytes a node")

    print("\nObjects that gc.collect() finds when that graph has been dropped.")
    for peer in everyone:
        print(f"{peer.name:16}{left_for_the_collector(peer):8,}")

    print(f"\nA chain of {depth:,} nodes in micrograd_notes: time, and by how much memory rises.")
    go_deep(depth)


# ---------------------------------------------------------------------------- the demo's graph


def step(peer: Peer) -> tuple[Any, Any]:
    """Returns the demo's model and its loss, differentiated."""
    data = moons(samples=100, noise=0.1)
    model = peer.model()
    loss = demo_loss(peer.value(), model, data.inputs, data.signs())
    loss.backward()
    return model, loss


def weigh(peer: Peer) -> tuple[int, int]:
    """Returns how many nodes the step's graph has, and how many bytes it keeps."""
    step(peer)  # imports and caches that a first step fills belong to no graph
    gc.collect()
    tracemalloc.start()
    kept = step(peer)
    gc.collect()  # a backward pass may leave garbage, which is no part of the graph either
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    _, loss = kept
    return count_nodes(loss, peer.operands), size


def left_for_the_collector(peer: Peer) -> int:
    """Returns how many objects are unreachable, but not freed, after the graph is dropped."""
    gc.collect()
    gc.disable()
    kept = step(peer)
    del kept
    found = gc.collect()
    gc.enable()
    return found


# ---------------------------------------------------------------------------- a deep graph

Measure = Callable[..., tuple[Any, float]]


def go_deep(depth: int) -> None:
    """Prints time and memory of all that is done to a chain.

    The stages run twice, once for the time and once for the memory: tracemalloc slows down what it
    watches.
    """
    times = dict(stages(depth, seconds))
    tracemalloc.start()
    peaks = dict(stages(depth, peak_bytes))
    tracemalloc.stop()
    for stage, time in times.items():
        print(f"{stage:16}{time:8.2f} s{peaks[stage] / MEBIBYTE:8.0f} MiB")


def stages(depth: int, measure: Measure) -> Iterator[tuple[str, float]]:
    """Yields the name of each stage and its measure; raises if a stage did not do its work."""
    (leaf, root), measured = measure(chain, depth)
    yield "builds", measured
    _, measured = measure(root.backward)
    yield "differentiates", measured
    check(leaf.grad, (-1.0) ** (depth - 1))
    twin, measured = measure(copy.deepcopy, root)
    yield "is copied", measured
    check(twin.data, root.data)
    del twin
    text, measured = measure(pickle.dumps, root)
    yield "is pickled", measured
    twin, measured = measure(pickle.loads, text)
    yield "is unpickled", measured
    check(twin.data, root.data)
    del twin, text
    last_reference = [root]
    del root
    _, measured = measure(last_reference.clear)
    yield "is freed", measured


def chain(depth: int) -> tuple[Value, Value]:
    """Returns the two ends of a chain of negations: its slope is exactly 1 or -1."""
    leaf = node = Value(1.0)
    for _ in range(depth - 1):
        node = -node
    return leaf, node


def seconds(action: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """Returns what the action returns, and how long it took."""
    start = perf_counter()
    result = action(*given)
    return result, perf_counter() - start


def peak_bytes(action: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """Returns what the action returns, and by how much memory rose at most meanwhile."""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    result = action(*given)
    _, peak = tracemalloc.get_traced_memory()
    return result, peak - before


def check(got: float, expected: float) -> None:
    """Raises unless the numbers are equal; nothing is rounded on this chain."""
    if got != expected:
        raise AssertionError(f"expected {expected!r}, got {got!r}")


if __name__ == "__main__":
    main()
