"""The arguments of plots as plain numbers and names, checked: called by all files beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from micrograd_notes.common import checks
from micrograd_notes.engine import Value

MOST_PLACES = 1000  # along a side of a grid: a million evaluations take seconds


def is_a(given: object, name: str) -> TypeGuard[Any]:
    """Returns whether it is a `Dataset` or a `History`; the room `train` may not be there."""
    kinds = {(kind.__module__.rpartition(".")[0], kind.__name__) for kind in type(given).__mro__}
    return ("micrograd_notes.train", name) in kinds


def some(things: str, given: Any) -> Any:
    """Returns what is given; ValueError if it is empty."""
    if not given:
        raise ValueError(f"there are no {things} to draw. Pass at least one")
    return given


def as_gap(number: float | None) -> float:
    """Returns the number, or NaN, which leaves a gap in a line, if it is not finite."""
    return math.nan if number is None or not checks.is_finite(number) else float(number)


def number(name: str, result: Any) -> float:
    """Returns the number of a `Value`, or the number itself; TypeError for anything else."""
    checks.operand(name, result)
    plain = result.data if isinstance(result, Value) else result
    return math.nan if isinstance(plain, int) and not checks.is_finite(plain) else float(plain)


def interval(name: str, ends: Any) -> tuple[float, float]:
    """Returns two numbers, the smaller first; or TypeError or ValueError."""
    start, stop = checks.pair(name, ends, "(start, stop)")
    start, stop = (checks.finite_number(f"each of {name}", end) for end in (start, stop))
    if not 0 < stop - start < math.inf:
        raise ValueError(f"{name} must be two numbers, the smaller first, got {start}, {stop}")
    return start, stop


def evenly_spaced(start: float, stop: float, count: int) -> list[float]:
    """Returns `count` numbers from start to stop, both included."""
    return [start + (stop - start) * step / (count - 1) for step in range(count)]


def lists(name: str, given: Any, depth: int) -> Any:
    """Returns finite numbers in lists nested `depth` deep; or TypeError or ValueError."""
    if depth == 0:
        return number(f"each number of {name}", given)
    nested = checks.listed(f"each list of {name}", checks.examples(name, given))
    return [lists(name, each, depth - 1) for each in nested]


def label(name: str, given: Any) -> str:
    """Returns a text for a legend; or TypeError or ValueError."""
    text = checks.text(name, given)
    if text[:1] in ("", "_"):  # Matplotlib leaves out such labels
        raise ValueError(f"{name} must not be empty or begin with _, got {text!r}")
    return text


def by_name(name: str, given: Any, least: int = 1) -> list[tuple[str, Any]]:
    """Returns the entries of a dictionary, one or more; or TypeError or ValueError."""
    checks.instance(name, given, Mapping, "a dictionary whose keys are names for the legend")
    entries = some(name, given).items() if least else given.items()
    return [(label(f"each name in {name}", key), each) for key, each in entries]


def pairs(name: str, given: Any) -> list[tuple[float, float]]:
    """Returns pairs of numbers, which need not be finite; or TypeError."""
    each = f"each of {name}"
    found = [checks.pair(each, pair, "(x, y)") for pair in checks.listed(name, given)]
    return [(number(each, x), number(each, y)) for x, y in found]


def names(name: str, given: Any, count: int) -> list[str]:
    """Returns one name per place; or TypeError or ValueError."""
    found = given if isinstance(given, str) else checks.listed(name, given)
    if len(found) != count:
        raise ValueError(f"{name} must hold {count}, one per place, got {len(found)}")
    return list(map(str, found))
