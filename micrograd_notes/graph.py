"""Computation graphs, and the chain rule on them.

A node is a number with the operation that made it and its operands. Backpropagation walks from the
result to the leaves in reverse topological order, so that every node is complete before it passes
its adjoint on, and applies the chain rule once an edge:

    adjoint of the operand  +=  adjoint of the result  *  local partial

This file knows how to walk a graph. It knows no derivative (the table has them) and not how a graph
comes about (the engine records it). Nothing recurses, so a graph may be a million operations deep.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar
from weakref import ref

from micrograd_notes import ops
from micrograd_notes.checks import finite_number, flag
from micrograd_notes.op import Op, is_number


class Node:
    """What a walk needs to know of a value; `Value` is the one kind of node.

    The operands of a simple row (`Op.is_simple`) stand in slots of their own: a tuple a node would
    double what Python's garbage collector has to walk. Others stand in `_left`, as a tuple.
    """

    __slots__ = (
        "_born", "_data", "_grad", "_left", "_requires_grad", "_right", "name", "op", "origin",
    )

    name: str | None
    op: Op | None  # the row of the table that made it; None for a leaf
    # The neuron that this is the output of, if there is one; pictures group by it. Of a leaf that
    origin: Any  # `no_grad` made: a weak reference to a trainable leaf from which it was computed.
    _data: float
    _grad: float | None  # None until a sweep has come by
    _left: Any
    _right: Any
    _requires_grad: bool
    _born: int  # the clock of `Value.data` when it was computed, or when its data was set

    @property
    def operands(self) -> tuple[Any, ...]:
        """The values it was made from, in order; `x*x` has two. Empty for a leaf."""
        left, right = self._left, self._right
        if right is not None:
            return (left, right)
        if left is None:
            return ()
        return left if left.__class__ is tuple else (left,)


AnyNode = TypeVar("AnyNode", bound=Node)


def leaf_behind(node: Node) -> Any:
    """Returns a weak reference to a trainable leaf that it is or was computed from, or None."""
    while (left := node._left) is not None:
        right = node._right
        if right is not None and left._left is None and right._left is None:
            if left._requires_grad or right._requires_grad:
                return ref(left if left._requires_grad else right)
            return right.origin if left.origin is None else left.origin
        for node in node.operands:  # noqa: B020 (the last one, if none depends on a trainable leaf)
            if node._requires_grad or (node._left is None and node.origin is not None):
                break
    if node._requires_grad and node.origin is None:
        return ref(node)
    return node.origin  # a note, also of what stands for a leaf: see `modes`


def described(node: Node) -> str:
    """Returns the node as a message names it."""
    of = "a leaf" if node.op is None else f"the result of {node.op.name}"
    return repr(node.name) if node.name else f"Value({node._data!r}), {of}"


def given(operands: Iterable[Node]) -> list[str]:
    """Returns the operands as a message lists them: their numbers, by name where they have one.

    >>> from micrograd_notes.engine import Value
    >>> given([Value(2.0, name="x"), Value(3.0)])
    ['x=2.0', '3.0']
    """
    return [f"{v.name}={v._data!r}" if v.name else repr(v._data) for v in operands]


def topological_order(root: AnyNode) -> list[AnyNode]:
    """Returns every value that the root was made from, operands before results, the root last.

    >>> from micrograd_notes.engine import Value
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [v.name or v.op.name for v in topological_order(a * b + a)]
    ['a', 'b', 'multiply', 'add']
    """
    if not isinstance(root, Node):
        raise TypeError(f"a graph is walked from a Value, got {root!r}")
    order: list[Any] = []
    seen: set[Any] = set()
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # all operands of the node beneath are in the order now
            order.append(stack.pop())
            continue
        if node in seen:
            continue
        seen.add(node)
        left, right = node._left, node._right
        if left is None:
            order.append(node)
            continue
        stack.append(node)
        stack.append(None)
        if left.__class__ is tuple:
            stack.extend(reversed(left))
            continue
        # Half of all edges end in a leaf, which goes into the order without waiting on the stack.
        if left._left is None and left not in seen:
            seen.add(left)
            order.append(left)
        if right is not None:
            if right._left is not None:
                stack.append(right)
            elif right not in seen:
                seen.add(right)
                order.append(right)
        if left._left is not None:
            stack.append(left)
    return order


class Step(NamedTuple):
    """One edge of a sweep: what flows from a node back into one of its operands."""

    node: Any
    operand: Any
    position: int  # which operand of the node it is
    adjoint: Any  # d root / d node
    partial: Any  # d node / d operand, by the table
    contribution: Any  # their product
    total: Any  # d root / d operand so far, this contribution included


def sweep(root: Node, adjoint: float = 1.0, recorded: bool = False) -> Iterator[Step]:
    """Yields every step of backpropagation from the root, in reverse topological order.

    This is the chain rule in one place: `grad`, pictures and checks read it. It changes no value.
    With `recorded`, partials and products are computed on `Value`s, so that they form a graph.

    >>> from micrograd_notes.engine import Value
    >>> x = Value(3.0)
    >>> [(step.contribution, step.total) for step in sweep(x * x)]
    [(3.0, 3.0), (3.0, 6.0)]
    """
    adjoint, recorded = finite_number("adjoint", adjoint), flag("recorded", recorded)
    return _steps(topological_order(root), adjoint, recorded)


def _steps(order: list[Any], adjoint: float, recorded: bool) -> Iterator[Step]:
    totals: dict[Node, Any] = {order[-1]: adjoint}
    for node in reversed(order):
        operands = node.operands
        if node.op is None or node not in totals:
            continue
        check_unchanged(node, operands)
        wanted = [
            index
            for index, operand in enumerate(operands)
            if operand._requires_grad and node.op.is_differentiated(index)
        ]
        result, known = (
            (node, operands) if recorded else (node._data, [x._data for x in operands])
        )
        partials = [
            partial if recorded and isinstance(partial, Node) else _float_of(partial, node.op)
            for partial in node.op.local_partials(wanted, result, known)
        ]
        for index, partial in zip(wanted, partials, strict=True):
            operand = operands[index]
            contribution = _chain(totals[node], partial)
            before = totals.get(operand, None if recorded else 0.0)
            totals[operand] = contribution if before is None else before + contribution
            yield Step(
                node, operand, index, totals[node], partial, contribution, totals[operand]
            )


def _float_of(partial: Any, op: Op) -> float:
    """Returns what a rule gave as a float; TypeError if it is not a real number."""
    try:
        number = partial.item() if getattr(partial, "shape", None) == () else partial
        if is_number(number):
            return float(number)
    except OverflowError:
        pass
    raise TypeError(f"{op.name}: a partial must return a real number, got {partial!r}")


class NotAFloat(TypeError):
    """A rule gave another number than a float, or no number."""


def _chain(adjoint: Any, partial: Any) -> Any:
    """Returns their product by the chain rule; a plain 1 leaves no node in a recorded graph."""
    if partial.__class__ is float and partial == 1.0:
        return adjoint
    if adjoint.__class__ is float and adjoint == 1.0:
        return partial
    return ops.chain(adjoint, partial)


def check_unchanged(node: Node, operands: Iterable[Node]) -> None:
    """Raises if an operand's data was set after the node was computed from it."""
    for operand in operands:
        if operand._born > node._born:
            raise RuntimeError(
                f"the data of {described(operand)} was set after {node.op} was computed from it, "
                "so a gradient would mix old and new numbers; compute the result again first"
            )


def sweep_numbers(order: list[Any], adjoint: float) -> None:
    """Sets the `_grad` of every node of the order to its adjoint.

    Where an adjoint g is 0, every contribution is 0 whatever the partial, and nothing is computed:
    see `accurate.chain_product`.
    It raises where a rule gave something else than a float: see `sweep_again`.
    """
    for node in order:
        if node._requires_grad:
            node._grad = 0.0
    order[-1]._grad = adjoint
    for node in reversed(order):
        left, right, g = node._left, node._right, node._grad
        if g.__class__ is not float:
            if g is None:
                continue
            if not isinstance(g, float):
                raise NotAFloat
            g = node._grad = float(g)  # NumPy's, with the same digits
        if left is None:
            continue
        op: Any = node.op
        if right is not None:
            born = node._born
            if left._born > born or right._born > born:
                check_unchanged(node, (left, right))
            if g:
                to_left, to_right = op.partials
                y, a, b = node._data, left._data, right._data
                if left._requires_grad:
                    left._grad += g * (to_left if to_left.__class__ is float else to_left(y, a, b))
                if right._requires_grad:
                    partial = to_right if to_right.__class__ is float else to_right(y, a, b)
                    right._grad += g * partial
        elif left.__class__ is not tuple:
            if left._born > node._born:
                check_unchanged(node, (left,))
            if g and left._requires_grad:
                to_left = op.partials[0]
                partial = to_left if to_left.__class__ is float else to_left(node._data, left._data)
                left._grad += g * partial
        else:
            check_unchanged(node, left)
            wanted = [
                i for i, x in enumerate(left) if x._requires_grad and op.is_differentiated(i)
            ]
            if g:
                partials = op.local_partials(wanted, node._data, [x._data for x in left])
                for i, partial in zip(wanted, partials, strict=True):
                    left[i]._grad += g * partial


def sweep_again(order: list[Any], adjoint: float, error: Exception) -> None:
    """Does what `sweep_numbers` could not where a rule gave another number than a float.

    Where one gave no number it says so, and any other error it raises again.
    """
    steps = list(sweep(order[-1], adjoint))
    if not isinstance(error, NotAFloat):
        raise error
    for node in order:
        node._grad = 0.0 if node._requires_grad else None
    order[-1]._grad = adjoint
    for step in steps:
        step.operand._grad = step.total
