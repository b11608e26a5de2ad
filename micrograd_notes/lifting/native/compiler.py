"""The user's C compiler: found, and run on a source.

`compiled` returns the bytes of a shared library. Any failure, such as a compiler that is missing,
fails or does not end, raises `CannotCompile` with the reason; then NumPy runs. `library.py` calls
it, if the cache does not have the library.
"""

import os
import platform
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import NamedTuple

SECONDS = 60.0  # a program of thousands of lines takes ten
HUNG = set[tuple[str, str]]()  # compilers and programs that took longer, and are not tried again
LETTERS = 1_000_000  # that it may print
SMALLEST = "int one(void) { return 1; }\n"  # can't be at fault
ALWAYS = ("-shared", "-fPIC", "-std=gnu11", "-x", "c")


class CannotCompile(Exception):
    """There is no library; the message says why."""


class Compiler(NamedTuple):
    """A command that compiles C, and a text that changes whenever the compiler does."""

    command: tuple[str, ...]
    identity: str


def found() -> Compiler:
    """Returns the compiler in the variable CC; or else cc, gcc, clang, or zig (an extra)."""
    if os.name != "posix":
        raise CannotCompile("C runs on Linux and macOS only")
    given = os.environ.get("CC", "").strip()
    try:
        commands = [shlex.split(given)] if given else [["cc"], ["gcc"], ["clang"]]
    except ValueError as error:
        raise CannotCompile(f"the variable CC can't be read: {error}") from error
    for name, *options in commands:
        path = shutil.which(name)
        if path is not None:
            return _identified((path, *options), os.stat(path).st_mtime_ns)
    if not given and find_spec("ziglang") is not None:
        return _identified((sys.executable, "-m", "ziglang", "cc"), 0)
    tried = given or "cc, gcc or clang"
    raise CannotCompile(f"there is no C compiler: {tried} was not found")


@cache
def _identified(command: tuple[str, ...], changed: int) -> Compiler:
    version = _said([*command, "--version"], gettempdir())
    return Compiler(command, f"{os.path.realpath(command[0])} {changed} {version}")


@cache
def machine() -> str:
    """Returns a text that differs between machines whose programs differ."""
    facts = [platform.system(), platform.machine(), platform.processor(), *platform.libc_ver()]
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        kinds = ("model name", "flags", "Features", "CPU part")
        facts += sorted({line for line in lines if line.startswith(kinds)})
    return "\n".join(facts)


def key_of(source: str, compiler: Compiler, flags: Sequence[str]) -> str:
    """Returns a key that is equal only if the library would be the same."""
    parts = [source, *compiler.command, compiler.identity, machine(), *ALWAYS, *flags]
    return sha256("\0".join(parts).encode()).hexdigest()


def compiled(source: str, compiler: Compiler, flags: Sequence[str]) -> bytes:
    """Returns the shared library of a source, compiled with the flags that the compiler takes."""
    try:
        with TemporaryDirectory(prefix="micrograd-notes-") as folder:
            Path(folder, "program.c").write_text(source, encoding="utf-8")
            try:
                _compile("program.c", compiler, flags, folder)
            except CannotCompile:  # perhaps for a flag: clang does not know all those of gcc
                known = _known(compiler, flags, folder)
                if known in ([], list(flags)):
                    raise
                _compile("program.c", compiler, known, folder)
            return Path(folder, "program.so").read_bytes()
    except OSError as error:
        raise CannotCompile(f"{compiler.command[0]} made no library: {error}") from error


def _compile(file: str, compiler: Compiler, flags: Sequence[str], folder: str) -> None:
    program = Path(folder, file).read_text(encoding="utf-8")
    command = [*compiler.command, *ALWAYS, *flags, file, "-o", "program.so", "-lm"]
    _said(command, folder, "" if program == SMALLEST else program)


def _known(compiler: Compiler, flags: Sequence[str], folder: str) -> list[str]:
    """Returns the flags with which the compiler takes a file that can't be at fault."""
    Path(folder, "smallest.c").write_text(SMALLEST, encoding="utf-8")
    known: list[str] = []
    for flag in flags:
        with suppress(CannotCompile):
            _compile("smallest.c", compiler, [*known, flag], folder)
            known.append(flag)
    return known


def _said(command: Sequence[str], folder: str, program: str = "") -> str:
    """Returns what a command prints; it and all that it starts end within `SECONDS`.

    A compiler that took longer for less than a program is not tried on any.
    """
    name = shlex.join(command[:1])
    if HUNG & {(name, program), (name, "")}:
        raise CannotCompile(f"{name} did not end in time before")
    try:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, env=os.environ | {"LC_ALL": "C"},
        )
    except OSError as error:
        raise CannotCompile(f"{name} can't be run: {error.strerror}") from error
    assert process.stdout is not None
    printed, end = b"", time.monotonic() + SECONDS
    try:
        while len(printed) < LETTERS:
            if not select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
                raise subprocess.TimeoutExpired(name, SECONDS)
            if not (part := os.read(process.stdout.fileno(), LETTERS)):
                break
            printed += part
        else:
            raise CannotCompile(f"{name} printed more than {LETTERS:,} letters")
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        HUNG.add((name, program))
        raise CannotCompile(f"{name} did not end within {SECONDS:g} s") from None
    finally:
        if process.returncode is None:  # it hangs, or Ctrl-C
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
    text = printed.decode(errors="replace").strip()
    if process.returncode:
        why = next((line for line in text.splitlines() if "error" in line), text[-200:])
        raise CannotCompile(f"{name} failed with status {process.returncode}: {why}")
    return text
