"""What is published says one thing: the home, its links, versions, licences, and the map."""

import doctest
import re
import runpy
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import micrograd_notes
from micrograd_notes.common.moved import new_path
from micrograd_notes.engine import TABLE
from tests.test_layers import LEVEL, room_of

ROOT = Path(__file__).parents[1]
package = SimpleNamespace(**runpy.run_path(str(ROOT / "benchmarks/package.py")))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HOME = PROJECT["urls"]["Homepage"]
RAW = HOME.replace("https://github.com/", "https://raw.githubusercontent.com/")
PAGES = [
    ROOT / name
    for name in ("README.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md", "CITATION.cff")
]
OF_GITHUB = ("issues", "security", "commits", "releases", "#")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def links(text: str) -> list[str]:
    """Returns the targets of the links and pictures of Markdown."""
    return re.findall(r"\]\(\s*([^)\s]+)\s*\)", text)


def wrong_links(text: str) -> list[str]:
    """Returns the links that would break on a page that is shown somewhere else."""
    wrong = []
    for link in links(text):
        if not link.startswith("https://"):
            wrong.append(f"{link} is not absolute")
        elif link.startswith((HOME, RAW)):
            path = re.sub(r"^/?((blob|tree)/)?main/", "", link.removeprefix(HOME).removeprefix(RAW))
            if not (ROOT / path).exists() and not path.lstrip("/").startswith(OF_GITHUB):
                wrong.append(f"{link} leads to no file")
        elif "micrograd_notes" in link or "micrograd-notes" in link:
            wrong.append(f"{link} is not below {HOME}")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_are_absolute_and_lead_to_files_that_exist(page: Path) -> None:
    assert wrong_links(page.read_text(encoding="utf-8")) == []


def test_a_link_that_would_break_is_found() -> None:
    assert wrong_links("[a](LICENSE)") == ["LICENSE is not absolute"]
    assert wrong_links(f"![a]({RAW}/main/no.svg)") == [f"{RAW}/main/no.svg leads to no file"]
    other = "https://github.com/someone/micrograd_notes"
    assert wrong_links(f"[a]({other})") == [f"{other} is not below {HOME}"]


def test_there_is_one_home() -> None:
    assert all(url.startswith(HOME) for url in PROJECT["urls"].values())
    assert f"repository-code: {HOME}\n" in read("CITATION.cff")
    assert f"git clone {HOME} && cd {HOME.rpartition('/')[2]}\n" in read("README.md")


def test_relative_links_of_the_map_lead_to_files_that_exist() -> None:
    for link in links(package.MAP.read_text(encoding="utf-8")):
        assert (package.PACKAGE / link).exists(), link


def test_versions_agree() -> None:
    version = micrograd_notes.__version__
    assert f"version: {version}\n" in read("CITATION.cff")
    assert f"## [{version}]" in read("CHANGELOG.md")


def test_the_changelog_lists_every_import_path_that_moved() -> None:
    row = r"\| `micrograd_notes\.(\S+)` \| `micrograd_notes\.(\S+)` \|"
    moves = re.findall(row, read("CHANGELOG.md"))
    assert len(moves) > 25
    assert [(old, new_path(old)) for old, _ in moves] == moves


def test_the_map_has_every_room_in_the_order_of_imports() -> None:
    text = package.MAP.read_text(encoding="utf-8").partition("## The rooms")[2]
    rooms = [name.removesuffix(".py") for name in re.findall(r"(?m)^\| \[`([^`]+)`\]", text)]
    there = {room_of(file).partition(".")[0] for file in package.PACKAGE.rglob("*.py")}
    assert sorted(rooms) == sorted(there - {"__init__", "__main__"})
    assert [LEVEL[room] for room in rooms] == sorted(LEVEL[room] for room in rooms)


def test_the_readme_names_every_room_that_a_user_needs() -> None:
    text = read("README.md").partition("## The rooms")[2].partition("\n## ")[0]
    rooms = re.findall(r"(?m)^\| \[`([^`]+)`\]", text)
    mapped = package.MAP.read_text(encoding="utf-8").partition("## The rooms")[2]
    assert rooms == [r for r in re.findall(r"(?m)^\| \[`([^`]+)`\]", mapped) if r != "common"]


def test_the_numbers_of_the_map_are_those_of_the_files() -> None:
    text = package.MAP.read_text(encoding="utf-8")
    assert text == package.written(text, package.table()), (
        "run: python benchmarks/package.py --write"
    )


def test_lines_of_code_are_counted_as_said() -> None:
    prose, comment = '"""Prose.\n\nMore.\n"""\n\n', "# why\n"
    function = 'def f(\n    x,\n):\n    """Prose."""\n    return x  # so\n'
    assert package.lines_of_code(prose + comment + function) == 4
    assert package.lines_of_code('x = """a\n\nb"""\n') == 3  # a text is no docstring


def test_the_source_of_all_data_has_its_licence() -> None:
    """A data set of scikit-learn, or a list of names, has a row in LICENSES.md."""
    loader = re.compile(
        r"\b(fetch_\w+|make_(?:moons|circles|blobs|classification|regression)|"
        r"load_(?:digits|iris|wine|breast_cancer|diabetes|linnerud|sample_images?)|"
        r"available_timezones)\b"
    )
    used: dict[str, str] = {}
    for folder in ("micrograd_notes", "notebooks", "benchmarks", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".ipynb") and path != Path(__file__):
                text = path.read_text(encoding="utf-8")
                used |= dict.fromkeys(loader.findall(text), str(path.relative_to(ROOT)))
    assert {"load_digits", "load_iris", "available_timezones"} <= used.keys()
    licences = read("LICENSES.md")
    assert {name: path for name, path in used.items() if f"`{name}`" not in licences} == {}


def test_no_font_and_nothing_from_a_network_is_in_the_pages() -> None:
    for path in package.PACKAGE.rglob("*"):
        if path.suffix in (".css", ".js", ".html", ".j2"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"@font-face|@import|<script[^>]*src=|<link[^>]*href=\"http", text)


def test_the_workflow_runs_every_python_that_the_package_names() -> None:
    named = {
        each.rpartition(" :: ")[2]
        for each in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", each)
    }
    matrix = re.search(r"(?m)^ +python: \[(.*)\]$", read(".github/workflows/tests.yml"))
    assert matrix
    assert set(re.findall(r'"([\d.]+)"', matrix[1])) == named


def test_the_first_operation_of_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("numpy", "mpmath", "graphviz"):
        pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)
    guide = str(ROOT / ".github/CONTRIBUTING.md")
    failed, tried = doctest.testfile(guide, module_relative=False, encoding="utf-8")
    TABLE.pop("softsign2", None)  # the other tests see the built-in rows alone
    assert tried >= 10
    assert failed == 0
