"""Training runs: losses and accuracies by epoch, and the last losses of several runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from micrograd_notes.common import checks
from micrograd_notes.draw.plots import given, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from micrograd_notes.train.loop import History

    Losses = History | Sequence[float | None]


def loss_curve(history: Losses, ax: Axes | None = None, label: str | None = None) -> Axes:
    """Draws the loss after each epoch, and the loss on held-out data as a dashed line.

    `history` is the result of `fit`, or a plain list of losses, one per step. To compare runs, draw
    each into the same `ax` with its own `label`: each then has a colour and a marker. An entry that
    is missing or not finite leaves a gap. A list begins at step 0, with the loss before any step; a
    history begins at epoch 1, during which its first loss was measured.
    Raises `ValueError` if there is no loss.

    >>> loss_curve([0.9, 0.5, 0.3]).get_xlabel()
    'step'
    >>> ax = loss_curve([0.9, 0.5], label="lr=0.1")
    >>> ax = loss_curve([0.9, 0.8], ax, label="lr=0.01")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['lr=0.1', 'lr=0.01']
    """
    losses = _column(history, "loss")
    ax = _draw_curve(history, "loss", ax, label)
    if all(loss >= 0 for loss in losses if loss is not None):
        # The axis begins at 0 but is not fixed there, because a logarithmic axis has no 0.
        ax.update_datalim([(1.0, 0.0)], updatex=False)
        ax.lines[-1].sticky_edges.y.append(0.0)
    return ax


def accuracy_curve(history: History, ax: Axes | None = None, label: str | None = None) -> Axes:
    """Draws the share of right answers after each epoch, and the share on held-out data, dashed.

    `label` is as for `loss_curve`. Raises `ValueError` if the history does not have an accuracy, as
    where the targets are not classes.

    >>> from micrograd_notes import History
    >>> ax = accuracy_curve(History([{"accuracy": 0.5}, {"accuracy": 0.9}]))
    >>> ax.get_ylabel(), ax.get_xlabel()
    ('accuracy', 'epoch')
    """
    ax = _draw_curve(history, "accuracy", ax, label)
    ax.set_ylim(0.0, 1.02)  # a little above 1, for a line that runs along it
    return ax


def _draw_curve(history: Losses, name: str, ax: Axes | None, label: str | None) -> Axes:
    """Draws a column of the history as a line, and that of held-out data as a dashed line."""
    columns = [_column(history, name), _column(history, f"validation_{name}")]
    if not any(map(math.isfinite, columns[0])):
        raise ValueError(f"there is no {name} to draw in history, got {checks.shown(history)}")
    label = label if label is None else given.label("label", label)
    ax = looks.axes(ax)
    from matplotlib.ticker import MaxNLocator

    names = ["training", "held out"] if label is None else [label, f"{label}, held out"]
    look = looks.one_of_many(sum(line.get_gid() == _RUN for line in ax.lines))
    alone = [{"color": looks.ink(), "marker": "o"}, {"color": looks.BLUE, "marker": "s"}]
    # Few points have markers, because a line through one point can't be seen. A run among others
    # has some too, so that its colour is not its only sign.
    is_short = len(columns[0]) < 30
    first = 1 if given.is_a(history, "History") else 0
    for which, (text, ys) in enumerate(zip(names, columns, strict=True)):
        if ys:
            (line,) = ax.plot(range(first, first + len(ys)), ys, "--" if which else "-")
            line.set(label=text, linewidth=2.0, gid=None if which else _RUN)
            line.set(**(look if label else alone[which]))
            line.set(markersize=5.0 if is_short or label else 0.0)
            line.set(markevery=None if is_short else max(len(columns[0]) // 10, 1))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="epoch" if first else "step", ylabel=name)
    if columns[1] or label:
        looks.legend(ax)
    return ax


_RUN = "run"  # marks the first line of each run


def _column(history: Losses, name: str) -> list[float]:
    """Returns the numbers of that name, if there are any; NaN for one that is not finite."""
    if given.is_a(history, "History"):
        column = history[name] if any(name in logs for logs in history.epochs) else []
    else:
        column = [*checks.listed("history", history)] if name == "loss" else []
    return [given.as_gap(x if x is None else given.number("each of history", x)) for x in column]


def dots_by_seed(
    groups: Mapping[str, Sequence[float]], ax: Axes | None = None, of: str = "loss"
) -> Axes:
    """Draws a dot per run, for example per seed, with the median and the spread of each group.

    `groups` has the numbers of the runs by the name of their setting, and `of` says what they are.
    A line reaches from the lowest run to the highest. A run that is not finite is counted beside
    the name. Raises `ValueError` if there is no group, or if a group has no finite number.

    >>> ax = dots_by_seed({"rate 0.1": [0.5, 0.25, 0.75], "rate 9": [0.5, float("inf")]})
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['rate 0.1', 'rate 9\\n1 of 2 not finite']
    """
    names, runs = [], []
    for name, group in given.by_name("groups", groups):
        numbers = [given.number("each of groups", x) for x in checks.listed("groups", group)]
        finite = sorted(filter(math.isfinite, numbers))
        runs.append(given.some(f"finite numbers of {name!r}", finite))
        lost = len(numbers) - len(runs[-1])
        names.append(name + (f"\n{lost} of {len(numbers)} not finite" if lost else ""))
    ax = looks.axes(ax, 0.8 + 0.7 * len(runs))
    for y, numbers in enumerate(runs):
        middle = statistics.median(numbers)
        ax.plot([numbers[0], numbers[-1]], [y, y], color=looks.ink(), linewidth=1.0)
        # Neighbours are a little above or below the line, so that each dot can be counted.
        heights = [y + 0.12 * (place % 3 - 1) for place in range(len(numbers))]
        (dots,) = ax.plot(numbers, heights, "o", color=looks.BLUE)
        dots.set(markersize=6.0, markeredgecolor=looks.ink())
        ax.plot([middle, middle], [y - 0.3, y + 0.3], color=looks.ink(), linewidth=3.0)
        ax.text(middle, y - 0.33, f"{middle:.3g}", ha="center", va="bottom")
    ax.set_yticks(range(len(names)), names)
    of = checks.text("of", of)
    ax.set(xlabel=f"{of}\na dot per run, a bar for the median", ylim=(len(runs) - 0.5, -0.7))
    return ax


def loss_ladder(rungs: Mapping[str, float], ax: Axes | None = None, of: str = "loss") -> Axes:
    """Draws the losses of models, by their names, as a ladder with the best at the bottom.

    Beside each loss stands its difference to the rung above it.
    Raises `ValueError` if there is no rung, or if a loss is not finite.

    >>> ax = loss_ladder({"pairs": 2.5, "guessing": 3.25, "triples": 2.25})
    >>> [text.get_text() for text in ax.texts]
    ['3.25', '2.5 (−0.75)', '2.25 (−0.25)']
    """
    found = [(x, given.number("each of rungs", y)) for x, y in given.by_name("rungs", rungs)]
    drawn = sorted(found, key=lambda x: -checks.finite_number(f"the loss of {x[0]!r}", x[1]))
    ax = looks.axes(ax, 0.7 + 0.42 * len(drawn))
    ys, losses = range(len(drawn)), [loss for _, loss in drawn]
    ax.hlines(ys, losses[-1], losses, colors=looks.ink(), linewidths=0.6, linestyles=":")
    ax.step(losses, ys, where="post", color=looks.ink(), linewidth=1.0)
    ax.plot(losses, ys, "o", color=looks.BLUE, markersize=8.0)
    for y, loss in zip(ys, losses, strict=True):
        gain = f" (−{losses[y - 1] - loss:.3g})" if y else ""
        ax.annotate(f"{loss:.4g}{gain}", (loss, y), (9, 0), textcoords="offset points", va="center")
    reach = (losses[0] - losses[-1]) or 1.0
    ax.set(xlabel=checks.text("of", of), xlim=(losses[-1] - 0.06 * reach, losses[0] + 0.45 * reach))
    ax.set_yticks(ys, [name for name, _ in drawn])
    ax.invert_yaxis()
    return ax
