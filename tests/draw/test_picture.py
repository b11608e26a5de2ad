"""A picture can be displayed, piped, rendered and saved, with Graphviz and without."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from micrograd_notes import MLP, Value
from micrograd_notes.draw import Picture, draw_backward, draw_dot, draw_model, rendering, svg

pytestmark = pytest.mark.usefixtures("each_graphviz")

SVG = "{http://www.w3.org/2000/svg}"
SIGNATURES = {
    "png": b"\x89PNG\r\n\x1a\n",
    "pdf": b"%PDF-",
    "svg": b"<svg",
    "html": b"<!doctype html>",
}


@pytest.fixture
def picture() -> Picture:
    x = Value(3.0, name="x")
    root = x * x
    root.name = "<loss>"
    root.backward()
    return draw_dot(root)


@pytest.fixture
def without_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def test_the_svg_is_accessible(picture: Picture) -> None:
    root = ElementTree.fromstring(picture.svg())
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert "<loss>" in (root.get("aria-label") or "")
    assert [element.tag for element in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert "data 9" in (root[1].text or "")
    assert not [element for element in root.iter() if element.get("id")]
    keys = [element.get("data-key") for element in root.iter() if element.get("data-key")]
    assert sorted(key for key in keys if key and "-" not in key) == ["v0", "v1"]
    assert keys.count("v0->v1") == 2


def test_what_has_no_colour_is_called_none_whatever_graphviz_calls_it(picture: Picture) -> None:
    """Style sheets select by `stroke="none"`; Graphviz 2.43 writes "transparent"."""
    assert "transparent" not in picture.svg()
    old = (
        '<svg xmlns="http://www.w3.org/2000/svg"><g><polygon fill="#fafafa" stroke="transparent"/>'
        '<path fill="transparent" stroke="#7a7a7a"/></g></svg>'
    )
    group = ElementTree.fromstring(svg.accessible(old.encode(), "", ""))[2]
    assert [(part.get("fill"), part.get("stroke")) for part in group] == [
        ("#fafafa", "none"),
        ("none", "#7a7a7a"),
    ]


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_pipe_gives_the_bytes_of_a_file(picture: Picture, format: str) -> None:
    assert picture.pipe(format).startswith(SIGNATURES[format])


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "html", "PNG"])
def test_save_goes_by_the_suffix(picture: Picture, tmp_path: Path, suffix: str) -> None:
    path = picture.save(tmp_path / f"g.{suffix}")
    assert path.read_bytes().startswith(SIGNATURES[suffix.lower()])
    assert os.listdir(tmp_path) == [path.name]


def test_dot_text_needs_no_graphviz(
    picture: Picture, tmp_path: Path, without_graphviz: None
) -> None:
    assert picture.save(str(tmp_path / "g.dot")).read_text(encoding="utf-8") == picture.source


def test_render_writes_source_and_picture_as_graphviz_does(
    picture: Picture, tmp_path: Path
) -> None:
    assert picture.render(tmp_path / "gout") == str(tmp_path / "gout.svg")
    assert (tmp_path / "gout").read_text(encoding="utf-8") == picture.source
    assert Path(picture.render(tmp_path / "other", format="png", cleanup=True)).exists()
    assert not (tmp_path / "other").exists()


def test_the_page_needs_nothing_else(picture: Picture) -> None:
    page = picture.html()
    assert page.count("<svg") == 1
    assert "src=" not in page
    assert "href=" not in page
    assert "<h1>Computation graph of &lt;loss&gt;</h1>" in page


@pytest.mark.parametrize("name", ["g", ".svg", "folder/g"])
def test_a_name_without_a_format_is_told_how_to_end(
    picture: Picture, tmp_path: Path, name: str
) -> None:
    """Of a graph, of a model and of a page; nothing is written."""
    stepper = draw_backward(Value(1.0) * 2)
    for drawn, ends in (
        (picture, ".svg or .png or .pdf or .dot or .html"),
        (draw_model(MLP(1, [1])), ".svg or .html"),
        (stepper, ".html"),
    ):
        words = rf"path must end in {ends}, got '.*{name}'$"
        with pytest.raises(ValueError, match=words):
            drawn.save(tmp_path / name)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["g.gif", "folder.svg/"])
def test_an_unknown_suffix_lists_those_that_exist(
    picture: Picture, tmp_path: Path, name: str
) -> None:
    if name == "folder.svg/":
        (tmp_path / name).mkdir()
        with pytest.raises(IsADirectoryError, match="give the name of a file"):
            picture.save(tmp_path / name)
        return
    with pytest.raises(
        ValueError, match=r"path must end in .svg or .png or .pdf or .dot or .html, got"
    ):
        picture.save(tmp_path / name)
    assert not os.listdir(tmp_path)


def test_a_file_that_cannot_be_written_leaves_nothing(
    picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError, match=r"a folder that exists.*missing"):
        picture.save(tmp_path / "missing" / "g.svg")
    old = tmp_path / "g.svg"
    old.write_text("old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"No space left.*g\.svg"):
        picture.save(old)
    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["g.svg"]


# ---- with one Graphviz, the other, or none -----------------------------------------------------


def test_a_notebook_shows_an_image(picture: Picture) -> None:
    bundle = picture._repr_mimebundle_()
    assert bundle["image/svg+xml"] == picture.svg()
    assert '<img src="data:image/svg+xml;base64,' in bundle["text/html"]
    assert 'alt="Computation graph of &lt;loss&gt;. ' in bundle["text/html"]


def test_with_an_empty_path_pygraphviz_draws(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert "image/svg+xml" in picture._repr_mimebundle_()


def test_with_neither_the_display_falls_back(picture: Picture, without_graphviz: None) -> None:
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/vnd.mermaid", "text/plain"}
    assert bundle["text/vnd.mermaid"].startswith("flowchart LR\n")
    assert "<loss>" not in bundle["text/vnd.mermaid"]
    for text in bundle.values():
        assert "micrograd-notes" in text
    assert 'pip install "micrograd-notes[viz]"' in bundle["text/plain"]
    with pytest.raises(ImportError, match=r'pip install "micrograd-notes\[viz\]"'):
        picture.pipe("png")


def test_a_dot_on_the_path_is_used(
    picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "dot"
    program = "import sys\nsys.stdout.write('drawn by ' + sys.argv[1])\n"
    fake.write_text(f"#!{sys.executable}\n{program}")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert picture.pipe("pdf") == b"drawn by -Tpdf"


def test_a_broken_dot_gives_way_to_pygraphviz(
    picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "dot"
    fake.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no plugin')\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert picture.pipe("png").startswith(SIGNATURES["png"])
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RuntimeError, match="no plugin"):
        picture.pipe("png")
    assert "no plugin" in picture._repr_mimebundle_()["text/plain"]


def test_a_display_lays_out_the_graph_once_with_the_bytes_of_both_pictures(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    svg, png = rendering.render(picture.source), rendering.still(picture.source)
    commands, run = [], subprocess.run

    def counted(command: list[str], **more: Any) -> Any:
        commands.append(command)
        return run(command, **more)

    monkeypatch.setattr(subprocess, "run", counted)
    assert rendering.svg_and_still(picture.source) == (svg, png)
    assert set(picture._repr_mimebundle_()) >= {"image/png", "image/svg+xml"}
    assert commands == (2 * [["dot", "-Tsvg", "-Tpng"]] if shutil.which("dot") else [])


def test_bad_dot_text_is_an_error_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="syntax error in line 1"):
        rendering.render("digraph { a -> -> b }")


def test_the_library_prints_nothing(tmp_path: Path) -> None:
    program = "from micrograd_notes import Value, draw; draw.draw_dot(Value(1.0)).pipe('png')"
    finished = subprocess.run(
        [sys.executable, "-c", "import micrograd_notes.draw\n" + program],
        env=os.environ | {"PATH": ""},
        capture_output=True,
        check=True,
    )
    assert finished.stdout + finished.stderr == b""
