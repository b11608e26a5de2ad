"""Whether a notebook or an IPython prompt runs this program."""

import sys
from typing import Any


def shell() -> Any:
    """Returns IPython's shell, or None where IPython does not run; it imports nothing."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
