"""What `micrograd-notes check` finds in files that a beginner writes."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from micrograd_notes.engine.op import TABLE
from micrograd_notes.testing import Verdict
from micrograd_notes.testing.checking import (
    CannotCheckError,
    Outcome,
    checks_of_file,
    checks_of_table,
)

IMPORTS = "import math\nfrom micrograd_notes import Value, operation, exp, sin, tanh, relu, log\n"


@pytest.fixture(autouse=True)
def _world_as_it_was(tmp_path: Path) -> Iterator[None]:
    """Forgets the modules and the folders that a checked file brings along."""
    modules, folders = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = folders
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def outcomes(folder: Path, text: str, name: str = "my_ops.py") -> dict[str, Outcome]:
    file = folder / name
    file.write_text(IMPORTS + text, encoding="utf-8")
    found = [run_check() for run_check in checks_of_file(file)]
    return {outcome.name: outcome for outcome in found}


def the_only(folder: Path, text: str) -> Outcome:
    (found,) = outcomes(folder, text).values()
    return found


# ---- operations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [("1 / (1 + abs(x)) ** 2", "VALUE UNCHECKED"), ("1 / (1 + abs(x))", "WRONG RULE")],
)
def test_a_registered_operation(rule: str, verdict: str, tmp_path: Path) -> None:
    text = f"operation('bent', lambda x: x / (1 + abs(x)), [lambda y, x: {rule}])\n"
    found = the_only(tmp_path, text)
    assert (found.name, str(found.verdict)) == ("bent", verdict)
    assert found.fails == (verdict == "WRONG RULE")


def test_the_report_stands_under_a_failing_line(tmp_path: Path) -> None:
    found = the_only(tmp_path, "operation('cubed', lambda x: x**3, [lambda y, x: x**2])\n")
    first, *report = str(found).splitlines()
    assert first.startswith("cubed: WRONG RULE")
    assert all(line.startswith("  ") for line in report)
    assert any("x = Value(0.75); y = cubed(x); y.backward()" in line for line in report)
    assert any("my_ops.py:3" in line for line in report)


def test_an_operation_that_is_not_in_the_table_is_checked_too(tmp_path: Path) -> None:
    text = (
        "from micrograd_notes.engine.op import Op\n"
        "twice = Op('twice', lambda x: 2 * x, (lambda y, x: 3.0,), '2', '2*{0}')\n"
    )
    assert the_only(tmp_path, text).verdict is Verdict.WRONG_RULE


def test_operations_and_functions_that_are_imported_are_not_the_files(tmp_path: Path) -> None:
    imported = "from micrograd_notes.nn.losses import mse_loss"
    found = outcomes(tmp_path, f"{imported}\ndef f(x): return x\n")
    assert list(found) == ["f"]


def test_what_an_operation_is_made_of_is_checked_with_it(tmp_path: Path) -> None:
    text = (
        "def forward(x): return math.exp(x)\n"
        "def rule(y, x): return y\n"
        "operation('growth', forward, [rule], mpmath='exp')\n"
    )
    assert outcomes(tmp_path, text).keys() == {"growth"}


@pytest.mark.parametrize(
    ("forward", "rule"), [("x * missing", "1.0"), ("x * x", "missing * x"), ("x * x", "x.data")]
)
def test_an_operation_that_raises_what_it_may_not_fails(
    forward: str, rule: str, tmp_path: Path
) -> None:
    text = f"operation('raising', lambda x: {forward}, [lambda y, x: {rule}])\n"
    found = the_only(tmp_path, text)
    assert found.fails
    assert "Error: " in str(found)


@pytest.mark.parametrize(
    ("forward", "words"), [("None", "gives None"), ("x / 0", "raises ZeroDivisionError")]
)
def test_an_operation_without_a_value_fails_and_says_so(
    forward: str, words: str, tmp_path: Path
) -> None:
    found = the_only(tmp_path, f"operation('empty', lambda x: {forward}, [1.0])\n")
    assert found.fails
    assert words in "".join(found.details)


# ---- functions -----------------------------------------------------------------------------------


def test_functions_pass_with_as_many_arguments_as_they_need(tmp_path: Path) -> None:
    text = (
        "def neuron(x, w, b): return tanh(x * w + b)\n"
        "def leaky(x, slope=0.01): return x if x > 0 else slope * x\n"
        "def total(*xs): return sum(x * x for x in xs)\n"
        "half = lambda x: x / 2\n"
        "def _private(x): return Value(x.data)\n"
    )
    found = outcomes(tmp_path, text)
    assert {name: str(outcome.verdict) for name, outcome in found.items()} == {
        "neuron": "PASS", "leaky": "KINK", "total": "PASS", "half": "PASS",
    }
    assert "at x = 0.0" in found["leaky"].aside


@pytest.mark.parametrize(
    ("body", "verdict", "where"),
    [
        ("Value(x.data ** 2)", Verdict.TRAVERSAL, "x = 0.75"),
        ("x * x.data", Verdict.TRAVERSAL, "x = 0.75"),
        ("sin(x) / x", Verdict.INACCURATE, "x = 1e-08"),
        ("x * __import__('random').random()", Verdict.NONDETERMINISTIC, "x = 0.75"),
    ],
)
def test_a_wrong_function_fails_and_names_the_point(
    body: str, verdict: Verdict, where: str, tmp_path: Path
) -> None:
    found = the_only(tmp_path, f"def f(x): return {body}\n")
    assert found.verdict is verdict
    assert where in found.aside
    assert found.details


def test_points_where_it_is_not_defined_are_counted(tmp_path: Path) -> None:
    found = the_only(tmp_path, "def f(x): return log(x) * x\n")
    assert found.verdict is Verdict.PASS
    assert found.aside == "8 points, no finite value at 5 more"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def f(): return Value(1.0)", "it does not need an argument"),
        ("def f(x=2.0): return Value(x)", "it does not need an argument"),
        ("def f(x, *, slope): return x", "it needs the keyword argument slope=..."),
        ("def f(x): return 3.0", "it returns 3.0 (float), not a Value"),
        ("def f(x): print(x)", "it returns None, not a Value"),
        ("def f(x): return x, x", "it returns a tuple of 2, not a Value"),
        ("def f(xs): return sum(x for x in xs)", "gradcheck(f, [0.75, 1.75]) checks it"),
        ("def f(x): return x * math.sin(x)", "write exp(v) from micrograd_notes"),
        ("def f(x): return log(-x * x)", "at any of 13 points, at the first one: ValueError: log"),
    ],
)
def test_what_can_not_be_called_with_numbers_is_not_checked_and_says_why(
    text: str, reason: str, tmp_path: Path
) -> None:
    found = the_only(tmp_path, text + "\n")
    assert found.verdict is None
    assert not found.fails
    assert reason in str(found)


def test_what_a_function_prints_is_not_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "print('once')\ndef f(x):\n    print('often')\n    return x * x\n"
    assert the_only(tmp_path, text).verdict is Verdict.PASS
    assert capsys.readouterr().out == "once\n"


# ---- files ---------------------------------------------------------------------------------------


def test_a_file_imports_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("def square(x): return x * x\n", encoding="utf-8")
    found = the_only(tmp_path, "from beside_it import square\ndef f(x): return square(x) * x\n")
    assert found.verdict is Verdict.PASS


def test_a_file_of_a_package_imports_relatively(tmp_path: Path) -> None:
    package = tmp_path / "a_package" / "inside"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package.parent / "beside.py").write_text("def square(x): return x * x\n", encoding="utf-8")
    found = the_only(package, "from ..beside import square\ndef f(x): return square(x) * x\n")
    assert found.verdict is Verdict.PASS


def test_a_file_may_be_named_as_a_module_of_python(tmp_path: Path) -> None:
    import random

    found = outcomes(tmp_path, "def f(x): return x * x\n", "random.py")
    assert found["f"].verdict is Verdict.PASS
    assert sys.modules["random"] is random


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = = 3", "line 1: invalid syntax"),
        ("\n1 / 0", "line 2: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)", "it ends the program"),
        ("from . import beside", "write import helper instead of from . import helper"),
        ("x = 3", "does not define an operation or a function"),
        ("from micrograd_notes import operation\noperation('tanh', abs, [1.0])",
         "line 2: ValueError: 'tanh' is a built-in operation"),
    ],
)
def test_a_file_with_nothing_to_check_says_why(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "mistaken.py"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CannotCheckError) as raised:
        checks_of_file(file)
    assert words in str(raised.value)
    assert "mistaken.py" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [("none.py", "there is no file"), ("", "is a folder"), ("notebook.ipynb", "in a notebook")],
)
def test_what_is_no_file_of_python_is_refused(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "notebook.ipynb").touch()
    with pytest.raises(CannotCheckError, match=words):
        checks_of_file(tmp_path / name)


# ---- the table -----------------------------------------------------------------------------------


def test_without_a_file_every_row_is_checked_in_its_turn() -> None:
    checks = checks_of_table()
    assert len(checks) == len(TABLE)
    assert [checks[0]().name, checks[-1]().name] == [next(iter(TABLE)), list(TABLE)[-1]]


def test_a_function_that_asserts_where_it_is_defined_is_checked_there(tmp_path: Path) -> None:
    text = "def f(x):\n    assert x.data > 0\n    return x * x\n"
    found = the_only(tmp_path, text)
    assert found.verdict is Verdict.PASS
    assert "no finite value at" in str(found)


def test_a_function_that_ends_the_program_does_not_end_the_checks(tmp_path: Path) -> None:
    found = outcomes(tmp_path, "def f(x): raise SystemExit(3)\ndef g(x): return x\n")
    assert found["f"].verdict is None
    assert "SystemExit" in str(found["f"])
    assert found["g"].verdict is Verdict.PASS
