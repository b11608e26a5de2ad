"""Graphviz's SVG, made fit for readers: with a title, a description and one tooltip a box.

This file knows SVG. It takes away what is only for Graphviz: ids, which would clash where a page
has two pictures, and links that lead nowhere. A box keeps the key of its view as `data-key`.
"""

import base64
from xml.etree import ElementTree

_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
WORD_JOINER = "\u2060"
"""Not seen; DOT text needs it where a backslash would mean something."""
_LINK_TITLE = "{http://www.w3.org/1999/xlink}title"


def accessible(svg: bytes, title: str, description: str) -> str:
    """Returns the SVG with role, title and description, and its boxes' tooltips as their titles.

    >>> plain = b'<svg xmlns="http://www.w3.org/2000/svg"><g id="graph0" class="graph"/></svg>'
    >>> print(accessible(plain, "x * x", "2 boxes").replace("><", ">\\n<"))
    <svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="x * x. 2 boxes">
    <title>x * x</title>
    <desc>2 boxes</desc>
    <g class="graph" />
    </svg>
    """
    # Without their namespace the elements keep their short names, here and when written again.
    plain = svg.decode().replace(_NAMESPACE, "", 1).replace(WORD_JOINER, "")
    root = ElementTree.fromstring(plain)
    for group in root.iter("g"):
        _tidy(group)
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


def data_uri(svg: str) -> str:
    """Returns the SVG as the source of an image, which survives where markup is stripped.

    >>> data_uri("<svg/>")
    'data:image/svg+xml;base64,PHN2Zy8+'
    """
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
