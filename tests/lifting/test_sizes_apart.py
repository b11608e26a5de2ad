"""Families whose small members are chosen with care: not near a power of two, and not empty."""

from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, lift, lift_of_sizes  # noqa: E402
from micrograd_notes.engine.ops import relu, tanh  # noqa: E402
from micrograd_notes.lifting import CannotLift  # noqa: E402
from micrograd_notes.lifting.sizes import family  # noqa: E402
from micrograd_notes.nn.vectors import dot  # noqa: E402
from tests.lifting.examples import numbers, values  # noqa: E402


def averaged(width: int, kernel: int) -> Any:
    w = values(0, kernel)

    def loss(x: Any, y: Any) -> Any:
        places = width - kernel + 1
        hidden = [tanh(dot(w, x[i : i + kernel])) for i in range(places)]
        return (sum(hidden) / places - y) ** 2

    return loss, w


def pooled(width: int, channels: int, kernel: int) -> Any:
    K, w = values(0, channels, kernel), values(1, channels)

    def loss(x: Any, y: Any) -> Any:
        places = range(width - kernel + 1)
        means = [sum(relu(dot(k, x[i : i + kernel])) for i in places) / len(places) for k in K]
        return (dot(w, means) - y) ** 2

    return loss, [K, w]


def autoregression(steps: int, order: int) -> Any:
    w = values(0, order)

    def loss(x: Any, y: Any) -> Any:
        errors = [x[t] - dot(w, x[t - order : t]) for t in range(order, steps)]
        return sum(e**2 for e in errors) / (steps - order) * y

    return loss, w


@pytest.mark.parametrize(("make", "sizes"), [
    (averaged, {"width": 20, "kernel": 5}), (averaged, {"width": 16, "kernel": 3}),
    (pooled, {"width": 16, "channels": 7, "kernel": 5}),
    (autoregression, {"steps": 30, "order": 8}), (autoregression, {"steps": 20, "order": 4}),
])
def test_a_loss_may_divide_by_a_difference_of_sizes(make: Any, sizes: Any) -> None:
    """1 / 4 * (2 * d) is 0.5 * d, and 1 / 3 * (2 * d) is not one product: such members differ."""
    data = numbers(0, 3, next(iter(sizes.values()))), numbers(1, 3)
    program, (loss_of, parameters) = lift_of_sizes(make, **sizes), make(**sizes)
    direct = lift(loss_of, parameters=parameters)
    loss, gradient = program.value_and_grad(program.parameters(), *data)
    expected, slopes = direct.value_and_grad(direct.parameters(), *data)
    assert loss == pytest.approx(expected, rel=1e-14)
    assert gradient == pytest.approx(slopes, rel=1e-13, abs=1e-15)
    assert "the gradient at these sizes" in program.checked


def test_small_members_whose_loops_have_no_step_are_left_out() -> None:
    """At two and three places nothing is added up, and all such members are alike: they are 0."""
    def make(places: int) -> Any:
        w = values(0, 3)

        def loss(x: Any, y: Any) -> Any:
            bent = [tanh(dot(w, x[i : i + 3])) for i in range(places - 3)]
            return (sum(bent) - y) ** 2

        return loss, w

    program = lift_of_sizes(make, places=20)
    loss, _ = program.value_and_grad(program.parameters(), numbers(0, 3, 20), numbers(1, 3))
    assert loss > 0
    assert "tanh" in program.source


def test_a_mistake_that_any_size_shows_is_looked_for_at_few_sizes() -> None:
    tried = []

    def make(inputs: int, hidden: int) -> Any:
        model = MLP(inputs, [hidden, 1], seed=0)

        def loss(x: Any, y: Any) -> Any:
            tried.append((len(x), hidden))
            return (model(x) - y).squared()

        return loss, model

    program = lift_of_sizes(make, inputs=40, hidden=20)
    with pytest.raises(CannotLift, match="squared"):
        program.value_and_grad(program.parameters(), numbers(0, 3, 40), numbers(1, 3))
    assert len({*tried}) <= 6, tried  # at any data of any size, they were 39


def test_sizes_that_must_be_equal_may_be_taken_away_from_each_other() -> None:
    def make(rows: int, columns: int) -> Any:
        if rows != columns:
            raise ValueError("a square")
        W = values(0, rows, columns)

        def loss(x: Any, y: Any) -> Any:
            z = [tanh(dot(row, x)) for row in W]
            mean = sum(z) / rows
            return sum((a - mean) ** 2 for a in z) / (rows - 1) - y

        return loss, W

    program = lift_of_sizes(make, rows=12, columns=12)
    program.value_and_grad(program.parameters(), numbers(0, 3, 12), numbers(1, 3))
    assert "the gradient at these sizes" in program.checked


def test_many_sizes_are_not_chosen_from_all_that_lie_apart() -> None:
    """Of six sizes there would be millions of choices, and a refusal took half a minute."""
    choices, chosen = next(family._bases(6, family.STARTS[-1]))
    assert not choices.lie_apart
    assert len(choices.sizes) == 12
    assert next(family._bases(3, family.STARTS[-1]))[0].allow((6, 12, 18))
    assert not next(family._bases(3, family.STARTS[-1]))[0].allow((6, 10, 18))
    assert len(chosen) == 6
