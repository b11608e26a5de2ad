"""The benchmarks' own arithmetic: a peer that fails is named, and the others go on."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module `lifting.turns` of the benchmarks, which is no part of the package."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    before = set(sys.modules)
    yield importlib.import_module("lifting.turns")
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "lifting":
            del sys.modules[name]


def test_a_peer_that_fails_is_named_and_the_rest_goes_on(
    turns: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    good = [turns.Contestant(name, "in_numpy", "by_hand") for name in (turns.FAST, turns.NUMPY)]
    broken = turns.Contestant("broken", "in_numpy", "there_is_no_such_function")
    race = turns.Race(turns.MOONS, [good[0], broken, good[1]])
    times = race.run(rounds=2, seconds=0.001)
    assert [*times] == [turns.FAST, turns.NUMPY, turns.PRODUCTS]
    assert all(len(taken) == 2 for taken in times.values())
    assert len(race.failures) == 1
    assert race.failures[0].startswith(f"{turns.MOONS.title}: broken: AttributeError: ")
    assert f"FAILED: {race.failures[0]}" in capfd.readouterr().out


def test_a_process_that_ends_early_is_an_answer_too(turns: Any) -> None:
    without_arguments = turns.started(turns.serve)
    assert without_arguments.said() == turns.Failed("its process ended with status 1")
    without_arguments.end()


def test_a_peer_that_computes_something_else_is_named(turns: Any) -> None:
    ours = turns.Answer(0.5, np.array([1.0, 2.0]))
    assert turns.disagreement(ours, ours) is None
    assert turns.disagreement(ours, turns.Answer(0.5 + 2.0**-52, ours.parameters)) is None
    assert "its loss is 0.75" in turns.disagreement(ours, turns.Answer(0.75, ours.parameters))
    assert "loss" in turns.disagreement(ours, turns.Answer(float("nan"), ours.parameters))
    moved = turns.Answer(0.5, np.array([1.0, 2.1]))
    assert "its parameter 1 differs by 1.0e-01" in turns.disagreement(ours, moved)
