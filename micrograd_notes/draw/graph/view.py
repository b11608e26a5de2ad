"""The view of a graph: boxes and arrows as plain data, and the number of values that are hidden.

`picture.py` and the stepper call `view_of`, which decides which values are drawn one by one, which
in groups and which not at all. Drawings, tables and animations are made from a view. Read
`grouping.py` for the groups, and `dot.py` for the drawing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from micrograd_notes.common import checks
from micrograd_notes.draw.graph.grouping import Grouping, grouped
from micrograd_notes.draw.graph.indexed import IndexedGraph, indexed
from micrograd_notes.draw.graph.names import call_by_call, modules_of, names_of
from micrograd_notes.draw.text import counted, drawable, ends
from micrograd_notes.engine import Value, ops

Kind = Literal["result", "leaf", "parameter", "constant", "group"]

ABOUT_PARTIALS = "∂ on an arrow: the local slope, d result / d operand."
NO_GRADIENTS_YET = "No gradients yet (grad –): call backward() first."

_ORDER_DOES_NOT_MATTER = (ops.add, ops.multiply)


@dataclass(frozen=True)
class Span:
    """The number of a box, or the least and the greatest of several."""

    low: float
    high: float


@dataclass(frozen=True)
class Box:
    """A node of the picture: one value, or a group of them."""

    key: str
    """`v12` is the value at place 12 of the topological order. A group has its last value's key."""
    kind: Kind
    name: str
    operation: str  # the symbol of the operation that made it; empty for a leaf
    data: Span
    grad: Span | None  # None before the first backward pass
    takes_grad: bool  # whether a gradient flows into it
    operands_in_order: bool = False  # whether it matters which operand comes first
    is_cut: bool = False  # whether some of its operands or users are not drawn
    stands_for: int = 1  # the number of values in it
    times: int = 1  # the number of a group's results, which is the number of its repeats
    contents: str = ""  # the contents of a group, `16 *, 17 leaves`
    members: tuple[int, ...] = ()  # the places of its values in the topological order


@dataclass(frozen=True)
class Arrow:
    """An edge of the picture, from an operand to a result."""

    tail: str
    head: str
    partial: float | None = None
    """The local slope of the result with respect to the operand, if it is shown."""
    stands_for: int = 1  # the number of edges in it


@dataclass(frozen=True)
class View:
    """The contents of a picture. The counts add up: `shown + grouped + left_out == total`."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    total: int  # the number of values of the graph
    left_out: int  # the number of values that are not in the picture at all
    notes: tuple[str, ...]  # the lines below the picture

    @property
    def shown(self) -> int:
        """The number of values that are drawn one by one."""
        return sum(box.kind != "group" for box in self.boxes)

    @property
    def grouped(self) -> int:
        """The number of values inside groups."""
        return sum(box.stands_for for box in self.boxes if box.kind == "group")

    @property
    def hidden(self) -> int:
        """The number of values that are not drawn one by one."""
        return self.grouped + self.left_out


def view_of(
    root: Value, *, model: Any = None, partials: bool = False, limit: int = 150, group: bool = True,
    focus: Value | None = None, radius: int = 2
) -> View:
    """Returns the view of the graph below the root; for the arguments see `draw_dot`.

    >>> x = Value(3.0, name="x")
    >>> view = view_of(x * x)
    >>> [box.name or box.operation for box in view.boxes], len(view.arrows)
    (['x', '*'], 2)
    """
    check_root(root)
    limit, radius = checks.whole_number("limit", limit), checks.whole_number("radius", radius, 0)
    partials, group = checks.flag("partials", partials), checks.flag("group", group)
    names = {} if model is None else names_of(model)
    graph = indexed(root)
    if focus is not None:
        return _view_around(graph, _focus(graph, focus), radius, limit, names, partials)
    if len(graph.values) <= limit:
        return view_of_part(graph, range(len(graph.values)), names, partials)
    if not group:
        raise ValueError(
            f"this graph has {counted(len(graph.values), 'value')}, more than limit={limit}. "
            "Leave out group=False to see it in groups, pass focus=value and radius=k to see a "
            "part, or pass a larger limit"
        )
    grouping = grouped(graph, limit, call_by_call(graph, modules_of(graph, names)))
    if grouping is None:
        return _view_around(graph, len(graph.values) - 1, None, limit, names, partials)
    return _view_of_groups(grouping, names, partials)


def check_root(root: object) -> None:
    """Raises TypeError if the root is not a `Value`."""
    of_many = " (draw the sum of several, or one of them)" * isinstance(root, list | tuple)
    checks.instance("root", root, Value, f"a Value, the result of an expression{of_many}")


def _focus(graph: IndexedGraph, focus: object) -> int:
    for position, value in enumerate(graph.values):
        if value is focus:
            return position
    raise ValueError(
        f"focus must be a Value of this graph, got {checks.shown(focus)}, which is not part of it"
    )


def view_of_part(
    graph: IndexedGraph, positions: Sequence[int], names: Mapping[Value, str], partials: bool,
    notes: tuple[str, ...] = ()
) -> View:
    """Returns the view that draws these values one by one, and leaves out the others."""
    chosen = frozenset(positions)
    boxes = [_box_of(graph, position, names, chosen) for position in sorted(chosen)]
    keys = {box.key for box in boxes}
    arrows = [
        arrow
        for position in sorted(chosen)
        for arrow in _arrows_into(graph, position, partials)
        if arrow.tail in keys
    ]
    left_out = len(graph.values) - len(positions)
    return _view(graph, names, boxes, arrows, left_out, notes)


def _view_around(
    graph: IndexedGraph, centre: int, radius: int | None, limit: int, names: Mapping[Value, str],
    partials: bool
) -> View:
    """Returns the view of the neighbourhood of a value: at most `limit` values, the nearest."""
    near = graph.nearest(centre, radius, limit + 1)
    is_full, near = len(near) > limit, near[:limit]
    total, subject = len(graph.values), _subject(graph.values[centre], names)
    if is_full or radius is None:
        which = f"the {len(near)} nearest to {subject}"
    else:
        which = f"those within {counted(radius, 'edge')} of {subject}"
    lines = [f"{len(near)} of {counted(total, 'value')}: {which}."]
    if len(near) < total:
        hidden = counted(total - len(near), "value")
        lines.append(f"Not drawn: {hidden}, beyond the dashed outlines.")
    return view_of_part(graph, near, names, partials, tuple(lines))


def _view_of_groups(grouping: Grouping, names: Mapping[Value, str], partials: bool) -> View:
    """Returns the view that draws every group as one box."""
    graph, members = grouping.graph, grouping.members
    everything = frozenset(range(len(graph.values)))
    boxes = [
        _box_of(graph, inside[0], names, everything)
        if len(inside) == 1
        else _box_of_group(grouping, group, names)
        for group, inside in members.items()
    ]
    boxes.sort(key=lambda box: int(box.key[1:]))
    arrows: list[Arrow] = []
    merged: Counter[tuple[str, str]] = Counter()
    for position, operands in enumerate(graph.operands):
        head = grouping.of[position]
        single = _arrows_into(graph, position, partials) if len(members[head]) == 1 else ()
        for index, operand in enumerate(operands):
            tail = grouping.of[operand]
            if tail == head:
                continue
            if single and len(members[tail]) == 1:
                arrows.append(single[index])
            else:
                merged[f"v{members[tail][-1]}", f"v{members[head][-1]}"] += 1
    arrows += [Arrow(*ends, stands_for=count) for ends, count in merged.items()]
    groups = [box for box in boxes if box.kind == "group"]
    note = (
        f"{counted(len(graph.values), 'value')}: {len(boxes) - len(groups):,} drawn one by one, "
        f"{sum(box.stands_for for box in groups):,} in {counted(len(groups), 'group')}."
    )
    return _view(graph, names, boxes, arrows, 0, (note,))


def _view(
    graph: IndexedGraph, names: Mapping[Value, str], boxes: list[Box], arrows: list[Arrow],
    left_out: int, notes: tuple[str, ...]
) -> View:
    root = graph.values[-1]
    if any(arrow.partial is not None for arrow in arrows):
        notes += (ABOUT_PARTIALS,)
    if root.requires_grad and not root.has_grad:
        notes += (NO_GRADIENTS_YET,)
    title = f"Computation graph of {_subject(root, names)}"
    return View(title, tuple(boxes), tuple(arrows), len(graph.values), left_out, notes)


def _box_of(
    graph: IndexedGraph, position: int, names: Mapping[Value, str], drawn: frozenset[int]
) -> Box:
    value = graph.values[position]
    beside = (*graph.operands[position], *graph.users[position])
    return Box(
        key=f"v{position}", kind=_kind(value, names), name=drawable(_name(value, names)),
        operation=value.op.symbol if value.op else "", data=Span(value.data, value.data),
        grad=Span(value.grad, value.grad) if value.has_grad else None,
        takes_grad=value.requires_grad,
        operands_in_order=len(value.operands) > 1 and value.op not in _ORDER_DOES_NOT_MATTER,
        is_cut=not drawn.issuperset(beside), members=(position,),
    )


def _box_of_group(grouping: Grouping, group: int, names: Mapping[Value, str]) -> Box:
    graph, inside = grouping.graph, grouping.members[group]
    outputs = graph.outputs(inside)
    results = [p for p in outputs if graph.operands[p]] or outputs
    values = [graph.values[position] for position in results]
    grads = [value.grad for value in values if value.has_grad]
    path = grouping.module.get(group)
    return Box(
        key=f"v{inside[-1]}", kind="group", name="" if path is None else drawable(path or "model"),
        operation=_operation_of_group(grouping, group, results[-1]),
        data=Span(*ends([value.data for value in values])),
        grad=Span(*ends(grads)) if grads else None,
        takes_grad=any(value.requires_grad for value in values), stands_for=len(inside),
        times=len(results),
        contents=_contents([graph.values[position] for position in inside], names),
        members=tuple(inside),
    )


def _operation_of_group(grouping: Grouping, group: int, result: int) -> str:
    op = grouping.graph.values[result].op
    if op is None or group in grouping.module:
        return ""
    terms = grouping.terms(result) if op is ops.add else 0
    return f"sum of {terms:,}" if terms > 2 else op.symbol


def _contents(values: Sequence[Value], names: Mapping[Value, str]) -> str:
    """Returns the contents, the most frequent first: `16 *, 16 +, 17 parameters`."""
    kinds = Counter(value.op.symbol if value.op else _kind(value, names) for value in values)
    plurals = {"leaf": "leaves", "parameter": "parameters", "constant": "constants"}
    return ", ".join(
        counted(count, kind, plurals.get(kind, kind)) for kind, count in kinds.most_common()
    )


def _arrows_into(graph: IndexedGraph, position: int, with_partials: bool) -> list[Arrow]:
    """Returns an arrow from each operand of the value; two for `x*x`."""
    operands, head = graph.operands[position], f"v{position}"
    value = graph.values[position]
    partials = local_slopes(value) if with_partials and value.operands else {}
    return [Arrow(f"v{o}", head, partials.get(index)) for index, o in enumerate(operands)]


def local_slopes(result: Value) -> dict[int, float]:
    """Returns the local slope for each operand that takes a gradient, by its place."""
    op, operands = result.op, result.operands
    if op is None:
        return {}
    wanted = [i for i, x in enumerate(operands) if x.requires_grad and op.is_differentiated(i)]
    slopes = op.local_partials(wanted, result.data, [x.data for x in operands])
    return dict(zip(wanted, slopes, strict=True))


def _kind(value: Value, names: Mapping[Value, str]) -> Kind:
    if value.operands:
        return "result"
    if value in names:
        return "parameter"
    return "leaf" if value.requires_grad else "constant"


def _name(value: Value, names: Mapping[Value, str]) -> str:
    return names.get(value) or value.name or ""


def _subject(value: Value, names: Mapping[Value, str]) -> str:
    """Returns the value's name in a sentence."""
    name = _name(value, names)
    if name:
        return drawable(name)
    return f"the result of {value.op.symbol}" if value.op else "a leaf"
