"""A GPT of several blocks, written with scalars: the GPT of the package has one.

`work.py` makes it, and so do `lift_sizes.py` and `gpt_names.py`. A block is the middle of
`GPT.next`, and its attention is that of `GPT`.
"""

from __future__ import annotations

import random
from typing import Any

from micrograd_notes import Module, Value
from micrograd_notes.engine.functions import pick
from micrograd_notes.engine.ops import relu
from micrograd_notes.gpt import GPT, Past
from micrograd_notes.nn.vectors import Row, linear, plus, rms_norm


class Block(Module):
    """Attention and a network, and around each of them a sum with its input."""

    def __init__(self, width: int, heads: int, draw: random.Random) -> None:
        self.heads = heads
        self.Wq, self.Wk, self.Wv, self.Wo = (matrix(width, width, draw) for _ in range(4))
        self.W1, self.W2 = matrix(4 * width, width, draw), matrix(width, 4 * width, draw)

    def __call__(self, x: Row, past: Past) -> Row:
        attention: Any = GPT.attention  # it reads nothing but what a block has, too
        x = plus(x, linear(attention(self, rms_norm(x), *past), self.Wo))
        hidden = [relu(z) for z in linear(rms_norm(x), self.W1)]
        return plus(x, linear(hidden, self.W2))


class DeepGPT(GPT):
    """A model of the next token. Token 0 begins and ends a text, and letters follow, from "a"."""

    def __init__(
        self, tokens: int, positions: int, width: int, heads: int, layers: int, seed: int = 0
    ) -> None:
        draw = random.Random(seed)
        self.letters = "".join(chr(ord("a") + k) for k in range(tokens - 1))
        self.embedding, self.position = matrix(tokens, width, draw), matrix(positions, width, draw)
        self.blocks = [Block(width, heads, draw) for _ in range(layers)]
        self.unembedding = matrix(tokens, width, draw)

    def next(self, token: Any, past: Any) -> Row:
        """Returns the logits of the token after this one, and adds this one to the past."""
        pasts = past[0]  # of each block
        pasts += [([], [], []) for _ in self.blocks[len(pasts) :]]
        x = rms_norm(plus(pick(self.embedding, token), self.position[len(pasts[0][0])]))
        for block, seen in zip(self.blocks, pasts, strict=True):
            x = block(x, seen)
        return linear(x, self.unembedding)


def matrix(rows: int, columns: int, draw: random.Random) -> list[Row]:
    return [[Value(draw.gauss(0.0, 0.08)) for _ in range(columns)] for _ in range(rows)]
