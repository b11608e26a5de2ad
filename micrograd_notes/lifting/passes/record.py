"""The first pass: the tape of the learner's function gets the derivatives of its result.

`per_shape.py` calls `record`. The function is traced (`trace/traced.py`), and the steps of its
recurrences are made alike (`recurrences/starts.py`). Then the derivatives are recorded by the chain
rule on the tape, with the partials of the table called with `Recorded` numbers.

A custom operation without a spelling in NumPy is written out by its `forward`, after its rules have
given the derivatives. Read `simplify.py` next.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from re import findall
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import Value, helper_ops, ops
from micrograd_notes.engine.op import Op, is_built_in
from micrograd_notes.engine.spelling import spelling_differs
from micrograd_notes.lifting.passes.padding import without_padding
from micrograd_notes.lifting.passes.poles import Poles
from micrograd_notes.lifting.passes.schedules import with_schedules
from micrograd_notes.lifting.passes.series import with_series
from micrograd_notes.lifting.passes.totals import with_sums
from micrograd_notes.lifting.recurrences.ends import Ends, UnlikeError
from micrograd_notes.lifting.recurrences.starts import with_starts
from micrograd_notes.lifting.recurrences.states import with_states
from micrograd_notes.lifting.trace.recorded import CannotLift, Session, recording
from micrograd_notes.lifting.trace.tape import CONSTANT, Array, Recording, Tape
from micrograd_notes.lifting.trace.traced import traced

# The steps of a row's partials: operations, with the places of their operands, and constants. The
# places are those of the row's operands, its result, and the steps. Then the place of each partial
# by its operand; None stands for a partial that is 1. Last, whether one of them may be infinite.
Slopes = tuple[list[tuple[Any, tuple[int, ...]]], list[tuple[int, int | None]], bool]


def record(
    function: Callable[..., Any], parameters: Sequence[Value], parameter_arrays: Sequence[Array],
    inputs: Sequence[Array], is_loss: bool, is_batched: bool
) -> Recording:
    """Returns the recording of a call of the function, with the derivatives of its result."""
    arrays = [*parameter_arrays, *inputs]
    found = with_sums(traced(function, parameters, arrays, is_loss, is_batched))

    def finished(started: Recording) -> Recording:
        made = with_series(without_padding(with_schedules(started)))
        tape, gradient = made.tape, array("i", [-1]) * len(parameters)
        for leaf, derivative in differentiate(made) if is_loss else ():
            op = tape.ops[leaf]
            if isinstance(op, Array) and op.is_parameter:
                gradient[op.where[tape.operands[leaf][0]]] = derivative
        return written_out(replace(made, gradient=gradient, steps=[]))

    def tried(started: Recording, otherwise: Callable[[], Recording]) -> Recording:
        try:
            made = finished(started)
        except UnlikeError:
            return otherwise()
        made.plain = cache(otherwise) if started.steps else None
        return made

    def looped(has_walls: bool, otherwise: Callable[[], Recording]) -> Recording:
        started = with_starts(found, has_walls)
        together = with_states(started)
        if together is started:
            return tried(started, otherwise)
        return tried(together, lambda: tried(with_starts(found, has_walls), otherwise))

    return looped(True, lambda: looped(False, lambda: finished(found)))


def differentiate(recording: Recording) -> Iterator[tuple[int, int]]:
    """Yields every leaf below the root with the place of its derivative on the tape.

    Every adjoint is one sum, even of one term. This way a number that is used once looks like its
    neighbours that are used often, and they form one array. The steps of a recurrence become alike
    (`recurrences/ends.py`).
    """
    tape, root, put = recording.tape, recording.outputs[0], recording.tape.append
    made, flat, first = tape.ops, tape.operands.flat, tape.operands.first
    one = tape.constant(1.0)
    contributions: list[list[int] | None] = [None] * len(tape)
    contributions[root] = [one]
    passed_on: set[int] = {root}  # adjoints that equal another one, as those of a and b in a + b
    marks = [-1 if flag else -2 for flag in tape.flows]
    whole = {op for op in {*tape.ops} if isinstance(op, Array) and op.is_whole}
    for k in [*tape.numbers, *[k for k, op in enumerate(tape.ops) if op in whole]]:
        marks[k] = k  # for these a rule may compute something else
    mark_of = marks.__getitem__
    known: dict[Any, Slopes] = {}
    of_leaves = list[tuple[int, int]]()
    ends, poles = Ends(recording, contributions, passed_on), Poles(tape)
    for i in range(len(contributions) - 1, -1, -1):
        if i + 1 in ends.at:
            ends.cross(i + 1)
        terms = contributions[i]
        if terms is None:
            continue
        contributions[i] = None
        adjoint, op = terms[0], made[i]
        # most numbers are written without a call of `put`, which takes longer than all the rest
        if len(terms) > 1 or (op.__class__ is Op and i not in passed_on):
            adjoint = len(made)
            made.append(ops.add)
            flat.extend(terms)
            first.append(len(flat))
            tape.adjoint_of[adjoint] = i
            tape.kept.add(adjoint)
        if op.__class__ is not Op:
            ends.pass_on(i, adjoint)
            of_leaves.append((i, adjoint))
            continue
        places = flat[first[i] : first[i + 1]].tolist()
        key = op, *map(mark_of, places)
        if key not in known:
            known[key] = _slopes(tape, i, op, key[1:], poles)
        steps, slopes, has_pole = known[key]
        places.append(i)
        begin = len(made)
        for step, below in steps:
            places.append(
                put(step, [places[k] for k in below])
                if step.__class__ is Op else tape.constant(step)
            )
        for k, slope in slopes:
            operand, at = places[k], adjoint
            if slope is not None and adjoint == one:
                at = places[slope]
            elif slope is not None:
                at = len(made)
                made.append(helper_ops.chain)
                flat.append(adjoint)
                flat.append(places[slope])
                first.append(len(flat))
            others = contributions[operand]
            if others is not None:
                others.append(at)
                passed_on.discard(operand)
            else:
                contributions[operand] = [at]
                if at == adjoint and op is not ops.subtract:  # b in b - a, where a gets -adjoint
                    passed_on.add(operand)
        if has_pole:
            tape.guarded.update(range(begin, len(made)))
    ends.finish()
    own = tape.adjoint_of.get
    summed = {tape.ops[leaf] for leaf, adjoint in of_leaves if own(adjoint) == leaf}
    for leaf, adjoint in of_leaves:
        if tape.ops[leaf] in summed and own(adjoint) != leaf:
            adjoint = put(ops.add, [adjoint])  # it looks like its neighbours, too
            tape.adjoint_of[adjoint] = leaf
            tape.kept.add(adjoint)
        yield leaf, adjoint


def _slopes(tape: Tape, i: int, op: Op, marks: Sequence[Any], poles: Poles) -> Slopes:
    """Returns the steps that compute the partials of an operation like number i of the tape.

    The row's rule is called once, with symbols for the operands and the result; constants are plain
    numbers. Then the same steps do for every number whose operands have these marks.
    """
    operands = tape.operands[i]
    wanted = [k for k, mark in enumerate(marks) if mark == -1 and op.is_differentiated(k)]
    scratch = Session()
    *symbols, result = [scratch.new(tape.ops[k], (), False) for k in (*operands, i)]
    given = [tape.numbers.get(k, x) for k, x in zip(operands, symbols, strict=True)]
    partials = op.local_partials(wanted, result, given)
    slopes = [None if p.__class__ is float and p == 1.0 else scratch.index(p) for p in partials]
    scratch.is_open = False
    made, numbers = scratch.tape, scratch.tape.numbers
    steps = [
        (numbers.get(k, made.ops[k]), made.operands[k])
        for k in range(len(operands) + 1, len(made))
    ]
    return steps, [*zip(wanted, slopes, strict=True)], poles.has(i, steps)


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
        for size in sizes * 8
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
            operands, numbers = tape.operands[i], session.tape.numbers
            if isinstance(op, Op):
                operands = tuple([place[k] for k in operands])
            if i in tape.given:
                place.append(session.tape.append(op, ()))
            elif op == CONSTANT:
                place.append(session.tape.constant(tape.numbers[i]))
            elif not isinstance(op, Op) or _is_spelled(op):
                place.append(session.tape.append(op, operands))
            else:  # constants are plain floats
                symbols = [numbers[k] if k in numbers else session.at(k) for k in operands]
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
