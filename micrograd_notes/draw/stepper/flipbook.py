"""A flip book: similar pictures, one at a time, to page through back and forth.

Pictures that differ in one thing, such as the width of a network, are compared best in one place.
`plots.flipbook` makes the book from plots; its script is `flipbook.js`. Where scripts do not run,
as in a notebook that is not trusted, readers see the first picture, as in the book, and a list that
describes them all.
"""

import html
from collections.abc import Sequence
from functools import cached_property

from micrograd_notes.common import checks
from micrograd_notes.draw.page import Page, folded, image, in_page, player
from micrograd_notes.draw.text import counted

__all__ = ["Flipbook"]


class Flipbook(Page):
    """Pictures with their words, which display themselves in a notebook, and save as a page.

    Args:
        pages: for each picture its words, which say what it shows, and its bytes as PNG or SVG.
        title: the title of the book.
        still: the first picture as PNG, for viewers that show no HTML.

    Raises:
        ValueError: there are fewer than two pictures, or one of them is without words.

    >>> Flipbook([("One dot.", b"..."), ("Two dots.", b"...")], title="Dots")
    <Dots: 2 pictures. 1: One dot. 2: Two dots.>
    """

    def __init__(
        self, pages: Sequence[tuple[str, bytes]], title: str, still: bytes | None = None
    ) -> None:
        what = "(words, the bytes of a picture)"
        pages = [checks.pair("each of pages", page, what) for page in checks.listed("pages", pages)]
        if len(pages) < 2:
            raise ValueError(f"pages must hold 2 pictures or more, got {len(pages)}")
        for number, (words, png) in enumerate(pages, 1):
            checks.instance("each picture of pages", png, bytes, "the bytes of a PNG or an SVG")
            if not checks.text("the words of each of pages", words).strip():
                raise ValueError(f"picture {number} of pages must have words. Say what it shows")
        self.title = checks.text("title", title)
        self.captions = [words for words, _ in pages]
        """The words of each picture, below it and for readers who do not see it."""
        self.sources = [
            in_page(each, "svg+xml" if each.startswith(b"<svg") else "png") for _, each in pages
        ]
        if still is not None:
            checks.instance("still", still, bytes, "the bytes of a PNG")
        self._still = still

    def _static_png(self) -> bytes | None:
        return self._still

    def __repr__(self) -> str:
        captions = " ".join(f"{number}: {words}" for number, words in enumerate(self.captions, 1))
        return f"<{self.title}: {counted(len(self.captions), 'picture')}. {captions}>"

    @cached_property
    def _fragment(self) -> str:
        data = {
            "title": self.title,
            "captions": self.captions,
            "sources": self.sources[1:],  # the first one is in the page already
        }
        words = f"{self.title}. {self.captions[0]}"
        picture = image(self.sources[0], words, ' data-part="picture"')
        captions = "\n".join(f"<li>{html.escape(caption)}</li>" for caption in self.captions)
        in_words = folded("All pictures in words", f"<ol>\n{captions}\n</ol>")
        return player("flipbook", picture, in_words, data, "stepper/flipbook")
