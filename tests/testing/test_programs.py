"""Programs: what they compute, what they print, how they are read from a graph and drawn."""

import contextlib
import io
import math
import random
from collections import Counter

import pytest

from micrograd_notes.engine import Value, helper_ops, ops
from micrograd_notes.engine.op import operation
from micrograd_notes.testing.programs.random_programs import (
    BUILT_IN,
    LEAST_SHARED,
    Instruction,
    Program,
    random_program,
)

PARABOLA = Program(
    (3.0,), (Instruction(ops.multiply, (0, 0)), Instruction(ops.subtract, (-2.0, 1)))
)


def programs(count: int) -> list[Program]:
    generator = random.Random(20)
    return [random_program(generator) for _ in range(count)]


def gradients(program: Program) -> tuple[list[float], float]:
    inputs = [Value(x) for x in program.inputs]
    root = program(*inputs)
    root.backward()
    return [x.grad for x in inputs], root.data


def same(a: list[float], b: list[float]) -> bool:
    return [x.hex() for x in a] == [x.hex() for x in b]


# ---- what a program computes and prints ----------------------------------------------------------


def test_a_program_runs_on_any_kind_of_number() -> None:
    assert PARABOLA.values() == [3.0, 9.0, -11.0]
    assert PARABOLA(0.5) == -2.25
    assert gradients(PARABOLA) == ([-6.0], -11.0)
    with pytest.raises(ValueError, match="has 1 inputs, got 2"):
        PARABOLA(1.0, 2.0)


def printed(source: str) -> list[float]:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(source, {})
    return [float(word) for word in output.getvalue().split()]


def test_the_source_computes_the_same_gradients() -> None:
    for program in [PARABOLA, *programs(60)]:
        assert same(printed(program.source()), gradients(program)[0]), program.source()


def test_the_source_writes_operators_as_operators() -> None:
    program = Program(
        (0.5,),
        (
            Instruction(ops.neg, (0,)),
            Instruction(ops.power, (-2.0, 0)),
            Instruction(helper_ops.ieee_divide, (1, 2)),
            Instruction(helper_ops.at_least, (3, math.inf)),
        ),
    )
    body = program.source().splitlines()[4:8]
    assert body == ["v1 = -x0", "v2 = (-2.0) ** x0", "v3 = ieee_divide(v1, v2)",
                    "v4 = at_least(v3, float('inf'))"]


def test_the_source_finds_an_operation_of_ones_own() -> None:
    row = operation("mine_in_a_program", lambda x: 2 * x, [lambda y, x: 2.0])
    assert printed(Program((1.5,), (Instruction(row, (0,)),)).source()) == [2.0]


# ---- what is read from a graph -------------------------------------------------------------------


def test_a_recorded_program_is_the_graph() -> None:
    for program in programs(60):
        inputs = [Value(x) for x in program.inputs]
        again = Program.recorded(program(*inputs), inputs)
        assert again.inputs == program.inputs
        assert Counter(op for op, _ in again.instructions) == Counter(
            op for op, _ in program.instructions
        )
        assert gradients(again)[1] == gradients(program)[1]
        for a, b in zip(gradients(again)[0], gradients(program)[0], strict=True):
            # another topological order adds in another order, which rounds a little differently
            assert a == pytest.approx(b, rel=1e-6, abs=1e-300)


def test_leaves_that_are_no_inputs_become_numbers() -> None:
    x, weight = Value(2.0), Value(5.0)
    program = Program.recorded(x * weight + weight, [x])
    assert program == Program(
        (2.0,), (Instruction(ops.multiply, (0, 5.0)), Instruction(ops.add, (1, 5.0)))
    )


def test_a_graph_is_cut_at_an_input_that_is_no_leaf() -> None:
    x = Value(2.0)
    inner = x * x
    assert Program.recorded(inner + 1.0, [inner]) == Program(
        (4.0,), (Instruction(ops.add, (0, 1.0)),)
    )


def test_a_result_that_is_an_input_or_a_number_comes_last_all_the_same() -> None:
    x, y = Value(2.0), Value(3.0)
    assert Program.recorded(x, [x, y])() == 2.0
    assert Program.recorded(Value(7.0), [x])() == 7.0


def test_a_deep_graph_is_read_without_recursion() -> None:
    x = Value(1.0)
    root = x
    for _ in range(20_000):
        root = root + x
    assert len(Program.recorded(root, [x]).instructions) == 20_000


# ---- the distribution ----------------------------------------------------------------------------


def test_the_distribution_is_the_one_that_is_promised() -> None:
    drawn = programs(600)
    sizes = [len(p.inputs) + len(p.instructions) for p in drawn]
    assert 5 <= min(sizes) < 8
    assert 50 < max(sizes) <= 60
    rows = Counter(name for p in drawn for name in {op.name for op, _ in p.instructions})
    assert len(BUILT_IN) >= 62
    # Each row is in 4% of all programs or more, so 1% of 600 is missed once in 1e5 at most.
    assert all(rows[op.name] >= 6 for op in BUILT_IN)
    inputs = [x for p in drawn for x in p.inputs]
    assert all(1e-8 <= abs(x) <= 1e8 for x in inputs)
    decades = Counter(math.floor(math.log10(abs(x))) for x in inputs)
    assert all(decades[k] > len(inputs) / 32 for k in range(-8, 8))
    assert 0.4 < sum(x < 0 for x in inputs) / len(inputs) < 0.6


def test_values_are_shared_finite_and_all_needed() -> None:
    for program in programs(200):
        values = program.values()
        assert all(map(math.isfinite, values))
        uses = Counter(x for _, xs in program.instructions for x in xs if isinstance(x, int))
        assert set(uses) == set(range(len(values) - 1))  # all but the result
        assert sum(n > 1 for n in uses.values()) >= LEAST_SHARED * len(values)


def test_the_same_seed_draws_the_same_program() -> None:
    assert random_program(random.Random(3)) == random_program(random.Random(3))
