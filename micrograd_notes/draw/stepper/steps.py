"""A forward and a backward pass as plain data: one step per node, everything written out.

`draw_backward` calls `steps_by_value`, which reads the engine's `sweep` and adds words. A step says
which node it is about and which numbers it uses. Read `box_steps.py` next, for large graphs, and
`wrong_steps.py`, for wrong passes.
"""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Literal, TypedDict

from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.draw.graph.names import gradient, spelled
from micrograd_notes.draw.graph.wording import figures, listed, product_in_figures, written
from micrograd_notes.draw.text import short
from micrograd_notes.engine import Value, sweep
from micrograd_notes.engine.backward import Step as EngineStep

Phase = Literal["forward", "turn", "backward", "end"]


class Product(TypedDict, total=False):
    """A product for one operand: `partial * adjoint = contribution`, which is added to a sum."""

    operand: str  # the key of the operand, `v3`, as in the picture
    name: str
    position: int  # the place of the operand among the operands of the node; `x*x` has two
    partial: float
    contribution: float | None  # None if the box stands for many values
    before: float
    total: float
    count: int  # the number of products that were added up; only in steps of a box
    grads: list[float]
    """The least and the greatest gradient of the operand's box afterwards; only in such steps."""
    gradient: str  # the gradient that grows, in symbols: `w1.grad`
    asks: str  # the rule in symbols, for a reader who predicts the number
    text: str  # the same with the numbers: `w1.grad += ∂ * s.grad = 2.0 * 0.5 = 1.0 (0 → 1.0)`


class Parting(TypedDict):
    """The place where a wrong pass leaves the right one, and both numbers."""

    at: str
    name: str
    right: float
    wrong: float
    text: str


class Step(TypedDict, total=False):
    """One step. Forward: a node appears with its data. Backward: it passes its gradient on."""

    phase: Phase
    node: str  # the key of the node, `v3`, as in the picture
    name: str
    text: str
    data: float  # the result of the node, in the forward pass
    asks: str  # the formula in symbols, for a reader who predicts the number
    adjoint: float  # d root / d node, complete, in the backward pass
    products: list[Product]
    wrong: list[Product]  # the products of the wrong pass, if there is one
    first: list[str]
    """Where the passes part: the keys of the nodes that the right pass visits before this one."""
    before: dict[str, float]  # where the passes part: the gradients of the right pass at that point
    parting: Parting


def steps_by_value(
    graph: IndexedGraph, labels: list[str], shown: frozenset[int] | None = None
) -> list[Step]:
    """Returns the steps of both passes, for all values or for those at the places shown.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> from micrograd_notes.draw.graph.names import labels_of
    >>> graph = indexed(2.0 * Value(3.0, name="x"))
    >>> for step in steps_by_value(graph, labels_of(graph, {})):
    ...     print(step["phase"], step["text"])
    forward x = 3.0 is given.
    forward 2.0 is given: a constant, which gets no gradient.
    forward L = 2*x = 2.0 * 3.0 = 6.0
    turn The backward pass starts at the end: L.grad = 1.0.
    backward L passes its gradient, L.grad = 1.0, on to its operands.
    """
    steps = forward_pass(graph, labels, shown)
    describe = described_products(graph, labels)
    for node, sent in groupby(sweep(graph.values[-1]), key=lambda step: step.node):
        adjoint, products = describe(list(sent))
        position = graph.place[node]
        if shown is None or position in shown:
            steps.append(backward_step(labels, position, adjoint, products))
    return steps


def reading_order(graph: IndexedGraph) -> list[int]:
    """Returns the places of the values, each leaf just before the operation that needs it first.

    Among the operands of one operation, results come first, and constants without a name last.
    """
    is_last = [not x.requires_grad and bool(x.operands or not x.name) for x in graph.values]
    kinds = [(last, not x.operands) for last, x in zip(is_last, graph.values, strict=True)]
    order: list[int] = []
    seen: set[int] = set()
    stack = [len(graph.values) - 1]
    while stack:
        place = stack.pop()
        if place < 0:  # all operands are in the order now
            order.append(~place)
        elif place not in seen:
            seen.add(place)
            stack += [~place, *sorted(graph.operands[place], key=kinds.__getitem__)[::-1]]
    return order


def forward_pass(
    graph: IndexedGraph, labels: list[str], shown: frozenset[int] | None = None
) -> list[Step]:
    """Returns a step for each value that is shown, and then the turn."""
    order = [place for place in reading_order(graph) if shown is None or place in shown]
    return [*(forward_step(graph, labels, place) for place in order), turn_step(graph, labels)]


def forward_step(graph: IndexedGraph, labels: list[str], position: int) -> Step:
    """Returns the step in which a value appears."""
    value = graph.values[position]
    name = labels[position]
    step: Step = {"phase": "forward", "node": f"v{position}", "name": name, "data": value.data}
    if value.op is None or not value.operands:
        kind = "" if value.requires_grad else ": a constant, which gets no gradient"
        symbols = "" if name == short(value.data) else f"{name} = "
        step["text"] = f"{symbols}{written(value.data)} is given{kind}."
    else:
        numbers = [operand.data for operand in value.operands]
        rule = spelled(value.op, [labels[operand] for operand in graph.operands[position]])
        step["asks"] = name if name == rule else f"{name} = {rule}"
        step["text"] = f"{step['asks']} = {figures(value.op, numbers, value.data)}"
    return step


def turn_step(graph: IndexedGraph, labels: list[str]) -> Step:
    """Returns the step with which the backward pass begins."""
    node, name = f"v{len(graph.values) - 1}", labels[-1]
    text = f"The backward pass starts at the end: {gradient(name)} = 1.0."
    return {"phase": "turn", "node": node, "name": name, "text": text, "adjoint": 1.0}


def backward_step(
    labels: list[str], position: int, adjoint: float, products: list[Product]
) -> Step:
    """Returns the step in which a value passes its gradient on."""
    name = labels[position]
    text = f"{name} passes its gradient, {gradient(name)} = {written(adjoint)}, on to its operands."
    again = [entry["name"] for entry in products if entry["before"] != 0]
    if again:
        text += f" {listed(list(dict.fromkeys(again)))} gets more than one product: they add up."
    step: Step = {"phase": "backward", "node": f"v{position}", "name": name, "text": text}
    return {**step, "adjoint": adjoint, "products": products}


def described_products(
    graph: IndexedGraph, labels: list[str], sign: str = "+=", sums: Mapping[Value, float] = {}
) -> Callable[[list[EngineStep]], tuple[float, list[Product]]]:
    """Returns a function from a node's steps in a sweep to its adjoint and its products.

    The function keeps the sums so far, so call it in the order of the sweep.
    """
    totals = dict(sums)

    def describe(sent: list[EngineStep]) -> tuple[float, list[Product]]:
        products: list[Product] = []
        for _, operand, index, adjoint, partial, contribution, total in sent:
            place, before = graph.place[operand], totals.get(operand, 0.0)
            totals[operand] = total
            name = labels[place]
            asks = f"{gradient(name)} {sign} ∂ * {gradient(labels[graph.place[sent[0].node]])}"
            numbers = product_in_figures(partial, adjoint, contribution, before, total)
            products.append({
                "operand": f"v{place}", "name": name, "position": index, "partial": partial,
                "contribution": contribution, "before": before, "total": total,
                "gradient": gradient(name), "asks": asks, "text": f"{asks} = {numbers}",
            })  # fmt: skip
        return sent[0].adjoint, products

    return describe
