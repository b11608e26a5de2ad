"""Strategies for Hypothesis: numbers, points, values, programs and modules to test gradients with.

    from hypothesis import given
    from micrograd_notes.testing.programs import strategies

    @given(strategies.programs())
    def test_my_engine(program): ...

They often draw where gradients go wrong: where two branches meet, at the end of a domain, where
numbers are huge or tiny, and where a value is used twice. They read the table when they draw, so a
custom operation is drawn at once. All that is drawn prints as code that runs, and shrinks.
`from_type(Value)`, of a program or of a module needs no import of this file.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from hypothesis import assume, currently_in_test_context, note, strategies as st
from hypothesis.strategies import SearchStrategy

from micrograd_notes.common import checks
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import TABLE, Op
from micrograd_notes.nn import MLP, Layer, Module, Neuron, activation_names
from micrograd_notes.testing.programs.hard_numbers import hard_numbers, interval_of
from micrograd_notes.testing.programs.random_programs import Instruction, Program, most_used_first

__all__ = [
    "finite_numbers",
    "hard_numbers",
    "modules",
    "points",
    "points_near",
    "points_near_edges_and_kinks",
    "programs",
    "values",
]

LARGEST = math.nextafter(math.inf, 0.0)
MOST_OPERANDS = 4  # that a row is given which takes any number of them

# ---- numbers -------------------------------------------------------------------------------------

EVERYDAY = 2.0**28

_SIGN = st.sampled_from([1.0, -1.0])
_WHOLE = st.integers(-4, 4).map(float)
_EVERYDAY = st.tuples(st.floats(1.0, 2.0, exclude_max=True), st.integers(-28, 27), _SIGN).map(
    lambda drawn: drawn[2] * math.ldexp(drawn[0], drawn[1])
)


def _interval_checked(*ends: float) -> tuple[float, float]:
    """Returns the ends as floats; ValueError where they are not those of an interval."""
    low, high = (
        x if isinstance(x, float) and math.isinf(x) else checks.finite_number(name, x)
        for name, x in zip(("low", "high"), ends, strict=True)
    )
    if not low <= high or low == math.inf or high == -math.inf:
        raise ValueError(f"numbers are drawn from low to high, got low={low!r}, high={high!r}")
    return low, high


def finite_numbers(low: float = -math.inf, high: float = math.inf) -> SearchStrategy[float]:
    """Draws finite floats from low to high: small whole numbers, everyday sizes, and all sizes.

    A third are whole numbers from -4 to 4, a third have a size that is log-uniform over 2**-28 to
    2**28, and a third are any floats. They shrink to 0, or to the end that is nearest to it.

    >>> from hypothesis import find
    >>> find(finite_numbers(), lambda x: True), find(finite_numbers(low=1.0), lambda x: True)
    (0.0, 1.0)
    >>> find(finite_numbers(), lambda x: 0 < x < 2.2e-308) < 2.2e-308
    True
    """
    return _finite_numbers(*_interval_checked(low, high))


@lru_cache(maxsize=256)  # making a strategy takes longer than drawing from it
def _finite_numbers(low: float, high: float) -> SearchStrategy[float]:
    anywhere = st.floats(max(low, -LARGEST), min(high, LARGEST))
    kinds = (_WHOLE, _EVERYDAY, anywhere)
    return st.one_of(*[kind.map(lambda x: _brought_inside(x, low, high)) for kind in kinds])


def _brought_inside(x: float, low: float, high: float) -> float:
    """Returns a number of the interval: x, mirrored at 0 or halved where that brings it inside."""
    if not low <= x <= high and low <= -x <= high:
        return -x
    largest = max(abs(low), abs(high))
    if 0.0 < largest < abs(x):
        x = math.ldexp(x, math.frexp(largest)[1] - math.frexp(x)[1])
        x = x if abs(x) <= largest else 0.5 * x
    return _kept_inside(x, low, high)


def points_near(
    number: float, low: float = -math.inf, high: float = math.inf
) -> SearchStrategy[float]:
    """Draws the number itself, its neighbours among the floats, and points at every distance.

    The distances are log-uniform, from one unit in the last place up to half the number, or from
    the least float up to 1/2 around 0. They shrink to the number itself.

    >>> from hypothesis import find
    >>> find(points_near(1.0), lambda x: x > 1)
    1.0000000000000002
    """
    number, (low, high) = checks.finite_number("number", number), _interval_checked(low, high)
    if not low <= number <= high:
        raise ValueError(f"number {number!r} does not lie from low={low!r} to high={high!r}")

    return _DISPLACEMENTS.map(lambda drawn: _kept_inside(_displaced(number, *drawn), low, high))


# Some neighbours away, or a halved distance: the halvings, and the sign.
_DISPLACEMENTS: SearchStrategy[tuple[int, int, float]] = st.one_of(
    st.tuples(st.integers(-4, 4), st.just(0), st.just(0.0)),
    st.tuples(st.just(0), st.integers(0, 1073), _SIGN),
)


def _displaced(number: float, neighbours: int, halvings: int, sign: float) -> float:
    x = number
    for _ in range(abs(neighbours)):
        x = math.nextafter(x, math.copysign(math.inf, neighbours))
    if number == 0.0:
        return x + sign * math.ldexp(0.5, -halvings)
    return x + sign * math.ldexp(0.5 * abs(number), -(halvings % 52))


def _kept_inside(x: float, low: float, high: float) -> float:
    return min(max(x, low, -LARGEST), high, LARGEST)


# ---- points of an operation ----------------------------------------------------------------------


def points(op: Op) -> SearchStrategy[tuple[float, ...]]:
    """Draws operands at which `forward` succeeds, a third of them near the row's hard numbers.

    A row that takes any number of operands gets one to four.

    >>> from hypothesis import find
    >>> from micrograd_notes.engine import ops
    >>> find(points(ops.acosh), lambda point: True), find(points(ops.divide), lambda point: True)
    ((1.0,), (0.0, 1.0))
    """
    checks.operation("op", op)
    somewhere = _operand_count(op).flatmap(
        lambda count: st.tuples(*[finite_numbers(*interval_of(op, i)) for i in range(count)])
    )
    return st.one_of(somewhere, somewhere, _hard_points(op)).filter(lambda x: _is_defined(op, x))


def points_near_edges_and_kinks(op: Op) -> SearchStrategy[tuple[float, ...]]:
    """Draws operands one or two of which lie at, beside or near a hard number of the operation.

    The operation is defined at all of them.

    >>> from hypothesis import find
    >>> from micrograd_notes.engine import ops
    >>> find(points_near_edges_and_kinks(ops.relu), lambda point: True)
    (0.0,)
    >>> find(points_near_edges_and_kinks(ops.log), lambda point: True)
    (5e-324,)
    """
    checks.operation("op", op)
    return _hard_points(op).filter(lambda point: _is_defined(op, point))


@st.composite
def _hard_points(draw: st.DrawFn, op: Op) -> tuple[float, ...]:
    """Draws operands in the intervals of the row; `forward` may yet refuse them."""
    count = draw(_operand_count(op))
    intervals = [interval_of(op, i) for i in range(count)]
    # Some kinks, as that of hypot, are met by several operands at once: so many of them are 0.
    point = [
        _kept_inside(0.0, *ends) if draw(st.booleans()) else draw(finite_numbers(*ends))
        for ends in intervals
    ]
    for index in {draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))}:
        number = draw(st.sampled_from(hard_numbers(op, point, index)))
        point[index] = _kept_inside(_displaced(number, *draw(_DISPLACEMENTS)), *intervals[index])
    return tuple(point)


def _operand_count(op: Op) -> SearchStrategy[int]:
    return st.integers(1, MOST_OPERANDS) if op.arity is None else st.just(op.arity)


def _is_defined(op: Op, point: Sequence[float]) -> bool:
    try:
        op.forward(*point)
    except (ArithmeticError, ValueError):
        return False
    return True


# ---- values --------------------------------------------------------------------------------------


def values(numbers: SearchStrategy[float] | None = None) -> SearchStrategy[Value]:
    """Draws leaves: a `Value` of each number, which needs a gradient.

    >>> from hypothesis import find
    >>> find(values(), lambda x: x.data > 0)
    Value(data=1.0, grad=0.0)
    """
    numbers = finite_numbers() if numbers is None else numbers
    checks.instance("numbers", numbers, SearchStrategy, "a strategy of Hypothesis")
    return st.builds(Value, numbers)


# ---- programs ------------------------------------------------------------------------------------

# What an operand is drawn from: an int counts back from the newest value, a float is itself.
_BACK = (0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 1.0, 2.0, -1.0, 0.5)


def programs(
    ops: Iterable[Op] | None = None,
    *,
    inputs: SearchStrategy[float] | None = None,
    max_inputs: int = 3,
    max_instructions: int = 20,
) -> SearchStrategy[Program]:
    """Draws programs: graphs whose inner values are shared, with the numbers to run them on.

    All values and local partials are finite, and every value has a gradient. Values are used again
    often, the result depends on each, and a program that fails shrinks to the shortest one.

    Args:
        ops: the rows to draw from; by default the table as it is at that moment.
        inputs: what the inputs are drawn from; by default numbers of everyday sizes.
        max_inputs: the most inputs that a program has; it has at least one.
        max_instructions: the most instructions; there is at least one.

    >>> from hypothesis import find
    >>> shortest = find(programs(), lambda program: True)
    >>> shortest
    Program((0.0,), (Instruction(ops.add, (0, 0)),))
    >>> print(shortest.source())
    from micrograd_notes.engine import Value
    <BLANKLINE>
    x0 = Value(0.0)
    v1 = x0 + x0
    v1.backward()
    print(x0.grad)
    """
    rows = None if ops is None else _several("ops", ops)
    for i, op in enumerate(rows or ()):
        checks.operation(f"ops[{i}]", op)
    numbers = finite_numbers(-EVERYDAY, EVERYDAY) if inputs is None else inputs
    checks.instance("inputs", numbers, SearchStrategy, "a strategy of Hypothesis")
    checks.whole_number("max_inputs", max_inputs)
    checks.whole_number("max_instructions", max_instructions)
    return _programs(rows, numbers, max_inputs, max_instructions)


def _several(name: str, given: Any) -> tuple[Any, ...]:
    """Returns what is in a list or another iterable; TypeError or ValueError if nothing is."""
    checks.instance(name, given, Iterable, "a list")
    if not (items := tuple(given)):
        raise ValueError(f"{name} must hold one or more, got none")
    return items


st.register_type_strategy(Program, lambda type_: programs())


@st.composite
def _programs(
    draw: st.DrawFn,
    ops: tuple[Op, ...] | None,
    inputs: SearchStrategy[float],
    max_inputs: int,
    max_instructions: int,
) -> Program:
    rows = tuple(TABLE.values()) if ops is None else ops
    of_rows = _drawn_instructions(rows)
    start = draw(st.lists(inputs, min_size=1, max_size=max_inputs))
    # A list of Hypothesis has six items or so, however long it may be: so here are two.
    drawn = [
        *draw(st.lists(of_rows, min_size=1, max_size=max_instructions - max_instructions // 2)),
        *draw(st.lists(of_rows, max_size=max_instructions // 2)),
    ]
    known = list(start)
    instructions: list[Instruction] = []
    for (op, count), operands in drawn:
        newest = len(known) - 1
        instruction = Instruction(op, operands[:count]).renumbered(
            lambda x, newest=newest: newest - x % (newest + 1)  # type: ignore[misc]
        )
        number = instruction.number(known)
        if number is not None:
            known.append(number)
            instructions.append(instruction)
    assume(instructions)
    program = Program(tuple(start), tuple(instructions)).trimmed(keeps_inputs=True)
    if currently_in_test_context():
        note(program.source())
    return program


def rows_and_counts(rows: Iterable[Op], most: int) -> list[tuple[Op, int]]:
    """Returns what to draw from: each row as often as it has operands, beside their number.

    Only rows of several operands share values, and most have one. Those that people know come
    first, so that programs shrink to them.
    """
    return [
        (op, count)
        for op in most_used_first(rows)
        for count in ([op.arity] if op.arity else range(1, most + 1))
        for _ in range(count)
    ]


@lru_cache(maxsize=16)
def _drawn_instructions(rows: tuple[Op, ...]) -> SearchStrategy[Any]:
    """Draws a row with a number of operands, and operands, some of which may be left over.

    With as many draws for every row, Hypothesis does not prefer rows of one operand to x + x.
    """
    choices = rows_and_counts(rows, MOST_OPERANDS)
    widest = max(count for _, count in choices)
    return st.tuples(st.sampled_from(choices), st.tuples(*[st.sampled_from(_BACK)] * widest))


# ---- modules -------------------------------------------------------------------------------------


def modules(
    kinds: Iterable[type[Module]] = (Neuron, Layer, MLP), max_width: int = 3
) -> SearchStrategy[Any]:
    """Draws small neurons, layers and networks, with any activation of the table and a seed.

    Args:
        kinds: those of `Neuron`, `Layer` and `MLP` to draw.
        max_width: the most inputs, and the most neurons of a layer. A network has up to three.

    >>> from hypothesis import find
    >>> find(modules(), lambda model: True)
    LinearNeuron(1)
    >>> find(modules([MLP]), lambda model: len(model.layers) > 1)
    MLP of [Layer of [LinearNeuron(1)], Layer of [LinearNeuron(1)]]
    """
    wanted = _several("kinds", kinds)
    if not all(any(kind is known for known in (Neuron, Layer, MLP)) for kind in wanted):
        raise ValueError(f"modules are drawn of Neuron, Layer and MLP, got kinds={wanted!r}")
    width = st.integers(1, checks.whole_number("max_width", max_width))
    options = {"activation": _activations(), "seed": st.integers(0, 2**32 - 1)}
    drawn: dict[type[Module], SearchStrategy[Any]] = {
        Neuron: st.builds(Neuron, width, **options),
        Layer: st.builds(Layer, width, width, **options),
        MLP: st.builds(MLP, width, st.lists(width, min_size=1, max_size=3), **options),
    }
    return st.one_of(*[drawn[kind] for kind in wanted])


@st.composite
def _activations(draw: st.DrawFn) -> str:
    """Draws the name of an activation of the table as it is at that moment."""
    return draw(st.sampled_from(activation_names()))
