"""A call may be interrupted anywhere, by Ctrl-C, or by a signal whose handler calls the program.

The law: wherever an exception lands in a call, the next calls give right numbers, and C has no
address of an array that may be gone. Wherever a handler calls the same program, both calls give
right numbers.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd_notes import lifting
from micrograd_notes.lifting import Lifted
from micrograd_notes.lifting.native import call as in_c
from tests.lifting.native.by_hand import needs_cc, squares

FILES = {
    "c": [in_c.__file__],
    "numpy": [
        str(Path(lifting.__file__).parent / name)
        for name in ("guards/again.py", "codegen/buffered/pool.py", "codegen/buffered/calls.py")
    ],
}
both = pytest.mark.parametrize("backend", [pytest.param("c", marks=needs_cc), "numpy"])
events = pytest.mark.parametrize("event", ["line", pytest.param("opcode", marks=pytest.mark.long)])

SIZES = 5, 5, 3, 5  # numbers of examples of the calls in a row
GENERATOR = np.random.default_rng(0)
DATA = [(GENERATOR.normal(size=(n, 4)), GENERATOR.normal(size=n)) for n in SIZES]
THETAS = [GENERATOR.normal(size=4) for _ in SIZES]

Answer = tuple[float, list[float]]


def answers(program: Lifted) -> Iterator[Answer]:
    """Calls it in a row: with new numbers and new parameters, and with those of before."""
    held: list[Any] = []
    for k, data in enumerate(DATA):
        for theta in (THETAS[k], THETAS[0]):
            loss, gradient = program.next_value_and_grad(theta, *data)
            held = [*held[-2:], gradient]  # so C must write elsewhere
            yield loss, gradient.tolist()


def prepared(backend: str) -> tuple[Lifted, list[Answer]]:
    """Returns a program that has run on all sizes, and its answers."""
    program = squares(backend)
    for k in (3, 0):
        program.value_and_grad(THETAS[k], *DATA[k])
    expected = [*answers(program)]
    assert program.backend == backend
    return program, expected


class Places:
    """Counts the places in a backend where a call may be interrupted; does something at one."""

    def __init__(
        self, backend: str, event: str, action: Callable[[], None], at: int = -1
    ) -> None:
        self.files, self.event, self.action, self.at = FILES[backend], event, action, at
        self.count = 0

    def __call__(self, frame: Any, event: str, given: Any) -> Any:
        if frame.f_code.co_filename in self.files:
            frame.f_trace_opcodes = self.event == "opcode"
            if event == self.event:
                self.count += 1
                if self.count == self.at:
                    self.action()
        return self

    def __enter__(self) -> "Places":
        self.before = sys.gettrace()
        sys.settrace(self)
        return self

    def __exit__(self, *error: object) -> None:
        sys.settrace(self.before)


def interrupt() -> None:
    raise KeyboardInterrupt


def assert_whole(ready: in_c.Ready) -> None:
    """Asserts that C gets the addresses of arrays that are kept."""
    assert list(ready._pointers) == [in_c.address(array) for _, array, *_ in ready.data]
    assert ready._given[in_c.THETA] == in_c.address(ready.theta)
    kept = [0 if each is None else in_c.address(each) for each in ready._gradients]
    assert ready._places == kept
    assert ready._given[in_c.GRADIENT] in kept


@both
@events
def test_after_an_exception_anywhere_in_a_call_the_next_ones_are_right(
    backend: str, event: str
) -> None:
    program, expected = prepared(backend)
    with Places(backend, event, interrupt) as places:
        assert [*answers(program)] == expected
    hits = 0
    for at in range(1, places.count + 1):
        try:
            with Places(backend, event, interrupt, at):
                assert [*answers(program)] == expected  # one that makes less anew is shorter
        except KeyboardInterrupt:
            hits += 1
        if isinstance(call := program.in_c(), in_c.Call):
            for ready in call._local.free:
                assert_whole(ready)
        loss, gradient = program.next_value_and_grad(THETAS[-1], *DATA[-1])  # what was left behind
        assert (loss, gradient.tolist()) == expected[-2], at
        assert [*answers(program)] == expected, at
    assert hits > 0.9 * places.count > 100


@both
@events
def test_a_call_inside_of_a_call_has_arrays_of_its_own(backend: str, event: str) -> None:
    program, expected = prepared(backend)
    inside = []

    def handle() -> None:
        loss, gradient = program.next_value_and_grad(THETAS[1], *DATA[1])
        inside.append((loss, gradient.tolist()))

    with Places(backend, event, handle) as places:
        assert [*answers(program)] == expected
    for at in range(1, places.count + 1):
        with Places(backend, event, handle, at):
            assert [*answers(program)] == expected, at
    assert len(inside) > 0.9 * places.count > 100
    assert all(answer == expected[2] for answer in inside)
