"""Copies and pickles of graphs, without recursion.

`copy.deepcopy` and `pickle` follow references, which would recurse through a whole graph: a chain
of a thousand operations is too deep for that. This file registers with `copyreg`, Python's own hook
for both, how a `Value` is written: what it was made from comes first, operands before results.
Importing the package is enough.
"""

import copyreg
from collections.abc import Callable
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.graph import topological_order
from micrograd_notes.op import Op

_scheduled: set[Value] = set()  # values that a pickle in progress writes before their results


def _reduced(value: Value) -> tuple[Any, ...]:
    """Returns how to restore the value, with what it was made from written first, operands first.

    Pickle follows references, which would recurse through the whole graph. So the first value that
    it meets hands it a list of all others in topological order: when it comes to one, its operands
    have been written.
    """
    operands = value.operands
    is_current = all(operand._born <= value._born for operand in operands)
    own = (value.op, value._data, value._grad, value.name, value._requires_grad, is_current)
    if value in _scheduled or not operands:
        _scheduled.discard(value)
        return _restored, (*own, operands)
    earlier = topological_order(value)[:-1]
    _scheduled.update(earlier)
    return _earlier_first, (earlier, _End(earlier), _restored, *own, operands)


class _End:
    """Stands behind the list of values in a pickle: when it is written, the list has been."""

    def __init__(self, values: list[Value]) -> None:
        self.values = values

    def __reduce__(self) -> tuple[Any, ...]:
        _scheduled.difference_update(self.values)
        return tuple, ()


def _earlier_first(
    earlier: list[Value], end: Any, restore: Callable[..., Value], *own: Any
) -> Value:
    return restore(*own)




def _restored(
    op: Op | None,
    data: float,
    grad: float | None,
    name: str | None,
    requires_grad: bool,
    is_current: bool,
    operands: tuple[Value, ...],
) -> Value:
    """Returns the value again, made from operands that have been restored."""
    value = Value(data, name, requires_grad)
    value._grad = grad
    value.op = op
    if op is not None and op.is_simple:
        value._left, value._right = operands if len(operands) == 2 else (operands[0], None)
    elif op is not None:
        value._left = operands
    if not is_current:  # an operand's data was set since: `backward` refuses here in the copy too
        value._born = -1
    return value


copyreg.pickle(Value, _reduced)
