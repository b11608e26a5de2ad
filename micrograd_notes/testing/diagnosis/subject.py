"""The function that is checked, and its inputs: it is run again and again on fresh leaves.

The inputs are numbers, lists of them, or the parameters of a module, which keep their data and
gradients. `gradcheck` makes a `Subject`; read `diagnosis.surroundings` next.
"""

import inspect
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from micrograd_notes.common import checks
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import Op
from micrograd_notes.nn import Module
from micrograd_notes.testing.diagnosis.report import in_words
from micrograd_notes.testing.programs.random_programs import Program

__all__ = ["UNDEFINED", "Run", "Subject"]

UNDEFINED = (ArithmeticError, ValueError, AssertionError, LookupError, RuntimeError)
"""Errors that a function may raise where it is not defined. Other errors are slips, and go on."""


class Run(NamedTuple):
    """One evaluation of the function: the leaves it was given, and what it returned."""

    inputs: list[Value]
    output: Value

    @property
    def program(self) -> Program:
        """The recorded graph, as a function of the inputs."""
        return Program.recorded(self.output, self.inputs)


class Subject:
    """A function and the point at which it is checked; `gradcheck` says what they may be."""

    def __init__(
        self, function: Callable[..., Any], xs: Sequence[Any], module: Module | None, limit: int,
        seed: int,
    ) -> None:
        if not callable(function):
            raise TypeError(f"f must be a function of Values, got {briefly(function)}")
        if module is not None:
            checks.module(module, "module")
        limit, seed = checks.whole_number("limit", limit), checks.seed(seed)
        self._function = function
        self._shapes = xs
        self._module = module
        self.name = _name_of(function)
        self._gets_module = module is not None and not checks.takes(function, len(xs))
        self.names, self.numbers = _flattened(function, xs, int(self._gets_module))
        self.left_out = 0
        self.parameters: list[Value] = []
        if module is not None:
            self._take_parameters(module, limit, seed)
        if not self.names:
            raise ValueError(
                "there is nothing to differentiate: give xs, the numbers to check at, as in "
                "gradcheck(f, 0.5), or module=model"
            )

    def _take_parameters(self, module: Module, limit: int, seed: int) -> None:
        named = [(name, value) for name, value in module.named_parameters() if value.requires_grad]
        chosen = named
        if len(named) > limit:
            chosen = random.Random(seed).sample(named, limit)
            chosen.sort(key=named.index)
        self.left_out = len(named) - len(chosen)
        self.parameters = [value for _, value in chosen]
        self.names += [name for name, _ in chosen]
        self.numbers += [checks.finite_number(f"module: {name}", x.data) for name, x in chosen]

    def run(self, numbers: Sequence[float] | None = None) -> Run:
        """Returns a run at other numbers, or at those of the point.

        Raises:
            TypeError: the function returns something other than a `Value`.
        """
        numbers = self.numbers if numbers is None else numbers
        own = len(numbers) - len(self.parameters)
        leaves = [
            Value(x, name) for x, name in zip(numbers[:own], self.names[:own], strict=True)
        ]
        for parameter, number in zip(self.parameters, numbers[own:], strict=True):
            parameter._data = number
            parameter._grad = None
        output = self._called(leaves)
        if not isinstance(output, Value):
            raise TypeError(
                f"{self.name} must return one Value, got {briefly(output)}; "
                "if it has several results, return their sum, or check them one by one"
            )
        return Run([*leaves, *self.parameters], output)

    def _called(self, leaves: list[Value]) -> Any:
        rest = iter(leaves)
        arguments: list[Any] = [_filled(shape, rest) for shape in self._shapes]
        if self._gets_module:
            arguments = [self._module, *arguments]
        try:
            return self._function(*arguments)
        except (TypeError, AttributeError) as error:
            wanted = "f must take the xs as Values, in lists as they are"
            raise TypeError(f"{wanted}: {self.name} raises {in_words(error)}") from error

    def number(self, numbers: Sequence[float]) -> float:
        """Returns the function's value alone; nan where it is not defined."""
        try:
            return self.run(numbers).output.data
        except UNDEFINED:
            return math.nan

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Gives the module's parameters back the data and the gradients that they had."""
        parameters = [] if self._module is None else list(self._module.parameters())
        before = [(value._data, value._grad, value._born) for value in parameters]
        try:
            yield
        finally:
            for value, (data, grad, born) in zip(parameters, before, strict=True):
                value._data, value._grad, value._born = data, grad, born


def _name_of(function: Any) -> str:
    if isinstance(function, Op):
        return function.name
    name = getattr(function, "__name__", type(function).__name__)
    return "the function" if name == "<lambda>" else str(name)


def _flattened(
    function: Any, xs: Sequence[Any], before: int
) -> tuple[list[str], list[float]]:
    """Returns a name and a number for each input: those of a list x are x[0], x[1].

    So many arguments come before the inputs.
    """
    names: list[str] = []
    numbers: list[float] = []

    def walk(name: str, x: Any) -> None:
        x = checks.plain(x)
        if isinstance(x, list | tuple) and name.count("[") < 8:  # a list may hold itself
            for i, part in enumerate(x):
                walk(f"{name}[{i}]", part)
        else:
            checks.operand(f"xs must be numbers, or lists of them: {name}", x)
            number = x.data if isinstance(x, Value) else x
            numbers.append(checks.finite_number(f"xs must be numbers: {name}", number))
            names.append(name)

    for name, x in zip(argument_names(function, before + len(xs))[before:], xs, strict=True):
        walk(name, x)
    return names, numbers


def argument_names(function: Any, count: int) -> list[str]:
    """Returns the names of the function's own arguments where it has them, else x0, x1.

    >>> argument_names(lambda a, b: a * b, 2), argument_names(lambda *xs: sum(xs), 2)
    (['a', 'b'], ['x0', 'x1'])
    """
    if isinstance(function, Op):
        function = function.forward
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(plain) >= count:
        return plain[:count]
    return ["x"] if count == 1 else [f"x{i}" for i in range(count)]


def _filled(shape: Any, leaves: Iterator[Value]) -> Any:
    shape = checks.plain(shape)
    if isinstance(shape, list | tuple):
        return [_filled(part, leaves) for part in shape]
    return next(leaves)


def briefly(x: Any) -> str:
    """Returns a short text for what a function returned."""
    if x is None:
        return "None"
    if isinstance(x, list | tuple):
        return f"a {type(x).__name__} of {len(x)}"
    return f"{checks.shown(x)} ({type(x).__name__})"
