"""The command line: `micrograd-notes tour`, `draw`, `check`, `train`, `predict` and more.

Each command reads its arguments, calls another room and prints the result. It needs the extra
`cli`. Read `tour.py` next, which uses most of the package.
"""

import csv
import inspect
import io
import keyword
import os
import signal
import subprocess
import sys
import time
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from micrograd_notes import __version__
from micrograd_notes.cli.flags import in_flags
from micrograd_notes.common import ctrl_c
from micrograd_notes.common.extras import install
from micrograd_notes.common.files import write_whole

try:
    import typer
except ImportError:  # pragma: no cover - the tests have the extra
    sys.exit(f"the command line needs its extra: {install('cli')}")

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
Predictions = Annotated[Path | None, typer.Option("--output", "-o", help="The CSV file to write.")]
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
Model = Annotated[Path, typer.Option("--output", "-o", help="The file for the model.")]
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

    It takes less than two minutes on two cores.

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
    from micrograd_notes.cli.expression import parse_expression
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
def gpt(steps: Annotated[int, typer.Option(min=1, help="Steps on arrays.")] = 3000) -> None:
    """Train a small GPT on the names of cities, and let it invent new ones.

    It trains on scalars first, then on arrays, and prints the loss every 300 steps.

    Example: micrograd-notes gpt --steps 600
    """
    try:
        from micrograd_notes.gpt import spell_cities

        spell_cities(typer.echo, steps)
    except ImportError as error:
        fail(str(error))


@app.command()
def train(
    data: str, target: str | None = None, output: Model = Path("model.json"),
    task: str | None = None, missing: str | None = None, categories: list[str] | None = None,
    drop: list[str] | None = None, header: bool | None = None, delimiter: str | None = None,
    decimal: str | None = None, encoding: str | None = None, hidden: str = "16",
    epochs: int = 100, learning_rate: float = 0.01, seed: int = 0, lifted: bool | None = None,
    resume: bool = False,
) -> None:
    """Train a network on a CSV file, or on a data set like iris, and compare it with simpler ones.

    The model is saved after each epoch; --resume continues. Options like --missing are those of
    Dataset.from_csv, --drop a --drop b leaves out two columns, and --hidden 32,16 makes two layers.
    It trains on arrays if NumPy is installed, or on scalars with --no-lifted.

    Example: micrograd-notes train flowers.csv --target species
    """
    from micrograd_notes.train.data import DATASETS, Dataset, load
    from micrograd_notes.train.own_data import train_on

    reading = read_with(header, delimiter, decimal, encoding)
    chosen = {"target": target, "task": task, "missing": missing, "categories": categories,
              "drop": drop, **reading}
    chosen = {name: value for name, value in chosen.items() if value not in (None, [])}
    began = time.time()
    with in_words_of(train):
        try:
            if data in DATASETS and chosen:
                flags = ", ".join(f"--{name}" for name in chosen)
                raise ValueError(f"{data} comes with the package, as a whole: leave out {flags}")
            if data not in DATASETS and not Path(data).exists():
                raise ValueError(f"{data} is not a file, nor one of {', '.join(DATASETS)}")
            chosen.setdefault("target", "")  # which is refused, with the names of all columns
            table = load(data) if data in DATASETS else Dataset.from_csv(data, **chosen)
            outcome = train_on(
                table, output, widths(hidden), epochs, seed, lifted, learning_rate, resume=resume
            )
            report = in_flags(outcome.report(), inspect.signature(train).parameters)
            typer.echo(f"{table!r}\n{report}\nmodel: {output}")
            from micrograd_notes.draw.training.page import training_page

            page = output.with_suffix(".html")
            training_page(outcome.history, title=table.name).save(page)
            typer.echo(f"training, epoch by epoch: {page}")
        except KeyboardInterrupt:
            if output.exists() and output.stat().st_mtime >= began:  # not that of an earlier one
                typer.echo(f"the best model so far: {output}")
            raise


@app.command()
def predict(
    model: Path, data: Path, output: Predictions = None, header: bool | None = None,
    delimiter: str | None = None, decimal: str | None = None, encoding: str | None = None,
) -> None:
    """Predict the target of each row in a CSV file, with a model that train saved.

    A file that is written like the training file needs no further option.

    Example: micrograd-notes predict model.json new.csv -o predictions.csv
    """
    from micrograd_notes.train.own_data import predict_csv
    from micrograd_notes.train.saved_run import load_run

    text = io.StringIO()
    with in_words_of(predict):
        answers = predict_csv(
            load_run(model), data, **read_with(header, delimiter, decimal, encoding)
        )
        csv.writer(text, lineterminator="\n").writerows(answers)
        if output is not None:
            write_whole(output, text.getvalue().encode())
    typer.echo(text.getvalue().rstrip() if output is None else f"predictions: {output}")


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


def read_with(
    header: bool | None, delimiter: str | None, decimal: str | None, encoding: str | None
) -> dict[str, Any]:
    """Returns the options for reading a file that were given; \\t is the delimiter tab."""
    delimiter = "\t" if delimiter == r"\t" else delimiter
    chosen = {"header": header, "delimiter": delimiter, "decimal": decimal, "encoding": encoding}
    return {name: value for name, value in chosen.items() if value is not None}


def widths(text: str) -> list[int]:
    """Returns the widths of hidden layers in "32,16"; "" means none."""
    try:
        return [int(width) for width in text.split(",") if width]
    except ValueError:
        raise ValueError(f"hidden must be widths like 32,16, got {text!r}") from None


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


def all_assigned(texts: list[str]) -> dict[str, float]:
    """Returns the number of each name; ValueError if a name is given twice."""
    values: dict[str, float] = {}
    for name, number in map(assigned, texts):
        if name in values:
            raise ValueError(f"{name} is given twice, {values[name]:g} and {number:g}; remove one")
        values[name] = number
    return values


def assigned(text: str) -> tuple[str, float]:
    """Returns the name and the number in "a=2".

    >>> assigned("a=2")
    ('a', 2.0)
    """
    name, equals, number = text.partition("=")
    # Python's parser normalises the names in a formula this way: µ (U+00B5) becomes μ (U+03BC).
    name = unicodedata.normalize("NFKC", name)
    if not equals or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"a name and its number must be written like a=2, got {text!r}")
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {number!r}") from None


def fail(message: str) -> NoReturn:
    """Prints the message to the error stream and exits with status 1."""
    typer.echo(f"micrograd-notes: {message}", err=True)
    raise SystemExit(1)


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
