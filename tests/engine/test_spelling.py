"""A spelling in NumPy is held against forward: a wrong one is told, a right one is not."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from micrograd_notes.engine.op import Op, built_in_rows, operation
from micrograd_notes.engine.spelling import spelling_differs

pytest.importorskip("numpy")

NUMBERS = (0.75, 2.0, -0.75, 0.5, -2.0, 3.0, 1.0, -1.0, 0.0, 12.0, -40.0, 40.0, 200.0, -200.0)


def points(op: Op) -> list[tuple[float, ...]]:
    arity = op.arity or 3
    return [
        tuple(NUMBERS[(i + 2 * k) % len(NUMBERS)] for k in range(arity))
        for i in range(len(NUMBERS))
    ]


def row(forward: Callable[..., Any], numpy: str | None, name: str = "my_row") -> Op:
    return operation(name, forward, [0.0] * forward.__code__.co_argcount, numpy=numpy)


@pytest.mark.parametrize("op", built_in_rows(), ids=lambda op: op.name)
def test_the_spellings_of_the_table_are_right(op: Op) -> None:
    assert not spelling_differs(op, points(op))


WRONG: list[tuple[Callable[..., Any], str]] = [
    (lambda x: math.sin(x), "np.cos({0})"),
    (lambda x: math.sin(x) / x if x else 1.0, "np.sinc({0})"),  # NumPy's is sin(pi x) / (pi x)
    (lambda x: math.sin(x) / x if x else 1.0, "np.sin({0}) / {0}"),  # nan at 0
    (lambda x: x, "np.sqrt({0} ** 2)"),  # on the left alone
    (lambda x: math.exp(x) * (1 + 1e-6), "np.exp({0})"),
    (lambda x: x if x < 100 else 100.0, "{0}"),  # far out alone
    (lambda x: x, "np.mean({0})"),  # over the whole batch
    (lambda x: 0.0 * x, "np.std({0})"),
    (lambda x, y: math.fmod(x, y) if y else 0.0, "np.mod({0}, {1})"),  # the sign of the divisor
    (lambda x, y: x - y, "{1} - {0}"),
    (lambda x: math.sqrt(abs(x)), "math.sqrt(abs({0}))"),  # of one number, not of an array
    (lambda x: math.sin(x), "np.sinn({0})"),
    (lambda x: math.sin(x), "np.sin({1})"),
]


@pytest.mark.parametrize(("forward", "numpy"), WRONG, ids=[numpy for _, numpy in WRONG])
def test_a_wrong_spelling_is_told(forward: Callable[..., Any], numpy: str) -> None:
    op = row(forward, numpy)
    said = spelling_differs(op, points(op))
    assert said.startswith(f'numpy="{numpy}" ')


RIGHT: list[tuple[Callable[..., Any], str]] = [
    (lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))), "np.log(1.0 + np.exp({0}))"),
    (lambda x: math.exp(-x), "np.cosh({0}) - np.sinh({0})"),
    (lambda x: 2.0 * math.sin(x / 2) ** 2, "1.0 - np.cos({0})"),
    (lambda x: math.expm1(x), "np.exp({0}) - 1.0"),
    (lambda x, y: (x - y) * (x + y), "{0}**2 - {1}**2"),
    (lambda x: 1.0 / (math.hypot(1.0, x) + abs(x)), "np.sqrt(1.0 + {0}**2) - np.abs({0})"),
]


@pytest.mark.parametrize(("forward", "numpy"), RIGHT, ids=[numpy for _, numpy in RIGHT])
def test_a_spelling_that_loses_digits_is_not_accused(
    forward: Callable[..., Any], numpy: str
) -> None:
    op = row(forward, numpy)
    assert not spelling_differs(op, points(op))


def test_a_row_that_states_none_has_nothing_to_compare() -> None:
    assert not spelling_differs(row(lambda x: x / (1 + abs(x)), None, "my_softsign"), [(0.5,)])


def test_an_index_stays_whole() -> None:
    op = operation(
        "my_pick", lambda i, *xs: xs[int(i)], lambda y, i, *xs: [0.0] * (1 + len(xs)),
        numpy="{rest}[{0}]",
    )
    assert not spelling_differs(op, [(1.0, 2.0, 3.0), (0.0, -2.0, 3.0)])
