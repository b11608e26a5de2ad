"""`Watcher`: a callback that warns of mistakes which do not raise an error but prevent learning.

It works with `fit` and with your own loop. It finds gradients that are never zeroed, parameters
that never move, and units that are dead or saturated, and does not change the training. Read the
docstring of `Watcher` first; the methods below it are in the same order.
"""

import math
import warnings
from collections.abc import Iterable
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.users_line import users_line
from micrograd_notes.engine import Value, topological_order
from micrograd_notes.engine.backward import tell_of_sweeps
from micrograd_notes.engine.messages import completed
from micrograd_notes.engine.op import Op
from micrograd_notes.nn import Module, Neuron
from micrograd_notes.train.examples import Data, examples_of

__all__ = ["TrainingWarning", "Watcher"]

SATURATED = 0.01
"""A unit is saturated below this share of its steepest slope: 100 epochs then do the work of one.

tanh reaches it at 3.0, sigmoid at 6.0.
"""

EXCEPTIONS = 0.01
"""A saturated unit may still have a slope for this share of the examples.

A unit that has learnt a sharp step is flat for most examples, but not for those near the step,
which are more than one in a hundred.
"""


class TrainingWarning(UserWarning):
    """A mistake that prevents a model from learning without raising an error."""


class Watcher:
    """A callback for `fit` that warns of gradients never zeroed, and of units that cannot learn.

    Args:
        model: the model that is trained, a `Module`.
        data: the training data, as for `fit`.

    It gives each of these `TrainingWarning`s once:

    - **Never zeroed.** `backward` adds a new gradient to one that was computed before a step.
      Adding up the gradients of several batches before a step is fine. This also works in your own
      loop: create a `Watcher` before it starts.
    - **Never moved.** A trainable parameter has not changed in an epoch, and its gradient is not 0.
    - **Dead.** The slope of a unit's activation is exactly 0 for every example, as for a relu that
      is never above 0. Its weights get a gradient of 0, so it never changes.
    - **Saturated.** The slope is below 1/100 of the activation's steepest for all but 1 in 100
      examples, as for a tanh beyond 3. The unit learns a hundred times slower than it should.

    Units are all neurons that the model uses, if their activation is an operation. After each epoch
    the examples are passed through the model until every unit has shown a slope; often a few
    examples are enough.

    >>> from micrograd_notes.train.data import xor
    >>> from micrograd_notes.nn import MLP
    >>> from micrograd_notes.train.loop import fit
    >>> model = MLP(2, [8, 1], activation="tanh", seed=0)
    >>> history = fit(model, xor(), callback=Watcher(model, xor()), progress=False)
    >>> model = MLP(2, [8, 1], activation="relu", seed=0)
    >>> model.layers[0].neurons[2].b.data = -100.0
    >>> Watcher(model, xor()).dead_units()
    ['layers[0].neurons[2]']

    To record at the same time: `fit(..., callback=[Recorder(model, data), Watcher(model, data)])`.
    """

    def __init__(self, model: Module, data: Data) -> None:
        checks.module(model)
        self.model: Any = model
        self.inputs = [inputs for inputs, _ in examples_of(data, model)]
        self._names: dict[Value, str] = {leaf: name for name, leaf in model.named_parameters()}
        # the version of each parameter's number for which its gradient was computed
        self._moments: dict[Value, int] = {}
        self._told: set[str] = set()
        self._numbers = {leaf: leaf.data for leaf in self._names}  # at the end of the last epoch
        self._epoch: int | None = None
        tell_of_sweeps(self)

    def __call__(self, epoch: int | None = None, logs: Any = None) -> None:
        """Warns of parameters and units that cannot learn. `fit` calls it after each epoch."""
        self._warn_of(
            self._unmoved(epoch),
            "not moved in this epoch, though trainable. The optimizer does not have it, or the "
            "loss does not depend on it. Pass it to the optimizer, or set requires_grad=False",
        )
        dead, saturated = self._judged()
        count = len(self.inputs)
        self._warn_of(
            dead,
            f"dead. The slope is 0 for each of the {count} examples, so the weights never "
            "change. Try a smaller learning rate, another seed, or leaky_relu",
        )
        self._warn_of(
            saturated,
            "saturated. The slope is below 1/100 of the steepest for nearly all of the "
            f"{count} examples. Try smaller inputs, smaller weights, or a smaller learning rate",
        )

    def dead_units(self) -> list[str]:
        """Returns the units whose slope is 0 for every example."""
        return self._judged()[0]

    def saturated_units(self) -> list[str]:
        """Returns the units whose slope is nearly 0 for nearly every example, without dead ones."""
        return self._judged()[1]

    # ---- parameters that never move --------------------------------------------------------------

    def _unmoved(self, epoch: int | None) -> list[str]:
        """Returns the parameters that should have changed in this epoch, and did not."""
        numbers = {leaf: leaf.data for leaf in self._names}
        still = [leaf for leaf, number in numbers.items() if number == self._numbers[leaf]]
        is_trained = any(leaf.has_grad for leaf in numbers) and epoch not in (None, self._epoch)
        if self._epoch is None and len(still) == len(numbers):
            is_trained = False  # there may not have been a step yet
        self._numbers, self._epoch = numbers, epoch
        ought = [leaf for leaf in still if leaf.requires_grad and leaf._grad != 0.0]
        return [self._names[leaf] for leaf in ought] if is_trained else []

    # ---- gradients that are never zeroed ---------------------------------------------------------

    def swept(self, leaves: Iterable[tuple[Any, float | None]]) -> None:
        """Checks the leaves of a backward pass. The engine calls it: see `tell_of_sweeps`."""
        mixed: set[Value] = set()
        for leaf, before in leaves:
            if leaf not in self._names:
                continue
            if before and self._moments.get(leaf, leaf._born) != leaf._born:
                mixed.add(leaf)
            self._moments[leaf] = leaf._born
        if mixed and "mixed" not in self._told:
            self._told.add("mixed")
            names = [name for leaf, name in self._names.items() if leaf in mixed]
            _warn(
                f"the gradient of {_listed(names)} was added to that of an earlier step; "
                "call model.zero_grad() or optimizer.zero_grad() before each backward()"
            )

    # ---- units that cannot learn -----------------------------------------------------------------

    def _warn_of(self, units: list[str], what: str) -> None:
        new = [unit for unit in units if unit not in self._told]
        self._told.update(new)
        if new:
            _warn(f"{_listed(new)}: {what}")

    def _judged(self) -> tuple[list[str], list[str]]:
        """Returns the dead units and the saturated ones."""
        allowed = EXCEPTIONS * len(self.inputs)
        lively: dict[str, int] = {}  # the number of examples with enough slope to learn
        sloping: dict[str, bool] = {}  # whether the slope is above 0 for some example
        for example in self.inputs:
            for unit, slope in self._slopes(example):
                lively[unit] = lively.get(unit, 0) + (slope >= SATURATED)
                sloping[unit] = sloping.get(unit, False) or slope > 0
            if all(count > allowed for count in lively.values()):
                return [], []
        dead = [unit for unit, any_slope in sloping.items() if not any_slope]
        flat = [unit for unit, count in lively.items() if count <= allowed and sloping[unit]]
        return dead, flat

    def _slopes(self, example: Any) -> list[tuple[str, float]]:
        """Returns each unit with its slope for the example, as a share of the steepest."""
        answer = self.model(example)
        roots = answer if isinstance(answer, list | tuple) else [answer]
        outputs = {node: None for root in roots for node in topological_order(root)}
        slopes = []
        for node in outputs:
            neuron, op = node.origin, node.op  # the neuron is stored as `origin` of its output
            if isinstance(op, Op) and isinstance(neuron, Neuron) and op is neuron.activation:
                unit = self._names.get(neuron.w[0], "").rpartition(".")[0] or repr(neuron)
                steepest = _steepest(op)
                [slope] = op.local_partials([0], node.data, [x.data for x in node.operands])
                slopes.append((unit, abs(slope) / steepest if steepest else 0.0))
        return slopes


def _steepest(op: Op) -> float:
    """Returns the operation's largest slope at -1, 0 and 1.

    Activations are steepest near there: tanh and sigmoid at 0, relu at 1.
    """
    sizes = [0.0]
    for x in (-1.0, 0.0, 1.0):
        operands = completed(op, (x,))
        try:
            [partial] = op.local_partials([0], op.forward(*operands), operands)
        except (ArithmeticError, ValueError):  # it is not defined there
            continue
        sizes.append(abs(partial))
    return max(filter(math.isfinite, sizes))


def _listed(names: list[str]) -> str:
    """Returns the names as a text, at most five of them."""
    more = f", and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _warn(message: str) -> None:
    """Warns at the caller's line, outside the package."""
    file, line = users_line() or (__file__, 1)
    warnings.warn_explicit(message, TrainingWarning, file, line)
