"""Laws of a saved run: 3 + 3 epochs are 6 to the bit; kills lose one epoch; changes are refused."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import MLP, SGD, Adam, load_model, save_model
from micrograd_notes.nn.losses import mse_loss
from micrograd_notes.train.data import Dataset, moons, spirals
from micrograd_notes.train.loop import History, fit
from micrograd_notes.train.optim import Optimizer
from micrograd_notes.train.saved_run import load_run
from tests.nn.test_saving import mutated

ROOT = Path(__file__).parents[2]
OPTIMIZERS: dict[str, Callable[[MLP], Optimizer | None]] = {
    "default": lambda model: None,
    "Adam": lambda model: Adam(model.parameters(), lr=0.02, weight_decay=0.01),
    "SGD": lambda model: SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True),
}


def net() -> MLP:
    return MLP(2, [4, 3], activation="tanh", seed=0)


def trained(model: MLP, optimizer: str | Optimizer = "default", **options: Any) -> History:
    data, validation = spirals(45, noise=0.1).split(seed=1)
    given = OPTIMIZERS[optimizer](model) if isinstance(optimizer, str) else optimizer
    options = {"optimizer": given, "validation": validation, "batch_size": 10, **options}
    return fit(model, data, progress=False, **options)


def without_seconds(epochs: Any) -> list[dict[str, Any]]:
    return [{k: v for k, v in logs.items() if k != "seconds"} for logs in epochs]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("lifted", [False, True])
def test_three_and_three_epochs_are_six_to_the_bit(
    tmp_path: Path, lifted: bool, optimizer: str
) -> None:
    at_once, first, then = net(), net(), MLP(2, [4, 3], activation="tanh", seed=9)
    whole = trained(at_once, optimizer, epochs=6, lifted=lifted, checkpoint=tmp_path / "whole.json")
    options: dict[str, Any] = {"lifted": lifted, "checkpoint": tmp_path / "run.json"}
    trained(first, optimizer, epochs=3, **options)
    resumed = trained(then, optimizer, epochs=6, resume=True, **options)
    assert then.state_dict() == at_once.state_dict() != first.state_dict()
    assert without_seconds(resumed) == without_seconds(whole)
    files = [json.loads((tmp_path / f"{n}.json").read_text()) for n in ("whole", "run")]
    for file in files:
        file.pop("checksum")
        file["run"]["epochs"] = without_seconds(file["run"]["epochs"])
    assert files[0] == files[1]


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from tests.train.test_saved_run import net, trained
from pathlib import Path
path, lifted, epochs = Path(sys.argv[1]), sys.argv[2] == "True", int(sys.argv[3])
model = net()
print("begins", flush=True)
trained(model, "Adam", epochs=epochs, lifted=lifted, checkpoint=path, resume=path.exists())
print(model.state_dict())
"""


def started(path: Path, lifted: bool, epochs: int) -> "subprocess.Popen[str]":
    program = PROGRAM.format(tests=str(ROOT))
    return subprocess.Popen(
        [sys.executable, "-c", program, str(path), str(lifted), str(epochs)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def finished(path: Path, lifted: bool, epochs: int) -> str:
    process = started(path, lifted, epochs)
    output = process.communicate()[0]
    assert process.returncode == 0
    return output


# On scalars, the test of kills compares two processes, too.
@pytest.mark.parametrize("lifted", [pytest.param(False, marks=pytest.mark.long), True])
def test_another_process_continues_to_the_bit(tmp_path: Path, lifted: bool) -> None:
    finished(tmp_path / "run.json", lifted, 3)
    resumed = finished(tmp_path / "run.json", lifted, 6)
    assert resumed == finished(tmp_path / "whole.json", lifted, 6)


def killed_and_resumed(folder: Path, kills: int, lifted: bool, seed: int) -> None:
    """Kills a training of 40 epochs at random moments, and resumes it until it is done."""
    epochs, draw, path = 40, random.Random(seed), folder / "run.json"
    whole = finished(folder / "whole.json", lifted, epochs)
    done = survived = 0
    while survived < kills:
        process = started(path, lifted, epochs)
        assert process.stdout is not None
        process.stdout.readline()  # it has been imported
        time.sleep(draw.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        survived += 1
        if path.exists():
            there = len(load_run(path).epochs)
            assert there >= done, "an epoch that had been finished is lost"
            done = there
            if done == epochs:
                assert finished(path, lifted, epochs) == whole
                path.unlink()
                done = 0
    assert finished(path, lifted, epochs) == whole
    drafts = {name for name in os.listdir(folder) if name not in ("run.json", "whole.json")}
    assert drafts <= {".run.json.micrograd_notes.draft"}


def test_a_kill_loses_nothing_older_than_the_last_epoch(tmp_path: Path) -> None:
    killed_and_resumed(tmp_path, kills=3, lifted=False, seed=0)


@pytest.mark.long
@pytest.mark.parametrize("lifted", [False, True])
def test_100_kills_lose_nothing_older_than_the_last_epoch(tmp_path: Path, lifted: bool) -> None:
    killed_and_resumed(tmp_path, kills=100, lifted=lifted, seed=1)


def test_an_epoch_that_is_interrupted_leaves_the_one_before(tmp_path: Path) -> None:
    model, path = net(), tmp_path / "run.json"

    def stop(epoch: int, logs: dict[str, Any]) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(model, epochs=6, checkpoint=path, callback=stop)
    assert len(load_run(path).epochs) == 2
    resumed, whole = net(), net()
    trained(resumed, epochs=6, checkpoint=path, resume=True)
    trained(whole, epochs=6)
    assert resumed.state_dict() == whole.state_dict()


def test_the_model_of_a_run_is_that_of_its_best_epoch(tmp_path: Path) -> None:
    states: list[Any] = []
    model, path = net(), tmp_path / "run.json"
    history = trained(
        model,
        "SGD",
        epochs=30,
        checkpoint=path,
        callback=lambda epoch, logs: states.append(model.state_dict()),
    )
    losses = history["validation_loss"]
    best = losses.index(min(losses))
    assert best < 29
    assert load_run(path).model.state_dict() == states[best]
    trained(net(), "SGD", epochs=31, checkpoint=path, resume=True)
    assert load_run(path).model.state_dict() == states[best] or min(losses) > losses[-1]
    trained(model, epochs=2, validation=None, checkpoint=path)
    assert load_run(path).model.state_dict() == model.state_dict()


OTHER: dict[str, tuple[dict[str, Any], str]] = {
    "lifted": ({"lifted": True}, "the same lifted as .*, which has False, got True"),
    "seed": ({"seed": 1}, "the same seed as .*, which has 0, got 1"),
    "batches": ({"batch_size": 5}, "the same batch_size"),
    "loss": ({"loss": lambda outputs, targets: outputs[0][0]}, "the same loss"),
    "optimizer": ({"optimizer": "SGD"}, "the same optimizer .* 'Adam', got 'SGD'"),
    "validation": ({"validation": None}, "the same data"),
    "other validation": (
        {"validation": spirals(45, noise=0.1).split(seed=2)[1]},
        "the same data as .*, but some examples, or validation data, are others; give what the run",
    ),
    "fewer": ({"epochs": 2}, "resume from epoch 3 needs more epochs, got 2"),
}


@pytest.mark.parametrize("name", OTHER)
def test_another_run_is_not_continued(tmp_path: Path, name: str) -> None:
    options, message = OTHER[name]
    trained(net(), epochs=3, checkpoint=tmp_path / "run.json")
    before, model = (tmp_path / "run.json").read_bytes(), net()
    resumed: dict[str, Any] = {"epochs": 6, "checkpoint": tmp_path / "run.json", "resume": True}
    with pytest.raises(ValueError, match=message):
        trained(model, **resumed | options)
    assert (tmp_path / "run.json").read_bytes() == before
    assert model.state_dict() == net().state_dict()


CHANGES: dict[Any, dict[str, Any]] = {
    Adam: {"lr": 0.2, "betas": (0.8, 0.999), "eps": 1e-6, "weight_decay": 0.5},
    SGD: {"lr": 0.2, "momentum": 0.5, "dampening": 0.5, "weight_decay": 0.5, "nesterov": True},
}


@pytest.mark.parametrize(
    ("kind", "option"), [(kind, option) for kind in CHANGES for option in kind.options]
)
def test_a_run_is_continued_with_the_options_that_it_began_with(
    tmp_path: Path, kind: Any, option: str
) -> None:
    base: dict[str, Any] = {"momentum": 0.9} if kind is SGD else {}
    model, other, path = net(), net(), tmp_path / "run.json"
    trained(model, epochs=1, optimizer=kind(model.parameters(), **base), checkpoint=path)
    changed = kind(other.parameters(), **base | {option: CHANGES[kind][option]})
    before, given = path.read_bytes(), repr(changed)
    with pytest.raises(ValueError, match=f"needs the same {option} as .*, which has .*, got .*; "):
        trained(other, epochs=2, optimizer=changed, checkpoint=path, resume=True)
    assert (path.read_bytes(), repr(changed)) == (before, given)
    assert other.state_dict() == net().state_dict()


def test_a_schedule_continues_where_it_was(tmp_path: Path) -> None:
    def scheduled(name: str, *until: int) -> MLP:
        for epochs in until:
            model = net()
            optimizer = SGD(model.parameters(), lr=0.5)

            def halve(epoch: int, logs: Any, optimizer: SGD = optimizer) -> None:
                optimizer.lr /= 2

            path, resume = tmp_path / name, epochs != until[0]
            options: dict[str, Any] = {"optimizer": optimizer, "callback": halve}
            trained(model, epochs=epochs, checkpoint=path, resume=resume, **options)
            assert optimizer.lr == 0.5 ** (epochs + 1)
        return model

    assert scheduled("a", 6).state_dict() == scheduled("b", 2, 4, 6).state_dict()


@pytest.mark.parametrize(
    "model", [MLP(2, [5, 3], seed=0), MLP(2, [4, 3], activation="relu", seed=0)]
)
def test_another_network_is_not_continued(tmp_path: Path, model: MLP) -> None:
    trained(net(), epochs=1, checkpoint=tmp_path / "run.json")
    with pytest.raises(ValueError, match="resume needs the same model"):
        trained(model, epochs=2, checkpoint=tmp_path / "run.json", resume=True)


def test_a_run_needs_a_file_and_a_network(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="resume needs a checkpoint="):
        trained(net(), resume=True)
    with pytest.raises(FileNotFoundError):
        trained(net(), resume=True, checkpoint=tmp_path / "none.json")
    with pytest.raises(TypeError, match="model must be an MLP"):
        fit(net().layers[0], moons(8), checkpoint=tmp_path / "a.json", progress=False)
    for bad in (tmp_path, tmp_path / "none" / "run.json"):
        with pytest.raises(ValueError, match="checkpoint must be a file in a folder that exists"):
            trained(net(), checkpoint=bad)
    with pytest.raises(TypeError, match="checkpoint must be the name of a file"):
        trained(net(), checkpoint=3)


def test_infinite_numbers_come_back(tmp_path: Path) -> None:
    model, path = MLP(1, [1], seed=0), tmp_path / "run.json"
    huge = Dataset("huge", [[1.0]], [1e200], ("x",), task="regression")
    tiny = Dataset("tiny", [[1e-3]], [1e-3], ("x",), task="regression")
    history = fit(
        model, tiny, validation=huge, loss=mse_loss, epochs=1, checkpoint=path, progress=False
    )
    assert history["validation_loss"] == [float("inf")]
    assert load_run(path).epochs[0]["validation_loss"] == float("inf")


# ---- the file ------------------------------------------------------------------------------------


def saved(folder: Path) -> Path:
    path = folder / "run.json"
    data = spirals(30).standardized()
    fit(net(), data, epochs=2, progress=False, checkpoint=path)
    return path


def test_each_door_names_the_other(tmp_path: Path) -> None:
    run, network = saved(tmp_path), tmp_path / "model.json"
    save_model(net(), network)
    with pytest.raises(
        ValueError, match=r"holds a network with its training run; load_run\(path\)"
    ):
        load_model(run)
    with pytest.raises(ValueError, match=r"it holds a network; load_model\(path\) returns it"):
        load_run(network)


def test_a_run_has_the_encoder_of_its_data(tmp_path: Path) -> None:
    run = load_run(saved(tmp_path))
    assert run.encoder is not None
    assert run.encoder.scaler == spirals(30).standardized().encoder.scaler  # type: ignore[union-attr]
    assert run.encoder.class_names == ("arm 0", "arm 1", "arm 2")
    assert run.encoder == spirals(30).standardized().encoder


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_mutated_run_is_the_same_or_refused(tmp_path: Path, count: int) -> None:
    path, draw = saved(tmp_path), random.Random(count)
    text, outcomes = path.read_text(), []
    whole = (load_run(path)[1:], load_run(path).model.state_dict())
    for _ in range(count):
        path.write_bytes(mutated(text, draw))
        try:
            run = load_run(path)
        except ValueError as error:
            outcomes.append("refused" if str(path) in str(error) else "unnamed")
        else:
            assert (run[1:], run.model.state_dict()) == whole
            outcomes.append("the same")
    assert set(outcomes) == {"refused", "the same"}


EDITS: dict[str, Callable[[Any], Any]] = {
    "no run": lambda d: d.pop("run"),
    "a list": lambda d: d.update(run=[]),
    "no epochs": lambda d: d["run"].pop("epochs"),
    "no state": lambda d: d["run"].pop("state"),
    "an epoch of text": lambda d: d["run"].update(epochs=["a"]),
    "no columns": lambda d: d["run"]["encoder"].pop("columns"),
    "another entry": lambda d: d["run"]["encoder"].update(owner="me"),
    "a scaler of text": lambda d: d["run"]["encoder"]["scaler"].update(means="ab"),
    "a negative deviation": lambda d: d["run"]["encoder"]["scaler"].update(deviations=[-1.0, 1.0]),
    "version 4": lambda d: d.update(version=4),
    "version 2": lambda d: d.update(version=2),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_run_that_is_not_complete_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the checksum fits, as in a file of another program."""
    path = saved(tmp_path)
    document = json.loads(path.read_text())
    EDITS[name](document)
    path.write_text(json.dumps(document))
    monkeypatch.setattr("micrograd_notes.nn.saving._checksum", lambda content: document["checksum"])
    with pytest.raises(ValueError, match=r"run.json can't be loaded: "):
        load_run(path)


def test_the_order_of_entries_in_the_file_does_not_matter(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"z": [1.5, 2, 4, 8.0] * 2, "a": ["u", "v", "v", "u"] * 2}
    data = Dataset.from_columns({**columns, "y": [0, 1, 1, 1, 0, 1, 0, 0]}, "y").standardized()
    path = tmp_path / "run.json"
    fit(MLP(3, [2], seed=0), data, epochs=1, progress=False, checkpoint=path)
    run = load_run(path)
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))
    assert run.encoder == load_run(path).encoder == data.encoder
    assert run.encoder.feature_names == ("z", "a=u", "a=v")  # type: ignore[union-attr]
