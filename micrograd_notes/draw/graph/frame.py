"""The frame of a picture, in which its letters stay legible, and its colours on a dark page.

`graph/picture.py`, `graph/groups.py` and `model/picture.py` call it. A picture shrinks with the
page until its letters are as small as `SMALLEST`, and then it scrolls. Read `page.py` next.
"""

import html
import math
import re

from micrograd_notes.draw.page import in_page, scrolling

SMALLEST = 10  # pixels
# Fills and inks for white, and what replaces them on #111. The colours of lines suit both.
_DARK = {"#fafafa": "#1c1c1c", "#d6e6f4": "#17405f", "#fde3c8": "#57330d", "#111111": "#eeeeee"}
_DARK |= {"#8bbbe4": "#2b6ca3", "#f6b26b": "#9c5410"}
# No seam between two cells of a box; `model/follow.js` dims lines and marks a circle.
_STYLE = """.drawing [stroke="none"]{shape-rendering:crispEdges}
.drawing .dim{opacity:.08} .drawing [tabindex]{cursor:pointer;outline:none}
.drawing [tabindex]:is(:hover,:focus)>circle{stroke:#a24fb5;stroke-width:4px}
"""
_HINT = "↔ scroll sideways"


def in_both_schemes(svg: str) -> str:
    """Returns the SVG with a style for readers who prefer a dark page; it changes no other picture.

    >>> in_both_schemes('<svg width="8"></svg>')[:38]
    '<svg class="drawing" width="8"><style>'
    """
    rules = [".drawing text:not([fill]){fill:#eeeeee}"]
    for light, dark in _DARK.items():
        rules += [f'.drawing [{part}="{light}"]{{{part}:{dark}}}' for part in ("fill", "stroke")]
    style = f"<style>{_STYLE}@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style></svg>"
    return svg.replace("<svg ", '<svg class="drawing" ', 1).removesuffix("</svg>") + style


def in_frame(svg: str, label: str, words: str = "") -> str:
    """Returns the SVG in a frame that scrolls; given words, an image of it.

    A notebook that is not trusted removes an SVG and keeps an image.
    """
    width = float(svg.partition('viewBox="')[2].split()[2])
    letters = min(map(float, re.findall(r'font-size="([\d.]+)"', svg)), default=SMALLEST)
    least, pixels = math.ceil(width * SMALLEST / letters), 4 / 3 if 'pt"' in svg[:999] else 1.0
    style = f"width: 100%; min-width: {least}px; max-width: {width * pixels:.0f}px; height: auto"
    picture = svg.replace("<svg ", f'<svg style="{style}" ', 1)
    if words:
        source = in_page(svg.encode(), "svg+xml")
        picture = f'<img src="{source}" alt="{html.escape(words)}" style="{style}">'
    frame = scrolling(picture, label, 'class="picture" style="overflow-x: auto"')
    # The hint is as high as a line if the frame is narrower than the picture, and else 0.
    height = f"height: 0;overflow:hidden; padding-bottom: clamp(0px,({least}px - 100%) * 99, 23px)"
    return f'<div><div aria-hidden="true" style="{height}">{_HINT}</div>\n{frame}</div>'
