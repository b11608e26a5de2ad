"""Marks the quick tests, wherever they stand: under tests/, in a docstring, in the README."""

from pathlib import Path

import pytest

from tests.quick import is_quick, missing_for


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m quick`, imports no other file: it may need packages that are not installed."""
    is_other = collection_path.is_file() and not is_quick(collection_path)
    return True if is_other and config.option.markexpr == "quick" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of the quick files, but for those that take long."""
    for item in items:
        if is_quick(item.path) and item.get_closest_marker("long") is None:
            item.add_marker("quick")
        if missing := missing_for(item.path):
            item.add_marker(pytest.mark.skip(f"not installed: {', '.join(missing)}"))
