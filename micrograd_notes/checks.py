"""Checks of what is passed in: numbers, names, functions, and the numbers of examples.

Every public function that takes counts, options or data asks here, so that a fault is found in one
way and described in the same words: what was given, what is expected, what to do. The functions
that read data, `training.fit` first of all, are where to read next.
"""

import inspect
import math
from collections.abc import Mapping, Sequence, Set
from operator import index, is_
from typing import Any

from micrograd_notes.op import is_number

ONE_HOT = "Of a one-hot row give the class, row.index(1)"


def shown(given: Any) -> str:
    """Returns a short text for what was given, on one line."""
    text = " ".join(repr(given).split())
    return text if len(text) <= 80 else f"{text[:76]} ..."


def whole_number(name: str, given: Any, low: int | None = 1, high: int = 2**63 - 1) -> int:
    """Returns a whole number between the bounds as an int, one of NumPy's too; or ValueError.

    >>> whole_number("epochs", 2.5)
    Traceback (most recent call last):
    ValueError: epochs must be a whole number, 1 or more, got 2.5
    """
    is_whole = not isinstance(given, bool) and hasattr(given, "__index__")
    if is_whole and is_number(given):
        least = -high if low is None else low
        if least <= index(given) <= high:
            return index(given)
    bounds = "" if low is None else f", {low} or more"
    if high < 2**63 - 1:
        bounds = f" from {low} to {high}"
    raise ValueError(f"{name} must be a whole number{bounds}, got {shown(given)}")


def finite_number(
    name: str, given: Any, low: float = -math.inf, high: float = math.inf, advice: str = ""
) -> float:
    """Returns a finite number between the bounds as a float; or ValueError."""
    if is_number(given) and not isinstance(given, bool):
        try:
            number = float(given)
        except OverflowError:
            number = math.nan
        if math.isfinite(number) and low <= number <= high:
            return number
    bounds = ", 0 or more" if (low, high) == (0, math.inf) else ""
    if math.isfinite(high):
        bounds = f" from {low:g} to {high:g}"
    end = f". {advice}" if advice else ""
    raise ValueError(f"{name} must be a finite number{bounds}, got {shown(given)}{end}")


def one_of(name: str, given: Any, choices: Sequence[Any]) -> None:
    """Raises ValueError where it is not one of the choices."""
    if not isinstance(given, str) or given not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {shown(given)}")


def function(name: str, given: Any, like: str, count: int) -> None:
    """Raises TypeError where it is not a function of `count` arguments; a class is none here."""
    takes = callable(given) and not isinstance(given, type)
    try:
        if takes:
            inspect.signature(given).bind(*range(count))
    except TypeError:
        takes = False
    except ValueError:  # some functions of Python's own show no signature
        pass
    if not takes:
        arguments = "one argument" if count == 1 else f"{count} arguments"
        raise TypeError(
            f"{name} must be a function of {arguments}, like {like}, got {shown(given)}"
        )


def flag(name: str, given: Any) -> bool:
    """Returns True or False, one of NumPy's too; TypeError for anything else, like a text."""
    if is_number(given) and given in (0, 1):
        return bool(given)
    raise TypeError(f"{name} must be True or False, got {shown(given)}")


def text(name: str, given: Any) -> None:
    """Raises TypeError where it is not a text."""
    if not isinstance(given, str):
        raise TypeError(f"{name} must be a text, got {shown(given)}")


def names(name: str, given: Any) -> tuple[str, ...]:
    """Returns a list of texts as a tuple; or TypeError."""
    listed = plain(given)
    if isinstance(listed, list | tuple) and all(isinstance(each, str) for each in listed):
        return tuple(listed)
    raise TypeError(f"{name} must be texts, like ('width', 'height'), got {shown(given)}")


# ---- data ----------------------------------------------------------------------------------------


def plain(given: Any) -> Any:
    """Returns an array, a tensor or a data frame as nested lists, and anything else as it is."""
    if isinstance(given, type):
        return given
    if hasattr(given, "to_numpy"):
        given = given.to_numpy()
    return given.tolist() if hasattr(given, "tolist") else given


def examples(what: str, given: Any, columns: Sequence[str] = (), depth: int = 8) -> list[Any]:
    """Returns "inputs" or "targets" as a list: for each example a number, or lists of numbers.

    Arrays, tensors and data frames count by their values. Lists may be nested `depth` times.

    Raises:
        TypeError: an example holds something else than numbers, or is not ordered.
        ValueError: a number is not finite.

    >>> examples("inputs", [[1.0, 2.0], [3.0, float("nan")]])
    Traceback (most recent call last):
    ValueError: example 1 of the inputs has nan in column 1. Leave that example out, or fill in ...
    """
    if hasattr(given, "to_numpy"):
        columns = [*map(str, getattr(given, "columns", columns))]
    rows = plain(given)
    if not isinstance(rows, list | tuple):
        advice = _advice(what, rows) if isinstance(rows, Mapping | Set) else "Give a list"
        raise TypeError(
            f"{what} must be a list with one entry per example, got {shown(given)}. {advice}"
        )
    return [
        row if _is_fine(row) else _checked(what, (i,), row, columns, depth)
        for i, row in enumerate(rows)
    ]


def _is_fine(x: Any) -> bool:
    """Returns whether a look that costs little shows finite floats."""
    if type(x) is list:
        return {float}.issuperset(map(type, x)) and math.isfinite(sum(x))
    return type(x) is float and math.isfinite(x)


def _checked(
    what: str, path: tuple[int, ...], given: Any, columns: Sequence[str], depth: int
) -> Any:
    x = plain(given)
    if isinstance(x, list | tuple) and len(path) < depth:
        may_nest = len(path) + 1 < depth
        parts = [
            part
            if _is_fine(part) and (may_nest or type(part) is float)
            else _checked(what, (*path, i), part, columns, depth)
            for i, part in enumerate(x)
        ]
        return x if all(map(is_, parts, x)) else parts
    is_value = hasattr(x, "_apply_") and hasattr(x, "data") and what.startswith("inputs")
    number = x.data if is_value else x
    if is_number(number):
        try:
            if math.isfinite(number):
                return x if is_value else _as_plain_number(x)
        except OverflowError:
            pass
    place = f"example {path[0]} of the {what} "
    if len(path) == 1:
        place += f"is {shown(given)}"
    else:
        name = f" ({columns[path[1]]!r})" if path[1] < len(columns) else ""
        place += f"has {shown(given)} in column {', '.join(map(str, path[1:]))}{name}"
    raise (ValueError if is_number(number) else TypeError)(f"{place}. {_advice(what, x)}")


def _as_plain_number(x: Any) -> float:
    """Returns a float, or an int that an array of NumPy can hold."""
    return int(x) if isinstance(x, int) and abs(x) < 2**63 else float(x)


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
