"""Right rules of functions that are written naively, so that floats lose digits of them somewhere.

A formula takes the library whose functions it calls: `math`, the rows of the table, or mpmath.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from micrograd_notes.engine import ops

Formula = Callable[..., Any]
ROOT = math.sqrt(2 / math.pi)


class Naive(NamedTuple):
    """A function f(library, x) of which f'(library, f(x), x) is the derivative."""

    function: Formula
    rule: Formula


class Opaque:
    """The module `math`, of which nothing shows that a function comes from it."""

    def __getattr__(self, name: str) -> Any:
        return lambda *numbers: getattr(math, name)(*map(float, numbers))


def _bent(m: Any, x: Any) -> Any:
    return m.tanh(ROOT * (x + 0.044715 * x**3))


def _mish(m: Any, x: Any) -> Any:
    return m.tanh(m.log(1 + m.exp(x)))


NAIVE: dict[str, Naive] = {
    "gelu": Naive(
        lambda m, x: 0.5 * x * (1 + _bent(m, x)),
        lambda m, y, x: 0.5 * (1 + _bent(m, x))
        + 0.5 * x * (1 - _bent(m, x) ** 2) * ROOT * (1 + 3 * 0.044715 * x * x)),
    "gelu by erf": Naive(
        lambda m, x: 0.5 * x * (1 + m.erf(x / math.sqrt(2))),
        lambda m, y, x: 0.5 * (1 + m.erf(x / math.sqrt(2)))
        + x * m.exp(-x * x / 2) / math.sqrt(2 * math.pi)),
    "softplus": Naive(
        lambda m, x: m.log(1 + m.exp(x)), lambda m, y, x: m.exp(x) / (1 + m.exp(x))),
    "mish": Naive(
        lambda m, x: x * _mish(m, x),
        lambda m, y, x: _mish(m, x) + x * (1 - _mish(m, x) ** 2) * m.exp(x) / (1 + m.exp(x))),
    "x versine": Naive(
        lambda m, x: x * (1 - m.cos(x)), lambda m, y, x: 1 - m.cos(x) + x * m.sin(x)),
    "x log(1 + x x)": Naive(
        lambda m, x: x * m.log(1 + x * x),
        lambda m, y, x: m.log(1 + x * x) + 2 * x * x / (1 + x * x)),
    "logistic": Naive(lambda m, x: 1 / (1 + m.exp(-x)), lambda m, y, x: y * (1 - y)),
    "logistic by a ratio": Naive(
        lambda m, x: m.exp(x) / (1 + m.exp(x)), lambda m, y, x: y * (1 - y)),
    "expm1": Naive(lambda m, x: m.exp(x) - 1, lambda m, y, x: y + 1),
    "sag": Naive(lambda m, x: m.sqrt(1 + x * x) - 1, lambda m, y, x: x / (y + 1)),
    "log cosh": Naive(lambda m, x: m.log(m.cosh(x)), lambda m, y, x: m.sinh(x) / m.cosh(x)),
    "tanh by exponentials": Naive(
        lambda m, x: (m.exp(x) - m.exp(-x)) / (m.exp(x) + m.exp(-x)), lambda m, y, x: 1 - y * y),
    "a root of a quadratic": Naive(
        lambda m, x: m.sqrt(x * x + 1) - x, lambda m, y, x: x / m.sqrt(x * x + 1) - 1),
    "another root": Naive(
        lambda m, x: (m.sqrt(1e10 + 4 * x) - 1e5) / 2, lambda m, y, x: 1 / m.sqrt(1e10 + 4 * x)),
    "a variance": Naive(
        lambda m, x: (x * x + 5e6) / 3 - ((x + 3e3) / 3) ** 2,
        lambda m, y, x: 2 * x / 3 - 2 * (x + 3e3) / 9),
    "a difference of squares": Naive(
        lambda m, x: x**2 - (x - 1) ** 2, lambda m, y, x: 2 * x - 2 * (x - 1)),
    "x - sin": Naive(lambda m, x: x - m.sin(x), lambda m, y, x: 1 - m.cos(x)),
    "tan - sin": Naive(
        lambda m, x: m.tan(x) - m.sin(x), lambda m, y, x: 1 + m.tan(x) ** 2 - m.cos(x)),
    "sinc": Naive(lambda m, x: m.sin(x) / x, lambda m, y, x: (m.cos(x) - y) / x),
    "mean of exp": Naive(lambda m, x: (m.exp(x) - 1) / x, lambda m, y, x: (m.exp(x) - y) / x),
    "mean of 1 / (1 + x)": Naive(
        lambda m, x: m.log(1 + x) / x, lambda m, y, x: (1 / (1 + x) - y) / x),
    "(1 - cos) / x x": Naive(
        lambda m, x: (1 - m.cos(x)) / (x * x), lambda m, y, x: (m.sin(x) - 2 * x * y) / (x * x)),
    "asinh": Naive(
        lambda m, x: m.log(x + m.sqrt(x * x + 1)), lambda m, y, x: 1 / m.sqrt(x * x + 1)),
    "acosh": Naive(
        lambda m, x: m.log(x + m.sqrt(x * x - 1)), lambda m, y, x: 1 / m.sqrt(x * x - 1)),
    "atanh": Naive(
        lambda m, x: 0.5 * m.log((1 + x) / (1 - x)), lambda m, y, x: 1 / (1 - x * x)),
    "(x - 1)**6 written out": Naive(
        lambda m, x: x**6 - 6 * x**5 + 15 * x**4 - 20 * x**3 + 15 * x**2 - 6 * x + 1,
        lambda m, y, x: 6 * x**5 - 30 * x**4 + 60 * x**3 - 60 * x**2 + 30 * x - 6),
    "cosh - sinh": Naive(
        lambda m, x: m.cosh(x) - m.sinh(x), lambda m, y, x: m.sinh(x) - m.cosh(x)),
    "erfc": Naive(
        lambda m, x: 1 - m.erf(x), lambda m, y, x: -2 / math.sqrt(math.pi) * m.exp(-x * x)),
    "log erfc": Naive(
        lambda m, x: m.log(1 - m.erf(x)),
        lambda m, y, x: -2 / math.sqrt(math.pi) * m.exp(-x * x) / (1 - m.erf(x))),
    "an entropy": Naive(
        lambda m, x: m.log(1 + m.exp(-x)) / (1 + m.exp(-x)),
        lambda m, y, x: m.exp(-x) * (m.log(1 + m.exp(-x)) - 1) / (1 + m.exp(-x)) ** 2),
    "silu by a difference": Naive(
        lambda m, x: x - x / (1 + m.exp(x)),
        lambda m, y, x: 1 - 1 / (1 + m.exp(x)) + x * m.exp(x) / (1 + m.exp(x)) ** 2),
    "compound interest": Naive(
        lambda m, x: (1 + x / 1e9) ** 1e9, lambda m, y, x: (1 + x / 1e9) ** (1e9 - 1)),
    "a sine far out": Naive(
        lambda m, x: m.sin(x + 1e6) - m.sin(1e6), lambda m, y, x: m.cos(x + 1e6)),
    "Gudermann": Naive(
        lambda m, x: 2 * m.atan(m.exp(x)) - math.pi / 2,
        lambda m, y, x: 2 * m.exp(x) / (1 + m.exp(2 * x))),
    "hypotenuse": Naive(
        lambda m, x: m.exp(m.log(1 + x * x) / 2) - 1, lambda m, y, x: x / (y + 1)),
}

# Near 0 and 1, in tails, where something overflows, and where squares cancel.
POINTS = (
    *(0.75, -2.0, 0.0, -0.0, 1e-3, 1e-5, -1e-5, 3e-7, 1e-8, -1e-8, 1e-12, 1.0 + 1e-9, 1.0 - 1e-9),
    *(-5.0, 5.5, -8.0, 12.0, 20.0, -20.0, 36.0, -37.0, 40.0, -40.0, -100.0, 355.0, 709.0, -709.5),
    *(720.0, -745.0, -800.0, 1e8, 1e8 + 4, -3e7),
)


def rows_of(name: str) -> dict[str, tuple[Formula, Formula]]:
    """Returns forward and rule in each way that a learner may write them."""
    function, rule = NAIVE[name]
    opaque = Opaque()
    return {
        "forward by math": (lambda x: function(math, x), lambda y, x: rule(ops, y, x)),
        "both by math": (lambda x: function(math, x), lambda y, x: rule(math, y, x)),
        "both by the table": (lambda x: function(ops, x), lambda y, x: rule(ops, y, x)),
        "forward opaque": (lambda x: function(opaque, x), lambda y, x: rule(ops, y, x)),
    }
