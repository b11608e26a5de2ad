"""The check of a large program against the scalars, as far as they fit in time and memory.

`program.py` calls `compare`. The gradient of scalars keeps a graph, of 240 bytes each; the loss
alone keeps none. So three members of the family are compared:

1. The base, the smallest: loss and gradient on several examples, as `lift` compares a program.
2. The largest one with at most `FITS` scalars: loss and gradient on one example.
3. If that is not the large model itself, the largest one with at most `MOST`: the loss. There, the
   gradient is compared with a difference of the program's own loss.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from micrograd_notes.common.users_line import users_line
from micrograd_notes.engine import Value, no_grad
from micrograd_notes.lifting.compiled import Compiled
from micrograd_notes.lifting.sizes.family import Large
from micrograd_notes.lifting.trace.net import EXAMPLES, Net, NotChecked, flat
from micrograd_notes.lifting.trace.record import CannotLift
from micrograd_notes.lifting.typed.expressions import (
    Examples,
    Expression,
    MatMul,
    Product,
    Program,
    Shape,
    Total,
    View,
    lines_of,
)

if TYPE_CHECKING:
    from micrograd_notes.lifting.sizes.program import OfSizes

FITS, MOST = 250_000, 4_000_000
ALIKE = 1e-9  # of the largest number: rounding differs by some 1e-15, and a wrong size by 0.1
ROUNDED = 1e-12  # of the largest of all derivatives: 4,500 roundings
STEP, NEAR = 1e-8, 1e-4  # of a difference: relus that change sign in between are off by it


class _Raised(Exception):
    """The scalars raised an error on an example."""


def compare(program: OfSizes, compiled: Compiled, given: Sequence[Any]) -> str:
    """Compares a large program with the scalars, and returns in words what was compared.

    Raises:
        CannotLift: they differ by more than rounding.
    """
    family = Comparison(program, compiled, given)
    family.hold_base()
    try:
        smaller, said = family.largest(FITS), ""
        if program._is_loss:
            family.hold_gradient(smaller)
            said = f"the gradient {family.words(smaller)}"
            if smaller.sizes == family.large.sizes:
                return said
        most = family.largest(MOST)
        family.hold_forward(most)
    except _Raised as error:
        message = f"the program was not compared with the scalars at large sizes, as {error}"
        warnings.warn_explicit(message, NotChecked, *(users_line() or (__file__, 1)))
        return f"the smallest model, since {error}"
    if program._is_loss and family.off_slope(family.large) > NEAR >= family.off_slope(smaller):
        raise _refusal(family.large, "the program's gradient is not the slope of its loss")
    what = ", the loss" if program._is_loss else "the outputs"
    return f"{said}{what} {family.words(most)}"


class Comparison:
    """Compares members of a family with the scalars, on data for the large one."""

    def __init__(self, program: OfSizes, compiled: Compiled, given: Sequence[Any]) -> None:
        assert isinstance(compiled.recorded, Large)
        self.program, self.compiled, self.large = program, compiled, compiled.recorded
        self.given, self.base = given, compiled.recorded.small.members[0].sizes

    def largest(self, most: int) -> Large:
        """Returns a member of which an example takes at most so many scalars.

        Sizes are halved until it fits: of those that save a quarter of the scalars, the one that
        costs the fewest parameters.
        """
        at, scalars = self.large, scalars_of(self.large.program())
        while scalars > most:
            halves = []
            for name, size in at.sizes.items():
                if size > self.base[name]:
                    half = at.at(at.sizes | {name: max(size // 2, self.base[name])})
                    halves.append((scalars_of(half.program()), -len(half.gradient), half))
            if not halves:
                break
            good = [each for each in halves if each[0] <= 0.75 * scalars] or halves
            scalars, _, at = min(good, key=lambda each: each[1])
        return at

    def words(self, at: Large) -> str:
        """Returns the sizes in which a member differs from the large model."""
        other = [f"{n}={size}" for n, size in at.sizes.items() if size != self.large.sizes[n]]
        return f"at {', '.join(other)}" if other else "at these sizes"

    def hold_base(self) -> None:
        """Raises CannotLift if the base differs from the scalars on some examples."""
        at = self.large.at(self.base)
        function, leaves = self._model(at)
        compiled, data = self.program._passed(at), at.cut(self.given)
        net = Net(function, self.program._is_loss, self.program._batch)

        def refused(theta: Any, example: Any, got: Any, expected: Any, where: str) -> CannotLift:
            return _refusal(at, f"{where}, {got.outputs} lifted, {expected.outputs} in the scalars")

        run = partial(self.program._computed, compiled, compiled.run)
        chosen = net.chosen(compiled.inputs, data, EXAMPLES)
        net.check(run, leaves, _numbers(leaves), data, chosen, False, refused)

    def hold_gradient(self, at: Large) -> None:
        """Raises CannotLift if loss or gradient differ on one example.

        The parameters are those of the model itself. Where they hide some derivatives, because
        weights are 0, a new model gets other numbers.
        """
        parameters = [array for array in at.arrays if array.is_parameter]
        if at.sizes == self.large.sizes:
            gradient = self._gradient(at, self.program._function, self.program._parameters)
            reached = [array for array in parameters if at.gradient[array.where[0]] >= 0]
            if all(gradient[array.where].any() for array in reached):
                return
        function, leaves = self._model(at)
        for leaf, number in zip(leaves, _moved(leaves).tolist(), strict=True):
            leaf._data = number
        self._gradient(at, function, leaves)

    def _gradient(self, at: Large, function: Callable[..., Any], leaves: Sequence[Value]) -> Any:
        """Returns the gradient of the scalars, if that of the program is like it."""
        loss, gradient = self._run(at, _numbers(leaves))
        before, is_collecting = [leaf._grad for leaf in leaves], gc.isenabled()
        gc.disable()  # it would walk the graph of millions of scalars again and again
        try:
            for leaf in leaves:
                leaf._grad = None
            scalars = self._scalars(at, function)
            if isinstance(scalars, Value) and scalars.requires_grad:
                scalars.backward()
            expected = _array([leaf._grad or 0.0 for leaf in leaves], len(leaves))
        finally:
            for leaf, kept in zip(leaves, before, strict=True):
                leaf._grad = kept
            if is_collecting:
                gc.enable()
        _hold_alike(at, "the loss", _numbers([loss]), _numbers([scalars]), ROUNDED)
        for array in at.arrays:
            if array.is_parameter:
                got, known = gradient[array.where], expected[array.where]
                allowed = ROUNDED * abs(expected).max()
                _hold_alike(at, f"a derivative by {array.name}", got, known, allowed)
        return expected

    def hold_forward(self, at: Large) -> None:
        """Raises CannotLift if the loss, or an output, differs on one example."""
        function, leaves = self.program._function, self.program._parameters
        if at.sizes != self.large.sizes:
            function, leaves = self._model(at)
        result = self._run(at, _numbers(leaves))
        with no_grad():
            scalars = _numbers([*flat(self._scalars(at, function))])
        is_loss = self.program._is_loss
        got = _numbers([result[0]]) if is_loss else result.reshape(-1)
        _hold_alike(at, "the loss" if is_loss else "an output", got, scalars, ROUNDED)

    def off_slope(self, at: Large) -> float:
        """Returns how far a slope of the loss is from the gradient, as a part of its length."""
        import numpy as np

        theta = _moved(self.program._parameters if at is self.large else self._model(at)[1])
        along = np.random.default_rng(0).normal(size=len(theta))
        ends = [self._run(at, theta + sign * STEP * along)[0] for sign in (1.0, -1.0)]
        gradient = self._run(at, theta)[1]
        off = (ends[0] - ends[1]) / (2 * STEP) - gradient @ along
        return float(abs(off) / (np.sqrt(gradient @ gradient) or 1.0))

    def _model(self, at: Large) -> tuple[Callable[..., Any], list[Value]]:
        return self.program._model_of({name: at.sizes[name] for name in self.program._sizes}, at)

    def _first(self, at: Large) -> list[Any]:
        return [array[:1] if self.program._batch else array for array in at.cut(self.given)]

    def _run(self, at: Large, theta: Any) -> Any:
        """Returns what the program of a member makes of the first example."""
        own = at.sizes == self.large.sizes
        compiled = self.compiled if own else self.program._passed(at)
        return self.program._computed(compiled, compiled.run, theta, self._first(at))

    def _scalars(self, at: Large, function: Callable[..., Any]) -> Any:
        """Returns what the learner's function makes of the first example."""
        try:
            data = [a[0] if self.program._batch else a for a in self._first(at)]
            return function(*[array.tolist() for array in data])
        except Exception as error:
            raise _Raised(f"the scalars raise {type(error).__name__}: {error}") from error


# ---- numbers -------------------------------------------------------------------------------------


def scalars_of(program: Program) -> int:
    """Returns about how many scalars an example takes: the operations of the forward half."""
    values = [*[line.value for line in lines_of(program.forward)], program.result]
    return sum(_operations(each) for value in values for each in value.walk())


def _operations(expression: Expression) -> int:
    if isinstance(expression, MatMul):
        return 2 * _count(expression.shape) * _count(expression.left.shape[-1:])
    if isinstance(expression, View) or not expression.operands:
        return 0
    each = 2 if isinstance(expression, Product) else 1
    each = len(expression.operands) - 1 if isinstance(expression, Total) else each
    return each * max(_count(one.shape) for one in (expression, *expression.operands))


def _count(shape: Shape) -> int:
    return prod([size.times if isinstance(size, Examples) else size for size in shape])


def _array(numbers: Iterable[float], count: int) -> Any:
    import numpy as np

    return np.fromiter(numbers, float, count)


def _numbers(values: Sequence[Any]) -> Any:
    numbers = (value._data if isinstance(value, Value) else value for value in values)
    return _array(numbers, len(values))


def _moved(leaves: Sequence[Value]) -> Any:
    """Returns other parameters of the same size: some that are 0, as biases are, hide faults."""
    import numpy as np

    theta = _numbers(leaves)
    size = float(np.sqrt(np.vdot(theta, theta) / len(theta))) or 0.1
    return theta + 0.3 * size * np.random.default_rng(0).normal(size=len(theta))


def _hold_alike(at: Large, what: str, got: Any, expected: Any, allowed: float) -> None:
    """Raises CannotLift if arrays differ by more than roundings of their largest number."""
    worst = int(abs(got - expected).argmax())
    if not abs(got - expected)[worst] <= allowed + ALIKE * abs(expected).max():
        a, b = float(got[worst]), float(expected[worst])
        raise _refusal(at, f"{what} is {a!r} lifted, {b!r} in the scalars")


def _refusal(at: Large, what: str) -> CannotLift:
    sizes = ", ".join(f"{name}={size}" for name, size in at.sizes.items())
    return CannotLift(
        f"lifted and scalars differ at {sizes}: {what}.\n  The program was made from smaller ones, "
        "and something depends on a size in a way that these do not show. Lift the model itself, "
        "which takes longer: lift(loss, model)."
    )
