"""Pictures hold what they were given, say nothing by colour alone, and leave all else as it was."""

from __future__ import annotations

import base64
import io
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, cast

import pytest

pytest.importorskip("matplotlib", reason="the plots need the extra viz")

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.text import Text

from micrograd_notes.draw import figures, plots
from micrograd_notes.draw.page import in_page
from micrograd_notes.draw.plots import given, looks, plane, spread
from micrograd_notes.engine import Value, ops
from micrograd_notes.nn import MLP, Layer
from micrograd_notes.train import data
from micrograd_notes.train.loop import History
from micrograd_notes.train.recording import KINDS, Recorder, Snapshot

POINTS = [[0.0, 1.0], [1.0, 0.0], [2.0, 0.5], [-1.0, 0.25]]
SIGNS = [-1, 1, 1, -1]
MOONS = data.moons(samples=12)
MODEL = MLP(2, [3, 1], activation="tanh", seed=0)
STROKE = [[0.0, 0.5], [1.0, 0.0], [0.25, 0.75]]
RUN = History([{"loss": 2.0, "validation_loss": 2.5}, {"loss": 1.0, "validation_loss": 1.75}])
SHARES = History([{"accuracy": 0.5, "validation_accuracy": 0.25}, {"accuracy": 1.0}])
# what three positions look at in each of three heads, as a GPT leaves it in the past
LOOKS = [
    [[1.0], [1.0], [1.0]],
    [[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]],
    [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
]
WALKS = {"long": [(1.0, 0.5), (0.5, -0.5), (0.25, 0.0)], "short": [(-1.0, 1.0), (9.0, 9.0)]}


def valley(a: float, b: float) -> float:
    return a * a + 9 * b * b


def snapshot() -> Snapshot:
    """Returns what a recorder notes of the model now."""
    logs: dict[str, Any] = {}
    Recorder(MODEL, MOONS)(0, logs)
    return cast("Snapshot", logs["snapshot"])


Plot = Callable[[Axes | None], Axes]
PLOTS: dict[str, Plot] = {
    "scatter": lambda ax: plots.scatter(MOONS, ax=ax),
    "scatter of lists": lambda ax: plots.scatter(POINTS, SIGNS, ax=ax),
    "decision_boundary": lambda ax: plots.decision_boundary(MODEL, MOONS, ax=ax, resolution=5),
    "loss_curve": lambda ax: plots.loss_curve(RUN, ax=ax),
    "loss_curve of a list": lambda ax: plots.loss_curve([3.0, 2.0, 1.5], ax=ax),
    "loss_curve among others": lambda ax: plots.loss_curve(RUN, ax=ax, label="a run"),
    "accuracy_curve": lambda ax: plots.accuracy_curve(SHARES, ax=ax),
    "distributions": lambda ax: plots.distributions(snapshot(), ax=ax),
    "weights_as_images": lambda ax: plots.weights_as_images(Layer(6, 3, seed=0), (3, 2), ax=ax),
    "activation_curve": lambda ax: plots.activation_curve(ops.relu, ax=ax),
    "surface": lambda ax: plots.surface(valley, paths=WALKS, ax=ax, resolution=9),
    "curves": lambda ax: plots.curves({"up": lambda x: x, "tanh": ops.tanh}, 0.0, 1.0, ax=ax),
    "image_gallery": lambda ax: plots.image_gallery([STROKE] * 3, ["a", "b", "c"], ax=ax),
    "table_as_image": lambda ax: plots.table_as_image([[1.0, -2.0]], ["row"], "xy", ax=ax),
    "attention_maps": lambda ax: plots.attention_maps(LOOKS, "cab", ax=ax),
    "error_curves": lambda ax: plots.error_curves({"a": [(0.0, 0.1), (1.0, 0.01)]}, ax=ax),
    "dots_by_seed": lambda ax: plots.dots_by_seed({"a": [1.0, 2.0, 4.0], "b": [0.5]}, ax=ax),
    "loss_ladder": lambda ax: plots.loss_ladder({"one": 3.0, "two": 1.0}, ax=ax),
    "tangent": lambda ax: plots.tangent(ops.tanh, 0.5, ax, nudges=[1.0, 0.5], parabola=True),
}
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS.keys())


@pytest.fixture(autouse=True)
def _quiet_and_tidy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Draws without a screen, fails where a plot would open a window, and closes all figures."""
    plt.switch_backend("agg")
    plt.close("all")
    monkeypatch.setattr(plt, "show", lambda *_: pytest.fail("a plot called show()"))
    yield
    plt.close("all")


# ---------------------------------------------------------------------------- laws of every plot


@every_plot
def test_a_plot_draws_into_the_axes_that_it_is_given(plot: Plot) -> None:
    figure, (left, right) = plt.subplots(1, 2)
    assert plot(right) is right
    assert not left.has_data()
    assert right.has_data()
    assert plt.get_fignums() == [figure.number]


@every_plot
def test_a_plot_without_axes_makes_one_figure_of_its_own(plot: Plot) -> None:
    before = plot(None)
    after = plot(None)
    assert before.figure is not after.figure
    assert len(plt.get_fignums()) == 2


@every_plot
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_a_plot_can_be_saved_and_its_text_is_not_small(plot: Plot, style: str) -> None:
    with plt.style.context(style):
        figure = cast("Figure", plot(None).figure)
        figure.savefig(io.BytesIO(), format="png")  # a warning fails the tests, too
        texts = cast("list[Text]", figure.findobj(Text))
    assert min(float(text.get_fontsize()) for text in texts if text.get_text()) >= 10


@every_plot
def test_a_plot_leaves_every_gradient_as_it_was(plot: Plot) -> None:
    MODEL([1.0, 2.0]).backward()
    before = [parameter.grad for parameter in MODEL.parameters()]
    plot(None)
    assert [parameter.grad for parameter in MODEL.parameters()] == before


@every_plot
def test_without_matplotlib_the_error_names_the_extra(
    plot: Plot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "micrograd-notes\[viz\]"'):
        plot(None)


def test_importing_the_plots_imports_no_matplotlib() -> None:
    program = "import sys, micrograd_notes.draw.plots; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_plots_of_numbers_need_no_room_for_training() -> None:
    program = """if True:
        import sys
        sys.modules["micrograd_notes.train"] = None  # as if the room were not there
        from micrograd_notes.draw import plots
        from micrograd_notes.engine.ops import tanh
        plots.activation_curve(tanh)
        plots.loss_curve([2.0, 1.0])
        plots.decision_boundary(lambda point: point[0], [[0.0, 1.0], [1.0, 0.0]], [-1, 1])
        plots.image_gallery([[0.0, 1.0]], shape=(1, 2))
    """
    subprocess.run([sys.executable, "-c", program], check=True)


# ---------------------------------------------------------------------------- colours


def luminance(colour: str) -> float:
    """Returns the relative luminance of a colour, as the WCAG defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("paper", ["#ffffff", "#111111"])
@pytest.mark.parametrize("colour", [looks.BLUE, looks.ORANGE, *looks.CLASS_COLOURS])
def test_colours_stand_out_on_light_and_on_dark_paper(colour: str, paper: str) -> None:
    lighter, darker = sorted([luminance(colour), luminance(paper)], reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 3.0  # WCAG 2.1, 1.4.11: what graphics need


def test_ten_classes_look_different_with_and_without_colour() -> None:
    seen = [
        (looks.nth(looks.CLASS_COLOURS, which), looks.nth(looks.CLASS_MARKERS, which))
        for which in range(10)
    ]
    assert len(set(seen)) == 10
    assert len(set(looks.CLASS_MARKERS)) == len(looks.CLASS_MARKERS) == 6
    assert len(set(plane.HATCHES)) == len(plane.HATCHES)


def test_positive_is_blue_and_negative_is_orange() -> None:
    negative, positive = groups(plots.scatter(POINTS, SIGNS))
    assert colour_of(negative) == looks.ORANGE
    assert colour_of(positive) == looks.BLUE


def test_a_dark_style_turns_what_is_no_data_dark() -> None:
    with plt.style.context("dark_background"):
        ax = plots.activation_curve(ops.tanh)
        assert ax.get_facecolor() == mpl.colors.to_rgba("black")
        assert ax.lines[2].get_color() == "white"


# ---------------------------------------------------------------------------- two dimensions


def groups(ax: Axes) -> list[PathCollection]:
    """Returns what was drawn for each class."""
    return [drawn for drawn in ax.collections if isinstance(drawn, PathCollection)]


def colour_of(drawn: PathCollection) -> str:
    return to_hex(cast("Any", drawn.get_facecolor())[0])


def outline(drawn: PathCollection) -> str:
    return str(drawn.get_paths()[0])


def test_each_class_has_its_points_its_marker_and_its_name() -> None:
    drawn = groups(plots.scatter(MOONS))
    assert [group.get_label() for group in drawn] == ["outer", "inner"]
    for which, group in enumerate(drawn):
        points = [point for point, target in MOONS if target == which]
        assert cast("Any", group.get_offsets()).tolist() == points
    assert outline(drawn[0]) != outline(drawn[1])


def test_classes_of_plain_lists_are_named_by_their_numbers() -> None:
    def names(targets: list[float]) -> list[object]:
        return [group.get_label() for group in groups(plots.scatter(POINTS, targets))]

    assert names([1, -1, 1, -1]) == ["-1", "+1"]
    assert names([2, 0, 1, 0]) == ["0", "1", "2"]
    assert names([0.5, 0.5, 0.25, 0.5]) == ["0.25", "0.5"]


def test_a_class_keeps_its_look_where_others_have_no_point() -> None:
    def colours(targets: list[float]) -> list[str]:
        return [colour_of(group) for group in groups(plots.scatter(POINTS, targets))]

    orange, blue, third = looks.CLASS_COLOURS[:3]
    assert colours([1, 1, 1, 1]) == colours([1.0, 1.0, 1.0, 1.0]) == [blue]
    assert colours([-1, -1, -1, -1]) == [orange]
    assert colours([2, 0, 2, 0]) == [orange, third]


def test_points_may_stand_in_arrays() -> None:
    numpy = pytest.importorskip("numpy")
    ax = plots.scatter(numpy.array(POINTS), numpy.array(SIGNS))
    assert [group.get_label() for group in groups(ax)] == ["-1", "+1"]


def test_axes_are_named_by_the_features() -> None:
    flowers = data.Dataset("two", POINTS, [0, 1, 1, 0], ("length", "width"), ("a", "b"))
    ax = plots.scatter(flowers)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length", "width")


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        ([[1.0, 2.0, 3.0]], [0], "two features, but example 0 has 3"),
        (POINTS, [0, 1], "targets must be 4, one per point, got 2"),
        (POINTS, None, "Pass targets too"),
        (MOONS, [0] * 12, "has targets already"),
        ([], [], "no points"),
    ],
)
def test_points_that_do_not_fit_are_refused(inputs: Any, targets: Any, message: str) -> None:
    for plot in (plots.scatter, lambda *given: plots.decision_boundary(MODEL, *given)):
        with pytest.raises(ValueError, match=message):
            plot(inputs, targets)
    assert plt.get_fignums() == []


QUANTITIES = data.Dataset("two", POINTS, [0.5, 1.5, 2.5, 3.5], ("a", "b"), (), task="regression")


def test_quantities_are_not_classes_to_colour_points_by() -> None:
    for draw in (plots.scatter, lambda drawn: plots.decision_boundary(MODEL, drawn)):
        with pytest.raises(ValueError, match=r"inputs must have classes, .* are quantities"):
            draw(QUANTITIES)
    assert plt.get_fignums() == []
    assert len(groups(plots.scatter(QUANTITIES.inputs, [0] * len(QUANTITIES)))) == 1  # as it says


@pytest.mark.parametrize("answer", [None, "a", [], [[1.0]], math.nan, [0.5, math.inf]])
def test_a_model_must_answer_with_finite_scores(answer: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="model"):
        plots.decision_boundary(lambda x: answer, POINTS, SIGNS)
    assert plt.get_fignums() == []


def test_a_model_may_answer_with_an_array() -> None:
    ax = plots.decision_boundary(lambda x: np.array([x[0], x[1]]), POINTS, SIGNS, resolution=5)
    assert len(regions(ax)) == 2


def regions(ax: Axes) -> list[QuadContourSet]:
    """Returns the coloured regions, in the order of their classes, without lines and hatchings."""
    return [
        drawn
        for drawn in ax.collections
        if isinstance(drawn, QuadContourSet) and drawn.filled and drawn.get_alpha() is not None
    ]


def border(ax: Axes) -> list[tuple[float, float]]:
    """Returns the points on the lines between regions."""
    lines = [c for c in ax.collections if isinstance(c, QuadContourSet) and not c.filled]
    paths = [cast("Any", path.vertices) for line in lines for path in line.get_paths()]
    return [(float(x), float(y)) for vertices in paths for x, y in vertices]


def covers(region: QuadContourSet, point: list[float]) -> bool:
    return any(path.contains_point((point[0], point[1])) for path in region.get_paths())


def test_the_line_runs_where_the_score_is_zero() -> None:
    ax = plots.decision_boundary(lambda x: x[0] - 2 * x[1] + 0.125, POINTS, SIGNS)
    # Between grid points the line is interpolated, which is exact for a linear score but for
    # roundings of numbers below 4.
    found = border(ax)
    assert len(found) > 20
    assert all(abs(x - 2 * y + 0.125) < 1e-14 for x, y in found)


def test_a_threshold_moves_the_line() -> None:
    ax = plots.decision_boundary(lambda x: x[0], POINTS, SIGNS, threshold=0.5)
    assert all(abs(x - 0.5) < 1e-14 for x, _ in border(ax))


@pytest.mark.parametrize("wrap", [float, Value, lambda x: [x]], ids=["float", "Value", "list"])
def test_regions_say_what_the_sign_of_one_score_says(wrap: Callable[[float], Any]) -> None:
    ax = plots.decision_boundary(lambda x: wrap(x[0] - x[1]), POINTS, SIGNS)
    negative, positive = regions(ax)
    for point in POINTS:
        assert covers(positive, point) == (point[0] > point[1])
        assert covers(negative, point) == (point[0] < point[1])


def test_regions_say_which_of_three_scores_is_largest() -> None:
    def model(x: list[float]) -> list[float]:
        return [x[0], x[1], 0.5 - x[0] - x[1]]

    ax = plots.decision_boundary(model, POINTS, [0, 1, 2, 0])
    for point in [[0.1, 1.0], [1.9, 0.3], [-0.9, 0.1], [0.3, 0.1]]:
        chosen = max(range(3), key=model(point).__getitem__)
        assert [covers(region, point) for region in regions(ax)] == [i == chosen for i in range(3)]


def test_a_region_can_be_told_without_its_colour() -> None:
    ax = plots.decision_boundary(lambda x: [x[0], x[1], -x[0]], POINTS, [0, 1, 2, 0])
    hatchings = [
        next(iter(drawn.hatches))
        for drawn in ax.collections
        if isinstance(drawn, QuadContourSet) and drawn.filled and drawn.get_alpha() is None
    ]
    assert len(hatchings) == len(set(hatchings)) == 3


def test_a_model_that_never_changes_its_mind_has_one_region_and_no_line() -> None:
    ax = plots.decision_boundary(lambda x: 1.0, POINTS, SIGNS, resolution=4)
    assert len(regions(ax)) == 1
    assert border(ax) == []


def test_the_whole_picture_is_asked_for_and_nothing_is_recorded() -> None:
    answers = []

    def spy(x: list[float]) -> Value:
        answers.append(MODEL(x))
        return cast("Value", answers[-1])

    ax = plots.decision_boundary(spy, MOONS, resolution=7)
    assert len(answers) == 49
    assert all(answer.operands == () for answer in answers)
    for values, (low, high) in zip(
        zip(*MOONS.inputs, strict=True), (ax.get_xlim(), ax.get_ylim()), strict=True
    ):
        assert low < min(values) < max(values) < high


def test_too_few_scores_and_too_coarse_a_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="2 scores for 3 classes"):
        plots.decision_boundary(lambda x: x[0], POINTS, [0, 1, 2, 0])
    with pytest.raises(ValueError, match=r"resolution must be .* got 1"):
        plots.decision_boundary(lambda x: x[0], POINTS, SIGNS, resolution=1)


@pytest.mark.parametrize("answer", [None, "a", [1.0], {}])
def test_a_function_must_give_a_number(answer: Any) -> None:
    draws: tuple[Callable[[], Axes], ...] = (
        lambda: plots.activation_curve(lambda x: answer),
        lambda: plots.curves({"mine": lambda x: answer}, 0.0, 1.0),
        lambda: plots.surface(lambda x, y: answer),
    )
    for draw in draws:
        with pytest.raises(TypeError, match=r"function.* must be a number or a Value, got"):
            draw()
    assert plt.get_fignums() == []


@pytest.mark.parametrize("ends", [(-1e308, 1e308), (math.nan, 1.0), (0.0, math.inf), (True, 2.0)])
def test_an_interval_has_finite_ends_and_a_finite_length(ends: Any) -> None:
    draws: tuple[Callable[[], Axes], ...] = (
        lambda: plots.activation_curve(ops.tanh, start=ends[0], stop=ends[1]),
        lambda: plots.curves({"sine": lambda x: x}, *ends),
        lambda: plots.surface(lambda x, y: x, x=ends),
        lambda: plots.surface(lambda x, y: x, y=ends),
    )
    for draw in draws:
        with pytest.raises(ValueError, match=r"(start and stop|x|y) must be"):
            draw()


def test_a_function_that_is_defined_nowhere_has_no_curve() -> None:
    with pytest.raises(ValueError, match="function is nowhere finite between"):
        plots.activation_curve(ops.log, start=-2.0, stop=-1.0)


@pytest.mark.parametrize("written", ["{:q}", "{x}", "{", "{0.digits}", "{0[1]}", "{:d}", 3])
def test_a_wrong_format_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="written must be a format of one number"):
        plots.table_as_image([[1.0]], written=written)


def test_the_shape_of_pictures_that_have_rows_must_be_theirs() -> None:
    assert plots.image_gallery([STROKE], shape=(3, 2)).images
    with pytest.raises(ValueError, match=r"shape=\(4, 1\) is not that of picture 0"):
        plots.image_gallery([STROKE], shape=(4, 1))


def test_pictures_of_quantities_are_labelled_by_them() -> None:
    drawn = data.Dataset(
        "two", [[1.0, 0.0]] * 2, [0.5, 1 / 3], ("a", "b"), (), (1, 2), task="regression"
    )
    texts = [text.get_text() for text in plots.image_gallery(drawn).texts]
    assert texts == ["0.5", "0.3333"]


# ---------------------------------------------------------------------------- training


@pytest.mark.parametrize("hidden", ["", "_", "_mine"])
def test_a_name_that_no_legend_shows_is_refused(hidden: str) -> None:
    draws: tuple[Callable[[], Axes], ...] = (
        lambda: plots.loss_curve([2.0, 1.0], label=hidden),
        lambda: plots.activation_curve(ops.tanh, name=hidden),
        lambda: plots.curves({hidden: lambda x: x}, 0.0, 1.0),
        lambda: plots.error_curves({hidden: [(0.0, 1.0)]}),
        lambda: plots.surface(valley, paths={hidden: [(0.0, 0.0)]}),
    )
    for draw in draws:
        with pytest.raises(ValueError, match="must not be empty or begin with _, got"):
            draw()
    assert plt.get_fignums() == []


def test_a_loss_that_is_never_finite_has_no_curve() -> None:
    for losses in ([math.nan] * 3, [None, math.inf]):
        with pytest.raises(ValueError, match="no loss to draw in history"):
            plots.loss_curve(losses)


def test_loss_curve_shows_every_epoch_and_tells_held_out_from_training() -> None:
    training, held_out = plots.loss_curve(RUN).lines
    assert list(cast("Any", training.get_xdata())) == [1, 2]
    assert list(cast("Any", training.get_ydata())) == [2.0, 1.0]
    assert list(cast("Any", held_out.get_ydata())) == [2.5, 1.75]
    assert (training.get_linestyle(), held_out.get_linestyle()) == ("-", "--")


def test_a_loss_that_is_missing_or_infinite_leaves_a_gap() -> None:
    (line,) = plots.loss_curve([2.0, math.inf, 1.0]).lines
    assert [math.isnan(y) for y in cast("Any", line.get_ydata())] == [False, True, False]


def test_the_losses_axis_starts_at_zero_unless_one_is_below() -> None:
    assert plots.loss_curve([2.0, 1.0]).get_ylim()[0] == 0.0
    assert plots.loss_curve([2.0, -1.0]).get_ylim()[0] < -1.0


@pytest.mark.parametrize("nothing", [[], History(), History([{"accuracy": 1.0}])])
def test_a_history_without_losses_is_refused(nothing: Any) -> None:
    with pytest.raises(ValueError, match="no loss to draw"):
        plots.loss_curve(nothing)


def test_runs_in_one_picture_differ_in_colour_and_in_marker() -> None:
    ax = plots.loss_curve(RUN, label="one")
    plots.loss_curve([2.0, 1.5], ax, label="two")
    one, one_held_out, two = ax.lines
    assert [line.get_label() for line in ax.lines] == ["one", "one, held out", "two"]
    assert one.get_color() == one_held_out.get_color() != two.get_color()
    assert one.get_marker() == one_held_out.get_marker() != two.get_marker()
    assert one.get_linestyle() != one_held_out.get_linestyle()


def test_accuracy_curve_shows_shares_from_none_to_all() -> None:
    ax = plots.accuracy_curve(SHARES)
    training, held_out = ax.lines
    assert list(cast("Any", training.get_ydata())) == [0.5, 1.0]
    assert cast("Any", held_out.get_ydata())[0] == 0.25
    assert math.isnan(cast("Any", held_out.get_ydata())[1])
    assert ax.get_ylim()[0] == 0.0
    with pytest.raises(ValueError, match="no accuracy to draw"):
        plots.accuracy_curve(RUN)


# ---------------------------------------------------------------------------- distributions


@pytest.mark.parametrize("of", KINDS)
def test_each_number_is_in_a_bar_of_its_sign(of: str) -> None:
    MODEL([1.0, 2.0]).backward()
    ax = plots.distributions(snapshot(), of, bins=9)
    bars = cast("Any", ax.patches)
    layers = snapshot().numbers(of)
    assert [text.get_text() for text in ax.get_yticklabels()] == list(layers)
    for bar in bars:
        colour = looks.ORANGE if bar.get_x() < -1e-12 else looks.BLUE
        assert to_hex(bar.get_facecolor()) == colour
    for row, numbers in enumerate(layers.values()):
        mine = [bar for bar in bars if bar.get_y() == -row]
        heights = [bar.get_height() for bar in mine]
        for number in numbers:
            inside = [
                bar.get_height()
                for bar in mine
                # to a rounding error an edge belongs to both sides
                if bar.get_x() - 1e-9 <= number <= bar.get_x() + bar.get_width() + 1e-9
            ]
            assert max(inside) > 0
        # Matplotlib takes the difference of two edges, each of which is rounded
        assert max(heights) == pytest.approx(0.8, rel=1e-14)


@pytest.mark.parametrize(
    ("low", "high", "at_most"), [(-1.0, 2.0, 6), (3.0, 4.0, 5), (-2.0, -1.0, 5), (0.0, 0.0, 4)]
)
def test_bars_reach_over_zero_and_lose_no_number(low: float, high: float, at_most: int) -> None:
    bars = spread.bins_around_zero(low, high, at_most)
    edges = bars.edges
    assert 0.0 in edges
    assert edges[0] <= low + 1e-9
    assert edges[-1] >= high - 1e-9
    assert len(edges) <= at_most + 3  # zero may cut a bar in two, and bring one
    assert sum(bars.counts([low, high, low - 9.0, high + 9.0])) == 4


def test_distributions_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="callback=Recorder"):
        plots.distributions(RUN)
    with pytest.raises(ValueError, match="one of weights, gradients, activations"):
        plots.distributions(snapshot(), "biases")
    with pytest.raises(ValueError, match=r"bins must be .* got 0"):
        plots.distributions(snapshot(), bins=0)


# ---------------------------------------------------------------------------- curves


@pytest.mark.parametrize("op", [ops.tanh, ops.gelu, ops.softplus], ids=str)
def test_activation_curve_shows_the_row_and_its_partial(op: Any) -> None:
    values, slopes = curves(plots.activation_curve(op, start=-2.0, stop=3.0))
    assert values[0][0] == -2.0
    assert values[-1][0] == 3.0
    assert all(y == op(x) for x, y in values)
    assert all(slope == op.partials[0](op(x), x) for x, slope in slopes)


def curves(ax: Axes) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Returns the points of the function and of its derivative; the lines before are the axes."""
    function, derivative = ax.lines[2:]
    assert (function.get_linestyle(), derivative.get_linestyle()) == ("-", "--")
    return tuple(  # type: ignore[return-value]
        list(zip(*(map(float, cast("Any", column)) for column in line.get_data()), strict=True))
        for line in (function, derivative)
    )


def gaps(points: list[tuple[float, float]]) -> list[float]:
    return [x for x, y in points if math.isnan(y)]


def test_the_pen_is_lifted_at_a_jump_and_only_there() -> None:
    values, slopes = curves(plots.activation_curve(ops.relu))
    assert gaps(values) == []
    assert gaps(slopes) == [0.0]  # the slope is 0 up to 0 and 1 after it
    values, slopes = curves(plots.activation_curve(ops.gelu))
    assert gaps(values) == gaps(slopes) == []


def test_the_pen_is_lifted_at_a_pole() -> None:
    values, _ = curves(plots.activation_curve(ops.tan))
    assert len(gaps(values)) >= 2
    # tan rises wherever it is defined, so a line that falls would be drawn across a pole
    assert not any(before > after for (_, before), (_, after) in pairwise(values))


def test_there_is_no_curve_where_the_function_is_not_defined() -> None:
    ax = plots.activation_curve(ops.log)
    values, slopes = curves(ax)
    assert gaps(values) == gaps(slopes) == [x for x, _ in values if x <= 0]
    # 1/x is 100 at the first point; the picture shows what is worth seeing.
    assert ax.get_ylim()[1] < 10


def test_a_function_may_be_anything_that_makes_a_value() -> None:
    ax = plots.activation_curve(lambda x: 3 * x + 1, name="a line")
    values, slopes = curves(ax)
    assert all(y == 3 * x + 1 for x, y in values)
    assert {slope for _, slope in slopes} == {3.0}
    assert ax.lines[2].get_label() == "a line"


def test_an_empty_interval_is_refused() -> None:
    with pytest.raises(ValueError, match=r"start and stop must be .* got 1\.0, 1\.0"):
        plots.activation_curve(ops.tanh, start=1.0, stop=1.0)


# ---------------------------------------------------------------------------- images


def drawn_images(ax: Axes) -> list[Any]:
    return [cast("Any", image.get_array()).tolist() for image in ax.images]


def test_weights_are_folded_row_after_row_and_share_one_scale() -> None:
    layer = Layer(6, 2, seed=0)
    ax = plots.weights_as_images(layer, (2, 3))
    for neuron, image in zip(layer.neurons, drawn_images(ax), strict=True):
        assert image[0] + image[1] == [weight.data for weight in neuron.w]
    strongest = max(abs(weight.data) for neuron in layer.neurons for weight in neuron.w)
    assert {image.get_clim() for image in ax.images} == {(-strongest, strongest)}


def test_a_minus_sign_stands_in_the_middle_of_each_negative_cell() -> None:
    (neuron,) = (layer := Layer(4, 1)).neurons
    for weight, number in zip(neuron.w, [1.0, -1.0, -0.5, -0.05], strict=True):
        weight.data = number
    ax = plots.weights_as_images(layer, (2, 2))
    (signs,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    left, right, bottom, top = cast("Any", ax.images[0].get_extent())
    found = []
    for (x0, y0), (x1, y1) in cast("Any", signs.get_segments()):
        assert y0 == y1
        column = (x0 + x1) / 2 - left
        found.append((column / (right - left), (top - y0) / (top - bottom), x1 - x0))
    # upper right, as long as a sign gets, and lower left, half of that; -0.05 is as good as none
    assert sorted(found) == [pytest.approx((0.25, 0.75, 0.175)), pytest.approx((0.75, 0.25, 0.35))]


def test_neurons_may_come_in_a_list() -> None:
    assert len(drawn_images(plots.weights_as_images(Layer(4, 3).neurons[:2], (2, 2)))) == 2


def test_tiles_never_overlap() -> None:
    ax = plots.image_gallery([STROKE] * 7, columns=3)
    boxes = [cast("Any", image.get_extent()) for image in ax.images]
    for i, (left, right, bottom, top) in enumerate(boxes):
        for other_left, other_right, other_bottom, other_top in boxes[i + 1 :]:
            assert (
                right < other_left or other_right < left or top < other_bottom or other_top < bottom
            )


def test_a_gallery_shows_the_pictures_with_their_classes() -> None:
    strokes = data.Dataset(
        "strokes", [[0.0, 1.0], [1.0, 0.0]], [1, 0], ("left", "right"), ("one", "two"), (1, 2)
    )
    ax = plots.image_gallery(strokes)
    assert drawn_images(ax) == [[[0.0, 1.0]], [[1.0, 0.0]]]
    assert [text.get_text() for text in ax.texts] == ["two", "one"]
    assert ax.get_title() == ""


def test_a_gallery_over_its_limit_says_so() -> None:
    ax = plots.image_gallery([STROKE] * 9, limit=4)
    assert len(ax.images) == 4
    assert ax.get_title() == "4 of 9"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.weights_as_images(Layer(6, 1), (2, 2)), "6 numbers, .* 2 rows of 2"),
        (lambda: plots.weights_as_images([], (2, 2)), "no neurons"),
        (lambda: plots.image_gallery([]), "no pictures"),
        (lambda: plots.image_gallery([[]]), "picture 0 must hold one number or more"),
        (lambda: plots.image_gallery([[[]]]), "picture 0 must hold one number or more"),
        (lambda: plots.image_gallery([[0.0, 1.0]]), "Pass its shape"),
        (lambda: plots.image_gallery([[0.0, 1.0]], shape=(0, 2)), "each of shape must be .* got 0"),
        (lambda: plots.image_gallery([[[0.0, 1.0], [0.0]]]), "different lengths"),
        (lambda: plots.image_gallery([STROKE, [[1.0]]]), "must have one shape"),
        (lambda: plots.image_gallery([STROKE], labels=["a", "b"]), "labels must hold 1, .* got 2"),
        (lambda: plots.image_gallery([STROKE], columns=0), "columns must be .* got 0"),
        (lambda: plots.image_gallery([STROKE], limit=0), "limit must be .* got 0"),
        (lambda: plots.image_gallery(MOONS), "Pass its shape"),
    ],
)
def test_pictures_that_can_not_be_drawn_are_refused(draw: Callable[[], Axes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()
    assert plt.get_fignums() == []


# ---------------------------------------------------------------------------- tables of numbers


def texts_aligned(ax: Axes, how: str) -> dict[tuple[float, float], str]:
    """Returns what is written, by the place of each: centred text stands in cells or above them."""
    texts = cast("list[Any]", ax.texts)
    return {each.get_position(): each.get_text() for each in texts if each.get_ha() == how}


def test_a_table_has_its_numbers_in_their_cells_and_zero_in_the_middle_of_the_colours() -> None:
    ax = plots.table_as_image([[Value(0.5), -2.0, 0.0], [1.0, 0.125, 3]], "ab", ["x", "y", "z"])
    assert drawn_images(ax) == [[[0.5, -2.0, 0.0], [1.0, 0.125, 3.0]]]
    assert ax.images[0].get_clim() == (-3.0, 3.0)
    written = {(0, 0): "0.5", (1, 0): "-2", (2, 0): "0", (0, 1): "1", (1, 1): "0.12", (2, 1): "3"}
    centred = texts_aligned(ax, "center")
    assert {place: text for place, text in centred.items() if place[1] >= 0} == written
    above = {place[0]: text for place, text in centred.items() if place[1] < 0}
    assert above == {0: "x", 1: "y", 2: "z"}
    beside = {place[1]: text for place, text in texts_aligned(ax, "right").items()}
    assert beside == {0: "a", 1: "b"}


def test_a_large_table_is_drawn_without_its_numbers_and_a_table_of_zeros_too() -> None:
    ax = plots.table_as_image([[0.0] * 30] * 30, written=None)
    assert not ax.texts
    assert ax.images[0].get_clim() == (-1.0, 1.0)


def test_attention_is_a_triangle_a_head_with_the_tokens_beside_it() -> None:
    ax = plots.attention_maps(LOOKS, "cab")
    pictures = drawn_images(ax)
    drawn = [[number is not None for number in row] for row in pictures[0]]
    assert drawn == [[True, False, False], [True, True, False], [True, True, True]]
    looks_last = [picture[2] for picture in pictures]
    assert looks_last == [[50.0, 25.0, 25.0], [0.0, 100.0, 0.0], [0.0, 0.0, 100.0]]
    assert {image.get_clim() for image in ax.images} == {(-100.0, 100.0)}
    left, right, bottom, top = cast("Any", ax.images[1].get_extent())
    inside = {
        (x - left - 0.5, y - top - 0.5): text
        for (x, y), text in texts_aligned(ax, "center").items()
        if left < x < right and top < y < bottom
    }
    head_one = [["100"], ["100", "0"], ["0", "100", "0"]]
    assert inside == {(x, y): text for y, row in enumerate(head_one) for x, text in enumerate(row)}
    assert list(texts_aligned(ax, "right").values()) == list("cab") * 3


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.table_as_image([]), "the table must hold one number or more"),
        (lambda: plots.table_as_image([[1.0, 2.0], [1.0]]), "different lengths"),
        (lambda: plots.table_as_image([[1.0]], rows="ab"), "rows must hold 1, .* got 2"),
        (lambda: plots.table_as_image([[1.0]], columns=[]), "columns must hold 1, .* got 0"),
        (lambda: plots.attention_maps([], []), "no shares"),
        (lambda: plots.attention_maps([[]], "a"), "no shares"),
        (lambda: plots.attention_maps(LOOKS, "ab"), "tokens must hold 3, .* got 2"),
        (lambda: plots.attention_maps(LOOKS[1:], "ab"), r"shares\[0\] has \[2, 2, 2\] shares"),
        (lambda: plots.attention_maps([[[1.0]], [[1.0]]], "ab"), r"shares\[1\] has \[1\] shares"),
    ],
)
def test_tables_that_can_not_be_drawn_are_refused(draw: Callable[[], Axes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw()
    assert plt.get_fignums() == []


def test_a_loss_begins_at_zero_and_a_logarithmic_axis_shows_all_of_it() -> None:
    ax = plots.loss_curve([0.5, 0.04, 0.002])
    ax = plots.loss_curve([3.0, 0.4], ax, label="another")
    bottom, top = ax.get_ylim()
    assert bottom == 0.0
    assert 3.0 < top < 3.5
    ax.set_yscale("log")
    bottom, top = ax.get_ylim()
    assert 0.0005 < bottom < 0.002
    assert 3.0 < top < 10.0


# ---------------------------------------------------------------------------- a surface


def test_from_one_contour_to_the_next_the_height_above_the_bottom_halves() -> None:
    ax = plots.surface(lambda a, b: 3.0 + valley(a, b), resolution=21)
    (contours,) = [each for each in ax.collections if isinstance(each, QuadContourSet)]
    heights = [float(level) - 3.0 for level in contours.levels]  # the lowest place is at 3
    assert heights[-1] == pytest.approx(5.0)  # half of the corners' 1 + 9
    assert len(heights) == plane.CONTOURS
    assert all(2 * inner == pytest.approx(outer) for inner, outer in pairwise(heights))


@pytest.mark.parametrize(
    "function",
    [
        valley,
        lambda a, b: (4 * a * b - 1) ** 2,
        lambda a, b: abs(a) ** 0.3 + 1e-4 * abs(b),
        lambda a, b: math.sin(9 * a) * math.sin(9 * b),
    ],
)
def test_labels_of_contours_do_not_lie_upon_each_other(
    function: Callable[[float, float], float],
) -> None:
    ax = plots.surface(function)
    figures.svg(cast("Figure", ax.figure))
    labels = [text for text in ax.texts if text.get_text()]
    assert labels
    boxes = [label.get_window_extent() for label in labels]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_a_contour_runs_where_the_function_has_its_height() -> None:
    ax = plots.surface(valley, x=(-2.0, 2.0), y=(-0.5, 1.0), resolution=121)
    (contours,) = [each for each in ax.collections if isinstance(each, QuadContourSet)]
    # Between two of 121 places the height is taken to be straight: off by h*h*f''/8, each way.
    off = (4 / 120) ** 2 * 2 / 8 + (1.5 / 120) ** 2 * 18 / 8
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        heights = [valley(float(a), float(b)) for a, b in np.asarray(path.vertices)]
        assert heights == pytest.approx([float(level)] * len(heights), abs=off)


def test_each_path_is_drawn_as_it_was_walked_and_has_a_look_of_its_own() -> None:
    ax = plots.surface(valley, x=(-2.0, 2.0), paths=WALKS)
    drawn = {str(line.get_label()): line for line in ax.lines}
    for name, places in WALKS.items():
        assert np.asarray(drawn[name].get_xydata()).tolist() == [list(place) for place in places]
    long, short = drawn.values()
    for look in ("get_color", "get_marker", "get_linestyle"):
        assert getattr(long, look)() != getattr(short, look)()
    assert ax.get_xlim() == (-2.0, 2.0)  # the short one ends at 9, off the map
    assert ax.get_ylim() == (-1.0, 1.0)


def test_a_surface_takes_a_function_of_values_and_a_flat_one() -> None:
    bowl = plots.surface(lambda a, b: Value(a) ** 2 + Value(b) ** 2)
    assert any(isinstance(each, QuadContourSet) for each in bowl.collections)
    flat = plots.surface(lambda a, b: 1.0)
    assert not any(isinstance(each, QuadContourSet) for each in flat.collections)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": (1.0, 1.0)}, "x must be two numbers, the smaller first, got 1.0, 1.0"),
        ({"y": (2.0, -2.0)}, "y must be .* got 2.0, -2.0"),
        ({"resolution": 1}, "resolution must be .* got 1"),
    ],
)
def test_a_surface_says_what_map_it_needs(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plots.surface(valley, **options)


def test_a_surface_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite everywhere on the map"):
        plots.surface(lambda a, b: math.inf if a > 0.5 else b, resolution=5)
    assert plt.get_fignums() == []


# ---------------------------------------------------------------------------- in a notebook


def test_show_sends_an_image_with_its_words_once_and_closes_the_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[dict[str, str]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: sent.append(bundle))
    figure, (left, _) = plt.subplots(1, 2)
    plots.show(left, alt='a "line" < a curve')
    (bundle,) = sent
    assert bundle["text/plain"] == 'a "line" < a curve'
    assert 'alt="a &quot;line&quot; &lt; a curve"' in bundle["text/html"]
    assert '<img src="data:image/svg+xml;base64,' in bundle["text/html"]
    assert 'style="overflow-x: auto" tabindex="0"' in bundle["text/html"]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert figure.number not in plt.get_fignums()


def test_show_asks_for_words() -> None:
    ax = plots.loss_curve([1.0, 0.5])
    with pytest.raises(ValueError, match="say in alt what the picture shows"):
        plots.show(ax, alt=" ")


def test_without_ipython_show_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    with pytest.raises(ImportError, match=r'pip install "micrograd-notes\[notebooks\]"'):
        plots.show(plots.loss_curve([1.0, 0.5]), alt="a line that falls")


# ---------------------------------------------------------------------------- several functions


def test_curves_go_through_the_functions_and_have_a_kind_of_line_each() -> None:
    functions: dict[str, Callable[[float], Any]] = {
        "line": lambda x: 2 * x,
        "tanh": ops.tanh,
        "square": lambda x: Value(x) * x,
    }
    ax = plots.curves(functions, -1.0, 3.0, points=[(0.0, 1.0), (2.0, 3.0)])
    *lines, examples = ax.lines
    for line, function in zip(lines, functions.values(), strict=True):
        xs, ys = map(list, cast("list[list[float]]", line.get_data()))
        assert (min(xs), max(xs)) == (-1.0, 3.0)
        assert ys == [given.number("f", function(x)) for x in xs]
    assert len({line.get_linestyle() for line in lines}) == len(functions)
    assert len({line.get_color() for line in lines}) == len(functions)
    points = cast("list[list[float]]", examples.get_data())
    assert [list(column) for column in points] == [[0.0, 2.0], [1.0, 3.0]]


def test_curves_say_what_is_missing() -> None:
    with pytest.raises(ValueError, match="no functions"):
        plots.curves({}, 0.0, 1.0)
    with pytest.raises(ValueError, match="start and stop must be"):
        plots.curves({"x": lambda x: x}, 1.0, 1.0)


# ---------------------------------------------------------------------------- a flip book


def test_a_flip_book_has_the_pictures_in_order_and_closes_them() -> None:
    falls, rises = plots.loss_curve([2.0, 1.0]), plots.loss_curve([1.0, 2.0])
    book = plots.flipbook([(falls, "It falls."), (rises, "It rises.")], title="Losses")
    assert book.captions == ["It falls.", "It rises."]
    again = cast("Figure", plots.loss_curve([2.0, 1.0]).figure)
    assert book.sources[0] == in_page(figures.svg(again).encode(), "svg+xml")
    plt.close(again)
    assert book.sources[0] != book.sources[1]
    assert plt.get_fignums() == []


@every_plot
def test_a_picture_in_a_palette_looks_as_it_was_drawn(plot: Plot) -> None:
    figure, drawn = cast("Figure", plot(None).figure), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=100)
    before, after = (
        plt.imread(io.BytesIO(png))[:, :, :3] for png in (drawn.getvalue(), figures.png(figure))
    )
    assert before.shape == after.shape
    # A shade that is off by a twentieth cannot be told without the other one beside it.
    assert abs(before - after).max() < 0.05


# ---- errors --------------------------------------------------------------------------------------


def test_errors_keep_their_size_and_their_gaps() -> None:
    ax = plots.error_curves({"a": [(0.0, -1e-3), (1.0, math.nan), (2.0, 0.0)], "b": [(0.0, 1.0)]})
    drawn: Any = ax.lines[0].get_ydata()
    first = [float(y) for y in drawn]
    assert first[0] == 1e-3
    assert math.isnan(first[1])
    assert first[2] == ax.get_ylim()[0] == 1e-17
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()


def test_errors_that_can_not_be_drawn_are_refused() -> None:
    with pytest.raises(ValueError, match="no curves"):
        plots.error_curves({})
    with pytest.raises(ValueError, match=r"floor must be .* above 0"):
        plots.error_curves({"a": [(0.0, 1.0)]}, floor=0.0)
