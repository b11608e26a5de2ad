"""What an operation is: a row of the table, and the table itself.

This file knows what a row holds and how it is called, registered and found. It holds no operation
(they are in `ops`) and knows nothing of graphs. A row that is called with numbers gives a number;
an operand that is more than a number takes the call over, by its method `_apply_`.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.checks import is_number as is_number

Forward = Callable[..., Any]
Partial = Callable[..., Any] | float | None  # a number is the partial at every point
Interval = tuple[float, float]

EVERYWHERE: Interval = (-math.inf, math.inf)
_PLAIN_NUMBERS = frozenset({float, int, bool})


@dataclass(frozen=True, eq=False, repr=False)
class Op:
    """A row of the table: one operation on numbers.

    Call it as a function: with numbers it gives a number, with a `Value` among them a `Value`.

    Args:
        name: an identifier; the name of the function, and of the method of `Value`.
        forward: the operation on floats. It raises where it is not defined, as Python does.
        partials: one function (result, *operands) -> number an operand; a number where the partial
            is the same everywhere; `None` for an operand that is not differentiated. Or, for any
            number of operands, one function that returns a list.
        symbol: the label in a picture, `+`; the name by default.
        numpy: the spelling in NumPy, `np.maximum({0}, 0)`. `{0}` and `{1}` are operands. Of any
            number of them, `{all}` is the array with the operands along its last axis, and `{rest}`
            that of all operands but the first, along its first axis. A custom operation that states
            none is lifted by what its `forward` does.
        neutral: for a row of any number of operands whose order does not matter: the operand that
            changes nothing, as -inf does not change a maximum.
        method: Python's special method without its underscores, `add` for `__add__` and `__radd__`.
        defaults: the last operands, where they may be left out.
        domain: for each operand the interval in which the operation is defined. Whether an end
            belongs to it is for `forward` to say.
        kinks: a function of the operands that is zero where the operation has a kink or a jump.
        mpmath: the same operation in any precision, as a name in mpmath or a function (mp,
        *operands).
        ulps: the largest error of a partial, in units in the last place of `scale`, where no number
            on the way to it is subnormal or overflows. By default a built-in row promises 4, and a
            row of one's own promises nothing, which is `inf`.
        scale: what the error of the partials is measured against: by default the partial itself.
            For a sum that cancels, the sum of the magnitudes of its terms.
        gain: for an activation of neurons, what the spread of the weights is multiplied by, so that
            the spread of the signals stays the same from layer to layer.

    >>> from micrograd_notes.engine.ops import tanh
    >>> tanh
    Op(tanh)
    >>> tanh(0.5)
    0.46211715726000974
    """

    name: str
    forward: Forward
    partials: tuple[Partial, ...] | Callable[..., Any]
    symbol: str
    numpy: str
    method: str | None = None
    defaults: tuple[float, ...] = ()
    domain: tuple[Interval, ...] = ()
    kinks: Callable[..., float] | None = None
    mpmath: str | Callable[..., Any] | None = None
    ulps: float = 4.0
    scale: Callable[..., float] | None = None
    gain: float | None = None
    neutral: float | None = None

    @cached_property
    def arity(self) -> int | None:
        """The number of operands; None for any number of them."""
        return len(self.partials) if isinstance(self.partials, tuple) else None

    @cached_property
    def is_simple(self) -> bool:
        """Whether it has one or two operands, all of them differentiated, as most rows have."""
        return self.arity in (1, 2) and all(map(self.is_differentiated, range(self.arity)))

    @cached_property
    def chooses(self) -> bool:
        """Whether the first operand is an index, which chooses among the others."""
        return "{rest}" in self.numpy

    def is_differentiated(self, index: int) -> bool:
        """Returns whether the operand at `index` has a partial derivative."""
        return not isinstance(self.partials, tuple) or self.partials[index] is not None

    def local_partials(
        self, wanted: Iterable[int], result: Any, operands: Sequence[Any]
    ) -> list[Any]:
        """Returns the local partial with respect to each operand whose index is wanted.

        >>> from micrograd_notes.engine.ops import multiply
        >>> multiply.local_partials([0, 1], 6.0, (2.0, 3.0))
        [3.0, 2.0]
        """
        if isinstance(self.partials, tuple):
            return [_at(self.partials[index], result, operands) for index in wanted]
        partials = self.partials(result, *operands)
        if not isinstance(partials, list | tuple):
            raise TypeError(
                f"{self.name}: partials=[function, ...] for a fixed number of operands; a single "
                f"function returns a list with one number an operand, got {partials!r}"
            )
        if len(partials) != len(operands):
            raise TypeError(
                f"{self.name}: partials returns a list with one number an operand, got "
                f"{len(partials)} numbers for {len(operands)} operands"
            )
        return [partials[index] for index in wanted]

    def with_defaults(self, operands: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns the operands and the defaults of those left out; TypeError if too few or many."""
        if self.arity is None:
            if len(operands) == 1 and isinstance(operands[0], list | tuple):
                operands = tuple(operands[0])  # logsumexp([a, b]) is logsumexp(a, b)
            if not operands:
                raise TypeError(f"{self.name}() got no operand; give it one or more")
            return operands
        missing = self.arity - len(operands)
        if missing == 0:
            return operands
        if 0 < missing <= len(self.defaults):
            return operands + self.defaults[-missing:]
        least = self.arity - len(self.defaults)
        accepted = str(self.arity) if least == self.arity else f"{least} to {self.arity}"
        raise TypeError(f"{self.name}() takes {accepted} operands, got {len(operands)}")

    def __call__(self, *operands: Any) -> Any:
        """Returns a number for numbers, else what the first other operand makes of it."""
        if len(operands) != self.arity:
            operands = self.with_defaults(operands)
        for operand in operands:
            if type(operand) not in _PLAIN_NUMBERS:
                take_over = getattr(operand, "_apply_", None)
                if take_over is not None:
                    return take_over(self, operands)
                if not is_number(operand):
                    raise TypeError(f"{self.name}() takes numbers and Values, got {operand!r}")
        try:
            return self.forward(*operands)
        except (ArithmeticError, ValueError) as error:
            raise self.explained(error, list(map(repr, operands))) from None

    def explained(self, error: Exception, operands: Sequence[str]) -> Exception:
        """Returns the same kind of error, which says what was given and what to give instead."""
        reason = error.args[-1] if error.args else type(error).__name__
        advice = [f"it takes {range_}" for range_ in filter(None, map(self._range, self.domain))]
        if isinstance(error, ZeroDivisionError):
            advice.append("give a number that is not 0")
        elif isinstance(error, OverflowError):
            advice.append("the result is larger than the largest float, 1.8e308")
        return type(error)("; ".join([f"{self.name}({', '.join(operands)}): {reason}", *advice]))

    def _range(self, interval: Interval) -> str:
        """Returns the numbers between the ends in words; whether an end belongs, forward says."""
        low, high = interval
        words = []
        for end, closed, opened in [(low, "from", "above"), (high, "up to", "below")]:
            if math.isfinite(end):
                words.append(f"{closed if self._is_defined_at(end) else opened} {end:g}")
        return "numbers " + " and ".join(words) if words else ""

    def _is_defined_at(self, x: float) -> bool:
        try:
            self.forward(x)
        except (ArithmeticError, ValueError, TypeError):  # TypeError: it has other operands, too
            return False
        return True

    def __repr__(self) -> str:
        return f"Op({self.name})"

    def __reduce__(self) -> tuple[Any, ...]:
        return lookup, (self.name,)  # functions do not pickle; a row is found again by its name

    def __copy__(self) -> "Op":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Op":
        return self


def _at(partial: Partial, result: Any, operands: Sequence[Any]) -> Any:
    """Returns the partial's value at a point."""
    return partial(result, *operands) if callable(partial) else partial


def _as_partial(partial: Partial) -> Partial:
    """Returns the partial, if it is a number then as a float."""
    return float(partial) if is_number(partial) else partial  # type: ignore[arg-type]


TABLE: dict[str, Op] = {}
"""Every operation by its name."""

_built_in: frozenset[str] = frozenset()
_listeners: list[Callable[[Op], None]] = []


def operation(
    name: str,
    forward: Forward,
    partials: Sequence[Partial] | Callable[..., Any],
    *,
    symbol: str | None = None,
    numpy: str | None = None,
    **facts: Any,
) -> Op:
    """Adds a row to the table and returns it. The arguments are those of `Op`.

    A name of one's own may be given again, as happens when a cell of a notebook is run again; the
    new row replaces the old one. A built-in row stays.

    Raises:
        ValueError: the name is no identifier, is built in, or means something else to a `Value`.
        TypeError: forward, a partial or another function is none, or takes other arguments than it
            gets; domain is no tuple of intervals.

    >>> double = operation("double", lambda x: 2 * x, [lambda y, x: 2.0])
    >>> operation("tanh", math.tanh, [lambda y, x: 1 - y * y])
    Traceback (most recent call last):
    ValueError: 'tanh' is a built-in operation and stays as it is; choose another name
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"an operation is named by an identifier like 'softsign', got {name!r}")
    if name in _built_in:
        raise ValueError(
            f"{name!r} is a built-in operation and stays as it is; choose another name"
        )
    for what, text in (("symbol", symbol), ("numpy", numpy)):
        checks.text(f"{name}: {what}", "" if text is None else text)
    rules: Any = partials  # one function, or one per operand
    if not callable(partials):
        rules = tuple(map(_as_partial, checks.listed(f"{name}: partials", partials)))
    _check_functions(name, forward, rules, facts)
    _check_domain(name, facts.get("domain", ()))
    if numpy is None:  # a name of NumPy's may mean something else there: np.sinc(x) has a pi
        numpy = "" if _built_in else f"np.{name}({{all}})"
    if _built_in:
        facts.setdefault("ulps", math.inf)
    op = Op(name, forward, rules, symbol or name, numpy, **facts)
    for listener in _listeners:
        listener(op)
    TABLE[name] = op
    return op


def _check_functions(
    name: str,
    forward: Forward,
    rules: tuple[Partial, ...] | Callable[..., Any],
    facts: dict[str, Any],
) -> None:
    """Raises TypeError where a function takes other arguments than it will get."""
    if rules == ():
        raise TypeError(f"{name}: give one partial for each operand, got none")
    arity = len(rules) if isinstance(rules, tuple) else 2
    operands = ", ".join("xyz"[:arity] if arity <= 3 else [f"x{i + 1}" for i in range(arity)])
    checks.function(f"{name}: forward", forward, arity, f"({operands})")
    for rule in rules if isinstance(rules, tuple) else (rules,):
        if rule is not None and not isinstance(rule, float):
            checks.function(f"{name}: a partial", rule, arity + 1, f"(result, {operands})")
    for what in ("kinks", "scale"):
        if facts.get(what) is not None:
            checks.function(f"{name}: {what}", facts[what], arity, f"({operands})")
    counterpart = facts.get("mpmath")
    if counterpart is not None and not isinstance(counterpart, str):
        checks.function(f"{name}: mpmath", counterpart, arity + 1, f"(mp, {operands})")


def _check_domain(name: str, domain: Any) -> None:
    """Raises TypeError where it is not an interval for each operand, as a lone one is not."""
    try:
        are_intervals = all(low <= high for low, high in domain)
    except (TypeError, ValueError):
        are_intervals = False
    if not are_intervals:
        raise TypeError(
            f"{name}: domain is a tuple of intervals, one an operand, as in "
            f"domain=((0.0, math.inf),), got {domain!r}"
        )


def built_in_rows() -> list[Op]:
    """Returns the rows that the package came with, without those that were registered since.

    >>> len(built_in_rows()) <= len(TABLE)
    True
    """
    return [TABLE[name] for name in TABLE if name in _built_in]


def is_built_in(op: Op) -> bool:
    """Returns whether the package came with the row."""
    return op.name in _built_in


def close_the_built_in_table() -> None:
    """Makes the rows that are there now built-in: none of them can be replaced from here on."""
    global _built_in
    _built_in = frozenset(TABLE)


def lookup(name: str) -> Op:
    """Returns the row of that name.

    >>> lookup("exp")
    Op(exp)
    >>> lookup("exq")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    KeyError: "no operation is named 'exq'; did you mean 'exp'? One of your own is there after ...
    """
    if checks.text("name", name) in TABLE:
        return TABLE[name]
    near = difflib.get_close_matches(name, TABLE, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(TABLE)}."
    raise KeyError(
        f"no operation is named {name!r}; {hint} One of your own is there after you import the "
        f"file, or run the cell, that calls operation({name!r}, ...)"
    )


def on_new_operation(listener: Callable[[Op], None]) -> None:
    """Calls the listener with every row of the table, and with each one that is added later."""
    for op in TABLE.values():
        listener(op)
    _listeners.append(listener)
