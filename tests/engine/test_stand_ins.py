"""Other values stand for leaves, in the running context: for each operation, wherever they come."""

import threading
from typing import Any

import pytest

from micrograd_notes import TABLE, Value, no_grad
from micrograd_notes.engine.op import Op
from micrograd_notes.engine.stand_ins import standing_in

ROWS = [op for op in TABLE.values() if op.arity in (1, 2)]


class Own(Value):
    """Records in its own way."""

    @staticmethod
    def _apply_(op: Op, operands: tuple[Any, ...]) -> Any:
        return f"{op.name} of its own"


def numbers(op: Op, first: float) -> list[Value]:
    """Returns operands that the row takes, on the other side of 1 for acosh."""
    return [Value(first + (op.name == "acosh")), Value(first + 0.75)][: op.arity]


def called(op: Op, leaves: list[Value]) -> Any:
    """Calls a row as learners do: by its sign where it has one, else as a method, if it is one."""
    if op.method is not None:
        return getattr(leaves[0], f"__{op.method}__")(*leaves[1:])
    is_method = len(leaves) == 1 and hasattr(Value, op.name)
    return getattr(leaves[0], op.name)() if is_method else op(*leaves)


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_a_result_is_that_of_what_stands_for_the_operands(op: Op) -> None:
    leaves, others = numbers(op, 0.5), numbers(op, 0.75)
    before, expected = [leaf.data for leaf in leaves], called(op, others).data
    with standing_in({id(a): b for a, b in zip(leaves, others, strict=True)}):
        result = called(op, leaves)
        inner = called(op, [result, leaves[1]]) if op.arity == 2 else result
    assert result.data == expected
    assert result.operands == tuple(others)
    assert inner.operands[-1] is others[-1]
    assert [leaf.data for leaf in leaves] == before
    assert called(op, leaves).operands == tuple(leaves)


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
@pytest.mark.parametrize("place", [0, -1])
def test_what_records_in_its_own_way_does_so_as_a_stand_in(op: Op, place: int) -> None:
    leaves = numbers(op, 0.5)
    with standing_in({id(leaves[place]): Own(0.75)}):
        assert called(op, leaves) == f"{op.name} of its own"


def test_a_lookout_is_shown_each_result() -> None:
    class Doubles:
        def made(self, node: Value) -> None:
            node._data *= 2.0

    x, other = Value(1.0), Value(3.0)
    with standing_in({id(x): other}, Doubles()):
        assert [(x * x).data, (x + 1.0).data, (-x).data] == [18.0, 8.0, -6.0]
        assert x.tanh().operands == (other,)


def test_what_stands_for_another_is_not_stood_for_itself() -> None:
    a, b = Value(2.0), Value(-3.0)
    with standing_in({id(a): b, id(b): a}):
        with no_grad():
            assert [(a + 10.0).data, (a * b).data, (-a).data] == [7.0, -6.0, 3.0]
        assert [(a + 10.0).data, (-a).data, (a + Own(4.0))] == [7.0, 3.0, "add of its own"]


def test_another_thread_has_no_stand_ins() -> None:
    x, found = Value(1.0), list[float]()
    with standing_in({id(x): Value(3.0)}):
        thread = threading.Thread(target=lambda: found.extend([(x * x).data, (-x).data]))
        thread.start()
        thread.join()
    assert found == [1.0, -1.0]
