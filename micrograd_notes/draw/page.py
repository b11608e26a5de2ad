"""A web page of its own around a picture: it needs no other file and no network.

This file knows how a page looks, light and dark, and where the scripts and styles of pages are. It
does not know what stands on a page.
"""

import html
from importlib import resources


def page(title: str, body: str) -> str:
    """Returns the page with the title as its heading, and the body, which is HTML, below.

    >>> page("x < y", "<p>Body</p>").count("x &lt; y")
    2
    """
    return _PAGE.format(title=html.escape(title), body=body)


def text_of(name: str, package: str = "micrograd_notes.draw") -> str:
    """Returns a script or a style of the package, with what scripts have in common put in."""
    text = resources.files(package).joinpath(name).read_text(encoding="utf-8")
    return text.replace(_SHARED, text_of("controls.js").rstrip()) if _SHARED in text else text


_SHARED = "/* controls.js */"

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
