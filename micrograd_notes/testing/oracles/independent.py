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

`paths.py` has the exact sums, `end_to_end.py` the third oracle, `dyadic.py` multiples of 1/4.
"""

import math
from fractions import Fraction
from functools import partial
from typing import Any

from micrograd_notes.testing.numbers.exact import Digits, Fractions
from micrograd_notes.testing.oracles.end_to_end import judge_end_to_end
from micrograd_notes.testing.oracles.judgement import Judgement, Recorded
from micrograd_notes.testing.oracles.paths import Local, judge_rows
from micrograd_notes.testing.programs.random_programs import Program

BITS = 256  # of the exact sums: 200 more than a float has


def judge_exactly(program: Program) -> Judgement:
    """Demands equality of every value and adjoint, as far as no float has to round.

    >>> from micrograd_notes.engine import ops
    >>> from micrograd_notes.testing.programs.random_programs import Instruction
    >>> program = Program((0.5,), (Instruction(ops.multiply, (0, 0)),))
    >>> judge_exactly(program).mismatches
    []
    """
    judgement = Judgement()
    recorded = Recorded.of(program)
    exact = judge_rows(judgement, recorded, Fractions())
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


def _sums_without_rounding(terms: list[Fraction]) -> bool:
    """Returns whether the terms can be added in any order: all partial sums are floats.

    They are multiples of one power of two, and their magnitudes add up to fewer than 2**53 of it.
    """
    finest = max((term.denominator for term in terms), default=1)
    return finest & (finest - 1) == 0 and sum(map(abs, terms)) * finest <= 2**53


def judge(program: Program, end_to_end: bool = True) -> Judgement:
    """Holds the program's partials, adjoints and gradients against the other two oracles.

    >>> from micrograd_notes.engine import ops
    >>> from micrograd_notes.testing.programs.random_programs import Instruction
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
            judge_end_to_end(judgement, recorded, local, kind)
    return judgement


def _judge_locally(judgement: Judgement, recorded: Recorded, kind: Digits) -> Local | None:
    local = judge_rows(judgement, recorded, kind)
    for index, bound in enumerate(local.bounds if local else ()):
        if math.isfinite(bound):
            exact = local.adjoints[index]  # type: ignore[union-attr]
            _hold_adjoint(judgement, "local", recorded, index, exact, bound)
        else:
            judgement.left_out["local: an adjoint overflows"] += 1
    return local


def _hold_adjoint(
    judgement: Judgement, oracle: str, recorded: Recorded, index: int, exact: Any, bound: float
) -> None:
    what = partial("the adjoint of {}".format, recorded.program.name(index))
    judgement.hold(oracle, what, recorded.values[index].grad, exact, bound)
