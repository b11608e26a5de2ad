"""`detect_anomaly`: an error at the first NaN or infinity, instead of a NaN at the end.

A NaN in the loss does not say where it began: it went through every operation since then. Inside
`detect_anomaly`, a `Lookout` checks each node as it is made, and each step of a sweep. It raises at
the first number that is not finite, and names the operation, its operands, and the line of the
program that made the node.

`detect_anomaly` is the mode that you enter. The engine calls the `Lookout` through `modes`.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar, overload
from weakref import WeakKeyDictionary

from micrograd_notes.common.checks import is_value
from micrograd_notes.common.users_line import Line, as_text, users_line
from micrograd_notes.engine.backward import Step, sweep
from micrograd_notes.engine.messages import described, given
from micrograd_notes.engine.modes import Asked, Mode
from micrograd_notes.engine.value import Value

__all__ = ["AnomalyError", "Lookout", "detect_anomaly"]

F = TypeVar("F", bound=Callable[..., Any])

# Whether the running context is in the middle of a sweep: tasks may share a lookout.
_is_sweeping: ContextVar[bool] = ContextVar("in a recorded sweep", default=False)
_KEEP_AWAY = (
    "keep its operands away from there, or choose another branch there, "
    "as in where(x > 0, sqrt(x), 0.0)"
)
_TOO_LARGE = "larger than the largest float, 1.8e308"
_SMALLER = "try smaller inputs, or a smaller learning rate"


class AnomalyError(FloatingPointError):
    """A number that is not finite, in `detect_anomaly`.

    `node` is the value that was made, or the one that sent the gradient: `draw_dot(error.node)`
    shows what it was made from.
    """

    node: Any = None


@overload
def detect_anomaly() -> Mode: ...
@overload
def detect_anomaly(function: F) -> F: ...
def detect_anomaly(function: Callable[..., Any] | None = None) -> Any:
    """Raises inside, in the running context, at the first number that is NaN or infinite.

    A result is looked at as it is computed, a gradient as `backward` or `grad` passes it on; then
    no gradient has changed. An infinite partial is not an anomaly where the adjoint that it meets
    is 0, as in the branch of a `where` that is not chosen. It takes time, and costs nothing when it
    is off. It decorates functions, generators and coroutines too.

    Raises:
        AnomalyError: a FloatingPointError that names the operation, its operands and the line that
            made the node; `error.node` is the node, to look at or to draw.

    >>> from micrograd_notes import Value
    >>> x = Value(1e200, name="x")
    >>> with detect_anomaly():  # doctest: +ELLIPSIS
    ...     y = x * x + 1.0
    Traceback (most recent call last):
    micrograd_notes.engine.anomaly.AnomalyError: multiply(x=1e+200, x=1e+200) is inf, though its ...
    """
    mode = Mode(lambda: Asked(lookout=Lookout()))
    return mode if function is None else mode(function)


class Lookout:
    """Looks at nodes and steps, and remembers which line made which node."""

    def __init__(self) -> None:
        # weak: what is looked at is freed as it would be otherwise
        self._lines: WeakKeyDictionary[Any, Line] = WeakKeyDictionary()

    def made(self, node: Value) -> None:
        """Raises if the result of an operation is not finite."""
        # What a recorded sweep makes is looked at as steps: a partial that is infinite, in a
        # branch that was not chosen, meets an adjoint that is 0, and is no anomaly.
        if not math.isfinite(node._data) and not _is_sweeping.get():
            raise _anomaly(node, f"{_call(node)} is {node._data!r}, {_why(node)}")
        line = users_line()
        if line is not None:
            self._lines[node] = line

    def passed(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Yields the steps of a sweep, and raises at one that passes on what is not finite."""
        before = _is_sweeping.get()
        _is_sweeping.set(True)
        try:
            for step in steps:
                self._look_at(step)
                yield step
        finally:
            _is_sweeping.set(before)

    def rehearse(
        self, root: Value, adjoint: float, leaves: Iterable[tuple[Value, float | None]]
    ) -> None:
        """Goes through a sweep that writes nothing yet, so that it can raise with nothing written.

        Each leaf comes with the gradient that the sweep will add to.
        """
        totals: dict[Any, float] = {root: adjoint}
        for step in self.passed(sweep(root, adjoint)):
            totals[step.operand] = step.total
        for leaf, before in leaves:
            if before is not None and leaf in totals and not math.isfinite(before + totals[leaf]):
                raise _anomaly(
                    leaf,
                    f"the gradient of {_operand(leaf)} was {before!r} already, and becomes "
                    f"{before + totals[leaf]!r} as this sweep adds {totals[leaf]!r}\n"
                    "  call zero_grad() before each backward()",
                )

    def _look_at(self, step: Step) -> None:
        adjoint, partial, contribution, total = map(_number, step[3:])
        if math.isfinite(contribution) and math.isfinite(total):
            return
        node, operand = step.node, _operand(step.operand)
        what = (
            f"{_call(node)} sends the gradient {contribution!r} to {operand}: "
            f"the adjoint {adjoint!r} times the local partial {partial!r}"
        )
        if math.isfinite(contribution):
            why = f"all gradients sent to {operand} add up to {total!r}, {_TOO_LARGE}: {_SMALLER}"
        elif math.isfinite(partial):
            why = f"the product is {_TOO_LARGE}: {_SMALLER}"
        else:
            why = f"the derivative of {node.op.name} is not finite there: {_KEEP_AWAY}"
        raise _anomaly(node, f"{what}\n  {why}{self._made_at(node)}")

    def _made_at(self, node: Value) -> str:
        """Returns the line that made the node, where that happened before these eyes."""
        if node not in self._lines:
            return ""
        return f"\n  made at {as_text(self._lines[node])}"


def _anomaly(node: Value, message: str) -> AnomalyError:
    error = AnomalyError(message)
    error.node = node
    return error


def _why(node: Value) -> str:
    """Returns what made a result not finite, and what to do about it."""
    for operand in node.operands:
        if not math.isfinite(operand._data):
            if operand.op is None:
                return (
                    f"as {_operand(operand)} was given {operand._data!r}\n"
                    "  look at the numbers that go in"
                )
            return (
                f"as its operand {_call(operand)} was {operand._data!r} already\n"
                "  enter detect_anomaly() where that is computed"
            )
    if math.isnan(node._data):
        return f"though its operands are numbers\n  it has no value there: {_KEEP_AWAY}"
    return (
        "though its operands are finite\n"
        f"  the result is infinite there, or {_TOO_LARGE}: {_SMALLER}"
    )


def _call(node: Value) -> str:
    """Returns the node as the call that made it, with its numbers."""
    return f"{node.op.name}({', '.join(given(node.operands))})" if node.op else described(node)


def _operand(node: Value) -> str:
    """Returns the node as the receiver of a gradient."""
    if node.op is None:
        return f"the leaf {node.name!r}" if node.name else f"the leaf Value({node._data!r})"
    return f"{node.name!r}" if node.name else _call(node)


def _number(x: Any) -> float:
    """Returns the number of a float, or of a node of a recorded sweep."""
    return x._data if is_value(x) else float(x)
