"""`predict`, `predict_proba`, `accuracy` and `evaluate`: using a model without training it.

A model is a function of the inputs of one example. If it has one output, that is a *logit*: above 0
it means class 1, or +1. If it has several, they are one logit per class, and the largest wins. Read
`outputs.py` next, which computes them.
"""

import operator
from itertools import count
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import no_grad, softmax
from micrograd_notes.train.dataset import Dataset
from micrograd_notes.train.default_loss import Loss, labels_of, loss_for, loss_of
from micrograd_notes.train.examples import CheckedData, Data, Inputs, checked_data, inputs_of
from micrograd_notes.train.outputs import Predictor, chosen_class, numbers_of, outputs_of
from micrograd_notes.train.table import TASKS

__all__ = ["accuracy", "evaluate", "predict", "predict_proba"]


def predict(model: Predictor, inputs: Inputs | Dataset, task: str | None = None) -> list[Any]:
    """Returns the predicted class of each example, or for a regression the predicted number.

    Args:
        model: a function of one example's inputs that returns a `Value` or a list of them. With one
            output, the class is 0 or 1.
        inputs: those of the examples, or a `Dataset`.
        task: "classification" or "regression"; by default that of the `Dataset`, or
            "classification".

    Raises:
        FloatingPointError: an output is nan.

    >>> from micrograd_notes.engine import Value
    >>> predict(lambda x: Value(x[0] - 5.0), [[4.0], [6.0]])
    [0, 1]
    >>> predict(lambda x: [Value(0.1), Value(0.7), Value(0.2)], [[4.0]])
    [1]
    >>> predict(lambda x: Value(x[0] - 5.0), [[4.0], [6.0]], task="regression")
    [-1.0, 1.0]
    """
    if task is None:
        task = inputs.task if isinstance(inputs, Dataset) else "classification"
    checks.one_of("task", task, TASKS)
    outputs = list(map(numbers_of, outputs_of(model, inputs_of(inputs, model)), count()))
    return outputs if task == "regression" else list(map(chosen_class, outputs))


def predict_proba(model: Predictor, inputs: Inputs | Dataset) -> list[list[float]]:
    """Returns the probability of each class for each example, as the model's logits give them.

    They are softmax(logits), or [1 - p, p] with p = sigmoid(logit) for one output. The model should
    have learned by cross entropy: other losses don't make logits of its outputs.

    Raises:
        ValueError: the inputs are a `Dataset` with the task "regression".
        FloatingPointError: an output is nan.

    >>> from micrograd_notes.engine import Value
    >>> predict_proba(lambda x: Value(x[0] - 5.0), [[5.0]])
    [[0.5, 0.5]]
    """
    if isinstance(inputs, Dataset) and inputs.task == "regression":
        raise ValueError("inputs must be those of classes, got a Dataset with task='regression'")
    outputs = map(numbers_of, outputs_of(model, inputs_of(inputs, model)), count())
    return [softmax([0.0, y] if isinstance(y, float) else y) for y in outputs]


def accuracy(model: Predictor, data: Data) -> float:
    """Returns the share of the examples that the model classifies correctly, from 0 to 1.

    Raises:
        ValueError: the targets are not labels that fit the model's outputs.
        FloatingPointError: an output is nan.

    >>> from micrograd_notes.engine import Value
    >>> accuracy(lambda x: Value(x[0] - 5.0), ([[4.0], [6.0], [7.0], [8.0]], [0, 1, 1, 0]))
    0.75
    """
    examples = checked_data(data, model)
    outputs = list(map(numbers_of, outputs_of(model, examples.inputs), count()))
    measured = accuracy_if_labels(outputs, examples)
    if not measured:
        raise ValueError(
            "to measure accuracy, targets in data must be labels: 0 and 1, or -1 and +1, for a "
            f"model with one output; 0 to k-1 for a model with k outputs. {checks.ONE_HOT}"
        )
    return measured["accuracy"]


def evaluate(model: Predictor, data: Data, loss: Loss | None = None) -> dict[str, float]:
    """Returns the "loss" on the data and, if the targets are labels, the "accuracy".

    >>> from micrograd_notes.engine import Value
    >>> evaluate(lambda x: Value(0.0), ([[4.0], [6.0]], [0, 0]))
    {'loss': 0.6931471805599453, 'accuracy': 1.0}
    """
    examples = checked_data(data, model)
    if loss is not None:
        checks.function("loss", loss, 2, "(outputs, targets), like mse_loss")
    return evaluated(model, examples, loss_for(model, examples) if loss is None else loss)


def evaluated(model: Predictor, examples: CheckedData, loss: Loss) -> dict[str, float]:
    with no_grad():
        outputs = outputs_of(model, examples.inputs)
        total = loss_of(loss, outputs, examples.targets)
    numbers = list(map(numbers_of, outputs, count()))
    return {"loss": total.data, **accuracy_if_labels(numbers, examples)}


def accuracy_if_labels(outputs: list[Any], examples: CheckedData) -> dict[str, float]:
    """Returns {"accuracy": the share of right outputs}, or {} if the targets are not labels."""
    if (labels := labels_of(outputs[0], examples)) is None:
        return {}
    right = sum(map(operator.eq, map(chosen_class, outputs), labels))
    return {"accuracy": right / len(labels)}
