"""The new homes of the modules of version 0.1, for imports by their old paths.

`import micrograd_notes.optim` raises an error that names `micrograd_notes.train.optim`. The
package calls `install` once, when it is imported.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from micrograd_notes.common.users_line import PACKAGE

PARENTS = ("", "draw", "lifting", "testing")  # the folders of version 0.1
RENAMED = {
    "graph": "engine.backward",
    "plots": "draw.plots",
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

    The moved ones kept their names, and are found by them.

    >>> new_path("optim"), new_path("testing.numeric"), new_path("graph"), new_path("nonsense")
    ('train.optim', 'testing.numbers.numeric', 'engine.backward', None)
    """
    folder, _, name = old.rpartition(".")
    if old in RENAMED or folder not in PARENTS or not name.isidentifier():
        return RENAMED.get(old)
    found = [path.relative_to(PACKAGE) for path in Path(PACKAGE).rglob(f"{name}.py")]
    return ".".join(found[0].with_suffix("").parts) if len(found) == 1 else None


class _OldPaths:
    """A finder that refuses the old paths; Python calls it after all others have failed."""

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
