"""A page of a training run: loss, accuracy, boundary and distributions, to be walked by epoch.

This file makes the page from a `History`: it asks the snapshots in it for their numbers, makes them
small, and hands them to a script that draws them (`training_page.js`, `training_page.css`). All is
in one piece of HTML, which needs no network and no kernel. Where scripts do not run, as in a
notebook that is not trusted, what remains is a picture of the last epoch and a table of all.

It trains nothing. What an epoch comes to is in the history, and what a model was like in its
snapshots.
"""

import base64
import html
import io
import math
import statistics
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.draw import plots
from micrograd_notes.draw.page import Page, text_of
from micrograd_notes.draw.stepper.backward import as_json_in_html
from micrograd_notes.draw.text import counted, short
from micrograd_notes.train.data import Dataset
from micrograd_notes.train.loop import History
from micrograd_notes.train.recording import KINDS, Recorder, Snapshot, inputs_of, snapshots_of

__all__ = ["Recorder", "TrainingPage", "training_page"]


BARS = 30  # of a histogram
MOST_POINTS = 300  # of the data, drawn over the boundary
TAIL = 0.005  # the share of numbers at either end that does not stretch a histogram's axis
FULL = 127  # the largest magnitude that fits into a byte with its sign

CURVES = ("loss", "validation_loss", "accuracy", "validation_accuracy")


def training_page(
    history: History, *, title: str = "Training", limit: int = 100, resolution: int = 30
) -> "TrainingPage":
    """Returns the run as a page, which displays itself in a notebook and saves itself as a file.

    It shows loss and accuracy, training and held out. Where a `Recorder` was `fit`'s callback it
    also shows, for each epoch, the decision boundary (of data with two features and classes), and
    how weights, gradients and activations are spread in each layer.

        history = fit(model, data, callback=Recorder(model, data))
        training_page(history).save("training.html")

    Args:
        history: what `fit` returned.
        title: what stands above the page.
        limit: the most epochs to walk through; of more, that many are chosen evenly, the first and
            the last among them, and a line says how many are hidden. The curves show all.
        resolution: the plane is asked at so many places along each side. An epoch takes about
            resolution * resolution * 1.4 bytes for it, for each class if they are three or more,
            and about 700 bytes for the distributions of three layers.

    Raises:
        TypeError: history is no `History`.
        ValueError: it has no epoch, or no loss; or another argument is out of range.

    >>> page = training_page(History([{"loss": 2.0}, {"loss": 1.0}]))
    >>> page.captions
    ['Epoch 1 of 2: loss 2.', 'Epoch 2 of 2: loss 1.']
    >>> page.notes[0]  # doctest: +ELLIPSIS
    'No snapshots were recorded, ...
    """
    if not isinstance(history, History):
        raise TypeError(f"history must be what fit returns, got {checks.shown(history)}")
    checks.text("title", title)
    if not any("loss" in logs for logs in history.epochs):
        raise ValueError(f"there is no loss to draw in {history!r:.80}; train for an epoch or more")
    limit = checks.whole_number("limit", limit, 2)
    resolution = checks.whole_number("resolution", resolution, 2)
    return TrainingPage(history, title, limit, resolution)


class TrainingPage(Page):
    """A run with everything that shows it.

    >>> training_page(History([{"loss": 2.0}])).save("training.gif")
    Traceback (most recent call last):
    ValueError: path must end in .html, got 'training.gif'
    """

    def __init__(self, history: History, title: str, limit: int, resolution: int) -> None:
        self.history = history
        self.title = title
        self.resolution = resolution
        found = dict(snapshots_of(history))
        candidates = list(found) or list(range(len(history)))
        self.epochs = _evenly_chosen(candidates, limit)
        """The epochs that one can walk through, counted from 0."""
        self.snapshots: list[Snapshot] = [found[epoch] for epoch in self.epochs if epoch in found]
        self.notes = self._notes()
        """What a reader is told of what is not shown, a line each."""

    @property
    def captions(self) -> list[str]:
        """What is said of each epoch that one can walk through."""
        return [self._caption(epoch) for epoch in self.epochs]

    def __repr__(self) -> str:
        return f"<{self.title}: {counted(len(self.history), 'epoch')}. {self.captions[-1]}>"

    # ---- words -----------------------------------------------------------------------------------

    def _caption(self, epoch: int) -> str:
        logs = self.history.epochs[epoch]
        parts = []
        for name, spelled in (("loss", short), ("accuracy", _percent)):
            if name in logs:
                held_out = logs.get(f"validation_{name}")
                beside = "" if held_out is None else f" (held out {spelled(held_out)})"
                parts.append(f"{name} {spelled(logs[name])}{beside}")
        return f"Epoch {epoch + 1:,} of {len(self.history):,}: {', '.join(parts)}."

    def _notes(self) -> list[str]:
        notes = []
        if not self.snapshots:
            notes.append(
                "No snapshots were recorded, so there is no boundary and no distribution to show. "
                "To see them: fit(model, data, callback=Recorder(model, data))."
            )
        hidden = len(self.history) - len(self.epochs)
        if hidden:
            notes.append(
                f"The slider stops at {len(self.epochs):,} of {len(self.history):,} epochs; "
                f"{hidden:,} are hidden. The curves and the table show all."
            )
        return notes

    # ---- the pieces of the page ------------------------------------------------------------------

    @cached_property
    def _fragment(self) -> str:
        return _FRAGMENT.format(
            picture=self._picture(),
            table=_table(self.history),
            data=as_json_in_html(self._data()),
            script=text_of("training/training_page.js"),
        )

    def _data(self) -> dict[str, Any]:
        """Returns all that the script needs, as plain data."""
        names = {name for logs in self.history.epochs for name in logs}
        return {
            "title": self.title,
            "style": text_of("training/training_page.css"),
            "total": len(self.history),
            "epochs": self.epochs,
            "captions": self.captions,
            "notes": self.notes,
            "curves": {
                name: [_rounded(number) for number in self.history[name]]
                for name in CURVES
                if name in names
            },
            "boundary": self._boundary(),
            "layers": self._layers(),
        }

    def _plane(self) -> "plots.Examples | None":
        """Returns the points of the data, where they have two features and are of classes."""
        if not self.snapshots or "accuracy" not in self.history.epochs[-1]:
            return None
        inputs, targets = _inputs_and_targets(self.snapshots[0].data)
        if any(len(row) != 2 for row in inputs_of(self.snapshots[0].data)):
            return None
        return plots.examples_in_the_plane(inputs, targets)

    def _boundary(self) -> dict[str, Any] | None:
        """Returns the plane: its points, and for each epoch how each class stands where."""
        examples = self._plane()
        if examples is None:
            return None
        sides = [
            plots.around(column, self.resolution) for column in zip(*examples.points, strict=True)
        ]
        places = [[x, y] for y in sides[1] for x in sides[0]]
        frames = [_standings(list(map(each.function(), places))) for each in self.snapshots]
        chosen = _evenly_chosen(list(range(len(examples.points))), MOST_POINTS)
        points = [[*map(_rounded, examples.points[i]), examples.classes[i]] for i in chosen]
        note = f"{len(points):,} of {len(examples.points):,} points are drawn."
        return {
            "side": self.resolution,
            "x": [sides[0][0], sides[0][-1]],
            "y": [sides[1][0], sides[1][-1]],
            "axes": list(examples.axis_names),
            "classes": [
                {"name": name, "colour": colour}
                for name, colour in zip(
                    examples.class_names,
                    _around_again(plots.CLASS_COLOURS, len(examples.class_names)),
                    strict=True,
                )
            ],
            "points": points,
            "standings": [list(map(_as_bytes, frame)) for frame in frames],
            "note": note if len(points) < len(examples.points) else "",
        }

    def _layers(self) -> list[dict[str, Any]]:
        """Returns the histograms of each layer: bars that all epochs share, and their heights."""
        numbers = {of: [snapshot.numbers(of) for snapshot in self.snapshots] for of in KINDS}
        names = dict.fromkeys(
            name for frames in numbers.values() for frame in frames for name in frame
        )
        return [
            {
                "name": name,
                "plots": [
                    _histograms(of, [frame.get(name, []) for frame in numbers[of]]) for of in KINDS
                ],
            }
            for name in names
        ]

    def _picture(self) -> str:
        """Returns the picture that stands where scripts do not run; without Matplotlib a line."""
        try:
            source = base64.b64encode(self._png()).decode("ascii")
        except ImportError:
            return _NO_PICTURE
        words = html.escape(f"{self.title}. {self.captions[-1]}")
        return (
            f'<img data-part="picture" src="data:image/png;base64,{source}" alt="{words}" '
            'style="max-width: 100%">'
        )

    def _png(self) -> bytes:
        """Returns all pictures of the last epoch beside one another."""
        import matplotlib.style
        from matplotlib.figure import Figure

        draw: list[Any] = [lambda ax: plots.loss_curve(self.history, ax)]
        if "accuracy" in self.history.epochs[-1]:
            draw.append(lambda ax: plots.accuracy_curve(self.history, ax))
        if self.snapshots:
            last = self.snapshots[-1]
            if self._plane() is not None:
                inputs, targets = _inputs_and_targets(last.data)
                answer = last.function()
                draw.append(lambda ax: plots.decision_boundary(answer, inputs, targets, ax=ax))
            draw += [lambda ax, of=of: plots.distributions(last, of, ax) for of in KINDS]
        rows, columns = -(-len(draw) // 3), min(len(draw), 3)
        with matplotlib.style.context("default"):
            figure = Figure(figsize=(5 * columns, 3.8 * rows), dpi=64, layout="constrained")
            for place, one in enumerate(draw, 1):
                one(figure.add_subplot(rows, columns, place))
            file = io.BytesIO()
            figure.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()


def _inputs_and_targets(data: Any) -> tuple[Any, Any]:
    """Returns the data as the plots take it: a `Dataset` has its targets in it."""
    return (data, None) if isinstance(data, Dataset) else (data[0], data[1])


# ---- making numbers small ------------------------------------------------------------------------


def _standings(scores: Sequence[Sequence[float]]) -> list[list[float]]:
    """Returns how each class stands at each place: how far behind the best, which has 0.

    Of two classes one number a place will do: how far the second is ahead of the first.

    >>> _standings([[2.0], [-1.0]]), _standings([[2.0, 5.0]])
    ([[2.0, -1.0]], [[3.0]])
    >>> _standings([[2.0, 5.0, 4.0]])
    [[-3.0], [0.0], [-1.0]]
    """
    if len(scores[0]) == 1:
        return [[score for (score,) in scores]]
    if len(scores[0]) == 2:
        return [[second - first for first, second in scores]]
    return [[each[k] - max(each) for each in scores] for k in range(len(scores[0]))]


def _as_bytes(standings: Sequence[float]) -> str:
    """Returns the numbers as bytes with a sign, of which the largest magnitude is 127, in base64.

    What counts is where one changes its sign, so none that is not 0 becomes 0.

    >>> list(base64.b64decode(_as_bytes([2.0, -1.0, 1e-9, 0.0])))
    [127, 192, 1, 0]
    """
    finite = [abs(number) for number in standings if math.isfinite(number)]
    largest = max(finite, default=0.0) or 1.0
    small = []
    for number in standings:
        share = max(-1.0, min(1.0, number / largest)) if number == number else 0.0
        rounded = round(share * FULL) or (share > 0) - (share < 0)
        small.append(rounded % 256)
    return base64.b64encode(bytes(small)).decode("ascii")


def _histograms(of: str, frames: list[list[float]]) -> dict[str, Any]:
    """Returns for each epoch how many numbers each bar has, and the numbers in a few words."""
    finite = [[x for x in numbers if math.isfinite(x)] for numbers in frames]
    everything = sorted(x for numbers in finite for x in numbers)
    if not everything:
        return {"of": of, "bars": None}
    cut = int(TAIL * len(everything))
    low, high = everything[cut], everything[-1 - cut]
    if everything[0] < 0 <= low:
        low = -math.ulp(0.0)  # the few that are negative have a bar left of zero
    if everything[-1] >= 0 > high:
        high = 0.0
    bars = plots.bins_around_zero(low, high, BARS)
    edges = bars.edges
    return {
        "of": of,
        "bars": [bars.first, bars.count, bars.width],
        "counts": [bars.counts(numbers) for numbers in finite],
        "says": [_spread(numbers, edges[0], edges[-1]) for numbers in frames],
    }


def _spread(numbers: list[float], low: float, high: float) -> str:
    """Returns the numbers in a few words, and how many of them lie beyond low and high.

    >>> _spread([0.0, 0.0, 1.0, 3.0], 0.0, 2.0)
    'mean 1 ± 1.2, 50% are 0, 1 beyond'
    """
    finite = [number for number in numbers if math.isfinite(number)]
    if not finite:
        return "no finite numbers" if numbers else "none"
    words = [f"mean {_two(statistics.fmean(finite))} ± {_two(statistics.pstdev(finite))}"]
    zeros = finite.count(0.0) / len(finite)
    if zeros >= 0.005:
        words.append(f"{zeros:.0%} are 0")
    beyond = sum(number < low or number > high for number in finite)
    if beyond:
        words.append(f"{beyond} beyond")
    if len(finite) < len(numbers):
        words.append(f"{len(numbers) - len(finite)} not finite")
    return ", ".join(words)


def _evenly_chosen(items: list[int], limit: int) -> list[int]:
    """Returns at most so many of the items, evenly spaced, the first and the last among them.

    >>> _evenly_chosen(list(range(10)), 4)
    [0, 3, 6, 9]
    """
    if len(items) <= limit:
        return items
    return [items[round(i * (len(items) - 1) / (limit - 1))] for i in range(limit)]


def _around_again(choices: Sequence[str], count: int) -> list[str]:
    return [choices[i % len(choices)] for i in range(count)]


def _rounded(number: float | None) -> float | None:
    """Returns the number with as many digits as a picture shows; None for what is not finite."""
    if number is None or not math.isfinite(number):
        return None
    return float(f"{number:.4g}")


def _two(number: float) -> str:
    return short(float(f"{number:.2g}")).replace("-", "−")


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


# ---- the text of the page ------------------------------------------------------------------------


def _table(history: History) -> str:
    """Returns the epochs as the rows of an HTML table: every number that each came to."""
    names = dict.fromkeys(
        name
        for logs in history.epochs
        for name, number in logs.items()
        if isinstance(number, float)
    )
    heads = "".join(f'<th scope="col">{html.escape(_in_words(name))}</th>' for name in names)
    rows = []
    for epoch, logs in enumerate(history.epochs, 1):
        cells = "".join(f"<td>{_cell(name, logs.get(name))}</td>" for name in names)
        rows.append(f'<tr><th scope="row">{epoch}</th>{cells}</tr>')
    return _TABLE.format(heads=heads, rows="\n".join(rows))


def _in_words(name: str) -> str:
    return name.replace("validation_", "held-out ").replace("_", " ")


def _cell(name: str, number: Any) -> str:
    if not isinstance(number, float):
        return "–"
    return _percent(number) if name.endswith("accuracy") else short(number)


_NO_PICTURE = """<p data-part="picture">For a picture that is there without scripts, too:
<code>pip install "micrograd-notes[viz]"</code></p>"""

_TABLE = """<table>
<thead><tr><th scope="col">epoch</th>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>"""

_FRAGMENT = """<div data-micrograd-training>
<div data-part="stage"></div>
{picture}
<details>
<summary>All epochs as a table</summary>
<div style="overflow: auto; max-height: 30rem" tabindex="0" role="region"
aria-label="All epochs as a table">
{table}
</div>
</details>
<script type="application/json">{data}</script>
<script>
{script}</script>
</div>"""
