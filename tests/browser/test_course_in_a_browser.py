"""The course as a web site, walked in a real browser, from the folder, with no network.

Every page is opened; every link on it is followed to a place that is there; every stepper, film and
picture is worked or seen. `visit` fails a test if the console has an error, or a page asks for
anything outside. The course is that of the repository, with the outputs that are committed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("nbconvert", reason='the course needs nbconvert: the extra "notebooks"')

from micrograd_notes.course import build_course
from tests.browser.conftest import ROOT, Visit

Open = Callable[..., Visit]

NOTEBOOKS = ROOT / "notebooks"
CHAPTERS = [f"{path.stem}.html" for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
TEXTS = sorted(path.stem.lower() for path in NOTEBOOKS.glob("*.md") if path.stem != "README")
PAGES = ["index.html", *CHAPTERS, *(f"{stem}.html" for stem in TEXTS)]

TELEPHONE = 390  # pixels

every_page = pytest.mark.parametrize("name", PAGES)
light_and_dark = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_course(tmp_path_factory.mktemp("course") / "site", NOTEBOOKS).parent


def test_the_walk_meets_every_page_that_there_is(site: Path) -> None:
    assert sorted(path.name for path in site.glob("*.html")) == sorted(PAGES)
    assert len(CHAPTERS) >= 3


@every_page
def test_every_link_leads_somewhere(visit: Open, site: Path, name: str) -> None:
    page = visit(site / name).page
    addresses = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    local = {address for address in addresses if urlsplit(address).scheme == "file"}
    assert local
    for address in sorted(local):
        page.goto(address)
        parts = urlsplit(page.url)
        assert Path(unquote(parts.path)).parent == site, f"{name} leads out of the site: {address}"
        found = page.evaluate("id => !id || !!document.getElementById(id)", unquote(parts.fragment))
        assert found, f"{name}: {address}"


def test_one_can_turn_the_pages_from_the_first_to_the_last_and_back(
    visit: Open, site: Path
) -> None:
    page = visit(site / "index.html").page
    forth: list[str] = []
    back: list[str] = []
    for direction, walked in (("next", forth), ("prev", back)):
        while True:
            walked.append(Path(urlsplit(page.url).path).name)
            link = page.locator(f".turn a[rel={direction}]")
            if link.count() == 0:
                break
            with page.expect_navigation():
                link.click()
    assert forth == ["index.html", *CHAPTERS]
    assert back == forth[::-1]


@every_page
def test_every_picture_is_seen_and_has_words(visit: Open, site: Path, name: str) -> None:
    page = visit(site / name).page
    images = page.eval_on_selector_all(
        "img",
        """all => all.map(image => [
            image.complete && image.naturalWidth > 0,
            image.alt,
            image.checkVisibility() || Array.from(image.closest(".shown").querySelectorAll("*"))
                .some(other => other.shadowRoot && other.checkVisibility()),
        ])""",
    )
    for is_loaded, words, is_seen in images:
        assert is_loaded
        assert len(words) > 10, words
        assert "No description" not in words
        assert is_seen, "neither the picture nor a stepper or a film in its place"
    if name in CHAPTERS:
        assert images


@every_page
def test_every_stepper_steps_to_its_end(visit: Open, site: Path, name: str) -> None:
    page = visit(site / name).page
    steppers = page.locator(".stepper")
    counts = [str(text) for text in steppers.locator(".count").all_inner_texts()]
    for index, count in enumerate(counts):
        stepper, last = steppers.nth(index), count.rpartition(" ")[2]
        stepper.get_by_role("button", name="First step").focus()
        for key, step in (("Home", "1"), ("ArrowRight", "2"), ("End", last)):
            page.keyboard.press(key)
            assert stepper.locator(".count").inner_text() == f"Step {step} of {last}"
            assert stepper.locator(".caption").inner_text() != ""
        counts[index] = f"Step {last} of {last}"
        assert steppers.locator(".count").all_inner_texts() == counts, "the others stay"


@every_page
def test_every_slider_changes_what_is_shown(visit: Open, site: Path, name: str) -> None:
    """Films and whatever else is scrubbed: the first and the last place look different."""
    page = visit(site / name).page
    sliders = page.locator(".shown input[type=range]")
    for index in range(sliders.count()):
        slider = sliders.nth(index)
        looks = []
        for key in ("Home", "End"):
            slider.press(key)
            looks.append(
                slider.evaluate(
                    "slider => slider.getRootNode().querySelector('style ~ *').outerHTML"
                    ".replaceAll(/<button.*?<.button>/g, '')"
                )
            )
        assert looks[0] != looks[1]


@every_page
def test_every_group_of_a_large_picture_opens(visit: Open, site: Path, name: str) -> None:
    page = visit(site / name).page
    groups = page.locator(".shown .node[role=button]")
    for index in range(groups.count()):
        groups.nth(index).press("Enter")
        assert groups.nth(index).get_attribute("aria-expanded") == "true"


def test_there_is_something_to_step_through_in_every_chapter(visit: Open, site: Path) -> None:
    page = visit(site / "index.html").page
    for name in CHAPTERS:
        page.goto((site / name).as_uri())
        assert page.locator(".shown :is(input[type=range], .node[role=button])").count() > 0, name


# ---- for everyone --------------------------------------------------------------------------------


@light_and_dark
@every_page
def test_axe_finds_nothing_wrong(
    visit: Open,
    site: Path,
    axe_violations: Callable[[Any], list[str]],
    name: str,
    dark: bool,
) -> None:
    page = visit(site / name, dark=dark).page
    for summary in page.locator("main summary").all():
        summary.click()
    assert axe_violations(page) == []


@light_and_dark
def test_axe_finds_nothing_wrong_on_a_telephone(
    visit: Open, site: Path, axe_violations: Callable[[Any], list[str]], dark: bool
) -> None:
    for name in ("index.html", CHAPTERS[0]):
        assert axe_violations(visit(site / name, width=TELEPHONE, dark=dark).page) == []


@pytest.mark.parametrize("width", [1300, TELEPHONE])
@every_page
def test_a_page_never_scrolls_sideways(visit: Open, site: Path, name: str, width: int) -> None:
    page = visit(site / name, width=width).page
    for summary in page.locator("main summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_paper_is_dark_for_those_who_want_it(visit: Open, site: Path) -> None:
    papers = [
        visit(site / "index.html", dark=dark).page.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for dark in (False, True)
    ]
    assert papers == ["rgb(255, 255, 255)", "rgb(17, 17, 17)"]


def test_the_first_key_skips_to_the_text(visit: Open, site: Path) -> None:
    page = visit(site / CHAPTERS[0]).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"


def test_on_a_telephone_the_contents_are_one_touch_away(visit: Open, site: Path) -> None:
    page = visit(site / CHAPTERS[0], width=TELEPHONE).page
    page.locator("header").get_by_role("link", name="Contents").click()
    page.get_by_role("navigation", name="Contents").get_by_role("link", name=r"02").click()
    assert page.url.endswith(CHAPTERS[1])
