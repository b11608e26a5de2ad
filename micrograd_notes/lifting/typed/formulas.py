"""The table's operations as formulas of the typed program's few functions.

The table spells each operation in NumPy: gelu is 0.5 * x * erfc(-x / sqrt(2)). Here that spelling
runs once, on expressions instead of arrays, with a stand-in for NumPy. The result is the operation
as data, so a printer for another target spells these functions alone and needs no table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import cache
from types import CodeType
from typing import Any

from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.typed.expressions import (
    WHOLE,
    Apply,
    Expression,
    Number,
    Part,
    Reduce,
    Stack,
    Sum,
    Where,
)


class Traced:
    """An expression that writes down what NumPy's functions and Python's operators do with it."""

    def __init__(self, made: Expression) -> None:
        self.made = made

    def __getitem__(self, index: Any) -> Traced:
        """Adds a last axis, the only index that a spelling uses."""
        return Traced(Part(self.made, (*[WHOLE] * len(self.made.shape), None)))

    def __neg__(self) -> Traced:
        return _function("negative")(self)

    def __pos__(self) -> Traced:
        return self

    def __bool__(self) -> bool:
        raise TypeError("a formula can't branch on a number that it does not have yet")

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any) -> Traced:
        """Writes down a function of NumPy itself, such as np.sqrt."""
        return _function(ufunc.__name__)(*operands)

    def max(self, axis: int, keepdims: bool = False) -> Traced:
        """The largest number along the last axis."""
        return self._reduced(self._end("max"), keepdims)

    def min(self, axis: int, keepdims: bool = False) -> Traced:
        """The smallest number along the last axis."""
        return self._reduced(self._end("min"), keepdims)

    def sum(self, axis: int, keepdims: bool = False) -> Traced:
        """The sum along the last axis."""
        return self._reduced(Sum(self.made, (len(self.made.shape) - 1,)), keepdims)

    def _end(self, name: str) -> Expression:
        match self.made:
            case Stack((one, other), -1):
                return Apply(f"{name}imum", (one, other))
        return Reduce(name, self.made)

    def _reduced(self, made: Expression, keepdims: bool) -> Traced:
        return Traced(made)[..., None] if keepdims else Traced(made)


class Given(Traced):
    """An operand that is a given number: in other steps of a loop it may be another one."""


def _function(name: str) -> Callable[..., Traced]:
    def apply(*operands: Any) -> Traced:
        made = tuple(map(_made, operands))
        if name == "multiply":
            for each, other in zip(operands, reversed(made), strict=True):
                if not isinstance(each, Given) and _made(each) == Number(1.0):
                    return Traced(other)
        return Traced(Apply(name, made))

    return apply


def _made(operand: Any) -> Expression:
    return operand.made if isinstance(operand, Traced) else Number(float(operand))


def _install(method: str, function: Callable[..., Traced]) -> None:
    setattr(Traced, f"__{method}__", function)
    setattr(Traced, f"__r{method}__", lambda a, b: function(b, a))


for _method, _name in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power",
    "gt": "greater", "lt": "less", "eq": "equal",
}.items():
    _install(_method, _function(_name))


class _NumPy:
    """Stands for NumPy in a spelling."""

    pi = Traced(Number(math.pi))

    def where(self, condition: Any, yes: Any, no: Any) -> Traced:
        if _made(yes) == _made(no):  # as in the slope of leaky_relu at 0
            return Traced(_made(yes))
        return Traced(Where(_made(condition), _made(yes), _made(no)))

    def vectorize(self, name: str) -> Callable[..., Traced]:
        return _function(f"math.{name}")

    def __getattr__(self, name: str) -> Callable[..., Traced]:
        return _function(name)


class _Math:
    """Stands for Python's `math`, whose functions are for one number."""

    def __getattr__(self, name: str) -> str:
        return name


NAMES = {"np": _NumPy(), "math": _Math()}


@cache
def _spelling(text: str, arity: int | None) -> CodeType:
    operands = [f"x{i}" for i in range(arity or 0)]
    everything = "xs" if arity is None else ", ".join(operands)
    return compile(text.format(*operands, all=everything), text, "eval")


def formula(op: Op, operands: list[Expression], given: Collection[int] = ()) -> Expression:
    """Returns an operation on expressions, of which some are `given` numbers, by their places.

    For an operation of any number of operands, it gets one expression, with the operands along
    its last axis.

    >>> from micrograd_notes.engine.ops import relu
    >>> formula(relu, [Number(-1.0)])
    Apply(function='maximum', of=(Number(value=-1.0), Number(value=0.0)))
    """
    names = {f"x{i}": (Given if i in given else Traced)(x) for i, x in enumerate(operands)}
    if op.arity is None:
        names = {"xs": Traced(operands[0])}
    return _made(eval(_spelling(op.numpy, op.arity), {**NAMES, **names}))
