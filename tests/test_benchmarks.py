"""The benchmarks' own arithmetic: peers agree, and one that fails is named while others go on."""

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
    monkeypatch.delenv("MICROGRAD_NOTES_BACKEND", raising=False)  # each row has its own
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


def first_step(turns: Any, module: str, function: str, task: Any) -> Any:
    peer = importlib.import_module(f"lifting.{module}")
    learner = getattr(peer, function)(task.make())
    loss = learner.step()
    return turns.Answer(loss, np.concatenate([array.ravel() for array in learner.arrays()]))


def small_tasks(turns: Any) -> list[Any]:
    """One network per activation, with blocks of examples that are not full, and two GPTs."""
    work = importlib.import_module("lifting.work")
    networks = [work.Network((5, 9, 7, 4), 50, activation=name) for name in work.ACTIVATIONS]
    return [*networks, work.Network((3, 13, 1), 7), work.Names(2), work.Names(3, 4, 8, layers=2)]


PEERS = [
    ("in_numpy", "by_hand"),
    pytest.param("in_ours", "fast", marks=pytest.mark.long),
    pytest.param("in_ours", "printed", marks=pytest.mark.long),
    pytest.param("in_ours", "in_c", marks=pytest.mark.long),
    pytest.param("in_c", "by_hand", marks=pytest.mark.long),
    pytest.param("in_c", "in_tiles", marks=pytest.mark.long),
    pytest.param("in_jax", "jitted", marks=pytest.mark.long),
    pytest.param("in_torch", "eager", marks=pytest.mark.long),
    pytest.param("in_torch", "compiled", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("module", "function"), PEERS)
def test_peers_agree_with_the_scalars(turns: Any, module: str, function: str) -> None:
    contestants = [each for each in turns.CONTESTANTS if each.module == module and each.is_here]
    [peer] = [each for each in contestants if each.function == function] or [None]
    if peer is None:
        pytest.skip(f"{module} needs a library or a compiler that is not here")
    for task in filter(peer.takes, small_tasks(turns)):
        scalars = first_step(turns, "in_ours", "scalars", task)
        wrong = turns.disagreement(scalars, first_step(turns, module, function, task))
        assert wrong is None, f"{task.title}: {wrong}"


def test_hand_written_activations_are_those_of_the_package(turns: Any) -> None:
    from micrograd_notes.nn.layers import activation_names

    work = importlib.import_module("lifting.work")
    slopes = importlib.import_module("lifting.numpy_slopes")
    assert {*work.ACTIVATIONS} == {*slopes.SLOPES} == {*activation_names()} - {"linear"}


def test_the_operations_of_products_are_counted(turns: Any) -> None:
    work = importlib.import_module("lifting.work")
    # 5 examples, 2 operations per weight: forth, and back to the weights; to the hidden ones, too
    assert work.Network((2, 3, 4), 5).flops == 5 * 2 * (2 * 2 * 3 + 3 * 3 * 4)
    # one name, one position, which attends to itself: scores and values are 2 products of width 16
    weights = 12 * 16**2 + 27 * 16
    assert work.Names(1, length=1).flops == 2 * 3 * (weights + 2 * 16)


def test_what_got_slower_is_named(turns: Any) -> None:
    kept = importlib.import_module("lifting.kept")

    def line(lifted: float, epoch: float | None) -> Any:
        table = {turns.MOONS: {turns.FAST: lifted, turns.NUMPY: 2.0, turns.TORCH: 4.0}}
        return kept.line_of(table, epoch, seed=1)

    before = line(1.0, 0.1)
    assert before["of the best peer"] == {turns.MOONS.title: {turns.FAST: 0.5}}
    assert kept.slower(before, line(1.05, None)) == []
    assert kept.slower(before, line(2.0, 0.2)) == [
        f"{turns.MOONS.title}: {turns.FAST}: 1.00 of the best peer, 0.50 before",
        "an epoch of fit: 0.200 of a loop in PyTorch, 0.100 before",
    ]


def test_goals_are_said_to_be_met_or_not(turns: Any) -> None:
    goals = importlib.import_module("lifting.goals")
    goal = goals.Goal("must", turns.IN_C, 0.5, goals.BEST)
    medians = {turns.NUMPY: 3.0, turns.TORCH: 2.0, turns.TILED: 0.1}
    assert goal.said(medians).endswith("of the best peer: not measured")
    assert goal.said({**medians, turns.IN_C: 1.0}).endswith(": 0.50 met")
    assert goal.said({**medians, turns.IN_C: 1.1}).endswith(": 0.55 NOT met")
    work = importlib.import_module("lifting.work")
    assert [g.at_most for g in goals.goals_of(work.drawn(3)[0])] == [1.0, 0.8]
    assert goals.goals_of(work.MOONS)[-1] == goals.Goal(
        "must", turns.FAST, goals.AS_FAST, turns.EARLIER
    )


# ---- how far it goes -----------------------------------------------------------------------------

PAGE = Path(__file__).parents[1] / "notebooks" / "HOW_FAR.md"


@pytest.fixture
def how_far(turns: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for library in ("OMP", "OPENBLAS", "MKL"):  # which the module sets for its own process
        monkeypatch.setenv(f"{library}_NUM_THREADS", "1")
    return importlib.import_module("how_far")


def test_the_page_has_the_tables_as_printed(how_far: Any) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for table in how_far.formulas().split("\n\n"):
        assert f"```\n{table}\n```" in page


def test_a_step_takes_six_operations_per_weight_and_example(how_far: Any) -> None:
    """The first layer takes two less: nothing needs the derivative by the data."""
    from micrograd_notes import MLP, lift
    from micrograd_notes.lifting.sizes.check import operations
    from micrograd_notes.lifting.typed.expressions import MatMul, lines_of
    from micrograd_notes.lifting.typed.ready import ready

    model = MLP(3, [5, 7, 2], activation="tanh", seed=0)
    program = lift(lambda x: sum(a * a for a in model(x)), model)
    program.source_for(np.ones((4, 3)))
    lines = lines_of(ready(program._known().anew()).steps)
    products = [e for line in lines for e in line.value.walk() if isinstance(e, MatMul)]
    weights = 3 * 5 + 5 * 7 + 7 * 2
    assert sum(map(operations, products)) == how_far.OPERATIONS * weights - 2 * 3 * 5


def test_the_parameters_of_the_models_are_counted(how_far: Any) -> None:
    from micrograd_notes import MLP

    deep_gpt = importlib.import_module("lifting.deep_gpt")
    assert how_far.mlp(5, 4, 3) == len(MLP(5, [4, 3], seed=0).parameters())
    model = deep_gpt.DeepGPT(tokens=7, positions=5, width=6, heads=2, layers=3)
    assert how_far.gpt(3, 6, 7, 5) == len(model.parameters())
