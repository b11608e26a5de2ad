"""Why a training can't go on: numbers that are not finite, and parameters that can't learn.

`loop.py` calls these for scalars and `lifted_loop.py` for arrays, so both have the same words.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.engine.messages import described
from micrograd_notes.train.optim import Optimizer

NOTHING_TO_LEARN = (
    "the loss does not depend on any trainable parameter, so there is nothing to learn. Make "
    "parameters with requires_grad=True, and call fit outside of no_grad()"
)


def refuse_to_step(what: str, number: float) -> None:
    """Raises FloatingPointError if a number before or after a step is not finite."""
    if not math.isfinite(number):
        raise FloatingPointError(
            f"{what} became {number}, and its step was not taken; "
            "try a smaller learning rate, or smaller inputs"
        )


def refuse_steps(
    model: Any, parameters: list[Value], numbers: list[float], what: str = ""
) -> None:
    """Raises FloatingPointError, with the name of the parameter, if a number is not finite."""
    if not all(map(math.isfinite, numbers)):
        names = {id(p): name for name, p in getattr(model, "named_parameters", dict)()}
        for parameter, number in zip(parameters, numbers, strict=True):
            refuse_to_step(what + names.get(id(parameter), described(parameter)), number)


def refuse_strangers(
    optimizer: Optimizer, mine: list[Value], reached: Callable[[], Iterable[Value]]
) -> None:
    """Raises ValueError if the optimiser's parameters belong to another model."""
    strangers = set(map(id, optimizer.params)).difference(map(id, mine))
    if strangers and strangers.isdisjoint(map(id, reached())):
        raise ValueError(
            f"{len(strangers)} of the {len(optimizer.params)} parameters of the optimizer are not "
            "the model's, and the loss does not depend on them. Create the optimizer with "
            "model.parameters(), after replacing any weight of the model"
        )
