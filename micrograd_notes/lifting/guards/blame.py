"""The line where a program and its scalars differ, for the message of a refusal.

`net.py` calls `refusal` if they do. Recording and scalars run once more, and both note which line
of the learner's code makes which numbers. The message names the first line with different numbers.
If there is none, the recording is right and the compiler is wrong; then it names the line of the
source that is wrong.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.guards.answers import Answer, answer_of, flat
from micrograd_notes.lifting.trace.recorded import CannotLift, Session, line_at_fault, recording
from micrograd_notes.lifting.trace.tape import Array

Made = tuple[str, float]  # a line, and a number that it made


def refusal(
    function: Callable[..., Any], parameters: Sequence[Value], arrays: Sequence[Array], source: str,
    theta: Any, example: list[Any], got: Answer, expected: Answer, where: str
) -> CannotLift:
    """Returns the refusal of a program whose answer on an example differs from the scalars'."""
    what, target = _what_differs(arrays, got, expected)
    line = _line_of_the_learner(function, parameters, arrays, theta, example) if example else ""
    if line:
        cause = (
            f"They part at {line}\n  There the function does something else when it is recorded: "
            "it depends on the type of a number, or it changes between calls."
        )
    else:
        found = re.findall(rf"^ *({target}(?:\[.*\])? = .*)$", source, re.MULTILINE)
        wrong = found[-1] if found else source.rstrip().rpartition("\n")[2].strip()
        cause = (
            "The recording is right, but the compiler is wrong. Please report it. Line: " + wrong
        )
    return CannotLift(
        f"lifted and scalars differ: {where} {what}.\n  {cause}\n  Until it is fixed, use the "
        "scalars, which are right: fit(..., lifted=False). lift(..., check=False) uses the program "
        "as it is."
    )


def _what_differs(arrays: Sequence[Array], got: Answer, expected: Answer) -> tuple[str, str]:
    """Returns the largest difference in words, and its name in the source."""
    for a, b in zip(got.outputs, expected.outputs, strict=True):
        if not abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1.0):
            name = "the loss" if expected.gradient else "an output"
            return f"{name} is {a!r} lifted, {b!r} in the scalars", "loss"
    pairs = [*zip(got.gradient, expected.gradient, strict=True)]
    off = [abs(a - b) if a == a else float("inf") for a, b in pairs]
    flat = off.index(max(off))
    [array] = [array for array in arrays if array.is_parameter and flat in array.where]
    index = [*map(int, np.unravel_index(array.where.index(flat), array.shape))]
    a, b = pairs[flat]
    what = f"the derivative by {array.name}{index or ''} is {a!r} lifted, {b!r} in the scalars"
    return what, f"d{array.name}"


class WithLines(Session):
    """A recording that notes the learner's line of each operation."""

    is_plain = False

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[int, str] = {}

    def record(self, op: Op, indices: tuple[int, ...]) -> Any:
        """Records an operation, and notes the line that computes it."""
        number = super().record(op, indices)
        self.lines[number._born] = line_at_fault()
        return number

    def numbers(self, theta: Any, inputs: dict[Array, list[float]]) -> list[float]:
        """Returns all numbers of the tape, computed from those of the leaves."""
        tape, numbers = self.tape, list[float]()
        for i, op in enumerate(tape.ops):
            operands = tape.operands[i]
            if isinstance(op, Array):
                [place] = operands
                numbers.append(theta[op.where[place]] if op.is_parameter else inputs[op][place])
            elif isinstance(op, Op):
                try:
                    numbers.append(op.forward(*[numbers[k] for k in operands]))
                except (ArithmeticError, ValueError):
                    numbers.append(float("nan"))
            else:
                numbers.append(tape.numbers[i])
        return numbers


def _line_of_the_learner(
    function: Callable[..., Any], parameters: Sequence[Value], arrays: Sequence[Array], theta: Any,
    example: list[Any]
) -> str:
    """Returns the first line at which scalars and recording make different numbers, or ""."""
    scalars: list[Made] = []

    def lookout(node: Value) -> None:
        scalars.append((line_at_fault(), node._data))

    answer_of(function, parameters, theta, example, lookout)
    inputs = [array for array in arrays if not array.is_parameter]
    given = {array: [*flat(numbers)] for array, numbers in zip(inputs, example, strict=True)}
    with recording(parameters, arrays, WithLines) as session:
        function(*session.inputs(arrays))
    numbers = session.numbers(theta, given)
    made = {i: (line, numbers[i]) for i, line in session.lines.items()}
    trained = [made[i] for i in made if session.requires_grad[i]]
    # The scalars also compute with plain numbers, which are not nodes. So a recorded number must be
    # one of their nodes only if a gradient flows.
    for these, those in ((scalars, made.values()), (trained, scalars)):
        known: dict[str, list[float]] = {}
        for line, number in those:
            known.setdefault(line, []).append(number)
        for line, number in these:
            if not any(abs(number - x) <= 1e-9 * abs(number) for x in known.get(line, [])):
                return line
    return ""
