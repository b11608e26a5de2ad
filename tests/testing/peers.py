"""The same program in PyTorch and in JAX.

A row is evaluated by its spelling in NumPy, and the library differentiates it by its own rules. In
float64 the libraries lose digits where we keep them, so the caller sets the tolerance.
"""

import importlib.util
import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from micrograd_notes.engine.op import Op
from micrograd_notes.testing.programs.random_programs import Program

__all__ = ["gradient_in", "is_installed", "is_spelled"]

Function = Callable[..., Any]
_NO_SPELLING = ("pick",)  # it indexes, and its index is a float here


def is_installed(library: str) -> bool:
    """Returns whether "torch" or "jax" can be imported."""
    return importlib.util.find_spec(library) is not None


def is_spelled(op: Op) -> bool:
    """Returns whether the peers can evaluate the row.

    >>> from micrograd_notes.engine import ops
    >>> is_spelled(ops.tanh), is_spelled(ops.pick_by)
    (True, False)
    """
    return op.name not in _NO_SPELLING


def gradient_in(library: str, program: Program) -> list[float]:
    """Returns the derivative of the result in each input, by "torch" or by "jax", in float64."""
    return {"torch": _gradient_in_torch, "jax": _gradient_in_jax}[library](program)


def _run(program: Program, inputs: list[Any], function_of: Callable[[Op], Function]) -> Any:
    values = list(inputs)
    for instruction in program.instructions:
        values.append(function_of(instruction.op)(*instruction.applied_to(values)))
    return values[-1]


def _by_its_spelling(op: Op, np: Any) -> Function:
    assert op.arity is not None, f"{op.name} is spelled for an array"
    names = [f"x{i}" for i in range(op.arity)]
    source = op.numpy.format(*names, all=", ".join(names))
    compiled = compile(f"lambda {', '.join(names)}: {source}", op.name, "eval")
    function: Function = eval(compiled, {"np": np, "math": math})
    return function


# ---- PyTorch -------------------------------------------------------------------------------------


class _NumPyInTorch:
    """PyTorch's functions under NumPy's names, which take plain numbers too."""

    pi = math.pi

    def __getattr__(self, name: str) -> Function:
        import torch

        return partial(self._called, getattr(torch, name))

    def _called(self, function: Function, *numbers: Any) -> Any:
        return function(*map(_tensor, numbers))

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        import torch

        return torch.where(_tensor(condition).bool(), _tensor(a), _tensor(b))

    def cbrt(self, x: Any) -> Any:
        return x.sign() * x.abs() ** (1 / 3)

    def rint(self, x: Any) -> Any:
        return _tensor(x).round()

    def vectorize(self, function: Function) -> Function:
        import torch

        return {math.erf: torch.erf, math.erfc: torch.erfc}[function]


def _tensor(x: Any) -> Any:
    import torch

    return x if isinstance(x, torch.Tensor) else torch.tensor(x, dtype=torch.float64)


@cache
def _in_torch(op: Op) -> Function:
    import torch

    of_many = {"largest": torch.amax, "smallest": torch.amin, "logsumexp": torch.logsumexp}
    if op.name in of_many:
        return lambda *xs: of_many[op.name](torch.stack(list(map(_tensor, xs))), 0)
    spelled = _by_its_spelling(op, _NumPyInTorch())
    return lambda *xs: spelled(*map(_tensor, xs))


def _gradient_in_torch(program: Program) -> list[float]:
    import torch

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in program.inputs]
    result = _run(program, inputs, _in_torch)
    if not result.requires_grad:  # flat rows alone
        return [0.0] * len(inputs)
    gradients = torch.autograd.grad(result, inputs, allow_unused=True)
    return [0.0 if gradient is None else gradient.item() for gradient in gradients]


# ---- JAX -----------------------------------------------------------------------------------------


class _NumPyInJax:
    def __getattr__(self, name: str) -> Any:
        import jax

        return getattr(jax.numpy, name)

    def vectorize(self, function: Function) -> Function:
        import jax

        special = jax.scipy.special
        found: Function = {math.erf: special.erf, math.erfc: special.erfc}[function]
        return found


@cache
def _in_jax(op: Op) -> Function:
    import jax

    of_many: dict[str, Any] = {
        "largest": jax.numpy.max, "smallest": jax.numpy.min,
        "logsumexp": jax.scipy.special.logsumexp,
    }
    if op.name in of_many:
        return lambda *xs: of_many[op.name](jax.numpy.stack(xs))
    return _by_its_spelling(op, _NumPyInJax())


def _gradient_in_jax(program: Program) -> list[float]:
    import jax

    with jax.enable_x64(True):
        inputs = [jax.numpy.asarray(x, dtype="float64") for x in program.inputs]

        def result(*xs: Any) -> Any:
            return jax.numpy.asarray(_run(program, list(xs), _in_jax))

        found = jax.grad(result, tuple(range(len(inputs))))(*inputs)
        return list(map(float, found))
