"""Groups of a large picture are opened and closed in a real browser, by mouse and by keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import Value
from micrograd_notes.draw import draw_dot
from micrograd_notes.nn import MLP
from tests.browser.conftest import Visit

Open = Callable[..., Visit]

NEURON = "open layers[0].neurons[1], × 4, 23 values; 8 *, 8 +, 4 tanh, 3 parameters; data "
HOSTILE = "<script>window.caught = 1</script>"


def loss() -> tuple[MLP, Value]:
    """Returns a loss in groups: neurons that can be opened, and a sum that is too large."""
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    samples = [[0.5, -1.0], [1.0, 2.0], [-1.5, 0.5], [2.0, 1.0]]
    total = sum(((model(sample) - 1.0) ** 2 for sample in samples), Value(0.0))
    root = total * sum((Value(float(i)) for i in range(80)), Value(0.0))
    root.name = HOSTILE
    root.backward()
    return model, root


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model, root = loss()
    picture = draw_dot(root, model=model, limit=30)
    return picture.save(tmp_path_factory.mktemp("groups") / "graph.html")


@pytest.fixture
def page(visit: Open, address: Path) -> Any:
    return visit(address).page


def box(page: Any, name: str = NEURON) -> Any:
    return page.get_by_role("button", name=name)


def panels(page: Any) -> list[str]:
    """Returns the headings of the panels that are seen."""
    shown = page.locator("section.inside:visible h2")
    return [str(text) for text in shown.all_inner_texts()]


def focused(page: Any) -> str:
    return str(
        page.evaluate(
            "(document.activeElement.querySelector(':scope > title') ?? document.activeElement)"
            ".textContent"
        )
    )


HEADING = "Inside layers[0].neurons[1]: the first of 4 calls, 8 of its 23 values"


def test_a_click_opens_a_group_and_another_click_closes_it(page: Any) -> None:
    assert panels(page) == []
    box(page).click()
    assert panels(page) == [HEADING]
    assert focused(page) == HEADING
    assert box(page).get_attribute("aria-expanded") == "true"
    drawn = page.locator("section.inside:visible svg .node")
    assert drawn.count() == 10  # 8 values, and the two inputs
    assert drawn.filter(has_text="layers[0].neurons[1].w[1]").count() == 1
    box(page).click()
    assert panels(page) == []
    assert box(page).get_attribute("aria-expanded") == "false"
    assert focused(page).startswith(NEURON)


def test_one_group_at_a_time_is_open(page: Any) -> None:
    box(page).click()
    box(page, NEURON.replace("neurons[1]", "neurons[2]")).click()
    assert panels(page) == [HEADING.replace("neurons[1]", "neurons[2]")]
    assert box(page).get_attribute("aria-expanded") == "false"


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_group_is_reached_opened_and_closed_by_keyboard_alone(page: Any, key: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused(page).startswith(NEURON):
            break
    assert focused(page).startswith(NEURON)
    page.keyboard.press(key)
    assert panels(page) == [HEADING]
    page.keyboard.press("Tab")
    assert focused(page) == "Close"
    page.keyboard.press("Escape")
    assert panels(page) == []
    assert focused(page).startswith(NEURON)
    page.keyboard.press(key)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert panels(page) == []
    assert focused(page).startswith(NEURON)


def test_every_group_is_a_button_with_a_panel_of_its_own(page: Any) -> None:
    boxes = page.locator(".node[role=button]")
    headings = set()
    for index in range(boxes.count()):
        boxes.nth(index).press("Enter")
        (heading,) = panels(page)
        headings.add((boxes.nth(index).get_attribute("data-key"), heading))
    assert len(headings) == boxes.count() > 5


def test_a_group_too_large_says_what_to_do(page: Any) -> None:
    large = page.get_by_role("button", name="too large")
    assert large.count() == 1
    assert "focus=value" in str(large.locator("title").text_content())
    large.click()
    panel = page.locator("section.inside:visible")
    assert "draw_dot(root, focus=value, radius=2)" in str(panel.inner_text())
    assert panel.locator("svg").count() == 0


def test_a_name_does_not_run(page: Any) -> None:
    assert HOSTILE in str(page.locator("h1").inner_text())
    assert page.evaluate("window.caught") is None


def test_two_pictures_on_a_page_keep_to_themselves(
    visit: Open, address: Path, tmp_path: Path
) -> None:
    text = address.read_text(encoding="utf-8")
    start, end = text.index('<div class="groups">'), text.index("</main>")
    both = tmp_path / "two.html"
    both.write_text(text[:end] + text[start:end] + text[end:], encoding="utf-8")
    page = visit(both).page
    box(page).nth(1).click()
    assert panels(page) == [HEADING]
    assert page.locator(".groups").nth(1).locator("section.inside:visible").count() == 1
    assert box(page).nth(0).get_attribute("aria-expanded") == "false"


@pytest.mark.parametrize("width", [1100, 420])
def test_the_page_itself_never_scrolls_sideways(visit: Open, address: Path, width: int) -> None:
    page = visit(address, width=width).page
    box(page).press("Enter")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_wrong(
    visit: Open, address: Path, axe_violations: Callable[[Any], list[str]], dark: bool
) -> None:
    page = visit(address, dark=dark).page
    assert axe_violations(page) == []
    box(page).press("Enter")
    assert axe_violations(page) == []
    page.locator("section.inside:visible summary").click()
    assert axe_violations(page) == []
    page.get_by_role("button", name="too large").press("Enter")
    assert axe_violations(page) == []
