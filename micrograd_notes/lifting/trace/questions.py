"""Questions about the type of a number, read from the line that asks.

`isinstance(y, int)` is a branch that a recording would freeze. `isinstance(outputs, list)` is not,
because a number is never a list. Python calls the object without the types, which only the source
has. `recorded.py` calls `asks_about_numbers`.
"""

import ast
import inspect
import linecache
from types import FrameType
from typing import Any

from micrograd_notes.common.users_line import PACKAGE

NAMES = ast.Name | ast.Attribute | ast.Tuple | ast.BinOp | ast.BitOr | ast.Load


def asks_about_numbers(frame: FrameType | None) -> bool:
    """Returns whether `isinstance(x, kinds)` in the frame could be true for a float or an int.

    The package's own code never depends on the answer. Without source, as at a prompt, the answer
    is that for a `Value`, and the comparison with the scalars must find the difference.
    """
    while frame is not None and frame.f_code.co_filename == "<frozen abc>":
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith(PACKAGE):
        return False
    if not linecache.getline(frame.f_code.co_filename, frame.f_lineno):
        return False
    try:
        call = ast.parse(_text(frame).strip(), mode="eval").body
        assert isinstance(call, ast.Call)
        kinds = ast.Expression(call.args[1])
        assert all(isinstance(part, NAMES) for part in ast.walk(kinds.body))
        asked: Any = eval(compile(kinds, "", "eval"), frame.f_globals, frame.f_locals)
        return issubclass(float, asked) or issubclass(int, asked)
    except Exception:
        return True


def _text(frame: FrameType) -> str:
    """Returns the source of the expression that a frame evaluates."""
    at: Any = inspect.getframeinfo(frame, context=0).positions
    numbers = range(at.lineno, at.end_lineno + 1)
    lines = [linecache.getline(frame.f_code.co_filename, each).encode() for each in numbers]
    lines[-1] = lines[-1][: at.end_col_offset]
    return b"".join([lines[0][at.col_offset :], *lines[1:]]).decode()
