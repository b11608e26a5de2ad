"""A view as DOT, the language of Graphviz: shapes, colours and labels.

`picture.py` and the stepper call `digraph`; `rendering.py` then lays it out. The picture is
readable on white and on nearly black: the background is transparent, boxes are pale under black
text, lines are grey. Blue always comes with a plus or a triangle up, orange with a minus or a
triangle down. Labels are HTML-like, so that no character of a name has a meaning in DOT. Read
`svg.py` next.
"""

import html
import re

from graphviz import Digraph

from micrograd_notes.common import checks
from micrograd_notes.draw.graph import table
from micrograd_notes.draw.graph.view import Arrow, Box, Span, View
from micrograd_notes.draw.svg import WORD_JOINER
from micrograd_notes.draw.text import counted, from_to, short

BLUE, ORANGE, GREY = "#2166ac", "#b35806", "#7a7a7a"  # 3:1 or better, on white and on #111
PALE_BLUE, PALE_ORANGE, PAPER = "#d6e6f4", "#fde3c8", "#fafafa"
FONT = "Helvetica,Arial,sans-serif"

# The shape of a box says where its value comes from, and so does its first line.
SHAPES = {
    "result": ("box", "rounded,filled"),
    "leaf": ("box", "filled"),
    "parameter": ("component", "filled"),
    "constant": ("note", "filled"),
    "group": ("box3d", "filled"),
}
_BESIDE = 8  # a name of up to so many letters is beside the operation, a longer one below it
_LEAVES = ("leaf", "parameter", "constant")
_WIDEST = 200.0  # points: a box with a longer name does not make the others as wide
_MANY = 300  # boxes: above it, Graphviz untangles crossings in half as many rounds
_SNUG = {"height": "0", "width": "0"}  # a box is no larger than its label
DIRECTIONS = ("LR", "TB", "RL", "BT")


def digraph(view: View, rankdir: str = "LR") -> Digraph:
    """Returns the view as a graphviz.Digraph, whose `.source` is the DOT text.

    Args:
        view: what is drawn.
        rankdir: where results are: right of their operands (LR), below (TB), left (RL), above (BT).

    >>> from micrograd_notes import Value
    >>> from micrograd_notes.draw.graph.view import view_of
    >>> print(digraph(view_of(Value(3.0, name="x"))).source.splitlines()[0])
    digraph {
    """
    checks.one_of("rankdir", rankdir, DIRECTIONS)
    font = {"fontname": FONT, "color": GREY}
    dot = Digraph(
        graph_attr={"rankdir": rankdir, "bgcolor": "transparent", "nodesep": "0.2"},
        node_attr={**font, "fontsize": "11", "fillcolor": PAPER, "margin": "0.08,0.06", **_SNUG},
        edge_attr={**font, "fontsize": "10", "arrowsize": "0.7"},
    )
    # Many arrows need more room between the ranks, in inches, to find their way.
    dot.attr(ranksep=f"{max(0.4, 0.3 * len(view.arrows) / len(view.boxes)):.2f}")
    if len(view.boxes) > _MANY:
        dot.attr(mclimit="0.5")
    if view.notes:
        dot.attr(label=_notes(view.notes), labelloc="b", labeljust="l")
        dot.attr(fontname=FONT, fontsize="11")
    labels = _labels(view, rankdir in ("LR", "RL"))
    for box in view.boxes:
        name = " ".join(part for part in (box.name, box.operation or box.kind) if part)
        shape, style = SHAPES[box.kind]
        dot.node(
            box.key,
            label=labels[box.key],
            shape=shape,
            style=style + (",dashed" if box.is_cut else ""),
            # Here, unlike in a label, a backslash begins an escape even before other letters.
            tooltip=escaped("; ".join((name, *details(box)))).replace("\\", "\\\\"),
            **({"ordering": "in"} if box.operands_in_order else {}),
        )
    for arrow in view.arrows:
        dot.edge(arrow.tail, arrow.head, **_arrow(arrow))
    return dot


def _labels(view: View, are_columns: bool) -> dict[str, str]:
    """Returns the label of each box; in columns, all leaves, results or groups are equally wide."""
    widths = dict.fromkeys(SHAPES, (0.0, 0.0))
    for box in view.boxes if are_columns else ():
        rows = [[_width(cell) for cell in row.split("</td>")[:-1]] for row in _rows(box)]
        left, right = (max(row[side] for row in rows if len(row) == 2) for side in (0, 1))
        right = max(right, *(row[0] - left for row in rows))
        if left + right <= _WIDEST:
            alike = [box.kind] if box.kind in ("result", "group") else _LEAVES
            most = max(left, widths[box.kind][0]), max(right, widths[box.kind][1])
            widths |= dict.fromkeys(alike, most)
    return {box.key: _framed("".join(_rows(box, *widths[box.kind]))) for box in view.boxes}


def _width(cell: str) -> float:
    """Returns a width, in points, that the cell of a label hardly exceeds."""
    letters = len(html.unescape(re.sub("<[^>]*>", "", cell)).strip())
    return 7 + letters * (7.2 if "point-size" in cell else 6.0)


def _rows(box: Box, left: float = 0.0, right: float = 0.0) -> list[str]:
    """Returns the rows of the label, whose two columns are at least so wide."""
    rows = _heading(box)
    size = [f"× {box.times:,}"] * (box.times > 1)
    size += [counted(box.stands_for, "value")] * (box.stands_for > box.times)
    if box.name and box.contents == f"{box.times} parameters":
        size = [box.contents]  # not "× 3", which are calls
    rows += [_line(", ".join(size))] * bool(size)
    numbers = [("data", table.data(box), box.data), ("grad", table.grad(box), box.grad)]
    for label, number, span in numbers[: 1 + box.takes_grad]:
        fill = [f' width="{width:.0f}" bgcolor="{pale(span)}"' for width in (left, right)]
        rows.append(_cells(label, escaped(number), *fill))
    return rows


def _heading(box: Box) -> list[str]:
    """Returns the first row or two: the operation, or the kind of leaf, and the name."""
    if box.operation:
        what = f'<font point-size="14"><b>{escaped(box.operation)}</b></font>'
    elif box.kind == "group":
        what = "" if box.name else escaped(box.contents.partition(" ")[2])
    else:
        what = box.kind
    name = f"<b>{escaped(box.name)}</b>" if box.name else ""
    if what and name and len(box.name) <= _BESIDE:
        return [_cells(f"{what} ", f" {name}")]
    return [_line(text) for text in (what, name) if text]


def _line(text: str) -> str:
    return f'<tr><td colspan="2" align="center">{text}</td></tr>'


def _cells(left: str, right: str, more_left: str = "", more_right: str = "") -> str:
    return (
        f'<tr><td align="left"{more_left}>{left}</td>'
        f'<td align="right"{more_right}>{right}</td></tr>'
    )


def pale(span: Span | None) -> str:
    """Returns the fill for numbers of one sign; that of paper for both signs or none."""
    if span is None:
        return PAPER
    return PALE_BLUE if span.low > 0 else PALE_ORANGE if span.high < 0 else PAPER


def _arrow(arrow: Arrow) -> dict[str, str]:
    if arrow.stands_for > 1:
        return {"tooltip": counted(arrow.stands_for, "edge")}
    if arrow.partial is None:
        return {}
    slope = arrow.partial
    magnitude = min(abs(slope), 1.0) if slope == slope else 0.0  # lines are 1 to 3 points wide
    fill, text = pale(Span(slope, slope)), escaped(f"∂ {short(slope)}")
    return {
        "color": BLUE if slope > 0 else ORANGE if slope < 0 else GREY,
        "penwidth": f"{1 + 2 * magnitude:.2f}",
        "label": _framed(f"<tr><td>{text}</td></tr>", f'2" style="rounded" bgcolor="{fill}'),
    }


def _notes(lines: tuple[str, ...]) -> str:
    rows = "".join(f'<tr><td align="left">{escaped(line)}</td></tr>' for line in lines)
    # A browser's font may be wider than the one that Graphviz measured, hence the padding.
    return _framed(rows, f'4" bgcolor="{PAPER}')


def _framed(rows: str, padding: str = "2") -> str:
    return (
        f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="{padding}">{rows}</table>>'
    )


def details(box: Box) -> list[str]:
    """Returns what has no room in the box: a group's contents, and the numbers with all digits."""
    numbers = {"data": box.data, "grad": box.grad}
    spans = [(part, span) for part, span in numbers.items() if span]
    parts = [f"{part} {from_to(repr(span.low), repr(span.high))}" for part, span in spans]
    return [box.contents, *parts] if box.contents else parts


def escaped(text: str) -> str:
    """Returns the text so that an HTML-like label shows it literally.

    Graphviz replaces `\\N` by the name of the node even there, and offers no escape. An invisible
    `WORD_JOINER` keeps the two characters apart.

    >>> escaped('<script> & "x"')
    '&lt;script&gt; &amp; &quot;x&quot;'
    """
    return re.sub(r"\\(?=[EGHLNT])", lambda _: "\\" + WORD_JOINER, html.escape(text))
