"""The first pass: it runs the learner's function on numbers that only remember, and writes a tape.

`program.py` calls `record`. Every number of the inputs is a `Recorded`, and so are the parameters
while the function runs. Then the derivatives are recorded by the chain rule on the tape, with the
partials of the table called with `Recorded` numbers.

Plain numbers that the function takes from outside become constants. The function is recorded twice,
and two recordings that differ are refused as random; randomness that is equal twice goes unnoticed.
A custom operation without a spelling in NumPy is written out by its `forward`, after its rules have
given the derivatives. Read `recorded.py` next.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random
from re import findall
from typing import Any, NamedTuple

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import Value, helper_ops, ops
from micrograd_notes.engine.op import Op, is_built_in
from micrograd_notes.engine.spelling import spelling_differs
from micrograd_notes.lifting.trace.ends import Ends
from micrograd_notes.lifting.trace.recorded import CannotLift, Recorded, Session, recording
from micrograd_notes.lifting.trace.starts import Started, with_starts
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Recording, Tape
from micrograd_notes.lifting.trace.words import call_and_listen

# The steps of a row's partials: operations, with the places of their operands, and constants. The
# places are those of the row's operands, its result, and the steps. Then the place of each partial
# by its operand; None stands for a partial that is 1.
Slopes = tuple[list[tuple[Any, tuple[int, ...]]], list[tuple[int, int | None]]]


def record(
    function: Callable[..., Any], parameters: Sequence[Value], parameter_arrays: Sequence[Array],
    inputs: Sequence[Array], is_loss: bool, is_batched: bool
) -> Recording:
    """Returns the recording of a call of the function, with the derivatives of its result.

    Raises:
        CannotLift: a recording can't follow the function, or two recordings differ.
        TypeError: the function did not return a `Value`.
    """
    arrays = [*parameter_arrays, *inputs]
    first = _record_once(function, parameters, arrays, is_loss, with_names=True)
    again = _record_once(function, parameters, arrays, is_loss, with_names=False)
    if not _begins_with(first.session.tape, again.session.tape):
        raise CannotLift(
            "two recordings of the function differ: it draws random numbers, or changes something "
            "between calls. Draw them outside, and pass them as an input."
        )

    def finished(started: Started) -> Recording:
        session, outputs = first.session.on(started), [started.place[k] for k in first.outputs]
        tape, gradient = session.tape, array("i", [-1]) * len(parameters)
        for leaf, derivative in differentiate(session, outputs[0], started) if is_loss else ():
            op = tape.ops[leaf]
            if isinstance(op, Array) and op.is_parameter:
                gradient[op.where[tape.operands[leaf][0]]] = derivative
        made = Recording(
            tape, arrays, outputs, first.shape, gradient, is_loss, is_batched, started.alive
        )
        return written_out(made)

    started = with_starts(first.session.tape, first.session.requires_grad)
    found = finished(started)
    if started.steps:
        found.plain = lambda: finished(Started.without_steps(first.session.tape))
    return found


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


class _Recorded(NamedTuple):
    """A recording of the function alone, and the places of its results."""

    session: Session
    outputs: list[int]
    shape: tuple[int, ...]


def _record_once(
    function: Callable[..., Any], parameters: Sequence[Value], arrays: list[Array], is_loss: bool,
    with_names: bool
) -> _Recorded:
    with recording(parameters, arrays, Session) as session:
        given = session.inputs(arrays)
        try:
            if with_names or not is_loss:
                returned = call_and_listen(function, given, session)
            else:
                returned = function(*given)
        except Exception as error:
            inputs = [array for array in arrays if not array.is_parameter]
            shapes = ", ".join(f"{a.name} of shape {a.shape}" for a in inputs)
            error.add_note(f"The function was called for one example, with {shapes}.")
            raise session.refused or error from None
        if session.refused is not None:
            raise session.refused
        shape, numbers = _flattened(returned, is_loss)
        return _Recorded(session, [session.index(number) for number in numbers], shape)


def _flattened(returned: Any, is_loss: bool) -> tuple[tuple[int, ...], list[Any]]:
    """Returns the shape and the numbers of the function's result."""
    if isinstance(returned, Recorded):
        return (), [returned]
    what = "a loss returns one Value" if is_loss else "a model returns a Value or a list of them"
    if is_loss or not isinstance(returned, list | tuple) or not returned:
        raise TypeError(f"{what}, made from its inputs and parameters, got {returned!r}")
    parts = [_flattened(part, is_loss) for part in returned]
    if len({shape for shape, _ in parts}) != 1:
        raise TypeError(f"{what}, nested evenly, got lists of different lengths")
    return (len(parts), *parts[0][0]), [number for _, numbers in parts for number in numbers]


def differentiate(
    session: Session, root: int, started: Started
) -> Iterator[tuple[int, int]]:
    """Yields every leaf below the root with the place of its derivative on the tape.

    Every adjoint is one sum, even of one term. This way a number that is used once looks like its
    neighbours that are used often, and they form one array. The steps of a recurrence become alike
    (`ends.py`).
    """
    tape, put = session.tape, session.tape.append
    flat, first = tape.operands.flat, tape.operands.first
    one = session.constant(1.0)
    contributions: list[list[int] | None] = [None] * len(tape)
    contributions[root] = [one]
    passed_on: set[int] = {root}  # adjoints that equal another one, as those of a and b in a + b
    marks = [-1 if flag else -2 for flag in session.requires_grad]
    for k, op in enumerate(tape.ops):  # for these a rule may compute something else
        if not isinstance(op, Op) and (isinstance(op, str) or op.is_whole):
            marks[k] = k
    known: dict[Any, Slopes] = {}
    ends = Ends(session, root, started, contributions, passed_on)
    for i in range(len(contributions) - 1, -1, -1):
        if i + 1 in ends.at:
            ends.cross(i + 1)
        terms = contributions[i]
        if terms is None:
            continue
        contributions[i] = None
        adjoint, op = terms[0], tape.ops[i]
        if len(terms) > 1 or (isinstance(op, Op) and i not in passed_on):
            adjoint = put(ops.add, terms)
            tape.adjoint_of[adjoint] = i
            tape.kept.add(adjoint)
        if not isinstance(op, Op):  # nothing reads it, so it need not look like its neighbours
            ends.pass_on(i, adjoint)
            yield i, adjoint
            continue
        operands = flat[first[i] : first[i + 1]]
        key = op, *[marks[k] for k in operands]
        if key not in known:
            known[key] = _slopes(session, i, op, key[1:])
        steps, slopes = known[key]
        places = [*operands, i]
        for step, below in steps:
            places.append(
                put(step, [places[k] for k in below])
                if step.__class__ is Op else session.constant(step)
            )
        for k, slope in slopes:
            operand, at = operands[k], adjoint
            if slope is not None:
                at = places[slope]
                at = at if adjoint == one else put(helper_ops.chain, (adjoint, at))
            others = contributions[operand]
            if others is not None:
                others.append(at)
                passed_on.discard(operand)
            else:
                contributions[operand] = [at]
                if at == adjoint:
                    passed_on.add(operand)
    ends.finish()


def _slopes(session: Session, i: int, op: Op, marks: Sequence[Any]) -> Slopes:
    """Returns the steps that compute the partials of an operation like number i of the tape.

    The row's rule is called once, with symbols for the operands and the result; constants are plain
    numbers. Then the same steps do for every number whose operands have these marks.
    """
    tape, operands = session.tape, session.tape.operands[i]
    wanted = [k for k, mark in enumerate(marks) if mark == -1 and op.is_differentiated(k)]
    scratch = Session()
    *symbols, result = [scratch.new(tape.ops[k], (), False) for k in (*operands, i)]
    given = [tape.numbers.get(k, x) for k, x in zip(operands, symbols, strict=True)]
    partials = op.local_partials(wanted, result, given)
    slopes = [None if p.__class__ is float and p == 1.0 else scratch.index(p) for p in partials]
    scratch.is_open = False
    made, numbers = scratch.tape, scratch.tape.numbers
    steps = range(len(operands) + 1, len(made))
    return (
        [(numbers.get(k, made.ops[k]), made.operands[k]) for k in steps],
        [*zip(wanted, slopes, strict=True)],
    )


@cache
def _is_spelled(op: Op) -> bool:
    """Returns whether NumPy has all the functions that the row's spelling names.

    Raises:
        CannotLift: a custom operation states a spelling that is not what its `forward` computes.
    """
    if not op.numpy or not all(hasattr(np, name) for name in findall(r"\bnp\.(\w+)", op.numpy)):
        return False
    differs = "" if is_built_in(op) else spelling_differs(op, _points(op))
    if differs:
        raise CannotLift(
            f"{op.name}: {differs}.\n  Correct numpy=..., or leave it out: then lifting writes out "
            "its forward."
        )
    return True


def _points(op: Op) -> list[list[float]]:
    """Returns points to compare a spelling with forward: small and large numbers, some equal."""
    generator = Random(0)
    sizes = (1e-3, 1.0, 3.0, 50.0)
    return [
        [generator.choice((0.0, 1.0, generator.uniform(-size, size))) for _ in range(op.arity or 3)]
        for size in sizes
        for _ in range(8)
    ]


def written_out(recording_of_all: Recording) -> Recording:
    """Returns the recording with such operations replaced by the steps of their `forward`.

    Raises:
        CannotLift: `forward` has a branch, or calls functions that take only floats.
    """
    tape = recording_of_all.tape
    if all(_is_spelled(op) for op in {*tape.ops} if isinstance(op, Op)):
        return recording_of_all
    place: list[int] = []
    with recording([], [], Session) as session:
        for i, op in enumerate(tape.ops):
            if op == CONSTANT:
                place.append(session.constant(tape.numbers[i]))
                continue
            if not isinstance(op, Op):
                place.append(session.append(op, tape.operands[i], False))
                continue
            moved = tuple([place[k] for k in tape.operands[i]])
            if _is_spelled(op):
                place.append(session.append(op, moved, False))
            else:  # constants are plain floats
                numbers = session.tape.numbers
                symbols = [numbers[k] if k in numbers else session.at(k) for k in moved]
                place.append(session.index(_forward(op, symbols)))
    return recording_of_all.moved(session.tape, place)


def _forward(op: Op, symbols: Sequence[Any]) -> Any:
    """Returns the result of the operation's `forward` on recorded numbers."""
    try:
        return op.forward(*symbols)
    except Exception as error:
        raise CannotLift(
            f"{op.name} does not have a spelling in NumPy, and its forward can't be recorded: "
            f"{error}\n  Pass one: operation({op.name!r}, ..., numpy='np.some_function({{0}})')."
        ) from error


__all__ = ["CannotLift", "Recorded", "record", "written_out"]
