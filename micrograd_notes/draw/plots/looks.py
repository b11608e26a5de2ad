"""How all plots look: their colours, markers and legends, and the `Axes` that they draw into.

Both colours have a contrast of 3:1 or more on white and on nearly black. All else has the ink and
the paper of Matplotlib's style. Text has 10 points or more, which `show` makes 10 pixels or more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

WIDTH = 6.4  # inches: as wide as the text of a page, at 120 pixels per inch
BLUE = "#2166ac"
ORANGE = "#b35806"
# For three classes and more, each with a contrast of 3:1 on white and on #111.
CLASS_COLOURS = (ORANGE, BLUE, "#1b7837", "#9970ab", "#c51b7d", "#01857a", "#777777")
LINE_KINDS = ("-", "--", ":", "-.")
CLASS_MARKERS = ("s", "o", "^", "D", "v", "P")


def axes(ax: Axes | None, height: float = 4.0, width: float = WIDTH) -> Axes:
    """Returns the `Axes` given, or those of a new figure of that size in inches."""
    if ax is not None:
        from matplotlib.axes import Axes

        checks.instance("ax", ax, Axes, _AXES)
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        advice = install("viz")
        raise ImportError(f"plots need Matplotlib, which is not installed: {advice}") from error
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


_AXES = "the Axes of a picture, as every function of plots returns"


def figure_of(name: str, given: Axes | Figure) -> Figure:
    """Returns the figure, or that of the `Axes`; TypeError for anything else."""
    from matplotlib.artist import Artist

    checks.instance(name, given, Artist, _AXES)
    return cast("Figure", given.figure)


def close(figure: Figure) -> None:
    """Forgets the figure, which a notebook would show once more."""
    import matplotlib.pyplot as plt

    plt.close(figure)


def legend(ax: Axes) -> None:
    """Draws the legend above the axes, where it covers nothing, in as many columns as fit."""
    names = ax.get_legend_handles_labels()[1]
    columns = columns_of(names, 86 * ax.bbox.width / ax.figure.dpi)  # most of it, once laid out
    place = dict[str, Any](loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)
    ax.legend(**place, ncols=columns, frameon=False, handlelength=2.6)


def columns_of(names: Iterable[str], points: float) -> int:
    """Returns how many columns of a legend fit beside each other."""
    widest = 60 + 7.8 * max(map(len, names))  # points: the sample and its letters
    return max(int(points / widest), 1)


def ink() -> str:
    """Returns the colour of text in the current style: black, or white in a dark style."""
    import matplotlib

    return str(matplotlib.rcParams["text.color"])


def nth(choices: Sequence[str], which: int) -> str:
    """Returns a choice by number, starting over at the end."""
    return choices[which % len(choices)]


def one_of_many(which: int) -> dict[str, Any]:
    """Returns the colour and the marker of a class, or of another thing among its like."""
    return {"color": nth(CLASS_COLOURS, which), "marker": nth(CLASS_MARKERS, which)}


def colours(is_signed: bool = True, deepest: float = 1.0) -> Colormap:
    """Returns the colours of signed numbers, or those of a drawing; 0 lets the paper through."""
    from matplotlib.colors import LinearSegmentedColormap

    stops = [(0.0, (ink(), 0.0)), (1.0, (ink(), deepest))]
    if is_signed:
        stops = [(0.0, (ORANGE, deepest)), (0.5, (ORANGE, 0.0)), (0.5, (BLUE, 0.0))]
        stops.append((1.0, (BLUE, deepest)))
    return LinearSegmentedColormap.from_list("numbers", stops)
