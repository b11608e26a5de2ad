"""opcheck: every row of the table passes, and what is planted in one is found and named."""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from micrograd_notes import Value
from micrograd_notes.engine import functions, helper_ops, ops
from micrograd_notes.engine.op import Op, built_in_rows, operation
from micrograd_notes.testing import (
    GradcheckError,
    InconclusiveError,
    Verdict,
    check_operation,
    opcheck,
)
from micrograd_notes.testing.diagnosis.at_a_point import examine
from micrograd_notes.testing.operations import OperationReport
from tests.testing.faults import Planted, fault_of_value, faults_of_rules

BUILT_IN = built_in_rows()
FINE = {Verdict.PASS, Verdict.KINK, Verdict.JUMP}

softsign = operation(
    "softsign_of_opcheck", lambda x: x / (1 + abs(x)), [lambda y, x: 1 / (1 + abs(x)) ** 2]
)
test_a_learners_whole_test_is_one_line = opcheck(softsign)


@pytest.mark.parametrize("op", BUILT_IN, ids=lambda op: op.name)
def test_every_row_keeps_its_promises(op: Op) -> None:
    report = check_operation(op)
    assert report.verdict in FINE, str(report)
    assert report.points >= 20


def test_it_is_a_test_that_pytest_collects() -> None:
    test = opcheck(ops.tanh)
    assert callable(test)
    assert test.__name__ == "test_tanh"
    test()


# ---- planted faults ------------------------------------------------------------------------------

# Each kind of row: arithmetic, a rule by its result, an edge, a kink, two operands, any number
SOME = [ops.tanh, ops.sqrt, ops.relu, ops.multiply, ops.atan2, helper_ops.largest, helper_ops.step]
PLANTED = [
    fault
    for op in SOME
    for fault in [*faults_of_rules(op), fault_of_value(op)]
    if fault is not None
]


def takes_long(fault: Planted) -> bool:
    """Returns whether a row takes any number of operands, for which one kind of fault is enough."""
    return fault.op.arity is None and (bool(fault.index) or "sign" not in fault.kind)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            fault,
            id=f"{fault.op.name}, {fault.index}: {fault.kind}",
            marks=pytest.mark.long if takes_long(fault) else [],
        )
        for fault in PLANTED
    ],
)
def test_a_planted_fault_is_caught_and_named(fault: Planted) -> None:
    with pytest.raises(GradcheckError) as raised:
        opcheck(fault.op)()
    report = raised.value.report
    assert isinstance(report, OperationReport)
    assert report.verdict in fault.expected, str(report)
    assert str(report.verdict) in str(raised.value)


def number_of(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def mutable() -> Callable[[float], float]:
    calls = [0]

    def forward(x: float) -> float:
        calls[0] += 1
        return x * (1 + 1e-3 * (calls[0] % 2))

    return forward


FAULTY: list[tuple[str, Any, Any, dict[str, Any], Verdict]] = [
    ("a wrong rule", math.sin, [lambda y, x: ops.sin(x)], {}, Verdict.WRONG_RULE),
    ("a factor", math.sin, [lambda y, x: 1.0009 * ops.cos(x)], {}, Verdict.WRONG_RULE),
    (
        "by the book", math.tanh, [lambda y, x: 1 - y * y], {"mpmath": "tanh"}, Verdict.INACCURATE,
    ),
    (
        "raises", lambda x: abs(x) ** 0.5, [lambda y, x: 0.5 * ops.sign(x) / y], {},
        Verdict.DOMAIN,
    ),
    (
        "domain too large", math.log, [lambda y, x: 1 / x], {"domain": ((-1.0, 9.0),)},
        Verdict.DOMAIN,
    ),
    ("chance", mutable(), [1.0], {}, Verdict.NONDETERMINISTIC),
    ("floats only", math.sin, [lambda y, x: math.cos(x)], {}, Verdict.DOMAIN),
    ("frozen", lambda x: x * x, [lambda y, x: 2 * number_of(x)], {}, Verdict.WRONG_RULE),
    ("wrong at a kink", abs, [lambda y, x: helper_ops.where(x, ops.sign(x), 2.0)], {},
     Verdict.WRONG_RULE),
    ("wrong on a stretch", math.sin,
     [lambda y, x: helper_ops.where(
         helper_ops.greater(x, 5.0) * helper_ops.greater(6.0, x), 0.0, ops.cos(x))], {},
     Verdict.WRONG_RULE),
    ("straight through a staircase", lambda x: float(int(x)), [1.0], {}, Verdict.WRONG_RULE),
    ("another base", math.log2, [lambda y, x: 1 / (x * math.log(10))],
     {"domain": ((0.0, math.inf),)}, Verdict.WRONG_RULE),
    ("not a number at 0", lambda x: abs(x), [lambda y, x: helper_ops.ieee_divide(x, y)], {},
     Verdict.WRONG_RULE),
    ("a rule that raises", lambda x: x * x, [lambda y, x: {}[x]], {"mpmath": lambda mp, x: x * x},
     Verdict.DOMAIN),
    ("a rule without a result", lambda x: x * x, [lambda y, x: None],
     {"mpmath": lambda mp, x: x * x}, Verdict.DOMAIN),
    ("a forward with a slip", lambda x: x + "1", [1.0], {"mpmath": lambda mp, x: x},
     Verdict.DOMAIN),
    ("swapped", lambda a, b: a - b, [-1.0, 1.0], {}, Verdict.WRONG_RULE),
    (
        "value", lambda x: x * x * x, [lambda y, x: 3 * x * x], {"mpmath": "exp"},
        Verdict.WRONG_VALUE,
    ),
]


@pytest.mark.parametrize(
    ("forward", "partials", "facts", "verdict"), [row[1:] for row in FAULTY],
    ids=[row[0] for row in FAULTY],
)
def test_a_learners_fault_has_its_verdict(
    forward: Any, partials: Any, facts: dict[str, Any], verdict: Verdict
) -> None:
    report = check_operation(operation("faulty_of_a_test", forward, partials, **facts))
    # a rule that freezes, or takes floats alone, is right at first order
    assert report.verdict is verdict or (report.verdict.fails and facts == {}), str(report)


LEARNERS: list[tuple[str, Any, Any, dict[str, Any]]] = [
    ("square", lambda x: x * x, [lambda y, x: 2 * x], {}),
    ("swish", lambda x: x * ops.sigmoid(x),
     [lambda y, x: ops.sigmoid(x) + y * (1 - ops.sigmoid(x))], {}),
    ("log cosh", lambda x: math.log(math.cosh(x)), [lambda y, x: ops.tanh(x)], {}),
    ("hard tanh", lambda x: max(-1.0, min(1.0, x)),
     [lambda y, x: helper_ops.greater(x, -1.0) * helper_ops.greater(1.0, x)], {}),
    ("rational", lambda x: x / (1 + x * x), [lambda y, x: (1 - x * x) / (1 + x * x) ** 2], {}),
    ("bump", lambda x: math.exp(-x * x / 2), [lambda y, x: -x * y], {}),
    ("logarithm", math.log2, [lambda y, x: 1 / (x * math.log(2))],
     {"domain": ((0.0, math.inf),)}),
    ("whole part", lambda x: float(int(x)), [0.0], {}),
    ("root", lambda x: x**0.5, [lambda y, x: helper_ops.ieee_divide(0.5, y)],
     {"domain": ((0, math.inf),)}),
    ("reciprocal", lambda x: 1 / x, [lambda y, x: -y * y], {}),
    ("difference of exponentials", lambda a, b: math.exp(a - b), [lambda y, a, b: y,
     lambda y, a, b: -y], {}),
    ("product of three", lambda a, b, c: a * b * c, [lambda y, a, b, c: b * c,
     lambda y, a, b, c: a * c, lambda y, a, b, c: a * b], {}),
    ("mean", lambda *xs: sum(xs) / len(xs), lambda y, *xs: [1 / len(xs)] * len(xs), {}),
]


@pytest.mark.parametrize(
    ("forward", "partials", "facts"),
    [row[1:] for row in LEARNERS],
    ids=[row[0] for row in LEARNERS],
)
def test_a_learners_right_operation_gives_no_alarm(
    forward: Any, partials: Any, facts: dict[str, Any]
) -> None:
    """It names no counterpart, so its value is unchecked, and the report says so."""
    report = check_operation(operation("learners_of_a_test", forward, partials, **facts))
    assert not report.verdict.fails, str(report)
    assert report.verdict in {Verdict.VALUE_UNCHECKED, Verdict.KINK, Verdict.JUMP}


# ---- words ---------------------------------------------------------------------------------------


def test_the_report_says_where_the_rule_stands() -> None:
    wrong = operation("doubled_of_a_test", lambda x: 2 * x, [lambda y, x: 3.0 + 0 * x])
    text = str(check_operation(wrong))
    assert text.splitlines()[0] == "doubled_of_a_test: WRONG RULE"
    assert "engine  df/dx = 3" in text
    assert "numeric df/dx = 2 +- 2e-16" in text
    assert "smallest program:  x = Value(0.75); y = doubled_of_a_test(x); y.backward()" in text
    assert "tests/testing/test_opcheck.py:" in text


def test_chance_is_told_before_what_follows_from_it() -> None:
    numbers = random.Random(0)
    by_chance = operation("chance_of_a_test", lambda x: x + numbers.random(), [1.0])
    assert check_operation(by_chance).verdict is Verdict.NONDETERMINISTIC


def test_a_rule_that_is_not_a_number_is_shown() -> None:
    wrong = operation(
        "nan_of_a_test", lambda x: abs(x), [lambda y, x: helper_ops.ieee_divide(x, y)]
    )
    assert "engine  df/dx = nan" in str(check_operation(wrong))


def test_without_a_partial_nothing_is_checked() -> None:
    with pytest.raises(InconclusiveError, match="does not have a partial derivative to check"):
        opcheck(operation("flat_of_a_test", lambda x: 2 * x, [None]))()


def test_a_value_that_underflows_takes_its_partial_along() -> None:
    findings = examine(helper_ops.normal_density, [38.607451045598886])
    assert not any(finding.verdict.fails for finding in findings)


def test_a_counterpart_that_mpmath_has_not_is_named() -> None:
    with pytest.raises(LookupError, match="names 'sinn', which mpmath does not have"):
        opcheck(operation("sinn_of_a_test", math.sin, [lambda y, x: ops.cos(x)], mpmath="sinn"))()


def test_an_operation_that_is_defined_nowhere_is_inconclusive() -> None:
    def nowhere(x: float) -> float:
        raise ValueError("never")

    with pytest.raises(InconclusiveError):
        opcheck(operation("nowhere_of_a_test", nowhere, [1.0]))()


def test_a_function_is_referred_to_gradcheck() -> None:
    with pytest.raises(TypeError, match="gradcheck"):
        opcheck(functions.maximum)  # type: ignore[arg-type]
