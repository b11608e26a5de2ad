"""`Recorder`: a callback for `fit` that stores all parameters and gradients after each epoch.

It adds a `Snapshot` to the history. A snapshot can be turned back into a model, so outputs,
activations and decision boundaries are computed later, when a picture needs them, and not during
training. The training page and the plots in `draw` read snapshots; read them next.
"""

import copy
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import Value, no_grad, topological_order
from micrograd_notes.engine.op import Op
from micrograd_notes.nn import MLP, Module, Neuron
from micrograd_notes.train.dataset import Dataset
from micrograd_notes.train.examples import Data, examples_of
from micrograd_notes.train.history import History
from micrograd_notes.train.plain import is_plain

__all__ = ["KINDS", "Recorder", "Snapshot", "snapshots_of"]

KINDS = ("weights", "gradients", "activations")
"""The kinds of numbers that a snapshot returns, layer by layer."""

EARLY = (0, 1, 2, 4, 7, 12, 20, 33, 54, 88)
"""Epochs 1, 2, 3, 5, 8 and so on, counted from 0, in which a model changes most."""

EXAMPLES = 64  # the number of examples for activations

Numbers = list[float]


class Recorder:
    """A callback for `fit` that stores the parameters and gradients after each epoch.

    It does not change the training: it only reads numbers.

    Args:
        model: the model that is trained, an MLP or your own `Module`.
        data: the training data, as for `fit`; pictures show it.
        every: 1 stores each epoch, 10 each tenth one, from the first one on, and with them epochs
            2, 3, 5, 8 and 13, while they are less than twice as many.
        held_out: data that the model does not learn from; pictures show its points, too.

    >>> from micrograd_notes.train.data import xor
    >>> from micrograd_notes.train.loop import fit
    >>> model = MLP(2, [4, 1], activation="tanh", seed=0)
    >>> history = fit(model, xor(), epochs=3, callback=Recorder(model, xor()), progress=False)
    >>> history["snapshot"][-1].model().state_dict() == model.state_dict()
    True
    """

    def __init__(
        self, model: Module, data: Data, every: int = 1, held_out: Data | None = None
    ) -> None:
        checks.module(model)
        self.model = model
        self.data = _checked(data, model)
        self.every = checks.whole_number("every", every)
        self.held_out = None if held_out is None else _checked(held_out, model)
        self._parameters: list[Value] = model.parameters()

    def __call__(self, epoch: int, logs: dict[str, Any]) -> None:
        """Adds a `Snapshot` to the logs of each epoch that is stored."""
        if epoch % self.every == 0 or (epoch in EARLY and epoch < 2 * self.every):
            logs["snapshot"] = Snapshot(
                model_was=self.model,
                data=self.data,
                parameters=array("d", (p.data for p in self._parameters)),
                gradients=array("d", (p.grad for p in self._parameters if p.has_grad)),
                has_gradient=bytes(p.has_grad for p in self._parameters),
                held_out=self.held_out,
            )


def _checked(data: Data, model: Module) -> Data:
    inputs, targets = zip(*examples_of(data, model), strict=True)
    return data if isinstance(data, Dataset) else (inputs, targets)


@dataclass(frozen=True)
class Snapshot:
    """The parameters of a model at the end of an epoch, and the gradients of its last step."""

    model_was: Any = field(repr=False)
    """The model that was trained, which may have changed since."""
    data: Any = field(repr=False)
    parameters: "array[float]" = field(repr=False)
    gradients: "array[float]" = field(repr=False)
    """Those of the parameters that have one."""
    has_gradient: bytes = field(repr=False)
    held_out: Any = field(default=None, repr=False)
    """Data that the model did not learn from, if the recorder got some."""

    def model(self) -> Any:
        """Returns a new model with the parameters of that epoch."""
        replica = copy.deepcopy(self.model_was)
        for parameter, number in zip(replica.parameters(), self.parameters, strict=True):
            parameter.data = number
        return replica

    @cached_property
    def _layer_names(self) -> list[str]:
        """The layer of each parameter."""
        names = [name for name, _ in self.model_was.named_parameters()]
        return [layer_name(name) or type(self.model_was).__name__ for name in names]

    def numbers(self, of: str) -> dict[str, Numbers]:
        """Returns the numbers of each layer, by its name.

        Args:
            of: "weights" (including biases), "gradients", or "activations": the outputs of the
                neurons for the first examples of the data, up to 64 of them.

        Raises:
            ValueError: `of` is something else.
        """
        checks.one_of("of", of, KINDS)
        if of == "activations":
            return self._activations()
        names = self._layer_names
        numbers: Sequence[float] = self.parameters
        if of == "gradients":
            pairs = zip(names, self.has_gradient, strict=True)
            names, numbers = [name for name, has in pairs if has], self.gradients
        return _grouped(zip(names, numbers, strict=True))

    def function(self) -> Callable[[Sequence[float]], Numbers]:
        """Returns the model of that epoch as a fast function from inputs to outputs, as numbers.

        Use it for pictures with many points, as in
        `plots.decision_boundary(snapshot.function(), data)`.
        """
        model = self.model()
        if is_plain(model):
            signals_of = in_plain_numbers(model)
            return lambda inputs: signals_of(inputs)[-1]

        def outputs(inputs: Sequence[float]) -> Numbers:
            with no_grad():
                answer = model(inputs)
            return [y.data for y in (answer if isinstance(answer, list | tuple) else [answer])]

        return outputs

    def _activations(self) -> dict[str, Numbers]:
        model = self.model()
        inputs = inputs_of(self.data)
        if is_plain(model):
            signals_of = in_plain_numbers(model)
            return _grouped(
                (f"layers[{i}]", number)
                for example in inputs[:EXAMPLES]
                for i, signals in enumerate(signals_of(example))
                for number in signals
            )
        return _grouped(pair for x in inputs[:EXAMPLES] for pair in neuron_outputs(model, x))


def snapshots_of(history: History) -> list[tuple[int, Snapshot]]:
    """Returns the snapshots in the history, each with the number of its epoch, from 0.

    >>> snapshots_of(History([{"loss": 1.0}]))
    []
    """
    checks.instance("history", history, History, "what fit returns")
    return [(i, logs["snapshot"]) for i, logs in enumerate(history.epochs) if "snapshot" in logs]


def inputs_of(data: Any) -> Sequence[Sequence[Any]]:
    """Returns the inputs of all examples, from a `Dataset` or from (inputs, targets)."""
    inputs: Sequence[Sequence[Any]] = data.inputs if isinstance(data, Dataset) else data[0]
    return inputs


def layer_name(parameter: str) -> str:
    """Returns the name of the layer, from the name of one of its parameters.

    >>> layer_name("layers[0].neurons[3].w[1]"), layer_name("head.w"), layer_name("slope")
    ('layers[0]', 'head', '')
    """
    owner = parameter.rpartition(".")[0]
    before, _, last = owner.rpartition(".")
    return before if last.startswith("neurons[") else owner


def _grouped(pairs: Any) -> dict[str, Numbers]:
    groups: dict[str, Numbers] = {}
    for name, number in pairs:
        groups.setdefault(name, []).append(number)
    return groups


# ---- the outputs of neurons ----------------------------------------------------------------------


def neuron_outputs(model: Any, example: Sequence[Any]) -> list[tuple[str, float]]:
    """Returns the output of every neuron that the model uses, with the name of its layer.

    It works for any `Module`, because a neuron is stored as the `origin` of its output.
    """
    owners = {parameter: layer_name(name) for name, parameter in model.named_parameters()}
    answer = model(example)
    roots = answer if isinstance(answer, list | tuple) else [answer]
    values = {value: None for root in roots for value in topological_order(root)}
    return [
        (owners.get(value.origin.w[0], "") or type(model).__name__, value.data)
        for value in values
        if isinstance(value.origin, Neuron) and value.operands
    ]


def in_plain_numbers(model: MLP) -> Callable[[Sequence[Any]], list[Numbers]]:
    """Returns a function from an example to the outputs of each layer, without `Value`s.

    It adds in the same order as the model, so its numbers are the same to the last bit. It is about
    ten times as fast, and a picture of the plane calls it a thousand times.

    >>> model = MLP(2, [3, 1], activation="tanh", seed=0)
    >>> in_plain_numbers(model)([1.0, -2.0])[-1] == [model([1.0, -2.0]).data]
    True
    """
    layers = [
        [([w.data for w in n.w], n.b.data, _on_numbers(n.activation)) for n in layer.neurons]
        for layer in model.layers
    ]

    def signals_of(example: Sequence[Any]) -> list[Numbers]:
        signals = [x.data if isinstance(x, Value) else float(x) for x in example]
        answers = []
        for neurons in layers:
            answer = []
            for weights, total, activation in neurons:
                for weight, signal in zip(weights, signals, strict=True):
                    total += weight * signal
                answer.append(activation(total))
            answers.append(answer)
            signals = answer
        return answers

    return signals_of


def _on_numbers(activation: Callable[[Any], Any] | None) -> Callable[[float], float]:
    if activation is None:
        return float
    if isinstance(activation, Op):
        return activation
    return no_grad()(lambda total: activation(Value(total)).data)
