"""`default_loss`: the loss that fits a model's outputs and the targets.

`fit`, `evaluate` and `diagnose` use it if you do not pass a loss. The losses are in `nn/losses.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import Value
from micrograd_notes.nn.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    mse_loss,
)
from micrograd_notes.train.examples import CheckedData, Data, checked_data
from micrograd_notes.train.outputs import Predictor, outputs_of

__all__ = ["default_loss"]

Loss = Callable[[list[Any], list[Any]], Any]

SAY_REGRESSION = "For quantities, pass loss=mse_loss or Dataset(..., task='regression')"


def default_loss(model: Predictor, data: Data) -> Loss:
    """Returns the loss that fits the model's outputs and the targets.

    | outputs | targets | loss |
    |---|---|---|
    | one | 0 and 1 | `binary_cross_entropy_with_logits` |
    | one | -1 and +1 | `hinge_loss` |
    | one | other numbers, not all of them whole | `mse_loss` |
    | k | labels from 0 to k-1 | `cross_entropy` |
    | k | lists of k numbers, not all of them one-hot | `mse_loss` |
    | any | those of a `Dataset` with task="regression" | `mse_loss` |

    Raises:
        ValueError: the model has too few outputs for the labels; or targets can be classes or
            quantities: two or more other whole numbers for one output, or one-hot rows.

    >>> default_loss(lambda x: [Value(0.0), Value(1.0)], ([[4.0]], [1])).__name__
    'cross_entropy'
    """
    return loss_for(model, checked_data(data, model))


def loss_for(model: Predictor, examples: CheckedData) -> Loss:
    targets = examples.targets
    if examples.task == "regression":
        return mse_loss
    [output] = outputs_of(model, examples.inputs[:1])
    if isinstance(output, Value):
        if examples.classes > 2:
            raise ValueError(
                f"the data has {examples.classes} classes, but a model with one output can "
                f"only distinguish two; give its last layer {examples.classes} outputs"
            )
        if are_among(targets, (0, 1)):
            return binary_cross_entropy_with_logits
        if are_among(targets, (-1, 1)):
            return hinge_loss
        if rows := [target for target in targets if isinstance(target, list | tuple)]:
            raise ValueError(
                "the model has one output, so targets must be numbers; got "
                f"{checks.shown(rows[0])} among them. If a row has one number, pass row[0]"
            )
        different = sorted(set(targets))
        if len(different) > 1 and all(target % 1 == 0 for target in different):
            some = ", ".join(f"{target:g}" for target in different[:4])
            raise ValueError(
                f"the targets are whole numbers, like {some}, which can be classes or quantities. "
                "For two classes use 0 and 1; for more give the model one output per class. "
                f"{SAY_REGRESSION}"
            )
        return mse_loss
    labels = range(len(output))
    for target in targets:
        if not isinstance(target, list | tuple) and target not in labels:
            raise ValueError(
                f"the model has {len(labels)} outputs, so targets must be labels from 0 to "
                f"{len(labels) - 1} or lists of {len(labels)} numbers; got {target!r} among them"
            )
    rows = [target for target in targets if isinstance(target, list | tuple) and len(target) > 1]
    if len(rows) == len(targets) and all([x for x in row if x != 0] == [1] for row in rows):
        raise ValueError(
            f"the targets are one-hot, like {checks.shown(targets[0])}, which can be classes or "
            f"quantities. {checks.ONE_HOT}. {SAY_REGRESSION}"
        )
    return cross_entropy if are_among(targets, labels) else mse_loss


def loss_of(loss: Loss, outputs: list[Any], targets: list[Any]) -> Value:
    """Returns the loss of a batch; TypeError if it is not a `Value`."""
    total = loss(outputs, targets)
    if isinstance(total, Value):
        return total
    raise TypeError(
        f"loss must return one Value, computed from the model's outputs, got {checks.shown(total)}"
    )


def labels_of(output: Any, examples: CheckedData) -> list[int] | None:
    """Returns the class of each target, or None if targets are not labels for such an output."""
    spellings = [(0, 1), (-1, 1)] if isinstance(output, float) else [range(len(output))]
    targets = examples.targets
    if examples.task == "regression" or not any(are_among(targets, each) for each in spellings):
        return None
    return [int(max(target, 0)) for target in targets]  # -1 and 0 mean the same class


def are_among(targets: list[Any], labels: Sequence[int]) -> bool:
    return all(not hasattr(target, "__len__") and target in labels for target in targets)
