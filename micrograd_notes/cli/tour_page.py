"""`page_text`: the results of the tour as one HTML page, with all pictures inside.

`tour.py` computes the results and calls it. The text of the page is in `tour_page.html`.
"""

import html
import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from micrograd_notes.draw import draw_backward, draw_model, figures, plots
from micrograd_notes.draw.graph.frame import in_frame
from micrograd_notes.draw.training.page import training_page
from micrograd_notes.engine import Value
from micrograd_notes.nn import MLP, Neuron
from micrograd_notes.train import data
from micrograd_notes.train.loop import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "A tour of micrograd_notes"
"""The page's title. A later tour replaces only a page with this title."""


@dataclass(frozen=True)
class Trained:
    """One split: the accuracy of both models on held-out examples."""

    split: int
    linear: float
    network: float
    losses: list[float]
    held_out_losses: list[float]
    state: dict[str, Any]


@dataclass(frozen=True)
class GradientCheck:
    """One parameter: its gradient from the engine, and from a central difference."""

    name: str
    engine: float
    numeric: float

    @property
    def difference(self) -> float:
        """|engine - numeric|, relative to |engine|, or to 1e-3 if that is larger."""
        return abs(self.engine - self.numeric) / max(abs(self.engine), 1e-3)


@dataclass(frozen=True)
class Findings:
    """All results on the page."""

    trained: list[Trained]
    checks: list[GradientCheck]
    digits_model: MLP
    moons_model: MLP
    moons_history: History
    moons_accuracy: float

    @property
    def mean_network(self) -> float:
        """The mean held-out accuracy of the networks."""
        return statistics.mean(result.network for result in self.trained)

    @property
    def mean_linear(self) -> float:
        """The mean held-out accuracy of the linear models."""
        return statistics.mean(result.linear for result in self.trained)

    def worst_checks(self, count: int) -> list[GradientCheck]:
        """Returns the checks with the largest differences, the largest first."""
        return sorted(self.checks, key=lambda check: -check.difference)[:count]

    @property
    def worst_difference(self) -> float:
        """The largest relative difference between a gradient and its finite difference."""
        return self.worst_checks(1)[0].difference


def page_text(findings: Findings) -> str:
    """Returns the page, which works without a network or other files."""
    template = resources.files("micrograd_notes.cli").joinpath("tour_page.html")
    digits, wrong, held_out = _digits_picture(findings.digits_model)
    return Template(template.read_text(encoding="utf-8")).substitute(
        title=TITLE,
        splits=_rows(
            (f"{result.split}", f"{result.linear:.3f}", f"{result.network:.3f}")
            for result in findings.trained
        ),
        mean_network=f"{findings.mean_network:.3f}",
        mean_linear=f"{findings.mean_linear:.3f}",
        hidden=len(findings.digits_model.layers[0].neurons),
        digits=digits,
        wrong=wrong,
        held_out=held_out,
        losses=_losses_picture(findings.trained[0]),
        weights=_picture(
            lambda ax: plots.weights_as_images(findings.digits_model.layers[0], (4, 4), ax=ax),
            "The weights of each hidden neuron as an image of 4x4 pixels: blue adds, orange "
            "subtracts",
            (7.0, 2.5),
        ),
        neuron=_neuron_stepper(),
        checks=_rows(
            (f"<code>{html.escape(check.name)}</code>", f"{check.engine:.10f}",
             f"{check.numeric:.10f}", f"{check.difference:.1e}")
            for check in findings.worst_checks(8)
        ),
        checked=len(findings.checks),
        worst=f"{findings.worst_difference:.1e}",
        moons=training_page(findings.moons_history, resolution=24)._repr_html_(),
        moons_model=in_frame(
            draw_model(findings.moons_model, inputs=[0.5, 0.25]).svg(), "The network of the moons"
        ),
        moons_accuracy=f"{findings.moons_accuracy:.3f}",
        notebooks=_notebooks(),
    )


def _rows(table: Iterable[Sequence[str]]) -> str:
    """Returns the rows of a table."""
    return "\n".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in table)


def _notebooks() -> str:
    """Returns the titles of the notebooks as list items; empty in an installed package."""
    items = []
    for path in sorted(Path(__file__).parents[2].glob("notebooks/[0-9][0-9]_*.ipynb")):
        title = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"][0]
        title = html.escape(title.removeprefix("# ").replace("`", "").strip())
        items.append(f"<li><em>{path.name[:2]}</em> {title}</li>")
    return "\n".join(items)


def _digits_picture(model: MLP) -> tuple[str, int, int]:
    """Returns sixteen held-out digits with their guesses, and the counts of wrong and of all.

    Up to four of them are wrong guesses. The pictures have 8x8 pixels; the network gets 4x4.
    """
    _, held_out = data.digits(odd_or_even=True, pooled=True).split(seed=0)
    _, scanned = data.digits(odd_or_even=True).split(seed=0)
    guesses = [int(model(inputs).data > 0) for inputs in held_out.inputs]
    is_right = [guess == target for guess, target in zip(guesses, held_out.targets, strict=True)]
    wrong = [place for place, right in enumerate(is_right) if not right]
    right = [place for place, right in enumerate(is_right) if right]
    shown = [*wrong[:4], *right][:16]
    labels = [("" if is_right[i] else "\u2717 ") + held_out.class_names[guesses[i]] for i in shown]

    def draw(ax: "Axes") -> None:
        images = [scanned.inputs[i] for i in shown]
        plots.image_gallery(images, labels, (8, 8), ax=ax, columns=8)

    words = "Sixteen held-out digits with the network's guesses, \u2717 where one is wrong: "
    return _picture(draw, words + "; ".join(labels), (8.0, 2.6)), len(wrong), len(is_right)


def _losses_picture(result: Trained) -> str:
    pairs = zip(result.losses, result.held_out_losses, strict=True)
    history = History([{"loss": loss, "validation_loss": held_out} for loss, held_out in pairs])
    first, last = result.losses[0], result.losses[-1]
    words = f"The loss of split {result.split} falls from {first:.2f} to {last:.2f}"
    return _picture(lambda ax: plots.loss_curve(history, ax=ax), words, (6.4, 3.6))


def _neuron_stepper() -> str:
    neuron = Neuron(2, activation="tanh", seed=4)
    output = neuron([Value(1.0, name="x1"), Value(-2.0, name="x2")])
    output.name = "y"
    return draw_backward(output, model=neuron)._repr_html_()


def _picture(draw: Callable[["Axes"], Any], words: str, size: tuple[float, float]) -> str:
    """Returns the picture as an image in the page's colours, in a frame that scrolls."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure.add_subplot())
    return figures.framed(figure, words)
