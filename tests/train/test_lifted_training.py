"""Laws of lifted training: the steps, the history and the model are those of the scalars."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import Value  # noqa: E402
from micrograd_notes.engine.functions import maximum, pick  # noqa: E402
from micrograd_notes.engine.helper_ops import largest  # noqa: E402
from micrograd_notes.lifting import CannotLift  # noqa: E402
from micrograd_notes.nn import MLP, Module  # noqa: E402
from micrograd_notes.nn.losses import (  # noqa: E402
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    mse_loss,
)
from micrograd_notes.train import lifted_loop, loop  # noqa: E402
from micrograd_notes.train.arrays import Examples, chosen_classes  # noqa: E402
from micrograd_notes.train.data import digits, moons, xor  # noqa: E402
from micrograd_notes.train.lifted_loop import LiftedTraining  # noqa: E402
from micrograd_notes.train.loop import fit, predict  # noqa: E402
from micrograd_notes.train.optim import SGD, Adam, Optimizer  # noqa: E402

ULP = sys.float_info.epsilon
MOONS = moons(samples=20)
SIGNS = (MOONS.inputs, MOONS.signs())
HALVES = (MOONS.inputs, [0.25 if target else 0.75 for target in MOONS.targets])


def net(outputs: int = 1, activation: str = "tanh") -> MLP:
    return MLP(2, [4, outputs], activation=activation, seed=0)


def numbers(model: Any) -> list[float]:
    return [parameter.data for parameter in model.parameters()]


def gradients(model: Any) -> list[float | None]:
    return [p.grad if p.has_grad else None for p in model.parameters()]


def assert_alike(
    make: Callable[[], Any],
    data: Any,
    optimizer: Callable[[Any], Optimizer] = lambda m: SGD(m.parameters(), lr=0.1),
    **options: Any,
) -> tuple[Any, Any]:
    """Asserts that 20 steps, on scalars and on arrays, come to the same, and returns the models.

    A sum of up to a hundred products is rounded in another order, and a step hands on what the one
    before it lost, at most twice as much with these small learning rates. The numbers are below 10.
    """
    rounding = 10 * 100 * 20 * ULP
    models, histories = [], []
    for lifted in (False, True):
        model = make()
        steps = optimizer(model)
        histories.append(
            fit(
                model, data, optimizer=steps, epochs=4, batch_size=4, lifted=lifted,
                progress=False, **options,
            )
        )
        models.append((model, steps))
    (eager, its_steps), (arrays, their_steps) = models
    assert numbers(arrays) == pytest.approx(numbers(eager), abs=rounding)
    assert numbers(arrays) != numbers(make()), "nothing was learned"
    for ours, theirs in zip(gradients(arrays), gradients(eager), strict=True):
        assert (ours is None) == (theirs is None)
        assert ours == pytest.approx(theirs, abs=rounding)
    for mine, its in zip(their_steps.memories, its_steps.memories, strict=True):
        assert mine == pytest.approx(its, abs=rounding)
    assert [list(logs) for logs in histories[1].epochs] == [
        list(logs) for logs in histories[0].epochs
    ]
    for name in set(histories[0].epochs[0]) - {"seconds"}:
        assert histories[1][name] == pytest.approx(histories[0][name], abs=rounding)
    return eager, arrays


# ---- the same steps ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda m: SGD(m.parameters(), lr=0.1),
        lambda m: SGD(m.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda m: Adam(m.parameters(), lr=0.01, weight_decay=0.01),
    ],
    ids=["SGD", "SGD with all", "Adam"],
)
@pytest.mark.parametrize(
    ("outputs", "data", "loss"),
    [
        (1, MOONS, None),
        (1, SIGNS, None),
        (1, SIGNS, mse_loss),
        (1, HALVES, binary_cross_entropy_with_logits),
        (2, MOONS, None),
        (2, (MOONS.inputs, [[y, 1.0 - y] for y in HALVES[1]]), None),
    ],
    ids=["bce", "hinge", "mse", "probabilities", "cross entropy", "mse of lists"],
)
def test_twenty_steps_are_those_of_the_scalars(
    outputs: int, data: Any, loss: Any, optimizer: Any
) -> None:
    assert_alike(lambda: net(outputs), data, optimizer, loss=loss)


def test_digits_with_relu_and_held_out_ones() -> None:
    pytest.importorskip("sklearn")
    train, held_out = digits(pooled=True).select(range(30)).split(test=0.3)
    assert_alike(lambda: MLP(16, [6, 10], seed=0), train, validation=held_out)


def test_a_last_batch_that_is_smaller_and_validation_of_another_size() -> None:
    inputs, targets = SIGNS
    assert_alike(net, (inputs[:18], targets[:18]), validation=(inputs[:7], targets[:7]))


@pytest.mark.parametrize(
    "loss",
    [
        lambda outputs, targets: hinge_loss(outputs, targets, "sum"),
        lambda outputs, targets: hinge_loss(outputs, targets, "sum") / 4,  # no mean of fewer
        lambda outputs, targets: largest(*hinge_loss(outputs, targets, "none")),
        lambda outputs, targets: mse_loss(outputs[1:], targets[1:]) + 0.5 * outputs[0] ** 2,
    ],
    ids=["sum", "a fixed count", "largest", "by place"],
)
def test_a_loss_that_is_no_mean_is_lifted_for_whole_batches(loss: Any) -> None:
    inputs, targets = SIGNS
    assert_alike(
        net, (inputs[:18], targets[:18]), loss=loss, validation=(inputs[:7], targets[:7]),
        optimizer=lambda m: SGD(m.parameters(), lr=0.02),
    )


@pytest.mark.parametrize(("count", "held_out"), [(18, 0), (20, 7)])
def test_every_size_of_a_batch_is_asked_about(count: int, held_out: int) -> None:
    inputs, targets = SIGNS
    assert_alike(
        net, (inputs[:count], targets[:count]),
        # the mean of four or of one, and of no other number
        loss=lambda outputs, targets: mse_loss(
            outputs[:4], targets[:4]
        ) * (1 + len(targets) % 4 // 2),
        validation=(inputs[:held_out], targets[:held_out]) if held_out else None,
    )


@pytest.mark.parametrize(
    ("loss", "data", "is_mean"),
    [
        (binary_cross_entropy_with_logits, MOONS, True),
        (hinge_loss, SIGNS, True),
        (mse_loss, HALVES, True),
        # a sum in another order, by other operations
        (lambda outputs, targets: sum(o * o - 2 * o * t + t * t for o, t in zip(
            reversed(outputs), reversed(targets), strict=True)) * (1 / len(targets)), SIGNS, True),
        (lambda outputs, targets: mse_loss(outputs, targets) ** 0.5, SIGNS, False),
        (lambda outputs, targets: mse_loss(outputs, targets) * (1 + 1e-12), SIGNS, True),
        (lambda outputs, targets: mse_loss(outputs, targets) * (1 + 1e-12 * len(targets)), SIGNS,
         False),
    ],
)
def test_a_loss_is_asked_to_rounding_whether_it_is_a_mean(
    loss: Any, data: Any, is_mean: bool
) -> None:
    model = net()
    examples = list(zip(*data, strict=True)) if isinstance(data, tuple) else list(data)
    training = LiftedTraining(
        model, loss, SGD(model.parameters()), 6, Examples.of(examples, None), None
    )
    assert training.is_mean is is_mean


def test_outputs_that_are_alike_at_first_hide_no_loss_that_is_no_mean() -> None:
    def flat() -> MLP:
        model = MLP(2, [1], seed=0)
        for parameter in model.parameters():
            parameter.data = 0.0
        return model

    targets = [1] * len(MOONS)
    # of equal losses the largest is the mean; after one step they are equal no more
    assert_alike(
        flat, (MOONS.inputs, targets),
        loss=lambda outputs, targets: largest(*mse_loss(outputs, targets, "none")),
    )


def test_a_loss_that_reads_the_parameters_as_well() -> None:
    models: list[MLP] = []

    def make() -> MLP:
        models.append(net())
        return models[-1]

    def loss(outputs: Any, targets: Any) -> Any:
        decay = sum(p * p for p in models[-1].parameters())
        return hinge_loss(outputs, targets) + 0.01 * decay

    assert_alike(make, SIGNS, loss=loss)


# ---- which parameters ----------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_frozen_parameters_stay_and_get_no_gradient(momentum: float) -> None:
    def frozen() -> MLP:
        model = net()
        for parameter in model.layers[0].parameters():
            parameter.requires_grad = False
        return model

    _, model = assert_alike(
        frozen, MOONS, lambda m: SGD(m.parameters(), 0.1, momentum, weight_decay=0.1)
    )
    assert numbers(model.layers[0]) == numbers(net().layers[0])
    assert not any(p.has_grad for p in model.layers[0].parameters())


def test_an_optimiser_of_some_parameters_in_another_order() -> None:
    def some(model: MLP) -> Optimizer:
        return Adam(model.layers[1].parameters()[::-1], lr=0.05)

    _, model = assert_alike(net, MOONS, some)
    assert numbers(model.layers[0]) == numbers(net().layers[0])


def test_parameters_that_the_optimiser_does_not_have_are_not_even_set() -> None:
    model = net()
    outside = model.layers[0].neurons[0].b
    graph = 2 * outside
    steps = SGD(model.layers[1].parameters(), lr=0.1)
    fit(model, MOONS, optimizer=steps, epochs=1, lifted=True, progress=False)
    before = outside.grad
    graph.backward()  # which says so if what it was made from has been set since
    assert outside.grad == before + 2


class Unused(Module):
    """A model with a parameter that its outputs do not depend on."""

    def __init__(self) -> None:
        self.spare, self.inner = Value(5.0), net()
        self.spare.grad = 1.0  # of an earlier sweep, which training forgets

    def __call__(self, x: Sequence[Any]) -> Any:
        return self.inner(x)


def test_a_parameter_that_is_not_used_is_left_alone() -> None:
    _, model = assert_alike(Unused, MOONS, lambda m: SGD(m.parameters(), 0.1, weight_decay=0.5))
    assert model.spare.data == 5.0
    assert not model.spare.has_grad


class Plain:
    """A model that is no Module."""

    def __init__(self) -> None:
        self.slope, self.offset = Value(0.5), Value(0.0)

    def __call__(self, x: Sequence[Any]) -> Any:
        return self.slope * x[0] + self.offset

    def parameters(self) -> list[Value]:
        return [self.slope, self.offset]


@pytest.mark.parametrize("make", [net, Plain])
def test_parameters_that_only_the_loss_and_the_optimiser_know(make: Any) -> None:
    scales: list[Value] = []

    def optimizer(model: Any) -> Optimizer:
        scales.append(Value(2.0))
        return Adam([scales[-1], *model.parameters()], lr=0.05)

    def loss(outputs: Any, targets: Any) -> Any:
        return mse_loss([scales[-1] * output for output in outputs], targets)

    assert_alike(make, SIGNS, optimizer, loss=loss)
    eager, lifted = scales
    assert lifted.data == pytest.approx(eager.data, abs=20_000 * ULP)
    assert lifted.data != 2.0


# ---- between times -------------------------------------------------------------------------------


def test_callbacks_see_the_model_and_what_they_change_counts() -> None:
    seen: list[list[Any]] = []

    def optimizer(model: MLP) -> Optimizer:
        steps = SGD(model.parameters(), lr=0.1, momentum=0.5)
        here.append((model, steps))
        seen.append([])
        return steps

    def meddle(epoch: int, logs: dict[str, Any]) -> None:
        model, steps = here[-1]
        seen[-1] += [*numbers(model), *(g or 0.0 for g in gradients(model))]
        if epoch == 0:
            steps.lr = 0.05
            model.layers[0].neurons[0].w[0].data = 0.25
        elif epoch == 1:
            steps.memories[0]["momentum_buffer"] = 0.5
            model.layers[1].neurons[0].b.requires_grad = False
            steps.zero_grad()
        else:
            model.layers[1].neurons[0].b.requires_grad = True

    here: list[Any] = []
    assert_alike(net, MOONS, optimizer, callback=meddle)
    assert seen[1] == pytest.approx(seen[0], abs=20_000 * ULP)


def test_one_may_go_on_with_scalars_and_with_arrays_in_turns() -> None:
    models = [net(), net()]
    for model, ways in zip(models, ([False, False], [True, False]), strict=True):
        steps = Adam(model.parameters(), lr=0.05)
        for lifted in [*ways, *ways]:
            fit(model, MOONS, optimizer=steps, epochs=1, lifted=lifted, progress=False)
    # two steps of a batch of 20 each way
    assert numbers(models[1]) == pytest.approx(numbers(models[0]), abs=20_000 * ULP)


def interrupted(lifted: bool, at: int) -> tuple[Any, Any]:
    """Returns the model and the memories after an interrupt in step number `at`."""

    class Interrupting(Adam):
        calls = 0

        def _change(self, gradient: Any, memory: dict[str, Any]) -> Any:
            change = super()._change(gradient, memory)
            Interrupting.calls += 1
            if Interrupting.calls > at * (1 if lifted else len(self.params)):
                raise KeyboardInterrupt
            return change

    model = net()
    steps = Interrupting(model.parameters(), lr=0.05)
    with pytest.raises(KeyboardInterrupt):
        fit(model, MOONS, optimizer=steps, batch_size=4, lifted=lifted, progress=False)
    return model, steps


@pytest.mark.parametrize("at", [0, 1, 7])
def test_an_interrupt_leaves_all_of_the_last_whole_step(at: int) -> None:
    model, steps = interrupted(True, at)
    expected, its_steps = net(), None
    if at:
        its_steps = Adam(expected.parameters(), lr=0.05)

        def stop(outputs: Any, targets: Any) -> Any:
            calls.append(1)
            if len(calls) > at:
                raise InterruptedError
            return binary_cross_entropy_with_logits(outputs, targets)

        calls: list[int] = []
        with pytest.raises(InterruptedError):
            fit(expected, MOONS, optimizer=its_steps, batch_size=4, loss=stop, progress=False)
    assert numbers(model) == pytest.approx(numbers(expected), abs=20_000 * ULP)
    counts = [memory.get("step", 0) for memory in steps.memories]
    assert counts == [at] * len(steps.params)
    assert [p.has_grad for p in model.parameters()] == [at > 0] * len(steps.params)


def test_an_interrupt_while_the_model_is_written_waits_until_all_of_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, model = net(), net()
    fit(whole, MOONS, epochs=1, lifted=True, progress=False)
    setter, writes = Value.data.fset, []  # type: ignore[attr-defined]

    def interrupting(self: Value, number: float) -> None:
        writes.append(number)
        if len(writes) == 5:
            raise KeyboardInterrupt
        setter(self, number)

    monkeypatch.setattr(Value, "data", Value.data.setter(interrupting))  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        fit(model, MOONS, epochs=1, lifted=True, progress=False)
    assert numbers(model) == numbers(whole)


class Interrupts:
    """Notes the lines of lifted training that run, or raises KeyboardInterrupt at the n-th one.

    They count from the first epoch on: before it nothing has changed.
    """

    def __init__(self, at: int = -1) -> None:
        self.at, self.lines = at, list[tuple[str, int]]()

    def __call__(self, frame: Any, event: str, given: Any) -> Any:
        code = frame.f_code
        if code.co_filename not in (lifted_loop.__file__, loop.__file__):
            return None
        if event == "line":
            if len(self.lines) == self.at:
                raise KeyboardInterrupt
            self.lines.append((code.co_name, frame.f_lineno))
        return self

    def fitted(self, backend: str) -> tuple[MLP, Adam]:
        """Returns a model and its optimiser after two epochs of five steps, or fewer."""
        model = net()
        steps = Adam(model.parameters(), lr=0.05)
        before = sys.gettrace()

        def enter(training: LiftedTraining) -> LiftedTraining:
            sys._getframe(1).f_trace = self  # that of fit
            sys.settrace(self)
            return training

        patch = pytest.MonkeyPatch()
        patch.setattr(LiftedTraining, "__enter__", enter)
        try:
            fit(
                model, MOONS, optimizer=steps, batch_size=4, epochs=2, lifted=True,
                backend=backend, progress=False, callback=lambda epoch, logs: None,
            )
        except KeyboardInterrupt:
            assert self.at >= 0
        else:
            assert self.at < 0
        finally:
            sys.settrace(before)
            patch.undo()
        return model, steps


@pytest.mark.parametrize("backend", ["numpy", pytest.param("auto", marks=pytest.mark.long)])
def test_an_interrupt_at_any_line_leaves_a_whole_state_and_is_raised(backend: str) -> None:
    """Of the model, its gradients and the optimiser: those after the same number of steps."""
    really, states = LiftedTraining._step, [(numbers(net()), gradients(net()))]

    def noted(self: LiftedTraining, data: Any) -> float:
        loss = really(self, data)
        places = [self._parameters.index(p) for p in self._optimizer.params]
        theta, gradient = self._state.theta[places], self._state.gradient[places]
        states.append((theta.tolist(), gradient.tolist()))
        return loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LiftedTraining, "_step", noted)
        Interrupts().fitted("numpy")
    everything = Interrupts()
    everything.fitted(backend)
    lines = [*enumerate(everything.lines)]
    last = {line: k for k, line in lines}
    writes = "write_back", "_check_alone", "_write"
    first = {line: k for k, line in reversed(lines) if line[0] in writes}
    counts = set()
    for at in sorted({*first.values(), *last.values()}):
        model, steps = Interrupts(at).fitted(backend)
        [count] = {memory.get("step", 0) for memory in steps.memories}
        for mine, right in zip((numbers(model), gradients(model)), states[int(count)], strict=True):
            assert mine == (pytest.approx(right, abs=1e-12) if count else right), (
                everything.lines[at]
            )
        counts.add(count)
    assert {5, 10} <= counts


def test_a_callback_that_raises_has_the_last_word_about_the_numbers() -> None:
    model = net()

    def put_back(epoch: int, logs: dict[str, Any]) -> None:
        for parameter in model.parameters():
            parameter.data = 1.0
        raise StopIteration

    with pytest.raises(StopIteration):
        fit(model, MOONS, lifted=True, callback=put_back, progress=False)
    assert set(numbers(model)) == {1.0}


# ---- refusals ------------------------------------------------------------------------------------


def assert_refused(error: type[Exception], words: str, model: Any, data: Any, **more: Any) -> None:
    before = numbers(model)
    with pytest.raises(error, match=words):
        fit(model, data, lifted=True, progress=False, **more)
    assert numbers(model) == before
    assert not any(parameter.has_grad for parameter in model.parameters())


def test_what_can_not_be_lifted_is_refused_and_changes_nothing() -> None:
    def asks(outputs: Any, targets: Any) -> Any:
        return sum((max(output, 0.0 * output) for output in outputs), Value(0.0))  # at fault

    assert_refused(CannotLift, "(?s)test_lifted_training.*# at fault", net(), MOONS, loss=asks)
    outside = Value(2.0, name="outside")
    assert_refused(
        CannotLift, "'outside', which is not a parameter", net(), MOONS,
        loss=lambda outputs, targets: outside * mse_loss(outputs, targets),
    )
    assert_refused(TypeError, "a loss returns one Value", net(), MOONS, loss=lambda o, t: 1.0)
    anchor = Value(0.0)
    assert_refused(
        RuntimeError, "not depend on any trainable parameter", net(), MOONS,
        optimizer=SGD([anchor]), loss=lambda outputs, targets: sum(targets) * Value(1.0),
    )


def test_data_that_makes_no_array_is_refused() -> None:
    class Sum(Plain):
        def __call__(self, x: Sequence[Any]) -> Any:
            return self.slope * sum(x) + self.offset

    assert_refused(ValueError, "inputs of one length", Sum(), ([[1.0], [1.0, 2.0]], [0.5, 2.5]))

    class First(Plain):
        def __call__(self, x: Sequence[Any]) -> Any:
            return self.slope * x[0] + self.offset

    values = ([[Value(2.0)]], [0.5])
    assert_refused(TypeError, r"numbers as inputs, got \[Value\(", First(), values)


@pytest.mark.parametrize(
    ("loss", "outputs", "target", "words"),
    [
        (hinge_loss, 1, 0, r"must be -1 or \+1"),
        (binary_cross_entropy_with_logits, 1, 2, "must be 0, 1, or a probability"),
        (cross_entropy, 2, 2, "target 2 for 2 logits"),
        (cross_entropy, 2, -1, "target -1 for 2 logits"),
    ],
)
@pytest.mark.parametrize("held_out", [False, True])
def test_a_wrong_target_is_refused_wherever_it_stands(
    loss: Any, outputs: int, target: int, words: str, held_out: bool
) -> None:
    wrong = (MOONS.inputs, [1] * 19 + [target])
    right = (MOONS.inputs, [1] * 20)
    data, validation = (right, wrong) if held_out else (wrong, None)
    assert_refused(
        ValueError, words, net(outputs), data, loss=loss, batch_size=4, validation=validation
    )


def test_an_optimiser_that_takes_no_vectors_is_refused() -> None:
    class Signs(Optimizer):
        def _change(self, gradient: float, memory: dict[str, float]) -> float:
            return self.lr if gradient > 0 else -self.lr

    model = net()
    signs = Signs(model.parameters(), lr=0.1, weight_decay=0.0)
    assert_refused(TypeError, "Signs changes one parameter at a time", model, MOONS,
                   optimizer=signs)


def test_without_numpy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert_refused(ImportError, r"micrograd-notes\[data\]", net(), MOONS)


def test_a_loss_that_is_no_number_stops_before_the_step() -> None:
    def overflowing(outputs: Any, targets: Any) -> Any:
        return mse_loss([1e200 * output for output in outputs], targets)

    assert_refused(FloatingPointError, "the loss became inf", net(), SIGNS, loss=overflowing)
    model = net()
    steps = Adam(model.parameters(), eps=0.0)
    # hinge is 0 far from the border, and so is every gradient: 0 / 0
    far = lambda outputs, targets: maximum(outputs[0] * 0.0, -1.0)  # noqa: E731
    assert_refused(
        FloatingPointError, r"layers\[0\]\.neurons\[0\]\.w\[0\] became nan", model, SIGNS,
        loss=far, optimizer=steps, batch_size=1,
    )
    assert steps.memories == [{}] * len(steps.params)


def test_the_step_before_a_loss_that_is_no_number_is_kept() -> None:
    model = net()
    steps = SGD(model.parameters(), lr=1e200)
    with pytest.raises(FloatingPointError, match="smaller learning rate"):
        fit(model, SIGNS, loss=mse_loss, optimizer=steps, lifted=True, progress=False)
    assert max(map(abs, numbers(model))) > 1e150


def test_chosen_classes_are_those_that_are_predicted() -> None:
    for rows in ([[-0.1], [0.0], [0.1]], [[1.0, 3.0, 2.0], [2.0, 1.0, 2.0]]):
        array = np.array(rows) if len(rows[0]) > 1 else np.array(rows)[:, 0]

        def model(x: Sequence[Any]) -> Any:
            values = [Value(number) for number in x]
            return values if len(values) > 1 else values[0]

        assert chosen_classes(array).tolist() == predict(model, rows)


def test_a_step_does_no_python_work_a_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the first step and the end, no parameter is read or set."""
    model = MLP(2, [16, 1], activation="tanh", seed=0)
    touched: list[int] = []
    getter, setter = Value.data.fget, Value.data.fset  # type: ignore[attr-defined]

    def count(self: Value, *number: float) -> Any:
        touched.append(1)
        return setter(self, *number) if number else getter(self)

    monkeypatch.setattr(Value, "data", property(count, count))
    for epochs in (1, 20):
        touched.append(0)
        fit(model, xor(samples=12), epochs=epochs, batch_size=3, lifted=True, progress=False)
    few, many = touched[: touched.index(0, 1)], touched[touched.index(0, 1) :]
    assert len(many) == len(few)


class Integers(Plain):
    """A model that calculates with its inputs beyond what NumPy's whole numbers hold."""

    def __call__(self, x: Sequence[Any]) -> Any:
        return self.slope * (x[0] * x[0] * x[0] * 1e-29) + self.offset * x[1] ** -1


def test_whole_numbers_are_calculated_with_as_floats() -> None:
    inputs = [[3_000_000_000, 1], [2_000_000_000, 2], [4_000_000_000, 4], [1, 3]] * 5
    assert_alike(Integers, (inputs, [True, False, 1, 0] * 5), loss=mse_loss)


class Letters(Module):
    """A model that reads two letters, each of them by its row of a table."""

    def __init__(self) -> None:
        self.table = [[Value(0.1 * i - 0.2 * j) for j in range(2)] for i in range(5)]
        self.inner = MLP(4, [5], seed=0)

    def __call__(self, letters: Sequence[Any]) -> Any:
        return self.inner([x for letter in letters for x in pick(self.table, letter)])


def test_rows_that_are_picked_by_the_data_learn_and_others_have_a_gradient_of_0() -> None:
    generator = np.random.default_rng(0)
    letters, next_ones = generator.integers(0, 4, (20, 2)).tolist(), [0, 1, 2, 3] * 5
    models = [Letters(), Letters()]
    for model, lifted in zip(models, (False, True), strict=True):
        fit(
            model, (letters, next_ones), optimizer=SGD(model.parameters(), lr=0.1), epochs=4,
            batch_size=4, lifted=lifted, progress=False,
        )
    assert numbers(models[1]) == pytest.approx(numbers(models[0]), abs=20_000 * ULP)
    eager, arrays = models
    assert [x.has_grad for x in eager.table[4]] == [False, False]
    assert [(x.has_grad, x.grad) for x in arrays.table[4]] == [(True, 0.0)] * 2
    assert any(x.grad for row in arrays.table[:4] for x in row)
