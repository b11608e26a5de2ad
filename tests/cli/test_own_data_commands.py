"""`train` and `predict` as a person types them: real processes, their output, status and files."""

import csv
import inspect
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer", reason="the command line's extra is not installed")
pytest.importorskip("sklearn", reason="the data sets are scikit-learn's")

from micrograd_notes.cli.flags import in_flags
from micrograd_notes.cli.main import main
from micrograd_notes.cli.own_data import predict, train
from micrograd_notes.train.data import Dataset
from micrograd_notes.train.diagnosis import FAULTS
from micrograd_notes.train.own_data import train_on
from micrograd_notes.train.saved_run import load_run
from tests.cli.test_signals import running

ROOT = Path(__file__).parents[2]


def typed(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "micrograd_notes", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def flowers(folder: Path) -> Path:
    from sklearn.datasets import load_iris

    bundle, path = load_iris(), folder / "flowers.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["id", *bundle.feature_names, "species"])
        for i, (x, y) in enumerate(zip(bundle.data, bundle.target, strict=True)):
            writer.writerow([i, *(f"{v}".replace(".", ",") for v in x), bundle.target_names[y]])
    return path


def test_from_a_csv_to_predictions(tmp_path: Path) -> None:
    path = flowers(tmp_path)
    done = typed(tmp_path, "train", "flowers.csv", "--target", "species", "--epochs", "40")
    assert done.returncode == 0, done.stderr
    notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert notes[0].startswith("note: flowers.csv, column 'id': it ")
    lines = [line for line in done.stderr.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 20  # no bar in a pipe
    for expected in (
        "150 examples, 5 features, 3 classes",
        "held out: 38 rows",
        "the network: acc",
        "a linear model: accuracy",
        "always ",
        "model: model.json",
        "model.html",
    ):
        assert expected in done.stdout
    assert "Training" in (tmp_path / "model.html").read_text() or "flowers.csv" in done.stdout
    done = typed(tmp_path, "predict", "model.json", "flowers.csv")
    found = list(csv.reader(done.stdout.splitlines()))
    right = [row[-1] for row in csv.reader(path.read_text().splitlines(), delimiter=";")]
    assert found[0] == ["line", "species"]
    assert [row[0] for row in found[1:]] == [str(i) for i in range(2, 152)]
    assert sum(a[1] == b for a, b in zip(found[1:], right[1:], strict=True)) > 135
    again = typed(tmp_path, "predict", "model.json", "flowers.csv", "-o", "answers.csv")
    assert again.stdout == "predictions: answers.csv\n"
    assert (tmp_path / "answers.csv").read_text() == done.stdout


def test_the_readme_s_own_data_runs_as_printed(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = text.partition("<!-- own data -->\n```sh\n")[2].partition("```")[0]
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    program = f'{sys.executable} -c "from micrograd_notes.cli.main import main; main()"'
    (folder / "micrograd-notes").write_text(f'#!/bin/sh\nexec {program} "$@"\n')
    (folder / "micrograd-notes").chmod(0o755)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nline,tree\n2,beech\n3,willow\n")
    assert "a linear model: accuracy" in done.stdout


WRONG = {
    "train none.csv": "none.csv is not a file, nor one of moons",
    "train a.csv": "--target must be one of size, kind, got ''",
    "train a.csv --target z": "--target must be one of size, kind, got 'z'",
    "train a.csv --target kind --task x": "--task must be one of classification, regression",
    "train a.csv --target kind --missing x": "--missing must be one of mean, median, most fre",
    "train a.csv --target kind --drop z": "--drop must be one of size, got 'z'",
    "train a.csv --target kind --categories z": "--categories must be one of size, got 'z'",
    "train a.csv --target kind --hidden x": "--hidden must be widths like 32,16, got 'x'",
    "train a.csv --target kind --hidden 0": "each of --hidden must be a whole number, 1 or more",
    "train a.csv --target kind --epochs 0": "--epochs must be a whole number, 1 or more, got 0",
    "train a.csv --target kind --learning-rate=-1": "--learning-rate must be a finite number, 0",
    "train a.csv --target kind --delimiter ab": "--delimiter must be one letter",
    "train a.csv --target kind --decimal x": "--decimal must be '.' or ','",
    "train a.csv --target kind --encoding x": "--encoding must be one like 'utf-8'",
    "train a.csv --target kind --resume -o none.json": "none.json: No such file or directory",
    "train a.csv --target kind -o no/m.json": "--output must be a file in a folder that exists",
    "train a.csv --target kind -o .": "--output must be a file in a folder that exists",
    "train gaps.csv --target kind": "line 9, column 'my size': the cell is missing (1 in this "
    "column); pass --missing mean to fill it, or --drop 'my size'",
    "train texts.csv --target kind": "correct it, or pass --categories size",
    "train names.csv --target kind": "pass --drop name, or --categories name to use them",
    "train counts.csv --target kind": "pass --task classification or --task regression",
    "train marks.csv --target kind": "pass --decimal , or --decimal .",
    "train even.csv --target c": "pass --delimiter ';' or another",
    "train tabs.csv --target c": r"pass --delimiter '\t' or another",
    "train latin.csv --target kind": "or pass --encoding cp1252, which",
    "train iris --target species --drop a": "as a whole: leave out --target, --drop",
    "predict none.json a.csv": "none.json: No such file or directory",
    "predict a.csv a.csv": "a.csv can't be loaded",
    "predict model.json none.csv": "none.csv: No such file or directory",
    "predict model.json a.csv --decimal x": "--decimal must be '.' or ','",
    "predict model.json a.csv --delimiter ab": "--delimiter must be one letter",
    "predict model.json latin.csv": "or pass --encoding cp1252, which",
    "predict model.json gaps.csv": "missing: size; new: my size",
    "predict model.json a.csv -o no/a.csv": "No such file or directory",
    "train a.csv --target kind -o model.json --resume --seed 1": "--resume needs the same --seed",
    "train a.csv --target kind -o model.json --resume --no-lifted": "needs the same --lifted as",
    "train a.csv --target kind -o model.json --resume --hidden 2": "needs the same --hidden as the "
    "run in model.json, which has '16 TanhNeuron(1), 2 LinearNeuron(16)', got '2 TanhNeuron(1), ",
    "train a.csv --target kind -o model.json --resume --learning-rate 0.1": "needs the same "
    "--learning-rate as the run in model.json, which has 0.01, got 0.1; give what the run had, or "
    "leave out --resume to train anew",
    "train ids.csv --target kind -o model.json --resume --drop 'my id'": "needs the same data as "
    "the run in model.json, but some examples, or validation data, are others; give",
    "train a.csv --target kind -o model.json --resume --epochs 1": "--resume from epoch 2 needs",
}


def told(capsys: pytest.CaptureFixture[str], command: str) -> tuple[int, list[str], str]:
    """Returns the status of a command, the lines of its errors without progress, its output."""
    status: Any = 0
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        try:
            main(shlex.split(command))
        except SystemExit as end:
            status = end.code
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if not line.startswith("epoch ")]
    return status, lines, said.out


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, draw = tmp_path_factory.mktemp("tables"), random.Random(0)

    def written(name: str, head: str, cell: Callable[[int], Any], kind: str = "xy") -> None:
        mark = ";" if ";" in head else ","
        rows = [f"{cell(i)}{mark}{draw.choice(kind)}\n" for i in range(40)]
        (folder / name).write_text(head + "\n" + "".join(rows))

    written("a.csv", "size,kind", lambda i: draw.random())
    written("gaps.csv", "my size,kind", lambda i: "" if i == 7 else draw.random())
    written("texts.csv", "size,kind", lambda i: "big" if i == 5 else draw.random())
    written("names.csv", "name,size,kind", lambda i: f"x{i},{draw.random()}")
    written("counts.csv", "size,kind", lambda i: draw.random(), "12345")
    written("marks.csv", "size;kind", lambda i: f"1,{draw.randrange(100, 999)}")
    written("ids.csv", "my id,size,kind", lambda i: f"{i},{draw.random()}")
    (folder / "even.csv").write_text("a,b;c\n" + "1,2;3\n" * 20)
    (folder / "tabs.csv").write_text("a,b\tc\n" + "1,2\t3\n" * 20)
    (folder / "latin.csv").write_bytes("size,kind\n1,Zürich\n".encode("cp1252"))
    data = Dataset.from_csv(folder / "a.csv", "kind")
    train_on(data, folder / "model.json", epochs=2, progress=False)
    return folder


def assert_flags_exist(command: str, line: str) -> None:
    """The law: a message has flags that exist, and no argument as it is written in Python."""
    function: Callable[..., None] = train if command == "train" else predict
    parameters = inspect.signature(function).parameters
    optional = [name for name, each in parameters.items() if each.default is not each.empty]
    flags = {f"--{name.replace('_', '-')}" for name in optional}
    assert {*re.findall(r"--[a-z-]+", line)} <= flags, line
    assert not re.search(r"\w=['\"\[TF]", line), line
    subject = re.match(r"micrograd-notes: (?:each of )?(\w+) (?:must|needs)", line)
    assert subject is None or subject[1] not in parameters, line


@pytest.mark.parametrize("command", WRONG)
def test_a_mistake_is_one_line_with_the_flags_of_the_command(
    tables: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(tables)
    before = sorted(os.listdir())
    status, [line], _ = told(capsys, command)
    assert status == 1
    assert line.startswith("micrograd-notes: ")
    assert WRONG[command] in line
    assert_flags_exist(command.split()[0], line)
    assert sorted(os.listdir()) == before


OVERWRITING = {
    "train a.csv --target kind -o a.csv": "the model, a.csv, would overwrite a.csv, which this",
    "train a.csv --target kind -o ./a.csv": "the model, a.csv, would",
    "train a.csv --target kind -o link.csv": "the model, link.csv, would overwrite a.csv, which",
    "train hard.csv --target kind -o a.csv": "the model, a.csv, would overwrite hard.csv, which",
    "train a.html --target kind -o a.json": "about the training, a.html, would overwrite a.h",
    "train a.csv --target kind -o m.html": "training, m.html, would overwrite "
    "the model; give another name with -o",
    "train a.csv --target kind -o new.json": "the page about the training, new.html, would",
    "predict model.json a.csv -o a.csv": "the file of predictions, a.csv, would overwrite a.csv",
    "predict model.json a.csv -o sub/../model.json": "would overwrite model.json, which this",
    "predict model.json link.csv -o a.csv": "would overwrite link.csv, which this command reads",
    "tour -o both": "the model, both/digits_model.json, would overwrite the page; give another",
}


@pytest.mark.parametrize("command", OVERWRITING)
def test_no_output_is_a_file_that_is_read_or_another_output(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], command: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "model.json"):
        Path(name).write_bytes((tables / name).read_bytes())
    Path("a.html").write_bytes(Path("a.csv").read_bytes())
    Path("link.csv").symlink_to("a.csv")
    Path("hard.csv").hardlink_to("a.csv")
    Path("new.html").symlink_to("new.json")  # which is not there yet
    Path("sub").mkdir()
    Path("both").mkdir()
    Path("both/digits_model.json").symlink_to("index.html")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    status, [line], _ = told(capsys, command)
    assert status == 1
    assert OVERWRITING[command] in line
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("option", ["--epochs x", "--learning-rate 0,1", "--seed 1.5"])
def test_a_number_that_is_not_one_is_shown(
    capsys: pytest.CaptureFixture[str], option: str
) -> None:
    flag, given = option.split()
    status, lines, _ = told(capsys, f"train moons {option}")
    assert status == 2
    assert lines[-1].startswith(f"Error: Invalid value for '{flag}': it must be a ")
    assert lines[-1].endswith(f"number, got '{given}'")


@pytest.mark.parametrize("fault", FAULTS)
def test_advice_has_flags_where_there_is_one(fault: str) -> None:
    remedy, _ = FAULTS[fault]
    said = in_flags(remedy, inspect.signature(train).parameters)
    assert_flags_exist("train", said)
    assert "learning rate" not in said
    assert not re.search(r"another seed|train longer|larger network", said)


def test_help_has_each_option_as_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    """So that `assert_flags_exist` may ask the signature."""
    for command in (train, predict):
        with pytest.raises(SystemExit):
            main([command.__name__, "--help"])
        said = capsys.readouterr().out
        names = [n for n, p in inspect.signature(command).parameters.items() if p.default is not
                 inspect.Parameter.empty]
        assert names
        assert all(f"--{name.replace('_', '-')}" in said for name in names)


def test_a_note_has_flags_too(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tables)
    options = f"--epochs 1 --no-lifted -o {tmp_path}/m.json"
    status, lines, _ = told(capsys, f"train ids.csv --target kind {options}")
    assert status == 0
    note = next(line for line in lines if line.startswith("note: ids.csv"))
    assert note.endswith("pass --drop 'my id', or be sure")
    for line in lines:
        assert_flags_exist("train", line)


def point_to_comma(text: str) -> str:
    return text.replace(",", ";").replace(".", ",")


def thousands_or_decimals(text: str) -> str:
    return re.sub(r"0,(...)\d*", r"1,\1", point_to_comma(text))


READ: dict[str, tuple[dict[str, Any], Callable[[str], str]]] = {
    "points": ({}, str),
    "semicolons and commas": ({}, point_to_comma),
    "one that must be told": ({"delimiter": ";", "decimal": ","}, thousands_or_decimals),
    "Latin letters": ({"encoding": "cp1252"}, lambda text: text.replace("size", "Größe")),
    "no header": ({"header": False}, lambda text: text.partition("\n")[2]),
    "no header, and commas": (
        {"header": False, "delimiter": ";"},
        lambda text: point_to_comma(text.partition("\n")[2])),
    "tabs": ({"delimiter": "\t"}, lambda text: text.replace(",", "\t")),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_like_the_training_file_needs_no_option(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], name: str,
) -> None:
    reading, change = READ[name]
    monkeypatch.chdir(tmp_path)
    text, encoding = change((tables / "a.csv").read_text()), reading.get("encoding", "utf-8")
    Path("my.csv").write_text(text, encoding=encoding)
    alone = re.sub(r"[,;\t]\w+$", "", text, flags=re.MULTILINE)  # one column, without the target
    Path("new.csv").write_text(alone, encoding=encoding)
    data = Dataset.from_csv("my.csv", 1, **reading)
    train_on(data, "model.json", epochs=1, lifted=False, progress=False)
    with_target, without = (told(capsys, f"predict model.json {f}.csv") for f in ("my", "new"))
    assert with_target == without
    assert with_target[:2] == (0, [])
    assert len(with_target[2].splitlines()) == 41


def test_a_file_that_is_written_otherwise_is_read_by_what_it_shows(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tables)
    right = told(capsys, "predict model.json a.csv")
    other, unclear = tmp_path / "other.csv", tmp_path / "unclear.csv"
    other.write_text(point_to_comma(Path("a.csv").read_text()))
    assert told(capsys, f"predict model.json {other}") == right
    unclear.write_text("size;kind\n1,234;x\n")  # not 1234, though the training file has points
    status, [line], _ = told(capsys, f"predict model.json {unclear}")
    assert status == 1
    assert line.endswith("pass --decimal , or --decimal .")
    assert told(capsys, f"predict model.json {unclear} --decimal ,")[0] == 0


def test_ctrl_c_keeps_the_best_model_and_resume_continues(tmp_path: Path) -> None:
    arguments = ["train", "moons", "--epochs", "400", "--no-lifted", "--hidden", "4"]
    with running(tmp_path, *arguments) as command:
        command.wait_for((tmp_path / "model.json").exists)
        os.killpg(command.group, signal.SIGINT)
        assert command.status() == 130
        command.assert_nothing_is_left()
        said = [line for line in command.errors.read_text().splitlines() if line.strip()]
        assert [line for line in said if not line.startswith("epoch ")] == [
            "micrograd-notes: stopped by Ctrl-C"
        ]
        assert "the best model so far: model.json" in command.output.read_text()
    done = len(load_run(tmp_path / "model.json").epochs)
    assert 0 < done < 400
    arguments[3] = str(done + 2)
    assert typed(tmp_path, *arguments, "--resume").returncode == 0
    assert len(load_run(tmp_path / "model.json").epochs) == done + 2
