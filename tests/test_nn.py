"""Neurons, layers and networks: their wiring, their names, their state."""

import copy
import math
import random
import statistics
from typing import Any

import pytest

from micrograd_notes import ops
from micrograd_notes.engine import Value, topological_order
from micrograd_notes.nn import MLP, Layer, Module, Neuron, activation_names


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
    with pytest.raises(TypeError, match=r"inputs must be a list of 2 numbers, got 1\.0"):
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
        (lambda: MLP(2, []), r"like \[16, 16, 1\]; got \[\]"),
        (lambda: MLP(2, 3), "got 3"),  # type: ignore[arg-type]
        (lambda: MLP(2, {4, 1}), r"got \{"),  # type: ignore[arg-type]
        (lambda: MLP(2, 3.5), "got 3.5"),  # type: ignore[arg-type]
        (lambda: MLP(2, [4, 0]), "each size of an MLP"),
        (lambda: MLP(-1, [4]), "got -1"),
    ],
)
def test_sizes_are_positive_whole_numbers(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_sizes_from_a_generator_or_an_array() -> None:
    np = pytest.importorskip("numpy")
    many: list[Any] = [(n for n in [4, 1]), np.array([4, 1])]
    for widths in many:
        assert MLP(np.int64(2), widths).sizes == (2, 4, 1)


def test_what_is_no_input_and_what_is_no_activation() -> None:
    for nonsense in ([1.0, "a"], [[1.0, 2.0], [3.0, 4.0]], "ab", [1.0, None]):
        with pytest.raises(TypeError, match="inputs are numbers or Values"):
            Neuron(2)(nonsense)
    with pytest.raises(TypeError, match=r"activation returns a Value.*gave 3\.0"):
        Neuron(1, activation=lambda v: 3.0)([1.0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dictionary of names"):
        Neuron(1).load_state_dict(None)  # type: ignore[arg-type]


def test_arrays_are_no_inputs_of_a_neuron() -> None:
    np = pytest.importorskip("numpy")
    for nonlin in (True, False):
        with pytest.raises(TypeError, match="inputs are numbers or Values"):
            Neuron(2, nonlin=nonlin)([np.array([1.0, 2.0]), 1.0])


def test_the_wrong_number_of_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match="Neuron with 3 weights got 2 inputs"):
        Neuron(3)([1.0, 2.0])
    with pytest.raises(ValueError, match="Neuron with 1 weights got 2 inputs"):
        Neuron(1)([1.0, 2.0])
    with pytest.raises(TypeError, match="inputs must be a list of 1 numbers"):
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


def test_a_state_dict_of_arrays_loads() -> None:
    np = pytest.importorskip("numpy")
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
