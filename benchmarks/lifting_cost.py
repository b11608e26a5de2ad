"""How much time and memory lifting takes, against another checkout of this repository.

    git worktree add /tmp/before a8edad9
    python benchmarks/lifting_cost.py /tmp/before       # a few minutes

Each loss is lifted in processes of its own, in turns with the other checkout, and the medians are
compared. Time is the processor's. Memory is the highest that Python's objects and NumPy's arrays
need while the program is made, beyond the model's own; it is measured in another process, because
counting takes time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parents[1]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def network(sizes: list[int]) -> tuple[Any, Any, Any, Any]:
    import numpy as np

    from micrograd_notes import MLP, logsumexp, pick

    model = MLP(sizes[0], sizes[1:], seed=0)

    def loss(x: Any, y: Any) -> Any:
        logits = model(x)
        return logsumexp(logits) - pick(logits, y)

    return loss, model, np.zeros((1, sizes[0])), np.zeros(1, dtype=np.int64)


def gpt() -> tuple[Any, Any, Any, Any]:
    import numpy as np

    from micrograd_notes.gpt import GPT

    model = GPT(LETTERS, positions=16, width=16, heads=4, seed=0)
    return model.loss, model, np.zeros((1, 6), dtype=np.int64), np.zeros((1, 6), dtype=np.int64)


WORKS: dict[str, Callable[[], tuple[Any, Any, Any, Any]]] = {
    "64-32-10": lambda: network([64, 32, 10]),
    "784-128-10": lambda: network([784, 128, 10]),
    "GPT, 6 letters": gpt,
}


def lift_once(title: str, is_counted: bool) -> dict[str, float]:
    """Returns the seconds that it took to lift, or the bytes at its height."""
    import tracemalloc
    from time import process_time

    from micrograd_notes import lift

    loss, model, X, Y = WORKS[title]()
    if is_counted:
        tracemalloc.start()
        lift(loss, model).source_for(X, Y)
        return {"bytes": tracemalloc.get_traced_memory()[1]}
    start = process_time()
    lift(loss, model).source_for(X, Y)
    return {"seconds": process_time() - start}


def measured(checkout: Path, title: str, is_counted: bool) -> dict[str, float]:
    """Returns the cost of lifting in a new process that imports the package of a checkout."""
    single = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    environment = {**os.environ, **single, "PYTHONPATH": str(checkout)}
    command = [sys.executable, __file__, "--child", json.dumps([title, is_counted])]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(found.stdout)  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, nargs="?", help="the other checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(lift_once(*json.loads(asked.child))))
        return
    print(f"{'':<16}{'seconds':>18}{'ratio':>8}{'MiB':>18}{'ratio':>8}")
    print(f"{'':<16}{'before':>9}{'now':>9}{'':>8}{'before':>9}{'now':>9}")
    for title in WORKS:
        times: list[list[float]] = [[], []]
        for _ in range(asked.rounds):
            for taken, checkout in zip(times, (asked.before, HERE), strict=True):
                taken.append(measured(checkout, title, False)["seconds"])
        before, now = map(median, times)
        sizes = [measured(c, title, True)["bytes"] / 2**20 for c in (asked.before, HERE)]
        print(
            f"{title:<16}{before:>9.3f}{now:>9.3f}{now / before:>8.2f}"
            f"{sizes[0]:>9.1f}{sizes[1]:>9.1f}{sizes[1] / sizes[0]:>8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
