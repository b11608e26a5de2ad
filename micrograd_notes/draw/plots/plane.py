"""The plane: points, the regions that a model divides it into, and heights over it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from micrograd_notes.common import checks
from micrograd_notes.draw.plots import given, looks
from micrograd_notes.engine import no_grad

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import ContourSet

    from micrograd_notes.train.data import Dataset

    Inputs = Dataset | Sequence[Sequence[float]]

HATCHES = ("///", "", "\\\\\\", "xx", "--", "++", "||")  # dots would be 100 kB
CONTOURS = 10


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
    ax = looks.axes(ax, 4.6)
    _draw_points(ax, examples)
    return ax


def decision_boundary(
    model: Callable[[list[float]], Any], inputs: Inputs, targets: Sequence[float] | None = None,
    ax: Axes | None = None, resolution: int = 60, threshold: float = 0.0
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
    resolution = checks.whole_number("resolution", resolution, 2, given.MOST_PLACES)
    threshold = checks.finite_number("threshold", threshold)
    examples = examples_in_the_plane(inputs, targets)
    return draw_boundary(model, [examples], ax, resolution, threshold)


def draw_boundary(
    model: Callable[[list[float]], Any], sets: Sequence[Examples], ax: Axes | None = None,
    resolution: int = 60, threshold: float = 0.0
) -> Axes:
    """Draws the model's answers around the points of all sets; the second set is held out."""
    examples, points = sets[0], [point for each in sets for point in each.points]
    xs, ys = (around(column, resolution) for column in zip(*points, strict=True))
    with no_grad():
        rows = [[_scores(model([x, y]), threshold) for x in xs] for y in ys]
    found = len(rows[0][0])
    if found < len(examples.class_names):
        raise ValueError(
            f"model returns {found} scores for {len(examples.class_names)} classes "
            f"({', '.join(examples.class_names)}). Number the classes from 0, and give the last "
            "layer one neuron per class, or a single neuron for two classes"
        )
    ax = looks.axes(ax, 4.6)
    for which in range(found):
        _draw_region(ax, which, xs, ys, [[_lead(scores, which) for scores in row] for row in rows])
    for position, each in enumerate(sets):
        _draw_points(ax, each, are_held_out=position > 0)
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
    if given.is_a(inputs, "Dataset"):
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
        points = given.lists("inputs", inputs, 2)
        if targets is None:
            raise ValueError("inputs is a list. Pass targets too, the class of each point")
        targets = given.lists("targets", targets, 1)
        if len(points) != len(targets):
            raise ValueError(f"targets must be {len(points)}, one per point, got {len(targets)}")
        labels = _labels(targets)
        classes = [labels.index(target) for target in targets]
        sign = "+" if any(label < 0 for label in labels) else ""
        class_names, axis_names = [f"{label:{sign}g}" for label in labels], ("x", "y")
    for position, point in enumerate(given.some("points", points)):
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


def _draw_points(ax: Axes, examples: Examples, are_held_out: bool = False) -> None:
    """Draws each class in its colour and marker, hollow if held out, with a legend."""
    for which, name in enumerate(examples.class_names):
        members = [p for p, c in zip(examples.points, examples.classes, strict=True) if c == which]
        if members:
            size = 46 if ax.bbox.width / ax.figure.dpi > 3 else 16  # a panel is a few inches wide
            across, up = zip(*members, strict=True)
            dots = ax.scatter(across, up, s=size, **looks.one_of_many(which))
            dots.set(label=name, zorder=3)
            dots.set(edgecolors=[looks.ink()], linewidths=0.7)  # a rim separates neighbours
            if are_held_out:
                dots.set(label=f"{name}, held out", linewidths=1.8)
                dots.set(edgecolors=dots.get_facecolor(), facecolors=[ax.get_facecolor()])
    ax.set(xlabel=examples.axis_names[0], ylabel=examples.axis_names[1])
    looks.legend(ax)


def _scores(answer: Any, threshold: float) -> list[float]:
    """Returns one number per class; the largest is the model's choice."""
    answer = checks.plain(answer)
    listed = answer if isinstance(answer, list | tuple) else [answer]
    scores = [given.number("each score of model", score) for score in listed]
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
    colour, levels = looks.nth(looks.CLASS_COLOURS, which), [0.0, highest]
    ax.contourf(xs, ys, leads, levels=levels, colors=[colour], alpha=0.2)
    hatches = [looks.nth(HATCHES, which)]
    hatching = ax.contourf(xs, ys, leads, levels=levels, colors="none", hatches=hatches)
    hatching.set(edgecolor=(colour, 0.35), linewidth=0.0)
    if min(map(min, leads)) < 0:
        ax.contour(xs, ys, leads, [0.0], colors=[looks.ink()], linewidths=1.6, linestyles="solid")


def around(column: Sequence[float], count: int) -> list[float]:
    """Returns evenly spaced places that reach a little beyond the column's numbers."""
    low, high = min(column), max(column)
    margin = 0.15 * (high - low) or 1.0
    return given.evenly_spaced(low - margin, high + margin, count)


def surface(
    function: Callable[[float, float], Any], x: tuple[float, float] = (-1.0, 1.0),
    y: tuple[float, float] = (-1.0, 1.0),
    paths: Mapping[str, Sequence[tuple[float, float]]] | None = None, ax: Axes | None = None,
    resolution: int = 81
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
    x, y = given.interval("x", x), given.interval("y", y)
    resolution = checks.whole_number("resolution", resolution, 2, given.MOST_PLACES)
    named = given.by_name("paths", {} if paths is None else paths, least=0)
    walks = [(name, given.pairs("paths", places)) for name, places in named]
    xs, ys = (given.evenly_spaced(*ends, resolution) for ends in (x, y))
    with no_grad():
        heights = [[given.number("function(x, y)", function(a, b)) for a in xs] for b in ys]
    lowest, highest = min(map(min, heights)), max(map(max, heights))
    if not all(math.isfinite(height) for row in heights for height in row):
        raise ValueError("function must be finite everywhere on the map. Choose another x and y")
    ax = looks.axes(ax, 4.6)
    if lowest < highest:
        levels = [lowest + (highest - lowest) / 2**k for k in range(CONTOURS, 0, -1)]
        lines = ax.contour(xs, ys, heights, levels, colors=[looks.ink()], linewidths=0.7)
        _label(ax, lines, levels[CONTOURS // 2 :])  # the others are too close
    for which, (name, places) in enumerate(walks):
        (line,) = ax.plot([a for a, _ in places], [b for _, b in places], markersize=5.0)
        line.set(linestyle=looks.nth(looks.LINE_KINDS, which), linewidth=1.8, label=name)
        line.set(zorder=2.5, **looks.one_of_many(which))
    ax.set(xlim=x, ylim=y)
    if walks:
        looks.legend(ax)
    return ax


def _label(ax: Axes, lines: ContourSet, levels: list[float]) -> None:
    """Writes the height of contours on them, the outer ones first, where no label is too near."""
    taken: list[Any] = []
    labels = ax.clabel(lines, levels, fontsize=10, fmt="%.3g", inline=False, zorder=2.2)
    looks.figure_of("ax", ax).draw_without_rendering()  # now the labels have their places
    for label in reversed(labels):
        box = label.get_window_extent().expanded(1.5, 1.5)  # letters grow on a phone
        if any(map(box.overlaps, taken)):
            label.remove()
        else:
            taken.append(box)
            label.set_bbox({"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 1.0})
