"""The commands for a reader's own data: `micrograd-notes train` and `predict`.

`train/own_data.py` does the work. Messages of the library come out with flags, see `flags.py`.
"""

import csv
import inspect
import io
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from micrograd_notes.cli.errors import in_words_of, number, refuse_to_overwrite
from micrograd_notes.cli.flags import in_flags
from micrograd_notes.common.files import write_whole

Whole = Annotated[int, number(int, "a whole number")]
Model = Annotated[Path, typer.Option("--output", "-o", help="The file for the model.")]
Predictions = Annotated[Path | None, typer.Option("--output", "-o", help="The CSV file to write.")]


def train(
    data: str, target: str | None = None, output: Model = Path("model.json"),
    task: str | None = None, missing: str | None = None, categories: list[str] | None = None,
    drop: list[str] | None = None, header: bool | None = None, delimiter: str | None = None,
    decimal: str | None = None, encoding: str | None = None, hidden: str = "16",
    epochs: Whole = 100, learning_rate: Annotated[float, number(float, "a number")] = 0.01,
    seed: Whole = 0, lifted: bool | None = None,
    resume: bool = False,
) -> None:
    """Train a network on a CSV file, or on a data set like iris, and compare it with simpler ones.

    The model is saved after each epoch, and at the end a page about the training beside it, with
    the ending .html; --resume continues. Options like --missing are those of
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
    began, page = time.time(), output.parent / f"{output.stem}.html"
    read = [] if data in DATASETS else [data]
    refuse_to_overwrite({"the model": output, "the page about the training": page}, read)
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

            training_page(outcome.history, title=table.name).save(page)
            typer.echo(f"training, epoch by epoch: {page}")
        except KeyboardInterrupt:
            if output.exists() and output.stat().st_mtime >= began:  # not that of an earlier one
                typer.echo(f"the best model so far: {output}")
            raise


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
    refuse_to_overwrite({"the file of predictions": output} if output else {}, [model, data])
    with in_words_of(predict):
        answers = predict_csv(
            load_run(model), data, **read_with(header, delimiter, decimal, encoding)
        )
        csv.writer(text, lineterminator="\n").writerows(answers)
        if output is not None:
            write_whole(output, text.getvalue().encode())
    typer.echo(text.getvalue().rstrip() if output is None else f"predictions: {output}")


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
