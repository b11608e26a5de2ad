"""NumPy, where it is installed: without it the tests of the core run too, with fewer numbers."""

from collections.abc import Callable
from typing import Any

import pytest

np: Any
try:
    import numpy as np
except ImportError:
    np = None

needs_numpy = pytest.mark.skipif(np is None, reason="NumPy is not installed")


def of_numpy(numbers: Callable[[], list[Any]]) -> list[Any]:
    """Returns what the function lists with `np`; nothing where NumPy is not installed."""
    return [] if np is None else numbers()
