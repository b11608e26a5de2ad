"""Every row of the table becomes a method of `Value`: `x.tanh()`, `a + b`, `np.arctan(array)`.

So `a + b` calls `value.record(ops.add, (a, b))`. The package calls `install` for each row, also for
one that you add.
"""

from typing import Any

from micrograd_notes.engine import value
from micrograd_notes.engine.op import Op, on_new_operation
from micrograd_notes.engine.value import Value, as_value

row_of_method: dict[str, str] = {}  # by its name in `Value`


def reference_methods(op: Op) -> dict[str, Any]:
    """Returns how `Value` spells a row: its own name, NumPy's, and Python's operator."""

    def forth(a: Value, b: Any) -> Any:
        return NotImplemented if as_value(b) is None else value.recorder(op, (a, b))

    def back(b: Value, a: Any) -> Any:
        return NotImplemented if as_value(a) is None else value.recorder(op, (a, b))

    def named(*operands: Any) -> Any:
        return value.recorder(op, operands)

    named.__name__, named.__qualname__ = op.name, f"Value.{op.name}"
    named.__doc__ = f"Returns {op.name} of it: see `micrograd_notes.engine.ops.{op.name}`."
    methods: dict[str, Any] = {op.name: named}
    if op.numpy_name is not None and is_free(op.numpy_name, op):
        methods[op.numpy_name] = named  # np.arctan(array) calls x.arctan() on each element
    if op.method is not None and op.is_simple and op.arity == 2:
        methods |= {f"__{op.method}__": forth, f"__r{op.method}__": back}
        for name, method in [*methods.items()][-2:]:
            method.__name__, method.__qualname__ = name, f"Value.{name}"
    elif op.method is not None:
        methods[f"__{op.method}__"] = named
    return methods


methods_of = reference_methods  # `fast` replaces it by the same methods, written out


def install(op: Op) -> None:
    """Makes a row a method of `Value`, and an operator where Python has one for it."""
    if op.is_helper:
        return
    found = methods_of(op)
    for name in found:
        if not is_free(name, op):
            raise ValueError(f"a Value has {name!r} already; choose another name than {op.name!r}")
    for name, method in found.items():
        row_of_method[name] = op.name
        setattr(Value, name, method)


def is_free(name: str, op: Op) -> bool:
    """Returns whether the row may be the method of that name.

    It may if the name is new or is this row's already. A row's own name goes before the name that
    another row has in NumPy.
    """
    owner = row_of_method.get(name)
    is_in_numpy_only = name == op.name and name[0] != "_" and owner not in (None, name)
    return not hasattr(Value, name) or owner == op.name or is_in_numpy_only


on_new_operation(install)
