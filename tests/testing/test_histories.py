"""The state machine over histories: our engine agrees with its model, and broken ones do not."""

import gc
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from micrograd_notes.engine import ops
from micrograd_notes.engine.op import built_in_rows
from tests.testing.broken_engines import HISTORIES, SWEEPS, Patch
from tests.testing.histories import Disagreement, Histories

BUILT_IN = tuple(built_in_rows())  # without the rows that other tests add


class OurHistories(Histories):
    operations = BUILT_IN


class FewHistories(Histories):
    """Of a few rows, so that what a search finds does not hang on how long the table is."""

    operations = (ops.add, ops.multiply, ops.neg, ops.tanh)


TestHistories = OurHistories.TestCase
TestHistories.settings = settings(max_examples=50, stateful_step_count=30)

# ---- what it finds -------------------------------------------------------------------------------

BROKEN = {**SWEEPS, **HISTORIES}
Step = tuple[str, dict[str, Any]]


def record(*calls: tuple[Any, ...]) -> Step:
    return "record", {"calls": list(calls)}


LEAF: Step = ("first_leaf", {"data": 2.0})
BACKWARD: Step = ("backward", {"at": 0, "adjoint": 1.0})
SQUARE = record(("multiply", 0, 0))
CHANGE: Step = ("set_data", {"at": 1, "data": 3.0})
ENTER: Step = ("enter_no_grad", {})

# The shortest history that shows what is wrong.
SHORTEST: dict[str, list[Step]] = {
    "= for +=": [LEAF, SQUARE, BACKWARD],
    "operands in a set": [LEAF, SQUARE, BACKWARD],
    "no topological order": [LEAF, record(("neg", 0), ("neg", 0), ("add", 1, 0)), BACKWARD],
    "inner adjoints kept between sweeps": [
        LEAF, record(("neg", 0), ("neg", 0)), BACKWARD, BACKWARD,
    ],
    "a changed leaf is not refused": [LEAF, SQUARE, CHANGE, BACKWARD],
    "a second sweep overwrites the first": [LEAF, BACKWARD, BACKWARD],
    "a refused sweep leaves half of its gradients": [LEAF, BACKWARD, SQUARE, CHANGE, BACKWARD],
    "a frozen leaf is swept": [LEAF, record(("add", 0, 0.0)), BACKWARD],
    "an inner no_grad ends the outer one": [LEAF, ENTER, ENTER, ("leave_no_grad", {}), SQUARE],
    "a copy forgets that a leaf was changed": [
        LEAF, SQUARE, CHANGE, ("copies", {"several": [0], "how": "pickle"}), BACKWARD,
    ],
    "a sweep leaves a cycle behind": [LEAF, BACKWARD],  # seen when all is dropped
}


def replayed(steps: list[Step]) -> None:
    """Takes the steps one by one, as Hypothesis does."""
    state = OurHistories()
    try:
        for name, arguments in steps:
            getattr(state, name)(**arguments)
            state.agrees()
    finally:
        state.teardown()


def broken(monkeypatch: pytest.MonkeyPatch, patches: list[Patch]) -> None:
    for module, attribute, replacement in patches:
        monkeypatch.setattr(module, attribute, replacement)


def test_every_broken_engine_has_a_history() -> None:
    assert SHORTEST.keys() == BROKEN.keys()


@pytest.mark.parametrize("name", BROKEN)
def test_the_shortest_history_shows_what_is_broken(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    replayed(SHORTEST[name])  # our engine has no fault in it
    broken(monkeypatch, BROKEN[name])
    with pytest.raises(Disagreement):
        replayed(SHORTEST[name])
    for i in range(len(SHORTEST[name]) - 1):  # and it is the shortest: no step can be left out
        steps = [*SHORTEST[name][: i + 1], *SHORTEST[name][i + 2 :]]
        replayed(steps)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("= for +=", marks=pytest.mark.long),
        "a second sweep overwrites the first",
        pytest.param("an inner no_grad ends the outer one", marks=pytest.mark.long),
        "a sweep leaves a cycle behind",
    ],
)
def test_random_histories_find_it_and_print_the_steps(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    broken(monkeypatch, BROKEN[name])
    search = settings(
        derandomize=True, database=None, max_examples=200, stateful_step_count=15,
        report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
        print_blob=False,  # which is printed among the steps on a CI machine
        phases=[Phase.generate, Phase.shrink],
    )
    with pytest.raises(Disagreement) as found:
        run_state_machine_as_test(FewHistories, settings=search)
    lines = "\n".join(found.value.__notes__).splitlines()
    steps = [line for line in lines if line.startswith("state.") and "agrees" not in line]
    print(f"{name}: {found.value}", *steps, sep="\n    ")
    assert len(steps) <= 8
    state = FewHistories()
    try:
        with pytest.raises(Disagreement):
            exec("\n".join(lines[lines.index("state = FewHistories()") + 1 :]), {"state": state})
    finally:
        state.teardown()


# ---- how it looks after itself -------------------------------------------------------------------


def test_a_history_leaves_nothing_for_the_collector() -> None:
    gc.collect()
    steps = [
        LEAF, SQUARE, BACKWARD, BACKWARD, CHANGE, BACKWARD, ENTER, SQUARE, ("leave_no_grad", {}),
        ("copies", {"several": [0, 1, 2], "how": "deepcopy"}),
        ("copies", {"several": [0, 1, 2], "how": "pickle"}),
        ("differentiate", {"at": 2, "by": [0, 1]}), ("zero_grad", {"several": [0, 1, 2]}),
    ]
    state = OurHistories()
    for name, arguments in steps:
        getattr(state, name)(**arguments)
        state.agrees()
    assert not gc.isenabled()
    state.living.clear()
    state.agrees()
    found = gc.collect()
    state.teardown()
    assert found == 0
    assert gc.isenabled()


def test_the_collector_stays_off_where_it_was_off() -> None:
    gc.disable()
    try:
        replayed([LEAF])
        assert not gc.isenabled()
    finally:
        gc.enable()
