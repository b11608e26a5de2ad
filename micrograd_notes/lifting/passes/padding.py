"""Zeros around the data, as around an image, do not count as terms of a sum.

    sum(k[i] * padded[t + i] for i in range(3))     where padded = [0.0, *x, 0.0]

The first of these sums has `0 * k[0]`, where its neighbours have a number of x. Without such terms
it is a sum like theirs with fewer terms, and `arrays/windows.py` puts the zeros back, around x.
`record.py` calls `without_padding`, before it adds the derivatives.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from micrograd_notes.engine import ops
from micrograd_notes.lifting.recurrences.starts import Started
from micrograd_notes.lifting.trace.tape import Array, Tape


def without_padding(started: Started) -> Started:
    """Returns the tape, in which sums do without 0 times a parameter.

    Every bit stays the same, unless the parameter is infinite, which makes a nan of 0.
    """
    tape = started.tape
    zeros = _zeros(tape)
    if not zeros:
        return started
    instead = [*range(len(tape))]
    flat, first = tape.operands.flat[:], tape.operands.first
    for i, op in enumerate(tape.ops):
        if isinstance(op, Array):
            continue
        for k in range(first[i], first[i + 1]):
            flat[k] = instead[flat[k]]
        if op is ops.add and first[i + 1] - first[i] == 2:
            a, b = flat[first[i] : first[i + 1]]
            instead[i] = b if a in zeros else a if b in zeros else i
    made = Tape()
    made.ops, made.numbers = [*tape.ops], dict(tape.numbers)
    made.operands.flat, made.operands.first = flat, first
    made.note_as(tape, instead)
    return started.moved(made, instead, started.like or [*range(len(tape))])


def _zeros(tape: Tape) -> set[int]:
    """Returns the products of 0 and a parameter whose array has other products, too."""
    numbers, operands = tape.numbers, tape.operands
    zeros = {k for k, x in numbers.items() if x == 0}
    products = {i: operands[i] for i, op in enumerate(tape.ops) if zeros and op is ops.multiply}

    def parameters(factors: Iterable[int]) -> set[Array]:
        of = [tape.ops[k] for k in factors]
        return {array for array in of if isinstance(array, Array) and array.is_parameter}

    found = [i for i, factors in products.items() if not zeros.isdisjoint(factors)]
    both = [each for each in products.values() if found and numbers.keys().isdisjoint(each)]
    others = parameters(chain.from_iterable(both))
    return {i for i in found if parameters(products[i]) & others}
