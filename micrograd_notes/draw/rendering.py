"""From DOT text to the bytes of a picture, by the Graphviz of this machine.

Pictures and steppers call `render`. It uses the program `dot` if it is on the PATH, or else
pygraphviz, whose wheel contains Graphviz. Read `svg.py` next.
"""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install
from micrograd_notes.common.files import as_path

FORMATS = ("svg", "png", "pdf")
"""The formats that `render` writes."""

INSTALL = install("viz")
"""The command that installs Graphviz."""

_PIXELS_PER_INCH = 192  # a PNG stays sharp on a screen with doubled pixels
_in_process = threading.Lock()  # Graphviz as a library is not thread-safe


def render(dot_source: str, format: str = "svg", dpi: int = _PIXELS_PER_INCH) -> bytes:
    """Returns the picture that Graphviz lays out from the DOT source; a PNG has `dpi`.

    Raises:
        ValueError: the format is not one of `FORMATS`.
        ImportError: Graphviz is not installed; the message says what to install.
        RuntimeError: Graphviz refused the source.

    >>> render("digraph { a -> b }", "png")[:4]
    b'\\x89PNG'
    """
    checks.one_of("format", format, FORMATS)
    failures = []
    for renderer in _renderers():
        try:
            return renderer(dot_source, format, [f"-Gdpi={dpi}"] if format == "png" else [])
        except (OSError, RuntimeError, ValueError) as failure:
            failures.append(str(failure))  # such as a `dot` without plugins; try pygraphviz
    if failures:
        raise RuntimeError("Graphviz could not draw this graph: " + "; then ".join(failures))
    raise ImportError(f"to draw pictures, install Graphviz:  {INSTALL}")


def still(dot_source: str) -> bytes | None:
    """Returns a small PNG on white, for viewers that show no HTML; None without Graphviz."""
    try:
        return in_palette(render(dot_source, "png", dpi=96))
    except (ImportError, RuntimeError):
        return None


def in_palette(png: bytes) -> bytes:
    """Returns the PNG on white, in 256 colours, which saves two thirds of the bytes."""
    from PIL import Image  # a dependency of Matplotlib

    drawn, file = Image.open(io.BytesIO(png)).convert("RGBA"), io.BytesIO()
    flat = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")
    flat.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(file, "PNG", optimize=True)
    return file.getvalue()


def format_of(path: str | os.PathLike[str], formats: tuple[str, ...] = FORMATS) -> str:
    """Returns the format that a path's suffix names; ValueError for another suffix.

    >>> format_of("graph.SVG")
    'svg'
    """
    format = as_path(path).suffix.lower().removeprefix(".")
    if format not in formats:
        ends = " or ".join(f".{each}" for each in formats)
        raise ValueError(f"path must end in {ends}, got {os.fspath(path)!r}")
    return format


def _renderers() -> Iterator[Callable[[str, str, list[str]], bytes]]:
    if shutil.which("dot"):
        yield _with_the_program
    try:
        import pygraphviz  # noqa: F401
    except ImportError:  # not installed, or its libraries do not load here
        return
    yield _with_pygraphviz


def _with_the_program(dot_source: str, format: str, options: list[str]) -> bytes:
    command = ["dot", f"-T{format}", *options]
    finished = subprocess.run(command, input=dot_source.encode(), capture_output=True, check=False)
    if finished.returncode != 0 or not finished.stdout:
        raise RuntimeError(finished.stderr.decode(errors="replace").strip() or "dot wrote nothing")
    return finished.stdout


def _with_pygraphviz(dot_source: str, format: str, options: list[str]) -> bytes:
    import pygraphviz

    with _in_process, _messages_of_the_library() as messages:
        try:
            graph = pygraphviz.AGraph(string=dot_source)
            picture = graph.draw(format=format, prog="dot", args=" ".join(options))
        except ValueError as error:
            raise RuntimeError(f"{error} {messages()}".strip()) from error
    return bytes(picture)


@contextmanager
def _messages_of_the_library() -> Iterator[Callable[[], str]]:
    """Keeps the prints of the C library, such as fontconfig's warnings, out of the notebook.

    The library writes to file descriptor 2, past `sys.stderr`.
    """
    if sys.stderr is not None:  # None in a program without a console
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
