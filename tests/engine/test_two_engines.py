"""The engine that is read, and the one that is written out for speed, have the same bits."""

import copy
import gc
import math
import random
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import ref

import pytest

from micrograd_notes import (
    MLP,
    Op,
    Value,
    engine,
    grad,
    hypot,
    logsumexp,
    no_grad,
    operation,
    where,
)
from micrograd_notes.testing.programs.random_programs import Program, random_program

PROGRAMS = 100


def bits(x: float) -> bytes:
    return b"nan" if math.isnan(x) else struct.pack("<d", x)


def all_bits(program: Program) -> list[bytes]:
    """Returns the bits of the value, of its gradients, and of their gradients."""
    inputs = [Value(x) for x in program.inputs]
    output = program(*inputs)
    output.backward()
    found = [output.data, *(x.grad for x in inputs)]
    for first in grad(output, inputs):
        found.append(first.data)
        if first.requires_grad:
            found += [second.data for second in grad(first, inputs)]
    return [bits(x) for x in found]


def test_both_engines_have_the_same_bits_on_random_programs() -> None:
    generator = random.Random(12)
    for _ in range(PROGRAMS):
        program = random_program(generator, most=20)
        found = {}
        for which in ("fast", "reference"):
            engine.use(which)
            try:
                found[which] = all_bits(program)
            except (ArithmeticError, ValueError) as error:  # a derivative that is nowhere defined
                found[which] = [str(error).encode()]
        assert found["fast"] == found["reference"], program


def test_a_training_step_has_the_same_bits() -> None:
    found = []
    for which in ("fast", "reference"):
        engine.use(which)
        model = MLP(2, [4, 1], seed=3)
        (model([0.3, -0.7]) ** 2).backward()
        with no_grad():
            assert model([0.3, -0.7]).operands == ()
        found.append([p.grad.hex() for p in model.parameters()])
    assert found[0] == found[1]
    assert any(float.fromhex(text) for text in found[0])


def test_an_engine_has_a_name() -> None:
    with pytest.raises(ValueError, match=r"engine must be one of fast, reference, got 'quick'"):
        engine.use("quick")


def test_a_print_in_the_plain_engine_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a learner changes in `value.py` runs, once the plain engine is in use."""
    seen: list[str] = []
    plain = engine.value.record

    def record(op: Op, operands: tuple[Any, ...]) -> Any:
        seen.append(op.name)
        return plain(op, operands)

    monkeypatch.setattr(engine.value, "record", record)
    engine.use("reference")
    Value(2.0) * 3.0 + 1.0
    assert seen == ["multiply", "add"]


class Special(Value):
    """A Value of the user's own, which adds nothing to how it is recorded."""

    __slots__ = ()


@pytest.mark.parametrize("which", ["fast", "reference"])
def test_a_subclass_is_recorded_as_a_value_is(which: str) -> None:
    engine.use(which)
    x = Special(2.0)
    for y in (x * x, 2.0 * x, x.tanh(), x.clamp(0.0, 3.0), logsumexp(x, 1.0)):
        y.backward()
    assert x.has_grad
    assert grad(x**3, [x])[0].data == 12.0


class Own(Value):
    """A number that records in its own way."""

    __slots__ = ()

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> Any:
        return f"own {op.name}"


@pytest.mark.parametrize("which", ["fast", "reference"])
def test_a_second_operand_may_record_in_its_own_way(which: str) -> None:
    engine.use(which)
    assert hypot(Value(1.0), Own(1.0)) == "own hypot"
    assert Value(1.0) * Own(1.0) == "own multiply"


@pytest.mark.parametrize("which", ["fast", "reference"])
def test_what_changed_is_refused_also_where_no_gradient_flows(which: str) -> None:
    """`where` takes a number out of its question, and sends no gradient back into it."""
    engine.use(which)
    c, a, b = Value(1.0), Value(2.0), Value(3.0)
    y = where(c * 2, a, b)
    c.data = -1.0
    with pytest.raises(RuntimeError, match="was set after"):
        y.backward()
    with pytest.raises(RuntimeError, match="was set after"):
        grad(y, [a])
    assert not a.has_grad


@pytest.mark.parametrize("which", ["fast", "reference"])
def test_a_leaf_that_is_thawed_later_gets_nothing_from_a_frozen_result(which: str) -> None:
    engine.use(which)
    frozen, x = Value(2.0, requires_grad=False), Value(5.0)
    result = frozen * 3.0
    result.grad = 7.0
    loss = result * x
    frozen.requires_grad = True
    loss.backward()
    assert (frozen.grad, x.grad, result.has_grad) == (0.0, 6.0, False)


@pytest.mark.parametrize("which", ["fast", "reference"])
def test_a_method_takes_a_plain_number(which: str) -> None:
    engine.use(which)
    assert Value.tanh(0.5).data == math.tanh(0.5)
    assert Value.__add__(0.5, 1.0).data == 1.5
    with pytest.raises(TypeError, match="takes numbers and Values, got 'a'"):
        Value.tanh("a")


def test_threads_copy_at_once() -> None:
    """Each with graphs of its own; what one is writing is none of the other's business."""
    def copies() -> None:
        for _ in range(200):
            x = Value(1.0)
            y = x * x
            for _ in range(10):
                y = y * x + x
            assert copy.deepcopy(y).data == y.data

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(copies) for _ in range(4)]:
            done.result()


def test_a_row_that_was_replaced_is_freed() -> None:
    """As when a cell of a notebook runs again."""
    rows = [
        ref(operation("again", lambda x: 2 * x, [lambda y, x: 2.0])) for _ in range(5)
    ]
    Value(1.0).again()  # type: ignore[attr-defined]
    gc.collect()
    assert [row() is not None for row in rows] == [False] * 4 + [True]
