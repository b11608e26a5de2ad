"""Which tests are quick: those of the core, which `pytest -m quick` runs within half a minute.

This list is the one place that says so; `conftest.py` at the top reads it. They need Hypothesis
and mpmath. A test that needs more, such as NumPy or PyTorch, skips where that is missing.
"""

import importlib.util
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Folders and files.
QUICK = (
    "README.md",
    "micrograd_notes/common",
    "micrograd_notes/engine",
    "micrograd_notes/nn",
    "micrograd_notes/train/data.py",
    "micrograd_notes/train/dataset.py",
    "micrograd_notes/train/generated.py",
    "micrograd_notes/train/measured.py",
    "micrograd_notes/train/names.py",
    "micrograd_notes/train/optim.py",
    "tests/draw/test_dot.py",
    "tests/draw/test_text.py",
    "tests/draw/test_view.py",
    "tests/engine",
    "tests/nn",
    "tests/test_layers.py",
    "tests/train/test_data.py",
    "tests/train/test_optim.py",
)

# Files in those folders that take seconds, and that a reader of the core needs last.
NOT_QUICK = ("tests/engine/test_taylor.py", "tests/nn/test_saving.py")

# The examples in these files can't skip by themselves.
NEEDED_BY_EXAMPLES = {
    "README.md": ("numpy", "pygraphviz"),
    "micrograd_notes/engine/spelling.py": ("numpy",),
    "micrograd_notes/train/dataset.py": ("sklearn",),
    "micrograd_notes/train/measured.py": ("numpy", "sklearn"),
    "micrograd_notes/train/names.py": ("tzdata",),  # a machine's own zones are some, or none
    "micrograd_notes/train/optim.py": ("numpy",),
}


@cache  # a file has up to hundreds of tests, and each of them asks
def is_quick(path: Path) -> bool:
    """Returns whether the tests of a file are quick, but for those that are marked `long`."""
    is_of_the_core = any(path.is_relative_to(ROOT / place) for place in QUICK)
    return is_of_the_core and not any(path == ROOT / place for place in NOT_QUICK)


@cache
def missing_for(path: Path) -> list[str]:
    """Returns the packages that the examples of a file need and that are not installed."""
    places = [place for place in NEEDED_BY_EXAMPLES if path == ROOT / place]
    names = [name for place in places for name in NEEDED_BY_EXAMPLES[place]]
    return [name for name in names if importlib.util.find_spec(name) is None]
