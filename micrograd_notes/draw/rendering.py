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
from functools import partial

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install
from micrograd_notes.common.files import as_path

FORMATS = ("svg", "png", "pdf")
"""The formats that `render` writes."""

INSTALL = install("viz")
"""The command that installs Graphviz."""

_PIXELS_PER_INCH = 192  # a PNG stays sharp on a screen with doubled pixels
_PNG = b"\x89PNG"  # how one begins
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
    return _rendered(dot_source, [format], [f"-Gdpi={dpi}"] if format == "png" else [])[0]


def _rendered(dot_source: str, formats: list[str], options: list[str]) -> list[bytes]:
    failures = []
    for renderer in _renderers():
        try:
            return renderer(dot_source, formats, options)
        except (OSError, RuntimeError, ValueError) as failure:
            failures.append(str(failure))  # such as a `dot` without plugins; try pygraphviz
    if failures:
        raise RuntimeError("Graphviz could not draw this graph: " + "; then ".join(failures))
    raise ImportError(f"to draw pictures, install Graphviz:  {INSTALL}")


def svg_and_still(dot_source: str) -> tuple[bytes, bytes]:
    """Returns the picture as SVG, and a small PNG on white for viewers that show no HTML.

    The program `dot` lays out the graph once for both; pygraphviz has no way to do so.
    """
    svg, png = _rendered(dot_source, ["svg", "png"], [])  # without an option, a PNG has 96 dpi
    return svg, in_palette(png)


def still(dot_source: str) -> bytes | None:
    """Returns the small PNG alone; None without Graphviz."""
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


def _renderers() -> Iterator[Callable[[str, list[str], list[str]], list[bytes]]]:
    if shutil.which("dot"):
        yield _with_the_program
    try:
        import pygraphviz  # noqa: F401
    except ImportError:  # not installed, or its libraries do not load here
        return
    yield _with_pygraphviz


def _with_the_program(dot_source: str, formats: list[str], options: list[str]) -> list[bytes]:
    command = ["dot", *(f"-T{format}" for format in formats), *options]
    finished = subprocess.run(command, input=dot_source.encode(), capture_output=True, check=False)
    svg, mark, png = finished.stdout.partition(_PNG)  # one after the other
    pictures = [svg, mark + png] if len(formats) > 1 else [finished.stdout]
    if finished.returncode != 0 or not all(pictures):
        raise RuntimeError(finished.stderr.decode(errors="replace").strip() or "dot wrote nothing")
    return pictures


def _with_pygraphviz(dot_source: str, formats: list[str], options: list[str]) -> list[bytes]:
    import pygraphviz

    with _in_process, _messages_of_the_library() as messages:
        try:
            graph = pygraphviz.AGraph(string=dot_source)
            draw = partial(graph.draw, prog="dot", args=" ".join(options))
            return [bytes(draw(format=format)) for format in formats]
        except ValueError as error:
            raise RuntimeError(f"{error} {messages()}".strip()) from error


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
