"""Groups that open on the page of a picture: by a click, or by Enter and Escape.

`picture.py` calls `with_groups`. Each group that `inside.py` describes gets a panel with its own
graph, laid out in advance, so that the page needs nothing else. A script shows one panel at a time;
read `groups.js` next.
"""

import html
from collections.abc import Sequence
from dataclasses import replace

from micrograd_notes.draw import svg
from micrograd_notes.draw.graph import table
from micrograd_notes.draw.graph.dot import details, digraph
from micrograd_notes.draw.graph.frame import in_both_schemes, in_frame
from micrograd_notes.draw.graph.inside import MOST_VALUES, Inside
from micrograd_notes.draw.graph.view import View
from micrograd_notes.draw.page import folded, text_of
from micrograd_notes.draw.rendering import render
from micrograd_notes.draw.text import counted

MOST_GROUPS = 50
"""The most groups of a page to lay out; each takes milliseconds, and bytes of the file."""

_ADVICE = (
    "To see a part of it, draw one of its values with the values around it: "
    "<code>draw_dot(root, focus=value, radius=2)</code>."
)


def with_groups(picture: str, insides: Sequence[Inside], rankdir: str = "LR") -> str:
    """Returns HTML: the picture with boxes that open, a line that says so, and the panels."""
    panels, opened = [], 0
    for inside in insides:
        if inside.view is None:
            one = "one result alone has" if inside.box.times > 1 else "it has"
            size = f"{one} {counted(inside.drawn, 'value')}, and up to {MOST_VALUES} are drawn"
            panels.append(_refusal(inside, f"too large to open: {size}"))
        elif opened == MOST_GROUPS:
            panels.append(_refusal(inside, f"only the first {MOST_GROUPS} groups are drawn here"))
        else:
            opened += 1
            notes = [f"<p>{html.escape(note)}</p>" for note in inside.view.notes]
            label = "; ".join((f"open {table.what(inside.box)}", *details(inside.box)))
            body = "\n".join([*notes, _drawn(inside.view, rankdir)])
            panels.append(_panel(inside, label, "yes", inside.title, body))
    return text_of("graph/groups.html").rstrip().format(
        style=text_of("graph/groups.css"), script=text_of("graph/groups.js"), picture=picture,
        hint=_hint(opened, len(insides)), panels="\n".join(panels),
    )


def _hint(opened: int, groups: int) -> str:
    how = "Click a box marked + to see inside it, or go to it with Tab and press Enter."
    if opened == groups:
        return how
    if not opened:
        return f"None of the {counted(groups, 'group')} can be opened: click one to see why."
    hidden = counted(groups - opened, "group")
    return f"{how} {hidden} of {groups:,} cannot be opened: click one to see why."


def _panel(inside: Inside, label: str, can_open: str, title: str, body: str) -> str:
    key, label, title = map(html.escape, (inside.box.key, label, title))
    said = {"key": key, "label": label, "can_open": can_open, "title": title, "body": body}
    return text_of("graph/panel.html").rstrip().format(**said)


def _refusal(inside: Inside, why: str) -> str:
    """Returns the panel that says why the group does not open, and what to do."""
    name = table.what(inside.box)
    label = f"{name}: {why}; draw_dot(root, focus=value) draws a part"
    body = f"<p>{html.escape(why[0].upper() + why[1:])}.</p>\n<p>{_ADVICE}</p>"
    return _panel(inside, label, "no", name, body)


def _drawn(view: View, rankdir: str) -> str:
    # Without arrows Graphviz puts the boxes across the direction, and a row is easier to read.
    direction = rankdir if view.arrows else "TB"
    # The notes are above, where a reader of a wide picture finds them.
    dot = digraph(replace(view, notes=()), direction)
    size = f"{counted(len(view.boxes), 'box', 'boxes')}, {counted(len(view.arrows), 'arrow')}."
    drawn = svg.accessible(render(dot.source, "svg"), view.title, " ".join((size, *view.notes)))
    in_words = folded("The same as a table", table.as_html(view), f"{view.title}, as a table")
    return f"{in_frame(in_both_schemes(drawn), f'{view.title}, scrolls')}\n{in_words}"
