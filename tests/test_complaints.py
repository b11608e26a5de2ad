"""What people complained of in public about programs like ours: each case shows a fault of a kind.

The number beside a case is the thread that told of it elsewhere. The laws that forbid the kinds are
in the tests of the parts: `test_nn` (no parameter is lost), `test_training` (no step with a number
that is not finite), `test_engine`, `test_ops`, `test_modes`, `lifting/test_net`, `test_outside`.
"""

import copy
import json
import math
import pickle
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd_notes import MLP, Value, draw_dot, grad, lift, no_grad, operation
from micrograd_notes.engine.helper_ops import equal, greater, where
from micrograd_notes.engine.ops import hypot, logsumexp, sqrt, tanh
from micrograd_notes.lifting import CannotLift, NotChecked
from micrograd_notes.nn import Module
from micrograd_notes.nn.losses import cross_entropy
from micrograd_notes.nn.saving import save_model
from micrograd_notes.train.loop import accuracy, default_loss, fit
from micrograd_notes.train.optim import SGD, Adam

XOR = ([[0.0, 1.0], [1.0, 0.0]], [0, 1])


class Line(Module):
    def __init__(self) -> None:
        self.w, self.b = Value(0.0), Value(0.0)

    def __call__(self, x: Any) -> Value:
        return self.w * x + self.b  # type: ignore[no-any-return]


class Xavier(Module):
    """Weights that are scaled as they are made, so that they are results of a division."""

    def __init__(self) -> None:
        generator = random.Random(0)
        self.w = [Value(generator.gauss(0, 1)) / math.sqrt(3) for _ in range(3)]
        self.b = Value(0.0)

    def __call__(self, x: Any) -> Value:
        return sum((w * xi for w, xi in zip(self.w, x, strict=True)), self.b)


class Norm(Module):
    """Its gradient is nan at the start: sqrt is infinitely steep at 0."""

    def __init__(self) -> None:
        self.a, self.b = Value(0.0), Value(1.0)

    def __call__(self, x: Any) -> Value:
        return sqrt(self.a * self.a) * x[0] + self.b  # type: ignore[no-any-return]


# ---- parameters ----------------------------------------------------------------------------------


def test_weights_that_are_scaled_at_birth_are_refused_by_name() -> None:
    """pytorch/pytorch#38198, #140469"""
    for use in (
        lambda m: fit(m, ([[1.0, 2.0, 3.0]], [1.0]), epochs=1, progress=False),
        lambda m: fit(m, ([[1.0, 2.0, 3.0]], [1.0]), epochs=1, progress=False, lifted=True),
        lambda m: SGD(m.parameters()),
        lambda m: m.state_dict(),
        lambda m: m.load_state_dict({"b": 1.0}),
    ):
        with pytest.raises(ValueError, match=r"w\[0\] is the result of divide.*Value\(number\)"):
            use(Xavier())


def test_parameters_in_an_array() -> None:
    """pytorch/pytorch#59925, #666"""
    model = Line()
    model.w = np.array([[Value(1.0), Value(2.0)]])  # type: ignore[assignment]
    assert [name for name, _ in model.named_parameters()] == ["w[0][0]", "w[0][1]", "b"]
    assert model.state_dict() == {"w": [[1.0, 2.0]], "b": 0.0}


def test_an_update_by_rebinding_under_no_grad_is_refused() -> None:
    """pytorch/pytorch#74158. Ours is to refuse: what no_grad made needs no gradient, anywhere."""
    model = Line()
    (model(2.0) - 4.0).backward()
    with no_grad():
        model.w = model.w - 0.05 * model.w.grad
    with pytest.raises(ValueError, match=r"^w is computed under no_grad\(\)"):
        model.zero_grad()
    with pytest.raises(ValueError, match=r"^w is computed under no_grad\(\)"):
        copy.deepcopy(model).parameters()
    with pytest.raises(ValueError, match=r"computed under no_grad\(\)"):
        SGD([model.w])
    model.w.requires_grad = True  # which says that it is a weight
    assert model.parameters() == [model.w, model.b]


def test_an_optimiser_of_another_model_is_refused() -> None:
    """NVIDIA/Megatron-LM#174"""
    for lifted in (False, True):
        model, other = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=0)
        before = model.state_dict()
        for params in (other.parameters(), other.parameters() + model.parameters()):
            with pytest.raises(ValueError, match=r"of the optimizer are not the model's"):
                fit(model, XOR, optimizer=Adam(params), epochs=1, progress=False, lifted=lifted)
        assert model.state_dict() == before


def test_saving_says_which_weight_is_not_a_leaf(tmp_path: Path) -> None:
    """pytorch/pytorch#54580"""
    model = MLP(2, [2, 1], seed=0)
    weights = model.layers[0].neurons[0].w
    weights[0] = weights[0] * 1.0
    with pytest.raises(ValueError, match=r"layers\[0\]\.neurons\[0\]\.w\[0\] is the result of mul"):
        save_model(model, tmp_path / "model.json")


def test_a_model_that_keeps_its_output_can_be_copied() -> None:
    """pytorch/pytorch#54580, #3307"""
    model: Any = Line()
    model.out = model(2.0)
    model.out.backward()
    again = copy.deepcopy(model)
    assert (again.w.grad, again.out.data) == (2.0, model.out.data)
    assert [name for name, _ in again.named_parameters()] == ["w", "b"]


# ---- training ------------------------------------------------------------------------------------


def test_a_callback_that_returns_numpy_true_stops() -> None:
    """DLR-RM/stable-baselines3#804"""
    stop: Any = lambda epoch, logs: np.mean([logs["loss"]]) < 100  # noqa: E731
    for lifted in (False, True):
        model = MLP(2, [3, 1], seed=0)
        assert len(fit(model, XOR, callback=stop, progress=False, lifted=lifted)) == 1


def test_a_gradient_that_is_nan_is_no_step() -> None:
    """scikit-learn/scikit-learn#29504"""
    for lifted in (False, True):
        model = Norm()
        with pytest.raises(FloatingPointError, match="a became nan"):
            fit(model, ([[1.0]], [2.0]), epochs=1, progress=False, lifted=lifted)
        assert (model.a.data, model.b.data, model.a.has_grad) == (0.0, 1.0, False)
    where_from = r"(?s)the gradient of a became nan.*sqrt\(0\.0\) sends the gradient"
    with pytest.raises(FloatingPointError, match=where_from):
        fit(Norm(), ([[1.0]], [2.0]), epochs=1, progress=False)


def test_float_labels_that_default_loss_accepts_train() -> None:
    """pytorch/pytorch#133833, #1258; as labels come from a CSV file"""
    data = ([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 2.0])
    trained = []
    for labels, lifted in ((data[1], False), (data[1], True), ([0, 1, 2], False)):
        model = MLP(2, [4, 3], seed=0)
        assert default_loss(model, data) is cross_entropy
        fit(model, (data[0], labels), epochs=2, progress=False, lifted=lifted)
        assert accuracy(model, data) >= 0.0
        trained.append([p.data for p in model.parameters()])
    assert trained[0] == trained[2]
    assert trained[1] == pytest.approx(trained[0], rel=1e-9)  # lifted: to rounding


def test_a_learning_rate_may_change_between_epochs() -> None:
    """tensorflow/playground#4"""
    model = MLP(2, [3, 1], seed=0)
    steps = Adam(model.parameters(), lr=0.1)
    halve: Any = lambda epoch, logs: setattr(steps, "lr", steps.lr / 2)  # noqa: E731
    fit(model, XOR, optimizer=steps, epochs=3, progress=False, lifted=True, callback=halve)
    assert steps.lr == 0.0125


# ---- rules and operations ------------------------------------------------------------------------


def test_a_rule_that_gives_a_complex_number_is_named() -> None:
    """pytorch/pytorch#92750, #80275"""
    op = operation("complex_of_a_test", lambda x: abs(x) ** 0.5, [lambda y, x: 0.5 * x**-0.5])
    with pytest.raises(TypeError, match="complex_of_a_test: a partial must return a real number"):
        op(Value(-1.0)).backward()


def test_a_rule_that_gives_a_float32_loses_no_digits() -> None:
    """HIPS/autograd PR#199, harvard-edge/cs249r_book PR#1399"""
    op = operation("single_of_a_test", lambda x: 2.5 * x, [lambda y, x: np.float32(2.5)])
    x = Value(0.1)
    (op(op(x)) + x * 1e-10).backward()
    assert type(x.grad) is float
    assert x.grad == 6.25 + 1e-10


def test_logsumexp_of_nothing_but_minus_infinity() -> None:
    """jax-ml/jax#6811, pytorch/pytorch#31829, #49724. Of 0 and 1/n, ours is 0: nothing changes."""
    x = Value(1.0)
    logsumexp(-math.inf, x + -math.inf).backward()
    assert x.grad == 0.0


def test_an_operation_of_ones_own_in_another_process() -> None:
    """dask/distributed#6803"""
    op = operation("away_of_a_test", lambda x: x / 2, [0.5])
    code = (
        "import pickle, sys, micrograd_notes\n"
        "try: pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "except Exception as error: print(error)"
    )
    pickled = pickle.dumps(op(Value(1.0))).hex()
    run = subprocess.run([sys.executable, "-c", code, pickled], capture_output=True, text=True)
    assert "calls operation('away_of_a_test', ...)" in run.stdout


def test_mixed_second_derivatives_of_a_power_agree() -> None:
    """jax-ml/jax#20574 and #18640, further: the exponent is a Value too. At x = 0 ours are 0."""
    for exponent in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
        x, p = Value(0.0), Value(exponent)
        dx, dp = grad(x**p, [x, p])
        assert grad(dx, [p])[0].data == grad(dp, [x])[0].data == 0.0
    x, p = Value(2.0), Value(1.5)
    dx, dp = grad(x**p, [x, p])
    # one product more in one order than in the other
    assert grad(dx, [p])[0].data == pytest.approx(grad(dp, [x])[0].data, rel=1e-15, abs=0.0)


def test_the_constructor_of_micrograd_takes_operands_and_ours_does_not() -> None:
    """karpathy/micrograd. Ours refuses, and the README says so."""
    with pytest.raises(TypeError, match=r"name must be a text.*write a \+ b"):
        Value(5.0, (Value(2.0), Value(3.0)), "+")  # type: ignore[arg-type]
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert "never given to `Value(...)`" in readme


# ---- lifting and modes ---------------------------------------------------------------------------


def test_a_program_that_is_first_called_under_no_grad() -> None:
    """pytorch/pytorch#100977"""
    w = Value(3.0)
    program = lift(lambda x: w * w * x, parameters=[w])
    with no_grad():
        assert program([1.0]) == 9.0  # only to look at the first loss
    program([1.0])
    assert w.grad == 6.0


def test_a_program_that_is_compiled_while_a_parameter_is_frozen() -> None:
    """argilla-io/biome-text#153 (gradual unfreezing)"""
    w, v = Value(3.0, requires_grad=False), Value(2.0)
    program = lift(lambda x: w * v * x, parameters=[w, v])
    program([1.0])
    w.requires_grad = True
    program([1.0])
    assert w.grad == 2.0


def test_no_grad_on_a_generator_function() -> None:
    """pytorch/pytorch#31497, PR#31792"""

    @no_grad()
    def predictions() -> Iterator[Value]:
        x = Value(3.0)
        yield x * x

    assert not any(y.requires_grad for y in predictions())


def test_nested_decorators_of_no_grad() -> None:
    """pytorch/pytorch#10858"""

    @no_grad()
    def same(v: Value) -> Value:
        return v

    x = Value(1.0)
    with no_grad():
        same(x)
        assert not (x * x).requires_grad


def test_a_recorded_number_that_is_turned_into_text_is_refused() -> None:
    """JAX FAQ, jit changes the behavior of my function"""
    w = [Value(0.5), Value(-0.25)]
    program = lift(lambda x: w[0] * x if f"{x:.1f}" == "1.0" else w[1] * x, parameters=w)
    with pytest.raises(CannotLift, match="turns a recorded number into text"):
        program([1.0])


def test_a_dictionary_of_class_weights_is_refused_with_advice() -> None:
    """jax-ml/jax#21824, PR#5853"""
    w, weights = Value(0.5), {0: 1.0, 1: 3.0}
    program = lift(lambda x, y: weights[y] * (w * x - y) ** 2, parameters=[w])
    with pytest.raises(CannotLift, match="pick"):
        program([1.0], [1])


def test_a_gradient_inside_a_lifted_function_is_refused_in_words() -> None:
    """patrick-kidger/diffrax#419"""
    w = Value(3.0)
    program = lift(lambda x: grad(w**3 * x, [w])[0], parameters=[w])
    with pytest.raises(CannotLift, match="graph of a recorded number"):
        program([1.0])


# ---- right before, and so it stays ---------------------------------------------------------------


def test_branches_that_are_not_chosen() -> None:
    """pytorch/pytorch#187297, HIPS/autograd#802, jax-ml/jax#5798"""
    p = [Value(-1.0)]
    program = lift(lambda t: where(greater(p[0], 0.0), sqrt(p[0]), p[0]) + 0 * t, parameters=p)
    with pytest.warns(NotChecked, match="sqrt"):  # the scalars raise, and that is said
        program([0.0])
    assert p[0].grad == 1.0
    x = Value(0.0)
    where(greater(1.0, x), x, sqrt(x)).backward()
    assert x.grad == 1.0


def test_names_and_depths_for_graphviz() -> None:
    """xflr6/graphviz#105, #82, #96, #47, #168, #102; szagoruyko/pytorchviz#57, #71"""
    for name in ("\\", "\\l", '\\"', "<> <>", "<lambda> <map>", "python:3.7@sha256", "a|{b}"):
        draw_dot(Value(1.0, name=name) * 2).pipe("svg")
    y = Value(1.0)
    for _ in range(3000):
        y = tanh(y)
    assert "tanh" in draw_dot(y).source


def test_x_sqrt_x_at_zero() -> None:
    """tinygrad/tinygrad#12409"""
    x = Value(0.0)
    where(equal(x, 0.0), 0.0, x * sqrt(x)).backward()
    assert x.grad == 0.0


def test_a_squared_norm_at_zero() -> None:
    """HIPS/autograd#586, jax-ml/jax#4177, #21723"""
    x, y = Value(0.0), Value(0.0)
    (sqrt(x * x + y * y) ** 2).backward()
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_second_derivatives_at_zero() -> None:
    """jax-ml/jax#10965, #20574"""
    x, y = Value(0.0), Value(0.0)
    assert grad(grad(hypot(x, y), [x])[0], [x])[0].data == 0.0
    seconds = [grad(grad(x**k, [x])[0], [x])[0].data for k in (0, 1, 2)]
    assert seconds == [0.0, 0.0, 2.0]


def test_numbers_of_other_kinds() -> None:
    """pytorch/pytorch#9468, jlowin/pyautodiff#11, karpathy/nn-zero-to-hero#41, micrograd PR#16"""
    x = Value(2.0)
    y: Any = np.float32(3) * x
    y.backward()
    assert (x.grad, type(y)) == (3.0, Value)
    x = Value(100)
    (x**2).backward()
    assert x.grad == 200.0
    assert sum([Value(1.0), Value(2.0)], start=0).data == 3.0  # type: ignore[union-attr]
    with pytest.raises(TypeError, match=r"got Value.*Use the Value as it is"):
        Value(Value(1.0))  # type: ignore[arg-type]


def test_a_second_sweep_adds_the_right_amount() -> None:
    """karpathy/micrograd#53, #60, PR#102"""
    a = Value(3.0)
    e = (a + 2.0) * 1.0
    e.backward()
    e.backward()
    assert a.grad == 2.0


def test_data_that_a_module_keeps_is_not_a_parameter() -> None:
    """Running means, counts and plain arrays: the other side of parameters that get lost."""
    model: Any = Line()
    model.mean, model.steps, model.table = 0.5, 3, np.ones(3)
    model.note = {"x": [1.0, 2.0], "name": "line"}
    assert [name for name, _ in model.named_parameters()] == ["w", "b"]
    assert json.dumps(model.state_dict()) == '{"w": 0.0, "b": 0.0}'
