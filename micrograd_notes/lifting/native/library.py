"""A source becomes functions that Python can call: from the cache, or compiled now."""

import ctypes
import logging
from collections.abc import Sequence
from functools import cache as once
from pathlib import Path
from tempfile import TemporaryDirectory

from micrograd_notes.lifting.native import cache
from micrograd_notes.lifting.native.compiler import CannotCompile, compiled, found, key_of

logger = logging.getLogger(__name__)


def library(source: str, flags: Sequence[str]) -> ctypes.CDLL:
    """Returns the library of a C source.

    Raises:
        CannotCompile: there is no compiler, it fails, or its library can't be loaded.
    """
    compiler = found()
    key, path = key_of(source, compiler, flags), cache.folder()

    @once
    def content() -> bytes:  # for another folder, if the first one is full, say
        return compiled(source, compiler, flags)

    def loaded(path: Path) -> ctypes.CDLL:
        with cache.opened(path) as folder:
            kept = folder.find(key) or folder.keep(key, content())
            return _loaded(kept)

    if path is not None:
        try:
            return loaded(path)
        except OSError as error:
            logger.warning("compiled programs are not kept in %s: %s", path, error)
    try:
        with TemporaryDirectory(prefix="micrograd-notes-") as empty:
            return loaded(Path(empty))
    except OSError as error:
        raise CannotCompile(f"a compiled program can't be loaded: {error}") from error


def _loaded(path: str) -> ctypes.CDLL:
    """Loads a library, after which Python computes as before.

    One that a compiler links by -ffast-math makes the tiniest numbers 0, in all of this thread.
    """
    rules, process = ctypes.create_string_buffer(512), ctypes.CDLL(None)
    process.fegetenv(rules)
    try:
        return ctypes.CDLL(path)
    finally:
        process.fesetenv(rules)
