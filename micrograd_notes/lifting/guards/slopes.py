"""Whether a program's gradient is the slope of its own loss, which the program itself can tell.

Three runs of a program compare its two halves on all of the data, without a scalar. They can't
judge: at a kink, or behind a `detach`, the gradient of the scalars differs from the slope as well.
So `per_shape.py` has the net compare an example that stands out here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import Value
from micrograd_notes.lifting.trace.recorded import CannotLift

STEP, NEAR = 1e-6, 1e-4  # of a slope; it is off by as much as a loss has digits, and at a kink


def misfit(run: Callable[[Any], Any], theta: Any, along: Any, step: float) -> tuple[float, float]:
    """Returns how far the slope in a direction is from that of the gradient, and how long that is.

    `run` returns the loss and the gradient for parameters.
    """
    ends = [run(theta + sign * step * along)[0] for sign in (1.0, -1.0)]
    gradient = run(theta)[1]
    with np.errstate(all="ignore"):  # results may be inf
        off = (ends[0] - ends[1]) / (2 * step) - gradient @ along
        return float(abs(off)), float(np.sqrt(gradient @ gradient))


def suspects(
    run: Callable[[Any, Sequence[Any]], Any], parameters: Sequence[Value], theta: Any,
    given: Sequence[Any]
) -> list[int]:
    """Returns an example on which the gradient is not the slope of the loss; [] if none is.

    `run` is the program of a mean loss, on a vector of parameters and arrays.
    """
    flows = np.array([parameter._requires_grad for parameter in parameters], dtype=bool)
    along = np.random.default_rng(0).normal(size=len(theta)) * flows

    def is_off(rows: range) -> bool:
        data = [array[rows.start : rows.stop] for array in given]
        try:
            off, length = misfit(lambda theta: run(theta, data), theta, along, STEP)
        except CannotLift:  # it fails, and in the scalars may not
            return True
        return not off <= NEAR * length

    rows = range(len(given[0]) if given else 0)
    if not rows or not is_off(rows):
        return []
    while len(rows) > 1:
        middle = rows.start + len(rows) // 2
        first, second = range(rows.start, middle), range(middle, rows.stop)
        rows = first if is_off(first) else second
    return [*rows]
