"""The programs of a function: one per shape of its data, made when data of that shape come.

A program is recorded and compiled (`compiled.py`), compared with the scalars (`guards/net.py`), and
run, in C if that was asked for and computes what NumPy does (`native/backend.py`). If something
outside of the function has changed (`guards/outside.py`), all of them are forgotten.

`program.py` has what a learner calls, and derives it from this.
"""

import inspect
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from threading import RLock
from typing import Any

from micrograd_notes.common.backends import asked_for
from micrograd_notes.common.extras import numpy as np
from micrograd_notes.common.uncollected import uncollected
from micrograd_notes.common.users_line import users_line
from micrograd_notes.engine import Value, value as engine
from micrograd_notes.lifting.compiled import Compiled, failed, passed
from micrograd_notes.lifting.guards.again import Result, call_again
from micrograd_notes.lifting.guards.blame import refusal
from micrograd_notes.lifting.guards.infinite import is_finite, not_finite
from micrograd_notes.lifting.guards.inputs import (
    Inputs,
    as_array,
    check_number,
    check_whole_numbers,
    holds_nan,
)
from micrograd_notes.lifting.guards.net import AT_MOST, EXAMPLES, Net
from micrograd_notes.lifting.guards.outside import Outside
from micrograd_notes.lifting.guards.slopes import suspects
from micrograd_notes.lifting.native.backend import InC, NotInC, Run
from micrograd_notes.lifting.native.call import Call
from micrograd_notes.lifting.native.known import KnownInC
from micrograd_notes.lifting.passes.record import record
from micrograd_notes.lifting.trace.name import in_order, names_of_the_source, unused
from micrograd_notes.lifting.trace.recorded import CannotLift
from micrograd_notes.lifting.trace.tape import Array, Recording

Shapes = tuple[tuple[bool, tuple[int, ...]], ...]
Key = tuple[Shapes, tuple[bool, ...]]  # the shapes of the inputs; which parameters are frozen
Found = tuple[list[Value], list[Array]]


class PerShape:
    """The programs of a function.

    `find` returns the parameters and their arrays, and `roots` are what the function comes from.
    """

    _checks_labels = True  # those that are new are compared with the scalars

    def __init__(
        self, function: Callable[..., Any], find: Callable[[], Found], roots: Sequence[Any],
        is_loss: bool, batch: bool, check: bool, backend: str
    ) -> None:
        self._function, self._find, self._roots = function, find, [function, *roots]
        self._is_loss, self._batch, self._check = is_loss, batch, check
        wanted = asked_for(backend)
        self._wanted = wanted if is_loss else backend  # the variable does not ask for outputs in C
        self._compiled: dict[Key, Compiled] = {}
        self._latest: Compiled | None = None
        self._shapes: Shapes | None = None  # of the latest program, also when it was forgotten
        self._again: Callable[[Any, Sequence[Any]], Result | None] | None = None
        self._outside: Callable[[], bool] | None = None
        self._freezings = -1
        self._lock = RLock()
        try:
            self._inputs = Inputs(inspect.signature(function), batch)
        except ValueError:  # as for some built-in functions
            raise TypeError(
                f"function must have named arguments, got {function!r}. Write a def"
            ) from None

    # ---- making --------------------------------------------------------------------------------

    def look(self) -> bool:
        """Forgets the programs if something outside has changed; returns whether it has."""
        is_as_it_was = self._outside is not None and self._outside()
        with self._lock:
            if not is_as_it_was:
                self._parameters, self._arrays = in_order(*self._find())
                self._compiled, self._latest, self._freezings = {}, None, -1
                self._net = Net(self._function, self._is_loss, self._batch)
                self._note_outside()
            if self._freezings != engine.freezings:
                freezings, self._again = engine.freezings, None
                self._frozen = tuple([not p._requires_grad for p in self._parameters])
                self._freezings = freezings  # last, as all of this may be interrupted
        return not is_as_it_was

    def _look_first(self) -> None:
        if self._outside is None:  # a copy that is used for the first time
            self.look()

    def _note_outside(self) -> None:
        """Notes the outside as it is: what the function changed while it ran does not count."""
        outside = Outside(self._roots, self._parameters)
        self._outside, self._net.generators = outside.is_as_it_was, outside.generators

    def _compiled_for(self, given: Sequence[Any], is_latest: bool = True) -> Compiled:
        skip = 1 if self._batch else 0
        shapes = tuple([(array.dtype.kind == "i", array.shape[skip:]) for array in given])
        return self._compiled_at(shapes, is_latest)

    def _compiled_at(self, shapes: Shapes, is_latest: bool = True) -> Compiled:
        key = shapes, self._frozen
        compiled = self._compiled.get(key)
        if compiled is None:
            with self._lock, uncollected():
                if key not in self._compiled:
                    self._compiled[key] = self._passed(self._recorded(shapes))
                compiled = self._compiled[key]
        if is_latest or self._latest is None:
            self._latest, self._shapes = compiled, shapes
        return compiled

    def _recorded(self, key: Shapes) -> Recording:
        names = self._inputs.names(len(key))
        used = names_of_the_source(self._arrays)
        inputs = []
        for name, (is_whole, shape) in zip(names, key, strict=True):
            inputs.append(Array(unused(name, used), shape, False, self._batch, is_whole))
            used.add(inputs[-1].name)
        recorded = record(
            self._function, self._parameters, self._arrays, inputs, self._is_loss, self._batch
        )
        self._note_outside()
        return recorded

    def _passed(self, recorded: Recording) -> Compiled:
        return passed(recorded, self._name)

    @property
    def _name(self) -> str:
        return str(getattr(self._function, "__name__", type(self._function).__name__))

    def _known(self) -> Compiled:
        """Returns the latest program, compiled anew if it was forgotten."""
        if self._latest is None and self._shapes is not None:
            return self._compiled_at(self._shapes)
        if self._latest is None:
            raise RuntimeError(
                "nothing is compiled yet, because that needs a shape. Call the program with data "
                "first, or source_for(data)"
            )
        return self._latest

    # ---- running -------------------------------------------------------------------------------

    def _shaped(self, theta: Any) -> Any:
        self._look_first()
        theta = as_array("theta", theta).astype(float, copy=False)
        self._check_shape(theta)
        return theta

    def _check_shape(self, theta: Any) -> None:
        if theta.shape != (len(self._parameters),):
            raise ValueError(
                f"theta must be a flat vector of {len(self._parameters)} numbers, one per "
                f"parameter, got an array of shape {theta.shape}"
            )

    def _checked(self, theta: Any) -> Any:
        theta = self._shaped(theta)
        check_number("theta", theta)
        return theta

    def _run(self, theta: Any, data: Sequence[Any]) -> Any:
        given = self._inputs.checked(data)
        compiled = self._compiled_for(given)
        self._again = None
        check_whole_numbers(compiled.inputs, given)
        if self._check:
            self._hold(compiled, theta, given)
        # further labels must be compared with the scalars first
        checks_more = self._check and self._checks_labels
        net = self._net if checks_more and not self._net.is_content(compiled.inputs) else None
        converts = any(array.is_whole and array.below is None for array in compiled.inputs)
        if in_c := self._in_c(compiled, theta, given):
            # which checks that labels are in range
            self._again = in_c if net is None else KnownInC(in_c, compiled.inputs, net)
            if (result := in_c(theta, given)) is not None:
                return result
        elif self._is_loss and not converts:  # whole numbers to floats
            pool = compiled.fast
            known = compiled.inputs, pool.shown_by_gradient, given, len(theta), net
            self._again = call_again(pool.at, *known)
        run = compiled.fast if self._is_loss else compiled.run
        result = self._computed(compiled, run, theta, given)
        if not is_finite(result):
            self._decide(compiled, theta, given)
        return result

    def _in_c(self, compiled: Compiled, theta: Any, given: Sequence[Any]) -> Call | None:
        """Returns the program in C, if it was asked for and computes what NumPy does."""
        if self._wanted == "numpy":
            return None

        def check(run: Run, theta: Any, places: list[int]) -> None:
            net = self._net.check
            net(run, self._parameters, theta, given, places, True, self._refusal(compiled))

        with self._lock:
            if compiled.in_c is None:
                known = compiled.c_source, compiled.source, compiled.inputs, len(theta)
                compiled.in_c = InC(*known, is_short=self._wanted == "auto")
            in_c = compiled.in_c
            numpy = partial(self._computed, compiled, compiled.run)
            if in_c.agrees(theta, given, numpy, check):
                return in_c.again
            if in_c.why_not and self._wanted == "c" and not in_c.is_said:
                in_c.is_said = True
                words = f"the program runs in NumPy, because {in_c.why_not}"
                warnings.warn_explicit(words, NotInC, *(users_line() or (__file__, 1)))
        return None

    def _computed(
        self, compiled: Compiled, run: Callable[..., Any], theta: Any, given: Sequence[Any]
    ) -> Any:
        """Returns the result of the program on arrays that were checked."""
        given = [  # numbers to calculate with, because NumPy's whole numbers overflow
            numbers.astype(float) if array.is_whole and array.below is None else numbers
            for array, numbers in zip(compiled.inputs, given, strict=True)
        ]
        with np.errstate(all="ignore"):  # IEEE rules: what overflows is inf
            result = run(theta, *given)
            if not self._is_loss:
                return np.asarray(result, float)[()]  # the source may have a constant as 1
            loss, gradient = result
            if loss != loss or holds_nan(gradient):
                self._checked(theta)
                loss, gradient = compiled.guarded.run(theta, *given)
        return float(loss), gradient

    # ---- comparing -----------------------------------------------------------------------------

    def _hold(
        self, compiled: Compiled, theta: Any, given: Sequence[Any], least: int | None = None
    ) -> None:
        """Compares a program with the scalars on new labels, and on at least so many examples.

        Afterwards it is trusted. By default, `least` is 0 for a program that is trusted already.
        """
        trusted, net = compiled.is_trusted, self._net
        if least is None:
            least = 0 if trusted else net.least

        def run(theta: Any, data: Sequence[Any]) -> Any:
            try:  # what runs is compared
                in_c = compiled.in_c
                result = in_c.trial(theta, data) if in_c and in_c.backend == "c" else None
                return result or self._computed(compiled, compiled.run, theta, data)
            except Exception as error:
                raise failed("its program failed", error) from error

        try:
            chosen = net.chosen(compiled.inputs, given, least)
            if trusted and not chosen:  # as in most steps of a training
                return
            check_number("theta", theta)
            if self._is_loss and self._batch and not trusted:
                found = suspects(run, self._parameters, theta, given)
                chosen += [k for k in found if k not in chosen]
            refused = self._refusal(compiled)
            net.check(run, self._parameters, theta, given, chosen, trusted, refused)
            compiled.is_trusted = True
            self._note_outside()
        except BaseException:  # such as Ctrl-C; the net has noted labels that were not compared
            net.forget()
            raise

    def _decide(self, compiled: Compiled, theta: Any, given: Sequence[Any]) -> None:
        """Compares a program with the scalars on examples on which it is not finite, up to eight.

        A function that catches an error, as that of 1 / 0, may be finite there.
        """
        most = min(EXAMPLES, AT_MOST - compiled.decided)
        asks = self._check and self._checks_labels and np.isfinite(theta).all()
        if most > 0 and asks:
            run = partial(self._computed, compiled, compiled.run)
            places = not_finite(run, theta, given, most) if self._batch else [0]
            refused = self._refusal(compiled)
            self._net.decide(run, self._parameters, theta, given, places, refused)
            compiled.decided += len(places)

    def _refusal(self, compiled: Compiled) -> Callable[..., CannotLift]:
        """Returns the function that makes the error where the program and the scalars differ."""
        known = self._function, self._parameters, compiled.recorded.arrays, compiled.source
        return partial(refusal, *known)
