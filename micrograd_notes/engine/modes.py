"""Modes of the engine, such as `no_grad`, that hold in the running context.

A mode lasts as long as its `with` block, in the context that entered it: a thread, or a task of
asyncio. Other threads and tasks never see it; a task that is created inside inherits it. For each
operation the engine checks whether any mode is in use anywhere, and reads the context only then.

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
from weakref import ref

from micrograd_notes.common.checks import shown

F = TypeVar("F", bound=Callable[..., Any])


class Asked(NamedTuple):
    """The effects of a mode, or of all modes of a context together."""

    forgets: bool = False  # results are leaves: `no_grad`
    lookout: Any = None  # is shown new nodes: `detect_anomaly`
    stand_ins: Mapping[int, Any] = {}  # by the id of a leaf, its stand-in: see `stand_ins`

    @property
    def is_more_than_stand_ins(self) -> bool:
        """Whether a new node is changed, or shown."""
        return self.forgets or self.lookout is not None


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
    """Returns the effects of the modes in the running context."""
    return _together(_blocks.get()) if _left_elsewhere else _asked.get()


@contextmanager
def alone(here: Asked) -> Iterator[None]:
    """Replaces the modes of the running context inside, whatever they were."""
    around = _blocks.get()
    _set((_Block(Mode(lambda: here)),))
    try:
        yield
    finally:
        _set(around)


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

    >>> from micrograd_notes import Value
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.operands, y.requires_grad
    ((), False)
    """
    mode = Mode(lambda: FORGETS)
    return mode if function is None else mode(function)


# ---- the engine, where a mode is in use ----------------------------------------------------------


def standing_for(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the values, each replaced by its stand-in in the running context, if it has one."""
    if in_use and (stand_ins := asked().stand_ins):
        return tuple([stand_ins.get(id(value), value) for value in values])
    return values


def kept(node: Any) -> Any:
    """Returns a new node as the running context keeps it: checked, or as a leaf."""
    if not in_use:
        return node
    here = asked()
    if here.lookout is not None:
        here.lookout.made(node)
    return forgotten(node, node.operands) if here.forgets else node


def forgotten(node: Any, operands: tuple[Any, ...]) -> Any:
    """Makes a result a leaf, as `no_grad` does. It keeps a note of one leaf that it depends on.

    By that note a module recognizes a weight that was computed, and so could never learn.
    """
    for operand in operands:
        if operand._left is not None:
            node.origin = leaf_behind(operand)
        elif operand._requires_grad or operand.origin is not None:  # the same, without a call
            node.origin = operand.origin or ref(operand)
        if node.origin is not None:
            break
    node.op = node._left = node._right = None
    node._requires_grad = False
    return node


def leaf_behind(node: Any) -> Any:
    """Returns a weak reference to a trainable leaf that it is or was computed from, or None."""
    while operands := node.operands:
        if all(operand._left is None for operand in operands):
            trainable = next((x for x in operands if x._requires_grad), None)
            notes = (x.origin for x in operands if x.origin is not None)
            return next(notes, None) if trainable is None else ref(trainable)
        for node in operands:  # (the last one, if none depends on a trainable leaf)
            if node._requires_grad or (node._left is None and node.origin is not None):
                break
    if node._requires_grad and node.origin is None:
        return ref(node)
    return node.origin  # a note, also of what stands for a leaf: see `stand_ins`


def before_a_sweep(root: Any, adjoint: float, leaves: Any) -> None:
    """Checks the sweep before anything is written, where `detect_anomaly` is in use."""
    if in_use and (lookout := asked().lookout) is not None:
        lookout.rehearse(root, adjoint, leaves)


def watched(steps: Iterator[Any]) -> Iterator[Any]:
    """Returns the steps of a sweep, which `detect_anomaly` checks where it is in use."""
    lookout = asked().lookout if in_use else None
    return steps if lookout is None else lookout.passed(steps)


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
