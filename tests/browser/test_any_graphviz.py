"""Debian's `dot` and the Graphviz that pygraphviz carries draw the same pages, to the browser.

The two lay out alike but not equally, so positions are left out. What is held equal is each element
of a picture: its kind, its class, its text, whether it is seen, and the colours and the width that
the style sheets give it.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import Value
from micrograd_notes.draw import draw_backward, draw_dot
from micrograd_notes.nn import MLP, Neuron
from tests.browser.conftest import Visit

pytestmark = pytest.mark.skipif(
    shutil.which("dot") is None, reason="no `dot` on the PATH: apt-get install graphviz"
)
Open = Callable[..., Visit]

ELEMENTS = """where => Array.from(document.querySelectorAll(where), host => {
  const root = host.shadowRoot || host;
  return Array.from(root.querySelectorAll("svg *"), element => {
    const style = getComputedStyle(element), box = element.closest("[data-key]");
    return [element.tagName, box ? box.getAttribute("class") : "", box ? box.dataset.key : "",
      element.getAttribute("class") || "",
      element.tagName === "text" || element.tagName === "title" ? element.textContent.trim() : "",
      style.visibility, style.opacity, style.fill, style.stroke, style.strokeWidth,
      style.strokeDasharray].join(" | ");
  });
}).flat()"""
"""Everything in the pictures below some elements, as a reader sees it; positions are left out."""


def neuron() -> Any:
    """Returns a stepper with arrows of both signs, a constant, a square and a parameter's box."""
    unit = Neuron(2, activation="tanh", seed=4)
    output = unit([Value(1.0, name="x1"), Value(-2.0, name="x2")])
    loss = (output - 0.5) ** 2 - output * output * 3.0
    loss.name = "loss"
    return draw_backward(loss, model=unit)


def wrong_sweep() -> Any:
    """Returns two steppers side by side, which part."""
    x = Value(3.0, name="x")
    return draw_backward(x * x + x, wrong="assign")


def groups() -> Any:
    """Returns the page of a graph that is drawn in groups, which open."""
    model = MLP(2, [3, 3, 1], activation="tanh", seed=0)
    loss = (model([1.0, -2.0]) - 1.0) ** 2
    loss.backward()
    return draw_dot(loss, model=model, limit=20)


def by_both(
    page: Callable[[], Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """Returns the page as Debian's `dot` draws it, and as pygraphviz does."""
    with_program, with_library = folder / "program.html", folder / "library.html"
    with monkeypatch.context() as patch:
        patch.setattr("micrograd_notes.draw.rendering._with_pygraphviz", unwanted)
        page().save(with_program)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        page().save(with_library)
    return with_program, with_library


def unwanted(*_: Any) -> bytes:
    raise AssertionError("dot was meant to draw this")


def differences(pages: list[Any], where: str) -> list[Any]:
    """Returns the elements that stand on one of two pages alone."""
    first, second = (Counter(page.evaluate(ELEMENTS, where)) for page in pages)
    assert sum(first.values()) > 20
    return [first - second, second - first]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("drawn", [neuron, wrong_sweep])
def test_the_stepper_is_the_same_by_both(
    visit: Open,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    drawn: Callable[[], Any],
    dark: bool,
) -> None:
    files = by_both(drawn, tmp_path, monkeypatch)
    phases = [step["phase"] for step in drawn().steps]
    pages = [visit(file, dark=dark).page for file in files]
    where = '[data-micrograd-stepper] [data-part="stage"]'
    last = len(phases) - 1
    for step in (0, phases.index("turn"), phases.index("backward"), last):
        for page in pages:
            page.locator("input[type=range]").first.evaluate(
                "(slider, step) => {slider.value = step; slider.dispatchEvent(new Event('input'))}",
                step,
            )
            count = page.locator(".count").first.inner_text()
            assert count == f"Step {step + 1} of {last + 1}"
        assert differences(pages, where) == [Counter(), Counter()], f"step {step + 1}"


@pytest.mark.parametrize("drawn", [neuron, wrong_sweep])
def test_no_sign_is_given_away_before_its_step(
    visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: Callable[[], Any]
) -> None:
    """On the first step nothing that is seen on an arrow has a colour that tells a sign."""
    for file in by_both(drawn, tmp_path, monkeypatch):
        page = visit(file).page
        colours = page.locator('[data-micrograd-stepper] [data-part="stage"]').evaluate(
            """host => Array.from(host.shadowRoot.querySelectorAll(".edge *"), element => {
              const style = getComputedStyle(element);
              return style.visibility === "hidden" ? "hidden" : `${style.fill} ${style.stroke}`;
            })"""
        )
        grey = "rgb(122, 122, 122)"
        assert set(colours) <= {"hidden", f"none {grey}", f"{grey} {grey}"}


def test_groups_and_what_is_in_them_are_the_same_by_both(
    visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [visit(file).page for file in by_both(groups, tmp_path, monkeypatch)]
    for page in pages:
        opener = page.locator('.groups [role="button"]').first
        opener.focus()
        page.keyboard.press("Enter")
        page.locator(".groups .inside svg").first.wait_for()
    assert differences(pages, ".groups") == [Counter(), Counter()]
