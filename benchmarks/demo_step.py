"""The work that the benchmarks time and weigh: one step of micrograd's own demo.

A hundred points on two moons, a network of 2-16-16-1, the hinge loss with an L2 penalty. The step
is written once; a `Peer` says whose `Value` and `MLP` it runs on. Nothing here measures anything.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

# Peers share no base class and micrograd has no type hints, so their nodes are `Any` here.
Node = Any

INSTALL_MICROGRAD = """\
The benchmarks compare with micrograd 0.1.0, which is not installed here. Install it with

    python -m pip install micrograd==0.1.0
"""


class Peer(NamedTuple):
    """A library that the demo's step runs on: where its parts are, and how to see a graph."""

    name: str
    engine: str
    network: str
    operands: Callable[[Node], Iterable[Node]]

    def value(self) -> Callable[[float], Node]:
        """Returns the peer's `Value` class."""
        made: Callable[[float], Node] = importlib.import_module(self.engine).Value
        return made

    def model(self, seed: int = 1337) -> Any:
        """Returns the demo's network. Equal seeds give every peer equal weights."""
        random.seed(seed)
        return importlib.import_module(self.network).MLP(2, [16, 16, 1])


def peers() -> list[Peer]:
    """Returns the libraries to compare, ours first; says how to install micrograd if need be."""
    if importlib.util.find_spec("micrograd") is None:
        raise SystemExit(INSTALL_MICROGRAD)
    return [
        Peer("micrograd_notes", "micrograd_notes.engine", "micrograd_notes.nn", ours),
        Peer("micrograd", "micrograd.engine", "micrograd.nn", micrograds),
        Peer("stored partials", "stored_partials", "stored_partials", stored),
    ]


# Named functions and not lambdas, so that a peer can be sent to another process.
def ours(node: Node) -> Iterable[Node]:
    operands: tuple[Node, ...] = node.operands
    return operands


def micrograds(node: Node) -> Iterable[Node]:
    operands: set[Node] = node._prev
    return operands


def stored(node: Node) -> Iterable[Node]:
    operands: tuple[Node, ...] = node.children
    return operands


def demo_loss(
    value: Callable[[float], Node],
    model: Any,
    points: Sequence[Sequence[float]],
    targets: Sequence[float],
) -> Node:
    """Returns the loss of the model over all points, in the words of micrograd's demo."""
    inputs = [list(map(value, row)) for row in points]
    scores = list(map(model, inputs))
    losses = [(1 + -target * score).relu() for target, score in zip(targets, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    reg_loss = 1e-4 * sum(p * p for p in model.parameters())
    return data_loss + reg_loss


def count_nodes(root: Node, operands: Callable[[Node], Iterable[Node]]) -> int:
    """Returns how many different nodes the graph of `root` has."""
    found = [root]
    seen = {id(root)}
    for node in found:
        for operand in operands(node):
            if id(operand) not in seen:
                seen.add(id(operand))
                found.append(operand)
    return len(found)
