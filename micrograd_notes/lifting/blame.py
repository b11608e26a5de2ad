"""Where a program and its scalars part: the line to look at, for the message of a refusal.

Recording and scalars are run once more, and both note which line of the learner's own makes which
numbers. The first line at which the scalars have a number that the recording lacks is named. If
there is none, the recording is right and a pass of the compiler is not: then the line of the source
is named that computes what is wrong.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.engine import Value
from micrograd_notes.lifting.net import Answer, as_values, call_on_scalars
from micrograd_notes.lifting.recorded import CannotLift, Session, line_at_fault, recording
from micrograd_notes.lifting.tape import CONSTANT, Array
from micrograd_notes.op import Op

ADVICE = (
    "Until that is mended the scalars are right: fit(..., lifted=False). "
    "lift(..., check=False) uses the program as it is."
)


def refusal(
    function: Callable[..., Any],
    parameters: Sequence[Value],
    arrays: Sequence[Array],
    source: str,
    theta: Any,
    example: list[Any],
    got: Answer,
    expected: Answer,
    where: str,
) -> CannotLift:
    """Returns the refusal of a program whose answer is not that of the scalars."""
    what, target = _what_differs(arrays, got, expected)
    line = _first_line_that_differs(function, parameters, arrays, theta, example) if example else ""
    if line:
        cause = (
            f"They part at {line}\n  There the function does something else when it is recorded: "
            "it asks for the type of a number, or changes from call to call."
        )
    else:
        cause = (
            "The recording is right, and the compiler is not; please report it. Its line: "
            f"{_line_of(source, target)}"
        )
    return CannotLift(f"lifted and scalars differ: {where} {what}.\n  {cause}\n  {ADVICE}")


def _what_differs(arrays: Sequence[Array], got: Answer, expected: Answer) -> tuple[str, str]:
    """Returns what is worst off in words, and the name that the source sets it by."""
    wrong = [
        (a, b) for a, b in zip(got.outputs, expected.outputs, strict=True)
        if not Answer([a], []).is_like(Answer([b], []))
    ]
    if wrong:
        name = "the loss" if expected.gradient else "an output"
        return f"{name} is {wrong[0][0]!r} lifted, {wrong[0][1]!r} in the scalars", "loss"
    pairs = list(zip(got.gradient, expected.gradient, strict=True))
    flat = max(range(len(pairs)), key=lambda i: _distance(*pairs[i]))
    for array in arrays:
        if flat in array.where:
            place = array.where.index(flat)
            index: list[int] = []
            for size in reversed(array.shape):
                place, at = divmod(place, size)
                index.insert(0, at)
            spelled = f"{array.name}{index if index else ''}"
            a, b = pairs[flat]
            return (
                f"the derivative by {spelled} is {a!r} lifted, {b!r} in the scalars",
                f"d{array.name}",
            )
    raise AssertionError("every parameter lies in an array")


def _distance(a: float, b: float) -> float:
    distance = abs(a - b)
    return distance if distance == distance else float("inf")


def _line_of(source: str, target: str) -> str:
    """Returns the line of the source that sets what differs; the last one returns the outputs."""
    found = re.findall(rf"^ *({target}(?:\[.*\])? = .*)$", source, re.MULTILINE)
    return found[-1] if found else source.rstrip().rpartition("\n")[2].strip()


class _Lines(Session):
    """A recording that notes the learner's line for each number."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[int, str] = {}

    def record(self, op: Op, indices: tuple[int, ...]) -> Any:
        number = super().record(op, indices)
        self.lines[number._born] = line_at_fault()
        return number


class _Made:
    """Notes the learner's line for each node of the scalars: a lookout of `modes`."""

    def __init__(self) -> None:
        self.numbers: list[tuple[str, float, bool]] = []

    def made(self, node: Value) -> None:
        self.numbers.append((line_at_fault(), node._data, node._requires_grad))


def _first_line_that_differs(
    function: Callable[..., Any],
    parameters: Sequence[Value],
    arrays: Sequence[Array],
    theta: Any,
    example: list[Any],
) -> str:
    """Returns the first line at which scalars and recording have different numbers."""
    made = _Made()
    try:
        call_on_scalars(function, parameters, theta, example, made)
    except Exception:
        call_on_scalars(function, parameters, theta, as_values(example), made)
    recorded = _recorded_numbers(function, parameters, arrays, theta, example)
    scalars = [(line, number) for line, number, _ in made.numbers]
    # The scalars compute with plain numbers too, and these are no nodes. So what is recorded must
    # be a node of the scalars only where a gradient flows.
    pairs = [(scalars, [number[:2] for number in recorded])]
    pairs += [([number[:2] for number in recorded if number[2]], scalars)]
    for these, those in pairs:
        known: dict[str, list[float]] = {}
        for line, number in those:
            known.setdefault(line, []).append(number)
        for line, number in these:
            if not any(abs(number - x) <= 1e-9 * abs(number) for x in known.get(line, [])):
                return line
    return ""


def _recorded_numbers(
    function: Callable[..., Any],
    parameters: Sequence[Value],
    arrays: Sequence[Array],
    theta: Any,
    example: list[Any],
) -> list[tuple[str, float, bool]]:
    """Returns what the tape computes for the example: lines, numbers, whether a gradient flows."""
    inputs = [array for array in arrays if not array.is_parameter]
    for array in inputs:
        array.where = []
    with recording(parameters, arrays, _Lines) as session:
        function(*[session.input(array, array.shape) for array in inputs])
    values: dict[int, list[float]] = {}
    for array, numbers in zip(inputs, example, strict=True):
        values[id(array)] = _flat_numbers(numbers)
    made: list[float] = []
    for op, operands in zip(session.tape.ops, session.tape.operands, strict=True):
        if op == CONSTANT:
            made.append(operands[0])
        elif isinstance(op, Array):
            place = operands[0]
            made.append(theta[op.where[place]] if op.is_parameter else values[id(op)][place])
        else:
            try:
                made.append(op.forward(*[made[k] for k in operands]))  # type: ignore[union-attr]
            except (ArithmeticError, ValueError):
                made.append(float("nan"))
    return [
        (line, made[place], session.requires_grad[place]) for place, line in session.lines.items()
    ]


def _flat_numbers(numbers: Any) -> list[float]:
    if isinstance(numbers, list):
        return [x for part in numbers for x in _flat_numbers(part)]
    return [numbers]
