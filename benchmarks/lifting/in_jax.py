"""The work in JAX: a pure function of the parameters, differentiated and compiled with the update.

It computes in the thread that asks, as all here do: handing a step of microseconds to another
thread would cost more than the step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lifting.peer import Learner
from lifting.work import HEADS, RATE, Array, Work


def jitted(work: Work) -> Learner:
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call, unused-ignore]
    jax.config.update("jax_cpu_enable_async_dispatch", False)  # type: ignore[no-untyped-call, unused-ignore]
    loss: Callable[..., Any] = gpt_loss if work.is_gpt else partial(mlp_loss, work.activation)
    differentiated: Any = jax.value_and_grad(loss)

    def update(parameters: Any, x: Any, y: Any) -> Any:
        value, gradients = differentiated(parameters, x, y)
        return value, [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]

    compiled: Any = jax.jit(update, donate_argnums=0)
    state: list[Any] = [jax.numpy.array(array) for array in work.arrays()]
    x, y = jax.numpy.array(work.X), jax.numpy.array(work.Y)

    def step() -> float:
        nonlocal state
        value, state = compiled(state, x, y)
        return float(value)

    def arrays() -> list[Array]:
        return [np.array(p) for p in state]

    return Learner(step, arrays)


def mlp_loss(activation: str, parameters: Any, x: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    activate: Any = getattr(jax.nn, activation)
    if activation == "gelu":  # by default it is an approximation
        activate = partial(activate, approximate=False)
    *hidden, W, b = parameters
    for V, c in zip(hidden[::2], hidden[1::2], strict=True):
        x = activate(x @ V.T + c)
    out = x @ W.T + b
    if len(b) == 1:
        return jnp.maximum(1 - y * out[:, 0], 0).mean()
    return (jax.nn.logsumexp(out, axis=1) - out[jnp.arange(len(x)), y]).mean()


def gpt_loss(parameters: Any, x: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    token, position, *weights, unembed = parameters
    (n, length), width = x.shape, token.shape[1]
    causal = jnp.tri(length, dtype=bool)

    def rms_norm(rows: Any) -> Any:
        return rows * jax.lax.rsqrt((rows * rows).mean(-1, keepdims=True) + 1e-5)

    rows = rms_norm(token[x] + position[:length])
    for at in range(0, len(weights), 6):
        query, key, value, mix, widen, narrow = weights[at : at + 6]
        projected = rms_norm(rows) @ jnp.concatenate([query, key, value]).T
        q, k, v = jnp.moveaxis(projected.reshape(n, length, 3, HEADS, width // HEADS), 2, 0)
        scores = jnp.einsum("nihd,njhd->nhij", q, k) / (width // HEADS) ** 0.5
        shares = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf))
        attended = jnp.einsum("nhij,njhd->nihd", shares, v).reshape(n, length, width)
        rows = rows + attended @ mix.T
        rows = rows + jnp.maximum(rms_norm(rows) @ widen.T, 0) @ narrow.T
    logits = rows @ unembed.T
    chosen = jnp.take_along_axis(logits, y[:, :, None], axis=2)[:, :, 0]
    return (jax.nn.logsumexp(logits, axis=2) - chosen).mean()
