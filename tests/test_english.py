"""The "never" of our English, as regular expressions that find nothing in text that a user reads.

A user reads docstrings of public things, error messages, warnings, help and output of the command
line, the README files and the notebooks' prose. Each expression is tested on a bad and a good
sentence first. A room whose text is still to be mended is listed in PENDING.
"""

import ast
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "micrograd_notes"

PENDING: list[str] = []
"""Rooms with text to mend. Take a room out when it is clean: a test fails if you forget."""


class Never(NamedTuple):
    """An expression to avoid, with a sentence that has it and one that does not."""

    pattern: str
    bad: str
    good: str
    only: str = "docstring message prose"


COUNTED = r"(?:operand|node|edge|example|parameter|neuron|layer|class|batch|step|epoch|token)"
NEVER = {
    "per, not a": Never(
        rf"\b(?:one (?:number|value|target|line|row|object|slope|test)|bytes?|ns) an? {COUNTED}\b",
        "A rule returns one number an operand.", "It is one number, and a node has it once.",
    ),
    "is not a, not is no": Never(
        r"(?<!\b[Tt]here )\b(?:is|are|was|were) no\b(?! (?:longer|more|less|better)\b)",
        "TypeError: callback is no function.", "There is no network, and x is no longer a leaf.",
    ),
    "does not have, not has no": Never(
        r"\b(?:has|have|had) no\b",
        "moons has no option size", "moons does not have an option size", "message",
    ),
    "code does not know": Never(
        r"\b(?:knows|minds|tells)\b",
        "This file knows lists.", "This file is known to all who tell of it.", "docstring message",
    ),
    "not is none": Never(
        r"(?<!\b[Tt]here )\b(?:is|are) none\b(?! of\b)",
        "TypeError if it is none.", "There is none, and it is None, and they are none of these.",
    ),
    "must, not is to be": Never(
        r"(?<!aim )(?<!goal )(?<!idea )(?<!trick )\b(?:is|are) to be\b",
        "The loss is to be small.", "The aim is to be exact, and the loss ought to be small.",
    ),
    "after, not behind": Never(
        r"\b(?:comes?|came|stands?|one|follows?) behind\b",
        "The letter that comes behind q.", "The person behind the curtain.",
    ),
    "not come by": Never(
        r"\b(?:comes?|came) by\b", "No sweep has come by.", "It comes from there, by train.",
    ),
    "depends on, not hangs on": Never(
        r"\bh(?:angs?|ung) on\b", "It hangs on the seed.", "It hangs only by a thread.",
    ),
    "your own, not one's own": Never(
        r"\bone's own\b", "A loop of one's own.", "Your own loop.",
    ),
    "instead of, not in place of": Never(
        r"\bin place of\b", "It uses b in place of a.", "It takes the place of a, in place.",
    ),
    "other than, not else than": Never(
        r"\belse than\b", "It holds something else than numbers.", "Something other than numbers.",
    ),
    "code does not stand": Never(
        r"\bstands? (?:there|here|beside|below|once|twice|alone|apart)\b",
        "The one line stands here.", "It stands for a number.",
    ),
    "a noun, not who": Never(
        r"\b[Ww]hoever\b|\b(?:than|for) who\b",
        "It is worse than who knows nothing.", "It is worse than a person who guesses.",
    ),
    "a subject first": Never(
        r"^(?:(?:What|Who|Whose|Of)\b(?! course\b)|Had (?:it|its|the|a|we|you)\b)[^?]*$",
        "Of a row give the class.", "What is a neuron, and who would ask?",
    ),
}


class Text(NamedTuple):
    """A piece of text that a user reads."""

    kind: str
    place: str
    text: str


# ---- reading -------------------------------------------------------------------------------------

SAYING = {"fail", "warn", "_warn", "_warn_of", "echo", "say", "print", "Option", "Argument"}
ADVICE = {"advice", "hint", "why", "reason", "message", "help", "problem"}
SPAN = re.compile(r"``.*?``|`[^`]*`", re.DOTALL)


def texts_of_python(path: Path) -> Iterator[Text]:
    """Yields the docstrings of public things and the literals of messages and help."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = path.relative_to(ROOT).as_posix()
    for line, docstring in docstrings(tree):
        yield Text("docstring", f"{name}:{line}", without_examples(docstring))
    seen: set[ast.AST] = set()
    for node in ast.walk(tree):
        if says_something(node):
            for line, literal in literals(node, seen):
                yield Text("message", f"{name}:{line}", literal)


def docstrings(body: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """Yields the docstring of a module, class or function, and those of public things in it."""
    for statement in body.body:
        match statement:
            case ast.Expr(value=ast.Constant(value=str(text))):  # one below an attribute, too
                yield statement.lineno, text
            case ast.ClassDef() | ast.FunctionDef() if not statement.name.startswith("_"):
                yield from docstrings(statement)


def says_something(node: ast.AST) -> bool:
    """Returns whether the literals in it are shown to a user."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in SAYING or re.search(r"(?:Error|Warning|CannotLift)$", name) is not None
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.keyword(arg=str(name)):
            return name in ADVICE or name.isupper()
    return False


def literals(node: ast.AST, seen: set[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yields each literal once; a replacement field of an f-string becomes a name."""
    if node in seen:
        return
    seen.add(node)
    match node:
        case ast.Constant(value=str(text)):
            yield node.lineno, SPAN.sub("X", text)
        case ast.JoinedStr(values=parts):
            pieces = [p.value if isinstance(p, ast.Constant) else "X" for p in parts]
            yield node.lineno, SPAN.sub("X", "".join(map(str, pieces)))
        case _:
            for child in ast.iter_child_nodes(node):
                yield from literals(child, seen)


def without_examples(docstring: str) -> str:
    """Returns a docstring without its doctests, code in backticks, and indented formulas."""
    text = re.sub(r"^ *>>> .*?(?:\n *\n|\Z)", "\n", docstring, flags=re.DOTALL | re.MULTILINE)
    return SPAN.sub("X", text)


def texts_of_markdown(name: str, markdown: str) -> Iterator[Text]:
    """Yields the prose of a page, without code."""
    text = re.sub(r"^```.*?^```", "", markdown, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)  # a heading may be a noun phrase
    text = re.sub(r"^(?:[-*>]|\d+\.) |\|", "\n\n", SPAN.sub("X", text), flags=re.MULTILINE)
    yield Text("prose", name, text)


def texts_of_html(name: str, page: str) -> Iterator[Text]:
    """Yields the visible text of a page."""
    text = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    text = re.sub(r"</?(?:p|h\d|li|td|th|figcaption|div)\b[^>]*>", "\n\n", text)
    yield Text("prose", name, html.unescape(re.sub(r"<[^>]*>", "", text)))


def texts_of(path: Path) -> Iterator[Text]:
    """Yields all that a user reads in a file."""
    name, source = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from texts_of_python(path)
    elif path.suffix == ".html":
        yield from texts_of_html(name, source)
    elif path.suffix == ".md":
        yield from texts_of_markdown(name, source)
    else:
        for i, cell in enumerate(json.loads(source)["cells"]):
            if cell["cell_type"] == "markdown":
                yield from texts_of_markdown(f"{name}, cell {i}", "".join(cell["source"]))


def sentences(text: str) -> list[str]:
    """Returns the sentences of a text, each on one line."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n|\n *- ", text)]
    return [each for paragraph in paragraphs for each in re.split(r"(?<=[.!?]) +", paragraph)]


def faults_in(text: Text) -> list[str]:
    """Returns a line per expression that the text should not have."""
    return [
        f"{text.place}: {what}: {sentence}"
        for sentence in sentences(text.text)
        for what, never in NEVER.items()
        if text.kind in never.only and re.search(never.pattern, sentence)
    ]


# ---- rooms ---------------------------------------------------------------------------------------

FILES = [
    *PACKAGE.rglob("*.py"),
    *(PACKAGE / "cli").glob("*.html"),
    *ROOT.glob("README*.md"),
    *PACKAGE.rglob("README*.md"),
    *(ROOT / "notebooks").glob("*.md"),
    *(ROOT / "notebooks").glob("*.ipynb"),
]


def room_of(path: Path) -> str:
    """Returns the room of the package, "package" for files at its top, "notebooks" or "README"."""
    folder, *below = path.relative_to(ROOT).parts
    if folder != "micrograd_notes":
        return "README" if not below else folder
    return below[0] if len(below) > 1 else "gpt" if below == ["gpt.py"] else "package"


ROOMS = sorted(set(map(room_of, FILES)))


def faults_of(room: str) -> list[str]:
    """Returns every fault in the text of a room."""
    files = [path for path in sorted(FILES) if room_of(path) == room]
    return [fault for path in files for text in texts_of(path) for fault in faults_in(text)]


@pytest.mark.parametrize("what", NEVER)
def test_each_expression_is_found_in_its_bad_sentence_alone(what: str) -> None:
    never = NEVER[what]
    for kind in never.only.split():
        assert any(f": {what}: " in fault for fault in faults_in(Text(kind, "here", never.bad)))
        assert faults_in(Text(kind, "here", never.good)) == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_only_english_that_does_not_stop_a_reader(room: str) -> None:
    faults = faults_of(room)
    if room in PENDING:
        assert faults, f"{room} is clean now: take it out of PENDING"
    else:
        assert not faults, "\n".join(faults)


def test_pending_rooms_exist() -> None:
    assert set(PENDING) <= set(ROOMS)


def test_each_kind_of_text_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    bad = "It hangs on it."
    python = (
        f'"""{bad}"""\nSAID = "{bad}"\nx = 1\n"""{bad}"""\n'
        f'class A:\n    """{bad}"""\n    def m(self):\n        """{bad}"""\n'
        f'def f(x):\n    """Returns.\n\n    >>> "{bad}"\n    """\n'
        f'    raise ValueError(f"{bad} {{x}}")\n'
        f'def _private():\n    """{bad}"""\n    return OSError(1, "{bad}")\n'
        f'option = Option(help="{bad}")\nsay("{bad}")\nwarnings.warn("{bad}" if x else "{bad}")\n'
        f'data = "{bad}"\n'
    )
    cells = [{"cell_type": kind, "source": [bad]} for kind in ("markdown", "code")]
    pages = {
        "a.py": (python, 11),
        "a.md": (f"# {bad}\n\n    {bad}\n\n```\n{bad}\n```\nA `{bad}` {bad}\n\n| {bad} |\n", 2),
        "a.ipynb": (json.dumps({"cells": cells}), 1),
        "a.html": (f"<style>{bad}</style><p>{bad}</p><p>It <b>hangs</b> on it.</p>", 2),
    }
    for name, (source, count) in pages.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
        found = [fault for text in texts_of(tmp_path / name) for fault in faults_in(text)]
        assert len(found) == count, name
