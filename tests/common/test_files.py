"""Laws of writing: a file is there whole or as it was, and stays what its name stands for."""

import errno
import multiprocessing
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from micrograd_notes import Value
from micrograd_notes.common import files
from micrograd_notes.common.files import DRAFT, write_whole
from micrograd_notes.draw import draw_dot, draw_model
from micrograd_notes.draw.graph.picture import Picture
from micrograd_notes.draw.training.page import training_page
from micrograd_notes.nn import MLP
from micrograd_notes.nn.saving import save_model
from micrograd_notes.train.loop import History

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="links, modes and FIFOs of POSIX"),
    # Python and JAX warn of a fork beside the threads that another test has left. The children
    # here do nothing but write a file.
    pytest.mark.filterwarnings("ignore:.*fork"),
]

OLD, NEW = b"old " * 100, b"new " * 50_000
fork = multiprocessing.get_context("fork")


def in_a_small_process(work: Callable[..., None], *arguments: Any) -> None:
    """Calls a function where a fork is cheap: here it would copy what other tests have imported."""
    child = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    child.start()
    child.join()
    assert child.exitcode == 0, "its traceback is on the error stream"


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}{DRAFT}")


@pytest.fixture
def private_umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


# ---- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("exists", [True, False], ids=["target", "dangling"])
@pytest.mark.parametrize("links", [1, 3], ids=["link", "chain"])
@pytest.mark.parametrize("relative", [True, False], ids=["relative", "absolute"])
def test_a_symbolic_link_stays_one_and_its_target_is_written(
    tmp_path: Path, exists: bool, links: int, relative: bool
) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "target"
    if exists:
        target.write_bytes(OLD)
    led_to = target
    for i in range(links):
        link = tmp_path / f"link{i}"
        link.symlink_to(os.path.relpath(led_to, tmp_path) if relative else led_to)
        led_to = link
    assert write_whole(led_to, NEW) == led_to
    assert target.read_bytes() == NEW
    assert all((tmp_path / f"link{i}").is_symlink() for i in range(links))
    assert names(target.parent) == ["target"]


def test_a_link_to_a_folder_on_the_way_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real" / "within").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "within")
    write_whole(tmp_path / "link" / ".." / "file", NEW)  # `..` is the parent of where it leads
    assert (tmp_path / "real" / "file").read_bytes() == NEW


def test_links_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "far").symlink_to("missing/file")
    with pytest.raises(OSError, match=r"symbolic links; .*Nothing was written.*/a'"):
        write_whole(tmp_path / "a", NEW)
    with pytest.raises(FileNotFoundError, match=r"a folder that exists.*far"):
        write_whole(tmp_path / "far", NEW)
    assert names(tmp_path) == ["a", "b", "far"]
    assert (tmp_path / "a").is_symlink()


def test_of_hard_links_only_this_name_gets_the_new_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    (tmp_path / "other").hardlink_to(path)
    write_whole(path, NEW)
    assert (path.read_bytes(), (tmp_path / "other").read_bytes()) == (NEW, OLD)


def saved_model(path: Path) -> None:
    save_model(MLP(2, [1]), path)


def saved_picture(path: Path) -> None:
    draw_dot(Value(2.0) * 3.0).save(path)


def saved_network(path: Path) -> None:
    draw_model(MLP(2, [1])).save(path)


def saved_page(path: Path) -> None:
    training_page(History([{"loss": 2.0}, {"loss": 1.0}])).save(path)


def rendered(path: Path) -> None:
    picture: Picture = draw_dot(Value(2.0) * 3.0)
    picture.render(path.with_suffix(""), "svg")


@pytest.mark.parametrize(
    ("save", "suffix"),
    [
        (saved_model, "json"),
        (saved_picture, "svg"),
        (saved_picture, "dot"),
        (saved_network, "html"),
        (saved_page, "html"),
        (rendered, "svg"),
    ],
)
def test_whatever_is_saved_goes_through_links_and_keeps_the_mode(
    tmp_path: Path, save: Callable[[Path], None], suffix: str
) -> None:
    target, link = tmp_path / "target", tmp_path / f"link.{suffix}"
    target.write_bytes(OLD)
    target.chmod(0o640)
    link.symlink_to("target")
    save(link)
    assert link.is_symlink()
    assert target.read_bytes() != OLD
    assert mode_of(target) == 0o640
    target.chmod(0o440)
    before = target.read_bytes()
    with pytest.raises(PermissionError, match="read-only"):
        save(link)
    assert target.read_bytes() == before


def test_the_command_line_writes_into_a_fifo_and_respects_a_read_only_file(tmp_path: Path) -> None:
    typer_testing = pytest.importorskip("typer.testing")
    from micrograd_notes.cli.main import app

    def draw(path: Path) -> Any:
        return typer_testing.CliRunner().invoke(app, ["draw", "a*2", "a=1", "-o", str(path)])

    fifo, got = tmp_path / "pipe.dot", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()), daemon=True)
    reader.start()
    assert draw(fifo).exit_code == 0
    reader.join(timeout=30)
    assert b"digraph" in got[0]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    path = tmp_path / "picture.dot"
    path.write_bytes(OLD)
    path.chmod(0o444)
    result = draw(path)
    assert result.exit_code == 1
    assert "the file is read-only; make it writable (chmod u+w)" in result.stderr
    assert path.read_bytes() == OLD


# ---- mode and owner ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o664, 0o755, 0o200, 0o622])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int, private_umask: None) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(mode)
    write_whole(path, NEW)
    assert mode_of(path) == mode
    path.chmod(0o600)
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_any_new_file_has(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        (tmp_path / "plain").write_text("")
        write_whole(tmp_path / "ours", b"")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "ours") == mode_of(tmp_path / "plain") == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o444, 0o400, 0o555, 0o000, 0o466])
def test_a_read_only_file_is_respected_even_by_root(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(mode)
    with pytest.raises(PermissionError, match=r"read-only; make it writable \(chmod u\+w\).*file'"):
        write_whole(path, NEW)
    assert mode_of(path) == mode
    path.chmod(0o600)
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["file"]


def test_nobody_else_can_read_the_draft_of_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, modes = tmp_path / "file", []
    path.write_bytes(OLD)
    path.chmod(0o600)
    real = shutil.copystat

    def looked_at(source: Any, draft: Path) -> None:
        modes.append(mode_of(draft))
        real(source, draft)
        modes.append(mode_of(draft))

    monkeypatch.setattr(shutil, "copystat", looked_at)
    write_whole(path, NEW)
    assert modes == [0o600, 0o600]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    os.chown(path, 1234, 4321)
    write_whole(path, NEW)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


# ---- what is not a regular file ------------------------------------------------------------------


def test_a_fifo_is_written_into(tmp_path: Path) -> None:
    fifo, got = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()), daemon=True)
    reader.start()
    write_whole(fifo, NEW)
    reader.join(timeout=30)
    assert got == [NEW]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names(tmp_path) == ["fifo"]


def device(folder: Path, name: str) -> Path:
    """Returns a device that a faulty save may destroy: for root a new one, as root may do that."""
    real = Path("/dev", name)
    if not real.exists():
        pytest.skip(f"there is no {real}")
    if os.geteuid() != 0:
        return real
    made = folder / name
    try:
        os.mknod(made, stat.S_IFCHR | 0o666, real.stat().st_rdev)
        made.open("wb").close()
    except OSError:
        pytest.skip("no device can be made here")
    return made


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    null, link = device(tmp_path, "null"), tmp_path / "link"
    link.symlink_to(null)
    before = null.stat().st_ino
    for path in (null, link):
        write_whole(path, NEW)
    assert stat.S_ISCHR(null.stat().st_mode)
    assert null.stat().st_ino == before
    assert link.is_symlink()


def test_a_device_that_refuses_is_named_and_the_damage_is_not_denied(tmp_path: Path) -> None:
    full = device(tmp_path, "full")
    with pytest.raises(OSError, match=r"No space left.*A part of it may have been written.*full'"):
        write_whole(full, NEW)


def test_a_socket_is_refused_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(OSError, match=r"Nothing was written.*socket'"):
            write_whole("socket", NEW)
        assert stat.S_ISSOCK(Path("socket").stat().st_mode)


PRINTS = """
import sys
from micrograd_notes.common.files import write_whole
print("before", flush=True)
write_whole(sys.argv[1], b"content\\n")
print("after", flush=True)
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "itself"])
@pytest.mark.parametrize("to", ["file", "pipe"])
def test_what_a_process_prints_to_is_written_into(tmp_path: Path, name: str, to: str) -> None:
    if name != "itself" and not Path(name).exists():
        pytest.skip(f"there is no {name}")
    if (name, to) == ("itself", "pipe"):
        pytest.skip("a pipe has no name")
    out, link = tmp_path / "out", tmp_path / "link"  # a faulty save may destroy a link, not /dev
    link.symlink_to(out if name == "itself" else name)
    command = [sys.executable, "-c", PRINTS, str(link)]
    with out.open("wb") as file:
        ran = subprocess.run(
            command, stdout=file if to == "file" else subprocess.PIPE, timeout=60, check=True
        )
    assert (out.read_bytes() if to == "file" else ran.stdout) == b"before\ncontent\nafter\n"
    assert link.is_symlink()
    assert names(tmp_path) == ["link", "out"]


# ---- places that cannot be written ---------------------------------------------------------------


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(FileNotFoundError, match=r"a folder that exists.*missing/model.json'"):
        write_whole(tmp_path / "missing" / "model.json", NEW)
    with pytest.raises(NotADirectoryError, match=r"file/model.json'"):
        write_whole(tmp_path / "file" / "model.json", NEW)
    for folder in (tmp_path, "/", "", ".."):
        with pytest.raises(IsADirectoryError, match=r"give the name of a file.*Nothing was"):
            write_whole(folder, NEW)
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("path", [None, 3, b"bytes", "nul\0byte", "\ud800", ["a"]])
def test_what_is_not_the_name_of_a_file_is_refused(path: Any) -> None:
    with pytest.raises(TypeError, match="path must be the name of a file"):
        write_whole(path, NEW)


@pytest.mark.parametrize("length", [230, 232, 233, 255])
@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_name_may_be_as_long_as_names_may_be(tmp_path: Path, length: int, letter: str) -> None:
    name = letter * (length // len(letter.encode()))
    path = tmp_path / name
    write_whole(path, OLD)
    write_whole(path, NEW)
    assert path.read_bytes() == NEW
    assert names(tmp_path) == [name]


def test_a_longer_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"File name too long; .*Nothing was written") as caught:
        write_whole(tmp_path / ("a" * 256), NEW)
    assert caught.value.errno == errno.ENAMETOOLONG
    assert names(tmp_path) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="a child becomes another user")
def test_another_users_folder_and_file_are_respected(tmp_path: Path) -> None:
    def as_nobody(work: Callable[[], object]) -> str:
        """Returns the error that a user without rights meets."""
        receiving, sending = fork.Pipe()

        def become_nobody() -> None:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            try:
                work()
                sending.send("no error")
            except OSError as error:
                sending.send(str(error))

        child = fork.Process(target=become_nobody)
        child.start()
        child.join(timeout=30)
        assert child.exitcode == 0
        return str(receiving.recv())

    folder = Path("/tmp") / f"another-user-{os.getpid()}"  # nobody can enter pytest's own folder
    folder.mkdir()
    try:
        (folder / "closed").mkdir(mode=0o755)
        (folder / "closed" / "file").write_bytes(OLD)
        (folder / "closed" / "file").chmod(0o666)
        (folder / "open").mkdir()
        (folder / "open").chmod(0o777)
        (folder / "open" / "file").write_bytes(OLD)  # its mode is 644, and it is root's
        assert "a folder that exists and that you may write to. Nothing was written" in as_nobody(
            lambda: write_whole(folder / "closed" / "new", NEW)
        )
        assert "Permission denied" in as_nobody(
            lambda: write_whole(folder / "closed" / "file", NEW)
        )
        assert "read-only" in as_nobody(lambda: write_whole(folder / "open" / "file", NEW))
        # what is left of root's killed process is in the way, and is named
        draft_of(folder / "open" / "mine").write_bytes(b"left")
        told = as_nobody(lambda: write_whole(folder / "open" / "mine", NEW))
        assert f"remove {draft_of(folder / 'open' / 'mine')}, which is in the way" in told
        assert (folder / "closed" / "file").read_bytes() == OLD
        assert (folder / "open" / "file").read_bytes() == OLD
        assert names(folder / "closed") == ["file"]
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def full_disk(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(OLD)
    monkeypatch.setattr(os if broken == "fsync" else Path, broken, full_disk)
    with pytest.raises(OSError, match=r"No space left on device; .*Nothing was written"):
        write_whole(path, NEW)
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["file"]


# ---- drafts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [b"", b"half of a longer file" * 10])
@pytest.mark.parametrize("exists", [True, False])
def test_what_a_kill_left_is_removed_by_the_next_save(
    tmp_path: Path, left: bytes, exists: bool
) -> None:
    path = tmp_path / "file"
    if exists:
        path.write_bytes(OLD)
    draft_of(path).write_bytes(left)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_a_trap_in_place_of_the_draft_is_named_and_not_written_through(tmp_path: Path) -> None:
    path, victim = tmp_path / "file", tmp_path / "victim"
    victim.write_bytes(OLD)
    traps: list[Callable[[Path], Any]] = [
        lambda draft: draft.symlink_to(victim),
        lambda draft: draft.symlink_to("missing"),
        lambda draft: draft.mkdir(),
        os.mkfifo,
    ]
    for trap in traps:
        trap(draft_of(path))
        with pytest.raises(OSError, match=rf"remove .*{DRAFT}, which is in the way. Nothing was"):
            write_whole(path, NEW)
        assert names(tmp_path) == [draft_of(path).name, "victim"]
        draft_of(path).rmdir() if draft_of(path).is_dir() else draft_of(path).unlink()
    draft_of(path).hardlink_to(victim)
    write_whole(path, NEW)
    assert victim.read_bytes() == OLD


def write_again_and_again(path: Path, content: bytes, until: float) -> None:
    while time.monotonic() < until:
        write_whole(path, content)


@pytest.mark.parametrize("workers", [pytest.param(2, marks=pytest.mark.long), 4])
def test_processes_that_write_the_same_file_leave_it_whole(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "file"
    contents = [bytes([ord("a") + i]) * (1000 + 70_000 * i) for i in range(workers)]
    write_whole(path, contents[0])
    until = time.monotonic() + 1.0
    writers = [
        fork.Process(target=write_again_and_again, args=(path, content, until))
        for content in contents
    ]
    for writer in writers:
        writer.start()
    met = set()
    while any(writer.is_alive() for writer in writers):
        met.add(path.read_bytes())
    assert [writer.exitcode for writer in writers] == [0] * workers
    assert met <= set(contents)
    assert len(met) > 1
    assert names(tmp_path) == ["file"]


def test_threads_that_write_the_same_file_leave_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([ord("a") + i]) * 100_000 for i in range(4)]
    until = time.monotonic() + 1.0
    threads = [
        threading.Thread(target=write_again_and_again, args=(path, content, until))
        for content in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["file"]


# ---- kills ---------------------------------------------------------------------------------------

REPLACED_AND_NEW = pytest.mark.parametrize(
    "old",
    [pytest.param(OLD, id="replaced"), pytest.param(None, id="new", marks=pytest.mark.long)],
)


def assert_old_or_new(path: Path, old: bytes | None, new: bytes) -> None:
    """Checks what a kill left, and that the next save removes it."""
    assert (path.read_bytes() if path.exists() else None) in (old, new)
    assert set(names(path.parent)) <= {path.name, draft_of(path).name}
    write_whole(path, b"next")
    assert path.read_bytes() == b"next"
    assert names(path.parent) == [path.name]


@pytest.mark.parametrize("old", [OLD, None], ids=["replaced", "new"])
def test_a_hundred_kills_leave_an_old_or_a_new_file(tmp_path: Path, old: bytes | None) -> None:
    in_a_small_process(kill_fifty_times, tmp_path / "file", old)


def kill_fifty_times(path: Path, old: bytes | None) -> None:
    for i in range(50):
        path.unlink(missing_ok=True)
        if old is not None:
            write_whole(path, old)
        writer = fork.Process(target=write_again_and_again, args=(path, NEW, time.monotonic() + 60))
        writer.start()
        time.sleep(i * 0.0005)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        assert_old_or_new(path, old, NEW)


@REPLACED_AND_NEW
def test_a_kill_at_every_call_leaves_an_old_or_a_new_file(
    tmp_path: Path, old: bytes | None
) -> None:
    """Before and after each call of a function in C: all calls of the system are among them."""
    in_a_small_process(kill_at_every_call, tmp_path / "file", old)


def kill_at_every_call(path: Path, old: bytes | None) -> None:
    def write_and_die(at: int) -> None:
        calls = 0

        def die_at_a_call(_frame: Any, event: str, _function: Any) -> None:
            nonlocal calls
            calls += event.startswith("c_")
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(die_at_a_call)
        write_whole(path, NEW)
        sys.setprofile(None)

    left = set()
    for at in range(1, 2000):
        path.unlink(missing_ok=True)
        if old is not None:
            path.write_bytes(old)
        child = fork.Process(target=write_and_die, args=(at,))
        child.start()
        child.join(timeout=30)
        left.add((path.exists() and path.read_bytes() == NEW, draft_of(path).exists()))
        assert_old_or_new(path, old, NEW)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
    else:
        raise AssertionError("the save never came to its end")
    # The kills met all that there is: before the draft, with it, and after it took its place.
    assert left == {(False, False), (False, True), (True, False)}
    assert at > 50


# The file alone: what Python does before the save is not of interest.
STRACED = """
import os, sys
source = open(sys.argv[1]).read()
exec(compile(source, "files.py", "exec"))
try:
    os.stat("/the save begins")
except OSError:
    pass
write_whole(sys.argv[2], b"new " * 50_000)
os._exit(0)
"""


def strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not strace_works(), reason="strace is not installed, or may not trace here")
@REPLACED_AND_NEW
def test_a_kill_at_every_system_call_leaves_an_old_or_a_new_file(
    tmp_path: Path, old: bytes | None
) -> None:
    (tmp_path / "files").mkdir()
    path, log = tmp_path / "files" / "file", tmp_path / "log"
    environment = {"PYTHONHASHSEED": "0"}

    def traced(*options: str) -> list[str]:
        """Returns all system calls as strace prints them."""
        path.unlink(missing_ok=True)
        if old is not None:
            path.write_bytes(old)
        python = [sys.executable, "-I", "-S", "-c", STRACED, files.__file__, str(path)]
        command = ["strace", "-o", str(log), *options, *python]
        subprocess.run(command, env=environment, capture_output=True, timeout=60)
        return log.read_text(encoding="utf-8", errors="replace").splitlines()

    def begin(lines: list[str]) -> int:
        return next(i for i, line in enumerate(lines) if "/the save begins" in line)

    lines = traced()
    calls = [line.partition("(")[0] for line in lines]
    save = range(begin(lines) + 1, calls.index("exit_group"))
    assert {"openat", "flock", "write", "fsync"} < {calls[at] for at in save}
    for at in save:
        nth = calls[: at + 1].count(calls[at])
        reached = traced("-e", f"inject={calls[at]}:signal=SIGKILL:when={nth}")
        assert reached[-1].startswith("+++ killed by SIGKILL"), reached[-3:]
        assert len(reached) - begin(reached) in (at - begin(lines) + 1, at - begin(lines) + 2)
        assert_old_or_new(path, old, NEW)
