"""A forward and a backward pass as plain data: one node a step, everything written out.

This file reads the engine's `sweep` and puts words to it. It changes no value, and it knows no
picture: a step says which node it is about, and with what numbers. A stepper shows them one by one.
"""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Literal, TypedDict

from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.draw.graph.wording import (
    chain_rule,
    derivative,
    figures,
    formula,
    listed,
    product_in_figures,
    written,
)
from micrograd_notes.engine import Value, sweep
from micrograd_notes.engine.backward import Step as EngineStep

Phase = Literal["forward", "seed", "backward", "end"]


class Product(TypedDict, total=False):
    """What a node hands to one operand: `partial * adjoint = contribution`, added to a sum."""

    operand: str
    """The key of the operand, `v3`, as in the picture."""
    name: str
    position: int
    """Which operand of the node it is; `x*x` has two."""
    partial: float
    contribution: float | None
    """None where many values stand for one box."""
    before: float
    total: float
    count: int
    """How many products were added up; only in steps that stand for many."""
    grads: list[float]
    """The least and the greatest gradient of the operand's box afterwards; only there."""
    gradient: str
    """What is added to, in symbols: `dL/dw1`."""
    asks: str
    """What happens, in symbols: a reader may predict the number."""
    text: str
    """The same with the numbers: `dL/dw1 += ds/dw1 * dL/ds = 2.0 * 0.5 = 1.0 (0 -> 1.0)`."""


class Parting(TypedDict):
    """Where a wrong sweep leaves the right one, and with which numbers."""

    at: str
    name: str
    right: float
    wrong: float
    text: str


class Step(TypedDict, total=False):
    """One step. Forward: a node appears with its data. Backward: it hands its gradient on."""

    phase: Phase
    node: str
    """The key of the node, `v3`, as in the picture."""
    name: str
    text: str
    data: float
    """What the node computes; in the forward pass."""
    asks: str
    """How it computes it, in symbols: a reader may predict the number."""
    adjoint: float
    """d root / d node, complete; in the backward pass."""
    products: list[Product]
    wrong: list[Product]
    """What the wrong sweep hands on instead, if one runs beside."""
    first: list[str]
    """Where they part: the keys of the nodes that the right sweep takes before this one."""
    before: dict[str, float]
    """Where they part: the gradients that the right sweep has by then."""
    parting: Parting


def steps_by_value(
    graph: IndexedGraph, labels: list[str], shown: frozenset[int] | None = None
) -> list[Step]:
    """Returns the steps of both passes, of all values or of those at the places that are shown.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> from micrograd_notes.draw.graph.wording import labels_of
    >>> graph = indexed(Value(3.0, name="x") * 2.0)
    >>> for step in steps_by_value(graph, labels_of(graph, {})):
    ...     print(step["phase"], step["text"])
    forward x = 3.0 is given.
    forward v1 = 2.0 is given: a constant, which gets no gradient.
    forward L = x * v1 = 3.0 * 2.0 = 6.0
    seed The backward pass starts at the end: dL/dL = 1.0.
    backward L hands its gradient, dL/dL = 1.0, on to what it was made from.
    """
    wanted = range(len(graph.values)) if shown is None else sorted(shown)
    root = graph.values[-1]
    steps = [forward_step(graph, labels, position) for position in wanted]
    if root.requires_grad:
        steps.append(seed_step(graph, labels))
    describe = described_products(graph, labels)
    for node, sent in groupby(sweep(root), key=lambda step: step.node):
        adjoint, products = describe(list(sent))
        position = graph.place[node]
        if shown is None or position in shown:
            steps.append(backward_step(labels, position, adjoint, products))
    return steps


def forward_step(graph: IndexedGraph, labels: list[str], position: int) -> Step:
    """Returns the step in which a value appears."""
    value = graph.values[position]
    name = labels[position]
    step: Step = {
        "phase": "forward",
        "node": f"v{position}",
        "name": name,
        "data": value.data,
    }
    if value.op is None or not value.operands:
        kind = "" if value.requires_grad else ": a constant, which gets no gradient"
        step["text"] = f"{name} = {written(value.data)} is given{kind}."
    else:
        numbers = [operand.data for operand in value.operands]
        step["asks"] = f"{name} = " + formula(
            value.op, [labels[operand] for operand in graph.operands[position]]
        )
        step["text"] = f"{step['asks']} = {figures(value.op, numbers, value.data)}"
    return step


def seed_step(graph: IndexedGraph, labels: list[str]) -> Step:
    """Returns the step with which the backward pass begins."""
    name = labels[-1]
    text = f"The backward pass starts at the end: {derivative(name, name)} = 1.0."
    return {
        "phase": "seed",
        "node": f"v{len(graph.values) - 1}",
        "name": name,
        "text": text,
        "adjoint": 1.0,
        "products": [],
    }


def backward_step(
    labels: list[str], position: int, adjoint: float, products: list[Product]
) -> Step:
    """Returns the step in which a value hands its gradient on."""
    name = labels[position]
    gradient = f"{derivative(labels[-1], name)} = {written(adjoint)}"
    text = f"{name} hands its gradient, {gradient}, on to what it was made from."
    again = [entry["name"] for entry in products if entry["before"] != 0]
    if again:
        text += f" {listed(list(dict.fromkeys(again)))} gets more than one product: they add up."
    return {
        "phase": "backward",
        "node": f"v{position}",
        "name": name,
        "text": text,
        "adjoint": adjoint,
        "products": products,
    }


def described_products(
    graph: IndexedGraph,
    labels: list[str],
    sign: str = "+=",
    sums: Mapping[Value, float] | None = None,
) -> Callable[[list[EngineStep]], tuple[float, list[Product]]]:
    """Returns a function from a node's steps in a sweep to its adjoint and its products.

    It remembers the sums so far, and so takes the nodes in the order of the sweep.
    """
    totals = dict(sums or {})

    def describe(sent: list[EngineStep]) -> tuple[float, list[Product]]:
        products: list[Product] = []
        for step in sent:
            before = totals.get(step.operand, 0.0)
            totals[step.operand] = step.total
            products.append(_product(graph, labels, step, before, sign))
        return sent[0].adjoint, products

    return describe


def _product(
    graph: IndexedGraph, labels: list[str], step: EngineStep, before: float, sign: str
) -> Product:
    node, operand = labels[graph.place[step.node]], graph.place[step.operand]
    asks = chain_rule(labels[-1], node, labels[operand], sign)
    numbers = product_in_figures(step.partial, step.adjoint, step.contribution, before, step.total)
    return {
        "operand": f"v{operand}",
        "name": labels[operand],
        "position": step.position,
        "partial": step.partial,
        "contribution": step.contribution,
        "before": before,
        "total": step.total,
        "gradient": derivative(labels[-1], labels[operand]),
        "asks": asks,
        "text": f"{asks} = {numbers}",
    }
