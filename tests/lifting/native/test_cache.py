"""The cache runs nothing that another user, or an accident, may have put there."""

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd_notes.lifting.native import cache, compiler
from tests.lifting.native.by_hand import needs_cc, squares

pytestmark = [needs_cc, pytest.mark.skipif(os.name != "posix", reason="C runs on POSIX only")]

X, Y = np.array([[1.0, 2.0, 3.0, 4.0], [0.5, 0.0, -1.0, 2.0]]), np.array([1.0, -2.0])


def runs_in_c() -> None:
    """Asserts that a program runs in C, with the right numbers."""
    program = squares()
    loss, gradient = program.value_and_grad(program.parameters(), X, Y)
    assert program.backend == "c"
    assert loss == pytest.approx(10.40625, rel=1e-15)
    assert gradient == pytest.approx([4.875, 9.0, 12.75, 19.5], rel=1e-15)


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    really = compiler._said

    def counted(command: Any, *rest: str) -> str:
        made.extend([] if "--version" in command else ["once"])
        return really(command, *rest)

    monkeypatch.setattr(compiler, "_said", counted)
    return made


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix == ".so")


def test_a_program_is_compiled_once_and_is_private(
    own_cache: Path, compilations: list[str]
) -> None:
    runs_in_c()
    runs_in_c()
    assert compilations == ["once"]
    [file] = files(own_cache)
    assert stat.S_IMODE(own_cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def replaced(file: Path, content: bytes) -> None:
    """Writes another file in its place: what was loaded is still the old one, as it must be."""
    file.unlink()
    file.write_bytes(content)


def changed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    replaced(file, bytes(content))


def cut(file: Path) -> None:
    replaced(file, file.read_bytes()[:100])


def linked(file: Path) -> None:
    other = file.with_name("other")
    file.rename(other)
    file.symlink_to(other)


def writable(file: Path) -> None:
    file.chmod(0o666)


def fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("poison", [changed, cut, linked, writable, fifo])
def test_a_poisoned_file_is_not_loaded_and_made_anew(
    poison: Any, own_cache: Path, compilations: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    runs_in_c()
    [file] = files(own_cache)
    poison(file)
    with caplog.at_level(logging.WARNING):
        runs_in_c()
    assert compilations == ["once"] * 2
    assert "a compiled program in" in caplog.text
    assert [stat.S_IMODE(file.lstat().st_mode) for file in files(own_cache)] == [0o600]


def test_a_file_of_another_user_is_not_loaded(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runs_in_c()
    with cache.opened(own_cache) as folder:
        key = files(own_cache)[0].name[:64]
        assert folder.find(key)
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert folder.find(key) is None
    assert "belongs to another user" in caplog.text


@pytest.mark.parametrize("poison", ["open to all", "open to the group", "a link", "a file"])
def test_a_folder_that_others_can_write_to_is_not_used(
    poison: str, own_cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if poison == "a file":
        own_cache.write_text("")
    elif poison == "a link":
        (tmp_path / "elsewhere").mkdir(0o700)
        own_cache.symlink_to(tmp_path / "elsewhere")
    else:
        own_cache.mkdir()
        own_cache.chmod(0o777 if poison == "open to all" else 0o770)
    with caplog.at_level(logging.WARNING):
        runs_in_c()
    assert "compiled programs are not kept in" in caplog.text
    assert not own_cache.is_dir() or not list(own_cache.iterdir())


def test_a_folder_that_was_exchanged_for_another_is_still_the_one_that_was_checked(
    own_cache: Path, tmp_path: Path
) -> None:
    runs_in_c()
    key = files(own_cache)[0].name[:64]
    with cache.opened(own_cache) as folder:
        own_cache.rename(tmp_path / "moved")
        own_cache.mkdir()
        (own_cache / files(tmp_path / "moved")[0].name).write_text("not a library")
        path = folder.find(key)
        assert path is not None
        if path.startswith("/proc"):
            assert Path(path).read_bytes() != b"not a library"


def test_the_cache_can_be_off_or_full(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    monkeypatch.setenv("MICROGRAD_NOTES_CACHE", "off")
    runs_in_c()
    assert not own_cache.exists()
    monkeypatch.setenv("MICROGRAD_NOTES_CACHE", "/dev/null/folder")  # which can't be made
    runs_in_c()
    assert len(compilations) == 2


@pytest.mark.parametrize("call", ["open", "rename"])
def test_where_a_program_can_not_be_kept_it_is_compiled_once_and_nothing_is_left(
    own_cache: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """As in a folder that is full, deleted meanwhile, or only to be read."""
    really, failed = getattr(os, call), list[Any]()

    def fails(*arguments: Any, **options: Any) -> Any:
        if str(arguments[0]).endswith(".draft") and not failed:
            failed.append(arguments)
            raise OSError(28, "No space left on device")
        return really(*arguments, **options)

    monkeypatch.setattr(os, call, fails)
    runs_in_c()
    assert failed
    assert compilations == ["once"]
    assert [*own_cache.iterdir()] == []


def test_the_oldest_programs_go_first(own_cache: Path) -> None:
    with cache.opened(own_cache) as folder:
        for k in range(4):
            folder.keep(f"{k:064}", b"x" * 100)
            name = next(own_cache.glob(f"{k:064}*"))
            os.utime(name, (k, k))
        (own_cache / "mine.txt").write_text("stays")
        assert folder.find(f"{0:064}")  # it was used, so it is the newest
        assert folder.trim(250) == 2
        assert [name[:64] for *_, name in folder.files()] == [f"{3:064}", f"{0:064}"]
        assert folder.trim(0) == 2
    assert [path.name for path in own_cache.iterdir()] == ["mine.txt"]


def test_the_command_shows_and_clears_it(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("typer")
    from micrograd_notes.cli.main import main

    def said(*arguments: str) -> str:
        with pytest.raises(SystemExit):
            main(["cache", *arguments])
        return "".join(capsys.readouterr())

    runs_in_c()
    assert said() == f"{own_cache}: 1 program, 0.0 MB\n"
    assert said("--clear") == f"{own_cache}: removed 1 program\n"
    assert said() == f"{own_cache}: 0 programs, 0.0 MB\n"
    own_cache.chmod(0o777)
    assert "others can write to" in said()
    monkeypatch.setenv("MICROGRAD_NOTES_CACHE", "off")
    assert said().startswith("there is no cache")


def test_where_the_folder_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MICROGRAD_NOTES_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "micrograd-notes"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the standard says to ignore it
    assert cache.folder() in [
        Path.home() / place / "micrograd-notes" for place in (".cache", "Library/Caches")
    ]


def test_the_key_is_of_source_compiler_flags_and_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    compilers = [compiler.Compiler(("cc",), version) for version in ("1", "2")]
    keys = {compiler.key_of("a", one, ("-O2",)) for one in compilers}
    keys |= {compiler.key_of("b", compilers[0], ("-O2",))}
    keys |= {compiler.key_of("a", compilers[0], ("-O3",))}
    monkeypatch.setattr(compiler, "machine", lambda: "another one")
    keys |= {compiler.key_of("a", compilers[0], ("-O2",))}
    assert len(keys) == 5


def test_two_processes_compile_the_same_program_at_once(own_cache: Path) -> None:
    code = (
        "import sys, pytest; from tests.lifting.native import test_cache as t, by_hand;"
        "m = pytest.MonkeyPatch(); by_hand.printed(m); t.runs_in_c()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(files(own_cache)) >= 1
    assert not list(own_cache.glob("*.draft"))
