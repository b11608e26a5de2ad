"""The API reference: the public rooms, from their docstrings, by pdoc.

`site` puts these pages into the course's site, in the folder `api/`, where pdoc is installed. Read
`site` next.
"""

import tempfile
from importlib import import_module, util
from pathlib import Path

from micrograd_notes.common.extras import install

__all__ = ["MISSING", "ROOMS", "api_is_possible", "api_pages"]

ROOMS = (
    "micrograd_notes",
    "micrograd_notes.draw.plots",
    "micrograd_notes.engine",
    "micrograd_notes.gpt",
    "micrograd_notes.lifting",
    "micrograd_notes.nn",
    "micrograd_notes.nn.losses",
    "micrograd_notes.testing",
    "micrograd_notes.testing.programs.strategies",
    "micrograd_notes.train",
    "micrograd_notes.train.data",
)
"""The modules that have a page: `micrograd_notes` has every name that the notebooks import."""

MISSING = f"the API reference needs its extra: {install('docs')}"


def api_is_possible() -> bool:
    """Returns whether pdoc is installed."""
    return util.find_spec("pdoc") is not None


def api_pages() -> dict[str, bytes]:
    """Returns the pages of the API reference, by their names in a site, such as `api/index.html`.

    The docstrings of the public rooms become one page per room, which loads nothing from a network.

    Raises:
        ImportError: pdoc is not installed, or a room lacks its extra.
    """
    if not api_is_possible():
        raise ImportError(MISSING)
    pdoc = import_module("pdoc")
    import_module("pdoc.render").configure(docformat="google", show_source=True)
    others = [f"!{room}\\.(?!{_or(room)}).*" for room in ROOMS]  # what is not listed has no page
    with tempfile.TemporaryDirectory() as folder:
        pdoc.pdoc(*ROOMS, *others, output_directory=Path(folder))
        return {
            f"api/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }


def _or(room: str) -> str:
    """Returns a pattern for the listed modules below a room."""
    below = [each.removeprefix(f"{room}.") for each in ROOMS if each.startswith(f"{room}.")]
    return "|".join(f"{name.replace('.', '[.]')}$" for name in below) or "$"
