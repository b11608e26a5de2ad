"""The stepper: a page, or a notebook's output, in which a reader walks through both passes.

This file puts together the picture of a graph, the steps as data, and a script that shows them one
by one (`stepper.js`, `stepper.css`). Everything is in one piece of HTML, which needs no network and
no kernel. Where scripts do not run, as in a notebook that is not trusted, what remains is the
picture and a table of all steps.

What a step says is decided in `steps`; this file knows only which number it changes in the picture.
"""

import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

from micrograd_notes.common import checks
from micrograd_notes.draw import svg
from micrograd_notes.draw.graph import table
from micrograd_notes.draw.graph.dot import digraph, pale
from micrograd_notes.draw.graph.indexed import IndexedGraph, indexed
from micrograd_notes.draw.graph.names import modules_of, names_of
from micrograd_notes.draw.graph.view import (
    ABOUT_PARTIALS,
    NO_GRADIENTS_YET,
    Box,
    Span,
    View,
    check_root,
    view_of,
)
from micrograd_notes.draw.graph.wording import labels_of
from micrograd_notes.draw.page import Page, text_of
from micrograd_notes.draw.rendering import render
from micrograd_notes.draw.stepper.box_steps import steps_by_box
from micrograd_notes.draw.stepper.steps import Step, steps_by_value
from micrograd_notes.draw.stepper.wrong import WRONG
from micrograd_notes.draw.stepper.wrong_steps import TITLES, steps_beside
from micrograd_notes.draw.text import counted
from micrograd_notes.engine import Value
from micrograd_notes.nn import Module

_MOST_BOXES = 150  # of a picture in groups
_MOST_WITH_NEURONS = 60  # of one with neurons in it, which have many arrows
_AROUND_NEURONS = 15  # of these: the parts of a loss

_Change = tuple[int, str, str, Span]  # panel, box, part ("data" or "grad"), number

Wrong = Literal["recursion", "assign", "forward order"]


def draw_backward(
    root: Value,
    model: Module | None = None,
    wrong: Wrong | None = None,
    *,
    rankdir: str = "LR",
    limit: int = 300,
) -> "Stepper":
    """Returns both passes through the graph below the root, to be walked through step by step.

    Forward, each node appears with its data. Backward, in reverse topological order, each node
    hands its gradient on: for every operand the local derivative times the own gradient is added
    to what the operand has, and is written out, `dL/dw1 += ds/dw1 * dL/ds = 2.0 * 0.5 = 1.0
    (0 -> 1.0)`. No `grad` of the learner's values is read or changed.

    Args:
        root: the value whose gradients are taken. Without a name it is called L.
        model: a `Module`, whose names its parameters and neurons are drawn with.
        wrong: a wrong sweep that runs beside the right one and stops where they part: "recursion"
            (without a topological order), "assign" (`=` for `+=`) or "forward order".
        rankdir: where results stand: right of their operands (LR), below (TB), left (RL) or above
            (BT).
        limit: the most steps, one a node. A longer walk takes a neuron, or another group of nodes,
            as one step.

    Raises:
        TypeError: root is no `Value`, or model no `Module`.
        ValueError: another argument is none of those that are accepted; the message lists them. Or
            a wrong sweep was asked for on a graph beyond the limit.
        RuntimeError: root needs no gradient, or a leaf was changed since root was computed.

    >>> w, x = Value(2.0, name="w"), Value(-3.0, name="x")
    >>> stepper = draw_backward(w * x)
    >>> print(stepper.steps[-1]["products"][0]["text"])
    dL/dw += dL/dw * dL/dL = (-3.0) * 1.0 = -3.0 (0 -> -3.0)
    """
    check_root(root)
    if not root.requires_grad:
        raise RuntimeError(
            "this root needs no gradient, so there is no backward pass: it was made from plain "
            "numbers, from leaves with requires_grad=False, or under no_grad()"
        )
    if wrong is not None:
        checks.one_of("wrong", wrong, WRONG)
    checks.whole_number("limit", limit)
    names = {} if model is None else names_of(model)
    graph = indexed(root)
    labels = labels_of(graph, names)
    count = _count_steps(graph)
    if count <= limit:
        view = view_of(root, model=model, partials=True, limit=len(graph.values))
    elif wrong is not None:
        raise ValueError(
            f"wrong={wrong!r} goes node by node, and this graph has {counted(count, 'step')}, more "
            f"than limit={limit}; take a smaller part of it, or give a larger limit"
        )
    else:
        boxes = _boxes_for(len(set(modules_of(graph, names).values())))
        view = view_of(root, model=model, partials=True, limit=min(boxes, limit))
    if wrong is not None:
        steps = steps_beside(graph, labels, wrong)
    elif any(box.kind == "group" for box in view.boxes):
        steps = steps_by_box(graph, view, labels)
    else:
        shown = frozenset(position for box in view.boxes for position in box.members)
        steps = steps_by_value(graph, labels, shown)
    return Stepper(_for_stepping(view, labels), steps, wrong, rankdir)


def _count_steps(graph: IndexedGraph) -> int:
    backward = sum(value.requires_grad and bool(value.operands) for value in graph.values)
    return len(graph.values) + backward


def _boxes_for(neurons: int) -> int:
    """Returns how many boxes a picture in groups has: the neurons, and room for what is around.

    Wide layers are drawn as one box each, as all the arrows between their neurons would be a
    thicket, and would take Graphviz half a minute.
    """
    return min(neurons + _AROUND_NEURONS, _MOST_WITH_NEURONS) if neurons else _MOST_BOXES


def _for_stepping(view: View, labels: Sequence[str]) -> View:
    """Returns the view with every value named as the captions name it, and without a grad."""
    boxes = tuple(
        replace(box, name=labels[box.members[0]] if len(box.members) == 1 else box.name, grad=None)
        for box in view.boxes
    )
    notes = tuple(note for note in view.notes if note not in (ABOUT_PARTIALS, NO_GRADIENTS_YET))
    title = f"Computation graph of {labels[-1]}"
    return replace(view, title=title, boxes=boxes, notes=notes)


class Stepper(Page):
    """The steps of both passes, and everything that shows them.

    >>> x = Value(3.0, name="x")
    >>> stepper = draw_backward(x * x)
    >>> [step["phase"] for step in stepper.steps]
    ['forward', 'forward', 'seed', 'backward']
    >>> stepper.save("steps.gif")
    Traceback (most recent call last):
    ValueError: path must end in .html, got 'steps.gif'
    """

    def __init__(
        self, view: View, steps: list[Step], wrong: str | None = None, rankdir: str = "LR"
    ) -> None:
        self.view = view
        self.steps = steps
        """The steps as plain data: forward steps, then backward steps, one node a step."""
        self.wrong = wrong
        self.rankdir = rankdir
        how = "step by step" if wrong is None else f"and what goes wrong {TITLES[wrong]}"
        self.title = f"Backpropagation through {self._root}, {how}"
        digraph(view, rankdir)  # an unknown rankdir is an error here, not in a notebook's display

    @property
    def _root(self) -> str:
        return next(step["name"] for step in self.steps if step["phase"] == "seed")

    def __repr__(self) -> str:
        return f"<{self.title}: {counted(len(self.steps), 'step')}>"

    # ---- the pieces of the page ------------------------------------------------------------------

    @cached_property
    def _fragment(self) -> str:
        return _FRAGMENT.format(
            picture=self._picture(),
            table=_table(self.steps),
            data=as_json_in_html(self._data()),
            script=text_of("stepper/stepper.js"),
        )

    def _data(self) -> dict[str, Any]:
        """Returns all that the script needs: the steps, and which numbers each changes."""
        return {
            "title": self.title,
            "root": self._root,
            "steps": self.steps,
            "shows": [[self._show(*change) for change in self._changes(s)] for s in self.steps],
            "panels": ["The right sweep", f"The sweep {TITLES[self.wrong]}"] if self.wrong else [],
            "notes": self.view.notes,
            "by_box": any(box.kind == "group" for box in self.view.boxes),
            "style": text_of("stepper/stepper.css"),
        }

    def _changes(self, step: Step) -> list[_Change]:
        """Returns what the step changes in the picture, in the order of its products."""
        panels = range(2 if self.wrong else 1)
        if step["phase"] == "forward":
            return [(panel, step["node"], "data", self._box[step["node"]].data) for panel in panels]
        if step["phase"] == "seed":
            return [(panel, step["node"], "grad", Span(1.0, 1.0)) for panel in panels]
        changes: list[_Change] = [
            (0, key, "grad", Span(total, total)) for key, total in step.get("before", {}).items()
        ]
        for panel, products in enumerate([step.get("products", []), step.get("wrong", [])]):
            for product in products:
                grads = product.get("grads", [product.get("total", 0.0)] * 2)
                if grads:
                    changes.append((panel, product["operand"], "grad", Span(*grads)))
        return changes

    def _show(self, panel: int, key: str, part: str, span: Span) -> list[Any]:
        """Returns the change as the script takes it: panel, box, part, text and fill."""
        return [panel, key, part, self._text(key, part, span), pale(span)]

    def _text(self, key: str, part: str, span: Span) -> str:
        box = self._box[key]
        return table.data(box) if part == "data" else table.grad(replace(box, grad=span))

    @cached_property
    def _box(self) -> Mapping[str, Box]:
        return {box.key: box for box in self.view.boxes}

    def _picture(self) -> str:
        """Returns the picture after the last step; a table of the values where none is drawn."""
        last: dict[str, Span] = {}
        widest: dict[str, Span] = {}
        for step in self.steps:
            for panel, key, part, span in self._changes(step):
                if part == "grad":
                    last[key] = span if panel == 0 else last.get(key, span)
                    widest[key] = max(
                        widest.get(key, span), span, key=lambda one: len(self._text(key, part, one))
                    )
        try:
            # Laid out with the widest number that each box will show, so that all have room.
            roomy = digraph(_with_grads(self.view, widest), self.rankdir).source
            drawn = render(roomy, "svg")
        except (ImportError, RuntimeError) as error:
            as_table = table.as_html(_with_grads(self.view, last))
            return _NO_PICTURE.format(table=as_table, why=html.escape(str(error)))
        description = (
            f"{counted(len(self.view.boxes), 'box', 'boxes')} with their gradients after the last "
            "step. All steps stand in the table below."
        )
        picture = svg.with_numbers(
            svg.accessible(drawn, self.view.title, description),
            {
                (key, "grad"): (self._text(key, "grad", span), pale(span))
                for key, span in last.items()
            },
        )
        return svg.image(picture, f"{self.view.title}. {description}", ' data-part="picture"')


def _with_grads(view: View, grads: Mapping[str, Span]) -> View:
    return replace(view, boxes=tuple(replace(b, grad=grads.get(b.key)) for b in view.boxes))


def as_json_in_html(data: Any) -> str:
    """Returns the data as JSON that may stand in a script element, whatever is in it.

    JSON has no infinities and no nan; they become strings, which Python's `float` and JavaScript's
    `Number` read alike. Every `<` is escaped, so that no text can end the element.

    >>> as_json_in_html({"name": "</script>", "data": [0.1, -0.0, math.inf]})
    '{"name":"\\\\u003c/script>","data":[0.1,-0.0,"Infinity"]}'
    """
    text = json.dumps(_finite(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _finite(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return "NaN" if data != data else "Infinity" if data > 0 else "-Infinity"
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, list | tuple) else data


def _table(steps: list[Step]) -> str:
    """Returns the steps as the rows of an HTML table."""
    rows = []
    for number, step in enumerate(steps, 1):
        lines = [step["text"], *(product["text"] for product in step.get("products", []))]
        if step.get("wrong"):
            lines += ["wrong:", *(product["text"] for product in step["wrong"])]
        parting = step.get("parting")
        if parting:
            lines.append(parting["text"])
        cells = [step["phase"], step["name"]]
        rows.append(
            f'<tr><th scope="row">{number}</th>'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            + '<td style="text-align: left">'
            + "<br>".join(map(html.escape, lines))
            + "</td></tr>"
        )
    return "\n".join(rows)


_FRAGMENT = """<div data-micrograd-stepper>
<div data-part="stage"></div>
{picture}
<details>
<summary>All steps as a table</summary>
<div style="overflow-x: auto" tabindex="0" role="region" aria-label="All steps as a table">
<table>
<thead><tr><th scope="col">step</th><th scope="col">pass</th><th scope="col">node</th>
<th scope="col">what happens</th></tr></thead>
<tbody>
{table}
</tbody>
</table>
</div>
</details>
<script type="application/json">{data}</script>
<script>
{script}</script>
</div>"""

_NO_PICTURE = """<div data-part="picture">
{table}
<p>{why}</p>
</div>"""
