"""`opcheck`: the whole property test of one operation, as a test that pytest collects.

    test_softsign = opcheck(softsign)

`points.py` chooses points, and this file small graphs of the operation. `diagnosis.at_a_point`,
`diagnosis.sweeping` and `gradcheck` judge what happens there.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from micrograd_notes.common import checks
from micrograd_notes.engine import ops
from micrograd_notes.engine.accurate import SMALLEST_NORMAL
from micrograd_notes.engine.op import Op
from micrograd_notes.engine.spelling import spelling_differs
from micrograd_notes.testing.diagnosis.at_a_point import Finding, examine
from micrograd_notes.testing.diagnosis.each_operation import fault_of
from micrograd_notes.testing.diagnosis.report import Fault, definition_of_row, told
from micrograd_notes.testing.diagnosis.sweeping import sweep_fault
from micrograd_notes.testing.diagnosis.verdicts import Judged, Verdict
from micrograd_notes.testing.gradients import gradcheck
from micrograd_notes.testing.points import points_of
from micrograd_notes.testing.programs.random_programs import Instruction, Program

__all__ = ["OperationReport", "check_operation", "opcheck"]

_SECOND_ORDER_POINTS = 6
_ENOUGH = 20  # failures, after which more points would show nothing new


@dataclass
class OperationReport(Judged):
    """The result of `check_operation`.

    Attributes:
        name: the operation.
        faults: what is wrong, the worst first, at most one of a kind.
        points: at how many points it was examined, with two calls at each.
        reach: the largest magnitude of an operand there.
        verdicts: how often each verdict was given, to a value or a partial.
        examples: the simplest finding of each.
        reason: why it has no value at a point, if that is so.
    """

    name: str
    faults: list[Fault] = field(default_factory=list)
    points: int = 0
    reach: float = 0.0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    examples: dict[Verdict, Finding] = field(default_factory=dict)
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all; INCONCLUSIVE only if that is so for most of the points."""
        worst = max((fault.verdict for fault in self.faults), default=Verdict.PASS)
        passed = [v for v in self.verdicts if not v.fails]
        decided = sum(self.verdicts[v] for v in passed if v is not Verdict.VALUE_UNCHECKED)
        if decided <= self.verdicts[Verdict.INCONCLUSIVE]:
            worst = max(worst, Verdict.INCONCLUSIVE)
        return max([worst, *passed])

    def __str__(self) -> str:
        if self.faults:
            fault, more = self.faults[0], len(self.faults) - 1
            rest = [f"  and {more} more, in .faults"] if more else []
            return "\n".join([f"{self.name}: {fault.verdict}", *told(fault), *rest])
        how_many = f"{self.points} points up to {self.reach:.3g}, two calls at each"
        unsure = self.verdicts[Verdict.INCONCLUSIVE]
        if unsure:
            how_many += f", {unsure} of {sum(self.verdicts.values())} checks undecided"
        line = f"{self.name}: {self.verdict} ({how_many})"
        example = self.examples.get(self.verdict)
        if self.verdict is Verdict.INCONCLUSIVE and self.reason:
            return f"{line}\n  {self.reason}"
        if example is None or self.verdict is Verdict.PASS:
            return line
        at = ", ".join(map(repr, example.operands))
        if example.derivative is None:
            return f"{line}\n  {example.note}"
        return f"{line}\n  at {at}: the rule gives {example.got:.9g}, numeric {example.derivative}"


def opcheck(op: Op, *, order: int = 2) -> Callable[[], None]:
    """Returns the property test of an operation: a function that pytest collects and calls.

    Args:
        op: a row of the table, built in or a learner's.
        order: 1 to leave its second derivatives unchecked.

    Raises:
        TypeError: op is not an operation.
        ValueError: order is not 1 or 2.

    The test raises `GradcheckError` if anything is wrong. `check_operation` returns a report
    instead. No test at points can exclude a rule that is wrong between two of them or beyond the
    largest, so the report says how many points there were, and how far they reach.

    >>> from micrograd_notes import operation
    >>> softsign = operation("softsign", lambda x: x / (1 + abs(x)),
    ...                      [lambda y, x: 1 / (1 + abs(x)) ** 2])
    >>> test_softsign = opcheck(softsign)
    >>> test_softsign()
    """
    _check(op, order)

    def test() -> None:
        check_operation(op, order=order).raise_if_it_fails()

    test.__name__ = test.__qualname__ = f"test_{op.name}"
    test.__doc__ = f"Checks value, partials, sweeps and second derivatives of {op.name}."
    return test


def check_operation(op: Op, *, order: int = 2) -> OperationReport:
    """Returns what the property test of an operation finds.

    >>> print(check_operation(ops.tanh))
    tanh: PASS (125 points up to 1.7e+308, two calls at each)
    """
    _check(op, order)
    report = OperationReport(op.name)
    found: dict[tuple[Verdict, int | None], Fault] = {}
    failures = 0
    if not any(map(op.is_differentiated, range(op.arity or 1))):
        report.reason = "it does not have a partial derivative to check: each is given as None"
    points = list(points_of(op))
    for fault in _spelling_faults(op, points):
        found[fault.verdict, None] = fault
    benign: list[tuple[float, ...]] = []
    for operands in points:
        for fault in _domain_faults(op, operands):
            found.setdefault((fault.verdict, None), fault)
        value = _value(op, operands)
        if value is None:
            report.reason = report.reason or _why_there_is_no_value(op, operands)
            continue
        report.points += 1
        report.reach = max(report.reach, *map(abs, operands))
        changing = [*_changing(op, operands, value)]
        for finding in changing or examine(op, operands, value):
            if _is_exempt(finding):
                continue
            report.verdicts[finding.verdict] += 1
            simplest = report.examples.setdefault(finding.verdict, finding)
            if len(repr(finding.operands)) < len(repr(simplest.operands)):
                report.examples[finding.verdict] = finding
            if finding.verdict.fails and finding.verdict is not Verdict.INCONCLUSIVE:
                found.setdefault((finding.verdict, finding.index), fault_of(finding))
                failures += 1
        if failures >= _ENOUGH:
            break
        if len(benign) < _SECOND_ORDER_POINTS and all(0.05 < abs(x) < 50 for x in operands):
            benign.append(operands)
    if not found:
        for operands in benign:
            for fault in [*_sweep_faults(op, operands), *_second_order_faults(op, operands, order)]:
                found.setdefault((fault.verdict, None), fault)
    report.faults = sorted(found.values(), key=lambda fault: fault.verdict, reverse=True)
    return report


def _is_exempt(finding: Finding) -> bool:
    """Returns whether nothing is promised there."""
    if finding.derivative is not None and not finding.derivative.sides:
        return True  # a point alone: x**y at x < 0 is defined for no y near a whole one
    if finding.verdict is Verdict.VALUE_UNCHECKED:
        return finding.op.mpmath is not None  # a convention, where mathematics has no number
    if math.isinf(finding.got) and "-0.0" in map(repr, finding.operands):
        return True  # 0.5 / sqrt(-0.0) is -inf, by IEEE's rules
    several = len(finding.operands) > 1
    is_subnormal = any(0 < abs(x) < SMALLEST_NORMAL for x in finding.operands)
    return finding.verdict is Verdict.INACCURATE and several and is_subnormal  # see `Op.ulps`


def _check(op: object, order: object) -> None:
    checks.operation("op", op, "; gradcheck(f, *xs) checks a function at a point")
    checks.whole_number("order", order, 1, 2)


def _value(op: Op, operands: tuple[float, ...]) -> float | None:
    """Returns the value; None where it is not defined or not finite."""
    try:
        value = op.forward(*operands)
    except Exception:  # `_domain_faults` reports an error that it must not raise
        return None
    return float(value) if isinstance(value, float | int) and math.isfinite(value) else None


def _why_there_is_no_value(op: Op, operands: tuple[float, ...]) -> str:
    call = f"{op.name}({', '.join(map(repr, operands))})"
    try:
        value = op.forward(*operands)
    except Exception as error:
        return f"{call} raises {type(error).__name__}: {error}"
    return f"{call} gives {value!r}, which is not a finite number"


# ---- at a point ----------------------------------------------------------------------------------


def _changing(op: Op, operands: tuple[float, ...], value: float) -> Iterator[Finding]:
    """Yields a finding where the same operands give another value, or another partial."""
    again = _value(op, operands)
    if again != value:
        note = f"forward gives {value!r}, and then {again!r}"
        got = math.nan if again is None else again
        yield Finding(Verdict.NONDETERMINISTIC, op, operands, None, got, repr(value), note=note)
    for index in filter(op.is_differentiated, range(len(operands))):
        try:
            first, second = (
                float(op.local_partials([index], value, operands)[0]) for _ in range(2)
            )
        except Exception:
            continue  # `examine` says so
        if first != second and first == first:
            note = f"the rule gives {first!r}, and then {second!r}"
            yield Finding(
                Verdict.NONDETERMINISTIC, op, operands, index, second, repr(first), note=note
            )


def _domain_faults(op: Op, operands: tuple[float, ...]) -> Iterator[Fault]:
    """Yields a fault where the operation raises inside the domain that it states.

    Outside it must raise what Python's arithmetic raises; another error is a slip, and reported.
    """
    inside = all(
        low < x < high for x, (low, high) in zip(operands, op.domain, strict=False)
    )
    try:
        op.forward(*operands)
        return
    except OverflowError:
        return
    except (ArithmeticError, ValueError) as error:
        if not op.domain or not inside:
            return
        raised = f"{type(error).__name__}, inside the domain {op.domain} that the row states"
    except Exception as error:
        raised = (
            f"{type(error).__name__}: {error}; where an operation has no value, its forward raises "
            "ValueError or ArithmeticError"
        )
    given = ", ".join(map(repr, operands))
    yield Fault(
        Verdict.DOMAIN, op.name, f"{op.name}({given}) raises {raised}",
        op=op, definition=definition_of_row(op),
    )


def _spelling_faults(op: Op, points: list[tuple[float, ...]]) -> Iterator[Fault]:
    """Yields a fault where NumPy computes something else than forward, at numbers of usual size."""
    usual = [xs for xs in points if all(x == 0 or 1e-3 <= abs(x) <= 1e3 for x in xs)]
    said = spelling_differs(op, usual)
    if said:
        note = f"{said}; lift() runs the spelling, so spell forward, or leave out numpy="
        yield Fault(Verdict.WRONG_SPELLING, op.name, note, op=op, definition=definition_of_row(op))


# ---- in small graphs -----------------------------------------------------------------------------


def _sweep_faults(op: Op, operands: tuple[float, ...]) -> Iterator[Fault]:
    """Yields what is wrong with sweeps through the operation."""
    for program in _small_graphs(op, operands):
        try:
            program()
        except (ArithmeticError, ValueError):
            continue
        if (fault := sweep_fault(program)) is not None:
            yield fault


def _small_graphs(op: Op, operands: tuple[float, ...]) -> Iterator[Program]:
    """Yields graphs that use the operation alone, with one operand in all places, and twice."""
    arity = len(operands)
    own = Instruction(op, tuple(range(arity)))
    yield Program(operands, (own,))
    yield Program(operands[:1], (Instruction(op, (0,) * arity),))
    y = arity
    yield Program(  # y is used by two, of which one needs the other
        operands,
        (own, Instruction(ops.sin, (y,)), Instruction(ops.multiply, (y, y + 1))),
    )
    yield Program(operands, (own, Instruction(op, (y, *range(1, arity)))))
    for shared in itertools.islice(itertools.permutations(range(arity)), 1, 2):
        yield Program(operands, (own, Instruction(op, shared), Instruction(ops.add, (y, y + 1))))


def _second_order_faults(op: Op, operands: tuple[float, ...], order: int) -> Iterator[Fault]:
    if order < 2 or not any(op.is_differentiated(i) for i in range(len(operands))):
        return
    held = [i for i in range(len(operands)) if not op.is_differentiated(i)]

    def function(*xs: object) -> object:
        return op(*[operands[i] if i in held else x for i, x in enumerate(xs)])

    try:
        report = gradcheck(function, *operands, order=2, raise_exception=False)
    except TypeError as error:
        yield Fault(
            Verdict.DOMAIN, op.name,
            f"its gradient can't be differentiated: {error}. A rule is arithmetic and operations "
            "of the table, which take Values; opcheck(op, order=1) checks first derivatives alone",
            op=op, definition=definition_of_row(op, 0),
        )
        return
    wrong = [each for each in report.second if each.verdict.fails]
    if wrong and wrong[0].verdict is not Verdict.INCONCLUSIVE:
        each = wrong[0]
        reasons = [fault.note for fault in report.faults if fault.where == "a rule"]
        yield Fault(
            each.verdict, op.name,
            f"its second derivative at {operands}: engine {each.slope} = {each.engine:.9g}, "
            f"numeric {each.derivative}{''.join(f'; {reason}' for reason in reasons[:1])}",
            op=op, definition=definition_of_row(op, 0),
        )
