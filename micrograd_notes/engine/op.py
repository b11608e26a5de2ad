"""An operation is a row of the table. This file has the row and the table.

A row has a name, its value on floats, and one local slope per operand. Called with numbers it
returns a number; called with a `Value` among them, it asks the `Value` to record it. `ops` holds
the rows. `facts` adds more about each row: its domain, its kinks, its name in NumPy.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from micrograd_notes.common import checks
from micrograd_notes.common.checks import is_number
from micrograd_notes.engine import facts, messages, row_checks
from micrograd_notes.engine.facts import Facts

if TYPE_CHECKING:
    from micrograd_notes.engine.value import Value

Partial = Callable[..., Any] | float | None  # a number is the slope at every point

TABLE: dict[str, "Op"] = {}
"""Every operation by its name."""

_PLAIN_NUMBERS = frozenset({float, int, bool})


@dataclass(frozen=True, eq=False, repr=False)
class Op(Facts):
    """A row of the table: one operation on numbers.

    Args:
        name: an identifier; the name of the function, and of the method of `Value`.
        forward: the operation on floats. It raises where it is not defined, as Python does.
        partials: one function (result, *operands) -> number per operand; a number where the slope
            is the same everywhere; `None` for an operand that is not differentiated. For any number
            of operands: one function that returns a list.
        symbol: the label in a picture, `+`; the name by default.
        method: Python's special method without its underscores, `add` for `__add__` and `__radd__`.
        defaults: the last operands, where they may be left out.
        is_helper: whether it exists for the derivatives of other rows; then it is not a method.

    The further arguments are those of `Facts`.

    >>> from micrograd_notes.engine.ops import tanh
    >>> tanh
    Op(tanh)
    >>> tanh(0.5)
    0.46211715726000974
    """

    name: str
    forward: Callable[..., Any]
    partials: tuple[Partial, ...] | Callable[..., Any]
    symbol: str
    method: str | None = None
    defaults: tuple[float, ...] = ()
    is_helper: bool = False

    @cached_property
    def arity(self) -> int | None:
        """The number of operands; None for any number of them."""
        return len(self.partials) if isinstance(self.partials, tuple) else None

    @cached_property
    def is_simple(self) -> bool:
        """Whether it has one or two operands, all of them differentiated, as most rows have."""
        return self.arity in (1, 2) and all(map(self.is_differentiated, range(self.arity)))

    def is_differentiated(self, index: int) -> bool:
        """Returns whether the operand at `index` has a partial derivative."""
        return not isinstance(self.partials, tuple) or self.partials[index] is not None

    def local_partials(
        self, wanted: Iterable[int], result: Any, operands: Sequence[Any]
    ) -> list[Any]:
        """Returns the local slope with respect to each operand whose index is wanted.

        >>> from micrograd_notes.engine.ops import multiply
        >>> multiply.local_partials([0, 1], 6.0, (2.0, 3.0))
        [3.0, 2.0]
        """
        if not isinstance(self.partials, tuple):
            slopes = messages.partials_listed(self, self.partials(result, *operands), operands)
            return [slopes[index] for index in wanted]
        rules = [self.partials[index] for index in wanted]
        return [rule(result, *operands) if callable(rule) else rule for rule in rules]

    def __call__(self, *operands: Any) -> Any:
        """Returns a number for numbers; a `Value` among the operands records the operation."""
        if len(operands) != self.arity:
            operands = messages.completed(self, operands)
        for operand in operands:
            if type(operand) not in _PLAIN_NUMBERS:
                if hasattr(operand, "_apply_"):
                    return operand._apply_(self, operands)
                if not is_number(operand):
                    raise TypeError(f"{self.name}() takes numbers and Values, got {operand!r}")
        try:
            return self.forward(*operands)
        except (ArithmeticError, ValueError) as error:
            raise messages.explained(error, self, list(map(repr, operands))) from None

    def __repr__(self) -> str:
        return f"Op({self.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        return lookup, (self.name,)  # functions do not pickle; a row is found again by its name

    def __deepcopy__(self, memo: Any = None) -> "Op":
        return self

    __copy__ = __deepcopy__


if TYPE_CHECKING:

    class Row(Op):
        """An `Op`, which type checkers also see as a method of `Value`: x.tanh() is tanh(x)."""

        @overload
        def __get__(self, value: None, kind: Any = None) -> "Row": ...
        @overload
        def __get__(self, value: "Value", kind: Any = None) -> Callable[..., "Value"]: ...
        def __get__(self, value: Any, kind: Any = None) -> Any: ...
else:
    Row = Op

_listeners: list[Callable[[Op], None]] = []


def operation(
    name: str,
    forward: Callable[..., Any],
    partials: Sequence[Partial] | Callable[..., Any],
    *,
    symbol: str | None = None,
    method: str | None = None,
    defaults: tuple[float, ...] = (),
    is_helper: bool = False,
    **facts_given: Any,
) -> Row:
    """Adds a row to the table and returns it. The arguments are those of `Op` and `Facts`.

    You may give a name of your own again, as happens when a cell of a notebook is run again: the
    new row replaces the old one. A built-in row can't be replaced.

    Raises:
        ValueError: the name is not an identifier, is built in, or a `Value` uses it otherwise.
        TypeError: `forward`, a partial or another argument is not callable, or has the wrong number
            of parameters; `domain` is not a tuple of intervals.

    >>> double = operation("double", lambda x: 2 * x, [lambda y, x: 2.0])
    >>> double(3.0), double.partials[0](6.0, 3.0)
    (6.0, 2.0)
    """
    further = {"symbol": symbol, "method": method, "defaults": defaults, **facts_given}
    rules = row_checks.checked(name, forward, partials, further, TABLE)
    stated = vars(facts.of(name, facts_given))
    is_helper = checks.flag("is_helper", is_helper)
    op = Row(name, forward, rules, symbol or name, method, defaults, is_helper, **stated)
    for listener in _listeners:
        listener(op)
    TABLE[name] = op
    return op


def lookup(name: str) -> Op:
    """Returns the row of that name.

    >>> lookup("exp")
    Op(exp)
    >>> lookup("exq")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    KeyError: "no operation is named 'exq'; did you mean 'exp'? One of your own is there after ...
    """
    if checks.text("name", name) not in TABLE:
        raise KeyError(messages.unknown_operation(name, list(TABLE)))
    return TABLE[name]


def is_built_in(op: Op) -> bool:
    """Returns whether the package came with the row."""
    return op.name in facts.BUILT_IN


def built_in_rows() -> list[Op]:
    """Returns the rows that the package came with, without those that you registered.

    >>> len(built_in_rows()) <= len(TABLE)
    True
    """
    return list(filter(is_built_in, TABLE.values()))


def on_new_operation(listener: Callable[[Op], None]) -> None:
    """Calls the listener with every row of the table, and with each one that is added later."""
    for op in TABLE.values():
        listener(op)
    _listeners.append(listener)
