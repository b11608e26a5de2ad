"""A program is compiled again when something changes that it was compiled for.

The law: whatever a function reads from outside and changes between two calls, lifted is the scalars
at both calls.
"""

import argparse
import collections
import ctypes
import functools
import logging
import random
import sys
import types
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import MagicMock

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, Layer, Value, grad, lift, no_grad  # noqa: E402
from micrograd_notes.engine.ops import tanh  # noqa: E402
from micrograd_notes.lifting import compiled as compiled_module  # noqa: E402
from micrograd_notes.lifting.codegen.numpy import emit  # noqa: E402
from micrograd_notes.nn import Module  # noqa: E402
from micrograd_notes.train.loop import fit  # noqa: E402
from micrograd_notes.train.optim import SGD  # noqa: E402

X, Y = [[1.0, 2.0], [0.5, -1.0], [0.0, 1.0]], [1.5, 0.0, 2.0]
SCALE = 1.5
OPTIONS: dict[str, Any] = {"beta": 2.0, "weights": [0.5, 0.25]}
ARRAY = np.array([1.0, 2.0])


@dataclass
class Settings:
    """Numbers that a loss may read."""

    rate: float = 0.5
    parts: list[float] = field(default_factory=lambda: [1.0, 3.0])


class Slotted:
    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 1.0


class Config:
    gamma = 4.0


class Net(Module):
    temperature = 1.0

    def __init__(self) -> None:
        self.mlp, self.scale, self.table = MLP(2, [3, 1], seed=0), 0.5, {"a": [1.0]}

    def __call__(self, x: Any) -> Any:
        return self.mlp(x) * self.scale * self.table["a"][0] * self.temperature + helper()


def helper() -> float:
    return SCALE * float(OPTIONS["beta"])


def of_default(x: Any, *, k: float = 2.0) -> Any:
    return k


SETTINGS, SLOTTED = Settings(), Slotted()
SPACE = types.SimpleNamespace(delta=0.5)


def set_global(name: str, thing: Any) -> None:
    globals()[name] = thing


CHANGES: dict[str, tuple[Callable[[], float], Callable[[], Any]]] = {
    "a number of the module": (lambda: SCALE, lambda: set_global("SCALE", SCALE + 1)),
    "a dictionary": (lambda: OPTIONS["beta"], lambda: OPTIONS.update(beta=OPTIONS["beta"] + 1)),
    "a list in it": (lambda: OPTIONS["weights"][1], lambda: OPTIONS["weights"].insert(0, 0.1)),
    "an array": (lambda: float(ARRAY[1]), lambda: ARRAY.__iadd__(1.0)),
    "a dataclass": (lambda: SETTINGS.rate, lambda: setattr(SETTINGS, "rate", SETTINGS.rate + 1)),
    "a list of a dataclass": (lambda: SETTINGS.parts[0], lambda: SETTINGS.parts.insert(0, 9.0)),
    "a slot": (lambda: SLOTTED.number, lambda: setattr(SLOTTED, "number", SLOTTED.number + 1)),
    "a class": (lambda: Config.gamma, lambda: setattr(Config, "gamma", Config.gamma + 1)),
    "a namespace": (lambda: SPACE.delta, lambda: setattr(SPACE, "delta", SPACE.delta + 1)),
    "what another function reads": (helper, lambda: set_global("SCALE", SCALE + 1)),
    "another function": (
        lambda: helper(),
        lambda: set_global("helper", functools.partial(float, random.random())),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_plain_number_that_the_function_reads(what: str) -> None:
    read, change = CHANGES[what]
    w = Value(0.5)

    def loss(x: Any, y: Any) -> Any:
        return (w * x[0] * read() - y) ** 2

    program = lift(loss, parameters=[w])
    agrees(program, loss, [w])
    change()
    agrees(program, loss, [w])
    compiled = program._latest
    agrees(program, loss, [w])
    assert program._latest is compiled  # and only then


def agrees(program: Any, loss: Any, parameters: list[Value]) -> None:
    for p in parameters:
        p.grad = None
    value, derivatives = program.value_and_grad(program.parameters(), X, Y)
    eager = sum((loss(x, y) for x, y in zip(X, Y, strict=True)), Value(0.0)) / len(X)
    assert value == pytest.approx(eager.data, rel=1e-12)
    trained = [p for p in program.leaves() if p.requires_grad]
    expected = iter(grad(eager, trained))
    for p, derivative in zip(program.leaves(), derivatives, strict=True):
        assert derivative == pytest.approx(next(expected).data if p.requires_grad else 0.0)


def written(held: Any) -> float:
    """Returns a number that depends on types and signs alone."""
    numbers = [repr(each) for each in (sorted(held) if isinstance(held, set) else held)]
    return 1.0 + sum(map(ord, "".join(numbers))) / 1000


PAIRS: list[Any] = [
    (1, True), (True, 1.0), (1.0, 1), (0.0, -0.0), (0, -0.0), ((1, 2.0), (1, 2)),
    (((0.0,),), ((-0.0,),)), (np.float32(1.0), 1.0), (np.float64(1.0), 1.0), (1j, 1j - 0.0),
    (frozenset([1]), frozenset([True])), (complex(1.0, 0.0), complex(1.0, -0.0)),
]


@pytest.mark.parametrize("where", ["list", "deque", "dict", "set", "object", "slot", "cell"])
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_number_that_is_equal_but_has_another_type_or_sign(where: str, pair: Any) -> None:
    before, after = pair
    held: Any = {"list": [before, 3.0], "deque": collections.deque([before]), "set": {before},
                 "dict": {"a": before}, "object": types.SimpleNamespace(a=before),
                 "slot": Slotted()}.get(where)
    cell, w = before, Value(0.5)
    if where == "slot":
        held.number = before

    def read() -> list[Any]:
        if where in ("object", "slot"):
            return [held.a if where == "object" else held.number]
        return [*held.values()] if where == "dict" else [*held] if held else [cell]

    def loss(x: Any, y: Any) -> Any:
        return (w * x[0] * written(read()) - y) ** 2

    program = lift(loss, parameters=[w])
    agrees(program, loss, [w])
    if where in ("list", "deque", "dict"):
        held["a" if where == "dict" else 0] = after
    elif where == "set":
        held.clear(), held.add(after)
    elif where == "cell":
        cell = after
    else:
        setattr(held, "a" if where == "object" else "number", after)
    agrees(program, loss, [w])
    latest = program._latest
    agrees(program, loss, [w])
    assert program._latest is latest


def test_a_number_that_is_set_anew_is_the_same() -> None:
    w, rates = Value(0.5), list[Any]([float("1.5"), (0.5, 2)])
    program = lift(lambda x, y: (w * x[0] * rates[0] * rates[1][0] - y) ** 2, parameters=[w])
    program(X, Y)
    latest = program._latest
    rates[:] = [float("1.5"), (0.5, 2)]
    program(X, Y)
    assert program._latest is latest


def test_closures_defaults_partials_and_bound_methods() -> None:
    w, k = Value(0.5), 2.0
    cell = [3.0]

    class Loss:
        power = 2.0

        def method(self, x: Any, y: Any) -> Any:
            return (w * x[0] * k * cell[0] - y) ** self.power

    loss = Loss()
    program = lift(loss.method, parameters=[w])
    agrees(program, loss.method, [w])
    k = 5.0
    agrees(program, loss.method, [w])
    cell[0] = -1.0
    agrees(program, loss.method, [w])
    loss.power = 4.0
    agrees(program, loss.method, [w])
    Loss.method = lambda self, x, y: (w * x[1] - y) ** 2  # type: ignore[method-assign]
    weights = {"b": 1.0}
    partial = functools.partial(lambda scale, x, y: (w * x[0] * scale["b"] - y) ** 2, weights)
    program = lift(partial, parameters=[w])
    agrees(program, partial, [w])
    weights["b"] = 3.0
    agrees(program, partial, [w])


def test_a_model_and_all_of_its_parts() -> None:
    model = Net()

    def loss(x: Any, y: Any) -> Any:
        return (model(x) - y) ** 2

    program = lift(loss, model)

    def check() -> None:
        agrees(program, loss, model.parameters())

    check()
    layers = model.mlp.layers
    for change in (
        lambda: setattr(model, "scale", 2.0),
        lambda: model.table["a"].__setitem__(0, -1.0),
        lambda: setattr(Net, "temperature", 3.0),
        lambda: setattr(layers[0].neurons[0], "activation", tanh),
        lambda: layers[0].neurons[1].w.__setitem__(0, Value(2.5)),
        lambda: setattr(layers[0].neurons[1], "b", Value(-0.5)),
        lambda: layers.__setitem__(1, Layer(3, 1, nonlin=False, seed=3)),
        lambda: setattr(layers[0].neurons[0], "activation", layers[0].neurons[1].activation),
        lambda: layers.insert(1, Layer(3, 3, activation="tanh", seed=4)),
        lambda: setattr(layers[0].neurons[0].w[0], "requires_grad", False),
        lambda: setattr(layers[0].neurons[0].w[0], "requires_grad", True),
        lambda: setattr(model, "mlp", MLP(2, [2, 1], activation="sigmoid", seed=1)),
    ):
        change()  # type: ignore[no-untyped-call]
        check()


def test_a_frozen_parameter_that_is_thawed_learns() -> None:
    w, v = Value(3.0, requires_grad=False), Value(2.0)
    program = lift(lambda x: w * v * x, parameters=[w, v])
    program([1.0])
    assert (w.has_grad, v.grad) == (False, 3.0)
    w.requires_grad, v.grad = True, None
    program([1.0])
    assert (w.grad, v.grad) == (2.0, 3.0)


def test_what_a_library_holds_is_not_looked_into() -> None:
    class Logs(Module):
        def __init__(self) -> None:
            self.w, self.log = Value(1.0), logging.getLogger("micrograd_notes.test")
            self.generator, self.options = random.Random(0), argparse.Namespace(scale=2.0)

        def __call__(self, x: Any) -> Any:
            self.log.debug("called")
            return self.w * x * self.options.scale

    model = Logs()
    program = lift(lambda x: model(x) ** 2, model)
    assert program([1.0]) == 4.0
    compiled = program._latest
    model.generator.random()
    logging.getLogger("micrograd_notes.test.other").warning("nothing")
    program([1.0])
    assert program._latest is compiled
    model.options.scale = 3.0
    assert program([1.0]) == 9.0


def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    compiled: list[Any] = []
    made = emit.emit

    def counted(*arguments: Any) -> emit.Printed:
        compiled.append(arguments)
        return made(*arguments)

    monkeypatch.setattr(compiled_module, "emit", counted)
    return compiled


def test_the_data_of_a_value_that_is_no_parameter() -> None:
    """Target networks and running means are read so, and their data change."""
    w, target = Value(0.5), [Value(2.0)]

    def loss(x: Any, y: Any) -> Any:
        return (w * x[0] - target[0].data * y) ** 2

    program = lift(loss, parameters=[w])
    agrees(program, loss, [w])
    target[0].data = 5.0
    agrees(program, loss, [w])
    target[0] = Value(-1.0)
    agrees(program, loss, [w])


def test_a_frozen_parameter_that_is_replaced_by_another_frozen_one() -> None:
    class Shifted(Module):
        def __init__(self) -> None:
            self.w, self.b = Value(0.3), [Value(2.0, requires_grad=False)]

        def __call__(self, x: Any) -> Any:
            return self.w * x[0] * self.b[0]

    model = Shifted()

    def loss(x: Any, y: Any) -> Any:
        return (model(x) - y) ** 2

    program = lift(loss, model)
    agrees(program, loss, model.parameters())
    model.b = [Value(5.0, requires_grad=False)]
    agrees(program, loss, model.parameters())


def test_source_for_and_reaches_trust_nothing_that_is_stale() -> None:
    w, k = Value(0.5), {"k": 2.0}
    program = lift(lambda x: (w * k["k"] * x[0]) ** 2, parameters=[w])
    program([[1.0]])
    for look in (program.source_for, program.reaches):
        k["k"] += 1
        look([[1.0, 2.0]])
        assert program([[1.0]]) == (0.5 * k["k"]) ** 2


class Vector:
    def __init__(self, x: Any) -> None:
        self.x = x

    def __mul__(self, other: Any) -> Any:
        return self.x * other * SCALE


class Base:
    factor = 2.0


class Derived(Base):
    def __call__(self, x: Any) -> Any:
        return x * self.factor


def with_attribute(x: Any) -> Any:
    return x * with_attribute.factor  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("apply", "change"),
    [
        (lambda x: Vector(x) * 2.0, lambda: set_global("SCALE", SCALE + 1)),
        (Derived(), lambda: setattr(Base, "factor", Base.factor + 1)),
        (Derived(), lambda: setattr(Derived, "factor", 9.0)),
        (with_attribute, lambda: setattr(with_attribute, "factor", 7.0)),
        (COUNTED := collections.UserDict(k=2.0), lambda: COUNTED.update(k=3.0)),
        (DEEP := types.SimpleNamespace(inner=Settings()), lambda: setattr(DEEP.inner, "rate", 3)),
    ],
    ids=["a special method", "a base", "a class that shadows", "a function", "UserDict", "nested"],
)
def test_what_the_code_reads_in_other_ways(apply: Any, change: Callable[[], Any]) -> None:
    with_attribute.factor = 3.0  # type: ignore[attr-defined]
    w = Value(0.5)

    def loss(x: Any, y: Any) -> Any:
        if isinstance(apply, collections.UserDict):
            return (w * x[0] * apply["k"] - y) ** 2
        if isinstance(apply, types.SimpleNamespace):
            return (w * x[0] * apply.inner.rate - y) ** 2
        return (apply(w * x[0]) - y) ** 2

    program = lift(loss, parameters=[w])
    agrees(program, loss, [w])
    change()
    agrees(program, loss, [w])


def test_a_function_that_exec_made() -> None:
    """Its module is said to be that of Python's built-in functions."""
    names: dict[str, Any] = {"w": Value(0.5), "SCALE": 2.0}
    exec("def loss(x, y):\n    return (w * x[0] * SCALE - y) ** 2", names)
    program = lift(names["loss"], parameters=names["w"])
    agrees(program, names["loss"], [names["w"]])
    names["SCALE"] = 5.0
    agrees(program, names["loss"], [names["w"]])


class ByText:
    """Its attributes are named by texts that the code makes."""

    c2 = 0.25

    def __init__(self) -> None:
        for k in range(2):
            setattr(self, f"w{k}", Value(0.5 + k))
            setattr(self, f"c{k}", 0.1 * k)

    def parameters(self) -> list[Value]:
        return [getattr(self, f"w{k}") for k in range(2)]

    def with_getattr(self, x: Any, y: Any) -> Any:
        scale = sum(getattr(self, "c" + str(k)) for k in range(3))
        return (sum(getattr(self, f"w{k}") * x[k] for k in range(2)) * (1 + scale) - y) ** 2

    def with_vars(self, x: Any, y: Any) -> Any:
        own = vars(self)
        return (sum(own[f"w{k}"] * x[k] for k in range(2)) * (1 + own[f"c{1}"]) - y) ** 2


@pytest.mark.parametrize("name", ["with_getattr", "with_vars"])
def test_attributes_that_are_named_by_a_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ByText()
    loss = getattr(model, name)
    program = lift(loss, model)
    agrees(program, loss, model.parameters())
    model.c1 = 2.0  # type: ignore[attr-defined]
    agrees(program, loss, model.parameters())
    if name == "with_getattr":
        monkeypatch.setattr(ByText, "c2", 3.0)
        agrees(program, loss, model.parameters())
    model.w0 = Value(-3.0)  # type: ignore[attr-defined]
    agrees(program, loss, model.parameters())


def test_what_a_training_loop_counts_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compilations(monkeypatch)

    class Trainer(Module):
        def __init__(self) -> None:
            self.w, self.losses, self.step = Value(0.5), list[float](), 0
            self.noise = np.array([np.nan, 1.0])
            self.optimizer = SGD([self.w], lr=0.1, momentum=0.9)

        def loss(self, x: Any, y: Any) -> Any:
            return (self.w * x[0] * float(self.noise[1]) - y) ** 2

        def train(self) -> None:
            for _ in range(5):
                self.optimizer.zero_grad()
                self.losses.append(program(X, Y))
                self.optimizer.step()
                self.step += 1

    trainer = Trainer()
    program = lift(trainer.loss, parameters=[trainer.w])
    trainer.train()
    assert len(compiled) == 1
    assert trainer.losses[-1] < trainer.losses[0]


def test_things_of_all_kinds_in_a_closure_are_no_obstacle() -> None:
    class Odd(list):  # type: ignore[type-arg]
        def copy(self) -> Any:
            raise RuntimeError

    class Open:
        def __getattr__(self, name: str) -> Any:
            raise KeyError(name)

    class Unequal:
        def __eq__(self, other: object) -> bool:
            raise AttributeError

        __hash__ = None  # type: ignore[assignment]

    held = [Odd([1.0]), Open(), Unequal(), MagicMock(), np.ndarray, np.float64, np.random.rand, sys]
    held += [iter([1.0]), (x for x in [1.0]), object(), Exception("no"), print, range(3), {1: {2}}]
    held.append(held)
    w = Value(0.5)
    program = lift(lambda x: (w * x * len(held)) ** 2, parameters=[w])
    assert program([2.0]) == program([2.0]) == len(held) ** 2


def test_freezing_back_and_forth_compiles_no_more_than_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = compilations(monkeypatch)
    w, v = Value(3.0), Value(2.0)
    program = lift(lambda x: w * v * x, parameters=[w, v])
    for k in range(10):
        w.requires_grad = bool(k % 2)
        program([1.0])
    assert len(compiled) == 2


def test_an_output_that_a_model_keeps_is_no_change() -> None:
    class Keeps(Module):
        def __init__(self) -> None:
            self.w, self.kept = Value(1.0), Value(0.0, requires_grad=False)

        def __call__(self, x: Any) -> Any:
            self.kept = self.w * x
            return self.kept

    model = Keeps()
    program = lift(lambda x: model(x) ** 2, model)
    program([1.0])
    compiled = program._latest
    for _ in range(3):
        assert model(2.0).data == 2.0
        program([1.0])
    assert program._latest is compiled
    assert model.kept.data == 2.0


@pytest.mark.parametrize("box", [
    array("d", [2.0, 3.0]), memoryview(array("d", [2.0])), bytearray(b"ab"),
    memoryview(bytearray(b"ab")), (ctypes.c_double * 2)(2.0, 3.0), np.array([2.0, None]),
], ids=lambda box: type(box).__name__)
def test_a_number_in_a_buffer_that_changes_is_noticed(box: Any) -> None:
    w = Value(0.5)
    program = lift(lambda x: w * x * box[0], parameters=[w])
    assert program([1.0]) == 0.5 * box[0]
    box[0] = 7
    assert program([1.0]) == 3.5


def test_what_is_forgotten_is_compiled_anew_for_the_shape_that_was_known() -> None:
    w, held = Value(0.5), [2.0]
    program = lift(lambda x: w * x[0] * held[0] + x[1], parameters=[w])
    program([[1.0, 3.0]])
    for use in (
        lambda: program.certify().digits, lambda: program.source, lambda: program.c_source,
        lambda: program.explain(), lambda: program.backend, lambda: program.reaches([[1.0, 2.0]]),
    ):
        held[0] += 1.0
        program.parameters()  # looks outside
        assert use()
        assert f"{held[0]:g}" in program.source
    held[0] = 0.0
    assert program.certify()
    assert program([[1.0, 3.0]]) == 3.0


def test_a_buffer_that_is_closed_or_large_is_passed_over() -> None:
    w, closed, large = Value(0.5), memoryview(b"ab"), array("d", [2.0]) * 1_000_000
    held = [closed, large]
    program = lift(lambda x: w * x * len(held), parameters=[w])
    assert program([1.0]) == 1.0
    closed.release()
    assert program([1.0]) == 1.0


def test_a_recording_is_made_with_gradients_whatever_the_mode_around_it() -> None:
    model = MLP(2, [4, 1], seed=0)
    program = lift(lambda x, y: (model(x) - y) ** 2, model)
    with no_grad():
        before = program(X, Y)
    assert not any(p.has_grad for p in model.parameters())
    optimizer = SGD(model.parameters(), lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        after = program(X, Y)
        optimizer.step()
    assert after < before / 2


def test_no_grad_inside_the_function_holds() -> None:
    w, v = Value(3.0), Value(2.0)

    def loss(x: Any) -> Any:
        with no_grad():
            target = w * v
        return (v * x - target.detach()) ** 2

    program = lift(loss, parameters=[w, v])
    program([1.0, 2.0])
    assert w.grad == 0.0
    assert v.grad == pytest.approx((2 * (2 - 6) * 1 + 2 * (4 - 6) * 2) / 2)


def test_fit_goes_on_with_what_a_callback_changes() -> None:
    weights = {"now": 1.0}

    def loss(outputs: Any, targets: Any) -> Any:
        return sum((o - t) ** 2 * weights["now"] for o, t in zip(outputs, targets, strict=True)) / 3

    def change(epoch: int, logs: Any) -> None:
        weights["now"] = 1.0 + epoch

    histories = []
    for lifted in (False, True):
        weights["now"] = 1.0
        model = MLP(2, [3, 1], seed=0)
        histories.append(fit(
            model, (X, Y), loss=loss, epochs=5, batch_size=3, callback=change, progress=False,
            lifted=lifted, optimizer=SGD(model.parameters(), lr=0.01),
        )["loss"])
    assert histories[0] == pytest.approx(histories[1], rel=1e-9)


def test_fit_refuses_to_go_on_with_a_parameter_that_was_replaced() -> None:
    model = MLP(2, [3, 1], seed=0)

    def replace(epoch: int, logs: Any) -> None:
        model.layers[0].neurons[0].b = Value(1.0)

    with pytest.raises(RuntimeError, match="was replaced by another Value"):
        fit(model, (X, Y), epochs=3, callback=replace, progress=False, lifted=True)
