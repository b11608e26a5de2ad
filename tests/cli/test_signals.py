"""Ctrl-C and `kill`, as a terminal and a shell send them to the commands: real processes.

A command runs in a process group of its own. Ctrl-C is SIGINT to the whole group, `kill` is SIGTERM
to the command alone. On a quiet machine all is over within two seconds; `PATIENCE` is what a busy
one gets. What is asked of the group is asked of the operating system.
"""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="the command line's extra is not installed")
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="it looks for processes in /proc, as Linux has it"
)

ROOT = Path(__file__).parents[2]
PATIENCE = 15.0  # seconds; without what is tested, processes stay for minutes
BEGINS = "from micrograd_notes.cli.main import main; print('begins', flush=True); main()"
# The command as it is installed, which says so when its first line of the package has run.
SCRIPT = """\
import sys
class Begins:
    def find_spec(self, name, path, target=None):
        if name == "micrograd_notes.engine.copying":
            print("begins", flush=True)
sys.meta_path.insert(0, Begins())
from micrograd_notes.cli.main import main
main()
"""


def hears_ctrl_c() -> None:
    """Makes a process hear Ctrl-C and its terminal's end, also where the tests run without them."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Command:
    """A command that runs in a process group of its own."""

    def __init__(self, folder: Path, *arguments: str, script: Path | None = None) -> None:
        self.output, self.errors = folder / "output", folder / "errors"
        with self.output.open("wb") as output, self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *(["-c", BEGINS] if script is None else [script]), *arguments],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT), "JUPYTER_DATA_DIR": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                preexec_fn=hears_ctrl_c,
            )
        self.group = self.process.pid

    def wait_for(self, has_happened: Callable[[], bool], patience: float = 60.0) -> None:
        end = time.monotonic() + patience
        while not has_happened():
            assert self.process.poll() is None, self.errors.read_text()
            assert time.monotonic() < end, (self.output.read_text(), self.errors.read_text())
            time.sleep(0.02)

    def wait_for_line(self, text: str) -> None:
        self.wait_for(lambda: text in self.output.read_text())

    def status(self) -> int:
        """Returns the exit status, once there is one."""
        return self.process.wait(timeout=PATIENCE)

    def assert_nothing_is_left(self) -> None:
        end = time.monotonic() + PATIENCE
        while members(self.group):
            assert time.monotonic() < end, members(self.group)
            time.sleep(0.02)


def members(group: int) -> list[int]:
    """Returns the processes of a group that are alive; one that has ended may still be listed."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has ended meanwhile
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


@contextmanager
def running(folder: Path, *arguments: str, script: Path | None = None) -> Iterator[Command]:
    """Starts a command, and leaves nothing of it whatever the test finds."""
    command = Command(folder, *arguments, script=script)
    try:
        command.wait_for_line("begins")
        yield command
    finally:
        for process in members(command.group):
            os.kill(process, signal.SIGKILL)
        command.process.wait()


COMMANDS = {
    "tour": ["tour"],
    "gpt": ["gpt"],
    "check": ["check"],
    "course": ["course", "build", "site"],
}


@pytest.mark.parametrize(
    "delay", [0.1, 1.2, *(pytest.param(delay, marks=pytest.mark.long) for delay in (0.4, 4.0))]
)
@pytest.mark.parametrize("name", COMMANDS)
def test_one_ctrl_c_ends_a_command_with_one_line(tmp_path: Path, name: str, delay: float) -> None:
    with running(tmp_path, *COMMANDS[name]) as command:
        time.sleep(delay)
        if command.process.poll() is not None:
            pytest.skip(f"{name} was done after {delay} s")
        os.killpg(command.group, signal.SIGINT)
        assert command.status() == 130
        command.assert_nothing_is_left()
        said = [line for line in command.errors.read_text().splitlines() if line.strip()]
        assert said == ["micrograd-notes: stopped by Ctrl-C"]
        assert set(os.listdir(tmp_path)) <= {"output", "errors", "tour", "nbsignatures.db"}


@pytest.mark.parametrize(
    "delay",
    [0.0, 0.03, 0.2, *(pytest.param(delay, marks=pytest.mark.long) for delay in (0.01, 0.1, 0.3))],
)
def test_one_ctrl_c_ends_the_command_while_it_is_imported(tmp_path: Path, delay: float) -> None:
    script = tmp_path / "micrograd-notes"
    script.write_text(SCRIPT)
    with running(tmp_path, "check", script=script) as command:
        time.sleep(delay)
        os.killpg(command.group, signal.SIGINT)
        assert command.status() == 130
        said = [line for line in command.errors.read_text().splitlines() if line.strip()]
        assert said == ["micrograd-notes: stopped by Ctrl-C"]


@pytest.mark.parametrize("name", ["program.py", "micrograd-notes"])
def test_only_the_command_takes_ctrl_c_from_a_program(tmp_path: Path, name: str) -> None:
    """Where a shell told it to ignore Ctrl-C, as it tells `command &`, it goes on ignoring it."""
    script = tmp_path / name
    script.write_text("import signal, micrograd_notes\nprint(signal.getsignal(signal.SIGINT))")
    for ignores, is_left in ((True, True), (False, name == "program.py")):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN if ignores else signal.SIG_DFL)
        try:
            said = subprocess.run(
                [sys.executable, script],
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        finally:
            signal.signal(signal.SIGINT, before)
        assert ("stop" not in said) == is_left, said


def is_training(command: Command) -> Callable[[], bool]:
    return lambda: len(members(command.group)) >= 3


def test_one_ctrl_c_ends_the_tour_while_it_trains(tmp_path: Path) -> None:
    with running(tmp_path, "tour") as command:
        command.wait_for(is_training(command))
        time.sleep(0.5)
        os.killpg(command.group, signal.SIGINT)
        assert command.status() == 130
        command.assert_nothing_is_left()
        said = [line for line in command.errors.read_text().splitlines() if line.strip()]
        assert said == ["micrograd-notes: stopped by Ctrl-C"]
        assert os.listdir(tmp_path / "tour") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_when_the_tour_is_ended_its_processes_end(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path, "tour") as command:
        command.wait_for(is_training(command))
        command.process.send_signal(number)
        assert command.status() == -number
        command.assert_nothing_is_left()


def test_a_log_of_the_tour_has_lines_and_no_bar(tmp_path: Path) -> None:
    """A short training, whose processes have the short numbers, as they are forked."""
    short = (
        "from micrograd_notes.cli import tour\nfrom micrograd_notes.train import data\n"
        "digits = data.digits(odd_or_even=True, pooled=True)\n"
        "few = data.Dataset('few', digits.inputs[:40], digits.targets[:40], digits.feature_names, "
        "digits.class_names)\n"
        "data.digits = lambda **options: few\n"
        "tour.SPLITS = (0, 1)\n"
        "print(len(tour.train_on_all_splits(print)))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", short],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stderr == ""
    *lines, trained = finished.stdout.splitlines()
    assert trained == "2"
    assert lines
    for line in lines:
        assert re.fullmatch(r"   training: \d+ of 40 epochs", line)


# ---- lab -----------------------------------------------------------------------------------------


class Terminal:
    """A terminal with a command in it, as a person has one: `lab`, in a home of its own."""

    def __init__(self, folder: Path) -> None:
        pytest.importorskip("jupyterlab", reason='the extra "notebooks" is not installed')
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name in ("config", "runtime", "data"):
            os.environ[f"JUPYTER_{name.upper()}_DIR"] = str(folder / name)
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "BROWSER": "true",  # a program that opens nothing
            "JUPYTER_PORT": str(self.port),
        }
        self.pid, self.screen = pty.fork()
        if self.pid == 0:  # in the terminal
            hears_ctrl_c()
            os.execve(sys.executable, [sys.executable, "-c", BEGINS, "lab"], environment)
        os.set_blocking(self.screen, False)
        self.seen = b""

    def serves(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def look(self) -> None:
        """Reads what is on the screen; a terminal whose reader sleeps would hold the writer up."""
        try:
            self.seen += os.read(self.screen, 65536)
        except (BlockingIOError, OSError):
            time.sleep(0.05)

    def wait_for(self, has_happened: Callable[[], bool], patience: float = 90.0) -> None:
        end = time.monotonic() + patience
        while not has_happened():
            self.look()
            assert time.monotonic() < end, self.seen.decode(errors="replace")[-2000:]

    def has_ended(self) -> bool:
        return not members(self.pid)

    def close(self) -> None:
        if self.screen >= 0:
            os.close(self.screen)
            self.screen = -1


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    for name in ("CONFIG", "RUNTIME", "DATA"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", "")  # so that it is put back
    terminal = Terminal(tmp_path)
    try:
        terminal.wait_for(terminal.serves)
        yield terminal
    finally:
        for process in members(terminal.pid):
            os.kill(process, signal.SIGKILL)
        terminal.close()
        os.waitpid(terminal.pid, 0)


def press_ctrl_c(terminal: Terminal) -> None:
    os.write(terminal.screen, b"\x03")


@pytest.mark.parametrize("end", [press_ctrl_c, Terminal.close])
def test_lab_ends_with_ctrl_c_and_with_its_terminal_and_asks_nothing(
    terminal: Terminal, end: Callable[[Terminal], None]
) -> None:
    end(terminal)
    terminal.wait_for(terminal.has_ended, patience=30.0)
    terminal.wait_for(lambda: not terminal.serves(), patience=10.0)
    assert b"y/[n]" not in terminal.seen


def test_kill_ends_lab_and_its_server(tmp_path: Path) -> None:
    """Without a terminal, whose end would end the server too."""
    pytest.importorskip("jupyterlab", reason='the extra "notebooks" is not installed')
    with running(tmp_path, "lab") as command:
        command.wait_for(lambda: "is running at" in command.errors.read_text())
        command.process.terminate()
        command.status()
        command.assert_nothing_is_left()
