"""The stepper: a page, or a notebook's output, in which a reader steps through both passes.

Learners call `draw_backward`. It combines the picture of a graph, the steps as data, and a script
that shows them one by one (`stepper.js`). Where scripts do not run, as in a notebook that is not
trusted, readers see the picture and a table of all steps. Read `steps.py` next, which writes the
steps.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

from micrograd_notes.common import checks
from micrograd_notes.draw import svg
from micrograd_notes.draw.graph import table, view as views
from micrograd_notes.draw.graph.dot import digraph, pale
from micrograd_notes.draw.graph.indexed import indexed
from micrograd_notes.draw.graph.names import labels_of, modules_of, names_of
from micrograd_notes.draw.page import Page, as_table, folded, image, in_page, player
from micrograd_notes.draw.rendering import render, still
from micrograd_notes.draw.stepper.box_steps import steps_by_box
from micrograd_notes.draw.stepper.steps import Phase, Step, steps_by_value
from micrograd_notes.draw.stepper.wrong import WRONG
from micrograd_notes.draw.stepper.wrong_steps import TITLES, steps_beside
from micrograd_notes.draw.text import counted, numbers_with
from micrograd_notes.engine import Value
from micrograd_notes.nn import Module

_MOST_BOXES = 150  # of a picture in groups
_MOST_WITH_NEURONS = 60  # of a picture with neurons, which have many arrows
_NAMED = ("group", "constant")  # the boxes whose names do not come from formulas
_RIGHT, _WRONG = "The right backward pass", "The backward pass "
_AROUND_NEURONS = 15  # boxes beside the neurons, for the parts of a loss

_Change = tuple[int, str, str, views.Span]  # panel, box, part ("data" or "grad"), number

Wrong = Literal["recursion", "assign", "forward order"]


def draw_backward(
    root: Value, model: Module | None = None, wrong: Wrong | None = None, *, rankdir: str = "LR",
    limit: int = 300, start: str = "start", digits: int | None = None
) -> "Stepper":
    """Returns both passes through the graph below the root, for the reader to step through.

    In the forward pass each node appears with its data. In the backward pass, in reverse
    topological order, each node adds its gradient times the local slope to the gradient of each
    operand, and the step writes it out: `w1.grad += ∂ * s.grad = 2.0 * 0.5 = 1.0 (0 → 1.0)`.
    No `grad` of the learner's values is read or changed.

    Args:
        root: the value whose gradients are computed. Without a name it is called L.
        model: a `Module`, whose names label its parameters and neurons.
        wrong: a wrong backward pass that runs beside the right one and stops where they differ:
            "recursion" (no topological order), "assign" (`=` instead of `+=`), "forward order".
        rankdir: where results are: right of their operands (LR), below (TB), left (RL), above (BT).
        limit: the most steps, one per node. In a larger graph a neuron, or another group of nodes,
            is one step.
        start: the step at which the page opens: "start", or "turn", where the backward pass begins.
            With a wrong pass it always opens at the turn.
        digits: how many digits a number has after the point, as in `f"{x:.4f}"`; by default about
            four digits in all.

    Raises:
        TypeError: root is not a `Value`, or model is not a `Module`.
        ValueError: another argument is not accepted; the message lists what is. Or the graph is too
            large for a wrong pass.
        RuntimeError: root needs no gradient, or a leaf was changed after root was computed.

    >>> w, x = Value(2.0, name="w"), Value(-3.0, name="x")
    >>> stepper = draw_backward(w * x)
    >>> print(stepper.steps[-1]["products"][0]["text"])
    w.grad += ∂ * L.grad = (-3.0) * 1.0 = -3.0 (0 → -3.0)
    """
    views.check_root(root)
    if not root.requires_grad:
        raise RuntimeError(
            "root does not need a gradient, so there is no backward pass. It was made from plain "
            "numbers, from leaves with requires_grad=False, or under no_grad(). Pass a result of "
            "trainable Values"
        )
    if wrong is not None:
        checks.one_of("wrong", wrong, WRONG)
    checks.whole_number("limit", limit)
    checks.one_of("start", start, ("start", "turn"))
    checks.whole_number("digits", 4 if digits is None else digits, high=17)  # all that a float has
    names = {} if model is None else names_of(model)
    graph = indexed(root)
    results = sum(value.requires_grad and bool(value.operands) for value in graph.values)
    count = len(graph.values) + results
    if count <= limit:
        view = views.view_of(root, model=model, partials=True, limit=len(graph.values))
    elif wrong is not None:
        raise ValueError(
            f"wrong={wrong!r} goes node by node, and this graph has {counted(count, 'step')}, more "
            f"than limit={limit}. Pass a smaller part of the graph, or a larger limit"
        )
    else:
        # A wide layer is one box: with all arrows between neurons, Graphviz takes half a minute.
        neurons = len(set(modules_of(graph, names).values()))
        boxes = min(neurons + _AROUND_NEURONS, _MOST_WITH_NEURONS) if neurons else _MOST_BOXES
        view = views.view_of(root, model=model, partials=True, limit=min(boxes, limit))
    with numbers_with(digits):
        labels = labels_of(graph, names)
        if wrong is not None:
            steps = steps_beside(graph, labels, wrong)
        elif view.grouped:
            steps = steps_by_box(graph, view, labels)
        else:
            shown = frozenset(position for box in view.boxes for position in box.members)
            steps = steps_by_value(graph, labels, shown)
    opening: Phase = "turn" if start == "turn" or wrong else "forward"
    return Stepper(_for_stepping(view, labels), steps, wrong, rankdir, opening, digits)


def _for_stepping(view: views.View, labels: Sequence[str]) -> views.View:
    """Returns the view with the names that the captions use, and without gradients."""
    boxes = tuple(  # a constant shows its number as data
        replace(box, grad=None, name=box.name if box.kind in _NAMED else labels[box.members[0]])
        for box in view.boxes
    )
    others = (views.ABOUT_PARTIALS, views.NO_GRADIENTS_YET)
    notes = tuple(note for note in view.notes if note not in others)
    title = f"Computation graph of {labels[-1]}"
    return replace(view, title=title, boxes=boxes, notes=notes)


class Stepper(Page):
    """The steps of both passes, and the page that shows them.

    >>> x = Value(3.0, name="x")
    >>> stepper = draw_backward(x * x)
    >>> [step["phase"] for step in stepper.steps]
    ['forward', 'forward', 'turn', 'backward']
    >>> stepper.save("steps.gif")
    Traceback (most recent call last):
    ValueError: path must end in .html, got 'steps.gif'
    """

    def __init__(
        self, view: views.View, steps: list[Step], wrong: str | None = None, rankdir: str = "LR",
        opening: Phase = "forward", digits: int | None = None
    ) -> None:
        self.view = view
        self.steps = steps
        """The steps as plain data: forward steps, then backward steps, one step per node."""
        self.wrong = wrong
        self.rankdir = rankdir
        self.opening = opening  # the phase whose first step the page shows when it opens
        self.digits = digits
        self._root = next(step["name"] for step in steps if step["phase"] == "turn")
        self._box = {box.key: box for box in view.boxes}
        how = "step by step" if wrong is None else f"and what goes wrong {TITLES[wrong]}"
        self.title = f"Backpropagation through {self._root}, {how}"
        digraph(view, rankdir)  # refuses an unknown rankdir now, not when a notebook displays it

    def __repr__(self) -> str:
        return f"<{self.title}: {counted(len(self.steps), 'step')}>"

    @cached_property
    def _fragment(self) -> str:
        table = folded("All steps as a table", _table(self.steps), more='style="overflow-x: auto"')
        with numbers_with(self.digits):
            return player("stepper", self._picture(), table, self._data(), "stepper/stepper")

    def _static_png(self) -> bytes | None:
        return still(digraph(_with_grads(self.view, {}), self.rankdir).source)

    def _data(self) -> dict[str, Any]:
        """Returns all that the script needs: the steps, and the numbers that each one changes."""
        return {
            "title": self.title,
            "root": self._root,
            "opening": self.opening,
            "steps": self.steps,
            "shows": [
                [[at, key, part, self._text(key, part, n), pale(n)] for at, key, part, n in changes]
                for changes in map(self._changes, self.steps)
            ],
            "panels": [_RIGHT, _WRONG + TITLES[self.wrong]] if self.wrong else [],
            "notes": self.view.notes,
            "by_box": self.view.grouped > 0,
        }

    def _changes(self, step: Step) -> list[_Change]:
        """Returns the changes that the step makes in the picture, in the order of its products."""
        panels = range(2 if self.wrong else 1)
        if step["phase"] == "forward":
            return [(panel, step["node"], "data", self._box[step["node"]].data) for panel in panels]
        if step["phase"] == "turn":
            return [(panel, step["node"], "grad", views.Span(1.0, 1.0)) for panel in panels]
        sums = step.get("before", {}).items()
        changes: list[_Change] = [(0, key, "grad", views.Span(x, x)) for key, x in sums]
        for panel, products in enumerate([step.get("products", []), step.get("wrong", [])]):
            for product in products:
                grads = product.get("grads", [product.get("total", 0.0)] * 2)
                if grads:
                    changes.append((panel, product["operand"], "grad", views.Span(*grads)))
        return changes

    def _text(self, key: str, part: str, span: views.Span) -> str:
        box = self._box[key]
        return table.data(box) if part == "data" else table.grad(replace(box, grad=span))

    def _picture(self) -> str:
        """Returns the picture after the last step; without Graphviz, a table of the values."""
        last: dict[str, views.Span] = {}
        widest: dict[str, views.Span] = {}
        for step in self.steps:
            for panel, key, part, span in self._changes(step):
                if part == "grad":
                    last[key] = span if panel == 0 else last.get(key, span)
                    both = widest.get(key, span), span
                    widest[key] = max(both, key=lambda one: len(self._text(key, "grad", one)))
        try:
            # The layout has room for the widest number that each box will show.
            roomy = digraph(_with_grads(self.view, widest), self.rankdir).source
            drawn = render(roomy, "svg")
        except (ImportError, RuntimeError) as error:
            values = table.as_html(_with_grads(self.view, last))
            return f'<div data-part="picture">\n{values}\n<p>{html.escape(str(error))}</p>\n</div>'
        boxes = counted(len(self.view.boxes), "box", "boxes")
        description = f"{boxes} with their gradients after the last step. A table follows."
        grads = {(k, "grad"): (self._text(k, "grad", span), pale(span)) for k, span in last.items()}
        picture = svg.with_numbers(svg.accessible(drawn, self.view.title, description), grads)
        source = in_page(picture.encode(), "svg+xml")
        return image(source, f"{self.view.title}. {description}", ' data-part="picture"')


def _with_grads(view: views.View, grads: Mapping[str, views.Span]) -> views.View:
    return replace(view, boxes=tuple(replace(b, grad=grads.get(b.key)) for b in view.boxes))


def _table(steps: list[Step]) -> str:
    """Returns the steps as the rows of an HTML table."""
    rows = [["step", "pass", "node", "what happens"]]
    for number, step in enumerate(steps, 1):
        lines = [step["text"], *(product["text"] for product in step.get("products", []))]
        if step.get("wrong"):
            lines += ["wrong:", *(product["text"] for product in step["wrong"])]
        if "parting" in step:
            lines.append(step["parting"]["text"])
        happens = "<br>".join(map(html.escape, lines))
        rows.append([str(number), step["phase"], html.escape(step["name"]), happens])
    plain = '<div style="text-align: left; font-weight: normal">{}</div>'  # as the text around it
    heads, *cells = [list(map(plain.format, row)) for row in rows]
    return as_table(heads, cells)
