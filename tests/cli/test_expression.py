"""Formulas as text: what is understood, and that nothing else is."""

import math

import pytest

from micrograd_notes.cli.expression import ExpressionError, parse_expression
from micrograd_notes.engine import ops


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a*b + tanh(c)", 2.0 * -3.0 + math.tanh(10.0)),
        ("-(a + 1) ** 2 / 4", -9.0 / 4),
        ("2*a", 4.0),
        ("maximum(a, b, 1e3)", 1000.0),
        ("clamp(c, 0, 1) + where(b, a, 5)", 3.0),
        ("+leaky_relu(b, .5) - logsumexp(a, a)", -1.5 - 2.0 - math.log(2.0)),
        ("  a  ", 2.0),
    ],
)
def test_a_formula_has_the_value_of_its_arithmetic(text: str, expected: float) -> None:
    values = {name: x for name, x in {"a": 2.0, "b": -3.0, "c": 10.0}.items() if name in text}
    result, names = parse_expression(text, values)
    assert result.data == pytest.approx(expected, rel=1e-15)  # one rounding, of the last sum
    assert set(names) == set(values)


def test_the_graph_is_that_of_the_formula() -> None:
    result, names = parse_expression("x*x", {"x": 3.0})
    assert result.op is ops.multiply
    assert result.operands == (names["x"], names["x"])
    result.backward()
    assert names["x"].grad == 6.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a *", r"not a formula.*\n  a \*\n"),
        ("", "not a formula"),
        ("a b", "not a formula"),
        ("__import__('os').system('true')", "made of numbers"),
        ("a.data", r"made of numbers.*\n  a.data\n  \^"),
        ("[a for a in a]", "made of numbers"),
        ("(lambda: 1)()", "made of numbers"),
        ("a if a else 1", "made of numbers"),
        ("'text'", "made of numbers"),
        ("1j * a", "made of numbers"),
        ("True + a", "made of numbers"),
        ("a % 2", "made of numbers"),
        ("a ^ 2", r"write a\*\*b"),
        ("a > 2", r"write greater\(a, b\)"),
        ("max(a, 2)", "did you mean 'maximum'"),
        ("a + \u03b1\u03b2\u03b3 + foo(a)", "'\u03b1\u03b2\u03b3' needs a value"),
        ("(a +\n  foo(a))", r"\n    foo\(a\)\)\n    \^$"),
        ("tanh(x=1)", "made of numbers"),
        ("open(a)", r"operation 'open'; choose from abs, acos, acosh, add, asin, asinh, atan"),
        ("ln(a)", "did you mean 'log'"),
        ("tanhh(a)", "did you mean 'tanh'"),
        ("tanh(a, a)", r"tanh\(\) takes 1 operands, got 2"),
        ("a + d", r"'d' needs a value; add d=1.5\n  a \+ d\n      \^"),
        ("1", "does not use a"),
        ("1" + "0" * 400 + " * a", "too large for a float"),
        ("(" * 50_000 + "a" + ")" * 50_000, "too many nested parts|not a formula"),
        ("a\0", "not a formula"),
    ],
)
def test_what_is_no_formula_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        parse_expression(text, {"a": 2.0})


def test_the_arrow_counts_letters_and_not_bytes() -> None:
    with pytest.raises(ExpressionError, match=r"\n  α\*β \+ foo\(α\)\n        \^$"):
        parse_expression("α*β + foo(α)", {"α": 1.0, "β": 2.0})


def test_an_undefined_operation_says_so() -> None:
    with pytest.raises(ValueError, match=r"log\(a=-1.0\)"):
        parse_expression("log(a)", {"a": -1.0})
    with pytest.raises(ZeroDivisionError, match=r"divide\(1.0, a=0.0\)"):
        parse_expression("1 / a", {"a": 0.0})
