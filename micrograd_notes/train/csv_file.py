"""`read_csv`: a CSV file as a table of numbers and texts, whose errors name the line and column.

Python's own `csv` reads quotes and line ends. This file finds the delimiter, the header and the
decimal mark, and refuses what could be read in two ways. Read `table.py` next.
"""

import csv
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from warnings import warn

from micrograd_notes.common import checks
from micrograd_notes.common.files import as_path
from micrograd_notes.train.table import MISSING, NUMBER, TO_POINTS, Number, Table, label

DELIMITERS = ",;\t|"


def read_csv(
    path: Any, known: Any = (), *, header: Any = None, delimiter: Any = None, decimal: Any = None,
    encoding: Any = None, usual: Any = None,
) -> Table:
    """Returns the table in a file. A first line with one of the `known` names is a header.

    Empty lines are skipped, and so are empty cells after the last column. `usual` is the `reading`
    of a table that this one should be like, and decides where a file can be read in two ways. The
    other arguments and the errors are those of `Dataset.from_csv`.
    """
    file, usual = as_path(path, what='a file, like "data.csv"'), usual or {}
    header = usual.get("header") if header is None else header
    encoding = usual.get("encoding", "utf-8") if encoding is None else encoding
    has_names = None if header is None else checks.flag("header", header)
    if decimal not in (None, *NUMBER):
        raise ValueError(f"decimal must be '.' or ',', got {checks.shown(decimal)}")
    text = _decoded(file, checks.text("encoding", encoding))
    if said := re.match(r"sep=(.)\r?\n", text):  # Excel's own first line
        text, delimiter = "\n" + text[said.end() :], said[1] if delimiter is None else delimiter
    if delimiter is None:
        delimiter = usual.get("delimiter") or _delimiter(text, file.name)
        _, first = next(_lines(text, delimiter, file.name), (1, []))
        if usual and has_names is not False and not {*known}.intersection(first):
            delimiter = _delimiter(text, file.name)
    lines = list(_lines(text, delimiter, file.name))
    start, first = lines[0] if lines else (1, [])
    if has_names is None:
        has_number = any(p.fullmatch(cell) for cell in first for p in NUMBER.values())
        has_names = not has_number or any(name in known for name in first)
    body = lines[has_names:]
    if not body:
        raise ValueError(f"{file.name} must have names in one line, and rows below; it lacks rows")
    while not any(row[len(first) - 1 : len(first)] != [""] for _, row in lines):
        first = first[:-1]  # each line ends with a delimiter
    names = [(has_names and name) or f"column {i}" for i, name in enumerate(first, 1)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        at = " and ".join(str(i) for i, name in enumerate(names, 1) if name == twice)
        raise ValueError(f"{file.name}, line {start}: columns {at} are named {twice!r}; rename one")
    for _, row in body:
        while len(row) > len(names) and not row[-1]:
            row.pop()
    widths = {len(row) for _, row in body}
    if len(body) > 1 and len(widths) == 1 and widths != {len(names)}:
        raise ValueError(
            f"{file.name}, line {start}: this line has {len(names)} cells, but all below have "
            f"{widths.pop()}; give each column a name, or remove the line if it is a title"
        )
    for line, row in body:
        if len(row) != len(names):
            place = min(len(row), len(names))
            is_short = place == len(row)
            what = f"{names[place]!r} is lacking" if is_short else f"{row[place]!r} is one too many"
            raise ValueError(
                f"{file.name}, line {line}, column {place + 1}: {what}, because the line has "
                f"{len(row)} cells instead of {len(names)}; put delimiters within a cell in quotes"
            )
    flat = [cell for _, row in body for cell in row]
    is_usual = delimiter == usual.get("delimiter")
    mark = decimal or _decimal(flat, text, file.name, usual["decimal"] if is_usual else None)
    cells = [[_cell(row[i], mark or ".") for _, row in body] for i in range(len(names))]
    places = [f"{file.name}, line {line}" for line, _ in body]
    reading = {"header": header if has_names else False, "encoding": encoding}
    reading |= {"delimiter": delimiter, "decimal": mark}
    return Table(file.name, dict(zip(names, cells, strict=True)), places, reading)


def mention_header(table: Table) -> None:
    """Warns if the first line of a file can be names as well as an example."""
    columns = table.columns.items()
    names = (n for n, cells in columns if n in {label(cell) for cell in cells if cell is not None})
    if (table.reading or {})["header"] is False:
        why = "holds a number, so it is read as an example"
    elif again := next(names, None):
        why = f"is read as names, though {again!r} is in a line below, too"
    else:
        return
    advice = "pass header=True if it has the names of the columns, or header=False if not"
    warn(f"{table.name}: the first line {why}; {advice}", stacklevel=3)


def _decoded(file: Path, encoding: str) -> str:
    """Returns the text of a file; ValueError with the line of a byte that is not a letter."""
    try:
        content = file.read_bytes()
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else encoding
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; path must be readable", str(file)) from error
    except LookupError:
        raise ValueError(f"encoding must be one like 'utf-8', got {encoding!r}") from None
    except UnicodeDecodeError as error:
        before = content[: error.start].split(b"\n")
        raise ValueError(
            f"{file.name}, line {len(before)}, byte {len(before[-1]) + 1}: "
            f"{content[error.start]:#x} is not a letter in {encoding}; save the table as CSV in "
            "UTF-8, or pass encoding='cp1252', which Excel uses in Western Europe"
        ) from None


def _lines(text: str, delimiter: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yields each row that has a cell, with the number of its first line."""
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n ':
        raise ValueError(f"delimiter must be one letter, like ';', got {checks.shown(delimiter)}")
    file, line = io.StringIO(text, newline=""), 1  # some ends of lines are in quotes
    reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        for row in reader:
            if any(cells := [cell.strip() for cell in row]):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{name}, line {line}: {error}; check its quotes") from None


def _delimiter(text: str, name: str) -> str:
    """Returns the delimiter that gives all lines the same number of cells, above one."""
    even: list[str] = []
    below: list[str] = []
    for delimiter in DELIMITERS:
        try:
            lengths = [len(row) for _, row in _lines(text, delimiter, name)]
        except ValueError:  # its quotes fit another delimiter
            continue
        for found, some in ((even, lengths), (below, lengths[1:])):
            if len({*some}) == 1 and some[0] > 1:
                found.append(delimiter)
    if len(even) > 1:
        raise ValueError(f"{name} is even at each of {even}; pass delimiter={even[1]!r} or another")
    if len(below) == 1:  # the first line is a title
        even += below
    return even[0] if even else max(DELIMITERS, key=text.lstrip().partition("\n")[0].count)


def _decimal(cells: list[str], text: str, name: str, usual: str | None) -> str | None:
    """Returns the decimal mark of the cells, or None without any; if unclear, the usual one."""
    fits = {mark: {*filter(pattern.fullmatch, cells)} for mark, pattern in NUMBER.items()}
    sure = [mark for mark, other in (".,", ",.") if fits[mark] - fits[other]]
    if len(sure) != 1 and usual:
        return usual
    # A point between thousands occurs in files with semicolons, and a comma in any file.
    both = fits["."] & fits[","]
    unclear = [c for c in cells if c in both and ("," in c or ("." in c and ";" in text))]
    if not sure and unclear:
        why = f"{unclear[0]!r} is a decimal number or thousands; pass decimal=',' or decimal='.'"
        raise ValueError(f"{name}: {why}")
    return "," if sure == [","] else "." if sure else None


def _cell(text: str, decimal: str) -> float | str | None:
    """Returns a cell as a number, or None if it is missing, or else as a text."""
    if NUMBER[decimal].fullmatch(text):
        number = Number(text.translate(TO_POINTS[decimal]))
        number.text = text
        return number if math.isfinite(number) else text
    return None if text.lower() in MISSING else text
