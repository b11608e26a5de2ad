"""A GPT of 4 layers learns first names, and invents new ones: trained through `lift_of_sizes`.

    python benchmarks/gpt_names.py               # minutes
    python benchmarks/gpt_names.py --steps 20    # a look

Its loss is written with scalars, and 64 positions of it would take gigabytes and minutes to record.
`lift_of_sizes` makes the program from small GPTs. A text is 64 letters long: names in random order,
each after a token 0, from the beginning of one of them. A tenth of the names is kept apart. New
names are invented by the scalars.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from textwrap import fill
from time import process_time
from typing import Any

import numpy as np
from lifting.deep_gpt import DeepGPT

from micrograd_notes import data, lift_of_sizes
from micrograd_notes.train.optim import Adam

SIZES: dict[str, Any] = {"tokens": 27, "positions": 64, "heads": 4, "size": 16}
LAYERS, TEXTS, RATE, INVENTED = 4, 8, 0.003, 20


def make(tokens: int, positions: int, heads: int, size: int, layers: int) -> Any:
    model = DeepGPT(tokens, positions, heads * size, heads, layers)
    return model.loss, model


def texts(model: Any, names: Sequence[str], count: int, generator: random.Random) -> Any:
    """Returns tokens and targets of some texts: the targets are the tokens that come next."""
    length = len(model.position) + 1
    rows = []
    for _ in range(count):
        row: list[int] = []
        while len(row) < length:
            row += model.tokens(generator.choice(names))
        rows.append(row[:length])
    both = np.array(rows)
    return both[:, :-1], both[:, 1:]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a GPT of 4 layers on first names.")
    parser.add_argument("--steps", type=int, default=1000, help="steps (default: 1000)")
    parser.add_argument("--backend", default="auto", help="numpy, c or auto (default: auto)")
    options = parser.parse_args()

    generator = random.Random(0)
    names = data.first_names()
    generator.shuffle(names)
    seen, unseen = names[: -len(names) // 10], names[-len(names) // 10 :]

    start = process_time()
    loss, model = make(**SIZES, layers=LAYERS)
    first = (loss, model)

    def family(**sizes: int) -> Any:
        return first if sizes == SIZES else make(**sizes, layers=LAYERS)

    program = lift_of_sizes(family, backend=options.backend, **SIZES)
    theta = program.parameters()
    optimizer = Adam(program.leaves())
    held_out = texts(model, unseen, 32, random.Random(1))
    before = program.value_and_grad(theta, *held_out)[0]
    print(f"{len(theta):,} parameters, lifted in {process_time() - start:.1f} s, in "
          f"{program.backend}\ncompared: {program.checked}")
    print(f"names not seen: {before:.3f} nats per letter", flush=True)

    start, losses = process_time(), []
    for step in range(options.steps):
        value, gradient = program.next_value_and_grad(theta, *texts(model, seen, TEXTS, generator))
        optimizer.lr = RATE * (1 - step / options.steps)
        theta = optimizer.stepped(theta, gradient)
        losses.append(value)
        if (step + 1) % 100 == 0:
            mean = np.mean(losses[-100:])
            print(f"step {step + 1:,}: {mean:.3f} nats per letter, {process_time() - start:.0f} s",
                  flush=True)
    after = program.value_and_grad(theta, *held_out)[0]
    print(f"names not seen: {after:.3f} nats per letter")
    program.load(theta)

    invented = [model.invent(random.Random(seed)) for seed in range(INVENTED)]
    known = [name for name in invented if name in names]
    print(fill(f"invented: {', '.join(invented)}", 100))
    print(f"{len(known)} of {INVENTED} are in the list of names")


if __name__ == "__main__":
    main()
