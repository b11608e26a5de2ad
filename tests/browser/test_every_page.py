"""Every page of the course, measured in a real browser: frames, letters, contrast, axe-core.

A page is opened at four widths, light and dark, with everything unfolded, and is measured twice: as
it opens, and with every slider at its end. Shadow roots are measured as well, because steppers and
films live there. A picture in an `<img>` is opened again by itself, as large as the page shows it.
The laws are:

    frame      an element lies inside its cell and the window, unless something around it scrolls;
               nothing is cut off by a frame that doesn't scroll, or by the edge of its picture
    letters    text is at least 10 px tall as shown
    contrast   text has 4.5:1 or more against the colour under it
    axe        axe-core has no objection
    console    the browser reports no error

A run of all cases takes long; each run has every 21st of them. The table at the end
counts what was found. PNGs can't be measured, and are counted there.
"""

import base64
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("nbconvert", reason='the course needs nbconvert: the extra "notebooks"')

from tests.browser.test_course_in_a_browser import PAGES, Open

WIDTHS = (390, 768, 1280, 1920)
CASES = [(name, width, dark) for name in PAGES for width in WIDTHS for dark in (False, True)]
EVERY = 21  # pages have 8 cases, and 8 such steps meet each width in each scheme

MEASURE = r"""
() => {
  const found = [], blamed = new Set();
  const parentOf = (each) => each.assignedSlot ?? each.parentElement ?? each.getRootNode().host;
  const above = (each) => {
    const all = [];
    for (let one = parentOf(each); one; one = parentOf(one)) all.push(one);
    return all;
  };
  const roots = [document];
  const elements = [];
  for (const root of roots) {
    for (const each of root.querySelectorAll("*")) {
      if (each.shadowRoot) roots.push(each.shadowRoot);
      elements.push(each);
    }
  }
  const unseen = "head, script, style, title, desc, metadata, defs, clipPath, marker, mask, symbol";
  const isSeen = (each) =>
    !each.closest(unseen) && each.checkVisibility({visibilityProperty: true});
  const isTiny = (box) => box.width <= 1 || box.height <= 1;  // words for screen readers only
  const name = (each) => {
    const cell = [each, ...above(each)].find((one) => one.id?.startsWith("cell-id="));
    const words = each.textContent.trim().replaceAll(/\s+/g, " ").slice(0, 40);
    const kind = each.getAttribute("class");
    return `${cell ? cell.id.slice(8) + ": " : ""}${each.tagName.toLowerCase()}`
      + `${kind ? "." + kind.split(" ").join(".") : ""} "${words}"`;
  };
  const say = (kind, each, what) => found.push({kind, where: name(each), what});

  // ---- frames
  const SUBPIXEL = 1;  // boxes may end between two pixels
  const outside = (box, frame, too_tall) => Math.max(
    frame.left - box.left, box.right - frame.right,
    too_tall ? Math.max(frame.top - box.top, box.bottom - frame.bottom) : 0,
  );
  const checkFrame = (each) => {
    const box = each.getBoundingClientRect(), around = above(each);
    if (isTiny(box) || around.some((one) => blamed.has(one))) return;
    // The box of a group counts what is clipped away in it; its parts are measured by themselves.
    if (each.tagName === "g" || each.getAttribute("clip-path")) return;
    const isAside = box.right <= 0 && getComputedStyle(each).position === "absolute";
    if (isAside) return;  // a link to skip to the text, until it has the focus
    for (const one of around) {
      const style = getComputedStyle(one), frame = one.getBoundingClientRect();
      if (style.clipPath !== "none" || one.getAttribute?.("clip-path")) return;
      const isLine = style.display === "inline" && one.tagName !== "svg";
      const overflow = isLine ? "visible" : style.overflowX;
      if (overflow === "auto" || overflow === "scroll") return;
      const cuts = overflow === "hidden" || overflow === "clip";
      if (cuts && isTiny(frame)) return;
      if (!cuts && !one.classList?.contains("cell")) continue;
      const by = outside(box, frame, cuts);
      if (by <= SUBPIXEL) { if (cuts) return; continue; }
      blamed.add(each);
      return say("frame", each, `${Math.round(by)} px outside of ${one.tagName.toLowerCase()}`);
    }
    const by = outside(box, {left: 0, right: document.documentElement.clientWidth});
    if (by <= SUBPIXEL) return;
    blamed.add(each);
    say("frame", each, `${Math.round(by)} px outside of the window`);
  };
  for (const each of elements) if (isSeen(each)) checkFrame(each);

  // ---- colours
  const pen = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const known = new Map();
  const rgba = (text) => {
    if (!known.has(text)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = "#0000";
      pen.fillStyle = text;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      known.set(text, [r, g, b, a / 255]);
    }
    return known.get(text);
  };
  const faded = ([r, g, b, a], by) => [r, g, b, a * by];
  const over = (top, under) => {
    const mixed = [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
    return [...mixed, 1];
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((each) => each / 255)
      .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const opacity = (each) => [each, ...above(each)]
    .reduce((all, one) => all * Number(getComputedStyle(one).opacity), 1);
  const white = [255, 255, 255, 1];
  const flatten = (layers) => layers.reduceRight((under, top) => over(top, under), white);
  // From the top: what lies under an element of HTML, and whatever that is in.
  const papers = (each) => {
    const layers = [];
    for (const one of [each, ...above(each)]) {
      const colour = faded(rgba(getComputedStyle(one).backgroundColor), opacity(one));
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers;
  };
  const shapesOf = new Map();
  // From the top: the shapes of a picture that were drawn before the text and hold its middle.
  const shapes = (text) => {
    const picture = text.ownerSVGElement ?? text;
    const outer = [picture, ...above(picture)].filter((one) => one.tagName === "svg").at(-1);
    if (!shapesOf.has(outer)) {
      const all = outer.querySelectorAll("rect, path, polygon, circle, ellipse");
      shapesOf.set(outer, [...all].filter(isSeen));
    }
    const box = text.getBoundingClientRect(), layers = [];
    const middle = new DOMPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
    for (const one of shapesOf.get(outer).toReversed()) {
      const isBefore = text.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING;
      const style = getComputedStyle(one);
      if (!isBefore || style.fill === "none") continue;
      if (!one.isPointInFill(middle.matrixTransform(one.getScreenCTM().inverse()))) continue;
      if (style.fill.startsWith("url")) return null;
      const colour = faded(rgba(style.fill), Number(style.fillOpacity) * opacity(one));
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) return layers;
    }
    return [...layers, ...papers(outer)];
  };

  // ---- text
  const checkText = (each) => {
    const style = getComputedStyle(each);
    const isDrawn = each instanceof SVGElement;
    const matrix = isDrawn ? each.getScreenCTM() : new DOMMatrix();
    const scale = Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c));
    const size = parseFloat(style.fontSize) * scale;
    if (size < 9.99) say("letters", each, `${size.toFixed(1)} px`);
    if (each.closest(":disabled, [aria-disabled=true]")) return;  // WCAG 1.4.3 exempts them
    const under = isDrawn ? shapes(each) : papers(each);
    if (under === null) return;  // a gradient or a pattern
    const hasHalo = isDrawn && style.paintOrder.startsWith("stroke") && style.stroke !== "none";
    const paper = hasHalo ? over(rgba(style.stroke), flatten(under)) : flatten(under);
    const ink = faded(rgba(isDrawn ? style.fill : style.color),
      opacity(each) * (isDrawn ? Number(style.fillOpacity) : 1));
    const ratio = contrast(over(ink, paper), paper);
    if (ratio < 4.5) say("contrast", each, `${ratio.toFixed(2)}:1`);
  };
  for (const each of elements) {
    const hasText = [...each.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
    if (hasText && isSeen(each) && !isTiny(each.getBoundingClientRect())
        && !above(each).some((one) => isTiny(one.getBoundingClientRect())
          && getComputedStyle(one).overflowX !== "visible")) checkText(each);
  }

  // ---- pictures, to be measured by themselves
  const pictures = elements.filter((each) => each.tagName === "IMG" && isSeen(each)).map((each) => {
    const box = each.getBoundingClientRect();
    const [r, g, b] = flatten(papers(each));
    return {source: each.currentSrc, width: box.width, height: box.height, where: name(each),
            paper: `rgb(${r}, ${g}, ${b})`};
  });
  return {found, pictures};
}
"""

UNFOLD = "all => all.forEach(each => each.open = true)"
TO_THE_END = """
() => {
  const roots = [document];
  let count = 0;
  for (const root of roots) {
    for (const each of root.querySelectorAll("*")) {
      if (each.shadowRoot) roots.push(each.shadowRoot);
      if (each.type !== "range") continue;
      each.value = each.max;
      each.dispatchEvent(new Event("input", {bubbles: true}));
      count += 1;
    }
  }
  return count;
}
"""


@dataclass(frozen=True, order=True)
class Found:
    """One breach of a law: which, where on a page, and how far."""

    kind: str
    where: str
    what: str


class Measured:
    """All that was found in this run, for the table at its end."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.examples: dict[str, Counter[str]] = {}

    def add(self, page: str, found: list[Found]) -> None:
        for each in found:
            self.counts[page, each.kind] += 1
            line = f"{page}, {each.where}"
            self.examples.setdefault(each.kind, Counter())[f"{line}: {each.what}"] += 1

    def table(self) -> Iterator[str]:
        """Yields a row per page and a column per law, and the first places of each law."""
        kinds = sorted({kind for _, kind in self.counts})
        yield f"{'':40}" + "".join(f"{kind:>10}" for kind in kinds)
        for page in sorted({page for page, _ in self.counts}):
            yield f"{page:40}" + "".join(f"{self.counts[page, kind]:10}" for kind in kinds)
        for kind, lines in sorted(self.examples.items()):
            yield f"{kind}: {len(lines)} places, such as"
            yield from (f"    {line} (x{count})" for line, count in lines.most_common(5))


@pytest.fixture(scope="module")
def measured(request: pytest.FixtureRequest) -> Iterator[Measured]:
    """Collects what is found; prints a table of it after the last page."""
    collected = Measured()
    yield collected
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        print("", *collected.table(), sep="\n")


Picture = tuple[tuple[str, Any], ...]


def measure(page: Any, known: dict[Picture, list[Found]] | None = None) -> list[Found]:
    """Returns what breaks a law in a page, and in the pictures that it shows.

    `known` keeps what was found in pictures, so that none is measured twice.
    """
    known = {} if known is None else known
    result = page.evaluate(MEASURE)
    found = [Found(**each) for each in result["found"]]
    drawings = [
        each
        for each in result["pictures"]
        if each["source"].startswith("data:image/svg") or each["source"].endswith(".svg")
    ]
    found += [
        Found("not measured", each["where"], "a PNG")
        for each in result["pictures"]
        if each not in drawings
    ]
    if new := [each for each in drawings if tuple(each.items()) not in known]:
        own = page.context.new_page()
        for each in new:
            known[tuple(each.items())] = measure_alone(own, each)
        own.close()
    return found + [breach for each in drawings for breach in known[tuple(each.items())]]


def measure_alone(page: Any, picture: dict[str, Any]) -> list[Found]:
    """Returns what breaks a law in an SVG, drawn as large as the page shows it."""
    source = picture["source"]
    if source.startswith("data:"):
        head, _, data = source.partition(",")
        svg = base64.b64decode(data).decode() if head.endswith("base64") else unquote(data)
    else:
        svg = Path(unquote(urlsplit(source).path)).read_text(encoding="utf-8")
    width, height = picture["width"], picture["height"]
    page.set_viewport_size({"width": math.ceil(width), "height": math.ceil(height)})
    page.set_content(
        f"<style>body {{ margin: 0; background: {picture['paper']} }}"
        f" body > svg {{ display: block; width: {width}px !important;"
        f" height: {height}px !important }}</style>"
        f"{svg[svg.index('<svg') :]}"
    )
    return [
        Found(each["kind"], f"{picture['where']} {each['where']}", each["what"])
        for each in page.evaluate(MEASURE)["found"]
    ]


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [
        pytest.param(
            *case,
            id=f"{case[0]}-{case[1]}-{'dark' if case[2] else 'light'}",
            marks=[] if index % EVERY == 0 else pytest.mark.long,
        )
        for index, case in enumerate(CASES)
    ],
)
def test_a_page_keeps_the_laws(
    visit: Open,
    site: Path,
    axe_violations: Callable[..., list[str]],
    measured: Measured,
    name: str,
    width: int,
    dark: bool,
) -> None:
    opened = visit(site / name, width=width, dark=dark)
    page = opened.page
    page.eval_on_selector_all("main details", UNFOLD)
    pictures: dict[Picture, list[Found]] = {}
    found = measure(page, pictures)
    # axe-core takes most of its time for contrast, which is the same at every width.
    found += [Found("axe", "", each) for each in axe_violations(page, contrast=width == 1280)]
    if page.evaluate(TO_THE_END):
        found += [each for each in measure(page, pictures) if each not in found]
    found += [Found("console", "", each) for each in opened.errors]
    measured.add(name, found)
    broken = sorted({each for each in found if each.kind != "not measured"})
    lines = [f"{each.kind}: {each.where}: {each.what}" for each in broken]
    assert broken == [], "\n".join([f"{len(lines)} places break a law", *lines[:40]])


# ---- the measure itself --------------------------------------------------------------------------

SVG = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 20' style='width: {width}px'>{}</svg>"
)
TEXT = "<text x='5' y='14' font-size='12' fill='{ink}'>words</text>"


def in_shadow(body: str) -> str:
    return f"<div><template shadowrootmode='open'>{body}</template></div>"


def svg(body: str = "", width: int = 200, ink: str = "black") -> str:
    return SVG.format(body + TEXT.format(ink=ink), width=width)


def as_image(drawing: str, width: int) -> str:
    data = base64.b64encode(drawing.encode()).decode()
    return f"<img alt='' src='data:image/svg+xml;base64,{data}' style='width: {width}px'>"


def at(style: str, words: str = "words") -> str:
    return f"<div style='{style}'>{words}</div>"


WIDE_BOX = at("width: 500px")

GOOD = [
    at("overflow-x: auto", WIDE_BOX),
    at("overflow: hidden; width: 1px; height: 1px", WIDE_BOX),
    "<a style='position: absolute; left: -999rem'>skip</a>",
    "<details><summary>closed</summary><p style='width: 500px; font-size: 5px'>words</p></details>",
    at("font-size: 10px"),
    at("color: #767676"),
    at("background: black; color: #aaa", at("background: #fff3")),
    "<button disabled style='color: #ccc'>not now</button>",
    svg(width=100),
    svg("<rect width='100' height='20' fill='black'/>", ink="white"),
    svg("<rect width='2' height='20' fill='black'/>"),
    as_image(svg(), 100),
]

BAD = [
    ("frame", WIDE_BOX),
    ("frame", at("margin-left: -20px")),
    ("frame", in_shadow(WIDE_BOX)),
    ("frame", at("overflow: hidden; width: 100px", WIDE_BOX)),
    ("frame", at("overflow: hidden; height: 10px", at("height: 30px"))),
    ("frame", "<div class='cell' style='width: 100px'><p style='width: 200px'>words</p></div>"),
    ("frame", svg("<rect x='90' width='20' height='9'/>")),
    ("frame", as_image(svg("<rect y='15' width='9' height='9'/>"), 300)),
    ("letters", at("font-size: 9.5px")),
    ("letters", in_shadow(at("font-size: 9.5px"))),
    ("letters", svg(width=80)),
    ("letters", as_image(svg(), 80)),
    ("contrast", at("color: #777")),
    ("contrast", at("opacity: 0.5")),
    ("contrast", at("background: #fff8; color: #ddd")),
    ("contrast", in_shadow(at("background: black", at("color: #333")))),
    ("contrast", svg("<rect width='100' height='20' fill='black'/>")),
    ("contrast", svg("<rect width='100' height='20' fill='black' fill-opacity='0.7'/>")),
    ("contrast", as_image(svg(ink="#aaa"), 200)),
    ("contrast", at("background: #222; color: #fff", as_image(svg(), 200))),
]


def found_in(visit: Open, tmp_path: Path, body: str) -> list[str]:
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>A page</title>"
        f"<body style='margin: 0; background: white; color: black'>{body}</body></html>",
        encoding="utf-8",
    )
    return [f"{each.kind}: {each.what}" for each in measure(visit(path, width=390).page)]


@pytest.mark.parametrize("body", GOOD)
def test_the_measure_accepts_what_is_right(visit: Open, tmp_path: Path, body: str) -> None:
    assert found_in(visit, tmp_path, body) == []


@pytest.mark.parametrize(("kind", "body"), BAD)
def test_the_measure_finds_what_is_wrong(visit: Open, tmp_path: Path, kind: str, body: str) -> None:
    found = found_in(visit, tmp_path, body)
    assert [each.partition(":")[0] for each in found] == [kind], found
