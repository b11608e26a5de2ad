"""What the stepper says is what the engine does, to the bit; and where the wrong sweeps part."""

import base64
import copy
import json
import math
import os
import random
import re
import struct
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import micrograd_notes
from micrograd_notes import MLP, Value, grad, no_grad, topological_order
from micrograd_notes.draw import draw_backward
from micrograd_notes.draw.graph.indexed import IndexedGraph, indexed
from micrograd_notes.draw.graph.names import labels_of, names_of
from micrograd_notes.draw.stepper.steps import Step, reading_order
from micrograd_notes.draw.stepper.wrong import WRONG, compared
from micrograd_notes.draw.text import numbers_with, short, signed
from micrograd_notes.engine import operation, sweep
from micrograd_notes.engine.op import TABLE
from tests import programs

GRAPHS = 1_000


def random_graph(seed: int) -> Value:
    generator = random.Random(seed)
    program = [
        (generator.choice(list(programs.STEPS)), generator.randint(0, 5), generator.randint(0, 5))
        for _ in range(generator.randint(1, 25))
    ]
    inputs = [Value(generator.uniform(-3.0, 3.0)) for _ in range(generator.randint(1, 4))]
    root: Value = programs.run(program, inputs)
    return root


def bits(number: float) -> bytes:
    """Returns what tells all floats apart, 0.0 from -0.0 too; there is one nan, of any sign."""
    return b"nan" if number != number else struct.pack("d", number)


def data_of(page: str) -> Any:
    """Returns what the script of the page reads."""
    found = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def number_of(value: Any) -> float:
    return float(value)  # reads "NaN" and "Infinity", as JavaScript's Number does


def example() -> Value:
    """Returns L, in which a is used three times, and w twice."""
    x, w, b = Value(0.5, name="x"), Value(2.0, name="w"), Value(-1.5, name="b")
    s = w * x
    s.name = "s"
    a = (s + b).tanh()
    a.name = "a"
    p = a * a
    p.name = "p"
    return p + a * w


# ---- the law of the data -------------------------------------------------------------------------


def folded(steps: list[Step]) -> dict[str, float]:
    """Returns the gradients by key: the products of the steps, added up again."""
    totals: dict[str, float] = {}
    for step in steps:
        if step["phase"] == "turn":
            totals[step["node"]] = step["adjoint"]
        if step["phase"] == "backward":
            assert bits(number_of(step["adjoint"])) == bits(totals[step["node"]])
            for product in step["products"]:
                key, contribution = product["operand"], number_of(product["contribution"])
                before = totals.get(key, 0.0)
                assert bits(number_of(product["before"])) == bits(before)
                totals[key] = before + contribution
                assert bits(number_of(product["total"])) == bits(totals[key])
    return totals


@pytest.mark.parametrize(
    "part", [0, *[pytest.param(part, marks=pytest.mark.long) for part in (1, 2, 3)]]
)
def test_the_contributions_folded_up_equal_grad_bit_for_bit(part: int) -> None:
    for seed in range(part, GRAPHS, 4):
        root = random_graph(seed)
        if not root.requires_grad:
            continue
        steps = draw_backward(root, limit=10_000).steps
        order = topological_order(root)
        assert not any(value.has_grad for value in order), "the learner's grad was touched"
        totals = folded(steps)
        root.backward()
        for position, value in enumerate(order):
            expected = value.grad if value.has_grad else 0.0
            assert bits(totals.get(f"v{position}", 0.0)) == bits(expected), f"graph {seed}"


def test_every_node_has_a_forward_step_and_every_result_a_backward_step() -> None:
    for seed in range(50):
        root = random_graph(seed)
        steps = draw_backward(root, limit=10_000).steps
        phases = [step["phase"] for step in steps]
        assert phases == sorted(phases, key=["forward", "turn", "backward"].index)
        forward = [step["node"] for step in steps if step["phase"] == "forward"]
        assert sorted(forward) == sorted(f"v{i}" for i in range(len(topological_order(root))))
        backward = [step["node"] for step in steps if step["phase"] == "backward"]
        expected = dict.fromkeys(step.node for step in sweep(root))
        place = {value: i for i, value in enumerate(topological_order(root))}
        assert backward == [f"v{place[node]}" for node in expected]


def test_the_numbers_survive_the_page() -> None:
    x = Value(math.inf, name="x")
    stepper = draw_backward((x - x) * 0.1 + 1e-310)
    numbers: list[Any] = [step.get("data", 0.0) for step in stepper.steps]
    told: list[Any] = [step.get("data", 0.0) for step in data_of(stepper.html())["steps"]]
    for step, page in zip(stepper.steps, data_of(stepper.html())["steps"], strict=True):
        for ours, theirs in zip(step.get("products", []), page.get("products", []), strict=True):
            fields = ("partial", "contribution", "before", "total")
            numbers += [dict(ours)[field] for field in fields]
            told += [theirs[field] for field in fields]
    assert {"inf", "nan"} <= set(map(str, numbers))
    assert [bits(number_of(number)) for number in told] == list(map(bits, numbers))


def test_the_products_are_written_out_with_old_and_new_sums() -> None:
    w, s = Value(0.5, name="w1"), Value(2.0, name="x")
    product = w * s
    product.name = "s"
    root = product * 0.5
    lines = [p["text"] for step in draw_backward(root).steps for p in step.get("products", [])]
    assert "w1.grad += ∂ * s.grad = 2.0 * 0.5 = 1.0 (0 → 1.0)" in lines
    x = Value(3.0, name="x")
    lines = [p["text"] for p in draw_backward(x * x).steps[-1]["products"]]
    assert lines == [
        "x.grad += ∂ * L.grad = 3.0 * 1.0 = 3.0 (0 → 3.0)",
        "x.grad += ∂ * L.grad = 3.0 * 1.0 = 3.0 (3.0 → 6.0)",
    ]


@pytest.mark.parametrize("how", [None, *WRONG])
def test_all_gradients_are_written_as_code_writes_them(how: Any) -> None:
    stepper = draw_backward(example(), wrong=how)
    html = stepper.html()
    assert not re.search(r"\bd\w*/d\w", html), "a derivative that could be a slope or a gradient"
    products = [
        product["text"]
        for step in stepper.steps
        for product in [*step.get("products", []), *step.get("wrong", [])]
    ]
    assert products
    for text in products:
        assert re.match(r"[^=]+\.grad \+?= ∂ \* [^=]+\.grad = ", text)
        assert text in html, "the table says the same"
    assert how == "forward order" or "(a*w).grad" in "".join(products)


def assert_they_differ(labels: list[str], graph: IndexedGraph) -> None:
    """But for constants, whose labels are their numbers."""
    given = [
        label
        for label, value in zip(labels, graph.values, strict=True)
        if value.operands or value.requires_grad
    ]
    assert len(set(given)) == len(given)


def test_a_label_is_the_formula_of_its_value() -> None:
    """Evaluated as Python, it gives the number to the bit, so no parentheses are missing."""
    functions: dict[str, Any] = {}
    for op in TABLE.values():
        if not op.is_helper:
            functions[op.name] = functions[op.symbol] = op
    tried = 0
    for seed in range(300):
        root = random_graph(seed)
        graph = indexed(root)
        for place, value in enumerate(graph.values):
            if not value.operands and value.requires_grad:
                value.name = f"x{place}"
        labels = labels_of(graph, {})
        assert_they_differ(labels, graph)
        assert not any(re.search(r"\bv\d", label) for label in labels)
        symbols = {value.op.symbol for value in graph.values if value.op}
        if symbols & {">", "="} or any(x.op and x.op.is_helper for x in graph.values):
            continue  # a `Value` has no such operator, or the symbol belongs to another row
        leaves = {label: Value(x.data) for label, x in zip(labels, graph.values, strict=True)}
        for label, value in list(zip(labels, graph.values, strict=True))[:-1]:
            formula = label.partition(" #")[0]
            if value.operands and "…" not in formula:
                made = eval(formula, {**functions, **leaves})
                assert bits(made.data) == bits(value.data), formula
                tried += "(" in formula
    assert tried > 100


def test_a_large_graph_has_short_and_different_labels() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    loss = sum((model([i / 10, 0.5]) - 1.0) ** 2 for i in range(3))
    names = names_of(model)
    graph = indexed(loss)
    labels = labels_of(graph, names)
    assert_they_differ(labels, graph)
    assert max(map(len, labels)) <= 28 + len(" #99")
    assert set(names.values()) < set(labels)
    assert "w[0]*0.1 #1" in labels
    assert "layers[0].neurons[2] #3" in labels, "the output of a neuron"


def test_names_that_are_equal_are_numbered() -> None:
    x, other, taken = Value(1.0, name="x"), Value(2.0, name="x"), Value(3.0, name="x #1")
    root = (x + other) * (taken + 1.0 + 1.0) * Value(4.0)
    assert labels_of(indexed(root), {}) == [
        "x #2", "x #3", "x + x", "x #1", "1", "x #1 + 1", "1", "x #1 + 1 + 1",
        "(x + x)*(x #1 + 1 + 1)", "leaf", "L",
    ]  # fmt: skip


def test_an_operation_of_your_own_has_its_place_in_a_label() -> None:
    loose = operation("loose", lambda a, b: a + b, [1.0, 1.0], symbol="@")
    many = operation("many", lambda *given: sum(given), lambda result, *given: [1.0] * len(given))
    x, y = Value(1.0, name="x"), Value(2.0, name="y")
    made = many(loose(x + y, y), x * y, loose(x, y) * y, x, x, y) + 1.0
    assert labels_of(indexed(made), {})[2:] == [
        "x + y", "(x + y) @ y", "x*y", "x @ y", "(x @ y)*y",
        "many((x + y) @…@ y)*y, …, y)", "1", "L",
    ]  # fmt: skip


# ---- the order of the forward pass ---------------------------------------------------------------


def forward_of(root: Value) -> list[str]:
    return [step["name"] for step in draw_backward(root).steps if step["phase"] == "forward"]


def test_leaves_come_in_the_order_of_the_formula_and_constants_last() -> None:
    x1, w1, x2, w2, b = (Value(1.0, name=name) for name in ("x1", "w1", "x2", "w2", "b"))
    in_order = ["x1", "w1", "x1*w1", "x2", "w2", "x2*w2", "x1*w1 + x2*w2", "b"]
    assert forward_of((x1 * w1 + x2 * w2 + b).tanh())[:8] == in_order
    assert forward_of(b + w1 * x1)[:4] == ["w1", "x1", "w1*x1", "b"], "as the package's Neuron"
    assert forward_of(1.0 - x1 * 2.0) == ["x1", "2", "x1*2", "1", "L"]
    assert forward_of(sum([x1 * w1, x2], Value(0.0, requires_grad=False)))[0] == "x1"


def test_each_leaf_comes_just_before_it_is_needed() -> None:
    for seed in range(100):
        root = random_graph(seed)
        graph = indexed(root)
        order = reading_order(graph)
        when = {place: index for index, place in enumerate(order)}
        assert sorted(order) == list(range(len(graph.values)))
        assert graph.values[order[0]].requires_grad == root.requires_grad, "no constant is first"
        for place, operands in enumerate(graph.operands):
            assert all(when[operand] < when[place] for operand in operands)
            if operands or place == order[-1]:
                continue
            needed = min(when[user] for user in graph.users[place])
            between = [graph.values[other] for other in order[when[place] + 1 : needed]]
            assert not any(value.operands and value.requires_grad for value in between)


# ---- the page opens where the text says, with its digits -----------------------------------------


def test_the_page_opens_at_the_start_or_at_the_turn() -> None:
    def opening(**arguments: Any) -> str:
        return str(data_of(draw_backward(example(), **arguments).html())["opening"])

    assert opening() == opening(start="start") == "forward"
    assert opening(start="turn") == opening(wrong="assign") == "turn"
    with pytest.raises(ValueError, match="start must be one of start, turn"):
        draw_backward(example(), start="end")


def test_numbers_have_the_digits_that_a_format_prints() -> None:
    x, w = Value(2.0, name="x"), Value(0.5, name="w")
    y = (x * w - 0.5).tanh()
    stepper = draw_backward(y, digits=4)
    y.backward()
    last = [product["text"] for product in stepper.steps[-1]["products"]]
    assert (f"{w.grad:.4f}", f"{x.grad:.4f}") == ("1.5729", "0.3932")
    assert last[0] == "x.grad += ∂ * (x*w).grad = 0.5 * 0.7864 = 0.3932 (0 → 0.3932)"
    assert "→ 1.5729)" in last[1]
    shown = [text for step in data_of(stepper.html())["shows"] for *_, text, _ in step]
    assert {"▲ +1.5729", "▲ +0.3932", "0.4621"} <= set(shown)
    assert "1.573 " not in draw_backward(y, digits=4).html()
    assert "1.573)" in draw_backward(y).html(), "the next one has its own digits"
    with pytest.raises(ValueError, match="digits must be a whole number"):
        draw_backward(y, digits=0)


def test_a_small_number_is_not_rounded_to_zero() -> None:
    with numbers_with(4):
        assert short(0.00001234) == "1.234e-5"
        assert (short(1.57301), short(1.5), short(-2.0), short(0.0)) == ("1.5730", "1.5", "-2", "0")
        assert short(123456789.0) == "1.235e8"


def test_a_root_that_is_a_leaf_has_a_turn_alone() -> None:
    stepper = draw_backward(Value(1.0, name="x"))
    assert [step["phase"] for step in stepper.steps] == ["forward", "turn"]
    assert "x.grad = 1.0" in stepper.html()


def test_the_learners_grad_is_neither_read_nor_changed() -> None:
    root = example()
    for value in topological_order(root):
        value.grad = 7.0
    told = copy.deepcopy(draw_backward(root).steps)
    assert draw_backward(root).html() == draw_backward(example()).html()
    assert told == draw_backward(example()).steps
    assert all(value.grad == 7.0 for value in topological_order(root))


# ---- wrong sweeps --------------------------------------------------------------------------------


def test_the_wrong_sweeps_part_where_they_should() -> None:
    """Where no contribution is zero, what makes each of them wrong can be read off the graph."""
    tried = dict.fromkeys(WRONG, 0)
    for seed in range(GRAPHS):
        root = random_graph(seed)
        steps = list(sweep(root)) if root.requires_grad else []
        if not steps or any(step.contribution == 0 for step in steps):
            continue
        users: dict[Value, list[Value]] = {}
        for step in steps:
            users.setdefault(step.operand, []).append(step.node)
        passing_on = {step.node for step in steps}
        expected = {
            "recursion": any(len(set(users.get(node, []))) > 1 for node in passing_on),
            "assign": any(len(using) > 1 for using in users.values()),
            "forward order": len(passing_on) > 1,
        }
        adjoint = {root: 1.0} | {step.operand: step.total for step in steps}
        for how, parts in expected.items():
            visits = compared(indexed(root), how)
            parting = visits[-1].parting
            assert (parting is not None) == parts, f"{how} on graph {seed}"
            assert not any(visit.parting for visit in visits[:-1])
            if parting is None:
                continue
            tried[how] += 1
            assert parting.right != parting.wrong
            if parting.why == "early":
                assert parting.at is visits[-1].node
                assert parting.missing
                assert bits(parting.right) == bits(adjoint[parting.at])
            if how == "forward order":
                graph = indexed(root)
                order = map(graph.values.__getitem__, reading_order(graph))
                first = next(node for node in order if node in passing_on)
                assert parting.at is first
                assert parting.wrong == 0.0
    assert min(tried.values()) > 100, tried


def recursive_grads(root: Value, most_calls: int) -> dict[Value, float] | None:
    """Returns what micrograd's `_backward`, called down the children, adds up; or gives up."""
    grads = {root: 1.0}
    calls = 0

    def backward(node: Value) -> None:
        nonlocal calls
        calls += 1
        if calls > most_calls:
            raise OverflowError
        edges = edges_of.get(node, [])
        for step in edges:
            grads[step.operand] = grads.get(step.operand, 0.0) + step.partial * grads[node]
        for child in dict.fromkeys(step.operand for step in edges):
            backward(child)

    edges_of: dict[Value, list[Any]] = {}
    for step in sweep(root):
        edges_of.setdefault(step.node, []).append(step)
    try:
        backward(root)
    except OverflowError:
        return None
    return grads


def test_a_recursion_that_never_parts_finds_the_right_gradients() -> None:
    agreed = 0
    for seed in range(GRAPHS):
        root = random_graph(seed)
        if not root.requires_grad or compared(indexed(root), "recursion")[-1].parting:
            continue
        grads = recursive_grads(root, most_calls=2_000)
        if grads is None:
            continue
        agreed += 1
        for step in sweep(root):
            expected = grad(root, step.operand)[0].data
            # The recursion may add the same few numbers in another order.
            assert grads[step.operand] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert agreed > 50


def test_recursion_hands_on_what_is_not_complete() -> None:
    steps = draw_backward(example(), wrong="recursion").steps
    parting = steps[-1]["parting"]
    assert parting["name"] == "a"
    assert parting["right"] == pytest.approx(2 * math.tanh(-0.5) + 2.0)
    assert parting["wrong"] == pytest.approx(2 * math.tanh(-0.5))
    assert "a*w has not added a product to it yet" in parting["text"]


def test_recursion_may_come_a_second_time() -> None:
    x = Value(2.0, name="x")
    a = x * x
    a.name = "a"
    root = a.tanh() + a  # when a is called first, down tanh, all its parts are there already
    parting = draw_backward(root, wrong="recursion").steps[-1]["parting"]
    assert "reaches a again" in parting["text"]
    assert parting["name"] == "x"
    assert parting["wrong"] == pytest.approx(2 * parting["right"])


def test_assign_overwrites() -> None:
    parting = draw_backward(example(), wrong="assign").steps[-1]["parting"]
    assert parting["name"] == "a"
    assert parting["wrong"] == pytest.approx(math.tanh(-0.5))
    assert "= overwrites" in parting["text"]


def test_forward_order_hands_on_zero() -> None:
    steps = draw_backward(example(), wrong="forward order").steps
    assert steps[-1]["parting"]["name"] == "s"
    assert steps[-1]["parting"]["wrong"] == 0.0
    assert all(product["contribution"] == 0.0 for product in steps[-1]["wrong"])


@pytest.mark.parametrize("how", WRONG)
def test_a_sweep_that_gets_it_right_says_so(how: Any) -> None:
    steps = draw_backward(Value(2.0, name="x").exp(), wrong=how).steps
    assert steps[-1]["phase"] == "end"
    assert "never part" in steps[-1]["text"]


def test_a_recursion_down_too_many_paths_ends() -> None:
    x = Value(-1.0, name="x")
    node = x.relu()  # dead: every product is zero, and the sweeps never part
    for _ in range(60):
        node = node + node.exp() * 0.0  # two paths more each time
    steps = draw_backward(node * 0.0, wrong="recursion", limit=1_000).steps
    assert len(steps) < 1_000


# ---- large graphs --------------------------------------------------------------------------------


def mlp_loss(samples: int = 20) -> tuple[MLP, Value]:
    model = MLP(2, [4, 4, 1], activation="tanh", seed=1)
    losses = [(model([i / 10, -i / 7]) - 1.0) ** 2 for i in range(samples)]
    loss = sum(losses) + sum(p * p for p in model.parameters()) * 0.001
    assert isinstance(loss, Value)
    return model, loss


@pytest.mark.parametrize("with_model", [True, False])
def test_a_large_graph_is_stepped_by_neuron(with_model: bool) -> None:
    model, loss = mlp_loss()
    stepper = draw_backward(loss, model=model if with_model else None)
    assert len(stepper.steps) < 100
    assert stepper.view.shown + stepper.view.hidden == stepper.view.total
    named = {step["name"] for step in stepper.steps if step["phase"] == "backward"}
    neurons = [f"layers[{i}].neurons[{j}]" for i in (0, 1) for j in range(4)]
    expected = [*neurons, "layers[2].neurons[0]"]
    assert named.issuperset(expected if with_model else [f"neuron {i}" for i in range(9)])


def test_by_neuron_each_parameter_ends_at_its_gradient_to_the_bit() -> None:
    model, _ = mlp_loss()
    loss = Value(0.0)
    for i in range(20):  # a penalty in each sample: each weight gets parts from two boxes in turns
        error = (model([i / 10, -i / 7]) - 1.0) ** 2
        loss = loss + error + sum(p * p for p in model.parameters()) * 0.01
    totals: dict[str, float] = {}
    for step in draw_backward(loss, model=model).steps:
        for product in step.get("products", []):
            if "total" in product:
                totals[product["name"]] = product["total"]
    loss.backward()
    named = dict(model.named_parameters())
    assert named.keys() <= totals.keys()
    for name, parameter in named.items():
        assert bits(totals[name]) == bits(parameter.grad)


def test_a_network_that_feeds_itself_can_be_stepped_through() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=1)
    state: Any = 0.5
    for i in range(30):
        state = model([state, i / 10])
    assert "backward" in {step["phase"] for step in draw_backward(state, model=model).steps}


# ---- the page ------------------------------------------------------------------------------------

NASTY = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"quoted\" 'and' `more` ${x} {title} {body}",
    "two\nlines",
    "größe 🎉 ∂ <!--",
    "]]>--><!--\\",
]


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name == "id" for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["script"]:
            self.text += data


@pytest.mark.usefixtures("each_graphviz")
@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_never_markup(name: str) -> None:
    x = Value(3.0, name=name)
    root = x * x
    root.name = name
    page = Elements(draw_backward(root).html())
    plain = Elements(draw_backward(Value(3.0, name="x") ** 2).html())
    assert page.tags.count("script") == plain.tags.count("script") == 2
    assert page.tags.count("img") == 1
    assert name.replace("\n", "↵")[:20] in page.text


@pytest.mark.usefixtures("each_graphviz")
def test_the_page_asks_nothing_of_the_network() -> None:
    page = draw_backward(example()).html()
    assert set(re.findall(r'(?:src|href)="([^"]{0,20})', page)) == {"data:image/svg+xml;b"}
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", page)


@pytest.mark.usefixtures("each_graphviz")
def test_without_scripts_the_picture_and_the_steps_remain() -> None:
    html = draw_backward(example())._repr_mimebundle_()["text/html"]
    assert html.count("<img ") == 1
    assert 'alt="Computation graph' in html
    assert "seed" not in html, "the course has another seed"
    assert html.count("<tr>") == 1 + len(draw_backward(example()).steps)
    assert draw_backward(example())._repr_html_() == html


@pytest.mark.usefixtures("each_graphviz")
def test_the_fallback_picture_shows_the_last_step() -> None:
    x = Value(0.001234, name="x")
    root = x * 1000.0 - x * 999.0  # dL/dx is -999 on the way, and 1 at the end
    html = draw_backward(root).html()
    found = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert found is not None
    picture = ElementTree.fromstring(base64.b64decode(found[1]))
    texts = [
        (box.get("data-key"), part.text)
        for box in picture.iter("{http://www.w3.org/2000/svg}g")
        for part in box
        if part.get("data-part") == "grad"
    ]
    last = {
        p["operand"]: p["total"] for s in draw_backward(root).steps for p in s.get("products", [])
    }
    last[f"v{len(topological_order(root)) - 1}"] = 1.0
    assert dict(texts) == {key: signed(total) for key, total in last.items()}


def test_without_graphviz_a_table_is_stepped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    html = draw_backward(example())._repr_mimebundle_()["text/html"]
    assert "<img" not in html
    assert 'data-key="v3"' in html
    assert "micrograd-notes[viz]" in html


def test_save_is_by_suffix_and_whole(tmp_path: Path) -> None:
    stepper = draw_backward(example())
    path = stepper.save(tmp_path / "steps.html")
    assert path.read_text(encoding="utf-8") == stepper.html()
    assert os.listdir(tmp_path) == ["steps.html"]
    for name in ("steps.svg", "steps.png"):
        with pytest.raises(ValueError, match=r"path must end in .html, got"):
            stepper.save(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="a folder that exists"):
        stepper.save(tmp_path / "missing" / "steps.html")


def test_two_processes_make_the_same_bytes(tmp_path: Path) -> None:
    program = """
import sys
from micrograd_notes import MLP, Value
from micrograd_notes.draw import draw_backward
x = Value(2.0, name="x")
root = (x * x).tanh() + (x * x).exp() * x
model = MLP(2, [4, 4, 1], seed=1)
loss = sum((model([i / 10, -i / 7]) - 1.0) ** 2 for i in range(30))
pages = [draw_backward(root, wrong=w) for w in (None, "recursion", "assign", "forward order")]
for page in [*pages, draw_backward(loss, model=model), draw_backward(loss)]:
    sys.stdout.write(page.html())
"""
    made = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-c", program]
        finished = subprocess.run(
            command, env=environment, capture_output=True, check=True, cwd=tmp_path
        )
        made.append(finished.stdout)
    assert len(made[0]) > 100_000
    assert made[0] == made[1]


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("root", [3, "x", None, [Value(1.0)], 2.5])
def test_a_root_that_is_no_value_is_refused(root: Any) -> None:
    with pytest.raises(TypeError, match="root must be a Value") as caught:
        draw_backward(root)
    assert repr(root) in str(caught.value)


def test_other_arguments_are_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match="wrong must be one of recursion, assign, forward order"):
        draw_backward(example(), wrong="backwards")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rankdir must be one of LR, TB, RL, BT"):
        draw_backward(example(), rankdir="XY")
    with pytest.raises(ValueError, match="limit must be a whole number"):
        draw_backward(example(), limit=0)
    with pytest.raises(TypeError, match="model must be a Module"):
        draw_backward(example(), model=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="more than limit=300"):
        draw_backward(mlp_loss()[1], wrong="assign")
    with no_grad(), pytest.raises(RuntimeError, match="does not need a gradient"):
        draw_backward(Value(1.0) * 2.0)


def test_a_leaf_that_was_changed_is_an_error_and_not_a_wrong_picture() -> None:
    x = Value(1.0, name="x")
    root = x * x
    x.data = 2.0
    with pytest.raises(RuntimeError, match="was set after"):
        draw_backward(root)


def test_the_package_has_it_too() -> None:
    assert getattr(micrograd_notes, "draw_backward", draw_backward) is draw_backward
