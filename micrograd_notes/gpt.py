"""A small GPT, one scalar at a time: it learns the names of cities, and invents new ones.

Compared with an MLP, three parts are new. An *embedding* is a list of numbers per token, and per
position. *RMSNorm* divides a list by its root mean square. With *attention* a position uses earlier
ones: the product of its query with their keys decides how much of each of their values it adds up.
After A. Vaswani et al., "Attention is all you need" (2017), A. Radford et al., "Improving language
understanding by generative pre-training" (2018), B. Zhang and R. Sennrich, "Root mean square layer
normalization" (2019). The architecture, its sizes, and names as data are those of A. Karpathy's
microgpt (2026), with relu and Adam as there; his makemore (2022) has the ladder of models on names.
Read `GPT.next` first; the arithmetic is in `nn/vectors.py`. To see it learn, run micrograd-notes
gpt, or python -m micrograd_notes.gpt
"""

import random
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import Value, no_grad
from micrograd_notes.engine.functions import pick, softmax
from micrograd_notes.engine.ops import logsumexp, relu
from micrograd_notes.lifting import lift
from micrograd_notes.nn import Module
from micrograd_notes.nn.vectors import Row, dot, linear, plus, rms_norm
from micrograd_notes.train.data import city_names
from micrograd_notes.train.optim import Adam

__all__ = ["GPT", "spell_cities", "train"]

Say = Callable[[str], None]
Past = tuple[list[Row], list[Row], list[Any]]  # keys, values and shares of earlier positions


class GPT(Module):
    """A model of the next token. Token 0 begins and ends a text; letters are the tokens 1, 2, ...

    >>> model = GPT("abc", width=4, heads=2)
    >>> [len(logits) for logits in model(model.tokens("cab"))]
    [4, 4, 4, 4]
    """

    def __init__(
        self, letters: str, positions: int = 16, width: int = 16, heads: int = 4, seed: int = 0
    ) -> None:
        for name, count in ("positions", positions), ("width", width), ("heads", heads):
            checks.whole_number(name, count)
        if width % heads:
            raise ValueError(f"width must be a multiple of heads, got width={width}, heads={heads}")
        draw = random.Random(checks.seed(seed)).gauss

        def matrix(rows: int, columns: int) -> list[Row]:
            return [[Value(draw(0.0, 0.08)) for _ in range(columns)] for _ in range(rows)]

        self.letters, self.heads = checks.text("letters", letters), heads
        self.embedding, self.position = matrix(len(letters) + 1, width), matrix(positions, width)
        self.Wq, self.Wk, self.Wv, self.Wo = (matrix(width, width) for _ in range(4))
        self.W1, self.W2 = matrix(4 * width, width), matrix(width, 4 * width)
        self.unembedding = matrix(len(letters) + 1, width)

    def tokens(self, text: str) -> list[int]:
        """Returns the tokens of a text, after the 0 that begins it."""
        if not {*checks.text("text", text)} <= {*self.letters}:
            raise ValueError(f"text must consist of the letters {self.letters!r}, got {text!r}")
        return [0, *(1 + self.letters.index(letter) for letter in text)]

    def _check(self, token: Any, name: str) -> None:
        checks.operand(name, token)
        if checks.is_number(token):
            checks.whole_number(name, token, 0, len(self.letters))

    def __call__(self, tokens: Sequence[Any]) -> list[Row]:
        """Returns, for each token, the logits of the next token."""
        if not 1 <= len(checks.listed("tokens", tokens)) <= len(self.position):
            raise ValueError(f"tokens must have 1 to {len(self.position)} items, got {len(tokens)}")
        past: Past = ([], [], [])
        return [self.next(token, past) for token in tokens]

    def next(self, token: int | Value, past: Past) -> Row:
        """Returns the logits of the token after this one, and adds this one to the past."""
        self._check(token, "token")
        x = rms_norm(plus(pick(self.embedding, token), self.position[len(past[0])]))
        x = plus(x, linear(self.attention(rms_norm(x), *past), self.Wo))
        hidden = [relu(z) for z in linear(rms_norm(x), self.W1)]
        return linear(plus(x, linear(hidden, self.W2)), self.unembedding)

    def attention(self, x: Row, keys: list[Row], values: list[Row], shares: list[Any]) -> Row:
        """Returns, head by head, the mean of the values seen so far, weighted by their shares."""
        query, key, value = (linear(x, weights) for weights in (self.Wq, self.Wk, self.Wv))
        keys.append(key)
        values.append(value)
        size = len(x) // self.heads
        heads = [slice(start, start + size) for start in range(0, len(x), size)]
        scores = [[dot(query[h], key[h]) / size**0.5 for key in keys] for h in heads]
        shares.append([softmax(row) for row in scores])
        columns = [zip(*[value[h] for value in values], strict=True) for h in heads]
        return [dot(s, c) for s, cs in zip(shares[-1], columns, strict=True) for c in cs]

    def loss(self, tokens: Sequence[Any], targets: Sequence[Any]) -> Any:
        """Returns the mean of -log of the probability of each target."""
        logits, count = self(tokens), len(checks.listed("targets", targets))
        if count != len(logits):
            raise ValueError(f"targets must have {len(logits)} items, as tokens, got {count}")
        for target in targets:
            self._check(target, "targets")
        losses = [logsumexp(z) - pick(z, y) for z, y in zip(logits, targets, strict=True)]
        return sum(losses) / len(losses)

    @no_grad()
    def invent(self, generator: random.Random, temperature: float = 0.7) -> str:
        """Returns a text of one letter or more. A low temperature favours likely letters."""
        checks.instance("generator", generator, random.Random, "a random.Random")
        checks.finite_number("temperature", temperature, 1e-3)
        tokens, past = [0], ([], [], [])  # type: tuple[list[int], Past]
        while len(tokens) == 1 or (tokens[-1] and len(tokens) <= len(self.position)):
            chances = softmax([z / temperature for z in self.next(tokens[-1], past)])
            weights = [p.data for p in chances]
            weights[0] *= len(tokens) > 1  # no text ends before it has begun
            tokens += generator.choices(range(len(weights)), weights)
        return "".join(self.letters[token - 1] for token in tokens if token)


def train(
    model: GPT, texts: Sequence[str], steps: int, seed: int = 0, say: Say | None = None
) -> list[float]:
    """Trains on arrays, with batches of up to 32 texts of one length; returns all losses."""
    checks.instance("model", model, GPT, "a GPT")
    if not [model.tokens(text) for text in checks.listed("texts", texts)]:
        raise ValueError("texts must hold one or more texts, got none")
    checks.whole_number("steps", steps)
    if say is not None:
        checks.function("say", say, 1, "a text")
    program, optimizer = lift(model.loss, model), Adam(model.parameters())
    generator, theta, losses = random.Random(checks.seed(seed)), program.parameters(), []
    for step in range(steps):
        length = len(generator.choice(texts))
        alike = [model.tokens(text) for text in texts if len(text) == length]
        batch = generator.sample(alike, min(32, len(alike)))
        loss, gradient = program.value_and_grad(theta, batch, [[*row[1:], 0] for row in batch])
        optimizer.lr = 0.01 * (1 - step / steps)
        theta = optimizer.stepped(theta, gradient)
        losses.append(loss)
        if say and (step + 1) % 300 == 0:
            mean = fmean(losses[-100:])
            say(f"step {step + 1} of {steps} on arrays: loss {mean:.2f} nats per letter")
    program.load(theta)
    return losses


def spell_cities(say: Say = print, steps: int = 3000) -> None:
    """Learns the names of cities, three on scalars and then all on arrays, and invents new ones."""
    checks.function("say", say, 1, "a text")
    names = [name for name in city_names() if len(name) < 10]
    model = GPT("abcdefghijklmnopqrstuvwxyz -")
    optimizer = Adam(model.parameters(), lr=0.01)
    for step, tokens in enumerate(map(model.tokens, names[:3]), 1):  # one name per step
        loss = model.loss(tokens, [*tokens[1:], 0])
        model.zero_grad()
        loss.backward()
        optimizer.step()
        say(f"step {step} of 3 on scalars: loss {loss.data:.2f} nats per letter")
    train(model, names, steps, say=say)
    invented = {model.invent(random.Random(seed)) for seed in range(20)} - {*names}
    say(f"invented: {', '.join(sorted(invented))}")


if __name__ == "__main__":
    import sys
    from argparse import ArgumentParser

    parser = ArgumentParser("python -m micrograd_notes.gpt", description=spell_cities.__doc__)
    parser.add_argument("--steps", type=int, default=3000, help="steps on arrays (default: 3000)")
    try:
        spell_cities(steps=parser.parse_args().steps)
    except KeyboardInterrupt:
        print("\ngpt: stopped by Ctrl-C", file=sys.stderr)
        raise SystemExit(130) from None
