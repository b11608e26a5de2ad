"""Pictures of data, training and learned weights, drawn with Matplotlib.

Learners call these functions, in notebooks too. Each one draws into the `ax` that you pass, or
makes one, and returns it, so that a title or `ax.figure.savefig("picture.png")` is one more line.
`side_by_side` puts several of them into one figure. In a notebook, `show(ax, alt="what it shows")`
displays the picture in the page's colours, light or dark, with words for readers who do not see it.

| file | what it draws |
|---|---|
| `runs.py` | losses and accuracies by epoch, runs beside each other |
| `plane.py` | points, decision boundaries, and heights over the plane |
| `lines.py` | functions of a number, their tangents and their errors |
| `spread.py` | the numbers of each layer as bars |
| `cells.py` | images, weights and tables as coloured cells |
| `showing.py` | nothing itself: it shows the others in a row, in a book, in a notebook |

Blue is positive and orange is negative. Beside its colour, a class has a marker, a region a
hatching, a negative weight a minus sign, and a derivative a dashed line: see `looks.py`. All files
need the extra `viz`, and import Matplotlib when they draw the first picture.
"""

from micrograd_notes.draw.plots.cells import (
    attention_maps,
    image_gallery,
    table_as_image,
    weights_as_images,
)
from micrograd_notes.draw.plots.lines import activation_curve, curves, error_curves, tangent
from micrograd_notes.draw.plots.looks import BLUE, ORANGE, WIDTH
from micrograd_notes.draw.plots.plane import decision_boundary, scatter, surface
from micrograd_notes.draw.plots.runs import accuracy_curve, dots_by_seed, loss_curve, loss_ladder
from micrograd_notes.draw.plots.showing import flipbook, show, side_by_side
from micrograd_notes.draw.plots.spread import distributions

__all__ = [
    "BLUE", "ORANGE", "WIDTH", "accuracy_curve", "activation_curve", "attention_maps",
    "curves", "decision_boundary", "distributions", "dots_by_seed", "error_curves", "flipbook",
    "image_gallery", "loss_curve", "loss_ladder", "scatter", "show", "side_by_side", "surface",
    "table_as_image", "tangent", "weights_as_images",
]  # fmt: skip
