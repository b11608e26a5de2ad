"""Neurons, layers and networks: their wiring, their names, their state."""

import contextlib
import copy
import importlib
import logging
import math
import random
import statistics
import sys
import threading
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import pytest
from hypothesis import given, settings, strategies as st

from micrograd_notes.engine import Value, no_grad, ops, topological_order
from micrograd_notes.lifting import lift
from micrograd_notes.nn import MLP, Layer, Module, Neuron, activation_names
from micrograd_notes.nn.saving import load_model, save_model
from micrograd_notes.train.loop import fit, predict
from micrograd_notes.train.optim import Adam
from tests.optional import needs_numpy, np, of_numpy


def test_a_neuron_is_a_weighted_sum_and_an_activation() -> None:
    neuron = Neuron(2)
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -1.0, 0.5
    assert neuron([1.0, 3.0]).data == 0.0  # relu(2 - 3 + 0.5)
    assert neuron([3.0, 1.0]).data == 5.5
    output = neuron([Value(3.0), 1.0])
    output.backward()
    assert [p.grad for p in neuron.parameters()] == [3.0, 1.0, 1.0]
    assert output.origin is neuron


def test_the_weights_of_micrograd() -> None:
    """With its arguments alone: uniform(-1, 1) from the global generator, in the same order."""
    random.seed(7)
    expected = [random.uniform(-1, 1) for _ in range(3 * 4 + 4 * 1)]
    random.seed(7)
    model = MLP(3, [4, 1])
    weights = [w.data for layer in model.layers for n in layer.neurons for w in n.w]
    assert weights == expected
    assert all(n.b.data == 0.0 for layer in model.layers for n in layer.neurons)


def test_the_weights_that_suit_an_activation() -> None:
    """Uniform up to gain * sqrt(3 / nin), from the generator of the seed or the global one."""
    for activation, seed, gain in [("tanh", 3, 5 / 3), ("tanh", None, 5 / 3), (None, 3, 2**0.5)]:
        random.seed(8)
        neuron = Neuron(6, activation=activation, seed=seed)
        generator = random.Random(8 if seed is None else seed)
        bound = gain * math.sqrt(3 / 6)
        assert [w.data for w in neuron.w] == [generator.uniform(-bound, bound) for _ in range(6)]
    linear = Neuron(3, nonlin=False, seed=1)
    assert (linear.nonlin, Neuron(3).nonlin) == (False, True)
    assert all(abs(w.data) <= 1.0 for w in linear.w)  # gain 1 and nin 3


def test_a_seed_makes_the_same_model_and_leaves_the_global_generator_alone() -> None:
    random.seed(1)
    before = random.getstate()
    first, second, other = MLP(3, [4, 1], seed=5), MLP(3, [4, 1], seed=5), MLP(3, [4, 1], seed=6)
    assert random.getstate() == before
    assert first.state_dict() == second.state_dict() != other.state_dict()
    for drawn in (first.layers[0], Layer(3, 2, seed=5)):
        rows = drawn.state_dict()["weight"]
        assert rows[0] != rows[1]


@pytest.mark.parametrize("name", activation_names())
def test_the_spread_of_the_signals_stays_of_one_size(name: str) -> None:
    """Through three layers of 50 neurons it neither vanishes nor explodes (0.05 to 5)."""
    generator = random.Random(0)
    model = MLP(50, [50, 50, 50], activation=name, seed=3)
    x = [generator.gauss(0, 1) for _ in range(50)]
    assert 0.05 < statistics.pstdev(v.data for v in model(x)) < 5.0


def test_a_layer_of_one_neuron_returns_its_value() -> None:
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert len(Layer(2, 3)([1.0, 2.0])) == 3
    assert isinstance(MLP(2, [1, 1, 1])([1.0, 2.0]), Value)


def test_an_input_becomes_a_value_once_for_all_neurons_of_a_layer() -> None:
    outputs = Layer(2, 3, seed=0)([1.0, Value(2.0)])
    nodes = {node for output in outputs for node in topological_order(output)}
    assert sum(node.op is None and not node.requires_grad for node in nodes) == 1
    with pytest.raises(TypeError, match=r"inputs must be a list of numbers, got 1\.0"):
        Layer(2, 3)(1.0)  # type: ignore[arg-type]


def test_the_last_layer_is_linear() -> None:
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    assert repr(model.layers[0].neurons[0]) == "TanhNeuron(2)"
    assert repr(model.layers[1].neurons[0]) == "LinearNeuron(3)"
    assert repr(Neuron(2, activation="normal_density")) == "φNeuron(2)"
    assert repr(MLP(1, [1, 1])) == "MLP of [Layer of [ReLUNeuron(1)], Layer of [LinearNeuron(1)]]"


def test_any_operation_of_one_operand_is_an_activation() -> None:
    bent = ops.operation("bent", lambda x: x * abs(x), [lambda y, x: 2 * abs(x)])
    assert Neuron(2, activation="bent")([1.0, 1.0]).op is bent
    assert Neuron(2, activation=ops.sin)([1.0, 1.0]).op is ops.sin
    assert Neuron(2, activation="leaky_relu")([1.0, 1.0]).op is ops.leaky_relu
    assert Neuron(1, activation=lambda x: x * x)([1.0]).op is ops.multiply


@pytest.mark.parametrize("name", ["than", "add", "softmax", 3])
def test_an_unknown_activation_is_refused_and_the_known_are_listed(name: Any) -> None:
    with pytest.raises(ValueError, match=f"unknown activation {name!r}.*relu"):
        Neuron(2, activation=name)


def test_an_operation_that_can_do_without_its_operand_is_no_activation() -> None:
    idle = ops.operation("idle_of_a_test", lambda x: x, [1.0], defaults=(1.0,))
    with pytest.raises(ValueError, match="unknown activation"):
        Neuron(2, activation=idle)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Neuron(0), "nin must be a whole number, 1 or more, got 0"),
        (lambda: Neuron(2.0), "got 2.0"),  # type: ignore[arg-type]
        (lambda: Layer(2, True), "nout must be a whole number, 1 or more, got True"),
        (lambda: MLP(2, []), r"like \[16, 16, 1\], got \[\]"),
        (lambda: MLP(2, 3), "got 3"),  # type: ignore[arg-type]
        (lambda: MLP(2, {4, 1}), r"got \{"),  # type: ignore[arg-type]
        (lambda: MLP(2, 3.5), "got 3.5"),  # type: ignore[arg-type]
        (lambda: MLP(2, [4, 0]), "each size in nouts"),
        (lambda: MLP(-1, [4]), "got -1"),
    ],
)
def test_sizes_are_positive_whole_numbers(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@needs_numpy
def test_sizes_from_a_generator_or_an_array() -> None:
    many: list[Any] = [(n for n in [4, 1]), np.array([4, 1])]
    for widths in many:
        assert MLP(np.int64(2), widths).sizes == (2, 4, 1)


def test_what_is_no_input_and_what_is_no_activation() -> None:
    for nonsense in ([1.0, "a"], [[1.0, 2.0], [3.0, 4.0]], [1.0, None]):
        with pytest.raises(TypeError, match="inputs must be numbers or Values"):
            Neuron(2)(nonsense)
    unordered: list[Any] = ["ab", b"ab", {0: 7.0, 1: 9.0}, {1.0, 2.0}]
    for inputs in unordered:
        for taker in (Neuron(2), Layer(2, 3), MLP(2, [3, 1])):
            with pytest.raises(TypeError, match="inputs must be a list of numbers, got"):
                taker(inputs)
    with pytest.raises(TypeError, match=r"activation must return a Value.*returned 3\.0"):
        Neuron(1, activation=lambda v: 3.0)([1.0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dictionary of names"):
        Neuron(1).load_state_dict(None)  # type: ignore[arg-type]


@needs_numpy
def test_arrays_are_no_inputs_of_a_neuron() -> None:
    for nonlin in (True, False):
        with pytest.raises(TypeError, match="inputs must be numbers or Values"):
            Neuron(2, nonlin=nonlin)([np.array([1.0, 2.0]), 1.0])


def test_the_wrong_number_of_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match="Neuron with 3 weights got 2 inputs"):
        Neuron(3)([1.0, 2.0])
    with pytest.raises(ValueError, match="Neuron with 1 weights got 2 inputs"):
        Neuron(1)([1.0, 2.0])
    with pytest.raises(TypeError, match="inputs must be a list of numbers"):
        Neuron(1)(1.0)  # type: ignore[arg-type]


def test_names_reach_their_parameters() -> None:
    model = MLP(2, [3, 1])
    for name, parameter in model.named_parameters():
        assert eval(f"model.{name}") is parameter
    names = [name for name, _ in model.named_parameters()]
    assert names[:4] == [
        "layers[0].neurons[0].w[0]",
        "layers[0].neurons[0].w[1]",
        "layers[0].neurons[0].b",
        "layers[0].neurons[1].w[0]",
    ]
    assert len(names) == len(model.parameters()) == 3 * 3 + 4


class Tied(Module):
    """A learner's own module: attributes, a dict, a shared parameter, and a cycle."""

    def __init__(self) -> None:
        self.scale = Value(2.0)
        self.parts: dict[str, Any] = {"left": Layer(2, 2), "right": [Value(1.0), Value(-1.0)]}
        self.again = self.scale
        self.title = "no parameter"
        self.parent: Any = self

    def __call__(self, x: list[Any]) -> Value:
        y = self.parts["left"](x)
        self.last = y[0]  # an inner node, so no parameter
        return self.scale * y[0] + y[1]  # type: ignore[no-any-return]


def test_a_module_of_ones_own_is_walked_and_shared_parameters_come_once() -> None:
    model = Tied()
    model([1.0, 2.0])
    names = [name for name, _ in model.named_parameters()]
    assert names[0] == "scale"
    assert "again" not in names
    assert "parts['left'].neurons[0].w[0]" in names
    assert "parts['right'][1]" in names
    assert len(names) == 1 + 6 + 2


def test_zero_grad_forgets_all_gradients() -> None:
    model = MLP(2, [2, 1], activation="tanh")
    model([1.0, 2.0]).backward()
    assert any(p.has_grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.has_grad for p in model.parameters())


def test_a_state_dict_is_shaped_as_in_pytorch() -> None:
    state = MLP(2, [3, 1]).state_dict()
    shapes = {key: (len(v), len(v[0]) if "weight" in key else None) for key, v in state.items()}
    assert shapes == {
        "layers.0.weight": (3, 2),
        "layers.0.bias": (3, None),
        "layers.1.weight": (1, 3),
        "layers.1.bias": (1, None),
    }


def test_a_state_dict_has_what_stands_in_dicts_and_leaves_out_what_is_empty() -> None:
    model = Tied()
    model.title = []  # type: ignore[assignment]
    keys = list(model.state_dict())
    assert keys == ["scale", "parts.left.weight", "parts.left.bias", "parts.right", "again"]
    changed = {**model.state_dict(), "parts.right": [3.0, 4.0]}
    model.load_state_dict(changed)
    assert [value.data for value in model.parts["right"]] == [3.0, 4.0]


def test_everything_that_does_not_fit_is_said_at_once() -> None:
    model = MLP(2, [3, 1], seed=0)
    state = {**model.state_dict(), "layers.0.weight": "a", "layers.0.bias": None}
    with pytest.raises(ValueError, match=r"layers\.0\.weight: .*\n  layers\.0\.bias: expected 3"):
        model.load_state_dict(state)


def test_a_state_dict_makes_another_model_the_same() -> None:
    first, second = MLP(2, [3, 1], seed=0), MLP(2, [3, 1], seed=1)
    assert second.load_state_dict(first.state_dict()) == ([], [])
    assert second.state_dict() == first.state_dict()
    assert second([1.0, 2.0]).data == first([1.0, 2.0]).data
    tied = Tied()
    tied.load_state_dict(copy.deepcopy(tied.state_dict()))


@needs_numpy
def test_a_state_dict_of_arrays_loads() -> None:
    model = MLP(2, [3, 1], seed=0)
    model.load_state_dict({key: np.array(v) for key, v in MLP(2, [3, 1]).state_dict().items()})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("layers.1.bias"), "layers.1.bias: missing"),
        (lambda s: s.update(extra=1.0), "extra: not a parameter"),
        (lambda s: s.update({"layers.0.bias": [1.0]}), "expected 3 numbers, got 1 numbers"),
        (lambda s: s["layers.0.weight"][1].append(1.0), "layers.0.weight: expected 3 x 2 numbers"),
        (lambda s: s.update({"layers.0.bias": ["a", "b", "c"]}), "layers.0.bias: expected 3"),
        (lambda s: s.update({"layers.0.bias": None}), "expected 3 numbers, got None"),
        (lambda s: s.update({"layers.1.bias": [10**400]}), "layers.1.bias: expected 1 numbers"),
        (lambda s: s.update({"layers.1.bias": [Value(1.0)]}), "layers.1.bias: expected 1 numbers"),
        (lambda s: s.update({"layers.1.bias": [True]}), "layers.1.bias: expected 1 numbers"),
        (lambda s: s["layers.0.weight"][1].append([1.0]), "3 x 2 numbers, got lists of different"),
        (lambda s: s.update({"layers.1.bias": [1.0, 2.0]}), "expected 1 numbers, got 2 numbers"),
        (lambda s: s.update({"layers.1.bias": []}), "expected 1 numbers, got lists of different"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change: Any, words: str) -> None:
    model = MLP(2, [3, 1], seed=0)
    state = MLP(2, [3, 1], seed=1).state_dict()
    change(state)
    before = model.state_dict()
    with pytest.raises(ValueError, match=words):
        model.load_state_dict(state)
    assert model.state_dict() == before


def test_a_loose_load_says_what_it_left_out() -> None:
    model = MLP(2, [3, 1], seed=0)
    state = {"layers.0.bias": [1.0, 2.0, 3.0], "extra": 1.0}
    result = model.load_state_dict(state, strict=False)
    assert result.missing_keys == ["layers.0.weight", "layers.1.weight", "layers.1.bias"]
    assert result.unexpected_keys == ["extra"]
    assert model.layers[0].neurons[2].b.data == 3.0
    assert model.load_state_dict({"layers.1.bias": [7.0]}, strict=False).unexpected_keys == []
    assert model.layers[1].neurons[0].b.data == 7.0


def test_a_model_learns_a_line() -> None:
    neuron = Neuron(1, nonlin=False, seed=0)
    for _ in range(200):
        neuron.zero_grad()
        loss = sum(((neuron([x]) - (3.0 * x + 1.0)) ** 2 for x in (-1.0, 0.0, 1.0)), Value(0.0))
        loss.backward()
        for p in neuron.parameters():
            p.data -= 0.1 * p.grad
    assert math.isclose(neuron.w[0].data, 3.0, rel_tol=1e-9)  # 200 steps shrink the error by 1e-19
    assert math.isclose(neuron.b.data, 1.0, rel_tol=1e-9)


# ---- no parameter is lost ------------------------------------------------------------------------


@dataclass
class Pair:
    first: Any
    second: Any


@dataclass(slots=True)
class SlottedPair:
    first: Any
    second: Any


class Named(NamedTuple):
    first: Any
    second: Any


class OfModules(Module):
    def __init__(self, first: Any, second: Any) -> None:
        self.first, self.second = first, second


def in_an_array(first: Any, second: Any) -> Any:
    array = np.empty((1, 2), object)
    array[0, 0], array[0, 1] = first, second
    return array


ORDERED: dict[str, Any] = {
    "list": lambda a, b: [a, b],
    "tuple": lambda a, b: (a, b),
    "dict": lambda a, b: {"a": a, 2: b},
    "ordered": lambda a, b: OrderedDict(a=a, b=b),
    "default": lambda a, b: defaultdict(list, {None: a, (1, "x"): b}),
    "proxy": lambda a, b: MappingProxyType({"a": a, "b": b}),
    "deque": lambda a, b: deque([a, b]),
    **({} if np is None else {"array": in_an_array}),
    "dataclass": Pair,
    "slots": SlottedPair,
    "named": Named,
    "namespace": lambda a, b: SimpleNamespace(a=a, b=b),
    "module": OfModules,
}
WITHOUT_ORDER: dict[str, Any] = {
    "set": lambda v: {v},
    "frozenset": lambda v: frozenset([(v, 1.0)]),
    "key": lambda v: {v: 1.0},
    "class": lambda v: type("Holder", (), {"v": v})(),
}
PLAIN: list[Any] = [1.0, 2, True, None, "text", (), [], {}, len]
PLAIN += of_numpy(lambda: [np.ones(2), np.float64(3.0)])
DATA = st.sampled_from(PLAIN)
TREES = st.recursive(
    st.just("value") | DATA,
    lambda inner: st.tuples(st.sampled_from(sorted(ORDERED)), inner, inner),
    max_leaves=8,
)


def built(tree: Any, values: list[Value]) -> Any:
    """Returns what a tree describes, and adds each `Value` in it to the list."""
    if isinstance(tree, str) and tree == "value":
        values.append(Value(float(len(values))))
        return values[-1]
    if isinstance(tree, tuple) and tree:
        kind, first, second = tree
        return ORDERED[kind](built(first, values), built(second, values))
    return tree


@settings(max_examples=200)
@given(TREES, TREES)
def test_every_value_in_whatever_a_module_holds_is_found(first: Any, second: Any) -> None:
    values: list[Value] = []
    model = OfModules(built(first, values), built(second, values))
    named = dict(model.named_parameters())
    assert set(named.values()) == set(values)
    assert len(named) == len(values)
    for name, parameter in named.items():
        assert eval(f"model.{name}") is parameter
    state = model.state_dict()
    assert sorted(flat(list(state.values()))) == [value.data for value in values]
    model.load_state_dict({key: changed(entry) for key, entry in state.items()})
    assert [value.data for value in values] == [float(i) + 0.5 for i in range(len(values))]


def flat(numbers: Any) -> list[float]:
    return [x for n in numbers for x in flat(n)] if isinstance(numbers, list) else [numbers]


def changed(numbers: Any) -> Any:
    return [changed(n) for n in numbers] if isinstance(numbers, list) else numbers + 0.5


@settings(max_examples=100)
@given(TREES, st.sampled_from(sorted(ORDERED)), st.booleans(), st.booleans())
def test_a_weight_that_is_a_result_is_refused_by_its_name(
    around: Any, kind: str, is_kept: bool, is_first: bool
) -> None:
    """Whatever is around it: refused unless it depends on a parameter, as an output does."""
    values: list[Value] = []
    held = built(around, values)
    source = Value(3.0)
    with contextlib.nullcontext() if is_first else no_grad():
        result = (source * 2.0 + 1.0) / 3.0
    model = OfModules(ORDERED[kind](held, result), source if is_kept else 0.0)
    if is_kept:
        assert set(model.parameters()) == {*values, source}
        return
    made = "the result of divide" if is_first else r"computed under no_grad\(\)"
    again = OfModules(copy.deepcopy(result), 0.0)
    for use in (model.parameters, model.state_dict, model.zero_grad, again.parameters):
        with pytest.raises(ValueError, match=f"^first.* is {made}, so it is not a parameter"):
            use()


@pytest.mark.parametrize("kind", WITHOUT_ORDER)
def test_what_has_no_order_may_hold_a_parameter_only_a_second_time(kind: str) -> None:
    weight = Value(1.0)
    lost = OfModules(WITHOUT_ORDER[kind](weight), 0.0)
    with pytest.raises(ValueError, match="so it is not a parameter and would never learn"):
        lost.parameters()
    assert OfModules(WITHOUT_ORDER[kind](weight), [weight]).parameters() == [weight]
    constant = OfModules(WITHOUT_ORDER[kind](Value(1.0, requires_grad=False)), [weight])
    assert constant.parameters() == [weight]


def test_an_attribute_of_the_class_is_named_unless_an_object_has_its_own() -> None:
    class Line(Module):
        w: Any = Value(1.0)

    with pytest.raises(ValueError, match=r"Line\.w belongs to the class"):
        Line().state_dict()
    line = Line()
    line.w = Value(2.0)
    assert line.state_dict() == {"w": 2.0}


def test_a_plain_number_in_place_of_a_neurons_weight_is_named() -> None:
    model = MLP(2, [2, 1], seed=0)
    model.layers[0].neurons[1].w[0] = 0.5  # type: ignore[call-overload]
    with pytest.raises(ValueError, match=r"^layers\[0\]\.neurons\[1\]\.w\[0\] is 0\.5, not a "):
        model.parameters()
    model.layers[0].neurons[1].w[0] = Value(0.5, requires_grad=False)
    assert len(model.parameters()) == 9


class Keeping(Module):
    """It keeps its inputs and its outputs, in lists and under no_grad too."""

    def __init__(self) -> None:
        self.w, self.frozen = [Value(1.0), Value(2.0)], Value(3.0, requires_grad=False)

    def __call__(self, x: Any) -> Any:
        self.x, self.out = x, self.frozen + self.w[0] * x[0] + self.w[1] * x[1]
        self.outputs = [self.out, self.out / 2.0]
        return self.out


@pytest.mark.parametrize("lifted", [False, pytest.param(True, marks=needs_numpy)])
def test_a_model_that_keeps_its_outputs_trains_and_copies(lifted: bool) -> None:
    model = Keeping()
    data = ([[1.0, 2.0], [2.0, 1.0]], [1.5, 2.5])
    model([1.0, 2.0])
    names = ["w[0]", "w[1]", "frozen"]
    for _ in range(2):
        fit(model, data, epochs=2, validation=data, progress=False, lifted=lifted)
        predict(model, data[0])
        assert [name for name, _ in model.named_parameters()] == names
        assert list(model.state_dict()) == ["w", "frozen"]
        assert [name for name, _ in copy.deepcopy(model).named_parameters()] == names


def test_a_module_without_weights_may_keep_what_neurons_gave() -> None:
    kept: Any = Module()
    kept.outputs = [2.0 * output for output in Layer(2, 2, seed=0)([1.0, 2.0])]
    assert kept.parameters() == []


def test_what_a_layer_of_ones_own_adds_is_in_its_state() -> None:
    class Gated(Layer):
        def __init__(self) -> None:
            super().__init__(2, 2, seed=0, activation=Slope())
            self.gate = Value(4.0)

    class Slope(Module):
        def __init__(self) -> None:
            self.a = Value(0.25)

        def __call__(self, x: Value) -> Value:
            return self.a * x

    state = Gated().state_dict()
    assert (state["gate"], state["neurons.0.activation.a"]) == (4.0, 0.25)
    again = Gated()
    again.load_state_dict({**state, "gate": 5.0})
    assert again.gate.data == 5.0


def test_two_entries_of_one_name_are_refused() -> None:
    model: Any = OfModules({1: Value(1.0), "1": Value(2.0)}, 0.0)
    assert len(model.parameters()) == 2
    with pytest.raises(ValueError, match=r"two entries of the state dict are called 'first\.1'"):
        model.state_dict()


def test_modules_may_be_nested_deeply() -> None:
    model = OfModules(Value(1.0), None)
    for _ in range(5000):
        model = OfModules(model, None)
    assert len(model.parameters()) == 1


@pytest.mark.parametrize("make", [lambda n: Neuron(2, n), lambda n: Layer(2, 2, nonlin=n)])
def test_the_name_of_an_activation_is_not_taken_for_nonlin(make: Any) -> None:
    for nonsense in ("tanh", "", None, 2):
        with pytest.raises(TypeError, match=r"nonlin must be True or False, got .*activation="):
            make(nonsense)
    for linear in (False, *of_numpy(lambda: [np.False_])):
        assert make(linear)([1.0, 2.0]) is not None


@needs_numpy
def test_an_optimiser_or_a_program_that_a_model_holds_adds_nothing_to_its_state(
    tmp_path: Path,
) -> None:
    model: Any = MLP(2, [2, 1], seed=0)
    before = model.state_dict()
    model.steps, model.program = Adam(model.parameters()), lift(lambda x: model(x), model)
    model.pair = Pair(model.layers[0].neurons[0].b, Value(2.0))
    assert model.state_dict() == {**before, "pair.second": 2.0}
    del model.pair
    save_model(model, tmp_path / "model.json")
    assert load_model(tmp_path / "model.json").state_dict() == before


def test_what_is_not_searched_costs_no_time_and_raises_nothing() -> None:
    """A logger leads to all loggers, and a mock makes an attribute wherever one is looked for."""
    things = [logging.getLogger(__name__), MagicMock(), threading.Lock(), sys, open, iter([1.0])]
    for thing in things:
        model: Any = OfModules(thing, Value(1.0))
        assert [name for name, _ in model.named_parameters()] == ["second"]
        assert model.state_dict() == {"second": 1.0}


OF_A_LEARNER = """
from micrograd_notes.engine import Value
from micrograd_notes.nn import Module

class Line(Module):
    def __init__(self):
        self.w = Value(1.0)

    def __call__(self, x):
        return self.w * x
"""


@pytest.mark.parametrize("module", ["code", "queue", "statistics", "my_model"])
def test_a_model_of_a_file_that_is_called_like_a_part_of_python(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{module}.py").write_text(OF_A_LEARNER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, module, raising=False)
    assert len(importlib.import_module(module).Line().parameters()) == 1
    monkeypatch.delitem(sys.modules, module)


def test_a_model_that_exec_made() -> None:
    names: dict[str, Any] = {}
    exec(OF_A_LEARNER, names)
    assert len(names["Line"]().parameters()) == 1
