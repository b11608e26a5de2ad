"""Checks of arguments: numbers, texts, functions, and data sets.

Every public function that takes counts, options or data calls these, so that the same mistake gets
the same message everywhere: what you passed, what is expected, what to do. `train.loop.fit` calls
most of them; read it next.
"""

import inspect
import math
import numbers
from collections.abc import Mapping, Sequence, Set
from operator import index
from typing import Any

ONE_HOT = "If a target is a one-hot row, give its class, row.index(1)"
_LARGEST = 2**63 - 1  # the largest int of a NumPy array, and of range()


def is_number(x: Any) -> bool:
    """Returns whether it is a real number: Python's, NumPy's, or one registered with `numbers`.

    >>> is_number(2), is_number("2"), is_number(1j)
    (True, False, False)
    """
    # NumPy registers its numbers with Python, except for its bool.
    return isinstance(x, numbers.Real) or type(x).__name__ in ("bool", "bool_")


def is_value(x: Any) -> bool:
    """Returns whether it records operations, as a `Value` does."""
    return hasattr(type(x), "_apply_")


def shown(given: Any) -> str:
    """Returns what was given as a short text on one line."""
    try:
        text = " ".join(repr(given).split())
    except Exception:  # an int with too many digits, or an error of the class
        return f"one of type {type(given).__name__}"
    return text if len(text) <= 80 else f"{text[:76]} ..."


def whole_number(name: str, given: Any, low: int = 1, high: int = _LARGEST) -> int:
    """Returns a whole number between the bounds as an int; ValueError for anything else."""
    is_whole = is_number(given) and not isinstance(given, bool) and hasattr(given, "__index__")
    if is_whole and low <= index(given) <= high:
        return index(given)
    bounds = "" if low == -_LARGEST else f", {low} or more"
    if high < _LARGEST:
        bounds = f" from {low} to {high}"
    raise ValueError(f"{name} must be a whole number{bounds}, got {shown(given)}")


def seed(given: Any) -> int:
    """Returns a seed, which is any whole number; ValueError for anything else."""
    return whole_number("seed", given, -_LARGEST)


def finite_number(
    name: str, given: Any, low: float = -math.inf, high: float = math.inf, advice: str = ""
) -> float:
    """Returns a finite number between the bounds as a float; ValueError for anything else."""
    is_real = is_number(given) and not isinstance(given, bool)
    if is_real and is_finite(given) and low <= given <= high:
        return float(given)
    bounds = f", {low:g} or more" if math.isfinite(low) else ""
    bounds = f" from {low:g} to {high:g}" if math.isfinite(high) else bounds
    raise ValueError(f"{name} must be a finite number{bounds}, got {shown(given)}{advice}")


def finite_numbers(name: str, given: Any) -> list[float]:
    """Returns the finite numbers of a list as floats; TypeError or ValueError for anything else."""
    return [finite_number(f"{name}[{i}]", x) for i, x in enumerate(listed(name, given))]


def one_of(name: str, given: Any, choices: Sequence[str]) -> None:
    """Raises ValueError if it is not one of the choices."""
    if not isinstance(given, str) or given not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {shown(given)}")


def flag(name: str, given: Any) -> bool:
    """Returns True or False; TypeError for anything but those, NumPy's bools, 0 and 1."""
    if is_number(given) and given in (0, 1):
        return bool(given)
    raise TypeError(f"{name} must be True or False, got {shown(given)}")


def instance(name: str, given: Any, kind: Any, spelled: str) -> None:
    """Raises TypeError if it is not of the type. `spelled` is the type in words."""
    if not isinstance(given, kind):
        raise TypeError(f"{name} must be {spelled}, got {shown(given)}")


def text(name: str, given: Any) -> str:
    """Returns a text; TypeError for anything else."""
    instance(name, given, str, "a text")
    return str(given)


def function(name: str, given: Any, count: int, spelled: str) -> None:
    """Raises TypeError if it is not a function of `count` arguments. Classes are refused."""
    is_function = callable(given) and not isinstance(given, type)
    if not is_function or not takes(given, count):
        got = f"one of {inspect.signature(given)}" if is_function else shown(given)
        if isinstance(given, type):
            got = f"the class {given.__name__}. Call it, {given.__name__}(...), to make one"
        raise TypeError(f"{name} must be a function of {spelled}, got {got}")


def takes(given: Any, count: int) -> bool:
    """Returns whether a function accepts `count` arguments, or does not show its signature."""
    try:
        inspect.signature(given).bind(*range(count))
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)  # some built-in functions do not show a signature
    return True


def module(given: Any, name: str = "model") -> None:
    """Raises TypeError if it does not name its parameters."""
    if not hasattr(given, "named_parameters") or isinstance(given, type):
        raise TypeError(f"{name} must be a Module, which names its parameters, got {shown(given)}")


def operand(name: str, given: Any) -> None:
    """Raises TypeError if it is neither a number nor a `Value`."""
    if not is_number(given) and not is_value(given):
        raise TypeError(f"{name} must be a number or a Value, got {shown(given)}")


def operation(name: str, given: Any, advice: str = "") -> None:
    """Raises TypeError if it is not an operation."""
    if not hasattr(given, "local_partials") or isinstance(given, type):
        made = "a built-in one, like tanh, or one made with operation(...)"
        raise TypeError(f"{name} must be an operation, {made}, got {shown(given)}{advice}")


# ---- data ----------------------------------------------------------------------------------------


def plain(given: Any) -> Any:
    """Returns an array, a tensor or a data frame as nested lists, and anything else unchanged."""
    if hasattr(given, "to_numpy") and not isinstance(given, type):
        given = given.to_numpy()
    return given.tolist() if hasattr(given, "tolist") and not isinstance(given, type) else given


def listed(name: str, given: Any) -> Sequence[Any]:
    """Returns a list, a tuple, or the values of an array; TypeError if it is unordered."""
    items = plain(given)
    if isinstance(items, list | tuple | range):
        return items
    advice = _advice(name, items) if isinstance(items, Mapping | Set) else "Give a list"
    raise TypeError(f"{name} must be a list, got {shown(given)}. {advice}")


def pair(name: str, given: Any, spelled: str) -> tuple[Any, Any]:
    """Returns the two parts of a pair; TypeError for anything else."""
    parts = plain(given)
    if isinstance(parts, list | tuple) and len(parts) == 2:
        return parts[0], parts[1]
    raise TypeError(f"{name} must be {spelled}, got {shown(given)}")


def shape(name: str, given: Any) -> tuple[int, int]:
    """Returns the rows and the columns of a picture; else TypeError or ValueError."""
    rows, columns = pair(name, given, "(rows, columns)")
    return whole_number(f"each of {name}", rows), whole_number(f"each of {name}", columns)


def examples(what: str, given: Any, columns: Sequence[str] = (), depth: int = 8) -> list[Any]:
    """Returns inputs or targets as a list, with a number or nested lists of numbers per example.

    Arrays, tensors and data frames become lists of their values. Lists may be nested `depth` deep.
    In a table, which has depth 2, all cells are plain numbers; otherwise inputs may be `Value`s.

    Raises:
        TypeError: an example holds something other than numbers, or is not ordered.
        ValueError: a number is not finite.
    """
    if hasattr(given, "to_numpy"):
        columns = [*map(str, getattr(given, "columns", columns))]
    return [
        row if _is_fine(row) else _checked(what, (i,), row, columns, depth)
        for i, row in enumerate(listed(what, given))
    ]


def _is_fine(x: Any) -> bool:
    """Returns whether a cheap test finds only finite floats."""
    if type(x) is list:
        return {float}.issuperset(map(type, x)) and math.isfinite(sum(x))
    return type(x) is float and math.isfinite(x)


def _checked(what: str, path: tuple[int, ...], given: Any, columns: Any, depth: int) -> Any:
    """Returns the part of an example at that path, as plain numbers."""
    x = plain(given)
    if isinstance(x, list | tuple) and len(path) < depth:
        is_row = len(path) + 1 < depth
        return [
            part
            if _is_fine(part) and (is_row or type(part) is float)
            else _checked(what, (*path, i), part, columns, depth)
            for i, part in enumerate(x)
        ]
    may_be = is_value(x) and depth > 2 and not what.startswith("target")
    number = x.data if may_be else x
    if is_number(number) and is_finite(number):
        if may_be:
            return x
        return int(x) if isinstance(x, int) and abs(x) <= _LARGEST else float(x)
    place = f"example {path[0]} of the {what} "
    if len(path) == 1:
        place += f"is {shown(given)}"
    else:
        name = f" ({columns[path[1]]!r})" if path[1] < len(columns) else ""
        place += f"has {shown(given)} in column {', '.join(map(str, path[1:]))}{name}"
    raise (ValueError if is_number(number) else TypeError)(f"{place}. {_advice(what, x)}")


def is_finite(number: Any) -> bool:
    """Returns whether a number is finite, and fits into a float."""
    try:
        return math.isfinite(number)
    except OverflowError:  # an int that is too large for a float
        return False


def _advice(what: str, given: Any) -> str:
    if isinstance(given, str | bytes):
        if what.startswith("target"):
            return (
                "Number the classes from 0: names = sorted(set(targets)), "
                "then [names.index(target) for target in targets]"
            )
        return "Give numbers: float(text), or one number per category"
    if isinstance(given, Mapping):
        return "Give a list, in the same order for every example: [row[name] for name in names]"
    if isinstance(given, Set):
        return "A set is not ordered. Give a list"
    if is_value(given):
        return "Give its number, .data"
    if given is None or is_number(given):
        return "Leave that example out, or fill in a finite number, such as the column's mean"
    return "Give a number, or a list of numbers"
