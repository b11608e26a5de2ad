"""The picture of the table: for each work, how many times as long as the lifted step peers take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lifting.goals import GOALS
from lifting.turns import LIFTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DARK, FAST, SLOW = "#333333", "#c0392b", "#2471a3"


def drawn(table: dict[str, dict[str, float]]) -> Figure:
    """Returns a panel for each work, one under the other, over one axis of ratios."""
    from matplotlib.figure import Figure

    ratios = {
        work: {peer: time / times[LIFTED] for peer, time in times.items() if peer != LIFTED}
        for work, times in table.items()
    }
    heights = [len(found) + 1.6 for found in ratios.values()]
    figure = Figure(figsize=(8, 0.27 * sum(heights) + 0.6), layout="constrained")
    panels = figure.subplots(len(ratios), 1, sharex=True, height_ratios=heights, squeeze=False)
    for (work, found), ax in zip(ratios.items(), panels[:, 0], strict=True):
        goals = {g.peer: 1 / g.at_most for g in GOALS if g.work == work and g.kind == "must"}
        ax.set_title(f"{work}: {table[work][LIFTED] * 1e6:,.0f} µs lifted", loc="left", fontsize=10)
        ax.axvline(1, color=DARK, linewidth=1)
        for row, (peer, ratio) in enumerate(found.items()):
            color = FAST if ratio < 1 else SLOW
            ax.plot([1, ratio], [row, row], color=color, linewidth=2)
            ax.plot(ratio, row, "o", color=color, markersize=6)
            goal = goals.get(peer, ratio)
            if peer in goals:
                ax.plot(goal, row, "|", color=DARK, markersize=13, markeredgewidth=1.5)
            # a number stands outside, and beyond a stroke that it would lie on
            beside = goal if ratio < goal < 4 * ratio else ratio
            ax.annotate(
                f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2f}", (beside, row),
                xytext=(7 if beside >= 1 else -7, 0), textcoords="offset points", va="center",
                ha="left" if beside >= 1 else "right", fontsize=9,
            )
        ax.set_yticks(range(len(found)), list(found), fontsize=9)
        ax.set_ylim(len(found) - 0.4, -0.6)
        ax.set_xscale("log")
        ax.grid(axis="x", alpha=0.3)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
    largest = max(max(found.values()) for found in ratios.values())
    panels[-1, 0].set_xlim(0.05, 2.5 * largest)
    panels[-1, 0].xaxis.set_major_formatter("{x:,g}")
    panels[-1, 0].set_xlabel(
        "time of a step, divided by that of the lifted one (upright strokes: it must be beyond)"
    )
    return figure


def save(figure: Figure, path: Path) -> None:
    """Writes the figure as SVG, with nothing in it that changes from run to run but the times."""
    import matplotlib

    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(path, format="svg", metadata={"Date": None}, bbox_inches="tight")
    print(f"\ndrawn: {path.name} ({path.stat().st_size / 1000:.0f} kB)")
