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
from itertools import combinations_with_replacement, islice
from math import prod
from typing import Any, NamedTuple

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install, numpy as np
from micrograd_notes.common.uncollected import uncollected
from micrograd_notes.engine import Value
from micrograd_notes.lifting.compiled import Compiled, passed
from micrograd_notes.lifting.guards.inputs import check_number, check_whole_numbers
from micrograd_notes.lifting.per_shape import Found, Shapes
from micrograd_notes.lifting.program import Lifted, checked_values, lift
from micrograd_notes.lifting.sizes.check import compare
from micrograd_notes.lifting.sizes.family import AS_IS, STARTS, Family, NoMember, freeze
from micrograd_notes.lifting.sizes.formulas import Differ, Sizes, Sum, in_words
from micrograd_notes.lifting.sizes.refused import first, refusing
from micrograd_notes.lifting.sizes.small import Large, typed_of_sizes
from micrograd_notes.lifting.trace.name import in_order, values_of_lists
from micrograd_notes.lifting.trace.recorded import CannotLift
from micrograd_notes.lifting.trace.tape import Recording

Way = tuple[Sum, ...]  # the product that an axis of the data is as long as, or () if it stays
Axes = dict[tuple[int, int], Way]  # by the place of an input, and of its axis
TRIES = 1000  # ways to read the data, for one start
NEAR = (2, 0), (3, 0), (4, 0), (1, 1), (1, -1)  # a multiple of a size, and what is added to it
PRIMES = 3, 5, 7, 11, 13, 17


class Axis(NamedTuple):
    """An axis of the data, and how it may follow the sizes."""

    place: tuple[int, int]
    length: int
    ways: list[Way]

    @property
    def name(self) -> str:
        """Its name, where it follows no size and is one of its own."""
        return f"the axis of {self.length}"


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
                self._places = family.small(sizes, start)
                arrays = self._places.parameters(sizes)
                expected = sum(array.size for array in arrays)
                if expected != len(values):
                    what = "the model of these sizes has {} parameters, and those of small ones "
                    raise Differ(what + "lead to {}", len(values), expected)
                return values, arrays

            return first(placed, [(start,) for start in STARTS])

        super().__init__(function, find, [model, lists], is_loss, batch, check, backend)
        self.look()

    def _recorded(self, shapes: Shapes) -> Recording:
        frozen = self._frozen_arrays()
        axes = [Axis((k, axis), length, _ways(length, self._sizes))
                for k, (_, shape) in enumerate(shapes)
                for axis, length in enumerate(shape) if length > AS_IS]
        lengths = {axis.name: axis.length for axis in axes}

        def large(start: int, chosen: Axes) -> Large:
            names = {name for way in chosen.values() for each in way for name, _ in each.multiples}
            free = {name: lengths[name] for name in sorted(names - {*self._sizes})}
            at = partial(_shapes_at, shapes, chosen)
            found = self._family.large(self._sizes | free, start, at, frozen)
            shapes_of = [array.shape for array in found.parameters]
            if shapes_of != [array.shape for array in self._arrays]:
                raise Differ("the parameters follow the sizes in another way")
            return found

        is_open = prod([len(axis.ways) for axis in axes]) > TRIES
        read = _as_read(self._family, axes, shapes, self._sizes, frozen) if is_open else Axes()
        odd = _odd(self._inputs.names(len(shapes)), shapes, self._sizes)
        odd = odd or is_open * "sizes are equal, and data can follow them in too many ways to try"
        return first(large, _attempts(axes, read), odd)

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
        with refusing():
            return passed(recorded, self._name, typed_of_sizes)

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        raise TypeError(
            f"a program of sizes can't be copied or pickled, got {self!r}. Make it again where it "
            f"is used, lift_of_sizes(make, {in_words(self._sizes)}), and load(theta)"
        )

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
        compiled = self._compiled_for(given)
        check_whole_numbers(compiled.inputs, given)
        self._compare(compiled, given, sizes)

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
        with refusing(Differ), uncollected(), np.errstate(all="ignore"):  # results may be inf
            self.checked = compare(self, compiled, given, sizes)
        compiled.is_trusted = True

    def _model_of(self, at: Large) -> tuple[Callable[..., Any], list[Value]]:
        """Returns the function of a new member, and its parameters in the order of its program."""
        parts = _parts(self._make(**{name: at.sizes[name] for name in self._sizes}))
        leaves, arrays = in_order(_values(*parts), self._places.parameters(at.sizes))
        freeze(leaves, arrays, self._frozen_arrays())
        return parts[0], leaves


def _attempts(axes: Sequence[Axis], read: Axes) -> Iterator[tuple[int, Axes]]:
    """Yields sizes to begin with, and how the axes of the data may follow the sizes.

    Where two sizes are equal, an axis may follow either, and which one shows in small models first.
    An axis that is as long as no size is one more size, or stays as it is.
    """
    for start in STARTS:
        yield from [(start, read)] if read else []
        own = _choices(axes, [axis.ways for axis in axes])
        yield from ((start, chosen) for chosen in islice(own, TRIES))
    free = [(Sum(((axis.name, 1),)),) for axis in axes]
    every = _choices(axes, [[*axis.ways, way, ()] for axis, way in zip(axes, free, strict=True)])
    others = (each for each in every if any(each[axis.place] not in axis.ways for axis in axes))
    yield from ((start, chosen) for chosen in islice(others, TRIES) for start in STARTS)


def _choices(axes: Sequence[Axis], ways: Sequence[Sequence[Way]]) -> Iterator[Axes]:
    """Yields one way for each axis: at first, axes of one length follow the same size."""
    pairs = [[(axis.length, way) for way in each] for axis, each in zip(axes, ways, strict=True)]

    def chosen(k: int, used: frozenset[Any], left: int) -> Iterator[list[Way]]:
        unused = {pair for each in pairs[k:] for pair in each} - used
        if left > min(len(unused), len(pairs) - k):
            return
        yield from [[]] if k == len(pairs) else []
        for pair in pairs[k] if k < len(pairs) else []:
            more = int(pair not in used)
            if more <= left:
                rests = chosen(k + 1, used | {pair}, left - more)
                yield from ([pair[1], *rest] for rest in rests)

    places = [axis.place for axis in axes]
    for count in range(len({axis.length for axis in axes}), len(axes) + 1):
        yield from (dict(zip(places, each, strict=True)) for each in chosen(0, frozenset(), count))


def _ways(length: int, sizes: Sizes) -> list[Way]:
    """Returns the sizes that an axis is as long as, or products of two, or else what is near."""
    own = [Sum(((name, 1),)) for name in sizes]
    near: list[Way] = [(Sum(((name, k),), more),) for k, more in NEAR for name in sizes]
    for ways in ([(one,) for one in own] + [*combinations_with_replacement(own, 2)], near):
        found = [way for way in ways if _length(way, sizes) == length]
        if found:
            return found
    return []


def _length(way: Way, sizes: Sizes) -> int:
    return prod([each.at(sizes) for each in way])


def _as_read(
    family: Family, axes: Sequence[Axis], shapes: Shapes, sizes: Sizes, frozen: frozenset[str]
) -> Axes:
    """Returns the way in which a small loss reads each axis, or none if that does not show.

    Its axes are as long as in any way, and it does not read the rest.
    """
    large = [name for name in sizes if sizes[name] > AS_IS]
    small = sizes | dict(zip(large, PRIMES, strict=False))
    longest = {axis.place: max(axis.ways, key=partial(_length, sizes=small), default=())
               for axis in axes}
    try:
        ends = family.member(small, _shapes_at(shapes, longest, small), frozen).ends()
    except NoMember:
        return {}
    fits = [[way for way in axis.ways if _length(way, small) == ends[axis.place]] for axis in axes]
    return next(_choices(axes, fits), {})


def _odd(inputs: Sequence[str], shapes: Shapes, sizes: Sizes) -> str:
    """Returns which axes of the data are as long as no size, or product of two; or ""."""
    known = {*sizes.values(), *map(prod, combinations_with_replacement(sizes.values(), 2))}
    each = zip(inputs, shapes, strict=True)
    odd = [f"{name} has an axis of {length}" for name, (_, shape) in each
           for length in shape if length not in known]
    return f"{', '.join(odd)}, and the sizes are {in_words(sizes)}" if odd else ""


def _shapes_at(shapes: Shapes, axes: Axes, sizes: Sizes) -> Shapes:
    """Returns the shapes of the data at other sizes."""
    return tuple([
        (is_whole, tuple([
            _length(axes[k, axis], sizes) if axes.get((k, axis)) else length
            for axis, length in enumerate(shape)
        ]))
        for k, (is_whole, shape) in enumerate(shapes)
    ])


def _parts(made: Any) -> tuple[Any, Any, Any]:
    """Returns what `make` returned as `lift` takes it: a function, and a model or parameters."""
    if isinstance(made, tuple) and len(made) == 2 and callable(made[0]) and made[1] is not None:
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

    `make` is called with small sizes, too; errors there mean that they do not fit each other. An
    axis of the data follows a size, or a product of two, that is as long; or else one that is
    half, a third or a quarter as long, or shorter or longer by one.

    The program is a `Lifted`, with the source that `lift` writes for the large model. Three things
    may differ: a name, which is that of most numbers of an array; the place of a factor that is a
    power of two, since it rounds nothing; and the order in which terms are added up, if their sizes
    are equal or they are squares of parameters.

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
