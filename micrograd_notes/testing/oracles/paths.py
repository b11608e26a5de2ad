"""The chain rule in exact numbers: the partials of each row, and their sums over all paths.

`judge_rows` compares every value and partial of a program; what it returns has the exact adjoints,
and how far the engine's may be from them. `independent.py` says where that bound comes from.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.numbers.exact import (
    Claim,
    Digits,
    Fractions,
    Slope,
    tangent,
)
from micrograd_notes.testing.oracles.judgement import (
    TINY,
    VALUE_ULPS,
    Judgement,
    Recorded,
    as_float,
)

U = 2.0**-53
"""The unit roundoff: the most that rounding to nearest changes a float, of its size."""
UPWARD = 1.0 + 2.0**-40  # the bounds are computed in floats too; this covers their own rounding


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


def judge_rows(judgement: Judgement, recorded: Recorded, kind: Digits) -> Local | None:
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
                claim.bounds[i] += as_float(abs(slope.low))
            exact = nearest(claimed, slope) if math.isfinite(claimed) else slope.low
            what = partial(recorded.partial, index, i)
            judgement.hold(oracle, what, claimed, exact, claim.bounds[i])
            operand = int(instruction.operands[i])
            edge = Edge(operand, i, claimed, kind.number(exact), claim.bounds[i])
            local.edges[index].append(edge)
    sum_over_paths(local, kind)
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


def sum_over_paths(local: Local, kind: Digits) -> None:
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
        size = abs(as_float(exact))
        for operand, _, claimed, exact_partial, off in local.edges[index]:
            terms[operand].append(exact * exact_partial)
            steepest = max(abs(claimed), abs(as_float(exact_partial)))
            product = (size + error) * steepest
            errors[operand] += error * steepest + size * off
            if off > 0.0:  # else the row is linear: its partial is 1 or -1, and nothing rounds
                errors[operand] += U * product + TINY
            sizes[operand] += product
    local.terms, local.adjoints, local.bounds = terms, adjoints, bounds


def _is_float(x: Fraction) -> bool:
    return Fraction(float(x)) == x


def nearest(partial: Any, slope: Slope) -> Any:
    """Returns the exact slope that is nearest to a partial: the partial itself between two."""
    if partial <= slope.low:
        return slope.low
    return slope.high if partial >= slope.high else partial
