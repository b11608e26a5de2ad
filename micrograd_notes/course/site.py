"""`build_course`: renders the notebooks as a web site, with the map of the course as front page.

`micrograd-notes course build` calls it. nbconvert renders the cells, and `template/` has everything
around them. Notebooks are not run: pages show their saved outputs. The site works without a network
or a server, so equations in TeX, which would need MathJax, are refused; the course writes formulas
as code. Read `build_course` first; the functions below are in the order of its calls.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from micrograd_notes.common.checks import flag
from micrograd_notes.common.extras import install
from micrograd_notes.common.files import as_path
from micrograd_notes.course.api import api_pages

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

__all__ = ["build_course"]

TEMPLATE = Path(__file__).parent / "template"
MAP = "README.md"
EXERCISES = "Exercises"
LIST = "made_by_micrograd_notes.txt"
NARROW, PRINTED = 36, 57  # characters per line on a phone: of code, and of what shrinks to 10 px
LIGHT_CODE, DARK_CODE = "xcode", "lightbulb"  # of Pygments; contrasts are 4.5:1 or more

_NEEDS = f"the course needs nbconvert: {install('notebooks')}"


@dataclass(frozen=True)
class Page:
    """One page of the site, and its source.

    The style is kept apart, because nbconvert copies everything in a page, for every page.
    """

    source: Path
    name: str
    """The name of the file, like `01_a_neuron_by_hand.html`."""
    number: str
    """The number of a chapter, like "01"; "" for the map and other Markdown files."""
    title: str
    notebook: Any


def build_course(
    target: str | os.PathLike[str], notebooks: str | os.PathLike[str], *, api: bool = False
) -> Path:
    """Renders a folder of notebooks as a web site in `target`, and returns its front page.

    Every notebook `01_….ipynb` becomes a chapter, and every `.md` file a page; `README.md`, the map
    of the course, is the front page. Links between them become links of the site. The site is built
    in another folder, which is then renamed: if anything fails, the target is unchanged. With
    `api=True` its folder `api/` has the API reference, and every page links to it.

    Raises:
        ImportError: nbconvert is not installed; or, with `api=True`, pdoc.
        TypeError: target or notebooks is not the name of a folder.
        ValueError: the map is missing, a page lacks a title, or a link is broken.
        OSError: the target cannot be written, or this function did not make it.
    """
    if target == "":  # that is the folder that the caller is in
        raise ValueError("target must be the name of a folder, got ''")
    flag("api", api)
    place = as_path(target, "target", "a folder").resolve()
    source = as_path(notebooks, "notebooks", "a folder")
    _check_replaceable(place)
    _check_writable(place)
    pages = _pages_of(source)
    style = _style()
    rendered = [(page, _rendered(page, pages, style, api)) for page in pages]
    copied = {file for page, soup in rendered for file in _linked(page, soup, pages, source)}
    _check_fragments(rendered)
    files = {page.name: str(soup).encode() for page, soup in rendered}
    files |= {file.relative_to(source).as_posix(): file.read_bytes() for file in sorted(copied)}
    files |= api_pages() if api else {}
    return _write_folder(place, files) / pages[0].name


# ---- reading -------------------------------------------------------------------------------------


def _pages_of(source: Path) -> list[Page]:
    """Returns the map, the chapters in order, and the other pages."""
    nbformat = _needed("nbformat")
    if not (source / MAP).is_file():
        raise ValueError(f"notebooks must be a folder with the front page, {MAP}, got {source}")
    texts = sorted(source.glob("*.md"), key=lambda path: (path.name != MAP, path.name))
    pages = []
    for path in texts:
        cell = nbformat.v4.new_markdown_cell(path.read_text(encoding="utf-8"), id="text")
        name = "index.html" if path.name == MAP else f"{path.stem.lower()}.html"
        pages.append(_page(path, name, "", nbformat.v4.new_notebook(cells=[cell])))
    chapters = [
        _page(path, f"{path.stem}.html", path.name[:2], nbformat.read(path, as_version=4))
        for path in sorted(source.glob("[0-9][0-9]_*.ipynb"))
    ]
    return [pages[0], *chapters, *pages[1:]]


def _needed(module: str) -> Any:
    """Returns a module that comes with nbconvert; ImportError if it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(_NEEDS) from error


def _page(path: Path, name: str, number: str, notebook: Any) -> Page:
    first = notebook.cells[0] if notebook.cells else None
    line = first.source.partition("\n")[0] if first and first.cell_type == "markdown" else ""
    if not line.startswith("# "):
        raise ValueError(f"{path.name} needs a title; its first line must be: # Title")
    title = line.removeprefix("# ").replace("`", "").strip()  # without code, for the navigation
    return Page(path, name, number, title, notebook)


# ---- rendering -----------------------------------------------------------------------------------


def _rendered(page: Page, pages: Sequence[Page], style: str, api: bool) -> BeautifulSoup:
    """Returns the page with its navigation; its links are still those of the source."""
    made_of: type[BeautifulSoup] = _needed("bs4").BeautifulSoup
    exporter = _needed("nbconvert").HTMLExporter(
        extra_template_basedirs=[str(TEMPLATE.parent)], template_name=TEMPLATE.name
    )
    reading_order = [each for each in pages if each.number or each is pages[0]]
    place = reading_order.index(page) if page in reading_order else None
    course = {
        "page": page,
        "pages": pages,
        "style": style,
        "api": api,
        "previous": reading_order[place - 1] if place else None,
        "next": None if place is None else next(iter(reading_order[place + 1 :]), None),
    }
    body, _ = exporter.from_notebook_node(page.notebook, resources={"course": course})
    soup = made_of(body, "html.parser")
    _tidy_headings(soup)
    _let_wide_things_scroll(soup)
    _let_lines_wrap(soup)
    _hold_back_answers(soup)
    _refuse_equations(page, soup)
    return soup


def _tidy_headings(soup: BeautifulSoup) -> None:
    """Lists the sections in the page's contents, and removes the ¶ from headings."""
    sections = soup.select_one("ol.sections")
    for heading in soup.select("main :is(h1, h2, h3, h4)"):
        for anchor in heading.select("a.anchor-link"):
            anchor.decompose()
        if heading.name == "h2" and sections is not None and heading.get("id"):
            link = soup.new_tag("a", href=f"#{heading['id']}")
            link.string = heading.get_text()
            item = soup.new_tag("li")
            item.append(link)
            sections.append(item)
    if sections is not None and not sections.contents:
        sections.decompose()


def _let_wide_things_scroll(soup: BeautifulSoup) -> None:
    """Lets wide code and tables scroll on a small screen, by keyboard too."""
    for block in soup.select(".source pre, .text .highlight pre"):
        if max(map(len, block.get_text().splitlines()), default=0) > NARROW:
            block["tabindex"] = "0"
    for table in soup.select("main table"):
        if table.find_parent(tabindex="0") is None:
            table.wrap(soup.new_tag("div", attrs={"class": "scrolls", "tabindex": "0"}))
    # Steppers' tables and guesses are landmarks, but those with the same name would be ambiguous.
    for region in soup.select(".shown :is([role=region], section)"):
        region["role"] = "group"


def _let_lines_wrap(soup: BeautifulSoup) -> None:
    """Marks the lines of formulas and outputs: the style shrinks them, or indents what wraps."""
    for block in soup.select(".printed, .text pre > code"):
        lines = block.get_text().splitlines(keepends=True)
        longest = max(len(line.rstrip()) for line in [*lines, "-"])
        block["style"] = f"--columns: {longest}" if longest <= PRINTED else ""
        if block.find(True) is None:  # else words are coloured, and colours may span lines
            block.clear()
            for line in lines:
                indent = min(len(line) - len(line.lstrip(" ")), 8) + 2
                block.append(soup.new_tag("span", style=f"--indent: {indent}ch", string=line))


def _hold_back_answers(soup: BeautifulSoup) -> None:
    """Puts what follows a guess, up to the next guess, into parts that the style can hide.

    In a section, what is held back includes its later guesses. The next sections keep their
    headings, and what stands below them, which often builds on the answer, is held back up to their
    first guess. A jump to a heading shows it. Exercises tell no answer and stay in view.
    """
    gate: Tag | None = None  # around a guess, its section, and what builds on it in the next ones
    part: Tag | None = None  # takes the next cell
    asks = False  # whether the section has asked
    for cell in _one_heading_per_cell(soup) if soup.select_one("details.guess") else ():
        if (heading := cell.select_one(":scope > h2")) and gate is not None:
            gate.append(cell)
            part, asks = gate, False
            if heading.get_text(strip=True) != EXERCISES:
                part = soup.new_tag("div", attrs={"class": "lead"})
                gate.append(part)
        elif cell.select_one("details.guess"):
            if not asks or part is None:
                part = gate = cell.wrap(soup.new_tag("div", attrs={"class": "gate"}))
            held, asks = soup.new_tag("div", attrs={"class": "held-back"}), True
            part.extend([cell, held])
            part = held
        elif part is not None:
            part.append(cell)


def _one_heading_per_cell(soup: BeautifulSoup) -> list[Tag]:
    """Returns the cells, after those with a heading of a section are divided around it."""
    for heading in soup.select("main > .cell.text > h2"):
        cell = cast("Tag", heading.parent)
        above, below = list(heading.previous_siblings)[::-1], list(heading.next_siblings)
        for rest, insert in ((above, cell.insert_before), (below, cell.insert_after)):
            if any(str(each).strip() for each in rest):
                beside = soup.new_tag("div", attrs={"class": "cell text"})
                beside.extend(rest)
                insert(beside)
    return list(soup.select("main > .cell"))


def _refuse_equations(page: Page, soup: BeautifulSoup) -> None:
    for cell in soup.select(".text"):
        words = "".join(
            text for text in cell.find_all(string=True) if text.find_parent(["code", "pre"]) is None
        )
        found = re.search(r"\$[^$]+\$", words)
        if found:
            raise ValueError(
                f"{page.source.name} has an equation in TeX, {found[0]:.60}, which can't be shown "
                "without a network; write it as code, between backticks or indented"
            )


# ---- links ---------------------------------------------------------------------------------------


def _linked(page: Page, soup: BeautifulSoup, pages: Sequence[Page], source: Path) -> Iterator[Path]:
    """Changes the links of the source to those of the site; yields the files that the page shows.

    A link to a file of the project that is not part of the course becomes plain text.
    """
    names = {each.source.name: each.name for each in pages}
    for tag, attribute in (("a", "href"), ("img", "src")):
        for element in soup.select(f".text {tag}[{attribute}]"):
            address = str(element[attribute])
            parts = urlsplit(address)
            if parts.scheme or not parts.path:
                continue
            file = source / unquote(parts.path)
            if not file.exists():
                raise ValueError(f"{page.source.name} refers to {address}, but {file} is missing")
            inside = file.resolve().is_relative_to(source.resolve()) and file.is_file()
            if file.parent.samefile(source) and file.name in names:
                fragment = f"#{parts.fragment}" if parts.fragment else ""
                element[attribute] = names[file.name] + fragment
            elif inside and file.suffix not in (".py", ".ipynb"):
                yield source.joinpath(os.path.normpath(unquote(parts.path)))
            elif tag == "a":
                element.unwrap()
            else:
                raise ValueError(f"{page.source.name} shows {address}, which is outside {source}")


def _check_fragments(rendered: Sequence[tuple[Page, BeautifulSoup]]) -> None:
    """Raises ValueError for a link to a section that does not exist."""
    places = {
        page.name: {str(each["id"]) for each in soup.select("[id]")} for page, soup in rendered
    }
    for page, soup in rendered:
        for link in soup.select("a[href*='#']"):
            parts = urlsplit(str(link["href"]))
            name, fragment = parts.path or page.name, unquote(parts.fragment)
            if not parts.scheme and fragment not in places[name]:
                raise ValueError(f"{page.source.name} links to #{fragment}, not found in {name}")


# ---- style ---------------------------------------------------------------------------------------


def _style() -> str:
    """Returns the style sheet, with the colours of code for light and dark.

    It is part of each page, because browsers restrict further files if a page is opened from disk.
    """
    formatter = _needed("pygments.formatters").HtmlFormatter
    light, dark = (
        "\n".join(rule for rule in rules.splitlines() if rule.startswith(".highlight ."))
        for style in (LIGHT_CODE, DARK_CODE)
        for rules in [formatter(style=style, nobackground=True).get_style_defs(".highlight")]
    )
    own = (TEMPLATE / "course.css").read_text(encoding="utf-8")
    return f"{own}\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


# ---- writing -------------------------------------------------------------------------------------


def _check_replaceable(place: Path) -> None:
    """Raises OSError if the place is anything other than a site that this file made."""
    if not place.exists():
        return
    if not place.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "this is a file; pass a folder", str(place))
    listing = place / LIST
    made = set(listing.read_text(encoding="utf-8").splitlines()) if listing.is_file() else set()
    for path in sorted(place.rglob("*")):
        if path.is_file() and path != listing and path.relative_to(place).as_posix() not in made:
            raise FileExistsError(
                errno.EEXIST,
                f"it holds {path.relative_to(place)}, which this command did not write, and the "
                "site would replace the folder; pass an empty folder or a new one",
                str(place),
            )


def _check_writable(place: Path) -> None:
    """Raises OSError if no folder can be made beside the place: before all pages are rendered."""
    with _said(place):
        draft = _beside(Path(os.path.realpath(place)))
        draft.mkdir()
        draft.rmdir()


def _beside(target: Path, end: str = "") -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{end}")


@contextmanager
def _said(place: Path) -> Iterator[None]:
    """Says of an OSError which folder can't be written, and what to do."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}; pass a folder that you may write to, in one that exists. Nothing "
            "was written",
            str(place),
        ) from error


def _write_folder(place: Path, files: dict[str, bytes]) -> Path:
    """Writes the files to a new folder beside the place, renames it, and returns the place."""
    target = Path(os.path.realpath(place))  # a link stays a link
    draft, old = _beside(target), _beside(target, ".old")
    try:
        with _said(place):
            _replace(target, draft, old, files)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return place


def _replace(target: Path, draft: Path, old: Path, files: dict[str, bytes]) -> None:
    draft.mkdir()
    for name, content in files.items():
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (draft / LIST).write_text("\n".join([*sorted(files), ""]), encoding="utf-8")
    if target.exists():
        shutil.copymode(target, draft)
        target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
