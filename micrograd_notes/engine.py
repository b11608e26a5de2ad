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
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from numbers import Number
from threading import RLock, get_ident
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

from micrograd_notes import ops
from micrograd_notes.anomaly import AnomalyError, Lookout
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

_clock = 0  # counts the changes of leaves' data; see `Value.data`
_without_recording: set[int] = set()  # the threads that are inside `no_grad`
_lookouts: dict[int, Lookout] = {}  # those that are inside `detect_anomaly`
_unusual: set[int] = set()  # both of them: a node that is made asks one question
_witnesses: list[ReferenceType[Any]] = []  # see `tell_of_sweeps`
_sweeping = RLock()  # sweeps of two threads may share leaves


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
        self._requires_grad = requires_grad
        self._born = _clock
        if name is not None and not isinstance(name, str):
            given_instead = f"{name!r}; operands are not given, a + b records them"
            raise TypeError(f"a Value's name is a string, got {given_instead}")
        self.name = name

    # ---- what a node knows ---------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number. A leaf's may be set; an inner node's is the result of its operation.

        A graph that was recorded with the old number can't be differentiated any more: `backward`
        says so rather than mix old and new.
        """
        return self._data

    @data.setter
    def data(self, number: float) -> None:
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
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, number: float | None) -> None:
        self._grad = None if number is None else _to_float(number)

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
        if self._left is not None:
            raise AttributeError(
                "requires_grad can be set on leaves only; use detach() to cut a graph here"
            )
        self._requires_grad = bool(wanted)
        self.origin = None  # it is a leaf that was wanted, also where `no_grad` made it

    def item(self) -> float:
        """Returns the number alone, as PyTorch's `item` does."""
        return self._data

    def detach(self) -> "Value":
        """Returns a new leaf with the same number, which no gradient flows through."""
        return Value(self._data, self.name, requires_grad=False)

    def backward(self, adjoint: float = 1.0) -> None:
        """Adds d self / d leaf, times the adjoint, to the `grad` of every leaf below.

        An inner node's `grad` becomes its adjoint in this sweep.

        Raises:
            RuntimeError: nothing below requires a gradient, or a leaf was changed since.

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
        if op.is_simple and op.arity == 1 and TABLE.get(op.name) is op:
            return getattr(operands[0], op.name)()  # type: ignore[no-any-return]
        values = []
        for operand in op.with_defaults(operands):
            value = as_value(operand)
            if value is None:
                raise TypeError(f"{op.name}() takes numbers and Values, got {operand!r}")
            values.append(value)
        try:
            data = op.forward(*[value._data for value in values])
        except (ArithmeticError, ValueError) as error:
            raise _explained(error, op, values) from None
        requires_grad = any(
            value._requires_grad and op.is_differentiated(i) for i, value in enumerate(values)
        )
        if op.is_simple:
            left, right = values[0], values[1] if len(values) == 2 else None
            return _node(op, data, left, right, requires_grad)
        return _node(op, data, tuple(values), None, requires_grad)

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

    def __lt__(self, other: Any) -> Any:
        return _compare(operator.lt, self, other)

    def __le__(self, other: Any) -> Any:
        return _compare(operator.le, self, other)

    def __gt__(self, other: Any) -> Any:
        return _compare(operator.gt, self, other)

    def __ge__(self, other: Any) -> Any:
        return _compare(operator.ge, self, other)

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

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        return f"Value(data={self._data}, grad={self.grad}{name})"

    def __copy__(self) -> "Value":
        value = self.detach()
        value.op, value._left, value._right = self.op, self._left, self._right
        value._grad, value._born = self._grad, self._born
        value._requires_grad = self._requires_grad
        return value


# ---- making nodes --------------------------------------------------------------------------------

_new = object.__new__


def _node(op: Op, data: float, left: Any, right: Value | None, requires_grad: bool) -> Value:
    """Returns the result of an operation: with its operands, or without them under `no_grad`."""
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
    if _unusual and get_ident() in _unusual:
        _as_the_thread_wants_it(node)
    return node


def _result(op: Op, data: Any) -> float:
    try:
        return _to_float(data)
    except (TypeError, OverflowError) as error:
        raise type(error)(f"{op.name}: forward must return a real number; {error}") from None


def _as_the_thread_wants_it(node: Value) -> None:
    """Looks at a new node in `detect_anomaly`, and makes it a leaf in `no_grad`."""
    thread = get_ident()
    if thread in _lookouts:
        _lookouts[thread].made(node)
    if thread in _without_recording:
        node.origin = leaf_behind(node)
        node.op = node._left = node._right = None
        node._requires_grad = False


def method_of_one_operand(op: Op) -> Callable[[Value], Value]:
    forward = op.forward

    def method(self: Value) -> Value:
        try:
            data = forward(self._data)
        except (ArithmeticError, ValueError) as error:
            raise _explained(error, op, [self]) from None
        return _node(op, data, self, None, self._requires_grad)

    return method


def method_of_two_operands(op: Op) -> Callable[[Value, Any], Any]:
    forward = op.forward

    def method(self: Value, other: Any) -> Any:
        if other.__class__ is not Value:
            other = as_value(other)
            if other is None:
                return NotImplemented
        try:
            data = forward(self._data, other._data)
        except (ArithmeticError, ValueError) as error:
            raise _explained(error, op, [self, other]) from None
        requires_grad = self._requires_grad or other._requires_grad
        if _unusual or data.__class__ is not float:
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


def _to_float(number: Any) -> float:
    """Returns the number as a float; TypeError with advice if it is none."""
    if is_number(number):
        try:
            return float(number)
        except OverflowError:
            raise OverflowError(f"{str(number)[:20]}... is too large for a float") from None
    if isinstance(number, Value):
        raise TypeError("expected a number, got a Value; use it as it is, or its .data")
    if hasattr(number, "shape"):
        raise TypeError(
            f"a Value holds one number, got {type(number).__name__} of shape "
            f"{tuple(number.shape)}; make a list of Values, [Value(x) for x in array], or use "
            "array.item()"
        )
    raise TypeError(
        f"a Value holds one real number, got {number!r} of type {type(number).__name__}; "
        "give an int or a float"
    )


def as_value(operand: Any) -> Value | None:
    """Returns the operand as a `Value`: a plain number needs no gradient. None if it is neither."""
    if operand.__class__ is float:
        return Value(operand, None, False)
    if isinstance(operand, Value):
        return operand
    return Value(_to_float(operand), None, False) if is_number(operand) else None


def _compare(relation: Callable[[Any, Any], Any], a: Value, b: Any) -> Any:
    if isinstance(b, Value):
        return relation(a._data, b._data)
    if is_number(b):
        return relation(a._data, b)
    return NotImplemented


def _explained(error: Exception, op: Op, operands: Iterable[Value]) -> Exception:
    """Returns the same kind of error, with a message that names operation, numbers and nodes."""
    return op.explained(error, given(operands))


# ---- gradients -------------------------------------------------------------------------------


def backward(root: Value, adjoint: float = 1.0) -> None:
    """Adds d root / d leaf, times the adjoint, to the `grad` of every leaf: see `Value.backward`.

    It does what folding up `sweep` does, bit for bit, without a step object an edge.
    """
    _check_differentiable(root)
    adjoint = _to_float(adjoint)
    order = topological_order(root)
    with _sweeping:
        leaves = [(node, node._grad) for node in order if node._left is None]
        if _unusual and get_ident() in _lookouts:
            _lookouts[get_ident()].rehearse(root, adjoint, leaves)
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
        raise TypeError(f"a derivative is taken of a Value, got {output!r}")
    if not isinstance(inputs, Value | Iterable):
        raise TypeError(f"a derivative is taken with respect to Values, got {inputs!r}")
    wanted = [inputs] if isinstance(inputs, Value) else list(inputs)
    for value in wanted:
        if not isinstance(value, Value):
            raise TypeError(f"a derivative is taken with respect to a Value, got {value!r}")
        if not value._requires_grad:
            raise ValueError(f"{described(value)} has requires_grad=False, so it has no gradient")
    totals: dict[Value, Any] = {output: 1.0}
    steps = sweep(output, recorded=True)
    lookout = _lookouts.get(get_ident())
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
        raise TypeError(f"gradients start from a Value, got {root!r}")
    if not root._requires_grad:
        raise RuntimeError(
            f"{described(root)} needs no gradient: it was made from plain numbers, from leaves "
            "with requires_grad=False, or under no_grad()"
        )


@contextmanager
def no_grad() -> Iterator[None]:
    """Records nothing inside, in this thread: results are leaves that need no gradient.

    It serves as a decorator too, as PyTorch's does.

    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.operands, y.requires_grad
    ((), False)
    """
    thread = get_ident()
    outermost = thread not in _without_recording
    _without_recording.add(thread)
    _unusual.add(thread)
    try:
        yield
    finally:
        if outermost:
            _without_recording.discard(thread)
            if thread not in _lookouts:
                _unusual.discard(thread)


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raises inside, in this thread, at the first number that is NaN or infinite.

    A result is looked at as it is computed, a gradient as `backward` or `grad` passes it on; then
    no gradient has changed. An infinite partial is no anomaly where the adjoint that it meets is 0,
    as in the branch of a `where` that is not chosen. It takes time, and costs nothing when it is
    off. It serves as a decorator too.

    Raises:
        AnomalyError: a FloatingPointError that names the operation, its operands and the line that
            made the node; `error.node` is the node, to look at or to draw.

    >>> x = Value(1e200, name="x")
    >>> with detect_anomaly():  # doctest: +ELLIPSIS
    ...     y = x * x + 1.0
    Traceback (most recent call last):
    micrograd_notes.anomaly.AnomalyError: multiply(x=1e+200, x=1e+200) is inf, though its ...
    """
    thread = get_ident()
    outermost = thread not in _lookouts
    if outermost:
        _lookouts[thread] = Lookout()
        _unusual.add(thread)
    try:
        yield
    finally:
        if outermost:
            del _lookouts[thread]
            if thread not in _without_recording:
                _unusual.discard(thread)
