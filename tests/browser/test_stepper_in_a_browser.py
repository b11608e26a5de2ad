"""The stepper in a real browser: as a file, in a saved notebook, in nbconvert's page."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import MLP, Value
from micrograd_notes.draw import Stepper, draw_backward, draw_dot
from tests.browser.conftest import WIDTHS, Lab, Visit

Open = Callable[..., Visit]


def example() -> Value:
    """Returns L, in which a is used three times, and w twice."""
    x, w, b = Value(0.5, name="x"), Value(2.0, name="w"), Value(-1.5, name="b")
    s = w * x
    s.name = "s"
    a = (s + b).tanh()
    a.name = "a"
    p = a * a
    p.name = "p"
    return p + a * w


def saved(stepper: Stepper, folder: Path) -> Path:
    return stepper.save(folder / "steps.html")


class Reader:
    """A reader in front of a stepper: what they press, and what they see."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.stepper = page.locator(".stepper").first

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, label: str) -> None:
        self.stepper.get_by_role("button", name=label).click()

    @property
    def count(self) -> str:
        return str(self.stepper.locator(".count").inner_text())

    @property
    def caption(self) -> str:
        return str(self.stepper.locator(".caption").inner_text())

    @property
    def lit(self) -> str | None:
        lit = self.stepper.locator(".node.lit")
        return lit.first.get_attribute("data-key") if lit.count() else None

    def number(self, key: str, part: str, panel: int = 0) -> str:
        box = self.stepper.locator(".frame").nth(panel).locator(f'[data-key="{key}"]')
        return str(box.locator(f"[data-part={part}]").text_content())

    def shown(self) -> dict[str, str]:
        """Returns what the picture shows, all numbers by box and part."""
        return dict(
            self.stepper.locator(".frame").first.evaluate(
                """graph => Array.from(graph.querySelectorAll("[data-part]"), part => [
                    part.closest("[data-key]").dataset.key + " " + part.dataset.part,
                    part.textContent])"""
            )
        )


@pytest.fixture
def reader(visit: Open, tmp_path: Path) -> Reader:
    return Reader(visit(saved(draw_backward(example()), tmp_path)).page)


STEPS = 16  # of the example: 9 values, the seed, 6 results


# ---- as a file, offline --------------------------------------------------------------------------


def test_buttons_step_both_ways(reader: Reader) -> None:
    assert reader.count == f"Step 1 of {STEPS}"
    reader.click("Next step")
    reader.click("Next step")
    assert reader.count == f"Step 3 of {STEPS}"
    reader.click("Previous step")
    assert reader.count == f"Step 2 of {STEPS}"
    reader.click("Last step")
    assert reader.count == f"Step {STEPS} of {STEPS}"
    assert "x.grad += ∂ * s.grad = 2.0 * 0.846 = 1.692 (0 → 1.692)" in reader.caption
    reader.click("First step")
    assert reader.count == f"Step 1 of {STEPS}"


def test_keys_step_both_ways(reader: Reader) -> None:
    reader.press("Tab")  # into the picture, the first thing that takes the focus
    reader.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert reader.count == f"Step 2 of {STEPS}"
    reader.press("End")
    assert reader.count == f"Step {STEPS} of {STEPS}"
    reader.press("ArrowRight")
    assert reader.count == f"Step {STEPS} of {STEPS}"
    reader.press("Home")
    assert reader.count == f"Step 1 of {STEPS}"


def test_keys_do_not_leak_to_the_page_around(reader: Reader) -> None:
    reader.page.evaluate(
        """() => {
            window.leaked = [];
            addEventListener("keydown", event => window.leaked.push(event.key));
        }"""
    )
    reader.press("Tab", "ArrowRight", "ArrowLeft", "Home", "End", "Space", "Space", "d", "1", "Tab")
    assert reader.page.evaluate("window.leaked") == ["Tab", "Tab"]
    reader.press("Control+a")
    assert reader.page.evaluate("window.leaked")[2:] == ["Control", "a"], "not the stepper's"


def test_the_last_step_shows_every_gradient(reader: Reader) -> None:
    reader.press("Tab", "End")
    tanh = math.tanh(-0.5)
    adjoint = (2 * tanh + 2.0) * (1 - tanh * tanh)
    numbers = reader.shown()
    assert numbers["v3 grad"] == f"▲ +{adjoint:.4g}"  # b
    assert numbers["v1 grad"] == f"▲ +{2 * adjoint:.4g}"  # x
    assert "–" not in numbers.values()


def test_going_back_undoes_what_going_forth_did(reader: Reader) -> None:
    reader.press("Tab")
    forth = [reader.shown()]
    for _ in range(STEPS - 1):
        reader.press("ArrowRight")
        forth.append(reader.shown())
    back = [reader.shown()]
    for _ in range(STEPS - 1):
        reader.press("ArrowLeft")
        back.append(reader.shown())
    assert back == forth[::-1]
    assert len({str(numbers) for numbers in forth}) == STEPS, "each step changes something"


def test_the_slider_scrubs_to_the_last_step_and_back(reader: Reader) -> None:
    slider = reader.stepper.get_by_role("slider")
    place = slider.bounding_box()
    middle = place["y"] + place["height"] / 2
    reader.page.mouse.move(place["x"] + 8, middle)
    reader.page.mouse.down()
    reader.page.mouse.move(place["x"] + place["width"] / 2, middle, steps=4)
    assert reader.count not in (f"Step 1 of {STEPS}", f"Step {STEPS} of {STEPS}")
    reader.page.mouse.move(place["x"] + place["width"] - 1, middle, steps=4)
    assert reader.count == f"Step {STEPS} of {STEPS}"
    reader.page.mouse.move(place["x"] + 1, middle, steps=4)
    reader.page.mouse.up()
    assert reader.count == f"Step 1 of {STEPS}"
    assert "step" not in str(slider.get_attribute("aria-valuetext")).lower()


def test_nothing_plays_by_itself_and_space_plays_and_pauses(reader: Reader) -> None:
    reader.page.clock.install()
    reader.page.reload()
    reader.page.clock.run_for(10_000)
    assert reader.count == f"Step 1 of {STEPS}"
    reader.press("Tab", "Space")
    reader.page.clock.run_for(3_100)
    assert reader.count == f"Step 3 of {STEPS}"
    reader.press("Space")
    reader.page.clock.run_for(10_000)
    assert reader.count == f"Step 3 of {STEPS}"
    reader.click("Play")
    reader.page.clock.run_for(100_000)
    assert reader.count == f"Step {STEPS} of {STEPS}"
    assert reader.stepper.get_by_role("button", name="Play").count() == 1, "it stops at the end"


def test_the_node_of_the_step_is_marked_by_more_than_colour(reader: Reader) -> None:
    reader.press("Tab", "End")
    assert reader.lit == "v2"
    outline = reader.stepper.locator('[data-key="v2"] > path').first
    assert outline.evaluate("path => getComputedStyle(path).strokeWidth") == "4px"
    arrow = reader.stepper.locator('[data-key="v1->v2"] > path').first
    assert arrow.evaluate("path => getComputedStyle(path).strokeDasharray") == "8px, 5px"
    assert reader.stepper.locator(".edge.lit").count() == 2
    assert reader.stepper.locator(".node.takes").count() == 2


def test_both_edges_of_a_square_are_lit(visit: Open, tmp_path: Path) -> None:
    x = Value(3.0, name="x")
    reader = Reader(visit(saved(draw_backward(x * x), tmp_path)).page)
    reader.press("Tab", "End")
    assert reader.stepper.locator(".edge.lit.back").count() == 2
    assert "(0 → 3.0)" in reader.caption
    assert "(3.0 → 6.0)" in reader.caption


@pytest.mark.parametrize("width", [1100, 420])
def test_the_lit_node_is_in_view(visit: Open, tmp_path: Path, width: int) -> None:
    root = Value(1.0, name="x")
    for i in range(12):
        root = (root * 1.1).tanh() if i % 2 else root + 0.1
    reader = Reader(visit(saved(draw_backward(root), tmp_path), width=width).page)
    reader.press("Tab")
    for key in ("ArrowRight",) * 12 + ("End", "Home"):
        reader.press(key)
        inside = reader.page.evaluate(
            """() => {
                const shadow = document.querySelector("[data-part=stage]").shadowRoot;
                const frame = shadow.querySelector(".frame").getBoundingClientRect();
                const box = shadow.querySelector(".node.lit").getBoundingClientRect();
                return box.left >= frame.left - 3 && box.right <= frame.right + 3
                    && box.top >= frame.top - 3 && box.bottom <= frame.bottom + 3;
            }"""
        )
        assert inside, f"{reader.count} after {key}"
    page_is_wide = reader.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not page_is_wide, "the picture scrolls, and not the page"


def test_motion_is_for_those_who_want_it(visit: Open, tmp_path: Path) -> None:
    path = saved(draw_backward(example()), tmp_path)
    for wish, expected in (("no-preference", "back"), ("reduce", "none")):
        reader = Reader(visit(path, reduced_motion=wish).page)
        reader.press("Tab", "End")
        arrow = reader.stepper.locator(".edge.lit.back > path").first
        assert arrow.evaluate("path => getComputedStyle(path).animationName") == expected


def test_two_on_one_page_do_not_know_each_other(visit: Open, tmp_path: Path) -> None:
    fragment = draw_backward(example())._repr_html_()
    path = tmp_path / "two.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{fragment}<p>and</p>{fragment}")
    page = visit(path).page
    first, second = (page.locator(".stepper").nth(i) for i in range(2))
    second.get_by_role("button", name="Last step").click()
    assert first.locator(".count").inner_text() == f"Step 1 of {STEPS}"
    assert second.locator(".count").inner_text() == f"Step {STEPS} of {STEPS}"


def test_the_fallback_gives_way_to_the_stepper_and_the_table_stays(reader: Reader) -> None:
    assert not reader.page.locator("img[data-part=picture]").is_visible()
    reader.page.locator("summary").click()
    assert reader.page.locator("tbody tr").count() == STEPS
    assert reader.page.locator("tbody tr").last.is_visible()


def test_a_script_in_a_name_does_not_run(visit: Open, tmp_path: Path) -> None:
    attacks = [
        "<script>window.hacked = 1</script>",
        "</script><script>window.hacked = 2</script>",
        "<img src=x onerror='window.hacked = 3'>",
        '"><svg onload=window.hacked=4>',
    ]
    root: Value = sum((Value(1.0, name=name) for name in attacks), Value(0.0))
    root.name = attacks[0]
    reader = Reader(visit(saved(draw_backward(root), tmp_path)).page)
    reader.press("Tab")
    for _ in range(20):
        reader.press("ArrowRight")
    reader.page.locator("summary").click()
    assert reader.page.evaluate("window.hacked") is None
    reader.press("Home")
    assert attacks[2] in reader.stepper.locator(".frame").inner_text()


def test_the_data_in_the_page_is_that_of_the_steps(visit: Open, tmp_path: Path) -> None:
    root = Value(0.1, name="x") * 0.2 + Value(math.inf, name="y") * 1e-320
    stepper = draw_backward(root)
    page = visit(saved(stepper, tmp_path)).page
    told = page.evaluate(
        """() => JSON.parse(document.querySelector("script[type='application/json']").textContent)
            .steps.flatMap(step => step.products ?? [])
            .map(product => [product.contribution, product.total].map(Number).map(String))"""
    )
    products = [product for step in stepper.steps for product in step.get("products", [])]
    expected = [(product["contribution"], product["total"]) for product in products]
    for pair, numbers in zip(told, expected, strict=True):
        read = [float(text.replace("Infinity", "inf")) for text in pair]
        assert repr(read) == repr(list(numbers))


# ---- the frame ----------------------------------------------------------------------------------

FRAMES = """() => {
    const shadow = document.querySelector("[data-part=stage]").shadowRoot;
    return Array.from(shadow.querySelectorAll(".frame"), frame => {
        const place = frame.getBoundingClientRect();
        const lit = frame.querySelector(".node.lit").getBoundingClientRect();
        const letters = Array.from(frame.querySelectorAll("text"), text =>
            parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a);
        return {
            top: place.top, left: place.left, right: place.right, letters: Math.min(...letters),
            hides: frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight,
            shades: getComputedStyle(frame).backgroundImage.split("linear-gradient").length - 1,
            inView: lit.left >= place.left - 3 && lit.right <= place.right + 3
                && lit.top >= place.top - 3 && lit.bottom <= place.bottom + 3,
        };
    });
}"""


def network() -> Value:
    """Returns the answer of three neurons, which is wider than the window of a telephone."""
    x1, x2 = Value(1.0, name="x1"), Value(-0.5, name="x2")
    first = (x1 * Value(0.5, name="w11") + x2 * Value(1.0, name="w12")).tanh()
    second = (x1 * Value(-1.0, name="w21") + x2 * Value(0.5, name="w22")).tanh()
    first.name, second.name = "h1", "h2"
    return (first * Value(1.0, name="w1") + second * Value(2.0, name="w2")).tanh()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("wrong", [None, pytest.param("recursion", marks=pytest.mark.long)])
def test_the_frame_fits_or_scrolls_to_the_box_at_hand(
    visit: Open, tmp_path: Path, width: int, wrong: Any
) -> None:
    root = network() if wrong is None else example()
    page = visit(saved(draw_backward(root, wrong=wrong), tmp_path), width=width).page
    reader = Reader(page)
    heights = set()
    reader.stepper.locator(".frame").first.focus()
    scrolled = page.evaluate("scrollY")
    for key in (None, "End", "Home", *["ArrowRight"] * (len(draw_backward(root).steps))):
        if key:
            reader.press(key)
        frames = page.evaluate(FRAMES)
        for frame in frames:
            assert frame["inView"], reader.count
            assert frame["letters"] >= 9.99
            assert frame["shades"] == 8
            assert frame["right"] <= width
            assert width < 1280 or not frame["hides"]
        heights.add(reader.stepper.bounding_box()["height"])
        assert page.evaluate("scrollY") == scrolled, "the page stays where it is"
    assert len(heights) == 1, "the page does not jump"


def test_two_pictures_are_at_one_height_though_a_heading_wraps(visit: Open, tmp_path: Path) -> None:
    x = Value(2.0, name="x")
    u = x * x
    stepper = draw_backward(u * (u + 1.0), wrong="recursion")
    page = visit(saved(stepper, tmp_path), width=1100).page
    headings = page.locator(".panel figcaption").evaluate_all(
        """all => all.map(one => {
            const words = document.createRange();
            words.selectNodeContents(one);
            return words.getBoundingClientRect().height;
        })"""
    )
    assert headings[1] > headings[0], "the second one wraps"
    frames = page.evaluate(FRAMES)
    assert frames[0]["left"] < frames[1]["left"]
    assert frames[0]["top"] == frames[1]["top"]


def test_the_box_at_hand_stays_in_view_in_a_fold_and_a_window_that_narrows(
    visit: Open, tmp_path: Path
) -> None:
    path = tmp_path / "fold.html"
    folded = draw_backward(network(), start="turn")._repr_html_()
    path.write_text(f"<!doctype html><meta charset=utf-8><details><summary>Show</summary>{folded}")
    page = visit(path, width=1280).page
    page.locator("summary").first.click()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        (frame,) = page.evaluate(FRAMES)
        assert frame["hides"] == (width == 390)
        assert frame["inView"]


def test_the_page_opens_at_the_turn(visit: Open, tmp_path: Path) -> None:
    reader = Reader(visit(saved(draw_backward(example(), start="turn"), tmp_path)).page)
    assert reader.count == f"Step 10 of {STEPS}"
    assert reader.number("v8", "grad") == "▲ +1"
    assert "–" in reader.shown().values()


def test_a_click_brings_the_keys(reader: Reader) -> None:
    reader.press("ArrowRight")
    assert reader.count == f"Step 1 of {STEPS}"
    assert "Keys (click the picture first)" in reader.stepper.inner_text()
    reader.stepper.locator(".count").click()
    reader.press("ArrowRight")
    assert reader.count == f"Step 2 of {STEPS}"


def test_boxes_that_wait_are_dark_in_the_dark(visit: Open, tmp_path: Path) -> None:
    page = visit(saved(draw_backward(example()), tmp_path), dark=True).page
    paints = page.locator(".node.waiting").evaluate_all(
        "all => all.flatMap(box => Array.from(box.querySelectorAll('path, polygon'), part => ["
        "getComputedStyle(box).opacity, getComputedStyle(part).fill]))"
    )
    seen = {fill for opacity, fill in paints if fill != "none"}
    assert {opacity for opacity, _ in paints} == {"1"}
    assert seen == {"rgb(34, 34, 34)"}


def test_the_table_looks_like_the_text(reader: Reader) -> None:
    reader.page.locator("summary").click()
    looks = reader.page.locator("table :is(th, td) > *").evaluate_all(
        "all => all.map(one => getComputedStyle(one)).map(it => `${it.textAlign} ${it.fontWeight}`)"
    )
    assert len(looks) == 4 * (STEPS + 1)
    assert set(looks) == {"left 400"}


# ---- predict, then reveal ------------------------------------------------------------------------


def ask_at(reader: Reader, step: int) -> None:
    """Brings the reader to the question of a step, by keys alone."""
    reader.stepper.get_by_role("checkbox").focus()
    reader.press("Home", *["ArrowRight"] * (step - 2), "Space", "ArrowRight")
    assert reader.count == f"Step {step} of {STEPS}"


def test_a_prediction_comes_before_the_number(reader: Reader) -> None:
    ask_at(reader, 13)  # p = a * a hands a.grad two products
    assert "a.grad += ∂ * p.grad = ?" in reader.caption
    assert "-0.4621" not in reader.caption
    assert reader.number("v5", "grad") == "▲ +2", "the old sum"
    reader.press(*"1.538", "Enter")
    assert "✓ Right: a.grad = 1.538." in reader.stepper.inner_text()
    assert "(2.0 → 1.538)" in reader.caption
    assert reader.number("v5", "grad") == "▲ +1.538"
    reader.press(*"7.5", "Enter")
    assert "✗ a.grad = 1.076, not 7.5." in reader.stepper.inner_text()
    assert "(1.538 → 1.076)" in reader.caption
    reader.press("Enter")  # the focus is on Next
    assert reader.count == f"Step 14 of {STEPS}"
    assert "= ?" in reader.caption


@pytest.mark.parametrize(
    ("typed", "is_right"),
    [("1.538", True), ("1,538", True), ("1.53", True), ("1.5", False), ("-1.538", False),
     ("inf", False), ("nan", False)],
)  # fmt: skip
def test_the_digits_shown_are_right_and_others_are_not(
    reader: Reader, typed: str, is_right: bool
) -> None:
    ask_at(reader, 13)
    reader.press(*typed, "Enter")
    answer = reader.stepper.locator(".answer").inner_text()
    assert answer.startswith("✓ Right" if is_right else "✗ ")


@pytest.mark.parametrize("typed", ["abc", "", " ", "1.2.3", "1/2", "--1", "constructor"])
def test_a_text_that_is_not_a_number_is_refused_in_place_and_is_not_a_guess(
    reader: Reader, typed: str
) -> None:
    ask_at(reader, 13)
    reader.stepper.locator("input[type=text]").fill(typed)
    reader.press("Enter")
    said = reader.stepper.locator(".answer").inner_text()
    assert "Write a number" in said
    assert f'"{typed}" is not a number' in said or not typed.strip()
    assert "= ?" in reader.caption, "the question stays"
    reader.press(*"1.538", "Enter")
    assert "✓ Right" in reader.stepper.locator(".answer").inner_text(), "it has the focus"


def slopes(reader: Reader) -> list[str]:
    """Returns the local slopes that are seen on the arrows into the box at hand."""
    lit = reader.lit
    return list(
        reader.stepper.locator(f'.edge[data-key$="->{lit}"] text').evaluate_all(
            "all => all.filter(each => getComputedStyle(each).visibility === 'visible')"
            ".map(each => each.textContent)"
        )
    )


def test_while_a_number_is_asked_all_it_depends_on_may_be_seen_but_not_its_local_slope(
    reader: Reader,
) -> None:
    """Where the gradient that is passed on is 1, as at the root, the slope is the answer itself."""
    steps = draw_backward(example()).steps
    reader.stepper.get_by_role("checkbox").check()
    for step in steps[1:]:
        reader.click("Next step")
        asked = len(step["products"]) if step["phase"] == "backward" else "asks" in step
        if step["phase"] != "backward":
            for _ in range(asked):
                assert reader.number(step["node"], "data") == ""
                reader.click("Next step")
            continue
        for done, product in enumerate(step["products"]):
            assert "= ?" in reader.caption
            assert product["text"] not in reader.caption
            assert len(slopes(reader)) == done
            assert reader.number(step["node"], "grad") not in ("", "–"), "it depends on that"
            reader.stepper.locator("input[type=text]").fill("0")
            reader.press("Enter")
        assert len(slopes(reader)) == asked


@pytest.mark.parametrize("height", [pytest.param(844, marks=pytest.mark.long), 667])
@pytest.mark.parametrize("asks", [False, True])
def test_on_a_phone_all_controls_and_the_arithmetic_are_seen_beside_the_picture(
    height: int, asks: bool, visit: Open, tmp_path: Path
) -> None:
    model, xs = MLP(2, [3, 1], activation="tanh", seed=0), [[1.0, 0.0], [0.0, 1.0]]
    tall = draw_backward(sum((model(x) - 1.0) ** 2.0 for x in xs) * 1.0, start="turn")
    reader = Reader(visit(saved(tall, tmp_path), width=390).page)
    reader.page.set_viewport_size({"width": 390, "height": height})
    if asks:
        reader.stepper.get_by_role("checkbox").check()
    for _ in range(8):
        reader.click("Next step")
        if asks:
            assert "= ?" in reader.caption
        places = reader.stepper.evaluate(
            """stepper => {
                const parts = [".count", ".controls", ".caption code", "form:not([hidden])"]
                    .map(part => stepper.querySelector(part)?.getBoundingClientRect() ?? []);
                const top = Math.min(...parts.map(box => box.top ?? Infinity));
                const bottom = Math.max(...parts.map(box => box.bottom ?? -Infinity));
                const lit = stepper.querySelector(".node.lit").getBoundingClientRect();
                const frame = stepper.querySelector(".frame").getBoundingClientRect();
                return [bottom - top, lit.top - frame.top, frame.bottom - lit.bottom];
            }"""
        )
        assert places[0] <= height
        assert min(places[1:]) >= -1, "the box at hand lies in the frame"
        if asks:  # look at the answers
            while "= ?" in reader.caption:
                reader.click("Next step")


def test_forward_numbers_can_be_predicted_too(reader: Reader) -> None:
    ask_at(reader, 3)
    assert reader.caption == "s = w*x = ?"
    assert reader.number("v2", "data") == ""
    reader.press("1", "Enter")
    assert "✓ Right: s = 1." in reader.stepper.inner_text()
    assert reader.caption == "s = w*x = 2.0 * 0.5 = 1.0"


def test_nothing_else_on_the_page_has_the_answer(reader: Reader) -> None:
    reader.page.locator("summary").click()
    assert "1.538" in reader.page.locator("body").inner_text()
    ask_at(reader, 13)
    assert not reader.page.locator("details").evaluate("fold => fold.open")
    assert not reader.page.locator("img[data-part=picture]").is_visible()
    for part in (reader.page.locator("body"), reader.stepper):
        assert "1.538" not in part.inner_text()
    assert "1.538" not in reader.page.locator("img[data-part=picture]").get_attribute("alt")
    assert "1.538" not in str(reader.page.locator(".stepper").aria_snapshot())
    heights = reader.stepper.bounding_box()["height"]
    reader.press(*"1.538", "Enter")
    assert "1.538" in reader.caption
    assert reader.stepper.bounding_box()["height"] == heights, "the page does not jump"


def test_keys_that_are_typed_do_not_step(reader: Reader) -> None:
    ask_at(reader, 13)
    reader.press(*"12", "ArrowLeft", "Home", "End", "Space", "ArrowRight")
    assert reader.count == f"Step 13 of {STEPS}"
    assert "= ?" in reader.caption


def test_who_does_not_want_to_guess_may_look(reader: Reader) -> None:
    ask_at(reader, 13)
    reader.click("Next step")
    assert reader.count == f"Step 13 of {STEPS}"
    assert "= ?" not in reader.caption
    reader.click("Next step")
    assert reader.count == f"Step 14 of {STEPS}"


# ---- wrong turns ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "right_number", "wrong_number"),
    [("recursion", "▲ +1.076", "▼ -0.9242"), ("assign", "▲ +1.076", "▼ -0.4621")],
)
def test_two_sweeps_stop_where_they_part(
    visit: Open, tmp_path: Path, wrong: Any, right_number: str, wrong_number: str
) -> None:
    reader = Reader(visit(saved(draw_backward(example(), wrong=wrong), tmp_path)).page)
    reader.press("Tab")
    while reader.stepper.locator(".caption .parting").count() == 0:
        assert reader.number("v5", "grad", 0) == reader.number("v5", "grad", 1)
        before = reader.count
        reader.press("ArrowRight")
        assert reader.count != before
    assert reader.number("v5", "grad", 0) == right_number
    assert reader.number("v5", "grad", 1) == wrong_number
    parting = reader.stepper.locator(".caption .parting").inner_text()
    for number in (right_number, wrong_number):
        assert number.split()[1].lstrip("+") in parting
    assert reader.stepper.locator('.parts[data-key="v5"]').count() == 2
    before = reader.count
    reader.press("ArrowRight")
    assert reader.count == before, "there is nothing after the parting"


# ---- accessibility -------------------------------------------------------------------------------


def pages() -> dict[str, Any]:
    return {
        "stepper": draw_backward(example()),
        "wrong": draw_backward(example(), wrong="recursion"),
        "graph": draw_dot(example(), partials=True),
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["stepper", "wrong"])
def test_axe_finds_nothing_wrong_with_the_stepper(
    visit: Open, tmp_path: Path, axe_violations: Callable[[Any], list[str]], name: str, dark: bool
) -> None:
    reader = Reader(visit(saved(pages()[name], tmp_path), dark=dark).page)
    reader.press("Tab")
    assert axe_violations(reader.page) == []
    reader.press(*["ArrowRight"] * 9)
    assert axe_violations(reader.page) == []
    reader.press("End")
    assert axe_violations(reader.page) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_wrong_with_a_question(
    visit: Open, tmp_path: Path, axe_violations: Callable[[Any], list[str]], dark: bool
) -> None:
    reader = Reader(visit(saved(pages()["stepper"], tmp_path), dark=dark).page)
    ask_at(reader, 13)
    assert axe_violations(reader.page) == []
    reader.press("3", "Enter")
    assert axe_violations(reader.page) == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_graph(
    visit: Open, tmp_path: Path, axe_violations: Callable[[Any], list[str]], dark: bool
) -> None:
    page = visit(pages()["graph"].save(tmp_path / "graph.html"), dark=dark).page
    assert axe_violations(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # opens the table
    assert page.locator("table").is_visible()
    assert axe_violations(page) == []


def test_every_control_is_reached_by_the_keyboard(reader: Reader) -> None:
    reached = []
    for _ in range(12):
        reader.press("Tab")
        reached.append(
            reader.page.evaluate(
                """() => {
                    const outer = document.activeElement;
                    const inner = outer.shadowRoot ? outer.shadowRoot.activeElement : outer;
                    return inner.getAttribute("aria-label") ?? inner.type ?? inner.tagName;
                }"""
            )
        )
    controls = ["First step", "Previous step", "Play", "Next step", "Last step", "Step", "checkbox"]
    assert [name for name in reached if name in controls][: len(controls)] == controls
    assert "SUMMARY" in reached


# ---- in notebooks --------------------------------------------------------------------------------


def notebook(path: Path) -> Any:
    """Writes a notebook with a stepper among its outputs, as if it had been run."""
    nbformat = pytest.importorskip("nbformat")
    output = nbformat.v4.new_output(
        "execute_result", draw_backward(example())._repr_mimebundle_(), execution_count=1
    )
    cell = nbformat.v4.new_code_cell("draw_backward(L)", outputs=[output], execution_count=1)
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


def test_in_a_trusted_notebook_the_stepper_runs(
    lab: Lab, in_lab: Callable[[str], Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = notebook(lab.folder / "trusted.ipynb")
    lab.trust(made)
    page = in_lab("trusted.ipynb").page
    reader = Reader(page)
    reader.stepper.wait_for()
    cells = page.locator(".jp-Notebook .jp-Cell")
    cells.nth(1).wait_for()  # JupyterLab shows the first cell before it adds the second
    reader.click("Next step")
    reader.press("ArrowRight", "ArrowRight")
    assert reader.count == f"Step 4 of {STEPS}"
    reader.press("End")
    assert "(0 → 1.692)" in reader.caption
    # a, b, dd, m and 1 mean something to a notebook
    reader.press("a", "b", "d", "d", "m", "1", "Home")
    ask_at(reader, 3)
    reader.press("1", "Enter")
    assert "✓ Right: s = 1." in reader.stepper.inner_text()
    assert cells.count() == 2
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 1
    assert not page.locator("img[data-part=picture]").is_visible()
    for is_light, theme in (("false", "dark"), ("true", "light")):
        page.evaluate("light => { document.body.dataset.jpThemeLight = light; }", is_light)
        assert reader.stepper.get_attribute("data-theme") == theme


def test_in_an_untrusted_notebook_the_picture_and_the_table_remain(
    lab: Lab, in_lab: Callable[[str], Visit]
) -> None:
    notebook(lab.folder / "untrusted.ipynb")
    page = in_lab("untrusted.ipynb").page
    assert page.locator(".stepper").count() == 0
    image = page.locator(".jp-OutputArea-output img")
    assert image.is_visible()
    assert image.evaluate("image => image.complete && image.naturalWidth") > 300
    assert "Computation graph of L" in image.get_attribute("alt")
    page.locator(".jp-OutputArea-output summary").click()
    assert page.locator(".jp-OutputArea-output tbody tr").count() == STEPS
    assert page.locator(".jp-OutputArea-output tbody tr").last.is_visible()


def test_through_nbconvert_the_stepper_runs(visit: Open, tmp_path: Path) -> None:
    nbconvert = pytest.importorskip("nbconvert")
    made = notebook(tmp_path / "steps.ipynb")
    # What nbconvert's template would fetch by itself is no part of the stepper.
    fetched = {f"{name}_url": "" for name in ("mathjax", "require_js", "jquery", "mermaid_js")}
    html, _ = nbconvert.HTMLExporter(**fetched).from_notebook_node(made)
    path = tmp_path / "notebook.html"
    path.write_text(html, encoding="utf-8")
    reader = Reader(visit(path).page)
    reader.click("Last step")
    assert "(0 → 1.692)" in reader.caption
    reader.press("Home", "ArrowRight")
    assert reader.count == f"Step 2 of {STEPS}"


# ---- large ---------------------------------------------------------------------------------------


def test_without_graphviz_a_table_is_stepped(
    visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(__import__("sys").modules, "pygraphviz", None)
    path = saved(draw_backward(example()), tmp_path)
    monkeypatch.undo()
    reader = Reader(visit(path).page)
    reader.press("Tab", "End")
    assert reader.number("v1", "grad") == "▲ +1.692"
    assert reader.stepper.locator('tr.lit[data-key="v2"]').count() == 1


def test_a_loss_is_stepped_by_neuron(visit: Open, tmp_path: Path) -> None:
    from micrograd_notes import MLP

    model = MLP(2, [4, 4, 1], activation="tanh", seed=1)
    loss: Any = sum((model([i / 10, -i / 7]) - 1.0) ** 2 for i in range(20))
    reader = Reader(visit(saved(draw_backward(loss, model=model), tmp_path)).page)
    reader.press("Tab", "End")
    assert "layers[0].neurons[" in reader.caption
    assert "+= 20 products" in reader.caption
