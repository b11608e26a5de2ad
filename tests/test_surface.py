"""The public surface: one list of names, imported lazily, which editors and type checkers see."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import micrograd_notes
from micrograd_notes import CannotLift, Value, lift
from micrograd_notes.common.moved import new_path
from micrograd_notes.engine import number_like, ops
from micrograd_notes.engine.methods import row_of_method
from micrograd_notes.engine.op import built_in_rows

PACKAGE = Path(micrograd_notes.__file__).parent
INIT = PACKAGE / "__init__.py"

# Methods of built-in rows, without those of any number of operands; other tests add rows.
METHODS = sorted(
    name for name, row in row_of_method.items()
    if row in {op.name for op in built_in_rows()} - {"logsumexp", "pick"}
)
PROMISED = """
    Value grad no_grad detect_anomaly operation exp log tanh sigmoid relu softmax maximum minimum
    clamp where logsumexp pick Module Neuron Layer MLP mse_loss cross_entropy hinge_loss
    binary_cross_entropy_with_logits SGD Adam Dataset fit predict accuracy evaluate History
    save_model load_model lift draw_dot draw_backward draw_model training_page gradcheck opcheck
    plots data Recorder check predict_proba MLPClassifier MLPRegressor
    to_torch from_torch diagnose
"""


def seen_by_type_checkers() -> set[str]:
    """Returns the names that the block under TYPE_CHECKING imports."""
    tree = ast.parse(INIT.read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    return {
        alias.asname or alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_what_a_notebook_needs_is_there() -> None:
    assert set(micrograd_notes.__all__) >= set(PROMISED.split())
    for name in micrograd_notes.__all__:
        assert getattr(micrograd_notes, name) is not None
    assert set(dir(micrograd_notes)) >= set(PROMISED.split())


def test_type_checkers_see_the_names_that_are_imported_lazily() -> None:
    assert seen_by_type_checkers() == set(micrograd_notes._home_of)


def test_helpers_of_derivatives_are_no_public_names_and_no_methods() -> None:
    helpers = {name for name, op in micrograd_notes.TABLE.items() if op.is_helper}
    assert {"chain", "ieee_divide", "share"} <= helpers
    assert helpers.isdisjoint(micrograd_notes.__all__)
    assert not any(hasattr(Value, name) for name in helpers)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="does not have 'fitt'"):
        micrograd_notes.fitt  # noqa: B018


def test_no_module_hides_a_public_function_of_its_name() -> None:
    for found in pkgutil.walk_packages([str(PACKAGE)], "micrograd_notes."):
        importlib.import_module(found.name)
    for name in micrograd_notes.__all__:
        thing = getattr(micrograd_notes, name)
        is_module = isinstance(thing, types.ModuleType)
        assert is_module == (name in ("plots", "data")), name


def python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_import_star_gives_what_is_installed() -> None:
    program = (
        "import sys; sys.modules['sklearn'] = sys.modules['mpmath'] = None\n"
        "from micrograd_notes import *\n"
        "print(lift.__name__, {'MLPClassifier', 'gradcheck', 'MLP', 'tanh'} & {*globals()})"
    )
    assert python(program).strip() in ("lift {'MLP', 'tanh'}", "lift {'tanh', 'MLP'}")


def test_importing_the_package_imports_the_engine_alone() -> None:
    out = python(
        "import sys, micrograd_notes; print(sorted({m.split('.')[1] for m in sys.modules"
        " if m.startswith('micrograd_notes.')}), 'numpy' in sys.modules)"
    )
    assert out.strip() == "['common', 'engine'] False"


def test_training_on_scalars_does_not_wait_for_the_compiler() -> None:
    program = (
        "import sys; from micrograd_notes import MLP, fit; from micrograd_notes.train import data\n"
        "history = fit(MLP(2, [1], seed=0), data.moons(samples=8), epochs=1, progress=False)\n"
        "print(len(history), 'micrograd_notes.lifting' in sys.modules)"
    )
    assert python(program).strip() == "1 False"


OLD = [
    "optim", "training", "graph", "rows", "plots", "draw.view", "testing.numeric",
    "testing.gradcheck",
]


@pytest.mark.parametrize("old", OLD)
def test_an_old_import_path_says_the_new_one(old: str) -> None:
    new = new_path(old)
    assert new is not None
    with pytest.raises(ModuleNotFoundError, match=rf"is now micrograd_notes\.{new};"):
        importlib.import_module(f"micrograd_notes.{old}")
    importlib.import_module(f"micrograd_notes.{new}")


def test_a_name_that_never_was_gets_pythons_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named .*nonsense"):
        importlib.import_module("micrograd_notes.nonsense")


def test_every_method_of_a_value_is_declared_for_editors() -> None:
    """The block in `Value` that type checkers read has the names that `install` adds."""
    tree = ast.parse(inspect.getsource(number_like.NumberLike))
    [block] = [node for node in ast.walk(tree) if isinstance(node, ast.If) and
               ast.unparse(node.test) == "TYPE_CHECKING"]
    declared = {
        alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    rows = {op.name for op in micrograd_notes.TABLE.values() if not op.is_helper}
    choosing = {"where", "equal", "greater", "step"}
    built_in = {name for name in rows if hasattr(ops, name) or name in choosing}
    assert declared == {name for name in built_in if row_of_method.get(name) == name}


@pytest.mark.parametrize("name", ["tanh", "logsumexp", "where"])
def test_an_editor_completes_a_method_and_leads_to_its_row(name: str) -> None:
    jedi = pytest.importorskip("jedi")
    source = f"from micrograd_notes import Value\nx = Value(1.0)\nx.{name}"
    script = jedi.Script(source, project=jedi.Project(str(PACKAGE.parent)))
    column = len(f"x.{name}")
    assert name in [found.name for found in script.complete(3, column)]
    [row] = script.goto(3, column, follow_imports=True)
    assert row.module_name in ("micrograd_notes.engine.ops", "micrograd_notes.engine.helper_ops")
    assert row.description.startswith(f"{name}: Row = operation(")


def test_one_place_says_how_an_extra_is_installed() -> None:
    """So all messages give the same command."""
    places = [
        str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")
        if "pip install" in path.read_text(encoding="utf-8")
    ]
    assert places == [str(Path("common", "extras.py"))]


@pytest.mark.parametrize("is_lifted", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_gets_too_much_has_the_name_that_learners_know(
    name: str, is_lifted: bool
) -> None:
    """As `pow(x, 2, 3)` does: no message has the name of a function that is ours alone."""
    if is_lifted:
        pytest.importorskip("numpy")
    w = Value(1.5)

    def loss(x: Any) -> Any:
        return getattr(w * x, name)(*[w] * 9)

    with pytest.raises((TypeError, CannotLift)) as caught:
        lift(loss, parameters=[w])([1.0, 2.0]) if is_lifted else loss(1.0)
    said = str(caught.value)
    assert "<locals>" not in said
    assert name in said or row_of_method[name] in said
