"""gradcheck: each verdict where it belongs, no false alarm, and words that say what to change."""

import dataclasses
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from micrograd_notes import Value
from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.functions import maximum
from micrograd_notes.engine.helper_ops import where
from micrograd_notes.engine.op import operation
from micrograd_notes.engine.ops import (
    abs as absolute,
    exp,
    floor,
    log,
    relu,
    sigmoid,
    sin,
    sqrt,
    tanh,
)
from micrograd_notes.nn import MLP, Neuron
from micrograd_notes.testing import GradcheckError, InconclusiveError, Verdict, gradcheck
from micrograd_notes.testing.programs.random_programs import random_program
from tests.testing.faults import ENGINE_FAULTS, broken_engine

V = Verdict

zero_sigmoid = operation(
    "zero_sigmoid_of_a_test",
    lambda x: 1 / (1 + math.exp(-x)),
    [lambda y, x: where(helper_ops.greater(x, 12.0 - 1e-9), 0.0, y * (1 - y))],
    mpmath=lambda mp, x: 1 / (1 + mp.exp(-x)),
)
steep_sine = operation(
    "steep_sine_of_a_test", math.sin, [lambda y, x: 1.0009 * ops.cos(x)], mpmath="sin"
)
no_counterpart = operation(
    "softsign_of_a_check", lambda x: x / (1 + abs(x)), [lambda y, x: 1 / (1 + abs(x)) ** 2]
)
opaque_row = operation(
    "opaque_of_a_test", lambda x: math.sin(x) + x, [lambda y, x: ops.cos(x) + 1.0]
)
opaque_wrong = operation(
    "opaque_wrong_of_a_test", lambda x: math.sin(x) + x, [lambda y, x: ops.cos(x) + 1.001]
)
flat_tanh = operation(
    "tanh_by_the_book_of_a_test", math.tanh, [lambda y, x: 1 - y * y], mpmath="tanh"
)
off_forward = operation(
    "off_forward_of_a_test",
    lambda x: math.exp(x) * (1 + 1e-9),
    [lambda y, x: y],
    mpmath="exp",
)


def number_of(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def detached(x: Value) -> Value:
    return Value(math.sin(x.data)) * x


def random_factor(x: Value) -> Value:
    return x * random.random()


def tossed(x: Value) -> Value:
    """Two functions, as a coin decides: every second pair of runs looks the same."""
    return x * x if COIN.random() < 0.5 else x * x * x


COIN = random.Random(0)


def asserting(x: Value) -> Value:
    assert x.data == 1.0, "only there"
    return x * x


def refusing(x: Value) -> Value:
    if x.data != 1.0:
        raise RuntimeError("only there")
    return x * x


def moving_its_input(x: Value) -> Value:
    x.data = x.data + 1.0
    return x * x


def sweeping_itself(x: Value) -> Value:
    y = x * x
    y.backward()
    return y


raising_rule = operation("raising_of_a_test", lambda x: x * x, [lambda y, x: {}[x]])
wordy_rule = operation("wordy_of_a_test", lambda x: x * x, [lambda y, x: "2"])
short_rule = operation("short_of_a_test", lambda *xs: sum(xs), lambda y, *xs: [1.0])


def branching(x: Value) -> Value:
    return x if x > 0 else -x


def jumping(x: Value) -> Value:
    return 2.0 * x if x > 0 else x - 1.0


VERDICTS: list[tuple[str, Callable[..., Any], list[float], Verdict]] = [
    ("smooth", lambda x: tanh(x) * x, [0.75], V.PASS),
    ("two inputs", lambda x, y: x * exp(y) - y, [0.5, -1.0], V.PASS),
    ("power of two Values", lambda x, y: x**y, [2.0, 3.0], V.PASS),
    ("a zero of the derivative", lambda x: x**3 - 3 * x, [1.0], V.PASS),
    ("close to one", lambda x: x**3 - 3 * x, [1.0 + 1e-7], V.PASS),
    ("a flat top", lambda x: exp(-x * x), [0.0], V.PASS),
    ("terms that cancel", lambda x: tanh(x) - x, [1e-6], V.PASS),
    ("a perfect fit", lambda x: (2.0 * x - 6.0) ** 2, [3.0], V.PASS),
    ("far out", lambda x: sigmoid(x), [40.0], V.PASS),
    ("near a kink", relu, [1e-9], V.PASS),
    ("an edge", sqrt, [0.0], V.PASS),
    ("far below all floats", lambda x: sin(exp(-exp(x))) + x, [25.0], V.PASS),
    ("0 in floats alone", lambda x: (x * exp(x)) ** 1.5 + x, [-1e4], V.PASS),
    ("so large that five times it is none", exp, [709.7], V.PASS),
    ("near an edge", log, [1e-300], V.PASS),
    ("a constant", lambda x: x * 0 + 5, [3.0], V.PASS),
    ("no use of x", lambda x: Value(5.0), [3.0], V.PASS),
    ("x itself", lambda x: x, [3.0], V.PASS),
    ("a branch away from its edge", branching, [-2.0], V.PASS),
    ("a kink", relu, [0.0], V.KINK),
    ("a kink by a branch", branching, [0.0], V.KINK),
    ("a tie", lambda x, y: maximum(x, y), [2.0, 2.0], V.KINK),
    ("a kink within", lambda x: relu(x) - relu(-x), [0.0], V.INTERIOR_KINK),
    ("a kink by rounding", lambda x: relu((x + 1.0) - 1.0), [1e-17], V.INTERIOR_KINK),
    ("a jump", floor, [1.0], V.JUMP),
    ("a jump by a branch", jumping, [0.0], V.JUMP),
    ("no counterpart", no_counterpart, [0.75], V.VALUE_UNCHECKED),
    ("an opaque row", opaque_row, [0.75], V.VALUE_UNCHECKED),
    ("an opaque row, wrong", opaque_wrong, [0.75], V.WRONG_RULE),
    ("a wrong rule", lambda x: steep_sine(x) * 2.0, [0.75], V.WRONG_RULE),
    ("a rule that is 0 somewhere", zero_sigmoid, [12.0], V.WRONG_RULE),
    ("digits of a rule lost", flat_tanh, [20.0], V.INACCURATE),
    ("digits of a formula lost", lambda x: sin(x) / x, [1e-8], V.INACCURATE),
    ("a wrong value", off_forward, [0.75], V.WRONG_VALUE),
    ("a gradient that is cut", detached, [1.0], V.TRAVERSAL),
    ("chance", random_factor, [1.0], V.NONDETERMINISTIC),
    ("a coin", tossed, [2.0], V.NONDETERMINISTIC),
    ("its input is set", moving_its_input, [1.0], V.TRAVERSAL),
    ("it sweeps itself", sweeping_itself, [1.0], V.TRAVERSAL),
    ("it asserts that it is defined", asserting, [2.0], V.DOMAIN),
    ("defined at a point, else asserting", asserting, [1.0], V.DOMAIN),
    ("defined at a point, else raising", refusing, [1.0], V.DOMAIN),
    ("a rule that raises", raising_rule, [1.0], V.DOMAIN),
    ("a rule that gives words", wordy_rule, [1.0], V.DOMAIN),
    ("a rule that gives too little", lambda x: short_rule(x, 2.0), [1.0], V.DOMAIN),
    ("an infinite slope inside", lambda x: sqrt(x * x), [0.0], V.DOMAIN),
    ("not defined here", log, [-1.0], V.DOMAIN),
    ("defined at a point alone", lambda x, y: x**y, [-2.0, 3.0], V.DOMAIN),
    ("an infinite value", lambda x: x * 1e300 * 1e300, [1.0], V.DOMAIN),
]


@pytest.mark.parametrize(
    ("function", "at", "verdict"), [row[1:] for row in VERDICTS], ids=[row[0] for row in VERDICTS]
)
def test_verdict(function: Callable[..., Any], at: list[float], verdict: Verdict) -> None:
    report = gradcheck(function, *at, raise_exception=False)
    assert report.verdict is verdict, str(report)
    if verdict.fails:
        with pytest.raises(GradcheckError, match=str(verdict)):
            gradcheck(function, *at)
    else:
        gradcheck(function, *at)


def test_no_derivative_in_reach_is_inconclusive() -> None:
    """Weierstrass's function, computed aside so that it can't be read."""

    def rough(x: Value) -> Value:
        number = sum(0.7**k * math.cos(7**k * math.pi * x.data) for k in range(25))
        return x * 0.0 + number

    with pytest.raises(InconclusiveError):
        gradcheck(rough, 0.3)


def test_an_entry_says_what_was_compared() -> None:
    report = gradcheck(lambda x: tanh(x), 0.5)
    (entry,) = report.inputs
    assert entry.verdict is Verdict.PASS
    assert abs(entry.engine - entry.numeric) <= 4 * math.ulp(entry.numeric)
    assert 0 < entry.error <= math.ulp(entry.numeric)


def test_lists_are_inputs_too() -> None:
    report = gradcheck(lambda x, w: sum(a * x for a in w), 0.5, [1.0, 2.0])
    assert [entry.name for entry in report.inputs] == ["x", "w[0]", "w[1]"]
    assert [entry.engine for entry in report.inputs] == [3.0, 0.5, 0.5]


# ---- modules -------------------------------------------------------------------------------------


def test_all_parameters_of_a_module_are_checked_and_left_as_they_were() -> None:
    model = Neuron(3, activation="tanh", seed=0)
    model.parameters()[0].grad = 7.0
    before = [(p.data, p.has_grad, p.grad) for p in model.parameters()]
    old = model([0.1, 0.2, 0.3])
    report = gradcheck(lambda: model([0.1, 0.2, 0.3]) ** 2, module=model)
    assert report.verdict is Verdict.PASS
    assert [entry.name for entry in report.inputs] == ["w[0]", "w[1]", "w[2]", "b"]
    assert before == [(p.data, p.has_grad, p.grad) for p in model.parameters()]
    old.backward()  # a graph from before is not taken for one whose leaves were changed


def test_of_a_large_module_a_sample_is_checked() -> None:
    model = MLP(4, [8, 1], activation="tanh", seed=0)
    report = gradcheck(lambda m: m([0.1, 0.2, 0.3, 0.4]), module=model, limit=5)
    assert len(report.inputs) == 5
    assert report.left_out == 49 - 5
    assert "44 parameters were left out" in str(report)


def test_the_gradients_of_values_from_outside_are_left_alone() -> None:
    w = Value(2.0)
    w.grad = 5.0
    gradcheck(lambda x: w * x, 3.0)
    assert w.grad == 5.0


# ---- second derivatives --------------------------------------------------------------------------


def test_second_derivatives_are_checked_as_well() -> None:
    report = gradcheck(lambda x, y: sin(x * y), 0.7, 1.3, order=2)
    assert report.verdict is Verdict.PASS
    assert len(report.second) == 4
    assert report.second[1].engine == pytest.approx(
        math.cos(0.91) - 0.91 * math.sin(0.91), rel=1e-14
    )


def test_a_rule_that_is_right_once_and_wrong_twice_is_found() -> None:
    frozen = operation(
        "frozen_of_a_test",
        lambda x: x * x,
        [lambda y, x: 2.0 * number_of(x) + 0.0 * x],
        mpmath=lambda mp, x: x * x,
    )
    assert gradcheck(frozen, 0.75).verdict is Verdict.PASS
    report = gradcheck(frozen, 0.75, order=2, raise_exception=False)
    assert report.verdict.fails


# ---- the engine ----------------------------------------------------------------------------------


def diamond(x: Value) -> Any:
    y = sin(x)
    return y * (y + x) / (1.0 + y * y)


@pytest.mark.parametrize("kind", ENGINE_FAULTS)
def test_a_fault_of_the_engine_is_named_and_shrunk(kind: str) -> None:
    assert gradcheck(diamond, 0.7).verdict is Verdict.PASS
    with broken_engine(kind) as right:
        report = gradcheck(diamond, 0.7, raise_exception=False)
    assert report.verdict in right, str(report)
    program = report.faults[0].program
    assert program is None or len(program.instructions) <= 3


# ---- no false alarm ------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [range(15), pytest.param(range(60), marks=pytest.mark.long)])
def test_random_programs_pass(seeds: range) -> None:
    """What is said to be inaccurate is: fifty digits differ. Nothing worse is ever said."""
    undecided = counted = 0
    for seed in seeds:
        program = random_program(random.Random(seed))
        report = gradcheck(program, *program.inputs, raise_exception=False)
        for entry in report.inputs:
            counted += 1
            undecided += entry.verdict is Verdict.INCONCLUSIVE
            if entry.verdict.fails and entry.verdict is not Verdict.INCONCLUSIVE:
                assert entry.verdict is Verdict.INACCURATE, f"{report}\n{program.source()}"
                assert abs(entry.engine - entry.numeric) > 1e-8 * abs(entry.numeric)
    assert undecided <= counted / 20


# ---- words ---------------------------------------------------------------------------------------


def test_the_report_says_what_to_change() -> None:
    wrong = operation(
        "softsign_wrong", lambda x: x / (1 + abs(x)), [lambda y, x: 1 / (1 + abs(x))]
    )
    with pytest.raises(GradcheckError) as raised:
        gradcheck(wrong, 0.75)
    line = wrong.forward.__code__.co_firstlineno
    assert str(raised.value).splitlines() == [
        "softsign_wrong: WRONG RULE (value right, traversal right)",
        "  at x = 0.75, a smooth point",
        "    engine  df/dx = 0.571428571",
        "    numeric df/dx = 0.326530612 +- 3e-17",
        "  smallest program:  x = Value(0.75); y = softsign_wrong(x); y.backward()",
        f"  the operation is defined at tests/testing/test_gradcheck.py:{line}",
    ]


HOLDING_ITSELF: list[Any] = []
HOLDING_ITSELF.append(HOLDING_ITSELF)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ((lambda x: 3.0, 1.0), TypeError, r"must return one Value, got 3.0 \(float\)"),
        ((lambda x: [x, x], 1.0), TypeError, "got a list of 2; .* return their sum"),
        ((lambda x: None, 1.0), TypeError, "got None"),
        ((lambda: Value(1.0),), ValueError, "nothing to differentiate"),
        ((3.0, 1.0), TypeError, "f must be a function of Values, got 3.0"),
        ((sin, "1"), TypeError, "xs must be numbers, or lists of them: x must be a number"),
        ((sin, math.inf), ValueError, "xs must be numbers: x must be a finite number, got inf"),
        ((sum, [1.0, 10**400]), ValueError, r"xs must be numbers: \w+\[1\] must be a finite"),
        ((lambda x: x[0], HOLDING_ITSELF), TypeError, "xs must be numbers, or lists of them"),
        ((sin, True), ValueError, "x must be a finite number, got True"),
        ((sin, 1.0, 2.0), TypeError, r"f must take the xs as Values.*sin.*takes 1 operand"),
        ((lambda x: x.sin(), [1.0]), TypeError, r"f must take the xs as Values.*AttributeError"),
        ((log, -1.0), GradcheckError, "log.*; give xs, or parameters, at which it has a finite"),
        ((lambda x: x * math.inf, 1.0), GradcheckError, "value is inf; give xs, or parameters"),
        ((lambda xs: sum(xs), []), ValueError, "nothing to differentiate"),
        ((lambda x: (x,), 1.0), TypeError, "got a tuple of 1"),
        ((sin, {"x": 1.0}), TypeError, "x must be a number or a Value, got {'x': 1.0}"),
    ],
)
def test_bad_input_is_refused_with_words(
    arguments: tuple[Any, ...], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        gradcheck(*arguments)


REASONS: list[tuple[Callable[..., Any], float, str]] = [
    (refusing, 2.0, r"raises RuntimeError: only there, at .*test_gradcheck.py:\d+"),
    (refusing, 1.0, r"on neither side of the point: it raises RuntimeError: only there, at"),
    (moving_its_input, 1.0, "sets the data of its input x, from 1.0 to 2.0"),
    (sweeping_itself, 1.0, r"calls backward\(\) itself"),
    (raising_rule, 2.0, "the rule raises KeyError: 2.0"),
    (wordy_rule, 2.0, "the rule gives '2', which is not a number"),
    (lambda x: short_rule(x, 2.0), 1.0, "got 1 numbers for 2 operands"),
    (lambda x: sqrt(x * x), 0.0, r"sqrt\(0.0\) inside is infinitely steep"),
]


@pytest.mark.parametrize(("function", "at", "words"), REASONS, ids=[row[2] for row in REASONS])
def test_what_went_wrong_is_said(function: Callable[..., Any], at: float, words: str) -> None:
    with pytest.raises(GradcheckError, match=words):
        gradcheck(function, at)


def test_an_operation_inside_is_told_from_the_function_around_it() -> None:
    report = gradcheck(lambda x: steep_sine(x) * 2.0 + x, 0.75, raise_exception=False)
    assert "engine  df/dx" in str(report)
    assert "engine  d(steep_sine_of_a_test)/dx" in str(report)


def test_a_rule_that_freezes_is_blamed_for_its_second_derivative() -> None:
    frozen = operation(
        "freezing_of_a_test",
        lambda x: x * x,
        [lambda y, x: 2.0 * number_of(x) + 0.0 * x],
    )
    report = gradcheck(frozen, 0.75, order=2, raise_exception=False)
    assert report.verdict is Verdict.WRONG_RULE
    assert "the rule takes .data out of its operand" in str(report)


def test_a_sample_of_nothing_and_a_module_that_is_none_are_refused() -> None:
    model = Neuron(1, seed=0)
    with pytest.raises(ValueError, match="limit must be a whole number, 1 or more, got 0"):
        gradcheck(lambda m: m([1.0]), module=model, limit=0)
    model.w[0]._data = math.nan
    with pytest.raises(ValueError, match=r"module: w\[0\] must be a finite number, got nan"):
        gradcheck(lambda m: m([1.0]), module=model)
    with pytest.raises(TypeError, match=r"module must be a Module, .*, got 3"):
        gradcheck(lambda: Value(1.0), module=3)  # type: ignore[arg-type]


def test_order_is_one_or_two() -> None:
    with pytest.raises(ValueError, match="order must be a whole number from 1 to 2, got 3"):
        gradcheck(sin, 1.0, order=3)


def test_a_function_that_is_defined_on_one_side_only() -> None:
    def half(x: Value) -> Value:
        if x.data > 1.0:
            raise ValueError("too large")
        return x * x

    report = gradcheck(half, 1.0)
    assert report.verdict is Verdict.PASS
    assert "an edge" in str(report)


def test_the_row_that_is_given_is_the_one_that_is_checked() -> None:
    """A copy of a row has its name, and not its method."""
    copy = dataclasses.replace(sin, partials=(lambda y, x: ops.sin(x),))
    assert copy(Value(0.5)).op is copy
    assert gradcheck(copy, 0.5, raise_exception=False).verdict is Verdict.WRONG_RULE


def test_an_operand_without_a_partial_is_named() -> None:
    product = operation("product_of_a_test", lambda a, b: a * b, [lambda y, a, b: b, None])
    report = gradcheck(product, 2.0, 3.0, raise_exception=False)
    assert report.verdict is Verdict.WRONG_RULE
    assert "says None for its operand b" in str(report)


def test_a_condition_is_not_blamed_for_digits_that_a_sum_loses() -> None:
    report = gradcheck(lambda x: where(x, (x + 1e9) ** 2 - 2e9 * x - 1e18, 0.0), 0.001,
        raise_exception=False)
    assert report.verdict is Verdict.INACCURATE
    assert "where large terms cancel" in str(report)


def test_absolute_of_a_value_is_a_row() -> None:
    assert gradcheck(absolute, -0.5).verdict is Verdict.PASS


@pytest.mark.parametrize("other", [10.0**k for k in range(0, 19, 2)])
@pytest.mark.parametrize("slope", [1e-3, 1.0, 1e3])
def test_a_wrong_gradient_does_not_pass_because_the_value_is_large(
    other: float, slope: float
) -> None:
    """In a large value, rounding hides a small slope; then nothing is known about it."""

    def wrong(x: Any) -> Any:  # half of its gradient is lost
        return other + 0.5 * slope * x * x.data

    def right(x: Any) -> Any:
        return other + 0.5 * slope * x * x

    report = gradcheck(wrong, 0.7, raise_exception=False)
    assert report.verdict.fails
    assert report.verdict in (V.TRAVERSAL, V.INCONCLUSIVE)
    assert gradcheck(right, 0.7).verdict is V.PASS
