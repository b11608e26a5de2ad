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

from micrograd_notes import Value, ops  # noqa: E402
from micrograd_notes.lifting import lift  # noqa: E402
from micrograd_notes.op import TABLE, Op  # noqa: E402
from tests.lifting.eager import eager  # noqa: E402
from tests.programs import STEPS, run  # noqa: E402

Program = tuple[list[Value], Callable[[Any, Any], Any], int]


def chain(generator: random.Random) -> Program:
    parameters = [Value(generator.uniform(-1.5, 1.5)) for _ in range(generator.randint(1, 5))]
    steps = [
        (generator.choice(list(STEPS)), generator.randint(0, 7), generator.randint(0, 7))
        for _ in range(generator.randint(1, 25))
    ]

    def loss(x: Any, y: Any) -> Any:
        return run(steps, [*parameters, *x, y]) + 0 * parameters[0]

    return parameters, loss, generator.randint(1, 4)


def layers(generator: random.Random) -> Program:
    parameters = [Value(generator.uniform(-1.5, 1.5)) for _ in range(generator.randint(2, 10))]
    kinds = [*STEPS, "dot", "dot", "dot"]
    plan = [
        (
            generator.choice(kinds),
            [
                [(generator.randint(0, 30), generator.randint(0, 30))
                 for _ in range(generator.randint(1, 4))]
                for _ in range(generator.randint(1, 5))
            ],
        )
        for _ in range(generator.randint(1, 4))
    ]

    def loss(x: Any, y: Any) -> Any:
        values = [*parameters, *x, y]
        for kind, rows in plan:
            pairs = [[(values[-1 - i % len(values)], values[-1 - j % len(values)]) for i, j in row]
                     for row in rows]
            if kind == "dot":
                values = values + [sum(a * b for a, b in row) for row in pairs]
            else:
                values = values + [STEPS[kind](*row[0]) for row in pairs]
        return sum(ops.tanh(value) for value in values[-3:]) + parameters[0]

    return parameters, loss, generator.randint(1, 4)


def assert_equal(program: Program, generator: random.Random) -> bool:
    """Returns whether there was something to compare: eager may raise."""
    parameters, loss, inputs = program
    x = np.array([[generator.uniform(-2, 2) for _ in range(inputs)] for _ in range(3)])
    y = np.array([generator.uniform(-2, 2) for _ in range(3)])
    try:
        value, gradient, error = eager(loss, parameters, x, y)
    except (ArithmeticError, ValueError):
        return False
    lifted = lift(loss, parameters=parameters)
    got, derivatives = lifted.value_and_grad(lifted.parameters(), x, y)
    assert got == value or abs(got - value) <= error or value != value, lifted.source
    # A derivative is computed by as many operations again, on numbers of the size of its own terms,
    # which the running error of the loss does not see. 1e-11 of the largest is 45,000 roundings.
    size = max([abs(g) for g in gradient if math.isfinite(g)] + [1e-3])
    for expected, derivative in zip(gradient, derivatives, strict=True):
        same = expected == derivative or (expected != expected and derivative != derivative)
        assert same or abs(expected - derivative) <= 1e-11 * size, lifted.source
    return True


@pytest.mark.parametrize("kind", [chain, layers])
@pytest.mark.parametrize("block", range(4))
def test_random_programs(kind: Callable[[random.Random], Program], block: int) -> None:
    compared = 0
    for seed in range(25 * block, 25 * block + 25):
        generator = random.Random(seed)
        compared += assert_equal(kind(generator), generator)
    assert compared >= 15


# Rows with operands of their own: what is inside their domain, and whole digits to round to.
OPERANDS: dict[str, Callable[[Any, Any], list[Any]]] = {
    "acosh": lambda a, b: [1.5 + a * a],
    "round": lambda a, b: [a, 0.0],
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

    assert assert_equal((parameters, loss, 4), generator)
