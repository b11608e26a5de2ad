"""Data sets that were measured: `iris` and `digits`, which come with scikit-learn.

It is imported when you call them.
"""

from collections.abc import Sequence
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.common.extras import install
from micrograd_notes.train.dataset import Dataset, names_of

__all__ = ["digits", "iris"]

IRIS_FEATURES = ("sepal length", "sepal width", "petal length", "petal width")


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
    columns = names_of("columns", (columns,) if isinstance(columns, str) else columns)
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
