"""The API reference in the course's site."""

import re
from pathlib import Path
from types import ModuleType

import pytest

import micrograd_notes
from micrograd_notes.course import api
from micrograd_notes.course.site import build_course


def test_without_pdoc_the_reference_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "api_is_possible", lambda: False)
    with pytest.raises(ImportError, match=re.escape(api.MISSING)):
        api.api_pages()


def test_every_public_name_is_in_the_reference(tmp_path: Path) -> None:
    for needed in ("pdoc", "nbconvert", "hypothesis", "mpmath"):
        pytest.importorskip(needed)
    notebooks, site = tmp_path / "notebooks", tmp_path / "site"
    notebooks.mkdir()
    (notebooks / "README.md").write_text("# The course\n", encoding="utf-8")
    front = build_course(site, notebooks, api=True)
    assert '<a href="api/index.html">' in front.read_text(encoding="utf-8")
    pages = {path.relative_to(site / "api").as_posix() for path in site.glob("api/**/*.html")}
    assert pages == {"index.html", *(f"{room.replace('.', '/')}.html" for room in api.ROOMS)}
    page = (site / "api/micrograd_notes.html").read_text(encoding="utf-8")
    for name in micrograd_notes.__all__:
        thing = getattr(micrograd_notes, name)
        if isinstance(thing, ModuleType):  # a module has a page
            assert thing.__name__ in api.ROOMS
        else:
            assert f'id="{name}"' in page, name
    for path in site.glob("api/**/*.*"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'(?:src|<link[^>]*href)="https?:', text), "it loads from a network"
        assert str(Path(micrograd_notes.__file__).parent) not in text, "a folder of this machine"
    build_course(site, notebooks)  # it replaces what it wrote
    assert not (site / "api").exists()
