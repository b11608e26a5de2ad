"""Data sets that are generated from a seed: `moons`, `circles`, `spirals` and `xor`."""

import math
import random
from collections.abc import Sequence

from micrograd_notes.common import checks
from micrograd_notes.train.dataset import Dataset

__all__ = ["circles", "moons", "spirals", "xor"]


def moons(samples: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Returns two interlocking half circles, with the geometry of scikit-learn's `make_moons`.

    The outer moon is (cos t, sin t), the inner one (1 - cos t, 1/2 - sin t), for t evenly spaced
    from 0 to pi. `noise` is the standard deviation of the noise added to each coordinate.

    >>> moons(samples=200, seed=3)
    Dataset('moons': 200 examples, 2 features, 2 classes)
    """
    outer, inner = _halves(samples)
    points = [
        *(((math.cos(t), math.sin(t)), 0) for t in _evenly_spaced(0, math.pi, outer)),
        *(((1 - math.cos(t), 0.5 - math.sin(t)), 1) for t in _evenly_spaced(0, math.pi, inner)),
    ]
    return _drawn("moons", points, noise, seed, ("outer", "inner"))


def circles(samples: int = 100, noise: float = 0.05, seed: int = 0, factor: float = 0.5) -> Dataset:
    """Returns a circle of radius 1 and a smaller one of radius `factor`, as in `make_circles`.

    >>> circles().class_names
    ('outer', 'inner')
    """
    factor = checks.finite_number("factor", factor, 0, 1 - 2**-53, ". Choose below 1")
    outer, inner = _halves(samples)
    points = [
        *(((math.cos(t), math.sin(t)), 0) for t in _around_a_circle(outer)),
        *(((factor * math.cos(t), factor * math.sin(t)), 1) for t in _around_a_circle(inner)),
    ]
    return _drawn("circles", points, noise, seed, ("outer", "inner"))


def spirals(
    samples: int = 150, noise: float = 0.02, seed: int = 0, classes: int = 3, turns: float = 0.75
) -> Dataset:
    """Returns spiral arms, one per class, that wind outwards around one another.

    A point of arm c at radius r has the angle 2 pi (turns r + c / classes). Radii are evenly spaced
    up to 1, without 0, where all arms would meet.

    >>> spirals(classes=2).class_counts()
    {'arm 0': 75, 'arm 1': 75}
    """
    classes = checks.whole_number("classes", classes, 2)
    samples = checks.whole_number("samples", samples, classes)
    turns = checks.finite_number("turns", turns)
    points = []
    for arm in range(classes):
        # If the number does not divide evenly, the first arms get one example more.
        length = samples // classes + (arm < samples % classes)
        for step in range(length):
            radius = (step + 1) / length
            angle = 2 * math.pi * (turns * radius + arm / classes)
            points.append(((radius * math.cos(angle), radius * math.sin(angle)), arm))
    return _drawn("spirals", points, noise, seed, tuple(f"arm {arm}" for arm in range(classes)))


def xor(samples: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Returns points near the corners of the unit square; the class is x XOR y of the corner.

    With 4 samples and noise=0 it is the truth table.

    >>> sorted(xor(samples=4, noise=0))
    [([0.0, 0.0], 0), ([0.0, 1.0], 1), ([1.0, 0.0], 1), ([1.0, 1.0], 0)]
    """
    samples = checks.whole_number("samples", samples, 4)
    corners = [((0.0, 0.0), 0), ((0.0, 1.0), 1), ((1.0, 0.0), 1), ((1.0, 1.0), 0)]
    points = [corners[sample % 4] for sample in range(samples)]
    return _drawn("xor", points, noise, seed, ("same", "different"))


def _drawn(
    name: str, points: Sequence[tuple[tuple[float, float], int]], noise: float, seed: int,
    class_names: tuple[str, ...],
) -> Dataset:
    """Returns the labelled points as a data set, with noise, in random order."""
    noise = checks.finite_number("noise", noise, 0, advice=". It is the standard deviation")
    generator = random.Random(checks.seed(seed))
    examples = [
        ([x + generator.gauss(0, noise), y + generator.gauss(0, noise)], target)
        for (x, y), target in points
    ]
    generator.shuffle(examples)
    inputs, targets = [x for x, _ in examples], [y for _, y in examples]
    return Dataset(name, inputs, targets, ("x", "y"), class_names)


def _halves(samples: int) -> tuple[int, int]:
    """Returns the numbers of outer and inner samples; an odd one is inner."""
    samples = checks.whole_number("samples", samples, 2)
    return samples // 2, samples - samples // 2


def _evenly_spaced(start: float, stop: float, count: int) -> list[float]:
    """Returns `count` numbers from start to stop, both included; if it is one, the start."""
    return [start + (stop - start) * step / max(count - 1, 1) for step in range(count)]


def _around_a_circle(count: int) -> list[float]:
    """Returns `count` evenly spaced angles of a circle, from 0."""
    return [2 * math.pi * step / count for step in range(count)]
