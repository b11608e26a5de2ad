"""Where plots are shown: in a row, in a flip book, in a notebook. `figures.py` writes the files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install
from micrograd_notes.draw import figures, page
from micrograd_notes.draw.plots import given, looks
from micrograd_notes.draw.stepper.flipbook import Flipbook

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def side_by_side(panels: Mapping[str, Callable[[Axes], Any]]) -> Figure:
    """Returns a figure with a row of pictures to compare, with one legend above them.

    `panels` has a function of `Axes` by the title of each picture. All have the same limits and one
    scale of colours. Raises `ValueError` if there is no picture.

    >>> from micrograd_notes.draw.plots import decision_boundary
    >>> points, classes = [[0.0, 1.0], [1.0, 0.0]], [-1, 1]
    >>> figure = side_by_side({
    ...     "left": lambda ax: decision_boundary(lambda x: x[0], points, classes, ax),
    ...     "lower": lambda ax: decision_boundary(lambda x: x[1], points, classes, ax),
    ... })
    >>> [ax.get_title() for ax in figure.axes]
    ['left', 'lower']
    """
    drawn = given.by_name("panels", panels)
    for _, draw in drawn:
        checks.function("each of panels", draw, 1, "the Axes to draw in")
    figure = cast("Figure", looks.axes(None, 0.9 + 0.9 * looks.WIDTH / len(drawn)).figure)
    figure.clear()
    row = figure.subplots(1, len(drawn), sharex=True, sharey=True, squeeze=False)[0]
    legend: dict[str, Any] = {}
    for ax, (name, draw) in zip(row, drawn, strict=True):
        draw(ax)
        ax.set_title(name, fontsize=10)
        ax.label_outer()
        if ax.get_legend():
            ax.get_legend().remove()
            handles, names = ax.get_legend_handles_labels()
            legend |= dict(zip(names, handles, strict=True))
    images = [each for ax in row for each in ax.images]
    ends = [end for each in images for end in each.get_clim()]
    for each in images:
        each.set_clim(min(ends), max(ends))
    if legend:
        columns = looks.columns_of(legend, 72 * looks.WIDTH)
        place = dict[str, Any](loc="outside upper left", ncols=columns, frameon=False)
        figure.legend(legend.values(), legend, **place)
    return figure


def flipbook(pages: Sequence[tuple[Axes | Figure, str]], title: str) -> Flipbook:
    """Returns pictures as a flip book, which displays itself in a notebook, and closes the figures.

    `pages` are the pictures, each with words that say what it shows. A reader pages through them
    without a kernel. Draw all of them in the same size and with the same limits.
    Raises `ValueError` if there are fewer than two, or if one of them is without words.

    >>> from micrograd_notes.draw.plots import loss_curve
    >>> flipbook([(loss_curve([2.0, 1.0]), "It falls."), (loss_curve([1.0]), "Once.")], "Losses")
    <Losses: 2 pictures. 1: It falls. 2: Once.>
    """
    what = "each of pages"
    pairs = [checks.pair(what, each, "(Axes, words)") for each in checks.listed("pages", pages)]
    drawn = [(words, looks.figure_of(what, ax)) for ax, words in pairs]
    book = [(words, figures.svg(figure).encode()) for words, figure in drawn]
    still = figures.png(drawn[0][1]) if drawn else None
    for _, figure in drawn:
        looks.close(figure)
    return Flipbook(book, title, still)


def show(ax: Axes | Figure, alt: str | None = None) -> None:
    """Displays the figure of the `Axes` in a notebook, with its alternative text, and closes it.

    It sends an SVG in an HTML image, which follows the page's colours and scrolls where the page is
    narrow, and a PNG for viewers that show no HTML. `alt` says what the picture shows; by default,
    its title, its axes with their ranges, and the names of its lines.
    Raises `ValueError` if the alternative text is empty, and `ImportError` without IPython.

    Outside of a notebook, IPython prints what it would send:

    >>> from micrograd_notes.draw.plots import loss_curve
    >>> show(loss_curve([0.9, 0.3]))  # doctest: +ELLIPSIS
    {'text/html': '<div ... 'text/plain': 'loss from 0 to 0.8, over step from 0 to 1: training.'}
    """
    if alt is not None and not checks.text("alt", alt).strip():
        raise ValueError("alt must not be empty: say in alt what the picture shows, or omit it")
    try:
        from IPython import display
    except ImportError as error:
        advice = install("notebooks")
        raise ImportError(f"show needs IPython, which is not installed: {advice}") from error
    figure = looks.figure_of("ax", ax)
    words = figures.words(figure) if alt is None else alt
    shown = page.bundle(figures.framed(figure, words), words, figures.png(figure))
    looks.close(figure)
    display.display(shown, raw=True)  # type: ignore[no-untyped-call]
