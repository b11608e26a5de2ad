"""The names of a model's parameters, and the module that each value of a graph belongs to.

`view.py`, `inside.py` and the stepper call it. It reads a model's `named_parameters()` and the
`origin` that a neuron leaves on its output. Read `grouping.py` next.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.draw.graph.wording import ROOT, formula
from micrograd_notes.draw.text import drawable, short
from micrograd_notes.engine import Value
from micrograd_notes.engine.op import Op

_LONGEST_FORMULA = 28  # letters, about as many as the name of a parameter
# How strongly operands must hold together to need no parentheses, as `_held` tells it.
_LEAST = {"+": (0, 1), "-": (0, 1), "*": (1, 2), "/": (1, 2)}

CALL = ", call "  # between the path of a module and the number of a call
_MOST_CALLS = 8  # of a module, to be drawn one by one


def names_of(model: Any) -> dict[Value, str]:
    """Returns the model's name for each of its parameters, `layers[0].neurons[3].w[1]`.

    Raises:
        TypeError: the model has no `named_parameters()`.

    >>> names_of([1, 2])
    Traceback (most recent call last):
    TypeError: model must be a Module, which names its parameters, got [1, 2]
    """
    checks.module(model)
    return {parameter: name for name, parameter in model.named_parameters()}


def owner(name: str) -> str:
    """Returns the path of the module that owns the parameter.

    >>> owner("layers[0].neurons[3].w[1]"), owner("w[1]")
    ('layers[0].neurons[3]', '')
    """
    return name.rpartition(".")[0]


def labels_of(graph: IndexedGraph, names: Mapping[Value, str]) -> list[str]:
    """Returns a different label for each value: its name, its neuron, or the formula that made it.

    A long formula loses its middle, and equal labels are numbered. Only a constant without a name
    has its number as its label, which other constants may have, too.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> x, w = Value(2.0, name="x"), Value(3.0, name="w")
    >>> labels_of(indexed((x * w + 1.0).tanh() / (x * w)), {})
    ['x', 'w', 'x*w #1', '1', 'x*w + 1', 'tanh(x*w + 1)', 'x*w #2', 'L']
    """
    neurons, _ = _outputs_and_owners(graph, names)
    labels = [drawable(names.get(value) or value.name or "") for value in graph.values]
    if not labels[-1] and ROOT not in labels:
        labels[-1] = ROOT
    in_formulas: list[str] = []  # without the path of a parameter
    constants = set()
    for at, value in enumerate(graph.values):
        if not labels[at] and not value.requires_grad and not value.operands:
            labels[at] = short(value.data)
            constants.add(at)
        elif not labels[at]:
            operands = [in_formulas[operand] for operand in graph.operands[at]]
            made = spelled(value.op, operands) if value.op and operands else "leaf"
            labels[at] = drawable(neurons.get(at, "")) or drawable(made, _LONGEST_FORMULA)
        in_formulas.append(labels[at].rpartition(".")[2] if value in names else labels[at])
    repeats, taken, numbers = Counter(labels), set(labels), Counter[str]()
    for at, label in enumerate(labels):
        while repeats[label] > 1 and labels[at] in taken and at not in constants:
            numbers[label] += 1
            labels[at] = f"{label} #{numbers[label]}"
        taken.add(labels[at])
    return labels


def spelled(op: Op, operands: Sequence[str]) -> str:
    """Returns the formula, with parentheses around operands where they are needed: `x*(y + 1)`."""
    if any(map(str.isalnum, op.symbol)) or len(operands) > 2:
        return formula(op, operands)
    least = _LEAST.get(op.symbol, (2, 2)) if len(operands) == 2 else (1,)
    parts = [_held(operand, strength) for operand, strength in zip(operands, least, strict=True)]
    return op.symbol.join(parts) if op.symbol in ("*", "/", "**") else formula(op, parts)


def gradient(label: str) -> str:
    """Returns the gradient of a value as code writes it: `s.grad`, `(x*w).grad`."""
    return f"{_held(label, 2)}.grad"


def _held(text: str, least: int) -> str:
    """Returns the text, in parentheses if it is a sum (0) or a product (1), and not a name (2)."""
    rest = text
    while (inner := re.sub(r"\w*\([^()]*\)", "f", rest)) != rest:
        rest = inner  # a call or a group is as good as a name
    strength = 2 if re.fullmatch(r"[\w.\[\]]+", rest) else int(not re.search(r"[ …(#-]", rest))
    return text if strength >= least else f"({text})"


def modules_of(graph: IndexedGraph, names: Mapping[Value, str]) -> dict[int, str]:
    """Returns, for each value that a neuron owns or computes, the path of that neuron.

    A neuron notes itself as the `origin` of its output. It computed all that leads from its
    parameters to that output without passing through the output of another call. Neurons without a
    name are numbered.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> from micrograd_notes.nn import Neuron
    >>> neuron = Neuron(1, activation="tanh", seed=0)
    >>> graph = indexed(neuron([3.0]) - 1.0)
    >>> [value.op.symbol if value.op else "leaf" for value in graph.values]
    ['leaf', 'leaf', 'leaf', '*', '+', 'tanh', 'leaf', '-']
    >>> sorted(modules_of(graph, names_of(neuron)))
    [0, 1, 3, 4, 5]
    """
    outputs, owners = _outputs_and_owners(graph, names)
    leads_to = dict(outputs)
    for position in reversed(range(len(graph.values))):
        if position not in outputs:
            for user in graph.users[position]:
                if user in leads_to:
                    leads_to[position] = leads_to[user]
    inside = dict(owners)
    for position, operands in enumerate(graph.operands):
        path = leads_to.get(position)
        if operands and path is not None:
            own = (inside.get(o) == path and o not in outputs for o in operands)
            if position in outputs or any(own):
                inside[position] = path
    return inside


def call_by_call(graph: IndexedGraph, inside: Mapping[int, str]) -> dict[int, str]:
    """Returns the paths, with the number of the call where a module takes its own answers.

    Such calls make a tree: each of them is drawn, if they are few, and their parameters once.
    """
    calls: dict[str, list[int]] = {}
    for position, path in sorted(inside.items()):
        if graph.operands[position] and graph.values[position].origin is not None:
            calls.setdefault(path, []).append(position)
    few = [called for called in calls.values() if 1 < len(called) <= _MOST_CALLS]
    bits = {position: 1 << i for i, called in enumerate(few) for position in called}
    below, nested = [0] * len(graph.values), 0  # bits of the modules that a value was computed with
    for position, operands in enumerate(graph.operands):
        for operand in operands:
            below[position] |= below[operand]
        nested |= below[position] & bits.get(position, 0)
        below[position] |= bits.get(position, 0)
    apart = [called for i, called in enumerate(few) if nested >> i & 1]
    numbers = {position: i for called in apart for i, position in enumerate(called, 1)}
    for position in reversed(range(len(graph.values))):
        if position not in numbers and graph.operands[position]:
            users = [u for u in graph.users[position] if inside.get(u) == inside.get(position)]
            numbers.update((position, numbers[user]) for user in users if user in numbers)
    named = {p: f"{inside[p] or 'model'}{CALL}{i}" for p, i in numbers.items() if p in inside}
    return {**inside, **named}


def _outputs_and_owners(
    graph: IndexedGraph, names: Mapping[Value, str]
) -> tuple[dict[int, str], dict[int, str]]:
    """Returns the path of the neuron of each output, and that of each parameter."""
    outputs: dict[int, str] = {}
    paths: dict[int, str] = {}  # by identity, because a learner's module may not be hashable
    owners = {value: owner(name) for value, name in names.items()}
    for position, value in enumerate(graph.values):
        module = value.origin
        if module is None or not value.operands:
            continue
        if id(module) not in paths:
            parameters = module.parameters()
            known = owners.get(parameters[0]) if parameters else None
            path = f"neuron {len(paths)}" if known is None else known
            paths[id(module)] = path
            owners.update((parameter, path) for parameter in parameters if parameter not in owners)
        outputs[position] = paths[id(module)]
    positions = {
        position: owners[value]
        for position, value in enumerate(graph.values)
        if value in owners and not value.operands
    }
    return outputs, positions
