"""What `lift` returns: a program on arrays that recompiles itself for each new shape.

This file checks what comes in, runs the passes, keeps what they made, and runs it.
"""

import inspect
import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from operator import attrgetter
from threading import RLock
from typing import Any, Protocol

from micrograd_notes.common import checks
from micrograd_notes.engine import Value, modes
from micrograd_notes.engine import value as engine
from micrograd_notes.engine.backward import sweeping
from micrograd_notes.lifting.again import Result, call_again, takes_all_as_they_are
from micrograd_notes.lifting.arrays.arrange import Arrangement, arrange
from micrograd_notes.lifting.codegen.emit import emit
from micrograd_notes.lifting.passes.group import Grouping, group
from micrograd_notes.lifting.passes.simplify import simplify
from micrograd_notes.lifting.trace.blame import refusal
from micrograd_notes.lifting.trace.inputs import (
    Inputs,
    as_array,
    check_choices,
    check_number,
    holds_nan,
)
from micrograd_notes.lifting.trace.name import (
    arrays_of_lists,
    arrays_of_model,
    names_of_the_source,
    unused,
)
from micrograd_notes.lifting.trace.net import EXAMPLES, Net
from micrograd_notes.lifting.trace.outside import Outside
from micrograd_notes.lifting.trace.record import CannotLift, record
from micrograd_notes.lifting.trace.tape import Array, Recording

Shapes = tuple[tuple[bool, tuple[int, ...]], ...]
Key = tuple[Shapes, tuple[bool, ...]]  # the shapes of the inputs, and which parameters are frozen
Found = tuple[list[Value], list[Array]]


class HasParameters(Protocol):
    """What has the parameters of a loss: a model, or any other object."""

    def parameters(self) -> list[Value]:
        """Returns the leaves to adjust."""


@dataclass
class Compiled:
    """The program for one shape of the inputs: what each pass made, the source, the function."""

    recorded: Recording
    simplified: Recording
    grouped: Grouping
    arranged: Arrangement
    source: str
    run: Callable[..., Any]
    inputs: list[Array]
    guarded: "Compiled | None" = field(default=None, repr=False)
    is_trusted: bool = False  # held against the scalars


class Lifted:
    """A function of scalars that runs on arrays. `lift` makes it, and says how it is used."""

    def __init__(
        self,
        function: Callable[..., Any],
        find: Callable[[], Found],
        roots: Sequence[Any],
        is_loss: bool,
        batch: bool,
        check: bool,
    ) -> None:
        self._function, self._find, self._roots = function, find, [function, *roots]
        self._is_loss, self._batch, self._check = is_loss, batch, check
        self._compiled: dict[Key, Compiled] = {}
        self._latest: Compiled | None = None
        self._again: Callable[[Any, Sequence[Any]], Result | None] | None = None
        self._outside: Callable[[], bool] | None = None
        self._freezings = -1
        self._lock = RLock()
        try:
            self._inputs = Inputs(inspect.signature(function), batch)
        except ValueError:  # of some built-in functions Python knows no arguments
            raise TypeError(
                f"function must be one that names its arguments, got {function!r}. Write a def"
            ) from None
        self.look()

    # ---- running -------------------------------------------------------------------------------

    def __call__(self, *data: Any) -> Any:
        """Returns the mean loss over the batch, and adds to `.grad` of the parameters.

        Under `no_grad` no gradient is added. A program of a model alone returns its outputs,
        (batch, outputs), and changes nothing.
        """
        theta = self.parameters()
        if not self._is_loss:
            return self.outputs(theta, *data)
        loss, gradient = self.next_value_and_grad(theta, *data)
        if not modes.asked().forgets:
            with sweeping:
                for flat in self._known().recorded.gradient:  # others have no gradient, not 0
                    parameter, derivative = self._parameters[flat], float(gradient[flat])
                    if parameter._requires_grad:
                        parameter._grad = (parameter._grad or 0.0) + derivative
        return loss

    def value_and_grad(self, theta: Any, *data: Any) -> tuple[float, Any]:
        """Returns the mean loss for these parameters, and its gradient; no parameter changes.

        Raises:
            ValueError: theta or the data have another shape than is asked for, or hold a nan.
            CannotLift: the function can't be lifted, or the program is not what the scalars are.
        """
        self.look()
        return self.next_value_and_grad(theta, *data)

    def next_value_and_grad(self, theta: Any, *data: Any) -> tuple[float, Any]:
        """Returns what `value_and_grad` does, where nothing outside has changed since a call of it.

        A training loop asks once an epoch whether it has: see `look`.
        """
        again = self._again
        result = None if again is None else again(theta, data)
        if result is not None:
            return result
        if not self._is_loss:
            raise TypeError("this program has no loss; lift(loss, model) has one")
        return self._run(self._shaped(theta), data)  # type: ignore[no-any-return]

    def outputs(self, theta: Any, *data: Any) -> Any:
        """Returns the outputs of a lifted model for these parameters; no parameter changes.

        Raises:
            ValueError: theta or the data have another shape than is asked for, or hold a nan.
        """
        if self._is_loss:
            raise TypeError("this program has a loss and no outputs; lift(model) has them")
        self.look()
        return self.next_outputs(theta, *data)

    def next_outputs(self, theta: Any, *data: Any) -> Any:
        """Returns what `outputs` does, where nothing outside has changed since a call of it."""
        return self._run(self._checked(theta), data)

    def reaches(self, *data: Any) -> list[bool]:
        """Returns, for each parameter, whether the loss on data of this shape depends on it.

        The gradient of the others is 0 whatever the data, as that of a frozen one is.
        """
        self.look()
        gradient = self._compiled_for(self._inputs.checked(data)).recorded.gradient
        return [flat in gradient for flat in range(len(self._parameters))]

    def check(self, *data: Any, least: int = EXAMPLES, theta: Any = None) -> None:
        """Holds the program against the scalars on examples of the data.

        Args:
            *data: as the program takes it.
            least: how many examples, at least; those with a label that was not checked come first.
            theta: the numbers of the parameters; by default those that they have.

        Raises:
            CannotLift: loss or gradient differ, by more than rounding.
        """
        checks.whole_number("least", least, 0)
        theta = self.parameters() if theta is None else self._checked(theta)
        given = self._inputs.checked(data)
        self._hold(self._compiled_for(given), theta, given, least)

    def _run(self, theta: Any, data: Sequence[Any]) -> Any:
        given = self._inputs.checked(data)
        compiled = self._compiled_for(given)
        self._again = None
        for array, numbers in zip(compiled.inputs, given, strict=True):
            if array.below is not None:
                check_choices(array, numbers)
        if self._check and not (compiled.is_trusted and self._net.is_content(compiled.inputs)):
            self._hold(compiled, theta, given, 0 if compiled.is_trusted else EXAMPLES)
        is_checked = not self._check or self._net.is_content(compiled.inputs)
        if self._is_loss and is_checked and takes_all_as_they_are(compiled.inputs):
            self._again = call_again(compiled.run, compiled.inputs, given, len(theta))
        return self._computed(compiled, theta, given)

    def _computed(self, compiled: Compiled, theta: Any, given: Sequence[Any]) -> Any:
        """Returns what the program computes from arrays that were looked at."""
        import numpy as np

        given = [  # to be calculated with, and NumPy's whole numbers overflow
            numbers.astype(float) if array.is_whole and array.below is None else numbers
            for array, numbers in zip(compiled.inputs, given, strict=True)
        ]
        with np.errstate(all="ignore"):  # IEEE rules: what overflows is inf
            result = compiled.run(theta, *given)
            if not self._is_loss:
                return result
            loss, gradient = result
            if loss != loss or holds_nan(gradient):
                self._checked(theta)
                loss, gradient = self._guarded(compiled).run(theta, *given)
        return float(loss), gradient

    def _hold(self, compiled: Compiled, theta: Any, given: Sequence[Any], least: int) -> None:
        """Holds a program against the scalars; then it is trusted."""

        def run(theta: Any, data: Sequence[Any]) -> Any:
            try:
                return self._computed(compiled, theta, data)
            except Exception as error:
                raise _failed("the program that was made of it fails", error) from error

        chosen = self._net.chosen(compiled.inputs, given, least)
        known = self._function, self._parameters, compiled.recorded.arrays, compiled.source
        is_trusted = compiled.is_trusted
        self._net.check(
            run, self._parameters, theta, given, chosen, is_trusted, partial(refusal, *known)
        )
        compiled.is_trusted = True
        # what the function itself changed while it ran is as it should be
        self._outside = Outside(self._roots, self._parameters).is_as_it_was

    def _guarded(self, compiled: Compiled) -> Compiled:
        """Returns the program whose products of the chain rule are 0 where the adjoint is 0."""
        if compiled.guarded is None:
            compiled.guarded = self._passes(compiled.recorded, guarded=True)
        return compiled.guarded

    # ---- parameters ----------------------------------------------------------------------------

    def parameters(self) -> Any:
        """Returns the numbers of the parameters as a flat float64 vector, in their order."""
        import numpy as np

        self.look()
        data = map(attrgetter("_data"), self._parameters)
        return np.fromiter(data, dtype=np.float64, count=len(self._parameters))

    def load(self, theta: Any) -> None:
        """Sets the parameters from a flat vector.

        Raises:
            ValueError: the vector has another length, or holds a nan.
        """
        for parameter, number in zip(self._parameters, self._checked(theta).tolist(), strict=True):
            parameter.data = number

    def _shaped(self, theta: Any) -> Any:
        theta = as_array("theta", theta).astype(float, copy=False)
        if theta.shape != (len(self._parameters),):
            raise ValueError(
                f"theta must be a flat vector of {len(self._parameters)} numbers, one per "
                f"parameter, got an array of shape {theta.shape}"
            )
        return theta

    def _checked(self, theta: Any) -> Any:
        theta = self._shaped(theta)
        check_number("theta", theta)
        return theta

    # ---- what it was made of -------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The NumPy source of the latest shape; it works by itself when pasted into a file."""
        return self._known().source

    def source_for(self, *data: Any) -> str:
        """Returns the source for data of another shape."""
        self.look()
        latest = self._latest
        found = self._compiled_for(self._inputs.checked(data)).source
        self._latest = latest or self._latest
        return found

    def explain(self) -> str:
        """Returns what each pass made of the learner's own function, on its latest shape."""
        made = self._known()
        recorded, simplified = made.recorded.tape, made.simplified.tape
        groups, lines = made.grouped.groups, made.arranged.statements
        return "\n".join(
            [
                f"1. record: {len(recorded):,} numbers, as one example makes them; first the",
                "   function's own, then those of its gradient by the chain rule",
                recorded.text(),
                f"2. simplify: {len(simplified):,} are left; equal ones are one, 1 * x is x, and a",
                "   chain of sums is one sum",
                simplified.text(),
                f"3. group: numbers that are made alike are one array, {len(groups):,} of them",
                made.grouped.text(),
                f"4. arrange: {len(lines):,} lines; each array has axes, n that of the examples,",
                "   and a sum of products along one of them is a matrix product, @",
                made.arranged.text(),
                "5. emit: names, and what is used once where it is used",
                made.source,
            ]
        )

    def _known(self) -> Compiled:
        if self._latest is None:
            raise RuntimeError(
                "nothing is compiled yet, as that takes a shape: call the program with data first, "
                "or source_for(data)"
            )
        return self._latest

    def __repr__(self) -> str:
        name = getattr(self._function, "__name__", type(self._function).__name__)
        return f"<lifted {name}, {len(self._parameters)} parameters>"

    # ---- compiling -----------------------------------------------------------------------------

    def look(self) -> bool:
        """Forgets the programs if something changed outside that they were compiled for.

        Returns whether it did.
        """
        is_as_it_was = self._outside is not None and self._outside()
        with self._lock:
            if not is_as_it_was:
                self._parameters, self._arrays = self._find()
                self._compiled, self._latest, self._freezings = {}, None, -1
                self._net = Net(self._function, self._is_loss, self._batch)
                self._outside = Outside(self._roots, self._parameters).is_as_it_was
            if self._freezings != engine.freezings:
                self._freezings, self._again = engine.freezings, None
                self._frozen = tuple([not p._requires_grad for p in self._parameters])
        return not is_as_it_was

    def _compiled_for(self, given: Sequence[Any]) -> Compiled:
        skip = 1 if self._batch else 0
        shapes = tuple([(array.dtype.kind == "i", array.shape[skip:]) for array in given])
        key = shapes, self._frozen
        compiled = self._compiled.get(key)
        if compiled is None:
            with self._lock:
                if key not in self._compiled:
                    self._compiled[key] = self._passes(self._recorded(shapes))
                    self._outside = Outside(self._roots, self._parameters).is_as_it_was
                compiled = self._compiled[key]
        self._latest = compiled
        return compiled

    def _recorded(self, key: Shapes) -> Recording:
        names = self._inputs.names(len(key))
        used = names_of_the_source(self._arrays)
        inputs = []
        for name, (is_whole, shape) in zip(names, key, strict=True):
            inputs.append(Array(unused(name, used), shape, False, self._batch, is_whole))
            used.add(inputs[-1].name)
        return record(
            self._function, self._parameters, self._arrays, inputs, self._is_loss, self._batch
        )

    def _passes(self, recorded: Recording, guarded: bool = False) -> Compiled:
        try:
            return self._made(recorded, guarded)
        except CannotLift:
            raise
        except Exception as error:
            raise _failed("the compiler fails on it", error) from error

    def _made(self, recorded: Recording, guarded: bool) -> Compiled:
        simplified = simplify(recorded, guarded)
        grouped = group(simplified)
        arranged = arrange(grouped)
        name = getattr(self._function, "__name__", type(self._function).__name__)
        written = emit(arranged, f"{name}, lifted from scalars to arrays by micrograd_notes.")
        namespace: dict[str, Any] = {}
        file = f"<lifted {name} {id(arranged):x}>"
        linecache.cache[file] = (len(written), None, written.splitlines(True), file)
        exec(compile(written, file, "exec"), namespace)
        entry = namespace["loss_and_gradient" if self._is_loss else "forward"]
        run = entry if self._arrays else lambda theta, *given: entry(*given)
        inputs = [array for array in recorded.arrays if not array.is_parameter]
        return Compiled(recorded, simplified, grouped, arranged, written, run, inputs)


def _failed(what: str, error: Exception) -> CannotLift:
    return CannotLift(
        f"the function can't be lifted: {what}, with {type(error).__name__}: {error}. Please "
        "report it, with the function. Until that is mended, train with fit(..., lifted=False)."
    )


def lift(
    function: Callable[..., Any],
    model: HasParameters | None = None,
    *,
    parameters: Value | Sequence[Any] | Mapping[Any, Any] | None = None,
    batch: bool = True,
    check: bool = True,
) -> Lifted:
    """Returns the program on arrays that a function of scalars spells out.

    Args:
        function: a loss, loss(x, y), of one example: lists of `Value`s, nested where an array has
            more axes, and numbers. Or a model, to lift its outputs alone.
        model: what has the parameters of the loss, by `parameters()`.
        parameters: or the parameters themselves, `Value`s in lists, nested as they are arrays.
        batch: whether the arrays have a leading axis, over which the loss of one example is
            averaged. With False the function has a loop over examples of its own.
        check: whether the program is held against the scalars before it is used. False saves what
            a few examples cost in scalars, for each shape of the data, and trusts the compiler.

    Raises:
        TypeError: function is not a function, or a parameter is not a `Value`.
        ValueError: there are no parameters.
        ImportError: NumPy is not installed.

    The program records the function when it first meets a shape, and then raises `CannotLift`, a
    `TypeError`, if it does what a recording can't follow. Before it is used, at least three
    examples of the data, with one of each label, are computed in scalars, too: if loss or gradient
    differ by more than rounding, it raises `CannotLift`. So the function runs several times at
    first, and later only for labels that are new: what it does beside returning a loss, such as
    counting its calls, happens then, and not at each call of the program.

    Plain numbers that the function takes from outside are constants of the program. It is compiled
    again when one of them changes, as far as they can be found, or a parameter, a layer or an
    activation is replaced, or frozen. A number that changes often is better given as an input.

    Sums are reordered, so the last bits may differ from those of the scalars. NumPy goes by IEEE
    rules: where the scalars raise, as log(-1) does, the loss is not a number, and a warning
    (`NotChecked`) says so if that is met while the program is checked.

    >>> from micrograd_notes.nn import MLP
    >>> model = MLP(2, [1], seed=0)
    >>> program = lift(lambda x, y: (model(x) - y) ** 2, model)
    >>> loss = program([[1.0, 2.0], [3.0, 4.0]], [0.5, -0.5])
    >>> x, y = model.layers[0].neurons[0].w
    >>> expected = [(x.data + 2 * y.data - 0.5) ** 2, (3 * x.data + 4 * y.data + 0.5) ** 2]
    >>> abs(loss - sum(expected) / 2) < 1e-12
    True
    """
    if find_spec("numpy") is None:
        raise ImportError("lift writes NumPy: python -m pip install 'micrograd-notes[data]'")
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"function must be a function of one example, got {checks.shown(function)}")
    checks.flag("batch", batch), checks.flag("check", check)
    is_loss = model is not None or parameters is not None
    if model is not None and parameters is not None:
        raise TypeError("lift takes a model or parameters=[...], not both")
    holder: Any = model if is_loss else function
    if parameters is None and (not hasattr(holder, "parameters") or isinstance(holder, type)):
        name, got = "model" if is_loss else "function", checks.shown(holder)
        raise TypeError(f"{name} must have parameters(), got {got}. Or pass parameters=[...]")

    def find() -> Found:
        if parameters is None:
            values, arrays = arrays_of_model(holder)
        else:
            values, arrays = arrays_of_lists(parameters, function)
        if is_loss and not values:
            raise ValueError("there are no parameters. Pass the Values that training must adjust")
        for value in values:
            if not isinstance(value, Value) or value.op is not None:
                raise TypeError(f"parameters must be Values that no operation made, got {value!r}")
        return values, arrays

    return Lifted(function, find, [holder, parameters], is_loss, batch, check)
