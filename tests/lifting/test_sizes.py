"""Programs of sizes: what `lift_of_sizes` writes is what `lift` writes, and what it refuses."""

import pickle
import random
import re
import warnings
from functools import partial, reduce
from itertools import islice
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from micrograd_notes import MLP, Value, mse_loss, pick
from micrograd_notes.engine.backward import backward, topological_order
from micrograd_notes.engine.ops import exp, log, sigmoid, tanh
from micrograd_notes.lifting import CannotLift, NotChecked, lift, lift_of_sizes
from micrograd_notes.lifting.sizes import check, family, program as program_of_sizes
from micrograd_notes.lifting.sizes.family import Family as FamilyOfModels
from micrograd_notes.lifting.sizes.formulas import Differ, Formulas, Sum, differing
from micrograd_notes.lifting.sizes.small import Small
from tests.lifting.examples import values
from tests.lifting.families import FAMILIES, Family, numbers


def lifted(family: Family, sizes: dict[str, int]) -> Any:
    loss, held = family.make(**sizes)
    if hasattr(held, "parameters"):
        return lift(loss, held, check=False)
    return lift(loss, parameters=held, check=False)


def of_sizes(family: Family, sizes: dict[str, Any]) -> Any:
    return lift_of_sizes(family.make, **sizes)


def without_names(source: str) -> str:
    """Returns a source with its names by their first use, without line breaks and comments."""
    numbers: dict[str, int] = {}
    words = re.sub(r"[a-zA-Z_]\w*", lambda m: f"v{numbers.setdefault(m[0], len(numbers))}", source)
    return re.sub(r"(\(\s*)?#.*|\n\s*\)(?=\n)|\s+", "", words)


LONG = {"gpt", "gpt by width", "cnn"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.long] if n in LONG else []) for n in FAMILIES]
)
def test_a_program_of_sizes_has_the_source_and_the_numbers_of_one_that_is_lifted(name: str) -> None:
    family = FAMILIES[name]
    for sizes in family.sizes:
        data = family.data(**sizes)
        program, known = of_sizes(family, sizes), lifted(family, sizes)
        source, expected_source = program.source_for(*data), known.source_for(*data)
        if family.has_same_names:
            assert source == expected_source
        assert without_names(source) == without_names(expected_source)
        assert (program.parameters() == known.parameters()).all()
        loss, gradient = program.value_and_grad(program.parameters(), *data)
        expected, derivatives = known.value_and_grad(known.parameters(), *data)
        assert loss == expected
        assert np.array_equal(gradient, derivatives)


# ---- what is compared, and what is refused -------------------------------------------------------


def network(inputs: int, hidden: int) -> Any:
    model = MLP(inputs, [hidden, 1], activation="tanh", seed=0)
    return lambda x, y: (model(x) - y) ** 2, model


DATA = np.random.default_rng(0).normal(size=(3, 40)), np.array([0.5, -1.0, 2.0])


def test_leaves_load_and_certificate_are_those_of_a_lifted_program() -> None:
    program = lift_of_sizes(network, inputs=40, hidden=20)
    with pytest.raises(RuntimeError, match="nothing is compiled yet"):
        _ = program.source
    theta = program.parameters() + 0.5
    program.load(theta)
    assert [leaf.data for leaf in program.leaves()] == theta.tolist()
    program(*DATA)
    _, gradient = program.value_and_grad(theta, *DATA)
    assert [leaf.grad for leaf in program.leaves()] == gradient.tolist()
    assert program.certify(points=1, digits=20)
    assert all(program.reaches(*DATA))
    assert "5. emit" in program.explain()


def test_the_passes_on_the_base_are_explained() -> None:
    family = FAMILIES["rnn"]
    program = of_sizes(family, family.sizes[0])
    program.source_for(*family.data(**family.sizes[0]))
    arranged = program.explain().partition("\n4. arrange: ")[2].partition("\n5. emit: ")[0]
    assert "[n, 3] = np.tanh(g" in arranged
    assert "gNone" not in arranged


def test_the_check_has_the_order_of_the_engine_and_keeps_gradients() -> None:
    x, y, z = Value(2.0), Value(3.0), Value(0.5)
    x.grad = 7.0
    shared = x * y
    loss = pick([shared + shared, tanh(x * shared), z], 1) * x + 1.0
    expected, found = topological_order(loss), check._ordered(loss)
    assert [v for v in found if v.op is not None] == [v for v in expected if v.op is not None]
    assert {*found} == {*expected}
    assert len(found) == len(expected)
    assert x.grad == 7.0
    assert not y.has_grad
    backward(loss, order=found)
    once = y.grad
    loss.backward()
    assert y.grad == 2 * once


def test_a_frozen_array_is_frozen_in_the_small_models() -> None:
    program = lift_of_sizes(network, inputs=40, hidden=20)
    for leaf in program.leaves()[:800]:
        leaf.requires_grad = False
    _, gradient = program.value_and_grad(program.parameters(), *DATA)
    assert not gradient[:800].any()
    assert gradient[800:].all()
    program.leaves()[0].requires_grad = True
    with pytest.raises(CannotLift, match="W1 is frozen in part"):
        program.value_and_grad(program.parameters(), *DATA)


def test_large_models_are_compared_at_smaller_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "FITS", 500)
    program = lift_of_sizes(network, inputs=40, hidden=20)
    program.value_and_grad(program.parameters(), *DATA)
    assert program.checked == "the gradient at inputs=20, hidden=10, the loss at these sizes"
    monkeypatch.setattr(check, "MOST", 500)
    program = lift_of_sizes(network, inputs=40, hidden=20)
    program.value_and_grad(program.parameters(), *DATA)
    assert program.checked == "the gradient at inputs=20, hidden=10"
    outputs = lift_of_sizes(lambda inputs: network(inputs, 20)[1], inputs=40)
    outputs(DATA[0])
    assert outputs.checked == "the outputs at inputs=10"


def test_where_even_the_base_is_too_large_it_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size of the base may be larger than that of the model: here 2, 3 and 5 stand for 4."""

    def make(first: int, second: int, outputs: int) -> Any:
        model = MLP(1, [first, second, outputs], activation="tanh", seed=0)
        return lambda x, y: mse_loss(model(x), y), model

    monkeypatch.setattr(check, "MOST", 0)
    program = lift_of_sizes(make, first=4, second=4, outputs=4)
    with warnings.catch_warnings(action="error"):
        program.value_and_grad(program.parameters(), DATA[0][:, :1], DATA[0][:, :4])
    assert program.checked == "the gradient at first=2, second=3"


def test_a_program_that_was_compared_at_chosen_sizes_is_not_compared_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = lift_of_sizes(network, inputs=40, hidden=20)
    said = program.check_at(*DATA, hidden=10)
    assert said == program.checked == "the gradient at hidden=10, the loss at these sizes"
    assert program.check_at(*DATA) == "the gradient at these sizes"
    program.check(*DATA)
    assert program.checked == "the gradient at these sizes"
    outputs = lift_of_sizes(lambda inputs: network(inputs, 20)[1], inputs=40)
    said = outputs.check_at(DATA[0], inputs=5)
    assert said == "the outputs at inputs=5, the outputs at these sizes"
    monkeypatch.setattr(program_of_sizes, "compare", None)
    program.value_and_grad(program.parameters(), *DATA)
    with pytest.raises(TypeError, match="takes the sizes inputs, hidden, got width=3"):
        program.check_at(*DATA, width=3)
    for given in ({"least": 3}, {"theta": program.parameters()}):
        with pytest.raises(TypeError, match="takes data alone, got least or theta"):
            program.check(*DATA, **given)


def test_where_weights_hide_derivatives_other_numbers_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If the first layer makes zeros, the derivatives by the second layer's weights are 0, too."""
    compared: list[Any] = []
    gradient = check.Comparison._gradient

    def noted(self: Any) -> Any:
        compared.append(gradient(self))
        return compared[-1]

    def make(inputs: int, hidden: int) -> Any:
        model = MLP(inputs, [hidden, 1], activation="tanh", seed=0)
        for parameter in model.layers[0].parameters():
            parameter.data = 0.0
        return lambda x, y: (model(x) - y) ** 2, model

    monkeypatch.setattr(check.Comparison, "_gradient", noted)
    program = lift_of_sizes(make, inputs=30, hidden=20)
    program.value_and_grad(program.parameters(), np.ones((2, 30)), np.ones(2))
    assert [bool(each[-21:-1].any()) for each in compared] == [False, True]


def test_a_gradient_that_is_not_the_slope_of_the_loss_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The large model has too many scalars here, and the smaller ones agree."""
    run = check.Comparison._run

    def wrong(self: Any, theta: Any, example: Any) -> Any:
        loss, gradient = run(self, theta, example)
        return loss, gradient * (1.001 if self.is_own else 1.0)

    monkeypatch.setattr(check, "MOST", 500)
    monkeypatch.setattr(check.Comparison, "_run", wrong)
    program = lift_of_sizes(network, inputs=40, hidden=20)
    with pytest.raises(CannotLift, match="inputs=40, hidden=20: the program's gradient is not the"):
        program.value_and_grad(program.parameters(), *DATA)


def autoencoder(inputs: int, hidden: int) -> Any:
    model = MLP(inputs, [hidden, inputs], activation="tanh", seed=0)
    return lambda x: mse_loss(model(x), x), model


def wide(inputs: int, hidden: int) -> Any:
    model = MLP(inputs, [hidden**2, hidden, 3], activation="tanh", seed=0)
    return lambda x: mse_loss(model(x), x[:3]), model


def image(side: int) -> Any:
    model = MLP(side * side, [side, 1], activation="tanh", seed=0)
    return lambda x: (model(x) - 0.5) ** 2, model


def pooled(side: int) -> Any:
    """Returns a loss of pairs of sums, for an odd side."""
    w = values(0, 2)

    def loss(x: Any) -> Any:
        sums = [w[0] * x[i] + w[1] * x[i + 1] for i in range(side - 1)]
        return sum(tanh(sums[i]) * sums[i + 1] for i in range(0, side - 2, 2))

    return loss, w


def blocks(half: int) -> Any:
    w = values(0, 2)
    return lambda x: sum(tanh(w[0] * x[2 * i] + w[1] * x[2 * i + 1]) for i in range(half)), w


def only(fits: Any) -> Any:
    """Returns a family that takes some sizes alone."""

    def make(inputs: int, hidden: int) -> Any:
        assert fits(hidden)
        loss, model = network(inputs, hidden)
        return lambda x: loss(x, 0.5), model

    return make


COMPARED: list[tuple[Any, dict[str, Any], int, str]] = [
    (autoencoder, {"inputs": 41, "hidden": 13}, 41, "inputs=10, hidden=6"),
    (wide, {"inputs": 15, "hidden": 11}, 15, "inputs=6, hidden=5"),
    (image, {"side": 9}, 81, "side=4"),
    (pooled, {"side": 201}, 201, "side=49"),
    (pooled, {"side": 102}, 102, "side=50"),
    (blocks, {"half": 70}, 140, "half=35"),
    (only(lambda n: n % 2 == 0), {"inputs": 30, "hidden": 30}, 30, "inputs=6, hidden=14"),
    (only(lambda n: n % 4 == 0), {"inputs": 40, "hidden": 20}, 40, "inputs=8, hidden=8"),
    (only(lambda n: n & n - 1 == 0), {"inputs": 30, "hidden": 32}, 30, "inputs=7, hidden=16"),
]


@pytest.mark.parametrize(("make", "sizes", "length", "said"), COMPARED)
def test_a_smaller_model_has_sizes_that_its_family_takes(
    make: Any, sizes: dict[str, Any], length: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two formulas of small sizes part at others, a half may be odd, and `make` may refuse it."""
    monkeypatch.setattr(check, "FITS", 300)
    program, x = lift_of_sizes(make, **sizes), numbers(2, length)
    loss, _ = program.value_and_grad(program.parameters(), x)
    assert program.checked.partition(", the loss")[0] == f"the gradient at {said}"
    known, _ = make(**sizes)
    assert loss == pytest.approx(np.mean([known(row).data for row in x.tolist()]), rel=1e-12)


def test_a_member_shows_which_of_two_formulas_is_right() -> None:
    """With 3 inputs and 2 units, or 5 and 3, inputs + 1 is twice the units."""
    members = [{"inputs": 3, "hidden": 2}, {"inputs": 5, "hidden": 3}]
    formulas = Formulas(members)
    formulas.at([3, 5], members[0])
    assert not formulas.unclear
    formulas.at([4, 6], members[0])
    assert formulas.unclear
    formulas = Formulas([*members, {"inputs": 2, "hidden": 3}])
    assert formulas.at([4, 6, 3], {"inputs": 784, "hidden": 128}) == 785
    assert not formulas.unclear
    formulas.at([5, 5, 5], members[0])
    assert not formulas.unclear
    formulas = Formulas([{"heads": 2, "size": 3}, {"heads": 3, "size": 2}])
    formulas.at([6, 6], members[0])  # a number, or heads * size
    assert formulas.unclear


@pytest.mark.parametrize(("module", "name", "error"), [
    (program_of_sizes, "passed", KeyError("arrays1")),
    (program_of_sizes, "compare", Differ("7/2 is not a whole number")),
])
def test_errors_of_the_compiler_itself_are_refusals(
    module: Any, name: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = lift_of_sizes(network, inputs=40, hidden=20)
    monkeypatch.setattr(module, name, Mock(side_effect=error))
    with pytest.raises(CannotLift, match=r"(arrays1|7/2)(?s:.*)lift\(loss, model\)"):
        program.value_and_grad(program.parameters(), *DATA)


@pytest.mark.parametrize("relations", [1, 3, 8])
def test_where_sizes_are_equal_a_small_model_shows_what_each_axis_follows(
    relations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are 3**20 ways for twenty axes that may follow three sizes."""

    def make(nodes: int, feats: int, hidden: int) -> Any:
        w, out = values(0, hidden, feats), values(1, hidden)

        def loss(*data: Any) -> Any:
            *relations, x, y = data
            h = [[sum(a * b for a, b in zip(row, xs, strict=False)) for row in w] for xs in x]
            terms = [tanh(sum(r[i][j] * h[j][k] for j in range(nodes))) * out[k] - y[i][k]
                     for r in relations for i in range(nodes) for k in range(hidden)]
            return sum(term**2 for term in terms)

        return loss, {"w": w, "out": out}

    tried: list[Any] = []
    large = FamilyOfModels.large

    def counted(self: Any, *given: Any) -> Any:
        tried.append(given)
        return large(self, *given)

    monkeypatch.setattr(FamilyOfModels, "large", counted)
    program = lift_of_sizes(make, nodes=8, feats=8, hidden=8)
    program.value_and_grad(program.parameters(), *[numbers(1, 8, 8)] * (relations + 2))
    assert program.checked == "the gradient at these sizes"
    assert len(tried) <= 9 if relations == 1 else len(tried) <= 3


def test_ways_to_read_the_data_come_one_by_one_the_likely_ones_first() -> None:
    ways: list[program_of_sizes.Way] = [(Sum(((name, 1),)),) for name in "ab"]
    axes = [program_of_sizes.Axis((k, 0), 8 + k % 2, ways) for k in range(5)]
    found = [*program_of_sizes._choices(axes, [ways] * 5)]
    assert len(found) == len({str(each) for each in found}) == 2**5
    pairs = [len({(axis.length, each[axis.place]) for axis in axes}) for each in found]
    assert pairs == sorted(pairs)
    many = [program_of_sizes.Axis((k, 0), 8, ways) for k in range(40)]
    assert len([*islice(program_of_sizes._choices(many, [ways] * 40), 100)]) == 100


def test_equal_sizes_that_leave_too_many_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(inputs: int, outputs: int) -> Any:
        model = MLP(inputs, [outputs], seed=0)

        def loss(x: Any, y: Any) -> Any:
            if len(x) < 100:
                raise ValueError("x is too short")
            return mse_loss(model(x), y)

        return loss, model

    monkeypatch.setattr(program_of_sizes, "TRIES", 3)
    program = lift_of_sizes(make, inputs=100, outputs=100)
    said = r"sizes are equal, .*\n.* raises ValueError: x is too short"
    with pytest.raises(CannotLift, match=said):
        program.value_and_grad(program.parameters(), numbers(2, 100), numbers(2, 100))


def test_a_problem_that_shows_again_and_again_ends_the_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make(heads: int, positions: int) -> Any:
        w = values(0, heads)
        falls = [[2.0**-h * 3**p for p in range(positions)] for h in range(heads)]
        return lambda x: sum(
            tanh(w[h] * x[p]) * falls[h][p] for h in range(heads) for p in range(positions)
        ), w

    tried: list[int] = []
    large = FamilyOfModels.large

    def counted(self: Any, sizes: Any, start: int, *given: Any) -> Any:
        tried.append(start)
        return large(self, sizes, start, *given)

    monkeypatch.setattr(FamilyOfModels, "large", counted)
    program = lift_of_sizes(make, heads=9, positions=12)
    with pytest.raises(CannotLift, match="array of constants is irregular"):
        program.value_and_grad(program.parameters(), numbers(2, 12))
    assert tried == [2, 5, 6, 2, 2]  # its axis follows the size, is one more, or stays


def with_factor(factor: Any) -> Any:
    """Returns a family whose loss has a factor that depends on a size in its own way."""

    def make(inputs: int, hidden: int) -> Any:
        loss, model = network(inputs, hidden)
        return lambda x, y: loss(x, y) * factor(hidden), model

    return make


def test_a_size_that_decides_which_formula_is_used_is_refused_by_the_scalars() -> None:
    for factor in (lambda hidden: 1.0 + (hidden > 9), lambda hidden: 1.5 ** (hidden > 9)):
        program = lift_of_sizes(with_factor(factor), inputs=40, hidden=20)
        with pytest.raises(CannotLift, match="lifted and scalars differ at inputs=40, hidden=20"):
            program.value_and_grad(program.parameters(), *DATA)
    program = lift_of_sizes(with_factor(lambda hidden: 0.3 * hidden**-1.5), inputs=40, hidden=20)
    assert program.value_and_grad(program.parameters(), *DATA)[0] > 0


def test_code_that_branches_on_a_size_is_refused_with_its_line() -> None:
    def make(inputs: int, hidden: int) -> Any:
        model = MLP(inputs, [hidden, 1], seed=0)

        def loss(x: Any, y: Any) -> Any:
            error = model(x) - y
            for bit in f"{hidden:b}":  # no two sizes are alike
                error = tanh(error) if bit == "1" else exp(-error)
            return error

        return loss, model

    program = lift_of_sizes(make, inputs=40, hidden=20)
    with pytest.raises(CannotLift, match=r"(?s)hidden=\d differ.*test_sizes.*error = tanh"):
        program.value_and_grad(program.parameters(), *DATA)


@pytest.mark.parametrize("size", [17, 18])
def test_a_size_that_is_divided_with_a_rest_is_refused(size: int) -> None:
    def half(hidden: int) -> Any:
        model = MLP(3, [hidden, hidden // 2, 1], seed=0)
        return lambda x, y: (model(x) - y) ** 2, model

    def every_second_window(positions: int, kernels: int) -> Any:
        w = values(0, kernels, 3)

        def loss(x: Any, y: Any) -> Any:
            starts = range(0, positions - 2, 2)
            return sum(tanh(sum(k[i] * x[s + i] for i in range(3))) for s in starts for k in w) - y

        return loss, w

    if size % 2:
        with pytest.raises(CannotLift, match=r"differ.*\n.* raise a ValueError in make for the"):
            lift_of_sizes(half, hidden=size)
    else:
        program, (loss, model) = lift_of_sizes(half, hidden=size), half(size)
        found = program.value_and_grad(program.parameters(), DATA[0][:, :3], DATA[1])
        known = lift(loss, model).value_and_grad(program.parameters(), DATA[0][:, :3], DATA[1])
        assert found[0] == known[0]
        assert (found[1] == known[1]).all()
    for kernels in (1, 5):
        program = lift_of_sizes(every_second_window, positions=size, kernels=kernels)
        why = r"differ at positions=\d+, kernels=\d: it fails, with ValueError"
        with pytest.raises(CannotLift, match=why):
            program.value_and_grad(program.parameters(), DATA[0][:, :size], DATA[1])


def test_where_programs_part_their_lines_are_shown() -> None:
    def make(degree: int) -> Any:
        w = [Value(0.1 * k) for k in range(degree)]
        return lambda x: reduce(lambda high, low: high * x + low, w), w

    def scaled(hidden: int) -> Any:
        loss, model = network(3, hidden)
        return lambda x, y: loss(x, y) * log(hidden), model

    program, theta = lift_of_sizes(make, degree=9), np.ones(9)
    with pytest.raises(CannotLift, match=r"(?s)degree=2 and with degree=3.*part here:\n.*x.*\n.*x"):
        program.value_and_grad(theta, DATA[1])
    program = lift_of_sizes(scaled, hidden=9)
    said = r"follow no.*\n  It is a number in .*test_sizes.py:\d+: .* \* log\(hidden\), model"
    with pytest.raises(CannotLift, match=said):
        program.value_and_grad(program.parameters(), DATA[0][:, :3], DATA[1])


def test_powers_are_a_size() -> None:
    def make(degree: int) -> Any:
        w = [Value(0.1 * k) for k in range(degree)]
        return lambda x: sum(a * x**k for k, a in enumerate(w)) ** 2, w

    loss, w = make(degree=9)
    program, direct = lift_of_sizes(make, degree=9), lift(loss, parameters=w)
    theta = np.linspace(-1.0, 1.0, 9)
    value, gradient = program.value_and_grad(theta, DATA[1])
    wanted, slope = direct.value_and_grad(theta, DATA[1])
    assert value == pytest.approx(wanted, rel=1e-13)
    assert gradient == pytest.approx(slope, rel=1e-13)
    assert program.source == direct.source


def test_depth_is_refused_as_a_size_and_kept_in_make() -> None:
    def make(inputs: int, layers: int) -> Any:
        model = MLP(inputs, [3] * layers + [1], seed=0)
        return lambda x, y: (model(x) - y) ** 2, model

    with pytest.raises(CannotLift, match=r"partial\(make, layers=4\)"):
        lift_of_sizes(make, inputs=40, layers=5)
    program = lift_of_sizes(partial(make, layers=5), inputs=40)
    assert program.value_and_grad(program.parameters(), *DATA)[0] > 0


def test_what_can_not_be_made_small_is_refused() -> None:
    def make(inputs: int) -> Any:
        if inputs < 100:
            raise ValueError("100 inputs or more")
        return network(inputs, 3)

    with pytest.raises(CannotLift, match=r"no small model could be lifted.*100 inputs or more"):
        lift_of_sizes(make, inputs=140)
    with pytest.raises(TypeError, match="make must return a loss and its model"):
        lift_of_sizes(lambda inputs: inputs, inputs=40)
    with pytest.raises(TypeError, match="make must be a function of the sizes"):
        lift_of_sizes(3, inputs=40)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="needs the sizes of the large model"):
        lift_of_sizes(make)


def test_what_a_refusal_says_of_sizes_is_what_was_tried() -> None:
    def make(inputs: int, hidden: int) -> Any:
        if inputs != hidden**3:
            raise ValueError
        return network(inputs, hidden)

    with pytest.raises(CannotLift, match=r"test_sizes.py:\d+: raise ValueError\n.* multiples of 4"):
        lift_of_sizes(make, inputs=729, hidden=9)

    def of_two(degree: int) -> Any:
        w = [Value(0.1 * k) for k in range(degree)]
        bent = [tanh if bit == "1" else exp for bit in f"{degree:b}"]  # no two degrees are alike

        def loss(x: Any, y: Any) -> Any:
            z = sum(v * x for v in w)
            for f in bent:
                z = f(z)
            return sum(tanh(b) for b in y) * z

        return loss, w

    program = lift_of_sizes(of_two, degree=9)
    said = r"degree=\d, \d+ for the axis of 20 and with degree=\d, \d+ for the axis of 20 differ"
    with pytest.raises(CannotLift, match=said):
        program.value_and_grad(program.parameters(), numbers(2), numbers(2, 20))


def test_a_program_of_sizes_is_made_again_where_it_is_needed() -> None:
    program = lift_of_sizes(network, inputs=40, hidden=3)
    with pytest.raises(TypeError, match=r"lift_of_sizes\(make, inputs=40, hidden=3\), and load"):
        pickle.dumps(program)
    again = lift_of_sizes(network, inputs=40, hidden=3)
    again.load(program.parameters() + 1.0)
    assert (again.parameters() == program.parameters() + 1.0).all()


def test_a_nan_in_a_parameter_is_said_at_each_call() -> None:
    program = lift_of_sizes(network, inputs=40, hidden=3)
    program.leaves()[0].data = np.nan
    for _ in range(2):
        with pytest.raises(ValueError, match="theta must hold finite numbers, got a nan"):
            program(*DATA)


def test_random_numbers_that_rarely_show_are_refused() -> None:
    def make(inputs: int) -> Any:
        model, own = MLP(inputs, [1], seed=0), random.Random(0)
        return lambda x, y: (model([a if own.random() > 1e-9 else 0.0 for a in x]) - y) ** 2, model

    program = lift_of_sizes(make, inputs=40)
    with pytest.raises(CannotLift, match="draws random numbers"):
        program(*DATA)


def test_data_that_do_not_have_the_sizes_are_refused_with_both() -> None:
    program = lift_of_sizes(network, inputs=41, hidden=9)
    said = r"x has an axis of 40, and the sizes are inputs=41, hidden=9\n.* got \d inputs"
    with pytest.raises(CannotLift, match=said):
        program.value_and_grad(program.parameters(), *DATA)
    with pytest.raises(TypeError, match=r"inputs \(missing a required argument: 'hidden'\), got"):
        lift_of_sizes(network, inputs=41)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'width'"):
        lift_of_sizes(network, inputs=41, hidden=3, width=4)


def test_a_tree_whose_depth_is_a_size_is_refused() -> None:
    def make(inputs: int, depth: int) -> Any:
        weights, leaves = values(0, 2**depth - 1, inputs), values(1, 2**depth)

        def loss(x: Any, y: Any) -> Any:
            def node(i: int, level: int) -> Any:
                if level == depth:
                    return leaves[i - (2**depth - 1)]
                p = sigmoid(sum(a * b for a, b in zip(weights[i], x, strict=True)))
                return p * node(2 * i + 1, level + 1) + (1 - p) * node(2 * i + 2, level + 1)

            return (node(0, 0) - y) ** 2

        return loss, [weights, leaves]

    with pytest.raises(CannotLift, match="3, 7, 31 follow no formula of the sizes"):
        lift_of_sizes(make, inputs=6, depth=4)


@pytest.mark.parametrize("error", [KeyError("arrays1"), IndexError("k"), TypeError("no axis")])
def test_an_error_of_any_kind_in_a_comparison_of_members_is_a_difference(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fails = Mock(side_effect=error)

    def run() -> None:
        program = lift_of_sizes(network, inputs=40, hidden=3)
        program.value_and_grad(program.parameters(), *DATA)

    for module, name in ((family, "filled"), (Small, "recording"), (Small, "parameters")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, fails)
            with pytest.raises(CannotLift, match=rf"(?s)raises {type(error).__name__}.*lift\(loss"):
                run()


def test_an_irregular_array_of_constants_is_refused() -> None:
    def make(inputs: int) -> Any:
        model = MLP(1, [1], seed=0)
        order = [k * k % inputs for k in range(inputs)]
        return lambda x, y: sum(model([x[k]]) * x[j] for j, k in enumerate(order)) - y, model

    program = lift_of_sizes(make, inputs=40)
    with pytest.raises(CannotLift, match="differ in more than numbers"):
        program.value_and_grad(program.parameters(), *DATA)


class Weights:
    """Weights that a function of their number puts in order."""

    def __init__(self, count: int, order: Any) -> None:
        self.w = [Value(0.1 * k) for k in range(count)]
        self.order = order

    def parameters(self) -> list[Value]:
        return [self.w[k] for k in self.order(len(self.w))]


@pytest.mark.parametrize(("order", "used", "said"), [
    (lambda n: [*range(1, n), 0], lambda w: w, "the parameters w do not lie evenly"),
    (range, lambda w: [w[0], w[-1]], "the loss depends on some parameters of w"),
])
def test_parameters_without_a_rule_are_refused(order: Any, used: Any, said: str) -> None:
    def make(inputs: int) -> Any:
        model = Weights(inputs + 2, order)
        return lambda x: sum(w * x[0] for w in used(model.w)), model

    def run() -> None:
        program = lift_of_sizes(make, inputs=40)
        program.value_and_grad(program.parameters(), np.ones((2, 40)))

    with pytest.raises(CannotLift, match=said):
        run()


def test_scalars_that_raise_are_said() -> None:
    def make(inputs: int) -> Any:
        w = [Value(0.1) for _ in range(inputs)]
        return lambda x: log(sum(a * b for a, b in zip(w, x, strict=True))), w

    program = lift_of_sizes(make, inputs=40)
    data = -np.ones((2, 40))
    with pytest.warns(NotChecked) as warned:
        program.value_and_grad(program.parameters(), data)
    assert "the scalars raise" in program.checked
    assert {each.filename for each in warned} == {__file__}


def test_a_loss_that_takes_values_is_compared() -> None:
    def make(inputs: int) -> Any:
        w = [Value(0.1) for _ in range(inputs)]
        return lambda x: sum(a * b.tanh() for a, b in zip(w, x, strict=True)), w

    program = lift_of_sizes(make, inputs=40)
    program.value_and_grad(program.parameters(), DATA[0])
    assert program.checked == "the gradient at these sizes"


@pytest.mark.parametrize("text", [
    "4*h*s", "T - 1", "T*s + 1", "1/T", "2/(h*s)", "s**-0.5", "1/s**0.5", "T - k + 1",
    "h*(T - k + 1)**2", "1/(T - k + 1)", "-0.125/T", "0.7*s", "s*(T - 2)**2", "3*s**-1.5",
    "2*T - 1", "0.577215664901533*T", "T*(T - 1)//2", "1/(h + s)",
])
@pytest.mark.parametrize("others", [
    [(3, 2, 6, 5), (5, 2, 7, 3)],  # each size changes
    [(3, 3, 5, 3), (2, 5, 5, 3), (2, 3, 7, 3), (2, 3, 5, 2)],  # one at a time
])
def test_formulas_of_sizes(text: str, others: list[tuple[int, ...]]) -> None:
    members = [dict(zip("hsTk", sizes, strict=True)) for sizes in [(2, 3, 5, 3), *others]]
    large = {"h": 4, "s": 17, "T": 63, "k": 5}
    formulas = Formulas(members)
    formulas.at([sizes["T"] - sizes["k"] + 1 for sizes in members], large)  # a shape comes first
    found = formulas.at([eval(text, {}, dict(sizes)) for sizes in members], large)
    assert found == eval(text, {}, dict(large))


@pytest.mark.parametrize("count", range(1, 6))
def test_few_members_tell_simple_formulas_apart(count: int) -> None:
    names, lifted = "abcde"[:count], list[dict[str, int]]()

    def made(sizes: dict[str, int]) -> Any:
        lifted.append(sizes)
        held = {name: values(k, sizes[name]) for k, name in enumerate(names)}
        loss = lambda: sum(v for row in held.values() for v in row)  # noqa: E731
        return lift(loss, parameters=held, batch=False, check=False)

    shapes: Any = ()
    sizes = dict(zip(names, range(20, 30), strict=False))
    FamilyOfModels(made).small(sizes, 2, lambda sizes: shapes)
    assert len(lifted) == min(count, 2) + 1
    assert Formulas(lifted, most=2).alike() <= 10


@pytest.mark.parametrize("text", ["s**-0.5", "1/s**0.5"])
def test_a_root_is_rounded_as_in_the_code(text: str) -> None:
    formulas = Formulas([{"s": 2}, {"s": 3}])
    numbers = [eval(text, {"s": s}) for s in (2, 3)]
    for s in range(4, 200):
        assert formulas.at(numbers, {"s": s}) == eval(text, {"s": s})


def test_a_root_of_a_sum_of_sizes_is_right_but_for_its_rounding() -> None:
    members = [{"i": 2, "o": 3}, {"i": 3, "o": 2}, {"i": 2, "o": 5}]
    numbers = [(2 / (sizes["i"] + sizes["o"])) ** 0.5 for sizes in members]
    found = Formulas(members).at(numbers, {"i": 784, "o": 128})
    assert abs(found - (2 / (784 + 128)) ** 0.5) <= 2 * 2.0**-53 * found


def test_numbers_without_a_formula_are_refused() -> None:
    with pytest.raises(Differ, match="follow no formula"):
        Formulas([{"a": 3}, {"a": 5}]).at([7, 24], {"a": 9})


def test_differences_of_one_kind_differ_in_what_is_given_alone() -> None:
    one, other = (Differ("they have {} lines", counts) for counts in ("3, 5", "4, 7"))
    of_members = differing(other, [{"width": 4}])
    assert (str(of_members), of_members.kind) == ("they have 4, 7 lines", one.kind)
    assert differing(KeyError("{}"), []).kind != differing(IndexError("{}"), []).kind


def test_a_compared_program_runs_again_without_further_checks_of_its_labels() -> None:
    family = FAMILIES["mlp of tanh"]
    data = family.data(**family.sizes[-1])
    program = of_sizes(family, family.sizes[-1])
    expected = program.value_and_grad(program.parameters(), *data)
    loss, gradient = program._again(program.parameters(), data)  # None if they must be compared
    assert loss == expected[0]
    assert np.array_equal(gradient, expected[1])
