"""Programs that are copied or pickled, as with the models that hold them."""

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, Module, Value  # noqa: E402
from micrograd_notes.lifting import lift, lift_of_sizes  # noqa: E402

X, Y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.5, -0.5])


class Regression(Module):
    def __init__(self, backend: str = "numpy") -> None:
        self.net = MLP(2, [3, 1], seed=0)
        self.program = lift(self.loss, self.net, backend=backend)

    def loss(self, x: Any, y: Any) -> Any:
        return (self.net(x) - y) ** 2


class Line:
    """A plain model that holds the program of its loss."""

    def __init__(self) -> None:
        self.w = Value(0.5)
        self.program = lift(self.loss, self)

    def parameters(self) -> list[Value]:
        return [self.w]

    def loss(self, x: Any, y: Any) -> Any:
        return (self.w * x[0] + x[1] - y) ** 2


class Holder(Module):
    """A module that holds the program of its own loss, and of its outputs."""

    def __init__(self) -> None:
        self.net = MLP(2, [3, 1], seed=0)
        self.program, self.outputs = lift(self.loss, self), lift(self)

    def __call__(self, x: Any) -> Any:
        return self.net(x)

    def loss(self, x: Any, y: Any) -> Any:
        return (self(x) - y) ** 2


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_a_copy_of_a_model_has_a_program_of_its_own(
    copied: Callable[[Any], Any], backend: str
) -> None:
    first = Regression(backend)
    before = first.program(X, Y)
    second = copied(first)
    assert second.program(X, Y) == before
    assert {*second.program.leaves()} == {*second.parameters()}
    for parameter in second.parameters():
        parameter.data += 1.0
    assert first.program(X, Y) == before != second.program(X, Y)
    alone = copied(first.program)
    assert alone(X, Y) == before
    assert not {*alone.leaves()} & {*first.parameters()}
    outputs = copied(lift(first.net))
    assert outputs(X).tolist() == lift(first.net)(X).tolist()


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
@pytest.mark.parametrize("kind", [Line, Holder])
def test_a_model_that_holds_its_own_program_is_copied_with_it(
    copied: Callable[[Any], Any], kind: Any
) -> None:
    first = kind()
    before = first.program(X, Y)
    second = copied(first)
    assert repr(second.program) == repr(first.program)
    assert second.program(X, Y) == before
    assert {*second.program.leaves()} == {*second.parameters()}
    second.program.load(second.program.parameters() + 1.0)
    assert first.program(X, Y) == before != second.program(X, Y)
    program = copied(first.program)  # its model holds it, and no other one
    assert program._function.__self__.program is program
    assert program(X, Y) == before
    if kind is Holder:
        assert copied(first).outputs(X).tolist() == first.outputs(X).tolist()


@pytest.mark.parametrize("use", [
    lambda program, theta: program.value_and_grad(theta, X, Y)[0],
    lambda program, theta: program.next_value_and_grad(theta, X, Y)[0],
    lambda program, theta: program.load(theta) or program(X, Y),
    lambda program, theta: program.check(X, Y) or program(X, Y),
    lambda program, theta: program.source_for(X, Y) and program(X, Y),
])
def test_a_copy_may_be_used_by_any_method_first(use: Callable[[Any, Any], float]) -> None:
    first = Line()
    theta = first.program.parameters()
    assert use(copy.deepcopy(first).program, theta) == first.program(X, Y)


def test_a_program_whose_function_names_its_parameters_is_not_copied_apart_from_them() -> None:
    w = Value(0.5)
    program = lift(lambda x: w * x, parameters=[w])
    family = lift_of_sizes(lambda n: (lambda x: sum(w * a for a in x), [w]), n=4)
    again = "lift(model.loss, model)", "lift_of_sizes(make, n=4)"
    for each, instead in zip((program, family), again, strict=True):
        for copied in (copy.deepcopy, pickled):
            with pytest.raises(TypeError, match=f"can't be copied.*{re.escape(instead)}"):
                copied(each)
        assert copy.copy(each) is each
