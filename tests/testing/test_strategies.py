"""Strategies: what they draw lies where it should, shrinks, prints as code, and finds faults."""

import math
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings, strategies as st

from micrograd_notes.engine import Value, helper_ops, ops
from micrograd_notes.engine.op import TABLE, Op, built_in_rows, operation
from micrograd_notes.nn import MLP, Layer, Neuron
from micrograd_notes.testing.programs import strategies
from micrograd_notes.testing.programs.random_programs import Instruction, Program
from tests.testing.broken_engines import SWEEPS, Patch

BUILT_IN = tuple(built_in_rows())  # without the rows that other tests add
FIXED = settings(database=None, derandomize=True)


def drawn(strategy: st.SearchStrategy[Any], count: int = 300) -> list[Any]:
    """Returns some of what a strategy draws, always the same."""
    found: list[Any] = []

    @settings(FIXED, max_examples=count, phases=[Phase.generate])
    @given(strategy)
    def collect(x: Any) -> None:
        found.append(x)

    collect()
    return found


# ---- numbers and points --------------------------------------------------------------------------


def test_finite_numbers_are_of_all_sizes() -> None:
    sizes = [abs(x) for x in drawn(strategies.finite_numbers(), 1000)]
    assert all(map(math.isfinite, sizes))
    assert any(0 < x < 2.2e-308 for x in sizes)
    assert any(x > 1e300 for x in sizes)
    assert sum(1e-8 < x < 1e8 for x in sizes) > 300


@pytest.mark.parametrize("ends", [(-1.0, 1.0), (0.0, math.inf), (3.0, 3.0), (1e300, 1e301)])
def test_numbers_keep_to_their_interval(ends: tuple[float, float]) -> None:
    low, high = ends
    numbers = drawn(strategies.finite_numbers(low, high))
    assert all(low <= x <= high for x in numbers)
    assert low == high or len(set(numbers)) > 30
    assert all(low <= x <= high for x in drawn(strategies.points_near(low, low, high)))


def test_points_lie_on_a_place_beside_it_and_at_every_distance() -> None:
    distances = [abs(x - 3.0) for x in drawn(strategies.points_near(3.0), 600)]
    assert 0.0 in distances
    assert math.ulp(3.0) in distances
    assert {math.frexp(d)[1] for d in distances if d} >= set(range(-40, 0))


@pytest.mark.parametrize("op", BUILT_IN, ids=str)
def test_an_operation_is_defined_at_its_points(op: Op) -> None:
    near = strategies.points_near_edges_and_kinks(op)
    for point in drawn(strategies.points(op), 20) + drawn(near, 20):
        op.forward(*point)
        for x, (low, high) in zip(point, op.domain, strict=False):
            assert low <= x <= high


@pytest.mark.parametrize("op", [op for op in BUILT_IN if op.kinks is not None], ids=str)
def test_every_kink_is_met_exactly_and_nearly(op: Op) -> None:
    kinks = op.kinks
    assert kinks is not None
    heights = [abs(kinks(*x)) for x in drawn(strategies.points_near_edges_and_kinks(op), 100)]
    assert sum(height < 1e-15 for height in heights) > 5  # cos(pi/2) is 6e-17
    assert sum(0 < height < 1e-6 for height in heights) > 5


def test_a_kink_that_no_grid_has_is_found() -> None:
    name = "bent_at_a_third"
    bent = operation(name, lambda x: abs(x - 1 / 3), [lambda y, x: ops.sign(x - 1 / 3)],
        kinks=lambda x: x - 1 / 3)
    try:
        assert 1 / 3 in strategies.hard_numbers(bent, (2.0,), 0)
    finally:
        del TABLE[name]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: strategies.finite_numbers(2.0, 1.0), "from low to high, got low=2.0"),
        (lambda: strategies.points_near(math.nan), "number must be a finite number, got nan"),
        (lambda: strategies.points_near(2.0, high=1.0), r"2\.0 does not lie from"),
        (lambda: strategies.programs([]), "ops must hold one or more, got none"),
        (lambda: strategies.modules([Value]), "of Neuron, Layer and MLP"),  # type: ignore[list-item]
    ],
)
def test_what_can_not_be_drawn_is_refused(wrong: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wrong()


# ---- programs and modules ------------------------------------------------------------------------


def test_programs_share_inner_values_and_use_every_row() -> None:
    programs = drawn(strategies.programs(BUILT_IN), 400)
    rows: Counter[Op] = Counter()
    shared = inner = 0
    for program in programs:
        assert program.instructions
        rows.update({op for op, _ in program.instructions})
        uses = Counter(x for _, xs in program.instructions for x in xs if x.__class__ is int)
        made = range(len(program.inputs), len(program.values()))
        inner += len(made) - 1  # all but the result, which nothing uses
        shared += sum(uses[i] > 1 for i in made)
        assert all(uses[i] for i in made[:-1])  # the result depends on each
    assert len(rows) > 0.9 * len(BUILT_IN)  # all of them in 1,000 programs
    assert shared > 0.3 * inner


@settings(FIXED)
@given(strategies.programs(BUILT_IN))
def test_a_program_prints_as_code_that_is_the_same_program(program: Program) -> None:
    known = {"Program": Program, "Instruction": Instruction, "ops": ops}
    assert eval(repr(program), known) == program
    printed: list[float] = []
    exec(program.source(), {"print": lambda *grads: printed.extend(grads)})
    inputs = [Value(x) for x in program.inputs]
    program(*inputs).backward()
    assert printed == [x.grad for x in inputs]


def test_the_newest_row_is_drawn_too() -> None:
    name = "drawn_at_once"
    everything = strategies.programs()
    row = operation(name, lambda x: 2 * x, [lambda y, x: 2.0])
    try:
        search = settings(FIXED, max_examples=5000, phases=[Phase.generate])
        find(everything, lambda program: row in dict(program.instructions), settings=search)
        alone = find(strategies.programs([row]), lambda program: True, settings=FIXED)
        assert repr(alone) == "Program((0.0,), (Instruction(ops.lookup('drawn_at_once'), (0,)),))"
    finally:
        del TABLE[name]


def test_a_rule_that_raises_is_not_skipped() -> None:
    def raises(y: Any, x: Any) -> Any:
        raise KeyError

    row = Op("raises", lambda x: x, (raises,), "raises", "raises")
    assert drawn(strategies.programs([row]), 5)


def test_a_failure_prints_its_program(capsys: pytest.CaptureFixture[str]) -> None:
    @settings(FIXED)
    @given(strategies.programs(BUILT_IN))
    def test(program: Program) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as found:
        test()
    report = "\n".join(found.value.__notes__)
    assert "program=Program((0.0,), (Instruction(ops.add, (0, 0)),))" in report
    assert "x0 = Value(0.0)\nv1 = x0 + x0\nv1.backward()" in report


def test_modules_are_of_every_kind_and_run() -> None:
    kinds = set()
    for model in drawn(strategies.modules(), 200):
        kinds.add(type(model))
        first_layer = model.layers[0] if isinstance(model, MLP) else model
        neuron = first_layer.neurons[0] if isinstance(first_layer, Layer) else first_layer
        inputs = len(neuron.w)
        output = model([0.5] * inputs)
        first = output[0] if isinstance(output, list) else output
        assert isinstance(first, Value)
    assert kinds == {Neuron, Layer, MLP}


def test_a_failing_module_prints_as_code() -> None:
    @settings(FIXED)
    @given(strategies.modules([MLP]), strategies.values())
    def test(model: MLP, x: Value) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as found:
        test()
    report = "".join("\n".join(found.value.__notes__).split())  # however the lines are broken
    assert "model=MLP(1,[1],activation='linear',seed=0)" in report
    assert "x=Value(0.0)" in report


# ---- what they find ------------------------------------------------------------------------------


def is_wrong(program: Program) -> bool:
    """Returns whether a gradient differs from the sum over all paths, by more than it may."""
    leaves = [Value(x) for x in program.inputs]
    values = program.values(*leaves)
    values[-1].backward()
    tangent: dict[Value, Fraction] = {}
    for leaf in leaves:
        size = {value: Fraction(value is leaf) for value in leaves}
        tangent = dict(size)
        for value in values[len(leaves) :]:
            wanted = [
                i for i, x in enumerate(value.operands)
                if x.requires_grad and value.op.is_differentiated(i)
            ]
            numbers = [x.data for x in value.operands]
            partials = [Fraction(p) for p in value.op.local_partials(wanted, value.data, numbers)]
            pairs = [(value.operands[i], p) for i, p in zip(wanted, partials, strict=True)]
            tangent[value] = sum((p * tangent[x] for x, p in pairs), Fraction(0))
            size[value] = sum((abs(p) * size[x] for x, p in pairs), Fraction(0))
        # Wrong by a whole contribution, not by roundings: an edge rounds twice at most.
        slack = Fraction(size[values[-1]]) * 200 / 2**53 + Fraction(2.0**-1000)
        if abs(Fraction(leaf.grad) - tangent[values[-1]]) > slack:
            return True
    return False


SHORTEST = {
    "= for +=": "Program((0.0,), (Instruction(ops.add, (0, 0)),))",
    "operands in a set": "Program((0.0,), (Instruction(ops.add, (0, 0)),))",
}


def search_in(
    monkeypatch: pytest.MonkeyPatch, patches: list[Patch], phases: list[Phase]
) -> tuple[Program, int]:
    """Returns a program that a broken sweep gets wrong, and how many were tried to find one."""
    for module, attribute, broken in patches:
        monkeypatch.setattr(module, attribute, broken)
    tried: list[bool] = []

    def fails(program: Program) -> bool:
        tried.append(is_wrong(program))
        return tried[-1]

    tame = strategies.finite_numbers(-8.0, 8.0)
    # However long the table grows
    few = (ops.add, ops.multiply, ops.neg, ops.tanh, helper_ops.largest)
    found = find(
        strategies.programs(few, inputs=tame), fails,
        settings=settings(
            FIXED, max_examples=2000, phases=phases, suppress_health_check=list(HealthCheck)
        ),
    )
    return found, tried.index(True) + 1


@pytest.mark.parametrize("name", SWEEPS)
def test_a_broken_sweep_is_found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    found, _ = search_in(monkeypatch, SWEEPS[name], [Phase.generate])
    assert is_wrong(found)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SHORTEST else pytest.mark.long)
             for name in SWEEPS],
)
def test_a_broken_sweep_shrinks_to_the_shortest_program(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shortest, tried = search_in(monkeypatch, SWEEPS[name], [Phase.generate, Phase.shrink])
    print(f"{name}: found after {tried} programs, shrunk to {shortest}")
    if name in SHORTEST:
        assert repr(shortest) == SHORTEST[name]
    # Out of order shows where a short way and a long one meet; the shrinker need not find the best.
    assert len(shortest.instructions) <= 6
