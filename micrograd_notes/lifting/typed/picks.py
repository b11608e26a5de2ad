"""Labels of classes: what a label picks, and where it is k.

`array[np.arange(n), label]` is a `Pick`, and where(label[:, None] == np.arange(5), 1, 0), which is
its derivative, a `Flag`. `algebra.py` asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any, NamedTuple, TypeGuard

from micrograd_notes.lifting.trace.tape import Array
from micrograd_notes.lifting.typed.expressions import (
    Apply,
    Constant,
    Counting,
    Expression,
    Kind,
    Number,
    Part,
    Read,
    Size,
    Where,
)
from micrograd_notes.lifting.typed.terms import Factor, NoTerms, labels_of, new_labels

Seen = tuple[Any, tuple[int, ...]]  # what an expression reads, and its labels in it


class Flag(NamedTuple):
    """1 where label == k, for so many k, and 0 elsewhere: the label's own axes, and that of k."""

    label: Array
    many: Size
    axes: tuple[int, ...]
    along: int


class Pick(NamedTuple):
    """The number that a label picks, of so many along an axis of an array.

    `axes` are those of the result that the label has, and `others` those of the array's other axes.
    """

    label: Array
    many: Size
    axes: tuple[int, ...]
    along: int
    others: tuple[int, ...]


def is_flag(atom: Any) -> TypeGuard[Where]:
    """Returns whether a factor is 1 or 0, by a condition."""
    return isinstance(atom, Where) and (atom.yes, atom.no) == (Number(1.0), Number(0.0))


def flag_of(factor: Factor) -> Flag | None:
    """Returns what a factor says of a label; None if it says nothing."""
    atom, labels = factor
    compared = compared_in(atom.condition) if is_flag(atom) else None
    if compared is None:
        return None
    (label, axes), (classes, along) = compared
    return Flag(label, classes.shape[0], chosen(labels, axes), labels[along[0]])


def compared_in(condition: Expression) -> tuple[Seen, Seen] | None:
    """Returns the label and the classes of label[:, None] == classes; None for anything else."""
    if not isinstance(condition, Apply) or condition.function != "equal":
        return None
    for choice, numbers in permutations(condition.of):
        label, classes = seen_in(choice), seen_in(numbers)
        is_label = isinstance(label[0], Array) and choice.kind is Kind.CHOICE
        is_counted = isinstance(classes[0], Constant) and classes[0].counts
        if is_label and is_counted and 0 not in (*label[1], *classes[1]):
            return label, classes
    return None


def pick_of(atom: Any) -> Pick | None:
    """Returns what a label picks, if the array's other axes are only counted."""
    if not isinstance(atom, Part) or not all(isinstance(each, Expression) for each in atom.index):
        return None
    read = [k for k, each in enumerate(atom.index) if isinstance(seen_in(each)[0], Array)]
    others = [each for k, each in enumerate(atom.index) if k not in read]
    if len(read) != 1 or len(atom.index) != len(atom.of.shape):
        return None
    for each in others:
        inner = each.of if isinstance(each, Part) else each
        rest = [1] * (len(each.shape) - 1)
        if not isinstance(inner, Counting) or each.shape != (inner.size, *rest):
            return None
    [along] = read
    label, axes = seen_in(atom.index[along])
    counted = tuple([-len(each.shape) for each in others])
    return None if 0 in axes else Pick(label, atom.of.shape[along], axes, along, counted)


def seen_in(expression: Expression) -> Seen:
    """Returns what an expression reads, and its labels in it, if it only adds axes."""
    if isinstance(expression, Read):
        return expression.source, labels_of(expression)
    try:
        new = new_labels(expression) if isinstance(expression, Part) else {}
    except NoTerms:
        new = {}
    source, labels = seen_in(expression.of) if new else (None, ())  # type: ignore[attr-defined]
    return source, tuple([new[k] if k else 0 for k in labels])


def chosen(labels: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """Returns the labels of some axes."""
    return tuple([labels[k] for k in axes])
