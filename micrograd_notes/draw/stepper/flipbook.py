"""A flip book: pictures of one kind, one at a time, to be leafed through forth and back.

Pictures that differ in one thing (the width of a network, the epoch, the digit that it looks at)
are compared best in one and the same place. This file puts such pictures and their words into one
piece of HTML, with a script that shows them one by one (`flipbook.js`, `flipbook.css`); it needs no
network and no kernel. Where scripts do not run, as in a notebook that is not trusted, what remains
is the last picture, and a list of what all of them show.

It knows PNG bytes and words. How a picture is drawn, and of what, it does not know.
"""

import base64
import html
from collections.abc import Sequence
from functools import cached_property

from micrograd_notes.common import checks
from micrograd_notes.draw.page import Page, text_of
from micrograd_notes.draw.stepper.backward import as_json_in_html
from micrograd_notes.draw.text import counted

__all__ = ["Flipbook"]


class Flipbook(Page):
    """Pictures with their words, which display themselves in a notebook, and save as a page.

    Args:
        pages: for each picture what it shows, in words, and its bytes as PNG.
        title: what the pictures have in common.

    Raises:
        ValueError: there are fewer than two pictures, or one has no words.

    >>> Flipbook([("One dot.", b"..."), ("Two dots.", b"...")], title="Dots")
    <Dots: 2 pictures. 1: One dot. 2: Two dots.>
    """

    def __init__(self, pages: Sequence[tuple[str, bytes]], title: str) -> None:
        what = "(words, the bytes of a PNG)"
        pages = [checks.pair("each of pages", page, what) for page in checks.listed("pages", pages)]
        if len(pages) < 2:
            raise ValueError(f"pages must be 2 pictures or more, got {len(pages)}")
        for number, (words, png) in enumerate(pages, 1):
            checks.instance("each picture of pages", png, bytes, "the bytes of a PNG")
            if not checks.text("the words of each of pages", words).strip():
                raise ValueError(f"picture {number} of pages has no words; say what it shows")
        self.title = checks.text("title", title)
        self.captions = [words for words, _ in pages]
        """What is said of each picture, below it and to those who do not see it."""
        self.sources = [
            f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}" for _, png in pages
        ]

    def __repr__(self) -> str:
        captions = " ".join(f"{number}: {words}" for number, words in enumerate(self.captions, 1))
        return f"<{self.title}: {counted(len(self.captions), 'picture')}. {captions}>"

    @cached_property
    def _fragment(self) -> str:
        data = {
            "title": self.title,
            "style": text_of("stepper/flipbook.css"),
            "captions": self.captions,
            "sources": self.sources[:-1],  # the last one stands in the page already
        }
        return _FRAGMENT.format(
            source=self.sources[-1],
            alternative=html.escape(f"{self.title}. {self.captions[-1]}"),
            captions="\n".join(f"<li>{html.escape(words)}</li>" for words in self.captions),
            data=as_json_in_html(data),
            script=text_of("stepper/flipbook.js"),
        )


_FRAGMENT = """<div data-micrograd-flipbook>
<div data-part="stage"></div>
<img data-part="picture" src="{source}" alt="{alternative}" style="max-width: 100%">
<details>
<summary>All pictures in words</summary>
<ol>
{captions}
</ol>
</details>
<script type="application/json">{data}</script>
<script>
{script}</script>
</div>"""
