"""Graphs and models in a browser: legible on a phone, inside their frame, dark on a dark page."""

import base64
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import MLP, Value
from micrograd_notes.draw import draw_dot, draw_model
from tests.browser.conftest import Lab, Visit
from tests.draw.conftest import FOUND

Open = Callable[..., Visit]


@pytest.fixture(params=FOUND)
def each_graphviz(request: pytest.FixtureRequest) -> Any:
    """Lets a test draw with one Graphviz, and then with the other."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "pygraphviz":
            patch.setenv("PATH", "")
        yield


def neuron() -> Any:
    """Returns a graph with fills and arrows of both signs and of none, and with a caption."""
    x, w, b = Value(1.0, name="x"), Value(-0.8, name="w"), Value(0.0, name="b")
    y = (x * w + b * 0.0).tanh()
    y.backward()
    return draw_dot(y, partials=True)


def network() -> Any:
    """Returns a graph that is wider than any page."""
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    loss = (model([0.5, -0.25]) - 1.0) ** 2
    loss.backward()
    return draw_dot(loss, model=model, partials=True)


def groups() -> Any:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    loss = sum(((model([0.1 * i, 1.0]) - 1.0) ** 2 for i in range(4)), Value(0.0))
    loss.backward()
    return draw_dot(loss, model=model, limit=30)


def square() -> Any:
    x = Value(3.0, name="x")
    return draw_dot(x * x)


def model() -> Any:
    return draw_model(MLP(2, [6, 4, 1], activation="tanh", seed=0), [0.5, -2.0], names=["a", "b"])


def pixels() -> Any:
    return draw_model(MLP(16, [12, 3], seed=0), [0.1 * i for i in range(16)], image_shape=(4, 4))


DRAWN = [neuron, network, groups, square, model, pixels]


def as_page(picture: Any, folder: Path) -> Path:
    return Path(picture.save(folder / "page.html"))


def as_output(picture: Any, folder: Path) -> Path:
    """Returns a page with what a notebook displays, and nothing else that could help it."""
    path = folder / "output.html"
    shown = picture._repr_mimebundle_()["text/html"]
    path.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8><title>t</title>"
        '<meta name="viewport" content="width=device-width"><main><h1>t</h1>'
        f"<style>:root {{ color-scheme: light dark }} img {{ max-width: 100% }}</style>{shown}",
        encoding="utf-8",
    )
    return path


FRAMES = """() => Array.from(document.querySelectorAll(".picture"), frame => {
  const drawn = frame.querySelector("svg, img");
  if (!drawn || !drawn.getClientRects().length) return null;
  let svg = drawn;
  if (drawn.tagName === "IMG") {
    const bytes = Uint8Array.from(atob(drawn.src.split(",")[1]), c => c.charCodeAt(0));
    svg = new DOMParser().parseFromString(new TextDecoder().decode(bytes), "image/svg+xml")
      .documentElement;
  }
  const scale = drawn.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  const sizes = Array.from(svg.querySelectorAll("text"), text => +text.getAttribute("font-size"));
  const hint = frame.previousElementSibling;
  return {
    letters: Math.min(...sizes) * scale, width: drawn.getBoundingClientRect().width,
    natural: drawn.tagName === "IMG" ? drawn.naturalWidth : svg.width.baseVal.value,
    scrolls: frame.scrollWidth > frame.clientWidth, hint: hint.getBoundingClientRect().height > 8,
    overflow: getComputedStyle(frame).overflowX, frame: frame.clientWidth,
  };
}).filter(Boolean)"""


@pytest.mark.usefixtures("each_graphviz")
@pytest.mark.parametrize(("made", "width"), [
    (as_page, 1280), (as_output, 390),
    *[pytest.param(made, width, marks=pytest.mark.long) for made, width in (
        (as_page, 390), (as_output, 1280), *product((as_page, as_output), (768, 1920))
    )],
])
@pytest.mark.parametrize("drawn", DRAWN)
def test_letters_keep_their_size_and_what_is_wider_scrolls_and_says_so(
    visit: Open, tmp_path: Path, drawn: Callable[[], Any], made: Callable[..., Path], width: int
) -> None:
    page = visit(made(drawn(), tmp_path), width=width).page
    frames = page.evaluate(FRAMES)
    assert frames
    for frame in frames:
        assert frame["letters"] >= 9.99  # a browser rounds a width to a 64th of a pixel
        assert frame["hint"] == frame["scrolls"]
        assert frame["overflow"] == "auto"
        # Larger than its letters need only as far as the page has room.
        assert frame["scrolls"] or frame["width"] <= frame["frame"]
        assert frame["width"] <= frame["natural"] + 1
        assert not frame["scrolls"] or frame["letters"] < 10.1
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("made", [as_page, as_output])
def test_the_keyboard_scrolls_a_picture(
    visit: Open, tmp_path: Path, made: Callable[..., Path]
) -> None:
    page = visit(made(network(), tmp_path), width=390).page
    page.keyboard.press("Tab")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.picture').scrollLeft > 50")


CONTRAST = """paper => {
  const parsed = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [];
  for (const svg of document.querySelectorAll("svg.drawing")) {
    const parts = Array.from(svg.querySelectorAll("path, polygon, polyline, circle, rect, text"));
    const boxes = parts.map(part => part.getBoundingClientRect());
    parts.forEach((part, i) => {
      const style = getComputedStyle(part);
      const {left, right, top, bottom} = boxes[i];
      if (right === left || part.closest(".mark")) return;  // a sign on a circle of its own
      if (part.tagName !== "text") {
        if (style.stroke !== "none") {
          found.push(["mark", part.outerHTML, contrast(parsed(style.stroke), paper)]);
        }
        return;
      }
      const [x, y] = [(left + right) / 2, (top + bottom) / 2];
      let below = paper;
      parts.slice(0, i).forEach((other, j) => {
        const {fill, fillOpacity} = getComputedStyle(other), box = boxes[j];
        if (other.tagName === "text" || fill === "none") return;
        if (x < box.left || x > box.right || y < box.top || y > box.bottom) return;
        below = below.map((c, k) => c + (parsed(fill)[k] - c) * fillOpacity);
      });
      found.push(["text", part.textContent, contrast(parsed(style.fill), below), below]);
    });
  }
  return found;
}"""


def contrasts(page: Any, dark: bool) -> list[Any]:
    """Returns for each text and each stroke what it is, and its contrast to what is behind it."""
    page.evaluate("document.querySelectorAll('[hidden]').forEach(it => { it.hidden = false; })")
    return list(page.evaluate(CONTRAST, [17, 17, 17] if dark else [255, 255, 255]))


@pytest.mark.usefixtures("each_graphviz")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("drawn", DRAWN)
def test_texts_and_lines_stand_out_and_nothing_glares(
    visit: Open, tmp_path: Path, drawn: Callable[[], Any], dark: bool
) -> None:
    found = contrasts(visit(as_page(drawn(), tmp_path), dark=dark).page, dark)
    assert {kind for kind, *_ in found} == {"text", "mark"}
    for kind, what, contrast, *below in found:
        assert contrast >= (4.5 if kind == "text" else 3.0), what
        # A fill behind a text is on the side of the page: pale in the light, deep in the dark.
        assert not below or (sum(below[0]) / 3 < 128) == dark, what


def test_an_image_of_a_notebook_is_dark_on_a_dark_page(visit: Open, tmp_path: Path) -> None:
    """Measured in what is seen, since a style sheet of the page does not reach into an image."""
    brightest = []
    for dark in (False, True):
        page = visit(as_output(square(), tmp_path), dark=dark).page
        shown = base64.b64encode(page.locator(".picture").screenshot()).decode()
        brightest.append(
            page.evaluate(
                """async source => {
                  const image = new Image();
                  image.src = "data:image/png;base64," + source;
                  await image.decode();
                  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
                  canvas.drawImage(image, 0, 0);
                  const bytes = canvas.getImageData(0, 0, image.width, image.height).data;
                  return bytes.filter((byte, i) => i % 4 < 3 && byte > 200).length / bytes.length;
                }""",
                shown,
            )
        )
    light, dark_share = brightest
    assert light > 0.6
    assert dark_share < 0.1  # the letters


# ---- the lines of one circle ---------------------------------------------------------------------


def lit(page: Any) -> tuple[int, int]:
    """Returns the number of lines that are seen, and of those that are dim."""
    lines = page.locator("path[data-ends]")
    dim = page.locator("path[data-ends].dim").count()
    return lines.count() - dim, dim


NEURON = '[data-at="1.2"]'  # 2 lines lead to it, and 4 from it, of 12 + 24 + 4


@pytest.mark.parametrize("made", [as_page, as_output])
def test_pointing_at_a_circle_lights_its_own_lines_and_dims_the_others(
    visit: Open, tmp_path: Path, made: Callable[..., Path]
) -> None:
    page = visit(made(model(), tmp_path)).page
    assert lit(page) == (40, 0)
    words = page.locator("[data-part=words]")
    assert "Point at a circle" in words.inner_text()
    page.locator(NEURON).hover()
    assert lit(page) == (6, 34)
    dim = page.locator("path[data-ends].dim").first
    assert float(dim.evaluate("line => getComputedStyle(line).opacity")) < 0.2
    assert "layers[0].neurons[2] = " in words.inner_text()
    assert "w[1] = " in words.inner_text()
    led_to = [part for part in words.inner_text().split("; ") if part.startswith("to ")]
    assert [part.partition(":")[0] for part in led_to] == [
        f"to layers[1].neurons[{i}]" for i in range(4)
    ], "its outgoing weights have the order of the neurons that they lead to"
    page.mouse.move(1, 1)
    assert lit(page) == (40, 0)


@pytest.mark.parametrize("made", [as_page, as_output])
def test_a_tap_lights_lines_until_the_next_tap(
    visit: Open, tmp_path: Path, made: Callable[..., Path]
) -> None:
    page = visit(made(model(), tmp_path), width=390, has_touch=True).page
    page.locator(NEURON).tap()
    assert lit(page) == (6, 34)
    page.locator("h1").tap()
    assert lit(page) == (40, 0)


def test_the_keyboard_lights_lines_and_its_keys_do_not_leak(visit: Open, tmp_path: Path) -> None:
    page = visit(as_output(model(), tmp_path)).page
    page.evaluate("""() => {
        window.leaked = [];
        addEventListener("keydown", event => window.leaked.push(event.key));
    }""")
    for key in ("Tab", "Tab", *["ArrowRight"] * 5, "ArrowLeft"):  # the frame, the first input, …
        page.keyboard.press(key)
    focused = page.evaluate("document.activeElement.dataset.at")
    assert focused == "1.2"
    assert lit(page) == (6, 34)
    assert "layers[0].neurons[2]" in page.evaluate("document.activeElement.ariaLabel")
    page.keyboard.press("Escape")
    assert lit(page) == (40, 0)
    assert page.evaluate("window.leaked") == ["Tab", "Tab", "Escape"]


def test_two_models_on_a_page_keep_to_themselves(visit: Open, tmp_path: Path) -> None:
    path = as_output(model(), tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + model()._repr_mimebundle_()["text/html"])
    page = visit(path).page
    page.locator(NEURON).last.hover()
    assert lit(page) == (46, 34)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_wrong_with_a_model_in_a_notebook(
    visit: Open, tmp_path: Path, axe_violations: Callable[[Any], list[str]], dark: bool
) -> None:
    page = visit(as_output(model(), tmp_path), dark=dark).page
    assert axe_violations(page) == []
    page.locator(NEURON).focus()
    assert axe_violations(page) == []


def notebook(picture: Any, path: Path) -> Any:
    """Writes a notebook with the picture as its output, as if it had been run."""
    nbformat = pytest.importorskip("nbformat")
    output = nbformat.v4.new_output(
        "execute_result", picture._repr_mimebundle_(), execution_count=1
    )
    cell = nbformat.v4.new_code_cell("picture", outputs=[output], execution_count=1)
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    made = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.write(made, path)
    return made


@pytest.mark.long  # a stepper, which is the same kind of page, is opened in JupyterLab always
def test_a_trusted_notebook_lights_the_lines_of_a_model(lab: Lab, visit: Open) -> None:
    made = notebook(model(), lab.folder / "model_trusted.ipynb")
    lab.trust(made)
    page = visit(lab.url("model_trusted.ipynb"), offline=False).page
    page.locator(NEURON).wait_for(timeout=60_000)
    page.locator(NEURON).focus()
    assert lit(page) == (6, 34)
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.at") == "1.3"
    assert page.locator(".jp-Notebook .jp-Cell").count() == 1


@pytest.mark.long
def test_an_untrusted_notebook_keeps_the_frame(lab: Lab, visit: Open) -> None:
    notebook(network(), lab.folder / "graph_untrusted.ipynb")
    page = visit(lab.url("graph_untrusted.ipynb"), offline=False).page
    image = page.locator(".jp-OutputArea-output .picture img")
    image.wait_for(timeout=60_000)
    frame = image.evaluate(
        "image => [image.parentElement.scrollWidth, image.parentElement.clientWidth,"
        " image.getBoundingClientRect().width, getComputedStyle(image.parentElement).overflowX]"
    )
    assert frame[3] == "auto"
    assert frame[0] > frame[1]
    assert frame[2] >= 1500, "ten pixels per letter"
