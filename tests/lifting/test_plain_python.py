"""A printer that was made from the page for printers alone computes what NumPy computes."""

import random
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes.lifting import CannotLift, lift  # noqa: E402
from micrograd_notes.lifting.codegen import CannotPrint  # noqa: E402
from tests.lifting.examples import EXAMPLES  # noqa: E402
from tests.lifting.plain_python import SCOPE, emit  # noqa: E402
from tests.lifting.programs import KINDS  # noqa: E402

QUICK = {"classifier", "recurrent", "coulomb"}
ALIKE = 1e-11  # of the largest derivative: 45,000 roundings, as for random programs in NumPy


def agrees(program: Any, data: Any) -> bool:
    """Asserts that plain Python computes the same; returns whether it does so without an error."""
    given = program._inputs.checked(data)
    theta = program.parameters()
    with np.errstate(all="ignore"):
        loss, gradient = program.value_and_grad(theta, *data)
    scope: dict[str, Any] = {**SCOPE}
    exec(emit(program._compiled_for(given).anew()), scope)
    try:
        got, derivatives = scope["run"](theta.tolist(), *[array.tolist() for array in given])
    except (ArithmeticError, ValueError):
        return False  # where NumPy has inf or nan, Python raises an error
    assert got == pytest.approx(loss, rel=ALIKE, abs=ALIKE)
    assert np.abs(gradient - derivatives).max() <= ALIKE * max(np.abs(gradient).max(), 1e-3)
    return True


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long])
        for name in EXAMPLES if name != "outputs"
    ],
)
def test_the_examples(name: str) -> None:
    assert agrees(*EXAMPLES[name]())


@pytest.mark.parametrize("kind", KINDS)
def test_random_programs(kind: Any) -> None:
    agreed = 0
    for seed in range(3):
        loss, parameters, data = kind(random.Random(seed))
        try:
            agreed += agrees(lift(loss, parameters=parameters, check=False), data)
        except (ArithmeticError, CannotLift, CannotPrint, ValueError):
            continue
    assert agreed >= 2
