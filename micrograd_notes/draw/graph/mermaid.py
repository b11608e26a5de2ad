"""A view as a Mermaid flowchart, which JupyterLab 4.1 and newer draws itself, without Graphviz.

`picture.py` falls back on it. Read `table.py` next, the other fallback.
"""

import re
from collections.abc import Sequence

from micrograd_notes.draw.graph import table
from micrograd_notes.draw.graph.view import View
from micrograd_notes.draw.text import short

_SHAPES = {  # the signs that open and close a node of each kind
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
        words = [table.what(box), f"data {table.data(box)}"]
        words += [f"grad {table.grad(box)}"] if box.takes_grad else []
        lines.append(f'{box.key}{opening}"{_text(words)}"{closing}')
    for arrow in view.arrows:
        partial = "" if arrow.partial is None else f'|"{_literal("∂ " + short(arrow.partial))}"|'
        lines.append(f"{arrow.tail} -->{partial} {arrow.head}")
    notes = (*view.notes, note) if note else view.notes
    if notes:
        lines.append(f'note["{_text(notes)}"]')
    return "\n".join(lines)


def _text(lines: Sequence[str]) -> str:
    return "<br/>".join(map(_literal, lines))


def _literal(text: str) -> str:
    """Returns the text with every character that may have a meaning written as its number.

    >>> _literal('<b>"x"')
    '#60;b#62;#34;x#34;'
    """
    return re.sub(r"[^\w .,+×∂…▲▼–-]", lambda found: f"#{ord(found.group())};", text)
