"""Data sets: yours, four generated from a seed, two measured; and two lists of names.

`Dataset` can be shuffled, split and standardized before you pass it to `fit`; read it first. Your
own come from a CSV file (`csv_file.py`) or a data frame, by way of `table.py`. The generated sets
(moons, circles, spirals, xor) are plain Python. The measured ones (iris, digits) come with
scikit-learn, which is imported when you call them. The GPT learns names: those of cities are in the
time zones, and first names in the file `first_names.txt`.
"""

from __future__ import annotations

import inspect
import math
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any
from zoneinfo import available_timezones

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install
from micrograd_notes.train.csv_file import read_csv
from micrograd_notes.train.scaling import Scaler
from micrograd_notes.train.table import TASKS, Encoder, Table, encoder_for, table_of

__all__ = [
    "DATASETS", "Dataset", "circles", "city_names", "digits", "first_names", "iris", "load",
    "moons", "spirals", "xor",
]

# with zones named after cities, like Europe/Zurich, and not like Etc/GMT+3 or US/Pacific
REGIONS = frozenset(
    {"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)
IRIS_FEATURES = ("sepal length", "sepal width", "petal length", "petal width")


@dataclass(frozen=True, repr=False)
class Dataset:
    """Examples and their targets: `inputs[i]` is a list of numbers, `targets[i]` its target.

    For the task "classification" a target is the number of a class, from 0, and `class_names` has a
    name per class. For "regression" a target is a finite number, or a list of them, and
    `class_names` is empty. If the inputs are pictures, `image_shape` is (rows, columns), and each
    input lists the pixels row by row. Arrays and data frames become lists of their values.

    `from_csv` and `from_columns` keep the `table` of cells, and the `encoder` of its numbers.

    Raises:
        ValueError: the parts do not fit one another, or a number is not finite.
        TypeError: an example holds something other than numbers.

    >>> corners = Dataset("corners", [[0.0, 0.0], [1.0, 1.0]], [0, 1], ("x", "y"), ("low", "high"))
    >>> corners
    Dataset('corners': 2 examples, 2 features, 2 classes)
    >>> corners[1]
    ([1.0, 1.0], 1)
    >>> for inputs, target in corners:
    ...     print(inputs, corners.class_names[target])
    [0.0, 0.0] low
    [1.0, 1.0] high
    >>> Dataset("prices", [[70.0], [120.0]], [210.5, 395.0], ("area",), task="regression")
    Dataset('prices': 2 examples, 1 features, regression)
    """

    name: str
    inputs: list[list[float]]
    targets: list[Any]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    image_shape: tuple[int, int] | None = None
    task: str = "classification"
    table: Table | None = field(default=None, compare=False)
    encoder: Encoder | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        checks.text("name", self.name)
        checks.one_of("task", self.task, TASKS)
        features = _names("feature_names", self.feature_names)
        classes = _names("class_names", self.class_names)
        inputs = checks.examples("inputs", self.inputs, features, depth=2)
        for position, row in enumerate(inputs):
            if not isinstance(row, list | tuple) or len(row) != len(features):
                raise ValueError(
                    f"example {position} of {self.name!r} must be a list of {len(features)} "
                    f"numbers, as feature_names is, got {checks.shown(row)}"
                )
        targets = checks.examples("targets", self.targets)
        if len(inputs) != len(targets):
            raise ValueError(
                f"{self.name!r} has {len(inputs)} inputs but {len(targets)} targets; "
                "pass one target per example"
            )
        if self.task == "classification":
            targets = self._classes(targets, len(classes))
        elif classes:
            raise ValueError(f"class_names must be empty for task='regression', got {classes}")
        checks.instance("encoder", self.encoder, Encoder | None, "an Encoder, or None")
        checks.instance("table", self.table, Table | None, "a Table, or None")
        if self.table is not None and len(self.table.places) != len(inputs):
            raise ValueError(f"table must have {len(inputs)} rows, one per example, or be None")
        shape: Any = self.image_shape
        if shape is not None:
            shape = checks.shape("image_shape", shape)
            if math.prod(shape) != len(features):
                raise ValueError(
                    f"image_shape must be (rows, columns) with rows x columns = {len(features)}, "
                    f"the number of features of {self.name!r}, got {checks.shown(shape)}"
                )
        checked = (inputs, targets, features, classes, shape)
        names = ("inputs", "targets", "feature_names", "class_names", "image_shape")
        for name, part in zip(names, checked, strict=True):
            object.__setattr__(self, name, part)  # the dataclass is frozen

    def _classes(self, targets: list[Any], count: int) -> list[int]:
        """Returns the targets as ints; ValueError if one is not the number of a class."""
        for position, target in enumerate(targets):
            if target not in range(count):
                numbers = f"whole numbers from 0 to {count - 1}, one per class name"
                raise ValueError(
                    f"target {position} of {self.name!r} is {checks.shown(target)}; targets must "
                    f"be {numbers if count else 'classes: pass class_names=(...), one per class'}. "
                    f"{checks.ONE_HOT}. If targets are quantities, pass task='regression'"
                )
        return [int(target) for target in targets]

    @classmethod
    def from_csv(
        cls, path: str | os.PathLike[str], target: str | int, *, header: bool | None = None,
        delimiter: str | None = None, decimal: str | None = None, encoding: str = "utf-8",
        **options: Any,
    ) -> Dataset:
        """Returns the data in a CSV file. A column of texts becomes one of 0 and 1 per category.

        `target` is the name or the position of the column to predict. A first line that has the
        target's name, or no number, is a header; without one, columns are named "column 1" and so
        on. The delimiter and the decimal mark, "." or ",", are by default those that fit the file.

        The options are `task`, "classification" or "regression", if the target leaves it open;
        `missing`, "mean", "median" or "most frequent", to fill missing cells, which are refused by
        default; `categories`, columns of numbers that are names, like post codes; and `drop`.

        Warns of a column that repeats the target, numbers the rows, or is constant.

        Raises:
            ValueError: a cell is wrong, or the file can be read in two ways; the message names the
                line and the column.
            OSError: the file cannot be read.
        """
        table = read_csv(
            path, [target, *(options.get("drop") or ())], header=header, delimiter=delimiter,
            decimal=decimal, encoding=encoding,
        )
        return cls._of(table, target, **options)

    @classmethod
    def from_columns(cls, columns: Any, target: str | int, **options: Any) -> Dataset:
        """Returns the data in a data frame, or in a dictionary with a list or an array per column.

        None and nan are missing cells. The options are those of `from_csv`.

        >>> pets = {"weight": [4.0, 9.5, 3.5], "coat": ["long", "short", "long"], "kind": [0, 1, 0]}
        >>> pets = Dataset.from_columns(pets, "kind")
        >>> pets.feature_names, pets[1]
        (('weight', 'coat=long', 'coat=short'), ([9.5, 0.0, 1.0], 1))
        """
        return cls._of(table_of(columns), target, **options)

    @classmethod
    def _of(cls, table: Table, *target: Any, **options: Any) -> Dataset:
        encoder = encoder_for(table, *target, **options)
        parts = encoder.inputs(table), encoder.targets(table), encoder.feature_names
        return cls(table.name, *parts, encoder.class_names, None, encoder.task, table, encoder)

    def __repr__(self) -> str:
        classes = f"{len(self.class_names)} classes"
        return (
            f"Dataset({self.name!r}: {len(self)} examples, {len(self.feature_names)} features, "
            f"{self.task if self.task == 'regression' else classes})"
        )

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, position: int | slice) -> tuple[Any, Any]:
        if not isinstance(position, slice):
            position = self._place(position)
        return self.inputs[position], self.targets[position]

    def __iter__(self) -> Iterator[tuple[list[float], Any]]:
        return zip(self.inputs, self.targets, strict=True)

    def _place(self, position: Any) -> int:
        return checks.whole_number("each of positions", position, -len(self), len(self) - 1)

    def _shuffled(self, seed: int) -> list[int]:
        positions = list(range(len(self)))
        random.Random(checks.seed(seed)).shuffle(positions)
        return positions

    def select(self, positions: Sequence[int]) -> Dataset:
        """Returns a data set with the examples at `positions`, in that order.

        >>> xor(samples=4, noise=0, seed=0).select([0, 1])
        Dataset('xor': 2 examples, 2 features, 2 classes)
        """
        places = [self._place(position) for position in checks.listed("positions", positions)]
        inputs, targets = ([part[i] for i in places] for part in (self.inputs, self.targets))
        table = self.table and self.table.select(places)
        return replace(self, inputs=inputs, targets=targets, table=table)

    def shuffled(self, seed: int = 0) -> Dataset:
        """Returns the same examples in another order, which the seed decides.

        >>> sorted(moons().shuffled(seed=1).inputs) == sorted(moons().inputs)
        True
        """
        return self.select(self._shuffled(seed))

    def split(self, test: float = 0.25, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Returns a part to train on and a part to test on, both shuffled by `seed`.

        `test` is the share of the second part, rounded to whole examples. The split is stratified:
        each class is split by the same share, to within one example.

        In data with a `table`, the cells that replace missing ones, and the categories, become
        those of the first part, for both.

        Raises:
            ValueError: one of the parts would be empty.

        >>> train, held_out = moons(samples=100).split(test=0.2)
        >>> len(train), len(held_out)
        (80, 20)
        >>> held_out.class_counts()
        {'outer': 10, 'inner': 10}
        """
        test = checks.finite_number("test", test, 0, 1, ". It is the share to hold out")
        held_out_count = round(test * len(self))
        if not 0 < held_out_count < len(self):
            raise ValueError(
                f"split(test={test!r}) of {len(self)} examples leaves one part empty; "
                "test must be the share to hold out, a number between 0 and 1"
            )
        positions = self._shuffled(seed)
        by_class = sorted(positions, key=self.targets.__getitem__)
        # Walk through the classes and hold out every (1/test)-th example, counted in whole
        # numbers: the total is exact, and so is each class's share, to within one.
        held_out = {
            position
            for rank, position in enumerate(by_class)
            if (rank + 1) * held_out_count // len(self) > rank * held_out_count // len(self)
        }
        seen = [position for position in positions if position not in held_out]
        parts = self.select(seen), self.select([each for each in positions if each in held_out])
        table, encoder = parts[0].table, self.encoder
        if not self.table or not table or not encoder or encoder.inputs(self.table) != self.inputs:
            return parts
        by = replace(self, encoder=encoder.fitted(table))
        return parts[0]._encoded_by(by), parts[1]._encoded_by(by)

    def _encoded_by(self, by: Dataset) -> Dataset:
        """Returns the rows of the table as the encoder of `by` makes numbers of them."""
        if self.table is None or by.encoder is None:
            return self
        inputs, names = by.encoder.inputs(self.table), by.encoder.feature_names
        return replace(self, inputs=inputs, feature_names=names, encoder=by.encoder)

    def standardized(self, by: Dataset | None = None) -> Dataset:
        """Returns the data set with each feature moved to mean 0 and scaled to deviation 1.

        Means and deviations are those of `by`, by default of this data set. For both parts of a
        split, pass the training part as `by`, so that the held-out part stays unseen. A constant
        feature is moved but not scaled. Digits are kept if numbers are large and close together.

        >>> train, held_out = iris().split()
        >>> held_out = held_out.standardized(by=train)
        >>> train = train.standardized()
        >>> abs(sum(row[0] for row in train.inputs)) < 1e-9
        True
        """
        reference = self if by is None else by
        checks.instance("by", reference, Dataset, "a Dataset")
        if reference.feature_names != self.feature_names:
            raise ValueError(
                f"{self!r} has features {self.feature_names}, but `by` has "
                f"{reference.feature_names}; pass a data set with the same features"
            )
        scaler, columns = Scaler().fit(reference.inputs), dict.fromkeys(self.feature_names)
        base = self.encoder or Encoder("target", self.task, self.class_names, columns)
        # An encoder scales once, so that of data which is scaled twice would be wrong.
        encoder = replace(base, scaler=scaler) if base.scaler is None else None
        inputs = scaler.transform(self.inputs)
        return replace(self, inputs=inputs, table=None, encoder=encoder)

    def signs(self) -> list[int]:
        """Returns the targets of a data set with two classes as -1 and +1, for the hinge loss.

        >>> data = xor(samples=4, noise=0)
        >>> data.targets, data.signs()
        ([1, 0, 1, 0], [1, -1, 1, -1])
        """
        if len(self.class_names) != 2:
            count = len(self.class_names)
            raise ValueError(f"signs() needs two classes, got {count} in {self.name!r}")
        return [2 * target - 1 for target in self.targets]

    def class_counts(self) -> dict[str, int]:
        """Returns the number of examples per class, by the name of the class.

        >>> iris().class_counts()
        {'setosa': 50, 'versicolor': 50, 'virginica': 50}
        """
        return {name: self.targets.count(target) for target, name in enumerate(self.class_names)}

    def image(self, position: int) -> list[list[float]]:
        """Returns the example at `position` as a picture: one list of pixels per row.

        >>> len(digits().image(0)), len(digits().image(0)[0])
        (8, 8)
        """
        if self.image_shape is None:
            raise ValueError(f"the inputs of {self.name!r} are not pictures: image_shape is None")
        rows, columns = self.image_shape
        pixels = self.inputs[self._place(position)]
        return [pixels[row * columns : (row + 1) * columns] for row in range(rows)]


# ---- generated from a seed -----------------------------------------------------------------------


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


# ---- measured ------------------------------------------------------------------------------------


def iris(columns: Sequence[str] = IRIS_FEATURES) -> Dataset:
    """Returns Fisher's 150 irises of three species, measured in centimetres.

    `columns` chooses features by name, in any order. Choose two of them to draw the data.

    Raises:
        ValueError: a name is not one of the four.

    >>> iris()
    Dataset('iris': 150 examples, 4 features, 3 classes)
    >>> iris(columns=("petal length", "petal width"))[0]
    ([1.4, 0.2], 0)
    """
    columns = _names("columns", (columns,) if isinstance(columns, str) else columns)
    unknown = [column for column in columns if column not in IRIS_FEATURES]
    if unknown or not columns:
        raise ValueError(f"iris got columns={columns}; choose from: {', '.join(IRIS_FEATURES)}")
    bundle = _scikit_learn_datasets("iris").load_iris()
    places = [IRIS_FEATURES.index(column) for column in columns]
    inputs = [[float(row[place]) for place in places] for row in bundle.data]
    targets = [int(target) for target in bundle.target]
    return Dataset("iris", inputs, targets, columns, tuple(map(str, bundle.target_names)))


def digits(odd_or_even: bool = False, pooled: bool = False) -> Dataset:
    """Returns 1797 pictures of handwritten digits, 8x8 pixels from 0 (paper) to 1 (ink).

    They come with scikit-learn: the test part of UCI's "optical recognition of handwritten digits".
    The classes are the ten digits, or even and odd. `pooled` averages blocks of 2x2 pixels, which
    makes 4x4 pictures. On the ten classes a linear model is as good as a network with a hidden
    layer; to see the use of layers, take odd or even.

    >>> digits()
    Dataset('digits': 1797 examples, 64 features, 10 classes)
    >>> digits(odd_or_even=True, pooled=True)
    Dataset('digits, odd or even, 4x4': 1797 examples, 16 features, 2 classes)
    """
    odd_or_even, pooled = checks.flag("odd_or_even", odd_or_even), checks.flag("pooled", pooled)
    bundle = _scikit_learn_datasets("digits").load_digits()
    pictures = [[[float(pixel) / 16 for pixel in row] for row in rows] for rows in bundle.images]
    targets = [int(target) for target in bundle.target]
    name, class_names = "digits", tuple(str(digit) for digit in range(10))
    if odd_or_even:
        targets, class_names = [digit % 2 for digit in targets], ("even", "odd")
        name += ", odd or even"
    if pooled:
        pictures = [_pool(rows) for rows in pictures]
        name += ", 4x4"
    height, width = len(pictures[0]), len(pictures[0][0])
    inputs = [[pixel for row in rows for pixel in row] for rows in pictures]
    pixels = tuple(f"pixel {row},{column}" for row in range(height) for column in range(width))
    return Dataset(name, inputs, targets, pixels, class_names, (height, width))


# ---- words ---------------------------------------------------------------------------------------


def city_names() -> list[str]:
    """Returns the names of places in the time zones, in lower case and sorted.

    Nearly all are cities all over the world; a few are islands or provinces. They consist of the
    letters a to z, spaces and hyphens. The zones are those of the package `tzdata`, which is in the
    extra `data`; without it, they are those that Python finds on the machine.

    Raises:
        LookupError: the machine does not have time zones.

    >>> names = city_names()
    >>> len(names), names[:3], names[-1]
    (467, ['abidjan', 'accra', 'act'], 'zurich')
    """
    places = [zone.split("/") for zone in _time_zones()]
    return sorted({p[-1].replace("_", " ").lower() for p in places if p[0] in REGIONS})


def first_names() -> list[str]:
    """Returns first names of women and men, in lower case and sorted, without spaces or hyphens.

    They are from the census of the United States in 1990, which is in the public domain. The file
    comes with the package; its first lines say where the list is from.

    >>> names = first_names()
    >>> len(names), names[:3], names[-1]
    (5163, ['aaron', 'abbey', 'abbie'], 'zulma')
    """
    text = resources.files(__package__).joinpath("first_names.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def _time_zones() -> list[str]:
    """Returns the names of the time zones, like `Europe/Zurich`."""
    try:
        zones = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    except ModuleNotFoundError:
        zones = list(available_timezones())
    if not zones:
        raise LookupError(
            "the names of cities come from time zones, which this machine does not have; run: "
            + install("data")
        )
    return zones


# ---- by name -------------------------------------------------------------------------------------

DATASETS: dict[str, Callable[..., Dataset]] = {
    function.__name__: function for function in (moons, circles, spirals, xor, iris, digits)
}


def load(name: str, **options: Any) -> Dataset:
    """Returns the data set of that name; `options` are the arguments of its function.

    Raises:
        ValueError: a data set of that name does not exist; the message lists all names.
        TypeError: an option does not exist; the message lists all options.

    >>> load("moons", samples=10, noise=0.2)
    Dataset('moons': 10 examples, 2 features, 2 classes)
    >>> load("mnist")
    Traceback (most recent call last):
        ...
    ValueError: name must be one of moons, circles, spirals, xor, iris, digits, got 'mnist'
    """
    checks.one_of("name", name, [*DATASETS])
    accepted = inspect.signature(DATASETS[name]).parameters
    unknown = [option for option in options if option not in accepted]
    if unknown:
        raise TypeError(
            f"{name} does not accept {', '.join(unknown)}; choose from: {', '.join(accepted)}"
        )
    return DATASETS[name](**options)


# ---- helpers -------------------------------------------------------------------------------------


def _drawn(
    name: str,
    points: Sequence[tuple[tuple[float, float], int]],
    noise: float,
    seed: int,
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


def _names(what: str, given: Any) -> tuple[str, ...]:
    return tuple(checks.text(f"each of {what}", name) for name in checks.listed(what, given))


def _pool(rows: list[list[float]]) -> list[list[float]]:
    """Returns the picture at half its size; each pixel is the mean of a block of 2x2."""
    return [
        [(a[i] + a[i + 1] + b[i] + b[i + 1]) / 4 for i in range(0, len(a), 2)]
        for a, b in zip(rows[::2], rows[1::2], strict=True)
    ]


def _scikit_learn_datasets(wanted: str) -> Any:
    """Returns scikit-learn's module of data sets; ImportError if it is not installed."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            f"the data set {wanted!r} comes with scikit-learn, which is not installed; "
            f"run: {install('data')}"
        ) from error
    return datasets
