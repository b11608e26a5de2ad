"""Three oracles that judge the gradients of a program, each with a bound that has a reason.

**Exact** (`judge_exactly`). On multiples of 1/4, rows that add, multiply and choose round nothing:
every adjoint must equal that of the chain rule in fractions.

**Local** (`judge`). The exact partials at the recorded floats, multiplied and summed exactly over
all paths. The engine rounds a partial by what its row states (`Op.ulps` of `Op.scale`), a product
by half an ulp, and a sum of n contributions by n-1 half ulps of the sum of their magnitudes. The
bound follows these along the paths, with half of the smallest float per product for underflow.

**End to end** (`judge`). Everything again from the inputs, in many digits. The bound adds to the
local one the rounding of each value v times |dg/dv|, a second derivative by the engine. It is of
first order, so twice as much is granted, and nothing is claimed where a partial changes by more
than a thousandth between the recorded and the true values, or a value leaps.

The exact slopes depend on no rule of the table, so a wrong rule, a rounding too many, a missing
accumulation and a wrong order all show. At a kink there are two, and any number between is right.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, partial
from typing import Any, NamedTuple

from micrograd_notes.engine import Value, grad, helper_ops, sweep
from micrograd_notes.engine.accurate import SMALLEST_NORMAL, total
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.numbers.exact import (
    SMALLEST,
    Claim,
    Digits,
    Fractions,
    Slope,
    evaluated,
    tangent,
)
from micrograd_notes.testing.programs.random_programs import BUILT_IN, Instruction, Program

U = 2.0**-53
"""The unit roundoff: the most that rounding to nearest changes a float, of its size."""
TINY = 2.0**SMALLEST
UPWARD = 1.0 + 2.0**-40  # the bounds are computed in floats too; this covers their own rounding
VALUE_ULPS = 4.0
"""The error that a value may have: the C library grants it for the worst of its functions."""
BITS = 256  # of the exact sums: 200 more than a float has


class Mismatch(NamedTuple):
    """A number of the engine's that is farther from the truth than it may be."""

    oracle: str
    what: str
    got: float
    truth: float
    bound: float

    def __str__(self) -> str:
        return (
            f"{self.oracle}: {self.what} is {self.got!r}, the truth is {self.truth!r}, "
            f"and the bound {self.bound:.3g}"
        )


@dataclass
class Judgement:
    """The findings of the oracles: the count of numbers compared, and the mismatches."""

    compared: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    mismatches: list[Mismatch] = field(default_factory=list)
    without_gradient: bool = False  # all gradients of the inputs are 0

    def hold(
        self, oracle: str, what: Callable[[], str], got: float, truth: Any, bound: float
    ) -> None:
        """Compares a number with the truth. A nan agrees with nothing."""
        self.compared[oracle] += 1
        if not math.isfinite(got) or not abs(truth - got) <= bound:
            self.mismatches.append(Mismatch(oracle, what(), got, _float(truth), bound))


class Recorded(NamedTuple):
    """A program as the engine ran it: its values, with the adjoints of one sweep."""

    program: Program
    values: list[Value]

    @classmethod
    def of(cls, program: Program) -> "Recorded":
        """Returns the program, run forward and backward."""
        values = program.values(*map(Value, program.inputs))
        values[-1].backward()
        return cls(program, values)

    def numbers(self, instruction: Instruction) -> list[float]:
        """Returns the operands' recorded floats."""
        return [getattr(x, "data", x) for x in instruction.applied_to(self.values)]

    def applied(self, index: int) -> str:
        """Returns a value as what it was computed from, `v3 = tanh(0.5)`."""
        instruction = self.program.instructions[index - len(self.program.inputs)]
        numbers = ", ".join(map(repr, self.numbers(instruction)))
        return f"{self.program.name(index)} = {instruction.op.name}({numbers})"

    def partial(self, index: int, position: int) -> str:
        """Returns a partial in words."""
        return f"partial {position} of {self.applied(index)}"

    def claim(self, index: int, instruction: Instruction, exactly: bool = False) -> Claim:
        """Returns what the row says of the point that the graph recorded, and its own bounds."""
        op, wanted = instruction.op, instruction.wanted()
        numbers, value = self.numbers(instruction), self.values[index].data
        partials = dict(zip(wanted, op.local_partials(wanted, value, numbers), strict=True))
        scale = op.scale(*numbers) if op.scale else 0.0
        bounds = {
            i: 0.0
            if exactly or _is_constant(op, i)
            else op.ulps * math.ulp(max(abs(p), scale)) + _lost_below_normal(numbers, value, p)
            for i, p in partials.items()
        }
        return Claim(numbers, value, partials, bounds)


def _is_constant(op: Op, index: int) -> bool:
    """Returns whether a partial is the same number at every point, and not rounded."""
    return isinstance(op.partials, tuple) and isinstance(op.partials[index], float)


def _lost_below_normal(operands: Sequence[float], value: float, partial: float) -> float:
    """Returns what a partial may be off where a number on the way to it is subnormal.

    A subnormal value is off by a share of itself, and so is a partial that is computed from it.
    Where the partial is hardly normal, a factor of it may have been subnormal.
    """
    lost = 0.0
    if 0.0 < abs(value) < SMALLEST_NORMAL:
        lost = abs(partial) * min(1.0, VALUE_ULPS * TINY / abs(value))
    largest = max(map(abs, operands))
    size = max(1.0, largest, 1.0 / max(largest, SMALLEST_NORMAL))
    if abs(partial) < SMALLEST_NORMAL * size:
        lost += VALUE_ULPS * TINY * size
    return lost


# ---- exact ---------------------------------------------------------------------------------------


def judge_exactly(program: Program) -> Judgement:
    """Demands equality of every value and adjoint, as far as no float has to round.

    >>> from micrograd_notes.engine import ops
    >>> program = Program((0.5,), (Instruction(ops.multiply, (0, 0)),))
    >>> judge_exactly(program).mismatches
    []
    """
    judgement = Judgement()
    recorded = Recorded.of(program)
    exact = _judge_rows(judgement, recorded, Fractions())
    if exact is None:
        return judgement
    rounded: set[int] = set()  # values whose adjoint no float has, and what lies beneath them
    for index in range(len(exact.edges) - 1, -1, -1):
        if index in rounded or not _sums_without_rounding(exact.terms[index]):
            judgement.left_out["exact: an adjoint would be rounded"] += 1
            rounded |= {index, *(edge.operand for edge in exact.edges[index])}
        else:
            _hold_adjoint(judgement, "exact", recorded, index, exact.adjoints[index], 0.0)
    return judgement


def _hold_adjoint(
    judgement: Judgement, oracle: str, recorded: Recorded, index: int, exact: Any, bound: float
) -> None:
    what = partial("the adjoint of {}".format, recorded.program.name(index))
    judgement.hold(oracle, what, recorded.values[index].grad, exact, bound)


def _is_float(x: Fraction) -> bool:
    return Fraction(float(x)) == x


def _sums_without_rounding(terms: list[Fraction]) -> bool:
    """Returns whether the terms can be added in any order: all partial sums are floats.

    They are multiples of one power of two, and their magnitudes add up to fewer than 2**53 of it.
    """
    finest = max((term.denominator for term in terms), default=1)
    return finest & (finest - 1) == 0 and sum(map(abs, terms)) * finest <= 2**53


def _nearest(partial: Any, slope: Slope) -> Any:
    """Returns the exact slope that is nearest to a partial: the partial itself between two."""
    if partial <= slope.low:
        return slope.low
    return slope.high if partial >= slope.high else partial


# ---- local ---------------------------------------------------------------------------------------


class Edge(NamedTuple):
    """One way from a value into an operand: the exact partial, and what the row's may be off."""

    operand: int
    position: int
    partial: float
    exact: Any
    bound: float


@dataclass
class Local:
    """The local oracle's facts about each value: its rounding, its edges, its exact adjoint."""

    roundings: list[float]
    edges: list[list[Edge]]
    terms: list[list[Any]] = field(default_factory=list)  # what its users send to it
    adjoints: list[Any] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)  # how far off the engine's adjoint may be


def judge(program: Program, end_to_end: bool = True) -> Judgement:
    """Holds the program's partials, adjoints and gradients against the other two oracles.

    >>> from micrograd_notes.engine import ops
    >>> program = Program((0.3,), (Instruction(ops.exp, (0,)), Instruction(ops.sin, (1,))))
    >>> judgement = judge(program)
    >>> judgement.mismatches, sorted(judgement.compared)
    ([], ['end to end', 'local'])
    """
    kind = Digits()
    judgement = Judgement()
    recorded = Recorded.of(program)
    inputs = recorded.values[: len(program.inputs)]
    judgement.without_gradient = not any(value.grad for value in inputs)
    with kind.bits(BITS):
        local = _judge_locally(judgement, recorded, kind)
        if local is not None and end_to_end:
            _judge_end_to_end(judgement, recorded, local, kind)
    return judgement


def _judge_locally(judgement: Judgement, recorded: Recorded, kind: Digits) -> Local | None:
    local = _judge_rows(judgement, recorded, kind)
    for index, bound in enumerate(local.bounds if local else ()):
        if math.isfinite(bound):
            exact = local.adjoints[index]  # type: ignore[union-attr]
            _hold_adjoint(judgement, "local", recorded, index, exact, bound)
        else:
            judgement.left_out["local: an adjoint overflows"] += 1
    return local


def _judge_rows(judgement: Judgement, recorded: Recorded, kind: Digits) -> Local | None:
    """Compares every value and partial, and sums the exact ones over all paths.

    With fractions equality is demanded. Returns None, and says why, where the oracle has no answer.
    """
    exactly = isinstance(kind, Fractions)
    oracle = "exact" if exactly else "local"
    count = len(recorded.values)
    local = Local([0.0] * count, [[] for _ in range(count)])
    for index, instruction in recorded.program.steps():
        op = instruction.op
        claim = recorded.claim(index, instruction, exactly)
        found = tangent(kind, op, _as_operands(op, claim.operands, kind), claim)
        if found is None:
            judgement.left_out[f"{oracle}: no exact slope of {op.name}"] += 1
            return None
        if exactly and not _is_float(found.value):
            judgement.left_out["exact: a value would be rounded"] += 1
            return None
        rounding = abs(found.value - claim.value)
        bound = 0.0 if exactly else _bound_of_value(claim)
        if rounding > bound and any(x == 0 and math.copysign(1.0, x) < 0 for x in claim.operands):
            judgement.left_out[f"{oracle}: a zero has a sign"] += 1  # as in atan2(-0.0, -1.0)
            return None
        applied = partial(recorded.applied, index)
        judgement.hold(oracle, applied, claim.value, found.value, bound)
        local.roundings[index] = float(rounding)
        for i, claimed in claim.partials.items():
            slope = found.slopes[i]
            if claim.value == 0.0 and found.value != 0:  # it underflowed, and so may this
                claim.bounds[i] += _float(abs(slope.low))
            exact = _nearest(claimed, slope) if math.isfinite(claimed) else slope.low
            what = partial(recorded.partial, index, i)
            judgement.hold(oracle, what, claimed, exact, claim.bounds[i])
            operand = int(instruction.operands[i])
            edge = Edge(operand, i, claimed, kind.number(exact), claim.bounds[i])
            local.edges[index].append(edge)
    _sum_over_paths(local, kind)
    return local


def _as_operands(op: Op, floats: Sequence[float], kind: Digits) -> list[Any]:
    """Returns the operands in that kind of number; a condition or a setting stays a float."""
    return [kind.number(x) if op.is_differentiated(i) else x for i, x in enumerate(floats)]


def _bound_of_value(claim: Claim) -> float:
    """Returns what a value may be off: a few ulp of it, and of its operands.

    log(exp(a) + exp(b)) near 0 is a difference of large terms.
    """
    size = max(map(abs, claim.operands))
    passed_on = (abs(p) * math.ulp(claim.operands[i]) for i, p in claim.partials.items())
    return float(VALUE_ULPS * (total(passed_on, math.ulp(claim.value)) + size * TINY))


def _sum_over_paths(local: Local, kind: Digits) -> None:
    """Sets the exact adjoints, and how far the engine may be from them: see the file's opening."""
    count = len(local.edges)
    terms: list[list[Any]] = [[] for _ in range(count)]
    terms[-1] = [kind.number(1.0)]
    adjoints: list[Any] = [None] * count
    errors, sizes, bounds = [0.0] * count, [0.0] * count, [0.0] * count
    for index in range(count - 1, -1, -1):
        adjoints[index] = exact = sum(terms[index], kind.number(0.0))
        error = errors[index] + max(len(terms[index]) - 1, 0) * U * sizes[index]
        bounds[index] = error = error * UPWARD
        size = abs(_float(exact))
        for operand, _, claimed, exact_partial, off in local.edges[index]:
            terms[operand].append(exact * exact_partial)
            steepest = max(abs(claimed), abs(_float(exact_partial)))
            product = (size + error) * steepest
            errors[operand] += error * steepest + size * off
            if off > 0.0:  # else the row is linear: its partial is 1 or -1, and nothing rounds
                errors[operand] += U * product + TINY
            sizes[operand] += product
    local.terms, local.adjoints, local.bounds = terms, adjoints, bounds


def _float(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.inf


# ---- end to end ----------------------------------------------------------------------------------

PRECISIONS = (256, 1024, 4096)
"""The bits that a program is evaluated in, until 64 more change nothing."""
FAR_OUT = 2.0**256
"""With values and adjoints within this and its inverse, their products and quotients are normal."""
MOST_CHANGE = 2.0**-10
"""Where a partial changes by more between the recorded and the true values, nothing is claimed."""


def _judge_end_to_end(
    judgement: Judgement, recorded: Recorded, local: Local, kind: Digits
) -> None:
    if any(
        x and not 1.0 / FAR_OUT <= abs(x) <= FAR_OUT
        for value in recorded.values
        for x in (value.data, value.grad)
    ):
        judgement.left_out["end to end: far out, second derivatives may underflow"] += 1
        return
    truth = _true_values(recorded, kind)
    if truth is None:
        judgement.left_out["end to end: not settled in 4096 bits"] += 1
        return
    edges: list[list[Edge]] = [[] for _ in truth]
    for index, instruction in recorded.program.steps():
        reason = _true_edges(recorded, local, truth, kind, index, instruction, edges[index])
        if not reason and _leaps(recorded, local, truth, index, edges[index]):
            reason = "a jump in reach"
        if reason:
            judgement.left_out[f"end to end: {reason}"] += 1
            return
    exact = Local(local.roundings, edges)
    _sum_over_paths(exact, kind)
    got = [value.grad for value in recorded.values]
    value_bound = 2.0 * total(
        abs(g) * rounding for g, rounding in zip(got, local.roundings, strict=True)
    )
    if not math.isfinite(value_bound):
        judgement.left_out["end to end: a bound overflows"] += 1
        return
    root = recorded.values[-1].data
    bound = value_bound * UPWARD + math.ulp(root) + TINY
    judgement.hold("end to end", lambda: "the value", root, truth[-1], bound)
    for i, moved in enumerate(moved_by_rounding(recorded, local.roundings)):
        # The truth itself is rounded to 80 bits and more.
        bound = 2.0 * (local.bounds[i] + moved) + 2.0**-64 * _float(abs(exact.adjoints[i])) + TINY
        if not math.isfinite(bound):
            judgement.left_out["end to end: a bound overflows"] += 1
            continue
        what = partial("the gradient of {}".format, recorded.program.name(i))
        judgement.hold("end to end", what, got[i], exact.adjoints[i], bound)


def _true_values(recorded: Recorded, kind: Digits) -> list[Any] | None:
    """Returns all values without the rounding of floats; None where no precision settles them."""
    for bits in PRECISIONS:
        first, second = (_values_in(recorded, kind, count) for count in (bits, bits + 64))
        if first is None or second is None:
            continue
        with kind.bits(bits):
            least = kind.number(2) ** -1200
            if all(
                abs(a - b) <= max(abs(a) * 2.0**-90, least)
                for a, b in zip(first, second, strict=True)
            ):
                return second
    return None


def _values_in(recorded: Recorded, kind: Digits, bits: int) -> list[Any] | None:
    with kind.bits(bits):
        values = [kind.number(x) for x in recorded.program.inputs]
        for op, operands in recorded.program.instructions:
            value = evaluated(kind, op, _true_operands(op, operands, values, kind))
            if value is None:
                return None
            values.append(value)
    return values


def _true_operands(
    op: Op, operands: tuple[int | float, ...], values: list[Any], kind: Digits
) -> list[Any]:
    return [
        (values[int(x)] if op.is_differentiated(i) else _float(values[int(x)]))
        if x.__class__ is int
        else (kind.number(x) if op.is_differentiated(i) else x)
        for i, x in enumerate(operands)
    ]


def _true_edges(
    recorded: Recorded,
    local: Local,
    truth: list[Any],
    kind: Digits,
    index: int,
    instruction: Instruction,
    edges: list[Edge],
) -> str:
    """Appends the value's edges with their true partials; returns why not, if it can't."""
    op, operands = instruction
    value = recorded.values[index].data
    partials = {edge.position: edge.partial for edge in local.edges[index]}
    bounds = {i: abs(p) * MOST_CHANGE for i, p in partials.items()}
    claim = Claim(recorded.numbers(instruction), value, partials, bounds)
    exact = _true_operands(op, operands, truth, kind)
    found = tangent(kind, op, exact, claim)
    if found is None:
        return f"no exact slope of {op.name}"
    for edge in local.edges[index]:
        slope = kind.number(_nearest(edge.exact, found.slopes[edge.position]))
        if abs(slope - edge.exact) > max(abs(slope), abs(edge.exact)) * MOST_CHANGE:
            if not _kink_between(op, claim.operands, [_float(x) for x in exact]):
                return "a partial changes too much"
            slope = edge.exact
        edges.append(edge._replace(exact=slope))
    return ""


def _leaps(
    recorded: Recorded, local: Local, truth: list[Any], index: int, edges: list[Edge]
) -> bool:
    """Returns whether a value is off by more than its operands and its own rounding explain.

    Then a jump lies between the recorded and the true operands, or a number that underflowed.
    """
    explained = local.roundings[index]
    for edge, before in zip(edges, local.edges[index], strict=True):
        steepest = max(abs(_float(edge.exact)), abs(_float(before.exact)))
        operand = recorded.values[edge.operand].data
        explained += steepest * _float(abs(truth[edge.operand] - operand))
    value = recorded.values[index].data
    # The truth itself is rounded, to 90 bits and more.
    return _float(abs(truth[index] - value)) > 2.0 * explained + 2.0**-64 * abs(value) + TINY


def _kink_between(op: Op, recorded: Sequence[float], true: Sequence[float]) -> bool:
    """Returns whether the row has a kink between two points that are close to each other."""
    if op.kinks is None:  # of rows that choose, a tie is the kink
        return op in (helper_ops.largest, helper_ops.smallest)
    here, there = op.kinks(*recorded), op.kinks(*true)
    return here * there <= 0.0


def moved_by_rounding(recorded: Recorded, roundings: list[float]) -> Iterator[float]:
    """Yields for each input how far the roundings of all values move its gradient, to first order.

    It takes second derivatives of the engine, which are sums in floats themselves. It adds the
    digits that may be lost in one, where its terms cancel as those of v/v do.
    """
    inputs = recorded.values[: len(recorded.program.inputs)]
    for derivative in grad(recorded.values[-1], inputs):
        second: dict[Value, float] = {derivative: 1.0}
        sizes: dict[Value, float] = {derivative: 1.0}
        edges = 0
        for step in sweep(derivative) if derivative.requires_grad else ():
            edges += 1
            second[step.operand] = step.total
            size = helper_ops.chain(sizes[step.node], abs(step.partial))
            sizes[step.operand] = sizes.get(step.operand, 0.0) + size
        yield total(
            (abs(second[value]) + 2 * edges * U * sizes[value]) * rounding
            for value, rounding in zip(recorded.values, roundings, strict=True)
            if rounding and value in second
        )


# ---- programs of dyadic numbers ------------------------------------------------------------------


def dyadic(generator: random.Random) -> float:
    """Returns a multiple of 1/4 from -2 to 2."""
    return generator.randint(-8, 8) / 4


@cache
def exact_rows() -> tuple[Op, ...]:
    """Returns the rows whose values on multiples of 1/4 are multiples of 1/256, by counterpart.

    >>> [op.name for op in exact_rows()][:4]
    ['add', 'subtract', 'multiply', 'neg']
    """
    return tuple(op for op in BUILT_IN if _is_exact(op))


def _is_exact(op: Op) -> bool:
    generator = random.Random(op.name)
    kind = Fractions()
    for _ in range(40):
        operands = [Fraction(dyadic(generator)) for _ in range(op.arity or 3)]
        try:
            value = evaluated(kind, op, operands)
        except (AttributeError, TypeError):  # it needs more than arithmetic
            return False
        if value is None or 256 % value.denominator:
            return False
    return True
