"""How a command ends with an error: one line on the error stream, in the words of the command."""

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from micrograd_notes.cli.flags import in_flags


def fail(message: str) -> NoReturn:
    """Prints the message to the error stream and exits with status 1."""
    typer.echo(f"micrograd-notes: {message}", err=True)
    raise SystemExit(1)


@contextmanager
def in_words_of(command: Callable[..., None]) -> Iterator[None]:
    """Prints warnings and errors with the flags of a command, and not as arguments in Python."""
    options = inspect.signature(command).parameters
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda warning, *_: typer.echo(
                f"note: {in_flags(str(warning), options)}", err=True
            )
            yield
    except OSError as error:
        fail(f"{error.filename}: {str(error.strerror).partition(';')[0]}")
    except (ValueError, TypeError, ArithmeticError, ImportError) as error:
        fail(in_flags(str(error), options))
