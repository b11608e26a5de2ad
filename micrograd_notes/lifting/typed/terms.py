"""Terms: what an expression adds up, each a number times powers of factors.

The `3 * x * y / s - x` of arrays is {x y s^-1: 3, x: -1}. A factor has a *label* for each of its
axes: which axis it is of the array that it is part of, counted from the last one, -1, as NumPy does
to broadcast. The label of an axis of size 1 is 0. So `s[:, None]` and `s[None, :]` are the factor s
with the labels (-2,) and (-1,). `algebra.py` finds and rewrites terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import frexp
from typing import Any

from micrograd_notes.lifting.typed.expressions import (
    WHOLE,
    Apply,
    Expression,
    Number,
    Transpose,
    part,
    times,
    transposed,
)

EXACT = 2**20  # numbers up to it are factors of terms, if they are whole times a power of two


@dataclass(frozen=True)
class Summed:
    """The sum of a term over all of its axes but the first few, as a factor of other terms."""

    term: Term
    kept: int


Factor = tuple[Expression | Summed, tuple[int, ...]]
Term = frozenset[tuple[Factor, float]]  # factors with their powers
Terms = dict[Term, float]
ONE: Term = frozenset()


class NoTerms(Exception):
    """An expression is a factor by itself."""


# ---- numbers of terms ----------------------------------------------------------------------------


def is_exact(c: float) -> bool:
    """Returns whether a number is whole times a power of two, and small, so that nothing rounds."""
    mantissa, exponent = frexp(c)
    return (mantissa * EXACT).is_integer() and abs(exponent) < 200


def scaled(terms: Terms, c: float) -> Terms:
    """Returns a number times terms; `NoTerms` if a number is rounded."""
    if not all(is_exact(c * own) for own in terms.values()):
        raise NoTerms
    return {term: c * own for term, own in terms.items() if c}


def added(every: Sequence[Terms]) -> Terms:
    """Returns the sum of terms; `NoTerms` if a number is rounded."""
    found: Terms = {}
    for terms in every:
        for term, c in terms.items():
            found[term] = found.get(term, 0.0) + c
    if not all(map(is_exact, found.values())):
        raise NoTerms
    return {term: c for term, c in found.items() if c}


# ---- labels --------------------------------------------------------------------------------------


def labels_of(expression: Expression) -> tuple[int, ...]:
    """Returns the labels of an array in itself."""
    rank = len(expression.shape)
    return tuple([k - rank if size != 1 else 0 for k, size in enumerate(expression.shape)])


def used_by(term: Iterable[tuple[Factor, float]]) -> set[int]:
    """Returns the labels of the axes along which a term differs."""
    return {k for (_, labels), _ in term for k in labels} - {0}


def new_labels(view: Any) -> dict[int, int]:
    """Returns the label in a view for each axis of its array, if the view only moves axes."""
    rank = len(view.of.shape)
    if isinstance(view, Transpose):
        return {axis - rank: k - rank for k, axis in enumerate(view.order)}
    if any(each is not None and each != WHOLE for each in view.index):
        raise NoTerms
    index = [*view.index, *[WHOLE] * (rank - view.index.count(WHOLE))]
    kept = [k - len(index) for k, each in enumerate(index) if each is not None]
    return {k - rank: label for k, label in enumerate(kept)}


def with_labels(factor: Factor, new: Mapping[int, int]) -> Factor:
    """Returns a factor with a new label for each of its own."""
    return factor[0], tuple([new[k] if k else 0 for k in factor[1]])


def relabelled(term: Term, new: Mapping[int, int]) -> Term:
    """Returns a term with new labels."""
    return frozenset([(with_labels(factor, new), power) for factor, power in term])


def moved(terms: Terms, new: Mapping[int, int]) -> Terms:
    """Returns terms with new labels."""
    return {relabelled(term, new): c for term, c in terms.items()}


def compacted(terms: Terms) -> tuple[Any, tuple[int, ...]]:
    """Returns terms whose axes are counted without gaps, and the labels that they had."""
    used = sorted({k for term in terms for k in used_by(term)})
    return frozenset(moved(terms, without_gaps(used)).items()), tuple(used)


def without_gaps(labels: Sequence[int]) -> dict[int, int]:
    """Returns a new label for each of these, ..., -3, -2, -1."""
    return {k: i - len(labels) for i, k in enumerate(labels)}


def matches(
    pattern: Sequence[tuple[Factor, float]], powers: Mapping[Factor, float], sign: float,
    new: dict[int, int],
) -> Iterator[dict[int, int]]:
    """Yields the labels with which a term, or 1 over it for the sign -1, is part of another one."""
    if not pattern:
        yield new
        return
    ((atom, labels), power), *others = pattern
    for (other, theirs), whole in powers.items():
        if other == atom and 0.0 < sign * power / whole <= 1.0:
            pairs = {*zip(labels, theirs, strict=True), *new.items()}
            if len({k for k, _ in pairs}) == len({k for _, k in pairs}) == len(pairs):
                yield from matches(others, powers, sign, dict(pairs))


def placed(expression: Expression, labels: Sequence[int]) -> Expression:
    """Returns an array whose axes have these labels, in the order in which NumPy broadcasts."""
    if 0 in labels:
        expression = part(expression, [WHOLE if k else 0 for k in labels])
    kept = [k for k in labels if k]
    expression = transposed(expression, sorted(range(len(kept)), key=kept.__getitem__))
    index = [WHOLE if k in kept else None for k in range(min(kept, default=0), 0)]
    return part(expression, index) if None in index else expression


def raised(of: Expression, power: float) -> Expression:
    """Returns the power of an array; that of -1 is divided by, so it is the array."""
    if power in (1.0, -1.0):
        return of
    return Apply("sqrt", (of,)) if power == 0.5 else Apply("power", (of, Number(power)))


def quotient(of: Expression, under: Iterable[Expression]) -> Expression:
    """Returns an array divided by others."""
    return reduce(lambda over, each: Apply("divide", (over, each)), under, of)


def product(factors: Iterable[Expression | None]) -> Expression | None:
    """Returns the product of factors; None if there is none."""
    there = [each for each in factors if each is not None]
    return reduce(times, there) if there else None
