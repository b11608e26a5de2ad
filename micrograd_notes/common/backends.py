"""The backends that run programs on arrays, by name. `lift` and `fit` take them."""

import os

from micrograd_notes.common import checks

BACKENDS = ("numpy", "c", "auto")
SWITCH = "MICROGRAD_NOTES_BACKEND"


def asked_for(backend: str) -> str:
    """Returns the backend to use: the one in the variable MICROGRAD_NOTES_BACKEND, if it is set.

    >>> asked_for("numpy")
    'numpy'
    """
    for name, given in (("backend", backend), (SWITCH, os.environ.get(SWITCH) or backend)):
        if given not in BACKENDS:
            what = f"{name} must be one of {', '.join(BACKENDS)}, got {checks.shown(given)}"
            raise ValueError(what)
        backend = given
    return backend
