"""Lifted programs in C, compiled many at a time and called with NumPy's arrays."""

import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from micrograd_notes.lifting.arrays.arrange import arrange
from micrograd_notes.lifting.codegen.c import FLAGS
from micrograd_notes.lifting.codegen.c.emit import functions_of as printed
from micrograd_notes.lifting.codegen.c.kernels import with_kernels
from micrograd_notes.lifting.program import Lifted

COMPILER = shutil.which("gcc") or shutil.which("cc")
# Random programs are many, and none is run often.
QUICKLY = ("-O0", *[flag for flag in FLAGS if flag != "-O2" and "vector" not in flag])

Result = tuple[float, Any] | None  # the loss and its gradient; None where NumPy must run


def loaded(source: str, flags: Sequence[str] = FLAGS) -> ctypes.CDLL:
    """Returns the library that a source compiles to, without a single warning."""
    assert COMPILER is not None
    with tempfile.TemporaryDirectory() as folder:
        file, library = Path(folder, "program.c"), Path(folder, "program.so")
        file.write_text(source, encoding="utf-8")
        strict = ["-Wall", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused-function"]
        command = [COMPILER, *flags, *strict, "-shared", "-fPIC", "-o", library, file, "-lm"]
        subprocess.run(command, check=True)  # type: ignore[arg-type]
        return ctypes.CDLL(str(library))


def called(library: ctypes.CDLL, theta: Any, data: Sequence[Any], prefix: str = "") -> Result:
    """Returns the loss and the gradient that a compiled program computes for some data."""
    function, work_bytes = library[f"{prefix}loss_and_gradient"], library[f"{prefix}work_bytes"]
    function.argtypes = [ctypes.c_int64, *[ctypes.c_void_p] * 5]
    work_bytes.argtypes, work_bytes.restype = [ctypes.c_int64], ctypes.c_int64
    arrays = [np.ascontiguousarray(array) for array in data]
    count = len(arrays[0]) if arrays and arrays[0].ndim else 1
    # garbage where the program has no business to read, so that a test sees it if it does
    work, loss = np.full(work_bytes(count) // 8 + 8, np.nan), np.full(1, np.nan)
    start = work.ctypes.data + -work.ctypes.data % 64
    gradient = np.full_like(theta, np.nan)
    inputs = (ctypes.c_void_p * max(len(arrays), 1))(*[array.ctypes.data for array in arrays])
    given = [theta.ctypes.data, gradient.ctypes.data, loss.ctypes.data, inputs, start]
    return None if function(count, *given) else (float(loss[0]), gradient)


def given_in_c(lifted: Lifted, *data: Any) -> list[Any]:
    """Returns the data as C gets it: choices are whole numbers, and all others are not."""
    arrays = zip(lifted._inputs.checked(data), lifted._known().inputs, strict=True)
    return [each.astype(np.int64 if array.below is not None else float) for each, array in arrays]


def body_of(lifted: Lifted, prefix: str = "") -> str:
    """Returns the functions of the latest program in C, renamed with a prefix; or CannotPrint."""
    body = printed(arrange(lifted._known().grouped))
    names = re.findall(r"(?m)^(?:static void|static const \w+|int32_t|int64_t) (\w+)", body)
    return re.sub(rf"\b({'|'.join(names)})\b", rf"{prefix}\1", body)


def compiled(lifted: Lifted, flags: Sequence[str] = FLAGS) -> Callable[..., Result]:
    """Returns the latest program, compiled: theta, *data -> the loss and its gradient."""
    library = loaded(with_kernels("a test", body_of(lifted)), flags)
    return lambda theta, *data: called(library, theta, given_in_c(lifted, *data))


def all_called(
    programs: Sequence[tuple[Lifted, Sequence[Any]]], flags: Sequence[str] = QUICKLY, times: int = 1
) -> list[Result]:
    """Returns what many programs compute for their data, all compiled in one file.

    With `times`, each example is there so many times, which leaves loss and gradient as they are,
    but needs more than one block.
    """
    bodies = [body_of(lifted, f"p{k}_") for k, (lifted, _) in enumerate(programs)]
    library = loaded(with_kernels("tests", "\n".join(bodies)), flags)
    results: list[Result] = []
    for k, (lifted, data) in enumerate(programs):
        given = [np.concatenate([each] * times) for each in given_in_c(lifted, *data)]
        results.append(called(library, lifted.parameters(), given, f"p{k}_"))
    return results
