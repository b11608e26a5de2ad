"""A picture of a model: neurons as circles, weights as lines, as in TensorFlow Playground.

This file brings a model's view, its SVG and a table together: what `draw_model` returns, a notebook
displays, and a file holds. It needs no Graphviz.
"""

import html
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.files import write_whole
from micrograd_notes.draw import svg
from micrograd_notes.draw.model.svg import model_svg
from micrograd_notes.draw.model.view import Column, ModelView, Unit, model_view
from micrograd_notes.draw.page import PICTURE, TABLE, page
from micrograd_notes.draw.rendering import format_of
from micrograd_notes.draw.text import counted, short
from micrograd_notes.nn import MLP, Layer, Neuron

SAVED_AS = ("svg", "html")
"""The formats, and suffixes, that a picture of a model is saved in."""

_MOST_WEIGHTS = 8  # in a row of the table


def draw_model(
    mlp: MLP | Layer | Neuron,
    inputs: Sequence[Any] | None = None,
    image_shape: tuple[int, int] | None = None,
    *,
    limit: int = 16,
) -> "ModelPicture":
    """Returns a picture of the model, which displays itself in a notebook.

    A circle is a neuron, with its bias b below; a column is a layer. A line is a weight: blue and
    solid where it is positive, orange and dashed where it is negative, and the wider the larger.
    Point at one to see all its digits.

    Args:
        mlp: an `MLP`, or a `Layer` or a `Neuron` alone.
        inputs: a sample, a list of numbers. Each circle then shows its number for it.
        image_shape: (rows, columns) where the inputs are the pixels of a picture. The weights of
            the first layer are then drawn as small pictures, each weight where its pixel is.
        limit: the most neurons to draw of a layer, and the most inputs that are no pixels. Of more,
            the first and the last are drawn, and a line says how many are hidden.

    Raises:
        TypeError: the model is none of the three.
        ValueError: the sample or the image_shape does not fit the model's inputs.

    No gradient is recorded or changed.

    >>> picture = draw_model(MLP(2, [40, 1], seed=0), inputs=[1.0, -2.0])
    >>> picture
    <MLP(2, [40, 1]): 2 inputs, 40 relu neurons and 1 linear neuron>
    >>> picture.notes[0]
    'layers[0]: 16 of 40 relu neurons drawn, 24 hidden.'
    """
    return ModelPicture(model_view(mlp, inputs, image_shape, limit))


class ModelPicture:
    """A model's view with everything that can be made of it.

    >>> picture = draw_model(Neuron(2, activation="tanh", seed=0))
    >>> picture.save("neuron.gif")
    Traceback (most recent call last):
    ValueError: path must end in .svg or .html, got 'neuron.gif'
    """

    def __init__(self, view: ModelView) -> None:
        checks.instance("view", view, ModelView, "a ModelView, as draw_model(mlp) makes one")
        self.view = view

    @property
    def notes(self) -> tuple[str, ...]:
        """What the picture says of what it hides; empty where all is drawn."""
        return self.view.notes

    def svg(self) -> str:
        """Returns the picture as SVG, with a title, a description and tooltips."""
        return self._svg

    @cached_property
    def _svg(self) -> str:
        return model_svg(self.view)

    def html(self) -> str:
        """Returns a page of its own, with the picture and the table of its neurons."""
        table = TABLE.format(table=_table(self.view))
        return page(self.view.title, PICTURE.format(svg=self.svg()) + table)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the picture in the format of the path's suffix, .svg or .html.

        Returns:
            The path.

        Raises:
            ValueError: the path ends with neither.
            OSError: the file cannot be written; an older one stays as it is.
        """
        text = self.svg() if format_of(path, SAVED_AS) == "svg" else self.html()
        return write_whole(path, text.encode())

    def __repr__(self) -> str:
        columns = [column.contents for column in self.view.columns]
        return f"<{self.view.title}: {', '.join(columns[:-1])} and {columns[-1]}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Returns what a notebook displays: an image, which survives where one is not trusted."""
        image = svg.image(self.svg(), f"{self.view.title}. {self.view.description}")
        return {"text/html": image, "image/svg+xml": self.svg(), "text/plain": repr(self)}


# ---- the table -----------------------------------------------------------------------------------


def _table(view: ModelView) -> str:
    """Returns the neurons that are drawn as the rows of an HTML table."""
    rows = [
        _row(column, column.units[place], view.has_sample)
        for column in view.columns[1:]
        for place in column.drawn
    ]
    answer = '<th scope="col">answer</th>' if view.has_sample else ""
    return (
        '<table>\n<thead><tr><th scope="col">neuron</th><th scope="col">activation</th>'
        f'{answer}<th scope="col">bias</th><th scope="col">weights</th></tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody>\n</table>"
    )


def _row(column: Column, unit: Unit, has_sample: bool) -> str:
    weights = ", ".join(map(short, unit.weights[:_MOST_WEIGHTS]))
    if len(unit.weights) > _MOST_WEIGHTS:
        weights += f", … ({counted(len(unit.weights) - _MOST_WEIGHTS, 'more', 'more')})"
    cells = [unit.kind.removesuffix(" neuron"), short(unit.bias or 0.0), weights]
    if has_sample:
        cells.insert(1, short(unit.output or 0.0))
    return (
        f'<tr><th scope="row">{html.escape(unit.name or column.name)}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )
