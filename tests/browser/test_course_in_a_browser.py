"""The course as a web site, walked in a real browser, from the folder, with no network.

Every page is opened; every link on it is followed to a place that is there; every stepper, film and
picture is worked or seen. `visits` fails the tests of a page if the console has an error, or the
page asks for anything outside. The course is that of the repository, with the outputs that are
committed. A page is opened once, and its tests follow each other: those that only look come before
those that press.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("nbconvert", reason='the course needs nbconvert: the extra "notebooks"')

from micrograd_notes.course.guess import guess_first
from micrograd_notes.course.site import build_course
from tests.browser.conftest import ROOT, WIDTHS, Visit, visits

Open = Callable[..., Visit]

NOTEBOOKS = ROOT / "notebooks"
CHAPTERS = [f"{path.stem}.html" for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
TEXTS = sorted(path.stem.lower() for path in NOTEBOOKS.glob("*.md") if path.stem != "README")
PAGES = ["index.html", *CHAPTERS, *(f"{stem}.html" for stem in TEXTS)]

WIDE, TELEPHONE = 1300, 390  # pixels

# Pages share their frame and their colours, so axe looks at one of each kind, unless asked for all.
ONE_OF_EACH_KIND = ["index.html", CHAPTERS[0], f"{TEXTS[0]}.html"]
a_page_of_each_kind = pytest.mark.parametrize(
    "name",
    [
        pytest.param(page, marks=[] if page in ONE_OF_EACH_KIND else pytest.mark.long)
        for page in PAGES
    ],
    indirect=True,
    scope="module",
)


@pytest.fixture(scope="module", params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    """Each page in turn; all tests of a page follow each other."""
    return str(request.param)


@pytest.fixture(scope="module")
def page(browser: Any, site: Path, name: str) -> Iterator[Any]:
    """The page, opened once for its tests, with all that is folded away in view."""
    with visits(browser) as open_page:
        page = open_page(site / name).page
        page.eval_on_selector_all("main details", "all => all.forEach(each => each.open = true)")
        yield page


PLACES = """
text => Array.from(
    new DOMParser().parseFromString(text, "text/html").querySelectorAll("[id]"), each => each.id
)
"""


@pytest.fixture(scope="module")
def arrives(browser: Any, site: Path) -> Iterator[Callable[[str], bool]]:
    """A function from the address of a link to whether the place is there.

    The browser reads each page once, and draws none: that would take a second a page.
    """
    with visits(browser) as open_page:
        page = open_page("about:blank").page

        @cache
        def places_on(file: Path) -> set[str]:
            is_there = file.parent == site and file.is_file()
            text = file.read_text(encoding="utf-8") if is_there else ""
            return {"", *page.evaluate(PLACES, text)} if is_there else set()

        def follow(address: str) -> bool:
            whole, _, fragment = address.partition("#")
            return unquote(fragment) in places_on(Path(unquote(urlsplit(whole).path)))

        yield follow


def test_the_walk_meets_every_page_that_there_is(site: Path) -> None:
    assert sorted(path.name for path in site.glob("*.html")) == sorted(PAGES)
    assert len(CHAPTERS) >= 3


@pytest.mark.long  # tests/course/test_course.py reads the same links
def test_one_can_turn_the_pages_from_the_first_to_the_last_and_back(
    visit: Open, site: Path
) -> None:
    page = visit(site / "index.html").page
    walked: list[str] = []
    while True:
        back = page.locator(".turn a[rel=prev]")
        before = [back.get_attribute("href")] if back.count() else []
        assert before == walked[-1:]
        walked.append(Path(urlsplit(page.url).path).name)
        link = page.locator(".turn a[rel=next]")
        if link.count() == 0:
            break
        with page.expect_navigation():
            link.click()
    assert walked == ["index.html", *CHAPTERS]


# ---- page by page --------------------------------------------------------------------------------


def test_every_link_leads_somewhere(page: Any, arrives: Callable[[str], bool]) -> None:
    addresses = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    local = {address for address in addresses if urlsplit(address).scheme == "file"}
    assert local
    assert [address for address in sorted(local) if not arrives(address)] == []


def test_a_link_that_leads_nowhere_is_found(
    arrives: Callable[[str], bool], site: Path, tmp_path: Path
) -> None:
    front = (site / "index.html").as_uri()
    (tmp_path / "elsewhere.html").write_text("<p id=here>", encoding="utf-8")
    wrong = [f"{front}#nowhere", front.replace("index", "none"), tmp_path.as_uri()]
    wrong.append((tmp_path / "elsewhere.html").as_uri())
    assert not any(map(arrives, wrong))


def test_every_picture_is_seen_and_has_words(page: Any, name: str) -> None:
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


@a_page_of_each_kind
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_wrong(
    page: Any, axe_violations: Callable[..., list[str]], colours: str
) -> None:
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.emulate_media(color_scheme=colours)
    assert axe_violations(page) == []


@a_page_of_each_kind
def test_axe_finds_nothing_wrong_on_a_telephone(
    page: Any, axe_violations: Callable[..., list[str]]
) -> None:
    page.set_viewport_size({"width": TELEPHONE, "height": 800})
    assert axe_violations(page, contrast=False) == [], "colours are the same on every screen"


@pytest.mark.parametrize("width", [WIDE, TELEPHONE])
def test_a_page_never_scrolls_sideways(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_blocks_of_a_page_have_one_left_and_one_right_edge(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    edges = page.eval_on_selector_all(
        "main :is(.cell, .fold) > :is(p, .source, .printed, .shown, .scrolls, blockquote)",
        """all => all.filter(each => each.checkVisibility()).map(each => {
            const {left, right} = each.getBoundingClientRect();
            return `${Math.round(left)} to ${Math.round(right)}`;
        })""",
    )
    assert len(set(edges)) == 1, sorted(set(edges))


def test_no_output_is_cut_on_a_telephone(page: Any) -> None:
    page.set_viewport_size({"width": TELEPHONE, "height": 800})
    cut = page.eval_on_selector_all(
        "main :is(.printed, .text pre:not(.highlight *))",
        """all => all.filter(each => each.scrollWidth > each.clientWidth)
            .map(each => each.innerText)""",
    )
    assert cut == []


def test_short_cells_of_a_table_stay_on_one_line(page: Any) -> None:
    page.set_viewport_size({"width": TELEPHONE, "height": 800})
    broken = page.eval_on_selector_all(
        ".text td",
        """all => all.filter(cell => cell.innerText.length < 7 && cell.firstChild).filter(cell => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return new Set(Array.from(range.getClientRects(), each => each.top)).size > 1;
        }).map(cell => cell.innerText)""",
    )
    assert broken == []


def test_what_scrolls_is_reached_by_keyboard_and_shows_that_it_does(page: Any) -> None:
    page.set_viewport_size({"width": TELEPHONE, "height": 800})
    hidden = page.eval_on_selector_all(
        "main :is(pre, .scrolls)",
        """all => all.filter(each => each.scrollWidth > each.clientWidth).filter(each =>
            each.tabIndex !== 0 || !getComputedStyle(each).backgroundImage.includes("gradient")
        ).map(each => each.innerText)""",
    )
    assert hidden == []


def test_every_chapter_has_something_to_step_through_or_to_guess(page: Any, name: str) -> None:
    parts = "input[type=range], .node[role=button], details.guess"
    interactive = page.locator(f".shown :is({parts})").count()
    assert interactive > 0 or name not in CHAPTERS


def test_every_stepper_steps_to_its_end(page: Any) -> None:
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


def test_every_slider_changes_what_is_shown(page: Any) -> None:
    """Films and whatever else is scrubbed: the first and the last place look different."""
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


def test_every_group_of_a_large_picture_opens(page: Any) -> None:
    groups = page.locator(".shown .node[role=button]")
    for index in range(groups.count()):
        groups.nth(index).press("Enter")
        assert groups.nth(index).get_attribute("aria-expanded") == "true"


# ---- the frame around a page ---------------------------------------------------------------------


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


# ---- guesses -------------------------------------------------------------------------------------

CHOICES = {"two": False, "four": True}


@pytest.fixture(scope="session")
def guessing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chapter with four guesses, each followed by text and by a heading."""
    nbformat: Any = pytest.importorskip("nbformat")
    folder = tmp_path_factory.mktemp("guessing")
    cells = [nbformat.v4.new_markdown_cell("# How many?\n\n## Arrows", id="title")]
    for index, choices in enumerate((None, CHOICES, CHOICES, CHOICES)):
        guess = guess_first(f"Question {index}: how many arrows?", "Four.", choices=choices)
        output = nbformat.v4.new_output("display_data", guess._repr_mimebundle_())
        words = f"Did you say {index}?\n\n### Part\n\nDetail {index}.\n\n## Section {index}"
        words += f"\n\nAs we saw {index}."
        cells += [
            nbformat.v4.new_code_cell(80 * "x ", outputs=[output], id=f"code-{index}"),
            nbformat.v4.new_markdown_cell(f"Aside {index}.", id=f"aside-{index}"),
            nbformat.v4.new_markdown_cell(words, id=f"words-{index}"),
        ]
    (folder / "README.md").write_text("# A course\n", encoding="utf-8")
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "01_guess.ipynb")
    return build_course(folder / "site", folder).with_name("01_guess.html")


def seen(page: Any, which: str = "Aside") -> list[str]:
    """Returns the texts after guesses that can be seen."""
    found = page.locator("main p").filter(has_text=which).all()
    return [each.inner_text() for each in found if each.is_visible()]


def test_what_follows_a_guess_shows_when_the_guess_is_opened(visit: Open, guessing: Path) -> None:
    page = visit(guessing).page
    assert seen(page) == seen(page, "Detail") == seen(page, "As we saw") == []
    assert all(each.is_visible() for each in page.get_by_role("heading", name="Section").all())
    goes_on = (
        "[...document.querySelectorAll('.cell.code')].map(cell => "
        "getComputedStyle(cell, '::after').content.includes('goes on when you open'))"
    )
    assert page.evaluate(goes_on) == [True, True, True, True]
    for index in (2, 0):
        page.locator("summary").nth(index).press("Enter")
    assert seen(page) == ["Aside 0.", "Aside 2."]
    assert page.evaluate(goes_on) == [False, True, False, True]
    assert seen(page, "Detail") == ["Detail 0.", "Detail 2."]
    assert seen(page, "As we saw") == ["As we saw 0.", "As we saw 2."]


def test_links_lead_to_headings_and_cells_while_all_guesses_are_closed(
    visit: Open, guessing: Path
) -> None:
    page = visit(guessing).page
    for index in range(4):
        page.get_by_role("link", name=f"Section {index}").click()
        assert page.locator(":target").inner_text() == f"Section {index}"
        assert page.locator(":target").is_visible()
        assert seen(page, "As we saw") == [f"As we saw {index}."], "the reader wants to be there"
    assert seen(page) == []
    page.goto(f"{guessing.as_uri()}#cell-id=aside-1")
    assert seen(page) == ["Aside 1."], "a link to the cell shows it"


def test_a_printed_page_shows_everything(visit: Open, guessing: Path) -> None:
    page = visit(guessing).page
    page.emulate_media(media="print")
    assert len(seen(page)) == 4
    heights = "all => all.map(each => each.getBoundingClientRect().height)"
    assert min(page.eval_on_selector_all("details.guess > .printed", heights)) > 10
    assert page.eval_on_selector_all(
        ".source pre", "all => all.every(each => each.scrollWidth <= each.clientWidth)"
    ), "paper does not scroll"


def test_guesses_are_counted(visit: Open, guessing: Path, site: Path) -> None:
    page = visit(guessing).page
    counter, summaries = page.locator(".guesses"), page.locator("summary")
    choices = [page.get_by_role("button", name=label) for label in CHOICES]
    said = [counter.inner_text()]
    for press in (
        summaries.nth(0),
        summaries.nth(2),  # without a choice
        choices[0].nth(0),
        summaries.nth(1),  # closed, and opened again
        summaries.nth(1),
        choices[1].nth(2),
    ):
        press.click()
        page.wait_for_timeout(50)  # the event comes after the toggle
        said.append(counter.inner_text())
    assert said == [
        "0 of 4 guessed",
        "1 of 4 guessed",
        "2 of 4 guessed",
        *3 * ["3 of 4 guessed, 0 right"],
        "4 of 4 guessed, 1 right",
    ]
    assert counter.is_visible(), "it stays in view on a long page"
    assert counter.get_attribute("role") == "status"
    assert not visit(site / "teaching.html").page.locator(".guesses").is_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, TELEPHONE])
def test_axe_finds_nothing_wrong_with_guesses(
    visit: Open, guessing: Path, axe_violations: Callable[..., list[str]], width: int, colours: str
) -> None:
    page = visit(guessing, width=width, dark=colours == "dark").page
    assert axe_violations(page) == []
    page.locator("summary").nth(0).click()
    assert axe_violations(page) == []
