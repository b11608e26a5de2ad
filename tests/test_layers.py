"""The layers point one way: the package's own import statements, read and held to the plan."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import micrograd_notes

PACKAGE = Path(micrograd_notes.__file__).parent

# The rooms from the ground up, and in some of them their parts. A part may import the parts in the
# lines above its own, and those beside it in the same folder.
LAYERS = [
    {"common"},
    {"engine"},
    {"nn"},
    {"testing.numbers"},
    {"lifting.ints"},
    {"lifting.trace"},
    {"lifting.recurrences", "lifting.guards"},
    {"lifting.passes"},
    {"lifting.typed"},
    {"lifting.arrays"},
    {"lifting.codegen"},
    {"lifting.native"},
    {"lifting"},
    {"train"},
    {"draw"},
    {"draw.graph"},
    {"draw.stepper", "draw.model"},
    {"draw.plots"},
    {"draw.training"},
    {"draw.__init__"},
    {"testing.programs"},
    {"testing.oracles"},
    {"testing.diagnosis"},
    {"testing"},
    {"course", "gpt"},
    {"cli"},
    {"__init__", "__main__"},
]

LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

# What the core may import beside the standard library; the rest waits until it is asked for.
CORE = {"graphviz"}


def room_of(file: Path) -> str:
    return room_named(".".join(file.relative_to(PACKAGE).with_suffix("").parts))


def room_named(name: str) -> str:
    """Returns the part of the package that a dotted name is in, or its room.

    A name of a room that is not a file of it comes from the `__init__` of the room.
    """
    room, _, rest = name.partition(".")
    file = rest.partition(".")[0]
    is_file = (PACKAGE / room / file).exists() or (PACKAGE / room / f"{file}.py").exists()
    part = f"{room}.{file}" if is_file else f"{room}.__init__"
    return part if part in LEVEL else room


def imports(file: Path, at_import_time: bool = False) -> set[str]:
    """Returns the dotted names that a file imports: all, or those that importing it imports."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = tree.body if at_import_time else list(ast.walk(tree))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name}: write absolute imports"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_imported(file: Path) -> set[str]:
    names = [name.partition(".")[2] for name in imports(file)]
    rooms = {room_named(name) for name in names if name.partition(".")[0] in LEVEL}
    return rooms - {room_of(file)}


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_file_has_a_layer() -> None:
    assert {room_of(file) for file in FILES} <= LEVEL.keys()


def test_nothing_imports_upward_or_sideways() -> None:
    for file in FILES:
        for room in rooms_imported(file):
            assert LEVEL[room] < LEVEL[room_of(file)], f"{file.name} imports {room}"


def test_the_core_needs_the_standard_library_and_graphviz_alone() -> None:
    for file in FILES:
        if room_of(file).partition(".")[0] in {"cli", "testing"}:
            continue  # an extra of their own brings their libraries
        for name in imports(file, at_import_time=True):
            top = name.split(".")[0]
            known = top in sys.stdlib_module_names or top in CORE | {"micrograd_notes"}
            assert known, f"{file.name} imports {top} before it is asked for"


def test_an_upward_import_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from micrograd_notes.nn import MLP\n", encoding="utf-8")
    assert imports(wrong) == {"micrograd_notes.nn.MLP"}


# ---- rooms that can be left closed ---------------------------------------------------------------

OPTIONAL = ["lifting", "train", "draw", "testing", "course", "cli", "gpt.py"]

CORE_AND_NETWORKS = """
from micrograd_notes import MLP, Value, grad, no_grad, operation, tanh
from micrograd_notes.nn.losses import mse_loss
x = Value(0.5)
(first,) = grad(tanh(x) * x, [x])
assert grad(first, [x])[0].data
model = MLP(2, [3, 1], seed=0)
mse_loss([model([1.0, -1.0])], [0.5]).backward()
with no_grad():
    for parameter in model.parameters():
        parameter.data -= 0.1 * parameter.grad
print("done")
"""


def without(rooms: Iterable[str], folder: Path, program: str) -> str:
    """Returns what a program prints where the package lacks some rooms."""
    copy = folder / "micrograd_notes"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for room in rooms:
        (shutil.rmtree if (copy / room).is_dir() else Path.unlink)(copy / room)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(folder), "PATH": "", "MPLBACKEND": "agg"},
    )
    return done.stdout + done.stderr


def test_the_engine_and_networks_run_without_all_other_rooms(tmp_path: Path) -> None:
    assert without(OPTIONAL, tmp_path, CORE_AND_NETWORKS) == "done\n"


@pytest.mark.long
@pytest.mark.parametrize("room", OPTIONAL)
def test_the_engine_and_networks_run_without_each_other_room(room: str, tmp_path: Path) -> None:
    assert without([room], tmp_path, CORE_AND_NETWORKS) == "done\n"


def test_a_room_that_is_missing_is_missed(tmp_path: Path) -> None:
    assert "No module named 'micrograd_notes.nn'" in without(["nn"], tmp_path, CORE_AND_NETWORKS)
