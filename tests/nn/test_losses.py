"""Laws of the losses: their formulas in high precision, their gradients, and PyTorch's numbers."""

import math
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest

from micrograd_notes import Value
from micrograd_notes.nn.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    mse_loss,
)
from tests.optional import np, of_numpy

ULP = sys.float_info.epsilon
ONE_TO_ONE = [
    (mse_loss, [0.5, -2.0, 3.0], [1.0, -1.0, 3.0]),
    (hinge_loss, [0.5, -2.0, 3.0], [1, 1, -1]),
    (binary_cross_entropy_with_logits, [0.5, -2.0, 3.0], [1, 0, 0.25]),
]


def values(numbers: list[Any]) -> list[Any]:
    """Returns the numbers as Values, in the same lists."""
    return [values(x) if isinstance(x, list) else Value(x) for x in numbers]


def gradients(loss: Callable[..., Any], numbers: list[float], *arguments: Any) -> list[float]:
    inputs = values(numbers)
    loss(inputs, *arguments).backward()
    return [x.grad for x in inputs]


# ---- worked examples -----------------------------------------------------------------------------


def test_mse_by_hand() -> None:
    # errors 2 and -3: squares 4 and 9; the gradient of their mean is 2 * error / 2
    assert mse_loss([Value(3.0), Value(1.0)], [1.0, 4.0]).data == 6.5
    assert gradients(mse_loss, [3.0, 1.0], [1.0, 4.0]) == [2.0, -3.0]


def test_hinge_by_hand() -> None:
    # margins 2 (right enough: no loss), 0.5 (loss 0.5) and -1 (loss 2)
    predictions, targets = [2.0, 0.5, 1.0], [1, 1, -1]
    assert hinge_loss(values(predictions), targets, "none")[0].data == 0
    assert hinge_loss(values(predictions), targets, "sum").data == 2.5
    assert gradients(hinge_loss, predictions, targets, "sum") == [0.0, -1.0, 1.0]


def test_cross_entropies_by_hand() -> None:
    # equal logits share the probability, so the loss is the log of the number of classes
    assert cross_entropy(values([0.0, 0.0, 0.0, 0.0]), 2).data == math.log(4)
    assert binary_cross_entropy_with_logits(Value(0.0), 0).data == math.log(2)
    # the gradient is probability - target
    assert gradients(cross_entropy, [0.0, 0.0, 0.0, 0.0], 2) == [0.25, 0.25, -0.75, 0.25]
    assert gradients(binary_cross_entropy_with_logits, [0.0], [1]) == [-0.5]


# ---- exactness -----------------------------------------------------------------------------------


def test_binary_cross_entropy_keeps_its_digits_everywhere() -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):
        for logit in (-745.0, -40.0, -1.0, 1e-9, 0.3, 30.0, 700.0):
            for target in (0, 1, 0.25, 1 - 1e-9):
                x, t = mpmath.mpf(logit), mpmath.mpf(target)
                exact = t * mpmath.log1p(mpmath.exp(-x)) + (1 - t) * mpmath.log1p(mpmath.exp(x))
                ours = binary_cross_entropy_with_logits(Value(logit), target).data
                # a softplus of at most 2 ulp, a product and a sum of positive terms; or the
                # smallest number there is, below which nothing can be told apart
                assert abs(ours - exact) <= max(4 * ULP * exact, 5e-324)


def test_cross_entropy_is_within_rounding_of_its_largest_term() -> None:
    mpmath = pytest.importorskip("mpmath")
    generator = random.Random(0)
    with mpmath.workdps(50):
        for _ in range(50):
            logits = [generator.uniform(-800, 800) for _ in range(generator.randint(2, 10))]
            label = generator.randrange(len(logits))
            exact = mpmath.log(sum(mpmath.exp(x) for x in logits)) - mpmath.mpf(logits[label])
            ours = cross_entropy(values(logits), label).data
            # logsumexp - logit: each within a few ulp of the largest logit
            assert abs(ours - exact) <= 4 * ULP * max(abs(x) for x in logits)


def test_losses_do_not_overflow() -> None:
    assert binary_cross_entropy_with_logits(Value(1e308), 0).data == 1e308
    assert binary_cross_entropy_with_logits(Value(-1e308), 1).data == 1e308
    assert binary_cross_entropy_with_logits(Value(1e308), 1).data == 0
    assert cross_entropy(values([1e308, 0.0]), 1).data == 1e308
    assert gradients(binary_cross_entropy_with_logits, [-1e308], [1]) == [-1.0]


def test_two_logits_are_one_logit_and_zero() -> None:
    for logit in (-30.0, -1.0, 0.0, 2.5, 30.0):
        for label in (0, 1):
            two = cross_entropy([Value(0.0), Value(logit)], label).data
            one = binary_cross_entropy_with_logits(Value(logit), label).data
            # the difference in cross_entropy rounds at the size of the logit
            assert abs(two - one) <= 4 * ULP * max(abs(logit), 1)


def test_gradients_of_cross_entropy_sum_to_zero() -> None:
    generator = random.Random(1)
    for _ in range(20):
        logits = [generator.gauss(0, 3) for _ in range(5)]
        # five shares of 1, each rounded, minus 1
        assert abs(math.fsum(gradients(cross_entropy, logits, 3))) <= 5 * ULP


# ---- reductions and shapes -----------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "predictions", "targets"), ONE_TO_ONE)
def test_reductions(loss: Callable[..., Any], predictions: list[float], targets: Any) -> None:
    each = [loss(Value(p), t).data for p, t in zip(predictions, targets, strict=True)]
    assert [x.data for x in loss(values(predictions), targets, reduction="none")] == each
    assert loss(values(predictions), targets, reduction="sum").data == sum(each)
    assert loss(values(predictions), targets, reduction="mean").data == sum(each) / 3
    assert loss(values(predictions), targets).data == sum(each) / 3


def test_reductions_of_cross_entropy() -> None:
    batch, labels = [[1.0, 2.0, 0.5], [0.0, -1.0, 4.0]], [1, 0]
    each = [cross_entropy(values(row), y).data for row, y in zip(batch, labels, strict=True)]
    assert [x.data for x in cross_entropy(values(batch), labels, "none")] == each
    assert cross_entropy(values(batch), labels, "sum").data == sum(each)
    assert cross_entropy(values(batch), labels).data == sum(each) / 2
    assert cross_entropy(values(batch[:1]), labels[:1]).data == each[0]


def test_mse_takes_the_mean_over_all_outputs_of_all_examples() -> None:
    assert mse_loss(values([[1.0, 2.0], [3.0, 4.0]]), [[0.0, 0.0], [0.0, 0.0]]).data == 7.5
    kept = mse_loss(values([[1.0, 2.0], [3.0, 4.0]]), [[0.0, 0.0], [0.0, 0.0]], "none")
    assert [[x.data for x in row] for row in kept] == [[1.0, 4.0], [9.0, 16.0]]


def test_a_target_of_mse_may_be_a_value_and_gets_its_gradient() -> None:
    target = Value(1.0)
    mse_loss(Value(3.0), target).backward()
    assert target.grad == -4.0


def test_numpy_arrays_of_targets_and_of_values_are_lists_too() -> None:
    numpy = pytest.importorskip("numpy")
    assert cross_entropy(values([[0.0, 0.0]]), numpy.array([1])).data == math.log(2)
    assert mse_loss(numpy.array(values([1.0, 3.0])), numpy.array([0.0, 0.0])).data == 5.0


# ---- targets that are Values ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "predictions", "targets"),
    [
        *ONE_TO_ONE,
        (binary_cross_entropy_with_logits, [0.5, -2.0, 700.0], [1, 1, 0]),
        (cross_entropy, [[1.0, 2.0, 0.5], [40.0, 0.0, -3.0], [0.0, 800.0, 0.0]], [2, 0, 2]),
    ],
)
def test_a_target_may_be_a_value_and_changes_no_number(
    loss: Callable[..., Any], predictions: list[Any], targets: list[Any]
) -> None:
    plain, data = values(predictions), values(predictions)
    expected, got = loss(plain, targets), loss(data, values(targets))
    expected.backward()
    got.backward()
    # a term that the formula for any target has beside those for a plain one is a 0, or cancels
    assert got.data == pytest.approx(expected.data, rel=4 * ULP)
    flat = [(x, y) for a, b in zip(plain, data, strict=True) for x, y in _pairs(a, b)]
    for x, y in flat:
        assert y.grad == pytest.approx(x.grad, abs=4 * ULP)


def _pairs(a: Any, b: Any) -> list[tuple[Value, Value]]:
    return list(zip(a, b, strict=True)) if isinstance(a, list) else [(a, b)]


@pytest.mark.parametrize(
    ("loss", "outputs", "targets"),
    [
        (mse_loss, 1, [0.5, 1.0, 2.0]),
        (mse_loss, 3, [[0.5, 1.0, 2.0], [0.0, 0.0, 1.0], [-1.0, 2.0, 3.0]]),
        (hinge_loss, 1, [1, -1, 1]),
        (binary_cross_entropy_with_logits, 1, [0, 1, 1]),
        (binary_cross_entropy_with_logits, 1, [0.0, 1.0, 0.25]),
        (cross_entropy, 3, [0, 2, 1]),
    ],
)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch", [True, False])
def test_every_loss_can_be_lifted(
    loss: Callable[..., Any], outputs: int, targets: list[Any], reduction: str, batch: bool
) -> None:
    numpy = pytest.importorskip("numpy")
    from micrograd_notes.lifting import lift
    from micrograd_notes.nn import MLP

    model, inputs = MLP(2, [4, outputs], seed=0), [[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]]

    def of_one(x: Any, y: Any) -> Any:
        return loss(model(x), y, reduction)

    def of_all(xs: Any, ys: Any) -> Any:
        return loss([model(x) for x in xs], ys, reduction)

    program = lift(of_one if batch else of_all, model, batch=batch)
    value, gradient = program.value_and_grad(program.parameters(), inputs, targets)
    if batch:  # a lifted program takes the mean over its batch
        each = [of_one(x, y) for x, y in zip(inputs, targets, strict=True)]
        eager = sum(each[1:], each[0]) / len(each)
    else:
        eager = of_all(inputs, targets)
    eager.backward()
    # two dozen sums and products of numbers up to 10, each rounded once, on either side
    rounding = 10 * 24 * 2 * ULP
    assert abs(value - eager.data) <= rounding
    expected = numpy.array([parameter.grad for parameter in program.leaves()])
    assert numpy.abs(gradient - expected).max() <= rounding


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "predictions", "targets"), ONE_TO_ONE)
def test_wrong_lengths_and_reductions_are_refused(
    loss: Callable[..., Any], predictions: list[float], targets: Any
) -> None:
    with pytest.raises(ValueError, match="3 predictions for 2 targets"):
        loss(values(predictions), targets[:2])
    with pytest.raises(ValueError, match="no predictions"):
        loss([], [])
    with pytest.raises(TypeError, match="a list of 3 for one number"):
        loss(values(predictions), 1)
    with pytest.raises(TypeError, match=r"one number .* for a list of 3"):
        loss(Value(1.0), targets)
    with pytest.raises(ValueError, match="reduction must be one of mean, sum, none, got 'average'"):
        loss(values(predictions), targets, reduction="average")


@pytest.mark.parametrize("label", [3, -1, 100])
def test_labels_that_are_no_class_are_refused(label: int) -> None:
    with pytest.raises(ValueError, match=f"target {label} for 3 logits"):
        cross_entropy(values([1.0, 2.0, 3.0]), label)
    with pytest.raises(ValueError, match=f"target {label} for 3 logits"):
        cross_entropy(values([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]), [0, label])


def test_text_is_no_list_of_numbers() -> None:
    with pytest.raises(TypeError):
        mse_loss("high", "higher")


def test_what_cross_entropy_does_not_take() -> None:
    with pytest.raises(TypeError, match="binary_cross_entropy_with_logits"):
        cross_entropy(Value(1.0), 0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"must be the number of a class, got 1\.5"):
        cross_entropy(values([1.0, 2.0]), 1.5)
    with pytest.raises(TypeError, match=r"must be the number of a class, got \[0, 1\]"):
        cross_entropy(values([1.0, 2.0]), [0, 1])
    with pytest.raises(TypeError, match="batch of 2 lists of logits but one target"):
        cross_entropy(values([[1.0, 2.0], [1.0, 2.0]]), 1)
    with pytest.raises(ValueError, match="2 predictions for 1 targets"):
        cross_entropy(values([[1.0, 2.0], [1.0, 2.0]]), [1])
    with pytest.raises(TypeError, match="instead of a list of logits"):
        cross_entropy([values([1.0, 2.0]), Value(1.0)], [1, 0])
    alone: list[Any] = [([], []), ([Value(1.0)], 0), ([[Value(1.0)]], [0]), ([[]], [0])]
    for logits, target in alone:
        with pytest.raises(ValueError, match=r"got \[.*two or more logits per example"):
            cross_entropy(logits, target)
    labels: list[Any] = [True, *of_numpy(lambda: [np.False_]), "0", None, math.nan, Value]
    for label in labels:
        with pytest.raises(TypeError, match="must be the number of a class"):
            cross_entropy(values([1.0, 2.0]), label)
    assert cross_entropy(values([1.0, 2.0]), 1.0).data == cross_entropy(values([1.0, 2.0]), 1).data
    with pytest.raises(ValueError, match="reduction must be one of mean, sum, none"):
        cross_entropy(values([1.0, 2.0]), 0, "avg")


@pytest.mark.parametrize("loss", [mse_loss, hinge_loss, binary_cross_entropy_with_logits])
def test_a_loss_takes_lists_and_nothing_that_has_no_order(loss: Any) -> None:
    v = Value(1.0)
    for mixed in ({1: v}, {v}, frozenset([v]), iter([v]), (x for x in [v]), {1: v}.keys()):
        for arguments in ((mixed, [1]), ([v], mixed), ([mixed], [[1]]), (mixed, mixed)):
            with pytest.raises(TypeError, match="must be numbers or lists of them, got a "):
                loss(*arguments)
    for many in ([v], (v,), {1: v}.values(), *of_numpy(lambda: [np.array([v])])):
        assert loss(many, (1,)).data == loss(v, 1).data


@pytest.mark.parametrize("target", [0, 2, 0.5, -0.5])
def test_hinge_takes_signs_only(target: float) -> None:
    with pytest.raises(ValueError, match=r"must be -1 or \+1.*signs\(\)"):
        hinge_loss(Value(1.0), target)


@pytest.mark.parametrize("target", [-1, 2, math.nan])
def test_binary_cross_entropy_takes_probabilities_only(target: float) -> None:
    with pytest.raises(ValueError, match="must be 0, 1, or a probability"):
        binary_cross_entropy_with_logits(Value(1.0), target)


# ---- PyTorch -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_values_and_gradients_are_those_of_torch(reduction: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: its numbers not compared")
    functional = torch.nn.functional
    generator = random.Random(2)
    logits = [generator.gauss(0, 3) for _ in range(12)]
    rows = [logits[start : start + 4] for start in (0, 4, 8)]
    probabilities = [generator.random() for _ in logits]
    cases: list[tuple[Any, Any, list[Any], list[Any]]] = [
        (mse_loss, functional.mse_loss, logits, probabilities),
        (
            binary_cross_entropy_with_logits,
            functional.binary_cross_entropy_with_logits,
            logits,
            probabilities,
        ),
        (cross_entropy, functional.cross_entropy, rows, [3, 0, 2]),
    ]
    for ours, theirs, numbers, targets in cases:
        inputs = values(numbers)
        loss = ours(inputs, targets, reduction=reduction)
        loss.backward()
        tensor = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
        wanted = torch.tensor(targets, dtype=None if targets == [3, 0, 2] else torch.float64)
        expected = theirs(tensor, wanted, reduction=reduction)
        expected.backward()
        # Two dozen sums and products of numbers up to 100, each rounded once, on either side.
        rounding = 100 * 24 * ULP
        assert abs(loss.data - expected.item()) <= rounding
        ours_flat = [x for row in inputs for x in (row if isinstance(row, list) else [row])]
        for x, gradient in zip(ours_flat, tensor.grad.flatten().tolist(), strict=True):
            assert abs(x.grad - gradient) <= rounding


def test_cross_entropy_keeps_its_digits_when_the_model_is_right_and_sure() -> None:
    """The gradients of two logits are opposite, however small they are, and so is the loss."""
    for margin in (20.0, 40.0, 300.0):
        right, wrong = Value(margin), Value(0.0)
        loss = cross_entropy([right, wrong], 0)
        loss.backward()
        assert loss.data == pytest.approx(math.exp(-margin), rel=1e-8)  # log1p(e) is e to e/2
        assert right.grad == -wrong.grad
        assert wrong.grad == pytest.approx(math.exp(-margin), rel=1e-8)
