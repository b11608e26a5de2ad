"""`to_torch` and `from_torch`: a plain MLP as a `torch.nn.Sequential` with its numbers, and back.

Weights need no translation: `Module.state_dict` has PyTorch's layout. `MLP.load_state_dict` takes
the names of a `Sequential`, too.
"""

from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.nn import MLP
from micrograd_notes.nn.layers import find_activation
from micrograd_notes.train.plain import is_plain, vector_of

__all__ = ["from_torch", "to_torch"]

PAIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "tanh": ("Tanh", {}), "sigmoid": ("Sigmoid", {}), "relu": ("ReLU", {}), "silu": ("SiLU", {}),
    "gelu": ("GELU", {"approximate": "none"}), "elu": ("ELU", {"alpha": 1.0}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.01}),
    # beyond the threshold PyTorch's softplus is x, which rounds to the same number from 40 on
    "softplus": ("Softplus", {"beta": 1.0, "threshold": 40.0}),
}
"""For each activation PyTorch's class, and its options."""


def to_torch(mlp: MLP) -> Any:
    """Returns a `torch.nn.Sequential` of float64 with the same outputs and gradients.

    Frozen parameters stay frozen.

    Raises:
        TypeError: it isn't a plain MLP, or PyTorch doesn't have its activation.
        ValueError: a layer has several activations, its weights or its biases are partly frozen, or
            two places share a parameter.
        ImportError: PyTorch is not installed.
    """
    if not is_plain(mlp):
        raise TypeError(f"mlp must be an MLP, not your own class, got {checks.shown(mlp)}")
    torch, state = _torch(), mlp.state_dict()
    if len(mlp.parameters()) != len(vector_of(mlp)):
        raise ValueError("mlp must not share a parameter between places, or hold further ones")
    parts = []
    for i, layer in enumerate(mlp.layers):
        chosen = {neuron.activation for neuron in layer.neurons}
        linear = torch.nn.Linear(len(layer.neurons[0].w), len(layer.neurons))
        values = {"weight": [w for n in layer.neurons for w in n.w]}
        values["bias"] = [n.b for n in layer.neurons]
        for name, tensor in linear.named_parameters():
            frozen = {not value.requires_grad for value in values[name]}
            if len(frozen) > 1 or len(chosen) > 1:
                raise ValueError(
                    f"layers[{i}] of the mlp must have one activation, and a {name} that is all "
                    "frozen or all trained"
                )
            tensor.data = torch.tensor(state[f"layers.{i}.{name}"], dtype=torch.float64)
            tensor.requires_grad_(frozen == {False})
        parts.append(linear)
        for activation in chosen - {None}:
            name = getattr(activation, "name", "")
            if name not in PAIRS or find_activation(name) is not activation:
                raise TypeError(
                    f"layers[{i}] of the mlp must have one of the activations {', '.join(PAIRS)}, "
                    f"got {checks.shown(activation)}"
                )
            kind, options = PAIRS[name]
            parts.append(getattr(torch.nn, kind)(**options))
    return torch.nn.Sequential(*parts)


def from_torch(sequential: Any) -> MLP:
    """Returns an MLP with the outputs and gradients of a `torch.nn.Sequential`.

    It consists of `Linear`s, each followed by at most one activation. A missing bias becomes a
    frozen 0, and what is frozen stays frozen.

    Raises:
        TypeError: it isn't a Sequential, or one of its parts can't be in an MLP.
        ValueError: the parts do not fit each other, or two of them share a parameter.
        ImportError: PyTorch is not installed.
    """
    nn = _torch().nn
    checks.instance("sequential", sequential, nn.Sequential, "a torch.nn.Sequential")
    layers: list[tuple[Any, str | None]] = []
    for i, part in enumerate(sequential):
        if type(part) is nn.Linear:
            if layers and layers[-1][0].out_features != part.in_features:
                count = layers[-1][0].out_features
                raise ValueError(f"part {i} of sequential must take {count} inputs, got {part}")
            layers.append((part, None))
            continue
        name = next((name for name, pair in PAIRS.items() if _is(part, nn, *pair)), None)
        if name is None or not layers or layers[-1][1] is not None:
            raise TypeError(
                f"part {i} of sequential is {part}, which an MLP can't have there. It has Linear "
                f"layers, each with at most one of the activations {', '.join(PAIRS)}"
            )
        layers[-1] = layers[-1][0], name
    if not layers or len({part.weight for part, _ in layers}) < len(layers):
        raise ValueError("sequential must have one or more layers that share no parameter")
    mlp = MLP(layers[0][0].in_features, [part.out_features for part, _ in layers], seed=0)
    for layer, (part, name) in zip(mlp.layers, layers, strict=True):
        bias = nn.Parameter(part.weight.new_zeros(len(part.weight)), False)
        bias = bias if part.bias is None else part.bias
        rows = zip(layer.neurons, part.weight.tolist(), bias.tolist(), strict=True)
        for neuron, weights, number in rows:
            neuron.activation = find_activation(name or "linear")
            for value, x in zip((*neuron.w, neuron.b), (*weights, number), strict=True):
                value.data = x
                value.requires_grad = (bias if value is neuron.b else part.weight).requires_grad
    return mlp


def _is(part: Any, nn: Any, kind: str, options: dict[str, Any]) -> bool:
    """Returns whether it is an activation of that class and those options."""
    known = {k: v for k, v in options.items() if k != "threshold"}  # see PAIRS
    return type(part) is getattr(nn, kind) and all(getattr(part, k) == v for k, v in known.items())


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError("PyTorch is not installed. See pytorch.org for the command") from error
    return torch
