"""Neurons, layers and networks of them, on top of the engine.

The names and the arguments are micrograd's: `Neuron(nin)`, `Layer(nin, nout)`, `MLP(nin, nouts)`;
what is added to them is PyTorch's: named parameters, a state dict, an initialisation that suits the
activation. This file knows how neurons are wired and named. It knows no loss, no optimiser and no
data.
"""

import math
import numbers
import random
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set, ValuesView
from itertools import pairwise
from reprlib import repr as shortened
from types import FunctionType, MappingProxyType, MemberDescriptorType, ModuleType
from typing import Any, NamedTuple

from micrograd_notes.common import checks
from micrograd_notes.common.checks import is_number
from micrograd_notes.engine import Value
from micrograd_notes.engine.backward import topological_order
from micrograd_notes.engine.modes import leaf_behind
from micrograd_notes.engine.op import TABLE, Op
from micrograd_notes.engine.value import as_value

Activation = str | Op | Callable[[Value], Value]
Named = list[tuple[str, Any]]


class LoadResult(NamedTuple):
    """What `load_state_dict` did not find, and what it found no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """Anything with parameters: the `Value`s in its attributes, and in what its attributes hold.

    Derive from it and set attributes; the rest follows:

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> [name for name, parameter in line.named_parameters()]
    ['slope', 'offset']
    >>> line.state_dict()
    {'slope': 2.0, 'offset': 1.0}

    Lists, tuples, dicts, deques, NumPy arrays, dataclasses, modules and other objects are searched,
    at any depth; functions, and most objects of Python's library, are not. A leaf is a parameter,
    with requires_grad=False a frozen one. Numbers that are not `Value`s are data. What an operation
    made, under `no_grad()` too, is a kept output, as in `self.out = self(x)`, if it depends on a
    trainable parameter of the module, on a neuron's output, or on nothing that needs a gradient.

    Any other result is a weight that could never learn, as in `self.w = Value(1.0) / 2`, and is
    refused by name. So is a trainable `Value` that is held only in a set, as a key, or by a class.
    """

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yields each parameter with the expression that reaches it; a shared one once.

        Raises:
            ValueError: the module holds a `Value` that looks like a weight and could not learn.

        >>> [name for name, parameter in Layer(2, 1).named_parameters()]
        ['neurons[0].w[0]', 'neurons[0].w[1]', 'neurons[0].b']
        """
        yield from _parameters(self)

    def parameters(self) -> list[Value]:
        """Returns the parameters, in the order of `named_parameters`."""
        return [parameter for _, parameter in _parameters(self)]

    def zero_grad(self) -> None:
        """Forgets all gradients: `backward` adds to them, so call it before each sweep."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Returns the numbers of all parameters, as numbers and nested lists, under dotted names.

        A layer's weights stand as in PyTorch, `layers.0.weight` with [output][input].

        >>> sorted(MLP(2, [3, 1]).state_dict())
        ['layers.0.bias', 'layers.0.weight', 'layers.1.bias', 'layers.1.weight']
        """
        return {key: _numbers(place) for key, place in _entries(self).items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Sets all parameters from a state dict; nothing changes if one entry does not fit.

        Args:
            state: names and numbers as `state_dict` gives them.
            strict: whether missing and unexpected names are errors; else they are returned.

        Raises:
            ValueError: an entry is missing, unexpected, of another shape, or holds no numbers.
        """
        strict = checks.flag("strict", strict)
        if not isinstance(state, Mapping):
            raise TypeError(f"a state dict is a dictionary of names and numbers, got {state!r}")
        places = _entries(self)
        numbers_given, problems = _read(places, state)
        missing = [key for key in places if key not in state]
        unexpected = [key for key in state if key not in places]
        if strict:
            problems += [f"{key}: missing" for key in missing]
            problems += [f"{key}: not a parameter of this model" for key in unexpected]
        if problems:
            raise ValueError(
                f"the state does not fit this {type(self).__name__}, and nothing was loaded:\n  "
                + "\n  ".join(problems)
            )
        for key, given in numbers_given.items():
            _assign(places[key], given)
        return LoadResult(missing, unexpected)

    def _state(self) -> Named:
        """Returns what the state dict is made of: numbers' places by their names."""
        return _by_key(self)


class Neuron(Module):
    """A weighted sum of the inputs and a bias, and an activation: f(w1 x1 + ... + wn xn + b).

    Args:
        nin: the number of inputs.
        nonlin: whether there is an activation at all; it is relu if none is named.
        activation: the name of a row of the table, like "tanh", or a function of a `Value`.
        seed: an int, or the `random.Random` to draw the weights from.

    With `nin` and `nonlin` alone the weights are micrograd's: `random.uniform(-1, 1)`, from
    Python's global generator. With an activation or a seed they are drawn from a range that keeps
    the spread of the signals from layer to layer, gain * sqrt(3 / nin), after K. He, X. Zhang, S.
    Ren and J. Sun, "Delving deep into rectifiers" (2015).

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
        if not is_number(nonlin) or nonlin not in (0, 1):
            raise TypeError(f"nonlin is True or False, got {nonlin!r}. Write activation={nonlin!r}")
        chosen = _find_activation("relu" if activation is None else activation)
        self.activation = chosen if nonlin else None
        bound = 1.0
        if activation is not None or seed is not None:
            bound = _gain(self.activation) * math.sqrt(3.0 / nin)
        generator = _generator(seed)
        self.w = [Value(generator.uniform(-bound, bound)) for _ in range(nin)]
        self.b = Value(0.0)
        self.nonlin = nonlin

    def __call__(self, x: Sequence[Any]) -> Value:
        """Returns f(w x + b) for a list of inputs, numbers or `Value`s."""
        x = _row(x)
        if len(x) != len(self.w):
            raise ValueError(f"Neuron with {len(self.w)} weights got {len(x)} inputs")
        try:
            total = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        except TypeError:
            raise TypeError(f"a Neuron's inputs are numbers or Values, got {x!r}") from None
        if not isinstance(total, Value):
            raise TypeError(f"a Neuron's inputs are numbers or Values, got {x!r}")
        result = total if self.activation is None else self.activation(total)
        if not isinstance(result, Value):
            raise TypeError(f"an activation returns a Value, {self.activation!r} gave {result!r}")
        if result.op is not None:  # a leaf that no_grad made keeps its note: see leaf_behind
            result.origin = self
        return result

    def __repr__(self) -> str:
        return f"{_title(self.activation)}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons side by side, which see the same inputs.

    Args:
        nin: the number of inputs.
        nout: the number of neurons, and so of outputs.
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
        # A number becomes a Value here, once, and not in each of the neurons that see it.
        x = [xi if (value := as_value(xi)) is None else value for xi in _row(x)]
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
    """A multi-layer perceptron: layers one behind the other, the last one linear.

    Args:
        nin: the number of inputs.
        nouts: the widths of the layers, the last of them the number of outputs.
        activation: that of all layers but the last; relu if none is named.
        seed: an int, or the `random.Random` to draw the weights from.

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
                f"nouts is a list with the width of each layer, like [16, 16, 1]; got {nouts!r}"
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

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"


# ---- activations -------------------------------------------------------------------------------


def activation_names() -> list[str]:
    """Returns the names of the activations of the table, "linear" among them.

    >>> activation_names()[:3]
    ['linear', 'tanh', 'sigmoid']
    """
    return ["linear", *(op.name for op in TABLE.values() if op.gain is not None)]


def _find_activation(activation: Activation) -> Op | Callable[[Value], Value] | None:
    """Returns the function; None for "linear". Any row of one operand will do, a learner's too."""
    if activation == "linear":
        return None
    op = TABLE.get(activation) if isinstance(activation, str) else activation
    if isinstance(op, Op) and (op.arity is None or op.arity - len(op.defaults) != 1):
        op = None
    if op is None or not callable(op):
        raise ValueError(
            f"unknown activation {activation!r:.60}; there are {', '.join(activation_names())}, "
            "and any other operation of one operand, once the file that defines it is imported"
        )
    return op


def _gain(activation: Op | Callable[[Value], Value] | None) -> float:
    return getattr(activation, "gain", None) or 1.0


def _title(activation: Op | Callable[[Value], Value] | None) -> str:
    if activation is None:
        return "Linear"
    if isinstance(activation, Op) and activation.symbol != activation.name:
        return activation.symbol
    name = str(getattr(activation, "name", getattr(activation, "__name__", "")))
    return "".join(word.capitalize() for word in name.split("_") if word.isidentifier())


def _generator(seed: int | random.Random | None) -> Any:
    """Returns where random numbers come from: without a seed Python's global generator."""
    if seed is None:
        return random
    if isinstance(seed, random.Random):
        return seed
    return random.Random(checks.seed(seed))


_UNORDERED = (Mapping, Set, str, bytes)  # as text, too, is not a list of numbers


def _row(x: Any) -> Any:
    """Returns the inputs of a neuron; TypeError if they are not in order, as in a dictionary."""
    if type(x) is not list and (not hasattr(x, "__len__") or isinstance(x, _UNORDERED)):
        raise TypeError(f"inputs must be a list of numbers, got {checks.shown(x)}")
    return x


# ---- where the parameters are --------------------------------------------------------------------


_PLAIN = frozenset({float, int, bool, str, type(None), type, FunctionType, ModuleType, Op})
# Objects of Python's own library are not searched, or a logger would lead to all loggers.
_LIBRARY = sys.stdlib_module_names - {"types", "collections", "argparse", "queue"}
_MADE_BY_CLASS = 1 << 9  # the flag of a type that a class statement made; the others hold no Values


def _parts(held: Any, name: str = "") -> tuple[list[tuple[Any, Any]], dict[str, Any], Named]:
    """Returns what it holds by index or key, by attribute, and where a parameter may not stand."""
    items: Any = []
    aside: Named = []
    if isinstance(held, list | tuple | deque | ValuesView):
        items = enumerate(held)
    elif isinstance(held, dict | MappingProxyType):
        items, aside = held.items(), [(f"a key of {name} is not a value", key) for key in held]
    elif isinstance(held, Set):
        aside = [(f"an item of {name}, a set, has no order", item) for item in held]
    elif hasattr(type(held), "dtype") and getattr(held.dtype, "hasobject", 0) is True:  # an array
        items = enumerate(held.tolist()) if held.shape else [((), held.item())]
    kinds = [k for k in type(held).__mro__ if k.__module__.partition(".")[0] not in _LIBRARY]
    own = getattr(held, "__dict__", None) if type(held) in kinds else None
    attributes = own if isinstance(own, dict) else {}
    for kind in kinds:
        if kind.__flags__ & _MADE_BY_CLASS and kind.__module__ != __name__:
            for each, item in vars(kind).items():
                if isinstance(item, MemberDescriptorType):  # a slot
                    attributes = {**attributes, each: getattr(held, each, None)}
                elif not (item.__class__ in _PLAIN or each in attributes or each[:2] == "__"):
                    aside.append((f"{kind.__name__}.{each} belongs to all objects of it", item))
    return list(items), attributes, aside


def _walk(name: str, root: Any, seen: dict[int, Any]) -> tuple[Named, Named]:
    """Returns every `Value` below the root by name, and what stands where no parameter may."""
    values, aside, stack = [], [], [(name, root)]
    while stack:
        name, held = stack.pop()
        if id(held) in seen:
            continue
        seen[id(held)] = held  # and so alive: no other object gets its id
        if held.__class__ is Value or isinstance(held, Value):
            values.append((name, held))
            continue
        if held.__class__ is list:  # what `_parts` makes of it, sooner: most are lists of weights
            named = [(f"{name}[{i}]", x) for i, x in enumerate(held) if x.__class__ not in _PLAIN]
            stack += named[::-1]
            continue
        if isinstance(held, Neuron) and not {Value}.issuperset(map(type, [*held.w, held.b])):
            for after, w in [("b", held.b), *((f"w[{i}]", w) for i, w in enumerate(held.w))]:
                if not isinstance(w, Value):
                    raise _lost(f"{_dotted(name, after)} is {shortened(w)}, not a Value")
        items, attributes, more = _parts(held, name)
        aside += more
        below = [(f"{name}[{key!r}]", x) for key, x in items if x.__class__ not in _PLAIN]
        prefix = f"{name}." if name else ""
        below += [(prefix + key, x) for key, x in attributes.items() if x.__class__ not in _PLAIN]
        stack += reversed(below)
    return values, aside


def _parameters(module: Module) -> Named:
    """Returns the parameters by name; ValueError if the module holds a weight that can't learn."""
    seen: dict[int, Any] = {}
    values, aside = _walk("", module, seen)
    leaves = [named for named in values if named[1]._left is None and named[1].origin is None]
    mine = {id(leaf) for _, leaf in leaves}
    for name, value in values if len(leaves) < len(values) else ():
        if id(value) not in mine and _is_lost(value, mine):
            made = f"the result of {value.op.name}" if value.op else "computed under no_grad()"
            raise _lost(f"{name} is {made}")
    for why, held in aside:
        if any(_is_lost(value, mine) for _, value in _walk("", held, seen)[0]):
            raise _lost(why)
    return leaves


def _is_lost(value: Value, mine: set[int]) -> bool:
    """Returns whether it depends on trainable leaves, and on none that the module holds."""
    if not isinstance(value._left, Value | tuple | None):
        return False  # it is kept from a recording of `lift`
    if (leaf := leaf_behind(value)) is not None and id(leaf()) in mine:
        return False  # an output of the module
    order = topological_order(value)
    if any(node.origin is not None for node in order if node._left is not None):
        return False  # the output of a neuron
    notes = [leaf_behind(node) for node in order if node._left is None]
    behind = [id(note()) for note in notes if note is not None]  # id(None) where it is no more
    return bool(behind) and mine.isdisjoint(behind)


def _lost(what: str) -> ValueError:
    return ValueError(
        f"{what}, so it is not a parameter and would never learn. Keep a leaf, Value(number), in "
        "an attribute, a list or a dict, with the .data of what it is computed from; change it by "
        "setting its .data; give requires_grad=False to a constant"
    )


def _dotted(before: str, name: str) -> str:
    return f"{before}.{name}" if before else name


# ---- state dicts ---------------------------------------------------------------------------------


def _entries(module: Module) -> dict[str, Any]:
    """Returns every entry of a state dict: its key, and the parameter or nested lists of them."""
    mine = {id(leaf) for _, leaf in _parameters(module)}
    entries: dict[str, Any] = {}
    for key, place in _places("", module, mine, set(mine)):
        if key in entries:
            raise ValueError(f"two entries of the state dict are called {key!r}; rename one")
        entries[key] = place
    return entries


def _places(
    key: str, held: Any, mine: set[int], new: set[int], above: tuple[int, ...] = ()
) -> Iterator[tuple[str, Any]]:
    place = None if isinstance(held, Module) else _nested(held, mine)
    if not isinstance(held, Module | list | tuple | dict | deque):
        mine = new  # an object, such as an optimiser, has entries for what has none yet
    if place is not None:
        new.difference_update(map(id, _flat(place)))
        yield key, place
    elif held.__class__ not in _PLAIN and not isinstance(held, Value) and id(held) not in above:
        state = held._state() if isinstance(held, Module) else _by_key(held)
        for name, item in state:
            yield from _places(_dotted(key, name), item, mine, new, (*above, id(held)))


def _by_key(held: Any) -> Named:
    items, attributes, _ = _parts(held)
    return [(str(key), item) for key, item in (*items, *attributes.items())]


def _nested(held: Any, mine: set[int]) -> Any:
    """Returns a parameter, or lists of parameters as nested as what holds them; else None."""
    if isinstance(held, Value):
        return held if id(held) in mine else None
    if not isinstance(held, list | tuple | deque) and not hasattr(type(held), "dtype"):
        return None
    nested = [_nested(item, mine) for _, item in _parts(held)[0]]
    are_all = nested and all(item is not None for item in nested)
    return nested if are_all and _shape(nested) else None


def _flat(place: Any) -> list[Value]:
    return [place] if isinstance(place, Value) else [x for item in place for x in _flat(item)]


def _numbers(place: Any) -> Any:
    """Returns the place's numbers, in lists nested as it is."""
    return place.data if isinstance(place, Value) else [_numbers(item) for item in place]


def _assign(place: Any, given: Any) -> None:
    if isinstance(place, Value):
        place.data = given
    else:
        for item, entry in zip(place, given, strict=True):
            _assign(item, entry)


def _read(
    places: Mapping[str, Any], state: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Returns the entries that there are places for, as floats, and what is wrong with others."""
    numbers_given: dict[str, Any] = {}
    problems = []
    for key, place in places.items():
        if key not in state:
            continue
        expected = _spelled(_shape(place))
        try:
            numbers_given[key] = _floats(state[key])
        except (TypeError, ValueError, OverflowError):
            problems.append(f"{key}: expected {expected}, got {state[key]!r:.60}")
            continue
        got = _shape(numbers_given[key])
        if got is None or got != _shape(place):
            problems.append(f"{key}: expected {expected}, got {_spelled(got)}")
    return numbers_given, problems


def _floats(given: Any) -> Any:
    """Returns nested lists or an array as nested lists of floats; an error if something is none."""
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, list | tuple):
        return [_floats(item) for item in given]
    if isinstance(given, bool) or not isinstance(given, numbers.Real):
        raise TypeError
    return float(given)


def _shape(held: Any) -> tuple[int, ...] | None:
    """Returns the lengths of nested lists, () for one number; None if they are ragged."""
    if not isinstance(held, list | tuple):
        return ()
    shapes = {_shape(item) for item in held}
    inner = shapes.pop() if len(shapes) == 1 else None
    return None if inner is None else (len(held), *inner)


def _spelled(shape: tuple[int, ...] | None) -> str:
    if shape is None:
        return "lists of different lengths"
    return " x ".join(map(str, shape)) + " numbers" if shape else "a number"
