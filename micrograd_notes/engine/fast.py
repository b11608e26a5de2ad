"""The same results, faster: two recorders and one sweep of the sitting, written out.

`use("fast")`, which the package calls once, replaces

- `value.recorder` and `methods.methods_of` by recorders for one and for two operands, which make
  the node in place;
- `backward.ordered` and `backward.adjoints` by an order that reads the slots of a node, and by a
  sweep that makes no `Step` per edge.

A property test holds both engines to the same bits. Call `use("reference")` to run the plain engine
of `value` and `backward`, for example with a `print` that you put into it.
"""

from collections.abc import Callable
from typing import Any
from weakref import ref

from micrograd_notes.common import checks
from micrograd_notes.engine import backward, messages, methods, modes, value
from micrograd_notes.engine.messages import check_unchanged
from micrograd_notes.engine.modes import FORGETS, NOTHING, in_use
from micrograd_notes.engine.op import TABLE, Op
from micrograd_notes.engine.value import Value, as_value, record

_new = object.__new__


def use(engine: str) -> None:
    """Runs the plain engine, `use("reference")`, or the one that is written out, `use("fast")`.

    Both give the same results, bit for bit. The plain engine is the code of `value.py` and
    `backward.py`, and takes several times as long.

    >>> use("reference")
    >>> x = Value(3.0)
    >>> (x * x).backward()
    >>> x.grad
    6.0
    >>> use("fast")
    """
    checks.one_of("engine", engine, ("fast", "reference"))
    is_fast = engine == "fast"
    methods.methods_of = fast_methods if is_fast else methods.reference_methods
    value.recorder = fast_record if is_fast else value.record
    backward.ordered = fast_order if is_fast else backward.topological_order
    backward.adjoints = fast_adjoints if is_fast else backward.reference_adjoints
    for op in TABLE.values():
        methods.install(op)


# ---- 1 and 2: recording an operation of one, and of two operands ---------------------------------


def fast_record(op: Op, operands: tuple[Any, ...]) -> Any:
    """Does what `value.record` does, faster where the row is simple."""
    if op.is_simple and len(operands) == op.arity and isinstance(operands[0], Value):
        recorded = (vars(op).get("_recorder") or _recorder(op))(*operands)
        if recorded is not NotImplemented:
            return recorded
    return record(op, operands)


def _recorder(op: Op) -> Callable[..., Any]:
    """Returns the recorder of a simple row, which the row keeps: it is freed with the row."""
    made = _method_of_one_operand(op) if op.arity == 1 else _method_of_two_operands(op)
    return vars(op).setdefault("_recorder", made)  # type: ignore[no-any-return]


def fast_methods(op: Op) -> dict[str, Any]:
    """Returns what `methods.reference_methods` does, with faster methods where a row is simple."""
    named = methods.reference_methods(op)
    if not op.is_simple or (op.arity == 2 and op.method is None):
        return named
    plain = named[op.name if op.arity == 1 else f"__{op.method}__"]
    quick = _recorder(op)
    for told in ("__name__", "__qualname__", "__doc__"):
        setattr(quick, told, getattr(plain, told))
    return {name: quick if method is plain else method for name, method in named.items()}


def _method_of_one_operand(op: Op) -> Callable[[Value], Any]:
    forward = op.forward

    def method(self: Value) -> Any:
        if in_use:
            asked = modes.asked()
            if asked is not NOTHING:
                other = asked.stand_ins.get(id(self), self)
                if asked.is_more_than_stand_ins or other.__class__ is not Value:
                    return record(op, (self,))
                self = other
        try:
            data = forward(self._data)
        except AttributeError:  # `Value.tanh(0.5)`: there is no `_data`
            return record(op, (self,))
        except (ArithmeticError, ValueError) as error:
            raise messages.explained(error, op, messages.given([self])) from None
        return _node(op, data, self, None, self._requires_grad)

    return method


def _method_of_two_operands(op: Op) -> Callable[[Value, Any], Any]:
    forward = op.forward

    def method(self: Value, other: Any) -> Any:
        if other.__class__ is not Value:
            if other.__class__ is float:
                other = _node(None, other, None, None, False)
            elif (other := as_value(other)) is None:
                return NotImplemented
            elif other._apply_ is not Value._apply_:  # it records in its own way
                return record(op, (self, other))
        asked = modes.asked() if in_use else NOTHING  # once, as other threads change `in_use`
        if asked is not NOTHING and asked is not FORGETS:
            get = asked.stand_ins.get
            a, b = get(id(self), self), get(id(other), other)
            is_plain = a.__class__ is Value and b.__class__ is Value
            if asked.is_more_than_stand_ins or not is_plain:
                return record(op, (self, other))
            self, other = a, b
        try:
            data = forward(self._data, other._data)
        except AttributeError:  # as above
            return record(op, (self, other))
        except (ArithmeticError, ValueError) as error:
            raise messages.explained(error, op, messages.given([self, other])) from None
        if asked is FORGETS:
            node = _node(op, data, None, None, False)
            if self._left is None and (self._requires_grad or self.origin is not None):
                leaf: Any = node
                leaf.op, leaf.origin = None, self.origin or ref(self)  # as `forgotten` does
                return leaf
            return modes.forgotten(node, (self, other))
        requires_grad = self._requires_grad or other._requires_grad
        if data.__class__ is not float:
            return _node(op, data, self, other, requires_grad)
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


# ---- 3: the sweep, and its order -----------------------------------------------------------------


def fast_order(root: Any) -> list[Any]:
    """Returns the values below the root, as `backward.topological_order` does.

    Half of all edges end in a leaf. A leaf goes into the order without waiting on the stack, so
    that leaves may stand earlier; the results stand in the same order.
    """
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


class _NotAFloat(TypeError):
    """A slope is not a float: another kind of number, or not a number."""


def fast_adjoints(order: list[Any], adjoint: float) -> None:
    """Does what `backward.reference_adjoints` does, and calls it where a slope is not a float."""
    try:
        sweep_numbers(order, adjoint)
    except (TypeError, ValueError, OverflowError) as error:
        # The plain sweep converts other numbers, and names the rule that returned anything else.
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
        elif node._left is not None:
            node._grad = None  # nothing flows into it: a `grad` that was set is no adjoint
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
