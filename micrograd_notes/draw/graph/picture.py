"""A picture of a graph: what `draw_dot` returns, a notebook displays, and a file holds.

Learners call `draw_dot`. Its steps are a view of the graph (`view.py`), DOT (`dot.py`), and SVG
from Graphviz (`rendering.py`, `svg.py`). The methods have the names of xflr6/graphviz, because
micrograd's own `draw_dot` returns an object of that library. Read `view.py` next.
"""

import os
from functools import cached_property
from typing import Any

from graphviz import Digraph

from micrograd_notes.common import checks
from micrograd_notes.common.files import as_path, write_whole
from micrograd_notes.draw import svg
from micrograd_notes.draw.graph import mermaid, table
from micrograd_notes.draw.graph.dot import digraph
from micrograd_notes.draw.graph.frame import in_both_schemes, in_frame
from micrograd_notes.draw.graph.groups import with_groups
from micrograd_notes.draw.graph.indexed import indexed
from micrograd_notes.draw.graph.inside import Inside, insides_of
from micrograd_notes.draw.graph.view import View, view_of
from micrograd_notes.draw.page import Drawing, bundle, folded, page
from micrograd_notes.draw.rendering import FORMATS, render, svg_and_still
from micrograd_notes.draw.text import counted
from micrograd_notes.engine import Value
from micrograd_notes.nn import Module


def draw_dot(
    root: Value, format: str = "svg", rankdir: str = "LR", *, model: Module | None = None,
    partials: bool = False, limit: int = 150, group: bool = True, focus: Value | None = None,
    radius: int = 2
) -> "Picture":
    """Returns a picture of the graph below the root, which displays itself in a notebook.

    A box is a value: its operation, its name, its data, and its gradient with a sign ("grad –"
    before the first `backward()`). An arrow leads from an operand to its result; `x*x` has two.
    Rounded boxes are results and square ones leaves. A model's parameters have two plugs, and
    constants a folded corner.

    Args:
        root: the value whose graph is drawn.
        format: the format that `pipe` and `render` write by default: svg, png or pdf.
        rankdir: where results are: right of their operands (LR), below (TB), left (RL), above (BT).
        model: a `Module`, whose names label its parameters and neurons.
        partials: whether an arrow shows the local slope, d result / d operand.
        limit: the most boxes. A larger graph is drawn in groups, with a line that counts them. They
            open on the page that `html()` returns.
        group: False refuses a graph above the limit.
        focus: a value; only its neighbourhood is drawn.
        radius: the size of that neighbourhood, in arrows.

    Raises:
        TypeError: root is not a `Value`, or model is not a `Module`.
        ValueError: another argument is not accepted; the message lists what is.

    >>> x = Value(3.0, name="x")
    >>> picture = draw_dot(x * x)
    >>> picture.source.count("v0 -> v1")
    2
    """
    view = view_of(
        root, model=model, partials=partials, limit=limit, group=group, focus=focus, radius=radius
    )
    insides = insides_of(indexed(root), view, model, partials) if view.grouped else ()
    return Picture(view, format, rankdir, insides)


class Picture(Drawing):
    """A view of a graph, and the picture, the page and the files made from it.

    >>> x = Value(3.0, name="x")
    >>> picture = draw_dot(x * x)
    >>> picture.pipe("png")[:4]
    b'\\x89PNG'
    >>> picture.save("square.gif")
    Traceback (most recent call last):
    ValueError: path must end in .svg or .png or .pdf or .dot or .html, got 'square.gif'
    """

    saved_as = (*FORMATS, "dot", "html")
    """The formats that it is saved in, which are the suffixes of its files."""

    def __init__(
        self, view: View, format: str = "svg", rankdir: str = "LR", insides: tuple[Inside, ...] = ()
    ) -> None:
        checks.instance("view", view, View, "a View, as draw_dot(root) makes one")
        checks.one_of("format", format, FORMATS)
        self.view = view
        self.format = format
        self.rankdir = rankdir
        self.insides = insides
        """The insides of the groups of the view, for the page on which they open."""
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
        return self._accessible(render(self.source, "svg"))

    def _accessible(self, drawn: bytes) -> str:
        return in_both_schemes(svg.accessible(drawn, self.view.title, self.description))

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
        """Returns a page with the picture, groups that open, and a table of the values.

        A group opens to show the graph of one of its repeats. If that graph is too large, the group
        says so, and what to do.
        """
        picture = in_frame(self.svg(), "picture")
        if self.insides:
            picture = with_groups(picture, self.insides, self.rankdir)
        in_words = folded("The same as a table", table.as_html(self.view), "table")
        return page(self.view.title, f"{picture}\n{in_words}")

    def _as_file(self, format: str) -> bytes:
        if format in FORMATS:
            return self.pipe(format)
        return (self.source if format == "dot" else self.html()).encode()

    def render(
        self, filename: str | os.PathLike[str], format: str | None = None, cleanup: bool = False
    ) -> str:
        """Writes the DOT source to the file and the picture beside it, as xflr6/graphviz does.

        Returns the path of the picture: the filename with the format added. With `cleanup`, only
        the picture stays.
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
            picture, png = svg_and_still(self.source)
        except Exception as error:  # otherwise the notebook would show a traceback
            return {  # without HTML, which a notebook would prefer to the diagram
                "text/vnd.mermaid": mermaid.flowchart(self.view, self.rankdir, str(error)),
                "text/plain": f"{table.plain(self.view)}\n{error}",
            }
        words, drawn = f"{self.view.title}. {self.description}", self._accessible(picture)
        return bundle(in_frame(drawn, self.view.title, words), repr(self), png, drawn)
