"""`train` and `predict` as a person types them: real processes, their output, status and files."""

import csv
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from micrograd_notes.train.saved_run import load_run
from tests.cli.test_signals import running

pytest.importorskip("typer", reason="the command line's extra is not installed")
pytest.importorskip("sklearn", reason="the data sets are scikit-learn's")
ROOT = Path(__file__).parents[2]


def typed(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    program = "from micrograd_notes.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
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


WRONG = {
    "no file": (["train", "none.csv", "--target", "y"], "path must be readable"),
    "no target": (["train", "a.csv"], "target must be one of size, kind, got ''"),
    "another target": (["train", "a.csv", "--target", "z"], "target must be one of size, kind"),
    "another task": (["train", "a.csv", "--target", "kind", "--task", "x"], "task must be one of"),
    "a hidden layer of text": (["train", "a.csv", "--target", "kind", "--hidden", "x"], "'x'"),
    "no epochs": (["train", "a.csv", "--target", "kind", "--epochs", "0"], "epochs must be"),
    "nothing to resume": (["train", "a.csv", "--target", "kind", "--resume"], "model.json"),
    "no model": (["predict", "none.json", "a.csv"], "none.json"),
    "not a model": (["predict", "a.csv", "a.csv"], "a.csv can't be loaded"),
    "a folder": (["train", "a.csv", "--target", "kind", "-o", "no/m.json"], "checkpoint must be"),
}


@pytest.mark.parametrize(
    "name",
    [
        "no target",
        "no model",
        "a folder",
        *(pytest.param(name, marks=pytest.mark.long) for name in WRONG),
    ],
)
def test_a_mistake_is_one_line_and_status_1(tmp_path: Path, name: str) -> None:
    draw, (arguments, message) = random.Random(0), WRONG[name]
    rows = [f"{draw.random()},{draw.choice('xy')}\n" for _ in range(40)]
    (tmp_path / "a.csv").write_text("size,kind\n" + "".join(rows))
    done = typed(tmp_path, *arguments)
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if not line.startswith("epoch ")]
    assert line.startswith("micrograd-notes: ")
    assert message in line
    assert sorted(os.listdir(tmp_path)) == ["a.csv"]


def test_ctrl_c_keeps_the_best_model_and_resume_continues(tmp_path: Path) -> None:
    arguments = ["train", "moons", "--epochs", "400", "--scalars", "--hidden", "4"]
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
