"""What a function reads from outside: the plain things that a program was compiled for.

Numbers that a function closes over, or reads from its module, from objects and their attributes,
are constants of the program, and which layers and activations there are is its shape. `Outside`
walks from the function through all that it can name, keeps a copy of each container and variable
on the way, and says whether they still are what they were. It can't see what is read from a file
or from the system, and what a library computes.
"""

import gc
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.op import Op

CLASS_IN_PYTHON = 1 << 9  # Py_TPFLAGS_HEAPTYPE: instances hold what they have in a dictionary
HOLDERS = {"builtins", "functools", "types", "argparse", "micrograd_notes"}  # and the learner's own
MOST = 100_000  # elements of an array: a larger one is data rather than a constant
LEAVES = Value | Op | types.ModuleType | types.CodeType | str | bytes | int | float | complex


class Outside:
    """Copies of what the roots lead to."""

    def __init__(self, roots: list[Any]) -> None:
        self._held: list[tuple[Any, Any]] = []  # containers, and copies of them
        self._read: list[tuple[Callable[[], Any], Any]] = []  # how to read a variable, what it was
        visited: dict[int, Any] = {}
        waiting = deque(roots)
        while waiting:
            thing = waiting.popleft()
            if id(thing) not in visited and not isinstance(thing, LEAVES):
                visited[id(thing)] = thing
                waiting.extend(self._parts(thing))

    def is_as_it_was(self) -> bool:
        """Returns whether nothing that a program depends on has changed."""
        if self._is_equal():
            return True
        self._held = [(held, _with_new_results(held, copy)) for held, copy in self._held]
        return self._is_equal()

    def _is_equal(self) -> bool:
        try:  # in lists, what is the same object is equal: an array, a nan
            return all(held == copy for held, copy in self._held) and all(
                [read()] == [was] for read, was in self._read
            )
        except (TypeError, ValueError, RuntimeError):  # an array, or a Value, instead of a number
            return False

    def _parts(self, thing: Any) -> Iterator[Any]:
        """Yields what a thing leads to, and keeps a copy of what may change in it."""
        if isinstance(thing, list | set | deque | dict):
            self._held.append((thing, thing.copy()))
            yield from thing.values() if isinstance(thing, dict) else thing
        elif hasattr(thing, "tolist"):
            if getattr(thing, "size", 1) <= MOST:
                yield self._kept(thing.tolist)
        elif isinstance(thing, types.FunctionType):
            names = {*_names(thing.__code__)} if _is_the_learners(thing) else set()
            modules = [vars(m) for m in map(thing.__globals__.get, names) if _is_own_module(m)]
            for variables in (thing.__globals__, *modules):
                for name in names & variables.keys():
                    yield self._kept(partial(variables.get, name))
            yield from (thing.__closure__, thing.__defaults__, thing.__kwdefaults__)
        elif isinstance(thing, type):
            if _is_the_learners(thing):
                names = {name for name in vars(thing) if name[:2] != "__" or name == "__call__"}
                yield self._kept(lambda: {name: vars(thing).get(name) for name in names})
                yield from thing.__bases__
        elif type(thing).__module__.partition(".")[0] in HOLDERS or _is_the_learners(type(thing)):
            # An object, a cell, a method, a property, ...: Python knows what it refers to.
            if type(thing).__flags__ & CLASS_IN_PYTHON and hasattr(thing, "__dict__"):
                yield from (vars(thing), *gc.get_referents(thing))
            else:
                yield from self._kept(partial(gc.get_referents, thing))

    def _kept(self, read: Callable[[], Any]) -> Any:
        self._read.append((read, read()))
        return self._read[-1][1]


def _with_new_results(held: Any, copy: Any) -> Any:
    """Returns the copy with the outputs that a module keeps as they are now: not constants."""
    if isinstance(held, dict) and held.keys() == copy.keys():
        results = {k for k in held if _is_result(held[k]) and _is_result(copy[k])}
        return {k: held[k] if k in results else copy[k] for k in held}
    return copy


def _is_result(thing: Any) -> bool:
    if isinstance(thing, list | tuple):
        return all(map(_is_result, thing))
    return isinstance(thing, Value) and (thing.op is not None or not thing.requires_grad)


def _names(code: types.CodeType) -> Iterator[str]:
    """Yields the names of variables and attributes that code uses, inner functions among it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_own_module(thing: Any) -> bool:
    return isinstance(thing, types.ModuleType) and _is_the_learners(thing)


def _is_the_learners(thing: Any) -> bool:
    """Returns whether a function, a class or a module is neither Python's, ours nor a library's."""
    name = (thing.__name__ if isinstance(thing, types.ModuleType) else thing.__module__) or ""
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    foreign = {*sys.stdlib_module_names, "micrograd_notes"} - {"__main__"}
    return name.partition(".")[0] not in foreign and "site-packages" not in file
