"""`History`: the numbers of each epoch, which `fit` returns. Read `loop.py` next."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from micrograd_notes.common import checks

__all__ = ["History"]

Logs = dict[str, Any]


@dataclass
class History:
    """The results of training: `epochs[i]` holds the numbers of epoch i by name.

    They are "loss", "accuracy" and "seconds"; with validation data also "validation_loss" and
    "validation_accuracy"; and anything that a callback added. `history["loss"]` is the list of all
    losses, with None if an epoch lacks it. Otherwise a history behaves like a list of its epochs.

    >>> history = History([{"loss": 2.0}, {"loss": 1.5}])
    >>> history["loss"], "loss" in history
    ([2.0, 1.5], True)
    >>> history[-1], len(history)
    ({'loss': 1.5}, 2)
    """

    epochs: list[Logs] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not all(isinstance(logs, dict) for logs in checks.listed("epochs", self.epochs)):
            raise TypeError(f"epochs must be a list of dicts, got {checks.shown(self.epochs)}")

    def __getitem__(self, name: str | int | slice) -> Any:
        if not isinstance(name, str):
            i = name if isinstance(name, slice) else checks.whole_number("name", name, -sys.maxsize)
            if isinstance(i, int) and not -len(self) <= i < len(self):
                raise IndexError(f"name must be the index of one of {len(self)} epochs, got {i}")
            return self.epochs[i]
        if name not in (names := self._names()):
            raise KeyError(f"no epoch has the name {name!r}; choose from: {', '.join(names)}")
        return [logs.get(name) for logs in self.epochs]

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Logs]:
        return iter(self.epochs)

    def __contains__(self, name: object) -> bool:
        return name in self._names() if isinstance(name, str) else name in self.epochs

    def _names(self) -> dict[str, None]:
        return {name: None for logs in self.epochs for name in logs}
