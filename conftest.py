"""Marks the quick tests, puts long files first, and runs the README's examples elsewhere."""

import contextlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.longest import put_longest_first
from tests.quick import is_quick, missing_for

# No test depends on how busy the machine is. The explain phase, which only comments on an example
# after it was found and shrunk, would take nine tenths of each `find`.
settings.register_profile(
    "untimed",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[phase for phase in Phase if phase is not Phase.explain],
)
settings.load_profile("untimed")

# Compiling for each small network would take long. With the variable set to auto, all runs in C.
os.environ.setdefault("MICROGRAD_NOTES_BACKEND", "numpy")

README = Path(__file__).parent / "README.md"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m quick`, imports no other file: it may need packages that are not installed."""
    is_other = collection_path.is_file() and not is_quick(collection_path)
    return True if is_other and config.option.markexpr == "quick" else None


def pytest_configure(config: pytest.Config) -> None:
    """Lets the workers of `pytest -n` take files in the order of `put_longest_first`."""
    if hasattr(config.option, "loadscopereorder"):  # the option of an xdist that would sort them
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks the tests of the quick files, but for those that take long."""
    if hasattr(config, "workerinput"):
        put_longest_first(items)
    for item in items:
        if is_quick(item.path) and item.get_closest_marker("long") is None:
            item.add_marker("quick")
        if missing := missing_for(item.path):
            item.add_marker(pytest.mark.skip(f"not installed: {', '.join(missing)}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Runs the README somewhere else, and every other test where it is."""
    if item.path != README:
        return (yield)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return (yield)
