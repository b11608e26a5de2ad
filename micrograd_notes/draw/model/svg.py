"""A model's view as SVG: the places of columns and circles, and the order of the lines.

`draw_model` calls `model_svg`. Columns are a simple layout, which needs no Graphviz. Read
`pieces.py` next, which draws the single circles, lines and small pictures.
"""

import html
import math
from collections.abc import Iterable

from micrograd_notes.draw.graph.dot import BLUE, FONT, GREY, ORANGE, PAPER
from micrograd_notes.draw.graph.frame import in_both_schemes
from micrograd_notes.draw.model import pieces
from micrograd_notes.draw.model.pieces import IMAGE, RADIUS, Place, strength, tag, text_width
from micrograd_notes.draw.model.view import Column, ModelView
from micrograd_notes.draw.text import short

MARGIN = 14.0
PITCH = 68.0  # from one neuron to the next below it
GAP = 190.0  # from one column to the next, at least
GAP_PER_ROW = 16.0  # tall columns have many lines between them, which need room
HEADING = 58.0  # the room above the columns
LABEL = 20.0  # left of the inputs, beside their names
BEFORE = 100.0  # from a neuron to its picture of weights; every other one is further to the left
STAGGER = IMAGE + 14.0
LINE = 18.0  # of text
BIG_IMAGE = 112.0  # the side of the example's picture
STYLES = {  # of a weight, by its sign
    1: {"stroke": BLUE},
    -1: {"stroke": ORANGE, "stroke_dasharray": "6 4"},
    0: {"stroke": GREY, "stroke_dasharray": "1 4"},  # nan, too
}
THIN, THICK = 0.8, 5.5  # the widths of the weakest and of the strongest weight


def model_svg(view: ModelView) -> str:
    """Returns the picture, with a title, a description, and a tooltip for each weight.

    >>> from micrograd_notes.draw.model.view import model_view
    >>> from micrograd_notes.nn import MLP
    >>> picture = model_svg(model_view(MLP(2, [3, 1], seed=0)))
    >>> picture.count("<title>x["), picture.count("<title>layers[0]")
    (2, 9)
    """
    drawing, words = _Drawing(view), {"title": view.title, "desc": view.description}
    parts = [tag(name, html.escape(said)) for name, said in words.items()]
    parts += [*drawing.lines(), *drawing.images(), *drawing.circles()]
    parts += [*drawing.headings(), *drawing.legend()]
    width, height = pieces.shown(drawing.width), pieces.shown(drawing.height)
    said = {"xmlns": "http://www.w3.org/2000/svg", "role": "img"}
    said["aria_label"] = ". ".join(words.values())
    size = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}"}
    drawn = tag("svg", "\n" + "\n".join(parts) + "\n", **said, **size, font_family=FONT)
    return in_both_schemes(drawn)


class _Drawing:
    """The places of all pieces, and the pieces of SVG."""

    def __init__(self, view: ModelView) -> None:
        self.view = view
        self.rows = max(self._slots(column) for column in view.columns)
        self.strongest = view.strongest
        self.gap = max(GAP, GAP_PER_ROW * self.rows)
        names = max(text_width(unit.name) for unit in view.columns[0].units)
        self.first = MARGIN + (BIG_IMAGE / 2 if view.image_shape else LABEL + names + RADIUS)
        self.tallest = self.rows * PITCH + (IMAGE - PITCH + LINE if view.image_shape else 0.0)
        self.legend_lines = self._legend()
        heading = text_width(view.columns[-1].contents) / 2 + 6
        columns = self._x(len(view.columns) - 1) + max(heading, RADIUS + 24) + MARGIN
        words = max(text_width(text) for _, text in self.legend_lines)
        self.width = max(columns, 2 * MARGIN + 70 + words)
        self.legend_top = HEADING + self.tallest + 8
        self.height = self.legend_top + len(self.legend_lines) * LINE + 12 + MARGIN

    def _slots(self, column: Column) -> int:
        """Returns the number of rows of the column; all that is hidden takes one."""
        if column is self.view.columns[0] and self.view.image_shape:
            return 1
        return len(column.drawn) + (column.hidden > 0)

    def _x(self, position: int) -> float:
        aside = 2 * IMAGE if self.view.image_shape and position else 0.0
        return self.first + position * self.gap + aside

    def _places(self, position: int) -> dict[int, Place]:
        """Returns the place of each unit that is drawn; -1 stands for the hidden ones."""
        column = self.view.columns[position]
        order: list[int] = []
        for unit in column.drawn:
            if order and unit != order[-1] + 1:
                order.append(-1)
            order.append(unit)
        top = HEADING + (self.tallest - len(order) * PITCH) / 2 + PITCH / 2 - 4
        return {unit: Place(self._x(position), top + i * PITCH) for i, unit in enumerate(order)}

    def lines(self) -> Iterable[str]:
        """Yields the weights between columns, the strong ones on top of the weak."""
        for position in range(1, len(self.view.columns)):
            if position == 1 and self.view.image_shape:
                continue
            yield from self._lines_into(position)

    def _lines_into(self, position: int) -> Iterable[str]:
        tails, heads = self._places(position - 1), self._places(position)
        units = self.view.columns[position].units
        ends = [(head, tail) for head in heads for tail in tails if min(head, tail) >= 0]
        weights = [(units[head].weights[tail], head, tail) for head, tail in ends]
        weights.sort(key=lambda each: strength(each[0], self.strongest))
        for sign, style in STYLES.items():
            curves = []
            for w, head, tail in weights:
                if (w > 0) - (w < 0) == sign:
                    told = f"{units[head].name}.w[{tail}] = {w!r}".lstrip(".")
                    width = THIN + (THICK - THIN) * strength(w, self.strongest)
                    between = f"{position - 1}.{tail} {position}.{head}"
                    curves.append(pieces.curve(tails[tail], heads[head], width, told, between))
            if curves:
                yield tag("g", *curves, fill="none", **style)

    def images(self) -> Iterable[str]:
        """Yields the example's picture, and each neuron's weights as a picture of its shape."""
        if self.view.image_shape is None:
            return
        inputs, neurons = self.view.columns[0].units, self.view.columns[1].units
        middle = HEADING + self.tallest / 2
        # A line leads from the example's picture to the picture of each neuron, and on to it.
        places = {head: place for head, place in self._places(1).items() if head >= 0}
        start = Place(self.first + BIG_IMAGE / 2, middle)
        for head, place in places.items():
            end = Place(place.x - BEFORE - STAGGER - IMAGE / 2, place.y)
            path = pieces.bent(start, end) + pieces.outline(" H", place.x - RADIUS)
            yield tag("path", d=path, fill="none", stroke=GREY, data_ends=f"1.{head}")
        pixels = [unit.output for unit in inputs]
        told = "the example" if self.view.has_sample else "no example was passed"
        shape = self.view.image_shape
        yield pieces.picture(pixels, shape, Place(self.first, middle), BIG_IMAGE, told=told)
        for row, (head, place) in enumerate(places.items()):
            beside = Place(place.x - BEFORE - STAGGER * (row % 2), place.y)
            told = f"the weights of {neurons[head].name or 'the neuron'}"
            weights = neurons[head].weights
            drawn = pieces.picture(weights, shape, beside, IMAGE, self.strongest, told)
            yield tag("g", drawn, data_ends=f"1.{head}")

    def circles(self) -> Iterable[str]:
        """Yields inputs and neurons, with their numbers and biases."""
        for position, column in enumerate(self.view.columns):
            if position == 0 and self.view.image_shape:
                continue
            numbers = [unit.output for unit in column.units if unit.output is not None]
            largest = max((abs(y) for y in numbers if math.isfinite(y)), default=0.0) or 1.0
            for place_of, place in self._places(position).items():
                if place_of < 0:
                    yield pieces.pill(place.x, place.y, f"⋮ {column.hidden:,} more ⋮")
                else:
                    at = f"{position}.{place_of}"
                    yield pieces.circle(column.units[place_of], place, largest, at)

    def headings(self) -> Iterable[str]:
        """Yields the words above each column."""
        for position, column in enumerate(self.view.columns):
            x, shape = self._x(position), self.view.image_shape
            texts = [column.name, column.contents]
            if position == 0:
                texts = ["inputs", f"{shape[0]} × {shape[1]} pixels"] if shape else texts[1:]
            elif len(self.view.columns) == 2:
                texts = texts[1:]  # a layer or a neuron alone
            yield pieces.pill(x, MARGIN + 10 + 9 * (len(texts) - 1), *texts)

    def _legend(self) -> list[tuple[str, str]]:
        """Returns the lines below the picture: for each its sign and its words."""
        lines = []
        if len(self.view.columns) > 2 or not self.view.image_shape:
            widest = f"a wider line is larger; widest: {short(self.strongest)}"
            lines += [("positive", f"positive weight; {widest}"), ("negative", "negative weight")]
        if self.view.image_shape:
            lines.append(("image", "a neuron's weights, each where its pixel is; − is negative"))
        says = "the curve of its activation, and b its bias"
        if self.view.has_sample:
            says = "its number for this example (deeper fill: larger), and b its bias"
        return [*lines, ("circle", f"a neuron: {says}"), *(("", note) for note in self.view.notes)]

    def legend(self) -> Iterable[str]:
        """Yields the lines below the picture, each after its sign."""
        top, left, height = self.legend_top, MARGIN + 10, len(self.legend_lines) * LINE + 10
        frame = {"x": MARGIN, "y": top, "width": self.width - 2 * MARGIN, "height": height}
        yield tag("rect", **frame, rx=5.0, fill=PAPER, stroke=GREY)
        for i, (kind, said) in enumerate(self.legend_lines):
            place = Place(left + 17, top + 5 + LINE * (i + 0.5))
            if kind == "circle":
                yield tag("circle", cx=place.x, cy=place.y, r=7.0, fill="none", stroke=GREY)
            elif kind == "image":
                yield pieces.picture([1.0, -1.0, -0.5, 0.3], (2, 2), place, 14.0, 1.0)
            elif kind:
                style = STYLES[1 if kind == "positive" else -1]
                stroke = pieces.outline("M", left, place.y, "h", 34.0)
                yield tag("path", d=stroke, stroke_width=3.0, **style)
            yield pieces.text(left + (44 if kind else 0), place.y + 4, said, anchor="start")
