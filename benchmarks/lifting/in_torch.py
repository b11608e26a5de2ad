"""The work in PyTorch, eagerly: batched products, its own losses and attention, one thread.

The update is what `torch.optim.SGD` does, without the bookkeeping around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lifting.peer import Learner
from lifting.work import HEADS, RATE, Work


def eager(work: Work) -> Learner:
    import torch

    torch.set_num_threads(1)
    parameters = [torch.tensor(array, requires_grad=True) for array in work.arrays()]
    x, y = torch.tensor(work.X), torch.tensor(work.Y)
    loss: Callable[..., Any] = gpt_loss if work.is_gpt else mlp_loss

    def step() -> float:
        value = loss(parameters, x, y)
        gradients = torch.autograd.grad(value, parameters)
        with torch.no_grad():
            for p, gradient in zip(parameters, gradients, strict=True):
                p.sub_(gradient, alpha=RATE)
        return float(value.detach())

    return Learner(step, lambda: [p.detach().numpy().copy() for p in parameters])


def mlp_loss(parameters: list[Any], x: Any, y: Any) -> Any:
    import torch
    from torch.nn.functional import cross_entropy, linear

    *hidden, W, b = parameters
    for V, c in zip(hidden[::2], hidden[1::2], strict=True):
        x = torch.relu(linear(x, V, c))
    out = linear(x, W, b)
    if len(b) == 1:
        return torch.relu(1 - y * out[:, 0]).mean()
    return cross_entropy(out, y)


def gpt_loss(parameters: list[Any], x: Any, y: Any) -> Any:
    import torch
    from torch.nn.functional import cross_entropy, embedding, linear, scaled_dot_product_attention

    token, position, query, key, value, mix, widen, narrow, unembed = parameters
    (n, length), width = x.shape, token.shape[1]

    def rms_norm(rows: Any) -> Any:
        return rows * torch.rsqrt(rows.square().mean(-1, keepdim=True) + 1e-5)

    def in_heads(rows: Any) -> Any:
        return rows.view(n, length, HEADS, width // HEADS).transpose(1, 2)

    rows = rms_norm(embedding(x, token) + position[:length])
    normed = rms_norm(rows)
    q, k, v = (in_heads(linear(normed, weight)) for weight in (query, key, value))
    attended = scaled_dot_product_attention(q, k, v, is_causal=True)
    rows = rows + linear(attended.transpose(1, 2).reshape(n, length, width), mix)
    rows = rows + linear(torch.relu(linear(rms_norm(rows), widen)), narrow)
    return cross_entropy(linear(rows, unembed).view(n * length, -1), y.view(-1))
