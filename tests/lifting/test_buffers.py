"""Repeated calls run in arrays that are kept, and return what the printed source returns.

The law: loss and gradient have the bits of the source, whatever is called before or at once, and
nobody else holds the returned gradient. Networks in columns differ by rounding alone.
"""

import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import (  # noqa: E402
    MLP,
    Value,
    cross_entropy,
    greater,
    lift,
    log,
    operation,
    pick,
    relu,
    sqrt,
    tanh,
    where,
)
from micrograd_notes.lifting import (  # noqa: E402
    CannotLift,
    Lifted,
    NotChecked,
    compiled,
    in_jax,
)
from micrograd_notes.lifting.codegen.buffered import pool, tape  # noqa: E402
from micrograd_notes.lifting.codegen.buffered.calls import Calls  # noqa: E402
from tests.lifting.examples import EXAMPLES, numbers, values  # noqa: E402
from tests.lifting.programs import KINDS, Program, windows  # noqa: E402

ALIKE = 1e-12  # in columns: of the loss, or of the largest derivative; 4,500 roundings


def assert_like_the_source(program: Lifted, data: Any, in_columns: bool = False) -> None:
    """Compares calls that are made once with the source, at three points and on other data."""
    given = program._inputs.checked(data)
    compiled = program._compiled_for(given)
    given = [g if array.below is not None else g.astype(float)
             for array, g in zip(compiled.inputs, given, strict=True)]
    generator = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        calls = Calls(compiled.fast.program, program.parameters(), given, in_columns)
        for step in range(3):
            theta = program.parameters()
            theta += step * generator.normal(size=theta.shape) / 8
            now = [(g + step) % (g.max() + 1) if g.dtype.kind == "i"
                   else g + step * generator.normal(size=g.shape) / 8 for g in given]
            for mine, other in zip(calls(theta, now), compiled.run(theta, *now), strict=True):
                if calls.is_exact:
                    assert np.array_equal(mine, other, equal_nan=True), compiled.source
                elif np.isfinite(other).all():
                    assert np.abs(mine - other).max() <= ALIKE * np.abs(other).max()


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"outputs"}))
def test_the_kept_programs_have_the_bits_of_their_source(name: str) -> None:
    program, data = EXAMPLES[name]()
    assert_like_the_source(program, data)
    assert_like_the_source(program, data, in_columns=True)


HAZARDS: dict[str, Any] = {  # where NumPy warns of a number that the scalars do not choose
    "sqrt": lambda a, b: where(greater(a, 0.0), sqrt(abs(a * b)), b),
    "log": lambda a, b: where(greater(a, 0.0), log(a), 0.0) * b,
    "divide": lambda a, b: where(greater(a, 0.0), b / a, b),
    "small": lambda a, b: 1e-300 * b * b * (a * 1e-5) ** 2,
    "plain": lambda a, b: b * a,
}


@pytest.mark.parametrize("name", HAZARDS)
@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_numpy_warns_of_nothing_inside_of_a_program(name: str, backend: str) -> None:
    w = [Value(0.5), Value(-0.3), Value(0.2)]
    x = np.array([[0.0, 1.0, -1.0], [0.0, 0.0, 0.0], [1.0, 1e-155, 2.0]])

    def loss(x: Any) -> Any:
        return sum(HAZARDS[name](a, b) for a, b in zip(x, w, strict=True))

    program = lift(loss, parameters=w, backend=backend)
    outputs = lift(MLP(3, [2], seed=0))
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", NotChecked)  # of log(0), which the scalars refuse
        for data in (x, x[:2]):
            found = [program.value_and_grad(program.parameters(), data) for _ in range(4)]
            program.check(data)
            assert len({(loss, *gradient) for loss, gradient in found}) == 1
            assert len({outputs.outputs(outputs.parameters(), data).sum() for _ in range(3)}) == 1


def test_powers_of_a_number_and_functions_that_are_no_ufuncs() -> None:
    w = [Value(0.5), Value(-0.7)]
    data = (np.random.default_rng(0).normal(size=(5, 2)),)
    for base in (2, 0.5, 10):
        program = lift(lambda x, base=base: base ** (w[0] * x[0]) * w[1], parameters=w)
        program(*data)
        assert "where" not in program.source  # whether the base is 0 is known
        assert_like_the_source(program, data)
    between = operation(
        "between", lambda x: min(1.0, max(-1.0, x)), [lambda y, x: greater(1.0, abs(x))],
        numpy="np.clip({0}, -1, 1)",
    )
    program = lift(lambda x: between(w[0] * x[0]) * between(w[1]), parameters=w)
    program(*data)
    assert_like_the_source(program, data)


def test_copies_for_speed_have_the_bits_of_the_source() -> None:
    """Maxima of many short rows are found column by column; products write where a copy would."""
    program, data = EXAMPLES["small_gpt"]()
    many = [np.tile(array, (14, 1)) for array in data]
    assert_like_the_source(program, many)
    compiled = program._compiled_for(many)
    calls: list[Any] = Calls(compiled.fast.program, program.parameters(), many)._tape.calls
    maxima = [call.args[1:2] for call in calls if call.func == np.maximum.reduce]
    assert maxima == [(0,), (0,)]  # along the first axis
    products = [call.args[-1] for call in calls if call.func is np.matmul]
    assert any(not made.flags.c_contiguous for made in products)


@pytest.mark.parametrize(("seed", "times"), [(126, 1), (3, 17)])
def test_arrays_are_stored_as_in_the_source(seed: int, times: int) -> None:
    """The order of sums depends on it: of maxima over two axes, and of products with conditions."""
    loss, parameters, data = windows(random.Random(seed))
    many = [np.concatenate([array] * times) for array in data]
    assert_like_the_source(lift(loss, parameters=parameters), many)


def of_many_unlike_terms(count: int) -> Lifted:
    """Its derivatives are sums of hundreds of terms, of which no two are made alike."""
    w = [Value(0.5), Value(0.3), Value(-0.4)]

    def loss(x: Any) -> Any:
        z = 0.0
        for k in range(count):
            z = z * x + w[k * k % 3] * (k + 1)
        return z

    return lift(loss, parameters=w)


def test_a_sum_of_hundreds_of_terms_is_added_up_without_nesting() -> None:
    program, data = of_many_unlike_terms(400), (np.array([0.1, 0.2]),)
    program(*data)
    assert_like_the_source(program, data)
    assert_like_the_source(program, data, in_columns=True)


def test_what_nests_too_deep_is_refused_or_runs_as_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*arguments: Any) -> Any:
        raise RecursionError

    data, words = np.array([0.1, 0.2]), "numbers make a chain or a sum of more unlike steps"
    with pytest.raises(CannotLift, match=words):
        of_many_unlike_terms(500)(data)
    program = of_many_unlike_terms(5)
    loss = program(data)
    monkeypatch.setattr(pool, "Calls", too_deep)
    assert [program(data) for _ in range(3)] == [loss] * 3
    monkeypatch.setattr(compiled, "emit_c", too_deep)
    with pytest.raises(ValueError, match=words):
        _ = program.c_source
    monkeypatch.setattr(in_jax, "emit", too_deep)
    if find_spec("jax"):
        with pytest.raises(CannotLift, match=words):
            program.jax()(program.parameters(), data)


OF_NUMBERS: list[Any] = [  # with inputs that are one number; labels are 0 to 2
    (lambda w, x, k: w * k * x[0] * x[1], ([1.0, 2.0], 2.0), ([1.0, 2.0], 3.0), ([0.5, 1.0], 4.0)),
    (lambda w, a, b: tanh(w * a - b) ** 2, (1.0, 2.0), (2.0, 1.0), (0.5, -1.0)),
    (lambda w, a: w * a, (1.0,), (2.0,), (0.5,)),
    (lambda w, a, b: where(greater(a, b), w * a, w), (1.0, 2.0), (2.0, 1.0), (0.5, -1.0)),
    (lambda w, a, b: w * a * b, (1, 2), (2, 1), (3, 5)),
    (lambda w, y, b: pick([w, 2 * w, w * w], y) * b, (0, 2.0), (2, 1.0), (1, -1.0)),
]


@pytest.mark.parametrize("which", range(len(OF_NUMBERS)))
@pytest.mark.parametrize("backend", ["numpy", "auto"])
@pytest.mark.parametrize("is_array", [True, False])
def test_inputs_may_be_one_number(which: int, backend: str, is_array: bool) -> None:
    function, *data = OF_NUMBERS[which]
    w, theta = Value(2.0), np.array([2.0])
    program = lift(lambda *given: function(w, *given), parameters=w, batch=False, backend=backend)
    for given in 4 * data:
        w.grad = None
        function(w, *given).backward()
        arrays = [np.asarray(each) for each in given] if is_array else given
        loss, [slope] = program.value_and_grad(theta, *arrays)
        assert loss == pytest.approx(function(w, *given).data, rel=1e-14)
        assert slope == pytest.approx(w.grad, rel=1e-14)
    program.check(*data[0])
    assert program.certify(*data[0], points=1)


def compare_random_programs(count: int) -> None:
    for kind in KINDS:
        for seed in range(count):
            loss, parameters, data = kind(random.Random(seed))
            program = lift(loss, parameters=parameters)
            try:
                program.source_for(*data)
            except (ArithmeticError, ValueError, CannotLift):
                continue
            assert_like_the_source(program, data)
            assert_like_the_source(program, data, in_columns=True)


def test_random_programs_do_what_their_source_does() -> None:
    compare_random_programs(6)


@pytest.mark.long
def test_many_random_programs_do_what_their_source_does() -> None:
    compare_random_programs(200)


@pytest.mark.parametrize("in_columns", [False, True])
def test_an_array_is_lent_again_after_its_last_reader(in_columns: bool) -> None:
    """One more layer needs room for what its backward half reads alone: z and hidden."""
    sizes = []
    for layers in (4, 8):
        program, data = network(16, *[16] * layers, 1)
        theta = program.parameters()
        program(*data)
        calls = Calls(program._known().fast.program, theta, data, in_columns)
        sizes.append(calls._tape.size - 2 * theta.nbytes)
    assert sizes[1] - sizes[0] <= 4 * 2 * 65 * 16 * 8


# ---- in columns: the last bits may differ --------------------------------------------------------


def assert_alike(got: Any, expected: Any) -> None:
    for mine, other in zip(got, expected, strict=True):
        assert np.abs(mine - other).max() <= ALIKE * np.abs(other).max()


def network(*sizes: int, seed: int = 0) -> tuple[Lifted, Any]:
    """Returns a lifted network, and data of 65 examples."""
    inputs, *layers = sizes or (3, 7, 1)
    model = MLP(inputs, layers, seed=seed)
    generator = np.random.default_rng(seed)

    def loss(x: Any, y: Any) -> Any:
        outputs = model(x)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return sum((o - y) ** 2 for o in outputs)

    data = generator.normal(size=(65, inputs)), generator.normal(size=65)
    return lift(loss, model), data


def test_every_number_of_examples_has_its_own_arrays() -> None:
    program, (x, y) = network()
    theta = program.parameters()
    for n in [*range(1, 66), 3, 65, 64, 3]:
        found = [program.next_value_and_grad(theta, x[:n], y[:n]) for _ in range(3)]
        assert_alike(found[0], program._known().run(theta, x[:n], y[:n]))
        for loss, gradient in found[1:]:  # the same bits, whether called before or not
            assert (loss, gradient.tolist()) == (found[0][0], found[0][1].tolist())


@pytest.mark.parametrize("sizes", [(3, 7, 1), (3, 40, 1)])
@pytest.mark.parametrize("labels", [False, True])
def test_sizes_that_take_turns_make_arrays_once_and_are_checked_as_one(
    sizes: tuple[int, ...], labels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, runs = [], []
    really, run = Calls.__init__, Lifted._run

    def makes(self: Calls, *given: Any) -> None:
        made.append(given)
        really(self, *given)

    def runs_with_all_checks(*given: Any) -> Any:
        runs.append(given)
        return run(*given)

    monkeypatch.setattr(Calls, "__init__", makes)
    monkeypatch.setattr(Lifted, "_run", runs_with_all_checks)
    program, (x, y) = network(*sizes)
    if labels:
        w = [Value(0.5), Value(-0.25), Value(2.0)]
        program, y = lift(lambda x, y: pick(w, y) * tanh(x[0] * w[0]), parameters=w), y > 0
        y = y.astype(np.int64)
    theta = program.parameters()
    for _ in range(4):
        for n in (8, 7, 6, 5, 4, 3, 64, 65):
            found = program.next_value_and_grad(theta, x[:n], y[:n])
            assert_alike(found, program._known().run(theta, x[:n], y[:n]))
    assert len(made) == 8
    assert len(runs) == 1


def test_when_the_memory_is_full_further_sizes_run_as_printed(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST", 50_000)
    program, (x, y) = network()
    theta = program.parameters()
    found = {n: set[Any]() for n in range(65, 30, -1)}
    for _ in range(3):
        for n in found:
            loss, gradient = program.next_value_and_grad(theta, x[:n], y[:n])
            found[n].add((loss, *gradient))
    assert all(len(answers) == 1 for answers in found.values())  # the same bits each time
    kept = [calls.size for free in program._known().fast._free for calls in free]
    assert max(kept) < sum(kept) < pool.MOST + max(kept)
    loss, gradient = program._known().run(theta, x[:31], y[:31])
    assert found[31] == {(loss, *gradient)}


@pytest.mark.parametrize("sizes", [(1, 1), (1, 2, 1), (17, 1), (5, 4, 3), (40, 30, 20, 10)])
def test_layers_of_any_sizes_are_one_product(sizes: tuple[int, ...]) -> None:
    program, data = network(*sizes)
    theta = program.parameters()
    for _ in range(3):
        theta = theta + 0.1
        assert_alike(program.next_value_and_grad(theta, *data), program._known().run(theta, *data))
    calls: Any = program._known().fast._made(theta, data)
    products = [call for call in calls._tape.calls if call.func is np.matmul]
    layers = len(sizes) - 1
    assert len(products) <= 3 * layers - 1  # forward, dW over db, and d inputs but for the first


# ---- whose arrays --------------------------------------------------------------------------------


def test_a_returned_gradient_is_nobodys_array() -> None:
    program, data = network()
    theta = program.parameters()
    kept = [program.next_value_and_grad(theta + k, *data)[1] for k in range(5)]
    expected = [program._known().run(theta + k, *data)[1] for k in range(5)]
    for gradient, right in zip(kept, expected, strict=True):
        assert gradient.base is None
        assert_alike([gradient], [right])
        gradient[:] = np.nan  # and it is the caller's to write to
    assert_alike([program.next_value_and_grad(theta, *data)[1]], [expected[0]])


@pytest.mark.parametrize("count", [7, 3000])  # small arrays are copied, large ones are not
def test_data_may_change_and_be_other_arrays(count: int) -> None:
    """In place, as new arrays, as slices with steps, and as one array for two inputs."""
    w = [Value(0.5), Value(-0.25), Value(2.0)]

    def loss(x: Any, y: Any) -> Any:
        return sum((v * a - b) ** 2 * a for v, a, b in zip(w, x, y, strict=True))

    program = lift(loss, parameters={"w": w})
    generator = np.random.default_rng(0)
    x, y, z = generator.uniform(1, 2, (3, count, 3))
    wide = generator.uniform(1, 2, (count, 6))
    theta = program.parameters()
    given = [(x, y), (x, y), (y, x), (x, x), (z, z), (z, y), (wide[:, ::2], x), (x, wide[:, 3:])]
    for first, second in [*given, *given]:
        for now in (theta, theta + 0.1, theta):
            found = program.next_value_and_grad(now, first, second)
            assert_alike(found, program._known().run(now, first, second))
            x *= 1.01
            theta += 0.01
    before = [array.copy() for array in (theta, x, y, z, wide)]
    program.next_value_and_grad(theta, x, y)
    for array, same in zip((theta, x, y, z, wide), before, strict=True):
        assert np.array_equal(array, same)


def test_threads_share_no_arrays() -> None:
    program, (x, y) = network()
    thetas = [program.parameters() + k for k in range(4)]
    expected = [program.value_and_grad(theta, x, y)[1].tolist() for theta in thetas]

    def steps(k: int) -> bool:
        found = [program.next_value_and_grad(thetas[k], x, y)[1].tolist() for _ in range(300)]
        return all(each == expected[k] for each in found)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(steps, range(4)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_found_wherever_it_is(wrong: float) -> None:
    """Also where each unit is off, so that all derivatives of its example are 0."""
    model = MLP(2, [3, 1], activation="relu", seed=0)
    program = lift(lambda x, y: (1 - y * model(x)).relu(), model)
    x, y = np.ones((6, 2)), np.ones(6)
    theta = np.zeros_like(program.parameters())
    for start in (theta, theta - 1.0):
        assert program.next_value_and_grad(start, x, y)[0] >= 0.0
        for array in (x, y):
            for place in np.ndindex(*array.shape):
                broken = array.copy()
                broken[place] = wrong
                data = [broken if each is array else each for each in (x, y)]
                with pytest.raises(ValueError, match="finite"):
                    program.next_value_and_grad(start, *data)


def test_a_large_batch_makes_no_page_faults() -> None:
    resource = pytest.importorskip("resource")
    program, (x, y) = network(64, 32, 10)
    x, y, theta = np.tile(x, (28, 1)), np.tile(y, 28), program.parameters()

    def faults() -> int:
        return int(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)

    for _ in range(3):
        program.next_value_and_grad(theta, x, y)
    before = faults()
    for _ in range(20):
        program.next_value_and_grad(theta, x, y)
    assert faults() - before < 20  # a new (1820, 32) alone has 113 pages


def test_arrays_that_are_too_large_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "MOST", 1000)
    program, data = network()
    theta = program.parameters()
    for _ in range(3):
        loss, gradient = program.next_value_and_grad(theta, *data)
        expected = program._known().run(theta, *data)
        assert (loss, gradient.tolist()) == (expected[0], expected[1].tolist())
    assert not any(program._known().fast._free)


def test_calls_that_do_not_agree_with_the_source_are_not_used() -> None:
    program, data = network()
    theta = program.parameters()
    program.source_for(*data)
    compiled = program._known()
    right = compiled.run
    compiled.fast._run = lambda *given: (right(*given)[0] + 1.0, right(*given)[1])
    assert abs(program.value_and_grad(theta, *data)[0] - right(theta, *data)[0] - 1.0) < 1e-9


def symmetric(width: int, steps: int) -> Program:
    """A recurrent network with the weights A + A.T, some of whose derivatives lie scattered."""
    generator = random.Random(0)
    A = [[Value(generator.uniform(-1, 1)) for _ in range(width)] for _ in range(width)]

    def loss(xs: Any) -> Any:
        h: list[Any] = [0.0] * width
        for x in xs:
            h = [tanh(sum((A[i][j] + A[j][i]) * h[j] for j in range(width)) + x[i])
                 for i in range(width)]
        return sum(a * a for a in h)

    return Program(loss, A, (np.random.default_rng(0).normal(size=(2, steps, width)),))


@pytest.mark.parametrize(("width", "steps"), [(3, 5), (4, 12), (6, 12)])
def test_what_is_added_to_scattered_derivatives_is_new_in_each_call(width: int, steps: int) -> None:
    loss, parameters, data = symmetric(width, steps)
    assert_like_the_source(lift(loss, parameters=parameters), data)


def test_kept_arrays_with_old_numbers_are_found_before_they_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call whose operands seem not to change is left out: here every one that takes rows."""
    model = MLP(3, [4, 3], seed=0)
    program = lift(lambda x, y: cross_entropy(model(x), y), model)
    x, y = np.random.default_rng(0).normal(size=(8, 3)), np.arange(8) % 3
    monkeypatch.setattr(tape.Tape, "made", _never_again)
    for step in range(3):
        theta = program.parameters() + 0.1 * step
        loss, gradient = program.value_and_grad(theta, x + step, y)
        expected, derivatives = program._compiled_for((x, y)).run(theta, x + step, y)
        assert abs(loss - expected) <= ALIKE * abs(expected)
        assert abs(gradient - derivatives).max() <= ALIKE * abs(derivatives).max()


def _never_again(self: Any, function: Any, *operands: Any, is_batched: bool = False) -> Any:
    return self.kept(function(*operands))


def test_slopes_of_some_weights_that_are_only_decayed() -> None:
    """They are conditions at some places, which `np.take` does not make floats of."""
    v = values(0, 5)

    def loss(x: Any, y: Any) -> Any:
        w = [relu(a) for a in v]
        return (x * w[3] - y) ** 2 + sum(a * a for a in w)

    program, data = lift(loss, parameters={"v": v}), (numbers(0, 4), numbers(1, 4))
    first, *others = [program.value_and_grad(program.parameters(), *data) for _ in range(4)]
    for other in others:
        assert other[0] == first[0]
        assert (other[1] == first[1]).all()
