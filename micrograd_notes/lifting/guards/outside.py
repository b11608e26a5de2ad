"""The things that a function reads from outside, for which its program was compiled.

Numbers from a closure, a module, or an object's attributes are constants of the program, and its
layers and activations are fixed. `Outside` walks from the function through everything that its code
can name, copies each container and variable, and reports whether they have changed. It can't see
files, the system, the results of libraries, or changes within arrays of over 100,000 numbers; and
not that 1 became 1.0 or True, or 0.0 became -0.0, beyond as many numbers in lists.
`per_shape.py` calls it before each epoch.
"""

import gc
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from math import prod
from operator import getitem, is_
from random import Random
from typing import Any

from micrograd_notes.common.checks import is_number
from micrograd_notes.common.whose import MADE_BY_CLASS
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import Op, is_built_in
from micrograd_notes.lifting.trace.recorded import NOT_THE_LEARNERS

HOLDERS = {"builtins", "functools", "types", "argparse", "collections"}  # whose objects hold others
MOST = 100_000  # elements of an array; a larger one is data, not a constant
BY_TEXT = {"getattr", "vars", "__dict__", "attrgetter"}
LEAVES = (types.NoneType, types.CodeType, str, bytes, int, float, complex)
MISSING = object()
SLOT = types.MemberDescriptorType


class Outside:
    """Copies of everything that the roots lead to, except the numbers of the parameters."""

    def __init__(self, roots: list[Any], parameters: Iterable[Value]) -> None:
        self._parameters = {*map(id, parameters)}
        self._names: set[str] = set()  # of variables and attributes that the code uses
        self._not_to_look_at: dict[int, Any] = {}  # containers of parameters alone
        names = None
        while names != len(self._names):  # the code that they name may name more
            names = len(self._names)
            self._held: list[Any] = []  # containers, and copies of them, to compare all at once
            self._copies: list[Any] = []
            self._holders: list[Any] = []  # the containers of numbers, their keys, and the numbers
            self._keys: list[Any] = []
            self._numbers: list[Any] = []
            self._typed: list[tuple[Callable[[], Any], Any]] = []  # of `_read`, those with numbers
            self._read: list[tuple[Callable[[], Any], Any]] = []  # how to read, and what it was
            visited: dict[int, Any] = {}
            waiting = deque(roots)
            while waiting:
                thing = waiting.popleft()
                if id(thing) not in visited and not isinstance(thing, LEAVES):
                    visited[id(thing)] = thing
                    waiting.extend(self._parts(thing))
        drawing = sys.modules.get("numpy.random")  # if nobody imported it, nobody holds any of it
        kinds = [Random, *([drawing.Generator, drawing.RandomState] if drawing else [])]
        self.generators = [thing for thing in visited.values() if type(thing) in kinds]

    def is_as_it_was(self) -> bool:
        """Returns whether everything that a program depends on is unchanged."""
        if self._is_equal():
            return True
        self._read = [(read, _with_new_results(read, was)) for read, was in self._read]
        return self._is_equal()

    def _is_equal(self) -> bool:
        try:  # in lists, identical objects are equal, even arrays and nan
            return (
                self._held == self._copies
                and all([read()] == [was] for read, was in self._read)
                and (self._holds_numbers(is_) or self._holds_numbers(_is_alike))
                and all(_is_alike(read(), was) for read, was in self._typed)
            )
        except Exception:  # an array, or a Value, instead of a number
            return False

    def _holds_numbers(self, is_like: Callable[[Any, Any], bool]) -> bool:
        """Returns whether each number in a container is like the one that was there."""
        now = map(getitem, self._holders, self._keys)
        return all(map(is_like, now, self._numbers))

    def _parts(self, thing: Any) -> Iterator[Any]:
        """Yields the things that a thing leads to, and copies its parts that may change."""
        kind = type(thing)
        if isinstance(thing, Value):
            if kind is Value and id(thing) not in self._parameters:  # its .data is a constant
                self._kept(lambda: (thing._data, thing._requires_grad))
        elif isinstance(thing, Op):
            yield from () if is_built_in(thing) else (thing.forward, thing.partials)
        elif isinstance(thing, list | set | deque | dict):
            [base] = [each for each in (list, set, deque, dict) if isinstance(thing, each)]
            self._held.append(thing)
            self._copies.append(base(thing))
            inside = thing.values() if isinstance(thing, dict) else thing
            if id(thing) not in self._not_to_look_at:
                if self._parameters.issuperset(map(id, inside)):
                    self._not_to_look_at[id(thing)] = thing
                else:
                    self._note_numbers(thing)
                    yield from inside
            yield getattr(thing, "__dict__", None)
        elif isinstance(thing, types.ModuleType):
            if _is_the_learners(thing.__name__):
                yield from self._named(vars(thing))
        elif isinstance(thing, types.FunctionType):
            if _is_the_learners(thing.__module__):
                self._names |= {*_names(thing.__code__)}
                yield from self._named(thing.__globals__)
                yield from (sys.modules[name] for name in self._names & {*sys.modules})
            yield from (thing.__closure__, thing.__kwdefaults__, vars(thing))
            yield self._kept(lambda: thing.__defaults__)
        elif isinstance(thing, type):
            yield from self._parts_of_class(thing, is_made=True)
        elif not hasattr(kind, "dtype") and _bytes(thing) is not None:
            self._kept(partial(_bytes, thing))
        elif callable(getattr(kind, "tolist", None)):
            if prod(getattr(thing, "shape", ())) <= MOST:
                is_plain = hasattr(kind, "tobytes") and not thing.dtype.hasobject
                yield self._kept(thing.tobytes if is_plain else thing.tolist)
        elif _is_the_learners(kind.__module__) and kind.__flags__ & MADE_BY_CLASS:
            ours = [each for each in kind.__mro__ if each.__module__.startswith("micrograd_notes.")]
            if len(ours) < 2:  # at most Module, which does not read attributes by name
                yield from self._named(getattr(thing, "__dict__", {}), of_object=True)
            else:
                yield vars(thing)
            slots = [n for n in self._names if isinstance(getattr(kind, n, None), SLOT)]
            yield from self._kept(lambda: [getattr(thing, name, MISSING) for name in slots])
            yield from self._parts_of_class(kind, is_made=False)
        elif kind.__module__.partition(".")[0] in HOLDERS or hasattr(kind, "named_parameters"):
            # A cell, a method, a model of the package, ...: Python lists what it refers to.
            if kind.__flags__ & MADE_BY_CLASS and hasattr(thing, "__dict__"):
                yield from (vars(thing), *gc.get_referents(thing))
            else:
                yield from self._kept(partial(gc.get_referents, thing))

    def _parts_of_class(self, kind: type, is_made: bool) -> Iterator[Any]:
        """Yields the parts of a class that the code names, and its special methods."""
        made = [each for each in kind.__mro__ if each.__flags__ & MADE_BY_CLASS]
        for each in made if _is_the_learners(kind.__module__) else ():
            special = {n for n, item in vars(each).items() if n[:2] == "__" and callable(item)}
            self._names |= special if is_made else special - {"__init__", "__new__"}
            yield from self._named(vars(each), True) if _is_the_learners(each.__module__) else ()
        yield type(kind)

    def _named(self, variables: Mapping[str, Any], of_object: bool = False) -> Iterator[Any]:
        """Yields the variables that the code names, and keeps which they are.

        If it may name some of an object by a text, as in getattr(self, f"w{i}"), it names all.
        """
        names = {*variables} if of_object and self._names & BY_TEXT else self._names.copy()
        found = self._kept(lambda: {n: variables.get(n, MISSING) for n in names})
        yield from (thing for thing in found.values() if thing is not MISSING)

    def _kept(self, read: Callable[[], Any]) -> Any:
        self._read.append((read, read()))
        was = self._read[-1][1]
        inside = was.values() if isinstance(was, dict) else was
        has_parts = isinstance(inside, Iterable) and not isinstance(was, bytes)
        if has_parts and any(map(_may_equal_another, inside)):
            self._typed.append(self._read[-1])
        return was

    def _note_numbers(self, held: Any) -> None:
        """Notes where numbers are, up to `MOST`, whose types and signs are compared, too."""
        if isinstance(held, set):
            self._kept(lambda: frozenset(held))
        elif len(held) + len(self._numbers) <= MOST:
            items = [*(held.items() if isinstance(held, dict) else enumerate(held))]
            for key, item in items:
                if _may_equal_another(item):
                    self._holders.append(held)
                    self._keys.append(key)
                    self._numbers.append(item)


def _may_equal_another(thing: Any) -> bool:
    """Returns whether a thing of another type, or with another sign, may be equal to it."""
    return is_number(thing) or isinstance(thing, complex | tuple | frozenset)


def _is_alike(now: Any, was: Any) -> bool:
    """Returns whether equal things have equal types and signs: True, 1 and 1.0 are equal."""
    if now is was:
        return True
    if type(now) is not type(was):
        return False
    if isinstance(now, dict):
        now, was = now.values(), was.values()
    elif isinstance(now, float | complex):
        return repr(now) == repr(was)
    elif isinstance(now, set | frozenset):
        same, other = ({(type(each), repr(each)) for each in some} for some in (now, was))
        return same == other
    elif not isinstance(now, list | tuple | deque):
        return True
    return all(map(_is_alike, now, was))


def _bytes(thing: Any) -> bytes | None:
    """Returns the bytes of a bytearray, an `array`, or another buffer; None for anything else."""
    try:
        with memoryview(thing) as view:
            return view.tobytes() if view.nbytes <= 8 * MOST else b""
    except TypeError:
        return None
    except (ValueError, BufferError):  # it was closed
        return b""


def _with_new_results(read: Callable[[], Any], was: Any) -> Any:
    """Returns the old reading, but with the current outputs of a module that keeps them."""
    now = read()
    if not isinstance(was, dict) or now.keys() != was.keys():
        return was
    results = {k for k in now if _is_result(now[k]) and _is_result(was[k])}
    return {k: now[k] if k in results else was[k] for k in was}


def _is_result(thing: Any) -> bool:
    if isinstance(thing, list | tuple):
        return all(map(_is_result, thing))
    is_value = isinstance(thing, Value)
    return is_value and (thing.op is not None or (not thing.requires_grad and thing.origin))


def _names(code: types.CodeType) -> Iterator[str]:
    """Yields the names in the code and its inner functions, and texts that may be names."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
        elif isinstance(constant, str):
            yield constant


@cache
def _is_the_learners(module: str | None) -> bool:
    """Returns whether a module is the learner's: not Python's, the package's or a library's.

    `exec(source, {})` makes functions and classes "of builtins", which has none from Python code.
    """
    if module in ("__main__", "builtins"):
        return True
    file = getattr(sys.modules.get(module or ""), "__file__", None) or ""
    foreign = file.startswith(NOT_THE_LEARNERS) or "dist-packages" in file
    return not foreign and (bool(file) or module not in sys.stdlib_module_names)
