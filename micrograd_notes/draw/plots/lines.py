"""Functions of a number as lines: activations, tangents, fits of a target, and errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from micrograd_notes.common import checks
from micrograd_notes.draw.plots import given, looks
from micrograd_notes.engine import Value, grad, no_grad

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# They include thirds of the width, and halves down to 256ths, so that folds keep their corners.
CURVE_POINTS = 3 * 256 + 1


def activation_curve(
    function: Callable[[Value], Any], ax: Axes | None = None, start: float = -4.0,
    stop: float = 4.0, name: str | None = None
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
    name = name if name is None else given.label("name", name)
    start, stop = given.interval("start and stop", (start, stop))
    xs = given.evenly_spaced(start, stop, CURVE_POINTS)
    pairs = [_value_and_slope(function, x) for x in xs]
    values = _with_gaps([value for value, _ in pairs])
    if all(map(math.isnan, values)):
        raise ValueError(f"function is nowhere finite between start={start} and stop={stop}")
    slopes = _with_gaps([slope for _, slope in pairs])
    ax = looks.axes(ax)
    for line in (ax.axhline, ax.axvline):
        line(0.0, color=looks.ink(), linewidth=0.6)
    label = name or getattr(function, "name", None) or getattr(function, "__name__", "f")
    label = "f" if label == "<lambda>" else label
    ax.plot(xs, values, color=looks.ink(), linewidth=2.2, label=label)
    ax.plot(xs, slopes, color=looks.BLUE, linewidth=2.0, linestyle="--", label="its derivative")
    for colour, sign in ((looks.BLUE, 1), (looks.ORANGE, -1)):
        side = [sign * slope > 0 for slope in slopes]
        ax.fill_between(xs, slopes, 0.0, where=side, color=colour, alpha=0.18, linewidth=0.0)
    ax.set(xlabel="x", xlim=(start, stop))
    if any(math.isnan(y) for y in values):
        ax.set_ylim(*_window(values, slopes))
    looks.legend(ax)
    return ax


def tangent(
    function: Callable[[Value], Any], at: float, ax: Axes | None = None, start: float = -2.0,
    stop: float = 2.0, nudges: Sequence[float] = (), parabola: bool = False
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
    y, slope = given.number("function(at)", function(leaf)), first.data
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
        ax.plot(turn, lines[name](turn), "D", color=looks.ORANGE, label=f"turns at {turn:.4g}")
    for which, nudge in enumerate(nudges):
        x, end = at + nudge, given.number("function(x)", function(Value(at + nudge)))
        ax.plot([at, x, x], [y, y, end], ":", color=looks.ink(), linewidth=1.4)
        (secant,) = ax.plot([at, x], [y, end], linewidth=1.4, markevery=[1])
        secant.set(marker=looks.nth(looks.CLASS_MARKERS, which))
        secant.set(color=looks.nth(looks.CLASS_COLOURS[3:], which))
        secant.set_label(f"nudge {nudge:g}, slope {(end - y) / nudge:.4g}")
    looks.legend(ax)
    return ax


def curves(
    functions: Mapping[str, Callable[[float], Any]], start: float, stop: float,
    points: Sequence[tuple[float, float]] = (), ax: Axes | None = None
) -> Axes:
    """Draws functions of one number in one picture, such as a target and networks that fit it.

    Each has its own colour and kind of line, and its name in the legend; the first is drawn in ink.
    `points` are the examples, pairs of x and y. A function may return numbers or `Value`s; no
    gradient is recorded.
    Raises `ValueError` if there are no functions, or if stop does not exceed start.

    >>> ax = curves({"x": lambda x: x, "its square": lambda x: x * x}, 0.0, 1.0)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['x', 'its square']
    """
    drawn = given.by_name("functions", functions)
    for _, function in drawn:
        checks.function("each of functions", function, 1, "one number")
    start, stop = given.interval("start and stop", (start, stop))
    dots = given.pairs("points", given.lists("points", points, 2))
    xs = given.evenly_spaced(start, stop, CURVE_POINTS)
    with no_grad():
        said = "the result of {} in functions"
        heights = [[given.number(said.format(name), of(x)) for x in xs] for name, of in drawn]
    ax = looks.axes(ax)
    for which, ((name, _), ys) in enumerate(zip(drawn, heights, strict=True)):
        _draw_line(ax, which, xs, ys, name)
    if dots:
        ax.plot(*zip(*dots, strict=True), "o", color=looks.ink(), markersize=4.5, label="examples")
    ax.set(xlabel="x", xlim=(start, stop))
    looks.legend(ax)
    return ax


def _draw_line(ax: Axes, which: int, xs: list[float], ys: list[float], name: str) -> None:
    """Draws a curve in the look of that number; stairs as a thin line, as dashes look like them."""
    steps = [abs(after - before) for before, after in pairwise(ys)]
    risers = sum(
        step > 5 * (before + after)
        for before, step, after in zip(steps, steps[1:], steps[2:], strict=False)
    )
    kind, width = ("-", 1.2) if risers > 8 and which else (looks.nth(looks.LINE_KINDS, which), 2.2)
    rest = [colour for colour in looks.CLASS_COLOURS if colour != looks.BLUE]
    colour = looks.nth([looks.ink(), looks.BLUE, *rest], which)
    ax.plot(xs, ys, kind, color=colour, linewidth=width, label=name)


def error_curves(
    curves: Mapping[str, Sequence[tuple[float, float]]], ax: Axes | None = None,
    floor: float = 1e-17
) -> Axes:
    """Draws errors over x on a logarithmic axis; each curve is a list of pairs, x and error.

    An error below `floor`, such as 0, is drawn at the floor; nan leaves a gap.
    Raises `ValueError` if there is no curve, or if floor is not positive.

    >>> ax = error_curves({"one step": [(0.0, 1e-3), (1.0, 0.0)]})
    >>> ax.get_yscale(), [float(y) for y in ax.lines[0].get_ydata()]
    ('log', [0.001, 1e-17])
    """
    drawn = [(name, given.pairs("curves", xys)) for name, xys in given.by_name("curves", curves)]
    given.some("curves", [pairs for _, pairs in drawn if pairs])
    floor = checks.finite_number("floor", floor, 5e-324, advice=". It must be above 0")
    ax = looks.axes(ax)
    for which, (name, pairs) in enumerate(drawn):
        xs = [x for x, _ in pairs]
        ys = [max(abs(error), floor) if math.isfinite(error) else math.nan for _, error in pairs]
        _draw_line(ax, which, xs, ys, name)
    ax.set(yscale="log", ylabel="error")
    ax.set_ylim(bottom=floor)
    looks.legend(ax)
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
    return given.number("function(x)", result), leaf.grad


def _with_gaps(ys: list[float]) -> list[float]:
    """Returns the numbers, with NaN instead of each number before a jump, to lift the pen.

    A step is a jump if it is a twentieth of the whole range and five times a neighbouring step. On
    a smooth curve of so many points, steps are far smaller and alike.
    """
    finite = [y for y in ys if math.isfinite(y)]
    reach = max(finite) - min(finite) if finite else 0.0
    gapped = [given.as_gap(y) for y in ys]
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
