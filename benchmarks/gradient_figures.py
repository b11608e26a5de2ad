"""Two figures: how far a finite difference is off, and how many digits of a derivative are kept.

    python -m pip install torch jax mpmath matplotlib
    python benchmarks/gradient_figures.py        # half a minute; writes notebooks/pictures/

1. The central difference (f(x + h) - f(x - h)) / 2h of sin at 0.75, over the step h, and the
   ladder's estimate with the error that it claims.
2. The derivatives of sigmoid, tanh and expm1 by PyTorch, JAX (both in float64) and the table here.

What is true is found with fifty digits. The largest errors are printed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mpmath

from micrograd_notes import Value
from micrograd_notes.draw.plots import error_curves
from micrograd_notes.engine.op import lookup
from micrograd_notes.testing.numbers.ladder import ladder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = Path(__file__).parent.parent / "notebooks/pictures"
AT = 0.75
Slope = Callable[[float], float]


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the two figures of gradients.")
    parser.add_argument("--output", type=Path, default=PICTURES, help="the folder for both")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    save(finite_difference(), folder / "finite_difference.svg")
    save(digits_kept(), folder / "digits_kept.svg")


def save(figure: Figure, path: Path) -> None:
    """Writes the figure with nothing in it that changes from run to run."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    print(f"drawn: {path} ({path.stat().st_size / 1000:.0f} kB)\n")


# ---- the step ------------------------------------------------------------------------------------


def finite_difference() -> Figure:
    """Returns the error of a central difference over its step, and that of the ladder."""
    with mpmath.workdps(50):
        slope = mpmath.cos(mpmath.mpf(AT))
    steps = [2.0 ** -(k / 4) for k in range(200)]
    differences = [
        (h, float(abs((math.sin(AT + h) - math.sin(AT - h)) / ((AT + h) - (AT - h)) - slope)))
        for h in steps
    ]
    found = ladder(math.sin, AT).central
    assert found is not None
    off = float(abs(found.slope - slope))
    best_step, best = min(differences, key=lambda pair: pair[1])
    print(f"sin at {AT}: a central difference is off by {best:.1e} at its luckiest step,")
    print(f"h = {best_step:.1e}, and by {differences[-1][1]:.1e} at h = {steps[-1]:.1e}.")
    print(f"The ladder claims an error of {found.error:.1e} and is off by {off:.1e}.")
    ends = (steps[0], steps[-1])
    ax = error_curves(
        {
            "central difference, step h": differences,
            "our ladder: the error it claims": [(h, found.error) for h in ends],
            "our ladder: its true error": [(h, off) for h in ends],
        }
    )
    ax.set_xscale("log")
    ax.set_xlabel(f"step h, for the derivative of sin at {AT}")
    ax.set_ylabel("error, by fifty digits")
    return ax.figure  # type: ignore[return-value]


# ---- the digits ----------------------------------------------------------------------------------


def digits_kept() -> Figure:
    """Returns the relative error of three derivatives over the axis, by three libraries."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.6), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    print(f"{'largest relative error':24}{'torch':>10}{'JAX':>10}{'ours':>10}")
    for ax, name in zip(panels, ("sigmoid", "tanh", "expm1"), strict=True):
        curves = {
            peer: [(x, largest_error(slope, name, x)) for x in range(-50, 51)]
            for peer, slope in slopes(name).items()
        }
        worst = [max(error for _, error in curve) for curve in curves.values()]
        print(f"{name:24}" + "".join(f"{error:10.1e}" for error in worst))
        error_curves(curves, ax)
        ax.set_ylim(top=1e3)
        ax.set_xlabel(f"x, for the derivative of {name}")
        ax.set_ylabel("relative error, largest in [x, x + 1)" if ax is panels[0] else "")
        if ax is not panels[0]:
            ax.get_legend().remove()
    return figure


def largest_error(slope: Slope, name: str, start: float) -> float:
    """Returns the largest relative error at eight points from start to start + 1."""
    return max(relative_error(slope(start + k / 8), name, start + k / 8) for k in range(8))


def relative_error(slope: float, name: str, x: float) -> float:
    with mpmath.workdps(50):
        true = true_slope(name, mpmath.mpf(x))
        return float(abs(slope - true) / abs(true))


def true_slope(name: str, x: Any) -> Any:
    """Returns the derivative in as many digits as mpmath works with, with no difference in it."""
    if name == "sigmoid":
        return 1 / ((1 + mpmath.exp(x)) * (1 + mpmath.exp(-x)))
    return mpmath.sech(x) ** 2 if name == "tanh" else mpmath.exp(x)


def slopes(name: str) -> dict[str, Slope]:
    """Returns the derivative as each library gives it, as a function of a float."""
    import jax
    import torch

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call, unused-ignore]
    of_jax = jax.grad({"sigmoid": jax.nn.sigmoid}.get(name) or getattr(jax.numpy, name))

    def by_torch(x: float) -> float:
        leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        getattr(torch, name)(leaf).backward()
        assert leaf.grad is not None
        return float(leaf.grad)

    def by_us(x: float) -> float:
        leaf = Value(x)
        lookup(name)(leaf).backward()
        return leaf.grad

    return {"torch": by_torch, "JAX": lambda x: float(of_jax(x)), "ours": by_us}


if __name__ == "__main__":
    main()
