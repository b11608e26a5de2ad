"""Runs the notebooks from top to bottom, each in a fresh kernel, and keeps what they print.

    python notebooks/execute.py                          all of them
    python notebooks/execute.py notebooks/01_*.ipynb     those that are named

The .ipynb files are the source. After an edit, run this, so that the outputs that are committed are
those of the code that is. What would change from run to run and tells a reader nothing is cleared:
execution counts, times, versions. A notebook that fails stays as it was.

This file knows how a notebook is run and tidied. The tests run notebooks with it too.
"""

import argparse
import copy
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
LONGEST_CELL = 120  # seconds; a cell takes a few, and ten times that on a busy machine
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def executed(notebook: Any) -> Any:
    """Returns a tidy copy of the notebook with the outputs of a fresh run.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised; the message shows it.
    """
    notebook = tidied(copy.deepcopy(notebook))
    client = NotebookClient(
        notebook,
        timeout=LONGEST_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
        record_timing=False,
        coalesce_streams=True,  # what is printed comes in pieces, cut differently each time
    )
    return tidied(client.execute())


def tidied(notebook: Any) -> Any:
    """Clears what differs from run to run, in place, and returns the notebook."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
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
    for path in parser.parse_args().notebooks or sorted(FOLDER.glob("*.ipynb")):
        start = time.perf_counter()
        notebook = executed(nbformat.read(path, as_version=4))
        nbformat.validate(notebook)
        nbformat.write(notebook, path)
        print(f"{path.name}: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
