"""DOT says what the view says, in the same bytes everywhere, and names mean nothing in it."""

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
    drawn = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-c", PROGRAM]
        finished = subprocess.run(
            command, env=environment, capture_output=True, check=True, cwd=tmp_path
        )
        drawn.append(finished.stdout)
    assert len(drawn[0]) > 10_000
    assert drawn[0] == drawn[1]
