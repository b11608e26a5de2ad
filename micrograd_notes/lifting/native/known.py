"""A program in C, for data whose labels and whole numbers were compared with the scalars.

`per_shape.py` calls it while a label or a whole number may still come that was not.
"""

from collections.abc import Sequence
from typing import Any

from micrograd_notes.lifting.guards.again import known_choices
from micrograd_notes.lifting.guards.net import Net
from micrograd_notes.lifting.native.call import Call, Result
from micrograd_notes.lifting.trace.tape import Array


class KnownInC:
    """The function of a `Call`; it returns None, too, if `net` has not checked a whole number."""

    def __init__(self, call: Call, inputs: Sequence[Array], net: Net) -> None:
        self.call, self._are_known = call, known_choices(inputs, net)
        self._latest: tuple[Sequence[Any], bool] = (), False

    def __call__(self, theta: Any, data: Sequence[Any]) -> Result | None:
        """Returns the loss and the gradient; None if NumPy must run."""
        result = self.call(theta, data)
        return result if result is not None and self._are_known(data) else None

    def knows_all(self, data: Sequence[Any]) -> bool:
        """Returns whether it may run on all these examples; the same arrays are asked once.

        If another whole number was checked, `per_shape.py` makes another `KnownInC`.
        """
        before, answer = self._latest
        if len(before) != len(data) or any(a is not b for a, b in zip(before, data, strict=True)):
            answer = self._are_known(data)
            self._latest = data, answer
        return answer
