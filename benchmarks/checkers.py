"""Three checkers of gradients on the same faults, and on functions that are right.

    python -m pip install torch jax mpmath
    python benchmarks/checkers.py                # seconds

PyTorch's `torch.autograd.gradcheck` and JAX's `jax.test_util.check_grads` run in float64 with their
own tolerances, reverse mode, first order; ours is `gradcheck`. Each case is written once, for the
functions of whichever library checks it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import count
from types import ModuleType
from typing import Any, NamedTuple

from micrograd_notes import operation
from micrograd_notes.engine import ops
from micrograd_notes.testing import GradcheckError, gradcheck

Formula = Callable[..., Any]
_numbers = count()


class Case(NamedTuple):
    """A function at a point; with a rule, the library differentiates it by that."""

    name: str
    at: float
    is_right: bool
    function: Formula  # (library, x)
    rule: Formula | None = None  # (library, result, x)
    mpmath: str | None = None  # the counterpart that the row names, as a row of the table does


def flat_sigmoid(m: Any, y: Any, x: Any) -> Any:
    return y * (1 - y) * m.where(x < 10, 1.0, 0.0)


CASES = (
    Case("sigmoid whose rule is 0 above 10, at 12", 12.0, False,
         lambda m, x: 1 / (1 + m.exp(-x)), flat_sigmoid),
    Case("sine whose rule is 1.0009 cos, at 0.75", 0.75, False,
         lambda m, x: m.sin(x), lambda m, y, x: 1.0009 * m.cos(x), "sin"),
    Case("sin(x) / x, digits lost, at 1e-8", 1e-8, False, lambda m, x: m.sin(x) / x),
    Case("tanh with 1 - y*y, digits lost, at 20", 20.0, False,
         lambda m, x: m.tanh(x), lambda m, y, x: 1 - y * y, "tanh"),
    Case("cube whose rule lacks its sign, at 1e-4", 1e-4, False,
         lambda m, x: x * x * x, lambda m, y, x: -3 * x * x),
    Case("exp off by 1e-9, its rule too, at 0.75", 0.75, False,
         lambda m, x: m.exp(x) * (1 + 1e-9), lambda m, y, x: y, "exp"),
    Case("square whose rule forgets the 2, at 0.75", 0.75, False,
         lambda m, x: x * x, lambda m, y, x: x),
    Case("right: tanh(x) * x, at 0.75", 0.75, True, lambda m, x: m.tanh(x) * x),
    Case("right: relu by its convention, at 0", 0.0, True,
         lambda m, x: m.where(x > 0, x, 0.0 * x)),
    Case("right: x*x*x, at 1e11", 1e11, True, lambda m, x: x * x * x),
    Case("right: log, at 1e-7", 1e-7, True, lambda m, x: m.log(x)),
)


def main() -> None:
    checkers = {"torch": by_torch, "JAX": by_jax, "ours": by_us}
    print(f"{'':44}" + "".join(f"{name:>13}" for name in checkers) + "  our verdict")
    right = dict.fromkeys(checkers, 0)
    for case in CASES:
        passed, verdict = {}, ""
        for name, check in checkers.items():
            passed[name], said = check(case)
            verdict = said or verdict
        words = {
            name: ("passes" if ok else "FALSE ALARM") if case.is_right
            else ("MISSED" if ok else "caught")
            for name, ok in passed.items()
        }
        for name, ok in passed.items():
            right[name] += ok == case.is_right
        print(f"{case.name:44}" + "".join(f"{word:>13}" for word in words.values()), f" {verdict}")
    totals = "".join(f"{f'{number} of {len(CASES)}':>13}" for number in right.values())
    print(f"{'right about':44}{totals}")


def by_torch(case: Case) -> tuple[bool, str]:
    import torch

    x = torch.tensor([case.at], dtype=torch.float64, requires_grad=True)
    return bool(torch.autograd.gradcheck(in_torch(case), x, raise_exception=False)), ""


def in_torch(case: Case) -> Callable[[Any], Any]:
    import torch

    if case.rule is None:
        return lambda x: case.function(torch, x)
    rule = case.rule

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = case.function(torch, x)
            ctx.save_for_backward(y, x)
            return y

        @staticmethod
        def backward(ctx: Any, adjoint: Any) -> Any:
            return adjoint * rule(torch, *ctx.saved_tensors)

    return Function.apply


def by_jax(case: Case) -> tuple[bool, str]:
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call, unused-ignore]
    try:
        check_grads(  # type: ignore[no-untyped-call, unused-ignore]
            in_jax(case, jax), (jax.numpy.asarray(case.at),), order=1, modes=("rev",)
        )
    except AssertionError:
        return False, ""
    return True, ""


def in_jax(case: Case, jax: ModuleType) -> Callable[[Any], Any]:
    m, rule = jax.numpy, case.rule

    def function(x: Any) -> Any:
        return case.function(m, x)

    if rule is None:
        return function
    ruled: Any = jax.custom_vjp(function)

    def forward(x: Any) -> Any:
        y = function(x)
        return y, (y, x)

    ruled.defvjp(forward, lambda kept, adjoint: (adjoint * rule(m, *kept),))
    return ruled  # type: ignore[no-any-return]


def by_us(case: Case) -> tuple[bool, str]:
    rule = case.rule
    if rule is None:
        report = gradcheck(lambda x: case.function(ops, x), case.at, raise_exception=False)
        return not report.verdict.fails, str(report.verdict)
    op = operation(
        f"case_{next(_numbers)}",
        lambda x: case.function(ops, x),
        [lambda y, x: rule(ops, y, x)],
        mpmath=case.mpmath,
    )
    try:
        return True, str(gradcheck(op, case.at).verdict)
    except GradcheckError as error:
        return False, str(error.report.verdict)  # type: ignore[attr-defined]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
