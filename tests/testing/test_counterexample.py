"""The picture of a counterexample says which gradients are wrong, and what they should be."""

import pytest
from hypothesis import given, settings

from micrograd_notes.engine import ops
from micrograd_notes.engine.op import built_in_rows
from micrograd_notes.testing.programs import strategies
from micrograd_notes.testing.programs.random_programs import Instruction, Program
from tests.testing.broken_engines import SWEEPS
from tests.testing.counterexample import draw_counterexample

BUILT_IN = tuple(built_in_rows())  # without the rows that other tests add
TWICE = Program(
    (0.5,),
    (Instruction(ops.tanh, (0,)), Instruction(ops.multiply, (1, 1)), Instruction(ops.add, (2, 0))),
)


def test_a_right_engine_has_no_wrong_gradient() -> None:
    assert draw_counterexample(TWICE).view.notes == ("0 of 4 gradients are wrong.",)


@pytest.mark.parametrize("name", SWEEPS)
def test_what_a_broken_engine_gets_wrong_is_labelled(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for module, attribute, broken in SWEEPS[name]:
        monkeypatch.setattr(module, attribute, broken)
    picture = draw_counterexample(TWICE)
    if name == "no topological order":
        assert picture.view.notes == ("0 of 4 gradients are wrong.",)  # it gets this one right
        return
    labels = {box.name for box in picture.view.boxes}
    assert {"v1: grad should be 0.9242", "x0: grad should be 1.727"} <= labels
    assert "v1: expected 0.9242, got 0.4621." in picture.view.notes
    assert picture.view.notes[-1] == "2 of 4 gradients are wrong."
    assert "grad should be 0.9242" in picture.svg()


@settings(max_examples=25)
@given(
    strategies.programs(
        BUILT_IN, inputs=strategies.finite_numbers(-4.0, 4.0), max_instructions=6
    )
)
def test_any_program_can_be_drawn(program: Program) -> None:
    assert "gradient" in draw_counterexample(program).view.notes[-1]
