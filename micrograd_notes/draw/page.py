"""A web page of its own around a picture: it needs no other file and no network.

This file knows how a page looks, light and dark, and where the scripts and styles of pages are. It
does not know what stands on a page.
"""

import html
import os
from importlib import resources
from pathlib import Path
from typing import Any

from micrograd_notes.common.files import write_whole
from micrograd_notes.draw.rendering import format_of


def page(title: str, body: str) -> str:
    """Returns the page with the title as its heading, and the body, which is HTML, below.

    >>> page("x < y", "<p>Body</p>").count("x &lt; y")
    2
    """
    return _PAGE.format(title=html.escape(title), body=body)


class Page:
    """What is shown in a notebook, and saved as a page, by one piece of HTML.

    Derived classes give `title` and `_fragment`, the HTML.
    """

    title: str

    @property
    def _fragment(self) -> str:
        raise NotImplementedError

    def html(self) -> str:
        """Returns a page of its own, which needs no other file and no network."""
        return page(self.title, self._fragment)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the page to the path, which ends with .html, and returns the path.

        Raises:
            ValueError: the path ends with another suffix.
            OSError: the file cannot be written; an older one stays as it is.
        """
        format_of(path, ("html",))
        return write_whole(path, self.html().encode())

    def _repr_html_(self) -> str:
        return self._fragment

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Returns what a notebook displays."""
        return {"text/html": self._fragment, "text/plain": repr(self)}


def text_of(name: str) -> str:
    """Returns a script or a style of the package, with what scripts have in common put in."""
    text = resources.files("micrograd_notes.draw").joinpath(name).read_text(encoding="utf-8")
    return text.replace(_SHARED, text_of("controls.js").rstrip()) if _SHARED in text else text


_SHARED = "/* controls.js */"

PICTURE = """<div class="picture" tabindex="0" role="group" aria-label="picture">
{svg}
</div>"""

TABLE = """
<details>
<summary>The same as a table</summary>
<div class="picture" tabindex="0" role="region" aria-label="table">
{table}
</div>
</details>"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 80rem; padding: 1.2rem; }}
h1 {{ font-size: 1.5rem; overflow-wrap: anywhere; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #eee; }} }}
.picture {{ overflow-x: auto; }}
td, th {{ padding: 0.1rem 0.8rem; text-align: left; font-variant-numeric: tabular-nums; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""
