"""The engine: what a `Value` is, how graphs are walked, what gradients mean, and every history."""

import copy
import gc
import math
import pickle
import threading
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from micrograd_notes import operation
from micrograd_notes.engine import (
    Value,
    detect_anomaly,
    grad,
    helper_ops,
    modes,
    no_grad,
    ops,
    sweep,
    topological_order,
)
from micrograd_notes.engine.backward import backward
from tests import programs
from tests.optional import needs_numpy, np, of_numpy

# ---- worked examples -----------------------------------------------------------------------------


def test_a_product_and_a_sum() -> None:
    a, b = Value(2.0), Value(-3.0)
    loss = a * b + a
    loss.backward()
    assert (loss.data, a.grad, b.grad) == (-4.0, -2.0, 2.0)


def test_a_value_that_is_used_twice_adds_both_gradients() -> None:
    x = Value(3.0)
    y = x * x
    assert y.operands == (x, x)
    y.backward()
    assert x.grad == 6.0


def test_second_derivatives_where_the_adjoint_is_zero() -> None:
    """sin(x)*sin(x) at 0 has second derivative 2; an engine that skips zeros says 0."""
    x = Value(0.0)
    (first,) = grad(ops.sin(x) * ops.sin(x), x)
    (second,) = grad(first, x)
    assert (first.data, second.data) == (0.0, 2.0)


def test_curvature_of_a_perfect_fit() -> None:
    """(3w-6)**2 at w=2: value 0, slope 0, curvature 18, and no third derivative."""
    w = Value(2.0)
    derivatives = [(3 * w - 6) ** 2]
    for _ in range(3):
        derivatives += grad(derivatives[-1], w)
    assert [d.data for d in derivatives] == [0.0, 0.0, 18.0, 0.0]


def test_derivatives_of_any_order() -> None:
    x = Value(2.0)
    y = x**4
    found = []
    for _ in range(6):
        (y,) = grad(y, [x])
        found.append(y.data)
    assert found == [32.0, 48.0, 48.0, 24.0, 0.0, 0.0]


def test_a_derivative_can_be_swept_itself() -> None:
    a, b = Value(2.0), Value(5.0)
    (by_a,) = grad(a * b, [a])
    by_a.backward()
    assert (by_a.data, a.grad, b.grad) == (5.0, 0.0, 1.0)
    assert by_a is not b
    y = ops.exp(a)
    assert grad(y, [a])[0] is not y
    (slope,) = grad(a * a * a, a)
    assert slope.op is ops.add  # its own node already, and not one more


# ---- laws over random programs -------------------------------------------------------------------


def gradients_of(program: Any, numbers: list[float]) -> tuple[Value, list[Value]]:
    values = [Value(x) for x in numbers]
    return programs.run(program, values), values


@given(programs.programs, programs.inputs)
def test_backward_folds_up_the_sweep_bit_for_bit(program: Any, numbers: list[float]) -> None:
    root, leaves = gradients_of(program, numbers)
    if not root.requires_grad:
        return
    totals = {root: 1.0}
    for step in sweep(root):
        assert step.contribution == step.adjoint * step.partial or step.adjoint == 0
        totals[step.operand] = step.total
    root.backward()
    for value in topological_order(root):
        if value.requires_grad:
            assert value.grad == totals.get(value, 0.0)
    for leaf, derivative in zip(leaves, grad(root, leaves), strict=True):
        assert derivative.data == totals.get(leaf, 0.0)


@given(programs.programs, programs.inputs)
def test_operands_come_before_results(program: Any, numbers: list[float]) -> None:
    root, _ = gradients_of(program, numbers)
    order = topological_order(root)
    position = {value: i for i, value in enumerate(order)}
    assert len(position) == len(order)
    assert order[-1] is root
    for value in order:
        assert all(position[operand] < position[value] for operand in value.operands)


@given(programs.programs, programs.inputs)
def test_a_second_sweep_adds_the_same_again(program: Any, numbers: list[float]) -> None:
    root, leaves = gradients_of(program, numbers)
    if not root.requires_grad:
        return
    root.backward()
    once = [leaf.grad for leaf in leaves]
    inner = [value.grad for value in topological_order(root) if value.operands]
    root.backward()
    assert [leaf.grad for leaf in leaves] == [2 * g for g in once]
    assert [value.grad for value in topological_order(root) if value.operands] == inner


@given(programs.programs, programs.inputs)
def test_copies_and_pickles_have_the_same_gradients(program: Any, numbers: list[float]) -> None:
    root, leaves = gradients_of(program, numbers)
    if not root.requires_grad:
        return
    inner = topological_order(root)
    copies = [
        copy.deepcopy((inner, root, leaves)),
        pickle.loads(pickle.dumps((inner, root, leaves))),
        pickle.loads(pickle._dumps((inner, root, leaves))),  # type: ignore[attr-defined]
    ]
    root.backward()
    for copied_inner, copied_root, copied_leaves in copies:
        assert copied_root in copied_inner  # identity is kept within one copy
        assert not set(copied_inner) & set(inner)
        copied_root.backward()
        assert [x.grad for x in copied_leaves] == [x.grad for x in leaves]
        assert copied_root.data == root.data


@given(programs.programs, programs.inputs)
def test_forward_is_plain_arithmetic(program: Any, numbers: list[float]) -> None:
    root, _ = gradients_of(program, numbers)
    assert root.data == programs.run(program, numbers)


DYADIC = {"add", "subtract", "multiply", "neg", "relu", "maximum", "at_least", "where", "constant"}


@given(programs.programs)
def test_gradients_are_exact_on_exact_numbers(program: Any) -> None:
    """On small multiples of 1/8 these operations round nothing, so equality is demanded.

    The oracle is the definition: the local partials, multiplied and added along all paths, in
    fractions; it shares no code with a sweep.
    """
    exact = [step for step in program if step[0] in DYADIC][:8]
    leaves = [Value(0.5), Value(-0.375), Value(1.25)]
    root = programs.run(exact, leaves)
    if not exact or not root.requires_grad:
        return
    root.backward()
    for leaf in leaves:
        assert Fraction(leaf.grad) == sum_over_paths(root, leaf)


def sum_over_paths(root: Value, leaf: Value) -> Fraction:
    if root is leaf:
        return Fraction(1)
    total = Fraction(0)
    for index, operand in enumerate(root.operands):
        assert root.op is not None
        if operand.requires_grad and root.op.is_differentiated(index):
            numbers = [x.data for x in root.operands]
            (partial,) = root.op.local_partials([index], root.data, numbers)
            total += Fraction(partial) * sum_over_paths(operand, leaf)
    return total


# ---- histories -----------------------------------------------------------------------------------


def test_gradients_accumulate_in_leaves_over_graphs() -> None:
    x = Value(2.0)
    (x * 3).backward()
    (x * 4).backward()
    assert x.grad == 7.0


def test_an_inner_gradient_is_that_of_the_last_sweep() -> None:
    x = Value(2.0)
    y = x * 3
    (y * 5).backward()
    (y * 7).backward()
    assert (y.grad, x.grad) == (7.0, 36.0)


def test_an_adjoint_scales_the_sweep() -> None:
    x = Value(2.0)
    (x * x).backward(adjoint=0.5)
    assert x.grad == 2.0


def test_the_function_sweeps_from_an_adjoint_of_1_as_the_method_does() -> None:
    x = Value(3.0)
    backward(x * x)
    assert x.grad == 6.0


def test_a_first_contribution_is_recorded_as_it_is_and_not_added_to_0() -> None:
    x = Value(3.0)
    steps = list(sweep(ops.sin(x) * x, recorded=True))
    firsts = [step for i, step in enumerate(steps)
              if step.operand not in {other.operand for other in steps[:i]}]
    assert all(step.total is step.contribution for step in firsts)


def test_only_a_value_has_an_order() -> None:
    with pytest.raises(TypeError, match="root must be a Value, got 3"):
        topological_order(3.0)  # type: ignore[arg-type]


def test_a_leaf_is_its_own_graph() -> None:
    x = Value(2.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_a_gradient_is_absent_until_a_sweep_comes_by() -> None:
    x, unused = Value(2.0), Value(1.0)
    assert not x.has_grad
    (x * 0.0).backward()
    assert (x.has_grad, x.grad) == (True, 0.0)
    assert not unused.has_grad
    x.grad = None
    assert (x.has_grad, x.grad) == (False, 0.0)


def test_data_changed_after_the_forward_pass_is_refused() -> None:
    x, w = Value(2.0, name="x"), Value(3.0)
    y = x * w
    x.data = 5.0
    with pytest.raises(RuntimeError, match="'x' was set after"):
        y.backward()
    with pytest.raises(RuntimeError, match="'x' was set after"):
        grad(y, w)
    assert not w.has_grad
    again = x * w
    again.backward()
    assert (x.grad, w.grad) == (3.0, 5.0)


def test_a_changed_leaf_is_refused_in_a_copy_too() -> None:
    x = Value(2.0)
    y = ops.exp(x) * 2
    x.data = 1.0
    for copied in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        with pytest.raises(RuntimeError, match="was set after"):
            copied.backward()


def test_data_changed_before_the_forward_pass_is_fine() -> None:
    x = Value(2.0)
    x.data -= 0.5
    y = x * x
    y.backward()
    assert x.grad == 3.0


def test_a_changed_leaf_is_refused_whatever_the_number_of_operands() -> None:
    builds: list[Any] = [
        ops.exp, lambda x: x * 2.0, lambda x: 2.0 * x, lambda x: ops.logsumexp(1.0, x)
    ]
    for build in builds:
        x = Value(2.0)
        y = build(x)
        x.data = 2.0
        with pytest.raises(RuntimeError, match="was set after"):
            copy.copy(y).backward()
        assert not x.has_grad


def test_a_rule_that_raises_leaves_every_gradient_as_it_was() -> None:
    def broken(y: Any, x: Any) -> Any:
        raise KeyError("a rule of a learner's own")

    op = ops.operation("broken_rule", lambda x: x, [broken])
    x, y = Value(1.0), Value(2.0)
    (x * y).backward()
    with pytest.raises(KeyError):
        (op(x) * y).backward()
    assert (x.grad, y.grad) == (2.0, 1.0)


def test_frozen_leaves_get_no_gradient() -> None:
    x, w = Value(2.0), Value(3.0)
    w.requires_grad = False
    (ops.tanh(w) + x * w).backward()
    assert (x.grad, w.has_grad) == (3.0, False)


def test_a_leaf_frozen_after_the_forward_pass_keeps_its_gradient() -> None:
    x = Value(2.0)
    y = -x
    y.backward()
    x.requires_grad = False
    y.backward()
    assert x.grad == -1.0


def test_plain_numbers_need_no_gradient() -> None:
    y = Value(2.0) * 3
    assert [v.requires_grad for v in y.operands] == [True, False]
    assert [v.requires_grad for v in ops.hypot(3, y).operands] == [False, True]
    assert not any(v.requires_grad for v in grad(y + Value(1.0), [Value(2.0)]))
    y.backward()
    assert not y.operands[1].has_grad


def test_a_condition_carries_no_gradient() -> None:
    condition = Value(1.0)
    chosen = helper_ops.where(condition, 2.0, 3.0)
    assert not chosen.requires_grad


def test_no_grad_records_nothing_in_this_thread_only() -> None:
    x = Value(2.0)
    seen: list[bool] = []
    with no_grad():
        with no_grad():
            pass
        assert not (x * x).operands
        other = threading.Thread(target=lambda: seen.append((x * x).requires_grad))
        other.start()
        other.join()
    assert seen == [True]
    assert (x * x).operands == (x, x)


def test_no_grad_is_a_decorator_and_ends_with_an_error() -> None:
    @no_grad()
    def fails(x: Value) -> None:
        assert not (x * x).requires_grad
        raise KeyError

    with pytest.raises(KeyError):
        fails(Value(1.0))
    assert (Value(1.0) * 2).requires_grad


def test_two_threads_share_a_leaf() -> None:
    x = Value(1.0)

    def work() -> None:
        for _ in range(200):
            (x * 1.0 + 0.0).backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert x.grad == 800.0


def test_a_thread_is_as_usual_again_after_every_block() -> None:
    for blocks in ([no_grad], [detect_anomaly], [no_grad, detect_anomaly], [detect_anomaly] * 2):
        with ExitStack() as stack:
            for block in blocks:
                stack.enter_context(block())
            assert len(modes.in_use) == len(blocks)
        assert not modes.in_use


def test_detach_cuts_the_graph() -> None:
    x = Value(3.0, name="x")
    y = (x * x).detach() * x
    y.backward()
    assert (x.grad, y.item()) == (9.0, 27.0)


# ---- size, memory, freedom -----------------------------------------------------------------------


def chain(length: int) -> tuple[Value, Value]:
    x = Value(1.0)
    y = x
    for _ in range(length):
        y = y * 1.0
    return x, y


@pytest.mark.parametrize("length", [5_000, pytest.param(50_000, marks=pytest.mark.long)])
def test_a_long_chain_is_built_differentiated_copied_pickled_and_freed(length: int) -> None:
    """Python's recursion limit is 1,000; benchmarks/memory.py runs a million."""
    x, y = chain(length)
    y.backward()
    (derivative,) = grad(y, x)
    assert x.grad == derivative.data == 1.0
    for copied in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        copied.backward()
        (leaf,) = (v for v in topological_order(copied) if v.op is None and v.requires_grad)
        assert leaf.grad == 2.0
    alive = weakref.ref(y)
    del y, derivative, copied
    assert alive() is None


def test_a_pickle_that_fails_leaves_nothing_behind() -> None:
    class FullDisk:
        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

    x, y = chain(5_000)
    with pytest.raises(OSError, match="No space"):
        pickle.dump(y, FullDisk(), protocol=2)
    middle = topological_order(y)[-100]
    assert pickle.loads(pickle.dumps(middle)).data == 1.0
    alive = weakref.ref(x)
    del x, y, middle
    gc.collect()  # the traceback of the error, not the graph, is a cycle
    assert alive() is None


def test_a_graph_is_freed_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        x, y = chain(1000)
        y.backward()
        pickle.dumps(y)
        copy.deepcopy(y)
        grad(y, x)
        del x, y
        assert gc.collect() == 0
    finally:
        gc.enable()


# ---- a Value as a number -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("x", "'x'. Give an int or a float"),
        (1j, "1j. Give"),
        (None, "None. Give"),
        ([1.0], r"\[1.0\]. Give"),
        (Value(1.0), "Value.*. Use the Value as it is, or its .data"),
    ],
)
def test_a_value_holds_one_real_number(data: Any, words: str) -> None:
    with pytest.raises(TypeError, match=f"^data must be a number, got {words}"):
        Value(data)
    x = Value(2.0, "x")
    with pytest.raises(TypeError, match=f"^data must be a number, got {words}"):
        x.data = data
    if data is not None:
        with pytest.raises(TypeError, match=f"^grad must be a number, got {words}"):
            x.grad = data
    with pytest.raises(TypeError, match=r"^requires_grad must be True or False, got"):
        x.requires_grad = data
    with pytest.raises(ValueError, match=r"^adjoint must be a finite number, got"):
        (x * x).backward(data)
    assert (x.data, x.has_grad, x.requires_grad) == (2.0, False, True)


@pytest.mark.parametrize("adjoint", [math.nan, math.inf, -math.inf, 10**400, True])
def test_an_adjoint_is_a_finite_number(adjoint: Any) -> None:
    x = Value(2.0)
    for sweep_from in (Value.backward, backward, sweep):
        with pytest.raises(ValueError, match=r"^adjoint must be a finite number, got"):
            sweep_from(x * x, adjoint)  # before anyone asks for the first step
    assert not x.has_grad


@pytest.mark.parametrize("make", [lambda x: x * x, lambda x: x.tanh(), lambda x: x.clamp(0, 1)])
def test_the_number_of_a_result_can_not_be_set(make: Any) -> None:
    y = make(Value(2.0, "x"))
    before = y.data
    with pytest.raises(AttributeError, match="set the data of the leaves it was made from"):
        y.data = 3.0
    assert y.data == before


@pytest.mark.parametrize("unordered", ["", "x", b"", {}, set(), {Value(1.0)}, {Value(1.0): 0}])
def test_what_has_no_order_is_not_a_list_of_inputs(unordered: Any) -> None:
    x = Value(2.0)
    with pytest.raises(TypeError, match=r"^inputs must be a list of Values, got"):
        grad(x * x, unordered)
    assert [each.data for each in grad(x * x, iter([x]))] == [4.0]


@pytest.mark.parametrize("digits", [400, 5000])  # Python prints a whole number of up to 4300
def test_a_number_that_no_float_holds_is_named(digits: int) -> None:
    x = Value(2.0)
    for of, name in ((Value, "data"), (x.add, "operand"), (x.__mul__, "operand")):
        with pytest.raises(OverflowError, match=f"^{name} is too large for a float"):
            of(10**digits)
    with pytest.raises(ValueError, match=r"^adjoint must be"):
        x.backward(10**digits)


@needs_numpy
def test_an_array_is_no_number() -> None:
    with pytest.raises(TypeError, match=r"got array.*Make a list of Values"):
        Value(np.array([1.0, 2.0]))


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(OverflowError, match="too large"):
        Value(10**400)


def test_data_is_always_a_python_float() -> None:
    for number in [2, *REAL]:
        assert type(Value(number).data) is float
        assert type((Value(1.0) * number).data) is float
        assert type((number * Value(1.0)).data) is float
    op = ops.operation("whole_number", lambda x: 2, [lambda y, x: 0])
    assert type(op(Value(1.0)).data) is float


def test_the_data_of_a_result_can_not_be_set() -> None:
    y = Value(2.0) * 3
    with pytest.raises(AttributeError, match="result of an operation"):
        y.data = 1.0
    with pytest.raises(AttributeError, match="leaves only"):
        y.requires_grad = False


def test_backward_needs_something_that_needs_a_gradient() -> None:
    with pytest.raises(RuntimeError, match="needs no gradient"):
        Value(2.0, requires_grad=False).backward()
    with no_grad():
        y = Value(2.0) * 2
    with pytest.raises(RuntimeError, match="needs no gradient"):
        y.backward()


def test_grad_names_what_it_can_not_differentiate_by() -> None:
    x, constant = Value(1.0), Value(2.0, name="c", requires_grad=False)
    with pytest.raises(ValueError, match="'c' has requires_grad=False"):
        grad(x * constant, [constant])
    with pytest.raises(TypeError, match="got 3"):
        grad(x * 2, [3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"inputs must be a list of Values, got 3\.0"):
        grad(x * 2, 3.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="output must be a Value, got"):
        grad([x], [x])  # type: ignore[arg-type]
    assert grad(x * 2, [Value(5.0)])[0].data == 0.0


def test_no_silent_float() -> None:
    with pytest.raises(TypeError, match=r"write exp\(v\)"):
        math.exp(Value(1.0))


def test_equality_is_identity_and_order_is_that_of_data() -> None:
    a, b = Value(1.0), Value(1.0)
    assert a != b
    assert a in {a: 0}
    assert max(Value(1.0), Value(3.0), Value(2.0)).data == 3.0
    assert [v.data for v in sorted([Value(2.0), Value(1.0)])] == [1.0, 2.0]
    assert a < 2
    assert a <= 1
    with pytest.raises(TypeError):
        _ = a < "b"


def test_python_functions_of_numbers() -> None:
    x = Value(-2.5)
    assert f"{x:.1f}" == "-2.5"
    assert round(x).data == -2.0
    assert round(Value(0.126), 2).data == 0.13
    assert math.floor(x).data == -3.0
    assert abs(x).data == 2.5
    assert (+x).data == -2.5
    assert bool(Value(0.0)) is False
    assert sum([Value(1.0), Value(2.0)], Value(0.5)).data == 3.5
    assert math.prod([Value(2.0), Value(4.0)], start=Value(1.0)).data == 8.0


def test_operators_with_what_is_no_number() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        Value(1.0) + "a"
    with pytest.raises(TypeError, match="takes numbers and Values, got 'a'"):
        ops.hypot(Value(1.0), "a")


@needs_numpy
def test_arrays_broadcast_over_a_value() -> None:
    x = Value(2.0)
    row = np.array([1.0, 2.0])
    for product in (x * row, row * x):
        assert [v.data for v in product] == [2.0, 4.0]
    assert (row * x).sum().data == 6.0
    assert (row @ np.array([x, x])).data == 6.0
    for ufunc, op in [(np.tanh, ops.tanh), (np.arctan, ops.atan), (np.arcsinh, ops.asinh)]:
        assert ufunc(np.array([x]))[0].op is op
    pair = np.array([x], dtype=object)
    assert np.arctan2(pair, pair)[0].op is ops.atan2
    assert np.maximum(row * x, 3.0)[0] == 3.0


def test_a_value_says_what_it_is() -> None:
    x = Value(1.5, name="x")
    (x * 2.0).backward()
    assert repr(x) == "Value(data=1.5, grad=2.0, name='x')"
    assert str(Value(1.5)) == "Value(data=1.5, grad=0.0)"
    for name in ("tanh", "logsumexp", "add"):
        method: Any = getattr(Value, name)
        assert method.__name__ == name
        assert f"micrograd_notes.engine.ops.{name}`" in method.__doc__
    with pytest.raises(OverflowError, match=r"^data is too large for a float: 123456.{,80}$"):
        Value(int("1234567890" * 40))


@pytest.mark.parametrize(
    ("operands", "kind", "words"),
    [
        ((0.0, -1.0), ZeroDivisionError, r"power\(x=0.0, -1.0\)"),
        ((-2.0, 0.5), ValueError, r"power\(x=-2.0, 0.5\)"),
        ((1e200, 2.0), OverflowError, r"power\(x=1e\+200, 2.0\)"),
    ],
)
def test_an_operation_that_is_called_as_a_function_explains_its_error(
    operands: tuple[float, float], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        ops.power(Value(operands[0], name="x"), operands[1])


def test_a_name_is_a_string() -> None:
    with pytest.raises(TypeError, match="name must be a text"):
        Value(1.0, ("a", "b"))  # type: ignore[arg-type]


def test_a_shallow_copy_is_the_same_node_again() -> None:
    x = Value(2.0, name="x")
    y = x * x
    z = copy.copy(y)
    assert z.operands == (x, x)
    z.backward()
    assert x.grad == 4.0
    again = copy.copy(x)
    assert (again.grad, again.name, again.requires_grad) == (4.0, "x", True)
    frozen = copy.copy(Value(1.0, requires_grad=False))
    assert not frozen.requires_grad


# ---- what a rule and an operation give back ------------------------------------------------------

REAL: list[Any] = [
    2.5, 2, True, Fraction(5, 2),
    *of_numpy(lambda: [np.float32(2.5), np.float64(2.5), np.int8(2), np.True_]),
]
# arrays without an axis are numbers, too
ALSO_REAL = of_numpy(lambda: [np.array(2.5), np.array(2.5, np.float32)])
NOT_REAL: list[Any] = [
    2j, "2", None, [2.0], (), {}, Decimal(2), 10**400,
    *of_numpy(lambda: [np.complex64(1j), np.array(2j), np.ones(2)]),
]
ROWS: dict[str, Any] = {  # a row that takes so many operands, each with the partial that it returns
    "one": lambda name, p: (operation(name, lambda x: x, [lambda y, x: p()]), 1),
    "two": lambda name, p: (operation(name, lambda x, z: x + z, [lambda y, x, z: p(), 1.0]), 2),
    "frozen": lambda name, p: (
        operation(name, lambda x, z: x + z, [lambda y, x, z: p(), None]), 2,
    ),
    "any": lambda name, p: (
        operation(name, lambda *xs: sum(xs), lambda y, *xs: [p() for _ in xs]), 3,
    ),
}


@pytest.mark.parametrize("kind", ROWS)
@given(st.sampled_from([*REAL, *ALSO_REAL]), st.integers(0, 2), st.integers(0, 2))
@settings(max_examples=25)
def test_a_partial_that_is_a_real_number_counts_as_its_float(
    kind: str, given_back: Any, above: int, below: int
) -> None:
    gradients = []
    for partial in (given_back, float(given_back)):
        row, count = ROWS[kind]("partial_of_a_test", lambda p=partial: p)
        x = Value(0.1)
        y = x * 1e-10
        for _ in range(below):
            y = y.sin()
        y = row(*[y] * count) + x * 1e-10
        for _ in range(above):
            y = 3.0 * y
        y.backward()
        gradients += [x.grad, grad(y, [x])[0].data]
        assert all(type(node._grad) in (float, type(None)) for node in topological_order(y))
    assert len({*gradients}) == 1
    assert {*map(type, gradients)} == {float}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("given_back", NOT_REAL, ids=lambda x: repr(x)[:20])
def test_a_partial_that_is_not_a_real_number_is_named(kind: str, given_back: Any) -> None:
    row, count = ROWS[kind]("partial_of_a_test", lambda: given_back)
    x = Value(0.5)
    x.grad = 7.0
    y = row(*[x.sin()] * count) * 2.0 + x
    for derive in (y.backward, lambda: grad(y, [x])):
        with pytest.raises(TypeError, match="partial_of_a_test: a partial must return a real num"):
            derive()
    assert x.grad == 7.0


def test_a_partial_of_a_sweep_of_numbers_is_not_a_value() -> None:
    kept = Value(2.0)
    row, _ = ROWS["one"]("partial_of_a_test", lambda: kept)
    x = Value(0.5)
    with pytest.raises(TypeError, match="must return a real number, got Value"):
        row(x).backward()
    assert grad(row(x), [x])[0].data == 2.0


@pytest.mark.parametrize("given_back", [*NOT_REAL, Value(1.0)], ids=lambda x: repr(x)[:20])
def test_a_forward_that_gives_no_real_number_is_named(given_back: Any) -> None:
    row = operation("forward_of_a_test", lambda x: given_back, [1.0])
    error = (TypeError, OverflowError)
    with pytest.raises(error, match="forward_of_a_test: the result of forward"):
        row(Value(1.0))


# ---- a Value is not a number ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [*REAL, 2j, Decimal(2), float("nan"), *of_numpy(lambda: [np.bool_(False)])],
    ids=repr,
)
def test_a_value_never_equals_a_number_and_says_so(number: Any) -> None:
    v = Value(2.5)
    comparisons: list[Callable[[], Any]] = [
        lambda: v == number, lambda: v != number, lambda: number in [v], lambda: v in [number],
        lambda: [v].count(number), lambda: (v,) == (number,), lambda: {"v": v} == {"v": number},
    ]
    # NumPy asks each element in an order of its own.
    if not isinstance(number, tuple(of_numpy(lambda: [np.generic]))):
        comparisons += [lambda: number == v, lambda: number != v]
    for compare in comparisons:
        with pytest.raises(TypeError, match=r"never equals .* Write v\.data == number"):
            compare()


def test_equality_of_values_is_identity_and_of_other_things_is_false() -> None:
    v, w = Value(2.5), Value(2.5)
    assert v == v
    assert v != w
    for other in (None, "v", "2.5", [], (v,), object(), Value, float):
        assert v != other
        assert not v == other  # noqa: SIM201
    assert [w, v].index(v) == 1
    assert (v in [w], v in (w, v), v in {w}, None in [v], "v" in [v]) == (
        False, True, False, False, False,
    )
    assert {v: 1, w: 2}[v] == 1
    assert len({v, w, v}) == 2
    inherited: Any = Value.__hash__
    assert inherited is object.__hash__  # in C, as dicts need it


@needs_numpy
def test_equality_of_values_in_arrays_is_identity_too() -> None:
    v, w = Value(2.5), Value(2.5)
    array = np.array([v, w])
    assert (array == np.array([v, v])).tolist() == [True, False]
    with pytest.raises(TypeError, match=r"Write v\.data"):
        array == 2.5  # noqa: B015


@pytest.mark.parametrize(
    ("use", "instead"),
    [
        (lambda v: v % 2, r"a - b \* floor\(a / b\)"),
        (lambda v: 7 % v, r"a - b \* floor\(a / b\)"),
        (lambda v: v // 2, r"floor\(a / b\)"),
        (lambda v: 7.0 // v, r"floor\(a / b\)"),
        (lambda v: divmod(v, 2), r"floor\(a / b\)"),
        (lambda v: divmod(2, v), r"floor\(a / b\)"),
        (int, r"floor\(v\), which records, or int\(v\.data\)"),
        (math.trunc, r"floor\(v\), which records, or int\(v\.data\)"),
        (math.ceil, r"-floor\(-v\), which records, or math\.ceil\(v\.data\)"),
        (complex, r"complex\(v\.data\)"),
        (lambda v: [1, 2][v], r"pick\(values, v\)"),
        (range, r"pick\(values, v\)"),
        (hex, r"pick\(values, v\)"),
        (math.exp, r"exp\(v\) from micrograd_notes"),
    ],
)
def test_what_would_make_a_value_a_plain_number_says_what_to_write(use: Any, instead: str) -> None:
    for v in (Value(2.5), Value(2.0) * Value(3.0)):
        with pytest.raises(TypeError, match=instead):
            use(v)
    assert [round(Value(2.567), 2).data, round(Value(2.5)).data] == [2.57, 2.0]
    assert math.floor(Value(-2.5)).data == -3.0
