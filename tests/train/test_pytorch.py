"""A network goes to PyTorch and back with the same outputs and gradients."""

from typing import Any

import pytest

np: Any = pytest.importorskip("numpy")
torch: Any = pytest.importorskip("torch")

from micrograd_notes import MLP, Value, from_torch, mse_loss, operation, to_torch  # noqa: E402
from micrograd_notes.nn import activation_names  # noqa: E402
from micrograd_notes.train.pytorch import PAIRS  # noqa: E402

nn = torch.nn
X = np.random.default_rng(0).normal(0, 3, (6, 3)).tolist()


def flat(mlp: MLP) -> list[Value]:
    """Returns the parameters in PyTorch's order."""
    return [
        p for layer in mlp.layers
        for p in [*(w for n in layer.neurons for w in n.w), *(n.b for n in layer.neurons)]
    ]


def agree(mlp: MLP, sequential: Any) -> None:
    outputs = [y if isinstance(y, list) else [y] for y in map(mlp, X)]
    targets = [[0.5 * i for i in range(len(outputs[0]))]] * len(X)
    theirs = sequential(torch.tensor(X, dtype=torch.float64))
    np.testing.assert_allclose(
        theirs.tolist(), [[v.data for v in y] for y in outputs], rtol=1e-12, atol=1e-14
    )
    mse_loss(outputs, targets).backward()
    nn.functional.mse_loss(theirs, torch.tensor(targets, dtype=torch.float64)).backward()
    grads = [p.grad for p in sequential.parameters()]
    expected = [x for g in grads if g is not None for x in g.reshape(-1).tolist()]
    mine = [p.grad for p in flat(mlp) if p.requires_grad]
    np.testing.assert_allclose(mine, expected, rtol=1e-10, atol=1e-14)


def test_every_activation_has_a_counterpart() -> None:
    assert {"linear", *PAIRS} == set(activation_names())


@pytest.mark.parametrize("activation", activation_names())
@pytest.mark.parametrize("widths", [[1], [4, 1], [1, 5, 2]])
def test_there_and_back(activation: str, widths: list[int]) -> None:
    mlp = MLP(3, widths, activation=activation, seed=0)
    sequential = to_torch(mlp)
    agree(mlp, sequential)
    assert from_torch(sequential).state_dict() == mlp.state_dict()
    assert repr(from_torch(sequential)) == repr(mlp)


def test_a_sequential_as_one_writes_it() -> None:
    torch.manual_seed(0)
    sequential = nn.Sequential(
        nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 4, bias=False), nn.Linear(4, 2), nn.Tanh()
    ).double()
    sequential[0].weight.requires_grad_(False)
    mlp = from_torch(sequential)
    agree(mlp, sequential)
    again = to_torch(mlp)
    agree(from_torch(again), again)
    assert [p.requires_grad for p in again.parameters()] == [False, True, True, False, True, True]


def test_softplus_of_large_numbers() -> None:
    mlp = MLP(1, [1, 1], activation="softplus", seed=0)
    x = [[20.5 / mlp.layers[0].neurons[0].w[0].data]]
    [[y]] = to_torch(mlp)(torch.tensor(x, dtype=torch.float64)).tolist()
    assert y == pytest.approx(mlp(x[0]).data, rel=1e-15)


def test_a_state_dict_fits_under_both_habits() -> None:
    mlp, other = (MLP(3, [4, 2], activation="tanh", seed=seed) for seed in (0, 1))
    state = to_torch(mlp).state_dict()
    assert [*state] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    other.load_state_dict(state)
    assert other.state_dict() == mlp.state_dict()
    other.load_state_dict(mlp.state_dict())
    with pytest.raises(ValueError, match="nothing was loaded"):
        other.load_state_dict({**state, "4.weight": [[1.0]]})
    with pytest.raises(ValueError, match="missing"):
        other.load_state_dict({})


def test_what_pytorch_does_not_have_is_refused_by_name() -> None:
    class Own(MLP):
        pass

    half = operation("half_of_torch", lambda x: x / 2, [lambda y, x: 0.5])
    mixed, tied, frozen = (MLP(2, [2, 1], seed=0) for _ in range(3))
    mixed.layers[0].neurons[0].activation = None
    tied.layers[0].neurons[0].w[0] = tied.layers[0].neurons[1].w[0]
    frozen.layers[0].neurons[0].b.requires_grad = False
    cases: list[tuple[Any, str]] = [
        (Own(2, [1]), "mlp must be an MLP"),
        (MLP(2, [2, 1], activation=half), "half_of_torch"),
        (MLP(2, [2, 1], activation=lambda x: x * x), "<function"),
        (MLP(2, [2, 1], activation="sin"), "sin"),
        (mixed, r"layers\[0\] of the mlp must have one activation"),
        (tied, "share a parameter"),
        (frozen, r"layers\[0\] .* a bias that is all frozen"),
    ]
    for mlp, words in cases:
        with pytest.raises((TypeError, ValueError), match=words):
            to_torch(mlp)


@pytest.mark.parametrize(("parts", "words"), [
    ([nn.Linear(2, 3), nn.Dropout(0.5)], r"part 1 of sequential is Dropout"),
    ([nn.Linear(2, 3), nn.BatchNorm1d(3)], "part 1 of sequential is BatchNorm1d"),
    ([nn.Linear(2, 3), nn.ReLU(), nn.Tanh()], "part 2 of sequential is Tanh"),
    ([nn.ReLU(), nn.Linear(2, 3)], "part 0 of sequential is ReLU"),
    ([nn.Linear(2, 3), nn.LeakyReLU(0.2)], r"part 1 of sequential is LeakyReLU\(.*0.2\)"),
    ([nn.Linear(2, 3), nn.GELU("tanh")], "part 1 of sequential is GELU"),
    ([nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1))], "part 1 of sequential is Sequential"),
    ([nn.Linear(2, 3), nn.Linear(4, 1)], "part 1 of sequential must take"),
    ([], "one or more layers"),
])
def test_what_an_mlp_does_not_have_is_refused_by_name(parts: list[Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        from_torch(nn.Sequential(*parts))


def test_a_layer_that_is_used_twice_is_refused() -> None:
    twice = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="share no parameter"):
        from_torch(nn.Sequential(twice, nn.ReLU(), twice))
