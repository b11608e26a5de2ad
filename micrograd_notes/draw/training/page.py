"""A page of a training run, epoch by epoch: loss, accuracy, decision boundary and distributions.

Learners call `training_page` with the `History` that `fit` returned. The numbers of its snapshots
are made small and passed to a script that draws them, `training_page.js`. Where scripts do not run,
as in a notebook that is not trusted, readers see a picture of the first epoch, as the page opens,
and a table of all. Read `training_page.js` next, and `train/recording.py` for the snapshots.
"""

import base64
import html
import io
import math
import statistics
from collections.abc import Sequence
from functools import cached_property
from itertools import cycle
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install
from micrograd_notes.draw import plots
from micrograd_notes.draw.page import Page, as_table, folded, image, in_page, player
from micrograd_notes.draw.plots.looks import CLASS_COLOURS
from micrograd_notes.draw.plots.plane import Examples, around, draw_boundary, examples_in_the_plane
from micrograd_notes.draw.plots.spread import bins_around_zero
from micrograd_notes.draw.rendering import in_palette
from micrograd_notes.draw.text import counted, short
from micrograd_notes.train import recording
from micrograd_notes.train.loop import History
from micrograd_notes.train.recording import EARLY, KINDS, Recorder, Snapshot, snapshots_of

__all__ = ["Recorder", "TrainingPage", "training_page"]

BARS = 30  # of a histogram
MOST_POINTS = 300  # of the data, drawn over the boundary
TAIL = 0.005  # the share of numbers at either end that a histogram's axis leaves out
FULL = 127  # the largest magnitude that fits into a byte with its sign
CURVES = ("loss", "validation_loss", "accuracy", "validation_accuracy")


def training_page(
    history: History, *, title: str = "Training", limit: int = 100, resolution: int = 30
) -> "TrainingPage":
    """Returns the run as a page, which displays itself in a notebook and can be saved.

    It shows loss and accuracy, training and held out. If a `Recorder` was `fit`'s callback, it also
    shows for each epoch the decision boundary (for data with two features and classes), and the
    spread of weights, gradients and activations in each layer. Points that the recorder got as
    `held_out` are hollow.

        history = fit(model, data, callback=Recorder(model, data))
        training_page(history).save("training.html")

    Args:
        history: the result of `fit`.
        title: the title of the page.
        limit: the most epochs on the slider. If there are more, it chooses that many, the first
            ones more densely and the last one too, and says how many are hidden. The curves show
            all.
        resolution: the number of places along each side of the plane at which the model is
            evaluated. An epoch takes about resolution * resolution * 1.4 bytes, per class for three
            classes or more, and 700 bytes for the distributions of three layers.

    Raises:
        TypeError: history is not a `History`.
        ValueError: history has no epoch or no loss, or another argument is out of range.

    >>> page = training_page(History([{"loss": 2.0}, {"loss": 1.0}]))
    >>> page.captions
    ['Epoch 1 of 2: loss 2.', 'Epoch 2 of 2: loss 1.']
    >>> page.notes[0]  # doctest: +ELLIPSIS
    'No snapshots were recorded, ...
    """
    checks.instance("history", history, History, "what fit returns")
    checks.text("title", title)
    if not any("loss" in logs for logs in history.epochs):
        raise ValueError(f"there is no loss to draw in {history!r:.80}. Train for an epoch or more")
    limit = checks.whole_number("limit", limit, 2)
    resolution = checks.whole_number("resolution", resolution, 2)
    return TrainingPage(history, title, limit, resolution)


class TrainingPage(Page):
    """A training run, and the page that shows it.

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
        dense = 2 * len(candidates) / limit if len(candidates) > limit else 0
        first = [candidates[i] for i in EARLY[: limit // 4] if i < dense]
        rest = [epoch for epoch in candidates if epoch not in first]
        self.epochs = sorted([*first, *_evenly_chosen(rest, limit - len(first))])
        """The epochs on the slider, counted from 0."""
        self.snapshots: list[Snapshot] = [found[epoch] for epoch in self.epochs if epoch in found]
        self.notes = self._notes()
        """The lines that say what is not shown."""

    @property
    def captions(self) -> list[str]:
        """The caption of each epoch on the slider."""
        return [self._caption(epoch) for epoch in self.epochs]

    def __repr__(self) -> str:
        return f"<{self.title}: {counted(len(self.history), 'epoch')}. {self.captions[-1]}>"

    def _caption(self, epoch: int) -> str:
        logs = self.history.epochs[epoch]
        parts = []
        for name, spelled in (("loss", short), ("accuracy", _percent)):
            if name in logs:
                held_out = logs.get(f"validation_{name}")
                beside = "" if held_out is None else f" (held out {spelled(held_out)})"
                parts.append(f"{name} {spelled(logs[name])}{beside}")
        losses = [each.get("loss", 0.0) for each in self.history.epochs[: epoch + 1]]
        broken = [f"{x} in epoch {i:,}" for i, x in enumerate(losses, 1) if not math.isfinite(x)]
        if broken:  # said from there on, so that nobody misses it
            parts.append(f"and the loss was not a finite number: {broken[0]}")
        return f"Epoch {epoch + 1:,} of {len(self.history):,}: {', '.join(parts)}."

    def _notes(self) -> list[str]:
        notes = []
        if not self.snapshots:
            notes.append(
                "No snapshots were recorded, so this page shows no boundary and no distributions. "
                "To see them, train with fit(model, data, callback=Recorder(model, data))."
            )
        hidden = len(self.history) - len(self.epochs)
        if hidden:
            notes.append(
                f"The slider stops at {len(self.epochs):,} of {len(self.history):,} epochs; "
                f"{hidden:,} are hidden. The curves and the table show all."
            )
        return notes

    @cached_property
    def _fragment(self) -> str:
        words, style = "All epochs as a table", 'style="overflow: auto; max-height: 30rem"'
        table = folded(words, _table(self.history), more=style)
        return player("training", self._picture(), table, self._data(), "training/training_page")

    def _data(self) -> dict[str, Any]:
        """Returns everything that the script needs, as plain data."""
        names = {name for logs in self.history.epochs for name in logs}
        return {
            "title": self.title,
            "total": len(self.history),
            "epochs": self.epochs,
            "captions": self.captions,
            "notes": self.notes,
            "curves": {k: list(map(_rounded, self.history[k])) for k in CURVES if k in names},
            "boundary": self._boundary(),
            "layers": self._layers(),
        }

    @cached_property
    def _plane(self) -> list[Examples]:
        """The points of the data, and those held out, if they have two features and classes."""
        if not self.snapshots or "accuracy" not in self.history.epochs[-1]:
            return []
        first = self.snapshots[0]
        sets = [data for data in (first.data, first.held_out) if data is not None]
        if any(len(row) != 2 for data in sets for row in recording.inputs_of(data)):
            return []
        pairs = [data if isinstance(data, tuple) else (data, None) for data in sets]
        return [examples_in_the_plane(*pair) for pair in pairs]

    def _boundary(self) -> dict[str, Any] | None:
        """Returns the plane: its points, and the standings of the classes in each epoch."""
        if not self._plane:
            return None
        columns = zip(*(point for each in self._plane for point in each.points), strict=True)
        xs, ys = (around(column, self.resolution) for column in columns)
        places = [[x, y] for y in ys for x in xs]
        frames = [_standings(list(map(each.function(), places))) for each in self.snapshots]
        points, notes = [], []
        for which, each in enumerate(self._plane):  # a point held out is 1, another one 0
            chosen = _evenly_chosen(list(range(len(each.points))), MOST_POINTS)
            points += [[*map(_rounded, each.points[i]), each.classes[i], which] for i in chosen]
            if len(chosen) < len(each.points):
                kind = "held-out points" if which else "points"
                notes.append(f"{len(chosen):,} of {len(each.points):,} {kind} are drawn.")
        names = max((each.class_names for each in self._plane), key=len)
        colours = zip(names, cycle(CLASS_COLOURS), strict=False)
        return {
            "side": self.resolution,
            "x": [xs[0], xs[-1]],
            "y": [ys[0], ys[-1]],
            "axes": list(self._plane[0].axis_names),
            "classes": [{"name": name, "colour": colour} for name, colour in colours],
            "points": points,
            "standings": [list(map(_as_bytes, frame)) for frame in frames],
            "note": " ".join(notes),
        }

    def _layers(self) -> list[dict[str, Any]]:
        """Returns the histograms of each layer: the bars of all epochs, and their heights."""
        numbers = {of: [snapshot.numbers(of) for snapshot in self.snapshots] for of in KINDS}

        def histograms(name: str) -> list[Any]:
            return [_histograms(of, [each.get(name, []) for each in numbers[of]]) for of in KINDS]

        names = dict.fromkeys(name for of in KINDS for frame in numbers[of] for name in frame)
        return [{"name": name, "plots": histograms(name)} for name in names]

    def _picture(self) -> str:
        """Returns the picture for readers without scripts; without Matplotlib, a line of text."""
        png = self._static_png()
        if png is None:
            return _NO_PICTURE
        return image(in_page(png), f"{self.title}. {self.captions[0]}", ' data-part="picture"')

    def _static_png(self) -> bytes | None:
        try:
            return self._png
        except ImportError:
            return None

    @cached_property
    def _png(self) -> bytes:
        """All pictures of the first epoch, as the page opens; the later ones may be predicted."""
        import matplotlib.style
        from matplotlib.figure import Figure

        so_far, reach = History(self.history.epochs[: self.epochs[0] + 1]), len(self.history) + 0.5
        draw: list[Any] = []
        for name, curve in (("loss", plots.loss_curve), ("accuracy", plots.accuracy_curve)):
            if any(math.isfinite(logs.get(name, math.nan)) for logs in so_far):
                draw.append(lambda ax, curve=curve: curve(so_far, ax).set_xlim(0.5, reach))
            elif any(name in logs for logs in so_far):  # a loss that was never finite
                draw.append(lambda ax, name=name: ax.set(ylabel=name))
        if self.snapshots:
            first = self.snapshots[0]
            if self._plane:
                draw.append(lambda ax: draw_boundary(first.function(), self._plane, ax))
            draw += [lambda ax, of=of: plots.distributions(first, of, ax) for of in KINDS]
        rows, columns = -(-len(draw) // 3), min(len(draw), 3)
        with matplotlib.style.context("default"):
            figure = Figure(figsize=(5 * columns, 3.8 * rows), dpi=64, layout="constrained")
            for place, one in enumerate(draw, 1):
                one(figure.add_subplot(rows, columns, place))
            file = io.BytesIO()
            figure.savefig(file, format="png", metadata={"Software": None})
        return in_palette(file.getvalue())


def _standings(scores: Sequence[Sequence[float]]) -> list[list[float]]:
    """Returns the standing of each class at each place: its distance to the best class, 0 for it.

    For two classes, one number per place is enough: the lead of the second class over the first.

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
    """Returns the numbers as signed bytes in base64; the largest magnitude becomes 127.

    Only 0 becomes 0, because the boundary is where a number changes its sign.

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
    """Returns for each epoch the count of each bar, and a summary of the numbers in words."""
    finite = [[x for x in numbers if math.isfinite(x)] for numbers in frames]
    everything = sorted(x for numbers in finite for x in numbers)
    if not everything:
        return {"of": of, "bars": None}
    cut = int(TAIL * len(everything))
    low, high = everything[cut], everything[-1 - cut]
    if everything[0] < 0 <= low:
        low = -math.ulp(0.0)  # so that the few negative numbers have a bar left of zero
    if everything[-1] >= 0 > high:
        high = 0.0
    bars = bins_around_zero(low, high, BARS)
    edges = bars.edges
    return {
        "of": of,
        "bars": [bars.first, bars.count, bars.width],
        "counts": [bars.counts(numbers) for numbers in finite],
        "says": [_spread(numbers, edges[0], edges[-1]) for numbers in frames],
    }


def _spread(numbers: list[float], low: float, high: float) -> str:
    """Returns a summary of the numbers, with the count of those beyond low and high.

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
    """Returns at most `limit` of the items, evenly spaced, with the first and the last.

    >>> _evenly_chosen(list(range(10)), 4)
    [0, 3, 6, 9]
    """
    if len(items) <= limit:
        return items
    return [items[round(i * (len(items) - 1) / (limit - 1))] for i in range(limit)]


def _rounded(number: float | None) -> float | None:
    """Returns the number with four digits; None if it is not finite."""
    if number is None or not math.isfinite(number):
        return None
    return float(f"{number:.4g}")


def _two(number: float) -> str:
    return short(float(f"{number:.2g}")).replace("-", "−")


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _table(history: History) -> str:
    """Returns the epochs as the rows of an HTML table, with every number in their logs."""
    found = (entry for logs in history.epochs for entry in logs.items())
    names = dict.fromkeys(name for name, number in found if isinstance(number, float))
    spelled = (name.replace("validation_", "held-out ").replace("_", " ") for name in names)
    rows = [
        [str(epoch), *(_cell(name, logs.get(name)) for name in names)]
        for epoch, logs in enumerate(history.epochs, 1)
    ]
    return as_table(["epoch", *map(html.escape, spelled)], rows)


def _cell(name: str, number: Any) -> str:
    if not isinstance(number, float):
        return "–"
    return _percent(number) if name.endswith("accuracy") else short(number)


_NO_PICTURE = f"""<p data-part="picture">To see a picture without scripts, too, install Matplotlib:
<code>{install("viz")}</code></p>"""
