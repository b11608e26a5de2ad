"""A lifted program in JAX: its loss as a pure function of arrays, for `jax.jit` and many devices.

`Lifted.jax` makes it. JAX takes over from here: it compiles, differentiates, and spreads the work
over devices and machines, as the recipes in `notebooks/DEVICES.md` show. Read
`codegen/jax/emit.py` next, which writes the source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.certificate import made_up
from micrograd_notes.lifting.codegen import CannotPrint
from micrograd_notes.lifting.codegen.jax.emit import emit
from micrograd_notes.lifting.compiled import Compiled, too_deep
from micrograd_notes.lifting.guards.inputs import as_array, check_whole_numbers
from micrograd_notes.lifting.trace.recorded import CannotLift

if TYPE_CHECKING:
    from micrograd_notes.lifting.program import Lifted


class InJax:
    """The loss of a lifted program as a pure function of arrays. `Lifted.jax` makes it."""

    def __init__(self, lifted: Lifted) -> None:
        self._lifted = lifted

    def __call__(self, theta: Any, *data: Any) -> Any:
        """Returns the mean loss, or the outputs of a model without a loss."""
        return self._run("differentiable" if self._lifted._is_loss else "forward", theta, data)

    def value_and_grad(self, theta: Any, *data: Any) -> tuple[Any, Any]:
        """Returns the mean loss and its gradient, by the backward pass that the source shows."""
        if not self._lifted._is_loss:
            raise TypeError("this program does not have a loss. Lift one: lift(loss, model)")
        loss, gradient = self._run("loss_and_gradient", theta, data)
        return loss, gradient

    def source_for(self, *data: Any) -> str:
        """Returns the source for data of this shape."""
        self._lifted.look()
        given = self._lifted._inputs.checked(data)
        return self._printed(self._lifted._compiled_for(given))[0]

    def _run(self, name: str, theta: Any, data: Sequence[Any]) -> Any:
        import jax

        lifted = self._lifted
        lifted.look()
        # arrays of JAX may be symbols of `jit`, or lie on other machines, so nothing looks at them
        is_here = not any(isinstance(array, jax.Array) for array in data)
        given = lifted._inputs.checked(data) if is_here else data
        compiled = lifted._compiled_for(given)
        if is_here:
            check_whole_numbers(compiled.inputs, given)
        if lifted._check and not compiled.is_trusted:
            some = given if is_here else [*map(made_up, compiled.inputs)]
            lifted._hold(compiled, lifted.parameters(), some)
        if not isinstance(theta, jax.Array):
            digits = getattr(theta, "dtype", None)
            is_float = digits is not None and digits.kind == "f"
            theta = as_array("theta", theta).astype(digits if is_float else float)
        lifted._check_shape(theta)
        is_double = theta.dtype == float and not isinstance(theta, jax.core.Tracer)
        with jax.enable_x64(True) if is_double else nullcontext():
            arrays = [*map(jax.numpy.asarray, [theta, *given] if lifted._arrays else given)]
            found = self._printed(compiled)[1][name](*arrays)
            leaves = [a for a in jax.tree.leaves(found) if not isinstance(a, jax.core.Tracer)]
            if all(jax.numpy.isfinite(each).all() for each in leaves):
                return found
            if is_here and is_double:
                lifted._decide(compiled, np.asarray(theta), given)
            has_nan = lifted._is_loss and any(jax.numpy.isnan(each).any() for each in leaves)
            return self._printed(compiled.guarded)[1][name](*arrays) if has_nan else found

    def _printed(self, compiled: Compiled) -> tuple[str, dict[str, Any]]:
        """Returns the source of a program, and the functions in it."""
        if compiled.in_jax is None:
            try:
                source = emit(compiled.anew(), f"{compiled.title} For JAX.")
            except CannotPrint as error:
                raise CannotLift(f"the program can't be written for JAX: {error}") from None
            except RecursionError:
                why = too_deep(compiled.recorded)
                raise CannotLift(f"the program can't be written for JAX: {why}") from None
            functions: dict[str, Any] = {}
            exec(compile(source, f"<{compiled.title}>", "exec"), functions)
            if self._lifted._is_loss:
                functions["differentiable"] = _with_own_gradient(**functions)
            compiled.in_jax = source, functions
        return compiled.in_jax


def _with_own_gradient(
    loss: Callable[..., Any], loss_and_gradient: Callable[..., Any], **others: Any
) -> Callable[..., Any]:
    """Returns the loss, whose derivative by theta is that of the program's own backward pass.

    JAX would find another one where the learner stops a gradient: a frozen parameter, a `detach`.
    By the data, of which the program has no derivative, JAX differentiates the loss.
    """
    import jax
    from jax.custom_derivatives import SymbolicZero

    if "unpack" not in others:  # no parameters
        return loss

    def derivative(numbers: tuple[Any, ...], moves: tuple[Any, ...]) -> tuple[Any, Any]:
        theta, *data = numbers
        found, gradient = loss_and_gradient(*numbers)
        moved = jax.numpy.zeros_like(found)
        if not isinstance(moves[0], SymbolicZero):
            moved += jax.numpy.vdot(gradient, moves[0])
        places = [k for k, each in enumerate(moves) if k and not isinstance(each, SymbolicZero)]

        def of_data(*some: Any) -> Any:
            given = dict(zip(places, some, strict=True))
            return loss(theta, *[given.get(k, each) for k, each in enumerate(data, 1)])

        if places:
            at, along = (tuple([each[k] for k in places]) for each in (numbers, moves))
            moved += jax.jvp(of_data, at, along)[1]
        return found, moved

    made = jax.custom_jvp(loss)
    made.defjvp(derivative, symbolic_zeros=True)
    return made
