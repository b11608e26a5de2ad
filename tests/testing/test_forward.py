"""Forward mode equals backpropagation, which shares none of its steps."""

import math
import random
from typing import Any

import pytest

from micrograd_notes.engine import Value, helper_ops, ops
from micrograd_notes.testing.diagnosis.sweeping import expected_adjoints, tolerance
from micrograd_notes.testing.numbers.forward import Dual, forward_gradient, slope_along
from micrograd_notes.testing.programs.random_programs import random_program


def test_it_equals_the_sweep_on_random_programs() -> None:
    for seed in range(200):
        program = random_program(random.Random(seed))
        leaves = [Value(x) for x in program.inputs]
        values = program.values(*leaves)
        values[-1].backward()
        forward = forward_gradient(program, program.inputs)
        # both are sums over the same paths: the sum of their sizes is what rounding is a part of
        adjoints = expected_adjoints(program, [value.data for value in values])
        for leaf, slope, adjoint in zip(leaves, forward, adjoints, strict=False):
            assert abs(leaf.grad - slope) <= tolerance(program, adjoint), program.source()


def test_a_direction_mixes_the_partials() -> None:
    value, slope = slope_along(lambda x, y: x * ops.exp(y), [2.0, 0.0], [3.0, 5.0])
    assert (value, slope) == (2.0, 3.0 + 10.0)


def test_an_operand_that_stands_still_takes_no_part() -> None:
    """log(0) has no slope that matters if 0 does not move: 0 * inf is 0, as in the sweep."""
    x: Any = Dual(-2.0, slope=1.0)
    assert (x**3).slope == 12.0
    assert helper_ops.where(0.0, ops.sqrt(Dual(0.0, 1.0)), Dual(1.0, 2.0)).slope == 2.0


def test_a_number_comes_back_as_it_is() -> None:
    assert slope_along(lambda x: 3.0, [1.0], [1.0]) == (3.0, 0.0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: slope_along(lambda x: x, [1.0], [1.0, 2.0]), "direction must have 1 numbers, as"),
        (lambda: forward_gradient(lambda x: x, [1.0, 2.0]), "function must be a function of 2 num"),
        (lambda: forward_gradient(lambda x: None, [1.0]), "function's result must be a finite"),
        (
            lambda: forward_gradient(lambda x: x, ["1"]),  # type: ignore[list-item]
            r"at\[0\] must be a finite number, got '1'",
        ),
        (lambda: Dual("1"), "data must be a number or a Value, got '1'"),  # type: ignore[arg-type]
        (lambda: Dual(1.0, [1.0]), "slope must be a number or a Value"),  # type: ignore[arg-type]
    ],
)
def test_what_it_can_not_differentiate_is_refused(wrong: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        wrong()


def test_comparisons_see_the_number() -> None:
    assert forward_gradient(lambda x: x if x > 0 else -x, [-2.0]) == [-1.0]


def test_a_dual_does_not_turn_into_a_float() -> None:
    with pytest.raises(TypeError):
        math.exp(Dual(1.0))
