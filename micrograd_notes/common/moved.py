"""The new homes of the modules of version 0.1, for imports by their old paths.

`import micrograd_notes.optim` raises an error that names `micrograd_notes.train.optim`. The
package calls `install` once, when it is imported.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from typing import Any

MOVED = {
    "accurate": "engine.accurate",
    "anomaly": "engine.anomaly",
    "checks": "common.checks",
    "copying": "engine.copying",
    "data": "train.data",
    "exercises": "course.exercises",
    "expression": "cli.expression",
    "files": "common.files",
    "graph": "engine.backward",
    "hypothesis_entry": "cli.hypothesis_entry",
    "lifted_training": "train.lifted_loop",
    "losses": "nn.losses",
    "memories": "train.memories",
    "methods": "engine.value",
    "modes": "engine.modes",
    "op": "engine.op",
    "ops": "engine.ops",
    "optim": "train.optim",
    "plots": "draw.plots",
    "recording": "train.recording",
    "rows": "nn.vectors",
    "saving": "nn.saving",
    "spelling": "engine.spelling",
    "tour": "cli.tour",
    "tour_page": "cli.tour_page",
    "training": "train.loop",
    "training_page": "draw.training.page",
    "watching": "train.watching",
}


class _OldPaths(MetaPathFinder):
    """Refuses the old paths; Python calls it after all other finders have failed."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> None:
        package, _, name = fullname.partition(".")
        if package == "micrograd_notes" and name in MOVED:
            raise ModuleNotFoundError(
                f"{fullname} is now micrograd_notes.{MOVED[name]}; most of its names come from "
                "micrograd_notes itself",
                name=fullname,
            )


def install() -> None:
    """Makes an import by an old path raise an error that names the new one."""
    if not any(isinstance(finder, _OldPaths) for finder in sys.meta_path):
        sys.meta_path.append(_OldPaths())
