"""The insides of the groups of a picture: for each group the graph of one of its repeats.

A neuron that was called a hundred times is one box in a large picture. It holds the same graph a
hundred times with other numbers, so one of them shows how it is made. `picture.py` calls
`insides_of`; read `groups.py` next, which puts the insides on a page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.draw.graph.names import names_of
from micrograd_notes.draw.graph.table import what
from micrograd_notes.draw.graph.view import Box, View, view_of_part
from micrograd_notes.draw.text import counted
from micrograd_notes.engine import Value

MOST_VALUES = 60
"""The most values of a group to draw; nobody could read more."""

MOST_LEAVES = 12
"""The most leaves to draw of a group of leaves."""


@dataclass(frozen=True)
class Inside:
    """One group, and what a reader sees after opening it."""

    box: Box
    title: str  # the group, the repeat that is drawn, and its share of the group
    drawn: int  # the number of values to draw, even if they are too many
    view: View | None
    """The picture; None if it would have more than `MOST_VALUES` values of the group."""


def insides_of(
    graph: IndexedGraph, view: View, model: Any = None, partials: bool = False
) -> tuple[Inside, ...]:
    """Returns the inside of each group of the graph's view, in the order of the boxes.

    `model` and `partials` are as for `draw_dot`.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> from micrograd_notes.draw.graph.view import view_of
    >>> from micrograd_notes.nn import Neuron
    >>> neuron = Neuron(1, seed=0)
    >>> root = sum(neuron([float(i)]) for i in range(100)) * 1.0
    >>> view = view_of(root, limit=10)
    >>> insides_of(indexed(root), view)[1].title
    'Inside neuron 0: the first of 100 calls, 5 of its 302 values'
    """
    groups = [box for box in view.boxes if box.kind == "group"]
    if not groups:
        return ()
    names = {} if model is None else names_of(model)
    home = {position: box for box in view.boxes for position in box.members}
    return tuple(_inside(graph, box, home, names, partials) for box in groups)


def _inside(
    graph: IndexedGraph, box: Box, home: Mapping[int, Box], names: Mapping[Value, str],
    partials: bool
) -> Inside:
    results = [p for p in graph.outputs(box.members) if graph.operands[p]]
    own = sorted(_all_below(graph, results[0], home)) if results else box.members[:MOST_LEAVES]
    name = what(replace(box, times=1, stands_for=1))
    title = f"Inside {name}: {_which(graph, box, results, len(own))}"
    view = None
    if len(own) <= MOST_VALUES:
        view = replace(_view(graph, box, own, home, names, partials), title=title)
    return Inside(box, title, len(own), view)


def _all_below(graph: IndexedGraph, result: int, home: Mapping[int, Box]) -> set[int]:
    """Returns the result and all that it was computed from in its own group."""
    found, to_visit = {result}, [result]
    while to_visit:
        for operand in graph.operands[to_visit.pop()]:
            if operand not in found and home[operand] is home[result]:
                found.add(operand)
                to_visit.append(operand)
    return found


def _which(graph: IndexedGraph, box: Box, results: Sequence[int], drawn: int) -> str:
    how_much = f"{drawn:,} of its {counted(box.stands_for, 'value')}"
    if drawn == box.stands_for:
        return f"all {counted(drawn, 'value')}"
    if not results:
        return f"the first {how_much}"
    if len(results) == 1:
        return how_much
    # A neuron notes itself on each result, so results with one origin are its calls.
    callers = {id(graph.values[p].origin) for p in results}
    are_calls = len(callers) == 1 and graph.values[results[0]].origin is not None
    noun = "calls" if are_calls else "results"
    return f"the first of {len(results):,} {noun}, {how_much}"


def _view(
    graph: IndexedGraph, box: Box, own: Sequence[int], home: Mapping[int, Box],
    names: Mapping[Value, str], partials: bool
) -> View:
    """Returns the view of these values of the group and, dashed, of their operands outside."""
    inside = frozenset(own)
    taken = {operand for p in own for operand in graph.operands[p]} - inside
    notes = [f"Dashed: {counted(len(taken), 'value')} from outside the group."] if taken else []
    if any(not inside.issuperset(graph.users[p]) for p in own if not graph.operands[p]):
        notes.append("The grad of a leaf or parameter counts all its uses, not only those here.")
    view = view_of_part(graph, sorted(inside | taken), names, partials, tuple(notes))
    boxes = tuple(
        replace(one, is_cut=False)
        if (place := one.members[0]) in inside
        else replace(one, is_cut=True, name=one.name or home[place].name)
        for one in view.boxes
    )
    return replace(
        view, boxes=boxes, total=box.stands_for + len(taken), left_out=box.stands_for - len(own),
    )
