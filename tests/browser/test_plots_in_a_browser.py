"""A plot in a real browser: in the page's colours, and within its frame at every width."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the plots need the extra viz")

from PIL import Image

from micrograd_notes.draw import figures, plots
from micrograd_notes.draw.page import page
from tests.browser.conftest import Visit


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_plot_has_the_colours_of_its_page_and_fits(
    visit: Callable[..., Visit],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    scheme: int,
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: sent.append(bundle))
    plots.show(plots.loss_curve([2.0, 1.0]))
    shares = [[[1 / (i + 1)] * (i + 1)] * 2 for i in range(7)]
    plots.show(plots.attention_maps(shares, ".prague"))  # two wide triangles
    path = tmp_path / "plots.html"
    path.write_text(page("Plots", "\n".join(each["text/html"] for each in sent)), encoding="utf-8")
    opened = visit(path, width=width, dark=bool(scheme)).page
    curve = opened.locator("img").first
    seen = Image.open(io.BytesIO(curve.screenshot())).convert("RGB")
    colours = np.unique(np.asarray(seen).reshape(-1, 3), axis=0).tolist()
    assert "#" + np.asarray(seen)[2, 2].tobytes().hex() == figures.PAPERS[scheme]
    assert [int(figures.INKS[scheme][at : at + 2], 16) for at in (1, 3, 5)] in colours
    assert curve.bounding_box()["width"] == pytest.approx(
        min(768, width - 38.4),
        abs=1 / 32,  # less the padding; Chromium counts in 64ths of a pixel
    )
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    wide = opened.locator("[tabindex]").nth(1)
    is_wider = wide.evaluate("frame => frame.scrollWidth > frame.clientWidth")
    assert is_wider == (width == 390)
    wide.focus()
    opened.keyboard.press("ArrowRight")
    if is_wider:
        wide.evaluate("frame => new Promise(done => setTimeout(done, 300))")
        assert wide.evaluate("frame => frame.scrollLeft") > 0
