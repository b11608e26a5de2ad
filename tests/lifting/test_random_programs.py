"""Lifted equals eager, on random programs and for every row of the table.

Half of the programs are chains of single operations on shared values; half have layers, whose rows
choose their operands at random: irregular arrays, holes, gathers, sums of different lengths.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import Value  # noqa: E402
from micrograd_notes.engine import ops  # noqa: E402
from micrograd_notes.engine.op import TABLE, Op  # noqa: E402
from tests.lifting.programs import KINDS, Program, agree, windows  # noqa: E402


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "block", [0, *(pytest.param(block, marks=pytest.mark.long) for block in range(1, 14))]
)
def test_random_programs(kind: Callable[[random.Random], Program], block: int) -> None:
    seeds = range(7 * block, 7 * block + 7)
    assert sum(agree(kind(random.Random(seed))) for seed in seeds) >= 4


def test_what_is_no_number_of_an_array_is_no_nan() -> None:
    """A logsumexp of no operands is nan, and stood in an array that is multiplied by zeros."""
    assert agree(windows(random.Random(9500750)))


# Rows with operands of their own: what is inside their domain, and whole digits to round to.
OPERANDS: dict[str, Callable[[Any, Any], list[Any]]] = {
    "acosh": lambda a, b: [1.5 + a * a],
    "round": lambda a, b: [a, 1.0],
    "power": lambda a, b: [1.5 + a * a, b],
    "power_less": lambda a, b: [1.5 + a * a, b, 1.0],
    "divide": lambda a, b: [a, 1.5 + b * b],
    "ieee_divide": lambda a, b: [a, 1.5 + b * b],
    "at_least": lambda a, b: [a, 0.25],
    "at_most": lambda a, b: [a, 0.25],
}


def operands(op: Op, a: Any, b: Any) -> list[Any]:
    if op.name in OPERANDS:
        return OPERANDS[op.name](a, b)
    low = op.domain[0][0] if op.domain else -math.inf
    if low == 0.0:
        a = 0.5 + a * a
    elif op.domain:
        a = 0.6 * ops.sin(a)
    return [a, b, a * b][: op.arity or 3]


# A row that chooses takes an input of whole numbers: see test_lists
@pytest.mark.parametrize(
    "op", [op for op in TABLE.values() if not op.chooses], ids=lambda op: op.name
)
def test_every_row(op: Op) -> None:
    generator = random.Random(op.name)
    parameters = [Value(generator.uniform(-1.0, 1.0)) for _ in range(4)]

    def loss(x: Any, y: Any) -> Any:
        pairs = [(p * a + 0.1, a - p) for p, a in zip(parameters, x, strict=True)]
        results = [op(*operands(op, a, b)) for a, b in pairs]
        return sum(result * (y + i) for i, result in enumerate(results)) + parameters[0]

    data = [[generator.uniform(-2, 2) for _ in range(4)] for _ in range(3)], [0.5, -1.0, 1.5]
    assert agree(Program(loss, parameters, (np.array(data[0]), np.array(data[1]))))
