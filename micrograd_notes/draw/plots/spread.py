"""The spread of numbers, such as the weights of each layer, as bars.

`distributions` draws them here, and the training page draws them by its script, from `Bins`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from micrograd_notes.common import checks
from micrograd_notes.draw.plots import given, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from micrograd_notes.train.loop import History
    from micrograd_notes.train.recording import Snapshot


def distributions(
    history: History | Snapshot, of: str = "weights", ax: Axes | None = None, bins: int = 30
) -> Axes:
    """Draws the spread of the numbers in each layer: one histogram per layer, on one axis.

    `history` is a `Snapshot`, or the result of `fit` with a `Recorder` as its callback, whose last
    snapshot is drawn. `of` is "weights" (with the biases), "gradients" or "activations". Blue bars
    are right of zero, orange bars left. The highest bar of each layer has the same height.
    Raises `ValueError` if there is no snapshot, or if it does not have numbers of that kind.

    >>> from micrograd_notes.train.data import xor
    >>> from micrograd_notes.nn import MLP
    >>> from micrograd_notes.train.recording import Recorder
    >>> from micrograd_notes.train.loop import fit
    >>> model = MLP(2, [4, 1], seed=0)
    >>> history = fit(model, xor(), epochs=1, callback=Recorder(model, xor()), progress=False)
    >>> ax = distributions(history, of="gradients")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['layers[0]', 'layers[1]']
    """
    bins = checks.whole_number("bins", bins, 1, given.MOST_PLACES)
    found = _last_snapshot(history).numbers(of)
    layers = {name: list(filter(math.isfinite, numbers)) for name, numbers in found.items()}
    everything = [number for numbers in layers.values() for number in numbers]
    if not everything:
        raise ValueError(f"there are no {of} to draw in {history!r}")
    bars = bins_around_zero(min(everything), max(everything), bins)
    ax = looks.axes(ax, 1.2 + 1.1 * len(layers))
    for row, numbers in enumerate(layers.values()):
        counts = bars.counts(numbers)
        heights = [0.8 * count / (max(counts) or 1) for count in counts]
        colours = [looks.ORANGE if right <= 0 else looks.BLUE for right in bars.edges[1:]]
        ax.bar(bars.edges[:-1], heights, bars.width, -row, align="edge", color=colours)
        ax.axhline(-row, color=looks.ink(), linewidth=0.8)
    ax.axvline(0.0, color=looks.ink(), linewidth=0.8, linestyle=":")
    ax.set_yticks([-row for row in range(len(layers))], list(layers))
    ax.set(xlabel=of, ylim=(0.85 - len(layers), 0.95))
    return ax


@dataclass(frozen=True)
class Bins:
    """Bars of one width, side by side. Zero is an edge, so that no bar has both signs.

    >>> bins_around_zero(-1.0, 2.0, 6)
    Bins(first=-2, count=6, width=0.5)
    """

    first: int  # the left edge of the first bar, counted in bars from zero
    count: int
    width: float

    @property
    def edges(self) -> list[float]:
        """The left edges of all bars, and the right edge of the last."""
        return [(self.first + place) * self.width for place in range(self.count + 1)]

    def counts(self, numbers: Sequence[float]) -> list[int]:
        """Returns the count of numbers in each bar; numbers beyond count in the outermost bar.

        >>> Bins(-1, 3, 1.0).counts([-0.5, 0.0, 1.5, 7.0])
        [1, 1, 2]
        """
        counts = [0] * self.count
        for number in numbers:
            place = math.floor(number / self.width) - self.first
            counts[min(max(place, 0), self.count - 1)] += 1
        return counts


def bins_around_zero(low: float, high: float, at_most: int) -> Bins:
    """Returns about `at_most` bars from low to high, and over zero.

    Zero counts as positive: if high is 0, there is a bar right of it; if low is less, one left.

    >>> bins_around_zero(-2.0, 0.0, 4).edges
    [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5]
    """
    width = (max(high, 0.0) - min(low, 0.0)) / at_most or 1.0
    # An end within a rounding error of an edge needs no bar beyond it.
    first = min(math.floor(low / width + 1e-9), 0 if low >= 0 else -1)
    last = max(math.ceil(high / width - 1e-9), 0 if high < 0 else 1)
    return Bins(first, last - first, width)


def _last_snapshot(history: History | Snapshot) -> Snapshot:
    from micrograd_notes.train.recording import Snapshot, snapshots_of

    if isinstance(history, Snapshot):
        return history
    found = snapshots_of(history)
    if not found:
        advice = "Train with fit(model, data, callback=Recorder(model, data))"
        raise ValueError(f"history must have snapshots, got {history!r:.80}. {advice}")
    return found[-1][1]
