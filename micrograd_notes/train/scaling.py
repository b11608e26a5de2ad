"""`Scaler`: moves each column of a table to mean 0 and deviation 1, and back.

`Dataset.standardized` uses one, and a saved run keeps it for new rows. Read `table.py` next.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from micrograd_notes.common import checks

__all__ = ["Scaler"]

Rows = Sequence[Sequence[float]]


@dataclass
class Scaler:
    """Scales rows of numbers: z = (x - mean) / deviation, with a mean and a deviation per column.

    A constant column has the deviation 1, so it is moved but not scaled. `rests` are the digits of
    the means that do not fit into a float. `units` are powers of two, 1 but for columns of tiny
    numbers, which are multiplied by them first.

    >>> scaler = Scaler().fit([[1.0, 5.0], [3.0, 5.0]])
    >>> scaler.means, scaler.deviations
    ([2.0, 5.0], [1.0, 1.0])
    >>> scaler.transform([[4.0, 6.0]]), scaler.inverse([[2.0, 1.0]])
    ([[2.0, 1.0]], [[4.0, 6.0]])
    """

    means: list[float] = field(default_factory=list)
    deviations: list[float] = field(default_factory=list)
    rests: list[float] = field(default_factory=list)
    units: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("means", "deviations", "rests", "units"):
            numbers = checks.finite_numbers(name, getattr(self, name))
            if name == "units" and not numbers:
                numbers = [1.0] * len(self.means)
            setattr(self, name, numbers)
            is_low = name in ("deviations", "units") and min(numbers, default=1.0) <= 0
            if len(numbers) != len(self.means) or is_low:
                raise ValueError(f"{name} must fit {len(self.means)} means, got {numbers}")

    def fit(self, rows: Rows) -> "Scaler":
        """Measures the rows, and returns the scaler itself."""
        columns = list(zip(*_checked(rows), strict=True))
        is_tiny = [max(map(abs, c)) < 2.0**-900 and min(c) < max(c) for c in columns]
        self.units = [2.0**900 if tiny else 1.0 for tiny in is_tiny]
        tall = ([x * unit for x in c] for c, unit in zip(columns, self.units, strict=True))
        measured = zip(*map(_measured, tall), strict=True)
        self.means, self.deviations, self.rests = map(list, measured)
        return self

    def transform(self, rows: Rows) -> list[list[float]]:
        """Returns the rows scaled."""
        columns = list(zip(self.means, self.deviations, self.rests, strict=True))
        # A power of two, which is exact, keeps the differences of huge numbers finite.
        units = [2.0 ** -max(math.frexp(max(abs(m), d))[1], -1000) for m, d, _ in columns]
        moves = [
            (unit, u, m * u, d * u, r * u)
            for unit, u, (m, d, r) in zip(self.units, units, columns, strict=True)
        ]
        return [
            [(x * unit * u - m - r) / d for x, (unit, u, m, d, r) in zip(row, moves, strict=True)]
            for row in _checked(rows, len(columns))
        ]

    def inverse(self, rows: Rows) -> list[list[float]]:
        """Returns scaled rows in their own units again, to rounding."""
        columns = list(zip(self.means, self.deviations, self.rests, self.units, strict=True))
        return [
            [(z * d + r + m) / unit for z, (m, d, r, unit) in zip(row, columns, strict=True)]
            for row in _checked(rows, len(columns))
        ]

    def to_dict(self) -> dict[str, list[float]]:
        """Returns the numbers as plain data, which `from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, numbers: dict[str, list[float]]) -> "Scaler":
        """Returns the scaler of a `to_dict()`; TypeError or ValueError for anything else."""
        return cls(**numbers)


def _checked(given: Any, width: int | None = None) -> list[list[float]]:
    """Returns rows of one width; ValueError for anything else."""
    rows = checks.examples("rows", given, depth=2)
    widths = {len(row) if isinstance(row, list | tuple) else 0 for row in rows}
    if len(widths) != 1 or 0 in widths or widths != {width or max(widths)}:
        raise ValueError(f"rows must have {width or 'equally many'} numbers, got {given!r:.80}")
    return rows


def _measured(column: Sequence[float]) -> tuple[float, float, float]:
    """Returns the mean, the deviation, and the digits that do not fit into the mean.

    Numbers are first scaled by a power of two, which is exact, so that sums do not overflow.
    """
    unit = 2.0 ** -max(math.frexp(max(map(abs, column)))[1], -1000)
    scaled = [x * unit for x in column]
    mean, rest = scaled[0], 0.0  # exact for a constant column
    if min(scaled) < max(scaled):
        mean = math.fsum(scaled) / len(scaled)
        rest = math.fsum(x - mean for x in scaled) / len(scaled)
    largest = max(abs(x - mean - rest) for x in scaled) or unit
    squares = math.fsum(((x - mean - rest) / largest) ** 2 for x in scaled)
    deviation = largest * (math.sqrt(squares / len(scaled)) or 1.0)
    return mean / unit, deviation / unit, rest / unit
