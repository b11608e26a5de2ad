"""A forward and a backward pass in large steps: one box of a picture a step, such as a neuron.

The loss of a network has thousands of values. In a picture they share boxes, and here a step is a
box: forward it gets its outputs, backward it hands on what all its values have to hand on. What it
hands to its own parameters is said parameter by parameter.

The sums here are added up box by box; the last one of each value is the engine's own, to the bit.
This file changes no value, and does not know how a box looks.
"""

import re
from collections import Counter
from collections.abc import Iterator

from micrograd_notes.draw.graph import table
from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.draw.graph.view import Box, View
from micrograd_notes.draw.graph.wording import derivative, written
from micrograd_notes.draw.stepper.steps import Product, Step, forward_step, seed_step
from micrograd_notes.draw.text import counted, short
from micrograd_notes.engine import sweep
from micrograd_notes.engine.accurate import total

_MOST_PARAMETERS = 20  # of a box: what each of so many gets is said one by one
_Gift = tuple[int, float]  # the place of an operand, and what it gets


def steps_by_box(graph: IndexedGraph, view: View, labels: list[str]) -> list[Step]:
    """Returns the steps of both passes, one box of the view a step.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> from micrograd_notes.draw.graph.view import view_of
    >>> from micrograd_notes.draw.graph.wording import labels_of
    >>> from micrograd_notes.engine import Value
    >>> x = Value(1.0, name="x")
    >>> loss = sum((x * float(i)).tanh() for i in range(100))
    >>> graph, view = indexed(loss), view_of(loss)
    >>> steps = steps_by_box(graph, view, labels_of(graph, {}))
    >>> [step["phase"] for step in steps].count("forward") == len(view.boxes)
    True
    """
    walk = _Walk(graph, view, labels)
    order = list(_operands_first(view))
    steps = [walk.forward(box) for box in order]
    if graph.values[-1].requires_grad:
        steps.append({**seed_step(graph, labels), "node": walk.box_of[len(labels) - 1].key})
    steps += [walk.backward(box) for box in reversed(order) if walk.gifts[box.key]]
    return steps


def _operands_first(view: View) -> Iterator[Box]:
    """Yields the boxes so that each comes after those it is made from.

    Groups may use each other both ways, as in a network that feeds itself. Then the one whose first
    value is computed first goes ahead.
    """
    waiting = {box.key: box for box in view.boxes}
    operands: dict[str, set[str]] = {key: set() for key in waiting}
    users: dict[str, set[str]] = {key: set() for key in waiting}
    for arrow in view.arrows:
        operands[arrow.head].add(arrow.tail)
        users[arrow.tail].add(arrow.head)
    while waiting:
        free = [box for key, box in waiting.items() if not operands[key]]
        chosen = min(free or waiting.values(), key=lambda box: box.members[0])
        del waiting[chosen.key]
        for user in users[chosen.key]:
            operands[user].discard(chosen.key)
        yield chosen


class _Walk:
    """What the steps of all boxes have in common: who hands what to whom, and the sums so far."""

    def __init__(self, graph: IndexedGraph, view: View, labels: list[str]) -> None:
        self.graph, self.labels = graph, labels
        self.outputs: dict[str, list[int]] = {}
        self.box_of = {position: box for box in view.boxes for position in box.members}
        self.gifts: dict[str, list[_Gift]] = {box.key: [] for box in view.boxes}
        last = len(graph.values) - 1
        self.complete = {last: 1.0}
        self.to_come: Counter[int] = Counter()
        self.sums = {last: 1.0}
        for step in sweep(graph.values[-1]):
            giver, taker = graph.place[step.node], graph.place[step.operand]
            self.complete[taker] = step.total
            box = self.box_of.get(giver)
            if box is not None and self._leaves_the_box(box, taker):
                self.gifts[box.key].append((taker, step.contribution))
                self.to_come[taker] += 1
            else:
                self.sums[taker] = step.total

    def _leaves_the_box(self, box: Box, taker: int) -> bool:
        return taker in self.box_of and (
            self.box_of[taker] is not box or not self.graph.operands[taker]
        )

    def forward(self, box: Box) -> Step:
        if len(box.members) == 1:
            return forward_step(self.graph, self.labels, box.members[0])
        name = self._title(box)
        data = table.data(box)
        outputs = f"{counted(box.times, 'output')}, {data}" if box.times > 1 else data
        contents = f" ({box.contents})" if box.contents else ""
        step: Step = {
            "phase": "forward",
            "node": box.key,
            "name": name,
            "text": f"{name}{contents}: {outputs}",
        }
        if box.data.low == box.data.high:
            step["data"] = box.data.low
        return step

    def backward(self, box: Box) -> Step:
        name = self._title(box)
        outputs = [p for p in self._outputs(box) if p in self.complete]
        adjoints = [self.complete[p] for p in outputs]
        values = "its value" if len(outputs) == 1 else f"its {len(outputs)} outputs"
        text = (
            f"{name} has the gradient of {values}, {_range(adjoints)}, complete. It hands on "
            f"{counted(len(self.gifts[box.key]), 'product')}, each local derivative * gradient."
        )
        step: Step = {
            "phase": "backward",
            "node": box.key,
            "name": name,
            "text": text,
            "products": [self._product(takers) for takers in self._by_taker(box)],
        }
        if len(adjoints) == 1:
            step["adjoint"] = adjoints[0]
        return step

    def _grads_of(self, box: Box) -> list[float]:
        """Returns the least and the greatest gradient of a box's outputs now, if there is one."""
        grads = [self.sums[p] for p in self._outputs(box) if p in self.sums]
        return _ends(grads) if grads else []

    def _outputs(self, box: Box) -> list[int]:
        """Returns the results that other boxes use, or the leaves where a box is leaves alone."""
        if box.key not in self.outputs:
            self.outputs[box.key] = self._found_outputs(box)
        return self.outputs[box.key]

    def _found_outputs(self, box: Box) -> list[int]:
        if len(box.members) == 1:
            return list(box.members)
        inside, last = set(box.members), len(self.graph.values) - 1
        used = [
            p for p in box.members if p == last or any(u not in inside for u in self.graph.users[p])
        ]
        return [p for p in used if self.graph.operands[p]] or used

    def _by_taker(self, box: Box) -> list[list[_Gift]]:
        """Returns what the box hands on, put together by who gets it."""
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
        """Returns what one taker gets: a value, or the values of a box."""
        takers = list(dict.fromkeys(taker for taker, _ in gifts))
        before = [self.sums.get(taker, 0.0) for taker in takers]
        for taker, gift in gifts:
            self.to_come[taker] -= 1
            total = self.sums.get(taker, 0.0) + gift
            self.sums[taker] = total if self.to_come[taker] else self.complete[taker]
        after = [self.sums[taker] for taker in takers]
        box = self.box_of[takers[0]]
        if len(takers) == 1:
            return self._to_one(takers[0], box, gifts, before[0], after[0])
        which = "outputs" if self.graph.operands[takers[0]] else "parameters"
        name = f"{self._title(box)}, {len(takers)} {which}"
        text = f"{name} += {counted(len(gifts), 'product')} ({_range(before)} -> {_range(after)})"
        return {
            "operand": box.key,
            "name": name,
            "contribution": None,
            "count": len(gifts),
            "grads": self._grads_of(box),
            "text": text,
        }

    def _to_one(
        self, taker: int, box: Box, gifts: list[_Gift], before: float, after: float
    ) -> Product:
        root, name = self.labels[-1], self.labels[taker]
        amount = total(gift for _, gift in gifts)
        text = (
            f"{derivative(root, name)} += {counted(len(gifts), 'product')} = {written(amount)}"
            f" ({written(before)} -> {written(after)})"
        )
        return {
            "operand": box.key,
            "name": name,
            "contribution": amount,
            "before": before,
            "total": after,
            "count": len(gifts),
            "grads": self._grads_of(box),
            "text": text,
        }

    def _title(self, box: Box) -> str:
        if len(box.members) == 1:
            return self.labels[box.members[0]]
        return box.name or f"{box.operation or box.contents.partition(' ')[2]} × {box.times:,}"


def _natural(label: str) -> list[tuple[int, str]]:
    """Returns a key that sorts w[2] before w[10]."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", label)]


def _range(numbers: list[float]) -> str:
    low, high = map(short, _ends(numbers))
    return low if low == high else f"{low} … {high}"


def _ends(numbers: list[float]) -> list[float]:
    broken = [number for number in numbers if number != number]
    return [broken[0], broken[0]] if broken else [min(numbers), max(numbers)]
