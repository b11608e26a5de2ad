"""The oracle that begins at the inputs: all values again in many digits, and the chain rule.

`independent.py` says what it grants the engine. Read `judge_end_to_end` first.
"""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from micrograd_notes.engine import Value, grad, helper_ops, sweep
from micrograd_notes.engine.accurate import total
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.numbers.exact import Claim, Digits, evaluated, tangent
from micrograd_notes.testing.oracles.judgement import TINY, Judgement, Recorded, as_float
from micrograd_notes.testing.oracles.paths import UPWARD, Edge, Local, U, nearest, sum_over_paths
from micrograd_notes.testing.programs.random_programs import Instruction

PRECISIONS = (256, 1024, 4096)
"""The bits that a program is evaluated in, until 64 more change nothing."""
FAR_OUT = 2.0**256
"""With values and adjoints within this and its inverse, their products and quotients are normal."""
MOST_CHANGE = 2.0**-10
"""Where a partial changes by more between the recorded and the true values, nothing is claimed."""


def judge_end_to_end(
    judgement: Judgement, recorded: Recorded, local: Local, kind: Digits
) -> None:
    """Compares the value and the gradients of the inputs; says why, where it has no answer."""
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
    sum_over_paths(exact, kind)
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
        bound = 2.0 * (local.bounds[i] + moved) + 2.0**-64 * as_float(abs(exact.adjoints[i])) + TINY
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
        (values[int(x)] if op.is_differentiated(i) else as_float(values[int(x)]))
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
        slope = kind.number(nearest(edge.exact, found.slopes[edge.position]))
        if abs(slope - edge.exact) > max(abs(slope), abs(edge.exact)) * MOST_CHANGE:
            if not _kink_between(op, claim.operands, [as_float(x) for x in exact]):
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
        steepest = max(abs(as_float(edge.exact)), abs(as_float(before.exact)))
        operand = recorded.values[edge.operand].data
        explained += steepest * as_float(abs(truth[edge.operand] - operand))
    value = recorded.values[index].data
    # The truth itself is rounded, to 90 bits and more.
    return as_float(abs(truth[index] - value)) > 2.0 * explained + 2.0**-64 * abs(value) + TINY


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
