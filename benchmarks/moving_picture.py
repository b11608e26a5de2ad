"""Draws the picture that opens the course: a network learns to tell two moons apart.

    python benchmarks/moving_picture.py        # writes notebooks/pictures/learning.svg

It is the network of notebook 04: 33 parameters, 60 epochs on 100 points. One frame per epoch of
`EPOCHS` shows where its answer changes from one class to the other. The browser turns the pages by
CSS alone, so the picture moves on the site, in JupyterLab and on GitHub. For readers who prefer
reduced motion it stands still, at the last page.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

from micrograd_notes import MLP, SGD, data, fit
from micrograd_notes.train.recording import in_plain_numbers

TARGET = Path(__file__).parents[1] / "notebooks/pictures/learning.svg"
EPOCHS = (0, 1, 2, 3, 5, 8, 12, 16, 20, 25, 30, 40, 50, 60)
SECONDS = 0.7  # per page; the last one stays longer
LAST = 4  # pages' time
WIDTH, HEIGHT, CAPTION = 560, 330, 30  # CSS pixels
LEFT, RIGHT, BOTTOM, TOP = -1.7, 2.7, -1.1, 1.5  # the part of the plane that is shown
CELLS = 88  # of the grid on which the network is asked, along x

STYLE = """\
svg{{color-scheme:light dark;font:18px system-ui,sans-serif}}
.outer{{fill:#b35900}} .inner{{fill:#2166ac}} .side{{fill:#2166ac;opacity:.16}}
.edge{{fill:none;stroke:#333;stroke-width:2}} text{{fill:#333}}
@media (prefers-color-scheme:dark){{.outer{{fill:#ffa657}} .inner{{fill:#79b8ff}}
.side{{fill:#79b8ff}} .edge{{stroke:#ddd}} text{{fill:#ddd}}}}
.page{{visibility:hidden}} .page:last-of-type{{visibility:visible}}
@media (prefers-reduced-motion:no-preference){{
.page{{animation:turn {total:.1f}s infinite step-end}} .page:last-of-type{{animation-name:stay}}
@keyframes turn{{0%{{visibility:visible}} {one:.3f}%{{visibility:hidden}}}}
@keyframes stay{{0%{{visibility:visible}} {last:.3f}%{{visibility:hidden}}}}}}"""


def pages(train_set: Any) -> list[tuple[int, Any]]:
    """Trains the network; returns its logits on the grid after each epoch of `EPOCHS`."""
    import numpy as np

    network = MLP(2, [8, 1], activation="tanh", seed=0)
    rows = round(CELLS * (TOP - BOTTOM) / (RIGHT - LEFT))
    xs, ys = np.linspace(LEFT, RIGHT, CELLS + 1), np.linspace(BOTTOM, TOP, rows + 1)
    found = []

    def look(epoch: int) -> None:
        if epoch in EPOCHS:
            answer = in_plain_numbers(network)
            logits = [[answer([float(x), float(y)])[-1][0] for x in xs] for y in ys]
            found.append((epoch, (xs, ys, np.array(logits))))

    look(0)
    steps = SGD(network.parameters(), lr=1.0)
    fit(
        network,
        train_set,
        optimizer=steps,
        epochs=EPOCHS[-1],
        batch_size=10,
        lifted=True,
        callback=lambda epoch, logs: look(epoch + 1),
        progress=False,
    )
    return found


def outline(grid: Any, low: float, high: float) -> str:
    """Returns the part of the plane whose logits are between the two, as the path of an SVG."""
    from contourpy import FillType, contour_generator

    made: Any = contour_generator(*grid, fill_type=FillType.ChunkCombinedOffset).filled(low, high)
    (points,), (offsets,) = made
    if points is None:  # nothing of the plane is
        return ""
    parts = [points[start:end] for start, end in pairwise(offsets)]
    return " ".join(path_along(part) + "Z" for part in parts)


def boundary(grid: Any) -> str:
    from contourpy import contour_generator

    return " ".join(path_along(line) for line in contour_generator(*grid).lines(0.0))


def path_along(points: Any) -> str:
    return "M" + "L".join("{:.0f} {:.0f}".format(*at(x, y)) for x, y in points)


def at(x: float, y: float) -> tuple[float, float]:
    return WIDTH * (x - LEFT) / (RIGHT - LEFT), HEIGHT * (TOP - y) / (TOP - BOTTOM)


def picture() -> str:
    train_set, _ = data.moons(samples=400, noise=0.15, seed=0).split(test=0.75)
    found = pages(train_set)
    total = SECONDS * (len(found) - 1 + LAST)
    style = STYLE.format(total=total, one=100 * SECONDS / total, last=100 * LAST * SECONDS / total)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + CAPTION}" '
        f'width="{WIDTH}" height="{HEIGHT + CAPTION}" role="img">',
        "<title>A network learns to tell two moons apart</title>",
        f"<style>{style}</style>",
        "<g>",
    ]
    for number, (epoch, grid) in enumerate(found):
        word = "epoch" if epoch == 1 else "epochs"
        said = f"after {epoch} {word}" if epoch else "before training"
        lines.append(
            f'<g class="page" style="animation-delay:{SECONDS * number - total:.1f}s">'
            f'<path class="side" d="{outline(grid, 0.0, 1e9)}"/>'
            f'<path class="edge" d="{boundary(grid)}"/>'
            f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT + 22}" text-anchor="middle">{said}</text></g>'
        )
    # on top of each page; circles and squares, so that colour is not alone
    lines.append("</g><g>")
    for (x, y), target in train_set:
        across, down = at(x, y)
        left, top = across - 3.5, down - 3.5
        square = f'<rect class="inner" x="{left:.0f}" y="{top:.0f}" width="7" height="7"/>'
        circle = f'<circle class="outer" cx="{across:.0f}" cy="{down:.0f}" r="4"/>'
        lines.append(square if target else circle)
    return "\n".join([*lines, "</g>", "</svg>", ""])


if __name__ == "__main__":
    TARGET.write_text(picture(), encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")
