"""Random programs against the three oracles, and faults that each of them must find."""

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import pytest

from micrograd_notes.engine import Value, backward, fast, helper_ops, ops
from micrograd_notes.engine.op import Op, operation
from micrograd_notes.testing.numbers.exact import (
    Claim,
    Digits,
    Fractions,
    Slope,
    tangent,
)
from micrograd_notes.testing.oracles import judgement as judgements
from micrograd_notes.testing.oracles.dyadic import dyadic, exact_rows
from micrograd_notes.testing.oracles.independent import judge, judge_exactly
from micrograd_notes.testing.oracles.judgement import Judgement
from micrograd_notes.testing.programs.random_programs import Instruction, Program, random_program
from tests.testing.broken_engines import as_they_are_met, each_operand_once, in_reverse, sweep


def a_dyadic_program(generator: random.Random) -> Program:
    return random_program(generator, 5, 20, exact_rows(), dyadic)


def found(judgement: Judgement) -> str:
    return "\n".join(map(str, judgement.mismatches))


# ---- no mismatch ---------------------------------------------------------------------------------


def test_a_bound_grants_what_a_second_derivative_loses_where_its_terms_cancel() -> None:
    """One in a million random programs. That of v6/v6 is -2.5e-7 + 2.5e-7, and 3.8e-39 is lost."""
    x0, x1 = Value(2830206.4151416714), Value(-9.798564284868407e-07)
    v3 = ops.atan2(x1, x0)
    v6 = helper_ops.direction(x0, ops.floor(v3))
    v9 = helper_ops.power_less(v6 / v6, x1, 3.0)
    v12 = ops.atan2(ops.hypot(x0, v3), v9 - v6)
    judgement = judge(Program.recorded(ops.hypot(v12, ops.tan(x0)), [x0, x1]))
    assert not judgement.mismatches, found(judgement)
    assert judgement.compared["end to end"]


def test_a_row_of_any_number_of_operands_may_be_smooth() -> None:
    """Another one: logsumexp has no kink between the recorded operands and the true ones."""
    x = Value(4.2e14)
    y = 1.0 + ops.logsumexp(x, x)
    judgement = judge(Program.recorded(ops.logsumexp(y, y, x) ** 3 * x, [x]))
    assert not judgement.mismatches, found(judgement)



def test_the_exact_oracle_agrees_with_the_engine() -> None:
    generator = random.Random(1)
    compared = 0
    for _ in range(1000):
        program = a_dyadic_program(generator)
        judgement = judge_exactly(program)
        assert not judgement.mismatches, f"{found(judgement)}\n{program.source()}"
        compared += judgement.compared["exact"]
    assert compared > 20_000


@pytest.mark.parametrize(
    "batch", [0, *(pytest.param(batch, marks=pytest.mark.long) for batch in range(1, 4))]
)
def test_the_other_oracles_agree_with_the_engine(batch: int) -> None:
    generator = random.Random(f"oracles {batch}")
    compared = 0
    for number in range(400):
        program = random_program(generator)
        judgement = judge(program, end_to_end=number % 4 == 0)
        assert not judgement.mismatches, f"{found(judgement)}\n{program.source()}"
        compared += judgement.compared["local"]
    assert compared > 10_000


def test_what_no_oracle_compares_is_little() -> None:
    generator = random.Random(6)
    without = [0, 0]
    for _ in range(150):
        judgement = judge(random_program(generator))
        without[0] += "local" not in judgement.compared
        without[1] += "end to end" not in judgement.compared
    assert without[0] == 0
    # numbers beyond 1e77, jumps, and changes by more than a thousandth: a fifth of all programs
    assert without[1] < 150 * 0.25


# ---- slopes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "at", "claimed", "low", "high"),
    [
        (ops.relu, [0.0], 0.0, 0.0, 1.0),
        (ops.abs, [0.0], 0.0, -1.0, 1.0),
        (ops.abs, [-2.0], -1.0, -1.0, -1.0),
        (helper_ops.largest, [2.0, 2.0], 0.5, 0.0, 1.0),
        (ops.leaky_relu, [0.0, 3.0], 2.0, 1.0, 3.0),
        (ops.power, [0.0, 1.0 + 2**-52], 0.0, 0.0, 0.0),
        (ops.power, [0.0, 1.0], 1.0, 1.0, 1.0),
        (ops.hypot, [0.0, 1e-200], 0.0, 0.0, 0.0),
    ],
)
def test_slopes_at_kinks_and_zeros(
    op: Op, at: list[float], claimed: float, low: float, high: float
) -> None:
    kind = Digits()
    value = float(op(*at))
    claim = Claim(at, value, {0: claimed}, {0: 0.0})
    slopes = tangent(kind, op, [kind.number(x) for x in at], claim)
    assert slopes is not None
    # the step is 2**-100 of the lengths, so the slope is right to far more digits than a float has
    assert float(slopes.slopes[0].low) == pytest.approx(low, rel=1e-18, abs=1e-25)
    assert float(slopes.slopes[0].high) == pytest.approx(high, rel=1e-18, abs=1e-25)


def test_a_wrong_claim_does_not_move_the_slope() -> None:
    for claimed in (0.0, 1e-300, 1.0, -5.0, 1e300):
        claim = Claim([0.5], math.tanh(0.5), {0: claimed}, {0: 0.0})
        slopes = tangent(Digits(), ops.tanh, [Digits().number(0.5)], claim)
        assert slopes is not None
        assert float(slopes.slopes[0].low) == pytest.approx(0.7864477329659274, rel=1e-15)


def test_fractions_are_exact() -> None:
    claim = Claim([0.75], 0.5625, {0: 1.5}, {0: 0.0})
    found = tangent(Fractions(), helper_ops.one_minus_square, [Fraction(3, 4)], claim)
    assert found is not None
    assert found.value == Fraction(7, 16)
    assert found.slopes[0].low < Fraction(-3, 2) < found.slopes[0].high
    assert isinstance(found.slopes[0], Slope)


# ---- planted faults ------------------------------------------------------------------------------


@contextmanager
def with_rule(op: Op, partials: Any) -> Iterator[None]:
    """Gives a row other partials inside; a row is frozen, so by the back door."""
    before = op.partials
    object.__setattr__(op, "partials", partials)
    try:
        yield
    finally:
        object.__setattr__(op, "partials", before)


def programs_until_found(
    verdict: Callable[[Program], Judgement], draw: Callable[[random.Random], Program]
) -> int | None:
    """Returns how many programs it takes until one shows a mismatch; None if 400 do not."""
    generator = random.Random(9)
    for count in range(1, 401):
        if verdict(draw(generator)).mismatches:
            return count
    return None


def locally(program: Program) -> Judgement:
    return judge(program, end_to_end=False)


def changed(op: Op, index: int, change: Callable[[float], float]) -> tuple[Any, ...]:
    """Returns the row's partials with one of them changed."""
    assert isinstance(op.partials, tuple)
    rules: list[Any] = list(op.partials)
    rule = rules[index]
    rules[index] = lambda *xs: change(rule(*xs) if callable(rule) else rule)
    return tuple(rules)


def without_its_last_digits(x: float) -> float:
    mantissa, exponent = math.frexp(x)
    return math.ldexp(round(mantissa * 2**40), exponent - 40)


RULES = [
    (op, index)
    for op in (ops.tanh, ops.multiply, ops.divide, ops.power, ops.log, ops.atan2, ops.gelu, ops.elu)
    for index in range(op.arity or 0)
]
every_rule = pytest.mark.parametrize(
    ("op", "index"), RULES, ids=lambda x: x.name if isinstance(x, Op) else str(x)
)


@every_rule
@pytest.mark.parametrize(
    "change",
    [
        lambda p: p * (1 + 1e-12),
        without_its_last_digits,
        lambda p: -p,
        lambda p: p if p > 0 else 0.0,
    ],
    ids=["times 1+1e-12", "last digits lost", "sign flipped", "zeroed where negative"],
)
def test_a_wrong_rule_is_found(op: Op, index: int, change: Callable[[float], float]) -> None:
    if change(-1.0) == 0.0 and op in (ops.tanh, ops.log):
        pytest.skip("its partial is never negative")
    with with_rule(op, changed(op, index, change)):
        assert programs_until_found(locally, random_program) is not None


def test_swapped_operands_are_found() -> None:
    to_left, to_right = ops.subtract.partials  # type: ignore[misc]
    with with_rule(ops.subtract, (to_right, to_left)):
        assert programs_until_found(locally, random_program) is not None
        assert programs_until_found(judge_exactly, a_dyadic_program) is not None


ENGINE_FAULTS = {
    "no accumulation": sweep(added=lambda before, more: more),
    "an operand that is used twice counts once": sweep(each_operand_once),
    "the slopes of two operands exchanged": sweep(in_reverse),
}


@pytest.mark.parametrize("fault", ENGINE_FAULTS)
def test_a_faulty_sweep_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "sweep_numbers", ENGINE_FAULTS[fault])
    assert programs_until_found(locally, random_program) is not None
    assert programs_until_found(judge_exactly, a_dyadic_program) is not None


def test_no_topological_order_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values in the order in which a walk from the root first meets them."""
    monkeypatch.setattr(backward, "ordered", as_they_are_met)
    assert programs_until_found(locally, random_program) is not None
    assert programs_until_found(judge_exactly, a_dyadic_program) is not None


def test_a_wrong_value_is_found() -> None:
    """A forward that is off by 1e-9, while its rule agrees with it."""
    wrong = operation(
        "wrong_tanh",
        lambda x: math.tanh(x) * (1 + 1e-9),
        ops.tanh.partials,
        mpmath="tanh",
        ulps=1e9,
    )
    program = Program((0.3,), (Instruction(wrong, (0,)), Instruction(ops.multiply, (1, 1))))
    judgement = judge(program)
    assert {mismatch.oracle for mismatch in judgement.mismatches} == {"local"}
    assert "v1 = wrong_tanh(0.3)" in found(judgement)


def test_inputs_that_lost_digits_are_found_end_to_end_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The graph is right for the floats that it recorded, which are not those of the program."""
    monkeypatch.setattr(judgements, "Value", lambda x: Value(x * (1 + 1e-12)))
    found_by = set()
    generator = random.Random(9)
    for _ in range(100):
        found_by |= {mismatch.oracle for mismatch in judge(random_program(generator)).mismatches}
    assert found_by == {"end to end"}
