"""Windows, zeros around an array, and rings are written as NumPy's users write them.

Each program here is certified, too. `programs.convolutions` tries many more.
"""

import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("mpmath")

from micrograd_notes import Value, lift, lift_of_sizes  # noqa: E402
from micrograd_notes.engine.functions import maximum  # noqa: E402
from micrograd_notes.engine.ops import relu, tanh  # noqa: E402
from micrograd_notes.lifting.arrays.axes import parted  # noqa: E402
from micrograd_notes.nn.vectors import dot  # noqa: E402
from tests.lifting.examples import certified, numbers, values  # noqa: E402
from tests.lifting.test_usual_forms import backward_of, source_of  # noqa: E402

Row = list[Any]


def valid(k: Row, x: Row) -> Row:
    return [dot(k, x[t : t + len(k)]) for t in range(len(x) - len(k) + 1)]


def with_zeros(k: Row, x: Row) -> Row:
    return valid(k, [0.0, *x, 0.0])


def of_values(k: Row, x: Row) -> Row:
    return valid(k, [Value(0.0), *x, Value(0.0)])


def left_out(k: Row, x: Row) -> Row:
    return [
        sum(k[i] * x[t + i - 1] for i in range(len(k)) if 0 <= t + i - 1 < len(x))
        for t in range(len(x))
    ]


def on_a_ring(k: Row, x: Row) -> Row:
    return [sum(k[i] * x[(t + i - 1) % len(x)] for i in range(len(k))) for t in range(len(x))]


def before(k: Row, x: Row) -> Row:
    return [sum(k[i] * x[t - i] for i in range(len(k)) if t >= i) for t in range(len(x))]


def apart(k: Row, x: Row) -> Row:
    reach = 2 * (len(k) - 1)
    return [sum(k[i] * x[t + 2 * i] for i in range(len(k))) for t in range(len(x) - reach)]


def every_second(k: Row, x: Row) -> Row:
    return valid(k, x)[::2]


FORMS = [valid, with_zeros, of_values, left_out, on_a_ring, before, apart, every_second]


def deep(form: Callable[[Row, Row], Row], length: int) -> tuple[Any, Any, Any]:
    """Returns a loss with two convolutions, its parameters, and how many outputs it adds up."""
    k1, k2, out = values(0, 3), values(1, 3), values(2, length)

    def loss(x: Any) -> Any:
        hidden = [tanh(z) for z in form(k1, x)]
        outputs = [relu(z) for z in form(k2, hidden)]
        return dot(out[: len(outputs)], outputs)

    return loss, {"k1": k1, "k2": k2, "out": out}, numbers(0, 2, length)


@pytest.mark.parametrize("length", [12, 13])
@pytest.mark.parametrize("form", FORMS)
def test_a_convolution_has_no_table(form: Any, length: int) -> None:
    """Forwards and backwards; each array of windows is written once, and read by dk, too."""
    loss, parameters, data = deep(form, length)
    program = lift(loss, parameters=parameters)
    certified(program, data)
    program.value_and_grad(program.parameters(), data)
    source = program.source
    assert "np.array(" not in source, source
    assert "np.where" not in source, source
    assert source.count("sliding_window_view(") == 3, source  # forwards 2, backwards 1


def test_zeros_around_an_array_are_padding_however_they_are_written() -> None:
    found = [
        source_of(*deep(form, 9)).replace(form.__name__, "z")
        for form in (with_zeros, of_values, left_out)
    ]
    assert found[0].count("np.pad") == 3
    assert [source.count("\n") for source in found] == [found[0].count("\n")] * 3


def test_an_image_with_zeros_around_it_and_two_channels() -> None:
    k, out = values(0, 2, 3, 3), values(1, 2)

    def loss(image: Any) -> Any:
        rows, columns = len(image), len(image[0])
        edge = [0.0] * (columns + 2)
        padded = [edge, *[[0.0, *row, 0.0] for row in image], edge]
        maps = [
            [sum(f[i][j] * padded[r + i][c + j] for i in range(3) for j in range(3))
             for r in range(rows) for c in range(columns)]
            for f in k
        ]
        return dot(out, [sum(tanh(z) for z in each) for each in maps])

    source = source_of(loss, {"k": k, "out": out}, numbers(0, 2, 4, 5))
    padded = "np.pad(image, ((0, 0), (1, 1), (1, 1)))"
    assert source.count(padded) == source.count("sliding_window_view(") == 1, source


@pytest.mark.parametrize("pools", [True, False])
def test_a_derivative_lies_like_what_it_is_of(pools: bool) -> None:
    """Also if it comes from a maximum, or a mean, whose blocks split its axes."""
    k, out = values(0, 2, 3), values(1, 2, 3)

    def loss(x: Any) -> Any:
        maps = [[tanh(z) for z in valid(f, x)] for f in k]
        two = [[*zip(each[::2], each[1::2], strict=True)] for each in maps]
        pooled = [[maximum(pair) if pools else sum(pair) / 2 for pair in each] for each in two]
        return sum(dot(o, each) for o, each in zip(out, pooled, strict=True))

    source = source_of(loss, {"k": k, "out": out}, numbers(0, 2, 8))
    assert source.count("sliding_window_view(") == 1, source
    assert "np.array(" not in source


def heat(size: int, steps: int, is_ring: bool) -> Any:
    rate = Value(0.2)

    def loss(u: Any, wanted: Any) -> Any:
        for _ in range(steps):
            ends = (0, size) if is_ring else (1, size - 1)
            inner = [
                u[i] + rate * (u[i - 1] - 2 * u[i] + u[(i + 1) % size]) for i in range(*ends)
            ]
            u = inner if is_ring else [u[0], *inner, u[-1]]
        return sum((p - q) ** 2 for p, q in zip(u, wanted, strict=True))

    return loss, {"rate": rate}, numbers(0, 2, size), numbers(1, 2, size)


@pytest.mark.parametrize("size", [5, 7, 9])
def test_heat_on_a_ring_is_a_loop_over_arrays(size: int) -> None:
    """It was a recurrence over places, whose derivatives were not alike: an IndexError."""
    source = source_of(*heat(size, 5, is_ring=True))
    form = r"np.roll\((\w+), -1, axis=1\) \+ \(np.roll\(\1, 1, axis=1\) - 2 \* \1\)"
    assert re.search(form, source), source
    assert backward_of(source).count("np.roll(") == 2, source
    assert "np.where" not in source
    assert source_of(*heat(size, 9, is_ring=True)).count("\n") == source.count("\n")


@pytest.mark.parametrize("size", [4, 7])
@pytest.mark.parametrize("steps", [1, 2, 3, 6])
def test_steps_of_neighbours_are_right_for_any_number_of_them(size: int, steps: int) -> None:
    for is_ring in (True, False):
        source_of(*heat(size, steps, is_ring))


@pytest.mark.parametrize("distance", [1, 2])
def test_neighbours_are_added_up_by_their_distance(distance: int) -> None:
    """A derivative by u[i - 1] and u[i + 1] adds up two neighbours, not all places by a mask."""
    u = values(0, 13)

    def loss(x: Any) -> Any:
        v = [a * b for a, b in zip(u, x, strict=True)]
        inner = range(distance, 13 - distance)
        return sum(tanh(v[i + distance] * v[i - distance]) for i in inner)

    source = source_of(loss, {"u": u}, numbers(0, 2, 13))
    assert "(13, 13)" not in source
    assert "np.where" not in source, source


def test_families_with_windows_have_any_size() -> None:
    def make(form: Any) -> Any:
        def made(length: int) -> Any:
            loss, parameters, _ = deep(form, length)
            return loss, parameters
        return made

    for form in (with_zeros, left_out, on_a_ring, before):
        program, data = lift_of_sizes(make(form), length=30), numbers(0, 2, 30)
        loss_of_this, parameters, _ = deep(form, 30)
        own = lift(loss_of_this, parameters=parameters)
        loss, gradient = program.value_and_grad(program.parameters(), data)
        expected, slopes = own.value_and_grad(own.parameters(), data)
        assert loss == expected
        assert (gradient == slopes).all()
        assert program.source == own.source


def test_the_places_of_sums_take_memory_per_term_and_not_per_pair_of_places() -> None:
    count = 5_000  # sums: one of all places, and windows
    owner = np.repeat(np.arange(count), [count] + [3] * (count - 1))
    column = np.concatenate([np.arange(count), owner[count:] + np.tile([-1, 0, 1], count - 1)])
    tracemalloc.start()
    try:
        found = parted(column, owner, count)
        assert tracemalloc.get_traced_memory()[1] < 4e6  # a table of pairs: 2.5e7 bytes
    finally:
        tracemalloc.stop()
    assert found.overlaps
    assert [*found.kept] == [*range(count)]  # type: ignore[misc]
