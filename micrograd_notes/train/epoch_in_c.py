"""An epoch in C: the steps of lifted training, without coming back to Python for each batch.

`EpochInC` takes the steps of `LiftedTraining` whose program runs in C and whose optimiser is one of
the package. `epoch.c` gathers a batch, calls the program, and takes the step that `step_in_c.py`
prints. It comes back after a fifth of a second at most, with a whole state, so that Ctrl-C works,
and for each batch whose numbers are not finite, so that Python raises the right error. Its first
step is compared with that of Python, bit by bit. `lifted_loop.py` calls it; read `epoch.c` next.
"""

import ctypes
import random
import re
import sys
from array import array
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, ClassVar, NamedTuple

from micrograd_notes.engine import Value
from micrograd_notes.engine.functions import pick
from micrograd_notes.engine.helper_ops import greater, largest, where
from micrograd_notes.lifting import Lifted
from micrograd_notes.lifting.codegen.c import FLAGS
from micrograd_notes.lifting.native.call import POINTER, SIZE, address
from micrograd_notes.lifting.native.compiler import CannotCompile
from micrograd_notes.lifting.native.known import KnownInC
from micrograd_notes.lifting.native.library import library
from micrograd_notes.train.memories import Group, Vectors
from micrograd_notes.train.optim import Optimizer
from micrograd_notes.train.step_in_c import Step, fixed

SLICE = 0.2  # seconds
COUNTS = 8  # of a memory, at most
TIE = 2.0**40  # more than the number of examples
SOURCE = files(__package__).joinpath("epoch.c").read_text(encoding="utf-8")


class Training(ctypes.Structure):
    """The `struct Training` of `epoch.c`. It keeps the arrays whose addresses it has."""

    _fields_: ClassVar = [
        (name, SIZE if kind == "int64_t " else POINTER)
        for kind, name in re.findall(r"(?m)^    (\w[\w *]*[ *])(\w+);", SOURCE.split("};")[0])
    ]

    def set(self, **arrays: Any) -> None:
        """Sets fields to the addresses of arrays; a list becomes an array of addresses."""
        import numpy as np

        for name, given in arrays.items():
            vars(self)[f"kept {name}"] = given
            if isinstance(given, list):
                given = vars(self)[f"addresses {name}"] = np.array([*map(address, given)], np.int64)
            setattr(self, name, None if given is None or not given.size else address(given))


class Taken(NamedTuple):
    """Steps that were taken: what there is after them, and the first batch that is left."""

    batch: int
    theta: Any
    gradient: Any
    vectors: Vectors
    losses: list[float]
    right: int
    is_checked: bool  # else the caller must take the step itself, and call `compare`


class EpochInC:
    """Takes steps of training in C, or says `why_not`.

    `columns` are the data of the program. The optimiser has the parameters at `mine` in the flat
    vector, or all of them in its order if that is None, and `has_grad` says which of those have a
    gradient. At `counter`, if not None, the gradient has the share of right answers.
    """

    def __init__(
        self, program: Lifted, optimizer: Optimizer, columns: Sequence[Any], batch_size: int,
        mine: Any, has_grad: Any, counter: int | None,
    ) -> None:
        self._program, self._optimizer, self._columns = program, optimizer, columns
        self._batch_size, self._counter = batch_size, -1 if counter is None else counter
        self._mine, self._has_grad = mine, has_grad
        self._steps: dict[Any, tuple[Step, Any]] = {}
        self._latest: Step | None = None
        self._library: Any = None
        self._compared: Step | None = None
        self.why_not = ""
        if type(optimizer).__module__ != Optimizer.__module__:
            self.why_not = f"{type(optimizer).__name__} takes its steps in Python"

    def take(self, theta: Any, order: Any, batch: int) -> Taken | None:
        """Takes steps from this batch on, or returns None if Python must take the next one.

        `order` has the places of the examples, and theta is that of the last step.
        """
        import numpy as np

        size, (full, rest) = self._batch_size, divmod(len(order), self._batch_size)
        call = None if self.why_not else self._program.in_c()
        if isinstance(call, KnownInC):
            call = call.call if call.knows_all(self._columns) else None
        if call is None or not call.takes(size if batch < full else rest):
            return None
        vectors = self._optimizer.as_vectors(self._has_grad)
        active = [group for group in vectors.groups if group.takes_part]
        if len(active) != 1 or not (compiled := self._step(active[0].memory)):
            return None
        (step, run), [group] = compiled, active
        self._latest, is_compared = step, step is self._compared
        end = full + (rest > 0 and call.takes(rest))
        places, members = self._places(group, len(theta))
        kinds = zip(self._columns, call.kinds, strict=True)
        self._columns = columns = [np.ascontiguousarray(each, kind) for each, kind in kinds]
        batches = [np.empty((size, *rows.shape[1:]), rows.dtype) for rows in columns]
        counts = np.array([group.memory[name] for name in step.counts] + [0] * COUNTS, float)
        old = [group.memory[name].copy() for name in step.names]
        after, gradient = theta.copy(), np.empty_like(theta)
        losses, rights = np.empty(end), np.empty(end)
        t = Training(len(order), size, len(theta), members, len(columns), len(old), self._counter)
        t.set(
            order=order, row_bytes=np.array([rows[:1].nbytes for rows in columns]), rows=columns,
            batch=batches, theta=after, gradient=gradient, fresh=np.empty_like(theta),
            after=np.empty(members), data=np.empty(members), slopes=np.empty(members),
            places=places, old=old, new=[np.empty(members) for _ in old],
            options=np.array([*step.values(), 0.0]), counts=counts, losses=losses, rights=rights,
            work=call.work_area(size),
        )
        t.program = call.address
        done = run(ctypes.addressof(t), batch, end if is_compared else batch + 1, SLICE)
        if done == batch:
            return None
        entries = dict(zip(step.names, old, strict=True))
        entries |= {name: int(counts[k]) for k, name in enumerate(step.counts)}
        new = group._replace(memory={name: entries[name] for name in group.memory})
        groups = [new if each is group else each for each in vectors.groups]
        right = round(rights[batch:done].sum())
        vectors = vectors._replace(groups=groups)
        return Taken(
            done, after, gradient, vectors, losses[batch:done].tolist(), right, is_compared
        )

    def shuffle(self, order: "array[int]", generator: random.Random) -> bool:
        """Does what `generator.shuffle` does, from the same random bits; returns whether it did."""
        n, before, copied = len(order), generator.getstate(), order[:]
        is_usual = sys.byteorder == "little" and 1 < n < 2**31
        if self._library is None or self.why_not or not is_usual:
            return False
        count = 3 * n + 100  # on average, less than 2 * n are needed
        words = array("I", generator.getrandbits(32 * count).to_bytes(4 * count, "little"))
        used = self._library.shuffle(n, address(order), address(words), count)
        generator.setstate(before)
        if used:
            generator.getrandbits(32 * used)
        else:
            order[:] = copied
        return bool(used)

    def compare(self, taken: Taken, theta: Any, gradient: Any, vectors: Any, loss: float) -> None:
        """Compares a step that was tried with that of Python, and the loss before it."""
        is_same = taken.losses == [loss] and taken.vectors.memories() == vectors.memories()
        if is_same and (taken.theta == theta).all() and (taken.gradient == gradient).all():
            self._compared = self._latest
        else:
            self.why_not = "the compiled step differs from that of Python"

    def _places(self, group: Group, size: int) -> tuple[Any, int]:
        """Returns the places of a group in the flat vector, and their number.

        The places are None if they are the first ones, in order.
        """
        import numpy as np

        places = np.arange(size)
        for chosen in (self._mine, group.places):
            places = places if chosen is None else places[chosen]
        return None if (places == np.arange(len(places))).all() else places, len(places)

    def _step(self, memory: dict[str, Any]) -> tuple[Step, Any] | None:
        """Returns the next step and its function in C; None if Python must take it."""
        forms = [fixed(getattr(self._optimizer, name)) for name in self._optimizer.options]
        key = (*forms, *[(name, type(entry) is int) for name, entry in memory.items()])
        try:
            if key not in self._steps:
                step = Step(self._optimizer, memory)
                self._steps[key] = step, self._compiled(step) if step.is_steady else None
        except (CannotCompile, TypeError) as error:
            self.why_not = str(error)
            return None
        return self._steps[key] if self._steps[key][1] else None

    def _compiled(self, step: Step) -> Any:
        self._library = library(SOURCE.replace("/* STEP */", step.source), FLAGS)
        run, shuffle = self._library.steps, self._library.shuffle
        run.argtypes, run.restype = [POINTER, SIZE, SIZE, ctypes.c_double], SIZE
        shuffle.argtypes, shuffle.restype = [SIZE, POINTER, POINTER, SIZE], SIZE
        return run


def right_answer(output: Any, label: Any) -> Any:
    """Returns 1.0 if the output of a model chooses the label, else 0.0; a lifted loss can add it.

    If several classes share the largest output, of which the first is chosen, it returns `TIE` or
    more.

    >>> outputs = [Value(0.5), Value(0.0), Value(0.25)]
    >>> [right_answer(outputs, label).data for label in (0, 1)], right_answer(Value(-2.0), 0).data
    ([1.0, 0.0], 1.0)
    >>> right_answer([Value(0.5), Value(0.5)], 0).data > 1.0
    True
    """
    if isinstance(output, Value):  # one logit
        return where(greater(output, 0.0), label, 1.0 - label)
    best, ties = largest(*output), -1.0
    for each in output:
        ties = ties + where(greater(best, each), 0.0, 1.0)
    return where(greater(best, pick(output, label)), 0.0, 1.0) + TIE * ties
