"""The reference for a lifted program: the same function, run eagerly, example by example."""

from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.engine import Value, grad, topological_order


def eager(
    function: Callable[..., Any], parameters: Sequence[Value], *data: Any
) -> tuple[float, list[float], float]:
    """Returns the mean loss over a batch, its gradient, and how far both may be from another order.

    The last number is the running error of the sum of all examples: what each node's rounding can
    move the loss, u * sum |d loss / d node| * |node|, and 16 times it, as a row may be off by 4 ulp
    here and its NumPy spelling by a few more.
    """
    count = len(data[0])
    gradient = [0.0] * len(parameters)
    value, error = 0.0, 0.0
    for example in zip(*data, strict=True):
        loss = function(*[_listed(part) for part in example])
        value += loss.data / count
        for i, derivative in enumerate(grad(loss, parameters)):
            gradient[i] += derivative.data / count
        error += running_error(function(*[_as_values(part) for part in example])) / count
    for parameter in parameters:
        parameter.grad = None
    return value, gradient, error


def running_error(root: Value) -> float:
    """Returns the bound for a loss of `Value`s alone, its inputs among them."""
    root.backward()
    return 16 * 2.0**-53 * sum(
        abs(node.grad) * abs(node.data) for node in topological_order(root) if node.requires_grad
    )


def _listed(part: Any) -> Any:
    return part.tolist() if hasattr(part, "tolist") else part


def _as_values(part: Any) -> Any:
    """Returns the numbers of an example as `Value`s, whose rounding counts; an index stays one."""
    listed = _listed(part)
    if isinstance(listed, list):
        return [_as_values(item) for item in listed]
    return Value(listed) if isinstance(listed, float) else listed
