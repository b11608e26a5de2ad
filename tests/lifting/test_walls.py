"""Sums of neighbours at walls: on a line or a grid that ends, a 0 or nothing stands beside them.

The law: such a program has as many lines for few places as for many, however the walls are written,
and its steps are one loop.
"""

import ast
import itertools
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("mpmath")

from micrograd_notes import Value, exp, lift, log, relu, tanh  # noqa: E402
from tests.lifting.examples import certified, numbers, values  # noqa: E402

Step = Callable[[Any, list[Any]], list[Any]]


def padded(k: Any, u: list[Any]) -> list[Any]:
    p = [0.0, *u, 0.0]
    return [k * (p[i - 1] - 2 * p[i] + p[i + 1]) for i in range(1, len(u) + 1)]


def of_values(k: Any, u: list[Any]) -> list[Any]:
    p = [Value(0.0), *u, Value(0.0)]
    return [k * (p[i + 1] + p[i - 1] - 2 * p[i]) for i in range(1, len(u) + 1)]


def asked(k: Any, u: list[Any]) -> list[Any]:
    n = len(u)
    left = [u[i - 1] if i > 0 else 0.0 for i in range(n)]
    right = [u[i + 1] if i < n - 1 else 0.0 for i in range(n)]
    return [k * ((b - m) - (m - a)) for a, m, b in zip(left, u, right, strict=True)]


def differences(k: Any, u: list[Any]) -> list[Any]:
    p = [0.0, *u, 0.0]
    d = [b - a for a, b in itertools.pairwise(p)]
    return [k * (b - a) for a, b in itertools.pairwise(d)]


def upwind(k: Any, u: list[Any]) -> list[Any]:
    return [k * ((u[i - 1] if i > 0 else 0.0) - u[i]) for i in range(len(u))]


def with_itself(k: Any, u: list[Any]) -> list[Any]:
    """Burgers' equation."""
    p = [0.0, *u, 0.0]
    return [k * (p[i + 1] - 2 * p[i] + p[i - 1]) - p[i] * (p[i + 1] - p[i - 1]) / 2
            for i in range(1, len(u) + 1)]


def bent(k: Any, u: list[Any]) -> list[Any]:
    return [tanh(v) for v in padded(k, u)]


def stepped(step: Step, places: int, steps: int = 8) -> tuple[Any, Any, tuple[Any, ...]]:
    k, start = Value(0.3), values(0, places)

    def loss(target: Any) -> Any:
        u = list(start)
        for _ in range(steps):
            u = [a + 0.1 * b for a, b in zip(u, step(k, u), strict=True)]
        return sum((a - b) ** 2 for a, b in zip(u, target, strict=True))

    return loss, {"k": k, "start": start}, (numbers(1, 3, places),)


@pytest.mark.parametrize("step", [
    padded, of_values, differences, upwind, with_itself, bent,
])
def test_many_places_have_as_many_lines_as_few(step: Step) -> None:
    lines = []
    for places in (5, 12):
        loss, parameters, data = stepped(step, places)
        program = lift(loss, parameters=parameters)
        if places == 5:
            certified(program, *data)
        program.value_and_grad(program.parameters(), *data)
        lines.append(program.source.count("\n"))
        assert program.source.count("range(8)") == 2, program.source
    assert len({*lines}) == 1, program.source


def diffusion(k: Any, u: list[Any]) -> list[Any]:
    inner = [u[i] + k * (u[i - 1] - 2 * u[i] + u[i + 1]) for i in range(1, len(u) - 1)]
    return [u[0], *inner, u[-1]]


def written_over(k: Any, u: list[Any]) -> list[Any]:
    new = u[:]
    for i in range(1, len(u) - 1):
        new[i] = u[i] + k * (u[i + 1] - 2 * u[i] + u[i - 1])
    return new


def inflow(k: Any, u: list[Any]) -> list[Any]:
    return [u[0], *[u[i] + k * (u[i - 1] - u[i]) for i in range(1, len(u))]]


@pytest.mark.parametrize("of_data", [False, True])
@pytest.mark.parametrize("step", [diffusion, written_over, inflow])
def test_ends_that_never_change_are_in_the_array(step: Step, of_data: bool) -> None:
    """However many places there are: also more than `LAGS`, of one number that all of them use."""
    lines = []
    for places in (6, 24):
        k, start = Value(0.3), values(0, places)

        def loss(x: Any, target: Any, k: Any = k, start: Any = start) -> Any:
            u = list(x if of_data else start)
            for _ in range(8):
                u = step(k, u)
            return sum((a - b) ** 2 for a, b in zip(u, target, strict=True))

        program = lift(loss, parameters={"k": k, "start": start})
        data = numbers(1, 3, places), numbers(2, 3, places)
        if places == 6:
            certified(program, *data)
        program.value_and_grad(program.parameters(), *data)
        lines.append(program.source.count("\n"))
        assert program.source.count("range(8)") == 2, program.source
    assert len({*lines}) == 1, program.source


def by_curvature(a: float, b: float, k: Any, u: list[Any]) -> list[Any]:
    return [a, *[u[i] + k * (u[i - 1] - 2 * u[i] + u[i + 1]) for i in range(1, len(u) - 1)], b]


def by_flux(a: float, b: float, k: Any, u: list[Any]) -> list[Any]:
    return [a, *[u[i] + k * (u[i + 1] - u[i]) - k * (u[i] - u[i - 1])
                 for i in range(1, len(u) - 1)], b]


def by_mean(a: float, b: float, k: Any, u: list[Any]) -> list[Any]:
    return [a, *[k * (u[i - 1] + u[i + 1]) for i in range(1, len(u) - 1)], b]


def written_out(a: float, b: float, k: Any, u: list[Any]) -> list[Any]:
    return [a, *[(1 - 2 * k) * u[i] + k * u[i - 1] + k * u[i + 1] for i in range(1, len(u) - 1)], b]


def by_product(a: float, b: float, k: Any, u: list[Any]) -> list[Any]:
    return [a, *[k * u[i - 1] * u[i + 1] for i in range(1, len(u) - 1)], b]


def gated(a: float, b: float, k: Any, u: list[Any]) -> list[Any]:
    return [a, *[u[i] * tanh(k * u[i - 1]) + u[i + 1] for i in range(1, len(u) - 1)], b]


def from_the_left(a: float, b: float, k: Any, u: list[Any]) -> list[Any]:
    return [a, *[tanh(k * u[i - 1] + u[i]) for i in range(1, len(u))]]


def lines_with_ends(
    step: Callable[..., list[Any]], ends: tuple[float, float], begins_with_them: bool
) -> list[int]:
    """Returns how many statements the source has, by the number of places; it has two loops."""
    statements = []
    for places in (7, 13):
        k, inner = Value(0.3), values(0, places - 2)
        outer = [*ends] if begins_with_them else values(1, 2)

        def loss(target: Any, k: Any = k, inner: Any = inner, outer: Any = outer) -> Any:
            u = [outer[0], *inner, outer[1]]
            for _ in range(8):
                u = step(*ends, k, u)
            return sum((a - b) ** 2 for a, b in zip(u, target, strict=True))

        rest = {} if begins_with_them else {"outer": outer}
        program = lift(loss, parameters={"k": k, "inner": inner, **rest})
        target = numbers(1, 3, places)
        if places == 7:
            certified(program, target)
        program.value_and_grad(program.parameters(), target)
        source = program.source
        parts = ast.walk(ast.parse(source))
        kinds = ast.Assign | ast.AugAssign | ast.For
        statements.append(len([each for each in parts if isinstance(each, kinds)]))
        steps = 8 if begins_with_them else 7
        assert source.count(f"range({steps})") == 2, source
    return statements


@pytest.mark.parametrize(
    "begins_with_them", [False, pytest.param(True, marks=pytest.mark.long)]
)
@pytest.mark.parametrize(("step", "ends"), [
    (by_curvature, (0.0, 0.0)), (by_curvature, (1.0, 1.0)), (by_curvature, (1.0, 0.0)),
    (by_curvature, (0.0, 2.5)), (by_flux, (1.0, 1.0)), (by_flux, (1.0, 2.5)),
])
def test_ends_that_each_step_sets_are_in_the_array(
    step: Callable[..., list[Any]], ends: tuple[float, float], begins_with_them: bool
) -> None:
    """Also equal ones, and a 0 at one end alone. The first step may find others there."""
    assert len({*lines_with_ends(step, ends, begins_with_them)}) == 1


@pytest.mark.parametrize(("step", "ends", "begins_with_them"), [
    (by_mean, (1.0, 1.0), True), (written_out, (1.0, 2.5), False), (gated, (0.0, 2.5), True),
    (from_the_left, (1.0, 1.0), True),
    *[pytest.param(*each, marks=pytest.mark.long) for each in [
        (by_mean, (1.0, 0.0), False), (written_out, (0.0, 0.0), True),
        (by_product, (1.0, 1.0), True),
    ]],
])
def test_ends_are_joined_to_numbers_that_are_made_otherwise(
    step: Callable[..., list[Any]], ends: tuple[float, float], begins_with_them: bool
) -> None:
    assert len({*lines_with_ends(step, ends, begins_with_them)}) == 1


def test_a_step_joins_its_ends_as_a_book_does() -> None:
    parameters, target = {"inner": values(0, 4)}, numbers(1, 3, 6)

    def loss(target: Any) -> Any:
        u = [1.0, *parameters["inner"], 2.5]
        for _ in range(8):
            u = by_mean(1.0, 2.5, 0.5, u)
        return sum((a - b) ** 2 for a, b in zip(u, target, strict=True))

    source = lift(loss, parameters=parameters).source_for(target)
    assert "u = np.concatenate([[u[0]], 0.5 * (u[:4] + u[2:]), [u[5]]])" in source, source


def test_the_form_that_has_one_term_more_is_still_right() -> None:
    loss, parameters, data = stepped(asked, 6)
    program = lift(loss, parameters=parameters)
    certified(program, *data)


@pytest.mark.parametrize("step", [padded, upwind])
def test_the_source_is_that_of_a_book(step: Step) -> None:
    loss, parameters, data = stepped(step, 6)
    source = lift(loss, parameters=parameters).source_for(*data)
    if step is padded:
        assert "u_padded[:6] + u_padded[2:] - 2 * u" in source, source
    else:
        assert "np.pad(u[:5], (1, 0))" in source, source


@pytest.mark.parametrize("shape", [(3, 4), (4, 4), (5, 3)])
def test_the_four_neighbours_on_a_grid_are_four_arrays(shape: tuple[int, int]) -> None:
    k, start = Value(0.1), values(0, *shape)
    rows, columns = shape

    def loss(target: Any) -> Any:
        u = [list(row) for row in start]

        def at(i: int, j: int) -> Any:
            return u[i][j] if 0 <= i < rows and 0 <= j < columns else 0.0

        for _ in range(5):
            u = [[u[i][j] + k * (at(i - 1, j) + at(i + 1, j) + at(i, j - 1) + at(i, j + 1)
                                 - 4 * u[i][j]) for j in range(columns)] for i in range(rows)]
        return sum((a - b) ** 2 for pair in zip(u, target, strict=True)
                   for a, b in zip(*pair, strict=True))

    program, data = lift(loss, parameters={"k": k, "start": start}), numbers(1, 2, *shape)
    certified(program, data)
    source = program.source_for(data)
    assert "np.array(" not in source, source
    assert "reduceat" not in source, source


@pytest.mark.parametrize("states", [3, 6])
def test_a_chain_of_states_that_stay_or_go_on(states: int) -> None:
    emission, stay, go = values(0, states, 4), values(1, states), values(2, states)

    def loss(xs: Any) -> Any:
        a: list[Any] = [1.0, *[0.0] * (states - 1)]
        for x in xs:
            p = [exp(sum(w * v for w, v in zip(row, x, strict=True))) for row in emission]
            a = [(a[s] * exp(stay[s]) + (a[s - 1] * exp(go[s - 1]) if s > 0 else 0.0)) * p[s]
                 for s in range(states)]
        return -log(sum(a))

    program = lift(loss, parameters={"emission": emission, "stay": stay, "go": go})
    data = numbers(0, 2, 6, 4)
    certified(program, data)
    assert program.source_for(data).count("range(6)") == 2, program.source


def test_a_zero_among_numbers_and_one_that_a_sum_begins_with_are_no_walls() -> None:
    """x - 0 beside x - 0.5 is one of a series, and 0 + a the beginning of a sum."""
    w = values(0, 5)
    knots = [-1.0, -0.5, 0.0, 0.5, 1.0]

    def loss(x: Any, y: Any) -> Any:
        total = 0.0
        for a, knot in zip(w, knots, strict=True):
            total = total + a * relu(x - knot)
        return (total - y) ** 2

    program = lift(loss, parameters={"w": w})
    source = program.source_for(numbers(0, 3), numbers(1, 3))
    assert "np.pad" not in source, source
    assert source.count("np.array(") == 1, source
