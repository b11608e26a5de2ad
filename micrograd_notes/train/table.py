"""`Table`: cells as they were read; `Encoder`: how they become the inputs and targets of a model.

A cell is a number, a text, or missing. `encoder_for` decides which columns are numbers, categories
or the target; if one could be read in two ways, it names the first such cell. An encoder is fitted
to training rows alone, and a saved run keeps it. `Dataset.from_csv` calls these; read `csv_file.py`
next.
"""

import math
import random
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from numbers import Integral
from typing import Any, NamedTuple
from warnings import warn

from micrograd_notes.common import checks
from micrograd_notes.engine.accurate import total
from micrograd_notes.train.scaling import Scaler

FILLS = {"mean": statistics.fmean, "median": statistics.median, "most frequent": statistics.mode}
TASKS = ("classification", "regression")
FEW = 20  # values: a column with more, most of them different, does not have categories
LEAK = 0.95  # the share of the target's variation that one column alone explains

MISSING = ("", "na", "n/a", "nan", "null", "?", "#n/a")  # a missing cell, in small letters
# Numbers by their decimal mark, with other marks between groups of three digits. A number that
# begins with 0, like a post code, is a text.
_NUMBER = (
    r"[+-]?(?:(?:0|[1-9]\d*)(?:{0}\d*)?|{0}\d+)(?:[eE][+-]?\d+)?"
    r"|[+-]?[1-9]\d{{0,2}}(?:[{1}' \xa0\u202f]\d{{3}})+(?:{0}\d*)?"
)
NUMBER = {m: re.compile(_NUMBER.format(f"[{m}]", g), re.ASCII) for m, g in ((".", ","), (",", "."))}
TO_POINTS = {
    ".": str.maketrans("", "", ",' \xa0\u202f"), ",": str.maketrans(",", ".", ".' \xa0\u202f"),
}


class Number(float):
    """A number that keeps its text, which is its name as a class or a category."""

    __slots__ = ("text",)
    text: str


class Table(NamedTuple):
    """Columns of cells by name, and the place of each row, for messages."""

    name: str
    columns: dict[str, list[Any]]
    places: list[str]
    reading: dict[str, Any] | None = None  # how a CSV file was read, for others like it

    def select(self, rows: Sequence[int]) -> "Table":
        """Returns a table with these rows."""
        columns = {name: [cells[i] for i in rows] for name, cells in self.columns.items()}
        return self._replace(columns=columns, places=[self.places[i] for i in rows])

    def error(self, row: int, name: str, why: str) -> ValueError:
        """Returns an error about a cell, with its line and column."""
        return ValueError(f"{self.places[row]}, column {name!r}: {why}")


def table_of(given: Any) -> Table:
    """Returns the table of a data frame, or of a dictionary of lists."""
    names = list(getattr(given, "columns", given if isinstance(given, dict) else ()))
    if not names or len(set(names)) < len(names):
        kind = "a data frame, or a dictionary of lists, whose names differ"
        raise TypeError(f"columns must be {kind}, got {checks.shown(given)}")
    # As an array, a column of dates would become one of numbers.
    lists = [c.to_list() if hasattr(c, "to_list") else c for c in (given[n] for n in names)]
    cells = [[*map(_cell, checks.listed("each of columns", column))] for column in lists]
    if len(set(map(len, cells))) > 1 or not cells[0]:
        raise ValueError(f"columns must have one length, 1 or more, got {[*map(len, cells)]}")
    places = [f"row {i}" for i in range(len(cells[0]))]
    return Table("the data", dict(zip(map(str, names), cells, strict=True)), places)


def _cell(given: Any) -> float | str | None:
    is_nan = type(given).__name__ in ("NAType", "NaTType") or given != given
    if given is None or is_nan or given == "":
        return None
    is_number = checks.is_number(given) or isinstance(given, Decimal)
    if type(given).__name__ in ("bool", "bool_") or not (is_number and checks.is_finite(given)):
        return str(given).strip()
    if not isinstance(given, Integral | Decimal):
        return float(given)
    number = Number(given)
    number.text = str(given)
    return number


def label(cell: Any) -> str:
    """Returns a cell as the name of a class or category: its text, and "1" for the float 1.0."""
    if isinstance(cell, Number):
        return cell.text
    is_whole = isinstance(cell, float) and cell % 1 == 0 and abs(cell) < 2**53
    return str(int(cell)) if is_whole else str(cell)


def _labels(cells: Any) -> tuple[str, ...]:
    """Returns the different names of the cells, numbers by their size."""
    different = {label(cell): cell for cell in cells}.items()
    return tuple(n for n, _ in sorted(different, key=lambda x: (isinstance(x[1], str), x[1], x[0])))


@dataclass(frozen=True)
class Encoder:
    """How a table becomes inputs and targets, and how predictions become answers.

    `columns` has each input column, with its categories, or None for numbers. `fills` has the cell
    that replaces missing ones, and is empty if they are refused.
    """

    target: str
    task: str
    class_names: tuple[str, ...]
    columns: dict[str, Any]
    missing: str | None = None
    fills: dict[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    reading: dict[str, Any] = field(default_factory=dict)
    scaler: Scaler | None = None
    target_scaler: Scaler | None = None

    def fitted(self, table: Table) -> "Encoder":
        """Returns the encoder with the categories and the fills of these rows, unscaled."""
        columns, fills = dict(self.columns), {}
        for name, kind in self.columns.items():
            there: list[Any] = [cell for cell in table.columns[name] if cell is not None]
            lost = len(table.places) - len(there)
            if lost and (self.missing is None or not there):
                advice = "pass missing='mean' to fill it, or " if there else ""
                why = f"the cell is missing ({lost} in this column); {advice}drop=[{name!r}]"
                raise table.error(table.columns[name].index(None), name, why)
            if kind is not None:
                columns[name], there = _labels(there), [*map(label, there)]
            else:
                there = [*map(float, there)]
            if self.missing is not None:
                chosen: Any = FILLS[self.missing] if kind is None else statistics.mode
                fills[name] = chosen(there)
        return replace(self, columns=columns, fills=fills, scaler=None, target_scaler=None)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the inputs; a category's is "column=category"."""
        return tuple(
            name if category is None else f"{name}={category}"
            for name, categories in self.columns.items()
            for category in ([None] if categories is None else categories)
        )

    def inputs(self, table: Table) -> list[list[float]]:
        """Returns the inputs of each row. A category that was not fitted is 0 in all columns."""
        rows: list[list[float]] = [[] for _ in table.places]
        for name, categories in self.columns.items():
            new = []
            for i, given in enumerate(table.columns[name]):
                cell = self.fills.get(name) if given is None else given
                if cell is None or (categories is None and isinstance(cell, str)):
                    why = "the cell is missing, and none is in the training data; fill it in"
                    if cell is not None:
                        why = f"{_not_a_number(cell)}, as the training data are; write a number"
                    raise table.error(i, name, why)
                if categories is None:
                    rows[i].append(float(cell))
                else:
                    rows[i] += [float(label(cell) == category) for category in categories]
                    new += [i] * (label(cell) not in categories)
            if new:
                why = f"this category, in {len(new)} rows, is not in the training rows: all 0"
                warn(f"{table.error(new[0], name, why)}", stacklevel=2)
        return rows if self.scaler is None else self.scaler.transform(rows)

    def targets(self, table: Table) -> list[Any]:
        """Returns the number of the class of each row, or for a regression its number."""
        cells = table.columns[self.target]
        if self.task == "regression":
            return [*map(float, cells)]
        return [self.class_names.index(label(cell)) for cell in cells]

    def answers(self, predicted: Sequence[Any]) -> list[Any]:
        """Returns predicted classes by name, and numbers in the target's own units."""
        if self.task == "classification":
            return [self.class_names[each] for each in predicted]
        scaled = [[each] for each in predicted]
        return [x for [x] in (self.target_scaler.inverse(scaled) if self.target_scaler else scaled)]

    def to_dict(self) -> dict[str, Any]:
        """Returns the encoder as plain data, which `from_dict` reads."""
        return {**asdict(self), "columns": [*self.columns.items()]}  # a list, to keep their order

    @classmethod
    def from_dict(cls, parts: dict[str, Any]) -> "Encoder":
        """Returns the encoder of a `to_dict()`."""
        scalers = {k: parts[k] and Scaler.from_dict(parts[k]) for k in ("scaler", "target_scaler")}
        columns = {name: kind if kind is None else tuple(kind) for name, kind in parts["columns"]}
        names = {k: tuple(parts[k]) for k in ("class_names", "dropped")}
        return cls(**parts | scalers | names | {"columns": columns})


# ---- what a column is ----------------------------------------------------------------------------


def encoder_for(
    table: Table, target: Any, *, task: Any = None, missing: Any = None, categories: Any = (),
    drop: Any = (),
) -> Encoder:
    """Returns the encoder for a table, fitted to it. The arguments are those of `from_csv`."""
    names = list(table.columns)
    if len(names) == 1 and table.reading:
        raise ValueError(
            f"{table.name} has only one column, {checks.shown(names[0])}; if it should be several, "
            "put commas between the cells or pass delimiter=';', else add a column to learn from"
        )
    if not isinstance(target, str):
        target = names[checks.whole_number("target", target, -len(names), len(names) - 1)]
    others = [name for name in names if name != target]
    checks.one_of("target", target, names)
    for what, listed in (("categories", categories), ("drop", drop)):
        for name in checks.listed(what, listed):
            checks.one_of(what, name, others)
    for what, said, choices in (("task", task, TASKS), ("missing", missing, [*FILLS])):
        checks.one_of(what, choices[0] if said is None else said, choices)
    columns = {name: table.columns[name] for name in others if name not in drop}
    if len(table.places) < 2 or not columns:
        lacks = "a column beside the target" if len(table.places) > 1 else "a second row"
        raise ValueError(f"{table.name} needs {lacks} to learn from; it ends at {table.places[-1]}")
    task, classes = _task(table, target, task)
    texts = [n for n in columns if n in categories or _is_text(table, n, f"categories=[{n!r}]")]
    if free := [name for name in texts if name not in categories and _is_free(columns[name])]:
        raise ValueError(
            f"{table.name}: most texts in {', '.join(map(repr, free))} are different, as in names, "
            f"dates and identifiers; pass drop={free}, or categories={free} to use them"
        )
    kinds = {name: () if name in texts else None for name in columns}
    encoder = Encoder(target, task, classes, kinds, missing, {}, tuple(drop), table.reading or {})
    encoder = encoder.fitted(table)
    if twice := [name for name, count in Counter(encoder.feature_names).items() if count > 1]:
        raise ValueError(f"{table.name}: two inputs are named {twice[0]!r}; rename that column")
    for name in [*texts, target] if task == TASKS[0] else texts:
        _mention_one_number(table, name)
    columns |= {n: [None if c is None else label(c) for c in columns[n]] for n in texts}
    targets, is_class = encoder.targets(table), task == TASKS[0]
    for name, cells in columns.items():
        is_count = name not in texts and len({*cells} - {None}) == len(cells) > 4
        is_count = is_count and all(cell % 1 == 0 for cell in cells)
        is_dense = is_count and max(cells) - min(cells) < 1.1 * len(cells)
        suspicion = ""
        if len({*cells}) == 1:
            suspicion = f"it is {cells[0]!r} in all rows, so it says nothing"
        elif _explained(cells, targets, is_class) >= LEAK:
            suspicion = f"it alone predicts {target!r}, as a copy or a consequence does"
        elif is_dense or (is_count and len(cells) > FEW):
            suspicion = "it has another whole number in each row, as an identifier has"
        if suspicion:
            warn(f"{table.name}, column {name!r}: {suspicion}; pass drop=[{name!r}], or be sure",
                 stacklevel=4)
    return encoder


def _is_text(table: Table, name: str, option: str) -> bool:
    """Returns whether a column holds texts; ValueError if that is not clear."""
    cells, wholes = table.columns[name], dict[float, str]()
    texts = [i for i, cell in enumerate(cells) if isinstance(cell, str)]
    if texts and (numbers := len([cell for cell in cells if isinstance(cell, float)])):
        why = f"{_not_a_number(cells[texts[0]])}, as {numbers} other cells are; correct it, or pass"
        raise table.error(texts[0], name, f"{why} {option}")
    if texts and all(_looks_like_a_number(cells[i]) for i in texts):
        why = f"{cells[texts[0]]!r} is a text here, but looks like a number, as all cells do; "
        why += f"give plain numbers, with one decimal mark in all columns, or pass {option}"
        raise table.error(texts[0], name, why)
    for row, cell in enumerate(cells):
        text = cell.text if isinstance(cell, Number) and abs(cell) >= 2**53 else ""
        is_whole = text.lstrip("+-").isdecimal()
        if is_whole and int(text) != int(other := wholes.setdefault(float(cell), text)):
            why = f"{text} and {other} are one number in a computer, which keeps about 16 digits; "
            raise table.error(row, name, f"{why}if they are names, pass {option}")
    return bool(texts)


def _looks_like_a_number(text: str) -> bool:
    """Returns whether a text is a number in any spelling, like 15%, $15, or with another minus."""
    letters = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
    kept = [c for c in letters if c not in "%\u2030" and unicodedata.category(c) != "Sc"]
    plain = "".join(str(unicodedata.decimal(c, c)) for c in kept).strip()
    return any(pattern.fullmatch(plain) for pattern in NUMBER.values())


def _not_a_number(text: str) -> str:
    """Returns a text and why it is not a number that can be learned."""
    with suppress(ValueError):
        if math.isinf(float(text)):
            return f"{text!r} is infinite, or too large for a float, so it is not a number"
    return f"{text!r} is not a number"


def _mention_one_number(table: Table, name: str) -> None:
    """Warns if two names of a column are one number, like 1.1 and 1.10."""
    names: dict[Any, str] = {}
    for row, cell in enumerate(table.columns[name]):
        if cell is not None and (other := names.setdefault(cell, label(cell))) != label(cell):
            why = f"{other!r} and {label(cell)!r} are two names here, but one number"
            warn(f"{table.error(row, name, why)}; write them alike, or be sure", stacklevel=5)
            return


def _is_free(cells: list[Any]) -> bool:
    """Returns whether most cells are different, as in a column of identifiers."""
    return len({*cells}) == len(cells) > 2 or len({*cells}) > max(FEW, len(cells) / 2)


def _task(table: Table, target: str, task: str | None) -> tuple[str, tuple[str, ...]]:
    """Returns the task and the names of the classes; ValueError if the task is not clear."""
    cells = table.columns[target]
    if None in cells:
        why = f"the target is missing: the cell is empty or reads {' or '.join(MISSING[1:])}, in "
        why += "small or large letters; remove the row, or give the class another name"
        raise table.error(cells.index(None), target, why)
    is_text = task == TASKS[0] or _is_text(table, target, "task='classification'")
    is_whole = not is_text and all(cell % 1 == 0 for cell in cells)
    count = len({*map(label, cells)} if is_text else {*cells})
    if count == 1 or (is_text and task == TASKS[1]):
        what = f"only {cells[0]!r}" if count == 1 else "texts"
        raise ValueError(f"target {target!r} has {what}; it needs two classes, or numbers")
    if task is None and is_whole and 2 < count <= max(FEW, len(cells) / 3):
        raise ValueError(
            f"target {target!r} has whole numbers, like {', '.join(_labels(cells)[:4])}, which are "
            "classes or quantities; pass task='classification' or task='regression'"
        )
    if task == TASKS[1] or (task is None and not is_text and (count > 2 or not is_whole)):
        return TASKS[1], ()
    if _is_free([*map(label, cells)]):
        raise ValueError(f"target {target!r} differs in most rows; a class needs several rows")
    return TASKS[0], _labels(cells)


def _explained(cells: list[Any], targets: list[Any], is_class: bool) -> float:
    """Returns the share of the target's variation that one column explains, 1 for a copy.

    In the order of the column, targets then change less between neighbours than in any order. A
    change from one group of equal cells to the next does not count.
    """
    pairs = [(c, t) for c, t in zip(cells, targets, strict=True) if c is not None]
    if len(pairs) < FEW:  # where a column easily fits by chance, only a copy counts
        is_copy = len({*cells}) == len({*targets}) == len({*pairs}) < len(pairs)
        return float(is_copy and len(pairs) > 8)

    def change(steps: Iterable[tuple[Any, Any]]) -> Any:
        return total(a != b if is_class else (a - b) * (a - b) for a, b in steps)

    # A sample is enough, in random order because a file may be sorted by its target.
    pairs = random.Random(0).sample(pairs, min(len(pairs), 2000))
    usual = change(pairwise(t for _, t in pairs)) / (len(pairs) - 1)
    pairs.sort(key=lambda pair: (isinstance(pair[0], str), pair[0]))
    size = Counter(c for c, _ in pairs)
    steps = [(s, t) for (c, s), (d, t) in pairwise(pairs) if c == d or 1 in (size[c], size[d])]
    least = change(pairwise(sorted(t for _, t in pairs))) if len(steps) == len(pairs) - 1 else 0
    return float(1 - (change(steps) - least) / len(steps) / (usual or 1)) if steps else 0.0
