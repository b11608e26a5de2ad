"""Training on arrays: the steps of `fit(..., lifted=True)`, on the vector of all parameters.

The model and the loss are lifted once. A step is then `next_value_and_grad` of the lifted program
and `stepped` of the optimiser, without a Python loop over parameters. The numbers are written back
to the model for each callback, and at the end.

If the loss of a batch is the mean over its examples, it is lifted for one example; `mean_loss.py`
finds out. If the program runs in C, `epoch_in_c.py` takes the steps of an epoch at once.

`loop.py` calls all of this; read `one_epoch` first, then `_step` and `_lift`.
"""

import math
import random
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import compress
from typing import Any, NamedTuple

from micrograd_notes.common.backends import asked_for
from micrograd_notes.engine import Value, no_grad
from micrograd_notes.engine.messages import described
from micrograd_notes.lifting import CannotLift, Lifted, lift
from micrograd_notes.train.arrays import Examples, as_values, count_right, data_of
from micrograd_notes.train.default_loss import Loss
from micrograd_notes.train.epoch_in_c import EpochInC, right_answer
from micrograd_notes.train.mean_loss import is_mean
from micrograd_notes.train.memories import Vectors
from micrograd_notes.train.optim import Optimizer
from micrograd_notes.train.refusals import (
    NOTHING_TO_LEARN,
    refuse_steps,
    refuse_strangers,
    refuse_to_step,
)

__all__ = ["LiftedTraining"]

SHARE = 0.01  # of the training time, to compare the program with the scalars


class State(NamedTuple):
    """The state of training, in one tuple so that all of it changes in one assignment."""

    theta: Any
    gradient: Any
    vectors: Vectors | None  # the memories of the optimiser
    written: Any  # the theta that the model has


class LiftedTraining:
    """The steps of `fit` on arrays. As a context manager, it writes back on exit.

    The arguments are those of `fit`. `is_mean` is True if the loss of a batch is the mean over its
    examples, and therefore lifted for one example.

    Raises:
        CannotLift: the model or the loss does something that cannot be recorded.
        ValueError: the loss refuses a target.
        RuntimeError: the loss does not depend on a parameter that requires a gradient.
    """

    _state: State

    def __init__(
        self,
        model: Any,
        loss: Loss,
        optimizer: Optimizer,
        batch_size: int,
        examples: Examples,
        validation: Examples | None,
        backend: str = "numpy",
    ) -> None:
        self._backend = backend
        self._model, self._loss, self._optimizer = model, loss, optimizer
        self._batch_size, self._examples, self._validation = batch_size, examples, validation
        mine = {id(parameter) for parameter in model.parameters()}
        self._more = [parameter for parameter in optimizer.params if id(parameter) not in mine]
        self._trained = _Parameters(model, self._more) if self._more else model
        self._counter = Value(0.0)  # times the right answers, so its gradient is their share
        self._counter_at: int | None = None  # its place in the vector, if it is there
        self._forward = lift(model)
        self._set_order(self._trained.parameters())
        with no_grad():
            self._has_one_output = isinstance(model(examples.inputs[0].tolist()), Value)
        self._show_targets()
        self._frozen: list[bool] = []
        self._seconds, self._cost = 0.0, 0.0  # training since the last check, and that check
        self.read()

    def __enter__(self) -> "LiftedTraining":
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.write_back()
        except BaseException:  # a second Ctrl-C, say, waits until all of it is written
            self.write_back()
            raise

    # ---- the loop ------------------------------------------------------------------------------

    def shuffle(self, order: "array[int]", generator: random.Random) -> None:
        """Shuffles the places of the examples, in C if steps run there, to the same order."""
        if not self._in_c.shuffle(order, generator):
            generator.shuffle(order)

    def one_epoch(self, order: Sequence[int]) -> dict[str, float]:
        """Takes one step per batch, and returns the mean loss and, for labels, the accuracy.

        The outputs for the accuracy need a call of the lifted model, about a third of a step.

        Raises:
            FloatingPointError: a loss, or a parameter after a step, is not finite.
        """
        import numpy as np

        places, labels = np.array(order), self._examples.labels
        losses, right = [], 0
        began = time.perf_counter()
        try:
            batch = 0
            while batch * self._batch_size < len(places):
                now = places[batch * self._batch_size : (batch + 1) * self._batch_size]
                taken = self._in_c.take(self._state.theta, places, batch)
                if taken is not None and taken.is_checked:
                    self._optimizer.vectors = taken.vectors
                    self._state = State(*taken[1:4], self._state.written)
                    losses += taken.losses
                    right, batch = right + taken.right, taken.batch
                    continue
                theta = self._state.theta
                losses.append(self._step([column[now] for column in self._columns]))
                right, batch = right + self._count_right(theta, now), batch + 1
                if taken is not None:
                    self._in_c.compare(taken, *self._state[:3], losses[-1])
        except BaseException:
            self._optimizer.vectors = self._state.vectors  # without the unfinished step
            raise
        some = places[: self._at_once]
        seconds = time.perf_counter() - began
        self._compare([column[some] for column in self._columns], seconds)
        sizes = np.full(len(losses), self._batch_size)
        sizes[-1] = len(places) - self._batch_size * (len(losses) - 1)
        mean = math.fsum((sizes * losses).tolist()) / len(places)
        return _measured(mean, right, labels)

    def _count_right(self, theta: Any, places: Any) -> int:
        """Returns the number of right answers in the batch of the last step, before the step."""
        if self._examples.labels is None:
            return 0
        if self._counter_at is not None:
            share = float(self._state.gradient[self._counter_at])
            if share <= 1.0:  # else several classes have the same output somewhere
                return round(share * len(places))
        outputs = self._outputs(theta, self._examples.inputs[places])
        return count_right(outputs, self._examples.labels[places])

    def _compare(self, data: Sequence[Any], seconds: float) -> None:
        """Compares the program with the scalars on these examples, for 1% of the time."""
        self._seconds += seconds
        if self._seconds * SHARE < self._cost:
            return
        began = time.perf_counter()
        theta = self._state.theta
        self._program.check(*data, least=1, theta=theta)
        self._cost = time.perf_counter() - began
        self._seconds = 0.0

    @property
    def backend(self) -> str:
        """The backend that runs the steps, and the reason if epochs do not run in C, too."""
        backend = self._program.backend
        if backend != "c" or not self._in_c.why_not:
            return backend
        return f"c, one call per batch: {self._in_c.why_not}"

    def evaluate(self) -> dict[str, float]:
        """Returns the loss and, for labels, the accuracy on the validation data."""
        import numpy as np

        assert self._validation is not None
        (inputs, _, plain_targets, labels), theta = self._validation, self._state.theta
        outputs = self._outputs(theta, inputs)
        if np.isnan(outputs).any():
            wrong = int(np.isnan(outputs.reshape(len(outputs), -1)).any(-1).argmax())
            raise FloatingPointError(f"the output of the model for example {wrong} is nan")
        if self.is_mean:
            # even with an unused gradient, this is far faster than a loss on scalars
            loss, _ = self._program.value_and_grad(theta, *self._columns_of(self._validation))
        else:
            with no_grad():
                loss = self._loss(as_values(outputs), plain_targets).data
        return _measured(loss, 0 if labels is None else count_right(outputs, labels), labels)

    def _step(self, data: Sequence[Any]) -> float:
        """Takes a step, and returns the loss before the step."""
        import numpy as np

        theta, before, _, written = self._state
        loss, gradient = self._program.next_value_and_grad(theta, *data)
        refuse_to_step("the loss", loss)
        if self._mine is None:
            after = self._optimizer.stepped(theta, gradient, self._has_grad)
        else:
            after = theta.copy()
            after[self._mine] = self._optimizer.stepped(
                theta[self._mine], gradient[self._mine], self._has_grad
            )
        if not np.isfinite(after).all():
            refuse_steps(self._trained, self._parameters, after.tolist())
        # Gradients of parameters that the optimiser does not have are never cleared, so add up.
        if self._adds_up is not None:
            gradient = gradient + np.where(self._adds_up, before, 0.0)
        self._state = State(after, gradient, self._optimizer.vectors, written)
        return loss

    def _outputs(self, theta: Any, inputs: Any) -> Any:
        """Returns the output of the model for each example, or a vector of its outputs."""
        theta = theta if self._of_model is None else theta[self._of_model]
        outputs = self._forward.next_outputs(theta, inputs)
        return outputs.reshape(len(outputs)) if self._has_one_output else outputs

    # ---- the model and the vector --------------------------------------------------------------

    def read(self) -> None:
        """Reads the numbers, the memories and the frozen parameters that there are now."""
        frozen = [not parameter.requires_grad for parameter in self._parameters]
        # A program contains plain numbers, and lacks gradients of what was frozen, when lifted.
        if frozen != self._frozen or self._program.look() or self._forward.look():
            if {*self._trained.parameters()} != {*self._parameters}:
                raise RuntimeError(
                    "a parameter of the model was replaced by another Value during training; set "
                    "its data instead, or call fit again, with a new optimizer"
                )
            try:
                self._lift(self._counts_answers())
            except CannotLift:
                self._lift(counts=False)  # the error is about the loss alone
            self._frozen = [not parameter.requires_grad for parameter in self._parameters]
        gradient = [] if self._adds_up is None else [p.grad for p in self._parameters]
        theta = self._program.parameters()
        self._state = State(theta, gradient, self._optimizer.vectors, theta)

    def write_back(self) -> None:
        """Writes the numbers and the gradients of the last step to the model.

        If it is interrupted, `__exit__` writes all of them.
        """
        if self._state.theta is not self._state.written:
            self._check_alone()
            self._write()
            self._state = self._state._replace(written=self._state.theta)

    def _check_alone(self) -> None:
        """Raises RuntimeError if something else has changed the parameters meanwhile."""
        theta, _, _, written = self._state
        both = zip(written.tolist(), theta.tolist(), strict=True)  # an interrupted one wrote some
        for parameter, numbers in zip(self._parameters, both, strict=True):
            if parameter.data not in numbers:
                self._state = self._state._replace(theta=written)
                raise RuntimeError(
                    f"{described(parameter)} was changed from outside while fit trained it, and "
                    "the last epochs of this training were not written to the model. Train one "
                    "after the other, or train a copy.deepcopy of the model"
                )

    def _write(self) -> None:
        theta, gradient, _, _ = self._state
        self._optimizer.zero_grad()
        mine = {id(parameter) for parameter in self._optimizer.params}
        for parameter, number, derivative, is_reached in zip(
            self._parameters, theta.tolist(), gradient.tolist(), self._reached, strict=True
        ):
            if is_reached:
                parameter.grad = derivative
                if id(parameter) in mine:
                    parameter.data = number

    # ---- lifting -------------------------------------------------------------------------------

    def _counts_answers(self) -> bool:
        """Returns whether the program counts the right answers, as C must for an accuracy."""
        may_run_in_c = asked_for(self._backend) != "numpy" and hasattr(
            self._model, "named_parameters"
        )
        return may_run_in_c and self._examples.labels is not None

    def _lift(self, counts: bool) -> None:
        """Lifts the loss, and finds the parameters that a step changes."""
        self.is_mean = is_mean(
            self._loss, self._outputs, self._parameters, self._batch_size, self._examples,
            self._validation,
        )
        counters = [self._counter] if counts and self.is_mean else []
        more = [*self._more, *counters]
        self._trained = _Parameters(self._model, more) if more else self._model
        self._program: Lifted = lift(
            self._function(*counters), self._trained, batch=self.is_mean, backend=self._backend
        )
        self._set_order(self._program.leaves())
        self._counter_at = self._parameters.index(self._counter) if counters else None
        self._columns = self._columns_of(self._examples)
        self._at_once = 1 if self.is_mean else self._batch_size
        self._lift_each_size()
        self._note_what_is_learned()
        self._in_c = self._epoch_in_c()

    def _function(self, counter: Any = None) -> Callable[..., Any]:
        """Returns the function to lift: of one example if it can be, and with its right answer."""
        model, loss = self._model, self._loss

        def loss_of_one(x: Any, y: Any) -> Any:
            return loss([model(x)], [y])

        def loss_and_answer(x: Any, y: Any, label: Any) -> Any:
            output = model(x)
            return loss([output], [y]) + counter * right_answer(output, label)

        def loss_of_all(xs: Any, ys: Any) -> Any:
            return loss([model(x) for x in xs], ys)

        of_one = loss_of_one if counter is None else loss_and_answer
        return of_one if self.is_mean else loss_of_all

    def _lift_each_size(self) -> None:
        """Lifts every batch size now, so that CannotLift is raised before the first step."""
        size = len(self._columns[0])
        for start in {0, size - size % self._batch_size} - {size}:
            batch = [column[start : start + self._batch_size] for column in self._columns]
            self._reached = self._program.reaches(*batch)
            if not self.is_mean:
                self._program.check(*batch)

    def _note_what_is_learned(self) -> None:
        """Finds the parameters that get a gradient, and compares the program with the scalars."""
        import numpy as np

        learned = np.array(self._reached)
        learned[[] if self._counter_at is None else self._counter_at] = False
        if not learned.any():
            raise RuntimeError(NOTHING_TO_LEARN)
        reached = partial(compress, self._parameters, self._reached)
        refuse_strangers(self._optimizer, self._model.parameters(), reached)
        began = time.perf_counter()
        if self.is_mean:
            self._program.check(*self._columns)
        self._cost, self._seconds = time.perf_counter() - began, 0.0
        mine = slice(None) if self._mine is None else self._mine
        self._has_grad = None if learned[mine].all() else learned[mine]
        adds_up = learned.copy()
        adds_up[mine] = False
        self._adds_up = adds_up if adds_up.any() else None

    def _epoch_in_c(self) -> EpochInC:
        """Returns what takes steps in C; it takes none if the program does not run in C."""
        epoch = EpochInC(
            self._program, self._optimizer, self._columns, self._batch_size, self._mine,
            self._has_grad, self._counter_at,
        )
        if self._counter_at is None and self._examples.labels is not None:
            epoch.why_not = "the right answers are counted in Python"
        if not self.is_mean:
            epoch.why_not = "the loss is not the mean over the examples"
        if self._adds_up is not None:
            epoch.why_not = "some parameters are not the optimizer's"
        return epoch

    def _columns_of(self, examples: Examples) -> list[Any]:
        """Returns the data of the program: inputs, targets, and labels if it counts answers."""
        import numpy as np

        columns, labels = [examples.inputs, examples.targets], examples.labels
        if self._counter_at is not None:
            labels = np.zeros(len(columns[0]), int) if labels is None else labels
            columns.append(labels.astype(float) if self._has_one_output else labels)
        return columns

    def _set_order(self, parameters: list[Value]) -> None:
        """Sets the order of the vector, and finds the model's and the optimiser's places in it."""
        self._parameters = parameters
        self._of_model = self._places_of(self._forward.leaves())
        self._mine = self._places_of(self._optimizer.params)

    def _places_of(self, parameters: Sequence[Value]) -> Any:
        """Returns the places of parameters in the vector; None if they are all, in its order."""
        import numpy as np

        place_of = {id(parameter): i for i, parameter in enumerate(self._parameters)}
        places = [place_of[id(parameter)] for parameter in parameters]
        if places == list(range(len(places))):
            return None if len(places) == len(place_of) else slice(len(places))
        return np.array(places)

    def _show_targets(self) -> None:
        """Calls the loss with every target, because its checks do not run when it is lifted."""
        for examples in filter(None, (self._examples, self._validation)):
            targets = examples.plain_targets
            if examples.targets.ndim == 1:
                targets = list(dict.fromkeys(targets))
            outputs = self._outputs(data_of(self._parameters), examples.inputs[: len(targets)])
            values = as_values(outputs)
            with no_grad():
                for start in range(0, len(targets), self._batch_size):
                    batch = slice(start, start + self._batch_size)
                    self._loss(values[batch], targets[batch])



class _Parameters:
    """The parameters of a model, and after them those that only the optimiser has."""

    def __init__(self, model: Any, more: list[Value]) -> None:
        self.model, self.more = model, more

    def parameters(self) -> list[Value]:
        return [*self.model.parameters(), *self.more]

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        if hasattr(self.model, "named_parameters"):
            yield from self.model.named_parameters()
        for i, parameter in enumerate(self.more):
            yield f"more[{i}]", parameter


def _measured(loss: float, right: int, labels: Any) -> dict[str, float]:
    return {"loss": loss} if labels is None else {"loss": loss, "accuracy": right / len(labels)}
