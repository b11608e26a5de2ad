"""The flip book in a real browser: leafed through by button, key and slider."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes.draw import draw_backward
from micrograd_notes.draw.stepper.flipbook import Flipbook
from micrograd_notes.engine import Value
from tests.browser.conftest import Visit

Open = Callable[..., Visit]
PAGES = 4


def png(side: int) -> bytes:
    """Returns a black picture of that many pixels a side."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = b"".join(b"\0" + bytes(side) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def book() -> Flipbook:
    pages = [(f"A square of side {n}.", png(10 * n)) for n in range(1, PAGES + 1)]
    return Flipbook(pages, title="Squares")


class Reader:
    """A reader in front of a flip book: what they press, and what they see."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.book = page.locator(".book").first

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, label: str) -> None:
        self.book.get_by_role("button", name=label).click()

    @property
    def shown(self) -> int:
        """The picture that is seen, which its place, its words and its size all have to say."""
        image = self.book.locator("img")
        side = image.evaluate("image => image.decode().then(() => image.naturalWidth)")
        number = int(side) // 10
        words = f"A square of side {number}."
        assert self.book.locator(".caption").inner_text() == words
        assert image.get_attribute("alt") == words
        assert self.book.locator(".place").inner_text() == f"{number} of {PAGES}"
        assert self.book.get_by_role("slider").input_value() == str(number - 1)
        return number


@pytest.fixture
def reader(visit: Open, tmp_path: Path) -> Reader:
    return Reader(visit(book().save(tmp_path / "book.html")).page)


def test_it_opens_at_the_first_picture_and_hides_the_still_one(reader: Reader) -> None:
    assert reader.shown == 1
    assert not reader.page.locator("[data-part=picture]").is_visible()


def test_buttons_and_keys_walk_both_ways_and_stop_at_the_ends(reader: Reader) -> None:
    reader.click("Next picture")
    reader.click("Next picture")
    assert reader.shown == 3
    reader.click("Previous picture")
    assert reader.shown == 2
    reader.press("End", "ArrowRight")
    assert reader.shown == PAGES
    reader.press("ArrowLeft")
    assert reader.shown == PAGES - 1
    reader.press("Home", "ArrowLeft")
    assert reader.shown == 1


def test_the_slider_goes_to_any_picture(reader: Reader) -> None:
    reader.book.get_by_role("slider").fill("2")
    assert reader.shown == 3


def test_it_plays_when_told_to_and_stops_at_the_end(reader: Reader) -> None:
    reader.page.clock.install()
    reader.page.reload()
    reader.page.clock.run_for(10_000)
    assert reader.shown == 1
    reader.click("Play")
    reader.page.clock.run_for(3_100)  # with reduced motion a picture stays for 1.5 seconds
    assert reader.shown == 3
    reader.page.clock.run_for(10_000)
    assert reader.shown == PAGES
    assert reader.book.get_by_role("button", name="Play").count() == 1


def test_keys_do_not_leak_to_the_page_around(reader: Reader) -> None:
    reader.page.evaluate(
        """() => {
            window.leaked = [];
            addEventListener("keydown", event => window.leaked.push(event.key));
        }"""
    )
    reader.press("Tab", "ArrowRight", "Home", "d", "Tab")
    assert reader.page.evaluate("window.leaked") == ["Tab", "Tab"]


@pytest.mark.parametrize("dark", [False, True])
def test_no_accessibility_violations(
    visit: Open, tmp_path: Path, axe_violations: Callable[[Any], list[str]], dark: bool
) -> None:
    page = visit(book().save(tmp_path / "book.html"), dark=dark).page
    assert axe_violations(page) == []


def test_it_is_not_wider_than_a_narrow_window(visit: Open, tmp_path: Path) -> None:
    page = visit(book().save(tmp_path / "book.html"), width=320).page
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_the_main_button_is_grey_where_it_leads_nowhere(visit: Open, tmp_path: Path) -> None:
    """Of the flip book and of the stepper; it stays in the order of the tabs."""
    stepper = draw_backward(Value(2.0, name="x") * 3.0)
    for drawn in (book(), stepper):
        page = visit(drawn.save(tmp_path / "page.html")).page
        main = page.locator("button.main")
        main.focus()
        for key, is_grey in (("Home", False), ("End", True)):
            page.keyboard.press(key)
            assert (main.get_attribute("aria-disabled") == "true") == is_grey
            colours = main.evaluate(
                "(main) => [main, [...main.parentNode.children].find((b) => b !== main)]"
                ".map((button) => getComputedStyle(button).backgroundColor)"
            )
            assert (colours[0] == colours[1]) == is_grey
