"""Scalars with many digits: a function of `Value`s runs on them, and the chain rule goes back.

The slopes are the rules of the table, called with numbers of `precise`. A number that depends on
constants alone is a float, as in the engine. `lifting.certificate` calls it, with `arrays` for the
other side.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import mpmath

from micrograd_notes.engine import helper_ops, modes
from micrograd_notes.engine.backward import topological_order
from micrograd_notes.engine.messages import completed
from micrograd_notes.engine.op import Op, is_built_in
from micrograd_notes.engine.value import Value, as_value
from micrograd_notes.testing.numbers.precise import OpaqueError, Precise, with_many_digits

mp = mpmath.mp


class Exact(Value):
    """A `Value` whose number has as many digits as mpmath works with.

    >>> from micrograd_notes.engine.stand_ins import standing_in
    >>> x = Exact(2.0)
    >>> with mp.workdps(30), standing_in({}):
    ...     y = x**0.5
    ...     print(y.number, *gradient(y, [x]))
    1.41421356237309504880168872421 0.353553390593273762200422181052
    """

    __slots__ = ("number",)

    def __init__(self, data: Any, name: str | None = None, requires_grad: bool = True) -> None:
        self.number = mpmath.mpf(data)
        super().__init__(float(self.number), name, requires_grad)

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> Any:
        values: Any = modes.standing_for(tuple([as_value(x) for x in completed(op, operands)]))
        result = Exact(Precise._apply_(op, tuple(map(_precise, values))).number)
        result.op, result.operands = op, values
        result._requires_grad = any(
            value._requires_grad and op.is_differentiated(i) for i, value in enumerate(values)
        )
        return modes.kept(result)

    def detach(self) -> "Exact":
        """Returns the same number, which no gradient flows through."""
        return Exact(self.number, self.name, False)


def number_of(value: Any) -> Any:
    """Returns a number or a `Value` as a number of many digits."""
    return value.number if isinstance(value, Exact) else mpmath.mpf(getattr(value, "_data", value))


def gradient(root: Value, leaves: Sequence[Value]) -> list[Any]:
    """Returns d root / d leaf for each leaf, by the chain rule."""
    totals: dict[Any, Any] = {root: 1.0}
    for node in reversed(topological_order(root)):
        adjoint, op = totals.get(node, 0.0), node.op
        if adjoint == 0 or op is None:
            continue
        operands = node.operands
        wanted = [
            i for i, x in enumerate(operands) if x._requires_grad and op.is_differentiated(i)
        ]
        for i, slope in zip(wanted, _slopes(node, wanted), strict=True):
            contribution = _times(adjoint, getattr(slope, "number", slope))
            before = totals.get(operands[i])
            totals[operands[i]] = contribution if before is None else before + contribution
    return [number_of(totals.get(leaf, 0.0)) for leaf in leaves]


def _times(adjoint: Any, slope: Any) -> Any:
    are_floats = not isinstance(adjoint, mpmath.mpf) and not isinstance(slope, mpmath.mpf)
    return helper_ops.chain(adjoint, slope) if are_floats else adjoint * slope


def _slopes(node: Any, wanted: list[int]) -> list[Any]:
    row, operands = _with_rules_of_many_digits(node.op), [*map(_precise, node.operands)]
    try:
        return row.local_partials(wanted, _precise(node), operands)
    except Exception:
        if is_built_in(node.op):
            raise
        raise OpaqueError(f"a rule of {node.op.name} needs floats") from None


@lru_cache(maxsize=256)
def _with_rules_of_many_digits(op: Op) -> Op:
    """Returns the row with rules that use rows instead of `math`, as those built in do."""
    rules = op.partials
    if is_built_in(op):
        return op
    if not isinstance(rules, tuple):
        return replace(op, partials=with_many_digits(rules))
    return replace(op, partials=tuple(map(with_many_digits, rules)))


def _precise(value: Value) -> Any:
    return Precise(value.number) if isinstance(value, Exact) else value._data
