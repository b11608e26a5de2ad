"""The names of a model's parameters, and the module that each value of a graph belongs to.

`view.py`, `inside.py` and the stepper call it. It reads a model's `named_parameters()` and the
`origin` that a neuron leaves on its output. Read `grouping.py` next.
"""

from collections.abc import Mapping
from typing import Any

from micrograd_notes.common import checks
from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.engine import Value


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
