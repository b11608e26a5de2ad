"""The cache: compiled programs in a private folder, so that each is compiled once.

Anyone who can write to this folder can run programs as its owner. A folder or file is therefore
used only if it belongs to the user and nobody else can write to it. The folder is opened once, and
all files are opened in it, not through a path or a link that may change meanwhile. Each file has
the digest of its content in its name. `library.py` calls it; `micrograd-notes cache` clears it.
"""

import logging
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

LIMIT = 64 * 2**20  # bytes; some thousand programs
OURS = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{64}\.so|[0-9a-f]{32}\.draft")

logger = logging.getLogger(__name__)


class Unsafe(OSError):
    """Somebody else could change what would be run."""


def folder() -> Path | None:
    """Returns the folder in MICROGRAD_NOTES_CACHE, or the usual one; None if that says off."""
    given = os.environ.get("MICROGRAD_NOTES_CACHE", "")
    if given == "off" or os.name != "posix":  # where C does not run
        return None
    if given:
        return Path(given).expanduser().absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    except RuntimeError:  # there is no home
        return None
    return (base if base.is_absolute() else usual) / "micrograd-notes"


class Folder(NamedTuple):
    """An open folder that only its owner can write to."""

    path: Path
    descriptor: int

    def find(self, key: str) -> str | None:
        """Returns the path of the library with this key, for `dlopen`; None if it is not there.

        A file that is not what was written is removed, and its library is made anew.
        """
        for name in os.listdir(self.descriptor):
            if not OURS.fullmatch(name) or not name.startswith(key):
                continue
            try:
                if sha256(self._read(name)).hexdigest() != name.split(".")[1]:
                    raise Unsafe(f"{name} was changed")
                os.utime(name, dir_fd=self.descriptor)  # the last one that was used goes last
                return self._in_place(name)
            except OSError as error:
                logger.warning("a compiled program in %s is not used: %s", self.path, error)
                with suppress(OSError):
                    os.unlink(name, dir_fd=self.descriptor)
        return None

    def keep(self, key: str, content: bytes) -> str:
        """Writes a library, complete or not at all, and returns its path, for `dlopen`."""
        name, draft = f"{key}.{sha256(content).hexdigest()}.so", f"{secrets.token_hex(16)}.draft"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            with open(os.open(draft, flags, 0o600, dir_fd=self.descriptor), "wb") as file:
                file.write(content)
            os.rename(draft, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:  # a full disk, or Ctrl-C
            with suppress(OSError):
                os.unlink(draft, dir_fd=self.descriptor)
            raise
        self.trim(LIMIT, name)  # drafts that were never renamed, too
        return self._in_place(name)

    def files(self) -> list[tuple[float, int, str]]:
        """Returns the time of last use, the size and the name of each file, oldest first."""
        there = []
        for name in filter(OURS.fullmatch, os.listdir(self.descriptor)):
            with suppress(FileNotFoundError):  # another process may have removed it
                found = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
                there.append((found.st_mtime, found.st_size, name))
        return sorted(there)

    def trim(self, limit: int, kept: str = "") -> int:
        """Keeps the latest files, of so many bytes, and returns the number of those removed."""
        removed = 0
        for _, size, name in reversed(self.files()):
            limit -= size
            if limit < 0 and name != kept:
                removed += 1
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=self.descriptor)
        return removed

    def _read(self, name: str) -> bytes:
        # not blocking, so that a FIFO is refused and not waited for
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(name, flags, dir_fd=self.descriptor), "rb") as file:
            _check(name, os.fstat(file.fileno()), stat.S_ISREG)
            return file.read()

    def _in_place(self, name: str) -> str:
        """Returns the path of a file in the open folder, whatever its path leads to by now."""
        if sys.platform == "linux":
            return f"/proc/self/fd/{self.descriptor}/{name}"
        return str(self.path / name)


@contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """Opens a folder, and creates it if it does not exist.

    Raises:
        Unsafe: it belongs to another user, or others can write to it.
        OSError: it can't be created or opened; a link is not followed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(0o700)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _check(str(path), os.fstat(descriptor), stat.S_ISDIR)
        yield Folder(path, descriptor)
    finally:
        os.close(descriptor)


def _check(name: str, status: os.stat_result, is_kind: Callable[[int], bool]) -> None:
    if not is_kind(status.st_mode):
        raise Unsafe(f"{name} is neither a plain file nor a folder")
    if status.st_uid != os.geteuid():
        raise Unsafe(f"{name} belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Unsafe(f"others can write to {name}; make it private: chmod go-w {name}")
