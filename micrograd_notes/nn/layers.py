"""`Neuron`, `Layer` and `MLP`: networks with micrograd's names and arguments.

They add PyTorch's conveniences: named activations, seeds, and an initialisation that suits the
activation. Read `Neuron.__call__` first: it is the whole arithmetic of a network. Their parameters
are found by `module.py`; `train` trains them, and `saving.py` writes them to files.
"""

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence, Set
from itertools import pairwise
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import TABLE, Op
from micrograd_notes.engine.value import as_value
from micrograd_notes.nn.module import LoadResult, Module, Named, _by_key

Activation = str | Op | Callable[[Value], Value]


class Neuron(Module):
    """A weighted sum of the inputs plus a bias, and an activation: f(w1 x1 + ... + wn xn + b).

    Args:
        nin: the number of inputs.
        nonlin: False for a neuron without an activation.
        activation: the name of an operation, like "tanh", or a function of a `Value`; by default
            relu.
        seed: an int, or the `random.Random` that draws the weights.

    With `nin` and `nonlin` alone the weights are micrograd's: `random.uniform(-1, 1)`, from
    Python's global generator. With an activation or a seed, their range keeps the size of the
    signals from layer to layer: gain * sqrt(3 / nin), after K. He, X. Zhang, S. Ren and J. Sun,
    "Delving deep into rectifiers" (2015). The gains are measured: `Facts` says what they promise,
    and that the gradient still fades through many layers of sigmoids.

    >>> neuron = Neuron(2, activation="tanh", seed=0)
    >>> neuron
    TanhNeuron(2)
    >>> neuron([1.0, -2.0]).op
    Op(tanh)
    """

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        activation: Activation | None = None,
        seed: int | random.Random | None = None,
    ) -> None:
        nin = checks.whole_number("nin", nin)
        if not checks.is_number(nonlin) or nonlin not in (0, 1):
            raise TypeError(
                f"nonlin must be True or False, got {nonlin!r}. Write activation={nonlin!r}"
            )
        chosen = find_activation("relu" if activation is None else activation)
        self.activation = chosen if nonlin else None
        bound = 1.0
        if activation is not None or seed is not None:
            gain = getattr(self.activation, "gain", None) or 1.0
            bound = gain * math.sqrt(3.0 / nin)
        generator = _generator(seed)
        self.w = [Value(generator.uniform(-bound, bound)) for _ in range(nin)]
        self.b = Value(0.0)
        self.nonlin = nonlin

    def __call__(self, x: Sequence[Any]) -> Value:
        """Returns f(w x + b) for a list of inputs, numbers or `Value`s."""
        x = _listed(x)
        if len(x) != len(self.w):
            raise ValueError(f"Neuron with {len(self.w)} weights got {len(x)} inputs")
        try:
            total = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        except TypeError:
            total = None
        if not isinstance(total, Value):
            raise TypeError(f"a Neuron's inputs must be numbers or Values, got {x!r}")
        result = total if self.activation is None else self.activation(total)
        if not isinstance(result, Value):
            raise TypeError(
                f"an activation must return a Value; {self.activation!r} returned {result!r}"
            )
        if result.op is not None:  # a leaf that no_grad made keeps its note: see leaf_behind
            result.origin = self
        return result

    def _must_be_values(self) -> Named:
        weights = [(f"w[{i}]", w) for i, w in enumerate(self.w) if w.__class__ is not Value]
        return [("b", self.b), *weights]

    def __repr__(self) -> str:
        return f"{_title(self.activation)}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons side by side, all with the same inputs.

    Args:
        nin: the number of inputs.
        nout: the number of neurons, which is the number of outputs.
        **kwargs: the further arguments of `Neuron`.

    A layer of one neuron returns its `Value`, a wider one a list of them.

    >>> len(Layer(2, 3)([1.0, -2.0]))
    3
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        nin, nout = checks.whole_number("nin", nin), checks.whole_number("nout", nout)
        if kwargs.get("seed") is not None:
            kwargs["seed"] = _generator(kwargs["seed"])
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence[Any]) -> Any:
        """Returns the neurons' outputs: a list, or a `Value` if there is one neuron."""
        # A number becomes a Value here, once, instead of once per neuron.
        x = [xi if (value := as_value(xi)) is None else value for xi in _listed(x)]
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def _state(self) -> Named:
        return [
            ("weight", [neuron.w for neuron in self.neurons]),
            ("bias", [neuron.b for neuron in self.neurons]),
            ("neurons", [{**vars(neuron), "w": None, "b": None} for neuron in self.neurons]),
            *(named for named in _by_key(self) if named[0] != "neurons"),
        ]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(str(neuron) for neuron in self.neurons)}]"


class MLP(Module):
    """A multi-layer perceptron: layers one after the other, the last one linear.

    Args:
        nin: the number of inputs.
        nouts: the widths of the layers; the last one is the number of outputs.
        activation: that of all layers but the last; by default relu.
        seed: an int, or the `random.Random` that draws the weights.

    >>> model = MLP(2, [16, 16, 1], seed=0)
    >>> len(model.parameters())
    337
    >>> model([1.0, -2.0]).op
    Op(add)
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation | None = None,
        seed: int | random.Random | None = None,
    ) -> None:
        is_ordered = hasattr(nouts, "__iter__") and not isinstance(nouts, _UNORDERED)
        widths = list(nouts) if is_ordered else []
        if not widths:
            raise ValueError(
                f"nouts must be a list of the layers' widths, like [16, 16, 1], got {nouts!r}"
            )
        sizes = [checks.whole_number("nin", nin)]
        sizes += [checks.whole_number("each size in nouts", width) for width in widths]
        options: dict[str, Any] = {"activation": activation}
        if seed is not None:
            options["seed"] = _generator(seed)
        self.sizes = tuple(sizes)
        self.layers = [
            Layer(size, width, nonlin=i != len(widths) - 1, **options)
            for i, (size, width) in enumerate(pairwise(sizes))
        ]

    def __call__(self, x: Sequence[Any]) -> Any:
        """Returns the last layer's outputs: a list, or a `Value` if there is one."""
        for i, layer in enumerate(self.layers):
            # a layer of one neuron returns its Value, and the next one takes a list
            x = layer([x] if i and isinstance(x, Value) else x)
        return x

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Sets all parameters, also from the names of a `torch.nn.Sequential`, like "2.weight"."""
        if isinstance(state, Mapping) and all(re.fullmatch(r"\d+\.\w+", str(k)) for k in state):
            parts = {key: (int(number), name) for key in state for number, name in [key.split(".")]}
            places = sorted({number for number, _ in parts.values()})
            state = {
                f"layers.{places.index(number)}.{name}": state[key]
                for key, (number, name) in parts.items()
            }
        return super().load_state_dict(state, strict)

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"


# ---- activations ---------------------------------------------------------------------------------


def activation_names() -> list[str]:
    """Returns the names of the built-in activations, "linear" among them.

    >>> activation_names()[:3]
    ['linear', 'tanh', 'sigmoid']
    """
    return ["linear", *(op.name for op in TABLE.values() if op.gain is not None)]


def find_activation(activation: Activation) -> Op | Callable[[Value], Value] | None:
    """Returns the function of that name, or the function itself; None for "linear".

    Any operation of one operand fits, a custom one too.

    Raises:
        ValueError: no operation of one operand has that name.

    >>> find_activation("tanh")
    Op(tanh)
    """
    if activation == "linear":
        return None
    op = TABLE.get(activation) if isinstance(activation, str) else activation
    if isinstance(op, Op) and (op.arity is None or op.arity - len(op.defaults) != 1):
        op = None
    if op is None or not callable(op):
        raise ValueError(
            f"unknown activation {activation!r:.60}; choose from {', '.join(activation_names())}, "
            "or give any other operation of one operand, after importing the file that defines it"
        )
    return op


def _title(activation: Op | Callable[[Value], Value] | None) -> str:
    if activation is None:
        return "Linear"
    if isinstance(activation, Op) and activation.symbol != activation.name:
        return activation.symbol
    name = str(getattr(activation, "name", getattr(activation, "__name__", "")))
    return "".join(word.capitalize() for word in name.split("_") if word.isidentifier())


def _generator(seed: int | random.Random | None) -> Any:
    """Returns the generator of a seed; without a seed Python's global one."""
    if seed is None or isinstance(seed, random.Random):
        return seed or random
    return random.Random(checks.seed(seed))


_UNORDERED = (Mapping, Set, str, bytes)  # a text is not a list of numbers either


def _listed(x: Any) -> Any:
    """Returns the inputs of a neuron; TypeError if they are not in order, as in a dictionary."""
    if type(x) is not list and (not hasattr(x, "__len__") or isinstance(x, _UNORDERED)):
        raise TypeError(f"inputs must be a list of numbers, got {checks.shown(x)}")
    return x
