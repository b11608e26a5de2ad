"""The work in C by hand, compiled there and then for the processor that runs it.

The compiler may add in another order (so do all peers), and may assume nothing else. The sources
are `mlp.c` and `gpt.c`, as plain as one writes them first, and `mlp_in_tiles.c`, as one writes them
after reading how fast products are made. `compiler` says whether the machine has one.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from lifting.in_numpy import flattened, views
from lifting.peer import Learner
from lifting.work import HEADS, RATE, Array, Work

ORDER = ["-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno"]
# gcc 12 compiles gpt.c wrongly for vectors of 512 bits, which a processor with AVX-512 has.
NARROW = ["-mprefer-vector-width=256"] if platform.machine() in ("x86_64", "AMD64") else []
FLAGS = ["-O3", "-march=native", *NARROW, *ORDER, "-shared", "-fPIC"]


def compiler() -> str | None:
    """Returns where the C compiler is: the one that CC names, or cc. None if there is none."""
    return shutil.which(os.environ.get("CC", "cc")) if os.name == "posix" else None


def by_hand(work: Work) -> Learner:
    return gpt(work) if work.is_gpt else mlp(work, "mlp.c")


def in_tiles(work: Work) -> Learner:
    return mlp(work, "mlp_in_tiles.c")


def compiled(source: str, **sizes: Any) -> Any:
    """Returns the function `step` of a source, compiled for these sizes."""
    given = [f"-D{name}={value}" for name, value in sizes.items()]
    with TemporaryDirectory() as folder:
        library = Path(folder, "step.so")
        where = [str(Path(__file__).parent / source), "-o", str(library), "-lm"]
        subprocess.run([str(compiler()), *FLAGS, *given, *where], check=True)
        step = ctypes.CDLL(str(library)).step  # once loaded, it needs no file
    step.restype = ctypes.c_double
    return step


def address(array: Array) -> Any:
    """Returns a pointer to an array, which it keeps alive."""
    return array.ctypes.data_as(ctypes.c_void_p)


def mlp(work: Work, source: str) -> Learner:
    given = [array.T for array in work.arrays()]
    theta = flattened(given)
    dtheta = np.empty_like(theta)
    sizes = [work.X.shape[1], *(len(b) for b in given[1::2])]
    activation = {"tanh": "hyperbolic_tangent"}.get(work.activation, work.activation)
    step = compiled(
        source, SIZES=",".join(map(str, sizes)), WIDEST=max(sizes), WEIGHTS=len(theta),
        ACTIVATION=activation,
    )
    targets, labels = work.Y.astype(float), work.Y.astype(ctypes.c_long)
    arguments = [
        address(theta), address(dtheta), ctypes.c_int(len(theta)), address(work.X),
        address(targets), address(labels), ctypes.c_long(len(work.X)), ctypes.c_double(RATE),
    ]
    return learner(step, arguments, theta, [a.shape for a in given], range(0, len(given), 2))


def gpt(work: Work) -> Learner:
    given = work.arrays()
    transposed = range(2, len(given))  # a row of an embedding is one token's or position's
    given = [a.T if i in transposed else a for i, a in enumerate(given)]
    theta = flattened(given)
    dtheta = np.empty_like(theta)
    (tokens, width), positions = given[0].shape, len(given[1])
    step = compiled(
        "gpt.c", TOKENS=tokens, WIDTH=width, POSITIONS=positions, HEADS=HEADS,
        LENGTH=work.X.shape[1], LAYERS=(len(given) - 3) // 6,
    )
    X, Y = work.X.astype(ctypes.c_long), work.Y.astype(ctypes.c_long)
    arguments = [
        address(theta), address(dtheta), address(X), address(Y), ctypes.c_long(len(X)),
        ctypes.c_double(RATE),
    ]
    return learner(step, arguments, theta, [a.shape for a in given], transposed)


def learner(
    step: Any, arguments: list[Any], theta: Array, shapes: Any, transposed: range
) -> Learner:
    def arrays() -> list[Array]:
        """Returns the parameters, the weights again as [output][input]."""
        found = views(theta, shapes)
        return [(a.T if i in transposed else a).copy() for i, a in enumerate(found)]

    return Learner(lambda: float(step(*arguments)), arrays)
