"""`guess_first`: a question, and an answer that is folded until the reader has guessed.

The notebooks call it wherever they say *Predict*. The answer is inside a `<details>` element, which
viewers of saved notebooks keep closed, so that it needs no kernel; where scripts run, `guess.js`
marks the reader's choice.
"""

import html
import io
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from typing import Any

from micrograd_notes.common import checks, notebook
from micrograd_notes.draw.page import Page, as_json_in_html, bundle, image, in_page, text_of

__all__ = ["Guess", "guess_first"]

Choices = Mapping[str, bool | Callable[[], bool]]


def guess_first(question: str, show: Any = None, *, choices: Choices | None = None) -> Any:
    """Asks a question, and keeps the answer folded until the reader has made a guess.

    As the first line of a notebook's cell, it folds everything that the cell prints and displays.
    With `show` it folds that alone, and returns what a notebook displays.

    Args:
        question: what the reader should predict; it may have `code` and *emphasis* in it.
        show: a picture or anything else that a notebook displays, or a function that prints it.
        choices: the possible answers, each with whether it is the right one. Write a comparison,
            so that the code does not give the answer away, and put a `lambda:` before it if its
            numbers are computed later in the cell. Without choices, there is a field to write a
            guess into, which nobody checks.

    Raises:
        TypeError: the question is not a text, or choices is not a dictionary.
        ValueError: the question is empty, the choices do not have exactly one right answer, or the
            cell asks two questions.

    >>> guess_first("Is 7 * 8 above 50?", 7 * 8, choices={"yes": 7 * 8 > 50, "no": 7 * 8 <= 50})
    Guess('Is 7 * 8 above 50?')

    Outside of a notebook nothing can be folded, and the question is printed:

    >>> guess_first("How much is 7 * 8?")
    Predict: How much is 7 * 8?
    """
    guess = Guess(question, choices)
    if show is not None:
        guess._take(_shown(show))
        return guess
    shell = _notebook()
    if shell is None:
        print(guess.in_words)
    else:
        _fold_the_cell(shell, guess)
    return None


class Guess(Page):
    """A question with a folded answer: see `guess_first`."""

    def __init__(self, question: str, choices: Choices | None = None) -> None:
        if not checks.text("question", question).strip():
            raise ValueError("question must say what to predict, got an empty text")
        if choices is not None and not isinstance(choices, Mapping):
            raise TypeError(
                "choices must be a dictionary of answers, each with whether it is right, got "
                + checks.shown(choices)
            )
        self.title = question
        self.choices = dict(choices or {})
        for label in self.choices:
            checks.text("each of choices", label)
        if len(self.choices) == 1:
            raise ValueError(f"choices must be two or more answers, got {list(self.choices)}")
        self._right: int | None = None
        self._answer = ""

    def _take(self, parts: Iterable[Any]) -> None:
        """Takes the answer: texts, and Jupyter's dictionaries of formats."""
        self._answer = _as_html(parts)
        if not self.choices:
            return
        is_right = [bool(each() if callable(each) else each) for each in self.choices.values()]
        if is_right.count(True) != 1:
            right = [label for label, each in zip(self.choices, is_right, strict=True) if each]
            raise ValueError(
                f"choices must have exactly one right answer, got {right} of {list(self.choices)}"
            )
        self._right = is_right.index(True)

    @property
    def in_words(self) -> str:
        """The question and its choices, as a line of text."""
        return " ".join(["Predict:", self.title, *filter(None, [" / ".join(self.choices)])])

    def __repr__(self) -> str:
        return f"Guess({self.title!r})"

    @property
    def _fragment(self) -> str:
        labels = "".join(f"<li>{_marked_up(label)}</li>" for label in self.choices)
        style, script, made = (text_of(f"guess.{end}", "course") for end in ("css", "js", "html"))
        return made.rstrip().format(
            style=style, script=script, question=_marked_up(self.title), choices=labels,
            answer=self._answer, data=as_json_in_html({"right": self._right})
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self._fragment, self.in_words, None)


# ---- what answers it -----------------------------------------------------------------------------


def _notebook() -> Any:
    """Returns IPython's shell in a notebook, or None."""
    shell = notebook.shell()
    return shell if hasattr(shell, "kernel") else None


def _fold_the_cell(shell: Any, guess: Guess) -> None:
    """Collects what the running cell shows from now on, and displays the guess when it ends."""
    from IPython.display import display
    from IPython.utils.capture import capture_output

    if getattr(shell, "_guess", None) is not None:
        raise ValueError(f"a cell asks one question, got a second one: {guess.title!r}")
    shell._guess = guess
    capture = capture_output(stderr=False)  # warnings are not part of the answer
    caught = capture.__enter__()

    def end(result: Any) -> None:
        shell.events.unregister("post_run_cell", end)
        shell._guess = None
        capture.__exit__(None, None, None)
        is_whole = False
        try:
            if result.success:
                guess._take([caught.stdout, *(each.data for each in caught.outputs)])
                is_whole = True
        finally:
            if is_whole:
                display(guess)  # type: ignore[no-untyped-call]
            else:  # the cell or a choice raised: nothing of it is hidden
                caught.show()  # type: ignore[no-untyped-call]

    shell.events.register("post_run_cell", end)


def _shown(show: Any) -> list[Any]:
    """Returns the parts of an answer: the thing, or what a function prints and returns."""
    if hasattr(show, "_repr_html_") or not callable(show):
        return [_bundle(show)]
    with redirect_stdout(io.StringIO()) as printed:
        result = show()
    return [printed.getvalue(), *([] if result is None else [_bundle(result)])]


def _bundle(thing: Any) -> Any:
    """Returns a thing as Jupyter's dictionary of formats, or as text."""
    if hasattr(thing, "_repr_mimebundle_"):
        return thing._repr_mimebundle_()
    to_html: Callable[[], str] | None = getattr(thing, "_repr_html_", None)
    return repr(thing) if to_html is None else {"text/html": to_html()}


def _as_html(parts: Iterable[Any]) -> str:
    found = []
    for part in parts:
        formats = {"text/plain": part} if isinstance(part, str) else part
        if "text/html" in formats:
            found.append(f'<div class="shown">{formats["text/html"]}</div>')
        elif "image/png" in formats:
            png = formats["image/png"]
            source = in_page(png) if isinstance(png, bytes) else f"data:image/png;base64,{png}"
            found.append(image(source, formats.get("text/plain", "")))
        elif text := formats.get("text/plain", "").rstrip():
            found.append(f'<pre class="printed">{html.escape(text)}</pre>')
    return "\n".join(found)


def _marked_up(text: str) -> str:
    """Returns a text as HTML, with `code` and *emphasis* as notebooks write them.

    >>> _marked_up("Is `x < 1` *always* true?")
    'Is <code>x &lt; 1</code> <em>always</em> true?'
    """
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(text))
    return re.sub(r"(?<!\w)\*(\w.*?)\*(?!\w)", r"<em>\1</em>", text)
