"""Runs the tests against one mutant, in a copy of the tree and in a process of its own.

The copy is made once a worker. What the tests import, all but the package, is imported before the
fork, so that a mutant costs no more than its own tests.
"""

import contextlib
import importlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.mutation.mutants import Mutant

ROOT = Path(__file__).resolve().parents[2]

# Which tests, by file; the second list only for a mutant that the first has not killed.
_OF_ROWS = (
    ["tests/engine/test_accurate.py", "tests/engine/test_ops.py"],
    [
        "tests/engine/test_taylor.py", "tests/engine/test_engine.py", "tests/nn/test_nn.py",
        "tests/cli/test_expression.py",
    ],
)
_OF_GRAPHS = (
    ["tests/engine/test_engine.py", "tests/engine/test_anomaly.py"],
    [
        "tests/engine/test_ops.py", "tests/nn/test_nn.py", "tests/nn/test_saving.py",
        "tests/train/test_watching.py",
    ],
)
_OF_NETWORKS = (
    ["tests/nn/test_nn.py"], ["tests/nn/test_saving.py", "tests/engine/test_engine.py"],
)
_ROWS = ("ops", "helper_ops", "facts", "functions")
_GRAPHS = ("value", "backward", "fast", "anomaly")
_HAVE_OTHER_TESTS = {"__init__", "losses", "saving", "vectors"}  # test_gpt has those of vectors
_NETWORKS = {path.stem for path in (ROOT / "micrograd_notes/nn").glob("*.py")}
_STAGES = {
    "engine/accurate": (_OF_ROWS[0], []),
    **{f"engine/{stem}": _OF_ROWS for stem in _ROWS},
    **{f"engine/{stem}": _OF_GRAPHS for stem in _GRAPHS},
    **{f"nn/{stem}": _OF_NETWORKS for stem in sorted(_NETWORKS - _HAVE_OTHER_TESTS)},
}
TESTS = {
    f"micrograd_notes/{place}.py": ([f"micrograd_notes/{place}.py", *quick], slow)
    for place, (quick, slow) in _STAGES.items()
}
IMPORTED_ONCE = ["pytest", "hypothesis", "hypothesis.strategies", "mpmath", "numpy", "pickle"]
PATIENCE = 5  # times what the tests take without a mutant; an endless loop ends there
GIBIBYTE = 2**30

_copy = Path()
_seconds_by_test: dict[str, float] = {}
_seconds_by_stage: dict[tuple[str, ...], float] = {}
_digests: dict[tuple[str, str], str] = {}


def start(root: str, files: set[str]) -> None:
    """Makes the copy, and runs the tests of the files there once without a mutant."""
    global _copy
    _copy = Path(tempfile.mkdtemp(prefix="mutation-")) / "tree"
    for part in ("micrograd_notes", "tests", "pyproject.toml", "README.md"):
        source = Path(root, part)
        if source.is_dir():
            shutil.copytree(source, _copy / part)
        else:
            shutil.copy(source, _copy / part)
    sys.path[:] = [str(_copy), *(path for path in sys.path if path not in ("", root))]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"  # its entry point would import the package
    for name in IMPORTED_ONCE:
        importlib.import_module(name)
    for file in files:
        for stage in filter(None, map(tuple, TESTS[file])):
            if stage not in _seconds_by_stage:
                _seconds_by_stage[stage] = _timed(stage)
    # The compiled files stay for those that are not mutated; a mutant leaves none.
    sys.dont_write_bytecode = True


def survives(mutant: Mutant) -> bool:
    """Returns whether all tests pass with the mutant in the package."""
    with _in_place(mutant):
        return all(
            _in_a_fork(lambda stage=stage: _run_tests(stage, mutant.name), stage) == 0  # type: ignore[misc]
            for stage in map(tuple, TESTS[mutant.file])
            if stage
        )


def computes_the_same(mutant: Mutant) -> bool:
    """Returns whether the mutant gives the same bits as the original on 10,000 inputs."""
    place = (mutant.file, mutant.name)
    if place not in _digests:
        _digests[place] = _digest(*place)
        if _digests[place].startswith("ended"):
            raise AssertionError(f"nothing can be computed for {place}: see {_copy}/log")
    with _in_place(mutant):
        return _digest(*place) == _digests[place]


@contextlib.contextmanager
def _in_place(mutant: Mutant) -> Any:
    file = _copy / mutant.file
    original = file.read_bytes()
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
        compiled.unlink()
    file.write_text(mutant.text, encoding="utf-8")
    try:
        yield
    finally:
        file.write_bytes(original)


def _timed(stage: tuple[str, ...]) -> float:
    seconds = _copy / "seconds"
    start = time.process_time()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if _in_a_fork(lambda: _run_tests(stage, "", seconds), None) != 0:
        raise AssertionError(f"the tests fail without a mutant: {' '.join(stage)}, in {_copy}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    for line in seconds.read_text(encoding="utf-8").splitlines():
        took, _, test = line.partition(" ")
        _seconds_by_test[test] = float(took)
    return after.ru_utime - before.ru_utime + time.process_time() - start


def _in_a_fork(work: Callable[[], int], stage: tuple[str, ...] | None) -> int:
    """Returns the work's exit status; negative if it had to be ended."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            os.setsid()
            os.chdir(_copy)
            log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            resource.setrlimit(resource.RLIMIT_AS, (6 * GIBIBYTE, 6 * GIBIBYTE))
            if stage is not None:
                limit = int(PATIENCE * _seconds_by_stage.get(stage, 20.0)) + 5
                resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
                signal.alarm(10 * limit)  # for what waits and takes no time
            for name in list(sys.modules):  # the copy has tests of its own
                if name.split(".")[0] in ("tests", "micrograd_notes"):
                    del sys.modules[name]
            status = work()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)
    _, waited = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(waited)


def _run_tests(stage: tuple[str, ...], name: str, seconds: Path | None = None) -> int:
    """Runs in the fork: pytest on the stage, up to the first failure."""
    import pytest
    from hypothesis import Phase, settings

    # A failure is enough; nobody reads the smallest one. The same examples for each mutant.
    settings.register_profile(
        "mutation", phases=[Phase.explicit, Phase.generate], database=None, derandomize=True
    )
    settings.load_profile("mutation")
    import micrograd_notes

    assert Path(micrograd_notes.__file__).is_relative_to(_copy)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"]
    return int(pytest.main([*options, *stage], plugins=[_Order(name, seconds)]))


class _Order:
    """A plugin of pytest: tests that name the mutated function first, quick ones before slow."""

    def __init__(self, name: str, seconds: Path | None) -> None:
        self.name = name.rpartition(".")[2].strip("_")
        self.seconds = seconds

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        def rank(item: Any) -> tuple[bool, float]:
            return not self.name or self.name not in item.nodeid, _seconds_by_test.get(
                item.nodeid, 0.0
            )

        items.sort(key=rank)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if self.seconds is not None and report.when == "call":
            with self.seconds.open("a", encoding="utf-8") as file:
                file.write(f"{report.duration} {report.nodeid}\n")


def _digest(file: str, name: str) -> str:
    def write() -> int:
        from tests.mutation.same_bits import digest

        Path("digest").write_text(digest(file, name), encoding="utf-8")
        return 0

    status = _in_a_fork(write, ())
    if status != 0:
        return f"ended with {status}"
    return (_copy / "digest").read_text(encoding="utf-8")
