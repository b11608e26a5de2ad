"""Is the loss of a batch the mean of the losses of its examples? `is_mean` asks the loss itself.

Losses are so by default. Then the loss of one example is lifted, which makes matrices with an axis
for the batch, and any batch size runs. Otherwise the loss of a whole batch is lifted.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

from micrograd_notes.engine import Value, sweep
from micrograd_notes.engine.accurate import total
from micrograd_notes.train.arrays import Examples, as_values, data_of
from micrograd_notes.train.default_loss import Loss

Outputs = Callable[[Any, Any], Any]


def is_mean(
    loss: Loss, outputs: Outputs, parameters: list[Value], batch_size: int,
    examples: Examples, validation: Examples | None,
) -> bool:
    """Returns whether the loss of each kind of batch is the mean over its examples.

    Args:
        loss: a function of the outputs and the targets of a batch.
        outputs: a function of a vector of parameters and the inputs, which returns an array.
        parameters: the parameters of that vector.
        batch_size: the number of examples per step.
        examples: those to train on.
        validation: those to evaluate, if there are some.
    """
    batches = _batches(examples, validation, batch_size)
    return all(_is_mean_of(loss, outputs, parameters, *batch) for batch in batches)


def _batches(
    examples: Examples, validation: Examples | None, size: int
) -> Iterator[tuple[Any, list[Any]]]:
    """Yields a batch of each size, and one of another size for validation."""
    import numpy as np

    inputs, targets = examples.inputs, examples.plain_targets
    yield inputs[:size], targets[:size]
    # Data are often sorted by class, and training shuffles them.
    mixed = np.random.default_rng(0).permutation(len(targets))[:size]
    yield inputs[mixed], [targets[k] for k in mixed]
    rest = len(targets) % size
    if rest and rest < len(targets):
        yield inputs[-rest:], targets[-rest:]
    if validation is not None:
        yield validation.inputs[: size + 1], validation.plain_targets[: size + 1]


def _is_mean_of(
    loss: Loss, outputs: Outputs, parameters: list[Value], inputs: Any, targets: list[Any]
) -> bool:
    """Returns whether the loss of a batch is the mean of the losses of its examples.

    The parameters are first shaken, because an untrained model can have such similar outputs that
    any loss looks like a mean. If the loss fails for those, the parameters are used unchanged.
    """
    import numpy as np

    theta = data_of(parameters)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(theta))
    for shaken in (theta + noise, theta):
        values = as_values(outputs(shaken, inputs))
        try:
            whole = loss(values, targets)
            pairs = zip(values, targets, strict=True)
            each = [loss([value], [target]).data for value, target in pairs]
            # The rounding of a node can change the loss by u |adjoint| |number|. The factor is 16
            # because an operation may be off by 4 ulp, and each way of taking the mean adds its
            # own errors.
            moved = total(abs(step.contribution * step.operand.data) for step in sweep(whole))
            bound = 16 * 2.0**-53 * (moved + abs(whole.data))
            difference = abs(whole.data - math.fsum(each) / len(each))
        except Exception:  # the loss may refuse such outputs, or a single example
            continue
        if math.isfinite(difference):
            return bool(difference <= bound)
    return False
