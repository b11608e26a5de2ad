"""Engines that are broken in ways in which engines do break, to see that tests find them.

Each is our own engine with one line of it changed, as a name and what to put in place of what.
"""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from micrograd_notes.engine import Value, copying, modes
from micrograd_notes.engine import backward as graph
from micrograd_notes.engine import value as engine

Patch = tuple[ModuleType, str, Any]


def altered(function: Callable[..., Any], *changes: tuple[str, str]) -> Any:
    """Returns the function as it would be if these pieces of its source were others."""
    source = inspect.getsource(inspect.unwrap(function))
    for old, new in changes:
        assert old in source, f"{function.__name__} has no {old!r} any more"
        source = source.replace(old, new)
    namespace = dict(vars(inspect.getmodule(function)))
    exec(source, namespace)
    return namespace[function.__name__]


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


def backward_that_makes_a_cycle(root: Value, adjoint: float = 1.0) -> None:
    """Sweeps, and leaves the root to the garbage collector, as closures do."""
    engine_backward(root, adjoint)
    root.origin = root


engine_backward = engine.backward


class ModeThatEndsAll(modes.Mode):
    """A mode that takes the ones around it along when it is left."""

    def __exit__(self, *error: object) -> None:
        modes._set(())


# One sweep of the right graph shows them.
SWEEPS: dict[str, list[Patch]] = {
    "= for +=": [
        (engine, "sweep_numbers", altered(graph.sweep_numbers, ("_grad += g", "_grad = g"))),
    ],
    "operands in a set": [
        (engine, "sweep_numbers", altered(
            graph.sweep_numbers,
            ("if right._requires_grad:", "if right._requires_grad and right is not left:"),
            ("in enumerate(left) if", "in enumerate(left) if x not in left[:i] and"),
        )),
    ],
    "no topological order": [(engine, "topological_order", as_they_are_met)],
}

# It takes more than one sweep, or more than sweeps, to see them.
HISTORIES: dict[str, list[Patch]] = {
    "inner adjoints kept between sweeps": [
        (engine, "sweep_numbers", altered(
            graph.sweep_numbers,
            ("node._grad = 0.0", "node._grad = (node._grad or 0.0) if node._left else 0.0"),
        )),
    ],
    "a changed leaf is not refused": [(graph, "check_unchanged", lambda node, operands: None)],
    "a second sweep overwrites the first": [
        (engine, "backward", altered(
            engine.backward, ("leaf._grad += before  # type: ignore[operator]", "pass"),
        )),
    ],
    "a refused sweep leaves half of its gradients": [
        (engine, "backward", altered(engine.backward, ("leaf._grad = before", "pass"))),
    ],
    "a frozen leaf is swept": [
        (engine, "sweep_numbers", altered(
            graph.sweep_numbers,
            ("if node._requires_grad:", "if True:"),
            ("if left._requires_grad:", "if True:"),
            ("if right._requires_grad:", "if True:"),
            ("if g and left._requires_grad:", "if g:"),
        )),
    ],
    "an inner no_grad ends the outer one": [
        (engine, "no_grad", lambda: ModeThatEndsAll(lambda: modes.FORGETS)),
    ],
    "a copy forgets that a leaf was changed": [
        (copying, "_restored", altered(copying._restored, ("if not is_current:", "if False:"))),
    ],
    "a sweep leaves a cycle behind": [(engine, "backward", backward_that_makes_a_cycle)],
}
