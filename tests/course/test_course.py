"""The course as a web site: its files, its links, and how it takes the place of an older one."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nbconvert", reason='the extra "notebooks" is not installed')
pytest.importorskip("typer", reason="the command line's extra is not installed")

from bs4 import BeautifulSoup
from typer.testing import CliRunner, Result

from micrograd_notes.cli import main as cli
from micrograd_notes.common.extras import install
from micrograd_notes.course import api, site as course
from micrograd_notes.course.site import build_course

nbformat: Any = pytest.importorskip("nbformat", reason='the extra "notebooks" is not installed')

MAP = "# A course\n\nThe map: [one](01_one.ipynb), [its end](01_one.ipynb#cell-id=end).\n"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'


def notebook(*cells: str | tuple[str, list[Any]] | tuple[str, list[Any], str]) -> Any:
    """Returns a notebook: text is Markdown, a tuple is code with its outputs and, if it has one,
    its tag; the last cell is named `end`.
    """
    made = []
    for index, cell in enumerate(cells):
        name = "end" if index == len(cells) - 1 else f"cell-{index}"
        if isinstance(cell, str):
            made.append(nbformat.v4.new_markdown_cell(cell, id=name))
        else:
            tags = {"tags": list(cell[2:])} if cell[2:] else {}
            made.append(nbformat.v4.new_code_cell(cell[0], outputs=cell[1], id=name, metadata=tags))
    language = {"language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=made, metadata=language)


def shown(html: str, kind: str = "display_data") -> Any:
    return nbformat.v4.new_output(kind, {"text/html": html, "text/plain": "words"})


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """A course of two chapters and a page for teachers, and a picture."""
    return written(tmp_path)


def written(place: Path) -> Path:
    """Writes the course, and returns its folder."""
    folder = place / "notebooks"
    folder.mkdir()
    printed = nbformat.v4.new_output("stream", name="stdout", text="1 < 2\n")
    one = notebook(
        "# What is one?\n\nSee [the next](02_two.ipynb#The-answer) and [the code](../engine.py).",
        ("print('1 < 2')", [printed, shown("<p class=seen>displayed</p>")]),
        ("figure", [shown("<p class=seen>a result</p>", "execute_result")]),
        "## The answer\n\nOne.",
    )
    two = notebook(
        "# What is `two`, if x < y?", "![a dot](pictures/dot.svg)", "## The answer\n\nTwo."
    )
    (folder / "pictures").mkdir()
    (folder / "pictures/dot.svg").write_text(PICTURE)
    (folder / "showing.py").write_text("")
    (place / "engine.py").write_text("")
    nbformat.write(one, folder / "01_one.ipynb")
    nbformat.write(two, folder / "02_two.ipynb")
    (folder / "README.md").write_text(MAP)
    (folder / "TEACHING.md").write_text("# For teachers\n\nBack to [the map](README.md).\n")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], BeautifulSoup]:
    """Builds the course, once; a function from the name of a page to the page."""
    place = tmp_path_factory.mktemp("course")
    build_course(place / "site", written(place))
    return lambda name: BeautifulSoup((place / "site" / name).read_text(), "html.parser")


def files_in(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(found)


# ---- what is there -------------------------------------------------------------------------------


def test_every_source_becomes_a_page_and_pictures_come_along(
    notebooks: Path, tmp_path: Path
) -> None:
    front = build_course(tmp_path / "site", notebooks)
    assert front == tmp_path / "site/index.html"
    assert files_in(tmp_path / "site") == [
        "01_one.html",
        "02_two.html",
        "index.html",
        "made_by_micrograd_notes.txt",
        "pictures/dot.svg",
        "teaching.html",
    ]
    assert (tmp_path / "site/pictures/dot.svg").read_text() == PICTURE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["engine.py", "notebooks", "site"]


def test_the_same_notebooks_make_the_same_bytes(notebooks: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        build_course(tmp_path / name, notebooks)
    for name in files_in(tmp_path / "first"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_a_page_shows_cells_and_outputs_in_order(site: Callable[[str], BeautifulSoup]) -> None:
    page = site("01_one.html")
    assert [str(cell["id"]) for cell in page.select("main > .cell")] == [
        "cell-id=cell-0",
        "cell-id=cell-1",
        "cell-id=cell-2",
        "cell-id=end",
    ]
    assert [found.get_text() for found in page.select(".seen")] == ["displayed", "a result"]
    assert [block.get_text() for block in page.select("pre.printed")] == ["1 < 2\n"]
    assert page.select_one(".source .nb"), "code is coloured"
    assert page.html is not None
    assert page.html["lang"] == "en"


def test_nothing_is_fetched_from_elsewhere(site: Callable[[str], BeautifulSoup]) -> None:
    for name in ("index.html", "01_one.html", "02_two.html", "teaching.html"):
        page = site(name)
        asked = [str(tag.get("src") or tag.get("href")) for tag in page.select("[src], link[href]")]
        assert not [address for address in asked if re.match(r"\w+:(?!,)|//", address)]
        assert [script.get("src") for script in page.select("script")] == [None], "the counter"


def test_headings_begin_with_the_question(site: Callable[[str], BeautifulSoup]) -> None:
    headings = site("02_two.html").select("h1, h2, h3")
    assert [(h.name, h.get_text()) for h in headings] == [
        ("h1", "What is two, if x < y?"),
        ("h2", "The answer"),
    ]
    assert site("02_two.html").title is not None
    assert site("02_two.html").select_one("title")
    assert "What is two, if x < y?" in site("02_two.html").select("title")[0].get_text()


# ---- what is folded, held back and wrapped -------------------------------------------------------

GUESS = "<details class='guess' data-micrograd-guess><summary>How many?</summary>4</details>"


def page_of(tmp_path: Path, *cells: Any) -> BeautifulSoup:
    """Returns the page of a chapter of these cells, below a title."""
    folder = tmp_path / "one-chapter"
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text("# A course\n")
    nbformat.write(notebook("# One?", *cells), folder / "01_one.ipynb")
    build_course(tmp_path / "built", folder)
    return BeautifulSoup((tmp_path / "built/01_one.html").read_text(), "html.parser")


def test_a_chapter_says_how_to_run_it_right_at_its_top(
    site: Callable[[str], BeautifulSoup],
) -> None:
    for name in ("01_one.html", "index.html"):
        how = site(name).select_one(".how")
        assert how is not None
        assert "micrograd-notes lab" in how.get_text()
        assert how.find_previous("h1") is None, "above the title"
    assert not site("teaching.html").select(".how"), "there is nothing to run"


def test_code_that_is_plumbing_is_folded(tmp_path: Path) -> None:
    printed = nbformat.v4.new_output("stream", name="stdout", text="seen\n")
    tags = ("plumbing", "other")
    folded, plain = (page_of(tmp_path, ("1 + 1", [printed], tag)) for tag in tags)
    fold = folded.select(".cell.code > details")
    assert [each.get_text(" ", strip=True) for each in fold] == ["Code of this picture 1 + 1"]
    assert not fold[0].has_attr("open")
    assert folded.select(".cell.code > .printed"), "the output stays in view"
    assert not plain.select("details")
    assert plain.select(".cell.code > .source")


def test_what_follows_a_guess_is_held_back_up_to_the_next_guess(tmp_path: Path) -> None:
    """Across headings too, which stay themselves, as exercises do."""
    page = page_of(
        tmp_path,
        "Before.",
        ("guess_first(1)", [shown(GUESS)]),
        "Four it is.",
        ("guess_first(2)", [shown(GUESS)]),
        "Four again.\n\n### A detail\n\nSurely.\n\n## Next\n\nIt was four.\n\n## Then\n\nSo four.",
        "As four was right:",
        ("guess_first(3)", [shown(GUESS)]),
        "Five.",
        "## Exercises\n\n### 1. Add\n\nFree.",
        "## The answer\n\nFour and five.",
    )
    outer, inner, last = page.select(".held-back")
    assert inner in outer.select(".held-back")
    for held, words in (
        (outer, ["Four it is.", "Four again.", "A detail", "Surely."]),
        (inner, ["A detail", "Surely."]),
        (last, ["Five."]),
    ):
        assert all(word in held.get_text() for word in words)
        assert "was" not in held.get_text()
        before = held.find_previous_sibling()
        assert before is not None
        assert before.select("details.guess"), "the style looks at the cell before"
    leads = [" ".join(each.get_text().split()) for each in page.select(".lead")]
    assert leads == ["It was four.", "So four. As four was right:", "Four and five."]
    first, second = page.select("main > .gate")
    assert {outer, *page.select(".lead")[:2]} <= set(first.select(":scope > div"))
    assert {last, page.select(".lead")[2]} <= set(second.select(":scope > div"))
    seen = page.select_one("main")
    assert seen is not None
    for held in page.select(".held-back, .lead"):
        held.extract()
    text = " ".join(seen.get_text(" ").split())
    for each in ("Before.", "Next Then", "Exercises 1. Add Free. The answer"):
        assert each in text


def test_a_page_without_a_guess_holds_nothing_back(site: Callable[[str], BeautifulSoup]) -> None:
    assert not site("01_one.html").select(".held-back")


@pytest.mark.parametrize("made", ["printed", "text"])
def test_lines_of_outputs_and_formulas_are_marked_and_lose_nothing(
    tmp_path: Path, made: str
) -> None:
    text = "first   second\n\n  1.5        2 < 3\n" + 30 * " " + "deep\n"
    printed = nbformat.v4.new_output("stream", name="stdout", text=text)
    indented = "".join(f"    {line}" for line in text.splitlines(keepends=True))
    cell = ("print(table)", [printed]) if made == "printed" else f"A formula:\n\n{indented}"
    (block,) = page_of(tmp_path, cell).select(".printed, .text pre > code")
    assert block.get_text().rstrip() == text.rstrip(), "Markdown drops the last newline"
    assert block["style"] == "--columns: 34"
    indents = [str(line["style"]) for line in block.select("span")]
    assert indents == [f"--indent: {n}ch" for n in (2, 2, 4, 10)]


def test_lines_that_no_phone_can_show_keep_their_size(tmp_path: Path) -> None:
    for length, style in ((57, "--columns: 57"), (58, "")):
        printed = nbformat.v4.new_output("stream", name="stdout", text=length * "x" + "\n")
        (block,) = page_of(tmp_path, ("print(x)", [printed])).select(".printed")
        assert block["style"] == style


# ---- links ---------------------------------------------------------------------------------------


def links(page: BeautifulSoup, within: str) -> list[tuple[str, str]]:
    return [
        (" ".join(link.get_text().split()), str(link["href"]))
        for link in page.select(f"{within} a")
    ]


def test_links_of_the_source_are_links_of_the_site(site: Callable[[str], BeautifulSoup]) -> None:
    assert links(site("index.html"), ".text") == [
        ("one", "01_one.html"),
        ("its end", "01_one.html#cell-id=end"),
    ]
    assert links(site("teaching.html"), ".text") == [("the map", "index.html")]
    assert links(site("01_one.html"), ".text") == [("the next", "02_two.html#The-answer")]
    assert "and the code." in site("01_one.html").get_text(), "no link, as it is no page"
    assert site("02_two.html").select(".text img")[0]["src"] == "pictures/dot.svg"


def test_chapters_lead_to_each_other(site: Callable[[str], BeautifulSoup]) -> None:
    assert links(site("index.html"), ".turn") == [("Next 01 What is one?", "01_one.html")]
    assert links(site("01_one.html"), ".turn") == [
        ("Previous A course", "index.html"),
        ("Next 02 What is two, if x < y?", "02_two.html"),
    ]
    assert links(site("02_two.html"), ".turn") == [("Previous 01 What is one?", "01_one.html")]
    assert links(site("teaching.html"), ".turn") == []


def test_the_contents_know_where_one_is(site: Callable[[str], BeautifulSoup]) -> None:
    assert links(site("02_two.html"), ".contents") == [
        ("A course", "index.html"),
        ("01 What is one?", "01_one.html"),
        ("02 What is two, if x < y?", "02_two.html"),
        ("The answer", "#The-answer"),
        ("For teachers", "teaching.html"),
    ]
    here = site("02_two.html").select(".contents [aria-current=page]")
    assert [str(link["href"]) for link in here] == ["02_two.html"]


# ---- mistakes in the source ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gone](03_gone.ipynb)", "README.md refers to 03_gone.ipynb, but "),
        ("![gone](pictures/gone.svg)", "README.md refers to pictures/gone.svg"),
        ("![beyond](../engine.py)", "README.md shows ../engine.py, which is outside"),
        ("[where](02_two.ipynb#Nowhere)", "README.md links to #Nowhere, not found in 02_two.html"),
        ("[where](#nowhere)", "README.md links to #nowhere, not found in index.html"),
        ("Let $x^2$ be.", "README.md has an equation in TeX, $x^2$"),
    ],
)
def test_a_mistake_in_a_page_is_named_and_nothing_is_built(
    notebooks: Path, tmp_path: Path, text: str, words: str
) -> None:
    (notebooks / "README.md").write_text(f"{MAP}\n{text}\n")
    with pytest.raises(ValueError, match=re.escape(words)):
        build_course(tmp_path / "site", notebooks)
    assert not (tmp_path / "site").exists()


def test_dollars_in_code_are_no_equation(notebooks: Path, tmp_path: Path) -> None:
    (notebooks / "README.md").write_text(f"{MAP}\n`$a` and `$b`\n\n    echo $c $d\n")
    build_course(tmp_path / "site", notebooks)


@pytest.mark.parametrize("source", ["No heading", "", "## A section"])
def test_a_page_without_a_title_is_refused(notebooks: Path, tmp_path: Path, source: str) -> None:
    (notebooks / "TEACHING.md").write_text(source)
    with pytest.raises(ValueError, match=r"TEACHING\.md needs a title; its first line must be: #"):
        build_course(tmp_path / "site", notebooks)


def test_a_course_without_a_map_is_refused(notebooks: Path, tmp_path: Path) -> None:
    (notebooks / "README.md").unlink()
    with pytest.raises(ValueError, match=r"notebooks must be a folder with the front page, README"):
        build_course(tmp_path / "site", notebooks)


def test_a_folder_without_a_name_is_refused(notebooks: Path) -> None:
    with pytest.raises(ValueError, match="target must be the name of a folder, got ''"):
        build_course("", notebooks)  # it would replace the folder that the caller is in


# ---- the place of an older site ------------------------------------------------------------------


def test_a_site_is_replaced_by_the_next_one(notebooks: Path, tmp_path: Path) -> None:
    build_course(tmp_path / "site", notebooks)
    (notebooks / "02_two.ipynb").unlink()
    (notebooks / "01_one.ipynb").unlink()
    (notebooks / "README.md").write_text("# A shorter course\n")
    build_course(tmp_path / "site", notebooks)
    assert "pictures/dot.svg" not in files_in(tmp_path / "site")
    assert "A shorter course" in (tmp_path / "site/index.html").read_text()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_link_to_a_site_stays_a_link_and_the_folder_keeps_its_mode(
    notebooks: Path, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real").chmod(0o700)
    (tmp_path / "site").symlink_to("real")
    for _ in range(2):
        build_course(tmp_path / "site", notebooks)
        assert (tmp_path / "site").is_symlink()
        assert (tmp_path / "real/index.html").exists()
        assert (tmp_path / "real").stat().st_mode & 0o777 == 0o700
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_an_empty_folder_is_taken(notebooks: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    build_course(tmp_path / "site", notebooks)
    assert (tmp_path / "site/index.html").exists()


@pytest.mark.parametrize("name", ["thesis.txt", "pictures/cat.svg", ".git"])
def test_a_folder_that_holds_something_else_is_left_alone(
    notebooks: Path, tmp_path: Path, name: str
) -> None:
    build_course(tmp_path / "site", notebooks)
    (tmp_path / "site" / name).write_text("mine")
    before = files_in(tmp_path)
    with pytest.raises(FileExistsError, match=re.escape(name)):
        build_course(tmp_path / "site", notebooks)
    assert files_in(tmp_path) == before


def test_a_file_in_the_place_is_left_alone(notebooks: Path, tmp_path: Path) -> None:
    (tmp_path / "site").write_text("mine")
    with pytest.raises(NotADirectoryError, match="pass a folder"):
        build_course(tmp_path / "site", notebooks)
    assert (tmp_path / "site").read_text() == "mine"


@pytest.mark.parametrize("which", ["write_bytes", "rename"])
def test_when_the_disk_fails_the_old_site_stays(
    notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    build_course(tmp_path / "site", notebooks)
    before = {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)}
    works = getattr(Path, which)

    def fails(path: Path, argument: Any) -> Any:
        # a late file, or the move of the finished draft: the old site has made way already
        is_last_move = which == "rename" and Path(argument).name == "site"
        if path.name == "teaching.html" or (is_last_move and not path.name.endswith(".old")):
            raise OSError(28, "No space left on device")
        return works(path, argument)

    monkeypatch.setattr(Path, which, fails)
    with pytest.raises(OSError, match="No space left on device; pass a folder"):
        build_course(tmp_path / "site", notebooks)
    assert {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)} == before


# ---- the command line ----------------------------------------------------------------------------


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def test_the_command_builds_and_says_where(
    notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "notebooks_or_fail", lambda: notebooks)
    monkeypatch.setattr(api, "api_is_possible", lambda: False)
    result = run("course", "build", str(tmp_path / "site"))
    assert result.exit_code == 0, result.output
    assert result.stdout == f"built: {tmp_path / 'site/index.html'}\n"
    assert result.stderr == f"{api.MISSING}\n"
    assert "Example: micrograd-notes course build site/" in run("course", "build", "-h").stdout


def test_where_it_cannot_write_it_says_so(
    notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "notebooks_or_fail", lambda: notebooks)
    result = run("course", "build", str(tmp_path / "none/site"))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert re.fullmatch(
        r"micrograd-notes: can't write the folder .*none/site: No such file or directory; pass a "
        r"folder that you may write to, in one that exists\. Nothing was written\n",
        result.stderr,
    )
    assert "Traceback" not in result.output


def test_an_installed_package_has_no_notebooks_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "micrograd_notes/cli/main.py"))
    result = run("course", "build", str(tmp_path / "site"))
    assert result.exit_code == 1
    assert "the notebooks are not part of the installed package" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["nbformat", "nbconvert", "bs4"])
def test_without_nbconvert_it_says_what_to_install(
    notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(cli, "notebooks_or_fail", lambda: notebooks)
    monkeypatch.setitem(sys.modules, missing, None)
    result = run("course", "build", str(tmp_path / "site"))
    assert result.exit_code == 1
    assert install("notebooks") in result.stderr
    assert not (tmp_path / "site").exists()


def test_the_template_is_part_of_the_package() -> None:
    assert {"conf.json", "index.html.j2", "course.css"} <= set(files_in(course.TEMPLATE))
