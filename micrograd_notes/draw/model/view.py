"""The view of a model: columns of neurons as plain data, and the number that are hidden.

`draw_model` calls `model_view`, which reads weights, biases and, if it gets an example, the output
of each neuron. It decides which neurons are drawn and counts the others. Read `svg.py` next, which
draws the view.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.draw.text import counted, drawable, short
from micrograd_notes.engine import Value, no_grad
from micrograd_notes.nn import MLP, Layer, Neuron


@dataclass(frozen=True)
class Unit:
    """A circle of the picture: an input, or a neuron."""

    name: str  # the expression that reaches it: `x[1]`, or `layers[0].neurons[3]`
    output: float | None = None  # its number for the example; None without one
    weights: tuple[float, ...] = ()
    bias: float | None = None  # None for an input, which has no bias
    activation: Callable[[Value], Value] | None = None  # None for an input and for a linear neuron
    kind: str = "input"  # its kind in words: "input", "tanh neuron", "linear neuron"


@dataclass(frozen=True)
class Column:
    """The units of a layer, and those of them that are drawn."""

    name: str
    units: tuple[Unit, ...]
    drawn: tuple[int, ...]  # the places of the units that are drawn; a gap replaces the others

    @property
    def hidden(self) -> int:
        """The number of units that are not drawn."""
        return len(self.units) - len(self.drawn)

    @property
    def contents(self) -> str:
        """Its contents, `16 tanh neurons`."""
        kinds = dict.fromkeys(unit.kind for unit in self.units)
        kind = kinds.popitem()[0] if len(kinds) == 1 else "neuron"
        return counted(len(self.units), kind)


@dataclass(frozen=True)
class ModelView:
    """The contents of a picture of a model; column 0 holds the inputs.

    A weight is hidden with the neurons at its ends. The counts add up: `shown_weights +
    hidden_weights == total_weights`.
    """

    title: str
    columns: tuple[Column, ...]
    image_shape: tuple[int, int] | None

    @property
    def has_sample(self) -> bool:
        """Whether the units have numbers."""
        return self.columns[0].units[0].output is not None

    @property
    def total_weights(self) -> int:
        """The number of the model's weights, without the biases."""
        return sum(len(unit.weights) for column in self.columns for unit in column.units)

    @property
    def shown_weights(self) -> int:
        """The number of weights in the picture, as a line or as a pixel."""
        shown = 0
        for position, column in enumerate(self.columns[1:], 1):
            before = self.columns[position - 1]
            whole = position == 1 and self.image_shape is not None
            shown += len(column.drawn) * len(before.units if whole else before.drawn)
        return shown

    @property
    def hidden_weights(self) -> int:
        """The number of weights that are not drawn."""
        return self.total_weights - self.shown_weights

    @property
    def strongest(self) -> float:
        """The largest finite magnitude of a weight, the unit of the lines' widths."""
        sizes = (abs(w) for column in self.columns for unit in column.units for w in unit.weights)
        return max((size for size in sizes if math.isfinite(size)), default=0.0) or 1.0

    @property
    def notes(self) -> tuple[str, ...]:
        """The lines that count what is hidden; empty if everything is drawn."""
        lines = [
            f"{column.name}: {len(column.drawn):,} of {column.contents} drawn, "
            f"{column.hidden:,} hidden."
            for column in self.columns
            if column.hidden
        ]
        if self.hidden_weights:
            lines.append(
                f"Weights: {self.shown_weights:,} of {self.total_weights:,} drawn, "
                f"{self.hidden_weights:,} hidden."
            )
        return tuple(lines)

    @property
    def description(self) -> str:
        """The model in a sentence or two, for readers who do not see the picture."""
        *before, last = (column.contents for column in self.columns)
        weights = counted(self.total_weights, "weight")
        sentences = [f"{', '.join(before)} and {last}, with {weights}."]
        if self.has_sample:
            outputs = [short(unit.output or 0.0) for unit in self.columns[-1].units]
            listed = ", ".join(outputs[:_MOST_OUTPUTS])
            more = ", …" if len(outputs) > _MOST_OUTPUTS else ""
            sentences.append(f"For this example the answer is {listed}{more}.")
        return " ".join([*sentences, *self.notes])


_MOST_OUTPUTS = 10  # in the description


def model_view(
    model: MLP | Layer | Neuron, inputs: Sequence[Any] | None = None,
    image_shape: tuple[int, int] | None = None, limit: int = 16, names: Sequence[str] | None = None
) -> ModelView:
    """Returns the view of the model; for the arguments see `draw_model`.

    >>> view = model_view(MLP(2, [3, 1], seed=0), inputs=[1.0, -2.0])
    >>> [column.contents for column in view.columns]
    ['2 inputs', '3 relu neurons', '1 linear neuron']
    >>> view.columns[0].units[1]
    Unit(name='x[1]', output=-2.0, weights=(), bias=None, activation=None, kind='input')
    """
    layers = _layers_of(model)
    width = len(layers[0][1][0].w)
    names = _names(names, inputs, width)
    inputs, image_shape = _fitting(model, width, inputs, image_shape)
    limit = checks.whole_number("limit", limit, 2)
    answers, alone = _answers(layers, inputs), isinstance(model, Neuron)
    entries = tuple(map(Unit, names, answers[0]))
    columns = [Column("inputs", entries, _drawn(width, width if image_shape else limit))]
    for (name, neurons), numbers in zip(layers, answers[1:], strict=True):
        units = tuple(
            _unit(neuron, "" if alone else f"{name}.neurons[{i}]".lstrip("."), number)
            for i, (neuron, number) in enumerate(zip(neurons, numbers, strict=True))
        )
        columns.append(Column(name or "neurons", units, _drawn(len(units), limit)))
    return ModelView(_title(model, layers), tuple(columns), image_shape)


def _layers_of(model: MLP | Layer | Neuron) -> list[tuple[str, list[Neuron]]]:
    """Returns the layers' names and neurons."""
    if isinstance(model, MLP):
        return [(f"layers[{i}]", layer.neurons) for i, layer in enumerate(model.layers)]
    if isinstance(model, Layer):
        return [("", model.neurons)]
    if isinstance(model, Neuron):
        return [("", [model])]
    raise TypeError(
        f"mlp must be an MLP, a Layer or a Neuron, got {checks.shown(model)}. For a module of your "
        "own, draw the MLP inside it, or the graph of its output: draw_dot(output, model=module)"
    )


def _title(model: Any, layers: list[tuple[str, list[Neuron]]]) -> str:
    width = len(layers[0][1][0].w)
    sizes = [len(neurons) for _, neurons in layers]
    arguments = {MLP: f"{width}, {sizes}", Layer: f"{width}, {sizes[0]}", Neuron: f"{width}"}
    kind = next(kind for kind in arguments if isinstance(model, kind))
    return f"{type(model).__name__}({arguments[kind]})"


def _names(names: Any, inputs: Any, width: int) -> list[str]:
    """Returns a name for each input: as passed, as the example's Values have it, or its place."""
    if names is None:
        known = [] if inputs is None else checks.listed("inputs", inputs)
        own = [x.name if isinstance(x, Value) else None for x in known] or [None] * width
        return [drawable(name or f"x[{i}]") for i, name in enumerate(own)]
    given = [checks.text("each of names", name) for name in checks.listed("names", names)]
    if len(given) != width:
        raise ValueError(f"names must be a list of {width} texts, one per input, got {given}")
    return list(map(drawable, given))


def _fitting(model: object, width: int, inputs: Any, image_shape: Any) -> tuple[Any, Any]:
    """Returns the example and the shape of its picture, checked, if they are given."""
    what = f"{type(model).__name__} with {width} inputs"
    if inputs is not None:
        numbers = [x.data if isinstance(x, Value) else x for x in checks.listed("inputs", inputs)]
        inputs = [checks.finite_number("each of inputs", x) for x in numbers]
        if len(inputs) != width:
            raise ValueError(f"{what} got {len(inputs)}; inputs must be a list of {width} numbers")
    if image_shape is not None:
        image_shape = checks.shape("image_shape", image_shape)
        if math.prod(image_shape) != width:
            raise ValueError(f"image_shape must be (rows, columns) for {what}, got {image_shape}")
    return inputs, image_shape


def _answers(
    layers: list[tuple[str, list[Neuron]]], inputs: Sequence[Any] | None
) -> list[list[float | None]]:
    """Returns the numbers of each column for the example, inputs first; None without one."""
    if inputs is None:
        widths = [len(layers[0][1][0].w), *(len(neurons) for _, neurons in layers)]
        return [[None] * width for width in widths]
    with no_grad():
        signals = [Value(x) for x in inputs]
        answers: list[list[float | None]] = [[x.data for x in signals]]
        for _, neurons in layers:
            signals = [neuron(signals) for neuron in neurons]
            answers.append([x.data for x in signals])
    return answers


def _unit(neuron: Neuron, name: str, output: float | None) -> Unit:
    activation = neuron.activation
    own_name = getattr(activation, "name", getattr(activation, "__name__", ""))
    kind = "linear" if activation is None else str(own_name)
    return Unit(
        name=name, output=output, weights=tuple(weight.data for weight in neuron.w),
        bias=neuron.b.data, activation=activation,
        kind=f"{kind} neuron" if kind.isidentifier() else "neuron",
    )


def _drawn(count: int, limit: int) -> tuple[int, ...]:
    """Returns the places that are drawn: all, or the first and the last up to the limit.

    >>> _drawn(3, 4), _drawn(9, 4)
    ((0, 1, 2), (0, 1, 7, 8))
    """
    if count <= limit:
        return tuple(range(count))
    tail = limit // 2
    return (*range(limit - tail), *range(count - tail, count))
