"""Names of numbers: the local variables that hold them, most of all when a function returns.

`traced.py` calls the learner's function through `call_and_listen`, and Python reports every
function that returns. A number on the tape then gets the name of a variable, of the learner's
function or of another, or else that of the function that returned it. Names only make the source
readable, so they are not collected if a debugger or a coverage tool already listens.
`typed/names.py` reads them.
"""

import dis
import sys
from collections.abc import Callable
from functools import cache
from inspect import CO_VARARGS, CO_VARKEYWORDS
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from micrograd_notes.common.users_line import PACKAGE
from micrograd_notes.engine import fast, messages, methods, modes, op, stand_ins, value

# How well a name fits, the lower the better. The one of a variable that gets something else before
# the learner's function returns is FORMER.
LEARNERS, FORMER, OTHERS, FUNCTION = range(4)
Name = tuple[int, str]

_RECORDING = (fast, messages, methods, modes, op, stand_ins, value)
ARITHMETIC = (str(Path(PACKAGE, "lifting")), *(str(module.__file__) for module in _RECORDING))


def call_and_listen(function: Callable[..., Any], arguments: list[Any], session: Any) -> Any:
    """Returns the result of the function, and writes the names of numbers on the session's tape."""
    if sys.gettrace() is not None:
        return function(*arguments)
    listener, operator, listen = _Listener(function, session), None, sys.settrace

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code is operator:  # it turns the listener on again when it has recorded
            return listen(None)
        return listener.on_call(frame, event, argument)

    if sys.version_info < (3, 12):  # later, turning it off and on takes longer than listening
        operator, session.listener = session.operator, on_call
    listen(on_call)
    try:
        return function(*arguments)
    finally:
        listen(None)
        session.listener = None


class _Listener:
    def __init__(self, function: Callable[..., Any], session: Any) -> None:
        self.own = getattr(getattr(function, "__func__", function), "__code__", None)
        self.place_of, self.names = session.place_of, session.tape.names
        self._held: dict[str, Any] = {}  # by the learner's variables, as of the line before

    def on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Listens to functions that hold numbers, except comprehensions and the engine's own."""
        code = frame.f_code
        if code.co_name[0] == "<" or not _is_heard(code.co_filename):
            return None
        frame.f_trace_lines = code is self.own
        return self.on_event

    def on_event(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Notes the names that a returning function has for its numbers."""
        code, held = frame.f_code, frame.f_locals
        rank = LEARNERS if code is self.own else OTHERS
        for name, thing in held.items() if event in ("line", "return") else ():
            is_new = event == "return" or self._held.get(name) is not thing
            if is_new and name not in _arguments(code) and name[0] != "_":
                self._note((rank if event == "return" else FORMER, name), thing)
        if event == "line":
            self._held = {**held}
        elif event == "return":
            for name in _attributes(code):  # self.mean = ...
                for thing in held.values():
                    if type(thing) is not list and name in getattr(thing, "__dict__", ()):
                        self._note((rank, name), vars(thing)[name])
            if code.co_name[0] != "_":
                self._note((FUNCTION, code.co_name), argument)
        return self.on_event

    def _note(self, name: Name, thing: Any, depth: int = 0) -> None:
        place = self.place_of(thing)
        if place is not None:
            known = self.names.get(place)
            # of functions the outermost is best, which returns last; of variables the innermost
            if known is None or name[0] < known[0] or name[0] == known[0] == FUNCTION:
                self.names[place] = name
        elif isinstance(thing, list | tuple) and depth < 3:
            for item in thing:
                self._note(name, item, depth + 1)


@cache
def _is_heard(file: str) -> bool:
    """Returns whether functions of a file are the learner's, or others that hold numbers."""
    return not file.startswith(ARITHMETIC)


@cache
def _arguments(code: CodeType) -> tuple[str, ...]:
    """Returns the names of a function's arguments."""
    more = bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + more]


@cache
def _attributes(code: CodeType) -> list[str]:
    """Returns the names of attributes that a function sets."""
    set_there = [each for each in dis.get_instructions(code) if each.opname == "STORE_ATTR"]
    return sorted({str(each.argval) for each in set_there} - {"data", "grad"})
