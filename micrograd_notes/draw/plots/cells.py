"""Coloured cells: images, the weights of neurons as images, tables of numbers, and attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from micrograd_notes.common import checks
from micrograd_notes.draw import figures
from micrograd_notes.draw.plots import given, looks
from micrograd_notes.nn import Layer, Neuron

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

    from micrograd_notes.train.data import Dataset

_Picture = list[list[float]]

GAP = 0.12  # between tiles
TITLE_ROOM = 0.36  # above a tile, for its title
SCALE_ROOM = 0.75  # beside all tiles, for the scale of colours
CELL = 0.44  # inches, with room for three small digits
UNDER_TEXT = 0.6  # the depth of the deepest colour that ink can be read on, light and dark


def image_gallery(
    images: Dataset | Sequence[Sequence[Any]], labels: Sequence[object] | None = None, shape:
    tuple[int, int] | None = None, ax: Axes | None = None, limit: int = 20, columns: int = 10
) -> Axes:
    """Draws pictures, such as digits, in rows, each with its label above.

    `images` is a `Dataset` of pictures, or a list of pictures: each a list of rows, or a flat list
    together with `shape`, which is (rows, columns). `labels` are the class names by default. At
    most `limit` pictures are drawn; the title then has the number of all.
    Raises `ValueError` for pictures of another shape, and for too few labels.

    >>> ax = image_gallery([[0.0, 0.5, 1.0, 0.0]], labels=["a stroke"], shape=(2, 2))
    >>> ax.get_title()
    ''
    """
    if given.is_a(images, "Dataset"):
        shape = shape or images.image_shape
        if labels is None:  # targets that are not classes are written as they are
            names = images.class_names
            labels = [names[target] if names else f"{target:.4g}" for target in images.targets]
        images = images.inputs
    images = given.some("pictures", checks.examples("images", images))
    limit = checks.whole_number("limit", limit)
    drawn = [_picture(f"picture {i}", image, shape) for i, image in enumerate(images[:limit])]
    labels = [""] * len(images) if labels is None else labels
    tiles = _Tiles(drawn, columns, given.names("labels", labels, len(images))[:limit])
    height, width = tiles.inches(1.05)
    ax = looks.axes(ax, height + (0.3 if len(images) > limit else 0.0), width)
    tiles.draw(ax, looks.colours(False), min(tiles.pixels), max(tiles.pixels))
    for each in ax.images:
        each.set_gid(figures.INK)
    if len(images) > limit:
        ax.set_title(f"{limit} of {len(images)}")
    return ax


def weights_as_images(
    neurons: Layer | Sequence[Neuron], shape: tuple[int, int], ax: Axes | None = None,
    columns: int = 5
) -> Axes:
    """Draws the weights of neurons whose inputs are pixels as pictures, one per neuron.

    Blue means that ink there excites the neuron, orange with a minus sign that it inhibits it. A
    stronger weight has a deeper colour and a longer sign, on one scale for all; a weight below a
    tenth of the strongest has no sign. `shape` is (rows, columns). Biases are left out.
    Raises `ValueError` if a neuron does not have rows x columns weights.

    >>> from micrograd_notes.nn import Layer
    >>> ax = weights_as_images(Layer(4, 3, seed=0), shape=(2, 2))
    >>> len(ax.images)
    3
    """
    neurons = neurons.neurons if isinstance(neurons, Layer) else checks.listed("neurons", neurons)
    for neuron in given.some("neurons", neurons):
        checks.instance("each of neurons", neuron, Neuron, "a Neuron")
    titles = [f"neuron {index}" for index in range(len(neurons))]
    weights = [[weight.data for weight in neuron.w] for neuron in neurons]
    images = [_picture(title, each, shape) for title, each in zip(titles, weights, strict=True)]
    tiles = _Tiles(images, columns, titles)
    strongest = max(map(abs, tiles.pixels)) or 1.0
    ax = looks.axes(ax, *tiles.inches(1.3, SCALE_ROOM))
    tiles.draw(ax, looks.colours(), -strongest, strongest)
    tiles.draw_minus_signs(ax, strongest)
    _draw_scale(ax, (tiles.right + 0.15, tiles.bottom, 0.12, -tiles.bottom))
    ax.text(tiles.right + 0.15, 0.04, "weight", va="bottom")
    ax.set_xlim(right=tiles.right + SCALE_ROOM)
    return ax


class _Tiles:
    """Pictures of one shape in rows, in units of the width of one; rows go down from 0."""

    def __init__(self, images: list[_Picture], columns: int, titles: Sequence[str]) -> None:
        columns = min(checks.whole_number("columns", columns), len(images))
        shapes = {(len(image), len(image[0])) for image in images}
        if len(shapes) > 1:
            raise ValueError(f"all pictures must have one shape, got {sorted(shapes)}")
        ((rows, cells),) = shapes
        self.images, self.titles, self.height = images, titles, rows / cells
        below = self.height + GAP + TITLE_ROOM
        places = [divmod(index, columns) for index in range(len(images))]
        self.corners = [(x * (1 + GAP), -self.height - y * below) for y, x in places]
        """The lower left corner of each."""
        self.right, self.bottom = columns * (1 + GAP) - GAP, self.corners[-1][1]
        self.pixels = [x for image in images for row in image for x in row]

    def inches(self, largest: float, beside: float = 0.0) -> tuple[float, float]:
        """Returns the height and the width of a figure as wide as the text, with room beside.

        It is narrower if the tiles would be larger than `largest`, and wider for long titles.
        """
        width = self.right + GAP + beside
        tile = max(min(largest, looks.WIDTH / width), 0.115 * max(map(len, self.titles)))
        return tile * (TITLE_ROOM + GAP - self.bottom), tile * width

    def draw(self, ax: Axes, colours: Colormap, low: float, high: float) -> None:
        """Draws each picture in its place, in a thin frame, with its title above."""
        each = zip(self.corners, self.images, self.titles, strict=True)
        for (left, bottom), image, title in each:
            top = bottom + self.height
            cells = ax.imshow(image, colours, interpolation="none", vmin=low, vmax=high)
            cells.set_extent((left, left + 1, bottom, top))
            _draw_frame(ax, (left, bottom), 1, self.height)
            ax.text(left + 0.5, top + 0.04, title, ha="center", va="bottom")
        ax.set(xlim=(-0.05, self.right + 0.05), ylim=(self.bottom - 0.05, TITLE_ROOM))
        ax.set_aspect("equal")
        ax.set_axis_off()

    def draw_minus_signs(self, ax: Axes, strongest: float) -> None:
        """Draws a minus sign in each negative cell, as long as the weight is strong."""
        from matplotlib.collections import LineCollection

        signs = []
        for (left, bottom), image in zip(self.corners, self.images, strict=True):
            cell = 1 / len(image[0])
            for row, weights in enumerate(reversed(image)):
                for column, weight in enumerate(weights):
                    if weight < -0.1 * strongest:  # a weaker weight needs no sign
                        x, y = left + (column + 0.5) * cell, bottom + (row + 0.5) * cell
                        half = 0.35 * cell * -weight / strongest
                        signs.append([(x - half, y), (x + half, y)])
        lines = LineCollection(signs, colors=[looks.ink()], linewidths=1.4, capstyle="butt")
        ax.add_collection(lines)


def _picture(what: str, image: Sequence[Any], shape: tuple[int, int] | None) -> _Picture:
    """Returns the picture as rows of numbers; a flat one is folded by `shape`."""
    shape = None if shape is None else checks.shape("shape", shape)
    if not isinstance(image, list) or image in ([], [[]]):
        raise ValueError(f"{what} must hold one number or more, got {checks.shown(image)}")
    if isinstance(image[0], list):
        rows: _Picture = given.lists(what, image, 2)
        widths = {len(row) for row in rows}
        if len(widths) != 1:
            raise ValueError(f"{what} has rows of different lengths. Give all rows one length")
        if shape not in (None, (len(rows), *widths)):
            raise ValueError(f"shape={shape} is not that of {what}, which has rows. Leave it out")
        return rows
    if shape is None:
        raise ValueError(f"{what} is a flat list of {len(image)}. Pass its shape=(rows, columns)")
    height, width = shape
    if height * width != len(image):
        raise ValueError(
            f"{what} has {len(image)} numbers, which do not fill {height} rows of {width}. Pass "
            "the shape=(rows, columns) whose product is that number"
        )
    pixels = given.lists(what, image, 1)
    return [pixels[row * width : (row + 1) * width] for row in range(height)]


def _draw_frame(ax: Axes, corner: tuple[float, float], width: float, height: float) -> None:
    """Draws a thin edge around a picture or a table."""
    from matplotlib.patches import Rectangle

    edge = Rectangle(corner, width, height, fill=False, edgecolor=looks.ink(), linewidth=0.8)
    ax.add_patch(edge)


def _draw_scale(ax: Axes, place: tuple[float, float, float, float]) -> None:
    """Draws the scale of colours at (left, bottom, width, height), in units of the picture."""
    scale = ax.figure.colorbar(ax.images[-1], cax=ax.inset_axes(place, transform=ax.transData))
    cast("Any", scale.solids).set_rasterized(True)  # one small image instead of hundreds of areas


def table_as_image(
    table: Sequence[Sequence[Any]], rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None, ax: Axes | None = None, written: str | None = "{:.2g}"
) -> Axes:
    """Draws a table of numbers, such as a matrix, as a picture with one cell per number.

    Blue is positive, orange is negative, and the colour deepens with the distance from 0. `written`
    is the format of the number in its cell; None, for large tables, draws small empty cells and a
    scale of the colours. `rows` are the names on the left, `columns` those above. The numbers may
    be `Value`s.
    Raises `ValueError` for an empty or ragged table, for too few names, and for a wrong format.

    >>> ax = table_as_image([[1.0, -2.0]], rows=["row"], columns=["left", "right"])
    >>> [text.get_text() for text in ax.texts]
    ['1', '-2', 'left', 'right', 'row']
    """
    numbers = _picture("the table", given.lists("table", table, 2), None)
    beside_it = [] if rows is None else given.names("rows", rows, len(numbers))
    above_it = [] if columns is None else given.names("columns", columns, len(numbers[0]))
    try:
        _ = written is None or checks.text("written", written).format(0.5)
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        expected = "written must be a format of one number, like '{:.2g}'"
        raise ValueError(f"{expected}, got {written!r}: {error}") from None
    cell = 0.19 if written is None else 1.4 * CELL  # inches
    above = 0.25 / cell if above_it else 0.0
    beside = max((0.1 + 0.1 * len(name) for name in beside_it), default=0.0) / cell
    scale = 0.75 / cell if written is None else 0.0
    width, height = len(numbers[0]) + beside + scale + 0.1, len(numbers) + above + 0.1
    ax = looks.axes(ax, cell * height + 0.1, cell * width + 0.1)
    deepest = max(abs(number) for row in numbers for number in row) or 1.0
    colours = looks.colours(deepest=1.0 if written is None else UNDER_TEXT)
    ax.imshow(numbers, colours, interpolation="none", vmin=-deepest, vmax=deepest)
    if written is not None:
        _write_in_cells(ax, numbers, written, (0.0, 0.0))
    for x, name in enumerate(above_it):
        ax.text(x, -0.5 - 0.08 / cell, name, ha="center", va="baseline")
    for y, name in enumerate(beside_it):
        ax.text(-0.5 - 0.08 / cell, y, name, ha="right", va="center")
    ax.set(xlim=(-0.55 - beside, len(numbers[0]) - 0.45), ylim=(len(numbers) - 0.45, -0.55 - above))
    _draw_frame(ax, (-0.5, -0.5), len(numbers[0]), len(numbers))
    if written is None:
        ax.set_xlim(right=len(numbers[0]) + scale - 0.5)
        _draw_scale(ax, (len(numbers[0]) - 0.5 + 0.1 / cell, -0.5, 0.14 / cell, len(numbers)))
    ax.set_axis_off()
    return ax


def attention_maps(
    shares: Sequence[Sequence[Sequence[Any]]], tokens: Sequence[object], ax: Axes | None = None
) -> Axes:
    """Draws attention: one triangle per head, whose rows add up to 100 percent.

    `shares[i][h][j]` is the share of its attention that position i gives to position j, up to i
    itself, in head h: numbers or `Value`s, as a `GPT` stores them in the past. `tokens` are the
    letters at the positions. A row is a position that looks, a column a position that it looks at.
    Each cell shows the share in percent, and a larger share has a deeper colour.
    Raises `ValueError` if there are no shares, or not one for each position so far.

    >>> ax = attention_maps([[[1.0]], [[0.25, 0.75]]], ["c", "a"])
    >>> [text.get_text() for text in ax.texts if text.get_text().isdigit()]
    ['100', '25', '75']
    """
    shares = given.lists("shares", shares, 3)
    given.some("shares", shares and shares[0])
    tokens = given.names("tokens", tokens, len(shares))
    heads, size = len(shares[0]), len(shares)
    for i, row in enumerate(shares):
        if [len(share) for share in row] != [i + 1] * heads:
            raise ValueError(
                f"shares[{i}] has {[len(share) for share in row]} shares, by head. Each of the "
                f"{heads} heads must have {i + 1}, one per position up to its own"
            )
    beside = min(heads, 2)
    right, below = size + 1.8, size + 2.6  # from one triangle to the next
    width, height = max(right * beside - 0.8, 7.0), below * -(-heads // beside)
    ax = looks.axes(ax, CELL * (height + 1.2), CELL * (width + 0.4))
    colours = looks.colours(deepest=UNDER_TEXT)
    for h in range(heads):
        left, top = right * (h % beside), below * (h // beside)
        percent = [[100 * share for share in row[h]] for row in shares]
        square = [row + [math.nan] * (size - len(row)) for row in percent]
        extent = (left - 0.5, left + size - 0.5, top + size - 0.5, top - 0.5)
        ax.imshow(square, colours, interpolation="none", vmin=-100.0, vmax=100.0, extent=extent)
        ax.text(left - 0.5, top - 1.4, f"head {h}", va="bottom", weight="bold")
        for place, token in enumerate(tokens):
            ax.text(left + place, top - 0.7, token, ha="center", va="baseline")
            ax.text(left - 0.7, top + place, token, ha="right", va="center")
        _write_in_cells(ax, percent, "{:.0f}", (left, top))
    words = "row: the position that looks\ncolumn: the one it looks at; in percent"
    ax.text(-0.5, height - 2.8, words, va="top")
    ax.set(xlim=(-1.3, width - 1.3), ylim=(height - 1.6, -2.2))
    ax.set_axis_off()
    return ax


def _write_in_cells(ax: Axes, table: _Picture, written: str, corner: tuple[float, float]) -> None:
    """Writes each number in its cell."""
    for y, row in enumerate(table):
        for x, number in enumerate(row):
            at = corner[0] + x, corner[1] + y
            ax.text(*at, written.format(number), ha="center", va="center")
