"""Every value of a graph is in its view exactly once: drawn, in a group, or counted as left out."""

import random

import pytest

from micrograd_notes import Value, topological_order
from micrograd_notes.draw.graph.grouping import grouped
from micrograd_notes.draw.graph.indexed import indexed
from micrograd_notes.draw.graph.names import modules_of, names_of
from micrograd_notes.draw.graph.view import View, view_of
from micrograd_notes.nn import MLP, Module, Neuron


def random_expression(seed: int, size: int) -> Value:
    """Returns a graph of about this size, with values used once, often, and twice by one result."""
    generator = random.Random(seed)
    values = [Value(generator.uniform(-1, 1), generator.choice([None, f"x{i}"])) for i in range(4)]
    values.append(Value(2.0, requires_grad=False))
    for _ in range(size):
        a, b = generator.choices(values[-generator.choice([3, 12, 10_000]) :], k=2)
        values.append(generator.choice([a + b, a * b, a - b, a.tanh(), a + a, (a + b) + 1.0]))
    root = sum(values[-size // 2 :], values[-1])
    assert isinstance(root, Value)
    return root


def loss_of(model: MLP, samples: int, penalty: bool = True) -> Value:
    generator = random.Random(0)
    total = Value(0.0, requires_grad=False)
    for _ in range(samples):
        x = [generator.uniform(-1, 1) for _ in range(2)]
        total = total + (1.0 - (1.0 if x[0] > 0 else -1.0) * model(x)).relu()
    if penalty:
        total = total + 0.01 * sum((p * p for p in model.parameters()), Value(0.0))
    return total


def counts_add_up(view: View, root: Value) -> bool:
    total = len(topological_order(root))
    return (
        view.total == total
        and view.shown + view.grouped + view.left_out == total
        and view.shown + view.hidden == total
    )


def edges_of(root: Value) -> int:
    return sum(len(value.operands) for value in topological_order(root))


@pytest.mark.parametrize("seed", range(20))
def test_a_small_graph_is_drawn_whole(seed: int) -> None:
    root = random_expression(seed, 40)
    view = view_of(root, limit=10_000)
    assert len(view.boxes) == view.shown == len(topological_order(root))
    assert len(view.arrows) == edges_of(root)
    assert view.hidden == 0


@pytest.mark.parametrize("limit", [1, 2, 10, 40, 150])
@pytest.mark.parametrize("seed", range(6))
def test_a_large_graph_keeps_the_limit_and_its_counts_add_up(seed: int, limit: int) -> None:
    root = random_expression(seed, 500)
    view = view_of(root, limit=limit)
    assert len(view.boxes) <= limit
    assert counts_add_up(view, root)
    assert any(f"{view.total:,} value" in note for note in view.notes)
    keys = [box.key for box in view.boxes]
    assert len(set(keys)) == len(keys)
    assert {end for arrow in view.arrows for end in (arrow.tail, arrow.head)} <= set(keys)


@pytest.mark.parametrize("limit", [5, 20, 60])
def test_groups_hold_all_values_and_arrows_all_edges_between_them(limit: int) -> None:
    model = MLP(2, [4, 4, 1], seed=0)
    graph = indexed(loss_of(model, samples=20))
    grouping = grouped(graph, limit, modules_of(graph, names_of(model)))
    assert grouping is not None
    edges = [(grouping.of[o], grouping.of[r]) for r, os in enumerate(graph.operands) for o in os]
    view = view_of(graph.values[-1], model=model, limit=limit)
    assert sum(arrow.stands_for for arrow in view.arrows) == sum(a != b for a, b in edges)
    assert all(arrow.tail != arrow.head for arrow in view.arrows)
    assert view.grouped > 0
    assert counts_add_up(view, graph.values[-1])


def test_x_times_x_has_two_arrows() -> None:
    x = Value(3.0)
    assert [(a.tail, a.head) for a in view_of(x * x).arrows] == [("v0", "v1"), ("v0", "v1")]


def test_partials_come_from_the_table_even_where_no_gradient_flows() -> None:
    x, y = Value(0.0, "x"), Value(5.0, "y")
    root = (x * y) * 0.0  # the adjoint of x*y is 0, so contribution / adjoint would be 0/0
    root.backward()
    partials = [arrow.partial for arrow in view_of(root, partials=True).arrows]
    assert partials == [5.0, 0.0, 0.0, None]  # None: the constant takes no gradient


def test_a_box_has_a_gradient_once_a_sweep_has_come_by() -> None:
    x = Value(3.0)
    root = x * 0.0
    assert [box.grad for box in view_of(root).boxes if box.takes_grad] == [None, None]
    assert any("backward()" in note for note in view_of(root).notes)
    root.backward()
    grads = [box.grad for box in view_of(root).boxes if box.takes_grad]
    assert [grad.low for grad in grads if grad is not None] == [0.0, 1.0]
    assert not view_of(root).notes


def test_kinds_tell_where_a_value_comes_from() -> None:
    neuron = Neuron(1, seed=0)
    view = view_of(neuron([Value(2.0, "x")]) * 3.0, model=neuron)
    kinds = {box.name or box.operation or "3": box.kind for box in view.boxes}
    assert kinds == {
        "w[0]": "parameter",
        "b": "parameter",
        "x": "leaf",
        "3": "constant",
        "*": "result",
        "+": "result",
        "ReLU": "result",
    }


def test_every_neuron_of_a_network_has_a_box() -> None:
    model = MLP(2, [16, 16, 1], seed=0)
    root = loss_of(model, samples=20)
    view = view_of(root, model=model)
    neurons = {box.name: box for box in view.boxes if "neurons" in box.name}
    assert len(neurons) == 33
    assert {box.times for box in neurons.values()} == {20}
    # 2 weights and a bias; in each of 20 calls 2 products, 2 additions and the activation
    assert neurons["layers[0].neurons[3]"].stands_for == 3 + 20 * 5
    assert neurons["layers[2].neurons[0]"].stands_for == 17 + 20 * 32  # the last layer is linear
    assert counts_add_up(view, root)
    sums = [box.operation for box in view.boxes if box.operation.startswith("sum of")]
    assert sums == ["sum of 338"] or len(sums) == 2


def test_neurons_without_a_known_name_are_numbered() -> None:
    model = MLP(2, [16, 16, 1], seed=0)
    view = view_of(loss_of(model, samples=20))
    names = {box.name for box in view.boxes if box.name.startswith("neuron")}
    assert names == {f"neuron {i}" for i in range(33)}


def test_a_wide_network_is_grouped_by_layer() -> None:
    model = MLP(2, [100, 100, 1], seed=0)
    view = view_of(loss_of(model, samples=1, penalty=False), model=model)
    assert {"layers[0]", "layers[1]"} <= {box.name for box in view.boxes}


def test_a_module_called_on_its_own_output_is_one_box() -> None:
    model = Neuron(2, seed=0)
    state = Value(0.5)
    for _ in range(50):
        state = model([state, 1.0])
    view = view_of(state, model=model)
    (box,) = [box for box in view.boxes if box.kind == "group" and box.takes_grad]
    assert box.times == 50 or box.stands_for > 50
    assert counts_add_up(view, state)


def test_a_sum_of_a_hundred_is_one_box() -> None:
    xs = [Value(float(i)) for i in range(100)]
    root = sum(xs[1:], xs[0]).tanh()
    view = view_of(root, limit=150)
    assert view.boxes[-2].operation == "sum of 100"
    assert view.boxes[-2].stands_for == 99
    assert view.boxes[-2].data.low == sum(range(100))


def test_a_sum_that_is_used_twice_stays_apart() -> None:
    xs = [Value(float(i)) for i in range(100)]
    inner = sum(xs[1:], xs[0])
    root = (inner + 1.0 + 2.0) * inner
    view = view_of(root, limit=150)
    assert [box.operation for box in view.boxes if box.operation] == ["sum of 100", "sum of 3", "*"]


def test_focus_draws_what_is_near() -> None:
    x = Value(0.5, "x")
    middle = x
    for _ in range(10):
        middle = middle.tanh()
    root = middle
    for _ in range(10):
        root = root.tanh()
    view = view_of(root, focus=middle, radius=3)
    assert [box.key for box in view.boxes] == [f"v{i}" for i in range(7, 14)]
    assert [box.is_cut for box in view.boxes] == [True, *[False] * 5, True]
    assert view.left_out == 14
    assert counts_add_up(view, root)


def test_a_focus_with_too_many_neighbours_says_so() -> None:
    x = Value(0.5, "x")
    root = sum((x * float(i) for i in range(1000)), Value(0.0))
    view = view_of(root, focus=x, radius=1, limit=20)
    assert len(view.boxes) == 20
    assert "20 nearest to x" in view.notes[0]
    assert counts_add_up(view, root)


def test_a_chain_far_beyond_the_recursion_limit_is_drawn() -> None:
    root = Value(0.5)
    for _ in range(20_000):
        root = root.sin()
    view = view_of(root)
    assert 1 < len(view.boxes) <= 150
    assert counts_add_up(view, root)


def test_a_doubling_chain_is_drawn() -> None:
    root = Value(1.0)
    for _ in range(500):
        root = root + root  # 2**500 paths
    assert counts_add_up(view_of(root), root)


def test_an_infinite_number_or_none_does_not_break_a_range() -> None:
    xs = [Value(x) for x in (1.0, float("nan"), float("inf"))]
    root = sum((x * 2.0 for x in xs), Value(0.0))
    assert counts_add_up(view_of(root, limit=3), root)


@pytest.mark.parametrize("root", [3.0, None, "x", [Value(1.0)], object()])
def test_a_root_that_is_no_value_is_refused(root: object) -> None:
    with pytest.raises(TypeError, match=r"root must be a Value.* got"):
        view_of(root)  # type: ignore[arg-type]


def test_bad_arguments_are_refused() -> None:
    x = Value(1.0)
    root = sum((x * float(i) for i in range(100)), x)
    with pytest.raises(ValueError, match=r"301 values.*limit=150.*focus="):
        view_of(root, group=False)
    with pytest.raises(ValueError, match=r"limit must be .* got 0"):
        view_of(root, limit=0)
    with pytest.raises(ValueError, match=r"radius must be .* got -1"):
        view_of(root, focus=x, radius=-1)
    with pytest.raises(ValueError, match=r"focus must be .*not part of it"):
        view_of(root, focus=Value(1.0))
    with pytest.raises(TypeError, match=r"model must be .* got 3"):
        view_of(root, model=3)


def test_drawing_changes_nothing() -> None:
    model = MLP(2, [3, 1], seed=0)
    root = loss_of(model, 3)
    before = [(v.data, v.has_grad, v.grad, v.name) for v in topological_order(root)]
    view_of(root, model=model, partials=True)
    view_of(root, model=model, limit=5)
    assert before == [(v.data, v.has_grad, v.grad, v.name) for v in topological_order(root)]


def test_operands_keep_their_order() -> None:
    x, y = Value(1.0), Value(2.0)
    assert indexed(y - x).operands[-1] == (0, 1)
    assert isinstance(Neuron(1), Module)
