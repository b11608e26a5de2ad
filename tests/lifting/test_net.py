"""Before a lifted program is trusted, it is compared with the scalars; a difference is refused."""

import math
import os
import random
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, Value, lift  # noqa: E402
from micrograd_notes.engine import ops  # noqa: E402
from micrograd_notes.engine.functions import maximum, minimum, pick, softmax  # noqa: E402
from micrograd_notes.engine.helper_ops import greater, where  # noqa: E402
from micrograd_notes.engine.ops import log, relu, sqrt  # noqa: E402
from micrograd_notes.lifting import (  # noqa: E402
    CannotLift,
    NotChecked,
    compiled,
    per_shape,
    program,
)
from micrograd_notes.lifting.codegen.numpy import emit  # noqa: E402
from micrograd_notes.lifting.guards import answers, point  # noqa: E402
from micrograd_notes.nn.losses import cross_entropy  # noqa: E402
from micrograd_notes.nn.vectors import dot, linear  # noqa: E402
from micrograd_notes.train import lifted_loop as training_on_arrays  # noqa: E402
from micrograd_notes.train.loop import fit  # noqa: E402
from micrograd_notes.train.optim import SGD  # noqa: E402
from tests.lifting import planted  # noqa: E402
from tests.lifting.examples import certified, values  # noqa: E402

WORKS = list(planted.works())
backends = pytest.mark.parametrize("backend", ["numpy", "auto"])  # C, where there is a compiler
X, Y = [[1.0, 2.0], [0.5, -1.0], [0.0, 1.0]], [0, 1, 1]


@backends
def test_a_function_without_inputs_is_one_example(backend: str) -> None:
    a, b = Value(0.5), Value(2.0)
    program = lift(lambda: (1 - a) ** 2 + (b - a * a) ** 2, parameters=[a, b], batch=False,
                   backend=backend)
    for _ in range(2):
        loss, gradient = program.value_and_grad([0.5, 2.0])
        assert loss == 3.3125
        assert gradient.tolist() == [-4.5, 3.5]
    with pytest.raises(CannotLift, match="differ: on these data"):
        lift(lambda: b * (1 if type(b * 1.0) is Value else 2), parameters=b, batch=False)()
    with pytest.raises(ValueError, match="takes no data"):
        lift(lambda: a * b, parameters=[a, b])()



@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("largest", [maximum, lambda *v: -minimum(*[-x for x in v])],
                         ids=["maximum", "minimum"])
def test_ties_that_rounding_decides_are_right(largest: Any, size: int) -> None:
    """A kernel of equal weights on mirrored images: the scalars take one window, the program two.

    With many ties, few samples of what rounding does show but some of the ways to take them.
    """
    kernel = values(0, 3, 3)
    for row in kernel:
        for weight in row:
            weight.data = 0.1
    numbers = np.random.default_rng(1).random((3, 6, 3)).round(2)
    images = np.concatenate([numbers, numbers[:, :, ::-1]], axis=2)

    def loss(image: Any) -> Any:
        out = [[sum(kernel[a][b] * image[i + a][j + b] for a in range(3) for b in range(3))
                for j in range(4)] for i in range(4)]
        pools = [[out[i + a][j + b] for a in range(size) for b in range(size)]
                 for i in range(5 - size) for j in range(5 - size)]
        return sum(largest(*pool) for pool in pools) ** 2

    program = lift(loss, parameters=kernel)
    program.check(images)
    certified(program, images)


# ---- what is caught ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seeds", [range(15), pytest.param(range(15, 55), marks=pytest.mark.long)], ids=len
)
@pytest.mark.parametrize("which", planted.FAULTS)
def test_a_fault_in_any_pass_is_caught_at_the_first_call(which: str, seeds: range) -> None:
    outcomes = [planted.outcome(WORKS[seed % len(WORKS)], which, seed) for seed in seeds]
    assert outcomes.count("escaped") == 0
    assert outcomes.count("caught") >= len(seeds) / 2


@pytest.mark.parametrize(
    "seeds", [range(2), pytest.param(range(2, 60), marks=pytest.mark.long)], ids=len
)
@pytest.mark.parametrize("which", planted.FAULTS)
def test_a_fault_in_a_later_program_is_caught_by_the_smaller_check(
    which: str, seeds: range
) -> None:
    works = [work for work in WORKS if work.name in ("attention", "recurrence", "embedding")]
    outcomes = [
        planted.outcome(work, which, seed, planted.shorter(work))
        for seed in seeds for work in works
    ]
    assert outcomes.count("escaped") == 0
    assert outcomes.count("caught") >= len(seeds)


@contextmanager
def wrong_by(line: str) -> Iterator[None]:
    """Plants a line into the backward half of each program."""

    def at_fault(*arguments: Any) -> Any:
        made = emit.emit(*arguments)
        assert "dtheta /= n" in made.source
        return made._replace(source=made.source.replace("dtheta /= n", f"dtheta /= n\n    {line}"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "emit", at_fault)
        yield


def test_each_program_is_compared_on_the_labels_that_come_to_it() -> None:
    """Also if programs of other shapes were compared on all of them."""
    table = [Value(0.1 * k) for k in range(6)]

    def loss(tokens: Any, y: Any) -> Any:
        return (sum(pick(table, token) for token in tokens) - y) ** 2

    program = lift(loss, parameters=table)
    for length in (1, 2):
        tokens = np.arange(6 * length).reshape(-1, length) % 6
        program.value_and_grad(program.parameters(), tokens, np.ones(len(tokens)))
    tokens = np.array([[0, 1, 2], [2, 1, 0], [0, 2, 1], [0, 1, 5]])
    with wrong_by("dtheta[5] += (tokens == 5).any()"), pytest.raises(CannotLift, match="differ"):
        program.value_and_grad(program.parameters(), tokens, np.array([0.0, 1.0, 0.5, 0.5]))


@pytest.mark.parametrize("at", [3, 40, 99])
def test_an_example_on_which_the_gradient_is_no_slope_is_compared(at: int) -> None:
    """A fault of the backward half is found on any example, as the program itself shows it."""
    [w] = [Value(0.5)]
    x = np.random.default_rng(0).permutation(100) / 100.0
    wrong, at_it = f"dtheta += 0.01 * (x == {x[at]}).any()", f"on example {at}"
    with wrong_by(wrong), pytest.raises(CannotLift, match=at_it):
        lift(lambda x: (w * x).tanh(), parameters=w)(x)


def test_where_the_gradient_is_no_slope_in_the_scalars_either_nothing_is_refused() -> None:
    """At kinks, behind a detach, by a frozen parameter."""
    w, frozen = Value(0.0), Value(2.0, requires_grad=False)

    def loss(x: Any) -> Any:
        h = (w * x).relu() + frozen * w
        return h * h.detach() + (frozen * x - w) ** 2

    program = lift(loss, parameters=[w, frozen])
    x = np.linspace(-1.0, 1.0, 50)
    assert program.value_and_grad(program.parameters(), x)[1][1] == 0.0


def test_without_the_net_the_same_faults_go_unseen() -> None:
    """The faults are faults: with `check=False` each of them gives other numbers in silence."""
    work = WORKS[0]
    right = lift(work.loss, parameters=work.parameters)
    expected = right.value_and_grad(right.parameters(), *work.data)[1]
    unseen = 0
    for seed in range(40):
        generator = random.Random(seed)
        with pytest.MonkeyPatch.context() as patch:
            made = emit.emit
            patch.setattr(
                compiled, "emit", lambda *a, m=made, g=generator: planted.on_printed(m(*a), g)
            )
            wrong = lift(work.loss, parameters=work.parameters, check=False)
            try:
                got = wrong.value_and_grad(wrong.parameters(), *work.data)[1]
            except Exception:  # a fault that can't be overlooked
                continue
        unseen += bool(abs(got - expected).max() > 1e-9)
    assert unseen >= 5


def loss_by_type(model: Any) -> Any:
    def loss(x: Any, y: Any) -> Any:
        error = model(x) - y
        weight = 1.0 if type(y) is int else 100.0  # at fault
        return weight * error * error

    return loss


def test_the_message_says_what_differs_and_names_the_line() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    words = r"(?s)on example \d the loss is .* lifted, .* in the scalars.*test_net.py:\d+: return w"
    with pytest.raises(CannotLift, match=words):
        lift(loss_by_type(model), model)(X, Y)
    assert not any(p.has_grad for p in model.parameters())


def test_the_message_names_the_line_of_the_source_where_the_compiler_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    p = [Value(0.1), Value(0.5), Value(0.9)]

    def loss(x: Any) -> Any:
        return sum((1 / (a - b)) * x for a in p for b in p if a is not b) ** 2

    made = emit.emit
    with_a_fault = "dp[...] = np.nan + "

    def faulty(*arguments: Any) -> emit.Printed:
        source, printed = made(*arguments)
        return emit.Printed(source.replace("dp[...] = ", with_a_fault), printed)

    monkeypatch.setattr(compiled, "emit", faulty)
    with pytest.raises(CannotLift, match=r"derivative by p\[\d\] is nan lifted.*\n.*Line: dp\["):
        lift(loss, parameters=p, batch=False)(1.0)


def test_fit_refuses_too_and_nothing_has_changed() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    before = model.state_dict()

    def loss(outputs: Any, targets: Any) -> Any:
        weights = [1.0 if type(t) is int else 100.0 for t in targets]
        terms = [w * (o - t) ** 2 for w, o, t in zip(weights, outputs, targets, strict=True)]
        return sum(terms) / len(terms)

    with pytest.raises(CannotLift, match="lifted and scalars differ"):
        fit(model, (X, Y), loss=loss, epochs=2, progress=False, lifted=True)
    assert model.state_dict() == before


TWO = 2  # the scalars get this very object, and a recording does not


@backends
def test_a_label_that_was_not_seen_yet_is_checked_when_it_comes(backend: str) -> None:
    w = [Value(0.3), Value(-0.2), Value(0.9)]

    def loss(x: Any, y: Any) -> Any:
        return (50 if y is TWO else 1) * pick(w, y) * x

    program = lift(loss, parameters=w, backend=backend)
    numbers, theta = np.array([1.0, 2.0, 3.0, 4.0]), program.parameters()
    for labels in ([0, 1, 1, 0], [1, 1, 1, 1], [0, 1, 0, 1]):
        program.value_and_grad(theta, numbers, np.array(labels))
    for labels in ([0, 1, 1, 2], [0, 0, 0, 2]):  # what was refused is not trusted afterwards
        with pytest.raises(CannotLift, match="on example 3 the loss"):
            program.value_and_grad(theta, numbers, np.array(labels))


@backends
def test_whole_numbers_are_checked_as_they_come_up_to_eight(backend: str) -> None:
    w = Value(0.3)
    program = lift(
        lambda x, y: (50 if y is TWO else 1) * w * x * y, parameters=[w], backend=backend
    )
    numbers, theta = np.array([1.0, 2.0, 3.0]), program.parameters()
    for count in ([0, 1, 5], [0, 1, 5], [5, 1, 0]):
        program.value_and_grad(theta, numbers, np.array(count))
    for _ in range(2):
        with pytest.raises(CannotLift, match="on example 2 "):
            program.value_and_grad(theta, numbers, np.array([0, 1, 2]))


def test_labels_whose_check_was_interrupted_are_checked_when_they_come_again(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    w = [Value(0.3), Value(-0.2), Value(0.9)]
    lifted = lift(lambda x, y: (50 if y is TWO else 1) * pick(w, y) * x, parameters=w)
    lifted([1.0, 2.0], [0, 1])

    def interrupts(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(point, "answer_of", interrupts)
        with pytest.raises(KeyboardInterrupt):
            lifted([1.0, 2.0], [0, 2])
    with pytest.raises(CannotLift, match="on example 1 "):
        lifted([1.0, 2.0], [0, 2])


def test_a_label_in_a_loop_of_its_own_is_checked_when_it_comes() -> None:
    w = [Value(0.3), Value(-0.2), Value(0.9)]

    def loss(xs: Any, ys: Any) -> Any:
        return sum((50 if y is TWO else 1) * pick(w, y) * x for x, y in zip(xs, ys, strict=True))

    program = lift(loss, parameters=w, batch=False)
    for labels in ([0, 1], [1, 1]):
        program([1.0, 2.0], labels)
    with pytest.raises(CannotLift, match="on these data the loss"):
        program([1.0, 2.0], [0, 2])


def test_labels_that_are_rare_among_the_examples_are_found_at_once() -> None:
    w = [Value(0.3), Value(-0.2), Value(0.9)]
    program = lift(lambda x, y: (50 if y is TWO else 1) * pick(w, y) * x, parameters=w)
    labels = np.zeros(500, int)
    labels[[333, 444]] = [1, 2]
    with pytest.raises(CannotLift, match="on example 444 "):
        program(np.ones(500), labels)


def test_a_fault_that_shows_only_at_other_parameters_is_found() -> None:
    w = Value(0.0)
    program = lift(lambda x, y: w * x * w * (1.0 if type(y) is int else 2.0), parameters=[w])
    with pytest.raises(CannotLift, match="with parameters other than these"):
        program([1.0, 2.0, 3.0], [1, 2, 3])


def test_a_model_without_a_loss_is_checked_too() -> None:
    class Model:
        w = Value(0.5)

        def parameters(self) -> list[Value]:
            return [self.w]

        def __call__(self, x: Any) -> Any:
            return self.w * x[0] * (1.0 if type(x[0]) is float else 2.0)

    with pytest.raises(CannotLift, match="an output is"):
        lift(Model())(X)


@pytest.mark.parametrize(
    "branch",
    [
        lambda x: x if isinstance(x, Value) else max(x, 0.0),
        lambda x: x if type(x) is not float else max(x, 0.0),
        lambda x: x if hasattr(x, "tanh") else max(x, 0.0),
    ],
)
def test_a_branch_that_shows_on_a_late_example_only_is_found(branch: Any) -> None:
    w = Value(0.5)
    program = lift(lambda x: w * branch(x), parameters=[w])
    with pytest.raises(CannotLift, match="on example 5 "):
        program([0.5, 1.5, 2.0, 3.0, 1.0, -5.0, 2.5])


@pytest.mark.parametrize("lifted", [True, False])
def test_a_loss_that_is_normalised_by_its_batch_trains_alike_on_sorted_data(lifted: bool) -> None:
    weights = [1.0, 2.0, 4.0]

    def loss(outputs: Any, labels: Any) -> Any:
        pairs = zip(outputs, labels, strict=True)
        terms = [pick(weights, y) * cross_entropy(o, y) for o, y in pairs]
        return sum(terms) / sum(pick(weights, y) for y in labels)

    generator = random.Random(0)
    labels = [y for y in (0, 1, 2) for _ in range(20)]
    inputs = [[generator.gauss(y, 1.0), generator.gauss(-y, 1.0)] for y in labels]
    models = [MLP(2, [3], seed=0), MLP(2, [3], seed=0)]
    for model, how in zip(models, (lifted, False), strict=True):
        sgd = SGD(model.parameters(), lr=0.1)
        fit(
            model, (inputs, labels), loss=loss, epochs=2, batch_size=16, optimizer=sgd,
            progress=False, lifted=how,
        )
    numbers = [[p.data for p in model.parameters()] for model in models]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-9)


# ---- what is not ---------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [ops.acos, ops.asin, sqrt, log])
def test_at_the_edge_of_a_domain_either_side_is_right(row: Any) -> None:
    """A cosine of 1 is 1 + 2e-16 in another order, and acos of that is nothing at all."""
    for seed in range(10):
        generator = random.Random(seed)
        w = [Value(generator.uniform(0.1, 1.0)) for _ in range(20)]

        def loss(x: Any, w: list[Value] = w) -> Any:
            norm = sqrt(sum(p * p for p in w))
            cosine = sum((p / norm) * (p / norm) for p in w) * x
            return row(cosine if row in (ops.acos, ops.asin) else 1.0 - cosine) * w[0]

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotChecked)
            lift(loss, parameters=w)([1.0, 1.0 - 1e-15, 0.5])


def test_whole_numbers_that_are_too_large_and_masks_are_refused() -> None:
    w = Value(0.3)
    program = lift(lambda x: w * x, parameters=[w])
    with pytest.raises(ValueError, match="x holds 9223372036854775808, too large"):
        program(np.array([2**63, 1], np.uint64))
    with pytest.raises(ValueError, match="x must not be a masked array"):
        program(np.ma.array([1.0, 2.0], mask=[True, False]))


TIMES = 1764536047123456789, 1764536047123456999  # in nanoseconds, of which floats lose 256


@pytest.mark.parametrize("backend", ["numpy", "c", "jax"])
@pytest.mark.parametrize("times", [
    [*TIMES], np.array(TIMES), np.array(TIMES, np.uint64), [-TIMES[0], 1], [TIMES[0], 0.5],
    [2**53 + 1, 0.5], [[1], TIMES[:1]],
], ids=str)
def test_whole_numbers_that_floats_do_not_have_are_refused_at_each_call(
    backend: str, times: Any
) -> None:
    w = Value(1.0)
    in_jax = backend == "jax"
    if in_jax:
        pytest.importorskip("jax")

    def loss(a: Any) -> Any:
        return w * ((a[0] if np.ndim(times) == 2 else a) - 1)

    program = lift(loss, parameters=w, backend="numpy" if in_jax else backend)
    run = program.jax().value_and_grad if in_jax else program.value_and_grad
    said = r"a must hold .*2\*\*53.* got -?\d{16,}\. Subtract"
    small, largest, theta = np.arange(20), np.array([2**53]), np.ones(1)
    small, largest = [a.reshape(-1, *np.shape(times)[1:]) for a in (small, largest)]
    for data in (small, times, small, small, times, times):
        if data is times:
            with pytest.raises(ValueError, match=said):
                run(theta, data)
        else:
            assert float(run(theta, data)[0]) == 8.5
    assert float(run(theta, largest)[0]) == 2.0**53 - 1
    with pytest.raises(ValueError, match=r"2\*\*53"):
        program.check(times)


def test_training_refuses_whole_numbers_that_floats_do_not_have() -> None:
    examples = [[time] for time in TIMES], [0.5, 1.0]
    with pytest.raises(ValueError, match=r"inputs must hold .*2\*\*53"):
        fit(MLP(1, [1], seed=0), examples, epochs=1, progress=False, lifted=True)


def test_a_parameter_that_the_loss_does_not_reach_has_no_gradient() -> None:
    w, unused = Value(0.5), Value(1.0)
    lift(lambda x: w * x, parameters=[w, unused])([1.0, 2.0])
    assert (w.grad, unused.has_grad) == (1.5, False)


def test_check_false_trusts_the_compiler() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    trusting = lift(loss_by_type(model), model, check=False)
    assert trusting(X, Y) > 0


@pytest.mark.parametrize("seed", range(20))
def test_near_a_kink_either_side_is_right(seed: int) -> None:
    """Sums that are 0 in one order and 1e-17 in another: the slope of relu is 0 or 1."""
    generator = random.Random(seed)
    parts = [generator.choice([0.1, 0.2, 0.3, 0.7]) for _ in range(6)]
    w = [Value(p) for p in [*parts, -0.3, -0.7]]
    model_sum = sum(p.data for p in w)
    rest = Value(-model_sum)

    def loss(x: Any) -> Any:
        return sum(relu(sum(p * v for p, v in zip([*w, rest], x, strict=True)) * s) for s in (1, 2))

    lift(loss, parameters=[*w, rest])(np.ones((4, 9)))


@pytest.mark.parametrize("size", [1e4, 1e8, 1e12, 3.3e15])
def test_digits_that_cancel_are_no_disagreement(size: float) -> None:
    w = [Value(0.3), Value(0.7)]

    def loss(x: Any) -> Any:
        y = (w[0] * x + size) - size + w[1]
        return y * y * y

    lift(loss, parameters=w)([0.1, 0.7, 1.3])


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("seed", range(6))
def test_a_sure_right_answer_is_no_disagreement(classes: int, seed: int) -> None:
    """Where a probability is nearly 1, arrays lose digits of its distance from 1."""
    generator = np.random.default_rng(seed)
    x, labels = generator.normal(size=(6, 20)) * 4, generator.integers(classes, size=6)
    model = MLP(20, [16, classes], activation="relu", seed=seed)
    loss = lift(lambda row, k: cross_entropy(model(row), k), model)(x, labels)
    assert loss == pytest.approx(cross_entropy([model(row) for row in x], labels.tolist()).data)


def test_what_overflows_is_no_disagreement() -> None:
    w = [Value(0.3), Value(0.7)]
    program = lift(lambda x: (w[0] * 1e200 * x) * (1e200 * w[1]), parameters=w)
    assert math.isinf(program([1.0, 2.0]))


def test_the_scalars_raise_and_that_is_said() -> None:
    p = [Value(-1.0)]
    root = lift(lambda t: where(greater(p[0], 0.0), sqrt(p[0]), p[0]) + 0 * t, parameters=p)
    with pytest.warns(NotChecked, match=r"the scalars raise ValueError.*sqrt\(-1.0\)") as caught:
        root([0.0])
    assert caught[0].filename == __file__
    assert p[0].grad == 1.0
    with pytest.warns(NotChecked, match="log"):
        assert np.isnan(lift(lambda x: log(p[0] * x), parameters=p)([1.0, 2.0]))


def caught(function: Any, error: type[Exception], otherwise: float) -> Any:
    def loss(x: Any) -> Any:
        try:
            return function(W, x)
        except error:
            return W * otherwise

    return loss


W = Value(0.5)
CAUGHT: list[Any] = [  # a loss, data on which program and scalars agree, and then do not
    (caught(lambda w, x: w / x, ZeroDivisionError, 0.0), [1.0, 2.0], [1.0, 0.0]),
    (caught(lambda w, x: ops.exp(w * x), OverflowError, 1e3), [1.0, 2.0], [1.0, 2e3]),
    (caught(lambda w, x: w * x**-0.5, ZeroDivisionError, 2.0), [1.0, 2.0], [1.0, 0.0]),
    (caught(lambda w, x: log(x) * w, ValueError, 2.0), [1.0, 2.0], [1.0, 0.0]),
    (caught(lambda w, x: w * (x * x) / (x - 1), ZeroDivisionError, 2.0), [2.0], [1e200, 3.0, 1.0]),
]


@pytest.mark.parametrize("which", range(len(CAUGHT)))
@pytest.mark.parametrize("backend", ["numpy", "c", "jax"])
def test_an_error_that_the_function_catches_is_no_infinity(which: int, backend: str) -> None:
    """The program goes on with nan or inf there, and then the scalars decide, at every call."""
    function, fine, bad = CAUGHT[which]
    in_jax = backend == "jax"
    if in_jax:
        pytest.importorskip("jax")
    program = lift(function, parameters=W, backend="numpy" if in_jax else backend)
    run = program.jax().value_and_grad if in_jax else program.value_and_grad
    theta = np.array([0.5])
    for _ in range(3):
        for _ in range(3):
            assert np.isfinite(run(theta, np.array(fine))[0])
        with pytest.raises(CannotLift, match=r"(?s)on example [12] .* catches an error"):
            run(theta, np.array(bad))
    with pytest.raises(CannotLift, match="catches an error"):
        lift(function, parameters=W, backend="numpy")(bad)


def test_a_model_whose_outputs_are_not_finite_is_compared_too() -> None:
    class Model:
        def parameters(self) -> list[Value]:
            return [W]

        def __call__(self, x: Any) -> Any:
            return CAUGHT[0][0](x[0])

    program = lift(Model())
    assert program([[1.0], [2.0]]).tolist() == [[0.5], [0.25]]
    with pytest.raises(CannotLift, match="an output is inf lifted"):
        program([[1.0], [0.0]])


@pytest.mark.parametrize("function", [
    lambda x: W * x * 1e200 * 1e200 * x, lambda x: log(x) * W, lambda x: W / x, lambda x: W * x**3,
], ids=["overflows", "log", "divide", "sum"])
@backends
def test_infinities_stay_and_are_looked_at_a_few_times(
    function: Any, backend: str, runs: list[Any]
) -> None:
    """So does what the scalars raise, without a word; and they cost no more than eight examples."""
    program, theta = lift(function, parameters=W, backend=backend), np.array([0.5])
    fine, bad = np.linspace(1e-200, 2e-200, 50), np.linspace(0.0, 1e103, 50)
    program.value_and_grad(theta, fine)
    before = len(runs)
    program.value_and_grad(theta, fine)
    assert len(runs) == before
    for _ in range(9):
        assert not np.isfinite(program.value_and_grad(theta, bad)[0])
    assert len(runs) - before <= 8 + 2 * 3  # twice each where one draws no random numbers


def test_a_loss_that_takes_values_is_called_with_values() -> None:
    w = Value(0.5)
    assert lift(lambda x: x[0].tanh() * w + x[1].exp(), parameters=[w])(X) > 0


def test_parameters_and_their_gradients_stay_as_they_are() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    before = [(p.data, p._born, p._grad) for p in model.parameters()]
    program = lift(lambda x, y: (model(x) - y) ** 2, model)
    program.value_and_grad(program.parameters(), X, Y)
    program.check(X, Y, theta=program.parameters() + 1.0)
    assert [(p.data, p._born, p._grad) for p in model.parameters()] == before
    assert {type(p) for p in model.parameters()} == {Value}


def test_the_net_checks_the_program_at_the_parameters_that_are_given() -> None:
    w = Value(1.0)

    def loss(x: Any) -> Any:
        return relu(w * x - 5.0) * w

    program = lift(loss, parameters=[w])
    value, _ = program.value_and_grad([10.0], [1.0, 2.0, 3.0])
    assert value == pytest.approx((50 + 150 + 250) / 3)


# ---- how much is compared ------------------------------------------------------------------------


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The examples on which the function runs on scalars, to be compared with the program."""
    examples: list[Any] = []
    answer_of = answers.answer_of

    def counted(function: Any, parameters: Any, theta: Any, example: Any, lookout: Any) -> Any:
        examples.append(example)
        return answer_of(function, parameters, theta, example, lookout)

    monkeypatch.setattr(point, "answer_of", counted)
    return examples


def test_after_two_programs_fewer_examples_are_compared(runs: list[Any]) -> None:
    w = [Value(0.5), Value(-0.3)]
    program = lift(lambda xs, y: (sum(w[0] * x + w[1] for x in xs) - y) ** 2, parameters=w)
    counts: list[int] = []
    for length in (1, 2, 3, 4, 3):
        program(np.arange(10.0 * length).reshape(10, length), np.ones(10))
        counts.append(len(runs) - sum(counts))
    # 3 examples, 2 and 1 more with other parameters; later one less; a known shape needs none
    assert counts == [6, 6, 5, 5, 0]


def test_a_new_label_costs_one_run_of_the_scalars(runs: list[Any]) -> None:
    w = [Value(0.3), Value(-0.2), Value(0.9)]
    program = lift(lambda x, y: pick(w, y) * x, parameters=w)
    program([1.0, 2.0, 3.0], [0, 1, 1])
    before = len(runs)
    program([4.0, 5.0, 6.0], [0, 1, 2])
    assert runs[before:] == [[6.0, 2]]


def test_while_a_label_is_missing_a_step_without_new_ones_compares_nothing(
    runs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text may never use all letters, and to look at everything outside takes long."""
    w = [Value(0.3), Value(-0.2), Value(0.9)]
    lifted = lift(lambda x, y: pick(w, y) * x, parameters=w)
    lifted([1.0, 2.0, 3.0], [0, 1, 1])
    before, looks = len(runs), []
    monkeypatch.setattr(per_shape, "Outside", lambda *roots: looks.append(roots))
    lifted([4.0, 5.0, 6.0], [1, 0, 1])
    assert (len(runs), looks) == (before, [])


def test_programs_on_which_the_scalars_raise_did_not_agree(runs: list[Any]) -> None:
    w = Value(0.5)
    program = lift(lambda xs: w * sum(log(x) for x in xs), parameters=[w])
    for length in (1, 2):
        with pytest.warns(NotChecked):
            program(-np.ones((4, length)))
    before = len(runs)
    program(np.arange(1.0, 13.0).reshape(4, 3))
    assert len(runs) - before == 6


# ---- while it trains -----------------------------------------------------------------------------


def test_an_epoch_ends_with_a_further_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the function reads from the system can't be watched, and shows at the next check."""
    monkeypatch.setattr(training_on_arrays, "SHARE", 1e9)  # or it would take many epochs
    monkeypatch.setenv("MICROGRAD_NOTES_TEST", "1")
    model = MLP(2, [3, 1], activation="tanh", seed=0)

    def loss(outputs: Any, targets: Any) -> Any:
        weight = float(os.environ["MICROGRAD_NOTES_TEST"])
        errors = [(o - t) ** 2 * weight for o, t in zip(outputs, targets, strict=True)]
        return sum(errors) / len(errors)

    def change(epoch: int, logs: Any) -> None:
        if epoch == 2:
            os.environ["MICROGRAD_NOTES_TEST"] = "7"

    with pytest.raises(CannotLift, match="lifted and scalars differ"):
        fit(
            model, (X, [1.5, 0.0, 2.0]), loss=loss, epochs=10, callback=change, progress=False,
            lifted=True,
        )


def test_the_checks_of_epochs_take_a_hundredth_of_the_time() -> None:
    """Not a timed test: the share is kept by counting seconds, whatever they are."""
    model = MLP(2, [4, 1], seed=0)
    spent: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        checked = program.Lifted.check

        def counted(self: Any, *data: Any, **options: Any) -> None:
            began = time.perf_counter()
            checked(self, *data, **options)
            spent.append(time.perf_counter() - began)

        patch.setattr(program.Lifted, "check", counted)
        began = time.perf_counter()
        fit(model, (X * 20, Y * 20), epochs=200, batch_size=4, progress=False, lifted=True)
        took = time.perf_counter() - began
    later = spent[1:]
    # one check starts when a hundredth of the time has been saved up, at what the last one cost
    assert sum(later[:-1]) <= 0.02 * took


def test_warnings_of_the_net_are_none_for_programs_that_are_right() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for work in WORKS:
            lift(work.loss, parameters=work.parameters)(*work.data)


@pytest.mark.parametrize("seed", [5, 20, 22, 24])
def test_attention_that_is_sure_is_not_refused(seed: int) -> None:
    """At the other parameters of the check, all derivatives are as small as the loss's rounding."""
    Q, K = values(seed, 7, 7), values(seed + 100, 7, 7)

    def loss(xs: Any, ys: Any) -> Any:
        queries, keys = [linear(x, Q) for x in xs], [linear(x, K) for x in xs]
        shares = [softmax([dot(q, k) for k in keys[: t + 1]]) for t, q in enumerate(queries)]
        seen = [dot(share, [x[0] for x in xs[: len(share)]]) for share in shares]
        return sum((a - y) ** 2 for a, y in zip(seen, ys, strict=True))

    data = np.random.default_rng(seed).normal(size=(3, 2, 7)), np.zeros((3, 2))
    lift(loss, parameters={"Q": Q, "K": K}).check(*data)


@pytest.mark.parametrize("loss", [
    lambda w, x: -log(1 / (1 + ops.exp(-w * x))),
    lambda w, x: log(1 / (ops.exp(w * x) + 1)),
    lambda w, x: -2.0 * log(2.0 / (ops.exp(w * x) + 2.0)),
])
def test_scalars_that_leave_the_range_of_floats_are_no_witness(loss: Any) -> None:
    """The slope of 1 / 1e195 underflows to 0 in the scalars, and the program is right."""
    w = Value(1.0)
    lifted = lift(lambda x: loss(w, x), parameters={"w": w})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotChecked)
        _, [slope] = lifted.value_and_grad([1.0], [450.0])
    assert abs(slope) in (pytest.approx(450.0), pytest.approx(900.0), pytest.approx(0.0))


def test_an_example_out_of_range_is_said_and_the_others_are_compared() -> None:
    w = Value(1.0)

    def loss(x: Any) -> Any:
        return log(1 / (ops.exp(w * x) + 1))

    lifted = lift(loss, parameters={"w": w})
    said = "the scalars hold 3.69e-196, whose square underflows or overflows, on an example"
    with pytest.warns(NotChecked, match=said):
        lifted.value_and_grad([1.0], [450.0, 1.0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers.Answer, "is_like", lambda self, other: False)
        patch.setattr(answers.Answer, "is_among", lambda self, samples: False)
        other = lift(loss, parameters={"w": w})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotChecked)
            with pytest.raises(CannotLift):
                other.value_and_grad([1.0], [450.0, 1.0])
