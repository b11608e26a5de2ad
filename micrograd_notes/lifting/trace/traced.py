"""A call of the learner's function with numbers that only remember, which writes a tape.

`passes/record.py` calls `traced`. Every number of the inputs is a `Recorded`, and so are the
parameters while the function runs. Plain numbers that the function takes from outside become
constants. The function is recorded twice, and two recordings that differ are refused as random;
randomness that is equal twice goes unnoticed. Read `recorded.py` next.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from traceback import walk_tb
from typing import Any

from micrograd_notes.common.checks import is_number, shown
from micrograd_notes.common.users_line import as_text
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.trace.recorded import (
    NOT_THE_LEARNERS,
    CannotLift,
    Recorded,
    Session,
    line_at_fault,
    recording,
)
from micrograd_notes.lifting.trace.tape import Array, Recording, Tape
from micrograd_notes.lifting.trace.words import call_and_listen

GIVEN = (list, Recorded)  # what the function gets


def traced(
    function: Callable[..., Any], parameters: Sequence[Value], arrays: list[Array], is_loss: bool,
    is_batched: bool
) -> Recording:
    """Returns the recording of a call of the function, without derivatives.

    Raises:
        CannotLift: a recording can't follow the function, or two recordings differ.
        TypeError: the function did not return a `Value`.
    """
    tape, shape, outputs = _traced_once(function, parameters, arrays, is_loss, call_and_listen)
    again, *_ = _traced_once(function, parameters, arrays, is_loss, _call)
    if not _begins_with(tape, again):
        where = _line_that_differs(function, parameters, arrays)
        raise CannotLift(
            f"{where}two recordings of the function differ: it draws random numbers, or changes "
            "something between calls. Draw them outside, and pass them as an input."
        )
    return Recording(tape, arrays, outputs, shape, is_loss=is_loss, is_batched=is_batched)


def _begins_with(tape: Tape, other: Tape) -> bool:
    """Returns whether the other tape is the beginning of a tape."""
    count, mine, theirs = len(other), tape.operands, other.operands
    return (
        tape.ops[:count] == other.ops
        and mine.first[: count + 1] == theirs.first
        and mine.flat[: len(theirs.flat)] == theirs.flat
        # a constant that is nan does not equal itself
        and all(repr(tape.numbers[i]) == repr(x) for i, x in other.numbers.items())
    )


class WithLines(Session):
    """A recording that notes the learner's line of each operation."""

    is_plain = False

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[int, str] = {}

    def record(self, op: Op, indices: tuple[int, ...]) -> Recorded:
        """Records an operation, and notes the line that computes it."""
        number = super().record(op, indices)
        self.lines[number._born] = line_at_fault()
        return number


def _line_that_differs(
    function: Callable[..., Any], parameters: Sequence[Value], arrays: Sequence[Array]
) -> str:
    """Returns the first line that makes another number in another recording; "" if unknown."""
    def made() -> list[tuple[str, Any, list[str]]]:
        with recording(parameters, arrays, WithLines) as session:
            function(*session.inputs(arrays))
        ops, operands, numbers = session.tape.ops, session.tape.operands, session.tape.numbers
        return [
            (line, ops[i], [repr(numbers.get(k, k)) for k in operands[i]])
            for i, line in session.lines.items()
        ]

    for mine, theirs in zip_longest(made(), made(), fillvalue=("",)):
        if mine != theirs:
            return f"{mine[0] or theirs[0]}\n  "
    return ""


def _call(function: Callable[..., Any], arguments: list[Any], session: Session) -> Any:
    return function(*arguments)


def _traced_once(
    function: Callable[..., Any], parameters: Sequence[Value], arrays: list[Array], is_loss: bool,
    call: Callable[..., Any]
) -> tuple[Tape, tuple[int, ...], list[int]]:
    with recording(parameters, arrays, Session) as session:
        given = session.inputs(arrays)
        try:
            returned = call(function, given, session)
        except Exception as error:
            if session.refused is not None:
                raise session.refused from None
            note = f"The function gets {_in_words([a for a in arrays if not a.is_parameter])}."
            if isinstance(error, TypeError) or isinstance(getattr(error, "obj", None), GIVEN):
                raise CannotLift(_misfit(error, note)) from error
            error.add_note(note)
            raise
        if session.refused is not None:
            raise session.refused
        shape, numbers = _flattened(returned, is_loss)
        return session.tape, shape, [session.index(number) for number in numbers]


def _in_words(inputs: Sequence[Array]) -> str:
    """Returns what the function gets, in words: "x as a list of 2 lists of 3 numbers"."""
    words = []
    for array in inputs:
        lists = "".join(f"{size} lists of " for size in array.shape[:-1])
        whole = f"a list of {lists}{array.shape[-1]} numbers" if array.shape else "a number"
        words.append(f"{array.name} as {whole}")
    is_one = any(array.is_batched for array in inputs)
    columns = [array.name for array in inputs[1:] if is_one and array.shape == (1,)]
    advice = "".join(f". If {y} is one number per example, pass np.ravel({y})" for y in columns)
    return f"{'one example, ' * is_one}{' and '.join(words) or 'no arguments'}{advice}"


def _misfit(error: Exception, note: str) -> str:
    """Returns the message for an operation that a list or a `Value` does not have."""
    frames = walk_tb(error.__traceback__)
    lines = [(frame.f_code.co_filename, number) for frame, number in frames]
    own = [line for line in lines if not line[0].startswith(NOT_THE_LEARNERS)]
    where, what = as_text(own[-1] if own else None), str(error).replace("Recorded", "Value")
    return (
        f"{where}\n  raises {type(error).__name__}: {what}.\n  {note}\n"
        "  Write loops over lists, as sum(w * a for w, a in zip(ws, x)), or make an array of "
        "numbers and Values first: x = np.array(x). With lift(..., batch=False), the function gets "
        "all examples at once."
    )


def _flattened(returned: Any, is_loss: bool) -> tuple[tuple[int, ...], list[Any]]:
    """Returns the shape and the numbers of the function's result."""
    if isinstance(returned, Value) or (is_number(returned) and not is_loss):
        return (), [returned]
    what = "a loss returns one Value" if is_loss else "a model returns a Value or a list of them"
    if is_loss or not isinstance(returned, list | tuple) or not returned:
        advice = ". Return the loss alone" if is_loss and isinstance(returned, list | tuple) else ""
        advice = ". Write return" if returned is None else advice
        got = f"{shown(returned)}{advice}"
        raise TypeError(f"{what}, made from its inputs and parameters, got {got}")
    parts = [_flattened(part, is_loss) for part in returned]
    if len({shape for shape, _ in parts}) != 1:
        raise TypeError(f"{what}, nested evenly, got lists of different lengths")
    return (len(parts), *parts[0][0]), [number for _, numbers in parts for number in numbers]
