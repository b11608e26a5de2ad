"""Laws of the optimisers: steps worked out by hand, PyTorch's numbers, and what they refuse."""

import json
import math
import random
import sys
from fractions import Fraction
from typing import Any

import pytest

from micrograd_notes import Value
from micrograd_notes.nn import MLP
from micrograd_notes.train.optim import SGD, Adam, Optimizer

ULP = sys.float_info.epsilon

SGD_OPTIONS: list[dict[str, Any]] = [
    {},
    {"lr": 0.1},
    {"lr": 0.1, "momentum": 0.9},
    {"lr": 0.1, "momentum": 0.9, "dampening": 0.3},
    {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    {"lr": 0.1, "weight_decay": 0.01},
    {"lr": 0.1, "momentum": 0.5, "dampening": 0.1, "weight_decay": 0.2},
    {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.2, "nesterov": True},
    {"lr": 0.1, "dampening": 0.5},
]
ADAM_OPTIONS: list[dict[str, Any]] = [
    {},
    {"lr": 0.1},
    {"lr": 0.1, "betas": (0.5, 0.9)},
    {"lr": 0.1, "betas": (0.0, 0.0)},
    {"lr": 0.1, "eps": 0.5},
    {"lr": 0.1, "weight_decay": 0.3},
]
EVERY_OPTIMISER = [(SGD, options) for options in SGD_OPTIONS] + [
    (Adam, options) for options in ADAM_OPTIONS
]


def path(
    optimiser: Any, start: float, gradients: list[float | None], **options: Any
) -> list[float]:
    """Returns where a parameter stands after each step with the gradients given."""
    parameter = Value(start)
    steps = optimiser([parameter], **options)
    places = []
    for gradient in gradients:
        parameter.grad = gradient
        steps.step()
        places.append(parameter.data)
    return places


# ---- worked by hand ------------------------------------------------------------------------------
# The numbers are halves and quarters, so that a float holds each of them exactly.


def test_plain_descent_takes_the_learning_rate_times_the_gradient() -> None:
    assert path(SGD, 3.0, [2.0, 4.0], lr=0.25) == [2.5, 1.5]


def test_momentum_adds_half_of_the_last_step() -> None:
    # buffers 2, 2/2 + 2 = 3, 3/2 + 2 = 3.5
    assert path(SGD, 3.0, [2.0] * 3, lr=0.25, momentum=0.5) == [2.5, 1.75, 0.875]


def test_dampening_spares_the_first_step() -> None:
    # buffers 2, 2/2 + 2/2 = 2
    assert path(SGD, 3.0, [2.0] * 2, lr=0.25, momentum=0.5, dampening=0.5) == [2.5, 2.0]


def test_nesterov_looks_ahead() -> None:
    # buffers 2 and 3; steps along 2 + 2/2 = 3 and 2 + 3/2 = 3.5
    assert path(SGD, 3.0, [2.0] * 2, lr=0.25, momentum=0.5, nesterov=True) == [2.25, 1.375]


def test_weight_decay_pulls_towards_zero() -> None:
    # gradients 2 + 4/2 = 4 and 2 + 3/2 = 3.5
    assert path(SGD, 4.0, [2.0] * 2, lr=0.25, weight_decay=0.5) == [3.0, 2.125]
    assert path(SGD, 4.0, [0.0], lr=0.25, weight_decay=0.5) == [3.5]


def test_the_first_step_of_adam_is_the_learning_rate() -> None:
    # mean 1 / (1 - 1/2) = 2; square 2 / (1 - 1/2) = 4; 2 / sqrt(4) = 1
    assert path(Adam, 3.0, [2.0], lr=0.25, betas=(0.5, 0.5), eps=0.0) == [2.75]
    assert path(Adam, 3.0, [-2.0], lr=0.25, betas=(0.5, 0.5), eps=0.0) == [3.25]
    # each average makes up for its own start: 1 / (1 - 1/2) and 1 / (1 - 3/4)
    assert path(Adam, 3.0, [2.0], lr=0.25, betas=(0.5, 0.75), eps=0.0) == [2.75]
    # eps is added outside of the root: 2 / (sqrt(4) + 2) = 1/2
    assert path(Adam, 3.0, [2.0], lr=0.25, betas=(0.5, 0.5), eps=2.0) == [2.875]


def test_the_second_step_of_adam() -> None:
    # mean (1/2) / (3/4) = 2/3; square 1 / (3/4) = 4/3; their ratio is 1 / sqrt(3)
    first, second = path(Adam, 3.0, [2.0, 0.0], lr=0.25, betas=(0.5, 0.5), eps=0.0)
    # a handful of roundings of numbers below 4
    assert abs(first - second - 0.25 / math.sqrt(3)) <= 8 * ULP


def test_the_defaults_are_those_of_pytorch() -> None:
    assert path(SGD, 1.0, [1.0]) == [1 - 1e-3]
    assert str(SGD([Value(1.0)])) == (
        "SGD(1 parameters, lr=0.001, momentum=0, dampening=0, weight_decay=0, nesterov=False)"
    )
    assert str(Adam([Value(1.0)])) == (
        "Adam(1 parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0)"
    )


# ---- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("optimiser", "options"), EVERY_OPTIMISER, ids=str)
def test_each_step_has_the_numbers_of_torch(optimiser: Any, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: its numbers not compared")
    generator = random.Random(0)
    starts = [generator.gauss(0, 2) for _ in range(5)]
    ours = [Value(start) for start in starts]
    theirs = [torch.tensor(start, dtype=torch.float64, requires_grad=True) for start in starts]
    our_steps = optimiser(ours, **options)
    their_steps = getattr(torch.optim, optimiser.__name__)(theirs, **options)
    for step in range(1, 41):
        for a, b in zip(ours, theirs, strict=True):
            # now and then a parameter is not reached by the sweep
            gradient = None if generator.random() < 0.1 else generator.gauss(0, 1)
            a.grad = gradient
            b.grad = None if gradient is None else torch.tensor(gradient, dtype=torch.float64)
        our_steps.step()
        their_steps.step()
        for a, b in zip(ours, theirs, strict=True):
            # About ten operations a step, of numbers below 10, each rounded once on either side.
            assert abs(a.data - b.item()) <= step * 10 * 10 * ULP


@pytest.mark.parametrize(("optimiser", "options"), EVERY_OPTIMISER, ids=str)
def test_a_parameter_without_a_gradient_is_left_alone(
    optimiser: Any, options: dict[str, Any]
) -> None:
    """Neither its number nor its memory changes, so the steps around the pause are the same."""
    paused = path(optimiser, 3.0, [2.0, None, None, 1.0], **options)
    assert paused[0] == paused[1] == paused[2]
    assert paused[3] == path(optimiser, 3.0, [2.0, 1.0], **options)[1]


@pytest.mark.parametrize(("optimiser", "options"), EVERY_OPTIMISER, ids=str)
def test_each_parameter_moves_on_its_own(optimiser: Any, options: dict[str, Any]) -> None:
    pair = [Value(3.0), Value(-1.0)]
    steps = optimiser(pair, **options)
    gradients = [(2.0, 0.5), (1.0, -4.0), (0.0, 3.0)]
    for row in gradients:
        for parameter, gradient in zip(pair, row, strict=True):
            parameter.grad = gradient
        steps.step()
    alone = [
        path(optimiser, start, list(column), **options)[-1]
        for start, column in zip((3.0, -1.0), zip(*gradients, strict=True), strict=True)
    ]
    assert [parameter.data for parameter in pair] == alone


@pytest.mark.parametrize(("optimiser", "options"), EVERY_OPTIMISER, ids=str)
def test_saved_and_loaded_it_goes_on_where_it_stood(
    optimiser: Any, options: dict[str, Any]
) -> None:
    straight, resumed = Value(3.0), Value(3.0)
    first, second = optimiser([straight], **options), optimiser([resumed], **options)
    for step in range(6):
        if step == 3:
            saved = json.loads(json.dumps(second.state_dict()))
            second = optimiser([resumed], lr=99.0)
            second.load_state_dict(saved)
        for parameter, steps in ((straight, first), (resumed, second)):
            parameter.grad = 2.0 * parameter.data
            steps.step()
    assert straight.data == resumed.data


def test_a_state_dict_is_a_copy() -> None:
    parameter = Value(3.0)
    optimiser = SGD([parameter], momentum=0.5)
    parameter.grad = 1.0
    optimiser.step()
    before = optimiser.state_dict()
    optimiser.step()
    assert before["memories"] == [{"momentum_buffer": 1.0}]


def test_zero_grad_forgets_and_step_then_changes_nothing() -> None:
    w = Value(3.0)
    optimiser = SGD([w], lr=0.25, weight_decay=1.0)
    (w * w).backward()
    optimiser.zero_grad()
    assert (w.grad, w.has_grad) == (0.0, False)
    optimiser.step()
    assert w.data == 3.0


def test_the_learning_rate_may_change_between_steps() -> None:
    w = Value(3.0)
    optimiser = SGD([w], lr=0.25)
    w.grad = 2.0
    optimiser.step()
    optimiser.lr = 0.5
    optimiser.step()
    assert w.data == 1.5


@pytest.mark.parametrize("optimiser", [SGD, Adam])
def test_it_finds_the_bottom_of_a_valley(optimiser: Any) -> None:
    x, y = Value(-1.0), Value(2.0)
    steps = optimiser([x, y], lr=0.05)
    for _ in range(500):
        steps.zero_grad()
        ((x - 1) ** 2 + 10 * (y + 2) ** 2).backward()
        steps.step()
    # Both close in by at least 1% a step, or swing around the bottom in steps far below 0.01.
    assert abs(x.data - 1) < 0.01
    assert abs(y.data + 2) < 0.01


def test_an_optimiser_of_ones_own_is_a_rule_of_one_line() -> None:
    class Signs(Optimizer):
        def _change(self, gradient: float, memory: dict[str, float]) -> float:
            return math.copysign(self.lr, gradient)

    w = Value(1.0)
    optimiser = Signs([w], lr=0.25, weight_decay=0.0)
    w.grad = -7.0
    optimiser.step()
    assert w.data == 1.25
    with pytest.raises(NotImplementedError, match="define _change"):
        Optimizer([w], lr=0.25, weight_decay=0.0).step()


# ---- a vector of all parameters ------------------------------------------------------------------


def drawn_gradients(generator: random.Random, missing: float) -> list[float | None]:
    return [None if generator.random() < missing else generator.gauss(0, 1) for _ in range(7)]


def take_a_step(optimiser: Any, gradients: list[float | None], on_vectors: bool) -> None:
    """Takes a step with the gradients given, in one of the two ways."""
    numpy = pytest.importorskip("numpy")
    if not on_vectors:
        for parameter, gradient in zip(optimiser.params, gradients, strict=True):
            parameter.grad = gradient
        optimiser.step()
        return
    after = optimiser.stepped(
        numpy.array([parameter.data for parameter in optimiser.params]),
        numpy.array([gradient or 0.0 for gradient in gradients]),
        None if None not in gradients else numpy.array([g is not None for g in gradients]),
    )
    for parameter, number in zip(optimiser.params, after.tolist(), strict=True):
        parameter.data = number


# Python's floats and NumPy's vectors follow the same standard, so the same formula is the same bits
@pytest.mark.parametrize(("optimiser", "options"), EVERY_OPTIMISER, ids=str)
@pytest.mark.parametrize("missing", [0.0, 0.3], ids=["all have gradients", "some have none"])
@pytest.mark.parametrize("ways", ["vectors", "in turns"])
def test_a_step_on_vectors_has_the_bits_of_a_step_on_numbers(
    optimiser: Any, options: dict[str, Any], missing: float, ways: str
) -> None:
    generator = random.Random(1)
    starts = [generator.gauss(0, 2) for _ in range(7)]
    one, other = [Value(start) for start in starts], [Value(start) for start in starts]
    by_numbers, by_vectors = optimiser(one, **options), optimiser(other, **options)
    for step in range(12):
        gradients = drawn_gradients(generator, missing)
        take_a_step(by_numbers, gradients, on_vectors=False)
        take_a_step(by_vectors, gradients, on_vectors=ways == "vectors" or step // 2 % 2 == 0)
        assert [w.data for w in one] == [w.data for w in other]
    assert by_numbers.state_dict() == by_vectors.state_dict()
    kinds = {type(number) for memory in by_vectors.memories for number in memory.values()}
    assert kinds <= {float, int}


def test_what_stepped_remembers_is_saved_and_loaded_as_what_step_remembers() -> None:
    numpy = pytest.importorskip("numpy")
    straight, saved = (Adam([Value(1.0), Value(2.0)], lr=0.1) for _ in range(2))
    data, gradient = numpy.array([1.0, 2.0]), numpy.array([0.5, -0.25])
    expected, data = straight.stepped(data, gradient), saved.stepped(data, gradient)
    state = json.loads(json.dumps(saved.state_dict()))
    loaded = Adam([Value(1.0), Value(2.0)], lr=0.1)
    loaded.stepped(data, -gradient)  # of which nothing may stay
    loaded.load_state_dict(state)
    expected, data = straight.stepped(expected, gradient), loaded.stepped(data, gradient)
    assert data.tolist() == expected.tolist()


def test_a_step_on_vectors_reads_and_changes_no_parameter_and_no_argument() -> None:
    numpy = pytest.importorskip("numpy")
    w = Value(7.0)
    optimiser = SGD([w], lr=0.5, momentum=0.5)
    data, gradient = numpy.array([3.0]), numpy.array([2.0])
    assert optimiser.stepped(data, gradient).tolist() == [2.0]
    gradient[0] = 100.0  # a buffer that is used again
    assert optimiser.memories == [{"momentum_buffer": 2.0}]
    assert (data.tolist(), w.data, w.has_grad) == ([3.0], 7.0, False)


def test_the_memories_may_be_changed_between_steps_on_vectors() -> None:
    numpy = pytest.importorskip("numpy")
    optimiser = SGD([Value(0.0), Value(0.0)], lr=1.0, momentum=0.5)
    data = optimiser.stepped(numpy.zeros(2), numpy.array([2.0, 4.0]))
    optimiser.memories[0]["momentum_buffer"] = 0.0
    del optimiser.memories[1]["momentum_buffer"]
    # the first goes on from 0, and the second starts anew
    assert optimiser.stepped(data, numpy.array([2.0, 4.0])).tolist() == [-4.0, -8.0]
    assert optimiser.memories == [{"momentum_buffer": 2.0}, {"momentum_buffer": 4.0}]


def test_a_rule_of_ones_own_takes_vectors_if_it_is_arithmetic() -> None:
    numpy = pytest.importorskip("numpy")

    class Cubes(Optimizer):
        def _change(self, gradient: Any, memory: dict[str, Any]) -> Any:
            memory["sum"] = memory.get("sum", 0.0) + gradient
            return self.lr * memory["sum"] ** 3

    class Signs(Optimizer):
        def _change(self, gradient: float, memory: dict[str, float]) -> float:
            return self.lr if gradient > 0 else -self.lr

    class Steps(SGD):
        def step(self) -> None:
            pass

    parameters, two = [Value(0.0), Value(0.0)], numpy.array([1.0, 2.0])
    cubes = Cubes(parameters, lr=1.0, weight_decay=0.0)
    assert cubes.stepped(numpy.zeros(2), two).tolist() == [-1.0, -8.0]
    signs = Signs(parameters, lr=1.0, weight_decay=0.0)
    with pytest.raises(TypeError, match="Signs changes one parameter at a time"):
        signs.stepped(numpy.zeros(2), two)
    with pytest.raises(TypeError, match=r"Steps changes one.*it defines step"):
        Steps(parameters).stepped(numpy.zeros(2), two)


def test_vectors_of_another_length_are_refused() -> None:
    numpy = pytest.importorskip("numpy")
    optimiser = SGD([Value(1.0), Value(1.0)])
    one, two = numpy.ones(1), numpy.ones(2)
    for arguments in [(one, two), (two, one), (two, two, one), (two, 1.0), ([1.0, 1.0], two)]:
        with pytest.raises(ValueError, match="must be a NumPy vector of 2 numbers"):
            optimiser.stepped(*arguments)


def test_a_division_by_zero_is_infinite_on_vectors() -> None:
    numpy = pytest.importorskip("numpy")
    optimiser = Adam([Value(1.0)], eps=0.0)
    assert math.isnan(optimiser.stepped(numpy.ones(1), numpy.zeros(1))[0])
    optimiser.params[0].grad = 0.0
    with pytest.raises(ZeroDivisionError):
        Adam(optimiser.params, eps=0.0).step()


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimiser", [SGD, Adam])
def test_parameters_that_it_cannot_optimise_are_refused(optimiser: Any) -> None:
    x = Value(1.0)
    with pytest.raises(ValueError, match="params must hold at least one Value"):
        optimiser([])
    with pytest.raises(TypeError, match=r"got MLP.*Pass model\.parameters\(\)"):
        optimiser(MLP(2, [1]))
    with pytest.raises(TypeError, match=r"got Value.*Pass model\.parameters\(\)"):
        optimiser(x)
    with pytest.raises(TypeError, match=r"params must hold Values only, got 1\.0"):
        optimiser([x, 1.0])
    with pytest.raises(ValueError, match="result of an operation"):
        optimiser([x, 2 * x])
    with pytest.raises(ValueError, match="twice"):
        optimiser([x, Value(1.0), x])
    assert len(optimiser(iter([x])).params) == 1


@pytest.mark.parametrize("betas", [(1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9,), (0.9, math.nan)])
def test_betas_of_1_or_more_are_refused(betas: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="two numbers from 0 to below 1"):
        Adam([Value(1.0)], betas=betas)  # type: ignore[arg-type]


WRONG_OPTIONS = [
    *[("lr", wrong) for wrong in (math.nan, -1, math.inf, "fast", None, True, [0.1], Value(0.1))],
    *[("weight_decay", wrong) for wrong in (math.nan, -1e-9, "a")],
    *[("momentum", wrong) for wrong in (5, 1.1, -0.5, math.nan, "a")],
    *[("dampening", wrong) for wrong in ("a", math.nan, -1, 2)],
    *[("nesterov", wrong) for wrong in ("yes", None, 2, 1.0)],
    *[("eps", wrong) for wrong in (math.nan, math.inf, -1e-8, "a")],
    *[("betas", wrong) for wrong in (0.9, "ab", None, (0.9,), (0.9, "b"), [0.9, 1.0], (True, 0))],
]


@pytest.mark.parametrize(("name", "wrong"), WRONG_OPTIONS, ids=lambda given: repr(given)[:20])
def test_an_option_is_checked_whenever_it_is_given(name: str, wrong: Any) -> None:
    """When the optimiser is made, when it is set later, and in a state that is loaded."""
    kind: Any = Adam if name in Adam.options and name not in SGD.options else SGD
    with pytest.raises(ValueError, match=f"^{name} must be"):
        kind([Value(1.0)], **{name: wrong})
    optimiser = kind([Value(1.0)])
    before = optimiser.state_dict()
    with pytest.raises(ValueError, match=f"^{name} must be"):
        setattr(optimiser, name, wrong)
    state = kind([Value(1.0)]).state_dict()
    state["options"][name] = wrong
    with pytest.raises(ValueError, match=f"^{name} must be"):
        optimiser.load_state_dict(state)
    assert optimiser.state_dict() == before


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_name_that_is_not_an_option_can_not_be_set(kind: Any) -> None:
    optimiser = kind([Value(1.0)])
    with pytest.raises(AttributeError, match=r"not have an option 'learning_rate'.* are lr, "):
        optimiser.learning_rate = 0.5
    optimiser._notes = "an attribute of a learner's own"
    for name in kind.options:
        setattr(optimiser, name, getattr(optimiser, name))


def test_nesterov_stays_right_when_options_are_set_later() -> None:
    optimiser = SGD([Value(1.0)])
    with pytest.raises(ValueError, match="nesterov=True needs a momentum above 0"):
        optimiser.nesterov = True
    optimiser.momentum = 0.9
    optimiser.nesterov = True
    for name, wrong in (("momentum", 0), ("dampening", 0.5)):
        with pytest.raises(ValueError, match="nesterov=True needs a momentum above 0"):
            setattr(optimiser, name, wrong)
    plain = SGD([Value(1.0)], dampening=0.5).state_dict()
    optimiser.load_state_dict(plain)  # all options at once
    assert optimiser.state_dict() == plain


ADAM_MEMORY = {"step": 3, "exp_avg": 0.5, "exp_avg_sq": 0.25}
WRONG_MEMORIES = [
    *[(Adam, {**ADAM_MEMORY, "exp_avg_sq": wrong}) for wrong in (-0.25, math.nan, "a", None)],
    *[(Adam, {**ADAM_MEMORY, "exp_avg": wrong}) for wrong in (math.nan, [0.5], True)],
    *[(Adam, {**ADAM_MEMORY, "step": wrong}) for wrong in (0, -3, 2.5, math.nan, "3", True)],
    (Adam, {"momentum_buffer": 0.5}),
    (Adam, {"step": 3}),
    (Adam, {**ADAM_MEMORY, "more": 1.0}),
    (Adam, [("step", 3)]),
    (SGD, ADAM_MEMORY),
    (SGD, {"momentum_buffer": math.nan}),
    (SGD, {"momentum_buffer": "a"}),
    (SGD, "momentum_buffer"),
]


@pytest.mark.parametrize(("kind", "memory"), WRONG_MEMORIES, ids=repr)
def test_a_memory_that_no_step_leaves_is_not_loaded(kind: Any, memory: Any) -> None:
    optimiser = kind([Value(1.0), Value(2.0)], lr=0.5)
    state = kind([Value(1.0), Value(2.0)], lr=0.25).state_dict()
    state["memories"][1] = memory
    words = f"can't be the memory of {kind.__name__} for parameter 1"
    with pytest.raises(ValueError, match=words):
        optimiser.load_state_dict(state)
    assert optimiser.state_dict()["options"]["lr"] == 0.5


@pytest.mark.parametrize("gradient", [3.0, 0.0, 1e-200, 1e200, math.inf])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_what_a_step_leaves_can_be_loaded(gradient: float, momentum: float) -> None:
    for kind in (lambda ps: SGD(ps, momentum=momentum), Adam):
        parameters = [Value(1.0), Value(2.0)]  # the second stays without a gradient
        optimiser = kind(parameters)
        parameters[0].grad = gradient
        optimiser.step()
        state = json.loads(json.dumps(optimiser.state_dict()))
        other = kind([Value(1.0), Value(2.0)])
        other.load_state_dict(state)
        assert other.memories == optimiser.memories


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5, "dampening": 0.1}])
def test_nesterov_needs_momentum_and_no_dampening(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="nesterov=True needs a momentum above 0"):
        SGD([Value(1.0)], nesterov=True, **options)


def test_a_state_of_something_else_is_refused_and_changes_nothing() -> None:
    optimiser = SGD([Value(1.0)], lr=0.5)
    with pytest.raises(ValueError, match=r"state must be a .* of SGD, whose options are lr, mom"):
        optimiser.load_state_dict(Adam([Value(1.0)]).state_dict())
    with pytest.raises(ValueError, match=r"state must have 1 memories, got 2"):
        optimiser.load_state_dict(SGD([Value(1.0), Value(1.0)], lr=3.0).state_dict())
    with pytest.raises(ValueError, match=r"state must be a"):
        optimiser.load_state_dict({})
    assert optimiser.lr == 0.5


STATE = SGD([Value(1.0)]).state_dict()


@pytest.mark.parametrize(
    "wrong",
    [
        {**STATE, "more": 1},
        {**STATE, "options": [*STATE["options"]]},
        {**STATE, "options": {}},
        {**STATE, "memories": {0: {}}},
        {**STATE, "memories": None},
        [*STATE],
        [STATE],
        "options",
        None,
    ],
    ids=repr,
)
def test_what_is_not_a_state_is_refused_by_name(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^state must be a state_dict\(\) of SGD, .*, got "):
        SGD([Value(1.0)]).load_state_dict(wrong)


@pytest.mark.parametrize(("name", "kind"), [("lr", SGD), ("weight_decay", SGD), ("eps", Adam)])
def test_an_option_fits_a_float(name: str, kind: Any) -> None:
    for wrong in (2**1024, 10**400, 10**5000):
        with pytest.raises(ValueError, match=f"^{name} must be a number of at least 0, got "):
            kind([Value(1.0)], **{name: wrong})
    for memory in ({"step": 10**400}, {"exp_avg": 10**400}):
        state = Adam([Value(1.0)]).state_dict() | {"memories": [{**ADAM_MEMORY, **memory}]}
        with pytest.raises(ValueError, match="can't be the memory of"):
            Adam([Value(1.0)]).load_state_dict(state)


@pytest.mark.parametrize("values", [["a", "b"], [1j, 2j], [None, None], [[1.0], [2.0]]])
def test_a_vector_holds_real_numbers(values: Any) -> None:
    np = pytest.importorskip("numpy")
    wrong, right = np.array(values), np.array([1.0, 2.0])
    for name, arguments in (("data", (wrong, right)), ("gradient", (right, wrong))):
        with pytest.raises(ValueError, match=f"^{name} must be a NumPy vector of 2 numbers"):
            SGD([Value(1.0), Value(2.0)]).stepped(*arguments)


@pytest.mark.parametrize("unordered", [set, dict.fromkeys, frozenset])
def test_parameters_have_an_order(unordered: Any) -> None:
    with pytest.raises(TypeError, match=r"^params must be a list of Values, got "):
        SGD(unordered([Value(1.0), Value(2.0)]))


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["options"].update(lr=-5.0),
        lambda state: state["options"].update(momentum="a"),
        lambda state: state.update(memories=[None]),
        lambda state: state.update(memories=[{"buffer": "a"}]),
    ],
)
def test_a_state_that_can_not_be_is_refused_whole(change: Any) -> None:
    optimizer = SGD([Value(1.0)], lr=0.5, momentum=0.9)
    state = SGD([Value(1.0)], lr=0.25, momentum=0.5).state_dict()
    change(state)
    before = optimizer.state_dict()
    with pytest.raises((TypeError, ValueError)):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before


# ---- options of other types ----------------------------------------------------------------------


def numbers_of(option: Any) -> list[Any]:
    return [*option] if isinstance(option, tuple | list) else [option]


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "longdouble", "Fraction"])
@pytest.mark.parametrize(("optimiser", "options"), EVERY_OPTIMISER)
def test_options_are_plain_numbers_whatever_was_given(
    optimiser: Any, options: dict[str, Any], kind: str
) -> None:
    """A float32 makes all numbers float32 that it is added to, and JSON does not have it."""
    np = pytest.importorskip("numpy")
    make = getattr(np, kind, Fraction)

    def made(option: Any) -> Any:
        if isinstance(option, tuple):
            return tuple(map(made, option))
        return option if isinstance(option, bool) else make(option)

    given = {name: made(option) for name, option in options.items()}
    steps = optimiser([Value(3.0)], **given)
    for name, option in given.items():
        setattr(steps, name, option)
        kept = numbers_of(getattr(steps, name))
        assert {*map(type, kept)} <= {float, bool, int}
        assert kept == numbers_of(option)
    json.dumps(steps.state_dict())
    plain = {name: getattr(steps, name) for name in given}
    gradients: list[float | None] = [1 / 3, 0.7, -0.1]
    found = path(optimiser, 1 / 3, gradients, **given)
    assert found == path(optimiser, 1 / 3, gradients, **plain)
    vector, gradient = np.array([1 / 3]), np.array([1 / 3])
    steps = optimiser([Value(1 / 3)], **given)
    assert steps.stepped(vector, gradient).tolist() == found[:1]


def test_a_whole_number_of_numpy_is_a_whole_number() -> None:
    np = pytest.importorskip("numpy")
    steps = SGD([Value(1.0)], lr=np.int64(1), weight_decay=np.uint8(2))
    assert (type(steps.lr), type(steps.weight_decay)) == (int, int)
    assert (steps.lr, steps.weight_decay) == (1, 2)
