"""What every peer hands out: a step, and the arrays of the parameters after the steps so far.

A peer that has taken a step has shown its gradient, as the parameters have moved by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lifting.work import Array, Work


class Learner(NamedTuple):
    """A model in training, somewhere: a step returns the loss before its update."""

    step: Callable[[], float]
    arrays: Callable[[], list[Array]]


Peer = Callable[[Work], Learner]
