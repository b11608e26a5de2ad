"""Functions that are built from rows of the table: maximum, minimum, clamp, pick and softmax."""

from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.checks import is_number
from micrograd_notes.engine import ops
from micrograd_notes.engine.helper_ops import (
    at_least,
    at_most,
    exponential_shares,
    largest,
    smallest,
)
from micrograd_notes.engine.op import Op

__all__ = ["clamp", "maximum", "minimum", "pick", "softmax"]

def maximum(*xs: Any) -> Any:
    """Returns the largest of two or more operands: max(x1, ..., xn).

    At a tie of n `Value`s each gets 1/n of the gradient, so that no order of the operands matters.
    A plain number is a bound rather than a competitor: at a tie with it, the `Value`s get 0.

    >>> maximum(2.0, 3.0)
    3.0
    """
    return _choose("maximum", largest, at_least, xs)


def minimum(*xs: Any) -> Any:
    """Returns the smallest of two or more operands, with ties as in `maximum`.

    >>> minimum([2.0, 3.0, 1.0])
    1.0
    """
    return _choose("minimum", smallest, at_most, xs)


def _choose(name: str, among_values: Op, with_a_number: Op, xs: tuple[Any, ...]) -> Any:
    xs = _operands(name, xs)
    bounds = [x for x in xs if is_number(x)]
    values = [x for x in xs if not is_number(x)]
    if not bounds or not values:
        return among_values(*xs)
    value = values[0] if len(values) == 1 else among_values(*values)
    return with_a_number(value, among_values(*bounds))


def _operands(name: str, xs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the operands, given one by one or as a list; TypeError if one is not a number."""
    if len(xs) == 1 and isinstance(xs[0], list | tuple):
        xs = tuple(xs[0])
    if not xs:
        raise TypeError(f"{name}() got no operand; give it one or more")
    for x in xs:
        checks.operand(f"each operand of {name}()", x)
    return xs


def clamp(x: Any, low: Any = None, high: Any = None) -> Any:
    """Returns x kept between low and high; either may be left out. The gradient at a bound is 0.

    >>> clamp(5.0, 0.0, 1.0), clamp(-5.0, high=1.0)
    (1.0, -5.0)
    """
    _operands("clamp", (x, *(0.0 if bound is None else bound for bound in (low, high))))
    if is_number(low) and is_number(high) and low > high:
        raise ValueError(f"clamp() got low={low!r} above high={high!r}; exchange them")
    if low is not None:
        x = maximum(x, low)
    return x if high is None else minimum(x, high)


def pick(values: Any, index: Any) -> Any:
    """Returns values[index], where the index may be data that a lifted program does not know yet.

    By a plain number it is the value itself, and no other is looked at. By a `Value` it is an
    operation of the table, whose derivative is 1 for the value that is picked and 0 for the others.
    Values are numbers, or rows of them, of which a row is picked.

    Raises:
        TypeError: the index is not a whole number.
        IndexError: there is no such value. A negative index counts nothing.

    >>> pick([2.0, 3.0, 5.0], 1)
    3.0
    >>> pick([[1.0, 2.0], [3.0, 4.0]], 1)
    [3.0, 4.0]
    """
    values = checks.listed("values", values)
    if is_number(index):
        if not index % 1 == 0:
            raise TypeError(f"pick(values, index) takes a whole number as index, got {index!r}")
        if not 0 <= index < len(values):
            raise IndexError(f"pick() got index {index} for {len(values)} values, counted from 0")
        return values[int(index)]
    if isinstance(values[0], list | tuple):
        return [pick(column, index) for column in zip(*values, strict=True)]
    return ops.pick_by(index, *values)


def softmax(*xs: Any) -> list[Any]:
    """Returns exp(x) / sum of exp(x) for each x: positive numbers that add up to 1.

    It is the gradient of `logsumexp`.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    return exponential_shares(None, *_operands("softmax", xs))
