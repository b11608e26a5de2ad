"""A view as a Mermaid flowchart, which JupyterLab 4.1 and newer draws by itself, without Graphviz.

This file knows Mermaid and its escapes. It knows nothing of values.
"""

import re

from micrograd_notes.draw.graph import table
from micrograd_notes.draw.graph.view import Box, View
from micrograd_notes.draw.text import short

_SHAPES = {  # what opens and closes a node; the kinds are told apart as in `dot`
    "result": ("(", ")"),
    "leaf": (">", "]"),
    "parameter": ("{{", "}}"),
    "constant": ("[", "]"),
    "group": ("[[", "]]"),
}


def flowchart(view: View, rankdir: str = "LR", note: str = "") -> str:
    """Returns the view as the text of a Mermaid flowchart, with a note at its end.

    >>> from micrograd_notes import Value
    >>> from micrograd_notes.draw.graph.view import view_of
    >>> print(flowchart(view_of(Value(3.0, name="x", requires_grad=False)), note="one leaf"))
    flowchart LR
    accTitle: Computation graph of x
    v0["constant x<br/>data 3"]
    note["one leaf"]
    """
    lines = [f"flowchart {rankdir}", f"accTitle: {_literal(view.title)}"]
    for box in view.boxes:
        opening, closing = _SHAPES[box.kind]
        lines.append(f'{box.key}{opening}"{_text(_lines(box))}"{closing}')
    for arrow in view.arrows:
        partial = "" if arrow.partial is None else f'|"{_literal("∂ " + short(arrow.partial))}"|'
        lines.append(f"{arrow.tail} -->{partial} {arrow.head}")
    notes = (*view.notes, note) if note else view.notes
    if notes:
        lines.append(f'note["{_text(notes)}"]')
    return "\n".join(lines)


def _lines(box: Box) -> list[str]:
    lines = [table.what(box), f"data {table.data(box)}"]
    return [*lines, f"grad {table.grad(box)}"] if box.takes_grad else lines


def _text(lines: list[str] | tuple[str, ...]) -> str:
    return "<br/>".join(map(_literal, lines))


def _literal(text: str) -> str:
    """Returns the text with every character that may mean something written as its number.

    >>> _literal('<b>"x"')
    '#60;b#62;#34;x#34;'
    """
    return re.sub(r"[^\w .,+×∂…▲▼–-]", lambda found: f"#{ord(found.group())};", text)
