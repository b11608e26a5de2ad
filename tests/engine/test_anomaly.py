"""The first number that is not finite: found, named, and without a trace left in the gradients."""

import gc
import math
import pickle
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from micrograd_notes import detect_anomaly
from micrograd_notes.engine import Value, grad, helper_ops, no_grad, ops, topological_order
from micrograd_notes.engine.anomaly import AnomalyError
from micrograd_notes.nn import MLP
from micrograd_notes.train.data import moons
from micrograd_notes.train.loop import fit
from tests import programs

inf, nan = math.inf, math.nan
HERE = Path(__file__).name

# ---- forward -------------------------------------------------------------------------------------

FORWARD: list[tuple[str, Any, list[str]]] = [
    (
        "an overflow",
        lambda: Value(1e200, "x") * Value(1e180, "y") * 0.5,
        [r"multiply\(x=1e\+200, y=1e\+180\) is inf", "larger than the largest float", "smaller"],
    ),
    (
        "a sum that overflows",
        lambda: sum([Value(1e308), Value(1e308)], Value(0.0)),
        [r"add\(1e\+308, 1e\+308\) is inf, though its operands are finite"],
    ),
    (
        "no number",
        lambda: helper_ops.ieee_log(Value(-1.0, "x")),
        [r"ieee_log\(x=-1.0\) is nan, though its operands are numbers", "keep its operands away"],
    ),
    (
        "a leaf of one operand",
        lambda: ops.tanh(Value(nan, "temperature")),
        [r"tanh\(temperature=nan\) is nan, as the leaf 'temperature' was given nan\n", "go in"],
    ),
    (
        "a leaf without a name",
        lambda: Value(2.0, "w") * -inf,
        [r"multiply\(w=2.0, -inf\) is -inf, as the leaf Value\(-inf\) was given -inf\n"],
    ),
    (
        "one of many operands",
        lambda: ops.logsumexp(Value(1.0), Value(2.0), Value(inf, "z")),
        [r"logsumexp\(1.0, 2.0, z=inf\) is inf, as the leaf 'z' was given inf"],
    ),
]


@pytest.mark.parametrize(
    ("compute", "words"), [row[1:] for row in FORWARD], ids=[row[0] for row in FORWARD]
)
def test_a_result_that_is_not_finite_is_named(compute: Any, words: list[str]) -> None:
    compute()  # nothing is said when nobody looks
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        compute()
    for each in words:
        caught.match(each)


def test_the_error_brings_the_node_with_it() -> None:
    x = Value(1e200)
    with pytest.raises(FloatingPointError) as caught, detect_anomaly():
        x * x
    assert isinstance(caught.value, AnomalyError)
    assert caught.value.node.operands == (x, x)
    assert caught.value.node.data == inf
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args


def test_what_was_wrong_before_is_said_to_be_so() -> None:
    before = Value(1e200, "x") * 1e200
    words = r"multiply\(inf, 2.0\) is inf, as its operand multiply\(x=1e\+200, 1e\+200\) was inf al"
    with detect_anomaly(), pytest.raises(AnomalyError, match=words):
        before * 2.0


def test_an_infinite_operand_with_a_finite_result_is_no_anomaly() -> None:
    x = Value(inf)
    with detect_anomaly():
        y = ops.tanh(x) + helper_ops.where(Value(1.0), 2.0, Value(nan)) + helper_ops.at_most(x, 3.0)
        assert y.data == 6.0
        assert x < 2 or y > 5


def test_a_result_without_a_graph_is_looked_at_too() -> None:
    x = Value(1e200)
    with detect_anomaly(), no_grad():
        assert not (x * 2.0).operands
        with pytest.raises(AnomalyError, match="multiply"):
            x * x
    with no_grad(), detect_anomaly(), pytest.raises(AnomalyError, match="multiply"):
        x * x
    with no_grad():
        with detect_anomaly():
            pass
        assert not (x * x).operands
    assert (x * x).operands


def test_an_error_of_python_stays_what_it_is() -> None:
    with detect_anomaly(), pytest.raises(ValueError, match=r"log\(x=0.0\)"):
        ops.log(Value(0.0, "x"))


# ---- gradients -----------------------------------------------------------------------------------

BACKWARD: list[tuple[str, Any, list[str]]] = [
    (
        "an infinite partial",
        lambda: ops.sqrt(Value(0.0, "x")) * 2.0,
        [
            r"sqrt\(x=0.0\) sends the gradient inf to the leaf 'x': the adjoint 2.0 times the loc",
            r"local partial inf\n  the derivative of sqrt is not finite there: keep its operands",
        ],
    ),
    (
        "a partial that is no number",
        lambda: Value(-2.0) ** Value(3.0, "n"),
        [r"power\(-2.0, n=3.0\) sends the gradient nan to the leaf 'n'"],
    ),
    (
        "a product that overflows",
        lambda: Value(1e-300, "w") * 1e160 * 1e160,
        [
            r"multiply\(w=1e-300, 1e\+160\) sends the gradient inf to the leaf 'w': the adjoint 1e",
            r"partial 1e\+160\n  the product is larger than the largest float.*smaller inputs",
        ],
    ),
    (
        "a sum that overflows",
        lambda: (lambda x: x * 1e308 + x * 1e308)(Value(1e-300, "x")),
        [r"all gradients sent to the leaf 'x' add up to inf, larger than the largest float"],
    ),
    (
        "an inner node",
        lambda: ops.sqrt(Value(0.0) * 3.0),
        [r"sends the gradient inf to multiply\(0.0, 3.0\): the adjoint 1.0"],
    ),
    (
        "any number of operands",
        lambda: ops.operation(
            "steep_of_a_test", lambda *xs: xs[0], lambda y, *xs: [1.0, inf][: len(xs)]
        )(Value(1.0), Value(2.0, "y")),
        [r"steep_of_a_test\(1.0, y=2.0\) sends the gradient inf to the leaf 'y'"],
    ),
]


@pytest.mark.parametrize(
    ("build", "words"), [row[1:] for row in BACKWARD], ids=[row[0] for row in BACKWARD]
)
def test_a_gradient_that_is_not_finite_is_named_and_nothing_is_written(
    build: Any, words: list[str]
) -> None:
    with detect_anomaly():
        root = build()
        nodes = topological_order(root)
        inputs = [node for node in nodes if node.op is None and node.requires_grad]
        (inputs[-1] * 3.0).backward()
        before = [node.grad if node.has_grad else None for node in nodes]
        for differentiate in (root.backward, lambda: grad(root, inputs)):
            with pytest.raises(AnomalyError) as caught:
                differentiate()
            for each in words:
                caught.match(each)
            assert caught.value.node in nodes
            assert [node.grad if node.has_grad else None for node in nodes] == before
    root.backward()
    assert not all(math.isfinite(leaf.grad) for leaf in inputs)


def test_a_branch_that_is_not_chosen_is_no_anomaly() -> None:
    """An infinite partial that an adjoint of 0 meets; in `grad` it is a node of its own."""
    x = Value(0.0)
    with detect_anomaly():
        for y in (helper_ops.where(x > 0, ops.sqrt(x), 0.0), ops.sqrt(x) * 0.0 + x * 0.0):
            y.backward()
            (first,) = grad(y, x)
            (second,) = grad(first * x, x)
            assert (x.grad, first.data, second.data) == (0.0, 0.0, 0.0)
        with pytest.raises(AnomalyError):  # and after `grad` it looks at results again
            x + inf


def test_the_line_that_made_the_node_is_named() -> None:
    with detect_anomaly():
        root = ops.sqrt(Value(0.0))  # this line
        with pytest.raises(AnomalyError, match=rf"{HERE}:\d+: root = ops.sqrt.*# this line$"):
            root.backward()
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        root.backward()
    assert "made at" not in str(caught.value)  # it was not there when the node was made


def test_numbers_that_a_sweep_starts_from() -> None:
    x = Value(2.0, "x")
    with detect_anomaly():
        y = x * x
        with pytest.raises(ValueError, match=r"^adjoint must be a finite number, got nan"):
            y.backward(nan)
        assert not x.has_grad
        x.grad = inf
        with pytest.raises(AnomalyError, match=r"leaf 'x' was inf already.*\n  call zero_grad\(\)"):
            y.backward()
        assert x.grad == inf
        x.grad = 1.5e308
        with pytest.raises(AnomalyError, match=r"1.5e\+308 already, and becomes inf as this sweep"):
            y.backward(4e307)
        assert (x.grad, y.has_grad) == (1.5e308, False)
        x.grad = None
        y.backward()
        y.backward()
    assert x.grad == 8.0


# ---- what stays as it is -------------------------------------------------------------------------


@given(programs.programs, programs.inputs)
def test_a_healthy_program_has_the_same_bits(program: Any, numbers: list[float]) -> None:
    def bits() -> list[float]:
        values = [Value(x) for x in numbers]
        root = programs.run(program, values)
        found = [root.data]
        if root.requires_grad:
            root.backward()
            root.backward(0.5)
            found += [v.grad for v in topological_order(root)]
            found += [v.data for v in grad(root, values)]
        return found

    usual = bits()
    with detect_anomaly():
        assert bits() == usual
    assert bits() == usual


def test_it_looks_in_this_thread_only_and_ends_with_its_block() -> None:
    x = Value(1e200)
    seen: list[float] = []
    with detect_anomaly():
        other = threading.Thread(target=lambda: seen.append((x * x).data))
        other.start()
        other.join()
        with detect_anomaly():
            pass
        with pytest.raises(AnomalyError):
            x * x
    assert seen == [inf]
    assert (x * x).data == inf


def test_it_is_a_decorator_and_ends_with_an_error() -> None:
    @detect_anomaly()
    def overflows(x: Value) -> Value:
        return x * x

    with pytest.raises(AnomalyError):
        overflows(Value(1e200))
    assert (Value(1e200) * 1e200).data == inf


def test_what_is_looked_at_is_freed_as_ever() -> None:
    gc.collect()
    gc.disable()
    try:
        with detect_anomaly():
            x = Value(1.0)
            y = ops.tanh(x * x)
            y.backward()
            alive = weakref.ref(y)
            del x, y
            assert alive() is None
    finally:
        gc.enable()


def test_training_in_it_finds_the_operation_where_the_numbers_explode() -> None:
    data = moons(samples=20)
    quiet, looked_at = (MLP(2, [4, 1], activation="tanh", seed=0) for _ in range(2))
    fit(quiet, data, epochs=2, progress=False)
    with detect_anomaly():
        fit(looked_at, data, epochs=2, progress=False)
        assert looked_at.state_dict() == quiet.state_dict()
        looked_at.layers[0].neurons[0].w[0].data = 1e308
        looked_at.layers[0].neurons[0].w[1].data = nan
        with pytest.raises(AnomalyError, match=r"multiply\(nan, .*leaf Value\(nan\) was given nan"):
            fit(looked_at, data, epochs=1, progress=False)
