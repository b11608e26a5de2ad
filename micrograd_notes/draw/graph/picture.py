"""A picture of a graph: what `draw_dot` returns, a notebook displays, and a file holds.

This file brings view, DOT, Graphviz and the table together, and knows the formats that there are.
Its methods have the names of xflr6/graphviz, which micrograd's own `draw_dot` returns an object of.
"""

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from graphviz import Digraph

from micrograd_notes.common import checks
from micrograd_notes.common.files import as_path, write_whole
from micrograd_notes.draw import svg
from micrograd_notes.draw.graph import mermaid, table
from micrograd_notes.draw.graph.dot import digraph
from micrograd_notes.draw.graph.groups import with_groups
from micrograd_notes.draw.graph.indexed import indexed
from micrograd_notes.draw.graph.inside import Inside, insides_of
from micrograd_notes.draw.graph.view import View, view_of
from micrograd_notes.draw.page import PICTURE, TABLE, page
from micrograd_notes.draw.rendering import FORMATS, format_of, render
from micrograd_notes.draw.text import counted
from micrograd_notes.engine import Value
from micrograd_notes.nn import Module

SAVED_AS = (*FORMATS, "dot", "html")
"""The formats, and suffixes, that a picture is saved in."""


def draw_dot(
    root: Value,
    format: str = "svg",
    rankdir: str = "LR",
    *,
    model: Module | None = None,
    partials: bool = False,
    limit: int = 150,
    group: bool = True,
    focus: Value | None = None,
    radius: int = 2,
) -> "Picture":
    """Returns a picture of the graph below the root, which displays itself in a notebook.

    A box is a value: what made it, its name, its data, and its gradient with a sign ("grad –" until
    a `backward()` has come by). An arrow leads from an operand to its result; `x*x` has two.
    Rounded boxes are results, square ones leaves; a model's parameters have two plugs, constants a
    folded corner.

    Args:
        root: the value whose graph is drawn.
        format: what `pipe` and `render` write if they are not told: svg, png or pdf.
        rankdir: where results stand: right of their operands (LR), below (TB), left (RL) or above
            (BT).
        model: a `Module`, whose names its parameters and neurons are drawn with.
        partials: whether an arrow says the local partial, d result / d operand.
        limit: the most boxes; a larger graph is drawn in groups, with a line that counts them. On
            the page that `html()` returns they can be opened.
        group: with False, a graph above the limit is refused.
        focus: a value whose neighbourhood alone is drawn,
        radius: as far as this many arrows.

    Raises:
        TypeError: root is no `Value`, or model no `Module`.
        ValueError: another argument is none of those that are accepted; the message lists them.

    >>> x = Value(3.0, name="x")
    >>> picture = draw_dot(x * x)
    >>> picture.source.count("v0 -> v1")
    2
    """
    view = view_of(
        root, model=model, partials=partials, limit=limit, group=group, focus=focus, radius=radius
    )
    has_groups = any(box.kind == "group" for box in view.boxes)
    insides = insides_of(indexed(root), view, model, partials) if has_groups else ()
    return Picture(view, format, rankdir, insides)


class Picture:
    """A view with everything that can be made of it.

    >>> x = Value(3.0, name="x")
    >>> picture = draw_dot(x * x)
    >>> picture.pipe("png")[:4]
    b'\\x89PNG'
    >>> picture.save("square.gif")
    Traceback (most recent call last):
    ValueError: path must end in .svg or .png or .pdf or .dot or .html, got 'square.gif'
    """

    def __init__(
        self,
        view: View,
        format: str = "svg",
        rankdir: str = "LR",
        insides: tuple[Inside, ...] = (),
    ) -> None:
        checks.instance("view", view, View, "a View, as draw_dot(root) makes one")
        checks.one_of("format", format, FORMATS)
        self.view = view
        self.format = format
        self.rankdir = rankdir
        self.insides = insides
        """What is seen when a group of the view is opened on a page."""
        self.dot: Digraph = digraph(view, rankdir)

    @property
    def source(self) -> str:
        """The picture in DOT, the language of Graphviz."""
        return str(self.dot.source)

    def svg(self) -> str:
        """Returns the picture as SVG, with a title, a description and tooltips."""
        return self._svg

    @cached_property
    def _svg(self) -> str:
        return svg.accessible(render(self.source, "svg"), self.view.title, self.description)

    @property
    def description(self) -> str:
        """The picture in a sentence or two, for readers who do not see it."""
        last = self.view.boxes[-1]
        sentence = (
            f"{counted(len(self.view.boxes), 'box', 'boxes')} and "
            f"{counted(len(self.view.arrows), 'arrow')}; the last box is {table.what(last)}, "
            f"data {table.data(last)}" + (f", grad {table.grad(last)}" if last.takes_grad else "")
        )
        return " ".join([f"{sentence}.", *self.view.notes])

    def pipe(self, format: str | None = None) -> bytes:
        """Returns the picture as the bytes of a file: svg, png or pdf."""
        format = self.format if format is None else format
        checks.one_of("format", format, FORMATS)
        return self.svg().encode() if format == "svg" else render(self.source, format)

    def html(self) -> str:
        """Returns a page of its own, with the picture, groups that open, and a table of its values.

        A group opens on the graph of one of its repeats, if that has few enough values to lay out
        ahead; else it says why not, and what to do.
        """
        picture = PICTURE.format(svg=self.svg())
        if self.insides:
            picture = with_groups(picture, self.insides, self.rankdir)
        return page(self.view.title, picture + TABLE.format(table=table.as_html(self.view)))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the picture in the format of the path's suffix: .svg, .png, .pdf, .dot, .html.

        Returns:
            The path.

        Raises:
            ValueError: the path ends with none of these.
            OSError: the file cannot be written; an older one stays as it is.
        """
        format = format_of(path, SAVED_AS)
        texts: dict[str, Callable[[], str]] = {"dot": lambda: self.source, "html": self.html}
        content = texts[format]().encode() if format in texts else self.pipe(format)
        return write_whole(path, content)

    def render(
        self, filename: str | os.PathLike[str], format: str | None = None, cleanup: bool = False
    ) -> str:
        """Writes the DOT source to the file, and the picture beside it, as xflr6/graphviz does.

        Returns:
            The path of the picture: the filename with the format added.
        """
        format = self.format if format is None else format
        source = as_path(filename, "filename")
        if not source.name:
            raise ValueError(f"filename must be the name of a file, got {filename!r}")
        cleanup = checks.flag("cleanup", cleanup)
        picture = write_whole(f"{source}.{format}", self.pipe(format))
        if not cleanup:
            write_whole(source, self.source.encode())
        return str(picture)

    def __repr__(self) -> str:
        return f"<{self.view.title}: {self.description}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Returns what a notebook displays: the picture; without Graphviz, diagram and table."""
        try:
            drawn = self.svg()
        except Exception as error:  # a display that raises would leave the reader with a traceback
            return {  # no HTML, which a notebook would prefer to the diagram
                "text/vnd.mermaid": mermaid.flowchart(self.view, self.rankdir, str(error)),
                "text/plain": f"{table.plain(self.view)}\n{error}",
            }
        image = svg.image(drawn, f"{self.view.title}. {self.description}")
        return {"text/html": image, "image/svg+xml": drawn, "text/plain": repr(self)}
