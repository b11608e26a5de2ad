"""What a learner is told about an answer: right, wrong and why, or not written yet."""

import math
from typing import Any

import pytest

from micrograd_notes.course.exercises import check
from micrograd_notes.engine import Value


def told(capsys: pytest.CaptureFixture[str], *arguments: Any, **options: Any) -> str:
    """Returns what `check` prints."""
    check(*arguments, **{"hint": "Think again."} | options)
    return capsys.readouterr().out


def square(x: float) -> float:
    return x * x


# ---- right ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [1.5, 2, True, -0.0, math.inf, "yes", [1.0, 2.0], (1.0, [2.0, 3.0]), [], {"a": 1.0}],
    ids=repr,
)
def test_the_reference_itself_passes(capsys: pytest.CaptureFixture[str], answer: Any) -> None:
    assert told(capsys, lambda x: answer, lambda x: answer, 1.0, 2.0) == (
        "your function passes: right for 2 of 2 inputs.\n"
    )


def test_another_order_of_a_sum_passes(capsys: pytest.CaptureFixture[str]) -> None:
    forth = math.fsum
    assert "passes" in told(capsys, lambda x: sum(reversed(x)), forth, [0.1] * 10 + [1e3])


def test_a_value_is_as_good_as_its_number_and_a_tuple_as_a_list(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "passes" in told(capsys, Value, lambda x: x, 1.0)
    assert "passes" in told(capsys, lambda x: (x, Value(x)), lambda x: [x, x], 1.0)


def test_a_tuple_is_several_arguments_and_a_list_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "passes" in told(capsys, lambda a, b: a - b, lambda a, b: -(b - a), (3.0, 1.0))
    assert "passes" in told(capsys, sum, math.fsum, [3.0, 1.0])


def test_numpy_is_as_good_as_numbers_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    np = pytest.importorskip("numpy")
    answers = [1.5, 2, True, [1.0, 2.0], [[1.0], [2.0]], [[]]]
    for answer in answers:
        assert "passes" in told(capsys, lambda x, a=answer: np.array(a), lambda x, a=answer: a, 1.0)
    assert "passes" in told(
        capsys, lambda x: (np.ones(2), np.float32(0.5)), lambda x: ([1.0, 1.0], 0.5), 1.0
    )
    slips = {(1.0, 0.0): "Turned round."}
    said = told(capsys, lambda x: np.array([1.0, 0.0]), lambda x: [0.0, 1.0], 1.0, slips=slips)
    assert said == "your function(1): expected [0, 1], got [1, 0].\nHint: Turned round.\n"


def test_a_function_is_shown_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    def at(f: Any, x: float) -> float:
        return 0.0

    for given, shown in [(square, "square"), (math.exp, "exp"), (lambda x: 1.0, "a function")]:
        said = told(capsys, at, lambda f, x: 1.0, (given, 2.0))
        assert said.startswith(f"at({shown}, 2): expected 1, got 0.")


# ---- wrong ---------------------------------------------------------------------------------------


def test_the_first_wrong_input_is_shown_with_the_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, square, lambda x: 2 * x, 0.0, 2.0, 3.0, 4.0) == (
        "square(3): expected 6, got 9.\nHint: Think again.\n"
    )


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (1.0, math.nan),
        (1.0, "1.0"),
        ([1.0, 2.0], [1.0]),
        ([1.0, 2.0], [2.0, 1.0]),
        ([1.0], 1.0),
        ("yes", "no"),
    ],
)
def test_what_differs_is_refused(
    capsys: pytest.CaptureFixture[str], expected: Any, got: Any
) -> None:
    answer = told(capsys, lambda x: got, lambda x: expected, 1.0)
    assert "passes" not in answer
    assert answer.endswith("Hint: Think again.\n")


@pytest.mark.parametrize(
    ("expected", "got", "is_near"),
    [
        (1.0, 1.00001, True),  # ten times what is forgiven
        (0.0, 1e-8, True),
        (2.0, ((1 + 1e-4) ** 2 - 1) / 1e-4, True),  # the slope of a square, by a nudge
        (2.0, 2.01, False),
        (2.0, -2.0, False),
    ],
)
def test_a_nudge_to_one_side_has_a_hint_of_its_own(
    capsys: pytest.CaptureFixture[str], expected: float, got: float, is_near: bool
) -> None:
    answer = told(capsys, lambda x: got, lambda x: expected, 1.0)
    assert ("Hint: Close, but not exact. Is it a nudge to one side" in answer) == is_near
    assert ("Hint: Think again." in answer) != is_near
    slips = {got: "Turned round."}
    assert "Hint: Turned round." in told(
        capsys, lambda x: got, lambda x: expected, 1.0, slips=slips
    )


def test_numbers_that_look_the_same_are_shown_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(capsys, lambda x: 1.000002, lambda x: 1.0000001, 1.0)
    assert "expected 1.0000001, got 1.000002." in answer


def test_a_known_slip_gets_its_own_hint(capsys: pytest.CaptureFixture[str]) -> None:
    slips = {8.0: "A cube?", 9.0: "A square?"}
    assert told(capsys, square, lambda x: 2 * x, 3.0, slips=slips).endswith("Hint: A square?\n")
    assert told(capsys, lambda x: 7.0, lambda x: 2 * x, 3.0, slips=slips).endswith("again.\n")


def test_an_error_is_shown_with_its_input_and_the_hint(capsys: pytest.CaptureFixture[str]) -> None:
    def fails(x: float) -> float:
        raise ValueError("nothing is right")

    assert told(capsys, fails, abs, 1.0) == (
        "fails(1) raises ValueError: nothing is right\nHint: Think again.\n"
    )


def test_an_attempt_that_changes_its_input_does_not_spoil_the_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def greedy(numbers: list[float]) -> float:
        return sum(numbers.pop() for _ in range(len(numbers)))

    numbers = [1.0, 2.0]
    assert "passes" in told(capsys, greedy, sum, numbers, numbers)
    assert numbers == [1.0, 2.0]


# ---- not written yet -----------------------------------------------------------------------------


def returns_a_stub(x: float) -> Any:
    return ...


def returns_stubs(x: float) -> Any:
    return [x, ...]


def computes_with_a_stub(x: float) -> Any:
    weight: Any = ...
    return weight * x


def unpacks_a_stub(x: float) -> Any:
    weights: Any = ...
    w1, w2 = weights
    return w1 * w2


def calls_a_stub(x: float) -> Any:
    step: Any = ...
    return step(x)


def says_so(x: float) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize(
    "stub",
    [
        returns_a_stub,
        returns_stubs,
        computes_with_a_stub,
        unpacks_a_stub,
        calls_a_stub,
        says_so,
    ],
)
def test_a_stub_is_not_written_yet(capsys: pytest.CaptureFixture[str], stub: Any) -> None:
    assert told(capsys, stub, square, 2.0) == f"{stub.__name__}: not written yet.\n"


def test_a_stub_in_place_of_a_function_is_not_written_yet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(capsys, ..., square, 2.0) == "your function: not written yet.\n"


def test_who_forgets_to_return_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    def forgetful(x: float) -> None:
        x * x

    assert told(capsys, forgetful, square, 2.0) == (
        "forgetful: not written yet. forgetful(2) returns None: is there a `return`?\n"
    )


# ---- what an author gets wrong -------------------------------------------------------------------


def test_a_check_without_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match="one or more inputs, got none"):
        check(square, square, hint="")


def test_an_attempt_that_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="attempt must be the function that you wrote, got 4"):
        check(4, square, 2.0, hint="")  # type: ignore[arg-type]


def test_an_error_in_the_reference_is_not_the_learners() -> None:
    with pytest.raises(ZeroDivisionError):
        check(square, lambda x: x / 0, 2.0, hint="")
