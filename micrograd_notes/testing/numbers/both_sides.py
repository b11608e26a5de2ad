"""A lifted program and the scalars that it was lifted from, both with many digits.

The source is run as it is printed. An array of floats is one of mpmath's numbers, whether it comes
in, or a constant or a comparison makes it. A function of `np` or `math` is the counterpart of the
row that the table spells with it. Every other one is NumPy's own, which adds, multiplies, compares
and moves numbers. The scalars are `Value`s, so the engine finds their gradient, too. A number that
depends on constants alone is a float on both sides, but 0.3 - 1 in the source, of which the scalars
have the parts, is not. `lifting.certificate` compares them.
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np

from micrograd_notes.common.checks import is_number
from micrograd_notes.engine import modes
from micrograd_notes.engine.messages import completed
from micrograd_notes.engine.op import TABLE, Op, lookup
from micrograd_notes.engine.stand_ins import stand_in
from micrograd_notes.engine.value import Value, as_value
from micrograd_notes.testing.numbers.precise import MOST_BITS, OpaqueError, Precise, counterpart

mp = mpmath.mp


class Exact(Value):
    """A `Value` with as many digits as mpmath works with, where stand-ins are in use."""

    __slots__ = ("number",)
    __hash__ = Value.__hash__

    @property
    def is_given(self) -> bool:
        """Whether it is a number of the data."""
        return self.op is None and not self._requires_grad

    def __eq__(self, other: object) -> Any:
        return _truth(operator.eq, self, other) if self.is_given else super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        return _truth(operator.ne, self, other) if self.is_given else super().__ne__(other)

    def __lt__(self, other: Any) -> Any:
        return _truth(operator.lt, self, other)

    def __le__(self, other: Any) -> Any:
        return _truth(operator.le, self, other)

    def __gt__(self, other: Any) -> Any:
        return _truth(operator.gt, self, other)

    def __ge__(self, other: Any) -> Any:
        return _truth(operator.ge, self, other)

    def __init__(self, data: Any, name: str | None = None, requires_grad: bool = True) -> None:
        self.number = number_of(data)
        super().__init__(float(self.number), name, requires_grad)

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> Any:
        values: Any = modes.standing_for(tuple([as_value(x) for x in completed(op, operands)]))
        numbers = tuple([Precise(number_of(x)) for x in values])
        result = Exact(Precise._apply_(op, numbers).number)
        if not mp.isfinite(result.number):
            op.forward(*[value._data for value in values])  # raises what the scalars raise
        result.op, result.operands = op, values
        result._requires_grad = any(
            value._requires_grad and op.is_differentiated(i) for i, value in enumerate(values)
        )
        return modes.kept(result)

    def detach(self) -> "Exact":
        """Returns the same number, which no gradient flows through."""
        return Exact(self.number, self.name, False)


def _truth(relation: Callable[[Any, Any], bool], one: Exact, other: Any) -> Any:
    """Returns 1 or 0 as the recording has it, so 0.9 * (y == k) + 0.02 is not rounded either."""
    other = stand_in(other)
    if not (isinstance(other, Value) or is_number(other)):
        return NotImplemented
    return Exact(float(relation(one.number, number_of(other))), requires_grad=False)


def number_of(given: Any) -> Any:
    """Returns a number or a `Value` as a number of mpmath; `math.pi` is pi, as `np.pi` is."""
    if isinstance(given, np.generic):  # mpmath 1.3 knows NumPy's floats, but not its whole numbers
        given = given.item()
    if isinstance(given, Exact):
        return given.number
    number = mpmath.mpf(getattr(given, "_data", given))
    return number if abs(number) != math.pi else +mp.pi if number > 0 else -mp.pi


class Many(np.ndarray):
    """An array of mpmath's numbers; of whole numbers, as labels are; or of truths."""

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        """Applies a function of NumPy that works number by number, or along an axis."""
        result = _applied(ufunc, method, [np.asarray(x) for x in inputs], options)
        if out is None:
            return many(result)
        np.asarray(out[0])[...] = result
        return out[0]

    def __getitem__(self, index: Any) -> Any:
        """Returns a part, which is an array even where it is one number, also a whole one."""
        return many(np.asarray(super().__getitem__(index), self.dtype))

    def __setitem__(self, index: Any, value: Any) -> None:
        """Sets a part; an array of one number sets that number."""
        value = np.asarray(value)
        value = _numbers(value) if self.dtype.kind == "O" else value
        super().__setitem__(index, value if value.shape else value[()])


def many(given: Any) -> Any:
    """Returns an array with many digits for its floats; whole numbers and truths stay."""
    array = np.asarray(given)
    return (_numbers(array) if array.dtype.kind == "f" else array).view(Many)


def _numbers(array: Any) -> Any:
    is_done = array.dtype.kind == "O"  # an array that is written to must stay itself
    return array if is_done else np.asarray(np.frompyfunc(number_of, 1, 1)(array), object)


def _applied(ufunc: Any, method: str, arrays: list[Any], options: dict[str, Any]) -> Any:
    apply = getattr(ufunc, method)
    if all(array.dtype.kind in "biu" for array in arrays):
        result = apply(*arrays, **options)
        if np.asarray(result).dtype.kind in "biu":  # nothing is rounded
            return result
    if method == "__call__" and (function := _counterpart("np.{}", ufunc.__name__)) is not None:
        apply = np.frompyfunc(function, ufunc.nin, 1)
    places = 1 if method in ("at", "reduceat") else None  # of numbers, as whole ones
    return apply(*[a if i == places else _numbers(a) for i, a in enumerate(arrays)], **options)


def _counterpart(spelling: str, name: str) -> Callable[..., Any] | None:
    """Returns the function with many digits; None where the numbers' own operators have them."""
    spelled = re.compile(re.escape(spelling.format(name)) + r"\([{\w}, ]*\)")
    rows = (op for op in TABLE.values() if op.mpmath is not None and spelled.fullmatch(op.numpy))
    op = lookup("power") if name == "power" else next(rows, None)
    function = partial(counterpart, op) if op else getattr(mp, name, None)
    function = {"divide": _divide, "rint": mp.nint}.get(name, function)
    return partial(_in_range, function) if function else None


def _divide(a: Any, b: Any) -> Any:
    return a / b if b else a * mp.inf  # by the rules of IEEE: 0 / 0 is nan


def _in_range(function: Callable[..., Any], *numbers: Any) -> Any:
    """Returns the result; inf, or 0, where its size is beyond what the counterparts take."""
    result = function(*numbers)
    size = mp.mag(result) if mp.isfinite(result) and result else 0
    return result if abs(size) <= MOST_BITS else result * (mp.inf if size > 0 else 0)


class _Function:
    """A function of NumPy that gets and returns arrays of many digits."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.kinds = (float, np.ndarray, *([int] if isinstance(function, np.ufunc) else []))

    def __call__(self, *given: Any, **options: Any) -> Any:
        def made(x: Any) -> Any:
            if isinstance(x, list):  # of arrays, or of lists of numbers, as in np.concatenate
                return [many(np.stack(each)) if isinstance(each, list) else each for each in x]
            x = object if x is float else x  # the type of numbers
            return many(x) if isinstance(x, self.kinds) else x

        given = tuple([made(x) for x in given])
        try:
            result = self.function(*given, **options)
        except TypeError as error:
            if "ufunc" not in str(error):
                raise
            name = self.function.__name__
            raise OpaqueError(f"np.{name} does not have a counterpart with many digits") from error
        return [*map(many, result)] if isinstance(result, list | tuple) else many(result)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)  # as np.add.reduceat


class _Names:
    """`np` or `math`, as a source calls them."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        thing = getattr(self.module, "zeros" if name == "empty" else name)  # which has numbers
        if isinstance(thing, float):  # pi, e, inf
            return many(+getattr(mp, name, mpmath.mpf(thing)))
        if self.module is math:
            return _counterpart("np.vectorize(math.{})", name) or thing
        return thing if isinstance(thing, type) else _Function(thing)


def with_many_digits(source: str) -> dict[str, Any]:
    """Returns the names that a source of NumPy defines; its functions take `many(array)`.

    >>> names = with_many_digits("import numpy as np\\ndef f(x): return np.exp(x) / 3")
    >>> with mpmath.workdps(30):
    ...     print(names["f"](many(1.0)))
    0.906093942819681745120095823784
    """
    names: dict[str, Any] = {"_many": number_of}
    tree = ast.fix_missing_locations(_ManyDigits().visit(ast.parse(source)))
    exec(compile(tree, "<the printed source>", "exec"), names)
    for name, constant in names.items():
        if isinstance(constant, np.ndarray) and constant.dtype.kind == "f":
            names[name] = many(constant)
    names |= {"np": _Names(np), "math": _Names(math)}
    return names


class _ManyDigits(ast.NodeTransformer):
    """Gives many digits to numbers that a source calculates with, as 1 / 3 - 1 in x ** (1 / 3 - 1).

    1 / 3, 2 ** 0.5 and 1 / 2 ** 0.5 are how floats are written, and have the digits of these.
    """

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Returns an operation on two numbers as one on numbers of many digits."""
        sides = [node.left, node.right]
        if not all(map(_is_number, sides)) or _is_number(node):
            return self.generic_visit(node)
        left, right = [ast.Call(ast.Name("_many", ast.Load()), [side], []) for side in sides]
        return ast.BinOp(left, node.op, right)


def _is_number(node: ast.AST) -> bool:
    """Returns whether an expression is how a number is written."""
    match node:
        case ast.Constant(int() | float()):
            return True
        case ast.UnaryOp(ast.USub(), of):
            return _is_number(of)
        case ast.BinOp(ast.Constant(int()), ast.Pow(), ast.Constant(0.5)):
            return True
        case ast.BinOp(ast.Constant(int()) | ast.UnaryOp(), ast.Div(), ast.Constant(int())):
            return True
        case ast.BinOp(ast.Constant(1) | ast.UnaryOp(), ast.Div(), ast.BinOp() as root):
            return _is_number(root)
    return False
