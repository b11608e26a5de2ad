"""How long a training step takes lifted, beside NumPy by hand, PyTorch, JAX and micrograd.

    python benchmarks/lift.py

A step is the loss, every gradient and the update, on one thread. The peers take turns, so that a
busy minute of the machine falls on all of them, and the medians of the turns are printed. Before
any time is taken, all must agree on the loss to 12 digits. A peer that is not installed is left
out, and said so.

This file times. What is lifted is written with scalars, in `moons` and `digits`.
"""

from __future__ import annotations

# ruff: noqa: E402  (threads are counted before NumPy is imported)
import argparse
import os

for _library in ("OMP", "OPENBLAS", "MKL"):  # before NumPy is imported
    os.environ[f"{_library}_NUM_THREADS"] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import importlib.util
import platform
import random
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from micrograd_notes import MLP, lift
from micrograd_notes.ops import logsumexp, pick, relu

RATE = 0.01
Step = Callable[[], float]


# ---- the work, on scalars ------------------------------------------------------------------------


def moons() -> tuple[Any, Any, Any, Any]:
    from sklearn.datasets import make_moons

    X, labels = make_moons(100, noise=0.1, random_state=0)
    model = MLP(2, [16, 16, 1], seed=0)

    def loss(x: Any, y: Any) -> Any:
        return relu(1 - y * model(x))

    return model, loss, X, 2.0 * labels - 1.0


def digits(count: int) -> tuple[Any, Any, Any, Any]:
    from sklearn.datasets import load_digits

    data = load_digits()
    model = MLP(64, [32, 10], seed=0)

    def loss(x: Any, y: Any) -> Any:
        logits = model(x)
        return logsumexp(logits) - pick(logits, y)

    return model, loss, np.ascontiguousarray(data.data[:count] / 16), data.target[:count]


def matrices(model: Any) -> list[Any]:
    """Returns the weights and biases of each layer as arrays."""
    state = model.state_dict()
    return [np.array(state[f"layers.{i}.{kind}"]) for i in range(len(model.layers))
            for kind in ("weight", "bias")]


# ---- the peers -----------------------------------------------------------------------------------


def lifted(model: Any, loss: Any, X: Any, Y: Any) -> Step:
    program = lift(loss, model)
    theta = program.parameters()

    def step() -> float:
        value, gradient = program.value_and_grad(theta, X, Y)
        np.subtract(theta, RATE * gradient, out=theta)
        return float(value)

    return step


def by_hand(model: Any, loss: Any, X: Any, Y: Any) -> Step:
    *first, W, b = matrices(model)
    hidden = list(zip(first[::2], first[1::2], strict=True))
    n, rows = len(X), np.arange(len(X))

    def step() -> float:
        inputs, sums = [X], []
        for V, c in hidden:
            sums.append(inputs[-1] @ V.T + c)
            inputs.append(np.maximum(sums[-1], 0))
        out = inputs[-1] @ W.T + b
        if len(b) == 1:
            margin = 1 - Y * out[:, 0]
            value = np.maximum(margin, 0).sum() / n
            d = (-Y * (margin > 0) / n)[:, None]
        else:
            out -= out.max(1, keepdims=True)
            d = np.exp(out)
            total = d.sum(1)
            value = (np.log(total) - out[rows, Y]).sum() / n
            d /= total[:, None]
            d[rows, Y] -= 1
            d /= n
        gradients = [d.T @ inputs[-1], d.sum(0)]
        weights = W
        for (V, _), z, x in zip(hidden[::-1], sums[::-1], inputs[-2::-1], strict=True):
            d = (d @ weights) * (z > 0)
            gradients[:0] = [d.T @ x, d.sum(0)]
            weights = V
        for p, g in zip([*first, W, b], gradients, strict=True):
            p -= RATE * g
        return float(value)

    return step


def torch_eager(model: Any, loss: Any, X: Any, Y: Any) -> Step:
    import torch

    torch.set_num_threads(1)
    layers: list[Any] = [torch.tensor(p, requires_grad=True) for p in matrices(model)]
    x, y = torch.tensor(X), torch.tensor(Y)

    def step() -> float:
        out = x
        for i in range(0, len(layers), 2):
            out = torch.nn.functional.linear(out, layers[i], layers[i + 1])
            out = torch.relu(out) if i + 2 < len(layers) else out
        if out.shape[1] == 1:
            value: Any = torch.relu(1 - y * out[:, 0]).mean()
        else:
            value = torch.nn.functional.cross_entropy(out, y)
        for p in layers:
            p.grad = None
        value.backward()
        with torch.no_grad():
            for p in layers:
                p -= RATE * p.grad
        return float(value.detach())

    return step


def jax_jit(model: Any, loss: Any, X: Any, Y: Any) -> Step:
    import jax

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call, unused-ignore]
    jnp = jax.numpy

    def value_of(layers: Any, x: Any, y: Any) -> Any:
        out = x
        for i in range(0, len(layers), 2):
            out = out @ layers[i].T + layers[i + 1]
            out = jnp.maximum(out, 0) if i + 2 < len(layers) else out
        if out.shape[1] == 1:
            return jnp.maximum(1 - y * out[:, 0], 0).mean()
        return (jax.nn.logsumexp(out, axis=1) - out[jnp.arange(len(x)), y]).mean()

    differentiated: Any = jax.value_and_grad(value_of)

    def update(layers: Any, x: Any, y: Any) -> Any:
        value, gradients = differentiated(layers, x, y)
        return value, [p - RATE * g for p, g in zip(layers, gradients, strict=True)]

    compiled: Any = jax.jit(update)
    state = [jnp.array(p) for p in matrices(model)]
    x, y = jnp.array(X), jnp.array(Y)

    def step() -> float:
        nonlocal state
        value, state = compiled(state, x, y)
        return float(value)

    return step


def micrograd(model: Any, loss: Any, X: Any, Y: Any) -> Step:
    from micrograd.engine import Value
    from micrograd.nn import MLP as TheirMLP

    theirs = TheirMLP(X.shape[1], [len(layer.neurons) for layer in model.layers])
    for p, ours in zip(theirs.parameters(), model.parameters(), strict=True):
        p.data = ours.data

    def step() -> float:
        scores = [theirs(list(map(Value, row))) for row in X]
        losses = [(1 + -y * score).relu() for y, score in zip(Y, scores, strict=True)]
        value = sum(losses) * (1.0 / len(losses))
        theirs.zero_grad()
        value.backward()
        for p in theirs.parameters():
            p.data -= RATE * p.grad
        return float(value.data)

    return step


PEERS = {"lifted": lifted, "NumPy by hand": by_hand, "PyTorch eager": torch_eager,
         "JAX jit": jax_jit, "micrograd": micrograd}
NEEDS = {"PyTorch eager": "torch", "JAX jit": "jax", "micrograd": "micrograd"}


# ---- timing --------------------------------------------------------------------------------------


def turn(step: Step, seconds: float) -> float:
    """Returns the mean time of a step, over steps that together take about so long."""
    start = perf_counter()
    count = 0
    while perf_counter() - start < seconds or not count:
        step()
        count += 1
    return (perf_counter() - start) / count


def row(title: str, work: tuple[Any, Any, Any, Any], names: list[str], rounds: int) -> None:
    start = perf_counter()
    steps = {"lifted": PEERS["lifted"](*work)}
    losses = {"lifted": steps["lifted"]()}
    compiled = perf_counter() - start
    for name in names[1:]:
        steps[name] = PEERS[name](*work)
        losses[name] = steps[name]()
    for name, value in losses.items():
        # sums of at most 1797 terms in another order: some hundred roundings
        if not abs(value - losses["lifted"]) <= 1e-12 * abs(value):
            raise AssertionError(f"{title}: lifted {losses['lifted']!r}, {name} {value!r}")
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(turn(step, 0.2))
    ours = median(times["lifted"])
    print(f"\n{title}; recorded, lifted and run once in {compiled * 1e3:.0f} ms")
    for name, taken in times.items():
        print(f"  {name:16}{median(taken) * 1e6:14,.0f} us{median(taken) / ours:12,.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a training step, lifted and beside peers.")
    parser.add_argument("--rounds", type=int, default=5, help="turns for each peer (default: 5)")
    rounds = parser.parse_args().rounds
    random.seed(0)
    names = [n for n in PEERS if n not in NEEDS or importlib.util.find_spec(NEEDS[n])]
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, one thread, medians of")
    print(f"{rounds} turns; the last column is the time divided by that of the lifted program.")
    if missing := PEERS.keys() - set(names):
        print(f"Not installed and left out: {', '.join(sorted(missing))}.")
    without = [name for name in names if name != "micrograd"]
    row("moons, 2-16-16-1, batch 100", moons(), names, rounds)
    row("digits, 64-32-10, batch 32", digits(32), without, rounds)
    row("digits, 64-32-10, batch 1797", digits(1797), without, rounds)


if __name__ == "__main__":
    main()
