"""`write_whole`: writes a file completely, or leaves it as it was.

Models, pictures and pages are all written with it.
"""

import errno
import os
import shutil
import stat
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

if sys.platform != "win32":
    import fcntl

DRAFT = ".micrograd_notes.draft"  # the end of a draft's name


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Writes the content to the path and returns the path. Readers never see half of the content.

    A symbolic link stays a link; the file that it points to is written, and created if need be. An
    existing file keeps its mode and, if the system permits it, its owner. If it has several hard
    links, only this name gets the new content. Anything that is not a regular file, like a FIFO,
    /dev/null or /dev/stdout, is written directly.

    The content first goes to a draft beside the file, `.NAME.micrograd_notes.draft`, which is then
    renamed. Processes that write the same file take turns. A process that is killed may leave its
    draft, and the next one removes it.

    Raises:
        TypeError: path is not the name of a file.
        OSError: the file cannot be written, or is read-only (for root, too). A regular file is
            unchanged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/note.txt", b"whole").read_bytes()
    b'whole'
    """
    given, damage = as_path(path), "Nothing was written"
    advice = "give the name of a file, in a folder that exists and that you may write to"
    try:
        there = _status(given)
        # If this process prints to the file, it must stay the same file: more may be printed.
        output = next((number for number in (1, 2) if _is_open_as(number, there)), None)
        if there is None or (stat.S_ISREG(there.st_mode) and output is None):
            target = Path(os.path.realpath(given))
            if there and not (there.st_mode & stat.S_IWUSR and os.access(target, os.W_OK)):
                advice = "make it writable (chmod u+w), or give another name"
                raise PermissionError(errno.EACCES, "the file is read-only")
            _replace(target, content, there)
        else:
            opened = os.open(given, os.O_WRONLY) if output is None else os.dup(output)
            damage = "A part of it may have been written"
            with open(opened, "wb") as file:
                file.write(content)
    except OSError as error:
        if str(error.filename).endswith(DRAFT) and os.path.lexists(error.filename):
            advice = f"remove {error.filename}, which is in the way"
        reason = f"{error.strerror}; {advice}. {damage}"
        raise OSError(error.errno, reason, os.fspath(path)) from error
    return given


def as_path(path: Any, name: str = "path", what: str = 'a file, like "model.json"') -> Path:
    """Returns the path as a `Path`; TypeError if a file can't have that name."""
    with suppress(TypeError, UnicodeError):
        if b"\0" not in os.fsencode(given := Path(path)):
            return given
    raise TypeError(f"{name} must be the name of {what}, got {path!r}")


def _status(path: Path) -> os.stat_result | None:
    """Returns the status of the file at the path; None if it does not exist."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _is_open_as(descriptor: int, there: os.stat_result | None) -> bool:
    """Returns whether the descriptor is open, for the file with that status."""
    with suppress(OSError):
        return there is not None and os.path.samestat(there, os.fstat(descriptor))
    return False


def _replace(target: Path, content: bytes, there: os.stat_result | None) -> None:
    """Writes a draft and, once all of it is on the disk, renames it to the target."""
    draft = target.with_name(f".{target.name}{DRAFT}")
    if len(os.fsencode(draft.name)) > 255:  # the longest name on common file systems
        draft = target.with_name(f".{sha256(os.fsencode(target.name)).hexdigest()}{DRAFT}")
    # A private file's new content must not be readable by others, even for a moment.
    with _new_draft(draft, 0o600 if there else 0o666) as file:
        try:
            if there and sys.platform != "win32":
                for owner, group in ((there.st_uid, -1), (-1, there.st_gid)):
                    with suppress(PermissionError):  # only root may give a file away
                        os.chown(draft, owner, group)
            if there:
                shutil.copystat(target, draft)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if sys.platform == "win32":
                file.close()  # an open file can't be moved there
            draft.replace(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise


def _new_draft(draft: Path, mode: int) -> BinaryIO:
    """Returns an empty, locked file of that name. Other processes wait for the lock."""
    if sys.platform == "win32":
        return draft.open("wb")  # an open file can't be removed there
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        file = open(os.open(draft, flags, mode), "wb")  # noqa: SIM115 - it is returned
        with suppress(OSError):  # some network file systems do not support locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_open_as(file.fileno(), _status(draft)):
            if os.fstat(file.fileno()).st_size == 0:
                return file
            draft.unlink()  # a process that was killed left it
        file.close()  # another process has moved it to its place
