"""Obstacles to a check of gradients: the function meddles, or it does not have a value."""

import math

from micrograd_notes.testing.diagnosis.report import Fault
from micrograd_notes.testing.diagnosis.subject import Run, Subject
from micrograd_notes.testing.diagnosis.surroundings import shape_of
from micrograd_notes.testing.diagnosis.sweeping import sweep_fault
from micrograd_notes.testing.diagnosis.verdicts import Verdict
from micrograd_notes.testing.programs.random_programs import Program

OWN_CODE = "the function's own code"
ELSEWHERE = "give xs, or parameters, at which it has a finite value"


def obstacle_to(subject: Subject, run: Run, again: list[Run]) -> Fault | None:
    """Returns the first fault that makes a check pointless; `again` are further runs there."""
    return (
        _fault_of_meddling(subject, again[-1])  # parameters hold what the last run left
        or _missing_operands(run.program)
        or _fault_of_chance(run, again)
        or _fault_of_recording(run.program, run)
    )


def _fault_of_meddling(subject: Subject, run: Run) -> Fault | None:
    """Returns a fault where the function itself sets data or gradients of its inputs."""
    pairs = zip(subject.names, run.inputs, subject.numbers, strict=True)
    for name, leaf, number in pairs:
        if leaf.data != number:
            note = (
                f"the function sets the data of its input {name}, from {number!r} to "
                f"{leaf.data!r}: compute a new Value and leave the input as it is"
            )
        elif leaf.has_grad:
            note = (
                f"the function calls backward() itself, or sets {name}.grad, to which the check "
                "would add: only return the Value"
            )
        else:
            continue
        return Fault(Verdict.TRAVERSAL, OWN_CODE, note)
    return None


def _fault_of_chance(run: Run, again: list[Run]) -> Fault | None:
    """Returns a fault where calls at the same point give different results."""
    shape, value = shape_of(run.program), run.output.data
    for other in again:
        same_value = value == other.output.data or math.isnan(value)
        if not same_value or shape != shape_of(other.program):
            note = (
                f"two calls at the same point gave {value!r} and {other.output.data!r}: the result "
                "depends on more than its inputs, such as random numbers (fix their seed) or "
                "something that is kept from call to call"
            )
            return Fault(Verdict.NONDETERMINISTIC, "", note)
    return None


def _missing_operands(program: Program) -> Fault | None:
    """Returns a fault where a node has fewer operands than its operation."""
    is_short = any(op.arity not in (None, len(xs)) for op, xs in program.instructions)
    return sweep_fault(program) if is_short else None


def _fault_of_recording(program: Program, run: Run) -> Fault | None:
    """Returns a fault where the graph has no finite value, or does not give it again."""
    if not math.isfinite(run.output.data):
        note = f"the value is {run.output.data}; {ELSEWHERE}"
        return Fault(Verdict.DOMAIN, "", note)
    try:
        value = program()
    except (ArithmeticError, ValueError):
        value = math.nan
    if value == run.output.data:
        return None
    note = (
        f"the graph evaluates to {value!r} and holds {run.output.data!r}: "
        "its operands are not in their order, or its operations are not deterministic"
    )
    return Fault(Verdict.TRAVERSAL, "the graph", note, program=program)
