"""A flip book holds every picture and its words, and says what it is given wrongly."""

import base64
import re
from pathlib import Path

import pytest

from micrograd_notes.draw.stepper.flipbook import Flipbook

PAGES = [("One <dot>.", b"first"), ("Two dots.", b"second"), ("Three dots.", b"third")]
BOOK = Flipbook(PAGES, title="Dots & more")


def test_all_pictures_are_in_it_once() -> None:
    found = re.findall(r"data:image/png;base64,([\w+/=]+)", BOOK.html())
    assert sorted(map(base64.b64decode, found)) == sorted(png for _, png in PAGES)


def test_without_scripts_the_first_picture_and_all_words_remain() -> None:
    """A later picture may be one that the reader is asked to predict."""
    static = BOOK.html().partition("<script")[0]
    (image,) = re.findall(r"<img [^>]*>", static)
    assert base64.b64encode(b"first").decode() in image
    assert 'alt="Dots &amp; more. One &lt;dot&gt;."' in image
    assert re.findall(r"<li>(.*)</li>", static) == ["One &lt;dot&gt;.", "Two dots.", "Three dots."]


def test_a_notebook_gets_the_book_and_its_words() -> None:
    bundle = BOOK._repr_mimebundle_()
    assert bundle["text/html"] in BOOK.html()
    assert bundle["text/plain"] == repr(BOOK)


def test_it_needs_no_network(tmp_path: Path) -> None:
    page = BOOK.save(tmp_path / "book.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=.?https?:", page)


@pytest.mark.parametrize("pages", [[], PAGES[:1]])
def test_fewer_than_two_pictures_are_refused(pages: list[tuple[str, bytes]]) -> None:
    with pytest.raises(ValueError, match=f"2 pictures or more, got {len(pages)}"):
        Flipbook(pages, title="Dots")


def test_a_picture_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="picture 2 of pages must have words"):
        Flipbook([PAGES[0], (" ", b"second")], title="Dots")
