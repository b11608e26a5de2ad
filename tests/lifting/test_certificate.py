"""A certificate: right programs get it, each wrong one is refused it, and its text says which."""

import math
import random
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")
mpmath = pytest.importorskip("mpmath")

from micrograd_notes import MLP, Value, no_grad, operation  # noqa: E402
from micrograd_notes.engine import functions, helper_ops, ops  # noqa: E402
from micrograd_notes.engine.op import TABLE, Op  # noqa: E402
from micrograd_notes.gpt import GPT  # noqa: E402
from micrograd_notes.lifting import CannotLift, Lifted, lift  # noqa: E402
from micrograd_notes.lifting.certificate import TRIES, Certificate  # noqa: E402
from micrograd_notes.nn import activation_names  # noqa: E402
from micrograd_notes.testing.numbers import both_sides  # noqa: E402
from tests.lifting.planted import Work, on_source, works  # noqa: E402
from tests.lifting.programs import KINDS, Program  # noqa: E402
from tests.lifting.test_random_programs import operands  # noqa: E402

NUMBERS = np.random.default_rng(0)
X, Y = NUMBERS.normal(size=(5, 3)), NUMBERS.normal(size=5)
LABELS = np.array([0, 2, 1, 2, 0])
FULL = "to 40 digits, at 3 random points"


def w(*numbers: float) -> list[Value]:
    return [Value(number) for number in numbers]


# ---- right programs ------------------------------------------------------------------------------


@pytest.mark.parametrize("op", [*TABLE.values()], ids=lambda op: op.name)
def test_every_row_alone(op: Op) -> None:
    generator = random.Random(op.name)
    parameters = w(*[generator.uniform(-1.0, 1.0) for _ in range(2)])

    def chosen(x: Any, label: Any) -> Any:
        return op(label, *[p * a for p, a in zip(parameters, x, strict=True)]) * parameters[0]

    def loss(x: Any) -> Any:
        pairs = [(p * a + 0.1, a - p) for p, a in zip(parameters, x, strict=True)]
        results = [op(*operands(op, a, b)) for a, b in pairs]
        return sum(r * (i + 0.5) for i, r in enumerate(results)) + parameters[0]

    data = np.array([[generator.uniform(-2, 2) for _ in range(2)] for _ in range(3)])
    if op.chooses:
        program, given = lift(chosen, parameters=parameters), [data, np.array([0, 1, 1])]
    else:
        program, given = lift(loss, parameters=parameters), [data]
    assert program.certify(*given, points=1, raise_exception=True)


def test_without_a_counterpart_a_row_has_as_many_digits_as_a_float(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    [p] = w(0.5)
    program = lift(lambda x: ops.erf(p * x), parameters=p)
    assert program.certify([0.1, 0.2])
    found = both_sides._counterpart
    without = {"erf": None}.get
    monkeypatch.setattr(
        both_sides, "_counterpart", lambda spelling, name: without(name, found(spelling, name))
    )
    assert 12 < program.certify([0.1, 0.2]).loss < 18


@pytest.mark.parametrize("activation", activation_names())
def test_a_network_its_loss_and_its_outputs(activation: str) -> None:
    model = MLP(3, [4, 2], activation=activation, seed=1)

    def loss(x: Any, label: Any) -> Any:
        logits = model(x)
        return ops.logsumexp(logits) - functions.pick(logits, label)

    program = lift(loss, model)
    program(X, LABELS % 2)
    assert str(program.certify(points=1)).startswith("certified: loss and gradient agree")
    assert str(lift(model).certify(X, points=1)).startswith("certified: outputs agree")


def test_the_demo() -> None:
    model = MLP(2, [8, 8, 1], seed=0)

    def loss(x: Any, y: Any) -> Any:
        return (1 + -y * model(x)).relu() + 1e-4 * sum(p * p for p in model.parameters())

    signs = np.array([1.0, -1.0, -1.0, 1.0, 1.0])
    assert str(lift(loss, model).certify(X[:, :2], signs)).endswith(FULL)


def test_the_gpt() -> None:
    model = GPT("abc", positions=4, width=4, heads=2, seed=1)
    tokens = NUMBERS.integers(0, 4, (5, 4))
    assert lift(model.loss, model).certify(tokens[:, :-1], tokens[:, 1:], points=1)


CONSTANTS = {
    math.pi: "np.pi", 2**0.5: "2 ** 0.5", 1 / 2**0.5: "1 / 2 ** 0.5", 1 / 3: "1 / 3",
    math.sqrt(2 / math.pi): "0.7978845608028654", math.e: "2.718281828459045", 0.1: "0.1",
}


@pytest.mark.parametrize("constant", [sign * number for number in CONSTANTS for sign in (1, -1)])
def test_a_constant_is_written_as_learners_do_and_keeps_its_digits(constant: float) -> None:
    def loss(x: Any) -> Any:
        return constant * (p * x).tanh() + (constant * x * p).exp() / (p + constant * constant)

    [p] = w(0.5)
    program = lift(loss, parameters=p)
    written = ("-" if constant < 0 else "") + CONSTANTS[abs(constant)]
    after = re.escape(f" * ({written})" if "/" in written and "**" in written else "")
    before = re.escape("" if after else f"{written} * ")
    assert re.search(rf"{before}np\.tanh\(.*\){after}", program.source_for(np.array([0.1])))
    assert program.certify([0.1, 0.2], points=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "seeds", [range(3), pytest.param(range(3, 50), marks=pytest.mark.long)], ids=["few", "many"]
)
def test_random_programs(kind: Callable[[random.Random], Program], seeds: range) -> None:
    for seed in seeds:
        loss, parameters, data = kind(random.Random(seed))
        assert lift(loss, parameters=parameters, check=False).certify(*data, points=1)


def in_no_grad(p: list[Value], x: Any) -> Any:
    with no_grad():
        scale = p[0] * x[0]
    return scale * p[1] * x[1]


WAYS: dict[str, Callable[[list[Value], Any], Any]] = {
    "detach": lambda p, x: (p[0] / x[0]).detach() * p[1] / x[1],
    "no_grad": in_no_grad,
    "where": lambda p, x: helper_ops.where(helper_ops.greater(x[0], x[1]), p[0] / 3, p[1] * x[2]),
    "a kink everywhere": lambda p, x: ops.relu(p[0] * x[0] - x[0] * p[0]) + p[1] * x[1],
    "constants as Values": lambda p, x: Value(2.0) * Value(0.1) * p[0] + p[1] * x[0],
    "a number times a slope": lambda p, x: 0.1 * ((p[0] * x[0] - p[1]) / 0.01) ** 2 + p[1] * x[2],
    "a root": lambda p, x: (p[0] * p[0] + x[0] * x[0]) ** (1 / 3) + p[1] * x[2],
    "roots": lambda p, x: (p[0] ** 2 + x[0] ** 2) ** (1 / 3) + (p[1] ** 2 + x[1] ** 2) ** 0.3,
    "a product of constants": lambda p, x: 0.1 * (0.3 * p[0] * x[0]) / 7 + p[1],
    "no dependence": lambda p, x: p[0] * 0.0 + x[0],
}


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_ways_to_write_a_loss(way: str, batch: bool) -> None:
    p, function = w(0.5, -0.7), WAYS[way]
    loss = (lambda x: function(p, x)) if batch else (lambda x: sum(function(p, row) for row in x))
    assert lift(loss, parameters=p, batch=batch).certify(X, raise_exception=True)


def test_frozen_parameters_and_no_inputs() -> None:
    p = w(0.5, -0.7)
    p[1].requires_grad = False
    assert lift(lambda x: (p[0] * x[0] + p[1] * x[1]) ** 2, parameters=p).certify(X)
    assert lift(lambda: (p[0] * p[1]) ** 2, parameters=p, batch=False).certify()


def test_whole_numbers_choose_and_multiply_and_each_label_gets_its_turn() -> None:
    p = w(0.5, -0.7, 0.3, 0.9, -0.2, 0.1, 0.4)
    program = lift(lambda x, y: functions.pick(p, y) * x[0] * y * 0.1, parameters=p)
    assert program.certify(NUMBERS.normal(size=(7, 3)), np.arange(7))
    program._known().source = program.source.replace("p[y]", "p[np.where(y == 6, 5, y)]")
    assert not program.certify(NUMBERS.normal(size=(7, 3)), np.arange(7))


def test_an_array_of_many_digits_holds_no_whole_numbers() -> None:
    """What is added to one place, or taken from it, keeps its digits, whatever was there."""
    source = """import numpy as np
def f(x):
    sums, states = np.zeros_like(x), np.empty((2, 2), dtype=x.dtype)
    sums[0] += x[1]
    sums[0] += x[1]
    states[0], states[1] = 2, x
    return sums, np.log(states[0])"""
    with mpmath.workdps(50):
        names = both_sides.with_many_digits(source)
        sums, logs = names["f"](both_sides.many(np.array([1.0, 1 / 3])))
        assert [*np.asarray(sums)] == [2 * mpmath.mpf(1 / 3), 0]
        assert [*np.asarray(logs)] == [mpmath.log(2)] * 2


def test_an_array_that_waits_for_its_numbers_holds_numbers_until_then() -> None:
    """What lies in memory may be a nan that NumPy warns of, where tests make errors of warnings."""
    source = "import numpy as np\ndef f(x):\n    a = np.empty((2, 3))\n    a[0] = x\n    return a"
    with mpmath.workdps(50):
        found = both_sides.with_many_digits(source)["f"](both_sides.many(np.array(1 / 3)))
        assert [*np.asarray(found).reshape(-1)] == [mpmath.mpf(1 / 3)] * 3 + [0] * 3


# ---- points --------------------------------------------------------------------------------------


def test_the_seed_decides_the_points() -> None:
    drawn: list[list[float]] = []

    def loss(x: Any) -> Any:
        drawn[-1].append(float(x._data) if hasattr(x, "number") else 0.0)
        return p * x

    p = Value(0.5)
    program = lift(loss, parameters=p)
    for seed in (1, 1, 2):
        drawn.append([])
        program.certify([1.0, 2.0], seed=seed)
    assert sorted(drawn[0])[-4:] == sorted(drawn[1])[-4:] != sorted(drawn[2])[-4:]


def test_points_outside_of_the_domain_are_drawn_anew_and_counted() -> None:
    p = Value(0.5)
    certificate = lift(lambda x: ops.log(x) * p, parameters=p).certify([0.1, 0.01, 3.0])
    assert certificate
    assert certificate.left_out > 0
    assert str(certificate).endswith(
        f"{FULL}\nleft out: {certificate.left_out}, since the scalars raise ValueError there"
    )


def test_a_function_that_catches_an_error_of_the_scalars_is_not_certified_there() -> None:
    w, data = Value(1.0), ([1.0, 2.0, 4.0], [4.0, 4.0, 0.0])

    def caught(hits: Any, shots: Any) -> Any:
        try:
            return w * helper_ops.at_most(hits / shots, 1.0)
        except ZeroDivisionError:
            return w * 0.0

    certificate = lift(caught, parameters=w).certify(*data, points=1)
    assert str(certificate).startswith("not certified: 0 digits")
    raises = lift(lambda a, b: w * helper_ops.at_most(a / b, 1.0), parameters=w)
    certificate = raises.certify(*data, points=1)
    assert certificate
    assert certificate.reason == "the scalars raise ZeroDivisionError there"
    chosen = lift(lambda a, b: w * a / helper_ops.where(b, b, 1.0), parameters=w)
    certificate = chosen.certify(*data, points=1)
    assert certificate
    assert not certificate.left_out


def test_where_rounding_decides_at_every_point_nothing_is_certified() -> None:
    p = w(0.5, -0.7, 0.3)

    def loss(x: Any) -> Any:  # in the scalars both sums differ by their rounding
        terms = [a / b for a in p for b in x]
        is_more = helper_ops.greater(sum(terms), sum(terms[::-1]))
        return helper_ops.where(is_more, 2 * p[0], p[0])

    certificate = lift(loss, parameters=p, check=False).certify(X)
    assert not certificate
    assert certificate.reason == "rounding decides between two branches there"


# ---- wrong programs ------------------------------------------------------------------------------


@pytest.fixture
def regression() -> Lifted:
    model = MLP(3, [3, 1], activation="tanh", seed=1)

    def loss(x: Any, y: Any) -> Any:
        return (model(x) - y) ** 2 + 0.01 * sum(p * p for p in model.parameters())

    program = lift(loss, model, check=False)
    program.source_for(X, Y)
    return program


def test_before_the_mutations_it_is_certified(regression: Lifted) -> None:
    assert str(regression.certify(X, Y)).endswith(FULL)


MUTATIONS = {
    "a sign": ("- y", "+ y"),
    "a sign of a derivative": ("dz1 = W2[:, 0]", "dz1 = -W2[:, 0]"),
    "a small factor": ("hidden1 = np.tanh(z1)", "hidden1 = np.tanh(z1) * (1 + 1e-9)"),
    "a smaller factor": ("db1[...] = ones", "db1[...] = (1 + 1e-12) * ones"),
    "a matrix": ("x @ W1", "x @ W1.T"),
    "a matrix of a derivative": ("x.T @ dz1", "dz1.T @ x"),
    "a term": (" + 0.01 * (theta @ theta)", ""),
    "a term of a derivative": ("dtheta += n * (0.02 * theta)", "pass"),
    "a mean": ("dtheta /= n", "dtheta /= n + 1"),
    "another function": ("np.cosh(z1) ** 2", "np.cosh(z1)"),
    "a constant": ("0.01", "0.011"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_wrong_source_is_not_certified(mutation: str, regression: Lifted) -> None:
    right, wrong = MUTATIONS[mutation]
    assert right in regression.source
    regression._known().source = regression.source.replace(right, wrong)
    certificate = regression.certify(X, Y, points=1)
    assert not certificate
    assert min(certificate.loss, certificate.gradient or 0) < 13


@pytest.mark.parametrize("work", [*works()], ids=lambda work: work.name)
@pytest.mark.parametrize(
    "seeds", [range(1), pytest.param(range(1, 40), marks=pytest.mark.long)], ids=["one", "many"]
)
def test_a_fault_somewhere_is_found_or_changes_no_number(work: Work, seeds: range) -> None:
    program = lift(work.loss, parameters=work.parameters)
    value, gradient = program.value_and_grad(program.parameters(), *work.data)
    right = program.source
    for seed in seeds:
        program._known().source = on_source(right, random.Random(seed))
        if program.certify(*work.data, points=1):
            names: dict[str, Any] = {}
            exec(program.source, names)
            got, derivatives = names["loss_and_gradient"](program.parameters(), *work.data)
            assert got == pytest.approx(value, rel=1e-12)
            assert derivatives == pytest.approx(gradient, rel=1e-9, abs=1e-12)


def test_the_text_says_which_digits_and_which_array(regression: Lifted) -> None:
    right = regression.source
    regression._known().source = right.replace("db1[...] = ", "db1[...] = (1 + 9e-10) * ")
    assert str(regression.certify(X, Y, points=1)) == (
        "not certified: 40 digits of the loss and 9 of the gradient agree with the scalars, fewest "
        "in db1, instead of 40, at 1 random point"
    )
    with pytest.raises(CannotLift, match=r"^not certified: 40 digits of the loss and 9 of"):
        regression.certify(X, Y, points=1, raise_exception=True)
    regression._known().source = right.replace("x @ W1", "x[:, :2] @ W1")
    assert "since the source raises ValueError: matmul" in str(regression.certify(X, Y, points=1))
    regression._known().source = right.replace("np.cosh(z1) ** 2", "(z1 - z1)")
    assert str(regression.certify(X, Y)) == (
        "not certified: loss and gradient were not compared at any point. All 8 that were drawn "
        "had to be left out, the last one since the source gives nan or inf there, and the scalars "
        "do not"
    )


def test_a_sum_of_constants_is_rounded_and_the_text_says_so() -> None:
    p = Value(0.5)
    program = lift(lambda x: ((0.1 + p * x) + 0.3) ** 2, parameters=p)
    assert "may be rounded to a float, as a sum of constants is" in str(program.certify([1.0]))
    assert program.certify([1.0], digits=13)


SMOOTHED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "equal": lambda p, x, y: y == 1, "unequal": lambda p, x, y: y != 1,
    "more": lambda p, x, y: x > 0.0, "at least": lambda p, x, y: x >= 0.3,
    "less than a parameter": lambda p, x, y: x < p, "at most": lambda p, x, y: p >= x,
}


@pytest.mark.parametrize("what", SMOOTHED)
def test_constants_and_the_truth_of_a_comparison_have_many_digits(what: str) -> None:
    """Python rounds 0.9 * True + 0.02 to a float, and the source has 0.9 * (y == 1) + 0.02."""
    p = Value(0.5)
    program = lift(lambda x, y: (0.9 * SMOOTHED[what](p, x[0], y) + 0.1 / 5) * p, parameters=p)
    assert program.certify(X, LABELS, raise_exception=True)


def test_too_few_points_certify_nothing() -> None:
    some = Certificate(40, 40, 40, "", 1, TRIES, "the scalars raise ValueError there")
    assert not some
    assert str(some) == (
        "not certified, as more points were asked for: loss and gradient agree with the scalars to "
        f"40 digits, at 1 random point\nleft out: {TRIES}, since {some.reason}"
    )
    w = [Value(0.3), Value(-0.4)]
    roots = lift(lambda x: sum(ops.sqrt(ops.relu(p * x[0])) for p in w), parameters=w)
    said = str(roots.certify([[1.0, 1.0], [2.0, -1.0], [-1.0, 1.0]]))
    assert said.startswith("not certified: loss and gradient were not compared at any point")
    assert said.endswith("since the scalars are not finite there")


def test_bad_arguments() -> None:
    p = Value(0.5)
    program = lift(lambda x: p * x, parameters=p)
    for options in ({"points": 0}, {"digits": 0}, {"digits": 10**6}, {"seed": 0.5}):
        with pytest.raises(ValueError, match="must be a whole number"):
            program.certify([1.0], **options)
    with pytest.raises(TypeError, match="raise_exception must be True or False"):
        program.certify([1.0], raise_exception="yes")  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="nothing is compiled yet"):
        program.certify()
    with pytest.raises(TypeError, match=r"takes \(x\), got 2 arrays"):
        program.certify([1.0], [2.0])


# ---- operations of the learner's own -------------------------------------------------------------


def of_one(op: Any) -> Lifted:
    p = w(0.5, -0.7)
    return lift(lambda x: op(p[0] * x[0] + p[1] * x[1]) ** 2, parameters=p)


def test_an_operation_by_its_forward_and_one_with_a_counterpart() -> None:
    soft = operation("cert_soft", lambda x: x / (1 + abs(x)), [lambda y, x: 1 / (1 + abs(x)) ** 2])
    assert of_one(soft).certify(X)
    half = operation(
        "cert_half", lambda x: 2.0**x, [lambda y, x: y * 0.6931471805599453],
        numpy="np.exp2({0})", mpmath=lambda mp, x: mp.mpf(2) ** x,
    )
    assert of_one(half).certify(X)


def test_an_operation_that_needs_floats_is_refused_with_a_remedy() -> None:
    opaque = operation(
        "cert_opaque", lambda x: float(np.sin(float(x))), [lambda y, x: ops.cos(x)],
        numpy="np.sin({0})",
    )
    with pytest.raises(TypeError, match=r"cert_opaque does not name .* Pass mpmath=\.\.\., a name"):
        of_one(opaque).certify(X)
    known = operation(
        "cert_opaque", lambda x: float(np.sin(float(x))), [lambda y, x: ops.cos(x)],
        numpy="np.sin({0})", mpmath="sin",
    )
    assert of_one(known).certify(X)
    floats = operation(
        "cert_step", lambda x: 1.0 if x > 0 else 0.0, [0.0],
        numpy="np.heaviside({0}, 0.0)", mpmath=lambda mp, x: mp.mpf(x > 0),
    )
    with pytest.raises(TypeError, match=r"np\.heaviside does not have a counterpart"):
        of_one(floats).certify(X)


def test_without_mpmath_the_error_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['mpmath'] = None\n"
        "from micrograd_notes import Value, lift\n"
        "p = Value(0.5)\n"
        "try: lift(lambda x: p * x, parameters=p).certify([1.0])\n"
        "except ImportError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert 'python -m pip install "micrograd-notes[testing]"' in said
