"""Every row, lifted, at the points where rows are checked: huge, tiny, near edges and kinks."""

import math
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import Value  # noqa: E402
from micrograd_notes.engine import grad  # noqa: E402
from micrograd_notes.engine.op import Op, built_in_rows  # noqa: E402
from micrograd_notes.lifting import lift  # noqa: E402
from micrograd_notes.testing.points import points_of  # noqa: E402

ROWS = [op for op in built_in_rows() if not op.chooses]


def eager(op: Op, point: tuple[float, ...]) -> tuple[float, list[float]] | None:
    """Returns the value and the partials; None where the row has no finite value."""
    # -0.0 becomes 0.0, as it does below where the parameter 0.0 is added
    xs = [Value(x + 0.0) if op.is_differentiated(i) else x for i, x in enumerate(point)]
    try:
        y = op(*xs)
        found = grad(y, [x for x in xs if isinstance(x, Value)])
    except (ArithmeticError, ValueError):
        return None
    return (y.data, [slope.data for slope in found]) if math.isfinite(y.data) else None


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_a_row_far_out(op: Op) -> None:
    points = list(points_of(op))
    if op.name == "round":  # digits are whole, and x * 10**digits overflows
        points = [p for p in points if p[1].is_integer() and abs(p[0]) < 1e290]
    arity = len(points[0])
    differentiated = [i for i in range(arity) if op.is_differentiated(i)]
    w = [Value(0.0) for _ in differentiated]

    def loss(x: Any) -> Any:
        moved = list(x)
        for shift, i in zip(w, differentiated, strict=True):
            moved[i] = x[i] + shift
        return op(*moved)

    program = lift(loss, parameters=w)
    compared = 0
    for point in points:
        expected = eager(op, point)
        if expected is None:
            continue
        compared += 1
        value, gradient = program.value_and_grad(np.zeros(len(w)), np.array([point]))
        close(value, expected[0], point)
        for got, slope in zip(gradient, expected[1], strict=True):
            close(got, slope, point)
    assert compared > 10


def close(got: float, expected: float, point: tuple[float, ...]) -> None:
    # NumPy's spellings keep all digits but a few thousand ulp: where terms cancel (logsumexp near
    # 0), and below the smallest normal number, where there are no more digits to keep.
    same = got == expected or (got != got and expected != expected)
    assert same or abs(got - expected) <= 1e-12 * abs(expected) + 1e-300, (point, got, expected)
