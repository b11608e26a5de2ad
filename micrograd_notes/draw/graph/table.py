"""A view as a table, in plain text and in HTML, for readers who do not see the picture.

`picture.py`, `groups.py`, `mermaid.py` and the stepper call it, also for how the numbers of a box
are written. Read `view.py` next.
"""

import html

from micrograd_notes.draw.graph.view import Box, View
from micrograd_notes.draw.text import counted, from_to, short, signed

HEADINGS = ("", "what", "data", "grad", "made from")
_PARTS = ("", ' data-part="data"', ' data-part="grad"', "")  # as in the SVG: see `svg`


def rows(view: View) -> list[tuple[str, ...]]:
    """Returns a row per box: its key, what it is, data, grad, and its operands' keys in order."""
    operands: dict[str, list[str]] = {}
    for arrow in view.arrows:
        operands.setdefault(arrow.head, []).append(arrow.tail)
    return [
        (box.key, what(box), data(box), grad(box), ", ".join(operands.get(box.key, "-")))
        for box in view.boxes
    ]


def plain(view: View) -> str:
    """Returns the view as lines of text.

    >>> from micrograd_notes import Value
    >>> from micrograd_notes.draw.graph.view import view_of
    >>> x = Value(3.0, name="x")
    >>> y = x * x
    >>> y.backward()
    >>> print(plain(view_of(y)))
    Computation graph of the result of *
          what    data  grad  made from
      v0  leaf x  3     ▲ +6  -
      v1  *       9     ▲ +1  v0, v0
    """
    lines = [HEADINGS, *rows(view)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join([view.title, *(line.rstrip() for line in aligned), *view.notes])


def as_html(view: View) -> str:
    """Returns the view as an HTML table.

    >>> from micrograd_notes import Value
    >>> from micrograd_notes.draw.graph.view import view_of
    >>> row = as_html(view_of(Value(3.0, name="<x>", requires_grad=False))).splitlines()[2]
    >>> print(row.replace("<td", "\\n<td"))
    <tr data-key="v0"><th scope="row">v0</th>
    <td>constant &lt;x&gt;</td>
    <td data-part="data">3</td>
    <td data-part="grad"></td>
    <td>-</td></tr>
    """
    heading = "".join(f'<th scope="col">{name or "key"}</th>' for name in HEADINGS)
    lines = ["<table>", f"<thead><tr>{heading}</tr></thead><tbody>"]
    for key, *cells in rows(view):
        marked = zip(_PARTS, map(html.escape, cells), strict=True)
        filled = "".join(f"<td{part}>{cell}</td>" for part, cell in marked)
        lines.append(f'<tr data-key="{key}"><th scope="row">{key}</th>{filled}</tr>')
    return "\n".join([*lines, "</tbody></table>"])


def what(box: Box) -> str:
    """Returns what the box is: its operation or kind, its name, and the size of a group."""
    size = [f"× {box.times:,}"] if box.times > 1 else []
    size += [counted(box.stands_for, "value")] if box.stands_for > box.times else []
    first = box.operation or ("" if box.kind == "group" else box.kind)
    words = " ".join(word for word in (first, box.name) if word) or box.contents.partition(" ")[2]
    return ", ".join([words, *size])


def data(box: Box) -> str:
    """Returns the number of the box, or the range of its numbers."""
    return from_to(short(box.data.low), short(box.data.high))


def grad(box: Box) -> str:
    """Returns the gradient with its sign; a dash before `backward`; nothing if none flows."""
    if not box.takes_grad:
        return ""
    return "–" if box.grad is None else from_to(signed(box.grad.low), signed(box.grad.high))
