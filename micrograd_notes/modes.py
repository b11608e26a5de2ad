"""Modes: what the running context asks of the engine, such as `no_grad` and `detect_anomaly`.

A mode lasts as long as its `with` block, in the context that entered it: a thread, or a task of
asyncio. Other threads and tasks never see it; a task that is created inside inherits it. The engine
asks one question per operation, whether any mode is in use anywhere, and reads the others then.

A generator runs in its caller's context. A `with no_grad():` around a `yield` therefore also holds
in the caller while the generator waits, as in PyTorch. As a decorator, a mode holds inside a
generator or a coroutine and nowhere else: it is entered for each step and left again after it.
"""

import inspect
import types
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, NamedTuple, TypeVar, overload

from micrograd_notes.anomaly import Lookout
from micrograd_notes.checks import shown

F = TypeVar("F", bound=Callable[..., Any])


class Asked(NamedTuple):
    """What a mode asks of the engine, or all modes of a context together."""

    forgets: bool = False  # results are leaves: `no_grad`
    lookout: Any = None  # who looks at new nodes: `detect_anomaly`
    stand_ins: Mapping[int, Any] = {}  # by id, what stands for a leaf here: see `standing_in`


NOTHING, FORGETS = Asked(), Asked(forgets=True)

in_use: set[int] = set()  # one entry for each block that some context is inside of
_left_elsewhere: set[int] = set()  # blocks that are over, though their own context still holds them


_place: ContextVar[None] = ContextVar("by its tokens one context knows another")


class _Block:
    """A `with` block that a context is inside of."""

    def __init__(self, mode: "Mode") -> None:
        self.mode, self.token = mode, _place.set(None)
        in_use.add(id(self))

    def __del__(self) -> None:
        in_use.discard(id(self))
        _left_elsewhere.discard(id(self))


_blocks: ContextVar[tuple[_Block, ...]] = ContextVar("blocks of modes", default=())
_asked: ContextVar[Asked] = ContextVar("what the blocks ask for together", default=NOTHING)


def asked() -> Asked:
    """Returns what the running context asks for."""
    return _together(_blocks.get()) if _left_elsewhere else _asked.get()


def stand_in(leaf: Any) -> Any:
    """Returns what stands for the leaf in the running context; mostly the leaf itself."""
    return asked().stand_ins.get(id(leaf), leaf)


def _together(blocks: tuple[_Block, ...]) -> Asked:
    found = [block.mode.asks for block in blocks if id(block) not in _left_elsewhere]
    if len(found) <= 1:
        return found[0] if found else NOTHING
    forgets, lookouts, stand_ins = zip(*found, strict=True)
    outer = next(filter(None, lookouts), None)  # of two lookouts the outer one looks
    return Asked(any(forgets), outer, next(filter(None, stand_ins), {}))


def _set(blocks: tuple[_Block, ...]) -> None:
    _blocks.set(blocks)
    _asked.set(_together(blocks))


class Mode:
    """A mode, to be entered by `with`, or to decorate a function of any kind."""

    def __init__(self, new: Callable[[], Asked]) -> None:
        self._new, self.asks = new, new()
        self._entered: list[_Block] = []

    def __enter__(self) -> None:
        block = _Block(self)
        self._entered.append(block)
        _set((*_blocks.get(), block))

    def __exit__(self, *error: object) -> None:
        blocks = _blocks.get()
        mine = [block for block in blocks if block.mode is self]
        block = (mine or self._entered)[-1]
        self._entered.remove(block)
        _set(tuple(other for other in blocks if other is not block))
        try:
            _place.reset(block.token)
        except ValueError:  # a generator goes on in another context than it was started in
            _left_elsewhere.add(id(block))
            in_use.discard(id(block))

    def __call__(self, function: F) -> F:
        """Returns the function with this mode inside."""
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"function must be a function, got {shown(function)}; decorate methods")
        decorated: F = _decorated(function, lambda: Mode(self._new))
        return decorated


@overload
def no_grad() -> Mode: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: Callable[..., Any] | None = None) -> Any:
    """Records nothing inside, in the running context: results are leaves that need no gradient.

    It decorates functions, generators and coroutines too: `@no_grad` or `@no_grad()`.

    >>> from micrograd_notes.engine import Value
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.operands, y.requires_grad
    ((), False)
    """
    mode = Mode(lambda: FORGETS)
    return mode if function is None else mode(function)


@overload
def detect_anomaly() -> Mode: ...
@overload
def detect_anomaly(function: F) -> F: ...
def detect_anomaly(function: Callable[..., Any] | None = None) -> Any:
    """Raises inside, in the running context, at the first number that is NaN or infinite.

    A result is looked at as it is computed, a gradient as `backward` or `grad` passes it on; then
    no gradient has changed. An infinite partial is not an anomaly where the adjoint that it meets
    is 0, as in the branch of a `where` that is not chosen. It takes time, and costs nothing when it
    is off. It decorates functions, generators and coroutines too.

    Raises:
        AnomalyError: a FloatingPointError that names the operation, its operands and the line that
            made the node; `error.node` is the node, to look at or to draw.

    >>> from micrograd_notes.engine import Value
    >>> x = Value(1e200, name="x")
    >>> with detect_anomaly():  # doctest: +ELLIPSIS
    ...     y = x * x + 1.0
    Traceback (most recent call last):
    micrograd_notes.anomaly.AnomalyError: multiply(x=1e+200, x=1e+200) is inf, though its ...
    """
    mode = Mode(lambda: Asked(lookout=Lookout()))
    return mode if function is None else mode(function)


@contextmanager
def standing_in(stand_ins: Mapping[int, Any], lookout: Any = None) -> Iterator[None]:
    """Lets other `Value`s stand for leaves inside, by the leaves' ids; no mode around holds inside.

    No leaf changes, so other threads may use them meanwhile. Lifting records and checks this way.
    """
    around = _blocks.get()
    _set((_Block(Mode(lambda: Asked(False, lookout, stand_ins))),))
    try:
        yield
    finally:
        _set(around)


# ---- decorated functions: a new mode for each call -----------------------------------------------


def _decorated(function: Any, new: Callable[[], Mode]) -> Any:
    if inspect.isasyncgenfunction(function):

        async def inside(*args: Any, **kwargs: Any) -> Any:
            mode, steps = new(), function(*args, **kwargs)
            step = steps.asend(None)
            while True:
                try:
                    item = await _awaited(mode, step)
                except StopAsyncIteration:
                    return
                try:
                    step = steps.asend((yield item))
                except GeneratorExit:
                    await _awaited(mode, steps.aclose())
                    raise
                except BaseException as error:
                    step = steps.athrow(error)

    elif inspect.iscoroutinefunction(function):

        async def inside(*args: Any, **kwargs: Any) -> Any:  # type: ignore[misc]
            return await _awaited(new(), function(*args, **kwargs))

    elif inspect.isgeneratorfunction(function):

        def inside(*args: Any, **kwargs: Any) -> Any:
            return (yield from _stepped(new(), function(*args, **kwargs)))

    else:

        def inside(*args: Any, **kwargs: Any) -> Any:
            with new():
                return function(*args, **kwargs)

    return wraps(function)(inside)


def _stepped(mode: Mode, steps: Any) -> Generator[Any, Any, Any]:
    """Yields what a generator yields; the mode holds in each of its steps, not between them."""
    step, argument = steps.send, None
    while True:
        try:
            with mode:
                item = step(argument)
        except StopIteration as stop:
            return stop.value
        try:
            step, argument = steps.send, (yield item)
        except GeneratorExit:
            with mode:
                steps.close()
            raise
        except BaseException as error:
            step, argument = steps.throw, error


_awaited = types.coroutine(_stepped)  # a coroutine is sent to, thrown at and closed alike
