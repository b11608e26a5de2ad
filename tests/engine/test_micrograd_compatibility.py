"""micrograd's README, its tests and its demo, with only the import changed.

These are the promises to its readers: the same names, the same printed model, the same weights
from the same seed, the same numbers. micrograd itself need not be installed; what it printed
stands here, taken from its repository (MIT licence, Copyright (c) 2020 Andrej Karpathy).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import pytest

from micrograd_notes.engine import Value
from micrograd_notes.nn import MLP, Layer, Neuron

# ---------------------------------------------------------------------------- its expressions

# Each takes any kind of number that has arithmetic and a relu, so that one text serves all oracles.


def readme_example(a: Any, b: Any) -> Any:
    """The example of micrograd's README, which its test of "more operations" repeats."""
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g


def sanity_check(x: Any) -> Any:
    """The expression of micrograd's first test."""
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    return h + q + q * x


def test_readme_prints_what_it_says() -> None:
    a, b = Value(-4.0), Value(2.0)
    g = readme_example(a, b)
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_readme_example_worked_by_hand() -> None:
    # c = -1 with slopes (3, 4); d = 6 with slopes (23, 97); e = c - d = -7; f = 49.
    # g = f/2 + 10/f, so dg/de = 2e (1/2 - 10/f**2) = -2381/343.
    slope = Fraction(-2381, 343)
    a, b = Value(-4.0), Value(2.0)
    g = readme_example(a, b)
    g.backward()
    assert close(g.data, Fraction(49, 2) + Fraction(10, 49))
    assert close(a.grad, slope * (3 - 23))
    assert close(b.grad, slope * (4 - 97))


def test_sanity_check_worked_by_hand() -> None:
    # z = -10, q = 40, h = 100; dq/dx = z + 3x = -22, dh/dx = 2z * 3 = -60,
    # dy/dx = dh/dx + dq/dx + q + x dq/dx = -60 - 22 + 40 + 88.
    # Whole numbers below 2**53: nothing is rounded, so nothing is allowed.
    x = Value(-4.0)
    y = sanity_check(x)
    y.backward()
    assert (y.data, x.grad) == (-20.0, 46.0)


# ---------------------------------------------------------------------------- exact oracle


class Dual:
    """An exact fraction that carries its exact derivative along: calculus without a graph."""

    def __init__(self, value: Fraction | float, slope: Fraction | float = 0) -> None:
        self.value, self.slope = Fraction(value), Fraction(slope)

    def __add__(self, other: Dual | float) -> Dual:
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Dual | float) -> Dual:
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    def __pow__(self, n: int) -> Dual:
        return Dual(self.value**n, n * self.value ** (n - 1) * self.slope)

    def relu(self) -> Dual:
        return self if self.value > 0 else Dual(0)

    def __neg__(self) -> Dual:
        return self * -1

    def __sub__(self, other: Dual | float) -> Dual:
        return self + other * -1

    def __truediv__(self, other: float) -> Dual:
        return Dual(self.value / Fraction(other), self.slope / Fraction(other))

    def __rtruediv__(self, other: float) -> Dual:
        return self**-1 * other

    __radd__ = __add__
    __rmul__ = __mul__


# At these points every step before the last two lines of the README is exact in binary; some lie on
# a relu's kink, where micrograd, torch and we all take the slope 0.
@pytest.mark.parametrize(
    ("program", "point"),
    [
        (readme_example, (-4.0, 2.0)),
        (readme_example, (3.0, -1.5)),
        (readme_example, (0.5, 0.25)),
        (readme_example, (2.0, 2.0)),
        (readme_example, (1.5, -1.5)),
        (sanity_check, (-4.0,)),
        (sanity_check, (0.75,)),
        (sanity_check, (-0.5,)),
    ],
)
def test_gradients_equal_exact_calculus(
    program: Callable[..., Any], point: tuple[float, ...]
) -> None:
    leaves = [Value(x) for x in point]
    result = program(*leaves)
    result.backward()
    for index, leaf in enumerate(leaves):
        exact = program(*(Dual(x, float(i == index)) for i, x in enumerate(point)))
        assert close(result.data, exact.value)
        assert close(leaf.grad, exact.slope)


def test_gradients_equal_torch() -> None:
    torch = pytest.importorskip(
        "torch", reason="torch is not installed; the exact fractions above say the same"
    )
    examples: list[tuple[Callable[..., Any], tuple[float, ...]]] = [
        (readme_example, (-4.0, 2.0)),
        (sanity_check, (-4.0,)),
    ]
    for program, point in examples:
        leaves = [Value(x) for x in point]
        program(*leaves).backward()
        tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in point]
        program(*tensors).backward()
        for leaf, tensor in zip(leaves, tensors, strict=True):
            assert close(leaf.grad, tensor.grad.item())


def close(measured: float, exact: Fraction | float) -> bool:
    """Whether a number is right up to the roundings on its way.

    Few steps round at all (a quotient and what is made from it: at most 16 of 2**-53 each), and
    none of them is followed by a subtraction that cancels.
    """
    exact = Fraction(exact)
    return abs(Fraction(measured) - exact) <= 16 * Fraction(2) ** -53 * abs(exact)


# ---------------------------------------------------------------------------- its networks


def test_models_print_as_micrograds_do() -> None:
    assert repr(Neuron(2)) == "ReLUNeuron(2)"
    assert repr(Neuron(3, nonlin=False)) == "LinearNeuron(3)"
    assert repr(Layer(2, 2)) == "Layer of [ReLUNeuron(2), ReLUNeuron(2)]"
    assert repr(MLP(2, [2, 1])) == (
        "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"
    )


def test_weights_are_drawn_as_micrograd_draws_them() -> None:
    # neuron after neuron, uniform in [-1, 1] from the global generator, with a bias of 0
    random.seed(1337)
    expected = []
    for inputs, neurons in [(2, 16), (16, 16), (16, 1)]:
        for _ in range(neurons):
            expected += [random.uniform(-1, 1) for _ in range(inputs)] + [0.0]
    random.seed(1337)
    assert [p.data for p in MLP(2, [16, 16, 1]).parameters()] == expected


def test_a_layer_of_one_neuron_gives_a_value_and_wider_ones_a_list() -> None:
    assert isinstance(MLP(2, [3, 1])([1.0, 2.0]), Value)
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert [type(y) for y in Layer(2, 3)([1.0, 2.0])] == [Value, Value, Value]


# ---------------------------------------------------------------------------- its demo

# loss and accuracy (in %) of steps 0 to 99, as recorded in micrograd's demo.ipynb
RECORDED = """
0.8958441028683222 50, 1.7235905336972022 81, 0.7429006313851131 77,
0.7705641260584198 82, 0.3692793385976538 84, 0.313545481918522 86,
0.2814234349772435 89, 0.26888733313983904 91, 0.2567147286057417 91,
0.2704862551637922 91, 0.24507023853658053 91, 0.2509905529791503 92,
0.21560951851922952 91, 0.23090378446402726 93, 0.20152151227899445 92,
0.22574506279282217 93, 0.19447987596204114 92, 0.21089496199246363 93,
0.159830773563036 94, 0.1845374874688392 93, 0.18977522856087634 91,
0.19072704042579647 93, 0.11733695088756485 97, 0.12173524408232454 95,
0.1261571261277045 95, 0.16049097780801674 95, 0.18747197705245805 92,
0.16741837891059408 95, 0.09586583491455399 97, 0.0877878370742091 96,
0.11731297569011848 95, 0.09340146460619836 97, 0.12454454903103446 95,
0.07984002652777272 97, 0.07727519232921673 97, 0.07661250143094483 98,
0.10610492379198365 96, 0.09062808429265976 99, 0.10671887043036932 95,
0.05225659921975849 98, 0.06016009895234464 100, 0.08596724533333942 96,
0.051121079431796 99, 0.052401424016428284 97, 0.045306841790015734 100,
0.07211073370655095 97, 0.03334238651310234 99, 0.03143222795751122 100,
0.03658536747111507 99, 0.04829139382390309 99, 0.09875114765619622 96,
0.05449063965875453 99, 0.03392679435708309 100, 0.05261517263568441 97,
0.03250295251424923 99, 0.02888327387207822 100, 0.04139151104027239 98,
0.018987407426128502 100, 0.0252383352388374 100, 0.02079656521341895 100,
0.0325971115781023 99, 0.017863351693480307 100, 0.023008717832211683 100,
0.022079325463581503 100, 0.029432917853529684 99, 0.01625151464409193 100,
0.02846853448326446 99, 0.013994365546208731 100, 0.015552344843651405 100,
0.0338911994616017 99, 0.014229870065926908 100, 0.013255281583285504 100,
0.012300277590022063 100, 0.012676052498355976 100, 0.020593811955954763 100,
0.011845398205364453 100, 0.016012697472883086 100, 0.025458360239222128 100,
0.014382930289661911 100, 0.011698962425817985 100, 0.012318500800515763 100,
0.014121117031464233 100, 0.011664591962446225 100, 0.011589314549188726 100,
0.010990299347735226 100, 0.01098922672069161 100, 0.010988193757655071 100,
0.010987200447388707 100, 0.010986246779084925 100, 0.010985332742365272 100,
0.010984458327280174 100, 0.010983623524308862 100, 0.010982828324359073 100,
0.010982072718767003 100, 0.010981356699297042 100, 0.010980680258141723 100,
0.010980043387921506 100, 0.010979446081684675 100, 0.010978888332907229 100,
0.010978370135492717 100
"""


def demo() -> Iterator[tuple[str, Any, float]]:
    """Yields what micrograd's demo shows: first the model and its first loss, then each step.

    The lines are the notebook's, but for the prints and pictures, and for what it leaves unused.
    """
    np = pytest.importorskip("numpy")
    datasets = pytest.importorskip("sklearn.datasets")

    np.random.seed(1337)
    random.seed(1337)
    X, y = datasets.make_moons(n_samples=100, noise=0.1)
    y = y * 2 - 1  # make y be -1 or 1
    model = MLP(2, [16, 16, 1])

    def loss() -> tuple[Any, float]:
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        # svm "max-margin" loss
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        # L2 regularization
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
        return total_loss, sum(accuracy) / len(accuracy)

    total_loss, accuracy = loss()
    yield str(model), total_loss, accuracy
    for k in range(100):
        total_loss, accuracy = loss()
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        yield f"step {k}", total_loss, accuracy


@pytest.mark.parametrize("count", [1, pytest.param(100, marks=pytest.mark.long)])
def test_demo_prints_what_it_printed_for_micrograd(count: int) -> None:
    shown = demo()
    model, loss, accuracy = next(shown)
    assert model == (
        f"MLP of [Layer of [{', '.join(['ReLUNeuron(2)'] * 16)}], "
        f"Layer of [{', '.join(['ReLUNeuron(16)'] * 16)}], Layer of [LinearNeuron(16)]]"
    )
    # Before the first update all digits agree: the forward pass is the same arithmetic.
    assert str(loss).startswith("Value(data=0.8958441028683222, grad=0")
    assert accuracy == 0.5

    steps = [line.split() for line in RECORDED.replace(",", "\n").split("\n") if line]
    assert len(steps) == 100
    for (recorded_loss, recorded_accuracy), (step, loss, accuracy) in zip(
        steps[:count], islice(shown, count), strict=True
    ):
        # micrograd walks sets, so it adds gradients in an order that changes from run to run. Over
        # twelve runs of its demo the losses were up to 1.9e-14 apart (relative), up to 1.6e-14 from
        # those recorded; the accuracies never differed. Ours may be off by five times as much.
        assert math.isclose(loss.data, float(recorded_loss), rel_tol=1e-13), step
        assert f"{accuracy * 100:.0f}" == recorded_accuracy, step


def test_demo_has_337_parameters() -> None:
    assert len(MLP(2, [16, 16, 1]).parameters()) == 337
