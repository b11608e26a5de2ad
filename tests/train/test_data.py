"""Laws of the data sets: what a seed decides, what a split keeps, the geometry promised."""

import math
import sys
from collections import Counter
from collections.abc import Callable
from importlib import resources

import pytest

from micrograd_notes.train import names as names_file
from micrograd_notes.train.data import (
    DATASETS,
    Dataset,
    circles,
    city_names,
    digits,
    first_names,
    iris,
    load,
    moons,
    spirals,
    xor,
)

DRAWN = [moons, circles, spirals, xor]

# A coordinate is a cosine or a sine of an angle near pi, rounded: each step is within an ulp of 1.
ROUNDING = 4 * sys.float_info.epsilon


@pytest.fixture(params=[*DRAWN, iris, digits], ids=lambda function: function.__name__)
def any_set(request: pytest.FixtureRequest) -> Dataset:
    if request.param in (iris, digits):
        pytest.importorskip("sklearn")
    dataset: Dataset = request.param()
    return dataset


def examples(dataset: Dataset) -> Counter[tuple[tuple[float, ...], int]]:
    """Returns the examples as a bag, to compare data sets whatever their order."""
    return Counter((tuple(inputs), target) for inputs, target in dataset)


# ---- what holds for every set --------------------------------------------------------------------


def test_inputs_are_lists_of_floats_and_targets_whole_numbers(any_set: Dataset) -> None:
    assert all(type(x) is float for row in any_set.inputs for x in row)
    assert all(type(row) is list for row in any_set.inputs)
    assert all(type(target) is int for target in any_set.targets)


def test_every_class_has_examples(any_set: Dataset) -> None:
    assert set(any_set.targets) == set(range(len(any_set.class_names)))
    assert sum(any_set.class_counts().values()) == len(any_set)


def test_a_split_parts_the_examples_and_loses_none(any_set: Dataset) -> None:
    train, held_out = any_set.split(test=0.25, seed=1)
    assert examples(train) + examples(held_out) == examples(any_set)
    assert len(held_out) == round(0.25 * len(any_set))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_a_split_takes_the_same_share_of_each_class(any_set: Dataset, share: float) -> None:
    _, held_out = any_set.split(test=share, seed=2)
    exact_share = len(held_out) / len(any_set)
    for name, count in any_set.class_counts().items():
        assert abs(held_out.class_counts()[name] - count * exact_share) <= 1


def test_a_seed_decides_the_split_and_the_order(any_set: Dataset) -> None:
    assert any_set.split(seed=3) == any_set.split(seed=3)
    assert any_set.split(seed=3) != any_set.split(seed=4)
    assert any_set.shuffled(seed=3) == any_set.shuffled(seed=3)
    assert any_set.shuffled(seed=3) != any_set.shuffled(seed=4)
    assert examples(any_set.shuffled(seed=3)) == examples(any_set)


def test_both_parts_of_a_split_are_mixed_and_not_sorted_by_class(any_set: Dataset) -> None:
    for part in any_set.split():
        assert part.targets != sorted(part.targets)


def test_every_example_is_held_out_by_some_seed() -> None:
    dataset = moons(samples=20)
    held_out = sum((examples(dataset.split(seed=seed)[1]) for seed in range(100)), Counter())
    assert held_out.keys() == examples(dataset).keys()


def test_standardized_features_have_mean_0_and_deviation_1(any_set: Dataset) -> None:
    for before, column in zip(
        zip(*any_set.inputs, strict=True),
        zip(*any_set.standardized().inputs, strict=True),
        strict=True,
    ):
        # n terms, each off by a few roundings of numbers below 100
        rounding = 100 * ROUNDING * len(column)
        mean = math.fsum(column) / len(column)
        assert abs(mean) <= rounding
        deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in column) / len(column))
        assert abs(deviation - (len(set(before)) > 1)) <= rounding


def test_the_held_out_part_is_standardized_by_the_numbers_of_the_training_part() -> None:
    names = {"feature_names": ("x",), "class_names": ("a", "b")}
    train = Dataset("train", [[1.0], [3.0]], [0, 1], **names)  # type: ignore[arg-type]
    held_out = Dataset("held out", [[5.0]], [1], **names)  # type: ignore[arg-type]
    assert train.standardized().inputs == [[-1.0], [1.0]]
    assert held_out.standardized(by=train).inputs == [[3.0]]


# ---- the drawn sets ------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", DRAWN)
def test_the_seed_decides_a_drawn_set(draw: Callable[..., Dataset]) -> None:
    assert draw(seed=5) == draw(seed=5)
    assert draw(seed=5).inputs != draw(seed=6).inputs


@pytest.mark.parametrize("draw", DRAWN)
@pytest.mark.parametrize("samples", [4, 7, 100, 101])
def test_a_drawn_set_has_the_samples_asked_for_in_classes_of_even_size(
    draw: Callable[..., Dataset], samples: int
) -> None:
    dataset = draw(samples=samples)
    counts = dataset.class_counts().values()
    assert len(dataset) == samples
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("draw", DRAWN)
def test_a_drawn_set_comes_shuffled(draw: Callable[..., Dataset]) -> None:
    half = len(draw()) // 2
    assert set(draw().targets[:half]) == set(draw().targets)


def test_noise_is_the_standard_deviation_of_what_is_added() -> None:
    clean = Counter(tuple(row) for row in xor(samples=4000, noise=0).inputs)
    shaken = xor(samples=4000, noise=0.1).inputs
    assert len(clean) == 4
    offsets = [x - round(x) for row in shaken for x in row]
    measured = math.sqrt(math.fsum(offset**2 for offset in offsets) / len(offsets))
    # The estimate of a deviation from n numbers has itself the deviation s / sqrt(2 n).
    assert abs(measured - 0.1) < 5 * 0.1 / math.sqrt(2 * len(offsets))


def test_moons_are_half_circles() -> None:
    for (x, y), target in moons(samples=50, noise=0):
        if target == 0:
            assert abs(math.hypot(x, y) - 1) <= ROUNDING
            assert y >= 0
        else:
            assert abs(math.hypot(x - 1, y - 0.5) - 1) <= ROUNDING
            assert y <= 0.5


def test_circles_have_the_radii_asked_for() -> None:
    for (x, y), target in circles(samples=50, noise=0, factor=0.25):
        assert abs(math.hypot(x, y) - (1, 0.25)[target]) <= ROUNDING


@pytest.mark.parametrize("samples", [10, 11])
def test_moons_and_circles_are_those_of_scikit_learn(samples: int) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    for ours, (points, targets) in [
        (moons(samples, noise=0), datasets.make_moons(samples, shuffle=False)),
        (circles(samples, noise=0), datasets.make_circles(samples, shuffle=False, factor=0.5)),
    ]:
        theirs = [
            ([float(x), float(y)], int(target))
            for (x, y), target in zip(points, targets, strict=True)
        ]
        for inputs, target in ours:
            nearest, label = min(theirs, key=lambda point: math.dist(point[0], inputs))
            assert math.dist(nearest, inputs) <= ROUNDING
            assert label == target
        # and no two of ours are the same point of theirs
        assert len({(round(x, 9), round(y, 9)) for x, y in ours.inputs}) == samples


def test_spirals_wind_outwards_around_one_another() -> None:
    first, second = (
        sorted(
            (math.hypot(*inputs), inputs)
            for inputs, target in spirals(samples=20, noise=0, classes=2)
            if target == arm
        )
        for arm in (0, 1)
    )
    # Two arms are one arm and its mirror image in the centre.
    for (_, (x, y)), (_, (mirrored_x, mirrored_y)) in zip(first, second, strict=True):
        assert abs(x + mirrored_x) <= ROUNDING
        assert abs(y + mirrored_y) <= ROUNDING
    assert [round(radius, 9) for radius, _ in first] == [step / 10 for step in range(1, 11)]


def test_xor_without_noise_is_the_truth_table() -> None:
    for (x, y), target in xor(samples=40, noise=0):
        assert target == int(x) ^ int(y)


def test_drawn_sets_need_only_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("numpy", "sklearn"):
        monkeypatch.setitem(sys.modules, module, None)
    for draw in DRAWN:
        draw().standardized().split()


# ---- the measured sets ---------------------------------------------------------------------------


def test_iris_has_the_columns_asked_for_in_the_order_asked_for() -> None:
    pytest.importorskip("sklearn")
    flowers = iris(columns=("petal width", "sepal length"))
    assert flowers.feature_names == ("petal width", "sepal length")
    assert flowers.inputs == [[row[3], row[0]] for row in iris().inputs]
    assert iris().inputs[0] == [5.1, 3.5, 1.4, 0.2]  # the first flower of Fisher's table
    assert iris("petal width").inputs == [[row[3]] for row in iris().inputs]


def test_digits_are_pictures_between_paper_and_ink() -> None:
    pytest.importorskip("sklearn")
    for pooled, shape in ((False, (8, 8)), (True, (4, 4))):
        dataset = digits(pooled=pooled)
        assert dataset.image_shape == shape
        assert all(0 <= pixel <= 1 for row in dataset.inputs for pixel in row)
        assert [x for row in dataset.image(7) for x in row] == dataset.inputs[7]
    assert max(max(row) for row in digits().inputs) == 1


def test_a_picture_need_not_be_square() -> None:
    flag = Dataset(
        "flag", [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], [0], tuple("abcdef"), ("flag",), (2, 3)
    )
    assert flag.image(0) == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def test_a_pooled_pixel_is_the_mean_of_its_block() -> None:
    pytest.importorskip("sklearn")
    full, pooled = digits(), digits(pooled=True)
    for position in (0, 500, 1796):
        picture = full.image(position)
        for row in range(4):
            for column in range(4):
                block = [picture[2 * row + i][2 * column + j] for i in (0, 1) for j in (0, 1)]
                # Sixteenths add up and halve without rounding: equality is fair.
                assert pooled.image(position)[row][column] == sum(block) / 4


def test_odd_or_even_asks_another_question_of_the_same_pictures() -> None:
    pytest.importorskip("sklearn")
    ten, two = digits(), digits(odd_or_even=True)
    assert two.inputs == ten.inputs
    assert two.targets == [target % 2 for target in ten.targets]
    assert [two.class_names[two.targets[position]] for position in (0, 1)] == ["even", "odd"]


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_without_scikit_learn_the_error_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r'pip install "micrograd-notes\[data\]"'):
        load(name)


# ---- words ---------------------------------------------------------------------------------------


def test_names_of_cities_are_words_of_small_letters_in_order() -> None:
    names = city_names()
    assert names == sorted(set(names))
    assert {"addis ababa", "buenos aires", "hong kong", "port-au-prince", "zurich"} <= set(names)
    assert {letter for name in names for letter in name} <= set("abcdefghijklmnopqrstuvwxyz -")
    # what no city or island is called after
    assert not {"utc", "gmt+3", "est5edt", "pacific", "localtime"} & set(names)


def test_first_names_are_words_of_small_letters_in_order() -> None:
    names = first_names()
    assert names == sorted(set(names))
    assert {"mary", "james", "zulma"} <= set(names)
    assert {letter for name in names for letter in name} <= set("abcdefghijklmnopqrstuvwxyz")
    assert min(map(len, names)) >= 2


def test_names_of_cities_are_those_of_tzdata_whatever_the_machine_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("tzdata")
    before = city_names()
    monkeypatch.setattr(names_file, "available_timezones", lambda: {"Europe/Atlantis"})
    assert city_names() == before


def test_without_tzdata_the_names_are_those_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> None:
        raise ModuleNotFoundError(package)

    monkeypatch.setattr(resources, "files", missing)
    zones = {"America/Indiana/Tell_City", "Asia/Aden", "UTC", "Etc/GMT+3", "US/Pacific", "Zulu"}
    monkeypatch.setattr(names_file, "available_timezones", lambda: zones)
    assert city_names() == ["aden", "tell city"]
    monkeypatch.setattr(names_file, "available_timezones", set)
    with pytest.raises(LookupError, match=r"this machine does not have.*micrograd-notes\[data\]"):
        city_names()


# ---- by name, and refusals -----------------------------------------------------------------------


def test_load_hands_its_options_on() -> None:
    assert load("spirals", samples=30, classes=3) == spirals(samples=30, classes=3)
    assert set(DATASETS) == {"moons", "circles", "spirals", "xor", "iris", "digits"}


def test_unknown_names_and_options_are_refused_with_a_list_of_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"one of moons, circles, spirals, xor, .* got 'mnist'"):
        load("mnist")
    with pytest.raises(TypeError, match=r"moons does not accept radius.*samples, noise, seed"):
        load("moons", radius=2)
    with pytest.raises(ValueError, match=r"petal length, petal width"):
        load("iris", columns=("petal length", "colour"))
    with pytest.raises(ValueError, match="choose from"):
        iris(columns=())


@pytest.mark.parametrize("draw", DRAWN)
@pytest.mark.parametrize(
    "options",
    [
        {"samples": 1},
        {"samples": -5},
        {"samples": 10.5},
        {"samples": "many"},
        {"noise": -0.1},
        {"noise": math.nan},
        {"noise": math.inf},
    ],
    ids=str,
)
def test_options_that_make_no_set_are_refused_by_name(
    draw: Callable[..., Dataset], options: dict[str, object]
) -> None:
    [(name, given)] = options.items()
    with pytest.raises(ValueError, match=rf"{name} must be .*got {given!r}"):
        draw(**options)


def test_shapes_that_make_no_set_are_refused() -> None:
    with pytest.raises(ValueError, match=r"factor must be .*Choose below 1"):
        circles(factor=1)
    with pytest.raises(ValueError, match="classes must be a whole number, 2 or more, got 1"):
        spirals(classes=1)
    with pytest.raises(ValueError, match="samples must be a whole number, 3 or more, got 2"):
        spirals(samples=2)


@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5, 0.001, 0.999, math.nan, "a"])
def test_a_split_that_leaves_a_part_empty_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=r"test.* share to hold out"):
        moons(samples=100).split(test=share)


def test_signs_need_two_classes() -> None:
    assert set(moons().signs()) == {-1, 1}
    assert [(sign + 1) // 2 for sign in moons().signs()] == moons().targets
    with pytest.raises(ValueError, match="needs two classes, got 3 in 'spirals'"):
        spirals().signs()


def test_parts_that_do_not_fit_are_refused() -> None:
    def build(
        inputs: list[list[float]], targets: list[int], shape: tuple[int, int] | None = None
    ) -> Dataset:
        return Dataset("mine", inputs, targets, ("x", "y"), ("a", "b"), shape)

    with pytest.raises(ValueError, match="1 inputs but 2 targets"):
        build([[1.0, 2.0]], [0, 1])
    with pytest.raises(ValueError, match="example 1 of 'mine' must be a list of 2 numbers"):
        build([[1.0, 2.0], [3.0]], [0, 1])
    for label in (2, -1, 0.5):
        with pytest.raises(ValueError, match=f"target 0 of 'mine' is {label}.*from 0 to 1"):
            build([[1.0, 2.0]], [label])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"number of features of .*, got \(2, 2\)"):
        build([[1.0, 2.0]], [0], (2, 2))
    with pytest.raises(ValueError, match="not pictures"):
        moons().image(0)
    with pytest.raises(ValueError, match="same features"):
        moons().standardized(by=Dataset("mine", [[1.0]], [0], ("z",), ("a",)))


def test_its_repr_is_one_line() -> None:
    assert repr(moons()) == "Dataset('moons': 100 examples, 2 features, 2 classes)"
