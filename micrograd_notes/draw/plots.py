"""Pictures of data, training and learned weights, drawn with Matplotlib.

Learners call these functions, in notebooks too. Each one draws into the `ax` that you pass, or
makes one, and returns it, so that a title or `ax.figure.savefig("picture.png")` is one more line.
`side_by_side` puts several of them into one figure. In a notebook, `show(ax, alt="what it shows")`
displays the picture in the page's colours, light or dark, with words for readers who do not see it.

Blue is positive and orange is negative. Beside its colour, a class has a marker, a region a
hatching, a negative weight a minus sign, and a derivative a dashed line. Both colours have a
contrast of 3:1 or more on white and on nearly black. All else has the ink and the paper of
Matplotlib's style. Text has 10 points or more, which `show` makes 10 pixels or more.

This file needs the extra `viz`. It imports Matplotlib when it draws the first picture, and the room
`train` only to read snapshots. Read `figures.py` next, which writes the files.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, cast

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install
from micrograd_notes.draw import figures, page
from micrograd_notes.draw.stepper.flipbook import Flipbook
from micrograd_notes.engine import Value, grad, no_grad
from micrograd_notes.nn import Layer, Neuron

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from micrograd_notes.train.data import Dataset
    from micrograd_notes.train.loop import History
    from micrograd_notes.train.recording import Snapshot

    Inputs = Dataset | Sequence[Sequence[float]]
    Losses = History | Sequence[float | None]

__all__ = [
    "accuracy_curve", "activation_curve", "attention_maps", "curves", "decision_boundary",
    "distributions", "dots_by_seed", "error_curves", "flipbook", "image_gallery", "loss_curve",
    "loss_ladder", "scatter", "show", "side_by_side", "surface", "table_as_image", "tangent",
    "weights_as_images",
]  # fmt: skip

WIDTH = 6.4  # inches: as wide as the text of a page, at 120 pixels per inch
_MOST_PLACES = 1000  # along a side of a grid: a million evaluations take seconds
BLUE = "#2166ac"
ORANGE = "#b35806"
# For three classes and more, each with a contrast of 3:1 on white and on #111.
CLASS_COLOURS = (ORANGE, BLUE, "#1b7837", "#9970ab", "#c51b7d", "#01857a", "#777777")
LINE_COLOURS = ("", BLUE, *(colour for colour in CLASS_COLOURS if colour != BLUE))  # "" is ink
LINE_KINDS = ("-", "--", ":", "-.")
CLASS_MARKERS = ("s", "o", "^", "D", "v", "P")
CLASS_HATCHES = ("///", "", "\\\\\\", "xx", "--", "++", "||")  # dots would be 100 kB


# ---------------------------------------------------------------------------- two dimensions


def scatter(inputs: Inputs, targets: Sequence[float] | None = None, ax: Axes | None = None) -> Axes:
    """Draws the points of a data set with two features; each class has a colour and a marker.

    `inputs` is a `Dataset`, or a list of pairs with their classes in `targets`: numbers from 0, or
    others such as -1 and +1. The larger of two classes is blue and round.
    Raises `ValueError` if a point does not have two numbers, if points and targets differ in
    number, or if the targets of a `Dataset` are not classes.

    >>> ax = scatter([[0.0, 1.0], [2.0, 3.0]], [-1, +1])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['-1', '+1']
    """
    examples = examples_in_the_plane(inputs, targets)
    ax = _axes(ax, (WIDTH, 4.6))
    _draw_points(ax, examples)
    return ax


def decision_boundary(
    model: Callable[[list[float]], Any],
    inputs: Inputs,
    targets: Sequence[float] | None = None,
    ax: Axes | None = None,
    resolution: int = 60,
    threshold: float = 0.0,
) -> Axes:
    """Draws the model's answers around the points, and the points on top.

    The model is evaluated at `resolution` x `resolution` places. A single score above `threshold`
    (0 for a score, 0.5 for a probability) means the second class; of a list, the largest score
    gives the class. A line shows where the answer changes. No gradient is recorded or changed.
    Raises as `scatter` does, and if the model returns fewer scores than there are classes.

    >>> ax = decision_boundary(lambda x: x[0] - x[1], [[0.0, 1.0], [1.0, 0.0]], [-1, +1])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x', 'y')
    """
    checks.function("model", model, 1, "a point, [x, y]")
    resolution = checks.whole_number("resolution", resolution, 2, _MOST_PLACES)
    threshold = checks.finite_number("threshold", threshold)
    examples = examples_in_the_plane(inputs, targets)
    xs, ys = (around(column, resolution) for column in zip(*examples.points, strict=True))
    with no_grad():
        rows = [[_scores(model([x, y]), threshold) for x in xs] for y in ys]
    found = len(rows[0][0])
    if found < len(examples.class_names):
        raise ValueError(
            f"model returns {found} scores for {len(examples.class_names)} classes "
            f"({', '.join(examples.class_names)}). Number the classes from 0, and give the last "
            "layer one neuron per class, or a single neuron for two classes"
        )
    ax = _axes(ax, (WIDTH, 4.6))
    for which in range(found):
        _draw_region(ax, which, xs, ys, [[_lead(scores, which) for scores in row] for row in rows])
    _draw_points(ax, examples)
    ax.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))
    return ax


class Examples(NamedTuple):
    """Points in the plane, the index of each one's class, and the names of classes and axes."""

    points: list[list[float]]
    classes: list[int]
    class_names: list[str]
    axis_names: tuple[str, str]


def examples_in_the_plane(inputs: Inputs, targets: Sequence[float] | None = None) -> Examples:
    """Returns the examples, from a data set or from plain lists."""
    if _is_dataset(inputs):
        if targets is not None:
            raise ValueError(f"inputs is {inputs!r}, which has targets already. Leave out targets")
        if inputs.task == "regression":
            raise ValueError(
                f"inputs must have classes, but the targets of {inputs!r} are quantities. Draw the "
                "points without them: scatter(data.inputs, [0] * len(data))"
            )
        points, classes = inputs.inputs, inputs.targets
        class_names, axis_names = list(inputs.class_names), inputs.feature_names
    else:
        points = _lists("inputs", inputs, 2)
        if targets is None:
            raise ValueError("inputs is a list. Pass targets too, the class of each point")
        targets = _lists("targets", targets, 1)
        if len(points) != len(targets):
            raise ValueError(f"targets must be {len(points)}, one per point, got {len(targets)}")
        labels = _labels(targets)
        classes = [labels.index(target) for target in targets]
        signed = any(label < 0 for label in labels)
        class_names = [f"{label:+g}" if signed else f"{label:g}" for label in labels]
        axis_names = ("x", "y")
    _some("points", points)
    for position, point in enumerate(points):
        if len(point) != 2:
            raise ValueError(
                f"each point must have two features, but example {position} has {len(point)}. "
                'Choose two, for example iris(columns=("petal length", "petal width"))'
            )
    return Examples(points, classes, class_names, (axis_names[0], axis_names[1]))


def _labels(targets: Sequence[float]) -> list[float]:
    """Returns the classes of the targets, in order.

    Classes without points count too, so that a few points have the colours of the whole data set.
    """
    found = sorted(set(targets))
    if all(label in range(100) for label in found):
        return list(range(int(max([1, *found])) + 1))
    return [-1, 1] if set(found) <= {-1, 1} else found


def _draw_points(ax: Axes, examples: Examples) -> None:
    """Draws each class in its colour and marker, with a legend."""
    for which, name in enumerate(examples.class_names):
        members = [p for p, c in zip(examples.points, examples.classes, strict=True) if c == which]
        if not members:
            continue
        across, up = zip(*members, strict=True)
        size = 46 if ax.bbox.width / ax.figure.dpi > 3 else 16  # a panel is a few inches wide
        dots = ax.scatter(across, up, s=size, marker=_nth(CLASS_MARKERS, which), zorder=3)
        dots.set(color=_nth(CLASS_COLOURS, which), label=name)
        dots.set(edgecolors=[_ink()], linewidths=0.7)  # a rim separates neighbours
    ax.set(xlabel=examples.axis_names[0], ylabel=examples.axis_names[1])
    _draw_legend(ax)


def _scores(answer: Any, threshold: float) -> list[float]:
    """Returns one number per class; the largest is the model's choice."""
    answer = checks.plain(answer)
    given = answer if isinstance(answer, list | tuple) else [answer]
    scores = [_number("each score of model", score) for score in given]
    if not scores or not all(map(math.isfinite, scores)):
        raise ValueError(f"model must return finite scores, got {checks.shown(answer)}")
    return scores if len(scores) > 1 else [threshold - scores[0], scores[0] - threshold]


def _lead(scores: Sequence[float], which: int) -> float:
    """Returns the lead of a class over the best other one, above 0 where the class is chosen."""
    return scores[which] - max(score for other, score in enumerate(scores) if other != which)


def _draw_region(
    ax: Axes, which: int, xs: list[float], ys: list[float], leads: list[list[float]]
) -> None:
    """Draws the region of a class: a pale colour, a hatching, and its border as a line."""
    highest = max(map(max, leads))
    if highest <= 0:
        return
    colour = _nth(CLASS_COLOURS, which)
    levels = [0.0, highest]
    ax.contourf(xs, ys, leads, levels=levels, colors=[colour], alpha=0.2)
    hatches = [_nth(CLASS_HATCHES, which)]
    hatching = ax.contourf(xs, ys, leads, levels=levels, colors="none", hatches=hatches)
    hatching.set(edgecolor=(colour, 0.35), linewidth=0.0)
    if min(map(min, leads)) < 0:
        ax.contour(xs, ys, leads, levels=[0.0], colors=[_ink()], linewidths=1.6, linestyles="solid")


def around(column: Sequence[float], count: int) -> list[float]:
    """Returns evenly spaced places that reach a little beyond the column's numbers."""
    low, high = min(column), max(column)
    margin = 0.15 * (high - low) or 1.0
    return _evenly_spaced(low - margin, high + margin, count)


# ---------------------------------------------------------------------------- training


def loss_curve(history: Losses, ax: Axes | None = None, label: str | None = None) -> Axes:
    """Draws the loss after each epoch, and the loss on held-out data as a dashed line.

    `history` is the result of `fit`, or a plain list of losses, one per step. To compare runs, draw
    each into the same `ax` with its own `label`: each then has a colour and a marker. An entry that
    is missing or not finite leaves a gap. A list begins at step 0, with the loss before any step; a
    history begins at epoch 1, during which its first loss was measured.
    Raises `ValueError` if there is no loss.

    >>> loss_curve([0.9, 0.5, 0.3]).get_xlabel()
    'step'
    >>> ax = loss_curve([0.9, 0.5], label="lr=0.1")
    >>> ax = loss_curve([0.9, 0.8], ax, label="lr=0.01")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['lr=0.1', 'lr=0.01']
    """
    losses = _column(history, "loss")
    ax = _draw_curve(history, "loss", ax, label)
    if all(loss >= 0 for loss in losses if loss is not None):
        # The axis begins at 0 but is not fixed there, because a logarithmic axis has no 0.
        ax.update_datalim([(1.0, 0.0)], updatex=False)
        ax.lines[-1].sticky_edges.y.append(0.0)
    return ax


def accuracy_curve(history: History, ax: Axes | None = None, label: str | None = None) -> Axes:
    """Draws the share of right answers after each epoch, and the share on held-out data, dashed.

    `label` is as for `loss_curve`. Raises `ValueError` if the history does not have an accuracy, as
    where the targets are not classes.

    >>> from micrograd_notes import History
    >>> ax = accuracy_curve(History([{"accuracy": 0.5}, {"accuracy": 0.9}]))
    >>> ax.get_ylabel(), ax.get_xlabel()
    ('accuracy', 'epoch')
    """
    ax = _draw_curve(history, "accuracy", ax, label)
    ax.set_ylim(0.0, 1.02)  # a little above 1, for a line that runs along it
    return ax


def _draw_curve(history: Losses, name: str, ax: Axes | None, label: str | None) -> Axes:
    """Draws a column of the history as a line, and that of held-out data as a dashed line."""
    numbers, held_out = _column(history, name), _column(history, f"validation_{name}")
    if not any(map(math.isfinite, map(_finite, numbers))):
        raise ValueError(f"there is no {name} to draw in history, got {checks.shown(history)}")
    label = label if label is None else _label("label", label)
    ax = _axes(ax, (WIDTH, 4.0))
    from matplotlib.ticker import MaxNLocator

    runs = sum(line.get_gid() == _RUN for line in ax.lines)
    looks = [("training", _ink(), "o"), ("held out", BLUE, "s")]
    if label is not None:
        look = _nth(CLASS_COLOURS, runs), _nth(CLASS_MARKERS, runs)
        looks = [(label, *look), (f"{label}, held out", *look)]
    # Few points have markers, because a line through one point can't be seen. A run among others
    # has some too, so that its colour is not its only sign.
    is_short = len(numbers) < 30
    mark = 5.0 if is_short or label is not None else 0.0
    first = 1 if _is_history(history) else 0
    every = None if is_short else max(len(numbers) // 10, 1)
    for (text, colour, marker), column in zip(looks, (numbers, held_out), strict=True):
        if column:
            style = "-" if column is numbers else "--"
            ys = [_finite(number) for number in column]
            (line,) = ax.plot(range(first, first + len(ys)), ys, style, color=colour, linewidth=2.0)
            line.set(marker=marker, markersize=mark, markevery=every, label=text)
            line.set_gid(_RUN if style == "-" else None)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="epoch" if _is_history(history) else "step", ylabel=name)
    if held_out or label is not None:
        _draw_legend(ax)
    return ax


_RUN = "run"  # marks the first line of each run


def _column(history: Losses, name: str) -> list[float | None]:
    """Returns the numbers of that name, an empty list if there are none."""
    if _is_history(history):
        numbers = history[name] if any(name in logs for logs in history.epochs) else []
    else:
        numbers = [*checks.listed("history", history)] if name == "loss" else []
    return [x if x is None else _number("each of history", x) for x in numbers]


def dots_by_seed(
    groups: Mapping[str, Sequence[float]], ax: Axes | None = None, of: str = "loss"
) -> Axes:
    """Draws a dot per run, for example per seed, with the median and the spread of each group.

    `groups` has the numbers of the runs by the name of their setting, and `of` says what they are.
    A line reaches from the lowest run to the highest. A run that is not finite is counted beside
    the name. Raises `ValueError` if there is no group, or if a group has no finite number.

    >>> ax = dots_by_seed({"rate 0.1": [0.5, 0.25, 0.75], "rate 9": [0.5, float("inf")]})
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['rate 0.1', 'rate 9\\n1 of 2 not finite']
    """
    names, runs = [], []
    for name, given in _some("groups", _by_name("groups", groups)):
        numbers = [_number("each of groups", x) for x in checks.listed("groups", given)]
        runs.append(_some(f"finite numbers of {name!r}", sorted(filter(math.isfinite, numbers))))
        lost = len(numbers) - len(runs[-1])
        names.append(name + (f"\n{lost} of {len(numbers)} not finite" if lost else ""))
    ax = _axes(ax, (WIDTH, 0.8 + 0.7 * len(runs)))
    for y, numbers in enumerate(runs):
        middle = statistics.median(numbers)
        ax.plot([numbers[0], numbers[-1]], [y, y], color=_ink(), linewidth=1.0)
        # Neighbours are a little above or below the line, so that each dot can be counted.
        heights = [y + 0.12 * (place % 3 - 1) for place in range(len(numbers))]
        ax.plot(numbers, heights, "o", color=BLUE, markersize=6.0, markeredgecolor=_ink())
        ax.plot([middle, middle], [y - 0.3, y + 0.3], color=_ink(), linewidth=3.0)
        ax.text(middle, y - 0.33, f"{middle:.3g}", ha="center", va="bottom")
    ax.set_yticks(range(len(names)), names)
    of = checks.text("of", of)
    ax.set(xlabel=f"{of}: a dot per run, a bar for the median", ylim=(len(runs) - 0.5, -0.7))
    return ax


def loss_ladder(rungs: Mapping[str, float], ax: Axes | None = None, of: str = "loss") -> Axes:
    """Draws the losses of models, by their names, as a ladder with the best at the bottom.

    Beside each loss stands its difference to the rung above it.
    Raises `ValueError` if there is no rung, or if a loss is not finite.

    >>> ax = loss_ladder({"pairs": 2.5, "guessing": 3.25, "triples": 2.25})
    >>> [text.get_text() for text in ax.texts]
    ['3.25', '2.5 (−0.75)', '2.25 (−0.25)']
    """
    given = _some("rungs", _by_name("rungs", rungs))
    found = [(name, _number("each of rungs", loss)) for name, loss in given]
    drawn = sorted(
        found, key=lambda rung: -checks.finite_number(f"the loss of {rung[0]!r}", rung[1])
    )
    ax = _axes(ax, (WIDTH, 0.7 + 0.42 * len(drawn)))
    ys, losses = range(len(drawn)), [loss for _, loss in drawn]
    ax.hlines(ys, losses[-1], losses, colors=_ink(), linewidths=0.6, linestyles=":")
    ax.step(losses, ys, where="post", color=_ink(), linewidth=1.0)
    ax.plot(losses, ys, "o", color=BLUE, markersize=8.0)
    for y, loss in zip(ys, losses, strict=True):
        gain = f" (−{losses[y - 1] - loss:.3g})" if y else ""
        ax.annotate(f"{loss:.4g}{gain}", (loss, y), (9, 0), textcoords="offset points", va="center")
    reach = (losses[0] - losses[-1]) or 1.0
    ax.set(xlabel=checks.text("of", of), xlim=(losses[-1] - 0.06 * reach, losses[0] + 0.45 * reach))
    ax.set_yticks(ys, [name for name, _ in drawn])
    ax.invert_yaxis()
    return ax


def distributions(
    history: History | Snapshot, of: str = "weights", ax: Axes | None = None, bins: int = 30
) -> Axes:
    """Draws the spread of the numbers in each layer: one histogram per layer, on one axis.

    `history` is a `Snapshot`, or the result of `fit` with a `Recorder` as its callback, whose last
    snapshot is drawn. `of` is "weights" (with the biases), "gradients" or "activations". Blue bars
    are right of zero, orange bars left. The highest bar of each layer has the same height.
    Raises `ValueError` if there is no snapshot, or if it does not have numbers of that kind.

    >>> from micrograd_notes.train.data import xor
    >>> from micrograd_notes.nn import MLP
    >>> from micrograd_notes.train.recording import Recorder
    >>> from micrograd_notes.train.loop import fit
    >>> model = MLP(2, [4, 1], seed=0)
    >>> history = fit(model, xor(), epochs=1, callback=Recorder(model, xor()), progress=False)
    >>> ax = distributions(history, of="gradients")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['layers[0]', 'layers[1]']
    """
    bins = checks.whole_number("bins", bins, 1, _MOST_PLACES)
    layers = {
        name: list(filter(math.isfinite, numbers))
        for name, numbers in _last_snapshot(history).numbers(of).items()
    }
    everything = [number for numbers in layers.values() for number in numbers]
    if not everything:
        raise ValueError(f"there are no {of} to draw in {history!r}")
    bars = bins_around_zero(min(everything), max(everything), bins)
    ax = _axes(ax, (WIDTH, 1.2 + 1.1 * len(layers)))
    for row, numbers in enumerate(layers.values()):
        counts = bars.counts(numbers)
        heights = [0.8 * count / (max(counts) or 1) for count in counts]
        colours = [ORANGE if right <= 0 else BLUE for right in bars.edges[1:]]
        ax.bar(bars.edges[:-1], heights, bars.width, -row, align="edge", color=colours)
        ax.axhline(-row, color=_ink(), linewidth=0.8)
    ax.axvline(0.0, color=_ink(), linewidth=0.8, linestyle=":")
    ax.set_yticks([-row for row in range(len(layers))], list(layers))
    ax.set(xlabel=of, ylim=(0.85 - len(layers), 0.95))
    return ax


@dataclass(frozen=True)
class Bins:
    """Bars of one width, side by side. Zero is an edge, so that no bar has both signs.

    >>> bins_around_zero(-1.0, 2.0, 6)
    Bins(first=-2, count=6, width=0.5)
    """

    first: int  # the left edge of the first bar, counted in bars from zero
    count: int
    width: float

    @property
    def edges(self) -> list[float]:
        """The left edges of all bars, and the right edge of the last."""
        return [(self.first + place) * self.width for place in range(self.count + 1)]

    def counts(self, numbers: Sequence[float]) -> list[int]:
        """Returns the count of numbers in each bar; numbers beyond count in the outermost bar.

        >>> Bins(-1, 3, 1.0).counts([-0.5, 0.0, 1.5, 7.0])
        [1, 1, 2]
        """
        counts = [0] * self.count
        for number in numbers:
            place = math.floor(number / self.width) - self.first
            counts[min(max(place, 0), self.count - 1)] += 1
        return counts


def bins_around_zero(low: float, high: float, at_most: int) -> Bins:
    """Returns about `at_most` bars from low to high, and over zero.

    Zero counts as positive: if high is 0, there is a bar right of it; if low is less, one left.

    >>> bins_around_zero(-2.0, 0.0, 4).edges
    [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5]
    """
    width = (max(high, 0.0) - min(low, 0.0)) / at_most or 1.0
    # An end within a rounding error of an edge needs no bar beyond it.
    first = min(math.floor(low / width + 1e-9), 0 if low >= 0 else -1)
    last = max(math.ceil(high / width - 1e-9), 0 if high < 0 else 1)
    return Bins(first, last - first, width)


def _last_snapshot(history: History | Snapshot) -> Snapshot:
    from micrograd_notes.train.recording import Snapshot, snapshots_of

    if isinstance(history, Snapshot):
        return history
    found = snapshots_of(history)
    if not found:
        advice = "Train with fit(model, data, callback=Recorder(model, data))"
        raise ValueError(f"history must have snapshots, got {history!r:.80}. {advice}")
    return found[-1][1]


# ---------------------------------------------------------------------------- functions of a number


# They include thirds of the width, and halves down to 256ths, so that folds keep their corners.
CURVE_POINTS = 3 * 256 + 1


def activation_curve(
    function: Callable[[Value], Any],
    ax: Axes | None = None,
    start: float = -4.0,
    stop: float = 4.0,
    name: str | None = None,
) -> Axes:
    """Draws a function of one number, as a solid line, and its derivative, as a dashed one.

    `function` is an operation or any function from a `Value` to a `Value`, and `name` its name in
    the legend. Blue under the dashed line means that the function rises there, orange that it
    falls. The lines have gaps where the function jumps or is not defined, and a branch that goes to
    infinity leaves the picture.

    >>> from micrograd_notes.engine.ops import leaky_relu, tanh
    >>> ax = activation_curve(tanh)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['tanh', 'its derivative']
    >>> ax = activation_curve(lambda x: leaky_relu(x, 0.2), name="leaky relu, slope 0.2")
    """
    checks.function("function", function, 1, "one Value")
    name = name if name is None else _label("name", name)
    start, stop = _interval("start and stop", (start, stop))
    xs = _evenly_spaced(start, stop, CURVE_POINTS)
    pairs = [_value_and_slope(function, x) for x in xs]
    values = _with_gaps([value for value, _ in pairs])
    if all(map(math.isnan, values)):
        raise ValueError(f"function is nowhere finite between start={start} and stop={stop}")
    slopes = _with_gaps([slope for _, slope in pairs])
    ax = _axes(ax, (WIDTH, 4.0))
    ax.axhline(0.0, color=_ink(), linewidth=0.6)
    ax.axvline(0.0, color=_ink(), linewidth=0.6)
    label = name or getattr(function, "name", None) or getattr(function, "__name__", "f")
    ax.plot(xs, values, color=_ink(), linewidth=2.2, label="f" if label == "<lambda>" else label)
    ax.plot(xs, slopes, color=BLUE, linewidth=2.0, linestyle="--", label="its derivative")
    for colour, rising in ((BLUE, True), (ORANGE, False)):
        side = [slope > 0 if rising else slope < 0 for slope in slopes]
        ax.fill_between(xs, slopes, 0.0, where=side, color=colour, alpha=0.18, linewidth=0.0)
    ax.set(xlabel="x", xlim=(start, stop))
    if any(math.isnan(y) for y in values):
        ax.set_ylim(*_window(values, slopes))
    _draw_legend(ax)
    return ax


def tangent(
    function: Callable[[Value], Any],
    at: float,
    ax: Axes | None = None,
    start: float = -2.0,
    stop: float = 2.0,
    nudges: Sequence[float] = (),
    parabola: bool = False,
) -> Axes:
    """Draws a function of one number, and the tangent whose slope is its derivative at a place.

    Each of `nudges` is a triangle, as wide as the nudge and as high as the function rises; its long
    side is the secant. `parabola` adds the one with the same height, slope and second derivative,
    and a diamond where it turns, which is Newton's next step.
    Raises `ValueError` if the function or its slope is not finite there, and for a nudge of 0.

    >>> ax = tangent(lambda x: x * x, 1.0, nudges=[0.5])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['f', 'tangent at 1, slope 2', 'nudge 0.5, slope 2.5']
    """
    checks.function("function", function, 1, "one Value")
    leaf, parabola = Value(checks.finite_number("at", at)), checks.flag("parabola", parabola)
    nudges = [checks.finite_number("each of nudges", x) for x in checks.listed("nudges", nudges)]
    checks.instance("the result of function", function(leaf), Value, "a Value")
    (first,) = grad(function(leaf), [leaf])
    y, slope = _number("function(at)", function(leaf)), first.data
    if not math.isfinite(y + slope) or 0.0 in nudges:
        raise ValueError(
            f"function must have a slope at {at}, and nudges must not be 0, got a height of {y}, a "
            f"slope of {slope} and nudges={nudges}. Choose another place, or other nudges"
        )
    lines: dict[str, Callable[[float], Any]] = {"f": lambda x: function(Value(x))}
    lines[f"tangent at {at:g}, slope {slope:.4g}"] = lambda x: y + slope * (x - at)
    bend = grad(first, [leaf])[0].data if parabola and first.requires_grad else 0.0
    if parabola:
        name = f"parabola, second derivative {bend:.4g}"
        lines[name] = lambda x: y + (x - at) * (slope + bend / 2 * (x - at))
    ax = curves(lines, start, stop, [(at, y)], ax)
    ax.lines[-1].set_label("_at")  # no example, so that the legend leaves it out
    ax.set_ylim(*_window(cast("list[float]", ax.lines[0].get_ydata())))
    if bend:
        turn = at - slope / bend
        ax.plot(turn, lines[name](turn), "D", color=ORANGE, label=f"turns at {turn:.4g}")
    for which, nudge in enumerate(nudges):
        x, end = at + nudge, _number("function(x)", function(Value(at + nudge)))
        ax.plot([at, x, x], [y, y, end], ":", color=_ink(), linewidth=1.4)
        (secant,) = ax.plot([at, x], [y, end], color=_nth(CLASS_COLOURS[3:], which), linewidth=1.4)
        secant.set(marker=_nth(CLASS_MARKERS, which), markevery=[1])
        secant.set_label(f"nudge {nudge:g}, slope {(end - y) / nudge:.4g}")
    _draw_legend(ax)
    return ax


def _value_and_slope(function: Callable[[Value], Any], x: float) -> tuple[float, float]:
    """Returns the function and its derivative at x; NaN for both if it is not defined there."""
    leaf = Value(x)
    try:
        result = function(leaf)
    except (ValueError, ArithmeticError):
        return math.nan, math.nan
    if isinstance(result, Value) and result.requires_grad:
        result.backward()
    return _number("function(x)", result), leaf.grad


def _with_gaps(ys: list[float]) -> list[float]:
    """Returns the numbers, with NaN instead of each number before a jump, to lift the pen.

    A step is a jump if it is a twentieth of the whole range and five times a neighbouring step. On
    a smooth curve of so many points, steps are far smaller and alike.
    """
    finite = [y for y in ys if math.isfinite(y)]
    reach = max(finite) - min(finite) if finite else 0.0
    gapped = [_finite(y) for y in ys]
    steps = [abs(after - before) for before, after in pairwise(ys)]
    for index in range(1, len(steps) - 1):
        neighbour = min(steps[index - 1], steps[index + 1])
        if steps[index] > 0.05 * reach and steps[index] > 5 * neighbour:
            gapped[index] = math.nan
    return gapped


def _window(*curves: list[float]) -> tuple[float, float]:
    """Returns the lowest and the highest number to show of curves that may go to infinity.

    The window holds the middle 80% of each curve, and at most as much again on either side.
    """
    lows, highs = [0.0], [0.0]
    for curve in curves:
        ys = sorted(y for y in curve if math.isfinite(y))
        if ys:
            low, high = ys[len(ys) // 10], ys[-1 - len(ys) // 10]
            lows.append(max(ys[0], low - (high - low)))
            highs.append(min(ys[-1], high + (high - low)))
    margin = 0.05 * (max(highs) - min(lows)) or 1.0
    return min(lows) - margin, max(highs) + margin


CONTOURS = 10


def surface(
    function: Callable[[float, float], Any],
    x: tuple[float, float] = (-1.0, 1.0),
    y: tuple[float, float] = (-1.0, 1.0),
    paths: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    ax: Axes | None = None,
    resolution: int = 81,
) -> Axes:
    """Draws a function of two numbers as a map with contour lines, and paths on it.

    `x` and `y` are the (start, stop) of the map. Each contour is half as high above the lowest
    place as the next one outside it, so that there are lines near the bottom too; the outer ones
    are labelled with their height. `paths` has the places of each path by its name; each path has
    its own colour, marker and kind of line, and is cut off at the edge of the map.
    Raises `ValueError` for a map without width or height, and for a function that is not finite.

    >>> valley = lambda a, b: a * a + 9 * b * b
    >>> ax = surface(valley, paths={"two steps": [(1.0, 0.5), (0.8, -0.4), (0.64, 0.32)]})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['two steps']
    """
    checks.function("function", function, 2, "two numbers")
    x, y = _interval("x", x), _interval("y", y)
    resolution = checks.whole_number("resolution", resolution, 2, _MOST_PLACES)
    walks = [(name, _pairs("paths", places)) for name, places in _by_name("paths", paths)]
    xs, ys = _evenly_spaced(*x, resolution), _evenly_spaced(*y, resolution)
    with no_grad():
        heights = [[_number("function(x, y)", function(a, b)) for a in xs] for b in ys]
    lowest, highest = min(map(min, heights)), max(map(max, heights))
    if not all(math.isfinite(height) for row in heights for height in row):
        raise ValueError("function must be finite everywhere on the map. Choose another x and y")
    ax = _axes(ax, (WIDTH, 4.6))
    if lowest < highest:
        levels = [lowest + (highest - lowest) / 2**k for k in range(CONTOURS, 0, -1)]
        lines = ax.contour(xs, ys, heights, levels=levels, colors=[_ink()], linewidths=0.7)
        ax.clabel(lines, levels[CONTOURS // 2 :], fontsize=10, fmt="%.3g")  # others are too close
    for which, (name, places) in enumerate(walks):
        (line,) = ax.plot([a for a, _ in places], [b for _, b in places], _nth(LINE_KINDS, which))
        line.set(color=_nth(CLASS_COLOURS, which), linewidth=1.8, label=name)
        line.set(marker=_nth(CLASS_MARKERS, which), markersize=5.0)
    ax.set(xlim=x, ylim=y)
    if walks:
        _draw_legend(ax)
    return ax


# ---------------------------------------------------------------------------- images


def image_gallery(
    images: Dataset | Sequence[Sequence[Any]],
    labels: Sequence[object] | None = None,
    shape: tuple[int, int] | None = None,
    ax: Axes | None = None,
    limit: int = 20,
    columns: int = 10,
) -> Axes:
    """Draws pictures, such as digits, in rows, each with its label above.

    `images` is a `Dataset` of pictures, or a list of pictures: each a list of rows, or a flat list
    together with `shape`, which is (rows, columns). `labels` are the class names by default. At
    most `limit` pictures are drawn; the title then has the number of all.
    Raises `ValueError` for pictures of another shape, and for too few labels.

    >>> ax = image_gallery([[0.0, 0.5, 1.0, 0.0]], labels=["a stroke"], shape=(2, 2))
    >>> ax.get_title()
    ''
    """
    if _is_dataset(images):
        shape = shape or images.image_shape
        if labels is None:  # targets that are not classes are written as they are
            names = images.class_names
            labels = [names[target] if names else f"{target:.4g}" for target in images.targets]
        images = images.inputs
    images = _some("pictures", checks.examples("images", images))
    limit = checks.whole_number("limit", limit)
    drawn = [_picture(f"picture {i}", image, shape) for i, image in enumerate(images[:limit])]
    titles = _names("labels", [""] * len(images) if labels is None else labels, len(images))[:limit]
    pixels = [x for image in drawn for row in image for x in row]
    grid = _Grid.of(drawn, columns)
    width, height = grid.inches(1.05, titles)
    ax = _axes(ax, (width, height + (0.3 if len(images) > limit else 0.0)))
    _draw_tiles(ax, grid, drawn, titles, _colours(False), (min(pixels), max(pixels)))
    for each in ax.images:
        each.set_gid(figures.INK)
    if len(images) > limit:
        ax.set_title(f"{limit} of {len(images)}")
    return ax


def weights_as_images(
    neurons: Layer | Sequence[Neuron],
    shape: tuple[int, int],
    ax: Axes | None = None,
    columns: int = 5,
) -> Axes:
    """Draws the weights of neurons whose inputs are pixels as pictures, one per neuron.

    Blue means that ink there excites the neuron, orange with a minus sign that it inhibits it. A
    stronger weight has a deeper colour and a longer sign, on one scale for all; a weight below a
    tenth of the strongest has no sign. `shape` is (rows, columns). Biases are left out.
    Raises `ValueError` if a neuron does not have rows x columns weights.

    >>> from micrograd_notes.nn import Layer
    >>> ax = weights_as_images(Layer(4, 3, seed=0), shape=(2, 2))
    >>> len(ax.images)
    3
    """
    neurons = neurons.neurons if isinstance(neurons, Layer) else checks.listed("neurons", neurons)
    for neuron in _some("neurons", neurons):
        checks.instance("each of neurons", neuron, Neuron, "a Neuron")
    titles = [f"neuron {index}" for index in range(len(neurons))]
    weights = [[weight.data for weight in neuron.w] for neuron in neurons]
    images = [_picture(title, each, shape) for title, each in zip(titles, weights, strict=True)]
    strongest = max(abs(x) for image in images for row in image for x in row) or 1.0
    grid = _Grid.of(images, columns)
    ax = _axes(ax, grid.inches(1.3, titles, SCALE_ROOM))
    _draw_tiles(ax, grid, images, titles, _colours(), (-strongest, strongest))
    _draw_minus_signs(ax, grid, images, strongest)
    _draw_scale(ax, (grid.right + 0.15, grid.bottom, 0.12, -grid.bottom))
    ax.text(grid.right + 0.15, 0.04, "weight", va="bottom")
    ax.set_xlim(right=grid.right + SCALE_ROOM)
    return ax


GAP = 0.12  # between tiles
TITLE_ROOM = 0.36  # above a tile, for its title
SCALE_ROOM = 0.75  # beside all tiles, for the scale of colours


class _Grid(NamedTuple):
    """The places of tiles, in units of the width of one; rows go down from 0."""

    tiles: int
    columns: int
    tile_height: float

    @staticmethod
    def of(images: list[list[list[float]]], columns: int) -> _Grid:
        """Returns the grid for pictures of one shape in at most so many columns."""
        columns = checks.whole_number("columns", columns)
        shapes = {(len(image), len(image[0])) for image in images}
        if len(shapes) > 1:
            raise ValueError(f"all pictures must have one shape, got {sorted(shapes)}")
        ((rows, cells),) = shapes
        return _Grid(len(images), min(columns, len(images)), rows / cells)

    def corner(self, index: int) -> tuple[float, float]:
        """Returns the lower left corner of a tile."""
        row, column = divmod(index, self.columns)
        return column * (1 + GAP), -self.tile_height - row * (self.tile_height + GAP + TITLE_ROOM)

    @property
    def right(self) -> float:
        """The right edge of the last column."""
        return self.columns * (1 + GAP) - GAP

    @property
    def bottom(self) -> float:
        """The lower edge of the last row."""
        return self.corner(self.tiles - 1)[1]

    def inches(
        self, largest: float, titles: Sequence[str], beside: float = 0.0
    ) -> tuple[float, float]:
        """Returns the size of a figure as wide as the text, with room on the right.

        It is narrower if the tiles would be larger than `largest`, and wider for long titles.
        """
        width = self.right + GAP + beside
        tile = max(min(largest, WIDTH / width), 0.115 * max(map(len, titles)))
        return tile * width, tile * (TITLE_ROOM + GAP - self.bottom)


def _picture(what: str, image: Sequence[Any], shape: tuple[int, int] | None) -> list[list[float]]:
    """Returns the picture as rows of numbers; a flat one is folded by `shape`."""
    shape = None if shape is None else checks.shape("shape", shape)
    if not isinstance(image, list) or image in ([], [[]]):
        raise ValueError(f"{what} must hold one number or more, got {checks.shown(image)}")
    if isinstance(image[0], list):
        rows: list[list[float]] = _lists(what, image, 2)
        widths = {len(row) for row in rows}
        if len(widths) != 1:
            raise ValueError(f"{what} has rows of different lengths. Give all rows one length")
        if shape not in (None, (len(rows), *widths)):
            raise ValueError(f"shape={shape} is not that of {what}, which has rows. Leave it out")
        return rows
    if shape is None:
        raise ValueError(f"{what} is a flat list of {len(image)}. Pass its shape=(rows, columns)")
    height, width = shape
    if height * width != len(image):
        raise ValueError(
            f"{what} has {len(image)} numbers, which do not fill {height} rows of {width}. Pass "
            "the shape=(rows, columns) whose product is that number"
        )
    pixels = _lists(what, image, 1)
    return [pixels[row * width : (row + 1) * width] for row in range(height)]


def _draw_tiles(
    ax: Axes,
    grid: _Grid,
    images: list[list[list[float]]],
    titles: list[str],
    colours: Colormap,
    limits: tuple[float, float],
) -> None:
    """Draws each picture in its place, in a thin frame, with its title above."""
    for index, (image, title) in enumerate(zip(images, titles, strict=True)):
        left, bottom = grid.corner(index)
        top = bottom + grid.tile_height
        extent = (left, left + 1, bottom, top)
        ax.imshow(image, cmap=colours, vmin=limits[0], vmax=limits[1], extent=extent).set(
            interpolation="none"
        )
        _draw_frame(ax, (left, bottom), 1, grid.tile_height)
        ax.text(left + 0.5, top + 0.04, title, ha="center", va="bottom")
    ax.set(xlim=(-0.05, grid.right + 0.05), ylim=(grid.bottom - 0.05, TITLE_ROOM), aspect="equal")
    ax.set_axis_off()


def _draw_minus_signs(
    ax: Axes, grid: _Grid, images: list[list[list[float]]], strongest: float
) -> None:
    """Draws a minus sign in each negative cell, as long as the weight is strong."""
    from matplotlib.collections import LineCollection

    signs = []
    for index, image in enumerate(images):
        left, bottom = grid.corner(index)
        cell = 1 / len(image[0])
        for row, weights in enumerate(reversed(image)):
            for column, weight in enumerate(weights):
                if weight < -0.1 * strongest:  # a weaker weight needs no sign
                    x, y = left + (column + 0.5) * cell, bottom + (row + 0.5) * cell
                    half = 0.35 * cell * -weight / strongest
                    signs.append([(x - half, y), (x + half, y)])
    ax.add_collection(LineCollection(signs, colors=[_ink()], linewidths=1.4, capstyle="butt"))


def _draw_scale(ax: Axes, place: tuple[float, float, float, float]) -> None:
    """Draws the scale of colours at (left, bottom, width, height), in units of the picture."""
    scale = ax.figure.colorbar(ax.images[-1], cax=ax.inset_axes(place, transform=ax.transData))
    cast("Any", scale.solids).set_rasterized(True)  # one small image instead of hundreds of areas


def curves(
    functions: Mapping[str, Callable[[float], Any]],
    start: float,
    stop: float,
    points: Sequence[tuple[float, float]] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draws functions of one number in one picture, such as a target and networks that fit it.

    Each has its own colour and kind of line, and its name in the legend; the first is drawn in ink.
    `points` are the examples, pairs of x and y. A function may return numbers or `Value`s; no
    gradient is recorded.
    Raises `ValueError` if there is no function, or if start is not below stop.

    >>> ax = curves({"x": lambda x: x, "its square": lambda x: x * x}, 0.0, 1.0)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['x', 'its square']
    """
    drawn = _by_name("functions", functions)
    for _, function in drawn:
        checks.function("each of functions", function, 1, "one number")
    _some("functions", drawn)
    start, stop = _interval("start and stop", (start, stop))
    dots = _pairs("points", _lists("points", points, 2))
    xs = _evenly_spaced(start, stop, CURVE_POINTS)
    with no_grad():
        said = "the result of {} in functions"
        heights = [[_number(said.format(name), of(x)) for x in xs] for name, of in drawn]
    ax = _axes(ax, (WIDTH, 4.0))
    for which, ((name, _), ys) in enumerate(zip(drawn, heights, strict=True)):
        _draw_line(ax, which, xs, ys, name)
    if dots:
        across, up = zip(*dots, strict=True)
        ax.plot(across, up, "o", color=_ink(), markersize=4.5, label="examples")
    ax.set(xlabel="x", xlim=(start, stop))
    _draw_legend(ax)
    return ax


def _draw_line(ax: Axes, which: int, xs: list[float], ys: list[float], name: str) -> None:
    """Draws a curve in the look of that number; stairs as a thin line, as dashes look like them."""
    steps = [abs(after - before) for before, after in pairwise(ys)]
    risers = sum(
        step > 5 * (before + after)
        for before, step, after in zip(steps, steps[1:], steps[2:], strict=False)
    )
    kind, width = ("-", 1.2) if risers > 8 and which else (_nth(LINE_KINDS, which), 2.2)
    colour = _nth(LINE_COLOURS, which) or _ink()
    ax.plot(xs, ys, kind, color=colour, linewidth=width, label=name)


def error_curves(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    ax: Axes | None = None,
    floor: float = 1e-17,
) -> Axes:
    """Draws errors over x on a logarithmic axis; each curve is a list of pairs, x and error.

    An error below `floor`, such as 0, is drawn at the floor; nan leaves a gap.
    Raises `ValueError` if there is no curve, or if floor is not positive.

    >>> ax = error_curves({"one step": [(0.0, 1e-3), (1.0, 0.0)]})
    >>> ax.get_yscale(), [float(y) for y in ax.lines[0].get_ydata()]
    ('log', [0.001, 1e-17])
    """
    drawn = [(name, _pairs("curves", pairs)) for name, pairs in _by_name("curves", curves)]
    _some("curves", [pairs for _, pairs in drawn if pairs])
    floor = checks.finite_number("floor", floor, 5e-324, advice=". It must be above 0")
    ax = _axes(ax, (WIDTH, 4.0))
    for which, (name, pairs) in enumerate(drawn):
        xs = [x for x, _ in pairs]
        ys = [max(abs(error), floor) if math.isfinite(error) else math.nan for _, error in pairs]
        _draw_line(ax, which, xs, ys, name)
    ax.set(yscale="log", ylabel="error")
    ax.set_ylim(bottom=floor)
    _draw_legend(ax)
    return ax


# ---------------------------------------------------------------------------- tables of numbers

CELL = 0.44  # inches, with room for three small digits
UNDER_TEXT = 0.6  # the depth of the deepest colour that ink can be read on, light and dark


def table_as_image(
    table: Sequence[Sequence[Any]],
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    ax: Axes | None = None,
    written: str | None = "{:.2g}",
) -> Axes:
    """Draws a table of numbers, such as a matrix, as a picture with one cell per number.

    Blue is positive, orange is negative, and the colour deepens with the distance from 0. `written`
    is the format of the number in its cell; None, for large tables, draws small empty cells and a
    scale of the colours. `rows` are the names on the left, `columns` those above. The numbers may
    be `Value`s.
    Raises `ValueError` for an empty or ragged table, for too few names, and for a wrong format.

    >>> ax = table_as_image([[1.0, -2.0]], rows=["row"], columns=["left", "right"])
    >>> [text.get_text() for text in ax.texts]
    ['1', '-2', 'left', 'right', 'row']
    """
    numbers = _picture("the table", _lists("table", table, 2), None)
    beside_it = [] if rows is None else _names("rows", rows, len(numbers))
    above_it = [] if columns is None else _names("columns", columns, len(numbers[0]))
    try:
        _ = written is None or checks.text("written", written).format(0.5)
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        expected = "written must be a format of one number, like '{:.2g}'"
        raise ValueError(f"{expected}, got {written!r}: {error}") from None
    cell = 0.19 if written is None else 1.4 * CELL  # inches
    above = 0.25 / cell if above_it else 0.0
    beside = max((0.1 + 0.1 * len(name) for name in beside_it), default=0.0) / cell
    scale = 0.75 / cell if written is None else 0.0
    width, height = len(numbers[0]) + beside + scale + 0.1, len(numbers) + above + 0.1
    ax = _axes(ax, (cell * width + 0.1, cell * height + 0.1))
    deepest = max(abs(number) for row in numbers for number in row) or 1.0
    colours = _colours(deepest=1.0 if written is None else UNDER_TEXT)
    ax.imshow(numbers, cmap=colours, vmin=-deepest, vmax=deepest, interpolation="none")
    if written is not None:
        _write_in_cells(ax, numbers, written, (0.0, 0.0))
    for x, name in enumerate(above_it):
        ax.text(x, -0.5 - 0.08 / cell, name, ha="center", va="baseline")
    for y, name in enumerate(beside_it):
        ax.text(-0.5 - 0.08 / cell, y, name, ha="right", va="center")
    ax.set(xlim=(-0.55 - beside, len(numbers[0]) - 0.45), ylim=(len(numbers) - 0.45, -0.55 - above))
    _draw_frame(ax, (-0.5, -0.5), len(numbers[0]), len(numbers))
    if written is None:
        ax.set_xlim(right=len(numbers[0]) + scale - 0.5)
        _draw_scale(ax, (len(numbers[0]) - 0.5 + 0.1 / cell, -0.5, 0.14 / cell, len(numbers)))
    ax.set_axis_off()
    return ax


def _draw_frame(ax: Axes, corner: tuple[float, float], width: float, height: float) -> None:
    """Draws a thin edge around a picture or a table."""
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=_ink(), linewidth=0.8))


def attention_maps(
    shares: Sequence[Sequence[Sequence[Any]]], tokens: Sequence[object], ax: Axes | None = None
) -> Axes:
    """Draws attention: one triangle per head, whose rows add up to 100 percent.

    `shares[i][h][j]` is the share of its attention that position i gives to position j, up to i
    itself, in head h: numbers or `Value`s, as a `GPT` stores them in the past. `tokens` are the
    letters at the positions. A row is a position that looks, a column a position that it looks at.
    Each cell shows the share in percent, and a larger share has a deeper colour.
    Raises `ValueError` if there are no shares, or not one for each position so far.

    >>> ax = attention_maps([[[1.0]], [[0.25, 0.75]]], ["c", "a"])
    >>> [text.get_text() for text in ax.texts if text.get_text().isdigit()]
    ['100', '25', '75']
    """
    shares = _lists("shares", shares, 3)
    _some("shares", shares and shares[0])
    tokens = _names("tokens", tokens, len(shares))
    heads, size = len(shares[0]), len(shares)
    for i, row in enumerate(shares):
        if [len(share) for share in row] != [i + 1] * heads:
            raise ValueError(
                f"shares[{i}] has {[len(share) for share in row]} shares, by head. Each of the "
                f"{heads} heads must have {i + 1}, one per position up to its own"
            )
    beside = min(heads, 2)
    right, below = size + 1.8, size + 2.6  # from one triangle to the next
    width, height = max(right * beside - 0.8, 7.0), below * -(-heads // beside)
    ax = _axes(ax, (CELL * (width + 0.4), CELL * (height + 1.2)))
    colours = _colours(deepest=UNDER_TEXT)
    for h in range(heads):
        left, top = right * (h % beside), below * (h // beside)
        percent = [[100 * share for share in row[h]] for row in shares]
        square = [row + [math.nan] * (size - len(row)) for row in percent]
        extent = (left - 0.5, left + size - 0.5, top + size - 0.5, top - 0.5)
        ax.imshow(square, colours, interpolation="none", vmin=-100.0, vmax=100.0, extent=extent)
        ax.text(left - 0.5, top - 1.4, f"head {h}", va="bottom", weight="bold")
        for place, token in enumerate(tokens):
            ax.text(left + place, top - 0.7, token, ha="center", va="baseline")
            ax.text(left - 0.7, top + place, token, ha="right", va="center")
        _write_in_cells(ax, percent, "{:.0f}", (left, top))
    words = "row: the position that looks\ncolumn: the one it looks at; in percent"
    ax.text(-0.5, height - 2.8, words, va="top")
    ax.set(xlim=(-1.3, width - 1.3), ylim=(height - 1.6, -2.2))
    ax.set_axis_off()
    return ax


def _write_in_cells(
    ax: Axes, table: list[list[float]], written: str, corner: tuple[float, float]
) -> None:
    """Writes each number in its cell."""
    for y, row in enumerate(table):
        for x, number in enumerate(row):
            at = corner[0] + x, corner[1] + y
            ax.text(*at, written.format(number), ha="center", va="center")


# ---------------------------------------------------------------------------- several in a row


def side_by_side(panels: Mapping[str, Callable[[Axes], Any]]) -> Figure:
    """Returns a figure with a row of pictures to compare, with one legend above them.

    `panels` has a function of `Axes` by the title of each picture. All have the same limits and one
    scale of colours. Raises `ValueError` if there is no picture.

    >>> points, classes = [[0.0, 1.0], [1.0, 0.0]], [-1, 1]
    >>> figure = side_by_side({
    ...     "left": lambda ax: decision_boundary(lambda x: x[0], points, classes, ax),
    ...     "lower": lambda ax: decision_boundary(lambda x: x[1], points, classes, ax),
    ... })
    >>> [ax.get_title() for ax in figure.axes]
    ['left', 'lower']
    """
    drawn = _some("panels", _by_name("panels", panels))
    for _, draw in drawn:
        checks.function("each of panels", draw, 1, "the Axes to draw in")
    figure = cast("Figure", _axes(None, (WIDTH, 0.9 + 0.9 * WIDTH / len(drawn))).figure)
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
        columns = _columns(legend, 72 * WIDTH)
        place = dict[str, Any](loc="outside upper left", ncols=columns, frameon=False)
        figure.legend(legend.values(), legend, **place)
    return figure


# ---------------------------------------------------------------------------- in a notebook


def flipbook(pages: Sequence[tuple[Axes | Figure, str]], title: str) -> Flipbook:
    """Returns pictures as a flip book, which displays itself in a notebook, and closes the figures.

    `pages` are the pictures, each with words that say what it shows. A reader pages through them
    without a kernel. Draw all of them in the same size and with the same limits.
    Raises `ValueError` if there are fewer than two, or if one of them is without words.

    >>> flipbook([(loss_curve([2.0, 1.0]), "It falls."), (loss_curve([1.0]), "Once.")], "Losses")
    <Losses: 2 pictures. 1: It falls. 2: Once.>
    """
    what = "each of pages"
    pairs = [checks.pair(what, each, "(Axes, words)") for each in checks.listed("pages", pages)]
    drawn = [(words, _figure(what, ax)) for ax, words in pairs]
    book = [(words, figures.svg(figure).encode()) for words, figure in drawn]
    still = figures.png(drawn[0][1]) if drawn else None
    for _, figure in drawn:
        _close(figure)
    return Flipbook(book, title, still)


def show(ax: Axes | Figure, alt: str | None = None) -> None:
    """Displays the figure of the `Axes` in a notebook, with its alternative text, and closes it.

    It sends an SVG in an HTML image, which follows the page's colours and scrolls where the page is
    narrow, and a PNG for viewers that show no HTML. `alt` says what the picture shows; by default,
    its title, its axes with their ranges, and the names of its lines.
    Raises `ValueError` if the alternative text is empty, and `ImportError` without IPython.

    Outside of a notebook, IPython prints what it would send:

    >>> show(loss_curve([0.9, 0.3]))  # doctest: +ELLIPSIS
    {'text/html': '<div ... 'text/plain': 'loss from 0 to 0.8, over step from 0 to 1: training.'}
    """
    if alt is not None and not checks.text("alt", alt).strip():
        raise ValueError(
            "alt must not be empty: say in alt what the picture shows, or leave it out"
        )
    try:
        from IPython import display
    except ImportError as error:
        raise ImportError(
            f"show needs IPython, which is not installed: {install('notebooks')}"
        ) from error
    figure = _figure("ax", ax)
    words = figures.words(figure) if alt is None else alt
    shown = page.bundle(figures.framed(figure, words), words, figures.png(figure))
    _close(figure)
    display.display(shown, raw=True)  # type: ignore[no-untyped-call]


def _close(figure: Figure) -> None:
    import matplotlib.pyplot as plt

    plt.close(figure)


# ---------------------------------------------------------------------------- shared by all


def _is_dataset(given: object) -> TypeGuard[Dataset]:
    return _is_of_train(given, "Dataset")


def _is_history(given: object) -> TypeGuard[History]:
    return _is_of_train(given, "History")


def _is_of_train(given: object, name: str) -> bool:
    """Returns whether it is an instance of a class of the room `train`, which may not be there."""
    kinds = {(kind.__module__.rpartition(".")[0], kind.__name__) for kind in type(given).__mro__}
    return ("micrograd_notes.train", name) in kinds


def _some(things: str, given: Any) -> Any:
    """Returns what is given; ValueError if it is empty."""
    if not given:
        raise ValueError(f"there are no {things} to draw. Pass at least one")
    return given


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Returns the `Axes` given, or those of a new figure of that size in inches."""
    if ax is not None:
        _check_axes(ax)
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"plots need Matplotlib, which is not installed: {install('viz')}"
        ) from error
    return plt.subplots(figsize=size, layout="constrained")[1]


def _draw_legend(ax: Axes) -> None:
    """Draws the legend above the axes, where it covers nothing, in as many columns as fit."""
    names = ax.get_legend_handles_labels()[1]
    columns = _columns(names, 86 * ax.bbox.width / ax.figure.dpi)  # most of it, once laid out
    place = dict[str, Any](loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)
    ax.legend(**place, ncols=columns, frameon=False, handlelength=2.6)


def _columns(names: Iterable[str], points: float) -> int:
    """Returns how many columns of a legend fit beside each other."""
    widest = 60 + 7.8 * max(map(len, names))  # points: the sample and its letters
    return max(int(points / widest), 1)


def _check_axes(ax: object) -> None:
    from matplotlib.axes import Axes

    checks.instance("ax", ax, Axes, _AXES)


_AXES = "the Axes of a picture, as every function of plots returns"


def _figure(name: str, given: Axes | Figure) -> Figure:
    """Returns the figure, or that of the `Axes`; TypeError for anything else."""
    from matplotlib.artist import Artist

    checks.instance(name, given, Artist, _AXES)
    return cast("Figure", given.figure)


def _ink() -> str:
    """Returns the colour of text in the current style: black, or white in a dark style."""
    import matplotlib

    return str(matplotlib.rcParams["text.color"])


def _colours(is_signed: bool = True, deepest: float = 1.0) -> Colormap:
    """Returns the colours of signed numbers, or those of a drawing; 0 lets the paper through."""
    from matplotlib.colors import LinearSegmentedColormap

    stops = [(0.0, (_ink(), 0.0)), (1.0, (_ink(), deepest))]
    if is_signed:
        stops = [(0.0, (ORANGE, deepest)), (0.5, (ORANGE, 0.0)), (0.5, (BLUE, 0.0))]
        stops.append((1.0, (BLUE, deepest)))
    return LinearSegmentedColormap.from_list("numbers", stops)


def _finite(number: float | None) -> float:
    """Returns the number, or NaN, which leaves a gap in a line, if it is not finite."""
    return math.nan if number is None or not checks.is_finite(number) else float(number)


def _number(name: str, result: Any) -> float:
    """Returns the number of a `Value`, or the number itself; TypeError for anything else."""
    checks.operand(name, result)
    number = result.data if isinstance(result, Value) else result
    return math.nan if isinstance(number, int) and not checks.is_finite(number) else float(number)


def _interval(name: str, ends: Any) -> tuple[float, float]:
    """Returns two numbers, the smaller first; or TypeError or ValueError."""
    start, stop = checks.pair(name, ends, "(start, stop)")
    start, stop = (checks.finite_number(f"each of {name}", end) for end in (start, stop))
    if not 0 < stop - start < math.inf:
        raise ValueError(f"{name} must be two numbers, the smaller first, got {start}, {stop}")
    return start, stop


def _lists(name: str, given: Any, depth: int) -> Any:
    """Returns finite numbers in lists nested `depth` deep; or TypeError or ValueError."""
    if depth == 0:
        return _number(f"each number of {name}", given)
    lists = checks.listed(f"each list of {name}", checks.examples(name, given))
    return [_lists(name, each, depth - 1) for each in lists]


def _label(name: str, given: Any) -> str:
    """Returns a text for a legend; or TypeError or ValueError."""
    text = checks.text(name, given)
    if text[:1] in ("", "_"):  # Matplotlib leaves out such labels
        raise ValueError(f"{name} must not be empty or begin with _, got {text!r}")
    return text


def _by_name(name: str, given: Any) -> list[tuple[str, Any]]:
    """Returns the entries of a dictionary; none for None; or TypeError."""
    given = {} if given is None else given
    checks.instance(name, given, Mapping, "a dictionary whose keys are names for the legend")
    return [(_label(f"each name in {name}", key), each) for key, each in given.items()]


def _pairs(name: str, given: Any) -> list[tuple[float, float]]:
    """Returns pairs of numbers, which need not be finite; or TypeError."""
    each = f"each of {name}"
    pairs = [checks.pair(each, pair, "(x, y)") for pair in checks.listed(name, given)]
    return [(_number(each, x), _number(each, y)) for x, y in pairs]


def _names(name: str, given: Any, count: int) -> list[str]:
    """Returns one name per place; or TypeError or ValueError."""
    names = given if isinstance(given, str) else checks.listed(name, given)
    if len(names) != count:
        raise ValueError(f"{name} must hold {count}, one per place, got {len(names)}")
    return list(map(str, names))


def _evenly_spaced(start: float, stop: float, count: int) -> list[float]:
    """Returns `count` numbers from start to stop, both included."""
    return [start + (stop - start) * step / (count - 1) for step in range(count)]


def _nth(choices: Sequence[str], which: int) -> str:
    """Returns a choice by number, starting over at the end."""
    return choices[which % len(choices)]
