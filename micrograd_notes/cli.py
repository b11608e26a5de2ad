"""The command line: `micrograd-notes tour`, `draw` and `lab`.

This file reads arguments, calls the rooms below and prints; every sentence of an error that it
shows comes from them. It needs the extra `cli`.
"""

import keyword
import os
import subprocess
import sys
import unicodedata
from importlib import util
from pathlib import Path
from typing import Annotated, NoReturn

try:
    import typer
except ImportError:  # pragma: no cover - the tests have the extra
    sys.exit('the command line needs its extra: python -m pip install "micrograd-notes[cli]"')

app = typer.Typer(
    help="A scalar autograd engine and a micro neural net, to step through.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[Path, typer.Option("--output", "-o", help="The folder that is written.")]
Formula = Annotated[str, typer.Argument(help="Arithmetic, names, and operations like tanh(x).")]
Assignments = Annotated[
    list[str] | None, typer.Argument(metavar="NAME=NUMBER...", help="The number of each name.")
]
Picture = Annotated[
    Path | None, typer.Option("--output", "-o", help="The picture: .svg, .png, .pdf, .dot, .html.")
]


@app.command()
def tour(output: Folder = Path("tour")) -> None:
    """Train on real digits, check the gradients, draw, and write a page that shows it all.

    It takes under two minutes on two cores.

    Example: micrograd-notes tour --output tour
    """
    from micrograd_notes.tour import run_tour

    try:
        run_tour(output, typer.echo)
    except OSError as error:
        fail(f"can't write the folder {output}: {error.strerror}; choose another with -o")
    except ImportError as error:
        fail(str(error))


@app.command()
def draw(formula: Formula, assignments: Assignments = None, output: Picture = None) -> None:
    """Compute a formula, differentiate it, and draw its graph.

    Example: micrograd-notes draw "a*b + tanh(c)" a=2 b=-3 c=10 -o graph.svg

    A formula that begins with a minus stands behind two: micrograd-notes draw -- "-a*2" a=2
    """
    from micrograd_notes.draw import draw_dot
    from micrograd_notes.expression import parse_expression

    try:
        values = all_assigned(assignments or [])
        result, names = parse_expression(formula, values)
        if result.requires_grad:
            result.backward()
        if output is not None:
            draw_dot(result).save(output)
    except OSError as error:
        fail(f"can't write {output}: {error.strerror}")
    except (ValueError, ArithmeticError, ImportError) as error:
        fail(str(error))
    typer.echo(f"{formula} = {result.data:.6g}")
    for name, value in names.items():
        typer.echo(f"  d/d{name} = {value.grad:.6g}")
    if output is not None:
        typer.echo(f"drawn: {output}")


@app.command()
def lab() -> None:
    """Open the notebooks in JupyterLab.

    Example: micrograd-notes lab
    """
    notebooks = Path(__file__).parent.parent / "notebooks"
    if not notebooks.is_dir():
        fail("the notebooks are not part of an installed package; clone the repository for them")
    if util.find_spec("jupyterlab") is None:
        fail('JupyterLab is missing: python -m pip install -e ".[notebooks]"')
    # As root, as one is in a container, Jupyter starts only if it is told that this is meant.
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyterlab", *as_root, "--notebook-dir", str(notebooks)]
    raise SystemExit(subprocess.call(command))


def all_assigned(texts: list[str]) -> dict[str, float]:
    """Returns the number of each name; ValueError if a name is given twice."""
    values: dict[str, float] = {}
    for name, number in map(assigned, texts):
        if name in values:
            raise ValueError(f"{name} is given twice, {values[name]:g} and {number:g}; drop one")
        values[name] = number
    return values


def assigned(text: str) -> tuple[str, float]:
    """Returns name and number of "a=2".

    >>> assigned("a=2")
    ('a', 2.0)
    """
    name, equals, number = text.partition("=")
    # Python's parser normalises the names in a formula in this way: µ (U+00B5) becomes μ (U+03BC).
    name = unicodedata.normalize("NFKC", name)
    if not equals or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"a name gets its number like a=2, got {text!r}")
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(f"{name} is to be a number, got {number!r}") from None


def fail(message: str) -> NoReturn:
    """Prints the message to the error stream and ends with the exit status 1."""
    typer.echo(f"micrograd-notes: {message}", err=True)
    raise SystemExit(1)


def main() -> None:
    """Runs the command line."""
    app()
