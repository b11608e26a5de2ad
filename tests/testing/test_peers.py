"""Random programs in PyTorch and JAX: where they keep their digits, they say what we say."""

import random

import pytest

from micrograd_notes.engine import Value, ops
from micrograd_notes.testing.diagnosis.sweeping import expected_adjoints
from micrograd_notes.testing.oracles.end_to_end import moved_by_rounding
from micrograd_notes.testing.oracles.judgement import Recorded
from micrograd_notes.testing.programs.random_programs import (
    BUILT_IN,
    Instruction,
    Program,
    random_program,
)
from tests.testing.peers import gradient_in, is_installed, is_spelled

# Of a value, or of a partial: what the peers may be off. With values up to 6, 1 - tanh(x)**2 and
# s * (1 - s) lose 2**17 units in the last place.
PEERS_LOSE = 2.0**-35
ROWS = tuple(op for op in BUILT_IN if is_spelled(op))

every_peer = pytest.mark.parametrize(
    "library",
    [
        pytest.param(name, marks=[
            pytest.mark.skipif(
                not is_installed(name), reason=f"{name} is not installed: its numbers not compared"
            ),
            *([pytest.mark.long] if name == "jax" else []),  # it compiles each operation
        ])
        for name in ("torch", "jax")
    ],
)


def tame(generator: random.Random) -> float:
    return generator.choice([-1.0, 1.0]) * generator.uniform(0.2, 2.0)


def is_tame(program: Program) -> bool:
    """Returns whether the values are of everyday sizes, and no operation is at its kink."""
    values = program.values()
    for op, operands in program.instructions:
        numbers = [values[x] if isinstance(x, int) else x for x in operands]
        if op.kinks is not None and abs(op.kinks(*numbers)) < 1e-3:
            return False
        if op.arity is None and len(set(numbers)) < len(numbers):
            return False  # a tie, or two operands that are one
        if op is ops.power and numbers[0] == 0.0:
            return False  # an edge of where it is defined: JAX has no derivative there
    return all(x == 0.0 or 1e-2 < abs(x) < 6.0 for x in values)


def tame_programs(count: int, seed: str) -> list[Program]:
    generator = random.Random(seed)
    found: list[Program] = []
    while len(found) < count:
        program = random_program(generator, 5, 16, ROWS, tame)
        if is_tame(program):
            found.append(program)
    return found


@every_peer
@pytest.mark.parametrize(
    ("count", "share"), [(25, 0.6), pytest.param(100, 0.9, marks=pytest.mark.long)]
)
def test_the_peers_agree_with_the_engine(library: str, count: int, share: float) -> None:
    rows = set()
    for program in tame_programs(count, f"peers {library}"):
        rows |= {op for op, _ in program.instructions}
        recorded = Recorded.of(program)
        values = [value.data for value in recorded.values]
        sizes = expected_adjoints(program, values)
        moved = moved_by_rounding(recorded, [abs(x) * PEERS_LOSE for x in values])
        theirs = gradient_in(library, program)
        ours = [value.grad for value in Recorded.of(program).values]
        for own, their, size, move in zip(ours, theirs, sizes, moved, strict=False):
            # Where a partial is 0, theirs may be a difference of terms of size 1: hence the 1.
            bound = PEERS_LOSE * (1.0 + size.size) * len(program.instructions) + 2 * move
            assert abs(own - their) <= bound, f"{own} {their} {bound}\n{program.source()}"
    assert len(rows) > share * len(ROWS)


@every_peer
def test_every_row_is_spelled_for_the_peers(library: str) -> None:
    for op in ROWS:
        numbers = [1.5, 0.5, 1.0] if op.name != "acosh" else [1.5]
        numbers = [0.5] if op.name in ("asin", "acos", "atanh") else numbers[: op.arity or 3]
        moving = [i for i in range(len(numbers)) if op.is_differentiated(i)]
        operands = tuple(moving.index(i) if i in moving else x for i, x in enumerate(numbers))
        program = Program(tuple(numbers[i] for i in moving), (Instruction(op, operands),))
        leaves = list(map(Value, program.inputs))
        program(*leaves).backward()
        # A few operations with half an ulp each, where nothing cancels.
        for own, their in zip(leaves, gradient_in(library, program), strict=True):
            assert own.grad == pytest.approx(their, rel=1e-14, abs=1e-15), op.name


@every_peer
def test_a_wrong_rule_is_seen(library: str) -> None:
    program = Program((0.75,), (Instruction(ops.sin, (0,)),))
    assert gradient_in(library, program)[0] != pytest.approx(1.0009 * ops.cos(0.75), rel=1e-6)
