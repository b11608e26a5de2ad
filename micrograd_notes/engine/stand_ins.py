"""Other values stand for leaves, in one context: this is how lifting records and checks.

No leaf changes, so other threads may use the leaves meanwhile. As long as a block is entered
anywhere, what `Value` says of its number, gradient and text looks up first what stands for the
value in the running context. At all other times `Value` is as its file says, and pays nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Lock
from typing import Any

from micrograd_notes.engine import modes
from micrograd_notes.engine.modes import Asked
from micrograd_notes.engine.value import Value

_PROPERTIES = ("data", "grad", "requires_grad")
_METHODS = (
    "detach", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__format__", "__repr__",
)
_plain: dict[str, Any] = {}  # as they were before the first block
_lock = Lock()
_entered = 0


def stand_in(value: Any) -> Any:
    """Returns what stands for the value in the running context; mostly the value itself."""
    return modes.asked().stand_ins.get(id(value), value)


@contextmanager
def standing_in(stand_ins: dict[Any, Any], lookout: Any = None) -> Iterator[None]:
    """Lets other `Value`s stand for leaves inside, by the leaves' ids; no mode around holds inside.

    No leaf changes, so other threads may use them meanwhile. Lifting records and checks this way.
    Inside, Value(x) of an `x` that `is_given` instead of a plain number is stood for by x.
    """
    _aware(+1)
    try:
        with modes.alone(Asked(False, lookout, stand_ins)):
            yield
    finally:
        _aware(-1)


def _aware(change: int) -> None:
    """Makes `Value` look up what stands for it, from the first block to the end of the last."""
    global _entered
    with _lock:
        before, _entered = _entered, _entered + change
        if bool(before) != bool(_entered):
            for name in (*_PROPERTIES, *_METHODS, "__init__"):
                if _entered:
                    _plain[name] = getattr(Value, name)
                    setattr(Value, name, _looked_up(name, _plain[name]))
                else:
                    setattr(Value, name, _plain[name])


def _looked_up(name: str, plain: Any) -> Any:
    if name == "__init__":

        @wraps(plain)
        def init(self: Value, data: Any, *args: Any, **options: Any) -> None:
            if type(data) is not float and getattr(data, "is_given", False):
                stand_ins: Any = modes.asked().stand_ins
                stand_ins[self] = self  # it lives as long, so no other gets its id
                stand_ins[id(self)], data = data, 0.0
            plain(self, data, *args, **options)

        return init
    if not isinstance(plain, property):

        @wraps(plain)
        def method(self: Value, *args: Any) -> Any:
            other, args = stand_in(self), (*map(stand_in, args),)  # as both sides of <
            return plain(self, *args) if other is self else getattr(other, name)(*args)

        return method
    get, put = plain.fget, plain.fset
    assert get is not None
    assert put is not None

    def getter(self: Value) -> Any:
        other = stand_in(self)
        return get(self) if other is self else getattr(other, name)

    def setter(self: Value, given: Any) -> None:
        other = stand_in(self)
        if other is self:
            put(self, given)
        else:
            setattr(other, name, given)

    return property(getter, setter, doc=plain.__doc__)
