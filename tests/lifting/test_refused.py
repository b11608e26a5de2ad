"""What a recording can't follow is refused, with the line at fault and what to write instead."""

import collections.abc
import copy
import functools
import math
import numbers
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import (  # noqa: E402
    MLP,
    Value,
    draw_dot,
    grad,
    topological_order,
)
from micrograd_notes.engine.functions import pick  # noqa: E402
from micrograd_notes.engine.helper_ops import greater, where  # noqa: E402
from micrograd_notes.engine.op import operation  # noqa: E402
from micrograd_notes.engine.ops import atan2, cos  # noqa: E402
from micrograd_notes.engine.stand_ins import standing_in  # noqa: E402
from micrograd_notes.lifting import CannotLift, compiled as passes_of_lift, lift  # noqa: E402
from micrograd_notes.lifting.guards.answers import answer_of  # noqa: E402
from micrograd_notes.nn.losses import cross_entropy  # noqa: E402

X = np.array([[1.0, 2.0], [3.0, -1.0]])
Y = np.array([0.5, -0.5])
OUTSIDE = Value(3.0, name="temperature")


def with_if(w: Any, x: Any, y: Any) -> Any:
    return w * x[0] if w * x[0] > 0 else w  # at fault


def with_truth(w: Any, x: Any, y: Any) -> Any:
    return w if x[0] else w * 2  # at fault


def with_equality(w: Any, x: Any, y: Any) -> Any:
    return w * (1 if y == 1 else 2)  # at fault


def with_max(w: Any, x: Any, y: Any) -> Any:
    return max(w * x[0], w * x[1])  # at fault


def with_sorting(w: Any, x: Any, y: Any) -> Any:
    return sorted([w * x[0], w * x[1]])[0]  # at fault


def with_index(w: Any, x: Any, y: Any) -> Any:
    return [w, 2 * w][y]  # at fault


def with_data(w: Any, x: Any, y: Any) -> Any:
    return w * w.data  # at fault


def with_math(w: Any, x: Any, y: Any) -> Any:
    return math.exp(w * x[0])  # at fault


def with_outside(w: Any, x: Any, y: Any) -> Any:
    return w * OUTSIDE  # at fault


def with_question_on_a_parameter(w: Any, x: Any, y: Any) -> Any:
    return w * x[0] if w > 0 else w  # at fault


def with_backward(w: Any, x: Any, y: Any) -> Any:
    (w * 2).backward()  # at fault
    return w


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (with_if, "where"),
        (with_truth, "where"),
        (with_equality, r"equal\(a, b\)"),
        (with_max, "maximum"),
        (with_sorting, "maximum"),
        (with_index, "pick"),
        (with_data, r"x\.detach\(\) .* where\(x > 0, a, b\) .* print or keep"),
        (with_math, r"exp\(x\) for math.exp\(x\)"),
        (with_outside, r"'temperature'.*not a parameter or an input"),
        (with_question_on_a_parameter, "where"),
        (with_backward, "backward"),
    ],
)
def test_is_refused(function: Callable[..., Any], words: str) -> None:
    w = Value(1.0)
    program = lift(lambda x, y: function(w, x, y), parameters=[w])
    y = Y.astype(int) if function is with_index else Y
    with pytest.raises(CannotLift, match=f"(?s)test_refused.py:[0-9]+.*# at fault.*{words}"):
        program(X, y)
    assert type(w) is Value
    assert not w.has_grad


NAMED = Value(0.5, name="w")

# What a function may do with an input, a computed number or a parameter, and what to write instead.
REFUSED: dict[str, tuple[Callable[[Any, Any, Any], Any], str]] = {
    "a dictionary of cases": (lambda w, x, y: w * {1: 50.0}.get(y, 1.0), r"dictionary.*pick"),
    "a dictionary of weights": (lambda w, x, y: w * {0: 1.0, 1: 3.0}[y], r"dictionary.*pick"),
    "membership of a set": (lambda w, x, y: w if y in {1} else 2 * w, r"a set.*equal\(y, 1\)"),
    "distinct numbers": (lambda w, x, y: w * len(set(x)), "a set"),
    "counted numbers": (lambda w, x, y: w * len(dict.fromkeys(x)), "dictionary"),
    "text of an input": (lambda w, x, y: w if str(y) == "1.0" else 2 * w, r"text.*where"),
    "its digits": (lambda w, x, y: w if f"{x[0]:.1f}" == "1.0" else 2 * w, r"text.*where"),
    "repr": (lambda w, x, y: w if "1" in repr(x) else 2 * w, r"text.*where"),
    "text of a parameter": (lambda w, x, y: w if "0.5" in str(w) else 2 * w, r"text.*where"),
    "printing": (lambda w, x, y: print(w * x[0]) or w, "print outside"),
    "isinstance": (lambda w, x, y: w if isinstance(y, float) else 2 * w, "type of a recorded"),
    "isinstance of several": (
        lambda w, x, y: w if isinstance(y, (str, int, float)) else 2 * w, "type of a recorded"
    ),
    "isinstance of a union": (
        lambda w, x, y: w if isinstance(y, int | float) else 2 * w, "type of a recorded"
    ),
    "isinstance of a class of numbers": (
        lambda w, x, y: w if isinstance(y, numbers.Real) else 2 * w, "type of a recorded"
    ),
    "its class": (lambda w, x, y: w if y.__class__ is float else 2 * w, "type of a recorded"),
    "a copy": (lambda w, x, y: copy.copy(w * y), r"copies.*detach"),
    "a deep copy": (lambda w, x, y: copy.deepcopy([w * y])[0], r"copies.*detach"),
    "a copy of a parameter": (lambda w, x, y: copy.copy(w) * y, r"copies.*detach"),
    "a deep copy of a parameter": (lambda w, x, y: copy.deepcopy(w) * y, r"copies.*detach"),
    "a gradient": (lambda w, x, y: grad(w * y, [w])[0], r"graph.*the lifted program finds"),
    "a gradient of parameters alone": (lambda w, x, y: grad(w * w, [w])[0] * y, "graph"),
    "a picture": (lambda w, x, y: draw_dot(w * y) and w, r"graph.*pictures"),
    "a walk": (lambda w, x, y: topological_order(w * y)[-1], "graph"),
    "operands": (lambda w, x, y: (w * y).operands[0], "graph"),
    "range": (lambda w, x, y: sum(w for _ in range(y)), r"range\(y\).*loop"),
    "a list times it": (lambda w, x, y: sum([w] * y), r"a list times"),
    "it times a list": (lambda w, x, y: (w * y) * [1.0, 2.0], r"w \* x for x in xs"),
    "modulo": (lambda w, x, y: w * (y % 2), "operations of micrograd_notes"),
    "bits": (lambda w, x, y: w * (y & 1), "operations of micrograd_notes"),
    "whole or not": (lambda w, x, y: w if y.is_integer() else 2 * w, "is_integer"),
    "a mean by statistics": (lambda w, x, y: w * statistics.mean(x), "operations of micrograd"),
    "the truth of a parameter": (lambda w, x, y: w if w else y, "where"),
    "setting data": (lambda w, x, y: [w, setattr(w, "data", 1.0)][0], r"\n  sets .data.*outside"),  # type: ignore[func-returns-value]
    "setting a gradient": (lambda w, x, y: [w, setattr(w, "grad", None)][0], "sets .grad"),  # type: ignore[func-returns-value]
    "freezing": (lambda w, x, y: [w, setattr(w, "requires_grad", False)][0], "requires_grad"),  # type: ignore[func-returns-value]
    "item": (lambda w, x, y: w * w.item(), r"item.*x\.detach\(\)"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_be_frozen_in_is_refused(what: str) -> None:
    function, words = REFUSED[what]
    w = Value(0.5, name="w")
    program = lift(lambda x, y: function(w, x, y), parameters=[w])
    with pytest.raises(CannotLift, match=f"(?s)test_refused.py:[0-9]+.*{words}"):
        program(X, Y)
    assert (type(w), w.data, w.requires_grad, w.has_grad) == (Value, 0.5, True, False)


W = [Value(0.5), Value(-0.7)]
COMPARED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "above": lambda x, y, k: where(y > 0, W[0] * x[0], W[1]),
    "not above": lambda x, y, k: where(y <= x[1], W[0], W[1] * x[0]),
    "below": lambda x, y, k: where(W[0] * x[0] < W[1], W[0] * y, W[1]),
    "not below": lambda x, y, k: where(x[1] >= y, W[0] * x[0], W[1]),
    "a parameter above": lambda x, y, k: where(W[0] > y, W[0] * x[0], W[1]),
    "a factor": lambda x, y, k: (x[0] > y) * W[0] + (1 + 3 * (y < 0)) * W[1] * x[1],
    "counted": lambda x, y, k: W[0] * sum(number > 0 for number in x) + W[1] * y,
    "one-hot": lambda x, y, k: sum((k == i) * w * w for i, w in enumerate(W)) * x[0],
    "another one": lambda x, y, k: sum((i != k) * w * y for i, w in enumerate(W)),
}


@pytest.mark.parametrize("what", COMPARED)
def test_the_truth_of_a_comparison_is_1_or_0_as_in_the_scalars(what: str) -> None:
    function = COMPARED[what]
    data = np.array([[1.0, 2.0], [3.0, -1.0], [-2.0, 0.25]]), np.array([0.5, -0.5, 2.0]), [0, 1, 1]
    program = lift(function, parameters=W)
    for theta in ([0.5, -0.7], [0.9, 1.3]):  # which decide some comparisons
        numbers = dict(zip(map(id, W), map(Value, theta), strict=True))
        with standing_in(numbers):
            expected = [function(*example) for example in zip(*map(np_listed, data), strict=True)]
        assert program.value_and_grad(theta, *data)[0] == pytest.approx(
            sum(loss.data for loss in expected) / 3, rel=1e-15
        )
    assert program.certify(*data)


def np_listed(array: Any) -> Any:
    return np.asarray(array).tolist()


def test_an_if_on_a_comparison_that_was_kept_is_refused_where_it_asks() -> None:
    def loss(x: Any, y: Any) -> Any:
        is_large = y > 0.0
        return W[0] if is_large else W[1]  # at fault

    for ask in (lambda x, y: W[0] * (y == W[1]), lambda x, y: W[0] * (W[1] * y != 1.0)):
        with pytest.raises(CannotLift, match="compares a recorded number with"):
            lift(ask, parameters=W)(X, Y)  # a Value does not say what it equals
    with pytest.raises(CannotLift, match=r"(?s)# at fault.*compares.*where\(greater\(a, b\)"):
        lift(loss, parameters=W)(X, Y)


def test_a_value_of_an_input_is_the_input() -> None:
    """As micrograd's own examples write it: list(map(Value, row))."""
    model = MLP(2, [3, 1], seed=0)

    def plain(x: Any, y: Any) -> Any:
        return (model(x) - y) ** 2 + W[0] * x[1].tanh()

    def of_values(x: Any, y: Any) -> Any:
        row = list(map(Value, x))
        return (model(row) - Value(y, name="y")) ** 2 + W[0] * row[1].tanh()

    parameters = [*model.parameters(), *W]
    program = lift(of_values, parameters=parameters)
    expected = lift(plain, parameters=parameters).value_and_grad(program.parameters(), X, Y)
    loss, gradient = program.value_and_grad(program.parameters(), X, Y)
    assert (loss, *gradient) == (expected[0], *expected[1])
    assert program.certify(X, Y)
    with pytest.raises(TypeError, match="data must be a number, got a recorded multiply"):
        lift(lambda x, y: Value(W[0] * y), parameters=W)(X, Y)  # nor do the scalars take it
    with pytest.raises(TypeError, match="data must be a number, got a recorded leaf"):
        lift(lambda x, y: Value(W[0]) * y, parameters=W)(X, Y)  # type: ignore[arg-type]


def test_a_pattern_that_asks_for_a_number_is_refused() -> None:
    def loss(x: Any, y: Any) -> Any:
        match y:
            case float() | int():
                return NAMED * y
        return NAMED

    with pytest.raises(CannotLift, match="type of a recorded number"):
        lift(loss, parameters=[NAMED])(X, Y)


@pytest.mark.parametrize(
    "ask",
    [
        lambda x, y: isinstance(x, list),
        lambda x, y: not isinstance(y, list),
        lambda x, y: not isinstance(y, (list, tuple, str)),
        lambda x, y: isinstance(NAMED * y, Value),
        lambda x, y: not isinstance(y, collections.abc.Iterable),
        lambda x, y: not hasattr(y, "__len__"),
        lambda x, y: len({NAMED, NAMED}) == 1,
        lambda x, y: NAMED in [NAMED] and NAMED is not y,
    ],
)
def test_a_question_whose_answer_is_the_same_in_the_scalars_is_answered(
    ask: Callable[[Any, Any], bool]
) -> None:
    program = lift(lambda x, y: NAMED * y if ask(x, y) else NAMED, parameters=[NAMED])
    assert program(X, [3.0, 5.0]) == 2.0


def test_a_parameter_that_stands_twice_in_the_list_is_refused() -> None:
    w = Value(1.0)
    with pytest.raises(ValueError, match="parameters must hold each Value once"):
        lift(lambda x: w * x, parameters=[w, w])


def test_a_nan_that_the_function_makes_is_no_randomness() -> None:
    w = Value(1.0)
    program = lift(lambda x: w * x * float("nan"), parameters=[w])
    assert math.isnan(program([1.0, 2.0]))


@pytest.mark.parametrize("name", ["prod", "std", "mod", "clip", "mean", "sinc", "i0", "gradient"])
def test_a_row_that_is_called_as_a_function_of_numpy_is_lifted_by_its_forward(name: str) -> None:
    row = operation(name, lambda x: 2 * x * x + 1, [lambda y, x: 4 * x])
    w = Value(0.5)
    program = lift(lambda x: row(w * x), parameters=[w])
    assert program([1.0, 3.0]) == pytest.approx((1.5 + 5.5) / 2)
    assert "2 *" in program.source or "* 2" in program.source


def test_a_spelling_that_is_not_what_forward_computes_is_refused() -> None:
    wrong = operation("lift_sine", math.sin, [lambda y, x: cos(x)], numpy="np.cos({0})")
    w = Value(0.5)
    with pytest.raises(CannotLift, match=r"lift_sine: numpy=.*forward gives.*\n.*Correct numpy="):
        lift(lambda x: wrong(w * x), parameters=[w])([1.0])
    right = operation("lift_sine", math.sin, [lambda y, x: cos(x)], numpy="np.sin({0})")
    assert lift(lambda x: right(w * x), parameters=[w])([1.0]) == math.sin(0.5)


def test_a_compiler_that_fails_says_so_with_the_function_to_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [[Value(0.1)], [Value(0.5)], [Value(0.9)]]
    values = [row[0] for row in rows]

    def loss(x: Any) -> Any:
        return sum((rows[i][0] - x[j]) ** 2 for i in range(3) for j in range(i))

    lift(loss, parameters=rows, batch=False)([1.0, 2.0, 3.0])  # a part of a column: no fault
    for value in values:
        value.grad = None

    def fails(*passed: Any) -> Any:
        raise ValueError("a fault")

    monkeypatch.setattr(passes_of_lift, "arranged", fails)
    with pytest.raises(CannotLift, match=r"can't be lifted: .* ValueError.*Please report"):
        lift(loss, parameters=rows, batch=False)([1.0, 2.0, 3.0])
    assert not any(value.has_grad for value in values)


def test_randomness_is_refused() -> None:
    w, calls = Value(1.0), [0]

    def loss(x: Any, y: Any) -> Any:
        z = w * x[0] + 0.5
        return z * random.random()  # at fault

    def longer(x: Any, y: Any) -> Any:
        calls[0] += 1
        z = w * x[0]
        for _ in range(calls[0]):
            z = z * y  # at fault
        return z

    for function in (loss, longer):
        with pytest.raises(CannotLift, match=r"refused.py:[0-9]+: .*# at fault\n  two recordings"):
            lift(function, parameters=[w])(X, Y)


OWN, NUMPY_OWN, OLDER = random.Random(0), np.random.default_rng(0), np.random.RandomState(0)


@pytest.mark.parametrize("draw", [
    random.random, np.random.random,
    lambda: OWN.random(), lambda: NUMPY_OWN.random(), lambda: OLDER.rand(),
])
def test_randomness_that_rarely_changes_the_loss_is_refused(draw: Callable[[], float]) -> None:
    w = [Value(0.5), Value(-0.3)]

    def loss(x: Any, y: Any) -> Any:
        kept = [a if draw() > 1e-9 else 0.0 for a in x]
        return (w[0] * kept[0] + w[1] * kept[-1] - y) ** 2

    with pytest.raises(CannotLift, match=r"draws random numbers.*pass them as an input"):
        lift(loss, parameters=w)(X, Y)


@pytest.mark.parametrize("drawn", [
    lambda: random.seed(0) or random.random(),
    lambda: np.random.seed(0) or np.random.random(),
    lambda: random.Random(0).random(),
])
def test_a_function_that_seeds_at_each_call_is_lifted(drawn: Callable[[], float]) -> None:
    w, states = Value(1.0), (random.getstate(), np.random.get_state())
    try:
        program = lift(lambda x, y: w * drawn(), parameters=[w])
        assert program(X, Y) == pytest.approx(drawn(), rel=1e-15)
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def test_a_refusal_that_the_function_catches_is_raised_all_the_same() -> None:
    w = Value(1.0)

    def loss(x: Any, y: Any) -> Any:
        try:
            return w * 2 if x[0] > 0 else w
        except TypeError:
            return w

    with pytest.raises(CannotLift, match="compares"):
        lift(loss, parameters=[w])(X, Y)


@pytest.mark.parametrize(
    ("used", "words"),
    [
        (lambda kept, w: kept + w, "kept after its recording"),
        (lambda kept, w: w * 1 + kept, "kept from another recording"),
    ],
)
def test_a_kept_number_is_refused_even_if_the_function_catches_it(used: Any, words: str) -> None:
    w, kept = Value(1.0), list[Any]()

    def loss(x: Any, y: Any) -> Any:
        kept.append(w * x[0])
        try:
            return used(kept[0], w)
        except TypeError:
            return w * 1

    with pytest.raises(CannotLift, match=words):
        lift(loss, parameters=[w])(X, Y)


def test_a_number_that_is_kept_from_a_recording_is_refused() -> None:
    w, kept = Value(1.0), []

    def loss(x: Any, y: Any) -> Any:
        kept.append(w * x[0])
        return kept[-1]

    lift(loss, parameters=[w])(X, Y)
    with pytest.raises(CannotLift, match=r"refused.py:[0-9]+: .*\n .*kept after its recording"):
        kept[0] + 1


def test_a_choice_by_rows_is_lifted() -> None:
    w = Value(2.0)
    program = lift(lambda x, y: where(greater(x[0], 2.0), w * y, w * w), parameters=[w])
    assert program(X, Y) == (4.0 - 1.0) / 2
    assert w.grad == (4.0 - 0.5) / 2


def test_values_that_the_function_makes_and_plain_numbers_are_constants() -> None:
    w, scale = Value(2.0), 3.0

    def loss(x: Any, y: Any) -> Any:
        total = Value(0.0)
        for number in x:
            total = total + number * w * scale
        return total

    assert lift(loss, parameters=[w])(X, Y) == pytest.approx(15.0, rel=1e-15)  # a few roundings
    assert w.grad == pytest.approx(7.5, rel=1e-15)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        ((X,), TypeError, r"takes \(x, y\), got 1"),
        ((X, Y[:1]), ValueError, "got 2 in x, 1 in y"),
        ((X, 1.0), ValueError, "one entry per example"),
        ((X[:0], Y[:0]), ValueError, "x is empty"),
        ((np.array([[math.nan, 1.0], [1.0, 2.0]]), Y), ValueError, "x must .* got a nan"),
        ((np.array([[math.inf, 1.0], [1.0, 2.0]]), Y), ValueError, "x must .* got inf"),
        (([[1.0, 2.0], [3.0]], Y), ValueError, "x must not hold lists of different lengths"),
        ((np.array([["a", "b"]] * 2), Y), TypeError, "x must hold numbers"),
        ((np.ones((2, 3)), Y), ValueError, "2 inputs|2 weights"),
    ],
)
def test_bad_data_is_refused_and_nothing_is_written(
    data: Any, kind: type[Exception], words: str
) -> None:
    model = MLP(2, [1], seed=0)

    def loss(x: Any, y: Any) -> Any:
        return (model(x) - y) ** 2

    with pytest.raises(kind, match=words):
        lift(loss, model)(*data)
    assert not any(p.has_grad for p in model.parameters())


def test_a_loss_without_data_needs_no_batch() -> None:
    x, y = Value(-1.2), Value(1.0)
    banana = lambda: (1 - x) ** 2 + 100 * (y - x * x) ** 2  # noqa: E731
    for backend in ("numpy", "c"):
        program = lift(banana, parameters=[x, y], batch=False, backend=backend)
        assert program() == pytest.approx(24.2, rel=1e-15)
    with pytest.raises(ValueError, match=r"takes no data.*Pass batch=False"):
        lift(banana, parameters=[x, y])()


def test_the_advice_for_data_is_followed_to_the_same_gradient() -> None:
    w = Value(0.5)
    program = lift(lambda x, y: w * x[0] + w.detach() ** 2, parameters=[w])
    expected = answer_of(lambda x, y: w * x[0] + w.data**2, [w], [0.5], [[3.0, 1.0], 0.0])
    loss, gradient = program.value_and_grad([0.5], [[3.0, 1.0]], [0.0])
    assert (loss, gradient.tolist()) == (expected.outputs[0], expected.gradient)


def test_a_short_float_of_numpy_is_named_where_it_comes_in() -> None:
    means, w = np.array([0.1, 0.2], np.float32), [Value(0.3), Value(0.4)]

    def loss(x: Any, means: Any) -> Any:
        z = [a - m for a, m in zip(x, means, strict=True)]  # at fault
        return sum(p * q for p, q in zip(w, z, strict=True)) ** 2

    short = lift(lambda x: loss(x, means), parameters=w)
    words = r"(?s)part at [^\n]*# at fault\n.*NumPy's float32.* float64\. .*c\.tolist\(\)"
    with pytest.raises(CannotLift, match=words):
        short([[1.0, 2.0], [3.0, 4.1]])
    lift(lambda x: loss(x, means.tolist()), parameters=w)([[1.0, 2.0], [3.0, 4.1]])


def test_a_difference_by_the_sign_of_a_zero_is_not_blamed_on_the_compiler() -> None:
    w = Value(0.5)
    program = lift(lambda x: w * 0 + w * atan2(w * 0 + x, -1.0), parameters=w)
    with pytest.raises(CannotLift, match=r"The sign of a zero decides.* w \* 0 \+ x ") as caught:
        program([-0.0, 0.0])
    assert "compiler" not in str(caught.value)


def test_a_loss_without_its_model_or_after_it_says_how_to_call() -> None:
    model = MLP(2, [1], seed=0)
    with pytest.raises(TypeError, match=r"function must have .* after it, lift\(loss, model\)"):
        lift(lambda x, y: (model(x) - y) ** 2)
    with pytest.raises(TypeError, match=r"The loss comes first: lift\(loss, model\)"):
        lift(model, lambda x, y: (model(x) - y) ** 2)  # type: ignore[arg-type]


def test_bad_functions_and_parameters_are_refused() -> None:
    w = Value(1.0)
    with pytest.raises(TypeError, match=r"a loss returns one Value.*got 3.0"):
        lift(lambda x, y: 3.0, parameters=[w])(X, Y)
    with pytest.raises(ValueError, match="no parameters"):
        lift(lambda x, y: x[0], parameters=[])
    with pytest.raises(TypeError, match=r"function must be a function of one example, got 3\.0"):
        lift(3.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="written in Python, got <built-in"):
        lift(max, parameters=[w])
    with pytest.raises(TypeError, match="function must have named arguments"):
        lift(functools.partial(max), parameters=[w])
    deep = [w, [[[[[[[[[[w]]]]]]]]]]]
    for wrong in ([w, 2.0], deep, {"w": w, "v": "a"}, [w, 2.0 * w], np.array([w, "a"], object)):
        with pytest.raises(TypeError, match="parameters must be Values that no operation made"):
            lift(lambda x, y: w * x[0], parameters=wrong)
    for wrong in (np.array([1.0]), {"w": [1.0]}, [np.float64(1.0)]):
        with pytest.raises(TypeError, match=r"Write w = \[Value\(x\) for x in numbers\]"):
            lift(lambda x, y: w * x[0], parameters=wrong)
    program = lift(lambda x, y: w * x[0], parameters=[w])
    with pytest.raises(TypeError, match=r"takes \(x, y\), got 1 array: missing .* 'y'"):
        program.value_and_grad([1.0], X)
    with pytest.raises(ValueError, match=r"a flat vector of 1 numbers.*shape \(2,\)"):
        program.value_and_grad([1.0, 2.0], X, Y)
    with pytest.raises(ValueError, match="theta must hold finite numbers, got a nan"):
        program.load([math.nan])
    for backend in ("numpy", "auto"):
        program = lift(lambda x, y: w * x[0], parameters=[w], backend=backend)
        for _ in range(2):  # at the first call, and later
            with pytest.raises(ValueError, match="theta must hold finite numbers, got a nan"):
                program.value_and_grad([math.nan], X, Y)
            with pytest.raises(ValueError, match="theta must hold finite numbers, got a nan"):
                program.check(X, Y, theta=[math.nan])
            program(X, Y)
    assert w.data == 1.0


@pytest.mark.parametrize(("given", "said"), [
    ([1.0, Value(2.0)], r"got Value\(data=2.0.* at y\[1\]. Pass its number, y\[1\].data"),
    ([[1.0], [None]], r"got None at y\[1\]\[0\]. Leave the example out"),
    ([1, 2**70], rf"got {2**70} at y\[1\]. It is too large for a whole number, so pass floats"),
    (["0.5", "a"], r"'0.5'.* at y\[0\]. Pass float\(text\)"),
    ([1.0, 2j], r"at y\[0\]. Pass floats or whole numbers"),
    ([Fraction(1, 2)] * 2, r"got Fraction.* The dtype is object. Pass np.asarray\(y, float\)"),
    (np.array([1, 2], object), r"got 1 at y\[0\]. The dtype is object. Pass np.asarray\(y, float"),
    (np.array([1.5, None], object), r"got None at y\[1\]. Leave"),
    (None, "got None at y. Leave"), (np.array([], object), "y must hold numbers"),
])
def test_data_that_are_no_numbers_are_refused_with_their_place(given: Any, said: str) -> None:
    w = Value(1.0)
    with pytest.raises(TypeError, match=said):
        lift(lambda x, y: w * x[0] - y, parameters=[w])(X, given)


@pytest.mark.parametrize(("loss", "said"), [
    (lambda x, y: x[0] - y % 2, r"a - b \* floor\(a / b\)"),
    (lambda x, y: x[0] - y // 2, r"Write floor\(a / b\)"),
    (lambda x, y: x[0] - (7 >> y), "as another input"),
    (lambda x, y: x[0] - (y & 1), "as another input"),
    (lambda x, y: (x[0] - y, y), "got .* Return the loss alone"),
    (lambda x, y: None, "got None. Write return"),
])
def test_a_refusal_names_a_remedy(loss: Any, said: str) -> None:
    w = Value(1.0)
    with pytest.raises(TypeError, match=said):
        lift(lambda x, y: loss([w * x[0]], y), parameters=[w])(X, [1, 0])


@pytest.mark.parametrize("loss", [
    lambda x, y: x - y, lambda x, y: y * x, lambda x, y: cross_entropy([x, x], y),
])
def test_a_column_of_labels_is_refused_by_the_name_of_its_vector(loss: Any) -> None:
    w = Value(1.0)
    with pytest.raises(CannotLift, match=r"np\.ravel\(y\)"):
        lift(lambda x, y: loss(w * x[0], y), parameters=[w])(X, [[1], [0]])


def test_a_row_of_ones_own_is_written_out_by_its_forward_and_keeps_its_rule() -> None:
    wrong = operation("lift_wrong", lambda x: x / (1 + abs(x)), [lambda y, x: 1 / (1 + abs(x))])
    w = Value(0.75)
    program = lift(lambda x, y: wrong(w * x[0]) * y, parameters=[w])
    value, gradient = program.value_and_grad(program.parameters(), [[1.0], [2.0]], [1.0, 3.0])
    # two roundings a number
    assert value == pytest.approx((0.75 / 1.75 + 3 * 1.5 / 2.5) / 2, rel=1e-15)
    assert gradient[0] == pytest.approx((1 / 1.75 + 3 * 2 / 2.5) / 2, rel=1e-15)


def test_a_row_of_ones_own_that_asks_questions_is_refused() -> None:
    asking = operation("lift_asking", lambda x: 1.0 if x > 0 else 0.0, [0.0])
    w = Value(0.75)
    program = lift(lambda x, y: asking(w * y), parameters=[w])
    with pytest.raises(CannotLift, match=r"(?s)not have a spelling.*numpy='np.some_function"):
        program([[1.0]], [1.0])


def test_labels_are_whole_numbers_in_range() -> None:
    model = MLP(2, [3], seed=0)
    program = lift(lambda x, y: cross_entropy(model(x), y), model)
    x = [[1.0, 2.0], [3.0, 4.0]]
    assert program(x, [True, False]) == program(x, [1, 0])
    before = [p.grad for p in model.parameters()]
    for labels in ([0, 3], [-1, 0]):
        words = f"y must hold whole numbers from 0 to 2, got {labels[labels[0] == 0]}"
        with pytest.raises(ValueError, match=words):
            program(x, labels)
    with pytest.raises(CannotLift, match=r"(?s)but y holds floats.*Write .*np.asarray\(y, int\)"):
        program(x, [0.0, 1.0])
    with pytest.raises(CannotLift, match="by a computed number"):
        lift(lambda x, y: pick(model(x), y + 1), model)(x, [0, 1])
    assert [p.grad for p in model.parameters()] == before


def test_an_error_of_the_function_says_what_it_was_called_with() -> None:
    model = MLP(2, [3], seed=0)
    program = lift(lambda x, y: cross_entropy(model(x), y), model)
    with pytest.raises(ValueError, match="Neuron with 2 weights got 3 inputs") as caught:
        program([[1.0, 2.0, 3.0]], [0])
    note = "The function gets one example, x as a list of 3 numbers and y as a number."
    assert caught.value.__notes__ == [note]


# What NumPy's arrays, or all examples at once, would have.
MISFITS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "dot": lambda w, x, y: w * x.dot(x),
    "shape": lambda w, x, y: w * x.shape[0],
    "columns": lambda w, x, y: w * sum(x[:, 0]),
    "length of a number": lambda w, x, y: w * len(x[0]),
    "transposed": lambda w, x, y: w * x.T[0],
    "sum": lambda w, x, y: w * x.sum(),
    "rows": lambda w, x, y: sum(w * row[0] for row in x),
    "pairs": lambda w, x, y: sum(w * a + b for a, b in x),
    "targets": lambda w, x, y: sum((w * a - b) ** 2 for a, b in zip(x, y, strict=True)),
    "a list plus a number": lambda w, x, y: w * sum(x + 1),
    "a list less a number": lambda w, x, y: w * sum(x - y),
    "a product of matrices": lambda w, x, y: w * (x @ x),
    "an index of lists": lambda w, x, y: w * sum(x[[0, 1]]),
    "a median of a computed number": lambda w, x, y: (w * y).median(),
    "NumPy's function of a number": lambda w, x, y: w * np.isnan(y),
}


@pytest.mark.parametrize("what", MISFITS)
def test_what_a_list_or_a_number_does_not_have_is_refused_with_what_is_given(what: str) -> None:
    w = Value(0.5)
    program = lift(lambda x, y: MISFITS[what](w, x, y), parameters=[w])
    given = "x as a list of 2 numbers and y as a number"
    words = rf"(?s)test_refused.py:[0-9]+: .*\n  raises \w+: .*one example, {given}.*np.array\(x\)"
    with pytest.raises(CannotLift, match=words) as caught:
        program(X, Y)
    assert "Recorded" not in str(caught.value)
    rows = lift(lambda x: x.shape, parameters=[w], batch=False)
    with pytest.raises(CannotLift, match="gets x as a list of 2 lists of 2 numbers"):
        rows(X)


def test_an_array_of_numpy_is_taken_inside_of_the_function_as_advised() -> None:
    w = [Value(0.5), Value(-0.25)]

    def loss(x: Any, y: Any) -> Any:
        x = np.array(x)
        return (x @ np.array(w) - y) ** 2 + np.tanh(x.T.dot(w) * x[:1].sum()) / x.shape[0]

    program = lift(loss, parameters=w)
    expected = answer_of(loss, program.leaves(), program.parameters(), [[1.0, 2.0], 0.5])
    value, gradient = program.value_and_grad(program.parameters(), X[:1], Y[:1])
    assert [value, *gradient] == pytest.approx([*expected.outputs, *expected.gradient], rel=1e-14)


RETURNED: dict[str, Callable[[Any, Any], Any]] = {
    "an input": lambda w, x: x[0],
    "a parameter": lambda w, x: w,
    "a number of its own": lambda w, x: Value(3.0),
    "a parameter as it is": lambda w, x: 1.0 * w,
}


@pytest.mark.parametrize("what", RETURNED)
def test_a_loss_without_an_operation(what: str) -> None:
    w = Value(0.5)
    program = lift(lambda x: RETURNED[what](w, x), parameters=[w])
    loss, gradient = program.value_and_grad([0.5], X)
    wanted = {"an input": 2.0, "a number of its own": 3.0}.get(what, 0.5)
    assert (loss, gradient.tolist()) == (wanted, [1.0 if "parameter" in what else 0.0])
    assert program.certify(X)


def test_a_loss_that_is_an_array_of_numpy_is_refused() -> None:
    w = Value(0.5)
    for returned in (lambda x: np.array([w * x[0]]), lambda x: np.array(w * x[0])):
        with pytest.raises(TypeError, match=r"returns one Value, .*, got one of type ndarray"):
            lift(returned, parameters=[w])(X)


def test_a_refusal_is_not_hidden_by_an_error_that_it_led_to() -> None:
    model = MLP(2, [1], seed=0)  # whose neurons take a refusal for a wrong input
    program = lift(lambda x, y: model(x) * y, parameters=[Value(1.0)])
    with pytest.raises(CannotLift, match="which is not a parameter or an input"):
        program([[1.0, 2.0]], [1.0])


def test_what_nests_too_deep_for_python_is_refused_with_the_reason() -> None:
    w = Value(0.5)
    program = lift(lambda x: sum(cos(w * x * k) ** k for k in range(2, 9)), parameters=[w])

    def deep(*arguments: Any) -> Any:
        return deep(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes_of_lift, "emit", deep)
        with pytest.raises(CannotLift, match=r"more unlike steps than .*setrecursionlimit"):
            program([1.0])
    assert program([1.0]) == program([1.0])


# ---- what is given -------------------------------------------------------------------------------


@dataclass
class OfValues:
    """Holds parameters, but is not a model."""

    w: list[Value]


class WithoutMethod:
    parameters = (Value(0.5),)


ADVICE: dict[str, tuple[Callable[[Value, Any], Any], str]] = {
    "a list instead of a method": (lambda w, f: lift(f, WithoutMethod()),  # type: ignore[arg-type]
                                   r"must be a method.*got \(Value.*Write def parameters\(self\)"),
    "a dataclass": (lambda w, f: lift(f, parameters=OfValues([w])),  # type: ignore[arg-type]
                    r"got OfValues.*vars\(it\)"),
    "a set": (lambda w, f: lift(f, parameters={w}),  # type: ignore[arg-type]
              "Pass a list of its Values"),
    "a generator": (lambda w, f: lift(f, parameters=[(v for v in [w])]),
                    "Pass a list of its Values"),
    "None": (lambda w, f: lift(f, parameters=[w, None]), "got None. Leave it out"),
    "a text": (lambda w, f: lift(f, parameters={"w": w, "kind": "linear"}),
               "got 'linear'. Leave it out"),
    "a result": (lambda w, f: lift(f, parameters=[w * 2]), "Pass the Values that it is made from"),
    "print": (lambda w, f: lift(print, parameters=[w]), "written in Python, got <built-in .*Write"),
    "a zip": (lambda w, f: lift(f, parameters=w)(zip([1.0]), [1.0]), r"got <zip .*Pass list\(x\)"),
    "names": (lambda w, f: lift(f, parameters=w)([1.0], y=[1.0]),
              r"in order, \(x, y\), got y by name\. Leave out the names: program\(x, y\)"),
    "a dictionary of data": (lambda w, f: lift(f, parameters=w)({"x": [1.0]}, [1.0]),
                             "Pass each of its arrays as one input"),
    "a dictionary as theta": (lambda w, f: lift(f, parameters=w).load({"w": 1.0}),
                              r"Pass a flat vector, as program\.parameters\(\)"),
}


@pytest.mark.parametrize("what", ADVICE)
def test_what_can_not_be_taken_is_refused_with_what_to_do(what: str) -> None:
    call, words = ADVICE[what]
    w = Value(0.5)
    with pytest.raises(TypeError, match=words):
        call(w, lambda x, y: (w * x - y) ** 2)
