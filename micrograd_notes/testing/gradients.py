"""`gradcheck`: are the gradients of a function right, at a point?

It answers three questions, one after the other, so that the answer says what to change:

1. Does each operation do what it says? (`diagnosis.each_operation`, for every node)
2. Does the backward pass carry the gradients? (`diagnosis.sweeping`)
3. Is the result the derivative of the function? (here) The recorded program is evaluated again in
   many digits (`diagnosis.surroundings`) and differenced there.

The engine's derivative may differ from it by rounding: where a sum cancels, the error is as large
as the terms are. Where an operation inside is at its kink, each of its sides is right.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import Value, grad
from micrograd_notes.engine.op import Op
from micrograd_notes.nn import Module
from micrograd_notes.testing.diagnosis.at_a_point import TAKEN_OUT, numeric_partial
from micrograd_notes.testing.diagnosis.each_operation import faults_of_operations
from micrograd_notes.testing.diagnosis.obstacles import ELSEWHERE, OWN_CODE, obstacle_to
from micrograd_notes.testing.diagnosis.report import (
    Fault,
    InputReport,
    Report,
    definition_of_row,
    in_words,
)
from micrograd_notes.testing.diagnosis.subject import UNDEFINED, Run, Subject, argument_names
from micrograd_notes.testing.diagnosis.surroundings import Surroundings
from micrograd_notes.testing.diagnosis.sweeping import engine_gradients, sweep_fault
from micrograd_notes.testing.diagnosis.verdicts import Verdict
from micrograd_notes.testing.numbers.numeric import Derivative
from micrograd_notes.testing.programs.inside import interior_hull, jump_in_doubt
from micrograd_notes.testing.programs.random_programs import Program

__all__ = ["gradcheck"]

_ULP = 2.0**-52
_HALF_THE_DIGITS = 2.0**-26
_ROUNDINGS = 64.0
_EVALUATIONS = 8  # more, at the same point: a coin that is thrown shows in all but 1 of 256 checks
_NOT_DIFFERENTIABLE = (
    "no step of a finite difference gives a derivative with digits: the function is too rough, "
    "too inaccurate, or too large beside this slope, to be differentiated by numbers"
)
_FROZEN = (
    "its gradient holds a plain number that changes with the inputs, and the function itself does "
    f"not: {TAKEN_OUT}"
)


def gradcheck(
    f: Callable[..., Any],
    *xs: float | Value | Any,
    module: Module | None = None,
    order: int = 1,
    raise_exception: bool = True,
    limit: int = 32,
    seed: int = 0,
) -> Report:
    """Checks the gradients of a function at a point, and says what is wrong with them.

    Args:
        f: takes `Value`s and returns one. With a module, it takes the xs, or the module and the xs.
        xs: the point: numbers, or lists of numbers where f takes lists of `Value`s.
        module: its parameters are inputs too. They are left as they were.
        order: 2 to check the derivatives of the gradient as well.
        raise_exception: False to get the report of a failed check instead of an error.
        limit: of a module's parameters at most so many are checked, drawn at random.
        seed: decides which.

    Returns:
        a `Report`: `.verdict` is the worst, `.inputs` has an entry each with `.verdict`, `.engine`,
        `.numeric` and `.error`. It prints as words, and is true if nothing failed, so that
        `assert gradcheck(f, x, raise_exception=False)` is a test. INCONCLUSIVE counts as failed.

    Raises:
        GradcheckError: a value, a rule or the sweep is wrong, digits are lost, or f is not defined
            here; its subclass InconclusiveError where no derivative could be found to compare with.
        TypeError: f does not return a `Value` or can't take the xs, or xs are not numbers.
        ValueError: there is no input, or an input is not finite.

    >>> from micrograd_notes import operation, tanh
    >>> print(gradcheck(lambda x: tanh(x) * x, 0.75))
    the function: PASS
      at x = 0.75, a smooth point
        engine  df/dx = 1.08258831
        numeric df/dx = 1.08258831 +- 1e-16
      9 calls at this point were compared, and gave the same
    >>> bad = operation("bad_cube", lambda x: x * x * x, [lambda y, x: 2 * x * x])
    >>> gradcheck(bad, 0.75, raise_exception=False).verdict
    <Verdict.WRONG_RULE: 'a local partial derivative is not the derivative of the value'>
    """
    checks.whole_number("order", order, 1, 2)
    checks.flag("raise_exception", raise_exception)
    subject = Subject(f, xs, module, limit, seed)
    with subject.kept():
        report = _checked(subject)
        if order == 2 and not report.verdict.fails:
            _add_second_derivatives(report, subject)
    if raise_exception:
        report.raise_if_it_fails()
    return report


def _checked(subject: Subject) -> Report:
    report = Report(subject.name, left_out=subject.left_out)
    try:
        run = subject.run()
        again = [subject.run() for _ in range(_EVALUATIONS)]
        report.calls = 1 + len(again)
    except UNDEFINED as error:
        note = f"the function raises {in_words(error)}; {ELSEWHERE}"
        return _without_derivatives(report, subject, Fault(Verdict.DOMAIN, "", note))
    program = run.program
    obstacle = obstacle_to(subject, run, again)
    if obstacle is not None:
        return _without_derivatives(report, subject, obstacle)
    faults, unchecked = faults_of_operations(program)
    raising = [fault for fault in faults if fault.verdict is Verdict.DOMAIN]
    if raising:
        return _without_derivatives(report, subject, raising[0])
    try:
        engine = engine_gradients(run)
    except Exception as error:  # of a large graph not every rule was called
        raised = Fault(Verdict.DOMAIN, "", f"backward() raises {in_words(error)}")
        worst = max([*faults, raised], key=lambda fault: fault.verdict)
        return _without_derivatives(report, subject, worst)
    swept = sweep_fault(program)
    surroundings = Surroundings(subject, program)
    for index, gradient in enumerate(engine):
        report.inputs.append(_judged(subject, surroundings, index, gradient, unchecked))
    report.faults = _explaining(report, faults, swept, surroundings)
    return report


def _without_derivatives(report: Report, subject: Subject, fault: Fault) -> Report:
    report.faults = [fault]
    report.inputs = [
        InputReport(name, at, math.nan, None, fault.verdict)
        for name, at in zip(subject.names, subject.numbers, strict=True)
    ]
    return report


# ---- the verdict on an input ---------------------------------------------------------------------


def _judged(
    subject: Subject, around: Surroundings, index: int, engine: float, unchecked: bool
) -> InputReport:
    derivative = around.derivative(index)
    verdict, note = _verdict(around, index, engine, derivative)
    if verdict is Verdict.PASS and unchecked:
        verdict = Verdict.VALUE_UNCHECKED
    return InputReport(
        subject.names[index], subject.numbers[index], engine, derivative, verdict, note
    )


def _keeps_half_the_digits(derivative: Derivative, engine: float) -> bool:
    """Returns whether the engine's derivative is the numeric one to half of a float's digits."""
    size = max((abs(s.slope) for s in derivative.sides if math.isfinite(s.slope)), default=0.0)
    return derivative.allows(engine, _HALF_THE_DIGITS * size + derivative.doubt)


def _verdict(
    around: Surroundings, index: int, engine: float, derivative: Derivative
) -> tuple[Verdict, str]:
    sides = derivative.sides
    if not sides:
        reason = "the function is defined on neither side of the point"
        refusal = around.refusal
        return Verdict.DOMAIN, f"{reason}: it raises {in_words(refusal)}" if refusal else reason
    size = max(abs(side.slope) for side in sides)
    doubt = derivative.doubt
    tolerance = _HALF_THE_DIGITS * size + doubt if math.isfinite(size) else 0.0
    if not _keeps_half_the_digits(derivative, engine):
        if not around.derivative(index, stair=1.0).surely_differs(engine):
            return Verdict.INCONCLUSIVE, _NOT_DIFFERENTIABLE
        floor = _ROUNDINGS * _ULP * (around.moved_by_rounding(index) + around.size_nearby(index))
        if not derivative.allows(engine, tolerance + floor):
            low, high = interior_hull(around.program, index)
            if low < high and low - floor - tolerance <= engine <= high + floor + tolerance:
                return Verdict.INTERIOR_KINK, (
                    "the engine follows the conventions of the operations inside; "
                    f"they allow {low:.6g} to {high:.6g}"
                )
            jumping = jump_in_doubt(around.program)
            if jumping is not None:
                return Verdict.INCONCLUSIVE, (
                    f"{jumping.name} inside is so near a jump that rounding decides on which side "
                    "it is: check at another point"
                )
            return Verdict.INACCURATE, ""  # what is to blame is found out later
    scale = _scale(around, index, at_least=0.0 if size or engine else 1.0)
    if doubt > max(1e-3 * max(size, abs(engine)), 1e-6 * scale):
        return Verdict.INCONCLUSIVE, _NOT_DIFFERENTIABLE
    if derivative.jumps:
        return Verdict.JUMP, "a jump does not have a derivative; its sides have slopes"
    if derivative.left.is_defined and derivative.right.is_defined and not derivative.is_smooth:
        return Verdict.KINK, ""
    return Verdict.PASS, ""


def _scale(around: Surroundings, index: int, at_least: float) -> float:
    """Returns how steep the function is at the least, for what a doubt of 0 may come to.

    A large value makes it no steeper: in a loss of 1e11, rounding hides a slope of 0.002.
    """
    value = max(abs(around.subject.number(around.subject.numbers)), at_least)
    steep = value / max(abs(around.subject.numbers[index]), 1.0) if math.isfinite(value) else 0.0
    return min(steep, 1.0)


def _explaining(
    report: Report, faults: list[Fault], swept: Fault | None, around: Surroundings
) -> list[Fault]:
    """Returns the faults that count, and gives inputs whose gradient is wrong their verdict."""
    wrong = [each for each in report.inputs if each.verdict is Verdict.INACCURATE]
    strained = [
        each for each in report.inputs
        if each.derivative is not None and each.verdict in (Verdict.PASS, Verdict.VALUE_UNCHECKED)
        and not _keeps_half_the_digits(each.derivative, each.engine)
    ]
    if not wrong and not strained:
        faults = [fault for fault in faults if fault.verdict is not Verdict.INACCURATE]
    if swept is not None:
        faults = [*faults, swept]
    if wrong and not faults:
        is_cut = around.is_opaque and any(
            _keeps_half_the_digits(around.frozen(index), each.engine)
            for index, each in enumerate(report.inputs)
            if each.verdict is Verdict.INACCURATE
        )
        faults = [_unexplained(around, is_cut)]
    faults.sort(key=lambda fault: fault.verdict, reverse=True)
    if faults:
        for each in wrong or strained:
            each.verdict = faults[0].verdict
    return faults


def _unexplained(around: Surroundings, is_cut: bool) -> Fault:
    """Returns why a gradient is wrong though each operation and the sweep are right."""
    if is_cut:
        note = (
            "the graph holds a plain number, taken out of Values, that changes with the inputs, so "
            "no gradient flows through it: compute it from Values, without .data, .item(), "
            "detach() or float()"
        )
        return Fault(Verdict.TRAVERSAL, OWN_CODE, note)
    steep = _infinitely_steep(around.program)
    if steep is not None:
        op, numbers = steep
        note = (
            f"{op.name}({', '.join(map(repr, numbers))}) inside is infinitely steep, so the "
            "chain rule does not have an answer here: keep its operand away, or take another branch"
        )
        return Fault(Verdict.DOMAIN, op.name, note)
    undifferentiated = _undifferentiated(around.program)
    if undifferentiated is not None:
        op, index = undifferentiated
        note = (
            f"the row of {op.name} says None for its operand "
            f"{argument_names(op, op.arity or 1)[index]}, so no gradient flows into it, and the "
            "result depends on it"
        )
        return Fault(Verdict.WRONG_RULE, op.name, note, op=op, definition=definition_of_row(op))
    note = (
        "every operation is right to its last digits; the digits are lost where large terms "
        "cancel: write the formula so that they do not"
    )
    return Fault(Verdict.INACCURATE, "", note)


def _infinitely_steep(program: Program) -> tuple[Op, tuple[float, ...]] | None:
    """Returns an operation one of whose partials is not finite, with its operands."""
    values = program.values()
    for index, instruction in program.steps():
        if not all(map(math.isfinite, instruction.partials(values[index], values).values())):
            return instruction.op, instruction.applied_to(values)
    return None


def _undifferentiated(program: Program) -> tuple[Op, int] | None:
    """Returns a row with no partial for an operand that comes from an input and moves it."""
    values = program.values()
    for instruction in program.instructions:
        op = instruction.op
        for index, operand in enumerate(instruction.operands):
            if isinstance(operand, int) and not op.is_differentiated(index):
                sides = numeric_partial(op, index, instruction.applied_to(values)).sides
                if any(abs(side.slope) > side.error for side in sides):
                    return op, index
    return None


# ---- second derivatives --------------------------------------------------------------------------


def _add_second_derivatives(report: Report, subject: Subject) -> None:
    """Checks each first derivative, as the function that `grad` makes of it."""
    for index, first in enumerate(list(report.inputs)):
        if not math.isfinite(first.engine):
            continue  # asin at 1: an infinite slope has no slope
        derived = _FirstDerivative(subject, index)
        inner = _checked(derived)
        for each in inner.inputs:
            each.of = f"df/d{subject.names[index]}"
        report.second += inner.inputs
        for fault in inner.faults:
            if fault.where == OWN_CODE:
                fault = Fault(Verdict.WRONG_RULE, "a rule", _FROZEN)
                for each in inner.inputs:
                    if each.verdict is Verdict.TRAVERSAL:
                        each.verdict = fault.verdict
            report.faults.append(fault)


class _FirstDerivative(Subject):
    """The derivative of a function in one of its inputs, as a function."""

    def __init__(self, subject: Subject, index: int) -> None:
        self.__dict__.update(subject.__dict__)
        self._index = index

    def run(self, numbers: Sequence[float] | None = None) -> Run:
        run = super().run(numbers)
        if not run.output.requires_grad:
            return Run(run.inputs, Value(0.0))
        (derivative,) = grad(run.output, [run.inputs[self._index]])
        return Run(run.inputs, derivative)
