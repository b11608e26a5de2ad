"""`lift_of_sizes`: the program of a large model, from small ones that are lifted instead.

To record a scalar takes microseconds and hundreds of bytes, and a large model has millions. But
the programs of a family of models differ in numbers alone. So a few small members are lifted
(`family.py`), and the numbers of the large program follow from theirs (`small.py`). That program is
then compared with the scalars of the large model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from inspect import signature
from itertools import combinations_with_replacement, product
from math import prod
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install, numpy as np
from micrograd_notes.engine import Value
from micrograd_notes.lifting.compiled import Compiled, passed
from micrograd_notes.lifting.guards.inputs import check_number
from micrograd_notes.lifting.program import Found, Lifted, Shapes, checked_values, lift
from micrograd_notes.lifting.sizes.check import compare, uncollected
from micrograd_notes.lifting.sizes.family import AS_IS, STARTS, Family, freeze
from micrograd_notes.lifting.sizes.formulas import Differ, Sizes
from micrograd_notes.lifting.sizes.refused import first
from micrograd_notes.lifting.sizes.small import Large, typed_of_sizes
from micrograd_notes.lifting.trace.name import in_order, values_of_lists
from micrograd_notes.lifting.trace.recorded import CannotLift
from micrograd_notes.lifting.trace.tape import Recording

Axes = dict[tuple[int, int], tuple[str, ...]]  # the sizes whose product is an axis of an array


class OfSizes(Lifted):
    """The program of a model at some sizes. `lift_of_sizes` makes it; see there for its use."""

    _checks_labels = False  # it is compared once, as its small members have every label

    @uncollected()
    def __init__(
        self, make: Callable[..., Any], sizes: Sizes, family: Family, batch: bool, check: bool,
        backend: str
    ) -> None:
        self._make, self._sizes, self._family = make, sizes, family
        self.checked = "nothing yet"
        function, model, lists = _parts(make(**sizes))
        is_loss = model is not None or lists is not None

        def find() -> Found:
            values = checked_values(_values(function, model, lists), is_loss)

            def placed(start: int) -> Found:
                arrays = family.small(sizes, start).parameters(sizes)
                if sum(array.size for array in arrays) != len(values):
                    raise Differ(f"the model of these sizes has {len(values)} parameters")
                return values, arrays

            return first(placed, [(start,) for start in STARTS])

        super().__init__(function, find, [model, lists], is_loss, batch, check, backend)
        self.look()

    @uncollected()
    def _recorded(self, shapes: Shapes) -> Recording:
        frozen = self._frozen_arrays()

        def large(start: int, axes: Axes) -> Large:
            lengths = {names: shapes[k][1][axis] for (k, axis), names in axes.items()}
            free = {names[0]: n for names, n in lengths.items() if names[0] not in self._sizes}
            at = partial(_shapes_at, shapes, axes)
            return self._family.large(self._sizes | free, start, at, frozen)

        odd = _odd(self._inputs.names(len(shapes)), shapes, self._sizes)
        return first(large, _attempts(shapes, self._sizes), odd)

    def _frozen_arrays(self) -> frozenset[str]:
        frozen = set()
        for array in self._arrays if any(self._frozen) else []:
            flags = {self._frozen[flat] for flat in array.where}
            if len(flags) > 1:
                raise CannotLift(
                    f"{array.name} is frozen in part. Freeze all of an array, or lift the model "
                    "itself: lift(loss, model)"
                )
            frozen |= {array.name} if True in flags else set()
        return frozenset(frozen)

    def _passed(self, recorded: Recording) -> Compiled:
        return passed(recorded, self._name, typed_of_sizes)

    # ---- checking ------------------------------------------------------------------------------

    def check(self, *data: Any, least: int | None = None, theta: Any = None) -> None:
        """Compares the program with the scalars, as before its first run; `checked` says on what.

        Raises:
            CannotLift: loss or gradient differ by more than rounding.
            TypeError: `least` or `theta` is given. How many examples there are, and with which
                numbers, follows from the sizes.
        """
        if least is not None or theta is not None:
            raise TypeError(
                "check of a program of sizes takes data alone, got least or theta. Call "
                "check_at(*data, size=...) to compare a gradient at other sizes"
            )
        self._compare_at(data, None)

    def check_at(self, *data: Any, **sizes: int) -> str:
        """Compares the program with the scalars, the gradient at other sizes; returns what it did.

        A program that was compared this way is not compared again when it runs.

        Args:
            *data: data for this program; of each axis that follows a size the first part is used.
            **sizes: the sizes to change, such as positions=16.

        Raises:
            CannotLift: the loss or a derivative differs by more than rounding.

        The gradient of the scalars takes some 240 bytes and a few microseconds for each operation.
        """
        for name, size in sizes.items():
            if name not in self._sizes:
                known = ", ".join(self._sizes)
                raise TypeError(f"check_at takes the sizes {known}, got {name}={size}")
            checks.whole_number(name, size)
        self._compare_at(data, sizes)
        return self.checked

    def _compare_at(self, data: Sequence[Any], sizes: Sizes | None) -> None:
        self.look()
        given = self._inputs.checked(data)
        self._compare(self._compiled_for(given), given, sizes)

    def _hold(
        self, compiled: Compiled, theta: Any, given: Sequence[Any], least: int | None = None
    ) -> None:
        """Compares a program with the scalars, once; afterwards it is trusted."""
        if not compiled.is_trusted:
            check_number("theta", theta)
            self._compare(compiled, given, None)

    def _compare(
        self, compiled: Compiled, given: Sequence[Any], sizes: Sizes | None
    ) -> None:
        with uncollected(), np.errstate(all="ignore"):  # results may be inf
            self.checked = compare(self, compiled, given, sizes)
        compiled.is_trusted = True

    def _model_of(self, at: Large) -> tuple[Callable[..., Any], list[Value]]:
        """Returns the function of a new member, and its parameters in the order of its program."""
        parts = _parts(self._make(**{name: at.sizes[name] for name in self._sizes}))
        leaves, arrays = in_order(_values(*parts), at.small.parameters(at.sizes))
        freeze(leaves, arrays, self._frozen_arrays())
        return parts[0], leaves


def _attempts(shapes: Shapes, sizes: Sizes) -> Iterator[tuple[int, Axes]]:
    """Yields sizes to begin with, and how the axes of the data may follow the sizes.

    Where two sizes are equal, an axis may follow either, and which one shows in small models first.
    """
    choices = [*_choices(shapes, sizes)]
    most = max(map(len, choices))
    of_sizes = [axes for axes in choices if len(axes) == most
                and all(name in sizes for names in axes.values() for name in names)]
    yield from product(STARTS, of_sizes)
    yield from ((start, axes) for axes in choices if axes not in of_sizes for start in STARTS)


def _choices(shapes: Shapes, sizes: Sizes) -> Iterator[Axes]:
    """Yields how the axes of the data may follow the sizes, likely ways first.

    An axis that is as long as a size, or as a product of two, follows it. Any other length is one
    more size, or stays as it is. Axes of one length are likely to follow the same size.
    """
    axes = {(k, axis): length for k, (_, shape) in enumerate(shapes)
            for axis, length in enumerate(shape) if length > AS_IS}
    several = [(n,) for n in sizes] + [*combinations_with_replacement(sizes, 2)]
    ways = []
    for length in axes.values():
        found = [names for names in several if prod(sizes[n] for n in names) == length]
        ways.append([*found, (f"an axis of {length}",), ()])
    lengths = [*axes.values()]
    for chosen in sorted(product(*ways), key=lambda each: len({*zip(lengths, each, strict=True)})):
        yield {axis: names for axis, names in zip(axes, chosen, strict=True) if names}


def _odd(inputs: Sequence[str], shapes: Shapes, sizes: Sizes) -> str:
    """Returns which axes of the data are as long as no size, or product of two; or ""."""
    known = {*sizes.values(), *map(prod, combinations_with_replacement(sizes.values(), 2))}
    each = zip(inputs, shapes, strict=True)
    odd = [f"{name} has an axis of {length}" for name, (_, shape) in each
           for length in shape if length not in known]
    said = ", ".join(f"{name}={size}" for name, size in sizes.items())
    return f"{', '.join(odd)}, and the sizes are {said}" if odd else ""


def _shapes_at(shapes: Shapes, axes: Axes, sizes: Sizes) -> Shapes:
    """Returns the shapes of the data at other sizes."""
    return tuple([
        (is_whole, tuple([
            prod(sizes[name] for name in axes[k, axis]) if (k, axis) in axes else length
            for axis, length in enumerate(shape)
        ]))
        for k, (is_whole, shape) in enumerate(shapes)
    ])


def _parts(made: Any) -> tuple[Any, Any, Any]:
    """Returns what `make` returned as `lift` takes it: a function, and a model or parameters."""
    if isinstance(made, tuple) and len(made) == 2 and callable(made[0]) and made[1] is not None:
        function, holder = made
        function, holder = made
        is_model = hasattr(holder, "parameters")
        return (function, holder, None) if is_model else (function, None, holder)
    if hasattr(made, "parameters") and callable(made):
        return made, None, None
    raise TypeError(
        "make must return a loss and its model, or a model alone, got "
        f"{checks.shown(made)}. Write return loss, model"
    )


def _values(function: Any, model: Any, lists: Any) -> list[Value]:
    """Returns the parameters in their own order."""
    holder = function if model is None else model
    return list(holder.parameters()) if lists is None else values_of_lists(lists)


def lift_of_sizes(
    make: Callable[..., Any], /, *, batch: bool = True, check: bool = True,
    backend: str = "numpy", **sizes: int
) -> OfSizes:
    """Returns the program of a large model, made from small ones, in seconds instead of minutes.

    Args:
        make: a function of the sizes that returns a loss of one example and its model, or the
            parameters in lists, as `lift` takes them; or a model alone, to lift its outputs.
        batch, backend: as in `lift`.
        check: whether the program is compared with the scalars before it is used.
        **sizes: the sizes of the large model. Each is a whole number by which lists get longer, or
            that the code calculates with, as in 1 / hidden.

    Raises:
        TypeError: make returns something else, or a size is not a whole number.
        CannotLift: small models differ in more than numbers, as in the number of layers.

    `make` is called with small sizes, too; errors there mean that they do not fit each other. The
    program is a `Lifted`, with the source that `lift` writes for the large model. Three things may
    differ: a name, which is that of most numbers of an array; the place of a factor that is a power
    of two, since it rounds nothing; and the order in which terms are added up, if their sizes are
    equal or they are squares of parameters.

    At its first call, the smallest model is compared with the scalars as `lift` does it, and then
    one example of the large model: loss and gradient if that takes at most a quarter of a million
    scalars, the loss if it takes at most one and a half million. If it takes more, smaller models
    of the family are compared, and its gradient with a difference of its loss. `checked` says what
    was compared, and `check_at` compares the gradient at the sizes that you choose.

    >>> from micrograd_notes.nn import MLP
    >>> def make(inputs, hidden):
    ...     model = MLP(inputs, [hidden, 1], seed=0)
    ...     return lambda x, y: (model(x) - y) ** 2, model
    >>> program = lift_of_sizes(make, inputs=40, hidden=100)
    >>> loss, gradient = program.value_and_grad(program.parameters(), [[0.5] * 40] * 2, [1.0, 2.0])
    >>> gradient.shape, program.checked
    ((4201,), 'the gradient at these sizes')
    """
    if find_spec("numpy") is None:
        raise ImportError(f"lift_of_sizes writes NumPy: {install('data')}")
    checks.flag("batch", batch), checks.flag("check", check)
    try:
        signature(make).bind(**sizes)
    except (TypeError, ValueError) as error:
        why = f" ({error})" if callable(make) else ""  # such as a size that is missing
        what = f"make must be a function of the sizes {', '.join(sizes)}{why}, got"
        if not sizes:
            what = (
                "lift_of_sizes needs the sizes of the large model, which make takes, as in "
                "lift_of_sizes(make, inputs=784), got"
            )
        raise TypeError(f"{what} {checks.shown(make)}") from None
    for name, size in sizes.items():
        checks.whole_number(name, size)

    def made(small: Sizes) -> Lifted:
        function, model, lists = _parts(make(**{name: small[name] for name in sizes}))
        return lift(function, model, parameters=lists, batch=batch, check=False)

    return OfSizes(make, sizes, Family(made), batch, check, backend)
