"""The work in PyTorch: batched products, its own losses and attention, one thread.

`eager` updates all parameters in one call, as `torch.optim.SGD` does, without the bookkeeping
around it. `compiled` hands loss, gradient and update to `torch.compile` as one function.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

from lifting.peer import Learner
from lifting.work import HEADS, RATE, Work


def compiler() -> str | None:
    """Returns where the C++ compiler is that compiled steps need, or None."""
    return shutil.which(os.environ.get("CXX", "c++"))


def eager(work: Work) -> Learner:
    import torch

    loss = loss_of(work)
    parameters = [torch.tensor(array, requires_grad=True) for array in work.arrays()]
    x, y = torch.tensor(work.X), torch.tensor(work.Y)

    def step() -> float:
        value = loss(parameters, x, y)
        gradients = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            torch._foreach_sub_(parameters, gradients, alpha=RATE)
        return float(value.detach())

    return Learner(step, lambda: [p.detach().numpy().copy() for p in parameters])


def compiled(work: Work) -> Learner:
    import torch

    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # it leaves processes behind otherwise
    differentiated = torch.func.grad_and_value(loss_of(work))
    parameters = [torch.tensor(array) for array in work.arrays()]
    x, y = torch.tensor(work.X), torch.tensor(work.Y)

    def update(parameters: list[Any]) -> Any:
        gradients, value = differentiated(parameters, x, y)
        for p, gradient in zip(parameters, gradients, strict=True):
            p.sub_(gradient, alpha=RATE)
        return value

    whole: Any = torch.compile(update, fullgraph=True, dynamic=False)

    def step() -> float:
        with torch.no_grad():
            return float(whole(parameters))

    return Learner(step, lambda: [p.numpy().copy() for p in parameters])


def loss_of(work: Work) -> Callable[..., Any]:
    import torch

    torch.set_num_threads(1)
    return gpt_loss if work.is_gpt else partial(mlp_loss, work.activation)


def mlp_loss(activation: str, parameters: list[Any], x: Any, y: Any) -> Any:
    import torch
    from torch.nn import functional

    activate = getattr(torch, activation, None) or getattr(functional, activation)
    *hidden, W, b = parameters
    for V, c in zip(hidden[::2], hidden[1::2], strict=True):
        x = activate(functional.linear(x, V, c))
    out = functional.linear(x, W, b)
    if len(b) == 1:
        return torch.relu(1 - y * out[:, 0]).mean()
    return functional.cross_entropy(out, y)


def gpt_loss(parameters: list[Any], x: Any, y: Any) -> Any:
    import torch
    from torch.nn.functional import cross_entropy, embedding, linear, scaled_dot_product_attention

    token, position, *weights, unembed = parameters
    (n, length), width = x.shape, token.shape[1]

    def rms_norm(rows: Any) -> Any:
        return rows * torch.rsqrt(rows.square().mean(-1, keepdim=True) + 1e-5)

    def in_heads(rows: Any) -> Any:
        return rows.view(n, length, HEADS, width // HEADS).transpose(1, 2)

    rows = rms_norm(embedding(x, token) + position[:length])
    for at in range(0, len(weights), 6):
        query, key, value, mix, widen, narrow = weights[at : at + 6]
        normed = rms_norm(rows)
        q, k, v = (in_heads(linear(normed, weight)) for weight in (query, key, value))
        attended = scaled_dot_product_attention(q, k, v, is_causal=True)
        rows = rows + linear(attended.transpose(1, 2).reshape(n, length, width), mix)
        rows = rows + linear(torch.relu(linear(rms_norm(rows), widen)), narrow)
    return cross_entropy(linear(rows, unembed).view(n * length, -1), y.view(-1))
