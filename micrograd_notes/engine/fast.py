"""The same results, faster: two recorders and one sweep of the sitting, written out.

`value.methods_of` is replaced by methods for one and for two operands that make the node without a
call, and `backward.adjoints` by a sweep that makes no `Step` per edge. A property test holds both
engines to the same bits. `use("reference")` runs the plain engine, so that you can put a `print`
into it; nine in ten nodes of a network are made here otherwise.
"""

from collections.abc import Callable
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import backward, messages, modes, value
from micrograd_notes.engine.messages import check_unchanged
from micrograd_notes.engine.modes import FORGETS, in_use
from micrograd_notes.engine.op import TABLE, Op
from micrograd_notes.engine.value import Value, as_value, record

_new = object.__new__


def use(engine: str) -> None:
    """Runs the plain engine, `use("reference")`, or the one that is written out, `use("fast")`.

    Both have the same results, bit for bit; the plain one is what `value.py` and `backward.py` say,
    and takes several times as long.

    >>> use("reference")
    >>> x = Value(3.0)
    >>> (x * x).backward()
    >>> x.grad
    6.0
    >>> use("fast")
    """
    checks.one_of("engine", engine, ("fast", "reference"))
    is_fast = engine == "fast"
    value.methods_of = fast_methods if is_fast else value.reference_methods
    backward.adjoints = fast_adjoints if is_fast else backward.reference_adjoints
    for op in TABLE.values():
        value.install(op)


# ---- 1 and 2: recording an operation of one, and of two operands ---------------------------------


def fast_methods(op: Op) -> dict[str, Any]:
    """Returns what `value.reference_methods` does, with faster methods where a row is simple."""
    methods = value.reference_methods(op)
    is_one = op.is_simple and op.arity == 1
    named: Any = _method_of_one_operand(op) if is_one else lambda *xs: record(op, xs)
    named.__name__ = op.name
    named.__doc__ = f"Returns {op.name} of it: see `micrograd_notes.engine.ops.{op.name}`."
    methods = {name: named if method is op else method for name, method in methods.items()}
    if op.is_simple and op.arity == 2 and op.method is not None:
        methods[f"__{op.method}__"] = _method_of_two_operands(op)
    return methods


def _method_of_one_operand(op: Op) -> Callable[[Value], Any]:
    forward = op.forward

    def method(self: Value) -> Any:
        if in_use:
            return record(op, (self,))
        try:
            data = forward(self._data)
        except (ArithmeticError, ValueError) as error:
            raise messages.explained(error, op, messages.given([self])) from None
        return _node(op, data, self, None, self._requires_grad)

    return method


def _method_of_two_operands(op: Op) -> Callable[[Value, Any], Any]:
    forward = op.forward

    def method(self: Value, other: Any) -> Any:
        if other.__class__ is not Value:
            other = _node(None, other, None, None, False) if other.__class__ is float else as_value(other)
            if other is None:
                return NotImplemented
        asked = modes.asked() if in_use else None  # one question; the rest no other thread decides
        if asked is not None and asked is not FORGETS:
            return record(op, (self, other))
        try:
            data = forward(self._data, other._data)
        except (ArithmeticError, ValueError) as error:
            raise messages.explained(error, op, messages.given([self, other])) from None
        requires_grad = self._requires_grad or other._requires_grad
        if asked is not None or data.__class__ is not float:
            node = _node(op, data, self, other, requires_grad)
            return node if asked is None else modes.forgotten(node)
        # What `_node` does, without the call: nine in ten nodes are made here.
        node = _new(Value)
        node._data = data
        node._grad = None
        node.op = op
        node.origin = None
        node._left = self
        node._right = other
        node.name = None
        node._requires_grad = requires_grad
        node._born = value.clock
        return node

    return method


def _node(op: Any, data: Any, left: Any, right: Any, requires_grad: bool) -> Value:
    node = _new(Value)
    node._data = data if data.__class__ is float else messages.result_as_float(op, data)
    node._grad = None
    node.op = op
    node.origin = None
    node._left = left
    node._right = right
    node.name = None
    node._requires_grad = requires_grad
    node._born = value.clock
    return node


# ---- 3: the sweep --------------------------------------------------------------------------------


class _NotAFloat(TypeError):
    """A rule gave another number than a float, or not a number."""


def fast_adjoints(order: list[Any], adjoint: float) -> None:
    """Does what `backward.reference_adjoints` does; where it can't, that does it."""
    try:
        sweep_numbers(order, adjoint)
    except (TypeError, ValueError, OverflowError) as error:
        # The plain sweep converts what is a number, and says which rule gave something else.
        backward.reference_adjoints(order, adjoint)
        if not isinstance(error, _NotAFloat):
            raise


def sweep_numbers(order: list[Any], adjoint: float) -> None:
    """Sets the `_grad` of every node of the order to its adjoint.

    Where an adjoint g is 0, every contribution is 0 whatever the slope, and nothing is computed:
    see `accurate.chain_product`.
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
                raise _NotAFloat
            g = node._grad = float(g)  # NumPy's, with the same digits
        if left is None:
            continue
        op: Any = node.op
        if right is not None:
            born = node._born
            if left._born > born or right._born > born:
                check_unchanged(node)
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
                check_unchanged(node)
            if g and left._requires_grad:
                to_left = op.partials[0]
                partial = to_left if to_left.__class__ is float else to_left(node._data, left._data)
                left._grad += g * partial
        else:
            check_unchanged(node)
            wanted = [
                i for i, x in enumerate(left) if x._requires_grad and op.is_differentiated(i)
            ]
            if g:
                partials = op.local_partials(wanted, node._data, [x._data for x in left])
                for i, partial in zip(wanted, partials, strict=True):
                    left[i]._grad += g * partial
