"""Zeros around the data, as around an image, do not count as terms of a sum.

    sum(k[i] * padded[t + i] for i in range(3))     where padded = [0.0, *x, 0.0]

The first of these sums has `0 * k[0]`, where its neighbours have a number of x. Without such terms
it is a sum like theirs with fewer terms, and `arrays/windows.py` puts the zeros back, around x. A
sum at a wall is like them, too: 0 - 2 * u[0] + u[1] beside u[0] - 2 * u[1] + u[2] (see
`recurrences/alike.py`). `record.py` calls `without_padding`, before it adds the derivatives.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from micrograd_notes.common.extras import numpy as np
from micrograd_notes.engine import ops
from micrograd_notes.engine.op import Op
from micrograd_notes.lifting.ints import Ints
from micrograd_notes.lifting.recurrences.alike import SIGNS, Alike
from micrograd_notes.lifting.recurrences.starts import Started
from micrograd_notes.lifting.trace.rewritten import Rewritten
from micrograd_notes.lifting.trace.tape import Array, Tape


def without_padding(started: Started) -> Started:
    """Returns the tape, in which sums do without 0 times a parameter, and without a 0 at a wall.

    Every bit stays the same, unless the parameter is infinite, which makes a nan of 0.
    """
    tape = started.tape
    may_have_walls = started.has_walls and _may_have_walls(tape)
    zeros, keys = _zeros(tape), Alike(tape, range(len(tape)) if may_have_walls else (), {})
    if not zeros and not keys.walls:
        return started
    new, begin = Rewritten(tape), list[int]()
    place, put = new.place, new.put
    first: dict[Any, int] = {}  # of the sums that are made alike
    for i, op in enumerate(tape.ops):
        begin.append(len(new.tape))
        operands = tape.operands[i]
        if i in keys.walls:
            here = [(n, k) for n, k in enumerate(operands) if k not in keys.zeros]
            terms = [
                put(ops.neg, (place[k],), k) if n and op is ops.subtract else place[k]
                for n, k in here
            ]
            place.append(put(ops.add, terms, i))
            new.tape.neighbour_of[place[i]] = first.setdefault((op, keys.walls[i]), place[i])
        elif op.__class__ is Op:
            left = [k for k in operands if k not in zeros] if op is ops.add else [*operands]
            is_less = len(left) == 1 < len(operands)
            place.append(place[left[0]] if is_less else put(op, [place[k] for k in operands], i))
        else:
            place.append(new.copy(i))
    new.tape.note_as(tape, place)
    return started.moved(new.tape, place, new.like, [*begin, len(new.tape)])


def _zeros(tape: Tape) -> set[int]:
    """Returns the products of 0 and a parameter whose array has other products, too."""
    numbers, operands = tape.numbers, tape.operands
    found = {i for i in _uses_of_zero(tape)[1].tolist() if tape.ops[i] is ops.multiply}
    if not found:
        return found
    products = {i: operands[i] for i, op in enumerate(tape.ops) if op is ops.multiply}

    def parameters(factors: Iterable[int]) -> set[Array]:
        of = [tape.ops[k] for k in factors]
        return {array for array in of if isinstance(array, Array) and array.is_parameter}

    both = [each for each in products.values() if numbers.keys().isdisjoint(each)]
    others = parameters(chain.from_iterable(both))
    return {i for i in found if parameters(products[i]) & others}


def _uses_of_zero(tape: Tape) -> tuple[Ints, Ints]:
    """Returns where a 0 is read in all operands, and which numbers read it there."""
    zeros = [k for k, x in tape.numbers.items() if x == 0]
    at = np.flatnonzero(np.isin(np.array(tape.operands.flat), zeros))
    return at, np.searchsorted(np.array(tape.operands.first), at, side="right") - 1


def _may_have_walls(tape: Tape) -> bool:
    """Returns whether something adds or subtracts a 0 that no sum begins with.

    A sum of one term, 0 + a, goes nowhere: it is at a wall if others add such a term to a number.
    """
    at, owner = _uses_of_zero(tape)
    flat, first = np.array(tape.operands.flat), np.array(tape.operands.first)
    begun = set[int]()
    for i, is_left in zip(owner.tolist(), (at == first[owner]).tolist(), strict=True):
        if tape.ops[i] is ops.add and is_left:
            begun.add(i)
        elif tape.ops[i] in SIGNS:
            return True
    if not begun:
        return False
    is_add = np.array([op is ops.add for op in tape.ops])
    adds = np.flatnonzero(is_add)
    left, right = flat[first[adds]], flat[first[adds + 1] - 1]
    alone = begun.difference(left.tolist())
    to_numbers = right[~is_add[left] & ~np.isin(left, flat[at])]
    others = {tape.ops[k] for k in to_numbers.tolist()} if alone else set()
    return any(tape.ops[tape.operands[i][-1]] in others for i in alone)
