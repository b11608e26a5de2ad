"""The new homes of the modules of version 0.1, for imports by their old paths.

`import micrograd_notes.optim` raises an error that names `micrograd_notes.train.optim`. The
package calls `install` once, when it is imported.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
RENAMED = {
    "graph": "engine.backward",
    "rows": "nn.vectors",
    "training": "train.loop",
    "lifted_training": "train.lifted_loop",
    "training_page": "draw.training.page",
    "draw.view": "draw.graph.view",
    "testing.gradcheck": "testing.gradients",
    "testing.opcheck": "testing.operations",
}


def new_path(old: str) -> str | None:
    """Returns the path in the package of a module that moved or was renamed, or None.

    >>> new_path("optim"), new_path("testing.numeric"), new_path("graph"), new_path("nonsense")
    ('train.optim', 'testing.numbers.numeric', 'engine.backward', None)
    """
    found = [path.relative_to(PACKAGE) for path in PACKAGE.rglob(f"{old.rpartition('.')[2]}.py")]
    return RENAMED.get(old, ".".join(found[0].with_suffix("").parts) if len(found) == 1 else None)


class _OldPaths(MetaPathFinder):
    """Refuses the old paths; Python calls it after all other finders have failed."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> None:
        package, _, name = fullname.partition(".")
        if package == "micrograd_notes" and (new := new_path(name)):
            raise ModuleNotFoundError(
                f"{fullname} is now micrograd_notes.{new}; most of its names come from "
                "micrograd_notes itself",
                name=fullname,
            )


def install() -> None:
    """Makes an import by an old path raise an error that names the new one."""
    if not any(isinstance(finder, _OldPaths) for finder in sys.meta_path):
        sys.meta_path.append(_OldPaths())
