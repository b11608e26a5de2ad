"""DOT text to the bytes of a picture, by whatever Graphviz this machine has.

This file knows two ways to Graphviz: the program `dot`, where it is on the PATH, and pygraphviz,
which carries Graphviz in its wheel. It knows nothing of graphs of values.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from micrograd_notes.common import checks
from micrograd_notes.common.files import as_path

FORMATS = ("svg", "png", "pdf")
"""What `render` can write."""

INSTALL = 'pip install "micrograd-notes[viz]"'
"""The command that brings Graphviz along."""

_PIXELS_PER_INCH = 192  # a PNG stays sharp on a screen with doubled pixels
_in_process = threading.Lock()  # Graphviz as a library is not thread-safe


def render(dot_source: str, format: str = "svg") -> bytes:
    """Returns the picture that Graphviz lays out from the DOT source.

    Raises:
        ValueError: the format is none of `FORMATS`.
        ImportError: there is no Graphviz on this machine; it says what to install.
        RuntimeError: Graphviz refused the source.

    >>> render("digraph { a -> b }", "png")[:4]
    b'\\x89PNG'
    """
    checks.one_of("format", format, FORMATS)
    failures = []
    for renderer in _renderers():
        try:
            return renderer(dot_source, format)
        except (OSError, RuntimeError, ValueError) as failure:
            failures.append(str(failure))  # a `dot` without its plugins; pygraphviz may be there
    if failures:
        raise RuntimeError("Graphviz could not draw this graph: " + "; then ".join(failures))
    raise ImportError(f"to draw pictures, install Graphviz:  {INSTALL}")


def format_of(path: str | os.PathLike[str], formats: tuple[str, ...] = FORMATS) -> str:
    """Returns the format that a path's suffix names; ValueError if it names none of them.

    >>> format_of("graph.SVG")
    'svg'
    """
    format = as_path(path).suffix.lower().removeprefix(".")
    if format not in formats:
        ends = " or ".join(f".{each}" for each in formats)
        raise ValueError(f"path must end in {ends}, got {os.fspath(path)!r}")
    return format


def _renderers() -> Iterator[Callable[[str, str], bytes]]:
    if shutil.which("dot"):
        yield _with_the_program
    try:
        import pygraphviz  # noqa: F401
    except ImportError:  # not installed, or its libraries do not load here
        return
    yield _with_pygraphviz


def _with_the_program(dot_source: str, format: str) -> bytes:
    command = ["dot", f"-T{format}", *_options(format)]
    finished = subprocess.run(command, input=dot_source.encode(), capture_output=True, check=False)
    if finished.returncode != 0 or not finished.stdout:
        raise RuntimeError(finished.stderr.decode(errors="replace").strip() or "dot wrote nothing")
    return finished.stdout


def _with_pygraphviz(dot_source: str, format: str) -> bytes:
    import pygraphviz

    with _in_process, _messages_of_the_library() as messages:
        try:
            graph = pygraphviz.AGraph(string=dot_source)
            picture = graph.draw(format=format, prog="dot", args=" ".join(_options(format)))
        except ValueError as error:
            raise RuntimeError(f"{error} {messages()}".strip()) from error
    return bytes(picture)


def _options(format: str) -> list[str]:
    return [f"-Gdpi={_PIXELS_PER_INCH}"] if format == "png" else []


@contextmanager
def _messages_of_the_library() -> Iterator[Callable[[], str]]:
    """Keeps what the C library prints, such as fontconfig's warnings, out of the reader's notebook.

    The library writes to file descriptor 2, past `sys.stderr`.
    """
    if sys.stderr is not None:  # as it is in a program without a console
        sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:

        def messages() -> str:
            caught.seek(0)
            return caught.read().decode(errors="replace").strip()

        original = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield messages
        finally:
            os.dup2(original, 2)
            os.close(original)
