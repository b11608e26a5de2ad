"""The command line and the tour, as a person types them."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer", reason="the command line's extra is not installed")
pytest.importorskip("matplotlib", reason="the tour draws with Matplotlib")
pytest.importorskip("sklearn", reason="the tour's digits are scikit-learn's")

from typer.testing import CliRunner, Result

from micrograd_notes import cli, tour
from micrograd_notes.saving import load_model


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.mark.parametrize("command", ["tour", "draw", "check", "lab"])
def test_every_command_helps_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: micrograd-notes {command}" in result.stdout


def test_without_a_command_the_help_lists_them() -> None:
    assert {"tour", "draw", "check", "lab"} <= set(run().output.split())


# ---- draw ----------------------------------------------------------------------------------------


def test_draw_prints_value_and_gradients_and_writes_the_picture(tmp_path: Path) -> None:
    picture = tmp_path / "graph.svg"
    result = run("draw", "a*b + tanh(c)", "a=2", "b=-3", "c=10", "-o", str(picture))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "a*b + tanh(c) = -5",
        "  d/da = -3",
        "  d/db = 2",
        "  d/dc = 8.24461e-09",
        f"drawn: {picture}",
    ]
    assert picture.read_text(encoding="utf-8").count("<svg") == 1


def test_names_are_those_that_python_reads() -> None:
    """The micro sign of a keyboard and the Greek letter are one name to Python's parser."""
    assert run("draw", "\u00b5*2", "\u00b5=3").stdout.startswith("\u00b5*2 = 6")


def test_a_formula_that_begins_with_a_minus() -> None:
    assert run("draw", "--", "-a*2", "a=2").stdout.startswith("-a*2 = -4")


def test_a_formula_of_plain_numbers_has_no_gradient() -> None:
    assert run("draw", "1 + 2").stdout == "1 + 2 = 3\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a *", "a=1"], "no formula"),
        (["__import__('os')", "a=1"], "no operation is named '__import__'"),
        (["a + b", "a=1"], "'b' has no value; give it one, b=1.5"),
        (["a", "a=x"], "a is to be a number, got 'x'"),
        (["a", "a"], "a name gets its number like a=2, got 'a'"),
        (["log(a)", "a=-1"], "log(a=-1.0)"),
        (["a*2", "a=2", "a=3"], "a is given twice, 2 and 3"),
        (["lambda", "lambda=2"], "a name gets its number like a=2"),
        (["a", "a=1", "-o", "{folder}/graph.jpg"], "svg, png, pdf, dot, html"),
        (["a", "a=1", "-o", "{folder}/none/graph.svg"], "can't write"),
    ],
)
def test_a_mistake_is_one_message_and_leaves_nothing(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    result = run("draw", *[text.format(folder=tmp_path) for text in arguments])
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


# ---- check ---------------------------------------------------------------------------------------


def test_check_prints_a_line_each_and_its_exit_status_tells(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text("def square(x): return x * x\ndef main(): pass\n", encoding="utf-8")
    wrong.write_text("def half(x): return x * (x.data / 2)\n", encoding="utf-8")
    result = run("check", str(right))
    assert result.exit_code == 0
    *lines, last = result.stdout.splitlines()
    assert lines == [
        "square: PASS (13 points)",
        "main: not checked: there is no argument that it needs, so nothing to differentiate",
    ]
    assert last.startswith(f"{right}: 1 of 2 checked, 0 failed, ")
    result = run("check", str(right), str(wrong))
    assert result.exit_code == 1
    assert f"{right}:\nsquare: PASS" in result.stdout
    assert f"{wrong}:\nhalf: TRAVERSAL (at x = 0.75)\n  at x = 0.75" in result.stdout


def test_check_goes_on_after_a_file_that_it_can_not_check(tmp_path: Path) -> None:
    file = tmp_path / "right.py"
    file.write_text("def square(x): return x * x\n", encoding="utf-8")
    result = run("check", str(tmp_path / "none.py"), str(file))
    assert result.exit_code == 1
    assert "there is no file" in result.stderr
    assert "square: PASS" in result.stdout


def test_a_check_of_nothing_is_no_success(tmp_path: Path) -> None:
    file = tmp_path / "nothing.py"
    file.write_text("def main(): pass\n", encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 1
    assert "nothing in" in result.stderr


def test_check_alone_checks_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from micrograd_notes import ops
    from micrograd_notes.testing import checking

    monkeypatch.setattr(checking, "TABLE", {"tanh": ops.tanh, "sigmoid": ops.sigmoid})
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("tanh: PASS")
    assert "the table: 2 of 2 checked, 0 failed" in result.stdout
    monkeypatch.setitem(ops.tanh.__dict__, "partials", (lambda y, x: 1.0009 * (1 - y * y),))
    assert run("check").exit_code == 1


# ---- tour ----------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a test asks of a page: its tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))


def test_a_short_tour_writes_a_page_that_needs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One split and two epochs in place of five and twenty: every step of the tour, in seconds."""
    monkeypatch.setattr(tour, "EPOCHS", 2)
    monkeypatch.setattr(tour, "LINEAR_EPOCHS", 1)
    monkeypatch.setattr(tour, "train_on_all_splits", lambda: [tour.train_on_split(0)])
    lines: list[str] = []
    path = tour.run_tour(tmp_path / "new" / "tour", lines.append)
    said = "\n".join(lines)
    accuracy = re.search(r"split 0: held-out accuracy (0\.\d+), linear model (0\.\d+)", said)
    assert accuracy
    assert float(accuracy[1]) > 0.6  # chance is about a half

    # central differences with h = 2**-17 keep some nine digits
    difference = re.search(r"largest relative difference is (\S+)\.", said)
    assert difference
    assert float(difference[1]) < 1e-6

    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert accuracy[1] in text
    assert not re.search(r"\$[a-z_]+", text)  # every blank of the template is filled
    for tag, attributes in page.tags:
        for name in ("src", "srcset", "href"):
            link = attributes.get(name) or "data:"
            assert link.startswith(("data:", "#")) or link == "digits_model.json"
        if tag == "img":
            assert len(attributes["alt"] or "") > 20
    assert sum(tag == "img" for tag, _ in page.tags) == 5
    assert "data-micrograd-stepper" in text
    assert "data-micrograd-training" in text
    assert load_model(path.parent / "digits_model.json").sizes == (16, tour.HIDDEN, 1)


def test_a_folder_that_can_not_be_written_is_found_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained_in_vain() -> Any:
        raise AssertionError("a minute of training whose page can't be written")

    monkeypatch.setattr(tour, "train_on_all_splits", trained_in_vain)
    (tmp_path / "file").write_text("in the way")
    result = run("tour", "-o", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert "can't write the folder" in result.stderr


def test_the_gradient_check_finds_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    from micrograd_notes import ops

    model = tour.digits_network(0)
    assert max(check.difference for check in tour.check_gradients(model)) < 1e-6
    wrong = (lambda y, x: 0.999 * (1.0 - y * y),)
    monkeypatch.setitem(ops.tanh.__dict__, "partials", wrong)
    assert max(check.difference for check in tour.check_gradients(model)) > 1e-4


def test_the_counter_of_epochs_is_shared_between_processes() -> None:
    import multiprocessing

    counter = multiprocessing.Value("i", 0)
    tour._share(counter)
    tour._count_epoch()
    assert counter.value == 1
    tour._share(None)
    tour._count_epoch()


# ---- lab -----------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The commands that `lab` would have run, with a home of Jupyter that is empty."""
    pytest.importorskip("nbformat", reason='the extra "notebooks" is not installed')
    commands: list[list[str]] = []

    def call(command: list[str]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("subprocess.call", call)
    return commands


def test_lab_opens_the_map_of_the_course(asked: list[list[str]]) -> None:
    assert run("lab").exit_code == 0
    assert Path(asked[0][-1], "01_a_neuron_by_hand.ipynb").is_file()
    options = dict(word.split("=", 1) for word in asked[0] if word.startswith("--LabApp."))
    assert options["--LabApp.default_url"] == "/lab/tree/README.md"
    assert Path(asked[0][-1], "README.md").is_file()
    settings = json.loads(Path(options["--LabApp.app_settings_dir"], "overrides.json").read_text())
    viewers = settings["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]
    assert viewers == {"markdown": "Markdown Preview"}  # else its source is opened


def test_lab_trusts_the_chapters_so_that_their_steppers_run(asked: list[list[str]]) -> None:
    nbformat: Any = pytest.importorskip("nbformat")
    sign: Any = pytest.importorskip("nbformat.sign")
    chapters = sorted((Path(cli.__file__).parents[1] / "notebooks").glob("[0-9]*.ipynb"))
    notebooks = [nbformat.read(path, as_version=4) for path in chapters]

    def trusted() -> set[bool]:
        notary = sign.NotebookNotary()
        found = {notary.check_signature(notebook) for notebook in notebooks}
        notary.store.close()
        return found

    assert trusted() == {False}
    assert run("lab").exit_code == 0
    assert trusted() == {True}
    notebooks[0].cells[-1].source += "changed by someone"
    assert trusted() == {True, False}


def test_lab_without_jupyterlab_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = run("lab")
    assert result.exit_code == 1
    assert 'pip install -e ".[notebooks]"' in result.stderr
