"""A learner's own lists and loops, without `nn`: the same matrix products, in any order."""

import random
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import MLP, Value  # noqa: E402
from micrograd_notes.engine.functions import maximum, pick  # noqa: E402
from micrograd_notes.engine.helper_ops import greater, step  # noqa: E402
from micrograd_notes.engine.ops import atan2, exp, logsumexp, relu, sin, tanh  # noqa: E402
from micrograd_notes.lifting import lift  # noqa: E402
from tests.lifting.test_networks import close, is_whole  # noqa: E402

GENERATOR = np.random.default_rng(1)


def matrix(rows: int, columns: int) -> list[list[Value]]:
    return [[Value(x) for x in row] for row in GENERATOR.normal(size=(rows, columns)).tolist()]


def products(source: str) -> list[str]:
    """Returns the lines of a program that multiply matrices."""
    return [line.strip() for line in source.splitlines() if "@" in line]


def test_shuffled_terms_are_the_same_matrix_products() -> None:
    shuffled = random.Random(0)
    W1, W2 = matrix(5, 3), matrix(2, 5)
    b1, b2 = [Value(0.1 * i) for i in range(5)], [Value(0.5), Value(-0.5)]
    # each neuron adds its terms, of which the last one is the bias, in an order of its own
    orders = {
        (len(row), j): shuffled.sample(range(len(row) + 1), len(row) + 1)
        for w in (W1, W2) for j, row in enumerate(w)
    }

    def layer(x: Any, w: Any, b: Any) -> list[Any]:
        outputs = []
        for j in range(len(b)):
            first, *rest = orders[len(x), j]
            terms = [x[i] * w[j][i] if i % 2 else w[j][i] * x[i] for i in range(len(x))] + [b[j]]
            total = terms[first]
            for i in rest:
                total = terms[i] + total if i % 3 else total + terms[i]
            outputs.append(total)
        return outputs

    def loss(x: Any, y: Any) -> Any:
        hidden1 = [relu(z) for z in layer(x, W1, b1)]  # called as lift calls a model's
        return sum((a - b) ** 2 for a, b in zip(layer(hidden1, W2, b2), y, strict=True))

    data = GENERATOR.normal(size=(4, 3)), GENERATOR.normal(size=(4, 2))
    program = lift(loss, parameters=[W1, b1, W2, b2])
    close(program, loss, program._parameters, *data)
    assert is_whole(program.source)
    model = MLP(3, [5, 2], seed=0)

    def of_model(x: Any, y: Any) -> Any:
        return sum((a - b) ** 2 for a, b in zip(model(x), y, strict=True))

    by_module = lift(of_model, model).source_for(*data)  # whose neurons are columns, and not rows
    assert len(products(program.source_for(*data))) == len(products(by_module))


def test_labels_by_pick_are_whole_numbers() -> None:
    model = MLP(4, [6, 3], activation="tanh", seed=0)

    def loss(x: Any, y: Any) -> Any:
        logits = model(x)
        return logsumexp(logits) - pick(logits, y)

    data = GENERATOR.normal(size=(5, 4)), GENERATOR.integers(0, 3, 5)
    program = lift(loss, model)
    close(program, loss, model.parameters(), *data)
    assert "==" in program.source


def test_an_embedding_and_a_recurrence_over_time() -> None:
    table, W, U = matrix(5, 3), matrix(4, 3), matrix(4, 4)
    out = matrix(5, 4)

    def loss(tokens: Any, targets: Any) -> Any:
        h, total = [0.0] * 4, 0.0
        for token, target in zip(tokens, targets, strict=True):
            x = pick(table, token)
            h = [
                tanh(sum(w * a for w, a in zip(W[j], x, strict=True))
                     + sum(u * a for u, a in zip(U[j], h, strict=True)))
                for j in range(4)
            ]
            logits = [sum(o * a for o, a in zip(row, h, strict=True)) for row in out]
            total = total + logsumexp(logits) - pick(logits, target)
        return total

    program = lift(loss, parameters=[table, W, U, out])
    for length in (4, 6):
        tokens = GENERATOR.integers(0, 5, (3, length + 1))
        close(program, loss, program._parameters, tokens[:, :-1], tokens[:, 1:])
        assert is_whole(program.source.replace("numbers", ""))


def test_the_loss_of_a_whole_batch_with_its_own_loop() -> None:
    model = MLP(2, [4, 1], seed=0)

    def loss(xs: Any, ys: Any) -> Any:
        losses = [relu(1 + -y * model(x)) for x, y in zip(xs, ys, strict=True)]
        penalty = 1e-4 * sum(p * p for p in model.parameters())
        return sum(losses) * (1.0 / len(losses)) + penalty

    xs, ys = GENERATOR.normal(size=(100, 2)), GENERATOR.choice([-1.0, 1.0], 100)
    program = lift(loss, model, batch=False)
    value, gradient = program.value_and_grad(program.parameters(), xs, ys)
    eager = loss(xs.tolist(), ys.tolist())
    eager.backward()
    # 100 terms of size 1, each of 6 roundings and divided by 100; another order moves them as far
    assert abs(value - eager.data) < 1e-14
    assert np.abs(gradient - [p.grad for p in program.leaves()]).max() < 1e-14
    assert is_whole(program.source)
    assert program.source.count("@") >= 4


def test_a_model_of_many_numbers_may_have_no_sum() -> None:
    w = [Value(0.1 * i) for i in range(50)]

    class Scale:
        def parameters(self) -> list[Value]:
            return w

        def __call__(self, x: Any) -> Any:
            return [a * b for a, b in zip(w, x, strict=True)]

    x = np.linspace(-1.0, 1.0, 100).reshape(2, 50)
    assert (lift(Scale())(x) == x * [a.data for a in w]).all()


def test_a_model_alone_gives_its_outputs() -> None:
    X = GENERATOR.normal(size=(5, 3))
    for widths in ([4, 2], [4, 1]):
        model = MLP(3, widths, seed=0)
        outputs = lift(model)(X)
        assert outputs.shape == (5, widths[-1])
        for row, given in zip(outputs, X.tolist(), strict=True):
            expected = model(given)
            expected = [expected] if widths[-1] == 1 else expected
            # three roundings a term, four terms of size 1
            assert np.abs(row - [v.data for v in expected]).max() < 1e-14


def test_one_list_that_is_all_parameters_gives_them_its_name() -> None:
    weights = [Value(1.0), Value(2.0)]

    def loss(x: Any, y: Any) -> Any:
        return (sum(w * v for w, v in zip(weights, x, strict=True)) - y) ** 2

    source = lift(loss, parameters=weights).source_for([[1.0, 2.0]], [3.0])
    assert "error = x @ weights - y  # (n,)\n" in source


@pytest.mark.parametrize("sizes", [(1, 2, 1), (1, 1), (1, 1, 1), (2, 1, 2), (1, 3)])
def test_axes_of_length_1(sizes: tuple[int, ...]) -> None:
    model = MLP(sizes[0], sizes[1:], activation="tanh", seed=0)

    def loss(x: Any, y: Any) -> Any:
        outputs = model(x)
        pairs = zip(outputs if isinstance(outputs, list) else [outputs], y, strict=True)
        return sum((a - b) ** 2 for a, b in pairs)

    def of_all(xs: Any, ys: Any) -> Any:
        return sum(loss(x, y) for x, y in zip(xs, ys, strict=True)) / len(xs)

    for batch in (1, 3):
        x, y = GENERATOR.normal(size=(batch, sizes[0])), GENERATOR.normal(size=(batch, sizes[-1]))
        program = lift(loss, model)
        close(program, loss, model.parameters(), x, y)
        value, gradient = program.value_and_grad(program.parameters(), x, y)
        whole = lift(of_all, model, batch=False).value_and_grad(program.parameters(), x, y)
        # a few dozen roundings of numbers below 4
        assert whole[0] == pytest.approx(value, rel=1e-13)
        assert np.abs(whole[1] - gradient).max() < 1e-13
        assert lift(model)(x).shape == (batch, sizes[-1])


def test_a_power_of_a_choice_between_numbers_is_one_of_floats() -> None:
    w = Value(0.7)
    for loss in (
        lambda x: step(w * x) ** -2.0 + w,
        lambda x: (greater(w * x, 0.1) + 1) ** -3.0 * w,
    ):
        program = lift(loss, parameters=[w])
        program.check([0.5, 1.5, 2.5])


def test_conditions_are_numbers_wherever_they_are_calculated_with() -> None:
    w = [Value(0.5), Value(-0.3)]

    def largest_of(rows: Any, bound: float) -> Any:
        return maximum(*[greater(v, bound) for row in rows for v in row])

    def wrapped(x: Any) -> Any:
        the_score_of_this_example_after_its_penalty_for_being_large = (
            tanh(w[0] * x[0][0]) * sin(w[1] * x[0][1]) - greater(x[0][2], 0.0)
        )
        s = the_score_of_this_example_after_its_penalty_for_being_large
        return s * s

    losses = [
        lambda x: (largest_of(x, 0.0) + largest_of(x, 1.0)) * w[0] + w[1],
        lambda x: exp(largest_of(x, 0.0)) * w[0] + w[1],
        lambda x: (3.0 * greater(x[0][0], 0.0)) ** 50 * w[0] + w[1],
        lambda x: (2.0 * greater(x[0][0], 0.0) + 1.0) ** -1 * w[0] + w[1],
        lambda x: (2.0 - greater(x[0][0], 0.0)) ** -1 * w[0] + w[1],
        wrapped,
    ]
    data = GENERATOR.normal(size=(4, 2, 3))
    for loss in losses:
        lift(loss, parameters=w).check(data)


def test_two_index_arrays_never_have_one_name() -> None:
    a, q = [Value(0.3)], [Value(0.1 * i + 0.1) for i in range(6)]

    def loss(x: Any) -> Any:
        s = sum(tanh(q[i] * x[i]) for i in range(6)) * a[0]
        return s + sum(q[i] ** 3 for i in (0, 1, 3))

    program = lift(loss, parameters=[a, q])
    program.check(GENERATOR.normal(size=(3, 6)))
    names = [line.partition(" = ")[0] for line in program.source.splitlines() if line[:1].isupper()]
    assert len(names) == len(set(names))


def test_an_array_may_have_more_places_than_the_program_has_numbers() -> None:
    p = [Value(float(k)) for k in range(50)]
    program = lift(lambda x: (p[49] * x + p[48]) * 1.0, parameters=p)
    loss, gradient = program.value_and_grad(program.parameters(), [2.0, 4.0])
    assert (loss, *gradient) == (49 * 3 + 48, *[0] * 48, 1, 3)


class Outputs:
    """A model of two parameters, whose outputs a function makes."""

    def __init__(self, outputs: Any) -> None:
        self.w, self.outputs = [Value(0.5), Value(2.0)], outputs

    def parameters(self) -> list[Value]:
        return self.w

    def __call__(self, x: Any) -> Any:
        return self.outputs(*self.w, *x)


@pytest.mark.parametrize(
    "outputs",
    [
        lambda v, w, x, y: [[v * x], [v * y]],
        lambda v, w, x, y: [[v * x], [tanh(w * y)]],
        lambda v, w, x, y: [[[v * x, v * y]]],
        lambda v, w, x, y: [v * x],
        lambda v, w, x, y: [v * w, tanh(v)],
        lambda v, w, x, y: v * x,
        lambda v, w, x, y: [[v * x, 1.0], [2, tanh(w * y)]],
        lambda v, w, x, y: [x, 0.5],
        lambda v, w, x, y: [1, 2.0],
        lambda v, w, x, y: 1,
    ],
)
def test_outputs_are_nested_as_the_scalars_even_lists_of_one_number(outputs: Any) -> None:
    model, data = Outputs(outputs), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    scalars = [
        np.vectorize(lambda each: each.data if isinstance(each, Value) else float(each))(
            np.array(model(x), object)
        )
        for x in data
    ]
    for x, expected in zip(data, scalars, strict=True):
        found = lift(model, batch=False)(x)
        assert found.shape == expected.shape
        assert found == pytest.approx(expected, rel=1e-15)  # a few roundings
    found = lift(model)(data)
    assert found.shape == (3, *(scalars[0].shape or (1,)))  # a number is a row of one
    assert found.reshape(-1) == pytest.approx(np.array(scalars).reshape(-1), rel=1e-15)


def test_arrays_of_values_are_parameters_as_nested_lists_are() -> None:
    W, b = np.array(matrix(2, 3)), np.array([Value(0.5), Value(-0.25)])

    def loss(x: Any) -> Any:
        return sum(tanh(z) for z in W @ np.array(x) + b) ** 2

    x = GENERATOR.normal(size=(4, 3))
    listed = lift(loss, parameters=[W.tolist(), b.tolist()])
    expected = listed.value_and_grad(listed.parameters(), x)
    for parameters in ([W, b], {"W": W, "b": b}):
        program = lift(loss, parameters=parameters)
        loss_there, gradient = program.value_and_grad(program.parameters(), x)
        assert (loss_there, *gradient) == (expected[0], *expected[1])
        assert "W = theta[0:6].reshape(2, 3)" in program.source
    alone = lift(lambda x: (W @ np.array(x)).sum(), parameters=W)
    before = alone(x)
    W[0, 0] = Value(W[0, 0].data + 1.0)  # is noticed, as in a list
    assert alone(x) == pytest.approx(before + x[:, 0].mean(), rel=1e-12)


@pytest.mark.parametrize("choices", [
    lambda a, b, x: [a, a, a], lambda a, b, x: [x, x, x], lambda a, b, x: [b * x] * 3,
    lambda a, b, x: [a, a, b], lambda a, b, x: [1.0, 1.0, a], lambda a, b, x: [2.0, 2.0, 2.0],
    lambda a, b, x: [0.0] * 3,
])
@pytest.mark.parametrize("backend", ["numpy", "auto"])
def test_a_choice_among_equal_numbers(choices: Any, backend: str) -> None:
    """It has all its places, and no index may be out of their range."""
    a, b, x, y = Value(0.5), Value(0.25), np.array([1.0, 2.0, 3.0]), np.array([0, 1, 2])

    def loss(x: Any, y: Any) -> Any:
        of = choices(a, b, x)
        return pick(of, y) * logsumexp([a, b]) + (pick(of, y) + a * x) ** 2 + logsumexp([*of, b])

    program = lift(loss, parameters=[a, b], backend=backend)
    assert program.certify(x, y), program.certify(x, y)
    for labels in (y, y[::-1], np.zeros_like(y)):
        program.value_and_grad(program.parameters(), x, labels)
    with pytest.raises(ValueError, match="whole numbers from 0 to 2, got 3"):
        program.value_and_grad(program.parameters(), x, y + 1)


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_the_sign_of_a_zero_stays_in_a_table_and_tells_two_tables_apart(backend: Any) -> None:
    above, below, mixed = [0.0, 1.0, 2.0], [-0.0, 1.0, 2.0], [0.0, -0.0, -0.0]
    weights = [Value(0.5), Value(0.25), Value(-0.3)]

    def loss(x: Any) -> Any:
        sides = [
            [atan2(number, v * xi) for number, v, xi in zip(table, weights, x, strict=True)]
            for table in (above, below, mixed)
        ]
        return sum(0.3 * a + v * b + tanh(c) for a, b, c, v in zip(*sides, weights, strict=True))

    x = np.array([[-1.0, 2.0, 3.0], [2.0, -1.0, 1.0], [1.0, 1.0, 1.0], [-2.0, -1.0, 0.5]])
    close(lift(loss, parameters=weights, backend=backend), loss, weights, x)
