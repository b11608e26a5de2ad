"""Whether a program runs in C, and since when: it is compared with NumPy before it does.

A compiler may be missing, fail, or compile wrongly (gcc 12.2 does, for some loops of eight numbers
at once), and some programs can't be printed in C. Then NumPy runs, and `why_not` says why. Each
program is compared with NumPy on the first call with a number of examples, at the parameters given
and at two others, because loops have rests that depend on that number. Loss and gradient must be
alike to a few thousand roundings. Where they differ by more, C must pass the net, as NumPy did.
`per_shape.py` calls it.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.lifting.codegen import CannotPrint
from micrograd_notes.lifting.codegen.c import FLAGS
from micrograd_notes.lifting.guards.answers import ALIKE, Answer
from micrograd_notes.lifting.guards.net import AT_MOST, EXAMPLES, others
from micrograd_notes.lifting.native.call import ENTRY, Call, Result
from micrograd_notes.lifting.native.compiler import CannotCompile
from micrograd_notes.lifting.native.library import library
from micrograd_notes.lifting.trace.recorded import CannotLift
from micrograd_notes.lifting.trace.tape import Array

Run = Callable[[Any, Sequence[Any]], Any]
Check = Callable[[Run, Any, list[int]], None]
TINY = 2.0**-1000  # is added to sizes, one of which may be 0
LINES = 2_000  # that a compiler takes some two seconds for; a network has 300 to 1,500
FOR_ONE = 4  # lines of C, at least, for one of NumPy; a network has 6 to 9
NOT_FINITE = "C got nan or inf in each call so far, as from the slope of sqrt at 0"
CHANCE = 4  # so many times the rounding of some examples is by chance that of others


class NotInC(UserWarning):
    """A program that was asked for in C runs in NumPy; the message says why."""


class InC:
    """The program for one shape in C, as far as it was compared with NumPy.

    `in_numpy` is the program's other source. With `is_short`, one of more than `LINES` is not
    compiled.
    """

    def __init__(
        self, source: Callable[[], str], in_numpy: str, inputs: Sequence[Array], parameters: int,
        is_short: bool = False
    ) -> None:
        self.why_not, self.is_said = "", False
        self.sizes = set[int]()  # the numbers of examples that were compared
        self._is_batched = any(array.is_batched for array in inputs)
        try:
            most = LINES if is_short else inf
            text = source() if FOR_ONE * in_numpy.count("\n") <= most else ""
            if not text or text.count("\n") > most:
                raise CannotCompile(  # printing it takes long, too
                    f"to compile its more than {LINES:,} lines of C takes long. Ask for it by "
                    'backend="c"'
                )
            compiled = library(text + ENTRY, FLAGS)
            self.trial = Call(compiled, inputs, parameters)  # for any number of examples
            self.again = Call(compiled, inputs, parameters, self.sizes)
        except (CannotCompile, CannotPrint) as error:
            self.why_not = str(error)
        except Exception as error:  # such as a fault of the printer, must not stop NumPy
            what = f"{type(error).__name__}: {error}"
            self.why_not = f"to print, compile or load it failed, with {what}"

    @property
    def backend(self) -> str:
        """The backend that runs: "c", or "numpy" and why C does not run."""
        why_not = self.why_not or (not self.sizes and NOT_FINITE)
        return f"numpy: {why_not}" if why_not else "c"

    def agrees(self, theta: Any, data: Sequence[Any], numpy: Run, check: Check) -> bool:
        """Returns whether C computes what NumPy does for so many examples, so `again` can run.

        `numpy` is the program in NumPy. `check` compares a program with the scalars, at parameters
        and on examples of the data, and raises `CannotLift` if they differ.
        """
        n = len(data[0]) if self._is_batched else 1
        if self.why_not or n in self.sizes:
            return not self.why_not
        for numbers in (theta, *others(theta)):
            if (got := self.trial(numbers, data)) is None:
                if numbers is theta:  # it may trust its numbers with the next parameters
                    return False
            elif not _are_alike(got, expected := numpy(numbers, data)):
                try:
                    with np.errstate(all="ignore"):  # results may be inf
                        self._judge(numbers, data, [got, expected], numpy, check)
                except CannotLift as error:
                    what = str(error).partition("\n")[0]
                    self.why_not = f"the compiled program differs from NumPy: {what}"
                    return False
        self.sizes.add(n)
        return True

    def _judge(
        self, theta: Any, data: Sequence[Any], results: list[Result], numpy: Run, check: Check
    ) -> None:
        """Raises CannotLift if results differ by more than rounding may explain.

        Derivatives of the examples may nearly cancel in their mean, whose rounding is still that of
        numbers of their size. So may the terms of a derivative, each a sum over all examples. The
        scalars decide on the examples that differ most, and all may round as those do together.
        """
        def run(theta: Any, data: Sequence[Any]) -> Result:
            if (result := self.trial(theta, data)) is None:
                raise CannotLift("it does not trust its numbers")
            return result

        def difference(one: Result, other: Result) -> Any:
            return np.array([abs(one[0] - other[0]), np.abs(one[1] - other[1]).max()])

        n = len(data[0]) if self._is_batched else 1
        rows = [[a[k : k + 1] for a in data] if self._is_batched else data for k in range(n)]
        pairs = [(run(theta, row), numpy(theta, row)) for row in rows]
        none = 0.0, np.zeros(1)
        sizes = np.max([difference(result, none) for pair in pairs for result in pair], axis=0)
        off = [(difference(*pair) / (sizes + TINY)).max() for pair in pairs]  # of their size
        differ = [k for k, pair in enumerate(pairs) if not _are_alike(*pair)]
        order = sorted(range(n), key=off.__getitem__)  # by how much they differ
        check(run, theta, [k for k in order[-EXAMPLES:] if k in differ])
        some = sorted(order[-AT_MOST:])
        check(run, theta, some)  # all at once
        several = [a[some] for a in data] if self._is_batched else data
        differences = [difference(*pairs[k]) for k in differ]
        differences.append(CHANCE * difference(run(theta, several), numpy(theta, several)))
        allowed = np.max([ALIKE * sizes, *differences], axis=0)
        if not (difference(*results) <= allowed).all():
            raise CannotLift(f"on {n} examples at once")


def _are_alike(*results: Result) -> bool:
    one, other = [Answer([float(loss)], gradient.tolist()) for loss, gradient in results]
    return one.is_like(other)
