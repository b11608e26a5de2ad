"""Groups of values that share a box, because nobody can read a picture of thousands of boxes.

`view.py` calls `grouped` for a large graph. Ever coarser rules apply until there are few enough
boxes:

1. a chain of additions is one sum;
2. values that are computed alike from the same groups are repeats of each other, as when a network
   is called on a hundred examples. Weights stay apart at first; then all leaves are alike;
3. a value that only one other group uses joins its user, so that a whole neuron becomes one box.

Values of a module (see `names.py`) are grouped by module instead. Read `view.py` next.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.draw.graph.names import CALL, owner
from micrograd_notes.engine.ops import add

Groups = list[int]  # for each value of the graph the number of its group

_ARROWS_PER_BOX = 10  # between modules: wide layers have too many to follow


@dataclass(frozen=True)
class Grouping:
    """Every value of a graph in exactly one group."""

    graph: IndexedGraph
    of: Groups
    module: dict[int, str]  # the path of a group's module, if it has one

    @cached_property
    def members(self) -> dict[int, list[int]]:
        """The values of each group, operands before results."""
        members: dict[int, list[int]] = {}
        for position, group in enumerate(self.of):
            members.setdefault(group, []).append(position)
        return members

    @cached_property
    def operands(self) -> dict[int, set[int]]:
        """The groups that each group uses, itself left out."""
        operands: dict[int, set[int]] = {group: set() for group in self.members}
        for group, positions in zip(self.of, self.graph.operands, strict=True):
            operands[group].update(self.of[position] for position in positions)
        for group, used in operands.items():
            used.discard(group)
        return operands

    def terms(self, result: int) -> int:
        """Returns how many terms a sum has, when the additions of its group are taken as one.

        >>> from micrograd_notes import Value
        >>> from micrograd_notes.draw.graph.indexed import indexed
        >>> graph = indexed(Value(1.0) + 2.0 + 3.0)
        >>> Grouping(graph, [0, 1, 3, 2, 3], {}).terms(4)
        3
        """
        terms, parts = 0, [result]
        while parts:
            for operand in self.graph.operands[parts.pop()]:
                is_part = (
                    self.graph.values[operand].op is add
                    and self.of[operand] == self.of[result]
                    and len(self.graph.users[operand]) == 1
                )
                if is_part:
                    parts.append(operand)
                else:
                    terms += 1
        return terms

    def __len__(self) -> int:
        return len(set(self.of))


def grouped(
    graph: IndexedGraph, limit: int, modules: Mapping[int, str] | None = None
) -> Grouping | None:
    """Returns a grouping of at most `limit` groups, or None if the rules find none.

    It is the first one with more than half as many groups, or else the one with most. Where modules
    would have a thicket of arrows between them, the modules around them are used: layers instead of
    neurons. `modules` has the path, `layers[0].neurons[3]`, of the module that computes or owns a
    value.

    >>> from micrograd_notes import Value
    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> xs = [Value(float(i)) for i in range(100)]
    >>> grouping = grouped(indexed(sum(x * 2.0 for x in xs)), limit=10)
    >>> sorted(len(members) for members in grouping.members.values())
    [1, 100, 100, 100, 100]
    """
    for paths in _ever_shorter(modules or {}):
        if _is_thicket(graph, paths, limit):
            continue
        best: Grouping | None = None
        for grouping in _ever_coarser(graph, limit, paths):
            if (0 if best is None else len(best)) < len(grouping) <= limit:
                best = grouping
            if best is not None and 2 * len(best) > limit:
                break
        if best is not None:
            return best
    return None


def _is_thicket(graph: IndexedGraph, modules: Mapping[int, str], limit: int) -> bool:
    """Returns whether there are too many arrows between modules to follow one.

    Two layers of 64 neurons have 4,096, for which Graphviz takes half a minute.
    """
    arrows = {
        (modules[operand], path)
        for position, path in modules.items()
        for operand in graph.operands[position]
        if operand in modules
    }
    return len(arrows) > _ARROWS_PER_BOX * limit


def _ever_shorter(modules: Mapping[int, str]) -> Iterator[Mapping[int, str]]:
    """Yields the paths of the modules, then those of the modules around them, then none."""
    if any(CALL in path for path in modules.values()):
        yield modules
        modules = {position: path.partition(CALL)[0] for position, path in modules.items()}
    while modules:
        yield modules
        modules = {position: owner(path) for position, path in modules.items() if path}
    yield {}


def _ever_coarser(
    graph: IndexedGraph, limit: int, modules: Mapping[int, str]
) -> Iterator[Grouping]:
    """Yields the groupings by one rule after the other, each on top of the earlier ones."""
    head = _heads_of_sums(graph, modules)
    sums = _repeats(graph, head, modules, merge=False)
    yield sums
    if len(sums) <= limit:
        return  # what follows is coarser
    for leaves_are_alike in (False, True):
        repeats = _repeats(graph, head, modules, merge=True, leaves_are_alike=leaves_are_alike)
        yield repeats
        if len(repeats) <= limit:
            continue
        largest = -(-len(repeats) // limit)  # smaller ones could not be few enough
        while largest < 2 * len(repeats):
            moved = _moved_in(repeats, largest)
            yield moved
            if len(moved) <= limit:
                break
            largest *= 2


def _heads_of_sums(graph: IndexedGraph, modules: Mapping[int, str]) -> list[int]:
    """Returns for each value the addition that it is a part of, or itself.

    An addition is a part of the next one if nothing else uses it and it has no name.
    """
    head = list(range(len(graph.values)))
    for position in reversed(head):
        value, users = graph.values[position], graph.users[position]
        if (
            value.op is add
            and len(users) == 1
            and graph.values[users[0]].op is add
            and value.name is None
            and modules.get(position) == modules.get(users[0])
        ):
            head[position] = head[users[0]]
    return head


def _repeats(
    graph: IndexedGraph, head: Sequence[int], modules: Mapping[int, str], merge: bool,
    leaves_are_alike: bool = False
) -> Grouping:
    """Returns the grouping in which values that are computed alike from the same groups are one.

    Without `merge`, only the parts of a sum are grouped.
    """
    number: dict[object, int] = {}  # a group's number by what its values have in common
    of = [-1] * len(graph.values)
    terms: dict[int, list[int]] = {}  # of the sums whose head is still to come
    module: dict[int, str] = {}
    for position, value in enumerate(graph.values):
        outside = [p for p in graph.operands[position] if head[p] != head[position]]
        if head[position] != position:
            terms.setdefault(head[position], []).extend(outside)
            continue
        operands = [*terms.pop(position, ()), *outside]
        path = modules.get(position)
        is_itself = not merge or (value.name is not None and not leaves_are_alike)
        alike: object
        if path is not None:
            alike = ("module", path)
        elif is_itself:
            alike = position
        elif value.op is None:
            is_apart = value.requires_grad and not leaves_are_alike
            alike = position if is_apart else ("leaf", value.requires_grad)
        else:
            # All parameters of modules are alike, so that a penalty on the weights, w*w, is one
            # group instead of one per neuron.
            are_weights = [p in modules and not graph.operands[p] for p in operands]
            likes = zip(operands, are_weights, strict=True)
            alike = (value.op.name, *("weight" if is_one else of[p] for p, is_one in likes))
        of[position] = number.setdefault(alike, len(number))
        if path is not None:
            module[of[position]] = path
    of = [of[h] for h in head]
    return Grouping(graph, _leaves_by_use(graph, of, module) if merge else of, module)


def _leaves_by_use(graph: IndexedGraph, of: Groups, module: Mapping[int, str]) -> Groups:
    """Returns the groups with leaves apart that are used in different places.

    The inputs of a network and the targets in its loss are both plain numbers, but different
    things. Modules side by side, as in a layer, count as one place.
    """
    number: dict[object, int] = {}
    divided = list(of)
    for position, users in enumerate(graph.users):
        group = of[position]
        if graph.operands[position] or group in module:
            continue
        places = frozenset(
            owner(module[of[user]]) if of[user] in module else of[user] for user in users
        )
        # Below zero, because leaves come before everything that is made of them.
        divided[position] = number.setdefault((group, places), -1 - len(number))
    return divided


def _moved_in(grouping: Grouping, largest: int) -> Grouping:
    """Returns the grouping in which a group joins its only user.

    All that a group alone uses joins it; nothing does if it would become larger than `largest`.
    """
    operands = grouping.operands
    users: dict[int, set[int]] = {group: set() for group in operands}
    for group, used in operands.items():
        for operand in used:
            users[operand].add(group)
    size = dict.fromkeys(operands, 1)
    landlord = {group: group for group in operands}
    for group in sorted(operands):  # operands come before their users, modules aside
        if group in grouping.module:
            continue
        own = [o for o in operands[group] if users[o] == {group} and o not in grouping.module]
        together = 1 + sum(size[o] for o in own)
        if together <= largest:
            size[group] = together
            landlord.update(dict.fromkeys(own, group))
    for group in sorted(operands, reverse=True):
        landlord[group] = landlord[landlord[group]]
    return Grouping(grouping.graph, [landlord[g] for g in grouping.of], grouping.module)
