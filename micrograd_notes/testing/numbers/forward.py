"""Forward mode: derivatives that travel with the values, from the inputs to the result.

A `Dual` is a value with its slope along one direction of the inputs. Each operation passes both on:

    slope of the result  =  sum over operands of  local partial * slope of the operand

There is no graph and no backward pass, so it can judge backpropagation. It also shows why training
goes backward: a gradient of n inputs takes n passes forward, or one backward pass.
"""

from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import helper_ops
from micrograd_notes.engine.messages import completed
from micrograd_notes.engine.op import Op
from micrograd_notes.testing.numbers.operand import Operand, real

__all__ = ["Dual", "forward_gradient", "slope_along"]


class Dual(Operand):
    """A number and its slope along a direction.

    >>> x = Dual(3.0, slope=1.0)
    >>> x * x
    Dual(9.0, slope=6.0)
    """

    __slots__ = ("data", "slope")

    def __init__(self, data: float, slope: float = 0.0) -> None:
        checks.operand("data", data)
        checks.operand("slope", slope)
        self.data = data
        self.slope = slope

    @property
    def _real(self) -> float:
        return self.data

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> "Dual":
        """Passes value and slope on: `op(...)` calls it when it meets a `Dual`."""
        operands = completed(op, operands)
        numbers = [real(x) for x in operands]
        result = op(*numbers)
        moving = [
            index
            for index, x in enumerate(operands)
            if isinstance(x, Dual) and op.is_differentiated(index)
        ]
        partials = op.local_partials(moving, result, numbers)
        slope = 0.0
        for index, partial in zip(moving, partials, strict=True):
            slope += _passed_on(operands[index].slope, partial)
        return Dual(result, slope)

    def __repr__(self) -> str:
        return f"Dual({self.data}, slope={self.slope})"


def _passed_on(slope: float, partial: float) -> float:
    """Returns their product, and 0 where either is 0 and the other one not finite.

    An operand that does not move has no effect, however steep the operation is there, and neither
    does the branch of a `where` that was not chosen, however steep it is itself.
    """
    return float(helper_ops.chain(partial, slope) if slope else helper_ops.chain(slope, partial))


def slope_along(
    function: Callable[..., Any], at: Sequence[float], direction: Sequence[float]
) -> tuple[float, float]:
    """Returns the function's value and its slope along a direction: the sum of df/dx * direction.

    PyTorch and JAX call it `jvp`, a Jacobian-vector product.

    Raises:
        TypeError: the function does not take one number per number of `at`, or return a number.
        ValueError: a number is not finite, or `direction` is not as long as `at`.

    >>> slope_along(lambda x, y: x * y, at=[2.0, 3.0], direction=[1.0, 10.0])
    (6.0, 23.0)
    """
    at, direction = checks.finite_numbers("at", at), checks.finite_numbers("direction", direction)
    if len(direction) != len(at):
        raise ValueError(f"direction must have {len(at)} numbers, as at has, got {len(direction)}")
    checks.function("function", function, len(at), f"{len(at)} numbers, as many as at has")
    result = function(*map(Dual, at, direction))
    is_dual = isinstance(result, Dual)
    value = result.data if is_dual else checks.finite_number("the function's result", result)
    return value, result.slope if is_dual else 0.0


def forward_gradient(function: Callable[..., Any], at: Sequence[float]) -> list[float]:
    """Returns the gradient, by one pass forward for each input.

    >>> forward_gradient(lambda x, y: x * y, at=[2.0, 3.0])
    [3.0, 2.0]
    """
    at = checks.finite_numbers("at", at)
    ones = ([float(i == j) for j in range(len(at))] for i in range(len(at)))
    return [slope_along(function, at, one)[1] for one in ones]
