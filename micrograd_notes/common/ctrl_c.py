"""Ctrl-C while the command is still importing the package: one line, and exit status 130.

The package imports this file before anything else. `cli.main` takes over afterwards.
"""

import os
import signal
import sys

LINE = "\nmicrograd-notes: stopped by Ctrl-C"


def stop(*_: object) -> None:
    """Ends the process at once. It is a signal handler."""
    os.write(2, f"{LINE}\n".encode())
    os._exit(130)  # nothing has started yet that would need cleaning up


_is_command = os.path.basename((sys.argv or [""])[0]).startswith("micrograd-notes")
if _is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # A process started by the tour ignores Ctrl-C, because the tour handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN if "multiprocessing.spawn" in sys.modules else stop)
