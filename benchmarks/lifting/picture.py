"""The picture of the table: for each work, the time of each row, divided by the best peer's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lifting.goals import BEST, Medians, best_of, goals_of, ratio_of
from lifting.turns import PEERS
from lifting.work import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DARK, OURS, PEER = "#333333", "#c0392b", "#2471a3"


def drawn(table: dict[Task, Medians]) -> Figure:
    """Returns a panel for each work that has a peer, one under the other, over one axis."""
    from matplotlib.figure import Figure

    ratios = {
        work: {row: ratio for row in medians if (ratio := ratio_of(medians, row, BEST))}
        for work, medians in table.items()
        if best_of(medians)
    }
    heights = [len(found) + 1.6 for found in ratios.values()]
    figure = Figure(figsize=(8, 0.27 * sum(heights) + 0.6), layout="constrained")
    panels = figure.subplots(len(ratios), 1, sharex=True, height_ratios=heights, squeeze=False)
    for (work, found), ax in zip(ratios.items(), panels[:, 0], strict=True):
        musts = {g.row: g.at_most for g in goals_of(work) if (g.kind, g.than) == ("must", BEST)}
        best = best_of(table[work]) or ""
        title = f"{work.title}: {table[work][best] * 1e6:,.0f} µs by {best}"
        ax.set_title(title, loc="left", fontsize=10)
        ax.axvline(1, color=DARK, linewidth=1)
        for place, (row, ratio) in enumerate(found.items()):
            color = PEER if row in PEERS else OURS if "lifted" in row else DARK
            ax.plot([1, ratio], [place, place], color=color, linewidth=2)
            ax.plot(ratio, place, "o", color=color, markersize=6)
            if row in musts:
                ax.plot(musts[row], place, "|", color=DARK, markersize=13, markeredgewidth=1.5)
            ax.annotate(
                f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2f}", (ratio, place),
                xytext=(7 if ratio >= 1 else -7, 0), textcoords="offset points", va="center",
                ha="left" if ratio >= 1 else "right", fontsize=9,
            )
        ax.set_yticks(range(len(found)), list(found), fontsize=9)
        ax.set_ylim(len(found) - 0.4, -0.6)
        ax.set_xscale("log")
        ax.grid(axis="x", alpha=0.3)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
    every = [ratio for found in ratios.values() for ratio in found.values()]
    panels[-1, 0].set_xlim(min(every) / 2.5, 2.5 * max(every))  # with room for their numbers
    panels[-1, 0].xaxis.set_major_formatter("{x:,g}")
    panels[-1, 0].set_xlabel(
        "time of a step, divided by the best peer's (upright strokes: it must be left of them)"
    )
    return figure


def save(figure: Figure, path: Path) -> None:
    """Writes the figure as SVG, with nothing in it that changes from run to run but the times."""
    import matplotlib

    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(path, format="svg", metadata={"Date": None}, bbox_inches="tight")
    print(f"\ndrawn: {path.name} ({path.stat().st_size / 1000:.0f} kB)")
