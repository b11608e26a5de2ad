"""The check of a large program against the scalars, as far as they fit in time and memory.

`program.py` calls `compare`. The gradient of scalars keeps a graph, of 240 bytes each; the loss
alone keeps none. So three members of the family are compared:

1. The base, the smallest: loss and gradient on several examples, as `lift` compares a program.
   With as many labels as the large one: the loss at each label.
2. The largest one with at most `FITS` scalars, or one of sizes that the user chose: loss and
   gradient on one example.
3. The largest one with at most `MOST`, if it is larger: the loss.

The example is the one with the fewest derivatives that are 0: a 0 hides what it is multiplied with.

If none of these is the large model itself, its gradient is compared with a difference of its own
loss.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, partial
from math import ceil, prod
from typing import TYPE_CHECKING, Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.common.users_line import users_line
from micrograd_notes.engine import Value, no_grad
from micrograd_notes.engine.backward import backward
from micrograd_notes.lifting.compiled import Compiled
from micrograd_notes.lifting.guards.answers import called, flat
from micrograd_notes.lifting.guards.net import EXAMPLES, Net
from micrograd_notes.lifting.guards.outside import Outside
from micrograd_notes.lifting.guards.point import NotChecked
from micrograd_notes.lifting.guards.slopes import misfit
from micrograd_notes.lifting.sizes.formulas import Sizes, in_words
from micrograd_notes.lifting.sizes.small import Large
from micrograd_notes.lifting.trace.recorded import CannotLift
from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Program, lines_of

if TYPE_CHECKING:
    from micrograd_notes.lifting.sizes.program import OfSizes

FITS, MOST = 250_000, 1_500_000
SOME = 16  # examples of the data, of which one is compared
ALIKE = 1e-9  # of the largest number: rounding differs by some 1e-15, and a wrong size by 0.1
ROUNDED = 1e-12  # of the largest of all derivatives: 4,500 roundings
STEP, NEAR = 1e-8, 1e-4  # of a difference: relus that change sign in between are off by it


class _Raised(Exception):
    """The scalars raised an error on an example."""


def compare(
    program: OfSizes, compiled: Compiled, given: Sequence[Any], sizes: Sizes | None
) -> str:
    """Compares a large program with the scalars, and returns in words what was compared.

    The gradient is compared with these sizes changed; without them, as large as it fits.

    Raises:
        CannotLift: they differ by more than rounding.
    """
    large = Comparison(program, compiled, given)
    base, is_loss = large.at.small.members[0].sizes, program._is_loss
    large.of(large.at.at(base)).hold_examples()
    try:
        at_labels = large.hold_labels(base)
        if sizes is None:
            most = _largest(MOST, large, base)
            member = _largest(FITS if is_loss else MOST, most, base)
        else:
            member = large.of(large.at.at(large.at.sizes | sizes))
            is_more = scalars_of(member.at.program()) >= MOST
            most = member if is_more else _largest(MOST, large, base)
        if is_loss:
            member.hold_gradient()
        else:
            member.hold_forward()
        said = f"the {'gradient' if is_loss else 'outputs'} {_words(member.at, large.at)}"
        if scalars_of(member.at.program()) < scalars_of(most.at.program()):
            most.hold_forward()
            said += f", the {'loss' if is_loss else 'outputs'} {_words(most.at, large.at)}"
    except _Raised as error:
        message = f"the program was not compared with the scalars at large sizes, as {error}"
        warnings.warn_explicit(message, NotChecked, *(users_line() or (__file__, 1)))
        return f"the smallest model, since {error}"
    said += f", {'the loss' if is_loss else 'outputs'} at each label" * at_labels
    if is_loss and member is not large and large.off_slope() > NEAR >= member.off_slope():
        raise _refusal(large.at, "the program's gradient is not the slope of its loss")
    return said


def _largest(most: int, member: Comparison, base: Sizes) -> Comparison:
    """Returns a member that is not larger, and whose example takes at most so many scalars.

    Where `make` or the family does not take the halves of sizes, they keep what is left when they
    are divided by 2, as odd sides do, or by 4, 8, or another size; and the base is always taken.
    """
    for step in (1, 2, 4, 8, *member.at.sizes.values()):
        with suppress(Exception):  # of the learner's code, too
            return member.of(_halved(most, member.at, base, step))
    return member.of(member.at.at(base))


def _halved(most: int, at: Large, base: Sizes, step: int) -> Large:
    """Returns a member of at most so many scalars, with the rests of sizes divided by `step`.

    Sizes are halved, one after the other, each time the one that is the largest multiple of its
    size in the base.
    """
    while scalars_of(at.program()) > most:
        name = max(base, key=lambda name: at.sizes[name] / base[name])
        size, half = at.sizes[name], at.sizes[name] // 2
        if size <= base[name]:
            break
        at = at.at(at.sizes | {name: max(half - (half - size) % step, base[name])})
    return at


def _words(at: Large, large: Large) -> str:
    """Returns the sizes in which a member differs from the large model."""
    other = {name: size for name, size in at.sizes.items() if size != large.sizes[name]}
    return f"at {in_words(other)}" if other else "at these sizes"


class Comparison:
    """A member of a family, the large one at first: its program, its scalars, and data for both."""

    def __init__(self, program: OfSizes, compiled: Compiled, given: Sequence[Any]) -> None:
        assert isinstance(compiled.recorded, Large)
        self.program, self.compiled, self.at = program, compiled, compiled.recorded
        self.data, self.is_own = given, True
        self.function, self.leaves = program._function, program._parameters

    def of(self, at: Large) -> Comparison:
        """Returns another member, with a new model; or this one for the same sizes."""
        if at.sizes == self.at.sizes:
            return self
        other = Comparison(self.program, self.program._passed(at), at.cut(self.data))
        other.is_own = False
        other.function, other.leaves = self.program._model_of(at)
        return other

    def hold_examples(self) -> None:
        """Raises CannotLift if it differs from the scalars on some examples."""

        def refused(theta: Any, example: Any, got: Any, expected: Any, where: str) -> CannotLift:
            said = f"{where}, {got.outputs} lifted, {expected.outputs} in the scalars"
            return _refusal(self.at, said)

        net = Net(self.function, self.program._is_loss, self.program._batch)
        net.generators = Outside([self.function], self.leaves).generators
        run = partial(self.program._computed, self.compiled, self.compiled.run)
        chosen = net.chosen(self.compiled.inputs, self.data, EXAMPLES)
        net.check(run, self.leaves, _numbers(self.leaves), self.data, chosen, False, refused)

    @cached_property
    def examples(self) -> list[list[Any]]:
        """Examples, first those on which the program gives the fewest zeros.

        The data may begin with one that has weight 0, or zeros for many features; so one is made
        of the numbers of all of them that are not 0.
        """
        rows, theta = [[*self.data]], _numbers(self.leaves)
        if self.program._batch:
            several = range(min([len(array) for array in self.data], default=1))[:SOME]
            rows = [[array[[k]] for array in self.data] for k in several]
        found = list[tuple[int, int, list[Any]]]()
        for example in [*rows, self._mixed()]:
            try:
                result = self._run(theta, example)
            except CannotLift:
                if len(found) < len(rows):
                    raise
                break  # what is made up may be no example
            parts = result if self.program._is_loss else [result]
            numbers = np.concatenate([np.reshape(part, -1) for part in parts])
            zeros = np.count_nonzero(numbers == 0) if np.isfinite(numbers).all() else len(theta) + 2
            found.append((zeros, len(found), example))
        return [example for *_, example in sorted(found, key=lambda each: each[:2])]

    def _mixed(self) -> list[Any]:
        """Returns an example of numbers that are not 0, and of labels, of all of the examples."""
        draw, mixed = np.random.default_rng(0), []
        for array in self.data:
            shape = (1, *array.shape[1:]) if self.program._batch else array.shape
            is_label = array.dtype.kind in "iu"
            among = array.reshape(-1) if is_label else array[array != 0]
            mixed.append(draw.choice(among, shape) if among.size else np.zeros(shape, array.dtype))
        return mixed

    def hold_labels(self, base: Sizes) -> bool:
        """Raises CannotLift if it differs at a label, where labels alone are many.

        Returns whether there are such labels. A list of constants that a label chooses from may go
        on in another way than it begins.
        """
        def belows(sizes: Sizes) -> list[int | None]:
            return [array.below for array in self.at.at(sizes).inputs]

        grow = {name: size for name, size in self.at.sizes.items() if size > base[name]}
        of_base = belows(base)
        sizes = {name: n for name, n in grow.items() if belows(base | {name: n}) != of_base}
        if not sizes:
            return False
        member = None
        with suppress(Exception):  # the learner's code need not take them together
            member = _largest(FITS, self.of(self.at.at(base | sizes)), base)
        if member is None:
            return False
        arrays = member.at.inputs
        places = [(array.below or 0) / (prod(array.shape) or 1) for array in arrays]
        for k in range(ceil(max(places))):
            example = [
                numbers if array.below is None
                else np.arange(k * numbers.size, (k + 1) * numbers.size).reshape(numbers.shape)
                % array.below
                for array, numbers in zip(arrays, member.examples[0], strict=True)
            ]
            try:
                member._forward_on(example)
            except _Raised:  # what is made up may be no example
                return False
        return True

    def hold_gradient(self) -> None:
        """Raises CannotLift if loss or gradient differ on one example.

        The learner's own model keeps its numbers. Where they hide some derivatives, because weights
        are 0, it is a new model that gets other ones, as it is at other sizes.
        """
        if self.is_own:
            at, gradient = self.at, self._gradient()
            reached = [array for array in at.parameters if at.gradient[array.where[0]] >= 0]
            if all(gradient[array.where].any() for array in reached):
                return
            self.function, self.leaves = self.program._model_of(self.at)
        for leaf, number in zip(self.leaves, _moved(self.leaves).tolist(), strict=True):
            leaf._data = number
        self._gradient()

    def _gradient(self) -> Any:
        """Returns the gradient of the scalars, if that of the program is like it."""
        return self._on_an_example(self._gradient_on)

    def hold_forward(self) -> None:
        """Raises CannotLift if the loss, or an output, differs on one example."""
        self._on_an_example(self._forward_on)

    def _on_an_example(self, hold: Callable[[list[Any]], Any]) -> Any:
        """Compares on the first example on which the scalars do not raise an error."""
        for example in self.examples[:-1]:
            with suppress(_Raised):
                return hold(example)
        return hold(self.examples[-1])

    def _gradient_on(self, example: list[Any]) -> Any:
        loss, gradient = self._run(_numbers(self.leaves), example)
        before = [leaf._grad for leaf in self.leaves]
        try:
            for leaf in self.leaves:
                leaf._grad = None
            scalars = self._scalars(example)
            if isinstance(scalars, Value) and scalars.requires_grad:
                backward(scalars, order=_ordered(scalars))
            expected = _numbers([leaf._grad or 0.0 for leaf in self.leaves])
        finally:
            for leaf, kept in zip(self.leaves, before, strict=True):
                leaf._grad = kept
        self._hold_alike("the loss", _numbers([loss]), _numbers([scalars]), ROUNDED)
        allowed = ROUNDED * abs(expected).max()
        for array in self.at.parameters:
            got, known = gradient[array.where], expected[array.where]
            self._hold_alike(f"a derivative by {array.name}", got, known, allowed)
        return expected

    def _forward_on(self, example: list[Any]) -> None:
        result = self._run(_numbers(self.leaves), example)
        is_loss = self.program._is_loss
        got = _numbers([result[0]]) if is_loss else result.reshape(-1)
        with no_grad():
            scalars = _numbers([*flat(self._scalars(example))])
        self._hold_alike("the loss" if is_loss else "an output", got, scalars, ROUNDED)

    def off_slope(self) -> float:
        """Returns how far a slope of the loss is from the gradient, as a part of its length."""
        theta = _moved(self.leaves)
        along = np.random.default_rng(0).normal(size=len(theta))
        run = partial(self._run, example=self.examples[0])
        off, length = misfit(run, theta, along, STEP)
        return off / (length or 1.0)

    def _run(self, theta: Any, example: list[Any]) -> Any:
        """Returns what the program makes of an example."""
        try:
            return self.program._computed(self.compiled, self.compiled.run, theta, example)
        except Exception as error:  # such as an index that is out of range
            raise _refusal(self.at, f"it fails, with {type(error).__name__}: {error}") from error

    def _scalars(self, example: list[Any]) -> Any:
        """Returns what the learner's function makes of an example."""
        try:
            first = [array[0] if self.program._batch else array for array in example]
            return called(self.function, [array.tolist() for array in first], self.leaves)
        except Exception as error:
            raise _Raised(f"the scalars raise {type(error).__name__}: {error}") from error

    def _hold_alike(self, what: str, got: Any, expected: Any, allowed: float) -> None:
        """Raises CannotLift if arrays differ by more than roundings of their largest number."""
        worst = int(abs(got - expected).argmax())
        if not abs(got - expected)[worst] <= allowed + ALIKE * abs(expected).max():
            a, b = float(got[worst]), float(expected[worst])
            raise _refusal(self.at, f"{what} is {a!r} lifted, {b!r} in the scalars")


def _ordered(loss: Value) -> list[Value]:
    """Returns every value that the loss was made from, as `fast.fast_order` does.

    What is in the order is marked by its gradient, and not in a set: each look at a set of millions
    of nodes misses the processor's caches.
    """
    order, stack, leaves, mark = list[Any](), list[Any]([loss]), list[Any](), float("0.0")
    while stack:
        node = stack.pop()
        if node is None:  # all operands of the node beneath are in the order now
            order.append(stack.pop())
            continue
        if node._grad is mark:
            continue
        left, right = node._left, node._right
        if left is None:
            leaves.append((node, node._grad))
            order.append(node)
        else:
            stack.append(node)
            stack.append(None)
            if left.__class__ is tuple:
                stack.extend(reversed(left))
            else:
                if right is not None and right._grad is not mark:
                    stack.append(right)
                if left._grad is not mark:
                    stack.append(left)
        node._grad = mark
    for leaf, before in leaves:
        leaf._grad = before
    return order


# ---- numbers -------------------------------------------------------------------------------------


def scalars_of(program: Program) -> int:
    """Returns about how many scalars an example takes in the forward half."""
    values = [*[line.value for line in lines_of(program.forward)], program.result]
    return sum(operations(each) for value in values for each in value.walk())


def operations(expression: Expression) -> int:
    """Returns about how many scalars an expression takes for an example."""
    if isinstance(expression, ex.MatMul):
        return 2 * prod(ex.sizes_at((*expression.shape, *expression.left.shape[-1:])))
    if isinstance(expression, ex.View) or not expression.operands:
        return 0
    each = 2 if isinstance(expression, ex.Product) else 1
    each = len(expression.operands) - 1 if isinstance(expression, ex.Total) else each
    return each * max(prod(ex.sizes_at(one.shape)) for one in (expression, *expression.operands))


def _numbers(values: Sequence[Any]) -> Any:
    numbers = (value._data if isinstance(value, Value) else value for value in values)
    return np.fromiter(numbers, float, len(values))


def _moved(leaves: Sequence[Value]) -> Any:
    """Returns other parameters of the same size: some that are 0, as biases are, hide faults."""
    theta = _numbers(leaves)
    size = float(np.sqrt(np.vdot(theta, theta) / len(theta))) or 0.1
    return theta + 0.3 * size * np.random.default_rng(0).normal(size=len(theta))


def _refusal(at: Large, what: str) -> CannotLift:
    return CannotLift(
        f"lifted and scalars differ at {in_words(at.sizes)}: {what}.\n  The program was "
        "made from smaller ones, and something depends on a size in a way that these do not show. "
        "Lift the model itself, which takes longer: lift(loss, model)."
    )
