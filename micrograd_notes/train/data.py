"""Data sets, and two lists of names: this file has them all, by name.

`Dataset` is in `dataset.py`; read it first. `generated.py` makes moons, circles, spirals and xor
from a seed, `measured.py` has iris and digits, and `names.py` has cities and first names.
"""

import inspect
from collections.abc import Callable
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.train.dataset import Dataset
from micrograd_notes.train.generated import circles, moons, spirals, xor
from micrograd_notes.train.measured import digits, iris
from micrograd_notes.train.names import city_names, first_names

__all__ = [
    "DATASETS", "Dataset", "circles", "city_names", "digits", "first_names", "iris", "load",
    "moons", "spirals", "xor",
]

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
