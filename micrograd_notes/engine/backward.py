"""The chain rule. From a result it walks back to the leaves, and gives every value its gradient.

`topological_order` puts results after their operands, so that each node is complete before it
passes its gradient on. `_steps` walks that order from its end and applies the one line, once per
edge; `sweep` and `grad` read it, and so does `backward` in the plain engine. By default `backward`
calls the same sweep written out in `fast`. Read `ops` next, which has the local slopes.
"""

from collections.abc import Container, Iterable, Iterator
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ReferenceType, ref

from micrograd_notes.common.checks import finite_number, flag, is_value, shown
from micrograd_notes.engine import messages, modes
from micrograd_notes.engine.helper_ops import chain

if TYPE_CHECKING:
    from micrograd_notes.engine.value import Value

sweeping = RLock()  # sweeps of two threads may share leaves
witnesses: list[ReferenceType[Any]] = []


def topological_order(root: "Value") -> list["Value"]:
    """Returns every value that the root was made from, operands before results, the root last.

    >>> from micrograd_notes import Value
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> [v.name or v.op.name for v in topological_order(a * b + a)]
    ['a', 'b', 'multiply', 'add']
    """
    if not is_value(root):
        raise TypeError(f"root must be a Value, got {shown(root)}")
    order: list[Any] = []
    seen: set[Any] = set()
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # all operands of the node beneath are in the order now
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            stack += (node, None, *reversed(node.operands))
    return order


ordered = topological_order  # `fast` replaces it by the same order, written out


class Step(NamedTuple):
    """One edge of a sweep: what flows from a node back into one of its operands."""

    node: Any
    operand: Any
    position: int  # which operand of the node it is
    adjoint: Any  # d root / d node
    partial: Any  # d node / d operand, by the table
    contribution: Any  # their product
    total: Any  # d root / d operand so far, this contribution included


def sweep(root: "Value", adjoint: float = 1.0, recorded: bool = False) -> Iterator[Step]:
    """Yields every step of backpropagation from the root, in reverse topological order.

    It changes no value. With `recorded`, slopes and products are computed on `Value`s, so that the
    gradients form a graph.

    >>> from micrograd_notes import Value
    >>> x = Value(3.0)
    >>> [(step.contribution, step.total) for step in sweep(x * x)]
    [(3.0, 3.0), (3.0, 6.0)]
    """
    adjoint, recorded = finite_number("adjoint", adjoint), flag("recorded", recorded)
    return _steps(topological_order(root), adjoint, recorded)


def _steps(order: list["Value"], adjoint: float, recorded: bool) -> Iterator[Step]:
    totals: dict[Value, Any] = {order[-1]: adjoint}
    for node in reversed(order):
        if node._requires_grad:  # also where nothing flows, as behind the question of `where`
            messages.check_unchanged(node)
        if node.op is None or node not in totals:
            continue
        for index, partial in _local_slopes(node, recorded):
            operand = node.operands[index]
            contribution = _times(totals[node], partial)  # the chain rule: this is the one line
            # A value that is used twice gets two contributions, and the derivative of a sum is
            # the sum of the derivatives.
            before = totals.get(operand, None if recorded else 0.0)
            totals[operand] = contribution if before is None else before + contribution
            yield Step(node, operand, index, totals[node], partial, contribution, totals[operand])


def _local_slopes(node: Any, recorded: bool) -> list[tuple[int, Any]]:
    """Returns d node / d operand for each operand that needs a gradient, with its position."""
    operands, op = node.operands, node.op
    wanted = [i for i, x in enumerate(operands) if x._requires_grad and op.is_differentiated(i)]
    numbers = (node, operands) if recorded else (node._data, [x._data for x in operands])
    slopes = [
        slope if recorded and is_value(slope) else messages.partial_as_float(op, slope)
        for slope in op.local_partials(wanted, *numbers)
    ]
    return list(zip(wanted, slopes, strict=True))


def _times(adjoint: Any, partial: Any) -> Any:
    """Returns adjoint * partial; a plain 1 leaves no node in a recorded graph."""
    if partial.__class__ is float and partial == 1.0:
        return adjoint
    return partial if adjoint.__class__ is float and adjoint == 1.0 else chain(adjoint, partial)


def reference_adjoints(order: list["Value"], adjoint: float) -> None:
    """Sets the gradient of every value of the order to d root / d value, times the adjoint."""
    totals: dict[Value, Any] = {order[-1]: adjoint}
    for step in _steps(order, adjoint, recorded=False):
        totals[step.operand] = step.total
    for node in order:
        if node._requires_grad:
            node._grad = totals.get(node, 0.0)
        elif node.op is not None:
            node._grad = None  # nothing flows into it: a `grad` that was set is no adjoint


adjoints = reference_adjoints  # `fast` replaces it by the same sweep, written out


def backward(
    root: "Value", adjoint: float = 1.0, order: list["Value"] | None = None
) -> None:
    """Adds d root / d leaf, times the adjoint, to the gradient of every leaf.

    The order may be known already.
    """
    messages.check_root(root)
    adjoint = finite_number("adjoint", adjoint)
    order = ordered(root) if order is None else order
    with sweeping:
        leaves = [(node, node._grad) for node in order if node.op is None]
        modes.before_a_sweep(root, adjoint, leaves)
        try:
            adjoints(order, adjoint)
        except BaseException:  # no gradient is left half written
            for node in order:
                node._grad = None
            for leaf, before in leaves:
                leaf._grad = before
            raise
        for leaf, before in leaves:
            if before is not None and leaf._requires_grad:
                leaf._grad = before + leaf.grad
        for witness in [reference() for reference in witnesses]:
            if witness is not None:
                witness.swept(leaves)


def grad(output: "Value", inputs: "Value | Iterable[Value]") -> list["Value"]:
    """Returns d output / d input for each input, as `Value`s that can be differentiated again.

    No `.grad` changes. An input that the output does not depend on has the derivative 0.

    Raises:
        TypeError: an input is not a `Value`.
        ValueError: an input has requires_grad=False.

    >>> from micrograd_notes import Value
    >>> x = Value(2.0)
    >>> (first,) = grad(x**3, [x])
    >>> (second,) = grad(first, [x])
    >>> first.data, second.data
    (12.0, 12.0)
    """
    if not is_value(output):
        raise TypeError(f"output must be a Value, got {shown(output)}")
    wanted = messages.checked_inputs(inputs)
    totals: dict[Value, Any] = {output: 1.0}
    for step in modes.watched(sweep(output, recorded=True)):
        totals[step.operand] = step.total
    return [_as_new(totals.get(value, 0.0), type(output), totals) for value in wanted]


def _as_new(derivative: Any, kind: type["Value"], graph: Container["Value"]) -> "Value":
    """Returns a derivative as a new node.

    The derivative of exp(x) is the node exp(x) itself, and that of a*b the leaf b. To name a
    derivative, or to set its data, must not change the graph that it was taken of.
    """
    if not isinstance(derivative, kind):
        return kind(derivative, requires_grad=False)
    return +derivative if derivative.op is None or derivative in graph else derivative


def tell_of_sweeps(witness: Any) -> None:
    """Calls `witness.swept(leaves)` after each `backward`, as long as the witness exists.

    Each leaf comes with the gradient that it had before the sweep, or None.
    """
    witnesses.append(ref(witness, witnesses.remove))
