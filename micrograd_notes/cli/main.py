"""The command line: `micrograd-notes tour`, `draw`, `check`, `train`, `predict` and more.

Each command reads its arguments, calls another room and prints the result. It needs the extra
`cli`. Read `tour.py` next, which uses most of the package.
"""

import os
import signal
import subprocess
import sys
import time
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from micrograd_notes import __version__
from micrograd_notes.common import ctrl_c
from micrograd_notes.common.extras import install

try:
    import typer
except ImportError:  # pragma: no cover - the tests have the extra
    sys.exit(f"the command line needs its extra: {install('cli')}")

from micrograd_notes.cli import own_data
from micrograd_notes.cli.errors import fail, number

if TYPE_CHECKING:
    from micrograd_notes.testing.checking import Check

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

course = typer.Typer(help="The course's notebooks as a web site.", no_args_is_help=True)
app.add_typer(course, name="course")

Folder = Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")]
Formula = Annotated[str, typer.Argument(help="Arithmetic, names, and operations like tanh(x).")]
Assignments = Annotated[
    list[str] | None, typer.Argument(metavar="NAME=NUMBER...", help="One number per name.")
]
Picture = Annotated[
    Path | None, typer.Option("--output", "-o", help="The picture: .svg, .png, .pdf, .dot, .html.")
]
Files = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE...]", help="Python files to check.")
]
Site = Annotated[Path, typer.Argument(help="The folder to write; an earlier site is replaced.")]
Own = Annotated[
    Path | None, typer.Argument(help="Your folder for the course; by default ~/micrograd-notes.")
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Begin anew: your changes in its chapters are lost.")
]
Clear = Annotated[bool, typer.Option("--clear", help="Remove all of them.")]
Steps = Annotated[int, number(int, "a whole number, 1 or more", 1, help="Steps on arrays.")]
Version = Annotated[bool, typer.Option("--version", help="Print the version.")]


@app.callback(invoke_without_command=True)
def options(version: Version = False) -> None:
    """A scalar autograd engine and a micro neural net, to step through."""
    if version:
        typer.echo(f"micrograd-notes {__version__}")
        raise typer.Exit


@app.command()
def tour(output: Folder = Path("tour")) -> None:
    """Train on real digits, check the gradients, and write a page with the results.

    It takes two or three minutes on two cores.

    Example: micrograd-notes tour --output tour
    """
    from micrograd_notes.cli.tour import run_tour

    try:
        run_tour(output, typer.echo)
    except OSError as error:
        fail(f"can't write the folder {output}: {error.strerror}; choose another one with -o")
    except ImportError as error:
        fail(str(error))


@app.command()
def draw(formula: Formula, assignments: Assignments = None, output: Picture = None) -> None:
    """Compute a formula, differentiate it, and draw its graph.

    Example: micrograd-notes draw "a*b + tanh(c)" a=2 b=-3 c=10 -o graph.svg

    If the formula begins with a minus, put -- before it: micrograd-notes draw -- "-a*2" a=2
    """
    from micrograd_notes.cli.expression import all_assigned, parse_expression
    from micrograd_notes.draw import draw_dot

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
def check(files: Files = None) -> None:
    """Check the gradients of the operations and functions in Python files.

    Without a file, it checks the built-in operations, in less than a minute. It prints one line per
    check, and a report if a gradient is wrong or can't be decided; the exit status is then 1. Your
    functions are called with numbers from a fixed list.

    Example: micrograd-notes check my_ops.py
    """
    try:
        from micrograd_notes.testing import checking
    except ImportError as error:
        fail(str(error))

    if not files:
        raise SystemExit(run_checks(checking.checks_of_table(), "built-in operations"))
    status = 0
    for file in files:
        if len(files) > 1:
            typer.echo(f"{file}:")
        try:
            status |= run_checks(checking.checks_of_file(file), str(file))
        except checking.CannotCheckError as error:
            typer.echo(f"micrograd-notes: {error}", err=True)
            status = 1
    raise SystemExit(status)


def run_checks(checks: "list[Check]", what: str) -> int:
    """Runs and prints the checks, and returns the exit status."""
    from tqdm import tqdm

    began = time.perf_counter()
    outcomes = []
    with tqdm(checks, unit="check", leave=False, disable=None) as bar:  # no bar in a pipe
        for run_check in bar:
            outcomes.append(run_check())
            with bar.external_write_mode():
                typer.echo(outcomes[-1])
    checked = [outcome for outcome in outcomes if outcome.verdict is not None]
    failed = sum(outcome.fails for outcome in checked)
    counts = f"{len(checked)} of {len(outcomes)} checked, {failed} failed"
    typer.echo(f"{what}: {counts}, {time.perf_counter() - began:.1f} s")
    if not checked:
        typer.echo(f"micrograd-notes: nothing in {what} could be checked", err=True)
    return int(failed > 0 or not checked)


@app.command()
def gpt(steps: Steps = 3000) -> None:
    """Train a small GPT on the names of cities, and let it invent new ones.

    It trains on scalars first, then on arrays, and prints the loss every 300 steps.

    Example: micrograd-notes gpt --steps 600
    """
    try:
        from micrograd_notes.gpt import spell_cities

        spell_cities(typer.echo, steps)
    except ImportError as error:
        fail(str(error))


app.command()(own_data.train)
app.command()(own_data.predict)


@app.command()
def lab(folder: Own = None, fresh: Fresh = False) -> None:
    """Open your own copy of the notebooks in JupyterLab, at the map of the course.

    It is made at the first call, and keeps your answers from then on. The chapters are marked as
    trusted, because JupyterLab otherwise hides their steppers.

    Example: micrograd-notes lab
    """
    from micrograd_notes.course.own_copy import own_copy

    notebooks = notebooks_or_fail()
    own = (Path.home() / "micrograd-notes" if folder is None else folder).absolute()
    if util.find_spec("jupyterlab") is None:
        fail(f"JupyterLab is missing: {install('notebooks')}")
    try:
        own_copy(notebooks, own, fresh=fresh)
    except OSError as error:
        fail(f"can't write the folder {own}: {error.strerror}; name another one")
    typer.echo(f"your notebooks are in {own}", err=True)
    trust(notebooks)
    # For root, as in a container, Jupyter needs this option to start.
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    # These settings render Markdown files as pages. The reader's own settings override them.
    settings = f"--LabApp.app_settings_dir={notebooks / 'lab'}"
    opened = [settings, "--LabApp.default_url=/lab/tree/README.md", "-y", "--notebook-dir"]
    command = [sys.executable, "-m", "jupyterlab", *as_root, *opened, str(own)]
    if os.name == "posix":  # Jupyter replaces this process, so it gets the terminal and its signals
        os.execv(command[0], command)
    raise SystemExit(subprocess.call(command))


@course.command()
def build(site: Site = Path("site")) -> None:
    """Render the notebooks as a web site that works without a network or a server.

    It does not run the notebooks: pages show their saved outputs. With the extra docs, the site
    also has an API reference.

    Example: micrograd-notes course build site/
    """
    from micrograd_notes.course.api import MISSING, api_is_possible
    from micrograd_notes.course.site import build_course

    notebooks = notebooks_or_fail()
    try:
        front = build_course(site, notebooks, api=api_is_possible())
    except OSError as error:
        fail(f"can't write the folder {site}: {error.strerror}")
    except (ValueError, ImportError) as error:
        fail(str(error))
    typer.echo(f"built: {front}")
    if not api_is_possible():
        typer.echo(MISSING, err=True)


@app.command()
def cache(clear: Clear = False) -> None:
    """Show the folder of the programs that were compiled to C, or clear it.

    The oldest programs leave it by themselves once they take more than 64 MB. Set the variable
    MICROGRAD_NOTES_CACHE to use another folder, or to off.

    Example: micrograd-notes cache --clear
    """
    from micrograd_notes.engine.accurate import total
    from micrograd_notes.lifting.native import cache

    path = cache.folder()
    if path is None:
        typer.echo("there is no cache: MICROGRAD_NOTES_CACHE is off, or C can't run here")
        return
    try:
        with cache.opened(path) as folder:
            if clear:
                typer.echo(f"{path}: removed {_programs(folder.trim(0))}")
            else:
                size = total([size for _, size, _ in folder.files()])
                typer.echo(f"{path}: {_programs(len(folder.files()))}, {size / 2**20:.1f} MB")
    except OSError as error:
        fail(f"can't use the folder {path}: {error}")


def _programs(count: int) -> str:
    return "1 program" if count == 1 else f"{count:,} programs"


def trust(notebooks: Path) -> None:
    """Signs the chapters for Jupyter, on behalf of the current user: a copy has the signature."""
    nbformat: Any = import_module("nbformat")
    notary = import_module("nbformat.sign").NotebookNotary()
    for path in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")):
        notary.sign(nbformat.read(path, as_version=4))
    notary.store.close()


def notebooks_or_fail() -> Path:
    """Returns the folder of the notebooks, or exits with a message."""
    notebooks = Path(__file__).parents[2] / "notebooks"
    if not notebooks.is_dir():
        fail("the notebooks are not part of the installed package; clone the repository")
    return notebooks


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line. Ctrl-C prints one line and exits with status 130."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        if signal.getsignal(signal.SIGINT) is ctrl_c.stop:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        app(given, prog_name="micrograd-notes")
    except (KeyboardInterrupt, SystemExit) as end:
        status = getattr(end, "code", 130)  # typer also turns KeyboardInterrupt into 130
        if status == 130:
            typer.echo(ctrl_c.LINE, err=True)
        elif status == 2 and given[:1] == ["draw"] and "--" not in given:
            typer.echo('If the formula begins with -, write: draw -- "-a*2" a=2', err=True)
        raise SystemExit(status) from None
