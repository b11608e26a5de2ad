"""A printer that was made from the page for printers alone computes what NumPy computes."""

import inspect
import random
import re
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import Value  # noqa: E402
from micrograd_notes.engine import helper_ops, ops  # noqa: E402
from micrograd_notes.engine.op import Op  # noqa: E402
from micrograd_notes.lifting import CannotLift, lift  # noqa: E402
from micrograd_notes.lifting.codegen import CannotPrint  # noqa: E402
from micrograd_notes.lifting.codegen.c import evaluate  # noqa: E402
from micrograd_notes.lifting.trace.tape import Array  # noqa: E402
from micrograd_notes.lifting.typed import expressions as ex  # noqa: E402
from micrograd_notes.lifting.typed.formulas import formula  # noqa: E402
from tests.lifting import plain_python  # noqa: E402
from tests.lifting.examples import EXAMPLES, numbers  # noqa: E402
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


def test_a_loop_of_the_forward_half_may_add_derivatives() -> None:
    w = Value(0.5)

    def loss(xs: Any) -> Any:
        state, total = 0.0, 0.0  # type: Any, Any
        for x in xs:
            state = 0.5 * state + x * x
            total = total + w * state
        return total

    assert agrees(lift(loss, parameters=[w]), (numbers(0, 3, 6),))


def test_it_has_all_kinds_of_expressions_and_all_functions() -> None:
    """So a printer that does what it does lacks nothing, and so does the one for C."""
    source = inspect.getsource(plain_python)
    every = [each for each in vars(ex).values() if isinstance(each, type)]
    leaves = [each for each in every if not each.__subclasses__()]
    kinds = [each.__name__ for each in leaves if issubclass(each, ex.Expression)]
    assert len(kinds) > 20
    assert not [kind for kind in kinds if not re.search(rf"ex\.{kind}\b", source)]
    both = [*vars(ops).values(), *vars(helper_ops).values()]
    rows = [op for op in both if isinstance(op, Op) and op.numpy]  # not those of other tests
    assert len(rows) > 60
    used = frozenset().union(*[functions_in(row) for row in rows if not row.chooses])
    assert used <= ex.FUNCTIONS, used - ex.FUNCTIONS
    for printer in (plain_python, evaluate):
        assert not ex.FUNCTIONS - {*printer.OPERATORS, *printer.FUNCTIONS, "negative"}


def functions_in(row: Op) -> set[str]:
    """Returns the functions of numbers that a row's formula is made of."""
    operands: list[ex.Expression] = []
    operands += [ex.Read(Array(name, (), False)) for name in "abc"[: row.arity or 3]]
    made = formula(row, operands if row.arity is not None else [ex.Stack(tuple(operands), -1)])
    return {each.function for each in made.walk() if isinstance(each, ex.Apply)}
