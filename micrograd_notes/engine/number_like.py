"""How a `Value` behaves as a number: its comparisons, and the conversions that it refuses.

`Value` inherits from `NumberLike`. Type checkers and editors find the rows of the table here as
methods; at run time `methods` installs them.
"""

import operator
from collections.abc import Callable
from numbers import Number
from typing import TYPE_CHECKING, Any

from micrograd_notes.common.checks import is_number
from micrograd_notes.engine import ops


def _refused(what: str, instead: str) -> Callable[..., Any]:
    def method(self: Any, *others: Any) -> Any:
        raise TypeError(f"{what} would lose the gradient of a Value: write {instead}")

    return method


def _named_here(theirs: str, ours: str) -> Any:
    """Returns a property that refuses a name of micrograd's lecture, and says ours."""

    def refuse(self: Any, *given: Any) -> Any:
        raise AttributeError(f"micrograd's `{theirs}` is `{ours}` here")

    return property(refuse, refuse)


def _compared(relation: Callable[[Any, Any], bool]) -> Any:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, NumberLike):
            return relation(self._data, other._data)
        return relation(self._data, other) if is_number(other) else NotImplemented

    return method


class NumberLike:
    """The part of `Value` that behaves as a float does."""

    __slots__ = ()
    _data: float

    __lt__, __le__ = _compared(operator.lt), _compared(operator.le)
    __gt__, __ge__ = _compared(operator.gt), _compared(operator.ge)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Number) or is_number(other):
            raise TypeError(f"a Value is a node and never equals {other!r}. Write v.data == number")
        return True if self is other else NotImplemented

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self._data)

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    # Conversions by which Python would take the number out of a Value.
    __float__ = _refused("float()", "exp(v) from micrograd_notes, not math.exp(v), or v.data")
    __complex__ = _refused("complex()", "complex(v.data)")
    __int__ = __trunc__ = _refused("int()", "floor(v), which records, or int(v.data)")
    __ceil__ = _refused("ceil()", "-floor(-v), which records, or math.ceil(v.data)")
    __index__ = _refused(  # Python asks for one in [1, 2] * v and "a" * v, too
        "an index, or a list or a text times a Value,",
        "pick(values, v), which records, values[int(v.data)], or [v * x for x in values]"
    )
    __mod__ = __rmod__ = _refused("%", "a - b * floor(a / b)")
    __floordiv__ = __rfloordiv__ = _refused("//", "floor(a / b)")
    __divmod__ = __rdivmod__ = _refused("divmod()", "floor(a / b), and a - b * floor(a / b)")

    if not TYPE_CHECKING:
        label = _named_here("label", "name")
        _prev = _named_here("_prev", "operands")
        _op = _named_here("_op", "op")
        _backward = _named_here("_backward", "op.partials")

    if TYPE_CHECKING:  # for editors and type checkers: the rows that `install` makes methods
        from micrograd_notes.engine.helper_ops import equal, greater, step, where
        from micrograd_notes.engine.ops import (
            abs,
            acos,
            acosh,
            add,
            asin,
            asinh,
            atan,
            atan2,
            atanh,
            cbrt,
            cos,
            cosh,
            divide,
            elu,
            erf,
            erfc,
            exp,
            expm1,
            floor,
            gelu,
            hypot,
            leaky_relu,
            log,
            log1p,
            logaddexp,
            logsigmoid,
            logsumexp,
            multiply,
            neg,
            pos,
            power,
            relu,
            round,
            sigmoid,
            sign,
            silu,
            sin,
            sinh,
            softplus,
            sqrt,
            subtract,
            tan,
            tanh,
        )

        __add__ = __radd__ = ops.add
        __sub__ = __rsub__ = ops.subtract
        __mul__ = __rmul__ = ops.multiply
        __truediv__ = __rtruediv__ = ops.divide
        __pow__ = __rpow__ = ops.power
        __neg__, __pos__, __abs__ = ops.neg, ops.pos, ops.abs
        __floor__, __round__ = ops.floor, ops.round
