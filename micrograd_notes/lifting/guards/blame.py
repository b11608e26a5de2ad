"""The line where a program and its scalars differ, for the message of a refusal.

`net.py` calls `refusal` if they do. Recording and scalars run once more, and both note which line
of the learner's code makes which numbers. The message names the first line with different numbers,
or the one that brings in a short float of NumPy. If there is none, the recording is right. Then the
sign of a zero decides, which a program may lose, or the compiler is wrong, and the message names
the line of the source that is wrong.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.guards.answers import Answer, answer_of, flat
from micrograd_notes.lifting.trace.recorded import CannotLift, line_at_fault, recording
from micrograd_notes.lifting.trace.tape import Array, Tape
from micrograd_notes.lifting.trace.traced import WithLines

Made = tuple[str, float]  # a line, and a number that it made


def refusal(
    function: Callable[..., Any], parameters: Sequence[Value], arrays: Sequence[Array], source: str,
    theta: Any, example: list[Any], got: Answer, expected: Answer, where: str
) -> CannotLift:
    """Returns the refusal of a program whose answer on an example differs from the scalars'."""
    what, target = _what_differs(arrays, got, expected)
    known = function, parameters, arrays, theta, example
    cause = _cause_in_the_function(*known, got.outputs) if example else ""
    if not cause:
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
        if a != b and not abs(a - b) <= 1e-9 * max(min(abs(a), abs(b)), 1.0):
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


class WithKinds(WithLines):
    """A recording that also notes which constants are short floats of NumPy."""

    def __init__(self) -> None:
        super().__init__()
        self.short: dict[int, str] = {}

    def index(self, operand: Any) -> int:
        """Returns the place of an operand on the tape."""
        place, kind = super().index(operand), getattr(operand, "dtype", None)
        if kind is not None and kind.kind == "f" and kind.name != "float64":
            self.short[place] = kind.name
        return place


def _numbers(
    tape: Tape, theta: Any, inputs: dict[Array, list[float]], zero: float | None = None
) -> list[float]:
    """Returns all numbers of a tape, computed from those of the leaves; 0 with a sign if given."""
    numbers = list[float]()
    for i, op in enumerate(tape.ops):
        operands = tape.operands[i]
        if isinstance(op, Array):
            [place] = operands
            number = theta[op.where[place]] if op.is_parameter else inputs[op][place]
        elif isinstance(op, Op):
            try:
                number = op.forward(*[numbers[k] for k in operands])
            except (ArithmeticError, ValueError):
                number = float("nan")
        else:
            number = tape.numbers[i]
        numbers.append(number if number or zero is None else zero)
    return numbers


def _cause_in_the_function(
    function: Callable[..., Any], parameters: Sequence[Value], arrays: Sequence[Array], theta: Any,
    example: list[Any], got: list[float]
) -> str:
    """Returns why a right program gives these outputs where the scalars do not; "" if unknown."""
    scalars: list[Made] = []

    def lookout(node: Value) -> None:
        scalars.append((line_at_fault(), node._data))

    answer_of(function, parameters, theta, example, lookout)
    inputs = [array for array in arrays if not array.is_parameter]
    given = {array: [*flat(numbers)] for array, numbers in zip(inputs, example, strict=True)}
    with recording(parameters, arrays, WithKinds) as session:
        returned = [*flat(function(*session.inputs(arrays)))]
        outputs = [*map(session.index, returned)]
    theta = [*map(float, theta)]  # whose division by 0 does not warn
    tape, numbers = session.tape, _numbers(session.tape, theta, given)
    made = {i: (line, numbers[i]) for i, line in session.lines.items()}
    if line := _line_that_differs(scalars, made, [i for i in made if session.tape.flows[i]]):
        plain = [i for i in made if not session.tape.flows[i]]  # they may not be nodes
        short = [(i, k) for i in plain for k in tape.operands[i] if k in session.short]
        for i, kind in [(i, session.short[k]) for i, k in short[:1]]:
            return (
                f"They part at {made[i][0]}\n  There a number is NumPy's {kind}, so the scalars "
                f"calculate in {kind}, and the program in float64. Make it a float outside: "
                "float(c), or c.tolist() for an array."
            )
        return (
            f"They part at {line}\n  There the function does something else when it is recorded: "
            "it depends on the type of a number, catches an error, or changes between calls."
        )
    signed = [_numbers(tape, theta, given, zero) for zero in (0.0, -0.0)]
    plus, minus = [Answer([numbers[k] for k in outputs], []) for numbers in signed]
    if not plus.is_like(minus) and any(Answer(got, []).is_like(each) for each in (plus, minus)):
        return (
            "The sign of a zero decides there. A program leaves out what adds 0, as w * 0 + x "
            "does, which makes 0.0 of -0.0. Choose what atan2 or a division gives at 0, by where()."
        )
    return ""


def _line_that_differs(
    scalars: Sequence[Made], made: dict[int, Made], trained: Sequence[int]
) -> str:
    """Returns the first line at which scalars and recording make different numbers, or "".

    The scalars also compute with plain numbers, which are not nodes. So a recorded number must be
    one of their nodes only if a gradient flows.
    """
    for these, those in ((scalars, made.values()), ([made[i] for i in trained], scalars)):
        known: dict[str, list[float]] = {}
        for line, number in those:
            known.setdefault(line, []).append(number)
        for line, number in these:
            if not any(abs(number - x) <= 1e-9 * abs(number) for x in known.get(line, [])):
                return line
    return ""
