"""The arrays of the parameters: their names and shapes.

`program.py` calls `arrays_of_model` or `arrays_of_lists`. A parameter's name is an expression that
reaches it, `layers[0].neurons[3].w[1]`. Its numbers are axes if they fill a box, and belong to the
name otherwise. This one becomes `W1[1, 3]`, with a capital as for a matrix: a neuron is a column,
so that a layer is `x @ W1 + b1`. Lists of `Value`s lie as they are nested, and have the names that
the function uses for them. Read `typed/names.py` next, for the other names.
"""

import builtins
import inspect
import itertools
import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import cache
from math import prod
from types import FunctionType, ModuleType
from typing import Any

from micrograd_notes.common.checks import is_number, shown
from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import Value
from micrograd_notes.lifting.trace.recorded import NOT_THE_LEARNERS
from micrograd_notes.lifting.trace.tape import Array

Leaves = Iterator[tuple[str, Value]]  # each with the expression that reaches it
DEEP = 9  # model.layers[0].neurons[0].w[0] is in six containers
NOT_A_LAYER = (type, ModuleType, FunctionType)
RESERVED = {
    "np", "math", "n", "ones", "theta", "dtheta", "unpack", "loss", "complementary_erf",
    "sliding_window_view",
    *dir(builtins),
}


def arrays_of_model(model: Any) -> tuple[list[Value], list[Array]]:
    """Returns a model's parameters in their own order, and their arrays."""
    parameters = list(model.parameters())
    named = getattr(model, "named_parameters", lambda: _paths(vars(model)))
    paths = {id(value): name for name, value in named()}
    return parameters, arrays_of_paths([paths.get(id(p)) for p in parameters])


def arrays_of_lists(
    parameters: Any, function: Callable[..., Any]
) -> tuple[list[Value], list[Array]]:
    """Returns the `Value`s in nested lists, and their arrays, named as inside of the function."""
    values = values_of_lists(parameters)
    if len({*map(id, values)}) < len(values):
        raise ValueError("parameters must hold each Value once, got one twice")
    seen = _named_in(function) if inspect.isroutine(function) else {}
    given, parameters = parameters, _listed(parameters)
    if isinstance(parameters, dict):
        seen = {str(key): held for key, held in parameters.items()} | seen
    named = dict(sorted(seen.items(), key=lambda item: item[1] is given))  # the whole last
    others = {"p": parameters}
    if isinstance(parameters, list | tuple) and not any(isinstance(p, Value) for p in parameters):
        others = {}  # each is an array, p1, or with a capital a matrix, P1
        for k, item in enumerate(parameters):
            item = _listed(item)
            is_matrix = isinstance(_listed(next(iter(item), None)), list | tuple)
            others[f"{'P' if is_matrix else 'p'}{k + 1}"] = item
    found = [*_paths(named), *_paths(others)]
    paths = {id(value): name for name, value in found[::-1]}  # of several names, the first one
    return values, arrays_of_paths([paths[id(value)] for value in values])


def _named_in(function: Callable[..., Any]) -> dict[str, Any]:
    """Returns what a function names outside of it, and then what the functions that it names do."""
    found, functions = dict[str, Any](), [function]
    for each in functions:
        scope = inspect.getclosurevars(each)
        named = {**scope.globals, **scope.nonlocals}
        found = {**found, **{name: held for name, held in named.items() if name not in found}}
        functions += [
            held for held in named.values() if isinstance(held, FunctionType)
            and held not in functions and not held.__code__.co_filename.startswith(NOT_THE_LEARNERS)
        ]
    return found


def _listed(held: Any) -> Any:
    """Returns an array of `Value`s as nested lists, and anything else unchanged."""
    return held.tolist() if isinstance(held, np.ndarray) and held.dtype == object else held


def values_of_lists(parameters: Any) -> list[Value]:
    """Returns the `Value`s in nested lists."""
    return [value for _, value in _paths({"p": parameters}, only=True)]


def in_order(values: Sequence[Value], arrays: Sequence[Array]) -> tuple[list[Value], list[Array]]:
    """Returns the values array by array, and the arrays with their places in that order.

    So each array is a stretch of the flat vector of parameters. Below a layer's weights, with a
    column per neuron, lie its biases, and both together are one matrix.
    """
    ordered: list[Value] = []
    moved = []
    for array in arrays:
        where = range(len(ordered), len(ordered) + len(array.where))
        ordered += map(values.__getitem__, array.where)
        moved.append(replace(array, where=where))
    return ordered, moved


def _paths(
    held: Any, name: str = "", inside: tuple[int, ...] = (), only: bool = False
) -> Leaves:
    """Yields each leaf in lists and dictionaries, and in objects, which `only` refuses."""
    held, given = _listed(held), held
    members = held if isinstance(held, dict) else None
    if members is None and not only and not isinstance(held, NOT_A_LAYER):
        members = getattr(held, "__dict__", None)
    is_walked = len(inside) < DEEP and id(given) not in inside  # an object may hold itself
    inside = (*inside, id(given))
    if isinstance(held, Value) and held.op is None:
        yield name, held
    elif isinstance(held, list | tuple) and is_walked:
        for i, item in enumerate(held):
            yield from _paths(item, f"{name}[{i}]", inside, only)
    elif members is not None and is_walked:
        for key, item in members.items():
            yield from _paths(item, f"{name}.{key}" if name else str(key), inside, only)
    elif only:
        wanted = "Values that no operation made, in lists, arrays or dictionaries"
        raise TypeError(f"parameters must be {wanted}, got {shown(held)}. {_advice(held)}")


def _advice(held: Any) -> str:
    """Returns what to do with a thing that is not a parameter."""
    if is_number(held) or getattr(getattr(held, "dtype", None), "kind", "O") in "fiu":
        return "Write w = [Value(x) for x in numbers], and use w in the loss"
    if isinstance(held, Value):
        return "Pass the Values that it is made from"
    if isinstance(held, Set | Iterator):
        return "Pass a list of its Values"
    if hasattr(held, "__dict__") and not isinstance(held, NOT_A_LAYER):
        return "Pass its attributes, vars(it), or an object with parameters() as the model"
    return "Leave it out"


def arrays_of_paths(paths: Sequence[str | None]) -> list[Array]:
    """Returns the arrays that hold the parameters of these names, given in flat order.

    >>> [(a.name, a.shape) for a in arrays_of_paths(["w[0]", "w[1]", "w[2]", "b"])]
    [('w', (3,)), ('b', ())]
    >>> [(a.name, a.shape) for a in arrays_of_paths(["p[0][0][0]", "p[0][0][1]", "p[1][0]"])]
    [('P1', (1, 2)), ('p2', (1,))]
    """
    families: dict[tuple[str, int], list[int]] = {}  # rows: the numbers in a name, and its place

    @cache  # most names are items of a list, and begin like the others there
    def begun(begin: str, is_item: bool) -> tuple[list[int], list[int]]:
        words = re.split(r"\[(\d{1,8})\]", begin)  # and the numbers between them
        family, numbers = "[]".join(words[::2]) + "[]" * is_item, [*map(int, words[1::2])]
        return families.setdefault((family, len(numbers) + is_item), []), numbers

    for flat, path in enumerate(paths):
        path = path or f"p[{flat}]"
        begin, _, last = path[:-1].rpartition("[")
        is_item = path[-1] == "]" and last.isdecimal() and len(last) <= 8
        rows, numbers = begun(begin if is_item else path, is_item)
        rows += [*numbers, int(last), flat] if is_item else [*numbers, flat]
    arranged = []
    ranks = Counter(family.rstrip("[]") for family, _ in families)
    for (family, rank), rows in families.items():
        # in layers[].neurons[].w[] the last two words may be axes; those before count layers
        counting = "".join(family.split(".")[:-2]).count("[]")
        if ranks[family.rstrip("[]")] > 1:  # in layer = (W, b) the first number tells them apart
            counting = max(counting, min(rank, 1))
        for fixed, where in _boxes(np.array(rows).reshape(-1, rank + 1), counting):
            if re.search(r"\[\]\.\w+\[\]$", family) and where.ndim == 2:
                where = where.T  # each neuron owns a list of weights: a column of the matrix
            arranged.append((_words(family, len(fixed)), fixed, where))
    names = _short_names([(words, fixed, where.ndim) for words, fixed, where in arranged])
    arrays = [
        Array(name, where.shape, True, where=where.reshape(-1).tolist())
        for name, (_, _, where) in zip(names, arranged, strict=True)
    ]
    return sorted(arrays, key=lambda array: array.where[0])


def _boxes(rows: Any, counting: int) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Yields each array: the leading numbers, which are fixed, and a box of flat indices.

    Rows have the numbers in a name, then the flat index. As few numbers as possible are fixed, but
    at least those that count. A box need not begin at 0, as a list does not whose ends are floats.
    """
    rows = rows[np.lexsort(rows.T[-2::-1])] if rows.shape[1] > 1 else rows
    for count in range(counting, rows.shape[1]):
        changes = (rows[1:, :count] != rows[:-1, :count]).any(axis=1)
        boxes = np.split(rows, np.flatnonzero(changes) + 1)
        ends = [(box[:, count:-1].min(axis=0), box[:, count:-1].max(axis=0)) for box in boxes]
        shapes = [tuple((high + 1 - low * (high > low)).tolist()) for low, high in ends]
        if [*map(prod, shapes)] == [*map(len, boxes)]:
            for box, shape in zip(boxes, shapes, strict=True):
                yield tuple(box[0, :count].tolist()), box[:, -1].reshape(shape)
            return


def _words(family: str, fixed: int) -> list[str]:
    """Returns the words of a name, without those that number an axis.

    >>> _words("layers[].neurons[].w[]", 1)
    ['layers', 'w']
    """
    words = []
    for part in re.findall(r"[^.\[\]]+(?:\[\])*", family):
        word, axes = re.sub(r"\W", "_", part.split("[")[0]), part.count("[]")
        words.append((word, axes > max(fixed, 0)))
        fixed -= axes
    return [*[word for word, is_axis in words[:-1] if not is_axis], words[-1][0]]


def _short_names(
    described: Sequence[tuple[list[str], tuple[int, ...], int]],
) -> list[str]:
    """Returns a name for each array: its last word and its number, and more words if needed."""
    def spelled(words: list[str], fixed: Sequence[int], rank: int, count: int) -> str:
        *before, last = words[-count:]
        if len(last) == 1 and rank == 2:
            last = last.upper()
        return "_".join([*before, last]) + "_".join(str(k + 1) for k in fixed)

    names: list[str] = []
    for count in range(1, 1 + max((len(words) for words, _, _ in described), default=1)):
        names = [spelled(*each, count) for each in described]
        if len({*names}) == len(names):
            break
    used, result = {*RESERVED}, list[str]()
    for name in names:
        result.append(unused(name, used, derived=True))
        used |= {result[-1], f"d{result[-1]}"}
    return result


def names_of_the_source(parameters: Iterable[Array]) -> set[str]:
    """Returns the names in use: those of the source, of parameters and of derivatives.

    >>> names_of_the_source([Array("w", (2,), True)]) >= {"w", "dw", "n", "np"}
    True
    """
    return RESERVED | {name for array in parameters for name in (array.name, f"d{array.name}")}


def unused(name: str, used: Container[str], derived: bool = False, first: int = 2) -> str:
    """Returns the name, with a number at its end if it is in use.

    With `derived`, the name of its derivative, with a d before it, must be free as well. The search
    begins with the number `first`.
    """
    name = unicodedata.normalize("NFKC", name)  # as Python reads it
    name = name if name.isidentifier() and not keyword.iskeyword(name) else f"p_{name}"

    def is_free(name: str) -> bool:
        return name not in used and not (derived and f"d{name}" in used)

    if is_free(name):
        return name
    joint = "_" if name[-1:].isdigit() else ""
    return next(new for k in itertools.count(first) if is_free(new := f"{name}{joint}{k}"))
