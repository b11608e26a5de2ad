"""The training page in a real browser: as a file, in a saved notebook, in nbconvert's page."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import MLP
from micrograd_notes.draw import draw_model
from micrograd_notes.draw.training.page import Recorder, TrainingPage, training_page
from micrograd_notes.train.data import moons, spirals
from micrograd_notes.train.loop import History, fit
from tests.browser.conftest import WIDTHS, Lab, Visit

Open = Callable[..., Visit]
EPOCHS = 7


@cache
def example() -> TrainingPage:
    train, held_out = moons(samples=60, noise=0.2).split()
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    recorder = Recorder(model, train, held_out=held_out)
    history = fit(
        model, train, validation=held_out, epochs=EPOCHS, callback=recorder, progress=False
    )
    return training_page(history, title="Two moons")


@cache
def three_classes() -> TrainingPage:
    data = spirals(samples=45)
    model = MLP(2, [5, 3], activation="relu", seed=0)
    history = fit(model, data, epochs=3, callback=Recorder(model, data), progress=False)
    return training_page(history, title="Spirals")


@cache
def curves_alone() -> TrainingPage:
    return training_page(History([{"loss": 2.0}, {"loss": 1.0}, {"loss": 0.75}]))


class Reader:
    """A reader in front of a training page: what they press, and what they see."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.run = page.locator(".run").first

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, label: str) -> None:
        self.run.get_by_role("button", name=label).click()

    @property
    def caption(self) -> str:
        return str(self.run.locator(".caption").inner_text())

    @property
    def epoch(self) -> int:
        return int(self.caption.split()[1])

    def drawn(self) -> list[str]:
        """Returns all that changes from epoch to epoch: lines, bars, the border, and words."""
        return list(
            self.run.evaluate(
                """run => Array.from(
                    run.querySelectorAll(".now, .dot, .bars, .border, .caption, figcaption span"),
                    part => part.getAttribute("d") + part.getAttribute("transform")
                        + part.textContent)"""
            )
        )


@pytest.fixture
def reader(visit: Open, tmp_path: Path) -> Reader:
    return Reader(visit(example().save(tmp_path / "training.html")).page)


# ---- as a file, offline --------------------------------------------------------------------------


def test_it_opens_at_the_first_epoch_and_gives_nothing_away(reader: Reader) -> None:
    assert reader.caption == example().captions[0]
    lines = reader.run.locator("path.training:not(.dot), path.held-out:not(.dot)")
    lines = lines.and_(reader.run.locator("svg.plot path"))
    assert lines.count() == 4  # loss and accuracy, training and held out
    for epoch in range(1, EPOCHS + 1):
        for i in range(4):
            drawn = lines.nth(i).get_attribute("d")
            assert drawn.count("M") + drawn.count("L") == epoch
        reader.press(*["Tab"] * (epoch == 1), "ArrowRight")


def test_the_boundary_is_the_largest_and_the_distributions_are_folded(reader: Reader) -> None:
    areas = [
        box["width"] * box["height"]
        for plot in reader.run.locator("svg.plot:visible").all()
        if (box := plot.bounding_box())
    ]
    assert len(areas) == 3, "the boundary, loss and accuracy"
    assert areas[0] > 1.5 * max(areas[1:])
    summary = reader.run.locator("summary")
    summary.focus()
    reader.press("Space")
    assert reader.run.locator(".histograms svg.plot:visible").count() == 6
    assert reader.run.get_by_role("button", name="Pause").count() == 0, "Space unfolds"


def test_axes_use_their_room(reader: Reader) -> None:
    """The curves of the accuracy take most of the height of their plot."""
    reader.press("Tab", "End")
    plot = reader.run.locator("figure", has_text="accuracy").first.locator("svg.plot")
    ends = [path.bounding_box() for path in plot.locator("path.training, path.held-out").all()]
    room = plot.locator("path.now").bounding_box()
    low = max(end["y"] + end["height"] for end in ends if end)
    high = min(end["y"] for end in ends if end)
    assert room
    assert low - high > 0.8 * room["height"]


def test_a_loss_that_is_not_finite_is_said_where_it_happens(visit: Open, tmp_path: Path) -> None:
    losses = [2.0, 9.0, float("inf"), float("nan")]
    page = training_page(History([{"loss": loss} for loss in losses]))
    reader = Reader(visit(page.save(tmp_path / "broken.html")).page)
    reader.press("Tab", "ArrowRight")
    assert reader.caption == "Epoch 2 of 4: loss 9."
    reader.press("ArrowRight")
    said = "and the loss was not a finite number: inf in epoch 3."
    assert reader.caption == f"Epoch 3 of 4: loss inf, {said}"
    assert not reader.run.locator(".dot").is_visible()
    reader.press("ArrowRight")
    assert reader.caption == f"Epoch 4 of 4: loss nan, {said}"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", [example, three_classes, curves_alone])
def test_letters_have_ten_pixels_or_more(
    visit: Open, tmp_path: Path, width: int, make: Callable[[], TrainingPage]
) -> None:
    page = visit(make().save(tmp_path / "training.html"), width=width).page
    for summary in page.locator(".run summary").all():
        summary.click()
    sizes = page.locator(".run").evaluate(
        """run => Array.from(run.querySelectorAll("svg.plot text"), text => {
          const svg = text.ownerSVGElement;
          return parseFloat(getComputedStyle(text).fontSize)
            * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        })"""
    )
    assert len(sizes) > 5
    assert min(sizes) >= 10
    assert max(sizes) <= 18


@pytest.mark.parametrize("dark", [False, True])
def test_points_held_out_have_another_mark_which_the_legend_names(
    dark: bool, visit: Open, tmp_path: Path
) -> None:
    """A ring, whose line has a contrast of 3:1 with the paper inside of it."""
    page = visit(example().save(tmp_path / "training.html"), dark=dark).page
    rings = page.locator(".run .boundary svg.plot .hollow").evaluate_all(
        """rings => rings.map(ring => {
            const {fill, stroke} = getComputedStyle(ring);
            const [inside, line] = [fill, stroke].map(colour => {
                const [r, g, b] = colour.match(/[0-9]+/g).map(c => (c /= 255) <= 0.04045
                    ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
            });
            return Math.max(inside, line) / Math.min(inside, line);
        })"""
    )
    assert len(rings) == len(example().snapshots[0].held_out)
    assert min(rings) >= 3.0
    keys = page.locator(".run .boundary .key:has(.hollow)").all_inner_texts()
    assert [key.strip() for key in keys] == ["outer, held out", "inner, held out"]


def test_points_stand_out_from_their_region(visit: Open, tmp_path: Path) -> None:
    page = visit(example().save(tmp_path / "training.html"), dark=True).page
    strokes = page.locator(".run").evaluate(
        """run => Array.from(run.querySelectorAll("svg.plot .point"),
            point => getComputedStyle(point).stroke)"""
    )
    assert set(strokes) == {"rgb(238, 238, 238)"}, "a light outline on a dark region"


def test_buttons_walk_both_ways(reader: Reader) -> None:
    reader.click("Last epoch")
    reader.click("First epoch")
    assert reader.epoch == 1
    reader.click("Next epoch")
    reader.click("Next epoch")
    assert reader.epoch == 3
    reader.click("Previous epoch")
    assert reader.epoch == 2
    reader.click("Last epoch")
    button = reader.run.get_by_role("button", name="Next epoch")
    assert button.get_attribute("aria-disabled") == "true"
    button.click(force=True)
    assert reader.epoch == EPOCHS


def test_keys_walk_both_ways(reader: Reader) -> None:
    reader.press("Tab", "Home")
    assert reader.epoch == 1
    reader.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert reader.epoch == 2
    reader.press("End", "ArrowRight")
    assert reader.epoch == EPOCHS


def test_keys_do_not_leak_to_the_page_around(reader: Reader) -> None:
    reader.page.evaluate(
        """() => {
            window.leaked = [];
            addEventListener("keydown", event => window.leaked.push(event.key));
        }"""
    )
    reader.press("Tab", "ArrowRight", "ArrowLeft", "Home", "End", "Space", "Space", "d", "1", "Tab")
    assert reader.page.evaluate("window.leaked") == ["Tab", "Tab"]


def test_going_back_undoes_what_going_forth_did(reader: Reader) -> None:
    reader.press("Tab", "Home")
    forth = [reader.drawn()]
    for _ in range(EPOCHS - 1):
        reader.press("ArrowRight")
        forth.append(reader.drawn())
    back = [reader.drawn()]
    for _ in range(EPOCHS - 1):
        reader.press("ArrowLeft")
        back.append(reader.drawn())
    assert back == forth[::-1]
    for one, other in pairwise(forth):
        assert sum(a != b for a, b in zip(one, other, strict=True)) > 10, "each epoch moves things"


def test_the_slider_scrubs_to_the_last_epoch_and_back(reader: Reader) -> None:
    slider = reader.run.get_by_role("slider")
    place = slider.bounding_box()
    middle = place["y"] + place["height"] / 2
    reader.page.mouse.move(place["x"] + place["width"] - 8, middle)
    reader.page.mouse.down()
    reader.page.mouse.move(place["x"] + place["width"] / 2, middle, steps=4)
    assert 1 < reader.epoch < EPOCHS
    reader.page.mouse.move(place["x"] + 1, middle, steps=4)
    assert reader.epoch == 1
    reader.page.mouse.move(place["x"] + place["width"] - 1, middle, steps=4)
    reader.page.mouse.up()
    assert reader.epoch == EPOCHS
    assert slider.get_attribute("aria-valuetext") == f"{EPOCHS} of {EPOCHS}"


def test_nothing_plays_by_itself_and_space_plays_and_pauses(reader: Reader) -> None:
    reader.page.clock.install()
    reader.page.reload()
    reader.press("Tab", "Home")
    reader.page.clock.run_for(10_000)
    assert reader.epoch == 1
    reader.run.get_by_role("slider").focus()
    reader.press("Space")
    assert reader.run.locator(".caption").get_attribute("aria-live") == "off"
    reader.page.clock.run_for(2_100)  # with reduced motion an epoch takes a second
    assert reader.epoch == 3
    reader.press("Space")
    assert reader.run.locator(".caption").get_attribute("aria-live") == "polite"
    reader.page.clock.run_for(10_000)
    assert reader.epoch == 3
    reader.click("Play")
    reader.page.clock.run_for(100_000)
    assert reader.epoch == EPOCHS
    assert reader.run.get_by_role("button", name="Play").count() == 1, "it stops at the end"


def test_the_border_runs_between_the_regions(visit: Open, tmp_path: Path) -> None:
    reader = Reader(visit(three_classes().save(tmp_path / "three.html")).page)
    regions = reader.run.locator("path[fill-opacity]")
    assert regions.count() == 3
    assert reader.run.locator(".border").get_attribute("d").count("M") > 20
    hatchings = [reader.run.locator(f"#hatch-{k} path").first.get_attribute("d") for k in range(3)]
    assert len(set(hatchings)) == 3, "a region is told by more than its colour"
    assert reader.run.locator(".plot .point").count() == 45


@pytest.mark.parametrize("width", [1100, 420])
@pytest.mark.parametrize("make", [example, three_classes, curves_alone])
def test_nothing_is_wider_than_the_window(
    visit: Open, tmp_path: Path, width: int, make: Callable[[], TrainingPage]
) -> None:
    page = visit(make().save(tmp_path / "training.html"), width=width).page
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    outside = page.evaluate(
        """() => {
            const shadow = document.querySelector("[data-part=stage]").shadowRoot;
            return Array.from(shadow.querySelectorAll("svg.plot text")).filter(text => {
                const [inner, outer] = [text, text.ownerSVGElement].map(
                    each => each.getBoundingClientRect());
                return inner.left < outer.left - 1 || inner.right > outer.right + 1
                    || inner.bottom > outer.bottom + 1;
            }).map(text => text.textContent);
        }"""
    )
    assert outside == [], "a label is cut off"


def test_two_on_one_page_do_not_know_each_other(visit: Open, tmp_path: Path) -> None:
    fragment = example()._repr_html_()
    path = tmp_path / "two.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{fragment}<p>and</p>{fragment}")
    page = visit(path).page
    first, second = (page.locator(".run").nth(i) for i in range(2))
    second.get_by_role("button", name="Last epoch").click()
    assert first.locator(".caption").inner_text().startswith("Epoch 1 ")
    assert second.locator(".caption").inner_text().startswith(f"Epoch {EPOCHS} ")


def test_the_fallback_gives_way_and_the_table_stays(reader: Reader) -> None:
    assert not reader.page.locator("img[data-part=picture]").is_visible()
    reader.page.get_by_text("All epochs as a table").click()
    assert reader.page.locator("tbody tr").count() == EPOCHS
    assert reader.page.locator("tbody tr").last.is_visible()


# ---- accessibility -------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("make", [example, three_classes, curves_alone])
def test_axe_finds_nothing_wrong(
    visit: Open,
    tmp_path: Path,
    axe_violations: Callable[[Any], list[str]],
    make: Callable[[], TrainingPage],
    dark: bool,
) -> None:
    reader = Reader(visit(make().save(tmp_path / "training.html"), dark=dark).page)
    reader.press("Tab", "Home")
    assert axe_violations(reader.page) == []
    reader.press("ArrowRight")
    assert axe_violations(reader.page) == []
    reader.press("End")
    assert axe_violations(reader.page) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_picture_of_a_model(
    visit: Open, tmp_path: Path, axe_violations: Callable[[Any], list[str]], dark: bool
) -> None:
    model = MLP(4, [20, 3], activation="tanh", seed=0)
    picture = draw_model(model, [0.5, -0.25, 1.0, 0.0], image_shape=(2, 2), limit=5)
    page = visit(picture.save(tmp_path / "model.html"), dark=dark).page
    assert axe_violations(page) == []
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("table").is_visible()
    assert axe_violations(page) == []


def test_every_control_is_reached_by_the_keyboard(reader: Reader) -> None:
    reached = []
    for _ in range(8):
        reader.press("Tab")
        reached.append(
            reader.page.evaluate(
                """() => {
                    const outer = document.activeElement;
                    const inner = outer.shadowRoot ? outer.shadowRoot.activeElement : outer;
                    return inner.getAttribute("aria-label") ?? inner.tagName;
                }"""
            )
        )
    assert reached == [
        "First epoch", "Previous epoch", "Play", "Next epoch", "Last epoch", "Epoch", "SUMMARY",
        "SUMMARY",
    ]  # fmt: skip


# ---- in notebooks --------------------------------------------------------------------------------


def notebook(path: Path) -> Any:
    """Writes a notebook with a page among its outputs, as if it had been run."""
    nbformat = pytest.importorskip("nbformat")
    output = nbformat.v4.new_output(
        "execute_result", example()._repr_mimebundle_(), execution_count=1
    )
    cell = nbformat.v4.new_code_cell("training_page(history)", outputs=[output], execution_count=1)
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    made = nbformat.v4.new_notebook(
        cells=[cell, nbformat.v4.new_markdown_cell("the end")],
        metadata={"kernelspec": kernel},  # else JupyterLab opens a dialog that asks for one
    )
    nbformat.write(made, path)
    return made


@pytest.fixture
def in_lab(lab: Lab, visit: Open) -> Callable[[str], Visit]:
    def opened(name: str) -> Visit:
        shown = visit(lab.url(name), offline=False)
        shown.page.wait_for_selector(".jp-OutputArea-output summary", timeout=60_000)
        return shown

    return opened


@pytest.mark.long  # a stepper, which is the same kind of page, is opened in JupyterLab always
def test_in_a_trusted_notebook_the_page_runs(lab: Lab, in_lab: Callable[[str], Visit]) -> None:
    made = notebook(lab.folder / "training_trusted.ipynb")
    lab.trust(made)
    page = in_lab("training_trusted.ipynb").page
    reader = Reader(page)
    reader.run.wait_for()
    cells = page.locator(".jp-Notebook .jp-Cell")
    cells.nth(1).wait_for()  # JupyterLab shows the first cell before it adds the second
    reader.click("Next epoch")
    reader.press("ArrowRight")
    assert reader.epoch == 3
    # a, b, dd, m and 1 mean something to a notebook
    reader.press("a", "b", "d", "d", "m", "1", "End")
    assert reader.epoch == EPOCHS
    assert cells.count() == 2
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 1
    assert not page.locator("img[data-part=picture]").is_visible()
    for is_light, theme in (("false", "dark"), ("true", "light")):
        page.evaluate("light => { document.body.dataset.jpThemeLight = light; }", is_light)
        assert reader.run.get_attribute("data-theme") == theme


@pytest.mark.long
def test_in_an_untrusted_notebook_the_picture_and_the_table_remain(
    lab: Lab, in_lab: Callable[[str], Visit]
) -> None:
    notebook(lab.folder / "training_untrusted.ipynb")
    page = in_lab("training_untrusted.ipynb").page
    assert page.locator(".run").count() == 0
    image = page.locator(".jp-OutputArea-output img")
    assert image.is_visible()
    assert image.evaluate("image => image.complete && image.naturalWidth") > 300
    assert example().captions[0] in image.get_attribute("alt")
    page.locator(".jp-OutputArea-output summary").click()
    assert page.locator(".jp-OutputArea-output tbody tr").count() == EPOCHS
    assert page.locator(".jp-OutputArea-output tbody tr").last.is_visible()


def test_through_nbconvert_the_page_runs(visit: Open, tmp_path: Path) -> None:
    nbconvert = pytest.importorskip("nbconvert")
    made = notebook(tmp_path / "training.ipynb")
    # What nbconvert's template would fetch by itself is no part of the page.
    fetched = {f"{name}_url": "" for name in ("mathjax", "require_js", "jquery", "mermaid_js")}
    html, _ = nbconvert.HTMLExporter(**fetched).from_notebook_node(made)
    path = tmp_path / "notebook.html"
    path.write_text(html, encoding="utf-8")
    reader = Reader(visit(path).page)
    assert reader.epoch == 1
    reader.click("Next epoch")
    reader.press("ArrowRight")
    assert reader.epoch == 3
