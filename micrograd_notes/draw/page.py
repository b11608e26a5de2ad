"""Pages and saved files: the HTML around a picture, and the base classes of what a notebook
displays.

Every page is one piece of HTML that needs no other file and no network. `graph.picture`,
`model.picture`, the stepper, the flip book and the training page use this file. Read one of them
next, for example `stepper/flipbook.py`, the shortest.
"""

import base64
import html
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from micrograd_notes.common.files import write_whole
from micrograd_notes.draw.rendering import format_of


def page(title: str, body: str) -> str:
    """Returns a page with the title as its heading above the body, which is HTML.

    >>> page("x < y", "<p>Body</p>").count("x &lt; y")
    2
    """
    above, _, below = text_of("page.html").partition("BODY")
    return above.replace("TITLE", html.escape(title)) + body + below


class Drawing:
    """The base of everything that can be saved: `save` picks the format by the file's suffix."""

    saved_as: tuple[str, ...] = ("html",)
    """The formats that it is saved in, which are the suffixes of its files."""

    def html(self) -> str:
        """Returns a page, which needs no other file and no network."""
        raise NotImplementedError

    def _as_file(self, format: str) -> bytes:
        return self.html().encode()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes a file in the format that the path's suffix names, and returns the path.

        Raises:
            ValueError: the suffix is not one of `saved_as`.
            OSError: the file cannot be written. An older file stays as it is.
        """
        return write_whole(path, self._as_file(format_of(path, self.saved_as)))


class Page(Drawing):
    """A drawing whose HTML is the same in a notebook and on a page.

    Derived classes set `title` and define `_fragment`, the HTML.
    """

    title: str

    @property
    def _fragment(self) -> str:
        raise NotImplementedError

    def html(self) -> str:
        """Returns a page, which needs no other file and no network."""
        return page(self.title, self._fragment)

    def _repr_html_(self) -> str:
        return self._fragment

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Returns what a notebook displays."""
        return bundle(self._fragment, repr(self), self._static_png())

    def _static_png(self) -> bytes | None:
        """Returns a picture for viewers that show no HTML, such as GitHub; None if there is none.

        It shows nothing that a reader of the page is asked to predict.
        """
        return None


def player(kind: str, picture: str, in_words: str, data: Mapping[str, Any], script: str) -> str:
    """Returns HTML that the script of that name animates, in the style of the same name.

    Where scripts do not run, as in a notebook that is not trusted, readers see the picture and the
    same in words.
    """
    data = {**data, "style": text_of(f"{script}.css")}
    return f"""<div data-micrograd-{kind}>
<div data-part="stage"></div>
{picture}
{in_words}
<script type="application/json">{as_json_in_html(data)}</script>
<script>
{text_of(f"{script}.js")}</script>
</div>"""


def text_of(name: str, room: str = "draw") -> str:
    """Returns a script or a style of a room, with the files that it shares with others inside."""
    text = resources.files(f"micrograd_notes.{room}").joinpath(name).read_text(encoding="utf-8")
    shared = r"/\* ((?:controls|elements)\.\w+) \*/"
    return re.sub(shared, lambda found: text_of(found[1]).rstrip(), text)


def scrolling(body: str, label: str, more: str = 'class="picture"') -> str:
    """Returns a body in a frame that scrolls, which the keyboard can reach."""
    label = html.escape(label)
    return f'<div {more} tabindex="0" role="group" aria-label="{label}">\n{body}\n</div>'


def folded(summary: str, body: str, label: str = "", more: str = 'class="picture"') -> str:
    """Returns a body that a reader unfolds by a click on the summary; it scrolls, too."""
    body = scrolling(body, label or summary, more)
    return f"<details>\n<summary>{summary}</summary>\n{body}\n</details>"


def as_table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns an HTML table. The first cell of a row is its head; cells are HTML already."""
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "\n".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def in_page(picture: bytes, kind: str = "png") -> str:
    """Returns the bytes of a picture as an address, so that the page holds the picture itself."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def image(source: str, words: str, more: str = "", style: str = "max-width: 100%") -> str:
    """Returns an HTML image with its words for readers who do not see it.

    >>> image(in_page(b"<svg/>", "svg+xml"), "A < B")
    '<img src="data:image/svg+xml;base64,PHN2Zy8+" alt="A &lt; B" style="max-width: 100%">'
    """
    return f'<img{more} src="{source}" alt="{html.escape(words)}" style="{style}">'


def bundle(html: str, text: str, png: bytes | None, svg: str | None = None) -> dict[str, str]:
    """Returns what a notebook displays: HTML, and pictures and a text for other viewers."""
    pictures = {} if png is None else {"image/png": base64.b64encode(png).decode()}
    pictures |= {} if svg is None else {"image/svg+xml": svg}
    return {"text/html": html, **pictures, "text/plain": text}


def as_json_in_html(data: Any) -> str:
    """Returns the data as JSON that is safe inside a script element.

    JSON has no infinities and no nan. They become strings, which Python's `float` and JavaScript's
    `Number` read alike. Every `<` is escaped, so that no text can end the element.

    >>> as_json_in_html({"name": "</script>", "data": [0.1, -0.0, math.inf]})
    '{"name":"\\\\u003c/script>","data":[0.1,-0.0,"Infinity"]}'
    """
    text = json.dumps(_finite(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _finite(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return "NaN" if data != data else "Infinity" if data > 0 else "-Infinity"
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, list | tuple) else data
