"""The words of the engine's errors.

`value`, `backward` and `op` call these, so that they can be read without the wording. No function
here changes anything.
"""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from micrograd_notes.common.checks import is_number, is_value, shown

if TYPE_CHECKING:
    from micrograd_notes.engine.op import Op
    from micrograd_notes.engine.value import Value


# ---- how a message names a value -----------------------------------------------------------------


def described(node: "Value") -> str:
    """Returns the node as a message names it."""
    of = "a leaf" if node.op is None else f"the result of {node.op.name}"
    return repr(node.name) if node.name else f"Value({node._data!r}), {of}"


def given(operands: Iterable["Value"]) -> list[str]:
    """Returns the operands as a message lists them: their numbers, by name where they have one.

    >>> from micrograd_notes import Value
    >>> given([Value(2.0, name="x"), Value(3.0)])
    ['x=2.0', '3.0']
    """
    return [f"{v.name}={v._data!r}" if v.name else repr(v._data) for v in operands]


def unexpected(keywords: Mapping[str, Any]) -> str:
    """Returns what to say of keywords that `Value` does not have; some are micrograd's."""
    ours = {"label": "name=", "_children": "a + b, which records the operands", "_op": "a + b"}
    [first, *_] = keywords
    advice = f"; write {ours[first]}" if first in ours else ""
    return f"Value() has data, name and requires_grad, got {first}={advice}"


# ---- numbers -------------------------------------------------------------------------------------


def as_float(number: Any, name: str = "data") -> float:
    """Returns the number as a float; TypeError with its name and advice if it is not one."""
    if is_number(number):
        try:
            return float(number)
        except OverflowError:
            raise OverflowError(f"{name} is too large for a float: {shown(number)}") from None
    advice = "Give an int or a float"
    if is_value(number):
        advice = "Use the Value as it is, or its .data"
    elif hasattr(number, "shape"):
        advice = "Make a list of Values, [Value(x) for x in array], or use array.item()"
    raise TypeError(f"{name} must be a number, got {shown(number)}. {advice}")


def result_as_float(op: "Op", result: Any) -> float:
    """Returns what a row's `forward` computed as a float."""
    if isinstance(result, float):  # NumPy's
        return float(result)
    return as_float(result, f"{op.name}: the result of forward")


def partial_as_float(op: "Op", partial: Any) -> float:
    """Returns a local partial as a float; an array of one number is one."""
    try:
        number = partial.item() if getattr(partial, "shape", None) == () else partial
        if is_number(number):
            return float(number)
    except OverflowError:
        pass
    raise TypeError(f"{op.name}: a partial must return a real number, got {partial!r}")


def partials_listed(op: "Op", partials: Any, operands: Sequence[Any]) -> Sequence[Any]:
    """Returns what a single function of partials computed: a list with one number per operand."""
    if not isinstance(partials, list | tuple):
        raise TypeError(
            f"{op.name}: partials=[function, ...] for a fixed number of operands; a single "
            f"function returns a list with one number per operand, got {partials!r}"
        )
    if len(partials) != len(operands):
        raise TypeError(
            f"{op.name}: partials returns a list with one number per operand, got "
            f"{len(partials)} numbers for {len(operands)} operands"
        )
    return partials


# ---- operations and their operands ---------------------------------------------------------------


def unknown_operation(name: str, known: list[str]) -> str:
    """Returns what to say where no operation has that name."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
    return (
        f"no operation is named {name!r}; {hint} One of your own is there after you import the "
        f"file, or run the cell, that calls operation({name!r}, ...)"
    )


def completed(op: "Op", operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the operands and the defaults of those left out; TypeError if too few or many."""
    if op.arity is None:
        if len(operands) == 1 and isinstance(operands[0], list | tuple):
            operands = tuple(operands[0])  # logsumexp([a, b]) is logsumexp(a, b)
        if not operands:
            raise TypeError(f"{op.name}() got no operand; give it one or more")
        return operands
    missing = op.arity - len(operands)
    if 0 <= missing <= len(op.defaults):
        return operands + op.defaults[len(op.defaults) - missing :]
    least = op.arity - len(op.defaults)
    accepted = str(op.arity) if least == op.arity else f"{least} to {op.arity}"
    raise TypeError(f"{op.name}() takes {accepted} operands, got {len(operands)}")


def explained(error: Exception, op: "Op", operands: Sequence[str]) -> Exception:
    """Returns the same kind of error, which says what was given and what to give instead."""
    reason = error.args[-1] if error.args else type(error).__name__
    advice = [f"it takes {range_}" for range_ in (_range(op, each) for each in op.domain) if range_]
    if isinstance(error, ZeroDivisionError):
        advice.append("give a number that is not 0")
    elif isinstance(error, OverflowError):
        advice.append("the result is larger than the largest float, 1.8e308")
    return type(error)("; ".join([f"{op.name}({', '.join(operands)}): {reason}", *advice]))


def _range(op: "Op", interval: tuple[float, float]) -> str:
    """Returns the numbers between the ends in words; `forward` says whether an end belongs."""
    low, high = interval
    words = []
    for end, closed, opened in [(low, "from", "above"), (high, "up to", "below")]:
        if math.isfinite(end):
            words.append(f"{closed if _is_defined_at(op, end) else opened} {end:g}")
    return "numbers " + " and ".join(words) if words else ""


def _is_defined_at(op: "Op", x: float) -> bool:
    try:
        op.forward(x)
    except (ArithmeticError, ValueError, TypeError):  # TypeError: it has other operands, too
        return False
    return True


# ---- gradients -----------------------------------------------------------------------------------


def check_unchanged(node: "Value") -> None:
    """Raises RuntimeError if an operand's data was set after the node was computed from it."""
    for operand in node.operands:
        if operand._born > node._born:
            raise RuntimeError(
                f"the data of {described(operand)} was set after {node.op} was computed from it, "
                "so a gradient would mix old and new numbers; compute the result again first"
            )


def check_root(root: Any) -> None:
    """Raises where no gradient can start from it."""
    if not is_value(root):
        raise TypeError(f"root must be a Value, got {shown(root)}")
    if not root._requires_grad:
        raise RuntimeError(
            f"{described(root)} needs no gradient: it was made from plain numbers, from leaves "
            "with requires_grad=False, or under no_grad()"
        )


def checked_inputs(inputs: Any) -> list[Any]:
    """Returns the values that a gradient is taken with respect to, as a list."""
    wanted = [inputs] if is_value(inputs) else listed_values("inputs", inputs, "Give [x]")
    for value in wanted:
        if not value._requires_grad:
            raise ValueError(f"inputs: {described(value)} has requires_grad=False")
    return wanted


def listed_values(name: str, given: Any, advice: str) -> list[Any]:
    """Returns the `Value`s that an ordered iterable gives, as a list; or TypeError."""
    if not isinstance(given, Iterable) or isinstance(given, Mapping | Set | str | bytes):
        raise TypeError(f"{name} must be a list of Values, got {shown(given)}. {advice}")
    for value in (values := list(given)):
        if not is_value(value):
            raise TypeError(f"{name} must hold Values only, got {shown(value)}. {advice}")
    return values
