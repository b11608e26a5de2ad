"""The sources of losses as learners write them, as they are kept in `golden/` to be read.

`ruff check` reads those files, too: no line in them is longer than 100 letters, and none is dead.
"""

import ast
import math
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import Value  # noqa: E402
from micrograd_notes.engine.functions import maximum  # noqa: E402
from micrograd_notes.engine.ops import exp, logsumexp, sigmoid, sin, tanh  # noqa: E402
from micrograd_notes.lifting import Lifted, lift  # noqa: E402
from micrograd_notes.lifting.codegen.numpy.emit import spelled_constant  # noqa: E402
from micrograd_notes.lifting.codegen.numpy.spelled import number  # noqa: E402
from micrograd_notes.lifting.typed.expressions import Constant  # noqa: E402
from tests.lifting.examples import EXAMPLES, GOLDEN, numbers, source_of, values  # noqa: E402


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_source_is_the_one_that_was_read(name: str) -> None:
    """If it is another one by intention: python -m tests.lifting.examples, and read the diff."""
    assert source_of(name) + "\n" == (GOLDEN / f"{name}.py").read_text(encoding="utf-8")


def test_there_is_no_file_without_its_example() -> None:
    assert {file.stem for file in GOLDEN.glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_source_is_for_readers(name: str) -> None:
    source = (GOLDEN / f"{name}.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    assert max(map(len, lines)) <= 100
    if name != "outputs":
        forward, loss, backward = map(source.index, ("# forward", "    loss = ", "# backward"))
        assert forward < loss < backward
    computed = [re.match(r"    (\w+) = ", line) for line in lines]
    for match in filter(None, computed):
        read = len(re.findall(rf"\b{match[1]}\b", source))
        assert read > 1, f"{match[1]} is computed and never read"
    assert not re.search(r"(?m)^ +\w+ = [^\W\d]\w*( +#.*)?$", source), "a copy"
    assert not re.search(r"\b(subtract|multiply|divide|neg)\d*\b", source)


@pytest.mark.parametrize("name", ["squared_error", "classifier", "recurrent", "small_gpt"])
def test_explain_shows_each_pass_on_one_screen(name: str) -> None:
    program, data = EXAMPLES[name]()
    source = program.source_for(*data)
    passes = re.split(r"(?m)^(?=[1-5]\. )", program.explain())[1:]
    assert [each.split(":")[0] for each in passes] == [
        "1. record", "2. simplify", "3. group", "4. arrange", "5. emit"
    ]
    for each in passes:
        lines = each.splitlines()
        assert 6 <= len(lines) <= 40
        assert max(map(len, lines)) <= 100
    assert passes[4].splitlines()[-1] == source.splitlines()[-1]


def test_the_printed_sources_alone_are_right() -> None:
    """Pairs have holes where a denominator is 0; nothing warns, and no second program helps."""
    for name in ("coulomb", "tsne", "cosine_attention"):
        program, data = EXAMPLES[name]()
        program.check(*data)
        assert program._latest is not None
        assert "guarded" not in vars(program._latest)
        scope: dict[str, object] = {"theta": program.parameters(), "data": data}
        code = f"{program.source}\nloss, gradient = loss_and_gradient(theta, *data)"
        exec(code, scope)
        loss, gradient = program.value_and_grad(program.parameters(), *data)
        assert scope["loss"] == loss
        assert scope["gradient"].tolist() == gradient.tolist()  # type: ignore[attr-defined]


def test_the_sources_do_not_depend_on_the_hashes_of_the_process() -> None:
    names = ["classifier", "small_gpt"]
    code = f"from tests.lifting.examples import source_of\nprint(*map(source_of, {names!r}))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    kept = [(GOLDEN / f"{name}.py").read_text(encoding="utf-8").rstrip() for name in names]
    assert printed.rstrip() == " ".join(kept)


def test_a_constant_has_its_name_whatever_letters_are_in_it() -> None:
    numbers = [math.inf, 1.5, -math.inf, math.nan]
    scope: dict[str, Any] = {"np": np}
    exec(spelled_constant(Constant(np.array(numbers)), "influence_of_nancy"), scope)
    assert np.array_equal(scope["influence_of_nancy"], numbers, equal_nan=True)


def test_a_constant_of_any_length_is_written_in_lines_that_python_reads() -> None:
    for count in range(1, 120):
        for listed in (np.arange(-5.0, -5.0 - count, -1), 1e-5 * np.arange(-count, 0.0)):
            text, scope = spelled_constant(Constant(listed), "numbers"), {"np": np}
            assert max(map(len, text.splitlines())) <= 100
            exec(text, scope)
            assert scope["numbers"].tolist() == listed.tolist()


def of_many_terms(count: int) -> tuple[Lifted, Any]:
    """A maximum over many energies, each of other terms: lists that no line has room for."""
    weights = values(0, 4)
    signs = [[(k >> bit) % 2 for bit in range(4)] for k in range(count)]

    def loss(x: Any) -> Any:
        energies = [
            sum((w * a for w, a, is_in in zip(weights, x, row, strict=True) if is_in), 0.1 * k)
            for k, row in enumerate(signs)
        ]
        return logsumexp([tanh(each) for each in energies]) - maximum(energies)

    return lift(loss, parameters={"weights": weights}), numbers(0, 3, 4)


def of_many_states(count: int) -> tuple[Lifted, Any]:
    """Each state is made in its own way, by a parameter with a long name of its own."""
    given = {f"coefficient_of_the_{k}th_state": Value(0.1 * k + 0.1) for k in range(count)}
    coefficients = [*given.values()]

    def loss(x: Any) -> Any:
        states: list[Any] = [0.1] * count
        for each in x:
            before = states
            for k, c in enumerate(coefficients):
                function = (tanh, sin, exp, sigmoid)[k % 4]
                states = [*states[:k], function(c * before[k - 1] - each), *states[k + 1 :]]
        return logsumexp(states)

    return lift(loss, parameters=given), numbers(0, 3, 6)


@pytest.mark.parametrize("made", [of_many_terms, of_many_states])
@pytest.mark.parametrize("count", [5, 9, 16])
def test_no_line_is_longer_than_a_screen(made: Callable[[int], Any], count: int) -> None:
    """However many arrays are stacked, joined, given or passed on."""
    program, data = made(count)
    sources = [program.source_for(data)]
    if find_spec("jax") is not None:
        sources.append(program.jax().source_for(data))
    for source in sources:
        compile(source, "source", "exec")
        assert max(map(len, source.splitlines())) <= 100, source
    program.check(data)


def test_a_label_below_zero_is_refused_by_the_source_alone() -> None:
    program, (x, label) = EXAMPLES["classifier"]()
    scope: dict[str, object] = {"theta": program.parameters(), "x": x, "label": label - 1}
    with pytest.raises(AssertionError):
        exec(f"{program.source_for(x, label)}\nloss_and_gradient(theta, x, label)", scope)
    with pytest.raises(IndexError):
        exec("loss_and_gradient(theta, x, label + 3)", scope)


def test_a_fraction_is_written_as_the_learner_wrote_it_and_any_number_is_the_same() -> None:
    forms = "1 / 3", "-1 / 7", "1 / 30", "2 ** 0.5", "-3 ** 0.5", "1 / 2 ** 0.5", "np.pi"
    for form in forms:
        assert ast.unparse(number(eval(form, {"np": np}))) == form
    generator = np.random.default_rng(0)
    near = [np.nextafter(eval(form, {"np": np}), 9.0) for form in forms]
    whole = generator.integers(1, 10**5, 300)
    numbers = [*near, *generator.normal(size=300), *(1 / whole), *whole**0.5, *(1 / whole**0.5)]
    for x in map(float, [*numbers, -0.0, 5e-324, 1e300, 0.1 + 0.2]):
        assert repr(float(eval(ast.unparse(number(x)), {"np": np}))) == repr(x)


@pytest.mark.parametrize("name", sorted({*EXAMPLES} - {"outputs", "quadratic_form"}))
def test_what_is_called_a_derivative_is_one(name: str) -> None:
    """dX is the derivative of the sum of losses by X: X is moved, in a random direction.

    In loops, X and dX are other numbers in each step, and the test has no names for them.
    """
    program, data = EXAMPLES[name]()
    tree = ast.parse((GOLDEN / f"{name}.py").read_text(encoding="utf-8"))
    function = tree.body[-1]
    assert isinstance(function, ast.FunctionDef)
    inside = {node.id for each in function.body if isinstance(each, ast.For)
              for node in ast.walk(each) if isinstance(node, ast.Name)}
    body, assigned = list[ast.stmt](), set[str]()
    for step in function.body[:-1]:
        body.append(step)
        if ast.unparse(step).startswith("theta ="):  # as floats
            continue
        if isinstance(step, ast.Assign) and isinstance(step.targets[0], ast.Name):
            assigned.add(array := step.targets[0].id)
            if array != "dtheta":
                body += ast.parse(f"{array} = {array} + move.get('{array}', 0)").body
    function.body = [*body, *ast.parse("return loss, locals()").body]
    scope: dict[str, Any] = {"move": {}}
    exec(ast.unparse(tree), scope)

    def run() -> Any:
        with np.errstate(invalid="ignore"):  # an array that is not filled yet holds anything
            return scope["loss_and_gradient"](program.parameters(), *data)

    arrays = run()[1]
    n = arrays.get("n", 1)
    pairs = [(each[1:], each) for each in assigned - inside if each[1:] in assigned - inside]
    assert pairs or name in ["kalman", "neural_ode", "masked_autoencoder"]
    for array, derivative in pairs:
        if name == "cosine_attention" and np.size(arrays[derivative]) < np.size(arrays[array]):
            continue  # by a part of the array: its diagonal, or what is below that
        assert np.shape(arrays[array]) == np.shape(arrays[derivative]), array
        direction = np.random.default_rng(0).normal(size=np.shape(arrays[array]))
        ends = []
        for sign in (1, -1):
            scope["move"] = {array: sign * 1e-6 * direction}
            ends.append(run()[0])
        scope["move"] = {}
        slope, expected = n * (ends[0] - ends[1]) / 2e-6, np.sum(arrays[derivative] * direction)
        assert slope == pytest.approx(expected, rel=1e-5, abs=1e-7), array
