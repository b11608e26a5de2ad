"""A figure of Matplotlib as a notebook needs it: an SVG in the page's colours, a PNG, and words.

`plots.show` and `plots.flipbook` call this file. The letters of the SVG stay letters, which are
sharp at every size, a tenth of the bytes of outlines, and can be searched. Matplotlib leaves room
for DejaVu Sans, which is wider than the fonts that replace it where it is not installed.
"""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree

from micrograd_notes.draw.page import image, in_page, scrolling
from micrograd_notes.draw.rendering import in_palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The colours of a page, in a light and in a dark scheme.
PAPERS, INKS, GRIDS = ("#ffffff", "#111111"), ("#1b1b1b", "#eaeaea"), ("#d5d5d5", "#3d3d3d")
PIXELS = 120  # per inch, where there is room: 6.4 inches are as wide as the text of a page
GROWN = 1.32  # the letters grow by that where there is less than a pixel per point, as on a phone
INK = "ink"  # the gid of an image that is drawn in the ink
_SIZE = r"font-size:([\d.]+)px"
_SVG = 'xmlns="http://www.w3.org/2000/svg"'


def svg(figure: Figure) -> str:
    """Returns the figure as an SVG that follows the page's scheme, light or dark.

    The ink and the paper of Matplotlib's style become those of the page, and other colours become
    lighter or darker until they can be read on it. No letters, exponents included, have less than
    10 points. The same program has the same bytes.
    """
    root = _drawn(figure)
    styles: dict[str, str] = {}
    for element in root.iter():
        _tidy(element)
        style = element.attrib.pop("style", "").replace(": ", ":").replace("; ", ";")
        style = re.sub(
            _SIZE, lambda size: f"font-size:{max(float(size[1]), 10 * GROWN):g}px", style
        )
        if style:  # hundreds of points share a style
            element.set("class", styles.setdefault(style, f"s{len(styles)}"))
    wide = "".join(
        f".{name}{{font-size:{float(size[1]) / GROWN:.4g}px}}"
        for style, name in styles.items()
        if (size := re.search(_SIZE, style))
    )
    body = "".join(ElementTree.tostring(each, encoding="unicode") for each in root)
    width, height = figure.get_size_inches()
    ink = f"0 0 0 0 {int(INKS[1][1:3], 16) / 255:.3f} "
    return (
        f'<svg {_SVG} viewBox="{root.attrib["viewBox"]}" width="{PIXELS * width:.0f}" '
        f'height="{PIXELS * height:.0f}"><style>{_sheet(styles, 0)}'
        f"@media(min-width:{72 * width:.0f}px){{{wide}}}@media(prefers-color-scheme:dark)"
        f"{{{_sheet(styles, 1)}[id={INK}]{{filter:url(#light)}}}}</style>"
        '<filter id="light" color-interpolation-filters="sRGB">'
        f'<feColorMatrix values="{3 * ink}0 0 0 1 0"/></filter>{body}</svg>'
    )


def _drawn(figure: Figure) -> ElementTree.Element:
    """Returns Matplotlib's SVG with room for grown letters, without a paper and a date."""
    from matplotlib import rc_context

    options: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "micrograd-notes"}
    options |= {"image.composite_image": False, "font.sans-serif": ["DejaVu Sans", "Verdana"]}
    file = io.BytesIO()
    with rc_context(options):
        _grow(figure, GROWN)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        _grow(figure, 1 / GROWN)
    text = file.getvalue().decode().replace(_SVG, "", 1).replace("xlink:href", "href")
    return ElementTree.fromstring(re.sub("<metadata>.*</metadata>", "", text, flags=re.DOTALL))


def _grow(figure: Figure, factor: float) -> None:
    from matplotlib.axis import Axis
    from matplotlib.text import Text

    for text in cast("list[Text]", figure.findobj(Text)):
        text.set_fontsize(factor * float(text.get_fontsize()))
    for axis in cast("list[Axis]", figure.findobj(Axis)):  # its later ticks, too
        size = axis.get_tick_params().get("labelsize", 10.0)
        axis.set_tick_params(labelsize=factor * size)


def _tidy(element: ElementTree.Element) -> None:
    """Removes what no reader sees: names, white space, and digits far below a pixel."""
    if element.tag == "g":
        element.attrib.pop("id", None)
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    if element.tag not in ("text", "tspan", "style"):
        element.text = None
    element.tail = None
    for name in {"d", "x", "y"} & set(element.attrib):
        long = " ".join(element.attrib[name].split())
        short = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", long)
        # After a point of a line, and of a line alone, another point needs no letter.
        element.set(name, short if {"C", "Q"} & set(short) else short.replace(" L ", " "))
    if element.tag == "text":
        _let_letters_follow(element)


def _let_letters_follow(text: ElementTree.Element) -> None:
    """Joins the letters of a formula, such as 10 to the -3, which Matplotlib places one by one.

    In another font or size their places would leave gaps. After a space, a letter keeps its place.
    """
    letters = []
    for span in text.findall("tspan"):
        text.remove(span)
        places, said = list(map(float, span.attrib.pop("x").split())), span.text or ""
        parts = list(said) if len(said) == len(places) else [said]
        letters += [(x, part, span.attrib) for x, part in zip(places, parts, strict=False)]
    end, last = math.inf, dict[str, str]()
    for x, letter, look in sorted(letters, key=lambda each: each[0]):
        size = re.search(_SIZE, last.get("style", "").replace(": ", ":"))
        follows = 0 < x - end < 0.9 * (float(size[1]) if size else 0.0)  # few letters are wider
        if follows and last == look:
            text[-1].text = (text[-1].text or "") + letter
        else:
            place = {} if follows else {"x": f"{x:.2f}"}
            ElementTree.SubElement(text, "tspan", {**place, **look}).text = letter
        end, last = x, look


def _sheet(styles: dict[str, str], scheme: int) -> str:
    """Returns the rules for a light page, or those for a dark one that differ."""
    from matplotlib import rcParams
    from matplotlib.colors import to_hex

    drawn = [rcParams["grid.color"], rcParams["axes.facecolor"], rcParams["text.color"]]
    own = dict(zip(map(to_hex, drawn), (GRIDS, PAPERS, INKS), strict=True))

    def coloured(style: str) -> str:
        def seen(found: re.Match[str]) -> str:
            return own[found[0]][scheme] if found[0] in own else visible(found[0], scheme)

        return re.sub(r"#[0-9a-f]{6}\b", seen, style)

    # Matplotlib leaves out a black fill, as it is the default.
    root = f"svg{{background:{PAPERS[scheme]};fill:{coloured('#000000')}}}"
    rules = (
        f".{k}{{{coloured(style)}}}" for style, k in styles.items() if not scheme or "#" in style
    )
    return root + "".join(rules)


def visible(colour: str, scheme: int) -> str:
    """Returns the colour, as light or as dark as text must be on the paper of the scheme.

    >>> visible("#2166ac", 0), visible("#2166ac", 1)
    ('#2166ac', '#4780ba')
    """
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    for share in range(65):
        mixed = [round(c + (255 * scheme - c) * share / 64) for c in channels]
        red, green, blue = (
            c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in mixed
        )
        light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        # By the WCAG, a contrast of 4.5 with a luminance of 1 and of 0.0056.
        if light <= 0.183 if scheme == 0 else light >= 0.201:
            break
    return "#" + "".join(f"{c:02x}" for c in mixed)


def framed(figure: Figure, words: str) -> str:
    """Returns the figure as an HTML image with its words, in a frame that scrolls."""
    shown = image(in_page(svg(figure).encode(), "svg+xml"), words, style=style(figure))
    return scrolling(shown, "picture", 'style="overflow-x: auto"')


def style(figure: Figure) -> str:
    """Returns the style of an image of the figure: as wide as its frame, and not too narrow.

    In a narrower image, letters of 10 points would have less than 10 pixels. The frame scrolls.

    >>> from matplotlib.figure import Figure
    >>> style(Figure(figsize=(6.4, 4.0)))  # a phone of 390 pixels has room for it
    'min-width: 350px; max-width: 100%'
    """
    return f"min-width: {math.ceil(72 * figure.get_figwidth() / GROWN)}px; max-width: 100%"


def png(figure: Figure) -> bytes:
    """Returns the figure as the bytes of a PNG, for viewers that show no HTML."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return in_palette(file.getvalue())


def words(figure: Figure) -> str:
    """Returns what the figure shows of itself: titles, axes with their ranges, names of lines."""
    return " ".join(map(_words, filter(lambda ax: ax.has_data(), figure.axes)))


def _words(ax: Axes) -> str:
    title = f"{ax.get_title()}: " if ax.get_title() else ""
    if not ax.axison:
        cells = [" by ".join(map(str, image.get_size())) + " cells" for image in ax.images]
        return f"{title}{', '.join([*cells, *(text.get_text() for text in ax.texts[:40])])}."
    ranges = []
    for name, axis in ((ax.get_ylabel() or "y", ax.yaxis), (ax.get_xlabel() or "x", ax.xaxis)):
        low, high = sorted(axis.get_view_interval())
        ticks = [tick for tick in axis.get_ticklocs() if low <= tick <= high] or [low, high]
        ranges.append(f"{name} from {ticks[0]:.4g} to {ticks[-1]:.4g}")
    names = [str(name) for name in ax.get_legend_handles_labels()[1]]
    return f"{title}{', over '.join(ranges)}{': ' * bool(names)}{', '.join(names)}."
