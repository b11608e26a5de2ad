"""How a command ends with an error: one line on the error stream, in the words of the command."""

import inspect
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import typer

from micrograd_notes.cli.flags import in_flags


def fail(message: str) -> NoReturn:
    """Prints the message to the error stream and exits with status 1."""
    typer.echo(f"micrograd-notes: {message}", err=True)
    raise SystemExit(1)


def number(kind: Callable[[str], float], spelled: str, low: float = -math.inf, **more: Any) -> Any:
    """Returns an option that is a number; what is not is shown in the error."""

    def parsed(text: str) -> float:
        with suppress(ValueError):
            if not (given := kind(text)) < low:
                return given
        raise typer.BadParameter(f"it must be {spelled}, got {text!r}")

    return typer.Option(parser=parsed, metavar=f"<{kind.__name__}>", **more)


def refuse_to_overwrite(
    written: Mapping[str, Path | str], read: Iterable[Path | str] = ()
) -> None:
    """Fails if a file to write is also one to read, or another one to write.

    `written` has the path of each output by its name in messages. A command calls it first.
    """
    taken = [(f"{path}, which this command reads", path) for path in read]
    for what, path in written.items():
        for other, place in taken:
            if _is_one_file(path, place):
                fail(f"{what}, {path}, would overwrite {other}; give another name with -o")
        taken.append((what, path))


def _is_one_file(one: Path | str, other: Path | str) -> bool:
    """Returns whether two paths lead to one file, by links or other spellings, too."""
    if os.path.exists(one) and os.path.exists(other):  # /dev/stdin and /dev/stdout can be one
        return os.path.isfile(one) and os.path.samefile(one, other)
    return os.path.realpath(one) == os.path.realpath(other)


@contextmanager
def in_words_of(command: Callable[..., None]) -> Iterator[None]:
    """Prints warnings and errors with the flags of a command, and not as arguments in Python."""
    arguments = inspect.signature(command).parameters.items()
    options = [name for name, argument in arguments if argument.default is not argument.empty]
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
