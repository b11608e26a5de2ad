"""What a function reads from outside: the plain things that a program was compiled for.

Numbers that a function closes over, or reads from its module, from objects and their attributes,
are constants of the program, and which layers, activations and parameters there are is its shape.
`Outside` walks from the function through all that it can name, keeps a copy of each list,
dictionary and variable on the way, and says whether they still are what they were.

It can't see what a library computes, what is read from a file, or an attribute whose name is made
up at run time on an object without a `__dict__`.
"""

import functools
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.op import Op

MOST = 100_000  # elements of an array: a larger one is data rather than a constant
MISSING = object()


class Outside:
    """Copies of what the roots lead to."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self._held: list[tuple[Any, Any]] = []  # containers, and copies of them
        self._read: list[tuple[Callable[[], Any], Any]] = []  # how to read a variable, what it was
        self._visited: dict[int, Any] = {}
        waiting = deque(roots)
        while waiting:
            thing = waiting.popleft()
            if id(thing) not in self._visited:
                self._visited[id(thing)] = thing
                waiting.extend(self._parts(thing))
        self._visited.clear()

    def is_as_it_was(self) -> bool:
        """Returns whether nothing that a program depends on has changed."""
        if self._is_equal():
            return True
        self._held = [(held, self._without_results(held, copy)) for held, copy in self._held]
        return self._is_equal()

    def _is_equal(self) -> bool:
        try:  # in lists, what is the same object is equal: an array, a nan
            return all(held == copy for held, copy in self._held) and all(
                [read()] == [was] for read, was in self._read
            )
        except (TypeError, ValueError, RuntimeError):  # an array, or a Value, instead of a number
            return False

    def _without_results(self, held: Any, copy: Any) -> Any:
        """Returns the copy with the results that a module keeps as they are now: no constants."""
        if type(held) is type(copy) is dict and held.keys() == copy.keys():
            return {
                key: held[key] if _is_result(held[key]) and _is_result(was) else was
                for key, was in copy.items()
            }
        return copy

    def _parts(self, thing: Any) -> Iterator[Any]:
        """Yields what a thing leads to, and keeps a copy of what may change in it."""
        kind = type(thing)
        if isinstance(thing, Value | Op | types.ModuleType | str | bytes | int | float | complex):
            return
        if isinstance(thing, list | set | deque):
            self._held.append((thing, thing.copy()))
            yield from thing
        elif isinstance(thing, dict):
            self._held.append((thing, dict(thing)))
            yield from thing.values()
        elif isinstance(thing, tuple | frozenset):
            yield from thing
        elif hasattr(thing, "tolist") and hasattr(thing, "dtype"):
            if getattr(thing, "size", MOST) < MOST:
                self._read.append((thing.tolist, thing.tolist()))
        elif isinstance(thing, types.FunctionType):
            yield from self._parts_of_function(thing)
        elif isinstance(thing, types.MethodType):
            yield from (thing.__self__, thing.__func__)
        elif isinstance(thing, functools.partial):
            yield from (thing.func, thing.args, thing.keywords)
        elif isinstance(thing, property):
            yield thing.fget
        elif isinstance(thing, staticmethod | classmethod):
            yield thing.__func__
        elif isinstance(thing, type):
            if _is_the_learners(thing):
                found = {n: v for n, v in vars(thing).items() if n[:2] != "__" or callable(v)}
                self._read.append((lambda: {n: vars(thing).get(n, MISSING) for n in found}, found))
                yield from found.values()
                yield from thing.__bases__
        else:
            if hasattr(thing, "__dict__"):
                yield vars(thing)
            for name in {n for c in kind.__mro__ for n in _slots(c)}:
                if not name.startswith("__"):
                    item: Any = getattr(thing, name, MISSING)
                    self._read.append((functools.partial(getattr, thing, name, MISSING), item))
                    yield item
            yield kind

    def _parts_of_function(self, function: types.FunctionType) -> Iterator[Any]:
        names = set(_names(function.__code__)) if _is_the_learners(function) else set()
        variables = function.__globals__
        for name in names:
            found = variables.get(name, MISSING)
            if found is not MISSING:
                self._read.append((functools.partial(variables.get, name, MISSING), found))
                yield found
            if isinstance(found, types.ModuleType) and _is_the_learners(found):
                for inner in names & vars(found).keys():
                    item = getattr(found, inner)
                    self._read.append((functools.partial(getattr, found, inner, MISSING), item))
                    yield item
        for cell in function.__closure__ or ():
            found = _content(cell)
            self._read.append((functools.partial(_content, cell), found))
            yield found
        yield from function.__defaults__ or ()
        yield function.__kwdefaults__ or ()


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return MISSING


def _names(code: types.CodeType) -> Iterator[str]:
    """Yields the names of variables and attributes that code uses, inner functions among it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _slots(kind: type) -> Iterable[str]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else slots


def _is_result(thing: Any) -> bool:
    """Returns whether it is an output that is kept: a result of operations, or a list of them."""
    if isinstance(thing, list | tuple):
        return all(map(_is_result, thing))
    return isinstance(thing, Value) and (thing.op is not None or not thing.requires_grad)


def _is_the_learners(thing: Any) -> bool:
    """Returns whether a function, a class or a module is neither Python's, ours nor a library's."""
    name = thing.__name__ if isinstance(thing, types.ModuleType) else thing.__module__
    root = (name or "").partition(".")[0]
    module = sys.modules.get(name or "")
    file = getattr(module, "__file__", None) or ""
    return root not in {*sys.stdlib_module_names, "micrograd_notes"} - {"__main__"} and (
        "site-packages" not in file
    )
