"""No answer stands before its question: the numbers of each reveal are looked for above it.

A number of a reveal may stand above in two places: in what an earlier cell printed or showed, since
the reader has seen it there as a result, and as a number in the code, which goes in and doesn't
come out. Prose, comments and words in quotes above the reveal, its own cell among them, must not
hold it.
"""

import ast
import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("nbformat", reason="notebooks are read with nbformat")

from tests.notebooks.running import FOLDER, committed, html_of, printed_by

NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?:e[+-]?\d+)?(?!\w|\.\d)")

# Numbers above a question which are not its answer, by the cell with the question: they are given
# there, or they equal a number of the answer by chance.
GIVEN = {
    "sweep-by-hand": {"18"},  # by chance
    "cost": {"33", "56"},  # the parameters and the terms of the network: the question counts them
    "four-rates": {"29"},  # how many steps: given
    "whole-network-picture": {"0.92"},  # by chance
    "depth": {"0.15"},  # by chance
    "parity": {"256"},  # the rows of the table: given
    "fold-learned": {"0.088"},  # the baseline, given
    "both-roads": {"33"},  # the parameters of the network
    "lifted": {"17"},  # the parameters of the network
    "embedding": {"1360"},  # the size of the model, given
    "training": {"3.4"},  # the loss of knowing nothing, given
    "by-heart": {"16"},  # the width, given
    "first-names": {"5163"},  # how many names there are: given
    "next-weeks-bottles": {"38"},  # how many bottles there are: given
}


def numbers(text: str) -> set[str]:
    """Returns the numbers with two digits or more that count; one digit says too little."""
    found = set(NUMBER.findall(text))
    return {each for each in found if len(re.sub(r"\D", "", each.split("e")[0]).strip("0")) >= 2}


def words_in(source: str) -> str:
    """Returns the comments and the texts in quotes of a cell's code."""
    texts = [value for value in constants_of(source) if isinstance(value, str)]
    return "\n".join([*texts, *re.findall(r"#.*", source)])


def numbers_in(source: str) -> set[str]:
    return {str(abs(value)) for value in constants_of(source) if type(value) in (int, float)}


def constants_of(source: str) -> list[Any]:
    return [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]


def shown_by(cell: Any) -> str:
    """Returns what a cell prints, and the words of its pictures."""
    pages = "".join(html_of(output) for output in cell.outputs)
    words = re.findall(r' alt="([^"]*)"', pages)
    return "\n".join([printed_by(cell), *map(html.unescape, words)])


def spoiled(notebook: Any) -> Iterator[tuple[str, str, str]]:
    """Yields the cell of each question, a number of its answer, and the cell that has it above."""
    above: dict[str, str] = {}
    results, inputs = set[str](), set[str]()
    for cell in notebook.cells:
        if cell.id.startswith("stub-"):
            return
        if cell.cell_type == "markdown":
            above = dict.fromkeys(numbers(cell.source), cell.id) | above
            continue
        above = dict.fromkeys(numbers(words_in(cell.source)), cell.id) | above
        inputs |= numbers_in(cell.source)
        answer = numbers(shown_by(cell))
        if "guess_first(" in cell.source:
            for number in sorted(answer & above.keys() - results - inputs):
                yield cell.id, number, above[number]
        results |= answer


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_number_of_an_answer_stands_above_its_question(name: str) -> None:
    found = [each for each in spoiled(committed(name)) if each[1] not in GIVEN.get(each[0], ())]
    assert not found, "(question, number of its answer, cell above that has it)"


def test_a_number_in_prose_in_words_or_in_a_comment_spoils() -> None:
    nbformat = pytest.importorskip("nbformat")
    new: Any = nbformat.v4
    printed = new.new_output("stream", name="stdout", text="0.97 of 20\n")
    for above in (
        new.new_markdown_cell("It gets 0.97 right. **Predict.** How many?", id="prose"),
        new.new_code_cell("alt = 'a curve up to 0.97'", id="words"),
        new.new_code_cell("x = 1  # gives 0.97", id="comment"),
    ):
        asks = new.new_code_cell("guess_first('How many?')\ntry_it(20)", id="asks")
        asks.outputs = [printed]
        notebook = new.new_notebook(cells=[above, asks])
        assert list(spoiled(notebook)) == [("asks", "0.97", above.id)]
        earlier = new.new_code_cell("try_it(20)", id="earlier", outputs=[printed])
        assert not list(spoiled(new.new_notebook(cells=[earlier, asks])))
