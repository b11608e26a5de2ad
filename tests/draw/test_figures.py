"""A plot in a notebook can be read on a light and on a dark page, on a phone and on a desk."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the plots need the extra viz")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from micrograd_notes.draw import (
    draw_backward,
    draw_dot,
    draw_model,
    figures,
    plots,
    rendering,
)
from micrograd_notes.draw.graph.dot import digraph
from micrograd_notes.draw.model.picture import _plain
from micrograd_notes.draw.page import Page, page
from micrograd_notes.draw.stepper.backward import _with_grads
from micrograd_notes.engine import Value, ops
from micrograd_notes.train.loop import History
from tests.draw.test_plots import MODEL, MOONS, Plot, every_plot

SVG = "{http://www.w3.org/2000/svg}"
every_scheme = pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])


@pytest.fixture(autouse=True)
def _tidy() -> Iterator[None]:
    """Draws without a screen, and closes all figures."""
    plt.switch_backend("agg")
    yield
    plt.close("all")


def figure_of(plot: Plot) -> Figure:
    return cast("Figure", plot(None).figure)


@cache
def svg_of(plot: Plot) -> tuple[str, str]:
    """Returns a plot as SVG, and the style that a page gives it; drawn once for all tests."""
    figure = figure_of(plot)
    return figures.svg(figure), figures.style(figure)


def luminance(colour: str) -> float:
    """Returns the relative luminance of a colour, as the WCAG defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def over(colour: str, share: float, paper: str) -> str:
    """Returns the colour that a reader sees where it covers a share of the paper."""
    pairs = ((int(each[at : at + 2], 16) for each in (colour, paper)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def rules_of(svg: str, scheme: int) -> dict[str, dict[str, str]]:
    """Returns what the style sheet says about each selector in a light or in a dark scheme."""
    found: dict[str, dict[str, str]] = {}
    plain, dark = re.split(r"@media\(prefers-color-scheme:dark\)", svg.split("</style>")[0])
    for part in [re.sub(r"@media\(min-width.*", "", plain), dark][: scheme + 1]:
        for name, rule in re.findall(r"([\w.=\[\]]+)\{([^{}]+)\}", part):
            found.setdefault(name, {}).update(each.split(":", 1) for each in rule.split(";"))
    return found


def painted(svg: str, scheme: int) -> list[tuple[str, str, str, float]]:
    """Returns (element, fill or stroke, colour, opacity) for all that is filled and drawn."""
    rules, found = rules_of(svg, scheme), []
    for element in ElementTree.fromstring(svg).iter():
        tag = element.tag.removeprefix(SVG)
        if tag not in ("path", "use", "text", "tspan", "rect"):
            continue
        looks = {"fill": rules["svg"]["fill"], "stroke": "none"}
        looks |= {"fill": element.get("fill", looks["fill"])}
        looks |= rules.get("." + element.get("class", ""), {})
        for way in ("fill", "stroke"):
            if looks[way].startswith("#"):
                share = float(looks.get("opacity", 1)) * float(looks.get(f"{way}-opacity", 1))
                found.append((tag, way, looks[way], share))
    return found


def in_clip_paths(svg: str) -> str:
    """Returns the SVG without the shapes that only cut others off."""
    return re.sub(r"<clipPath.*?</clipPath>", "", svg)


@every_scheme
@every_plot
def test_texts_and_marks_stand_out_on_the_page(plot: Plot, scheme: int) -> None:
    svg = in_clip_paths(svg_of(plot)[0])
    paper = rules_of(svg, scheme)["svg"]["background"]
    assert paper == figures.PAPERS[scheme]
    drawn = painted(svg, scheme)
    # Paler than a half are grounds and their hatching, which repeat what the marks say.
    pale = [(colour, share) for _, way, colour, share in drawn if share < 0.5 and way == "fill"]
    grounds = {paper, *(over(colour, share, paper) for colour, share in pale)}
    assert any(tag == "text" for tag, *_ in drawn)
    for tag, way, colour, share in drawn:
        is_ground = (tag, way, colour) == ("path", "fill", paper)  # behind the label of a contour
        if share >= 0.5 and not is_ground:
            assert contrast(colour, paper) >= (4.5 if tag in ("text", "tspan") else 3.0)
            assert min(contrast(colour, ground) for ground in grounds) >= 3.0


@every_scheme
@pytest.mark.parametrize("plot", [
    lambda ax: plots.table_as_image([[k / 10 for k in range(-10, 11)]], ax=ax),
    lambda ax: plots.attention_maps([[[1.0]], [[0.25, 0.75]]], "ab", ax=ax),
])  # fmt: skip
def test_numbers_in_cells_can_be_read_on_their_colours(plot: Plot, scheme: int) -> None:
    svg = figures.svg(figure_of(plot))
    rasters = re.findall(r"data:image/png;base64,([\w+/=\s]+)", svg)
    assert rasters
    for raster in rasters:
        cells = Image.open(io.BytesIO(base64.b64decode(raster))).convert("RGBA")
        for *channels, alpha in np.asarray(cells).reshape(-1, 4).tolist():
            colour = "#" + "".join(f"{channel:02x}" for channel in channels)
            below = over(colour, alpha / 255, figures.PAPERS[scheme])
            assert contrast(figures.INKS[scheme], below) >= 4.5


@every_scheme
@pytest.mark.parametrize("colour", ["#ffff00", "#ff7f0e", "#000080", "#808080", "#fefefe"])
def test_colours_of_a_learner_stand_out_too(colour: str, scheme: int) -> None:
    assert contrast(figures.visible(colour, scheme), figures.PAPERS[scheme]) >= 4.5


def test_the_page_has_the_same_paper() -> None:
    assert f"background: {figures.PAPERS[1]}".replace("111111", "111") in page("x", "")


def test_a_drawing_in_ink_is_light_on_a_dark_page() -> None:
    svg = figures.svg(figure_of(lambda ax: plots.image_gallery([[[0.0, 1.0]]], ax=ax)))
    assert svg.count('id="ink"') == 1
    assert rules_of(svg, 1)["[id=ink]"] == {"filter": "url(#light)"}
    (matrix,) = re.findall(r'feColorMatrix values="([^"]+)"', svg)
    assert [float(x) for x in matrix.split()[4:15:5]] == [0.918] * 3  # #ea


@every_plot
def test_letters_have_ten_pixels_in_the_narrowest_image(plot: Plot) -> None:
    svg, style = svg_of(plot)
    rules = rules_of(svg, 0)
    points = float(re.findall(r'viewBox="0 0 ([\d.]+)', svg)[0])
    narrowest = float(re.findall(r"min-width: (\d+)px", style)[0])
    ((turn, wide),) = re.findall(r"@media\(min-width:(\d+)px\)\{((?:[^{}]+\{[^{}]+\})*)\}", svg)
    grown = [float(rule["font-size"][:-2]) for rule in rules.values() if "font-size" in rule]
    usual = [float(size) for size in re.findall(r"font-size:([\d.]+)px", wide)]
    assert len(grown) == len(usual) > 0
    assert min(grown) * narrowest / points >= 10.0
    assert min(usual) * float(turn) / points >= 9.98  # the turn is a whole pixel


def test_a_usual_plot_fits_a_phone() -> None:
    assert figures.style(figure_of(lambda ax: plots.scatter(MOONS, ax=ax))).startswith(
        "min-width: 350px"  # 390 less the margins of a page
    )


@every_plot
def test_the_same_figure_has_the_same_bytes_and_its_letters_stay(plot: Plot) -> None:
    figure, again = figure_of(plot), figure_of(plot)
    sizes = [float(text.get_fontsize()) for text in cast("list[Text]", figure.findobj(Text))]
    assert figures.svg(figure) == figures.svg(again)
    assert figures.png(figure) == figures.png(again)
    after = [float(text.get_fontsize()) for text in cast("list[Text]", figure.findobj(Text))]
    assert (min(after), max(after)) == pytest.approx((min(sizes), max(sizes)))


@every_plot
@pytest.mark.parametrize("factor", [1.0, figures.GROWN])
def test_a_legend_covers_nothing_and_lies_in_the_figure(plot: Plot, factor: float) -> None:
    ax = plot(None)
    if ax.get_legend() is None:
        pytest.skip("no legend")
    figure = cast("Figure", ax.figure)
    figures._grow(figure, factor)
    figure.canvas.draw()
    legend, inside = cast("Any", ax.get_legend()).get_window_extent(), ax.get_window_extent()
    assert legend.y0 >= inside.y1
    assert legend.x0 >= 0
    assert legend.x1 <= figure.bbox.x1
    assert legend.y1 <= figure.bbox.y1


# ---- in words ------------------------------------------------------------------------------------


def test_words_name_what_is_drawn_and_not_what_is_found() -> None:
    run = History([{"loss": 0.123, "validation_loss": 0.456}, {"loss": 0.0789}])
    said = figures.words(figure_of(lambda ax: plots.loss_curve(run, ax=ax)))
    assert said == "loss from 0 to 0.4, over epoch from 1 to 2: training, held out."
    said = figures.words(figure_of(lambda ax: plots.image_gallery([[[1.0]]], ["a"], ax=ax)))
    assert said == "1 by 1 cells, a."


# ---- static pictures -----------------------------------------------------------------------------


def corner(png: bytes) -> tuple[int, ...]:
    return cast("tuple[int, ...]", Image.open(io.BytesIO(png)).convert("RGB").getpixel((0, 0)))


def test_a_graph_has_a_static_picture_on_white(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = draw_dot(Value(2.0, name="x") * 3)
    png = base64.b64decode(picture._repr_mimebundle_()["image/png"])
    assert corner(png) == (255, 255, 255)
    assert len(png) < len(picture.pipe("png"))
    monkeypatch.setattr(rendering, "_renderers", lambda: iter(()))
    assert rendering.still("digraph { a }") is None


def test_a_page_has_a_static_picture_where_it_draws_one() -> None:
    class Silent(Page):
        title, _fragment = "silent", "<p></p>"

    assert set(Silent()._repr_mimebundle_()) == {"text/html", "text/plain"}
    first, last = plots.loss_curve([2.0, 1.0]), plots.loss_curve([1.0, 2.0])
    expected = figures.png(cast("Figure", first.figure))
    book = plots.flipbook([(first, "It falls."), (last, "It rises.")], "Losses")
    assert base64.b64decode(book._repr_mimebundle_()["image/png"]) == expected
    assert corner(expected) == (255, 255, 255)


@pytest.mark.parametrize(
    ("formula", "parts"),
    [
        ("$10^{-3}$", [("10", True), ("−3", False)]),
        ("$x^2 + 10^{12}$", [("x", True), ("2", False), ("+", True), ("10", True), ("12", False)]),
        ("plain", []),
    ],
)
def test_letters_of_a_formula_follow_each_other_and_only_a_space_parts_them(
    formula: str, parts: list[tuple[str, bool]]
) -> None:
    """Placed one by one, they would have gaps in every other font and size."""

    def draw(ax: Axes | None) -> Axes:
        ax = plots.loss_curve([1.0], ax=ax)
        ax.set_title(formula)
        return ax

    spans = re.findall(r"<tspan([^>]*)>([^<]*)<", figures.svg(figure_of(draw)))
    assert [(text, " x=" in place) for place, text in spans] == parts


# ---- several panels, and the new plots -----------------------------------------------------------


def test_panels_share_limits_colours_and_one_legend() -> None:
    def table(size: float) -> Any:
        return lambda ax: plots.table_as_image([[size, -1.0]], ax=ax)

    figure = plots.side_by_side({"small": table(2.0), "large": table(8.0)})
    assert {image.get_clim() for ax in figure.axes for image in ax.images} == {(-8.0, 8.0)}

    def boundary(shift: float) -> Any:
        return lambda ax: plots.decision_boundary(lambda x: x[0] - shift, MOONS, ax=ax)

    figure = plots.side_by_side({"left": boundary(0.0), "right": boundary(1.0)})
    left, right = figure.axes
    assert (left.get_xlim(), left.get_ylim()) == (right.get_xlim(), right.get_ylim())
    assert left.get_window_extent().y0 == right.get_window_extent().y0
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["outer", "inner"]
    assert left.get_legend() is right.get_legend() is None
    with pytest.raises(ValueError, match="no panels"):
        plots.side_by_side({})


def test_dots_are_the_runs_and_a_bar_is_their_median() -> None:
    ax = plots.dots_by_seed({"a": [3.0, 1.0, 2.0, math.nan], "b": [5.0, 6.0]}, of="error")
    reach, dots, median = ax.lines[:3]
    assert list(cast("Any", reach.get_xdata())) == [1.0, 3.0]
    assert list(cast("Any", dots.get_xdata())) == [1.0, 2.0, 3.0]
    assert list(cast("Any", median.get_xdata())) == [2.0, 2.0]
    assert [text.get_text() for text in ax.texts] == ["2", "5.5"]
    assert ax.get_yticklabels()[0].get_text() == "a\n1 of 4 not finite"
    with pytest.raises(ValueError, match="no finite numbers of 'c'"):
        plots.dots_by_seed({"c": [math.inf]})


def test_the_best_rung_is_at_the_bottom() -> None:
    ax = plots.loss_ladder({"good": 1.0, "bad": 3.0, "best": 0.5})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["bad", "good", "best"]
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert [text.get_text() for text in ax.texts][1:] == [
        "1 (\N{MINUS SIGN}2)",
        "0.5 (\N{MINUS SIGN}0.5)",
    ]
    with pytest.raises(ValueError, match="the loss of 'lost' must be"):
        plots.loss_ladder({"lost": math.nan})


def test_a_tangent_touches_and_a_parabola_bends_like_the_curve() -> None:
    at = 0.5
    ax = plots.tangent(ops.tanh, at, nudges=[0.25, -0.5], parabola=True)
    lines = {str(line.get_label()): line for line in ax.lines}
    slope = 1 - math.tanh(at) ** 2
    bend = -2 * math.tanh(at) * slope
    straight = lines[f"tangent at 0.5, slope {slope:.4g}"]
    bent = lines[f"parabola, second derivative {bend:.4g}"]
    for x, y, z in zip(
        *map(
            list,
            (
                cast("Any", straight.get_xdata()),
                cast("Any", straight.get_ydata()),
                cast("Any", bent.get_ydata()),
            ),
        ),
        strict=True,
    ):
        assert y == pytest.approx(math.tanh(at) + slope * (x - at), abs=1e-12)
        assert z == pytest.approx(y + bend / 2 * (x - at) ** 2, abs=1e-12)
    turn = lines[f"turns at {at - slope / bend:.4g}"]
    assert float(cast("Any", turn.get_xdata())[0]) == pytest.approx(at - slope / bend)
    (secant,) = [line for name, line in lines.items() if name.startswith("nudge -0.5, ")]
    assert list(cast("Any", secant.get_xdata())) == [0.5, 0.0]
    assert list(cast("Any", secant.get_ydata())) == [math.tanh(0.5), 0.0]
    with pytest.raises(ValueError, match="nudges must not be 0"):
        plots.tangent(ops.tanh, at, nudges=[0.0])


def test_stairs_are_not_dashed() -> None:
    def stairs(x: float) -> float:
        return math.floor(10 * x) / 10

    ax = plots.curves({"line": lambda x: x, "stairs": stairs, "wave": math.sin}, -1.0, 1.0)
    assert [line.get_linestyle() for line in ax.lines] == ["-", "-", ":"]
    assert ax.lines[1].get_linewidth() < ax.lines[0].get_linewidth()


def test_a_list_of_losses_begins_before_the_first_step() -> None:
    (line,) = plots.loss_curve([2.0, 1.0]).lines
    assert list(cast("Any", line.get_xdata())) == [0, 1]


def test_a_model_has_a_static_picture_without_numbers() -> None:
    source = _plain(draw_model(MODEL, inputs=[0.25, -3.5]).view)
    assert source.count("->") == 2 * 3 + 3
    assert "3.5" not in source
    png = base64.b64decode(draw_model(MODEL)._repr_mimebundle_()["image/png"])
    assert corner(png) == (255, 255, 255)


def test_a_stepper_has_a_static_picture_before_the_first_step() -> None:
    y = Value(2.0, name="x") * 3
    untouched = draw_dot(y).source
    y.backward()
    stepper = draw_backward(y)
    assert draw_dot(y).source != untouched
    png = base64.b64decode(stepper._repr_mimebundle_()["image/png"])
    assert png == rendering.still(digraph(_with_grads(stepper.view, {})).source)
    assert corner(png) == (255, 255, 255)
