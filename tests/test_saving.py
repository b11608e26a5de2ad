"""Laws of saving: the same bits come back, the file is whole or as it was, and errors say why."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_notes import Value
from micrograd_notes.files import write_whole
from micrograd_notes.nn import MLP, Layer
from micrograd_notes.op import operation
from micrograd_notes.saving import load_model, save_model

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def bits(model: MLP) -> list[str]:
    """Returns the parameters as text that tells 0.0 from -0.0."""
    return [parameter.data.hex() for parameter in model.parameters()]


def saved(folder: Path, **changes: Any) -> Path:
    """Returns the file of a small model, with some of its entries changed."""
    path = folder / "model.json"
    save_model(MLP(2, [3, 1], activation="tanh", seed=0), path)
    document = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(document))
    return path


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


# ---- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky_relu", "gelu", "linear", None])
@pytest.mark.parametrize("widths", [[1], [3], [4, 1], [4, 3, 2]], ids=str)
def test_what_comes_back_computes_the_same_bits(
    tmp_path: Path, widths: list[int], activation: str | None
) -> None:
    model = MLP(2, widths, activation=activation)
    save_model(model, tmp_path / "model.json")
    again = load_model(tmp_path / "model.json")
    assert repr(again) == repr(model)
    assert bits(again) == bits(model)
    for x in ([0.5, -1.5], [3.0, 0.0]):
        ours, theirs = model(x), again(x)
        for a, b in zip(*[y if isinstance(y, list) else [y] for y in (ours, theirs)], strict=True):
            assert a.data == b.data


@settings(deadline=None)  # it waits for the disk
@given(st.lists(FINITE, min_size=3, max_size=3))
def test_every_finite_float_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    path = tmp_path_factory.mktemp("saved") / "model.json"
    model = MLP(2, [1])
    for parameter, number in zip(model.parameters(), numbers, strict=True):
        parameter.data = number
    save_model(model, path)
    assert bits(load_model(path)) == bits(model)


def test_a_person_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    save_model(MLP(2, [3, 1], activation="tanh", seed=0), path)
    document = json.loads(path.read_text())
    assert list(document) == ["format", "version", "sizes", "activation", "parameters"]
    assert (document["format"], document["version"]) == ("micrograd_notes.MLP", 1)
    assert (document["sizes"], document["activation"]) == ([2, 3, 1], "tanh")
    weights = document["parameters"]["layers.0.weight"]
    assert (len(weights), len(weights[0])) == (3, 2)
    # one neuron a line
    assert f"      {json.dumps(weights[1])},\n" in path.read_text()
    assert max(len(line) for line in path.read_text().splitlines()) < 80


def test_an_operation_of_ones_own_is_found_by_its_name(tmp_path: Path) -> None:
    operation("saved_cube", lambda x: x * x * x, [lambda y, x: 3 * x * x])
    model = MLP(2, [3, 1], activation="saved_cube", seed=0)
    save_model(model, tmp_path / "model.json")
    assert load_model(tmp_path / "model.json")([1.0, 2.0]).data == model([1.0, 2.0]).data


def test_an_operation_whose_name_means_another_one_by_now_is_not_saved(tmp_path: Path) -> None:
    operation("saved_power", lambda x: x * x, [lambda y, x: 2 * x])
    model = MLP(2, [3, 1], activation="saved_power", seed=0)
    operation("saved_power", lambda x: x**4, [lambda y, x: 4 * x**3])
    with pytest.raises(ValueError, match=r"Op\(saved_power\) has no name to save"):
        save_model(model, tmp_path / "model.json")


def test_saving_and_loading_leave_the_global_generator_alone(tmp_path: Path) -> None:
    model = MLP(2, [3, 1])
    state = random.getstate()
    save_model(model, tmp_path / "model.json")
    load_model(tmp_path / "model.json")
    assert random.getstate() == state


# ---- whole, or as it was -------------------------------------------------------------------------


def test_saving_again_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    for seed in (0, 1):
        save_model(MLP(2, [1], seed=seed), path)
        assert bits(load_model(path)) == bits(MLP(2, [1], seed=seed))
    assert names(tmp_path) == ["model.json"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "model.json"
    save_model(MLP(2, [1], seed=0), path)
    before = path.read_bytes()
    monkeypatch.setattr(os if broken == "fsync" else Path, broken, full_disk)
    with pytest.raises(OSError, match=r"No space left on device; .*Nothing was written"):
        save_model(MLP(2, [1], seed=1), path)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["model.json"]


def test_a_new_file_has_the_permissions_that_any_new_file_has(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_whole(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    model = MLP(2, [1])
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(FileNotFoundError, match=r"a folder that exists.*missing/model.json"):
        save_model(model, tmp_path / "missing" / "model.json")
    with pytest.raises(NotADirectoryError, match=r"file/model.json"):
        save_model(model, tmp_path / "file" / "model.json")
    for folder in (tmp_path, "/", ""):
        with pytest.raises(IsADirectoryError, match="give the name of a file"):
            save_model(model, folder)
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write into any folder"
)
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match=r"that you may write to.*model.json"):
        save_model(MLP(2, [1]), tmp_path / "model.json")


# ---- what is not saved ---------------------------------------------------------------------------


def test_a_model_that_would_not_come_back_is_not_saved(tmp_path: Path) -> None:
    class MyMLP(MLP):
        pass

    path = tmp_path / "model.json"
    for model in (Layer(2, 1), MyMLP(2, [1]), Value(1.0)):
        with pytest.raises(TypeError, match=f"saves an MLP, got {type(model).__name__}"):
            save_model(model, path)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no name to save"):
        save_model(MLP(2, [2, 1], activation=lambda x: x * x), path)
    mixed = MLP(2, [2, 2, 1], activation="tanh")
    mixed.layers[1].neurons[0].activation = None
    with pytest.raises(
        ValueError, match=r"one activation for all layers but the last.*tanh, linear"
    ):
        save_model(mixed, path)
    longer = MLP(2, [2])
    longer.layers.append(Layer(2, 1))
    with pytest.raises(ValueError, match=r"layers\.1\.weight"):
        save_model(longer, path)
    for number in (float("nan"), float("inf")):
        diverged = MLP(2, [2, 1])
        diverged.layers[0].neurons[1].w[0].data = number
        with pytest.raises(ValueError, match=rf"neurons\[1\]\.w\[0\] is {number}"):
            save_model(diverged, path)
    assert names(tmp_path) == []


# ---- what is not read ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "codec can't decode"),
        (b'{"format": "micrograd_notes.MLP", "vers', "Unterminated string"),
        (b"[1, 2]", 'its "format" is not "micrograd_notes.MLP"'),
        (b"{}", 'its "format" is not'),
        (b'{"format": "pickle"}', 'its "format" is not'),
        (b'{"format": "micrograd_notes.MLP", "version": NaN}', "holds NaN"),
    ],
    ids=str,
)
def test_a_file_that_is_no_model_is_refused_by_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"model.json holds no saved model: .*{message}"):
        load_model(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "of version 2 and this package reads version 1"),
        ({"version": None}, "of version None"),
        ({"owner": "me"}, "its entries are .*owner in place of"),
        ({"sizes": 7}, "its sizes are a list of two or more whole numbers, not 7"),
        ({"sizes": [2]}, "its sizes are"),
        ({"sizes": [2, -3, 1]}, "whole number, 1 or more, got -3"),
        ({"sizes": [2, 3.0, 1]}, r"whole number, 1 or more, got 3\.0"),
        ({"sizes": [2, 4, 1]}, "layers.0.weight: expected 4 x 2 numbers, got 3 x 2"),
        ({"sizes": [2, 3, 3, 1]}, "layers.2.weight: missing"),
        ({"sizes": [2, 3]}, "layers.1.weight: not a parameter"),
        ({"activation": "tan h"}, "unknown activation 'tan h'; there are linear, tanh"),
        ({"activation": None}, "its activation is a name, not None"),
        ({"parameters": [1.0]}, "its parameters are no dictionary"),
        ({"parameters": {}}, "layers.0.weight: missing"),
    ],
    ids=str,
)
def test_entries_that_do_not_fit_are_named(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"(?s)model.json holds no saved model: .*{message}"):
        load_model(saved(tmp_path, **changes))


@pytest.mark.parametrize("entry", [["1.5"], [None], [1.0, 2.0], [[1.0]], "1.5", {}, [10**400]])
def test_a_parameter_that_is_no_number_is_refused(tmp_path: Path, entry: Any) -> None:
    path = saved(tmp_path)
    document = json.loads(path.read_text())
    document["parameters"]["layers.1.bias"] = entry
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="holds no saved model"):
        load_model(path)


def test_a_missing_entry_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    document = json.loads(path.read_text())
    del document["activation"]
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="its entries are format, version, sizes, parameters in"):
        load_model(path)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "model.json")


@pytest.mark.parametrize(
    ("old", "new"),
    [('"version": 1', '"version": true'), ("0.0", "1e999"), ("0.0", "true"), ("{", "[" * 200_000)],
)
def test_a_tampered_file_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "model.json"
    save_model(MLP(2, [1, 1], activation="tanh", seed=0), path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match="holds no saved model"):
        load_model(path)
