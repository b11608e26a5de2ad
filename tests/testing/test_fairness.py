"""A right rule is never accused, whatever digits its function loses, and a wrong one still is.

The functions of `naive` lose digits near 0, in their tails or far out. INACCURATE and INCONCLUSIVE
are right there, and DOMAIN where a rule overflows. WRONG RULE, WRONG VALUE and TRAVERSAL are not.
"""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings, strategies as st

from micrograd_notes import Value
from micrograd_notes.engine import helper_ops, ops
from micrograd_notes.engine.helper_ops import equal, where
from micrograd_notes.engine.op import Op, operation
from micrograd_notes.engine.ops import cos, exp, log, sin, sqrt, tanh
from micrograd_notes.testing import Verdict, check_operation, gradcheck, opcheck
from micrograd_notes.testing.numbers.ladder import ladder
from micrograd_notes.testing.numbers.precise import Precise, mp, with_many_digits
from micrograd_notes.testing.numbers.quotients import limit_of_quotients
from micrograd_notes.testing.points import points_of
from tests.testing.naive import NAIVE, POINTS, ROOT, Opaque, rows_of

ACCUSATIONS = {Verdict.WRONG_RULE, Verdict.WRONG_VALUE, Verdict.TRAVERSAL}


def in_mpmath(name: str) -> Callable[[Any], Any]:
    def function(t: Any) -> Any:
        try:
            value = NAIVE[name].function(mp, t)
        except (ArithmeticError, ValueError):
            return mp.nan
        return value if isinstance(value, mpmath.mpf) else mp.nan

    return function


def is_defined(name: str, x: float) -> bool:
    try:
        return math.isfinite(NAIVE[name].function(math, x))
    except (ArithmeticError, ValueError, TypeError):  # math.isfinite of a complex power
        return False


def some_points(name: str, every: int) -> tuple[float, ...]:
    """Returns each point that is `every` places further; each function begins at another one."""
    return POINTS[list(NAIVE).index(name) % every :: every]


# ---- no accusation -------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", NAIVE)
def test_a_right_rule_is_not_accused_at_a_point(name: str, every: int) -> None:
    for written, (forward, rule) in rows_of(name).items():
        if (name, written) == ("(1 - cos) / x x", "forward opaque"):
            continue  # its stairs are as large as itself: no float tells them from its own
        op = operation("naive_of_a_test", forward, [rule])
        points = some_points(name, every if written == "forward by math" else 3 * every)
        for x in filter(lambda x: is_defined(name, x), points):
            report = gradcheck(op, x, raise_exception=False)
            assert report.verdict not in ACCUSATIONS, f"{written}, {report}"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long if place % 3 else [])
        for place, name in enumerate(NAIVE)
    ],
)
def test_a_right_rule_is_not_accused_anywhere(name: str) -> None:
    forward, rule = rows_of(name)["forward by math"]
    op = operation(
        "naive_of_a_test", forward, [rule], mpmath=lambda mp, x: NAIVE[name].function(mp, x)
    )
    report = check_operation(op)
    assert not ACCUSATIONS & {*report.verdicts, *(f.verdict for f in report.faults)}, report


@pytest.mark.parametrize("name", NAIVE)
def test_a_right_function_of_values_is_not_accused(name: str) -> None:
    def within(x: Value) -> Any:
        return sin(NAIVE[name].function(ops, x)) * 2.0

    for x in filter(lambda x: is_defined(name, x), POINTS[1::3]):
        report = gradcheck(within, x, raise_exception=False)
        assert report.verdict not in ACCUSATIONS, report


SEVERAL: list[tuple[str, Callable[..., Any], list[Any]]] = [
    ("x**2 - y**2", lambda x, y: x**2 - y**2, [lambda r, x, y: 2 * x, lambda r, x, y: -2 * y]),
    ("logsumexp", lambda x, y: math.log(math.exp(x) + math.exp(y)),
     [lambda r, x, y: exp(x - r), lambda r, x, y: exp(y - r)]),
    ("a slack", lambda x, y: math.sqrt(x * x + y * y) - x,
     [lambda r, x, y: x / sqrt(x * x + y * y) - 1, lambda r, x, y: y / sqrt(x * x + y * y)]),
    ("a product's change", lambda a, b: a * b - (a + 1e-3) * (b - 1e-3),
     [lambda r, a, b: b - (b - 1e-3), lambda r, a, b: a - (a + 1e-3)]),
    ("a divergence", lambda p, q: p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q)),
     [lambda r, p, q: log(p / q) - log((1 - p) / (1 - q)),
      lambda r, p, q: -p / q + (1 - p) / (1 - q)]),
]


@pytest.mark.parametrize(
    ("forward", "rules"), [row[1:] for row in SEVERAL], ids=[row[0] for row in SEVERAL]
)
def test_right_rules_of_several_operands_are_not_accused(
    forward: Callable[..., Any], rules: list[Any]
) -> None:
    op = operation("naive_of_a_test", forward, rules)
    report = check_operation(op)
    assert not ACCUSATIONS & {*report.verdicts}, report
    for x in (0.5, 1e-8, 0.75, 40.0, 1e8):
        for y in (x, x * (1 + 1e-9), x * (1 + 2e-16), 0.25):
            verdict = gradcheck(op, x, y, raise_exception=False).verdict
            assert verdict not in ACCUSATIONS, (x, y)


def test_a_shift_that_is_taken_out_is_not_accused_for_lost_digits() -> None:
    """The gradient is right with the number held: nothing is cut, and the variance loses digits."""

    def variance(x: Value, y: Value) -> Any:
        m = 0.5 * (x.data + y.data) + 1e7
        return ((x - m) ** 2 + (y - m) ** 2) / 2 - ((x + y) / 2 - m) ** 2

    for y in (3.0, 3.0 + 1e-9, 4.0):
        assert gradcheck(variance, 3.0, y, raise_exception=False).verdict not in ACCUSATIONS


def test_a_root_by_bisection_is_not_taken_for_a_constant() -> None:
    def root(x: float) -> float:
        low, high = 0.0 * x, 0.0 * x + 16.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if middle * middle < x else (low, middle)
        return low

    op = operation("root_of_a_test", root, [lambda y, x: 0.5 / y])
    assert not gradcheck(op, 2.0).verdict.fails


def test_gelu_in_its_left_tail() -> None:
    def slope(y: Any, x: Any) -> Any:
        t = tanh(ROOT * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ROOT * (1 + 3 * 0.044715 * x * x)

    op = operation("gelu_of_a_test", lambda x: 0.5 * x * (
        1 + math.tanh(ROOT * (x + 0.044715 * x**3))), [slope])
    report = gradcheck(op, -5.0, raise_exception=False)
    assert report.verdict not in ACCUSATIONS
    assert report.inputs[0].numeric == pytest.approx(-1.5463619e-06, rel=1e-6)


# ---- the claimed error holds ---------------------------------------------------------------------


def test_the_claimed_error_of_a_plateau_holds() -> None:
    op = operation(
        "versine_of_a_test", lambda x: x * (1 - math.cos(x)),
        [lambda y, x: 1 - cos(x) + x * sin(x)],
    )
    side = gradcheck(op, 1e-5, raise_exception=False).inputs[0].derivative
    assert side is not None
    assert side.central is not None
    assert abs(side.central.slope - 1.5e-10) <= 3 * side.central.error


numbers = st.one_of(
    st.sampled_from(POINTS),
    st.floats(-50, 50),
    st.builds(lambda sign, size: sign * 10**size, st.sampled_from([-1, 1]), st.floats(-12, 8)),
)
STAIRS = {"(1 - cos) / x x", "log erfc", "asinh"}  # some are larger than rounding ever is


@given(st.sampled_from(sorted(NAIVE.keys() - STAIRS)), numbers)
@settings(max_examples=150, derandomize=True)
def test_the_ladder_claims_no_digits_that_rounding_took(name: str, x: float) -> None:
    if not is_defined(name, x):
        return
    found = ladder(lambda t: NAIVE[name].function(math, t), x).central
    truth = limit_of_quotients(in_mpmath(name), x).central
    if found is not None and truth is not None:
        assert abs(found.slope - truth.slope) <= 3 * found.error, (found, truth)


@given(st.sampled_from(sorted(NAIVE)), st.sampled_from(["forward by math", "forward opaque"]),
       numbers)
@settings(max_examples=80, derandomize=True)
def test_a_report_claims_no_digits_that_rounding_took(name: str, written: str, x: float) -> None:
    if not is_defined(name, x) or (name in STAIRS and written == "forward opaque"):
        return
    forward, rule = rows_of(name)[written]
    entry = gradcheck(operation("naive_of_a_test", forward, [rule]), x, raise_exception=False)
    derivative = entry.inputs[0].derivative
    truth = limit_of_quotients(in_mpmath(name), x).central
    if derivative is None or derivative.central is None or truth is None:
        return
    if entry.verdict is not Verdict.INCONCLUSIVE:
        off = abs(derivative.central.slope - truth.slope)
        assert off <= 3 * derivative.central.error, (derivative, truth)


# ---- still sharp ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(NAIVE)[::5])
@pytest.mark.parametrize("factor", [-1.0, 1.001])
def test_a_wrong_rule_of_a_naive_function_is_accused(name: str, factor: float) -> None:
    forward, rule = rows_of(name)["forward by math"]
    op = operation("wrong_of_a_test", forward, [lambda y, x: factor * rule(y, x)])
    assert check_operation(op, order=1).verdict is Verdict.WRONG_RULE


@pytest.mark.parametrize("name", ["softplus", "log cosh", "expm1", "gelu", "sinc"])
def test_a_factor_that_floats_hardly_show_is_found_in_many_digits(name: str) -> None:
    forward, rule = rows_of(name)["forward by math"]
    op = operation("off_of_a_test", forward, [lambda y, x: rule(y, x) * (1 + 1e-9)])
    assert check_operation(op).verdict is Verdict.WRONG_RULE


def raw(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


SUBTLE: list[tuple[str, Callable[..., Any], list[Any]]] = [
    ("wrong at equality, by where", lambda a, b: a * b,
     [lambda y, a, b: where(equal(a, b), 0.0, b), lambda y, a, b: a]),
    ("wrong at equality, by if", lambda a, b: a * b,
     [lambda y, a, b: 0.0 * a if a == b else b, lambda y, a, b: a]),
    ("a number taken out", lambda x: x**3, [lambda y, x: 3 * raw(x) * x]),
    ("a number taken out with .data", lambda x: x**3, [lambda y, x: 3 * x.data * x]),
    ("a rule with the number alone", lambda x: x**3, [lambda y, x: 3.0 * raw(x) ** 2 + 0.0 * x]),
    ("wrong at -0.0 alone", lambda x: x + x * x,
     [lambda y, x: 1 + 2 * x if math.copysign(1.0, raw(x)) > 0 or raw(x) else 2 * x]),
    ("wrong from 746 on", lambda x: x * x,
     [lambda y, x: where(helper_ops.greater(x, 746.0), x, 2 * x)]),
]


@pytest.mark.parametrize(
    ("forward", "rules"), [row[1:] for row in SUBTLE], ids=[row[0] for row in SUBTLE]
)
def test_a_subtle_fault_sends_the_learner_to_the_rule(
    forward: Callable[..., Any], rules: list[Any]
) -> None:
    report = check_operation(operation("subtle_of_a_test", forward, rules))
    assert report.verdict is Verdict.WRONG_RULE, report


@pytest.mark.parametrize("name", ["a number taken out", "a number taken out with .data"])
def test_a_number_that_is_taken_out_is_said(name: str) -> None:
    forward, rules = next(row[1:] for row in SUBTLE if row[0] == name)
    op = operation("subtle_of_a_test", forward, rules)
    said = "the rule takes .data out of its operand, or branches with if, so its own derivative is"
    assert said in str(check_operation(op))
    report = gradcheck(op, 0.75, order=2, raise_exception=False)
    assert report.verdict is Verdict.WRONG_RULE
    assert said in str(report)


def test_the_points_hold_what_rules_forget() -> None:
    (single,) = zip(*points_of(operation("one_of_a_test", lambda x: x, [1.0])), strict=True)
    assert "-0.0" in map(repr, single)
    assert sum(709 < abs(x) <= 800 for x in single) >= 10
    pairs = list(points_of(operation("two_of_a_test", lambda a, b: a + b, [1.0, 1.0])))
    equal_pairs = {a for a, b in pairs if a == b}
    assert {0.0, 1.0, 0.75} <= equal_pairs
    assert any(x < 0 for x in equal_pairs)
    assert any(x > 709 for x in equal_pairs)


def test_a_rule_that_overflows_before_its_value_is_found() -> None:
    early = operation(
        "early_of_a_test", lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
        [lambda y, x: exp(x) / (1 + exp(x))],
    )
    report = check_operation(early)
    assert report.verdict is Verdict.DOMAIN
    assert "OverflowError" in str(report)


# ---- the spelling --------------------------------------------------------------------------------


def test_a_wrong_spelling_is_a_verdict_of_its_own() -> None:
    pytest.importorskip("numpy")
    sine = operation("sine_of_a_test", math.sin, [lambda y, x: cos(x)], numpy="np.cos({0})")
    report = check_operation(sine)
    assert report.verdict is Verdict.WRONG_SPELLING
    assert 'numpy="np.cos({0})" gives' in str(report)
    with pytest.raises(AssertionError, match="WRONG SPELLING"):
        opcheck(sine)()
    right = operation("sine_of_a_test", math.sin, [lambda y, x: cos(x)], numpy="np.sin({0})")
    assert check_operation(right)


# ---- what a report says --------------------------------------------------------------------------


def test_a_report_is_true_if_nothing_failed() -> None:
    wrong = operation("wrong_of_a_test", lambda x: x * x, [lambda y, x: x])
    assert gradcheck(sin, 0.75)
    assert gradcheck(ops.relu, 0.0)  # a kink is nothing to mend
    assert not gradcheck(wrong, 0.75, raise_exception=False)
    assert check_operation(sin)
    assert not check_operation(wrong)


def test_an_inconclusive_report_is_false() -> None:
    def rough(x: Value) -> Value:
        return x * 0.0 + sum(0.7**k * math.cos(7**k * math.pi * x.data) for k in range(25))

    report = gradcheck(rough, 0.3, raise_exception=False)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert not report
    assert not check_operation(operation("flat_of_a_test", lambda x: 2 * x, [None]))


def test_a_report_says_how_many_calls_were_compared() -> None:
    calls = 0

    def changing(x: Value) -> Value:
        nonlocal calls
        calls += 1
        return x * x if calls <= 60 else x * x * x

    report = gradcheck(changing, 2.0, raise_exception=False)
    assert report.calls == 9
    assert "9 calls at this point were compared" in str(report)
    assert "points up to 800, two calls at each" in str(
        check_operation(operation("square_of_a_test", lambda x: x * x, [lambda y, x: 2 * x]))
    )


# ---- functions of math in many digits ------------------------------------------------------------


def helper(x: Any) -> Any:
    return math.exp(x) if x < 1 else helper(x / 2) ** 2


def test_a_function_is_evaluated_in_many_digits_with_what_it_calls() -> None:
    shift = math.expm1  # enclosed

    def forward(x: Any, *, scale: float = 2.0) -> Any:
        return scale * sum(shift(each) for each in [x, x]) - 4 * helper(x) + 4

    with mp.workdps(40):
        value = with_many_digits(forward)(Precise(mpmath.mpf(3)))
        assert abs(value.number) < mpmath.mpf(10) ** -35
    assert forward(0.5) == pytest.approx(0.0, abs=1e-14)  # itself unchanged


def test_what_asks_for_floats_stays_opaque() -> None:
    gamma: Op = operation("gamma_of_a_test", lambda x: math.gamma(x), [lambda y, x: y])
    assert gradcheck(gamma, 2.5, raise_exception=False).verdict is Verdict.WRONG_RULE
    opaque = operation("opaque_of_a_test", lambda x: Opaque().sin(x), [lambda y, x: cos(x)])
    assert gradcheck(opaque, 2.5)
