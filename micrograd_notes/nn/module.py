"""`Module`: the base class that finds parameters, and saves and loads their numbers.

`Neuron`, `Layer` and `MLP` in `layers.py` derive from it, and so does a model of your own. An
optimiser calls `parameters()`. Read `Module` first: the functions below it search an object for
`Value`s, and after them come those that make state dicts.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Set, ValuesView
from types import FunctionType, MappingProxyType, MemberDescriptorType, ModuleType
from typing import Any, NamedTuple

from micrograd_notes.common import checks
from micrograd_notes.common.whose import MADE_BY_CLASS, is_pythons
from micrograd_notes.engine import Value
from micrograd_notes.engine.backward import topological_order
from micrograd_notes.engine.modes import leaf_behind
from micrograd_notes.engine.op import Op

Named = list[tuple[str, Any]]


class LoadResult(NamedTuple):
    """The names that `load_state_dict` missed, and those that the model does not have."""

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
    and with requires_grad=False a frozen one. Plain numbers are data.

    The result of an operation, also under `no_grad()`, is accepted as a kept output, as in
    `self.out = self(x)`, if it depends on a trainable parameter of the module, on a neuron's
    output, or on nothing that needs a gradient. Any other result is a weight that could never
    learn, as in `self.w = Value(1.0) / 2`, and raises an error with its name. So does a trainable
    `Value` that is only in a set, a key of a dict, or an attribute of the class.
    """

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yields each parameter with the expression that reaches it; a shared one once.

        Raises:
            ValueError: the module holds a `Value` that looks like a weight and could not learn.

        >>> from micrograd_notes.nn import Layer
        >>> [name for name, parameter in Layer(2, 1).named_parameters()]
        ['neurons[0].w[0]', 'neurons[0].w[1]', 'neurons[0].b']
        """
        yield from _parameters(self)

    def parameters(self) -> list[Value]:
        """Returns the parameters, in the order of `named_parameters`."""
        return [parameter for _, parameter in _parameters(self)]

    def zero_grad(self) -> None:
        """Clears all gradients. `backward` adds to them, so call this before each backward pass."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Returns the numbers of all parameters, as numbers and nested lists, under dotted names.

        A layer's weights have PyTorch's layout, `layers.0.weight` with [output][input].

        >>> from micrograd_notes.nn import MLP
        >>> sorted(MLP(2, [3, 1]).state_dict())
        ['layers.0.bias', 'layers.0.weight', 'layers.1.bias', 'layers.1.weight']
        """
        return {key: _numbers(place) for key, place in _entries(self).items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Sets all parameters from a state dict; nothing changes if one entry does not fit.

        Args:
            state: names and numbers as `state_dict` returns them.
            strict: if True, missing and unexpected names are errors; else they are returned.

        Raises:
            TypeError: the state is not a dictionary.
            ValueError: an entry is missing, unexpected, of another shape, or does not hold numbers.
        """
        strict = checks.flag("strict", strict)
        checks.instance("state", state, Mapping, "a dictionary of names and numbers")
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
        """Returns the parts of the state dict by name."""
        return _by_key(self)

    def _must_be_values(self) -> Named:
        """Returns what must be `Value`s, by name: a neuron's weights and bias."""
        return []


# ---- where the parameters are --------------------------------------------------------------------


_PLAIN = frozenset({float, int, bool, str, type(None), type, FunctionType, ModuleType, Op})
# Other objects of Python's own library are not searched, or a logger would lead to all loggers.
_HOLDERS = {"types", "collections", "argparse", "queue"}


def _parts(held: Any, name: str = "") -> tuple[list[tuple[Any, Any]], dict[str, Any], Named]:
    """Returns items by index or key, attributes by name, and objects where no parameter may be."""
    items: Any = []
    aside: Named = []
    if isinstance(held, list | tuple | deque | ValuesView):
        items = enumerate(held)
    elif isinstance(held, dict | MappingProxyType):
        items, aside = held.items(), [(f"a key of {name} is not a value", key) for key in held]
    elif isinstance(held, Set):
        aside = [(f"an item of {name}, a set, does not have an order", item) for item in held]
    elif hasattr(type(held), "dtype") and getattr(held.dtype, "hasobject", 0) is True:  # an array
        items = enumerate(held.tolist()) if held.shape else [((), held.item())]
    kinds = [kind for kind in type(held).__mro__
             if kind.__module__.partition(".")[0] in _HOLDERS or not is_pythons(kind)]
    own = getattr(held, "__dict__", None) if type(held) in kinds else None
    attributes = own if isinstance(own, dict) else {}
    for kind in kinds:
        if kind.__flags__ & MADE_BY_CLASS and not kind.__module__.startswith(__package__):
            for each, item in vars(kind).items():
                if isinstance(item, MemberDescriptorType):  # a slot
                    attributes = {**attributes, each: getattr(held, each, None)}
                elif not (item.__class__ in _PLAIN or each in attributes or each[:2] == "__"):
                    aside.append((f"{kind.__name__}.{each} belongs to the class", item))
    return list(items), attributes, aside


def _walk(name: str, root: Any, seen: dict[int, Any]) -> tuple[Named, Named]:
    """Returns every `Value` below the root by name, and objects where no parameter may be."""
    values, aside, stack = [], [], [(name, root)]
    while stack:
        name, held = stack.pop()
        if id(held) in seen:
            continue
        seen[id(held)] = held  # kept alive, so that no other object gets its id
        if held.__class__ is Value or isinstance(held, Value):
            values.append((name, held))
            continue
        if held.__class__ is list:  # as `_parts` does, but faster: most are lists of weights
            named = [(f"{name}[{i}]", x) for i, x in enumerate(held) if x.__class__ not in _PLAIN]
            new = {id(x): x for x in held}
            is_new = len(new) == len(held) and seen.keys().isdisjoint(new)
            if is_new and {*map(type, held)} == {Value}:
                values += named
                seen |= new
            else:
                stack += named[::-1]
            continue
        for part, weight in held._must_be_values() if isinstance(held, Module) else ():
            if not isinstance(weight, Value):
                raise _lost(f"{_dotted(name, part)} is {checks.shown(weight)}, not a Value")
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
    is_plain = len(leaves) == len(values) and not aside  # and there is nothing to compare them with
    mine = set[int]() if is_plain else {id(leaf) for _, leaf in leaves}
    for name, value in values if len(leaves) < len(values) else ():
        if id(value) not in mine and _is_lost(value, mine):
            made = f"the result of {value.op.name}" if value.op else "computed under no_grad()"
            raise _lost(f"{name} is {made}")
    for why, held in aside:
        if any(_is_lost(value, mine) for _, value in _walk("", held, seen)[0]):
            raise _lost(why)
    return leaves


def _is_lost(value: Value, mine: set[int]) -> bool:
    """Returns whether it depends on trainable leaves, none of which the module holds."""
    if not isinstance(value._left, Value | tuple | None):
        return False  # it is kept from a recording of `lift`
    if (leaf := leaf_behind(value)) is not None and id(leaf()) in mine:
        return False  # an output of the module
    order = topological_order(value)
    if any(node.origin is not None for node in order if node._left is not None):
        return False  # the output of a neuron
    notes = [leaf_behind(node) for node in order if node._left is None]
    leaves = [id(note()) for note in notes if note is not None]  # id(None) for one that is gone
    return bool(leaves) and mine.isdisjoint(leaves)


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
        mine = new  # an object, such as an optimiser, adds entries only for what is still missing
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
    """Returns a parameter, or lists of parameters nested as `held` is; else None."""
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
    """Returns the entries that fit as floats, and one sentence per entry that does not."""
    numbers_given: dict[str, Any] = {}
    problems = []
    for key, place in places.items():
        if key not in state:
            continue
        expected = _spelled(_shape(place))
        try:
            numbers_given[key] = _floats(state[key])
        except (TypeError, ValueError, OverflowError):
            problems.append(f"{key}: expected {expected}, got {checks.shown(state[key])}")
            continue
        got = _shape(numbers_given[key])
        if got is None or got != _shape(place):
            problems.append(f"{key}: expected {expected}, got {_spelled(got)}")
    return numbers_given, problems


def _floats(given: Any) -> Any:
    """Returns nested lists or an array as nested lists of floats; TypeError for anything else."""
    given = checks.plain(given)
    if isinstance(given, list | tuple):
        return [_floats(item) for item in given]
    if isinstance(given, bool) or not checks.is_number(given):
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
