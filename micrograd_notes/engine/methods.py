"""How the rows of the table become methods of `Value`: `x.tanh()`, `a + b`, `np.arctan(array)`.

This file knows what such a method is called: by the row's own name, by Python's operator for it,
and by NumPy's name. What a method does is in the engine. Importing the package is enough.
"""

import re
from collections.abc import Callable
from typing import Any

from micrograd_notes.engine.op import Op, on_new_operation
from micrograd_notes.engine.value import (
    Value,
    as_value,
    method_of_any_operands,
    method_of_one_operand,
    method_of_two_operands,
)

_row_of_method: dict[str, str] = {}


def _install(op: Op) -> None:
    """Makes a row of the table a method of `Value`, and an operator where Python has one for it."""
    named: Any = method_of_any_operands(op)
    if op.is_simple and op.arity == 1:
        named = method_of_one_operand(op)
    named.__name__ = op.name
    named.__doc__ = f"Returns {op.name} of it: see `micrograd_notes.engine.ops.{op.name}`."
    methods = {op.name: named}
    if op.method is not None:
        is_binary = op.is_simple and op.arity == 2
        methods[f"__{op.method}__"] = method_of_two_operands(op) if is_binary else named
        if is_binary:
            methods[f"__r{op.method}__"] = _reflected(methods[f"__{op.method}__"])
    for name in methods:
        if not _is_free(name, op):
            raise ValueError(f"a Value has {name!r} already; choose another name than {op.name!r}")
    # NumPy calls a method of its own name on each element: np.arctan(array) asks for x.arctan().
    spelled = re.fullmatch(r"np\.(\w+)\(\{0\}(, \{1\})?\)", op.numpy)
    if spelled and _is_free(spelled[1], op):
        methods[spelled[1]] = named
    for name, method in methods.items():
        _row_of_method[name] = op.name
        setattr(Value, name, method)


def _is_free(name: str, op: Op) -> bool:
    """Returns whether the row may be the method of that name: it is new, or that row's already."""
    return not hasattr(Value, name) or _row_of_method.get(name) == op.name


def _reflected(forth: Callable[[Value, Any], Any]) -> Callable[[Value, Any], Any]:
    def back(self: Value, other: Any) -> Any:
        other = as_value(other)
        return NotImplemented if other is None else forth(other, self)

    return back


on_new_operation(_install)
