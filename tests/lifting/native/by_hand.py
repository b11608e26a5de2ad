"""A program in C by hand, in the form that `codegen/c` prints: the mean of (w @ x - y)**2."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import Value, lift
from micrograd_notes.lifting import Lifted, compiled

SQUARES = """
#include <math.h>
#include <stdint.h>

int64_t work_bytes(int64_t n) { return 8 * n; }

int32_t loss_and_gradient(int64_t n, const double *theta, double *dtheta, double *loss,
        const void *const *inputs, void *work) {
    const double *x = inputs[0], *y = inputs[1];
    double *difference = work, sum = 0.0;
    for (int64_t k = 0; k < 4 * n; k++)
        if (!isfinite(x[k]) || !isfinite(y[k / 4])) return 1;
    for (int64_t k = 0; k < 4; k++)
        dtheta[k] = 0.0;
    for (int64_t i = 0; i < n; i++) {
        difference[i] = -y[i];
        for (int64_t k = 0; k < 4; k++)
            difference[i] += theta[k] * x[4 * i + k];
        sum += difference[i] * difference[i];
        for (int64_t k = 0; k < 4; k++)
            dtheta[k] += 2.0 * difference[i] * x[4 * i + k] / n;
    }
    *loss = sum / n;
    return isnan(sum) || isnan(dtheta[0] + dtheta[1] + dtheta[2] + dtheta[3]);
}
"""

CC = shutil.which("cc") or "no compiler"
needs_cc = pytest.mark.skipif(CC == "no compiler", reason="there is no C compiler")


def squares(backend: str = "c", **options: Any) -> Lifted:
    """Returns a program of four weights."""
    w = [Value(0.5), Value(-1.0), Value(2.0), Value(0.25)]

    def loss(x: Any, y: Any) -> Any:
        return (sum(wi * xi for wi, xi in zip(w, x, strict=True)) - y) ** 2

    return lift(loss, parameters=w, backend=backend, **options)


def printed(monkeypatch: pytest.MonkeyPatch, source: str = SQUARES) -> None:
    """Makes this source the C of each program."""
    monkeypatch.setattr(compiled, "emit_c", lambda program, title: source)


def compiler(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes a shell script the user's compiler."""
    path = folder / "fake-cc"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("CC", str(path))
    return path


def edited(edit: str) -> str:
    """Returns the script of a compiler that compiles something else: the source after `sed`."""
    return (
        f'for f; do case "$f" in program.c) sed -i "{edit}" "$f";; esac; done\nexec {CC} "$@"'
    )
