"""Writing a file so that it is there whole, or not at all.

This file knows nothing of what is written.
"""

import os
import secrets
from pathlib import Path


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Writes the content to the path and returns the path; an older file is replaced in one move.

    Raises:
        OSError: the folder is missing or cannot be written. No half-written file is left.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(f"{folder}/note.txt", b"whole").read_bytes()
    b'whole'
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {path}: there is no folder {path.parent}; "
            "make it, or choose another path"
        )
    if path.is_dir():
        raise IsADirectoryError(
            f"cannot write {path}: it is a folder; give the name of a file in it"
        )
    temporary = path.with_name(f".{secrets.token_hex(8)}.unfinished")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError as error:
        raise type(error)(
            f"cannot write {path}: {error.strerror or error}; choose another path"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)  # gone already, unless something went wrong
    return path
