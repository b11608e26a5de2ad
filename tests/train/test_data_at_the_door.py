"""Laws of what comes in: data that can't be right is refused at once, by example and column.

Every function that takes data is a door, and all doors give the same answer. Right data is right in
every form: lists, arrays, data frames.
"""

import math
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from micrograd_notes import MLP, Value, no_grad
from micrograd_notes.common import checks
from micrograd_notes.nn.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    mse_loss,
)
from micrograd_notes.train.data import Dataset, iris, moons
from micrograd_notes.train.loop import accuracy, default_loss, evaluate, fit, predict
from micrograd_notes.train.recording import Recorder
from micrograd_notes.train.watching import Watcher

NAN = math.nan


def net(outputs: int = 1, inputs: int = 2) -> MLP:
    return MLP(inputs, [3, outputs], activation="tanh", seed=0)


def as_dataset(data: Any) -> Dataset:
    inputs, targets = data
    return Dataset("mine", inputs, targets, ("width", "height"), ("a", "b"))


Door = Callable[[Any], Any]
DOORS: dict[str, Door] = {  # of inputs and targets
    "fit": lambda data: fit(net(), data, epochs=1, progress=False),
    "fit lifted": lambda data: fit(net(), data, epochs=1, progress=False, lifted=True),
    "validation": lambda data: fit(net(), moons(8), validation=data, epochs=1, progress=False),
    "accuracy": lambda data: accuracy(net(), data),
    "evaluate": lambda data: evaluate(net(), data),
    "default_loss": lambda data: default_loss(net(), data),
    "Watcher": lambda data: Watcher(net(), data),
    "Recorder": lambda data: Recorder(net(), data),
    "Dataset": as_dataset,
}
every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)

GOOD = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
def _label(bad: object) -> str:
    """Returns a test's name, the same in every process: an object's text has its address."""
    return re.sub(" (object )?at 0x[0-9a-f]+", "", repr(bad))


BAD_CELLS = [
    NAN,
    math.inf,
    -math.inf,
    10**400,
    None,
    "a",
    "1.5",
    b"1",
    1j,
    object(),
    {},
    {1.0},
    [1.0],
]


@every_door
@pytest.mark.parametrize("bad", BAD_CELLS, ids=_label)
@pytest.mark.parametrize("place", [(0, 1), (2, 0)])
def test_a_bad_number_is_refused_by_example_and_column(
    door: Door, bad: Any, place: tuple[int, int]
) -> None:
    example, column = place
    rows = [list(row) for row in GOOD]
    rows[example][column] = bad
    if bad == [1.0] and door is not as_dataset:
        return  # a model may take lists in a row
    with pytest.raises((ValueError, TypeError)) as refusal:
        door((rows, [0, 1, 1]))
    said = str(refusal.value)
    assert f"example {example} of the inputs" in said
    assert f"in column {column}" in said
    assert checks.shown(bad) in said
    assert len(said) < 400


@every_door
@pytest.mark.parametrize("bad", [NAN, math.inf, None, "cat", {}, {1.0}, object()], ids=_label)
def test_a_bad_target_is_refused_by_example(door: Door, bad: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"example 1 of the targets( of \w+)? is "):
        door((GOOD, [0, bad, 1]))


@every_door
@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {0: 7.0, 1: 9.0},
            r"example 1 of the inputs.* is \{0: 7\.0.*row\[name\] for name in names",
        ),
        ({7.0, 9.0}, "example 1 of the inputs.* is .*not ordered"),
        ("ab", "example 1 of the inputs.* is 'ab'.*float"),
        (None, "example 1 of the inputs.* is None"),
        ([3.0], r"example 1 of .* (has 1 numbers|got \[3\.0\])"),
        ([3.0, 4.0, 5.0], "example 1 of .* (has 3 numbers|got .3.0, 4.0, 5.0)"),
        ([], r"example 1 of .* (has 0 numbers|got \[\])"),
    ],
    ids=str,
)
def test_a_row_that_is_not_a_list_of_numbers_is_refused(door: Door, row: Any, words: str) -> None:
    if door is DOORS["default_loss"] and isinstance(row, list):
        pytest.skip("it asks the model about one row")
    with pytest.raises((ValueError, TypeError), match=words):
        door(([GOOD[0], row, GOOD[2]], [0, 1, 1]))


@every_door
@pytest.mark.parametrize(
    "rows", [{0: [1.0, 2.0]}, {(1.0, 2.0)}, "ab", 3, None, iter(GOOD), object()], ids=_label
)
def test_what_is_not_a_list_of_rows_is_refused(door: Door, rows: Any) -> None:
    with pytest.raises(TypeError, match=r"inputs( of \w+)? must be a list, got"):
        door((rows, [0, 1, 1]))


@every_door
def test_text_as_labels_is_refused_with_how_to_number_classes(door: Door) -> None:
    with pytest.raises(TypeError, match=r"'cat'.*Number the classes from 0: names = sorted"):
        door((GOOD, ["cat", "dog", "dog"]))
    targets = ["cat", "dog", "dog"]
    names = sorted(set(targets))  # as the message says
    door((GOOD, [names.index(target) for target in targets]))


@pytest.mark.parametrize("name", [name for name in DOORS if name != "Dataset"])
def test_a_list_of_pairs_is_told_from_inputs_and_targets(name: str) -> None:
    for count in (1, 2, 3):
        pairs = [([1.0, 2.0], 0), ([2.0, 2.0], 1), ([2.0, 3.0], 1)][:count]
        with pytest.raises(TypeError, match=r"got a list of examples.*\[x for x, _ in pairs\]"):
            DOORS[name](pairs)
    DOORS[name](([x for x, _ in pairs], [y for _, y in pairs]))


@pytest.mark.parametrize("function", [predict, accuracy, evaluate], ids=lambda f: f.__name__)
def test_predict_refuses_the_same_inputs(function: Any) -> None:
    data: Any = [[1.0, NAN]]
    with pytest.raises(ValueError, match="example 0 of the inputs has nan in column 1"):
        function(net(), data if function is predict else (data, [0]))


def test_the_column_has_its_name_where_there_is_one() -> None:
    with pytest.raises(
        ValueError, match=r"example 0 of the inputs has nan in column 1 \('height'\)"
    ):
        as_dataset(([[1.0, NAN]], [0]))
    dataset = as_dataset(([list(row) for row in GOOD], [0, 1, 1]))
    dataset.inputs[2][0] = NAN  # a list can be changed afterwards
    with pytest.raises(
        ValueError, match=r"example 2 of the inputs has nan in column 0 \('width'\)"
    ):
        fit(net(), dataset, progress=False)


# ---- right data in every form --------------------------------------------------------------------


class Frame:
    """What a data frame of pandas or polars offers."""

    def __init__(self, rows: list[list[float]], columns: Sequence[str]) -> None:
        self.rows, self.columns = rows, columns

    def to_numpy(self) -> Any:
        return np.array(self.rows)

    def __iter__(self) -> Any:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.rows)


ROWS, LABELS = moons(20).inputs, moons(20).targets
FORMS = {
    "lists": (ROWS, LABELS),
    "tuples": (tuple(map(tuple, ROWS)), tuple(LABELS)),
    "arrays": (np.array(ROWS), np.array(LABELS)),
    "lists of arrays": ([np.array(row) for row in ROWS], [np.int64(label) for label in LABELS]),
    "arrays of objects": (np.array(ROWS, dtype=object), np.array(LABELS, dtype=object)),
    "floats as labels": (ROWS, [float(label) for label in LABELS]),
    "truths as labels": (ROWS, [label == 1 for label in LABELS]),
    "NumPy's truths as labels": (ROWS, np.array(LABELS) == 1),
    "a data frame": (Frame(ROWS, ["x", "y"]), np.array(LABELS)),
    "fractions": ([[Fraction(x) for x in row] for row in ROWS], LABELS),
}


@pytest.mark.parametrize("lifted", [False, True])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_right_data_gives_the_same_numbers_in_every_form(
    data: Any, outputs: int, lifted: bool
) -> None:
    def numbers(data: Any) -> Any:
        model = net(outputs)
        history = fit(model, data, epochs=2, validation=data, progress=False, lifted=lifted)
        found = [history[name] for name in ("loss", "accuracy", "validation_loss")]
        return found, predict(model, data[0]), accuracy(model, data), evaluate(model, data)

    assert numbers(data) == numbers((ROWS, LABELS))
    inputs, targets = data
    made = Dataset("mine", inputs, targets, ("x", "y"), ("a", "b"))
    assert made == Dataset("mine", ROWS, LABELS, ("x", "y"), ("a", "b"))
    assert all(type(target) is int for target in made.targets)


def test_a_nan_in_a_data_frame_is_named_by_its_column() -> None:
    frame: Any = Frame([[1.0, 2.0], [3.0, NAN]], ["sugar", "alcohol"])
    with pytest.raises(
        ValueError, match=r"example 1 of the inputs has nan in column 1 \('alcohol'"
    ):
        predict(net(), frame)


def test_data_frames_of_pandas_count_by_their_values() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS, columns=["sugar", "alcohol"])
    series = pandas.Series(LABELS, index=range(100, 120))
    for lifted in (False, True):
        found = fit(net(), (frame, series), epochs=2, progress=False, lifted=lifted)
        assert (
            found["loss"]
            == fit(net(), (ROWS, LABELS), epochs=2, progress=False, lifted=lifted)["loss"]
        )
    assert predict(net(), frame) == predict(net(), ROWS)
    made = Dataset("mine", frame, series, frame.columns, ("a", "b"))
    assert made.inputs == ROWS
    assert made.feature_names == ("sugar", "alcohol")
    frame.iloc[3, 1] = None
    with pytest.raises(
        ValueError, match=r"example 3 of the inputs has nan in column 1 \('alcohol'"
    ):
        fit(net(), (frame, series), progress=False)
    texts = pandas.DataFrame({"sugar": [1.0, 2.0], "kind": ["red", "white"]})
    with pytest.raises(TypeError, match=r"example 0 .* has 'red' in column 1 \('kind'\)"):
        predict(net(), texts)


def test_inputs_may_be_values_but_not_in_a_data_set() -> None:
    rows = [[Value(x) for x in row] for row in GOOD]
    assert predict(net(), rows) == predict(net(), GOOD)
    with pytest.raises(TypeError, match=r"example 0 of the inputs has Value\("):
        as_dataset((rows, [0, 1, 1]))
    with pytest.raises(TypeError, match=r"example 1 of the targets is Value\("):
        fit(net(), (GOOD, [0, Value(1.0), 1]), progress=False)
    with pytest.raises(ValueError, match=r"example 0 of the inputs has Value\(.*nan.*in column 1"):
        predict(net(), [[1.0, Value(NAN)]])


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_a_recorder_shows_the_same_examples_in_every_form(data: Any) -> None:
    def activations(data: Any) -> Any:
        model = net()
        logs: dict[str, Any] = {}
        Recorder(model, data)(0, logs)
        return logs["snapshot"].numbers("activations")

    assert activations(data) == activations((ROWS, LABELS))


def test_a_dataset_stands_for_its_inputs() -> None:
    model = net()
    assert predict(model, moons(8)) == predict(model, moons(8).inputs)


def test_inputs_of_several_lengths_are_for_models_that_take_them() -> None:
    def total(x: Sequence[float]) -> Value:
        return Value(sum(x))

    assert predict(total, [[1.0], [1.0, -3.0], []]) == [1, 0, 0]


def test_the_check_takes_a_small_part_of_a_training() -> None:
    rows = [[random.Random(i).random() for _ in range(64)] for i in range(1000)]
    start = time.process_time()
    checks.examples("inputs", rows)
    took = time.process_time() - start
    start = time.process_time()
    model = MLP(64, [1], seed=0)
    for row in rows[:100]:
        model(row)
    assert took < (time.process_time() - start)  # of a tenth of the examples, once


# ---- classes and quantities ----------------------------------------------------------------------


def regression(targets: list[Any]) -> Dataset:
    rows = [[float(i), 1.0] for i in range(len(targets))]
    return Dataset("mine", rows, targets, ("x", "y"), task="regression")


@pytest.mark.parametrize("lifted", [False, True])
@pytest.mark.parametrize(
    "targets", [[0, 1, 1, 0], [-1, 1, 1, -1], [1, 2, 2, 1], [0.5, 3, 1, 2]], ids=str
)
def test_a_regression_has_the_squared_error_and_no_accuracy(
    targets: list[Any], lifted: bool
) -> None:
    data, model = regression(targets), net()
    assert default_loss(model, data) is mse_loss
    for validation in (data, (data.inputs, data.targets)):  # of which nothing else is said
        history = fit(model, data, validation=validation, epochs=2, progress=False, lifted=lifted)
        assert set(history.epochs[0]) == {"loss", "validation_loss", "seconds"}
    assert set(evaluate(model, data)) == {"loss"}
    with pytest.raises(ValueError, match="to measure accuracy, targets in data must be labels"):
        accuracy(model, data)


def test_predictions_of_a_regression_are_numbers() -> None:
    data, model = regression([1.5, 2.5]), net()
    with no_grad():
        numbers = [model(row).data for row in data.inputs]
    assert predict(model, data) == predict(model, data.inputs, task="regression") == numbers
    assert predict(model, data, task="classification") == [int(number > 0) for number in numbers]
    pairs = predict(net(2), data)
    assert [len(pair) for pair in pairs] == [2, 2]
    with pytest.raises(ValueError, match="task must be one of classification, regression"):
        predict(model, data, task="classes")


def test_a_regression_has_no_classes_and_its_targets_do_not_decide_the_split() -> None:
    data = regression([float(i) for i in range(40)])
    assert repr(data) == "Dataset('mine': 40 examples, 2 features, regression)"
    assert data[0] == ([0.0, 1.0], 0.0)
    train, held_out = data.split(test=0.25)
    assert train.task == held_out.task == "regression"
    mirrored = regression([-target for target in data.targets]).split(test=0.25)
    assert [part.targets for part in mirrored] == [
        [-target for target in part.targets] for part in (train, held_out)
    ]
    assert len(held_out) == 10
    assert regression([[1.0, 2.0], [3.0, 4.0]]).targets == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(ValueError, match="class_names must be empty for task='regression'"):
        Dataset("mine", [[1.0]], [1.0], ("x",), ("a",), task="regression")
    with pytest.raises(ValueError, match=r"target 0 of 'mine' is 1\.5.*pass task='regression'"):
        Dataset("mine", [[1.0]], [1.5], ("x",))
    with pytest.raises(ValueError, match=r"signs\(\) needs two classes"):
        data.signs()


@pytest.mark.parametrize(
    ("outputs", "targets"),
    [
        (1, [1, 2]),
        (1, [1.0, 2.0]),
        (1, [0, 1, 2]),
        (1, [0.0, 1.0, 2.0]),
        (1, [-1, 0, 1]),
        (1, np.array([1, 2])),
        (2, [[1, 0], [0, 1]]),
        (3, [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
        (3, np.eye(3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("lifted", [False, True])
def test_what_may_be_classes_or_quantities_is_never_guessed(
    outputs: int, targets: Any, lifted: bool
) -> None:
    model = net(outputs)
    data = ([[1.0, float(i)] for i in range(len(targets))], targets)
    before = model.state_dict()
    with pytest.raises(
        ValueError, match=r"which can be classes or quantities.*loss=mse_loss or Dat"
    ):
        fit(model, data, epochs=1, progress=False, lifted=lifted)
    assert model.state_dict() == before
    fit(model, data, loss=mse_loss, epochs=1, progress=False, lifted=lifted)  # as it says
    said = Dataset("mine", *data, ("x", "y"), task="regression")
    fit(model, said, epochs=1, progress=False, lifted=lifted)


def test_columns_of_one_number_as_targets_are_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"targets must be numbers; got \[0\] among.*row\[0\]"):
        fit(net(), (GOOD, [[0], [1], [1]]), progress=False)
    with pytest.raises(TypeError, match=r"one number \(Value.*\) for a list of 1; predictions"):
        fit(net(), (GOOD, [[0], [1], [1]]), loss=mse_loss, progress=False)


def test_a_one_hot_row_is_answered_with_the_number_of_its_class() -> None:
    with pytest.raises(TypeError, match=r"a one-hot row, give its class, row\.index\(1\)"):
        cross_entropy([Value(1.0), Value(2.0)], [0, 1])
    with pytest.raises(ValueError, match=r"row\.index\(1\)"):
        accuracy(net(2), (GOOD, [[0, 1], [1, 0], [1, 0]]))
    with pytest.raises(ValueError, match=r"row\.index\(1\)"):
        as_dataset((GOOD, [[0, 1], [1, 0], [1, 0]]))


# ---- models and losses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "output", [3.0, None, "a", np.array([0.1, 0.9]), [1.0, 2.0], [Value(1.0), 2]], ids=str
)
@pytest.mark.parametrize("function", [predict, accuracy, evaluate, fit], ids=lambda f: f.__name__)
def test_a_model_that_returns_no_value_is_refused(function: Any, output: Any) -> None:
    class Constant(MLP):
        def __call__(self, x: Any) -> Any:
            return output

    model = Constant(2, [1])
    data = GOOD if function is predict else (GOOD, [0, 1, 1])
    more = {"progress": False} if function is fit else {}
    with pytest.raises(
        TypeError, match=r"model must return a Value, or a list of Values, got .* for example \d"
    ):
        function(model, data, **more)


@pytest.mark.parametrize("lifted", [False, True])
@pytest.mark.parametrize("returned", [3.0, None, [Value(1.0)]], ids=str)
def test_a_loss_that_returns_no_value_is_refused(returned: Any, lifted: bool) -> None:
    with pytest.raises(TypeError, match=r"loss (must )?returns? one Value"):
        fit(net(), moons(8), loss=lambda o, t: returned, progress=False, lifted=lifted)


@pytest.mark.parametrize("lifted", [False, True])
def test_a_frozen_model_has_nothing_to_learn(lifted: bool) -> None:
    model = net()
    for parameter in model.parameters():
        parameter.requires_grad = False
    with pytest.raises(RuntimeError, match="not depend on any trainable parameter"):
        fit(model, moons(8), progress=False, lifted=lifted)


def test_training_without_recording_is_refused() -> None:
    with no_grad(), pytest.raises(RuntimeError, match=r"outside of no_grad\(\)"):
        fit(net(), moons(8), progress=False)


def a_nan_for_the_second(x: Sequence[float]) -> Value:
    return Value(NAN if x[0] == 3.0 else 1.0)


def test_a_nan_is_not_a_class() -> None:
    match = "output of the model for example 1 is nan, which is not a class"
    with pytest.raises(FloatingPointError, match=match):
        predict(a_nan_for_the_second, GOOD)
    with pytest.raises(FloatingPointError, match=match):
        predict(lambda x: [Value(0.0), a_nan_for_the_second(x)], GOOD)
    for function in (accuracy, evaluate):
        with pytest.raises(FloatingPointError, match=match):
            function(a_nan_for_the_second, (GOOD, [0, 0, 1]))
    assert predict(lambda x: Value(math.inf), GOOD) == [1, 1, 1]
    assert predict(lambda x: [Value(-math.inf), Value(math.inf)], GOOD) == [1, 1, 1]


@pytest.mark.parametrize("lifted", [False, True])
def test_a_nan_of_the_validation_is_not_a_class(lifted: bool) -> None:
    model = MLP(1, [1, 1], activation="relu", seed=0)
    model.layers[0].neurons[0].w[0].data = 1e308  # 100 times that is inf, and 0 times inf is nan
    model.layers[1].neurons[0].w[0].data = 0.0
    data, validation = ([[0.0]], [1]), ([[0.0], [100.0]], [0, 1])
    with pytest.raises(FloatingPointError, match="for example 1 is nan"):
        fit(model, data, validation=validation, epochs=1, progress=False, lifted=lifted)


@pytest.mark.parametrize("loss", [mse_loss, hinge_loss, binary_cross_entropy_with_logits])
@pytest.mark.parametrize("bad", ["a", None, object(), NAN], ids=_label)
def test_losses_refuse_targets_that_are_not_numbers(loss: Any, bad: Any) -> None:
    for prediction, target in ((Value(1.0), bad), ([Value(1.0), Value(2.0)], [1, bad])):
        with pytest.raises((TypeError, ValueError), match=r"targets?\b.*got"):
            loss(prediction, target)


# ---- standardizing -------------------------------------------------------------------------------


def column(*numbers: float) -> Dataset:
    return Dataset("mine", [[x] for x in numbers], [0] * len(numbers), ("x",), ("a",))


@pytest.mark.parametrize("start", [0.0, 1e9, 1e15, 1e16, -1e16, 2.0**60, 1e300, 1.7e308, 1e-300])
def test_large_numbers_keep_their_digits(start: float) -> None:
    step = max(math.ulp(start), 1.0 if abs(start) < 1e16 and abs(start) > 1e-9 else math.ulp(start))
    data = column(start, start + step).standardized()
    assert data.inputs == [[-1.0], [1.0]]


numbers = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=100)
@given(st.lists(numbers, min_size=2, max_size=6))
def test_standardized_numbers_are_those_of_exact_arithmetic(column_of: list[float]) -> None:
    exact = [Fraction(x) for x in column_of]
    mean = sum(exact) / len(exact)
    squares = sum((x - mean) ** 2 for x in exact) / len(exact)
    found = [x for [x] in column(*column_of).standardized().inputs]
    if squares == 0:
        assert found == [0.0] * len(found)
        return
    for x, z in zip(exact, found, strict=True):
        # z**2 = (x - mean)**2 / squares; the sums and the root round a few times each
        wanted = math.sqrt((x - mean) ** 2 / squares) if x != mean else 0.0
        assert abs(z) == pytest.approx(wanted, rel=1e-14, abs=1e-14)
        assert z == 0 or wanted < 1e-14 or (z > 0) == (x > mean)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-310, 1e308, 0.7])
def test_a_column_that_never_varies_is_moved_only(value: float) -> None:
    constant = column(*[value] * 7)
    assert constant.standardized().inputs == [[0.0]] * 7
    if value < 1:
        assert column(value + 3.0).standardized(by=constant).inputs == [[pytest.approx(3.0)]]


def test_standardized_takes_a_data_set() -> None:
    by: Any = 3
    with pytest.raises(TypeError, match="by must be a Dataset, got 3"):
        moons(8).standardized(by=by)


def test_a_picture_has_two_sides() -> None:
    shapes: list[Any] = ["22", 4, (2, 2.5), (4,), (0, 4), (-2, -2), (2, 2, 1)]
    for shape in shapes:
        with pytest.raises((TypeError, ValueError), match="image_shape"):
            Dataset("mine", [[1.0, 2.0, 3.0, 4.0]], [0], tuple("abcd"), ("a",), shape)


def test_no_library_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("numpy", "pandas"):
        monkeypatch.setitem(sys.modules, module, None)
    assert accuracy(net(), (GOOD, [0, 1, 1])) >= 0


def test_standardized_measured_sets_are_what_they_were() -> None:
    pytest.importorskip("sklearn")
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    theirs = preprocessing.StandardScaler().fit_transform(iris().inputs)
    assert np.allclose(iris().standardized().inputs, theirs, rtol=0, atol=1e-13)
