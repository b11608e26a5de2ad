"""What the notebooks share: how a picture is shown, with words for those who do not see it.

JupyterLab and nbconvert drop an alternative text that stands beside a PNG, and keep that of an HTML
image. So both are sent: the image for them, and the PNG for viewers that show no HTML.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

from IPython.display import display

from micrograd_notes.plots import CLASS_COLOURS


def show(axes: Any, alt: str) -> None:
    """Displays the figure of the `Axes` once, with its alternative text, and closes it."""
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    axes.figure.savefig(file, format="png", dpi=100)
    plt.close(axes.figure)
    png = base64.b64encode(file.getvalue()).decode()
    image = f'<img src="data:image/png;base64,{png}" alt="{html.escape(alt)}">'
    display({"text/html": image, "image/png": png, "text/plain": alt}, raw=True)


def loss_curves(curves: Mapping[str, Sequence[float]], unit: str, logarithmic: bool = False) -> Any:
    """Draws several losses in one picture, each with its colour and its kind of line."""
    import matplotlib.pyplot as plt

    axes = plt.subplots(figsize=(5.6, 4.0), layout="constrained")[1]
    kinds = zip(CLASS_COLOURS, ("-", "--", ":", "-."), strict=False)
    for (name, losses), (colour, kind) in zip(curves.items(), kinds, strict=False):
        axes.plot(range(1, len(losses) + 1), losses, kind, color=colour, linewidth=2.2, label=name)
    if logarithmic:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0.0)
    axes.set_xlabel(unit)
    axes.set_ylabel("loss")
    axes.legend(framealpha=0.9)
    return axes
