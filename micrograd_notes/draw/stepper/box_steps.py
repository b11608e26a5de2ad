"""A forward and a backward pass in large steps: one step per box of a picture, such as a neuron.

The loss of a network has thousands of values, which share boxes in a picture. `draw_backward` then
calls `steps_by_box`: forward, a box gets its outputs; backward, it passes on the products of all
its values, one line per parameter of its own. The sums are added up box by box, and the last sum of
each value has the bits of the engine's. Read `steps.py` first.
"""

import re
from collections import Counter
from collections.abc import Iterator

from micrograd_notes.draw.graph import table
from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.draw.graph.names import gradient
from micrograd_notes.draw.graph.view import Box, View
from micrograd_notes.draw.graph.wording import written
from micrograd_notes.draw.stepper.steps import Product, Step, forward_step, reading_order, turn_step
from micrograd_notes.draw.text import counted, ends, from_to, short
from micrograd_notes.engine import sweep
from micrograd_notes.engine.accurate import total

_MOST_PARAMETERS = 20  # of a box, that have a line each
_Gift = tuple[int, float]  # the place of an operand, and a product for it


def steps_by_box(graph: IndexedGraph, view: View, labels: list[str]) -> list[Step]:
    """Returns the steps of both passes, one step per box of the view.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> from micrograd_notes.draw.graph.names import labels_of
    >>> from micrograd_notes.draw.graph.view import view_of
    >>> from micrograd_notes.engine import Value
    >>> x = Value(1.0, name="x")
    >>> loss = sum((x * float(i)).tanh() for i in range(100))
    >>> graph, view = indexed(loss), view_of(loss)
    >>> steps = steps_by_box(graph, view, labels_of(graph, {}))
    >>> [step["phase"] for step in steps].count("forward") == len(view.boxes)
    True
    """
    walk = _Walk(graph, view, labels)
    order = list(_operands_first(view, reading_order(graph)))
    steps = [walk.forward(box) for box in order]
    steps.append({**turn_step(graph, labels), "node": walk.box_of[len(labels) - 1].key})
    steps += [walk.backward(box) for box in reversed(order) if walk.gifts[box.key]]
    return steps


def _operands_first(view: View, order: list[int]) -> Iterator[Box]:
    """Yields the boxes so that each comes after its operands, as far as possible in that order.

    Groups may use each other both ways, as in a recurrent network. Then the group whose first value
    is computed first comes first.
    """
    rank = {place: index for index, place in enumerate(order)}
    boxes = sorted(view.boxes, key=lambda box: min(map(rank.__getitem__, box.members)))
    waiting = {box.key: box for box in boxes}
    operands: dict[str, set[str]] = {key: set() for key in waiting}
    users: dict[str, set[str]] = {key: set() for key in waiting}
    for arrow in view.arrows:
        operands[arrow.head].add(arrow.tail)
        users[arrow.tail].add(arrow.head)
    while waiting:
        free = (box for key, box in waiting.items() if not operands[key])
        chosen = next(free, next(iter(waiting.values())))
        del waiting[chosen.key]
        for user in users[chosen.key]:
            operands[user].discard(chosen.key)
        yield chosen


class _Walk:
    """The state of a walk: which box passes which products to whom, and the sums so far."""

    def __init__(self, graph: IndexedGraph, view: View, labels: list[str]) -> None:
        self.graph, self.labels = graph, labels
        self._outputs = {box.key: self._outputs_of(box) for box in view.boxes}
        self.box_of = {position: box for box in view.boxes for position in box.members}
        self.gifts: dict[str, list[_Gift]] = {box.key: [] for box in view.boxes}
        last = len(graph.values) - 1
        self.complete = {last: 1.0}
        self.to_come: Counter[int] = Counter()
        self.sums = {last: 1.0}
        for step in sweep(graph.values[-1]):
            giver, taker = graph.place[step.node], graph.place[step.operand]
            self.complete[taker] = step.total
            box, other = self.box_of.get(giver), self.box_of.get(taker)
            # Products within a box stay inside, except those for its parameters.
            if box and other and (other is not box or not graph.operands[taker]):
                self.gifts[box.key].append((taker, step.contribution))
                self.to_come[taker] += 1
            else:
                self.sums[taker] = step.total

    def forward(self, box: Box) -> Step:
        if len(box.members) == 1:
            return forward_step(self.graph, self.labels, box.members[0])
        name = self._title(box)
        data = table.data(box)
        outputs = f"{counted(box.times, 'output')}, {data}" if box.times > 1 else data
        contents = f" ({box.contents})" if box.contents else ""
        text = f"{name}{contents}: {outputs}"
        step: Step = {"phase": "forward", "node": box.key, "name": name, "text": text}
        if box.data.low == box.data.high:
            step["data"] = box.data.low
        return step

    def backward(self, box: Box) -> Step:
        name = self._title(box)
        outputs = [p for p in self._outputs[box.key] if p in self.complete]
        adjoints = [self.complete[p] for p in outputs]
        values = "its value" if len(outputs) == 1 else f"its {len(outputs)} outputs"
        text = (
            f"{name} has the complete gradient of {values}, {_range(adjoints)}. It passes on "
            f"{counted(len(self.gifts[box.key]), 'product')}, each a local slope * a gradient."
        )
        step: Step = {"phase": "backward", "node": box.key, "name": name, "text": text}
        step["products"] = [self._product(takers) for takers in self._by_taker(box)]
        if len(adjoints) == 1:
            step["adjoint"] = adjoints[0]
        return step

    def _grads_of(self, box: Box) -> list[float]:
        """Returns the least and the greatest gradient of a box's outputs now, if there is one."""
        grads = [self.sums[p] for p in self._outputs[box.key] if p in self.sums]
        return [*ends(grads)] if grads else []

    def _outputs_of(self, box: Box) -> list[int]:
        """Returns the results that other boxes use, or the leaves of a box of leaves."""
        used = list(box.members) if len(box.members) == 1 else self.graph.outputs(box.members)
        return [p for p in used if self.graph.operands[p]] or used

    def _by_taker(self, box: Box) -> list[list[_Gift]]:
        """Returns the products that the box passes on, together by who gets them."""
        gifts = self.gifts[box.key]
        own = {taker for taker, _ in gifts if self.box_of[taker] is box}
        is_few = len(own) <= _MOST_PARAMETERS
        takers: dict[tuple[str, object], list[_Gift]] = {}
        for taker, gift in gifts:
            other = self.box_of[taker]
            is_alone = len(other.members) == 1 or (other is box and is_few)
            kind = taker if is_alone else bool(self.graph.operands[taker])
            takers.setdefault((other.key, kind), []).append((taker, gift))
        first_own = [key for key in takers if key[0] == box.key]
        first_own.sort(key=lambda key: _natural(self.labels[takers[key][0][0]]))
        return [takers[key] for key in dict.fromkeys([*first_own, *takers])]

    def _product(self, gifts: list[_Gift]) -> Product:
        """Returns the products for one taker: a value, or the values of a box."""
        takers = list(dict.fromkeys(taker for taker, _ in gifts))
        before = [self.sums.get(taker, 0.0) for taker in takers]
        for taker, gift in gifts:
            self.to_come[taker] -= 1
            so_far = self.sums.get(taker, 0.0) + gift
            self.sums[taker] = so_far if self.to_come[taker] else self.complete[taker]
        after = [self.sums[taker] for taker in takers]
        box, count = self.box_of[takers[0]], counted(len(gifts), "product")
        product: Product = {"operand": box.key, "contribution": None, "count": len(gifts)}
        product["grads"] = self._grads_of(box)
        if len(takers) > 1:
            which = "outputs" if self.graph.operands[takers[0]] else "parameters"
            product["name"] = name = f"{self._title(box)}, {len(takers)} {which}"
            product["text"] = f"{name} += {count} ({_range(before)} → {_range(after)})"
            return product
        product["name"] = name = self.labels[takers[0]]
        product["contribution"] = amount = total(gift for _, gift in gifts)
        product["before"], product["total"] = before[0], after[0]
        change = f"({written(before[0])} → {written(after[0])})"
        product["text"] = f"{gradient(name)} += {count} = {written(amount)} {change}"
        return product

    def _title(self, box: Box) -> str:
        if len(box.members) == 1:
            return self.labels[box.members[0]]
        return box.name or f"{box.operation or box.contents.partition(' ')[2]} × {box.times:,}"


def _natural(label: str) -> list[tuple[int, str]]:
    """Returns a key that sorts w[2] before w[10]."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", label)]


def _range(numbers: list[float]) -> str:
    return from_to(*map(short, ends(numbers)))
