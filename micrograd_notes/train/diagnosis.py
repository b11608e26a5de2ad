"""`diagnose`: why isn't the loss falling?

It looks at the curves of a `History`, and at a model with its data: at their sizes, at the loss of
outputs that it tries, and at the gradients of some examples. `FAULTS` lists what it finds; `fit`
mentions the gravest in its log. Dead and saturated units are those of `watching.py`.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from micrograd_notes.common import checks
from micrograd_notes.engine import Value, grad
from micrograd_notes.engine.accurate import total
from micrograd_notes.nn import Module
from micrograd_notes.train.default_loss import Loss, labels_of, loss_for, loss_of
from micrograd_notes.train.examples import Data, checked_data
from micrograd_notes.train.history import History
from micrograd_notes.train.outputs import chosen_class, numbers_of, output_of, outputs_of
from micrograd_notes.train.recording import layer_name
from micrograd_notes.train.watching import Watcher

__all__ = ["FAULTS", "Finding", "diagnose"]

CHAPTERS = {
    "neuron": "What is a neuron, and what does its picture say?",
    "learning": "Guess, compare, adjust: how does a network learn?",
    "data": "Does a network need features made by hand?",
    "depth": "Why were deep networks hard to train?",
}
"""The titles of the notebooks that show a fault; this is the one place that has them."""

RISES = "a held-out loss that rises"
FAULTS = {
    "labels that do not match the loss": (
        "See default_loss; for quantities, use mse_loss and task='regression'", "learning"),
    "gradients that are never zeroed": ("Call zero_grad() before each backward()", "learning"),
    "data that are not scaled": (
        "Scale inputs, and targets that are quantities, to mean 0 and deviation 1", "data"),
    "a learning rate that is too high": ("Divide the learning rate by 10", "learning"),
    "gradients that explode": ("Start with smaller weights, or take fewer layers", "depth"),
    "dead units": ("Try a smaller learning rate, another seed, or leaky_relu", "learning"),
    "saturated units": ("Try smaller inputs, weights, or a smaller learning rate", "neuron"),
    "gradients that vanish": ("Take relu instead of sigmoid or tanh, or fewer layers", "depth"),
    "a learning rate that is too low": ("Multiply the learning rate by 10", "learning"),
    "a loss at the level of chance": (
        "Check that each target belongs to its inputs; else train longer, or a larger network",
        "data"),
    RISES: ("Stop at its lowest epoch, or take more data", "data"),
}
"""For each fault its remedy and the chapter that shows it: causes first, and so the gravest."""

CAUSES = [*FAULTS][:3]  # can be seen before any training

FEW, SOME = 16, 256  # examples whose gradients, and whose outputs, are looked at


class Finding(NamedTuple):
    """A fault, the numbers that show it, what to do, and the title of a chapter about it."""

    fault: str
    evidence: str
    remedy: str
    chapter: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.evidence}. {self.remedy}. Chapter: {self.chapter}"


def diagnose(
    subject: Module | History, data: Data | None = None, history: History | None = None, *,
    loss: Loss | None = None, watcher: Watcher | None = None,
) -> list[Finding]:
    """Returns the faults that keep a loss from falling, the gravest first; [] if none is found.

    Args:
        subject: the model, after some training; or a history alone, whose curves show less.
        data: the training data, as for `fit`; a model needs them.
        history: that of the training.
        loss: the loss of the training; by default that of `fit`.
        watcher: a `Watcher` made before your own loop: it finds gradients that are never zeroed.

    No parameter and no gradient changes. A finding is a rule of thumb with its evidence, and not a
    proof. `FAULTS` lists all faults.

    >>> [finding] = diagnose(History([{"loss": 0.7}, {"loss": 1.9}, {"loss": 5.2}]))
    >>> finding.fault
    'a learning rate that is too high'
    >>> finding.evidence
    'the loss went from 0.7 to 5.2 in 3 epochs, and up by 4.5 in sum'
    """
    model: Any = None if isinstance(subject, History) else subject
    if model is not None or subject is None:
        checks.module(model, "subject, if it isn't a History,")
    for name, given, kind in (("history", history, History), ("watcher", watcher, Watcher)):
        checks.instance(name, given, kind | None, f"a {kind.__name__}")
    if loss is not None:
        checks.function("loss", loss, 2, "(outputs, targets), like mse_loss")
    found: dict[str, str] = {}
    chance = math.inf
    if (data is None) != (model is None):
        raise TypeError("data must come with a model as subject: diagnose(model, data, history)")
    if model is not None:
        names = getattr(data, "feature_names", ())
        chance = _in_model(model, checked_data(data, model), loss, found, names)
    history = subject if isinstance(subject, History) else history
    if history is not None:
        found.update(_in_curves(history, chance))
    if watcher is not None and "mixed" in watcher._told:
        found["gradients that are never zeroed"] = "backward() added to gradients of older steps"
    if "gradients that explode" in found:  # the loss is so large that no step changes it much
        found.pop("a learning rate that is too low", "")
    return [
        Finding(fault, found[fault], remedy, CHAPTERS[chapter])
        for fault, (remedy, chapter) in FAULTS.items() if fault in found
    ]


# ---- curves --------------------------------------------------------------------------------------


def _in_curves(history: History, chance: float) -> Iterator[tuple[str, str]]:
    curve, held_out = (
        [x for x in history[name] if isinstance(x, int | float)] if name in history else []
        for name in ("loss", "validation_loss")
    )
    if not all(map(math.isfinite, curve)):
        yield "a learning rate that is too high", "the loss is not finite in some epoch"
    elif len(curve) > 2:
        first, middle, last = curve[0], curve[len(curve) // 2], curve[-1]
        steps = [after - before for before, after in pairwise(curve)]
        rises = total(max(step, 0.0) for step in steps)
        way = f"the loss went from {first:.4g} to {last:.4g} in {len(curve)} epochs"
        late = steps[len(steps) // 2 :]  # it may overshoot at first, and then settle
        unrest = total(max(step, 0.0) for step in late) / len(late)
        if last > 1.3 * first or unrest > 0.09 * min(abs(first), chance):
            yield "a learning rate that is too high", f"{way}, and up by {rises:.4g} in sum"
        is_steady = sum(step > 0 for step in steps) <= len(steps) / 5 and len(curve) > 4
        if is_steady and middle - last > (first - middle) / 2 and last > first - 0.2 * abs(first):
            yield "a learning rate that is too low", f"{way}, without slowing down"
    if len(held_out) == len(curve) > 4 and all(map(math.isfinite, held_out)):
        best = min(range(len(held_out)), key=held_out.__getitem__)
        least, latest = held_out[best], sorted(held_out[-3:])[1]  # one epoch alone may be odd
        has_risen = latest > max(1.3 * least, least + 0.1 * abs(held_out[0]))
        if has_risen and best < len(curve) - 3 and sorted(curve[-3:])[1] < curve[best]:
            words = f"it was {least:.4g} after epoch {best + 1}, and {latest:.4g} at the end"
            yield RISES, words


# ---- a model and its data ------------------------------------------------------------------------


def _in_model(
    model: Any, examples: Any, loss: Loss | None, found: dict[str, str], names: Sequence[str]
) -> float:
    """Adds what it finds, and returns the loss at the level of chance."""
    some = range(0, len(examples.inputs), math.ceil(len(examples.inputs) / SOME))
    examples = examples._replace(
        inputs=[examples.inputs[i] for i in some], targets=[examples.targets[i] for i in some]
    )
    found.update(_in_sizes(examples, names))
    outputs = outputs_of(model, examples.inputs)
    try:
        loss = loss_for(model, examples) if loss is None else loss
    except ValueError as error:
        found["labels that do not match the loss"] = str(error)
        return math.inf
    labels = labels_of(numbers_of(outputs[0], 0), examples)
    found.update(_in_labels(outputs[0], labels, examples, loss))
    mean = float(loss_of(loss, outputs, examples.targets).data)
    try:
        chance = _at_chance(outputs[0], labels, examples.targets, loss)
    except (TypeError, ValueError, ArithmeticError):  # targets of another shape, for your own loss
        chance = math.inf
    if mean > 0.95 * chance > 0:
        words = f"it is {mean:.4g}, and {chance:.4g} for the best constant output"
        found["a loss at the level of chance"] = words
    if not mean < chance / 2:  # else units that can't learn did not matter
        found.update(_in_units(model, examples))
        found.update(_in_gradients(model, outputs, examples, loss))
    return chance if chance > 0 else math.inf


def _in_sizes(examples: Any, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Looks at the root mean square of each column of the inputs, and of targets."""
    rows = [x if isinstance(x, list | tuple) else [x] for x in examples.inputs]
    columns = {
        f"the column {names[i]!r}" if names else f"column {i} of the inputs": c
        for i, c in enumerate(zip(*rows, strict=False))
    }
    if examples.task == "regression" or any(type(t) is float and t % 1 for t in examples.targets):
        columns["the targets"] = examples.targets
    plain = {name: [x for x in c if isinstance(x, int | float)] for name, c in columns.items()}
    sizes = {name: math.hypot(*c) / math.sqrt(len(c)) for name, c in plain.items() if c}
    name = max(sizes, key=sizes.__getitem__, default="")
    if name and (sizes[name] > 10 or 0 < sizes[name] < 0.01):
        yield "data that are not scaled", f"numbers as large as {sizes[name]:.3g} are in {name}"


def _in_units(model: Any, examples: Any) -> Iterator[tuple[str, str]]:
    """Finds layers of which half of the units can't learn."""
    names = [name.rpartition(".")[0] for name, _ in model.named_parameters()]
    widths = Counter(layer_name(f"{unit}.b") for unit in dict.fromkeys(names))
    watcher = Watcher(model, (examples.inputs, examples.targets))
    for fault, units in zip(("dead units", "saturated units"), watcher._judged(), strict=True):
        for layer, number in Counter(layer_name(f"{unit}.b") for unit in units).items():
            if number >= widths[layer] / 2:
                yield fault, f"{number} of {widths[layer]} units of {layer or 'the model'}"


def _in_labels(
    output: Any, labels: list[int] | None, examples: Any, loss: Loss
) -> Iterator[tuple[str, str]]:
    """Tries outputs: each must have the lowest loss for the class that it means, and vice versa."""
    fault, targets = "labels that do not match the loss", examples.targets
    if labels is None:
        are_whole = all(isinstance(t, int | float) and t % 1 == 0 for t in targets)
        if are_whole and examples.task != "regression" and len({*targets}) <= len(targets) / 4:
            yield fault, f"targets are {len({*targets})} whole numbers, and not labels from 0"
        return
    tried: list[Any] = [-2.0, -0.25, 0.25, 2.0]
    if not isinstance(output, Value):
        tried = [[4.0 * (i == j) for i in range(len(output))] for j in range(len(output))]
    means = [chosen_class(y) for y in tried]
    target_of = dict(zip(labels, targets, strict=True))
    losses = {c: [_tried(loss, [y], [t]) for y in tried] for c, t in target_of.items()}
    for i, (y, mine) in enumerate(zip(tried, means, strict=True)):
        if min(losses, key=lambda c: losses[c][i]) != mine and mine in losses and len(losses) > 1:
            yield fault, f"the output {y} means class {mine}, but its loss is lower for another"
    for c, row in losses.items():
        best = min(row)
        if best < 0 or any(x == best for x, mine in zip(row, means, strict=True) if mine != c):
            yield fault, f"for the target {target_of[c]} the loss is {best:.3g} at a wrong output"


def _tried(loss: Loss, outputs: list[Any], targets: list[Any]) -> float:
    values = [[*map(Value, y)] if isinstance(y, list) else Value(y) for y in outputs]
    return float(loss_of(loss, values, targets).data)


def _at_chance(output: Any, labels: list[int] | None, targets: list[Any], loss: Loss) -> float:
    """Returns the loss of the best constant output, among those that suit the usual losses."""
    count = len(targets)
    if not isinstance(output, Value):
        shares = [math.log(max((labels or []).count(c), 1e-3)) for c in range(len(output))]
        columns = [] if labels else zip(*targets, strict=True)
        means = [total(column) / count for column in columns]
        constants: list[Any] = [shares if labels else means]
    else:
        constants = [-1.0, 0.0, 1.0, total(targets) / count]
        if labels and 0 < (ones := labels.count(1)) < count:
            constants.append(math.log(ones / (count - ones)))
    return min(_tried(loss, [c] * count, targets) for c in constants)


def _in_gradients(
    model: Any, outputs: list[Any], examples: Any, loss: Loss
) -> Iterator[tuple[str, str]]:
    """Compares the gradients of the first layer with those of the last, on some examples."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    parameters = [p for _, p in named]
    pairs = list(zip(outputs, examples.targets, strict=True))
    losses = [_tried(loss, [numbers_of(y, 0)], [t]) for y, t in pairs]
    hardest = sorted(range(len(losses)), key=losses.__getitem__)[-FEW:]
    squares: dict[str, float] = {}
    for i in {*hardest, *range(0, len(losses), math.ceil(len(losses) / FEW))}:
        output = output_of(model, examples.inputs[i], i)
        one = loss_of(loss, [output], [examples.targets[i]])
        gradient = [g.data for g in grad(one, parameters)] if one.requires_grad else []
        for (name, _), slope in zip(named, gradient, strict=False):
            if name.endswith(".b"):
                squares[layer_name(name)] = squares.get(layer_name(name), 0.0) + slope * slope
    if len(squares) > 1 and all(0 < square < math.inf for square in squares.values()):
        (first, low), *_, (last, high) = squares.items()
        ratio = math.sqrt(low / high)
        words = f"the gradient in {first} is {ratio:.1e} times that in {last}"
        if ratio < 1e-3:
            yield "gradients that vanish", words
        if ratio > 100:
            yield "gradients that explode", words
