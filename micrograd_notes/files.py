"""Writing a file so that it is there whole, or not at all.

This file knows nothing of what is written.
"""

import errno
import os
import secrets
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Writes the content to the path and returns the path: a reader never meets half of it.

    Raises:
        OSError: the file cannot be written. What was there before is there still.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/note.txt", b"whole").read_bytes()
    b'whole'
    """
    target = Path(path)
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # A new file beside the old one takes its name in one move, once all of it is on the disk.
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}; give the name of a file, in a folder that exists and that you may "
            "write to. Nothing was written",
            os.fspath(path),
        ) from error
    return target
