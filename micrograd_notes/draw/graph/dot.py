"""A view as DOT, the language of Graphviz.

This file knows shapes, colours and DOT's escapes. It knows nothing of values, and does not lay out
or render. The picture stays readable on white and on nearly black: the background is transparent,
boxes are pale under black text, lines have a middle grey.

What is in a box is an HTML-like label, so that no character of a name has a meaning for DOT. Colour
never speaks alone: blue is a plus and a triangle up, orange a minus and a triangle down.
"""

import html
import re

from graphviz import Digraph

from micrograd_notes.common import checks
from micrograd_notes.draw.graph import table
from micrograd_notes.draw.graph.view import Arrow, Box, Span, View
from micrograd_notes.draw.svg import WORD_JOINER
from micrograd_notes.draw.text import counted, short

BLUE, ORANGE, GREY = "#2166ac", "#b35806", "#7a7a7a"  # 3:1 or better, on white and on #111
PALE_BLUE, PALE_ORANGE, PAPER = "#d6e6f4", "#fde3c8", "#fafafa"
FONT = "Helvetica,Arial,sans-serif"

# Where a value comes from is told by the shape of its box, and in words by its first line.
SHAPES = {
    "result": ("box", "rounded,filled"),
    "leaf": ("box", "filled"),
    "parameter": ("component", "filled"),
    "constant": ("note", "filled"),
    "group": ("box3d", "filled"),
}
_BESIDE = 8  # a name up to this long stands beside the operation, a longer one below it
_MANY = 300  # boxes: in a picture of more, Graphviz untangles crossings in half as many rounds
DIRECTIONS = ("LR", "TB", "RL", "BT")


def digraph(view: View, rankdir: str = "LR") -> Digraph:
    """Returns the view as a graphviz.Digraph, whose `.source` is the DOT text.

    Args:
        view: what is drawn.
        rankdir: where results stand: right of their operands (LR), below (TB), left (RL) or above
            (BT).

    >>> from micrograd_notes import Value
    >>> from micrograd_notes.draw.graph.view import view_of
    >>> print(digraph(view_of(Value(3.0, name="x"))).source.splitlines()[0])
    digraph {
    """
    checks.one_of("rankdir", rankdir, DIRECTIONS)
    dot = Digraph(
        graph_attr={
            "rankdir": rankdir,
            "bgcolor": "transparent",
            "ranksep": _distance(view),
            "nodesep": "0.2",
        },
        node_attr={
            "fontname": FONT,
            "fontsize": "11",
            "fillcolor": PAPER,
            "color": GREY,
            "margin": "0.08,0.06",
            "height": "0",
            "width": "0",
        },
        edge_attr={"fontname": FONT, "fontsize": "10", "color": GREY, "arrowsize": "0.7"},
    )
    if len(view.boxes) > _MANY:
        dot.attr(mclimit="0.5")
    if view.notes:
        dot.attr(label=_notes(view.notes), labelloc="b", fontname=FONT, fontsize="11")
    for box in view.boxes:
        shape, style = SHAPES[box.kind]
        dot.node(
            box.key,
            label=_label(box),
            shape=shape,
            style=style + (",dashed" if box.is_cut else ""),
            tooltip=_tooltip(box),
            **({"ordering": "in"} if box.operands_in_order else {}),
        )
    for arrow in view.arrows:
        dot.edge(arrow.tail, arrow.head, **_arrow(arrow))
    return dot


def _distance(view: View) -> str:
    """Returns the room between ranks, in inches: more where many arrows have to find their way."""
    return f"{max(0.4, 0.3 * len(view.arrows) / len(view.boxes)):.2f}"


# ---- labels ------------------------------------------------------------------------------------


def _label(box: Box) -> str:
    rows = [_heading(box)]
    if box.times > 1 or box.stands_for > 1:
        rows.append(_size(box))
    rows.append(_row("data", table.data(box), colour=pale(box.data)))
    if box.takes_grad:
        rows.append(_row("grad", table.grad(box), colour=pale(box.grad)))
    frame = 'border="0" cellborder="0" cellspacing="0" cellpadding="2"'
    return f"<<table {frame}>{''.join(rows)}</table>>"


def _heading(box: Box) -> str:
    """Returns the first row or two: the operation, or which kind of leaf it is, and the name."""
    if box.operation:
        what = f'<font point-size="14"><b>{escaped(box.operation)}</b></font>'
    elif box.kind == "group":
        what = "" if box.name else escaped(box.contents.partition(" ")[2])
    else:
        what = box.kind
    name = f"<b>{escaped(box.name)}</b>" if box.name else ""
    if what and name and len(box.name) <= _BESIDE:
        return _cells(f"{what} ", f" {name}")
    return "".join(_line(text) for text in (what, name) if text)


def _line(text: str) -> str:
    return f'<tr><td colspan="2" align="center">{text}</td></tr>'


def _size(box: Box) -> str:
    """Returns the row that says how often a group is repeated, and how many values it holds."""
    times, values = f"× {box.times:,}", counted(box.stands_for, "value")
    if box.times == 1:
        return _line(values)
    return _line(times) if box.times == box.stands_for else _line(f"{times}, {values}")


def _row(label: str, number: str, colour: str) -> str:
    return _cells(escaped(label), escaped(number), f' bgcolor="{colour}"')


def _cells(left: str, right: str, attributes: str = "") -> str:
    return (
        f'<tr><td align="left"{attributes}>{left}</td>'
        f'<td align="right"{attributes}>{right}</td></tr>'
    )


def pale(span: Span | None) -> str:
    """Returns the fill for numbers of one sign; that of paper where there are both, or none."""
    if span is None:
        return PAPER
    return PALE_BLUE if span.low > 0 else PALE_ORANGE if span.high < 0 else PAPER


def _arrow(arrow: Arrow) -> dict[str, str]:
    if arrow.stands_for > 1:
        return {"tooltip": counted(arrow.stands_for, "edge")}
    if arrow.partial is None:
        return {}
    colour = BLUE if arrow.partial > 0 else ORANGE if arrow.partial < 0 else GREY
    text = escaped(f"∂ {short(arrow.partial)}")
    fill = pale(Span(arrow.partial, arrow.partial))
    return {
        "color": colour,
        "penwidth": _width(arrow.partial),
        "label": f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="2" '
        f'style="rounded" bgcolor="{fill}"><tr><td>{text}</td></tr></table>>',
    }


def _width(partial: float) -> str:
    """Returns the width of a line: 1 for a small partial, 3 for one of 1 or more."""
    magnitude = min(abs(partial), 1.0) if partial == partial else 0.0
    return f"{1 + 2 * magnitude:.2f}"


def _notes(lines: tuple[str, ...]) -> str:
    rows = "".join(f'<tr><td align="left">{escaped(line)}</td></tr>' for line in lines)
    # A browser's font may be wider than the one that Graphviz measured, hence the padding.
    frame = f'border="0" cellborder="0" cellspacing="0" cellpadding="4" bgcolor="{PAPER}"'
    return f"<<table {frame}>{rows}</table>>"


def _tooltip(box: Box) -> str:
    """Returns what a reader sees who points at the box: all digits, and what is in a group."""
    first = " ".join(part for part in (box.name, box.operation or box.kind) if part)
    # Here, unlike in a label, a backslash begins an escape even before other letters.
    return escaped("; ".join((first, *details(box)))).replace("\\", "\\\\")


def details(box: Box) -> list[str]:
    """Returns what a box has no room for: what is in a group, and the numbers with all digits."""
    parts = [box.contents] if box.contents else []
    parts.append(f"data {_all_digits(box.data)}")
    if box.grad is not None:
        parts.append(f"grad {_all_digits(box.grad)}")
    return parts


def _all_digits(span: Span) -> str:
    return repr(span.low) if span.low == span.high else f"{span.low!r} … {span.high!r}"


def escaped(text: str) -> str:
    """Returns the text so that an HTML-like label shows it literally.

    Even there Graphviz replaces `\\N` by the name of the node, and has no escape against it. A
    `WORD_JOINER`, which is not seen, keeps the two characters apart.

    >>> escaped('<script> & "x"')
    '&lt;script&gt; &amp; &quot;x&quot;'
    """
    return re.sub(r"\\(?=[EGHLNT])", lambda _: "\\" + WORD_JOINER, html.escape(text))
