"""`outputs_of`: the outputs of a model for many examples, by a lifted program where there is one.

Whatever uses a model without training it calls this. A plain MLP has a program of `wide.py`.
Another model is lifted as it is, which calls it some 40 times, so it must have many examples. Read
`evaluation.py` next.
"""

import copy
import math
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import count, repeat
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import Value, modes, no_grad
from micrograd_notes.nn import Module
from micrograd_notes.train.plain import activations_of, sizes_of, vector_of

Predictor = Callable[[Sequence[Any]], Any]

FEW, FEW_TO_LIFT = 32, 320
"""With fewer examples the scalars are as fast: for a plain MLP, and for another model."""


def outputs_of(model: Predictor, inputs: Sequence[Any]) -> list[Any]:
    """Returns the model's outputs for each example, without recording a graph."""
    with no_grad():
        if (numbers := outputs_on_arrays(model, inputs)) is not None:
            return [[*map(Value, y)] if isinstance(y, list) else Value(y) for y in numbers]
        return list(map(output_of, repeat(model), inputs, count()))


def outputs_on_arrays(model: Any, inputs: Sequence[Any]) -> list[Any] | None:
    """Returns a number per example, or a list of them, within rounding of the scalars.

    It returns None if the scalars must compute the outputs: NumPy is not installed, there are few
    examples, the model can't be lifted, an output is not finite, or the first or the last example
    has other outputs on scalars. The model is not changed, since a copy of it is lifted.
    """
    activations = activations_of(model)  # None unless it is a plain MLP
    is_enough = len(inputs) >= (FEW_TO_LIFT if activations is None else FEW)
    mode = modes.asked()
    if not (is_enough and isinstance(model, Module) and find_spec("numpy")) or (
        mode.lookout or mode.stand_ins  # every scalar operation must be seen
    ):
        return None
    import numpy as np

    from micrograd_notes.lifting import lift  # here, as scalars do without it
    from micrograd_notes.train.wide import program_of

    try:
        x = np.array(inputs)
        if activations is not None:
            found = program_of(sizes_of(model), activations)(vector_of(model), x.astype(float))
        else:
            model = copy.deepcopy(model)
            program = lift(model)
            found = program.outputs(program.parameters(), x)
        found = found.reshape(len(inputs), -1)
        ends = [model(inputs[0]), model(inputs[-1])]
        rows = [[end] if isinstance(end, Value) else end for end in ends]
        scalars = np.array([[value.data for value in row] for row in rows])
        rounding = 1e-9 * abs(scalars).max(1, keepdims=True)
        is_right = np.isfinite(found).all() and (abs(found[[0, -1]] - scalars) <= rounding).all()
    except Exception:  # whatever it is, the scalars succeed, or raise an error that explains it
        return None
    if not is_right:
        return None
    return found[:, 0].tolist() if isinstance(ends[0], Value) else found.tolist()  # type: ignore[no-any-return]


def output_of(model: Predictor, inputs: Any, place: int) -> Any:
    """Returns the output for the example at that place; TypeError if it is not made of `Value`s."""
    output = model(inputs)
    values = [output] if isinstance(output, Value) else checks.plain(output)
    if not isinstance(values, list | tuple) or not all(isinstance(v, Value) for v in values):
        raise TypeError(
            f"model must return a Value, or a list of Values, got {checks.shown(output)} for "
            f"example {place}"
        )
    return output


def numbers_of(output: Any, place: int) -> Any:
    """Returns the output for the example at that place as a number, or as a list of numbers."""
    numbers = [value.data for value in ([output] if isinstance(output, Value) else output)]
    if any(map(math.isnan, numbers)):
        raise FloatingPointError(
            f"the output of the model for example {place} is nan, which is not a class"
        )
    return numbers[0] if isinstance(output, Value) else numbers


def chosen_class(output: Any) -> int:
    """Returns the class that is chosen by a logit, or by a list with one logit per class."""
    if isinstance(output, float):
        return int(output > 0)
    return max(range(len(output)), key=output.__getitem__)
