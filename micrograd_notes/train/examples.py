"""`checked_data`: what a user passes as data, checked once, as lists of finite numbers.

`loop.py`, `evaluation.py`, `recording.py`, `watching.py` and `diagnosis.py` call it. The checks of
single numbers are in `common/checks.py`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from micrograd_notes.common import checks
from micrograd_notes.nn import MLP
from micrograd_notes.train.dataset import Dataset
from micrograd_notes.train.outputs import outputs_of

Inputs = Sequence[Sequence[Any]]
Data = Dataset | tuple[Inputs, Sequence[Any]]


class CheckedData(NamedTuple):
    """Data that has been checked, which is done only once."""

    inputs: list[Any]
    targets: list[Any]
    task: str | None = None  # None if the data does not say
    classes: int = 0


def examples_of(data: Data, model: Any = ...) -> list[tuple[Any, Any]]:
    """Returns the checked data as a list of (inputs, target)."""
    examples = checked_data(data, model)
    return list(zip(examples.inputs, examples.targets, strict=True))


def checked_data(data: Any, model: Any = ..., name: str = "data") -> CheckedData:
    """Returns the data as lists of finite numbers; else TypeError or ValueError."""
    of = "" if name == "data" else f" of {name}"
    if isinstance(data, Dataset):
        inputs, targets = data, data.targets
        said: tuple[Any, ...] = (data.task, len(data.class_names))
    else:
        is_pair = isinstance(data, tuple | list) and len(data) == 2
        if not is_pair or (isinstance(data, list) and all(map(_is_example, data))):
            kind = "a list of examples" if isinstance(data, list) else checks.shown(data)
            raise TypeError(
                f"{name} must be a Dataset or (inputs, targets), got {kind}. If you have pairs, "
                "pass ([x for x, _ in pairs], [y for _, y in pairs])"
            )
        (inputs, targets), said = data, ()
    examples = CheckedData(
        inputs_of(inputs, model, f"inputs{of}"), checks.examples(f"targets{of}", targets), *said
    )
    if len(examples.inputs) != len(examples.targets):
        raise ValueError(
            f"{name} must have one target per example, got {len(examples.inputs)} inputs and "
            f"{len(examples.targets)} targets"
        )
    if not examples.inputs:
        raise ValueError(f"{name} must hold one or more examples, got none")
    return examples


def _is_example(part: Any) -> bool:
    """Returns whether it is a pair of a list and a number."""
    is_pair = isinstance(part, tuple | list) and len(part) == 2
    return is_pair and isinstance(part[0], tuple | list) and not hasattr(part[1], "__len__")


def inputs_of(given: Any, model: Any, what: str = "inputs") -> list[Any]:
    """Returns inputs as lists of finite numbers, whose lengths the model accepts."""
    columns: tuple[str, ...] = ()
    if isinstance(given, Dataset):
        given, columns = given.inputs, given.feature_names
    inputs = checks.examples(what, given, columns)
    if model is not ...:
        checks.function("model", model, 1, "(inputs), like an MLP")
    takes = model.sizes[0] if isinstance(model, MLP) else None
    for place, row in enumerate(inputs) if takes else ():
        if hasattr(row, "__len__") and len(row) != takes:
            raise ValueError(
                f"example {place} of the {what} has {len(row)} numbers, but the model takes "
                f"{takes}. Make it MLP({len(row)}, ...)"
            )
    places = {len(row) if hasattr(row, "__len__") else -1: i for i, row in enumerate(inputs)}
    for length, place in places.items() if len(places) > 1 and model is not ... else ():
        try:
            outputs_of(model, [inputs[place]])
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"example {place} of the {what} has {length} numbers, other examples have a "
                f"different length: {error}"
            ) from None
    return inputs
