"""Copies and pickles of graphs, without recursion.

`copy.deepcopy` and `pickle` follow references, which would recurse through a whole graph: a chain
of a thousand operations is too deep for that. This file registers with `copyreg`, Python's own hook
for both, how a `Value` is written: what it was made from comes first, operands before results.
Importing the package is enough.
"""

import copyreg
from threading import local
from typing import Any
from weakref import WeakSet, ref

from micrograd_notes.engine.backward import topological_order
from micrograd_notes.engine.op import Op
from micrograd_notes.engine.stand_ins import stand_in
from micrograd_notes.engine.value import Value


class _Earlier:
    """What a value was made from, operands before results, on the way into a copy or a pickle."""

    def __init__(self, values: list[Value]) -> None:
        self.values = values
        self.members = set(values)

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (self.values,)


class _InProgress(local):
    """Those that this thread is writing.

    Pickle and deepcopy hold on to what they write until they end, well or badly; then these are
    gone, too.
    """

    def __init__(self) -> None:
        self.earlier: WeakSet[_Earlier] = WeakSet()


_in_progress = _InProgress()


def _reduced(value: Value) -> tuple[Any, ...]:
    """Returns how to restore the value, with what it was made from written first, operands first.

    Pickle follows references, which would recurse through the whole graph. So the first value that
    it meets hands it a list of all others in topological order: when it comes to one, its operands
    have been written.
    """
    if (other := stand_in(value)) is not value:  # what records refuses to be copied
        return other.__reduce_ex__(4)  # type: ignore[no-any-return]
    operands = value.operands
    is_current = all(operand._born <= value._born for operand in operands)
    note = None if operands or value._requires_grad else value.origin
    origin = note if note is None else note()
    if note is not None and origin is None:
        origin = Value(0.0)  # for a leaf that is there no more, one that soon will not be
    own = (value.op, value._data, value._grad, value.name, value._requires_grad, is_current, origin)
    if not operands or any(value in e.members for e in _in_progress.earlier):
        return _restored, (*own, operands)
    earlier = _Earlier(topological_order(value)[:-1])
    _in_progress.earlier.add(earlier)
    return _earlier_first, (earlier, *own, operands)


def _restored(
    op: Op | None,
    data: float,
    grad: float | None,
    name: str | None,
    requires_grad: bool,
    is_current: bool,
    origin: Value | None,
    operands: tuple[Value, ...],
) -> Value:
    """Returns the value again, made from operands that have been restored."""
    value = Value(data, name, requires_grad)
    value._grad = grad
    value.op, value.origin = op, None if origin is None else ref(origin)
    value.operands = operands
    if not is_current:  # an operand's data was set since: `backward` refuses here in the copy too
        value._born = -1
    return value


def _earlier_first(earlier: object, *own: Any) -> Value:
    """Returns the value again; what it was made from is an argument to be restored before it."""
    return _restored(*own)


copyreg.pickle(Value, _reduced)
