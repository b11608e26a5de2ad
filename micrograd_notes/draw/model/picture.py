"""A picture of a model: neurons as circles, weights as lines, as in TensorFlow Playground.

Learners call `draw_model`. It makes a view of the model (`view.py`) and draws it as SVG (`svg.py`),
without Graphviz. Read `view.py` next.
"""

import html
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.draw.graph.dot import BLUE, ORANGE
from micrograd_notes.draw.graph.frame import in_frame
from micrograd_notes.draw.model.svg import model_svg
from micrograd_notes.draw.model.view import Column, ModelView, Unit, model_view
from micrograd_notes.draw.page import Drawing, as_table, bundle, folded, page, text_of
from micrograd_notes.draw.rendering import still
from micrograd_notes.draw.text import counted, short
from micrograd_notes.nn import MLP, Layer, Neuron

_MOST_WEIGHTS = 8  # in a row of the table


def draw_model(
    mlp: MLP | Layer | Neuron, inputs: Sequence[Any] | None = None,
    image_shape: tuple[int, int] | None = None, *, limit: int = 16,
    names: Sequence[str] | None = None
) -> "ModelPicture":
    """Returns a picture of the model, which displays itself in a notebook.

    A circle is a neuron, with its bias b below; a column is a layer. A line is a weight: blue and
    solid if it is positive, orange and dashed if it is negative, and wider if it is larger. Point
    at one to see all its digits, and at a circle to see its lines alone. No gradient is changed.

    Args:
        mlp: an `MLP`, or a `Layer` or a `Neuron` alone.
        inputs: an example, a list of numbers. Each circle then shows its number for it.
        image_shape: (rows, columns), if the inputs are the pixels of a picture. The weights of the
            first layer are then drawn as small pictures, each weight where its pixel is.
        limit: the most neurons to draw per layer, and the most inputs that are not pixels. If there
            are more, it draws the first and the last, and says how many are hidden.
        names: of the inputs, `("sun", "rain")`. By default those of the Values in `inputs`, or
            `x[0]`, `x[1]` and so on.

    Raises:
        TypeError: mlp is not one of the three.
        ValueError: inputs, names or image_shape does not fit the number of the model's inputs.

    >>> picture = draw_model(MLP(2, [40, 1], seed=0), inputs=[1.0, -2.0])
    >>> picture
    <MLP(2, [40, 1]): 2 inputs, 40 relu neurons and 1 linear neuron>
    >>> picture.notes[0]
    'layers[0]: 16 of 40 relu neurons drawn, 24 hidden.'
    """
    return ModelPicture(model_view(mlp, inputs, image_shape, limit, names))


class ModelPicture(Drawing):
    """A view of a model, and the picture, the page and the files made from it.

    >>> picture = draw_model(Neuron(2, activation="tanh", seed=0))
    >>> picture.save("neuron.gif")
    Traceback (most recent call last):
    ValueError: path must end in .svg or .html, got 'neuron.gif'
    """

    saved_as = ("svg", "html")
    """The formats that it is saved in, which are the suffixes of its files."""

    def __init__(self, view: ModelView) -> None:
        checks.instance("view", view, ModelView, "a ModelView, as draw_model(mlp) makes one")
        self.view = view

    @property
    def notes(self) -> tuple[str, ...]:
        """The lines that count what is hidden; empty if everything is drawn."""
        return self.view.notes

    def svg(self) -> str:
        """Returns the picture as SVG, with a title, a description and tooltips."""
        return model_svg(self.view)

    def html(self) -> str:
        """Returns a page with the picture and a table of the neurons."""
        in_words = folded("The same as a table", _table(self.view), "table")
        return page(self.view.title, f"{self._followed()}\n{in_words}")

    def _followed(self, words: str = "") -> str:
        """Returns the picture, or an image of it with these words, and the script for its lines."""
        picture, script = in_frame(self.svg(), self.view.title, words), text_of("model/follow.js")
        parts = f'{picture}\n<p data-part="words"></p>\n<script>\n{script}</script>'
        return f"<div data-micrograd-model>\n{parts}\n</div>"

    def _as_file(self, format: str) -> bytes:
        return (self.svg() if format == "svg" else self.html()).encode()

    def __repr__(self) -> str:
        columns = [column.contents for column in self.view.columns]
        return f"<{self.view.title}: {', '.join(columns[:-1])} and {columns[-1]}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Returns what a notebook displays: an image, which an untrusted one shows too."""
        words = f"{self.view.title}. {self.view.description}"
        return bundle(self._followed(words), repr(self), still(_plain(self.view)), self.svg())


def _plain(view: ModelView) -> str:
    """Returns the neurons and the signs of their weights as DOT, for a picture without numbers."""
    lines = ['rankdir=LR ranksep=1.6 node [shape=circle label=""] edge [arrowhead=none]']
    lines += [
        f'"0.{at}" [label="{view.columns[0].units[at].name}"]' for at in view.columns[0].drawn
    ]
    for x, (before, column) in enumerate(pairwise(view.columns)):
        for y in column.drawn:
            lines.append(f'"{x + 1}.{y}"')
            for at in before.drawn:
                weight = column.units[y].weights[at]
                look = f'color="{ORANGE}" style=dashed' if weight < 0 else f'color="{BLUE}"'
                width = 0.6 + 4 * min(abs(weight) / view.strongest, 1.0)
                lines.append(f'"{x}.{at}" -> "{x + 1}.{y}" [{look} penwidth={width:.2f}]')
    return "digraph {" + "\n".join(lines) + "}"


def _table(view: ModelView) -> str:
    """Returns the neurons that are drawn as the rows of an HTML table."""
    heads = ["neuron", "activation", *["answer"] * view.has_sample, "bias", "weights"]
    drawn = [(column, column.units[at]) for column in view.columns[1:] for at in column.drawn]
    return as_table(heads, [_row(column, unit, view.has_sample) for column, unit in drawn])


def _row(column: Column, unit: Unit, has_sample: bool) -> list[str]:
    weights = ", ".join(map(short, unit.weights[:_MOST_WEIGHTS]))
    if len(unit.weights) > _MOST_WEIGHTS:
        weights += f", … ({counted(len(unit.weights) - _MOST_WEIGHTS, 'more', 'more')})"
    answer = [short(unit.output or 0.0)] * has_sample
    kind, bias = unit.kind.removesuffix(" neuron"), short(unit.bias or 0.0)
    return list(map(html.escape, [unit.name or column.name, kind, *answer, bias, weights]))
