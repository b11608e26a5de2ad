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
from threading import get_ident
from types import CodeType, FrameType
from typing import Any

from micrograd_notes.common.users_line import PACKAGE
from micrograd_notes.engine import fast, messages, methods, modes, op, stand_ins, value

# How well a name fits, the lower the better. The one of a variable that gets something else before
# the learner's function returns is FORMER.
LEARNERS, FORMER, OTHERS, FUNCTION = range(4)
OPERATOR = "symbol"  # a method of `Recorded` for + or *, which calls `record` of its session
Name = tuple[int, str]

_RECORDING = (fast, messages, methods, modes, op, stand_ins, value)
ARITHMETIC = (str(Path(PACKAGE, "lifting")), *(str(module.__file__) for module in _RECORDING))


def call_and_listen(function: Callable[..., Any], arguments: list[Any], session: Any) -> Any:
    """Returns the result of the function, and writes the names of numbers on the session's tape."""
    if sys.gettrace() is not None:
        return function(*arguments)
    own = getattr(getattr(function, "__func__", function), "__code__", None)
    listener = _Listener(own, session.place_of, session.tape.names)
    if sys.version_info < (3, 12):  # later, turning it off and on takes longer than listening
        listener.operator = OPERATOR
        for name in ("record", "decline"):  # an operator ends in one of them
            setattr(session, name, _unheard(getattr(session, name), listener.on_call))
    sys.settrace(listener.on_call)
    try:
        return function(*arguments)
    finally:
        sys.settrace(None)
        for name in ("record", "decline"):
            vars(session).pop(name, None)


def _unheard(method: Callable[..., Any], listener: Any) -> Callable[..., Any]:
    """Returns the function, to run without a listener, which slows each step of it down.

    The listener is off before it if an operator calls it, and on after it.
    """
    own = get_ident()

    def quiet(*given: Any) -> Any:
        if get_ident() != own:  # nobody listens to another thread
            return method(*given)
        sys.settrace(None)
        result = method(*given)
        sys.settrace(listener)
        return result

    return quiet


class _Listener:
    def __init__(
        self, own: CodeType | None, place_of: Callable[[Any], int | None], names: dict[int, Name]
    ) -> None:
        self.own, self.place_of, self.names = own, place_of, names
        self._is_heard: dict[str, bool] = {}  # by the file
        self._held: dict[str, Any] = {}  # by the learner's variables, as of the line before
        self.operator = ""  # the function that turns it off until it has recorded

    def on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Listens to functions that hold numbers, except comprehensions and the engine's own."""
        code = frame.f_code
        file = code.co_filename  # faster to look up than the code itself
        if file not in self._is_heard:
            self._is_heard[file] = not file.startswith(ARITHMETIC)
        if not self._is_heard[file]:
            if code.co_name == self.operator:
                sys.settrace(None)
            return None
        if code.co_name[0] == "<":
            return None
        frame.f_trace_lines = code is self.own
        return self.on_event

    def on_event(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Notes the names that a returning function has for its numbers."""
        if event in ("line", "return"):
            code = frame.f_code
            held = frame.f_locals
            count = code.co_argcount + code.co_kwonlyargcount
            count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
            arguments = code.co_varnames[:count]
            rank = LEARNERS if code is self.own else OTHERS
            for name, thing in held.items():
                is_new = event == "return" or self._held.get(name) is not thing
                if is_new and name not in arguments and name[0] != "_":
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
def _attributes(code: CodeType) -> list[str]:
    """Returns the names of attributes that a function sets."""
    set_there = [each for each in dis.get_instructions(code) if each.opname == "STORE_ATTR"]
    return sorted({str(each.argval) for each in set_there} - {"data", "grad"})
