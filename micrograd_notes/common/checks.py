"""Checks of what is passed in: numbers, texts, functions, and the numbers of examples.

Every public function that takes counts, options or data calls these, so that one fault has one
message: what was given, what is expected, what to do. Read `training.fit` next, which calls most.
"""

import inspect
import math
import numbers
from collections.abc import Mapping, Sequence, Set
from operator import index
from typing import Any

ONE_HOT = "Of a one-hot row give the class, row.index(1)"
_LARGEST = 2**63 - 1  # that an array of NumPy holds, and that range() counts to


def is_number(x: Any) -> bool:
    """Returns whether it is a real number, of Python, of NumPy, or of whoever registers his own.

    >>> is_number(2), is_number("2"), is_number(1j)
    (True, False, False)
    """
    # NumPy registers its numbers with Python's, all but its bool.
    return isinstance(x, numbers.Real) or type(x).__name__ in ("bool", "bool_")


def shown(given: Any) -> str:
    """Returns a short text for what was given, on one line."""
    try:
        text = " ".join(repr(given).split())
    except Exception:  # a whole number of more digits than Python prints, or a class's own error
        return f"one of type {type(given).__name__}"
    return text if len(text) <= 80 else f"{text[:76]} ..."


def whole_number(name: str, given: Any, low: int = 1, high: int = _LARGEST) -> int:
    """Returns a whole number between the bounds as an int, one of NumPy's too; or ValueError."""
    is_whole = is_number(given) and not isinstance(given, bool) and hasattr(given, "__index__")
    if is_whole and low <= index(given) <= high:
        return index(given)
    bounds = "" if low == -_LARGEST else f", {low} or more"
    if high < _LARGEST:
        bounds = f" from {low} to {high}"
    raise ValueError(f"{name} must be a whole number{bounds}, got {shown(given)}")


def seed(given: Any) -> int:
    """Returns the seed of a generator, a whole number of either sign; or ValueError."""
    return whole_number("seed", given, -_LARGEST)


def finite_number(
    name: str, given: Any, low: float = -math.inf, high: float = math.inf, advice: str = ""
) -> float:
    """Returns a finite number between the bounds as a float; or ValueError."""
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
    """Raises ValueError where it is not one of the choices."""
    if not isinstance(given, str) or given not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {shown(given)}")


def flag(name: str, given: Any) -> bool:
    """Returns True or False, one of NumPy's too; TypeError for anything else, like a text."""
    if is_number(given) and given in (0, 1):
        return bool(given)
    raise TypeError(f"{name} must be True or False, got {shown(given)}")


def instance(name: str, given: Any, kind: type, spelled: str) -> None:
    """Raises TypeError where it is not of the type, which `spelled` has in words."""
    if not isinstance(given, kind):
        raise TypeError(f"{name} must be {spelled}, got {shown(given)}")


def text(name: str, given: Any) -> str:
    """Returns a text; or TypeError."""
    instance(name, given, str, "a text")
    return str(given)


def function(name: str, given: Any, count: int, spelled: str) -> None:
    """Raises TypeError where it is not a function of `count` arguments. A class does not count."""
    is_function = callable(given) and not isinstance(given, type)
    if not is_function or not takes(given, count):
        got = f"one of {inspect.signature(given)}" if is_function else shown(given)
        raise TypeError(f"{name} must be a function of {spelled}, got {got}")


def takes(given: Any, count: int) -> bool:
    """Returns whether a function can be called with so many arguments, as far as Python knows."""
    try:
        inspect.signature(given).bind(*range(count))
    except (TypeError, ValueError) as error:
        return isinstance(error, ValueError)  # some functions of Python's own show no signature
    return True


def module(given: Any, name: str = "model") -> None:
    """Raises TypeError where it does not name its parameters."""
    if not hasattr(given, "named_parameters") or isinstance(given, type):
        raise TypeError(f"{name} must be a Module, which names its parameters, got {shown(given)}")


def operand(name: str, given: Any) -> None:
    """Raises TypeError where arithmetic does not take it."""
    if not is_number(given) and not hasattr(given, "_apply_"):
        raise TypeError(f"{name} must be a number or a Value, got {shown(given)}")


def operation(name: str, given: Any, advice: str = "") -> None:
    """Raises TypeError where it is not an operation."""
    if not hasattr(given, "local_partials") or isinstance(given, type):
        made = "one of the table, like tanh, or one that operation(...) made"
        raise TypeError(f"{name} must be an operation, {made}, got {shown(given)}{advice}")


# ---- data ----------------------------------------------------------------------------------------


def plain(given: Any) -> Any:
    """Returns an array, a tensor or a data frame as nested lists, and anything else as it is."""
    if hasattr(given, "to_numpy") and not isinstance(given, type):
        given = given.to_numpy()
    return given.tolist() if hasattr(given, "tolist") and not isinstance(given, type) else given


def listed(name: str, given: Any) -> Sequence[Any]:
    """Returns a list, a tuple, or the values of an array; TypeError for what has no order."""
    items = plain(given)
    if isinstance(items, list | tuple | range):
        return items
    advice = _advice(name, items) if isinstance(items, Mapping | Set) else "Give a list"
    raise TypeError(f"{name} must be a list, got {shown(given)}. {advice}")


def pair(name: str, given: Any, spelled: str) -> tuple[Any, Any]:
    """Returns the two parts of a pair; or TypeError."""
    parts = plain(given)
    if isinstance(parts, list | tuple) and len(parts) == 2:
        return parts[0], parts[1]
    raise TypeError(f"{name} must be {spelled}, got {shown(given)}")


def shape(name: str, given: Any) -> tuple[int, int]:
    """Returns the rows and the columns of a picture; or TypeError or ValueError."""
    rows, columns = pair(name, given, "(rows, columns)")
    return whole_number(f"each of {name}", rows), whole_number(f"each of {name}", columns)


def examples(what: str, given: Any, columns: Sequence[str] = (), depth: int = 8) -> list[Any]:
    """Returns "inputs" or "targets" as a list: for each example a number, or lists of numbers.

    Arrays, tensors and data frames count by their values. Lists may be nested `depth` deep; 2 is
    for a table, whose cells are plain numbers. Elsewhere all but targets may be `Value`s.

    Raises:
        TypeError: an example holds something else than numbers, or is not ordered.
        ValueError: a number is not finite.
    """
    if hasattr(given, "to_numpy"):
        columns = [*map(str, getattr(given, "columns", columns))]
    return [
        row if _is_fine(row) else _checked(what, (i,), row, columns, depth)
        for i, row in enumerate(listed(what, given))
    ]


def _is_fine(x: Any) -> bool:
    """Returns whether a look that costs little shows finite floats."""
    if type(x) is list:
        return {float}.issuperset(map(type, x)) and math.isfinite(sum(x))
    return type(x) is float and math.isfinite(x)


def _checked(what: str, path: tuple[int, ...], given: Any, columns: Any, depth: int) -> Any:
    """Returns what an example holds at a path of places, as plain numbers."""
    x = plain(given)
    if isinstance(x, list | tuple) and len(path) < depth:
        is_row = len(path) + 1 < depth
        return [
            part
            if _is_fine(part) and (is_row or type(part) is float)
            else _checked(what, (*path, i), part, columns, depth)
            for i, part in enumerate(x)
        ]
    is_value = hasattr(x, "_apply_") and depth > 2 and not what.startswith("target")
    number = x.data if is_value else x
    if is_number(number) and is_finite(number):
        if is_value:
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
    """Returns whether a number is finite as a float, too."""
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float holds
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
    if given is None or is_number(given) or hasattr(given, "_apply_"):
        return "Leave that example out, or fill in a finite number, such as the column's mean"
    return "Give a number, or a list of numbers"
