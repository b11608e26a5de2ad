"""Packages that an extra brings: imported at their first use, and the advice where one is missing.

The core of the package needs none of them, so a module that needs NumPy says
`from micrograd_notes.common.extras import numpy as np`.
"""

from importlib import import_module
from typing import Any


class _AtFirstUse:
    """A module that is imported when it is first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # inspection is not a use
            raise AttributeError(name)
        setattr(self, name, getattr(import_module(self._name), name))
        return vars(self)[name]


numpy: Any = _AtFirstUse("numpy")


def install(extra: str) -> str:
    """Returns the command that adds an extra to this package, which is installed already.

    >>> install("viz")
    'python -m pip install "micrograd-notes[viz]"'
    """
    return f'python -m pip install "micrograd-notes[{extra}]"'
