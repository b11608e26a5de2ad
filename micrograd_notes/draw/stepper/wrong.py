"""Three wrong backward passes, and the place where each of them parts from the right one.

Readers of micrograd ask why the backward pass needs a topological order, and why `+=`. These passes
show what happens without. They use the same local slopes as the right one, but in another order or
in another sum:

recursion       Every node adds to the gradients of its operands and at once calls each of them to
                do the same: micrograd's `_backward`, called down the children, one call per path.
                A node with two users is called before the second user has added its product, and
                again afterwards, when it passes on a second time what it has already passed on.
assign          `=` instead of `+=`: the last product overwrites the earlier ones.
forward order   From the leaves to the root. The first nodes have no gradient yet, so they pass on
                zero.

`wrong_steps.py` puts the visits into words; read it next.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.draw.graph.view import local_slopes
from micrograd_notes.draw.stepper.steps import reading_order
from micrograd_notes.engine import Value, helper_ops, sweep
from micrograd_notes.engine.backward import Step

WRONG = ("recursion", "assign", "forward order")
"""The names of the wrong passes."""


@dataclass(frozen=True)
class Visit:
    """A visit of the wrong pass to a node, beside the same node in the right pass."""

    node: Value
    right: list[Step]
    wrong: list[Step]
    parting: "Parting | None" = None
    first: list[Value] = field(default_factory=list)
    """If they part early: the nodes that the right pass visits before this one."""
    sums: dict[Value, float] = field(default_factory=dict)
    """If they part early: the sums of the right pass when it visits this one."""


@dataclass(frozen=True)
class Parting:
    """Where the passes part: the value whose gradient differs, and both numbers."""

    at: Value
    right: float
    wrong: float
    why: str  # `early`, `again` or `overwritten`
    missing: tuple[Value, ...] = ()
    """If early: the users of the value that have not added their products."""


def compared(graph: IndexedGraph, how: str) -> list[Visit]:
    """Returns the visits of the wrong pass, up to the first at which it parts from the right one.

    Before it, both have the same numbers. If no visit has a parting, the wrong pass gets this graph
    right.

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
    """The right pass, and those of its products that the wrong one has reached so far."""

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
        """Returns the visit, with the products of the right pass for the node."""
        parting = self._early(node, wrong)
        if parting is not None:
            first, sums = right_sweep_before(self.graph, node, self.seen)
            right = _folded(self.steps[node], dict(sums))
            return Visit(node, right, wrong, parting, first, sums)
        if node in self.seen:
            return Visit(node, [], wrong, _difference(self.sums, _totals(wrong), "again"))
        right = _folded(wrong, self.sums)
        self.seen.add(node)
        return Visit(node, right, wrong, _difference(_totals(right), _totals(wrong), "overwritten"))

    def _early(self, node: Value, wrong: list[Step]) -> Parting | None:
        missing = tuple(user for user in self.users.get(node, ()) if user not in self.seen)
        passed_on, complete = wrong[0].adjoint, self.adjoint[node]
        # A complete sum has the same bits. In a recursion all users are then on the path from the
        # root to the node, and have added their products in the order of the path, which is their
        # order in every topological order.
        if not _differ(passed_on, complete):
            return None
        return Parting(node, complete, passed_on, "early", missing)


def _folded(steps: list[Step], sums: dict[Value, float]) -> list[Step]:
    """Returns the steps with their contributions added to the sums, which it changes."""
    folded = []
    for step in steps:
        sums[step.operand] = sums.get(step.operand, 0.0) + step.contribution
        folded.append(step._replace(total=sums[step.operand]))
    return folded


def _difference(right: dict[Value, float], wrong: dict[Value, float], why: str) -> Parting | None:
    differing = (x for x, total in wrong.items() if _differ(right[x], total))
    return next((Parting(x, right[x], wrong[x], why) for x in differing), None)


def _totals(steps: list[Step]) -> dict[Value, float]:
    """Returns the sums after all products of a node: x*x has two for one operand."""
    return {step.operand: step.total for step in steps}


def right_sweep_before(
    graph: IndexedGraph, node: Value, seen: set[Value]
) -> tuple[list[Value], dict[Value, float]]:
    """Returns the nodes that the right pass visits before this one, and its sums at that point.

    These are all users of the node, and theirs. Nodes that were seen are left out of the list, but
    they count in the sums.

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


def _recursion(graph: IndexedGraph) -> Iterator[tuple[Value, list[Step]]]:
    """Yields each node with its products, in the order of the calls, one call per path.

    There may be far too many paths, so a call is left out if it can change nothing: a call to a
    node when no sum has changed since its last call.
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
        # A node without a sum is not used by anything that is differentiated.
        if node in sums and (handed_on := list(_handed_on(node, sums, overwrite=True))):
            yield node, handed_on


def _forward_order(graph: IndexedGraph) -> Iterator[tuple[Value, list[Step]]]:
    sums = {graph.values[-1]: 1.0}
    for node in map(graph.values.__getitem__, reading_order(graph)):
        if handed_on := list(_handed_on(node, sums)):
            yield node, handed_on


_VISITS = {"recursion": _recursion, "assign": _assign, "forward order": _forward_order}


def _handed_on(node: Value, sums: dict[Value, float], overwrite: bool = False) -> Iterator[Step]:
    """Yields the node's products for its operands now, whether its own sum is complete or not."""
    adjoint = sums.get(node, 0.0)
    for index, partial in local_slopes(node).items() if node.requires_grad else ():
        operand = node.operands[index]
        contribution = helper_ops.chain(adjoint, partial)
        sums[operand] = contribution if overwrite else sums.get(operand, 0.0) + contribution
        yield Step(node, operand, index, adjoint, partial, contribution, sums[operand])


def _differ(a: float, b: float) -> bool:
    return a != b and not (a != a and b != b)  # nan is not equal to itself
