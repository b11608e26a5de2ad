"""Where C can't run, or runs wrongly, NumPy runs: with the right numbers, and a word."""

import math
import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd_notes import MLP, Value, lift, logsumexp, relu, sqrt
from micrograd_notes.common.backends import asked_for
from micrograd_notes.lifting import NotInC, compiled
from micrograd_notes.lifting.codegen import CannotPrint
from micrograd_notes.lifting.codegen.c import FLAGS
from micrograd_notes.lifting.codegen.c.emit import emit
from micrograd_notes.lifting.native import backend as native_backend, compiler as compilers
from tests.lifting.examples import EXAMPLES
from tests.lifting.native.by_hand import CC, SQUARES, compiler, edited, needs_cc, squares

X = np.random.default_rng(0).normal(size=(40, 4))
Y = np.random.default_rng(1).normal(size=40)


def answer(program: Any, x: Any = X, y: Any = Y) -> list[float]:
    loss, gradient = program.value_and_grad(program.parameters(), x, y)
    return [loss, *gradient.tolist()]


def assert_numpy_runs(why: str, backend: str = "c") -> None:
    """Asserts that NumPy runs instead of C, with its own bits and a word of that kind."""
    program = squares(backend)
    if backend == "c":
        with pytest.warns(NotInC, match=why):
            got = answer(program)
    else:
        got = answer(program)
    assert got == answer(squares("numpy"))
    with warnings.catch_warnings():  # once is enough
        warnings.simplefilter("error")
        assert answer(program) == got
    kind, _, reason = program.backend.partition(": ")
    assert kind == "numpy"
    assert why in reason


@needs_cc
@pytest.mark.usefixtures("as_printed")
def test_where_c_gets_nan_the_backend_says_so() -> None:
    w = Value(0.3)
    program = lift(lambda x: sqrt(relu(w * x)), parameters=w, backend="c")
    program([1.0, -1.0])
    assert program.backend.startswith("numpy: C got nan or inf in each call so far")


# ---- compilers -----------------------------------------------------------------------------------


@needs_cc
def test_a_source_that_takes_long_to_compile_runs_in_numpy_unless_c_is_asked_for(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    in_numpy = squares()
    answer(in_numpy)
    bound = native_backend.FOR_ONE * in_numpy.source.count("\n")
    printed = list[int]()

    def many_lines(program: Any, title: str) -> str:
        printed.append(1)
        return SQUARES + "\n" * bound

    monkeypatch.setattr(compiled, "emit_c", many_lines)
    for lines, times in ((10, 0), (bound - 1, 0), (bound, 1)):  # it is printed if it may be short
        printed.clear()
        monkeypatch.setattr(native_backend, "LINES", lines)
        assert_numpy_runs(f"more than {lines} lines of C takes long", "auto")
        assert len(printed) == times
    program = squares("c")
    answer(program)
    assert program.backend == "c"


@needs_cc
def test_c_has_more_lines_than_a_short_program_is_refused_by() -> None:
    for name in EXAMPLES:
        if name != "outputs":
            program, data = EXAMPLES[name]()
            program.source_for(*data)
            least = native_backend.FOR_ONE * program.source.count("\n")
            source = emit(program._known().anew(), "")
            assert source.count("\n") > least, name


@pytest.mark.skipif(os.name != "posix", reason="the compiler is a shell script")
@needs_cc
def test_a_program_that_takes_too_long_is_not_tried_again_and_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""
case "$*" in *program.c*)
    grep -q "its own" program.c && echo >> {tmp_path}/tries && exec sleep 1234.5;;
esac
exec {CC} "$@"
"""
    compiler(tmp_path, script, monkeypatch)
    for word, seconds, why in (
        ("its own", 1.0, "did not end within 1 s"), ("its own", 1.0, "did not end in time before"),
        ("another", 60.0, ""),
    ):
        monkeypatch.setattr(compilers, "SECONDS", seconds)
        monkeypatch.setattr(compiled, "emit_c", lambda *_, word=word: f"{SQUARES}/* {word} */\n")
        if why:
            assert_numpy_runs(why)
    program = squares("c")
    assert answer(program) == pytest.approx(answer(squares("numpy")), rel=1e-13)
    assert program.backend == "c"
    assert (tmp_path / "tries").read_text().count("\n") == 1


@needs_cc
@pytest.mark.parametrize("backend", ["c", "auto"])
def test_c_computes_what_numpy_does(backend: str) -> None:
    program = squares(backend)
    expected = answer(squares("numpy"))
    for n in (40, 1, 3):
        assert answer(program, X[:n], Y[:n]) == pytest.approx(
            answer(squares("numpy"), X[:n], Y[:n]), rel=1e-13
        )
    assert program.backend == "c"
    assert answer(program) == pytest.approx(expected, rel=1e-13)
    assert answer(program) == answer(program)  # from the first call on
    assert "loss_and_gradient" in program.c_source


def test_there_is_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert_numpy_runs("there is no C compiler")
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    assert_numpy_runs("no-such-compiler -m64 was not found", "auto")


@pytest.mark.skipif(os.name != "posix", reason="the compiler is a shell script")
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'a.c:1: error: no room'; exit 1", "failed with status 1: a.c:1: error: no room"),
        ('case "$1" in --version) exit 0;; esac; kill -9 $$', "failed with status -9"),
        ("exit 0", "made no library"),
        ('case "$*" in *-o*) echo nonsense > "${@: -2:1}";; esac', "can't be loaded"),
        ("exec yes", "printed more than 1,000,000 letters"),
        ("exec sleep 1234.5", "did not end within 0.5 s"),
        ("sleep 1234.5 & wait", "did not end within 0.5 s"),
    ],
    ids=[
        "fails", "crashes", "makes nothing", "makes nonsense", "prints on", "hangs",
        "a child hangs",
    ],
)
def test_a_compiler_that_fails(
    script: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilers, "SECONDS", 0.5 if "sleep" in script else 20.0)
    path = compiler(tmp_path, script, monkeypatch)
    path.write_text(path.read_text().replace("/bin/sh", "/bin/bash"))
    began = time.monotonic()
    assert_numpy_runs(why)
    assert time.monotonic() - began < 30
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if is_left(path)]


@needs_cc
def test_a_compiler_that_does_not_know_all_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as clang: it refuses two of gcc's flags, and the others are what it is given."""
    flags = tmp_path / "flags"
    script = f"""
case "$*" in *-fno-tree-pre*|*-fvect-cost-model*) echo "error: unknown argument"; exit 1;; esac
echo "$@" >> {flags}
exec {CC} "$@"
"""
    compiler(tmp_path, script, monkeypatch)
    program = squares("c")
    assert answer(program) == pytest.approx(answer(squares("numpy")), rel=1e-13)
    assert program.backend == "c"
    *_, last = flags.read_text().splitlines()
    taken = [flag for flag in FLAGS if flag in last.split()]
    assert [flag for flag in FLAGS if flag not in taken] == [
        "-fvect-cost-model=dynamic",
        "-fno-tree-pre",
    ]
    assert "program.c" in last


@needs_cc
@pytest.mark.parametrize(
    "script",
    ['exec {CC} -ffast-math "$@"', 'exec {CC} -funsafe-math-optimizations "$@"',
     'exec {CC} "$@" -ffast-math'],
)
def test_a_compiler_for_inexact_arithmetic_does_not_change_that_of_python(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(tmp_path, script.replace("{CC}", CC), monkeypatch)
    tiny = float("1e-310")

    def halved() -> float:
        program = squares("c")
        assert answer(program) == pytest.approx(answer(squares("numpy")), rel=1e-13)
        assert program.backend == "c"
        return tiny * 0.5

    with ThreadPoolExecutor(1) as pool:  # such rules are those of a thread
        assert pool.submit(halved).result() == tiny / 2.0 > 0.0


def is_left(command: Path) -> bool:
    with suppress(OSError):
        return b"1234.5" in command.read_bytes().split(b"\0")
    return False


WRONG = {  # what a compiler makes of the source, as a command of sed
    "a factor": r"s/2\.0 \* difference/2.0001 * difference/",
    "the rest of a loop": r"s/i < n; i++/i < n - n % 8; i++/",  # right for 40 examples
}


@needs_cc
@pytest.mark.parametrize("fault", WRONG)
def test_a_compiler_that_compiles_wrongly(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(tmp_path, edited(WRONG[fault]), monkeypatch)
    program = squares("c")
    if fault == "the rest of a loop":
        assert answer(program) == pytest.approx(answer(squares("numpy")), rel=1e-13)
        assert program.backend == "c"
    with pytest.warns(NotInC, match="differs from NumPy"):
        got = answer(program, X[:30], Y[:30])
    assert got == answer(squares("numpy"), X[:30], Y[:30])
    assert answer(program) == answer(squares("numpy"))
    assert program.backend.startswith("numpy: the compiled program differs from NumPy")


def test_a_program_that_cannot_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(program: Any, title: str) -> str:
        raise CannotPrint("it has a loop of a new kind")

    monkeypatch.setattr(compiled, "emit_c", refuses)
    assert_numpy_runs("it has a loop of a new kind")
    program = squares()
    with pytest.warns(NotInC):
        answer(program)
    with pytest.raises(ValueError, match="a loop of a new kind"):
        _ = program.c_source


@needs_cc
def test_derivatives_that_nearly_cancel_are_still_right() -> None:
    """At the least squares the gradient is rounding alone, of terms of size 1."""
    program = squares()
    theta = np.linalg.lstsq(X, Y, rcond=None)[0]
    _, gradient = program.value_and_grad(theta, X, Y)
    assert program.backend == "c"
    assert abs(gradient).max() < 1e-13


# ---- numbers that C does not trust ---------------------------------------------------------------


@needs_cc
def test_what_is_not_finite_is_as_numpy_has_it() -> None:
    program, numpy = squares(), squares("numpy")
    assert answer(program) == pytest.approx(answer(numpy), rel=1e-13)
    for bad in (math.nan, math.inf):
        x = X.copy()
        x[7, 2] = bad
        with pytest.raises(ValueError, match="x must hold finite numbers") as one:
            answer(program, x)
        with pytest.raises(ValueError, match="x must hold finite numbers") as other:
            answer(numpy, x)
        assert str(one.value) == str(other.value)
    theta = program.parameters()
    theta[0] = math.nan
    with pytest.raises(ValueError, match="theta must hold finite numbers"):
        program.value_and_grad(theta, X, Y)
    theta[0] = 1e200  # overflows, as IEEE has it
    assert program.value_and_grad(theta, X, Y)[0] == numpy.value_and_grad(theta, X, Y)[0] == np.inf
    assert program.backend == "c"


@needs_cc
def test_other_types_and_layouts_have_the_same_numbers() -> None:
    program = squares()
    expected = answer(program)
    columns = np.asfortranarray(X)
    for x, y in (
        (X.tolist(), Y.tolist()), (columns, Y), (np.repeat(X, 2, 0)[::2], np.repeat(Y, 2)[::2]),
        (X, Y.astype(object).astype(float)), (X.copy(), Y.copy()), (X, Y),
    ):
        assert answer(program, x, y) == expected
    frozen = X.copy()
    frozen.flags.writeable = False
    assert answer(program, frozen) == expected
    unaligned = np.frombuffer(b"x" + X.tobytes(), np.float64, offset=1).reshape(X.shape)
    assert answer(program, unaligned) == pytest.approx(expected, rel=1e-13)
    theta = np.repeat(program.parameters(), 2)[::2]
    assert program.value_and_grad(theta, X, Y)[0] == expected[0]
    with pytest.raises(ValueError, match=r"theta must be a flat vector of 4"):
        program.value_and_grad(theta[:3], X, Y)
    with pytest.raises(ValueError, match="every input must have one entry per example"):
        answer(program, X, Y[:-1])


@needs_cc
def test_an_array_that_changes_in_place_is_read_again_and_a_gradient_is_nobody_elses() -> None:
    program = squares()
    theta, x = program.parameters(), X.copy()
    results = []
    for _ in range(20):
        x += 0.01
        theta -= 0.001
        results.append((program.value_and_grad(theta, x, Y), theta.copy(), x.copy()))
    fresh = squares()
    fresh.value_and_grad(theta, x, Y)
    for (loss, gradient), its_theta, its_x in results[1:]:
        its_loss, its_gradient = fresh.value_and_grad(its_theta, its_x, Y)
        assert (loss, gradient.tolist()) == (its_loss, its_gradient.tolist())


@pytest.mark.parametrize("backend", ["numpy", pytest.param("c", marks=needs_cc)])
@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
def test_an_array_whose_layout_changes_in_place_is_read_as_it_is_now(backend: str) -> None:
    """Programs keep the arrays of the last call, and that their numbers lie in a row."""
    program = squares(backend)
    theta, x, y = np.repeat(program.parameters(), 2)[:4], X[:4].copy(), Y[:4].copy()

    def assert_alike() -> None:
        expected = squares("numpy").value_and_grad(theta.copy(), x.copy(), y)
        for _ in range(3):
            got = program.value_and_grad(theta, x, y)
            assert [got[0], *got[1]] == pytest.approx([expected[0], *expected[1]], rel=1e-13)

    assert_alike()
    for array, strides in ((x, (8, 32)), (x, (32, 8)), (theta, (16,)), (theta, (8,))):
        array.strides = strides
        assert_alike()
    x.shape = (2, 8)
    with pytest.raises(ValueError, match="one entry per example"):
        program.value_and_grad(theta, x, y)


@needs_cc
def test_a_gradient_is_written_again_once_nobody_holds_it() -> None:
    """Its memory is used again, but not while a name, a list, a view or a buffer has it."""
    program, expected = squares(), squares("numpy")
    theta = program.parameters()
    holders: list[Any] = [
        lambda it: it, lambda it: [it], lambda it: it[1:], lambda it: it[None].T, memoryview,
    ]
    held = []
    for k, hold in enumerate(holders * 2):
        _, gradient = program.value_and_grad(theta * k, X, Y)
        held.append((hold(gradient), hold(gradient.copy())))
        del gradient
    for got, copied in held:
        assert np.asarray(got).tolist() == np.asarray(copied).tolist()
    del held, got
    places = set()
    for k in range(9):
        _, gradient = program.value_and_grad(theta * k, X, Y)
        assert gradient == pytest.approx(expected.value_and_grad(theta * k, X, Y)[1], rel=1e-12)
        places.add(gradient.ctypes.data)
        gradient *= 2.0
        gradient.flags.writeable = False  # a change of the array, not of its memory
    assert len(places) <= 2
    assert program.backend == "c"


# ---- switches ------------------------------------------------------------------------------------


def test_the_variable_overrides_the_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRAD_NOTES_BACKEND", "numpy")
    program = squares("c")
    answer(program)
    assert program.backend == "numpy"
    monkeypatch.setenv("MICROGRAD_NOTES_BACKEND", "fortran")
    with pytest.raises(ValueError, match=r"MICROGRAD_NOTES_BACKEND must be one of .* 'fortran'"):
        squares()
    monkeypatch.delenv("MICROGRAD_NOTES_BACKEND")
    with pytest.raises(ValueError, match=r"backend must be one of numpy, c, auto, got 'C'"):
        squares("C")
    assert asked_for("auto") == "auto"


# ---- threads -------------------------------------------------------------------------------------


@needs_cc
def test_two_programs_and_one_program_in_many_threads() -> None:
    programs = [squares(), squares()]
    w = programs[0].parameters()
    jobs = [(w * k, X[:n] * k, Y[:n]) for k in range(1, 9) for n in (40, 1, 17)]
    numpy = squares("numpy")
    expected = [numpy.value_and_grad(*job) for job in jobs]
    barrier = threading.Barrier(4)

    def work(which: int) -> list[Any]:
        barrier.wait()
        return [programs[which % 2].value_and_grad(*job) for _ in range(20) for job in jobs]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(work, range(4)):
            for (loss, gradient), (its_loss, its_gradient) in zip(
                found, expected * 20, strict=True
            ):
                assert loss == pytest.approx(its_loss, rel=1e-13)
                assert gradient == pytest.approx(its_gradient, rel=1e-12)
    assert [program.backend for program in programs] == ["c", "c"]


# ---- C from the compiler itself ------------------------------------------------------------------


@needs_cc
def test_a_network_runs_in_c_as_it_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("MICROGRAD_NOTES_CACHE", "off")
    monkeypatch.delenv("MICROGRAD_NOTES_BACKEND", raising=False)
    from micrograd_notes.nn.losses import cross_entropy

    model = MLP(3, [4, 3], seed=0)
    x, labels = X[:, :3].copy(), np.arange(40) % 3
    one, other = [
        lift(lambda x, y: cross_entropy([model(x)], [y]), model, backend=backend)
        for backend in ("c", "numpy")
    ]
    assert answer(one, x, labels) == pytest.approx(answer(other, x, labels), rel=1e-11)
    assert one.backend == "c"
    labels[5] = 3
    for program in (one, other):
        with pytest.raises(ValueError, match="must hold whole numbers from 0 to 2, got 3"):
            answer(program, x, labels)


@needs_cc
@pytest.mark.parametrize(
    "seed", [0, *[pytest.param(seed, marks=pytest.mark.long) for seed in (1, 4)]]
)
def test_rounding_that_differs_from_example_to_example_is_not_a_fault(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A soft alignment, whose border of 1e6 stands for infinity: some sums round far more."""
    monkeypatch.undo()
    monkeypatch.delenv("MICROGRAD_NOTES_BACKEND", raising=False)
    softness, weight = Value(0.5), Value(1.1)

    def loss(a: Any, b: Any) -> Any:
        best: list[list[Any]] = [[1e6] * 5 for _ in range(5)]
        best[0][0] = 0.0
        for i, j in product(range(1, 5), repeat=2):
            before = best[i - 1][j], best[i][j - 1], best[i - 1][j - 1]
            soft = -softness * logsumexp([-each / softness for each in before])
            best[i][j] = (weight * a[i - 1] - b[j - 1]) ** 2 + soft
        return best[4][4]

    program = lift(loss, parameters=[softness, weight], backend="c")
    program(*np.random.default_rng(seed).normal(size=(2, 7, 4)))
    assert program.backend == "c"
