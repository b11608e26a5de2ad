"""Laws of `train_on`: held-out rows decide nothing, and the report says what the numbers mean."""

import random
import statistics
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes.train.data import Dataset, moons, xor
from micrograd_notes.train.loop import predict
from micrograd_notes.train.own_data import Outcome, predict_csv, train_on
from micrograd_notes.train.saved_run import load_run


def rows(task: str) -> list[list[Any]]:
    draw = random.Random(0)
    found: list[list[Any]] = []
    for _ in range(60):
        size, colour = draw.gauss(50, 20), draw.choice(["red", "blue"])
        price = 3 * size + 100 * (colour == "red") + draw.gauss(0, 2)
        kind = ("cheap", "dear")[price > 200]
        found.append([size, colour, price if task == "regression" else kind])
    return found


def written(path: Path, table: list[list[Any]]) -> Path:
    path.write_text("size,colour,y\n" + "".join(f"{','.join(map(str, row))}\n" for row in table))
    return path


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("lifted", [False, True])
def test_held_out_rows_change_no_bit_of_the_file(tmp_path: Path, task: str, lifted: bool) -> None:
    table = rows(task)
    data = Dataset.from_csv(written(tmp_path / "my.csv", table), "y", missing="mean")
    held_out = data.split(0.25, seed=0)[1]
    assert held_out.table is not None
    for place in held_out.table.places:
        row = table[int(place.split()[-1]) - 2]
        row[:2] = ["", "green"]
        row[2] = 400 - row[2] if task == "regression" else row[2]  # classes decide the split
    options: dict[str, Any] = {"epochs": 3, "lifted": lifted, "progress": False}
    train_on(data, tmp_path / "one.json", **options)
    changed = Dataset.from_csv(written(tmp_path / "my.csv", table), "y", missing="mean")
    with pytest.warns(UserWarning, match="column 'colour': this category, in 15"):
        train_on(changed, tmp_path / "other.json", **options)
    one, other = (load_run(tmp_path / f"{name}.json") for name in ("one", "other"))
    assert one.model.state_dict() == other.model.state_dict()
    assert (one.encoder, one.state) == (other.encoder, other.state)
    losses = [[logs["validation_loss"] for logs in run.epochs] for run in (one, other)]
    assert losses[0] == losses[1]


def test_a_run_resumes_only_with_the_rows_that_it_learned_or_chose_by(tmp_path: Path) -> None:
    table, model = rows("classification"), tmp_path / "m.json"
    options: dict[str, Any] = {"epochs": 1, "lifted": False, "progress": False}
    data = Dataset.from_csv(written(tmp_path / "my.csv", table), "y")
    train_on(data, model, **options)
    known, held_out = data.split(0.25, 0)
    for part, fits in ((known.split(0.2, 0)[0], 0), (known.split(0.2, 0)[1], 0), (held_out, 1)):
        assert part.table is not None
        changed = [[*row] for row in table]
        changed[int(part.table.places[0].split()[-1]) - 2][0] += 1
        other = Dataset.from_csv(written(tmp_path / "my.csv", changed), "y")
        if fits:  # the rows that only measure it
            train_on(other, model, resume=True, **options)
        else:
            with pytest.raises(ValueError, match="some examples, or validation data, are others"):
                train_on(other, model, resume=True, **options)


def test_a_saved_run_predicts_in_the_targets_own_units(tmp_path: Path) -> None:
    path = written(tmp_path / "my.csv", rows("regression"))
    outcome = train_on(Dataset.from_csv(path, "y"), tmp_path / "m.json", progress=False)
    names, *answers = predict_csv(load_run(tmp_path / "m.json"), path)
    assert names == ("line", "y")
    assert [line for line, _ in answers] == [str(i) for i in range(2, 62)]
    errors = [abs(a - row[2]) for (_, a), row in zip(answers, rows("regression"), strict=True)]
    spread = statistics.pstdev(row[2] for row in rows("regression"))
    assert statistics.fmean(errors) < spread / 4
    assert "mean error" in outcome.report()


def test_new_columns_and_lost_ones_are_named(tmp_path: Path) -> None:
    path = written(tmp_path / "my.csv", rows("classification"))
    train_on(Dataset.from_csv(path, "y"), tmp_path / "m.json", epochs=1, progress=False)
    run = load_run(tmp_path / "m.json")
    new = tmp_path / "new.csv"
    new.write_text("colour,weight\nred,3\n")
    with pytest.raises(ValueError, match=r"new.csv must have .* missing: size; new: weight"):
        predict_csv(run, new)
    new.write_text("colour,size,extra\nred,3,1\n")
    with pytest.raises(ValueError, match=r"data; new: extra; remove or rename what is new$"):
        predict_csv(run, new)
    new.write_text("colour,size\nred,3\nblue,200\n")  # in another order, and without the target
    assert len(predict_csv(run, new)) == 3
    new.write_text("colour,size\nred,3\nblue,\n")
    with pytest.raises(ValueError, match=r"line 3, column 'size': the cell is missing.*; fill"):
        predict_csv(run, new)
    new.write_text("colour,size\nred,3\nblue,big\n")
    with pytest.raises(ValueError, match=r"line 3, column 'size': 'big' is not a number.*; write"):
        predict_csv(run, new)
    new.write_text("colour,size\nred,3\ngreen,1\n")
    with pytest.warns(UserWarning, match=r"new.csv, line 3, column 'colour': this category"):
        predict_csv(run, new)


def test_a_file_without_names_is_predicted_by_position(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    path.write_text("".join(f"{row[0]},{row[1]},{row[2]}\n" for row in rows("classification")))
    train_on(Dataset.from_csv(path, 2, header=False), tmp_path / "m.json", epochs=1, progress=False)
    new = tmp_path / "new.csv"
    new.write_text("10,red\n")
    assert predict_csv(load_run(tmp_path / "m.json"), new)[0] == ("line", "column 3")


def test_dropped_columns_may_be_there_or_not(tmp_path: Path) -> None:
    path = written(tmp_path / "my.csv", rows("classification"))
    data = Dataset.from_csv(path, "y", drop=["colour"])
    train_on(data, tmp_path / "m.json", epochs=1, progress=False)
    assert len(predict_csv(load_run(tmp_path / "m.json"), path)) == 61
    (tmp_path / "new.csv").write_text("size\n10\n")
    assert len(predict_csv(load_run(tmp_path / "m.json"), tmp_path / "new.csv")) == 2


def test_the_data_sets_of_the_package_are_learnt_too(tmp_path: Path) -> None:
    outcome = train_on(moons(200), tmp_path / "m.json", progress=False)
    assert set(outcome.answers) == {"the network", "a linear model", "always outer"} or (
        set(outcome.answers) == {"the network", "a linear model", "always inner"}
    )
    network, linear, _ = outcome.answers.values()
    right = outcome.right
    assert sum(map(str.__eq__, network, right)) > sum(map(str.__eq__, linear, right))
    run = load_run(tmp_path / "m.json")
    assert run.encoder is not None
    new = moons(50, seed=9)
    scaled = run.encoder.scaler.transform(new.inputs)  # type: ignore[union-attr]
    hits = sum(a == b for a, b in zip(predict(run.model, scaled), new.targets, strict=True))
    assert hits > 45


def test_the_report_has_accuracies_and_a_confusion_matrix() -> None:
    right = ["cat", "dog", "dog", "cat"]
    answers = {"the network": ["cat", "dog", "cat", "cat"], "always dog": ["dog"] * 4}
    [_, network, always, said, *matrix] = Outcome(None, right, answers).report().splitlines()  # type: ignore[arg-type]
    assert network == "  the network: accuracy 0.750"
    assert always == "  always dog: accuracy 0.500"
    assert "by row" in said
    assert [line.split() for line in matrix] == [
        ["cat", "dog"],
        ["cat", "2", "0"],
        ["dog", "1", "1"],
    ]


def test_the_report_of_a_regression_has_errors_in_its_units() -> None:
    outcome = Outcome(None, [1.0, 2.0], {"the network": [1.0, 5.0]})  # type: ignore[arg-type]
    line = "  the network: mean error 1.5, root mean square 2.121"
    assert outcome.report().splitlines() == ["held out: 2 rows", line]
    large = Outcome(None, [1e300, 2e300], {"the network": [1e300, 5e300]})  # type: ignore[arg-type]
    line = "  the network: mean error 1.5e+300, root mean square 2.121e+300"
    assert large.report().splitlines() == ["held out: 2 rows", line]


def test_the_rest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="data must be a Dataset"):
        train_on([[1.0]], tmp_path / "m.json")  # type: ignore[arg-type]
    train_on(xor(40), tmp_path / "m.json", epochs=1, progress=False)
    with pytest.raises(TypeError, match="run must be what load_run returned"):
        predict_csv(tmp_path, tmp_path)  # type: ignore[arg-type]
