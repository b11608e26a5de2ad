"""Operands that are not a `Value`, with the operators and methods of the rows of the table.

A row that meets an operand with the method `_apply_` lets it compute the result. So one program is
evaluated in many digits (`precise`) or differentiated forward (`forward`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine.messages import completed
from micrograd_notes.engine.op import TABLE, Op, on_new_operation


class Operand:
    """Something that rows of the table are applied to, by the `_apply_` of a class below.

    Comparisons look at `_real`, the real number that it stands for.
    """

    __slots__ = ()

    _real: Any

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in TABLE:
            return lambda *others: TABLE[name](self, *others)
        raise AttributeError(f"{type(self).__name__} does not have {name!r}")

    def __lt__(self, other: Any) -> bool:
        return bool(self._real < real(other))

    def __le__(self, other: Any) -> bool:
        return bool(self._real <= real(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._real > real(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self._real >= real(other))

    def __bool__(self) -> bool:
        return bool(self._real)


def real(x: Any) -> Any:
    """Returns the real number that an operand stands for; a plain number is itself."""
    return x._real if isinstance(x, Operand) else x


def operands_of(op: Op, given: Sequence[float]) -> tuple[float, ...]:
    """Returns finite numbers that an operation can be called with, its defaults among them.

    Raises:
        TypeError: op is not an operation, or given is not a list of as many numbers as it takes.
        ValueError: a number is not finite.
    """
    checks.operation("op", op)
    return completed(op, tuple(checks.finite_numbers("operands", given)))


def _install(op: Op) -> None:
    if op.method:
        setattr(Operand, f"__{op.method}__", lambda *xs: op(*xs))
        setattr(Operand, f"__r{op.method}__", lambda a, b: op(b, a))


on_new_operation(_install)
