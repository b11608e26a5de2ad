"""Results that are not finite, and the examples that make them so.

NumPy goes on with inf or nan where the scalars raise, and the learner's function may catch that
error. `per_shape.py` therefore asks the scalars on these examples (`net.py`).
"""

from collections.abc import Sequence
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.guards.point import Run


def is_finite(result: Any) -> bool:
    """Returns whether a loss and its gradient, or outputs, hold neither inf nor nan."""
    loss, gradient = result if isinstance(result, tuple) else (0.0, result)
    if loss - loss != 0.0:
        return False
    # one product is faster than to look at each number, but large numbers overflow in it
    return bool(np.vdot(gradient, gradient) < np.inf or np.isfinite(gradient).all())


def not_finite(run: Run, theta: Any, given: Sequence[Any], most: int) -> list[int]:
    """Returns the first examples on which a program is not finite, at most so many.

    There may be none: a sum over all examples can overflow, too.
    """
    found: list[int] = []
    waiting = [range(len(given[0]))]
    while waiting and len(found) < most:
        rows = waiting.pop()
        if is_finite(run(theta, [array[rows.start : rows.stop] for array in given])):
            continue
        middle = len(rows) // 2
        found += rows if not middle else []
        waiting += [rows[middle:], rows[:middle]] if middle else []
    return found
