"""Losses: one number that measures how far a model's outputs are from their targets.

Names and results are PyTorch's. Each loss takes one output and its target, or a list of each.
Classification starts from *logits*, the plain outputs of the last layer, because a sigmoid or an
exponential taken too early overflows or rounds to 0. `reduction` combines the losses of the
examples: "mean" (the default), "sum", or "none", which returns all of them.

`fit` calls these, or you call them in your own loop. Each formula is below "one example". A target
can also be a `Value`, which stands for future data when a loss is lifted: then the checks of plain
targets are skipped, and the general formula is used.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.checks import is_number
from micrograd_notes.engine import Value
from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.functions import pick
from micrograd_notes.engine.ops import logsumexp, relu, softplus

__all__ = ["binary_cross_entropy_with_logits", "cross_entropy", "hinge_loss", "mse_loss"]

REDUCTIONS = ("mean", "sum", "none")

Outputs = Value | float | Sequence[Any]
Targets = Value | float | Sequence[Any]
Formula = Callable[[Any, Any], Any]


def mse_loss(predictions: Outputs, targets: Targets, reduction: str = "mean") -> Any:
    """Returns the squared error, (prediction - target)**2.

    Predictions and targets are numbers, lists, or lists of lists, of the same shape. The mean is
    that of all numbers in them.

    >>> mse_loss([Value(1.0), Value(4.0)], [1.0, 2.0]).data
    2.0
    >>> mse_loss(Value(3.0), 1.0).data
    4.0
    """
    return _loss("mse_loss", _squared_error, predictions, targets, reduction)


def hinge_loss(predictions: Outputs, targets: Targets, reduction: str = "mean") -> Any:
    """Returns max(0, 1 - target * prediction), which is 0 if the prediction is right by 1 or more.

    Targets are -1 or +1, as `signs()` of a data set with two classes returns them.

    >>> hinge_loss([Value(3.0), Value(0.5), Value(0.5)], [1, 1, -1], reduction="sum").data
    2.0
    """
    return _loss("hinge_loss", _hinge, predictions, targets, reduction)


def binary_cross_entropy_with_logits(
    logits: Outputs, targets: Targets, reduction: str = "mean"
) -> Any:
    """Returns -log of the target's probability; sigmoid(logit) is the probability of class 1.

    Targets are 0 or 1, or a probability between them. The formula, exact at both ends, is

        target * softplus(-logit) + (1 - target) * softplus(logit)

    >>> binary_cross_entropy_with_logits(Value(0.0), 1).data
    0.6931471805599453
    >>> binary_cross_entropy_with_logits([Value(-1000.0), Value(1000.0)], [1, 1]).data
    500.0
    """
    return _loss(
        "binary_cross_entropy_with_logits", _binary_cross_entropy, logits, targets, reduction
    )


def cross_entropy(
    logits: Sequence[Any], target: Targets, reduction: str = "mean"
) -> Any:
    """Returns -log of the probability that softmax(logits) gives to the target.

    For one example, `logits` is a list with one logit per class, and `target` the number of its
    class, 2 or 2.0. For a batch, they are lists of those:

        logsumexp(logits) - logits[target]

    >>> round(cross_entropy([Value(1.0), Value(2.0), Value(3.0)], 2).data, 6)
    0.407606
    >>> cross_entropy([[Value(0.0), Value(1000.0)], [Value(5.0), Value(5.0)]], [0, 1], "sum").data
    1000.6931471805599
    """
    checks.one_of("reduction", reduction, REDUCTIONS)
    if not _is_list(logits):
        raise TypeError(
            "cross_entropy needs a list with one logit per class, got "
            f"{checks.shown(logits)}; if the model has one output, use "
            "binary_cross_entropy_with_logits"
        )
    if not any(_is_list(row) for row in logits):
        return _cross_entropy(logits, target)
    targets: Any = target
    if not _is_list(targets):
        raise TypeError(
            f"cross_entropy got a batch of {len(logits)} lists of logits but one target, "
            f"{checks.shown(target)}; pass a list of targets"
        )
    _check_lengths("cross_entropy", logits, targets)
    losses = [_cross_entropy(row, label) for row, label in zip(logits, targets, strict=True)]
    return _reduced(losses, reduction)


# ---- one example ---------------------------------------------------------------------------------


def _squared_error(prediction: Any, target: Any) -> Any:
    if not isinstance(target, Value):
        checks.finite_number("each of the targets", target)
    error = prediction - target
    return error * error


def _hinge(prediction: Any, target: Any) -> Any:
    if not isinstance(target, Value) and target not in (-1, 1):
        raise ValueError(
            f"targets of hinge_loss must be -1 or +1, got {target!r}; pass signs() of the data set"
        )
    return relu(1 - target * prediction)


def _binary_cross_entropy(logit: Any, target: Any) -> Any:
    if not isinstance(target, Value):
        if not 0 <= target <= 1:
            raise ValueError(
                "targets of binary_cross_entropy_with_logits must be 0, 1, or a probability "
                f"between them, got {target!r}"
            )
        # For a plain label one term is enough: the other is 0.
        if target == 1:
            return softplus(-logit)
        if target == 0:
            return softplus(logit)
    return target * softplus(-logit) + (1 - target) * softplus(logit)


def _cross_entropy(logits: Any, target: Any) -> Any:
    if not _is_list(logits):
        raise TypeError(
            f"cross_entropy got a batch with {checks.shown(logits)} instead of a list of logits"
        )
    if len(logits) < 2:
        raise ValueError(
            f"cross_entropy got {checks.shown(logits)}; pass two or more logits per example"
        )
    for logit in logits:
        checks.operand("each of the logits", logit)
    # log(sum of exp(z) / exp(z of the label)). Subtracting first keeps the digits of a loss that is
    # nearly 0, and of its gradient; the label's own difference is 0.
    if isinstance(target, Value):
        mine = pick(logits, target)
        return logsumexp(*[logit - mine for logit in logits])
    if type(target).__name__ in ("bool", "bool_") or not is_number(target) or target % 1:
        raise TypeError(
            f"a target of cross_entropy must be the number of a class, got {checks.shown(target)}. "
            f"{checks.ONE_HOT}"
        )
    label = int(target)
    # A negative label would silently count from the end of the list.
    if not 0 <= label < len(logits):
        raise ValueError(
            f"cross_entropy got target {label} for {len(logits)} logits; targets must be from 0 to "
            f"{len(logits) - 1}"
        )
    mine = logits[label]
    return logsumexp(0.0, *[logit - mine for i, logit in enumerate(logits) if i != label])


# ---- many examples -------------------------------------------------------------------------------


def _loss(name: str, loss_of_one: Formula, predictions: Any, targets: Any, reduction: str) -> Any:
    """Returns the reduced losses of predictions and targets that have the same shape."""
    checks.one_of("reduction", reduction, REDUCTIONS)
    return _reduced(_losses(name, loss_of_one, predictions, targets), reduction)


def _losses(name: str, loss_of_one: Formula, predictions: Any, targets: Any) -> Any:
    """Returns one loss per prediction, in lists of the same shape."""
    if not _is_list(predictions) and not _is_list(targets):
        checks.operand("each of the predictions (or logits)", predictions)
        checks.operand("each of the targets", targets)
        return loss_of_one(predictions, targets)
    if not _is_list(predictions) or not _is_list(targets):
        raise TypeError(
            f"{name} got {_described(predictions)} for {_described(targets)}; "
            "predictions and targets must have the same shape"
        )
    _check_lengths(name, predictions, targets)
    return [_losses(name, loss_of_one, p, t) for p, t in zip(predictions, targets, strict=True)]


def _reduced(losses: Any, reduction: str) -> Any:
    """Returns the mean or the sum of all losses in the lists, or the lists unchanged."""
    if reduction == "none":
        return losses
    first, *others = _flat(losses)
    summed = total(others, first)
    return summed / (1 + len(others)) if reduction == "mean" and others else summed


def _flat(losses: Any) -> list[Any]:
    """Returns the numbers in lists of any depth, in order."""
    return [x for part in losses for x in _flat(part)] if _is_list(losses) else [losses]


def _is_list(thing: Any) -> bool:
    """Returns whether it is a list, a tuple or an array; TypeError for a dictionary or a set."""
    if isinstance(thing, Mapping | Set | bytes) or hasattr(thing, "__next__"):
        raise TypeError(
            "predictions, logits and targets must be numbers or lists of them, got a "
            f"{type(thing).__name__}; pass list(...) of it"
        )
    return isinstance(thing, Iterable) and not isinstance(thing, str)


def _described(thing: Any) -> str:
    return f"a list of {len(thing)}" if _is_list(thing) else f"one number ({checks.shown(thing)})"


def _check_lengths(name: str, predictions: Sequence[Any], targets: Sequence[Any]) -> None:
    if len(predictions) != len(targets):
        raise ValueError(f"{name} got {len(predictions)} predictions for {len(targets)} targets")
    if not len(predictions):
        raise ValueError(f"{name} got no predictions; pass one or more")
