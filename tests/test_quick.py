"""Each test is in one class: quick, long, or neither; and the quick ones import few files."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.quick import NEEDED_BY_EXAMPLES, NOT_QUICK, QUICK, ROOT, is_quick

ONE_OF_EACH = """
import pytest

def test_of_the_core(): pass

@pytest.mark.long
def test_that_takes_long(): pass
"""


COLLECTS_FOR_EACH = """
import sys
import pytest

for expression in sys.argv[1:]:
    print("chosen by", expression)
    pytest.main(["--collect-only", "-q", "tests", *(["-m", expression] if expression else [])])
"""


def collected(root: Path, *expressions: str) -> list[set[str]]:
    """Returns the tests that pytest chooses for each expression of marks, without running them.

    The empty expression stands for none: what the settings choose. One process collects all.
    """
    command = [sys.executable, "-c", COLLECTS_FOR_EACH, *expressions]
    said = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False).stdout
    _, *parts = said.split("chosen by ")
    return [{line for line in part.splitlines() if "::" in line} for part in parts]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A tree with our settings, a quick file with one long test, and a file that can't be read."""
    for name in ("pyproject.toml", "conftest.py", "tests/longest.py", "tests/quick.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "tests/__init__.py").touch()
    (tmp_path / "tests/test_layers.py").write_text(ONE_OF_EACH)
    (tmp_path / "tests/test_other.py").write_text("def test_of_another_room(): pass")
    return tmp_path


@pytest.mark.parametrize("place", QUICK)
def test_every_quick_place_is_there_and_in_no_other(place: str) -> None:
    assert (ROOT / place).exists()
    assert not {str(folder) for folder in Path(place).parents} & {*QUICK}


@pytest.mark.parametrize("place", NOT_QUICK)
def test_every_exception_is_a_file_of_a_quick_folder(place: str) -> None:
    assert (ROOT / place).is_file()
    assert {str(folder) for folder in Path(place).parents} & {*QUICK}
    assert not is_quick(ROOT / place)


def test_a_test_is_quick_or_long_or_neither(copy: Path) -> None:
    quick, long = (
        f"tests/test_layers.py::test_{name}" for name in ("of_the_core", "that_takes_long")
    )
    neither = "tests/test_other.py::test_of_another_room"
    assert collected(copy, "", "quick", "long", "long or not long") == [
        {quick, neither}, {quick}, {long}, {quick, long, neither},
    ]


def test_quick_tests_import_no_other_file(copy: Path) -> None:
    (copy / "tests/test_other.py").write_text("import a_package_that_is_not_installed")
    assert [len(chosen) for chosen in collected(copy, "quick")] == [1]


def test_a_file_is_quick_by_its_path_alone() -> None:
    assert is_quick(ROOT / "tests/engine/test_of_tomorrow.py")
    assert not is_quick(ROOT / "tests/lifting/test_net.py")


RUNS_EXAMPLES = """
import doctest
import sys
from importlib import import_module

import graphviz  # with mpmath, what the core and its quick tests install
import mpmath

sys.path = [place for place in sys.path if "-packages" not in place]
tried = [doctest.testmod(import_module(name)) for name in sys.argv[1:]]
print(sum(each.attempted for each in tried), "examples")
sys.exit(sum(each.failed for each in tried))
"""


def test_examples_of_the_core_need_what_the_quick_tests_install_or_say_what_they_need() -> None:
    quick = [path for path in sorted(ROOT.glob("micrograd_notes/**/*.py")) if is_quick(path)]
    files = [path.relative_to(ROOT) for path in quick]
    bare = [file for file in files if file.as_posix() not in NEEDED_BY_EXAMPLES]
    names = [".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in bare]
    command = [sys.executable, "-c", RUNS_EXAMPLES, *names]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert int(run.stdout.split()[0]) > len(bare)
