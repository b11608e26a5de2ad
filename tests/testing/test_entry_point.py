"""Hypothesis knows our types by itself, and importing it imports little."""

import subprocess
import sys

from hypothesis import find, given, settings, strategies as st

from micrograd_notes.engine import Value
from micrograd_notes.nn import MLP, Layer, Module, Neuron


def output_of(code: str) -> str:
    """Returns what a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def test_a_value_is_drawn_without_our_strategies() -> None:
    code = (
        "from hypothesis import find, strategies as st\n"
        "from micrograd_notes import Value\n"
        "print(find(st.from_type(Value), lambda x: abs(x.data) > 1))"
    )
    assert output_of(code) == "Value(data=2.0, grad=0.0)"


def test_importing_hypothesis_imports_no_strategies_and_no_numpy() -> None:
    code = (
        "import hypothesis, sys\n"
        "print([name for name in ("
        "'micrograd_notes.cli.hypothesis_entry', 'micrograd_notes.testing',"
        " 'numpy', 'mpmath', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    assert output_of(code) == "['micrograd_notes.cli.hypothesis_entry']"


def test_hypothesis_can_be_told_to_leave_it() -> None:
    code = "import os; os.environ['HYPOTHESIS_NO_PLUGINS'] = '1'\nimport hypothesis, sys\n"
    assert output_of(code + "print('micrograd_notes' in sys.modules)") == "False"


@settings(max_examples=20)
@given(...)
def test_the_type_of_an_argument_is_enough(x: Value, neuron: Neuron, layer: Layer) -> None:
    assert isinstance(x, Value)
    assert isinstance(neuron, Neuron)
    assert isinstance(layer, Layer)


def test_modules_and_programs_are_drawn_by_their_types() -> None:
    from micrograd_notes.testing.programs.random_programs import Program

    smallest = find(st.from_type(MLP), lambda model: True)
    assert repr(smallest) == "MLP of [Layer of [LinearNeuron(1)]]"
    assert isinstance(find(st.from_type(Module), lambda model: True), Neuron)
    assert find(st.from_type(Program), lambda program: True).instructions
