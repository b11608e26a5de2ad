"""Engines that are broken in ways in which engines do break, to see that tests find them.

Each is our own engine with one function replaced: a module, the name of the function, and what
stands in its place.
"""

import operator
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from micrograd_notes.engine import Value, backward, copying, fast, messages, modes

Patch = tuple[ModuleType, str, Any]
Edge = tuple[Any, float]

# ---- a plain sweep, each part of which can be another --------------------------------------------


def edges_of(node: Any) -> Iterator[Edge]:
    """Yields each operand that needs a gradient, and the local slope."""
    for index, partial in backward._local_slopes(node, recorded=False):
        yield node.operands[index], partial


def each_operand_once(node: Any) -> Iterator[Edge]:
    yield from dict(edges_of(node)).items()


def in_reverse(node: Any) -> Iterator[Edge]:
    slopes = list(edges_of(node))
    for (operand, _), (_, partial) in zip(slopes, reversed(slopes), strict=True):
        yield operand, partial


def sweep(
    edges: Callable[[Any], Iterator[Edge]] = edges_of,
    added: Callable[[float, float], float] = operator.add,
    start: Callable[[Any], float] = lambda node: 0.0,
) -> Callable[[list[Any], float], None]:
    """Returns what can stand in the place of `fast.sweep_numbers`."""

    def sweep_numbers(order: list[Any], adjoint: float) -> None:
        for node in order:
            if node._requires_grad:
                node._grad = start(node)
        order[-1]._grad = adjoint
        for node in reversed(order):
            if node.op is not None and node._requires_grad:
                messages.check_unchanged(node)
                for operand, partial in edges(node):
                    operand._grad = added(operand._grad, node._grad * partial)

    return sweep_numbers


def sweep_of_frozen_leaves(order: list[Any], adjoint: float) -> None:
    for node in order:
        node._grad = 0.0
    order[-1]._grad = adjoint
    for node in reversed(order):
        if node.op is not None:
            numbers = [x._data for x in node.operands]
            wanted = [i for i in range(len(numbers)) if node.op.is_differentiated(i)]
            partials = node.op.local_partials(wanted, node._data, numbers)
            for i, partial in zip(wanted, partials, strict=True):
                node.operands[i]._grad += node._grad * float(partial)


# ---- other parts of the engine -------------------------------------------------------------------

engine_backward, engine_restored = backward.backward, copying._restored


def as_they_are_met(root: Value) -> list[Value]:
    """Returns every value below the root, the nearest last: no topological order."""
    met = {root: None}
    waiting = [root]
    for value in waiting:
        for operand in value.operands:
            if operand not in met:
                met[operand] = None
                waiting.append(operand)
    return list(reversed(met))


def backward_that_overwrites(root: Value, adjoint: float = 1.0) -> None:
    """Sweeps as if no leaf had a gradient yet."""
    for node in backward.topological_order(root):
        node._grad = None
    engine_backward(root, adjoint)


def backward_that_leaves_half(root: Value, adjoint: float = 1.0) -> None:
    """Sweeps, and restores no leaf where the sweep is refused."""
    order = backward.topological_order(root)
    leaves = [(x, x._grad) for x in order if x.op is None]
    try:
        backward.adjoints(order, adjoint)
    except BaseException:
        for node in order:
            node._grad = None
        raise
    for leaf, before in leaves:
        if before is not None and leaf._requires_grad:
            leaf._grad = leaf.grad + before


def backward_that_makes_a_cycle(root: Value, adjoint: float = 1.0) -> None:
    """Sweeps, and leaves the root to the garbage collector, as closures do."""
    engine_backward(root, adjoint)
    root.origin = root


def restored_as_current(*own: Any) -> Value:
    """Restores a copy as if no leaf had been changed since."""
    op, data, grad, name, requires_grad, _, *rest = own
    return engine_restored(op, data, grad, name, requires_grad, True, *rest)


class ModeThatEndsAll(modes.Mode):
    """A mode that takes the ones around it along when it is left."""

    def __exit__(self, *error: object) -> None:
        modes._set(())


# One sweep of the right graph shows them.
SWEEPS: dict[str, list[Patch]] = {
    "= for +=": [(fast, "sweep_numbers", sweep(added=lambda before, more: more))],
    "operands in a set": [(fast, "sweep_numbers", sweep(each_operand_once))],
    "no topological order": [(backward, "ordered", as_they_are_met)],
}

# It takes more than one sweep, or more than sweeps, to see them.
HISTORIES: dict[str, list[Patch]] = {
    "inner adjoints kept between sweeps": [(fast, "sweep_numbers", sweep(
        start=lambda node: (node._grad or 0.0) if node.operands else 0.0,
    ))],
    "a changed leaf is not refused": [
        (module, "check_unchanged", lambda node: None) for module in (fast, messages)
    ],
    "a second sweep overwrites the first": [(backward, "backward", backward_that_overwrites)],
    "a refused sweep leaves half of its gradients": [
        (backward, "backward", backward_that_leaves_half),
    ],
    "a frozen leaf is swept": [(fast, "sweep_numbers", sweep_of_frozen_leaves)],
    "an inner no_grad ends the outer one": [
        (modes, "no_grad", lambda: ModeThatEndsAll(lambda: modes.FORGETS)),
    ],
    "a copy forgets that a leaf was changed": [(copying, "_restored", restored_as_current)],
    "a sweep leaves a cycle behind": [(backward, "backward", backward_that_makes_a_cycle)],
}
