"""What inputs and parameters are called never meets what the source calls its own.

The law: a function is lifted to the same numbers, whatever the names of its arguments.
"""

import ast
import builtins
import itertools
import keyword
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, Value, engine, lift  # noqa: E402
from micrograd_notes.engine.op import TABLE  # noqa: E402
from micrograd_notes.engine.ops import log, relu, sigmoid, tanh  # noqa: E402
from micrograd_notes.lifting.trace.name import RESERVED  # noqa: E402
from micrograd_notes.lifting.trace.recorded import Recorded, Session  # noqa: E402
from micrograd_notes.lifting.typed.nouns import NOUNS  # noqa: E402
from tests.lifting.programs import NAMES  # noqa: E402

X, Z = [0.1, -0.7, 1.3], [0.5, 0.2, -0.1]
EVERY = sorted(
    {*RESERVED, *NAMES, "_g0", "_s1", "_k0", "_all", "_operand0", "λ", "z1", "hidden1", "forward"}
    - {*keyword.kwlist, "__debug__"}
)
PARTS = 6
IN_TURNS, ALL = None, range(9)

def named(first: str, second: str, w: Any, v: Any) -> Any:
    scope = {"_W_": w, "_V_": v, "_tanh_": tanh}
    body = f"(_W_ * {first} + _V_ * {second}) ** 2 + _tanh_(_W_ * {second}) * {first}"
    exec(f"def f({first}, {second}):\n    return {body}", scope)
    return scope["f"]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("roles", [IN_TURNS, pytest.param(ALL, marks=pytest.mark.long)], ids=str)
def test_any_name_of_an_input(part: int, roles: range | None) -> None:
    """A name takes nine roles: three places among the inputs, and three among the parameters.

    In turns, the first name takes the first one, the next name the next one, and so on.
    """
    w, v = Value(0.3), Value(-0.2)
    program = lift(named("some", "other", w, v), parameters=[w, v])
    value, gradient = program.value_and_grad([0.3, -0.2], X, Z)
    for place, name in enumerate(EVERY[part::PARTS]):
        pairs = (name, "other"), ("dw", name), (name, "n" if name != "n" else "ones")
        named_parameters: list[Any] = [[w, v], {"w": w, "dw": v}, {name: w, f"d{name}": v}]
        for role in [place % 9] if roles is None else roles:
            pair, parameters = pairs[role % 3], named_parameters[role // 3]
            if pair[0] == pair[1]:
                continue
            program = lift(named(*pair, w, v), parameters=parameters)
            got, derivatives = program.value_and_grad([0.3, -0.2], X, Z)
            assert got == pytest.approx(value, rel=1e-14), program.source
            assert derivatives == pytest.approx(gradient, rel=1e-14), program.source


@pytest.mark.parametrize("name", ["lambda", "class", "a b", "1", "", "None"])
def test_a_parameter_in_a_dictionary_may_be_called_anything(name: str) -> None:
    w = Value(0.5)
    program = lift(lambda x: w * x, parameters={name: w})
    assert program([1.0, 3.0]) == 1.0


def test_the_likelihood_of_counts_k_of_n() -> None:
    w = [Value(0.3), Value(-0.2)]
    counts, trials = [3.0, 5.0, 2.0, 7.0, 1.0], [10.0, 12.0, 8.0, 9.0, 11.0]

    def loss(k: Any, n: Any) -> Any:
        p = sigmoid(w[0])
        return -(k * log(p) + (n - k) * log(1 - p)) + w[1] ** 2

    program = lift(loss, parameters=w)
    value = program(counts, trials)
    pairs = zip(counts, trials, strict=True)
    eager = sum((loss(k, n) for k, n in pairs), Value(0.0)) / len(counts)
    assert value == pytest.approx(eager.data, rel=1e-14)


def test_the_negative_of_a_triplet_is_called_n() -> None:
    model = MLP(2, [3, 2], seed=0)

    def square(a: Any, b: Any) -> Any:
        return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))

    def loss(a: Any, p: Any, n: Any) -> Any:
        return relu(square(model(a), model(p)) - square(model(a), model(n)) + 0.2)

    data = np.random.default_rng(0).normal(size=(3, 5, 2))
    program = lift(loss, model)
    rows = zip(*data.tolist(), strict=True)
    assert program(*data) == pytest.approx(sum(loss(*row).data for row in rows) / 5, rel=1e-13)


def test_reserved_are_at_least_the_names_of_python() -> None:
    doctests = {"_"}  # they keep their last value there, as a prompt does
    assert set(dir(builtins)) - doctests <= RESERVED


def test_no_array_is_called_after_a_variable_of_the_engine() -> None:
    """The engine's own functions run while a loss is recorded; their variables name nothing."""
    files = sorted(Path(engine.__file__).parent.glob("*.py"))
    inside: set[str] = set()
    for file in files:
        nodes = [*ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
        inside |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        inside |= {n.name for n in nodes if isinstance(n, ast.FunctionDef)}
    model = MLP(2, [3, 1], seed=0)
    loss = lift(lambda x, y: (model(x) - y) ** 2 / 3 + abs(y - 2 * x[0]), model)
    source = loss.source_for([[0.1, -0.7], [1.3, 0.2]], [0.5, 0.2])
    called = {line.partition(" = ")[0].strip() for line in source.splitlines() if " = " in line}
    called -= {"x", "y"}
    assert len(called) > 15
    said = {*TABLE, *RESERVED, *NOUNS.values(), "error"}  # what the source itself says
    assert not called & (inside - said), source


@pytest.mark.parametrize("lists", [lambda W: W, lambda W: [W], lambda W: {"W": W}])
def test_an_array_is_called_as_a_helper_calls_it(lists: Callable[[Any], Any]) -> None:
    W = [[Value(0.1 * (k + i)) for i in range(4)] for k in range(3)]

    def rows(x: Any) -> Any:
        return [sum(w * v for w, v in zip(row, x, strict=True)) for row in W]

    def embedded(x: Any) -> Any:
        return rows(x)

    program = lift(lambda x: sum(v * v for v in embedded(x)), parameters=lists(W))
    source = program.source_for(np.ones((2, 4)))
    assert "W = theta[0:12].reshape(3, 4)" in source, source
    assert "p1" not in source, source


def test_a_matrix_and_a_vector_in_a_pair_are_two_arrays_of_their_own_shapes() -> None:
    layer = ([[Value(0.5), Value(1.0)], [Value(2.0), Value(3.0)]], [Value(0.1), Value(0.2)])
    layers = {"gate": layer}

    def loss(x: Any) -> Any:
        W, b = layers["gate"]
        return sum([w[0] * x[0] + w[1] * x[1] + c for w, c in zip(W, b, strict=True)], Value(0.0))

    for parameters in (layer, [*layer], layers):
        program = lift(loss, parameters=parameters)
        source = program.source_for([[1.0, 2.0]])
        shapes = re.findall(r"^    \w+ = theta.* # (\(.*\))$", source, re.MULTILINE)
        assert shapes == ["(2, 2)", "(2,)"]


@pytest.mark.parametrize("operator", ["__add__", "__radd__", "__mul__", "__rmul__", "__pow__"])
def test_operators_have_the_code_by_which_the_listener_knows_them(operator: str) -> None:
    """By it the listener for names turns itself off while they record."""
    assert getattr(Recorded, operator).__code__ is Session.operator


def test_each_parameter_has_its_place_whatever_the_others_are_called() -> None:
    """`p` is what a list is called that has no name, so p[0] and p may be two parameters."""
    others = [Value(0.3), Value(-0.2), Value(0.5)]
    for names in itertools.product(["p", "p1", "P", "w", "_p"], repeat=2):
        scope: dict[str, Any] = {"hidden": others[0], **dict(zip(names, others[1:], strict=True))}
        exec(f"def f(x):\n    return {names[0]} * x + {names[1]}", scope)
        program = lift(scope["f"], parameters=[*{id(v): v for v in scope.values()
                                                 if isinstance(v, Value)}.values()])
        leaves = [value for value in others if value in scope.values()]
        assert sorted(map(id, program.leaves())) == sorted(map(id, leaves))
        assert program([1.0]) == scope[names[0]].data + scope[names[1]].data


class Other:
    """Something to which a number's operator says NotImplemented."""

    def __rmul__(self, number: Any) -> Any:
        return number


def test_a_function_is_heard_after_an_operator_that_a_number_does_not_have() -> None:
    w = Value(0.3)

    def inside(number: Any) -> Any:
        heard = tanh(number)
        return heard * heard

    program = lift(lambda x: inside(w * x * Other()), parameters=[w])
    assert "heard = " in program.source_for([1.0])


class Neuron:
    """As in micrograd's lecture, which derives from nothing."""

    def __init__(self, count: int) -> None:
        self.w, self.b = [Value(0.1 * k - 0.2) for k in range(count)], Value(0.3)

    def __call__(self, x: Any) -> Value:
        return sum((w * a for w, a in zip(self.w, x, strict=True)), self.b).tanh()

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]


class Layer:
    def __init__(self, count: int, outputs: int) -> None:
        self.neurons = [Neuron(count) for _ in range(outputs)]

    def __call__(self, x: Any) -> Any:
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def parameters(self) -> list[Value]:
        return [p for neuron in self.neurons for p in neuron.parameters()]


class Network:
    def __init__(self, nested: Callable[[list[Layer]], Any]) -> None:
        self.parts = [Layer(3, 4), Layer(4, 1)]
        self.held = nested(self.parts)
        self.again = self  # what holds itself is walked once

    def __call__(self, x: Any) -> Any:
        for layer in self.parts:
            x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        return [p for layer in self.parts for p in layer.parameters()]


class Holder:
    """An object without `parameters`."""

    def __init__(self, first: Layer, second: Layer) -> None:
        self.first, self.second = first, second


@pytest.mark.parametrize("is_last", [True, False])
def test_classes_that_derive_from_nothing_have_an_array_per_layer(is_last: bool) -> None:
    network = Network(lambda parts: Holder(*parts))
    if not is_last:  # the first name that reaches a parameter is its name
        network.__dict__ = dict([*network.__dict__.items()][::-1])
    program = lift(lambda x, y: (network(x) - y) ** 2, network)
    program.value_and_grad(program.parameters(), np.ones((2, 3)), np.ones(2))
    shapes = [array.shape for array in program._arrays]
    assert shapes == [(3, 4), (4,), (4, 1), (1,)]
    assert re.search(r"x @ \w+ \+ \w+", program.source), program.source
