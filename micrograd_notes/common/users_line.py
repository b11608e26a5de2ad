"""The user's own line: the innermost one that is not in this package, in a file or in a cell.

Messages of `detect_anomaly`, of lifting and of the watcher name it.
"""

import linecache
import sys
from pathlib import Path
from types import FrameType

PACKAGE = str(Path(__file__).parents[1])
Line = tuple[str, int]  # a file and a number


def users_line(not_theirs: tuple[str, ...] = (PACKAGE,)) -> Line | None:
    """Returns the innermost line whose file does not begin with one of these; None without one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(not_theirs):
        frame = frame.f_back
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def as_text(line: Line | None) -> str:
    """Returns the line as a message names it, with its source.

    >>> as_text(None)
    'an unknown line'
    """
    if line is None:
        return "an unknown line"
    file, number = line
    source = linecache.getline(file, number).strip() or "(no source)"
    if "ipykernel" in file:  # whose name means nothing to a reader
        return f"line {number} of its cell: {source}"
    return f"{file}:{number}: {source}"
