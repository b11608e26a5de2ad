"""The first pass: it runs the learner's function on numbers that only remember, and writes a tape.

`program.py` calls `record`. Every number of the inputs is a `Recorded`, and so are the parameters
while the function runs. Then the derivatives are recorded by the chain rule on the tape, with the
partials of the table called with `Recorded` numbers.

Plain numbers that the function takes from outside become constants. The function is recorded twice,
and two recordings that differ are refused as random; randomness that is equal twice goes unnoticed.
A custom operation without a spelling in NumPy is written out by its `forward`, after its rules have
given the derivatives. Read `recorded.py` next.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random
from re import findall
from typing import Any

from micrograd_notes.engine import Value, helper_ops, ops
from micrograd_notes.engine.op import Op, is_built_in
from micrograd_notes.engine.spelling import spelling_differs
from micrograd_notes.lifting.trace.recorded import CannotLift, Recorded, Session, recording
from micrograd_notes.lifting.trace.starts import Started, with_starts
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Recording, Tape
from micrograd_notes.lifting.trace.words import call_and_listen


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
    (found, first), (_, again) = (
        _record_once(function, parameters, arrays, is_loss, is_batched, with_gradient)
        for with_gradient in (True, False)
    )
    operands = zip(first.operands, again.operands, strict=False)
    # a constant that is nan does not equal itself
    are_same = all(a == b or repr(a) == repr(b) for a, b in operands)
    if first.ops[: len(again)] != again.ops or not are_same:
        raise CannotLift(
            "two recordings of the function differ: it draws random numbers, or changes something "
            "between calls. Draw them outside, and pass them as an input."
        )
    return written_out(found)


def _record_once(
    function: Callable[..., Any], parameters: Sequence[Value], arrays: list[Array], is_loss: bool,
    is_batched: bool, with_gradient: bool
) -> tuple[Recording, Tape]:
    """Returns the recording, and the tape that the function wrote."""
    inputs = [array for array in arrays if not array.is_parameter]
    for array in inputs:
        array.where = []
    with recording(parameters, arrays, Session) as session:
        given = [session.input(array, array.shape) for array in inputs]
        try:
            if with_gradient or not is_loss:
                returned = call_and_listen(function, given, session.place_of, session.tape.names)
            else:
                returned = function(*given)
        except Exception as error:
            shapes = ", ".join(f"{a.name} of shape {a.shape}" for a in inputs)
            error.add_note(f"The function was called for one example, with {shapes}.")
            raise session.refused or error from None
        if session.refused is not None:
            raise session.refused
        shape, numbers = _flattened(returned, is_loss)
        written = session.tape
        places = [session.index(number) for number in numbers]
        started = Started(written, range(len(written)))
        if with_gradient:
            started = with_starts(written)
            session.start_anew(started)
            places = [started.place[k] for k in places]
        found = Recording(session.tape, arrays, places, shape, alive=[*started.last])
        found.parameter_count = len(parameters)
        found.is_loss, found.is_batched = is_loss, is_batched
        if is_loss and with_gradient:
            leaves = {session.index(p): i for i, p in enumerate(parameters)}
            derivatives = differentiate(session, places[0], started)
            found.alive += [derivatives[leaf] for leaf in started.leaves if leaf in derivatives]
            found.gradient = {
                leaves[leaf]: at for leaf, at in derivatives.items() if leaf in leaves
            }
    return found, written


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
    session: Session, root: int, started: Started | None = None
) -> dict[int, int]:
    """Returns for every leaf below the root the place of its derivative on the tape.

    Every adjoint is one sum, even of one term. This way a number that is used once looks like its
    neighbours that are used often, and they form one array. The derivative by a state has a sum of
    what comes from the next step, and what states start with comes last, as in other steps.
    """
    tape, requires_grad = session.tape, session.requires_grad
    one = session.constant(1.0)
    contributions: dict[int, list[int]] = {root: [one]}
    passed_on: set[int] = {root}  # adjoints that equal another one, as those of a and b in a + b
    derivatives: dict[int, int] = {}
    starts = [] if started is None else started.leaves
    states_before = {} if started is None else started.passed_on
    for i in _in_order(root, starts):
        for state in states_before.get(i + 1, []):
            if len(later := contributions.get(state, [])) > 1:
                contributions[state] = [session.append(ops.add, tuple(later), True)]
                tape.kept.add(contributions[state][0])
                passed_on.discard(state)
        terms = contributions.pop(i, None)
        if terms is None:
            continue
        adjoint, op = terms[0], tape.ops[i]
        if len(terms) == 1 and not isinstance(op, Op):
            derivatives[i] = adjoint  # nothing reads it, so it need not look like its neighbours
            continue
        if len(terms) > 1 or i not in passed_on:
            adjoint = session.append(ops.add, tuple(terms), True)
            tape.adjoint_of[adjoint] = i
            tape.kept.add(adjoint)
        operands = tape.operands[i]
        if not isinstance(op, Op):
            derivatives[i] = adjoint
            continue
        wanted = [
            k for k, operand in enumerate(operands)
            if requires_grad[operand] and op.is_differentiated(k)
        ]
        partials: Any = op.partials
        if not _are_numbers(op):  # as those of a sum are, which need no symbols
            symbols = [_symbol(session, k) for k in operands]
            partials = dict(
                zip(wanted, op.local_partials(wanted, _symbol(session, i), symbols), strict=True)
            )
        for k in wanted:
            operand = operands[k]
            at = _chain(session, adjoint, one, partials[k])
            if at == adjoint and operand not in contributions:
                passed_on.add(operand)
            else:
                passed_on.discard(operand)
            contributions.setdefault(operand, []).append(at)
    return derivatives


def _in_order(root: int, starts: Sequence[int]) -> Iterator[int]:
    """Yields the numbers from the last to the first; what states start with comes last."""
    late = {*starts}
    yield from (i for i in range(root, -1, -1) if i not in late)
    yield from starts


@cache
def _are_numbers(op: Op) -> bool:
    """Returns whether all partials of a row are numbers, the same everywhere."""
    return isinstance(op.partials, tuple) and all(isinstance(p, float) for p in op.partials)


def _chain(session: Session, adjoint: int, one: int, partial: Any) -> int:
    """Returns the place of adjoint times partial."""
    if partial.__class__ is float and partial == 1.0:
        return adjoint
    at = session.index(partial)
    return at if adjoint == one else session.append(helper_ops.chain, (adjoint, at), True)


def _symbol(session: Session, place: int) -> Any:
    """Returns a number of the tape for a partial: a constant is a plain float."""
    tape = session.tape
    return tape.operands[place][0] if tape.ops[place] == CONSTANT else session.at(place)


@cache
def _is_spelled(op: Op) -> bool:
    """Returns whether NumPy has all the functions that the row's spelling names.

    Raises:
        CannotLift: a custom operation states a spelling that is not what its `forward` computes.
    """
    import numpy as np

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
    if all(_is_spelled(op) for op in {op for op in tape.ops if isinstance(op, Op)}):
        return recording_of_all
    place: list[int] = []
    with recording([], [], Session) as session:
        for op, operands in zip(tape.ops, tape.operands, strict=True):
            if not isinstance(op, Op):
                place.append(session.append(op, operands, False))
                continue
            moved = tuple([place[k] for k in operands])
            if _is_spelled(op):
                place.append(session.append(op, moved, False))
            else:
                place.append(session.index(_forward(op, [_symbol(session, k) for k in moved])))
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
