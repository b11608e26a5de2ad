"""DOT says what the view says, in the same bytes everywhere, and names mean nothing in it."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from micrograd_notes import Value, topological_order
from micrograd_notes.draw import draw_dot

SVG = "{http://www.w3.org/2000/svg}"

NASTY = [
    "<script>alert(1)</script>",
    "a|{b}\\n\\N\\G\\l<c>",
    "\"quoted\" 'and' `more`",
    "&lt;b&gt; &amp; &#65;",
    "<b>bold</b>",
    "<<table>>",
    "größe 🎉 ∂",
    "]]>--><!--",
    "\\",
    '\\"',
]


def texts_of(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.usefixtures("each_graphviz")
@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_drawn_literally(name: str) -> None:
    x = Value(3.0, name=name)
    root = x * x
    root.name = name
    picture = draw_dot(root)
    assert texts_of(picture.svg()).count(name) == 2
    tooltips = [t.text or "" for t in ElementTree.fromstring(picture.svg()).iter(f"{SVG}title")]
    assert sum(name in tooltip for tooltip in tooltips) == 3  # the picture's own and two boxes'
    assert "<script" not in picture.svg() + picture.html()
    assert len(list(ElementTree.fromstring(picture.svg()).iter(f"{SVG}g"))) == 1 + 2 + 2


@pytest.mark.usefixtures("each_graphviz")
def test_characters_that_cannot_be_drawn_are_replaced() -> None:
    x = Value(3.0, name="two\nlines\0\x1b\ud800\u202e")
    assert "two↵lines␀␛\ufffd\ufffd" in texts_of(draw_dot(x).svg())


def test_there_is_an_edge_for_each_operand() -> None:
    x = Value(2.0, "x")
    root = (x * x + x).tanh()
    edges = sum(len(value.operands) for value in topological_order(root))
    assert draw_dot(root).source.count(" -> ") == edges == 5


@pytest.mark.usefixtures("each_graphviz")
def test_numbers_and_signs_are_there() -> None:
    x, y = Value(-3.0, "x"), Value(2.0, "y")
    root = x * y
    before = texts_of(draw_dot(root).svg())
    assert before.count("–") == 3
    assert not any("▲" in text or "▼" in text for text in before)
    root.backward()
    after = texts_of(draw_dot(root).svg())
    assert {"▲ +2", "▼ -3", "-6", "▲ +1"} <= set(after)
    assert "–" not in after


@pytest.mark.usefixtures("each_graphviz")
def test_infinities_and_nan_are_drawn() -> None:
    x = Value(float("inf"), "x")
    root = x - x
    root.backward()
    assert {"inf", "nan"} <= set(texts_of(draw_dot(root, partials=True).svg()))


def test_shapes_tell_kinds_apart() -> None:
    source = draw_dot(Value(1.0, "x") * 2.0).source
    assert "shape=box" in source
    assert "shape=note" in source
    assert "rounded" in source


def test_operands_are_kept_in_order_where_that_matters() -> None:
    a, b = Value(1.0), Value(2.0)
    assert "ordering=in" in draw_dot(a - b).source
    assert "ordering=in" not in draw_dot(a + b).source


def corners(svg: str, kind: str) -> list[tuple[float, float]]:
    """Returns the left and the right end of each box whose first text is the kind."""
    found = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        texts = [text.text or "" for text in group.findall(f"{SVG}text")]
        if group.get("class") == "node" and texts[0].strip() == kind:
            outline = group.find(f"{SVG}polygon")
            assert outline is not None
            xs = [float(corner.split(",")[0]) for corner in outline.attrib["points"].split()]
            found.append((min(xs), max(xs)))
    return found


@pytest.mark.usefixtures("each_graphviz")
@pytest.mark.parametrize("numbers", [(0.0, 1.0), (-0.123456, 2.0), (1e-9, -12345.6), (3.0, 0.5)])
def test_leaves_of_a_column_have_the_same_ends_whatever_is_in_them(
    numbers: tuple[float, float],
) -> None:
    named = zip("abcd", (*numbers, 1.0, 0.0), strict=True)
    leaves = [Value(number, name=name) for name, number in named]
    root = leaves[0] * leaves[1] + leaves[2] * leaves[3]
    root.backward()
    ends = corners(draw_dot(root).svg(), "leaf")
    assert len(ends) == 4
    for left, right in ends:
        # Less than the width of a line; a bold letter may be wider than was reckoned.
        assert abs(left - ends[0][0]) < 1
        assert abs(right - ends[0][1]) < 1


@pytest.mark.usefixtures("each_graphviz")
def test_a_name_that_is_very_long_does_not_widen_the_others() -> None:
    x = Value(1.0, name="x")
    narrow, wide = draw_dot(x * Value(2.0)).svg(), draw_dot(x * Value(2.0, name="w" * 39)).svg()
    (before,), ((left, right), _) = corners(narrow, "leaf")[:1], corners(wide, "leaf")
    assert right - left < before[1] - before[0] + 20


@pytest.mark.usefixtures("each_graphviz")
@pytest.mark.parametrize("power", [2, 3])
def test_labels_of_arrows_are_not_on_top_of_each_other(power: int) -> None:
    x = Value(2.0, name="x")
    root = x * x
    for _ in range(power):
        root = root * x + root * root
    root.backward()
    labels = []
    for group in ElementTree.fromstring(draw_dot(root, partials=True).svg()).iter(f"{SVG}g"):
        label = group.find(f"{SVG}text")
        if group.get("class") == "edge" and label is not None:
            assert float(label.attrib["font-size"]) >= 10
            labels.append((float(label.attrib["x"]), float(label.attrib["y"])))
    assert len(labels) == 2 + 6 * power
    for i, (x0, y0) in enumerate(labels):
        for x1, y1 in labels[:i]:
            assert abs(x0 - x1) > 15 or abs(y0 - y1) >= 12, "a line of text is 12 high"


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_the_direction_is_taken_over(rankdir: str) -> None:
    assert f"rankdir={rankdir}" in draw_dot(Value(1.0).exp(), rankdir=rankdir).source


def test_an_unknown_direction_or_format_lists_those_that_exist() -> None:
    with pytest.raises(ValueError, match="rankdir must be one of LR, TB, RL, BT, got 'XY'"):
        draw_dot(Value(1.0), rankdir="XY")
    with pytest.raises(ValueError, match="format must be one of svg, png, pdf, got 'gif'"):
        draw_dot(Value(1.0), format="gif")


PROGRAM = """
import sys
from micrograd_notes.draw import draw_dot
from micrograd_notes.nn import MLP
model = MLP(2, [3, 1], seed=1)
losses = [(model([i / 10, -i / 7]) - 1.0) ** 2 for i in range(4)]
loss = sum(losses) + sum(p * p for p in model.parameters())
loss.backward()
pictures = draw_dot(loss, model=model), draw_dot(loss, limit=20), draw_dot(losses[0], partials=True)
for picture in pictures:
    sys.stdout.write(picture.source + picture.svg() + picture.html())
"""


@pytest.mark.usefixtures("each_graphviz")
def test_two_processes_draw_the_same_bytes(tmp_path: Path) -> None:
    """This one and another one, whose sets have another order."""
    here = io.StringIO()
    with contextlib.redirect_stdout(here):
        exec(PROGRAM, {})
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, check=True, cwd=tmp_path,
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
    ).stdout.decode()
    assert len(there) > 10_000
    assert here.getvalue() == there
