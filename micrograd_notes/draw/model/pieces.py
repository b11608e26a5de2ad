"""The pieces of a model's picture in SVG: circles, curves, small pictures, and their colours.

`svg.py` calls it. Lines stand out on white and on nearly black, and all text is on a fill, which is
pale or deep with the page: see `graph/frame.py`. Besides its colour, a negative weight is dashed, a
negative pixel has a minus sign, and a number has its sign.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from micrograd_notes.draw.graph.dot import BLUE, GREY, ORANGE, PALE_BLUE, PALE_ORANGE, PAPER
from micrograd_notes.draw.model.view import Unit
from micrograd_notes.engine import Value, no_grad

INK = "#111111"
DEEP_BLUE, DEEP_ORANGE = "#8bbbe4", "#f6b26b"  # the strongest fills under black text

RADIUS = 21.0  # of a neuron
IMAGE = 106.0  # the side of a neuron's picture of weights
SHADES = 8  # steps from paper to the full colour of a pixel


@dataclass(frozen=True)
class Place:
    """The middle of a piece."""

    x: float
    y: float


def tag(name: str, *content: str, **attributes: str | float) -> str:
    """Returns an element; `stroke_width` stands for `stroke-width`.

    >>> tag("circle", r=7.0, stroke_width=1.25, fill="none")
    '<circle r="7" stroke-width="1.2" fill="none"/>'
    """
    written = "".join(
        f' {key.replace("_", "-")}="{html.escape(shown(given))}"'
        for key, given in attributes.items()
    )
    inside = "".join(content)
    return f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>"


def shown(given: str | float) -> str:
    """Returns a coordinate with at most one decimal; a text as it is."""
    return given if isinstance(given, str) else f"{given:.1f}".removesuffix(".0")


def outline(*steps: str | float) -> str:
    """Returns the steps of a path, letters and numbers.

    >>> outline("M", 1.0, 2.5, "h", 3.0)
    'M 1 2.5 h 3'
    """
    return " ".join(map(shown, steps))


def tooltip(told: str) -> str:
    """Returns the text that appears over the element that contains it."""
    return tag("title", html.escape(told)) if told else ""


def text(x: float, y: float, said: str, size: float = 12.0, anchor: str = "middle") -> str:
    """Returns a line of text with y as its base line."""
    return tag("text", html.escape(said), x=x, y=y, font_size=size, fill=INK, text_anchor=anchor)


def text_width(said: str) -> float:
    """Returns a width that the text will not exceed in most fonts."""
    return 6.7 * len(said)


def curve(tail: Place, head: Place, width: float, told: str, ends: str) -> str:
    """Returns a weight: a line from one circle to another, which has no colour yet.

    `ends` are the columns and places of both, as in `1.0 2.3`.
    """
    path = bent(Place(tail.x + RADIUS, tail.y), Place(head.x - RADIUS, head.y))
    return tag("path", tooltip(told), d=path, stroke_width=f"{width:.2f}", data_ends=ends)


def bent(start: Place, end: Place) -> str:
    """Returns the path of a line that leaves and arrives level."""
    middle = (start.x + end.x) / 2
    return outline("M", start.x, start.y, "C", middle, start.y, middle, end.y, end.x, end.y)


def circle(unit: Unit, place: Place, largest: float, at: str) -> str:
    """Returns an input with its name, or a neuron with its bias; `at` is its column and its place.

    Inside is its number for the example, on a fill that is deeper for a larger number (`largest`
    has the deepest). Without an example, a neuron shows the curve of its activation.
    """
    pieces = [tooltip(_told(unit))]
    if unit.bias is None:
        pieces.append(pill(place.x - RADIUS - 9 - text_width(unit.name) / 2, place.y, unit.name))
    round = {"cx": place.x, "cy": place.y, "r": RADIUS}
    pieces += _filled("circle", unit.output or 0.0, largest, (DEEP_BLUE, DEEP_ORANGE), **round)
    if unit.output is not None:
        pieces.append(text(place.x, place.y + 4.5, brief(unit.output), 12.5))
    elif unit.bias is not None:
        pieces.append(_activation_curve(unit, place))
    if unit.bias is not None:
        plate = {"x": place.x - RADIUS, "y": place.y + RADIUS + 2, "width": 2 * RADIUS}
        colours, most = (PALE_BLUE, PALE_ORANGE), max(abs(unit.bias), 1.0)
        pieces += _filled("rect", unit.bias, most, colours, **plate, height=16.0, rx=4.0)
        pieces.append(text(place.x, place.y + RADIUS + 14, f"b {brief(unit.bias)}", 11))
    return tag("g", *pieces, data_at=at)


def _filled(
    shape: str, number: float, largest: float, colours: tuple[str, str], **place: float
) -> list[str]:
    """Returns the shape on paper, and its fill: a colour by the sign, deeper for a larger one."""
    paper = tag(shape, **place, fill=PAPER, stroke=GREY, stroke_width=1.5)
    depth = f"{strength(number, largest):.2f}"
    return [paper, tag(shape, **place, fill=colours[number < 0], fill_opacity=depth)]


def _told(unit: Unit) -> str:
    """Returns the unit with all digits."""
    told = unit.name or "neuron"
    if unit.output is not None:
        told += f" = {unit.output!r}"
    return told if unit.bias is None else f"{told}; bias {unit.bias!r}"


def _activation_curve(unit: Unit, place: Place) -> str:
    """Returns the curve of the neuron's activation from -3 to 3, fitted to its circle."""
    points = []
    for x in (step / 4 for step in range(-12, 13)):
        try:
            with no_grad():
                y = x if unit.activation is None else unit.activation(Value(x)).data
        except (ValueError, ArithmeticError):
            continue  # not defined there
        if math.isfinite(y):
            points.append((x, y))
    highest = max((abs(y) for _, y in points), default=0.0) or 1.0
    joined = " ".join(outline(place.x + 4.4 * x, place.y - 12 * y / highest) for x, y in points)
    drawn = tag("polyline", points=joined, fill="none", stroke=INK, stroke_width=1.8)
    return tag("path", d=outline("M", place.x - 14, place.y, "h", 28.0), stroke=GREY) + drawn


def picture(
    pixels: Sequence[float | None], shape: tuple[int, int], place: Place, side: float,
    strongest: float | None = None, told: str = ""
) -> str:
    """Returns numbers as the pixels of a picture: signed ones in two colours, others in grey.

    `strongest` is the number with the deepest shade, for signed numbers; the default is the largest
    number of the picture. Pixels of one shade are one path.
    """
    rows, columns = shape
    cell = side / max(rows, columns)
    left, top = place.x - cell * columns / 2, place.y - cell * rows / 2
    known = [pixel for pixel in pixels if pixel is not None and math.isfinite(pixel)]
    is_signed = strongest is not None or any(pixel < 0 for pixel in known)
    largest = strongest or max(map(abs, known), default=0.0) or 1.0
    shades: dict[tuple[str, float], list[str]] = {}
    signs = []
    for position, pixel in enumerate(pixels):
        if pixel is None or pixel != pixel:
            continue
        row, column = divmod(position, columns)
        x, y = left + column * cell, top + row * cell
        depth = round(SHADES * strength(pixel, largest)) / SHADES
        deepest = (BLUE if pixel > 0 else ORANGE) if is_signed else INK
        square = outline("M", x, y, "h", cell, "v", cell, "h", -cell, "z")
        shades.setdefault((deepest, depth), []).append(square)
        if pixel < 0 and depth > 0.2:  # a weaker pixel needs no sign
            half = 0.35 * cell * depth
            signs.append(outline("M", x + cell / 2 - half, y + cell / 2, "h", 2 * half))
    frame = {"x": left, "y": top, "width": cell * columns, "height": cell * rows}
    pieces = [tooltip(told), tag("rect", **frame, fill=PAPER)]
    for (colour, depth), squares in sorted(shades.items()):
        pieces.append(tag("path", d="".join(squares), fill=colour, fill_opacity=f"{depth:.3g}"))
    thin = {"stroke_width": f"{min(1.2, 0.15 * cell):.2f}", "shape_rendering": "auto"}
    pieces.append(tag("path", d="".join(signs), stroke=INK, **thin))
    pieces.append(tag("rect", **frame, fill="none", stroke=GREY))
    return tag("g", *pieces, shape_rendering="crispEdges")


def pill(x: float, y: float, *lines: str) -> str:
    """Returns lines of text on paper, centred at the place."""
    width = max(map(text_width, lines)) + 12
    height = 17 * len(lines) + 3
    top = y - height / 2
    size = {"width": width, "height": height, "rx": 4.0}
    paper = tag("rect", x=x - width / 2, y=top, **size, fill=PAPER)
    return paper + "".join(text(x, top + 14 + 17 * i, each) for i, each in enumerate(lines))


def brief(number: float) -> str:
    """Returns the number with its sign in at most six characters, to fit a circle.

    >>> brief(0.7064), brief(-12.345), brief(1234.5), brief(-1.5e-7), brief(0.0), brief(math.nan)
    ('+0.71', '−12.3', '+1234', '−1e-7', '0', 'nan')
    """
    if number == 0 or number != number:
        return f"{number:g}".removeprefix("-")
    size = abs(number)
    if not math.isfinite(number):
        digits = "inf"
    elif 0.005 <= size < 9999.5:
        digits = f"{size:.2f}" if size < 9.995 else f"{size:.1f}" if size < 99.95 else f"{size:.0f}"
    else:
        mantissa, _, exponent = f"{size:.0e}".partition("e")
        digits = f"{mantissa}e{int(exponent)}"
    return ("+" if number > 0 else "−") + digits


def strength(number: float, largest: float) -> float:
    """Returns the size of the number, from 0 to 1."""
    if not math.isfinite(number):
        return 0.0 if number != number else 1.0
    return min(abs(number) / largest, 1.0)
