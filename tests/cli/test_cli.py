"""The command line and the tour, as a person types them."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer", reason="the command line's extra is not installed")
pytest.importorskip("matplotlib", reason="the tour draws with Matplotlib")
pytest.importorskip("sklearn", reason="the tour's digits are scikit-learn's")

from typer.testing import CliRunner, Result

from micrograd_notes import __version__
from micrograd_notes.cli import main as cli, tour, tour_page
from micrograd_notes.common.extras import install
from micrograd_notes.gpt import GPT
from micrograd_notes.nn.saving import load_model
from micrograd_notes.train import data


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.mark.parametrize("command", ["tour", "draw", "check", "gpt", "lab", "train", "predict"])
def test_every_command_helps_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: micrograd-notes {command}" in result.stdout


def test_without_a_command_the_help_lists_them() -> None:
    assert {"tour", "draw", "check", "gpt", "lab"} <= set(run().output.split())


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


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What comes of a command that a person types: a process, and so all of `main`."""
    program = "from micrograd_notes.cli.main import main; main()"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_who_forgets_the_two_minuses_is_told_of_them() -> None:
    finished = typed("draw", "-a*2", "a=2")
    assert finished.returncode == 2
    assert "No such option" in finished.stderr
    last = finished.stderr.splitlines()[-1]
    assert last == 'If the formula begins with -, write: draw -- "-a*2" a=2'
    assert "begins with -" not in typed("tour", "--outptu").stderr


def test_a_picture_whose_name_has_no_format_is_told_how_to_end(tmp_path: Path) -> None:
    result = run("draw", "a*2", "a=2", "-o", str(tmp_path / "x"))
    assert result.exit_code == 1
    assert "path must end in .svg or .png or .pdf or .dot or .html, got" in result.stderr
    assert not list(tmp_path.iterdir())


def test_the_version_is_that_of_the_package() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"micrograd-notes {__version__}\n")


def test_the_gpt_helps_instead_of_training() -> None:
    command = [sys.executable, "-m", "micrograd_notes.gpt", "--help"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    for shown in (finished.stdout, run("gpt", "--help").output):
        assert "--steps" in shown
        assert "nats per letter" not in shown


class SmallGPT(GPT):
    def __init__(self, letters: str) -> None:
        super().__init__(letters, positions=6, width=4, heads=1)


def test_the_gpt_says_which_step_and_in_which_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("micrograd_notes.gpt.city_names", lambda: ["rome", "nice", "bonn", "lima"])
    monkeypatch.setattr("micrograd_notes.gpt.GPT", SmallGPT)
    result = run("gpt", "--steps", "300")
    assert result.exit_code == 0, result.output
    *steps, invented = result.stdout.splitlines()
    loss = r"loss \d\.\d\d nats per letter"
    patterns = [rf"step {i} of 3 on scalars: {loss}" for i in (1, 2, 3)]
    patterns += [rf"step 300 of 300 on arrays: {loss}"]
    for line, pattern in zip(steps, patterns, strict=True):
        assert re.fullmatch(pattern, line)
    assert invented.startswith("invented: ")


def test_a_formula_of_plain_numbers_has_no_gradient() -> None:
    assert run("draw", "1 + 2").stdout == "1 + 2 = 3\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a *", "a=1"], "not a formula"),
        (["__import__('os')", "a=1"], "unknown operation '__import__'"),
        (["a + b", "a=1"], "'b' needs a value; add b=1.5"),
        (["a", "a=x"], "a must be a number, got 'x'"),
        (["a", "a"], "a name and its number must be written like a=2, got 'a'"),
        (["log(a)", "a=-1"], "log(a=-1.0)"),
        (["a*2", "a=2", "a=3"], "a is given twice, 2 and 3"),
        (["lambda", "lambda=2"], "a name and its number must be written like a=2"),
        (["a", "a=1", "-o", "{folder}/graph.jpg"], ".svg or .png or .pdf or .dot or .html"),
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
        "main: not checked: it does not need an argument, so there is nothing to differentiate",
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
    from micrograd_notes.engine import ops
    from micrograd_notes.testing import checking

    monkeypatch.setattr(checking, "TABLE", {"tanh": ops.tanh, "sigmoid": ops.sigmoid})
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("tanh: PASS")
    assert "built-in operations: 2 of 2 checked, 0 failed" in result.stdout
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
    """Every step of the tour, with few examples and epochs, and one split instead of five."""
    digits, moons = data.digits, data.moons

    def few_digits(**options: bool) -> data.Dataset:
        all_of_them = digits(**options)
        inputs, targets = all_of_them.inputs[:240], all_of_them.targets[:240]
        return replace(all_of_them, inputs=inputs, targets=targets)

    monkeypatch.setattr(data, "digits", few_digits)
    monkeypatch.setattr(data, "moons", lambda samples, **options: moons(40, **options))
    monkeypatch.setattr(tour, "EPOCHS", 6)
    monkeypatch.setattr(tour, "LINEAR_EPOCHS", 1)
    split_0, learn_moons = cache(tour.train_on_split), cache(tour.learn_moons)
    monkeypatch.setattr(tour, "train_on_all_splits", lambda say: [split_0(0)])
    monkeypatch.setattr(tour, "learn_moons", learn_moons)
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

    # the largest of the differences in the table is the one that is spoken of
    shown = re.findall(r"<td>(\d\.\de[-+]\d\d)</td></tr>", text)
    assert len(shown) == 8
    assert shown == sorted(shown, key=float, reverse=True)
    assert shown[0] == difference[1]
    assert f"estimate is {difference[1]}," in text

    wrong, held_out = map(int, re.search(r"(\d+) of its (\d+) guesses are wrong", text).groups())  # type: ignore[union-attr]
    assert held_out == len(data.digits(odd_or_even=True, pooled=True).split(seed=0)[1].inputs)
    assert float(accuracy[1]) == pytest.approx(1 - wrong / held_out, abs=5e-4)
    guesses = re.search(r'alt="Sixteen held-out digits[^"]*: ([^"]+)"', text)
    assert guesses
    assert guesses[1].count("\u2717") == min(wrong, 4)
    assert len(guesses[1].split("; ")) == 16

    # a second tour, which neither trains nor draws again here, takes the first one's place
    monkeypatch.setattr(tour, "page_text", lambda findings: f"{tour_page.TITLE}, again")
    tour.run_tour(path.parent, lines.append)
    assert path.read_text(encoding="utf-8") == f"{tour_page.TITLE}, again"


def test_the_digits_that_are_shown_are_those_that_were_guessed() -> None:
    """A person sees 8x8 pixels, and the network 4x4 of the same image."""
    _, scanned = data.digits(odd_or_even=True).split(seed=0)
    _, pooled = data.digits(odd_or_even=True, pooled=True).split(seed=0)
    assert scanned.targets == pooled.targets
    for large, small in zip(scanned.inputs, pooled.inputs, strict=True):
        assert sum(large) / 64 == pytest.approx(sum(small) / 16, abs=1e-12)


def test_the_page_names_the_notebooks_by_their_own_titles() -> None:
    notebooks = sorted((Path(cli.__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
    items = tour_page._notebooks().splitlines()
    assert len(items) == len(notebooks) >= 12
    for item, path in zip(items, notebooks, strict=True):
        title = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        plain = title.splitlines()[0].removeprefix("# ").replace("`", "")
        assert item == f"<li><em>{path.name[:2]}</em> {plain}</li>"


def test_a_folder_that_can_not_be_written_is_found_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained_in_vain(*_: Any) -> Any:
        raise AssertionError("a minute of training whose page can't be written")

    monkeypatch.setattr(tour, "train_on_all_splits", trained_in_vain)
    (tmp_path / "file").write_text("in the way")
    result = run("tour", "-o", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert "can't write the folder" in result.stderr
    assert "it is a file, not a folder" in result.stderr


@pytest.mark.parametrize("name", ["index.html", "digits_model.json"])
@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_text("<h1>My page</h1>")])
def test_the_tour_does_not_overwrite_what_no_tour_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, make: Any
) -> None:
    def trained_in_vain(*_: Any) -> Any:
        raise AssertionError("a minute of training whose page can't be written")

    monkeypatch.setattr(tour, "train_on_all_splits", trained_in_vain)
    make(tmp_path / name)
    result = run("tour", "-o", str(tmp_path))
    assert result.exit_code == 1
    words = f"can't write the folder {tmp_path}: it has a {name} that a tour did not write; choose"
    assert words in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_gradient_check_finds_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    from micrograd_notes.engine import ops

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

    def execv(program: str, command: list[str]) -> None:
        assert program == command[0]
        commands.append(command)
        raise SystemExit(0)  # as the real one does not return

    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr("subprocess.call", call)
    monkeypatch.setattr("os.execv", execv)
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


def test_lab_works_on_a_copy_in_the_home_of_the_learner(
    asked: list[list[str]], tmp_path: Path
) -> None:
    course = Path(cli.__file__).parents[2] / "notebooks"
    own = tmp_path / "micrograd-notes"
    first, page = own / "01_a_neuron_by_hand.ipynb", own / "README.md"
    assert run("lab").exit_code == 0
    assert asked[0][-1] == str(own)
    names = {path.name for path in course.glob("*.ipynb")}
    assert {path.name for path in own.glob("*.ipynb")} == names
    for linked in re.findall(r"\]\(([\w/]+\.(?:svg|png|md))\)", page.read_text(encoding="utf-8")):
        assert (own / linked).is_file()
    first.write_text("my answers")
    page.unlink()
    assert run("lab").exit_code == 0
    assert first.read_text() == "my answers"
    assert page.is_file(), "a file that is missing comes back"
    (own / "mine.ipynb").write_text("of my own")
    assert run("lab", "--fresh").exit_code == 0
    assert first.read_bytes() == (course / first.name).read_bytes()
    assert (own / "mine.ipynb").read_text() == "of my own"
    assert run("lab", str(tmp_path / "elsewhere")).exit_code == 0
    assert asked[-1][-1] == str(tmp_path / "elsewhere")


def test_lab_says_where_it_cannot_write(asked: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("lab", str(tmp_path / "file"))
    assert result.exit_code == 1
    assert "can't write the folder" in result.stderr
    assert not asked


def test_lab_trusts_the_chapters_so_that_their_steppers_run(asked: list[list[str]]) -> None:
    nbformat: Any = pytest.importorskip("nbformat")
    sign: Any = pytest.importorskip("nbformat.sign")
    chapters = sorted((Path(cli.__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
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
    assert install("notebooks") in result.stderr
