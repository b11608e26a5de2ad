"""A pause of Python's garbage collector, while millions of objects are made and none is garbage.

Lifting runs in it, and the check of a program of sizes.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Pauses Python's collector, which would walk the same objects again and again."""
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_collecting:
            if not gc.get_freeze_count():  # what was made is old now, and not walked at once
                gc.freeze()
                gc.unfreeze()
            gc.enable()
