"""Faults made by a machine: rows with a wrong rule or value, and engines with a wrong sweep.

Each fault is planted on purpose, with the verdicts that name it rightly.
"""

import dataclasses
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from micrograd_notes.engine import Value, backward as engine, helper_ops
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.diagnosis.verdicts import Verdict

RULE = {Verdict.WRONG_RULE}
DIGITS = {Verdict.INACCURATE, Verdict.NONDETERMINISTIC}


@dataclass(frozen=True)
class Planted:
    """A row with a fault in it, and the verdicts that would be right."""

    kind: str
    op: Op
    index: int | None  # which partial
    expected: frozenset[Verdict]


def with_rule(op: Op, index: int, changed: Callable[[Any, Any, tuple[Any, ...]], Any]) -> Op:
    """Returns the row with one partial changed: changed(partial, result, operands)."""

    def partial_of(position: int) -> Callable[..., Any]:
        def rule(y: Any, *xs: Any) -> Any:
            (partial,) = op.local_partials([position], y, xs)
            return changed(partial, y, xs) if position == index else partial

        return rule

    if not isinstance(op.partials, tuple):

        def all_of_them(y: Any, *xs: Any) -> list[Any]:
            return [partial_of(i)(y, *xs) for i in range(len(xs))]

        return dataclasses.replace(op, partials=all_of_them)
    rules = list(op.partials)
    arity = len(rules)
    rules[index] = _of_arity(arity, partial_of(index))
    return dataclasses.replace(op, partials=tuple(rules))


def _of_arity(arity: int, rule: Callable[..., Any]) -> Callable[..., Any]:
    of_arity: dict[int, Callable[..., Any]] = {
        1: lambda y, a: rule(y, a),
        2: lambda y, a, b: rule(y, a, b),
        3: lambda y, a, b, c: rule(y, a, b, c),
    }
    return of_arity[arity]


def _zero(op: Op, index: int) -> bool:
    """Returns whether the partial is 0 everywhere, so that a factor or a sign changes nothing."""
    if isinstance(op.partials, tuple):
        return op.partials[index] == 0.0
    points = list(_points(op))
    return all(op.local_partials([index], op.forward(*xs), xs) == [0.0] for xs in points)


def faults_of_rules(op: Op) -> Iterator[Planted]:
    """Yields the row with each partial wrong in each way."""
    arity = op.arity or 3
    for index in filter(op.is_differentiated, range(arity)):

        def planted(
            kind: str, changed: Any, right: set[Verdict], index: int = index
        ) -> Planted:
            return Planted(kind, with_rule(op, index, changed), index, frozenset(right))

        if _zero(op, index):  # flat rows: their derivative is 0, and anything else is wrong
            yield planted("1 in place of 0", lambda p, y, xs: 1.0, RULE)
            continue
        yield planted("times 1 + 1e-6", lambda p, y, xs: p * (1 + 1e-6), RULE)
        yield planted("sign flipped", lambda p, y, xs: -p, RULE)
        yield planted(
            "0 on half the domain",
            lambda p, y, xs, i=index: helper_ops.where(
                helper_ops.greater(xs[i], _middle(op, i)), 0.0, p
            ),
            RULE,
        )
        yield planted("random last digits", _noisy, DIGITS)
        if arity > 1 and isinstance(op.partials, tuple) and not _is_symmetric(op, index):

            def swapped(p: Any, y: Any, xs: tuple[Any, ...], index: int = index) -> Any:
                return op.local_partials([index], y, xs[1::-1] + xs[2:])[0]

            yield planted("operands swapped", swapped, RULE)


def _middle(op: Op, index: int) -> float:
    """Returns a point that has some of the domain on both sides, away from 0."""
    low, high = op.domain[index] if index < len(op.domain) else (-math.inf, math.inf)
    if math.isfinite(low) and math.isfinite(high):
        return 0.5 * (low + high) + 0.1 * (high - low)
    return low + 0.6 if math.isfinite(low) else 0.6


def _noisy(partial: Any, y: Any, xs: tuple[Any, ...]) -> Any:
    """Returns the partial off by some hundred ulp, other ones at each point."""
    digits = random.Random(repr(xs)).uniform(100, 1000)
    return partial * (1 + digits * 2.0**-52)


def _is_symmetric(op: Op, index: int) -> bool:
    """Returns whether swapping the first two operands leaves the partial what it is."""
    for xs in _points(op):
        y = op.forward(*xs)
        one = op.local_partials([index], y, xs)
        if one != op.local_partials([index], y, [xs[1], xs[0], *xs[2:]]):
            return False
    return True


def _points(op: Op) -> Iterator[list[float]]:
    """Yields some points at which the operation is defined."""
    generator = random.Random(op.name)
    for _ in range(50):
        xs = [abs(generator.gauss(0, 2)) + 0.1 for _ in range(op.arity or 3)]
        try:
            op.forward(*xs)
        except (ArithmeticError, ValueError, LookupError):
            continue
        yield xs


def fault_of_value(op: Op) -> Planted | None:
    """Returns the row with a value that is off by 1e-9, and a rule that agrees with it."""
    if op.mpmath is None:
        return None
    forward = op.forward
    return Planted(
        "value off by 1e-9",
        dataclasses.replace(
            _scaled(op), forward=lambda *xs: forward(*xs) * (1 + 1e-9)
        ),
        None,
        frozenset({Verdict.WRONG_VALUE}),
    )


def _scaled(op: Op) -> Op:
    """Returns the row with all partials off by 1e-9, as those of a value that is."""
    for index in filter(op.is_differentiated, range(op.arity or 3)):
        op = with_rule(op, index, lambda p, y, xs: p * (1 + 1e-9))
    return op


# ---- the engine ----------------------------------------------------------------------------------


def _assigning(order: list[Any], adjoint: float) -> None:
    """A sweep with `=` where `+=` belongs."""
    for node in order:
        if node.operands:
            node._grad = 0.0
    order[-1]._grad = adjoint
    for node in reversed(order):
        for operand, partial in _edges(node):
            operand._grad = (node._grad or 0.0) * partial


def _keeping(order: list[Any], adjoint: float) -> None:
    """A sweep that leaves in inner nodes what the sweep before wrote there."""
    for node in order:
        node._grad = node._grad or 0.0
    order[-1]._grad += adjoint
    for node in reversed(order):
        for operand, partial in _edges(node):
            operand._grad += node._grad * partial


def _edges(node: Any) -> Iterator[tuple[Any, float]]:
    if node.op is None:
        return
    operands = node.operands
    wanted = [
        i for i, x in enumerate(operands) if x._requires_grad and node.op.is_differentiated(i)
    ]
    partials = node.op.local_partials(wanted, node._data, [x._data for x in operands])
    for i, partial in zip(wanted, partials, strict=True):
        yield operands[i], float(partial)


def _unordered(root: Any) -> list[Any]:
    """The nodes as a search in breadth finds them: a node may come before one that uses it."""
    order, seen = [root], {root}
    for node in order:
        for operand in node.operands:
            if operand not in seen:
                seen.add(operand)
                order.append(operand)
    return order[::-1]


def _plain(self: Any, adjoint: float, order: Callable[[Any], list[Any]], sweep: Any) -> None:
    """`backward` as micrograd has it: no leaf keeps what it held."""
    nodes = order(self)
    held = {node: node._grad for node in nodes if not node.operands}
    if sweep is not _keeping and sweep is not _assigning:
        for node in nodes:
            node._grad = 0.0
    sweep(nodes, adjoint)
    if sweep is not _keeping and sweep is not _assigning:
        for leaf, before in held.items():
            leaf._grad += before or 0.0


def _adding(order: list[Any], adjoint: float) -> None:
    order[-1]._grad = adjoint
    for node in reversed(order):
        for operand, partial in _edges(node):
            operand._grad += node._grad * partial


def _in_a_set(self: Any) -> tuple[Any, ...]:
    """The operands without repetition, in an order of the machine's choosing."""
    both = [x for x in (self._left, self._right) if x is not None]
    if both and both[0].__class__ is tuple:
        both = list(both[0])
    return tuple(sorted(set(both), key=id))


SWEEPS: dict[str, tuple[Any, frozenset[Verdict]]] = {
    "= for +=": (
        lambda self, adjoint=1.0: _plain(self, adjoint, engine.topological_order, _assigning),
        frozenset({Verdict.NOT_ACCUMULATED}),
    ),
    "no topological order": (
        lambda self, adjoint=1.0: _plain(self, adjoint, _unordered, _adding),
        frozenset({Verdict.TRAVERSAL, Verdict.NOT_ACCUMULATED}),
    ),
    "interior adjoints kept": (
        lambda self, adjoint=1.0: _plain(self, adjoint, engine.topological_order, _keeping),
        frozenset({Verdict.TRAVERSAL}),
    ),
}
ENGINE_FAULTS = [*SWEEPS, "operands in a set"]


@contextmanager
def broken_engine(kind: str) -> Iterator[frozenset[Verdict]]:
    """Plants a fault in the engine; yields the verdicts that name it rightly."""
    if kind == "operands in a set":
        with patch.object(Value, "operands", property(_in_a_set, vars(Value)["operands"].fset)):
            # the order in a set is another one each time
            yield frozenset({Verdict.TRAVERSAL, Verdict.NONDETERMINISTIC})
        return
    backward, right = SWEEPS[kind]
    with patch.object(Value, "backward", backward), patch.object(engine, "backward", backward):
        yield right
