"""Graphviz's SVG with a title, a description and one tooltip per box, for all readers.

`graph/picture.py`, `graph/groups.py` and the stepper call it. It removes ids, which would clash on
a page with two pictures, and links that lead nowhere. A box keeps its key as `data-key`, its
numbers are marked `data-part="data"` and `"grad"`, and the fills behind them `data-fill`, so that
scripts find them. Read `page.py` next.
"""

from collections.abc import Mapping
from xml.etree import ElementTree

_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
WORD_JOINER = "\u2060"
"""An invisible character, for DOT text in which a backslash would have a meaning."""
_KEEP_SPACES = "{http://www.w3.org/XML/1998/namespace}space"
_LINK_TITLE = "{http://www.w3.org/1999/xlink}title"
_CELL_PADDING = 2.0  # as in the labels of `graph/dot.py`


def accessible(svg: bytes, title: str, description: str) -> str:
    """Returns the SVG with role, title and description, and each box with its tooltip as title.

    >>> plain = b'<svg xmlns="http://www.w3.org/2000/svg"><g id="graph0" class="graph"/></svg>'
    >>> print(accessible(plain, "x * x", "2 boxes").replace("><", ">\\n<"))
    <svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="x * x. 2 boxes">
    <title>x * x</title>
    <desc>2 boxes</desc>
    <g class="graph" />
    </svg>
    """
    # Without the namespace, elements keep their short names, here and when they are written again.
    plain = svg.decode().replace(_NAMESPACE, "", 1).replace(WORD_JOINER, "")
    root = ElementTree.fromstring(plain)
    for group in root.iter("g"):
        _tidy(group)
    _paint_alike(root)
    _say_once(root)
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "role": "img",
        "aria-label": f"{title}. {description}",
        **root.attrib,
    }
    for name, text in (("desc", description), ("title", title)):
        element = ElementTree.Element(name)
        element.text = text
        root.insert(0, element)
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(group: ElementTree.Element) -> None:
    group.attrib.pop("id", None)
    title = group.find("title")
    if title is not None:
        if group.get("class") in ("node", "edge"):
            group.set("data-key", title.text or "")
        group.remove(title)
    for wrapper in [child for child in group if child.tag == "g"]:
        link = wrapper.find("a")
        if link is None or link.get(_LINK_TITLE) is None:
            continue
        place = list(group).index(wrapper)
        tooltip = ElementTree.Element("title")
        tooltip.text = link.get(_LINK_TITLE)
        group.remove(wrapper)
        for offset, child in enumerate([tooltip, *link]):
            group.insert(place + offset, child)
    if group.get("class") == "node":
        _mark_numbers(group)


def _paint_alike(root: ElementTree.Element) -> None:
    """Writes "none" for no colour, as style sheets expect; Debian's Graphviz writes otherwise."""
    for element in root.iter():
        for paint in ("fill", "stroke"):
            if element.get(paint) == "transparent":
                element.set(paint, "none")


def _say_once(root: ElementTree.Element) -> None:
    """Names the font once per picture; it is a third of all that Graphviz writes."""
    for text in root.iter("text"):
        font = text.attrib.pop("font-family", "")
        text.attrib.pop(_KEEP_SPACES, None)
        if text.get("text-anchor") == "start":  # the default
            del text.attrib["text-anchor"]
        if font:
            root.attrib.setdefault("font-family", font)


def _mark_numbers(box: ElementTree.Element) -> None:
    """Marks the numbers of a box and aligns them at the right, as in a column of a table.

    Graphviz writes cell by cell, the fill before the text. The last two rows are data and grad; if
    no gradient flows, the last row is data.
    """
    cells: list[tuple[ElementTree.Element, ElementTree.Element]] = []
    fill = None
    for element in box:
        if element.tag == "polygon":
            fill = element
        elif element.tag == "text" and fill is not None:
            cells.append((fill, element))
    ends = cells[-2:] if cells[-2][1].text == "data" else cells[-4:]
    for (label_fill, label), (number_fill, number) in zip(ends[::2], ends[1::2], strict=True):
        part = (label.text or "").strip()
        number.set("data-part", part)
        label_fill.set("data-fill", part)
        number_fill.set("data-fill", part)
        right = max(float(corner.split(",")[0]) for corner in number_fill.get("points", "").split())
        number.set("text-anchor", "end")
        number.set("x", f"{right - _CELL_PADDING:.2f}")


def with_numbers(svg: str, numbers: Mapping[tuple[str, str], tuple[str, str]]) -> str:
    """Returns the SVG with other numbers: a text and a fill per key of a box and part."""
    root = ElementTree.fromstring(svg.replace(_NAMESPACE, "", 1))
    for box in root.iter("g"):
        key = box.get("data-key", "")
        for element in box:
            part = element.get("data-part") or element.get("data-fill") or ""
            if (key, part) not in numbers:
                continue
            text, fill = numbers[key, part]
            if element.tag == "text":
                element.text = text
            else:
                element.set("fill", fill)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    return ElementTree.tostring(root, encoding="unicode")
