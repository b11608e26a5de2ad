"""Programs for JAX: the same loss and gradient, the derivative of JAX, and what is refused."""

import copy
import gc
import operator
import pickle
import random
import re
import weakref
from typing import Any

import numpy as np
import pytest

from micrograd_notes import MLP, Value, no_grad, relu, tanh
from micrograd_notes.engine import ops
from micrograd_notes.engine.functions import pick
from micrograd_notes.engine.helper_ops import greater, step, where
from micrograd_notes.lifting import CannotLift, Lifted, lift, lift_of_sizes, program as program_file
from tests.lifting.examples import EXAMPLES
from tests.lifting.programs import KINDS, agree_in_jax, convolutions

jax = pytest.importorskip("jax")
QUICK = {"classifier", "recurrent"}


def written(program: Lifted) -> Any:
    """Returns the loss as its source says it, which JAX differentiates by itself."""
    assert program._latest is not None
    return program.jax()._printed(program._latest)[1]["loss"]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.long]) for n in EXAMPLES]
)
def test_loss_and_gradient_are_those_of_numpy_and_so_is_the_derivative_of_jax(name: str) -> None:
    program, data = EXAMPLES[name]()
    in_jax = program.jax()
    theta = program.parameters()
    if name == "outputs":
        assert abs(np.asarray(in_jax(theta, *data)) - program.outputs(theta, *data)).max() <= 1e-15
        return
    loss, gradient = program.value_and_grad(theta, *data)
    with jax.enable_x64(True):
        got, derivatives = jax.jit(in_jax.value_and_grad)(theta, *data)
        of_jax = jax.jit(jax.grad(written(program)))(theta, *data)
    assert abs(float(got) - loss) <= 1e-14 * abs(loss)
    for other in (derivatives, of_jax):  # sums of up to 16 terms, in another order
        assert abs(np.asarray(other) - gradient).max() <= 16 * 2.0**-53 * abs(gradient).max()


def straight_through(w: Any, x: Any) -> Any:
    z = w[0] * x + w[1]
    return (z + (step(z) - z).detach() - 1) ** 2


def with_a_target(w: Any, x: Any) -> Any:
    with no_grad():
        target = tanh(w[0] * x)
    return (w[1] * x - target) ** 2


def with_a_root_at_0(w: Any, x: Any) -> Any:
    return where(greater(x, 0.0), ops.sqrt(x * w[0] * w[0]), w[1])


@pytest.mark.parametrize("loss", [straight_through, with_a_target, with_a_root_at_0])
@pytest.mark.parametrize("is_frozen", [False, True])
def test_jax_grad_is_the_gradient_of_the_program(loss: Any, is_frozen: bool) -> None:
    """Where the learner stops it, too, and at a root that is not chosen."""
    w, x = [Value(0.5), Value(-0.3, requires_grad=not is_frozen)], np.array([0.0, 1.0, 2.0, 0.5])
    program = lift(lambda x: loss(w, x), parameters=w)
    theta = program.parameters()
    _, expected = program.value_and_grad(theta, x)
    in_jax = program.jax()
    with jax.enable_x64(True):
        for run in (jax.grad(in_jax), jax.jit(jax.grad(in_jax)), jax.jacfwd(in_jax)):
            assert np.asarray(run(theta, x)) == pytest.approx(expected, rel=1e-14)


def test_jax_differentiates_by_the_data_and_twice() -> None:
    w = [Value(0.5), Value(-0.3)]
    program = lift(lambda x, k: tanh(w[0] * x + pick(w, k) * x * x), parameters=w)
    in_jax, (x, k) = program.jax(), (np.array([0.1, 0.7, -0.4]), np.array([0, 1, 1]))

    def by_hand(theta: Any, x: Any) -> Any:
        return jax.numpy.tanh(theta[0] * x + theta[k] * x * x).mean()

    theta = program.parameters()
    with jax.enable_x64(True):
        program.jax()(theta, x, k)
        for of in (jax.grad, jax.hessian):
            mine, other = np.asarray(of(in_jax)(theta, x, k)), np.asarray(of(by_hand)(theta, x))
            assert mine == pytest.approx(other, rel=1e-12)
        found = jax.grad(in_jax, argnums=(0, 1))(theta, x, k)
        for mine, other in zip(found, jax.grad(by_hand, argnums=(0, 1))(theta, x), strict=True):
            assert np.asarray(mine) == pytest.approx(np.asarray(other), rel=1e-12)


def test_a_derivative_that_is_added_up_on_the_way_forward() -> None:
    a, b, c = Value(0.5), Value(0.3), Value(-0.2)

    def loss(xs: Any) -> Any:
        h, total = a, Value(0.0)
        for x in xs:
            h = tanh(b * h + x)
            total = total + h * c
        return total

    program, xs = lift(loss, parameters=[a, b, c], batch=False), np.linspace(-1, 1, 9)
    _, gradient = program.value_and_grad(program.parameters(), xs)
    with jax.enable_x64(True):
        _, derivatives = program.jax().value_and_grad(program.parameters(), xs)
        of_jax = jax.grad(written(program))(program.parameters(), xs)
    for other in (derivatives, of_jax):  # nine additions, in another order; no sum reaches 4
        assert abs(np.asarray(other) - gradient).max() <= 9 * 4 * 2.0**-53


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_name_that_a_source_reads_is_there(name: str) -> None:
    program, data = EXAMPLES[name]()
    source = program.jax().source_for(*data)
    for home, path in re.findall(r"\b(np|numpy|jax)\.([a-z_]\w*(?:\.[a-z_]\w*)*)", source):
        module = {"np": jax.numpy, "numpy": np, "jax": jax}[home]
        assert operator.attrgetter(path)(module) is not None


def test_windows_of_two_dimensions() -> None:
    """A convolution by an array of places, which NumPy's source makes by sliding_window_view."""
    kernel = [[Value(0.1 * i - 0.2 * j) for j in range(3)] for i in range(2)]

    def loss(image: Any) -> Any:
        return sum(
            relu(sum(kernel[u][v] * image[i + u][j + v] for u in range(2) for v in range(3)))
            for i in range(4) for j in range(5)
        )

    program = lift(loss, parameters=kernel)
    image, theta = np.random.default_rng(0).normal(size=(2, 5, 7)), program.parameters()
    expected, derivatives = program.value_and_grad(theta, image)
    assert "sliding_window_view" in program.source
    got, gradient = program.jax().value_and_grad(theta, image)
    assert (float(got), *np.asarray(gradient)) == pytest.approx((expected, *derivatives), 1e-14)


def test_digits_follow_theta_and_no_setting_of_jax_changes() -> None:
    w = Value(0.5)
    program = lift(lambda x: (w * x).tanh(), parameters=w)
    in_jax, theta = program.jax(), program.parameters()
    loss, gradient = in_jax.value_and_grad(theta, [1.0, 2.0])
    assert (loss.dtype, gradient.dtype) == ("float64", "float64")
    expected, derivatives = program.value_and_grad(theta, [1.0, 2.0])
    assert (float(loss), *np.asarray(gradient)) == pytest.approx((expected, *derivatives), 1e-15)
    assert not jax.config.jax_enable_x64
    short = in_jax(theta.astype(np.float32), [1.0, 2.0])
    assert short.dtype == "float32"
    assert float(short) == pytest.approx(expected, rel=1e-6)
    assert jax.jit(in_jax)(theta, np.array([1.0, 2.0])).dtype == "float32"


def test_at_a_kink_jax_has_the_slope_of_the_program() -> None:
    """By itself it chooses another one."""
    w = Value(0.0)
    program = lift(lambda x: relu(w * x), parameters=w)
    theta, data = program.parameters(), np.array([1.0])
    assert float(program.jax().value_and_grad(theta, data)[1][0]) == 0.0
    with jax.enable_x64(True):
        assert float(jax.grad(written(program))(theta, data)[0]) == 0.5
        assert float(jax.grad(program.jax())(theta, data)[0]) == 0.0


def test_a_label_that_is_out_of_range_is_refused_or_makes_the_loss_nan() -> None:
    program, (x, _) = EXAMPLES["classifier"]()
    in_jax, theta = program.jax(), program.parameters()
    with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
        in_jax(theta, x, np.full(len(x), 3))
    with jax.enable_x64(True):
        loss, gradient = jax.jit(in_jax.value_and_grad)(theta, x, np.full(len(x), -1))
    assert np.isnan(float(loss))
    assert np.isnan(np.asarray(gradient)).all()


def test_a_wrong_program_is_refused_before_jax_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    w = Value(0.5)
    program = lift(lambda x: x * w if isinstance(x, Value) else x * w * 2, parameters=w)
    with pytest.raises(CannotLift, match="differ"):
        jax.jit(program.jax())(np.array([0.5]), np.array([1.0, 2.0]))


def test_a_program_of_sizes_has_one_for_jax() -> None:
    def make(inputs: int, hidden: int) -> Any:
        model = MLP(inputs, [hidden, 1], seed=0)
        return lambda x, y: (model(x) - y) ** 2, model

    program = lift_of_sizes(make, inputs=9, hidden=11)
    data = np.ones((2, 9)), np.array([0.5, -1.0])
    loss, _ = program.value_and_grad(program.parameters(), *data)
    assert float(program.jax()(program.parameters(), *data)) == pytest.approx(loss, rel=1e-15)


def test_without_jax_the_command_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    w = Value(0.5)
    program = lift(lambda x: w * x, parameters=w)
    monkeypatch.setattr(program_file, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "micrograd-notes\[jax\]"'):
        program.jax()


def test_outputs_have_no_gradient() -> None:
    model = MLP(2, [1], seed=0)
    with pytest.raises(TypeError, match="does not have a loss"):
        lift(model).jax().value_and_grad([0.0] * 3, [[1.0, 2.0]])


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_random_programs_agree_op_by_op_and_compiled(kind: Any) -> None:
    compared = [agree_in_jax(kind(random.Random(seed)), seed % 2 == 0) for seed in range(4)]
    assert any(compared)


class Holder:
    """A model that holds its program for JAX."""

    def __init__(self) -> None:
        self.w = Value(0.5)
        self.in_jax = lift(self.loss, self).jax()

    def parameters(self) -> list[Value]:
        return [self.w]

    def loss(self, x: Any) -> Any:
        return tanh(self.w * x)


def test_a_model_that_holds_its_program_for_jax_is_copied() -> None:
    model, x = Holder(), np.array([1.0, 2.0])
    expected = float(model.in_jax(np.array([0.5]), x))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        other.w.data = 0.5
        assert float(other.in_jax(np.array([0.5]), x)) == expected
        assert other.in_jax._lifted.leaves() == [other.w]


def test_a_program_that_is_replaced_is_not_kept_for_jax() -> None:
    model, scale = MLP(2, [1], seed=0), [2.0]
    program = lift(lambda x, y: (model(x) * scale[0] - y) ** 2, model)
    given = program.parameters(), np.ones((3, 2)), np.ones(3)
    in_jax = program.jax()
    before, old = float(in_jax(*given)), weakref.ref(program._known())
    scale[0] = 3.0
    assert float(in_jax(*given)) != before
    gc.collect()
    assert old() is None


def test_theta_of_another_shape_is_refused_and_whole_numbers_are_floats() -> None:
    program = lift(lambda x: (w[0] * x + w[1]) ** 2, parameters=(w := [Value(1.0), Value(2.0)]))
    function, x = program.jax(), np.array([1.0, 2.0])
    for theta in ([1.0], jax.numpy.ones(3)):
        with pytest.raises(ValueError, match=r"flat vector of 2 numbers, .* got an array of shape"):
            function.value_and_grad(theta, x)
    _, gradient = function.value_and_grad([1, 2], x)
    assert gradient.dtype == float
    assert gradient.tolist() == program.value_and_grad([1.0, 2.0], x)[1].tolist()


def test_the_source_alone_makes_floats_of_a_theta_of_whole_numbers() -> None:
    w = Value(2.0)
    program = lift(lambda x: (w * x - 0.75) ** 2, parameters=w)
    names: dict[str, Any] = {}
    exec(program.jax().source_for([0.5, 1.5]), names)
    loss, gradient = names["loss_and_gradient"](np.array([2]), np.array([0.5, 1.5]))
    expected, derivatives = program.value_and_grad([2.0], [0.5, 1.5])
    assert (float(loss), *np.asarray(gradient)) == pytest.approx((expected, *derivatives), 1e-6)


def test_the_derivative_of_a_maximum_is_right_where_xla_computes_it_anew() -> None:
    """It may round x of `x == x.max()` in another way than in the maximum; then no x is one."""
    program_of = convolutions(random.Random(1011124))
    program = lift(program_of.loss, parameters=program_of.parameters)
    theta, data = program.parameters(), program_of.data
    _, expected = program.value_and_grad(theta, *data)
    with jax.enable_x64(True):
        _, gradient = jax.jit(program.jax().value_and_grad)(theta, *data)
    assert np.asarray(gradient) == pytest.approx(expected, rel=1e-13)
