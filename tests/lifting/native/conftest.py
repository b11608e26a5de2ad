"""C by hand, and a cache of its own, for each test of this folder."""

from pathlib import Path

import pytest

pytest.importorskip("numpy")

from tests.lifting.native.by_hand import printed


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MICROGRAD_NOTES_BACKEND", "CC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MICROGRAD_NOTES_CACHE", str(tmp_path / "cache"))
    printed(monkeypatch)
    return tmp_path / "cache"


@pytest.fixture
def as_printed(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    """Lets the C be that of the compiler itself."""
    monkeypatch.undo()
    monkeypatch.setenv("MICROGRAD_NOTES_CACHE", str(own_cache))
    monkeypatch.delenv("MICROGRAD_NOTES_BACKEND", raising=False)
