"""Adding an operation is one edit: method, second derivative, picture, check and lifting follow."""

from collections.abc import Iterator
from typing import Any

import pytest

from micrograd_notes import MLP, TABLE, Op, Value, draw_dot, engine, grad, lift, operation
from micrograd_notes.testing import check_operation


@pytest.fixture(name="softsign2")
def the_edit() -> Iterator[Op]:
    yield operation(
        "softsign2", lambda x: x / (1 + x * x) ** 0.5, [lambda y, x: (1 + x * x) ** -1.5]
    )
    TABLE.pop("softsign2")
    del Value.softsign2  # type: ignore[attr-defined]
    engine.methods.row_of_method.pop("softsign2")


@pytest.mark.parametrize("which", ["fast", "reference"])
def test_it_is_a_function_and_a_method_with_derivatives(softsign2: Op, which: str) -> None:
    engine.use(which)
    try:
        x: Any = Value(0.75, name="x")
        y = x.softsign2()
        assert (softsign2(0.75), y.data) == (0.6, 0.6)
        [slope] = grad(y, [x])
        assert slope.data == 0.512
        assert grad(slope, [x])[0].data == pytest.approx(-3 * 0.75 * 1.5625**-2.5, rel=1e-15)
    finally:
        engine.use("fast")


def test_it_is_drawn_by_its_name(softsign2: Op) -> None:
    assert "softsign2" in draw_dot(softsign2(Value(0.75))).source


def test_its_rule_is_checked_everywhere(softsign2: Op) -> None:
    assert check_operation(softsign2)


def test_it_is_an_activation(softsign2: Op) -> None:
    assert MLP(2, [3, 1], activation="softsign2", seed=0)([0.5, -1.0]).data


def test_it_is_lifted(softsign2: Op) -> None:
    w = [Value(0.5), Value(-1.5)]
    program = lift(lambda x, y: (softsign2(w[0] * x + w[1]) - y) ** 2, parameters=w)
    value = program([0.5, 1.0, -2.0], [0.0, 1.0, 0.5])
    pairs = [(0.5, 0.0), (1.0, 1.0), (-2.0, 0.5)]
    scalars = [(softsign2(w[0] * x + w[1]) - y) ** 2 for x, y in pairs]
    assert value == pytest.approx(sum(s.data for s in scalars) / 3, rel=1e-14)
