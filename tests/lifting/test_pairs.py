"""Loops over pairs, systematically: the holes of their masks never reach a number.

3,240 programs: a function of two numbers, summed over i < j, i > j or i != j of 2 to 6 rows of 1 to
3 numbers, written as one sum, as a sum of sums or as a loop, for parameters alone or with data. All
of them run with `pytest -m long`.
"""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import Value  # noqa: E402
from micrograd_notes.engine import grad  # noqa: E402
from micrograd_notes.engine.ops import exp, log, relu, sqrt, tanh  # noqa: E402
from micrograd_notes.lifting import lift  # noqa: E402
from tests.lifting.examples import numbers, values  # noqa: E402

FUNCTIONS: dict[str, Callable[[Any], Any]] = {  # of the squared distance of two rows
    "square": lambda d: d,
    "inverse": lambda d: 1 / d,
    "coulomb": lambda d: 1 / sqrt(d),
    "gravity": lambda d: d**-1.5,
    "lennard-jones": lambda d: (0.1 / d) ** 6 - (0.1 / d) ** 3,
    "cauchy": lambda d: 1 / (1 + d) ** 2,
    "gauss": lambda d: exp(-d),
    "log": lambda d: log(d),
    "softened log": lambda d: log(1 + d),
    "hinge": lambda d: relu(1 - d),
    "root": lambda d: sqrt(d) * tanh(d),
    "ratio": lambda d: d / (0.5 + d * d),
}
PARTS: dict[str, Callable[[int, int], bool]] = {
    "i < j": lambda i, j: i < j, "i > j": lambda i, j: i > j, "i != j": lambda i, j: i != j,
}
WAYS = ["one sum", "sums", "loop"]


def disagreement(name: str, count: int, width: int, part: str, way: str, with_data: bool) -> str:
    """Returns what is wrong with a program, or nothing."""
    rows = values(count + width, count, width)
    function, is_there = FUNCTIONS[name], PARTS[part]

    def loss(x: Any) -> Any:
        def term(i: int, j: int) -> Any:
            others = x[j] if with_data else rows[j]
            pairs = zip(rows[i], others, strict=True)
            return function(sum((a - b) ** 2 for a, b in pairs)) * x[i][0]

        every = [(i, j) for i in range(count) for j in range(count) if is_there(i, j)]
        if way == "one sum":
            return sum(term(i, j) for i, j in every)
        if way == "sums":
            inner = [[term(i, j) for j in range(count) if is_there(i, j)] for i in range(count)]
            return sum(sum(terms) for terms in inner if terms)
        total = Value(0.0)
        for i, j in every:
            total = total + term(i, j)
        return total

    data = numbers(0, count, width) + 3.0 * np.arange(count)[:, None]
    program = lift(loss, parameters={"rows": rows}, batch=False, check=False)
    with np.errstate(all="ignore"):
        got, gradient = program.value_and_grad(program.parameters(), data)
    expected = loss(data.tolist())
    right = [each.data for each in grad(expected, program.leaves())]
    size = max([abs(each) for each in right] + [abs(expected.data)])
    # a few hundred roundings of numbers of the size of the largest term
    apart = max(abs(got - expected.data), abs(gradient - right).max())
    return "" if apart <= 1e-11 * size else f"{apart} apart, of {size}"


EVERY = list(itertools.product(FUNCTIONS, range(2, 7), range(1, 4), PARTS, WAYS, [False, True]))


@pytest.mark.parametrize("which", EVERY[::97], ids=str)
def test_a_loop_over_pairs_is_the_scalars(which: tuple[Any, ...]) -> None:
    assert disagreement(*which) == ""


@pytest.mark.long
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_loop_over_pairs_is_the_scalars(name: str) -> None:
    wrong = {which: said for which in EVERY if which[0] == name and (said := disagreement(*which))}
    assert not wrong
