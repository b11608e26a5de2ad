"""A watcher of training: it warns of the faults that raise no error and only learn badly.

A `Watcher` is a callback for `fit`, and serves a loop of one's own as well. It knows three faults:
gradients that are never zeroed, units that are dead, and units that are saturated. It asks the
model about the data, and changes nothing of the training.
"""

import math
import warnings
from collections.abc import Iterable
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import Value, topological_order
from micrograd_notes.engine.anomaly import line_outside_the_package
from micrograd_notes.engine.backward import tell_of_sweeps
from micrograd_notes.engine.messages import completed
from micrograd_notes.engine.op import Op
from micrograd_notes.nn import Module, Neuron
from micrograd_notes.train.loop import Data, examples_of

__all__ = ["TrainingWarning", "Watcher"]

SATURATED = 0.01
"""A slope below this part of the steepest: a hundred epochs move such a unit as far as one should.

tanh gets there at 3.0, sigmoid at 6.0.
"""

EXCEPTIONS = 0.01
"""The part of the examples that may find a saturated unit elsewhere.

A unit that has learnt a sharp step is flat for most examples, and does its work for those at the
edge. There are more of them than one in a hundred.
"""


class TrainingWarning(UserWarning):
    """Something that keeps a model from learning, though nothing fails."""


class Watcher:
    """A callback for `fit` that warns of gradients never zeroed, and of units that cannot learn.

    Args:
        model: the model that is trained, a `Module`.
        data: what it is trained on, as `fit` takes it.

    Each of these is a `TrainingWarning`, given once:

    - **Never zeroed.** `backward` adds to the gradient of a parameter what it computed for the
      parameter's present number, while the gradient was computed for an earlier one. That is seen
      in the sweep itself, so it needs no call: have a `Watcher` while your own loop runs. Adding up
      the gradients of several batches before a step is no fault and gives no warning.
    - **Never moved.** A parameter that requires a gradient has the same number as an epoch before.
      One whose gradient is 0, as where an input is 0 in all examples, gives no warning.
    - **Dead.** The slope of a unit's activation is exactly 0 for every example, as for a relu that
      is never above 0: no gradient reaches its weights, and it stays as it is.
    - **Saturated.** The slope is below 1/100 of the activation's steepest, for all but 1 in 100
      examples, as for a tanh of 3 and more: it learns a hundred times slower than it should.

    Units are the neurons that the model uses, wherever it holds them. Units whose activation is not
    one row of the table are not judged. After each epoch the examples are gone through until every
    unit has shown that it is well, which most do in the first few.

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
        # for each parameter the moment of its number that its gradient belongs to
        self._moments: dict[Value, int] = {}
        self._told: set[str] = set()
        self._numbers = {leaf: leaf.data for leaf in self._names}  # at the end of the last epoch
        self._epoch: int | None = None
        tell_of_sweeps(self)

    def __call__(self, epoch: int | None = None, logs: Any = None) -> None:
        """Looks at all units, and warns of those that cannot learn. It is what `fit` calls."""
        self._warn_of(
            self._unmoved(epoch),
            "not moved in this epoch, though trainable: no optimizer has it, or the loss does not "
            "depend on it; set requires_grad=False to freeze it",
        )
        dead, saturated = self._judged()
        count = len(self.inputs)
        self._warn_of(
            dead,
            f"dead, with slope 0 for every one of the {count} examples, so that no gradient "
            "reaches the weights; try a smaller learning rate, another seed, or leaky_relu",
        )
        self._warn_of(
            saturated,
            "saturated, with a slope below 1/100 of the steepest for nearly all of the "
            f"{count} examples; try smaller inputs, smaller weights, or a smaller learning rate",
        )

    def dead_units(self) -> list[str]:
        """Returns the units whose slope is 0 for every example."""
        return self._judged()[0]

    def saturated_units(self) -> list[str]:
        """Returns the units whose slope is nearly 0 for nearly every example; no dead ones."""
        return self._judged()[1]

    # ---- parameters that never move --------------------------------------------------------------

    def _unmoved(self, epoch: int | None) -> list[str]:
        """Returns the parameters that stayed where they were in an epoch, and ought not."""
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
        """Sees which gradients a sweep has added to. The engine calls it: see `tell_of_sweeps`."""
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
                "call zero_grad(), of the model or of the optimizer, before each backward()"
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
        lively: dict[str, int] = {}  # for how many examples a unit has a slope to learn with
        sloping: dict[str, bool] = {}  # whether it has any slope at all, for some example
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
        """Returns each unit with its slope for the example, as a part of the steepest."""
        answer = self.model(example)
        roots = answer if isinstance(answer, list | tuple) else [answer]
        outputs = {node: None for root in roots for node in topological_order(root)}
        slopes = []
        for node in outputs:
            neuron, op = node.origin, node.op  # a neuron leaves itself as `origin` of its output
            if isinstance(op, Op) and isinstance(neuron, Neuron) and op is neuron.activation:
                unit = self._names.get(neuron.w[0], "").rpartition(".")[0] or repr(neuron)
                slopes.append((unit, _slope(op, node.data, node.operands)))
        return slopes


def _slope(op: Op, result: float, operands: Iterable[Any]) -> float:
    """Returns the size of the local partial, as a part of the steepest that the row has."""
    steepest = _steepest(op)
    [partial] = op.local_partials([0], result, [x.data for x in operands])
    return abs(partial) / steepest if steepest else 0.0


def _steepest(op: Op) -> float:
    """Returns the size of the row's slope at -1, 0 or 1, where it is largest.

    That is where activations bend: the steepest of tanh and sigmoid is at 0, of relu right of it.
    """
    sizes = [0.0]
    for x in (-1.0, 0.0, 1.0):
        operands = completed(op, (x,))
        try:
            [partial] = op.local_partials([0], op.forward(*operands), operands)
        except (ArithmeticError, ValueError):  # the row is not defined there
            continue
        sizes.append(abs(partial))
    return max(filter(math.isfinite, sizes))


def _listed(names: list[str]) -> str:
    """Returns the names, the first five of them if there are more."""
    more = f", and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _warn(message: str) -> None:
    """Warns at the line outside the package that led here."""
    file, line = line_outside_the_package() or (__file__, 1)
    warnings.warn_explicit(message, TrainingWarning, file, line)
