"""Examples and outputs as arrays, for training on them.

>>> Examples.of([([0.5, -1.0], 1), ([2.0, 3.0], 0)], labels=[1, 0]).inputs.shape
(2, 2)
"""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

from micrograd_notes.common.extras import install
from micrograd_notes.engine import Value
from micrograd_notes.lifting.guards.inputs import check_exact

__all__ = ["Examples", "chosen_classes"]


class Examples(NamedTuple):
    """Examples as arrays, and the targets also as they were given."""

    inputs: Any
    targets: Any
    plain_targets: list[Any]
    labels: Any  # the class of each example, or None if targets are not labels

    @classmethod
    def of(cls, examples: Sequence[tuple[Any, Any]], labels: Sequence[int] | None) -> "Examples":
        """Returns the examples as arrays.

        Raises:
            ValueError: they have different lengths.
            TypeError: they hold something other than numbers.
            ImportError: NumPy is not installed.
        """
        if find_spec("numpy") is None:
            raise ImportError(f"fit(..., lifted=True) needs NumPy: {install('data')}")
        import numpy as np

        inputs, targets = [x for x, _ in examples], [y for _, y in examples]
        return cls(
            _as_array("inputs", inputs),
            _as_array("targets", targets),
            targets,
            None if labels is None else np.array(labels),
        )


def _as_array(name: str, given: list[Any]) -> Any:
    """Returns an array of numbers with one entry per example; else ValueError or TypeError."""
    import numpy as np

    try:
        array = np.array(given)
    except ValueError:
        raise ValueError(
            f"fit(..., lifted=True) needs {name} of one length, got several lengths; "
            "train with lifted=False"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"fit(..., lifted=True) needs numbers as {name}, got {given[0]!r}")
    check_exact(name, array)
    return array.astype(np.int64 if array.dtype.kind in "biu" else np.float64)


def chosen_classes(outputs: Any) -> Any:
    """Returns the class that is chosen by each row of logits, or by each single logit.

    >>> import numpy as np
    >>> chosen_classes(np.array([-0.1, 0.0, 0.1])), chosen_classes(np.array([[1.0, 3.0, 2.0]]))
    (array([0, 0, 1]), array([1]))
    """
    return outputs.argmax(-1) if outputs.ndim == 2 else (outputs > 0) * 1


def count_right(outputs: Any, labels: Any) -> int:
    """Returns how many rows of outputs choose the class of their label."""
    return int((chosen_classes(outputs) == labels).sum())


def data_of(parameters: list[Value]) -> Any:
    """Returns the data of parameters as an array."""
    import numpy as np

    return np.array([parameter.data for parameter in parameters])


def as_values(outputs: Any) -> list[Any]:
    """Returns outputs as a model returns them: a `Value`, or a list of them, per example."""
    return [
        [Value(number) for number in output] if isinstance(output, list) else Value(output)
        for output in outputs.tolist()
    ]
