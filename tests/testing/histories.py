"""A state machine over histories: everything that can happen to graphs, in any order.

Most tests build one graph and go back through it once. Engines break later: at the second backward
pass, after a leaf was changed, in a copy, after `no_grad`. `Histories` draws such steps at random,
does each with `Value`s and with a naive model, and after each step demands that both agree: on all
values that are alive, on what was refused, and on what must be gone without the garbage collector.

The model shares only the table with the engine. It finds a derivative forward, in exact fractions.

    TestHistories = Histories.TestCase                      # the whole test

A failing history prints as the steps that lead there, which run when they are pasted.
"""

import copy
import gc
import math
import operator
import pickle
import sys
import weakref
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from micrograd_notes.engine import Value, backward, modes
from micrograd_notes.engine.op import TABLE, Op, lookup
from micrograd_notes.nn import Module
from micrograd_notes.testing.programs.strategies import rows_and_counts


class Disagreement(AssertionError):
    """The engine and the model differ."""


# ---- the model -----------------------------------------------------------------------------------

_UNIT = Fraction(1, 2**53)  # the largest relative error of one rounding


@dataclass(frozen=True)
class Known:
    """An exact number, and how far off a sum of floats may be."""

    exact: Fraction
    slack: Fraction = Fraction(0)

    def __add__(self, other: "Known") -> "Known":
        exact = self.exact + other.exact
        slack = self.slack + other.slack
        return Known(exact, slack + _UNIT * (abs(exact) + slack))

    def allows(self, number: float) -> bool:
        """Returns whether a float is near enough."""
        return math.isfinite(number) and abs(Fraction(number) - self.exact) <= self.slack


@dataclass(eq=False)
class Remembered:
    """The model of a value."""

    data: float
    requires_grad: bool
    op: Op | None = None
    operands: "tuple[Remembered, ...]" = ()
    grad: Known | None = None
    changes: int = 0
    """How often its data was set."""
    seen: tuple[int, ...] = ()
    """How often that of its operands had been set when it was computed from them."""
    used: tuple[float, ...] = ()
    """The operands' data at that time."""

    @property
    def is_stale(self) -> bool:
        """Whether an operand's data was set since."""
        return self.seen != tuple(operand.changes for operand in self.operands)

    def partials(self) -> list[tuple["Remembered", Fraction]]:
        """Returns each operand that a gradient flows into, with the local partial, by the table."""
        if self.op is None or not self.requires_grad:
            return []
        wanted = [
            index
            for index, operand in enumerate(self.operands)
            if operand.requires_grad and self.op.is_differentiated(index)
        ]
        numbers = self.op.local_partials(wanted, self.data, self.used)
        return [
            (self.operands[index], Fraction(float(number)))
            for index, number in zip(wanted, numbers, strict=True)
        ]


def below(roots: Iterable[Remembered]) -> list[Remembered]:
    """Returns what the roots were made from, and the roots: operands before results."""
    found: dict[Remembered, None] = {}
    for root in roots:
        _visit(root, found)
    return list(found)


def _visit(node: Remembered, found: dict[Remembered, None]) -> None:
    if node not in found:
        for operand in node.operands:
            _visit(operand, found)
        found[node] = None


def derivative(root: Remembered, by: Remembered, adjoint: float = 1.0) -> Known:
    """Returns adjoint * d root / d by, for the numbers that the root was computed from.

    The slack is what a sweep in floats may be off by: on a path through E edges a contribution is
    multiplied E times, and added to others at most once an edge of the graph.
    """
    tangent: dict[Remembered, Fraction] = {}
    magnitude: dict[Remembered, Fraction] = {}
    edges = 0
    for node in below([root]):
        partials = node.partials()
        edges += len(partials)
        is_start = node is by
        tangent[node] = Fraction(is_start) + sum(p * tangent[x] for x, p in partials)
        magnitude[node] = Fraction(is_start) + sum(abs(p) * magnitude[x] for x, p in partials)
    roundings = (2 * edges + 1) * _UNIT
    exact, size = Fraction(adjoint) * tangent[root], abs(Fraction(adjoint)) * magnitude[root]
    return Known(exact, roundings / (1 - roundings) * size)


# ---- the machine ---------------------------------------------------------------------------------

# Counts back from the value that came last, and is mostly it or one of the two before.
_WHICH = st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7])
_SEVERAL = st.lists(_WHICH, min_size=1, max_size=3)
_NUMBERS = st.one_of(
    st.integers(-3, 3).map(float), st.integers(-24, 24).map(lambda eighths: eighths / 8)
)
_LARGEST_GRAPH = 40
# With numbers of these sizes, and so many of them, no product on a path overflows or is subnormal:
# 2**-20 to the power of 40 is 2**-800.
_SMALLEST, _LARGEST = 2.0**-20, 2.0**20


def _is_tame(number: float) -> bool:
    return number == 0.0 or _SMALLEST <= abs(number) <= _LARGEST


Call = tuple[Any, ...]  # a row's name and its operands: an int counts back, a float is itself


def _calls(operations: Iterable[Op] | None) -> st.SearchStrategy[list[Call]]:
    rows = tuple(TABLE.values() if operations is None else operations)
    return st.lists(_call(rows), min_size=1, max_size=4)


@lru_cache(maxsize=16)
def _call(rows: tuple[Op, ...]) -> st.SearchStrategy[Call]:
    choices = rows_and_counts(rows, most=3)
    widest = max(count for _, count in choices)
    # The first operand is a value: of numbers alone no value is made.
    operands = [_WHICH, *[st.one_of(_WHICH, _WHICH, _WHICH, _NUMBERS)] * (widest - 1)]
    return st.tuples(st.sampled_from(choices), st.tuples(*operands)).map(
        lambda drawn: (drawn[0][0].name, *drawn[1][: drawn[0][1]])
    )


COPIES: dict[str, Callable[[list[Value]], list[Value]]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda values: pickle.loads(pickle.dumps(values)),
    "copy": lambda values: [copy.copy(value) for value in values],
}


class Histories(RuleBasedStateMachine):
    """Histories of `Value`s, each step of which is held against a naive model.

    `Histories.TestCase` is a test for unittest and pytest. Rules say of a value how many values ago
    it came to be: `at=0` is the newest that is alive.

    Attributes:
        operations: the rows that graphs are made of; None for the table as it is at that moment.

    >>> state = Histories()
    >>> state.leaf(data=3.0, requires_grad=True)
    >>> state.record(calls=[("multiply", 0, 0)])
    >>> state.backward(at=0, adjoint=1.0)
    >>> state.agrees()
    >>> print([value for value, _ in state.living])
    [Value(data=3.0, grad=6.0), Value(data=9.0, grad=1.0)]
    >>> state.teardown()
    """

    operations: Iterable[Op] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.living: list[tuple[Value, Remembered]] = []
        self.watched: dict[Remembered, weakref.ref[Value]] = {}
        self.not_recording: list[AbstractContextManager[None]] = []
        # Were the collector to run meanwhile, it would hide what only it can free.
        self.collector_was_on = gc.isenabled()
        gc.disable()

    # ---- what can happen -----------------------------------------------------------------------

    @initialize(data=_NUMBERS)
    def first_leaf(self, data: float) -> None:
        """Makes a leaf, so that the other rules have something to begin with."""
        self.leaf(data, True)

    @rule(data=_NUMBERS, requires_grad=st.sampled_from([True, True, True, False]))
    def leaf(self, data: float, requires_grad: bool) -> None:
        """Makes a leaf."""
        self._add(Value(data, requires_grad=requires_grad), Remembered(data, requires_grad))

    @rule(calls=st.runner().flatmap(lambda machine: _calls(machine.operations)))
    def record(self, calls: list[Call]) -> None:
        """Applies operations, if they are defined there and their numbers are not too wild."""
        for name, *operands in calls:
            op = lookup(name)
            pairs = [
                self._at(x) if x.__class__ is int else (x, Remembered(x, False)) for x in operands
            ]
            model = self._recorded(op, tuple(model for _, model in pairs))
            if model is not None:
                self._add(_called(op, [operand for operand, _ in pairs]), model)

    @rule(at=_WHICH, adjoint=st.sampled_from([1.0, -0.5, 3.0, 0.0]))
    def backward(self, at: int, adjoint: float) -> None:
        """Sweeps; what was recorded before a change is refused, or swept as it was recorded."""
        value, root = self._at(at)
        nodes = below([root])
        try:
            value.backward(adjoint)
        except RuntimeError:
            _demand(
                not root.requires_grad or any(node.is_stale for node in nodes),
                "backward was refused, though the root needs a gradient and no leaf was changed",
            )
            if root.requires_grad:
                for node in nodes:
                    node.grad = node.grad if node.op is None else None
            return
        _demand(root.requires_grad, "backward started from a value that does not need a gradient")
        for node in nodes:
            if node.requires_grad:
                swept = derivative(root, node, adjoint)
                before = node.grad if node.op is None else None
                node.grad = swept if before is None else before + swept

    @rule(at=_WHICH, by=_SEVERAL)
    def differentiate(self, at: int, by: list[int]) -> None:
        """Asks `grad` for derivatives, which changes no value."""
        value, root = self._at(at)
        inputs = [pair for pair in map(self._at, by) if pair[1].requires_grad]
        if not root.requires_grad:
            return
        try:
            found = backward.grad(value, [pair[0] for pair in inputs])
        except RuntimeError:
            is_stale = any(node.is_stale for node in below([root]))
            _demand(is_stale, "grad was refused, and no leaf was changed")
            return
        for got, (_, by_) in zip(found, inputs, strict=True):
            expected = derivative(root, by_)
            _demand(
                expected.allows(got.data),
                f"a derivative is {got.data!r} instead of {float(expected.exact)!r}",
            )

    @rule(several=_SEVERAL)
    def zero_grad(self, several: list[int]) -> None:
        """Forgets the gradients of those that are leaves, as a module forgets its parameters'."""
        pairs = [pair for pair in map(self._at, several) if pair[0].origin is None]
        pairs = [pair for pair in pairs if not pair[0].operands]  # a module refuses lone results
        holder = Module()
        vars(holder)["held"] = [value for value, _ in pairs]
        holder.zero_grad()
        for _, model in pairs:
            model.grad = model.grad if model.op is not None else None

    @rule(at=_WHICH, data=_NUMBERS)
    def set_data(self, at: int, data: float) -> None:
        """Sets the data of a leaf; that of a result can't be set."""
        value, model = self._at(at)
        if _is_refused(value, "data", data):
            _demand(model.op is not None, "the data of a leaf could not be set")
        else:
            _demand(model.op is None, "the data of a result could be set")
            model.data, model.changes = data, model.changes + 1

    @rule(at=_WHICH, wanted=st.booleans())
    def set_requires_grad(self, at: int, wanted: bool) -> None:
        """Freezes a leaf, or thaws it; results keep what they were recorded with."""
        value, model = self._at(at)
        if _is_refused(value, "requires_grad", wanted):
            _demand(model.op is not None, "requires_grad of a leaf could not be set")
        else:
            _demand(model.op is None, "requires_grad of a result could be set")
            model.requires_grad = wanted

    @rule(at=_WHICH)
    def detach(self, at: int) -> None:
        """Makes a leaf of the same number, which no gradient flows through."""
        value, model = self._at(at)
        self._add(value.detach(), Remembered(model.data, requires_grad=False))

    @precondition(lambda self: len(self.not_recording) < 2)
    @rule()
    def enter_no_grad(self) -> None:
        """Records nothing from here on; it may be entered twice."""
        self.not_recording.append(modes.no_grad())
        self.not_recording[-1].__enter__()

    @precondition(lambda self: self.not_recording)
    @rule()
    def leave_no_grad(self) -> None:
        """Leaves the innermost `no_grad`."""
        self.not_recording.pop().__exit__(None, None, None)

    @rule(several=_SEVERAL, how=st.sampled_from(sorted(COPIES)))
    def copies(self, several: list[int], how: str) -> None:
        """Copies values with all that they were made from, or only the nodes themselves."""
        pairs = [self._at(at) for at in several]
        twins: dict[Remembered, Remembered] = {}
        if how == "copy":
            twins = {model: replace(model) for _, model in pairs}
        else:
            for node in below(model for _, model in pairs):
                twins[node] = replace(node, operands=tuple(twins[x] for x in node.operands))
        once = {model: value for value, model in pairs}
        for model, value in zip(once, COPIES[how](list(once.values())), strict=True):
            self._add(value, twins[model])

    @precondition(lambda self: len(self.living) > 1)
    @rule(at=_WHICH)
    def drop(self, at: int) -> None:
        """Lets go of a value; what it was made from lives on while something else needs it.

        One value always stays: the other rules need one. `teardown` drops it.
        """
        del self.living[-1 - at % len(self.living)]

    # ---- what holds after each step ------------------------------------------------------------

    @invariant()
    def agrees(self) -> None:
        """Raises `Disagreement` where values differ from the model, or live on too long."""
        pairs = self._pairs()
        for model in pairs:
            _check(pairs[model], model)
            self.watched.setdefault(model, weakref.ref(pairs[model]))
        for model in self.watched.keys() - pairs.keys():
            _demand(
                self.watched.pop(model)() is None,
                f"nothing refers to {_spelled(model)} any more, and it is still there",
            )

    def teardown(self) -> None:
        """Drops everything, and sees that it is gone."""
        for context in reversed(self.not_recording):
            context.__exit__(None, None, None)
        self.not_recording.clear()
        self.living.clear()
        try:
            if sys.exc_info()[0] is None:  # the traceback of a failed step holds on to values
                self.agrees()
        finally:
            if self.collector_was_on:
                gc.enable()

    # ---- how it is done ------------------------------------------------------------------------

    def _at(self, back: int) -> tuple[Value, Remembered]:
        return self.living[-1 - back % len(self.living)]

    def _add(self, value: Value, model: Remembered) -> None:
        self.living.append((value, model))

    def _recorded(self, op: Op, operands: tuple[Remembered, ...]) -> Remembered | None:
        """Returns what the model makes of an operation; None if it is not defined, or too wild."""
        numbers = tuple(operand.data for operand in operands)
        differentiated = [i for i in range(len(operands)) if op.is_differentiated(i)]
        try:
            data = float(op.forward(*numbers))
            partials = op.local_partials(differentiated, data, numbers)
        except Exception:  # what a row does at its edges, and a rule that raises, others check
            return None
        if not all(map(_is_tame, [data, *partials])):
            return None
        if self.not_recording:
            return Remembered(data, requires_grad=False)
        model = Remembered(
            data,
            requires_grad=any(operands[i].requires_grad for i in differentiated),
            op=op,
            operands=operands,
            seen=tuple(operand.changes for operand in operands),
            used=numbers,
        )
        return model if len(below([model])) <= _LARGEST_GRAPH else None

    def _pairs(self) -> dict[Remembered, Value]:
        """Returns the value of each node of the model that something alive refers to."""
        pairs: dict[Remembered, Value] = {}
        waiting = list(self.living)
        while waiting:
            value, model = waiting.pop()
            if pairs.setdefault(model, value) is not value:
                raise Disagreement(f"{_spelled(model)} is there twice")
            if len(value.operands) != len(model.operands):
                raise Disagreement(
                    f"{_spelled(model)} has {len(value.operands)} operands instead of "
                    f"{len(model.operands)}"
                )
            waiting += zip(value.operands, model.operands, strict=True)
        _demand(len(set(pairs.values())) == len(pairs), "one value is two of the model's")
        return pairs


def _called(op: Op, operands: list[Any]) -> Value:
    """Returns the result of an operation, by Python's operator where there is one."""
    spelled = getattr(operator, op.method, op) if op.method else op
    return spelled(*operands)  # type: ignore[no-any-return]


def _is_refused(value: Value, attribute: str, new: float | bool) -> bool:
    try:
        setattr(value, attribute, new)
    except AttributeError:
        return True
    return False


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Disagreement(otherwise)


def _check(value: Value, model: Remembered) -> None:
    """Raises `Disagreement` where the value is not as the model remembers it."""
    wrong = ""
    if value.op is not model.op:
        wrong = f"was made by {value.op} instead of {model.op}"
    elif value.data != model.data:
        wrong = f"has the data {value.data!r}"
    elif value.requires_grad is not model.requires_grad:
        wrong = f"has requires_grad={value.requires_grad}"
    elif model.grad is None and value.has_grad:
        wrong = f"has the gradient {value.grad!r}, though no backward pass reached it"
    elif model.grad is not None and not value.has_grad:
        wrong = "does not have a gradient, though a backward pass reached it"
    elif model.grad is not None and not model.grad.allows(value.grad):
        wrong = f"has the gradient {value.grad!r} instead of {float(model.grad.exact)!r}"
    if wrong:
        raise Disagreement(f"{_spelled(model)}, {wrong}")


def _spelled(model: Remembered) -> str:
    return f"Value({model.data!r}), " + (f"the result of {model.op.name}" if model.op else "a leaf")
