"""`fit` trains a model.

`fit` is the usual loop: shuffled batches, a loss, a backward pass, a step of an optimiser. Read it
first, then `_Steps`, which takes the steps; `lifted_loop.py` takes them on arrays. Callbacks are in
`recording.py` and `watching.py`, and `evaluation.py` uses the trained model.
"""

import logging
import math
import os
import random
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from micrograd_notes.common import checks, notebook
from micrograd_notes.common.backends import asked_for
from micrograd_notes.engine import AnomalyError, Value, detect_anomaly, topological_order
from micrograd_notes.nn import Module
from micrograd_notes.train.default_loss import Loss, default_loss, labels_of, loss_for, loss_of
from micrograd_notes.train.diagnosis import CAUSES, diagnose
from micrograd_notes.train.evaluation import (
    accuracy,
    accuracy_if_labels,
    evaluate,
    evaluated,
    predict,
    predict_proba,
)
from micrograd_notes.train.examples import CheckedData, Data, checked_data
from micrograd_notes.train.history import History, Logs
from micrograd_notes.train.optim import Adam, Optimizer
from micrograd_notes.train.outputs import numbers_of, output_of, outputs_of
from micrograd_notes.train.refusals import (
    NOTHING_TO_LEARN,
    refuse_steps,
    refuse_strangers,
    refuse_to_step,
)
from micrograd_notes.train.saved_run import RunKeeper

__all__ = ["History", "accuracy", "default_loss", "evaluate", "fit", "predict", "predict_proba"]

if TYPE_CHECKING:
    from micrograd_notes.train.lifted_loop import LiftedTraining

logger = logging.getLogger(__name__)

Callback = Callable[[int, Logs], Any]


class Model(Protocol):
    """A model that can be trained: a function of the inputs of one example, with parameters."""

    def __call__(self, inputs: Sequence[Any], /) -> Any: ...

    def parameters(self) -> list[Value]:
        """Returns the leaves to train."""


def fit(
    model: Model, data: Data, *, loss: Loss | None = None, optimizer: Optimizer | None = None,
    epochs: int = 10, batch_size: int = 32, seed: int = 0, validation: Data | None = None,
    callback: Callback | Sequence[Callback] | None = None, progress: bool = True,
    lifted: bool = False, backend: str = "auto",
    checkpoint: str | os.PathLike[str] | None = None, resume: bool = False,
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
            at the end, or if a number is not finite, the gravest finding of `diagnose`.
        lifted: whether to train on arrays, about a thousand times faster, with the same batches,
            steps and (up to rounding) numbers. When a callback is called and when training ends,
            the model has the numbers and gradients of the last step. Loss and gradient are checked
            against the scalars before the first step, and on further examples for 1% of the time.
            If a callback changes a plain number in the model or the loss, it is lifted again. A
            parameter that `pick` does not choose in a batch gets the gradient 0, as in PyTorch; on
            scalars it does not get one, and is skipped.
        backend: with `lifted`, what runs the arrays: "c" (see `lift`), and whole epochs for the
            optimisers of the package; "numpy"; or "auto", C if there is a compiler, it takes a few
            seconds at most, and C computes what NumPy does. The log names it, and so does the
            state of a saved run. The two differ in the last bits.
        checkpoint: a file to write after each epoch, which `load_run` reads. With a `Dataset`, it
            has the encoder of the data, too. The model must be an MLP.
        resume: whether to continue the run in `checkpoint` until `epochs` are done. If data, seed,
            other arguments and what runs are the same, 3 epochs and then 3 have the same bits as 6.
            The optimiser must have the options that it had when the run began; it then gets those
            of the last epoch, which a callback may have changed.

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
    examples = checked_data(data, model)
    held_out = None if validation is None else checked_data(validation, model, "validation")
    if held_out is not None:
        held_out = held_out._replace(task=held_out.task or examples.task)
    loss = loss_for(model, examples) if loss is None else loss
    optimizer = Adam(model.parameters(), lr=0.05) if optimizer is None else optimizer
    asked_for(backend)  # or ValueError
    if backend == "c" and not lifted:
        raise ValueError('backend="c" needs lifted=True, because scalars run in Python')
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
    order = array("q", range(len(examples.inputs)))  # C reads it in its place
    generator = random.Random(seed)
    for _ in history.epochs:  # the shuffles of the epochs that are done
        generator.shuffle(order)
    on_scalars = _Steps(model, examples, loss, optimizer, batch_size, held_out)
    steps, ran = _lifted(on_scalars, backend) if lifted else on_scalars, ""
    try:
        with _progress_bar(epochs, len(history)) if progress else nullcontext() as bar, steps:
            for epoch in range(len(history), epochs):
                start = time.perf_counter()
                steps.shuffle(order, generator)
                logs: Logs = {**steps.one_epoch(order)}
                if validation is not None:
                    for name, measured in steps.evaluate().items():
                        logs[f"validation_{name}"] = measured
                logs["seconds"] = time.perf_counter() - start
                history.epochs.append(logs)
                if lifted and steps.backend != ran:
                    ran = steps.backend
                    logger.info("the steps run in %s", ran)
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
                        keeper.save(history.epochs, steps.backend)
                    if any(answers):
                        break
                    steps.read()
            steps.write_back()  # also on exit, in case this is interrupted
    except FloatingPointError:
        _log_the_gravest(model, data, history, loss)
        raise
    _log_the_gravest(model, data, history, loss)
    return history


def _log_the_gravest(model: Any, data: Data, history: History, loss: Loss) -> None:
    """Logs the gravest finding; before five epochs, only of what no training can mend."""
    if not logger.isEnabledFor(logging.INFO) or not isinstance(model, Module):
        return
    try:
        findings = diagnose(model, data, history, loss=loss)
    except Exception as error:  # a model that trains, but that a diagnosis can't follow
        logger.info("no diagnosis, because it raised %r", error)
    else:
        for finding in [f for f in findings if len(history) > 4 or f.fault in CAUSES][:1]:
            logger.info("diagnosis: %s", finding)


@dataclass
class _Steps:
    """The steps of `fit` on scalars; `LiftedTraining` takes them on arrays."""

    model: Model
    data: CheckedData
    loss: Loss
    optimizer: Optimizer
    batch_size: int
    validation: CheckedData | None

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
            guesses += map(numbers_of, outputs, batch)
        data = self.data._replace(targets=[self.data.targets[i] for i in order])
        return {"loss": math.fsum(losses) / len(order), **accuracy_if_labels(guesses, data)}

    def _guess(self, batch: Sequence[int]) -> tuple[list[Any], Value]:
        outputs = [output_of(self.model, self.data.inputs[i], i) for i in batch]
        return outputs, loss_of(self.loss, outputs, [self.data.targets[i] for i in batch])

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

    def shuffle(self, order: "array[int]", generator: random.Random) -> None:
        """Shuffles the places of the examples."""
        generator.shuffle(order)

    def evaluate(self) -> dict[str, float]:
        """Returns the loss and the accuracy on the validation data."""
        assert self.validation is not None
        return evaluated(self.model, self.validation, self.loss)

    def __enter__(self) -> None:
        """Does nothing, like the methods below: on scalars the model is always up to date."""

    def __exit__(self, *error: object) -> None: ...

    backend = "scalars"

    def write_back(self) -> None: ...

    def read(self) -> None: ...


def _lifted(steps: _Steps, backend: str) -> "LiftedTraining":
    """Returns the same steps on arrays."""
    # here, because training on scalars does without
    from micrograd_notes.train.arrays import Examples
    from micrograd_notes.train.lifted_loop import LiftedTraining

    def arrays(data: CheckedData) -> Examples:
        [output] = outputs_of(steps.model, data.inputs[:1])
        labels = labels_of(numbers_of(output, 0), data)
        # Classes may be written 0.0, 1.0, 2.0, but an array of indices needs whole numbers.
        targets = labels if labels and not isinstance(output, Value) else data.targets
        return Examples.of(list(zip(data.inputs, targets, strict=True)), labels)

    return LiftedTraining(
        steps.model, steps.loss, steps.optimizer, steps.batch_size, arrays(steps.data),
        None if steps.validation is None else arrays(steps.validation), backend,
    )


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
