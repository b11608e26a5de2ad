"""The examples of README.md run in a temporary folder, since they save files."""

import contextlib
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

README = Path(__file__).parent / "README.md"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Runs the README somewhere else, and every other test where it is."""
    if item.path != README:
        return (yield)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return (yield)
