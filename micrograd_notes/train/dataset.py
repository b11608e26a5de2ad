"""`Dataset`: examples and their targets, to shuffle, split and standardize before `fit`.

Your own come from a CSV file (`csv_file.py`) or a data frame, by way of `table.py`. Read those
next; the data sets that come with the package are in `data.py`.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.train.csv_file import mention_header, read_csv
from micrograd_notes.train.scaling import Scaler
from micrograd_notes.train.table import TASKS, Encoder, Table, encoder_for, table_of

__all__ = ["Dataset"]


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
        features = names_of("feature_names", self.feature_names)
        classes = names_of("class_names", self.class_names)
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
        on. If you give a position, a first line that can be names or an example is mentioned. The
        delimiter and the decimal mark, "." or ",", are by default those that fit the file.

        The options are `task`, "classification" or "regression", if the target leaves it open;
        `missing`, "mean", "median" or "most frequent", to fill missing cells, which are refused by
        default; `categories`, columns of numbers that are names, like post codes; and `drop`. Names
        of categories and classes are the texts in the file: 1.1 and 1.10 are two. A column whose
        texts all look like numbers, as 15% does, is refused unless you say that they are names.

        Warns of a column that repeats the target, numbers the rows, or is constant, and of two
        names that are one number.

        Raises:
            ValueError: a cell is wrong, or the file can be read in two ways; the message names the
                line and the column.
            TypeError: an option does not exist.
            OSError: the file cannot be read.
        """
        _check_options(cls.from_csv, options)
        table = read_csv(
            path, [target, *(options.get("drop") or ())], header=header, delimiter=delimiter,
            decimal=decimal, encoding=encoding,
        )
        if header is None and not isinstance(target, str):
            mention_header(table)
        return cls._of(table, target, **options)

    @classmethod
    def from_columns(cls, columns: Any, target: str | int, **options: Any) -> Dataset:
        """Returns the data in a data frame, or in a dictionary with a list or an array per column.

        None and nan are missing cells. Texts of numbers, as `csv.DictReader` returns, are refused:
        make them numbers, or say that they are names. The options are `task`, `missing`,
        `categories` and `drop` of `from_csv`.

        >>> pets = {"weight": [4.0, 9.5, 3.5], "coat": ["long", "short", "long"], "kind": [0, 1, 0]}
        >>> pets = Dataset.from_columns(pets, "kind")
        >>> pets.feature_names, pets[1]
        (('weight', 'coat=long', 'coat=short'), ([9.5, 0.0, 1.0], 1))
        """
        _check_options(cls.from_columns, options)
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

        >>> from micrograd_notes import data
        >>> data.xor(samples=4, noise=0, seed=0).select([0, 1])
        Dataset('xor': 2 examples, 2 features, 2 classes)
        """
        places = [self._place(position) for position in checks.listed("positions", positions)]
        inputs, targets = ([part[i] for i in places] for part in (self.inputs, self.targets))
        table = self.table and self.table.select(places)
        return replace(self, inputs=inputs, targets=targets, table=table)

    def shuffled(self, seed: int = 0) -> Dataset:
        """Returns the same examples in another order, which the seed decides.

        >>> from micrograd_notes import data
        >>> sorted(data.moons().shuffled(seed=1).inputs) == sorted(data.moons().inputs)
        True
        """
        return self.select(self._shuffled(seed))

    def split(self, test: float = 0.25, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Returns a part to train on and a part to test on, both shuffled by `seed`.

        `test` is the share of the second part, rounded to whole examples. Classes are stratified:
        each is split by the same share, to within one example. Quantities do not decide the split.

        In data with a `table`, the cells that replace missing ones, and the categories, become
        those of the first part, for both.

        Raises:
            ValueError: one of the parts would be empty.

        >>> from micrograd_notes import data
        >>> train, held_out = data.moons(samples=100).split(test=0.2)
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
        is_class = self.task == "classification"
        by_class = sorted(positions, key=self.targets.__getitem__) if is_class else positions
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

        >>> from micrograd_notes import data
        >>> train, held_out = data.iris().split()
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

        >>> from micrograd_notes import data
        >>> data = data.xor(samples=4, noise=0)
        >>> data.targets, data.signs()
        ([1, 0, 1, 0], [1, -1, 1, -1])
        """
        if len(self.class_names) != 2:
            count = len(self.class_names)
            raise ValueError(f"signs() needs two classes, got {count} in {self.name!r}")
        return [2 * target - 1 for target in self.targets]

    def class_counts(self) -> dict[str, int]:
        """Returns the number of examples per class, by the name of the class.

        >>> from micrograd_notes import data
        >>> data.iris().class_counts()
        {'setosa': 50, 'versicolor': 50, 'virginica': 50}
        """
        return {name: self.targets.count(target) for target, name in enumerate(self.class_names)}

    def image(self, position: int) -> list[list[float]]:
        """Returns the example at `position` as a picture: one list of pixels per row.

        >>> from micrograd_notes import data
        >>> len(data.digits().image(0)), len(data.digits().image(0)[0])
        (8, 8)
        """
        if self.image_shape is None:
            raise ValueError(f"the inputs of {self.name!r} are not pictures: image_shape is None")
        rows, columns = self.image_shape
        pixels = self.inputs[self._place(position)]
        return [pixels[row * columns : (row + 1) * columns] for row in range(rows)]


def _check_options(door: Any, options: dict[str, Any]) -> None:
    """Raises TypeError if a door to a data set does not have one of the options."""
    both = [*signature(door).parameters.values(), *signature(encoder_for).parameters.values()]
    names = [option.name for option in both if option.kind is option.KEYWORD_ONLY]
    if unknown := [option for option in options if option not in names]:
        raise TypeError(
            f"{door.__name__} does not accept {', '.join(unknown)}; choose from {', '.join(names)}"
        )


def names_of(what: str, given: Any) -> tuple[str, ...]:
    return tuple(checks.text(f"each of {what}", name) for name in checks.listed(what, given))
