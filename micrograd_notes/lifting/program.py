"""`lift` and the program that it returns: what a learner calls.

A program checks its data (`guards/inputs.py`) and compiles itself again for each new shape; read
`per_shape.py` next, which keeps, compares and runs what is compiled.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from copyreg import __newobj__  # type: ignore[attr-defined]
from importlib.util import find_spec
from operator import attrgetter
from types import FunctionType
from typing import Any, Protocol

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install, numpy as np
from micrograd_notes.engine import Value, modes
from micrograd_notes.engine.backward import sweeping
from micrograd_notes.lifting.certificate import Certificate, certified
from micrograd_notes.lifting.guards.inputs import check_whole_numbers
from micrograd_notes.lifting.guards.net import EXAMPLES
from micrograd_notes.lifting.in_jax import InJax
from micrograd_notes.lifting.native.call import Call
from micrograd_notes.lifting.native.known import KnownInC
from micrograd_notes.lifting.per_shape import Found, PerShape
from micrograd_notes.lifting.trace.name import arrays_of_lists, arrays_of_model
from micrograd_notes.lifting.trace.recorded import CannotLift


class HasParameters(Protocol):
    """A model, or another object that has the parameters of a loss."""

    def parameters(self) -> list[Value]:
        """Returns the leaves to adjust."""


class Lifted(PerShape):
    """A function of scalars that runs on arrays. `lift` makes it; see there for its use."""

    _made_by: tuple[Any, ...] | None = None  # what `_lifted` got

    # ---- running -------------------------------------------------------------------------------

    def __call__(self, *data: Any, **named: Any) -> Any:
        """Returns the mean loss over the batch, and adds to `.grad` of the parameters.

        Under `no_grad`, no gradient is added. The program of a model without a loss returns its
        outputs, (batch, outputs), and changes nothing.
        """
        if named:
            known, got = ", ".join(self._inputs.signature.parameters), ", ".join(named)
            raise TypeError(
                f"a lifted program takes its data in order, ({known}), got {got} by name. Leave "
                f"out the names: program({known})"
            )
        theta = self.parameters()
        if not self._is_loss:
            return self.outputs(theta, *data)
        loss, gradient = self.next_value_and_grad(theta, *data)
        if not modes.asked().forgets:
            with sweeping:
                gradients = enumerate(self._known().recorded.gradient)
                for flat in [k for k, at in gradients if at >= 0]:  # others do not have a gradient
                    parameter, derivative = self._parameters[flat], float(gradient[flat])
                    if parameter._requires_grad:
                        parameter._grad = (parameter._grad or 0.0) + derivative
        return loss

    def value_and_grad(self, theta: Any, *data: Any) -> tuple[float, Any]:
        """Returns the mean loss for these parameters, and its gradient; no parameter changes.

        Raises:
            ValueError: theta or the data have the wrong shape, or hold a nan.
            CannotLift: the function can't be lifted, or the program differs from the scalars.
        """
        self.look()
        return self.next_value_and_grad(theta, *data)

    def next_value_and_grad(self, theta: Any, *data: Any) -> tuple[float, Any]:
        """Returns the same as `value_and_grad`, if nothing outside has changed since its last call.

        A training loop checks that once per epoch: see `look`.
        """
        again = self._again
        result = None if again is None else again(theta, data)
        if result is not None:
            return result
        if not self._is_loss:
            raise TypeError("this program does not have a loss. Lift one: lift(loss, model)")
        return self._run(self._shaped(theta), data)  # type: ignore[no-any-return]

    def in_c(self) -> Call | KnownInC | None:
        """Returns the latest program in C; None unless it runs without further checks."""
        return self._again if isinstance(self._again, Call | KnownInC) else None

    def outputs(self, theta: Any, *data: Any) -> Any:
        """Returns the outputs of a lifted model for these parameters; no parameter changes.

        Raises:
            ValueError: theta or the data have the wrong shape, or hold a nan.
        """
        if self._is_loss:
            raise TypeError("this program has a loss instead of outputs. For those, lift(model)")
        self.look()
        return self.next_outputs(theta, *data)

    def next_outputs(self, theta: Any, *data: Any) -> Any:
        """Returns the same as `outputs`, if nothing outside has changed since its last call."""
        return self._run(self._checked(theta), data)

    def reaches(self, *data: Any) -> list[bool]:
        """Returns for each parameter whether the loss on data of this shape depends on it.

        For any data, the gradient of the others is 0, as is that of a frozen parameter.
        """
        self.look()
        compiled = self._compiled_for(self._inputs.checked(data))
        return [at >= 0 for at in compiled.recorded.gradient]

    def check(self, *data: Any, least: int = EXAMPLES, theta: Any = None) -> None:
        """Compares the program with the scalars on examples of the data.

        Args:
            *data: the data, as the program takes it.
            least: the least number of examples; those with labels that are new come first.
            theta: the numbers of the parameters; by default their own.

        Raises:
            CannotLift: loss or gradient differ by more than rounding.
        """
        checks.whole_number("least", least, 0)
        theta = self.parameters() if theta is None else self._checked(theta)
        given = self._inputs.checked(data)
        compiled = self._compiled_for(given)
        check_whole_numbers(compiled.inputs, given)
        self._hold(compiled, theta, given, least)

    def certify(
        self, *data: Any, points: int = 3, digits: int = 40, seed: int = 0,
        raise_exception: bool = False
    ) -> Certificate:
        """Returns to how many digits the printed source agrees with the function on scalars.

        Both run on numbers of many digits, so rounding hides nothing: a program that agrees to 40
        digits at three random points is right.

        Args:
            *data: the data, as the program takes it. Points are drawn near them, and near the
                parameters; whole numbers stay. Without data, the latest shape gets numbers of
                size 1.
            points: the number of points.
            digits: how many digits are compared.
            seed: decides which points.
            raise_exception: whether it raises an error if fewer digits agree.

        Raises:
            CannotLift: raise_exception is True, and fewer digits agree.
            TypeError: an operation of your own can't be computed with many digits.
            ImportError: mpmath is not installed.

        >>> w = Value(0.5)
        >>> print(lift(lambda x: (w * x).tanh(), parameters=w).certify([1.0, 2.0, 3.0]))
        certified: loss and gradient agree with the scalars to 40 digits, at 3 random points
        """
        checks.whole_number("points", points), checks.whole_number("digits", digits, 1, 1000)
        checks.seed(seed), checks.flag("raise_exception", raise_exception)
        self.look()
        if data or not self._inputs.signature.parameters:
            given = self._inputs.checked(data)
            compiled = self._compiled_for(given, is_latest=False)
            check_whole_numbers(compiled.inputs, given)
        else:
            given, compiled = None, self._known()
        certificate = certified(self, compiled, given, points, digits, seed)
        if raise_exception and not certificate:
            raise CannotLift(str(certificate))
        return certificate

    # ---- parameters ----------------------------------------------------------------------------

    def parameters(self) -> Any:
        """Returns the numbers of the parameters as a flat float64 vector, theta.

        They lie array by array, as `unpack` in the source shows, and `leaves` has their order.
        """
        self.look()
        data = map(attrgetter("_data"), self._parameters)
        return np.fromiter(data, dtype=np.float64, count=len(self._parameters))

    def leaves(self) -> list[Value]:
        """Returns the parameters themselves in the order of the flat vector."""
        self.look()
        return list(self._parameters)

    def load(self, theta: Any) -> None:
        """Sets the parameters from a flat vector; ValueError for a wrong length or a nan."""
        numbers = self._checked(theta).tolist()
        for parameter, number in zip(self._parameters, numbers, strict=True):
            parameter.data = number

    # ---- source --------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The NumPy source for the latest shape; it also works when pasted into a file."""
        return self._known().source

    def source_for(self, *data: Any) -> str:
        """Returns the source for data of another shape."""
        self.look()
        return self._compiled_for(self._inputs.checked(data), is_latest=False).source

    def jax(self) -> InJax:
        """Returns the loss as a pure function of arrays, for `jax.jit`, `jax.grad` and devices.

        `f(theta, x, y)` is the mean loss, and `f.value_and_grad(theta, x, y)` has the gradient too,
        by the program's own backward pass. So does `jax.grad(f)`, also at kinks and where no
        gradient flows, as behind a `detach`. By the data, JAX differentiates the loss by itself.
        Where a slope overflows, as that of `1 / (1 + exp(-w * x))` far out, `f.value_and_grad` is
        right outside of `jax.jit`, as in NumPy; inside, and in `jax.grad(f)`, it is nan. Where an
        infinite slope meets one of 0, as at the ends of `asin(clamp(w * x, -1, 1))`, the scalars
        give nan, and JAX may give 0.

        NumPy's float64 is computed in float64, and the result has it, whatever JAX is set to. Under
        `jax.jit`, JAX first makes it float32. `with jax.enable_x64(True):` around the call keeps
        it, and `theta.astype("float32")` asks for float32. A label that is out of range is refused
        if it is here; an array of JAX is not looked at, and then the loss is nan.

        Raises:
            ImportError: JAX is not installed.
            CannotLift: JAX lacks a function of the program, at the first call.
        """
        if find_spec("jax") is None:
            raise ImportError(f"program.jax() needs JAX: {install('jax')}")
        return InJax(self)

    @property
    def c_source(self) -> str:
        """The program in C for the latest shape; ValueError if it can't be printed in C."""
        return self._known().c_source()

    @property
    def backend(self) -> str:
        """The backend that runs the latest shape: "c", or "numpy" and why C does not run.

        >>> w = Value(0.5)
        >>> program = lift(lambda x: (w * x).tanh(), parameters=w)
        >>> loss = program([1.0, 2.0])
        >>> program.backend
        'numpy'
        """
        in_c = self._known().in_c
        return "numpy" if in_c is None else in_c.backend

    def explain(self) -> str:
        """Returns the result of each pass on the learner's own function, on a screen each."""
        return self._known().explained()

    def __copy__(self) -> "Lifted":
        """Returns this program, since a shallow copy has the same function and parameters."""
        return self

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        """Returns how to lift a copy of the function, together with its model."""
        if self._made_by is None or isinstance(self._function, FunctionType):
            raise TypeError(
                "a lifted program can't be copied or pickled unless its function brings its "
                f"parameters along, got {self._function!r}, which names them. Lift a method of the "
                "model, lift(model.loss, model), or lift again: lift(loss, copy.deepcopy(model))"
            )
        return __newobj__, (Lifted,), self._made_by

    def __setstate__(self, made_by: tuple[Any, ...]) -> None:
        """Lifts a copy. Its model may not have its parts yet, so the copy looks when it is used."""
        vars(self).update(vars(_lifted(*made_by)))

    def __repr__(self) -> str:
        self._look_first()
        return f"<lifted {self._name}, {len(self._parameters)} parameters>"


def checked_values(values: list[Value], is_loss: bool) -> list[Value]:
    """Returns the parameters; TypeError or ValueError if they are not ones."""
    if is_loss and not values:
        raise ValueError("there are no parameters. Pass the Values that training must adjust")
    for value in values:
        if not isinstance(value, Value) or value.op is not None:
            raise TypeError(f"parameters must be Values that no operation made, got {value!r}")
    return values


def lift(
    function: Callable[..., Any],
    model: HasParameters | None = None,
    *,
    parameters: Value | Sequence[Any] | Mapping[Any, Any] | None = None,
    batch: bool = True,
    check: bool = True,
    backend: str = "numpy",
) -> Lifted:
    """Returns the program on arrays that a function of scalars spells out.

    Args:
        function: a loss, loss(x, y), of one example: lists of `Value`s, nested if an array has more
            axes, and numbers. Or a model, to lift its outputs alone.
        model: an object whose `parameters()` are those of the loss.
        parameters: or the parameters themselves: `Value`s in arrays, or in lists nested like them.
        batch: whether the arrays have a leading axis, over which the loss of one example is
            averaged. With False, the function itself loops over the examples.
        check: whether the program is compared with the scalars before it is used. False trusts the
            compiler and saves the time of a few examples in scalars, for each shape of the data.
        backend: "numpy", or "c" to compile the program as C for this machine, several times faster,
            or "auto" for C if that takes the compiler a few seconds at most. C is compared with
            NumPy before it runs; NumPy runs if they differ or if C can't be compiled, with a
            warning (`NotInC`) for "c". `backend` of the program says which one runs, and why. The
            variable MICROGRAD_NOTES_BACKEND overrides it.

    Raises:
        TypeError: function is not a function, or a parameter is not a `Value`.
        ValueError: there are no parameters.
        ImportError: NumPy is not installed.

    The program records the function when it first gets data of a shape, and raises `CannotLift`, a
    `TypeError`, if a recording can't follow the function. Before it is used, at least three
    examples of the data are computed in scalars, too: one of each label, and one on which its
    gradient is not the slope of its own loss, if there is one. If loss or gradient differ by more
    than rounding, it raises `CannotLift`. So the function runs several times at first, later only
    for new labels; its side effects, such as counting calls, happen only then. Once the programs
    for two shapes agreed, those for further shapes begin with two examples.

    Plain numbers from outside of the function are constants of the program. It is compiled again
    when such a number changes, as far as they can be found, and when a parameter, a layer or an
    activation is replaced or frozen. Pass a number that changes often as an input instead.

    The flat vector of parameters has the order of the source's arrays, which `unpack` shows:
    `program.parameters()` and `program.load` translate, and `program.leaves()` has the `Value`s in
    this order. A layer's weights have a column per neuron, and its biases lie below them.

    Sums are reordered, so the last bits may differ from those of the scalars. NumPy follows IEEE
    rules: where the scalars raise, as log(-1) or 1 / 0 do, the program goes on with nan or inf, and
    its loss is nan, inf, or what follows from them: minimum(1 / x, 2) is 2 at 0. A warning
    (`NotChecked`) says so if it happens during the comparison. A function that catches such an
    error differs from its program there. It is refused where the result is nan or inf, as the
    scalars are computed for such examples, up to eight. Choose the operand instead:
    1 / where(x, x, 1).

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
        raise ImportError(f"lift writes NumPy: {install('data')}")
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"function must be a function of one example, got {checks.shown(function)}")
    if inspect.isbuiltin(function):
        raise TypeError(
            f"function must be written in Python, got {function!r}. Write a def that returns a "
            "Value, such as def loss(x, y)"
        )
    checks.flag("batch", batch), checks.flag("check", check)
    is_loss = model is not None or parameters is not None
    if model is not None and parameters is not None:
        raise TypeError("lift got both model and parameters. Pass one of them")
    holder: Any = model if is_loss else function
    if parameters is None and (not hasattr(holder, "parameters") or isinstance(holder, type)):
        name, got = "model" if is_loss else "function", checks.shown(holder)
        advice = "Pass the model of a loss after it, lift(loss, model), or its parameters=[...]"
        if is_loss and hasattr(function, "parameters"):
            advice = "The loss comes first: lift(loss, model)"
        raise TypeError(f"{name} must have parameters(), got {got}. {advice}")
    if parameters is None and not callable(holder.parameters):
        raise TypeError(
            "parameters of a model must be a method that returns them, got "
            f"{checks.shown(holder.parameters)}. Write def parameters(self), or pass them to lift: "
            "lift(loss, parameters=model.parameters)"
        )

    options = {"parameters": parameters, "batch": batch, "check": check, "backend": backend}
    program = _lifted(function, model, options)
    program.look()
    return program


def _lifted(function: Any, model: Any, options: dict[str, Any]) -> Lifted:
    """Returns a program that looks at the model and its parameters when it is used."""
    parameters = options["parameters"]
    is_loss = model is not None or parameters is not None
    holder: Any = model if is_loss else function

    def find() -> Found:
        if parameters is None:
            values, arrays = arrays_of_model(holder)
        else:
            values, arrays = arrays_of_lists(parameters, function)
        return checked_values(values, is_loss), arrays

    known = options["batch"], options["check"], options["backend"]
    program = Lifted(function, find, [holder, parameters], is_loss, *known)
    program._made_by = function, model, options
    return program
