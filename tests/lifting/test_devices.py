"""The recipes of notebooks/DEVICES.md run as they stand, each in a process of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax")
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "notebooks" / "DEVICES.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SHARED, RECIPES = BLOCKS[0], dict(zip(["jit", "8 devices", "2 processes", "gpu"], BLOCKS[1:],
                                      strict=True))


def start(name: str, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    (folder / "shared.py").write_text(SHARED, encoding="utf-8")
    (folder / "recipe.py").write_text(RECIPES[name], encoding="utf-8")
    path = f"{ROOT}:{folder}"
    environment = {"PYTHONPATH": path, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    if name != "gpu":
        environment["JAX_PLATFORMS"] = "cpu"
    return subprocess.Popen(
        [sys.executable, "recipe.py", *arguments], cwd=folder, text=True, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )


def test_recipes_are_short() -> None:
    assert all(len([*filter(str.strip, recipe.splitlines())]) <= 20 for recipe in RECIPES.values())


@pytest.mark.long
@pytest.mark.parametrize("name", ["jit", "8 devices"])
def test_a_recipe_has_the_gradient_of_numpy(name: str, tmp_path: Path) -> None:
    process = start(name, tmp_path)
    printed = process.communicate(timeout=120)[0]
    assert process.returncode == 0, printed
    assert "of the largest derivative off" in printed


@pytest.mark.long
def test_two_processes_with_half_of_the_data_each_have_the_gradient_of_numpy(
    tmp_path: Path,
) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    both = [start("2 processes", tmp_path, str(rank), address) for rank in (0, 1)]
    for rank, process in enumerate(both):
        printed = process.communicate(timeout=120)[0]
        assert process.returncode == 0, printed
        assert f"process {rank}, with half of the data: the gradient is" in printed


@pytest.mark.long
def test_one_gpu_has_the_gradient_of_numpy(tmp_path: Path) -> None:
    process = start("gpu", tmp_path)
    printed = process.communicate(timeout=120)[0]
    if "there is no GPU here" in printed:
        pytest.skip("there is no GPU here")
    assert process.returncode == 0, printed
