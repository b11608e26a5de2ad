"""Losses: how far the outputs of a model are from what they should be, as one number to make small.

The names and the numbers are PyTorch's. Each loss takes one example or a batch: an output (or a
list of them) and a target (or a list of them). Classification starts from *logits*, the plain
outputs of the last layer: a sigmoid or an exponential that is taken too early overflows or rounds
to 0.

`reduction` says what becomes of the losses of the examples: "mean" (the default), "sum", or "none",
which returns them as they are.

A target may be a `Value` as well, data that a lifted program does not know yet. It can't be asked
what it is, so the checks of plain targets are left out, and the formula is the one for any target.

This file knows formulas and the shapes of their arguments. It knows no model and no data set.
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


def mse_loss(predictions: Outputs, targets: Targets, reduction: str = "mean") -> Any:
    """Returns the squared error, (prediction - target)**2.

    Predictions and targets are numbers, lists, or lists of lists, of the same shape; the mean is
    taken over all numbers in them.

    >>> mse_loss([Value(1.0), Value(4.0)], [1.0, 2.0]).data
    2.0
    >>> mse_loss(Value(3.0), 1.0).data
    4.0
    """
    return _loss("mse_loss", _squared_error, predictions, targets, reduction)


def hinge_loss(predictions: Outputs, targets: Targets, reduction: str = "mean") -> Any:
    """Returns max(0, 1 - target * prediction): nothing for a prediction that is right by 1 or more.

    Targets are -1 or +1; a data set of two classes gives them by `signs()`.

    >>> hinge_loss([Value(3.0), Value(0.5), Value(0.5)], [1, 1, -1], reduction="sum").data
    2.0
    """
    return _loss("hinge_loss", _hinge, predictions, targets, reduction)


def binary_cross_entropy_with_logits(
    logits: Outputs, targets: Targets, reduction: str = "mean"
) -> Any:
    """Returns -log of the probability given to the target, where sigmoid(logit) is that of class 1.

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
    logits: Sequence[Any], target: Value | float | Sequence[Any], reduction: str = "mean"
) -> Any:
    """Returns -log of the probability that softmax(logits) gives to the target.

    For one example, logits is a list, one a class, and target the number of its class, which may be
    spelled 2 or 2.0; for a batch, they are a list of such lists and a list of such numbers:

        logsumexp(logits) - logits[target]

    >>> round(cross_entropy([Value(1.0), Value(2.0), Value(3.0)], 2).data, 6)
    0.407606
    >>> cross_entropy([[Value(0.0), Value(1000.0)], [Value(5.0), Value(5.0)]], [0, 1], "sum").data
    1000.6931471805599
    """
    checks.one_of("reduction", reduction, REDUCTIONS)
    if not _is_list(logits):
        raise TypeError(
            f"cross_entropy takes a list of logits, one per class, got {checks.shown(logits)}; for "
            "a model with one output there is binary_cross_entropy_with_logits"
        )
    if not any(_is_list(row) for row in logits):
        return _cross_entropy(logits, target)
    targets: Any = target
    if not _is_list(targets):
        raise TypeError(
            f"cross_entropy got a batch of {len(logits)} lists of logits for one target, "
            f"{checks.shown(target)}; give a list of targets"
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
            f"hinge_loss takes targets -1 and +1, got {target!r}; signs() of a data set gives them"
        )
    return relu(1 - target * prediction)


def _binary_cross_entropy(logit: Any, target: Any) -> Any:
    if not isinstance(target, Value):
        if not 0 <= target <= 1:
            raise ValueError(
                "binary_cross_entropy_with_logits takes targets 0 and 1, or a probability between "
                f"them, got {target!r}"
            )
        # One term for a plain label: the other would only add 0.
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
            f"cross_entropy got {checks.shown(logits)}; give two or more logits for each example"
        )
    for logit in logits:
        checks.operand("each of the logits", logit)
    # log(sum of exp(z) / exp(z of the label)). Taking the difference first keeps the digits of a
    # loss that is nearly 0, and of its gradient; the label's own difference is 0.
    if isinstance(target, Value):
        mine = pick(logits, target)
        return logsumexp(*[logit - mine for logit in logits])
    if type(target).__name__ in ("bool", "bool_") or not is_number(target) or target % 1:
        raise TypeError(
            f"cross_entropy takes the number of a class as target, got {checks.shown(target)}. "
            f"{checks.ONE_HOT}"
        )
    label = int(target)
    # A negative label would count from the end of the list, silently.
    if not 0 <= label < len(logits):
        raise ValueError(
            f"cross_entropy got target {label} for {len(logits)} logits; a target is the number of "
            "a class, counted from 0"
        )
    mine = logits[label]
    others = [logit - mine for i, logit in enumerate(logits) if i != label]
    return logsumexp(0.0, *others)


# ---- many examples -------------------------------------------------------------------------------


def _loss(
    name: str,
    loss_of_one: Callable[[Any, Any], Any],
    predictions: Any,
    targets: Any,
    reduction: str,
) -> Any:
    """Returns the reduced losses of predictions and targets that have the same shape."""
    checks.one_of("reduction", reduction, REDUCTIONS)
    return _reduced(_losses(name, loss_of_one, predictions, targets), reduction)


def _losses(
    name: str, loss_of_one: Callable[[Any, Any], Any], predictions: Any, targets: Any
) -> Any:
    """Returns the loss of each prediction, in lists of the same shape as the predictions'."""
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
    """Returns the mean or the sum of all losses in the lists, or the lists as they are."""
    if reduction == "none":
        return losses
    first, *others = _flat(losses)
    summed = total(others, first)
    return summed / (1 + len(others)) if reduction == "mean" and others else summed


def _flat(losses: Any) -> list[Any]:
    """Returns the numbers in lists of any depth, in order."""
    return [x for part in losses for x in _flat(part)] if _is_list(losses) else [losses]


def _is_list(thing: Any) -> bool:
    """Returns whether it holds several things: lists, tuples and arrays do."""
    if isinstance(thing, Mapping | Set | bytes) or hasattr(thing, "__next__"):
        raise TypeError(
            "predictions, logits and targets must be numbers or lists of them, got a "
            f"{type(thing).__name__}; give list(...) of it"
        )
    return isinstance(thing, Iterable) and not isinstance(thing, str)


def _described(thing: Any) -> str:
    return f"a list of {len(thing)}" if _is_list(thing) else f"one number ({checks.shown(thing)})"


def _check_lengths(name: str, predictions: Sequence[Any], targets: Sequence[Any]) -> None:
    if len(predictions) != len(targets):
        raise ValueError(f"{name} got {len(predictions)} predictions for {len(targets)} targets")
    if not len(predictions):
        raise ValueError(f"{name} got no predictions; give it one or more")
