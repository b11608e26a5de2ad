"""Laws of your own data: a CSV file is read right, or refused with its line and column."""

import copy
import csv
import pickle
import random
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes.train.csv_file import read_csv
from micrograd_notes.train.data import Dataset, moons
from micrograd_notes.train.table import Table

Content = str | bytes


def written(folder: Path, content: Content, name: str = "my.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells(table: Table) -> dict[str, list[Any]]:
    return table.columns


X = {"a": [1.0, 3.0], "kind": ["x", "y"]}
RIGHT: dict[str, tuple[Content, Any]] = {
    "plain": ("a,kind\n1,x\n3,y\n", X),
    "no last end of line": ("a,kind\n1,x\n3,y", X),
    "Windows": ("a,kind\r\n1,x\r\n3,y\r\n", X),
    "an old Mac": ("a,kind\r1,x\r3,y\r", X),
    "tabs": ("a\tkind\n1\tx\n3\ty\n", X),
    "bars": ("a|kind\n1|x\n3|y\n", X),
    "byte order mark": ("\ufeffa,kind\n1,x\n3,y\n", X),
    "UTF-16, as Excel's Unicode text": ("a\tkind\n1\tx\n3\ty\n".encode("utf-16"), X),
    "trailing delimiters": ("a,kind,\n1,x,\n3,y,\n", X),
    "trailing delimiters of rows": ("a,kind\n1,x,\n3,y,\n", X),
    "empty lines and rows": ("\na,kind\n\n1,x\n,\n3,y\n,,\n", X),
    "spaces": ("a , kind\n 1, x\n3 ,y \n", X),
    "quotes": ('"a","kind"\n"1","x"\n"3","y"\n', X),
    "spaces before quotes": ('a, kind\n1, "x"\n3, "y"\n', X),
    "Excel names the delimiter": ("sep=;\na;kind\n1;x\n3;y\n", X),
    "delimiters in quotes": ('a,kind\n1,"x, or y"\n3,y\n', {"a": [1, 3], "kind": ["x, or y", "y"]}),
    "quotes in quotes": ('a,kind\n1,"the ""x"""\n3,y\n', {"a": [1, 3], "kind": ['the "x"', "y"]}),
    "lines in quotes": ('a,kind\n1,"x\nor y"\n3,y\n', {"a": [1, 3], "kind": ["x\nor y", "y"]}),
    "Excel in German": ("ä;kind\n1,5;x\n-2.000,25;y\n", {"ä": [1.5, -2000.25], "kind": ["x", "y"]}),
    "decimal commas in quotes": ('a,b\n"1,5",2\n"2,25",3\n', {"a": [1.5, 2.25], "b": [2, 3]}),
    "thousands": ('a,b\n"1,234",0.5\n"12,345,678",2\n', {"a": [1234, 12345678], "b": [0.5, 2]}),
    "Swiss and French thousands": (
        "a;b\n1'234.5;x\n2\u202f000.0;y\n",
        {"a": [1234.5, 2000], "b": ["x", "y"]},
    ),
    "thousands of points": ("a;b\n1.234.567;1,5\n2;2\n", {"a": [1234567, 2], "b": [1.5, 2]}),
    "three decimals": ("a,b\n1.234,x\n5.678,y\n", {"a": [1.234, 5.678], "b": ["x", "y"]}),
    "exponents, signs and points": (
        "a,b\n-1e-3,+2.\n.5,1E2\n",
        {"a": [-0.001, 0.5], "b": [2, 100]},
    ),
    "missing": ("a,b\nNaN,x\n,N/A\nnull,?\n", {"a": [None] * 3, "b": ["x", None, None]}),
    "post codes": ("a,b\n01234,1\n00001,2\n", {"a": ["01234", "00001"], "b": [1, 2]}),
    "dates, booleans, percents": (
        "a,b,c\n2024-01-31,True,5%\n2024-02-01,False,7%\n",
        {"a": ["2024-01-31", "2024-02-01"], "b": ["True", "False"], "c": ["5%", "7%"]},
    ),
    "no header": (
        "1,2,x\n3,4,y\n",
        {"column 1": [1, 3], "column 2": [2, 4], "column 3": ["x", "y"]},
    ),
    "an index without a name": (",a\n0,1.5\n1,2.5\n", {"column 1": [0, 1], "a": [1.5, 2.5]}),
    "one column": ("a\n1\n3\n", {"a": [1, 3]}),
}


@pytest.mark.parametrize("name", RIGHT)
def test_an_awkward_file_is_read_right(tmp_path: Path, name: str) -> None:
    content, columns = RIGHT[name]
    assert cells(read_csv(written(tmp_path, content))) == columns


WRONG: dict[str, tuple[Content, str]] = {
    "empty": ("", "must have names in one line"),
    "blank": ("\n\n , \n", "and rows below"),
    "header only": ("a,b\n", "it lacks rows"),
    "short row": ("a,b\n1,2\n3\n", r"line 3, column 2: 'b' is lacking, because .* 1 cells .* of 2"),
    "long row": ("a,b\n1,2\n\n3,4,5\n", r"line 4, column 3: '5' is one too many"),
    "comma without quotes": ("a,b\nBern, CH,2\n", r"line 2, column 3: '2' is one too many.*quotes"),
    "row after lines in quotes": ('a,b\n"1\n2",3\n4\n', "line 4, column 2: 'b' is lacking"),
    "open quote": ('a,b\n1,"2\n3,4\n', "line 2: unexpected end of data; check its quotes"),
    "letters after a quote": ('a,b\n1,2\n3,"4"5\n', r"line 3: ',' expected after '\"'"),
    "latin-1": (
        "a,b\n1,x\n2,Zürich\n".encode("latin-1"),
        "line 3, byte 4: 0xfc .*encoding='cp1252'",
    ),
    "a picture": (b"\x89PNG\r\n\x1a\n", "line 1, byte 1: 0x89 is not a letter in utf-8"),
    "a title": ("My data, 2024\na;b;c\n1;2;3\n", "line 1: this line has 1 cells, but .* 3; "),
    "a comment": ("# mine\na,b\n1,2\n", "line 1: this .* 1 cells, .* 2; .* or remove the line"),
    "duplicate": ("a,b,a\n1,2,3\n", "line 1: columns 1 and 3 are named 'a'; rename one"),
    "two delimiters": ("1,5;2,5\n3,5;4,5\n", r"is even at each of .*pass delimiter=';'"),
    "decimals or thousands": (
        "a;b\n1,234;x\n5,678;y\n",
        "'1,234' is a decimal number or thousands",
    ),
    "points in German": ("a;b\n1.234;x\n5.678;y\n", "'1.234' is a decimal number or thousands"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_broken_file_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    content, message = WRONG[name]
    with pytest.raises(ValueError, match=rf"^my\.csv.*{message}"):
        read_csv(written(tmp_path, content))


def test_what_the_reader_says_decides(tmp_path: Path) -> None:
    path = written(tmp_path, "1,234;5\n")
    assert cells(read_csv(path, decimal=",", delimiter=";"))["column 1"] == [1.234]
    assert cells(read_csv(path, decimal=".", delimiter=";"))["column 1"] == [1234]
    assert cells(read_csv(path, decimal=".", delimiter=","))["column 2"] == ["234;5"]
    zurich = written(tmp_path, "a\nZürich\n".encode("cp1252"))
    assert cells(read_csv(zurich, encoding="cp1252")) == {"a": ["Zürich"]}
    years = written(tmp_path, "2019,2020\n1,2\n")
    assert list(cells(read_csv(years))) == ["column 1", "column 2"]
    assert list(cells(read_csv(years, header=True))) == ["2019", "2020"]
    assert list(cells(read_csv(years, known=["2020"]))) == ["2019", "2020"]


@pytest.mark.parametrize(
    "bad",
    [
        {"delimiter": ""},
        {"delimiter": '"'},
        {"decimal": "x"},
        {"encoding": "klingon"},
        {"header": "yes"},
        {"encoding": 3},
        {"delimiter": 3},
    ],
    ids=str,
)
def test_a_bad_option_is_named(tmp_path: Path, bad: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(bad))):
        read_csv(written(tmp_path, "a,b\n1,2\n"), **bad)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(OSError, match="path must be readable") as caught:
            read_csv(path)
        assert caught.value.filename == str(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_table_of_texts_comes_back(tmp_path: Path, delimiter: str) -> None:
    draw = random.Random(0)
    rows = [
        ["name", "first"],
        *(["".join(draw.choices("ab ,;\"\t\n'x", k=7)) + "z" for _ in range(2)] for _ in range(60)),
    ]
    with (tmp_path / "my.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    table = read_csv(tmp_path / "my.csv", delimiter=delimiter)
    stripped = [[cell.strip() for cell in row] for row in rows[1:]]
    assert [list(row) for row in zip(*table.columns.values(), strict=True)] == stripped


# ---- from a table to a data set ------------------------------------------------------------------

FLOWERS = "size,soil,kind\n" + "".join(
    f"{i * 1.37 % 5:.2f},{('wet', 'dry')[i % 3 == 0]},{('iris', 'rose')[i % 2]}\n"
    for i in range(30)
)


def test_texts_become_categories_and_classes_with_names(tmp_path: Path) -> None:
    data = Dataset.from_csv(written(tmp_path, FLOWERS), "kind")
    assert data.feature_names == ("size", "soil=dry", "soil=wet")
    assert data.class_names == ("iris", "rose")
    assert data[1] == ([1.37, 0.0, 1.0], 1)
    assert len(data) == 30
    assert Dataset.from_csv(written(tmp_path, FLOWERS), -1).inputs == data.inputs


HEADERS: dict[str, tuple[str, int, str]] = {
    "numbers in names": ("label,0,1\na,5,6\nb,7,8.5\na,9,3\nb,1,2\n", 0, "holds a number, so"),
    "years": ("2019,2020,y\n5,6.5,a\n7,8,b\n5,2,a\n7,3,b\n", -1, "holds a number, so"),
    "no names": ("a,old,x\nb,new,x\na,old,y\nb,old,x\na,new,y\n", 0, "as names, though"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_first_line_is_not_silently_taken_for_another(tmp_path: Path, name: str) -> None:
    content, target, message = HEADERS[name]
    path, count = written(tmp_path, content), content.count("\n")
    with pytest.warns(UserWarning, match=rf"my\.csv: the first line .*{message}.*header=True if"):
        Dataset.from_csv(path, target)
    assert len(Dataset.from_csv(path, target, header=True)) == count - 1
    assert len(Dataset.from_csv(path, target, header=False)) == count
    if name != "no names":
        assert len(Dataset.from_csv(path, content.splitlines()[0].split(",")[target])) == count - 1


def column_file(folder: Path, *columns: list[Any], names: str = "a,b,c,d,e") -> Path:
    lines = [names.split(",")[: len(columns)], *zip(*columns, strict=True)]
    path = folder / "my.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return path


Y = [0.5, 1.5, 2.5, 4.0] * 6
NOISE = [(0.37 * i * i) % 1 for i in range(1, 25)]
TASKS: dict[str, tuple[list[Any], str | None, str]] = {
    "fractions": (Y, None, "regression"),
    "texts": (["x", "y", "z"] * 8, None, "classification"),
    "two whole numbers": ([0, 1] * 12, None, "classification"),
    "1 and 2": ([1, 2] * 12, None, "classification"),
    "many whole numbers": ([i * i for i in range(24)], None, "regression"),
    "a few, said": ([3, 4, 5] * 8, "classification", "classification"),
    "a few, said as quantities": ([3, 4, 5] * 8, "regression", "regression"),
    "a few": (
        [3, 4, 5] * 8,
        None,
        r"whole numbers, like 3, 4, 5, .* pass task='classification' or",
    ),
    "one class": (["x"] * 24, None, "has only 'x'; it needs two classes"),
    "one number": ([2.5] * 24, None, "has only 2.5"),
    "names": ([f"p{i}" for i in range(24)], None, "differs in most rows"),
    "texts as quantities": (["x", "y"] * 12, "regression", "has texts; it needs"),
    "a text among numbers": (
        [*Y[:-1], "x"],
        None,
        "line 25, column 'b': 'x' is not a number, as 23",
    ),
    "a class named NA": (["NA", "EU"] * 12, None, "or reads na or .*give the class another"),
    "a missing one": ([*Y[:3], "", *Y[4:]], None, "line 5, column 'b': the target is missing"),
    "another word": (Y, "guessing", "task must be one of classification, regression"),
}


@pytest.mark.parametrize("name", TASKS)
def test_the_task_is_clear_or_said(tmp_path: Path, name: str) -> None:
    targets, said, expected = TASKS[name]
    path = column_file(tmp_path, NOISE, targets)
    if " " in expected:
        with pytest.raises(ValueError, match=expected):
            Dataset.from_csv(path, "b", task=said)
    else:
        assert Dataset.from_csv(path, "b", task=said).task == expected


def test_classes_of_numbers_are_named_and_sorted_as_numbers(tmp_path: Path) -> None:
    path = column_file(tmp_path, NOISE, [10, 9] * 12)
    assert Dataset.from_csv(path, "b").class_names == ("9", "10")


LONG = ["4006381333931117443", "9007199254740993", "9007199254740992"]


def test_names_are_the_texts_in_the_file(tmp_path: Path) -> None:
    names, classes = ["1.2", "1.1", "1.10", "+7"] * 6, (LONG * 8)[:24]
    path = column_file(tmp_path, NOISE, names, classes)
    with pytest.warns(UserWarning, match="column") as told:
        data = Dataset.from_csv(path, "c", task="classification", categories=["b"])
    assert data.feature_names == ("a", "b=1.1", "b=1.10", "b=1.2", "b=+7")
    assert data.class_names == tuple(LONG[::-1])
    assert [data.class_names[y] for y in data.targets] == classes
    assert [row[1:] for row in data.inputs[:3]] == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    assert {type(x) for row in data.inputs for x in row} == {float}
    says = [str(each.message) for each in told]
    assert any("line 4, column 'b': '1.1' and '1.10' are two names" in s for s in says)
    assert any("line 4, column 'c': '9007199254740993' and '90071992" in s for s in says)
    copied = pickle.loads(pickle.dumps(copy.deepcopy(data)))
    assert copied.split(seed=1)[0].inputs == data.split(seed=1)[0].inputs


def test_the_names_of_columns_are_those_of_the_file() -> None:
    columns = {"a": NOISE, "b": [int(text) for text in LONG] * 8, "c": [Decimal("1.10"), 2] * 12}
    with pytest.warns(UserWarning, match="row 2, column 'b': '9007199254740993' and '90071992"):
        data = Dataset.from_columns(columns, "b", task="classification", categories=["c"])
    assert data.class_names == tuple(LONG[::-1])
    assert data.feature_names == ("a", "c=1.10", "c=2")
    floats = {"a": NOISE, "b": [1.0, 2e300] * 12}
    assert Dataset.from_columns(floats, "b", task="classification").class_names == ("1", "2e+300")


@pytest.mark.parametrize("target", ["b", "c"])
def test_whole_numbers_that_would_be_one_are_refused(tmp_path: Path, target: str) -> None:
    path = column_file(tmp_path, NOISE, LONG * 8, ["x", "y"] * 12)
    option = "task='classification'" if target == "b" else r"categories=\['b'\]"
    with pytest.raises(ValueError, match=f"line 4, column 'b': 9.*2 and 9.*3 are .* pass {option}"):
        Dataset.from_csv(path, target)


SPELLED: dict[str, list[str]] = {
    "percent": ["15%", "7 %"], "dollars": ["$15", "-$7.50"], "euros": ["15,5 \u20ac", "7 \u20ac"],
    "another minus": ["\u221215", "\u22127"], "decimal commas": ["1,5", "2,75"],
    "other digits": ["\u0661\u0665", "\u0667"], "wide digits": ["\uff11\uff15", "\uff17"],
}


@pytest.mark.parametrize("name", SPELLED)
def test_texts_that_are_all_numbers_are_not_made_categories(tmp_path: Path, name: str) -> None:
    texts = SPELLED[name] * 12
    path = column_file(tmp_path, NOISE, texts, ["x", "y", "z"] * 8)
    why = r"line 2, column 'b': .*(looks like a number|is not a number, as).* pass "
    with pytest.raises(ValueError, match=why + r"categories=\['b'\]"):
        Dataset.from_csv(path, "c")
    with pytest.raises(ValueError, match=why + "task='classification'"):
        Dataset.from_csv(path, "b")
    data = Dataset.from_csv(path, "c", categories=["b"])
    assert {*data.feature_names[1:]} == {f"b={text}" for text in SPELLED[name]}


def test_texts_of_numbers_in_columns_are_refused_and_decimals_are_numbers() -> None:
    with pytest.raises(ValueError, match=r"row 0, column 'a': '0.37' is a text here, but looks li"):
        Dataset.from_columns({"a": [f"{x:.2f}" for x in NOISE], "b": ["x", "y"] * 12}, "b")
    data = Dataset.from_columns({"a": [Decimal(x) for x in NOISE], "b": ["x", "y"] * 12}, "b")
    assert data.inputs == [[x] for x in NOISE]


@pytest.mark.parametrize("texts", [["01234", "01235"], ["1.2.3", "1.2.4"], ["31.01.2024", "x"],
                                   ["12:30", "7:15"], ["3 doors", "5 doors"], ["-", "+"]], ids=str)
def test_other_texts_with_digits_are_categories(tmp_path: Path, texts: list[str]) -> None:
    data = Dataset.from_csv(column_file(tmp_path, NOISE, texts * 12, ["x", "y", "z"] * 8), "c")
    assert {*data.feature_names[1:]} == {f"b={text}" for text in texts}


def test_two_inputs_do_not_have_one_name(tmp_path: Path) -> None:
    path = column_file(tmp_path, ["a", "b"] * 12, NOISE, ["x", "y", "z"] * 8, names="x1,x1=a,c")
    with pytest.raises(ValueError, match="two inputs are named 'x1=a'; rename that column"):
        Dataset.from_csv(path, "c")


INPUTS: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "a text among numbers": (
        [*NOISE[:4], "many", *NOISE[5:]],
        {},
        "line 6, column 'b': 'many' is not a number, as 23 other cells are; correct it, or",
    ),
    "an infinite number": ([*NOISE[:4], "inf", *NOISE[5:]], {}, "line 6, column 'b': 'inf' is inf"),
    "a number too large": ([*NOISE[:4], "1e999", *NOISE[5:]], {}, "'1e999' is .* too large"),
    "missing": ([*NOISE[:4], "", *NOISE[5:]], {}, "line 6, column 'b': the cell is missing"),
    "all missing": (
        [""] * 24,
        {"missing": "mean"},
        "line 2, column 'b': .*24 in this column.*; drop",
    ),
    "names": ([f"p{i}" for i in range(24)], {}, r"most texts in 'b' are different.*drop=\['b'\]"),
    "dates": ([f"2024-01-{i:02}" for i in range(1, 25)], {}, "dates"),
    "no such column": (NOISE, {"drop": ["z"]}, "drop must be one of a, b, got 'z'"),
    "the target": (NOISE, {"categories": ["c"]}, "categories must be one of a, b, got 'c'"),
    "another filling": (NOISE, {"missing": "zero"}, "missing must be one of mean, median, most"),
    "nothing left": (NOISE, {"drop": ["a", "b"]}, "needs a column beside the target"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_a_column_that_can_not_be_right_is_refused(tmp_path: Path, name: str) -> None:
    column, options, message = INPUTS[name]
    with pytest.raises(ValueError, match=message):
        Dataset.from_csv(column_file(tmp_path, NOISE, column, ["x", "y"] * 12), "c", **options)


def test_a_target_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="target must be one of size, soil, kind, got 'species'"):
        Dataset.from_csv(written(tmp_path, FLOWERS), "species")
    with pytest.raises(ValueError, match="target must be one of column 1, column 2, got 'y'"):
        Dataset.from_csv(written(tmp_path, "1,2\n3,4\n"), "y")


def test_a_file_that_was_not_divided_and_an_option_that_is_not_there(tmp_path: Path) -> None:
    path = written(tmp_path, FLOWERS)
    with pytest.raises(ValueError, match=r"has only one column, 'size,.*pass delimiter=';', else"):
        Dataset.from_csv(path, "kind", delimiter=";")
    with pytest.raises(TypeError, match="from_csv does not accept sep; choose from header, delimi"):
        Dataset.from_csv(path, "kind", sep=";")
    with pytest.raises(TypeError, match="from_columns does not accept header; choose from task,"):
        Dataset.from_columns({"a": [1, 2]}, "a", header=False)


def test_one_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"needs a second row .* my.csv, line 2"):
        Dataset.from_csv(written(tmp_path, "a,b\n1,x\n"), "b")


SUSPECTS: dict[str, tuple[list[Any], str]] = {
    "constant": ([7] * 24, "it is 7.0 in all rows, so it says nothing"),
    "identifier": (
        [100 + i for i in random.Random(1).sample(range(24), 24)],
        "another whole number in each row",
    ),
    "identifier of many digits": (
        [(i * 7919 + 13) % 99991 for i in range(24)],
        "another whole number in each row",
    ),
    "identifier with gaps": ([i + (i > 9) for i in range(24)], "another whole number in each row"),
    "copy": ([0.5, 1.5, 2.5, 4.0] * 6, "alone predicts 'c'"),
    "in other units": ([y * 1.609 + 3 for y in Y], "alone predicts 'c'"),
    "a function": ([y * y for y in Y], "alone predicts 'c'"),
    "nearly": ([y + random.Random(i).gauss(0, 0.05) for i, y in enumerate(Y)], "alone predicts"),
    "as texts": (["low", "mid", "high", "top"] * 6, "alone predicts 'c'"),
}


@pytest.mark.parametrize("name", SUSPECTS)
def test_a_suspect_column_is_mentioned(tmp_path: Path, name: str) -> None:
    column, message = SUSPECTS[name]
    with pytest.warns(UserWarning, match=rf"^my.csv, column 'b': .*{message}"):
        Dataset.from_csv(column_file(tmp_path, NOISE, column, Y), "c")
    kinds = ["abcd"[int(y)] * 3 for y in [0, 1, 2, 3] * 6]
    if "predicts" in message and name != "nearly":
        with pytest.warns(UserWarning, match="column 'b': .*alone predicts 'c'"):
            Dataset.from_csv(column_file(tmp_path, NOISE, column, kinds), "c")


def test_healthy_columns_are_not_mentioned(tmp_path: Path) -> None:
    """Warnings are errors in the tests; the noise of 100 files is random."""
    for seed in range(100):
        draw = random.Random(seed)
        y = [draw.choice("xyz") for _ in range(40)]
        good = [ord(each) + draw.gauss(0, 0.7) for each in y]
        count = [draw.randrange(30) for _ in y]
        text = [draw.choice("abcde") for _ in y]
        Dataset.from_csv(column_file(tmp_path, good, count, text, y), "d")


# ---- missing cells, categories and the split -----------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "number"), [("mean", 4.0), ("median", 3.0), ("most frequent", 2.0)]
)
def test_missing_cells_are_filled_as_one_asks(tmp_path: Path, missing: str, number: float) -> None:
    table = column_file(tmp_path, [2, "", 2, 4, 8], ["u", "v", "", "v", "v"], [1, 2, 1, 2, 1])
    data = Dataset.from_csv(table, "c", missing=missing)
    assert data.inputs[1][0] == number
    assert data.inputs[2] == [2.0, 0.0, 1.0]


def held_out_changed(path: Path, changed: Path, lines: set[int]) -> None:
    """Writes the file with other cells in these lines, but the same classes."""
    rows = [line.split(",") for line in path.read_text().splitlines()]
    for line in lines:
        rows[line - 1][:2] = ["1000000" if line % 2 else "", f"new{line}"]
    changed.write_text("\n".join(",".join(row) for row in rows))


def test_held_out_rows_change_no_bit_of_what_is_fitted(tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = [
        f"{draw.gauss(5, 2) if i % 9 else ''},{draw.choice('abc')},{draw.choice('xy')}\n"
        for i in range(60)
    ]
    path, changed = written(tmp_path, "a,b,c\n" + "".join(rows)), tmp_path / "changed.csv"
    train, held_out = Dataset.from_csv(path, "c", missing="mean").split(seed=3)
    assert held_out.table is not None
    lines = {int(place.split()[-1]) for place in held_out.table.places}
    held_out_changed(path, changed, lines)
    with pytest.warns(
        UserWarning, match=r"changed.csv, line \d+, column 'b': this category, in 15"
    ):
        again, other = Dataset.from_csv(changed, "c", missing="mean").split(seed=3)
    assert other.inputs != held_out.inputs
    for row in other.inputs:
        assert row[1:] == [0, 0, 0]
    assert train.inputs == again.inputs
    assert train.encoder is not None
    assert again.encoder is not None
    assert train.encoder.fills == again.encoder.fills
    assert train.encoder.columns == again.encoder.columns
    assert train.standardized().encoder.scaler == again.standardized().encoder.scaler  # type: ignore[union-attr]


def test_the_fill_is_that_of_the_training_rows(tmp_path: Path) -> None:
    path = column_file(tmp_path, [*range(1, 40), ""], ["x", "y"] * 20)
    data = Dataset.from_csv(path, "b", missing="mean")
    train, held_out = data.split(seed=1)
    there = [row[0] for part in (train, held_out) for row in part.inputs]
    assert data.inputs[-1] == [20.0]
    [fill] = {x for x in there if x % 1} or {20.0}
    known = [c for c in train.table.columns["a"] if c is not None]  # type: ignore[union-attr]
    assert fill == sum(known) / len(known)


def test_a_scaled_data_set_is_split_as_it_is(tmp_path: Path) -> None:
    data = Dataset.from_csv(written(tmp_path, FLOWERS), "kind").standardized()
    train, held_out = data.split()
    assert sorted([*train.inputs, *held_out.inputs]) == sorted(data.inputs)
    assert data.standardized().encoder is None  # two scalers are not one


# ---- data frames and dictionaries ----------------------------------------------------------------


def frames() -> dict[str, Callable[[dict[str, list[Any]]], Any]]:
    found: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
        "dictionary": lambda columns: columns
    }
    numpy = pytest.importorskip("numpy")
    found["arrays"] = lambda columns: {k: numpy.array(v, dtype=object) for k, v in columns.items()}

    class Series:
        def __init__(self, cells: list[Any]) -> None:
            self.to_list = cells.copy

    class Frame(dict[str, Series]):
        @property
        def columns(self) -> list[str]:
            return list(self)

    found["frame"] = lambda columns: Frame({k: Series(v) for k, v in columns.items()})
    if find_spec("pandas"):
        found["pandas"] = import_module("pandas").DataFrame
    return found


@pytest.mark.parametrize("kind", ["dictionary", "arrays", "frame", "pandas"])
def test_columns_are_the_same_as_the_file(tmp_path: Path, kind: str) -> None:
    make = frames().get(kind)
    if make is None:
        pytest.skip(f"{kind} is not installed")
    columns: dict[str, list[Any]] = {
        "size": [1.5, None, 2.5, 4.0] * 3,
        "old": [True, False, False, True] * 3,
        "soil": ["wet", "dry", None, "wet"] * 3,
        "kind": [0, 1, 1, 0] * 3,
    }
    path = tmp_path / "my.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[*columns], *zip(*columns.values(), strict=True)])
    with pytest.warns(UserWarning, match="alone predicts"):  # `old` is a copy of `kind`
        ours = Dataset.from_columns(make(columns), "kind", missing="mean")
    with pytest.warns(UserWarning, match="alone predicts"):
        theirs = Dataset.from_csv(path, "kind", missing="mean")
    assert (ours.inputs, ours.targets) == (theirs.inputs, theirs.targets)
    assert ours.feature_names == theirs.feature_names


@pytest.mark.parametrize(
    "bad",
    [3, "a", [[1, 2], [3, 4]], {}, {"a": [1], "b": [1, 2]}, {"a": [], "b": []}, {"a": 3, "b": [1]}],
    ids=str,
)
def test_what_is_not_a_table_is_refused(bad: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="columns"):
        Dataset.from_columns(bad, "b")


def test_a_table_must_fit_its_examples() -> None:
    table = Table("t", {"a": [1.0]}, ["row 0"])
    with pytest.raises(ValueError, match="table must have 2 rows"):
        Dataset("d", [[1.0], [2.0]], [0, 1], ("a",), ("x", "y"), table=table)
    with pytest.raises(TypeError, match="encoder must be"):
        Dataset("d", [[1.0], [2.0]], [0, 1], ("a",), ("x", "y"), encoder=moons())  # type: ignore[arg-type]
