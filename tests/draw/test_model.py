"""Pictures of models: every weight is drawn or counted, and drawing leaves the model alone."""

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings, strategies as st

from micrograd_notes import MLP, Layer, Module, Neuron, Value
from micrograd_notes.draw import draw_model
from micrograd_notes.draw.graph.dot import BLUE, GREY, ORANGE, PAPER
from micrograd_notes.draw.model.pieces import DEEP_BLUE, DEEP_ORANGE, INK, brief
from micrograd_notes.draw.model.view import ModelView, model_view

SPACE = "{http://www.w3.org/2000/svg}"


def parsed(picture: Any) -> ElementTree.Element:
    return ElementTree.fromstring(picture.svg())


def told(element: ElementTree.Element) -> str:
    """Returns the tooltip of an element."""
    title = element.find(f"{SPACE}title")
    return "" if title is None else str(title.text)


def lines(picture: Any) -> dict[str, tuple[str, float, bool]]:
    """Returns colour, width and whether it is dashed, of the line of each weight, by its name."""
    found = {}
    for group in parsed(picture).iter(f"{SPACE}g"):
        for path in group.findall(f"{SPACE}path"):
            if "w[" in told(path):
                name, _, _ = told(path).partition(" = ")
                is_dashed = group.get("stroke-dasharray") is not None
                found[name] = group.get("stroke", ""), float(path.attrib["stroke-width"]), is_dashed
    return found


def texts(picture: Any) -> list[str]:
    return [str(text.text) for text in parsed(picture).iter(f"{SPACE}text")]


# ---- what is drawn -------------------------------------------------------------------------------


def test_each_weight_is_a_line_by_sign_and_by_size() -> None:
    neuron = Neuron(4)
    for weight, number in zip(neuron.w, [2.0, -1.0, 0.5, 0.0], strict=True):
        weight.data = number
    drawn = lines(draw_model(neuron))
    positive, negative, small, zero = (drawn[f"w[{i}]"] for i in range(4))
    assert (positive[0], positive[2]) == (BLUE, False)
    assert (negative[0], negative[2]) == (ORANGE, True)
    assert (zero[0], zero[2]) == (GREY, True)
    assert positive[1] > negative[1] > small[1] > zero[1]


def test_lines_have_the_names_and_all_digits_of_the_parameters() -> None:
    model = MLP(3, [4, 2], seed=0)
    picture = draw_model(model)
    named = {n: p.data for n, p in model.named_parameters() if not n.endswith(".b")}
    assert set(lines(picture)) == set(named)
    for name, number in named.items():
        assert f"<title>{name} = {number!r}</title>" in picture.svg()


def test_biases_and_activations_of_a_sample_are_shown() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=1)
    for layer in model.layers:
        for i, neuron in enumerate(layer.neurons):
            neuron.b.data = 0.5 - i
    picture = draw_model(model, [0.25, -2.0])
    answer = model([0.25, -2.0])
    assert f"<title>layers[1].neurons[0] = {answer.data!r}; bias 0.5</title>" in picture.svg()
    hidden = [neuron([0.25, -2.0]).data for neuron in model.layers[0].neurons]
    for number in [0.25, -2.0, *hidden, answer.data]:
        assert brief(number) in texts(picture)
    assert {"b +0.50", "b −0.50", "b −1.50"} <= set(texts(picture))


def test_without_a_sample_a_neuron_shows_the_curve_of_its_activation() -> None:
    assert len(list(parsed(draw_model(MLP(2, [3, 1]))).iter(f"{SPACE}polyline"))) == 4
    assert list(parsed(draw_model(MLP(2, [3, 1]), [1, 2])).iter(f"{SPACE}polyline")) == []


def test_an_activation_that_is_not_defined_everywhere_is_drawn_where_it_is() -> None:
    picture = draw_model(Layer(1, 1, activation="log"))
    (curve,) = parsed(picture).iter(f"{SPACE}polyline")
    assert len(curve.attrib["points"].split()) == 2 * 12  # of 25 places, 12 are above 0


def test_weights_of_pixels_are_small_pictures() -> None:
    model = MLP(6, [3, 1], seed=0)
    picture = draw_model(model, image_shape=(2, 3))
    assert not any(name.startswith("layers[0]") for name in lines(picture))
    assert len(lines(picture)) == 3
    titles = [str(title.text) for title in parsed(picture).iter(f"{SPACE}title")]
    for i in range(3):
        assert f"the weights of layers[0].neurons[{i}]" in titles


def test_a_negative_pixel_has_a_minus_sign_and_a_positive_one_none() -> None:
    def signs(numbers: list[float]) -> int:
        neuron = Neuron(4)
        for weight, number in zip(neuron.w, numbers, strict=True):
            weight.data = number
        picture = parsed(draw_model(neuron, image_shape=(2, 2)))
        group = next(g for g in picture.iter(f"{SPACE}g") if told(g) == "the weights of the neuron")
        strokes = [p for p in group.findall(f"{SPACE}path") if p.get("stroke") == INK]
        return sum(stroke.attrib["d"].count("M") for stroke in strokes)

    assert signs([1.0, 0.5, 1.0, 0.5]) == 0
    assert signs([1.0, -0.5, -1.0, 0.5]) == 2


def test_the_inputs_have_the_names_that_the_reader_gave() -> None:
    model = Neuron(2, seed=0)
    assert {"sun", "a<b"} <= set(texts(draw_model(model, names=("sun", "a<b"))))
    example = [Value(0.5, name="sun"), Value(1.0)]
    assert {"sun", "x[1]"} <= set(texts(draw_model(model, example)))
    assert {"x[0]", "rain"} <= set(texts(draw_model(model, example, names=["x[0]", "rain"])))


def box_of(shape: ElementTree.Element) -> tuple[float, float, float, float]:
    """Returns left, top, right and bottom of a rectangle or a circle."""
    get = {
        key: float(shape.get(key, 0.0)) for key in ("x", "y", "width", "height", "cx", "cy", "r")
    }
    if get["r"]:
        x, y, r = get["cx"], get["cy"], get["r"]
        return x - r, y - r, x + r, y + r
    return get["x"], get["y"], get["x"] + get["width"], get["y"] + get["height"]


@pytest.mark.parametrize("image_shape", [None, (3, 4)])
@pytest.mark.parametrize("sample", [None, [0.5] * 12])
def test_plates_circles_and_pictures_cover_nothing(image_shape: Any, sample: Any) -> None:
    picture = parsed(draw_model(MLP(12, [16, 9], seed=0), sample, image_shape))
    (legend,) = (rect for rect in picture.iter(f"{SPACE}rect") if rect.get("rx") == "5")
    opaque = [
        box_of(shape)
        for shape in picture.iter()
        if shape.tag.removeprefix(SPACE) in ("rect", "circle")
        and shape.get("fill") == PAPER
        and box_of(shape)[1] < box_of(legend)[1]
    ]
    assert len(opaque) >= 2 * 25  # a circle and a plate per neuron
    for i, (left, top, right, bottom) in enumerate(opaque):
        for other in opaque[:i]:
            apart = other[0] >= right or other[2] <= left or other[1] >= bottom or other[3] <= top
            assert apart, (opaque[i], other)


def test_a_picture_of_weights_can_be_seen() -> None:
    picture = parsed(draw_model(MLP(64, [16, 10], seed=0), image_shape=(8, 8)))
    sides = [
        float(rect.attrib["width"])
        for group in picture.iter(f"{SPACE}g")
        if "the weights of" in told(group)
        for rect in group.findall(f"{SPACE}rect")
    ]
    assert len(sides) == 2 * 16
    assert min(sides) * 10 / 11 >= 96, "on a phone, letters of 11 and all else shrink to 10"


# ---- what is hidden ------------------------------------------------------------------------------


@given(
    st.integers(1, 12),
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.integers(2, 9),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_shown_and_hidden_add_up(nin: int, nouts: list[int], limit: int, is_image: bool) -> None:
    model = MLP(nin, nouts, seed=0)
    view = model_view(model, image_shape=(1, nin) if is_image else None, limit=limit)
    assert view.shown_weights + view.hidden_weights == view.total_weights
    assert view.total_weights == sum(
        len(neuron.w) for layer in model.layers for neuron in layer.neurons
    )
    for column in view.columns:
        assert len(column.drawn) + column.hidden == len(column.units)
        is_picture = is_image and column is view.columns[0]
        assert is_picture or len(column.drawn) <= limit
    pixels = len(view.columns[1].drawn) * nin if is_image else 0
    assert len(lines(draw_model_of(view))) + pixels == view.shown_weights
    assert bool(view.notes) == any(column.hidden for column in view.columns)


def draw_model_of(view: ModelView) -> Any:
    from micrograd_notes.draw.model.picture import ModelPicture

    return ModelPicture(view)


def test_what_is_hidden_is_said_in_the_picture_in_words_and_in_the_table() -> None:
    picture = draw_model(MLP(2, [40, 1], seed=0))
    assert picture.notes == (
        "layers[0]: 16 of 40 relu neurons drawn, 24 hidden.",
        "Weights: 48 of 120 drawn, 72 hidden.",
    )
    assert "⋮ 24 more ⋮" in texts(picture)
    for note in picture.notes:
        assert note in texts(picture)
        assert note in picture.view.description
        assert note in picture.html()


# ---- looks ---------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Returns the relative luminance of a colour, as the WCAG defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def test_lines_and_texts_stand_out_on_light_and_on_dark_paper() -> None:
    for paper in ("#ffffff", "#111111"):
        for colour in (BLUE, ORANGE, GREY):
            assert contrast(colour, paper) >= 3.0  # WCAG 2.1, 1.4.11: what graphics need
    for fill in (PAPER, DEEP_BLUE, DEEP_ORANGE):
        assert contrast(INK, fill) >= 4.5  # 1.4.3: what text needs


@pytest.mark.parametrize("image_shape", [None, (3, 4)])
def test_everything_is_inside_the_picture(image_shape: tuple[int, int] | None) -> None:
    picture = parsed(draw_model(MLP(12, [20, 5], seed=0), [0.5] * 12, image_shape, limit=6))
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    for rect in picture.iter(f"{SPACE}rect"):
        x, y, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height


def test_the_picture_says_what_it_is() -> None:
    picture = draw_model(MLP(2, [3, 1], seed=0), [1.0, 2.0])
    root = parsed(picture)
    assert root.get("role") == "img"
    assert [child.tag.removeprefix(SPACE) for child in root][:2] == ["title", "desc"]
    assert root[0].text == "MLP(2, [3, 1])"
    assert str(root[1].text).startswith("2 inputs, 3 relu neurons and 1 linear neuron, with 9")
    assert not any("id" in element.attrib for element in root.iter())
    shown = picture._repr_mimebundle_()
    assert 'src="data:image/svg+xml;base64,' in shown["text/html"]
    assert shown["image/svg+xml"] == picture.svg()


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_number_that_is_not_finite_is_drawn_as_what_it_is(number: float) -> None:
    model = MLP(2, [2, 1], seed=0)
    model.layers[0].neurons[0].w[0].data = number
    model.layers[0].neurons[1].b.data = number
    picture = draw_model(model, [1.0, 2.0])
    assert len(lines(picture)) == 6
    assert f"b {brief(number)}" in texts(picture)


# ---- determinism and independence ----------------------------------------------------------------

PROGRAM = """
from micrograd_notes import MLP
from micrograd_notes.draw import draw_model
model = MLP(16, [20, 3], activation="tanh", seed=0)
print(draw_model(model, [0.1] * 16, limit=5).html(), draw_model(model, image_shape=(4, 4)).svg())
"""


def test_the_same_model_gives_the_same_bytes_without_graphviz_and_with_any_hash_seed() -> None:
    outputs = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PATH": "", "PYTHONIOENCODING": "utf8"}
        command = [sys.executable, "-c", PROGRAM]
        outputs.append(subprocess.run(command, env=environment, capture_output=True, check=True))
    assert outputs[0].stdout == outputs[1].stdout != b""


def test_drawing_leaves_values_and_gradients_as_they_were() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    answer = model([1.0, 2.0])
    answer.backward()
    before = [(p.data, p.grad) for p in model.parameters()]
    x = Value(1.0)
    draw_model(model, [x, 2.0]).html()
    assert [(p.data, p.grad) for p in model.parameters()] == before
    assert not x.has_grad
    answer.backward()  # nothing was changed that the older graph depends on


def test_drawing_records_no_graph() -> None:
    seen: list[Value] = []

    def spy(x: Value) -> Value:
        seen.append(x)
        return x.tanh()

    draw_model(MLP(2, [3, 1], activation=spy, seed=0), [1.0, 2.0]).svg()
    draw_model(MLP(2, [3, 1], activation=spy, seed=0)).svg()
    assert len(seen) == 3 + 3 * 25
    assert all(x.operands == () for x in seen)


# ---- what is refused, and files ------------------------------------------------------------------


class Own(Module):
    def __init__(self) -> None:
        self.inner = MLP(2, [1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"mlp": Own()}, TypeError, r"an MLP, a Layer or a Neuron, got .*Own.*draw the MLP inside"),
        ({"mlp": [MLP(2, [1])]}, TypeError, r"got \[MLP"),
        ({"inputs": [1.0]}, ValueError, "with 2 inputs got 1"),
        ({"inputs": 3.0}, TypeError, "inputs must be a list"),
        ({"image_shape": (2, 2)}, ValueError, r"\(rows, columns\) for MLP with 2 inputs, got"),
        ({"image_shape": (-1, -2)}, ValueError, "each of image_shape must be"),
        (
            {"names": ["sun"]},
            ValueError,
            r"names must be a list of 2 texts, one per.*got \['sun'\]",
        ),
        ({"names": [1, 2]}, TypeError, "each of names must be a text, got 1"),
        ({"names": 3}, TypeError, "names must be a list, got 3"),
        ({"limit": 1}, ValueError, "limit must be a whole number, 2 or more, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw_model(**{"mlp": MLP(2, [1]), **arguments})


class Named(MLP):
    """A learner's own MLP, with what is in it as it was."""


def test_an_mlp_of_the_learners_own_is_drawn_too() -> None:
    assert draw_model(Named(2, [3, 1])).view.title == "Named(2, [3, 1])"


def test_a_picture_is_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    picture = draw_model(Neuron(2, seed=0))
    assert picture.save(tmp_path / "neuron.svg").read_text(encoding="utf-8") == picture.svg()
    page = picture.save(tmp_path / "neuron.html").read_text(encoding="utf-8")
    assert picture.svg().removeprefix("<svg ") in page
    with pytest.raises(ValueError, match=r"path must end in \.svg or \.html, got"):
        picture.save(tmp_path / "neuron.png")
    with pytest.raises(OSError, match="Nothing was written"):
        picture.save(tmp_path / "missing" / "neuron.svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["neuron.html", "neuron.svg"]
