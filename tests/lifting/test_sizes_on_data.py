"""What the data hide: a program of sizes is compared where a wrong number would show.

The law: what the first example, or any one of them, multiplies with 0, or does not choose, is
compared, too.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, Value, cross_entropy, lift_of_sizes, log, pick, relu  # noqa: E402
from micrograd_notes.lifting import CannotLift  # noqa: E402
from micrograd_notes.lifting.sizes import check  # noqa: E402
from tests.lifting.examples import numbers  # noqa: E402

REFUSED = "lifted and scalars differ"
FACTORS: list[Callable[[int], float]] = [
    lambda n: math.sqrt(6 / (n + 1)), lambda n: n // 2, math.isqrt, lambda n: max(n, 3),
    lambda n: 2.0**-n,
]


def weights(count: int) -> list[Value]:
    return [Value(0.1 * (k % 7) - 0.2) for k in range(count)]


@pytest.mark.parametrize("factor", FACTORS)
def test_a_first_example_of_weight_0_hides_nothing(factor: Callable[[int], float]) -> None:
    def make(n: int) -> Any:
        w = weights(n)
        return (lambda x, y, weight:
                weight * (sum(a * b for a, b in zip(w, x, strict=True)) - y) ** 2 * factor(n)), w

    program = lift_of_sizes(make, n=9)
    with pytest.raises(CannotLift, match=REFUSED):
        program(numbers(0, 4, 9), numbers(1, 4), np.array([0.0, 1.0, 1.0, 1.0]))


def test_a_first_example_beyond_its_margin_hides_nothing() -> None:
    def make(n: int) -> Any:
        w = weights(n)
        return lambda x, y: relu(1 - y * math.sqrt(6 / (n + 1)) * sum(
            a * b for a, b in zip(w, x, strict=True))), w

    x = np.abs(numbers(0, 4, 9)) * np.array([[100.0], [0.05], [0.05], [0.05]])
    with pytest.raises(CannotLift, match=REFUSED):
        lift_of_sizes(make, n=9)(x, np.array([1.0, -1.0, 1.0, 1.0]))


@pytest.mark.parametrize("least", [20, 25])
def test_features_that_are_0_in_all_examples_but_one_hide_nothing(least: int) -> None:
    def make(inputs: int) -> Any:
        w, scale = weights(inputs), [1.0 if k < least else 0.1 for k in range(inputs)]
        return lambda x, y: (sum(a * s * b for a, s, b in zip(w, scale, x, strict=True)) - y)**2, w

    x = np.zeros((3, 30))
    x[0, 3] = x[1, 25] = x[2, 29] = 1.0
    with pytest.raises(CannotLift, match=REFUSED):
        lift_of_sizes(make, inputs=30)(x, np.ones(3))


@pytest.mark.parametrize("table", [
    lambda d: d % 7, lambda k: min(k, 12), lambda k: 1.0 if k < 10 else 3.0,
    lambda k: (k > 20) + 1.0,
])
def test_a_table_of_which_the_data_choose_one_place_is_compared(
    table: Callable[[int], float]
) -> None:
    def make(labels: int) -> Any:
        level, slope = weights(labels), Value(0.5)
        own = [table(k) for k in range(labels)]
        return lambda t, y: (pick(level, t) + slope * pick(own, t) - y) ** 2, [level, [slope]]

    with pytest.raises(CannotLift, match=REFUSED):
        lift_of_sizes(make, labels=60)(np.array([3, 3]), np.ones(2))


def test_what_was_compared_is_said() -> None:
    def make(inputs: int, classes: int) -> Any:
        model = MLP(inputs, [classes], seed=0)
        return lambda x, y: cross_entropy(model(x), y), model

    program = lift_of_sizes(make, inputs=30, classes=12)
    program(numbers(0, 3, 30), np.array([1, 1, 2]))
    assert program.checked == "the gradient at these sizes, the loss at each label"


def test_a_number_alone_is_an_example_of_its_own() -> None:
    def make(n: int) -> Any:
        w = weights(n)
        return lambda x, y: (sum(a * x for a in w) - y) ** 2, w

    program = lift_of_sizes(make, batch=False, n=30)
    program.value_and_grad(program.parameters(), 2.0, 1.0)
    assert program.checked == "the gradient at these sizes"


@pytest.mark.parametrize("most", [1_500_000, 60])
def test_a_made_up_example_outside_of_the_domain_is_not_compared(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gradient on one of the data, and the loss alone where scalars are many."""
    def make(n: int) -> Any:
        w = weights(n)
        return (lambda x, y: (sum(a * b for a, b in zip(w, x, strict=True)) - y) ** 2
                + w[0] * log(1e-9 - (x[0] - y) ** 2)), w

    monkeypatch.setattr(check, "FITS", most)
    x = numbers(0, 4, 30)
    x[1:, 5:] = 0.0
    program = lift_of_sizes(make, n=30)
    program(x, x[:, 0])
    at = "at these sizes" if most > 60 else "at n=15, the loss at these sizes"
    assert program.checked == f"the gradient {at}"
