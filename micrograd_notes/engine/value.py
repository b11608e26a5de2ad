"""A number that remembers how it was made. Start here.

`a + b` on two `Value`s computes the sum, and returns a new `Value` that keeps the operation and its
operands. The values form a graph, which `backward` walks back with the chain rule: read that file
next. `ops` has the operations. There are no reference cycles in a graph, so it is freed as soon as
its result is, and no recursion, so it may be a million operations deep.
"""

from typing import Any, Never

from micrograd_notes.common.checks import flag, is_number, shown
from micrograd_notes.engine import backward, functions, messages, modes
from micrograd_notes.engine.messages import as_float, described
from micrograd_notes.engine.number_like import NumberLike
from micrograd_notes.engine.op import Op

clock = 0  # counts how often the data of a leaf was set
freezings = 0  # counts how often a leaf was frozen or thawed; lifted programs look here


class Value(NumberLike):
    """A number in a computation graph.

    Args:
        data: the number; kept as a Python float.
        name: what pictures and messages call it.
        requires_grad: whether `backward` finds its gradient.

    Raises:
        TypeError: data is not a real number (a string, a complex number, None, an array).

    Every row of the table is a method, `x.tanh()`, and Python's operators record too:

    >>> a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    >>> loss = (a * b + 10).tanh()
    >>> loss.backward()
    >>> round(a.grad, 6), round(b.grad, 6)
    (-0.004023, 0.002682)

    `==` compares identity, because values are the nodes of a graph, and refuses a plain number; `<`
    and the other comparisons compare data. `bool` is that of the data, as with a float.
    """

    __slots__ = ("__weakref__", "_born", "_data", "_grad", "_left", "_requires_grad", "_right",
                 "name", "op", "origin")

    name: str | None
    op: Op | None  # the row of the table that made it; None for a leaf
    origin: Any  # the neuron whose output it is; of a leaf, see `modes.forgotten`
    _left: Any  # the operands: see `operands`
    _right: Any
    _grad: float | None  # None until a backward pass reaches it
    _born: int  # the clock when it was computed, or when its data was set

    def __init__(
        self,
        data: float,
        name: str | None = None,
        requires_grad: bool = True,
        **differs: Never,
    ) -> None:
        if differs:
            raise TypeError(messages.unexpected(differs))
        self._data = data if data.__class__ is float else as_float(data)
        self._grad = self.op = self.origin = None
        self._left = self._right = None
        self._born = clock
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a text, got {shown(name)}. For operands, write a + b")
        self.name = name
        if requires_grad.__class__ is not bool:
            requires_grad = flag("requires_grad", requires_grad)
        self._requires_grad = requires_grad

    @property
    def operands(self) -> tuple["Value", ...]:
        """The values it was made from, in order; `x*x` has two. Empty for a leaf."""
        # One or two stand in slots: a tuple per node would double what the garbage collector walks.
        left, right = self._left, self._right
        if right is not None:
            return (left, right)
        if left is None:
            return ()
        return left if isinstance(left, tuple) else (left,)

    @operands.setter
    def operands(self, values: tuple["Value", ...]) -> None:
        values = tuple(values)
        is_packed = 0 < len(values) <= 2 and self.op is not None and self.op.is_simple
        self._left, self._right = (*values, None)[:2] if is_packed else (values or None, None)

    @property
    def data(self) -> float:
        """The number. You can set that of a leaf; another's is the result of its operation.

        A graph that was recorded with the old number can't be differentiated any more: `backward`
        refuses, rather than mix old and new.
        """
        return self._data

    @data.setter
    def data(self, number: float) -> None:
        if self.op is not None:
            raise AttributeError(
                f"{described(self)} is the result of an operation, so its data can't be set; "
                "set the data of the leaves it was made from and compute it again"
            )
        global clock
        self._data = as_float(number)
        clock += 1
        self._born = clock

    @property
    def grad(self) -> float:
        """The gradient of a leaf, which adds up; of an inner node, its adjoint in the last sweep.

        0.0 before the first `backward`. Use `has_grad` to distinguish "no gradient yet" from a
        gradient of zero.
        """
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, number: float | None) -> None:
        self._grad = None if number is None else as_float(number, "grad")

    @property
    def has_grad(self) -> bool:
        """Whether a backward pass reached it, or `grad` was set. `grad = None` takes it back."""
        return self._grad is not None

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows into it. You can set that of a leaf, to freeze it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self.op is not None:
            raise AttributeError(
                "requires_grad can be set on leaves only; use detach() to cut a graph here"
            )
        global freezings
        self._requires_grad = flag("requires_grad", wanted)
        freezings += 1
        self.origin = None  # it is a leaf that was wanted, also where `no_grad` made it

    def item(self) -> float:
        """Returns the number alone, as PyTorch's `item` does."""
        return self.data

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
        backward.backward(self, adjoint)

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> Any:
        """Records any row of the table: `op(...)` calls it when it meets a `Value`."""
        return recorder(op, operands)

    maximum, minimum, clamp = functions.maximum, functions.minimum, functions.clamp

    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        return f"Value(data={self._data}, grad={self.grad}{name})"


# ---- how a graph is recorded ---------------------------------------------------------------------


def record(op: Op, operands: tuple[Any, ...]) -> Any:
    """Computes an operation, and returns its result: a `Value` that keeps op and operands."""
    values = modes.standing_for(tuple([_operand(op, x) for x in messages.completed(op, operands)]))
    for value in values:
        if value._apply_ is not Value._apply_:  # it records in its own way
            return value._apply_(op, values)
    try:
        data = op.forward(*[value._data for value in values])
    except (ArithmeticError, ValueError) as error:
        raise messages.explained(error, op, messages.given(values)) from None
    result = Value(messages.result_as_float(op, data))
    result.op, result.operands = op, values
    result._requires_grad = any(
        value._requires_grad and op.is_differentiated(index) for index, value in enumerate(values)
    )
    return modes.kept(result)


recorder = record  # `fast` replaces it by the same, written out for one and two operands


def as_value(operand: Any) -> Value | None:
    """Returns the operand as a `Value`: a plain number needs no gradient. None if it is neither."""
    if isinstance(operand, Value):
        return operand
    return Value(as_float(operand, "operand"), None, False) if is_number(operand) else None


def _operand(op: Op, operand: Any) -> Value:
    value = as_value(operand)
    if value is None:
        raise TypeError(f"{op.name}() takes numbers and Values, got {operand!r}")
    return value
