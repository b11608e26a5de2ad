"""Where some terms of a sum are missing, at the borders of an array, it is one array all the same.

The law: the derivatives by the numbers of one array are one array, with zeros where nothing comes
from. Each program here is certified, too.
"""

import ast
import re
from itertools import pairwise
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("mpmath")

from micrograd_notes import Value, lift  # noqa: E402
from micrograd_notes.engine.ops import exp, tanh  # noqa: E402
from tests.lifting.examples import numbers, values  # noqa: E402
from tests.lifting.test_usual_forms import backward_of, source_of  # noqa: E402


def tree(steps: int) -> tuple[Any, Any, Any]:
    """The price of an option in a binomial tree, from its last prices to the first one."""
    p, rate = Value(0.4), Value(0.02)

    def loss(last: Any) -> Any:
        prices = list(last)
        for count in range(steps, 0, -1):
            prices = [
                (p * prices[j + 1] + (1 - p) * prices[j]) * exp(-rate) for j in range(count)
            ]
        return prices[0] ** 2

    return loss, {"p": p, "rate": rate}, numbers(0, 2, steps + 1)


def statements_in(source: str) -> int:
    return len([each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.stmt)])


@pytest.mark.parametrize("steps", [2, 3, 5, 8])
def test_a_tree_has_a_few_lines_per_step(steps: int) -> None:
    """Each derivative of step t was a line of its own: a tree of 20 steps could not be lifted."""
    assert statements_in(source_of(*tree(steps))) <= 25 + 7 * steps


def test_a_tree_of_many_steps_can_be_lifted() -> None:
    loss, parameters, data = tree(24)
    program = lift(loss, parameters=parameters)
    program.value_and_grad(program.parameters(), data)
    assert statements_in(program.source) <= 25 + 7 * 24


@pytest.mark.parametrize("size", [3, 4, 7])
@pytest.mark.parametrize("order", [1, 2])
def test_the_derivative_of_differences_is_one_line(size: int, order: int) -> None:
    w = values(0, size)

    def loss(x: Any) -> Any:
        row = [a * b for a, b in zip(w, x, strict=True)]
        for _ in range(min(order, size - 1)):
            row = [tanh(b - a) for a, b in pairwise(row)]
        return sum(row)

    backward = backward_of(source_of(loss, {"w": w}, numbers(0, 2, size)))
    assert len(re.findall(r"^    dw", backward, re.M)) == 1
    assert "dw[0]" not in backward


@pytest.mark.parametrize("size", [4, 6])
def test_weights_of_their_own_names_make_one_array(size: int) -> None:
    """k0 * x[t - 1] + k1 * x[t] + k2 * x[t + 1], where x ends."""
    k0, k1, k2, out = Value(0.3), Value(-0.2), Value(0.5), values(0, size)

    def smoothed(x: Any) -> Any:
        return [
            sum(k * x[t + i] for i, k in ((-1, k0), (0, k1), (1, k2)) if 0 <= t + i < size)
            for t in range(size)
        ]

    def loss(x: Any) -> Any:
        hidden = [tanh(z) for z in smoothed(x)]
        return sum(o * tanh(z) for o, z in zip(out, smoothed(hidden), strict=True))

    backward = backward_of(
        source_of(loss, {"k0": k0, "k1": k1, "k2": k2, "out": out}, numbers(0, 2, size))
    )
    assert len(re.findall(r"^    dhidden\d* =", backward, re.M)) == 1, backward


def test_parts_that_share_no_kind_of_term_stay_apart() -> None:
    """Queries and keys of one matrix get other derivatives: they need no zeros around them."""
    W, V = values(0, 6, 2), values(1, 3, 3)

    def loss(x: Any) -> Any:
        z = [tanh(sum(w * a for w, a in zip(row, x, strict=True))) for row in W]
        return sum(z[i] * V[i][j] * exp(z[3 + j]) for i in range(3) for j in range(3))

    assert "np.pad" not in source_of(loss, {"W": W, "V": V}, numbers(0, 2, 2))


@pytest.mark.parametrize("columns", [1, 2])
def test_one_number_of_an_array_may_have_a_term_that_is_a_plain_number(columns: int) -> None:
    """Then zeros stand around 1 * n, which is an int of Python."""
    rows = values(0, 3, columns)

    def loss(x: Any) -> Any:
        return rows[0][0] + sum(
            tanh(a - b * x[j]) for i, first in enumerate(rows) for j, other in enumerate(rows)
            if i != j for a, b in zip(first, other, strict=True)
        )

    source = source_of(loss, {"rows": rows}, numbers(0, 2, 3))
    assert "np.pad(np.reshape(1 * n" in source, source
    program = lift(loss, parameters={"rows": rows})
    program.value_and_grad(program.parameters(), numbers(0, 2, 3))  # compared with the scalars
