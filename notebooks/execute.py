"""Runs the notebooks from top to bottom, each in a fresh kernel, and saves their outputs.

    python notebooks/execute.py                          all of them
    python notebooks/execute.py notebooks/01_*.ipynb     those that are named

The .ipynb files are the source. Run this after an edit, so that the committed outputs are those of
the committed code. It clears execution counts, times and versions, which change from run to run and
do not help a reader. A notebook that fails stays as it was. Notebooks run two at a time.

The tests use this file too: see tests/notebooks/running.py.
"""

import argparse
import asyncio
import copy
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

# What is committed must not depend on whether the machine has a C compiler.
os.environ.setdefault("MICROGRAD_NOTES_BACKEND", "numpy")

FOLDER = Path(__file__).parent
AT_A_TIME = 2  # kernels; each uses one core
LONGEST_CELL = 600  # seconds; a cell takes a few, and many times that on a busy machine
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True)
class Run:
    """The result of running a notebook."""

    notebook: Any
    """A tidy copy, with the outputs up to the cell that raised, if one did."""
    error: CellExecutionError | None
    """Its message shows the cell that raised."""
    seconds: float


def executed(notebooks: Sequence[Any]) -> list[Run]:
    """Runs each notebook in a fresh kernel, and returns the results in the same order."""

    async def together() -> list[Run]:
        free = asyncio.Semaphore(AT_A_TIME)
        return await asyncio.gather(*(_run(notebook, free) for notebook in notebooks))

    return asyncio.run(together())


async def _run(notebook: Any, free: asyncio.Semaphore) -> Run:
    client = NotebookClient(
        tidied(copy.deepcopy(notebook)),
        timeout=LONGEST_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
        record_timing=False,
        coalesce_streams=True,  # printed text arrives in pieces, cut differently each time
    )
    async with free:
        start, error = time.perf_counter(), None
        try:
            await client.async_execute()
        except CellExecutionError as raised:
            error = raised
        return Run(tidied(client.nb), error, time.perf_counter() - start)


def tidied(notebook: Any) -> Any:
    """Clears everything that differs from run to run, in place, and returns the notebook."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])  # cells with a tag are plumbing: they are folded
        folded = {"jupyter": {"source_hidden": True}, "tags": tags}
        cell.metadata = nbformat.from_dict(folded if tags else {})
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = None
    return notebook


def main() -> None:
    """Executes the notebooks that the command line names, in place."""
    parser = argparse.ArgumentParser(description="Executes the notebooks in place.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="by default all of this folder")
    paths = parser.parse_args().notebooks or sorted(FOLDER.glob("*.ipynb"))
    failed = []
    runs = executed([nbformat.read(path, as_version=4) for path in paths])
    for path, run in zip(paths, runs, strict=True):
        if run.error:
            failed.append(f"{path.name} stays as it was:\n{run.error}")
            continue
        nbformat.validate(run.notebook)
        nbformat.write(run.notebook, path)
        print(f"{path.name}: {run.seconds:.1f} s")
    if failed:
        raise SystemExit("\n\n".join(failed))


if __name__ == "__main__":
    main()
