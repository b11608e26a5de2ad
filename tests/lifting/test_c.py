"""Lifted programs in C: the same numbers as NumPy, or the request to let NumPy run."""

import ctypes
import math
import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import Any

import pytest

np = pytest.importorskip("numpy")
mpmath = pytest.importorskip("mpmath")

from micrograd_notes import MLP, Value, lift  # noqa: E402
from micrograd_notes.engine import ops  # noqa: E402
from micrograd_notes.engine.functions import pick  # noqa: E402
from micrograd_notes.engine.op import built_in_rows  # noqa: E402
from micrograd_notes.gpt import GPT  # noqa: E402
from micrograd_notes.lifting import NotInC  # noqa: E402
from micrograd_notes.lifting.codegen import CannotPrint, c  # noqa: E402
from micrograd_notes.lifting.codegen.c.evaluate import DEPTH  # noqa: E402
from micrograd_notes.lifting.codegen.c.kernels import kernel_names, with_kernels  # noqa: E402
from micrograd_notes.lifting.program import Lifted  # noqa: E402
from micrograd_notes.nn import activation_names  # noqa: E402
from tests.lifting.examples import EXAMPLES  # noqa: E402
from tests.lifting.in_c import (  # noqa: E402
    COMPILER,
    QUICKLY,
    all_called,
    body_of,
    called,
    compiled,
    loaded,
)
from tests.lifting.programs import KINDS, Program, held  # noqa: E402
from tests.lifting.recurrences import RECURRENCES  # noqa: E402
from tests.lifting.test_random_programs import operands  # noqa: E402

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


FEW = ["lstm", "layers_of_their_own", "kalman_2x2", "neural_ode_rk4", "pendulum", "momentum"]


def close(got: Any, expected: tuple[float, Any]) -> bool:
    """Returns whether two losses and gradients differ by no more than the order of their sums.

    At most some 1000 numbers are added up here, each after some 100 operations. None is not close.
    """
    loss, gradient = expected
    if got is None:
        return False
    size = np.abs(gradient).max(initial=1e-3)
    is_near = abs(got[0] - loss) <= 1e-13 * max(1.0, abs(loss))
    return bool(is_near and np.abs(got[1] - gradient).max(initial=0.0) <= 1e-13 * size)


# ---- random programs -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("first", "count", "flags", "times"),
    [
        (200, 5, QUICKLY, 50),  # 150 examples, some in three blocks
        pytest.param(300, 100, QUICKLY, 50, marks=pytest.mark.long),
        pytest.param(400, 25, c.FLAGS, 1, marks=pytest.mark.long),
    ],
)
def test_random_programs(
    kind: Callable[[random.Random], Program], first: int, count: int, flags: tuple[str, ...],
    times: int,
) -> None:
    expected = [held(kind(random.Random(seed))) for seed in range(first, first + count)]
    programs = [each for each in expected if each is not None]
    results = all_called([(each.lifted, each.data) for each in programs], flags, times)
    for each, result in zip(programs, results, strict=True):
        if result is not None:
            each.hold(*result)
    assert len([result for result in results if result is not None]) >= 0.6 * count


def test_every_row() -> None:
    """Every operation of the table is printed, and has NumPy's numbers."""
    programs = []
    for op in [op for op in built_in_rows() if not op.chooses]:
        generator = random.Random(op.name)
        parameters = [Value(generator.uniform(-1.0, 1.0)) for _ in range(4)]

        def loss(x: Any, y: Any, op: Any = op, parameters: Any = parameters) -> Any:
            pairs = [(p * a + 0.1, a - p) for p, a in zip(parameters, x, strict=True)]
            results = [op(*operands(op, a, b)) for a, b in pairs]
            return sum(result * (y + i) for i, result in enumerate(results)) + parameters[0]

        x = [[generator.uniform(-2, 2) for _ in range(4)] for _ in range(3)]
        data = np.array(x), np.array([0.5, -1.0, 1.5])
        expected = held(Program(lambda x, y, f=loss: f(x, y), parameters, data))
        assert expected is not None
        programs.append(expected)
    results = all_called([(each.lifted, each.data) for each in programs])
    for each, result in zip(programs, results, strict=True):
        assert result is not None, each.lifted.source
        each.hold(*result)


# ---- networks ------------------------------------------------------------------------------------


def classifier(sizes: list[int], count: int, activation: str = "relu") -> tuple[Lifted, Any, Any]:
    generator = np.random.default_rng(0)
    model = MLP(sizes[0], sizes[1:], activation=activation, seed=0)

    def loss(x: Any, label: Any) -> Any:
        logits = model(x)
        return ops.logsumexp(logits) - pick(logits, label)

    X = generator.normal(size=(count, sizes[0]))
    return lift(loss, model, check=False), X, generator.integers(sizes[-1], size=count)


def test_features_and_batches() -> None:
    """Sizes around those of tiles, panels and blocks."""
    cases = [(1, 2, 2, 1), (3, 5, 3, 2), (8, 7, 9, 65), (17, 12, 4, 33), (5, 16, 17, 100)]
    cases.append((300, 4, 8, 129))
    programs = [classifier([a, b, k], n) for a, b, k, n in cases]
    expected = [p.value_and_grad(p.parameters(), X, Y) for p, X, Y in programs]
    results = all_called([(p, (X, Y)) for p, X, Y in programs], c.FLAGS)
    for result, each, case in zip(results, expected, cases, strict=True):
        assert close(result, each), case


def test_activations() -> None:
    programs = [classifier([3, 6, 5, 3], 20, activation) for activation in activation_names()]
    expected = [p.value_and_grad(p.parameters(), X, Y) for p, X, Y in programs]
    results = all_called([(p, (X, Y)) for p, X, Y in programs])
    for result, each, activation in zip(results, expected, activation_names(), strict=True):
        assert close(result, each), activation


def test_gpt() -> None:
    model = GPT("abc", positions=6, width=8, heads=2, seed=0)
    tokens = np.random.default_rng(0).integers(4, size=(10, 6))
    program = lift(model.loss, model, check=False)
    expected = program.value_and_grad(program.parameters(), tokens[:, :5], tokens[:, 1:])
    result = compiled(program)(program.parameters(), tokens[:, :5], tokens[:, 1:])
    assert close(result, expected)


def test_what_is_not_to_be_trusted() -> None:
    """Numbers that are nan or inf, choices out of range: NumPy runs, and raises the error."""
    program, X, Y = classifier([4, 5, 3], 70)
    theta = program.parameters()
    expected = program.value_and_grad(theta, X, Y)
    library = loaded(with_kernels("", body_of(program)), QUICKLY)
    assert close(called(library, theta, [X, Y]), expected)
    for wrong in (math.nan, math.inf, -math.inf):
        other = X.copy()
        other[69, 3] = wrong
        assert called(library, theta, [other, Y]) is None
    for label in (-1, 3, 2**40, -(2**62)):
        labels = Y.copy()
        labels[50] = label
        assert called(library, theta, [X, labels]) is None
    theta[0] = math.nan
    assert called(library, theta, [X, Y]) is None


def test_no_examples() -> None:
    program, X, Y = classifier([4, 5, 3], 2)
    program.source_for(X, Y)
    library = loaded(with_kernels("", body_of(program)), QUICKLY)
    assert called(library, program.parameters(), [X[:0], Y[:0]]) is None


def test_only_its_own_memory_is_written() -> None:
    program, X, Y = classifier([4, 5, 3], 50)
    theta = program.parameters()
    expected = program.value_and_grad(theta, X, Y)
    library = loaded(with_kernels("", body_of(program)), QUICKLY)
    library.work_bytes.restype = ctypes.c_int64
    room = library.work_bytes(ctypes.c_int64(50)) // 8
    kept = theta.copy(), X.copy(), Y.copy()
    work, gradient, loss = np.full(room + 16, 7.0), np.full(len(theta) + 2, 7.0), np.full(3, 7.0)
    inputs = (ctypes.c_void_p * 2)(X.ctypes.data, Y.ctypes.data)
    start = 8 - work.ctypes.data // 8 % 8
    addresses = theta.ctypes.data, gradient[1:].ctypes.data, loss[1:].ctypes.data
    given = [*map(ctypes.c_void_p, addresses), inputs, ctypes.c_void_p(work[start:].ctypes.data)]
    assert library.loss_and_gradient(ctypes.c_int64(50), *given) == 0
    assert close((loss[1], gradient[1:-1]), expected)
    assert all((a == b).all() for a, b in zip(kept, (theta, X, Y), strict=True))
    assert {*gradient[[0, -1]], *loss[[0, 2]], *work[:start], *work[start + room :]} == {7.0}


def test_threads() -> None:
    """A program keeps nothing between calls, so that each thread needs a work area alone."""
    program, X, Y = classifier([4, 20, 3], 200)
    theta = program.parameters()
    program.source_for(X, Y)
    library = loaded(with_kernels("", body_of(program)))
    single = called(library, theta, [X, Y])
    assert single is not None
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda _: called(library, theta, [X, Y]), range(100))
    assert all(r is not None and r[0] == single[0] and (r[1] == single[1]).all() for r in results)


# ---- programs of other kinds ---------------------------------------------------------------------


@pytest.mark.long
def test_examples() -> None:
    """Losses as learners write them, for other numbers of examples than one block holds."""
    programs = []
    for name in [name for name in EXAMPLES if name != "outputs"]:
        program, data = EXAMPLES[name]()
        more = tuple([np.concatenate([part] * 30) for part in data])
        expected = program.value_and_grad(program.parameters(), *more)
        programs.append((name, (program, more), expected))
    results = all_called([each for _, each, _ in programs])
    for (name, _, expected), result in zip(programs, results, strict=True):
        assert close(result, expected), name


@pytest.mark.parametrize("names", [FEW, pytest.param([*RECURRENCES], marks=pytest.mark.long)])
def test_recurrences(names: list[str]) -> None:
    """What a step makes is not mixed up with other steps, and blocks are not with other blocks."""
    programs = []
    for name in names:
        program, data = RECURRENCES[name](8)
        times = -(-100 // len(data[0])) if program._net.is_batched else 1
        more = tuple([np.concatenate([part] * times) for part in data])
        expected = program.value_and_grad(program.parameters(), *more)
        programs.append((name, (program, more), expected))
    results = all_called([each for _, each, _ in programs], QUICKLY)
    for (name, _, expected), result in zip(programs, results, strict=True):
        assert close(result, expected), name


def test_what_a_loop_keeps_is_made_where_it_lies() -> None:
    """A step's numbers are not copied, but for a state that is read while the next one is made."""
    for name in ("recurrent", "lstm", "kalman", "small_gpt"):
        program, data = EXAMPLES[name]()
        program.value_and_grad(program.parameters(), *data)
        copies = re.findall(r"^ +\w+\[(\w+)\] = (\w+)\[\1\];$", program.c_source, re.MULTILINE)
        assert all("_next" in source for _, source in copies), (name, copies)


def test_a_derivative_that_is_made_step_by_step_is_not_set_to_0_before() -> None:
    program, data = RECURRENCES["layers_of_their_own"](8)
    more = tuple([np.concatenate([part] * 40) for part in data])
    expected = program.value_and_grad(program.parameters(), *more)
    assert "memset(dtheta + 72," in program.c_source  # behind all weights
    assert close(compiled(program, QUICKLY)(program.parameters(), *more), expected)


def test_a_derivative_of_several_terms() -> None:
    """Nothing is 0 before: the first term fills the array, whatever kind of term it is."""
    model = MLP(3, [4, 3], seed=0)
    rows = [neuron.w for neuron in model.layers[0].neurons]

    def loss(x: Any, y: Any) -> Any:
        hidden = model(x)
        twice = [sum(w * v for w, v in zip(row, x, strict=True)) for row in rows]
        flat = [w * x[0] + w * w * y for row in rows for w in row]
        return sum(h * h for h in hidden) + sum(flat) + ops.exp(sum(t * t for t in twice) * 0.01)

    generator = np.random.default_rng(0)
    data = generator.normal(size=(70, 3)), generator.normal(size=70)
    program = lift(loss, model, check=False)
    expected = program.value_and_grad(program.parameters(), *data)
    assert close(compiled(program, QUICKLY)(program.parameters(), *data), expected)


def test_one_loss_of_all() -> None:
    """With batch=False, the function itself loops over the examples."""
    a, b = Value(0.5), Value(-0.25)

    def loss(xs: Any) -> Any:
        return sum((a * x + b) ** 2 for x in xs)

    program = lift(loss, parameters=[a, b], batch=False)
    data = [0.5, 1.5, -2.0]
    expected = program.value_and_grad(program.parameters(), data)
    result = compiled(program, QUICKLY)(program.parameters(), data)
    assert close(result, expected)


def test_names_that_c_has_itself() -> None:
    scope: dict[str, Any] = {"ops": ops, "w": [Value(0.5), Value(1.5)]}
    body = ["def loss(x, y):", "    value = w[0] * x"]
    for name in ["double", "int", "NAN", "product", "pack", "linux", "i", "nb", "größe", "exp_"]:
        body += [f"    {name} = ops.tanh(value * w[1] + y)", f"    value = {name} * {name} + w[0]"]
    exec("\n".join([*body, "    return value"]), scope)
    program = lift(scope["loss"], parameters=scope["w"])
    data = np.array([0.5, -1.0]), np.array([0.25, 0.75])
    expected = program.value_and_grad(program.parameters(), *data)
    result = compiled(program, QUICKLY)(program.parameters(), *data)
    assert close(result, expected)


def test_what_can_not_be_printed_is_refused() -> None:
    outputs = lift(MLP(2, [3], seed=0))
    outputs([[1.0, 2.0]])
    with pytest.raises(CannotPrint, match="it computes outputs, not a loss"):
        body_of(outputs)


# ---- products ------------------------------------------------------------------------------------

PRODUCT = """
void each_product(const int64_t *sizes, const double *A, const double *B, double *C, double *room) {
    const int64_t M = sizes[0], K = sizes[1], N = sizes[2], ar = sizes[3], ac = sizes[4];
    if (sizes[7]) {
        const int64_t br = sizes[5], bc = sizes[6];
        product_packing(room, M, K, N, A, ar, ac, B, br, bc, C, N, 0, 0);
        product_packing(room, M, K, N, A, ar, ac, B, br, bc, C, N, 1, 1);
        return;
    }
    if (room) pack(K, N, B, sizes[5], sizes[6], room);
    B = room ? room : B;
    product(M, K, N, A, ar, ac, B, room ? 8 : sizes[5], room ? 8 * K : 8, C, N, 0, 0);
    product(M, K, N, A, ar, ac, B, room ? 8 : sizes[5], room ? 8 * K : 8, C, N, 1, 1);
}
"""


@pytest.mark.parametrize("packed", ["", "whole", "in stretches"])
@pytest.mark.parametrize("is_turned", [True, False])
def test_products(packed: str, is_turned: bool) -> None:
    """Sizes around those of tiles, of blocks of rows, and of what is copied and packed.

    Small whole numbers have exact products. Behind B lie seven numbers that may be read.
    """
    function = loaded(with_kernels("a test", PRODUCT)).each_product
    generator = np.random.default_rng(0)
    for M, K, N in [(1, 1, 1), (7, 3, 9), (12, 5, 8), (50, 6, 13), (95, 300, 65), (150, 513, 70)]:
        A, B = (generator.integers(-9, 10, size).astype(float) for size in ((M, K), (K, N)))
        expected, places = 2.0 * (A @ B), np.full((M, N), np.nan)
        left = np.asfortranarray(A) if is_turned else A
        right = np.asfortranarray(B) if is_turned and packed else B
        behind = np.concatenate([right.ravel(order="K"), np.full(7, np.nan)])
        sums = min(K, DEPTH) if packed == "in stretches" else K
        room = np.full(-(-N // 8) * 8 * sums, np.nan) if packed else None
        strides = [stride // 8 for array in (left, right) for stride in array.strides]
        sizes = np.array([M, K, N, *strides, packed == "in stretches"])
        given = [a if a is None else a.ctypes.data for a in (sizes, left, behind, places, room)]
        function(*map(ctypes.c_void_p, given))
        assert (places == expected).all(), (M, K, N)


# ---- functions of numbers ------------------------------------------------------------------------

# The ranges where a function is compared with mpmath, and the ulps that kernels.c states.
FUNCTIONS: dict[str, tuple[float, list[tuple[float, float]]]] = {
    "exp_": (1.0, [(-708, 709.7), (-1, 1), (-40, 40)]),
    "expm1_": (2.0, [(-60, 709.7), (-1, 1), (-1e-5, 1e-5)]),
    "log_": (1.0, [(0, 5), (0.9, 1.1), (0, 1e-300)]),
    "log1p_": (2.0, [(-1, 5), (-0.1, 0.1), (-1e-5, 1e-5), (0, 1e300)]),
    "tanh_": (3.0, [(-20, 20), (-1, 1), (-1e-5, 1e-5)]),
    "erfc_": (5.0, [(-6, 6), (-1, 1), (0, 1e-5), (6, 26)]),
    "sech_squared": (4.0, [(-350, 350), (-1, 1)]),
    "cosh_": (3.0, [(-710.4, 710.4), (-1, 1)]),
}
HARD = [
    0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1e-308, -1e-308, 709.78, 709.79,
    710.475, 710.476, -708.4, -745.13, -745.14, -1.0, -1.0000000000000002, -0.9999999999999999,
    -2.0, 1.0,
    1.7976931348623157e308, 0.34657359027997264, -0.34657359027997264,
]  # fmt: skip


@pytest.fixture(scope="module")
def kernels() -> Callable[..., Any]:
    """Returns the function that computes a kernel for each number of an array, or of two."""
    each = "for (int64_t i = 0; i < n; i++) out[i]"
    given = "int64_t n, const double *restrict x, const double *restrict y, double *restrict out"
    one = [f"void each_{f}({given}) {{ (void)y; {each} = {f}(x[i]); }}" for f in FUNCTIONS]
    two = [
        f"void each_{f}({given}) {{ {each} = {f}(x[i], y[i]); }}"
        for f in ("maximum", "minimum", "logaddexp_")
    ]
    library = loaded(with_kernels("kernels", "\n".join(one + two)))

    def run(name: str, x: Any, y: Any = None) -> Any:
        x = np.ascontiguousarray(x)
        y, out = np.ascontiguousarray(x if y is None else y), np.empty_like(x)
        addresses = [ctypes.c_void_p(array.ctypes.data) for array in (x, y, out)]
        getattr(library, f"each_{name}")(ctypes.c_int64(len(x)), *addresses)
        return out

    return run


@pytest.mark.parametrize("name", FUNCTIONS)
def test_ulps(name: str, kernels: Callable[..., Any]) -> None:
    ulps, ranges = FUNCTIONS[name]
    exact = getattr(mpmath, name[:-1], lambda x: mpmath.sech(x) ** 2)
    with mpmath.workprec(100):
        for low, high in ranges:
            x = np.random.default_rng(0).uniform(low, high, 400)
            for at, got in zip(x.tolist(), kernels(name, x).tolist(), strict=True):
                true = exact(mpmath.mpf(at))
                assert abs(mpmath.mpf(got) - true) <= ulps * np.spacing(abs(float(true))), at


@pytest.mark.parametrize("name", FUNCTIONS)
def test_hard_points(name: str, kernels: Callable[..., Any]) -> None:
    """inf, nan, -0.0, the smallest and the largest numbers, as NumPy has them."""
    x = np.array(HARD)
    others = {"erfc_": np.vectorize(math.erfc), "sech_squared": lambda x: 1.0 / np.cosh(x) ** 2}
    with np.errstate(all="ignore"):
        numpys = others.get(name) or getattr(np, name[:-1])
        assert is_numpys(kernels(name, x), numpys(x), has_signs=True)


@pytest.mark.parametrize("name", ["maximum", "minimum", "logaddexp_"])
def test_two_numbers_as_numpy(name: str, kernels: Callable[..., Any]) -> None:
    x, y = (part.reshape(-1) for part in np.meshgrid(HARD, HARD))
    with np.errstate(all="ignore"):
        assert is_numpys(kernels(name, x, y), getattr(np, name.rstrip("_"))(x, y))


def is_numpys(got: Any, expected: Any, has_signs: bool = False) -> bool:
    """Returns whether numbers are those of NumPy, up to the 5 ulps of a kernel and NumPy's own."""
    is_near = (got == expected) | (np.abs(got - expected) <= 6 * np.spacing(np.abs(expected)))
    is_like = np.signbit(got) == np.signbit(expected) if has_signs else True
    return bool(((is_near & is_like) | (np.isnan(got) & np.isnan(expected))).all())


def test_the_kernels_are_printed_as_needed() -> None:
    whole = files("micrograd_notes.lifting.codegen.c").joinpath("kernels.c").read_text("utf-8")
    assert whole.strip() in with_kernels("all", " ".join(kernel_names()))
    few = with_kernels("a maximum", "maximum(a, b)")
    assert "double maximum(" in few
    assert "exp_" not in few


def test_outputs_run_in_numpy_and_say_so() -> None:
    model = MLP(2, [1], seed=0)
    program, why = lift(model, backend="c"), "it computes outputs, not a loss and its gradient"
    with pytest.warns(NotInC, match=f"runs in NumPy, because {why}"):
        outputs = program([[1.0, 2.0]])
    assert program([[1.0, 2.0]]) == outputs  # once is enough
    assert program.backend == f"numpy: {why}"
    program = lift(model, backend="auto")
    program([[1.0, 2.0]])
    assert program.backend == f"numpy: {why}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MICROGRAD_NOTES_BACKEND", "c")
        lift(model)([[1.0, 2.0]])
