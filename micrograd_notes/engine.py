"""The engine: a `Value` records the operations that made it, and sends gradients back through them.

A `Value` is a number that remembers: the operation that made it (a row of the table in `ops`) and
its operands. The values form a graph. `backward` walks the graph from the result to the leaves, in
reverse topological order, and applies the chain rule once an edge:

    adjoint of the operand  +=  adjoint of the result  *  local partial

This file knows graphs and the chain rule. It knows no derivative (the table has them), no network
and no picture. There are no reference cycles in a graph, so that it is freed the moment its result
is, and no recursion, so that it may be a million operations deep.
"""

import operator
from collections.abc import Callable, Container, Iterable, Mapping, Set
from functools import wraps
from numbers import Number
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ReferenceType, ref

from micrograd_notes import modes, ops
from micrograd_notes.anomaly import AnomalyError
from micrograd_notes.checks import finite_number, flag, shown
from micrograd_notes.graph import (
    Node,
    Step,
    described,
    given,
    leaf_behind,
    sweep,
    sweep_again,
    sweep_numbers,
    topological_order,
)
from micrograd_notes.modes import FORGETS, detect_anomaly, in_use, no_grad
from micrograd_notes.op import TABLE, Op, is_number

__all__ = [
    "AnomalyError",
    "Step",
    "Value",
    "backward",
    "detect_anomaly",
    "grad",
    "no_grad",
    "sweep",
    "topological_order",
]

F = TypeVar("F", bound=Callable[..., Any])

_clock = 0  # counts the changes of leaves' data; see `Value.data`
_freezings = 0  # counts how often `requires_grad` of a leaf was set; lifted programs ask
_witnesses: list[ReferenceType[Any]] = []  # see `tell_of_sweeps`
_sweeping = RLock()  # sweeps of two threads may share leaves


def _of_its_stand_in(method: F) -> F:
    """Makes a method that of what stands for the leaf in the running context: see `modes`."""

    @wraps(method)
    def asked(self: "Value", *args: Any) -> Any:
        stand_in = modes.stand_in(self) if in_use else self
        if stand_in is not self:
            return getattr(stand_in, method.__name__)(*args)
        return method(self, *args)

    return asked  # type: ignore[return-value]


def _refused(what: str, instead: str) -> Callable[..., Any]:
    def method(self: Any, *others: Any) -> Any:
        raise TypeError(f"{what} would lose the gradient of a Value: write {instead}")

    return method


class Value(Node):
    """A number in a computation graph.

    Args:
        data: the number; kept as a Python float.
        name: what pictures and messages call it.
        requires_grad: whether `backward` is to find its gradient.

    Raises:
        TypeError: data is no real number (a string, a complex number, None, an array).

    Every row of the table is a method, `x.tanh()`, and Python's operators record too:

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> loss = (a * b + 10).tanh()
    >>> loss.backward()
    >>> round(a.grad, 6), round(b.grad, 6)
    (-0.004023, 0.002682)

    `==` compares identity, as values are the nodes of a graph, and refuses a plain number; `<` and
    its kin compare data. `bool` is that of the data, as with a float.
    """

    __slots__ = ("__weakref__",)

    def __init__(
        self, data: float, name: str | None = None, requires_grad: bool = True
    ) -> None:
        self._data = data if data.__class__ is float else _to_float(data)
        self._grad = None
        self.op = None
        self.origin = None
        self._left = None
        self._right = None
        self._born = _clock
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a text, got {shown(name)}. Operands: write a + b")
        self.name = name
        if requires_grad.__class__ is not bool:
            requires_grad = flag("requires_grad", requires_grad)
        self._requires_grad = requires_grad

    # ---- what a node knows ---------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number. A leaf's may be set; an inner node's is the result of its operation.

        A graph that was recorded with the old number can't be differentiated any more: `backward`
        says so rather than mix old and new.
        """
        if in_use and (stand_in := modes.stand_in(self)) is not self:
            return float(stand_in.data)
        return self._data

    @data.setter
    def data(self, number: float) -> None:
        if in_use and (stand_in := modes.stand_in(self)) is not self:
            stand_in.data = number
            return
        if self._left is not None:
            raise AttributeError(
                f"{described(self)} is the result of an operation, so its data can't be set; "
                "set the data of the leaves it was made from and compute it again"
            )
        global _clock
        self._data = _to_float(number)
        # Nodes made from the old number were born before this moment: see `graph.check_unchanged`.
        _clock += 1
        self._born = _clock

    @property
    def grad(self) -> float:
        """The accumulated gradient of a leaf; of an inner node, its adjoint in the last sweep.

        It is 0 as long as no sweep has come by; `has_grad` tells the two zeros apart.
        """
        if in_use and (stand_in := modes.stand_in(self)) is not self:
            return float(stand_in.grad)
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, number: float | None) -> None:
        if in_use and (stand_in := modes.stand_in(self)) is not self:
            stand_in.grad = number
            return
        self._grad = None if number is None else _to_float(number, "grad")

    @property
    def has_grad(self) -> bool:
        """Whether a sweep has come by, or `grad` was set. `grad = None` takes it back."""
        return self._grad is not None

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows into it. A leaf's may be set, to freeze it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if in_use and (stand_in := modes.stand_in(self)) is not self:
            stand_in.requires_grad = wanted
            return
        if self._left is not None:
            raise AttributeError(
                "requires_grad can be set on leaves only; use detach() to cut a graph here"
            )
        global _freezings
        self._requires_grad = flag("requires_grad", wanted)
        _freezings += 1
        self.origin = None  # it is a leaf that was wanted, also where `no_grad` made it

    def item(self) -> float:
        """Returns the number alone, as PyTorch's `item` does."""
        return self.data

    @_of_its_stand_in
    def detach(self) -> "Value":
        """Returns a new leaf with the same number, which no gradient flows through."""
        return Value(self._data, self.name, requires_grad=False)

    def backward(self, adjoint: float = 1.0) -> None:
        """Adds d self / d leaf, times the adjoint, to the `grad` of every leaf below.

        An inner node's `grad` becomes its adjoint in this sweep.

        Raises:
            RuntimeError: nothing below requires a gradient, or a leaf was changed since.
            ValueError: the adjoint is not a finite number.

        >>> x = Value(3.0)
        >>> (x * x).backward()
        >>> x.grad
        6.0
        """
        backward(self, adjoint)

    # ---- how a graph is recorded ---------------------------------------------------------------

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> "Value":
        """Records any row of the table: `op(...)` calls it when it meets a `Value`."""
        # The method of that name is the quicker way, if it is this row's: one that was never
        # registered, or was replaced since, is recorded all the same.
        if op.is_simple and op.arity == 1 and TABLE.get(op.name) is op and not in_use:
            return getattr(operands[0], op.name)()  # type: ignore[no-any-return]
        values = []
        for operand in op.with_defaults(operands):
            value = as_value(operand)
            if value is None:
                raise TypeError(f"{op.name}() takes numbers and Values, got {operand!r}")
            if type(value)._apply_ is not Value._apply_:  # a more special kind of number
                return value._apply_(op, operands)
            values.append(value)
        return _record(op, tuple(values))

    clamp = ops.clamp
    maximum = ops.maximum
    minimum = ops.minimum

    if TYPE_CHECKING:  # the rows of the table, which `methods` makes methods

        def __getattr__(self, name: str) -> Callable[..., "Value"]: ...
        def __add__(self, other: Any) -> "Value": ...
        def __radd__(self, other: Any) -> "Value": ...
        def __sub__(self, other: Any) -> "Value": ...
        def __rsub__(self, other: Any) -> "Value": ...
        def __mul__(self, other: Any) -> "Value": ...
        def __rmul__(self, other: Any) -> "Value": ...
        def __truediv__(self, other: Any) -> "Value": ...
        def __rtruediv__(self, other: Any) -> "Value": ...
        def __pow__(self, other: Any) -> "Value": ...
        def __rpow__(self, other: Any) -> "Value": ...
        def __neg__(self) -> "Value": ...
        def __pos__(self) -> "Value": ...
        def __abs__(self) -> "Value": ...
        def __floor__(self) -> "Value": ...
        def __round__(self, digits: int = 0) -> "Value": ...

    # ---- how it behaves as a number --------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Number) or is_number(other):
            raise TypeError(f"a Value is a node and never equals {other!r}. Write v.data == number")
        return True if self is other else NotImplemented

    __hash__ = Node.__hash__

    @_of_its_stand_in
    def __lt__(self, other: Any) -> Any:
        return _compare(operator.lt, self, other)

    @_of_its_stand_in
    def __le__(self, other: Any) -> Any:
        return _compare(operator.le, self, other)

    @_of_its_stand_in
    def __gt__(self, other: Any) -> Any:
        return _compare(operator.gt, self, other)

    @_of_its_stand_in
    def __ge__(self, other: Any) -> Any:
        return _compare(operator.ge, self, other)

    @_of_its_stand_in
    def __bool__(self) -> bool:
        return bool(self._data)

    __float__ = _refused("float()", "exp(v) from micrograd_notes, not math.exp(v), or v.data")
    __complex__ = _refused("complex()", "complex(v.data)")
    __int__ = __trunc__ = _refused("int()", "floor(v), which records, or int(v.data)")
    __ceil__ = _refused("ceil()", "-floor(-v), which records, or math.ceil(v.data)")
    __index__ = _refused("an index", "pick(values, v), which records, or values[int(v.data)]")
    __mod__ = __rmod__ = _refused("%", "a - b * floor(a / b)")
    __floordiv__ = __rfloordiv__ = _refused("//", "floor(a / b)")
    __divmod__ = __rdivmod__ = _refused("divmod()", "floor(a / b), and a - b * floor(a / b)")

    @_of_its_stand_in
    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    @_of_its_stand_in
    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        return f"Value(data={self._data}, grad={self.grad}{name})"

    @_of_its_stand_in
    def __copy__(self) -> "Value":
        value = self.detach()
        value.op, value._left, value._right = self.op, self._left, self._right
        value._grad, value._born = self._grad, self._born
        value._requires_grad = self._requires_grad
        return value


# ---- making nodes --------------------------------------------------------------------------------

_new = object.__new__


def _node(op: Any, data: float, left: Any, right: Value | None, requires_grad: bool) -> Value:
    """Returns the result of an operation, with its operands."""
    node = _new(Value)
    node._data = data if data.__class__ is float else _result(op, data)
    node._grad = None
    node.op = op
    node.origin = None
    node._left = left
    node._right = right
    node.name = None
    node._requires_grad = requires_grad
    node._born = _clock
    return node


def _leaf(op: Op, data: float, operands: Iterable[Value]) -> Value:
    """Returns a result as `no_grad` has it: it forgets all but one leaf that it depends on.

    By that note a module tells a weight which was computed, and can't learn, from a kept output.
    """
    leaf = _node(op, data, None, None, False)
    leaf.op = None
    for operand in operands:
        if operand._left is not None:
            leaf.origin = leaf_behind(operand)
        elif operand._requires_grad or operand.origin is not None:  # the same, without a call
            leaf.origin = operand.origin or ref(operand)
        if leaf.origin is not None:
            break
    return leaf


def _record(op: Op, values: tuple[Value, ...]) -> Value:
    """Computes any row of the table and records it, as the modes of the running context ask."""
    forgets, lookout, stand_ins = modes.asked() if in_use else modes.NOTHING
    if stand_ins:
        values = tuple([stand_ins.get(id(value), value) for value in values])
        special = [value for value in values if value.__class__ is not Value]
        if special:
            return special[0]._apply_(op, values)
    try:
        if len(values) == 2:
            data = op.forward(values[0]._data, values[1]._data)
        else:
            data = op.forward(*[value._data for value in values])
    except (ArithmeticError, ValueError) as error:
        raise op.explained(error, given(values)) from None
    if forgets and lookout is None:
        return _leaf(op, data, values)
    if op.is_simple:
        left, right = values if len(values) == 2 else (values[0], None)
        requires_grad = left._requires_grad or (right is not None and right._requires_grad)
        node = _node(op, data, left, right, requires_grad)
    else:
        wanted = [x for i, x in enumerate(values) if op.is_differentiated(i)]
        node = _node(op, data, values, None, any(x._requires_grad for x in wanted))
    if lookout is not None:
        lookout.made(node)
    return _leaf(op, data, values) if forgets else node


def _result(op: Op, data: Any) -> float:
    if isinstance(data, float):  # NumPy's
        return float(data)
    return _to_float(data, f"{op.name}: the result of forward")


def method_of_one_operand(op: Op) -> Callable[[Value], Value]:
    forward = op.forward

    def method(self: Value) -> Value:
        if in_use:
            return _record(op, (self,))
        try:
            data = forward(self._data)
        except (ArithmeticError, ValueError) as error:
            raise op.explained(error, given([self])) from None
        return _node(op, data, self, None, self._requires_grad)

    return method


def method_of_two_operands(op: Op) -> Callable[[Value, Any], Any]:
    forward = op.forward

    def method(self: Value, other: Any) -> Any:
        if other.__class__ is not Value:
            other = as_value(other)
            if other is None:
                return NotImplemented
        asked = modes.asked() if in_use else None  # one question; the rest no other thread decides
        if asked is not None and asked is not FORGETS:
            return _record(op, (self, other))
        try:
            data = forward(self._data, other._data)
        except (ArithmeticError, ValueError) as error:
            raise op.explained(error, given([self, other])) from None
        if asked is not None:
            return _leaf(op, data, (self, other))
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
        node._born = _clock
        return node

    return method


def method_of_any_operands(op: Op) -> Callable[..., Value]:
    def method(*operands: Any) -> Value:
        return Value._apply_(op, operands)

    return method


def _to_float(number: Any, name: str = "data") -> float:
    """Returns the number as a float; TypeError with its name and advice if it is not one."""
    if is_number(number):
        try:
            return float(number)
        except OverflowError:
            raise OverflowError(f"{name} is too large for a float: {shown(number)}") from None
    advice = "Give an int or a float"
    if isinstance(number, Value):
        advice = "Use the Value as it is, or its .data"
    elif hasattr(number, "shape"):
        advice = "Make a list of Values, [Value(x) for x in array], or use array.item()"
    raise TypeError(f"{name} must be a number, got {shown(number)}. {advice}")


def as_value(operand: Any) -> Value | None:
    """Returns the operand as a `Value`: a plain number needs no gradient. None if it is neither."""
    if operand.__class__ is float:
        return _node(None, operand, None, None, False)  # sooner than Value(...)
    if isinstance(operand, Value):
        return operand
    if not is_number(operand):
        return None
    return _node(None, _to_float(operand, "operand"), None, None, False)


def listed_values(name: str, given: Any, advice: str) -> list[Value]:
    """Returns the `Value`s that an ordered iterable gives, as a list; or TypeError."""
    if not isinstance(given, Iterable) or isinstance(given, Mapping | Set | str | bytes):
        raise TypeError(f"{name} must be a list of Values, got {shown(given)}. {advice}")
    for value in (values := list(given)):
        if not isinstance(value, Value):
            raise TypeError(f"{name} must hold Values only, got {shown(value)}. {advice}")
    return values


def _compare(relation: Callable[[Any, Any], Any], a: Value, b: Any) -> Any:
    if isinstance(b, Value):
        return relation(a._data, b._data)
    if is_number(b):
        return relation(a._data, b)
    return NotImplemented


# ---- gradients -------------------------------------------------------------------------------


def backward(root: Value, adjoint: float = 1.0) -> None:
    """Adds d root / d leaf, times the adjoint, to the `grad` of every leaf: see `Value.backward`.

    It does what folding up `sweep` does, bit for bit, without a step object an edge.
    """
    _check_differentiable(root)
    adjoint = finite_number("adjoint", adjoint)
    order = topological_order(root)
    with _sweeping:
        leaves = [(node, node._grad) for node in order if node._left is None]
        lookout = modes.asked().lookout if in_use else None
        if lookout is not None:
            lookout.rehearse(root, adjoint, leaves)
        try:
            try:
                sweep_numbers(order, adjoint)
            except (TypeError, ValueError, OverflowError) as error:
                sweep_again(order, adjoint, error)
        except BaseException:
            for node in order:
                node._grad = None
            for leaf, before in leaves:
                leaf._grad = before
            raise
        for leaf, before in leaves:
            if before is not None and leaf._requires_grad:
                leaf._grad += before  # type: ignore[operator]
        for reference in tuple(_witnesses):
            witness = reference()
            if witness is not None:
                witness.swept(leaves)


def tell_of_sweeps(witness: Any) -> None:
    """Calls `witness.swept(leaves)` after each `backward`, as long as there is the witness.

    Each leaf comes with the gradient that it had before, None if it had none.
    """
    _witnesses.append(ref(witness, _witnesses.remove))


def grad(output: Value, inputs: Value | Iterable[Value]) -> list[Value]:
    """Returns d output / d input for each input, as `Value`s that can be differentiated again.

    No `.grad` changes. An input that the output does not depend on has the derivative 0.

    Raises:
        TypeError: an input is no `Value`.
        ValueError: an input has requires_grad=False.

    >>> x = Value(2.0)
    >>> (first,) = grad(x**3, [x])
    >>> (second,) = grad(first, [x])
    >>> first.data, second.data
    (12.0, 12.0)
    """
    if not isinstance(output, Value):
        raise TypeError(f"output must be a Value, got {shown(output)}")
    wanted = [inputs] if isinstance(inputs, Value) else listed_values("inputs", inputs, "Give [x]")
    for value in wanted:
        if not value._requires_grad:
            raise ValueError(f"inputs: {described(value)} has requires_grad=False")
    totals: dict[Value, Any] = {output: 1.0}
    steps = sweep(output, recorded=True)
    lookout = modes.asked().lookout
    for step in steps if lookout is None else lookout.passed(steps):
        totals[step.operand] = step.total
    return [_as_new(totals.get(value, 0.0), totals) for value in wanted]


def _as_new(derivative: Any, graph: Container[Node]) -> Value:
    """Returns a derivative as a node of its own.

    The derivative of exp(x) is the node exp(x) itself, and that of a*b the leaf b. Whoever names a
    derivative, or sets its data, is not to change the graph that it was taken of.
    """
    if not isinstance(derivative, Value):
        return Value(derivative, requires_grad=False)
    return +derivative if derivative._left is None or derivative in graph else derivative


def _check_differentiable(root: Value) -> None:
    if not isinstance(root, Value):
        raise TypeError(f"root must be a Value, got {shown(root)}")
    if not root._requires_grad:
        raise RuntimeError(
            f"{described(root)} needs no gradient: it was made from plain numbers, from leaves "
            "with requires_grad=False, or under no_grad()"
        )
