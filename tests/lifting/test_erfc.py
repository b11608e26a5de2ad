"""The complementary error function that is printed with a source, against many digits."""

from typing import Any

import pytest

np = pytest.importorskip("numpy")
mpmath = pytest.importorskip("mpmath")

from micrograd_notes import Value, lift  # noqa: E402
from micrograd_notes.engine import ops  # noqa: E402
from micrograd_notes.lifting.codegen import erfc  # noqa: E402

ULPS = 6  # as its docstring says


def printed() -> Any:
    scope: dict[str, Any] = {"np": np}
    exec(erfc.SOURCE, scope)
    return scope[erfc.NAME]


def test_its_error_in_units_in_the_last_place() -> None:
    generator = np.random.default_rng(0)
    ranges = [(-7, 0), (0, 1), (0, 3), (3, 26)]
    x = np.concatenate([
        *[generator.uniform(low, high, 700) for low, high in ranges],
        10.0 ** generator.uniform(-20, 0, 200), [0.0, -0.0, 26.5, -26.5, 6.0, -6.0],
    ])
    with mpmath.workdps(40):
        for number, found in zip(x.tolist(), printed()(x).tolist(), strict=True):
            exact = mpmath.erfc(mpmath.mpf(number))
            assert abs(found - exact) <= ULPS * np.spacing(float(exact)), number


def test_far_out() -> None:
    """Where the result is subnormal the error is a few of the smallest steps; nan stays nan."""
    x = np.array([26.6, 27.0, 27.2, 28.0, 1e300, np.inf, -np.inf, -1e300])
    found = printed()(x)
    with mpmath.workdps(40):
        exact = [float(mpmath.erfc(number)) for number in (26.6, 27.0, 27.2)]
    assert np.abs(found[:3] - exact).max() <= ULPS * 5e-324 * 2
    assert found[3:].tolist() == [0.0, 0.0, 0.0, 2.0, 2.0]
    assert np.isnan(printed()(np.array([np.nan]))).all()


def test_it_is_printed_where_it_is_used_and_nowhere_else() -> None:
    w = Value(0.5)
    program = lift(lambda x: ops.gelu(w * x) + ops.erfc(w), parameters=w)
    data = np.linspace(-3, 3, 7)
    first = program.value_and_grad(program.parameters(), data)
    again = program.value_and_grad(program.parameters(), data)
    assert (first[0], first[1].tolist()) == (again[0], again[1].tolist())
    assert program.source.count(f"def {erfc.NAME}(") == 1
    assert "vectorize" not in program.source
    assert program.certify(data)
    other = lift(lambda x: w * x, parameters=w)
    assert erfc.NAME not in other.source_for(data)
