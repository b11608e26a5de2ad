"""The page of a run says what the history says, in one piece, and hides nothing silently."""

import base64
import json
import math
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import MLP
from micrograd_notes.draw.training.page import Recorder, TrainingPage, _histograms, training_page
from micrograd_notes.train.data import Dataset, moons, spirals
from micrograd_notes.train.loop import History, fit
from micrograd_notes.train.recording import KINDS

pytest.importorskip("matplotlib", reason="the fallback picture needs the extra viz")

TRAIN, HELD_OUT = moons(samples=40, noise=0.2).split()
EPOCHS = 6


@cache
def run() -> History:
    model = MLP(2, [4, 3, 1], activation="relu", seed=0)
    recorder = Recorder(model, TRAIN)
    return fit(model, TRAIN, validation=HELD_OUT, epochs=EPOCHS, callback=recorder, progress=False)


@cache
def page() -> TrainingPage:
    return training_page(run(), title="Moons", resolution=9)


def data_of(page: TrainingPage) -> Any:
    """Returns the data that the page carries."""
    found = re.search(r'<script type="application/json">(.*?)</script>', page.html(), re.S)
    assert found is not None
    return json.loads(found[1])


def signed_bytes(text: str) -> list[int]:
    return [byte - 256 if byte > 127 else byte for byte in base64.b64decode(text)]


# ---- what it says --------------------------------------------------------------------------------


def test_curves_are_the_columns_of_the_history() -> None:
    curves = data_of(page())["curves"]
    assert set(curves) == {"loss", "validation_loss", "accuracy", "validation_accuracy"}
    for name, numbers in curves.items():
        assert numbers == pytest.approx(run()[name], rel=1e-3)  # four digits are carried


def test_the_caption_of_an_epoch_has_its_numbers() -> None:
    last = run().epochs[-1]
    assert page().captions[-1] == (
        f"Epoch 6 of 6: loss {last['loss']:.4g} (held out {last['validation_loss']:.4g}), "
        f"accuracy {last['accuracy']:.1%} (held out {last['validation_accuracy']:.1%}).".replace(
            "%", " %"
        )
    )


def test_the_boundary_is_where_the_model_changes_its_mind() -> None:
    boundary = data_of(page())["boundary"]
    side = boundary["side"]
    assert side == 9
    for snapshot, (grid,) in zip(run()["snapshot"], boundary["standings"], strict=True):
        answer = snapshot.function()
        (x0, x1), (y0, y1) = boundary["x"], boundary["y"]
        leads = signed_bytes(grid)
        assert len(leads) == side * side
        assert max(map(abs, leads)) == 127
        for place, lead in enumerate(leads):
            row, column = divmod(place, side)
            point = [x0 + (x1 - x0) * column / 8, y0 + (y1 - y0) * row / 8]
            (score,) = answer(point)
            assert (lead > 0) == (score > 0)
            assert (lead < 0) == (score < 0)


def test_three_classes_have_a_grid_each_and_one_is_best_everywhere() -> None:
    data = spirals(samples=30)
    model = MLP(2, [4, 3], activation="tanh", seed=0)
    history = fit(model, data, epochs=2, callback=Recorder(model, data), progress=False)
    boundary = data_of(training_page(history, resolution=6))["boundary"]
    assert [each["name"] for each in boundary["classes"]] == ["arm 0", "arm 1", "arm 2"]
    for frame in boundary["standings"]:
        for standings in zip(*map(signed_bytes, frame), strict=True):
            assert sorted(standings)[-1] == 0
            assert sorted(standings)[-2] < 0


def test_two_outputs_have_one_grid_as_one_output_has() -> None:
    model = MLP(2, [3, 2], seed=0)
    history = fit(model, TRAIN, epochs=1, callback=Recorder(model, TRAIN), progress=False)
    ((grid,),) = data_of(training_page(history, resolution=5))["boundary"]["standings"]
    answer = history["snapshot"][0].function()
    boundary = data_of(training_page(history, resolution=5))["boundary"]
    zero, one = answer([boundary["x"][0], boundary["y"][0]])
    assert (signed_bytes(grid)[0] > 0) == (one > zero)


def test_every_number_of_a_layer_is_counted_in_every_epoch() -> None:
    layers = data_of(page())["layers"]
    assert [layer["name"] for layer in layers] == ["layers[0]", "layers[1]", "layers[2]"]
    for layer in layers:
        assert [plot["of"] for plot in layer["plots"]] == list(KINDS)
        for plot in layer["plots"]:
            assert len(plot["counts"]) == EPOCHS
            for snapshot, counts in zip(run()["snapshot"], plot["counts"], strict=True):
                assert sum(counts) == len(snapshot.numbers(plot["of"])[layer["name"]])


def test_negative_numbers_are_left_of_zero() -> None:
    for layer in data_of(page())["layers"]:
        for plot in layer["plots"]:
            first = plot["bars"][0]
            for snapshot, counts in zip(run()["snapshot"], plot["counts"], strict=True):
                numbers = snapshot.numbers(plot["of"])[layer["name"]]
                below = sum(counts[: max(-first, 0)])
                assert below == sum(number < 0 for number in numbers)


def test_a_few_far_numbers_do_not_stretch_an_axis_and_are_counted_on_their_side() -> None:
    many = [0.001 * i for i in range(1000)]
    for few, beyond_is_below in (([-50.0, -60.0], True), ([50.0], False)):
        made = _histograms("weights", [many + few])
        first, _, width = made["bars"]
        assert width < 0.1
        assert (first < 0) == beyond_is_below
        assert sum(made["counts"][0]) == 1000 + len(few)
        if beyond_is_below:
            assert made["counts"][0][:-first] == [len(few)]
        # the half percent at that end is cut off, too
        assert f", {len(few) + 5} beyond" in made["says"][0]


# ---- what it does not show, it says --------------------------------------------------------------


def test_of_many_epochs_the_slider_stops_at_some_and_the_rest_is_counted() -> None:
    history = History([{"loss": 1.0 / (i + 1)} for i in range(50)])
    few = training_page(history, limit=7)
    assert len(few.epochs) == 7
    assert (few.epochs[0], few.epochs[-1]) == (0, 49)
    assert "The slider stops at 7 of 50 epochs; 43 are hidden." in few.notes[-1]
    assert len(data_of(few)["curves"]["loss"]) == 50
    assert few.html().count('<th scope="row">') == 50


def test_of_many_points_some_are_drawn_and_the_rest_is_counted() -> None:
    many = moons(samples=700)
    model = MLP(2, [1], seed=0)
    history = fit(model, many, epochs=1, callback=Recorder(model, many), progress=False)
    boundary = data_of(training_page(history, resolution=3))["boundary"]
    assert len(boundary["points"]) == 300
    assert boundary["note"] == "300 of 700 points are drawn."


def test_a_history_without_snapshots_shows_its_curves_and_says_how_to_get_the_rest() -> None:
    plain = training_page(History([{"loss": 2.0}, {"loss": 1.0, "validation_loss": 1.5}]))
    assert "callback=Recorder(model, data)" in plain.notes[0]
    data = data_of(plain)
    assert data["boundary"] is None
    assert data["layers"] == []
    assert data["curves"]["validation_loss"] == [None, 1.5]


def test_there_is_no_boundary_where_there_are_no_classes_or_other_than_two_features() -> None:
    def boundary(features: int, targets: list[float]) -> Any:
        model = MLP(features, [2, 1], seed=0)
        inputs = [[0.1 * i] * features for i in range(len(targets))]
        data = (inputs, targets)
        history = fit(model, data, epochs=1, callback=Recorder(model, data), progress=False)
        return data_of(training_page(history, resolution=3))["boundary"]

    assert boundary(2, [0, 1, 0]) is not None
    assert boundary(2, [0.5, 0.25, 0.125]) is None
    assert boundary(3, [0, 1, 0]) is None


# ---- one piece -----------------------------------------------------------------------------------


def test_the_page_asks_the_network_for_nothing_and_has_no_global_ids() -> None:
    text = page().html()
    addresses = set(re.findall(r"https?://[^\"'\s]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert re.findall(r"\sid=", re.sub(r"<script.*?</script>", "", text, flags=re.S)) == []
    assert re.findall(r"<link|@import|src=\"(?!data:)", text) == []


def test_what_remains_without_scripts_is_a_picture_and_a_table_of_all_epochs() -> None:
    text = re.sub(r"<(script|style).*?</\1>", "", page()._repr_html_(), flags=re.S)
    assert 'src="data:image/png;base64,' in text
    assert f'alt="Moons. {page().captions[0]}"' in text
    assert text.count('<th scope="row">') == EPOCHS
    assert "<details>" in text
    for name in ("loss", "accuracy", "held-out loss", "held-out accuracy", "seconds"):
        assert f'<th scope="col">{name}</th>' in text


def test_the_still_picture_is_the_same_whatever_comes_after_the_first_epoch() -> None:
    """Readers are asked to predict what comes; PNG and fallback are how the page opens."""
    first = {"loss": 2.0, "validation_loss": 2.5, "accuracy": 0.5}
    stills = {
        training_page(History([first, {"loss": loss, "accuracy": loss}]))._static_png()
        for loss in (0.25, 1.0, math.nan)
    }
    assert len(stills) == 1
    other = training_page(History([{**first, "loss": 1.0}, first]))._static_png()
    assert other not in stills


def test_points_held_out_are_in_the_plane_and_marked() -> None:
    model, far = MLP(2, [1], seed=0), ([[9.0, 9.0], [9.0, -9.0]], [1, 0])
    recorder = Recorder(model, moons(samples=6), held_out=far)
    history = fit(model, moons(samples=6), epochs=1, callback=recorder, progress=False)
    made = training_page(history, resolution=3)
    boundary = data_of(made)["boundary"]
    assert [point[3] for point in boundary["points"]] == [0] * 6 + [1] * 2
    assert boundary["points"][-2:] == [[9.0, 9.0, 1, 1], [9.0, -9.0, 0, 1]]
    assert boundary["x"][1] > 9.0
    assert made._static_png() is not None


@pytest.mark.parametrize("limit", [2, 7, 20, 99])
def test_of_many_epochs_the_early_ones_are_denser(limit: int) -> None:
    epochs = training_page(History([{"loss": 1.0}] * 500), limit=limit).epochs
    assert len(epochs) == len(set(epochs)) == limit
    assert (epochs[0], epochs[-1]) == (0, 499)
    if limit >= 8:
        assert epochs[:2] == [0, 1]


def test_without_matplotlib_a_line_stands_in_place_of_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    text = training_page(run(), resolution=3).html()
    assert 'pip install "micrograd-notes[viz]"' in text
    assert "<img" not in text


def test_an_epoch_takes_a_few_kilobytes() -> None:
    history = run()
    whole = len(json.dumps(data_of(training_page(history))))
    fewer = History(history.epochs[:1])
    assert (whole - len(json.dumps(data_of(training_page(fewer))))) / (EPOCHS - 1) < 3000


def test_no_name_is_read_as_markup() -> None:
    attack = "</script><script>hacked()</script>"
    data = Dataset("x", [[0.0, 1.0], [1.0, 0.0]], [0, 1], (attack, "y"), (attack, "<b>"))
    model = MLP(2, [1], seed=0)
    history = fit(model, data, epochs=1, callback=Recorder(model, data), progress=False)
    history.epochs[0][attack] = 1.0
    text = training_page(history, title=attack, resolution=3).html()
    assert "<script>hacked" not in text
    assert text.count("</script>") == 2


def test_making_the_page_changes_nothing() -> None:
    model = MLP(2, [3, 1], seed=0)
    history = fit(model, TRAIN, epochs=2, callback=Recorder(model, TRAIN), progress=False)
    before = [(p.data, p.grad) for p in model.parameters()]
    first, second = (training_page(history, resolution=5).html() for _ in range(2))
    assert first == second
    assert [(p.data, p.grad) for p in model.parameters()] == before


# ---- what is refused, and files ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "options", "error", "message"),
    [
        ([1.0, 2.0], {}, TypeError, "history must be what fit returns, got \\[1.0"),
        (History(), {}, ValueError, "no loss to draw"),
        (History([{"accuracy": 1.0}]), {}, ValueError, "no loss to draw"),
        (History([{"loss": 1.0}]), {"limit": 1}, ValueError, "limit must be a whole number"),
        (History([{"loss": 1.0}]), {"resolution": 1.5}, ValueError, "resolution must be a whole"),
    ],
)
def test_what_does_not_fit_is_refused(
    history: Any, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        training_page(history, **options)


def test_a_page_is_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    saved = page().save(tmp_path / "training.html")
    assert saved.read_text(encoding="utf-8") == page().html()
    with pytest.raises(ValueError, match=r"path must end in .html, got"):
        page().save(tmp_path / "training.png")
    with pytest.raises(OSError, match="Nothing was written"):
        page().save(tmp_path / "missing" / "training.html")
    assert [path.name for path in tmp_path.iterdir()] == ["training.html"]
