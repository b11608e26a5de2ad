"""Ctrl-C while the command still imports the package: one line, and the exit status 130."""

import os
import signal
import sys

LINE = "\nmicrograd-notes: stopped by Ctrl-C"


def stop(*_: object) -> None:
    """Ends the process at once: a signal handler."""
    os.write(2, f"{LINE}\n".encode())
    os._exit(130)  # nothing has begun that needs an orderly end


_is_command = os.path.basename((sys.argv or [""])[0]).startswith("micrograd-notes")
if _is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # A process that the tour starts leaves Ctrl-C to the tour. `cli.main` takes over from `stop`.
    signal.signal(signal.SIGINT, signal.SIG_IGN if "multiprocessing.spawn" in sys.modules else stop)
