"""Three wrong ways to go back through a graph, and where each of them leaves the right one.

Readers of micrograd ask why the backward pass needs a topological order, and why `+=`. This file
answers by doing without. Each wrong sweep takes its local partials from the same rows of the table
as the right one does; what it gets wrong is the order of the visits or the sum:

recursion       Every node adds to the gradients of all its operands and then calls each of them to
                do the same, at once: micrograd's `_backward`, called down the children, one call a
                path. A node with two users is called before the second user has added its part,
                and called again after it, when it hands on once more what it has handed on already.
assign          `=` for `+=`: the last product overwrites those before.
forward order   From the leaves to the root. Nothing has come back yet to the first nodes, so they
                hand on zero.

This file knows graphs and sums. It knows no picture.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.engine import Value, helper_ops, sweep
from micrograd_notes.engine.backward import Step

WRONG = ("recursion", "assign", "forward order")
"""The wrong sweeps that there are."""


@dataclass(frozen=True)
class Visit:
    """A node as the wrong sweep comes to it, beside the same node in the right sweep."""

    node: Value
    right: list[Step]
    wrong: list[Step]
    parting: "Parting | None" = None
    first: list[Value] = field(default_factory=list)
    """If they part early: the nodes that the right sweep takes before this one,"""
    sums: dict[Value, float] = field(default_factory=dict)
    """and what it has added up when it comes to this one."""


@dataclass(frozen=True)
class Parting:
    """Where the sweeps part: the value whose gradient is not the same, and both numbers."""

    at: Value
    right: float
    wrong: float
    why: str
    """`early`, `again` or `overwritten`."""
    missing: tuple[Value, ...] = ()
    """If early: the users of the value that have not added their part."""


def compared(graph: IndexedGraph, how: str) -> list[Visit]:
    """Returns the visits of the wrong sweep, up to the first at which it parts from the right one.

    Up to there both have the same numbers. If no visit has a parting, the wrong sweep gets this
    graph right.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> x = Value(3.0)
    >>> part = compared(indexed(x * x), "assign")[-1].parting
    >>> part.why, part.right, part.wrong
    ('overwritten', 6.0, 3.0)
    """
    right = _RightSweep(graph)
    visits: list[Visit] = []
    for node, wrong in _VISITS[how](graph):
        if node not in right.steps:
            continue  # nothing that is differentiated uses it
        visit = right.beside(node, wrong)
        visits.append(visit)
        if visit.parting:
            break
    return visits


class _RightSweep:
    """The right sweep, and which of its products the wrong one has come to so far."""

    def __init__(self, graph: IndexedGraph) -> None:
        root = graph.values[-1]
        self.steps: dict[Value, list[Step]] = {}
        self.adjoint: dict[Value, float] = {root: 1.0}
        self.users: dict[Value, Counter[Value]] = {}
        for step in sweep(root):
            self.steps.setdefault(step.node, []).append(step)
            self.adjoint[step.operand] = step.total
            self.users.setdefault(step.operand, Counter())[step.node] += 1
        self.graph = graph
        self.seen: set[Value] = set()
        self.sums: dict[Value, float] = {root: 1.0}  # of the products in the visits so far

    def beside(self, node: Value, wrong: list[Step]) -> Visit:
        """Returns the visit with what the right sweep does for the node."""
        parting = self._early(node, wrong)
        if parting is not None:
            first, sums = right_sweep_before(self.graph, node, self.seen)
            right = _folded(self.steps[node], dict(sums))
            return Visit(node, right, wrong, parting, first, sums)
        if node in self.seen:
            return Visit(node, [], wrong, self._again(wrong))
        right = _folded(wrong, self.sums)
        self.seen.add(node)
        return Visit(node, right, wrong, _overwritten(right, wrong))

    def _early(self, node: Value, wrong: list[Step]) -> Parting | None:
        missing = tuple(user for user in self.users.get(node, ()) if user not in self.seen)
        passed_on, complete = wrong[0].adjoint, self.adjoint[node]
        # A sum that is complete is equal to the bit. In a recursion all users are then on the path
        # from the root down to the node, and have added their parts in the order of the path, which
        # is theirs in every topological order.
        if not _differ(passed_on, complete):
            return None
        return Parting(node, complete, passed_on, "early", missing)

    def _again(self, wrong: list[Step]) -> Parting | None:
        for operand, total in _totals(wrong).items():
            if _differ(total, self.sums[operand]):
                return Parting(operand, self.sums[operand], total, "again")
        return None


def _folded(steps: list[Step], sums: dict[Value, float]) -> list[Step]:
    """Returns the steps with their contributions added to the sums, which are changed."""
    folded = []
    for step in steps:
        sums[step.operand] = sums.get(step.operand, 0.0) + step.contribution
        folded.append(step._replace(total=sums[step.operand]))
    return folded


def _overwritten(right: list[Step], wrong: list[Step]) -> Parting | None:
    afterwards = _totals(wrong)
    for operand, total in _totals(right).items():
        if _differ(total, afterwards[operand]):
            return Parting(operand, total, afterwards[operand], "overwritten")
    return None


def _totals(steps: list[Step]) -> dict[Value, float]:
    """Returns the sums after all products of a node: x*x has two for one operand."""
    return {step.operand: step.total for step in steps}


def right_sweep_before(
    graph: IndexedGraph, node: Value, seen: set[Value]
) -> tuple[list[Value], dict[Value, float]]:
    """Returns what the right sweep visits before the node, and the sums it has by then.

    It visits all users of the node, and theirs. Those that were seen are left out of the list, not
    of the sums.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> x = Value(3.0)
    >>> before, sums = right_sweep_before(indexed(x * 2.0 + x * 5.0), x, set())
    >>> len(before), sums[x]
    (3, 7.0)
    """
    needed = set(seen)
    users = [graph.place[node]]
    while users:
        for user in graph.users[users.pop()]:
            if graph.values[user] not in needed:
                needed.add(graph.values[user])
                users.append(user)
    steps = [step for step in sweep(graph.values[-1]) if step.node in needed]
    sums = {graph.values[-1]: 1.0}
    _folded(steps, sums)
    return [value for value in dict.fromkeys(s.node for s in steps) if value not in seen], sums


# ---- the wrong sweeps ----------------------------------------------------------------------------


def _recursion(graph: IndexedGraph) -> Iterator[tuple[Value, list[Step]]]:
    """Yields each node with what it hands on, in the order of the calls, one call a path.

    There may be more paths than anyone can walk. A call that can change nothing is left out: one to
    a node whose last call, with all that came of it and after it, has changed no sum.
    """
    sums = {graph.values[-1]: 1.0}
    changes = 0
    called: dict[Value, int] = {}
    stack = [graph.values[-1]]
    while stack:
        node = stack.pop()
        if called.get(node) == changes:
            continue
        called[node] = changes
        handed_on = list(_handed_on(node, sums))
        if not handed_on:
            continue
        changes += sum(step.contribution != 0 for step in handed_on)
        yield node, handed_on
        # micrograd keeps operands in a set: both sides of x*x are one child.
        children = dict.fromkeys(step.operand for step in handed_on)
        stack.extend(reversed(children))


def _assign(graph: IndexedGraph) -> Iterator[tuple[Value, list[Step]]]:
    sums = {graph.values[-1]: 1.0}
    for node in reversed(graph.values):
        if node in sums:  # else nothing that is differentiated uses it
            handed_on = list(_handed_on(node, sums, overwrite=True))
            if handed_on:
                yield node, handed_on


def _forward_order(graph: IndexedGraph) -> Iterator[tuple[Value, list[Step]]]:
    sums = {graph.values[-1]: 1.0}
    for node in graph.values:
        handed_on = list(_handed_on(node, sums))
        if handed_on:
            yield node, handed_on


_VISITS = {"recursion": _recursion, "assign": _assign, "forward order": _forward_order}


def _handed_on(node: Value, sums: dict[Value, float], overwrite: bool = False) -> Iterator[Step]:
    """Yields what the node hands to its operands now, whether its own sum is complete or not."""
    if node.op is None or not node.requires_grad:
        return
    operands, adjoint = node.operands, sums.get(node, 0.0)
    wanted = [
        index
        for index, operand in enumerate(operands)
        if operand.requires_grad and node.op.is_differentiated(index)
    ]
    partials = node.op.local_partials(wanted, node.data, [operand.data for operand in operands])
    for index, partial in zip(wanted, partials, strict=True):
        operand = operands[index]
        contribution = helper_ops.chain(adjoint, partial)
        sums[operand] = contribution if overwrite else sums.get(operand, 0.0) + contribution
        yield Step(node, operand, index, adjoint, partial, contribution, sums[operand])


def _differ(a: float, b: float) -> bool:
    return a != b and not (a != a and b != b)  # nan is not equal to itself
