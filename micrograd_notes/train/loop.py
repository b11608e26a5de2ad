"""`fit` trains a model; `predict`, `accuracy` and `evaluate` use it.

`fit` is the usual loop: shuffled batches, a loss, a backward pass, a step of an optimiser. Read it
first, then `_Steps`, which takes the steps; `lifted_loop.py` takes them on arrays. Callbacks are in
`recording.py` and `watching.py`.

A model is a function of the inputs of one example. If it has one output, that is a *logit*: above 0
it means class 1, or +1. If it has several, they are one logit per class, and the largest wins.
"""

import logging
import math
import operator
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import count, repeat
from typing import Any, NamedTuple, Protocol

from micrograd_notes.common import checks, notebook
from micrograd_notes.engine import (
    AnomalyError,
    Value,
    detect_anomaly,
    no_grad,
    softmax,
    topological_order,
)
from micrograd_notes.nn import MLP, Module
from micrograd_notes.nn.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    mse_loss,
)
from micrograd_notes.train.data import Dataset
from micrograd_notes.train.lifted_loop import (
    NOTHING_TO_LEARN,
    Examples,
    LiftedTraining,
    refuse_steps,
    refuse_strangers,
    refuse_to_step,
)
from micrograd_notes.train.optim import Adam, Optimizer
from micrograd_notes.train.outputs import outputs_on_arrays
from micrograd_notes.train.saved_run import RunKeeper
from micrograd_notes.train.table import TASKS

__all__ = ["History", "accuracy", "default_loss", "evaluate", "fit", "predict", "predict_proba"]

logger = logging.getLogger(__name__)

SAY_REGRESSION = "For quantities, pass loss=mse_loss or Dataset(..., task='regression')"

Inputs = Sequence[Sequence[Any]]
Data = Dataset | tuple[Inputs, Sequence[Any]]
Loss = Callable[[list[Any], list[Any]], Any]
Logs = dict[str, Any]
Callback = Callable[[int, Logs], Any]
Predictor = Callable[[Sequence[Any]], Any]


class Model(Protocol):
    """A model that can be trained: a function of the inputs of one example, with parameters."""

    def __call__(self, inputs: Sequence[Any], /) -> Any: ...

    def parameters(self) -> list[Value]:
        """Returns the leaves to train."""


@dataclass
class History:
    """The results of training: `epochs[i]` holds the numbers of epoch i by name.

    They are "loss", "accuracy" and "seconds"; with validation data also "validation_loss" and
    "validation_accuracy"; and anything that a callback added. `history["loss"]` is the list of all
    losses, with None if an epoch lacks it. Otherwise a history behaves like a list of its epochs.

    >>> history = History([{"loss": 2.0}, {"loss": 1.5}])
    >>> history["loss"], "loss" in history
    ([2.0, 1.5], True)
    >>> history[-1], len(history)
    ({'loss': 1.5}, 2)
    """

    epochs: list[Logs] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not all(isinstance(logs, dict) for logs in checks.listed("epochs", self.epochs)):
            raise TypeError(f"epochs must be a list of dicts, got {checks.shown(self.epochs)}")

    def __getitem__(self, name: str | int | slice) -> Any:
        if not isinstance(name, str):
            i = name if isinstance(name, slice) else checks.whole_number("name", name, -sys.maxsize)
            if isinstance(i, int) and not -len(self) <= i < len(self):
                raise IndexError(f"name must be the index of one of {len(self)} epochs, got {i}")
            return self.epochs[i]
        if name not in (names := self._names()):
            raise KeyError(f"no epoch has the name {name!r}; choose from: {', '.join(names)}")
        return [logs.get(name) for logs in self.epochs]

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Logs]:
        return iter(self.epochs)

    def __contains__(self, name: object) -> bool:
        return name in self._names() if isinstance(name, str) else name in self.epochs

    def _names(self) -> dict[str, None]:
        return {name: None for logs in self.epochs for name in logs}


def fit(
    model: Model,
    data: Data,
    *,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
    epochs: int = 10,
    batch_size: int = 32,
    seed: int = 0,
    validation: Data | None = None,
    callback: Callback | Sequence[Callback] | None = None,
    progress: bool = True,
    lifted: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> History:
    """Trains the model in place and returns the loss and accuracy of each epoch.

    They are measured on the outputs during the epoch, each before the step that learned from it.
    Those of the validation data are measured at the end of the epoch.

    Args:
        model: a function of one example's inputs that returns a `Value` or a list of them.
        data: a `Dataset`, or (inputs, targets): lists, arrays or data frames of finite numbers. A
            `Dataset` with the task "regression" uses `mse_loss` and does not have an accuracy.
        loss: a function of the outputs and the targets of a batch; see `default_loss`.
        optimizer: by default Adam over all parameters with lr=0.05, which suits small networks.
        epochs: the number of passes through the data.
        batch_size: the number of examples per step; the last step of an epoch may have fewer.
        seed: decides the order of the examples, a new one in each epoch. The same seed, model and
            data give the same numbers, to the last bit.
        validation: data to evaluate after each epoch. The model never learns from it.
        callback: a function, or a list of them, called after each epoch with its number, from 0,
            and its logs. Gradients are those of the last step. Anything added to the logs is kept
            in the history. To stop training, return True; else return False or None.
        progress: whether to show a progress bar, if tqdm is installed; in a file or a pipe, up to
            20 lines. Each epoch is also logged in `micrograd_notes.train.loop`, at level INFO, and
            after five or more of them the gravest finding of `diagnose`.
        lifted: whether to train on arrays, about a thousand times faster, with the same batches,
            steps and (up to rounding) numbers. When a callback is called and when training ends,
            the model has the numbers and gradients of the last step. Loss and gradient are checked
            against the scalars before the first step, and on further examples for 1% of the time.
            If a callback changes a plain number in the model or the loss, it is lifted again. A
            parameter that `pick` does not choose in a batch gets the gradient 0, as in PyTorch; on
            scalars it does not get one, and is skipped.
        checkpoint: a file to write after each epoch, which `load_run` reads. With a `Dataset`, it
            has the encoder of the data, too. The model must be an MLP.
        resume: whether to continue the run in `checkpoint` until `epochs` are done. If data, seed
            and other arguments are the same, 3 epochs and then 3 have the same bits as 6.

    Raises:
        ValueError: inputs and targets do not fit each other or the model; a count is below 1; a
            number is not finite; a weight could not learn (see `Module`); the optimiser belongs to
            another model; or the run to resume had other arguments.
        TypeError: an example holds something other than numbers, the model does not return
            `Value`s, or another argument or a callback's result has the wrong type.
        FloatingPointError: the loss, a gradient or a parameter after a step is not finite. Model
            and optimiser stay as they were before that step.
        CannotLift: with `lifted`, the model or the loss can't be lifted, or differs from the
            scalars. The message names the line. Before the first step, nothing has changed.
        ImportError: with `lifted`, NumPy is not installed.

    >>> from micrograd_notes.train.data import xor
    >>> from micrograd_notes.nn import MLP
    >>> model = MLP(2, [8, 1], activation="tanh", seed=0)
    >>> history = fit(model, xor(), progress=False)
    >>> len(history), accuracy(model, xor(seed=1))
    (10, 1.0)
    """
    epochs = checks.whole_number("epochs", epochs)
    batch_size = checks.whole_number("batch_size", batch_size)
    seed = checks.seed(seed)
    if not hasattr(model, "parameters"):
        raise TypeError(f"model must have parameters(), like a Module, got {checks.shown(model)}")
    if loss is not None:
        checks.function("loss", loss, 2, "(outputs, targets), like mse_loss")
    callbacks = _callbacks(callback)
    progress, lifted = checks.flag("progress", progress), checks.flag("lifted", lifted)
    if not isinstance(optimizer, Optimizer | None):
        raise TypeError(
            "optimizer must be one like Adam(model.parameters(), lr=0.01), got "
            f"{checks.shown(optimizer)}"
        )
    examples = _checked(data, model)
    held_out = None if validation is None else _checked(validation, model, "validation")
    if held_out is not None:
        held_out = held_out._replace(task=held_out.task or examples.task)
    loss = _default_loss(model, examples) if loss is None else loss
    optimizer = Adam(model.parameters(), lr=0.05) if optimizer is None else optimizer
    history = History()
    keeper = None
    if checks.flag("resume", resume) and checkpoint is None:
        raise ValueError("resume needs a checkpoint=, the file to continue")
    if checkpoint is not None:
        keeper = RunKeeper(
            checkpoint, model, optimizer, getattr(data, "encoder", None), [examples, held_out],
            lifted=lifted, seed=seed, batch_size=batch_size, loss=loss,
        )
        history.epochs += keeper.resumed(epochs) if resume else []
    order = list(range(len(examples.inputs)))
    generator = random.Random(seed)
    for _ in history.epochs:  # the shuffles of the epochs that are done
        generator.shuffle(order)
    on_scalars = _Steps(model, examples, loss, optimizer, batch_size, held_out)
    steps = _lifted(on_scalars) if lifted else on_scalars
    with _progress_bar(epochs, len(history)) if progress else nullcontext() as bar, steps:
        for epoch in range(len(history), epochs):
            start = time.perf_counter()
            generator.shuffle(order)
            logs: Logs = {**steps.one_epoch(order)}
            if validation is not None:
                for name, measured in steps.evaluate().items():
                    logs[f"validation_{name}"] = measured
            logs["seconds"] = time.perf_counter() - start
            history.epochs.append(logs)
            logger.info("epoch %d of %d: %s", epoch + 1, epochs, _spelled(logs))
            if bar is not None:
                bar.set_postfix_str(_spelled(logs), refresh=False)
                bar.update()
                done = epoch + 1
                if bar.disable and (done % math.ceil(epochs / 20) == 0 or done == epochs):
                    print(f"epoch {done} of {epochs}: {_spelled(logs)}", file=sys.stderr)
            if callbacks or keeper is not None:
                steps.write_back()
                answers = [_is_true(each, each(epoch, logs)) for each in callbacks]
                if keeper is not None:
                    keeper.save(history.epochs)
                if any(answers):
                    break
                steps.read()
    is_told = logger.isEnabledFor(logging.INFO) and len(history) > 4  # too early before
    if is_told and isinstance(model, Module):
        from micrograd_notes.train.diagnosis import diagnose  # it imports this file

        try:
            for finding in diagnose(model, data, history, loss=loss)[:1]:
                logger.info("diagnosis: %s", finding)
        except Exception as error:  # a model that trains, but that a diagnosis can't follow
            logger.info("no diagnosis, because it raised %r", error)
    return history


@dataclass
class _Steps:
    """The steps of `fit` on scalars; `LiftedTraining` takes them on arrays."""

    model: Model
    data: "_Examples"
    loss: Loss
    optimizer: Optimizer
    batch_size: int
    validation: "_Examples | None"

    def one_epoch(self, order: Sequence[int]) -> dict[str, float]:
        """Takes one step per batch, and returns the mean loss and the accuracy of all guesses."""
        losses: list[float] = []
        guesses: list[Any] = []
        mine = self.model.parameters()
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            outputs, batch_loss = self._guess(batch)
            if not start:
                if not batch_loss.requires_grad:
                    raise RuntimeError(NOTHING_TO_LEARN)
                refuse_strangers(self.optimizer, mine, partial(topological_order, batch_loss))
            self._step(batch_loss, batch, mine)
            losses.append(batch_loss.data * len(batch))
            guesses += map(_numbers, outputs, batch)
        data = self.data._replace(targets=[self.data.targets[i] for i in order])
        return {"loss": math.fsum(losses) / len(order), **_accuracy_if_labels(guesses, data)}

    def _guess(self, batch: Sequence[int]) -> tuple[list[Any], Value]:
        outputs = [_output(self.model, self.data.inputs[i], i) for i in batch]
        return outputs, _loss_of(self.loss, outputs, [self.data.targets[i] for i in batch])

    def _step(self, loss: Value, batch: Sequence[int], mine: list[Value]) -> None:
        """Takes a step. If it raises, model and optimiser stay as they were before."""
        optimizer, trained = self.optimizer, self.optimizer.params
        numbers, gradients = [p._data for p in trained], [p._grad for p in (*mine, *trained)]
        memories = list(map(dict.copy, optimizer.memories))
        try:
            refuse_to_step("the loss", loss.data)
            optimizer.zero_grad()
            loss.backward()
            refuse_steps(self.model, trained, [p._grad or 0.0 for p in trained], "the gradient of ")
            optimizer.step()
            refuse_steps(self.model, trained, [p._data for p in trained])
        except BaseException as error:
            for parameter, number in zip(trained, numbers, strict=True):
                parameter.data = number
            optimizer.memories = memories
            why = self._origin(batch) if type(error) is FloatingPointError else ""
            for parameter, gradient in zip((*mine, *trained), gradients, strict=True):
                parameter.grad = gradient
            if why:
                raise FloatingPointError(f"{error}\n  {why}") from None
            raise

    def _origin(self, batch: Sequence[int]) -> str:
        """Returns a text about the first number in a batch that is not finite, and its line."""
        try:
            with detect_anomaly():
                self._guess(batch)[1].backward()
        except Exception as error:  # the second time it may fail in another way
            return str(error) if isinstance(error, AnomalyError) else ""
        return ""

    def evaluate(self) -> dict[str, float]:
        """Returns the loss and the accuracy on the validation data."""
        assert self.validation is not None
        return _evaluated(self.model, self.validation, self.loss)

    def __enter__(self) -> None:
        """Does nothing, like the methods below: on scalars the model is always up to date."""

    def __exit__(self, *error: object) -> None: ...

    def write_back(self) -> None: ...

    def read(self) -> None: ...


def _lifted(steps: _Steps) -> LiftedTraining:
    """Returns the same steps on arrays."""

    def arrays(data: _Examples) -> Examples:
        [output] = _outputs(steps.model, data.inputs[:1])
        labels = _labels(_numbers(output, 0), data)
        # Classes may be written 0.0, 1.0, 2.0, but an array of indices needs whole numbers.
        targets = labels if labels and not isinstance(output, Value) else data.targets
        return Examples.of(list(zip(data.inputs, targets, strict=True)), labels)

    return LiftedTraining(
        steps.model, steps.loss, steps.optimizer, steps.batch_size, arrays(steps.data),
        None if steps.validation is None else arrays(steps.validation),
    )


# ---- using a model -------------------------------------------------------------------------------


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
    outputs = list(map(_numbers, _outputs(model, _inputs_of(inputs, model)), count()))
    return outputs if task == "regression" else list(map(_chosen_class, outputs))


def predict_proba(model: Predictor, inputs: Inputs | Dataset) -> list[list[float]]:
    """Returns the probability of each class for each example, as the model's logits give them.

    They are softmax(logits), or [1 - p, p] with p = sigmoid(logit) for one output. The model should
    have learned by cross entropy: other losses don't make logits of its outputs.

    Raises:
        ValueError: the inputs are a `Dataset` with the task "regression".
        FloatingPointError: an output is nan.

    >>> predict_proba(lambda x: Value(x[0] - 5.0), [[5.0]])
    [[0.5, 0.5]]
    """
    if isinstance(inputs, Dataset) and inputs.task == "regression":
        raise ValueError("inputs must be those of classes, got a Dataset with task='regression'")
    outputs = map(_numbers, _outputs(model, _inputs_of(inputs, model)), count())
    return [softmax([0.0, y] if isinstance(y, float) else y) for y in outputs]


def accuracy(model: Predictor, data: Data) -> float:
    """Returns the share of the examples that the model classifies correctly, from 0 to 1.

    Raises:
        ValueError: the targets are not labels that fit the model's outputs.
        FloatingPointError: an output is nan.

    >>> accuracy(lambda x: Value(x[0] - 5.0), ([[4.0], [6.0], [7.0], [8.0]], [0, 1, 1, 0]))
    0.75
    """
    examples = _checked(data, model)
    outputs = list(map(_numbers, _outputs(model, examples.inputs), count()))
    measured = _accuracy_if_labels(outputs, examples)
    if not measured:
        raise ValueError(
            "to measure accuracy, targets in data must be labels: 0 and 1, or -1 and +1, for a "
            f"model with one output; 0 to k-1 for a model with k outputs. {checks.ONE_HOT}"
        )
    return measured["accuracy"]


def evaluate(model: Predictor, data: Data, loss: Loss | None = None) -> dict[str, float]:
    """Returns the "loss" on the data and, if the targets are labels, the "accuracy".

    >>> evaluate(lambda x: Value(0.0), ([[4.0], [6.0]], [0, 0]))
    {'loss': 0.6931471805599453, 'accuracy': 1.0}
    """
    examples = _checked(data, model)
    if loss is not None:
        checks.function("loss", loss, 2, "(outputs, targets), like mse_loss")
    return _evaluated(model, examples, _default_loss(model, examples) if loss is None else loss)


def _evaluated(model: Predictor, examples: "_Examples", loss: Loss) -> dict[str, float]:
    with no_grad():
        outputs = _outputs(model, examples.inputs)
        total = _loss_of(loss, outputs, examples.targets)
    numbers = list(map(_numbers, outputs, count()))
    return {"loss": total.data, **_accuracy_if_labels(numbers, examples)}


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
    return _default_loss(model, _checked(data, model))


def _default_loss(model: Predictor, examples: "_Examples") -> Loss:
    targets = examples.targets
    if examples.task == "regression":
        return mse_loss
    [output] = _outputs(model, examples.inputs[:1])
    if isinstance(output, Value):
        if examples.classes > 2:
            raise ValueError(
                f"the data has {examples.classes} classes, but a model with one output can "
                f"only distinguish two; give its last layer {examples.classes} outputs"
            )
        if _are_among(targets, (0, 1)):
            return binary_cross_entropy_with_logits
        if _are_among(targets, (-1, 1)):
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
    return cross_entropy if _are_among(targets, labels) else mse_loss


def _loss_of(loss: Loss, outputs: list[Any], targets: list[Any]) -> Value:
    """Returns the loss of a batch; TypeError if it is not a `Value`."""
    total = loss(outputs, targets)
    if isinstance(total, Value):
        return total
    raise TypeError(
        f"loss must return one Value, computed from the model's outputs, got {checks.shown(total)}"
    )


def _outputs(model: Predictor, inputs: Inputs) -> list[Any]:
    """Returns the model's outputs for each example, without recording a graph."""
    with no_grad():
        if (numbers := outputs_on_arrays(model, inputs)) is not None:
            return [[*map(Value, y)] if isinstance(y, list) else Value(y) for y in numbers]
        return list(map(_output, repeat(model), inputs, count()))


def _output(model: Predictor, inputs: Any, place: int) -> Any:
    """Returns the output for the example at that place; TypeError if it is not made of `Value`s."""
    output = model(inputs)
    values = [output] if isinstance(output, Value) else checks.plain(output)
    if not isinstance(values, list | tuple) or not all(isinstance(v, Value) for v in values):
        raise TypeError(
            f"model must return a Value, or a list of Values, got {checks.shown(output)} for "
            f"example {place}"
        )
    return output


def _numbers(output: Any, place: int) -> Any:
    """Returns the output for the example at that place as a number, or as a list of numbers."""
    numbers = [value.data for value in ([output] if isinstance(output, Value) else output)]
    if any(map(math.isnan, numbers)):
        raise FloatingPointError(
            f"the output of the model for example {place} is nan, which is not a class"
        )
    return numbers[0] if isinstance(output, Value) else numbers


def _chosen_class(output: Any) -> int:
    """Returns the class that is chosen by a logit, or by a list with one logit per class."""
    if isinstance(output, float):
        return int(output > 0)
    return max(range(len(output)), key=output.__getitem__)


def _accuracy_if_labels(outputs: list[Any], examples: "_Examples") -> dict[str, float]:
    """Returns {"accuracy": the share of right outputs}, or {} if the targets are not labels."""
    if (labels := _labels(outputs[0], examples)) is None:
        return {}
    right = sum(map(operator.eq, map(_chosen_class, outputs), labels))
    return {"accuracy": right / len(labels)}


def _labels(output: Any, examples: "_Examples") -> list[int] | None:
    """Returns the class of each target, or None if targets are not labels for such an output."""
    spellings = [(0, 1), (-1, 1)] if isinstance(output, float) else [range(len(output))]
    targets = examples.targets
    if examples.task == "regression" or not any(_are_among(targets, each) for each in spellings):
        return None
    return [int(max(target, 0)) for target in targets]  # -1 and 0 mean the same class


def _are_among(targets: list[Any], labels: Sequence[int]) -> bool:
    return all(not hasattr(target, "__len__") and target in labels for target in targets)


# ---- arguments and reports -----------------------------------------------------------------------


class _Examples(NamedTuple):
    """Data that has been checked, which is done only once."""

    inputs: list[Any]
    targets: list[Any]
    task: str | None = None  # None if the data does not say
    classes: int = 0


def examples_of(data: Data, model: Any = ...) -> list[tuple[Any, Any]]:
    """Returns the checked data as a list of (inputs, target)."""
    examples = _checked(data, model)
    return list(zip(examples.inputs, examples.targets, strict=True))


def _checked(data: Any, model: Any = ..., name: str = "data") -> _Examples:
    """Returns the data as lists of finite numbers; else TypeError or ValueError."""
    of = "" if name == "data" else f" of {name}"
    if isinstance(data, Dataset):
        inputs, targets = data, data.targets
        said: tuple[Any, ...] = (data.task, len(data.class_names))
    else:
        is_pair = isinstance(data, tuple | list) and len(data) == 2
        if not is_pair or (isinstance(data, list) and all(map(_is_example, data))):
            kind = "a list of examples" if isinstance(data, list) else checks.shown(data)
            raise TypeError(
                f"{name} must be a Dataset or (inputs, targets), got {kind}. If you have pairs, "
                "pass ([x for x, _ in pairs], [y for _, y in pairs])"
            )
        (inputs, targets), said = data, ()
    examples = _Examples(
        _inputs_of(inputs, model, f"inputs{of}"), checks.examples(f"targets{of}", targets), *said
    )
    if len(examples.inputs) != len(examples.targets):
        raise ValueError(
            f"{name} must have one target per example, got {len(examples.inputs)} inputs and "
            f"{len(examples.targets)} targets"
        )
    if not examples.inputs:
        raise ValueError(f"{name} must hold one or more examples, got none")
    return examples


def _is_example(part: Any) -> bool:
    """Returns whether it is a pair of a list and a number."""
    is_pair = isinstance(part, tuple | list) and len(part) == 2
    return is_pair and isinstance(part[0], tuple | list) and not hasattr(part[1], "__len__")


def _inputs_of(given: Any, model: Any, what: str = "inputs") -> list[Any]:
    """Returns inputs as lists of finite numbers, whose lengths the model accepts."""
    columns: tuple[str, ...] = ()
    if isinstance(given, Dataset):
        given, columns = given.inputs, given.feature_names
    inputs = checks.examples(what, given, columns)
    if model is not ...:
        checks.function("model", model, 1, "(inputs), like an MLP")
    takes = model.sizes[0] if isinstance(model, MLP) else None
    for place, row in enumerate(inputs) if takes else ():
        if hasattr(row, "__len__") and len(row) != takes:
            raise ValueError(
                f"example {place} of the {what} has {len(row)} numbers, but the model takes "
                f"{takes}. Make it MLP({len(row)}, ...)"
            )
    places = {len(row) if hasattr(row, "__len__") else -1: i for i, row in enumerate(inputs)}
    for length, place in places.items() if len(places) > 1 and model is not ... else ():
        try:
            _outputs(model, [inputs[place]])
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"example {place} of the {what} has {length} numbers, other examples have a "
                f"different length: {error}"
            ) from None
    return inputs


def _callbacks(callback: Callback | Sequence[Callback] | None) -> list[Callback]:
    """Returns the callbacks as a list; TypeError if one of them is not a function."""
    if callback is None:
        return []
    callbacks: list[Any] = list(callback) if isinstance(callback, list | tuple) else [callback]
    for each in callbacks:
        checks.function("callback", each, 2, "(epoch, logs), or a list of them")
    return callbacks


def _is_true(callback: Callback, answer: Any) -> bool:
    """Returns a callback's answer; TypeError if it is not True, False or None."""
    if answer is None or type(answer).__name__ in ("bool", "bool_"):  # NumPy's are not Python's
        return bool(answer)
    raise TypeError(
        f"the callback {getattr(callback, '__qualname__', repr(callback))} returned {answer!r}. "
        "Return True to stop training, False or None to continue"
    )


def _spelled(logs: Logs) -> str:
    """Returns the numbers of an epoch as one line."""
    return ", ".join(
        f"{name.replace('_', ' ')} {number:.4g}"
        for name, number in logs.items()
        if isinstance(number, float)
    )


def _progress_bar(epochs: int, done: int = 0) -> Any:
    """Returns a tqdm bar, or a context of None if tqdm is not installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return nullcontext()
    # tqdm shows a bar in a terminal, but does not detect a notebook.
    is_off = None if notebook.shell() is None else False
    return tqdm(total=epochs, initial=done, unit="epoch", disable=is_off)
