"""A figure of Matplotlib as a notebook needs it: an SVG in the page's colours, a PNG, and words.

`plots.show` and `plots.flipbook` call this file. The letters of the SVG stay letters: they are
sharp at every size, a tenth of the bytes of outlines, and can be searched. Matplotlib leaves room
for DejaVu Sans, which is wider than the fonts that replace it where it is not installed.
"""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree

from micrograd_notes.draw.rendering import in_palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

PAPERS = ("#ffffff", "#111111")
"""What a page is painted with in a light and in a dark scheme."""
INKS = ("#1b1b1b", "#eaeaea")
"""The colours of its text."""
QUIET = ("#d5d5d5", "#3d3d3d")
"""The colours of its lines, and of a grid, which is not a mark."""
PIXELS = 120
"""The width of an inch where there is room: 6.4 inches are as wide as the text of a page."""
GROWN = 1.32
"""The letters grow so much where the picture is narrower than a pixel per point, as on a phone."""
CONTRAST = 4.5
"""The least contrast of text with its paper by the WCAG; a mark needs 3."""
INK = "ink"
"""The gid of an image that is drawn in the ink, which a dark page shows in its own."""
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_LONG = re.compile(r"-?\d+\.\d{3,}")
_SIZE = re.compile(r"font-size:([\d.]+)px")
_SVG = 'xmlns="http://www.w3.org/2000/svg"'


def svg(figure: Figure) -> str:
    """Returns the figure as an SVG that follows the page's scheme, light or dark.

    The ink and the paper of Matplotlib's style become those of the page. Every other colour is
    moved towards black or white until its contrast with the paper is `CONTRAST`. Letters of 10
    points have at least 10 pixels in the narrowest image, which is `style`'s. The same figure has
    the same bytes.
    """
    root = _drawn(figure)
    styles: dict[str, str] = {}
    for element in root.iter():
        _tidy(element)
        style = element.attrib.pop("style", "").replace(": ", ":").replace("; ", ";")
        if style:  # hundreds of points share a style
            element.set("class", styles.setdefault(style, f"s{len(styles)}"))
    light, dark = (_sheet(styles, scheme) for scheme in (0, 1))
    wide = "".join(
        f".{name}{{font-size:{float(size[1]) / GROWN:.4g}px}}"
        for style, name in styles.items()
        if (size := _SIZE.search(style))
    )
    inks = "".join(f"0 0 0 0 {channel:.3f} " for channel in _channels(INKS[1]))
    body = "".join(ElementTree.tostring(each, encoding="unicode") for each in root)
    width, height = figure.get_size_inches()
    return (
        f'<svg {_SVG} viewBox="{root.attrib["viewBox"]}" width="{PIXELS * width:.0f}" '
        f'height="{PIXELS * height:.0f}"><style>{light}'
        f"@media(min-width:{72 * width:.0f}px){{{wide}}}"
        f"@media(prefers-color-scheme:dark){{{dark}[id={INK}]{{filter:url(#light)}}}}</style>"
        '<filter id="light" color-interpolation-filters="sRGB">'
        f'<feColorMatrix values="{inks}0 0 0 1 0"/></filter>{body}</svg>'
    )


def _tidy(element: ElementTree.Element) -> None:
    """Removes what no reader sees: names, white space, and digits far below a pixel."""
    if element.tag == "g":
        element.attrib.pop("id", None)
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    if element.tag not in ("text", "tspan", "style"):
        element.text = None
    element.tail = None
    spans = element.findall("tspan") if element.tag == "text" else []
    places = [[float(x) for x in span.attrib["x"].split()] for span in spans]
    if len(places) == 2 and places[1][0] > places[0][-1]:
        # a power, such as 10 to the -3: its letters follow each other at either size
        spans[0].set("x", f"{places[0][0]:.2f}")
        del spans[1].attrib["x"]
    for name in {"d", "x", "y"} & set(element.attrib):
        short = _LONG.sub(lambda found: f"{float(found[0]):.2f}", element.attrib[name])
        short = " ".join(short.split())
        # after a point of a line, another point needs no letter
        element.set(name, short if "C" in short else short.replace(" L ", " "))


def _sheet(styles: dict[str, str], scheme: int) -> str:
    """Returns the rules for a light page, or those for a dark one that differ."""
    from matplotlib import rcParams
    from matplotlib.colors import to_hex

    own = {to_hex(rcParams["grid.color"]): QUIET, to_hex(rcParams["axes.facecolor"]): PAPERS}
    own[to_hex(rcParams["text.color"])] = INKS

    def colour(found: re.Match[str]) -> str:
        return own[found[0]][scheme] if found[0] in own else visible(found[0], PAPERS[scheme])

    # Matplotlib leaves out a black fill, as it is the default.
    rules = [f"svg{{background:{PAPERS[scheme]};fill:{_HEX.sub(colour, '#000000')}}}"]
    for style, name in styles.items():
        if scheme == 0 or _HEX.search(style):
            rules.append(f".{name}{{{_HEX.sub(colour, style)}}}")
    return "".join(rules)


def _drawn(figure: Figure) -> ElementTree.Element:
    """Returns Matplotlib's SVG with grown letters, without a paper, a date, and namespaces."""
    from matplotlib import rc_context

    options: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "micrograd-notes",
        "image.composite_image": False,
        "font.sans-serif": ["DejaVu Sans", "Verdana"],
    }
    file = io.BytesIO()
    with rc_context(options):
        _grow(figure, GROWN)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        _grow(figure, 1 / GROWN)
    text = file.getvalue().decode().replace(_SVG, "", 1).replace("xlink:href", "href")
    root = ElementTree.fromstring(text)
    for metadata in root.findall("metadata"):
        root.remove(metadata)
    return root


def _grow(figure: Figure, factor: float) -> None:
    """Makes all letters larger, so that the layout has room for them."""
    from matplotlib.axis import Axis
    from matplotlib.text import Text

    for text in cast("list[Text]", figure.findobj(Text)):
        text.set_fontsize(factor * float(text.get_fontsize()))
    for axis in cast("list[Axis]", figure.findobj(Axis)):  # its later ticks, too
        for which in ("major", "minor"):
            size = axis.get_tick_params(which).get("labelsize", 10.0)
            axis.set_tick_params(which, labelsize=factor * size)


def style(figure: Figure) -> str:
    """Returns the style of an image of the figure: as wide as its frame at most.

    In an image that is narrower still, letters of 10 points would have less than 10 pixels.
    """
    return f"min-width: {narrowest(figure)}px; max-width: 100%"


def narrowest(figure: Figure) -> int:
    """Returns the least width of an image of the figure, in pixels; a narrower frame must scroll.

    >>> from matplotlib.figure import Figure
    >>> narrowest(Figure(figsize=(6.4, 4.0)))  # a phone of 390 pixels has room for it
    350
    """
    return math.ceil(72 * figure.get_figwidth() / GROWN)


def png(figure: Figure) -> bytes:
    """Returns the figure as the bytes of a PNG, for viewers that show no HTML."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return in_palette(file.getvalue())


def visible(colour: str, paper: str) -> str:
    """Returns the colour, or the nearest towards black or white that stands out on the paper.

    >>> visible("#2166ac", "#ffffff"), visible("#2166ac", "#111111")
    ('#2166ac', '#4780ba')
    """
    end = 1.0 if paper == PAPERS[1] else 0.0
    shares = (step / 64 for step in range(65))
    mixed = (_mixed(colour, end, share) for share in shares)
    return next(each for each in mixed if contrast(each, paper) >= CONTRAST)


def _mixed(colour: str, end: float, share: float) -> str:
    channels = (round(255 * (c + share * (end - c))) for c in _channels(colour))
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def contrast(one: str, other: str) -> float:
    """Returns the contrast of two colours by the definition of the WCAG, from 1 to 21."""

    def luminance(colour: str) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def _channels(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def _range(name: str, axis: Axis) -> str:
    """Returns the name of an axis with its first and last tick that can be seen, or its names."""
    from matplotlib.ticker import FixedLocator

    if isinstance(axis.get_major_locator(), FixedLocator):
        return ", ".join(text.get_text().replace("\n", " ") for text in axis.get_ticklabels())
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_ticklocs() if low <= tick <= high] or [low, high]
    return f"{name} from {ticks[0]:.4g} to {ticks[-1]:.4g}"


def words(figure: Figure) -> str:
    """Returns what the figure shows of itself: titles, axes with their ranges, names of lines."""
    return " ".join(_words(ax) for ax in figure.axes if ax.has_data())


def _words(ax: Axes) -> str:
    title = f"{ax.get_title()}: " if ax.get_title() else ""
    if not ax.axison:
        return f"{title}{', '.join(text.get_text() for text in ax.texts[:40])}."
    across, up = _range(ax.get_xlabel() or "x", ax.xaxis), _range(ax.get_ylabel() or "y", ax.yaxis)
    names = [str(name) for name in ax.get_legend_handles_labels()[1]]
    return f"{title}{up}, over {across}{': ' if names else ''}{', '.join(names)}."
